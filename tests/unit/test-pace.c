/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pace of the inspector's queries, by a clock of the test's own.
 */
#include "unit.h"

#include "pace.h"

#define SECONDS 100
#define INTERVAL_MS 500
#define LATENCY_MS 3

/*
 * A screen whose refreshes take so many queries each, as tick() in tui.c has
 * it refreshed.  Returns how often.
 */
static uint64_t watch(uint64_t queries, uint64_t *ret_sent)
{
    struct amdvi_pace pace = { .due_ms = 0 };
    uint64_t refreshes = 0, sent = 0;
    int64_t now_ms = 1000000, end_ms = now_ms + SECONDS * 1000;

    while (now_ms < end_ms) {
        int64_t next_ms = amdvi_pace_next(&pace, now_ms, INTERVAL_MS);

        assert_true(next_ms > now_ms);
        assert_true(next_ms <= now_ms + INTERVAL_MS);
        if (amdvi_pace_is_due(&pace, now_ms)) {
            amdvi_pace_spend(&pace, now_ms + LATENCY_MS, queries);
            refreshes++;
            sent += queries;
        }
        now_ms = next_ms;
    }
    *ret_sent = sent;
    return refreshes;
}

/* What costs little is as new as it was asked to be */
static void test_cheap(void **state)
{
    uint64_t sent;

    (void)state;
    for (uint64_t queries = 0; queries < 20; queries++) {
        assert_int_equal(watch(queries, &sent),
                         SECONDS * 1000 / INTERVAL_MS);
        assert_int_equal(sent, queries * SECONDS * 1000 / INTERVAL_MS);
    }
}

/* Whatever a refresh costs, the limit holds, and is made use of */
static void test_limit(void **state)
{
    uint64_t sent;

    (void)state;
    for (uint64_t queries = 20; queries < 2000; queries++) {
        uint64_t refreshes = watch(queries, &sent);

        assert_true(refreshes > 1);
        /* of the last one not all of its time may have passed */
        assert_true(sent <= SECONDS * AMDVI_PACE_PER_S + queries);
        assert_true(sent + queries >= SECONDS * AMDVI_PACE_PER_S * 9 / 10);
    }
}

/* Parts of a refresh count together */
static void test_parts(void **state)
{
    struct amdvi_pace whole = { .due_ms = 0 }, parts = { .due_ms = 0 };

    (void)state;
    amdvi_pace_spend(&whole, 5000, 3 * AMDVI_PACE_PER_S);
    for (int i = 0; i < 3; i++) {
        amdvi_pace_spend(&parts, 5000, AMDVI_PACE_PER_S);
    }
    assert_int_equal(whole.due_ms, 8000);
    assert_int_equal(parts.due_ms, whole.due_ms);
    assert_false(amdvi_pace_is_due(&parts, 7999));
    assert_true(amdvi_pace_is_due(&parts, 8000));
}

/* What the user asks for waits for nothing, and costs what it costs */
static void test_forgive(void **state)
{
    struct amdvi_pace pace = { .due_ms = 0 };

    (void)state;
    amdvi_pace_spend(&pace, 5000, 100 * AMDVI_PACE_PER_S);
    amdvi_pace_forgive(&pace);
    assert_true(amdvi_pace_is_due(&pace, 5000));
    amdvi_pace_spend(&pace, 5000, AMDVI_PACE_PER_S);
    assert_int_equal(pace.due_ms, 6000);
}

/* Neither many queries nor few that take long come often */
static void test_seldom(void **state)
{
    (void)state;
    assert_int_equal(amdvi_pace_seldom_ms(0, 0), AMDVI_PACE_SELDOM_MS);
    assert_int_equal(amdvi_pace_seldom_ms(3, 499), AMDVI_PACE_SELDOM_MS);
    assert_int_equal(amdvi_pace_seldom_ms(3, 700), 7000);
    assert_int_equal(amdvi_pace_seldom_ms(60 * AMDVI_PACE_SELDOM_PER_S, 700),
                     60000);
    assert_int_equal(amdvi_pace_seldom_ms(60 * AMDVI_PACE_SELDOM_PER_S, 6001),
                     60010);
}

/* Part of a query does not come for nothing */
static void test_rounding(void **state)
{
    (void)state;
    assert_int_equal(amdvi_pace_ms(0, 3), 0);
    assert_int_equal(amdvi_pace_ms(1, 3), 334);
    assert_int_equal(amdvi_pace_ms(UINT32_MAX, 1), UINT32_MAX * INT64_C(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cheap), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_parts), cmocka_unit_test(test_forgive),
        cmocka_unit_test(test_seldom), cmocka_unit_test(test_rounding),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
