/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt remapping: spec/translation.md 6, spec/structures.md 9.
 */
#include "world.h"

static struct world w;
static struct amdvi_interrupt out;

#define TABLE UINT64_C(0x200000)
#define MSI UINT64_C(0xfee00000)
#define GA_EN (1ULL << 17)
#define XT_EN (1ULL << 50)

/* DTE case F: IV, 512 entries at 20_0000h, IntCtl=2; DomainID 2Ah */
static void init(uint64_t q2)
{
    const uint64_t dte[4] = { 0, 0x2a, q2, 0 };

    world_init(&w);
    world_set_dte(&w, dte);
    for (uint64_t page = 0; page < 0x2000; page += 0x1000) {
        world_put(&w, TABLE + page, 0);
    }
}

#define CASE_F UINT64_C(0x2000000000200013)

static void remap(uint64_t addr, uint32_t data)
{
    const struct amdvi_message message = { WORLD_DEVICE, addr, data };

    amdvi_remap_interrupt(&w.iommu, &w.mem, NULL, &message, &out);
    expect_true("mem", "is called within its contract", !w.broken_call);
    expect_true("event", "comes only with an abort", !out.has_event ||
                out.outcome == AMDVI_OUTCOME_ABORTED);
}

static void want(const char *row, enum amdvi_outcome outcome,
                 enum amdvi_reason reason)
{
    if (out.outcome != outcome || out.reason != reason) {
        fail_msg("%s: %s, %s; expected %s, %s", row,
                 amdvi_outcome_word(out.outcome),
                 amdvi_reason_word(out.reason), amdvi_outcome_word(outcome),
                 amdvi_reason_word(reason));
    }
}

/* An abort with an event; RW is not meaningful for interrupts */
static void want_abort(const char *row, enum amdvi_reason reason,
                       uint64_t q0, uint64_t q1)
{
    want(row, AMDVI_OUTCOME_ABORTED, reason);
    expect_true(row, "there is an event", out.has_event);
    expect_u64(row, "event word 0", out.event[0] & ~(1ULL << 53),
               q0 & ~(1ULL << 53));
    expect_u64(row, "event word 1", out.event[1], q1);
}

