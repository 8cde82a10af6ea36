/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA with a PASID through guest (v2) tables, alone and nested: depths, page
 * sizes, rights at every level, A and D bits, and the exact events of what
 * fails.  spec/translation.md 2, 3.2 to 3.4; spec/structures.md 1, 2, 4.
 */
#include "qemu/osdep.h"
#include "bench.h"
#include "testdev.h"

#define DEVICE_ID 0x0030                /* 00:06.0 */
#define PORT_ID 0x0038                  /* 00:07.0, and what is behind it: */
#define BEHIND_ID 0x4200                /* 42:00.0 */
#define PPR_LOG 0x2200000ULL
#define TESTDEV_BAR 0xe1000000ULL
#define UNTRANSLATED TESTDEV_PATH_UNTRANSLATED

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define PASID 5
/* Indexes FEh, 0, 0, 1 from level 4 on */
#define VA 0x7f0000001000ULL

#define GUEST_P 0x01ULL
#define GUEST_RW 0x02ULL
#define GUEST_US 0x04ULL
#define GUEST_A 0x20ULL
#define GUEST_D 0x40ULL
#define GUEST_PS 0x80ULL
#define GUEST_NX (1ULL << 63)
#define GUEST_ALL (GUEST_P | GUEST_RW | GUEST_US)

#define DTE_HAD (3ULL << 7)
#define DTE_GIOV (1ULL << 54)
#define DTE_GV (1ULL << 55)
#define DTE_GLX(value) ((uint64_t)(value) << 56)
#define DTE1_SE (1ULL << 33)
#define DTE1_SA (1ULL << 34)

#define CONTROL_GD_UPDATE_DIS (1ULL << 48)
#define CONTROL_GA_UPDATE_DIS (1ULL << 54)
#define CONTROL_GCR3_TRP_MODE (1ULL << 58)
#define INVALIDATE_ALL 0x8000000000000000ULL

/* Flags of IO_PAGE_FAULT: structures.md 6 */
#define GN 0x001
#define NX 0x002
#define US 0x004
#define PR 0x010
#define RW 0x020
#define PE 0x040
#define RZ 0x080

/* Numbers of tables: GCR3 root and inner, levels 5 to 1, host */
#define GCR3_ROOT 0
#define GCR3_INNER 1
#define GUEST_TABLE(level) (8 - (level))
#define HOST_ROOT 8

typedef struct Guest {
    Bench *b;
    Testdev *t;
    uint64_t dte[4];
    uint64_t control;
    unsigned int events;        /* that were checked */
} Guest;

static void set_control(Guest *g, uint64_t more)
{
    g->control = CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN | CONTROL_CMD_BUF_EN |
                 CONTROL_COHERENT | CONTROL_GT_EN | more;
    reg_write(g->b, REG_CONTROL, g->control);
}

static void update_dte(Guest *g)
{
    set_dte_of(g->b, DEVICE_ID, g->dte);
    command(g->b, INVALIDATE_ALL, 0);
}

/* GV, and the root at GCR3_ROOT */
static void set_guest_dte(Guest *g, unsigned int glx, unsigned int levels,
                          uint64_t word0, uint64_t word1)
{
    uint64_t root = table(GCR3_ROOT);

    g->dte[0] = PTE_RW | 3 | DTE_GV | DTE_GLX(glx) | (root >> 12 & 7) << 58 |
                word0;
    g->dte[1] = DOMAIN | (root >> 15 & 0xffff) << 16 | root >> 31 << 43 |
                word1;
    g->dte[2] = (uint64_t)(levels - 4) << 54;
    update_dte(g);
}

static void set_pasid(Guest *g, unsigned int glx, uint32_t pasid, uint64_t top)
{
    unsigned int leaf = glx ? GCR3_INNER : GCR3_ROOT;

    if (glx) {
        set_entry(g->b, GCR3_ROOT, pasid >> 9, table(GCR3_INNER) | 1);
    }
    set_entry(g->b, leaf, pasid & 0x1ff, top | 1);
}

