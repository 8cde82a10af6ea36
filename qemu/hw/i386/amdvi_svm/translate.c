/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of devices, and those who cache their translations.
 *
 * Every device has an address space of one IOMMU region and, above it, the
 * interrupt window.  The region is never replaced by a pass-through alias:
 * libamdvi decides about each request, so there is no second place that
 * could disagree with the device table.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "exec/target_page.h"
#include "hw/pci/pci_bus.h"
#include "system/address-spaces.h"
#include "state.h"
#include "trace.h"

/*
 * The memory core cuts a DMA that fails into pieces of at most 4 bytes, one
 * after the other.  A piece that follows the last one this closely is the
 * same DMA.
 */
#define PIECE_BYTES 4
#define PIECE_NS SCALE_MS
/* PCIe requests do not cross this */
#define REQUEST_BOUNDARY 0x1000
/*
 * The longest range given to the memory core, which cannot express 2^64, and
 * the alignment of the interrupt window that a range must not contain.
 */
#define RANGE_SHIFT_MAX 62
#define WINDOW_SHIFT 20

uint16_t amdvi_svm_device_id(const AmdviDevice *d)
{
    return PCI_BUILD_BDF(pci_bus_num(d->bus), d->devfn);
}

static AmdviDevice *find_device(AmdviEngine *e, uint16_t device_id)
{
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (amdvi_svm_device_id(d) == device_id) {
            return d;
        }
    }
    return NULL;
}

/* Whether @request goes on with the request that failed last */
static bool is_continuation(AmdviDevice *d, const struct amdvi_request *request)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint64_t step = request->addr - d->fault_addr;
    bool same = d->fault_time && now - d->fault_time < PIECE_NS &&
                step && step <= PIECE_BYTES &&
                request->addr % REQUEST_BOUNDARY &&
                request->write == d->fault_write;

    d->fault_time = now ? now : 1;
    d->fault_addr = request->addr;
    d->fault_write = request->write;
    return same;
}

/* Whether this event goes to the log: once for a DMA, and DTE.SE permitting */
static bool wants_event(AmdviEngine *e, const struct amdvi_request *request,
                        const struct amdvi_result *result)
{
    AmdviDevice *d = find_device(e, request->device_id);
    bool reported;

    QEMU_LOCK_GUARD(&e->lock);
    e->abort_pending = true;
    if (!d || !result->has_event) {
        return result->has_event;
    }
    if (is_continuation(d, request)) {
        return false;
    }
    reported = d->fault_reported;
    d->fault_reported = result->first_only;
    return !(result->first_only && reported);
}

void amdvi_svm_report(AmdviEngine *e, const struct amdvi_request *request,
                      const struct amdvi_result *result)
{
    if (result->outcome != AMDVI_OUTCOME_ABORTED &&
        result->outcome != AMDVI_OUTCOME_UNSUPPORTED) {
        return;
    }
    trace_amdvi_svm_fault(request->device_id, request->addr, request->write,
                          amdvi_reason_word(result->reason));
    if (wants_event(e, request, result)) {
        amdvi_svm_log_event(e, result->event, result->hardware_error);
    } else if (result->has_event) {
        trace_amdvi_svm_event_suppressed(result->event[0], result->event[1]);
    }
    amdvi_svm_deliver_irq(e);
}

/* Serve @request; a probe asks without consequences */
static void judge(AmdviEngine *e, const struct amdvi_request *request,
                  struct amdvi_result *result)
{
    bool probe = !request->read && !request->write;
    const struct amdvi_mem *mem = probe ? &amdvi_svm_mem_read_only
                                        : &amdvi_svm_mem;
    struct amdvi_iommu view;

    amdvi_svm_view(e->s, &view);
    amdvi_translate(&view, mem, request, NULL, result);
    if (!probe) {
        amdvi_svm_report(e, request, result);
    }
}

/* log2 of the bytes around @addr that may be given out as one range */
static unsigned int range_shift(uint64_t addr, unsigned int page_shift)
{
    unsigned int shift = MIN(page_shift, RANGE_SHIFT_MAX);
    uint64_t window = AMDVI_INT_ADDR_FIRST;

    if (shift > WINDOW_SHIFT && addr >> shift == window >> shift) {
        shift = WINDOW_SHIFT;
    }
    return shift;
}

static IOMMUTLBEntry translate(IOMMUMemoryRegion *iommu, hwaddr addr,
                               IOMMUAccessFlags flag, int iommu_idx)
{
    AmdviDevice *d = container_of(iommu, AmdviDevice, iommu);
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_DMA,
        .device_id = amdvi_svm_device_id(d),
        .pasid = AMDVI_NO_PASID,
        .addr = addr,
        .read = flag & IOMMU_RO,
        .write = flag & IOMMU_WO,
    };
    IOMMUTLBEntry entry = {
        .target_as = &address_space_memory,
        .iova = addr & TARGET_PAGE_MASK,
        .addr_mask = ~TARGET_PAGE_MASK,
        .perm = IOMMU_NONE,
    };
    struct amdvi_result result;

    judge(d->engine, &request, &result);
    if (result.outcome == AMDVI_OUTCOME_TRANSLATED ||
        result.outcome == AMDVI_OUTCOME_FORWARDED) {
        entry.addr_mask =
            MAKE_64BIT_MASK(0, range_shift(addr, result.page_shift));
        entry.iova = addr & ~entry.addr_mask;
        entry.translated_addr = result.addr & ~entry.addr_mask;
        entry.perm = result.perm & (AMDVI_PERM_R | AMDVI_PERM_W);
    }
    trace_amdvi_svm_translate(request.device_id, addr, request.write,
                              amdvi_outcome_word(result.outcome),
                              entry.translated_addr | (addr & entry.addr_mask),
                              entry.addr_mask, entry.perm);
    return entry;
}

