/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IOTLB: final translations, shared by the devices of a domain.
 *
 * Tagged by DomainID, GN and PASID as the hardware's (spec/translation.md 5).
 * A set-associative table of fixed size.  Lookups take no lock and may run in
 * any thread; all else needs the lock of the engine.
 *
 * Flushing everything, a domain or a PASID costs one store.  Each address
 * space in use has a slot that holds the time of its last flush, each entry
 * the time when it was made; time is a counter of flushes.  An entry older
 * than a flush of its slot does not exist any more.  There are fewer slots
 * than address spaces: a slot that changes hands counts as flushed.
 *
 * A second one of these holds what walks know of directories: where the table
 * with the leaf is.
 */
#ifndef AMDVI_SVM_IOTLB_H
#define AMDVI_SVM_IOTLB_H

#include "portable.h"

#define AMDVI_IOTLB_WAY_BITS 2
#define AMDVI_IOTLB_WAYS (1 << AMDVI_IOTLB_WAY_BITS)
#define AMDVI_IOTLB_MIN 64
#define AMDVI_IOTLB_MAX (1 << 20)

/* Whose addresses: the tag of a translation besides the address */
typedef struct AmdviSpace {
    uint16_t domain_id;
    bool guest;                 /* GN: through the guest table of @pasid */
    bool nested;                /* and then through a host table */
    bool priv;                  /* judged as a privileged request */
    uint32_t pasid;             /* 0 unless @guest */
} AmdviSpace;

/* An entry: all words are atomic */
typedef struct AmdviIotlbEntry {
    uint64_t key;               /* page, page size, kind of translation */
    uint64_t space;             /* DomainID and PASID */
    uint64_t value;             /* output page and permissions */
    uint64_t life;              /* when made, and the slots it depends on */
} AmdviIotlbEntry;

/* Counted when the table changes; hits and misses are counted elsewhere */
typedef struct AmdviIotlbCounters {
    uint64_t fills;
    uint64_t refused;           /* fills that a flush has overtaken */
    uint64_t replaced;          /* live entries that made room */
    uint64_t displaced;         /* live slots that made room */
    uint64_t flushes;
} AmdviIotlbCounters;

typedef struct AmdviIotlb {
    AmdviIotlbEntry *entry;
    uint32_t *seq;              /* of each set */
    uint8_t *queue;             /* ways of each set, the oldest lowest */
    uint32_t sets;              /* a power of two */
    uint32_t set_bits;

    uint64_t *slot_key;         /* address space that owns it; 0: none */
    uint32_t *slot_flushed;     /* time of the last flush */
    uint32_t *slot_filled;      /* and of the last entry that depends on it */
    uint8_t *slot_widen;        /* log2 of the largest page cut to pieces */
    uint32_t slots;             /* a power of two */

    uint32_t time;              /* advances with each flush */
    uint32_t flushed;           /* time of the last flush of everything */
    uint32_t classes;           /* page sizes in use, as bits */
    bool doubted;               /* an entry was found stale; atomic */
    int64_t *stale_since;       /* of each entry; NULL until one is stale */
    AmdviIotlbCounters count;
} AmdviIotlb;

/* What a lookup finds */
typedef struct AmdviIotlbHit {
    uint64_t addr;              /* output for the address asked for */
    uint8_t page_shift;         /* log2 of the bytes that share this entry */
    uint8_t perm;               /* AMDVI_PERM_* */
    bool untranslated_only;
    bool force_coherent;
    bool global;
} AmdviIotlbHit;

/* A copy of an entry, for those who look */
typedef struct AmdviIotlbCopy {
    AmdviSpace space;
    uint64_t addr;              /* input, first byte of the page */
    AmdviIotlbHit out;          /* for that byte */
    uint64_t life;              /* another one if made anew after a flush */
} AmdviIotlbCopy;

/* @entries: a power of two from AMDVI_IOTLB_MIN to AMDVI_IOTLB_MAX */
void amdvi_iotlb_init(AmdviIotlb *t, uint32_t entries);
void amdvi_iotlb_free(AmdviIotlb *t);

/*
 * Find the table with the leaf for @addr; the one of the lowest level.  Lock-
 * free, as amdvi_iotlb_lookup() in iotlb-lookup.h.
 */
bool amdvi_iotlb_find_table(const AmdviIotlb *t, const AmdviSpace *space,
                            uint64_t addr, struct amdvi_table *table);

/* To be taken before the walk whose result goes to amdvi_iotlb_insert() */
static inline uint32_t amdvi_iotlb_begin(const AmdviIotlb *t)
{
    return qatomic_load_acquire(&t->time);
}

/*
 * Remember @result of a walk for @addr that began at @begin.  Does nothing if
 * there was a flush since, or if the result is not a translation of pages.
 */
void amdvi_iotlb_insert(AmdviIotlb *t, uint32_t begin, uint64_t addr,
                        const struct amdvi_result *result);

/* Remember a table that a walk that began at @begin has met, likewise */
void amdvi_iotlb_insert_table(AmdviIotlb *t, uint32_t begin,
                              const AmdviSpace *space, uint64_t addr,
                              const struct amdvi_table *table);

/* Let no walk be remembered that has begun, for what it read has changed */
void amdvi_iotlb_overtake(AmdviIotlb *t);
/* INVALIDATE_IOMMU_ALL */
void amdvi_iotlb_flush_all(AmdviIotlb *t);
/*
 * INVALIDATE_IOMMU_PAGES with GN=0: host translations of the domain in @range,
 * and all nested ones of the domain, whose guest-physical address is not
 * known here.
 */
void amdvi_iotlb_flush_host(AmdviIotlb *t, uint16_t domain_id,
                            struct amdvi_range range);
/* Only the latter */
void amdvi_iotlb_flush_nested(AmdviIotlb *t, uint16_t domain_id);
/* The same with GN=1: translations of the domain and PASID in @range */
void amdvi_iotlb_flush_guest(AmdviIotlb *t, uint16_t domain_id,
                             uint32_t pasid, struct amdvi_range range);

/* Entries there is room for */
static inline uint32_t amdvi_iotlb_entries(const AmdviIotlb *t)
{
    return t->sets * AMDVI_IOTLB_WAYS;
}

/* Copy entry number @index if it is in use */
bool amdvi_iotlb_copy(const AmdviIotlb *t, uint32_t index,
                      AmdviIotlbCopy *copy);

/*
 * Say what was found out about entry @index, if it still is the one that is
 * in @copy: it is stale since @stale_since, in ns of any clock, or sound if
 * that is 0.  The next hit on a stale one is one of amdvi_iotlb_lookup_any().
 */
void amdvi_iotlb_judge(AmdviIotlb *t, uint32_t index,
                       const AmdviIotlbCopy *copy, int64_t stale_since);

/* Whether it may be worth asking amdvi_iotlb_lookup_any() after a miss */
static inline bool amdvi_iotlb_is_doubted(const AmdviIotlb *t)
{
    return qatomic_read(&t->doubted);
}

/*
 * As amdvi_iotlb_lookup(), but with the lock, and entries that were judged
 * stale are found, too.  *@stale_since: since when it is stale; 0 if it is
 * not known to be.  A request that asks for anything makes it count as sound
 * until it is judged again, so that each judgement is told once.
 */
bool amdvi_iotlb_lookup_any(AmdviIotlb *t, const AmdviSpace *space,
                            uint64_t addr, uint8_t need, AmdviIotlbHit *hit,
                            int64_t *stale_since);

#endif
