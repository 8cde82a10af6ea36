/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP events: what they say, that one a second is sent and the others are
 * counted; and the monitor's text.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "ask.h"
#include "testdev.h"

#define DEV 0x0030                      /* 00:06.0, svm-testdev */
#define DEV_BAR 0xe1000000ULL
#define NOBODY TESTDEV_NO_PASID
#define PPRS 0x2200000ULL
#define SECOND 1000000000LL
#define WAIT " COMPLETION_WAIT: all earlier commands are finished"
/* GV, GLX=0, PPR and no host table; the GCR3 table is table(0) */
#define DTE_GUEST (PTE_RW | 3 | 1ULL << 55 | 1ULL << 52)

static Bench *start(Testdev **t)
{
    Bench *b = bench_start("svm=on", "-device svm-testdev,addr=06.0");
    const uint64_t dte[4] = {
        DTE_GUEST | (table(0) >> 12 & 7) << 58,
        (table(0) >> 15 & 0xffff) << 16 | 1ULL << 32 | DOMAIN,
    };

    bench_set_up(b);
    reg_write(b, REG_PPR_BASE, PPRS | 8ULL << 56);
    reg_write(b, REG_CONTROL, reg_read(b, REG_CONTROL) | CONTROL_GT_EN |
              CONTROL_PPR_EN | CONTROL_PPR_LOG_EN);
    *t = testdev_find(b->qts, DEV, DEV_BAR);
    testdev_enable(*t, 32);
    set_entry(b, 0, 5, table(1) | 1);
    set_dte_of(b, DEV, dte);
    return b;
}

static void stop(Bench *b, Testdev *t)
{
    g_free(t);
    bench_stop(b);
}

/* Data of the next event, which has to be this one; to be unref'd */
static QDict *next_event(Bench *b, const char *name)
{
    QDict *event = qtest_qmp_eventwait_ref(b->qts, name);
    QDict *data = qdict_get_qdict(event, "data");

    qobject_ref(data);
    qobject_unref(event);
    g_assert_cmpstr(qdict_get_str(data, "id"), ==, "iommu0");
    return data;
}

static void fault(Testdev *t, uint64_t addr)
{
    uint64_t bytes = 0;

    g_assert_cmpint(testdev_write(t, TESTDEV_PATH_UNTRANSLATED, 5, addr,
                                  &bytes, 8), ==, TESTDEV_ERROR);
}

static void test_fault(void)
{
    Testdev *t;
    Bench *b = start(&t);
    QDict *data;

    fault(t, 0x4000);
    data = next_event(b, "AMD_IOMMU_FAULT");
    g_assert_cmpint(number(data, "device-id"), ==, DEV);
    g_assert_cmpint(number(data, "pasid"), ==, 5);
    g_assert_cmphex(number(data, "address"), ==, 0x4000);
    g_assert_true(qdict_get_bool(data, "write"));
    g_assert_false(qdict_get_bool(data, "read"));
    g_assert_cmpstr(qdict_get_str(data, "reason"), ==, "guest-not-present");
    g_assert_cmpint(number(data, "suppressed"), ==, 0);
    qobject_unref(data);
    stop(b, t);
}

/* Those within a second of the last one are only counted */
static void test_rate(void)
{
    Testdev *t;
    Bench *b = start(&t);
    QDict *data;

    for (int i = 0; i < 10; i++) {
        fault(t, 0x4000 + i * 0x1000);
    }
    data = next_event(b, "AMD_IOMMU_FAULT");
    g_assert_cmphex(number(data, "address"), ==, 0x4000);
    qobject_unref(data);
    qtest_clock_step(b->qts, SECOND);
    fault(t, 0x77000);
    data = next_event(b, "AMD_IOMMU_FAULT");
    g_assert_cmphex(number(data, "address"), ==, 0x77000);
    g_assert_cmpint(number(data, "suppressed"), ==, 9);
    qobject_unref(data);
    stop(b, t);
}

static void test_page_request(void)
{
    Testdev *t;
    Bench *b = start(&t);
    QDict *data;

    testdev_request_page(t, TESTDEV_FLAG_READ | TESTDEV_FLAG_LAST, 5, 0x4000,
                         3);
    data = next_event(b, "AMD_IOMMU_PAGE_REQUEST");
    g_assert_cmpint(number(data, "device-id"), ==, DEV);
    g_assert_cmpint(number(data, "pasid"), ==, 5);
    g_assert_cmphex(number(data, "address"), ==, 0x4000);
    g_assert_cmpint(number(data, "prg-index"), ==, 3);
    g_assert_true(qdict_get_bool(data, "last"));
    g_assert_true(qdict_get_bool(data, "read"));
    g_assert_false(qdict_get_bool(data, "exec"));
    qobject_unref(data);
    stop(b, t);
}

/* An event log of 256 entries has room for 255 */
static void test_overflow(void)
{
    Testdev *t;
    Bench *b = start(&t);
    QDict *data;

    for (int i = 0; i < 256; i++) {
        fault(t, i * 0x1000);
    }
    data = next_event(b, "AMD_IOMMU_LOG_OVERFLOW");
    g_assert_cmpstr(qdict_get_str(data, "log"), ==, "event");
    qobject_unref(data);
    stop(b, t);
}

