/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the output of a command goes: stdout, a pager if that is a terminal,
 * or a command of the system.
 */
#ifndef AMDVI_INSPECT_OUTPUT_H
#define AMDVI_INSPECT_OUTPUT_H

#include "error.h"

#include <stdio.h>
#include <sys/types.h>

struct amdvi_output {
    FILE *out;
    pid_t child;                /* 0: out is stdout */
    int color_fd;               /* what is shown there: a terminal? */
};

/* @pager: show it with a pager if stdout is a terminal */
bool amdvi_output_open(struct amdvi_output *output, bool pager,
                       struct amdvi_error *err);
/* Into "sh -c @command" */
bool amdvi_output_pipe(struct amdvi_output *output, const char *command,
                       struct amdvi_error *err);
/*
 * Flush, and wait for the child.  Whoever reads our output may leave early;
 * other failures are told.
 */
bool amdvi_output_close(struct amdvi_output *output, struct amdvi_error *err);

#endif
