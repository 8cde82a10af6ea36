/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svm-loopback, the template of docs/your-device.md: frames of processes,
 * page faults on each part of one, and what ends one early.
 */
#include "qemu/osdep.h"
#include "hw/misc/svm/loopback-regs.h"
#include "migrate.h"
#include "sva.h"

#define LOOPBACK "-device svm-loopback,addr=06.0 "
#define LOOPBACK_ID 0x0030
#define REGS 0xe1000000ULL
#define DOORBELLS 0xe1100000ULL
#define HOST_BRIDGE_PCIEXBAR 0x80000060
#define ECAM 0xb0000000ULL
#define DEVICE_CONTROL 0x88
#define FUNCTION_RESET 0x8000
/* Reads of a word until something is taken to be stuck */
#define PATIENCE 2000000

#define PASID 5
/* A page for the descriptor; frames lie across two pages */
#define VA_DESCRIPTOR 0x7f0000000000ULL
#define VA_SOURCE 0x7f0000001f00ULL
#define VA_TARGET 0x7f0000003f00ULL
#define LENGTH 0x200
#define PAGES 5
#define FRAMES 0x5000000ULL

#define SUCCESS 0
#define INVALID 1
#define PPR_ADDRESS(word) ((word) & ~0xfffULL)
#define PPR_WRITE (0x020ULL << 48)

typedef struct World {
    Sva sva;
    Testdev function;           /* its configuration space alone */
    unsigned int taken;         /* page requests that were looked at */
} World;

static uint64_t physical(uint64_t va)
{
    return FRAMES + (va - VA_DESCRIPTOR);
}

static void map(World *w, uint64_t va, uint64_t rights)
{
    uint64_t page = va & ~0xfffULL;

    sva_map(&w->sva, PASID, page, physical(page), rights);
}

static void map_all(World *w)
{
    for (int i = 0; i < PAGES; i++) {
        map(w, VA_DESCRIPTOR + i * 0x1000, SVA_USER_RW);
    }
}

static World *attach(const char *more)
{
    World *w = g_new0(World, 1);
    g_autofree char *line = g_strconcat(LOOPBACK, more, NULL);

    w->sva.b = bench_start("svm=on", line);
    w->sva.id = LOOPBACK_ID;
    w->function.qts = w->sva.b->qts;
    w->function.id = LOOPBACK_ID;
    return w;
}

static void enable_function(World *w)
{
    config_write(w->sva.b, LOOPBACK_ID, 0x10, REGS);
    config_write(w->sva.b, LOOPBACK_ID, 0x18, DOORBELLS);
    config_write(w->sva.b, LOOPBACK_ID, 0x04, 6);
    testdev_enable(&w->function, 32);
}

static World *start(void)
{
    World *w = attach("");

    qtest_outl(w->sva.b->qts, 0xcf8, HOST_BRIDGE_PCIEXBAR);
    qtest_outl(w->sva.b->qts, 0xcfc, ECAM | 1);
    enable_function(w);
    sva_set_up(&w->sva);
    sva_bind(&w->sva, PASID);
    return w;
}

static void stop(World *w)
{
    bench_stop(w->sva.b);
    g_free(w);
}

static uint32_t get(World *w, uint32_t offset)
{
    return qtest_readl(w->sva.b->qts, REGS + offset);
}

static void set(World *w, uint32_t offset, uint32_t value)
{
    qtest_writel(w->sva.b->qts, REGS + offset, value);
}

static void enable(World *w, unsigned int queue)
{
    set(w, LOOPBACK_CONTROL(queue), PASID | LOOPBACK_ENABLE);
    g_assert_cmphex(get(w, LOOPBACK_CONTROL(queue)), ==,
                    PASID | LOOPBACK_ENABLE);
}

static void ring(World *w, unsigned int queue, uint64_t descriptor)
{
    qtest_writeq(w->sva.b->qts,
                 DOORBELLS + queue * LOOPBACK_DOORBELL_SIZE, descriptor);
}

