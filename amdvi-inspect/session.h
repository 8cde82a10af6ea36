/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session: one target and the commands that are run against it, one from
 * the command line or many from a shell.
 */
#ifndef AMDVI_INSPECT_SESSION_H
#define AMDVI_INSPECT_SESSION_H

#include "options.h"

struct amdvi_session {
    const struct amdvi_options *options;    /* of the program's own line */
    struct amdvi_target *target;            /* NULL: not connected */
    FILE *out;                              /* of the command that runs */
    int color_fd;               /* descriptor that says if out has colour */
    bool in_shell;
    bool frozen;                            /* the shell has paused the VM */
    bool paused;                /* so it was when the connection was lost */
    char device[AMDVI_FIELD_TEXT];          /* that of "use", or "" */
};

/* Close what is open */
void amdvi_session_close(struct amdvi_session *session);

/*
 * The target, connected if it is not; its kept registers are forgotten.
 * NULL on failure.
 */
struct amdvi_target *amdvi_session_target(struct amdvi_session *session,
                                          struct amdvi_error *err);

/*
 * Something on the target ended with @err.  After a failed conversation
 * nothing more can be said on that connection; the next command makes a new
 * one.
 */
void amdvi_session_failed(struct amdvi_session *session,
                          const struct amdvi_error *err);

/*
 * Who leaves lets the VM go on that we have paused, whatever has become of
 * the connection.  True also if there is nothing to do.
 */
bool amdvi_session_resume(struct amdvi_session *session,
                          struct amdvi_error *err);

/* Run the command that @options name.  Output goes to session->out */
bool amdvi_session_run(struct amdvi_session *session,
                       const struct amdvi_options *options,
                       struct amdvi_error *err);

/* Whether to use terminal attributes on the stream @fd */
bool amdvi_use_color(enum amdvi_color color, int fd);
/* Print @err on stderr, with @place before it if that is not NULL */
void amdvi_report(const struct amdvi_error *err, enum amdvi_color color,
                  const char *place);

#endif
