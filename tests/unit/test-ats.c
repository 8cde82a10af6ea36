/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ATS translation requests: the rows of spec/translation.md 4.1.
 */
#include "world.h"

static struct world w;

#define VA UINT64_C(0x00007f0000001000)
#define PAGE UINT64_C(0x89abc000)

/* PASID 5 maps VA; the DTE also has a 4-level host table in host tests */
static void guest_page(uint64_t leaf)
{
    world_init_guest(&w, 4, 1);
    world_map_guest(&w, world_add_pasid(&w, 5), VA, 1, leaf);
}

static void host_page(uint64_t leaf)
{
    world_init_host(&w, 4);
    world_edit_dte(&w, 1, 0, 1ULL << 32);
    world_map_host(&w, VA, 1, leaf);
}

static void want_nothing(const char *row, enum amdvi_reason reason)
{
    want_outcome(&w, row, AMDVI_OUTCOME_NO_ACCESS, reason);
    want_no_event(&w, row);
    expect_u64(row, "permission", w.result.perm, 0);
}

/* What is returned of what was asked; bits of the leaf afterwards */
static const struct row {
    const char *row, *access;
    uint64_t leaf;
    unsigned int perm;          /* 0: success with R=W=0 */
    uint64_t after;             /* A and D */
} guest_rows[] = {
    { "all", "rw", G_ALL, PERM_RW, G_A | G_D },
    { "no write", "r", G_ALL, PERM_R, G_A },
    { "no write, dirty", "r", G_ALL | G_D, PERM_R, G_A | G_D },
    { "exec", "rwx", G_ALL, PERM_RWX, G_A | G_D },
    { "exec, no write", "rx", G_ALL, PERM_RX, G_A },
    { "exec, NX", "rx", G_ALL | G_NX, PERM_R, G_A },
    { "read-only page", "rw", G_P | G_US, PERM_R, G_A },
    { "read-only page, privileged", "rwp", G_P | G_US, PERM_R, G_A },
    { "supervisor page", "rw", G_P | G_RW, 0, 0 },
    { "supervisor page, privileged", "rwp", G_P | G_RW, PERM_RW, G_A | G_D },
    { "user page, privileged", "rwp", G_ALL, PERM_RW, G_A | G_D },
};

static void test_guest_rights(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(guest_rows); i++) {
        const struct row *r = &guest_rows[i];

        guest_page(r->leaf | PAGE);
        world_ats(&w, 5, VA, r->access);
        if (r->perm) {
            want_address(&w, r->row, PAGE, 12, r->perm);
            expect_u64(r->row, "privileged", w.result.priv,
                       strchr(r->access, 'p') != NULL);
        } else {
            want_nothing(r->row, AMDVI_REASON_GUEST_PERMISSION);
        }
        expect_u64(r->row, "A and D", world_get(&w, w.guest_at[1]) & 0x60,
                   r->after);
    }
}