static int notify_flag_changed(IOMMUMemoryRegion *iommu,
                               IOMMUNotifierFlag old, IOMMUNotifierFlag new,
                               Error **errp)
{
    AmdviDevice *d = container_of(iommu, AmdviDevice, iommu);

    if (new & IOMMU_NOTIFIER_MAP) {
        error_setg(errp, "device %02x:%02x.%x needs to be told of every new "
                   "mapping, which amd-iommu with svm=on cannot do",
                   pci_bus_num(d->bus), PCI_SLOT(d->devfn),
                   PCI_FUNC(d->devfn));
        return -ENOTSUP;
    }
    d->notified = new != IOMMU_NOTIFIER_NONE;
    return 0;
}

/* Tell the listeners of @d of the given kind that a range is stale */
static void notify(AmdviDevice *d, IOMMUNotifierFlag kind,
                   struct amdvi_range range)
{
    IOMMUTLBEvent event = {
        .type = kind,
        .entry = {
            .target_as = &address_space_memory,
            .iova = range.base,
            .addr_mask = range.size - 1,
            .perm = IOMMU_NONE,
        },
    };

    if (d->notified) {
        trace_amdvi_svm_notify(amdvi_svm_device_id(d), kind, range.base,
                               range.size);
        memory_region_notify_iommu(&d->iommu, 0, event);
    }
}

static const struct amdvi_range everything;

static void dte_changed(AmdviEngine *e, AmdviDevice *d)
{
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        d->fault_reported = false;
    }
    notify(d, IOMMU_NOTIFIER_UNMAP, everything);
}

void amdvi_svm_forget_device(AmdviEngine *e, uint16_t device_id)
{
    AmdviDevice *d = find_device(e, device_id);

    if (d) {
        dte_changed(e, d);
    }
}

void amdvi_svm_forget_all(AmdviEngine *e)
{
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        dte_changed(e, d);
    }
}

/* Whether the DTE of @d names the domain, or cannot be read to find out */
static bool in_domain(AmdviEngine *e, AmdviDevice *d, uint16_t domain_id)
{
    struct amdvi_iommu view;
    uint64_t spa, dte[4];
    uint8_t bytes[sizeof(dte)];

    amdvi_svm_view(e->s, &view);
    if (!amdvi_dte_address(&view, amdvi_svm_device_id(d), &spa) ||
        !amdvi_svm_load(spa, bytes, sizeof(bytes))) {
        return true;
    }
    amdvi_load_words(dte, bytes, ARRAY_SIZE(dte));
    return amdvi_dte_domain_id(dte) == domain_id;
}

void amdvi_svm_forget_domain(AmdviEngine *e, uint16_t domain_id,
                             struct amdvi_range range)
{
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (d->notified && in_domain(e, d, domain_id)) {
            notify(d, IOMMU_NOTIFIER_UNMAP, range);
        }
    }
}

void amdvi_svm_forget_device_tlb(AmdviEngine *e, uint16_t device_id,
                                 struct amdvi_range range)
{
    AmdviDevice *d = find_device(e, device_id);

    if (d) {
        notify(d, IOMMU_NOTIFIER_DEVIOTLB_UNMAP, range);
    }
}

static void init_regions(AmdviDevice *d)
{
    Object *owner = OBJECT(d->engine->s);
    g_autofree char *name = g_strdup_printf("amd-iommu-svm-%02x.%x",
                                            PCI_SLOT(d->devfn),
                                            PCI_FUNC(d->devfn));

    memory_region_init(&d->root, owner, "amdvi-svm-root", UINT64_MAX);
    memory_region_init_iommu(&d->iommu, sizeof(d->iommu),
                             TYPE_AMDVI_SVM_REGION, owner, "amdvi-svm-dma",
                             UINT64_MAX);
    memory_region_add_subregion(&d->root, 0, MEMORY_REGION(&d->iommu));
    memory_region_init_io(&d->window, owner, &amdvi_svm_window_ops, d,
                          "amdvi-svm-window", AMDVI_INT_ADDR_SIZE);
    /* A device may send its interrupt from within a notifier */
    d->window.disable_reentrancy_guard = true;
    memory_region_add_subregion_overlap(&d->root, AMDVI_INT_ADDR_FIRST,
                                        &d->window, 1);
    address_space_init(&d->as, &d->root, name);
}

AddressSpace *amdvi_svm_find_address_space(PCIBus *bus, void *opaque,
                                           int devfn)
{
    AmdviEngine *e = amdvi_svm_engine(opaque);
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (d->bus == bus && d->devfn == devfn) {
            return &d->as;
        }
    }
    d = g_new0(AmdviDevice, 1);
    d->engine = e;
    d->bus = bus;
    d->devfn = devfn;
    /*
     * The bus is asked for its number at every request.  It is part of its
     * bridge, which may be unplugged, so keep that.
     */
    object_ref(OBJECT(BUS(bus)->parent));
    init_regions(d);
    QLIST_INSERT_HEAD_RCU(&e->devices, d, next);
    return &d->as;
}

static void region_class_init(ObjectClass *klass, const void *data)
{
    IOMMUMemoryRegionClass *imrc = IOMMU_MEMORY_REGION_CLASS(klass);

    imrc->translate = translate;
    imrc->notify_flag_changed = notify_flag_changed;
}

static const TypeInfo region_info = {
    .parent = TYPE_IOMMU_MEMORY_REGION,
    .name = TYPE_AMDVI_SVM_REGION,
    .class_init = region_class_init,
};

static void register_types(void)
{
    type_register_static(&region_info);
}

type_init(register_types);
