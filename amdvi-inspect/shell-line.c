/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of the shell: its own commands, and those of the program.
 * See shell.h.
 */
#include "shell.h"
#include "command.h"
#include "output.h"
#include "text.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* A command of the shell itself; @words has count of them */
typedef bool shell_function(struct amdvi_session *session,
                            const struct amdvi_words *words,
                            struct amdvi_error *err);

/* Without a device: show the one in use */
static bool use_device(struct amdvi_session *session,
                       const struct amdvi_words *words,
                       struct amdvi_error *err)
{
    uint16_t device_id;

    if (words->count == 1) {
        printf("%s\n", *session->device ? session->device : "no device");
        return true;
    }
    if (words->count > 2 || !amdvi_parse_bdf(words->word[1], &device_id)) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "use needs one device address");
    }
    amdvi_format_bdf(device_id, session->device);
    return true;
}

static bool pause_vm(struct amdvi_session *session, bool stop,
                     struct amdvi_error *err)
{
    struct amdvi_target *target = amdvi_session_target(session, err);

    if (!target) {
        return false;
    }
    if (!amdvi_target_pause(target, stop, err)) {
        amdvi_session_failed(session, err);
        return false;
    }
    session->frozen = stop;
    return true;
}

static bool freeze(struct amdvi_session *session,
                   const struct amdvi_words *words, struct amdvi_error *err)
{
    (void)words;
    return pause_vm(session, true, err);
}

static bool thaw(struct amdvi_session *session,
                 const struct amdvi_words *words, struct amdvi_error *err)
{
    (void)words;
    return pause_vm(session, false, err);
}

static const struct {
    struct amdvi_shell_command command;
    shell_function *function;   /* NULL: leave the shell */
} functions[] = {
    { { "use", "[BDF]", "take this device where a command is given none" },
      use_device },
    { { "freeze", "", "pause the VM until thaw, or the end of the shell" },
      freeze },
    { { "thaw", "", "let the VM go on" }, thaw },
    { { "quit", "", "leave the shell" }, NULL },
    { { "exit", "", "leave the shell" }, NULL },
};

#define NUM_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

const struct amdvi_shell_command *amdvi_shell_command(size_t index)
{
    return index < NUM_FUNCTIONS ? &functions[index].command : NULL;
}

/* The number in functions[], or NUM_FUNCTIONS */
static size_t find_function(const char *name)
{
    size_t i = 0;

    while (i < NUM_FUNCTIONS && strcmp(functions[i].command.name, name) != 0) {
        i++;
    }
    return i;
}

/* Put the device in use where a command wants one and got none */
static void add_device(struct amdvi_session *session,
                       struct amdvi_options *options)
{
    struct amdvi_query *query = &options->query;
    struct amdvi_command command;

    if (!*session->device || !options->command ||
        !amdvi_command_find(options->command, &command, NULL) ||
        strncmp(command.args, "BDF", 3) != 0 ||
        query->nargs >= command.min_args) {
        return;
    }
    for (size_t i = query->nargs; i > 0; i--) {
        options->args[i] = options->args[i - 1];
    }
    options->args[0] = session->device;
    query->nargs++;
}

/* What the program was started with holds for every command */
static bool inherit(const struct amdvi_session *session,
                    struct amdvi_options *options, struct amdvi_error *err)
{
    const struct amdvi_options *program = session->options;

    if (options->connection) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "--%s belongs on the command line of the program",
                          options->connection);
    }
    options->json = options->json || program->json;
    if (options->color == AMDVI_COLOR_AUTO) {
        options->color = program->color;
    }
    options->no_pager = options->no_pager || program->no_pager;
    return true;
}

static bool run_in_output(struct amdvi_session *session,
                          const struct amdvi_options *options,
                          const char *pipe, struct amdvi_error *err)
{
    struct amdvi_output output;
    struct amdvi_error close_err = { .code = AMDVI_EXIT_OK };
    bool good = pipe ? amdvi_output_pipe(&output, pipe, err)
                     : amdvi_output_open(&output, !options->no_pager &&
                                                  !options->query.follow,
                                         err);

    if (!good) {
        return false;
    }
    session->out = output.out;
    session->color_fd = output.color_fd;
    good = amdvi_session_run(session, options, err);
    session->out = stdout;
    if (!amdvi_output_close(&output, &close_err) && good) {
        *err = close_err;
        good = false;
    }
    return good;
}

/* A command of the program, with options and arguments */
static bool run_command(struct amdvi_session *session,
                        struct amdvi_words *words, struct amdvi_error *err)
{
    struct amdvi_options options;
    char *argv[AMDVI_MAX_WORDS_OF_LINE + 2] = { (char *)"amdvi-inspect" };
    bool good;

    memcpy(argv + 1, words->word, words->count * sizeof(argv[0]));
    good = amdvi_options_parse((int)words->count + 1, argv, &options, err);
    if (good && !options.command) {
        options.command = "help";
    }
    if (good && options.help) {
        options.args[0] = options.command;
        options.query.nargs = 1;
        options.command = "help";
    }
    if (good) {
        add_device(session, &options);
        good = inherit(session, &options, err) &&
               run_in_output(session, &options, words->pipe, err);
    }
    free(options.args);
    return good;
}

static bool run_words(struct amdvi_session *session,
                      struct amdvi_words *words, enum amdvi_shell_next *next,
                      struct amdvi_error *err)
{
    size_t i;

    if (words->count == 0) {
        return !words->pipe ||
               amdvi_fail(err, AMDVI_EXIT_USAGE, "nothing before the \"|\"");
    }
    i = find_function(words->word[0]);
    if (i == NUM_FUNCTIONS) {
        return run_command(session, words, err);
    }
    if (!functions[i].function) {
        *next = AMDVI_SHELL_LEAVE;
        return true;
    }
    return functions[i].function(session, words, err);
}

bool amdvi_shell_line(struct amdvi_session *session, const char *line,
                      enum amdvi_shell_next *next, struct amdvi_error *err)
{
    bool good = true;

    *next = AMDVI_SHELL_GO_ON;
    while (good && line && *next == AMDVI_SHELL_GO_ON) {
        struct amdvi_words words;

        good = amdvi_words_take(&line, &words, err) &&
               run_words(session, &words, next, err);
        amdvi_words_free(&words);
    }
    return good;
}
