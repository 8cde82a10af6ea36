/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters: nothing is counted for the wrong one, and no count is lost. */
#include "unit.h"

#include <pthread.h>

#include "stats.h"

static int set_up(void **state)
{
    static AmdviStats s;

    amdvi_stats_init(&s);
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    amdvi_stats_free(*state);
    return 0;
}

static void hit(AmdviStats *s, uint16_t device_id, uint32_t pasid)
{
    static AmdviHitSource sources[65536];
    AmdviHitSource *source = &sources[device_id];

    if (!source->number) {
        amdvi_stats_new_source(source);
    }
    if (pasid == AMDVI_NO_PASID ? !amdvi_stats_plain_hit_fast(source)
                                : !amdvi_stats_hit_fast(source, pasid)) {
        amdvi_stats_hit(s, source, device_id, pasid);
    }
}

/* The counters of a device, which must have some */
static const AmdviCounters *device(const AmdviStats *s, uint16_t device_id)
{
    const AmdviCounters *c = NULL;
    uint32_t id = device_id;

    assert_true(amdvi_stats_next_device(s, &id, &c));
    assert_int_equal(id, device_id);
    return c;
}

static const AmdviCounters *pair(const AmdviStats *s, uint16_t device_id,
                                 uint32_t pasid)
{
    const AmdviCounters *c = NULL;
    uint64_t id = pasid;

    assert_true(amdvi_stats_next_pasid(s, device_id, &id, &c));
    assert_int_equal(id, pasid);
    return c;
}

static void test_counts(void **state)
{
    AmdviStats *s = *state;

    for (int i = 0; i < 3; i++) {
        hit(s, 0x28, 5);
    }
    hit(s, 0x28, AMDVI_NO_PASID);
    hit(s, 0x30, 5);
    amdvi_stats_add(s, 0x28, 5, AMDVI_COUNT_MISSES, 2);
    amdvi_stats_add(s, 0x28, 0, AMDVI_COUNT_FAULTS, 7);
    amdvi_stats_fold(s);
    amdvi_stats_fold(s);
    assert_int_equal(pair(s, 0x28, 5)->count[AMDVI_COUNT_HITS], 3);
    assert_int_equal(pair(s, 0x28, 5)->count[AMDVI_COUNT_MISSES], 2);
    assert_int_equal(pair(s, 0x28, 5)->count[AMDVI_COUNT_FAULTS], 0);
    assert_int_equal(pair(s, 0x28, 0)->count[AMDVI_COUNT_FAULTS], 7);
    assert_int_equal(
        pair(s, 0x28, AMDVI_NO_PASID)->count[AMDVI_COUNT_HITS], 1);
    assert_int_equal(device(s, 0x28)->count[AMDVI_COUNT_HITS], 4);
    assert_int_equal(device(s, 0x28)->count[AMDVI_COUNT_FAULTS], 7);
    assert_int_equal(device(s, 0x30)->count[AMDVI_COUNT_HITS], 1);
    assert_int_equal(s->total.count[AMDVI_COUNT_HITS], 5);
    assert_int_equal(s->total.count[AMDVI_COUNT_MISSES], 2);
}

static void test_latency(void **state)
{
    AmdviStats *s = *state;

    amdvi_stats_response(s, 1, 2, 30);
    amdvi_stats_response(s, 1, 2, 10);
    amdvi_stats_response(s, 1, 3, 50);
    assert_int_equal(pair(s, 1, 2)->latency_sum, 40);
    assert_int_equal(pair(s, 1, 2)->latency_max, 30);
    assert_int_equal(pair(s, 1, 2)->count[AMDVI_COUNT_RESPONSES], 2);
    assert_int_equal(device(s, 1)->latency_sum, 90);
    assert_int_equal(device(s, 1)->latency_max, 50);
    assert_int_equal(device(s, 1)->latency_count, 3);
    assert_int_equal(s->total.latency_sum, 90);
}

