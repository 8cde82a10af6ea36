/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C.  See interrupt.h.
 */
#include "interrupt.h"

#include <signal.h>

static volatile sig_atomic_t stop_asked;
static bool deferred;

static void on_signal(int number)
{
    (void)number;
    stop_asked = true;
}

void amdvi_interrupt_catch(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

void amdvi_interrupt_set(bool stop)
{
    stop_asked = stop;
}

bool amdvi_interrupt_get(void)
{
    return stop_asked != 0;
}

void amdvi_interrupt_defer(bool defer)
{
    deferred = defer;
}

bool amdvi_interrupt_wait(void)
{
    return stop_asked && !deferred;
}

bool amdvi_interrupt_fail(struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "interrupted");
}
