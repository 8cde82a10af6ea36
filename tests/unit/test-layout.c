/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layouts: their form, the accessors generated from them, the checks and
 * texts derived from them.  The worked words are in test-worked.c.
 */
#include "unit.h"

#include <ctype.h>

#include "amdvi.h"

static const struct amdvi_features all_features = { UINT64_MAX, UINT64_MAX };
static const struct amdvi_features no_features = { 0, 0 };

/* The layout with this C name; fails if there is none */
static const struct amdvi_layout *layout(const char *id)
{
    const struct amdvi_layout *l = amdvi_layout_by_id(id);

    expect_true(id, "there is such a layout", l != NULL);
    return l;
}

static const struct amdvi_field *field(const struct amdvi_layout *l,
                                       const char *id)
{
    const struct amdvi_field *f = amdvi_field_by_id(l, id);

    expect_true(id, "there is such a field", f != NULL);
    return f;
}

/* Every bit of a structure belongs to exactly one field, RSVD or IGN */
static void check_coverage(const struct amdvi_layout *l)
{
    uint8_t covered[64 * AMDVI_MAX_WORDS] = { 0 };

    expect_true(l->id, "fits into the words",
                l->bits > 0 && l->bits <= sizeof(covered));
    for (int i = 0; i < l->nfields; i++) {
        for (int p = 0; p < AMDVI_MAX_PARTS; p++) {
            const struct amdvi_part *part = &l->field[i].part[p];

            expect_true(l->id, "part ends inside the structure",
                        part->lsb + part->width <= l->bits);
            for (int b = 0; b < part->width; b++) {
                covered[part->lsb + b]++;
            }
        }
    }
    for (int b = 0; b < l->bits; b++) {
        if (covered[b] != 1) {
            fail_msg("%s: bit %d is covered %d times", l->id, b, covered[b]);
        }
    }
}

static void test_coverage(void **state)
{
    (void)state;
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        check_coverage(&amdvi_layouts[i]);
    }
}

/* Parts stay in one word and do not meet in the value */
static void check_parts(const char *name, const struct amdvi_field *f)
{
    uint64_t seen = 0;

    expect_true(name, "a named field has bits",
                !amdvi_field_named(f) || f->part[0].width > 0);
    for (int p = 0; p < AMDVI_MAX_PARTS && f->part[p].width; p++) {
        const struct amdvi_part *part = &f->part[p];
        uint64_t bits = amdvi_ones(part->width) << part->shift;

        expect_true(name, "part is in one word",
                    part->lsb % 64 + part->width <= 64);
        expect_true(name, "part fits into the value",
                    part->shift + part->width <= 64);
        expect_true(name, "parts do not overlap", !(seen & bits));
        seen |= bits;
    }
}

static void test_parts(void **state)
{
    (void)state;
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        for (int j = 0; j < l->nfields; j++) {
            check_parts(l->id, &l->field[j]);
        }
    }
}

/* Named fields say what they are; the others are RSVD or IGN */
static void check_field(const struct amdvi_layout *l,
                        const struct amdvi_field *f)
{
    bool anonymous = f->kind == AMDVI_KIND_RSVD || f->kind == AMDVI_KIND_IGN;

    expect_true(l->id, "only RSVD and IGN have no name",
                amdvi_field_named(f) == !anonymous);
    if (anonymous) {
        return;
    }
    expect_true(f->id, "has a name", f->name && f->name[0]);
    expect_true(f->id, "has a meaning", f->meaning && f->meaning[0]);
    expect_true(f->id, "enumerations have words, others do not",
                (f->kind == AMDVI_KIND_ENUM) == (f->values[0].word != NULL));
    expect_true(f->id, "a flag is one bit",
                f->kind != AMDVI_KIND_FLAG || f->part[0].width == 1);
    expect_true(f->id, "register fields have an access",
                (l->family == AMDVI_FAMILY_REGISTER) ==
                (f->access != AMDVI_ACCESS_NONE));
}

