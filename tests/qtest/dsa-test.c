/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device "dsa" without an IOMMU: capabilities, commands, checks of the
 * configuration, each operation, completion records, batches.
 * spec/dsa-device.md 2 to 6.
 */
#include "qemu/osdep.h"
#include "dsa.h"
#include "qemu/crc32c.h"

#define KIB 1024u
#define MIB (1024 * KIB)
#define FLAG_BOF DSA_FLAG_BLOCK_ON_FAULT
#define CMD_INT 0x80000000
#define RCI DSA_FLAG_REQUEST_INTERRUPT

static Dsa *start(void)
{
    return dsa_start("", "");
}

static Dsa *start_enabled(void)
{
    Dsa *d = start();

    dsa_enable(d, DSA_QUEUE_BLOCK_ON_FAULT);
    return d;
}

/* spec/dsa-device.md 3, in its own numbers */
static void test_capabilities(void)
{
    Dsa *d = start();

    g_assert_cmphex(qtest_readl(d->qts, DSA_BAR0), ==, 0x100);
    g_assert_cmphex(dsa_reg_read(d, 0x10), ==, 0x815f2011);
    g_assert_cmphex(dsa_reg_read(d, 0x20), ==, 0x00db000001080080);
    g_assert_cmphex(dsa_reg_read(d, 0x30), ==, 0x36004);
    g_assert_cmphex(dsa_reg_read(d, 0x38), ==, 4);
    g_assert_cmphex(dsa_reg_read(d, 0x40), ==, 0x1003f027f);
    g_assert_cmphex(dsa_reg_read(d, 0x48), ==, 0);
    g_assert_cmphex(dsa_reg_read(d, 0x60), ==, 0x0000000300070006);
    g_assert_cmphex(dsa_reg_read(d, 0xb0), ==, 0x1ffe);
    /* Class 0880, a root complex integrated endpoint, stopped PRI */
    g_assert_cmphex(dsa_config_read(d, 0), ==, 0x0b258086);
    g_assert_cmphex(dsa_config_read(d, 8) >> 16, ==, 0x0880);
    dsa_quit(d);
}

static void test_options(void)
{
    Dsa *d = dsa_start("", ",queues=64");

    g_assert_cmphex(dsa_reg_read(d, 0x20), ==, 0x00db000001400080);
    dsa_configure_queue(d, 63, 0);
    dsa_queue_write(d, 63, DSA_QCFG_SIZE, 5);
    g_assert_cmphex(dsa_queue_read(d, 63, DSA_QCFG_SIZE), ==, 5);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 63), ==, 0);
    /* The last queue is of the fourth group of 16 */
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DISABLE_QUEUE, 3 << 16 | 0x8000),
                    ==, 0);
    dsa_quit(d);
}

/* Options that make no sense are refused with a reason */
static void test_refused(void)
{
    static const char *const rows[][2] = {
        { "q35 -device dsa,queues=0", "queues=0 is not from 1 to 64" },
        { "q35 -device dsa,queues=65", "queues=65 is not from 1 to 64" },
        { "q35 -device dsa,ats=off", "pri=on needs ats=on" },
        { "pc -device dsa", "not a PCI Express bus" },
    };

    for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line = g_strdup_printf(
            "%s -accel qtest -nodefaults -display none -machine %s",
            qtest_qemu_binary(NULL), rows[i][0]);
        g_autofree char *said = NULL;
        int status = 0;

        g_assert_true(g_spawn_command_line_sync(line, NULL, &said, &status,
                                                NULL));
        g_assert_cmpint(status, !=, 0);
        g_assert_nonnull(strstr(said, rows[i][1]));
    }
}

/* A group of 16 at a time; disabled queues can be written, others not */
static void test_queue_states(void)
{
    Dsa *d = start();

    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x20);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DISABLE_QUEUE, 1), ==, 0x20);
    dsa_enable(d, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, 6) >> 30, ==, 1);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x21);
    dsa_queue_write(d, 0, DSA_QCFG_SIZE, 1);
    g_assert_cmphex(dsa_queue_read(d, 0, DSA_QCFG_SIZE), ==, DSA_QUEUE_SIZE);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DISABLE_QUEUE, 1), ==, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, 6) >> 30, ==, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, DSA_QCFG_SIZE), ==, DSA_QUEUE_SIZE);
    /* Status bits are not configuration */
    dsa_queue_write(d, 0, 6, UINT32_MAX);
    g_assert_cmphex(dsa_queue_read(d, 0, 6) >> 30, ==, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_RESET_QUEUE, 1), ==, 0);
    for (unsigned int word = 0; word < DSA_QUEUE_DWORDS; word++) {
        g_assert_cmphex(dsa_queue_read(d, 0, word), ==,
                        word == 6 ? 1u << 29 : 0);
    }
    dsa_quit(d);
}

