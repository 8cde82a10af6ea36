/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks that begin where an earlier one has been.
 *
 * The tables that hold leaves are remembered, so that a walk near another one
 * reads one entry.  spec/translation.md 5 says which command makes the IOMMU
 * forget a directory; but with NpCache=0 what software adds counts at once.
 * So a request is only ever refused, or granted less than it asks for, after
 * all entries have been read.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "state.h"

static AmdviSpace space_of(const struct amdvi_table_key *key)
{
    return (AmdviSpace) {
        .domain_id = key->domain_id,
        .guest = key->guest,
        .nested = key->nested,
        .pasid = key->pasid,
    };
}

static bool find(void *opaque, const struct amdvi_table_key *key,
                 struct amdvi_table *table)
{
    AmdviWalk *walk = opaque;
    AmdviSpace space = space_of(key);
    bool found = !walk->afresh &&
                 amdvi_iotlb_find_table(&walk->engine->tables, &space,
                                        key->addr, table);

    walk->skipped |= found;
    return found;
}

static void found(void *opaque, const struct amdvi_table_key *key,
                  const struct amdvi_table *table)
{
    AmdviWalk *walk = opaque;
    AmdviSpace space = space_of(key);

    QEMU_LOCK_GUARD(&walk->engine->lock);
    amdvi_iotlb_insert_table(&walk->engine->tables, walk->begin, &space,
                             key->addr, table);
}

void amdvi_svm_begin_walk(AmdviEngine *e, AmdviWalk *walk, bool probe)
{
    *walk = (AmdviWalk) {
        .mem = probe ? amdvi_svm_mem_read_only : amdvi_svm_mem,
        .cache = { .find = find, .found = found, .opaque = walk },
        .engine = e,
        .begin = amdvi_iotlb_begin(&e->tables),
    };
    /* A probe leaves accessed bits alone, those of directories, too */
    if (!probe) {
        walk->mem.cache = &walk->cache;
    }
}

static bool grants_all(const struct amdvi_request *request,
                       const struct amdvi_result *result)
{
    return result->outcome == AMDVI_OUTCOME_TRANSLATED &&
           !(amdvi_request_perm(request) & ~result->perm);
}

void amdvi_svm_walk_tables(AmdviWalk *walk, const struct amdvi_iommu *view,
                           const uint64_t dte[4],
                           const struct amdvi_request *request,
                           struct amdvi_trace *trace,
                           struct amdvi_result *result)
{
    amdvi_translate_dte(view, &walk->mem, dte, request, trace, result);
    if (walk->skipped && !grants_all(request, result)) {
        walk->skipped = false;
        walk->afresh = true;
        if (trace) {
            trace->count = 0;
        }
        amdvi_translate_dte(view, &walk->mem, dte, request, trace, result);
    }
}
