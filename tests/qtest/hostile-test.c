/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that does its worst: rings, logs and tables where none should be,
 * enables in any order, resets in the middle, random commands and registers,
 * devices that write to the IOMMU's registers.
 *
 * What single mistakes lead to is in the tests of each part; here anything
 * may come of them, but QEMU lives, the monitor answers, and a driver that
 * starts anew finds all of it working.  Nothing of the guest bounds the work
 * for one access, so a test that does not end is a failure, too.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "ask.h"
#include "fortress.h"

#define LENGTH(code) ((uint64_t)(code) << 56)
#define DEFAULT_SEED 0x20260101
#define RANDOM_COMMANDS 100000
#define RANDOM_REGISTERS 60000
#define BIG_RING_ENTRIES 32768
#define BIG_RING 0x6000000ULL           /* 512 KiB */
/* Registers end here; so does what 4 KiB pages of them are mapped */
#define REGISTERS_SIZE 0x4000

#define INVALIDATE_ALL 0x8000000000000000ULL
#define COMPLETION_WAIT(addr) (0x1000000000000001ULL | (addr))
#define COMPLETION_WAIT_INT 0x1000000000000002ULL
#define COMPLETE (0x7000000000000000ULL | TESTDEV_PLACE)
#define TAG(prgi, code) ((uint64_t)(code) << 44 | (uint64_t)(prgi) << 32)

#define PASID FORTRESS_PASID
#define NO_PASID TESTDEV_NO_PASID
#define UNTRANSLATED TESTDEV_PATH_UNTRANSLATED

static GRand *rand_start(void)
{
    const char *text = g_getenv("AMDVI_SEED");
    uint32_t seed = text ? g_ascii_strtoull(text, NULL, 0) : DEFAULT_SEED;

    printf("# AMDVI_SEED=0x%x\n", seed);
    return g_rand_new_with_seed(seed);
}

static uint64_t rand64(GRand *rand)
{
    return (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
}

/* --- Rings, logs and tables in the wrong place --------------------------- */

static const uint64_t places[] = {
    NOWHERE, 0, 0xa0000, 0xff000, MEMORY_SIZE - 0x1000, MEMORY_SIZE,
    IOMMU_BASE, IOMMU_BASE + 0x2000, 0xfee00000, 0xfec00000, TESTDEV_BAR,
    EDU_BAR, DEVTAB, GCR3_ROOT, GUEST_TABLES, COMMANDS, EVENTS, PPR_LOG,
    0xffffffffff000,
};

/* Reserved, 4 KiB, 512 KiB */
static const unsigned int lengths[] = { 7, 8, 15 };

static const struct {
    uint32_t base, tail;
} rings[] = {
    { REG_CMD_BASE, REG_CMD_TAIL },
    { REG_EVENT_BASE, REG_EVENT_TAIL },
    { REG_PPR_BASE, REG_PPR_TAIL },
};

/* All that is in the ring, and the last entry, which is never used */
static void run_whole_ring(Svm *s, uint32_t tail, unsigned int code)
{
    uint32_t bytes = 16u << code;

    reg_write(s->b, tail, bytes - 16);
    reg_write(s->b, tail, bytes);
    reg_write(s->b, tail, 8);
    reg_write(s->b, tail, UINT64_MAX);
}

static void misplace(Svm *s, unsigned int ring, uint64_t place,
                     unsigned int code)
{
    fortress_restore(s);
    reg_write(s->b, REG_CONTROL, 0);
    reg_write(s->b, rings[ring].base, place | LENGTH(code));
    reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL);
    run_whole_ring(s, rings[ring].tail, code);
    fortress_work(s);
    fortress_assert_works(s);
}

static void test_rings(void)
{
    Svm *s = fortress_start("");

    for (unsigned int ring = 0; ring < ARRAY_SIZE(rings); ring++) {
        for (int i = 0; i < ARRAY_SIZE(places); i++) {
            for (int j = 0; j < ARRAY_SIZE(lengths); j++) {
                misplace(s, ring, places[i], lengths[j]);
            }
        }
    }
    svm_stop(s);
}

