/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the IOMMU caches of guest translations, and what it remembers and
 * counts of requests: spec/translation.md 5.  Seen through QMP.
 *
 * All PASIDs share one guest table, so that only the tag of a translation
 * tells one from the other.
 */
#include "qemu/osdep.h"
#include "ask.h"
#include "testdev.h"

#define DEV 0x0030                      /* 00:06.0, svm-testdev */
#define DEV_BAR 0xe1000000ULL
#define PORT 0x0038                     /* 00:07.0, of test_renumbered() */
#define NOBODY TESTDEV_NO_PASID
#define UNTRANSLATED TESTDEV_PATH_UNTRANSLATED

#define PPRS 0x2200000ULL

/* Of DTE words 0 and 1: spec/structures.md 1 */
#define DTE_GUEST(root) \
    (PTE_RW | 3 | 1ULL << 55 | 1ULL << 56 | ((root) >> 12 & 7) << 58)
#define DTE_PPR (1ULL << 52)
#define DTE_GCR3(root) \
    (((root) >> 15 & 0xffff) << 16 | (root) >> 31 << 43)
#define DTE_ATS (1ULL << 32)

/* Tables: two levels of GCR3, then four of guest table */
#define GCR3_ROOT table(8)
#define GCR3_LEAF(n) table(9 + (n))     /* 512 PASIDs each */
#define GCR3_LEAVES 4
#define GUEST 16                        /* number of the top guest table */
#define G_RW 0x7ULL                     /* P, R/W, U/S */
#define G_DIRTY 0x40ULL

/* Virtual pages, by the index of their entry */
#define FIRST 2
#define SECOND 3
#define ABSENT 4
#define PAGE_OF(index) ((index) * 0x1000ULL)
#define EVERYTHING 0x7ffffffffffff001ULL
#define GN_BIT 4

typedef struct Guest {
    Bench *b;
    Testdev *t;
} Guest;

static void set_guest_leaf(Guest *g, unsigned int index, uint64_t entry)
{
    set_entry(g->b, GUEST + 3, index, entry);
}

static void set_guest_dte(Guest *g, uint64_t flags0, uint16_t domain_id)
{
    const uint64_t dte[4] = {
        DTE_GUEST(GCR3_ROOT) | DTE_PPR | flags0,
        DTE_GCR3(GCR3_ROOT) | DTE_ATS | domain_id,
    };

    set_dte_of(g->b, DEV, dte);
}

/* Every PASID up to 2047 has the same table */
static void set_tables(Guest *g)
{
    for (int i = 0; i < GCR3_LEAVES; i++) {
        qtest_writeq(g->b->qts, GCR3_ROOT + 8 * i, GCR3_LEAF(i) | 1);
        for (int n = 0; n < 512; n++) {
            qtest_writeq(g->b->qts, GCR3_LEAF(i) + 8 * n, table(GUEST) | 1);
        }
    }
    for (int level = 0; level < 3; level++) {
        set_entry(g->b, GUEST + level, 0, table(GUEST + level + 1) | G_RW);
    }
    set_guest_leaf(g, FIRST, PAGE | G_RW);
    set_guest_leaf(g, SECOND, (PAGE + 0x1000) | G_RW);
}

static Guest start(void)
{
    Guest g;

    g.b = bench_start("svm=on,xtsup=on", "-device svm-testdev,addr=06.0");
    bench_set_up(g.b);
    reg_write(g.b, REG_PPR_BASE, PPRS | 8ULL << 56);
    reg_write(g.b, REG_CONTROL, reg_read(g.b, REG_CONTROL) | CONTROL_GT_EN |
              CONTROL_PPR_EN | CONTROL_PPR_LOG_EN);
    g.t = testdev_find(g.b->qts, DEV, DEV_BAR);
    testdev_enable(g.t, 32);
    set_tables(&g);
    set_guest_dte(&g, 0, DOMAIN);
    return g;
}

static void stop(Guest *g)
{
    g_free(g->t);
    bench_stop(g->b);
}

static uint32_t read_page(Guest *g, uint32_t pasid, unsigned int index)
{
    uint8_t bytes[8];

    return testdev_read(g->t, UNTRANSLATED, pasid, PAGE_OF(index), bytes,
                        sizeof(bytes));
}

static void flush_guest(Guest *g, uint16_t domain_id, uint32_t pasid,
                        uint64_t range)
{
    command(g->b, 3ULL << 60 | (uint64_t)domain_id << 32 | pasid,
            range | GN_BIT);
}

/* Counters of a PASID of the device; to be unref'd */
static QDict *counters(Guest *g, uint32_t pasid)
{
    QDict *reply = ask_for(g->b, "{ 'execute': 'query-amd-iommu-stats',"
                           " 'arguments': { 'device-id': %u, 'start': %u,"
                           " 'limit': 1 } }", DEV, pasid);
    QDict *first = row(reply, "sources", 0);

    if (pasid == NOBODY) {
        g_assert_false(qdict_haskey(first, "pasid"));
    } else {
        g_assert_cmpint(number(first, "pasid"), ==, pasid);
    }
    qobject_ref(first);
    qobject_unref(reply);
    return first;
}

