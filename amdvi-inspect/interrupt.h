/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ctrl-C: an interactive program asks whatever is running to stop.
 *
 * Waits for QEMU and the showing of a view end with an error when that was
 * asked for; nobody else has to look.
 */
#ifndef AMDVI_INSPECT_INTERRUPT_H
#define AMDVI_INSPECT_INTERRUPT_H

#include "error.h"

/* From now on Ctrl-C and the wish to end this process ask to stop */
void amdvi_interrupt_catch(void);
/* Ask to stop, or take that back.  Safe in a signal handler */
void amdvi_interrupt_set(bool stop);
bool amdvi_interrupt_get(void);
/*
 * While deferred, waits for QEMU go on in spite of the wish, so that the
 * connection stays usable for what has to be put right before the end.
 */
void amdvi_interrupt_defer(bool defer);
/* Whether a wait for QEMU shall end */
bool amdvi_interrupt_wait(void);

/* amdvi_fail() for work that was stopped */
bool amdvi_interrupt_fail(struct amdvi_error *err);

#endif
