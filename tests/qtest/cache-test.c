/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the IOMMU caches, and what drops it: spec/translation.md 5.
 *
 * A translation that is cached goes on to be used when its table entry
 * changes, until software invalidates it.  Nothing here turns the IOMMU off
 * and on, which would empty its caches.
 */
#include "qemu/osdep.h"
#include "bench.h"

/* I/O virtual pages, by the index of their entry */
#define OUT 1                   /* where the edu puts what it has read */
#define FIRST 2
#define SECOND 3

#define PAGE_OF(index) ((index) * 0x1000ULL)
#define ONE_PAGE(index) PAGE_OF(index)
#define PAGE_2 (PAGE + 0x10000)
#define BYTES 16
#define EVERYTHING 0x7ffffffffffff001ULL
#define PDE_BIT 2
#define GN_BIT 4

#define DTE_HAD (3ULL << 7)
#define PTE_DIRTY 0x40ULL
#define PTE_ACCESSED 0x20ULL

static void set_leaf(Bench *b, unsigned int index, uint64_t output)
{
    set_entry(b, 1, index, PTE_LEAF(output, PTE_RW));
}

/* Two levels; FIRST goes to PAGE and SECOND to PAGE_2 */
static Bench *start(uint64_t dte_flags)
{
    Bench *b = bench_start("svm=on", "");

    bench_set_up(b);
    set_entry(b, 0, 0, PDE(1, table(1), PTE_RW));
    set_leaf(b, OUT, RESULT);
    set_leaf(b, FIRST, PAGE);
    set_leaf(b, SECOND, PAGE_2);
    set_dte(b, DTE_HOST(2, table(0)) | dte_flags, DOMAIN);
    qtest_memset(b->qts, PAGE, 0x11, BYTES);
    qtest_memset(b->qts, PAGE_2, 0x22, BYTES);
    return b;
}

/* The first byte that the edu finds in a page */
static int peek(Bench *b, unsigned int index)
{
    dma_read(b, PAGE_OF(index), BYTES);
    dma_write(b, PAGE_OF(OUT), BYTES);
    return qtest_readb(b->qts, RESULT);
}

/* Hits go a shorter way once the device has a counter: from the second on */
static void peek_often(Bench *b, unsigned int index)
{
    for (int i = 0; i < 3; i++) {
        g_assert_cmphex(peek(b, index), ==, 0x11);
    }
}

static void flush_pages(Bench *b, uint16_t domain_id, uint32_t pasid,
                        uint64_t range)
{
    command(b, 3ULL << 60 | (uint64_t)domain_id << 32 | pasid, range);
}

/* Fill the cache, then let both pages change places, unknown to the IOMMU */
static void swap_pages(Bench *b)
{
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    g_assert_cmphex(peek(b, SECOND), ==, 0x22);
    set_leaf(b, FIRST, PAGE_2);
    set_leaf(b, SECOND, PAGE);
}

/* Which of both pages are still translated as before swap_pages() */
static void assert_cached(Bench *b, bool first, bool second)
{
    g_assert_cmphex(peek(b, FIRST), ==, first ? 0x11 : 0x22);
    g_assert_cmphex(peek(b, SECOND), ==, second ? 0x22 : 0x11);
}

/* Each invalidation, and which of two cached pages it leaves */
static void test_flushes(void)
{
    static const struct {
        uint64_t word[2];
        bool first;
        bool second;
    } commands[] = {
        /* None of these is for the host pages of the domain */
        { { 3ULL << 60 | (DOMAIN + 1ULL) << 32, EVERYTHING }, true, true },
        { { 3ULL << 60 | (DOMAIN | 0x100ULL) << 32, EVERYTHING }, true, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING | GN_BIT },
          true, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, EVERYTHING | GN_BIT },
          true, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(4) }, true, true },
        { { 4ULL << 60 | 0x20ULL << 24 | EDU_ID, EVERYTHING }, true, true },
        { { 5ULL << 60 | EDU_ID, 0 }, true, true },
        /* The DTE is read again, and says the same */
        { { 2ULL << 60 | EDU_ID, 0 }, true, true },
        /* One page, with and without PDE; 8 KiB around both */
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(FIRST) },
          false, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(SECOND) | PDE_BIT },
          true, false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(FIRST) | 1 },
          false, false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING }, false, false },
        { { 8ULL << 60, 0 }, false, false },
    };

    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        Bench *b = start(0);

        swap_pages(b);
        assert_cached(b, true, true);
        command(b, commands[i].word[0], commands[i].word[1]);
        assert_cached(b, commands[i].first, commands[i].second);
        assert_events(b, 0, 0);
        bench_stop(b);
    }
}

