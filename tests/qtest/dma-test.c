/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA of an ordinary device: what each DTE and each host (v1) table does to
 * it, and the exact events of what fails.  spec/structures.md 1, 3, 6 and
 * spec/translation.md 1, 3; the recipes of spec/qemu-integration.md,
 * appendix A.
 */
#include "qemu/osdep.h"
#include "bench.h"

/* Event words, without DeviceID and DomainID */
#define FAULT_READ 0x2000000000000000ULL
#define FAULT_WRITE 0x2020000000000000ULL
#define FAULT_READ_DENIED 0x2050000000000000ULL
#define FAULT_WRITE_DENIED 0x2070000000000000ULL
#define FAULT_READ_RESERVED 0x2090000000000000ULL
#define FAULT_READ_LEVEL 0x2010000000000000ULL
#define ILLEGAL_DTE_READ 0x1000000000000000ULL
#define ILLEGAL_DTE_RESERVED_READ 0x1080000000000000ULL
#define DEV_TAB_ERROR_READ 0x3200000000000000ULL
#define PAGE_TAB_ERROR_READ 0x4200000000000000ULL
/* TR=0, type 0: a read of the interrupt range */
#define INTERRUPT_READ 0x8000000000000000ULL

#define IN_DOMAIN(event) ((event) | (uint64_t)DOMAIN << 32 | EDU_ID)

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

#define DTE_EX (1ULL << 39)
#define DTE_SE (1ULL << 33)
#define DTE_SA (1ULL << 34)
#define DTE_HAD 0x180

static Bench *start(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    return b;
}

/* Levels 3, 2, 1 in tables 0, 1, 2 for IOVA 0; level 1 is left empty */
static Bench *start_three_levels(void)
{
    Bench *b = start();

    set_entry(b, 0, 0, PDE(2, table(1), PTE_RW));
    set_entry(b, 1, 0, PDE(1, table(2), PTE_RW));
    set_dte(b, DTE_HOST(3, table(0)), DOMAIN);
    return b;
}

/* spec/translation.md 1: IommuEn=0, V=0, TV=0, Mode=0 */
static void test_disabled(void)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_bases(b);
    set_dte(b, 1, 0);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    g_assert_true(dma_writes(b, PAGE, PAGE));
    bench_stop(b);
}

static void test_invalid_dte(void)
{
    Bench *b = start();

    /* V=0: nothing else counts, not even reserved bits */
    set_dte(b, 0x7c, 0);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    g_assert_true(dma_writes(b, PAGE, PAGE));
    assert_events(b, 0, 0);
    bench_stop(b);
}

static void test_blocked(void)
{
    Bench *b = start();

    set_dte(b, 1, 0);
    g_assert_false(dma_reads(b, PAGE, PAGE));
    assert_events(b, 0, 1, FAULT_READ | EDU_ID, PAGE);
    g_assert_false(dma_writes(b, PAGE, PAGE));
    assert_events(b, 1, 1, FAULT_WRITE | EDU_ID, PAGE);
    bench_stop(b);
}

static void test_pass_through(void)
{
    Bench *b = start();

    set_dte(b, DTE_PASS_THROUGH, DOMAIN);
    g_assert_true(dma_reads(b, PAGE + 0x5000, PAGE + 0x5000));
    g_assert_true(dma_writes(b, PAGE + 0x5000, PAGE + 0x5000));
    set_dte(b, PTE_READ | 3, DOMAIN);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    g_assert_false(dma_writes(b, PAGE, PAGE));
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_WRITE_DENIED), PAGE);
    set_dte(b, PTE_WRITE | 3, DOMAIN);
    g_assert_false(dma_reads(b, PAGE, PAGE));
    assert_events(b, 1, 1, IN_DOMAIN(FAULT_READ_DENIED), PAGE);
    bench_stop(b);
}

/* Reserved bits and encodings */
static void test_illegal_dte(void)
{
    static const struct {
        uint64_t word[2];
        uint64_t event;
    } dte[] = {
        { { DTE_PASS_THROUGH | 0x4 }, ILLEGAL_DTE_RESERVED_READ },
        { { DTE_PASS_THROUGH | 0x40 }, ILLEGAL_DTE_RESERVED_READ },
        { { DTE_PASS_THROUGH | 1ULL << 63 }, ILLEGAL_DTE_RESERVED_READ },
        { { DTE_PASS_THROUGH | 0xe00 }, ILLEGAL_DTE_READ },
        { { DTE_PASS_THROUGH | 0x100 }, ILLEGAL_DTE_READ },
    };
    Bench *b = start();

    for (int i = 0; i < ARRAY_SIZE(dte); i++) {
        set_dte(b, dte[i].word[0], dte[i].word[1]);
        g_assert_false(dma_reads(b, PAGE, PAGE));
        assert_events(b, i, 1, dte[i].event | EDU_ID, PAGE);
    }
    bench_stop(b);
}

