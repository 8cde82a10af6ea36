/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest (v2) walk, alone: spec/translation.md 3.2 and 12,
 * spec/structures.md 2 and 4.
 */
#include "world.h"

static struct world w;

#define GVA UINT64_C(0x00007f0000001000)
#define PAGE UINT64_C(0x89abc000)

/* A world with PASID 5 and GVA mapped by @leaf (PAGE if 0) at level 1 */
static void one_page(unsigned int levels, uint64_t leaf)
{
    world_init_guest(&w, levels, 1);
    world_map_guest(&w, world_add_pasid(&w, 5), GVA, 1,
                    leaf ? leaf : G_ALL | PAGE);
}

/* structures.md 2: the indices of a PASID at each level */
static void test_gcr3_indices(void **state)
{
    static const struct {
        uint32_t pasid;
        unsigned int glx;
        int index[3];           /* of levels 3, 2, 1; -1: no such level */
    } rows[] = {
        { 0, 0, { -1, -1, 0 } },         { 0, 1, { -1, 0, 0 } },
        { 0, 2, { 0, 0, 0 } },           { 5, 0, { -1, -1, 5 } },
        { 5, 1, { -1, 0, 5 } },          { 5, 2, { 0, 0, 5 } },
        { 0x201, 1, { -1, 1, 1 } },      { 0x201, 2, { 0, 1, 1 } },
        { 0x12345, 1, { -1, 0x91, 0x145 } },
        { 0x12345, 2, { 0, 0x91, 0x145 } },
        { 0xfffff, 2, { 3, 0x1ff, 0x1ff } },
        { 0x1ff, 0, { -1, -1, 0x1ff } },
        { 0x3ffff, 1, { -1, 0x1ff, 0x1ff } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned int levels = rows[i].glx + 1;

        world_init_guest(&w, 4, rows[i].glx);
        world_map_guest(&w, world_add_pasid(&w, rows[i].pasid), GVA, 1,
                        G_ALL | PAGE);
        world_dma_pasid(&w, rows[i].pasid, GVA, "r");
        want_address(&w, "GCR3", PAGE, 12, PERM_RX);
        for (unsigned int n = levels; n > 0; n--) {
            const struct amdvi_step *s = &w.step[1 + levels - n];

            expect_u64("GCR3", "stage", s->stage, AMDVI_STAGE_GCR3);
            expect_u64("GCR3", "level", s->level, n);
            expect_u64("GCR3", "input", s->input, rows[i].pasid);
            expect_u64("GCR3", "index", (s->spa & 0xfff) / 8,
                       (uint64_t)rows[i].index[3 - n]);
            expect_str("GCR3", s->layout->id, "gcr3e");
        }
    }
}

/* A PASID above the span of GLX or above PASmax: GN=1, PR=0 */
static void test_pasid_range(void **state)
{
    static const struct {
        unsigned int glx, pas_max;
        uint32_t pasid;
        bool fits;
    } rows[] = {
        { 0, 19, 0x1ff, true },    { 0, 19, 0x200, false },
        { 1, 19, 0x3ffff, true },  { 1, 19, 0x40000, false },
        { 2, 19, 0xfffff, true },  { 2, 15, 0xffff, true },
        { 2, 15, 0x10000, false }, { 1, 8, 0x1ff, true },
        { 1, 8, 0x200, false },    { 0, 0, 1, true },
        { 0, 0, 2, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_guest(&w, 4, rows[i].glx);
        world_map_guest(&w, world_add_pasid(&w, rows[i].pasid), GVA, 1,
                        G_ALL | PAGE);
        w.iommu.features.efr &= ~(0x1fULL << 32);
        w.iommu.features.efr |= (uint64_t)rows[i].pas_max << 32;
        world_dma_pasid(&w, rows[i].pasid, GVA, "w");
        if (rows[i].fits) {
            want_address(&w, "PASID", PAGE, 12, PERM_RWX);
            expect_u64("PASID", "tag", w.result.pasid, rows[i].pasid);
        } else {
            want_fault(&w, "PASID", AMDVI_REASON_PASID_RANGE,
                       EV_GN | EV_US | EV_RW, GVA);
            world_ats(&w, rows[i].pasid, GVA, "rw");
            want_outcome(&w, "PASID", AMDVI_OUTCOME_NO_ACCESS,
                         AMDVI_REASON_PASID_RANGE);
        }
    }
}

/* An impossible PASID (more than 20 bits) reaches no table */
static void test_pasid_hostile(void **state)
{
    (void)state;
    one_page(4, 0);
    world_dma_pasid(&w, 0xfffffffe, GVA, "r");
    want_outcome(&w, "PASID", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_PASID_RANGE);
    assert_int_equal(w.reads, 1);
}

/* Valid is checked at each level of the GCR3 table */
static void test_gcr3_invalid(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 3; level++) {
        world_init_guest(&w, 4, 2);
        world_map_guest(&w, world_add_pasid(&w, 0x10005), GVA, 1,
                        G_ALL | PAGE);
        world_xor(&w, w.gcr3_at[level], 1);
        world_dma_pasid(&w, 0x10005, GVA, "w");
        want_fault(&w, "GCR3", AMDVI_REASON_GCR3_INVALID,
                   EV_GN | EV_US | EV_RW, GVA);
        want_event(&w, "worked", 0x2025000500010028, GVA);
    }
}

/* Bits 11:1 and 63:52 of a GCR3 entry are ignored */
static void test_gcr3_ignored(void **state)
{
    (void)state;
    world_init_guest(&w, 4, 1);
    world_map_guest(&w, world_add_pasid(&w, 5), GVA, 1, G_ALL | PAGE);
    world_xor(&w, w.gcr3_at[1], 0xfff0000000000ffe);
    world_xor(&w, w.gcr3_at[2], 0xfff0000000000ffe);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "ignored", PAGE, 12, PERM_RX);
}

