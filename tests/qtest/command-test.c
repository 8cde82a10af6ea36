/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command buffer: when it runs, which commands are legal, what an illegal
 * one does, and what legal ones do.  spec/registers.md 8, structures.md 5.
 */
#include "qemu/osdep.h"
#include "bench.h"

#define WAIT_STORE(address) (0x1000000000000001 | (address))
#define WAIT_INTERRUPT 0x1000000000000002
#define INVALIDATE_ALL 0x8000000000000000
#define ILLEGAL 0xe000000000000000
#define ILLEGAL_EVENT 0x5000000000000000ULL
/* Type 1: nothing answered there */
#define HARDWARE_EVENT 0x6200000000000000ULL

#define RUNNING (STATUS_CMD_BUF_RUN | STATUS_EVENT_LOG_RUN)
#define CONTROL_RUN (CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN)

static void put_command(Bench *b, uint64_t address, uint64_t word0,
                        uint64_t word1)
{
    qtest_writeq(b->qts, address, word0);
    qtest_writeq(b->qts, address + 8, word1);
}

/* Clear CmdBufEn, take the pointers back, set it again */
static void restart(Bench *b)
{
    uint64_t control = reg_read(b, REG_CONTROL);

    reg_write(b, REG_CONTROL, control & ~CONTROL_CMD_BUF_EN);
    reg_write(b, REG_CMD_HEAD, 0);
    reg_write(b, REG_CMD_TAIL, 0);
    b->command_tail = 0;
    reg_write(b, REG_CONTROL, control);
    g_assert_cmphex(reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==,
                    STATUS_CMD_BUF_RUN);
}

/* Run bits follow the enables, in whatever order these are set */
static void test_run(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    reg_write(b, REG_CONTROL, CONTROL_CMD_BUF_EN);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, 0);
    reg_write(b, REG_CONTROL, CONTROL_CMD_BUF_EN | CONTROL_IOMMU_EN);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, STATUS_CMD_BUF_RUN);
    reg_write(b, REG_CONTROL, CONTROL_CMD_BUF_EN | CONTROL_RUN);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, RUNNING);
    reg_write(b, REG_CONTROL, CONTROL_RUN);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, STATUS_EVENT_LOG_RUN);
    reg_write(b, REG_CONTROL, CONTROL_CMD_BUF_EN | CONTROL_EVENT_LOG_EN);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, 0);
    reg_write(b, REG_CONTROL, CONTROL_CMD_BUF_EN | CONTROL_RUN);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, RUNNING);
    bench_stop(b);
}

/* A tail written while nothing runs is only stored */
static void test_late_start(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    put_command(b, COMMANDS, WAIT_STORE(RESULT), 0x1234);
    reg_write(b, REG_CMD_TAIL, 16);
    g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 0);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_CMD_BUF_EN);
    g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 0x1234);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 16);
    bench_stop(b);
}

/* A reserved length code keeps the ring from running: registers.md 3.2 */
static void test_reserved_length(void)
{
    Bench *b = bench_start("svm=on", "");

    put_command(b, COMMANDS, INVALIDATE_ALL, 0);
    for (uint64_t len = 0; len < 16; len++) {
        reg_write(b, REG_CONTROL, 0);
        reg_write(b, REG_CMD_BASE, COMMANDS | len << 56);
        reg_write(b, REG_EVENT_BASE, EVENTS | len << 56);
        reg_write(b, REG_CONTROL, CONTROL_RUN | CONTROL_CMD_BUF_EN);
        g_assert_cmphex(reg_read(b, REG_STATUS), ==,
                        (len < 8 ? 0 : RUNNING));
        reg_write(b, REG_CMD_TAIL, 16);
        g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, (len < 8 ? 0 : 16));
    }
    bench_stop(b);
}