/* A device that the table has no room for: defect 12 of the stock model */
static void test_beyond_table(void)
{
    Bench *b = start();
    const uint64_t valid[4] = { DTE_PASS_THROUGH, DOMAIN };

    set_dte_of(b, EDU_ID, valid);
    /* One page holds DeviceIDs up to 7Fh; the edu is in it */
    reg_write(b, REG_DEVTAB, DEVTAB);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    bench_stop(b);

    b = bench_start_behind_port();
    bench_set_up(b);
    set_dte_of(b, b->edu, valid);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    reg_write(b, REG_DEVTAB, DEVTAB);
    g_assert_false(dma_reads(b, PAGE, PAGE));
    assert_events(b, 0, 1, FAULT_READ | b->edu, PAGE);
    bench_stop(b);
}

/* Segments: the top bits of the DeviceID choose a table, registers.md 3.1 */
static void test_segments(void)
{
    static const struct {
        uint64_t enable;                /* DevTblSegEn */
        uint32_t base;                  /* register of the segment of 8000h */
    } segments[] = {
        { 0, REG_DEVTAB }, { 1, 0x0100 }, { 2, 0x0108 }, { 3, 0x0118 },
    };
    Bench *b = bench_start_machine(&(BenchMachine) {
        .iommu = "svm=on", .edu = 0x8000,
    });

    bench_set_up(b);
    for (uint32_t base = 0x0100; base <= 0x0130; base += 8) {
        reg_write(b, base, NOWHERE);
    }
    for (int i = 0; i < ARRAY_SIZE(segments); i++) {
        uint64_t at = i ? table(2) : DEVTAB + 32 * 0x8000;
        uint32_t base = segments[i].base;

        reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
                  CONTROL_CMD_BUF_EN | segments[i].enable << 34);
        reg_write(b, base, i ? table(2) : DEVTAB | 0x1ff);
        qtest_writeq(b->qts, at, DTE_HOST(1, table(0)));
        set_entry(b, 0, 3, PTE_LEAF(PAGE + 0x1000 * i, PTE_RW));
        command(b, 0x8000000000000000, 0);
        g_assert_true(dma_reads(b, 0x3000, PAGE + 0x1000 * i));
        reg_write(b, base, i ? NOWHERE : DEVTAB | 0xff);
        command(b, 0x8000000000000000, 0);
        g_assert_false(dma_reads(b, 0x3000, PAGE + 0x1000 * i));
    }
    assert_events(b, 0, 4,
                  FAULT_READ | 0x8000, UINT64_C(0x3000),
                  DEV_TAB_ERROR_READ | 0x8000, NOWHERE,
                  DEV_TAB_ERROR_READ | 0x8000, NOWHERE,
                  DEV_TAB_ERROR_READ | 0x8000, NOWHERE);
    bench_stop(b);
}

static void test_unreadable_table(void)
{
    Bench *b = start();

    reg_write(b, REG_DEVTAB, NOWHERE | 0x1ff);
    g_assert_false(dma_reads(b, PAGE, PAGE));
    assert_events(b, 0, 1, DEV_TAB_ERROR_READ | EDU_ID,
                  NOWHERE + 32 * EDU_ID);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_STATUS), ==, 1);
    g_assert_cmphex(reg_read(b, REG_HW_EVENT_UPPER), ==,
                    DEV_TAB_ERROR_READ | EDU_ID);
    bench_stop(b);
}

static void test_unreadable_page_table(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(2, NOWHERE), DOMAIN);
    dma_read(b, 2 * MIB, 16);
    assert_events(b, 0, 1, IN_DOMAIN(PAGE_TAB_ERROR_READ), NOWHERE + 8);
    bench_stop(b);
}

