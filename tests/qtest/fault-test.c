/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An endpoint that shares virtual memory, from the page that is missing to
 * the data: what the ATS and PRI client of our devices does with each answer
 * of software.  spec/translation.md 4, 7, 12; spec/qemu-integration.md 6.2.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "qobject/qjson.h"
#include "migrate.h"
#include "sva.h"

#define PASID 5
#define OTHER_PASID 0x201
#define VA 0x7f0000001000ULL
#define FRAME 0x5000000ULL
#define OTHER_FRAME 0x5004000ULL
#define REQUEST TESTDEV_FLAG_REQUEST

#define SUCCESS 0
#define INVALID 1
#define FAILURE 0xf

/* PPR entries: spec/structures.md 7 */
#define PPR_USER_READ 0x1144ULL
#define PPR_USER_WRITE 0x1160ULL

static void fill(Sva *s, uint64_t addr, uint8_t value)
{
    qtest_memset(s->b->qts, addr, value, 0x1000);
}

static uint32_t read_byte(Sva *s, uint32_t flags, uint32_t pasid, uint64_t va)
{
    return testdev_run(s->t, TESTDEV_CMD_READ, flags, pasid, va, 1);
}

static uint8_t byte_read(Sva *s)
{
    return qtest_readb(s->b->qts, SVA_TESTDEV_BAR + TESTDEV_DATA);
}

static uint64_t get(Sva *s, uint32_t offset)
{
    return testdev_get(s->t, offset);
}

static void assert_ppr(Sva *s, unsigned int n, uint64_t word0, uint64_t word1)
{
    uint64_t word[2];

    g_assert_cmpuint(sva_ppr_count(s), >, n);
    sva_ppr_read(s, n, word);
    g_assert_cmphex(word[0], ==, word0);
    g_assert_cmphex(word[1], ==, word1);
}

/* An entry for PASID 5 */
static uint64_t ppr_word(Sva *s, uint64_t kind_and_flags, bool last,
                         uint16_t prgi)
{
    return kind_and_flags << 48 | (uint64_t)last << 41 |
           (uint64_t)prgi << 32 | (uint64_t)PASID << 16 | s->id;
}

static void assert_waits(Sva *s, uint32_t result)
{
    g_assert_cmphex(result, ==, TESTDEV_RUNNING);
    g_assert_cmphex(get(s, TESTDEV_STATUS), ==, TESTDEV_STATUS_BUSY |
                    TESTDEV_STATUS_WAITING);
}

static void assert_ended(Sva *s, uint32_t result)
{
    g_assert_cmphex(get(s, TESTDEV_STATUS), ==, 0);
    g_assert_cmpuint(get(s, TESTDEV_RESULT), ==, result);
}

static Sva *start_bound(const char *testdev, uint32_t page_requests)
{
    Sva *s = sva_start(testdev, page_requests);

    sva_bind(s, PASID);
    sva_bind(s, OTHER_PASID);
    fill(s, FRAME, 0x11);
    fill(s, OTHER_FRAME, 0x22);
    return s;
}

/* The worked example of spec/translation.md 12, seen by the device */
static void test_fault(void)
{
    Sva *s = start_bound("", 32);

    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_FAULT);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    g_assert_cmpuint(sva_ppr_count(s), ==, 1);
    assert_ppr(s, 0, ppr_word(s, PPR_USER_READ, true, 0), VA);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 1);
    sva_map(s, PASID, VA, FRAME, SVA_USER_RW);
    sva_respond(s, 0, SUCCESS);
    assert_ended(s, TESTDEV_OK);
    testdev_assert_response(s->t, 1, 0, SUCCESS, PASID);
    g_assert_cmphex(byte_read(s), ==, 0x11);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 0);
    g_assert_cmpuint(get(s, TESTDEV_REQUESTED), ==, 1);
    /* A read leaves the page clean */
    g_assert_cmphex(qtest_readq(s->b->qts, sva_entry(s, PASID, VA, 1)), ==,
                    FRAME | SVA_USER_RW | SVA_ACCESSED);
    sva_stop(s);
}

