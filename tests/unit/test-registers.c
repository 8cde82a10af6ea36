/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register file: its map, what software may write, worked values.
 * Source: spec/registers.md 2 to 7, 9 and 15.
 */
#include "unit.h"

#include "amdvi.h"

static const struct amdvi_features all_features = { UINT64_MAX, UINT64_MAX };
static const struct amdvi_features no_features = { 0, 0 };

#define RING_BASE 0x0f0ffffffffff000
#define SEGMENT 0x000ffffffffff0ff
#define POINTER 0x7fff0

/*
 * registers.md 2, with the bits of sections 3, 4, 7, 9 and 12: what each
 * register lets software write when everything is implemented.
 */
static const struct row {
    uint32_t offset;
    uint32_t bytes;
    const char *id;
    uint64_t rw, hw, w1c;
    bool always;                /* exists without any feature */
} map[] = {
    { 0x0000, 8, "devtab_base", 0x000ffffffffff1ff, 0, 0, true },
    { 0x0008, 8, "cmd_base", RING_BASE, 0, 0, true },
    { 0x0010, 8, "event_base", RING_BASE, 0, 0, true },
    { 0x0018, 8, "control", 0xfdfdffffffc3ffff, 0, 0, true },
    { 0x0020, 8, "excl_base", 0x000ffffffffff003, 0, 0, true },
    { 0x0028, 8, "excl_limit", 0x000ffffffffff000, 0, 0, true },
    { 0x0030, 8, "efr", 0, 0, 0, true },
    { 0x0038, 8, "ppr_base", RING_BASE, 0, 0, false },
    { 0x0040, 8, "hw_event_upper", UINT64_MAX, 0, 0, false },
    { 0x0048, 8, "hw_event_lower", UINT64_MAX, 0, 0, false },
    { 0x0050, 8, "hw_event_status", 0, 0, 3, false },
    { 0x0060, 8, "smi_filter0", UINT64_MAX, 0, 0, false },
    { 0x00d8, 8, "smi_filter15", UINT64_MAX, 0, 0, false },
    { 0x00e0, 8, "ga_base", RING_BASE, 0, 0, false },
    { 0x00e8, 8, "ga_tail_addr", 0x000ffffffffffff8, 0, 0, false },
    { 0x00f0, 8, "ppr_b_base", RING_BASE, 0, 0, false },
    { 0x00f8, 8, "event_b_base", RING_BASE, 0, 0, false },
    { 0x0100, 8, "devtab_base1", SEGMENT, 0, 0, false },
    { 0x0108, 8, "devtab_base2", SEGMENT, 0, 0, false },
    { 0x0110, 8, "devtab_base3", SEGMENT, 0, 0, false },
    { 0x0118, 8, "devtab_base4", SEGMENT, 0, 0, false },
    { 0x0120, 8, "devtab_base5", SEGMENT, 0, 0, false },
    { 0x0128, 8, "devtab_base6", SEGMENT, 0, 0, false },
    { 0x0130, 8, "devtab_base7", SEGMENT, 0, 0, false },
    { 0x0138, 8, "dev_feature", 0, 0, 0, true },
    { 0x0140, 8, "dev_control", 0xffffff, 0, 0, true },
    { 0x0148, 8, "dev_status", 0xffffff, 0, 0, true },
    { 0x0150, 4, "msi_vector0", 0, 0, 0, true },
    { 0x0154, 4, "msi_vector1", 0, 0, 0, true },
    { 0x0158, 4, "msi_cap", UINT32_MAX, 0, 0, false },
    { 0x015c, 4, "msi_addr_low", UINT32_MAX, 0, 0, false },
    { 0x0160, 4, "msi_addr_high", UINT32_MAX, 0, 0, false },
    { 0x0164, 4, "msi_data", UINT32_MAX, 0, 0, false },
    { 0x0168, 4, "msi_mapping", UINT32_MAX, 0, 0, false },
    { 0x016c, 4, "perf_opt", 0x2000, 0, 0, false },
    { 0x0170, 8, "xt_general", 0xff0001ffffffff04, 0, 0, false },
    { 0x0178, 8, "xt_ppr", 0xff0001ffffffff04, 0, 0, false },
    { 0x0180, 8, "xt_ga", 0xff0001ffffffff04, 0, 0, false },
    { 0x0190, 8, "viommu_status", 0, 0, 0, false },
    { 0x01a0, 8, "efr2", 0, 0, 0, true },
    { 0x0200, 8, "marc_base0", UINT64_MAX, 0, 0, false },
    { 0x0208, 8, "marc_reloc0", UINT64_MAX, 0, 0, false },
    { 0x0210, 8, "marc_len0", UINT64_MAX, 0, 0, false },
    { 0x0258, 8, "marc_len3", UINT64_MAX, 0, 0, false },
    { 0x1ff8, 8, "reserved_1ff8", UINT64_MAX, 0, 0, true },
    { 0x2000, 8, "cmd_head", 0, POINTER, 0, true },
    { 0x2008, 8, "cmd_tail", POINTER, 0, 0, true },
    { 0x2010, 8, "event_head", POINTER, 0, 0, true },
    { 0x2018, 8, "event_tail", 0, POINTER, 0, true },
    { 0x2020, 8, "status", 0, 0, 0x68e67, true },
    { 0x2030, 8, "ppr_head", POINTER, 0, 0, false },
    { 0x2038, 8, "ppr_tail", 0, POINTER, 0, false },
    { 0x2040, 8, "ga_head", 0xfff8, 0, 0, false },
    { 0x2048, 8, "ga_tail", 0, 0xfff8, 0, false },
    { 0x2050, 8, "ppr_b_head", POINTER, 0, 0, false },
    { 0x2058, 8, "ppr_b_tail", 0, POINTER, 0, false },
    { 0x2070, 8, "event_b_head", POINTER, 0, 0, false },
    { 0x2078, 8, "event_b_tail", 0, POINTER, 0, false },
    { 0x2080, 8, "ppr_auto_response", 0x1f, 0, 0, false },
    { 0x2088, 8, "ppr_early_overflow", 0xc0007fff, 0, 0, false },
    { 0x2090, 8, "ppr_b_early_overflow", 0xc0007fff, 0, 0, false },
    { 0x4000, 8, "counter_config", 0, 0, 0, false },
    { 0x4008, 8, "counter_pasid_lock", UINT64_MAX, 0, 0, false },
    { 0x4010, 8, "counter_domain_lock", UINT64_MAX, 0, 0, false },
    { 0x4018, 8, "counter_device_lock", UINT64_MAX, 0, 0, false },
    { 0x40000, 8, "counter_0_0", 0xffffffffffff, 0, 0, false },
    { 0x40008, 8, "counter_0_0_source", 0xc00000ff, 0, 0, false },
    { 0x40010, 8, "counter_0_0_pasid", 0xffff8000ffff, 0, 0, false },
    { 0x40018, 8, "counter_0_0_domain", 0xffff8000ffff, 0, 0, false },
    { 0x40020, 8, "counter_0_0_device", 0xffff8000ffff, 0, 0, false },
    { 0x40028, 8, "counter_0_0_report", UINT64_MAX, 0, 0, false },
    { 0x40100, 8, "counter_0_1", 0xffffffffffff, 0, 0, false },
    { 0x41000, 8, "counter_1_0", 0xffffffffffff, 0, 0, false },
    { 0x41328, 8, "counter_1_3_report", UINT64_MAX, 0, 0, false },
};