/* The requester is bus, device and function: defect 32 */
static void test_behind_port(void)
{
    Bench *b = bench_start_behind_port();
    uint64_t fault;

    bench_set_up(b);
    set_dte(b, DTE_HOST(1, table(0)), DOMAIN);
    set_entry(b, 0, 1, PTE_LEAF(PAGE, PTE_RW));
    g_assert_cmphex(b->edu, ==, 0x100);
    g_assert_true(dma_reads(b, 0x1010, PAGE + 0x10));
    dma_read(b, 0x3008, 16);
    fault = FAULT_READ | (uint64_t)DOMAIN << 32 | 0x100;
    assert_events(b, 0, 1, fault, 0x3008);
    bench_stop(b);
}

static void test_four_kib(void)
{
    Bench *b = start_three_levels();

    set_entry(b, 2, 3, PTE_LEAF(PAGE, PTE_RW));
    g_assert_true(dma_reads(b, 0x3000, PAGE));
    g_assert_true(dma_reads(b, 0x3ff0, PAGE + 0xff0));
    g_assert_true(dma_writes(b, 0x3ab0, PAGE + 0xab0));
    assert_events(b, 0, 0);
    bench_stop(b);
}

/* Address, RW, PR, DomainID of a fault: defects 30, 31 */
static void test_not_present(void)
{
    Bench *b = start_three_levels();

    dma_read(b, 0x3000, 4);
    dma_write(b, 0x3124, 4);
    assert_events(b, 0, 2,
                  IN_DOMAIN(FAULT_READ), UINT64_C(0x3000),
                  IN_DOMAIN(FAULT_WRITE), UINT64_C(0x3124));
    bench_stop(b);
}

/* Nothing absent is cached: a mapping is seen without any command */
static void test_mapped_later(void)
{
    Bench *b = start_three_levels();

    g_assert_false(dma_reads(b, 0x3000, PAGE));
    set_entry(b, 2, 3, PTE_LEAF(PAGE, PTE_RW));
    g_assert_true(dma_reads(b, 0x3000, PAGE));
    bench_stop(b);
}

/* Offsets within large pages: defect 6 */
static void test_large_pages(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(3, table(0)), DOMAIN);
    set_entry(b, 0, 0, PDE(2, table(1), PTE_RW));
    set_entry(b, 1, 1, PTE_LEAF(64 * MIB, PTE_RW));
    g_assert_true(dma_reads(b, 2 * MIB + 0x5000, 64 * MIB + 0x5000));
    g_assert_true(dma_writes(b, 4 * MIB - 16, 66 * MIB - 16));
    /* 1 GiB at 0, by which IOVA 3 GiB + x is x */
    set_entry(b, 0, 3, PTE_LEAF(0ULL, PTE_RW));
    g_assert_true(dma_reads(b, 3 * GIB + PAGE + 0x50, PAGE + 0x50));
    assert_events(b, 0, 0);
    bench_stop(b);
}

/* NextLevel=7: the size is in the address, the entry is repeated */
static void test_sized_pages(void)
{
    Bench *b = start_three_levels();

    for (int i = 16; i < 32; i++) {
        set_entry(b, 2, i, 0x6000000000007e01 | PAGE);
    }
    g_assert_true(dma_reads(b, 0x10000, PAGE));
    g_assert_true(dma_reads(b, 0x1f120, PAGE + 0xf120));
    /* 4 MiB in two entries of level 2 */
    set_entry(b, 1, 2, 0x60000000001ffe01 | 64 * MIB);
    set_entry(b, 1, 3, 0x60000000001ffe01 | 64 * MIB);
    g_assert_true(dma_reads(b, 4 * MIB + 0x40, 64 * MIB + 0x40));
    g_assert_true(dma_writes(b, 7 * MIB + 0x40, 67 * MIB + 0x40));
    assert_events(b, 0, 0);
    bench_stop(b);
}

/* A size that does not fit the level */
static void test_sized_wrongly(void)
{
    Bench *b = start_three_levels();

    /* 2 MiB in level 1, 64 KiB in level 2 */
    set_entry(b, 2, 1, 0x60000000400ffe01);
    dma_read(b, 0x1000, 4);
    set_entry(b, 1, 1, 0x6000000000007e01 | PAGE);
    dma_read(b, 2 * MIB, 4);
    assert_events(b, 0, 2,
                  IN_DOMAIN(FAULT_READ_LEVEL), UINT64_C(0x1000),
                  IN_DOMAIN(FAULT_READ_LEVEL), 2 * MIB);
    bench_stop(b);
}

