/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IOTLB drops exactly what spec/translation.md 5 says, and not more.
 */
#include "unit.h"

#include "iotlb-lookup.h"

#define ENTRIES 4096
#define PAGE UINT64_C(0x1000)

static const struct amdvi_range everything;

static struct amdvi_range pages(uint64_t base, uint64_t count)
{
    return (struct amdvi_range) { base, count * PAGE };
}

static struct amdvi_result host(uint16_t domain_id, uint64_t out)
{
    return (struct amdvi_result) {
        .outcome = AMDVI_OUTCOME_TRANSLATED, .addr = out, .page_shift = 12,
        .perm = AMDVI_PERM_R | AMDVI_PERM_W, .domain_id = domain_id,
        .pasid = AMDVI_NO_PASID,
    };
}

static struct amdvi_result guest(uint16_t domain_id, uint32_t pasid,
                                 uint64_t out)
{
    struct amdvi_result result = host(domain_id, out);

    result.guest = true;
    result.pasid = pasid;
    result.guest_shift = result.page_shift;
    return result;
}

static struct amdvi_result nested(uint16_t domain_id, uint32_t pasid,
                                  uint64_t out)
{
    struct amdvi_result result = guest(domain_id, pasid, out);

    result.nested = true;
    return result;
}

static void insert(AmdviIotlb *t, uint64_t addr, struct amdvi_result result)
{
    amdvi_iotlb_insert(t, amdvi_iotlb_begin(t), addr, &result);
}

static AmdviSpace space_of_result(const struct amdvi_result *result)
{
    return (AmdviSpace) {
        .domain_id = result->domain_id, .guest = result->guest,
        .nested = result->nested, .priv = result->priv,
        .pasid = result->guest ? result->pasid : 0,
    };
}

/* The lookup of small pages alone finds those, and nothing else */
static void check_small(const AmdviIotlb *t, const AmdviSpace *space,
                        uint64_t addr, bool found, const AmdviIotlbHit *hit)
{
    AmdviIotlbHit small = { 0 };

    assert_int_equal(amdvi_iotlb_lookup_small(t, amdvi_tlb_kind(space),
                                              space->domain_id, addr, &small),
                     found);
    if (found) {
        assert_int_equal(small.addr, hit->addr);
        assert_int_equal(small.page_shift, 12);
        assert_int_equal(small.perm, hit->perm);
    }
}

/* Whether requests like the one of @result find something at @addr */
static bool cached(const AmdviIotlb *t, uint64_t addr,
                   struct amdvi_result result)
{
    AmdviSpace space = space_of_result(&result);
    AmdviIotlbHit hit = { 0 };
    bool found = amdvi_iotlb_lookup(t, &space, addr, 0, &hit);

    if (!space.pasid) {
        check_small(t, &space, addr, found && hit.page_shift == 12, &hit);
    }
    return found;
}

static int set_up(void **state)
{
    static AmdviIotlb t;

    amdvi_iotlb_init(&t, ENTRIES);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    amdvi_iotlb_free(*state);
    return 0;
}

static void test_hit(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = nested(7, 5, 0x123456789abc);
    AmdviSpace space = space_of_result(&r);
    AmdviIotlbHit hit = { 0 };

    r.untranslated_only = r.global = true;
    r.perm = AMDVI_PERM_R | AMDVI_PERM_X;
    insert(t, 0xffff800000001abc, r);
    assert_true(amdvi_iotlb_lookup(t, &space, 0xffff800000001def,
                                   AMDVI_PERM_R, &hit));
    assert_int_equal(hit.addr, 0x123456789def);
    assert_int_equal(hit.page_shift, 12);
    assert_int_equal(hit.perm, AMDVI_PERM_R | AMDVI_PERM_X);
    assert_true(hit.untranslated_only && hit.global && !hit.force_coherent);
    /* What the entry does not permit is a miss, so that a walk can judge */
    assert_false(amdvi_iotlb_lookup(t, &space, 0xffff800000001def,
                                    AMDVI_PERM_W, &hit));
    assert_false(amdvi_iotlb_lookup(t, &space, 0xffff800000002def, 0, &hit));
    /* A second walk gave more rights: they replace the first ones */
    r.perm |= AMDVI_PERM_W;
    insert(t, 0xffff800000001000, r);
    assert_true(amdvi_iotlb_lookup(t, &space, 0xffff800000001def,
                                   AMDVI_PERM_W, &hit));
    assert_int_equal(t->count.fills, 2);
    assert_int_equal(t->count.replaced, 0);
}