static void test_host_rights(void **state)
{
    static const struct {
        const char *row, *access;
        uint64_t had, leaf;
        unsigned int perm;
        uint64_t after;
    } rows[] = {
        { "all", "rw", 0, HOST_RW, PERM_RW, 0 },
        { "no write", "r", 0, HOST_RW, PERM_R, 0 },
        { "read-only", "rw", 0, HOST_R, PERM_R, 0 },
        { "write-only", "rw", 0, HOST_W, AMDVI_PERM_W, 0 },
        { "write-only, no write", "r", 0, HOST_W, 0, 0 },
        { "neither", "rw", 0, 0, 0, 0 },
        { "dirty", "rw", 3, HOST_RW, PERM_RW, 0x60 },
        { "dirty, no write", "r", 3, HOST_RW, PERM_R, 0x20 },
        { "dirty, read-only", "rw", 3, HOST_R, PERM_R, 0x20 },
        { "accessed", "rw", 1, HOST_RW, PERM_RW, 0x20 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        host_page(rows[i].leaf | PAGE | 1);
        world_edit_dte(&w, 0, 0, rows[i].had << 7);
        world_ats(&w, AMDVI_NO_PASID, VA, rows[i].access);
        if (rows[i].perm) {
            want_address(&w, rows[i].row, PAGE, 12, rows[i].perm);
        } else {
            want_nothing(rows[i].row, AMDVI_REASON_HOST_PERMISSION);
        }
        expect_u64(rows[i].row, "A and D",
                   world_get(&w, w.host_at[1]) & 0x60, rows[i].after);
    }
}

/* Not present, DTE denies, PASID or GCR3 invalid: success with R=W=0 */
static void test_nothing_there(void **state)
{
    (void)state;
    guest_page(0);
    world_ats(&w, 5, VA, "rw");
    want_nothing("guest absent", AMDVI_REASON_GUEST_NOT_PRESENT);
    world_ats(&w, 6, VA, "rw");
    want_nothing("GCR3 invalid", AMDVI_REASON_GCR3_INVALID);
    world_ats(&w, 5, VA | 1ULL << 50, "rw");
    want_nothing("not canonical", AMDVI_REASON_NOT_CANONICAL);
    host_page(0);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_nothing("host absent", AMDVI_REASON_HOST_NOT_PRESENT);
    world_ats(&w, AMDVI_NO_PASID, VA | 1ULL << 50, "rw");
    want_nothing("beyond the table", AMDVI_REASON_ADDRESS_RANGE);
}

static void test_dte_denies(void **state)
{
    (void)state;
    guest_page(G_ALL | PAGE);
    world_edit_dte(&w, 0, HOST_RW, 0);
    world_ats(&w, 5, VA, "rw");
    want_nothing("IR=IW=0", AMDVI_REASON_DTE_PERMISSION);
    expect_u64("IR=IW=0", "A", world_get(&w, w.guest_at[1]) & 0x60, 0);
    world_edit_dte(&w, 0, 0, HOST_R);
    world_ats(&w, 5, VA, "rwx");
    want_address(&w, "IW=0", PAGE, 12, PERM_RX);
    expect_u64("IW=0", "A and D", world_get(&w, w.guest_at[1]) & 0x60, G_A);
    world_edit_dte(&w, 0, HOST_R, HOST_W);
    world_ats(&w, 5, VA, "rwx");
    want_address(&w, "IR=0", PAGE, 12, AMDVI_PERM_W);
    world_ats(&w, 5, VA, "r");
    want_nothing("IR=0, no write", AMDVI_REASON_DTE_PERMISSION);
}

/* MODEL: reserved bits and bad levels are no permission and no event */
static void test_malformed(void **state)
{
    (void)state;
    guest_page(G_ALL | PAGE);
    world_xor(&w, w.guest_at[4], G_PS);
    world_ats(&w, 5, VA, "rw");
    want_nothing("guest reserved", AMDVI_REASON_GUEST_RESERVED);
    host_page(HOST_RW | PAGE | 1ULL << 55 | 1);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_nothing("host reserved", AMDVI_REASON_HOST_RESERVED);
    host_page(HOST_RW | PAGE | 3 << 9 | 1);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_nothing("host level", AMDVI_REASON_HOST_LEVEL);
}

/* If D may not be set, W is not returned; a dirty page may be written */
static void test_no_dirty_no_write(void **state)
{
    (void)state;
    guest_page(G_ALL | PAGE);
    w.iommu.control |= 1ULL << 48;      /* GDUpdateDis */
    world_ats(&w, 5, VA, "rw");
    want_address(&w, "D=0", PAGE, 12, PERM_R);
    world_xor(&w, w.guest_at[1], G_D);
    world_ats(&w, 5, VA, "rw");
    want_address(&w, "D=1", PAGE, 12, PERM_RW);
}

/* A large page is returned whole, and U and FC of a host leaf with it */
static void test_sizes(void **state)
{
    (void)state;
    world_init_guest(&w, 4, 1);
    world_map_guest(&w, world_add_pasid(&w, 5), VA, 2,
                    G_ALL | G_PS | G_G | 0x40000000);
    world_ats(&w, 5, VA, "rw");
    want_address(&w, "2 MiB", 0x40001000, 21, PERM_RW);
    assert_true(w.result.global);
    host_page(HOST_RW | 0x87000 | 7 << 9 | 1ULL << 59 | 1);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_address(&w, "64 KiB", 0x81000, 16, PERM_RW);
    assert_true(w.result.untranslated_only);
}

static void test_identity(void **state)
{
    const uint64_t dte[4] = { 0x6000000000000003, 1ULL << 32 | 1, 0, 0 };

    (void)state;
    world_init(&w);
    world_set_dte(&w, dte);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_outcome(&w, "identity", AMDVI_OUTCOME_TRANSLATED,
                 AMDVI_REASON_NONE);
    expect_u64("identity", "address", w.result.addr, VA);
    expect_u64("identity", "permission", w.result.perm, PERM_RW);
    world_ats(&w, AMDVI_NO_PASID, VA, "r");
    expect_u64("identity", "no write", w.result.perm, PERM_R);
}

/* GIoV: a request without PASID is answered from PASID 0 */
static void test_giov(void **state)
{
    (void)state;
    world_init_guest(&w, 4, 1);
    world_edit_dte(&w, 0, 0, 1ULL << 54);
    world_map_guest(&w, world_add_pasid(&w, 0), VA, 1, G_ALL | PAGE);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_address(&w, "GIoV", PAGE, 12, PERM_RW);
    assert_true(w.result.guest && w.result.pasid == 0);
}

/* The worked event of a device that may not use ATS, and one with PASID */
static void test_not_allowed(void **state)
{
    (void)state;
    guest_page(G_ALL | PAGE);
    world_edit_dte(&w, 1, 1ULL << 32, 0);
    world_ats(&w, AMDVI_NO_PASID, VA, "rw");
    want_outcome(&w, "I=0", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_ATS_NOT_ALLOWED);
    want_event(&w, "worked", 0x8100000000000028, VA);
    world_ats(&w, 5, VA, "rw");
    want_outcome(&w, "I=0, PASID", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_ATS_NOT_ALLOWED);
    want_event(&w, "I=0, PASID", 0x8105000500000028, VA);
    world_request(&w, AMDVI_REQUEST_TRANSLATED, AMDVI_NO_PASID, VA, "w");
    world_run(&w);
    want_event(&w, "worked, translated", 0x8200000000000028, VA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guest_rights),
        cmocka_unit_test(test_host_rights),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_dte_denies),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_no_dirty_no_write),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_giov),
        cmocka_unit_test(test_not_allowed),
    };

    return cmocka_run_group_tests_name("ATS", tests, NULL, NULL);
}