/* A frame of @length; what was received before is cleared */
static void prepare(World *w, uint32_t length)
{
    QTestState *qts = w->sva.b->qts;
    uint64_t at = physical(VA_DESCRIPTOR);

    qtest_writeq(qts, at + LOOPBACK_SOURCE, VA_SOURCE);
    qtest_writeq(qts, at + LOOPBACK_DESTINATION, VA_TARGET);
    qtest_writeq(qts, at + LOOPBACK_LENGTH, length);
    qtest_writeq(qts, at + LOOPBACK_STATUS, 0);
    qtest_memset(qts, physical(VA_SOURCE), 0x5a, LENGTH);
    qtest_memset(qts, physical(VA_TARGET), 0, LENGTH);
}

static void send_frame(World *w, unsigned int queue, uint32_t length)
{
    prepare(w, length);
    ring(w, queue, VA_DESCRIPTOR);
}

static uint32_t status_of(World *w)
{
    return qtest_readl(w->sva.b->qts,
                       physical(VA_DESCRIPTOR) + LOOPBACK_STATUS);
}

/* Wait for the end of the frame */
static void assert_ended(World *w, uint32_t status, uint32_t moved)
{
    uint32_t found = LOOPBACK_PENDING;

    for (int i = 0; i < PATIENCE && found == LOOPBACK_PENDING; i++) {
        found = status_of(w);
    }
    g_assert_cmpuint(found, ==, status);
    g_assert_cmpuint(qtest_readl(w->sva.b->qts, physical(VA_DESCRIPTOR) +
                                 LOOPBACK_MOVED), ==, moved);
}

/* Wait for a frame whose report is not possible */
static void assert_lost(World *w)
{
    uint32_t lost = 0;

    for (int i = 0; i < PATIENCE && !lost; i++) {
        lost = get(w, LOOPBACK_LOST(0));
    }
    g_assert_cmpuint(lost, ==, 1);
}

static void assert_received(World *w, uint32_t length)
{
    for (uint32_t i = 0; i < LENGTH; i++) {
        g_assert_cmphex(qtest_readb(w->sva.b->qts, physical(VA_TARGET) + i),
                        ==, i < length ? 0x5a : 0);
    }
}

/* Wait for a page request, which is for this page */
static void assert_asks(World *w, uint64_t page, bool write)
{
    unsigned int count = w->taken;
    uint64_t word[2];

    for (int i = 0; i < PATIENCE && count == w->taken; i++) {
        count = sva_ppr_count(&w->sva);
    }
    g_assert_cmpuint(count, ==, w->taken + 1);
    sva_ppr_read(&w->sva, w->taken++, word);
    g_assert_cmphex(PPR_ADDRESS(word[1]), ==, page);
    g_assert_cmphex(word[0] & PPR_WRITE, ==, write ? PPR_WRITE : 0);
}

/* PRG indexes are used in turn */
static void answer(World *w, unsigned int code)
{
    sva_respond(&w->sva, w->taken - 1, code);
}

static void test_frame(void)
{
    World *w = start();

    map_all(w);
    enable(w, 0);
    send_frame(w, 0, LENGTH);
    assert_ended(w, LOOPBACK_OK, LENGTH);
    assert_received(w, LENGTH);
    send_frame(w, 0, 1);
    assert_ended(w, LOOPBACK_OK, 1);
    assert_received(w, 1);
    g_assert_cmpuint(sva_ppr_count(&w->sva), ==, 0);
    stop(w);
}