static unsigned int index_of(uint64_t va, unsigned int level)
{
    return va >> (12 + 9 * (level - 1)) & 0x1ff;
}

static uint64_t place_of(uint64_t va, unsigned int level)
{
    return table(GUEST_TABLE(level)) + 8 * index_of(va, level);
}

/* @leaf at @level, behind pointers that permit everything */
static void map(Guest *g, unsigned int levels, uint64_t va,
                unsigned int level, uint64_t leaf)
{
    for (unsigned int l = levels; l > level; l--) {
        set_entry(g->b, GUEST_TABLE(l), index_of(va, l),
                  table(GUEST_TABLE(l - 1)) | GUEST_ALL);
    }
    set_entry(g->b, GUEST_TABLE(level), index_of(va, level), leaf);
}

static Guest *start_with(const char *options)
{
    Guest *g = g_new0(Guest, 1);

    g->b = bench_start(options, "-device svm-testdev,addr=06.0");
    g->t = testdev_find(g->b->qts, DEVICE_ID, TESTDEV_BAR);
    testdev_enable(g->t, 0);
    bench_set_bases(g->b);
    set_control(g, 0);
    return g;
}

/* PASID 5 has four levels, VA is PAGE */
static Guest *start(void)
{
    Guest *g = start_with("svm=on");

    set_guest_dte(g, 0, 4, 0, 0);
    set_pasid(g, 0, PASID, table(GUEST_TABLE(4)));
    map(g, 4, VA, 1, PAGE | GUEST_ALL);
    return g;
}

static void stop(Guest *g)
{
    bench_stop(g->b);
    g_free(g->t);
    g_free(g);
}

static bool reads(Guest *g, uint32_t flags, uint32_t pasid, uint64_t addr,
                  uint64_t expected)
{
    static uint64_t pattern = 0x0123456789abcdef;
    uint64_t data = 0;

    qtest_writeq(g->b->qts, expected, ++pattern);
    return testdev_read(g->t, UNTRANSLATED | flags, pasid, addr, &data,
                        sizeof(data)) == TESTDEV_OK && data == pattern;
}

static bool writes(Guest *g, uint32_t flags, uint32_t pasid, uint64_t addr,
                   uint64_t expected)
{
    static uint64_t pattern = 0xfedcba9876543210;

    qtest_writeq(g->b->qts, expected, 0);
    pattern++;
    return testdev_write(g->t, UNTRANSLATED | flags, pasid, addr, &pattern,
                         sizeof(pattern)) == TESTDEV_OK &&
           qtest_readq(g->b->qts, expected) == pattern;
}

static uint64_t fault_word(unsigned int flags, uint32_t pasid)
{
    return 2ULL << 60 | (uint64_t)flags << 48 |
           (uint64_t)(pasid & 0xffff) << 32 | (uint64_t)(pasid >> 16) << 16 |
           DEVICE_ID;
}

/* One more event, and which */
static void assert_fault(Guest *g, unsigned int flags, uint32_t pasid,
                         uint64_t addr)
{
    assert_events(g->b, g->events, 1, fault_word(flags, pasid), addr);
    g->events++;
}

static void assert_no_fault(Guest *g)
{
    assert_events(g->b, g->events, 0);
}

/* GCR3 tables of one and two levels, and PASIDs beyond them */
static void test_glx(void)
{
    static const struct {
        unsigned int glx;
        uint32_t pasid;
        bool fits;
    } rows[] = {
        { 0, 0, true }, { 0, 5, true }, { 0, 0x1ff, true },
        { 0, 0x200, false }, { 0, 0x205, false }, { 0, 0x12345, false },
        { 1, 0, true }, { 1, 5, true }, { 1, 0x201, true },
        { 1, 0xffff, true }, { 1, 0x10000, false }, { 1, 0x40005, false },
    };
    Guest *g = start();

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t pasid = rows[i].pasid;

        qtest_memset(g->b->qts, table(0), 0, 0x2000);
        set_guest_dte(g, rows[i].glx, 4, 0, 0);
        set_pasid(g, rows[i].glx, pasid & (rows[i].glx ? 0xffff : 0x1ff),
                  table(GUEST_TABLE(4)));
        g_assert_cmpint(reads(g, 0, pasid, VA, PAGE), ==, rows[i].fits);
        if (!rows[i].fits) {
            assert_fault(g, GN | US, pasid, VA);
        }
    }
    assert_no_fault(g);
    stop(g);
}

