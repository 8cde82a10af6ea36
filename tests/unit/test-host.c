/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host (v1) walk: spec/translation.md 3.1, spec/structures.md 3.
 */
#include "world.h"

static struct world w;

/* An address with a different index in every level, 57 bits */
#define IOVA UINT64_C(0x0123456789abc123)
#define PAGE UINT64_C(0x89abc000)
#define HOST_A 0x20ULL
#define HOST_D 0x40ULL
/* NextLevel of an entry */
#define NL(n) ((uint64_t)(n) << 9)

/* The part of IOVA that a table of this depth translates */
static uint64_t iova_of(unsigned int mode)
{
    return mode == 6 ? IOVA : IOVA & ((1ULL << (12 + 9 * mode)) - 1);
}

static void test_identity(void **state)
{
    static const struct {
        const char *row, *access;
        uint64_t dte;           /* IR and IW */
        unsigned int perm;      /* 0: denied */
    } rows[] = {
        { "RW, read", "r", HOST_RW, PERM_RW },
        { "RW, write", "w", HOST_RW, PERM_RW },
        { "RW, both", "rw", HOST_RW, PERM_RW },
        { "R, read", "r", HOST_R, PERM_R },
        { "R, write", "w", HOST_R, 0 },
        { "R, both", "rw", HOST_R, 0 },
        { "W, read", "r", HOST_W, 0 },
        { "W, write", "w", HOST_W, AMDVI_PERM_W },
        { "none, read", "r", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool write = strchr(rows[i].access, 'w');

        world_init_host(&w, 0);
        world_edit_dte(&w, 0, HOST_RW, rows[i].dte);
        world_dma(&w, IOVA, rows[i].access);
        if (rows[i].perm) {
            want_address(&w, rows[i].row, IOVA, 64, rows[i].perm);
            assert_false(w.result.guest);
        } else {
            want_fault(&w, rows[i].row, AMDVI_REASON_DTE_PERMISSION,
                       EV_PR | EV_PE | (write ? EV_RW : 0), IOVA);
        }
    }
}

/* The worked event of a denied write */
static void test_denied_event(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 0, HOST_W, 0);
    world_dma(&w, PAGE, "w");
    want_event(&w, "worked", 0x2070002a00000028, PAGE);
}

/* Every depth finds its page, and bits above the depth must be 0 */
static void test_modes(void **state)
{
    (void)state;
    for (unsigned int mode = 1; mode <= 6; mode++) {
        char row[16];

        snprintf(row, sizeof(row), "mode %u", mode);
        world_init_host(&w, mode);
        world_map_host(&w, iova_of(mode), 1, HOST_RW | PAGE | 1);
        world_dma(&w, iova_of(mode), "rw");
        want_address(&w, row, PAGE | (IOVA & 0xfff), 12, PERM_RW);
        expect_u64(row, "DomainID", w.result.domain_id, 0x2a);
        expect_u64(row, "steps", w.trace.count, 1 + mode);
        for (unsigned int b = 12 + 9 * mode; b < 64; b++) {
            world_dma(&w, iova_of(mode) | 1ULL << b, "r");
            want_fault(&w, row, mode == 6 ? AMDVI_REASON_HOST_NOT_PRESENT
                                          : AMDVI_REASON_ADDRESS_RANGE, 0,
                       iova_of(mode) | 1ULL << b);
        }
    }
}

/* Level 6 indexes bits 63:57 */
static void test_level_six(void **state)
{
    (void)state;
    world_init_host(&w, 6);
    world_map_host(&w, 0xfe00000000000000, 1, HOST_RW | PAGE | 1);
    assert_true(w.host_at[6] == WORLD_HOST_ROOT + 127 * 8);
    world_dma(&w, 0xfe00000000000123, "r");
    want_address(&w, "top", PAGE | 0x123, 12, PERM_RW);
    world_dma(&w, 0x0000000000000123, "r");
    want_fault(&w, "bottom", AMDVI_REASON_HOST_NOT_PRESENT, 0, 0x123);
}

/* What the trace says about each entry */
static void test_trace(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_map_host(&w, iova_of(4), 1, HOST_RW | PAGE | 1);
    world_dma(&w, iova_of(4), "r");
    assert_int_equal(w.trace.count, 5);
    for (unsigned int i = 1; i < 5; i++) {
        const struct amdvi_step *s = &w.step[i];
        unsigned int level = 5 - i;

        expect_u64("step", "stage", s->stage, AMDVI_STAGE_HOST);
        expect_u64("step", "level", s->level, level);
        expect_u64("step", "input", s->input, iova_of(4));
        expect_u64("step", "spa", s->spa, w.host_at[level]);
        expect_u64("step", "gpa", s->gpa, w.host_at[level]);
        expect_u64("step", "word", s->word[0],
                   world_get(&w, w.host_at[level]));
        expect_str("step", s->layout->id, level == 1 ? "hpte" : "hpde");
    }
}

