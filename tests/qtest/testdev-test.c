/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svm-testdev itself: its registers, its capabilities, and what it does
 * without an IOMMU and behind Intel's.  What it does behind ours is in the
 * tests of that.  docs/specs/svm-testdev.md
 */
#include "qemu/osdep.h"
#include "migrate.h"
#include "testdev.h"
#include "vtd.h"

#define TESTDEV_BDF 0x0028              /* 00:05.0 */
#define TESTDEV_BAR 0xe1000000ULL
#define PAGE 0x5000000ULL
#define OTHER_PAGE 0x5004000ULL
#define IOVA 0x7000ULL

#define CAP_MSI 0x05
#define PCI_COMMAND 0x04
#define PCI_CAPABILITIES 0x34
#define EXPRESS_CONTROL 0x88
#define EXPRESS_FLR 0x8000
#define MSI_ADDRESS 0x4000800ULL
#define MSI_DATA 0x4321

static Testdev *start(const char *iommu, const char *options)
{
    QTestState *qts = qtest_initf("-machine q35 -m 256M -nodefaults "
                                  "-nic none %s -device "
                                  "svm-testdev,addr=05.0%s", iommu, options);

    return testdev_find(qts, TESTDEV_BDF, TESTDEV_BAR);
}

static void stop(Testdev *t)
{
    qtest_quit(t->qts);
    g_free(t);
}

/* Fill a page of memory with bytes that are different for each @seed */
static void fill(Testdev *t, uint64_t addr, uint8_t seed)
{
    uint8_t bytes[0x1000];

    for (int i = 0; i < sizeof(bytes); i++) {
        bytes[i] = i * 7 + seed;
    }
    qtest_memwrite(t->qts, addr, bytes, sizeof(bytes));
}

/* Whether @len bytes read by the device are what fill() wrote */
static void assert_read(Testdev *t, uint32_t flags, uint32_t pasid,
                        uint64_t addr, uint8_t seed)
{
    uint8_t bytes[64];

    g_assert_cmpuint(testdev_read(t, flags, pasid, addr, bytes,
                                  sizeof(bytes)), ==, TESTDEV_OK);
    for (int i = 0; i < sizeof(bytes); i++) {
        g_assert_cmpuint(bytes[i], ==,
                         (uint8_t)(((addr & 0xfff) + i) * 7 + seed));
    }
}

static uint32_t try_read(Testdev *t, uint32_t flags, uint32_t pasid,
                         uint64_t addr)
{
    uint8_t bytes[8];

    return testdev_read(t, flags, pasid, addr, bytes, sizeof(bytes));
}

/* Offset, what can be written, value after reset */
static const struct {
    uint32_t offset;
    uint64_t writable;
    uint64_t initial;
} register_map[] = {
    { 0x000, 0, 0x0000000153564d54 },   /* ID */
    { 0x008, 0, 0x0040401400000100 },   /* CAPS */
    { 0x020, 0x7ff, 0 },                /* FLAGS */
    { 0x028, 0xfffff, 0 },              /* PASID */
    { 0x030, UINT64_MAX, 0 },           /* ADDRESS */
    { 0x038, UINT32_MAX, 0 },           /* LENGTH */
    { 0x040, UINT32_MAX, 0 },           /* BUFFER */
    { 0x048, 0x1ff, 0 },                /* PRG_INDEX */
    { 0x050, 0xff, 8 },                 /* RETRIES */
    { 0x058, 0xff, 1 },                 /* GROUP */
    { 0x0b0, 0x3, 0 },                  /* MISBEHAVE */
    { 0x0c8, 0x7, 0 },                  /* INT_ENABLE */
    { 0x180, UINT32_MAX, 0 },           /* TLB_INDEX */
    { 0x200, UINT32_MAX, 0 },           /* BENCH_COUNT */
    { 0x208, UINT32_MAX, 1 },           /* BENCH_PAGES */
    { 0x210, UINT64_MAX, 0 },           /* BENCH_SEED */
    { 0x230, 0xff, 12 },                /* BENCH_SHIFT */
    { 0x238, UINT32_MAX, 1 },           /* BENCH_PASIDS */
    { 0x240, UINT32_MAX, 1 },           /* BENCH_FUNCTIONS */
    { 0x248, UINT32_MAX, 0 },           /* BENCH_STORE_EVERY */
    { 0x250, UINT64_MAX, 0 },           /* BENCH_STORE_ADDRESS */
    { 0x258, UINT64_MAX, 0 },           /* BENCH_STORE_VALUE */
    { 0x260, UINT32_MAX, 0 },           /* BENCH_STORE_STEP */
    { 0x268, UINT32_MAX, 0 },           /* BENCH_STORE_SIZE */
};

