/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations of the device "dsa" on data with integrity fields: a guard, an
 * application tag and a reference tag behind each block, all big endian.
 * spec/dsa-device.md 6.2, 6.3.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "dsa.h"

#define FIELD 8
#define APP 0xface
#define REF 0xabba

/* Flags of a descriptor: byte 40 for the source, 41 for the destination */
#define ALL_F_ERROR 0x01
#define ALL_F 0x02
#define APP_F 0x04
#define APP_AND_REF_F 0x08
#define PASS_APP 0x08
#define APP_INCREMENTS 0x10
#define NO_GUARD 0x20
#define PASS_GUARD 0x20
#define NO_REF 0x40
#define PASS_REF 0x40
#define REF_FIXED 0x80
/* Byte 42 */
#define INVERT_SEED 0x04
#define INVERT_RESULT 0x08
/* Result of a failed check */
#define GUARD_WRONG 1
#define APP_WRONG 2
#define REF_WRONG 4
#define ALL_F_FOUND 8

static const uint16_t sizes[] = {512, 520, 4096, 4104};

/* The T10 CRC, bit by bit; that of "123456789" is d0db */
static uint16_t guard(const uint8_t *data, size_t len, uint16_t crc)
{
    for (size_t i = 0; i < len; i++) {
        for (int bit = 7; bit >= 0; bit--) {
            bool out = (crc >> 15 ^ data[i] >> bit) & 1;

            crc = crc << 1 ^ (out ? 0x8bb7 : 0);
        }
    }
    return crc;
}

static Dsa *start(void)
{
    Dsa *d = dsa_start("", "");

    g_assert_cmphex(guard((const uint8_t *)"123456789", 9, 0), ==, 0xd0db);
    dsa_enable(d, 0);
    return d;
}

static uint16_t guard_at(Dsa *d, uint64_t address, uint32_t bytes)
{
    g_autofree uint8_t *data = g_malloc(bytes);

    qtest_memread(d->qts, address, data, bytes);
    return guard(data, bytes, 0);
}

static void assert_field(Dsa *d, uint64_t address, uint16_t guard_tag,
                         uint16_t app, uint32_t ref)
{
    uint8_t field[FIELD];

    qtest_memread(d->qts, address, field, FIELD);
    g_assert_cmphex(lduw_be_p(field), ==, guard_tag);
    g_assert_cmphex(lduw_be_p(field + 2), ==, app);
    g_assert_cmphex(ldl_be_p(field + 4), ==, ref);
}

/* Words 5 and 6 (source) or 7 (destination) of a descriptor */
static DsaDesc dif_desc(unsigned int opcode, uint32_t size, uint8_t source,
                        uint8_t dest, uint8_t both)
{
    DsaDesc desc = dsa_desc(opcode, DSA_ANY_RECORD, DSA_SOURCE, DSA_TARGET,
                            size);

    desc.word[5] = source | dest << 8 | both << 16;
    desc.word[6] = REF | (uint64_t)APP << 48;
    desc.word[7] = REF | (uint64_t)APP << 48;
    return desc;
}

/* @count blocks with fields at DSA_SOURCE, as insert makes them */
static void make_source(Dsa *d, unsigned int kind, unsigned int count)
{
    DsaDesc desc = dif_desc(DSA_OP_DIF_INSERT, count * sizes[kind], 0, 0,
                            kind);

    dsa_fill(d, DSA_TARGET2, count * sizes[kind]);
    desc.word[2] = DSA_TARGET2;
    desc.word[3] = DSA_SOURCE;
    dsa_expect(d, desc, 1);
}

/* Each size of blocks, more of them than a chunk holds */
static void test_insert(void)
{
    Dsa *d = start();

    for (unsigned int kind = 0; kind < G_N_ELEMENTS(sizes); kind++) {
        uint32_t bytes = sizes[kind], count = 3 + 0x10000 / bytes;
        DsaRecord record;

        dsa_fill(d, DSA_SOURCE, count * bytes);
        record = dsa_expect(d, dif_desc(DSA_OP_DIF_INSERT, count * bytes, 0, 0,
                                        kind), 1);
        g_assert_cmpint(record.done, ==, count * bytes);
        g_assert_cmphex(record.word3, ==, (uint64_t)APP << 48 | (REF + count));
        for (uint32_t n = 0; n < count; n += 7) {
            uint64_t block = DSA_TARGET + n * (bytes + FIELD);

            dsa_assert_equal(d, DSA_SOURCE + n * bytes, block, bytes);
            assert_field(d, block + bytes, guard_at(d, block, bytes), APP,
                         REF + n);
        }
    }
    dsa_quit(d);
}

