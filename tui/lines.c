/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a place shows, line by line.  See tui.h.
 *
 * Lines name rows, cells and fields; their text is made when they are drawn
 * or searched.  Only what has no row (facts, notes) is kept as text.
 */
#include "tui.h"
#include "form.h"

#include <curses.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Facts stand in columns of this width; their titles take so much of it */
#define FACT_WIDTH 40
#define FACT_TITLE 22

static void add(struct amdvi_place *place, enum amdvi_line_kind kind,
                size_t pane, size_t row, size_t sub)
{
    if (place->nlines == place->line_room) {
        size_t room = place->line_room ? 2 * place->line_room : 256;
        struct amdvi_line *grown = realloc(place->line,
                                           room * sizeof(*grown));

        if (!grown) {
            return;
        }
        place->line = grown;
        place->line_room = room;
    }
    place->line[place->nlines++] = (struct amdvi_line){
        .kind = (uint8_t)kind, .pane = (uint8_t)pane, .sub = (uint16_t)sub,
        .row = (uint32_t)row,
    };
}

__attribute__((format(printf, 4, 5)))
static void add_text(struct amdvi_place *place, enum amdvi_line_kind kind,
                     size_t pane, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    va_end(args);
    if (text && amdvi_strings_add(&place->text, "%s", text)) {
        add(place, kind, pane, place->text.count - 1, 0);
    }
    free(text);
}

static bool fact_changed(const struct amdvi_snapshot *now,
                         const struct amdvi_snapshot *before, size_t i)
{
    char a[AMDVI_CELL_BUFFER], b[AMDVI_CELL_BUFFER];

    return before && i < before->nfacts &&
           strcmp(amdvi_cell_format(&now->fact[i].column, &now->fact[i].cell,
                                    a),
                  amdvi_cell_format(&before->fact[i].column,
                                    &before->fact[i].cell, b)) != 0;
}

/* A long fact on lines of its own, broken between words */
static void add_long_fact(struct amdvi_place *place, size_t pane,
                          const char *mark, const char *title,
                          const char *value, size_t width)
{
    size_t room = width - FACT_TITLE - 2;

    do {
        size_t length = strlen(value);

        if (length > room) {
            length = room;
            while (length > 1 && value[length] != ' ') {
                length--;
            }
            length = length > 1 ? length : room;
        }
        add_text(place, AMDVI_LINE_TEXT, pane, "%s%-*s %.*s", mark,
                 FACT_TITLE, title, (int)length, value);
        value += length;
        value += strspn(value, " ");
        mark = " ";
        title = "";
    } while (*value);
}

/* Facts in as many columns as there is room for */
static void add_facts(struct amdvi_place *place, size_t pane, size_t width)
{
    const struct amdvi_snapshot *now = amdvi_place_shown(place, pane);
    const struct amdvi_snapshot *before = amdvi_place_before(place, pane);
    size_t columns = width / FACT_WIDTH, used = 0;
    char line[1024] = "", buf[AMDVI_CELL_BUFFER];

    for (size_t i = 0; i < now->nfacts; i++) {
        const struct amdvi_fact *fact = &now->fact[i];
        const char *value = amdvi_cell_format(&fact->column, &fact->cell,
                                              buf);
        const char *mark = fact_changed(now, before, i) ? "*" : " ";
        bool is_long = strlen(value) > FACT_WIDTH - FACT_TITLE - 3;

        if (used && (is_long || used == columns ||
                     sizeof(line) - strlen(line) <= 2 * FACT_WIDTH)) {
            add_text(place, AMDVI_LINE_TEXT, pane, "%s", line);
            used = 0;
        }
        if (is_long) {
            add_long_fact(place, pane, mark, fact->column.title, value,
                          width);
        } else {
            size_t at = used ? strlen(line) : 0;

            snprintf(line + at, sizeof(line) - at, "%s%-*.*s %-*s", mark,
                     FACT_TITLE, FACT_TITLE, fact->column.title,
                     FACT_WIDTH - FACT_TITLE - 2, value);
            used++;
        }
    }
    if (used) {
        add_text(place, AMDVI_LINE_TEXT, pane, "%s", line);
    }
    if (now->nfacts) {
        add_text(place, AMDVI_LINE_TEXT, pane, "%s", "");
    }
}

