/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page requests before the log: spec/translation.md 7.2 steps 1 to 6,
 * entries of spec/structures.md 7.
 */
#include "world.h"

static struct world w;
static struct amdvi_page_request_result out;

#define VA UINT64_C(0x00007f0000001000)
#define EPH_EN (1ULL << 45)
#define AON (1ULL << 42)
#define BLOCK (1ULL << 41)

/* The worked request: PASID 5, PRG 3, last, user read and write */
static const struct amdvi_page_request worked = {
    .device_id = WORLD_DEVICE, .pasid = 5, .addr = VA, .prg_index = 3,
    .last = true, .read = true, .write = true,
};
/* The same without anything asked for: a stop marker */
static const struct amdvi_page_request marker = {
    .device_id = WORLD_DEVICE, .pasid = 5, .addr = VA, .prg_index = 3,
    .last = true,
};

static void init(void)
{
    const uint64_t dte[4] = DTE_A;

    world_init(&w);
    world_set_dte(&w, dte);
}

static void judge(const struct amdvi_page_request *request)
{
    amdvi_judge_page_request(&w.iommu, &w.mem, NULL, request, &out);
    expect_true("mem", "is called within its contract", !w.broken_call);
    expect_true("event", "goes with a refusal", !out.has_event ||
                out.action == AMDVI_PPR_RESPOND ||
                out.action == AMDVI_PPR_DROP);
}

static void want(const char *row, enum amdvi_page_request_action action,
                 enum amdvi_reason reason)
{
    expect_u64(row, "action", out.action, action);
    if (out.reason != reason) {
        fail_msg("%s: %s; expected %s", row, amdvi_reason_word(out.reason),
                 amdvi_reason_word(reason));
    }
}

static void want_response(const char *row, unsigned int code,
                          enum amdvi_reason reason)
{
    want(row, AMDVI_PPR_RESPOND, reason);
    expect_u64(row, "response", out.response, code);
}

static void want_invalid(const char *row, uint64_t q0, uint64_t q1)
{
    expect_true(row, "there is an event", out.has_event);
    expect_u64(row, "event word 0", out.event[0], q0);
    expect_u64(row, "event word 1", out.event[1], q1);
}

/* Worked entries and each flag */
static void test_entries(void **state)
{
    static const struct {
        const char *row;
        struct amdvi_page_request request;
        uint64_t q0, q1;
    } rows[] = {
        { "worked read", { 0x28, 5, VA, 3, true, true, false, false, false },
          0x1144020300050028, VA },
        { "worked read and write",
          { 0x28, 5, VA, 3, true, true, true, false, false },
          0x1164020300050028, VA },
        { "worked, not last",
          { 0x28, 0x12345, VA + 0x1000, 0x1ab, false, false, true, false,
            false }, 0x116005ab23450028, VA + 0x1000 },
        { "privileged", { 0x28, 5, VA, 3, true, true, false, false, true },
          0x1104020300050028, VA },
        { "exec", { 0x28, 5, VA, 3, true, true, false, true, false },
          0x1146020300050028, VA },
        { "no PASID",
          { 0x28, AMDVI_NO_PASID, VA, 3, true, true, false, false, false },
          0x1044020300000028, VA },
        { "offset", { 0x28, 5, VA | 0xfff, 3, true, true, false, false,
                      false }, 0x1144020300050028, VA },
        { "largest", { 0xffff, 0xfffff, UINT64_MAX, 0x1ff, true, true, true,
                       true, false }, 0x11663fffffffffff, ~0xfffULL },
    };

    (void)state;
    init();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t dte[4] = DTE_A;

        amdvi_judge_page_request(&w.iommu, &w.mem, dte, &rows[i].request,
                                 &out);
        want(rows[i].row, AMDVI_PPR_LOG, AMDVI_REASON_NONE);
        expect_u64(rows[i].row, "word 0", out.entry[0], rows[i].q0);
        expect_u64(rows[i].row, "word 1", out.entry[1], rows[i].q1);
        expect_true(rows[i].row, "there is no event", !out.has_event);
    }
}

/* Step 1 */
static void test_disabled(void **state)
{
    (void)state;
    init();
    w.iommu.control &= ~1ULL;
    judge(&worked);
    want("IommuEn=0", AMDVI_PPR_REFUSE, AMDVI_REASON_IOMMU_DISABLED);
    init();
    w.iommu.control &= ~(1ULL << 15);
    judge(&worked);
    want("PPREn=0", AMDVI_PPR_REFUSE, AMDVI_REASON_PPR_DISABLED);
    assert_false(out.has_event);
    assert_int_equal(w.reads, 0);
}