static void test_device_states(void)
{
    Dsa *d = start();

    g_assert_cmphex(dsa_reg_read(d, DSA_REG_GENSTS), ==, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DISABLE_DEVICE, 0), ==, 0x31);
    dsa_enable(d, 0);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_GENSTS), ==, 1);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0x10);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DISABLE_DEVICE, 0), ==, 0);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_GENSTS), ==, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, 6) >> 30, ==, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, DSA_QCFG_SIZE), ==, DSA_QUEUE_SIZE);
    dsa_reg_write(d, DSA_REG_GENCTRL, 3);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_RESET_DEVICE, 0), ==, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, DSA_QCFG_SIZE), ==, 0);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_GENCTRL), ==, 0);
    dsa_quit(d);
}

static void test_command_errors(void)
{
    Dsa *d = start();

    g_assert_cmphex(dsa_execute(d, 0, 0), ==, 0x01);
    g_assert_cmphex(dsa_execute(d, 13, 0), ==, 0x01);
    g_assert_cmphex(dsa_execute(d, 31, 0), ==, 0x01);
    dsa_enable(d, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 8), ==, 0x02);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_QUEUE, 0x100), ==, 0x02);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_QUEUE, 5 << 16 | 1), ==,
                    0x02);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_RESET_DEVICE, 0), ==, 0);
    dsa_config_write(d, 4, 2, 2);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0x12);
    dsa_quit(d);
}

static void test_queue_checks(void)
{
    Dsa *d = start();

    dsa_group_write(d, 0, 0, 1);
    dsa_group_write(d, 0, DSA_GROUP_ENGINES / 8, 1);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0);
    dsa_configure_queue(d, 0, 0);
    dsa_queue_write(d, 0, DSA_QCFG_SIZE, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x22);
    dsa_queue_write(d, 0, DSA_QCFG_SIZE, 129);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x22);
    dsa_queue_write(d, 0, DSA_QCFG_SIZE, 128);
    dsa_queue_write(d, 0, DSA_QCFG_MODE, DSA_QUEUE_DEDICATED);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x23);
    /* A shared queue has its PASIDs from descriptors, so they must be on */
    dsa_queue_write(d, 0, DSA_QCFG_MODE, 1 << 4);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x26);
    /* PASIDs are not enabled in the PCI capability */
    dsa_configure_queue(d, 0, DSA_QUEUE_PASID_ENABLE | 5 << 8);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x26);
    dsa_configure_queue(d, 0, 0);
    dsa_queue_write(d, 0, DSA_QCFG_LIMITS, 11 << 5 | 31);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0x27);
    dsa_queue_write(d, 0, DSA_QCFG_LIMITS, 10 << 5 | 31);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0);
    dsa_quit(d);
}

/* Try to enable the device with one thing wrong in its groups */
static void check_groups(Dsa *d, unsigned int group, unsigned int qword,
                         uint64_t value, uint8_t error)
{
    g_assert_cmphex(dsa_execute(d, DSA_CMD_RESET_DEVICE, 0), ==, 0);
    dsa_group_write(d, 0, 0, 3);
    dsa_group_write(d, 0, DSA_GROUP_ENGINES / 8, 3);
    dsa_group_write(d, 1, 0, 4);
    dsa_group_write(d, 1, DSA_GROUP_ENGINES / 8, 4);
    dsa_group_write(d, group, qword, value);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, error);
}

static void test_group_checks(void)
{
    Dsa *d = start();

    check_groups(d, 0, 0, 1, 0);
    check_groups(d, 1, DSA_GROUP_ENGINES / 8, 0, 0x15);
    check_groups(d, 1, 0, 2, 0x16);
    check_groups(d, 1, DSA_GROUP_ENGINES / 8, 2, 0x17);
    check_groups(d, 1, DSA_GROUP_FLAGS / 8, 96 << 8, 0);
    check_groups(d, 1, DSA_GROUP_FLAGS / 8, 97 << 8, 0x18);
    check_groups(d, 1, DSA_GROUP_FLAGS / 8, 97 << 20, 0x18);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_RESET_DEVICE, 0), ==, 0);
    dsa_queue_write(d, 0, DSA_QCFG_SIZE, 100);
    dsa_queue_write(d, 1, DSA_QCFG_SIZE, 29);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0x14);
    dsa_quit(d);
}