static void assert_counts(Guest *g, uint32_t pasid, uint64_t hits,
                          uint64_t misses)
{
    QDict *c = counters(g, pasid);

    g_assert_cmpint(number(c, "hits"), ==, hits);
    g_assert_cmpint(number(c, "misses"), ==, misses);
    g_assert_cmpint(number(c, "requests"), ==, hits + misses);
    qobject_unref(c);
}

static uint64_t total(Guest *g, const char *key)
{
    QDict *reply = ask(g->b, "{ 'execute': 'query-amd-iommu-stats' }");
    uint64_t n = number(qdict_get_qdict(reply, "total"), key);

    qobject_unref(reply);
    return n;
}

static void test_counts(void)
{
    Guest g = start();
    QDict *reply;

    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    }
    g_assert_cmpint(read_page(&g, 6, FIRST), ==, TESTDEV_OK);
    g_assert_cmpint(read_page(&g, 5, ABSENT), ==, TESTDEV_ERROR);
    testdev_read(g.t, UNTRANSLATED, NOBODY, PAGE, &(uint64_t) { 0 }, 8);
    assert_counts(&g, 5, 2, 2);
    assert_counts(&g, 6, 0, 1);
    /* Without PASID there is no table: nothing to miss once the DTE is read */
    assert_counts(&g, NOBODY, 1, 0);
    reply = counters(&g, 5);
    g_assert_cmpint(number(reply, "faults"), ==, 1);
    qobject_unref(reply);
    reply = ask_for(g.b, "{ 'execute': 'query-amd-iommu-stats',"
                    " 'arguments': { 'start': %u } }", DEV);
    g_assert_cmpint(rows(reply, "sources"), ==, 1);
    g_assert_cmpint(number(row(reply, "sources", 0), "device-id"), ==, DEV);
    g_assert_cmpint(number(row(reply, "sources", 0), "requests"), ==, 6);
    g_assert_cmpint(number(row(reply, "sources", 0), "faults"), ==, 1);
    g_assert_cmpint(number(qdict_get_qdict(reply, "iotlb"), "size"), ==,
                    4096);
    qobject_unref(reply);
    stop(&g);
}

/* Let the bus behind the port have this number, and the device a DTE there */
static void number_bus(Bench *b, uint32_t bus)
{
    const uint64_t dte[4] = { PTE_RW | 3, DOMAIN };

    config_write(b, PORT, 0x18, bus << 16 | bus << 8);
    config_write(b, PORT, 0x20, 0xe110e100);
    config_write(b, PORT, 0x04, 6);
    set_dte_of(b, bus << 8, dte);
}

/* Hits of a device whose bus gets another number are not those of the old */
static void test_renumbered(void)
{
    Bench *b = bench_start("svm=on",
                           "-device pcie-root-port,id=port1,addr=07.0 "
                           "-device svm-testdev,bus=port1");
    uint8_t bytes[8];
    QDict *reply;
    Testdev *t;

    bench_set_up(b);
    number_bus(b, 0x42);
    t = testdev_find(b->qts, 0x4200, DEV_BAR);
    testdev_read(t, UNTRANSLATED, NOBODY, PAGE, bytes, sizeof(bytes));
    number_bus(b, 0x43);
    for (int i = 0; i < 3; i++) {
        testdev_read(t, UNTRANSLATED, NOBODY, PAGE, bytes, sizeof(bytes));
    }
    reply = ask(b, "{ 'execute': 'query-amd-iommu-stats' }");
    g_assert_cmpint(rows(reply, "sources"), ==, 2);
    g_assert_cmpint(number(row(reply, "sources", 0), "hits"), ==, 1);
    g_assert_cmpint(number(row(reply, "sources", 1), "hits"), ==, 3);
    g_assert_cmphex(number(row(reply, "sources", 1), "device-id"), ==, 0x4300);
    qobject_unref(reply);
    g_free(t);
    bench_stop(b);
}

/* A reset begins anew, also with hits that nobody has asked for yet */
static void test_reset(void)
{
    Guest g = start();
    QDict *reply;

    for (int i = 0; i < 3; i++) {
        read_page(&g, 5, FIRST);
        testdev_read(g.t, UNTRANSLATED, NOBODY, PAGE, &(uint64_t) { 0 }, 8);
    }
    qtest_system_reset(g.b->qts);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-stats' }");
    g_assert_cmpint(rows(reply, "sources"), ==, 0);
    g_assert_cmpint(number(qdict_get_qdict(reply, "total"), "requests"), ==,
                    0);
    g_assert_cmpint(number(qdict_get_qdict(reply, "iotlb"), "fills"), ==, 0);
    qobject_unref(reply);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-iotlb' }");
    g_assert_cmpint(rows(reply, "entries"), ==, 0);
    qobject_unref(reply);
    stop(&g);
}

