/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options make of the feature registers, and the words that repeat
 * them: capability and IVRS.  spec/registers.md 1, 5, 6; spec/acpi-ivrs.md.
 */
#include "qemu/osdep.h"
#include "pmu.h"
#include "state.h"

/* Widths in bits that the capability and IVRS state */
#define PA_BITS 48
#define VA_BITS 64
/* Guest virtual addresses of 48 bits, as the capability encodes them */
#define GVA_48_BITS 2
/* EFR.HATS: 6 levels */
#define HATS_6_LEVELS 2
/* EFR.DevTblSegSup: up to 8 segments */
#define SEGMENTS_8 3
/* PASID bits that one level of the GCR3 table translates */
#define GCR3_LEVEL_BITS 9
/* Levels of guest tables that EFR.GATS=0 stands for */
#define GATS_BASE 4
/* The type of an IVHD that may name ACPI devices, too */
#define IVHD_40H 0x40

/* PASIDs and guest tables; spec/linux-guest.md 2.3 says what Linux needs */
static void set_guest_translation(struct amdvi_features *f,
                                  const AmdviOptions *o)
{
    amdvi_efr_set_gt_sup(&f->efr, 1);
    amdvi_efr_set_gio_sup(&f->efr, 1);
    amdvi_efr_set_nx_sup(&f->efr, 1);
    amdvi_efr_set_gats(&f->efr, o->guest_levels - GATS_BASE);
    amdvi_efr_set_glx_sup(&f->efr, (o->pasid_bits - 1) / GCR3_LEVEL_BITS);
    amdvi_efr_set_pas_max(&f->efr, o->pasid_bits - 1);
    amdvi_efr_set_v2_hd_dis_sup(&f->efr, 1);
    amdvi_efr_set_ga_update_dis_sup(&f->efr, 1);
    amdvi_efr2_set_gcr3_trp_mode_sup(&f->efr2, 1);
}

static void set_page_requests(struct amdvi_features *f)
{
    amdvi_efr_set_ppr_sup(&f->efr, 1);
    amdvi_efr_set_eph_sup(&f->efr, 1);
    amdvi_efr_set_ppr_ovrflw_early_sup(&f->efr, 1);
    amdvi_efr_set_ppr_auto_rsp_sup(&f->efr, 1);
    amdvi_efr_set_blk_stop_mrk_sup(&f->efr, 1);
}

/* What the engine does, and nothing else */
struct amdvi_features amdvi_svm_build_features(AMDVIState *s)
{
    struct amdvi_features f = { 0 };

    amdvi_efr_set_pref_sup(&f.efr, 1);
    amdvi_efr_set_xt_sup(&f.efr, s->xtsup);
    amdvi_efr_set_ia_sup(&f.efr, 1);
    amdvi_efr_set_ga_sup(&f.efr, 1);
    amdvi_efr_set_he_sup(&f.efr, 1);
    amdvi_efr_set_pc_sup(&f.efr, s->svm.pmu);
    amdvi_efr_set_hats(&f.efr, HATS_6_LEVELS);
    amdvi_efr_set_dev_tbl_seg_sup(&f.efr, SEGMENTS_8);
    amdvi_efr_set_ha_sup(&f.efr, 1);
    amdvi_efr_set_hd_sup(&f.efr, 1);
    set_guest_translation(&f, &s->svm);
    if (s->svm.pri == ON_OFF_AUTO_ON) {
        set_page_requests(&f);
    }
    return f;
}

uint64_t amdvi_svm_efr(AMDVIState *s, uint64_t stock)
{
    return s->svm.svm ? amdvi_svm_build_features(s).efr : stock;
}

/* Message of the PPR log, if there is one */
static unsigned int ppr_message(const AmdviOptions *o)
{
    return o->pri == ON_OFF_AUTO_ON ? AMDVI_SVM_MSI_PPR
                                    : AMDVI_SVM_MSI_GENERAL;
}

