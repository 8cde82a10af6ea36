/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views as JSON.  See render.h.
 *
 * Keys do not depend on the data except those of a record's fields, which
 * are those of its layout.  Words and addresses are strings because many
 * readers damage numbers above 2^53.
 */
#include "render.h"
#include "form.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void put_words_cell(struct amdvi_json *json, const char *key,
                           const char *text)
{
    amdvi_json_array(json, key);
    while (*text) {
        size_t length = strcspn(text, " ");
        char *word = strndup(text, length);

        amdvi_json_string(json, NULL, word ? word : "");
        free(word);
        text += length;
        text += strspn(text, " ");
    }
    amdvi_json_end(json);
}

static void put_cell(struct amdvi_json *json,
                     const struct amdvi_column *column,
                     const struct amdvi_cell *cell)
{
    if (!cell->known) {
        amdvi_json_null(json, column->key);
        return;
    }
    switch (column->kind) {
    case AMDVI_CELL_TEXT:
        amdvi_json_string(json, column->key, cell->text);
        break;
    case AMDVI_CELL_WORDS:
        put_words_cell(json, column->key, cell->text);
        break;
    case AMDVI_CELL_DEC:
        amdvi_json_number(json, column->key, cell->number);
        break;
    case AMDVI_CELL_HEX:
        amdvi_json_hex(json, column->key, cell->number, column->digits);
        break;
    case AMDVI_CELL_ADDR:
        amdvi_json_hex(json, column->key, cell->number, 16);
        break;
    case AMDVI_CELL_FLAG:
        amdvi_json_bool(json, column->key, cell->number != 0);
        break;
    }
}

/* Words for encoded values, and the number beside them as KEY-raw */
static void put_enum(struct amdvi_json *json, const char *key,
                     const struct amdvi_field *field, uint64_t value)
{
    char raw_key[AMDVI_FIELD_TEXT + 4];
    const char *word = amdvi_field_word(field, value);

    if (word) {
        amdvi_json_string(json, key, word);
    } else {
        amdvi_json_null(json, key);
    }
    snprintf(raw_key, sizeof(raw_key), "%s-raw", key);
    amdvi_json_number(json, raw_key, value);
}

static void put_field(struct amdvi_json *json,
                      const struct amdvi_field *field, uint64_t value)
{
    char key[AMDVI_FIELD_TEXT], bdf[AMDVI_FIELD_TEXT];

    amdvi_key(field->id, key);
    switch (field->kind) {
    case AMDVI_KIND_FLAG:
        amdvi_json_bool(json, key, value != 0);
        break;
    case AMDVI_KIND_DEC:
        amdvi_json_number(json, key, value);
        break;
    case AMDVI_KIND_ENUM:
        put_enum(json, key, field, value);
        break;
    case AMDVI_KIND_BDF:
        amdvi_json_string(json, key, amdvi_format_bdf((uint16_t)value, bdf));
        break;
    default:
        amdvi_json_hex(json, key, value, amdvi_field_digits(field));
        break;
    }
}

static void put_words(struct amdvi_json *json, const char *key,
                      const uint64_t *words, unsigned int count)
{
    amdvi_json_array(json, key);
    for (unsigned int i = 0; i < count; i++) {
        amdvi_json_hex(json, NULL, words[i], 16);
    }
    amdvi_json_end(json);
}

static void put_fields(struct amdvi_json *json,
                       const struct amdvi_record *record)
{
    const struct amdvi_layout *layout = record->layout;

    amdvi_json_object(json, "fields");
    for (int i = 0; layout && i < layout->nfields; i++) {
        const struct amdvi_field *field = &layout->field[i];

        if (amdvi_field_named(field)) {
            put_field(json, field, amdvi_field_get(field, record->words));
        }
    }
    amdvi_json_end(json);
}

