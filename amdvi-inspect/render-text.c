/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views as aligned text.  See render.h.
 */
#include "render.h"
#include "form.h"
#include "text.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/* Width of the names before facts, cells of a form, and fields */
#define LABEL_WIDTH 22
#define FIELD_WIDTH 18
#define BITS_WIDTH 20
#define VALUE_WIDTH 20

/* Safe to print; the caller frees it */
static char *safe_copy(const char *text)
{
    char *copy = strdup(text);

    return copy ? amdvi_sanitise(copy) : NULL;
}

/* @width columns at least; @right: aligned to the right */
static void put(FILE *out, const char *text, size_t width, bool right)
{
    char *copy = safe_copy(text);
    size_t length = copy ? amdvi_text_width(copy) : 0;
    int fill = width > length ? (int)(width - length) : 0;

    fprintf(out, "%*s%s%*s", right ? fill : 0, "", copy ? copy : "",
            right ? 0 : fill, "");
    free(copy);
}

static bool right_aligned(const struct amdvi_column *column)
{
    return column->kind == AMDVI_CELL_DEC;
}

static void put_label(struct amdvi_text_renderer *text, const char *title,
                      size_t width)
{
    fputs(text->color ? BOLD : "", text->out);
    put(text->out, title, width, false);
    fputs(text->color ? PLAIN : "", text->out);
    fputc(' ', text->out);
}

/* "Title:  value" */
static void put_pair(struct amdvi_text_renderer *text,
                     const struct amdvi_column *column,
                     const struct amdvi_cell *cell)
{
    char buf[AMDVI_CELL_BUFFER];

    put_label(text, column->title, LABEL_WIDTH);
    put(text->out, amdvi_cell_format(column, cell, buf), 0, false);
    fputc('\n', text->out);
}

static void begin(struct amdvi_renderer *renderer, struct amdvi_run *run)
{
    struct amdvi_text_renderer *text = (struct amdvi_text_renderer *)renderer;

    for (size_t i = 0; i < run->nfacts; i++) {
        put_pair(text, &run->fact[i].column, &run->fact[i].cell);
    }
    if (run->nfacts) {
        fputc('\n', text->out);
    }
}

/* Columns are as wide as the first page needs */
static void measure(struct amdvi_text_renderer *text,
                    const struct amdvi_run *run,
                    const struct amdvi_page *page)
{
    const struct amdvi_view *view = run->view;

    for (size_t i = 0; i < run->nshown; i++) {
        size_t c = run->shown[i];

        text->width[c] = amdvi_text_width(view->column[c].title);
        for (size_t r = 0; r < page->count; r++) {
            char buf[AMDVI_CELL_BUFFER];
            size_t width = amdvi_text_width(
                amdvi_cell_format(&view->column[c], &page->row[r].cell[c],
                                  buf));

            text->width[c] = width > text->width[c] ? width : text->width[c];
        }
    }
}

static void put_line(struct amdvi_text_renderer *text,
                     const struct amdvi_run *run,
                     const struct amdvi_row *row)
{
    for (size_t i = 0; i < run->nshown; i++) {
        size_t c = run->shown[i];
        const struct amdvi_column *column = &run->view->column[c];
        bool right = right_aligned(column);
        bool last = i + 1 == run->nshown;
        char buf[AMDVI_CELL_BUFFER];

        put(text->out,
            row ? amdvi_cell_format(column, &row->cell[c], buf)
                : column->title,
            last && !right ? 0 : text->width[c], right);
        fputs(last ? "\n" : "  ", text->out);
    }
}

static void put_header(struct amdvi_text_renderer *text,
                       const struct amdvi_run *run,
                       const struct amdvi_page *page)
{
    measure(text, run, page);
    fputs(text->color ? BOLD : "", text->out);
    put_line(text, run, NULL);
    fputs(text->color ? PLAIN : "", text->out);
    text->header_done = true;
}

