/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event log: what is written, when it stops and how it is restarted, and
 * its interrupts by both routes.  spec/registers.md 8.3, 8.4, 9, 15.
 */
#include "qemu/osdep.h"
#include "bench.h"

#define ILLEGAL 0xe000000000000000
#define ILLEGAL_EVENT 0x5000000000000000ULL
#define READ_FAULT 0x2000002a00000028ULL
#define VECTOR 0x55

/* An event that needs nothing but a running IOMMU: a DMA that fails */
static void cause_event(Bench *b)
{
    dma_read(b, PAGE, 4);
}

/* A one-level table without any entry */
static void set_up(Bench *b)
{
    bench_set_up(b);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
}

static uint64_t log_status(Bench *b)
{
    return reg_read(b, REG_STATUS) & ~STATUS_CMD_BUF_RUN;
}

static void test_one(void)
{
    Bench *b = bench_start("svm=on", "");

    set_up(b);
    cause_event(b);
    assert_events(b, 0, 1, READ_FAULT, PAGE);
    g_assert_cmphex(log_status(b), ==,
                    STATUS_EVENT_LOG_RUN | STATUS_EVENT_LOG_INT);
    reg_write(b, REG_STATUS, STATUS_EVENT_LOG_INT);
    g_assert_cmphex(log_status(b), ==, STATUS_EVENT_LOG_RUN);
    cause_event(b);
    assert_events(b, 1, 1, READ_FAULT, PAGE);
    bench_stop(b);
}

/* Without a running log events are lost without a trace */
static void test_stopped(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_CMD_BUF_EN);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    cause_event(b);
    g_assert_cmphex(log_status(b), ==, 0);
    assert_events(b, 0, 0);
    bench_stop(b);
}

/* A log without a base must not do harm: entries go to address 0 */
static void test_no_base(void)
{
    Bench *b = bench_start("svm=on", "");

    reg_write(b, REG_DEVTAB, DEVTAB | 0x1ff);
    reg_write(b, REG_CMD_BASE, COMMANDS | 8ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN);
    command(b, ILLEGAL, 0);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    bench_stop(b);
}

static void test_wrap(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    reg_write(b, REG_EVENT_HEAD, 0xff0);
    reg_write(b, REG_EVENT_TAIL, 0xff0);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    cause_event(b);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    g_assert_cmphex(qtest_readq(b->qts, EVENTS + 0xff0), ==, READ_FAULT);
    cause_event(b);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0x10);
    bench_stop(b);
}

/* Fill the log up to the last free entry; enabling keeps the pointers */
static Bench *start_full(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    reg_write(b, REG_EVENT_TAIL, 0xff0);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0xff0);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    return b;
}

static void test_overflow(void)
{
    Bench *b = start_full();

    qtest_writeq(b->qts, EVENTS + 0xff0, 0);
    cause_event(b);
    g_assert_cmphex(log_status(b), ==,
                    STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0xff0);
    g_assert_cmphex(qtest_readq(b->qts, EVENTS + 0xff0), ==, 0);
    /* Room does not make it go on */
    reg_write(b, REG_EVENT_HEAD, 0xff0);
    cause_event(b);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0xff0);
    bench_stop(b);
}

/* As Linux does it: acknowledge, drain, find it stopped, toggle the enable */
static void test_restart(void)
{
    Bench *b = start_full();
    uint64_t control = reg_read(b, REG_CONTROL);

    cause_event(b);
    reg_write(b, REG_STATUS, STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT);
    g_assert_cmphex(log_status(b), ==, 0);
    reg_write(b, REG_EVENT_HEAD, 0xff0);
    reg_write(b, REG_CONTROL, control & ~CONTROL_EVENT_LOG_EN);
    reg_write(b, REG_STATUS, STATUS_EVENT_OVERFLOW);
    reg_write(b, REG_CONTROL, control);
    g_assert_cmphex(log_status(b), ==, STATUS_EVENT_LOG_RUN);
    g_assert_cmphex(reg_read(b, REG_EVENT_HEAD), ==, 0xff0);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0xff0);
    cause_event(b);
    g_assert_cmphex(qtest_readq(b->qts, EVENTS + 0xff0), ==, READ_FAULT);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    bench_stop(b);
}

