/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON as a stream.  See json-writer.h.
 */
#include "json-writer.h"
#include "text.h"

#include <inttypes.h>
#include <time.h>

/* One character, escaped if it could control a terminal.  Its length */
static size_t write_character(FILE *out, const char *text)
{
    uint32_t point;
    bool safe;
    size_t length = amdvi_utf8_decode(text, &point, &safe);

    if (length == 0) {
        fputs("\\ufffd", out);
        return 1;
    }
    if (safe) {
        fwrite(text, 1, length, out);
    } else {
        fprintf(out, "\\u%04" PRIx32, point);
    }
    return length;
}

static void write_string(FILE *out, const char *text)
{
    fputc('"', out);
    while (*text) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        text += write_character(out, text);
    }
    fputc('"', out);
}

static void indent(struct amdvi_json *json)
{
    fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
}

static bool on_one_line(const struct amdvi_json *json)
{
    return json->one_line_from && json->depth >= json->one_line_from;
}

/* What comes before a value */
static void lead(struct amdvi_json *json, const char *key)
{
    if (json->any[json->depth]) {
        fputs(on_one_line(json) ? ", " : ",", json->out);
    }
    json->any[json->depth] = true;
    if (json->depth && !on_one_line(json)) {
        indent(json);
    }
    if (key) {
        write_string(json->out, key);
        fputs(": ", json->out);
    }
}

static void begin(struct amdvi_json *json, const char *key, const char *both)
{
    lead(json, key);
    fputc(both[0], json->out);
    if (json->depth < AMDVI_JSON_DEPTH) {
        json->depth++;
    }
    json->close[json->depth] = both[1];
    json->any[json->depth] = false;
}

void amdvi_json_object(struct amdvi_json *json, const char *key)
{
    begin(json, key, "{}");
}

void amdvi_json_array(struct amdvi_json *json, const char *key)
{
    begin(json, key, "[]");
}

void amdvi_json_end(struct amdvi_json *json)
{
    char close = json->close[json->depth];
    bool any = json->any[json->depth];

    if (any && !on_one_line(json)) {
        json->depth--;
        indent(json);
    } else {
        json->depth--;
    }
    fputc(close, json->out);
    if (json->depth == 0) {
        fputc('\n', json->out);
    }
}

void amdvi_json_string(struct amdvi_json *json, const char *key,
                       const char *text)
{
    lead(json, key);
    write_string(json->out, text);
}

void amdvi_json_number(struct amdvi_json *json, const char *key,
                       uint64_t value)
{
    lead(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void amdvi_json_raw(struct amdvi_json *json, const char *key,
                    const char *value)
{
    lead(json, key);
    while (*value) {
        value += write_character(json->out, value);
    }
}

void amdvi_json_time(struct amdvi_json *json, const char *key)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm utc;

    if (gmtime_r(&now, &utc)) {
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    amdvi_json_string(json, key, text);
}

void amdvi_json_bool(struct amdvi_json *json, const char *key, bool value)
{
    lead(json, key);
    fputs(value ? "true" : "false", json->out);
}

void amdvi_json_null(struct amdvi_json *json, const char *key)
{
    lead(json, key);
    fputs("null", json->out);
}

void amdvi_json_hex(struct amdvi_json *json, const char *key, uint64_t value,
                    int digits)
{
    lead(json, key);
    fprintf(json->out, "\"0x%0*" PRIx64 "\"", digits, value);
}