static void test_never_programmed(void)
{
    Bench *b = bench_start("svm=on", "");

    /* 256 entries at address 0, all of them opcode 0 */
    reg_write(b, REG_CONTROL, CONTROL_RUN | CONTROL_CMD_BUF_EN);
    reg_write(b, REG_CMD_TAIL, 16);
    g_assert_cmphex(reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==, 0);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0);
    bench_stop(b);
}

static void test_base_resets_pointers(void)
{
    Bench *b = bench_start("svm=on", "");

    reg_write(b, REG_CMD_HEAD, 0x40);
    reg_write(b, REG_CMD_TAIL, 0x80);
    reg_write(b, REG_EVENT_HEAD, 0x10);
    reg_write(b, REG_EVENT_TAIL, 0x20);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0x40);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0x20);
    reg_write_size(b, REG_CMD_BASE, COMMANDS, 4);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0);
    g_assert_cmphex(reg_read(b, REG_CMD_TAIL), ==, 0);
    reg_write_size(b, REG_EVENT_BASE + 4, 8 << 24, 4);
    g_assert_cmphex(reg_read(b, REG_EVENT_HEAD), ==, 0);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    g_assert_cmphex(reg_read(b, REG_CMD_BASE), ==, COMMANDS | 8ULL << 56);
    bench_stop(b);
}

/* While a ring runs, its base and the IOMMU's pointer cannot be written */
static void test_owned_while_running(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    command(b, INVALIDATE_ALL, 0);
    reg_write(b, REG_CMD_BASE, PAGE | 9ULL << 56);
    g_assert_cmphex(reg_read(b, REG_CMD_BASE), ==, COMMANDS | 8ULL << 56);
    reg_write(b, REG_CMD_HEAD, 0);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 16);
    reg_write(b, REG_EVENT_BASE, PAGE | 9ULL << 56);
    g_assert_cmphex(reg_read(b, REG_EVENT_BASE), ==, EVENTS | 8ULL << 56);
    reg_write(b, REG_EVENT_TAIL, 0x20);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    reg_write(b, REG_EVENT_HEAD, 0x20);
    g_assert_cmphex(reg_read(b, REG_EVENT_HEAD), ==, 0x20);
    bench_stop(b);
}

static void test_pointer_outside(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    reg_write(b, REG_CMD_TAIL, 0x1000);
    g_assert_cmphex(reg_read(b, REG_CMD_TAIL), ==, 0);
    reg_write(b, REG_EVENT_HEAD, 0x1000);
    g_assert_cmphex(reg_read(b, REG_EVENT_HEAD), ==, 0);
    reg_write(b, REG_CMD_TAIL, 0x7fff0);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, RUNNING);
    bench_stop(b);
}

/* The head never shows the length of the ring: registers.md 15 */
static void test_wrap(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    for (int i = 0; i < 256; i++) {
        put_command(b, COMMANDS + 16 * i, INVALIDATE_ALL, 0);
    }
    reg_write(b, REG_CMD_TAIL, 0xff0);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0xff0);
    reg_write(b, REG_CMD_TAIL, 0);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0);
    bench_stop(b);
}

/* More commands than one batch are executed, too, in order */
static void test_long(void)
{
    Bench *b = bench_start("svm=on", "");
    const int count = 1000;

    reg_write(b, REG_CMD_BASE, COMMANDS | 10ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_CMD_BUF_EN);
    for (int i = 0; i < count; i++) {
        put_command(b, COMMANDS + 16 * i, WAIT_STORE(RESULT + 8 * i), i + 1);
    }
    reg_write(b, REG_CMD_TAIL, 16 * count);
    /* The main loop runs the rest between two accesses of this test */
    while (reg_read(b, REG_CMD_HEAD) != 16 * count) {
        g_assert_cmphex(reg_read(b, REG_STATUS), ==, STATUS_CMD_BUF_RUN);
    }
    for (int i = 0; i < count; i++) {
        g_assert_cmpint(qtest_readq(b->qts, RESULT + 8 * i), ==, i + 1);
    }
    bench_stop(b);
}

