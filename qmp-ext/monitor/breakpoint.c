/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: amd-iommu-break, -delete and query-amd-iommu-breaks. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Opcodes have four bits */
#define OPCODE_MAX 15

const AmdIommuBreakKind amdvi_qmp_break_kinds[AMDVI_NUM_BREAK_KINDS] = {
    [AMDVI_BREAK_FAULT] = AMD_IOMMU_BREAK_KIND_FAULT,
    [AMDVI_BREAK_PAGE_REQUEST] = AMD_IOMMU_BREAK_KIND_PAGE_REQUEST,
    [AMDVI_BREAK_RESPONSE] = AMD_IOMMU_BREAK_KIND_RESPONSE,
    [AMDVI_BREAK_COMMAND] = AMD_IOMMU_BREAK_KIND_COMMAND,
    [AMDVI_BREAK_INVALIDATION] = AMD_IOMMU_BREAK_KIND_INVALIDATION,
};

static const AmdviBreakKind kinds[] = {
    [AMD_IOMMU_BREAK_KIND_FAULT] = AMDVI_BREAK_FAULT,
    [AMD_IOMMU_BREAK_KIND_PAGE_REQUEST] = AMDVI_BREAK_PAGE_REQUEST,
    [AMD_IOMMU_BREAK_KIND_RESPONSE] = AMDVI_BREAK_RESPONSE,
    [AMD_IOMMU_BREAK_KIND_COMMAND] = AMDVI_BREAK_COMMAND,
    [AMD_IOMMU_BREAK_KIND_INVALIDATION] = AMDVI_BREAK_INVALIDATION,
};

static bool check_opcode(const AmdIommuBreakRequest *o, Error **errp)
{
    if (o->has_opcode && o->kind != AMD_IOMMU_BREAK_KIND_COMMAND) {
        error_setg(errp, "opcode is for commands only");
        return false;
    }
    if (o->has_opcode && o->opcode > OPCODE_MAX) {
        error_setg(errp, "opcode must be at most %d", OPCODE_MAX);
        return false;
    }
    return true;
}

static bool check_range(const AmdIommuBreakRequest *o, Error **errp)
{
    bool given = o->has_first || o->has_last;

    if (given && o->kind == AMD_IOMMU_BREAK_KIND_RESPONSE) {
        error_setg(errp, "responses have no address");
        return false;
    }
    if (o->has_last && o->last < o->first) {
        error_setg(errp, "last must not be less than first");
        return false;
    }
    return true;
}

static bool check(AmdviEngine *e, const AmdIommuBreakRequest *o, Error **errp)
{
    bool needs_pri = o->kind == AMD_IOMMU_BREAK_KIND_PAGE_REQUEST ||
                     o->kind == AMD_IOMMU_BREAK_KIND_RESPONSE;

    if (needs_pri && !e->pci_ops.pri_request_page) {
        error_setg(errp, "the IOMMU has pri=off");
        return false;
    }
    if (o->has_count && !o->count) {
        error_setg(errp, "count must be at least 1");
        return false;
    }
    return amdvi_qmp_check_pasid(o->has_pasid, o->pasid, errp) &&
           check_opcode(o, errp) && check_range(o, errp);
}

AmdIommuBreakNumber *qmp_amd_iommu_break(AmdIommuBreakRequest *arg,
                                         Error **errp)
{
    AmdviEngine *e = amdvi_qmp_need_engine(arg->id, errp);
    AmdIommuBreakNumber *reply;
    AmdviBreak b = {
        .kind = kinds[arg->kind],
        .has_device_id = arg->has_device_id,
        .device_id = arg->device_id,
        .has_pasid = arg->has_pasid,
        .pasid = arg->pasid,
        .has_address = arg->has_first || arg->has_last,
        .first = arg->first,
        .last = arg->has_last ? arg->last : UINT64_MAX,
        .has_opcode = arg->has_opcode,
        .opcode = arg->opcode,
        .count = arg->has_count ? arg->count : 1,
        .sticky = arg->sticky,
    };
    uint32_t number;

    if (!e || !check(e, arg, errp)) {
        return NULL;
    }
    number = amdvi_svm_set_break(e, &b);
    if (!number) {
        error_setg(errp, "there are %d breakpoints already",
                   AMDVI_BREAKS_MAX);
        return NULL;
    }
    reply = g_new0(AmdIommuBreakNumber, 1);
    reply->number = number;
    return reply;
}

void qmp_amd_iommu_break_delete(bool has_number, uint32_t number,
                                const char *id, Error **errp)
{
    AmdviEngine *e = amdvi_qmp_need_engine(id, errp);

    if (!e) {
        return;
    }
    if ((has_number && !number) ||
        !amdvi_svm_delete_break(e, has_number ? number : 0)) {
        error_setg(errp, "there is no breakpoint %u", number);
    }
}

static AmdIommuBreak *query_break(const AmdviBreak *b)
{
    AmdIommuBreak *reply = g_new0(AmdIommuBreak, 1);

    reply->number = b->number;
    reply->kind = amdvi_qmp_break_kinds[b->kind];
    reply->has_device_id = b->has_device_id;
    reply->device_id = b->device_id;
    reply->has_pasid = b->has_pasid;
    reply->pasid = b->pasid;
    reply->has_first = reply->has_last = b->has_address;
    reply->first = b->first;
    reply->last = b->last;
    reply->has_opcode = b->has_opcode;
    reply->opcode = b->opcode;
    reply->has_count = reply->has_sticky = true;
    reply->count = b->count;
    reply->sticky = b->sticky;
    reply->matches = b->matches;
    reply->stops = b->stops;
    return reply;
}

AmdIommuBreakList *qmp_query_amd_iommu_breaks(const char *id, Error **errp)
{
    AmdIommuBreakList *list = NULL, **tail = &list;
    AmdviEngine *e;

    if (!amdvi_qmp_engine(id, &e, errp) || !e) {
        return NULL;
    }
    QEMU_LOCK_GUARD(&e->lock);
    for (uint32_t i = 0; i < e->hold.breaks_len; i++) {
        QAPI_LIST_APPEND(tail, query_break(&e->hold.breaks[i]));
    }
    return list;
}