/* What is not in the list reads as zero and cannot be written */
static void test_registers(void)
{
    Testdev *t = start("", "");
    int row = 0;

    for (uint32_t offset = 0; offset < 0x3000; offset += 8) {
        uint64_t writable = 0, initial = 0;

        if (row < ARRAY_SIZE(register_map) &&
            register_map[row].offset == offset) {
            writable = register_map[row].writable;
            initial = register_map[row].initial;
            row++;
        }
        if (offset == TESTDEV_COMMAND) {
            continue;
        }
        g_assert_cmphex(testdev_get(t, offset), ==, initial);
        testdev_set(t, offset, UINT64_MAX);
        g_assert_cmphex(testdev_get(t, offset), ==,
                        writable | (initial & ~writable));
        testdev_set(t, offset, 0);
        g_assert_cmphex(testdev_get(t, offset), ==, initial & ~writable);
    }
    g_assert_cmpint(row, ==, ARRAY_SIZE(register_map));
    stop(t);
}

static void test_halves(void)
{
    Testdev *t = start("", "");
    uint64_t at = TESTDEV_BAR + TESTDEV_ADDRESS;

    qtest_writel(t->qts, at + 4, 0x01234567);
    qtest_writel(t->qts, at, 0x89abcdef);
    g_assert_cmphex(testdev_get(t, TESTDEV_ADDRESS), ==, 0x0123456789abcdef);
    g_assert_cmphex(qtest_readl(t->qts, at + 4), ==, 0x01234567);
    /* The data window knows bytes */
    at = TESTDEV_BAR + TESTDEV_DATA;
    qtest_writeb(t->qts, at + 3, 0x5a);
    qtest_writew(t->qts, at + 0xfffe, 0x1234);
    g_assert_cmphex(qtest_readl(t->qts, at), ==, 0x5a000000);
    g_assert_cmphex(qtest_readw(t->qts, at + 0xfffe), ==, 0x1234);
    stop(t);
}

/* Version, next and ID of the extended capability at @offset */
static void assert_capability(Testdev *t, uint16_t offset, uint16_t id,
                              uint16_t next)
{
    g_assert_cmphex(testdev_config_get(t, offset), ==, id);
    g_assert_cmphex(testdev_config_get(t, offset + 2), ==, next << 4 | 1);
}

static void test_capabilities(void)
{
    Testdev *t = start("", ",pasid-bits=16,priv=off,prg-response-pasid=on,"
                       "page-requests=32");

    assert_capability(t, 0x100, 0x1b, 0x110);
    assert_capability(t, 0x110, 0x0f, 0x120);
    assert_capability(t, 0x120, 0x13, 0);
    /* 16 bits, execute */
    g_assert_cmphex(testdev_config_get(t, 0x104), ==, 0x1002);
    /* Page aligned */
    g_assert_cmphex(testdev_config_get(t, 0x114), ==, 0x0020);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_STATUS), ==, 0x8100);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_CAPACITY), ==, 32);
    g_assert_cmphex(testdev_get(t, TESTDEV_CAPS) >> 32 & 0xff, ==, 16);
    stop(t);
}

static void assert_all_off(Testdev *t)
{
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PASID_CTRL), ==, 0);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_ATS_CTRL), ==, 0);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_CTRL), ==, 0);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_STOPPED);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_ALLOCATION), ==, 0);
}

static void test_pri_stopped(void)
{
    Testdev *t = start("", "");

    assert_all_off(t);
    testdev_enable(t, 32);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_STATUS), ==, 0);
    /* An order without effect while PRI is enabled, and not kept */
    testdev_config_set(t, TESTDEV_PRI_CTRL, TESTDEV_PRI_ON |
                       TESTDEV_PRI_RESET);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_CTRL), ==,
                    TESTDEV_PRI_ON);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_STATUS), ==, 0);
    testdev_config_set(t, TESTDEV_PRI_CTRL, 0);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_STOPPED);
    /* As Linux does when a driver comes back */
    testdev_enable(t, 32);
    g_assert_cmphex(testdev_config_get(t, TESTDEV_PRI_STATUS), ==, 0);
    stop(t);
}

static void test_function_reset(void)
{
    Testdev *t = start("", "");

    testdev_enable(t, 32);
    testdev_set(t, TESTDEV_ADDRESS, 0x1234);
    qtest_writeb(t->qts, TESTDEV_BAR + TESTDEV_DATA, 1);
    testdev_config_set(t, EXPRESS_CONTROL, EXPRESS_FLR);
    assert_all_off(t);
    g_assert_cmphex(testdev_config_get(t, PCI_COMMAND) & 6, ==, 0);
    g_free(t);
}

static void test_system_reset(void)
{
    Testdev *t = start("", "");
    Testdev *again;

    testdev_enable(t, 32);
    testdev_set(t, TESTDEV_ADDRESS, 0x1234);
    qtest_writeb(t->qts, TESTDEV_BAR + TESTDEV_DATA, 1);
    qtest_system_reset(t->qts);
    again = testdev_find(t->qts, TESTDEV_BDF, TESTDEV_BAR);
    assert_all_off(again);
    g_assert_cmphex(testdev_get(again, TESTDEV_ADDRESS), ==, 0);
    g_assert_cmphex(testdev_get(again, TESTDEV_DATA), ==, 0);
    g_free(t);
    stop(again);
}

