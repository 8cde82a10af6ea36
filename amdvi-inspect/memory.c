/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a target, with the last pages kept.  See memory.h.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096u

/* Pages that are near each other go to different slots */
static size_t slot_of(uint64_t page)
{
    return (page / PAGE_SIZE) % AMDVI_MEMORY_SLOTS;
}

static enum amdvi_mem_status load(struct amdvi_memory *memory, uint64_t page)
{
    size_t i = slot_of(page);

    if (memory->slot[i].used && memory->slot[i].page == page) {
        return memory->slot[i].status;
    }
    memory->slot[i].used = false;
    if (memory->failed ||
        !amdvi_target_read(memory->target, page, memory->slot[i].bytes,
                           PAGE_SIZE, &memory->slot[i].status,
                           &memory->err)) {
        memory->failed = true;
        return AMDVI_MEM_ABORT;
    }
    memory->slot[i].used = true;
    memory->slot[i].page = page;
    return memory->slot[i].status;
}

static enum amdvi_mem_status read_memory(void *opaque, uint64_t spa,
                                         void *buf, size_t len)
{
    struct amdvi_memory *memory = opaque;
    uint64_t page = spa - spa % PAGE_SIZE;
    enum amdvi_mem_status status = load(memory, page);

    if (status == AMDVI_MEM_OK) {
        memcpy(buf, memory->slot[slot_of(page)].bytes + spa % PAGE_SIZE, len);
    }
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
    for (size_t i = 0; i < AMDVI_MEMORY_SLOTS; i++) {
        memory->slot[i].used = false;
    }
}
