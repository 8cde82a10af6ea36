/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C.  See interrupt.h.
 */
#include "interrupt.h"

#include <signal.h>

static volatile sig_atomic_t stop_asked;

void amdvi_interrupt_set(bool stop)
{
    stop_asked = stop;
}

bool amdvi_interrupt_get(void)
{
    return stop_asked != 0;
}

bool amdvi_interrupt_fail(struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "interrupted");
}