/* Without IOMMU, what needs none works and the rest is an error */
static void test_no_iommu(void)
{
    Testdev *t = start("", "");
    uint32_t untranslated = TESTDEV_PATH_UNTRANSLATED;
    uint32_t nobody = TESTDEV_NO_PASID;

    fill(t, PAGE, 3);
    assert_read(t, untranslated, nobody, PAGE + 0x120, 3);
    assert_read(t, TESTDEV_PATH_TLB, nobody, PAGE, 3);
    assert_read(t, TESTDEV_PATH_TRANSLATED, nobody, PAGE, 3);
    testdev_enable(t, 32);
    /* There is nobody to ask for translations */
    assert_read(t, TESTDEV_PATH_TLB, nobody, PAGE, 3);
    g_assert_cmpint(testdev_translate(t, 0, nobody, PAGE).result, ==, -ENODEV);
    g_assert_cmpint(testdev_request_page(t, TESTDEV_FLAG_READ, nobody, PAGE,
                                         1), ==, -ENODEV);
    g_assert_cmpuint(try_read(t, untranslated, 5, PAGE), ==, TESTDEV_ERROR);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_TLB, 5, PAGE), ==,
                     TESTDEV_ERROR);
    g_assert_cmpuint(testdev_count_tlb(t), ==, 0);
    /* Unassigned memory */
    g_assert_cmpuint(try_read(t, untranslated, nobody, 0x7000000000), ==,
                     TESTDEV_ERROR);
    stop(t);
}

static void test_write(void)
{
    Testdev *t = start("", "");
    uint8_t out[300], in[300];

    for (int i = 0; i < sizeof(out); i++) {
        out[i] = i;
    }
    g_assert_cmpuint(testdev_write(t, TESTDEV_PATH_TLB, TESTDEV_NO_PASID,
                                   PAGE + 0xff0, out, sizeof(out)), ==,
                     TESTDEV_OK);
    g_assert_cmpuint(testdev_get(t, TESTDEV_DONE), ==, sizeof(out));
    qtest_memread(t->qts, PAGE + 0xff0, in, sizeof(in));
    g_assert_cmpmem(in, sizeof(in), out, sizeof(out));
    stop(t);
}

/* Whatever is off, the device does not send what it may not */
static void test_switched_off(void)
{
    Testdev *t = start("", "");

    g_assert_cmpint(testdev_translate(t, 0, TESTDEV_NO_PASID, PAGE).result, ==,
                    -EPERM);
    g_assert_cmpint(testdev_request_page(t, TESTDEV_FLAG_READ,
                                         TESTDEV_NO_PASID, PAGE, 1), ==,
                    -EPERM);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_TLB, 5, PAGE), ==,
                     TESTDEV_ERROR);
    /* Attributes need a PASID, and each its enable bit */
    testdev_config_set(t, TESTDEV_PASID_CTRL, TESTDEV_PASID_ON);
    testdev_config_set(t, TESTDEV_ATS_CTRL, TESTDEV_ATS_ON);
    g_assert_cmpint(testdev_translate(t, TESTDEV_FLAG_EXEC, 5, PAGE).result,
                    ==, -EPERM);
    g_assert_cmpint(testdev_translate(t, TESTDEV_FLAG_PRIV, 5, PAGE).result,
                    ==, -EPERM);
    testdev_config_set(t, PCI_COMMAND, 2);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_TLB, TESTDEV_NO_PASID, PAGE), ==,
                     TESTDEV_ERROR);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_TRANSLATED, TESTDEV_NO_PASID,
                              PAGE), ==, TESTDEV_ERROR);
    stop(t);
}

static void test_refused(void)
{
    Testdev *t = start("", "");

    g_assert_cmpuint(testdev_run(t, 0, 0, 0, 0, 0), ==, TESTDEV_REFUSED);
    g_assert_cmpuint(testdev_run(t, 0xff, 0, 0, 0, 0), ==, TESTDEV_REFUSED);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_READ, 0, TESTDEV_NO_PASID,
                                 PAGE, 0x10001), ==, TESTDEV_REFUSED);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_READ, 0, TESTDEV_NO_PASID,
                                 PAGE, 0x10000), ==, TESTDEV_OK);
    testdev_set(t, TESTDEV_BUFFER, 1);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_READ, 0, TESTDEV_NO_PASID,
                                 PAGE, 0x10000), ==, TESTDEV_REFUSED);
    testdev_set(t, TESTDEV_BUFFER, 0);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_READ, TESTDEV_PATH_ATS,
                                 TESTDEV_NO_PASID, PAGE, 8), ==,
                     TESTDEV_REFUSED);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_CLOSE, 0, 7, 0, 0), ==,
                     TESTDEV_REFUSED);
    stop(t);
}

/* Contexts stay open until they are closed, and are limited */
static void test_contexts(void)
{
    Testdev *t = start("", "");

    testdev_enable(t, 32);
    for (int pasid = 0; pasid < 1024; pasid++) {
        try_read(t, TESTDEV_PATH_TLB, pasid, PAGE);
    }
    g_assert_cmpuint(testdev_get(t, TESTDEV_CONTEXTS), ==, 1024);
    try_read(t, TESTDEV_PATH_TLB, 1024, PAGE);
    g_assert_cmpuint(testdev_get(t, TESTDEV_CONTEXTS), ==, 1024);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_CLOSE, 0, 7, 0, 0), ==,
                     TESTDEV_OK);
    g_assert_cmpuint(testdev_get(t, TESTDEV_CONTEXTS), ==, 1023);
    testdev_config_set(t, TESTDEV_PASID_CTRL, 0);
    qtest_system_reset(t->qts);
    g_free(t);
}

