/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices with a TLB of their own (ATS): their translation requests, and the
 * list of those who want to know what became stale.  spec/translation.md 4,
 * 13; spec/qemu-integration.md 1.1, 1.4.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/rcu.h"
#include "qapi/error.h"
#include "exec/target_page.h"
#include "system/address-spaces.h"
#include "state.h"
#include "trace.h"

/* Somebody who caches translations of one PASID */
typedef struct AmdviListener {
    IOMMUNotifier *notifier;
    QLIST_ENTRY(AmdviListener) next;
} AmdviListener;

QEMU_BUILD_BUG_ON(AMDVI_NO_PASID != PCI_NO_PASID);

static IOMMUAccessFlags entry_perm(const struct amdvi_result *result)
{
    bool none = !result->perm;

    return none ? IOMMU_NONE :
           IOMMU_ACCESS_FLAG_FULL(result->perm & AMDVI_PERM_R,
                                  result->perm & AMDVI_PERM_W,
                                  result->perm & AMDVI_PERM_X,
                                  result->priv, false,
                                  result->untranslated_only);
}

/* The completion: address, size and permission; none at all is one, too */
static void fill_entry(const struct amdvi_request *request,
                       const struct amdvi_result *result,
                       IOMMUTLBEntry *entry)
{
    unsigned int shift = TARGET_PAGE_BITS;

    if (result->perm) {
        shift = request->pasid == AMDVI_NO_PASID
                ? amdvi_svm_range_shift(request->addr, result->page_shift)
                : result->page_shift;
    }
    *entry = (IOMMUTLBEntry) {
        .target_as = &address_space_memory,
        .addr_mask = MAKE_64BIT_MASK(0, shift),
        .perm = entry_perm(result),
        .pasid = request->pasid,
    };
    entry->iova = request->addr & ~entry->addr_mask;
    entry->translated_addr = result->perm ? result->addr & ~entry->addr_mask
                                          : 0;
    trace_amdvi_svm_ats(request->device_id, request->pasid, request->addr,
                        entry->translated_addr, entry->addr_mask, entry->perm,
                        amdvi_reason_word(result->reason));
}

/* Translate one page; false if the answer is an abort */
static bool translate_page(AmdviDevice *d, const struct amdvi_request *request,
                           IOMMUTLBEntry *entry)
{
    struct amdvi_result result;

    amdvi_svm_translate(d, request, &result);
    if (result.outcome == AMDVI_OUTCOME_NO_ACCESS) {
        result.perm = 0;
    } else if (result.outcome != AMDVI_OUTCOME_TRANSLATED &&
               result.outcome != AMDVI_OUTCOME_FORWARDED) {
        amdvi_svm_report(d->engine, request, &result);
        return false;
    }
    fill_entry(request, &result, entry);
    return true;
}

/* Translate page after page until @last; @most entries at most */
static ssize_t translate_range(AmdviDevice *d, struct amdvi_request *request,
                               uint64_t last, IOMMUTLBEntry *entry,
                               size_t most, uint32_t *err_count)
{
    IOMMUAccessFlags wanted = IOMMU_ACCESS_FLAG_FULL(true, request->write,
                                                     request->exec, false,
                                                     false, false);

    for (size_t n = 0; n < most; n++) {
        uint64_t end;

        if (!translate_page(d, request, &entry[n])) {
            return -EACCES;
        }
        if ((entry[n].perm & wanted) != wanted) {
            (*err_count)++;
        }
        end = entry[n].iova | entry[n].addr_mask;
        if (end >= last) {
            return n + 1;
        }
        request->addr = end + 1;
    }
    return -ENOMEM;
}

ssize_t amdvi_svm_ats_request(PCIBus *bus, void *opaque, int devfn,
                              uint32_t pasid, bool priv_req, bool exec_req,
                              hwaddr addr, size_t length, bool no_write,
                              IOMMUTLBEntry *result, size_t result_length,
                              uint32_t *err_count)
{
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_ATS,
        .pasid = pasid,
        .addr = addr & TARGET_PAGE_MASK,
        .read = true,
        .write = !no_write,
        .exec = exec_req,
        .priv = priv_req,
    };
    AmdviDevice *d;

    RCU_READ_LOCK_GUARD();
    d = amdvi_svm_find_device_at(amdvi_svm_engine(opaque), bus, devfn);
    *err_count = 0;
    if (!d) {
        return -ENODEV;
    }
    if (!length || addr + (length - 1) < addr) {
        return -EINVAL;
    }
    request.device_id = amdvi_svm_device_id(d);
    return translate_range(d, &request, addr + (length - 1), result,
                           result_length, err_count);
}