/* Three levels hold more PASIDs than Linux bears: EFR says two at most */
static void test_glx_refused(void)
{
    Guest *g = start();

    for (unsigned int glx = 2; glx < 4; glx++) {
        set_guest_dte(g, glx, 4, 0, 0);
        g_assert_false(reads(g, 0, PASID, VA, PAGE));
        assert_events(g->b, g->events++, 1, 0x1001000500000030, VA);
    }
    stop(g);
}

/* An entry without Valid at each level, and one that nothing answers for */
static void test_gcr3_entries(void)
{
    Guest *g = start();

    set_guest_dte(g, 1, 4, 0, 0);
    qtest_memset(g->b->qts, table(0), 0, 0x2000);
    g_assert_false(writes(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US | RW, PASID, VA);
    set_entry(g->b, GCR3_ROOT, 0, table(GCR3_INNER) | 1);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US, PASID, VA);
    set_entry(g->b, GCR3_ROOT, 0, NOWHERE | 1);
    command(g->b, INVALIDATE_ALL, 0);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    /* PAGE_TAB_HARDWARE_ERROR, master abort */
    assert_events(g->b, g->events++, 1, 0x4201000500000030,
                  NOWHERE + 8 * PASID);
    /* Without any command: nothing absent was kept */
    set_pasid(g, 1, PASID, table(GUEST_TABLE(4)));
    g_assert_true(reads(g, 0, PASID, VA, PAGE));
    stop(g);
}

static void test_levels(void)
{
    const uint64_t far = 0x00ab7f0000001000;    /* 57 bits */
    Guest *g = start();

    g_assert_true(reads(g, 0, PASID, VA + 0xff8, PAGE + 0xff8));
    set_guest_dte(g, 0, 5, 0, 0);
    set_pasid(g, 0, PASID, table(GUEST_TABLE(5)));
    map(g, 5, far, 1, (PAGE + 0x1000) | GUEST_ALL);
    g_assert_true(reads(g, 0, PASID, far + 8, PAGE + 0x1008));
    assert_no_fault(g);
    /* GuestPagingMode has two values */
    g->dte[2] = 2ULL << 54;
    update_dte(g);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_events(g->b, g->events++, 1, 0x1001000500000030, VA);
    stop(g);

    g = start_with("svm=on,guest-levels=4");
    set_guest_dte(g, 0, 5, 0, 0);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_events(g->b, 0, 1, 0x1001000500000030, VA);
    stop(g);
}

static void test_page_sizes(void)
{
    Guest *g = start();

    map(g, 4, 4 * MIB, 2, 64 * MIB | GUEST_ALL | GUEST_PS);
    g_assert_true(reads(g, 0, PASID, 4 * MIB + 0x5008, 64 * MIB + 0x5008));
    g_assert_true(writes(g, 0, PASID, 6 * MIB - 8, 66 * MIB - 8));
    map(g, 4, 3 * GIB, 3, GUEST_ALL | GUEST_PS);
    g_assert_true(reads(g, 0, PASID, 3 * GIB + PAGE, PAGE));
    assert_no_fault(g);
    stop(g);
}

