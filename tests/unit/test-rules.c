/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of rings, address ranges and commands.
 * Sources: spec/registers.md 3.2, 8; spec/structures.md 5, 6;
 * spec/translation.md 9, 10.
 */
#include "unit.h"

#include "amdvi.h"

static const struct amdvi_features all_features = { UINT64_MAX, UINT64_MAX };
static const struct amdvi_features no_features = { 0, 0 };

/* L = 8 to 15 gives 2^L entries of 16 bytes, other codes are reserved */
static void test_ring_bytes(void **state)
{
    (void)state;
    for (uint64_t code = 0; code < 16; code++) {
        uint64_t base = code << 56 | 0x2000000;

        expect_u64("ring", "bytes", amdvi_ring_bytes(base),
                   code < 8 ? 0 : 16u << code);
    }
    expect_u64("ring", "4 KiB", amdvi_ring_bytes(8ULL << 56), 4096);
    expect_u64("ring", "512 KiB", amdvi_ring_bytes(15ULL << 56), 512 * 1024);
}

static void test_ring_next(void **state)
{
    (void)state;
    for (uint32_t code = 8; code < 16; code++) {
        uint32_t bytes = 16u << code;

        assert_int_equal(amdvi_ring_next(0, bytes), 16);
        assert_int_equal(amdvi_ring_next(bytes - 32, bytes), bytes - 16);
        assert_int_equal(amdvi_ring_next(bytes - 16, bytes), 0);
    }
}

static void test_ring_used(void **state)
{
    static const struct {
        uint32_t head, tail, bytes, used;
    } rows[] = {
        { 0, 0, 0x1000, 0 },
        { 0xff0, 0xff0, 0x1000, 0 },
        { 0, 0x10, 0x1000, 1 },
        { 0, 0xff0, 0x1000, 255 },
        { 0xff0, 0, 0x1000, 1 },
        { 0x10, 0, 0x1000, 255 },
        { 0x800, 0x7f0, 0x1000, 255 },
        { 0x7fff0, 0x10, 0x80000, 2 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(amdvi_ring_used(rows[i].head, rows[i].tail,
                                         rows[i].bytes), rows[i].used);
    }
}

static const struct range_row {
    uint64_t q1;                /* address and S bit */
    uint64_t base, size;
} ranges[] = {
    { 0x00007f0000001000, 0x7f0000001000, 0x1000 },
    { 0x00007f0000002001, 0x7f0000002000, 0x2000 },
    { 0x00007f0000017001, 0x7f0000010000, 0x10000 },
    { 0x7ffffffffffff001, 0, 0 },
    { 0xfffffffffffff001, 0, 0 },
    { 0x0000000000000001, 0, 0x2000 },
    { 0xfffffffffffff000, 0xfffffffffffff000, 0x1000 },
    { 0x00000000000ff001, 0, 0x200000 },
    { 0x00000000400ff001, 0x40000000, 0x200000 },
    { 0x0007fffffffff001, 0, 1ULL << 52 },
    { 0x3ffffffffffff001, 0, 1ULL << 63 },
    { 0xbffffffffffff001, 1ULL << 63, 1ULL << 63 },
};

static void test_decode_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        const struct range_row *r = &ranges[i];
        struct amdvi_range got =
            amdvi_decode_range(r->q1 & ~UINT64_C(0xfff), r->q1 & 1);

        expect_u64("range", "base", got.base, r->base);
        expect_u64("range", "size", got.size, r->size);
    }
}

/* What the specification builds, and the limit that Linux keeps */
static void test_encode_range(void **state)
{
    static const struct {
        uint64_t addr, size, q1;
    } rows[] = {
        { 0x7f0000001000, 0x1000, 0x00007f0000001000 },
        { 0x7f0000001234, 1, 0x00007f0000001000 },
        { 0x7f0000002000, 0x2000, 0x00007f0000002001 },
        { 0x7f0000001000, 0x2000, 0x00007f0000001001 },
        { 0x7f0000010000, 0x10000, 0x00007f0000017001 },
        { 0, 1ULL << 52, 0x0007fffffffff001 },
        { 0, 1ULL << 53, 0x7ffffffffffff001 },
        { 0xfffffffffffff000, 0x1000, 0xfffffffffffff000 },
        { 0xfffffffffffff000, 0x2000, 0x7ffffffffffff001 },
        { 0x1000, UINT64_MAX, 0x7ffffffffffff001 },
        { 0x1000, 0, 0x7ffffffffffff001 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        expect_u64("encode", "q1 bits",
                   amdvi_encode_range(rows[i].addr, rows[i].size),
                   rows[i].q1);
    }
}

/* Whether @range, of which size 0 is everything, holds [first, last] */
static bool holds(struct amdvi_range range, uint64_t first, uint64_t last)
{
    return range.size == 0 ||
           (first >= range.base && last >= first &&
            last - range.base <= range.size - 1);
}

/* An encoded range holds what was asked for and half of it would not */
static void test_range_round_trip(void **state)
{
    uint64_t seed = 0x5eed1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t addr = next_random(&seed) >> (next_random(&seed) % 52);
        uint64_t size = (next_random(&seed) >> (12 + next_random(&seed) % 50))
                        + 1;
        uint64_t last = addr + size - 1;
        uint64_t q1 = amdvi_encode_range(addr, size);
        struct amdvi_range r = amdvi_decode_range(q1, q1 & 1);

        expect_u64("encode", "bits 11:1", q1 & 0xffe, 0);
        expect_true("round trip", "is a power of two",
                    (r.size & (r.size - 1)) == 0);
        expect_true("round trip", "holds both ends", holds(r, addr, last));
        if (r.size > 0x1000) {
            expect_true("round trip", "is the smallest",
                        ((addr ^ last) & (r.size / 2)) != 0);
        }
    }
}