/* Each part of the tag counts */
static void test_tag(void **state)
{
    struct amdvi_result one = nested(7, 5, 0x5000), other;
    struct amdvi_result others[] = {
        host(7, 0), guest(7, 5, 0), nested(8, 5, 0), nested(7, 6, 0),
        nested(7, 0x10005, 0), nested(7, 0x80005, 0), nested(0x107, 5, 0),
    };

    insert(*state, 0x4000, one);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_false(cached(*state, 0x4000, others[i]));
    }
    other = one;
    other.priv = true;
    assert_false(cached(*state, 0x4000, other));
    assert_false(cached(*state, 0x4000 | UINT64_C(1) << 63, one));
    assert_true(cached(*state, 0x4000, one));
}

/* Only translations of pages, and only those that permit something */
static void test_negative(void **state)
{
    static const enum amdvi_outcome outcomes[] = {
        AMDVI_OUTCOME_FORWARDED, AMDVI_OUTCOME_NO_ACCESS,
        AMDVI_OUTCOME_INTERRUPT, AMDVI_OUTCOME_ABORTED,
        AMDVI_OUTCOME_UNSUPPORTED, AMDVI_OUTCOME_UNKNOWN,
    };
    struct amdvi_result r;

    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        r = guest(1, 1, 0x1000);
        r.outcome = outcomes[i];
        insert(*state, 0x1000, r);
        assert_false(cached(*state, 0x1000, r));
    }
    r = guest(1, 1, 0x1000);
    r.perm = 0;
    insert(*state, 0x1000, r);
    assert_false(cached(*state, 0x1000, r));
    r = host(1, 0x1000);
    r.page_shift = 64;
    insert(*state, 0x1000, r);
    assert_false(cached(*state, 0x1000, r));
}

static void test_page_sizes(void **state)
{
    static const struct {
        uint8_t shift;
        uint8_t kept;
    } sizes[] = {
        { 12, 12 }, { 13, 12 }, { 16, 12 }, { 21, 21 }, { 25, 21 },
        { 30, 30 }, { 38, 30 }, { 39, 39 }, { 48, 39 }, { 57, 39 },
    };
    AmdviIotlb *t = *state;

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t size = UINT64_C(1) << sizes[i].shift;
        uint64_t kept = UINT64_C(1) << sizes[i].kept;
        uint64_t in = size * 3, out = size * 2 & 0x000fffffffffffff;
        struct amdvi_result r = host((uint16_t)i, out + kept / 2);
        AmdviSpace space = space_of_result(&r);
        AmdviIotlbHit hit = { 0 };

        r.page_shift = sizes[i].shift;
        insert(t, in + kept / 2, r);
        assert_true(amdvi_iotlb_lookup(t, &space, in + kept - 1, 0, &hit));
        expect_u64("page size", "address", hit.addr, out + kept - 1);
        expect_u64("page size", "shift", hit.page_shift, sizes[i].kept);
        assert_false(cached(t, in + kept, r));
        assert_false(cached(t, in - 1, r));
    }
}

/* A page that is kept in pieces goes as a whole */
static void test_pieces(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result large = host(3, 0x40000000);
    struct amdvi_result split = nested(3, 9, 0x80000000);

    large.page_shift = 16;
    for (uint64_t addr = 0x20000; addr < 0x40000; addr += PAGE) {
        insert(t, addr, large);
    }
    amdvi_iotlb_flush_host(t, 3, pages(0x21000, 1));
    for (uint64_t addr = 0x20000; addr < 0x40000; addr += PAGE) {
        assert_int_equal(cached(t, addr, large), addr >= 0x30000);
    }
    /* A 2 MiB page of the guest over 4 KiB pages of the host */
    split.guest_shift = 21;
    insert(t, 0x400000, split);
    insert(t, 0x5ff000, split);
    insert(t, 0x600000, split);
    amdvi_iotlb_flush_guest(t, 3, 9, pages(0x480000, 1));
    assert_false(cached(t, 0x400000, split));
    assert_false(cached(t, 0x5ff000, split));
    assert_true(cached(t, 0x600000, split));
}

