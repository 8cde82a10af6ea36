/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nested translation: guest tables whose pointers go through host tables.
 * Source: spec/translation.md 3.3.
 */
#include "world.h"

static struct world w;

#define GVA UINT64_C(0x00007f0000001000)
#define GPA UINT64_C(0x0000000123456000)
#define SPA UINT64_C(0x0000000789abc000)

/* PASID 5 maps GVA to GPA, the host maps GPA to SPA with @host bits */
static void one_page(uint64_t guest, uint64_t host)
{
    world_init_nested(&w, 4, 4, 1);
    world_map_guest(&w, world_add_pasid(&w, 5), GVA, 1, guest | GPA);
    world_map_host(&w, GPA, 1, host | SPA | 1);
}

static void test_translates(void **state)
{
    (void)state;
    one_page(G_ALL, HOST_RW);
    world_dma_pasid(&w, 5, GVA | 0x123, "w");
    want_address(&w, "nested", SPA | 0x123, 12, PERM_RWX);
    assert_true(w.result.guest && w.result.nested);
    expect_u64("nested", "PASID", w.result.pasid, 5);
    expect_u64("nested", "DomainID", w.result.domain_id, 7);
}

/* Requests without PASID: host only, or PASID 0 if GIoV */
static void test_without_pasid(void **state)
{
    (void)state;
    one_page(G_ALL, HOST_RW);
    world_dma(&w, GPA | 8, "w");
    want_address(&w, "GIoV=0", SPA | 8, 12, PERM_RW);
    assert_false(w.result.guest || w.result.nested);
    world_edit_dte(&w, 0, 0, 1ULL << 54);
    world_map_guest(&w, world_add_pasid(&w, 0), 0x2000, 1, G_ALL | GPA);
    world_dma(&w, 0x2008, "w");
    want_address(&w, "GIoV=1", SPA | 8, 12, PERM_RWX);
    assert_true(w.result.nested);
}

/* Which pointer is what: the worked table, seen in the trace */
static void check_step(const struct amdvi_step *s, enum amdvi_stage stage,
                       unsigned int level, uint64_t spa)
{
    expect_u64("step", "stage", s->stage, stage);
    expect_u64("step", "level", s->level, level);
    expect_u64("step", "spa", s->spa, spa);
}

static void test_trace(void **state)
{
    size_t at = 1;

    (void)state;
    one_page(G_ALL, HOST_RW);
    w.mem.cmpxchg = NULL;
    world_dma_pasid(&w, 5, GVA, "r");
    /* Four host steps for each of 2 GCR3 and 4 guest entries and the page */
    assert_int_equal(w.trace.count, 1 + (2 + 4) * 5 + 4);
    for (unsigned int n = 2; n > 0; n--, at += 5) {
        expect_u64("GCR3", "host input", w.step[at].input,
                   w.step[at + 4].gpa);
        check_step(&w.step[at + 4], AMDVI_STAGE_GCR3, n, w.gcr3_at[n]);
        expect_u64("GCR3", "gpa", w.step[at + 4].gpa,
                   w.gcr3_at[n] - WORLD_NEST);
    }
    for (unsigned int n = 4; n > 0; n--, at += 5) {
        check_step(&w.step[at + 4], AMDVI_STAGE_GUEST, n, w.guest_at[n]);
        expect_u64("guest", "gpa", w.step[at + 4].gpa, w.guest_gpa[n]);
    }
    for (unsigned int n = 4; n > 0; n--, at++) {
        check_step(&w.step[at], AMDVI_STAGE_HOST, n, w.host_at[n]);
        expect_u64("host", "input", w.step[at].input, GPA);
    }
}

/* The longest walk of all, with every A and D still to be set */
static void test_longest(void **state)
{
    (void)state;
    world_init_nested(&w, 6, 5, 2);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_map_guest(&w, world_add_pasid(&w, 0x10005), GVA, 1, G_ALL | GPA);
    world_map_host(&w, GPA, 1, HOST_RW | SPA | 1);
    world_dma_pasid(&w, 0x10005, GVA, "w");
    want_address(&w, "longest", SPA, 12, PERM_RWX);
    assert_true(w.trace.count <= AMDVI_MAX_STEPS);
    w.mem.cmpxchg = NULL;
    world_run(&w);
    assert_int_equal(w.trace.count, AMDVI_MAX_STEPS);
}

