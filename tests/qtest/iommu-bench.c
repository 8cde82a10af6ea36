/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets svm-testdev access memory through one IOMMU, as often as it is told:
 *
 *     iommu-bench svm|svm-pasid|stock|intel|none
 *
 * Each line of standard input is a benchmark, COUNT BYTES PAGES SEED: that
 * many reads of so many bytes from each of PAGES pages in turn, or at random
 * if SEED is not 0.  The answer is the time they took, in ns.
 *
 * tests/bench/run is what compares.  Every kind maps the same pages with
 * tables of the same shape, but for the guest table, which has a level more.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "svm.h"
#include "vtd.h"

#define IOVA 0x40000000ULL
#define MAX_PAGES 65536
/* Memory that the pages are in: few, so that caches of the host hold them */
#define FRAMES 64
/* Level 1, and the levels above it */
#define LEAVES 0x8000000ULL
#define UPPER 0x7000000ULL
#define PASID 1
#define POLL_US 2000

/* A format of tables: of an entry for a page, and for a table of @level */
typedef struct Format {
    int levels;
    uint64_t leaf;
    uint64_t (*table)(unsigned int level, uint64_t address);
} Format;

static uint64_t host_table(unsigned int level, uint64_t address)
{
    return PDE(level, address, PTE_RW);
}

static uint64_t guest_table(unsigned int level, uint64_t address)
{
    return address | G_USER | G_A;
}

static uint64_t vtd_table(unsigned int level, uint64_t address)
{
    return address | VTD_READ | VTD_WRITE;
}

static const Format host_format = { 3, PTE_RW | 1, host_table };
static const Format guest_format = { 4, G_USER | G_A | G_D, guest_table };
static const Format vtd_format = { 3, VTD_READ | VTD_WRITE, vtd_table };

/* Map all pages.  Returns the address of the top table */
static uint64_t map_pages(QTestState *qts, const Format *f)
{
    uint64_t table[512], level2 = UPPER, below = level2;

    for (int i = 0; i < MAX_PAGES / 512; i++) {
        uint64_t at = LEAVES + i * sizeof(table);

        for (int n = 0; n < 512; n++) {
            table[n] = cpu_to_le64((PAGE + (i * 512 + n) % FRAMES * 0x1000) |
                                   f->leaf);
        }
        qtest_memwrite(qts, at, table, sizeof(table));
        qtest_writeq(qts, level2 + 8 * i, f->table(1, at));
    }
    for (int level = 3; level <= f->levels; level++) {
        uint64_t at = UPPER + (level - 2) * sizeof(table);
        unsigned int shift = 12 + 9 * (level - 1);

        qtest_writeq(qts, at + 8 * (IOVA >> shift & 0x1ff),
                     f->table(level - 1, below));
        below = at;
    }
    return below;
}

static Testdev *start_amd(const char *options)
{
    Bench *b = bench_start(options, "-device svm-testdev,addr=06.0");
    const uint64_t dte[4] = {
        DTE_HOST(3, map_pages(b->qts, &host_format)), DOMAIN,
    };

    bench_set_up(b);
    set_dte_of(b, TESTDEV_PLACE, dte);
    return testdev_find(b->qts, TESTDEV_PLACE, TESTDEV_BAR);
}

static Testdev *start_pasid(void)
{
    Svm *s = svm_start("svm=on", "");
    uint64_t inner = s->next_table;

    qtest_writeq(s->b->qts, GCR3_ROOT, inner | 1);
    qtest_writeq(s->b->qts, inner + 8 * PASID,
                 map_pages(s->b->qts, &guest_format) | 1);
    return s->t;
}

static Testdev *start_other(const char *iommu)
{
    QTestState *qts = qtest_initf("-machine q35 -m 256M -nodefaults -nic none "
                                  "%s -device svm-testdev,addr=06.0", iommu);
    Vtd v;

    if (*iommu) {
        vtd_set_up(&v, qts, TESTDEV_PLACE);
        vtd_set_top(&v, map_pages(qts, &vtd_format));
    }
    return testdev_find(qts, TESTDEV_PLACE, TESTDEV_BAR);
}

static Testdev *start(const char *kind)
{
    if (!strcmp(kind, "svm")) {
        return start_amd("svm=on");
    } else if (!strcmp(kind, "svm-pasid")) {
        return start_pasid();
    } else if (!strcmp(kind, "stock")) {
        return start_amd("dma-remap=on");
    } else if (!strcmp(kind, "intel")) {
        return start_other("-device intel-iommu,device-iotlb=on,intremap=off");
    } else if (!strcmp(kind, "none")) {
        return start_other("");
    }
    g_printerr("iommu-bench: unknown kind %s\n", kind);
    exit(2);
}

/* Time of a benchmark in ns; every access has to succeed */
static uint64_t run(Testdev *t, const char *kind, uint64_t count,
                    uint32_t bytes, uint64_t pages, uint64_t seed)
{
    bool has_pasid = !strcmp(kind, "svm-pasid");
    /* Without an IOMMU there is memory elsewhere */
    uint64_t addr = strcmp(kind, "none") ? IOVA : PAGE;

    testdev_set(t, TESTDEV_BENCH_COUNT, count);
    testdev_set(t, TESTDEV_BENCH_PAGES,
                addr == IOVA ? pages : MIN(pages, FRAMES));
    testdev_set(t, TESTDEV_BENCH_SEED, seed);
    testdev_run(t, TESTDEV_CMD_BENCH_READ, TESTDEV_PATH_UNTRANSLATED,
                has_pasid ? PASID : TESTDEV_NO_PASID, addr, bytes);
    while (testdev_get(t, TESTDEV_STATUS) & TESTDEV_STATUS_BUSY) {
        g_usleep(POLL_US);
    }
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_DONE), ==, count);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_FAILED), ==, 0);
    return testdev_get(t, TESTDEV_BENCH_NS);
}

int main(int argc, char **argv)
{
    unsigned long count, pages, seed;
    unsigned int bytes;
    Testdev *t;

    if (argc != 2) {
        g_printerr("usage: iommu-bench svm|svm-pasid|stock|intel|none\n");
        return 2;
    }
    t = start(argv[1]);
    while (scanf("%lu %u %lu %lu", &count, &bytes, &pages, &seed) == 4) {
        if (!pages || pages > MAX_PAGES) {
            g_printerr("iommu-bench: 1 to %d pages\n", MAX_PAGES);
            return 2;
        }
        printf("%" PRIu64 "\n", run(t, argv[1], count, bytes, pages, seed));
        fflush(stdout);
    }
    qtest_quit(t->qts);
    g_free(t);
    return 0;
}
