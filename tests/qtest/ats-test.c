/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ATS as a device sees it: completions, translated requests, PASID requests,
 * and which invalidations reach its TLB.  spec/translation.md 1, 2, 4.
 */
#include "qemu/osdep.h"
#include "svm.h"

#define PASID 5
#define NO_PASID TESTDEV_NO_PASID
#define R 1
#define W 2
#define X 4
#define PRIV 8
#define DISPLAY_ID 0x0038               /* 00:07.0 */
#define ALL_ADDRESSES 0x7ffffffffffff000ULL

/* Event words of this device */
#define FAULT_USER_READ 0x2005000500000030ULL           /* GN US, PASID 5 */
#define FAULT_USER_WRITE_DENIED 0x2075000500000030ULL   /* PE RW PR US GN */
#define FAULT_USER_EXEC_DENIED 0x2057000500000030ULL    /* PE PR US NX GN */
#define FAULT_USER_READ_DENIED 0x2055000500000030ULL
#define INVALID_ATS 0x8100000000000030ULL
#define INVALID_ATS_PASID 0x8105000500000030ULL
#define INVALID_TRANSLATED 0x8200000000000030ULL
#define INVALID_SPECIAL 0x8300000000000030ULL
/* RW: NW is clear */
#define ILLEGAL_DTE_ATS 0x11a0000000000030ULL

/* The status register is the upper half of this word */
#define PCI_STATUS_WORD 0x04
#define SIGNALED_TARGET_ABORT 0x08000000

#define INVALIDATE_IOTLB 0x4000000000000030ULL
#define WITH_PASID(pasid) ((uint64_t)((pasid) & 0xff) << 48 | \
                           (uint64_t)((pasid) >> 8 & 0xff) << 16)
#define GN 4

static Svm *start(void)
{
    Svm *s = svm_start("svm=on", "");

    svm_bind(s, PASID);
    return s;
}

static void assert_granted(TestdevTranslation tr, uint64_t addr, uint64_t mask,
                           uint32_t perm)
{
    g_assert_cmpint(tr.result, ==, 1);
    g_assert_cmphex(tr.addr, ==, addr);
    g_assert_cmphex(tr.mask, ==, mask);
    g_assert_cmphex(tr.perm, ==, perm);
}

/* What each leaf grants to each request, and what it does to A and D */
static void test_rights(void)
{
    static const struct {
        uint64_t leaf;
        uint32_t flags, perm, lacking;
        uint64_t after;
    } row[] = {
        { G_USER, 0, R | W, 0, G_A | G_D },
        { G_USER, TESTDEV_FLAG_NO_WRITE, R, 0, G_A },
        { G_USER, TESTDEV_FLAG_EXEC, R | W | X, 0, G_A | G_D },
        { G_USER | G_NX, TESTDEV_FLAG_EXEC, R | W, 1, G_A | G_D },
        { G_P | G_US, 0, R, 1, G_A },
        { G_P | G_RW, 0, 0, 1, 0 },
        { G_P | G_RW, TESTDEV_FLAG_PRIV, R | W | PRIV, 0, G_A | G_D },
        { 0, 0, 0, 1, 0 },
        { G_US | G_RW, 0, 0, 1, 0 },
    };
    Svm *s = start();

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        uint64_t leaf = PAGE | row[i].leaf;
        TestdevTranslation tr;

        svm_map(s, PASID, VA, leaf);
        svm_flush(s, PASID);
        tr = testdev_translate(s->t, row[i].flags, PASID, VA);
        assert_granted(tr, row[i].perm ? PAGE : 0, 0xfff, row[i].perm);
        g_assert_cmpuint(tr.lacking, ==, row[i].lacking);
        g_assert_cmphex(qtest_readq(s->b->qts, svm_leaf(s, PASID, VA)), ==,
                        leaf | row[i].after);
    }
    assert_events(s->b, 0, 0);
    svm_stop(s);
}