static void msi_set_up(Testdev *t)
{
    uint16_t msi = testdev_config_get(t, PCI_CAPABILITIES) & 0xff;

    while ((testdev_config_get(t, msi) & 0xff) != CAP_MSI) {
        msi = testdev_config_get(t, msi) >> 8;
        g_assert_cmphex(msi, !=, 0);
    }
    testdev_config_set(t, msi + 4, MSI_ADDRESS & 0xffff);
    testdev_config_set(t, msi + 6, MSI_ADDRESS >> 16);
    testdev_config_set(t, msi + 12, MSI_DATA);
    testdev_config_set(t, msi + 2, testdev_config_get(t, msi + 2) | 1);
    qtest_writel(t->qts, MSI_ADDRESS, 0);
}

static bool msi_arrived(Testdev *t)
{
    uint32_t data = qtest_readl(t->qts, MSI_ADDRESS);

    qtest_writel(t->qts, MSI_ADDRESS, 0);
    return data == MSI_DATA;
}

static void test_interrupt(void)
{
    Testdev *t = start("", "");

    msi_set_up(t);
    testdev_run(t, TESTDEV_CMD_FLUSH, 0, 0, 0, 0);
    g_assert_false(msi_arrived(t));
    g_assert_cmphex(testdev_get(t, TESTDEV_INT_STATUS), ==,
                    TESTDEV_INT_COMPLETION);
    /* What has happened is not lost */
    testdev_set(t, TESTDEV_INT_ENABLE, TESTDEV_INT_COMPLETION);
    g_assert_cmphex(testdev_get(t, TESTDEV_INT_ENABLE), ==,
                    TESTDEV_INT_COMPLETION);
    g_assert_true(msi_arrived(t));
    testdev_set(t, TESTDEV_INT_STATUS, TESTDEV_INT_COMPLETION);
    g_assert_cmphex(testdev_get(t, TESTDEV_INT_STATUS), ==, 0);
    testdev_run(t, TESTDEV_CMD_FLUSH, 0, 0, 0, 0);
    g_assert_true(msi_arrived(t));
    stop(t);
}

static void wait_bench(Testdev *t)
{
    while (testdev_get(t, TESTDEV_STATUS)) {
        g_usleep(1000);
    }
}

static void test_bench(void)
{
    Testdev *t = start("", "");

    testdev_set(t, TESTDEV_BENCH_COUNT, 10000);
    testdev_set(t, TESTDEV_BENCH_PAGES, 16);
    testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_UNTRANSLATED,
                TESTDEV_NO_PASID, PAGE, 8);
    wait_bench(t);
    g_assert_cmpuint(testdev_get(t, TESTDEV_RESULT), ==, TESTDEV_OK);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_DONE), ==, 10000);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_FAILED), ==, 0);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_NS), >, 0);
    /* Each translation fails: there is no IOMMU */
    testdev_set(t, TESTDEV_BENCH_SEED, 42);
    testdev_set(t, TESTDEV_BENCH_COUNT, 100);
    testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_ATS, TESTDEV_NO_PASID,
                PAGE, 8);
    wait_bench(t);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_FAILED), ==, 100);
    /* Not within a page */
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_BENCH_WRITE, 0,
                                 TESTDEV_NO_PASID, PAGE + 0xffc, 8), ==,
                     TESTDEV_REFUSED);
    stop(t);
}

static void test_bench_cancel(void)
{
    Testdev *t = start("", "");

    testdev_set(t, TESTDEV_BENCH_COUNT, UINT32_MAX);
    testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_UNTRANSLATED,
                TESTDEV_NO_PASID, PAGE, 8);
    /* Nothing else is accepted meanwhile */
    testdev_set(t, TESTDEV_COMMAND, TESTDEV_CMD_FLUSH);
    g_assert_cmpuint(testdev_get(t, TESTDEV_STATUS), ==, TESTDEV_STATUS_BUSY);
    testdev_set(t, TESTDEV_COMMAND, TESTDEV_CMD_CANCEL);
    g_assert_cmpuint(testdev_get(t, TESTDEV_STATUS), ==, 0);
    g_assert_cmpuint(testdev_get(t, TESTDEV_RESULT), ==, TESTDEV_CANCELLED);
    stop(t);
}

/* Run a benchmark of 8 bytes to its end.  How many of its accesses failed */
static uint64_t bench(Testdev *t, uint32_t command, uint32_t path,
                      uint32_t pasid)
{
    testdev_run(t, command, path, pasid, PAGE, 8);
    wait_bench(t);
    g_assert_cmpuint(testdev_get(t, TESTDEV_RESULT), ==, TESTDEV_OK);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_DONE), ==,
                     testdev_get(t, TESTDEV_BENCH_COUNT));
    return testdev_get(t, TESTDEV_BENCH_FAILED);
}

