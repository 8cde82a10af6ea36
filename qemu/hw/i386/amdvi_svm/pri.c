/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page requests (PRI), the PPR log and the responses.
 *
 * Software usually answers without a PASID, while QEMU's devices register
 * for responses by PASID.  So every group is remembered under its PRG index
 * until its response has come: spec/translation.md 7, spec/registers.md 12.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "qemu/timer.h"
#include "system/runstate.h"
#include "state.h"
#include "trace.h"

AmdviGroup *amdvi_svm_group(AmdviDevice *d, uint16_t prg_index)
{
    if (!d->groups) {
        d->groups = g_new0(AmdviGroup, AMDVI_GROUPS);
    }
    return &d->groups[prg_index];
}

/* The slot of the request's group, opened if it is not.  Needs the lock */
static AmdviGroup *open_group(AmdviDevice *d,
                              const struct amdvi_page_request *r)
{
    AmdviGroup *g = amdvi_svm_group(d, r->prg_index);

    if (!g->open || g->pasid != r->pasid || g->injected) {
        *g = (AmdviGroup) {
            .open = true,
            .pasid = r->pasid,
            .since = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        };
    }
    g->pages++;
    g->last = r->last;
    return g;
}

/*
 * Answer a group ourselves.  Not now: the device is in the middle of its
 * request and may hold locks of its own.
 */
static void answer_later(AmdviDevice *d, const struct amdvi_page_request *r,
                         uint8_t response)
{
    AmdviGroup *g = open_group(d, r);

    g->answered = true;
    g->response = response;
    qemu_bh_schedule(d->engine->response_bh);
}

/* Entries in the PPR log */
static uint32_t used_entries(AmdviEngine *e)
{
    const AmdviRing *ring = &amdvi_svm_rings[AMDVI_RING_PPR];
    uint32_t bytes = amdvi_svm_ring_bytes(e, ring);

    return bytes ? amdvi_ring_used(*amdvi_svm_reg(e, ring->head),
                                   *amdvi_svm_reg(e, ring->tail), bytes) : 0;
}

/* Whether the log has reached the threshold software has set: 12 */
static bool nearly_full(AmdviEngine *e)
{
    const uint64_t *early = amdvi_svm_reg(e, AMDVI_LAYOUT_ppr_early_overflow);

    return amdvi_ppr_early_overflow_en(early) &&
           used_entries(e) + amdvi_svm_withheld(e, AMDVI_RING_PPR) >=
           amdvi_ppr_early_overflow_threshold(early);
}

static bool responds_automatically(AmdviEngine *e)
{
    return amdvi_control_ppr_auto_rsp_en(
        amdvi_svm_reg(e, AMDVI_LAYOUT_control));
}

/* The log did not take the request.  A response comes for the last one only */
static int not_logged(AmdviDevice *d, const struct amdvi_page_request *r)
{
    AmdviEngine *e = d->engine;

    if (!responds_automatically(e)) {
        return e->log_on[AMDVI_RING_PPR] ? -ENOSPC : -EPERM;
    }
    if (r->last && !amdvi_is_stop_marker(r)) {
        answer_later(d, r, amdvi_ppr_auto_response_code(
            amdvi_svm_reg(e, AMDVI_LAYOUT_ppr_auto_response)));
    }
    return 0;
}

void amdvi_svm_request_logged(AmdviEngine *e)
{
    if (nearly_full(e)) {
        amdvi_status_set_ppr_overflow_early(
            amdvi_svm_reg(e, AMDVI_LAYOUT_status), 1);
    }
    /*
     * Linux looks at the tail once and then waits for the next interrupt:
     * spec/linux-guest.md 3.8.
     */
    amdvi_svm_repeat_ppr_irq(e);
}

/* Steps 7 to 9 of spec/translation.md 7.2 */
static int log_request(AmdviDevice *d, const struct amdvi_page_request *r,
                       const uint64_t entry[2])
{
    AmdviEngine *e = d->engine;
    int ret = 0;

    QEMU_LOCK_GUARD(&e->lock);
    if (responds_automatically(e) && nearly_full(e)) {
        ret = not_logged(d, r);
    } else if (amdvi_svm_log(e, AMDVI_RING_PPR, entry, false) == AMDVI_LOGGED) {
        if (!amdvi_is_stop_marker(r)) {
            open_group(d, r);
        }
    } else {
        ret = not_logged(d, r);
    }
    amdvi_svm_update_irq(e);
    return ret;
}

/* What the judgement demands */
static int act(AmdviDevice *d, const struct amdvi_page_request *r,
               const struct amdvi_page_request_result *result)
{
    AmdviEngine *e = d->engine;

    switch (result->action) {
    case AMDVI_PPR_LOG:
        return log_request(d, r, result->entry);
    case AMDVI_PPR_RESPOND:
        WITH_QEMU_LOCK_GUARD(&e->lock) {
            answer_later(d, r, result->response);
        }
        return 0;
    case AMDVI_PPR_DROP:
        return 0;
    default:
        return -EPERM;
    }
}

