/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a target, with the last pages kept.  See memory.h.
 */
#include "memory.h"

#include <stdlib.h>

/* Equal distances between tables are common: all bits of the number count */
static size_t set_of(uint64_t address)
{
    return (size_t)(address / AMDVI_KEPT_PAGE_SIZE *
                    UINT64_C(0x9e3779b97f4a7c15) >> 32) % AMDVI_MEMORY_SETS;
}

/* The place of a page: where it is, or what was not used for longest */
static struct amdvi_memory_page *find_page(struct amdvi_memory *memory,
                                           uint64_t address)
{
    struct amdvi_memory_page *set = memory->page[set_of(address)];
    struct amdvi_memory_page *oldest = set;

    for (int i = 0; i < AMDVI_MEMORY_WAYS; i++) {
        if (set[i].used && set[i].kept.address == address) {
            return &set[i];
        }
        if (set[i].used < oldest->used) {
            oldest = &set[i];
        }
    }
    amdvi_kept_page_forget(&oldest->kept);
    return oldest;
}

static enum amdvi_mem_status read_memory(void *opaque, uint64_t spa,
                                         void *buf, size_t len)
{
    struct amdvi_memory *memory = opaque;
    struct amdvi_memory_page *page =
        find_page(memory, spa - spa % AMDVI_KEPT_PAGE_SIZE);
    enum amdvi_mem_status status;

    if (memory->failed ||
        !amdvi_kept_page_read(&page->kept, memory->target, spa, buf, len,
                              &status, &memory->err)) {
        memory->failed = true;
        return AMDVI_MEM_ABORT;
    }
    page->used = ++memory->clock;
    return status;
}

struct amdvi_memory *amdvi_memory_new(struct amdvi_target *target,
                                      struct amdvi_error *err)
{
    struct amdvi_memory *memory = calloc(1, sizeof(*memory));

    if (!memory) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    memory->target = target;
    memory->mem.read = read_memory;
    memory->mem.opaque = memory;
    return memory;
}

bool amdvi_memory_good(const struct amdvi_memory *memory,
                       struct amdvi_error *err)
{
    if (memory->failed) {
        *err = memory->err;
    }
    return !memory->failed;
}

void amdvi_memory_forget(struct amdvi_memory *memory)
{
    for (int set = 0; set < AMDVI_MEMORY_SETS; set++) {
        for (int way = 0; way < AMDVI_MEMORY_WAYS; way++) {
            memory->page[set][way].used = 0;
        }
    }
}