/* Legal commands, and every bit that must be zero in each: structures.md 5 */
static const struct command_row {
    const char *name;
    uint64_t word[2];
    uint64_t reserved[2];
} commands[] = {
    { "COMPLETION_WAIT", { 0x1000000012345679, 0xdeadbeef00000001 },
      { 0x0ff0000000000000, 0 } },
    { "COMPLETION_WAIT i", { 0x1000000000000002, 0 },
      { 0x0ff0000000000000, 0 } },
    { "INVALIDATE_DEVTAB_ENTRY", { 0x2000000000000028, 0 },
      { 0x0fffffffffff0000, UINT64_MAX } },
    { "INVALIDATE_IOMMU_PAGES", { 0x3000000700000005, 0x00007f0000017007 },
      { 0x0fff0000fff00000, 0xff8 } },
    { "INVALIDATE_IOMMU_PAGES all", { 0x3000002a00000000, 0x7ffffffffffff003 },
      { 0x0fff0000fff00000, 0xff8 } },
    { "INVALIDATE_IOTLB_PAGES", { 0x4145002820230028, 0x00007f0000001004 },
      { 0, 0xfca } },
    { "INVALIDATE_IOTLB_PAGES all", { 0x4000002820000028, 0x7ffffffffffff001 },
      { 0, 0xfca } },
    { "INVALIDATE_INTERRUPT_TABLE", { 0x5000000000000028, 0 },
      { 0x0fffffffffff0000, UINT64_MAX } },
    { "PREFETCH_IOMMU_PAGES", { 0x6000000501000028, 0x00007f0000001004 },
      { 0x0ff0000000ff0000, 0xfea } },
    { "COMPLETE_PPR_REQUEST", { 0x7000000500000028, 0x0000000300000004 },
      { 0x0ff00000ffff0000, 0xffff0e00fffffffb } },
    { "COMPLETE_PPR_REQUEST invalid",
      { 0x7000000500000028, 0x0000100300000004 },
      { 0x0ff00000ffff0000, 0xffff0e00fffffffb } },
    { "COMPLETE_PPR_REQUEST Linux failure",
      { 0x7000000000000028, 0x0000200300000000 },
      { 0x0ff00000ffff0000, 0xffff0e00fffffffb } },
    { "INVALIDATE_IOMMU_ALL", { 0x8000000000000000, 0 },
      { 0x0fffffffffffffff, UINT64_MAX } },
};

static void check_reserved_bits(const struct command_row *r)
{
    for (int bit = 0; bit < 128; bit++) {
        uint64_t flipped[2] = { r->word[0], r->word[1] };
        uint64_t mask = 1ULL << (bit % 64);
        bool reserved = r->reserved[bit / 64] & mask;
        enum amdvi_command_check got;

        if (bit >= 60 && bit < 64) {
            continue;           /* the opcode */
        }
        flipped[bit / 64] ^= mask;
        got = amdvi_check_command(&all_features, flipped);
        if ((got == AMDVI_COMMAND_RESERVED) != reserved) {
            fail_msg("%s: bit %d: check gives %d", r->name, bit, (int)got);
        }
    }
}

static void test_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        expect_u64(commands[i].name, "check",
                   amdvi_check_command(&all_features, commands[i].word),
                   AMDVI_COMMAND_OK);
        check_reserved_bits(&commands[i]);
    }
}

static void test_unknown_opcodes(void **state)
{
    static const int opcodes[] = { 0, 11, 12, 13, 14, 15 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
        uint64_t command[2] = { (uint64_t)opcodes[i] << 60, 0 };

        assert_int_equal(amdvi_check_command(&all_features, command),
                         AMDVI_COMMAND_UNKNOWN);
    }
}

