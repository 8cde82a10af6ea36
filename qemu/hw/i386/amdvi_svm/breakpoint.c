/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breakpoints, and the records they withhold.  See breakpoint.h */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "system/runstate.h"
#include "state.h"
#include "trace.h"

void (*amdvi_svm_tell_stop)(AmdviEngine *e, const AmdviHit *hit);

uint32_t amdvi_svm_set_break(AmdviEngine *e, const AmdviBreak *b)
{
    AmdviHold *h = &e->hold;

    QEMU_LOCK_GUARD(&e->lock);
    if (h->breaks_len == AMDVI_BREAKS_MAX) {
        return 0;
    }
    h->breaks[h->breaks_len] = *b;
    h->breaks[h->breaks_len].number = ++h->last_number;
    qatomic_set(&h->breaks_len, h->breaks_len + 1);
    return h->last_number;
}

static void remove_break(AmdviHold *h, uint32_t i)
{
    qatomic_set(&h->breaks_len, h->breaks_len - 1);
    memmove(&h->breaks[i], &h->breaks[i + 1],
            (h->breaks_len - i) * sizeof(h->breaks[0]));
}

bool amdvi_svm_delete_break(AmdviEngine *e, uint32_t number)
{
    AmdviHold *h = &e->hold;

    QEMU_LOCK_GUARD(&e->lock);
    if (!number) {
        qatomic_set(&h->breaks_len, 0);
        return true;
    }
    for (uint32_t i = 0; i < h->breaks_len; i++) {
        if (h->breaks[i].number == number) {
            remove_break(h, i);
            return true;
        }
    }
    return false;
}

/* Whether the DomainID is that of the device, by the DTE as it is now */
static bool has_domain(AmdviEngine *e, uint16_t device_id, uint16_t domain_id)
{
    AmdviDevice *d = amdvi_svm_find_device(e, device_id);
    uint64_t dte[4];

    return d && amdvi_svm_load_dte(d, dte) &&
           amdvi_dte_domain_id(dte) == domain_id;
}

static bool device_matches(AmdviEngine *e, const AmdviBreak *b,
                           const AmdviHappening *what)
{
    return !b->has_device_id || what->all_devices ||
           what->device_id == b->device_id ||
           (what->has_domain && has_domain(e, b->device_id, what->domain_id));
}

static bool matches(AmdviEngine *e, const AmdviBreak *b,
                    const AmdviHappening *what)
{
    if (b->kind != what->kind || !device_matches(e, b, what)) {
        return false;
    }
    if (b->has_pasid && !what->all_addresses && b->pasid != what->pasid) {
        return false;
    }
    if (b->has_address && !what->all_addresses &&
        (!what->has_address || what->first > b->last ||
         what->last < b->first)) {
        return false;
    }
    /* Every command has its opcode where this one has it */
    return !b->has_opcode ||
           b->opcode == amdvi_completion_wait_opcode(what->words);
}

/* Let the VM stop for @b; true if that removes it */
static bool hit(AmdviEngine *e, AmdviBreak *b, const AmdviHappening *what)
{
    AmdviHold *h = &e->hold;

    trace_amdvi_svm_break(b->number, what->kind, what->device_id,
                          what->pasid, what->first);
    if (h->hits < AMDVI_HITS_MAX) {
        h->hit[h->hits] = (AmdviHit) { .number = b->number, .what = *what };
        qatomic_set(&h->hits, h->hits + 1);
    }
    b->matches = 0;
    b->stops++;
    return !b->sticky;
}

bool amdvi_svm_break_on_locked(AmdviEngine *e, const AmdviHappening *what)
{
    AmdviHold *h = &e->hold;
    bool stop = false;

    for (uint32_t i = 0; i < h->breaks_len;) {
        AmdviBreak *b = &h->breaks[i];

        if (!matches(e, b, what) || ++b->matches < b->count) {
            i++;
            continue;
        }
        stop = true;
        if (hit(e, b, what)) {
            remove_break(h, i);
        } else {
            i++;
        }
    }
    if (stop) {
        qemu_bh_schedule(e->stop_bh);
    }
    return stop;
}

bool amdvi_svm_break_on(AmdviEngine *e, const AmdviHappening *what)
{
    if (!qatomic_read(&e->hold.breaks_len)) {
        return false;
    }
    QEMU_LOCK_GUARD(&e->lock);
    return amdvi_svm_break_on_locked(e, what);
}

