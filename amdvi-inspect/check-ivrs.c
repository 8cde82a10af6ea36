/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rule about the firmware's description of the IOMMU: the feature
 * registers as the IVRS table in memory shows them.  See check.h.
 * Source: spec/acpi-ivrs.md.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where firmware leaves the pointer to its tables, every 16 bytes */
#define RSDP_FIRST UINT64_C(0xe0000)
#define RSDP_END UINT64_C(0x100000)
/* Tables listed, and bytes of an IVRS, at most */
#define MAX_TABLES 256
#define MAX_IVRS 65536u

#define HEADER_SIZE 36          /* of every table */
#define IVRS_BLOCKS 48          /* offset of the first block */
#define IVHD_SIZE 40            /* up to the entries, types 11h and 40h */

/* Any range of memory; false: not all of it is there */
static bool read_bytes(struct amdvi_check *check, uint64_t addr, void *buf,
                       size_t len)
{
    struct amdvi_mem *mem = &check->memory->mem;
    uint8_t *p = buf;

    while (len) {
        size_t n = 4096 - addr % 4096;
        enum amdvi_mem_status status;

        n = n < len ? n : len;
        status = mem->read(mem->opaque, addr, p, n);
        if (status == AMDVI_MEM_UNKNOWN) {
            check->untried[AMDVI_RULE_IVRS_FEATURES] = AMDVI_UNTRIED_FIRMWARE;
        }
        if (status != AMDVI_MEM_OK) {
            return false;
        }
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}

/* A little-endian number of @size bytes, at most 8 */
static uint64_t load(const uint8_t *p, unsigned int size)
{
    uint64_t value = 0;

    for (unsigned int i = size; i > 0; i--) {
        value = value << 8 | p[i - 1];
    }
    return value;
}

/* The list of tables: its address, and the bytes of one of its entries */
static bool find_list(struct amdvi_check *check, uint64_t *ret_addr,
                      unsigned int *ret_size)
{
    for (uint64_t at = RSDP_FIRST; at < RSDP_END; at += 16) {
        uint8_t rsdp[36];

        if (!read_bytes(check, at, rsdp, sizeof(rsdp)) ||
            memcmp(rsdp, "RSD PTR ", 8) != 0) {
            continue;
        }
        /* revision 2 has 64-bit addresses, in another table */
        *ret_size = rsdp[15] >= 2 ? 8 : 4;
        *ret_addr = rsdp[15] >= 2 ? load(rsdp + 24, 8) : load(rsdp + 16, 4);
        return true;
    }
    return false;
}

/* The table called @name; false: there is none */
static bool find_table(struct amdvi_check *check, const char *name,
                       uint64_t *ret_addr, uint32_t *ret_length)
{
    uint8_t header[HEADER_SIZE], entry[8];
    uint64_t list;
    unsigned int size, count;

    if (!find_list(check, &list, &size) ||
        !read_bytes(check, list, header, sizeof(header)) ||
        load(header + 4, 4) < HEADER_SIZE) {
        return false;
    }
    count = (unsigned int)(load(header + 4, 4) - HEADER_SIZE) / size;
    for (unsigned int i = 0; i < count && i < MAX_TABLES; i++) {
        if (!read_bytes(check, list + HEADER_SIZE + i * size, entry, size)) {
            return false;
        }
        *ret_addr = load(entry, size);
        if (read_bytes(check, *ret_addr, header, sizeof(header)) &&
            memcmp(header, name, 4) == 0) {
            *ret_length = (uint32_t)load(header + 4, 4);
            return true;
        }
    }
    return false;
}

static void compare(struct amdvi_check *check, unsigned int type,
                    const char *name, uint64_t firmware, uint64_t value)
{
    char place[32];

    if (firmware != value) {
        snprintf(place, sizeof(place), "IVHD type %xh", type);
        amdvi_check_find(check, AMDVI_RULE_IVRS_FEATURES, place,
                         "%s: IVRS 0x%" PRIx64 ", register 0x%" PRIx64, name,
                         firmware, value);
    }
}

/* A block that describes our IOMMU with its feature registers */
static void check_block(struct amdvi_check *check, const uint8_t *ivhd)
{
    struct amdvi_target_info info;

    amdvi_target_describe(check->target, &info);
    if ((ivhd[0] != 0x11 && ivhd[0] != 0x40) ||
        load(ivhd + 8, 8) != info.mmio_base) {
        return;
    }
    compare(check, ivhd[0], "EFR", load(ivhd + 24, 8),
            check->iommu.features.efr);
    compare(check, ivhd[0], "EFR2", load(ivhd + 32, 8),
            check->iommu.features.efr2);
}

void amdvi_check_ivrs(struct amdvi_check *check)
{
    uint64_t addr;
    uint32_t length, at = IVRS_BLOCKS;

    if (!find_table(check, "IVRS", &addr, &length)) {
        return;
    }
    length = length < MAX_IVRS ? length : MAX_IVRS;
    while (at + IVHD_SIZE <= length) {
        uint8_t ivhd[IVHD_SIZE];
        uint32_t size;

        if (!read_bytes(check, addr + at, ivhd, sizeof(ivhd))) {
            return;
        }
        check_block(check, ivhd);
        size = (uint32_t)load(ivhd + 2, 2);
        if (size < 4) {
            return;
        }
        at += size;
    }
}