/* PS above level 3, address bits below a large page or above the width */
static void test_reserved_bits(void)
{
    Guest *g = start();
    const struct {
        unsigned int level;
        uint64_t entry;
    } rows[] = {
        { 4, table(GUEST_TABLE(3)) | GUEST_ALL | GUEST_PS },
        { 3, GUEST_ALL | GUEST_PS | 1 << 13 },
        { 3, GUEST_ALL | GUEST_PS | 1 << 29 },
        { 2, GUEST_ALL | GUEST_PS | 1 << 13 },
        { 2, GUEST_ALL | GUEST_PS | 1 << 20 },
        { 1, PAGE | GUEST_ALL | 1ULL << 48 },
        { 1, PAGE | GUEST_ALL | 1ULL << 51 },
    };

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        map(g, 4, VA, rows[i].level, rows[i].entry);
        g_assert_false(reads(g, 0, PASID, VA, PAGE));
        assert_fault(g, GN | US | PR | RZ, PASID, VA);
    }
    /* What only processors and software know: keys, PWT, PCD, PAT, G */
    map(g, 4, VA, 1, PAGE | GUEST_ALL | 0x7ffULL << 52 | 0xf98);
    g_assert_true(reads(g, 0, PASID, VA, PAGE));
    assert_no_fault(g);
    stop(g);
}

static void test_canonical(void)
{
    Guest *g = start();

    g_assert_false(reads(g, 0, PASID, 1ULL << 47, PAGE));
    assert_fault(g, GN | US, PASID, 1ULL << 47);
    g_assert_false(writes(g, 0, PASID, VA | 1ULL << 63, PAGE));
    assert_fault(g, GN | US | RW, PASID, VA | 1ULL << 63);
    map(g, 4, 0xffff800000003000, 1, PAGE | GUEST_ALL);
    g_assert_true(reads(g, 0, PASID, 0xffff800000003000, PAGE));
    assert_no_fault(g);
    stop(g);
}

/* Rights of one entry, and what each kind of request meets there */
static void check_rights(Guest *g, unsigned int level, uint64_t rights)
{
    static const struct {
        uint32_t flags;
        bool write;
        unsigned int event;
    } requests[] = {
        { 0, false, US },
        { 0, true, US | RW },
        { TESTDEV_FLAG_EXEC, false, US | NX },
        { TESTDEV_FLAG_PRIV, false, 0 },
        { TESTDEV_FLAG_PRIV, true, RW },
        { TESTDEV_FLAG_PRIV | TESTDEV_FLAG_EXEC, false, NX },
    };
    uint64_t next = level > 1 ? table(GUEST_TABLE(level - 1)) : PAGE;

    set_entry(g->b, GUEST_TABLE(level), index_of(VA, level), next | rights);
    command(g->b, INVALIDATE_ALL, 0);
    for (int i = 0; i < ARRAY_SIZE(requests); i++) {
        unsigned int event = requests[i].event;
        uint32_t flags = requests[i].flags;
        bool allowed = (!(event & US) || (rights & GUEST_US)) &&
                       (!(event & RW) || (rights & GUEST_RW)) &&
                       (!(event & NX) || !(rights & GUEST_NX));

        g_assert_cmpint(requests[i].write ? writes(g, flags, PASID, VA, PAGE)
                                          : reads(g, flags, PASID, VA, PAGE),
                        ==, allowed);
        if (!allowed) {
            assert_fault(g, GN | PR | PE | event, PASID, VA);
        }
    }
}

/* R/W, U/S and NX count at every level */
static void test_permission(void)
{
    Guest *g = start();

    for (unsigned int level = 1; level <= 4; level++) {
        for (int i = 0; i < 8; i++) {
            check_rights(g, level, GUEST_P | (i & 1 ? GUEST_RW : 0) |
                         (i & 2 ? GUEST_US : 0) | (i & 4 ? GUEST_NX : 0));
        }
        map(g, 4, VA, 1, PAGE | GUEST_ALL);
    }
    assert_no_fault(g);
    stop(g);
}

/* DTE.IR and IW come first */
static void test_dte_gate(void)
{
    Guest *g = start();

    g->dte[0] &= ~PTE_WRITE;
    update_dte(g);
    g_assert_true(reads(g, 0, PASID, VA, PAGE));
    g_assert_false(writes(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US | PR | PE | RW, PASID, VA);
    g->dte[0] ^= PTE_RW;
    update_dte(g);
    g_assert_true(writes(g, 0, PASID, VA, PAGE));
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US | PR | PE, PASID, VA);
    stop(g);
}

