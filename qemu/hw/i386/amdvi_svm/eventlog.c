/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events and the hardware error registers: spec/registers.md 8.3, 11 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "state.h"
#include "trace.h"

/* The first error is kept until software has cleared HEV */
void amdvi_svm_set_hardware_error(AmdviEngine *e, const uint64_t event[2])
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

AmdviLogged amdvi_svm_log_event(AmdviEngine *e, const uint64_t event[2],
                                bool hardware_error)
{
    AmdviLogged logged;

    QEMU_LOCK_GUARD(&e->lock);
    logged = amdvi_svm_log(e, AMDVI_RING_EVENT, event, hardware_error);
    amdvi_svm_update_irq(e);
    return logged;
}
