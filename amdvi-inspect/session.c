/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session.  See session.h.
 */
#include "session.h"
#include "command.h"
#include "dump.h"
#include "interrupt.h"
#include "render.h"
#include "target-qmp.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool amdvi_use_color(enum amdvi_color color, int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (color != AMDVI_COLOR_AUTO) {
        return color == AMDVI_COLOR_ALWAYS;
    }
    return isatty(fd) && !(no_color && *no_color) && term &&
           strcmp(term, "dumb") != 0;
}

void amdvi_report(const struct amdvi_error *err, enum amdvi_color color,
                  const char *place)
{
    bool red = amdvi_use_color(color, STDERR_FILENO);

    fflush(stdout);
    fprintf(stderr, "%samdvi-inspect: %s%s%s\n", red ? "\033[31m" : "",
            place ? place : "", err->message, red ? "\033[0m" : "");
}

static struct amdvi_target *open_target(const struct amdvi_options *options,
                                        struct amdvi_error *err)
{
    const struct amdvi_qmp_manner manner = {
        .timeout_ms = options->timeout_ms, .readonly = options->readonly,
    };
    const char *socket = options->socket;

    if ((options->pid != 0) + (socket != NULL) + (options->dump != NULL) +
        (options->libvirt != NULL) > 1) {
        amdvi_fail(err, AMDVI_EXIT_USAGE,
                   "give only one of --socket, --pid, --libvirt and --dump");
        return NULL;
    }
    if (options->dump) {
        return amdvi_target_open_dump(options->dump, err);
    }
    if (options->libvirt) {
        return amdvi_target_open_libvirt(options->libvirt, options->iommu,
                                         &manner, err);
    }
    if (options->pid) {
        return amdvi_target_open_pid(options->pid, options->iommu, &manner,
                                     err);
    }
    if (!socket) {
        socket = getenv("AMDVI_QMP");
    }
    if (!socket || !*socket) {
        amdvi_fail(err, AMDVI_EXIT_USAGE,
                   "no QEMU is given: use -s SOCKET, --pid PID or -d DUMP, "
                   "or set AMDVI_QMP");
        return NULL;
    }
    return amdvi_target_open_qmp(socket, options->iommu, &manner, err);
}

void amdvi_session_close(struct amdvi_session *session)
{
    amdvi_target_close(session->target);
    session->target = NULL;
}

struct amdvi_target *amdvi_session_target(struct amdvi_session *session,
                                          struct amdvi_error *err)
{
    if (session->target) {
        amdvi_target_refresh(session->target);
    } else {
        session->target = open_target(session->options, err);
        if (session->target) {
            session->target->paused = session->paused;
            session->paused = false;
        }
    }
    return session->target;
}

bool amdvi_session_resume(struct amdvi_session *session,
                          struct amdvi_error *err)
{
    bool good = true;

    amdvi_interrupt_defer(true);
    if (session->target ? session->target->paused : session->paused) {
        good = amdvi_session_target(session, err) &&
               amdvi_target_pause(session->target, false, err);
    }
    amdvi_interrupt_defer(false);
    return good;
}

static bool show(struct amdvi_session *session,
                 const struct amdvi_options *options,
                 const struct amdvi_view *view, struct amdvi_target *target,
                 struct amdvi_error *err)
{
    struct amdvi_text_renderer text;
    struct amdvi_json_renderer json;

    if (options->json) {
        amdvi_json_renderer_init(&json, session->out);
        return amdvi_view_show(view, target, &options->query, &json.renderer,
                               err);
    }
    amdvi_text_renderer_init(&text, session->out,
                             amdvi_use_color(options->color,
                                             session->color_fd));
    return amdvi_view_show(view, target, &options->query, &text.renderer,
                           err);
}

static bool show_without_target(struct amdvi_session *session,
                                const struct amdvi_options *options,
                                const struct amdvi_view *view,
                                struct amdvi_error *err)
{
    struct amdvi_target *none = amdvi_target_none(err);
    bool good = none && show(session, options, view, none, err);

    amdvi_target_close(none);
    return good;
}

void amdvi_session_failed(struct amdvi_session *session,
                          const struct amdvi_error *err)
{
    if (amdvi_interrupt_get() || err->code == AMDVI_EXIT_CONNECTION ||
        err->code == AMDVI_EXIT_TIMEOUT || err->code == AMDVI_EXIT_REPLY) {
        session->paused = session->target ? session->target->paused
                                          : session->paused;
        amdvi_session_close(session);
    }
}

bool amdvi_session_run(struct amdvi_session *session,
                       const struct amdvi_options *options,
                       struct amdvi_error *err)
{
    struct amdvi_command command;
    struct amdvi_target *target;
    bool good;

    if (!amdvi_command_find(options->command, &command, err) ||
        !amdvi_command_check(&command, options, err)) {
        return false;
    }
    if (!command.view) {
        return command.run(session, options, err);
    }
    if (command.view->targetless) {
        return show_without_target(session, options, command.view, err);
    }
    target = amdvi_session_target(session, err);
    good = target && show(session, options, command.view, target, err);
    if (!good) {
        amdvi_session_failed(session, err);
    }
    return good;
}