/* The record of a row, field by field */
static void add_fields(struct amdvi_place *place, size_t pane, size_t row)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);
    struct amdvi_form_line line;
    struct amdvi_record record;

    if (!amdvi_snapshot_record(snapshot, row, &record)) {
        return;
    }
    add(place, AMDVI_LINE_WORDS, pane, row, 0);
    for (int i = 0; record.layout && i < record.layout->nfields; i++) {
        if (amdvi_form_line(record.layout, i, record.words,
                            &snapshot->features, &line)) {
            add(place, AMDVI_LINE_FIELD, pane, row, (size_t)i);
        }
    }
    if (record.layout) {
        uint64_t bad[AMDVI_MAX_WORDS];

        if (amdvi_reserved_bits(record.layout, &snapshot->features,
                                record.words, bad)) {
            add(place, AMDVI_LINE_RESERVED, pane, row, 0);
        }
    }
}

static void add_form(struct amdvi_place *place, size_t pane, size_t row)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);

    for (size_t c = 0; c < snapshot->view->ncolumns; c++) {
        add(place, AMDVI_LINE_CELL, pane, row, c);
    }
    add_fields(place, pane, row);
}

static bool is_unfolded(const struct amdvi_place *place, size_t pane,
                        size_t row)
{
    return place->unfolded && place->unfolded_pane == pane &&
           amdvi_snapshot_id(amdvi_place_shown(place, pane), row,
                             place->screen->pane[pane].ids) ==
           place->unfolded_id;
}

static void add_rows(struct amdvi_place *place, size_t pane)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);
    const struct amdvi_pane *p = &place->pane[pane];

    if (!snapshot->detail) {
        add(place, AMDVI_LINE_HEADER, pane, 0, 0);
    }
    if (snapshot->more && place->screen->newest_last) {
        add_text(place, AMDVI_LINE_TEXT, pane,
                 "  Older ones are not shown; Home gets them.");
    }
    for (size_t i = 0; i < p->norder; i++) {
        if (snapshot->detail) {
            add_form(place, pane, p->order[i]);
            continue;
        }
        add(place, AMDVI_LINE_ROW, pane, p->order[i], 0);
        if (is_unfolded(place, pane, p->order[i])) {
            add_fields(place, pane, p->order[i]);
        }
    }
    if (p->norder == 0) {
        add_text(place, AMDVI_LINE_TEXT, pane, "  %s", snapshot->nrows
                 ? "(nothing passes the filter)" : "(nothing)");
    }
    if (snapshot->more && !place->screen->newest_last) {
        add_text(place, AMDVI_LINE_TEXT, pane,
                 "  There is more; End gets it.");
    }
}

/* Sentences about options of the command say nothing here */
static void add_notes(struct amdvi_place *place, size_t pane)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);

    bool all = !snapshot->more && !place->screen->pane[pane].rows;

    for (size_t i = 0; i < snapshot->notes.count && all; i++) {
        add_text(place, AMDVI_LINE_TEXT, pane, "Note: %s",
                 snapshot->notes.string[i]);
    }
    if (snapshot->err.code != AMDVI_EXIT_OK) {
        add_text(place, AMDVI_LINE_TEXT, pane, "Note: %s",
                 snapshot->err.message);
    }
}

/* The name of a table among others, and whether it is older than the first */
static void add_title(struct amdvi_place *place, size_t pane)
{
    const struct amdvi_view *view = place->screen->pane[pane].view;
    const struct amdvi_snapshot *first = amdvi_place_shown(place, 0);
    const struct amdvi_snapshot *this = amdvi_place_shown(place, pane);
    int64_t ms = first && this ? first->taken_ms - this->taken_ms : 0;
    const char *filter = place->screen->pane[pane].filter;
    char older[48] = "";

    if (ms >= 1000 && place->screen->pane[pane].seldom) {
        snprintf(older, sizeof(older), " (%lld s older)",
                 (long long)(ms / 1000));
    }
    add_text(place, AMDVI_LINE_TITLE, pane, "%s%s%s: %s%s", view->name,
             filter ? " " : "", filter ? filter : "", view->help, older);
}