/* Nothing to be found is success without rights, never an error */
static void test_nothing_there(void)
{
    Svm *s = start();
    const uint32_t pasids[] = { PASID, 6, 0x1ff, 0xffff, 0x10000, 0xfffff };

    for (int i = 0; i < ARRAY_SIZE(pasids); i++) {
        assert_granted(testdev_translate(s->t, 0, pasids[i], VA), 0, 0xfff, 0);
    }
    /* Neither canonical nor in reach of the tables */
    assert_granted(testdev_translate(s->t, 0, PASID, 1ULL << 48), 0, 0xfff, 0);
    assert_events(s->b, 0, 0);
    svm_stop(s);
}

/* A range: an entry per page, those without rights too; too small a list */
static void test_range(void)
{
    Svm *s = start();
    const uint64_t entry = TESTDEV_COMPLETIONS;

    svm_map(s, PASID, VA, PAGE | G_USER);
    svm_map(s, PASID, VA + 0x2000, (PAGE + 0x7000) | G_P | G_US);
    testdev_run(s->t, TESTDEV_CMD_TRANSLATE, 0, PASID, VA + 0x800, 0x2000);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_ATS_RESULT), ==, 3);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_ATS_LACKING), ==, 2);
    for (int i = 0; i < 3; i++) {
        const uint64_t addr[] = { PAGE, 0, PAGE + 0x7000 };
        const uint64_t perm[] = { R | W, 0, R };

        g_assert_cmphex(testdev_get(s->t, entry + 32 * i), ==,
                        VA + 0x1000 * i);
        g_assert_cmphex(testdev_get(s->t, entry + 32 * i + 8), ==, addr[i]);
        g_assert_cmphex(testdev_get(s->t, entry + 32 * i + 24), ==, perm[i]);
    }
    testdev_run(s->t, TESTDEV_CMD_TRANSLATE, 0, PASID, VA, 0x10000);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_ATS_RESULT), ==, 16);
    svm_stop(s);
}

/* 2 MiB and 1 GiB pages; the upper half of the address space */
static void test_sizes(void)
{
    Svm *s = start();
    const uint64_t high = 0xffffff8000000000;

    qtest_writeq(s->b->qts, svm_entry(s, PASID, VA, 21),
                 0x4000000 | G_USER | G_PS);
    qtest_writeq(s->b->qts, svm_entry(s, PASID, high, 30),
                 0x40000000 | G_USER | G_PS);
    assert_granted(testdev_translate(s->t, 0, PASID, VA + 0x5000),
                   0x4000000, 0x1fffff, R | W);
    assert_granted(testdev_translate(s->t, 0, PASID, high + 0x5000),
                   0x40000000, 0x3fffffff, R | W);
    svm_stop(s);
}

/* Rows of 4.1 that are errors: each aborts and leaves one event */
static void test_aborts(void)
{
    static const struct {
        uint64_t flip0, flip1;
        uint32_t pasid;
        uint64_t addr, event;
    } row[] = {
        { 0, DTE_I, PASID, VA, INVALID_ATS_PASID },
        { 0, DTE_I, NO_PASID, PAGE, INVALID_ATS },
        { 1, 0, NO_PASID, PAGE, INVALID_ATS },          /* V=0 */
        { 2, 0, NO_PASID, PAGE, INVALID_ATS },          /* TV=0 */
        { 4, 0, NO_PASID, PAGE, ILLEGAL_DTE_ATS },
        { 0, 0, NO_PASID, 0xfee00000, INVALID_SPECIAL },
    };
    Svm *s = start();

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        svm_set_dte(s, row[i].flip0, row[i].flip1);
        g_assert_cmpint(testdev_translate(s->t, 0, row[i].pasid,
                                          row[i].addr).result, <, 0);
        assert_events(s->b, i, 1, row[i].event, row[i].addr);
    }
    reg_write(s->b, REG_CONTROL, 0);
    g_assert_cmpint(testdev_translate(s->t, 0, PASID, VA).result, <, 0);
    svm_stop(s);
}

