/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of devices: passed, remapped or refused, and the events of those
 * that are refused.  spec/translation.md 6, spec/structures.md 9.
 *
 * The messages are writes of the edu to the interrupt window; what arrives is
 * read from the local APIC.
 */
#include "qemu/osdep.h"
#include "bench.h"

#define INTERRUPTS 0x3800000ULL         /* the interrupt table */
#define WINDOW 0xfee00000ULL            /* APIC ID 0, physical */

/* DTE words 0 and 2; 512 entries */
#define DTE_V 1
#define DTE_IV (INTERRUPTS | 9 << 1 | 1)
#define INT_CTL(n) ((uint64_t)(n) << 60)
#define INT_ABORT INT_CTL(0)
#define INT_FORWARD INT_CTL(1)
#define INT_REMAP INT_CTL(2)

#define CONTROL_GA_EN 0x20000
/* IO_PAGE_FAULT with I, RW ignored; TR=0 type 5 */
#define INTERRUPT_FAULT 0x2008000000000000ULL
#define FLAG_RW 0x0020000000000000ULL
#define DENIED 0x8a00000000000000ULL

static Bench *start(const char *options)
{
    Bench *b = bench_start(options, "");

    bench_set_up(b);
    return b;
}

static void set_interrupt_dte(Bench *b, uint64_t word0, uint64_t word2)
{
    const uint64_t dte[4] = { word0, DOMAIN, word2, 0 };

    set_dte_of(b, EDU_ID, dte);
}

/* Let the edu write @data to the window */
static void send_message(Bench *b, uint32_t data)
{
    uint64_t control = reg_read(b, REG_CONTROL);

    reg_write(b, REG_CONTROL, 0);
    qtest_writel(b->qts, RESULT, data);
    dma_read(b, RESULT, 4);
    reg_write(b, REG_CONTROL, control);
    dma_write(b, WINDOW, 4);
}

static void test_unmapped(void)
{
    Bench *b = start("svm=on");

    reg_write(b, REG_CONTROL, 0);
    send_message(b, 0x51);
    g_assert_true(apic_has_vector(b, 0x51));
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN);
    set_interrupt_dte(b, DTE_V, 0);
    send_message(b, 0x52);
    g_assert_true(apic_has_vector(b, 0x52));
    set_interrupt_dte(b, DTE_V, DTE_IV | INT_FORWARD);
    send_message(b, 0x53);
    g_assert_true(apic_has_vector(b, 0x53));
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    bench_stop(b);
}

static void test_denied(void)
{
    Bench *b = start("svm=on");

    set_interrupt_dte(b, DTE_V, DTE_IV | INT_ABORT);
    send_message(b, 0x54);
    g_assert_false(apic_has_vector(b, 0x54));
    assert_events(b, 0, 1, DENIED | EDU_ID, WINDOW);
    bench_stop(b);
}

/* 32-bit entries: RemapEn, vector in 23:16 */
static void test_legacy(void)
{
    Bench *b = start("svm=on");

    set_interrupt_dte(b, DTE_V, DTE_IV | INT_REMAP);
    qtest_writel(b->qts, INTERRUPTS + 4 * 7, 0x00610001);
    send_message(b, 7);
    g_assert_true(apic_has_vector(b, 0x61));
    g_assert_false(apic_has_vector(b, 7));
    bench_stop(b);
}

/* 128-bit entries: vector in the second word */
static void test_ga(void)
{
    Bench *b = start("svm=on");

    reg_write(b, REG_CONTROL, reg_read(b, REG_CONTROL) | CONTROL_GA_EN);
    set_interrupt_dte(b, DTE_V, DTE_IV | INT_REMAP);
    qtest_writeq(b->qts, INTERRUPTS + 16 * 7, 1);
    qtest_writeq(b->qts, INTERRUPTS + 16 * 7 + 8, 0x62);
    send_message(b, 7);
    g_assert_true(apic_has_vector(b, 0x62));
    bench_stop(b);
}

/* An entry that is not enabled is a page fault, unless SupIOPF is set */
static void test_disabled_entry(void)
{
    Bench *b = start("svm=on");
    uint64_t event[2];

    set_interrupt_dte(b, DTE_V, DTE_IV | INT_REMAP);
    qtest_writel(b->qts, INTERRUPTS + 4 * 9, 0x00630002);
    send_message(b, 9);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    qtest_writel(b->qts, INTERRUPTS + 4 * 9, 0x00630000);
    send_message(b, 9);
    g_assert_false(apic_has_vector(b, 0x63));
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    event_read(b, 0, event);
    g_assert_cmphex(event[0] & ~FLAG_RW, ==,
                    INTERRUPT_FAULT | (uint64_t)DOMAIN << 32 | EDU_ID);
    bench_stop(b);
}

/* intremap=off: interrupts pass, whatever the DTE says */
static void test_off(void)
{
    Bench *b = start("svm=on,intremap=off");

    set_interrupt_dte(b, DTE_V, DTE_IV | INT_ABORT);
    send_message(b, 0x64);
    g_assert_true(apic_has_vector(b, 0x64));
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/interrupt/unmapped", test_unmapped);
    qtest_add_func("/amdvi/interrupt/denied", test_denied);
    qtest_add_func("/amdvi/interrupt/legacy", test_legacy);
    qtest_add_func("/amdvi/interrupt/ga", test_ga);
    qtest_add_func("/amdvi/interrupt/disabled-entry", test_disabled_entry);
    qtest_add_func("/amdvi/interrupt/off", test_off);
    return g_test_run();
}
