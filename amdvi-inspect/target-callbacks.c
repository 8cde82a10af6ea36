/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See target-callbacks.h.
 *
 * A debugger's stub reads device registers like memory, and a table address
 * from the guest may point at any device; so memory is read only where the
 * memory map has RAM.
 */
#include "target-callbacks.h"
#include "memory-map.h"
#include "pci.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* Of a stub's reply each byte costs; 8 entries of a table, 2 of devices */
#define PIECE 64

/*
 * Registers that are read in one call: what a walk wants to know, and what
 * shows the rings.  Reading any of them has no side effect; reading 1FF8h,
 * between the two, is an event of the performance counters.
 */
static const struct block {
    uint32_t first, end;
} blocks[] = {
    { AMDVI_MMIO_devtab_base, AMDVI_MMIO_efr2 + 8 },
    { AMDVI_MMIO_cmd_head, AMDVI_MMIO_ppr_b_early_overflow + 8 },
};
#define NUM_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))
/* Bytes of the longer one, which begins at 0 */
#define MAX_BLOCK (AMDVI_MMIO_efr2 + 8)

struct called {
    const struct amdvi_callbacks *callbacks;
    struct amdvi_memory_map map;
    bool known[NUM_BLOCKS];     /* since refresh() */
    uint64_t words[NUM_BLOCKS][MAX_BLOCK / 8];
};

static bool call(const struct amdvi_callbacks *callbacks, uint64_t addr,
                 void *buf, size_t len, enum amdvi_mem_status *ret_status,
                 struct amdvi_error *err)
{
    char message[AMDVI_CALLBACK_MESSAGE] = "";
    int status = callbacks->read(callbacks->opaque, addr, buf, len, message);

    message[sizeof(message) - 1] = '\0';
    if (status != AMDVI_CALLBACK_OK && status != AMDVI_CALLBACK_NO_MEMORY) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "%s",
                          *message ? amdvi_sanitise(message)
                                   : "memory cannot be read");
    }
    *ret_status = status == AMDVI_CALLBACK_OK ? AMDVI_MEM_OK
                                              : AMDVI_MEM_ABORT;
    return true;
}

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    const struct called *called = target->opaque;

    *ret_status = AMDVI_MEM_ABORT;
    return !amdvi_memory_map_is_ram(&called->map, addr, len) ||
           call(called->callbacks, addr, buf, len, ret_status, err);
}

/* Registers from @first up to @end; 0 where none is */
static bool read_registers(const struct called *called, uint32_t first,
                           uint32_t end, uint64_t *words,
                           struct amdvi_error *err)
{
    const struct amdvi_memory_range *window = &called->map.registers;
    enum amdvi_mem_status status;
    uint8_t bytes[MAX_BLOCK];
    uint32_t size = end - first;

    memset(words, 0, size);
    if (window->last - window->first < end - 1) {
        return true;
    }
    if (!call(called->callbacks, window->first + first, bytes, size, &status,
              err)) {
        return false;
    }
    if (status == AMDVI_MEM_OK) {
        amdvi_load_words(words, bytes, size / 8);
    }
    return true;
}

/* The word at @offset, from a block if it is in one */
static bool find_word(struct called *called, uint32_t offset, uint64_t *ret,
                      struct amdvi_error *err)
{
    for (size_t i = 0; i < NUM_BLOCKS; i++) {
        const struct block *block = &blocks[i];

        if (offset < block->first || offset >= block->end) {
            continue;
        }
        called->known[i] = called->known[i] ||
                           read_registers(called, block->first, block->end,
                                          called->words[i], err);
        *ret = called->words[i][(offset - block->first) / 8];
        return called->known[i];
    }
    return read_registers(called, offset, offset + 8, ret, err);
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    bool good = find_word(target->opaque, offset & ~7u, ret_value, err);

    *ret_value >>= offset % 8 * 8;
    return good;
}

static void refresh(struct amdvi_target *target)
{
    struct called *called = target->opaque;

    memset(called->known, 0, sizeof(called->known));
}

static bool pci_functions(struct amdvi_target *target,
                          struct amdvi_pci_list *ret, struct amdvi_error *err)
{
    const struct called *called = target->opaque;

    return !called->callbacks->pci ||
           amdvi_pci_parse(called->callbacks->pci, ret, err);
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    const struct called *called = target->opaque;

    ret->kind = called->callbacks->kind;
    ret->mmio_base = called->map.registers.first;
}

static void close_target(struct amdvi_target *target)
{
    free(target->opaque);
}

static const struct amdvi_target_ops callback_ops = {
    .read_memory = read_memory,
    .read_register = read_register,
    .piece = PIECE,
    .pci_functions = pci_functions,
    .describe = describe,
    .refresh = refresh,
    .close = close_target,
};

struct amdvi_target *
amdvi_target_open_callbacks(const struct amdvi_callbacks *callbacks,
                            struct amdvi_error *err)
{
    struct called *called = calloc(1, sizeof(*called));

    if (!called) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    called->callbacks = callbacks;
    amdvi_memory_map_parse(callbacks->memory_map, &called->map);
    if (called->map.ram_count == 0) {
        amdvi_fail(err, AMDVI_EXIT_REPLY,
                   "\"info mtree -f\" shows no RAM");
    } else if (!called->map.has_registers) {
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED, "this VM has no AMD IOMMU");
    } else {
        return amdvi_target_new(&callback_ops, called, err);
    }
    free(called);
    return NULL;
}
