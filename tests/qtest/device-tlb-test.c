/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query-amd-iommu-iotlb of a device: what it has cached by ATS, and how that
 * compares with the tables.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "ask.h"
#include "svm.h"

#define PASID 5
#define OTHER (PAGE + 0x100000)
#define GN 4
#define INVALIDATE 0x4005000020000030ULL
#define COMPLETION_WAIT 0x1000000000000000ULL
/* What software may take to invalidate, in ns; a bit more */
#define GRACE_NS 60000000

#define QUERY(more) \
    "{ 'execute': 'query-amd-iommu-iotlb'," \
    "  'arguments': { 'device-id': 48" more " } }"

/* The device has used a page, and knows where it is */
static Svm *start(void)
{
    Svm *s = svm_start("svm=on", "");
    uint64_t bytes = 0;

    svm_bind(s, PASID);
    svm_map(s, PASID, VA, PAGE | G_USER);
    g_assert_cmpint(testdev_write(s->t, 0, PASID, VA, &bytes, 8), ==,
                    TESTDEV_OK);
    return s;
}

static void assert_state(Svm *s, const char *state, const char *changed)
{
    QDict *reply = ask(s->b, QUERY(", 'verify': true"));
    QDict *entry;

    g_assert_cmpuint(rows(reply, "entries"), ==, 1);
    entry = row(reply, "entries", 0);
    g_assert_cmpstr(qdict_get_str(entry, "state"), ==, state);
    g_assert_cmpstr(qdict_get_try_str(entry, "changed"), ==, changed);
    qobject_unref(reply);
}

static void test_entry(void)
{
    Svm *s = start();
    QDict *reply = ask(s->b, QUERY(""));
    QDict *entry = row(reply, "entries", 0);

    g_assert_cmpuint(rows(reply, "entries"), ==, 1);
    g_assert_cmpuint(number(entry, "domain-id"), ==, SVM_DOMAIN);
    g_assert_cmpuint(number(entry, "pasid"), ==, PASID);
    g_assert_cmphex(number(entry, "address"), ==, VA);
    g_assert_cmphex(number(entry, "output"), ==, PAGE);
    g_assert_cmpuint(number(entry, "page-shift"), ==, 12);
    g_assert_true(qdict_get_bool(entry, "read"));
    g_assert_true(qdict_get_bool(entry, "write"));
    g_assert_false(qdict_get_bool(entry, "nested"));
    g_assert_false(qdict_get_bool(entry, "privileged"));
    g_assert_false(qdict_haskey(entry, "state"));
    qobject_unref(reply);
    command(s->b, INVALIDATE, VA | GN);
    reply = ask(s->b, QUERY(""));
    g_assert_cmpuint(rows(reply, "entries"), ==, 0);
    qobject_unref(reply);
    svm_stop(s);
}

/* A change of the tables, and what is said of it at once and later */
static void test_stale(void)
{
    static const struct {
        uint64_t leaf;
        const char *state, *changed;
    } row[] = {
        { OTHER | G_USER | G_A | G_D, "stale", "address" },
        { PAGE | G_P | G_US | G_A, "stale", "rights" },
        { 0, "stale", "gone" },
    };

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        Svm *s = start();

        assert_state(s, "fresh", NULL);
        svm_map(s, PASID, VA, row[i].leaf);
        assert_state(s, "pending", row[i].changed);
        qtest_clock_step(s->b->qts, GRACE_NS);
        assert_state(s, row[i].state, row[i].changed);
        /* As it was: A and D do not count, nor does what was said before */
        svm_map(s, PASID, VA, PAGE | G_USER);
        assert_state(s, "fresh", NULL);
        svm_stop(s);
    }
}

/* A completed wait says that software believes to have invalidated */
static void test_wait(void)
{
    Svm *s = start();

    svm_map(s, PASID, VA, 0);
    assert_state(s, "pending", "gone");
    command(s->b, COMPLETION_WAIT, 0);
    assert_state(s, "stale", "gone");
    svm_stop(s);
}

/* Records of stale hits in the flight recorder, and the last one of them */
static unsigned int stale_hits(Svm *s, QDict **last)
{
    QDict *reply = ask(s->b, "{ 'execute': 'query-amd-iommu-trace' }");
    unsigned int count = 0;

    *last = NULL;
    for (unsigned int i = 0; i < rows(reply, "records"); i++) {
        QDict *record = row(reply, "records", i);

        if (g_str_equal(qdict_get_str(record, "kind"), "stale-hit")) {
            qobject_unref(*last);
            *last = qobject_ref(record);
            count++;
        }
    }
    qobject_unref(reply);
    return count;
}

static void assert_stale_hits(Svm *s, unsigned int count)
{
    QDict *last;

    g_assert_cmpuint(stale_hits(s, &last), ==, count);
    if (last) {
        QList *words = qdict_get_qlist(last, "words");

        g_assert_cmpuint(number(last, "device-id"), ==, 48);
        g_assert_cmpuint(number(last, "pasid"), ==, PASID);
        /* a write, and in the TLB of the device */
        g_assert_cmpuint(number(last, "detail"), ==, 2 | 8);
        g_assert_cmphex(word(words, 0), ==, VA + 8);
        g_assert_cmpuint(word(words, 1), ==, GRACE_NS);
    }
    qobject_unref(last);
}

static void write_again(Svm *s)
{
    uint64_t bytes = 0x1122334455667788;

    g_assert_cmpint(testdev_write(s->t, 0, PASID, VA + 8, &bytes, 8), ==,
                    TESTDEV_OK);
}

