/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors that watch the IOMMU while a device keeps it busy.
 *
 * In each round processor 0 makes the device fault, lets it ask for a page and
 * has a number stored.  All of them carry the number of the round.  Processor
 * 1 looks at the registers and processor 2 at memory, as fast as they can, and
 * note the last round they have seen.  The program never ends; who stops the
 * machine reads the notes.
 */
#include "iommu.h"
#include "payload.h"
#include "testdev.h"

/* tests/guest/break-test knows this place and this structure */
#define NOTES ((volatile Notes *)0x3000000)

typedef struct Notes {
    uint64_t round;             /* that processor 0 has begun */
    uint64_t tail[2];           /* rounds by tails: events, requests */
    uint64_t entry[2];          /* and by entries in memory */
    uint64_t store;             /* and by the stored number */
    uint64_t wrong;             /* entries that were not in order */
    uint64_t looks[2];          /* of processors 1 and 2 */
} Notes;

#define DOMAIN 0x2a
#define PAGE_BYTES 0x1000
/* Nothing is mapped there: round n is about page n */
#define WINDOW (1ULL << 30)
/* Rounds that the watching processors may fall behind */
#define LAG 32
#define RING_BYTES 0x1000

/* V, TV, PPR, GV, IR, IW; I */
#define DTE0 (6ULL << 60 | 3 | 1ULL << 52 | 1ULL << 55)
#define DTE1 (1ULL << 32 | DOMAIN)

static uint64_t gcr3[512] __attribute__((aligned(4096)));
static uint64_t level_4[512] __attribute__((aligned(4096)));
static volatile uint64_t stored;

static void set_tables(void)
{
    uint64_t root = (uint64_t)gcr3;
    uint64_t dte[4] = {
        DTE0 | (root >> 12 & 7) << 58,
        DTE1 | (root >> 15 & 0xffff) << 16, 0, 0,
    };

    gcr3[TESTDEV_PASID] = (uint64_t)level_4 | 1;
    iommu_set_dte(TESTDEV_ID, dte);
}

/* Whether processor 2 is so far behind that a log might overflow */
static bool is_ahead(uint64_t round)
{
    return NOTES->entry[0] + LAG < round || NOTES->entry[1] + LAG < round ||
           NOTES->store + LAG < round;
}

static void provoke(void)
{
    for (uint64_t round = 1;; round++) {
        uint64_t address = WINDOW + round * PAGE_BYTES;

        while (is_ahead(round)) {
            __builtin_ia32_pause();
        }
        NOTES->round = round;
        testdev_write_page(address);
        testdev_request_page(address);
        iommu_store(&stored, round);
    }
}

/* Each round moves each tail by one entry */
static void watch_tails(void)
{
    uint32_t last[2] = { 0, 0 };

    for (;; NOTES->looks[0]++) {
        for (int log = 0; log < 2; log++) {
            uint32_t now = iommu_tail((IommuLog)log);

            NOTES->tail[log] += (now - last[log]) % RING_BYTES / 16;
            last[log] = now;
        }
    }
}

static void watch_memory(void)
{
    uint64_t entry[2];

    for (;; NOTES->looks[1]++) {
        for (int log = 0; log < 2; log++) {
            if (iommu_peek((IommuLog)log, entry)) {
                uint64_t round = (entry[1] - WINDOW) / PAGE_BYTES;

                NOTES->wrong += round != NOTES->entry[log] + 1;
                NOTES->entry[log] = round;
                iommu_drop((IommuLog)log);
            }
        }
        NOTES->store = stored;
    }
}

void other_main(unsigned int number)
{
    while (!NOTES->round) {
        __builtin_ia32_pause();
    }
    if (number == 1) {
        watch_tails();
    }
    watch_memory();
}

void main(void)
{
    volatile uint32_t *apic_command = (uint32_t *)0xfee00300;

    iommu_start();
    iommu_start_requests();
    testdev_start();
    testdev_start_requests();
    set_tables();
    /* Initialize all others, then start them at f0000h */
    *apic_command = 0x000c4500;
    *apic_command = 0x000c46f0;
    provoke();
}
