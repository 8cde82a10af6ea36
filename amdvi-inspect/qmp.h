/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP client: one connection to one QEMU.
 *
 * Every wait has a deadline.  Replies may have any size up to a cap, their
 * nesting is limited.  Replies nobody asked for are dropped, and events but
 * those that tell why a breakpoint has stopped the VM.
 */
#ifndef AMDVI_INSPECT_QMP_H
#define AMDVI_INSPECT_QMP_H

#include "error.h"

#include <json-c/json.h>

/* Connecting and the greeting take at most this long */
#define AMDVI_QMP_CONNECT_MS 2000

struct amdvi_qmp;

/* How to talk to a QEMU */
struct amdvi_qmp_manner {
    int timeout_ms;             /* limit for one command */
    bool readonly;              /* send only what changes nothing in it */
};

/*
 * Connect to @address (see amdvi_socket_open()) and negotiate.  Returns NULL
 * on failure.
 */
struct amdvi_qmp *amdvi_qmp_open(const char *address,
                                 const struct amdvi_qmp_manner *manner,
                                 struct amdvi_error *err);
/*
 * The same over a stream socket that does not block and is already connected;
 * it is taken over, also on failure.  @address is for messages.
 */
struct amdvi_qmp *amdvi_qmp_attach(int fd, const char *address,
                                   const struct amdvi_qmp_manner *manner,
                                   struct amdvi_error *err);
/* The same through libvirt, for the VM it calls @domain; without events */
struct amdvi_qmp *
amdvi_qmp_open_libvirt(const char *domain,
                       const struct amdvi_qmp_manner *manner,
                       struct amdvi_error *err);
/* If the connection of amdvi_qmp_open() is dead, make it anew */
bool amdvi_qmp_reopen(struct amdvi_qmp *qmp, struct amdvi_error *err);
/* @qmp may be NULL */
void amdvi_qmp_close(struct amdvi_qmp *qmp);

/* The address as the user gave it */
const char *amdvi_qmp_address(const struct amdvi_qmp *qmp);
/* "10.2.2", as the greeting said; "unknown" if it did not */
const char *amdvi_qmp_version(const struct amdvi_qmp *qmp);

/* Commands that were sent so far, also over connections that are gone */
uint64_t amdvi_qmp_sent(const struct amdvi_qmp *qmp);

/* Whether only what changes nothing is sent: the rest fails, unsent */
bool amdvi_qmp_readonly(const struct amdvi_qmp *qmp);

/* Whether this QEMU has a command */
bool amdvi_qmp_has(const struct amdvi_qmp *qmp, const char *command);

/*
 * Run a command.  @arguments may be NULL and is consumed in any case.
 * Returns the "return" member, which the caller puts; NULL on failure.
 * After a failure that is not a refusal by QEMU the connection is dead.
 */
struct json_object *amdvi_qmp_run(struct amdvi_qmp *qmp, const char *command,
                                  struct json_object *arguments,
                                  struct amdvi_error *err);
/*
 * Wait for an event, without a limit of time; others are dropped, and so are
 * those that came before the last reply.  Returns its data, which the caller
 * puts; NULL if the connection is lost or the user stops.
 */
struct json_object *amdvi_qmp_wait_event(struct amdvi_qmp *qmp,
                                         const char *event,
                                         struct amdvi_error *err);

/*
 * Data of the oldest AMD_IOMMU_BREAK that came while replies were waited
 * for, which the caller puts; NULL if there is none.
 */
struct json_object *amdvi_qmp_next_break(struct amdvi_qmp *qmp);

#endif