/* Each invalidation, and which of four cached translations it leaves */
static void test_flushes(void)
{
    static const struct {
        uint64_t word[2];
        bool left[4];           /* PASID 5 FIRST, SECOND; 6 FIRST, SECOND */
    } commands[] = {
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, PAGE_OF(FIRST) | 4 },
          { false, true, true, true } },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 6, EVERYTHING | 6 },
          { true, true, false, false } },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, PAGE_OF(FIRST) | 5 },
          { false, false, true, true } },
        { { 3ULL << 60 | (DOMAIN + 1ULL) << 32 | 5, EVERYTHING | 4 },
          { true, true, true, true } },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING | 4 },
          { true, true, true, true } },
        /* PASID bits 19:16 count */
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 0x10005, EVERYTHING | 4 },
          { true, true, true, true } },
        /* The host table of the domain: there is none below these */
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING },
          { true, true, true, true } },
        { { 4ULL << 60 | 0x20ULL << 24 | DEV | 5ULL << 48, EVERYTHING | 4 },
          { true, true, true, true } },
        { { 2ULL << 60 | DEV, 0 }, { true, true, true, true } },
        { { 8ULL << 60, 0 }, { false, false, false, false } },
    };
    static const uint32_t pasids[] = { 5, 5, 6, 6 };
    Guest g = start();

    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        for (int n = 0; n < 4; n++) {
            read_page(&g, pasids[n], FIRST + n % 2);
        }
        command(g.b, commands[i].word[0], commands[i].word[1]);
        for (int n = 0; n < 4; n++) {
            uint64_t misses = total(&g, "misses");

            read_page(&g, pasids[n], FIRST + n % 2);
            g_assert_cmpint(total(&g, "misses") - misses, ==,
                            !commands[i].left[n]);
        }
    }
    assert_events(g.b, 0, 0);
    stop(&g);
}

/* The first byte of a page, as PASID 5 finds it */
static int peek(Guest *g, unsigned int index)
{
    uint8_t bytes[8] = { 0 };

    testdev_read(g->t, UNTRANSLATED, 5, PAGE_OF(index), bytes, sizeof(bytes));
    return bytes[0];
}

/*
 * Let both pages of PASID 5 have the other one's content by way of another
 * table, to which @entry at @pointer leads, unknown to the IOMMU
 */
static void change_directory(Guest *g, uint64_t pointer, uint64_t entry)
{
    qtest_memset(g->b->qts, PAGE, 0x11, 8);
    qtest_memset(g->b->qts, PAGE + 0x1000, 0x22, 8);
    for (int level = 0; level < 3; level++) {
        set_entry(g->b, GUEST + 4 + level, 0, table(GUEST + 5 + level) | G_RW);
    }
    set_entry(g->b, GUEST + 7, FIRST, (PAGE + 0x1000) | G_RW);
    set_entry(g->b, GUEST + 7, SECOND, PAGE | G_RW);
    g_assert_cmphex(peek(g, FIRST), ==, 0x11);
    qtest_writeq(g->b->qts, pointer, entry);
    g_assert_cmphex(peek(g, SECOND), ==, 0x22);
}

/* Each invalidation, and whether it leaves directories and GCR3 entries */
static void test_directories(void)
{
    static const struct {
        uint64_t word[2];
        bool left;
    } commands[] = {
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, EVERYTHING | 4 }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 6, EVERYTHING | 6 }, true },
        { { 3ULL << 60 | (DOMAIN + 1ULL) << 32 | 5, EVERYTHING | 6 }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING | 2 }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, 0x200000 | 6 }, true },
        { { 4ULL << 60 | 0x20ULL << 24 | DEV | 5ULL << 48, EVERYTHING | 4 },
          true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, EVERYTHING | 6 }, false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, PAGE_OF(FIRST) | 6 },
          false },
        { { 2ULL << 60 | DEV, 0 }, false },
        { { 8ULL << 60, 0 }, false },
    };
    const uint64_t pointer[][2] = {
        { table(GUEST + 2), table(GUEST + 7) | G_RW },
        { table(GUEST), table(GUEST + 5) | G_RW },
        { GCR3_LEAF(0) + 8 * 5, table(GUEST + 4) | 1 },
    };

    for (int i = 0; i < ARRAY_SIZE(commands) * ARRAY_SIZE(pointer); i++) {
        int n = i / ARRAY_SIZE(pointer), p = i % ARRAY_SIZE(pointer);
        Guest g = start();

        change_directory(&g, pointer[p][0], pointer[p][1]);
        command(g.b, commands[n].word[0], commands[n].word[1]);
        flush_guest(&g, DOMAIN, 5, EVERYTHING);
        g_assert_cmphex(peek(&g, FIRST), ==, commands[n].left ? 0x11 : 0x22);
        assert_events(g.b, 0, 0);
        stop(&g);
    }
}