/* Bits that were set in the entries of all levels, and D in the leaf */
static void assert_marked(Guest *g, bool accessed, bool dirty)
{
    for (unsigned int level = 1; level <= 4; level++) {
        uint64_t entry = qtest_readq(g->b->qts, place_of(VA, level));

        g_assert_cmphex(entry & (GUEST_A | GUEST_D), ==,
                        (accessed ? GUEST_A : 0) |
                        (dirty && level == 1 ? GUEST_D : 0));
    }
}

static void test_accessed_dirty(void)
{
    Guest *g = start();

    g_assert_true(reads(g, 0, PASID, VA, PAGE));
    assert_marked(g, true, false);
    g_assert_true(writes(g, 0, PASID, VA, PAGE));
    assert_marked(g, true, true);
    /* What is not permitted leaves no mark */
    map(g, 4, VA, 1, PAGE | GUEST_P | GUEST_US);
    command(g->b, INVALIDATE_ALL, 0);
    g_assert_false(writes(g, 0, PASID, VA, PAGE));
    g_assert_cmphex(qtest_readq(g->b->qts, place_of(VA, 1)), ==,
                    PAGE | GUEST_P | GUEST_US);
    stop(g);
}

static void test_updates_disabled(void)
{
    Guest *g = start();

    set_control(g, CONTROL_GA_UPDATE_DIS | CONTROL_GD_UPDATE_DIS);
    g_assert_true(writes(g, 0, PASID, VA, PAGE));
    assert_marked(g, false, false);
    command(g->b, INVALIDATE_ALL, 0);
    set_control(g, CONTROL_GD_UPDATE_DIS);
    g_assert_true(writes(g, 0, PASID, VA, PAGE));
    assert_marked(g, true, false);
    stop(g);
}

/* Without a PASID: identity (GIoV=0), or PASID 0 without sign extension */
static void test_giov(void)
{
    Guest *g = start();

    g_assert_true(reads(g, 0, TESTDEV_NO_PASID, PAGE + 0x40, PAGE + 0x40));
    set_guest_dte(g, 0, 4, DTE_GIOV, 0);
    set_pasid(g, 0, 0, table(GUEST_TABLE(4)));
    g_assert_true(reads(g, 0, TESTDEV_NO_PASID, VA, PAGE));
    map(g, 4, 0x0000ff0000002000, 1, (PAGE + 0x1000) | GUEST_ALL);
    g_assert_true(writes(g, 0, TESTDEV_NO_PASID, 0x0000ff0000002000,
                         PAGE + 0x1000));
    g_assert_false(reads(g, 0, TESTDEV_NO_PASID, 0xffffff0000002000, PAGE));
    assert_fault(g, GN | US, 0, 0xffffff0000002000);
    /* Such a request is a user's, and never an instruction fetch */
    map(g, 4, VA, 1, PAGE | GUEST_P | GUEST_RW);
    command(g->b, INVALIDATE_ALL, 0);
    g_assert_false(reads(g, 0, TESTDEV_NO_PASID, VA, PAGE));
    assert_fault(g, GN | US | PR | PE, 0, VA);
    stop(g);
}

/* GV=0 or GTEn=0: no PASID can be served, others are not affected */
static void test_no_guest_table(void)
{
    Guest *g = start();

    set_control(g, 0);
    reg_write(g->b, REG_CONTROL, g->control & ~CONTROL_GT_EN);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US, PASID, VA);
    g_assert_true(reads(g, 0, TESTDEV_NO_PASID, PAGE, PAGE));
    set_control(g, 0);
    g->dte[0] = DTE_PASS_THROUGH;
    g->dte[1] = DOMAIN;
    update_dte(g);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US, PASID, VA);
    g_assert_true(reads(g, 0, TESTDEV_NO_PASID, PAGE, PAGE));
    stop(g);
}

