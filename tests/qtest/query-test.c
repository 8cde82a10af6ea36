/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP queries: that they say what registers and memory hold, with both
 * engines, page by page, and that bad arguments are refused.
 */
#include "qemu/osdep.h"
#include "qobject/qjson.h"
#include "ask.h"

/* Every register that is shown reads in MMIO as it is shown */
static void test_registers(const void *options)
{
    Bench *b = bench_start(options, "");
    const QListEntry *entry;
    QDict *reply;
    int64_t last = -1;

    bench_set_up(b);
    command(b, 0x8000000000000000, 0);
    reply = ask(b, "{ 'execute': 'query-amd-iommu-registers' }");
    g_assert_false(qdict_haskey(reply, "next"));
    QLIST_FOREACH_ENTRY(qdict_get_qlist(reply, "registers"), entry) {
        QDict *reg = qobject_to(QDict, qlist_entry_obj(entry));
        int64_t offset = qdict_get_int(reg, "offset");

        g_assert_cmpint(offset, >, last);
        g_assert_cmphex(number(reg, "value"), ==,
                        reg_read_size(b, offset, qdict_get_int(reg, "size")));
        last = offset;
    }
    g_assert_cmphex(last, >=, REG_STATUS);
    qobject_unref(reply);
    bench_stop(b);
}

/* What a reset would bring, although the registers hold other values now */
static void test_reset_values(void)
{
    Bench *b = bench_start("svm=on", "");
    QDict *reply, *reg;

    reg_write(b, REG_EVENT_BASE, EVENTS | 9ULL << 56);
    reply = ask(b, "{ 'execute': 'query-amd-iommu-registers',"
                "  'arguments': { 'start': 16, 'limit': 1, 'id': 'iommu0' } }");
    reg = qobject_to(QDict, qlist_peek(qdict_get_qlist(reply, "registers")));
    g_assert_cmpstr(qdict_get_str(reg, "name"), ==, "event-base");
    g_assert_cmphex(number(reg, "value"), ==, EVENTS | 9ULL << 56);
    g_assert_cmphex(number(reg, "reset"), ==, 8ULL << 56);
    g_assert_cmpint(qdict_get_int(reply, "next"), ==, REG_CONTROL);
    qobject_unref(reply);
    bench_stop(b);
}

static QDict *entry_of(QDict *table, uint16_t device_id)
{
    const QListEntry *entry;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(table, "entries"), entry) {
        QDict *dte = qobject_to(QDict, qlist_entry_obj(entry));

        if (qdict_get_int(dte, "device-id") == device_id) {
            return dte;
        }
    }
    return NULL;
}

/* The raw words, and what they mean; both engines */
static void test_device_table(const void *options)
{
    static const struct {
        uint64_t dte[4];
        const char *mode;
    } kind[] = {
        { { 0, 0, 0, 0 }, "invalid" },
        { { 1, 0, 0, 0 }, "blocked" },
        { { 3, 0, 1, 0 }, "blocked" },
        { { DTE_PASS_THROUGH, 5, 0, 0 }, "bypass" },
        { { 0x600000001abcd803, 0x2a, 0, 0 }, "host" },
        { { DTE_PASS_THROUGH | 4, 7, 0, 0 }, "illegal" },
    };
    Bench *b = bench_start(options, "");

    bench_set_up(b);
    for (int i = 0; i < ARRAY_SIZE(kind); i++) {
        QDict *table, *dte;

        set_dte_of(b, EDU_ID, kind[i].dte);
        table = ask(b, "{ 'execute': 'query-amd-iommu-device-table' }");
        dte = entry_of(table, EDU_ID);
        g_assert_nonnull(dte);
        g_assert_cmpstr(qdict_get_str(dte, "mode"), ==, kind[i].mode);
        g_assert_true(qdict_get_bool(dte, "present"));
        g_assert_cmphex(number(dte, "address"), ==, DEVTAB + 32 * EDU_ID);
        g_assert_cmpint(qdict_get_int(dte, "domain-id"), ==,
                        kind[i].dte[1] & 0xffff);
        for (int n = 0; n < 4; n++) {
            g_assert_cmphex(word(qdict_get_qlist(dte, "dte"), n), ==,
                            kind[i].dte[n]);
        }
        qobject_unref(table);
    }
    bench_stop(b);
}