/* Both depths, and the trace of the guest stage */
static void test_levels(void **state)
{
    (void)state;
    for (unsigned int levels = 4; levels <= 5; levels++) {
        one_page(levels, 0);
        world_dma_pasid(&w, 5, GVA | 0x123, "w");
        want_address(&w, "walk", PAGE | 0x123, 12, PERM_RWX);
        assert_true(w.result.guest && !w.result.nested);
        expect_u64("walk", "DomainID", w.result.domain_id, 7);
        expect_u64("walk", "PASID", w.result.pasid, 5);
        expect_u64("walk", "steps", w.trace.count, 1 + 2 + levels);
        for (unsigned int n = levels; n > 0; n--) {
            const struct amdvi_step *s = &w.step[3 + levels - n];

            expect_u64("step", "stage", s->stage, AMDVI_STAGE_GUEST);
            expect_u64("step", "level", s->level, n);
            expect_u64("step", "input", s->input, GVA | 0x123);
            expect_u64("step", "spa", s->spa, w.guest_at[n]);
            expect_u64("step", "gpa", s->gpa, w.guest_at[n]);
            expect_str("step", s->layout->id, n == 1 ? "gpte" : "gpde");
        }
    }
}

/* Canonical addresses with a PASID; no sign extension without (GIoV) */
static void test_canonical(void **state)
{
    static const struct {
        const char *row;
        unsigned int levels;
        bool giov;              /* without PASID */
        uint64_t addr;
        bool fits;
    } rows[] = {
        { "4, top of low half", 4, false, 0x00007ffffffff000, true },
        { "4, just above", 4, false, 0x0000800000000000, false },
        { "4, high half", 4, false, 0xffff800000000000, true },
        { "4, just below", 4, false, 0xffff7ffffffff000, false },
        { "4, last page", 4, false, 0xfffffffffffff000, true },
        { "4, bit 63 only", 4, false, 0x8000000000000000, false },
        { "5, top of low half", 5, false, 0x00fffffffffff000, true },
        { "5, just above", 5, false, 0x0100000000000000, false },
        { "5, high half", 5, false, 0xff00000000000000, true },
        { "5, just below", 5, false, 0xfefffffffffff000, false },
        { "4, 48 bits", 4, true, 0x0000fffffffff000, true },
        { "4, bit 47", 4, true, 0x0000800000000000, true },
        { "4, 49 bits", 4, true, 0x0001000000000000, false },
        { "4, high half", 4, true, 0xffff800000000000, false },
        { "5, 57 bits", 5, true, 0x01fffffffffff000, true },
        { "5, 58 bits", 5, true, 0x0200000000000000, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t pasid = rows[i].giov ? AMDVI_NO_PASID : 5;

        world_init_guest(&w, rows[i].levels, 1);
        world_map_guest(&w, world_add_pasid(&w, rows[i].giov ? 0 : 5),
                        rows[i].addr, 1, G_ALL | PAGE);
        world_edit_dte(&w, 0, 0, (uint64_t)rows[i].giov << 54);
        world_dma_pasid(&w, pasid, rows[i].addr, "r");
        if (rows[i].fits) {
            want_address(&w, rows[i].row, PAGE, 12, PERM_RX);
        } else {
            want_fault(&w, rows[i].row, AMDVI_REASON_NOT_CANONICAL,
                       EV_GN | EV_US, rows[i].addr);
        }
    }
}

/* A request without PASID is a user request for PASID 0 */
static void test_giov(void **state)
{
    (void)state;
    world_init_guest(&w, 4, 1);
    world_edit_dte(&w, 0, 0, 1ULL << 54);
    world_map_guest(&w, world_add_pasid(&w, 0), GVA, 1, G_ALL | PAGE);
    world_dma(&w, GVA | 8, "w");
    want_address(&w, "GIoV", PAGE | 8, 12, PERM_RWX);
    expect_u64("GIoV", "PASID", w.result.pasid, 0);
    assert_true(w.result.guest);

    world_xor(&w, w.guest_at[1], G_US);
    world_dma(&w, GVA, "w");
    want_fault(&w, "supervisor page", AMDVI_REASON_GUEST_PERMISSION,
               EV_GN | EV_US | EV_PR | EV_PE | EV_RW, GVA);
    world_dma(&w, GVA, "wp");
    want_fault(&w, "privilege needs a PASID", AMDVI_REASON_GUEST_PERMISSION,
               EV_GN | EV_US | EV_PR | EV_PE | EV_RW, GVA);
}

static void test_not_present(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 5; level++) {
        one_page(5, 0);
        world_put(&w, w.guest_at[level], UINT64_MAX - 1);
        world_dma_pasid(&w, 5, GVA, "r");
        want_fault(&w, "P=0", AMDVI_REASON_GUEST_NOT_PRESENT, EV_GN | EV_US,
                   GVA);
        world_dma_pasid(&w, 5, GVA, "wxp");
        want_fault(&w, "P=0", AMDVI_REASON_GUEST_NOT_PRESENT,
                   EV_GN | EV_NX | EV_RW, GVA);
    }
}