/* GIoV: requests without a PASID use the tables of PASID 0 */
static void test_giov(void)
{
    Svm *s = start();
    uint32_t data = 0;

    svm_map(s, 0, 0x1000, PAGE | G_USER);
    qtest_writel(s->b->qts, PAGE, 0x12345678);
    assert_granted(testdev_translate(s->t, 0, NO_PASID, PAGE),
                   PAGE, 0xfffff, R | W);
    svm_set_dte(s, DTE_GIOV, 0);
    assert_granted(testdev_translate(s->t, 0, NO_PASID, 0x1000), PAGE, 0xfff,
                   R | W);
    g_assert_cmpint(testdev_read(s->t, TESTDEV_PATH_UNTRANSLATED, NO_PASID,
                                 0x1000, &data, 4), ==, TESTDEV_OK);
    g_assert_cmphex(data, ==, 0x12345678);
    /* No sign extension; an unmapped page is one event with PASID 0 */
    g_assert_cmpint(testdev_read(s->t, TESTDEV_PATH_UNTRANSLATED, NO_PASID,
                                 0x2000, &data, 4), ==, TESTDEV_ERROR);
    assert_events(s->b, 0, 1, 0x2005000000000030, 0x2000ULL);
    svm_stop(s);
}

/* Untranslated requests with PASID: one event for one request */
static void test_pasid_dma(void)
{
    static const struct {
        uint64_t leaf;
        uint32_t flags;
        bool write;
        uint64_t event;
    } row[] = {
        { 0, 0, false, FAULT_USER_READ },
        { G_P | G_US, 0, true, FAULT_USER_WRITE_DENIED },
        { G_P | G_RW, 0, false, FAULT_USER_READ_DENIED },
        { G_USER | G_NX, TESTDEV_FLAG_EXEC, false, FAULT_USER_EXEC_DENIED },
    };
    Svm *s = start();
    uint8_t data[64] = { 0 }, found[64];
    uint32_t path = TESTDEV_PATH_UNTRANSLATED;

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        svm_map(s, PASID, VA, row[i].leaf ? PAGE | row[i].leaf : 0);
        svm_flush(s, PASID);
        g_assert_cmpint(row[i].write
                        ? testdev_write(s->t, path | row[i].flags, PASID, VA,
                                        data, sizeof(data))
                        : testdev_read(s->t, path | row[i].flags, PASID, VA,
                                       data, sizeof(data)),
                        ==, TESTDEV_ERROR);
        assert_events(s->b, i, 1, row[i].event, VA);
    }
    /* Across two pages that are apart in memory; a privileged one as well */
    memset(data, 0x5a, sizeof(data));
    svm_map(s, PASID, VA, PAGE | G_P | G_RW);
    svm_map(s, PASID, VA + 0x1000, (PAGE + 0x9000) | G_USER);
    svm_flush(s, PASID);
    g_assert_cmpint(testdev_write(s->t, path | TESTDEV_FLAG_PRIV, PASID,
                                  VA + 0xfe0, data, sizeof(data)), ==,
                    TESTDEV_OK);
    qtest_memread(s->b->qts, PAGE + 0xfe0, found, 32);
    qtest_memread(s->b->qts, PAGE + 0x9000, found + 32, 32);
    g_assert_cmpmem(found, sizeof(found), data, sizeof(data));
    g_assert_cmphex(qtest_readq(s->b->qts, svm_leaf(s, PASID, VA)), ==,
                    PAGE | G_P | G_RW | G_A | G_D);
    svm_stop(s);
}

/* Translated requests pass unchecked with I=1, and only then */
static void test_translated(void)
{
    Svm *s = start();
    uint32_t data = 0xabcdef01;

    g_assert_cmpint(testdev_write(s->t, TESTDEV_PATH_TRANSLATED, NO_PASID,
                                  PAGE, &data, 4), ==, TESTDEV_OK);
    g_assert_cmphex(qtest_readl(s->b->qts, PAGE), ==, data);
    svm_set_dte(s, 0, DTE_I);
    g_assert_cmpint(testdev_write(s->t, TESTDEV_PATH_TRANSLATED, NO_PASID,
                                  PAGE, &data, 4), ==, TESTDEV_ERROR);
    assert_events(s->b, 0, 1, INVALID_TRANSLATED, PAGE);
    svm_stop(s);
}

