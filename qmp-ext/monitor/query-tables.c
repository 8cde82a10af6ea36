/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-gcr3 and query-amd-iommu-mappings. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Bytes of one row in a reply, at most */
#define PASID_BYTES 110
#define MAPPING_BYTES 240

/* What is looked at: the DTE and the registers, as they are now */
typedef struct Tables {
    struct amdvi_iommu view;
    struct amdvi_mem mem;
    struct amdvi_request request;
    uint64_t dte[4];
} Tables;

/* False if requests of the device do not get as far as a DTE */
static bool open_tables(Tables *t, AMDVIState *s, uint16_t device_id,
                        AmdviBudget *budget)
{
    struct amdvi_result result;

    amdvi_svm_view(s, &t->view);
    t->mem = amdvi_qmp_mem(budget);
    t->request.device_id = device_id;
    return amdvi_fetch_dte(&t->view, &t->mem, &t->request, t->dte, NULL,
                           &result);
}

/*
 * Find a valid entry from *@pasid on, which moves there.  False: there is
 * none, or *@pasid is where to go on with another budget.
 */
static bool next_pasid(Tables *t, const AmdviBudget *budget, uint64_t *pasid,
                       struct amdvi_pasid_probe *probe)
{
    while (*pasid <= AMDVI_MAX_PASID && amdvi_qmp_may_walk(budget)) {
        amdvi_probe_pasid(&t->view, &t->mem, t->dte, t->request.device_id,
                          *pasid, probe);
        if (probe->valid) {
            return true;
        }
        *pasid = probe->last + 1ULL;
    }
    return false;
}

static void query_pasids(Tables *t, uint32_t start, AmdviBudget *budget,
                         AmdIommuPasids *reply)
{
    AmdIommuPasidList **tail = &reply->entries;
    struct amdvi_pasid_probe probe;
    uint64_t pasid = start;

    while (next_pasid(t, budget, &pasid, &probe) &&
           amdvi_qmp_may_reply(budget, PASID_BYTES)) {
        AmdIommuPasid *entry = g_new0(AmdIommuPasid, 1);

        entry->pasid = probe.first;
        entry->address = probe.spa;
        entry->entry = probe.entry;
        amdvi_qmp_reply(budget, PASID_BYTES);
        QAPI_LIST_APPEND(tail, entry);
        pasid = probe.last + 1ULL;
    }
    reply->has_next = pasid <= AMDVI_MAX_PASID;
    reply->next = pasid;
}

AmdIommuPasids *qmp_query_amd_iommu_gcr3(uint16_t device_id, const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);
    Tables t = { .request = { .pasid = AMDVI_NO_PASID } };
    AmdIommuPasids *reply;
    AmdviBudget budget;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuPasids, 1);
    if (s && start <= AMDVI_MAX_PASID &&
        open_tables(&t, s, device_id, &budget)) {
        query_pasids(&t, start, &budget, reply);
    }
    reply->reads = budget.done;
    return reply;
}

static AmdIommuMapping *query_mapping(const struct amdvi_mapping *m)
{
    AmdIommuMapping *mapping = g_new0(AmdIommuMapping, 1);

    mapping->first = m->first;
    mapping->last = m->last;
    mapping->output = m->output;
    mapping->page_shift = m->page_shift;
    mapping->read = m->perm & AMDVI_PERM_R;
    mapping->write = m->perm & AMDVI_PERM_W;
    mapping->exec = m->perm & AMDVI_PERM_X;
    mapping->accessed = m->accessed;
    mapping->dirty = m->dirty;
    return mapping;
}

/*
 * Collect mappings from t->request.addr on.  *@range is the one that may
 * still grow.  Returns false if the budget ends first, or *@range does not
 * fit into the reply.
 */
static bool collect(Tables *t, AmdviBudget *budget,
                    struct amdvi_mapping *range, AmdIommuMappingList ***tail)
{
    struct amdvi_mapping next = { 0 };

    do {
        if (!amdvi_qmp_may_walk(budget)) {
            return false;
        }
        amdvi_probe_mapping(&t->view, &t->mem, t->dte, &t->request, &next);
        t->request.addr = next.last + 1;
        if (amdvi_mapping_join(range, &next)) {
            continue;
        }
        if (range->found) {
            amdvi_qmp_reply(budget, MAPPING_BYTES);
            QAPI_LIST_APPEND(*tail, query_mapping(range));
        }
        *range = next;
        if (range->found && !amdvi_qmp_may_reply(budget, MAPPING_BYTES)) {
            return false;
        }
    } while (next.last != UINT64_MAX);
    return true;
}

static void query_mappings(Tables *t, AmdviBudget *budget,
                           AmdIommuMappings *reply)
{
    AmdIommuMappingList **tail = &reply->mappings;
    struct amdvi_mapping range = { 0 };
    bool complete = collect(t, budget, &range, &tail);
    bool fits = amdvi_qmp_may_reply(budget, MAPPING_BYTES);

    /* A range that does not fit any more is looked for again */
    reply->has_next = !complete || (range.found && !fits);
    reply->next = range.found && !fits ? range.first : t->request.addr;
    if (range.found && fits) {
        QAPI_LIST_APPEND(tail, query_mapping(&range));
    }
}

AmdIommuMappings *
qmp_query_amd_iommu_mappings(uint16_t device_id, bool has_pasid,
                             uint32_t pasid, bool has_privileged,
                             bool privileged, const char *id,
                             bool has_start, uint64_t start,
                             bool has_limit, uint32_t limit, Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);
    Tables t = { .request = { .addr = start & ~0xfffULL } };
    AmdIommuMappings *reply;
    AmdviBudget budget;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp) ||
        !amdvi_qmp_pasid(has_pasid, pasid, has_privileged && privileged,
                         &t.request, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuMappings, 1);
    if (s && open_tables(&t, s, device_id, &budget)) {
        query_mappings(&t, &budget, reply);
    }
    reply->reads = budget.done;
    return reply;
}
