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

struct called {
    const struct amdvi_callbacks *callbacks;
    struct amdvi_memory_map map;
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

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    const struct called *called = target->opaque;
    const struct amdvi_memory_range *window = &called->map.registers;
    uint64_t addr = window->first + (offset & ~7u);
    enum amdvi_mem_status status;
    uint8_t bytes[8];

    *ret_value = 0;
    if (window->last - window->first < offset + sizeof(bytes) - 1) {
        return true;
    }
    if (!call(called->callbacks, addr, bytes, sizeof(bytes), &status, err)) {
        return false;
    }
    if (status == AMDVI_MEM_OK) {
        amdvi_load_words(ret_value, bytes, 1);
        *ret_value >>= offset % 8 * 8;
    }
    return true;
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
    .pci_functions = pci_functions,
    .describe = describe,
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
