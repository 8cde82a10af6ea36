/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks that remember directories: they read less and find the same.
 * spec/translation.md 5.
 */
#include "world.h"

#include "iotlb.h"

#define GVA UINT64_C(0x00007f0000001000)
#define PAGE UINT64_C(0x89abc000)
#define NL(n) ((uint64_t)(n) << 9)
#define GIOV (1ULL << 54)

static struct world w;
static AmdviIotlb tables;

static AmdviSpace space_of(const struct amdvi_table_key *key)
{
    return (AmdviSpace) {
        .domain_id = key->domain_id, .guest = key->guest,
        .nested = key->nested, .pasid = key->pasid,
    };
}

static bool find(void *opaque, const struct amdvi_table_key *key,
                 struct amdvi_table *table)
{
    AmdviSpace space = space_of(key);

    return amdvi_iotlb_find_table(opaque, &space, key->addr, table);
}

static void found(void *opaque, const struct amdvi_table_key *key,
                  const struct amdvi_table *table)
{
    AmdviSpace space = space_of(key);

    amdvi_iotlb_insert_table(opaque, amdvi_iotlb_begin(opaque), &space,
                             key->addr, table);
}

static const struct amdvi_walk_cache cache = {
    .find = find, .found = found, .opaque = &tables,
};

/* Entries that the request reads with nothing remembered, or with all */
static unsigned int reads(bool remember)
{
    unsigned int before = w.reads;

    w.mem.cache = remember ? &cache : NULL;
    amdvi_translate(&w.iommu, &w.mem, &w.request, NULL, &w.result);
    w.mem.cache = NULL;
    /* Without the DTE */
    return w.reads - before - 1;
}

/* The request in w finds the same from @skip entries further down */
static void same(const char *row, unsigned int skip)
{
    unsigned int all = reads(false), some;
    struct amdvi_result result = w.result;

    some = reads(true);
    expect_u64(row, "entries skipped", all - some, skip);
    expect_u64(row, "outcome", w.result.outcome, result.outcome);
    expect_u64(row, "reason", w.result.reason, result.reason);
    expect_u64(row, "address", w.result.addr, result.addr);
    expect_u64(row, "page", w.result.page_shift, result.page_shift);
    expect_u64(row, "permissions", w.result.perm, result.perm);
}

static void request(uint32_t pasid, uint64_t addr, const char *access)
{
    world_request(&w, AMDVI_REQUEST_DMA, pasid, addr, access);
}

/* Leaves at each level of guest tables: two pages that share a table */
static void test_guest(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 3; level++) {
        uint64_t size = 1ULL << (12 + 9 * (level - 1));
        uint64_t leaf = G_ALL | (level > 1 ? G_PS : 0) | 0x40000000;
        uint64_t top;

        amdvi_iotlb_flush_all(&tables);
        world_init_guest(&w, 4, 1);
        top = world_add_pasid(&w, 5);
        world_map_guest(&w, top, GVA, level, leaf);
        world_map_guest(&w, top, GVA + size, level, leaf + 2 * size);
        request(5, GVA, "r");
        same("cold", 0);
        /* Two levels of GCR3, and all directories */
        same("warm", 2 + 4 - level);
        request(5, GVA + size, "w");
        same("near", 2 + 4 - level);
        request(6, GVA, "r");
        same("another PASID", 0);
    }
}

/* Each right that any directory may withhold, for all kinds of access */
static void test_guest_rights(void **state)
{
    static const uint64_t bits[] = { G_RW, G_US, G_NX };
    static const char *const access[] = { "r", "w", "x", "rp", "wp", "xp" };

    (void)state;
    for (size_t i = 0; i < 4 * ARRAY_SIZE(bits); i++) {
        amdvi_iotlb_flush_all(&tables);
        world_init_guest(&w, 4, 0);
        world_map_guest(&w, world_add_pasid(&w, 5), GVA, 1, G_ALL | PAGE);
        world_xor(&w, w.guest_at[1 + i % 4], bits[i / 4]);
        for (size_t first = 0; first < ARRAY_SIZE(access); first++) {
            request(5, GVA, access[first]);
            reads(true);
        }
        for (size_t n = 0; n < ARRAY_SIZE(access); n++) {
            request(5, GVA, access[n]);
            same(access[n], 1 + 3);
        }
    }
}