static void test_command_interrupt(void)
{
    Dsa *d = start();

    g_assert_cmphex(dsa_execute(d, DSA_CMD_RESET_DEVICE, 0), ==, 0);
    g_assert_false(dsa_message(d, 0));
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_INTCAUSE), ==, 0);
    qtest_writel(d->qts, DSA_BAR0 + DSA_REG_CMD,
                 CMD_INT | DSA_CMD_RESET_DEVICE << 20);
    g_assert_true(dsa_message(d, 0));
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_INTCAUSE), ==, 2);
    dsa_reg_write(d, DSA_REG_INTCAUSE, 2);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_INTCAUSE), ==, 0);
    dsa_quit(d);
}

static void test_noop(void)
{
    Dsa *d = start_enabled();
    DsaRecord record = dsa_expect(d, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD,
                                              0, 0, 0), 1);

    g_assert_cmpint(record.done, ==, 0);
    g_assert_cmphex(record.fault_address, ==, 0);
    dsa_quit(d);
}

/* Every slot of both pages takes descriptors, in any order of words */
static void test_portals(void)
{
    DsaDesc desc = dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0);
    Dsa *d = start_enabled();
    static const uint32_t slots[] = {0, 0x40, 0xfc0, 0x1000, 0x1fc0};

    for (unsigned int i = 0; i < G_N_ELEMENTS(slots); i++) {
        qtest_memset(d->qts, DSA_RECORD, 0, DSA_RECORD_BYTES);
        for (int n = 7; n >= 0; n--) {
            g_assert_cmpint(qtest_readb(d->qts, DSA_RECORD), ==, 0);
            qtest_writeq(d->qts, DSA_BAR2 + slots[i] + n * 8, desc.word[n]);
        }
        g_assert_cmphex(dsa_wait(d, DSA_RECORD).status, ==, 1);
    }
    g_assert_cmphex(qtest_readq(d->qts, DSA_BAR2), ==, UINT64_MAX);
    dsa_quit(d);
}

/* Nothing comes of descriptors for queues that cannot take them */
static void test_dropped(void)
{
    DsaDesc desc = dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0);
    Dsa *d = start();

    dsa_launch(d, desc);
    dsa_enable(d, 0);
    dsa_submit_to(d, 1, desc);
    dsa_queue_write(d, 1, DSA_QCFG_SIZE, 4);
    dsa_queue_write(d, 1, DSA_QCFG_MODE, 1 << 4 | DSA_QUEUE_PASID_ENABLE);
    dsa_submit_to(d, 1, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmpint(qtest_readb(d->qts, DSA_RECORD), ==, 0);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_SWERR0), ==, 0);
    dsa_quit(d);
}

static void check_move(uint32_t size)
{
    Dsa *d = start_enabled();
    DsaRecord record;

    dsa_fill(d, DSA_SOURCE, size + 3);
    qtest_memset(d->qts, DSA_TARGET, 0, size + 8);
    record = dsa_expect(d, dsa_desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD | FLAG_BOF,
                                    DSA_SOURCE + 3, DSA_TARGET + 5, size), 1);
    g_assert_cmpint(record.done, ==, size);
    dsa_assert_equal(d, DSA_SOURCE + 3, DSA_TARGET + 5, size);
    g_assert_cmpint(qtest_readb(d->qts, DSA_TARGET + 4), ==, 0);
    g_assert_cmpint(qtest_readb(d->qts, DSA_TARGET + 5 + size), ==, 0);
    dsa_quit(d);
}

static void test_memmove(void)
{
    check_move(1);
    check_move(64 * KIB);
    check_move(2 * MIB + 1);
}

