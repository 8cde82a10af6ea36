/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver of testdev.h. */
#include "qemu/osdep.h"
#include "testdev.h"

/* q35: where the guest wants the memory-mapped configuration space */
#define ECAM 0xb0000000ULL
#define HOST_BRIDGE_PCIEXBAR 0x80000060

#define PCI_COMMAND 0x04
#define PCI_BAR0 0x10
#define MEMORY_AND_MASTER 0x6

static uint64_t config_at(Testdev *t, uint16_t offset)
{
    return ECAM + ((uint64_t)t->id << 12) + offset;
}

Testdev *testdev_find(QTestState *qts, uint16_t id, uint64_t bar)
{
    Testdev *t = g_new0(Testdev, 1);

    t->qts = qts;
    t->id = id;
    t->bar = bar;
    qtest_outl(qts, 0xcf8, HOST_BRIDGE_PCIEXBAR);
    qtest_outl(qts, 0xcfc, ECAM | 1);
    g_assert_cmphex(qtest_readl(qts, config_at(t, 0)), ==,
                    TESTDEV_VENDOR_ID | TESTDEV_DEVICE_ID << 16);
    qtest_writel(qts, config_at(t, PCI_BAR0), bar);
    qtest_writel(qts, config_at(t, PCI_BAR0 + 4), bar >> 32);
    testdev_config_set(t, PCI_COMMAND, MEMORY_AND_MASTER);
    g_assert_cmphex(testdev_get(t, TESTDEV_ID), ==, TESTDEV_ID_VALUE);
    return t;
}

uint64_t testdev_get(Testdev *t, uint32_t offset)
{
    return qtest_readq(t->qts, t->bar + offset);
}

void testdev_set(Testdev *t, uint32_t offset, uint64_t value)
{
    qtest_writeq(t->qts, t->bar + offset, value);
}

uint16_t testdev_config_get(Testdev *t, uint16_t offset)
{
    return qtest_readw(t->qts, config_at(t, offset));
}

void testdev_config_set(Testdev *t, uint16_t offset, uint16_t value)
{
    qtest_writew(t->qts, config_at(t, offset), value);
}

void testdev_enable(Testdev *t, uint32_t page_requests)
{
    testdev_config_set(t, TESTDEV_PASID_CTRL, TESTDEV_PASID_ON |
                       TESTDEV_PASID_EXEC | TESTDEV_PASID_PRIV);
    testdev_config_set(t, TESTDEV_ATS_CTRL, TESTDEV_ATS_ON);
    if (page_requests) {
        testdev_config_set(t, TESTDEV_PRI_CTRL, TESTDEV_PRI_RESET);
        qtest_writel(t->qts, config_at(t, TESTDEV_PRI_ALLOCATION),
                     page_requests);
        testdev_config_set(t, TESTDEV_PRI_CTRL, TESTDEV_PRI_ON);
    }
}

uint32_t testdev_run(Testdev *t, uint32_t command, uint32_t flags,
                     uint32_t pasid, uint64_t addr, uint32_t len)
{
    bool has_pasid = pasid != TESTDEV_NO_PASID;

    testdev_set(t, TESTDEV_FLAGS, flags | (has_pasid ? TESTDEV_FLAG_PASID
                                                     : 0));
    testdev_set(t, TESTDEV_PASID, has_pasid ? pasid : 0);
    testdev_set(t, TESTDEV_ADDRESS, addr);
    testdev_set(t, TESTDEV_LENGTH, len);
    testdev_set(t, TESTDEV_COMMAND, command);
    return testdev_get(t, TESTDEV_STATUS) & TESTDEV_STATUS_BUSY
           ? TESTDEV_RUNNING : testdev_get(t, TESTDEV_RESULT);
}

uint32_t testdev_read(Testdev *t, uint32_t flags, uint32_t pasid,
                      uint64_t addr, void *buf, uint32_t len)
{
    uint32_t result;

    testdev_set(t, TESTDEV_BUFFER, 0);
    qtest_memset(t->qts, t->bar + TESTDEV_DATA, 0, len);
    result = testdev_run(t, TESTDEV_CMD_READ, flags, pasid, addr, len);
    qtest_memread(t->qts, t->bar + TESTDEV_DATA, buf, len);
    return result;
}

uint32_t testdev_write(Testdev *t, uint32_t flags, uint32_t pasid,
                       uint64_t addr, const void *buf, uint32_t len)
{
    testdev_set(t, TESTDEV_BUFFER, 0);
    qtest_memwrite(t->qts, t->bar + TESTDEV_DATA, buf, len);
    return testdev_run(t, TESTDEV_CMD_WRITE, flags, pasid, addr, len);
}