static void put_record(struct amdvi_json *json, const char *key,
                       const struct amdvi_record *record,
                       const struct amdvi_features *features)
{
    uint64_t bad[AMDVI_MAX_WORDS] = { 0 };
    char layout[AMDVI_FIELD_TEXT];

    if (record->count == 0) {
        amdvi_json_null(json, key);
        return;
    }
    amdvi_json_object(json, key);
    if (record->has_address) {
        amdvi_json_hex(json, "address", record->address, 16);
    } else {
        amdvi_json_null(json, "address");
    }
    put_words(json, "words", record->words, record->count);
    if (record->layout) {
        amdvi_json_string(json, "layout",
                          amdvi_key(record->layout->id, layout));
        amdvi_reserved_bits(record->layout, features, record->words, bad);
    } else {
        amdvi_json_null(json, "layout");
    }
    put_words(json, "reserved-bits-set", bad, record->count);
    put_fields(json, record);
    amdvi_json_end(json);
}

static void put_optional(struct amdvi_json *json, const char *key,
                         const char *text)
{
    if (text) {
        amdvi_json_string(json, key, text);
    } else {
        amdvi_json_null(json, key);
    }
}

static void put_source(struct amdvi_json *json, struct amdvi_target *target)
{
    struct amdvi_target_info info;

    amdvi_target_describe(target, &info);
    amdvi_json_object(json, "source");
    amdvi_json_string(json, "kind", info.kind);
    put_optional(json, "address", info.address);
    put_optional(json, "qemu-version", info.version);
    put_optional(json, "engine", info.engine);
    put_optional(json, "iommu-id", info.id);
    amdvi_json_end(json);
}

static void begin(struct amdvi_renderer *renderer, struct amdvi_run *run)
{
    struct amdvi_json_renderer *self = (struct amdvi_json_renderer *)renderer;
    struct amdvi_json *json = &self->json;
    char schema[64];

    self->lines = run->query->follow;
    json->one_line_from = self->lines;
    if (self->lines) {
        return;
    }
    snprintf(schema, sizeof(schema), "amdvi-inspect/%s", run->view->name);
    amdvi_json_object(json, NULL);
    amdvi_json_string(json, "schema", schema);
    amdvi_json_number(json, "schema-version", AMDVI_JSON_VERSION);
    amdvi_json_string(json, "tool-version", amdvi_version());
    amdvi_json_time(json, "time");
    put_source(json, run->target);
    if (run->view->facts_key) {
        amdvi_json_object(json, run->view->facts_key);
        for (size_t i = 0; i < run->nfacts; i++) {
            put_cell(json, &run->fact[i].column, &run->fact[i].cell);
        }
        amdvi_json_end(json);
    }
    amdvi_json_array(json, run->view->rows_key);
}

static void put_page(struct amdvi_renderer *renderer, struct amdvi_run *run,
                     const struct amdvi_page *page)
{
    struct amdvi_json_renderer *self = (struct amdvi_json_renderer *)renderer;
    struct amdvi_json *json = &self->json;
    const struct amdvi_view *view = run->view;

    for (size_t r = 0; r < page->count; r++) {
        amdvi_json_object(json, NULL);
        for (size_t i = 0; i < run->nshown; i++) {
            size_t c = run->shown[i];

            put_cell(json, &view->column[c], &page->row[r].cell[c]);
        }
        if (view->record_key &&
            (run->query->verbose || !view->record_if_verbose)) {
            put_record(json, view->record_key, &page->row[r].record,
                       &run->iommu.features);
        }
        amdvi_json_end(json);
        json->any[0] = json->any[0] && !self->lines;
    }
    if (self->lines) {
        fflush(json->out);
    }
    renderer->done = amdvi_nobody_reads(json->out);
}

static void end(struct amdvi_renderer *renderer, struct amdvi_run *run,
                bool good)
{
    struct amdvi_json_renderer *self = (struct amdvi_json_renderer *)renderer;
    struct amdvi_json *json = &self->json;

    if (self->lines) {
        return;
    }
    amdvi_json_end(json);
    amdvi_json_array(json, "notes");
    for (size_t i = 0; i < run->notes.count; i++) {
        amdvi_json_string(json, NULL, run->notes.string[i]);
    }
    amdvi_json_end(json);
    amdvi_json_bool(json, "complete", good);
    amdvi_json_end(json);
}

void amdvi_json_renderer_init(struct amdvi_json_renderer *json, FILE *out)
{
    memset(json, 0, sizeof(*json));
    json->renderer.begin = begin;
    json->renderer.page = put_page;
    json->renderer.end = end;
    json->json.out = out;
}