static void fill_all_kinds(AmdviIotlb *t)
{
    for (uint16_t domain_id = 1; domain_id <= 2; domain_id++) {
        for (uint64_t addr = 0x1000; addr <= 0x2000; addr += PAGE) {
            insert(t, addr, host(domain_id, addr));
            for (uint32_t pasid = 0; pasid < 2; pasid++) {
                insert(t, addr, guest(domain_id, pasid, addr));
                insert(t, addr, nested(domain_id, pasid, addr));
            }
        }
    }
}

/*
 * What is left of fill_all_kinds(), a bit for each: domain 1 then 2, in each
 * page 1000h then 2000h, in each host, guest 0, nested 0, guest 1, nested 1.
 */
static uint32_t left(const AmdviIotlb *t)
{
    uint32_t bits = 0, bit = 1;

    for (uint16_t domain_id = 1; domain_id <= 2; domain_id++) {
        for (uint64_t addr = 0x1000; addr <= 0x2000; addr += PAGE) {
            const struct amdvi_result kinds[] = {
                host(domain_id, 0), guest(domain_id, 0, 0),
                nested(domain_id, 0, 0), guest(domain_id, 1, 0),
                nested(domain_id, 1, 0),
            };

            for (size_t i = 0; i < ARRAY_SIZE(kinds); i++, bit <<= 1) {
                bits |= cached(t, addr, kinds[i]) ? bit : 0;
            }
        }
    }
    return bits;
}

static void test_precision(void **state)
{
    AmdviIotlb *t = *state;

    fill_all_kinds(t);
    assert_int_equal(left(t), 0xfffff);
    /* GN=1: one PASID, nested or not, in the range */
    amdvi_iotlb_flush_guest(t, 1, 1, pages(0x2000, 1));
    assert_int_equal(left(t), 0xfffff & ~0x300);
    fill_all_kinds(t);
    amdvi_iotlb_flush_guest(t, 2, 0, everything);
    assert_int_equal(left(t), 0xfffff & ~0x31800);
    /* GN=0: the host's in the range, and all nested ones of the domain */
    fill_all_kinds(t);
    amdvi_iotlb_flush_host(t, 1, pages(0x1000, 1));
    assert_int_equal(left(t), 0xfffff & ~0x295);
    fill_all_kinds(t);
    amdvi_iotlb_flush_host(t, 2, everything);
    assert_int_equal(left(t), 0xfffff & ~0xad400);
    /* What was never there */
    fill_all_kinds(t);
    amdvi_iotlb_flush_host(t, 3, everything);
    amdvi_iotlb_flush_guest(t, 1, 2, everything);
    amdvi_iotlb_flush_guest(t, 1, 1, pages(0x3000, 1));
    assert_int_equal(left(t), 0xfffff);
    amdvi_iotlb_flush_all(t);
    assert_int_equal(left(t), 0);
    fill_all_kinds(t);
    assert_int_equal(left(t), 0xfffff);
    /* What comes after a flush does not bring back what was there before */
    amdvi_iotlb_flush_all(t);
    insert(t, 0x5000000, host(9, 0x1000));
    assert_int_equal(left(t), 0);
}

/* A thousand address spaces live at once; each flush drops one of them */
static void test_thousand(void **state)
{
    AmdviIotlb *t = *state;
    enum { DOMAINS = 10, PASIDS = 100 };

    for (uint32_t i = 0; i < DOMAINS * PASIDS; i++) {
        insert(t, 0x7000, guest((uint16_t)(i / PASIDS), i % PASIDS + 1, i));
    }
    assert_int_equal(t->count.displaced, 0);
    for (uint32_t gone = 0; gone < DOMAINS * PASIDS; gone++) {
        uint32_t before = 0, after = 0;

        for (uint32_t i = gone; i < DOMAINS * PASIDS; i++) {
            before += cached(t, 0x7000, guest((uint16_t)(i / PASIDS),
                                              i % PASIDS + 1, 0));
        }
        amdvi_iotlb_flush_guest(t, (uint16_t)(gone / PASIDS),
                                gone % PASIDS + 1,
                                gone & 1 ? everything : pages(0x7000, 1));
        for (uint32_t i = gone; i < DOMAINS * PASIDS; i++) {
            after += cached(t, 0x7000, guest((uint16_t)(i / PASIDS),
                                             i % PASIDS + 1, 0));
        }
        assert_false(cached(t, 0x7000, guest((uint16_t)(gone / PASIDS),
                                             gone % PASIDS + 1, 0)));
        assert_in_range(before - after, 0, 1);
    }
    /* Only a few can have lost their place to others in a set of four */
    assert_true(t->count.replaced < 20);
}