TestdevTranslation testdev_translate(Testdev *t, uint32_t flags,
                                     uint32_t pasid, uint64_t addr)
{
    TestdevTranslation tr;

    testdev_run(t, TESTDEV_CMD_TRANSLATE, flags, pasid, addr & ~0xfffULL,
                0x1000);
    tr.result = testdev_get(t, TESTDEV_ATS_RESULT);
    tr.lacking = testdev_get(t, TESTDEV_ATS_LACKING);
    tr.iova = testdev_get(t, TESTDEV_COMPLETIONS);
    tr.addr = testdev_get(t, TESTDEV_COMPLETIONS + 8);
    tr.mask = testdev_get(t, TESTDEV_COMPLETIONS + 16);
    tr.perm = testdev_get(t, TESTDEV_COMPLETIONS + 24);
    return tr;
}

int testdev_request_page(Testdev *t, uint32_t flags, uint32_t pasid,
                         uint64_t addr, uint16_t prgi)
{
    testdev_set(t, TESTDEV_PRG_INDEX, prgi);
    testdev_run(t, TESTDEV_CMD_PAGE_REQUEST, flags, pasid, addr, 0);
    return (int64_t)testdev_get(t, TESTDEV_PRI_RESULT);
}

/* Entry @index of the device TLB.  False if it is not in use */
static bool read_tlb(Testdev *t, uint32_t index, TestdevTlbEntry *entry)
{
    uint64_t info;

    testdev_set(t, TESTDEV_TLB_INDEX, index);
    info = testdev_get(t, TESTDEV_TLB_INFO);
    entry->iova = testdev_get(t, TESTDEV_TLB_IOVA);
    entry->addr = testdev_get(t, TESTDEV_TLB_ADDRESS);
    entry->pasid = info & TESTDEV_TLB_HAS_PASID ? TESTDEV_TLB_PASID(info)
                                                : TESTDEV_NO_PASID;
    entry->perm = TESTDEV_TLB_PERM(info);
    entry->shift = TESTDEV_TLB_SHIFT(info);
    return info & TESTDEV_TLB_VALID;
}

bool testdev_find_tlb(Testdev *t, uint32_t pasid, uint64_t iova,
                      TestdevTlbEntry *entry)
{
    uint32_t size = testdev_get(t, TESTDEV_CAPS);

    for (uint32_t i = 0; i < size; i++) {
        if (read_tlb(t, i, entry) && entry->pasid == pasid &&
            entry->iova >> entry->shift == iova >> entry->shift) {
            return true;
        }
    }
    return false;
}

unsigned int testdev_count_tlb(Testdev *t)
{
    uint32_t size = testdev_get(t, TESTDEV_CAPS);
    unsigned int used = 0;
    TestdevTlbEntry entry;

    for (uint32_t i = 0; i < size; i++) {
        used += read_tlb(t, i, &entry);
    }
    return used;
}

void testdev_assert_response(Testdev *t, uint64_t count, uint16_t prgi,
                             unsigned int code, uint32_t pasid)
{
    uint64_t response = testdev_get(t, TESTDEV_RESPONSE);

    g_assert_cmpuint(testdev_get(t, TESTDEV_RESPONSES), ==, count);
    g_assert_true(response & TESTDEV_RESPONSE_VALID);
    g_assert_cmpuint(TESTDEV_RESPONSE_PRGI(response), ==, prgi);
    g_assert_cmpuint(TESTDEV_RESPONSE_CODE(response), ==, code);
    g_assert_cmphex(response & TESTDEV_RESPONSE_HAS_PASID
                    ? TESTDEV_RESPONSE_PASID(response) : TESTDEV_NO_PASID, ==,
                    pasid);
}

void testdev_assert_invalidation(Testdev *t, unsigned int n, uint32_t pasid,
                                 uint64_t first, uint64_t last)
{
    uint32_t entry = TESTDEV_INVALIDATION_LOG + TESTDEV_INVALIDATION_SIZE *
                     (n % TESTDEV_INVALIDATION_LOG_LEN);
    uint64_t tag = pasid == TESTDEV_NO_PASID ? 0
                                             : pasid | TESTDEV_TLB_HAS_PASID;

    g_assert_cmpuint(testdev_get(t, entry), ==, n + 1);
    g_assert_cmphex(testdev_get(t, entry + 8), ==, first);
    g_assert_cmphex(testdev_get(t, entry + 16), ==, last);
    g_assert_cmphex(testdev_get(t, entry + 24), ==, tag);
}
