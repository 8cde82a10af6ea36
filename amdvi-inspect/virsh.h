/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP commands through libvirt, which keeps the monitors of its VMs for
 * itself: each command is one run of "virsh qemu-monitor-command".
 */
#ifndef AMDVI_INSPECT_VIRSH_H
#define AMDVI_INSPECT_VIRSH_H

#include "error.h"

#include <sys/types.h>

/*
 * Start virsh with a QMP message.  Returns a stream socket, non-blocking,
 * with what it prints, or -1; its own complaints go to stderr.
 */
int amdvi_virsh_start(const char *domain, const char *message,
                      pid_t *ret_pid, struct amdvi_error *err);
/* End it if it still runs; whether it was content */
bool amdvi_virsh_end(pid_t pid);

#endif