static void break_at_request(AmdviEngine *e,
                             const struct amdvi_page_request *r,
                             const struct amdvi_page_request_result *result)
{
    AmdviHappening what = {
        .kind = AMDVI_BREAK_PAGE_REQUEST,
        .device_id = r->device_id,
        .pasid = r->pasid,
        .has_address = true,
        .first = r->addr & ~UINT64_C(0xfff),
        .last = r->addr | 0xfff,
        .has_group = true,
        .prg_index = r->prg_index,
        .has_words = result->action == AMDVI_PPR_LOG,
        .words = { result->entry[0], result->entry[1] },
    };

    amdvi_svm_break_on(e, &what);
}

int amdvi_svm_serve_page_request(AmdviDevice *d,
                                 const struct amdvi_page_request *r)
{
    AmdviEngine *e = d->engine;
    struct amdvi_page_request_result result;
    struct amdvi_iommu view;
    int ret;

    amdvi_svm_view(e->s, &view);
    amdvi_judge_page_request(&view, &amdvi_svm_mem_read_only, NULL, r,
                             &result);
    trace_amdvi_svm_page_request(r->device_id, r->pasid, r->addr,
                                 r->prg_index, r->last,
                                 amdvi_reason_word(result.reason));
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        amdvi_stats_add(&e->stats, r->device_id, r->pasid,
                        AMDVI_COUNT_PAGE_REQUESTS, 1);
    }
    break_at_request(e, r, &result);
    if (result.has_event) {
        amdvi_svm_log_event(e, result.event, result.hardware_error);
    }
    ret = act(d, r, &result);
    amdvi_svm_deliver_irq(e);
    return ret;
}

int amdvi_svm_request_page(PCIBus *bus, void *opaque, int devfn,
                           uint32_t pasid, bool priv_req, bool exec_req,
                           hwaddr addr, bool lpig, uint16_t prgi,
                           bool is_read, bool is_write)
{
    bool has_pasid = pasid != PCI_NO_PASID;
    struct amdvi_page_request request = {
        .pasid = pasid,
        .addr = addr,
        .prg_index = prgi & PCI_PRI_PRGI_MASK,
        .last = lpig,
        .read = is_read,
        .write = is_write,
        .exec = exec_req && has_pasid,
        .priv = priv_req && has_pasid,
    };
    AmdviDevice *d;

    RCU_READ_LOCK_GUARD();
    d = amdvi_svm_find_device_at(amdvi_svm_engine(opaque), bus, devfn);
    if (!d) {
        return -ENODEV;
    }
    request.device_id = amdvi_svm_device_id(d);
    return amdvi_svm_serve_page_request(d, &request);
}

void amdvi_svm_register_pri(PCIBus *bus, void *opaque, int devfn,
                            uint32_t pasid, IOMMUPRINotifier *notifier)
{
    AmdviDevice *d = amdvi_svm_make_device(amdvi_svm_engine(opaque), bus,
                                           devfn);

    amdvi_svm_make_pasid(d, pasid)->pri = notifier;
}

void amdvi_svm_unregister_pri(PCIBus *bus, void *opaque, int devfn,
                              uint32_t pasid)
{
    AmdviDevice *d = amdvi_svm_find_device_at(amdvi_svm_engine(opaque), bus,
                                              devfn);
    AmdviPasid *p = d ? amdvi_svm_find_pasid(d, pasid) : NULL;

    if (p) {
        p->pri = NULL;
        amdvi_svm_drop_pasid(d, pasid);
    }
}

/* Response codes that PCIe leaves unused count as failure: 7.4 */
static IOMMUPRIResponseCode to_pri_code(uint8_t response)
{
    switch (response) {
    case AMDVI_prg_response_success:
        return IOMMU_PRI_RESP_SUCCESS;
    case AMDVI_prg_response_invalid:
        return IOMMU_PRI_RESP_INVALID_REQUEST;
    default:
        return IOMMU_PRI_RESP_FAILURE;
    }
}

/* Open the group @g again, and answer it when @delay ns have passed */
static void answer_in(AmdviDevice *d, const AmdviGroup *g, uint16_t prg_index,
                      uint8_t response, int64_t delay)
{
    AmdviEngine *e = d->engine;

    WITH_QEMU_LOCK_GUARD(&e->lock) {
        AmdviGroup *late = amdvi_svm_group(d, prg_index);

        *late = *g;
        late->open = true;
        late->answered = true;
        late->response = response;
        late->seen = true;
        late->due = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + delay;
        timer_mod_anticipate(e->response_timer, late->due);
    }
}

/* Whether somebody wants the response to get lost, or to come later */
static bool is_spoilt(AmdviDevice *d, const AmdviGroup *g, uint16_t prg_index,
                      uint8_t response)
{
    AmdviEngine *e = d->engine;
    uint16_t device_id = amdvi_svm_device_id(d);
    AmdviArmed armed;

    /* One that was late has met its fate already */
    if (g->due ||
        !amdvi_svm_take_armed(e, BIT(AMDVI_ARMED_DROP) |
                              BIT(AMDVI_ARMED_DELAY), device_id, g->pasid,
                              &armed)) {
        return false;
    }
    if (armed.kind == AMDVI_ARMED_DROP) {
        trace_amdvi_svm_response_lost(device_id, prg_index, response);
    } else {
        answer_in(d, g, prg_index, response, armed.delay);
    }
    return true;
}