void amdvi_svm_break_at_fault(AmdviEngine *e,
                              const struct amdvi_request *request,
                              const struct amdvi_result *result)
{
    AmdviHappening what = {
        .kind = AMDVI_BREAK_FAULT,
        .device_id = request->device_id,
        .pasid = request->pasid,
        .has_address = true,
        .first = request->addr,
        .last = request->addr,
        .reason = result->reason,
        .has_words = result->has_event,
        .words = { result->event[0], result->event[1] },
    };

    amdvi_svm_break_on(e, &what);
}

void amdvi_svm_break_at_interrupt(AmdviEngine *e,
                                  const struct amdvi_message *message,
                                  const struct amdvi_interrupt *interrupt)
{
    AmdviHappening what = {
        .kind = AMDVI_BREAK_FAULT,
        .device_id = message->device_id,
        .pasid = AMDVI_NO_PASID,
        .has_address = true,
        .first = message->addr,
        .last = message->addr,
        .reason = interrupt->reason,
        .has_words = interrupt->has_event,
        .words = { interrupt->event[0], interrupt->event[1] },
    };

    amdvi_svm_break_on(e, &what);
}

/* Value of a field of a command, or @none if it has no such field */
static uint64_t field(const struct amdvi_layout *layout, const char *id,
                      const uint64_t command[2], uint64_t none)
{
    const struct amdvi_field *f = amdvi_field_by_id(layout, id);

    return f ? amdvi_field_get(f, command) : none;
}

/* Whom and what a command is about: all commands name their fields alike */
static void decode_command(const struct amdvi_layout *layout,
                           const uint64_t command[2], AmdviHappening *what)
{
    struct amdvi_range range;

    what->device_id = field(layout, "device_id", command,
                            AMDVI_RECORD_NO_DEVICE);
    if (field(layout, "gn", command, 1)) {
        what->pasid = field(layout, "pasid", command, AMDVI_NO_PASID);
    }
    what->has_domain = amdvi_field_by_id(layout, "domain_id");
    what->domain_id = field(layout, "domain_id", command, 0);
    what->has_address = amdvi_field_by_id(layout, "addr");
    range = amdvi_decode_range(field(layout, "addr", command, 0),
                               field(layout, "s", command, 0));
    what->first = range.base;
    what->last = range.base + range.size - 1;
}

/* Commands that mean more than their fields say */
static void widen(uint64_t opcode, AmdviHappening *what)
{
    what->all_devices = opcode == AMDVI_CODE_invalidate_iommu_all;
    what->all_addresses = opcode == AMDVI_CODE_invalidate_iommu_all ||
                          opcode == AMDVI_CODE_invalidate_devtab_entry;
}

static bool invalidates(uint64_t opcode)
{
    switch (opcode) {
    case AMDVI_CODE_invalidate_devtab_entry:
    case AMDVI_CODE_invalidate_iommu_pages:
    case AMDVI_CODE_invalidate_iotlb_pages:
    case AMDVI_CODE_invalidate_interrupt_table:
    case AMDVI_CODE_invalidate_iommu_all:
        return true;
    default:
        return false;
    }
}

/* The command as a response; false if nobody waits for it */
static bool is_response(AmdviEngine *e, const uint64_t command[2],
                        AmdviHappening *what)
{
    AmdviDevice *d = amdvi_svm_find_device(e, what->device_id);
    uint16_t prg_index = amdvi_complete_ppr_request_prg_index(command);
    const AmdviGroup *g;

    what->kind = AMDVI_BREAK_RESPONSE;
    what->has_group = true;
    what->prg_index = prg_index;
    if (!d || !d->groups) {
        return false;
    }
    g = amdvi_svm_group(d, prg_index);
    if (!g->open || g->answered ||
        (what->pasid != AMDVI_NO_PASID && what->pasid != g->pasid)) {
        return false;
    }
    what->pasid = g->pasid;
    return true;
}

/* The command is each of these things.  Needs the lock */
static bool break_at_command(AmdviEngine *e, const uint64_t command[2],
                             bool legal)
{
    const struct amdvi_layout *layout =
        amdvi_layout_match(AMDVI_FAMILY_COMMAND, command[0]);
    uint64_t opcode = amdvi_completion_wait_opcode(command);
    AmdviHappening what = {
        .kind = AMDVI_BREAK_COMMAND,
        .device_id = AMDVI_RECORD_NO_DEVICE,
        .pasid = AMDVI_NO_PASID,
        .has_words = true,
        .words = { command[0], command[1] },
    };
    bool stop;

    if (layout) {
        decode_command(layout, command, &what);
        widen(opcode, &what);
    }
    stop = amdvi_svm_break_on_locked(e, &what);
    if (legal && invalidates(opcode)) {
        what.kind = AMDVI_BREAK_INVALIDATION;
        stop |= amdvi_svm_break_on_locked(e, &what);
    }
    if (legal && opcode == AMDVI_CODE_complete_ppr_request &&
        is_response(e, command, &what)) {
        stop |= amdvi_svm_break_on_locked(e, &what);
    }
    return stop;
}

