/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection that two threads share: what is urgent has it as long as it
 * needs, what takes long borrows it for one question at a time and lets the
 * other go first.
 */
#ifndef AMDVI_TUI_LEASE_H
#define AMDVI_TUI_LEASE_H

#include "session.h"

#include <pthread.h>
#include <stdatomic.h>

struct amdvi_gate {
    struct amdvi_session *session;
    pthread_mutex_t lock;
    pthread_cond_t free;
    atomic_uint urgent;         /* who wants the connection or has it */
};

void amdvi_gate_init(struct amdvi_gate *gate, struct amdvi_session *session);
void amdvi_gate_destroy(struct amdvi_gate *gate);
/* Have the session for oneself */
void amdvi_gate_enter(struct amdvi_gate *gate);
void amdvi_gate_leave(struct amdvi_gate *gate);

/*
 * A target that asks that of the session each time.  While there is none,
 * or when it fails, so does the question.  NULL: not connected, no memory.
 */
struct amdvi_target *amdvi_lease_new(struct amdvi_gate *gate,
                                     struct amdvi_error *err);

#endif