static void test_fill(void)
{
    const uint64_t pattern = 0x0123456789abcdef;
    Dsa *d = start_enabled();
    uint32_t size = 64 * KIB + 5;

    qtest_memset(d->qts, DSA_TARGET, 0, size + 8);
    g_assert_cmpint(dsa_expect(d, dsa_desc(DSA_OP_FILL, DSA_ANY_RECORD,
                                           pattern, DSA_TARGET, size), 1).done,
                    ==, size);
    for (uint32_t i = 0; i < size / 8; i += 511) {
        g_assert_cmphex(qtest_readq(d->qts, DSA_TARGET + i * 8), ==, pattern);
    }
    g_assert_cmphex(qtest_readq(d->qts, DSA_TARGET + 64 * KIB), ==,
                    pattern & 0xffffffffff);
    dsa_quit(d);
}

static void test_compare(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_COMPARE, DSA_ANY_RECORD, DSA_SOURCE,
                            DSA_TARGET, 100000);
    DsaRecord record;

    dsa_fill(d, DSA_SOURCE, 100000);
    dsa_fill(d, DSA_TARGET, 100000);
    g_assert_cmpint(dsa_expect(d, desc, 1).result, ==, 0);
    qtest_writeb(d->qts, DSA_TARGET + 70001,
                 ~qtest_readb(d->qts, DSA_TARGET + 70001));
    record = dsa_expect(d, desc, 1);
    g_assert_cmpint(record.result, ==, 1);
    g_assert_cmpint(record.done, ==, 70001);
    /* "Check result" turns what was not expected into a status */
    desc.word[0] |= (uint64_t)DSA_FLAG_CHECK_RESULT << 32;
    desc.word[5] = 0;
    dsa_expect(d, desc, 2);
    desc.word[5] = 1;
    dsa_expect(d, desc, 1);
    dsa_quit(d);
}

static void test_compare_pattern(void)
{
    const uint64_t pattern = 0x1122334455667788;
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_COMPARE_PATTERN, DSA_ANY_RECORD, DSA_SOURCE,
                            pattern, 83);
    DsaRecord record;

    for (unsigned int i = 0; i < 11; i++) {
        qtest_writeq(d->qts, DSA_SOURCE + i * 8, pattern);
    }
    g_assert_cmpint(dsa_expect(d, desc, 1).result, ==, 0);
    qtest_writeb(d->qts, DSA_SOURCE + 82, 0);
    record = dsa_expect(d, desc, 1);
    g_assert_cmpint(record.result, ==, 1);
    g_assert_cmpint(record.done, ==, 82);
    dsa_quit(d);
}

static void test_dualcast(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_DUALCAST, DSA_ANY_RECORD, DSA_SOURCE,
                            DSA_TARGET + 8, 100000);

    dsa_fill(d, DSA_SOURCE, 100000);
    desc.word[5] = DSA_TARGET2 + 8;
    g_assert_cmpint(dsa_expect(d, desc, 1).done, ==, 100000);
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET + 8, 100000);
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET2 + 8, 100000);
    desc.word[5] = DSA_TARGET2 + 16;
    dsa_expect(d, desc, 0x17);
    dsa_quit(d);
}

/* The CRC of "123456789" with a seed of zero is a known number */
static void test_crc(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_CRC, DSA_ANY_RECORD, DSA_SOURCE, 0, 9);
    g_autofree uint8_t *data = g_malloc(100000);

    qtest_memwrite(d->qts, DSA_SOURCE, "123456789", 9);
    g_assert_cmphex(dsa_expect(d, desc, 1).word2, ==, 0xe3069283);

    dsa_fill(d, DSA_SOURCE, 100000);
    qtest_memread(d->qts, DSA_SOURCE, data, 100000);
    desc = dsa_desc(DSA_OP_COPY_CRC, DSA_ANY_RECORD | DSA_FLAG_READ_CRC_SEED,
                    DSA_SOURCE, DSA_TARGET, 100000);
    desc.word[6] = DSA_TARGET2;
    qtest_writel(d->qts, DSA_TARGET2, 0x12345678);
    g_assert_cmphex(dsa_expect(d, desc, 1).word2, ==,
                    crc32c(~0x12345678u, data, 100000));
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET, 100000);
    dsa_quit(d);
}

static void test_cache_flush(void)
{
    Dsa *d = start_enabled();

    g_assert_cmpint(dsa_expect(d, dsa_desc(DSA_OP_CACHE_FLUSH, DSA_ANY_RECORD,
                                           0, DSA_TARGET, 70000), 1).done,
                    ==, 70000);
    dsa_quit(d);
}