/* All three at the same place, where each record is the others' entry */
static void test_rings_together(void)
{
    Svm *s = fortress_start("");

    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        reg_write(s->b, REG_CONTROL, 0);
        for (unsigned int ring = 0; ring < ARRAY_SIZE(rings); ring++) {
            reg_write(s->b, rings[ring].base, places[i] | LENGTH(8));
        }
        reg_write(s->b, REG_DEVTAB, places[i] | 0x1ff);
        reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL);
        fortress_work(s);
        run_whole_ring(s, REG_CMD_TAIL, 8);
        fortress_work(s);
        fortress_assert_works(s);
    }
    svm_stop(s);
}

/* A completion store may change commands, logs and tables that are in use */
static void test_completion_stores(void)
{
    Svm *s = fortress_start("");

    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        for (uint64_t at = 0; at < 0x40; at += 8) {
            fortress_restore(s);
            command(s->b, COMPLETION_WAIT(places[i] + at), UINT64_MAX);
            fortress_work(s);
            run_whole_ring(s, REG_CMD_TAIL, 8);
        }
        fortress_assert_works(s);
    }
    svm_stop(s);
}

/* --- Tables that loop ---------------------------------------------------- */

/* A table full of entries that point to itself */
static void fill_table(Svm *s, uint64_t at, uint64_t entry)
{
    uint64_t words[512];

    for (int i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = cpu_to_le64(entry);
    }
    qtest_memwrite(s->b->qts, at, words, sizeof(words));
}

typedef struct Loop {
    uint64_t flip0, flip1;      /* of the DTE: see svm_set_dte() */
    uint64_t gcr3, table;       /* entries of GCR3_ROOT and GUEST_TABLES */
} Loop;

#define HOST_MODE(levels) PTE_LEVEL(levels)
#define HOST_ROOT GUEST_TABLES
#define SELF GUEST_TABLES
#define GLX_1_LEVEL (1ULL << 56)

static const Loop loops[] = {
    /* GCR3 tables, then guest tables, that are their own next level */
    { 0, 0, GCR3_ROOT | 1, 0 },
    { GLX_1_LEVEL, 0, GCR3_ROOT | 1, 0 },
    { 0, 0, GCR3_ROOT | G_USER, 0 },
    { GLX_1_LEVEL, 0, SELF | 1, SELF | G_USER },
    { GLX_1_LEVEL, 0, SELF | 1, SELF | G_USER | G_PS },
    { GLX_1_LEVEL, 0, DEVTAB | 1, SELF | G_USER },
    /* Host tables of each depth, with each next level */
    { HOST_MODE(6) | HOST_ROOT, 0, 1, PDE(5, SELF, PTE_RW) },
    { HOST_MODE(6) | HOST_ROOT, 0, 1, PDE(1, SELF, PTE_RW) },
    { HOST_MODE(4) | HOST_ROOT, 0, 1, PDE(4, SELF, PTE_RW) },
    { HOST_MODE(3) | HOST_ROOT, 0, 1, PDE(6, SELF, PTE_RW) },
    { HOST_MODE(2) | HOST_ROOT, 0, 1, PDE(7, SELF, PTE_RW) },
    { HOST_MODE(1) | HOST_ROOT, 0, 1, PDE(0, SELF, PTE_RW) },
    /* Both: a nested walk whose every step goes through the loop */
    { HOST_MODE(1) | HOST_ROOT, 0, SELF | 1,
      PDE(0, SELF, PTE_RW) | G_USER },
    { HOST_MODE(4) | HOST_ROOT | GLX_1_LEVEL, 0, SELF | 1,
      PDE(3, SELF, PTE_RW) | G_USER },
};

/*
 * No walk visits more than this: two GCR3 levels, five guest levels and the
 * page itself, each of them behind six host levels, and the DTE.
 */
#define MOST_STEPS (1 + (2 + 5) * (6 + 1) + 6)

static void assert_walk_ends(Svm *s, uint64_t addr)
{
    QDict *reply = ask_for(s->b, "{ 'execute': 'amd-iommu-translate',"
                           "  'arguments': { 'device-id': %u, 'pasid': %u,"
                           "  'address': %" PRIu64 " } }",
                           TESTDEV_PLACE, PASID, addr);

    g_assert_cmpuint(rows(reply, "steps"), <=, MOST_STEPS);
    qobject_unref(reply);
}

