/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the shell is made of besides the commands of the program: its own
 * commands, lines, and completion.
 */
#ifndef AMDVI_INSPECT_SHELL_H
#define AMDVI_INSPECT_SHELL_H

#include "session.h"

/* Whether the shell reads another line */
enum amdvi_shell_next {
    AMDVI_SHELL_GO_ON,
    AMDVI_SHELL_LEAVE,
};

/*
 * Run the commands of one line.  Returns false after the first that failed;
 * the rest is not run.
 */
bool amdvi_shell_line(struct amdvi_session *session, const char *line,
                      enum amdvi_shell_next *next, struct amdvi_error *err);

/* A command of the shell itself */
struct amdvi_shell_command {
    const char *name;
    const char *args;           /* synopsis */
    const char *help;           /* one line */
};

/* The shell's own commands.  NULL: there is no number @index */
const struct amdvi_shell_command *amdvi_shell_command(size_t index);

/* What may stand at the place of the last of @words */
struct amdvi_candidates {
    struct amdvi_strings words; /* they begin with ... */
    size_t kept;                /* so many bytes of the last word */
    bool files;                 /* names of files, too */
};

/*
 * Candidates for the last of @count words, which may be "".  What only the
 * target knows is asked for if there is one; it not being there is no error.
 */
void amdvi_complete(struct amdvi_session *session, char *const *words,
                    size_t count, struct amdvi_candidates *ret);

#endif
