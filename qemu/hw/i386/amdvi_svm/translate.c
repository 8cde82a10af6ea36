/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of devices without a PASID of their own: ordinary DMA.
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
#include "system/address-spaces.h"
#include "hit.h"
#include "pmu.h"
#include "state.h"
#include "trace.h"

/*
 * The memory core cuts a DMA that fails into pieces of at most 4 bytes, one
 * after the other.  A piece that follows the last one this closely is the
 * same DMA.  A busy host may take the processor away between two pieces for
 * some milliseconds.
 */
#define PIECE_BYTES 4
#define PIECE_NS (20 * SCALE_MS)
/* PCIe requests do not cross this */
#define REQUEST_BOUNDARY 0x1000
/*
 * The longest range given to the memory core, which cannot express 2^64, and
 * the alignment of the interrupt window that a range must not contain.
 */
#define RANGE_SHIFT_MAX 62
#define WINDOW_SHIFT 20

AmdviDevice *amdvi_svm_find_device(AmdviEngine *e, uint16_t device_id)
{
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (amdvi_svm_device_id(d) == device_id &&
            amdvi_svm_is_reachable(d)) {
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

/* Whether this event goes to the log, as far as DTE.SE is concerned */
static bool wants_event(AmdviEngine *e, const struct amdvi_request *request,
                        const struct amdvi_result *result)
{
    AmdviDevice *d = amdvi_svm_find_device(e, request->device_id);
    bool reported;

    QEMU_LOCK_GUARD(&e->lock);
    /* An unsupported request is no target abort */
    e->abort_pending |= result->outcome == AMDVI_OUTCOME_ABORTED;
    if (!d || !result->has_event) {
        return result->has_event;
    }
    reported = d->fault_reported;
    /* Until the DTE is invalidated, whatever else happens */
    d->fault_reported |= result->first_only;
    return !(result->first_only && reported);
}

bool amdvi_svm_failed(const struct amdvi_result *result)
{
    return result->outcome == AMDVI_OUTCOME_ABORTED ||
           result->outcome == AMDVI_OUTCOME_UNSUPPORTED;
}

/* Log a failed request, if it failed */
static void report(AmdviEngine *e, const struct amdvi_request *request,
                   const struct amdvi_result *result)
{
    if (!amdvi_svm_failed(result)) {
        return;
    }
    trace_amdvi_svm_fault(request->device_id, request->pasid, request->addr,
                          request->write, amdvi_reason_word(result->reason));
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        amdvi_svm_record(e, AMDVI_RECORD_FAULT, request->device_id,
                         request->pasid, result->reason, request->addr,
                         amdvi_request_perm(request));
        amdvi_stats_add(&e->stats, request->device_id, request->pasid,
                        AMDVI_COUNT_FAULTS, 1);
    }
    amdvi_svm_break_at_fault(e, request, result);
    if (wants_event(e, request, result)) {
        amdvi_svm_log_event(e, result->event, result->hardware_error);
    } else if (result->has_event) {
        trace_amdvi_svm_event_suppressed(result->event[0], result->event[1]);
    }
    amdvi_svm_deliver_irq(e);
}

void amdvi_svm_report(AmdviEngine *e, const struct amdvi_request *request,
                      const struct amdvi_result *result)
{
    if (amdvi_svm_pmu_is_on(e)) {
        amdvi_svm_pmu_abort(e, request, result);
    }
    report(e, request, result);
}

bool amdvi_svm_fetch_dte(const struct amdvi_iommu *view,
                         const struct amdvi_request *request, uint64_t dte[4],
                         struct amdvi_result *result)
{
    return amdvi_fetch_dte(view, &amdvi_svm_mem_read_only, request, dte, NULL,
                           result);
}

void amdvi_svm_report_dma(AmdviDevice *d, const struct amdvi_request *request,
                          struct amdvi_result *result)
{
    bool again = false;

    if (result->has_event) {
        QEMU_LOCK_GUARD(&d->engine->lock);
        again = is_continuation(d, request);
        result->has_event = !again;
    }
    if (again) {
        report(d->engine, request, result);
    } else {
        amdvi_svm_report(d->engine, request, result);
    }
}

unsigned int amdvi_svm_range_shift(uint64_t addr, unsigned int page_shift)
{
    unsigned int shift = MIN(page_shift, RANGE_SHIFT_MAX);
    uint64_t window = AMDVI_INT_ADDR_FIRST;

    if (shift > WINDOW_SHIFT && addr >> shift == window >> shift) {
        shift = WINDOW_SHIFT;
    }
    return shift;
}

/* Fill in where @addr and its neighbours go */
static void set_output(IOMMUTLBEntry *entry, hwaddr addr, uint64_t output,
                       unsigned int page_shift, uint8_t perm)
{
    entry->addr_mask =
        MAKE_64BIT_MASK(0, amdvi_svm_range_shift(addr, page_shift));
    entry->iova = addr & ~entry->addr_mask;
    entry->translated_addr = output & ~entry->addr_mask;
    entry->perm = perm & (AMDVI_PERM_R | AMDVI_PERM_W);
}

static struct amdvi_request make_request(const AmdviDevice *d, hwaddr addr,
                                         IOMMUAccessFlags flag)
{
    return (struct amdvi_request) {
        .kind = AMDVI_REQUEST_DMA,
        .device_id = amdvi_svm_device_id(d),
        .pasid = AMDVI_NO_PASID,
        .addr = addr,
        .read = flag & IOMMU_RO,
        .write = flag & IOMMU_WO,
    };
}

static inline IOMMUTLBEntry make_entry(hwaddr addr)
{
    return (IOMMUTLBEntry) {
        .target_as = &address_space_memory,
        .iova = addr & TARGET_PAGE_MASK,
        .addr_mask = ~TARGET_PAGE_MASK,
        .perm = IOMMU_NONE,
    };
}

/* What is not cached */
static void translate_slowly(AmdviDevice *d,
                             const struct amdvi_request *request,
                             IOMMUTLBEntry *entry)
{
    struct amdvi_result result;

    amdvi_svm_walk(d, request, &result);
    if (request->read || request->write) {
        amdvi_svm_report_dma(d, request, &result);
    }
    if (result.outcome == AMDVI_OUTCOME_TRANSLATED ||
        result.outcome == AMDVI_OUTCOME_FORWARDED) {
        set_output(entry, request->addr, result.addr, result.page_shift,
                   result.perm);
    }
    trace_amdvi_svm_translate(request->device_id, request->addr,
                              request->write,
                              amdvi_outcome_word(result.outcome),
                              entry->translated_addr |
                              (request->addr & entry->addr_mask),
                              entry->addr_mask, entry->perm);
}

/* Any request, with all that somebody may want to know of a hit */
static __attribute__((noinline))
IOMMUTLBEntry translate_any(AmdviDevice *d, hwaddr addr, IOMMUAccessFlags flag)
{
    struct amdvi_request request = make_request(d, addr, flag);
    IOMMUTLBEntry entry = make_entry(addr);
    AmdviPath path;
    AmdviIotlbHit hit;

    if (amdvi_svm_find_cached(d, &request, &path, &hit)) {
        set_output(&entry, addr, hit.addr, hit.page_shift, hit.perm);
        trace_amdvi_svm_hit(request.device_id, addr, request.write,
                            entry.translated_addr, entry.addr_mask,
                            entry.perm);
    } else {
        translate_slowly(d, &request, &entry);
    }
    return entry;
}

/*
 * What the memory core calls for each access.  Nothing but to find a small
 * page, and to count that, is done here.
 */
static IOMMUTLBEntry translate(IOMMUMemoryRegion *iommu, hwaddr addr,
                               IOMMUAccessFlags flag, int iommu_idx)
{
    AmdviDevice *d = container_of(iommu, AmdviDevice, iommu);
    AmdviIotlbHit hit;

    if (trace_event_get_state_backends(TRACE_AMDVI_SVM_HIT) ||
        !amdvi_svm_find_small(d, addr, flag & IOMMU_RW, &hit)) {
        return translate_any(d, addr, flag);
    }
    return (IOMMUTLBEntry) {
        .target_as = &address_space_memory,
        .iova = addr & TARGET_PAGE_MASK,
        .translated_addr = hit.addr & TARGET_PAGE_MASK,
        .addr_mask = ~TARGET_PAGE_MASK,
        .perm = hit.perm,
    };
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

/* Devices are never freed, so what was found once stays good */
AmdviDevice *amdvi_svm_find_device_at(AmdviEngine *e, PCIBus *bus, int devfn)
{
    /* Functions of the same bus have different places */
    uint64_t place = (amdvi_hash((uintptr_t)bus) >> 32) + devfn;
    AmdviDevice **recent = &e->recent[place % AMDVI_RECENT];
    AmdviDevice *d = qatomic_load_acquire(recent);

    if (d && d->bus == bus && d->devfn == devfn) {
        return d;
    }
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (d->bus == bus && d->devfn == devfn) {
            qatomic_store_release(recent, d);
            return d;
        }
    }
    return NULL;
}

AmdviDevice *amdvi_svm_make_device(AmdviEngine *e, PCIBus *bus, int devfn)
{
    AmdviDevice *d = amdvi_svm_find_device_at(e, bus, devfn);

    if (d) {
        return d;
    }
    d = g_new0(AmdviDevice, 1);
    d->engine = e;
    d->bus = bus;
    d->devfn = devfn;
    d->bridge = pci_bus_is_root(bus) ? NULL : pci_bridge_get_device(bus);
    d->root_number = d->bridge ? 0 : pci_bus_num(bus);
    d->pasids = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    /*
     * The bridge is asked for the number of its bus at every request.  It may
     * be unplugged, so keep it.
     */
    object_ref(OBJECT(BUS(bus)->parent));
    init_regions(d);
    QLIST_INSERT_HEAD_RCU(&e->devices, d, next);
    return d;
}

AddressSpace *amdvi_svm_find_address_space(PCIBus *bus, void *opaque,
                                           int devfn)
{
    return &amdvi_svm_make_device(amdvi_svm_engine(opaque), bus, devfn)->as;
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
