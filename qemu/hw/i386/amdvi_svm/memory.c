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
#include "hw/i386/pc.h"
#include "state.h"

/* The longest structure, a DTE, and how often it is read again, at most */
#define LOAD_MAX (AMDVI_MAX_WORDS * 8)
#define LOAD_TRIES 64

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

/* Copy aligned words, each of them at once and in ascending order */
static void copy_words(uint64_t *to, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = qatomic_load_acquire(from + i);
    }
}

/*
 * Copy from RAM that processors write to.  Linux writes a DTE with two stores
 * of 16 bytes, and half of an old entry with half of a new one may point
 * anywhere (spec/linux-guest.md 3.1).  So a structure of several words is
 * read until it was the same twice; a guest that never stops to change it
 * gets what it deserves.
 */
static void copy_from_ram(void *buf, const void *ram, size_t len)
{
    uint64_t first[LOAD_MAX / 8], second[LOAD_MAX / 8];
    int tries = LOAD_TRIES;

    if (!QEMU_PTR_IS_ALIGNED(ram, 8) || len % 8 || len > LOAD_MAX) {
        memcpy(buf, ram, len);
        return;
    }
    copy_words(first, ram, len / 8);
    while (len > 8 && tries--) {
        copy_words(second, ram, len / 8);
        if (!memcmp(first, second, len)) {
            break;
        }
        memcpy(first, second, len);
    }
    memcpy(buf, first, len);
}

bool amdvi_svm_load(uint64_t spa, void *buf, size_t len)
{
    MemoryRegion *mr;
    const void *ram;

    /* Nothing, except in a fuzzer, which makes up what is read */
    fuzz_dma_read_cb(spa, len, current_machine->ram);
    RCU_READ_LOCK_GUARD();
    ram = amdvi_svm_find_ram(spa, len);
    if (!ram) {
        ram = ram_pointer(spa, len, false, &mr);
    }
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

MemTxResult amdvi_svm_access(uint64_t spa, MemTxAttrs attrs, void *buf,
                             uint64_t len, bool write)
{
    const void *ram = write ? NULL : amdvi_svm_find_ram(spa, len);

    if (ram) {
        memcpy(buf, ram, len);
        return MEMTX_OK;
    }
    if (write && amdvi_svm_write_ram(spa, buf, len)) {
        return MEMTX_OK;
    }
    return address_space_rw(&address_space_memory, spa, attrs, buf, len,
                            write);
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
