/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caches, recorder and counters under two readers and an invalidator.
 *
 * Software moves pages: it changes a table entry, or the pointer to the table,
 * flushes, and then says so.  A reader that starts after that must not see the
 * old page: neither from the cache, nor by way of its own fill, nor through a
 * table that is not in use any more.  Built with a thread sanitizer, too.
 *
 * AMDVI_CACHE_SECONDS lets it go on for so long ("make check-threads").
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "dte-lookup.h"
#include "iotlb-lookup.h"
#include "recorder.h"
#include "stats.h"

#define ENTRIES 64
#define READERS 2
#define PAGES 32
#define PASIDS 8
#define ROUNDS_MIN 1000
#define DEVICE 3
/* Accesses of a reader between two chances for others */
#define BURST 256

static struct shared {
    AmdviIotlb tlb;
    AmdviIotlb tables;
    AmdviDteClock clock;
    AmdviDteCache dte;
    AmdviRecorder recorder;
    AmdviStats stats;
    AmdviHitSource source;      /* of hits */
    pthread_mutex_t lock;       /* as that of the engine */
    uint64_t root[PASIDS];      /* which of two tables: atomic */
    uint64_t table[PASIDS][2][PAGES];   /* output of each page: atomic */
    uint64_t floor[PASIDS][PAGES];      /* older ones are flushed: atomic */
    uint64_t domain_id;         /* in the DTE: atomic */
    uint64_t domain_floor;
    bool stop;                  /* atomic */
    struct amdvi_iommu iommu;
} s;

/* Failures are counted, for a thread cannot end the test */
static unsigned int stale, torn, hits, fills, skipped;