/* One page fault until the DTE is invalidated; other events do not matter */
static void test_suppressed(void)
{
    Svm *s = start();
    uint32_t data = 0, path = TESTDEV_PATH_UNTRANSLATED;

    svm_set_dte(s, 0, DTE_SE | DTE_I);
    for (int i = 0; i < 2; i++) {
        testdev_read(s->t, path, PASID, VA, &data, 4);
        assert_events(s->b, 2 * i, 1, FAULT_USER_READ, VA);
        testdev_write(s->t, TESTDEV_PATH_TRANSLATED, NO_PASID, PAGE, &data, 4);
        assert_events(s->b, 2 * i + 1, 1, INVALID_TRANSLATED, PAGE);
        testdev_read(s->t, path, PASID, VA + 0x1000, &data, 4);
        assert_events(s->b, 2 * i + 2, 0);
        svm_set_dte(s, 0, DTE_SE | DTE_I);
    }
    svm_stop(s);
}

/* Aborts show in the IOMMU's PCI status; unsupported requests do not */
static void test_target_abort(void)
{
    Svm *s = start();
    uint64_t control = reg_read(s->b, REG_CONTROL);

    reg_write(s->b, REG_CONTROL, 0);
    g_assert_cmpint(testdev_translate(s->t, 0, PASID, VA).result, <, 0);
    g_assert_cmphex(config_read(s->b, IOMMU_ID, PCI_STATUS_WORD) &
                    SIGNALED_TARGET_ABORT, ==, 0);
    reg_write(s->b, REG_CONTROL, control);
    svm_set_dte(s, 0, DTE_I);
    g_assert_cmpint(testdev_translate(s->t, 0, PASID, VA).result, <, 0);
    g_assert_cmphex(config_read(s->b, IOMMU_ID, PCI_STATUS_WORD) &
                    SIGNALED_TARGET_ABORT, !=, 0);
    svm_stop(s);
}

/* Have the device use its TLB for a PASID, so that it listens */
static void listen_for(Svm *s, uint32_t pasid)
{
    testdev_run(s->t, TESTDEV_CMD_READ, TESTDEV_PATH_TLB, pasid, VA, 4);
}

/* INVALIDATE_IOTLB_PAGES: whom it names, with its exact range, nobody else */
static void test_invalidate(void)
{
    static const struct {
        uint64_t word0, word1;
        uint32_t pasid;
        uint64_t first, last;
    } row[] = {
        { WITH_PASID(5), VA | GN, 5, VA, VA + 0xfff },
        { WITH_PASID(5), 0x7f0000017000 | GN | 1, 5, 0x7f0000010000,
          0x7f000001ffff },
        { WITH_PASID(5), ALL_ADDRESSES | GN | 1, 5, 0, UINT64_MAX },
        { WITH_PASID(0x234), VA | GN, 0x234, VA, VA + 0xfff },
        { 0, PAGE, NO_PASID, PAGE, PAGE + 0xfff },
        { 0, ALL_ADDRESSES | 1, NO_PASID, 0, UINT64_MAX },
    };
    const uint32_t pasids[] = { 5, 6, 0x234, NO_PASID };
    Svm *s = start();

    for (int i = 0; i < ARRAY_SIZE(pasids); i++) {
        listen_for(s, pasids[i]);
    }
    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        command(s->b, INVALIDATE_IOTLB | row[i].word0, row[i].word1);
        testdev_assert_invalidation(s->t, i, row[i].pasid, row[i].first,
                                    row[i].last);
        g_assert_cmpint(testdev_get(s->t, TESTDEV_INVALIDATIONS), ==, i + 1);
    }
    /* None of these is for a device's TLB, or for this device */
    command(s->b, 0x3000000700000005, ALL_ADDRESSES | 7);
    command(s->b, 0x3000000700000000, ALL_ADDRESSES | 3);
    command(s->b, 0x2000000000000030, 0);
    command(s->b, 0x8000000000000000, 0);
    command(s->b, 0x4000000000000038, ALL_ADDRESSES | 1);
    command(s->b, INVALIDATE_IOTLB | WITH_PASID(7), ALL_ADDRESSES | GN | 1);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_INVALIDATIONS), ==,
                    ARRAY_SIZE(row));
    svm_stop(s);
}