/* GCR3TRPMode: the root is system physical without it */
static void test_gcr3_mode(void **state)
{
    uint64_t gpa_root, spa_root;

    (void)state;
    one_page(G_ALL, HOST_RW);
    gpa_root = WORLD_GCR3_ROOT;
    spa_root = world_spa(&w, gpa_root);
    w.iommu.control &= ~(1ULL << 58);
    world_dma_pasid(&w, 5, GVA, "r");
    want_outcome(&w, "nothing at the SPA", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_TABLE_UNREADABLE);
    /* Put the root entry at the system physical address of the DTE */
    world_put(&w, gpa_root, world_get(&w, spa_root));
    world_put(&w, spa_root, 0);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "SPA root", SPA, 12, PERM_RX);
    expect_u64("SPA root", "gpa of the entry", w.step[1].gpa, gpa_root);
    expect_u64("SPA root", "spa of the entry", w.step[1].spa, gpa_root);
    /* The inner table is guest-physical in both modes */
    expect_u64("inner", "stage", w.step[2].stage, AMDVI_STAGE_HOST);
}

/* Final permission = guest AND host AND DTE; X comes from the guest only */
static void test_permissions(void **state)
{
    static const struct {
        const char *row, *access;
        uint64_t guest, host, dte;
        unsigned int perm;      /* 0: fault */
        enum amdvi_reason reason;
        uint64_t flags;
    } rows[] = {
        { "all", "rw", G_ALL, HOST_RW, HOST_RW, PERM_RWX, 0, 0 },
        { "guest read-only", "r", G_P | G_US, HOST_RW, HOST_RW, PERM_RX, 0, 0 },
        { "host read-only", "r", G_ALL | G_D, HOST_R, HOST_RW, PERM_RX, 0, 0 },
        { "NX", "r", G_ALL | G_D | G_NX, HOST_RW, HOST_RW, PERM_RW, 0, 0 },
        { "DTE read-only", "r", G_ALL | G_D, HOST_RW, HOST_R, PERM_RX, 0, 0 },
        { "guest denies write", "w", G_P | G_US, HOST_RW, HOST_RW, 0,
          AMDVI_REASON_GUEST_PERMISSION,
          EV_GN | EV_US | EV_PR | EV_PE | EV_RW },
        { "host denies write", "w", G_ALL, HOST_R, HOST_RW, 0,
          AMDVI_REASON_HOST_PERMISSION, EV_PR | EV_PE | EV_RW },
        { "host denies read", "r", G_ALL, HOST_W, HOST_RW, 0,
          AMDVI_REASON_HOST_PERMISSION, EV_PR | EV_PE },
        { "DTE denies write", "w", G_ALL, HOST_RW, HOST_R, 0,
          AMDVI_REASON_DTE_PERMISSION,
          EV_GN | EV_US | EV_PR | EV_PE | EV_RW },
        { "U/S", "r", G_P | G_RW, HOST_RW, HOST_RW, 0,
          AMDVI_REASON_GUEST_PERMISSION, EV_GN | EV_US | EV_PR | EV_PE },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool host = rows[i].reason == AMDVI_REASON_HOST_PERMISSION;

        one_page(rows[i].guest, rows[i].host);
        world_edit_dte(&w, 0, HOST_RW, rows[i].dte);
        world_dma_pasid(&w, 5, GVA | 0x123, rows[i].access);
        if (rows[i].perm) {
            want_address(&w, rows[i].row, SPA | 0x123, 12, rows[i].perm);
        } else {
            want_fault(&w, rows[i].row, rows[i].reason, rows[i].flags,
                       (host ? GPA : GVA) | 0x123);
        }
    }
}

/* A refused write sets D nowhere */
static void test_denied_not_dirty(void **state)
{
    (void)state;
    one_page(G_ALL, HOST_R);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    world_dma_pasid(&w, 5, GVA, "w");
    want_outcome(&w, "denied", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_HOST_PERMISSION);
    expect_u64("denied", "guest D", world_get(&w, w.guest_at[1]) & G_D, 0);
    expect_u64("denied", "host D", world_get(&w, w.host_at[1]) & 0x40, 0);
}