/* Each part of a frame may be missing, and the report of a read-only page */
static void test_faults(void)
{
    static const struct {
        uint64_t page;
        bool write;
    } fault[] = {
        { VA_DESCRIPTOR, false },
        { 0x7f0000001000, false }, { 0x7f0000002000, false },
        { 0x7f0000003000, true }, { 0x7f0000004000, true },
        { VA_DESCRIPTOR, true },
    };
    World *w = start();

    enable(w, 3);
    send_frame(w, 3, LENGTH);
    for (int i = 0; i < ARRAY_SIZE(fault); i++) {
        assert_asks(w, fault[i].page, fault[i].write);
        g_assert_cmpuint(status_of(w), ==, LOOPBACK_PENDING);
        map(w, fault[i].page, fault[i].write ? SVA_USER_RW : SVA_USER_READ);
        sva_invalidate(&w->sva, PASID, fault[i].page);
        answer(w, SUCCESS);
    }
    assert_ended(w, LOOPBACK_OK, LENGTH);
    assert_received(w, LENGTH);
    stop(w);
}

/* The process may not write there: half of the frame has arrived */
static void test_refused(void)
{
    World *w = start();

    map_all(w);
    map(w, VA_TARGET + 0x1000, SVA_USER_READ);
    enable(w, 0);
    send_frame(w, 0, LENGTH);
    assert_asks(w, 0x7f0000004000, true);
    answer(w, INVALID);
    assert_ended(w, LOOPBACK_NO_PAGE, 0x100);
    assert_received(w, 0x100);
    stop(w);
}

/* The answer is always "success", and nothing changes */
static void test_endless(void)
{
    World *w = start();

    map_all(w);
    map(w, VA_SOURCE, 0);
    enable(w, 0);
    send_frame(w, 0, LENGTH);
    for (int i = 0; i < 8; i++) {
        assert_asks(w, VA_SOURCE & ~0xfffULL, false);
        answer(w, SUCCESS);
    }
    assert_ended(w, LOOPBACK_NO_PAGE, 0);
    stop(w);
}

static void test_lengths(void)
{
    World *w = start();

    map_all(w);
    enable(w, 0);
    send_frame(w, 0, 0);
    assert_ended(w, LOOPBACK_BAD_LENGTH, 0);
    send_frame(w, 0, LOOPBACK_LENGTH_MAX + 1);
    assert_ended(w, LOOPBACK_BAD_LENGTH, 0);
    stop(w);
}

/* Nobody can be told: the queue counts it, and goes on */
static void test_lost(void)
{
    World *w = start();

    enable(w, 0);
    send_frame(w, 0, LENGTH);
    assert_asks(w, VA_DESCRIPTOR, false);
    answer(w, INVALID);
    assert_asks(w, VA_DESCRIPTOR, true);
    answer(w, INVALID);
    assert_lost(w);
    map_all(w);
    send_frame(w, 0, LENGTH);
    assert_ended(w, LOOPBACK_OK, LENGTH);
    stop(w);
}

/* A queue that is off, or at work, does not listen; nor does an odd address */
static void test_doorbell(void)
{
    World *w = start();

    map_all(w);
    map(w, VA_SOURCE, 0);
    send_frame(w, 0, LENGTH);
    enable(w, 0);
    qtest_writeq(w->sva.b->qts, DOORBELLS + 8, VA_DESCRIPTOR);
    g_assert_cmphex(qtest_readq(w->sva.b->qts, DOORBELLS), ==, 0);
    g_assert_cmpuint(sva_ppr_count(&w->sva), ==, 0);
    ring(w, 0, VA_DESCRIPTOR);
    assert_asks(w, VA_SOURCE & ~0xfffULL, false);
    ring(w, 0, 0);
    map(w, VA_SOURCE, SVA_USER_RW);
    answer(w, SUCCESS);
    assert_ended(w, LOOPBACK_OK, LENGTH);
    g_assert_cmpuint(sva_ppr_count(&w->sva), ==, 1);
    stop(w);
}

