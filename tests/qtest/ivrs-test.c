/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IVRS repeats what the registers and the capability say.
 * spec/acpi-ivrs.md 2, 7, 8.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "bench.h"
#include "ivrs.h"

#define REVISION 8
#define INFO 36
#define BLOCKS 48

/* Offsets in a block */
#define TYPE 0
#define FLAGS 1
#define LENGTH 2
#define DEVICE_ID 4
#define CAPABILITY 6
#define MMIO 8
#define FEATURES 20
#define EFR 24
#define EFR2 32

/* Flags that only type 10h has */
#define PREF_SUP 0x40
#define PPR_SUP 0x80
/* Counters per bank and banks: of features and attributes alike */
#define COUNTERS 0x007fe000
/* In the capability; 4 bits lower in an IVHD */
#define MSI_NUM_PPR 0xf8000000

/* The block of a type */
static const uint8_t *find_block(const GByteArray *ivrs, uint8_t type)
{
    uint32_t place = BLOCKS;

    while (place + EFR2 < ivrs->len && ivrs->data[place + TYPE] != type) {
        place += lduw_le_p(ivrs->data + place + LENGTH);
    }
    g_assert_cmpint(place + EFR2, <, ivrs->len);
    return ivrs->data + place;
}

static void check_place(Bench *b, const uint8_t *block)
{
    g_assert_cmphex(lduw_le_p(block + DEVICE_ID), ==, IOMMU_ID);
    g_assert_cmphex(lduw_le_p(block + CAPABILITY), ==,
                    config_find(b, IOMMU_ID, 0x0f));
    g_assert_cmphex(ldq_le_p(block + MMIO), ==, IOMMU_BASE);
}

/* Types 11h and 40h: the same but for the type */
static void check_images(Bench *b, const uint8_t *block, uint8_t flags,
                         uint32_t attributes)
{
    check_place(b, block);
    g_assert_cmphex(block[FLAGS], ==, flags);
    g_assert_cmphex((uint32_t)ldl_le_p(block + FEATURES), ==, attributes);
    g_assert_cmphex(ldq_le_p(block + EFR), ==, reg_read(b, REG_EFR));
    g_assert_cmphex(ldq_le_p(block + EFR2), ==, reg_read(b, REG_EFR2));
}

/* @flags of type 10h; those of the others lack PreFSup and PPRSup */
static void check(const char *options, uint8_t flags, uint32_t features)
{
    Bench *b = bench_start(options, "");
    GByteArray *ivrs = ivrs_read(b->qts);
    const uint8_t *block, *newer;
    uint32_t misc;

    g_assert_cmpint(ivrs->data[REVISION], ==, 2);
    /* EFRSup, and the widths that capability +10h has */
    g_assert_cmphex((uint32_t)ldl_le_p(ivrs->data + INFO), ==, 0x203041);
    misc = config_read(b, IOMMU_ID, config_find(b, IOMMU_ID, 0x0f) + 0x10);
    g_assert_cmphex((uint32_t)ldl_le_p(ivrs->data + INFO) & ~1, ==,
                    misc & ~MSI_NUM_PPR);
    block = find_block(ivrs, 0x10);
    check_place(b, block);
    g_assert_cmphex(block[FLAGS], ==, flags);
    g_assert_cmphex((uint32_t)ldl_le_p(block + FEATURES), ==, features);
    block = find_block(ivrs, 0x11);
    /* MsiNumPPR, as the capability has it */
    check_images(b, block, flags & ~(PREF_SUP | PPR_SUP),
                 (misc & MSI_NUM_PPR) >> 4 | (features & COUNTERS));
    newer = find_block(ivrs, 0x40);
    g_assert_cmpint(lduw_le_p(newer + LENGTH), ==, lduw_le_p(block + LENGTH));
    g_assert_cmpmem(newer + 1, lduw_le_p(newer + LENGTH) - 1, block + 1,
                    lduw_le_p(block + LENGTH) - 1);
    g_assert_true(newer + lduw_le_p(newer + LENGTH) ==
                  ivrs->data + ivrs->len);
    g_byte_array_unref(ivrs);
    bench_stop(b);
}

static void test_default(void)
{
    /*
     * HtTunEn, IotlbSup, PreFSup, PPRSup; HATS=2, GATS=1, PASmax=15, HESup,
     * GASup, IASup, GLXSup=1, GTSup, NXSup, MsiNumPPR=1
     */
    check("svm=on", 0xd1, 0x90800fee);
}

static void test_xt(void)
{
    check("svm=on,xtsup=on", 0xd1, 0x90800fef);
}

/* 4 counters in each of 2 banks */
static void test_pmu(void)
{
    check("svm=on,pmu=on", 0xd1, 0x90800fee | 4 << 13 | 2 << 17);
}

static void test_less(void)
{
    check("svm=on,pri=off,guest-levels=4,pasid-bits=9", 0x51, 0x800008e6);
    check("svm=on,ats=off", 0x41, 0x90000fee);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/ivrs/default", test_default);
    qtest_add_func("/amdvi/ivrs/xt", test_xt);
    qtest_add_func("/amdvi/ivrs/pmu", test_pmu);
    qtest_add_func("/amdvi/ivrs/less", test_less);
    return g_test_run();
}