/* The sizes that the capability and IVinfo have in common */
static uint64_t sizes(void)
{
    uint64_t misc = 0;

    amdvi_msi_vector0_set_gva_size(&misc, GVA_48_BITS);
    amdvi_msi_vector0_set_pa_size(&misc, PA_BITS);
    amdvi_msi_vector0_set_va_size(&misc, VA_BITS);
    return misc;
}

uint32_t amdvi_svm_misc_word(const AmdviOptions *o)
{
    uint64_t misc = sizes();

    amdvi_msi_vector0_set_msi_num(&misc, AMDVI_SVM_MSI_GENERAL);
    amdvi_msi_vector0_set_msi_num_ppr(&misc, ppr_message(o));
    return misc;
}

/* IVinfo: EFRSup, and sizes where the capability has them too */
static uint32_t ivrs_info(void)
{
    return 1 | sizes();
}

/* IVHD flags: HtTunEn, IotlbSup, and in type 10h PreFSup and PPRSup */
static uint8_t ivhd_flags(const AmdviOptions *o, uint64_t efr, bool old)
{
    uint8_t flags = 1 | (o->ats == ON_OFF_AUTO_ON) << 4;

    if (old) {
        flags |= amdvi_efr_pref_sup(&efr) << 6 | amdvi_efr_ppr_sup(&efr) << 7;
    }
    return flags;
}

/* Attributes of types 11h and 40h: counters per bank, banks, MsiNumPPR */
static uint32_t ivhd_attributes(const AmdviOptions *o)
{
    uint32_t counters = AMDVI_PMU_BANK_COUNTERS << 13 | AMDVI_PMU_BANKS << 17;

    return ppr_message(o) << 23 | (o->pmu ? counters : 0);
}

/* Feature reporting of type 10h: the same, and fields of EFR */
static uint32_t ivhd_features(const AmdviOptions *o, uint64_t efr)
{
    return ivhd_attributes(o) |
           amdvi_efr_xt_sup(&efr) | amdvi_efr_nx_sup(&efr) << 1 |
           amdvi_efr_gt_sup(&efr) << 2 | amdvi_efr_glx_sup(&efr) << 3 |
           amdvi_efr_ia_sup(&efr) << 5 | amdvi_efr_ga_sup(&efr) << 6 |
           amdvi_efr_he_sup(&efr) << 7 | amdvi_efr_pas_max(&efr) << 8 |
           amdvi_efr_gats(&efr) << 28 | amdvi_efr_hats(&efr) << 30;
}

uint64_t amdvi_svm_ivrs(AMDVIState *s, AmdviIvrsWord word, uint64_t stock)
{
    struct amdvi_features f;

    if (!s->svm.svm) {
        return stock;
    }
    f = amdvi_svm_build_features(s);
    switch (word) {
    case AMDVI_IVRS_REVISION:
        return 2;
    case AMDVI_IVRS_INFO:
        return ivrs_info();
    case AMDVI_IVRS_FLAGS_10H:
        return ivhd_flags(&s->svm, f.efr, true);
    case AMDVI_IVRS_FLAGS_11H:
        return ivhd_flags(&s->svm, f.efr, false);
    case AMDVI_IVRS_FEATURES:
        return ivhd_features(&s->svm, f.efr);
    case AMDVI_IVRS_ATTRIBUTES:
        return ivhd_attributes(&s->svm);
    case AMDVI_IVRS_EFR2:
        return f.efr2;
    default:
        g_assert_not_reached();
    }
}

void amdvi_svm_append_ivhd_40h(AMDVIState *s, GArray *table_data,
                               guint ivhd_11h)
{
    guint place = table_data->len;

    if (s->svm.svm) {
        g_array_set_size(table_data, 2 * place - ivhd_11h);
        memcpy(table_data->data + place, table_data->data + ivhd_11h,
               place - ivhd_11h);
        table_data->data[place] = IVHD_40H;
    }
}