/* DMA through a loop may write into the tables it comes from */
static void run_loop(Svm *s, const Loop *loop, GRand *rand)
{
    for (int i = 0; i < 64; i++) {
        uint64_t addr = i & 1 ? rand64(rand) >> g_rand_int_range(rand, 0, 64)
                              : g_rand_int_range(rand, 0, 0x10000) * 8ULL;
        uint64_t data = i & 2 ? rand64(rand) : loop->table;

        fill_table(s, GCR3_ROOT, loop->gcr3);
        fill_table(s, GUEST_TABLES, loop->table);
        assert_walk_ends(s, addr);
        testdev_write(s->t, UNTRANSLATED, PASID, addr, &data, 8);
        testdev_write(s->t, UNTRANSLATED, NO_PASID, addr % MEMORY_SIZE, &data,
                      8);
        testdev_run(s->t, TESTDEV_CMD_READ, 0, PASID, addr, 0x2000);
        testdev_run(s->t, TESTDEV_CMD_TRANSLATE, 0, PASID, addr & ~0xfffULL,
                    0x10000);
    }
}

static void test_loops(void)
{
    Svm *s = fortress_start("");
    GRand *rand = rand_start();

    for (int i = 0; i < ARRAY_SIZE(loops); i++) {
        fortress_restore(s);
        svm_set_dte(s, loops[i].flip0, loops[i].flip1);
        run_loop(s, &loops[i], rand);
        fortress_assert_works(s);
    }
    g_rand_free(rand);
    svm_stop(s);
}

/* --- Enables in every order ---------------------------------------------- */

static const uint64_t enables[] = {
    CONTROL_IOMMU_EN, CONTROL_CMD_BUF_EN, CONTROL_EVENT_LOG_EN,
    CONTROL_PPR_EN, CONTROL_PPR_LOG_EN, CONTROL_GT_EN,
};

#define ORDERS 720
#define RUN_BITS (STATUS_CMD_BUF_RUN | STATUS_EVENT_LOG_RUN | \
                  STATUS_PPR_LOG_RUN)

/* Order number @n of the enables, one bit at a time */
static void find_order(unsigned int n, uint64_t *order)
{
    unsigned int left = ARRAY_SIZE(enables);

    memcpy(order, enables, sizeof(enables));
    for (unsigned int i = 0; left; i++, left--) {
        unsigned int pick = i + n % left;
        uint64_t bit = order[pick];

        n /= left;
        memmove(order + i + 1, order + i, (pick - i) * sizeof(*order));
        order[i] = bit;
    }
}

/* A command, a DMA that works or fails, a page request */
static void work_between(Svm *s)
{
    command(s->b, INVALIDATE_ALL, 0);
    testdev_run(s->t, TESTDEV_CMD_READ, UNTRANSLATED, PASID, VA, 1);
    testdev_run(s->t, TESTDEV_CMD_PAGE_REQUEST, TESTDEV_FLAG_READ |
                TESTDEV_FLAG_LAST, PASID, VA, 0);
}

static void toggle(Svm *s, unsigned int n)
{
    uint64_t order[ARRAY_SIZE(enables)];
    uint64_t control = CONTROL_EPH_EN;

    find_order(n, order);
    for (int i = 0; i < 2 * ARRAY_SIZE(order); i++) {
        control ^= order[i % ARRAY_SIZE(order)];
        reg_write(s->b, REG_CONTROL, control);
        if ((n + i) % 7 == 0) {
            work_between(s);
        }
        if (i + 1 == ARRAY_SIZE(order)) {
            g_assert_cmphex(reg_read(s->b, REG_STATUS) & RUN_BITS, ==,
                            RUN_BITS);
            command(s->b, INVALIDATE_ALL, 0);
            g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==,
                            s->b->command_tail);
        }
    }
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & RUN_BITS, ==, 0);
}

static void test_toggles(void)
{
    Svm *s = fortress_start("");

    reg_write(s->b, REG_CONTROL, 0);
    for (unsigned int n = 0; n < ORDERS; n++) {
        toggle(s, n);
        reg_write(s->b, REG_EVENT_HEAD, reg_read(s->b, REG_EVENT_TAIL));
        reg_write(s->b, REG_PPR_HEAD, reg_read(s->b, REG_PPR_TAIL));
        if (n % 80 == 0) {
            fortress_assert_alive(s);
        }
    }
    fortress_assert_works(s);
    svm_stop(s);
}

/* --- Functions that go away in the middle -------------------------------- */

/* What is on its way */
static void begin_wait(Svm *s)
{
    g_assert_cmpuint(testdev_run(s->t, TESTDEV_CMD_READ, TESTDEV_FLAG_REQUEST,
                                 PASID, VA + 0x5000, 0x3000), ==,
                     TESTDEV_RUNNING);
}