/* Large pages: 2 MiB and 1 GiB, with the address bits below reserved */
static void test_page_sizes(void **state)
{
    (void)state;
    for (unsigned int level = 2; level <= 3; level++) {
        unsigned int shift = 12 + 9 * (level - 1);
        uint64_t va = GVA | 0x12345678;
        uint64_t base = 0x40000000;

        world_init_guest(&w, 4, 1);
        world_map_guest(&w, world_add_pasid(&w, 5), va, level,
                        G_ALL | G_PS | base);
        world_dma_pasid(&w, 5, va, "w");
        want_address(&w, "large", base | (va & ((1ULL << shift) - 1)), shift,
                     PERM_RWX);
        expect_str("large", w.step[w.trace.count - 1].layout->id,
                   level == 2 ? "gpte_2m" : "gpte_1g");
        for (unsigned int bit = 12; bit < shift; bit++) {
            world_put(&w, w.guest_at[level],
                      G_ALL | G_PS | base | 1ULL << bit);
            world_dma_pasid(&w, 5, va, "r");
            if (bit == 12) {    /* PAT */
                want_outcome(&w, "PAT", AMDVI_OUTCOME_TRANSLATED,
                             AMDVI_REASON_NONE);
            } else {
                want_fault(&w, "reserved", AMDVI_REASON_GUEST_RESERVED,
                           EV_GN | EV_US | EV_PR | EV_RZ, va);
            }
        }
    }
}

/* PS must be 0 at levels 4 and 5; at level 1 the bit is PAT */
static void test_ps(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 5; level++) {
        one_page(5, 0);
        world_xor(&w, w.guest_at[level], G_PS);
        world_dma_pasid(&w, 5, GVA, "r");
        if (level >= 4) {
            want_fault(&w, "PS", AMDVI_REASON_GUEST_RESERVED,
                       EV_GN | EV_US | EV_PR | EV_RZ, GVA);
        } else if (level == 1) {
            want_address(&w, "PAT", PAGE, 12, PERM_RX);
        }
    }
}

