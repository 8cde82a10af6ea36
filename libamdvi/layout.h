/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layouts: every register and in-memory structure of the AMD IOMMU.
 *
 * The rows of layouts/(*).def are the only description of the hardware's bits
 * in this project.  This header derives from them
 *
 *  - accessors with compile-time constants, amdvi_<struct>_<field>() and
 *    amdvi_<struct>_set_<field>(), for code that knows what it looks at;
 *  - descriptions, struct amdvi_layout and struct amdvi_field, for code that
 *    shows, checks or builds any structure.
 *
 * Words are 64-bit values in host order; a structure of fewer than 64 bits
 * is held in the low bits of one word.  Sources: spec/registers.md,
 * spec/structures.md.
 */
#ifndef AMDVI_LAYOUT_H
#define AMDVI_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest structure, the DTE, in 64-bit words */
#define AMDVI_MAX_WORDS 4
/* A split field has at most this many runs of bits */
#define AMDVI_MAX_PARTS 3
/* Enough for any output of amdvi_field_format() and amdvi_field_key() */
#define AMDVI_FIELD_TEXT 32
/* "No PASID"; differs from PASID 0.  PASIDs have at most 20 bits */
#define AMDVI_NO_PASID UINT32_MAX

/* How the value of a field is shown */
enum amdvi_kind {
    AMDVI_KIND_FLAG,            /* one bit */
    AMDVI_KIND_DEC,             /* a count or a number */
    AMDVI_KIND_HEX,             /* bits without numeric meaning */
    AMDVI_KIND_ADDR,            /* an address in bytes */
    AMDVI_KIND_ENUM,            /* one of field->values */
    AMDVI_KIND_BDF,             /* a DeviceID, shown as bus:device.function */
    AMDVI_KIND_RSVD,            /* must be zero; has no name */
    AMDVI_KIND_IGN,             /* not looked at; has no name */
};

/* What software may do with the bits of a register */
enum amdvi_access {
    AMDVI_ACCESS_NONE,          /* not a register field */
    AMDVI_ACCESS_RO,            /* constant, or set by the IOMMU only */
    AMDVI_ACCESS_RW,
    AMDVI_ACCESS_W1C,           /* write 1 to clear */
    AMDVI_ACCESS_HW,            /* as RW, but ignored while the IOMMU runs */
};

/* Sets of structures of which an entry is one: see amdvi_layout_match() */
enum amdvi_family {
    AMDVI_FAMILY_REGISTER,
    AMDVI_FAMILY_PCI,
    AMDVI_FAMILY_DTE,
    AMDVI_FAMILY_GCR3,
    AMDVI_FAMILY_HOST,
    AMDVI_FAMILY_GUEST,
    AMDVI_FAMILY_COMMAND,
    AMDVI_FAMILY_EVENT,
    AMDVI_FAMILY_PPR,
    AMDVI_FAMILY_GA,
    AMDVI_FAMILY_IRTE32,
    AMDVI_FAMILY_IRTE128,
};

/* Feature bits by name: the fields of EFR and EFR2 */
#define AMDVI_END(s)
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)     \
    AMDVI_FEATURE_##id,
enum amdvi_feature {
    AMDVI_FEATURE_none,
#include "layouts/features.def"
};
#undef AMDVI_REG
#undef AMDVI_REGF
#undef AMDVI_RSVD
#undef AMDVI_END

/* The two feature registers as the IOMMU reports them */
struct amdvi_features {
    uint64_t efr;               /* MMIO 0030h */
    uint64_t efr2;              /* MMIO 01A0h */
};

/* Encoded values by name: AMDVI_int_ctl_remap ... */
#define AMDVI_ENUM(id) enum {
#define AMDVI_VALUE(id, name, value, word) AMDVI_##id##_##name = value,
#define AMDVI_ENUM_END(id) };
#include "layouts/enums.def"
#undef AMDVI_ENUM
#undef AMDVI_VALUE
#undef AMDVI_ENUM_END