/* Pointers may skip levels, if the address has no bits there: defect 7 */
static void test_skipped_level(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(3, table(0)), DOMAIN);
    set_entry(b, 0, 1, PDE(1, table(2), PTE_RW));
    set_entry(b, 2, 4, PTE_LEAF(PAGE, PTE_RW));
    g_assert_true(dma_reads(b, GIB + 0x4020, PAGE + 0x20));
    dma_read(b, GIB + 2 * MIB + 0x4020, 4);
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_READ), GIB + 2 * MIB + 0x4020);
    bench_stop(b);
}

/* The next level must be lower */
static void test_level_not_lower(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    for (unsigned int level = 2; level <= 6; level++) {
        set_entry(b, 0, level, PDE(level, table(1), PTE_RW));
        dma_read(b, level * 2 * MIB, 4);
        assert_events(b, level - 2, 1, IN_DOMAIN(FAULT_READ_LEVEL),
                      level * 2 * MIB);
    }
    bench_stop(b);
}

/* Addresses that the tables do not reach */
static void test_beyond_levels(void)
{
    Bench *b = start();

    for (unsigned int mode = 1; mode <= 5; mode++) {
        uint64_t address = 1ULL << (12 + 9 * mode);

        set_dte(b, DTE_HOST(mode, table(0)), DOMAIN);
        dma_read(b, address, 4);
        assert_events(b, mode - 1, 1, IN_DOMAIN(FAULT_READ), address);
    }
    bench_stop(b);
}

/* Six levels, skipping from the top to the bottom */
static void test_six_levels(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(6, table(0)), DOMAIN);
    set_entry(b, 0, 0x55, PDE(1, table(1), PTE_RW));
    set_entry(b, 1, 2, PTE_LEAF(PAGE, PTE_RW));
    g_assert_true(dma_reads(b, 0x55ULL << 57 | 0x2000, PAGE));
    bench_stop(b);
}

static void test_reserved_bits(void)
{
    static const uint64_t bad[] = {
        PTE_RW | 1 | 1ULL << 52,        /* leaf: 58:52 */
        PTE_RW | 1 | 1ULL << 58,
        PTE_RW | 1 | 1ULL << 52 | 0x200,
    };
    Bench *b = start_three_levels();

    for (int i = 0; i < 2; i++) {
        set_entry(b, 2, i, bad[i] | PAGE);
        dma_read(b, 0x1000 * i, 4);
        assert_events(b, i, 1, IN_DOMAIN(FAULT_READ_RESERVED),
                      (uint64_t)0x1000 * i);
    }
    /* pointer: 60:52 */
    set_entry(b, 1, 1, bad[2] | table(2));
    dma_read(b, 2 * MIB, 4);
    assert_events(b, 2, 1, IN_DOMAIN(FAULT_READ_RESERVED), 2 * MIB);
    bench_stop(b);
}

/* Every level and the DTE must permit an access: defect 8 */
static void test_permission(void)
{
    Bench *b = start_three_levels();
    unsigned int events = 0;

    set_entry(b, 2, 3, PTE_LEAF(PAGE, PTE_RW));
    for (int level = 0; level < 4; level++) {
        uint64_t perm[4] = { PTE_RW, PTE_RW, PTE_RW, PTE_RW };

        perm[level] = PTE_READ;
        set_entry(b, 0, 0, PDE(2, table(1), perm[1]));
        set_entry(b, 1, 0, PDE(1, table(2), perm[2]));
        set_entry(b, 2, 3, PTE_LEAF(PAGE, perm[3]));
        set_dte(b, (DTE_HOST(3, table(0)) & ~PTE_RW) | perm[0], DOMAIN);
        g_assert_true(dma_reads(b, 0x3000, PAGE));
        g_assert_false(dma_writes(b, 0x3000, PAGE));
        assert_events(b, events++, 1, IN_DOMAIN(FAULT_WRITE_DENIED),
                      UINT64_C(0x3000));
    }
    bench_stop(b);
}

/* A write after a read of a read-only page is logged, too: defect 19 */
static void test_read_then_write(void)
{
    Bench *b = start_three_levels();

    set_entry(b, 2, 3, PTE_LEAF(PAGE, PTE_READ));
    g_assert_true(dma_reads(b, 0x3000, PAGE));
    dma_write(b, 0x3000, 4);
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_WRITE_DENIED), UINT64_C(0x3000));
    set_entry(b, 2, 3, PTE_LEAF(PAGE, PTE_WRITE));
    g_assert_true(dma_writes(b, 0x3000, PAGE));
    dma_read(b, 0x3000, 4);
    assert_events(b, 1, 1, IN_DOMAIN(FAULT_READ_DENIED), UINT64_C(0x3000));
    bench_stop(b);
}