static void test_fault_write(void)
{
    Sva *s = start_bound("", 32);
    TestdevTlbEntry entry;

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    qtest_writeb(s->b->qts, SVA_TESTDEV_BAR + TESTDEV_DATA, 0x99);
    assert_waits(s, testdev_run(s->t, TESTDEV_CMD_WRITE, REQUEST, PASID, VA,
                                1));
    assert_ppr(s, 0, ppr_word(s, PPR_USER_WRITE, true, 0), VA);
    /* Copy on write: another frame, and what the device has is stale */
    sva_map(s, PASID, VA, OTHER_FRAME, SVA_USER_RW);
    sva_invalidate(s, PASID, VA);
    sva_respond(s, 0, SUCCESS);
    assert_ended(s, TESTDEV_OK);
    g_assert_cmphex(qtest_readb(s->b->qts, FRAME), ==, 0x11);
    g_assert_cmphex(qtest_readb(s->b->qts, OTHER_FRAME), ==, 0x99);
    g_assert_true(testdev_find_tlb(s->t, PASID, VA, &entry));
    g_assert_cmphex(entry.addr, ==, OTHER_FRAME);
    g_assert_cmphex(entry.perm, ==, TESTDEV_PERM_READ | TESTDEV_PERM_WRITE);
    g_assert_cmphex(qtest_readq(s->b->qts, sva_entry(s, PASID, VA, 1)) &
                    SVA_DIRTY, !=, 0);
    sva_stop(s);
}

/* An access over two pages that are both missing */
static void test_two_pages(void)
{
    Sva *s = start_bound("", 32);

    assert_waits(s, testdev_run(s->t, TESTDEV_CMD_READ, REQUEST, PASID,
                                VA + 0xff0, 32));
    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    sva_respond(s, 0, SUCCESS);
    assert_waits(s, TESTDEV_RUNNING);
    g_assert_cmpuint(get(s, TESTDEV_DONE), ==, 16);
    assert_ppr(s, 1, ppr_word(s, PPR_USER_READ, true, 1), VA + 0x1000);
    sva_map(s, PASID, VA + 0x1000, OTHER_FRAME, SVA_USER_READ);
    sva_respond(s, 1, SUCCESS);
    assert_ended(s, TESTDEV_OK);
    g_assert_cmphex(get(s, TESTDEV_DATA + 8), ==, 0x1111111111111111);
    g_assert_cmphex(get(s, TESTDEV_DATA + 16), ==, 0x2222222222222222);
    sva_stop(s);
}

/* A group of three pages: one entry each, the last one says so */
static void test_group(void)
{
    Sva *s = start_bound("", 32);

    testdev_set(s->t, TESTDEV_GROUP, 3);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    g_assert_cmpuint(sva_ppr_count(s), ==, 3);
    assert_ppr(s, 0, ppr_word(s, PPR_USER_READ, false, 0), VA);
    assert_ppr(s, 1, ppr_word(s, PPR_USER_READ, false, 0), VA + 0x1000);
    assert_ppr(s, 2, ppr_word(s, PPR_USER_READ, true, 0), VA + 0x2000);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 3);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_PAGE_REQUESTS), ==, 3);
    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    sva_respond(s, 0, SUCCESS);
    assert_ended(s, TESTDEV_OK);
    sva_stop(s);
}

/* Requests within the allocation of the guest, never more */
static void test_allocation(void)
{
    Sva *s = start_bound("", 2);

    testdev_set(s->t, TESTDEV_GROUP, 3);
    g_assert_cmpuint(read_byte(s, REQUEST, PASID, VA), ==,
                     TESTDEV_NOT_SERVED);
    g_assert_cmpint((int64_t)get(s, TESTDEV_PRI_RESULT), ==, -ENOSPC);
    g_assert_cmpuint(sva_ppr_count(s), ==, 0);
    /* Two that are outstanding, since nobody waits; the third has to wait */
    testdev_set(s->t, TESTDEV_GROUP, 1);
    testdev_set(s->t, TESTDEV_MISBEHAVE, TESTDEV_NO_WAIT);
    testdev_set(s->t, TESTDEV_RETRIES, 3);
    g_assert_cmpuint(read_byte(s, REQUEST, PASID, VA), ==, TESTDEV_TOO_OFTEN);
    g_assert_cmpuint(get(s, TESTDEV_REQUESTED), ==, 3);
    g_assert_cmpuint(sva_ppr_count(s), ==, 2);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 2);
    sva_respond(s, 1, SUCCESS);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 2);
    assert_ppr(s, 2, ppr_word(s, PPR_USER_READ, true, 2), VA);
    sva_respond(s, 0, SUCCESS);
    sva_respond(s, 2, SUCCESS);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 0);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_UNEXPECTED), ==, 0);
    sva_stop(s);
}