/* One encoded value and its word; a list ends with word == NULL */
struct amdvi_value {
    uint16_t value;
    const char *word;
};

/* A run of bits of a field */
struct amdvi_part {
    uint8_t lsb;                /* first bit in the structure */
    uint8_t width;              /* in bits; 0: not used */
    uint8_t shift;              /* place of its first bit in the value */
};

struct amdvi_field {
    const char *id;             /* C name, NULL for RSVD and IGN */
    const char *name;           /* the manual's name, NULL likewise */
    const char *meaning;        /* one line */
    const struct amdvi_value *values;   /* empty unless AMDVI_KIND_ENUM */
    enum amdvi_kind kind;
    enum amdvi_access access;
    enum amdvi_feature needs;   /* reserved without this feature */
    struct amdvi_part part[AMDVI_MAX_PARTS];
};

struct amdvi_layout {
    const char *id;             /* C name */
    const char *name;           /* the manual's name */
    const char *title;          /* one line */
    const struct amdvi_field *field;
    uint16_t nfields;
    uint16_t bits;
    enum amdvi_family family;
    enum amdvi_feature needs;
    uint64_t match_mask;        /* see amdvi_layout_match() */
    uint64_t match_value;
    uint64_t reset;             /* registers: value after reset */
    uint32_t offset;            /* registers: MMIO offset in bytes */
};

/*
 * Identifiers of all layouts.  Registers come first, in address order, so
 * that [0, AMDVI_NUM_REGISTERS) are the registers.
 */
enum amdvi_layout_id {
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)               \
    AMDVI_LAYOUT_##s,
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_END(s)
#include "layouts/registers.def"
#undef AMDVI_REG
#undef AMDVI_REGF
    AMDVI_NUM_REGISTERS,
    AMDVI_LAYOUT_before_structures = AMDVI_NUM_REGISTERS - 1,
#define AMDVI_STRUCT(s, family, bits, match, needs, name, title)             \
    AMDVI_LAYOUT_##s,
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts)
#define AMDVI_IGN(s, lsb, width)
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_STRUCT
#undef AMDVI_FIELD
#undef AMDVI_IGN
#undef AMDVI_RSVD
#undef AMDVI_END
    AMDVI_NUM_LAYOUTS
};

/* MMIO offsets by name: AMDVI_MMIO_control ... */
enum amdvi_mmio_offset {
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)               \
    AMDVI_MMIO_##s = offset,
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_END(s)
#include "layouts/registers.def"
#undef AMDVI_REG
#undef AMDVI_REGF
#undef AMDVI_RSVD
#undef AMDVI_END
};

/* Command opcodes and event codes by name: AMDVI_CODE_completion_wait ... */
enum {
#define AMDVI_STRUCT(s, family, bits, match, needs, name, title)             \
    AMDVI_CODE_##s = (uint32_t)((match) >> 60),
#define AMDVI_ANY UINT64_C(0)
#define AMDVI_MATCH(mask, value) (uint64_t)(value)
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts)
#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_IGN(s, lsb, width)
#define AMDVI_END(s)
#include "layouts/structures.def"
#undef AMDVI_STRUCT
#undef AMDVI_ANY
#undef AMDVI_MATCH
#undef AMDVI_FIELD
#undef AMDVI_RSVD
#undef AMDVI_IGN
#undef AMDVI_END
};

/*
 * Accessors.  The value of a split field is put together, an address is
 * returned in bytes.  A setter drops bits that the field cannot hold.
 *
 *     uint64_t amdvi_dte_gcr3_trp(const uint64_t *words);
 *     void amdvi_dte_set_gcr3_trp(uint64_t *words, uint64_t value);
 */
static inline uint64_t amdvi_ones(unsigned int width)
{
    return width >= 64 ? UINT64_MAX : (1ULL << width) - 1;
}

static inline uint64_t amdvi_part_get(const uint64_t *words, unsigned int lsb,
                                      unsigned int width, unsigned int shift)
{
    return ((words[lsb / 64] >> (lsb % 64)) & amdvi_ones(width)) << shift;
}