/* A trace that is too short is filled and counted on; none is allowed */
static void test_trace_capacity(void **state)
{
    struct amdvi_result full;

    (void)state;
    world_init_host(&w, 4);
    world_map_host(&w, iova_of(4), 1, HOST_RW | PAGE | 1);
    world_dma(&w, iova_of(4), "r");
    full = w.result;
    w.trace.capacity = 2;
    world_run(&w);
    assert_int_equal(w.trace.count, 5);
    assert_int_equal(w.step[1].level, 4);
    assert_int_equal(w.step[2].level, 0xa5);    /* untouched */
    assert_memory_equal(&w.result, &full, sizeof(full));
    amdvi_translate(&w.iommu, &w.mem, &w.request, NULL, &w.result);
    assert_memory_equal(&w.result, &full, sizeof(full));
}

/* NextLevel 0: the natural sizes; level 6 cannot hold a leaf */
static void test_natural_sizes(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 6; level++) {
        unsigned int shift = 12 + 9 * (level - 1);
        uint64_t base = level < 5 ? 0x8000000000000ULL : 0;
        uint64_t offset = IOVA & ((1ULL << shift) - 1);

        world_init_host(&w, 6);
        world_map_host(&w, IOVA, level, HOST_RW | base | 1);
        world_dma(&w, IOVA, "r");
        if (level < 6) {
            want_address(&w, "natural", base | offset, shift, PERM_RW);
        } else {
            want_fault(&w, "level 6", AMDVI_REASON_HOST_LEVEL, EV_PR, IOVA);
        }
    }
}

/* The address bits of a NextLevel 7 page of 2^shift bytes at 0 */
static uint64_t sized(unsigned int shift)
{
    return ((1ULL << (shift - 1)) - 1) & ~UINT64_C(0xfff);
}

/* NextLevel 7: sizes from the natural one up to below the next level's */
static void test_encoded_sizes(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 6; level++) {
        for (unsigned int shift = 13; shift <= 52; shift++) {
            unsigned int natural = 12 + 9 * (level - 1);
            uint64_t base = shift < 51 ? 1ULL << 51 : 0;
            char row[40];

            snprintf(row, sizeof(row), "level %u size 2^%u", level, shift);
            world_init_host(&w, 6);
            world_map_host(&w, IOVA, level,
                           HOST_RW | base | sized(shift) | NL(7) | 1);
            world_dma(&w, IOVA, "w");
            if (level < 6 && shift >= natural && shift < natural + 9) {
                want_address(&w, row,
                             base | (IOVA & ((1ULL << shift) - 1)), shift,
                             PERM_RW);
            } else {
                want_fault(&w, row, AMDVI_REASON_HOST_LEVEL, EV_PR | EV_RW,
                           IOVA);
            }
        }
    }
}

/* The worked entries of structures.md 3, used */
static void test_worked_entries(void **state)
{
    static const struct {
        unsigned int level;
        uint64_t entry, iova, spa;
        unsigned int shift;
    } rows[] = {
        { 1, 0x7000000089abc001, 0x123, 0x89abc123, 12 },
        { 1, 0x6000000000087e01, 0xf123, 0x8f123, 16 },
        { 2, 0x6000000040000001, 0x1f0123, 0x401f0123, 21 },
        { 2, 0x60000000400ffe01, 0x1f0123, 0x401f0123, 21 },
        { 2, 0x60000000401ffe01, 0x3f0123, 0x403f0123, 22 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_host(&w, 4);
        world_map_host(&w, rows[i].iova, rows[i].level, rows[i].entry);
        world_dma(&w, rows[i].iova, "rw");
        want_address(&w, "worked", rows[i].spa, rows[i].shift, PERM_RW);
        expect_u64("worked", "FC", w.result.force_coherent, i == 0);
    }
}

/* NextLevel 1 to 6 in a level-n entry: below n a pointer, else illegal */
static void test_next_level(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 6; level++) {
        for (unsigned int next = 1; next <= 6; next++) {
            char row[40];

            snprintf(row, sizeof(row), "level %u next %u", level, next);
            world_init_host(&w, 6);
            world_map_host(&w, 0, level, HOST_RW | 0x7000000 | NL(next) | 1);
            world_put(&w, 0x7000000, 0);
            world_dma(&w, 0, "r");
            if (next < level) {
                want_fault(&w, row, AMDVI_REASON_HOST_NOT_PRESENT, 0, 0);
                expect_u64(row, "last level",
                           w.step[w.trace.count - 1].level, next);
            } else {
                want_fault(&w, row, AMDVI_REASON_HOST_LEVEL, EV_PR, 0);
            }
        }
    }
}