static void begin_bench(Svm *s)
{
    testdev_set(s->t, TESTDEV_BENCH_COUNT, UINT32_MAX);
    testdev_run(s->t, TESTDEV_CMD_BENCH_WRITE, 0, PASID, VA, 8);
}

/* Groups of a page, with and without an end */
static void begin_groups(Svm *s)
{
    for (uint16_t i = 0; i < 300; i++) {
        testdev_request_page(s->t, TESTDEV_FLAG_READ |
                             (i % 3 ? TESTDEV_FLAG_LAST : 0),
                             i % 5 ? PASID : NO_PASID, VA, i);
    }
}

/* A response that comes when there is nobody to get it */
static void begin_late_response(Svm *s)
{
    uint32_t tail;
    uint16_t prgi;

    begin_wait(s);
    tail = reg_read(s->b, REG_PPR_TAIL);
    g_assert_cmphex(tail, !=, 0);
    prgi = qtest_readq(s->b->qts, PPR_LOG + tail - 16) >> 32 & 0x1ff;
    qobject_unref(ask(s->b, "{ 'execute': 'amd-iommu-inject',"
                      "  'arguments': { 'kind': 'delay-response',"
                      "                 'nanoseconds': 1000000 } }"));
    command(s->b, COMPLETE, TAG(prgi, 0));
}

/* More commands than are executed at once; the rest follows later */
static void begin_commands(Svm *s)
{
    reg_write(s->b, REG_CONTROL, 0);
    reg_write(s->b, REG_CMD_BASE, BIG_RING | LENGTH(15));
    for (int i = 0; i < 1000; i++) {
        qtest_writeq(s->b->qts, BIG_RING + 16 * i, INVALIDATE_ALL);
        qtest_writeq(s->b->qts, BIG_RING + 16 * i + 8, 0);
    }
    reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL);
    reg_write(s->b, REG_CMD_TAIL, 16 * 1000);
}

static void (*const begin[])(Svm *s) = {
    begin_wait, begin_bench, begin_groups, begin_late_response,
    begin_commands,
};

/* And what happens to it */
static void end_function_reset(Svm *s)
{
    testdev_config_set(s->t, 0x88, 0x8000);
}

static void end_system_reset(Svm *s)
{
    qtest_system_reset(s->b->qts);
}

static void end_pri(Svm *s)
{
    testdev_config_set(s->t, TESTDEV_PRI_CTRL, 0);
}

static void end_ats(Svm *s)
{
    testdev_config_set(s->t, TESTDEV_ATS_CTRL, 0);
}

static void end_pasid(Svm *s)
{
    testdev_config_set(s->t, TESTDEV_PASID_CTRL, 0);
}

static void end_bus_master(Svm *s)
{
    testdev_config_set(s->t, 0x04, 0);
}

static void end_iommu(Svm *s)
{
    reg_write(s->b, REG_CONTROL, 0);
}

static void end_close(Svm *s)
{
    testdev_run(s->t, TESTDEV_CMD_CLOSE, 0, PASID, 0, 0);
}

static void (*const end[])(Svm *s) = {
    end_function_reset, end_system_reset, end_pri, end_ats, end_pasid,
    end_bus_master, end_iommu, end_close,
};

/* Software that answers what is not open any more, in both ways */
static void answer_all(Svm *s)
{
    for (uint16_t i = 0; i < 512; i += 7) {
        command(s->b, COMPLETE | (uint64_t)PASID << 32, TAG(i, i % 3) | 4);
        command(s->b, COMPLETE, TAG(i, i % 3));
    }
}

static void test_interrupted(void)
{
    Svm *s = fortress_start("");

    for (int i = 0; i < ARRAY_SIZE(begin); i++) {
        for (int j = 0; j < ARRAY_SIZE(end); j++) {
            fortress_restore(s);
            g_test_message("begin %d, end %d", i, j);
            begin[i](s);
            end[j](s);
            qtest_clock_step(s->b->qts, 500000);
            answer_all(s);
            qtest_clock_step(s->b->qts, 10000000);
            fortress_assert_works(s);
        }
    }
    svm_stop(s);
}

/* --- Random commands and registers --------------------------------------- */