/* More address spaces than slots: they may lose entries, never keep them */
static void test_displaced(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r;

    for (uint32_t pasid = 0; pasid < 100000; pasid++) {
        insert(t, (uint64_t)pasid << 12, nested(1, pasid, 0x9000));
    }
    assert_true(t->count.displaced > 0);
    for (uint32_t pasid = 0; pasid < 100000; pasid++) {
        amdvi_iotlb_flush_guest(t, 1, pasid, everything);
        r = nested(1, pasid, 0);
        assert_false(cached(t, (uint64_t)pasid << 12, r));
    }
    /* A host flush reaches all that are left, too */
    for (uint32_t pasid = 0; pasid < 100000; pasid++) {
        insert(t, (uint64_t)pasid << 12, nested(1, pasid, 0x9000));
    }
    amdvi_iotlb_flush_host(t, 1, pages(0, 1));
    for (uint32_t pasid = 0; pasid < 100000; pasid++) {
        assert_false(cached(t, (uint64_t)pasid << 12, nested(1, pasid, 0)));
    }
}

/* A walk that a flush has overtaken must not be remembered */
static void test_overtaken(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = guest(1, 1, 0x1000);
    uint32_t begin = amdvi_iotlb_begin(t);

    amdvi_iotlb_flush_guest(t, 1, 1, pages(0x5000, 1));
    amdvi_iotlb_insert(t, begin, 0x5000, &r);
    assert_false(cached(t, 0x5000, r));
    begin = amdvi_iotlb_begin(t);
    amdvi_iotlb_flush_host(t, 1, everything);
    amdvi_iotlb_insert(t, begin, 0x5000, &r);
    begin = amdvi_iotlb_begin(t);
    amdvi_iotlb_flush_all(t);
    amdvi_iotlb_insert(t, begin, 0x5000, &r);
    begin = amdvi_iotlb_begin(t);
    amdvi_iotlb_overtake(t);
    amdvi_iotlb_insert(t, begin, 0x5000, &r);
    assert_false(cached(t, 0x5000, r));
    assert_int_equal(t->count.refused, 4);
    insert(t, 0x5000, r);
    assert_true(cached(t, 0x5000, r));
}

/* The time starts again when it has run out; what was flushed stays so */
static void test_wrap_around(void **state)
{
    AmdviIotlb *t = *state;

    t->time = UINT32_MAX - 2;
    for (int i = 0; i < 8; i++) {
        struct amdvi_result one = nested(1, 1, 0x1000);
        struct amdvi_result other = nested(2, 1, 0x1000);
        uint32_t begin = amdvi_iotlb_begin(t);

        insert(t, 0x5000, one);
        insert(t, 0x5000, other);
        assert_true(cached(t, 0x5000, one));
        amdvi_iotlb_flush_guest(t, 1, 1, everything);
        assert_false(cached(t, 0x5000, one));
        amdvi_iotlb_insert(t, begin, 0x5000, &one);
        assert_false(cached(t, 0x5000, one));
        /* It took the other one along at most once */
        assert_true(cached(t, 0x5000, other) || t->time < 8);
    }
    assert_in_range(t->time, 2, 8);
    insert(t, 0x5000, nested(2, 1, 0x1000));
    assert_true(cached(t, 0x5000, nested(2, 1, 0)));
}

