/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * amdvi-inspect: the program.  A thin face of libamdvi-views: it parses the
 * command line, opens a target and shows one view.
 */
#include "options.h"
#include "render.h"
#include "target-qmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether to use terminal attributes on the stream @fd */
static bool use_color(enum amdvi_color color, int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (color != AMDVI_COLOR_AUTO) {
        return color == AMDVI_COLOR_ALWAYS;
    }
    return isatty(fd) && !(no_color && *no_color) && term &&
           strcmp(term, "dumb") != 0;
}

static int report(const struct amdvi_error *err, enum amdvi_color color)
{
    bool red = use_color(color, STDERR_FILENO);

    fflush(stdout);
    fprintf(stderr, "%samdvi-inspect: %s%s\n", red ? "\033[31m" : "",
            err->message, red ? "\033[0m" : "");
    return (int)err->code;
}

static struct amdvi_target *open_target(const struct amdvi_options *options,
                                        struct amdvi_error *err)
{
    const char *socket = options->socket;

    if (options->pid && socket) {
        amdvi_fail(err, AMDVI_EXIT_USAGE, "give --socket or --pid, not both");
        return NULL;
    }
    if (options->pid) {
        return amdvi_target_open_pid(options->pid, options->iommu,
                                     options->timeout_ms, err);
    }
    if (!socket) {
        socket = getenv("AMDVI_QMP");
    }
    if (!socket || !*socket) {
        amdvi_fail(err, AMDVI_EXIT_USAGE,
                   "no QEMU is given: use -s SOCKET or --pid PID, "
                   "or set AMDVI_QMP");
        return NULL;
    }
    return amdvi_target_open_qmp(socket, options->iommu, options->timeout_ms,
                                 err);
}

static bool show(const struct amdvi_options *options,
                 const struct amdvi_view *view, struct amdvi_target *target,
                 struct amdvi_error *err)
{
    struct amdvi_text_renderer text;
    struct amdvi_json_renderer json;

    if (options->json) {
        amdvi_json_renderer_init(&json, stdout);
        return amdvi_view_show(view, target, &options->query, &json.renderer,
                               err);
    }
    amdvi_text_renderer_init(&text, stdout,
                             use_color(options->color, STDOUT_FILENO));
    return amdvi_view_show(view, target, &options->query, &text.renderer,
                           err);
}

static bool run_view(const struct amdvi_options *options,
                     const struct amdvi_view *view, struct amdvi_error *err)
{
    struct amdvi_target *target;
    bool good;

    if (!amdvi_options_check(options, view, err) ||
        !amdvi_view_check(view, &options->query, err)) {
        return false;
    }
    target = open_target(options, err);
    if (!target) {
        return false;
    }
    good = show(options, view, target, err);
    amdvi_target_close(target);
    return good;
}

/* "help", "help COMMAND", "--help", "COMMAND --help" */
static bool run_help(const struct amdvi_options *options,
                     struct amdvi_error *err)
{
    const struct amdvi_view *view = NULL;
    const char *name = options->command;

    if (name && strcmp(name, "help") == 0) {
        name = options->query.nargs ? options->query.args[0] : NULL;
    }
    if (name && strcmp(name, "help") != 0) {
        view = amdvi_find_command(name, err);
        if (!view) {
            return false;
        }
    }
    if (view) {
        amdvi_help_command(stdout, view);
    } else {
        amdvi_help_program(stdout);
    }
    return true;
}

static bool run(const struct amdvi_options *options, struct amdvi_error *err)
{
    const struct amdvi_view *view;

    if (options->version) {
        printf("amdvi-inspect %s\n", amdvi_version());
        return true;
    }
    if (options->help ||
        (options->command && strcmp(options->command, "help") == 0)) {
        return run_help(options, err);
    }
    view = amdvi_find_command(options->command, err);
    return view && run_view(options, view, err);
}

/* Whoever reads our output may leave early; other failures are told */
static bool finish_output(struct amdvi_error *err)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE) {
        return true;
    }
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot write the output: %s",
                      strerror(errno ? errno : EIO));
}

int main(int argc, char **argv)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_options options;
    int status = AMDVI_EXIT_OK;

    if (!amdvi_options_parse(argc, argv, &options, &err)) {
        status = report(&err, options.color);
    } else if (!options.command && !options.help && !options.version) {
        amdvi_help_usage(stderr);
        status = AMDVI_EXIT_USAGE;
    } else if (!run(&options, &err)) {
        status = report(&err, options.color);
    }
    if (!finish_output(&err) && status == AMDVI_EXIT_OK) {
        status = report(&err, options.color);
    }
    free(options.args);
    return status;
}