/* Three times in four something that has a meaning */
static void random_command(GRand *rand, uint64_t word[2])
{
    word[0] = rand64(rand);
    word[1] = rand64(rand);
    if (g_rand_int_range(rand, 0, 4)) {
        word[0] = (word[0] & 0x0fff00ffff00ffffULL) |
                  (uint64_t)g_rand_int_range(rand, 1, 9) << 60;
        word[1] &= ~(uint64_t)0xff8;
    }
    if (word[0] >> 60 == 1) {
        /* Stores do no harm; not into QEMU's firmware or other tests' pages */
        word[0] = COMPLETION_WAIT(RESULT + (word[0] & 0xff8)) |
                  (word[0] & 2);
    }
}

/* CmdBufEn off and on: it goes on behind the command that stopped it */
static void skip_command(Svm *s)
{
    uint32_t head = reg_read(s->b, REG_CMD_HEAD);

    reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL & ~CONTROL_CMD_BUF_EN);
    reg_write(s->b, REG_CMD_HEAD, (head + 16) % (16 * BIG_RING_ENTRIES));
    reg_write(s->b, REG_EVENT_HEAD, reg_read(s->b, REG_EVENT_TAIL));
    reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL);
}

static void run_ring(Svm *s, unsigned int count)
{
    unsigned int stops = 0;

    reg_write(s->b, REG_CMD_TAIL, 16 * count);
    while (reg_read(s->b, REG_CMD_HEAD) != 16 * count) {
        if (!(reg_read(s->b, REG_STATUS) & STATUS_CMD_BUF_RUN)) {
            g_assert_cmpuint(stops++, <, count);
            skip_command(s);
        }
    }
}

static void fill_ring(Svm *s, GRand *rand, unsigned int count)
{
    g_autofree uint64_t *words = g_new(uint64_t, 2 * count);

    for (unsigned int i = 0; i < count; i++) {
        random_command(rand, words + 2 * i);
    }
    qtest_bufwrite(s->b->qts, BIG_RING, words, 16 * count);
}

static void test_random_commands(void)
{
    Svm *s = fortress_start("");
    GRand *rand = rand_start();
    unsigned int left = RANDOM_COMMANDS;

    while (left) {
        unsigned int count = MIN(left, BIG_RING_ENTRIES - 1);

        fortress_restore(s);
        reg_write(s->b, REG_CONTROL, 0);
        reg_write(s->b, REG_CMD_BASE, BIG_RING | LENGTH(15));
        fill_ring(s, rand, count);
        begin_groups(s);
        reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL);
        run_ring(s, count);
        fortress_assert_alive(s);
        left -= count;
    }
    fortress_assert_works(s);
    g_rand_free(rand);
    svm_stop(s);
}

/* A value of a register that may make sense */
static uint64_t random_value(GRand *rand)
{
    static const uint64_t sensible[] = {
        0, UINT64_MAX, FORTRESS_CONTROL, FORTRESS_CONTROL | 0x3018,
        COMMANDS | LENGTH(8), EVENTS | LENGTH(8), PPR_LOG | LENGTH(15),
        DEVTAB | 0x1ff, 16, 0x1000, 0x7fff0, 1, 0x8000000000000000ULL,
    };
    unsigned int choice = g_rand_int_range(rand, 0, 32);

    return choice < ARRAY_SIZE(sensible) ? sensible[choice]
                                         : rand64(rand) >> choice;
}

/* One access in two goes to the first registers or to the pointers */
static uint32_t random_offset(GRand *rand)
{
    static const uint32_t starts[] = { 0, 0, 0x2000, 0x2000, 0x160, 0x2080 };
    unsigned int choice = g_rand_int_range(rand, 0, 12);

    return choice < ARRAY_SIZE(starts)
           ? starts[choice] + g_rand_int_range(rand, 0, 0x40)
           : g_rand_int_range(rand, 0, REGISTERS_SIZE);
}

static void random_access(Svm *s, GRand *rand)
{
    int size = 1 << g_rand_int_range(rand, 0, 4);
    uint32_t offset = random_offset(rand) & ~(size - 1);

    if (g_rand_int_range(rand, 0, 4)) {
        reg_write_size(s->b, offset, random_value(rand), size);
    } else {
        reg_read_size(s->b, offset, size);
    }
}

