/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event log and the hardware error registers: spec/registers.md 8.3, 11 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/lockable.h"
#include "qemu/log.h"
#include "state.h"
#include "trace.h"

/* The log is full: the event is lost, and so are all until a restart */
static void overflow(AmdviEngine *e, const uint64_t event[2])
{
    uint64_t *status = amdvi_svm_reg(e, AMDVI_LAYOUT_status);

    trace_amdvi_svm_event_overflow(event[0], event[1]);
    qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: event log overflow\n");
    amdvi_status_set_event_overflow(status, 1);
    amdvi_status_set_event_log_run(status, 0);
    amdvi_status_set_event_log_int(status, 1);
}

/* Write an event at the tail: all of it, before the tail moves */
static void append(AmdviEngine *e, const uint64_t event[2], uint32_t next)
{
    uint64_t *tail = amdvi_svm_reg(e, AMDVI_LAYOUT_event_tail);
    uint64_t spa = amdvi_event_base_base(
        amdvi_svm_reg(e, AMDVI_LAYOUT_event_base)) + *tail;
    uint64_t entry[2] = { cpu_to_le64(event[0]), cpu_to_le64(event[1]) };

    trace_amdvi_svm_event(event[0], event[1], (uint32_t)*tail);
    if (!amdvi_svm_store(spa, entry, sizeof(entry))) {
        qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: the event log at 0x%"
                      PRIx64 " is not in RAM\n", spa);
    }
    *tail = next;
    amdvi_status_set_event_log_int(amdvi_svm_reg(e, AMDVI_LAYOUT_status), 1);
}

static void log_event(AmdviEngine *e, const uint64_t event[2])
{
    uint32_t bytes = amdvi_svm_ring_bytes(e,
                                          &amdvi_svm_rings[AMDVI_RING_EVENT]);
    uint32_t next = amdvi_ring_next(*amdvi_svm_reg(e, AMDVI_LAYOUT_event_tail),
                                    bytes);

    if (!amdvi_status_event_log_run(amdvi_svm_reg(e, AMDVI_LAYOUT_status))) {
        trace_amdvi_svm_event_dropped(event[0], event[1]);
    } else if (next == *amdvi_svm_reg(e, AMDVI_LAYOUT_event_head)) {
        overflow(e, event);
    } else {
        append(e, event, next);
    }
}

/* The first error is kept until software has cleared HEV */
static void set_hardware_error(AmdviEngine *e, const uint64_t event[2])
{
    uint64_t *status = amdvi_svm_reg(e, AMDVI_LAYOUT_hw_event_status);

    trace_amdvi_svm_hardware_error(event[0], event[1]);
    if (amdvi_hw_event_status_hev(status)) {
        amdvi_hw_event_status_set_heo(status, 1);
        return;
    }
    *amdvi_svm_reg(e, AMDVI_LAYOUT_hw_event_upper) = event[0];
    *amdvi_svm_reg(e, AMDVI_LAYOUT_hw_event_lower) = event[1];
    amdvi_hw_event_status_set_hev(status, 1);
}

void amdvi_svm_log_event(AmdviEngine *e, const uint64_t event[2],
                         bool hardware_error)
{
    QEMU_LOCK_GUARD(&e->lock);
    if (hardware_error) {
        set_hardware_error(e, event);
    }
    log_event(e, event);
    amdvi_svm_update_irq(e);
}
