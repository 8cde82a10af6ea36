/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream sockets with deadlines.  See socket.h.
 */
#include "socket.h"
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* How long to wait before a full listen queue is tried again */
#define RETRY_MS 50

int64_t amdvi_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait for @events (POLLIN, POLLOUT) until the deadline */
static enum amdvi_wait wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd poller = { .fd = fd, .events = events };
        int64_t left = deadline - amdvi_clock_ms();
        int n;

        if (left <= 0) {
            return AMDVI_WAIT_TIMEOUT;
        }
        n = poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0) {
            return AMDVI_WAIT_READY;
        }
        if (n < 0 && (errno != EINTR || amdvi_interrupt_wait())) {
            return AMDVI_WAIT_FAILED;
        }
    }
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

enum amdvi_wait amdvi_socket_read(int fd, void *buf, size_t size,
                                  int64_t deadline, size_t *ret_count)
{
    for (;;) {
        ssize_t n = recv(fd, buf, size, 0);
        enum amdvi_wait wait;

        if (n >= 0) {
            *ret_count = (size_t)n;
            return AMDVI_WAIT_READY;
        }
        if (!would_block()) {
            return AMDVI_WAIT_FAILED;
        }
        wait = wait_for(fd, POLLIN, deadline);
        if (wait != AMDVI_WAIT_READY) {
            return wait;
        }
    }
}

enum amdvi_wait amdvi_socket_write(int fd, const void *buf, size_t size,
                                   int64_t deadline)
{
    const char *p = buf;

    while (size) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        enum amdvi_wait wait;

        if (n >= 0) {
            p += n;
            size -= (size_t)n;
            continue;
        }
        if (!would_block()) {
            return AMDVI_WAIT_FAILED;
        }
        wait = wait_for(fd, POLLOUT, deadline);
        if (wait != AMDVI_WAIT_READY) {
            return wait;
        }
    }
    return AMDVI_WAIT_READY;
}

/*
 * Connect without blocking past the deadline.  Returns 0 or an errno value.
 * A UNIX socket whose listen queue is full says EAGAIN and has to be asked
 * again; that is what a second client of a busy monitor may see.
 */
static int connect_until(int fd, const struct sockaddr *addr, socklen_t len,
                         int64_t deadline)
{
    int result = 0;
    socklen_t size = sizeof(result);

    while (connect(fd, addr, len) < 0) {
        if (errno == EAGAIN && amdvi_clock_ms() + RETRY_MS < deadline) {
            poll(NULL, 0, RETRY_MS);
        } else if (errno == EINPROGRESS || errno == EINTR) {
            if (wait_for(fd, POLLOUT, deadline) != AMDVI_WAIT_READY) {
                return ETIMEDOUT;
            }
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size);
            return result;
        } else {
            return errno;
        }
    }
    return 0;
}

/* A non-blocking socket connected to @addr; on error -1 and *ret_errno */
static int open_stream(const struct sockaddr *addr, socklen_t len,
                       int64_t deadline, int *ret_errno)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        *ret_errno = errno;
        return -1;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    *ret_errno = connect_until(fd, addr, len, deadline);
    if (*ret_errno) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The sentence for a UNIX socket that cannot be connected to */
static void explain_unix(const char *path, int error, struct amdvi_error *err)
{
    struct stat st;

    if (error == ENOENT || error == ENOTDIR) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "no such socket: %s", path);
    } else if (error == EACCES || error == EPERM) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "no permission to connect to %s", path);
    } else if (error == ECONNREFUSED && stat(path, &st) == 0 &&
               !S_ISSOCK(st.st_mode)) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "%s is not a socket", path);
    } else if (error == ECONNREFUSED) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "nothing listens on %s: has the VM ended?", path);
    } else if (error == EAGAIN) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "%s is busy: other clients hold it; "
                   "give QEMU a second -qmp socket", path);
    } else {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "cannot connect to %s: %s",
                   path, strerror(error));
    }
}

static int open_unix(const char *path, int64_t deadline,
                     struct amdvi_error *err)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int error, fd;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "the path of a socket has at most %zu bytes: %s",
                   sizeof(addr.sun_path) - 1, path);
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    fd = open_stream((struct sockaddr *)&addr, sizeof(addr), deadline,
                     &error);
    if (fd < 0) {
        explain_unix(path, error, err);
    }
    return fd;
}

/* @host without the brackets of an IPv6 address */
static bool split_host(const char *address, char host[NI_MAXHOST],
                       const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    const char *start = address;
    size_t length;

    if (!colon || colon[1] == '\0' ||
        colon[1 + strspn(colon + 1, "0123456789")] != '\0') {
        return false;
    }
    length = (size_t)(colon - address);
    if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
        start++;
        length -= 2;
    }
    if (length == 0 || length >= NI_MAXHOST) {
        return false;
    }
    memcpy(host, start, length);
    host[length] = '\0';
    *ret_port = colon + 1;
    return true;
}

/* The first of the addresses of a host that answers */
static int open_first(const struct addrinfo *list, const char *address,
                      int64_t deadline, struct amdvi_error *err)
{
    int error = EADDRNOTAVAIL, fd = -1;

    for (; list && fd < 0; list = list->ai_next) {
        fd = open_stream(list->ai_addr, list->ai_addrlen, deadline, &error);
    }
    if (fd < 0 && error == ECONNREFUSED) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "nothing listens on %s: has the VM ended?", address);
    } else if (fd < 0) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "cannot connect to %s: %s",
                   address, strerror(error));
    }
    return fd;
}

static int open_tcp(const char *address, const char *host, const char *port,
                    int64_t deadline, struct amdvi_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    int error = getaddrinfo(host, port, &hints, &list);
    int fd;

    if (error) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "cannot connect to %s: %s",
                   address, gai_strerror(error));
        return -1;
    }
    fd = open_first(list, address, deadline, err);
    freeaddrinfo(list);
    return fd;
}

int amdvi_socket_open(const char *address, int64_t deadline,
                      struct amdvi_error *err)
{
    bool tcp = strncmp(address, "tcp:", 4) == 0;
    char host[NI_MAXHOST];
    const char *port;

    if (strncmp(address, "unix:", 5) == 0) {
        return open_unix(address + 5, deadline, err);
    }
    address += tcp ? 4 : 0;
    if ((tcp || !strchr(address, '/')) && split_host(address, host, &port)) {
        return open_tcp(address, host, port, deadline, err);
    }
    if (tcp) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "not an address of the form HOST:PORT: %s", address);
        return -1;
    }
    return open_unix(address, deadline, err);
}
