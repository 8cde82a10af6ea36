/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile dump files and QMP replies for everything in libamdvi-views that
 * parses them, and for the views over what comes out.
 *
 * The first byte of an input says what the rest is: a dump, plain or
 * compressed, or all that a QMP server will ever say.  Built like
 * fuzz-walk.c.
 */
#include "dump.h"
#include "fuzz-walk.h"
#include "qmp.h"
#include "render.h"
#include "target-qmp.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one can ask without much work, whatever the tables are */
static const struct command {
    const char *view;
    const char *args[2];
    size_t nargs;
} commands[] = {
    { "status", { NULL }, 0 },
    { "devices", { NULL }, 0 },
    { "device", { "00:03.0" }, 1 },
    { "walk", { "00:03.0", "0x1000" }, 2 },
    { "irt", { "00:03.0" }, 1 },
    { "events", { NULL }, 0 },
    { "requests", { NULL }, 0 },
    { "iotlb", { NULL }, 0 },
    { "stats", { NULL }, 0 },
    { "trace", { NULL }, 0 },
    { "inject", { NULL }, 0 },
    { "break", { NULL }, 0 },
};

static void show(struct amdvi_target *target, const struct command *command,
                 FILE *out, bool text)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_query query = {
        .args = command->args, .nargs = command->nargs, .limit = 8,
        .verbose = !text,
    };
    struct amdvi_text_renderer as_text;
    struct amdvi_json_renderer as_json;

    query.has_pasid = strcmp(command->view, "walk") == 0;
    query.pasid = 5;
    amdvi_text_renderer_init(&as_text, out, true);
    amdvi_json_renderer_init(&as_json, out);
    amdvi_view_show(amdvi_find_view(command->view), target, &query,
                    text ? &as_text.renderer : &as_json.renderer, &err);
}

static void show_all(struct amdvi_target *target, FILE *out)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        show(target, &commands[i], out, i % 2);
    }
    amdvi_target_close(target);
}

static void read_dump(const uint8_t *data, size_t size, FILE *out)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_target *target;
    char path[64];
    int fd = memfd_create("dump", 0);

    if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        target = amdvi_target_open_dump(path, &err);
        if (target) {
            show_all(target, out);
        }
    }
    close(fd);
}

/* A server that has said all it will say, and listens to nothing */
static void talk(const uint8_t *data, size_t size, FILE *out)
{
    static const struct amdvi_qmp_manner manner = { .timeout_ms = 20 };
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_target *target;
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) < 0) {
        return;
    }
    if (send(fd[1], data, size, MSG_NOSIGNAL) == (ssize_t)size) {
        shutdown(fd[1], SHUT_WR);
        target = amdvi_target_attach_qmp(fd[0], "fuzz", NULL, &manner,
                                         &err);
        if (target) {
            show_all(target, out);
        }
    } else {
        close(fd[0]);
    }
    close(fd[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *out;

    if (!out) {
        out = fopen("/dev/null", "w");
    }
    if (size == 0 || !out) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        read_dump(data + 1, size - 1, out);
    } else {
        talk(data + 1, size - 1, out);
    }
    return 0;
}
