/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON as a stream: nothing is held in memory, commas and escapes
 * are taken care of.
 */
#ifndef AMDVI_INSPECT_JSON_WRITER_H
#define AMDVI_INSPECT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Objects and arrays within each other at most */
#define AMDVI_JSON_DEPTH 16

struct amdvi_json {
    FILE *out;
    unsigned int depth;
    unsigned int one_line_from; /* depth from which no lines end; 0: none */
    bool any[AMDVI_JSON_DEPTH + 1];     /* something was written there */
    char close[AMDVI_JSON_DEPTH + 1];
};

/* @key is NULL for elements of an array and for the root */
void amdvi_json_object(struct amdvi_json *json, const char *key);
void amdvi_json_array(struct amdvi_json *json, const char *key);
/* End what was begun last; the root also ends the line */
void amdvi_json_end(struct amdvi_json *json);

/* @text may be anything; bytes that are not UTF-8 become U+FFFD */
void amdvi_json_string(struct amdvi_json *json, const char *key,
                       const char *text);
void amdvi_json_number(struct amdvi_json *json, const char *key,
                       uint64_t value);
void amdvi_json_bool(struct amdvi_json *json, const char *key, bool value);
void amdvi_json_null(struct amdvi_json *json, const char *key);
/* A value that is JSON already, on one line */
void amdvi_json_raw(struct amdvi_json *json, const char *key,
                    const char *value);
/* Now, in UTC: "2026-01-31T23:59:59Z" */
void amdvi_json_time(struct amdvi_json *json, const char *key);
/* "0x" and @digits digits */
void amdvi_json_hex(struct amdvi_json *json, const char *key, uint64_t value,
                    int digits);

#endif
