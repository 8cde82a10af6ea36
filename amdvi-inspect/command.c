/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and their help.  See command.h.
 */
#include "command.h"
#include "key-values.h"
#include "shell.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define PROGRAM "amdvi-inspect"

static const struct amdvi_command functions[] = {
#define AMDVI_COMMAND(id, args, min, max, options, help)                     \
    { #id, args, help, min, max, options, NULL, amdvi_run_##id },
#include "commands.def"
#undef AMDVI_COMMAND
};

#define NUM_FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static struct amdvi_command of_view(const struct amdvi_view *view)
{
    return (struct amdvi_command){
        view->name, view->args, view->help, view->min_args, view->max_args,
        view->options | AMDVI_QUERY_COLUMNS, view, NULL,
    };
}

bool amdvi_command_at(size_t index, struct amdvi_command *ret)
{
    for (const struct amdvi_view *const *v = amdvi_views; *v; v++) {
        if (index-- == 0) {
            *ret = of_view(*v);
            return true;
        }
    }
    if (index >= NUM_FUNCTIONS) {
        return false;
    }
    *ret = functions[index];
    return true;
}

bool amdvi_command_find(const char *name, struct amdvi_command *ret,
                        struct amdvi_error *err)
{
    const char *guess = NULL;
    size_t best = SIZE_MAX;
    struct amdvi_command command;

    for (size_t i = 0; amdvi_command_at(i, &command); i++) {
        if (strcmp(command.name, name) == 0) {
            *ret = command;
            return true;
        }
        if (amdvi_similar(name, command.name) &&
            amdvi_edit_distance(name, command.name) <= best) {
            best = amdvi_edit_distance(name, command.name);
            guess = command.name;
        }
    }
    if (guess) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "unknown command %s; did you mean %s?", name,
                          guess);
    }
    return amdvi_fail(err, AMDVI_EXIT_USAGE,
                      "unknown command %s; see " PROGRAM " help", name);
}

bool amdvi_command_check(const struct amdvi_command *command,
                         const struct amdvi_options *options,
                         struct amdvi_error *err)
{
    const struct amdvi_query *query = &options->query;
    const char *extra = amdvi_option_of(options->view_options &
                                        ~command->options);

    if (extra) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "%s has no option --%s",
                          command->name, extra);
    }
    if (command->view) {
        return amdvi_query_check(command->view, query, err);
    }
    if (query->nargs < command->min_args) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "%s needs %s",
                          command->name, command->args);
    }
    return query->nargs <= command->max_args ||
           amdvi_fail(err, AMDVI_EXIT_USAGE,
                      "%s: too many arguments, from %s on", command->name,
                      query->args[command->max_args]);
}

static void put_command(FILE *out, const char *name, const char *args,
                        const char *help)
{
    char text[64];

    snprintf(text, sizeof(text), "%s%s%s", name, *args ? " " : "", args);
    fprintf(out, "  %-23s%s%s\n", text,
            strlen(text) > 23 ? "\n                          " : " ", help);
}

void amdvi_help_usage(FILE *out)
{
    fputs("usage: " PROGRAM " [OPTION...] COMMAND [ARGUMENT...]\n"
          "See " PROGRAM " --help for the commands.\n", out);
}

void amdvi_help_program(FILE *out)
{
    struct amdvi_command command;

    fputs("usage: " PROGRAM " [OPTION...] COMMAND [ARGUMENT...]\n"
          "Show the AMD IOMMU of a running QEMU.\n\nCommands:\n", out);
    for (size_t i = 0; amdvi_command_at(i, &command); i++) {
        put_command(out, command.name, command.args, command.help);
    }
    fputs("\nOptions:\n", out);
    amdvi_options_put(out, 0);
    fputs("\nExit status:\n", out);
    for (const struct amdvi_exit_code *c = amdvi_exit_codes; c->text; c++) {
        fprintf(out, "  %d  %s\n", (int)c->code, c->text);
    }
}

/* Names of columns, in lines of 78 characters */
static void put_columns(FILE *out, const char *title,
                        const struct amdvi_column *column, size_t count)
{
    int used = 0;

    fprintf(out, "\n%s:\n", title);
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(column[i].key) + 1;

        if (used == 0 || used + length > 78) {
            fputs(used ? "\n " : " ", out);
            used = 1;
        }
        fprintf(out, " %s", column[i].key);
        used += length;
    }
    fputc('\n', out);
}

/* What the first argument may be, each with the keys that go with it */
static void put_orders(FILE *out, const struct amdvi_order *order)
{
    fputs("\nKinds, and their keys:\n", out);
    for (; order->kind; order++) {
        fprintf(out, *order->keys ? "  %s\n      %s\n" : "  %s\n",
                order->kind, order->keys);
    }
}

static void put_synopsis(FILE *out, const struct amdvi_command *command)
{
    fprintf(out, "usage: " PROGRAM " [OPTION...] %s%s%s%s\n", command->name,
            command->options ? " [OPTION...]" : "",
            *command->args ? " " : "", command->args);
}

void amdvi_help_command(FILE *out, const struct amdvi_command *command)
{
    put_synopsis(out, command);
    if (command->view) {
        fprintf(out, "Show %s.\n", command->help);
        put_columns(out, "Columns", command->view->column,
                    command->view->ncolumns);
        if (command->view->nextra) {
            put_columns(out, "With -v, or if named",
                        command->view->column + command->view->ncolumns,
                        command->view->nextra);
        }
        if (command->view->orders) {
            put_orders(out, command->view->orders);
        }
        if (command->view->no_words) {
            fprintf(out, "\nThere are no raw words: %s.\n",
                    command->view->no_words);
        }
    } else {
        fprintf(out, "%c%s.\n", command->help[0] - 'a' + 'A',
                command->help + 1);
    }
    if (command->options) {
        fprintf(out, "\nOptions of %s:\n", command->name);
        amdvi_options_put(out, command->options);
    }
    fputs("\nOptions:\n", out);
    amdvi_options_put(out, 0);
}

/* What the shell has beside the commands of the program */
static void help_shell(FILE *out)
{
    const struct amdvi_shell_command *own;

    fputs("\nCommands of the shell itself:\n", out);
    for (size_t i = 0; (own = amdvi_shell_command(i)); i++) {
        put_command(out, own->name, own->args, own->help);
    }
    fputs("\nBetween two commands there is ;, and | gives the output to a "
          "command of\nthe system, up to the next ;.\n", out);
}

static void help_all(const struct amdvi_session *session)
{
    amdvi_help_program(session->out);
    if (session->in_shell) {
        help_shell(session->out);
    }
}

/* Help for a command of the shell; false: it is none, or there is no shell */
static bool help_own(const struct amdvi_session *session, const char *name)
{
    const struct amdvi_shell_command *own;

    for (size_t i = 0; session->in_shell &&
                       (own = amdvi_shell_command(i)); i++) {
        if (strcmp(own->name, name) == 0) {
            put_command(session->out, own->name, own->args, own->help);
            return true;
        }
    }
    return false;
}

bool amdvi_run_help(struct amdvi_session *session,
                    const struct amdvi_options *options,
                    struct amdvi_error *err)
{
    struct amdvi_command command;

    if (options->query.nargs == 0) {
        help_all(session);
        return true;
    }
    if (help_own(session, options->query.args[0])) {
        return true;
    }
    if (!amdvi_command_find(options->query.args[0], &command, err)) {
        return false;
    }
    if (command.run == amdvi_run_help) {
        help_all(session);
    } else {
        amdvi_help_command(session->out, &command);
    }
    return true;
}
