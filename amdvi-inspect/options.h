/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: options and commands are tables, from which parsing and
 * help are derived.
 */
#ifndef AMDVI_INSPECT_OPTIONS_H
#define AMDVI_INSPECT_OPTIONS_H

#include "view.h"

#include <stdio.h>

enum amdvi_color {
    AMDVI_COLOR_AUTO,
    AMDVI_COLOR_ALWAYS,
    AMDVI_COLOR_NEVER,
};

struct amdvi_options {
    const char *socket;         /* -s; NULL: not given */
    unsigned long pid;          /* 0: not given */
    const char *iommu;
    int timeout_ms;
    enum amdvi_color color;
    bool json;
    bool help;
    bool version;
    const char *command;        /* NULL: none */
    unsigned int view_options;  /* AMDVI_QUERY_* that were given */
    struct amdvi_query query;
    const char **args;          /* query.args; the caller frees it */
};

/* Parse argv, options before and after the command alike */
bool amdvi_options_parse(int argc, char **argv, struct amdvi_options *ret,
                         struct amdvi_error *err);

/* The view of a command; NULL with an error if there is none */
const struct amdvi_view *amdvi_find_command(const char *name,
                                            struct amdvi_error *err);
/* Whether the view knows the options that were given */
bool amdvi_options_check(const struct amdvi_options *options,
                         const struct amdvi_view *view,
                         struct amdvi_error *err);

/* One line; the whole program; one command */
void amdvi_help_usage(FILE *out);
void amdvi_help_program(FILE *out);
void amdvi_help_command(FILE *out, const struct amdvi_view *view);

#endif
