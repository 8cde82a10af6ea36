/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DTE cache: what it says of a request is what the walk does with it, and
 * it forgets when it has to.
 */
#include "unit.h"

#include "dte-lookup.h"

#define DEVICE 0x28
/* V TV, R and W, no host table; GV and GLX=1; GIoV; I (in the second word) */
#define DTE_IDENTITY UINT64_C(0x6000000000000003)
#define DTE_GUEST UINT64_C(0x6180000000000003)
#define DTE_GIOV (UINT64_C(1) << 54)
#define DTE_MODE UINT64_C(0x800)
#define DTE_ATS (UINT64_C(1) << 32)

static AmdviDteClock clock;
static AmdviDteCache cache;
static struct amdvi_iommu iommu;

static int set_up(void **state)
{
    (void)state;
    memset(&cache, 0, sizeof(cache));
    memset(&iommu, 0, sizeof(iommu));
    amdvi_dte_clock_init(&clock);
    /* All that is optional, PASmax 15; IommuEn and GTEn */
    iommu.features.efr = 0x25bf732f000859de;
    amdvi_efr_set_pas_max(&iommu.features.efr, 15);
    amdvi_efr_set_glx_sup(&iommu.features.efr, 2);
    amdvi_efr_set_gt_sup(&iommu.features.efr, 1);
    amdvi_efr_set_gio_sup(&iommu.features.efr, 1);
    iommu.control = 0x10001;
    return 0;
}

static void fill(uint64_t q0, uint64_t q1)
{
    const uint64_t dte[4] = { q0, q1, 1, 2 };

    amdvi_dte_cache_fill(&cache, &clock, amdvi_dte_cache_begin(&clock),
                         DEVICE, &iommu, dte);
}

static bool find(uint32_t pasid, AmdviPath *path)
{
    return amdvi_dte_cache_path(&cache, &clock, DEVICE, pasid, path);
}

static void test_paths(void **state)
{
    AmdviPath path = { 0 };

    (void)state;
    fill(DTE_IDENTITY, 0x2a);
    assert_true(find(AMDVI_NO_PASID, &path));
    assert_true(path.identity && !path.ats && !path.space.guest);
    assert_int_equal(path.space.domain_id, 0x2a);
    assert_int_equal(path.perm, 7);
    assert_false(find(0, &path));

    fill(DTE_GUEST, DTE_ATS | 0xffff);
    assert_true(find(AMDVI_NO_PASID, &path));
    assert_true(path.identity && path.ats);
    assert_true(find(0xffff, &path));
    assert_true(path.space.guest && !path.space.nested && !path.identity);
    assert_int_equal(path.space.pasid, 0xffff);
    assert_int_equal(path.space.domain_id, 0xffff);
    assert_false(find(0x10000, &path));

    fill(DTE_GUEST | DTE_GIOV | DTE_MODE, 1);
    assert_true(find(AMDVI_NO_PASID, &path));
    assert_true(path.space.guest && path.space.nested && !path.identity);
    assert_int_equal(path.space.pasid, 0);

    fill(DTE_IDENTITY & ~(UINT64_C(1) << 62), 1);
    assert_true(find(AMDVI_NO_PASID, &path));
    assert_int_equal(path.perm, AMDVI_PERM_R | AMDVI_PERM_X);
}

/* What has to be judged each time */
static void test_not_cached(void **state)
{
    static const uint64_t dtes[] = {
        0, 1, 2, DTE_IDENTITY & ~2ULL, DTE_IDENTITY | 4,
    };
    AmdviPath path;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(dtes); i++) {
        fill(dtes[i], 1);
        assert_false(find(AMDVI_NO_PASID, &path));
    }
    amdvi_excl_base_set_ex_en(&iommu.excl_base, 1);
    fill(DTE_IDENTITY, 1);
    assert_false(find(AMDVI_NO_PASID, &path));
    iommu.excl_base = 0;
    iommu.control = 0;
    fill(DTE_IDENTITY, 1);
    assert_false(find(AMDVI_NO_PASID, &path));
    iommu.control = 1;
    fill(DTE_IDENTITY, 1);
    assert_true(find(AMDVI_NO_PASID, &path));
}

static void test_invalidation(void **state)
{
    const uint64_t dte[4] = { DTE_IDENTITY, 1, 2, 3 };
    AmdviPath path;
    uint64_t begin, copy[4];
    uint16_t owner;

    (void)state;
    assert_false(amdvi_dte_cache_owner(&cache, &owner));
    assert_false(amdvi_dte_cache_had(&cache, 0));
    fill(DTE_IDENTITY, 1);
    assert_true(amdvi_dte_cache_owner(&cache, &owner));
    assert_int_equal(owner, DEVICE);
    assert_true(amdvi_dte_cache_had(&cache, 1));
    assert_false(amdvi_dte_cache_had(&cache, 2));
    assert_true(amdvi_dte_cache_copy(&cache, &clock, DEVICE, copy));
    assert_int_equal(copy[0], DTE_IDENTITY);
    assert_int_equal(copy[3], 2);
    /* The bus got another number */
    assert_false(amdvi_dte_cache_path(&cache, &clock, DEVICE + 0x100,
                                      AMDVI_NO_PASID, &path));
    amdvi_dte_cache_drop(&cache, &clock, DEVICE + 1);
    assert_true(find(AMDVI_NO_PASID, &path));
    amdvi_dte_cache_drop(&cache, &clock, DEVICE);
    assert_false(find(AMDVI_NO_PASID, &path));
    assert_false(amdvi_dte_cache_copy(&cache, &clock, DEVICE, copy));
    fill(DTE_IDENTITY, 1);
    amdvi_dte_clock_flush(&clock);
    assert_false(find(AMDVI_NO_PASID, &path));

    /* A DTE that was read before an invalidation, of any device */
    begin = amdvi_dte_cache_begin(&clock);
    amdvi_dte_cache_drop(&cache, &clock, DEVICE);
    amdvi_dte_cache_fill(&cache, &clock, begin, DEVICE, &iommu, dte);
    assert_false(find(AMDVI_NO_PASID, &path));
    begin = amdvi_dte_cache_begin(&clock);
    amdvi_dte_clock_flush(&clock);
    amdvi_dte_cache_fill(&cache, &clock, begin, DEVICE, &iommu, dte);
    assert_false(find(AMDVI_NO_PASID, &path));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(test_##name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(paths), TEST(not_cached), TEST(invalidation),
    };

    return cmocka_run_group_tests_name("dte-cache", tests, NULL, NULL);
}
