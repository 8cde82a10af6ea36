/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client of an IOMMU: its capabilities, which QEMU only lays out, and the
 * contexts, each of which listens for invalidations and page responses.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/host-utils.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/units.h"
#include "client-internal.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_regs.h"
#include "migration/vmstate.h"
#include "trace.h"

#define TLB_ENTRIES_MAX 65536
#define PASID_BITS_MAX 20

static QLIST_HEAD(, SvmClient) clients = QLIST_HEAD_INITIALIZER(clients);

SvmClient *svm_client_of(PCIDevice *dev)
{
    SvmClient *c;

    QLIST_FOREACH(c, &clients, next) {
        if (c->dev == dev) {
            return c;
        }
    }
    return NULL;
}

/*
 * intel-iommu ends QEMU when a device registers for invalidations and the
 * user has not given it these values.
 */
static bool may_register(void)
{
    Object *intel = object_resolve_path_type("", "intel-iommu", NULL);

    return !intel || (object_property_get_bool(intel, "device-iotlb", NULL) &&
                      !object_property_get_bool(intel, "snoop-control", NULL));
}

static uint8_t *pasid_control(SvmClient *c)
{
    return c->dev->config + c->dev->exp.pasid_cap + PCI_PASID_CTRL;
}

/*
 * The core refuses to unregister once the guest has disabled PASIDs, and the
 * notifier would be left dangling.  So enable them for the moment.
 */
static void unregister_invalidation(SvmContext *ctx)
{
    SvmClient *c = ctx->client;
    bool off = ctx->pasid != PCI_NO_PASID && !pcie_pasid_enabled(c->dev);

    if (off) {
        pci_word_test_and_set_mask(pasid_control(c), PCI_PASID_CTRL_ENABLE);
    }
    pci_iommu_unregister_iotlb_notifier(c->dev, ctx->pasid,
                                        &ctx->invalidation);
    if (off) {
        pci_word_test_and_clear_mask(pasid_control(c), PCI_PASID_CTRL_ENABLE);
    }
}

static void invalidated(IOMMUNotifier *notifier, IOMMUTLBEntry *range)
{
    SvmContext *ctx = container_of(notifier, SvmContext, invalidation);
    SvmClient *c = ctx->client;
    const SvmClientHooks *hooks = c->config.hooks;
    uint64_t last = svm_range_last(range->iova, range->addr_mask);

    WITH_QEMU_LOCK_GUARD(&c->lock) {
        c->counters.invalidations++;
    }
    if (!c->deaf) {
        svm_client_invalidate(c, ctx->pasid, range->iova, last);
    }
    if (hooks && hooks->invalidated) {
        hooks->invalidated(c->config.opaque, ctx->pasid, range->iova, last);
    }
}

/* Listen to the IOMMU, as far as it has something to say */
static void start_listening(SvmContext *ctx)
{
    PCIDevice *dev = ctx->client->dev;

    if (ctx->client->config.ats && may_register() &&
        !pci_iommu_init_iotlb_notifier(dev, &ctx->invalidation, invalidated,
                                       ctx)) {
        ctx->told = !pci_iommu_register_iotlb_notifier(dev, ctx->pasid,
                                                       &ctx->invalidation);
    }
    if (ctx->client->config.pri) {
        ctx->response.notify = svm_client_responded;
        ctx->answered = !pci_pri_register_notifier(dev, ctx->pasid,
                                                   &ctx->response);
    }
    /* For the threads, which cannot look for it */
    pci_pasid_dma_available(dev);
}

SvmContext *svm_client_find(SvmClient *c, uint32_t pasid)
{
    SvmContext *ctx;

    QLIST_FOREACH(ctx, &c->contexts, next) {
        if (ctx->pasid == pasid) {
            return ctx;
        }
    }
    return NULL;
}

SvmContext *svm_client_open(SvmClient *c, uint32_t pasid, Error **errp)
{
    SvmContext *ctx = svm_client_find(c, pasid);

    if (ctx) {
        return ctx;
    }
    if (!c->dev->is_master) {
        error_setg(errp, "bus mastering is off");
        return NULL;
    }
    if (pasid != PCI_NO_PASID &&
        (!pcie_pasid_enabled(c->dev) || pasid >> c->config.pasid_bits)) {
        error_setg(errp, "PASID 0x%x cannot be used: the PASID capability is "
                   "off or too small", pasid);
        return NULL;
    }
    ctx = g_new0(SvmContext, 1);
    ctx->client = c;
    ctx->pasid = pasid;
    start_listening(ctx);
    QLIST_INSERT_HEAD(&c->contexts, ctx, next);
    trace_svm_client_open(svm_client_name(c), pasid, ctx->told,
                          ctx->answered);
    return ctx;
}