/* Step 2 */
static void test_bad_dte(void **state)
{
    (void)state;
    init();
    w.abort_at = WORLD_DTE;
    judge(&worked);
    want_response("unreadable", 15, AMDVI_REASON_DTE_UNREADABLE);
    expect_true("unreadable", "is a hardware error", out.hardware_error);
    expect_u64("unreadable", "code, type, device",
               out.event[0] & 0xfe0000000000ffff, 0x3200000000000028);
    expect_u64("unreadable", "address", out.event[1], WORLD_DTE);
    w.unknown_at = WORLD_DTE;
    judge(&worked);
    want("unknown", AMDVI_PPR_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    init();
    world_edit_dte(&w, 0, 0, 4);
    judge(&worked);
    want_response("reserved", 15, AMDVI_REASON_DTE_RESERVED);
    expect_u64("reserved", "code, RZ, device",
               out.event[0] & 0xf08000000000ffff, 0x1080000000000028);
    init();
    world_edit_dte(&w, 0, 0, 7ULL << 9);
    judge(&worked);
    want_response("encoding", 15, AMDVI_REASON_DTE_ENCODING);
    expect_u64("encoding", "code, RZ", out.event[0] & 0xf080000000000000,
               0x1000000000000000);
}

/* A device that the table does not reach is no better than V=0 */
static void test_beyond_table(void **state)
{
    struct amdvi_page_request r = worked;

    (void)state;
    init();
    w.iommu.devtab[0] = WORLD_DEVTAB;
    r.device_id = 0x80;
    judge(&r);
    want_response("beyond", 1, AMDVI_REASON_BEYOND_TABLE);
    want_invalid("beyond", 0x9000020300050080, VA);
    assert_int_equal(w.reads, 0);
}

/* Step 3: INVALID_PPR_REQUEST, the worked event, response invalid */
static void test_no_guest_table(void **state)
{
    static const struct {
        const char *row;
        uint64_t clear, control;
    } rows[] = {
        { "V=0", 1, 0 }, { "TV=0", 2, 0 }, { "GV=0", 1ULL << 55, 0 },
        { "GTEn=0", 0, 1ULL << 16 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        init();
        world_edit_dte(&w, 0, rows[i].clear, 0);
        w.iommu.control &= ~rows[i].control;
        judge(&worked);
        want_response(rows[i].row, 1, AMDVI_REASON_PPR_NO_GUEST);
        want_invalid(rows[i].row, 0x9000020300050028, VA);
    }
}

/* Step 4: DTE.PPR counts only with EPHEn; no event */
static void test_not_allowed(void **state)
{
    (void)state;
    init();
    world_edit_dte(&w, 0, 1ULL << 52, 0);
    judge(&worked);
    want_response("PPR=0", 1, AMDVI_REASON_PPR_NOT_ALLOWED);
    assert_false(out.has_event);
    w.iommu.control &= ~EPH_EN;
    judge(&worked);
    want("EPHEn=0", AMDVI_PPR_LOG, AMDVI_REASON_NONE);
}

/* Step 5: a stop marker is dropped or logged, never answered */
static void test_stop_marker(void **state)
{
    (void)state;
    init();
    judge(&marker);
    want("logged", AMDVI_PPR_LOG, AMDVI_REASON_NONE);
    expect_u64("logged", "word 0", out.entry[0], 0x1140020300050028);
    w.iommu.control |= AON;
    judge(&marker);
    expect_true("PprAutoRspAon", "no response",
                out.action != AMDVI_PPR_RESPOND);
    w.iommu.control |= BLOCK;
    judge(&marker);
    want("dropped", AMDVI_PPR_DROP, AMDVI_REASON_STOP_MARKER);
    judge(&worked);
    expect_true("BlkStopMrkEn", "is for markers only",
                out.action == AMDVI_PPR_RESPOND);
    for (int i = 0; i < 5; i++) {
        init();
        world_edit_dte(&w, 0, i < 3 ? 1ULL << i : i == 3 ? 1ULL << 52 : 0,
                       i == 2 ? 4 : 0);
        w.abort_at = i == 4 ? WORLD_DTE : UINT64_MAX;
        judge(&marker);
        expect_true("refused marker", "no response",
                    out.action != AMDVI_PPR_RESPOND);
    }
}

/* What is no stop marker */
static void test_not_a_marker(void **state)
{
    struct amdvi_page_request r = marker;

    (void)state;
    init();
    w.iommu.control |= BLOCK;
    r.last = false;
    judge(&r);
    want("not last", AMDVI_PPR_LOG, AMDVI_REASON_NONE);
    r = marker;
    r.pasid = AMDVI_NO_PASID;
    judge(&r);
    want("no PASID", AMDVI_PPR_LOG, AMDVI_REASON_NONE);
    r = marker;
    r.read = true;
    judge(&r);
    want("read", AMDVI_PPR_LOG, AMDVI_REASON_NONE);
}

/* Step 6: always automatic, with the code of register 2080h */
static void test_auto_response(void **state)
{
    struct amdvi_page_request r = worked;

    (void)state;
    for (uint64_t code = 0; code < 16; code++) {
        init();
        w.iommu.control |= AON;
        w.iommu.ppr_auto_response = code | 0x10;
        judge(&worked);
        want_response("automatic", (unsigned int)code,
                      AMDVI_REASON_AUTO_RESPONSE);
        assert_false(out.has_event);
    }
    r.last = false;
    judge(&r);
    want("not last", AMDVI_PPR_DROP, AMDVI_REASON_AUTO_RESPONSE);
}

/* Only the last request of a group is answered (registers.md 12) */
static void test_not_last(void **state)
{
    struct amdvi_page_request r = worked;

    (void)state;
    r.last = false;
    init();
    world_edit_dte(&w, 0, 1ULL << 52, 0);
    judge(&r);
    want("PPR=0", AMDVI_PPR_DROP, AMDVI_REASON_PPR_NOT_ALLOWED);
    world_edit_dte(&w, 0, 2, 0);
    judge(&r);
    want("TV=0", AMDVI_PPR_DROP, AMDVI_REASON_PPR_NO_GUEST);
    want_invalid("TV=0", 0x9000000300050028, VA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_disabled),
        cmocka_unit_test(test_bad_dte),
        cmocka_unit_test(test_beyond_table),
        cmocka_unit_test(test_no_guest_table),
        cmocka_unit_test(test_not_allowed),
        cmocka_unit_test(test_stop_marker),
        cmocka_unit_test(test_not_a_marker),
        cmocka_unit_test(test_auto_response),
        cmocka_unit_test(test_not_last),
    };

    return cmocka_run_group_tests_name("page requests", tests, NULL, NULL);
}
