/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder keeps the last records, whole and in order. */
#include "unit.h"

#include "recorder.h"

#define SIZE 16

static AmdviRecord make(uint64_t n)
{
    return (AmdviRecord) {
        .time = -(int64_t)n, .kind = n % AMDVI_NUM_RECORD_KINDS,
        .device_id = n % 3 ? (uint32_t)n & 0xffff : AMDVI_RECORD_NO_DEVICE,
        .pasid = n % 5 ? (uint32_t)n : AMDVI_NO_PASID,
        .detail = (uint32_t)n ^ 0xffffffff, .words = { n << 32, ~n },
    };
}

static void expect_record(const AmdviRecord *got, uint64_t n)
{
    AmdviRecord want = make(n);

    assert_int_equal(got->number, n);
    assert_int_equal(got->time, want.time);
    assert_int_equal(got->kind, want.kind);
    assert_int_equal(got->device_id, want.device_id);
    assert_int_equal(got->pasid, want.pasid);
    assert_int_equal(got->detail, want.detail);
    assert_int_equal(got->words[0], want.words[0]);
    assert_int_equal(got->words[1], want.words[1]);
}

/* Records are those from @first to @next, when asked from 0 on */
static void expect_range(const AmdviRecorder *r, uint64_t first,
                         uint64_t next)
{
    AmdviRecord got;
    uint64_t from = 0;

    assert_int_equal(amdvi_recorder_next(r), next);
    for (uint64_t n = first; n < next; n++) {
        assert_true(amdvi_recorder_read(r, from, &got));
        expect_record(&got, n);
        from = got.number + 1;
    }
    assert_false(amdvi_recorder_read(r, from, &got));
    assert_false(amdvi_recorder_read(r, UINT64_MAX, &got));
}

static void test_ring(void **state)
{
    AmdviRecorder r;

    (void)state;
    amdvi_recorder_init(&r, SIZE);
    expect_range(&r, 0, 0);
    for (uint64_t n = 0; n < 3 * SIZE + 5; n++) {
        AmdviRecord record = make(n);

        amdvi_recorder_add(&r, &record);
        expect_range(&r, n < SIZE ? 0 : n + 1 - SIZE, n + 1);
    }
    amdvi_recorder_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
    };

    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