/* Host directories, and guest directories that are read through them */
static void test_nested_directories(void)
{
    static const struct {
        uint64_t word[2];
        bool left;
    } commands[] = {
        { { 3ULL << 60 | (DOMAIN + 1ULL) << 32, EVERYTHING | 2 }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, EVERYTHING | 4 }, true },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, EVERYTHING }, false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32, 0 }, false },
        { { 3ULL << 60 | (uint64_t)DOMAIN << 32 | 5, EVERYTHING | 6 }, false },
    };

    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        Guest g = start();

        set_entry(g.b, 0, 0, PDE(2, table(1), PTE_RW));
        for (int n = 0; n < 512; n++) {
            set_entry(g.b, 1, n, PTE_LEAF(n * 0x200000ULL, PTE_RW));
        }
        set_guest_dte(&g, table(0) | 3 << 9, DOMAIN);
        change_directory(&g, table(GUEST + 2), table(GUEST + 7) | G_RW);
        command(g.b, commands[i].word[0], commands[i].word[1]);
        flush_guest(&g, DOMAIN, 5, EVERYTHING);
        g_assert_cmphex(peek(&g, FIRST), ==, commands[i].left ? 0x11 : 0x22);
        assert_events(g.b, 0, 0);
        stop(&g);
    }
}

/* Walks that use what is known of directories are counted */
static void test_directory_counts(void)
{
    Guest g = start();
    QDict *reply, *tables;

    read_page(&g, 5, FIRST);
    read_page(&g, 5, SECOND);
    read_page(&g, 5, ABSENT);
    read_page(&g, 6, FIRST);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-stats' }");
    tables = qdict_get_qdict(reply, "tables");
    g_assert_cmpint(number(tables, "size"), ==, 1024);
    g_assert_cmpint(number(tables, "fills"), ==, 2);
    g_assert_cmpint(number(tables, "hits"), ==, 1);
    qobject_unref(reply);
    stop(&g);
}

/* Nested translations go with any change of the host table's domain */
static void test_nested(void)
{
    Guest g = start();
    uint64_t misses;

    /* A host table of level 2: 2 MiB pages, each at its own address */
    for (int i = 0; i < 512; i++) {
        set_entry(g.b, 0, i, PTE_LEAF(i * 0x200000ULL, PTE_RW));
    }
    set_guest_dte(&g, table(0) | 2 << 9, DOMAIN);
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    assert_counts(&g, 5, 1, 1);
    command(g.b, 3ULL << 60 | (DOMAIN + 1ULL) << 32, PAGE_OF(7));
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    assert_counts(&g, 5, 2, 1);
    command(g.b, 3ULL << 60 | (uint64_t)DOMAIN << 32, PAGE_OF(7));
    misses = total(&g, "misses");
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    g_assert_cmpint(total(&g, "misses"), ==, misses + 1);
    assert_events(g.b, 0, 0);
    stop(&g);
}

/* A thousand PASIDs live; a flush of one costs that one only */
static void test_thousand(void)
{
    Guest g = start();
    uint64_t misses;

    for (uint32_t pasid = 1; pasid <= 1000; pasid++) {
        g_assert_cmpint(read_page(&g, pasid, FIRST), ==, TESTDEV_OK);
    }
    misses = total(&g, "misses");
    g_assert_cmpint(misses, ==, 1000);
    flush_guest(&g, DOMAIN, 500, EVERYTHING);
    flush_guest(&g, DOMAIN, 700, PAGE_OF(FIRST));
    for (uint32_t pasid = 1; pasid <= 1000; pasid++) {
        read_page(&g, pasid, FIRST);
    }
    g_assert_cmpint(total(&g, "misses"), ==, misses + 2);
    stop(&g);
}

/* iotlb-size chooses how much is kept */
static void test_size(void)
{
    Bench *b = bench_start("svm=on,iotlb-size=64", "");
    QDict *reply;

    reply = ask(b, "{ 'execute': 'query-amd-iommu-stats' }");
    g_assert_cmpint(number(qdict_get_qdict(reply, "iotlb"), "size"), ==, 64);
    qobject_unref(reply);
    bench_stop(b);
}

/* A page that was absent is found at once; so is one that became writable */
static void test_absent(void)
{
    Guest g = start();
    uint64_t bytes = 0;

    g_assert_cmpint(read_page(&g, 5, ABSENT), ==, TESTDEV_ERROR);
    set_guest_leaf(&g, ABSENT, PAGE | G_RW);
    g_assert_cmpint(read_page(&g, 5, ABSENT), ==, TESTDEV_OK);
    set_guest_leaf(&g, FIRST, PAGE | (G_RW & ~2));
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    g_assert_cmpint(testdev_write(g.t, UNTRANSLATED, 5, PAGE_OF(FIRST),
                                  &bytes, 8), ==, TESTDEV_ERROR);
    set_guest_leaf(&g, FIRST, PAGE | G_RW);
    g_assert_cmpint(testdev_write(g.t, UNTRANSLATED, 5, PAGE_OF(FIRST),
                                  &bytes, 8), ==, TESTDEV_OK);
    g_assert_cmpint(testdev_translate(g.t, 0, 5, PAGE_OF(9)).perm, ==, 0);
    set_guest_leaf(&g, 9, PAGE | G_RW);
    g_assert_cmphex(testdev_translate(g.t, TESTDEV_FLAG_NO_WRITE, 5,
                                      PAGE_OF(9)).addr, ==, PAGE);
    stop(&g);
}