/* Addresses that only requests without PASID have stay theirs */
static void test_giov(void **state)
{
    const uint64_t addr = 0x0000800000001000;

    (void)state;
    amdvi_iotlb_flush_all(&tables);
    world_init_guest(&w, 4, 0);
    world_map_guest(&w, world_add_pasid(&w, 0), addr, 1, G_ALL | PAGE);
    world_edit_dte(&w, 0, 0, GIOV);
    request(AMDVI_NO_PASID, addr, "r");
    same("cold", 0);
    same("warm", 1 + 3);
    request(0, addr, "r");
    same("not canonical", 0);
    want_outcome(&w, "not canonical", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_NOT_CANONICAL);
}

/* Host tables of each depth, leaves of each level */
static void test_host(void **state)
{
    (void)state;
    for (unsigned int mode = 1; mode <= 6; mode++) {
        for (unsigned int level = 1; level <= mode && level < 6; level++) {
            uint64_t size = 1ULL << (12 + 9 * (level - 1));
            /* Very large pages are walked to each time */
            unsigned int skip = level <= 3 ? mode - level : 0;

            amdvi_iotlb_flush_all(&tables);
            world_init_host(&w, mode);
            world_map_host(&w, 0, level, HOST_RW | 1);
            world_map_host(&w, size, level, HOST_RW | size | 1);
            request(AMDVI_NO_PASID, 0x123, "r");
            same("cold", 0);
            same("warm", skip);
            request(AMDVI_NO_PASID, size | 0x123, "w");
            same("near", skip);
        }
    }
}

static void test_host_rights(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        for (unsigned int right = 0; right < 2; right++) {
            amdvi_iotlb_flush_all(&tables);
            world_init_host(&w, 4);
            world_map_host(&w, PAGE, 1, HOST_RW | 1);
            world_xor(&w, w.host_at[level], right ? HOST_W : HOST_R);
            request(AMDVI_NO_PASID, PAGE, right ? "r" : "w");
            same("permitted", 0);
            same("permitted", 3);
            request(AMDVI_NO_PASID, PAGE, right ? "w" : "r");
            same("withheld", 3);
            want_outcome(&w, "withheld", AMDVI_OUTCOME_ABORTED,
                         AMDVI_REASON_HOST_PERMISSION);
        }
    }
}

/* A pointer that skips levels is good for what its table translates */
static void test_skipped_levels(void **state)
{
    (void)state;
    amdvi_iotlb_flush_all(&tables);
    world_init_host(&w, 5);
    world_map_host(&w, 0, 5, HOST_RW | 0x7000000 | NL(1) | 1);
    world_put(&w, 0x7000000, HOST_RW | 1);
    request(AMDVI_NO_PASID, 0x123, "r");
    same("cold", 0);
    same("warm", 1);
    request(AMDVI_NO_PASID, 1ULL << 21, "r");
    same("beyond the table", 0);
    want_outcome(&w, "beyond the table", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_HOST_SKIPPED);
}

/* What fails is not remembered, nor what a walk meets on the way to it */
static void test_absent(void **state)
{
    (void)state;
    amdvi_iotlb_flush_all(&tables);
    world_init_guest(&w, 4, 0);
    world_map_guest(&w, world_add_pasid(&w, 5), GVA, 1, 0);
    request(5, GVA, "r");
    same("absent", 0);
    same("absent", 0);
    world_put(&w, w.guest_at[1], G_ALL | PAGE);
    same("there", 0);
    same("warm", 1 + 3);
}

/* One read for the guest's entry, and one for each host translation */
static void test_nested(void **state)
{
    unsigned int cold;

    (void)state;
    amdvi_iotlb_flush_all(&tables);
    world_init_nested(&w, 3, 4, 0);
    world_map_guest(&w, world_add_pasid(&w, 5), GVA, 1,
                    G_ALL | G_A | G_D | PAGE);
    world_map_host(&w, PAGE, 1, HOST_RW | world_spa(&w, PAGE) | 1);
    request(5, GVA, "r");
    /* Accessed bits are set by the first of these */
    reads(true);
    cold = reads(false);
    same("warm", cold - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guest),
        cmocka_unit_test(test_guest_rights),
        cmocka_unit_test(test_giov),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_host_rights),
        cmocka_unit_test(test_skipped_levels),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_nested),
    };
    int failed;

    amdvi_iotlb_init(&tables, 64);
    failed = cmocka_run_group_tests_name("walk cache", tests, NULL, NULL);
    amdvi_iotlb_free(&tables);
    return failed;
}