/* Software says that the access is wrong: only this one fails */
static void test_invalid(void)
{
    Sva *s = start_bound("", 32);

    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    sva_respond(s, 0, INVALID);
    assert_ended(s, TESTDEV_NOT_SERVED);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_INVALID), ==, 1);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==, 0);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    sva_stop(s);
}

/* A failure stops page requests until software enables them anew */
static void test_failure(void)
{
    Sva *s = start_bound("", 32);

    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    sva_respond(s, 0, FAILURE);
    assert_ended(s, TESTDEV_NOT_SERVED);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_STOPPED | TESTDEV_PRI_RESPONSE_FAILURE);
    g_assert_cmpuint(read_byte(s, REQUEST, PASID, VA), ==,
                     TESTDEV_NOT_SERVED);
    g_assert_cmpint((int64_t)get(s, TESTDEV_PRI_RESULT), ==, -EPERM);
    g_assert_cmpuint(sva_ppr_count(s), ==, 1);
    testdev_config_set(s->t, TESTDEV_PRI_STATUS, TESTDEV_PRI_RESPONSE_FAILURE);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_STOPPED);
    testdev_config_set(s->t, TESTDEV_PRI_CTRL, 0);
    testdev_enable(s->t, 32);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    sva_stop(s);
}

/* Success although nothing was mapped: not for ever */
static void test_too_often(void)
{
    Sva *s = start_bound("", 32);

    testdev_set(s->t, TESTDEV_RETRIES, 3);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    sva_respond(s, 0, SUCCESS);
    assert_waits(s, TESTDEV_RUNNING);
    sva_respond(s, 1, SUCCESS);
    assert_waits(s, TESTDEV_RUNNING);
    sva_respond(s, 2, SUCCESS);
    assert_ended(s, TESTDEV_TOO_OFTEN);
    g_assert_cmpuint(sva_ppr_count(s), ==, 3);
    sva_stop(s);
}

/* An answer that comes after all is no surprise, but a second one is */
static void test_cancel(void)
{
    Sva *s = start_bound("", 32);

    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    testdev_set(s->t, TESTDEV_COMMAND, TESTDEV_CMD_CANCEL);
    assert_ended(s, TESTDEV_CANCELLED);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 1);
    sva_respond(s, 0, SUCCESS);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 0);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_UNEXPECTED), ==, 0);
    assert_ended(s, TESTDEV_CANCELLED);
    sva_stop(s);
}

/* What disables or resets the function ends what waits */
static void test_pri_off(void)
{
    Sva *s = start_bound("", 32);

    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    testdev_config_set(s->t, TESTDEV_PRI_CTRL, 0);
    assert_ended(s, TESTDEV_NOT_SERVED);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_STOPPED);
    g_assert_cmpuint(get(s, TESTDEV_OUTSTANDING), ==, 0);
    /* The answer comes late, and is for nobody */
    sva_respond(s, 0, SUCCESS);
    testdev_enable(s->t, 32);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==, 0);
    sva_stop(s);
}

static void test_reset(void)
{
    Sva *s = start_bound("", 32);
    Testdev *t;

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA + 0x1000));
    testdev_config_set(s->t, 0x88, 0x8000);
    sva_respond(s, 0, SUCCESS);
    sva_invalidate(s, PASID, VA);
    t = testdev_find(s->b->qts, SVA_TESTDEV_ID, SVA_TESTDEV_BAR);
    g_assert_cmphex(testdev_get(t, TESTDEV_STATUS), ==, 0);
    g_assert_cmpuint(testdev_get(t, TESTDEV_RESPONSES), ==, 0);
    g_assert_cmpuint(testdev_get(t, TESTDEV_INVALIDATIONS), ==, 0);
    g_assert_cmpuint(testdev_get(t, TESTDEV_CONTEXTS), ==, 0);
    g_assert_cmpuint(testdev_count_tlb(t), ==, 0);
    g_free(t);
    sva_stop(s);
}

