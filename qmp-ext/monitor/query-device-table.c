/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-device-table. */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "hw/pci/pci_bus.h"
#include "target.h"

#define DEVICE_IDS 0x10000
/* Bytes of one entry in a reply, at most */
#define DTE_BYTES 300

static const AmdIommuDteMode modes[] = {
    [AMDVI_DTE_INVALID] = AMD_IOMMU_DTE_MODE_INVALID,
    [AMDVI_DTE_BLOCKED] = AMD_IOMMU_DTE_MODE_BLOCKED,
    [AMDVI_DTE_BYPASS] = AMD_IOMMU_DTE_MODE_BYPASS,
    [AMDVI_DTE_HOST] = AMD_IOMMU_DTE_MODE_HOST,
    [AMDVI_DTE_GUEST] = AMD_IOMMU_DTE_MODE_GUEST,
    [AMDVI_DTE_NESTED] = AMD_IOMMU_DTE_MODE_NESTED,
    [AMDVI_DTE_ILLEGAL] = AMD_IOMMU_DTE_MODE_ILLEGAL,
};

static void mark_function(PCIBus *bus, PCIDevice *dev, void *opaque)
{
    set_bit(pci_get_bdf(dev), opaque);
}

static void mark_bus(PCIBus *bus, void *opaque)
{
    pci_for_each_device_under_bus(bus, mark_function, opaque);
}

/* The DeviceIDs of all PCI functions; the caller frees the bitmap */
static unsigned long *find_functions(AMDVIState *s)
{
    unsigned long *present = bitmap_new(DEVICE_IDS);
    PCIBus *root = pci_device_root_bus(&s->pci->dev);

    pci_for_each_bus(root, mark_bus, present);
    return present;
}

static void decode_dte(AmdIommuDte *reply, const struct amdvi_iommu *view,
                       const uint64_t dte[4])
{
    for (int i = 3; i >= 0; i--) {
        QAPI_LIST_PREPEND(reply->dte, dte[i]);
    }
    reply->mode = modes[amdvi_classify_dte(view, dte)];
    reply->valid = amdvi_dte_v(dte);
    reply->domain_id = amdvi_dte_domain_id(dte);
    reply->has_gcr3_root = amdvi_dte_gv(dte) &&
                           amdvi_control_gt_en(&view->control);
    reply->gcr3_root = amdvi_dte_gcr3_trp(dte);
    reply->ats = amdvi_dte_i(dte);
    reply->ppr = amdvi_dte_ppr(dte);
}

static AmdIommuDte *query_dte(const struct amdvi_iommu *view,
                              uint16_t device_id, bool present)
{
    AmdIommuDte *reply = g_new0(AmdIommuDte, 1);
    uint8_t bytes[32];
    uint64_t dte[4];

    reply->device_id = device_id;
    reply->present = present;
    reply->mode = AMD_IOMMU_DTE_MODE_UNREADABLE;
    reply->has_address = amdvi_dte_address(view, device_id, &reply->address);
    if (reply->has_address &&
        amdvi_svm_load(reply->address, bytes, sizeof(bytes))) {
        amdvi_load_words(dte, bytes, ARRAY_SIZE(dte));
        decode_dte(reply, view, dte);
    }
    return reply;
}

/* The first DeviceID from @id on that the filter lets through unread */
static uint32_t next_candidate(uint32_t id, AmdIommuDteFilter filter,
                               const unsigned long *present, uint32_t end)
{
    return filter == AMD_IOMMU_DTE_FILTER_PRESENT
           ? find_next_bit(present, DEVICE_IDS, id) : MIN(id, end);
}

static void query_table(AMDVIState *s, uint32_t id, AmdIommuDteFilter filter,
                        AmdviBudget *budget, AmdIommuDeviceTable *reply)
{
    AmdIommuDteList **tail = &reply->entries;
    g_autofree unsigned long *present = find_functions(s);
    struct amdvi_iommu view;
    uint32_t end;

    amdvi_svm_view(s, &view);
    end = filter == AMD_IOMMU_DTE_FILTER_PRESENT
          ? DEVICE_IDS : amdvi_device_table_entries(&view);
    for (id = next_candidate(id, filter, present, end); id < end;
         id = next_candidate(id + 1, filter, present, end)) {
        AmdIommuDte *dte;

        if (!budget->reads--) {
            break;
        }
        dte = query_dte(&view, id, test_bit(id, present));
        if (filter == AMD_IOMMU_DTE_FILTER_VALID && !dte->valid) {
            qapi_free_AmdIommuDte(dte);
            continue;
        }
        if (!amdvi_qmp_may_reply(budget, DTE_BYTES)) {
            qapi_free_AmdIommuDte(dte);
            break;
        }
        amdvi_qmp_reply(budget, DTE_BYTES);
        QAPI_LIST_APPEND(tail, dte);
    }
    reply->has_next = id < end;
    reply->next = id;
}

AmdIommuDeviceTable *
qmp_query_amd_iommu_device_table(const char *id,
                                 bool has_start, uint32_t start,
                                 bool has_limit, uint32_t limit,
                                 bool has_filter, AmdIommuDteFilter filter,
                                 Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);
    AmdIommuDeviceTable *reply;
    AmdviBudget budget;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuDeviceTable, 1);
    if (s && start < DEVICE_IDS) {
        query_table(s, start, filter, &budget, reply);
    }
    return reply;
}