/* Two queues of a process; one is closed while it waits for a page */
static void test_close(void)
{
    World *w = start();

    map_all(w);
    map(w, VA_SOURCE, 0);
    enable(w, 0);
    enable(w, 1);
    send_frame(w, 0, LENGTH);
    assert_asks(w, VA_SOURCE & ~0xfffULL, false);
    set(w, LOOPBACK_CONTROL(0), 0);
    map(w, VA_SOURCE, SVA_USER_RW);
    answer(w, SUCCESS);
    g_assert_cmpuint(status_of(w), ==, LOOPBACK_PENDING);
    send_frame(w, 1, LENGTH);
    assert_ended(w, LOOPBACK_OK, LENGTH);
    assert_received(w, LENGTH);
    set(w, LOOPBACK_CONTROL(1), 0);
    g_assert_cmphex(get(w, LOOPBACK_CONTROL(1)), ==, 0);
    enable(w, 0);
    send_frame(w, 0, LENGTH);
    assert_ended(w, LOOPBACK_OK, LENGTH);
    stop(w);
}

/* Without the capability the driver can read that it is not enabled */
static void test_no_pasid(void)
{
    World *w = start();

    testdev_config_set(&w->function, TESTDEV_PASID_CTRL, 0);
    set(w, LOOPBACK_CONTROL(0), PASID | LOOPBACK_ENABLE);
    g_assert_cmphex(get(w, LOOPBACK_CONTROL(0)), ==, PASID);
    stop(w);
}

/* No page table: the IOMMU aborts, which no page request can help */
static void test_aborted(void)
{
    World *w = start();
    const uint64_t blocked[4] = { 1 };

    map_all(w);
    enable(w, 0);
    set_dte_of(w->sva.b, LOOPBACK_ID, blocked);
    send_frame(w, 0, LENGTH);
    assert_lost(w);
    g_assert_cmpuint(sva_ppr_count(&w->sva), ==, 0);
    stop(w);
}

/* Function level reset in the middle of a fault, then all over again */
static void test_reset(void)
{
    World *w = start();

    map_all(w);
    map(w, VA_SOURCE, 0);
    enable(w, 0);
    send_frame(w, 0, LENGTH);
    assert_asks(w, VA_SOURCE & ~0xfffULL, false);
    testdev_config_set(&w->function, DEVICE_CONTROL, FUNCTION_RESET);
    enable_function(w);
    g_assert_cmphex(get(w, LOOPBACK_CONTROL(0)), ==, 0);
    map(w, VA_SOURCE, SVA_USER_RW);
    enable(w, 0);
    send_frame(w, 0, LENGTH);
    assert_ended(w, LOOPBACK_OK, LENGTH);
    stop(w);
}

/* A frame that waits for its second page goes on elsewhere */
static void test_migrate(void)
{
    World *w = start();
    World *to = attach("-incoming defer");
    g_autofree char *path = NULL;

    map_all(w);
    map(w, VA_TARGET + 0x1000, 0);
    enable(w, 2);
    send_frame(w, 2, LENGTH);
    assert_asks(w, 0x7f0000004000, true);
    path = migrate_save(w->sva.b->qts);
    migrate_load(to->sva.b->qts, path);
    unlink(path);
    to->sva.b->command_tail = w->sva.b->command_tail;
    to->sva.free = w->sva.free;
    to->taken = w->taken;
    stop(w);
    map(to, VA_TARGET + 0x1000, SVA_USER_RW);
    answer(to, SUCCESS);
    assert_ended(to, LOOPBACK_OK, LENGTH);
    assert_received(to, LENGTH);
    stop(to);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/loopback/frame", test_frame);
    qtest_add_func("/amdvi/loopback/faults", test_faults);
    qtest_add_func("/amdvi/loopback/refused", test_refused);
    qtest_add_func("/amdvi/loopback/endless", test_endless);
    qtest_add_func("/amdvi/loopback/lengths", test_lengths);
    qtest_add_func("/amdvi/loopback/lost", test_lost);
    qtest_add_func("/amdvi/loopback/doorbell", test_doorbell);
    qtest_add_func("/amdvi/loopback/close", test_close);
    qtest_add_func("/amdvi/loopback/no-pasid", test_no_pasid);
    qtest_add_func("/amdvi/loopback/aborted", test_aborted);
    qtest_add_func("/amdvi/loopback/reset", test_reset);
    qtest_add_func("/amdvi/loopback/migrate", test_migrate);
    return g_test_run();
}
