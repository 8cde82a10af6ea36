/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IOMMU of vtd.h. */
#include "qemu/osdep.h"
#include "vtd.h"

#define VTD_BASE 0xfed90000ULL
#define REG_GLOBAL_COMMAND 0x18
#define REG_GLOBAL_STATUS 0x1c
#define REG_ROOT 0x20
#define REG_QUEUE_HEAD 0x80
#define REG_QUEUE_BASE 0x90

#define COMMAND_TRANSLATE (1u << 31)
#define COMMAND_SET_ROOT (1u << 30)
#define COMMAND_QUEUE (1u << 26)

#define ROOT (VTD_TABLES + 0x0000)
#define CONTEXT (VTD_TABLES + 0x1000)
#define LEVEL3 (VTD_TABLES + 0x2000)
#define LEVEL2 (VTD_TABLES + 0x3000)
#define LEVEL1 (VTD_TABLES + 0x4000)
#define QUEUE_SIZE 0x1000

#define DOMAIN_ID 1
#define CONTEXT_PRESENT 0x1
#define CONTEXT_DEVICE_TLB 0x4
#define CONTEXT_3_LEVELS 0x1
#define TABLE (VTD_READ | VTD_WRITE)

#define INV_IOTLB_GLOBAL 0x12
#define INV_DEVICE_TLB 0x3
/* Address bits and S of the range that is everything */
#define EVERYTHING 0x7ffffffffffff001ULL

static void order(Vtd *v, uint32_t bits, uint32_t set)
{
    uint32_t status = qtest_readl(v->qts, VTD_BASE + REG_GLOBAL_STATUS);

    qtest_writel(v->qts, VTD_BASE + REG_GLOBAL_COMMAND,
                 (status & (COMMAND_TRANSLATE | COMMAND_QUEUE)) | bits);
    g_assert_cmphex(qtest_readl(v->qts, VTD_BASE + REG_GLOBAL_STATUS) & set,
                    ==, set);
}

void vtd_set_up(Vtd *v, QTestState *qts, uint16_t id)
{
    v->qts = qts;
    v->id = id;
    v->tail = 0;
    qtest_memset(qts, VTD_TABLES, 0, 0x6000);
    vtd_attach(v, id, DOMAIN_ID, LEVEL3);
    qtest_writeq(qts, LEVEL3, LEVEL2 | TABLE);
    qtest_writeq(qts, LEVEL2, LEVEL1 | TABLE);
    qtest_writeq(qts, VTD_BASE + REG_ROOT, ROOT);
    order(v, COMMAND_SET_ROOT, COMMAND_SET_ROOT);
    qtest_writeq(qts, VTD_BASE + REG_QUEUE_BASE, VTD_QUEUE);
    order(v, COMMAND_QUEUE, COMMAND_QUEUE);
    order(v, COMMAND_TRANSLATE, COMMAND_TRANSLATE);
}

void vtd_map(Vtd *v, uint64_t iova, uint64_t addr, uint64_t rights)
{
    qtest_writeq(v->qts, LEVEL1 + 8 * (iova >> 12 & 0x1ff), addr | rights);
}

void vtd_attach(Vtd *v, uint16_t id, uint16_t domain, uint64_t address)
{
    uint64_t entry = CONTEXT + 16 * (id & 0xff);

    qtest_writeq(v->qts, ROOT + 16 * (id >> 8), CONTEXT | CONTEXT_PRESENT);
    qtest_writeq(v->qts, entry, address | CONTEXT_DEVICE_TLB |
                 CONTEXT_PRESENT);
    qtest_writeq(v->qts, entry + 8, domain << 8 | CONTEXT_3_LEVELS);
}

void vtd_set_top(Vtd *v, uint64_t address)
{
    qtest_writeq(v->qts, CONTEXT + 16 * (v->id & 0xff),
                 address | CONTEXT_DEVICE_TLB | CONTEXT_PRESENT);
    vtd_invalidate_iommu(v);
}

static void invalidate(Vtd *v, uint64_t low, uint64_t high)
{
    qtest_writeq(v->qts, VTD_QUEUE + v->tail, low);
    qtest_writeq(v->qts, VTD_QUEUE + v->tail + 8, high);
    v->tail = (v->tail + 16) % QUEUE_SIZE;
    qtest_writeq(v->qts, VTD_QUEUE_TAIL, v->tail);
    g_assert_cmphex(qtest_readq(v->qts, VTD_BASE + REG_QUEUE_HEAD), ==,
                    v->tail);
}

void vtd_invalidate_iommu(Vtd *v)
{
    invalidate(v, INV_IOTLB_GLOBAL, 0);
}

void vtd_invalidate_device_page(Vtd *v, uint64_t iova)
{
    invalidate(v, (uint64_t)v->id << 32 | INV_DEVICE_TLB, iova & ~0xfffULL);
}

void vtd_invalidate_device(Vtd *v)
{
    invalidate(v, (uint64_t)v->id << 32 | INV_DEVICE_TLB, EVERYTHING);
}
