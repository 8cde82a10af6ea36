/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of fortress.h. */
#include "qemu/osdep.h"
#include "ask.h"
#include "fortress.h"

#define PAGE_REQUESTS 32
#define RING_8 (8ULL << 56)             /* 256 entries */
#define TABLES_SIZE 0x20000
#define PRGI 7
#define SUCCESS 0

#define INVALIDATE_ALL 0x8000000000000000ULL
#define COMPLETION_WAIT_STORE (0x1000000000000001ULL | RESULT)
#define ILLEGAL 0xf000000000000000ULL
#define COMPLETE (0x7000000000000000ULL | TESTDEV_PLACE)
#define TAG(prgi, code) ((uint64_t)(code) << 44 | (uint64_t)(prgi) << 32)
/* INVALIDATE_IOTLB_PAGES of all addresses, without PASID and of PASID 5 */
#define INVALIDATE_IOTLB (0x4000000020000000ULL | TESTDEV_PLACE)
#define INVALIDATE_IOTLB_5 (0x4005000020000000ULL | TESTDEV_PLACE)
#define EVERYTHING 0x7ffffffffffff001ULL
#define GN 4
#define STATUS_CLEARED 0x67

#define UNTRANSLATED TESTDEV_PATH_UNTRANSLATED
#define NO_PASID TESTDEV_NO_PASID
#define PASID FORTRESS_PASID

#define LOG(name) \
    "{ 'execute': 'query-amd-iommu-log'," \
    "  'arguments': { 'log': '" name "', 'limit': 16 } }"

/* What the monitor is asked about */
static const char *const questions[] = {
    "{ 'execute': 'query-status' }",
    "{ 'execute': 'query-amd-iommu-registers' }",
    "{ 'execute': 'query-amd-iommu-device-table',"
    "  'arguments': { 'filter': 'valid', 'limit': 16 } }",
    LOG("command"),
    LOG("event"),
    LOG("ppr"),
    "{ 'execute': 'query-amd-iommu-page-requests' }",
    "{ 'execute': 'query-amd-iommu-iotlb',"
    "  'arguments': { 'verify': true, 'limit': 16 } }",
};

void fortress_assert_alive(Svm *s)
{
    for (int i = 0; i < ARRAY_SIZE(questions); i++) {
        qobject_unref(ask(s->b, questions[i]));
    }
}

static void restore_function(Svm *s)
{
    g_free(s->t);
    s->t = testdev_find(s->b->qts, TESTDEV_PLACE, TESTDEV_BAR);
    testdev_config_set(s->t, TESTDEV_PRI_CTRL, 0);
    testdev_set(s->t, TESTDEV_COMMAND, TESTDEV_CMD_CANCEL);
    testdev_set(s->t, TESTDEV_MISBEHAVE, 0);
    testdev_run(s->t, TESTDEV_CMD_FLUSH, 0, NO_PASID, 0, 0);
    testdev_enable(s->t, PAGE_REQUESTS);
}

static void restore_tables(Svm *s)
{
    qtest_memset(s->b->qts, GCR3_ROOT, 0, 0x1000);
    qtest_memset(s->b->qts, GUEST_TABLES, 0, TABLES_SIZE);
    s->next_table = GUEST_TABLES;
    svm_bind(s, PASID);
    svm_map(s, PASID, VA, PAGE | G_USER);
}

void fortress_restore(Svm *s)
{
    reg_write(s->b, REG_CONTROL, 0);
    reg_write(s->b, REG_EXCL_BASE, 0);
    reg_write(s->b, REG_PPR_AUTO_RESPONSE, 0);
    reg_write(s->b, REG_PPR_EARLY, 0);
    bench_set_bases(s->b);
    reg_write(s->b, REG_PPR_BASE, PPR_LOG | RING_8);
    reg_write(s->b, REG_STATUS, STATUS_CLEARED);
    reg_write(s->b, REG_CONTROL, FORTRESS_CONTROL);
    restore_tables(s);
    restore_function(s);
    svm_set_dte(s, 0, 0);
    command(s->b, INVALIDATE_ALL, 0);
    command(s->b, INVALIDATE_IOTLB, EVERYTHING);
    command(s->b, INVALIDATE_IOTLB_5, EVERYTHING | GN);
}

