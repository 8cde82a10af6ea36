/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enumeration: each step finds what the walk finds, and says correctly how
 * far its answer holds.
 */
#include "world.h"

#include "probe.h"

#define HALF (1ULL << 47)
#define PAGE UINT64_C(0x89abc000)

static struct world w;
static struct amdvi_mapping found[16];  /* as many as any test makes */
static size_t nfound;

static void read_dte(uint64_t dte[4])
{
    for (unsigned int i = 0; i < 4; i++) {
        dte[i] = world_get(&w, WORLD_DTE + 8 * i);
    }
}

/* The entry that is named is what memory holds; a page of a table has one */
static void check_entry(const struct amdvi_mapping *m)
{
    uint8_t bytes[8];

    assert_true(m->layout || !m->found || m->page_shift == 64);
    if (m->layout) {
        assert_int_equal(w.mem.read(w.mem.opaque, m->entry_spa, bytes, 8),
                         AMDVI_MEM_OK);
        assert_true(amdvi_load64(bytes) == m->entry);
    }
}

/*
 * Collect the joined mappings of @pasid; returns the steps it took.  At both
 * ends of every range the walk must agree.
 */
static unsigned int enumerate(uint32_t pasid, bool priv, unsigned int budget)
{
    struct amdvi_request request = {
        .device_id = WORLD_DEVICE, .pasid = pasid, .priv = priv,
    };
    uint64_t dte[4];
    unsigned int steps = 0;

    read_dte(dte);
    nfound = 0;
    do {
        struct amdvi_mapping m;

        amdvi_probe_mapping(&w.iommu, &w.mem, dte, &request, &m);
        assert_true(m.first == request.addr && m.last >= m.first);
        check_entry(&m);
        for (int end = 0; end < 2 && m.reason != AMDVI_REASON_INTERRUPT_READ;
             end++) {
            uint64_t addr = end ? m.last : m.first;

            world_dma_pasid(&w, pasid, addr, priv ? "rp" : "r");
            if (!m.found || m.perm & PERM_R) {
                expect_u64("end of a range", "walk agrees",
                           w.result.outcome == AMDVI_OUTCOME_TRANSLATED ||
                           w.result.outcome == AMDVI_OUTCOME_FORWARDED,
                           m.found);
            }
        }
        if (m.found && (!nfound ||
                        !amdvi_mapping_join(&found[nfound - 1], &m))) {
            assert_true(nfound < ARRAY_SIZE(found));
            found[nfound++] = m;
        }
        request.addr = m.last + 1;
    } while (request.addr && ++steps < budget);
    return steps;
}

/* Pages that a walk has read, as bits by number in the world */
static uint64_t pages_read;

static enum amdvi_mem_status note_read(void *opaque, uint64_t spa, void *buf,
                                       size_t len)
{
    assert_true(len <= 32);
    assert_int_equal(spa / 4096, (spa + len - 1) / 4096);
    for (size_t i = 0; i < w.pages; i++) {
        if (w.page[i].base == spa / 4096 * 4096) {
            pages_read |= 1ULL << i;
        }
    }
    return w.mem.read(opaque, spa, buf, len);
}

typedef void probe_fn(const struct amdvi_iommu *iommu,
                      const struct amdvi_mem *mem, const uint64_t dte[4],
                      const struct amdvi_request *request,
                      struct amdvi_mapping *ret);

/* Ask for all addresses of @pasid.  Returns the steps it took */
static unsigned int read_all(probe_fn *probe, uint32_t pasid,
                             unsigned int budget)
{
    struct amdvi_request request = {
        .device_id = WORLD_DEVICE, .pasid = pasid, .priv = true,
    };
    struct amdvi_mem mem = w.mem;
    unsigned int steps = 0;
    uint64_t dte[4];

    read_dte(dte);
    mem.read = note_read;
    pages_read = 0;
    do {
        struct amdvi_mapping m;

        probe(&w.iommu, &mem, dte, &request, &m);
        assert_true(m.last >= request.addr);
        request.addr = m.last + 1;
        assert_true(++steps < budget);
    } while (request.addr);
    return steps;
}

/* Both find the same tables, the one for tables in at most @most steps */
static void expect_tables(const char *what, uint32_t pasid, unsigned int most)
{
    uint64_t all;

    read_all(amdvi_probe_mapping, pasid, 65536);
    all = pages_read;
    expect_true(what, "few steps",
                read_all(amdvi_probe_tables, pasid, 65536) <= most);
    expect_u64(what, "pages", pages_read, all);
    expect_u64(what, "read only", w.updates, 0);
}

