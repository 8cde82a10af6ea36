/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands: every view is one, and those in commands.def are functions.
 * Dispatch, help and completion come from this list.
 */
#ifndef AMDVI_INSPECT_COMMAND_H
#define AMDVI_INSPECT_COMMAND_H

#include "session.h"

#include <stdio.h>

typedef bool amdvi_command_run(struct amdvi_session *session,
                               const struct amdvi_options *options,
                               struct amdvi_error *err);

struct amdvi_command {
    const char *name;
    const char *args;           /* synopsis of its arguments, or "" */
    const char *help;           /* one line, lower case */
    size_t min_args;
    size_t max_args;
    unsigned int options;       /* AMDVI_QUERY_* that it knows */
    const struct amdvi_view *view;  /* NULL: run does it */
    amdvi_command_run *run;
};

/* All commands in the order of help; false: there is no number @index */
bool amdvi_command_at(size_t index, struct amdvi_command *ret);
/* By name; false with an error, and maybe a suggestion, if there is none */
bool amdvi_command_find(const char *name, struct amdvi_command *ret,
                        struct amdvi_error *err);
/* Whether the command takes these options and arguments */
bool amdvi_command_check(const struct amdvi_command *command,
                         const struct amdvi_options *options,
                         struct amdvi_error *err);

/* One line; the whole program; one command */
void amdvi_help_usage(FILE *out);
void amdvi_help_program(FILE *out);
void amdvi_help_command(FILE *out, const struct amdvi_command *command);

/* The functions behind commands.def */
#define AMDVI_COMMAND(id, args, min, max, options, help)                     \
    amdvi_command_run amdvi_run_##id;
#include "commands.def"
#undef AMDVI_COMMAND

#endif
