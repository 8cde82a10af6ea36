/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's own accesses to memory.
 *
 * They reach RAM only.  Anything else counts as a master abort: calling a
 * device from inside a translation would hand control to code that may come
 * back here with our lock held.  Stores mark the page dirty, for migration
 * and for translated guest code.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/rcu.h"
#include "system/address-spaces.h"
#include "system/memory.h"
#include "state.h"

/* Host address of @len bytes of RAM, or NULL.  Valid inside an RCU section */
static void *ram_pointer(uint64_t spa, size_t len, bool is_write,
                         MemoryRegion **mr)
{
    hwaddr offset, plen = len;

    *mr = address_space_translate(&address_space_memory, spa, &offset, &plen,
                                  is_write, MEMTXATTRS_UNSPECIFIED);
    if (plen < len || !memory_access_is_direct(*mr, is_write,
                                               MEMTXATTRS_UNSPECIFIED)) {
        return NULL;
    }
    return (uint8_t *)memory_region_get_ram_ptr(*mr) + offset;
}

/*
 * Copy from RAM that processors write to.  Aligned words are read whole and
 * in ascending order: Linux writes a DTE in two halves in such an order that
 * this never sees a valid first half with an old second one
 * (spec/linux-guest.md 3.1).
 */
static void copy_from_ram(void *buf, const void *ram, size_t len)
{
    if (!QEMU_PTR_IS_ALIGNED(ram, 8) || len % 8) {
        memcpy(buf, ram, len);
        return;
    }
    for (size_t i = 0; i < len / 8; i++) {
        uint64_t word = qatomic_load_acquire((const uint64_t *)ram + i);

        memcpy((uint8_t *)buf + 8 * i, &word, 8);
    }
}

bool amdvi_svm_load(uint64_t spa, void *buf, size_t len)
{
    MemoryRegion *mr;
    const void *ram;

    RCU_READ_LOCK_GUARD();
    ram = ram_pointer(spa, len, false, &mr);
    if (!ram) {
        return false;
    }
    copy_from_ram(buf, ram, len);
    return true;
}

bool amdvi_svm_store(uint64_t spa, const void *buf, size_t len)
{
    MemoryRegion *mr;
    void *ram;

    RCU_READ_LOCK_GUARD();
    ram = ram_pointer(spa, len, true, &mr);
    if (!ram) {
        return false;
    }
    memory_region_ref(mr);
    memcpy(ram, buf, len);
    address_space_unmap(&address_space_memory, ram, len, true, len);
    return true;
}

static enum amdvi_mem_status mem_read(void *opaque, uint64_t spa, void *buf,
                                      size_t len)
{
    return amdvi_svm_load(spa, buf, len) ? AMDVI_MEM_OK : AMDVI_MEM_ABORT;
}

static enum amdvi_mem_status mem_cmpxchg(void *opaque, uint64_t spa,
                                         uint64_t *expected, uint64_t desired)
{
    uint64_t old = cpu_to_le64(*expected), found;
    MemoryRegion *mr;
    uint64_t *ram;
    bool stored;

    RCU_READ_LOCK_GUARD();
    ram = ram_pointer(spa, sizeof(*ram), true, &mr);
    if (!ram || !QEMU_PTR_IS_ALIGNED(ram, sizeof(*ram))) {
        return AMDVI_MEM_ABORT;
    }
    memory_region_ref(mr);
    found = qatomic_cmpxchg(ram, old, cpu_to_le64(desired));
    stored = found == old;
    address_space_unmap(&address_space_memory, ram, sizeof(*ram), stored,
                        stored ? sizeof(*ram) : 0);
    if (!stored) {
        *expected = le64_to_cpu(found);
    }
    return AMDVI_MEM_OK;
}

const struct amdvi_mem amdvi_svm_mem = {
    .read = mem_read,
    .cmpxchg = mem_cmpxchg,
};

const struct amdvi_mem amdvi_svm_mem_read_only = {
    .read = mem_read,
};