static void test_command_error(void)
{
    Testdev *t;
    Bench *b = start(&t);
    uint32_t offset = b->command_tail;
    QDict *data;

    command(b, 0xe000000000000000, 0);
    data = next_event(b, "AMD_IOMMU_COMMAND_ERROR");
    g_assert_cmphex(number(data, "address"), ==, COMMANDS + offset);
    g_assert_cmphex(word(qdict_get_qlist(data, "event"), 0), ==,
                    0x5000000000000000);
    g_assert_cmphex(word(qdict_get_qlist(data, "event"), 1), ==,
                    COMMANDS + offset);
    qobject_unref(data);
    stop(b, t);
}

static void assert_text(Bench *b, const char *topic, const char *part)
{
    g_autofree char *text = qtest_hmp(b->qts, "info amd-iommu %s", topic);

    if (!strstr(text, part)) {
        g_test_message("%s", text);
        g_assert_not_reached();
    }
}

static void assert_no_text(Bench *b, const char *topic, const char *part)
{
    g_autofree char *text = qtest_hmp(b->qts, "info amd-iommu %s", topic);

    if (strstr(text, part)) {
        g_test_message("%s", text);
        g_assert_not_reached();
    }
}

/* Each topic shows what has happened */
static void test_hmp(void)
{
    Testdev *t;
    Bench *b = start(&t);

    for (int i = 1; i < 4; i++) {
        set_entry(b, i, 0, table(i + 1) | 7);
    }
    set_entry(b, 4, 2, PAGE | 7);
    testdev_read(t, TESTDEV_PATH_UNTRANSLATED, 5, 0x2000, &(uint64_t) { 0 },
                 8);
    fault(t, 0x4000);
    testdev_request_page(t, TESTDEV_FLAG_READ, 5, 0x4000, 3);
    assert_text(b, "", "iommu0: engine svm, enabled");
    assert_text(b, "", "16 bits of PASID, 5 guest levels, 4096 entries of "
                "IOTLB, ATS, PRI\r\n");
    assert_text(b, "status", "event: base 0x2100000");
    assert_text(b, "devices", "00:06.0 guest DomainID 42");
    assert_text(b, "iotlb", "DomainID 42 PASID 5 0x2000 to 0x5000000");
    assert_text(b, "stats", "00:06.0: 2 requests, 0 hits, 2 misses, 1 faults");
    assert_text(b, "trace", "fault 00:06.0 PASID 5 0x0000000000004000");
    assert_text(b, "page-requests", "00:06.0 PASID 5 PRG 3: 1 pages");
    assert_text(b, "nonsense", "There is no such topic");
    stop(b, t);
}

/* Registers, rings and tables are as they were set up */
static void test_hmp_tables(void)
{
    Testdev *t;
    Bench *b = start(&t);
    g_autofree char *gcr3 = g_strdup_printf("PASID 5 0x%" PRIx64 ": 0x%016"
                                            PRIx64, table(0) + 5 * 8,
                                            table(1) | 1);

    for (int i = 1; i < 4; i++) {
        set_entry(b, i, 0, table(i + 1) | 7);
    }
    set_entry(b, 4, 2, PAGE | 7);
    fault(t, 0x4000);
    testdev_request_page(t, TESTDEV_FLAG_READ, 5, 0x4000, 3);
    command(b, 0xe000000000000000, 0x1234);
    assert_text(b, "registers", "00008 cmd-base 0x");
    assert_text(b, "commands", "0xe000000000000000 0x0000000000001234");
    assert_text(b, "events", " 0x0000000000004000 IO_PAGE_FAULT: a request "
                "was refused by the guest tables\r\n"
                "00010 0x5000000000000000");
    assert_no_text(b, "events", "There is more");
    assert_text(b, "ppr", "00000 0x");
    assert_no_text(b, "ppr", "There is more");
    assert_text(b, "gcr3 00:06.0", gcr3);
    assert_text(b, "mappings 00:06.0 5", "0x2000 to 0x2fff: 0x5000000 2^12 "
                "bytes rw");
    stop(b, t);
}

/*
 * A ring that has gone around shows its last 32 entries in their order, and
 * says that there are others only if there are.
 */