static uint64_t writable(const struct amdvi_layout *l,
                         const struct amdvi_features *features)
{
    return amdvi_register_mask(l, features, AMDVI_ACCESS_RW) |
           amdvi_register_mask(l, features, AMDVI_ACCESS_HW) |
           amdvi_register_mask(l, features, AMDVI_ACCESS_W1C);
}

static void test_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
        const struct row *r = &map[i];
        const struct amdvi_layout *l = amdvi_register_at(r->offset);

        expect_true(r->id, "there is a register", l != NULL);
        expect_str("register", l->id, r->id);
        expect_u64(r->id, "offset", l->offset, r->offset);
        expect_u64(r->id, "bits", l->bits, r->bytes * 8);
    }
}

static void test_masks(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
        const struct row *r = &map[i];
        const struct amdvi_layout *l = amdvi_register_at(r->offset);

        expect_u64(r->id, "RW bits",
                   amdvi_register_mask(l, &all_features, AMDVI_ACCESS_RW),
                   r->rw);
        expect_u64(r->id, "HW bits",
                   amdvi_register_mask(l, &all_features, AMDVI_ACCESS_HW),
                   r->hw);
        expect_u64(r->id, "W1C bits",
                   amdvi_register_mask(l, &all_features, AMDVI_ACCESS_W1C),
                   r->w1c);
        if (!r->always) {
            expect_u64(r->id, "writable without its feature",
                       writable(l, &no_features), 0);
        }
    }
}

