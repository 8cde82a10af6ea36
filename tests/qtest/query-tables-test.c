/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands that walk tables: they say what the tables hold, change
 * nothing, and stop in time however hostile the tables are.
 */
#include "qemu/osdep.h"
#include "ask.h"

/* Table entries that one command may read */
#define READS 512
#define MAPPINGS "{ 'execute': 'query-amd-iommu-mappings', 'arguments': "
#define GCR3 "{ 'execute': 'query-amd-iommu-gcr3', 'arguments': "
#define TRANSLATE "{ 'execute': 'amd-iommu-translate', 'arguments': "

/* Two levels: pages 1 and 2 to PAGE, read only page 5, 2 MiB at 2 MiB */
static Bench *start(const char *options)
{
    Bench *b = bench_start(options, "");

    bench_set_up(b);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    set_entry(b, 0, 0, PDE(1, table(1), PTE_RW));
    set_entry(b, 0, 1, PTE_LEAF(0x6000000, PTE_RW));
    set_entry(b, 1, 1, PTE_LEAF(PAGE, PTE_RW));
    set_entry(b, 1, 2, PTE_LEAF(PAGE + 0x1000, PTE_RW));
    set_entry(b, 1, 5, PTE_LEAF(PAGE + 0x4000, PTE_READ));
    return b;
}

static void assert_mapping(const QDict *reply, unsigned int n,
                           uint64_t first, uint64_t last, uint64_t output,
                           const char *rights)
{
    const QDict *m = row(reply, "mappings", n);

    g_assert_cmphex(number(m, "first"), ==, first);
    g_assert_cmphex(number(m, "last"), ==, last);
    g_assert_cmphex(number(m, "output"), ==, output);
    g_assert_cmpint(qdict_get_bool(m, "read"), ==, !!strchr(rights, 'r'));
    g_assert_cmpint(qdict_get_bool(m, "write"), ==, !!strchr(rights, 'w'));
}

static void test_mappings(const void *options)
{
    Bench *b = start(options);
    QDict *reply = ask_for(b, MAPPINGS "{ 'device-id': %u } }", b->edu);

    /* Each absent page costs a step, so the first reply is not complete */
    g_assert_cmpint(rows(reply, "mappings"), ==, 2);
    assert_mapping(reply, 0, 0x1000, 0x2fff, PAGE, "rw");
    assert_mapping(reply, 1, 0x5000, 0x5fff, PAGE + 0x4000, "r");
    g_assert_true(qdict_haskey(reply, "next"));
    qobject_unref(reply);
    reply = ask_for(b, MAPPINGS "{ 'device-id': %u, 'start': 2097152 } }",
                    b->edu);
    g_assert_cmpint(rows(reply, "mappings"), ==, 1);
    assert_mapping(reply, 0, 0x200000, 0x3fffff, 0x6000000, "rw");
    g_assert_cmpint(qdict_get_int(row(reply, "mappings", 0), "page-shift"),
                    ==, 21);
    qobject_unref(reply);
    bench_stop(b);
}

/* Page by page with each limit: the same mappings, and the end is found */
static void test_paging(void)
{
    Bench *b = start("svm=on");

    for (unsigned int limit = 1; limit < 5; limit++) {
        unsigned int found = 0;
        uint64_t next = 0;
        bool more = true;

        while (more) {
            QDict *reply = ask_for(b, MAPPINGS "{ 'device-id': %u,"
                                   " 'start': %" PRIu64 ", 'limit': %u } }",
                                   b->edu, next, limit);

            g_assert_cmpint(rows(reply, "mappings"), <=, limit);
            g_assert_cmpint(number(reply, "reads"), <=, READS);
            found += rows(reply, "mappings");
            more = qdict_haskey(reply, "next");
            g_assert_true(!more || number(reply, "next") > next);
            next = more ? number(reply, "next") : 0;
            qobject_unref(reply);
        }
        g_assert_cmpint(found, ==, 3);
    }
    bench_stop(b);
}

/* A table that points to itself maps 2^45 pages: the reply stays small */
static void test_hostile(void)
{
    Bench *b = bench_start("svm=on", "");
    QDict *reply;

    bench_set_up(b);
    set_dte(b, DTE_HOST(6, table(0)), DOMAIN);
    for (int i = 0; i < 512; i++) {
        set_entry(b, 0, i, i & 1 ? PDE(0, table(0), PTE_RW)
                                 : PDE(1, table(0), PTE_RW));
    }
    reply = ask_for(b, MAPPINGS "{ 'device-id': %u, 'start': %" PRIu64 "} }",
                    b->edu, UINT64_MAX / 3);
    g_assert_cmpint(number(reply, "reads"), <=, READS);
    g_assert_true(qdict_haskey(reply, "next"));
    qobject_unref(reply);
    bench_stop(b);
}

/* Nothing to walk */
static void test_no_tables(void)
{
    Bench *b = bench_start("svm=on", "");
    QDict *reply;

    reply = ask(b, MAPPINGS "{ 'device-id': 40 } }");
    g_assert_cmpint(rows(reply, "mappings"), ==, 0);
    qobject_unref(reply);
    bench_set_up(b);
    set_dte(b, DTE_PASS_THROUGH, DOMAIN);
    reply = ask_for(b, MAPPINGS "{ 'device-id': %u } }", b->edu);
    g_assert_cmpint(rows(reply, "mappings"), ==, 1);
    assert_mapping(reply, 0, 0, UINT64_MAX, 0, "rw");
    qobject_unref(reply);
    reply = ask_for(b, GCR3 "{ 'device-id': %u } }", b->edu);
    g_assert_cmpint(rows(reply, "entries"), ==, 0);
    g_assert_false(qdict_haskey(reply, "next"));
    qobject_unref(reply);
    reply = ask(b, MAPPINGS "{ 'device-id': 40, 'id': 'iommu7' } }");
    g_assert_cmpint(rows(reply, "mappings"), ==, 0);
    qobject_unref(reply);
    bench_stop(b);
}