/* PASIDs go off while a context is open: it can be closed nevertheless */
static void test_pasid_off(void)
{
    Sva *s = start_bound("", 32);

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    testdev_config_set(s->t, TESTDEV_PASID_CTRL, 0);
    g_assert_cmpuint(testdev_count_tlb(s->t), ==, 0);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_ERROR);
    g_assert_cmpuint(testdev_run(s->t, TESTDEV_CMD_CLOSE, 0, PASID, 0, 0), ==,
                     TESTDEV_OK);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PASID_CTRL), ==, 0);
    sva_invalidate(s, PASID, VA);
    g_assert_cmpuint(get(s, TESTDEV_INVALIDATIONS), ==, 0);
    sva_stop(s);
}

/* Two processes use one address; only one of them changes */
static void test_invalidate_pasid(void)
{
    Sva *s = start_bound("", 32);
    TestdevTlbEntry entry;

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    sva_map(s, OTHER_PASID, VA, OTHER_FRAME, SVA_USER_READ);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x11);
    g_assert_cmpuint(read_byte(s, 0, OTHER_PASID, VA), ==, TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x22);
    sva_map(s, PASID, VA, 0, 0);
    sva_invalidate(s, PASID, VA);
    testdev_assert_invalidation(s->t, 0, PASID, VA, VA + 0xfff);
    g_assert_cmpuint(get(s, TESTDEV_INVALIDATIONS), ==, 1);
    g_assert_false(testdev_find_tlb(s->t, PASID, VA, &entry));
    g_assert_true(testdev_find_tlb(s->t, OTHER_PASID, VA, &entry));
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_FAULT);
    sva_stop(s);
}

/* What was granted to a privileged request is not for users */
static void test_privileged(void)
{
    Sva *s = start_bound("", 32);
    TestdevTlbEntry entry;

    sva_map(s, PASID, VA, FRAME, SVA_PRESENT);
    g_assert_cmpuint(read_byte(s, TESTDEV_FLAG_PRIV, PASID, VA), ==,
                     TESTDEV_OK);
    g_assert_true(testdev_find_tlb(s->t, PASID, VA, &entry));
    g_assert_cmphex(entry.perm, ==, TESTDEV_PERM_READ | TESTDEV_PERM_PRIV);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_FAULT);
    sva_stop(s);
}

static void test_execute(void)
{
    Sva *s = start_bound("", 32);
    TestdevTlbEntry entry;

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ | SVA_NO_EXEC);
    g_assert_cmpuint(read_byte(s, TESTDEV_FLAG_EXEC, PASID, VA), ==,
                     TESTDEV_FAULT);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    sva_invalidate(s, PASID, VA);
    g_assert_cmpuint(read_byte(s, TESTDEV_FLAG_EXEC, PASID, VA), ==,
                     TESTDEV_OK);
    g_assert_true(testdev_find_tlb(s->t, PASID, VA, &entry));
    g_assert_cmphex(entry.perm, ==, TESTDEV_PERM_READ | TESTDEV_PERM_EXEC);
    sva_stop(s);
}

/* One entry for 2 MiB, dropped by the invalidation of any page in it */
static void test_large_page(void)
{
    Sva *s = start_bound("", 32);
    uint64_t va = VA & ~0x1fffffULL;
    TestdevTlbEntry entry;

    qtest_writeq(s->b->qts, sva_entry(s, PASID, va, 2),
                 (FRAME & ~0x1fffffULL) | SVA_LARGE | SVA_USER_READ);
    g_assert_cmpuint(read_byte(s, 0, PASID, va + (FRAME & 0x1fffff)), ==,
                     TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x11);
    g_assert_true(testdev_find_tlb(s->t, PASID, va, &entry));
    g_assert_cmpuint(entry.shift, ==, 21);
    g_assert_cmphex(entry.iova, ==, va);
    g_assert_cmphex(entry.addr, ==, FRAME & ~0x1fffffULL);
    g_assert_cmpuint(read_byte(s, 0, PASID, va + 0x1ff000), ==, TESTDEV_OK);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_TLB_HITS), ==, 1);
    sva_invalidate(s, PASID, va + 0x7000);
    g_assert_false(testdev_find_tlb(s->t, PASID, va, &entry));
    sva_stop(s);
}