/* One event for a DMA, however long: the device stops at the first page */
static void test_one_event(void)
{
    uint8_t data[0x4000] = { 0 };
    Guest *g = start();

    g_assert_cmpint(testdev_write(g->t, UNTRANSLATED, PASID, VA, data,
                                  sizeof(data)), !=, TESTDEV_OK);
    assert_fault(g, GN | US | RW, PASID, VA + 0x1000);
    g_assert_cmpint(testdev_read(g->t, UNTRANSLATED, PASID, VA + 0x1800, data,
                                 0x2000), !=, TESTDEV_OK);
    assert_fault(g, GN | US, PASID, VA + 0x1800);
    stop(g);
}

static void test_suppressed(void)
{
    Guest *g = start();

    set_guest_dte(g, 0, 4, 0, DTE1_SA);
    g_assert_false(reads(g, 0, PASID, VA + 0x1000, PAGE));
    assert_no_fault(g);
    set_guest_dte(g, 0, 4, 0, DTE1_SE);
    g_assert_false(reads(g, 0, PASID, VA + 0x1000, PAGE));
    g_assert_false(reads(g, 0, PASID + 1, VA, PAGE));
    assert_fault(g, GN | US, PASID, VA + 0x1000);
    update_dte(g);
    g_assert_false(reads(g, 0, PASID + 1, VA, PAGE));
    assert_fault(g, GN | US, PASID + 1, VA);
    stop(g);
}

/* Buses 0 and 42h, and a window for the BAR */
static void set_port(Bench *b)
{
    config_write(b, PORT_ID, 0x18, 0x00424200);
    config_write(b, PORT_ID, 0x20, 0xe110e100);
    config_write(b, PORT_ID, 0x04, 6);
}

/* Events and page requests name the function with its bus */
static void test_behind_port(void)
{
    Bench *b = bench_start("svm=on",
                           "-device pcie-root-port,id=port1,addr=07.0 "
                           "-device svm-testdev,bus=port1");
    const uint64_t dte[4] = { PTE_RW | 3 | DTE_GV | 1ULL << 52, 1ULL << 32 };
    uint64_t data;
    Testdev *t;

    set_port(b);
    t = testdev_find(b->qts, BEHIND_ID, TESTDEV_BAR);
    testdev_enable(t, 1);
    bench_set_bases(b);
    reg_write(b, REG_PPR_BASE, PPR_LOG | 8ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN | CONTROL_GT_EN | CONTROL_PPR_EN |
              CONTROL_PPR_LOG_EN | CONTROL_EPH_EN);
    set_dte_of(b, BEHIND_ID, dte);
    g_assert_cmpint(testdev_read(t, UNTRANSLATED, PASID, VA, &data,
                                 sizeof(data)), !=, TESTDEV_OK);
    assert_events(b, 0, 1, 0x2005000500004200, VA);
    g_assert_cmpint(testdev_request_page(t, TESTDEV_FLAG_READ |
                                         TESTDEV_FLAG_LAST, PASID, VA, 3), ==,
                    0);
    g_assert_cmphex(qtest_readq(b->qts, PPR_LOG), ==, 0x1144020300054200);
    /* The answer finds its way by the same number */
    command(b, 0x7000000000004200, 0x0000000300000000);
    testdev_assert_response(t, 1, 3, 0, PASID);
    g_free(t);
    bench_stop(b);
}

/*
 * Nested: guest-physical TABLES + x is TABLES + x, GPA is PAGE, all of them
 * pages of 4 KiB of a host table of level 1 with the entries of these 2 MiB.
 */
#define GPA 0x100000ULL
#define HOST_LEAVES(base) (HOST_ROOT + 2 + !!(base))

static void set_host_page(Guest *g, uint64_t gpa, uint64_t entry)
{
    uint64_t base = gpa & ~(2 * MIB - 1);

    set_entry(g->b, HOST_LEAVES(base), gpa >> 12 & 0x1ff, entry);
}