static void test_fields(void **state)
{
    (void)state;
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        expect_true(l->id, "has a name", l->name && l->name[0]);
        expect_true(l->id, "has a title", l->title && l->title[0]);
        for (int j = 0; j < l->nfields; j++) {
            check_field(l, &l->field[j]);
        }
    }
}

/* C names are C names, and short enough for amdvi_key() */
static void check_id(const char *id)
{
    expect_true(id, "is short enough", strlen(id) < AMDVI_FIELD_TEXT);
    for (const char *c = id; *c; c++) {
        expect_true(id, "has lower case, digits and _ only",
                    islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
                    *c == '_');
    }
}

static void test_ids_unique(void **state)
{
    (void)state;
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        check_id(l->id);
        expect_true(l->id, "is found by its C name",
                    amdvi_layout_by_id(l->id) == l);
        for (int j = 0; j < l->nfields; j++) {
            const struct amdvi_field *f = &l->field[j];

            if (amdvi_field_named(f)) {
                check_id(f->id);
                expect_true(f->id, "is found by its C name",
                            amdvi_field_by_id(l, f->id) == f);
            }
        }
    }
}

static void test_keys(void **state)
{
    char key[AMDVI_FIELD_TEXT];

    (void)state;
    expect_str("key", amdvi_key("gcr3_trp_mode", key), "gcr3-trp-mode");
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        expect_true(l->id, "is found by its key",
                    amdvi_layout_by_id(amdvi_key(l->id, key)) == l);
    }
    assert_ptr_equal(amdvi_field_by_id(layout("dte"), "gcr3-trp"),
                     amdvi_field_by_id(layout("dte"), "gcr3_trp"));
    assert_null(amdvi_layout_by_id("no-such-layout"));
    assert_null(amdvi_layout_by_id(""));
    assert_null(amdvi_field_by_id(layout("dte"), "gcr3"));
    assert_null(amdvi_field_by_id(layout("dte"), ""));
}

/* Every accessor that layout.h generates, with what it is generated from */
static const struct accessor {
    enum amdvi_layout_id layout;
    const char *field;
    uint64_t (*get)(const uint64_t *words);
    void (*set)(uint64_t *words, uint64_t value);
} accessors[] = {
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_IGN(s, lsb, width)
#define AMDVI_END(s)
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)
#define AMDVI_STRUCT(s, family, bits, match, needs, name, title)
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts) \
    { AMDVI_LAYOUT_##s, #id, amdvi_##s##_##id, amdvi_##s##_set_##id },
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts) \
    { AMDVI_LAYOUT_##s, #id, amdvi_##s##_##id, amdvi_##s##_set_##id },
#include "layouts/registers.def"
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_RSVD
#undef AMDVI_IGN
#undef AMDVI_END
#undef AMDVI_REG
#undef AMDVI_STRUCT
#undef AMDVI_FIELD
#undef AMDVI_REGF
};

static void random_words(uint64_t words[AMDVI_MAX_WORDS], uint64_t *seed)
{
    for (int i = 0; i < AMDVI_MAX_WORDS; i++) {
        words[i] = next_random(seed);
    }
}

/* The generated and the described form of one field agree on random words */
static void check_accessor(const struct accessor *a, uint64_t *seed)
{
    const struct amdvi_field *f = field(&amdvi_layouts[a->layout], a->field);
    uint64_t words[AMDVI_MAX_WORDS], other[AMDVI_MAX_WORDS];
    uint64_t expected[AMDVI_MAX_WORDS], value;

    random_words(words, seed);
    random_words(other, seed);
    value = amdvi_field_get(f, words);
    expect_u64(a->field, "generated getter", a->get(words), value);

    memcpy(expected, other, sizeof(expected));
    expect_true(a->field, "value fits", amdvi_field_set(f, expected, value));
    expect_u64(a->field, "value after set", amdvi_field_get(f, expected),
               value);
    a->set(other, value);
    expect_true(a->field, "generated setter gives the same words",
                memcmp(other, expected, sizeof(other)) == 0);
    a->set(other, a->get(expected));
    expect_true(a->field, "setting what is there changes nothing",
                memcmp(other, expected, sizeof(other)) == 0);
}