static void assert_step(const QDict *reply, unsigned int n, const char *stage,
                        int level, int index, uint64_t address)
{
    const QDict *step = row(reply, "steps", n);

    g_assert_cmpstr(qdict_get_str(step, "stage"), ==, stage);
    g_assert_cmpint(qdict_get_int(step, "level"), ==, level);
    g_assert_cmpint(qdict_get_int(step, "index"), ==, index);
    g_assert_cmphex(number(step, "address"), ==, address);
}

static void test_translate(const void *options)
{
    Bench *b = start(options);
    QDict *reply = ask_for(b, TRANSLATE "{ 'device-id': %u, 'write': true,"
                           " 'address': %u } }", b->edu, 0x2345);

    g_assert_cmpstr(qdict_get_str(reply, "outcome"), ==, "translated");
    g_assert_false(qdict_haskey(reply, "reason"));
    g_assert_cmphex(number(reply, "address"), ==, PAGE + 0x1345);
    g_assert_cmpint(qdict_get_int(reply, "page-shift"), ==, 12);
    g_assert_cmpint(qdict_get_int(reply, "domain-id"), ==, DOMAIN);
    g_assert_cmpint(rows(reply, "steps"), ==, 3);
    assert_step(reply, 0, "dte", 0, b->edu, DEVTAB + 32 * b->edu);
    assert_step(reply, 1, "host", 2, 0, table(0));
    assert_step(reply, 2, "host", 1, 2, table(1) + 16);
    g_assert_cmphex(word(qdict_get_qlist(row(reply, "steps", 2), "words"), 0),
                    ==, PTE_LEAF(PAGE + 0x1000, PTE_RW));
    g_assert_true(qdict_get_bool(row(reply, "steps", 2), "write"));
    qobject_unref(reply);
    bench_stop(b);
}

/* The event that the request would cause, but none is logged */
static void test_translate_fault(void)
{
    Bench *b = start("svm=on");
    QDict *reply = ask_for(b, TRANSLATE "{ 'device-id': %u, 'write': true,"
                           " 'address': %u } }", b->edu, 0x5678);
    uint64_t event[2];

    g_assert_cmpstr(qdict_get_str(reply, "outcome"), ==, "aborted");
    g_assert_cmpstr(qdict_get_str(reply, "reason"), ==, "host-permission");
    event[0] = word(qdict_get_qlist(reply, "event"), 0);
    event[1] = word(qdict_get_qlist(reply, "event"), 1);
    qobject_unref(reply);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 0);
    /* The device gets what was foretold */
    dma_write(b, 0x5678, 4);
    assert_events(b, 0, 1, event[0], event[1]);
    bench_stop(b);
}

/* Neither accessed nor dirty bits change: DTE.HAD=3 */
static void test_translate_read_only(void)
{
    Bench *b = start("svm=on");
    QDict *reply;

    set_dte(b, DTE_HOST(2, table(0)) | 3 << 7, DOMAIN);
    reply = ask_for(b, TRANSLATE "{ 'device-id': %u, 'write': true,"
                    " 'address': 4096 } }", b->edu);
    g_assert_cmpstr(qdict_get_str(reply, "outcome"), ==, "translated");
    qobject_unref(reply);
    g_assert_cmphex(qtest_readq(b->qts, table(1) + 8), ==,
                    PTE_LEAF(PAGE, PTE_RW));
    bench_stop(b);
}

static void test_refused(void)
{
    Bench *b = bench_start("svm=on", "");

    assert_refused(b, MAPPINGS "{ 'device-id': 40, 'limit': 0 } }",
                   "limit must be between 1 and 1024");
    assert_refused(b, GCR3 "{ 'device-id': 40, 'limit': 1025 } }",
                   "limit must be between 1 and 1024");
    assert_refused(b, MAPPINGS "{ 'device-id': 40, 'pasid': 1048576 } }",
                   "pasid must be at most 1048575");
    assert_refused(b, MAPPINGS "{ 'device-id': 40, 'privileged': true } }",
                   "privileged and exec need a pasid");
    assert_refused(b, TRANSLATE "{ 'device-id': 40, 'address': 0,"
                   " 'exec': true } }", "privileged and exec need a pasid");
    assert_refused(b, TRANSLATE "{ 'device-id': 40, 'address': 0,"
                   " 'id': 'iommu7' } }", "there is no such AMD IOMMU");
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_data_func("/amdvi/query-tables/mappings", "svm=on",
                        test_mappings);
    qtest_add_data_func("/amdvi/query-tables/mappings-stock", "",
                        test_mappings);
    qtest_add_func("/amdvi/query-tables/paging", test_paging);
    qtest_add_func("/amdvi/query-tables/hostile", test_hostile);
    qtest_add_func("/amdvi/query-tables/no-tables", test_no_tables);
    qtest_add_data_func("/amdvi/query-tables/translate", "svm=on",
                        test_translate);
    qtest_add_data_func("/amdvi/query-tables/translate-stock", "",
                        test_translate);
    qtest_add_func("/amdvi/query-tables/translate-fault",
                   test_translate_fault);
    qtest_add_func("/amdvi/query-tables/translate-read-only",
                   test_translate_read_only);
    qtest_add_func("/amdvi/query-tables/refused", test_refused);
    return g_test_run();
}
