/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an entry of the IOTLB looks, and how it is found.
 *
 * Inline, for this is on the way of every access: of a call, half would be
 * registers that are saved and cleared, and structures that go through memory.
 */
#ifndef AMDVI_SVM_IOTLB_LOOKUP_H
#define AMDVI_SVM_IOTLB_LOOKUP_H

#include "iotlb.h"

/*
 * Pages are kept in four sizes only, so that a lookup needs four probes at
 * most and one where all pages are small.  A page of another size is kept in
 * pieces; a flush that hits one piece has to find the others, so the slot
 * remembers how large such pages are and widens ranges to that.
 */
#define CLASSES 4

/* AmdviIotlbEntry.key: the page number begins at bit 12 */
#define KEY_VALID 0x1ULL
#define KEY_GUEST 0x2ULL
#define KEY_NESTED 0x4ULL
#define KEY_PRIV 0x8ULL
#define KEY_CLASS_SHIFT 4
#define KEY_CLASS 0x30ULL
#define KEY_PAGE_SHIFT 12
/* What a flush compares: all kinds of translation in a guest table */
#define KEY_FLUSH (~(KEY_NESTED | KEY_PRIV))

/* AmdviIotlbEntry.space */
#define SPACE_PASID_SHIFT 16

/* AmdviIotlbEntry.value: the output page is in bits 51:12 */
#define VALUE_ADDR 0x000ffffffffff000ULL
#define VALUE_PERM 0x7ULL
#define VALUE_UNTRANSLATED 0x8ULL
#define VALUE_COHERENT 0x10ULL
#define VALUE_GLOBAL 0x20ULL
#define VALUE_USER 0x40ULL      /* of a table */
#define VALUE_SOUND 0x80ULL     /* of a page: not known to be stale */

/* AmdviIotlbEntry.life: two numbers of slots, and a time above them */
#define LIFE_SLOT 0xffffULL
#define LIFE_SLOT2_SHIFT 16
#define LIFE_TIME_SHIFT 32

/* log2 of the bytes of a page: 4 KiB, 2 MiB, 1 GiB, 512 GiB */
static inline unsigned int amdvi_tlb_shift(unsigned int class)
{
    return 12 + 9 * class;
}

static inline uint64_t amdvi_tlb_space(uint16_t domain_id, uint32_t pasid)
{
    return domain_id | (uint64_t)pasid << SPACE_PASID_SHIFT;
}

/* What the keys of an address space have in common */
static inline uint64_t amdvi_tlb_kind(const AmdviSpace *space)
{
    return space->priv * KEY_PRIV | space->nested * KEY_NESTED |
           space->guest * KEY_GUEST | KEY_VALID;
}

static inline uint64_t amdvi_tlb_page_key(uint64_t kind, unsigned int class,
                                          uint64_t addr)
{
    return addr >> amdvi_tlb_shift(class) << KEY_PAGE_SHIFT |
           class << KEY_CLASS_SHIFT | kind;
}

static inline uint64_t amdvi_tlb_key(const AmdviSpace *space,
                                     unsigned int class, uint64_t addr)
{
    return amdvi_tlb_page_key(amdvi_tlb_kind(space), class, addr);
}

static inline unsigned int amdvi_tlb_class(uint64_t key)
{
    return (key & KEY_CLASS) >> KEY_CLASS_SHIFT;
}

/* Of the hash of an address space, what no set has a use for */
#define HASH_HOME 20

/* Where a page belongs */
typedef struct AmdviTlbPlace {
    uint32_t set;
    uint32_t home;              /* way in which it is looked for first */
} AmdviTlbPlace;

/*
 * Neighbouring pages go to neighbouring sets, so that a table as large as the
 * cache fits into it; those that share a set have a way of their own, so that
 * the processor foresees where each is found.  Address spaces and page sizes
 * have others.  Flags do not count: a flush finds all in one set.
 */
static inline AmdviTlbPlace amdvi_tlb_place(const AmdviIotlb *t, uint64_t key,
                                            uint64_t space)
{
    uint64_t page = key >> KEY_PAGE_SHIFT, above = page >> t->set_bits;
    uint64_t other = amdvi_hash(space << 2 | amdvi_tlb_class(key)) >> 40;

    return (AmdviTlbPlace) {
        .set = (uint32_t)(page ^ above ^ other) & (t->sets - 1),
        .home = (uint32_t)(above ^ other >> HASH_HOME) % AMDVI_IOTLB_WAYS,
    };
}

/* Whether neither all nor the slots of an entry were flushed since */
static inline bool amdvi_tlb_alive(const AmdviIotlb *t, uint64_t life)
{
    uint32_t made = (uint32_t)(life >> LIFE_TIME_SHIFT);
    uint32_t slot = life & LIFE_SLOT;
    uint32_t slot2 = life >> LIFE_SLOT2_SHIFT & LIFE_SLOT;

    return made >= qatomic_load_acquire(&t->slot_flushed[slot]) &&
           made >= qatomic_load_acquire(&t->slot_flushed[slot2]) &&
           made >= qatomic_load_acquire(&t->flushed);
}