/*
 * Hand the response to the group @g, now closed, to the device; needs the
 * BQL, and not the lock
 */
static void send_response(AmdviDevice *d, const AmdviGroup *g,
                          uint16_t prg_index, uint8_t response)
{
    AmdviPasid *p = amdvi_svm_find_pasid(d, g->pasid);
    IOMMUPRIResponse message = {
        .response_code = to_pri_code(response),
        .prgi = prg_index,
    };

    if (is_spoilt(d, g, prg_index, response)) {
        return;
    }
    if (!g->injected && (!p || !p->pri)) {
        trace_amdvi_svm_response_lost(amdvi_svm_device_id(d), prg_index,
                                      response);
        return;
    }
    trace_amdvi_svm_response(amdvi_svm_device_id(d), g->pasid, prg_index,
                             response);
    WITH_QEMU_LOCK_GUARD(&d->engine->lock) {
        amdvi_svm_record_response(d, g, prg_index, response);
    }
    if (!g->injected) {
        p->pri->notify(p->pri, &message);
    }
}

/*
 * Close a group that software answers; false if there is none to close.  GN=1
 * names the PASID of the group, too; GN=0 says nothing about it: 7.4.
 */
static bool close_group(AmdviDevice *d, uint16_t prg_index, uint32_t pasid,
                        AmdviGroup *closed)
{
    AmdviGroup *g;

    QEMU_LOCK_GUARD(&d->engine->lock);
    g = d->groups ? &d->groups[prg_index] : NULL;
    if (!g || !g->open || g->answered ||
        (pasid != AMDVI_NO_PASID && pasid != g->pasid)) {
        return false;
    }
    *closed = *g;
    g->open = false;
    return true;
}

void amdvi_svm_respond(AmdviEngine *e, uint16_t device_id, uint32_t pasid,
                       uint16_t prg_index, uint8_t response)
{
    AmdviDevice *d = amdvi_svm_find_device(e, device_id);
    AmdviGroup g;

    if (d && close_group(d, prg_index, pasid, &g)) {
        send_response(d, &g, prg_index, response);
    } else {
        trace_amdvi_svm_response_lost(device_id, prg_index, response);
    }
}

/* Whether the VM has to stop before an answer of ours leaves; needs the lock */
static bool break_at_answer(AmdviDevice *d, AmdviGroup *g, uint16_t prg_index)
{
    AmdviHappening what = {
        .kind = AMDVI_BREAK_RESPONSE,
        .device_id = amdvi_svm_device_id(d),
        .pasid = g->pasid,
        .has_group = true,
        .prg_index = prg_index,
    };

    if (g->seen) {
        return false;
    }
    g->seen = amdvi_svm_break_on_locked(d->engine, &what);
    return g->seen;
}

/* Close the next group that we answer, from *@prg_index on, if there is one */
static bool take_answer(AmdviDevice *d, int *prg_index, AmdviGroup *taken)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    QEMU_LOCK_GUARD(&d->engine->lock);
    for (; d->groups && *prg_index < AMDVI_GROUPS; (*prg_index)++) {
        AmdviGroup *g = &d->groups[*prg_index];

        if (g->answered && g->due <= now) {
            if (break_at_answer(d, g, *prg_index)) {
                return false;
            }
            *taken = *g;
            *g = (AmdviGroup) { 0 };
            return true;
        }
    }
    return false;
}

/* Come back when the next response that is held back is due */
static void set_timer(AmdviEngine *e)
{
    int64_t due = INT64_MAX;
    AmdviDevice *d;

    QEMU_LOCK_GUARD(&e->lock);
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        for (int i = 0; d->groups && i < AMDVI_GROUPS; i++) {
            if (d->groups[i].answered) {
                due = MIN(due, d->groups[i].due);
            }
        }
    }
    if (due != INT64_MAX) {
        timer_mod(e->response_timer, due);
    }
}

void amdvi_svm_response_bh(void *opaque)
{
    AmdviEngine *e = opaque;
    AmdviDevice *d;

    /* A stopped VM's devices must not change; it goes on when the VM does */
    if (!runstate_is_running() || amdvi_svm_is_holding(e)) {
        return;
    }
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        AmdviGroup g;

        for (int i = 0; take_answer(d, &i, &g); i++) {
            send_response(d, &g, i, g.response);
        }
    }
    set_timer(e);
}

void amdvi_svm_reset_page_requests(AmdviEngine *e)
{
    AmdviDevice *d;

    amdvi_svm_drop_saved(e);
    QEMU_LOCK_GUARD(&e->lock);
    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (d->groups) {
            memset(d->groups, 0, AMDVI_GROUPS * sizeof(*d->groups));
        }
    }
}