/* spec/dsa-device.md 6.3: what is wrong with each of them */
static void test_descriptor_errors(void)
{
    Dsa *d = start_enabled();
    static const struct {
        unsigned int opcode;
        uint32_t flags;
        uint64_t source, destination;
        uint32_t size;
        uint8_t status;
    } rows[] = {
        {0x0a, 0, 0, 0, 0, 0x10},
        {0x21, 0, 0, 0, 0, 0x10},
        {0xff, 0, 0, 0, 0, 0x10},
        {DSA_OP_NOOP, DSA_FLAG_FENCE, 0, 0, 0, 0x11},
        {DSA_OP_BATCH, FLAG_BOF, DSA_LIST, 0, 2, 0x11},
        {DSA_OP_MEMMOVE, 1 << 14, DSA_SOURCE, DSA_TARGET, 4, 0x11},
        {DSA_OP_MEMMOVE, 1 << 16, DSA_SOURCE, DSA_TARGET, 4, 0x11},
        {DSA_OP_MEMMOVE, 0, DSA_SOURCE, DSA_TARGET, 0, 0x13},
        {DSA_OP_MEMMOVE, 0, DSA_SOURCE, DSA_TARGET, 0x80000001, 0x13},
        {DSA_OP_BATCH, 0, DSA_LIST, 0, 1, 0x14},
        {DSA_OP_BATCH, 0, DSA_LIST, 0, 1025, 0x14},
        {DSA_OP_MEMMOVE, 0, DSA_SOURCE, DSA_SOURCE + 99, 100, 0x16},
        {DSA_OP_MEMMOVE, 0, DSA_SOURCE + 99, DSA_SOURCE, 100, 0x16},
        {DSA_OP_MEMMOVE, 0, DSA_SOURCE, DSA_SOURCE + 100, 100, 0x01},
        {DSA_OP_BATCH, 0, DSA_LIST + 32, 0, 2, 0x18},
        {DSA_OP_DIF_CHECK, 0, DSA_SOURCE, 0, 519, 0x13},
    };

    for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
        dsa_expect(d, dsa_desc(rows[i].opcode, DSA_ANY_RECORD | rows[i].flags,
                               rows[i].source, rows[i].destination,
                               rows[i].size), rows[i].status);
    }
    g_assert_cmphex(dsa_expect(d, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD |
                                           1 << 14 | 1 << 20, 0, 0, 0),
                               0x11).word2, ==, 1 << 14 | 1 << 20);
    dsa_quit(d);
}

/* The queue's own limits, and the operations it is allowed */
static void test_queue_limits(void)
{
    Dsa *d = start();

    dsa_configure_queue(d, 0, 0);
    dsa_queue_write(d, 0, DSA_QCFG_LIMITS, 1 << 5 | 12);
    dsa_queue_write(d, 0, DSA_QCFG_OPERATIONS, 0xf & ~(1 << DSA_OP_DRAIN));
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0);
    dsa_expect(d, dsa_desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD, DSA_SOURCE,
                           DSA_TARGET, 4096), 0x01);
    dsa_expect(d, dsa_desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD, DSA_SOURCE,
                           DSA_TARGET, 4097), 0x13);
    dsa_expect(d, dsa_desc(DSA_OP_BATCH, DSA_ANY_RECORD, DSA_LIST, 0, 3),
               0x14);
    dsa_expect(d, dsa_desc(DSA_OP_DRAIN, DSA_ANY_RECORD, 0, 0, 0), 0x10);
    dsa_quit(d);
}

/* No record is written unless it is asked for, or something went wrong */
static void test_record_on_request(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_NOOP, DSA_FLAG_COMPLETION_VALID, 0, 0, 0);

    dsa_launch(d, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_QUEUE, 1), ==, 0);
    g_assert_cmpint(qtest_readb(d->qts, DSA_RECORD), ==, 0);
    dsa_expect(d, dsa_desc(0x0a, DSA_FLAG_COMPLETION_VALID, 0, 0, 0), 0x10);
    dsa_quit(d);
}