/* Let SECOND be elsewhere by way of its directory, unknown to the IOMMU */
static void change_directory(Bench *b)
{
    set_entry(b, 2, OUT, PTE_LEAF(RESULT, PTE_RW));
    set_entry(b, 2, FIRST, PTE_LEAF(PAGE, PTE_RW));
    set_entry(b, 2, SECOND, PTE_LEAF(PAGE, PTE_RW));
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    set_entry(b, 0, 0, PDE(1, table(2), PTE_RW));
}

/* Each invalidation, and whether it leaves the directory of a page */
static void test_directories(void)
{
    static const struct {
        uint64_t word[2];
        bool left;
    } commands[] = {
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(SECOND) }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32,
            ONE_PAGE(SECOND + 512) | PDE_BIT }, true },
        { { 3ULL << 60 | (DOMAIN + 1ULL) << 32, EVERYTHING | PDE_BIT }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32,
            EVERYTHING | PDE_BIT | GN_BIT }, true },
        /* Any page of the directory */
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(SECOND) | PDE_BIT },
          false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, ONE_PAGE(511) | PDE_BIT },
          false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING | PDE_BIT },
          false },
        { { 2ULL << 60 | EDU_ID, 0 }, false },
        { { 8ULL << 60, 0 }, false },
    };

    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        Bench *b = start(0);

        change_directory(b);
        g_assert_cmphex(peek(b, SECOND), ==, 0x22);
        command(b, commands[i].word[0], commands[i].word[1]);
        /* What the last peek has left of the page itself */
        flush_pages(b, DOMAIN, 0, EVERYTHING);
        g_assert_cmphex(peek(b, SECOND), ==, commands[i].left ? 0x22 : 0x11);
        assert_events(b, 0, 0);
        bench_stop(b);
    }
}

/* What a directory permits in addition counts at once: NpCache=0 */
static void test_directory_rights(void)
{
    Bench *b = start(0);

    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    set_entry(b, 0, 0, PDE(1, table(1), PTE_READ));
    flush_pages(b, DOMAIN, 0, EVERYTHING | PDE_BIT);
    dma_write(b, PAGE_OF(OUT), BYTES);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    dma_read(b, PAGE_OF(SECOND), BYTES);
    set_entry(b, 0, 0, PDE(1, table(1), PTE_RW));
    dma_write(b, PAGE_OF(OUT), BYTES);
    g_assert_cmphex(qtest_readb(b->qts, RESULT), ==, 0x22);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    bench_stop(b);
}

/* The S bit: the lowest clear bit of the address says how large it is */
static void test_ranges(void)
{
    Bench *b = start(0);

    for (unsigned int i = 4; i < 36; i++) {
        set_leaf(b, i, PAGE);
        g_assert_cmphex(peek(b, i), ==, 0x11);
        set_leaf(b, i, PAGE_2);
    }
    /* 32 KiB from page 16 on */
    flush_pages(b, DOMAIN, 0, PAGE_OF(16 + 3) | 1);
    for (unsigned int i = 4; i < 36; i++) {
        g_assert_cmphex(peek(b, i), ==, i >= 16 && i < 24 ? 0x22 : 0x11);
    }
    bench_stop(b);
}