static void put_words(struct amdvi_text_renderer *text,
                      const struct amdvi_record *record)
{
    if (record->has_address) {
        put_label(text, "Address", LABEL_WIDTH);
        fprintf(text->out, "0x%016" PRIx64 "\n", record->address);
    }
    put_label(text, "Words", LABEL_WIDTH);
    for (unsigned int i = 0; i < record->count; i++) {
        fprintf(text->out, "%s0x%016" PRIx64, i ? " " : "",
                record->words[i]);
    }
    fputc('\n', text->out);
}

static void put_reserved(struct amdvi_text_renderer *text,
                         const struct amdvi_record *record,
                         const struct amdvi_features *features)
{
    uint64_t bad[AMDVI_MAX_WORDS];

    if (!amdvi_reserved_bits(record->layout, features, record->words, bad)) {
        return;
    }
    fputs("  reserved bits are set:", text->out);
    for (unsigned int i = 0; i < record->count; i++) {
        fprintf(text->out, " 0x%016" PRIx64, bad[i]);
    }
    fputc('\n', text->out);
}

static void put_field(struct amdvi_text_renderer *text,
                      const struct amdvi_form_line *line)
{
    fputs("  ", text->out);
    put(text->out, line->field->name, FIELD_WIDTH, false);
    fputc(' ', text->out);
    put(text->out, line->bits, BITS_WIDTH, false);
    fputc(' ', text->out);
    put(text->out, line->text, VALUE_WIDTH, false);
    fprintf(text->out, " %s", line->field->meaning);
    if (line->missing) {
        fprintf(text->out, " (reserved without %s)", line->missing);
    }
    fputc('\n', text->out);
}

/* The cells of a row, then its record field by field */
static void put_form(struct amdvi_text_renderer *text,
                     const struct amdvi_run *run, const struct amdvi_row *row)
{
    const struct amdvi_record *record = &row->record;
    struct amdvi_form_line line;

    if (text->first_form_done) {
        fputc('\n', text->out);
    }
    text->first_form_done = true;
    for (size_t i = 0; i < run->nshown; i++) {
        put_pair(text, &run->view->column[run->shown[i]],
                 &row->cell[run->shown[i]]);
    }
    if (record->count) {
        put_words(text, record);
    }
    for (int i = 0; record->count && record->layout &&
                    i < record->layout->nfields; i++) {
        if (amdvi_form_line(record->layout, i, record->words,
                            &run->iommu.features, &line)) {
            put_field(text, &line);
        }
    }
    if (record->count && record->layout) {
        put_reserved(text, record, &run->iommu.features);
    }
}

bool amdvi_nobody_reads(FILE *out)
{
    /* errors are reported unasked; what is no file has no descriptor */
    struct pollfd poller = { .fd = fileno(out) };

    return ferror(out) || poll(&poller, 1, 0) > 0;
}

static void put_page(struct amdvi_renderer *renderer, struct amdvi_run *run,
                     const struct amdvi_page *page)
{
    struct amdvi_text_renderer *text = (struct amdvi_text_renderer *)renderer;

    if (!run->detail && !text->header_done) {
        put_header(text, run, page);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (run->detail) {
            put_form(text, run, &page->row[i]);
        } else {
            put_line(text, run, &page->row[i]);
        }
    }
    if (run->query->follow) {
        fflush(text->out);
    }
    renderer->done = amdvi_nobody_reads(text->out);
}

static void end(struct amdvi_renderer *renderer, struct amdvi_run *run,
                bool good)
{
    struct amdvi_text_renderer *text = (struct amdvi_text_renderer *)renderer;

    (void)good;
    for (size_t i = 0; i < run->notes.count; i++) {
        fputs(i ? "" : "\n", text->out);
        fputs("Note: ", text->out);
        put(text->out, run->notes.string[i], 0, false);
        fputc('\n', text->out);
    }
}

void amdvi_text_renderer_init(struct amdvi_text_renderer *text, FILE *out,
                              bool color)
{
    memset(text, 0, sizeof(*text));
    text->renderer.begin = begin;
    text->renderer.page = put_page;
    text->renderer.end = end;
    text->out = out;
    text->color = color;
}