void amdvi_svm_get_iotlb_info(void *opaque, uint8_t *addr_width,
                              uint32_t *min_page_size)
{
    *addr_width = 64;
    *min_page_size = TARGET_PAGE_SIZE;
}

void amdvi_svm_init_listener(PCIBus *bus, void *opaque, int devfn,
                             IOMMUNotifier *n, IOMMUNotify fn,
                             void *user_opaque)
{
    n->opaque = user_opaque;
    iommu_notifier_init(n, fn, IOMMU_NOTIFIER_DEVIOTLB_UNMAP, 0, HWADDR_MAX,
                        0);
}

AmdviPasid *amdvi_svm_find_pasid(AmdviDevice *d, uint32_t pasid)
{
    return g_hash_table_lookup(d->pasids, GUINT_TO_POINTER(pasid));
}

AmdviPasid *amdvi_svm_make_pasid(AmdviDevice *d, uint32_t pasid)
{
    AmdviPasid *p = amdvi_svm_find_pasid(d, pasid);

    if (!p) {
        p = g_new0(AmdviPasid, 1);
        g_hash_table_insert(d->pasids, GUINT_TO_POINTER(pasid), p);
    }
    return p;
}

void amdvi_svm_drop_pasid(AmdviDevice *d, uint32_t pasid)
{
    AmdviPasid *p = amdvi_svm_find_pasid(d, pasid);

    if (p && !p->pri && QLIST_EMPTY(&p->listeners)) {
        g_hash_table_remove(d->pasids, GUINT_TO_POINTER(pasid));
    }
}

void amdvi_svm_register_listener(PCIBus *bus, void *opaque, int devfn,
                                 uint32_t pasid, IOMMUNotifier *n)
{
    AmdviDevice *d = amdvi_svm_make_device(amdvi_svm_engine(opaque), bus,
                                           devfn);
    AmdviListener *listener;

    /* vhost and VFIO listen there, so everybody without a PASID does */
    if (pasid == PCI_NO_PASID) {
        memory_region_register_iommu_notifier(MEMORY_REGION(&d->iommu), n,
                                              &error_fatal);
        return;
    }
    listener = g_new0(AmdviListener, 1);
    listener->notifier = n;
    QLIST_INSERT_HEAD(&amdvi_svm_make_pasid(d, pasid)->listeners, listener,
                      next);
}

void amdvi_svm_unregister_listener(PCIBus *bus, void *opaque, int devfn,
                                   uint32_t pasid, IOMMUNotifier *n)
{
    AmdviDevice *d = amdvi_svm_make_device(amdvi_svm_engine(opaque), bus,
                                           devfn);
    AmdviPasid *p = amdvi_svm_find_pasid(d, pasid);
    AmdviListener *listener, *following;

    if (pasid == PCI_NO_PASID) {
        memory_region_unregister_iommu_notifier(MEMORY_REGION(&d->iommu), n);
        return;
    }
    if (!p) {
        return;
    }
    QLIST_FOREACH_SAFE(listener, &p->listeners, next, following) {
        if (listener->notifier == n) {
            QLIST_REMOVE(listener, next);
            g_free(listener);
        }
    }
    amdvi_svm_drop_pasid(d, pasid);
}

void amdvi_svm_notify_pasid(AmdviDevice *d, uint32_t pasid,
                            struct amdvi_range range)
{
    AmdviPasid *p = amdvi_svm_find_pasid(d, pasid);
    AmdviListener *listener, *following;
    IOMMUTLBEvent event = {
        .type = IOMMU_NOTIFIER_DEVIOTLB_UNMAP,
        .entry = {
            .target_as = &address_space_memory,
            .iova = range.base,
            .addr_mask = range.size - 1,
            .perm = IOMMU_NONE,
            .pasid = pasid,
        },
    };

    if (!p) {
        return;
    }
    trace_amdvi_svm_notify_pasid(amdvi_svm_device_id(d), pasid, range.base,
                                 range.size);
    WITH_QEMU_LOCK_GUARD(&d->engine->lock) {
        amdvi_svm_record_delivered(d, pasid, range);
    }
    QLIST_FOREACH_SAFE(listener, &p->listeners, next, following) {
        memory_region_notify_iommu_one(listener->notifier, &event);
    }
}
