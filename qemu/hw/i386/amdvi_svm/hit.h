/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request finds in the caches: on the way of every access, so inline.
 * For ordinary DMA, whose kind and PASID are constants, the compiler leaves
 * out most of it, and keeps the rest in registers.
 */
#ifndef AMDVI_SVM_HIT_H
#define AMDVI_SVM_HIT_H

#include "dte-lookup.h"
#include "iotlb-lookup.h"
#include "pmu.h"

/*
 * cache.c: find what was judged stale.  It is served like the rest, as
 * hardware does, but told.  Takes the lock
 */
bool amdvi_svm_find_stale(AmdviEngine *e, const struct amdvi_request *r,
                          const AmdviSpace *space, AmdviIotlbHit *hit);
/* Count a hit for which the calling thread has no counter yet */
void amdvi_svm_count_hit(AmdviDevice *d, uint16_t device_id, uint32_t pasid);

/*
 * Interrupt messages are no memory accesses.  With a PASID only an address
 * that is already translated can be one.
 */
static inline bool amdvi_svm_may_be_interrupt(const struct amdvi_request *r)
{
    return r->addr - AMDVI_INT_ADDR_FIRST < AMDVI_INT_ADDR_SIZE &&
           (r->pasid == AMDVI_NO_PASID ||
            r->kind == AMDVI_REQUEST_TRANSLATED);
}

/* Without tables, or with their work done, an address stays as it is */
static inline void amdvi_svm_pass(const struct amdvi_request *r, uint8_t perm,
                                  AmdviIotlbHit *hit)
{
    *hit = (AmdviIotlbHit) {
        .addr = r->addr,
        .page_shift = 64,
        .perm = perm & (AMDVI_PERM_R | AMDVI_PERM_W),
    };
}

static inline QEMU_ALWAYS_INLINE
bool amdvi_svm_look_up(AmdviDevice *d, const struct amdvi_request *r,
                       AmdviPath *path, AmdviIotlbHit *hit)
{
    AmdviEngine *e = d->engine;
    uint8_t need = amdvi_request_perm(r);

    if (amdvi_svm_may_be_interrupt(r) ||
        !amdvi_dte_cache_path(&d->dte_cache, &e->dte_clock, r->device_id,
                              r->pasid, path) ||
        (r->kind != AMDVI_REQUEST_DMA && !path->ats)) {
        return false;
    }
    if (r->kind == AMDVI_REQUEST_TRANSLATED) {
        amdvi_svm_pass(r, AMDVI_PERM_R | AMDVI_PERM_W, hit);
        return true;
    }
    if ((need & path->perm) != need || !path->perm) {
        return false;
    }
    if (path->identity) {
        amdvi_svm_pass(r, path->perm, hit);
    } else {
        path->space.priv = r->priv && r->pasid != AMDVI_NO_PASID;
        if (!amdvi_iotlb_lookup(&e->iotlb, &path->space, r->addr, need, hit) &&
            !(amdvi_iotlb_is_doubted(&e->iotlb) &&
              amdvi_svm_find_stale(e, r, &path->space, hit))) {
            return false;
        }
        hit->perm &= path->perm;
    }
    if (r->kind == AMDVI_REQUEST_ATS) {
        hit->perm &= need;
    }
    return true;
}

/* Serve a request from the caches; @dte_event is how its DTE got there */
static inline QEMU_ALWAYS_INLINE
bool amdvi_svm_serve_cached(AmdviDevice *d, const struct amdvi_request *r,
                            AmdviPath *path, AmdviIotlbHit *hit,
                            unsigned int dte_event)
{
    if (!amdvi_svm_look_up(d, r, path, hit)) {
        return false;
    }
    if (!amdvi_stats_hit_fast(&d->hit_source, r->pasid)) {
        amdvi_svm_count_hit(d, r->device_id, r->pasid);
    }
    if (amdvi_svm_pmu_is_on(d->engine)) {
        struct amdvi_request request = *r;
        AmdviPath copy = *path;

        amdvi_svm_pmu_hit(d, &request, &copy, dte_event);
    }
    return true;
}

/*
 * Takes no lock and has no side effect but to count.  If it does not know what
 * becomes of the request, amdvi_svm_walk() does.
 */
static inline QEMU_ALWAYS_INLINE
bool amdvi_svm_find_cached(AmdviDevice *d, const struct amdvi_request *r,
                           AmdviPath *path, AmdviIotlbHit *hit)
{
    return amdvi_svm_serve_cached(d, r, path, hit, AMDVI_pmu_event_dte_hit);
}

/*
 * The same for ordinary DMA that finds a page of the smallest size, which is
 * nearly all there is.  False: somebody wants to know more of it, or it has to
 * be looked for otherwise.  @need: AMDVI_PERM_*
 */
static inline QEMU_ALWAYS_INLINE
bool amdvi_svm_find_small(AmdviDevice *d, uint64_t addr, uint8_t need,
                          AmdviIotlbHit *hit)
{
    AmdviEngine *e = d->engine;
    AmdviPlainPath path;

    if (amdvi_svm_pmu_is_on(e) || !need ||
        addr - AMDVI_INT_ADDR_FIRST < AMDVI_INT_ADDR_SIZE ||
        !amdvi_dte_cache_plain(&d->dte_cache, &e->dte_clock,
                               amdvi_svm_device_id(d), &path) ||
        !amdvi_iotlb_lookup_small(&e->iotlb, path.kind, path.domain_id, addr,
                                  hit)) {
        return false;
    }
    hit->perm &= path.perm & (AMDVI_PERM_R | AMDVI_PERM_W);
    return !(need & ~hit->perm) && amdvi_stats_plain_hit_fast(&d->hit_source);
}

#endif