bool amdvi_svm_break_at_command(AmdviEngine *e, const uint64_t command[2],
                                bool legal)
{
    AmdviHold *h = &e->hold;

    /* It was stopped for, and the VM has gone on */
    if (h->passes) {
        h->passes = false;
        return false;
    }
    if (!qatomic_read(&h->breaks_len)) {
        return false;
    }
    QEMU_LOCK_GUARD(&e->lock);
    h->passes = break_at_command(e, command, legal);
    return h->passes;
}

/* Records withheld from the log that will be written to it */
static uint32_t promised(const AmdviHold *h, AmdviRingId id, bool *stopped)
{
    uint32_t count = 0;

    *stopped = false;
    for (uint32_t i = 0; i < h->records; i++) {
        if (h->record[i].ring == id) {
            count += h->record[i].logged == AMDVI_LOGGED;
            *stopped |= h->record[i].logged == AMDVI_LOG_OVERFLOW;
        }
    }
    return count;
}

uint32_t amdvi_svm_withheld(AmdviEngine *e, AmdviRingId id)
{
    bool stopped;

    return promised(&e->hold, id, &stopped);
}

/* What will become of a record once all that are withheld are written */
static AmdviLogged predict(AmdviEngine *e, AmdviRingId id)
{
    const AmdviRing *ring = &amdvi_svm_rings[id];
    uint32_t bytes = amdvi_svm_ring_bytes(e, ring);
    uint32_t used = amdvi_ring_used(*amdvi_svm_reg(e, ring->head),
                                    *amdvi_svm_reg(e, ring->tail), bytes);
    bool stopped;
    uint32_t count = promised(&e->hold, id, &stopped);

    if (stopped || !ring->running(amdvi_svm_reg(e, AMDVI_LAYOUT_status))) {
        return AMDVI_LOG_STOPPED;
    }
    return e->hold.records >= AMDVI_HELD_MAX ||
           used + count >= bytes / AMDVI_RING_ENTRY - 1
           ? AMDVI_LOG_OVERFLOW : AMDVI_LOGGED;
}

AmdviLogged amdvi_svm_withhold(AmdviEngine *e, AmdviRingId id,
                               const uint64_t record[2], AmdviLogged most,
                               bool hardware_error)
{
    AmdviHold *h = &e->hold;
    AmdviLogged logged = predict(e, id);

    if (logged == AMDVI_LOGGED) {
        logged = most;
    }
    trace_amdvi_svm_withheld(amdvi_svm_rings[id].name, record[0], record[1],
                             logged);
    /* Hardware errors have registers, whatever becomes of the log */
    if (logged != AMDVI_LOG_STOPPED ||
        (hardware_error && h->records < AMDVI_HELD_MAX)) {
        h->record[h->records++] = (AmdviHeld) {
            .words = { record[0], record[1] },
            .ring = id,
            .logged = logged,
            .hardware_error = hardware_error,
        };
    }
    return logged;
}

/* Write what was withheld, in order; the hits go to @hit.  Their number */
static uint32_t publish(AmdviEngine *e, AmdviHit hit[AMDVI_HITS_MAX])
{
    AmdviHold *h = &e->hold;
    uint32_t hits, records;

    QEMU_LOCK_GUARD(&e->lock);
    hits = h->hits;
    records = h->records;
    memcpy(hit, h->hit, sizeof(h->hit));
    qatomic_set(&h->hits, 0);
    h->records = 0;
    for (uint32_t i = 0; i < records; i++) {
        amdvi_svm_publish(e, &h->record[i]);
    }
    amdvi_svm_update_irq(e);
    return hits;
}

void amdvi_svm_stop_bh(void *opaque)
{
    AmdviHit hit[AMDVI_HITS_MAX];
    AmdviEngine *e = opaque;
    uint32_t hits;

    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    }
    /* On its way to another VM: that one will stop as soon as it runs */
    if (amdvi_svm_is_moving()) {
        return;
    }
    hits = publish(e, hit);
    for (uint32_t i = 0; i < hits && amdvi_svm_tell_stop; i++) {
        amdvi_svm_tell_stop(e, &hit[i]);
    }
}

void amdvi_svm_reset_hold(AmdviEngine *e)
{
    QEMU_LOCK_GUARD(&e->lock);
    qatomic_set(&e->hold.hits, 0);
    e->hold.records = 0;
    e->hold.passes = false;
}
