/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-iotlb. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Bytes of one entry in a reply, at most */
#define ENTRY_BYTES 280
/* Entries that are looked at for one reply */
#define ENTRIES_MAX 16384

static AmdIommuIotlbEntry *query_entry(const AmdviIotlbCopy *copy)
{
    AmdIommuIotlbEntry *reply = g_new0(AmdIommuIotlbEntry, 1);

    reply->domain_id = copy->space.domain_id;
    reply->has_pasid = copy->space.guest;
    reply->pasid = copy->space.pasid;
    reply->nested = copy->space.nested;
    reply->privileged = copy->space.priv;
    reply->address = copy->addr;
    reply->page_shift = copy->out.page_shift;
    reply->output = copy->out.addr;
    reply->read = copy->out.perm & AMDVI_PERM_R;
    reply->write = copy->out.perm & AMDVI_PERM_W;
    reply->exec = copy->out.perm & AMDVI_PERM_X;
    return reply;
}

static void query_entries(const AmdviIotlb *t, uint32_t start,
                          AmdviBudget *budget, AmdIommuIotlb *reply)
{
    AmdIommuIotlbEntryList **tail = &reply->entries;
    uint32_t count = amdvi_iotlb_entries(t);
    AmdviIotlbCopy copy;

    for (uint32_t i = start; i < count; i++) {
        if (i - start == ENTRIES_MAX ||
            !amdvi_qmp_may_reply(budget, ENTRY_BYTES)) {
            reply->has_next = true;
            reply->next = i;
            return;
        }
        if (amdvi_iotlb_copy(t, i, &copy)) {
            amdvi_qmp_reply(budget, ENTRY_BYTES);
            QAPI_LIST_APPEND(tail, query_entry(&copy));
        }
    }
}

AmdIommuIotlb *qmp_query_amd_iommu_iotlb(const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    AmdIommuIotlb *reply;
    AmdviBudget budget;
    AmdviEngine *e;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp) ||
        !amdvi_qmp_engine(id, &e, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuIotlb, 1);
    if (e) {
        query_entries(&e->iotlb, start, &budget, reply);
    }
    return reply;
}