/* Messages sent as they are: any index, any order, no limit */
static void test_raw_requests(void)
{
    Sva *s = start_bound("", 1);
    uint32_t read = TESTDEV_FLAG_READ, last = TESTDEV_FLAG_LAST;

    g_assert_cmpint(testdev_request_page(s->t, read, PASID, VA, 0x1ff), ==, 0);
    g_assert_cmpint(testdev_request_page(s->t, read | last, PASID,
                                         VA + 0x1000, 0x1ff), ==, 0);
    g_assert_cmpint(testdev_request_page(s->t, TESTDEV_FLAG_WRITE | last,
                                         PASID, VA, 0x100), ==, 0);
    assert_ppr(s, 0, ppr_word(s, PPR_USER_READ, false, 0x1ff), VA);
    assert_ppr(s, 1, ppr_word(s, PPR_USER_READ, true, 0x1ff), VA + 0x1000);
    assert_ppr(s, 2, ppr_word(s, PPR_USER_WRITE, true, 0x100), VA);
    sva_respond(s, 0x100, INVALID);
    testdev_assert_response(s->t, 1, 0x100, INVALID, PASID);
    sva_respond(s, 0x1ff, SUCCESS);
    testdev_assert_response(s->t, 2, 0x1ff, SUCCESS, PASID);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_UNEXPECTED), ==, 0);
    sva_stop(s);
}

/* An answer nobody asked for, as seen in the PRI status */
static void test_unexpected(void)
{
    Sva *s = start_bound("", 32);

    /* The IOMMU knows the group, the function does not any more */
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    testdev_config_set(s->t, TESTDEV_PRI_CTRL, 0);
    testdev_enable(s->t, 32);
    sva_respond(s, 0, SUCCESS);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_UNEXPECTED), ==, 1);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_UNEXPECTED);
    testdev_config_set(s->t, TESTDEV_PRI_STATUS, TESTDEV_PRI_UNEXPECTED);
    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==, 0);
    sva_stop(s);
}

/* It asks for nothing, and nobody answers */
static void test_stop_marker(void)
{
    Sva *s = start_bound("", 32);

    g_assert_cmpint(testdev_request_page(s->t, TESTDEV_FLAG_LAST, PASID, 0,
                                         0x1fe), ==, 0);
    g_assert_cmpuint(get(s, TESTDEV_RESPONSES), ==, 0);
    sva_stop(s);
}

/* The bus number is part of the DeviceID, both ways */
static void test_behind_port(void)
{
    Sva *s = sva_start_behind_port(32);

    sva_bind(s, PASID);
    fill(s, FRAME, 0x11);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    assert_ppr(s, 0, 0x1144020000050000 | BEHIND_PORT_ID, VA);
    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    sva_respond(s, 0, SUCCESS);
    assert_ended(s, TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x11);
    sva_invalidate(s, PASID, VA);
    testdev_assert_invalidation(s->t, 0, PASID, VA, VA + 0xfff);
    sva_stop(s);
}

#define CAP_EXPRESS 0x10
#define EXPRESS_SLOT_CONTROL 0x18
#define SLOT_POWER_OFF 0x0700           /* and its indicator */

/* What a monitor shows of the function, be it there or not */
static void look(Sva *s)
{
    static const struct {
        const char *name;
        const char *more;       /* arguments besides the device; NULL: none */
    } queries[] = {
        { "query-amd-iommu-page-requests", NULL },
        { "query-amd-iommu-stats", NULL },
        { "query-amd-iommu-iotlb", NULL },
        { "query-amd-iommu-iotlb", ", 'verify': true" },
        { "query-amd-iommu-gcr3", "" },
        { "query-amd-iommu-armed", NULL },
        { "amd-iommu-translate", ", 'pasid': 5, 'address': 4096" },
    };

    for (int i = 0; i < ARRAY_SIZE(queries); i++) {
        g_autofree char *device = queries[i].more
            ? g_strdup_printf("'device-id': %u%s", s->t->id, queries[i].more)
            : g_strdup("");
        g_autofree char *query = g_strdup_printf(
            "{ 'execute': '%s', 'arguments': { %s } }", queries[i].name,
            device);

        qobject_unref(qtest_qmp(s->b->qts, "%p",
                                qobject_from_json(query, &error_abort)));
    }
}

