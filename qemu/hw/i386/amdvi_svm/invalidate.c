/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invalidation: who has to forget what, and how they are told.
 *
 * vhost and the like cache translations of ordinary DMA and are told of the
 * IOMMU's own invalidations (UNMAP); devices with a TLB of their own get
 * what INVALIDATE_IOTLB_PAGES is for (DEVIOTLB_UNMAP).  All of it happens
 * inside the command, with the BQL and without the engine's lock:
 * spec/translation.md 4.3, 5.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "system/address-spaces.h"
#include "state.h"
#include "trace.h"

static const struct amdvi_range everything;

/* Tell the listeners of @d's ordinary DMA that a range is stale */
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
            .pasid = PCI_NO_PASID,
        },
    };

    if (d->notified) {
        trace_amdvi_svm_notify(amdvi_svm_device_id(d), kind, range.base,
                               range.size);
        WITH_QEMU_LOCK_GUARD(&d->engine->lock) {
            amdvi_svm_record_delivered(d, AMDVI_NO_PASID, range);
        }
        memory_region_notify_iommu(&d->iommu, 0, event);
    }
}

bool amdvi_svm_load_dte(AmdviDevice *d, uint64_t dte[4])
{
    struct amdvi_iommu view;
    uint8_t bytes[AMDVI_MAX_WORDS * 8];
    uint64_t spa;

    amdvi_svm_view(d->engine->s, &view);
    if (!amdvi_dte_address(&view, amdvi_svm_device_id(d), &spa) ||
        !amdvi_svm_load(spa, bytes, sizeof(bytes))) {
        return false;
    }
    amdvi_load_words(dte, bytes, AMDVI_MAX_WORDS);
    return true;
}

static void dte_changed(AmdviEngine *e, AmdviDevice *d)
{
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        d->fault_reported = false;
    }
    notify(d, IOMMU_NOTIFIER_UNMAP, everything);
}

void amdvi_svm_forget_device(AmdviEngine *e, uint16_t device_id)
{
    AmdviDevice *d = amdvi_svm_find_device(e, device_id);

    amdvi_svm_drop_dte(e, device_id);
    if (d) {
        dte_changed(e, d);
    }
}

void amdvi_svm_forget_all(AmdviEngine *e)
{
    AmdviDevice *d;

    amdvi_svm_drop_all(e);
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        dte_changed(e, d);
    }
}

/*
 * What ordinary DMA of @d has to forget.  With GIoV it uses guest addresses
 * of PASID 0, so those of the host table (GN=0) say nothing about them, and
 * other PASIDs do not matter.  Returns false if nothing is stale.
 */
static bool stale_range(AmdviDevice *d, uint16_t domain_id, uint32_t pasid,
                        struct amdvi_range *range)
{
    uint64_t dte[4];
    bool guest;

    if (!amdvi_svm_load_dte(d, dte)) {
        *range = everything;
        return true;
    }
    if (amdvi_dte_domain_id(dte) != domain_id) {
        return false;
    }
    guest = amdvi_dte_gv(dte) && amdvi_dte_giov(dte);
    if (pasid != AMDVI_NO_PASID) {
        return guest && pasid == 0;
    }
    if (guest) {
        *range = everything;
    }
    return true;
}

void amdvi_svm_forget_domain(AmdviEngine *e, uint16_t domain_id,
                             uint32_t pasid, struct amdvi_range range,
                             bool directories)
{
    AmdviDevice *d;

    amdvi_svm_drop_pages(e, domain_id, pasid, range, directories);
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        struct amdvi_range stale = range;

        if (d->notified && stale_range(d, domain_id, pasid, &stale)) {
            notify(d, IOMMU_NOTIFIER_UNMAP, stale);
        }
    }
}

/* Whether requests without PASID use the table of PASID 0 */
static bool owns_pasid_0(AmdviDevice *d)
{
    uint64_t dte[4];

    return !amdvi_svm_load_dte(d, dte) ||
           (amdvi_dte_gv(dte) && amdvi_dte_giov(dte));
}

void amdvi_svm_forget_device_tlb(AmdviEngine *e, uint16_t device_id,
                                 uint32_t pasid, struct amdvi_range range)
{
    AmdviDevice *d = amdvi_svm_find_device(e, device_id);

    if (!d) {
        return;
    }
    if (pasid != AMDVI_NO_PASID) {
        amdvi_svm_notify_pasid(d, pasid, range);
    }
    if (pasid == AMDVI_NO_PASID || (pasid == 0 && owns_pasid_0(d))) {
        notify(d, IOMMU_NOTIFIER_DEVIOTLB_UNMAP, range);
    }
}