/* A VM that is stopped finds its commands executed when it goes on */
static void test_stopped_vm(void)
{
    Bench *b = bench_start("svm=on", "");
    const int count = 600;

    reg_write(b, REG_CMD_BASE, COMMANDS | 10ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_CMD_BUF_EN);
    for (int i = 0; i < count; i++) {
        put_command(b, COMMANDS + 16 * i, INVALIDATE_ALL, 0);
    }
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'stop' }"));
    reg_write(b, REG_CMD_TAIL, 16 * count);
    for (int i = 0; i < 10; i++) {
        g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 16 * 256);
    }
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'cont' }"));
    while (reg_read(b, REG_CMD_HEAD) != 16 * count) {
        g_assert_cmphex(reg_read(b, REG_STATUS), ==, STATUS_CMD_BUF_RUN);
    }
    bench_stop(b);
}

/* Run @word0, @word1, then a store that only a running buffer performs */
static bool is_legal(Bench *b, uint64_t word0, uint64_t word1)
{
    uint64_t address = COMMANDS + b->command_tail;
    uint64_t status, event[2];
    uint32_t tail = reg_read(b, REG_EVENT_TAIL);

    qtest_writeq(b->qts, RESULT, 0);
    command(b, word0, word1);
    command(b, WAIT_STORE(RESULT), 1);
    status = reg_read(b, REG_STATUS);
    if (status & STATUS_CMD_BUF_RUN) {
        g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 1);
        g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, tail);
        return true;
    }
    g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 0);
    g_assert_cmphex(COMMANDS + reg_read(b, REG_CMD_HEAD), ==, address);
    event_read(b, tail / 16, event);
    g_assert_cmphex(event[0], ==, ILLEGAL_EVENT);
    g_assert_cmphex(event[1], ==, address);
    reg_write(b, REG_EVENT_HEAD, reg_read(b, REG_EVENT_TAIL));
    restart(b);
    return false;
}

static const struct {
    uint64_t word[2];
    uint64_t reserved[2];
    bool legal;
} commands[] = {
    /* structures.md 5, worked commands; CompletionWait without a store */
    { { 0x1000000000000000, 0 }, { 0x0ff0000000000000, 0 }, true },
    { { 0x2000000000000028, 0 }, { 0x0fffffffffff0000, UINT64_MAX }, true },
    { { 0x3000000700000005, 0x00007f0000001004 },
      { 0x0fff0000fff00000, 0xff8 }, true },
    { { 0x3000000700000005, 0x00007f0000017007 }, { 0, 0 }, true },
    { { 0x3000002a00000000, 0x7ffffffffffff003 }, { 0, 0 }, true },
    { { 0x4005002820000028, 0x00007f0000001004 }, { 0, 0xffa }, true },
    { { 0x4145002820230028, 0x00007f0000001004 }, { 0, 0 }, true },
    { { 0x4000002820000028, 0x7ffffffffffff001 }, { 0, 0 }, true },
    { { 0x5000000000000028, 0 }, { 0x0fffffffffff0000, UINT64_MAX }, true },
    { { 0x6000000501000028, 0x00007f0000001004 },
      { 0x0ff0000000ff0000, 0xfea }, true },
    { { 0x8000000000000000, 0 }, { 0x0fffffffffffffff, UINT64_MAX }, true },
    /* COMPLETE_PPR_REQUEST that nobody waits for, with any code */
    { { 0x7000000000000028, 0x0000000300000000 },
      { 0x0ff00000ffff0000, 0xffff0e00fffffffb }, true },
    { { 0x7000000500000028, 0x0000100300000004 }, { 0, 0 }, true },
    { { 0x7000000000000028, 0x0000f1ff00000000 }, { 0, 0 }, true },
    { { 0x7000000000000028, 0x0000200300000000 }, { 0, 0 }, true },
    /* No vIOMMU, no such opcode */
    { { 0x9000000000000000, 0 }, { 0, 0 }, false },
    { { 0xa000000000000000, 0 }, { 0, 0 }, false },
    { { 0x0000000000000000, 0 }, { 0, 0 }, false },
    { { 0xb000000000000000, 0 }, { 0, 0 }, false },
    { { 0xf000000000000000, 0 }, { 0, 0 }, false },
};

