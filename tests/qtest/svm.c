/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of svm.h. */
#include "qemu/osdep.h"
#include "svm.h"

#define TABLE_BYTES 0x1000
#define ADDRESS_BITS 0x000ffffffffff000ULL
#define GLX_2_LEVELS (1ULL << 56)

/* Parts of GCR3TRP in the first two words of a DTE: structures.md 1 */
#define TRP_IN_WORD0(root) (((root) >> 12 & 7) << 58)
#define TRP_IN_WORD1(root) (((root) >> 15 & 0xffff) << 16 | (root) >> 31 << 43)

#define ENABLES (CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN | \
                 CONTROL_CMD_BUF_EN | CONTROL_COHERENT | CONTROL_GT_EN | \
                 CONTROL_PPR_EN | CONTROL_PPR_LOG_EN | CONTROL_EPH_EN)
#define PAGE_REQUESTS 32

void svm_dte(uint64_t word[4], uint16_t domain)
{
    word[0] = PTE_RW | 3 | DTE_GV | DTE_PPR | GLX_2_LEVELS |
              TRP_IN_WORD0(GCR3_ROOT);
    word[1] = domain | DTE_I | TRP_IN_WORD1(GCR3_ROOT);
    word[2] = 0;
    word[3] = 0;
}

void svm_set_dte(Svm *s, uint64_t flip0, uint64_t flip1)
{
    uint64_t word[4];

    svm_dte(word, SVM_DOMAIN);
    word[0] ^= flip0;
    word[1] ^= flip1;
    set_dte_of(s->b, TESTDEV_PLACE, word);
}

Svm *svm_attach(Bench *b)
{
    Svm *s = g_new0(Svm, 1);

    s->b = b;
    s->t = testdev_find(b->qts, TESTDEV_PLACE, TESTDEV_BAR);
    s->next_table = GUEST_TABLES;
    return s;
}

Svm *svm_start(const char *options, const char *more)
{
    g_autofree char *line = g_strdup_printf("-device svm-testdev,addr=06.0 %s",
                                            more);
    Svm *s = svm_attach(bench_start(options, line));

    testdev_enable(s->t, PAGE_REQUESTS);
    bench_set_bases(s->b);
    reg_write(s->b, REG_PPR_BASE, PPR_LOG | 8ULL << 56);
    reg_write(s->b, REG_CONTROL, ENABLES);
    svm_set_dte(s, 0, 0);
    return s;
}

void svm_stop(Svm *s)
{
    bench_stop(s->b);
    g_free(s->t);
    g_free(s);
}

/* The table that the entry at @place points to; made if there is none */
static uint64_t follow(Svm *s, uint64_t place, uint64_t flags)
{
    uint64_t entry = qtest_readq(s->b->qts, place);

    if (!(entry & 1)) {
        entry = s->next_table | flags;
        s->next_table += TABLE_BYTES;
        qtest_writeq(s->b->qts, place, entry);
    }
    return entry & ADDRESS_BITS;
}

/* Address of the top table of a PASID */
static uint64_t top_table(Svm *s, uint32_t pasid)
{
    uint64_t inner = follow(s, GCR3_ROOT + 8 * (pasid >> 9), 1);

    return follow(s, inner + 8 * (pasid & 0x1ff), 1);
}

void svm_bind(Svm *s, uint32_t pasid)
{
    top_table(s, pasid);
}

uint64_t svm_entry(Svm *s, uint32_t pasid, uint64_t va, int shift)
{
    uint64_t at = top_table(s, pasid);

    for (int level = 39; level > shift; level -= 9) {
        at = follow(s, at + 8 * (va >> level & 0x1ff), G_USER);
    }
    return at + 8 * (va >> shift & 0x1ff);
}

void svm_map(Svm *s, uint32_t pasid, uint64_t va, uint64_t leaf)
{
    qtest_writeq(s->b->qts, svm_leaf(s, pasid, va), leaf);
}

void svm_flush(Svm *s, uint32_t pasid)
{
    /* S, PDE and GN */
    command(s->b, 0x3000000000000000 | (uint64_t)SVM_DOMAIN << 32 | pasid,
            0x7ffffffffffff007);
}

void svm_assert_ppr(Svm *s, unsigned int n, uint64_t word0, uint64_t word1)
{
    g_assert_cmphex(qtest_readq(s->b->qts, PPR_LOG + 16 * n), ==, word0);
    g_assert_cmphex(qtest_readq(s->b->qts, PPR_LOG + 16 * n + 8), ==, word1);
}

uint64_t svm_status(Svm *s)
{
    return reg_read(s->b, REG_STATUS) &
           ~(uint64_t)(STATUS_CMD_BUF_RUN | STATUS_EVENT_LOG_RUN);
}

void svm_settle(Svm *s)
{
    /* QMP is served by the same main loop that runs bottom halves */
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'query-status' }");
    qtest_clock_step(s->b->qts, 1000000);
}