/*
 * It goes while it waits: nobody may call it any more.  A monitor looks before
 * and after each step; the last steps are QEMU's, between its replies.
 */
static void unplug(Sva *s)
{
    uint8_t slot = config_find(s->b, SVA_PORT_ID, CAP_EXPRESS) +
                   EXPRESS_SLOT_CONTROL;

    look(s);
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'device_del',"
                             "  'arguments': { 'id': 'testdev' } }");
    look(s);
    config_write(s->b, SVA_PORT_ID, slot, SLOT_POWER_OFF);
    look(s);
    qtest_qmp_eventwait(s->b->qts, "DEVICE_DELETED");
    look(s);
}

static Sva *start_unplugged(void)
{
    Sva *s = sva_start_behind_port(32);

    sva_bind(s, PASID);
    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA + 0x1000));
    return s;
}

static void assert_unplugged(Sva *s)
{
    sva_invalidate(s, PASID, VA);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, s->b->command_tail);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 0);
}

static void test_unplug(void)
{
    Sva *s = start_unplugged();

    unplug(s);
    sva_respond(s, 0, SUCCESS);
    assert_unplugged(s);
    sva_stop(s);
}

/* The response is under way, from software that is late and from the IOMMU */
static void test_unplug_late(void)
{
    Sva *s = start_unplugged();

    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'amd-iommu-inject',"
                             "  'arguments': { 'kind': 'delay-response',"
                             "                 'nanoseconds': 1000000 } }");
    sva_respond(s, 0, SUCCESS);
    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) |
              CONTROL_PPR_AUTO_RSP_EN | CONTROL_PPR_AUTO_RSP_AON);
    for (uint16_t i = 1; i < 300; i++) {
        testdev_request_page(s->t, TESTDEV_FLAG_READ | TESTDEV_FLAG_LAST,
                             PASID, VA, i);
    }
    unplug(s);
    qtest_clock_step(s->b->qts, 10000000);
    for (uint16_t i = 0; i < 300; i++) {
        sva_respond(s, i, SUCCESS);
    }
    assert_unplugged(s);
    sva_stop(s);
}

/* Software answers with the PASID if the function wants it so */
static void test_response_pasid(void)
{
    Sva *s = start_bound(",prg-response-pasid=on", 32);

    g_assert_cmphex(testdev_config_get(s->t, TESTDEV_PRI_STATUS), ==,
                    TESTDEV_PRI_NEEDS_PASID);
    assert_waits(s, read_byte(s, REQUEST, PASID, VA));
    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    command(s->b, 0x7000000500000000 | s->id, 4);
    assert_ended(s, TESTDEV_OK);
    testdev_assert_response(s->t, 1, 0, SUCCESS, PASID);
    sva_stop(s);
}

/* Untranslated with PASID, and translated: past the device TLB */
static void test_paths(void)
{
    Sva *s = start_bound("", 32);

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ | SVA_NO_EXEC);
    g_assert_cmpuint(read_byte(s, TESTDEV_PATH_UNTRANSLATED, PASID, VA), ==,
                     TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x11);
    g_assert_cmpuint(read_byte(s, TESTDEV_PATH_UNTRANSLATED |
                               TESTDEV_FLAG_EXEC, PASID, VA), ==,
                     TESTDEV_ERROR);
    g_assert_cmpuint(read_byte(s, TESTDEV_PATH_TRANSLATED, TESTDEV_NO_PASID,
                               OTHER_FRAME), ==, TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x22);
    g_assert_cmpuint(get(s, TESTDEV_COUNT_ATS_REQUESTS), ==, 0);
    /* While ATS is off, accesses go untranslated */
    testdev_config_set(s->t, TESTDEV_ATS_CTRL, 0);
    g_assert_cmpuint(read_byte(s, 0, PASID, VA), ==, TESTDEV_OK);
    g_assert_cmphex(byte_read(s), ==, 0x11);
    g_assert_cmpuint(testdev_count_tlb(s->t), ==, 0);
    sva_stop(s);
}

/*
 * A device that writes to the doorbell of the IOMMU, and is told to forget
 * the very page it writes through: it must not wait for itself.
 */