static void test_hmp_ring(void)
{
    Testdev *t;
    Bench *b = start(&t);

    while (b->command_tail < 32 * 16) {
        command(b, 0x1000000000000000, b->command_tail);
    }
    assert_text(b, "commands", "00010 0x1000000000000000 0x0000000000000010");
    assert_no_text(b, "commands", "There is more");
    command(b, 0x1000000000000000, 0x200);
    assert_text(b, "commands", "There is more: query-amd-iommu-log shows all "
                "of it.");
    assert_no_text(b, "commands", "\n00000 0x");
    while (b->command_tail >= 32 * 16) {
        command(b, 0x1000000000000000, b->command_tail);
    }
    command(b, 0x1000000000000000, 0x1234);
    assert_text(b, "commands",
                "00ff0 0x1000000000000000 0x0000000000000ff0" WAIT "\r\n"
                "00000 0x1000000000000000 0x0000000000001234" WAIT "\r\n"
                "There is more");
    /* Software clears what it has taken, as Linux does */
    fault(t, 0x4000);
    fault(t, 0x5000);
    qtest_memset(b->qts, EVENTS, 0, 16);
    reg_write(b, REG_EVENT_HEAD, 0x10);
    assert_text(b, "events", "00010 0x");
    assert_no_text(b, "events", "00000 0x");
    /* What is pending is shown whatever it is */
    qtest_memset(b->qts, EVENTS + 16, 0, 16);
    assert_text(b, "events", "00010 0x0000000000000000 0x0000000000000000");
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN);
    reg_write(b, REG_EVENT_BASE, 0x8000000000 | 8ULL << 56);
    assert_text(b, "events", "The ring is not in memory.\r\n");
    reg_write(b, REG_EVENT_BASE, 8ULL << 56);
    qtest_writeq(b->qts, 0xff0, 1);
    assert_text(b, "events", "The ring is not set up.\r\n");
    assert_no_text(b, "events", "0x");
    stop(b, t);
}

/* The stock engine has no caches and no history, and says what it needs */
static void test_hmp_stock(void)
{
    static const char *const needs_svm[] = {
        "iotlb", "stats", "trace", "page-requests", "armed", "breaks",
    };
    Bench *b = bench_start("", "");

    bench_set_up(b);
    set_dte(b, PTE_RW | 3, DOMAIN);
    command(b, 0x1000000000000000, 0x1234);
    assert_text(b, "", "iommu0: engine stock, enabled");
    assert_text(b, "registers", "00008 cmd-base 0x0800000002");
    assert_text(b, "devices", "bypass DomainID 42");
    assert_text(b, "commands", "00010 0x1000000000000000 0x0000000000001234");
    assert_no_text(b, "events", "0x");
    assert_text(b, "ppr", "The ring is not set up.\r\n");
    assert_no_text(b, "gcr3 00:05.0", "PASID");
    assert_text(b, "mappings 00:05.0", "0x0 to 0xffffffffffffffff");
    for (int i = 0; i < ARRAY_SIZE(needs_svm); i++) {
        assert_text(b, needs_svm[i],
                    "Error: this needs an amd-iommu with svm=on\r\n");
    }
    bench_stop(b);
    b = bench_start("svm=on,pri=off", "");
    assert_text(b, "ppr", "Error: this IOMMU has no such ring\r\n");
    bench_stop(b);
}

/* Machines with another IOMMU, or none */
static void test_hmp_none(void)
{
    static const char *const iommus[] = { "", "-device intel-iommu" };
    static const char *const topics[] = {
        "", "status", "registers", "devices", "commands", "events", "ppr",
        "gcr3 00:05.0", "mappings 00:05.0 1", "iotlb", "stats", "trace",
        "page-requests", "armed", "breaks",
    };

    for (int i = 0; i < ARRAY_SIZE(iommus); i++) {
        Bench b = { .qts = qtest_initf("-machine q35 -nodefaults %s",
                                       iommus[i]) };

        for (int j = 0; j < ARRAY_SIZE(topics); j++) {
            assert_text(&b, topics[j],
                        "Error: this machine has no AMD IOMMU\r\n");
        }
        assert_text(&b, "nonsense", "There is no such topic");
        qtest_quit(b.qts);
    }
}

static void test_hmp_refused(void)
{
    static const char *const devices[] = {
        "", "5", "00:06", "00:20.0", "00:06.8", "00:06.0x", "-1:06.0",
        "000:06.0",
    };
    Testdev *t;
    Bench *b = start(&t);

    for (int i = 0; i < ARRAY_SIZE(devices); i++) {
        g_autofree char *topic = g_strdup_printf("gcr3 %s", devices[i]);

        assert_text(b, topic, "Error: gcr3 needs a device, like 00:05.0");
    }
    assert_text(b, "mappings", "Error: mappings needs a device");
    assert_text(b, "mappings 00:06.0 0x100000", "Error: ");
    assert_text(b, "trace 00:06.0", "Error: trace takes no device");
    stop(b, t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/qmp-event/fault", test_fault);
    qtest_add_func("/amdvi/qmp-event/rate", test_rate);
    qtest_add_func("/amdvi/qmp-event/page-request", test_page_request);
    qtest_add_func("/amdvi/qmp-event/overflow", test_overflow);
    qtest_add_func("/amdvi/qmp-event/command-error", test_command_error);
    qtest_add_func("/amdvi/qmp-event/hmp", test_hmp);
    qtest_add_func("/amdvi/qmp-event/hmp/tables", test_hmp_tables);
    qtest_add_func("/amdvi/qmp-event/hmp/ring", test_hmp_ring);
    qtest_add_func("/amdvi/qmp-event/hmp/stock", test_hmp_stock);
    qtest_add_func("/amdvi/qmp-event/hmp/none", test_hmp_none);
    qtest_add_func("/amdvi/qmp-event/hmp/refused", test_hmp_refused);
    return g_test_run();
}