static void count(unsigned int *what)
{
    __atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static AmdviSpace space_of(uint32_t pasid)
{
    return (AmdviSpace) {
        .domain_id = 1, .guest = true, .nested = true, .pasid = pasid,
    };
}

/* Which table the page is in, as it is remembered or else as it is */
static uint64_t find_table(uint32_t pasid, uint32_t page)
{
    uint32_t begin = amdvi_iotlb_begin(&s.tables);
    AmdviSpace space = space_of(pasid);
    struct amdvi_table table;

    if (amdvi_iotlb_find_table(&s.tables, &space, (uint64_t)page << 12,
                               &table)) {
        count(&skipped);
        return table.addr >> 12;
    }
    table = (struct amdvi_table) {
        .addr = qatomic_load_acquire(&s.root[pasid]) << 12, .level = 1,
    };
    pthread_mutex_lock(&s.lock);
    amdvi_iotlb_insert_table(&s.tables, begin, &space, (uint64_t)page << 12,
                             &table);
    pthread_mutex_unlock(&s.lock);
    return table.addr >> 12;
}

static struct amdvi_result walk(uint32_t pasid, uint32_t page)
{
    const uint64_t *table = s.table[pasid][find_table(pasid, page)];

    return (struct amdvi_result) {
        .outcome = AMDVI_OUTCOME_TRANSLATED, .page_shift = 12,
        .addr = qatomic_load_acquire(&table[page]) << 12,
        .perm = AMDVI_PERM_R, .guest = true, .nested = true, .pasid = pasid,
        .domain_id = 1,
    };
}

/* A page from before @least is stale */
static void check(uint64_t addr, uint32_t page, uint64_t least)
{
    if (addr >> 12 < least) {
        count(&stale);
    }
    if ((addr >> 12) % PAGES != page) {
        count(&torn);
    }
}

static void fill(uint32_t pasid, uint32_t page, uint64_t least)
{
    uint32_t begin = amdvi_iotlb_begin(&s.tlb);
    struct amdvi_result result = walk(pasid, page);

    check(result.addr, page, least);
    pthread_mutex_lock(&s.lock);
    amdvi_iotlb_insert(&s.tlb, begin, (uint64_t)page << 12, &result);
    amdvi_stats_add(&s.stats, DEVICE, pasid, AMDVI_COUNT_MISSES, 1);
    pthread_mutex_unlock(&s.lock);
    count(&fills);
}

static void read_page(uint32_t pasid, uint32_t page)
{
    AmdviSpace space = space_of(pasid);
    uint64_t least = qatomic_load_acquire(&s.floor[pasid][page]);
    AmdviIotlbHit hit;

    if (!amdvi_iotlb_lookup(&s.tlb, &space, (uint64_t)page << 12,
                            AMDVI_PERM_R, &hit)) {
        fill(pasid, page, least);
        return;
    }
    count(&hits);
    check(hit.addr, page, least);
    if (!amdvi_stats_hit_fast(&s.source, pasid)) {
        pthread_mutex_lock(&s.lock);
        amdvi_stats_hit(&s.stats, &s.source, DEVICE, pasid);
        pthread_mutex_unlock(&s.lock);
    }
}

static void read_dte(void)
{
    uint64_t least = qatomic_load_acquire(&s.domain_floor);
    uint64_t begin = amdvi_dte_cache_begin(&s.clock);
    uint64_t dte[4] = { 0x6000000000000003, 0, 0, 0 };
    AmdviPath path;

    if (amdvi_dte_cache_path(&s.dte, &s.clock, DEVICE, AMDVI_NO_PASID,
                             &path)) {
        /* DomainIDs count up and start again */
        if ((uint16_t)(path.space.domain_id - least) > 0x8000) {
            count(&stale);
        }
        return;
    }
    dte[1] = (uint16_t)qatomic_load_acquire(&s.domain_id);
    pthread_mutex_lock(&s.lock);
    amdvi_dte_cache_fill(&s.dte, &s.clock, begin, DEVICE, &s.iommu, dte);
    pthread_mutex_unlock(&s.lock);
}

static void read_records(uint64_t *from)
{
    AmdviRecord record;

    while (amdvi_recorder_read(&s.recorder, *from, &record)) {
        if (record.words[0] != record.number ||
            record.words[1] != ~record.number) {
            count(&torn);
        }
        *from = record.number + 1;
    }
}

static void *reader(void *seed)
{
    uint64_t random = (uintptr_t)seed, from = 0;

    while (!qatomic_read(&s.stop)) {
        uint64_t r = next_random(&random);

        read_page(r % PASIDS, (r >> 8) % PAGES);
        read_dte();
        read_records(&from);
        /* The invalidator waits, perhaps for this processor */
        if ((r >> 16) % BURST == 0) {
            sched_yield();
        }
    }
    return NULL;
}

/* Flush a page, or (0) all of a PASID; @directories: with the PDE bit */
static void flush(uint64_t random, uint32_t pasid, struct amdvi_range range,
                  bool directories)
{
    switch (random % 8) {
    case 0:
        amdvi_iotlb_flush_all(&s.tables);
        amdvi_iotlb_overtake(&s.tables);
        amdvi_iotlb_flush_all(&s.tlb);
        break;
    case 1:
        amdvi_iotlb_flush_host(&s.tables, 1, range);
        amdvi_iotlb_overtake(&s.tables);
        amdvi_iotlb_flush_host(&s.tlb, 1, range);
        break;
    default:
        if (directories) {
            amdvi_iotlb_flush_guest(&s.tables, 1, pasid, range);
            amdvi_iotlb_overtake(&s.tables);
        }
        amdvi_iotlb_flush_guest(&s.tlb, 1, pasid, range);
    }
}

/* Let a page be somewhere else */
static struct amdvi_range change_page(uint32_t pasid, uint32_t page,
                                      uint64_t round)
{
    uint64_t in_use = s.root[pasid];

    qatomic_store_release(&s.table[pasid][in_use][page],
                          (round + 1) * PAGES + page);
    return (struct amdvi_range) { (uint64_t)page << 12, 0x1000 };
}

/* Let all pages of a PASID be somewhere else, in another table */
static struct amdvi_range change_table(uint32_t pasid, uint64_t round)
{
    uint64_t other = !s.root[pasid];

    for (uint32_t page = 0; page < PAGES; page++) {
        qatomic_store_release(&s.table[pasid][other][page],
                              (round + 1) * PAGES + page);
    }
    qatomic_store_release(&s.root[pasid], other);
    return (struct amdvi_range) { 0 };
}

/* Nobody must see older pages than this from now on */
static void raise_floor(uint32_t pasid, uint64_t random, bool all,
                        uint64_t round)
{
    uint32_t first = all ? 0 : random % PAGES;
    uint32_t last = all ? PAGES - 1 : first;

    for (uint32_t page = first; page <= last; page++) {
        qatomic_store_release(&s.floor[pasid][page],
                              (round + 1) * PAGES + page);
    }
}

static void move_page(uint64_t random, uint64_t round)
{
    uint32_t pasid = random % PASIDS;
    bool all = (random >> 24) % 4 == 0;
    uint64_t n = amdvi_recorder_next(&s.recorder);
    AmdviRecord record = { .words = { n, ~n } };
    struct amdvi_range range =
        all ? change_table(pasid, round)
            : change_page(pasid, (random >> 8) % PAGES, round);

    qatomic_store_release(&s.domain_id, round);
    pthread_mutex_lock(&s.lock);
    flush(random >> 16, pasid, range, all);
    amdvi_dte_cache_drop(&s.dte, &s.clock, DEVICE);
    amdvi_recorder_add(&s.recorder, &record);
    amdvi_stats_fold(&s.stats);
    pthread_mutex_unlock(&s.lock);
    raise_floor(pasid, random >> 8, all, round);
    qatomic_store_release(&s.domain_floor, round);
}

/* Let the readers look at the cache between two flushes */
static void follow_readers(void)
{
    unsigned int seen = qatomic_read(&hits) + qatomic_read(&fills);

    while (qatomic_read(&hits) + qatomic_read(&fills) == seen) {
        sched_yield();
    }
}

static void init(void)
{
    memset(&s, 0, sizeof(s));
    amdvi_iotlb_init(&s.tlb, ENTRIES);
    amdvi_iotlb_init(&s.tables, ENTRIES);
    /* Time runs out on the way */
    s.tlb.time = UINT32_MAX - ROUNDS_MIN / 2;
    amdvi_dte_clock_init(&s.clock);
    amdvi_recorder_init(&s.recorder, 64);
    amdvi_stats_init(&s.stats);
    amdvi_stats_new_source(&s.source);
    pthread_mutex_init(&s.lock, NULL);
    s.iommu.control = 1;
    for (uint32_t pasid = 0; pasid < PASIDS; pasid++) {
        for (uint32_t page = 0; page < PAGES; page++) {
            s.table[pasid][0][page] = page;
        }
    }
}

/* Move pages as often, and for as long, as is asked for; returns how often */
static uint64_t move_pages(void)
{
    const char *text = getenv("AMDVI_CACHE_SECONDS");
    time_t end = time(NULL) + (text ? atoi(text) : 0);
    uint64_t random = 1, round = 0;

    while (round < ROUNDS_MIN || time(NULL) < end) {
        follow_readers();
        move_page(next_random(&random), round++);
    }
    return round;
}

static void test_threads(void **state)
{
    pthread_t thread[READERS];
    uint64_t rounds;

    (void)state;
    init();
    for (uintptr_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, reader,
                                        (void *)(i + 7)), 0);
    }
    rounds = move_pages();
    qatomic_set(&s.stop, true);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    printf("# %" PRIu64 " moves, %u hits, %u fills, %" PRIu64
           " of them overtaken, %u from a known table\n", rounds, hits, fills,
           s.tlb.count.refused, skipped);
    assert_int_equal(stale, 0);
    assert_int_equal(torn, 0);
    assert_true(hits > 0 && fills > 0 && skipped > 0);
    amdvi_stats_fold(&s.stats);
    assert_int_equal(s.stats.total.count[AMDVI_COUNT_HITS], hits);
    assert_int_equal(s.stats.total.count[AMDVI_COUNT_MISSES], fills);
    assert_in_range(s.tlb.time, 1, 2 * rounds);
    amdvi_iotlb_free(&s.tlb);
    amdvi_iotlb_free(&s.tables);
    amdvi_recorder_free(&s.recorder);
    amdvi_stats_free(&s.stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests_name("cache-threads", tests, NULL, NULL);
}
