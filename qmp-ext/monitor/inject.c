/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: amd-iommu-inject, query-amd-iommu-armed and amd-iommu-disarm. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

#define WORDS 2

static const AmdIommuInjectKind armed_kinds[AMDVI_NUM_ARMED_KINDS] = {
    [AMDVI_ARMED_COMMAND_ERROR] = AMD_IOMMU_INJECT_KIND_COMMAND_ERROR,
    [AMDVI_ARMED_TIMEOUT] = AMD_IOMMU_INJECT_KIND_INVALIDATION_TIMEOUT,
    [AMDVI_ARMED_DROP] = AMD_IOMMU_INJECT_KIND_DROP_RESPONSE,
    [AMDVI_ARMED_DELAY] = AMD_IOMMU_INJECT_KIND_DELAY_RESPONSE,
};

/* Its memory must not change then */
static bool check_runstate(Error **errp)
{
    if (amdvi_svm_is_moving()) {
        error_setg(errp, "the VM is being migrated or saved, or was");
        return false;
    }
    return true;
}

/* Say why nothing was injected; true if something was */
static bool check_verdict(AmdviInjected verdict, const char *log,
                          Error **errp)
{
    switch (verdict) {
    case AMDVI_INJECT_LOG_STOPPED:
        error_setg(errp, "the %s does not run", log);
        return false;
    case AMDVI_INJECT_OVERFLOW:
        error_setg(errp, "the %s was full: it has overflowed", log);
        return false;
    case AMDVI_INJECT_GROUP_OPEN:
        error_setg(errp, "the device has an open group with this PRG index");
        return false;
    default:
        return true;
    }
}

static bool inject_overflow(AmdviEngine *e, const AmdIommuInjectOverflow *o,
                            Error **errp)
{
    bool ppr = o->log == AMD_IOMMU_LOG_PPR;

    if (o->log == AMD_IOMMU_LOG_COMMAND) {
        error_setg(errp, "the command buffer cannot overflow");
        return false;
    }
    return check_verdict(amdvi_svm_inject_overflow(e, ppr),
                         ppr ? "PPR log" : "event log", errp);
}

static bool inject_event(AmdviEngine *e, const AmdIommuInjectEvent *o,
                         Error **errp)
{
    uint64_t event[WORDS];
    uint64List *l = o->words;

    for (int i = 0; i < WORDS && l; i++, l = l->next) {
        event[i] = l->value;
    }
    if (QAPI_LIST_LENGTH(o->words) != WORDS) {
        error_setg(errp, "an event has %d words", WORDS);
        return false;
    }
    return check_verdict(amdvi_svm_inject_event(e, event), "event log", errp);
}

/* Fill in the group; false with @errp set if there is none */
static bool choose_group(AmdviDevice *d, const AmdIommuInjectPageRequest *o,
                         struct amdvi_page_request *r, Error **errp)
{
    int group = o->has_prg_index ? o->prg_index : amdvi_svm_free_group(d);

    if (group >= AMDVI_GROUPS) {
        error_setg(errp, "prg-index must be at most %d", AMDVI_GROUPS - 1);
        return false;
    }
    if (group < 0) {
        error_setg(errp, "all page request groups of the device are open");
        return false;
    }
    r->prg_index = group;
    return true;
}

static bool check_page_request(AmdviEngine *e,
                               const AmdIommuInjectPageRequest *o,
                               Error **errp)
{
    if (!amdvi_qmp_check_pasid(o->has_pasid, o->pasid, errp)) {
        return false;
    }
    if (!o->has_pasid && (o->exec || o->privileged)) {
        error_setg(errp, "privileged and exec need a pasid");
        return false;
    }
    if (!e->pci_ops.pri_request_page) {
        error_setg(errp, "the IOMMU has pri=off");
        return false;
    }
    return true;
}

static bool inject_page_request(AmdviEngine *e,
                                const AmdIommuInjectPageRequest *o,
                                AmdIommuInjected *reply, Error **errp)
{
    struct amdvi_page_request r = {
        .device_id = o->device_id,
        .pasid = o->has_pasid ? o->pasid : AMDVI_NO_PASID,
        .addr = o->address,
        .last = !o->has_last || o->last,
        .read = !o->has_read || o->read,
        .write = o->write,
        .exec = o->exec,
        .priv = o->privileged,
    };
    enum amdvi_reason reason;
    AmdviInjected verdict;
    AmdviDevice *d;

    if (!check_page_request(e, o, errp)) {
        return false;
    }
    d = amdvi_qmp_device(e, o->device_id, errp);
    if (!d || !choose_group(d, o, &r, errp)) {
        return false;
    }
    verdict = amdvi_svm_inject_page_request(d, &r, &reason);
    if (verdict == AMDVI_INJECT_NOT_LOGGED) {
        error_setg(errp, "the request would not be logged: %s",
                   amdvi_reason_text(reason));
        return false;
    }
    reply->has_prg_index = true;
    reply->prg_index = r.prg_index;
    return check_verdict(verdict, "PPR log", errp);
}

/* Complete what is armed with for whom, and arm it */
static bool arm(AmdviEngine *e, AmdviArmed *armed,
                bool has_device_id, uint16_t device_id,
                bool has_pasid, uint32_t pasid, Error **errp)
{
    if (!amdvi_qmp_check_pasid(has_pasid, pasid, errp) ||
        (has_device_id && !amdvi_qmp_device(e, device_id, errp))) {
        return false;
    }
    armed->device_id = has_device_id ? device_id : AMDVI_RECORD_NO_DEVICE;
    armed->has_pasid = has_pasid;
    armed->pasid = pasid;
    if (!amdvi_svm_arm(e, armed)) {
        error_setg(errp, "%d faults are armed already", AMDVI_ARMED_MAX);
        return false;
    }
    return true;
}