/*
 * A hit on what verify has found stale is told with its age, once for each
 * verify, and served as before; other hits are not told.
 */
static void test_stale_hit(void)
{
    Svm *s = start();

    write_again(s);
    svm_map(s, PASID, VA, OTHER | G_USER);
    /* The clock is at 0, of which no age is counted */
    qtest_clock_step(s->b->qts, 1);
    assert_state(s, "pending", "address");
    write_again(s);
    assert_stale_hits(s, 0);
    qtest_clock_step(s->b->qts, GRACE_NS);
    assert_state(s, "stale", "address");
    write_again(s);
    write_again(s);
    assert_stale_hits(s, 1);
    g_assert_cmphex(qtest_readq(s->b->qts, PAGE + 8), ==, 0x1122334455667788);
    assert_state(s, "stale", "address");
    write_again(s);
    assert_stale_hits(s, 2);
    svm_stop(s);
}

/* What is right again, or gone and asked for anew, is not told any more */
static void test_stale_no_more(void)
{
    for (int invalidated = 0; invalidated < 2; invalidated++) {
        Svm *s = start();

        svm_map(s, PASID, VA, 0);
        assert_state(s, "pending", "gone");
        qtest_clock_step(s->b->qts, GRACE_NS);
        assert_state(s, "stale", "gone");
        svm_map(s, PASID, VA, PAGE | G_USER);
        if (invalidated) {
            command(s->b, INVALIDATE, VA | GN);
        } else {
            assert_state(s, "fresh", NULL);
        }
        write_again(s);
        assert_stale_hits(s, 0);
        svm_stop(s);
    }
}

/* Made anew: its doubt begins again */
static void test_anew(void)
{
    Svm *s = start();
    uint64_t bytes = 0;

    svm_map(s, PASID, VA, 0);
    assert_state(s, "pending", "gone");
    svm_map(s, PASID, VA, PAGE | G_USER);
    command(s->b, INVALIDATE, VA | GN);
    svm_flush(s, PASID);
    command(s->b, COMPLETION_WAIT, 0);
    testdev_write(s->t, 0, PASID, VA, &bytes, 8);
    svm_map(s, PASID, VA, 0);
    assert_state(s, "pending", "gone");
    svm_stop(s);
}

static void test_unbacked(void)
{
    Svm *s = start();
    uint64_t inner = qtest_readq(s->b->qts, GCR3_ROOT) & ~0xfffULL;

    qtest_writeq(s->b->qts, inner + 8 * PASID, 0);
    assert_state(s, "pending", "unbacked");
    qtest_clock_step(s->b->qts, GRACE_NS);
    assert_state(s, "unbacked", "unbacked");
    svm_stop(s);
}

/* The invalidation did not reach the device */
static void test_undelivered(void)
{
    Svm *s = start();
    QDict *reply;

    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) | 4ULL << 5);
    reply = ask(s->b, "{ 'execute': 'amd-iommu-inject', 'arguments': {"
                "  'kind': 'invalidation-timeout', 'delivered': false } }");
    qobject_unref(reply);
    svm_map(s, PASID, VA, 0);
    assert_state(s, "pending", "gone");
    command(s->b, INVALIDATE, VA | GN);
    command(s->b, COMPLETION_WAIT, 0);
    assert_state(s, "stale", "gone");
    svm_stop(s);
}

static void test_paging(void)
{
    Svm *s = start();
    uint64_t next = 0, bytes = 0;
    unsigned int found = 0;

    for (int i = 1; i < 8; i++) {
        svm_map(s, PASID, VA + i * 0x1000, (PAGE + i * 0x1000) | G_USER);
        testdev_write(s->t, 0, PASID, VA + i * 0x1000, &bytes, 8);
    }
    for (bool more = true; more;) {
        QDict *reply = ask_for(s->b, "{ 'execute': 'query-amd-iommu-iotlb',"
                               "  'arguments': { 'device-id': 48, 'limit': 3,"
                               "    'verify': true, 'start': %" PRIu64 " } }",
                               next);

        g_assert_cmpuint(rows(reply, "entries"), <=, 3);
        found += rows(reply, "entries");
        more = qdict_haskey(reply, "next");
        next = more ? number(reply, "next") : next;
        qobject_unref(reply);
    }
    g_assert_cmpuint(found, ==, 8);
    svm_stop(s);
}

static void test_refused(void)
{
    Svm *s = start();

    assert_refused(s->b, "{ 'execute': 'query-amd-iommu-iotlb',"
                   "  'arguments': { 'device-id': 40 } }",
                   "the device has no TLB that can be looked into");
    assert_refused(s->b, "{ 'execute': 'query-amd-iommu-iotlb',"
                   "  'arguments': { 'device-id': 4660 } }",
                   "there is no device 12:06.4 behind the IOMMU");
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/device-tlb/entry", test_entry);
    qtest_add_func("/amdvi/device-tlb/stale", test_stale);
    qtest_add_func("/amdvi/device-tlb/stale-hit", test_stale_hit);
    qtest_add_func("/amdvi/device-tlb/stale-no-more", test_stale_no_more);
    qtest_add_func("/amdvi/device-tlb/wait", test_wait);
    qtest_add_func("/amdvi/device-tlb/anew", test_anew);
    qtest_add_func("/amdvi/device-tlb/unbacked", test_unbacked);
    qtest_add_func("/amdvi/device-tlb/undelivered", test_undelivered);
    qtest_add_func("/amdvi/device-tlb/paging", test_paging);
    qtest_add_func("/amdvi/device-tlb/refused", test_refused);
    return g_test_run();
}