/* Without a place for a record SWERR tells, once */
static void test_software_error(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(0x0a, 0, 0, 0, 0);

    dsa_launch(d, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_SWERR0), ==, 0x0a0000100d);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_INTCAUSE), ==, 1);
    g_assert_false(dsa_message(d, 0));
    dsa_reg_write(d, DSA_REG_GENCTRL, 1);
    dsa_launch(d, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_true(dsa_message(d, 0));
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_SWERR0), ==, 0x0a0000100f);
    dsa_reg_write(d, DSA_REG_SWERR0, 3);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_SWERR0) & 3, ==, 0);
    /* A record cannot be written to an address like this */
    desc = dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0);
    desc.word[1] = DSA_RECORD + 16;
    dsa_launch(d, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_SWERR0), ==, 0x1b0d);
    dsa_quit(d);
}

static void test_interrupt(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD | RCI, 0, 0, 0);

    desc.word[4] = 1ULL << 32;
    dsa_expect(d, desc, 0x01);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_true(dsa_message(d, 1));
    /* Vector 0 is not for descriptors, 9 does not exist */
    desc.word[4] = 0;
    dsa_expect(d, desc, 0x19);
    desc.word[4] = 9ULL << 32;
    dsa_expect(d, desc, 0x19);
    /* A vector that belongs to a PASID */
    dsa_reg_write(d, DSA_PERMISSIONS + 2 * 8, 0x5008);
    desc.word[4] = 2ULL << 32;
    dsa_expect(d, desc, 0x19);
    g_assert_false(dsa_message(d, 2));
    dsa_quit(d);
}

/* Descriptor @n of the list, with a record of its own */
static void set_member(Dsa *d, unsigned int n, DsaDesc desc)
{
    desc.word[1] = DSA_RECORDS + n * DSA_RECORD_BYTES;
    qtest_memset(d->qts, desc.word[1], 0, DSA_RECORD_BYTES);
    for (unsigned int i = 0; i < 8; i++) {
        qtest_writeq(d->qts, DSA_LIST + n * DSA_DESC_BYTES + i * 8,
                     desc.word[i]);
    }
}

static void set_moves(Dsa *d, unsigned int count)
{
    dsa_fill(d, DSA_SOURCE, count * 100);
    qtest_memset(d->qts, DSA_TARGET, 0, count * 100);
    for (unsigned int n = 0; n < count; n++) {
        set_member(d, n, dsa_desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD | FLAG_BOF,
                                  DSA_SOURCE + n * 100, DSA_TARGET + n * 100,
                                  100));
    }
}

static uint8_t member_status(Dsa *d, unsigned int n)
{
    return qtest_readb(d->qts, DSA_RECORDS + n * DSA_RECORD_BYTES);
}

static void test_batch(void)
{
    Dsa *d = start_enabled();
    DsaRecord record;

    set_moves(d, 20);
    record = dsa_expect(d, dsa_desc(DSA_OP_BATCH, DSA_ANY_RECORD, DSA_LIST, 0,
                                    20), 0x01);
    g_assert_cmpint(record.done, ==, 20);
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET, 2000);
    for (unsigned int n = 0; n < 20; n++) {
        g_assert_cmphex(member_status(d, n), ==, 1);
    }
    dsa_quit(d);
}

/* A failure fails the batch; only a fence keeps others from running */
static void test_batch_failure(void)
{
    DsaDesc batch = dsa_desc(DSA_OP_BATCH, DSA_ANY_RECORD, DSA_LIST, 0, 5);
    Dsa *d = start_enabled();

    set_moves(d, 5);
    set_member(d, 2, dsa_desc(DSA_OP_DRAIN, DSA_ANY_RECORD, 0, 0, 0));
    g_assert_cmpint(dsa_expect(d, batch, 0x05).done, ==, 5);
    g_assert_cmphex(member_status(d, 2), ==, 0x10);
    g_assert_cmphex(member_status(d, 4), ==, 0x01);
    set_member(d, 2, dsa_desc(DSA_OP_BATCH, DSA_ANY_RECORD, DSA_LIST, 0, 2));
    set_member(d, 3, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    set_member(d, 4, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD | DSA_FLAG_FENCE,
                              0, 0, 0));
    g_assert_cmpint(dsa_expect(d, batch, 0x05).done, ==, 4);
    g_assert_cmphex(member_status(d, 2), ==, 0x10);
    g_assert_cmphex(member_status(d, 3), ==, 0x01);
    g_assert_cmphex(member_status(d, 4), ==, 0);
    dsa_quit(d);
}

