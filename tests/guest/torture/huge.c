/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scenarios about large pages: the guest page table ends early, and the kernel
 * splits and joins them while the device uses them.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "torture.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define HUGE_SHIFT(shift) ((shift) << 26)

void run_huge_2m(struct worker *worker);
void run_huge_split(struct worker *worker);
void run_huge_collapse(struct worker *worker);
void run_hugetlb_2m(struct worker *worker);
void run_hugetlb_1g(struct worker *worker);

static size_t huge_kib(const void *area)
{
    return smaps_kib(area, "AnonHugePages");
}

/* Fill part of an area by the device, and check all around it. */
static bool fill_part(struct worker *worker, uint8_t *area, size_t bytes)
{
    size_t first = pick(worker, bytes), length = 1 + pick(worker, 64 << 10);
    struct dsa_descriptor what;

    length = length < bytes - first ? length : bytes - first;
    what = describe(DSA_FILL, 0x7777777777777777, area + first, length);
    if (!run_well(worker, &what)) {
        return false;
    }
    return expect_bytes(worker, "before", area, first, 0) &&
           expect_bytes(worker, "filled", area + first, length, 0x77) &&
           expect_bytes(worker, "behind", area + first + length,
                        bytes - first - length, 0);
}

/* The device is the first to touch a place where a huge page may be. */
void run_huge_2m(struct worker *worker)
{
    uint8_t *area = map_huge(2 * HUGE_2M);
    struct dsa_descriptor what = describe(DSA_FILL, 0x3333333333333333, area,
                                          DSA_MAX_TRANSFER);

    what.target += HUGE_2M / 2;
    if (run_well(worker, &what)) {
        tally_add(&worker->tally->brought_in, pages_present(area, 2 * HUGE_2M));
        if (huge_kib(area)) {
            prove(worker);
        }
        expect_bytes(worker, "before", area, HUGE_2M / 2, 0);
        expect_bytes(worker, "filled", area + HUGE_2M / 2, HUGE_2M, 0x33);
        expect_bytes(worker, "behind", area + HUGE_2M / 2 + HUGE_2M,
                     HUGE_2M / 2, 0);
    }
    munmap(area, 2 * HUGE_2M);
}

/* A huge page the device knows is split; one of its pages is taken away. */
void run_huge_split(struct worker *worker)
{
    uint8_t *area = map_huge(HUGE_2M);
    size_t hole = (1 + pick(worker, HUGE_2M / PAGE - 2)) * PAGE;
    struct dsa_descriptor what = describe(DSA_FILL, 0x4444444444444444, area,
                                          HUGE_2M);
    struct dsa_record record;
    size_t before, after;

    run_well(worker, &what);
    before = huge_kib(area);
    mprotect(area + hole, PAGE, PROT_READ);
    after = huge_kib(area);
    what.source = 0x5555555555555555;
    record = run(worker, &what);
    if (expect_status(worker, &record, DSA_REFUSED | DSA_STATUS_WRITE)) {
        if (record.done != hole) {
            fail(worker, "stopped after %#x bytes, not %#zx", record.done,
                 hole);
        }
        expect_bytes(worker, "before the hole", area, hole, 0x55);
        expect_bytes(worker, "from the hole on", area + hole, HUGE_2M - hole,
                     0x44);
        if (before && !after) {
            prove(worker);
        }
    }
    munmap(area, HUGE_2M);
}

/* Small pages become a huge one elsewhere while the device writes them. */
void run_huge_collapse(struct worker *worker)
{
    uint8_t *area = map_huge(HUGE_2M);
    struct dsa_descriptor what = describe(DSA_FILL, 0x6666666666666666, area,
                                          HUGE_2M);
    uint64_t frame;
    bool moved;

    madvise(area, HUGE_2M, MADV_NOHUGEPAGE);
    memset(area, 1, HUGE_2M);
    madvise(area, HUGE_2M, MADV_HUGEPAGE);
    frame = page_frame(area);
    start(worker, &what);
    pause_for(pick(worker, 20000));
    moved = madvise(area, HUGE_2M, MADV_COLLAPSE) == 0 &&
            page_frame(area) != frame && huge_kib(area);
    if (finish(worker, &what).status == DSA_SUCCESS) {
        expect_bytes(worker, "collapsed", area, HUGE_2M, 0x66);
        if (moved) {
            prove(worker);
        }
    }
    munmap(area, HUGE_2M);
}

static void *map_hugetlb(size_t bytes, int shift)
{
    void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
                      HUGE_SHIFT(shift), -1, 0);

    return area == MAP_FAILED ? NULL : area;
}

/* Without reserved pages there is no mapping, and so no proof. */
void run_hugetlb_2m(struct worker *worker)
{
    uint8_t *area = map_hugetlb(2 * HUGE_2M, 21);

    if (!area) {
        return;
    }
    if (fill_part(worker, area, 2 * HUGE_2M)) {
        tally_add(&worker->tally->brought_in, 1);
        if (smaps_kib(area, "KernelPageSize") == HUGE_2M / 1024) {
            prove(worker);
        }
    }
    munmap(area, 2 * HUGE_2M);
}

/* Both ends and the middle of a 1 GiB page, and across a 2 MiB boundary. */
void run_hugetlb_1g(struct worker *worker)
{
    static const size_t places[] = {
        0, HUGE_2M - PAGE, HUGE_1G / 2 + 5, HUGE_1G - 2 * PAGE
    };
    uint8_t *area = map_hugetlb(HUGE_1G, 30);
    int good = 0, count = sizeof(places) / sizeof(places[0]);

    if (!area) {
        return;
    }
    for (int i = 0; i < count; i++) {
        struct dsa_descriptor what = describe(
            DSA_FILL, 0x0101010101010101ull * (i + 1), area + places[i],
            2 * PAGE);

        good += run_well(worker, &what);
    }
    for (int i = 0; i < count; i++) {
        good += expect_bytes(worker, "filled", area + places[i], 2 * PAGE,
                             i + 1);
        expect_bytes(worker, "behind", area + places[i] + 2 * PAGE,
                     i + 1 < count ? PAGE : 0, 0);
    }
    tally_add(&worker->tally->brought_in, 1);
    if (good == 2 * count &&
        smaps_kib(area, "KernelPageSize") == HUGE_1G / 1024) {
        prove(worker);
    }
    munmap(area, HUGE_1G);
}