static void test_insert_flags(void)
{
    Dsa *d = start();
    uint8_t data[512];

    dsa_fill(d, DSA_SOURCE, 1024);
    qtest_memread(d->qts, DSA_SOURCE, data, sizeof(data));
    dsa_expect(d, dif_desc(DSA_OP_DIF_INSERT, 1024, 0,
                           APP_INCREMENTS | REF_FIXED, INVERT_SEED), 1);
    assert_field(d, DSA_TARGET + 512, guard(data, 512, 0xffff), APP, REF);
    qtest_memread(d->qts, DSA_SOURCE + 512, data, sizeof(data));
    assert_field(d, DSA_TARGET + 1032, guard(data, 512, 0xffff), APP + 1, REF);
    dsa_expect(d, dif_desc(DSA_OP_DIF_INSERT, 512, 0, 0, INVERT_RESULT), 1);
    assert_field(d, DSA_TARGET + 512, ~guard_at(d, DSA_SOURCE, 512), APP, REF);
    dsa_quit(d);
}

static void test_check(void)
{
    Dsa *d = start();
    DsaRecord record;

    for (unsigned int kind = 0; kind < G_N_ELEMENTS(sizes); kind++) {
        uint32_t size = 20 * (sizes[kind] + FIELD);

        make_source(d, kind, 20);
        record = dsa_expect(d, dif_desc(DSA_OP_DIF_CHECK, size, 0, 0, kind),
                            1);
        g_assert_cmpint(record.done, ==, size);
        g_assert_cmphex(record.word2, ==, (uint64_t)APP << 48 | (REF + 20));
    }
    dsa_quit(d);
}

/* Spoil a byte of the second block's field; what has to come of it */
static void check_spoiled(Dsa *d, unsigned int byte, uint8_t flags,
                          uint8_t result)
{
    uint64_t at = DSA_SOURCE + 520 + 512 + byte;
    DsaRecord record;

    make_source(d, 0, 3);
    qtest_writeb(d->qts, at, ~qtest_readb(d->qts, at));
    record = dsa_expect(d, dif_desc(DSA_OP_DIF_CHECK, 3 * 520, flags, 0, 0),
                        result ? 0x09 : 0x01);
    g_assert_cmphex(record.result, ==, result);
    g_assert_cmpint(record.done, ==, result ? 520 : 3 * 520);
}

static void test_check_errors(void)
{
    Dsa *d = start();

    check_spoiled(d, 0, 0, GUARD_WRONG);
    check_spoiled(d, 2, 0, APP_WRONG);
    check_spoiled(d, 7, 0, REF_WRONG);
    check_spoiled(d, 0, NO_GUARD, 0);
    check_spoiled(d, 7, NO_REF, 0);
    check_spoiled(d, 2, NO_GUARD | NO_REF, APP_WRONG);
    dsa_quit(d);
}

/* The second block's field gets @field; fields of all ones are special */
static void check_field(Dsa *d, uint64_t field, uint8_t flags, uint8_t status,
                        uint8_t result)
{
    uint8_t bytes[FIELD];
    DsaRecord record;

    make_source(d, 0, 3);
    stq_be_p(bytes, field);
    qtest_memwrite(d->qts, DSA_SOURCE + 520 + 512, bytes, FIELD);
    record = dsa_expect(d, dif_desc(DSA_OP_DIF_CHECK, 3 * 520, flags, 0, 0),
                        status);
    g_assert_cmphex(record.result, ==, result);
}

static void test_check_all_ones(void)
{
    const uint64_t app_f = 0x0000ffff00000000;
    const uint64_t tags_f = 0x0000ffffffffffff;
    const uint8_t all_wrong = GUARD_WRONG | APP_WRONG | REF_WRONG;
    Dsa *d = start();

    check_field(d, app_f, 0, 0x09, all_wrong);
    check_field(d, app_f, APP_F, 0x01, 0);
    check_field(d, app_f, APP_AND_REF_F, 0x09, all_wrong);
    check_field(d, tags_f, APP_AND_REF_F, 0x01, 0);
    check_field(d, tags_f, ALL_F, 0x09, all_wrong);
    check_field(d, UINT64_MAX, ALL_F, 0x01, 0);
    check_field(d, UINT64_MAX, ALL_F | ALL_F_ERROR, 0x09, ALL_F_FOUND);
    dsa_quit(d);
}

