/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accessed and dirty bits against a processor that changes the same entries:
 * no update of either side may be lost.  spec/translation.md 3.2 step 6.
 *
 * Software replaces a leaf again and again, each time by a new page.  What it
 * takes out must be what it put in, but for A and D; and a page that was
 * translated for writing must come out dirty.
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "amdvi.h"

#define PAGES 8
/* A new page for each replacement; the test ends with the last */
#define REPLACEMENTS 4000
/* Every so many updates one is held up until software has replaced the leaf */
#define HOLD_UP 8
#define PAGE_BASE UINT64_C(0x100000000)
#define DEVICE_TABLE 0x0
#define TABLES 0x1000
#define ADDR UINT64_C(0x1000)
#define DIRTY 0x40ULL
#define ACCESSED_DIRTY 0x60ULL

static struct shared {
    _Atomic uint64_t word[PAGES * 512];
    _Atomic bool stop;
    _Atomic unsigned long steps;        /* accesses of the walker */
    _Atomic unsigned long replaced;     /* replacements by software */
    uint64_t leaf_bits;         /* of every leaf software writes */
    size_t leaf;                /* index of its word */
    struct amdvi_iommu iommu;
    struct amdvi_request request;
    bool written[REPLACEMENTS + 1];     /* by the walker: translated, W */
    bool dirty[REPLACEMENTS + 1];       /* by software: came out with D */
    unsigned int foreign;       /* values software never put there */
    unsigned int refused;       /* walks that did not translate */
    unsigned int contended;     /* compare-exchanges that failed */
} s;

static enum amdvi_mem_status read_words(void *opaque, uint64_t spa, void *buf,
                                        size_t len)
{
    (void)opaque;
    if (spa + len > sizeof(s.word)) {
        return AMDVI_MEM_ABORT;
    }
    s.steps++;
    for (size_t i = 0; i < len; i += 8) {
        amdvi_store64((uint8_t *)buf + i, atomic_load(&s.word[(spa + i) / 8]));
    }
    return AMDVI_MEM_OK;
}

/* Let the leaf change between the walker's read and its update */
static void hold_up(void)
{
    unsigned long seen = s.replaced;

    if (++s.steps % HOLD_UP == 0) {
        while (s.replaced == seen && !s.stop) {
            sched_yield();
        }
    }
}

static enum amdvi_mem_status cmpxchg_word(void *opaque, uint64_t spa,
                                          uint64_t *expected,
                                          uint64_t desired)
{
    (void)opaque;
    if (spa + 8 > sizeof(s.word)) {
        return AMDVI_MEM_ABORT;
    }
    hold_up();
    if (!atomic_compare_exchange_strong(&s.word[spa / 8], expected,
                                        desired)) {
        s.contended++;
    }
    return AMDVI_MEM_OK;
}

static uint64_t leaf_of(unsigned int page)
{
    return (PAGE_BASE + (uint64_t)page * 0x1000) | s.leaf_bits;
}

static size_t page_of(uint64_t addr)
{
    return ((addr & 0x000ffffffffff000) - PAGE_BASE) / 0x1000;
}

/* Wait until the walker has done something since the last call */
static void follow_walker(unsigned long *seen)
{
    while (s.steps == *seen) {
        sched_yield();
    }
    *seen = s.steps;
}

/* The processor: takes each page out and puts the next one in */
static void *software(void *unused)
{
    unsigned long seen = 0;

    for (unsigned int page = 0; page < REPLACEMENTS; page++) {
        uint64_t old;

        follow_walker(&seen);
        old = atomic_exchange(&s.word[s.leaf], leaf_of(page + 1));
        s.foreign += (old & ~ACCESSED_DIRTY) != leaf_of(page);
        s.dirty[page] = old & DIRTY;
        s.replaced++;
        /* Also clear A in place, as page aging does */
        atomic_fetch_and(&s.word[s.leaf], ~0x20ULL);
    }
    s.stop = true;
    return unused;
}

static void *walker(void *unused)
{
    const struct amdvi_mem mem = {
        .read = read_words, .cmpxchg = cmpxchg_word,
    };
    struct amdvi_result result;

    while (!s.stop) {
        amdvi_translate(&s.iommu, &mem, &s.request, NULL, &result);
        if (result.outcome == AMDVI_OUTCOME_TRANSLATED) {
            s.written[page_of(result.addr)] = true;
        } else {
            s.refused += result.reason != AMDVI_REASON_TABLE_CHANGING;
        }
    }
    return unused;
}

static void put(uint64_t spa, uint64_t value)
{
    atomic_store(&s.word[spa / 8], value);
}

static void init(uint64_t q0, uint64_t q1)
{
    memset(&s, 0, sizeof(s));
    s.iommu.features.efr = 0x2037032f000059df;
    s.iommu.control = 0x10001;          /* IommuEn, GTEn */
    s.iommu.devtab[0] = DEVICE_TABLE;
    s.request = (struct amdvi_request) {
        .kind = AMDVI_REQUEST_DMA, .device_id = 1, .addr = ADDR,
        .pasid = AMDVI_NO_PASID, .write = true,
    };
    put(DEVICE_TABLE + 0x20, q0);
    put(DEVICE_TABLE + 0x28, q1);
}

static void run(void)
{
    pthread_t threads[2];
    uint64_t last;

    put(s.leaf * 8, leaf_of(0));
    assert_int_equal(pthread_create(&threads[0], NULL, walker, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, software, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    last = atomic_load(&s.word[s.leaf]);
    s.dirty[page_of(last)] = last & DIRTY;
    printf("# %u compare-exchanges met a change\n", s.contended);
    assert_true(s.contended > 0);
    assert_int_equal(s.foreign, 0);
    assert_int_equal(s.refused, 0);
    for (unsigned int page = 0; page <= REPLACEMENTS; page++) {
        if (s.written[page] && !s.dirty[page]) {
            fail_msg("page %u was written and is not dirty", page);
        }
    }
}

static void test_host(void **state)
{
    (void)state;
    /* V TV HAD=3 Mode=2 IR IW; the tables are pages 1 and 2 */
    init(0x6000000000000583 | TABLES, 0x2a);
    put(TABLES, 0x6000000000000201 | (TABLES + 0x1000));
    s.leaf = (TABLES + 0x1000 + 8) / 8;
    s.leaf_bits = 0x6000000000000001;
    run();
}

static void test_guest(void **state)
{
    (void)state;
    /* V TV GV GLX=0 IR IW, GCR3 root in page 1, PASID 5 */
    init(0x6080000000000003 | (uint64_t)(TABLES >> 12) << 58, 7);
    s.request.pasid = 5;
    put(TABLES + 5 * 8, (TABLES + 0x1000) | 1);
    for (uint64_t level = 1; level < 4; level++) {
        put(TABLES + level * 0x1000, (TABLES + (level + 1) * 0x1000) | 7);
    }
    s.leaf = (TABLES + 0x4000 + 8) / 8;
    s.leaf_bits = 7;
    run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_guest),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
