/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DTE cache: one entry for each source of requests, tagged with the
 * DeviceID it was read for.  Requests look into it with dte-lookup.h.
 *
 * Next to the DTE it holds what a hit needs to know of it.  Lookups take no
 * lock, all else needs the lock of the engine.
 */
#ifndef AMDVI_SVM_DTE_CACHE_H
#define AMDVI_SVM_DTE_CACHE_H

#include "portable.h"
#include "iotlb.h"

typedef struct AmdviDteCache {
    uint32_t seq;
    uint64_t time;              /* of AmdviDteClock; 0: nothing is cached */
    uint64_t summary;
    uint64_t dte[4];
} AmdviDteCache;

/* Time of all DTE caches of an IOMMU; advances with each invalidation */
typedef struct AmdviDteClock {
    uint64_t now;               /* of any invalidation */
    uint64_t all;               /* of the last one of all entries */
} AmdviDteClock;

/* Where requests go, and what the DTE permits */
typedef struct AmdviPath {
    AmdviSpace space;
    uint8_t perm;               /* AMDVI_PERM_* */
    bool identity;              /* no tables: output is input */
    bool ats;                   /* translation requests are allowed */
} AmdviPath;

/* To be called once, before the first entry is filled */
void amdvi_dte_clock_init(AmdviDteClock *clock);
/* INVALIDATE_IOMMU_ALL, and whenever registers change what DTEs mean */
void amdvi_dte_clock_flush(AmdviDteClock *clock);

/* To be taken before the DTE is read that goes to amdvi_dte_cache_fill() */
static inline uint64_t amdvi_dte_cache_begin(const AmdviDteClock *clock)
{
    return qatomic_load_acquire(&clock->now);
}

/*
 * Remember @dte, read since @begin for @device_id, if it is one whose
 * requests can be served without looking at it again, and if nothing was
 * invalidated since.
 */
void amdvi_dte_cache_fill(AmdviDteCache *c, const AmdviDteClock *clock,
                          uint64_t begin, uint16_t device_id,
                          const struct amdvi_iommu *iommu,
                          const uint64_t dte[4]);
/* INVALIDATE_DEVTAB_ENTRY: to be called for each cache of the IOMMU */
void amdvi_dte_cache_drop(AmdviDteCache *c, AmdviDteClock *clock,
                          uint16_t device_id);

/* DeviceID that the entry is for; false if nothing was cached yet */
bool amdvi_dte_cache_owner(const AmdviDteCache *c, uint16_t *device_id);

/* Whether the last DTE that was cached, dropped or not, had the DomainID */
bool amdvi_dte_cache_had(const AmdviDteCache *c, uint16_t domain_id);

/* Copy the DTE */
bool amdvi_dte_cache_copy(const AmdviDteCache *c, const AmdviDteClock *clock,
                          uint16_t device_id, uint64_t dte[4]);

#endif