/* W is cached only once D is set, for DMA and for translation requests */
static void test_dirty(void)
{
    Guest g = start();
    uint64_t leaf = table(GUEST + 3) + 8 * FIRST, bytes = 0;

    read_page(&g, 5, FIRST);
    testdev_translate(g.t, TESTDEV_FLAG_NO_WRITE, 5, PAGE_OF(FIRST));
    g_assert_cmphex(qtest_readq(g.b->qts, leaf) & G_DIRTY, ==, 0);
    testdev_write(g.t, UNTRANSLATED, 5, PAGE_OF(FIRST), &bytes, 8);
    g_assert_cmphex(qtest_readq(g.b->qts, leaf) & G_DIRTY, ==, G_DIRTY);
    /* Cached now, until software that clears D invalidates */
    set_guest_leaf(&g, FIRST, PAGE | G_RW);
    testdev_write(g.t, UNTRANSLATED, 5, PAGE_OF(FIRST), &bytes, 8);
    g_assert_cmphex(qtest_readq(g.b->qts, leaf) & G_DIRTY, ==, 0);
    flush_guest(&g, DOMAIN, 5, PAGE_OF(FIRST));
    g_assert_cmphex(testdev_translate(g.t, 0, 5, PAGE_OF(FIRST)).perm & 3, ==,
                    3);
    g_assert_cmphex(qtest_readq(g.b->qts, leaf) & G_DIRTY, ==, G_DIRTY);
    stop(&g);
}

/* User and privileged requests do not share what they may do */
static void test_privileged(void)
{
    Guest g = start();
    uint64_t bytes;

    set_guest_leaf(&g, FIRST, PAGE | (G_RW & ~4));
    g_assert_cmpint(testdev_read(g.t, UNTRANSLATED | TESTDEV_FLAG_PRIV, 5,
                                 PAGE_OF(FIRST), &bytes, 8), ==, TESTDEV_OK);
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_ERROR);
    g_assert_cmpint(testdev_read(g.t, UNTRANSLATED | TESTDEV_FLAG_PRIV, 5,
                                 PAGE_OF(FIRST), &bytes, 8), ==, TESTDEV_OK);
    assert_counts(&g, 5, 1, 2);
    stop(&g);
}

static void test_iotlb(void)
{
    Guest g = start();
    QDict *reply, *entry;

    read_page(&g, 5, FIRST);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-iotlb' }");
    g_assert_cmpint(rows(reply, "entries"), ==, 1);
    g_assert_false(qdict_haskey(reply, "next"));
    entry = row(reply, "entries", 0);
    g_assert_cmpint(number(entry, "domain-id"), ==, DOMAIN);
    g_assert_cmpint(number(entry, "pasid"), ==, 5);
    g_assert_cmphex(number(entry, "address"), ==, PAGE_OF(FIRST));
    g_assert_cmphex(number(entry, "output"), ==, PAGE);
    g_assert_cmpint(number(entry, "page-shift"), ==, 12);
    g_assert_true(qdict_get_bool(entry, "read"));
    g_assert_false(qdict_get_bool(entry, "write"));
    g_assert_false(qdict_get_bool(entry, "nested"));
    qobject_unref(reply);
    flush_guest(&g, DOMAIN, 5, EVERYTHING);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-iotlb' }");
    g_assert_cmpint(rows(reply, "entries"), ==, 0);
    qobject_unref(reply);
    stop(&g);
}

/* Check what verify says of the only entry: its state, and what changed */
static void assert_state(Guest *g, const char *state, const char *changed)
{
    QDict *reply = ask(g->b, "{ 'execute': 'query-amd-iommu-iotlb',"
                       " 'arguments': { 'verify': true } }");
    QDict *entry = row(reply, "entries", 0);

    g_assert_cmpint(rows(reply, "entries"), ==, 1);
    g_assert_cmpstr(qdict_get_str(entry, "state"), ==, state);
    g_assert_cmpstr(qdict_get_try_str(entry, "changed"), ==, changed);
    qobject_unref(reply);
}

/*
 * Stale is what grants more than the tables, once software has had time to
 * say so: 50 ms, or until its next COMPLETION_WAIT.
 */
