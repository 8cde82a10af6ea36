/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu and query-amd-iommu-registers. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* 32-bit words of the IOMMU capability: spec/registers.md 1.1 */
#define CAPABILITY_WORDS 6
/* Bytes of one register in a reply, at most */
#define REGISTER_BYTES 160

static AmdIommuOptions *query_options(AMDVIState *s)
{
    AmdIommuOptions *reply = g_new0(AmdIommuOptions, 1);
    const AmdviOptions *o = &s->svm;

    reply->intremap = x86_iommu_ir_supported(X86_IOMMU_DEVICE(s));
    reply->xtsup = s->xtsup;
    reply->dma_remap = s->dma_remap;
    if (o->svm) {
        reply->has_pasid_bits = reply->has_guest_levels = true;
        reply->has_iotlb_size = true;
        reply->iotlb_size = o->iotlb_size;
        reply->has_ats = reply->has_pri = reply->has_pmu = true;
        reply->pasid_bits = o->pasid_bits;
        reply->guest_levels = o->guest_levels;
        reply->ats = o->ats == ON_OFF_AUTO_ON;
        reply->pri = o->pri == ON_OFF_AUTO_ON;
        reply->pmu = o->pmu;
    }
    return reply;
}

static uint32List *query_capability(AMDVIState *s)
{
    const uint8_t *cap = s->pci->dev.config + s->pci->capab_offset;
    uint32List *words = NULL;

    for (int i = CAPABILITY_WORDS - 1; i >= 0; i--) {
        QAPI_LIST_PREPEND(words, pci_get_long(cap + 4 * i));
    }
    return words;
}

static AmdIommuRingList *query_rings(AMDVIState *s)
{
    AmdIommuRingList *rings = NULL, **tail = &rings;

    for (int log = 0; log < AMD_IOMMU_LOG__MAX; log++) {
        AmdIommuRing *ring = amdvi_qmp_ring(s, log);

        if (ring) {
            QAPI_LIST_APPEND(tail, ring);
        }
    }
    return rings;
}

AmdIommuInfoList *qmp_query_amd_iommu(Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(NULL);
    AmdIommuInfoList *list = NULL;
    struct amdvi_iommu view;
    AmdIommuInfo *info;

    if (!s) {
        return NULL;
    }
    amdvi_svm_view(s, &view);
    info = g_new0(AmdIommuInfo, 1);
    info->id = g_strdup(amdvi_qmp_id(s));
    info->qom_path = object_get_canonical_path(OBJECT(s));
    info->engine = s->engine ? AMD_IOMMU_ENGINE_SVM : AMD_IOMMU_ENGINE_STOCK;
    info->options = query_options(s);
    info->mmio_base = s->mr_mmio.addr;
    info->device_id = pci_get_bdf(&s->pci->dev);
    info->capability = query_capability(s);
    info->efr = view.features.efr;
    info->efr2 = view.features.efr2;
    info->control = view.control;
    info->status = amdvi_svm_read_register(s, AMDVI_LAYOUT_status);
    info->enabled = amdvi_control_iommu_en(&view.control);
    info->device_table_entries = amdvi_device_table_entries(&view);
    info->rings = query_rings(s);
    QAPI_LIST_PREPEND(list, info);
    return list;
}

/* The stock model knows one value only that is not 0 after a reset */
static uint64_t reset_value(AMDVIState *s, enum amdvi_layout_id id)
{
    if (s->engine) {
        return s->engine->reg[id].reset;
    }
    return id == AMDVI_LAYOUT_efr ? amdvi_extended_feature_register(s) : 0;
}

static AmdIommuRegister *query_register(AMDVIState *s, enum amdvi_layout_id id)
{
    const struct amdvi_layout *l = &amdvi_layouts[id];
    AmdIommuRegister *reg = g_new0(AmdIommuRegister, 1);
    char name[AMDVI_FIELD_TEXT];

    reg->offset = l->offset;
    reg->name = g_strdup(amdvi_key(l->id, name));
    reg->size = l->bits / 8;
    reg->value = amdvi_svm_read_register(s, id);
    reg->reset = reset_value(s, id);
    return reg;
}

AmdIommuRegisters *
qmp_query_amd_iommu_registers(const char *id, bool has_start, uint32_t start,
                              bool has_limit, uint32_t limit, Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);
    AmdIommuRegisters *reply;
    AmdIommuRegisterList **tail;
    struct amdvi_iommu view;
    AmdviBudget budget;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuRegisters, 1);
    if (!s) {
        return reply;
    }
    amdvi_svm_view(s, &view);
    tail = &reply->registers;
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        if (l->offset < start || !amdvi_feature(&view.features, l->needs)) {
            continue;
        }
        if (!amdvi_qmp_may_reply(&budget, REGISTER_BYTES)) {
            reply->has_next = true;
            reply->next = l->offset;
            break;
        }
        amdvi_qmp_reply(&budget, REGISTER_BYTES);
        QAPI_LIST_APPEND(tail, query_register(s, i));
    }
    return reply;
}
