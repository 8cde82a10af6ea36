/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-stats. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Bytes of one row in a reply, at most */
#define SOURCE_BYTES 420
/* What finding the next row costs, as reads */
#define SOURCE_READS 16

static void fill_counters(AmdIommuCounters *reply, const AmdviCounters *c)
{
    reply->hits = c->count[AMDVI_COUNT_HITS];
    reply->misses = c->count[AMDVI_COUNT_MISSES];
    reply->requests = reply->hits + reply->misses;
    reply->faults = c->count[AMDVI_COUNT_FAULTS];
    reply->page_requests = c->count[AMDVI_COUNT_PAGE_REQUESTS];
    reply->responses = c->count[AMDVI_COUNT_RESPONSES];
    reply->invalidations = c->count[AMDVI_COUNT_INVALIDATIONS];
    reply->latency_sum = c->latency_sum;
    reply->latency_max = c->latency_max;
}

static void fill_iotlb(AmdIommuIotlbCounters *reply, const AmdviIotlb *t)
{
    reply->size = amdvi_iotlb_entries(t);
    reply->fills = t->count.fills;
    reply->refused = t->count.refused;
    reply->replaced = t->count.replaced;
    reply->displaced = t->count.displaced;
    reply->flushes = t->count.flushes;
}

static AmdIommuIotlbCounters *query_iotlb(AmdviEngine *e)
{
    AmdIommuIotlbCounters *reply = g_new0(AmdIommuIotlbCounters, 1);

    fill_iotlb(reply, &e->iotlb);
    return reply;
}

static AmdIommuTableCounters *query_tables(AmdviEngine *e)
{
    AmdIommuTableCounters *reply = g_new0(AmdIommuTableCounters, 1);

    fill_iotlb(qapi_AmdIommuTableCounters_base(reply), &e->tables);
    reply->hits = e->table_hits;
    return reply;
}

/* The next row: a device, or a PASID of *@device_id if @pasids */
static bool next_source(const AmdviStats *s, bool pasids, uint32_t *device_id,
                        uint64_t *at, const AmdviCounters **c)
{
    if (pasids) {
        return amdvi_stats_next_pasid(s, *device_id, at, c);
    }
    *device_id = *at;
    if (!amdvi_stats_next_device(s, device_id, c)) {
        return false;
    }
    *at = *device_id;
    return true;
}

static void query_sources(const AmdviStats *s, bool pasids,
                          uint32_t device_id, uint64_t at,
                          AmdviBudget *budget, AmdIommuStats *reply)
{
    AmdIommuSourceCountersList **tail = &reply->sources;
    const AmdviCounters *c;

    for (; at <= UINT32_MAX && next_source(s, pasids, &device_id, &at, &c);
         at++) {
        AmdIommuSourceCounters *row;

        if (budget->reads < SOURCE_READS ||
            !amdvi_qmp_may_reply(budget, SOURCE_BYTES)) {
            reply->has_next = true;
            reply->next = at;
            return;
        }
        budget->reads -= SOURCE_READS;
        row = g_new0(AmdIommuSourceCounters, 1);
        fill_counters(qapi_AmdIommuSourceCounters_base(row), c);
        row->device_id = device_id;
        row->has_pasid = pasids && at != AMDVI_NO_PASID;
        row->pasid = at;
        amdvi_qmp_reply(budget, SOURCE_BYTES);
        QAPI_LIST_APPEND(tail, row);
    }
}

AmdIommuStats *qmp_query_amd_iommu_stats(bool has_device_id,
                                         uint16_t device_id, const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    AmdIommuStats *reply;
    AmdviBudget budget;
    AmdviEngine *e;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp) ||
        !amdvi_qmp_engine(id, &e, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuStats, 1);
    if (!e) {
        return reply;
    }
    amdvi_svm_fold_stats(e);
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        reply->total = g_new0(AmdIommuCounters, 1);
        fill_counters(reply->total, &e->stats.total);
        reply->iotlb = query_iotlb(e);
        reply->tables = query_tables(e);
        query_sources(&e->stats, has_device_id, device_id, start, &budget,
                      reply);
    }
    return reply;
}