/* As Xen and FreeBSD do it: once it has stopped, both pointers go to 0 */
static void test_restart_empty(void)
{
    Bench *b = start_full();
    uint64_t control = reg_read(b, REG_CONTROL);

    cause_event(b);
    g_assert_cmphex(log_status(b) & STATUS_EVENT_LOG_RUN, ==, 0);
    reg_write(b, REG_CONTROL, control & ~CONTROL_EVENT_LOG_EN);
    reg_write(b, REG_STATUS, STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT);
    reg_write(b, REG_EVENT_HEAD, 0);
    reg_write(b, REG_EVENT_TAIL, 0);
    reg_write(b, REG_CONTROL, control);
    g_assert_cmphex(log_status(b), ==, STATUS_EVENT_LOG_RUN);
    cause_event(b);
    assert_events(b, 0, 1, READ_FAULT, PAGE);
    bench_stop(b);
}

/* Starting the log forgets an overflow that was not acknowledged */
static void test_restart_clears_overflow(void)
{
    Bench *b = start_full();
    uint64_t control = reg_read(b, REG_CONTROL);

    cause_event(b);
    reg_write(b, REG_CONTROL, control & ~CONTROL_EVENT_LOG_EN);
    g_assert_cmphex(log_status(b), ==,
                    STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT);
    reg_write(b, REG_CONTROL, control);
    g_assert_cmphex(log_status(b), ==,
                    STATUS_EVENT_LOG_RUN | STATUS_EVENT_LOG_INT);
    bench_stop(b);
}

/* Writing 1 clears only the bits that software may clear */
static void test_clear(void)
{
    Bench *b = start_full();

    cause_event(b);
    reg_write_size(b, REG_STATUS, STATUS_EVENT_OVERFLOW, 1);
    g_assert_cmphex(log_status(b), ==, STATUS_EVENT_LOG_INT);
    reg_write(b, REG_STATUS, ~(uint64_t)STATUS_EVENT_LOG_INT);
    g_assert_cmphex(log_status(b), ==, STATUS_EVENT_LOG_INT);
    reg_write_size(b, REG_STATUS, UINT32_MAX, 4);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, STATUS_CMD_BUF_RUN);
    bench_stop(b);
}

static void test_msi(void)
{
    Bench *b = bench_start("svm=on", "");
    uint64_t control;

    set_up(b);
    msi_set_up(b);
    cause_event(b);
    g_assert_false(msi_arrived(b));
    control = reg_read(b, REG_CONTROL) | CONTROL_EVENT_INT_EN;
    reg_write(b, REG_CONTROL, control);
    g_assert_true(msi_arrived(b));
    cause_event(b);
    g_assert_false(msi_arrived(b));
    reg_write(b, REG_STATUS, STATUS_EVENT_LOG_INT);
    cause_event(b);
    g_assert_true(msi_arrived(b));
    bench_stop(b);
}

/* An overflow interrupts as well */
static void test_overflow_msi(void)
{
    Bench *b = start_full();

    msi_set_up(b);
    reg_write(b, REG_CONTROL,
              reg_read(b, REG_CONTROL) | CONTROL_EVENT_INT_EN);
    cause_event(b);
    g_assert_true(msi_arrived(b));
    bench_stop(b);
}

/* With IntCapXTEn the XT register says where the interrupt goes, not MSI */
static void test_xt(void)
{
    Bench *b = bench_start("svm=on,xtsup=on", "");

    set_up(b);
    msi_set_up(b);
    reg_write(b, REG_CONTROL, reg_read(b, REG_CONTROL) |
              CONTROL_EVENT_INT_EN | CONTROL_INT_CAP_XT_EN);
    /* 0 masks it */
    cause_event(b);
    g_assert_false(apic_has_vector(b, VECTOR));
    reg_write(b, REG_STATUS, STATUS_EVENT_LOG_INT);
    /* APIC ID 0, fixed, physical */
    reg_write(b, REG_XT_GENERAL, (uint64_t)VECTOR << 32);
    cause_event(b);
    g_assert_true(apic_has_vector(b, VECTOR));
    g_assert_false(msi_arrived(b));
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/event/one", test_one);
    qtest_add_func("/amdvi/event/stopped", test_stopped);
    qtest_add_func("/amdvi/event/no-base", test_no_base);
    qtest_add_func("/amdvi/event/wrap", test_wrap);
    qtest_add_func("/amdvi/event/overflow", test_overflow);
    qtest_add_func("/amdvi/event/restart", test_restart);
    qtest_add_func("/amdvi/event/restart-empty", test_restart_empty);
    qtest_add_func("/amdvi/event/restart-clears-overflow",
                   test_restart_clears_overflow);
    qtest_add_func("/amdvi/event/clear", test_clear);
    qtest_add_func("/amdvi/event/msi", test_msi);
    qtest_add_func("/amdvi/event/overflow-msi", test_overflow_msi);
    qtest_add_func("/amdvi/event/xt", test_xt);
    return g_test_run();
}
