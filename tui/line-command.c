/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows ":": a few commands of the inspector itself, and all of the
 * command line.  A command that shows what a screen shows goes to it; the
 * output of others is shown as text.  See tui.h.
 */
#include "tui.h"
#include "command.h"
#include "text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool own_function(struct amdvi_tui *tui, const char *argument,
                          struct amdvi_error *err);

static bool save_screen(struct amdvi_tui *tui, const char *argument,
                        struct amdvi_error *err)
{
    amdvi_tui_draw(tui);
    return amdvi_tui_save_screen(argument, err);
}

static bool go(struct amdvi_tui *tui, const char *argument,
               struct amdvi_error *err)
{
    for (int i = 0; i < AMDVI_NUM_SCREENS; i++) {
        if (strcmp(amdvi_screens[i].name, argument) == 0) {
            amdvi_tui_go(tui, (enum amdvi_screen_id)i, NULL, true);
            return true;
        }
    }
    return amdvi_fail(err, AMDVI_EXIT_USAGE, "no screen is called %s",
                      argument);
}

static bool filter(struct amdvi_tui *tui, const char *argument,
                   struct amdvi_error *err)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)err;
    snprintf(place->filter, sizeof(place->filter), "%s", argument);
    amdvi_place_layout(place);
    return true;
}

static bool wait_for(struct amdvi_tui *tui, const char *argument,
                     struct amdvi_error *err)
{
    uint64_t count;

    if (!amdvi_parse_number(argument, UINT32_MAX, &count)) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "wait needs a number");
    }
    tui->wait_for = tui->refreshes + count;
    return true;
}

static bool quit(struct amdvi_tui *tui, const char *argument,
                 struct amdvi_error *err)
{
    (void)argument;
    (void)err;
    tui->leave = true;
    return true;
}

static const struct own_command {
    const char *name;
    const char *args;           /* "" takes none */
    bool optional;
    const char *help;
    own_function *function;
} own_commands[] = {
    { "screen", "NAME", false, "go to a screen", go },
    { "filter", "[TEXT]", true, "as the key &", filter },
    { "write", "FILE", false, "as the key w",
      amdvi_tui_save },
    { "dump", "FILE", false, "as the key d", amdvi_tui_dump },
    { "save-screen", "FILE", false, "write the screen as text",
      save_screen },
    { "wait", "N", false, "in scripts: go on after N more refreshes",
      wait_for },
    { "quit", "", false, "leave", quit },
};

#define NUM_OWN (sizeof(own_commands) / sizeof(own_commands[0]))

const char *amdvi_tui_command_name(size_t index, const char **ret_args,
                                   const char **ret_help)
{
    if (index >= NUM_OWN) {
        return NULL;
    }
    *ret_args = own_commands[index].args;
    *ret_help = own_commands[index].help;
    return own_commands[index].name;
}

/* The command that the first @length bytes of @line are */
static const struct own_command *find_own(const char *line, size_t length)
{
    for (size_t i = 0; i < NUM_OWN; i++) {
        if (strlen(own_commands[i].name) == length &&
            strncmp(own_commands[i].name, line, length) == 0) {
            return &own_commands[i];
        }
    }
    return NULL;
}

static bool run_own(struct amdvi_tui *tui, const struct own_command *command,
                    const char *argument, struct amdvi_error *err)
{
    if (*argument ? !*command->args : *command->args && !command->optional) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, *argument
                          ? "%s takes nothing" : "%s needs %s",
                          command->name, command->args);
    }
    return command->function(tui, argument, err);
}

/* The screen that shows what the command shows; false: none does */
static bool find_screen(const struct amdvi_options *options,
                        enum amdvi_screen_id *ret,
                        struct amdvi_subject *subject)
{
    const unsigned int known = AMDVI_QUERY_PASID | AMDVI_QUERY_PRIV |
                               AMDVI_QUERY_ACCESS;
    const struct amdvi_query *query = &options->query;
    struct amdvi_command command;
    struct amdvi_error ignored;
    uint16_t device_id;