/* A device beyond the table is shown, without an entry */
static void test_beyond_table(void)
{
    Bench *b = bench_start_behind_port();
    QDict *table, *dte;

    reg_write(b, REG_DEVTAB, DEVTAB);
    table = ask(b, "{ 'execute': 'query-amd-iommu-device-table' }");
    dte = entry_of(table, b->edu);
    g_assert_cmpstr(qdict_get_str(dte, "mode"), ==, "unreadable");
    g_assert_false(qdict_haskey(dte, "address"));
    g_assert_true(qlist_empty(qdict_get_qlist(dte, "dte")));
    qobject_unref(table);
    bench_stop(b);
}

/* Follow "next" until the end; how many entries that gives */
static unsigned int count_entries(Bench *b, const char *filter)
{
    unsigned int count = 0, queries = 0;
    uint64_t start = 0;
    bool more = true;

    while (more) {
        g_autofree char *text = g_strdup_printf(
            "{ 'execute': 'query-amd-iommu-device-table', 'arguments':"
            "  { 'filter': '%s', 'start': %" PRIu64 " } }", filter, start);
        QDict *table = ask(b, text);
        unsigned int size = qlist_size(qdict_get_qlist(table, "entries"));

        /* 32 KiB of reply, 512 entries read */
        g_assert_cmpint(size, <=, 120);
        more = qdict_haskey(table, "next");
        g_assert_true(!more || number(table, "next") > start);
        start = more ? number(table, "next") : 0;
        count += size;
        queries++;
        qobject_unref(table);
    }
    g_assert_cmpint(queries, <, 1000);
    return count;
}

static void test_filters(void)
{
    Bench *b = bench_start("svm=on", "");

    reg_write(b, REG_DEVTAB, DEVTAB | 7);
    g_assert_cmpint(count_entries(b, "all"), ==, 1024);
    g_assert_cmpint(count_entries(b, "valid"), ==, 0);
    for (int id = 0; id < 1024; id += 8) {
        qtest_writeq(b->qts, DEVTAB + 32 * id, 1);
    }
    g_assert_cmpint(count_entries(b, "valid"), ==, 128);
    /* host bridge, IOMMU, edu, ISA bridge, AHCI, SMBus */
    g_assert_cmpint(count_entries(b, "present"), ==, 7);
    bench_stop(b);
}

