/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-trace. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Bytes of one record in a reply, at most */
#define RECORD_BYTES 280

static const AmdIommuRecordKind kinds[AMDVI_NUM_RECORD_KINDS] = {
    [AMDVI_RECORD_COMMAND] = AMD_IOMMU_RECORD_KIND_COMMAND,
    [AMDVI_RECORD_EVENT] = AMD_IOMMU_RECORD_KIND_EVENT,
    [AMDVI_RECORD_PAGE_REQUEST] = AMD_IOMMU_RECORD_KIND_PAGE_REQUEST,
    [AMDVI_RECORD_PAGE_RESPONSE] = AMD_IOMMU_RECORD_KIND_PAGE_RESPONSE,
    [AMDVI_RECORD_FAULT] = AMD_IOMMU_RECORD_KIND_FAULT,
    [AMDVI_RECORD_INVALIDATION] = AMD_IOMMU_RECORD_KIND_INVALIDATION,
    [AMDVI_RECORD_REGISTER] = AMD_IOMMU_RECORD_KIND_REGISTER,
    [AMDVI_RECORD_OVERFLOW] = AMD_IOMMU_RECORD_KIND_OVERFLOW,
    [AMDVI_RECORD_STALE_HIT] = AMD_IOMMU_RECORD_KIND_STALE_HIT,
};

static AmdIommuRecord *query_record(const AmdviRecord *r)
{
    AmdIommuRecord *reply = g_new0(AmdIommuRecord, 1);

    reply->number = r->number;
    reply->time = r->time;
    reply->kind = kinds[r->kind];
    reply->has_device_id = r->device_id != AMDVI_RECORD_NO_DEVICE;
    reply->device_id = r->device_id;
    reply->has_pasid = r->pasid != AMDVI_NO_PASID;
    reply->pasid = r->pasid;
    QAPI_LIST_PREPEND(reply->words, r->words[1]);
    QAPI_LIST_PREPEND(reply->words, r->words[0]);
    reply->detail = r->detail;
    if (r->kind == AMDVI_RECORD_FAULT) {
        reply->reason = g_strdup(amdvi_reason_word(r->detail));
    }
    return reply;
}

static void query_records(const AmdviRecorder *recorder, uint64_t from,
                          AmdviBudget *budget, AmdIommuTrace *reply)
{
    AmdIommuRecordList **tail = &reply->records;
    AmdviRecord r;

    for (; amdvi_recorder_read(recorder, from, &r); from = r.number + 1) {
        if (!amdvi_qmp_may_reply(budget, RECORD_BYTES)) {
            reply->has_next = true;
            reply->next = r.number;
            return;
        }
        amdvi_qmp_reply(budget, RECORD_BYTES);
        QAPI_LIST_APPEND(tail, query_record(&r));
    }
}

AmdIommuTrace *qmp_query_amd_iommu_trace(const char *id,
                                         bool has_start, uint64_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    AmdIommuTrace *reply;
    AmdviBudget budget;
    AmdviEngine *e;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp) ||
        !amdvi_qmp_engine(id, &e, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuTrace, 1);
    if (e) {
        query_records(&e->recorder, start, &budget, reply);
        reply->end = amdvi_recorder_next(&e->recorder);
    }
    return reply;
}
