/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caches of the IOMMU at work: what requests find there, what walks leave
 * there, and what removes it.  spec/translation.md 5.
 *
 * A hit takes no lock.  A walk reads its tables without one, too, and asks
 * for the time before it does: what it found is not remembered if anything
 * was invalidated since.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "qemu/timer.h"
#include "hit.h"
#include "pmu.h"
#include "state.h"
#include "trace.h"

/* Tables are remembered one for so many translations */
#define TABLE_SHARE 4

void amdvi_svm_init_caches(AmdviEngine *e)
{
    amdvi_iotlb_init(&e->iotlb, e->s->svm.iotlb_size);
    amdvi_iotlb_init(&e->tables, MAX(e->s->svm.iotlb_size / TABLE_SHARE,
                                     AMDVI_IOTLB_MIN));
    amdvi_dte_clock_init(&e->dte_clock);
    amdvi_recorder_init(&e->recorder, AMDVI_RECORDS);
    amdvi_stats_init(&e->stats);
}

bool amdvi_svm_find_stale(AmdviEngine *e, const struct amdvi_request *r,
                          const AmdviSpace *space, AmdviIotlbHit *hit)
{
    uint8_t need = amdvi_request_perm(r);
    int64_t since;

    QEMU_LOCK_GUARD(&e->lock);
    if (!amdvi_iotlb_lookup_any(&e->iotlb, space, r->addr, need, hit,
                                &since)) {
        return false;
    }
    if (since) {
        amdvi_svm_record_stale_hit(e, r->device_id, r->pasid, need, r->addr,
                                   since);
    }
    return true;
}

void amdvi_svm_count_hit(AmdviDevice *d, uint16_t device_id, uint32_t pasid)
{
    QEMU_LOCK_GUARD(&d->engine->lock);
    amdvi_stats_hit(&d->engine->stats, &d->hit_source, device_id, pasid);
}

void amdvi_svm_judge(AmdviEngine *e, uint32_t index,
                     const AmdviIotlbCopy *copy, int64_t stale_since)
{
    QEMU_LOCK_GUARD(&e->lock);
    amdvi_iotlb_judge(&e->iotlb, index, copy, stale_since);
}

void amdvi_svm_fold_stats(AmdviEngine *e)
{
    QEMU_LOCK_GUARD(&e->lock);
    amdvi_stats_fold(&e->stats);
}

void amdvi_svm_reset_stats(AmdviEngine *e)
{
    QEMU_LOCK_GUARD(&e->lock);
    amdvi_stats_reset(&e->stats);
    e->iotlb.count = (AmdviIotlbCounters) { 0 };
    e->tables.count = (AmdviIotlbCounters) { 0 };
    e->table_hits = 0;
}

/* A result as the walk gives it, from what the caches say */
static void hit_to_result(const struct amdvi_request *request,
                          const AmdviPath *path, const AmdviIotlbHit *hit,
                          struct amdvi_result *result)
{
    const AmdviSpace *space = &path->space;

    *result = (struct amdvi_result) {
        .outcome = request->kind == AMDVI_REQUEST_TRANSLATED
                   ? AMDVI_OUTCOME_FORWARDED : AMDVI_OUTCOME_TRANSLATED,
        .addr = hit->addr,
        .page_shift = hit->page_shift,
        .perm = hit->perm,
        .priv = space->guest && space->priv,
        .untranslated_only = hit->untranslated_only,
        .force_coherent = hit->force_coherent,
        .global = hit->global,
        .guest = space->guest,
        .nested = space->nested,
        .pasid = space->guest ? space->pasid : AMDVI_NO_PASID,
        .domain_id = space->domain_id,
    };
}

/*
 * Remember the DTE that was read since @begin.  Hits are counted for the
 * DeviceID of this entry, so with another one they are somebody else's.
 */
static void fill_dte(AmdviDevice *d, uint16_t device_id, uint64_t begin,
                     const struct amdvi_iommu *view, const uint64_t dte[4])
{
    AmdviEngine *e = d->engine;
    uint16_t owner;

    QEMU_LOCK_GUARD(&e->lock);
    if (!amdvi_dte_cache_owner(&d->dte_cache, &owner) || owner != device_id) {
        amdvi_stats_new_source(&d->hit_source);
    }
    amdvi_dte_cache_fill(&d->dte_cache, &e->dte_clock, begin, device_id, view,
                         dte);
}

/* Tell the performance counters what became of looking for a DTE */
static void count_dte(AmdviDevice *d, const struct amdvi_request *request,
                      const uint64_t dte[4], unsigned int event)
{
    if (amdvi_svm_pmu_is_on(d->engine)) {
        amdvi_svm_pmu_dte(d, request, dte, event);
    }
}

/*
 * Get the DTE for a request, cached or not.  False if the request ends here:
 * for want of a DTE, or because that was all that was missing in the caches.
 */
static bool get_dte(AmdviDevice *d, const struct amdvi_request *request,
                    const struct amdvi_iommu *view, uint64_t begin,
                    uint64_t dte[4], struct amdvi_result *result)
{
    AmdviPath path;
    AmdviIotlbHit hit;

    if (amdvi_dte_cache_copy(&d->dte_cache, &d->engine->dte_clock,
                             request->device_id, dte)) {
        count_dte(d, request, dte, AMDVI_pmu_event_dte_hit);
        return true;
    }
    if (!amdvi_svm_fetch_dte(view, request, dte, result)) {
        if (amdvi_svm_pmu_is_on(d->engine)) {
            amdvi_svm_pmu_no_dte(d, request, result);
        }
        return false;
    }
    fill_dte(d, request->device_id, begin, view, dte);
    if (amdvi_svm_serve_cached(d, request, &path, &hit,
                               AMDVI_pmu_event_dte_miss)) {
        hit_to_result(request, &path, &hit, result);
        return false;
    }
    count_dte(d, request, dte, AMDVI_pmu_event_dte_miss);
    return true;
}