void svm_client_close(SvmContext *ctx)
{
    SvmClient *c = ctx->client;

    trace_svm_client_close(svm_client_name(c), ctx->pasid);
    if (ctx->told) {
        unregister_invalidation(ctx);
    }
    if (ctx->answered) {
        pci_pri_unregister_notifier(c->dev, ctx->pasid);
    }
    svm_client_forget(c, &ctx->pasid);
    svm_client_drop(c, &ctx->pasid, 0, UINT64_MAX);
    QLIST_REMOVE(ctx, next);
    g_free(ctx);
}

static void close_all(SvmClient *c)
{
    SvmContext *ctx, *next;

    QLIST_FOREACH_SAFE(ctx, &c->contexts, next, next) {
        svm_client_close(ctx);
    }
}

static bool check_config(const SvmClientConfig *config, Error **errp)
{
    if (config->tlb_entries < SVM_TLB_WAYS ||
        config->tlb_entries > TLB_ENTRIES_MAX ||
        !is_power_of_2(config->tlb_entries)) {
        error_setg(errp, "the device TLB must have a power of two of entries, "
                   "%d to %d", SVM_TLB_WAYS, TLB_ENTRIES_MAX);
        return false;
    }
    if (config->pasid_bits > PASID_BITS_MAX) {
        error_setg(errp, "a PASID has %d bits at most", PASID_BITS_MAX);
        return false;
    }
    if (config->pri && !config->ats) {
        error_setg(errp, "page requests (PRI) need ATS");
        return false;
    }
    if (config->pri && (!config->page_requests ||
                        config->page_requests > SVM_PRG_INDEXES)) {
        error_setg(errp, "the function can have 1 to %d page requests "
                   "outstanding", SVM_PRG_INDEXES);
        return false;
    }
    return true;
}

static void add_capabilities(PCIDevice *dev, const SvmClientConfig *config)
{
    uint16_t at = config->cap_offset;

    if (config->pasid_bits) {
        pcie_pasid_init(dev, at + SVM_CAP_PASID, config->pasid_bits,
                        config->exec, config->priv);
    }
    if (config->ats) {
        pcie_ats_init(dev, at + SVM_CAP_ATS, true);
    }
    if (config->pri) {
        pcie_pri_init(dev, at + SVM_CAP_PRI, config->page_requests,
                      config->response_pasid);
        /* "Stopped" is read-only, but differs between two machines */
        pci_word_test_and_clear_mask(dev->cmask + at + SVM_CAP_PRI +
                                     PCI_PRI_STATUS, PCI_PRI_STATUS_STOPPED);
    }
}

bool svm_client_init(SvmClient *c, PCIDevice *dev,
                     const SvmClientConfig *config, Error **errp)
{
    if (!check_config(config, errp)) {
        return false;
    }
    c->dev = dev;
    c->config = *config;
    add_capabilities(dev, config);
    qemu_mutex_init(&c->lock);
    qemu_cond_init(&c->landed);
    QLIST_INIT(&c->flights);
    QLIST_INIT(&c->contexts);
    svm_tlb_init(&c->tlb, config->tlb_entries);
    svm_client_requests_init(c);
    QLIST_INSERT_HEAD(&clients, c, next);
    return true;
}

void svm_client_cleanup(SvmClient *c)
{
    QLIST_REMOVE(c, next);
    close_all(c);
    svm_client_requests_cleanup(c);
    svm_tlb_cleanup(&c->tlb);
    qemu_cond_destroy(&c->landed);
    qemu_mutex_destroy(&c->lock);
}

/* Take over what the guest has enabled */
static void read_enables(SvmClient *c)
{
    QEMU_LOCK_GUARD(&c->lock);
    c->pasid_on = pcie_pasid_enabled(c->dev);
    c->ats_on = pcie_ats_enabled(c->dev);
    c->pri_on = pcie_pri_enabled(c->dev);
}

void svm_client_config_written(SvmClient *c)
{
    bool pasid_on = c->pasid_on, ats_on = c->ats_on, pri_on = c->pri_on;

    read_enables(c);
    if (pasid_on != c->pasid_on || ats_on != c->ats_on ||
        pri_on != c->pri_on) {
        trace_svm_client_enables(svm_client_name(c), c->pasid_on, c->ats_on,
                                 c->pri_on);
    }
    if ((ats_on && !c->ats_on) || (pasid_on && !c->pasid_on)) {
        svm_client_drop(c, NULL, 0, UINT64_MAX);
    }
    if (c->config.pri) {
        svm_client_pri_written(c, pri_on);
    }
}