/* In order of their numbers, each once */
static void test_iterate(void **state)
{
    static const uint32_t pasids[] = { 9, 0, AMDVI_NO_PASID, 0xfffff, 70000 };
    static const uint64_t order[] = {
        0, 9, 70000, 0xfffff, AMDVI_NO_PASID,
    };
    AmdviStats *s = *state;
    const AmdviCounters *c;
    uint32_t device_id = 0;
    uint64_t pasid = 0;

    for (size_t i = 0; i < ARRAY_SIZE(pasids); i++) {
        hit(s, 0xffff, pasids[i]);
        hit(s, 2, pasids[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(order); i++, pasid++) {
        assert_true(amdvi_stats_next_pasid(s, 0xffff, &pasid, &c));
        assert_int_equal(pasid, order[i]);
    }
    assert_false(amdvi_stats_next_pasid(s, 0xffff, &pasid, &c));
    amdvi_stats_fold(s);
    assert_true(amdvi_stats_next_device(s, &device_id, &c));
    assert_int_equal(device_id, 2);
    device_id++;
    assert_true(amdvi_stats_next_device(s, &device_id, &c));
    assert_int_equal(device_id, 0xffff);
    device_id++;
    assert_false(amdvi_stats_next_device(s, &device_id, &c));
}

/* More PASIDs and devices than there is room for */
static void test_displaced(void **state)
{
    AmdviStats *s = *state;
    uint64_t pairs = 0;

    for (uint32_t i = 0; i < 65536; i++) {
        hit(s, 8, i);
        hit(s, 8, i);
        amdvi_stats_add(s, (uint16_t)i, 1, AMDVI_COUNT_MISSES, 1);
    }
    amdvi_stats_fold(s);
    assert_int_equal(s->total.count[AMDVI_COUNT_HITS], 2 * 65536);
    assert_int_equal(s->total.count[AMDVI_COUNT_MISSES], 65536);
    for (uint32_t row = 0; row < AMDVI_STATS_PASIDS; row++) {
        pairs += s->pasid_key[row] != 0;
    }
    assert_true(pairs <= AMDVI_STATS_PASIDS);
    amdvi_stats_reset(s);
    assert_int_equal(s->total.count[AMDVI_COUNT_HITS], 0);
    hit(s, 8, 1);
    amdvi_stats_fold(s);
    assert_int_equal(device(s, 8)->count[AMDVI_COUNT_HITS], 1);
}

/* A thousand PASIDs of one device all keep their own counters */
static void test_thousand(void **state)
{
    AmdviStats *s = *state;

    for (uint32_t i = 1; i <= 1000; i++) {
        hit(s, 8, i);
    }
    for (uint32_t i = 1; i <= 1000; i++) {
        hit(s, 8, i);
    }
    amdvi_stats_fold(s);
    for (uint32_t i = 1; i <= 1000; i++) {
        assert_int_equal(pair(s, 8, i)->count[AMDVI_COUNT_HITS], 2);
    }
    assert_int_equal(device(s, 8)->count[AMDVI_COUNT_HITS], 2000);
}

/* The short way of requests without PASID leads to the same counter */
static void test_plain(void **state)
{
    AmdviStats *s = *state;
    AmdviHitSource source;

    amdvi_stats_new_source(&source);
    assert_false(amdvi_stats_plain_hit_fast(&source));
    amdvi_stats_hit(s, &source, 9, AMDVI_NO_PASID);
    assert_true(amdvi_stats_plain_hit_fast(&source));
    assert_true(amdvi_stats_hit_fast(&source, AMDVI_NO_PASID));
    amdvi_stats_new_source(&source);
    assert_false(amdvi_stats_plain_hit_fast(&source));
    amdvi_stats_fold(s);
    assert_int_equal(
        pair(s, 9, AMDVI_NO_PASID)->count[AMDVI_COUNT_HITS], 3);
}

/* 60 devices with 64 PASIDs each are not in each other's way */
static void test_devices(void **state)
{
    AmdviStats *s = *state;
    AmdviHitSource source[60];

    for (uint16_t i = 0; i < ARRAY_SIZE(source); i++) {
        amdvi_stats_new_source(&source[i]);
        for (uint32_t pasid = 0; pasid < 64; pasid++) {
            amdvi_stats_hit(s, &source[i], i, pasid);
        }
    }
    for (uint16_t i = 0; i < ARRAY_SIZE(source); i++) {
        for (uint32_t pasid = 0; pasid < 64; pasid++) {
            assert_true(amdvi_stats_hit_fast(&source[i], pasid));
        }
        assert_false(amdvi_stats_hit_fast(&source[i], AMDVI_NO_PASID));
        assert_false(amdvi_stats_plain_hit_fast(&source[i]));
    }
    amdvi_stats_fold(s);
    assert_int_equal(device(s, 7)->count[AMDVI_COUNT_HITS], 128);
    assert_int_equal(pair(s, 59, 63)->count[AMDVI_COUNT_HITS], 2);
}

/* What was counted before the counters are those of another VM */
static void test_loaded(void **state)
{
    AmdviStats *s = *state;

    hit(s, 8, 1);
    amdvi_stats_fold(s);
    assert_int_equal(pair(s, 8, 1)->count[AMDVI_COUNT_HITS], 1);
    hit(s, 8, 1);
    amdvi_stats_loaded(s);
    hit(s, 8, 1);
    amdvi_stats_fold(s);
    assert_int_equal(pair(s, 8, 1)->count[AMDVI_COUNT_HITS], 2);
}

static void *hit_thrice(void *s)
{
    for (int i = 0; i < 3; i++) {
        hit(s, 8, 1);
    }
    return amdvi_hits;
}

/* More threads than have counters, one after the other */
static void test_threads(void **state)
{
    AmdviStats *s = *state;

    hit(s, 9, 1);
    for (int i = 0; i < AMDVI_HIT_THREADS + 4; i++) {
        pthread_t thread;
        void *its_hits;

        assert_int_equal(pthread_create(&thread, NULL, hit_thrice, s), 0);
        assert_int_equal(pthread_join(thread, &its_hits), 0);
        assert_ptr_not_equal(its_hits, amdvi_hits);
    }
    amdvi_stats_fold(s);
    assert_int_equal(pair(s, 8, 1)->count[AMDVI_COUNT_HITS],
                     3 * (AMDVI_HIT_THREADS + 4));
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(counts), TEST(latency), TEST(iterate), TEST(displaced),
        TEST(thousand), TEST(plain), TEST(devices), TEST(loaded), TEST(threads),
    };

    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