/* A range costs no more than the cache is large, and is not confused */
static void test_large_range(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = guest(1, 1, 0x1000);
    struct amdvi_range kernel = {
        UINT64_C(1) << 63, UINT64_C(1) << 63,
    };

    insert(t, 0x7fffffff1fff, r);
    insert(t, kernel.base - PAGE, r);
    insert(t, kernel.base, r);
    insert(t, 0xffff800000000000, r);
    insert(t, 0xfffffffffffff000, r);
    insert(t, 0xffff800000000000, guest(1, 2, 0));
    amdvi_iotlb_flush_guest(t, 1, 1, kernel);
    assert_true(cached(t, 0x7fffffff1fff, r));
    assert_true(cached(t, kernel.base - PAGE, r));
    assert_false(cached(t, kernel.base, r));
    assert_false(cached(t, 0xffff800000000000, r));
    assert_false(cached(t, 0xfffffffffffff000, r));
    assert_true(cached(t, 0xffff800000000000, guest(1, 2, 0)));
}

/* A table of neighbouring pages as large as the cache fits into it */
static void test_capacity(void **state)
{
    AmdviIotlb *t = *state;
    uint32_t found = 0;

    for (uint64_t i = 0; i < ENTRIES; i++) {
        insert(t, 0x40000000 + i * PAGE, guest(4, 77, i * PAGE));
    }
    for (uint32_t i = 0; i < amdvi_iotlb_entries(t); i++) {
        AmdviIotlbCopy copy;

        if (amdvi_iotlb_copy(t, i, &copy)) {
            found++;
            assert_int_equal(copy.space.pasid, 77);
            assert_int_equal(copy.space.domain_id, 4);
            assert_int_equal(copy.addr, 0x40000000 + copy.out.addr);
        }
    }
    assert_int_equal(found, ENTRIES);
    assert_int_equal(t->count.replaced, 0);
}

static AmdviTlbPlace place_of(const AmdviIotlb *t, uint64_t addr,
                              uint16_t domain_id, uint32_t pasid)
{
    return amdvi_tlb_place(t, amdvi_tlb_page_key(KEY_VALID, 0, addr),
                           amdvi_tlb_space(domain_id, pasid));
}

/* The next page of the same set, and perhaps of the same way */
static uint64_t next_page(const AmdviIotlb *t, uint64_t addr,
                          uint16_t domain_id, uint32_t pasid, bool same_way)
{
    AmdviTlbPlace wanted = place_of(t, addr, domain_id, pasid), place;

    do {
        addr += PAGE;
        place = place_of(t, addr, domain_id, pasid);
    } while (place.set != wanted.set ||
             (same_way && place.home != wanted.home));
    return addr;
}

/* What came first goes first, and what came last is where one looks first */
static void test_order(void **state)
{
    AmdviIotlb *t = *state;
    uint64_t added[6 * AMDVI_IOTLB_WAYS] = { 0 };
    AmdviIotlbCopy copy;

    for (uint32_t n = 0; n < ARRAY_SIZE(added); n++) {
        AmdviTlbPlace place;

        if (n) {
            added[n] = next_page(t, added[n - 1], 4, 77, n % 8 < 4);
        }
        insert(t, added[n], guest(4, 77, added[n]));
        place = place_of(t, added[n], 4, 77);
        assert_true(amdvi_iotlb_copy(
            t, place.set * AMDVI_IOTLB_WAYS + place.home, &copy));
        assert_int_equal(copy.addr, added[n]);
        for (uint32_t i = 0; i <= n; i++) {
            assert_int_equal(cached(t, added[i], guest(4, 77, added[i])),
                             i + AMDVI_IOTLB_WAYS > n);
        }
    }
}

/* A table as large as the cache is where one looks first, whatever was there */
static void test_home(void **state)
{
    AmdviIotlb *t = *state;

    for (uint64_t i = 0; i < 5 * ENTRIES; i++) {
        insert(t, i * i * PAGE, guest(4, 1, 0));
    }
    for (uint64_t i = 0; i < ENTRIES; i++) {
        insert(t, i * PAGE, guest(4, 77, i * PAGE));
    }
    for (uint64_t i = 0; i < ENTRIES; i++) {
        AmdviTlbPlace place = place_of(t, i * PAGE, 4, 77);
        AmdviIotlbCopy copy;

        assert_true(amdvi_iotlb_copy(
            t, place.set * AMDVI_IOTLB_WAYS + place.home, &copy));
        assert_int_equal(copy.addr, i * PAGE);
    }
}