static void expect_range(size_t i, uint64_t first, uint64_t last,
                         uint64_t output, unsigned int perm)
{
    assert_true(i < nfound);
    expect_u64("range", "first", found[i].first, first);
    expect_u64("range", "last", found[i].last, last);
    expect_u64("range", "output", found[i].output, output);
    expect_u64("range", "permission", found[i].perm, perm);
}

/* Pages of several sizes, joined where they are one after the other */
static void test_host(void **state)
{
    (void)state;
    world_init_host(&w, 3);
    world_map_host(&w, 0x1000, 1, HOST_RW | PAGE | 1);
    world_map_host(&w, 0x2000, 1, HOST_RW | (PAGE + 0x1000) | 1);
    world_map_host(&w, 0x3000, 1, HOST_R | (PAGE + 0x2000) | 1);
    world_map_host(&w, 0x40000000, 2, HOST_RW | 0x200000 | 1);
    world_map_host(&w, 0x40200000, 2, HOST_RW | 0x400000 | 1);
    enumerate(AMDVI_NO_PASID, false, 4096);
    expect_u64("host", "ranges", nfound, 3);
    expect_range(0, 0x1000, 0x2fff, PAGE, PERM_RW);
    expect_range(1, 0x3000, 0x3fff, PAGE + 0x2000, HOST_R >> 61);
    expect_range(2, 0x40000000, 0x403fffff, 0x200000, PERM_RW);
}

/* NextLevel 7: one step for all the copies of the entry */
static void test_host_sized(void **state)
{
    (void)state;
    world_init_host(&w, 1);
    for (uint64_t at = 0x10000; at < 0x20000; at += 0x1000) {
        world_map_host(&w, at, 1, HOST_RW | 0x87000 | 7 << 9 | 1);
    }
    expect_u64("64 KiB", "steps", enumerate(AMDVI_NO_PASID, false, 1024), 497);
    expect_u64("64 KiB", "ranges", nfound, 1);
    expect_range(0, 0x10000, 0x1ffff, 0x80000, PERM_RW);
}

/* A table that cannot be read costs one step, and is told */
static void test_unreadable(void **state)
{
    struct amdvi_request request = {
        .device_id = WORLD_DEVICE, .pasid = AMDVI_NO_PASID,
    };
    struct amdvi_mapping m;
    uint64_t dte[4];

    (void)state;
    world_init_host(&w, 2);
    world_map_host(&w, 0x200000, 1, HOST_RW | PAGE | 1);
    world_put(&w, WORLD_HOST_ROOT, HOST_RW | 0x777000 | 1 << 9 | 1);
    read_dte(dte);
    amdvi_probe_mapping(&w.iommu, &w.mem, dte, &request, &m);
    expect_u64("absent table", "reason", m.reason,
               AMDVI_REASON_TABLE_UNREADABLE);
    expect_u64("absent table", "last", m.last, 0x1fffff);
    w.unknown_at = 0x777000;
    amdvi_probe_mapping(&w.iommu, &w.mem, dte, &request, &m);
    expect_u64("dump", "outcome", m.outcome, AMDVI_OUTCOME_UNKNOWN);
    expect_u64("dump", "last", m.last, 0x1fffff);
    w.unknown_at = WORLD_HOST_ROOT;
    amdvi_probe_mapping(&w.iommu, &w.mem, dte, &request, &m);
    expect_u64("root not in dump", "last", m.last, UINT64_MAX);
}

/* No table: everything is one range; a message is never translated */
static void test_identity(void **state)
{
    (void)state;
    world_init_host(&w, 0);
    enumerate(AMDVI_NO_PASID, false, 8);
    expect_u64("bypass", "ranges", nfound, 1);
    expect_range(0, 0, UINT64_MAX, 0, PERM_RW);
    world_edit_dte(&w, 0, 3ULL << 61, 0);
    expect_u64("neither IR nor IW", "steps",
               enumerate(AMDVI_NO_PASID, false, 8), 0);
    expect_u64("neither IR nor IW", "ranges", nfound, 0);

    world_init_host(&w, 4);
    world_map_host(&w, 0xfee00000, 1, HOST_RW | PAGE | 1);
    world_map_host(&w, 0xfef00000, 1, HOST_RW | PAGE | 1);
    enumerate(AMDVI_NO_PASID, false, 8192);
    expect_u64("interrupt range", "ranges", nfound, 1);
    expect_range(0, 0xfef00000, 0xfef00fff, PAGE, PERM_RW);
}

