/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register file: what each register is after reset, which of its bits
 * software can change, with accesses of every size.  spec/registers.md 2, 13.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "hw/i386/amdvi/amdvi.h"
#include "bench.h"

/*
 * PreF, PPR, NX, GT, IA, GA, HE, HATS=2, GATS=1, GLX=1, PASmax=15, segments,
 * early overflow, automatic responses, stop markers, GIo, HA, EPH, HD, and A
 * and D of guest tables: by hand, so that a change is noticed.
 */
#define EFR 0x203713cf000059dbULL
/* GCR3TRPMode */
#define EFR2 0x8
#define EFR_XT 0x4ULL
#define EFR_PPR 0x2ULL
#define EFR_PC 0x200ULL
#define WINDOW 0x4000

static struct amdvi_features features_of(Bench *b)
{
    return (struct amdvi_features) {
        .efr = reg_read(b, REG_EFR),
        .efr2 = reg_read(b, REG_EFR2),
    };
}

/* Bits of a register that a stopped IOMMU lets software write */
static uint64_t writable(const struct amdvi_layout *l,
                         const struct amdvi_features *f)
{
    return amdvi_register_mask(l, f, AMDVI_ACCESS_RW) |
           amdvi_register_mask(l, f, AMDVI_ACCESS_HW);
}

/* Enabling things and moving pointers has effects, which other tests check */
static uint64_t harmless(const struct amdvi_layout *l, uint64_t mask)
{
    if (l->offset == REG_CONTROL) {
        return mask & ~1ULL;
    }
    if (l->offset == REG_CMD_HEAD || l->offset == REG_CMD_TAIL ||
        l->offset == REG_EVENT_HEAD || l->offset == REG_EVENT_TAIL ||
        l->offset == REG_PPR_HEAD || l->offset == REG_PPR_TAIL) {
        return 0xff0;
    }
    return mask;
}

static uint64_t reset_value(const struct amdvi_layout *l,
                            const struct amdvi_features *f)
{
    switch (l->offset) {
    case REG_EFR:
        return f->efr;
    case REG_EFR2:
        return f->efr2;
    case 0x150:
        /*
         * 48 bits of guest virtual, 48 of physical, 64 of virtual address;
         * message 1 for page requests
         */
        return f->efr & EFR_PPR ? 0x08203040 : 0x203040;
    default:
        return amdvi_feature(f, l->needs) ? l->reset : 0;
    }
}

static void check_reset_values(Bench *b)
{
    struct amdvi_features f = features_of(b);

    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        if (l->offset < WINDOW) {
            g_assert_cmphex(reg_read_size(b, l->offset, l->bits / 8), ==,
                            reset_value(l, &f));
        }
    }
}

/* What each option makes of EFR */
static void test_features(void)
{
    static const struct {
        const char *options;
        uint64_t efr;
    } row[] = {
        { "svm=on", EFR },
        { "svm=on,xtsup=on", EFR | EFR_XT },
        { "svm=on,device-iotlb=on", EFR },
        { "svm=on,pmu=on", EFR | EFR_PC },
        { "svm=on,pmu=off", EFR },
        /* without PPR, early overflow, automatic responses, markers, EPH */
        { "svm=on,pri=off", 0x203300cf000059d9 },
        { "svm=on,ats=off", 0x203300cf000059d9 },
        { "svm=on,guest-levels=4", 0x203713cf000049db },
        { "svm=on,pasid-bits=1", 0x203713c0000019db },
        { "svm=on,pasid-bits=9", 0x203713c8000019db },
        { "svm=on,pasid-bits=10", 0x203713c9000059db },
    };

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        Bench *b = bench_start(row[i].options, "");

        g_assert_cmphex(reg_read(b, REG_EFR), ==, row[i].efr);
        g_assert_cmphex(reg_read(b, REG_EFR2), ==, EFR2);
        bench_stop(b);
    }
}

static void test_reset_values(void)
{
    Bench *b = bench_start("svm=on", "");

    check_reset_values(b);
    bench_stop(b);
}

static void write_everything(Bench *b, uint64_t value)
{
    for (uint32_t offset = 0; offset < WINDOW; offset += 8) {
        reg_write(b, offset, value);
    }
}

/* system_reset brings back the same values, and stops what ran */
static void test_reset(void)
{
    Bench *b = bench_start("svm=on,xtsup=on", "");

    bench_set_up(b);
    command(b, 0xe000000000000000, 0);
    reg_write(b, REG_CONTROL, 0);
    write_everything(b, UINT64_MAX);
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'system_reset' }"));
    qtest_qmp_eventwait(b->qts, "RESET");
    check_reset_values(b);
    g_assert_cmphex(reg_read(b, REG_STATUS), ==, 0);
    bench_stop(b);
}

/* Write @value in pieces of @size, and check what becomes of each */
static void write_pieces(Bench *b, const struct amdvi_layout *l, uint64_t mask,
                         uint64_t value, int size)
{
    int bytes = l->bits / 8;
    uint64_t before = reg_read_size(b, l->offset, bytes);

    value = (value & harmless(l, mask)) | (value & ~mask);
    for (int i = 0; i < bytes; i += size) {
        uint64_t piece = amdvi_ones(8 * size) << (8 * i);

        reg_write_size(b, l->offset + i, value >> (8 * i), size);
        before = (before & ~(piece & mask)) | (value & piece & mask);
        g_assert_cmphex(reg_read_size(b, l->offset, bytes), ==, before);
        g_assert_cmphex(reg_read_size(b, l->offset + i, size), ==,
                        (before & piece) >> (8 * i));
    }
}