/* What only processors look at must not break the walk */
static void test_ignored_bits(void **state)
{
    const uint64_t ignored = 0x7ff0000000000e18;

    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        one_page(4, 0);
        world_xor(&w, w.guest_at[level], ignored | G_G |
                  (level > 1 ? G_D : 0));
        world_dma_pasid(&w, 5, GVA, "w");
        want_address(&w, "ignored", PAGE, 12, PERM_RWX);
        expect_u64("ignored", "global", w.result.global, level == 1);
        assert_true((world_get(&w, w.guest_at[level]) & ignored) == ignored);
    }
}

/* Address bits above the physical width are reserved, at each level */
static void test_physical_width(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        one_page(4, 0);
        w.iommu.pa_bits = 40;
        world_dma_pasid(&w, 5, GVA, "r");
        want_address(&w, "40 bits", PAGE, 12, PERM_RX);
        world_xor(&w, w.guest_at[level], 1ULL << 40);
        world_dma_pasid(&w, 5, GVA, "r");
        want_fault(&w, "41 bits", AMDVI_REASON_GUEST_RESERVED,
                   EV_GN | EV_US | EV_PR | EV_RZ, GVA);
    }
}

/* NX is reserved without NXSup */
static void test_nx_reserved(void **state)
{
    (void)state;
    one_page(4, G_ALL | PAGE | G_NX);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "NXSup", PAGE, 12, PERM_R);
    w.iommu.features.efr &= ~8ULL;
    world_dma_pasid(&w, 5, GVA, "r");
    want_fault(&w, "no NXSup", AMDVI_REASON_GUEST_RESERVED,
               EV_GN | EV_US | EV_PR | EV_RZ, GVA);
}

/*
 * Permissions: R/W and U/S are the AND, NX the OR of all levels.  One bit is
 * flipped at one level; the table says who may still do what.
 */
static void test_permissions(void **state)
{
    static const struct {
        const char *access;
        uint64_t flip;
        unsigned int perm;      /* 0: fault */
        uint64_t flags;
    } rows[] = {
        { "r", G_RW, PERM_RX, 0 },
        { "w", G_RW, 0, EV_US | EV_RW },
        { "rw", G_RW, 0, EV_US | EV_RW },
        { "wp", G_RW, 0, EV_RW },
        { "rp", G_RW, PERM_RX, 0 },
        { "r", G_US, 0, EV_US },
        { "w", G_US, 0, EV_US | EV_RW },
        { "rp", G_US, PERM_RX, 0 },
        { "wp", G_US, PERM_RWX, 0 },
        { "rxp", G_US, PERM_RX, 0 },
        { "r", G_NX, PERM_R, 0 },
        { "w", G_NX, PERM_RW, 0 },
        { "rx", G_NX, 0, EV_US | EV_NX },
        { "x", G_NX, 0, EV_US | EV_NX },
        { "rxp", G_NX, 0, EV_NX },
        { "rx", 0, PERM_RX, 0 },
        { "x", 0, PERM_RX, 0 },
        { "rp", 0, PERM_RX, 0 },
    };

    (void)state;
    for (unsigned int level = 1; level <= 5; level++) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            one_page(5, 0);
            world_xor(&w, w.guest_at[level], rows[i].flip);
            world_dma_pasid(&w, 5, GVA, rows[i].access);
            if (rows[i].perm) {
                want_address(&w, rows[i].access, PAGE, 12, rows[i].perm);
                expect_u64(rows[i].access, "privileged", w.result.priv,
                           strchr(rows[i].access, 'p') != NULL);
            } else {
                want_fault(&w, rows[i].access, AMDVI_REASON_GUEST_PERMISSION,
                           EV_GN | EV_PR | EV_PE | rows[i].flags, GVA);
            }
        }
    }
}

/* DTE.IR and IW gate every request, and take bits of the result */
static void test_dte_gate(void **state)
{
    (void)state;
    one_page(4, G_ALL | G_D | PAGE);
    world_edit_dte(&w, 0, HOST_W, 0);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "IW=0", PAGE, 12, PERM_RX);
    world_dma_pasid(&w, 5, GVA, "w");
    want_fault(&w, "IW=0", AMDVI_REASON_DTE_PERMISSION,
               EV_GN | EV_US | EV_PR | EV_PE | EV_RW, GVA);
    world_edit_dte(&w, 0, HOST_R, HOST_W);
    world_dma_pasid(&w, 5, GVA, "w");
    want_address(&w, "IR=0", PAGE, 12, AMDVI_PERM_W);
    world_dma_pasid(&w, 5, GVA, "x");
    want_fault(&w, "IR=0", AMDVI_REASON_DTE_PERMISSION,
               EV_GN | EV_NX | EV_US | EV_PR | EV_PE, GVA);
}

