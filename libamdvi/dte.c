/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device table: where an entry is, whether it is legal, what it means.
 * Sources: spec/structures.md 1, spec/registers.md 3.1.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

/* Bytes of a DTE, and DTEs in 4 KiB */
#define DTE_BYTES 32
#define DTES_PER_PAGE 128

/* log2 of the segments in use; reserved encodings count as one segment */
static unsigned int segment_bits(const struct amdvi_iommu *iommu)
{
    uint64_t en = amdvi_control_dev_tbl_seg_en(&iommu->control);

    return en <= AMDVI_segments_8 ? (unsigned int)en : 0;
}

/* DTEs in segment @n */
static uint32_t segment_entries(const struct amdvi_iommu *iommu,
                                unsigned int n)
{
    const uint64_t *base = &iommu->devtab[n];
    uint32_t pages = n ? (uint32_t)amdvi_devtab_base1_size(base)
                       : (uint32_t)amdvi_devtab_base_size(base);
    uint32_t entries = (pages + 1) * DTES_PER_PAGE;
    uint32_t most = 0x10000u >> segment_bits(iommu);

    return entries < most ? entries : most;
}

bool amdvi_dte_address(const struct amdvi_iommu *iommu, uint16_t device_id,
                       uint64_t *spa)
{
    unsigned int index_bits = 16 - segment_bits(iommu);
    unsigned int segment = (uint32_t)device_id >> index_bits;
    uint32_t index = device_id & ((1u << index_bits) - 1);

    if (index >= segment_entries(iommu, segment)) {
        return false;
    }
    *spa = amdvi_devtab_base_base(&iommu->devtab[segment]) +
           (uint64_t)index * DTE_BYTES;
    return true;
}

enum amdvi_mem_status amdvi_read_dte(const struct amdvi_mem *mem,
                                     uint64_t spa, uint64_t dte[4])
{
    uint8_t bytes[DTE_BYTES];
    enum amdvi_mem_status status = mem->read(mem->opaque, spa, bytes,
                                             sizeof(bytes));

    if (status == AMDVI_MEM_OK) {
        amdvi_load_words(dte, bytes, AMDVI_MAX_WORDS);
    }
    return status;
}

uint32_t amdvi_device_table_entries(const struct amdvi_iommu *iommu)
{
    uint32_t total = 0;

    for (unsigned int n = 0; n < 1u << segment_bits(iommu); n++) {
        total += segment_entries(iommu, n);
    }
    return total;
}

bool amdvi_guest_on(const struct amdvi_iommu *iommu, const uint64_t dte[4])
{
    return amdvi_control_gt_en(&iommu->control) && amdvi_dte_gv(dte);
}

uint8_t amdvi_dte_perm(const uint64_t dte[4])
{
    return (uint8_t)(amdvi_dte_ir(dte) * (AMDVI_PERM_R | AMDVI_PERM_X) |
                     amdvi_dte_iw(dte) * AMDVI_PERM_W);
}

unsigned int amdvi_pasid_bits(const struct amdvi_iommu *iommu,
                              const uint64_t dte[4])
{
    unsigned int span = 9 * ((unsigned int)amdvi_dte_glx(dte) + 1);
    unsigned int most =
        (unsigned int)amdvi_efr_pas_max(&iommu->features.efr) + 1;

    return span < most ? span : most;
}

/* Levels of host table the IOMMU walks; 0: none at all */
static unsigned int host_levels(const struct amdvi_iommu *iommu)
{
    uint64_t hats = amdvi_efr_hats(&iommu->features.efr);

    return hats == AMDVI_hats_none ? 0 : 4 + (unsigned int)hats;
}

/* GLX and GuestPagingMode within what EFR offers */
static bool guest_encoding_legal(const struct amdvi_iommu *iommu,
                                 const uint64_t dte[4])
{
    const uint64_t *efr = &iommu->features.efr;

    return amdvi_dte_glx(dte) <= AMDVI_glx_3_level &&
           amdvi_dte_glx(dte) <= amdvi_efr_glx_sup(efr) &&
           amdvi_dte_guest_paging_mode(dte) <= AMDVI_guest_levels_5_level &&
           amdvi_dte_guest_paging_mode(dte) <= amdvi_efr_gats(efr);
}

/* Dirty bits need a feature of their own; HASup is checked as reserved */
static bool had_legal(const struct amdvi_iommu *iommu, uint64_t had)
{
    return had == AMDVI_had_none || had == AMDVI_had_accessed ||
           (had == AMDVI_had_accessed_dirty &&
            amdvi_efr_hd_sup(&iommu->features.efr));
}

