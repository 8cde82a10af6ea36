/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hit needs to know of a DTE, and how it is found: inline, as
 * iotlb-lookup.h.
 */
#ifndef AMDVI_SVM_DTE_LOOKUP_H
#define AMDVI_SVM_DTE_LOOKUP_H

#include "dte-cache.h"

/* AmdviDteCache.summary, so that a hit loads it at once */
#define SUMMARY_DEVICE_ID 0xffffULL
#define SUMMARY_DOMAIN_ID_SHIFT 16
#define SUMMARY_PASID_BITS_SHIFT 32
#define SUMMARY_PASID_BITS 0x1fULL
#define SUMMARY_PERM_SHIFT 40
#define SUMMARY_PERM 0x7ULL
#define SUMMARY_GUEST (1ULL << 48)
#define SUMMARY_GIOV (1ULL << 49)
#define SUMMARY_HOST (1ULL << 50)
#define SUMMARY_ATS (1ULL << 51)
/* amdvi_tlb_kind() of requests without PASID; 0 if no table serves them */
#define SUMMARY_KIND_SHIFT 52
#define SUMMARY_KIND 0xfULL
#define SUMMARY_VALID (1ULL << 63)

/* Where ordinary DMA goes: AmdviPath in fewer words */
typedef struct AmdviPlainPath {
    uint64_t kind;              /* amdvi_tlb_kind() */
    uint16_t domain_id;
    uint8_t perm;               /* AMDVI_PERM_* */
} AmdviPlainPath;

/* What the DTE permits, in AMDVI_PERM_* */
static inline uint8_t amdvi_dte_perm(uint64_t summary)
{
    return summary >> SUMMARY_PERM_SHIFT & SUMMARY_PERM;
}

/* The summary of the entry if it is for @device_id and nothing dropped it */
static inline bool amdvi_dte_load_summary(const AmdviDteCache *c,
                                          const AmdviDteClock *clock,
                                          uint16_t device_id, uint32_t seq,
                                          uint64_t *summary)
{
    uint64_t time = qatomic_load_acquire(&c->time);

    *summary = qatomic_load_acquire(&c->summary);
    return !(seq & 1) && time >= qatomic_load_acquire(&clock->all) &&
           *summary & SUMMARY_VALID &&
           (*summary & SUMMARY_DEVICE_ID) == device_id;
}

/* translation.md 2: which tables serve a request */
static inline bool amdvi_dte_select_space(uint64_t summary, uint32_t pasid,
                                          AmdviSpace *space)
{
    uint64_t bits = summary >> SUMMARY_PASID_BITS_SHIFT & SUMMARY_PASID_BITS;

    if (pasid == AMDVI_NO_PASID) {
        space->guest = summary & SUMMARY_GIOV;
        pasid = 0;
    } else {
        space->guest = summary & SUMMARY_GUEST;
        if (!space->guest || pasid >> bits) {
            return false;
        }
    }
    space->pasid = pasid;
    space->nested = space->guest && summary & SUMMARY_HOST;
    space->priv = false;
    space->domain_id = (uint16_t)(summary >> SUMMARY_DOMAIN_ID_SHIFT);
    return true;
}

/* Find the path of a request with @pasid; false: it has to be judged */
static inline bool amdvi_dte_cache_path(const AmdviDteCache *c,
                                        const AmdviDteClock *clock,
                                        uint16_t device_id, uint32_t pasid,
                                        AmdviPath *path)
{
    uint32_t seq = qatomic_load_acquire(&c->seq);
    uint64_t summary;

    if (!amdvi_dte_load_summary(c, clock, device_id, seq, &summary) ||
        qatomic_read(&c->seq) != seq ||
        !amdvi_dte_select_space(summary, pasid, &path->space)) {
        return false;
    }
    path->perm = amdvi_dte_perm(summary);
    path->identity = !path->space.guest && !(summary & SUMMARY_HOST);
    path->ats = summary & SUMMARY_ATS;
    return true;
}

/* The same for requests without PASID that tables serve */
static inline QEMU_ALWAYS_INLINE
bool amdvi_dte_cache_plain(const AmdviDteCache *c, const AmdviDteClock *clock,
                           uint16_t device_id, AmdviPlainPath *path)
{
    uint32_t seq = qatomic_load_acquire(&c->seq);
    uint64_t summary;

    if (!amdvi_dte_load_summary(c, clock, device_id, seq, &summary) ||
        qatomic_read(&c->seq) != seq) {
        return false;
    }
    path->kind = summary >> SUMMARY_KIND_SHIFT & SUMMARY_KIND;
    path->domain_id = (uint16_t)(summary >> SUMMARY_DOMAIN_ID_SHIFT);
    path->perm = amdvi_dte_perm(summary);
    return path->kind;
}

#endif