/* A in all entries, D in the leaf of a write, unless control forbids */
static void test_accessed_dirty(void **state)
{
    static const struct {
        const char *access;
        uint64_t control;
        uint64_t pointer, leaf;
        unsigned int perm;
    } rows[] = {
        { "r", 0, G_A, G_A, PERM_RX },
        { "w", 0, G_A, G_A | G_D, PERM_RWX },
        { "rw", 0, G_A, G_A | G_D, PERM_RWX },
        { "rx", 0, G_A, G_A, PERM_RX },
        { "w", 1ULL << 54, 0, G_D, PERM_RWX },
        { "r", 1ULL << 54, 0, 0, PERM_RX },
        { "w", 1ULL << 48, G_A, G_A, PERM_RWX },
        { "r", 1ULL << 48, G_A, G_A, PERM_RWX },
        { "w", 1ULL << 54 | 1ULL << 48, 0, 0, PERM_RWX },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        one_page(4, 0);
        w.iommu.control |= rows[i].control;
        world_dma_pasid(&w, 5, GVA, rows[i].access);
        want_address(&w, rows[i].access, PAGE, 12, rows[i].perm);
        expect_u64("leaf", "A and D", world_get(&w, w.guest_at[1]) & 0x60,
                   rows[i].leaf);
        for (unsigned int level = 2; level <= 4; level++) {
            expect_u64("pointer", "A and D",
                       world_get(&w, w.guest_at[level]) & 0x60,
                       rows[i].pointer);
        }
        world_run(&w);
        expect_u64(rows[i].access, "updates the second time", w.updates, 0);
    }
}

/* A refused request must not set D, and a dirty page may be written */
static void test_dirty_rules(void **state)
{
    (void)state;
    one_page(4, G_P | G_US | PAGE);
    world_dma_pasid(&w, 5, GVA, "w");
    want_outcome(&w, "read-only", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_GUEST_PERMISSION);
    expect_u64("read-only", "D", world_get(&w, w.guest_at[1]) & G_D, 0);
    one_page(4, G_ALL | G_D | PAGE);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "D=1", PAGE, 12, PERM_RWX);
}

static void test_read_only(void **state)
{
    (void)state;
    one_page(4, 0);
    w.mem.cmpxchg = NULL;
    world_dma_pasid(&w, 5, GVA, "w");
    want_outcome(&w, "read-only", AMDVI_OUTCOME_TRANSLATED,
                 AMDVI_REASON_NONE);
    for (unsigned int level = 1; level <= 4; level++) {
        expect_u64("read-only", "A and D",
                   world_get(&w, w.guest_at[level]) & 0x60, 0);
    }
}

