/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where RAM and the IOMMU's registers are in a QEMU that cannot be asked
 * for it directly: from the text of its monitor command "info mtree -f".
 */
#ifndef AMDVI_INSPECT_MEMORY_MAP_H
#define AMDVI_INSPECT_MEMORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMDVI_MAX_RAM_RANGES 64

struct amdvi_memory_range {
    uint64_t first;             /* address of the first byte */
    uint64_t last;              /* address of the last one */
};

struct amdvi_memory_map {
    struct amdvi_memory_range ram[AMDVI_MAX_RAM_RANGES];    /* and ROM */
    size_t ram_count;
    bool has_registers;
    struct amdvi_memory_range registers;    /* of the IOMMU */
};

/*
 * Parse the text.  Lines that are not understood are passed over; what is
 * not found there counts as neither RAM nor registers.
 */
void amdvi_memory_map_parse(const char *text, struct amdvi_memory_map *ret);

/* Whether all @len > 0 bytes from @addr lie in one RAM range */
bool amdvi_memory_map_is_ram(const struct amdvi_memory_map *map,
                             uint64_t addr, size_t len);

#endif
