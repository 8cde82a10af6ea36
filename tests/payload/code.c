/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device with a PASID writes what a processor executes.  QEMU keeps code in
 * a translated form, which has to go with each write.  "old-code" counts calls
 * that found the code of an earlier write, "faults" writes that failed.
 */
#include "iommu.h"
#include "payload.h"
#include "testdev.h"

#define ROUNDS 1000
#define DOMAIN 0x2a
#define WORDS 512
/* Guest tables, spec/structures.md 4: P R/W U/S, and a leaf of 2 MiB */
#define RIGHTS 7ULL
#define LARGE 0x80ULL
/* IR IW GV TV V, GLX=0 */
#define DTE_0 (6ULL << 60 | 1ULL << 55 | 3)

#define TABLE(name) static uint64_t name[WORDS] __attribute__((aligned(4096)))
TABLE(gcr3);
TABLE(level_4);
TABLE(level_3);
TABLE(level_2);
TABLE(code);

/* All memory, each address at itself */
static void set_tables(void)
{
    uint64_t root = (uint64_t)gcr3;
    uint64_t dte[4] = {
        DTE_0 | (root >> 12 & 7) << 58,
        DOMAIN | (root >> 15 & 0xffff) << 16, 0, 0,
    };

    gcr3[TESTDEV_PASID] = (uint64_t)level_4 | 1;
    level_4[0] = (uint64_t)level_3 | RIGHTS;
    level_3[0] = (uint64_t)level_2 | RIGHTS;
    for (uint64_t i = 0; i < WORDS; i++) {
        level_2[i] = i << 21 | RIGHTS | LARGE;
    }
    iommu_set_dte(TESTDEV_ID, dte);
}

/* mov $value, %eax; ret */
static uint64_t return_value(uint32_t value)
{
    return 0xb8 | (uint64_t)value << 8 | 0xc3ULL << 40;
}

static uint32_t call_code(void)
{
    uint32_t value;

    asm volatile("call *%1" : "=a"(value) : "r"(code) : "memory", "cc");
    return value;
}

void other_main(unsigned int number)
{
    (void)number;
}

void main(void)
{
    unsigned int old = 0;
    uint64_t event[2];

    iommu_start();
    testdev_start();
    set_tables();
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        testdev_put(0, return_value(i));
        testdev_write_page((uint64_t)code);
        old += call_code() != i;
    }
    report("old-code", (int)old);
    report("faults", (int)iommu_take_events(event));
    finish();
}