/* The page is the smaller of both */
static void test_page_sizes(void **state)
{
    static const struct {
        unsigned int guest, host;   /* levels of the leaves */
        unsigned int shift;
    } rows[] = {
        { 1, 1, 12 }, { 1, 2, 12 }, { 2, 1, 12 }, { 2, 2, 21 },
        { 3, 2, 21 }, { 2, 3, 21 }, { 3, 3, 30 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t ps = rows[i].guest > 1 ? G_PS : 0;
        uint64_t gpa = 0x4000000000, spa = 0x8000000000;
        uint64_t guest_offset = GVA & ((1ULL << (12 + 9 *
                                                 (rows[i].guest - 1))) - 1);
        uint64_t host_offset = guest_offset &
                               ((1ULL << (12 + 9 * (rows[i].host - 1))) - 1);

        world_init_nested(&w, 4, 4, 1);
        world_map_guest(&w, world_add_pasid(&w, 5), GVA, rows[i].guest,
                        G_ALL | ps | gpa);
        world_map_host(&w, gpa | guest_offset, rows[i].host,
                       HOST_RW | spa | 1);
        world_dma_pasid(&w, 5, GVA, "w");
        want_address(&w, "size", spa | host_offset, rows[i].shift, PERM_RWX);
    }
}

/*
 * A fault of the host stage: GN=0, DomainID, the guest-physical address.
 * The table pages' entries are found through the trace.
 */
static void check_host_fault(uint64_t entry, uint64_t gpa)
{
    uint64_t saved = world_get(&w, entry);

    world_put(&w, entry, 0);
    world_dma_pasid(&w, 5, GVA, "r");
    want_fault(&w, "host absent", AMDVI_REASON_HOST_NOT_PRESENT, 0, gpa);
    world_put(&w, entry, saved | 1ULL << 55);
    world_dma_pasid(&w, 5, GVA, "r");
    want_fault(&w, "host reserved", AMDVI_REASON_HOST_RESERVED,
               EV_PR | EV_RZ, gpa);
    world_put(&w, entry, saved & ~HOST_R);
    world_dma_pasid(&w, 5, GVA, "r");
    want_fault(&w, "host denies", AMDVI_REASON_HOST_PERMISSION,
               EV_PR | EV_PE, gpa);
    world_ats(&w, 5, GVA, "r");
    want_outcome(&w, "host denies ATS", AMDVI_OUTCOME_NO_ACCESS,
                 AMDVI_REASON_HOST_PERMISSION);
    world_put(&w, entry, saved);
}

static void test_host_faults(void **state)
{
    struct amdvi_step step[AMDVI_MAX_STEPS];
    size_t count;

    (void)state;
    one_page(G_ALL, HOST_RW);
    w.mem.cmpxchg = NULL;
    world_dma_pasid(&w, 5, GVA, "r");
    want_outcome(&w, "whole", AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    count = w.trace.count;
    memcpy(step, w.step, sizeof(step));
    for (size_t i = 0; i < count; i++) {
        if (step[i].stage == AMDVI_STAGE_HOST && step[i].level == 1) {
            check_host_fault(step[i].spa, step[i].input);
        }
    }
}

/* Every entry of a nested walk in turn: unreadable, or not in the dump */
static void test_unreadable(void **state)
{
    struct amdvi_step step[AMDVI_MAX_STEPS];
    size_t count;

    (void)state;
    one_page(G_ALL, HOST_RW);
    w.mem.cmpxchg = NULL;
    world_dma_pasid(&w, 5, GVA, "r");
    count = w.trace.count;
    memcpy(step, w.step, sizeof(step));
    for (size_t i = 1; i < count; i++) {
        bool gn = step[i].stage != AMDVI_STAGE_HOST;

        w.unknown_at = UINT64_MAX;
        w.abort_at = step[i].spa;
        world_dma_pasid(&w, 5, GVA, "r");
        want_outcome(&w, "abort", AMDVI_OUTCOME_ABORTED,
                     AMDVI_REASON_TABLE_UNREADABLE);
        want_event(&w, "abort", gn ? 0x4201000500000028
                                   : 0x4200000700000028, step[i].spa);
        w.unknown_at = step[i].spa;
        world_dma_pasid(&w, 5, GVA, "r");
        want_outcome(&w, "unknown", AMDVI_OUTCOME_UNKNOWN,
                     AMDVI_REASON_NOT_IN_DUMP);
        want_no_event(&w, "unknown");
    }
}

/*
 * Setting A in a guest table is a host write to its page: the host must
 * permit it, and with HAD=3 that page becomes dirty.
 */
static uint64_t host_entry_of(uint64_t gpa)
{
    world_map_host(&w, gpa, 1, HOST_RW | world_spa(&w, gpa & ~0xfffULL) | 1);
    return w.host_at[1];
}

static void test_table_updates(void **state)
{
    uint64_t entry;

    (void)state;
    one_page(G_ALL, HOST_RW);
    entry = host_entry_of(w.guest_gpa[2]);
    world_xor(&w, entry, HOST_W);
    world_dma_pasid(&w, 5, GVA, "r");
    want_outcome(&w, "table is read-only", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_HOST_PERMISSION);
    expect_u64("table is read-only", "GN", w.result.event[0] >> 48 & 1, 0);
    expect_u64("table is read-only", "q1", w.result.event[1], w.guest_gpa[2]);
    expect_u64("table is read-only", "A",
               world_get(&w, w.guest_at[2]) & G_A, 0);

    world_xor(&w, w.guest_at[2], G_A);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "A is set already", SPA, 12, PERM_RX);
}

static void test_tables_become_dirty(void **state)
{
    uint64_t entry, root;

    (void)state;
    one_page(G_ALL, HOST_RW);
    world_edit_dte(&w, 0, 0, 3ULL << 7);
    entry = host_entry_of(w.guest_gpa[3]);
    root = host_entry_of(WORLD_GCR3_ROOT);
    world_dma_pasid(&w, 5, GVA, "r");
    want_address(&w, "read", SPA, 12, PERM_RX);
    expect_u64("guest table", "A and D", world_get(&w, entry) & 0x60, 0x60);
    expect_u64("GCR3 table", "A and D", world_get(&w, root) & 0x60, 0x20);
    world_map_host(&w, GPA, 1, HOST_RW | SPA | 1);
    world_dma_pasid(&w, 5, GVA, "r");
    expect_u64("page", "A and D", world_get(&w, w.host_at[1]) & 0x60, 0x20);
    world_dma_pasid(&w, 5, GVA, "w");
    want_address(&w, "write", SPA, 12, PERM_RWX);
    expect_u64("page", "A and D", world_get(&w, w.host_at[1]) & 0x60, 0x60);
    expect_u64("leaf", "A and D", world_get(&w, w.guest_at[1]) & 0x60, 0x60);
}

/* W may be remembered only if D is set in both tables */
static void test_lasting_write(void **state)
{
    static const struct {
        uint64_t guest, host;
        unsigned int perm;
    } rows[] = {
        { 0, 0, PERM_RX },
        { G_D, 0, PERM_RX },
        { 0, 0x40, PERM_RX },
        { G_D, 0x40, PERM_RWX },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        one_page(G_ALL | rows[i].guest, HOST_RW | rows[i].host);
        world_edit_dte(&w, 0, 0, 3ULL << 7);
        world_dma_pasid(&w, 5, GVA, "r");
        want_address(&w, "read", SPA, 12, rows[i].perm);
    }
}

static void test_ats(void **state)
{
    (void)state;
    one_page(G_ALL, HOST_RW);
    world_ats(&w, 5, GVA, "rw");
    want_address(&w, "all", SPA, 12, PERM_RW);
    one_page(G_ALL, HOST_R);
    world_ats(&w, 5, GVA, "rw");
    want_address(&w, "host read-only", SPA, 12, PERM_R);
    expect_u64("host read-only", "guest D",
               world_get(&w, w.guest_at[1]) & G_D, 0);
    one_page(G_ALL, HOST_W);
    world_ats(&w, 5, GVA, "rwx");
    want_address(&w, "host write-only", SPA, 12, AMDVI_PERM_W);
    one_page(G_ALL, 0);
    world_ats(&w, 5, GVA, "rw");
    want_outcome(&w, "host denies", AMDVI_OUTCOME_NO_ACCESS,
                 AMDVI_REASON_HOST_PERMISSION);
    expect_u64("host denies", "guest A and D",
               world_get(&w, w.guest_at[1]) & 0x60, 0);
}

/* Host leaf bits reach the result, guest ones too */
static void test_leaf_bits(void **state)
{
    (void)state;
    one_page(G_ALL | G_G, HOST_RW | 3ULL << 59);
    world_dma_pasid(&w, 5, GVA, "r");
    assert_true(w.result.untranslated_only && w.result.force_coherent &&
                w.result.global);
    one_page(G_ALL, HOST_RW);
    world_dma_pasid(&w, 5, GVA, "r");
    assert_false(w.result.untranslated_only || w.result.force_coherent ||
                 w.result.global);
}

/* A change in the middle of a nested walk starts it again */
static void test_restart(void **state)
{
    (void)state;
    one_page(G_ALL, HOST_RW);
    w.change_at = w.guest_at[1];
    w.change_to = G_ALL | 0x9000;
    world_map_host(&w, 0x9000, 1, HOST_RW | 0x7000 | 1);
    world_dma_pasid(&w, 5, GVA | 0x123, "w");
    want_address(&w, "restart", 0x7123, 12, PERM_RWX);
    expect_u64("restart", "leaf", world_get(&w, w.guest_at[1]),
               G_ALL | G_A | G_D | 0x9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_translates),
        cmocka_unit_test(test_without_pasid),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_gcr3_mode),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_denied_not_dirty),
        cmocka_unit_test(test_page_sizes),
        cmocka_unit_test(test_host_faults),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_table_updates),
        cmocka_unit_test(test_tables_become_dirty),
        cmocka_unit_test(test_lasting_write),
        cmocka_unit_test(test_ats),
        cmocka_unit_test(test_leaf_bits),
        cmocka_unit_test(test_restart),
    };

    return cmocka_run_group_tests_name("nested walk", tests, NULL, NULL);
}