static bool inject_timeout(AmdviEngine *e, const AmdIommuInjectTimeout *o,
                           Error **errp)
{
    AmdviArmed armed = {
        .kind = AMDVI_ARMED_TIMEOUT,
        .deliver = !o->has_delivered || o->delivered,
    };
    struct amdvi_iommu view;

    if (!e->pci_ops.ats_request_translation) {
        error_setg(errp, "the IOMMU has ats=off");
        return false;
    }
    amdvi_svm_view(e->s, &view);
    if (!amdvi_control_inv_time_out(&view.control)) {
        error_setg(errp, "InvTimeOut is 0: invalidations do not time out");
        return false;
    }
    return arm(e, &armed, o->has_device_id, o->device_id,
               o->has_pasid, o->pasid, errp);
}

static bool inject_response(AmdviEngine *e, AmdviArmed *armed,
                            bool has_device_id, uint16_t device_id,
                            bool has_pasid, uint32_t pasid, Error **errp)
{
    if (!e->pci_ops.pri_request_page) {
        error_setg(errp, "the IOMMU has pri=off");
        return false;
    }
    return arm(e, armed, has_device_id, device_id, has_pasid, pasid, errp);
}

static bool inject_drop(AmdviEngine *e, const AmdIommuInjectDrop *o,
                        Error **errp)
{
    AmdviArmed armed = { .kind = AMDVI_ARMED_DROP };

    return inject_response(e, &armed, o->has_device_id, o->device_id,
                           o->has_pasid, o->pasid, errp);
}

static bool inject_delay(AmdviEngine *e, const AmdIommuInjectDelay *o,
                         Error **errp)
{
    AmdviArmed armed = {
        .kind = AMDVI_ARMED_DELAY,
        .delay = o->nanoseconds,
    };

    if (o->nanoseconds < 0 || o->nanoseconds > AMDVI_DELAY_MAX) {
        error_setg(errp, "nanoseconds must be between 0 and %" PRId64,
                   AMDVI_DELAY_MAX);
        return false;
    }
    return inject_response(e, &armed, o->has_device_id, o->device_id,
                           o->has_pasid, o->pasid, errp);
}

static bool inject_command_error(AmdviEngine *e, Error **errp)
{
    AmdviArmed armed = { .kind = AMDVI_ARMED_COMMAND_ERROR };
    uint64_t status = amdvi_svm_read_register(e->s, AMDVI_LAYOUT_status);

    if (!amdvi_status_cmd_buf_run(&status)) {
        error_setg(errp, "the command buffer does not run");
        return false;
    }
    return arm(e, &armed, false, 0, false, 0, errp);
}

static bool inject(AmdviEngine *e, AmdIommuInject *o, AmdIommuInjected *reply,
                   Error **errp)
{
    switch (o->kind) {
    case AMD_IOMMU_INJECT_KIND_LOG_OVERFLOW:
        return inject_overflow(e, &o->u.log_overflow, errp);
    case AMD_IOMMU_INJECT_KIND_EVENT:
        return inject_event(e, &o->u.event, errp);
    case AMD_IOMMU_INJECT_KIND_PAGE_REQUEST:
        return inject_page_request(e, &o->u.page_request, reply, errp);
    case AMD_IOMMU_INJECT_KIND_INVALIDATION_TIMEOUT:
        return inject_timeout(e, &o->u.invalidation_timeout, errp);
    case AMD_IOMMU_INJECT_KIND_DROP_RESPONSE:
        return inject_drop(e, &o->u.drop_response, errp);
    case AMD_IOMMU_INJECT_KIND_DELAY_RESPONSE:
        return inject_delay(e, &o->u.delay_response, errp);
    default:
        return inject_command_error(e, errp);
    }
}

AmdIommuInjected *qmp_amd_iommu_inject(AmdIommuInject *arg, Error **errp)
{
    AmdviEngine *e = amdvi_qmp_need_engine(arg->id, errp);
    AmdIommuInjected *reply;

    if (!e || !check_runstate(errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuInjected, 1);
    if (!inject(e, arg, reply, errp)) {
        qapi_free_AmdIommuInjected(reply);
        return NULL;
    }
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        reply->armed = e->armed_len;
    }
    return reply;
}

static AmdIommuArmed *query_armed(const AmdviArmed *armed)
{
    AmdIommuArmed *reply = g_new0(AmdIommuArmed, 1);

    reply->kind = armed_kinds[armed->kind];
    reply->has_device_id = armed->device_id != AMDVI_RECORD_NO_DEVICE;
    reply->device_id = armed->device_id;
    reply->has_pasid = armed->has_pasid;
    reply->pasid = armed->pasid;
    reply->has_delivered = armed->kind == AMDVI_ARMED_TIMEOUT;
    reply->delivered = armed->deliver;
    reply->has_nanoseconds = armed->kind == AMDVI_ARMED_DELAY;
    reply->nanoseconds = armed->delay;
    return reply;
}

AmdIommuArmedList *qmp_query_amd_iommu_armed(const char *id, Error **errp)
{
    AmdIommuArmedList *list = NULL, **tail = &list;
    AmdviEngine *e;

    if (!amdvi_qmp_engine(id, &e, errp) || !e) {
        return NULL;
    }
    QEMU_LOCK_GUARD(&e->lock);
    for (uint32_t i = 0; i < e->armed_len; i++) {
        QAPI_LIST_APPEND(tail, query_armed(&e->armed[i]));
    }
    return list;
}

void qmp_amd_iommu_disarm(const char *id, Error **errp)
{
    AmdviEngine *e = amdvi_qmp_need_engine(id, errp);

    if (e) {
        amdvi_svm_disarm(e);
    }
}