static void test_accessors(void **state)
{
    uint64_t seed = 0x5eed;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accessors); i++) {
        for (int round = 0; round < 20; round++) {
            check_accessor(&accessors[i], &seed);
        }
    }
}

/* Setters leave every other bit alone */
static void test_setters_are_local(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accessors); i++) {
        const struct accessor *a = &accessors[i];
        uint64_t zeros[AMDVI_MAX_WORDS] = { 0 };
        uint64_t ones[AMDVI_MAX_WORDS];

        memset(ones, 0xff, sizeof(ones));
        a->set(zeros, UINT64_MAX);
        a->set(ones, 0);
        for (int w = 0; w < AMDVI_MAX_WORDS; w++) {
            expect_u64(a->field, "bits set and cleared", zeros[w], ~ones[w]);
        }
    }
}

/* A value that does not fit is refused and nothing is written */
static void test_set_refuses(void **state)
{
    static const struct {
        const char *layout, *field;
        uint64_t good, bad;
    } rows[] = {
        { "dte", "mode", 7, 8 },
        { "dte", "host_pt_root", 0xffffffffff000, 0x10000000000000 },
        { "dte", "gcr3_trp", 0xffffffffff000, 0x800 },
        { "dte", "domain_id", 0xffff, 0x10000 },
        { "invalidate_iotlb_pages", "pasid", 0xfffff, 0x100000 },
        { "completion_wait", "store_addr", 0xffffffffffff8, 0xffffffffffffc },
        { "completion_wait", "store_data", UINT64_MAX, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct amdvi_field *f = field(layout(rows[i].layout),
                                            rows[i].field);
        uint64_t words[AMDVI_MAX_WORDS] = { 0 };
        uint64_t before[AMDVI_MAX_WORDS];

        expect_true(f->id, "good fits",
                    amdvi_field_set(f, words, rows[i].good));
        expect_u64(f->id, "stored", amdvi_field_get(f, words), rows[i].good);
        memcpy(before, words, sizeof(before));
        if (rows[i].bad) {
            expect_true(f->id, "bad is refused",
                        !amdvi_field_set(f, words, rows[i].bad));
        }
        expect_true(f->id, "refusal writes nothing",
                    memcmp(before, words, sizeof(words)) == 0);
    }
}

static void test_load_store(void **state)
{
    const uint8_t bytes[17] = { 0, 1, 2, 3, 4, 5, 6, 7, 8,
                                9, 10, 11, 12, 13, 14, 15, 16 };
    uint64_t words[2];
    uint8_t out[8];

    (void)state;
    assert_true(amdvi_load64(bytes + 1) == UINT64_C(0x0807060504030201));
    amdvi_load_words(words, bytes + 1, 2);
    assert_true(words[1] == UINT64_C(0x100f0e0d0c0b0a09));
    amdvi_store64(out, words[0]);
    assert_memory_equal(out, bytes + 1, 8);
}

/* structures.md 1 and 3 to 5: bits that must be zero whatever the features */
static void test_reserved_masks(void **state)
{
    static const struct {
        const char *layout;
        uint64_t mask[AMDVI_MAX_WORDS];
    } rows[] = {
        { "dte", { 0x800000000000007c, 0, 0x0030000000000000,
                   0x001f000000007fff } },
        { "gcr3e", { 0 } },
        { "hpte", { 0x07f0000000000000 } },
        { "hpte_sized", { 0x07f0000000000000 } },
        { "hpde", { 0x1ff0000000000000 } },
        { "hpte_absent", { 0 } },
        { "gpde", { 0 } },
        { "gpte", { 0 } },
        { "gpte_2m", { 0x1fe000 } },
        { "gpte_1g", { 0x3fffe000 } },
        { "ppr_entry", { 0x0e19c00000000000, 0xfff } },
        { "irte32", { 0xff000000 } },
        { "irte128", { 0xffffffff00000000, 0x00ffffffffffff00 } },
        { "cap_header", { 0xe0000000 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t mask[AMDVI_MAX_WORDS];

        amdvi_reserved_mask(layout(rows[i].layout), NULL, mask);
        for (int w = 0; w < AMDVI_MAX_WORDS; w++) {
            expect_u64(rows[i].layout, "reserved mask", mask[w],
                       rows[i].mask[w]);
        }
    }
}

/* A field whose feature bit is missing is reserved: structures.md 1 and 5 */
static void test_reserved_by_feature(void **state)
{
    static const struct {
        const char *layout, *what;
        uint64_t efr;           /* feature bits in question */
        uint64_t mask[AMDVI_MAX_WORDS];
    } rows[] = {
        { "dte", "EPHSup", 1ULL << 50, { 3ULL << 52 } },
        { "dte", "GIoSup", 1ULL << 48, { 1ULL << 54 } },
        { "dte", "HASup", 1ULL << 49, { 3ULL << 7 } },
        { "dte", "GTSup", 1ULL << 4,
          { 0x1f80000000000000, 0xfffff800ffff0000 } },
        { "invalidate_iotlb_pages", "InvIotlbTypeSup", 1ULL << 54,
          { 0, 0x30 } },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct amdvi_layout *l = layout(rows[i].layout);
        struct amdvi_features without = { ~rows[i].efr, UINT64_MAX };
        uint64_t all[AMDVI_MAX_WORDS], mask[AMDVI_MAX_WORDS];

        amdvi_reserved_mask(l, &all_features, all);
        amdvi_reserved_mask(l, &without, mask);
        for (int w = 0; w < AMDVI_MAX_WORDS; w++) {
            expect_u64(rows[i].what, "newly reserved", mask[w] & ~all[w],
                       rows[i].mask[w]);
        }
    }
}

/* Each reserved bit of a DTE alone is found, each other bit is not */
static void test_reserved_bits_dte(void **state)
{
    const uint64_t reserved[4] = { 0x800000000000007c, 0, 0x0030000000000000,
                                   0x001f000000007fff };

    (void)state;
    for (int bit = 0; bit < 256; bit++) {
        uint64_t words[4] = { 0 }, bad[AMDVI_MAX_WORDS];
        bool expected;

        words[bit / 64] = 1ULL << (bit % 64);
        expected = words[bit / 64] & reserved[bit / 64];
        assert_int_equal(amdvi_reserved_bits(layout("dte"), &all_features,
                                             words, bad), expected);
        assert_true(bad[bit / 64] == (expected ? words[bit / 64] : 0));
    }
}

static void test_reserved_encodings(void **state)
{
    static const struct {
        uint64_t words[4];
        const char *field;      /* NULL: no reserved encoding */
    } rows[] = {
        { { 0x6000000000000c03 }, NULL },
        { { 0x6000000000000e03 }, "mode" },
        { { 0x6000000000000103 }, "had" },
        { { 0x6000000000000183 }, NULL },
        { { 0x6300000000000003 }, "glx" },
        { { 0x6200000000000003 }, NULL },
        { { 3, 3ULL << 35 }, "io_ctl" },
        { { 3, 3ULL << 40 }, NULL },
        { { 3, 0, 2ULL << 54 }, "guest_paging_mode" },
        { { 3, 0, 3ULL << 54 }, "guest_paging_mode" },
        { { 3, 0, 1ULL << 54 }, NULL },
        { { 3, 0, 3ULL << 60 }, "int_ctl" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct amdvi_field *f =
            amdvi_reserved_encoding(layout("dte"), rows[i].words);
        char row[32];

        snprintf(row, sizeof(row), "row %zu", i);
        if (rows[i].field) {
            expect_true(row, "a reserved encoding is found", f != NULL);
            expect_str(row, f->id, rows[i].field);
        } else {
            expect_true(row, "no reserved encoding", f == NULL);
        }
    }
}

static void test_format(void **state)
{
    static const struct {
        const char *layout, *field;
        uint64_t value;
        const char *text;
    } rows[] = {
        { "dte", "v", 1, "1" },
        { "dte", "v", 0, "0" },
        { "dte", "domain_id", 42, "42" },
        { "dte", "snoop_attribute", 0x1f, "0x1f" },
        { "dte", "snoop_attribute", 0, "0x0" },
        { "dte", "host_pt_root", 0x1abcd000, "0x1abcd000" },
        { "dte", "had", 3, "accessed-dirty" },
        { "dte", "had", 2, "reserved(2)" },
        { "dte", "mode", 7, "reserved(7)" },
        { "dte", "int_ctl", 2, "remap" },
        { "dte", "gdevice_id", 0x28, "00:05.0" },
        { "ppr_entry", "device_id", 0xfffa, "ff:1f.2" },
        { "completion_wait", "store_data", UINT64_MAX, "0xffffffffffffffff" },
        { "completion_wait", "opcode", 1, "COMPLETION_WAIT" },
        { "complete_ppr_request", "response", 2, "reserved(2)" },
        { "complete_ppr_request", "response", 15, "failure" },
        { "control", "inv_time_out", 4, "1s" },
        { "control", "inv_time_out", 7, "reserved(7)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct amdvi_field *f = field(layout(rows[i].layout),
                                            rows[i].field);
        char buf[AMDVI_FIELD_TEXT];

        expect_str(f->id, amdvi_field_format(f, rows[i].value, buf),
                   rows[i].text);
    }
}

/* No field of no structure can overrun the buffer: hostile words */
static void test_format_extremes(void **state)
{
    uint64_t ones[AMDVI_MAX_WORDS];
    char buf[AMDVI_FIELD_TEXT];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        for (int j = 0; j < l->nfields; j++) {
            const struct amdvi_field *f = &l->field[j];

            amdvi_field_format(f, UINT64_MAX, buf);
            assert_true(memchr(buf, 0, sizeof(buf)) != NULL);
            amdvi_field_format(f, amdvi_field_get(f, ones), buf);
            assert_true(strlen(buf) > 0);
        }
    }
}

static void test_words(void **state)
{
    const struct amdvi_field *had = field(layout("dte"), "had");

    (void)state;
    expect_str("had", amdvi_field_word(had, 1), "accessed");
    assert_null(amdvi_field_word(had, 2));
    assert_null(amdvi_field_word(had, 0x10001));
    assert_null(amdvi_field_word(field(layout("dte"), "v"), 0));
}

/* Entries of a family are told apart by their first word */
static void test_match(void **state)
{
    static const struct {
        enum amdvi_family family;
        uint64_t word;
        const char *layout;
    } rows[] = {
        { AMDVI_FAMILY_DTE, UINT64_MAX, "dte" },
        { AMDVI_FAMILY_HOST, 0x6000000001000600, "hpte_absent" },
        { AMDVI_FAMILY_HOST, 0x6000000001000601, "hpde" },
        { AMDVI_FAMILY_HOST, 0x6000000001000201, "hpde" },
        { AMDVI_FAMILY_HOST, 0x6000000001000c01, "hpde" },
        { AMDVI_FAMILY_HOST, 0x6000000001000001, "hpte" },
        { AMDVI_FAMILY_HOST, 0x6000000001000e01, "hpte_sized" },
        { AMDVI_FAMILY_COMMAND, 0, NULL },
        { AMDVI_FAMILY_COMMAND, 11ULL << 60, NULL },
        { AMDVI_FAMILY_COMMAND, 15ULL << 60, NULL },
        { AMDVI_FAMILY_COMMAND, 10ULL << 60, "reset_vmmio" },
        { AMDVI_FAMILY_EVENT, 0, NULL },
        { AMDVI_FAMILY_EVENT, 15ULL << 60, NULL },
        { AMDVI_FAMILY_EVENT, 0x2001ULL << 48, "io_page_fault_gn" },
        { AMDVI_FAMILY_EVENT, 0x2000ULL << 48, "io_page_fault" },
        { AMDVI_FAMILY_EVENT, 10ULL << 60, "event_counter_zero" },
        { AMDVI_FAMILY_EVENT, 11ULL << 60, "guest_event_fault" },
        { AMDVI_FAMILY_EVENT, 12ULL << 60, "viommu_hardware_error" },
        { AMDVI_FAMILY_EVENT, 13ULL << 60, "rmp_page_fault" },
        { AMDVI_FAMILY_EVENT, 14ULL << 60, "rmp_hardware_error" },
        { AMDVI_FAMILY_PPR, 0, NULL },
        { AMDVI_FAMILY_PPR, 1ULL << 60, "ppr_entry" },
        { AMDVI_FAMILY_IRTE128, 0x7f, "irte128" },
        { AMDVI_FAMILY_IRTE128, 0x80, "irte128_guest" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct amdvi_layout *l =
            amdvi_layout_match(rows[i].family, rows[i].word);

        if (rows[i].layout) {
            assert_non_null(l);
            expect_str("match", l->id, rows[i].layout);
        } else {
            assert_null(l);
        }
    }
}

/* structures.md 4: PS makes a leaf at levels 2 and 3 only */
static void test_match_guest(void **state)
{
    static const struct {
        unsigned int level;
        uint64_t entry;
        const char *layout;
    } rows[] = {
        { 1, 0x01, "gpte" },    { 1, 0x81, "gpte" },
        { 2, 0x01, "gpde" },    { 2, 0x81, "gpte_2m" },
        { 3, 0x01, "gpde" },    { 3, 0x81, "gpte_1g" },
        { 4, 0x01, "gpde" },    { 4, 0x81, "gpde" },
        { 5, 0x01, "gpde" },    { 5, 0x81, "gpde" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct amdvi_layout *l =
            amdvi_layout_guest(rows[i].level, rows[i].entry);

        assert_non_null(l);
        expect_str("guest entry", l->id, rows[i].layout);
    }
    assert_null(amdvi_layout_guest(0, 1));
    assert_null(amdvi_layout_guest(6, 1));
}

/* registers.md 5: EFR2 features are found in EFR2, fields keep their value */
static void test_features(void **state)
{
    const struct amdvi_features f = { 0x0017032f000059df, 0x808 };

    (void)state;
    assert_int_equal(amdvi_feature(&no_features, AMDVI_FEATURE_none), 1);
    assert_int_equal(amdvi_feature(&no_features, AMDVI_FEATURE_gt_sup), 0);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_pas_max), 15);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_hats), 2);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_snp_sup), 0);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_hd_sup), 1);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_gcr3_trp_mode_sup), 1);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_ht_range_ignore), 1);
    assert_int_equal(amdvi_feature(&f, AMDVI_FEATURE_tmpm_sup), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_ids_unique),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_accessors),
        cmocka_unit_test(test_setters_are_local),
        cmocka_unit_test(test_set_refuses),
        cmocka_unit_test(test_load_store),
        cmocka_unit_test(test_reserved_masks),
        cmocka_unit_test(test_reserved_by_feature),
        cmocka_unit_test(test_reserved_bits_dte),
        cmocka_unit_test(test_reserved_encodings),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_format_extremes),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_match_guest),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
