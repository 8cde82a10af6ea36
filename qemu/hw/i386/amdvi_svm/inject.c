/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults on demand.  See inject.h */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "state.h"
#include "trace.h"

bool amdvi_svm_arm(AmdviEngine *e, const AmdviArmed *armed)
{
    QEMU_LOCK_GUARD(&e->lock);
    if (e->armed_len == AMDVI_ARMED_MAX) {
        return false;
    }
    e->armed[e->armed_len++] = *armed;
    return true;
}

static bool is_meant(const AmdviArmed *armed, uint32_t kinds,
                     uint32_t device_id, uint32_t pasid)
{
    return kinds & BIT(armed->kind) &&
           (armed->device_id == AMDVI_RECORD_NO_DEVICE ||
            armed->device_id == device_id) &&
           (!armed->has_pasid || armed->pasid == pasid);
}

bool amdvi_svm_take_armed(AmdviEngine *e, uint32_t kinds,
                          uint32_t device_id, uint32_t pasid,
                          AmdviArmed *armed)
{
    QEMU_LOCK_GUARD(&e->lock);
    for (uint32_t i = 0; i < e->armed_len; i++) {
        if (is_meant(&e->armed[i], kinds, device_id, pasid)) {
            *armed = e->armed[i];
            e->armed_len--;
            memmove(&e->armed[i], &e->armed[i + 1],
                    (e->armed_len - i) * sizeof(e->armed[0]));
            trace_amdvi_svm_inject_armed(armed->kind, device_id, pasid);
            return true;
        }
    }
    return false;
}

void amdvi_svm_disarm(AmdviEngine *e)
{
    QEMU_LOCK_GUARD(&e->lock);
    e->armed_len = 0;
}

static bool log_runs(AmdviEngine *e, AmdviRingId id)
{
    return amdvi_svm_rings[id].running(amdvi_svm_reg(e, AMDVI_LAYOUT_status));
}

AmdviInjected amdvi_svm_inject_overflow(AmdviEngine *e, bool ppr)
{
    AmdviRingId id = ppr ? AMDVI_RING_PPR : AMDVI_RING_EVENT;
    const uint64_t nothing[2] = { 0, 0 };

    WITH_QEMU_LOCK_GUARD(&e->lock) {
        if (!log_runs(e, id)) {
            return AMDVI_INJECT_LOG_STOPPED;
        }
        trace_amdvi_svm_inject_overflow(amdvi_svm_rings[id].name);
        amdvi_svm_lose(e, id, nothing);
        amdvi_svm_update_irq(e);
    }
    amdvi_svm_deliver_irq(e);
    return AMDVI_INJECTED;
}

/* Events that are copied to the hardware error registers: registers.md 11 */
static bool is_hardware_error(const uint64_t event[2])
{
    switch (amdvi_io_page_fault_code(event)) {
    case AMDVI_CODE_dev_tab_hardware_error:
    case AMDVI_CODE_page_tab_hardware_error:
    case AMDVI_CODE_command_hardware_error:
        return true;
    default:
        return false;
    }
}

AmdviInjected amdvi_svm_inject_event(AmdviEngine *e, const uint64_t event[2])
{
    AmdviLogged logged;

    WITH_QEMU_LOCK_GUARD(&e->lock) {
        if (!log_runs(e, AMDVI_RING_EVENT)) {
            return AMDVI_INJECT_LOG_STOPPED;
        }
    }
    trace_amdvi_svm_inject_event(event[0], event[1]);
    logged = amdvi_svm_log_event(e, event, is_hardware_error(event));
    amdvi_svm_deliver_irq(e);
    return logged == AMDVI_LOG_OVERFLOW ? AMDVI_INJECT_OVERFLOW
                                        : AMDVI_INJECTED;
}

int amdvi_svm_free_group(AmdviDevice *d)
{
    QEMU_LOCK_GUARD(&d->engine->lock);
    for (int i = AMDVI_GROUPS - 1; i >= 0; i--) {
        if (!amdvi_svm_group(d, i)->open) {
            return i;
        }
    }
    return -1;
}

/* What the IOMMU would do with the request, without doing it */
static AmdviInjected judge(AmdviDevice *d, const struct amdvi_page_request *r,
                           enum amdvi_reason *reason)
{
    AmdviEngine *e = d->engine;
    struct amdvi_page_request_result result;
    struct amdvi_iommu view;

    amdvi_svm_view(e->s, &view);
    amdvi_judge_page_request(&view, &amdvi_svm_mem_read_only, NULL, r,
                             &result);
    *reason = result.reason;
    if (result.action != AMDVI_PPR_LOG) {
        return AMDVI_INJECT_NOT_LOGGED;
    }
    QEMU_LOCK_GUARD(&e->lock);
    if (!log_runs(e, AMDVI_RING_PPR)) {
        return AMDVI_INJECT_LOG_STOPPED;
    }
    return amdvi_svm_group(d, r->prg_index)->open ? AMDVI_INJECT_GROUP_OPEN
                                                  : AMDVI_INJECTED;
}

AmdviInjected
amdvi_svm_inject_page_request(AmdviDevice *d,
                              const struct amdvi_page_request *r,
                              enum amdvi_reason *reason)
{
    AmdviInjected verdict = judge(d, r, reason);

    if (verdict != AMDVI_INJECTED) {
        return verdict;
    }
    trace_amdvi_svm_inject_page_request(r->device_id, r->pasid, r->addr,
                                        r->prg_index);
    if (amdvi_svm_serve_page_request(d, r) < 0) {
        return AMDVI_INJECT_OVERFLOW;
    }
    /* Responses need the BQL, so none can have come yet */
    WITH_QEMU_LOCK_GUARD(&d->engine->lock) {
        amdvi_svm_group(d, r->prg_index)->injected = true;
    }
    return AMDVI_INJECTED;
}