static void test_masks(const void *options)
{
    Bench *b = bench_start(options, "");
    struct amdvi_features f = features_of(b);

    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];
        uint64_t mask = writable(l, &f);

        for (int size = l->bits / 8; l->offset < WINDOW && size; size /= 2) {
            write_pieces(b, l, mask, UINT64_MAX, size);
            write_pieces(b, l, mask, 0, size);
            write_pieces(b, l, mask, 0x5a5a5a5a5a5a5a5a, size);
        }
    }
    bench_stop(b);
}

/* The masks that the tables must give, by hand: spec/registers.md 3 to 7 */
static void test_known_masks(void)
{
    static const struct {
        uint32_t offset;
        uint64_t mask;
    } known[] = {
        { REG_DEVTAB, 0x000ffffffffff1ff },
        { REG_CMD_BASE, 0x0f0ffffffffff000 },
        { REG_EVENT_BASE, 0x0f0ffffffffff000 },
        { REG_EXCL_BASE, 0x000ffffffffff003 },
        { REG_EXCL_LIMIT, 0x000ffffffffff000 },
        { REG_EFR, 0 },
        { REG_PPR_BASE, 0x0f0ffffffffff000 },
        { 0x0100, 0x000ffffffffff0ff },
        { REG_XT_GENERAL, 0 },          /* no XT */
        { REG_EFR2, 0 },
        { REG_STATUS, 0 },
        { REG_PPR_HEAD, 0 },            /* not outside of the ring */
        { REG_PPR_AUTO_RESPONSE, 0x1f },
        { REG_PPR_EARLY, 0xc0007fff },
        { 0x3000, 0 },                  /* nothing at all */
    };
    Bench *b = bench_start("svm=on", "");

    for (int i = 0; i < ARRAY_SIZE(known); i++) {
        uint64_t reset = reg_read(b, known[i].offset);

        reg_write(b, known[i].offset, UINT64_MAX);
        g_assert_cmphex(reg_read(b, known[i].offset), ==,
                        reset | known[i].mask);
        reg_write(b, known[i].offset, 0);
        g_assert_cmphex(reg_read(b, known[i].offset), ==,
                        reset & ~known[i].mask);
    }
    bench_stop(b);
}

/* Control: what is not there reads 0 */
static void test_control(void)
{
    Bench *b = bench_start("svm=on", "");

    reg_write(b, REG_CONTROL, UINT64_MAX & ~1ULL);
    /* without XT, GAM, SMI filter, US, vIOMMU */
    g_assert_cmphex(reg_read(b, REG_CONTROL), ==, 0x0c41e69c0083fffe);
    bench_stop(b);
    b = bench_start("svm=on,xtsup=on", "");
    reg_write(b, REG_CONTROL, UINT64_MAX & ~1ULL);
    g_assert_cmphex(reg_read(b, REG_CONTROL), ==, 0x0c4de69c0083fffe);
    bench_stop(b);
    /* without PPR */
    b = bench_start("svm=on,pri=off", "");
    reg_write(b, REG_CONTROL, UINT64_MAX & ~1ULL);
    g_assert_cmphex(reg_read(b, REG_CONTROL), ==, 0x0c41c01c00831ffe);
    bench_stop(b);
}

/* Offsets without a register read 0, whatever was written */
static void test_undefined(void)
{
    Bench *b = bench_start("svm=on,xtsup=on", "");

    for (uint32_t offset = 0; offset < WINDOW; offset += 4) {
        if (!amdvi_register_at(offset)) {
            reg_write_size(b, offset, UINT32_MAX, 4);
            g_assert_cmphex(reg_read_size(b, offset, 4), ==, 0);
        }
    }
    check_reset_values(b);
    bench_stop(b);
}

/* An 8-byte access to two 4-byte registers reaches both */
static void test_pair(void)
{
    Bench *b = bench_start("svm=on", "");

    g_assert_cmphex(reg_read(b, 0x150), ==, 0x08203040);
    reg_write(b, 0x150, UINT64_MAX);
    g_assert_cmphex(reg_read(b, 0x150), ==, 0x08203040);
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/register/features", test_features);
    qtest_add_func("/amdvi/register/reset-values", test_reset_values);
    qtest_add_func("/amdvi/register/reset", test_reset);
    qtest_add_data_func("/amdvi/register/masks", "svm=on", test_masks);
    qtest_add_data_func("/amdvi/register/masks-no-ats", "svm=on,ats=off",
                        test_masks);
    qtest_add_data_func("/amdvi/register/masks-pmu", "svm=on,pmu=on",
                        test_masks);
    qtest_add_data_func("/amdvi/register/masks-xt", "svm=on,xtsup=on",
                        test_masks);
    qtest_add_func("/amdvi/register/known-masks", test_known_masks);
    qtest_add_func("/amdvi/register/control", test_control);
    qtest_add_func("/amdvi/register/undefined", test_undefined);
    qtest_add_func("/amdvi/register/pair", test_pair);
    return g_test_run();
}
