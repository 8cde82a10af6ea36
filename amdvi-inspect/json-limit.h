/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a parsed JSON text may cost.  An empty object takes two bytes of text
 * and some 900 of memory, so the size of the text alone bounds nothing.
 */
#ifndef AMDVI_INSPECT_JSON_LIMIT_H
#define AMDVI_INSPECT_JSON_LIMIT_H

#include <stddef.h>
#include <stdint.h>

/* Of a text, or of what a text may have at most */
struct amdvi_json_size {
    uint64_t bytes;
    uint64_t containers;        /* objects and arrays */
    uint64_t commas;            /* as good as values and members */
};

/*
 * Add the next @length bytes of a text.  What stands in strings is counted
 * as if it were outside, so the sum may be too large, never too small.
 */
void amdvi_json_measure(struct amdvi_json_size *size, const char *text,
                        size_t length);

/* NULL, or what of @size is above @limit: "bytes", "objects" or "values" */
const char *amdvi_json_exceeds(const struct amdvi_json_size *size,
                               const struct amdvi_json_size *limit);

#endif