/* Address bits that skipped levels would index must be 0: each bit alone */
static void test_level_skipping(void **state)
{
    (void)state;
    for (unsigned int from = 2; from <= 6; from++) {
        for (unsigned int to = 1; to < from; to++) {
            unsigned int low = 12 + 9 * to, high = 12 + 9 * (from - 1);

            world_init_host(&w, 6);
            world_map_host(&w, 0, from, HOST_RW | 0x7000000 | NL(to) | 1);
            world_put(&w, 0x7000000, HOST_RW | 1);
            world_dma(&w, 0x123, "r");
            want_address(&w, "skip", 0x123, low - 9, PERM_RW);
            for (unsigned int b = low; b < high; b++) {
                world_dma(&w, 1ULL << b, "r");
                want_fault(&w, "skipped bit", AMDVI_REASON_HOST_SKIPPED, 0,
                           1ULL << b);
            }
        }
    }
}

/* PR=0: all other bits are ignored, at every level */
static void test_not_present(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        world_init_host(&w, 4);
        world_map_host(&w, PAGE, level, UINT64_MAX - 1);
        world_dma(&w, PAGE | 0x123, "w");
        want_fault(&w, "absent", AMDVI_REASON_HOST_NOT_PRESENT, EV_RW,
                   PAGE | 0x123);
        want_event(&w, "worked", 0x2020002a00000028, 0x89abc123);
    }
}

/* Each bit of a leaf and of a pointer: reserved (PR=1 RZ=1), or not */
static void check_entry_bit(unsigned int level, unsigned int bit,
                            uint64_t reserved)
{
    char row[40];

    snprintf(row, sizeof(row), "level %u bit %u", level, bit);
    world_init_host(&w, 4);
    world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
    world_xor(&w, w.host_at[level], 1ULL << bit);
    world_dma(&w, PAGE, "r");
    if (reserved >> bit & 1) {
        want_fault(&w, row, AMDVI_REASON_HOST_RESERVED, EV_PR | EV_RZ, PAGE);
    } else {
        want_outcome(&w, row, AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    }
}

static void test_reserved(void **state)
{
    const uint64_t ignored_leaf = 0x98000000000001fe;
    const uint64_t ignored_pointer = 0x80000000000001fe;

    (void)state;
    for (unsigned int bit = 0; bit < 64; bit++) {
        uint64_t leaf = 0x07f0000000000000, pointer = 0x1ff0000000000000;

        if ((leaf | ignored_leaf) >> bit & 1) {
            check_entry_bit(1, bit, leaf);
        }
        for (unsigned int level = 2; level <= 4; level++) {
            if ((pointer | ignored_pointer) >> bit & 1) {
                check_entry_bit(level, bit, pointer);
            }
        }
    }
}

/* R and W are the AND of the DTE and every entry; judged after the leaf */
static void test_permissions(void **state)
{
    static const struct {
        const char *access;
        uint64_t without;       /* the bit that is taken away */
        bool denied;
    } rows[] = {
        { "r", HOST_R, true },  { "r", HOST_W, false },
        { "w", HOST_W, true },  { "w", HOST_R, false },
        { "rw", HOST_R, true }, { "rw", HOST_W, true },
    };

    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            uint64_t rw = strchr(rows[i].access, 'w') ? EV_RW : 0;

            world_init_host(&w, 4);
            world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
            world_xor(&w, w.host_at[level], rows[i].without);
            world_dma(&w, PAGE, rows[i].access);
            if (rows[i].denied) {
                want_fault(&w, rows[i].access, AMDVI_REASON_HOST_PERMISSION,
                           EV_PR | EV_PE | rw, PAGE);
            } else {
                want_address(&w, rows[i].access, PAGE, 12,
                             rows[i].without == HOST_R ? AMDVI_PERM_W
                                                       : PERM_R);
            }
            world_put(&w, w.host_at[1], 0);
            world_dma(&w, PAGE, rows[i].access);
            want_fault(&w, "absent wins", AMDVI_REASON_HOST_NOT_PRESENT, rw,
                       PAGE);
        }
    }
}