static void test_verify(void)
{
    Guest g = start();
    uint64_t bytes = 0;

    testdev_write(g.t, UNTRANSLATED, 5, PAGE_OF(FIRST), &bytes, 8);
    assert_state(&g, "fresh", NULL);
    /* Accessed and dirty bits do not count */
    set_guest_leaf(&g, FIRST, PAGE | G_RW);
    assert_state(&g, "fresh", NULL);
    set_guest_leaf(&g, FIRST, PAGE_OF(7) | G_RW);
    assert_state(&g, "pending", "address");
    qtest_clock_step(g.b->qts, 49000000);
    assert_state(&g, "pending", "address");
    qtest_clock_step(g.b->qts, 2000000);
    assert_state(&g, "stale", "address");
    set_guest_leaf(&g, FIRST, PAGE | G_RW);
    assert_state(&g, "fresh", NULL);
    set_guest_leaf(&g, FIRST, PAGE | (G_RW & ~2));
    assert_state(&g, "pending", "rights");
    command(g.b, 1ULL << 60, 0);
    assert_state(&g, "stale", "rights");
    set_guest_leaf(&g, FIRST, 0);
    assert_state(&g, "stale", "gone");
    qtest_writeq(g.b->qts, GCR3_LEAF(0) + 8 * 5, 0);
    assert_state(&g, "unbacked", "unbacked");
    stop(&g);
}

/* No device has the DomainID any more; another one has it still */
static void test_verify_domain(void)
{
    Guest g = start();
    const uint64_t other[4] = {
        DTE_GUEST(GCR3_ROOT), DTE_GCR3(GCR3_ROOT) | DOMAIN,
    };

    read_page(&g, 5, FIRST);
    set_guest_dte(&g, 0, DOMAIN + 1);
    assert_state(&g, "pending", "unbacked");
    set_dte_of(g.b, EDU_ID, other);
    assert_state(&g, "fresh", NULL);
    stop(&g);
}

/* Page by page: each entry once, however small the pages are */
static void test_iotlb_paging(void)
{
    Guest g = start();
    unsigned int found = 0;
    uint64_t next = 0;
    bool more = true;

    for (uint32_t pasid = 1; pasid <= 100; pasid++) {
        read_page(&g, pasid, FIRST);
    }
    while (more) {
        QDict *reply = ask_for(g.b, "{ 'execute': 'query-amd-iommu-iotlb',"
                               " 'arguments': { 'start': %" PRIu64 ","
                               " 'limit': 7 } }", next);

        g_assert_cmpint(rows(reply, "entries"), <=, 7);
        found += rows(reply, "entries");
        more = qdict_haskey(reply, "next");
        next = more ? number(reply, "next") : 0;
        qobject_unref(reply);
    }
    g_assert_cmpint(found, ==, 100);
    stop(&g);
}

/* Check that the next record is this one; @number goes on behind it */
static void assert_record(Guest *g, uint64_t *number_, const char *kind,
                          int pasid, uint64_t word0, uint64_t word1)
{
    QDict *reply = ask_for(g->b, "{ 'execute': 'query-amd-iommu-trace',"
                           " 'arguments': { 'start': %" PRIu64 ","
                           " 'limit': 1 } }", *number_);
    QDict *r = row(reply, "records", 0);

    g_assert_cmpint(number(r, "number"), ==, *number_);
    g_assert_cmpstr(qdict_get_str(r, "kind"), ==, kind);
    g_assert_cmphex(word(qdict_get_qlist(r, "words"), 0), ==, word0);
    g_assert_cmphex(word(qdict_get_qlist(r, "words"), 1), ==, word1);
    g_assert_cmpint(qdict_haskey(r, "pasid"), ==, pasid >= 0);
    if (pasid >= 0) {
        g_assert_cmpint(number(r, "pasid"), ==, pasid);
        g_assert_cmpint(number(r, "device-id"), ==, DEV);
    }
    ++*number_;
    qobject_unref(reply);
}

static uint64_t trace_end(Guest *g)
{
    QDict *reply = ask(g->b, "{ 'execute': 'query-amd-iommu-trace',"
                       " 'arguments': { 'limit': 1 } }");
    uint64_t end = number(reply, "end");

    qobject_unref(reply);
    return end;
}

/* A fault, its page request, the response: as they happen, and no hit */
static void test_trace(void)
{
    Guest g = start();
    uint64_t n = trace_end(&g), event[2], complete[2];

    read_page(&g, 5, ABSENT);
    read_page(&g, 5, FIRST);
    read_page(&g, 5, FIRST);
    event_read(g.b, 0, event);
    assert_record(&g, &n, "fault", 5, PAGE_OF(ABSENT), 1);
    assert_record(&g, &n, "event", 5, event[0], event[1]);
    g_assert_cmpint(testdev_request_page(g.t, TESTDEV_FLAG_READ, 5,
                                         PAGE_OF(ABSENT), 3), ==, 0);
    assert_record(&g, &n, "page-request", 5,
                  qtest_readq(g.b->qts, PPRS),
                  qtest_readq(g.b->qts, PPRS + 8));
    qtest_clock_step(g.b->qts, 5000);
    complete[0] = 7ULL << 60 | DEV;
    complete[1] = 3ULL << 32;
    command(g.b, complete[0], complete[1]);
    assert_record(&g, &n, "register", -1, REG_CMD_TAIL,
                  g.b->command_tail);
    n++;
    assert_record(&g, &n, "page-response", 5, 3, 5000);
    g_assert_cmpint(trace_end(&g), ==, n);
    stop(&g);
}

