/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who keeps translations of ordinary DMA outside of a device, as vhost does,
 * is told of the IOMMU's own invalidations, and of nothing else; who wants to
 * hear of mappings is refused.  spec/translation.md 4.3, 5.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "svm.h"

#define LISTEN "-global svm-testdev.unmap-notifier=on"
#define INVALIDATE_DTE 0x2000000000000000ULL
#define INVALIDATE_PAGES (0x3000000000000000ULL | (uint64_t)DOMAIN << 32)
#define OTHER_DOMAIN (0x3000000000000000ULL | (DOMAIN + 1ULL) << 32)
#define INVALIDATE_IOTLB (0x4000000000000000ULL | (uint64_t)TESTDEV_PLACE << 32)
#define INVALIDATE_ALL 0x8000000000000000ULL
#define S 1ULL
#define WITH_PDE 2ULL
#define GN 4ULL
#define EVERYTHING 0x7ffffffffffff000ULL
/* The window of interrupts, which is no part of what is translated */
#define WINDOW_FIRST 0xfee00000ULL
#define WINDOW_LAST 0xfeefffffULL

typedef struct Range {
    uint64_t first, last;
} Range;

/* A command, and what is heard of it: ranges in any order, none if 0, 0 */
typedef struct Row {
    uint64_t word0, word1;
    Range heard[2];
} Row;

#define ALL { { 0, WINDOW_FIRST - 1 }, { WINDOW_LAST + 1, UINT64_MAX } }

/* Host tables; guest tables of a device without PASID are its PASID 0 */
static const Row host_rows[] = {
    { INVALIDATE_PAGES, 0x10000000, { { 0x10000000, 0x10000fff } } },
    { INVALIDATE_PAGES, 0x10000000 | WITH_PDE, { { 0x10000000, 0x10000fff } } },
    { INVALIDATE_PAGES, 0x10007000 | S, { { 0x10000000, 0x1000ffff } } },
    { INVALIDATE_PAGES, 0xfedff000 | S,
      { { 0xfec00000, WINDOW_FIRST - 1 }, { WINDOW_LAST + 1, 0xfeffffff } } },
    { INVALIDATE_PAGES, EVERYTHING | S, ALL },
    { INVALIDATE_PAGES, 0x10000000 | GN, { } },
    { INVALIDATE_PAGES | 5, 0x10000000 | GN, { } },
    { OTHER_DOMAIN, 0x10000000, { } },
    { OTHER_DOMAIN, EVERYTHING | S, { } },
    { INVALIDATE_IOTLB | TESTDEV_PLACE, 0x10000000, { } },
    { INVALIDATE_DTE | TESTDEV_PLACE, 0, ALL },
    { INVALIDATE_DTE | EDU_ID, 0, { } },
    { INVALIDATE_ALL, 0, ALL },
};
static const Row guest_rows[] = {
    { INVALIDATE_PAGES, 0x10000000 | GN, { { 0x10000000, 0x10000fff } } },
    { INVALIDATE_PAGES, EVERYTHING | S | GN, ALL },
    { INVALIDATE_PAGES | 5, 0x10000000 | GN, { } },
    { INVALIDATE_PAGES | 5, EVERYTHING | S | GN, { } },
    { INVALIDATE_PAGES, 0x10000000, ALL },
    { OTHER_DOMAIN, 0x10000000 | GN, { } },
    { INVALIDATE_DTE | TESTDEV_PLACE, 0, ALL },
};

static uint64_t log_word(Svm *s, unsigned int n, unsigned int word)
{
    return testdev_get(s->t, TESTDEV_INVALIDATION_LOG +
                       n * TESTDEV_INVALIDATION_SIZE + 8 * word);
}

static bool was_heard(Svm *s, unsigned int count, const Range *range)
{
    for (unsigned int i = 0; i < count; i++) {
        if (log_word(s, i, 1) == range->first &&
            log_word(s, i, 2) == range->last &&
            log_word(s, i, 3) == TESTDEV_INVALIDATION_UNMAP) {
            return true;
        }
    }
    return false;
}

static void check(Svm *s, const Row *row)
{
    unsigned int expected = 0;

    testdev_run(s->t, TESTDEV_CMD_CLEAR, 0, TESTDEV_NO_PASID, 0, 0);
    command(s->b, row->word0, row->word1);
    for (int i = 0; i < ARRAY_SIZE(row->heard) && row->heard[i].last; i++) {
        expected++;
    }
    g_test_message("%" PRIx64 " %" PRIx64, row->word0, row->word1);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_INVALIDATIONS), ==, expected);
    for (unsigned int i = 0; i < expected; i++) {
        g_assert_true(was_heard(s, expected, &row->heard[i]));
    }
}

static void test_host(void)
{
    Svm *s = svm_start("svm=on", LISTEN);
    const uint64_t dte[4] = { DTE_HOST(2, table(0)), DOMAIN };

    set_dte_of(s->b, TESTDEV_PLACE, dte);
    for (int i = 0; i < ARRAY_SIZE(host_rows); i++) {
        check(s, &host_rows[i]);
    }
    svm_stop(s);
}

static void test_guest(void)
{
    Svm *s = svm_start("svm=on", LISTEN);

    svm_set_dte(s, DTE_GIOV, DOMAIN ^ SVM_DOMAIN);
    for (int i = 0; i < ARRAY_SIZE(guest_rows); i++) {
        check(s, &guest_rows[i]);
    }
    svm_stop(s);
}

/* Nobody knows whom a device concerns whose DTE cannot be read */
static void test_unreadable(void)
{
    Svm *s = svm_start("svm=on", LISTEN);
    const Row row = { OTHER_DOMAIN, 0x10000000, ALL };

    reg_write(s->b, REG_DEVTAB, NOWHERE | 0x1ff);
    check(s, &row);
    svm_stop(s);
}

/* Such a device does not come into being, and the message says why */
static void test_map(void)
{
    Svm *s = svm_start("svm=on", "-device pcie-root-port,id=port9,addr=09.0");
    QDict *reply = qtest_qmp(s->b->qts, "{ 'execute': 'device_add',"
                             "  'arguments': { 'driver': 'svm-testdev',"
                             "    'bus': 'port9', 'map-notifier': true } }");
    const char *text = qdict_get_str(qdict_get_qdict(reply, "error"), "desc");

    g_assert_nonnull(strstr(text, "needs to be told of every new mapping, "
                                  "which amd-iommu with svm=on cannot do"));
    qobject_unref(reply);
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/notifier/host", test_host);
    qtest_add_func("/amdvi/notifier/guest", test_guest);
    qtest_add_func("/amdvi/notifier/unreadable", test_unreadable);
    qtest_add_func("/amdvi/notifier/map", test_map);
    return g_test_run();
}