static inline void amdvi_part_set(uint64_t *words, unsigned int lsb,
                                  unsigned int width, unsigned int shift,
                                  uint64_t value)
{
    uint64_t mask = amdvi_ones(width) << (lsb % 64);

    words[lsb / 64] = (words[lsb / 64] & ~mask) |
                      (((value >> shift) << (lsb % 64)) & mask);
}

#define AMDVI_RSVD(s, lsb, width)
#define AMDVI_IGN(s, lsb, width)
#define AMDVI_END(s)
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)
#define AMDVI_STRUCT(s, family, bits, match, needs, name, title)
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts)            \
    AMDVI_ACCESSOR(s, id, parts)
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)     \
    AMDVI_ACCESSOR(s, id, parts)

#define AMDVI_P(lsb, width, shift) | amdvi_part_get(words, lsb, width, shift)
#define AMDVI_ACCESSOR(s, id, parts)                                         \
    static inline uint64_t amdvi_##s##_##id(const uint64_t *words)           \
    {                                                                        \
        return 0 parts;                                                      \
    }
#include "layouts/registers.def"
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_P
#undef AMDVI_ACCESSOR

#define AMDVI_P(lsb, width, shift)                                           \
    amdvi_part_set(words, lsb, width, shift, value);
#define AMDVI_ACCESSOR(s, id, parts)                                         \
    static inline void amdvi_##s##_set_##id(uint64_t *words, uint64_t value) \
    {                                                                        \
        parts                                                                \
    }
#include "layouts/registers.def"
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_P
#undef AMDVI_ACCESSOR
#undef AMDVI_RSVD
#undef AMDVI_IGN
#undef AMDVI_END
#undef AMDVI_REG
#undef AMDVI_STRUCT
#undef AMDVI_FIELD
#undef AMDVI_REGF

/*
 * Reserved bits that are set, as a quick check with compile-time masks:
 * amdvi_<struct>_reserved(words) is 0 if there are none.
 */
