/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: options are a table, from which parsing, help and
 * completion are derived.
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
    const char *dump;           /* -d */
    const char *libvirt;        /* a domain; NULL: not given */
    const char *iommu;
    int timeout_ms;
    bool readonly;              /* send QEMU only what changes nothing */
    enum amdvi_color color;
    bool json;
    bool no_pager;
    bool help;
    bool version;
    bool live;                  /* of the command dump: see dump.h */
    bool has_tables;
    uint64_t tables;
    const char *reason;
    const char *script;         /* of the command tui: see tui/tui.h */
    int interval_ms;            /* 0: not given */
    bool ascii;
    const char *connection;     /* an option that says which QEMU, or NULL */
    const char *command;        /* NULL: none */
    unsigned int view_options;  /* AMDVI_QUERY_* that were given */
    struct amdvi_query query;
    const char **args;          /* query.args and room for one more; freed
                                   by the caller */
};

/* Parse argv, options before and after the command alike */
bool amdvi_options_parse(int argc, char **argv, struct amdvi_options *ret,
                         struct amdvi_error *err);

/* Name of the value of the option @word that stands apart, or NULL */
const char *amdvi_option_value(const char *word);
/* "--name" of the options for every command and those in @view_options */
void amdvi_option_names(unsigned int view_options, struct amdvi_strings *ret);
/* Name of the first option in @view_options, or NULL */
const char *amdvi_option_of(unsigned int view_options);
/* Help for those in @view_options, or with 0 those for every command */
void amdvi_options_put(FILE *out, unsigned int view_options);

#endif