/* registers.md 0: a control bit is reserved while its Sup bit is 0 */
static void test_control_by_feature(void **state)
{
    static const struct {
        const char *feature;
        uint64_t efr, efr2, bits;
    } rows[] = {
        { "none", 0, 0, 0x0800000000801fff },
        { "PPRSup", 1ULL << 1, 0, 7ULL << 13 },
        { "XTSup", 1ULL << 2, 0, 3ULL << 50 },
        { "GTSup", 1ULL << 4, 0, 1ULL << 16 },
        { "GAPPISup", 1ULL << 5, 0, 1ULL << 55 },
        { "GASup", 1ULL << 7, 0, 1ULL << 17 },
        { "SmiFSup", 1ULL << 16, 0, 5ULL << 22 },
        { "GAMSup", 1ULL << 21, 0, 0x3e000000 },
        { "DualPprLogSup", 1ULL << 24, 0, 3ULL << 30 },
        { "DualEventLogSup", 1ULL << 28, 0, 3ULL << 32 },
        { "DevTblSegSup", 1ULL << 38, 0, 7ULL << 34 },
        { "PPRAutoRspSup", 1ULL << 41, 0, 9ULL << 39 },
        { "MarcSup", 1ULL << 42, 0, 1ULL << 40 },
        { "BlkStopMrkSup", 1ULL << 44, 0, 1ULL << 41 },
        { "EPHSup", 1ULL << 50, 0, 1ULL << 45 },
        { "V2HDDisSup", 1ULL << 53, 0, 1ULL << 48 },
        { "GAUpdateDisSup", 1ULL << 61, 0, 1ULL << 54 },
        { "TMPMSup", 0, 1ULL << 2, 1ULL << 56 },
        { "GCR3TRPModeSup", 0, 1ULL << 3, 1ULL << 58 },
        { "NumIntRemapSup", 0, 1ULL << 8, 3ULL << 43 },
    };
    const struct amdvi_layout *control = amdvi_register_at(0x18);
    uint64_t plain = amdvi_register_mask(control, &no_features,
                                         AMDVI_ACCESS_RW);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct amdvi_features f = { rows[i].efr, rows[i].efr2 };
        uint64_t mask = amdvi_register_mask(control, &f, AMDVI_ACCESS_RW);

        expect_u64(rows[i].feature, "control bits it brings",
                   i ? mask & ~plain : mask, rows[i].bits);
    }
}

/* registers.md 7: the three masks of the status register */
static void test_status_masks(void **state)
{
    const struct amdvi_layout *status = amdvi_register_at(0x2020);
    uint64_t reserved[AMDVI_MAX_WORDS];

    (void)state;
    amdvi_reserved_mask(status, &all_features, reserved);
    expect_u64("status", "defined bits", ~reserved[0], 0x79fff);
    expect_u64("status", "RW1C bits",
               amdvi_register_mask(status, &all_features, AMDVI_ACCESS_W1C),
               0x68e67);
    expect_u64("status", "RO bits",
               amdvi_register_mask(status, &all_features, AMDVI_ACCESS_RO),
               0x11198);
}

/* The table is in address order and no two registers meet */
static void test_order(void **state)
{
    uint32_t end = 0;

    (void)state;
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        expect_u64(l->id, "family", l->family, AMDVI_FAMILY_REGISTER);
        expect_true(l->id, "comes after the register before",
                    l->offset >= end);
        expect_true(l->id, "is 4 or 8 bytes",
                    l->bits == 32 || l->bits == 64);
        expect_u64(l->id, "misalignment", l->offset % (l->bits / 8), 0);
        end = l->offset + l->bits / 8;
    }
    for (int i = AMDVI_NUM_REGISTERS; i < AMDVI_NUM_LAYOUTS; i++) {
        assert_true(amdvi_layouts[i].family != AMDVI_FAMILY_REGISTER);
    }
}

/* Each byte of the window belongs to its register or to none */
static void test_register_at(void **state)
{
    int next = 0;

    (void)state;
    for (uint32_t byte = 0; byte < 0x5000; byte++) {
        const struct amdvi_layout *expected = NULL;

        while (next < AMDVI_NUM_REGISTERS &&
               byte >= amdvi_layouts[next].offset +
                       amdvi_layouts[next].bits / 8u) {
            next++;
        }
        if (next < AMDVI_NUM_REGISTERS &&
            byte >= amdvi_layouts[next].offset) {
            expected = &amdvi_layouts[next];
        }
        assert_ptr_equal(amdvi_register_at(byte), expected);
    }
    assert_null(amdvi_register_at(0x80000));
    assert_null(amdvi_register_at(UINT32_MAX));
}

/* registers.md 2: undefined offsets */
static void test_holes(void **state)
{
    static const uint32_t holes[] = {
        0x58, 0x5f, 0x188, 0x198, 0x1a8, 0x1f8, 0x260, 0x1ff0, 0x2028,
        0x2060, 0x2068, 0x2098, 0x3ff8,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(holes); i++) {
        assert_null(amdvi_register_at(holes[i]));
    }
}

/* registers.md 13 */
static void test_reset(void **state)
{
    (void)state;
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];
        const struct amdvi_field *len = amdvi_field_by_id(l, "len");
        uint64_t expected = 0;

        if (l->offset == 0x18) {
            expected = 0x400;
        } else if (len) {
            expected = 8ULL << 56;
        }
        expect_u64(l->id, "reset value", l->reset, expected);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(AMDVI_MMIO_control, 0x18);
    assert_int_equal(AMDVI_MMIO_devtab_base7, 0x130);
    assert_int_equal(AMDVI_MMIO_ppr_auto_response, 0x2080);
    assert_int_equal(AMDVI_MMIO_event_b_head, 0x2070);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_control_by_feature),
        cmocka_unit_test(test_status_masks),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_register_at),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("registers", tests, NULL, NULL);
}