static Guest *start_nested(uint64_t control, unsigned int glx)
{
    Guest *g = start();

    set_control(g, control);
    set_entry(g->b, HOST_ROOT, 0, PDE(2, table(HOST_ROOT + 1), PTE_RW));
    set_entry(g->b, HOST_ROOT + 1, GPA >> 21,
              PDE(1, table(HOST_LEAVES(0)), PTE_RW));
    set_entry(g->b, HOST_ROOT + 1, TABLES >> 21,
              PDE(1, table(HOST_LEAVES(TABLES)), PTE_RW));
    for (unsigned int n = 0; n < HOST_ROOT; n++) {
        set_host_page(g, table(n), PTE_LEAF(table(n), PTE_RW));
    }
    set_host_page(g, GPA, PTE_LEAF(PAGE, PTE_RW));
    set_pasid(g, glx, PASID, table(GUEST_TABLE(4)));
    map(g, 4, VA, 1, GPA | GUEST_ALL);
    set_guest_dte(g, glx, 4, table(HOST_ROOT) | 3 << 9, 0);
    return g;
}

/* Both depths, and the root as GPA and as SPA */
static void test_nested(void)
{
    for (int i = 0; i < 4; i++) {
        bool gpa_root = i & 1;
        unsigned int glx = i >> 1;
        Guest *g = start_nested(gpa_root ? CONTROL_GCR3_TRP_MODE : 0, glx);

        g_assert_true(reads(g, 0, PASID, VA + 8, PAGE + 8));
        g_assert_true(writes(g, 0, PASID, VA, PAGE));
        assert_no_fault(g);
        /* Only a root that is guest-physical needs the host's table */
        set_host_page(g, table(GCR3_ROOT), 0);
        command(g->b, INVALIDATE_ALL, 0);
        g_assert_cmpint(reads(g, 0, PASID, VA, PAGE), ==, !gpa_root);
        if (gpa_root) {
            assert_fault(g, 0, DOMAIN, table(GCR3_ROOT) +
                         8 * (glx ? PASID >> 9 : PASID));
        }
        /* The next table is always */
        set_host_page(g, table(GCR3_ROOT), PTE_LEAF(table(0), PTE_RW));
        set_host_page(g, table(GUEST_TABLE(4)), 0);
        command(g->b, INVALIDATE_ALL, 0);
        g_assert_false(reads(g, 0, PASID, VA, PAGE));
        assert_fault(g, 0, DOMAIN, place_of(VA, 4));
        stop(g);
    }
}

/* Guest, host and DTE: each stage with each of its rights */
static void test_nested_permission(void)
{
    Guest *g = start_nested(CONTROL_GCR3_TRP_MODE, 0);

    for (int i = 0; i < 8; i++) {
        bool guest_w = i & 1, host_r = i & 2, host_w = i & 4;

        map(g, 4, VA, 1, GPA | GUEST_P | GUEST_US |
            (guest_w ? GUEST_RW : 0));
        set_host_page(g, GPA, PTE_LEAF(PAGE, (host_r ? PTE_READ : 0) |
                                       (host_w ? PTE_WRITE : 0)));
        command(g->b, INVALIDATE_ALL, 0);
        g_assert_cmpint(reads(g, 0, PASID, VA, PAGE), ==, host_r);
        if (!host_r) {
            assert_fault(g, PR | PE, DOMAIN, GPA);
        }
        g_assert_cmpint(writes(g, 0, PASID, VA, PAGE), ==, guest_w && host_w);
        if (!guest_w) {
            assert_fault(g, GN | US | PR | PE | RW, PASID, VA);
        } else if (!host_w) {
            assert_fault(g, PR | PE | RW, DOMAIN, GPA);
        }
    }
    stop(g);
}

/* Faults of both stages: absent, reserved bits, bad levels */
static void test_nested_faults(void)
{
    Guest *g = start_nested(CONTROL_GCR3_TRP_MODE, 0);

    map(g, 4, VA, 1, 0);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, GN | US, PASID, VA);
    map(g, 4, VA, 1, (GPA + 0x2000) | GUEST_ALL);
    g_assert_false(writes(g, 0, PASID, VA + 0x18, PAGE));
    assert_fault(g, RW, DOMAIN, GPA + 0x2018);
    map(g, 4, VA, 1, GPA | GUEST_ALL);
    set_host_page(g, GPA, PTE_LEAF(PAGE, PTE_RW) | 1ULL << 52);
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, PR | RZ, DOMAIN, GPA);
    set_host_page(g, GPA, PDE(1, PAGE, PTE_RW));
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, PR, DOMAIN, GPA);
    stop(g);
}

