/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's RAM is in the host.
 *
 * Finding that out costs the memory core a walk of its own for each table
 * entry that is read, and machines have only two or three large pieces of RAM,
 * so they are kept in a table.  What is not in it is found by the memory
 * core.  After a write the page is dirty, for those who log that, and code
 * that was translated from it is stale; the memory core sees to both if it is
 * told (MemoryRegionCache).
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
    bool writable;
    MemoryRegionCache cache;    /* of all of it */
} RamSection;

typedef struct RamMap {
    struct rcu_head rcu;
    RamSection section[SECTIONS];
} RamMap;

/*
 * The map in use, and the one that is being made while the memory of the
 * machine changes; the latter belongs to the BQL.  A map keeps its RAM until
 * a grace period after the commit that replaces it.
 */
static RamMap *ram_map;
static RamMap *coming;

/* The section that has all of this, and where in it; or NULL */
static RamSection *find(uint64_t spa, uint64_t len, uint64_t *offset)
{
    RamMap *map = qatomic_rcu_read(&ram_map);

    for (int i = 0; map && i < SECTIONS; i++) {
        RamSection *s = &map->section[i];

        *offset = spa - s->first;
        if (*offset < s->size && len <= s->size - *offset) {
            return s;
        }
    }
    return NULL;
}

const void *amdvi_svm_find_ram(uint64_t spa, uint64_t len)
{
    uint64_t offset;
    const RamSection *s = find(spa, len, &offset);

    return s ? (const uint8_t *)s->cache.ptr + offset : NULL;
}

bool amdvi_svm_write_ram(uint64_t spa, const void *buf, uint64_t len)
{
    uint64_t offset;
    RamSection *s = find(spa, len, &offset);

    if (!s || !s->writable || !len) {
        return false;
    }
    memmove((uint8_t *)s->cache.ptr + offset, buf, len);
    address_space_cache_invalidate(&s->cache, offset, len);
    return true;
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
            .writable = memory_access_is_direct(mr, true,
                                                MEMTXATTRS_UNSPECIFIED),
        });
    }
}

static void open_sections(RamMap *map)
{
    for (int i = 0; i < SECTIONS && map->section[i].size; i++) {
        RamSection *s = &map->section[i];

        s->size = address_space_cache_init(&s->cache, &address_space_memory,
                                           s->first, s->size, s->writable);
        if (!s->cache.ptr) {
            s->size = 0;
        }
    }
}

static void free_map(RamMap *map)
{
    for (int i = 0; i < SECTIONS; i++) {
        address_space_cache_destroy(&map->section[i].cache);
    }
    g_free(map);
}

static void commit(MemoryListener *listener)
{
    RamMap *old = ram_map;

    if (coming) {
        open_sections(coming);
        qatomic_rcu_set(&ram_map, coming);
        coming = NULL;
        if (old) {
            call_rcu(old, free_map, rcu);
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
