/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of sva.h. */
#include "qemu/osdep.h"
#include "sva.h"

#define GCR3_ROOT 0x3100000ULL
#define FIRST_TABLE 0x3101000ULL
#define TABLE_BYTES 0x1000
#define GCR3_VALID 1
#define ADDRESS_MASK 0xffffffffff000ULL

#define DTE_PPR (1ULL << 52)
#define DTE_GV (1ULL << 55)
#define DTE_GLX_2_LEVELS (1ULL << 56)
#define DTE_ATS (1ULL << 32)

static uint64_t new_table(Sva *s)
{
    uint64_t table = s->free;

    qtest_memset(s->b->qts, table, 0, TABLE_BYTES);
    s->free += TABLE_BYTES;
    return table;
}

/* The table that entry @index of @table points to; @bits go into the entry */
static uint64_t next_table(Sva *s, uint64_t table, unsigned int index,
                           uint64_t bits)
{
    uint64_t at = table + 8 * index;
    uint64_t entry = qtest_readq(s->b->qts, at);

    if (!entry) {
        entry = new_table(s) | bits;
        qtest_writeq(s->b->qts, at, entry);
    }
    return entry & ADDRESS_MASK;
}

void sva_set_up(Sva *s)
{
    const uint64_t dte[4] = {
        DTE_PASS_THROUGH | DTE_PPR | DTE_GV | DTE_GLX_2_LEVELS |
            (GCR3_ROOT >> 12 & 7) << 58,
        SVA_DOMAIN | DTE_ATS | (GCR3_ROOT >> 15 & 0xffff) << 16,
    };

    s->free = FIRST_TABLE;
    bench_set_bases(s->b);
    reg_write(s->b, REG_PPR_BASE, SVA_PPR_LOG | 8ULL << 56);
    reg_write(s->b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN | CONTROL_COHERENT | CONTROL_PPR_LOG_EN |
              CONTROL_PPR_EN | CONTROL_GT_EN | CONTROL_EPH_EN);
    qtest_memset(s->b->qts, GCR3_ROOT, 0, TABLE_BYTES);
    set_dte_of(s->b, s->id, dte);
}

/* Nothing of the machine is set up yet */
static Sva *start(uint16_t id, const char *place, const char *testdev,
                  const char *more)
{
    g_autofree char *line = g_strdup_printf("%s -device svm-testdev,%s%s",
                                            more, place, testdev);
    Sva *s = g_new0(Sva, 1);

    s->b = bench_start("svm=on", line);
    s->id = id;
    s->free = FIRST_TABLE;
    return s;
}

Sva *sva_start_incoming(const char *testdev)
{
    Sva *s = start(SVA_TESTDEV_ID, "addr=06.0", testdev, "-incoming defer");

    s->t = g_new0(Testdev, 1);
    s->t->qts = s->b->qts;
    s->t->id = s->id;
    s->t->bar = SVA_TESTDEV_BAR;
    return s;
}

static void enable(Sva *s, uint32_t page_requests)
{
    s->t = testdev_find(s->b->qts, s->id, SVA_TESTDEV_BAR);
    sva_set_up(s);
    testdev_enable(s->t, page_requests);
}

Sva *sva_start(const char *testdev, uint32_t page_requests)
{
    Sva *s = start(SVA_TESTDEV_ID, "addr=06.0", testdev, "");

    enable(s, page_requests);
    return s;
}

Sva *sva_start_behind_port(uint32_t page_requests)
{
    /* The port is unplugged from as PCI Express has it, without ACPI */
    Sva *s = start(BEHIND_PORT_ID, "bus=port0", ",id=testdev", "-global "
                   "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
                   "-device pcie-root-port,id=port0,addr=04.0");

    /* Bus numbers 0, 1, 1; a memory window around the BAR; bus master */
    config_write(s->b, SVA_PORT_ID, 0x18, 0x00010100);
    config_write(s->b, SVA_PORT_ID, 0x20, 0xe100e100);
    config_write(s->b, SVA_PORT_ID, 0x04, 6);
    enable(s, page_requests);
    return s;
}

void sva_stop(Sva *s)
{
    bench_stop(s->b);
    g_free(s->t);
    g_free(s);
}

void sva_bind(Sva *s, uint32_t pasid)
{
    uint64_t leaf = next_table(s, GCR3_ROOT, pasid >> 9, GCR3_VALID);

    next_table(s, leaf, pasid & 0x1ff, GCR3_VALID);
}

static unsigned int index_of(uint64_t va, unsigned int level)
{
    return va >> (3 + 9 * level) & 0x1ff;
}

uint64_t sva_entry(Sva *s, uint32_t pasid, uint64_t va, unsigned int level)
{
    uint64_t leaf = next_table(s, GCR3_ROOT, pasid >> 9, GCR3_VALID);
    uint64_t table = next_table(s, leaf, pasid & 0x1ff, GCR3_VALID);

    for (unsigned int n = 4; n > level; n--) {
        table = next_table(s, table, index_of(va, n), SVA_USER_RW);
    }
    return table + 8 * index_of(va, level);
}

void sva_map(Sva *s, uint32_t pasid, uint64_t va, uint64_t pa, uint64_t flags)
{
    qtest_writeq(s->b->qts, sva_entry(s, pasid, va, 1), pa | flags);
}

void sva_invalidate(Sva *s, uint32_t pasid, uint64_t va)
{
    uint64_t page = va & ~0xfffULL;

    /* GN, PDE; then GN */
    command(s->b, 0x3000000000000000 | (uint64_t)SVA_DOMAIN << 32 | pasid,
            page | 6);
    command(s->b, 0x4000000000000000 | (uint64_t)(pasid >> 16) << 56 |
            (uint64_t)(pasid & 0xff) << 48 | 0x20000000 |
            (uint64_t)(pasid >> 8 & 0xff) << 16 | s->id, page | 4);
}

void sva_ppr_read(Sva *s, unsigned int n, uint64_t word[2])
{
    word[0] = qtest_readq(s->b->qts, SVA_PPR_LOG + 16 * n);
    word[1] = qtest_readq(s->b->qts, SVA_PPR_LOG + 16 * n + 8);
}

unsigned int sva_ppr_count(Sva *s)
{
    return reg_read(s->b, REG_PPR_TAIL) / 16;
}

void sva_respond(Sva *s, uint16_t prgi, unsigned int code)
{
    command(s->b, 0x7000000000000000 | s->id,
            (uint64_t)code << 44 | (uint64_t)prgi << 32);
}
