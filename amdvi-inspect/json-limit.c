/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a parsed JSON text may cost.  See json-limit.h.
 */
#include "json-limit.h"

void amdvi_json_measure(struct amdvi_json_size *size, const char *text,
                        size_t length)
{
    size->bytes += length;
    for (size_t i = 0; i < length; i++) {
        size->containers += text[i] == '{' || text[i] == '[';
        size->commas += text[i] == ',';
    }
}

const char *amdvi_json_exceeds(const struct amdvi_json_size *size,
                               const struct amdvi_json_size *limit)
{
    if (size->bytes > limit->bytes) {
        return "bytes";
    }
    if (size->containers > limit->containers) {
        return "objects";
    }
    return size->commas > limit->commas ? "values" : NULL;
}