/* Check that the next record is a read that hit what is stale since 60 ms */
static void assert_stale_hit(Guest *g, uint64_t *number_)
{
    g_assert_cmpint(read_page(g, 5, FIRST), ==, TESTDEV_OK);
    assert_record(g, number_, "stale-hit", 5, PAGE_OF(FIRST), 60000000);
}

/*
 * A hit on what verify has found stale is told with its age, once for each
 * verify, and served as before; other hits are not told.
 */
static void test_stale_hit(void)
{
    Guest g = start();
    uint64_t n, before = 0x1122334455667788, bytes = 0;

    qtest_writeq(g.b->qts, PAGE, before);
    read_page(&g, 5, FIRST);
    assert_state(&g, "fresh", NULL);
    n = trace_end(&g);
    read_page(&g, 5, FIRST);
    set_guest_leaf(&g, FIRST, PAGE_OF(7) | G_RW);
    /* The clock is at 0, of which no age is counted */
    qtest_clock_step(g.b->qts, 1);
    assert_state(&g, "pending", "address");
    read_page(&g, 5, FIRST);
    qtest_clock_step(g.b->qts, 60000000);
    assert_state(&g, "stale", "address");
    assert_stale_hit(&g, &n);
    testdev_read(g.t, UNTRANSLATED, 5, PAGE_OF(FIRST), &bytes, 8);
    g_assert_cmphex(bytes, ==, before);
    g_assert_cmpint(trace_end(&g), ==, n);
    assert_state(&g, "stale", "address");
    assert_stale_hit(&g, &n);
    assert_counts(&g, 5, 5, 1);
    stop(&g);
}

/* What was stale and is right again, or gone, is not told any more */
static void test_stale_no_more(void)
{
    Guest g = start();
    uint64_t n;

    read_page(&g, 5, FIRST);
    for (int invalidated = 0; invalidated < 2; invalidated++) {
        set_guest_leaf(&g, FIRST, PAGE_OF(7) | G_RW);
        assert_state(&g, "pending", "address");
        qtest_clock_step(g.b->qts, 60000000);
        assert_state(&g, "stale", "address");
        if (invalidated) {
            flush_guest(&g, DOMAIN, 5, EVERYTHING);
        } else {
            set_guest_leaf(&g, FIRST, PAGE | G_RW);
            assert_state(&g, "fresh", NULL);
        }
        n = trace_end(&g);
        read_page(&g, 5, FIRST);
        read_page(&g, 5, FIRST);
        g_assert_cmpint(trace_end(&g), ==, n);
    }
    stop(&g);
}

/* The ring keeps the last 8192, and tells which number it is at */
static void test_trace_ring(void)
{
    Guest g = start();
    uint64_t end;
    QDict *reply;

    for (int i = 0; i < 8192; i++) {
        reg_write(g.b, REG_EXCL_LIMIT, i << 12);
    }
    end = trace_end(&g);
    g_assert_cmpint(end, >, 8192);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-trace' }");
    g_assert_cmpint(number(row(reply, "records", 0), "number"), ==,
                    end - 8192);
    g_assert_cmpint(number(reply, "next"), ==,
                    end - 8192 + rows(reply, "records"));
    qobject_unref(reply);
    reply = ask_for(g.b, "{ 'execute': 'query-amd-iommu-trace',"
                    " 'arguments': { 'start': %" PRIu64 " } }", end);
    g_assert_cmpint(rows(reply, "records"), ==, 0);
    g_assert_false(qdict_haskey(reply, "next"));
    qobject_unref(reply);
    stop(&g);
}