/* HAD: A in each entry used, D in the leaf of a permitted write */
static void test_accessed_dirty(void **state)
{
    static const struct {
        uint64_t had;
        const char *access;
        uint64_t pointer, leaf; /* bits that appear */
        unsigned int perm;
    } rows[] = {
        { 0, "r", 0, 0, PERM_RW },
        { 0, "w", 0, 0, PERM_RW },
        { 1, "r", HOST_A, HOST_A, PERM_RW },
        { 1, "w", HOST_A, HOST_A, PERM_RW },
        { 3, "r", HOST_A, HOST_A, PERM_R },
        { 3, "w", HOST_A, HOST_A | HOST_D, PERM_RW },
        { 3, "rw", HOST_A, HOST_A | HOST_D, PERM_RW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_host(&w, 4);
        world_edit_dte(&w, 0, 0, rows[i].had << 7);
        world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
        world_dma(&w, PAGE, rows[i].access);
        want_address(&w, rows[i].access, PAGE, 12, rows[i].perm);
        expect_u64("leaf", "A and D", world_get(&w, w.host_at[1]) & 0x60,
                   rows[i].leaf);
        for (unsigned int level = 2; level <= 4; level++) {
            expect_u64("pointer", "A and D",
                       world_get(&w, w.host_at[level]) & 0x60,
                       rows[i].pointer);
        }
        expect_u64(rows[i].access, "updates", w.updates,
                   rows[i].had ? 4 : 0);
        world_run(&w);
        expect_u64(rows[i].access, "updates the second time", w.updates, 0);
    }
}

/* A page that is dirty already may be written without an update */
static void test_dirty_already(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_map_host(&w, PAGE, 1, HOST_RW | PAGE | HOST_A | HOST_D | 1);
    world_dma(&w, PAGE, "r");
    want_address(&w, "D=1", PAGE, 12, PERM_RW);
}

/* A denied write leaves D alone */
static void test_denied_not_dirty(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_map_host(&w, PAGE, 1, HOST_R | PAGE | 1);
    world_dma(&w, PAGE, "w");
    want_fault(&w, "denied", AMDVI_REASON_HOST_PERMISSION,
               EV_PR | EV_PE | EV_RW, PAGE);
    expect_u64("denied", "D", world_get(&w, w.host_at[1]) & HOST_D, 0);
}

/* A NextLevel 7 page: the entry that was used has D */
static void test_dirty_sized(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_map_host(&w, 0xf000, 1, HOST_RW | 0x87000 | NL(7) | 1);
    world_dma(&w, 0xf123, "w");
    want_address(&w, "64 KiB", 0x8f123, 16, PERM_RW);
    expect_u64("64 KiB", "A and D", world_get(&w, w.host_at[1]) & 0x60,
               HOST_A | HOST_D);
}

/* Without cmpxchg nothing changes, and the result is the same */
static void test_read_only(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
    w.mem.cmpxchg = NULL;
    world_dma(&w, PAGE, "w");
    want_outcome(&w, "read-only", AMDVI_OUTCOME_TRANSLATED,
                 AMDVI_REASON_NONE);
    expect_u64("read-only", "A and D", world_get(&w, w.host_at[1]) & 0x60, 0);
    assert_int_equal(w.updates, 0);
}

/* An entry that changes under the walk is read again */
static void test_restart(void **state)
{
    static const struct {
        uint64_t entry;
        enum amdvi_reason reason;
        uint64_t flags, addr;
    } rows[] = {
        { HOST_RW | 0x7000 | 1, AMDVI_REASON_NONE, 0, 0x7123 },
        { 0, AMDVI_REASON_HOST_NOT_PRESENT, EV_RW, 0 },
        { HOST_R | 0x7000 | 1, AMDVI_REASON_HOST_PERMISSION,
          EV_PR | EV_PE | EV_RW, 0 },
        { HOST_RW | 1ULL << 55 | 1, AMDVI_REASON_HOST_RESERVED,
          EV_PR | EV_RZ | EV_RW, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_host(&w, 4);
        world_edit_dte(&w, 0, 0, 3ULL << 7);
        world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
        w.change_at = w.host_at[1];
        w.change_to = rows[i].entry;
        world_dma(&w, PAGE | 0x123, "w");
        if (rows[i].reason == AMDVI_REASON_NONE) {
            want_address(&w, "restart", rows[i].addr, 12, PERM_RW);
            expect_u64("restart", "A and D",
                       world_get(&w, w.host_at[1]) & 0x60, 0x60);
        } else {
            want_fault(&w, "restart", rows[i].reason, rows[i].flags,
                       PAGE | 0x123);
            expect_u64("restart", "entry", world_get(&w, w.host_at[1]),
                       rows[i].entry);
        }
    }
}

/* Entries that never stand still end the walk, not the machine */
static void test_endless_change(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
    w.change_at = w.host_at[1];
    w.change_to = HOST_RW | 0x7000 | 1;
    w.change_always = true;
    world_dma(&w, PAGE, "w");
    want_outcome(&w, "changing", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_TABLE_CHANGING);
    expect_u64("changing", "D", world_get(&w, w.host_at[1]) & HOST_D, 0);
}

/* A table that cannot be read, or is not in a dump, at each level */
static void test_unreadable(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        world_init_host(&w, 4);
        world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
        w.abort_at = w.host_at[level];
        world_dma(&w, PAGE, "w");
        want_outcome(&w, "write", AMDVI_OUTCOME_ABORTED,
                     AMDVI_REASON_TABLE_UNREADABLE);
        want_event(&w, "write", 0x4220002a00000028, w.host_at[level]);
        assert_true(w.result.hardware_error);
        world_dma(&w, PAGE, "r");
        want_event(&w, "read", 0x4200002a00000028, w.host_at[level]);

        w.unknown_at = w.host_at[level];
        world_dma(&w, PAGE, "w");
        want_outcome(&w, "unknown", AMDVI_OUTCOME_UNKNOWN,
                     AMDVI_REASON_NOT_IN_DUMP);
        want_no_event(&w, "unknown");
    }
}

/* An entry that can be read but not updated */
static void test_update_aborts(void **state)
{
    (void)state;
    for (unsigned int level = 1; level <= 4; level++) {
        world_init_host(&w, 4);
        world_edit_dte(&w, 0, 0, 3ULL << 7);
        world_map_host(&w, PAGE, 1, HOST_RW | PAGE | 1);
        w.update_abort_at = w.host_at[level];
        world_dma(&w, PAGE, "w");
        want_outcome(&w, "update", AMDVI_OUTCOME_ABORTED,
                     AMDVI_REASON_TABLE_UNREADABLE);
        want_event(&w, "update", 0x4220002a00000028, w.host_at[level]);
    }
}

/* A pointer to where nothing answers */
static void test_dangling(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_map_host(&w, 0, 4, HOST_RW | 0x000ffffffffff000 | NL(3) | 1);
    world_dma(&w, 0, "r");
    want_event(&w, "dangling", 0x4200002a00000028, 0x000ffffffffff000);
}

/* A request for neither read nor write is granted what the tables permit */
static void test_probe(void **state)
{
    static const struct {
        uint64_t leaf;
        unsigned int perm;
    } rows[] = { { HOST_RW, PERM_RW }, { HOST_R, PERM_R },
                 { HOST_W, AMDVI_PERM_W } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_host(&w, 4);
        w.mem.cmpxchg = NULL;
        world_map_host(&w, PAGE, 1, rows[i].leaf | PAGE | 1);
        world_dma(&w, PAGE, "");
        want_address(&w, "probe", PAGE, 12, rows[i].perm);
    }
    world_map_host(&w, PAGE, 1, 0);
    world_dma(&w, PAGE, "");
    want_fault(&w, "probe", AMDVI_REASON_HOST_NOT_PRESENT, 0, PAGE);
}

/* Bits of the leaf that ATS completions and caches want to know */
static void test_leaf_bits(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        world_init_host(&w, 4);
        world_map_host(&w, PAGE, 1,
                       HOST_RW | PAGE | (uint64_t)i << 59 | 1);
        world_dma(&w, PAGE, "r");
        expect_u64("leaf", "U", w.result.untranslated_only, i & 1);
        expect_u64("leaf", "FC", w.result.force_coherent, i >> 1);
        expect_u64("leaf", "guest", w.result.guest, 0);
        expect_u64("leaf", "nested", w.result.nested, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_denied_event),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_level_six),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_trace_capacity),
        cmocka_unit_test(test_natural_sizes),
        cmocka_unit_test(test_encoded_sizes),
        cmocka_unit_test(test_worked_entries),
        cmocka_unit_test(test_next_level),
        cmocka_unit_test(test_level_skipping),
        cmocka_unit_test(test_not_present),
        cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_accessed_dirty),
        cmocka_unit_test(test_dirty_already),
        cmocka_unit_test(test_denied_not_dirty),
        cmocka_unit_test(test_dirty_sized),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_endless_change),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_update_aborts),
        cmocka_unit_test(test_dangling),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_leaf_bits),
    };

    return cmocka_run_group_tests_name("host walk", tests, NULL, NULL);
}