/* The three rings; without page requests there is no PPR log */
static void test_log(void)
{
    Bench *b = bench_start("svm=on", "");
    QDict *log, *ring, *entry;

    bench_set_up(b);
    command(b, 0x8000000000000000, 0);
    command(b, 0xe000000000000000, 0x1234);
    log = ask(b, "{ 'execute': 'query-amd-iommu-log',"
              "  'arguments': { 'log': 'command', 'start': 1, 'limit': 1 } }");
    ring = qdict_get_qdict(log, "ring");
    g_assert_cmphex(number(ring, "base"), ==, COMMANDS);
    g_assert_cmpint(qdict_get_int(ring, "size"), ==, 0x1000);
    g_assert_cmpint(qdict_get_int(ring, "head"), ==, 16);
    g_assert_cmpint(qdict_get_int(ring, "tail"), ==, 32);
    g_assert_true(qdict_get_bool(ring, "enabled"));
    g_assert_false(qdict_get_bool(ring, "running"));
    entry = qobject_to(QDict, qlist_peek(qdict_get_qlist(log, "entries")));
    g_assert_cmpint(qdict_get_int(entry, "offset"), ==, 16);
    g_assert_cmphex(word(qdict_get_qlist(entry, "words"), 0), ==,
                    0xe000000000000000);
    g_assert_cmphex(word(qdict_get_qlist(entry, "words"), 1), ==, 0x1234);
    g_assert_cmpint(qdict_get_int(log, "next"), ==, 2);
    qobject_unref(log);
    reg_write(b, REG_PPR_BASE, PAGE | 9ULL << 56);
    log = ask(b, "{ 'execute': 'query-amd-iommu-log',"
              "  'arguments': { 'log': 'ppr' } }");
    ring = qdict_get_qdict(log, "ring");
    g_assert_cmphex(number(ring, "base"), ==, PAGE);
    g_assert_cmpint(qdict_get_int(ring, "size"), ==, 0x2000);
    g_assert_false(qdict_get_bool(ring, "enabled"));
    qobject_unref(log);
    bench_stop(b);
    b = bench_start("svm=on,pri=off", "");
    log = ask(b, "{ 'execute': 'query-amd-iommu-log',"
              "  'arguments': { 'log': 'ppr' } }");
    g_assert_false(qdict_haskey(log, "ring"));
    g_assert_true(qlist_empty(qdict_get_qlist(log, "entries")));
    qobject_unref(log);
    bench_stop(b);
}

/* A ring that is not in memory: no entries, and the reply says so */
static void test_unreadable_log(void)
{
    Bench *b = bench_start("svm=on", "");
    QDict *log;

    reg_write(b, REG_EVENT_BASE, NOWHERE | 15ULL << 56);
    log = ask(b, "{ 'execute': 'query-amd-iommu-log',"
              "  'arguments': { 'log': 'event' } }");
    g_assert_false(qdict_get_bool(log, "readable"));
    g_assert_true(qlist_empty(qdict_get_qlist(log, "entries")));
    g_assert_false(qdict_haskey(log, "next"));
    qobject_unref(log);
    bench_stop(b);
}

static void check_memory(Bench *b, uint64_t address, unsigned int size,
                         gsize wanted)
{
    g_autofree char *text = g_strdup_printf(
        "{ 'execute': 'guest-memory-read', 'arguments':"
        "  { 'address': %" PRIu64 ", 'size': %u } }", address, size);
    g_autofree uint8_t *memory = g_malloc(wanted + 1);
    QDict *reply = ask(b, text);
    gsize length;
    g_autofree guchar *data = g_base64_decode(qdict_get_str(reply, "data"),
                                              &length);

    g_assert_cmpint(length, ==, wanted);
    g_assert_cmphex(number(reply, "address"), ==, address);
    if (wanted) {
        qtest_memread(b->qts, address, memory, wanted);
        g_assert_cmpmem(data, length, memory, wanted);
    }
    qobject_unref(reply);
}

static void test_memory(void)
{
    Bench *b = bench_start("svm=on", "");

    qtest_memset(b->qts, PAGE, 0xa5, 65536);
    qtest_writeq(b->qts, PAGE + 4090, 0x0123456789abcdef);
    check_memory(b, PAGE, 65536, 65536);
    check_memory(b, PAGE + 4091, 7, 7);
    /* The end of RAM; registers are not read; the end of everything */
    check_memory(b, MEMORY_SIZE - 100, 4096, 100);
    check_memory(b, IOMMU_BASE, 8, 0);
    check_memory(b, NOWHERE, 8, 0);
    check_memory(b, UINT64_MAX - 3, 16, 0);
    assert_refused(b, "{ 'execute': 'guest-memory-read', 'arguments':"
                   "  { 'address': 0, 'size': 0 } }",
                   "size must be between 1 and 65536");
    assert_refused(b, "{ 'execute': 'guest-memory-read', 'arguments':"
                   "  { 'address': 0, 'size': 65537 } }",
                   "size must be between 1 and 65536");
    bench_stop(b);
}