/* Number of the only entry, and a copy of it */
static uint32_t find_copy(const AmdviIotlb *t, AmdviIotlbCopy *copy)
{
    uint32_t index = 0;

    while (!amdvi_iotlb_copy(t, index, copy)) {
        assert_in_range(++index, 0, amdvi_iotlb_entries(t) - 1);
    }
    return index;
}

/* What is known to be stale hits with the lock only, and is told once */
static void test_stale(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = nested(7, 5, 0x5000);
    AmdviSpace space = space_of_result(&r);
    AmdviIotlbCopy copy;
    AmdviIotlbHit hit = { 0 };
    uint32_t index;
    int64_t since;

    insert(t, 0x4000, r);
    index = find_copy(t, &copy);
    assert_false(amdvi_iotlb_is_doubted(t));
    amdvi_iotlb_judge(t, index, &copy, 99);
    assert_true(amdvi_iotlb_is_doubted(t));
    assert_false(cached(t, 0x4000, r));
    /* A request that wants nothing, or too much, leaves it as it is */
    assert_true(amdvi_iotlb_lookup_any(t, &space, 0x4000, 0, &hit, &since));
    assert_int_equal(since, 0);
    assert_false(amdvi_iotlb_lookup_any(t, &space, 0x4000, AMDVI_PERM_X, &hit,
                                        &since));
    assert_false(cached(t, 0x4000, r));
    for (int i = 0; i < 2; i++) {
        assert_true(amdvi_iotlb_lookup_any(t, &space, 0x4123, AMDVI_PERM_R,
                                           &hit, &since));
        assert_int_equal(hit.addr, 0x5123);
        assert_int_equal(since, i ? 0 : 99);
        assert_true(cached(t, 0x4000, r));
    }
}

/* It is as old when others have come since */
static void test_stale_moved(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = nested(7, 5, 0x5000);
    AmdviSpace space = space_of_result(&r);
    AmdviIotlbHit hit = { 0 };
    AmdviIotlbCopy copy;
    uint32_t index;
    int64_t since;

    insert(t, 0x4000, r);
    index = find_copy(t, &copy);
    amdvi_iotlb_judge(t, index, &copy, 99);
    insert(t, next_page(t, 0x4000, 7, 5, true), nested(7, 5, 0));
    assert_true(amdvi_iotlb_copy(t, index, &copy));
    assert_int_not_equal(copy.addr, 0x4000);
    assert_true(amdvi_iotlb_lookup_any(t, &space, 0x4000, AMDVI_PERM_R, &hit,
                                       &since));
    assert_int_equal(since, 99);
}

/* The same for ordinary DMA, which looks for small pages first */
static void test_stale_small(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = host(7, 0x5000);
    AmdviIotlbCopy copy;
    uint32_t index;

    insert(t, 0x4000, r);
    assert_true(cached(t, 0x4000, r));
    index = find_copy(t, &copy);
    amdvi_iotlb_judge(t, index, &copy, 99);
    assert_false(cached(t, 0x4000, r));
}

/* A judgement is of one entry, not of what takes its place */
static void test_judged_late(void **state)
{
    AmdviIotlb *t = *state;
    struct amdvi_result r = nested(7, 5, 0x5000);
    AmdviIotlbCopy copy;
    uint32_t index;

    insert(t, 0x4000, r);
    index = find_copy(t, &copy);
    amdvi_iotlb_judge(t, index, &copy, 99);
    amdvi_iotlb_judge(t, index, &copy, 0);
    assert_true(cached(t, 0x4000, r));
    amdvi_iotlb_judge(t, index, &copy, 99);
    amdvi_iotlb_flush_all(t);
    assert_false(amdvi_iotlb_is_doubted(t));
    insert(t, 0x4000, nested(7, 5, 0x6000));
    amdvi_iotlb_judge(t, index, &copy, 99);
    assert_false(amdvi_iotlb_is_doubted(t));
    assert_true(cached(t, 0x4000, r));
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(hit), TEST(tag), TEST(negative), TEST(page_sizes), TEST(pieces),
        TEST(precision), TEST(thousand), TEST(displaced), TEST(overtaken),
        TEST(wrap_around), TEST(large_range), TEST(capacity),
        TEST(order), TEST(home), TEST(stale), TEST(stale_moved), TEST(stale_small),
        TEST(judged_late),
    };

    return cmocka_run_group_tests_name("iotlb", tests, NULL, NULL);
}