static void test_legality(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        g_assert_cmpint(is_legal(b, commands[i].word[0], commands[i].word[1]),
                        ==, commands[i].legal);
    }
    bench_stop(b);
}

/* Every reserved bit makes a command illegal, on its own */
static void test_reserved_bits(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        for (int bit = 0; bit < 128; bit++) {
            uint64_t flip[2] = { 0 };

            flip[bit / 64] = 1ULL << bit % 64;
            if (commands[i].reserved[bit / 64] & flip[bit / 64]) {
                g_assert_false(is_legal(b, commands[i].word[0] | flip[0],
                                        commands[i].word[1] | flip[1]));
            }
        }
    }
    bench_stop(b);
}

/* Only CmdBufEn brings a stopped buffer back: registers.md 8.2 */
static void test_stall(void)
{
    Bench *b = bench_start("svm=on", "");
    uint64_t control;

    bench_set_up(b);
    command(b, INVALIDATE_ALL, 0);
    command(b, ILLEGAL, 0);
    command(b, WAIT_STORE(RESULT), 1);
    assert_events(b, 0, 1, ILLEGAL_EVENT, COMMANDS + 16);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 16);
    control = reg_read(b, REG_CONTROL);
    reg_write(b, REG_CONTROL, control & ~CONTROL_IOMMU_EN);
    reg_write(b, REG_CONTROL, control);
    g_assert_cmphex(reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==, 0);
    g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 0);
    /* The command is replaced, the head stays */
    put_command(b, COMMANDS + 16, INVALIDATE_ALL, 0);
    reg_write(b, REG_CONTROL, control & ~CONTROL_CMD_BUF_EN);
    reg_write(b, REG_CONTROL, control);
    g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 1);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 48);
    bench_stop(b);
}

static void test_store(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    qtest_memset(b->qts, RESULT, 0xee, 24);
    command(b, WAIT_STORE(RESULT + 8), 0xdeadbeef00000001);
    g_assert_cmphex(qtest_readq(b->qts, RESULT), ==, 0xeeeeeeeeeeeeeeee);
    g_assert_cmphex(qtest_readq(b->qts, RESULT + 8), ==, 0xdeadbeef00000001);
    g_assert_cmphex(qtest_readq(b->qts, RESULT + 16), ==, 0xeeeeeeeeeeeeeeee);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, RUNNING);
    bench_stop(b);
}

/* A ring or a store outside of memory: error registers, event, stop */
static void check_hardware_error(Bench *b, unsigned int n, uint64_t address)
{
    assert_events(b, n, 1, HARDWARE_EVENT, address);
    g_assert_cmphex(reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==, 0);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_UPPER), ==, HARDWARE_EVENT);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_LOWER), ==, address);
}

static void test_hardware_error(void)
{
    Bench *b = bench_start("svm=on", "");
    uint64_t second;

    bench_set_up(b);
    command(b, WAIT_STORE(NOWHERE), 1);
    check_hardware_error(b, 0, COMMANDS);
    g_assert_cmphex(reg_read(b, REG_CMD_HEAD), ==, 0);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_STATUS), ==, 1);
    /* A second one is counted, the first is kept */
    restart(b);
    command(b, INVALIDATE_ALL, 0);
    second = COMMANDS + b->command_tail;
    command(b, WAIT_STORE(NOWHERE), 1);
    assert_events(b, 1, 1, HARDWARE_EVENT, second);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_STATUS), ==, 3);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_LOWER), ==, COMMANDS);
    reg_write(b, REG_HW_EVENT_STATUS, 2);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_STATUS), ==, 1);
    reg_write(b, REG_HW_EVENT_STATUS, 1);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_STATUS), ==, 0);
    bench_stop(b);
}