/* One event for a DMA, however the memory core cuts it; one for each page */
static void test_one_event(void)
{
    Bench *b = start_three_levels();

    dma_read(b, 0x3000, 0x1000);
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_READ), UINT64_C(0x3000));
    dma_write(b, 0x3001, 0x201);
    assert_events(b, 1, 1, IN_DOMAIN(FAULT_WRITE), UINT64_C(0x3001));
    /* The same again is a new request */
    dma_write(b, 0x3001, 0x201);
    assert_events(b, 2, 1, IN_DOMAIN(FAULT_WRITE), UINT64_C(0x3001));
    /* And so is one that starts where the last one ended */
    dma_write(b, 0x3202, 0x10);
    assert_events(b, 3, 1, IN_DOMAIN(FAULT_WRITE), UINT64_C(0x3202));
    dma_read(b, 0x3ffe, 4);
    assert_events(b, 4, 2,
                  IN_DOMAIN(FAULT_READ), UINT64_C(0x3ffe),
                  IN_DOMAIN(FAULT_READ), UINT64_C(0x4000));
    bench_stop(b);
}

/* The first page is there, the second is not */
static void test_half(void)
{
    Bench *b = start_three_levels();

    set_entry(b, 2, 3, PTE_LEAF(PAGE, PTE_RW));
    dma_read(b, 0x3f00, 0x200);
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_READ), UINT64_C(0x4000));
    bench_stop(b);
}

/* SA: no page fault is logged; SE: the first, until the DTE changes */
static void test_suppressed(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(2, table(0)), DOMAIN | DTE_SA);
    dma_read(b, PAGE, 4);
    assert_events(b, 0, 0);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN | DTE_SE);
    dma_read(b, PAGE, 4);
    dma_read(b, PAGE + 0x1000, 4);
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_READ), PAGE);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN | DTE_SE);
    dma_read(b, PAGE, 4);
    assert_events(b, 1, 1, IN_DOMAIN(FAULT_READ), PAGE);
    /* INVALIDATE_IOMMU_ALL counts as a change, too */
    command(b, 0x8000000000000000, 0);
    dma_read(b, PAGE, 4);
    assert_events(b, 2, 1, IN_DOMAIN(FAULT_READ), PAGE);
    /* They are about page faults only */
    set_dte(b, DTE_PASS_THROUGH | 4, DTE_SA);
    dma_read(b, PAGE, 4);
    assert_events(b, 3, 1, ILLEGAL_DTE_RESERVED_READ | EDU_ID, PAGE);
    bench_stop(b);
}

/* The exclusion range is not translated: defect 15 */
static void test_exclusion(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    reg_write(b, REG_EXCL_LIMIT, PAGE + 0x1000);
    reg_write(b, REG_EXCL_BASE, PAGE | 3);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    g_assert_true(dma_writes(b, PAGE + 0x1ff0, PAGE + 0x1ff0));
    dma_read(b, PAGE + 0x2000, 4);
    assert_events(b, 0, 1, IN_DOMAIN(FAULT_READ), PAGE + 0x2000);
    /* Without Allow it takes DTE.EX */
    reg_write(b, REG_EXCL_BASE, PAGE | 1);
    dma_read(b, PAGE, 4);
    assert_events(b, 1, 1, IN_DOMAIN(FAULT_READ), PAGE);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN | DTE_EX);
    g_assert_true(dma_reads(b, PAGE, PAGE));
    reg_write(b, REG_EXCL_BASE, PAGE);
    dma_read(b, PAGE, 4);
    assert_events(b, 2, 1, IN_DOMAIN(FAULT_READ), PAGE);
    bench_stop(b);
}