/* Remember what a walk that began at @begin has found */
static void fill_pages(const AmdviWalk *walk, const struct amdvi_request *r,
                       uint32_t begin, const struct amdvi_result *result)
{
    AmdviEngine *e = walk->engine;

    QEMU_LOCK_GUARD(&e->lock);
    e->table_hits += walk->skipped;
    amdvi_stats_add(&e->stats, r->device_id, r->pasid, AMDVI_COUNT_MISSES, 1);
    amdvi_iotlb_insert(&e->iotlb, begin, r->addr, result);
}

void amdvi_svm_walk(AmdviDevice *d, const struct amdvi_request *request,
                    struct amdvi_result *result)
{
    AmdviEngine *e = d->engine;
    bool probe = !amdvi_request_perm(request);
    uint64_t begin_dte = amdvi_dte_cache_begin(&e->dte_clock);
    uint32_t begin_pages = amdvi_iotlb_begin(&e->iotlb);
    struct amdvi_iommu view;
    uint64_t dte[4];
    AmdviWalk walk;

    /* Last: tables are forgotten before pages are */
    amdvi_svm_begin_walk(e, &walk, probe);
    amdvi_svm_view(e->s, &view);
    if (!get_dte(d, request, &view, begin_dte, dte, result)) {
        return;
    }
    if (amdvi_svm_pmu_is_on(e)) {
        amdvi_svm_pmu_walk(&walk, &view, dte, request, result);
    } else {
        amdvi_svm_walk_tables(&walk, &view, dte, request, NULL, result);
    }
    /* A probe leaves accessed bits alone: it must not make hits of others */
    if (!probe) {
        fill_pages(&walk, request, begin_pages, result);
    }
}

void amdvi_svm_translate(AmdviDevice *d, const struct amdvi_request *request,
                         struct amdvi_result *result)
{
    AmdviPath path;
    AmdviIotlbHit hit;

    if (amdvi_svm_find_cached(d, request, &path, &hit)) {
        hit_to_result(request, &path, &hit, result);
    } else {
        amdvi_svm_walk(d, request, result);
    }
}

/*
 * Tables have been dropped.  Those of guests are found through those of
 * hosts, so a walk that began meanwhile may still have met what is gone.
 */
static void tables_dropped(AmdviEngine *e)
{
    amdvi_iotlb_overtake(&e->tables);
}

/*
 * Forget all directories.  Always before pages are forgotten: a walk that
 * begins after that must not find a page by way of an old directory.
 */
static void drop_all_tables(AmdviEngine *e)
{
    amdvi_iotlb_flush_all(&e->tables);
    tables_dropped(e);
}

void amdvi_svm_drop_dte(AmdviEngine *e, uint16_t device_id)
{
    AmdviDevice *d;

    QEMU_LOCK_GUARD(&e->lock);
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        amdvi_dte_cache_drop(&d->dte_cache, &e->dte_clock, device_id);
    }
    /* It has the roots, and says whether accessed bits are set */
    drop_all_tables(e);
    amdvi_iotlb_overtake(&e->iotlb);
}

/* Guest directories are read through the host table, PDE or not */
static void drop_tables(AmdviEngine *e, uint16_t domain_id, uint32_t pasid,
                        struct amdvi_range range, bool directories)
{
    if (!directories) {
        if (pasid == AMDVI_NO_PASID) {
            amdvi_iotlb_flush_nested(&e->tables, domain_id);
        }
    } else if (pasid == AMDVI_NO_PASID) {
        amdvi_iotlb_flush_host(&e->tables, domain_id, range);
    } else {
        amdvi_iotlb_flush_guest(&e->tables, domain_id, pasid, range);
    }
    tables_dropped(e);
}

void amdvi_svm_drop_pages(AmdviEngine *e, uint16_t domain_id, uint32_t pasid,
                          struct amdvi_range range, bool directories)
{
    QEMU_LOCK_GUARD(&e->lock);
    drop_tables(e, domain_id, pasid, range, directories);
    if (pasid == AMDVI_NO_PASID) {
        amdvi_iotlb_flush_host(&e->iotlb, domain_id, range);
    } else {
        amdvi_iotlb_flush_guest(&e->iotlb, domain_id, pasid, range);
    }
}

void amdvi_svm_drop_all(AmdviEngine *e)
{
    QEMU_LOCK_GUARD(&e->lock);
    amdvi_dte_clock_flush(&e->dte_clock);
    drop_all_tables(e);
    amdvi_iotlb_flush_all(&e->iotlb);
}

/* Bits of control that decide what walks do, not only which DTE they use */
static uint64_t walk_control(const struct amdvi_iommu *view)
{
    const uint64_t *control = &view->control;

    return amdvi_control_iommu_en(control) |
           amdvi_control_gt_en(control) << 1 |
           amdvi_control_ga_update_dis(control) << 2 |
           amdvi_control_gd_update_dis(control) << 3 |
           amdvi_control_gcr3_trp_mode(control) << 4;
}

void amdvi_svm_registers_changed(AmdviEngine *e,
                                 const struct amdvi_iommu *old)
{
    amdvi_dte_clock_flush(&e->dte_clock);
    drop_all_tables(e);
    amdvi_iotlb_overtake(&e->iotlb);
    if (walk_control(old) != walk_control(&e->view)) {
        amdvi_iotlb_flush_all(&e->iotlb);
    }
}