static void test_doorbell(void)
{
    Sva *s = start_bound("", 32);
    uint32_t tail;

    sva_map(s, PASID, VA, IOMMU_BASE + 0x2000, SVA_USER_RW);
    tail = s->b->command_tail + 16;
    qtest_writeq(s->b->qts, COMMANDS + tail - 16, 0x4005000020000000 | s->id);
    qtest_writeq(s->b->qts, COMMANDS + tail - 8, VA | 4);
    qtest_writeq(s->b->qts, SVA_TESTDEV_BAR + TESTDEV_DATA, tail);
    g_assert_cmpuint(testdev_run(s->t, TESTDEV_CMD_WRITE, 0, PASID,
                                 VA + (REG_CMD_TAIL & 0xfff), 8), ==,
                     TESTDEV_OK);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, tail);
    testdev_assert_invalidation(s->t, 0, PASID, VA, VA + 0xfff);
    g_assert_cmpuint(testdev_count_tlb(s->t), ==, 0);
    sva_stop(s);
}

/* The open request migrates, and with it the access that waits */
static void test_migrate_fault(void)
{
    Sva *s = start_bound("", 32);
    Sva *to = sva_start_incoming("");
    g_autofree char *path = NULL;

    sva_map(s, PASID, VA, FRAME, SVA_USER_READ);
    assert_waits(s, testdev_run(s->t, TESTDEV_CMD_READ, REQUEST, PASID,
                                VA + 0xff8, 16));
    path = migrate_save(s->b->qts);
    migrate_load(to->b->qts, path);
    unlink(path);
    to->b->command_tail = s->b->command_tail;
    to->free = s->free;
    sva_stop(s);
    assert_waits(to, TESTDEV_RUNNING);
    g_assert_cmpuint(get(to, TESTDEV_OUTSTANDING), ==, 1);
    g_assert_cmpuint(get(to, TESTDEV_DONE), ==, 8);
    sva_map(to, PASID, VA + 0x1000, OTHER_FRAME, SVA_USER_READ);
    sva_respond(to, 0, SUCCESS);
    assert_ended(to, TESTDEV_OK);
    g_assert_cmphex(get(to, TESTDEV_DATA), ==, 0x1111111111111111);
    g_assert_cmphex(get(to, TESTDEV_DATA + 8), ==, 0x2222222222222222);
    sva_stop(to);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/fault/read", test_fault);
    qtest_add_func("/amdvi/fault/write", test_fault_write);
    qtest_add_func("/amdvi/fault/two-pages", test_two_pages);
    qtest_add_func("/amdvi/fault/group", test_group);
    qtest_add_func("/amdvi/fault/allocation", test_allocation);
    qtest_add_func("/amdvi/fault/invalid", test_invalid);
    qtest_add_func("/amdvi/fault/failure", test_failure);
    qtest_add_func("/amdvi/fault/too-often", test_too_often);
    qtest_add_func("/amdvi/fault/cancel", test_cancel);
    qtest_add_func("/amdvi/fault/pri-off", test_pri_off);
    qtest_add_func("/amdvi/fault/reset", test_reset);
    qtest_add_func("/amdvi/fault/pasid-off", test_pasid_off);
    qtest_add_func("/amdvi/fault/invalidate-pasid", test_invalidate_pasid);
    qtest_add_func("/amdvi/fault/privileged", test_privileged);
    qtest_add_func("/amdvi/fault/execute", test_execute);
    qtest_add_func("/amdvi/fault/large-page", test_large_page);
    qtest_add_func("/amdvi/fault/raw-requests", test_raw_requests);
    qtest_add_func("/amdvi/fault/unexpected", test_unexpected);
    qtest_add_func("/amdvi/fault/stop-marker", test_stop_marker);
    qtest_add_func("/amdvi/fault/behind-port", test_behind_port);
    qtest_add_func("/amdvi/fault/unplug", test_unplug);
    qtest_add_func("/amdvi/fault/unplug-late", test_unplug_late);
    qtest_add_func("/amdvi/fault/response-pasid", test_response_pasid);
    qtest_add_func("/amdvi/fault/paths", test_paths);
    qtest_add_func("/amdvi/fault/doorbell", test_doorbell);
    qtest_add_func("/amdvi/fault/migrate", test_migrate_fault);
    return g_test_run();
}