static void test_limits(void)
{
    static const char *const commands[] = {
        "{ 'execute': 'query-amd-iommu-registers',"
        "  'arguments': { 'limit': %d } }",
        "{ 'execute': 'query-amd-iommu-device-table',"
        "  'arguments': { 'limit': %d } }",
        "{ 'execute': 'query-amd-iommu-log',"
        "  'arguments': { 'log': 'event', 'limit': %d } }",
        "{ 'execute': 'query-amd-iommu-stats',"
        "  'arguments': { 'limit': %d } }",
        "{ 'execute': 'query-amd-iommu-trace',"
        "  'arguments': { 'limit': %d } }",
        "{ 'execute': 'query-amd-iommu-iotlb',"
        "  'arguments': { 'limit': %d } }",
        "{ 'execute': 'query-amd-iommu-page-requests',"
        "  'arguments': { 'limit': %d } }",
    };
    Bench *b = bench_start("svm=on", "");

    for (int i = 0; i < ARRAY_SIZE(commands); i++) {
        g_autofree char *none = g_strdup_printf(commands[i], 0);
        g_autofree char *many = g_strdup_printf(commands[i], 1025);

        assert_refused(b, none, "limit must be between 1 and 1024");
        assert_refused(b, many, "limit must be between 1 and 1024");
    }
    bench_stop(b);
}

/* No such IOMMU: the reply is empty */
static void assert_nothing(QTestState *qts, const char *arguments)
{
    QDict *reply;

    reply = qtest_qmp(qts, "{ 'execute': 'query-amd-iommu-registers',"
                      "  'arguments': %p }",
                      qobject_from_json(arguments, NULL));
    g_assert_true(qlist_empty(qdict_get_qlist(
        qdict_get_qdict(reply, "return"), "registers")));
    qobject_unref(reply);
    reply = qtest_qmp(qts, "{ 'execute': 'query-amd-iommu-device-table',"
                      "  'arguments': %p }",
                      qobject_from_json(arguments, NULL));
    g_assert_true(qlist_empty(qdict_get_qlist(
        qdict_get_qdict(reply, "return"), "entries")));
    qobject_unref(reply);
}

static void test_nothing(const void *machine)
{
    QTestState *qts = qtest_init(machine);
    QDict *reply = qtest_qmp(qts, "{ 'execute': 'query-amd-iommu' }");

    g_assert_true(qlist_empty(qdict_get_qlist(reply, "return")));
    qobject_unref(reply);
    assert_nothing(qts, "{}");
    qtest_quit(qts);
}

static void test_wrong_id(void)
{
    Bench *b = bench_start("svm=on", "");

    assert_nothing(b->qts, "{ 'id': 'iommu1' }");
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_data_func("/amdvi/query/registers", "svm=on", test_registers);
    qtest_add_data_func("/amdvi/query/registers-stock", "", test_registers);
    qtest_add_func("/amdvi/query/reset-values", test_reset_values);
    qtest_add_data_func("/amdvi/query/device-table", "svm=on",
                        test_device_table);
    qtest_add_data_func("/amdvi/query/device-table-stock", "",
                        test_device_table);
    qtest_add_func("/amdvi/query/beyond-table", test_beyond_table);
    qtest_add_func("/amdvi/query/filters", test_filters);
    qtest_add_func("/amdvi/query/log", test_log);
    qtest_add_func("/amdvi/query/unreadable-log", test_unreadable_log);
    qtest_add_func("/amdvi/query/memory", test_memory);
    qtest_add_func("/amdvi/query/limits", test_limits);
    qtest_add_data_func("/amdvi/query/no-machine", "-machine none",
                        test_nothing);
    qtest_add_data_func("/amdvi/query/no-iommu", "-machine q35 -nodefaults",
                        test_nothing);
    qtest_add_func("/amdvi/query/wrong-id", test_wrong_id);
    return g_test_run();
}
