/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP sockets of a running QEMU process, from its command line.
 */
#ifndef AMDVI_INSPECT_PROCESS_H
#define AMDVI_INSPECT_PROCESS_H

#include "error.h"

/* More monitors than anyone gives a VM */
#define AMDVI_MAX_SOCKETS 16

struct amdvi_socket_list {
    char *address[AMDVI_MAX_SOCKETS];   /* as for amdvi_qmp_open() */
    size_t count;
};

/*
 * Find the QMP sockets that process @pid was started with: -qmp, -qmp-pretty
 * and -mon mode=control over -chardev socket.  Processes of other users are
 * refused.  The caller frees @ret with amdvi_socket_list_free().
 */
bool amdvi_process_sockets(unsigned long pid, struct amdvi_socket_list *ret,
                           struct amdvi_error *err);
void amdvi_socket_list_free(struct amdvi_socket_list *list);

#endif