/* @va of a PASID, or without one, is @pa */
static void assert_dma(Svm *s, uint32_t path, uint32_t pasid, uint64_t va,
                       uint64_t pa)
{
    static uint64_t pattern = 0x1234567890abcdefULL;
    uint64_t found = 0;

    qtest_writeq(s->b->qts, pa, ++pattern);
    g_assert_cmpuint(testdev_read(s->t, path, pasid, va, &found, 8), ==,
                     TESTDEV_OK);
    g_assert_cmphex(found, ==, pattern);
    g_assert_cmpuint(testdev_write(s->t, path, pasid, va, &(uint64_t) {
        ++pattern }, 8), ==, TESTDEV_OK);
    g_assert_cmphex(qtest_readq(s->b->qts, pa), ==, pattern);
}

static void assert_commands(Svm *s)
{
    static uint64_t number;

    command(s->b, COMPLETION_WAIT_STORE, ++number);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, number);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, s->b->command_tail);
}

static void assert_page_request(Svm *s)
{
    uint64_t before = testdev_get(s->t, TESTDEV_RESPONSES);

    g_assert_cmpint(testdev_request_page(s->t, TESTDEV_FLAG_READ |
                                         TESTDEV_FLAG_LAST, PASID, VA + 0x1000,
                                         PRGI), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 16);
    command(s->b, COMPLETE, TAG(PRGI, SUCCESS));
    testdev_assert_response(s->t, before + 1, PRGI, SUCCESS, PASID);
}

void fortress_assert_works(Svm *s)
{
    fortress_assert_alive(s);
    fortress_restore(s);
    assert_commands(s);
    assert_dma(s, 0, PASID, VA, PAGE);
    assert_dma(s, UNTRANSLATED, PASID, VA, PAGE);
    assert_dma(s, UNTRANSLATED, NO_PASID, PAGE, PAGE);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 0);
    g_assert_cmpuint(testdev_run(s->t, TESTDEV_CMD_READ, UNTRANSLATED, PASID,
                                 VA + 0x1000, 1), ==, TESTDEV_ERROR);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 16);
    assert_page_request(s);
}

static void work_of_function(Svm *s)
{
    static const struct {
        uint32_t command, flags, pasid;
        uint64_t addr;
    } ops[] = {
        { TESTDEV_CMD_READ, 0, PASID, VA },
        { TESTDEV_CMD_WRITE, UNTRANSLATED, PASID, VA },
        { TESTDEV_CMD_READ, UNTRANSLATED, PASID, VA + 0x1000 },
        { TESTDEV_CMD_READ, UNTRANSLATED, NO_PASID, PAGE },
        { TESTDEV_CMD_READ, TESTDEV_PATH_TRANSLATED, NO_PASID, PAGE },
        { TESTDEV_CMD_TRANSLATE, 0, PASID, VA },
        { TESTDEV_CMD_PAGE_REQUEST, TESTDEV_FLAG_READ, PASID, VA },
        { TESTDEV_CMD_PAGE_REQUEST, TESTDEV_FLAG_READ | TESTDEV_FLAG_LAST,
          PASID, VA },
        { TESTDEV_CMD_READ, TESTDEV_FLAG_REQUEST, PASID, VA + 0x2000 },
        { TESTDEV_CMD_CANCEL },
    };

    for (int i = 0; i < ARRAY_SIZE(ops); i++) {
        testdev_run(s->t, ops[i].command, ops[i].flags, ops[i].pasid,
                    ops[i].addr, 8);
    }
}

void fortress_work(Svm *s)
{
    work_of_function(s);
    command(s->b, COMPLETION_WAIT_STORE, 1);
    command(s->b, COMPLETE, TAG(0, SUCCESS));
    command(s->b, INVALIDATE_IOTLB_5, EVERYTHING | GN);
    command(s->b, INVALIDATE_ALL, 0);
    command(s->b, ILLEGAL, 0);
}

Svm *fortress_start(const char *more)
{
    Svm *s = svm_start("svm=on", more);

    fortress_restore(s);
    return s;
}
