/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that operating systems print: events, turned back into the two words
 * that the IOMMU wrote to its log, words of tables, and plain complaints.
 */
#ifndef AMDVI_INSPECT_LOG_LINE_H
#define AMDVI_INSPECT_LOG_LINE_H

#include "amdvi.h"

/* Longer lines are not looked at */
#define AMDVI_LOG_LINE 1024

/*
 * Parse a line of Linux, Xen or FreeBSD.  Returns what it is ("a line of
 * Linux") with @event filled, or NULL.  What the line does not say (Linux
 * names the device before "AMD-Vi:", without the number) is taken from
 * wherever it stands, or stays 0.
 */
const char *amdvi_log_line_parse(const char *line, uint64_t event[2]);

/*
 * Words that Linux prints one in a line behind an event: "DTE[0]: ..." to
 * "DTE[3]: ...", "CMD[0]: ..." to "CMD[3]: ...", any of them, in any order.
 * Returns what they are, or NULL; those that are missing are 0 in @words.
 */
const struct amdvi_layout *
amdvi_log_words_parse(const char *line, uint64_t words[AMDVI_MAX_WORDS],
                      bool *ret_complete);

/* A complaint that has no words in it */
struct amdvi_log_complaint {
    const char *mark;           /* what every such line has */
    const char *meaning;
};

/* The one in the line, or NULL */
const struct amdvi_log_complaint *amdvi_log_complaint(const char *line);

#endif
