/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The renderers of views: aligned text and JSON.
 */
#ifndef AMDVI_INSPECT_RENDER_H
#define AMDVI_INSPECT_RENDER_H

#include "json-writer.h"
#include "view.h"

/* Version of the JSON: members are added without notice, not changed */
#define AMDVI_JSON_VERSION 1

struct amdvi_text_renderer {
    struct amdvi_renderer renderer;
    FILE *out;
    bool color;
    bool header_done;
    bool first_form_done;
    size_t width[AMDVI_MAX_COLUMNS];
};

struct amdvi_json_renderer {
    struct amdvi_renderer renderer;
    bool lines;                 /* one object per row and line, no root */
    struct amdvi_json json;
};

/* @color: use the bold attribute for headers */
void amdvi_text_renderer_init(struct amdvi_text_renderer *text, FILE *out,
                              bool color);
void amdvi_json_renderer_init(struct amdvi_json_renderer *json, FILE *out);

/* A write has failed, or the pipe or terminal has nobody at its other end */
bool amdvi_nobody_reads(FILE *out);

#endif