static bool encoding_legal(const struct amdvi_iommu *iommu,
                           const uint64_t dte[4])
{
    return amdvi_dte_mode(dte) <= host_levels(iommu) &&
           had_legal(iommu, amdvi_dte_had(dte)) &&
           (!amdvi_guest_on(iommu, dte) || guest_encoding_legal(iommu, dte));
}

/* Bits 255:128 are the interrupt part, with a valid bit of their own */
static bool has_reserved_bits(const struct amdvi_iommu *iommu,
                              const uint64_t dte[4])
{
    const uint64_t *reserved = iommu->dte_reserved;
    uint64_t mask[AMDVI_MAX_WORDS];

    if (!reserved) {
        amdvi_reserved_mask(&amdvi_layouts[AMDVI_LAYOUT_dte],
                            &iommu->features, mask);
        reserved = mask;
    }
    return dte[0] & reserved[0] || dte[1] & reserved[1];
}

enum amdvi_reason amdvi_check_dte(const struct amdvi_iommu *iommu,
                                  const uint64_t dte[4])
{
    if (!amdvi_dte_v(dte)) {
        return AMDVI_REASON_NONE;
    }
    if (has_reserved_bits(iommu, dte)) {
        return AMDVI_REASON_DTE_RESERVED;
    }
    if (amdvi_dte_tv(dte) && !encoding_legal(iommu, dte)) {
        return AMDVI_REASON_DTE_ENCODING;
    }
    return AMDVI_REASON_NONE;
}

enum amdvi_dte_mode amdvi_classify_dte(const struct amdvi_iommu *iommu,
                                       const uint64_t dte[4])
{
    bool guest = amdvi_guest_on(iommu, dte);

    if (!amdvi_dte_v(dte)) {
        return AMDVI_DTE_INVALID;
    }
    if (amdvi_check_dte(iommu, dte) != AMDVI_REASON_NONE) {
        return AMDVI_DTE_ILLEGAL;
    }
    if (!amdvi_dte_tv(dte) || (!amdvi_dte_ir(dte) && !amdvi_dte_iw(dte))) {
        return AMDVI_DTE_BLOCKED;
    }
    if (amdvi_dte_mode(dte)) {
        return guest ? AMDVI_DTE_NESTED : AMDVI_DTE_HOST;
    }
    return guest ? AMDVI_DTE_GUEST : AMDVI_DTE_BYPASS;
}

/*
 * With dirty bits left to software a translation request is granted less than
 * DMA (translation.md 4.1), so one cannot take what the other has cached.
 */
static bool ats_is_different(const struct amdvi_iommu *iommu,
                             const uint64_t dte[4])
{
    return amdvi_control_gd_update_dis(&iommu->control) &&
           amdvi_guest_on(iommu, dte) && amdvi_dte_i(dte);
}

bool amdvi_summarize_dte(const struct amdvi_iommu *iommu,
                         const uint64_t dte[4],
                         struct amdvi_dte_summary *summary)
{
    if (!amdvi_control_iommu_en(&iommu->control) ||
        amdvi_excl_base_ex_en(&iommu->excl_base) ||
        !amdvi_dte_v(dte) || !amdvi_dte_tv(dte) ||
        amdvi_check_dte(iommu, dte) != AMDVI_REASON_NONE ||
        ats_is_different(iommu, dte)) {
        return false;
    }
    *summary = (struct amdvi_dte_summary) {
        .domain_id = (uint16_t)amdvi_dte_domain_id(dte),
        .pasid_bits = (uint8_t)amdvi_pasid_bits(iommu, dte),
        .perm = amdvi_dte_perm(dte),
        .guest = amdvi_guest_on(iommu, dte),
        .giov = amdvi_guest_on(iommu, dte) && amdvi_dte_giov(dte),
        .host = amdvi_dte_mode(dte) != 0,
        .ats = amdvi_dte_i(dte),
    };
    return true;
}

const char *amdvi_dte_mode_word(enum amdvi_dte_mode mode)
{
    static const char *const word[] = {
        [AMDVI_DTE_INVALID] = "invalid",
        [AMDVI_DTE_BLOCKED] = "blocked",
        [AMDVI_DTE_BYPASS] = "bypass",
        [AMDVI_DTE_HOST] = "host",
        [AMDVI_DTE_GUEST] = "guest",
        [AMDVI_DTE_NESTED] = "nested",
        [AMDVI_DTE_ILLEGAL] = "illegal",
    };

    return word[mode];
}