static void want_target(const char *row, uint32_t dest, uint8_t vector,
                        uint8_t mode, bool logical)
{
    want(row, AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    expect_true(row, "there is no event", !out.has_event);
    expect_u64(row, "destination", out.dest, dest);
    expect_u64(row, "vector", out.vector, vector);
    expect_u64(row, "delivery mode", out.delivery_mode, mode);
    expect_u64(row, "logical", out.logical, logical);
}

/* 4-byte entries lie two in a word */
static void put_irte32(unsigned int index, uint32_t irte)
{
    uint64_t spa = TABLE + (index & ~1u) * 4;
    unsigned int shift = index & 1 ? 32 : 0;

    world_put(&w, spa, (world_get(&w, spa) & ~(0xffffffffULL << shift)) |
              (uint64_t)irte << shift);
}

/* Step 1, and IV=0 */
static void test_unmapped(void **state)
{
    (void)state;
    init(CASE_F);
    w.iommu.control &= ~1ULL;
    remap(MSI, 0x41);
    want("IommuEn=0", AMDVI_OUTCOME_FORWARDED, AMDVI_REASON_IOMMU_DISABLED);
    init(CASE_F & ~1ULL);
    for (uint32_t mode = 0; mode < 8; mode++) {
        remap(MSI, mode << 8 | 0x41);
        want("IV=0", AMDVI_OUTCOME_FORWARDED, AMDVI_REASON_IV_CLEAR);
    }
    /* Reserved bits do not count without IV, nor with V alone */
    init(0x003ffffffffffffe);
    world_edit_dte(&w, 0, 0, 1);
    remap(MSI, 0x41);
    want("V=1, IV=0", AMDVI_OUTCOME_FORWARDED, AMDVI_REASON_IV_CLEAR);
}

/* The table of step 2: what each kind of message needs in the DTE */
static void test_kinds(void **state)
{
    static const struct {
        const char *row;
        uint32_t mode;
        uint64_t bits;          /* in q2, besides IV */
        bool passes;
    } rows[] = {
        { "fixed, forward", 0, 1ULL << 60, true },
        { "arbitrated, forward", 1, 1ULL << 60, true },
        { "SMI", 2, 0, true },
        { "NMI", 4, ~(1ULL << 58), false },
        { "NMI, NMIPass", 4, 1ULL << 58, true },
        { "INIT", 5, ~(1ULL << 56), false },
        { "INIT, INITPass", 5, 1ULL << 56, true },
        { "ExtInt", 7, ~(1ULL << 57), false },
        { "ExtInt, EIntPass", 7, 1ULL << 57, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        init((rows[i].bits & ~(3ULL << 52)) | 1);
        remap(MSI, rows[i].mode << 8 | 0x41);
        want(rows[i].row, rows[i].passes ? AMDVI_OUTCOME_FORWARDED
                                         : AMDVI_OUTCOME_ABORTED,
             rows[i].passes ? AMDVI_REASON_INT_FORWARD
                            : AMDVI_REASON_INT_DENIED);
    }
}

static void test_int_ctl(void **state)
{
    (void)state;
    for (uint32_t mode = 0; mode < 2; mode++) {
        init(CASE_F & ~(3ULL << 60));
        remap(MSI, mode << 8 | 0x41);
        want_abort("IntCtl 0", AMDVI_REASON_INT_DENIED, 0x8a00000000000028,
                   MSI);
        init(CASE_F | 3ULL << 60);
        remap(MSI, mode << 8 | 0x41);
        want_abort("IntCtl 3", AMDVI_REASON_INT_TABLE_LENGTH,
                   0x1008000000000028, MSI);
    }
}

/* Reserved bits of q2 and q3, one by one: ILLEGAL_DEV_TABLE_ENTRY, RZ=1 */
static void test_dte_reserved(void **state)
{
    const uint64_t reserved[2] = { 0x0030000000000000, 0x001f000000007fff };

    (void)state;
    for (int word = 2; word < 4; word++) {
        for (unsigned int bit = 0; bit < 64; bit++) {
            if (reserved[word - 2] >> bit & 1) {
                init(CASE_F);
                world_edit_dte(&w, word, 0, 1ULL << bit);
                remap(MSI, 0x41);
                want_abort("reserved", AMDVI_REASON_DTE_RESERVED,
                           0x1088000000000028, MSI);
            }
        }
    }
    init(CASE_F);
    put_irte32(0x41, 0x00410301);
    world_edit_dte(&w, 3, 0, 1ULL << 53);
    remap(MSI, 0x41);
    want_target("bit 53 is ignored", 3, 0x41, 0, false);
}

/* IntTabLen: 0 to 11, and the index below 2^IntTabLen */
static void test_table_length(void **state)
{
    (void)state;
    for (uint64_t len = 0; len < 16; len++) {
        uint32_t last = (uint32_t)((1u << len) - 1) & 0x1ff;

        init((CASE_F & ~0x1eULL) | len << 1);
        put_irte32(last, 0x00410301);
        remap(MSI, last);
        if (len > 11) {
            want_abort("too long", AMDVI_REASON_INT_TABLE_LENGTH,
                       0x1008000000000028, MSI);
            continue;
        }
        want_target("last entry", 3, 0x41, 0, false);
        expect_u64("last entry", "index", out.index, last);
        if (len < 9) {
            remap(MSI, 1u << len);
            want_abort("beyond", AMDVI_REASON_INT_INDEX, 0x2008002a00000028,
                       MSI);
        }
    }
}

/* 32-bit entries: the worked one, and each field */
static void test_irte32(void **state)
{
    static const struct {
        uint32_t irte, dest;
        uint8_t vector, mode;
        bool logical;
    } rows[] = {
        { 0x00410301, 3, 0x41, 0, false },
        { 0x00410305, 3, 0x41, 1, false },
        { 0x00410341, 3, 0x41, 0, true },
        { 0x00ffff65, 0xff, 0xff, 1, true },
        { 0x00410303, 3, 0x41, 0, false },
        { 0x00410321, 3, 0x41, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned int index = 0; index < 2; index++) {
            init(CASE_F);
            put_irte32(0x40 + index, rows[i].irte);
            put_irte32(0x41 - index, 0xffffffff);
            remap(MSI, 0x40 + index);
            want_target("32-bit", rows[i].dest, rows[i].vector, rows[i].mode,
                        rows[i].logical);
            expect_u64("32-bit", "address of the entry", out.irte_spa,
                       TABLE + (0x40 + index) * 4);
            expect_u64("32-bit", "entry", out.irte[0], rows[i].irte);
        }
    }
}

/* Index = message data [10:0]: the arbitrated half comes second */
static void test_index(void **state)
{
    (void)state;
    init(CASE_F);
    put_irte32(0x141, 0x00420401);
    remap(MSI, 0xffff0000 | 0x141);
    want_target("index 141h", 4, 0x42, 0, false);
    expect_u64("index", "index", out.index, 0x141);
}

/* 128-bit entries, and the destination bits that only XTEn adds */
static void test_irte128(void **state)
{
    static const struct {
        uint64_t control, lo, hi;
        uint32_t dest;
        uint8_t mode;
        bool logical;
    } rows[] = {
        { XT_EN, 0x0000000001234501, 0x41, 0x12345, 0, false },
        { XT_EN, 0x0000000000000201, 0x0100000000000041, 0x1000002, 0,
          false },
        { 0, 0x0000000000000301, 0x41, 3, 0, false },
        { 0, 0x0000000001234501, 0x41, 0x45, 0, false },
        { XT_EN, 0x0000000000000245, 0x41, 2, 1, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        init(CASE_F);
        w.iommu.control |= GA_EN | rows[i].control;
        world_put(&w, TABLE + 0x41 * 16, rows[i].lo);
        world_put(&w, TABLE + 0x41 * 16 + 8, rows[i].hi);
        remap(MSI, 0x41);
        want_target("128-bit", rows[i].dest, 0x41, rows[i].mode,
                    rows[i].logical);
        expect_u64("128-bit", "address of the entry", out.irte_spa,
                   TABLE + 0x41 * 16);
        expect_u64("128-bit", "lo", out.irte[0], rows[i].lo);
        expect_u64("128-bit", "hi", out.irte[1], rows[i].hi);
    }
}

/* Reserved bits of both formats: I=1, PR=1, RZ=1 */
static void check_irte_bit(bool wide, unsigned int bit, uint64_t q0)
{
    init(CASE_F);
    w.iommu.control |= wide ? GA_EN | XT_EN : 0;
    world_put(&w, TABLE, 0x00000301);
    world_put(&w, TABLE + 8, 0x41);
    world_xor(&w, TABLE + bit / 64 * 8, 1ULL << (bit % 64));
    remap(MSI, 0);
    if (q0) {
        want_abort("reserved", AMDVI_REASON_IRTE_RESERVED, q0, MSI);
    } else {
        want("not reserved", AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    }
}

static void test_irte_reserved(void **state)
{
    const uint64_t fault = 0x2098002a00000028;
    const uint64_t wide[2] = { 0xffffffff00000000, 0x00ffffffffffff00 };

    (void)state;
    for (unsigned int bit = 8; bit < 32; bit++) {
        check_irte_bit(false, bit, bit >= 24 ? fault : 0);
    }
    for (unsigned int bit = 8; bit < 128; bit++) {
        check_irte_bit(true, bit, wide[bit / 64] >> (bit % 64) & 1 ? fault
                                                                   : 0);
    }
    for (unsigned int bit = 3; bit <= 4; bit++) {   /* IntType above 1 */
        check_irte_bit(false, bit, fault);
        check_irte_bit(true, bit, fault);
    }
}

/* GuestMode is not supported */
static void test_guest_mode(void **state)
{
    (void)state;
    init(CASE_F);
    w.iommu.control |= GA_EN;
    world_put(&w, TABLE, 0x381);
    world_put(&w, TABLE + 8, 0x41);
    remap(MSI, 0);
    want("guest mode", AMDVI_OUTCOME_ABORTED, AMDVI_REASON_IRTE_GUEST);
}

/* RemapEn=0: the worked event; IG and SupIOPF keep it back */
static void test_disabled_entry(void **state)
{
    static const struct {
        const char *row;
        uint64_t ig;
        uint32_t irte;
        bool event;
    } rows[] = {
        { "plain", 0, 0, true },
        { "SupIOPF", 0, 2, false },
        { "IG", 1 << 5, 0, false },
        { "both", 1 << 5, 2, false },
        { "reserved", 0, 0xff000001, true },
        { "reserved, SupIOPF", 0, 0xff000003, false },
        { "reserved, IG", 1 << 5, 0xff000001, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        init(CASE_F | rows[i].ig);
        put_irte32(0, rows[i].irte);
        remap(0xfee00005, 0);
        expect_u64(rows[i].row, "outcome", out.outcome,
                   AMDVI_OUTCOME_ABORTED);
        expect_u64(rows[i].row, "event", out.has_event, rows[i].event);
    }
    init(CASE_F);
    remap(0xfee00005, 0);
    want("worked", AMDVI_OUTCOME_ABORTED, AMDVI_REASON_IRTE_DISABLED);
    expect_u64("worked", "event word 0", out.event[0], 0x2028002a00000028);
    expect_u64("worked", "event word 1", out.event[1], 0xfee00005);
}

/* IG suppresses page faults only */
static void test_not_suppressed(void **state)
{
    (void)state;
    init((CASE_F | 1 << 5) & ~(3ULL << 60));
    remap(MSI, 0x41);
    want_abort("IntCtl 0", AMDVI_REASON_INT_DENIED, 0x8a00000000000028, MSI);
    init((CASE_F & ~0x1eULL) | 2 << 1 | 1 << 5);
    remap(MSI, 0x41);
    want("index", AMDVI_OUTCOME_ABORTED, AMDVI_REASON_INT_INDEX);
    expect_true("index", "is suppressed", !out.has_event);
}

static void test_unreadable(void **state)
{
    (void)state;
    init(CASE_F);
    w.abort_at = WORLD_DTE;
    remap(MSI, 0x41);
    want_abort("DTE", AMDVI_REASON_DTE_UNREADABLE, 0x3208000000000028,
               WORLD_DTE);
    assert_true(out.hardware_error);
    w.abort_at = UINT64_MAX;
    w.unknown_at = WORLD_DTE;
    remap(MSI, 0x41);
    want("DTE", AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    w.unknown_at = TABLE + 0x40 * 4;
    remap(MSI, 0x40);
    want("IRTE", AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    assert_false(out.has_event);
    w.unknown_at = UINT64_MAX;
    w.abort_at = TABLE + 0x40 * 4;
    remap(MSI, 0x40);
    want_abort("IRTE", AMDVI_REASON_IRTE_UNREADABLE, 0x4208002a00000028,
               TABLE + 0x40 * 4);
    assert_true(out.hardware_error);
}

/* A device the table does not reach, and a DTE the caller has */
static void test_given_dte(void **state)
{
    const uint64_t dte[4] = { 0, 0x2a, CASE_F, 0 };
    const struct amdvi_message message = { WORLD_DEVICE, MSI, 0x41 };

    (void)state;
    init(0);
    put_irte32(0x41, 0x00410301);
    amdvi_remap_interrupt(&w.iommu, &w.mem, dte, &message, &out);
    want_target("given", 3, 0x41, 0, false);
    w.iommu.devtab[0] = 0;
    amdvi_remap_interrupt(&w.iommu, &w.mem, NULL,
                          &(struct amdvi_message) { 0x80, MSI, 0x41 }, &out);
    want_abort("beyond", AMDVI_REASON_BEYOND_TABLE, 0x2008000000000080, MSI);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unmapped),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_int_ctl),
        cmocka_unit_test(test_dte_reserved),
        cmocka_unit_test(test_table_length),
        cmocka_unit_test(test_irte32),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_irte128),
        cmocka_unit_test(test_irte_reserved),
        cmocka_unit_test(test_guest_mode),
        cmocka_unit_test(test_disabled_entry),
        cmocka_unit_test(test_not_suppressed),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_given_dte),
    };

    return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