/* Numbers that make no sense, each instead of the one after reset */
static void test_bench_refused(void)
{
    static const uint32_t bad[][3] = {
        { TESTDEV_BENCH_PAGES, 0, 1 }, { TESTDEV_BENCH_PASIDS, 0, 1 },
        { TESTDEV_BENCH_FUNCTIONS, 0, 1 },
        { TESTDEV_BENCH_FUNCTIONS, 257, 1 },
        { TESTDEV_BENCH_SHIFT, 11, 12 },
        { TESTDEV_BENCH_SHIFT, 41, 12 },
    };
    Testdev *t = start("", "");

    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        testdev_set(t, bad[i][0], bad[i][1]);
        g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_BENCH_READ, 0,
                                     TESTDEV_NO_PASID, PAGE, 8), ==,
                         TESTDEV_REFUSED);
        testdev_set(t, bad[i][0], bad[i][2]);
    }
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_BENCH_READ, 0x600,
                                 TESTDEV_NO_PASID, PAGE, 8), ==,
                     TESTDEV_REFUSED);
    stop(t);
}

/* Stores where registers are, alone and after every fourth access */
static void test_bench_store(void)
{
    Testdev *t = start("", "");

    testdev_set(t, TESTDEV_BENCH_COUNT, 5);
    testdev_set(t, TESTDEV_BENCH_STORE_ADDRESS, OTHER_PAGE);
    testdev_set(t, TESTDEV_BENCH_STORE_STEP, 16);
    testdev_set(t, TESTDEV_BENCH_STORE_SIZE, 64);
    g_assert_cmpuint(bench(t, TESTDEV_CMD_BENCH_STORE, 0, TESTDEV_NO_PASID),
                     ==, 0);
    g_assert_cmphex(testdev_get(t, TESTDEV_BENCH_STORE_VALUE), ==, 16);
    g_assert_cmphex(qtest_readq(t->qts, OTHER_PAGE), ==, 16);
    testdev_set(t, TESTDEV_BENCH_STORE_EVERY, 4);
    testdev_set(t, TESTDEV_BENCH_COUNT, 8 * 1024 + 2);
    testdev_set(t, TESTDEV_BENCH_STORE_SIZE, 0);
    g_assert_cmpuint(bench(t, TESTDEV_CMD_BENCH_READ,
                           TESTDEV_PATH_UNTRANSLATED, TESTDEV_NO_PASID), ==,
                     0);
    g_assert_cmphex(qtest_readq(t->qts, OTHER_PAGE), ==, 16 + 16 * 2048);
    stop(t);
}

/* A context is opened for each PASID, and no other */
static void test_bench_pasids(void)
{
    Testdev *t = start("", "");

    testdev_enable(t, 0);
    testdev_set(t, TESTDEV_BENCH_COUNT, 8);
    testdev_set(t, TESTDEV_BENCH_PASIDS, 3);
    testdev_set(t, TESTDEV_BENCH_PAGES, 2);
    bench(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_TLB, 7);
    g_assert_cmpuint(testdev_get(t, TESTDEV_CONTEXTS), ==, 3);
    for (int pasid = 7; pasid < 10; pasid++) {
        g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_CLOSE, 0, pasid, 0, 0),
                         ==, TESTDEV_OK);
    }
    stop(t);
}

/* Functions take turns; the second one may not send anything */
static void test_bench_functions(void)
{
    Testdev *t = start("-device svm-testdev,addr=05.1",
                       ",multifunction=on");

    testdev_set(t, TESTDEV_BENCH_COUNT, 100);
    testdev_set(t, TESTDEV_BENCH_FUNCTIONS, 2);
    g_assert_cmpuint(bench(t, TESTDEV_CMD_BENCH_WRITE, TESTDEV_PATH_CORE,
                           TESTDEV_NO_PASID), ==, 50);
    testdev_set(t, TESTDEV_BENCH_FUNCTIONS, 1);
    g_assert_cmpuint(bench(t, TESTDEV_CMD_BENCH_WRITE, TESTDEV_PATH_CORE,
                           TESTDEV_NO_PASID), ==, 0);
    stop(t);
}

/* In an I/O thread: the same counts, again after a benchmark was cancelled */
static void test_bench_iothread(void)
{
    Testdev *t = start("-object iothread,id=io1", ",iothread=io1");

    testdev_set(t, TESTDEV_BENCH_COUNT, UINT32_MAX);
    testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_CORE,
                TESTDEV_NO_PASID, PAGE, 8);
    testdev_set(t, TESTDEV_COMMAND, TESTDEV_CMD_CANCEL);
    g_assert_cmpuint(testdev_get(t, TESTDEV_RESULT), ==, TESTDEV_CANCELLED);
    testdev_set(t, TESTDEV_BENCH_COUNT, 5000);
    g_assert_cmpuint(bench(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_CORE,
                           TESTDEV_NO_PASID), ==, 0);
    /* It would have to open a context */
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_TLB,
                                 TESTDEV_NO_PASID, PAGE, 8), ==,
                     TESTDEV_REFUSED);
    stop(t);
}