/* Both halves of the address space, and the hole between them */
static void test_guest(void **state)
{
    unsigned int steps;
    uint64_t top;

    (void)state;
    world_init_guest(&w, 4, 1);
    top = world_add_pasid(&w, 5);
    world_map_guest(&w, top, 0x1000, 1, G_ALL | G_NX | PAGE);
    world_map_guest(&w, top, HALF - 0x1000, 1, G_P | G_US | G_A | PAGE);
    world_map_guest(&w, top, ~(HALF - 1), 3, G_ALL | G_PS | 0x40000000);
    steps = enumerate(5, false, 8192);
    expect_u64("guest", "ranges", nfound, 3);
    expect_range(0, 0x1000, 0x1fff, PAGE, PERM_RW);
    expect_range(1, HALF - 0x1000, HALF - 1, PAGE, PERM_RX);
    expect_true("guest", "A is told", found[1].accessed && !found[1].dirty);
    expect_range(2, ~(HALF - 1), ~(HALF - 1) + 0x3fffffff, 0x40000000,
                 PERM_RWX);
    expect_true("guest", "absent parts cost one step each",
                steps < 512 * 8);
}

/* Supervisor pages: left out in one step, or shown to privileged requests */
static void test_supervisor(void **state)
{
    uint64_t top, upper = ~(HALF - 1);

    (void)state;
    world_init_guest(&w, 5, 0);
    top = world_add_pasid(&w, 5);
    world_map_guest(&w, top, upper, 1, G_P | G_RW | PAGE);
    world_xor(&w, w.guest_at[5], G_US);
    expect_u64("user", "one step for each entry of the top table, and the hole",
               enumerate(5, false, 2048), 512);
    expect_u64("user", "ranges", nfound, 0);
    enumerate(5, true, 4096);
    expect_u64("privileged", "ranges", nfound, 1);
    expect_range(0, upper, upper + 0xfff, PAGE, PERM_RWX);
}

/* A table that points to itself maps 2^36 pages; a step stays a step */
static void test_self_map(void **state)
{
    uint64_t top;

    (void)state;
    world_init_guest(&w, 4, 1);
    top = world_add_pasid(&w, 5);
    for (unsigned int i = 0; i < 512; i++) {
        world_put(&w, top + 8 * i, top | G_ALL);
    }
    expect_u64("self map", "steps", enumerate(5, false, 16), 16);
    expect_u64("self map", "ranges", nfound, 16);
    expect_range(15, 0xf000, 0xffff, top, PERM_RWX);
}

/* The smaller of the two pages counts, and host faults inside a guest page */
static void test_nested(void **state)
{
    uint64_t top;

    (void)state;
    world_init_nested(&w, 4, 4, 1);
    top = world_add_pasid(&w, 5);
    world_map_guest(&w, top, 0x200000, 2, G_ALL | G_PS | 0x10000000);
    world_map_host(&w, 0x10003000, 1, HOST_RW | PAGE | 1);
    enumerate(5, false, 8192);
    expect_u64("nested", "ranges", nfound, 1);
    expect_range(0, 0x203000, 0x203fff, PAGE, PERM_RWX);
    /* the host no longer maps the top guest table */
    world_map_host(&w, top, 1, 0);
    expect_u64("top table", "steps", enumerate(5, false, 8192), 0);
}

/* Tables at both ends of tables, and in the middle, are not missed */
static void test_tables_host(void **state)
{
    static const uint64_t mapped[] = {
        0, 0x1000, 0x1ff000, 0x3fe00000, 0x20000000, 0x7fffc0000000,
        0xfee00000, 0xfef00000, 0xffffffe00000,
    };

    (void)state;
    world_init_host(&w, 4);
    for (size_t i = 0; i < ARRAY_SIZE(mapped); i++) {
        world_map_host(&w, mapped[i], 1, HOST_RW | PAGE | 1);
    }
    world_map_host(&w, 0x40000000, 2, HOST_RW | 0x200000 | 1);
    expect_tables("host", AMDVI_NO_PASID, 64);
    /* the six levels hold 64 bits: less than the entries of the top table */
    world_init_host(&w, 6);
    world_map_host(&w, ~0xfffULL, 1, HOST_RW | PAGE | 1);
    expect_tables("6 levels", AMDVI_NO_PASID, 32);
    world_init_host(&w, 6);
    world_map_host(&w, 0, 1, HOST_RW | PAGE | 1);
    expect_tables("6 levels, lower end", AMDVI_NO_PASID, 32);
}

static void test_tables_guest(void **state)
{
    uint64_t top;

    (void)state;
    world_init_guest(&w, 4, 1);
    top = world_add_pasid(&w, 5);
    for (uint64_t i = 0; i < 512; i++) {
        world_map_guest(&w, top, i << 12, 1, G_ALL | PAGE);
    }
    world_map_guest(&w, top, HALF - 0x1000, 1, G_ALL | PAGE);
    world_map_guest(&w, top, ~(HALF - 1), 1, G_P | G_RW | PAGE);
    expect_tables("guest", 5, 64);
    world_init_guest(&w, 5, 0);
    top = world_add_pasid(&w, 5);
    expect_tables("nothing mapped", 5, 8);
}