/* What was absent is found as soon as it is there: NpCache=0 */
static void test_absent(void)
{
    Bench *b = start(0);

    set_entry(b, 1, FIRST, 0);
    dma_read(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    set_leaf(b, FIRST, PAGE);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    bench_stop(b);
}

/* Nor is a lack of permission remembered, nor one that a read did not need */
static void test_permission(void)
{
    Bench *b = start(0);

    set_entry(b, 1, FIRST, PTE_LEAF(PAGE, PTE_READ));
    peek_often(b, FIRST);
    dma_write(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    set_leaf(b, FIRST, PAGE);
    qtest_memset(b->qts, PAGE, 0, BYTES);
    dma_write(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(qtest_readb(b->qts, PAGE), ==, 0x11);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    bench_stop(b);
}

/* A write is cached only once D is set: DTE.HAD=3 */
static void test_dirty(void)
{
    Bench *b = start(DTE_HAD);
    uint64_t leaf = table(1) + 8 * FIRST;

    peek(b, FIRST);
    g_assert_cmphex(qtest_readq(b->qts, leaf) & 0x60, ==, PTE_ACCESSED);
    dma_write(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(qtest_readq(b->qts, leaf) & 0x60, ==,
                    PTE_ACCESSED | PTE_DIRTY);
    /* Now it is cached: software that clears D has to invalidate */
    set_leaf(b, FIRST, PAGE);
    dma_write(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(qtest_readq(b->qts, leaf) & 0x60, ==, 0);
    flush_pages(b, DOMAIN, 0, ONE_PAGE(FIRST));
    dma_write(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(qtest_readq(b->qts, leaf) & 0x60, ==,
                    PTE_ACCESSED | PTE_DIRTY);
    bench_stop(b);
}

static void write_dte(Bench *b, uint64_t word0, uint64_t word1)
{
    qtest_writeq(b->qts, DEVTAB + 32 * b->edu, word0);
    qtest_writeq(b->qts, DEVTAB + 32 * b->edu + 8, word1);
}

/* A DTE counts from its invalidation on, or that of everything */
static void test_dte(void)
{
    Bench *b = start(0);

    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    /* Level 1 at the place of level 2, another domain */
    write_dte(b, DTE_HOST(1, table(1)), DOMAIN + 1);
    set_leaf(b, FIRST, PAGE_2);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    command(b, 2ULL << 60 | (EDU_ID + 1), 0);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    command(b, 2ULL << 60 | EDU_ID, 0);
    g_assert_cmphex(peek(b, FIRST), ==, 0x22);
    /* What is cached for the old domain is there when it comes back */
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    write_dte(b, DTE_HOST(1, table(1)), DOMAIN + 1);
    command(b, 8ULL << 60, 0);
    g_assert_cmphex(peek(b, FIRST), ==, 0x22);
    bench_stop(b);
}

/* DTE.IR=0 counts although the translation is cached; V=0 is not cached */
static void test_dte_rights(void)
{
    Bench *b = start(0);

    peek_often(b, FIRST);
    set_dte(b, DTE_HOST(2, table(0)) & ~PTE_READ, DOMAIN);
    dma_write(b, PAGE_OF(OUT), BYTES);
    dma_read(b, PAGE_OF(FIRST), BYTES);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16);
    set_dte(b, 0, 0);
    dma_read(b, PAGE, BYTES);
    write_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    bench_stop(b);
}

/* Registers that decide where DTEs are, and what they mean, count at once */
static void test_registers(void)
{
    Bench *b = start(0);
    uint64_t other = DEVTAB + 0x200000;

    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    qtest_writeq(b->qts, other + 32 * EDU_ID, DTE_HOST(1, table(1)));
    qtest_writeq(b->qts, other + 32 * EDU_ID + 8, DOMAIN + 1);
    set_leaf(b, FIRST, PAGE_2);
    reg_write(b, REG_DEVTAB, other | 0x1ff);
    g_assert_cmphex(peek(b, FIRST), ==, 0x22);
    bench_stop(b);
}

/* Devices of one domain share what is cached, and lose it together */
static void test_shared(void)
{
    Bench *b = bench_start("svm=on", "-device edu,addr=06.0");
    const uint64_t dte[4] = { DTE_HOST(2, table(0)), DOMAIN };

    bench_set_up(b);
    set_entry(b, 0, 0, PDE(1, table(1), PTE_RW));
    set_leaf(b, OUT, RESULT);
    set_leaf(b, FIRST, PAGE);
    set_dte_of(b, EDU_ID, dte);
    set_dte_of(b, EDU_ID + 8, dte);
    qtest_memset(b->qts, PAGE, 0x11, BYTES);
    qtest_memset(b->qts, PAGE_2, 0x22, BYTES);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    set_leaf(b, FIRST, PAGE_2);
    /* The other one takes the place of the first in the windows */
    config_write(b, EDU_ID, 0x10, EDU_BAR + 0x1000000);
    config_write(b, EDU_ID + 8, 0x10, EDU_BAR);
    config_write(b, EDU_ID + 8, 4, 6);
    g_assert_cmphex(peek(b, FIRST), ==, 0x11);
    flush_pages(b, DOMAIN, 0, EVERYTHING);
    g_assert_cmphex(peek(b, FIRST), ==, 0x22);
    bench_stop(b);
}

/* Pages of 2 MiB and 64 KiB, dropped by any address in them */
static void test_large_pages(void)
{
    Bench *b = start(0);

    set_entry(b, 0, 1, PTE_LEAF(PAGE, PTE_RW));
    g_assert_cmphex(peek(b, 512), ==, 0x11);
    set_entry(b, 0, 1, PTE_LEAF(0x6000000, PTE_RW));
    qtest_memset(b->qts, 0x6000000, 0x44, BYTES);
    g_assert_cmphex(peek(b, 512), ==, 0x11);
    flush_pages(b, DOMAIN, 0, PAGE_OF(512 + 77));
    g_assert_cmphex(peek(b, 512), ==, 0x44);
    /* 64 KiB at page 16: NextLevel 7, the size is in the address */
    for (unsigned int i = 16; i < 32; i++) {
        set_entry(b, 1, i, PTE_LEAF(PAGE | 0x7000, PTE_RW | PTE_LEVEL(7)));
    }
    g_assert_cmphex(peek(b, 16), ==, 0x11);
    for (unsigned int i = 16; i < 32; i++) {
        set_entry(b, 1, i, PTE_LEAF(PAGE_2 | 0x7000, PTE_RW | PTE_LEVEL(7)));
    }
    g_assert_cmphex(peek(b, 16), ==, 0x11);
    flush_pages(b, DOMAIN, 0, PAGE_OF(31));
    g_assert_cmphex(peek(b, 16), ==, 0x22);
    bench_stop(b);
}

/* Nothing survives a reset */
static void test_reset(void)
{
    Bench *b = start(0);

    swap_pages(b);
    qtest_system_reset(b->qts);
    config_write(b, EDU_ID, 0x10, EDU_BAR);
    config_write(b, EDU_ID, 4, 6);
    b->command_tail = 0;
    bench_set_up(b);
    assert_cached(b, false, false);
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/cache/flushes", test_flushes);
    qtest_add_func("/amdvi/cache/directories", test_directories);
    qtest_add_func("/amdvi/cache/directory-rights", test_directory_rights);
    qtest_add_func("/amdvi/cache/ranges", test_ranges);
    qtest_add_func("/amdvi/cache/absent", test_absent);
    qtest_add_func("/amdvi/cache/permission", test_permission);
    qtest_add_func("/amdvi/cache/dirty", test_dirty);
    qtest_add_func("/amdvi/cache/dte", test_dte);
    qtest_add_func("/amdvi/cache/dte-rights", test_dte_rights);
    qtest_add_func("/amdvi/cache/registers", test_registers);
    qtest_add_func("/amdvi/cache/shared", test_shared);
    qtest_add_func("/amdvi/cache/large-pages", test_large_pages);
    qtest_add_func("/amdvi/cache/reset", test_reset);
    return g_test_run();
}