/* The stock model of the AMD IOMMU has neither ATS nor PASIDs */
static void test_stock_amd(void)
{
    Testdev *t = start("-device amd-iommu", "");

    fill(t, PAGE, 3);
    testdev_enable(t, 32);
    assert_read(t, TESTDEV_PATH_TLB, TESTDEV_NO_PASID, PAGE, 3);
    g_assert_cmpint(testdev_translate(t, 0, TESTDEV_NO_PASID, PAGE).result, ==,
                    -ENODEV);
    g_assert_cmpint(testdev_request_page(t, TESTDEV_FLAG_READ, 5, PAGE, 1), ==,
                    -ENODEV);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_UNTRANSLATED, 5, PAGE), ==,
                     TESTDEV_ERROR);
    stop(t);
}

#define INTEL "-device intel-iommu,device-iotlb=on,intremap=off"

/* ATS without PASID behind Intel's IOMMU: a second opinion on our client */
static Testdev *start_intel(Vtd *v)
{
    Testdev *t = start(INTEL, "");

    vtd_set_up(v, t->qts, TESTDEV_BDF);
    testdev_config_set(t, TESTDEV_ATS_CTRL, TESTDEV_ATS_ON);
    fill(t, PAGE, 3);
    fill(t, OTHER_PAGE, 77);
    return t;
}

static void test_intel_translate(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);
    TestdevTranslation tr;

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    tr = testdev_translate(t, TESTDEV_FLAG_NO_WRITE, TESTDEV_NO_PASID, IOVA);
    g_assert_cmpint(tr.result, ==, 1);
    g_assert_cmphex(tr.iova, ==, IOVA);
    g_assert_cmphex(tr.addr, ==, PAGE);
    g_assert_cmphex(tr.mask, ==, 0xfff);
    g_assert_cmphex(tr.perm, ==, TESTDEV_PERM_READ);
    g_assert_cmpuint(tr.lacking, ==, 0);
    tr = testdev_translate(t, 0, TESTDEV_NO_PASID, IOVA + 0x1000);
    g_assert_cmpint(tr.result, ==, 1);
    g_assert_cmphex(tr.perm, ==, 0);
    g_assert_cmpuint(tr.lacking, ==, 1);
    stop(t);
}

/* Permission is asked for when it is needed, and kept only if granted */
static void test_intel_tlb(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);
    uint32_t none = TESTDEV_NO_PASID;
    TestdevTlbEntry entry;

    g_assert_cmpuint(try_read(t, 0, none, IOVA), ==, TESTDEV_FAULT);
    g_assert_cmphex(testdev_get(t, TESTDEV_FAULT_ADDRESS), ==, IOVA);
    g_assert_cmpuint(testdev_count_tlb(t), ==, 0);
    vtd_map(&v, IOVA, PAGE, VTD_READ | VTD_WRITE);
    assert_read(t, 0, none, IOVA, 3);
    g_assert_true(testdev_find_tlb(t, none, IOVA, &entry));
    g_assert_cmphex(entry.addr, ==, PAGE);
    g_assert_cmpuint(entry.shift, ==, 12);
    g_assert_cmphex(entry.perm, ==, TESTDEV_PERM_READ);
    assert_read(t, 0, none, IOVA + 64, 3);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_TLB_HITS), ==, 1);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_TLB_MISSES), ==, 2);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_ATS_REQUESTS), ==, 2);
    g_assert_cmpuint(testdev_write(t, 0, none, IOVA, "x", 1), ==, TESTDEV_OK);
    g_assert_true(testdev_find_tlb(t, none, IOVA, &entry));
    g_assert_cmphex(entry.perm, ==, TESTDEV_PERM_READ | TESTDEV_PERM_WRITE);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_TLB_MISSES), ==, 3);
    g_assert_cmphex(qtest_readb(t->qts, PAGE), ==, 'x');
    stop(t);
}

/* Part of an access: what is before the page that is missing is moved */
static void test_intel_partial(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    g_assert_cmpuint(testdev_run(t, TESTDEV_CMD_READ, 0, TESTDEV_NO_PASID,
                                 IOVA + 0xf00, 0x200), ==, TESTDEV_FAULT);
    g_assert_cmpuint(testdev_get(t, TESTDEV_DONE), ==, 0x100);
    g_assert_cmphex(testdev_get(t, TESTDEV_FAULT_ADDRESS), ==, IOVA + 0x1000);
    stop(t);
}

static void test_intel_invalidate(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);
    uint32_t none = TESTDEV_NO_PASID;
    TestdevTlbEntry entry;

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    vtd_map(&v, IOVA + 0x1000, OTHER_PAGE, VTD_READ);
    assert_read(t, 0, none, IOVA, 3);
    assert_read(t, 0, none, IOVA + 0x1000, 77);
    vtd_map(&v, IOVA, OTHER_PAGE, VTD_READ);
    vtd_invalidate_iommu(&v);
    /* The device has not been told */
    assert_read(t, 0, none, IOVA, 3);
    vtd_invalidate_device_page(&v, IOVA);
    testdev_assert_invalidation(t, 0, none, IOVA, IOVA + 0xfff);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_DROPPED), ==, 1);
    g_assert_true(testdev_find_tlb(t, none, IOVA + 0x1000, &entry));
    g_assert_false(testdev_find_tlb(t, none, IOVA, &entry));
    assert_read(t, 0, none, IOVA, 77);
    vtd_invalidate_device(&v);
    g_assert_cmpuint(testdev_get(t, TESTDEV_INVALIDATIONS), ==, 2);
    g_assert_cmpuint(testdev_count_tlb(t), ==, 0);
    g_assert_cmphex(testdev_get(t, TESTDEV_INT_STATUS) &
                    TESTDEV_INT_INVALIDATION, !=, 0);
    stop(t);
}