/* Drain is done when everything before it is, whatever that was */
static void test_drain(void)
{
    Dsa *d = start_enabled();
    DsaDesc move = dsa_desc(DSA_OP_MEMMOVE, DSA_FLAG_COMPLETION_VALID,
                            DSA_SOURCE, DSA_TARGET, 4 * MIB);

    dsa_fill(d, DSA_SOURCE, 4 * MIB);
    dsa_launch(d, move);
    dsa_expect(d, dsa_desc(DSA_OP_DRAIN, DSA_ANY_RECORD, 0, 0, 0), 0x01);
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET, 4 * MIB);
    dsa_quit(d);
}

/* What is aborted leaves nothing behind; the queue works afterwards */
static void test_abort(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_FILL, DSA_ANY_RECORD, UINT64_MAX,
                            DSA_TARGET, 64 * MIB);

    for (unsigned int n = 0; n < 12; n++) {
        dsa_launch(d, desc);
    }
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ABORT_QUEUE, 1), ==, 0);
    g_assert_cmpint(dsa_queue_read(d, 0, 6) & 0xffff, ==, 0);
    g_assert_cmpint(qtest_readb(d->qts, DSA_RECORD), ==, 0);
    dsa_expect(d, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0), 1);
    dsa_quit(d);
}

/* Disable lets what is queued end, but takes no more */
static void test_disable(void)
{
    Dsa *d = start_enabled();
    DsaDesc desc = dsa_desc(DSA_OP_FILL, DSA_ANY_RECORD, 0x1111111111111111,
                            DSA_TARGET, 8 * MIB);

    dsa_launch(d, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DISABLE_QUEUE, 1), ==, 0);
    g_assert_cmphex(qtest_readb(d->qts, DSA_RECORD), ==, 1);
    g_assert_cmphex(qtest_readb(d->qts, DSA_TARGET + 8 * MIB - 1), ==, 0x11);
    dsa_launch(d, desc);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmpint(qtest_readb(d->qts, DSA_RECORD), ==, 0);
    dsa_quit(d);
}

/* A function level reset forgets it all */
static void test_function_reset(void)
{
    Dsa *d = start_enabled();
    uint16_t pcie = 0;
    uint8_t at = dsa_config_read(d, 0x34);

    while (at) {
        uint32_t head = dsa_config_read(d, at & ~3);

        pcie = (head & 0xff) == 0x10 ? at : pcie;
        at = head >> 8;
    }
    dsa_launch(d, dsa_desc(DSA_OP_FILL, DSA_ANY_RECORD, 0, DSA_TARGET,
                           64 * MIB));
    dsa_config_write(d, pcie + 8, 0x8000, 2);
    dsa_enable_pci(d);
    g_assert_cmphex(dsa_reg_read(d, DSA_REG_GENSTS), ==, 0);
    g_assert_cmphex(dsa_queue_read(d, 0, DSA_QCFG_SIZE), ==, 0);
    g_assert_cmpint(dsa_queue_read(d, 0, 6) & 0xffff, ==, 0);
    dsa_enable(d, 0);
    dsa_expect(d, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0), 1);
    dsa_quit(d);
}

/* An address that is good, or the device's own, or nothing */
static uint64_t hostile_address(GRand *rand)
{
    static const uint64_t places[] = {
        DSA_RECORD, DSA_LIST, DSA_SOURCE, DSA_TARGET, DSA_BAR0, DSA_BAR2,
        0xfee00000, UINT64_MAX - 0x1000, 0x7000000000,
    };

    return places[g_rand_int_range(rand, 0, G_N_ELEMENTS(places))] +
           (g_rand_boolean(rand) ? 0 : g_rand_int_range(rand, 0, 0x10000));
}

static DsaDesc hostile_desc(GRand *rand)
{
    static const uint8_t opcodes[] = {
        0x00, 0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x09, 0x10, 0x11,
        0x12, 0x13, 0x14, 0x15, 0x20, 0x07,
    };
    DsaDesc desc = {};

    for (unsigned int n = 0; n < 8; n++) {
        desc.word[n] = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
    }
    desc.word[0] = (uint64_t)(opcodes[g_rand_int_range(
                                  rand, 0, G_N_ELEMENTS(opcodes))] << 24 |
                              (g_rand_int(rand) & 0x1013f)) << 32;
    desc.word[1] = hostile_address(rand) & ~0x1fULL;
    desc.word[2] = hostile_address(rand) & ~(g_rand_boolean(rand) ? 0x3f : 0);
    desc.word[3] = hostile_address(rand);
    /* Long enough for several chunks, short enough for a test */
    desc.word[4] &= 0xffff00000003ffff;
    desc.word[5] = g_rand_boolean(rand) ? hostile_address(rand)
                                        : desc.word[5];
    return desc;
}

