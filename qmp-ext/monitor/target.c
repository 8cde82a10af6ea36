/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the IOMMU a command is about, its rings, and the cost of a reply. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "target.h"

static const AmdviRingId ring_ids[] = {
    [AMD_IOMMU_LOG_COMMAND] = AMDVI_RING_COMMAND,
    [AMD_IOMMU_LOG_EVENT] = AMDVI_RING_EVENT,
    [AMD_IOMMU_LOG_PPR] = AMDVI_RING_PPR,
};

const char *amdvi_qmp_id(AMDVIState *s)
{
    const char *id = DEVICE(s)->id;

    return id ? id : object_get_canonical_path_component(OBJECT(s));
}

AMDVIState *amdvi_qmp_find(const char *id)
{
    Object *iommu = OBJECT(x86_iommu_get_default());
    AMDVIState *s = (AMDVIState *)object_dynamic_cast(iommu,
                                                      TYPE_AMD_IOMMU_DEVICE);

    return s && (!id || g_str_equal(id, amdvi_qmp_id(s))) ? s : NULL;
}

bool amdvi_qmp_engine(const char *id, AmdviEngine **e, Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);

    *e = s ? amdvi_svm_engine(s) : NULL;
    if (s && !*e) {
        error_setg(errp, "this needs an amd-iommu with svm=on");
        return false;
    }
    return true;
}

AmdviEngine *amdvi_qmp_need_engine(const char *id, Error **errp)
{
    AmdviEngine *e;

    if (!amdvi_qmp_engine(id, &e, errp)) {
        return NULL;
    }
    if (!e) {
        error_setg(errp, "there is no such AMD IOMMU");
    }
    return e;
}

AmdviDevice *amdvi_qmp_device(AmdviEngine *e, uint16_t device_id,
                              Error **errp)
{
    AmdviDevice *d = amdvi_svm_find_device(e, device_id);

    if (!d || !d->bus->devices[d->devfn]) {
        error_setg(errp, "there is no device %02x:%02x.%x behind the IOMMU",
                   PCI_BUS_NUM(device_id), PCI_SLOT(device_id),
                   PCI_FUNC(device_id));
        return NULL;
    }
    return d;
}

bool amdvi_qmp_check_pasid(bool has_pasid, uint32_t pasid, Error **errp)
{
    if (has_pasid && pasid > AMDVI_MAX_PASID) {
        error_setg(errp, "pasid must be at most %u", AMDVI_MAX_PASID);
        return false;
    }
    return true;
}

bool amdvi_qmp_budget(AmdviBudget *budget, bool has_limit, uint32_t limit,
                      Error **errp)
{
    if (has_limit && (!limit || limit > AMDVI_QMP_LIMIT_MAX)) {
        error_setg(errp, "limit must be between 1 and %d",
                   AMDVI_QMP_LIMIT_MAX);
        return false;
    }
    *budget = (AmdviBudget) {
        .rows = has_limit ? limit : AMDVI_QMP_LIMIT_MAX,
        .reads = AMDVI_QMP_READS_MAX,
        .bytes = AMDVI_QMP_REPLY_MAX,
    };
    return true;
}

bool amdvi_qmp_may_reply(const AmdviBudget *budget, uint32_t bytes)
{
    return budget->rows && budget->bytes >= bytes;
}

void amdvi_qmp_reply(AmdviBudget *budget, uint32_t bytes)
{
    budget->rows--;
    budget->bytes -= bytes;
}

static enum amdvi_mem_status read_on_account(void *opaque, uint64_t spa,
                                             void *buf, size_t len)
{
    AmdviBudget *budget = opaque;

    budget->reads -= budget->reads ? 1 : 0;
    budget->done++;
    return amdvi_svm_load(spa, buf, len) ? AMDVI_MEM_OK : AMDVI_MEM_ABORT;
}

struct amdvi_mem amdvi_qmp_mem(AmdviBudget *budget)
{
    return (struct amdvi_mem) { .read = read_on_account, .opaque = budget };
}

bool amdvi_qmp_may_walk(const AmdviBudget *budget)
{
    return budget->reads >= AMDVI_MAX_STEPS;
}

bool amdvi_qmp_pasid(bool has_pasid, uint32_t pasid, bool attrs,
                     struct amdvi_request *request, Error **errp)
{
    if (!amdvi_qmp_check_pasid(has_pasid, pasid, errp)) {
        return false;
    }
    if (attrs && !has_pasid) {
        error_setg(errp, "privileged and exec need a pasid");
        return false;
    }
    request->pasid = has_pasid ? pasid : AMDVI_NO_PASID;
    request->priv = attrs;
    return true;
}

AmdIommuRing *amdvi_qmp_ring(AMDVIState *s, AmdIommuLog log)
{
    const AmdviRing *ring = &amdvi_svm_rings[ring_ids[log]];
    uint64_t base = amdvi_svm_read_register(s, ring->base);
    uint64_t control = amdvi_svm_read_register(s, AMDVI_LAYOUT_control);
    uint64_t status = amdvi_svm_read_register(s, AMDVI_LAYOUT_status);
    struct amdvi_iommu view;
    AmdIommuRing *reply;

    amdvi_svm_view(s, &view);
    if (!amdvi_feature(&view.features, amdvi_layouts[ring->base].needs)) {
        return NULL;
    }
    reply = g_new0(AmdIommuRing, 1);
    reply->log = log;
    reply->base = amdvi_cmd_base_base(&base);
    reply->size = amdvi_ring_bytes(base);
    reply->head = amdvi_svm_read_register(s, ring->head);
    reply->tail = amdvi_svm_read_register(s, ring->tail);
    reply->enabled = ring->enabled(&control);
    reply->running = ring->running(&status);
    reply->overflow = ring->overflow && ring->overflow(&status);
    return reply;
}
