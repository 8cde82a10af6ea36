/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream sockets with deadlines: connect, read, write, and say why not.
 */
#ifndef AMDVI_INSPECT_SOCKET_H
#define AMDVI_INSPECT_SOCKET_H

#include "error.h"

#include <stdint.h>

/* Monotonic clock in milliseconds; deadlines are points of it */
int64_t amdvi_clock_ms(void);

/*
 * Connect to @address: the path of a UNIX socket or HOST:PORT, optionally
 * with "unix:" or "tcp:" before it.  Returns a non-blocking descriptor that
 * the caller closes, or -1.
 */
int amdvi_socket_open(const char *address, int64_t deadline,
                      struct amdvi_error *err);

enum amdvi_wait {
    AMDVI_WAIT_READY,
    AMDVI_WAIT_TIMEOUT,
    AMDVI_WAIT_FAILED,          /* errno is set; EINTR: see interrupt.h */
};

/*
 * Read what is there, at least one byte.  *@ret_count is 0 at the end of the
 * stream.
 */
enum amdvi_wait amdvi_socket_read(int fd, void *buf, size_t size,
                                  int64_t deadline, size_t *ret_count);
/* Write all of it */
enum amdvi_wait amdvi_socket_write(int fd, const void *buf, size_t size,
                                   int64_t deadline);

#endif
