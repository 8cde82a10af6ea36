/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout tables and what can be done with any of them: find, get, set, check,
 * put into words.  See layout.h.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Lists of words: values_had[] ... */
#define AMDVI_ENUM(id) static const struct amdvi_value values_##id[] = {
#define AMDVI_VALUE(id, name, value, word) { value, word },
#define AMDVI_ENUM_END(id) { 0, NULL } };
AMDVI_ENUM(none)
AMDVI_ENUM_END(none)
#include "layouts/enums.def"
#undef AMDVI_ENUM
#undef AMDVI_VALUE
#undef AMDVI_ENUM_END

/* Lists of fields: fields_dte[] ... */
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)               \
    static const struct amdvi_field fields_##s[] = {
#define AMDVI_STRUCT(s, family, bits, match, needs, name, title)             \
    static const struct amdvi_field fields_##s[] = {
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)     \
    { #id, name, meaning, values_##en, AMDVI_KIND_##kind,                    \
      AMDVI_ACCESS_##access, AMDVI_FEATURE_##needs, { parts } },
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts)            \
    { #id, name, meaning, values_##en, AMDVI_KIND_##kind,                    \
      AMDVI_ACCESS_NONE, AMDVI_FEATURE_##needs, { parts } },
#define AMDVI_ANONYMOUS(kind, lsb, width)                                    \
    { NULL, NULL, NULL, values_none, AMDVI_KIND_##kind,                      \
      AMDVI_ACCESS_NONE, AMDVI_FEATURE_none, { AMDVI_P(lsb, width, 0) } },
#define AMDVI_RSVD(s, lsb, width) AMDVI_ANONYMOUS(RSVD, lsb, width)
#define AMDVI_IGN(s, lsb, width) AMDVI_ANONYMOUS(IGN, lsb, width)
#define AMDVI_P(lsb, width, shift) { lsb, width, shift },
#define AMDVI_END(s) };
#include "layouts/registers.def"
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_REG
#undef AMDVI_STRUCT
#undef AMDVI_REGF
#undef AMDVI_FIELD
#undef AMDVI_ANONYMOUS
#undef AMDVI_RSVD
#undef AMDVI_IGN
#undef AMDVI_P
#undef AMDVI_END

#define NFIELDS(s) (sizeof(fields_##s) / sizeof(fields_##s[0]))

const struct amdvi_layout amdvi_layouts[AMDVI_NUM_LAYOUTS] = {
#define AMDVI_REG(s, mmio, bytes, need, value, title_name, text)             \
    { .id = #s, .name = title_name, .title = text,                           \
      .field = fields_##s, .nfields = NFIELDS(s), .bits = (bytes) * 8,       \
      .family = AMDVI_FAMILY_REGISTER, .needs = AMDVI_FEATURE_##need,        \
      .reset = value, .offset = mmio },
#define AMDVI_STRUCT(s, fam, nbits, match, need, title_name, text)           \
    { .id = #s, .name = title_name, .title = text,                           \
      .field = fields_##s, .nfields = NFIELDS(s), .bits = nbits,             \
      .family = AMDVI_FAMILY_##fam, .needs = AMDVI_FEATURE_##need, match },
#define AMDVI_ANY .match_mask = 0, .match_value = 0
#define AMDVI_MATCH(mask, value) .match_mask = mask, .match_value = value
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts)
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_IGN(s, lsb, width)
#define AMDVI_END(s)
#include "layouts/registers.def"
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_REG
#undef AMDVI_STRUCT
#undef AMDVI_ANY
#undef AMDVI_MATCH
#undef AMDVI_REGF
#undef AMDVI_FIELD
#undef AMDVI_RSVD
#undef AMDVI_IGN
#undef AMDVI_END
};

/* The field of EFR or EFR2 behind each feature, in the order of the enum */
static const struct {
    uint8_t efr2;
    struct amdvi_part part;
} feature_place[] = {
    [AMDVI_FEATURE_none] = { 0, { 0, 0, 0 } },
#define AMDVI_P(lsb, width, shift) { lsb, width, shift }
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)     \
    [AMDVI_FEATURE_##id] = { AMDVI_LAYOUT_##s == AMDVI_LAYOUT_efr2, parts },
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_END(s)
#include "layouts/features.def"
#undef AMDVI_P
#undef AMDVI_REG
#undef AMDVI_REGF
#undef AMDVI_RSVD
#undef AMDVI_END
};

const struct amdvi_layout *amdvi_layout_match(enum amdvi_family family,
                                              uint64_t word0)
{
    for (int i = AMDVI_NUM_REGISTERS; i < AMDVI_NUM_LAYOUTS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        if (l->family == family && (word0 & l->match_mask) == l->match_value) {
            return l;
        }
    }
    return NULL;
}

const struct amdvi_layout *amdvi_layout_host(uint64_t entry)
{
    enum amdvi_layout_id id = AMDVI_LAYOUT_hpde;

    if (!amdvi_hpde_pr(&entry)) {
        id = AMDVI_LAYOUT_hpte_absent;
    } else if (amdvi_hpde_next_level(&entry) == 0) {
        id = AMDVI_LAYOUT_hpte;
    } else if (amdvi_hpde_next_level(&entry) == 7) {
        id = AMDVI_LAYOUT_hpte_sized;
    }
    return &amdvi_layouts[id];
}

const struct amdvi_layout *amdvi_layout_guest(unsigned int level,
                                              uint64_t entry)
{
    if (level == 1) {
        return &amdvi_layouts[AMDVI_LAYOUT_gpte];
    }
    if ((level == 2 || level == 3) && amdvi_gpde_ps(&entry)) {
        return &amdvi_layouts[level == 2 ? AMDVI_LAYOUT_gpte_2m
                                         : AMDVI_LAYOUT_gpte_1g];
    }
    return level >= 2 && level <= 5 ? &amdvi_layouts[AMDVI_LAYOUT_gpde] : NULL;
}

const struct amdvi_layout *amdvi_register_at(uint32_t offset)
{
    unsigned int low = 0, high = AMDVI_NUM_REGISTERS;

    while (low < high) {
        unsigned int mid = (low + high) / 2;
        const struct amdvi_layout *l = &amdvi_layouts[mid];

        if (offset < l->offset) {
            high = mid;
        } else if (offset - l->offset >= l->bits / 8u) {
            low = mid + 1;
        } else {
            return l;
        }
    }
    return NULL;
}

/* Compare a C name with a C name or key */
static bool same_id(const char *id, const char *key)
{
    while (*id && (*id == *key || (*id == '_' && *key == '-'))) {
        id++;
        key++;
    }
    return *id == *key;
}

const struct amdvi_layout *amdvi_layout_by_id(const char *id)
{
    for (int i = 0; i < AMDVI_NUM_LAYOUTS; i++) {
        if (same_id(amdvi_layouts[i].id, id)) {
            return &amdvi_layouts[i];
        }
    }
    return NULL;
}

uint64_t amdvi_feature(const struct amdvi_features *features,
                       enum amdvi_feature feature)
{
    const struct amdvi_part *p = &feature_place[feature].part;
    const uint64_t *word = feature_place[feature].efr2 ? &features->efr2
                                                       : &features->efr;

    return feature == AMDVI_FEATURE_none
           ? 1 : amdvi_part_get(word, p->lsb, p->width, p->shift);
}

bool amdvi_field_named(const struct amdvi_field *field)
{
    return field->id != NULL;
}

const struct amdvi_field *amdvi_field_by_id(const struct amdvi_layout *layout,
                                            const char *id)
{
    for (int i = 0; i < layout->nfields; i++) {
        const struct amdvi_field *f = &layout->field[i];

        if (amdvi_field_named(f) && same_id(f->id, id)) {
            return f;
        }
    }
    return NULL;
}

uint64_t amdvi_field_get(const struct amdvi_field *field,
                         const uint64_t *words)
{
    uint64_t value = 0;

    for (int i = 0; i < AMDVI_MAX_PARTS && field->part[i].width; i++) {
        const struct amdvi_part *p = &field->part[i];

        value |= amdvi_part_get(words, p->lsb, p->width, p->shift);
    }
    return value;
}

/* The bits that a value of the field may have */
static uint64_t field_value_mask(const struct amdvi_field *field)
{
    uint64_t mask = 0;

    for (int i = 0; i < AMDVI_MAX_PARTS && field->part[i].width; i++) {
        mask |= amdvi_ones(field->part[i].width) << field->part[i].shift;
    }
    return mask;
}

bool amdvi_field_set(const struct amdvi_field *field, uint64_t *words,
                     uint64_t value)
{
    if (value & ~field_value_mask(field)) {
        return false;
    }
    for (int i = 0; i < AMDVI_MAX_PARTS && field->part[i].width; i++) {
        const struct amdvi_part *p = &field->part[i];

        amdvi_part_set(words, p->lsb, p->width, p->shift, value);
    }
    return true;
}

const char *amdvi_field_word(const struct amdvi_field *field, uint64_t value)
{
    for (const struct amdvi_value *v = field->values; v->word; v++) {
        if (v->value == value) {
            return v->word;
        }
    }
    return NULL;
}

char *amdvi_format_bdf(uint16_t device_id, char buf[AMDVI_FIELD_TEXT])
{
    snprintf(buf, AMDVI_FIELD_TEXT, "%02x:%02x.%x", device_id >> 8,
             device_id >> 3 & 0x1f, device_id & 7);
    return buf;
}

char *amdvi_field_format(const struct amdvi_field *field, uint64_t value,
                         char buf[AMDVI_FIELD_TEXT])
{
    const char *word = amdvi_field_word(field, value);

    if (word) {
        snprintf(buf, AMDVI_FIELD_TEXT, "%s", word);
    } else if (field->kind == AMDVI_KIND_ENUM) {
        snprintf(buf, AMDVI_FIELD_TEXT, "reserved(%" PRIu64 ")", value);
    } else if (field->kind == AMDVI_KIND_FLAG ||
               field->kind == AMDVI_KIND_DEC) {
        snprintf(buf, AMDVI_FIELD_TEXT, "%" PRIu64, value);
    } else if (field->kind == AMDVI_KIND_BDF) {
        amdvi_format_bdf((uint16_t)value, buf);
    } else {
        snprintf(buf, AMDVI_FIELD_TEXT, "0x%" PRIx64, value);
    }
    return buf;
}

char *amdvi_key(const char *id, char buf[AMDVI_FIELD_TEXT])
{
    size_t i;

    for (i = 0; i < AMDVI_FIELD_TEXT - 1 && id[i]; i++) {
        buf[i] = id[i] == '_' ? '-' : id[i];
    }
    buf[i] = '\0';
    return buf;
}

/* The bits a field occupies in the words of its structure */
static void add_field_bits(const struct amdvi_field *field, uint64_t *mask)
{
    for (int i = 0; i < AMDVI_MAX_PARTS && field->part[i].width; i++) {
        const struct amdvi_part *p = &field->part[i];

        mask[p->lsb / 64] |= amdvi_ones(p->width) << (p->lsb % 64);
    }
}

void amdvi_reserved_mask(const struct amdvi_layout *layout,
                         const struct amdvi_features *features,
                         uint64_t mask[AMDVI_MAX_WORDS])
{
    memset(mask, 0, AMDVI_MAX_WORDS * sizeof(mask[0]));
    for (int i = 0; i < layout->nfields; i++) {
        const struct amdvi_field *f = &layout->field[i];

        if (f->kind == AMDVI_KIND_RSVD ||
            (features && !amdvi_feature(features, f->needs))) {
            add_field_bits(f, mask);
        }
    }
}

bool amdvi_reserved_bits(const struct amdvi_layout *layout,
                         const struct amdvi_features *features,
                         const uint64_t *words,
                         uint64_t bad[AMDVI_MAX_WORDS])
{
    uint64_t any = 0;

    amdvi_reserved_mask(layout, features, bad);
    for (unsigned int i = 0; i < amdvi_layout_words(layout); i++) {
        bad[i] &= words[i];
        any |= bad[i];
    }
    return any != 0;
}

const struct amdvi_field *
amdvi_reserved_encoding(const struct amdvi_layout *layout,
                        const uint64_t *words)
{
    for (int i = 0; i < layout->nfields; i++) {
        const struct amdvi_field *f = &layout->field[i];

        if (f->kind == AMDVI_KIND_ENUM &&
            !amdvi_field_word(f, amdvi_field_get(f, words))) {
            return f;
        }
    }
    return NULL;
}

uint64_t amdvi_register_mask(const struct amdvi_layout *reg,
                             const struct amdvi_features *features,
                             enum amdvi_access access)
{
    uint64_t mask[AMDVI_MAX_WORDS] = { 0 };

    if (!amdvi_feature(features, reg->needs)) {
        return 0;
    }
    for (int i = 0; i < reg->nfields; i++) {
        const struct amdvi_field *f = &reg->field[i];

        if (f->access == access && amdvi_feature(features, f->needs)) {
            add_field_bits(f, mask);
        }
    }
    return mask[0];
}