static void add_pane(struct amdvi_place *place, size_t pane, size_t width)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);

    if (pane > 0) {
        add_text(place, AMDVI_LINE_TEXT, pane, "%s", "");
    }
    if (amdvi_screen_panes(place->screen) > 1) {
        add_title(place, pane);
    }
    if (!snapshot) {
        add_text(place, AMDVI_LINE_TEXT, pane, "  (no answer yet)");
        return;
    }
    if (snapshot->shown && !place->screen->pane[pane].facts_below) {
        add_facts(place, pane, width);
    }
    if (snapshot->shown) {
        add_rows(place, pane);
    }
    add_notes(place, pane);
}

static void add_output(struct amdvi_place *place)
{
    const char *text = place->output;

    while (text && *text) {
        size_t length = strcspn(text, "\n");

        add_text(place, AMDVI_LINE_TEXT, 0, "%.*s", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void add_missing(struct amdvi_place *place)
{
    if (!*place->subject.bdf) {
        add_text(place, AMDVI_LINE_TEXT, 0, "No device is chosen: press 2, "
                 "go to one, and press Enter.");
    } else {
        add_text(place, AMDVI_LINE_TEXT, 0, "No address is chosen: press a "
                 "and type one, or Enter on a mapping.");
    }
}

static void add_all(struct amdvi_place *place, size_t width)
{
    place->nlines = 0;
    amdvi_strings_free(&place->text);
    if (!place->screen->pane[0].view) {
        add_output(place);
        return;
    }
    if (!amdvi_place_ready(place)) {
        add_missing(place);
        return;
    }
    amdvi_place_order(place);
    for (size_t i = 0; i < amdvi_screen_panes(place->screen); i++) {
        add_pane(place, i, width);
    }
    for (size_t i = 0; i < amdvi_screen_panes(place->screen); i++) {
        const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, i);

        if (snapshot && snapshot->shown &&
            place->screen->pane[i].facts_below) {
            add_text(place, AMDVI_LINE_TEXT, i, "%s", "");
            add_facts(place, i, width);
        }
    }
}

bool amdvi_line_has_row(const struct amdvi_line *line)
{
    return line && line->kind != AMDVI_LINE_TEXT &&
           line->kind != AMDVI_LINE_TITLE && line->kind != AMDVI_LINE_HEADER;
}

const struct amdvi_line *amdvi_place_line(const struct amdvi_place *place)
{
    return place->cursor < place->nlines ? &place->line[place->cursor]
                                         : NULL;
}

/* Of the row that a line belongs to */
static uint64_t row_id(const struct amdvi_place *place,
                       const struct amdvi_line *line)
{
    return amdvi_snapshot_id(amdvi_place_shown(place, line->pane), line->row,
                             place->screen->pane[line->pane].ids);
}

/* What the cursor is on, to find it again when the rows have changed */
static void drop_anchor(struct amdvi_place *place)
{
    const struct amdvi_line *line = amdvi_place_line(place);
    struct amdvi_anchor *anchor = &place->anchor;

    anchor->at_end = place->nlines && place->cursor + 1 == place->nlines;
    anchor->on_row = amdvi_line_has_row(line);
    if (anchor->on_row) {
        anchor->line = *line;
        anchor->id = row_id(place, line);
    }
}

static bool is_anchor(const struct amdvi_place *place, size_t at)
{
    const struct amdvi_anchor *anchor = &place->anchor;
    const struct amdvi_line *line = &place->line[at];

    return at < place->nlines && line->kind == anchor->line.kind &&
           line->pane == anchor->line.pane &&
           line->sub == anchor->line.sub && row_id(place, line) == anchor->id;
}

static void find_anchor(struct amdvi_place *place)
{
    if (place->anchor.at_end && place->screen->newest_last) {
        place->cursor = place->nlines ? place->nlines - 1 : 0;
        return;
    }
    if (!place->anchor.on_row || is_anchor(place, place->cursor)) {
        return;
    }
    for (size_t at = 0; at < place->nlines; at++) {
        if (is_anchor(place, at)) {
            place->cursor = at;
            return;
        }
    }
}

/* On the first row, or the last one where the newest is last */
static void arrive(struct amdvi_place *place)
{
    for (size_t i = 0; i < place->nlines; i++) {
        if (amdvi_line_has_row(&place->line[i])) {
            place->arrived = true;
            place->cursor = i;
            if (!place->screen->newest_last) {
                return;
            }
        }
    }
}

void amdvi_place_move(struct amdvi_place *place, size_t cursor)
{
    size_t height = amdvi_tui_height();
    size_t last_top = place->nlines > height ? place->nlines - height : 0;

    place->cursor = cursor < place->nlines ? cursor
                    : place->nlines ? place->nlines - 1 : 0;
    /* one line more above: the header of the table may stay there */
    if (place->cursor < place->top + 1) {
        place->top = place->cursor ? place->cursor - 1 : 0;
    }
    if (place->cursor >= place->top + height) {
        place->top = place->cursor - height + 1;
    }
    if (place->cursor < height) {
        place->top = place->top < place->cursor ? place->top : 0;
    }
    place->top = place->top < last_top ? place->top : last_top;
    drop_anchor(place);
}

void amdvi_place_layout(struct amdvi_place *place)
{
    add_all(place, (size_t)COLS);
    if (place->arrived) {
        find_anchor(place);
    } else {
        arrive(place);
    }
    if (place->wants_first || place->wants_last) {
        place->cursor = place->wants_last ? SIZE_MAX : 0;
    }
    amdvi_place_move(place, place->cursor);
}

/* Appends to @buf, which is never overrun */
__attribute__((format(printf, 3, 4)))
static void append(char *buf, size_t size, const char *format, ...)
{
    size_t length = strlen(buf);
    va_list args;

    va_start(args, format);
    vsnprintf(buf + length, size - length, format, args);
    va_end(args);
}

static void row_text(const struct amdvi_place *place,
                     const struct amdvi_line *line, char *buf, size_t size)
{
    const struct amdvi_snapshot *snapshot =
        amdvi_place_shown(place, line->pane);
    char text[AMDVI_CELL_BUFFER];

    for (size_t c = 0; c < snapshot->view->ncolumns; c++) {
        struct amdvi_cell cell = amdvi_snapshot_cell(snapshot, line->row, c);

        append(buf, size, "%s%s", c ? "  " : "",
               amdvi_cell_format(&snapshot->view->column[c], &cell, text));
    }
}

static void cell_text(const struct amdvi_place *place,
                      const struct amdvi_line *line, char *buf, size_t size)
{
    const struct amdvi_snapshot *snapshot =
        amdvi_place_shown(place, line->pane);
    struct amdvi_cell cell = amdvi_snapshot_cell(snapshot, line->row,
                                                 line->sub);
    char text[AMDVI_CELL_BUFFER];

    append(buf, size, " %-22s %s", snapshot->view->column[line->sub].title,
           amdvi_cell_format(&snapshot->view->column[line->sub], &cell,
                             text));
}

static void words_text(const struct amdvi_record *record, char *buf,
                       size_t size)
{
    append(buf, size, "    %-18s", "Words");
    for (unsigned int i = 0; i < record->count; i++) {
        append(buf, size, " 0x%016" PRIx64, record->words[i]);
    }
    if (record->has_address) {
        append(buf, size, "  at 0x%" PRIx64, record->address);
    }
}

static void reserved_text(const struct amdvi_snapshot *snapshot,
                          const struct amdvi_record *record, char *buf,
                          size_t size)
{
    uint64_t bad[AMDVI_MAX_WORDS];

    amdvi_reserved_bits(record->layout, &snapshot->features, record->words,
                        bad);
    append(buf, size, "    reserved bits are set:");
    for (unsigned int i = 0; i < record->count; i++) {
        append(buf, size, " 0x%016" PRIx64, bad[i]);
    }
}

/* The same row of the snapshot before had another value there */
static bool field_before(const struct amdvi_place *place,
                         const struct amdvi_line *line,
                         const struct amdvi_form_line *now,
                         struct amdvi_form_line *ret)
{
    const struct amdvi_snapshot *before =
        amdvi_place_before(place, line->pane);
    struct amdvi_record record;
    size_t row;

    return before &&
           amdvi_snapshot_find(before, row_id(place, line),
                               place->screen->pane[line->pane].ids,
                               line->row, &row) &&
           amdvi_snapshot_record(before, row, &record) && record.layout &&
           line->sub < record.layout->nfields &&
           &record.layout->field[line->sub] == now->field &&
           amdvi_form_line(record.layout, line->sub, record.words,
                           &before->features, ret) &&
           ret->value != now->value;
}

/* What the longest "127:107,95:80" and value of the fields need */
static void measure_fields(const struct amdvi_record *record,
                           const struct amdvi_features *features,
                           size_t *ret_bits, size_t *ret_value)
{
    struct amdvi_form_line line;

    *ret_bits = *ret_value = 0;
    for (int i = 0; i < record->layout->nfields; i++) {
        if (amdvi_form_line(record->layout, i, record->words, features,
                            &line)) {
            size_t bits = strlen(line.bits), value = strlen(line.text);

            *ret_bits = bits > *ret_bits ? bits : *ret_bits;
            *ret_value = value > *ret_value ? value : *ret_value;
        }
    }
}

static void field_text(const struct amdvi_place *place,
                       const struct amdvi_line *line,
                       const struct amdvi_record *record, char *buf,
                       size_t size)
{
    const struct amdvi_snapshot *snapshot =
        amdvi_place_shown(place, line->pane);
    struct amdvi_form_line now, before;
    size_t bits, value;
    bool changed;

    if (!amdvi_form_line(record->layout, line->sub, record->words,
                         &snapshot->features, &now)) {
        return;
    }
    changed = field_before(place, line, &now, &before);
    measure_fields(record, &snapshot->features, &bits, &value);
    append(buf, size, "  %s %-18s %-*s  %-*s  %s", changed ? "*" : " ",
           now.field->name, (int)bits, now.bits, (int)value, now.text,
           now.field->meaning);
    if (changed) {
        append(buf, size, " (was %s)", before.text);
    }
    if (now.missing) {
        append(buf, size, " (reserved without %s)", now.missing);
    }
}

static void record_text(const struct amdvi_place *place,
                        const struct amdvi_line *line, char *buf,
                        size_t size)
{
    const struct amdvi_snapshot *snapshot =
        amdvi_place_shown(place, line->pane);
    struct amdvi_record record;

    if (!amdvi_snapshot_record(snapshot, line->row, &record)) {
        return;
    }
    if (line->kind == AMDVI_LINE_WORDS) {
        words_text(&record, buf, size);
    } else if (line->kind == AMDVI_LINE_FIELD) {
        field_text(place, line, &record, buf, size);
    } else {
        reserved_text(snapshot, &record, buf, size);
    }
}

void amdvi_place_text(const struct amdvi_place *place,
                      const struct amdvi_line *line, char *buf, size_t size)
{
    *buf = '\0';
    switch (line->kind) {
    case AMDVI_LINE_TEXT:
    case AMDVI_LINE_TITLE:
        append(buf, size, "%s", place->text.string[line->row]);
        break;
    case AMDVI_LINE_HEADER:
        break;
    case AMDVI_LINE_ROW:
        row_text(place, line, buf, size);
        break;
    case AMDVI_LINE_CELL:
        cell_text(place, line, buf, size);
        break;
    default:
        record_text(place, line, buf, size);
        break;
    }
}