/* Open groups, their age, and what was counted once they are answered */
static void test_page_requests(void)
{
    Guest g = start();
    QDict *reply, *group, *c;

    testdev_request_page(g.t, TESTDEV_FLAG_READ, 5, PAGE_OF(ABSENT), 3);
    qtest_clock_step(g.b->qts, 1000);
    testdev_request_page(g.t, TESTDEV_FLAG_READ, 7, PAGE_OF(ABSENT), 4);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-page-requests' }");
    g_assert_cmpint(rows(reply, "groups"), ==, 2);
    group = row(reply, "groups", 0);
    g_assert_cmpint(number(group, "device-id"), ==, DEV);
    g_assert_cmpint(number(group, "pasid"), ==, 5);
    g_assert_cmpint(number(group, "prg-index"), ==, 3);
    g_assert_cmpint(number(group, "pages"), ==, 1);
    g_assert_cmpint(number(group, "age"), ==, 1000);
    qobject_unref(reply);
    reply = ask_for(g.b, "{ 'execute': 'query-amd-iommu-page-requests',"
                    " 'arguments': { 'limit': 1, 'start': %u } }",
                    DEV * 512 + 3);
    g_assert_cmpint(number(reply, "next"), ==, DEV * 512 + 4);
    qobject_unref(reply);
    command(g.b, 7ULL << 60 | DEV, 3ULL << 32);
    reply = ask(g.b, "{ 'execute': 'query-amd-iommu-page-requests' }");
    g_assert_cmpint(rows(reply, "groups"), ==, 1);
    qobject_unref(reply);
    c = counters(&g, 5);
    g_assert_cmpint(number(c, "page-requests"), ==, 1);
    g_assert_cmpint(number(c, "responses"), ==, 1);
    g_assert_cmpint(number(c, "latency-sum"), ==, 1000);
    g_assert_cmpint(number(c, "latency-max"), ==, 1000);
    qobject_unref(c);
    stop(&g);
}

/* Any command, any table: nothing but refusals may come of it */
static void test_hostile(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int());
    Guest g = start();

    for (int i = 0; i < 2000; i++) {
        uint64_t op = g_rand_int_range(rand, 2, 5);
        uint64_t word0 = g_rand_int(rand) & 0xffff;

        if (op == 3) {
            word0 |= (uint64_t)(g_rand_int(rand) & 0xffff) << 32;
        } else if (op == 2) {
            word0 &= 0x3f;
        }
        command(g.b, op << 60 | word0, op == 2 ? 0 :
                ((uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand)) &
                ~0xffaULL);
        if (i % 16 == 0) {
            set_guest_leaf(&g, FIRST, (uint64_t)g_rand_int(rand) << 32 |
                           g_rand_int(rand));
            read_page(&g, g_rand_int(rand) & 0xfffff, FIRST);
            read_page(&g, 5, FIRST);
        }
    }
    set_guest_leaf(&g, FIRST, PAGE | G_RW);
    command(g.b, 8ULL << 60, 0);
    g_assert_cmpint(read_page(&g, 5, FIRST), ==, TESTDEV_OK);
    g_rand_free(rand);
    stop(&g);
}

/* The stock model has nothing of all this */
static void test_stock(void)
{
    static const char *const commands[] = {
        "query-amd-iommu-stats", "query-amd-iommu-trace",
        "query-amd-iommu-iotlb", "query-amd-iommu-page-requests",
    };
    Bench *b = bench_start("svm=off", "");

    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        g_autofree char *text = g_strdup_printf("{ 'execute': '%s' }",
                                                commands[i]);

        assert_refused(b, text, "this needs an amd-iommu with svm=on");
    }
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/cache-pasid/counts", test_counts);
    qtest_add_func("/amdvi/cache-pasid/renumbered", test_renumbered);
    qtest_add_func("/amdvi/cache-pasid/reset", test_reset);
    qtest_add_func("/amdvi/cache-pasid/flushes", test_flushes);
    qtest_add_func("/amdvi/cache-pasid/directories", test_directories);
    qtest_add_func("/amdvi/cache-pasid/nested-directories",
                   test_nested_directories);
    qtest_add_func("/amdvi/cache-pasid/directory-counts",
                   test_directory_counts);
    qtest_add_func("/amdvi/cache-pasid/nested", test_nested);
    qtest_add_func("/amdvi/cache-pasid/thousand", test_thousand);
    qtest_add_func("/amdvi/cache-pasid/size", test_size);
    qtest_add_func("/amdvi/cache-pasid/absent", test_absent);
    qtest_add_func("/amdvi/cache-pasid/dirty", test_dirty);
    qtest_add_func("/amdvi/cache-pasid/privileged", test_privileged);
    qtest_add_func("/amdvi/cache-pasid/iotlb", test_iotlb);
    qtest_add_func("/amdvi/cache-pasid/verify", test_verify);
    qtest_add_func("/amdvi/cache-pasid/stale-hit", test_stale_hit);
    qtest_add_func("/amdvi/cache-pasid/stale-no-more", test_stale_no_more);
    qtest_add_func("/amdvi/cache-pasid/verify-domain", test_verify_domain);
    qtest_add_func("/amdvi/cache-pasid/iotlb-paging", test_iotlb_paging);
    qtest_add_func("/amdvi/cache-pasid/trace", test_trace);
    qtest_add_func("/amdvi/cache-pasid/trace-ring", test_trace_ring);
    qtest_add_func("/amdvi/cache-pasid/page-requests", test_page_requests);
    qtest_add_func("/amdvi/cache-pasid/hostile", test_hostile);
    qtest_add_func("/amdvi/cache-pasid/stock", test_stock);
    return g_test_run();
}
