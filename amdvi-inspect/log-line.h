/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as operating systems print them, turned back into the two words
 * that the IOMMU wrote to its log.
 */
#ifndef AMDVI_INSPECT_LOG_LINE_H
#define AMDVI_INSPECT_LOG_LINE_H

#include <stdint.h>

/* Longer lines are not looked at */
#define AMDVI_LOG_LINE 1024

/*
 * Parse a line of Linux, Xen or FreeBSD.  Returns what it is ("a line of
 * Linux") with @event filled, or NULL.  What the line does not say (Linux
 * names the device before "AMD-Vi:", without the number) is taken from
 * wherever it stands, or stays 0.
 */
const char *amdvi_log_line_parse(const char *line, uint64_t event[2]);

#endif