static void test_intel_keep_stale(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    assert_read(t, 0, TESTDEV_NO_PASID, IOVA, 3);
    testdev_set(t, TESTDEV_MISBEHAVE, TESTDEV_KEEP_STALE);
    vtd_map(&v, IOVA, 0, 0);
    vtd_invalidate_iommu(&v);
    vtd_invalidate_device_page(&v, IOVA);
    testdev_assert_invalidation(t, 0, TESTDEV_NO_PASID, IOVA, IOVA + 0xfff);
    assert_read(t, 0, TESTDEV_NO_PASID, IOVA, 3);
    testdev_set(t, TESTDEV_MISBEHAVE, 0);
    vtd_invalidate_device_page(&v, IOVA);
    g_assert_cmpuint(try_read(t, 0, TESTDEV_NO_PASID, IOVA), ==,
                     TESTDEV_FAULT);
    stop(t);
}

/* Linux switches ATS off without a further invalidation */
static void test_intel_ats_off(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    assert_read(t, 0, TESTDEV_NO_PASID, IOVA, 3);
    testdev_config_set(t, TESTDEV_ATS_CTRL, 0);
    g_assert_cmpuint(testdev_count_tlb(t), ==, 0);
    /* Untranslated from now on */
    assert_read(t, 0, TESTDEV_NO_PASID, IOVA, 3);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_ATS_REQUESTS), ==, 1);
    testdev_config_set(t, TESTDEV_ATS_CTRL, TESTDEV_ATS_ON);
    assert_read(t, 0, TESTDEV_NO_PASID, IOVA, 3);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_ATS_REQUESTS), ==, 2);
    stop(t);
}

static void test_intel_untranslated(void)
{
    Vtd v;
    Testdev *t = start_intel(&v);
    uint32_t none = TESTDEV_NO_PASID;

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    assert_read(t, TESTDEV_PATH_UNTRANSLATED, none, IOVA, 3);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_UNTRANSLATED, none,
                              IOVA + 0x1000), ==, TESTDEV_ERROR);
    assert_read(t, TESTDEV_PATH_TRANSLATED, none, OTHER_PAGE, 77);
    /* This IOMMU understands no PASID of ours */
    testdev_config_set(t, TESTDEV_PASID_CTRL, TESTDEV_PASID_ON);
    g_assert_cmpuint(try_read(t, TESTDEV_PATH_UNTRANSLATED, 5, IOVA), ==,
                     TESTDEV_ERROR);
    stop(t);
}

/* It has no place for listeners then, and ends QEMU if asked for one */
static void test_intel_without_ats(void)
{
    Testdev *t = start("-device intel-iommu,intremap=off", "");
    Vtd v;

    vtd_set_up(&v, t->qts, TESTDEV_BDF);
    testdev_config_set(t, TESTDEV_ATS_CTRL, TESTDEV_ATS_ON);
    fill(t, PAGE, 3);
    vtd_map(&v, IOVA, PAGE, VTD_READ);
    /* The context entry asks for what this IOMMU does not offer */
    g_assert_cmpuint(try_read(t, 0, TESTDEV_NO_PASID, IOVA), ==,
                     TESTDEV_ERROR);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_ATS_REQUESTS), ==, 0);
    stop(t);
}

/* More pages than the TLB holds: it stays bounded, and all is found anew */
static void test_intel_tlb_bounded(void)
{
    Testdev *t = start(INTEL, ",tlb-entries=8");
    Vtd v;

    vtd_set_up(&v, t->qts, TESTDEV_BDF);
    testdev_config_set(t, TESTDEV_ATS_CTRL, TESTDEV_ATS_ON);
    fill(t, PAGE, 3);
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 32; i++) {
            vtd_map(&v, i << 12, PAGE, VTD_READ);
            assert_read(t, 0, TESTDEV_NO_PASID, i << 12, 3);
        }
    }
    g_assert_cmpuint(testdev_get(t, TESTDEV_CAPS) & UINT32_MAX, ==, 8);
    g_assert_cmpuint(testdev_count_tlb(t), ==, 8);
    g_assert_cmpuint(testdev_get(t, TESTDEV_COUNT_TLB_MISSES), ==, 64);
    stop(t);
}

