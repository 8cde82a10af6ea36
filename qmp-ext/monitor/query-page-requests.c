/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-page-requests. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Bytes of one group in a reply, at most */
#define GROUP_BYTES 140
/* What looking through the groups of a device costs, as reads */
#define DEVICE_READS 8

/* The device with the lowest DeviceID from *@id on that has made requests */
static AmdviDevice *next_device(AmdviEngine *e, uint32_t *id)
{
    AmdviDevice *d, *best = NULL;
    uint32_t best_id = UINT32_MAX;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        uint16_t device_id = amdvi_svm_device_id(d);

        if (d->groups && device_id >= *id && device_id < best_id) {
            best_id = device_id;
            best = d;
        }
    }
    *id = best_id;
    return best;
}

static AmdIommuPageRequestGroup *query_group(uint32_t device_id,
                                             unsigned int prg_index,
                                             const AmdviGroup *g)
{
    AmdIommuPageRequestGroup *reply = g_new0(AmdIommuPageRequestGroup, 1);

    reply->device_id = device_id;
    reply->has_pasid = g->pasid != AMDVI_NO_PASID;
    reply->pasid = g->pasid;
    reply->prg_index = prg_index;
    reply->pages = g->pages;
    reply->last = g->last;
    reply->age = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - g->since;
    return reply;
}

/* Groups of one device; false if the budget ends first */
static bool query_device(const AmdviDevice *d, uint32_t device_id,
                         unsigned int first, AmdviBudget *budget,
                         AmdIommuPageRequests *reply,
                         AmdIommuPageRequestGroupList ***tail)
{
    for (unsigned int i = first; i < AMDVI_GROUPS; i++) {
        if (!d->groups[i].open) {
            continue;
        }
        if (!amdvi_qmp_may_reply(budget, GROUP_BYTES)) {
            reply->has_next = true;
            reply->next = device_id * AMDVI_GROUPS + i;
            return false;
        }
        amdvi_qmp_reply(budget, GROUP_BYTES);
        QAPI_LIST_APPEND(*tail, query_group(device_id, i, &d->groups[i]));
    }
    return true;
}

static void query_groups(AmdviEngine *e, uint32_t start, AmdviBudget *budget,
                         AmdIommuPageRequests *reply)
{
    AmdIommuPageRequestGroupList **tail = &reply->groups;
    uint32_t id = start / AMDVI_GROUPS;
    AmdviDevice *d;

    QEMU_LOCK_GUARD(&e->lock);
    for (d = next_device(e, &id); d; id++, d = next_device(e, &id)) {
        unsigned int first = id == start / AMDVI_GROUPS
                             ? start % AMDVI_GROUPS : 0;

        if (budget->reads < DEVICE_READS) {
            reply->has_next = true;
            reply->next = id * AMDVI_GROUPS + first;
            return;
        }
        budget->reads -= DEVICE_READS;
        if (!query_device(d, id, first, budget, reply, &tail)) {
            return;
        }
    }
}

AmdIommuPageRequests *
qmp_query_amd_iommu_page_requests(const char *id,
                                  bool has_start, uint32_t start,
                                  bool has_limit, uint32_t limit,
                                  Error **errp)
{
    AmdIommuPageRequests *reply;
    AmdviBudget budget;
    AmdviEngine *e;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp) ||
        !amdvi_qmp_engine(id, &e, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuPageRequests, 1);
    if (e) {
        query_groups(e, start, &budget, reply);
    }
    return reply;
}