/* An entry that changes before its A or D is set: start again */
static void test_restart(void **state)
{
    static const struct {
        uint64_t entry;
        enum amdvi_reason reason;
        uint64_t flags;
    } rows[] = {
        { G_ALL | 0x7000, AMDVI_REASON_NONE, 0 },
        { G_ALL | G_A | 0x7000, AMDVI_REASON_NONE, 0 },
        { 0, AMDVI_REASON_GUEST_NOT_PRESENT, 0 },
        { G_P | G_US | 0x7000, AMDVI_REASON_GUEST_PERMISSION, EV_PR | EV_PE },
        { G_P | G_RW | 0x7000, AMDVI_REASON_GUEST_PERMISSION, EV_PR | EV_PE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        one_page(4, 0);
        w.change_at = w.guest_at[1];
        w.change_to = rows[i].entry;
        world_dma_pasid(&w, 5, GVA, "w");
        if (rows[i].reason == AMDVI_REASON_NONE) {
            want_address(&w, "restart", 0x7000, 12, PERM_RWX);
            expect_u64("restart", "A and D",
                       world_get(&w, w.guest_at[1]) & 0x60, 0x60);
        } else {
            want_fault(&w, "restart", rows[i].reason,
                       EV_GN | EV_US | EV_RW | rows[i].flags, GVA);
            expect_u64("restart", "entry", world_get(&w, w.guest_at[1]),
                       rows[i].entry);
        }
        expect_u64("restart", "steps are those of one walk", w.trace.count,
                   7);
    }
}

static void test_endless_change(void **state)
{
    (void)state;
    one_page(4, 0);
    w.change_at = w.guest_at[1];
    w.change_to = G_ALL | 0x7000;
    w.change_always = true;
    world_dma_pasid(&w, 5, GVA, "w");
    want_outcome(&w, "changing", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_TABLE_CHANGING);
    expect_u64("changing", "A and D", world_get(&w, w.guest_at[1]) & 0x60, 0);
    assert_true(w.updates < 10000);
}

/* GCR3 and guest tables that cannot be read */
static void check_unreadable(const char *row, uint64_t at)
{
    w.unknown_at = UINT64_MAX;
    w.abort_at = at;
    world_dma_pasid(&w, 5, GVA, "w");
    want_outcome(&w, row, AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_TABLE_UNREADABLE);
    want_event(&w, row, 0x4221000500000028, at);
    assert_true(w.result.hardware_error);
    world_ats(&w, 5, GVA, "r");
    want_outcome(&w, row, AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_TABLE_UNREADABLE);
    want_event(&w, row, 0x4301000500000028, at);
    w.unknown_at = at;
    world_dma_pasid(&w, 5, GVA, "w");
    want_outcome(&w, row, AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    want_no_event(&w, row);
}

static void test_unreadable(void **state)
{
    (void)state;
    one_page(4, 0);
    for (unsigned int level = 1; level <= 2; level++) {
        check_unreadable("GCR3", w.gcr3_at[level]);
    }
    for (unsigned int level = 1; level <= 4; level++) {
        check_unreadable("guest", w.guest_at[level]);
    }
}

/* An entry that can be read but not updated */
static void test_update_aborts(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        one_page(4, 0);
        w.update_abort_at = w.guest_at[level];
        world_dma_pasid(&w, 5, GVA, "w");
        want_outcome(&w, "update", AMDVI_OUTCOME_ABORTED,
                     AMDVI_REASON_TABLE_UNREADABLE);
        want_event(&w, "update", 0x4221000500000028, w.guest_at[level]);
    }
}

/* The worked example of translation.md 12, with its very addresses */
static void sva_tables(void)
{
    const uint64_t dte[4] = DTE_A;

    world_init(&w);
    world_set_dte(&w, dte);
    world_put(&w, 0x123457000, 0x2345f001);
    world_put(&w, 0x2345f028, 0x23456001);
    world_put(&w, 0x234567f0, 0);
    w.iommu.features.efr = 0x0005002f000059df;
}

static void test_worked_example(void **state)
{
    (void)state;
    sva_tables();
    world_ats(&w, 5, GVA, "rw");
    want_outcome(&w, "first", AMDVI_OUTCOME_NO_ACCESS,
                 AMDVI_REASON_GUEST_NOT_PRESENT);
    want_no_event(&w, "first");
    assert_int_equal(w.trace.count, 4);
    assert_true(w.step[3].spa == 0x234567f0);

    world_put(&w, 0x234567f0, 0x23450007);
    world_put(&w, 0x23450000, 0x23451007);
    world_put(&w, 0x23451000, 0x23452007);
    world_put(&w, 0x23452008, PAGE | 7);
    world_ats(&w, 5, GVA, "rw");
    want_address(&w, "retry", PAGE, 12, PERM_RW);
    expect_u64("PML4E", "A", world_get(&w, 0x234567f0), 0x23450027);
    expect_u64("PDPTE", "A", world_get(&w, 0x23450000), 0x23451027);
    expect_u64("PDE", "A", world_get(&w, 0x23451000), 0x23452027);
    expect_u64("PTE", "A and D", world_get(&w, 0x23452008), PAGE | 0x67);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gcr3_indices),
        cmocka_unit_test(test_pasid_range),
        cmocka_unit_test(test_pasid_hostile),
        cmocka_unit_test(test_gcr3_invalid),
        cmocka_unit_test(test_gcr3_ignored),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_giov),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_page_sizes),
        cmocka_unit_test(test_ps),
        cmocka_unit_test(test_ignored_bits),
        cmocka_unit_test(test_physical_width),
        cmocka_unit_test(test_nx_reserved),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_dte_gate),
        cmocka_unit_test(test_accessed_dirty),
        cmocka_unit_test(test_dirty_rules),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_endless_change),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_update_aborts),
        cmocka_unit_test(test_worked_example),
    };

    return cmocka_run_group_tests_name("guest walk", tests, NULL, NULL);
}
