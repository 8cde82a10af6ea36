/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's RAM is in the host.
 *
 * Finding that out costs the memory core a walk of its own for each table
 * entry that is read, and machines have only two or three large pieces of RAM,
 * so they are kept in a table.  What is not in it is found by the memory
 * core.  Only for reading: a write has to mark the page dirty, too.
 */
#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "system/address-spaces.h"
#include "system/memory.h"
#include "system/xen.h"
#include "state.h"

/* The largest ones */
#define SECTIONS 4

typedef struct RamSection {
    uint64_t first;             /* system physical address */
    uint64_t size;              /* in bytes; 0: not used */
    uint8_t *host;
} RamSection;

typedef struct RamMap {
    struct rcu_head rcu;
    RamSection section[SECTIONS];
} RamMap;

/*
 * The map in use, and the one that is being made while the memory of the
 * machine changes; the latter belongs to the BQL.  A RAM block is freed a
 * grace period after it is gone from the view of the memory core, and that is
 * never before the commit that replaces the map.
 */
static RamMap *ram_map;
static RamMap *coming;

void *amdvi_svm_find_ram(uint64_t spa, uint64_t len)
{
    const RamMap *map = qatomic_rcu_read(&ram_map);

    for (int i = 0; map && i < SECTIONS; i++) {
        const RamSection *s = &map->section[i];
        uint64_t offset = spa - s->first;

        if (offset < s->size && len <= s->size - offset) {
            return s->host + offset;
        }
    }
    return NULL;
}

/* Something is different from now on, even if it is only missing */
static void changed(MemoryListener *listener, MemoryRegionSection *section)
{
    if (!coming) {
        coming = g_new0(RamMap, 1);
    }
}

/* Largest first; the smallest has to go if there are too many */
static void insert(RamMap *map, RamSection new)
{
    for (int i = 0; i < SECTIONS; i++) {
        RamSection *s = &map->section[i];

        if (s->size < new.size) {
            RamSection smaller = *s;

            *s = new;
            new = smaller;
        }
    }
}

static void add(MemoryListener *listener, MemoryRegionSection *section)
{
    MemoryRegion *mr = section->mr;

    changed(listener, section);
    if (memory_region_is_ram(mr) &&
        memory_access_is_direct(mr, false, MEMTXATTRS_UNSPECIFIED)) {
        insert(coming, (RamSection) {
            .first = section->offset_within_address_space,
            .size = int128_get64(section->size),
            .host = (uint8_t *)memory_region_get_ram_ptr(mr) +
                    section->offset_within_region,
        });
    }
}

static void commit(MemoryListener *listener)
{
    RamMap *old = ram_map;

    if (coming) {
        qatomic_rcu_set(&ram_map, coming);
        coming = NULL;
        if (old) {
            g_free_rcu(old, rcu);
        }
    }
}

/* Sections that stay are named again whenever any has changed */
static MemoryListener listener = {
    .name = "amd-iommu-svm",
    .region_add = add,
    .region_nop = add,
    .region_del = changed,
    .commit = commit,
};

void amdvi_svm_init_ram(void)
{
    /* There RAM may move in the host at any time */
    if (!xen_enabled() && !ram_map) {
        memory_listener_register(&listener, &address_space_memory);
    }
}
