/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors write what they like to the registers of the IOMMU, all at once,
 * while a device goes on with its DMA.  Afterwards a driver starts anew and
 * has to find all of it working.
 *
 * Processor 0 drives the device, the others write.  What they write is random
 * but for addresses: a log must not land in this program.
 */
#include "iommu.h"
#include "payload.h"
#include "testdev.h"

#define PROCESSORS 4
#define ROUNDS 300
#define BENCH 200
#define DOMAIN 0x2a
/* An I/O virtual address with a table entry of its own, above all memory */
#define WINDOW (1ULL << 30)
#define OTHER_PASID 6
#define WORDS 512
#define CANARY 0x5a5a5a5a5a5a5a5aULL
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* Guest tables and DTEs: spec/structures.md 1, 4.  IR IW GV TV V, and I */
#define RIGHTS 7ULL
#define DTE_0 (6ULL << 60 | 1ULL << 55 | 3)
#define DTE_1 (1ULL << 32 | DOMAIN)

#define NOWHERE 0x7000000000ULL
#define LENGTH_256 (8ULL << 56)

#define TABLE(name) \
    static volatile uint64_t name[WORDS] __attribute__((aligned(4096)))
TABLE(gcr3);
TABLE(level_4[2]);
TABLE(level_3[2]);
TABLE(level_2[2]);
TABLE(level_1[2]);
TABLE(page[2]);
/* Where rings and tables may be put: 256 entries, or a page of DTEs */
TABLE(scratch[4]);

static volatile bool stop;
static volatile uint32_t writes;

static uint64_t at(const volatile void *place)
{
    return (uint64_t)place;
}

/* Both PASIDs have WINDOW, each a page of its own */
static void set_tables(void)
{
    for (int i = 0; i < 2; i++) {
        gcr3[i ? OTHER_PASID : TESTDEV_PASID] = at(level_4[i]) | 1;
        level_4[i][0] = at(level_3[i]) | RIGHTS;
        level_3[i][WINDOW >> 30] = at(level_2[i]) | RIGHTS;
        level_2[i][0] = at(level_1[i]) | RIGHTS;
        level_1[i][0] = at(page[i]) | RIGHTS;
    }
}

static void set_dte(void)
{
    uint64_t root = at(gcr3);
    uint64_t dte[4] = { DTE_0 | (root >> 12 & 7) << 58,
                        DTE_1 | (root >> 15 & 0xffff) << 16 };

    iommu_set_dte(TESTDEV_ID, dte);
    iommu_invalidate_guest(DOMAIN, TESTDEV_PASID, WINDOW);
    iommu_invalidate_device(TESTDEV_ID, TESTDEV_PASID, WINDOW);
}

static void fill(volatile uint64_t *words)
{
    for (int i = 0; i < WORDS; i++) {
        words[i] = CANARY;
    }
}

static int written(const volatile uint64_t *words)
{
    int count = 0;

    for (int i = 0; i < WORDS; i++) {
        count += words[i] != CANARY;
    }
    return count;
}

/* Which registers: bases take one of the values, the others any number */
static const struct {
    uint32_t offset;
    bool base;
} registers[] = {
    { 0x0000, true }, { 0x0008, true }, { 0x0010, true }, { 0x0038, true },
    { 0x0018, false }, { 0x0018, false }, { 0x0018, false },
    { 0x2000, false }, { 0x2008, false }, { 0x2010, false },
    { 0x2018, false }, { 0x2020, false }, { 0x2030, false },
    { 0x2038, false }, { 0x2080, false }, { 0x2088, false },
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A piece of memory made for it, the IOMMU's own registers, or nothing */
static uint64_t random_base(uint64_t random)
{
    const uint64_t places[] = {
        at(scratch[0]), at(scratch[1]), at(scratch[2]), at(scratch[3]),
        IOMMU_REGISTERS, NOWHERE,
    };

    return places[random % ARRAY_SIZE(places)] | LENGTH_256;
}

static void besiege(unsigned int processor)
{
    uint64_t state = 0x9e3779b97f4a7c15ULL * processor;

    while (!stop) {
        uint64_t random = next_random(&state);
        unsigned int n = (random >> 32) % ARRAY_SIZE(registers);

        /* An opcode in each command, mostly; no store is in RAM */
        scratch[random & 3][(random >> 8 & 255) * 2] =
            (random & ~(15ULL << 60)) | (random >> 16 & 7) << 60 | NOWHERE;
        iommu_write(registers[n].offset, registers[n].base
                    ? random_base(random) : next_random(&state));
        __atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED);
    }
}

static void drive(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        testdev_write_page(WINDOW);
        testdev_write_page_ats(WINDOW);
        testdev_write_often(WINDOW, BENCH);
        testdev_request_page(WINDOW);
    }
    stop = true;
}

static void run(unsigned int processor)
{
    barrier(PROCESSORS);
    if (processor) {
        besiege(processor);
    } else {
        drive();
    }
    barrier(PROCESSORS);
}

void other_main(unsigned int number)
{
    run(number);
}

/* Both ways to write a page, once it all is as it should be */
static void report_writes(void)
{
    uint64_t event[2];

    fill(page[0]);
    testdev_write_page(WINDOW);
    report("words-written", written(page[0]));
    fill(page[0]);
    testdev_write_page_ats(WINDOW);
    report("words-written-ats", written(page[0]));
    report("events", (int)iommu_take_events(event));
    report("written-to-others", written(page[1]));
    report("besieged", writes > 0);
}

void main(void)
{
    volatile uint32_t *apic_command = (uint32_t *)0xfee00300;

    /* Initialize all others, then start them at f0000h */
    *apic_command = 0x000c4500;
    *apic_command = 0x000c46f0;
    set_tables();
    fill(page[1]);
    iommu_start();
    testdev_start();
    testdev_start_requests();
    set_dte();
    run(0);
    iommu_start();
    set_dte();
    report_writes();
    finish();
}