/* With every option that brings registers with it */
static void test_random_registers(void)
{
    Svm *s = fortress_start("-global amd-iommu.pmu=on "
                            "-global amd-iommu.xtsup=on "
                            "-global amd-iommu.intremap=on");
    GRand *rand = rand_start();

    for (int i = 0; i < RANDOM_REGISTERS; i++) {
        random_access(s, rand);
        if (i % 50 == 0) {
            fortress_work(s);
        }
        if (i % 1000 == 0) {
            fortress_assert_works(s);
        }
    }
    fortress_assert_works(s);
    g_rand_free(rand);
    svm_stop(s);
}

/* --- DMA into the IOMMU's own registers ---------------------------------- */

/* Each register, by an address that is not translated and by one that is */
static void test_dma_to_registers(void)
{
    Svm *s = fortress_start("");
    GRand *rand = rand_start();

    for (uint32_t offset = 0; offset < REGISTERS_SIZE; offset += 8) {
        uint64_t value = random_value(rand);
        bool pasid = g_rand_boolean(rand);
        uint64_t page = offset & ~0xfffU;

        if (offset > 0x400 && offset < 0x2000) {
            continue;
        }
        fortress_restore(s);
        svm_map(s, PASID, VA, (IOMMU_BASE + page) | G_USER);
        testdev_write(s->t, pasid ? g_rand_boolean(rand) * UNTRANSLATED
                                  : UNTRANSLATED,
                      pasid ? PASID : NO_PASID,
                      pasid ? VA + offset - page : IOMMU_BASE + offset,
                      &value, 8);
        testdev_run(s->t, TESTDEV_CMD_READ, UNTRANSLATED, NO_PASID,
                    IOMMU_BASE + offset, 8);
        if (offset % 0x100 == 0) {
            fortress_assert_works(s);
        }
    }
    fortress_assert_works(s);
    g_rand_free(rand);
    svm_stop(s);
}

/* The IOMMU's message goes to a register of its own, or of the testdev */
static void test_message_to_registers(void)
{
    static const struct {
        uint64_t address;
        uint32_t data;
    } messages[] = {
        { IOMMU_BASE + REG_CMD_TAIL, 0xff0 },
        { IOMMU_BASE + REG_CMD_TAIL, 0x10 },
        { IOMMU_BASE + REG_CONTROL, 0 },
        { IOMMU_BASE + REG_CONTROL, FORTRESS_CONTROL & UINT32_MAX },
        { IOMMU_BASE + REG_STATUS, 0x67 },
        { IOMMU_BASE + REG_EVENT_HEAD, 0x20 },
        { TESTDEV_BAR + TESTDEV_COMMAND, TESTDEV_CMD_PAGE_REQUEST },
        { TESTDEV_BAR + TESTDEV_COMMAND, TESTDEV_CMD_READ },
    };
    Svm *s = fortress_start("");
    uint8_t msi = config_find(s->b, IOMMU_ID, 0x05);

    msi_set_up(s->b);
    for (int i = 0; i < ARRAY_SIZE(messages); i++) {
        config_write(s->b, IOMMU_ID, msi + 4, messages[i].address);
        config_write(s->b, IOMMU_ID, msi + 8, messages[i].address >> 32);
        config_write(s->b, IOMMU_ID, msi + 12, messages[i].data);
        reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL | CONTROL_EVENT_INT_EN |
                  CONTROL_PPR_INT_EN | CONTROL_COM_WAIT_INT_EN);
        command(s->b, COMPLETION_WAIT_INT, 0);
        fortress_work(s);
        reg_write(s->b, REG_STATUS, 0x67);
        fortress_work(s);
        fortress_assert_works(s);
    }
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/hostile/rings", test_rings);
    qtest_add_func("/amdvi/hostile/rings-together", test_rings_together);
    qtest_add_func("/amdvi/hostile/completion-stores",
                   test_completion_stores);
    qtest_add_func("/amdvi/hostile/loops", test_loops);
    qtest_add_func("/amdvi/hostile/toggles", test_toggles);
    qtest_add_func("/amdvi/hostile/interrupted", test_interrupted);
    qtest_add_func("/amdvi/hostile/random-commands", test_random_commands);
    qtest_add_func("/amdvi/hostile/random-registers", test_random_registers);
    qtest_add_func("/amdvi/hostile/dma-to-registers", test_dma_to_registers);
    qtest_add_func("/amdvi/hostile/message-to-registers",
                   test_message_to_registers);
    return g_test_run();
}