/* A register or table word gets a value that may make sense */
static void hostile_write(Dsa *d, GRand *rand)
{
    uint32_t offset = g_rand_int_range(rand, 0, 0x1800 / 4) * 4;
    uint64_t value = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);

    switch (g_rand_int_range(rand, 0, 4)) {
    case 0:
        dsa_command_start(d, g_rand_int_range(rand, 0, 16),
                          g_rand_int_range(rand, 0, 9));
        break;
    case 1:
        dsa_configure_queue(d, g_rand_int_range(rand, 0, 8),
                            g_rand_int(rand) & 0xf);
        break;
    case 2:
        dsa_reg_write(d, offset & ~7, value);
        break;
    default:
        qtest_writew(d->qts, DSA_BAR0 + offset + 2, value);
    }
}

/* Whatever a guest does, afterwards the device is as good as new */
static void test_hostile(void)
{
    GRand *rand = g_rand_new_with_seed(20260101);
    Dsa *d = start_enabled();

    for (unsigned int round = 0; round < 10000; round++) {
        unsigned int queue = g_rand_int_range(rand, 0, 8);

        if (round % 64 == 0) {
            dsa_command_start(d, DSA_CMD_RESET_DEVICE, 0);
            dsa_enable_pci(d);
            dsa_enable(d, DSA_QUEUE_BLOCK_ON_FAULT);
        }
        if (g_rand_int_range(rand, 0, 8) == 0) {
            hostile_write(d, rand);
        } else if (g_rand_boolean(rand)) {
            set_member(d, g_rand_int_range(rand, 0, 32), hostile_desc(rand));
        } else {
            dsa_submit_to(d, queue % 2 ? 0 : queue, hostile_desc(rand));
        }
    }
    dsa_command_start(d, DSA_CMD_RESET_DEVICE, 0);
    dsa_enable_pci(d);
    dsa_enable(d, 0);
    dsa_expect(d, dsa_desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0), 1);
    dsa_quit(d);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/dsa/capabilities", test_capabilities);
    qtest_add_func("/dsa/options", test_options);
    qtest_add_func("/dsa/refused", test_refused);
    qtest_add_func("/dsa/queue-states", test_queue_states);
    qtest_add_func("/dsa/device-states", test_device_states);
    qtest_add_func("/dsa/command-errors", test_command_errors);
    qtest_add_func("/dsa/queue-checks", test_queue_checks);
    qtest_add_func("/dsa/group-checks", test_group_checks);
    qtest_add_func("/dsa/command-interrupt", test_command_interrupt);
    qtest_add_func("/dsa/noop", test_noop);
    qtest_add_func("/dsa/portals", test_portals);
    qtest_add_func("/dsa/dropped", test_dropped);
    qtest_add_func("/dsa/memmove", test_memmove);
    qtest_add_func("/dsa/fill", test_fill);
    qtest_add_func("/dsa/compare", test_compare);
    qtest_add_func("/dsa/compare-pattern", test_compare_pattern);
    qtest_add_func("/dsa/dualcast", test_dualcast);
    qtest_add_func("/dsa/crc", test_crc);
    qtest_add_func("/dsa/cache-flush", test_cache_flush);
    qtest_add_func("/dsa/descriptor-errors", test_descriptor_errors);
    qtest_add_func("/dsa/queue-limits", test_queue_limits);
    qtest_add_func("/dsa/record-on-request", test_record_on_request);
    qtest_add_func("/dsa/software-error", test_software_error);
    qtest_add_func("/dsa/interrupt", test_interrupt);
    qtest_add_func("/dsa/batch", test_batch);
    qtest_add_func("/dsa/batch-failure", test_batch_failure);
    qtest_add_func("/dsa/drain", test_drain);
    qtest_add_func("/dsa/abort", test_abort);
    qtest_add_func("/dsa/disable", test_disable);
    qtest_add_func("/dsa/function-reset", test_function_reset);
    qtest_add_func("/dsa/hostile", test_hostile);
    return g_test_run();
}