/* Pages of the lowest guest table lie in tables of the host: each counts */
static void test_tables_nested(void **state)
{
    uint64_t top;

    (void)state;
    world_init_nested(&w, 4, 4, 1);
    top = world_add_pasid(&w, 5);
    for (uint64_t i = 0; i < 4; i++) {
        world_map_guest(&w, top, i << 12, 1, G_ALL | (i + 1) << 32);
        world_map_host(&w, (i + 1) << 32, 1, HOST_RW | PAGE | 1);
    }
    expect_tables("nested", 5, 64);
}

typedef void pasid_fn(const struct amdvi_iommu *iommu,
                      const struct amdvi_mem *mem, const uint64_t dte[4],
                      uint16_t device_id, uint32_t pasid,
                      struct amdvi_pasid_probe *ret);

static unsigned int count_pasids(pasid_fn *probe, uint32_t *pasids,
                                 unsigned int room, unsigned int *steps)
{
    struct amdvi_pasid_probe p;
    unsigned int n = 0;
    uint64_t dte[4];

    read_dte(dte);
    *steps = 0;
    for (uint32_t pasid = 0; pasid <= AMDVI_MAX_PASID; pasid = p.last + 1) {
        probe(&w.iommu, &w.mem, dte, WORLD_DEVICE, pasid, &p);
        ++*steps;
        if (p.valid) {
            assert_true(n < room);
            expect_u64("entry", "words", p.entry, world_get(&w, p.spa));
            pasids[n++] = pasid;
        }
        if (p.last == UINT32_MAX) {
            break;
        }
    }
    return n;
}

/* GCR3 tables of each depth; IR and IW do not matter for what is there */
static void test_pasids(void **state)
{
    static const uint32_t wanted[] = { 0, 5, 511, 0x12345 };
    uint32_t got[8] = { 0 };
    unsigned int steps;

    (void)state;
    for (unsigned int glx = 0; glx < 3; glx++) {
        unsigned int n = glx ? 4 : 3;

        world_init_guest(&w, 4, glx);
        for (unsigned int i = 0; i < n; i++) {
            world_add_pasid(&w, wanted[i]);
        }
        world_edit_dte(&w, 0, 3ULL << 61, 0);
        expect_u64("pasids", "count",
                   count_pasids(amdvi_probe_pasid, got, ARRAY_SIZE(got),
                                &steps), n);
        assert_memory_equal(got, wanted, n * sizeof(got[0]));
        expect_true("pasids", "sparse", steps < 2200);
        memset(got, 0, sizeof(got));
        expect_u64("pasids", "count by zeros",
                   count_pasids(amdvi_probe_pasids, got, ARRAY_SIZE(got),
                                &steps), n);
        assert_memory_equal(got, wanted, n * sizeof(got[0]));
        expect_true("pasids", "steps by zeros", steps < 32);
        expect_u64("pasids", "read only", w.updates, 0);
    }
    /* a device without guest tables has none, in one step */
    world_edit_dte(&w, 0, 1ULL << 55, 0);
    expect_u64("GV=0", "count",
               count_pasids(amdvi_probe_pasids, got, 8, &steps), 0);
    expect_u64("GV=0", "steps", steps, 1);
}

/* An inner GCR3 table that is nowhere, or not in the dump */
static void test_pasids_unreadable(void **state)
{
    struct amdvi_pasid_probe p;
    uint64_t dte[4];

    (void)state;
    world_init_guest(&w, 4, 1);
    world_add_pasid(&w, 5);
    read_dte(dte);
    w.unknown_at = w.gcr3_at[1];
    amdvi_probe_pasid(&w.iommu, &w.mem, dte, WORLD_DEVICE, 5, &p);
    expect_u64("not in dump", "outcome", p.outcome, AMDVI_OUTCOME_UNKNOWN);
    expect_u64("not in dump", "last", p.last, 511);
    w.unknown_at = ~0ULL;
    w.abort_at = w.gcr3_at[2];
    amdvi_probe_pasid(&w.iommu, &w.mem, dte, WORLD_DEVICE, 5, &p);
    expect_u64("no root", "reason", p.reason, AMDVI_REASON_TABLE_UNREADABLE);
    expect_u64("no root", "last", p.last, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_host_sized),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_guest),
        cmocka_unit_test(test_supervisor),
        cmocka_unit_test(test_self_map),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_tables_host),
        cmocka_unit_test(test_tables_guest),
        cmocka_unit_test(test_tables_nested),
        cmocka_unit_test(test_pasids),
        cmocka_unit_test(test_pasids_unreadable),
    };

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