/* A table that the host write-protects cannot take A and D */
static void test_nested_updates(void)
{
    Guest *g = start_nested(CONTROL_GCR3_TRP_MODE, 0);
    uint64_t leaf_table = table(GUEST_TABLE(1));

    set_host_page(g, leaf_table, PTE_LEAF(leaf_table, PTE_READ));
    /* RW tells of the request, not of the update */
    g_assert_false(reads(g, 0, PASID, VA, PAGE));
    assert_fault(g, PR | PE, DOMAIN, place_of(VA, 1));
    map(g, 4, VA, 1, GPA | GUEST_ALL | GUEST_A);
    g_assert_true(reads(g, 0, PASID, VA, PAGE));
    g_assert_false(writes(g, 0, PASID, VA, PAGE));
    assert_fault(g, PR | PE | RW, DOMAIN, place_of(VA, 1));
    map(g, 4, VA, 1, GPA | GUEST_ALL | GUEST_A | GUEST_D);
    g_assert_true(writes(g, 0, PASID, VA, PAGE));
    assert_no_fault(g);
    stop(g);
}

/* HAD: the host's entries of tables and data are marked as well */
static void test_nested_dirty(void)
{
    Guest *g = start_nested(CONTROL_GCR3_TRP_MODE, 0);
    uint64_t data = table(HOST_LEAVES(0)) + 8 * (GPA >> 12 & 0x1ff);
    uint64_t tables = table(HOST_LEAVES(TABLES)) +
                      8 * (table(GUEST_TABLE(1)) >> 12 & 0x1ff);

    g->dte[0] |= DTE_HAD;
    update_dte(g);
    g_assert_true(reads(g, 0, PASID, VA, PAGE));
    g_assert_cmphex(qtest_readq(g->b->qts, data) & 0x60, ==, 0x20);
    /* The guest's table was written, to set A there */
    g_assert_cmphex(qtest_readq(g->b->qts, tables) & 0x60, ==, 0x60);
    g_assert_true(writes(g, 0, PASID, VA, PAGE));
    g_assert_cmphex(qtest_readq(g->b->qts, data) & 0x60, ==, 0x60);
    stop(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/guest/glx", test_glx);
    qtest_add_func("/amdvi/guest/glx-refused", test_glx_refused);
    qtest_add_func("/amdvi/guest/gcr3-entries", test_gcr3_entries);
    qtest_add_func("/amdvi/guest/levels", test_levels);
    qtest_add_func("/amdvi/guest/page-sizes", test_page_sizes);
    qtest_add_func("/amdvi/guest/reserved-bits", test_reserved_bits);
    qtest_add_func("/amdvi/guest/canonical", test_canonical);
    qtest_add_func("/amdvi/guest/permission", test_permission);
    qtest_add_func("/amdvi/guest/dte-gate", test_dte_gate);
    qtest_add_func("/amdvi/guest/accessed-dirty", test_accessed_dirty);
    qtest_add_func("/amdvi/guest/updates-disabled", test_updates_disabled);
    qtest_add_func("/amdvi/guest/giov", test_giov);
    qtest_add_func("/amdvi/guest/no-guest-table", test_no_guest_table);
    qtest_add_func("/amdvi/guest/one-event", test_one_event);
    qtest_add_func("/amdvi/guest/suppressed", test_suppressed);
    qtest_add_func("/amdvi/guest/behind-port", test_behind_port);
    qtest_add_func("/amdvi/guest/nested", test_nested);
    qtest_add_func("/amdvi/guest/nested-permission", test_nested_permission);
    qtest_add_func("/amdvi/guest/nested-faults", test_nested_faults);
    qtest_add_func("/amdvi/guest/nested-updates", test_nested_updates);
    qtest_add_func("/amdvi/guest/nested-dirty", test_nested_dirty);
    return g_test_run();
}