/* Registers, data, enables and contexts arrive; the TLB starts empty */
/* Translation alone: only behind an IOMMU, and only what it allows */
static void test_bench_region(void)
{
    Testdev *t = start("", "");
    Vtd v;

    testdev_set(t, TESTDEV_BENCH_COUNT, 10);
    g_assert_cmpuint(bench(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_REGION,
                           TESTDEV_NO_PASID), ==, 10);
    stop(t);
    t = start_intel(&v);
    testdev_set(t, TESTDEV_BENCH_COUNT, 10);
    vtd_map(&v, IOVA, PAGE, VTD_READ);
    testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_REGION,
                TESTDEV_NO_PASID, IOVA, 8);
    wait_bench(t);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_FAILED), ==, 0);
    testdev_run(t, TESTDEV_CMD_BENCH_WRITE, TESTDEV_PATH_REGION,
                TESTDEV_NO_PASID, IOVA, 8);
    wait_bench(t);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_FAILED), ==, 10);
    stop(t);
}

static void test_migration(void)
{
    g_autofree char *path = NULL;
    Vtd v;
    Testdev *from = start_intel(&v);
    Testdev to = *from;

    vtd_map(&v, IOVA, PAGE, VTD_READ);
    assert_read(from, 0, TESTDEV_NO_PASID, IOVA, 3);
    testdev_config_set(from, TESTDEV_PRI_CTRL, TESTDEV_PRI_ON);
    path = migrate_save(from->qts);
    to.qts = qtest_init("-machine q35 -m 256M -nodefaults -nic none " INTEL
                        " -device svm-testdev,addr=05.0 -incoming defer");
    migrate_load(to.qts, path);
    unlink(path);
    stop(from);
    g_assert_cmphex(testdev_get(&to, TESTDEV_ADDRESS), ==, IOVA);
    g_assert_cmphex(testdev_get(&to, TESTDEV_DATA), ==, 0x342d261f18110a03);
    g_assert_cmpuint(testdev_get(&to, TESTDEV_CONTEXTS), ==, 1);
    g_assert_cmpuint(testdev_get(&to, TESTDEV_COUNT_ATS_REQUESTS), ==, 1);
    g_assert_cmphex(testdev_config_get(&to, TESTDEV_PRI_STATUS), ==, 0);
    g_assert_cmpuint(testdev_count_tlb(&to), ==, 0);
    assert_read(&to, 0, TESTDEV_NO_PASID, IOVA, 3);
    g_assert_cmpuint(testdev_get(&to, TESTDEV_COUNT_ATS_REQUESTS), ==, 2);
    v.qts = to.qts;
    vtd_invalidate_device(&v);
    g_assert_cmpuint(testdev_count_tlb(&to), ==, 0);
    qtest_quit(to.qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/testdev/registers", test_registers);
    qtest_add_func("/amdvi/testdev/halves", test_halves);
    qtest_add_func("/amdvi/testdev/capabilities", test_capabilities);
    qtest_add_func("/amdvi/testdev/pri-stopped", test_pri_stopped);
    qtest_add_func("/amdvi/testdev/function-reset", test_function_reset);
    qtest_add_func("/amdvi/testdev/system-reset", test_system_reset);
    qtest_add_func("/amdvi/testdev/no-iommu", test_no_iommu);
    qtest_add_func("/amdvi/testdev/write", test_write);
    qtest_add_func("/amdvi/testdev/switched-off", test_switched_off);
    qtest_add_func("/amdvi/testdev/refused", test_refused);
    qtest_add_func("/amdvi/testdev/contexts", test_contexts);
    qtest_add_func("/amdvi/testdev/interrupt", test_interrupt);
    qtest_add_func("/amdvi/testdev/bench", test_bench);
    qtest_add_func("/amdvi/testdev/bench-cancel", test_bench_cancel);
    qtest_add_func("/amdvi/testdev/bench-refused", test_bench_refused);
    qtest_add_func("/amdvi/testdev/bench-store", test_bench_store);
    qtest_add_func("/amdvi/testdev/bench-pasids", test_bench_pasids);
    qtest_add_func("/amdvi/testdev/bench-functions", test_bench_functions);
    qtest_add_func("/amdvi/testdev/bench-region", test_bench_region);
    qtest_add_func("/amdvi/testdev/bench-iothread", test_bench_iothread);
    qtest_add_func("/amdvi/testdev/stock-amd", test_stock_amd);
    qtest_add_func("/amdvi/testdev/intel-translate", test_intel_translate);
    qtest_add_func("/amdvi/testdev/intel-tlb", test_intel_tlb);
    qtest_add_func("/amdvi/testdev/intel-partial", test_intel_partial);
    qtest_add_func("/amdvi/testdev/intel-invalidate", test_intel_invalidate);
    qtest_add_func("/amdvi/testdev/intel-keep-stale", test_intel_keep_stale);
    qtest_add_func("/amdvi/testdev/intel-ats-off", test_intel_ats_off);
    qtest_add_func("/amdvi/testdev/intel-untranslated",
                   test_intel_untranslated);
    qtest_add_func("/amdvi/testdev/intel-without-ats",
                   test_intel_without_ats);
    qtest_add_func("/amdvi/testdev/intel-tlb-bounded",
                   test_intel_tlb_bounded);
    qtest_add_func("/amdvi/testdev/migration", test_migration);
    return g_test_run();
}