/* PASID 0 means those without a PASID if GIoV=1, and else nobody */
static void test_invalidate_giov(void)
{
    Svm *s = start();

    listen_for(s, NO_PASID);
    command(s->b, INVALIDATE_IOTLB, 0x1000 | GN);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_INVALIDATIONS), ==, 0);
    svm_set_dte(s, DTE_GIOV, 0);
    command(s->b, INVALIDATE_IOTLB, 0x1000 | GN);
    testdev_assert_invalidation(s->t, 0, NO_PASID, 0x1000, 0x1fff);
    command(s->b, INVALIDATE_IOTLB, 0x3000);
    testdev_assert_invalidation(s->t, 1, NO_PASID, 0x3000, 0x3fff);
    svm_stop(s);
}

/* Without ATS neither requests nor invalidations reach anybody */
static void test_off(void)
{
    Svm *s = svm_start("svm=on,ats=off", "");

    g_assert_cmpint(testdev_translate(s->t, 0, PASID, VA).result, <, 0);
    command(s->b, INVALIDATE_IOTLB, ALL_ADDRESSES | 1);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_INVALIDATIONS), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & STATUS_CMD_BUF_RUN, !=, 0);
    svm_stop(s);
}

/* What the device reads at VA; all ones if the access fails */
static uint64_t read_word(Svm *s)
{
    uint64_t found = 0;

    return testdev_read(s->t, TESTDEV_PATH_UNTRANSLATED, PASID, VA, &found,
                        sizeof(found)) == TESTDEV_OK ? found : UINT64_MAX;
}

/*
 * Where RAM is may change: that of a display moves with its BAR, disappears
 * and comes back, while the translation stays the same and cached.
 */
static void test_moving_memory(void)
{
    const uint64_t first = 0xe4000000, second = 0xe6000000;
    Svm *s = svm_start("svm=on", "-device bochs-display,addr=07.0");

    svm_bind(s, PASID);
    svm_map(s, PASID, VA, first | G_USER);
    config_write(s->b, DISPLAY_ID, 0x10, first);
    config_write(s->b, DISPLAY_ID, 0x04, 2);
    qtest_writeq(s->b->qts, first, 0x1122334455667788);
    g_assert_cmphex(read_word(s), ==, 0x1122334455667788);
    config_write(s->b, DISPLAY_ID, 0x10, second);
    g_assert_cmphex(read_word(s), !=, 0x1122334455667788);
    svm_map(s, PASID, VA, second | G_USER);
    svm_flush(s, PASID);
    g_assert_cmphex(read_word(s), ==, 0x1122334455667788);
    config_write(s->b, DISPLAY_ID, 0x04, 0);
    g_assert_cmphex(read_word(s), !=, 0x1122334455667788);
    config_write(s->b, DISPLAY_ID, 0x04, 2);
    qtest_writeq(s->b->qts, second, 0x99);
    g_assert_cmphex(read_word(s), ==, 0x99);
    /* All the time the machine's own memory is where it was */
    qtest_writeq(s->b->qts, PAGE, 0x77);
    svm_map(s, PASID, VA, PAGE | G_USER);
    svm_flush(s, PASID);
    g_assert_cmphex(read_word(s), ==, 0x77);
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/ats/rights", test_rights);
    qtest_add_func("/amdvi/ats/nothing-there", test_nothing_there);
    qtest_add_func("/amdvi/ats/range", test_range);
    qtest_add_func("/amdvi/ats/sizes", test_sizes);
    qtest_add_func("/amdvi/ats/aborts", test_aborts);
    qtest_add_func("/amdvi/ats/giov", test_giov);
    qtest_add_func("/amdvi/ats/pasid-dma", test_pasid_dma);
    qtest_add_func("/amdvi/ats/translated", test_translated);
    qtest_add_func("/amdvi/ats/suppressed", test_suppressed);
    qtest_add_func("/amdvi/ats/target-abort", test_target_abort);
    qtest_add_func("/amdvi/ats/invalidate", test_invalidate);
    qtest_add_func("/amdvi/ats/invalidate-giov", test_invalidate_giov);
    qtest_add_func("/amdvi/ats/off", test_off);
    qtest_add_func("/amdvi/ats/moving-memory", test_moving_memory);
    return g_test_run();
}