#define AMDVI_REG(s, offset, bytes, needs, reset, name, title)               \
    static inline uint64_t amdvi_##s##_reserved(const uint64_t *words)       \
    {                                                                        \
        return (words[0] & 0)
#define AMDVI_STRUCT(s, family, bits, match, needs, name, title)             \
    AMDVI_REG(s, 0, 0, 0, 0, 0, 0)
#define AMDVI_FIELD(s, id, name, kind, en, needs, meaning, parts)
#define AMDVI_REGF(s, id, name, kind, en, needs, access, meaning, parts)
#define AMDVI_RSVD(s, lsb, width) | amdvi_part_get(words, lsb, width, 0)
#define AMDVI_IGN(s, lsb, width)
#define AMDVI_END(s) ; }
#include "layouts/registers.def"
#include "layouts/capability.def"
#include "layouts/structures.def"
#undef AMDVI_REG
#undef AMDVI_STRUCT
#undef AMDVI_FIELD
#undef AMDVI_REGF
#undef AMDVI_RSVD
#undef AMDVI_IGN
#undef AMDVI_END

/* All layouts, indexed by enum amdvi_layout_id */
extern const struct amdvi_layout amdvi_layouts[AMDVI_NUM_LAYOUTS];

/*
 * Find layouts.  All return NULL if there is none.
 *
 * amdvi_layout_match() returns what a word 0 taken from a place of that
 * family is: which command, event, host entry, IRTE format.  Guest entries
 * and registers need more than the word: see the other two.
 */
const struct amdvi_layout *amdvi_layout_match(enum amdvi_family family,
                                              uint64_t word0);
/* Host (v1) entry; never NULL.  As amdvi_layout_match(), but quick */
const struct amdvi_layout *amdvi_layout_host(uint64_t entry);
/* Guest (v2) entry found at @level (1 = lowest) */
const struct amdvi_layout *amdvi_layout_guest(unsigned int level,
                                              uint64_t entry);
/* Register that contains MMIO byte @offset */
const struct amdvi_layout *amdvi_register_at(uint32_t offset);
/* Layout by C name or by its key, that is with - in place of _ */
const struct amdvi_layout *amdvi_layout_by_id(const char *id);

/* Size of a structure in 64-bit words */
static inline unsigned int amdvi_layout_words(const struct amdvi_layout *l)
{
    return (l->bits + 63) / 64;
}

/* Value of an EFR or EFR2 field; amdvi_feature(f, none) is 1 */
uint64_t amdvi_feature(const struct amdvi_features *features,
                       enum amdvi_feature feature);

/* Field by C name or key; NULL if there is none */
const struct amdvi_field *amdvi_field_by_id(const struct amdvi_layout *layout,
                                            const char *id);
/* Value of a field; the accessors above without compile-time knowledge */
uint64_t amdvi_field_get(const struct amdvi_field *field,
                         const uint64_t *words);
/*
 * Put @value into a field, leaving other bits alone.
 * Returns false, with nothing written, if the field cannot hold the value.
 */
bool amdvi_field_set(const struct amdvi_field *field, uint64_t *words,
                     uint64_t value);
/* Word for a value of an enumerated field, or NULL (reserved encoding) */
const char *amdvi_field_word(const struct amdvi_field *field, uint64_t value);
/* Whether the field has a name, that is, is neither reserved nor ignored */
bool amdvi_field_named(const struct amdvi_field *field);

/*
 * Text of a value: "1", "42", "0x1f", "host", "00:05.0"; a reserved encoding
 * reads "reserved(7)".  @buf holds AMDVI_FIELD_TEXT bytes.  Returns @buf.
 */
char *amdvi_field_format(const struct amdvi_field *field, uint64_t value,
                         char buf[AMDVI_FIELD_TEXT]);
/*
 * Name of a field or layout for JSON, QMP and the command line: its C name
 * with - for _.  @buf holds AMDVI_FIELD_TEXT bytes.  Returns @buf.
 */
char *amdvi_key(const char *id, char buf[AMDVI_FIELD_TEXT]);
/* "00:05.0" for 0028h; @buf holds AMDVI_FIELD_TEXT bytes.  Returns @buf */
char *amdvi_format_bdf(uint16_t device_id, char buf[AMDVI_FIELD_TEXT]);

/*
 * Which bits of @layout must be zero, given what the IOMMU can do: reserved
 * bits, and fields whose feature is missing.  @features NULL: only the former.
 * @mask holds AMDVI_MAX_WORDS words, those beyond the structure are cleared.
 */
void amdvi_reserved_mask(const struct amdvi_layout *layout,
                         const struct amdvi_features *features,
                         uint64_t mask[AMDVI_MAX_WORDS]);
/* The reserved bits that are set in @words; true if there are any */
bool amdvi_reserved_bits(const struct amdvi_layout *layout,
                         const struct amdvi_features *features,
                         const uint64_t *words,
                         uint64_t bad[AMDVI_MAX_WORDS]);
/* First enumerated field whose value is a reserved encoding, or NULL */
const struct amdvi_field *
amdvi_reserved_encoding(const struct amdvi_layout *layout,
                        const uint64_t *words);
/*
 * Bits of a register that software may write (@access RW, HW) or clear (W1C);
 * fields whose feature is missing are left out.
 */
uint64_t amdvi_register_mask(const struct amdvi_layout *reg,
                             const struct amdvi_features *features,
                             enum amdvi_access access);

/* Load and store little-endian words, on any host and alignment */
static inline uint64_t amdvi_load64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--) {
        v = v << 8 | p[i];
    }
    return v;
}

static inline void amdvi_store64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

/* "count" words from little-endian bytes */
static inline void amdvi_load_words(uint64_t *words, const uint8_t *bytes,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        words[i] = amdvi_load64(bytes + 8 * i);
    }
}

#endif