static void test_fetch_error(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    reg_write(b, REG_CMD_BASE, NOWHERE | 8ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_RUN | CONTROL_CMD_BUF_EN);
    reg_write(b, REG_CMD_TAIL, 16);
    check_hardware_error(b, 0, NOWHERE);
    bench_stop(b);
}

/* Rings and stores must not reach devices, least of all the IOMMU itself */
static void test_ring_on_device(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    command(b, WAIT_STORE(IOMMU_BASE + REG_EXCL_BASE), 0xffff000);
    check_hardware_error(b, 0, COMMANDS);
    g_assert_cmphex(reg_read(b, REG_EXCL_BASE), ==, 0);
    reg_write(b, REG_CONTROL, 0);
    reg_write(b, REG_EVENT_BASE, IOMMU_BASE | 8ULL << 56);
    reg_write(b, REG_CMD_BASE, IOMMU_BASE | 8ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_RUN | CONTROL_CMD_BUF_EN);
    reg_write(b, REG_CMD_TAIL, 16);
    g_assert_cmphex(reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==, 0);
    g_assert_cmphex(reg_read(b, REG_DEVTAB), ==, DEVTAB | 0x1ff);
    bench_stop(b);
}

/* ComWaitInt is set with or without its enable; the message needs it */
static void test_wait_interrupt(void)
{
    Bench *b = bench_start("svm=on", "");
    uint64_t control;

    bench_set_up(b);
    msi_set_up(b);
    control = reg_read(b, REG_CONTROL);
    command(b, WAIT_INTERRUPT, 0);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==,
                    RUNNING | STATUS_COM_WAIT_INT);
    g_assert_false(msi_arrived(b));
    /* The enable finds it already set */
    reg_write(b, REG_CONTROL, control | CONTROL_COM_WAIT_INT_EN);
    g_assert_true(msi_arrived(b));
    /* Still set: nothing new */
    command(b, WAIT_INTERRUPT, 0);
    g_assert_false(msi_arrived(b));
    reg_write(b, REG_STATUS, STATUS_COM_WAIT_INT);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, RUNNING);
    g_assert_false(msi_arrived(b));
    command(b, WAIT_INTERRUPT, 0);
    g_assert_true(msi_arrived(b));
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/command/run", test_run);
    qtest_add_func("/amdvi/command/late-start", test_late_start);
    qtest_add_func("/amdvi/command/reserved-length", test_reserved_length);
    qtest_add_func("/amdvi/command/never-programmed", test_never_programmed);
    qtest_add_func("/amdvi/command/base-resets-pointers",
                   test_base_resets_pointers);
    qtest_add_func("/amdvi/command/owned-while-running",
                   test_owned_while_running);
    qtest_add_func("/amdvi/command/pointer-outside", test_pointer_outside);
    qtest_add_func("/amdvi/command/wrap", test_wrap);
    qtest_add_func("/amdvi/command/long", test_long);
    qtest_add_func("/amdvi/command/stopped-vm", test_stopped_vm);
    qtest_add_func("/amdvi/command/legality", test_legality);
    qtest_add_func("/amdvi/command/reserved-bits", test_reserved_bits);
    qtest_add_func("/amdvi/command/stall", test_stall);
    qtest_add_func("/amdvi/command/store", test_store);
    qtest_add_func("/amdvi/command/hardware-error", test_hardware_error);
    qtest_add_func("/amdvi/command/fetch-error", test_fetch_error);
    qtest_add_func("/amdvi/command/ring-on-device", test_ring_on_device);
    qtest_add_func("/amdvi/command/wait-interrupt", test_wait_interrupt);
    return g_test_run();
}