/* "Illegal commands": opcodes whose feature bit is 0 */
static void test_unsupported(void **state)
{
    static const struct {
        int opcode;
        uint64_t efr;           /* the bit that makes it legal; 0: none */
    } rows[] = {
        { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 },
        { 6, 1ULL << 0 },  { 7, 1ULL << 1 },  { 8, 1ULL << 6 },
        { 9, 1ULL << 55 }, { 10, 1ULL << 55 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t command[2] = { (uint64_t)rows[i].opcode << 60, 0 };
        struct amdvi_features only = { rows[i].efr, 0 };
        struct amdvi_features without = { ~rows[i].efr, UINT64_MAX };

        assert_int_equal(amdvi_check_command(&only, command),
                         AMDVI_COMMAND_OK);
        if (rows[i].efr) {
            assert_int_equal(amdvi_check_command(&no_features, command),
                             AMDVI_COMMAND_UNSUPPORTED);
            assert_int_equal(amdvi_check_command(&without, command),
                             AMDVI_COMMAND_UNSUPPORTED);
        }
    }
}

/* Type of INVALIDATE_IOTLB_PAGES is reserved without InvIotlbTypeSup */
static void test_iotlb_type(void **state)
{
    const struct amdvi_features with = { 1ULL << 54, 0 };

    (void)state;
    for (uint64_t type = 0; type < 4; type++) {
        uint64_t command[2] = { 0x4000002820000028, 0x1000 | type << 4 };

        assert_int_equal(amdvi_check_command(&with, command),
                         AMDVI_COMMAND_OK);
        assert_int_equal(amdvi_check_command(&no_features, command),
                         type ? AMDVI_COMMAND_RESERVED : AMDVI_COMMAND_OK);
    }
}

/* Worked events of structures.md 6 about commands */
static void test_command_events(void **state)
{
    uint64_t event[2] = { UINT64_MAX, UINT64_MAX };

    (void)state;
    amdvi_illegal_command_event(0x2000040, event);
    expect_u64("illegal command", "q0", event[0], 0x5000000000000000);
    expect_u64("illegal command", "q1", event[1], 0x2000040);
    event[0] = event[1] = UINT64_MAX;
    amdvi_command_hardware_event(0x2000040, event);
    expect_u64("command hardware error", "q0", event[0], 0x6200000000000000);
    expect_u64("command hardware error", "q1", event[1], 0x2000040);
    event[0] = event[1] = UINT64_MAX;
    amdvi_iotlb_timeout_event(0x28, 0x2000040, event);
    expect_u64("IOTLB timeout", "q0", event[0], 0x7000000000000028);
    expect_u64("IOTLB timeout", "q1", event[1], 0x2000040);
}

/*
 * translation.md 10: a ring runs exactly if all its enables are set and its
 * length code is not reserved; every subset of the control bits is tried.
 */
static void check_run(const char *name,
                      bool (*may_run)(uint64_t control, uint64_t base),
                      uint64_t enables)
{
    const uint64_t bits[] = { 1, 1 << 2, 1 << 12, 1 << 13, 1 << 15 };

    for (unsigned int set = 0; set < 1u << ARRAY_SIZE(bits); set++) {
        uint64_t control = 0;
        bool all;

        for (size_t b = 0; b < ARRAY_SIZE(bits); b++) {
            control |= set >> b & 1 ? bits[b] : 0;
        }
        all = (control & enables) == enables;
        expect_u64(name, "runs", may_run(control, 8ULL << 56), all);
        expect_u64(name, "runs", may_run(control, 0xfULL << 56), all);
        expect_u64(name, "runs with L=7", may_run(control, 7ULL << 56), 0);
        expect_u64(name, "runs with L=0", may_run(control, 0), 0);
    }
}

static void test_run_bits(void **state)
{
    (void)state;
    check_run("CmdBufRun", amdvi_command_may_run, 1 | 1 << 12);
    check_run("EventLogRun", amdvi_event_log_may_run, 1 | 1 << 2);
    check_run("PprLogRun", amdvi_ppr_log_may_run, 1 | 1 << 13 | 1 << 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring_bytes),
        cmocka_unit_test(test_ring_next),
        cmocka_unit_test(test_ring_used),
        cmocka_unit_test(test_decode_range),
        cmocka_unit_test(test_encode_range),
        cmocka_unit_test(test_range_round_trip),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_unknown_opcodes),
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_iotlb_type),
        cmocka_unit_test(test_command_events),
        cmocka_unit_test(test_run_bits),
    };

    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
