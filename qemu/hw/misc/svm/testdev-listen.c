/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svm-testdev as one who keeps translations of ordinary DMA outside of the
 * function, as vhost does: it hears of the IOMMU's own invalidations (UNMAP).
 * One who shadows tables, as VFIO does, wants to hear of mappings, too.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "system/memory.h"
#include "testdev.h"

/* Registered for a part of a region of the IOMMU */
typedef struct TestdevEar {
    IOMMUNotifier notifier;
    SvmTestdev *s;
    MemoryRegion *mr;
    QLIST_ENTRY(TestdevEar) next;
} TestdevEar;

static void heard(IOMMUNotifier *notifier, IOMMUTLBEntry *entry)
{
    TestdevEar *ear = container_of(notifier, TestdevEar, notifier);

    testdev_note_invalidation(ear->s, TESTDEV_INVALIDATION_UNMAP, entry->iova,
                              entry->iova + entry->addr_mask);
}

static void region_add(MemoryListener *listener, MemoryRegionSection *section)
{
    SvmTestdev *s = container_of(listener, SvmTestdev, listener);
    Int128 size = int128_sub(section->size, int128_one());
    TestdevEar *ear;
    int index;

    if (!memory_region_is_iommu(section->mr)) {
        return;
    }
    index = memory_region_iommu_attrs_to_index(
        IOMMU_MEMORY_REGION(section->mr), MEMTXATTRS_UNSPECIFIED);
    ear = g_new0(TestdevEar, 1);
    ear->s = s;
    ear->mr = section->mr;
    iommu_notifier_init(&ear->notifier, heard,
                        IOMMU_NOTIFIER_UNMAP |
                        (s->map_notifier ? IOMMU_NOTIFIER_MAP : 0),
                        section->offset_within_region,
                        section->offset_within_region + int128_get64(size),
                        index);
    if (memory_region_register_iommu_notifier(
            section->mr, &ear->notifier,
            s->listen_error ? NULL : &s->listen_error)) {
        g_free(ear);
        return;
    }
    QLIST_INSERT_HEAD(&s->ears, ear, next);
}

static void region_del(MemoryListener *listener, MemoryRegionSection *section)
{
    SvmTestdev *s = container_of(listener, SvmTestdev, listener);
    TestdevEar *ear, *following;

    QLIST_FOREACH_SAFE(ear, &s->ears, next, following) {
        if (ear->mr == section->mr &&
            ear->notifier.start == section->offset_within_region) {
            memory_region_unregister_iommu_notifier(ear->mr, &ear->notifier);
            QLIST_REMOVE(ear, next);
            g_free(ear);
        }
    }
}

bool testdev_listen(SvmTestdev *s, Error **errp)
{
    if (!s->unmap_notifier && !s->map_notifier) {
        return true;
    }
    s->listener = (MemoryListener) {
        .name = TYPE_SVM_TESTDEV,
        .region_add = region_add,
        .region_del = region_del,
    };
    memory_listener_register(&s->listener,
                             pci_device_iommu_address_space(PCI_DEVICE(s)));
    if (s->listen_error) {
        testdev_stop_listening(s);
        error_propagate(errp, s->listen_error);
        s->listen_error = NULL;
        return false;
    }
    return true;
}

void testdev_stop_listening(SvmTestdev *s)
{
    if (s->listener.address_space) {
        memory_listener_unregister(&s->listener);
    }
}