/* HAD: none, accessed, accessed and dirty */
static void test_accessed_dirty(void)
{
    const uint64_t leaf = PTE_LEAF(PAGE, PTE_RW);
    const uint64_t a = 0x20, d = 0x40;
    Bench *b = start_three_levels();

    set_entry(b, 2, 3, leaf);
    g_assert_true(dma_writes(b, 0x3000, PAGE));
    g_assert_cmphex(qtest_readq(b->qts, table(2) + 24), ==, leaf);
    /* A domain that starts to keep these bits is invalidated: 5 */
    set_dte(b, DTE_HOST(3, table(0)) | DTE_HAD, DOMAIN);
    command(b, 3ULL << 60 | (uint64_t)DOMAIN << 32, 0x7ffffffffffff001);
    dma_read(b, 0x3000, 4);
    g_assert_cmphex(qtest_readq(b->qts, table(2) + 24), ==, leaf | a);
    g_assert_cmphex(qtest_readq(b->qts, table(1)), ==,
                    PDE(1, table(2), PTE_RW) | a);
    dma_write(b, 0x3000, 4);
    g_assert_cmphex(qtest_readq(b->qts, table(2) + 24), ==, leaf | a | d);
    /* What is not permitted leaves no mark */
    set_entry(b, 2, 4, PTE_LEAF(PAGE, PTE_READ));
    dma_write(b, 0x4000, 4);
    g_assert_cmphex(qtest_readq(b->qts, table(2) + 32) & d, ==, 0);
    bench_stop(b);
}

/* Page tables on a device are not read: nobody may be called from a walk */
static void test_table_on_device(void)
{
    Bench *b = start();

    set_dte(b, DTE_HOST(2, IOMMU_BASE), DOMAIN);
    dma_read(b, 2 * MIB, 4);
    assert_events(b, 0, 1, IN_DOMAIN(PAGE_TAB_ERROR_READ), IOMMU_BASE + 8);
    bench_stop(b);
}

/* The interrupt window is not memory, whatever the tables say */
static void test_interrupt_window(void)
{
    Bench *b = start();

    set_dte(b, DTE_PASS_THROUGH, DOMAIN);
    dma_read(b, 0xfee00000, 4);
    assert_events(b, 0, 1, INTERRUPT_READ | EDU_ID, UINT64_C(0xfee00000));
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/dma/disabled", test_disabled);
    qtest_add_func("/amdvi/dma/invalid-dte", test_invalid_dte);
    qtest_add_func("/amdvi/dma/blocked", test_blocked);
    qtest_add_func("/amdvi/dma/pass-through", test_pass_through);
    qtest_add_func("/amdvi/dma/illegal-dte", test_illegal_dte);
    qtest_add_func("/amdvi/dma/beyond-table", test_beyond_table);
    qtest_add_func("/amdvi/dma/segments", test_segments);
    qtest_add_func("/amdvi/dma/unreadable-table", test_unreadable_table);
    qtest_add_func("/amdvi/dma/unreadable-page-table",
                   test_unreadable_page_table);
    qtest_add_func("/amdvi/dma/behind-port", test_behind_port);
    qtest_add_func("/amdvi/dma/four-kib", test_four_kib);
    qtest_add_func("/amdvi/dma/not-present", test_not_present);
    qtest_add_func("/amdvi/dma/mapped-later", test_mapped_later);
    qtest_add_func("/amdvi/dma/large-pages", test_large_pages);
    qtest_add_func("/amdvi/dma/sized-pages", test_sized_pages);
    qtest_add_func("/amdvi/dma/sized-wrongly", test_sized_wrongly);
    qtest_add_func("/amdvi/dma/skipped-level", test_skipped_level);
    qtest_add_func("/amdvi/dma/level-not-lower", test_level_not_lower);
    qtest_add_func("/amdvi/dma/beyond-levels", test_beyond_levels);
    qtest_add_func("/amdvi/dma/six-levels", test_six_levels);
    qtest_add_func("/amdvi/dma/reserved-bits", test_reserved_bits);
    qtest_add_func("/amdvi/dma/permission", test_permission);
    qtest_add_func("/amdvi/dma/read-then-write", test_read_then_write);
    qtest_add_func("/amdvi/dma/one-event", test_one_event);
    qtest_add_func("/amdvi/dma/half", test_half);
    qtest_add_func("/amdvi/dma/suppressed", test_suppressed);
    qtest_add_func("/amdvi/dma/exclusion", test_exclusion);
    qtest_add_func("/amdvi/dma/accessed-dirty", test_accessed_dirty);
    qtest_add_func("/amdvi/dma/table-on-device", test_table_on_device);
    qtest_add_func("/amdvi/dma/interrupt-window", test_interrupt_window);
    return g_test_run();
}
