/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory map of an unmodified QEMU.  See memory-map.h.
 *
 * The text has one section per flat view; that of the processors says
 * ' AS "memory", root: system'.  Its ranges look like
 *
 *   0000000000000000-00000000000bffff (prio 0, ram): pc.ram
 *   00000000fed80000-00000000fed83fff (prio 0, i/o): amdvi-mmio
 */
#include "memory-map.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_LENGTH 256

static void add_range(const char *kind, const char *name,
                      struct amdvi_memory_range range,
                      struct amdvi_memory_map *map)
{
    if ((strcmp(kind, "ram") == 0 || strcmp(kind, "rom") == 0) &&
        map->ram_count < AMDVI_MAX_RAM_RANGES) {
        map->ram[map->ram_count++] = range;
    } else if (strcmp(kind, "i/o") == 0 && strcmp(name, "amdvi-mmio") == 0) {
        map->registers = range;
        map->has_registers = true;
    }
}

static void parse_range(const char *line, struct amdvi_memory_map *map)
{
    struct amdvi_memory_range range;
    char kind[16], name[64];

    if (sscanf(line, " %16" SCNx64 "-%16" SCNx64
               " (prio %*d, %15[^)]): %63s", &range.first, &range.last, kind,
               name) == 4 && range.first <= range.last) {
        add_range(kind, name, range, map);
    }
}

void amdvi_memory_map_parse(const char *text, struct amdvi_memory_map *ret)
{
    bool inside = false;

    memset(ret, 0, sizeof(*ret));
    while (*text) {
        size_t length = strcspn(text, "\r\n");
        char line[LINE_MAX_LENGTH];

        snprintf(line, sizeof(line), "%.*s", (int)(length < sizeof(line)
                                                   ? length : 0), text);
        if (strncmp(line, "FlatView", 8) == 0) {
            inside = false;
        } else if (strncmp(line, " AS \"memory\",", 13) == 0) {
            inside = true;
        } else if (inside) {
            parse_range(line, ret);
        }
        text += length;
        text += strspn(text, "\r\n");
    }
}

bool amdvi_memory_map_is_ram(const struct amdvi_memory_map *map,
                             uint64_t addr, size_t len)
{
    for (size_t i = 0; i < map->ram_count; i++) {
        const struct amdvi_memory_range *r = &map->ram[i];

        if (addr >= r->first && addr <= r->last && len - 1 <= r->last - addr) {
            return true;
        }
    }
    return false;
}