static inline void amdvi_tlb_hit(uint64_t key, uint64_t value, uint64_t addr,
                                 AmdviIotlbHit *hit)
{
    unsigned int shift = amdvi_tlb_shift(amdvi_tlb_class(key));
    uint64_t offset = (UINT64_C(1) << shift) - 1;

    *hit = (AmdviIotlbHit) {
        .addr = (value & VALUE_ADDR) | (addr & offset),
        .page_shift = (uint8_t)shift,
        .perm = value & VALUE_PERM,
        .untranslated_only = value & VALUE_UNTRANSLATED,
        .force_coherent = value & VALUE_COHERENT,
        .global = value & VALUE_GLOBAL,
    };
}

/*
 * Look for one page size; *@value is what is known of it.  @need: bits of
 * AmdviIotlbEntry.value.  NULL: nothing
 */
static inline QEMU_ALWAYS_INLINE
const AmdviIotlbEntry *amdvi_tlb_probe(const AmdviIotlb *t, uint64_t key,
                                       uint64_t space, uint64_t need,
                                       uint64_t *value)
{
    AmdviTlbPlace place = amdvi_tlb_place(t, key, space);
    const AmdviIotlbEntry *ways = &t->entry[place.set * AMDVI_IOTLB_WAYS];
    uint32_t seq = qatomic_load_acquire(&t->seq[place.set]);

    for (uint32_t i = 0; i < AMDVI_IOTLB_WAYS; i++) {
        const AmdviIotlbEntry *way = &ways[place.home ^ i];
        uint64_t life;

        if (qatomic_load_acquire(&way->key) != key ||
            qatomic_load_acquire(&way->space) != space) {
            continue;
        }
        *value = qatomic_load_acquire(&way->value);
        life = qatomic_load_acquire(&way->life);
        return (*value & need) == need && amdvi_tlb_alive(t, life) &&
               !(seq & 1) && qatomic_read(&t->seq[place.set]) == seq
               ? way : NULL;
    }
    return NULL;
}

/* Look for pages of one size; @kind: amdvi_tlb_kind() */
static inline QEMU_ALWAYS_INLINE
const AmdviIotlbEntry *amdvi_tlb_lookup_class(const AmdviIotlb *t,
                                              uint64_t kind, uint64_t space,
                                              unsigned int class,
                                              uint64_t addr, uint64_t need,
                                              AmdviIotlbHit *hit)
{
    uint64_t key = amdvi_tlb_page_key(kind, class, addr), value;
    const AmdviIotlbEntry *found = amdvi_tlb_probe(t, key, space, need, &value);

    if (found) {
        amdvi_tlb_hit(key, value, addr, hit);
    }
    return found;
}

/* And in all sizes, small ones first */
static inline QEMU_ALWAYS_INLINE
const AmdviIotlbEntry *amdvi_tlb_lookup(const AmdviIotlb *t,
                                        const AmdviSpace *space,
                                        uint64_t addr, uint64_t need,
                                        AmdviIotlbHit *hit)
{
    const AmdviIotlbEntry *found = NULL;
    uint64_t word = amdvi_tlb_space(space->domain_id, space->pasid);
    uint64_t kind = amdvi_tlb_kind(space);
    uint32_t classes = qatomic_read(&t->classes);

    for (; classes && !found; classes &= classes - 1) {
        found = amdvi_tlb_lookup_class(t, kind, word, ctz32(classes), addr,
                                       need, hit);
    }
    return found;
}

/*
 * Find the translation of @addr that has all permissions in @need.  Lock-free:
 * a set that is being changed counts as a miss, and so does an entry that was
 * judged stale.
 */
static inline bool amdvi_iotlb_lookup(const AmdviIotlb *t,
                                      const AmdviSpace *space, uint64_t addr,
                                      uint8_t need, AmdviIotlbHit *hit)
{
    return amdvi_tlb_lookup(t, space, addr, need | VALUE_SOUND, hit) != NULL;
}

/*
 * The same for pages of the smallest size alone, in an address space without
 * PASID, whatever they permit; @kind: amdvi_tlb_kind()
 */
static inline QEMU_ALWAYS_INLINE
bool amdvi_iotlb_lookup_small(const AmdviIotlb *t, uint64_t kind,
                              uint16_t domain_id, uint64_t addr,
                              AmdviIotlbHit *hit)
{
    return qatomic_read(&t->classes) & 1 &&
           amdvi_tlb_lookup_class(t, kind, amdvi_tlb_space(domain_id, 0), 0,
                                  addr, VALUE_SOUND, hit) != NULL;
}

#endif