static void test_app_mask(void)
{
    Dsa *d = start();
    DsaDesc desc = dif_desc(DSA_OP_DIF_CHECK, 520, 0, 0, 0);

    make_source(d, 0, 1);
    desc.word[6] = REF | (uint64_t)(APP ^ 0x00f1) << 48;
    dsa_expect(d, desc, 0x09);
    /* Bits of the mask are not compared */
    desc.word[6] |= 0x00f1ULL << 32;
    dsa_expect(d, desc, 0x01);
    dsa_quit(d);
}

static void test_strip(void)
{
    Dsa *d = start();
    DsaRecord record;

    make_source(d, 2, 17);
    qtest_memset(d->qts, DSA_TARGET, 0, 17 * 4096 + 8);
    record = dsa_expect(d, dif_desc(DSA_OP_DIF_STRIP, 17 * 4104, 0, 0, 2), 1);
    g_assert_cmpint(record.done, ==, 17 * 4104);
    dsa_assert_equal(d, DSA_TARGET2, DSA_TARGET, 17 * 4096);
    g_assert_cmphex(qtest_readq(d->qts, DSA_TARGET + 17 * 4096), ==, 0);
    dsa_quit(d);
}

static void test_update(void)
{
    Dsa *d = start();
    DsaDesc desc = dif_desc(DSA_OP_DIF_UPDATE, 2 * 520, 0, 0, 0);
    uint16_t right;

    make_source(d, 0, 2);
    right = guard_at(d, DSA_SOURCE + 520, 512);
    desc.word[7] = 0x1234 | 0x5678ULL << 48;
    dsa_expect(d, desc, 1);
    dsa_assert_equal(d, DSA_SOURCE + 520, DSA_TARGET + 520, 512);
    assert_field(d, DSA_TARGET + 1032, right, 0x5678, 0x1235);
    /* What is passed comes from the source, right or not */
    qtest_writew(d->qts, DSA_SOURCE + 1032, 0);
    desc.word[5] = NO_GUARD | (PASS_GUARD | PASS_REF) << 8;
    dsa_expect(d, desc, 1);
    assert_field(d, DSA_TARGET + 1032, 0, 0x5678, REF + 1);
    desc.word[5] = NO_GUARD | PASS_APP << 8;
    dsa_expect(d, desc, 1);
    assert_field(d, DSA_TARGET + 1032, right, APP, 0x1235);
    /* A mask passes bits of the tag */
    desc.word[5] = NO_GUARD;
    desc.word[7] |= 0x00ffULL << 32;
    dsa_expect(d, desc, 1);
    assert_field(d, DSA_TARGET + 1032, right, 0x5600 | (APP & 0xff), 0x1235);
    dsa_quit(d);
}

static void test_sizes(void)
{
    Dsa *d = start();

    dsa_expect(d, dif_desc(DSA_OP_DIF_CHECK, 512, 0, 0, 0), 0x13);
    dsa_expect(d, dif_desc(DSA_OP_DIF_INSERT, 520, 0, 0, 0), 0x13);
    dsa_expect(d, dif_desc(DSA_OP_DIF_STRIP, 520 + 1, 0, 0, 0), 0x13);
    dsa_expect(d, dif_desc(DSA_OP_DIF_INSERT, 512, 0, 0, 0x10), 0x12);
    dsa_quit(d);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/dsa-dif/insert", test_insert);
    qtest_add_func("/dsa-dif/insert-flags", test_insert_flags);
    qtest_add_func("/dsa-dif/check", test_check);
    qtest_add_func("/dsa-dif/check-errors", test_check_errors);
    qtest_add_func("/dsa-dif/check-all-ones", test_check_all_ones);
    qtest_add_func("/dsa-dif/app-mask", test_app_mask);
    qtest_add_func("/dsa-dif/strip", test_strip);
    qtest_add_func("/dsa-dif/update", test_update);
    qtest_add_func("/dsa-dif/sizes", test_sizes);
    return g_test_run();
}