    if (!options->command || options->json || options->help ||
        options->connection || (options->view_options & ~known) ||
        !amdvi_command_find(options->command, &command, &ignored) ||
        !amdvi_command_check(&command, options, &ignored) ||
        !command.view || !amdvi_screen_of_view(command.view, ret) ||
        query->nargs != command.view->min_args) {
        return false;
    }
    subject->from = 0;
    if (query->nargs > 0) {
        if (!amdvi_parse_bdf(query->args[0], &device_id)) {
            return false;
        }
        amdvi_format_bdf(device_id, subject->bdf);
        subject->has_pasid = query->has_pasid;
        subject->pasid = query->pasid;
        subject->priv = query->priv;
        subject->write = query->write;
        subject->exec = query->exec;
    }
    if (query->nargs > 1) {
        subject->has_address = amdvi_parse_number(
            query->args[1], UINT64_MAX, &subject->address);
        return subject->has_address;
    }
    return true;
}

static bool go_to_view(struct amdvi_tui *tui, const char *line)
{
    char *argv[AMDVI_MAX_WORDS_OF_LINE + 2] = { (char *)"amdvi-inspect" };
    struct amdvi_options options = { .args = NULL };
    struct amdvi_subject subject = tui->subject;
    enum amdvi_screen_id screen;
    struct amdvi_error ignored;
    struct amdvi_words words;
    const char *rest = line;
    bool found = false;

    if (amdvi_words_take(&rest, &words, &ignored) && !rest && !words.pipe) {
        memcpy(argv + 1, words.word, words.count * sizeof(argv[0]));
        found = amdvi_options_parse((int)words.count + 1, argv, &options,
                                    &ignored) &&
                find_screen(&options, &screen, &subject);
    }
    free(options.args);
    amdvi_words_free(&words);
    if (found) {
        amdvi_tui_go(tui, screen, &subject, true);
    }
    return found;
}

/* Without arguments they only list what there is */
static bool is_order(const struct amdvi_options *options)
{
    static const char *const names[] = { "inject", "break" };
    bool found = false;

    for (size_t i = 0; options->command && i < 2; i++) {
        found = found || strcmp(options->command, names[i]) == 0;
    }
    return found && options->query.nargs > 0 && !options->help;
}

/* The next command of *@line, which moves behind it, changes the VM */
static bool next_touches(const char **line)
{
    char *argv[AMDVI_MAX_WORDS_OF_LINE + 2] = { (char *)"amdvi-inspect" };
    struct amdvi_options options = { .args = NULL };
    struct amdvi_error ignored;
    struct amdvi_words words;
    bool found = false;

    if (amdvi_words_take(line, &words, &ignored)) {
        memcpy(argv + 1, words.word, words.count * sizeof(argv[0]));
        found = amdvi_options_parse((int)words.count + 1, argv, &options,
                                    &ignored) && is_order(&options);
    } else {
        *line = NULL;
    }
    free(options.args);
    amdvi_words_free(&words);
    return found;
}

/* Whether a line has a command that changes the VM */
static bool touches(const char *line)
{
    bool found = false;

    while (line && !found) {
        found = next_touches(&line);
    }
    return found;
}

static void run_line(struct amdvi_tui *tui, const char *line)
{
    struct amdvi_job *job = amdvi_job_new(AMDVI_JOB_LINE);

    if (job && (job->text = strdup(line))) {
        tui->outstanding++;
        amdvi_worker_give(tui->worker, job);
    } else {
        amdvi_job_free(job);
        amdvi_tui_say(tui, true, "out of memory");
    }
}

void amdvi_tui_command(struct amdvi_tui *tui, const char *line)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    const struct own_command *own;
    const char *argument;
    size_t length;

    if (!line) {
        run_line(tui, tui->confirmed);
        return;
    }
    line += strspn(line, " ");
    length = strcspn(line, " ");
    argument = line + length + strspn(line + length, " ");
    own = find_own(line, length);
    if (!*line) {
        return;
    }
    if (!own || own->function != save_screen) {
        tui->message[0] = '\0';
    }
    if (own) {
        if (!run_own(tui, own, argument, &err)) {
            amdvi_tui_say(tui, true, "%s", err.message);
        }
    } else if (touches(line) && (tui->options->readonly || tui->is_dump)) {
        amdvi_tui_say(tui, true, "this inspector touches no VM");
    } else if (touches(line)) {
        snprintf(tui->confirmed, sizeof(tui->confirmed), "%s", line);
        amdvi_prompt_open(tui, AMDVI_PROMPT_CONFIRM, "");
    } else if (!go_to_view(tui, line)) {
        run_line(tui, line);
    }
}
