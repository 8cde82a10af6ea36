/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * amdvi-inspect: the program.  A thin face of libamdvi-views: it parses the
 * command line and runs one command in a session.
 */
#include "command.h"
#include "output.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "COMMAND --help" and "--help" are "help COMMAND" and "help" */
static void turn_to_help(struct amdvi_options *options)
{
    if (options->command && strcmp(options->command, "help") != 0) {
        options->args[0] = options->command;
        options->query.nargs = 1;
    }
    options->command = "help";
    options->view_options = 0;
}

static bool is_interactive(const char *command)
{
    return strcmp(command, "shell") == 0 || strcmp(command, "tui") == 0;
}

/* Without a command, but with a terminal and a target: the inspector */
static bool wants_tui(const struct amdvi_options *options)
{
    const char *socket = getenv("AMDVI_QMP");

    return !options->command &&
           (options->connection || (socket && *socket)) &&
           isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* The shell has output of its own for each command */
static bool run(struct amdvi_options *options, struct amdvi_error *err)
{
    struct amdvi_session session = { .options = options, .out = stdout };
    struct amdvi_error close_err = { .code = AMDVI_EXIT_OK };
    bool pager = !options->no_pager && !options->query.follow &&
                 !is_interactive(options->command);
    struct amdvi_output output;
    bool good = amdvi_output_open(&output, pager, err);

    if (good) {
        session.out = output.out;
        session.color_fd = output.color_fd;
        good = amdvi_session_run(&session, options, err);
        amdvi_session_close(&session);
        if (!amdvi_output_close(&output, &close_err) && good) {
            *err = close_err;
            good = false;
        }
    }
    return good;
}

/* Returns the exit status */
static int run_options(struct amdvi_options *options)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };

    if (options->version) {
        printf("amdvi-inspect %s\n", amdvi_version());
        return AMDVI_EXIT_OK;
    }
    if (options->help) {
        turn_to_help(options);
    }
    if (wants_tui(options)) {
        options->command = "tui";
    }
    if (!options->command) {
        amdvi_help_usage(stderr);
        return AMDVI_EXIT_USAGE;
    }
    if (run(options, &err)) {
        return AMDVI_EXIT_OK;
    }
    amdvi_report(&err, options->color, NULL);
    return (int)err.code;
}

int main(int argc, char **argv)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_options options;
    int status;

    /* a reader that leaves is noticed by the write, and is no failure */
    signal(SIGPIPE, SIG_IGN);
    /* so is a file that may not grow, and the dump is not left half done */
    signal(SIGXFSZ, SIG_IGN);
    if (amdvi_options_parse(argc, argv, &options, &err)) {
        status = run_options(&options);
    } else {
        amdvi_report(&err, options.color, NULL);
        status = (int)err.code;
    }
    free(options.args);
    return status;
}
