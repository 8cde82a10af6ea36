/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See testdev.h. */
#include "payload.h"
#include "testdev.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
/* q35: configuration space in memory */
#define PCIEXBAR 0x80000060
#define CONFIG_SPACE 0xb0000000ULL
#define CONFIG(offset) (CONFIG_SPACE + (TESTDEV_ID << 12) + (offset))
#define PASID_CONTROL 0x106
#define ATS_CONTROL 0x116
#define PRI_CONTROL 0x124
#define PRI_ALLOCATION 0x12c

/* Where the registers are put */
#define REGISTERS 0xd0100000ULL
#define REG_STATUS 0x010
#define REG_COMMAND 0x018
#define REG_FLAGS 0x020
#define REG_PASID 0x028
#define REG_ADDRESS 0x030
#define REG_LENGTH 0x038
#define REG_BENCH_COUNT 0x200
#define DATA 0x10000

#define COMMAND_WRITE 2
#define COMMAND_PAGE_REQUEST 4
#define COMMAND_BENCH_WRITE 6
#define FLAG_PASID 1
#define FLAG_READ 2
#define FLAG_LAST 0x40
#define PATH_TLB 0
#define PATH_UNTRANSLATED 0x100
#define PAGE_BYTES 0x1000

static uint64_t get(uint32_t offset)
{
    return *(volatile uint64_t *)(REGISTERS + offset);
}

static void set(uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)(REGISTERS + offset) = value;
}

void testdev_start(void)
{
    port_out32(CONFIG_ADDRESS, PCIEXBAR);
    port_out32(CONFIG_DATA, (uint32_t)CONFIG_SPACE | 1);
    *(volatile uint32_t *)CONFIG(0x10) = (uint32_t)REGISTERS;
    *(volatile uint32_t *)CONFIG(0x14) = 0;
    *(volatile uint16_t *)CONFIG(0x04) = 6;
    *(volatile uint16_t *)CONFIG(PASID_CONTROL) = 1;
    *(volatile uint16_t *)CONFIG(ATS_CONTROL) = 0x8000;
    set(REG_PASID, TESTDEV_PASID);
    set(REG_LENGTH, PAGE_BYTES);
    for (uint32_t i = 0; i < PAGE_BYTES; i += 8) {
        set(DATA + i, i);
    }
}

void testdev_put(uint32_t offset, uint64_t value)
{
    set(DATA + offset, value);
}

static void run(uint64_t command, uint64_t path, uint64_t address)
{
    set(REG_FLAGS, FLAG_PASID | path);
    set(REG_ADDRESS, address);
    set(REG_COMMAND, command);
    while (get(REG_STATUS)) {
        __builtin_ia32_pause();
    }
}

void testdev_start_requests(void)
{
    *(volatile uint32_t *)CONFIG(PRI_ALLOCATION) = 32;
    *(volatile uint16_t *)CONFIG(PRI_CONTROL) = 1;
}

void testdev_request_page(uint64_t address)
{
    run(COMMAND_PAGE_REQUEST, FLAG_READ | FLAG_LAST, address);
}

void testdev_write_page(uint64_t address)
{
    run(COMMAND_WRITE, PATH_UNTRANSLATED, address);
}

void testdev_write_page_ats(uint64_t address)
{
    run(COMMAND_WRITE, PATH_TLB, address);
}

void testdev_write_often(uint64_t address, unsigned int count)
{
    set(REG_BENCH_COUNT, count);
    run(COMMAND_BENCH_WRITE, PATH_UNTRANSLATED, address);
}

void testdev_write_often_ats(uint64_t address, unsigned int count)
{
    set(REG_BENCH_COUNT, count);
    run(COMMAND_BENCH_WRITE, PATH_TLB, address);
}