void svm_client_reset(SvmClient *c)
{
    PCIDevice *dev = c->dev;

    trace_svm_client_reset(svm_client_name(c));
    close_all(c);
    if (dev->exp.pasid_cap) {
        pci_set_word(pasid_control(c), 0);
    }
    if (dev->exp.ats_cap) {
        pci_set_word(dev->config + dev->exp.ats_cap + PCI_ATS_CTRL, 0);
    }
    if (dev->exp.pri_cap) {
        svm_client_pri_reset(c);
    }
    read_enables(c);
    svm_client_forget(c, NULL);
    svm_client_drop(c, NULL, 0, UINT64_MAX);
    svm_client_clear_counters(c);
    c->deaf = false;
    c->prg_next = 0;
}

void svm_client_set_deaf(SvmClient *c, bool deaf)
{
    c->deaf = deaf;
}

void svm_client_get_counters(SvmClient *c, SvmCounters *counters)
{
    QEMU_LOCK_GUARD(&c->lock);
    *counters = c->counters;
}

void svm_client_clear_counters(SvmClient *c)
{
    QEMU_LOCK_GUARD(&c->lock);
    c->counters = (SvmCounters) { 0 };
}

uint32_t svm_client_outstanding(SvmClient *c)
{
    QEMU_LOCK_GUARD(&c->lock);
    return c->outstanding;
}

uint32_t svm_client_tlb_size(const SvmClient *c)
{
    return c->config.tlb_entries;
}

void svm_client_tlb_entry(SvmClient *c, uint32_t index, SvmTlbEntry *entry)
{
    QEMU_LOCK_GUARD(&c->lock);
    *entry = c->tlb.entry[index];
}

void svm_client_judge(SvmClient *c, uint32_t index, uint64_t number,
                      int64_t stale_since, SvmStaleHit *hit, void *opaque)
{
    SvmTlbEntry *entry = &c->tlb.entry[index];

    QEMU_LOCK_GUARD(&c->lock);
    c->stale_hit = hit;
    c->stale_opaque = opaque;
    if (entry->perm && entry->number == number) {
        entry->stale_since = stale_since;
    }
}

static int pre_load(void *opaque)
{
    svm_client_forget(opaque, NULL);
    return 0;
}

static int post_load(void *opaque, int version_id)
{
    SvmClient *c = opaque;

    read_enables(c);
    svm_client_drop(c, NULL, 0, UINT64_MAX);
    return svm_client_requests_loaded(c) ? 0 : -EINVAL;
}

/* What does not migrate is unset: the list's elements come uninitialized */
static int page_request_pre_load(void *opaque)
{
    *(SvmPageRequest *)opaque = (SvmPageRequest) { };
    return 0;
}

static const VMStateDescription vmstate_page_request = {
    .name = "svm-client/page-request",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = page_request_pre_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(pasid, SvmPageRequest),
        VMSTATE_UINT64(addr, SvmPageRequest),
        VMSTATE_UINT32(pages, SvmPageRequest),
        VMSTATE_UINT8(want, SvmPageRequest),
        VMSTATE_UINT16(prgi, SvmPageRequest),
        VMSTATE_UINT8(state, SvmPageRequest),
        VMSTATE_UINT8(code, SvmPageRequest),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_counters = {
    .name = "svm-client/counters",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(ats_requests, SvmCounters),
        VMSTATE_UINT64(ats_errors, SvmCounters),
        VMSTATE_UINT64(tlb_hits, SvmCounters),
        VMSTATE_UINT64(tlb_misses, SvmCounters),
        VMSTATE_UINT64(invalidations, SvmCounters),
        VMSTATE_UINT64(dropped, SvmCounters),
        VMSTATE_UINT64(page_requests, SvmCounters),
        VMSTATE_UINT64_ARRAY(responses, SvmCounters, 3),
        VMSTATE_UINT64(unexpected, SvmCounters),
        VMSTATE_UINT64(stuck, SvmCounters),
        VMSTATE_END_OF_LIST()
    },
};

const VMStateDescription vmstate_svm_client = {
    .name = "svm-client",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = pre_load,
    .post_load = post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(counters, SvmClient, 0, vmstate_counters, SvmCounters),
        VMSTATE_UINT32(prg_next, SvmClient),
        VMSTATE_BOOL(deaf, SvmClient),
        VMSTATE_QTAILQ_V(requests, SvmClient, 1, vmstate_page_request,
                         SvmPageRequest, next),
        VMSTATE_END_OF_LIST()
    },
};
