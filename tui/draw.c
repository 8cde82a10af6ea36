/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drawing: from the lines of a place to the terminal.  See tui.h.
 *
 * Everything is drawn anew into the memory of curses, which sends only what
 * differs from what the terminal shows.
 */
#define NCURSES_WIDECHAR 1
#include "tui.h"
#include "put.h"
#include "socket.h"

#include <curses.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 1024
#define METER_SIZE 64
/* Columns of the mark before a row, and between columns */
#define MARGIN 2
#define GAP 2

size_t amdvi_tui_height(void)
{
    return LINES > AMDVI_TUI_FRAME_LINES
           ? (size_t)(LINES - AMDVI_TUI_FRAME_LINES) : 1;
}

static struct amdvi_area whole_line(int y)
{
    return (struct amdvi_area){ .y = y, .left = 0, .right = COLS };
}

/* The text of number @i of the columns of a pane, where the meter counts */
struct cell_text {
    const char *text;
    bool right;                 /* aligned to the right */
    bool changed;
    char buf[METER_SIZE];
};

/* Column of the view; the number of its columns is the meter */
static size_t column_at(const struct amdvi_screen_pane *pane, size_t i)
{
    if (pane->meter == AMDVI_METER_NONE || i < pane->ids) {
        return i;
    }
    return i == pane->ids ? pane->view->ncolumns : i - 1;
}

static size_t num_columns(const struct amdvi_screen_pane *pane)
{
    return pane->view->ncolumns + (pane->meter != AMDVI_METER_NONE);
}

/* Whether the first @end bytes of @keys name a column */
static bool is_named(const struct amdvi_screen_pane *pane, const char *keys,
                     size_t end, size_t column)
{
    const char *key = keys;

    while (key && column < pane->view->ncolumns && *key &&
           (size_t)(key - keys) < end) {
        size_t length = strcspn(key, " ");

        if (strlen(pane->view->column[column].key) == length &&
            strncmp(pane->view->column[column].key, key, length) == 0) {
            return true;
        }
        key += length;
        key += strspn(key, " ");
    }
    return false;
}

/* What all columns of a table need that are not left out */
static size_t width_without(const struct amdvi_place *place, size_t pane,
                            size_t spared)
{
    const struct amdvi_screen_pane *p = &place->screen->pane[pane];
    size_t total = MARGIN;

    for (size_t c = 0; c < num_columns(p); c++) {
        if (!is_named(p, p->hidden, SIZE_MAX, c) &&
            !is_named(p, p->spare, spared, c)) {
            total += place->pane[pane].width[c] + GAP;
        }
    }
    return total - GAP;
}

/* How many bytes of the spare columns' keys are left out for lack of room */
static size_t num_spared(const struct amdvi_place *place, size_t pane)
{
    const char *spare = place->screen->pane[pane].spare;
    size_t spared = 0;

    while (spare && spare[spared] &&
           width_without(place, pane, spared) > (size_t)COLS) {
        spared += strcspn(spare + spared, " ");
        spared += strspn(spare + spared, " ");
    }
    return spared;
}

/* Column by column, whether it is drawn */
static void choose_columns(const struct amdvi_place *place, size_t pane,
                           bool *ret)
{
    const struct amdvi_screen_pane *p = &place->screen->pane[pane];
    size_t spared = num_spared(place, pane);

    for (size_t c = 0; c < num_columns(p); c++) {
        ret[c] = !is_named(p, p->hidden, SIZE_MAX, c) &&
                 !is_named(p, p->spare, spared, c);
    }
}

static void get_cell(const struct amdvi_place *place, size_t pane, size_t row,
                     size_t column, struct cell_text *ret)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);
    struct amdvi_cell cell;

    ret->right = false;
    if (column == snapshot->view->ncolumns) {
        ret->text = amdvi_meter_text(place, pane, row, ret->buf,
                                     sizeof(ret->buf));
        return;
    }
    cell = amdvi_snapshot_cell(snapshot, row, column);
    ret->text = amdvi_cell_format(&snapshot->view->column[column], &cell,
                                  ret->buf);
    ret->right = snapshot->view->column[column].kind == AMDVI_CELL_DEC;
}

static const char *title_of(const struct amdvi_screen_pane *pane,
                            size_t column)
{
    return column == pane->view->ncolumns ? pane->meter_title
                                          : pane->view->column[column].title;
}

static void widen(size_t *width, const char *text)
{
    size_t needed = (size_t)amdvi_put_width(text);

    *width = *width > needed ? *width : needed;
}

/* Columns are as wide as what was visible so far needs */
static void measure(struct amdvi_place *place, size_t first, size_t last)
{
    for (size_t i = first; i < last && i < place->nlines; i++) {
        const struct amdvi_line *line = &place->line[i];
        const struct amdvi_screen_pane *pane =
            &place->screen->pane[line->pane];
        size_t *width = place->pane[line->pane].width;

        if (line->kind != AMDVI_LINE_ROW) {
            continue;
        }
        for (size_t c = 0; c < num_columns(pane); c++) {
            size_t column = column_at(pane, c);
            struct cell_text cell;

            widen(&width[column], title_of(pane, column));
            get_cell(place, line->pane, line->row, column, &cell);
            widen(&width[column], cell.text);
        }
    }
}

/* The row before, and whether there is anything to compare with */
struct comparison {
    const struct amdvi_snapshot *before;
    bool found;
    size_t row;
};

static struct comparison compare_row(const struct amdvi_place *place,
                                     const struct amdvi_line *line)
{
    size_t ids = place->screen->pane[line->pane].ids;
    struct comparison result = {
        .before = amdvi_place_before(place, line->pane),
    };

    if (result.before && !result.before->shown) {
        result.before = NULL;
    }
    result.found = result.before &&
        amdvi_snapshot_find(result.before,
                            amdvi_snapshot_id(amdvi_place_shown(place,
                                                                line->pane),
                                              line->row, ids),
                            ids, line->row, &result.row);
    return result;
}

static bool cell_changed(const struct comparison *comparison, size_t column,
                         const char *text)
{
    const struct amdvi_view *view;
    struct amdvi_cell cell;
    char buf[AMDVI_CELL_BUFFER];

    if (!comparison->found ||
        column == comparison->before->view->ncolumns) {
        return false;
    }
    view = comparison->before->view;
    cell = amdvi_snapshot_cell(comparison->before, comparison->row, column);
    return strcmp(amdvi_cell_format(&view->column[column], &cell, buf),
                  text) != 0;
}

/* Draws one column after the other; the first one stays when scrolled */
struct column_writer {
    struct amdvi_area area;
    int x;
    size_t shift;
    size_t drawn;
};

static void put_column(struct column_writer *writer, const char *text,
                       size_t width, bool right, enum amdvi_style style)
{
    int fill = (int)width - amdvi_put_width(text);
    int x = writer->x + (right && fill > 0 ? fill : 0);

    amdvi_put(&writer->area, x, text, style);
    writer->x += (int)width + GAP;
    if (writer->drawn++ == 0) {
        writer->area.left = writer->x;
        writer->x -= (int)writer->shift;
    }
}

static struct column_writer start_columns(const struct amdvi_place *place,
                                          int y)
{
    return (struct column_writer){
        .area = whole_line(y), .x = MARGIN, .shift = place->shift,
    };
}

/* Which keys show what is left or right of the terminal */
static void mark_cut(const struct amdvi_place *place, int y, bool right)
{
    struct amdvi_area area = whole_line(y);

    if (place->shift) {
        amdvi_put(&area, 0, "<", AMDVI_STYLE_CHANGED);
    }
    if (right) {
        amdvi_put(&area, COLS - 2, " >", AMDVI_STYLE_CHANGED);
    }
}

static void draw_header(const struct amdvi_place *place, size_t pane, int y)
{
    const struct amdvi_screen_pane *p = &place->screen->pane[pane];
    struct column_writer writer = start_columns(place, y);
    const size_t *width = place->pane[pane].width;
    bool drawn[AMDVI_MAX_COLUMNS + 1];

    choose_columns(place, pane, drawn);
    for (size_t c = 0; c < num_columns(p); c++) {
        size_t column = column_at(p, c);
        const char *title = title_of(p, column);
        size_t room = width[column];
        bool right = column < p->view->ncolumns &&
                     p->view->column[column].kind == AMDVI_CELL_DEC;

        if (!drawn[column]) {
            continue;
        }
        widen(&room, title);
        put_column(&writer, title, room, right,
                   column + 1 == place->column ? AMDVI_STYLE_CHOSEN
                                               : AMDVI_STYLE_HEADER);
    }
    mark_cut(place, y, writer.x - GAP > COLS);
}

/* Returns the mark: '*' something changed, '+' it was not there before */
static char draw_cells(const struct amdvi_place *place,
                       const struct amdvi_line *line, int y)
{
    const struct amdvi_screen_pane *p = &place->screen->pane[line->pane];
    struct comparison comparison = compare_row(place, line);
    struct column_writer writer = start_columns(place, y);
    const size_t *width = place->pane[line->pane].width;
    bool whole = comparison.before && !comparison.before->more;
    char mark = whole && !comparison.found ? '+' : ' ';
    bool drawn[AMDVI_MAX_COLUMNS + 1];

    choose_columns(place, line->pane, drawn);
    for (size_t c = 0; c < num_columns(p); c++) {
        size_t column = column_at(p, c);
        struct cell_text cell;
        bool changed;

        if (!drawn[column]) {
            continue;
        }
        get_cell(place, line->pane, line->row, column, &cell);
        changed = cell_changed(&comparison, column, cell.text);
        put_column(&writer, cell.text, width[column], cell.right,
                   changed ? AMDVI_STYLE_CHANGED : AMDVI_STYLE_PLAIN);
        mark = changed ? '*' : mark;
    }
    return mark;
}

static void draw_row(const struct amdvi_place *place,
                     const struct amdvi_line *line, int y)
{
    struct amdvi_area area = whole_line(y);
    char mark[] = " ";

    mark[0] = draw_cells(place, line, y);
    amdvi_put(&area, 0, mark, *mark == ' ' ? AMDVI_STYLE_PLAIN
                                           : AMDVI_STYLE_CHANGED);
}

static void draw_text(const struct amdvi_place *place,
                      const struct amdvi_line *line, int y)
{
    struct amdvi_area area = whole_line(y);
    char text[LINE_SIZE];
    bool changed;

    amdvi_place_text(place, line, text, sizeof(text));
    changed = line->kind == AMDVI_LINE_FIELD && text[2] == '*';
    amdvi_put(&area, -(int)place->shift, text,
              line->kind == AMDVI_LINE_TITLE ? AMDVI_STYLE_HEADER
              : line->kind == AMDVI_LINE_RESERVED ? AMDVI_STYLE_BAD
              : changed ? AMDVI_STYLE_CHANGED : AMDVI_STYLE_PLAIN);
    if (amdvi_put_width(text) - (int)place->shift > COLS) {
        amdvi_put(&area, COLS - 2, " >", AMDVI_STYLE_CHANGED);
    }
}

static void draw_line(const struct amdvi_place *place, size_t number, int y)
{
    const struct amdvi_line *line = &place->line[number];

    if (line->kind == AMDVI_LINE_HEADER) {
        draw_header(place, line->pane, y);
    } else if (line->kind == AMDVI_LINE_ROW) {
        draw_row(place, line, y);
    } else {
        draw_text(place, line, y);
    }
    if (number == place->cursor) {
        mvchgat(y, 0, -1, A_REVERSE, 0, NULL);
    }
}

/* The first line is in a table whose header is above it */
static bool header_above(const struct amdvi_place *place)
{
    const struct amdvi_line *top = &place->line[place->top];

    for (size_t i = place->top; i > 0 && top->kind != AMDVI_LINE_HEADER &&
         amdvi_line_has_row(top); i--) {
        if (place->line[i - 1].kind == AMDVI_LINE_HEADER) {
            return place->line[i - 1].pane == top->pane;
        }
    }
    return false;
}

static void draw_place(struct amdvi_place *place)
{
    size_t height = amdvi_tui_height();

    measure(place, place->top, place->top + height);
    for (size_t i = 0; i < height && place->top + i < place->nlines; i++) {
        if (i == 0 && place->top != place->cursor && header_above(place)) {
            draw_header(place, place->line[place->top].pane, 1);
        } else {
            draw_line(place, place->top + i, (int)i + 1);
        }
    }
}

/* "00:06.0 PASID 2 0x1000 write" */
static void put_subject(const struct amdvi_place *place, char *buf,
                        size_t size)
{
    const struct amdvi_subject *s = &place->subject;
    char pasid[32] = "", address[32] = "", from[32] = "";

    if (s->has_pasid) {
        snprintf(pasid, sizeof(pasid), " PASID %u", s->pasid);
    }
    if (s->has_address) {
        snprintf(address, sizeof(address), " 0x%llx",
                 (unsigned long long)s->address);
    }
    if (s->from) {
        snprintf(from, sizeof(from), " from 0x%llx",
                 (unsigned long long)s->from);
    }
    snprintf(buf, size, "%s%s%s%s%s%s%s", s->bdf, pasid, address, from,
             s->write ? " write" : "", s->exec ? " exec" : "",
             s->priv ? " privileged" : "");
}

/* Seconds since the data that is shown was fetched */
static void put_age(const struct amdvi_place *place, char *buf, size_t size)
{
    const struct amdvi_snapshot *shown = amdvi_place_shown(place, 0);
    int64_t age = shown ? amdvi_clock_ms() - shown->taken_ms : 0;

    if (!shown) {
        snprintf(buf, size, "no data yet");
    } else if (age < 10000) {
        snprintf(buf, size, "%d.%d s old", (int)(age / 1000),
                 (int)(age / 100 % 10));
    } else {
        snprintf(buf, size, "%lld s old", (long long)(age / 1000));
    }
}

/* Whether what is shown does not change, which its data says if there is any */
static bool is_frozen(struct amdvi_tui *tui)
{
    const struct amdvi_snapshot *shown =
        amdvi_place_shown(amdvi_tui_place(tui), 0);

    return shown ? shown->still : tui->frozen;
}

/* Where the data comes from and how old it is */
static void put_state(struct amdvi_tui *tui, char *buf, size_t size)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    const char *slash;
    char age[48];

    if (tui->is_dump) {
        slash = strrchr(tui->options->dump, '/');
        snprintf(buf, size, "dump %s",
                 slash ? slash + 1 : tui->options->dump);
        return;
    }
    if (!place->screen->pane[0].view) {
        age[0] = '\0';
    } else {
        put_age(place, age, sizeof(age));
    }
    if (place->back) {
        snprintf(buf, size, "%zu BACK, %s", place->back, age);
        return;
    }
    snprintf(buf, size, "%s%s%s%s", tui->stopped ? "VM PAUSED, " : "",
             tui->link == AMDVI_LINK_CONNECTING ? "connecting" :
             tui->link == AMDVI_LINK_LOST ? "LOST" :
             is_frozen(tui) ? "FROZEN" : "live", *age ? ", " : "", age);
}

static void fill_line(int y)
{
    struct amdvi_area area = whole_line(y);

    for (int x = 0; x < COLS; x++) {
        amdvi_put(&area, x, " ", AMDVI_STYLE_FRAME);
    }
}

static void draw_title(struct amdvi_tui *tui)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    struct amdvi_area area = whole_line(0);
    char state[LINE_SIZE], subject[160];
    int x, room;

    fill_line(0);
    put_state(tui, state, sizeof(state));
    put_subject(place, subject, sizeof(subject));
    x = amdvi_put(&area, 1, place->screen->title, AMDVI_STYLE_FRAME) + 2;
    x = amdvi_put(&area, x, subject, AMDVI_STYLE_FRAME) + 2;
    room = COLS - 1 - amdvi_put_width(state);
    amdvi_put(&area, room > x ? room : x, state, AMDVI_STYLE_FRAME);
}

/* What is set on this screen, and which keys there are */
static void draw_hints(struct amdvi_tui *tui)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    struct amdvi_area area = whole_line(LINES - 1);
    int x = 1;

    if (*place->filter) {
        x = amdvi_put(&area, x, "filter: ", AMDVI_STYLE_FRAME);
        x = amdvi_put(&area, x, place->filter, AMDVI_STYLE_FRAME) + 2;
    }
    if (place->sort) {
        x = amdvi_put(&area, x, place->descending ? "sorted down" : "sorted",
                      AMDVI_STYLE_FRAME) + 2;
    }
    for (const struct amdvi_key *k = amdvi_keys; k->action; k++) {
        char name[16];

        if (!*k->hint || !amdvi_tui_key_valid(tui, k)) {
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(k->keys, " "),
                 k->keys);
        if (x + (int)strlen(name) + 1 + (int)strlen(k->hint) >= COLS) {
            break;
        }
        x = amdvi_put(&area, x, name, AMDVI_STYLE_FRAME);
        x = amdvi_put(&area, x, " ", AMDVI_STYLE_FRAME);
        x = amdvi_put(&area, x, k->hint, AMDVI_STYLE_FRAME) + 2;
    }
}

/* Bytes of the words, with two spaces between them, that fit into a line */
static size_t fitting(const char *words)
{
    size_t room = (size_t)COLS - MARGIN, length = strlen(words), fit = room;

    if (length <= room) {
        return length;
    }
    while (fit > 0 && words[fit] != ' ') {
        fit--;
    }
    return fit > 0 ? fit : room;
}

/* What may follow, on as many lines above the prompt as it takes */
static void draw_candidates(const char *words)
{
    size_t most = amdvi_tui_height(), lines = 1;

    for (const char *w = words; w[fitting(w)] && lines < most; lines++) {
        w += fitting(w);
        w += strspn(w, " ");
    }
    for (int y = LINES - 1 - (int)lines; y < LINES - 1; y++) {
        struct amdvi_area area = whole_line(y);
        size_t length = fitting(words);
        char text[LINE_SIZE];

        snprintf(text, sizeof(text), "%.*s", (int)length, words);
        fill_line(y);
        amdvi_put(&area, 1, text, AMDVI_STYLE_FRAME);
        words += length;
        words += strspn(words, " ");
    }
}

static void draw_prompt(struct amdvi_tui *tui)
{
    struct amdvi_area area = whole_line(LINES - 1);
    struct amdvi_prompt before = tui->prompt;
    int x = amdvi_put(&area, 0, amdvi_prompt_label(&tui->prompt),
                      AMDVI_STYLE_PLAIN);
    int cursor, shift;

    if (tui->prompt.candidates) {
        draw_candidates(*tui->prompt.candidates ? tui->prompt.candidates
                                                : "(nothing may follow)");
    }
    before.text[before.cursor] = '\0';
    cursor = x + amdvi_put_width(before.text);
    shift = cursor >= COLS ? cursor - COLS + 1 : 0;
    area.left = x;
    amdvi_put(&area, x - shift, tui->prompt.text, AMDVI_STYLE_PLAIN);
    move(LINES - 1, cursor - shift);
}

static void draw_bottom(struct amdvi_tui *tui)
{
    struct amdvi_area area = whole_line(LINES - 1);

    if (tui->prompt.kind != AMDVI_PROMPT_NONE) {
        draw_prompt(tui);
    } else if (tui->ahead.count) {
        amdvi_put(&area, 0, "The keys typed wait for the answer of the VM; "
                  "Esc forgets them.", AMDVI_STYLE_PLAIN);
    } else if (*tui->message) {
        amdvi_put(&area, 0, tui->message, tui->message_bad
                  ? AMDVI_STYLE_BAD : AMDVI_STYLE_PLAIN);
    } else if (tui->link == AMDVI_LINK_LOST) {
        amdvi_put(&area, 0, tui->link_err.message, AMDVI_STYLE_BAD);
    } else {
        fill_line(LINES - 1);
        draw_hints(tui);
    }
}

static void draw_too_small(void)
{
    struct amdvi_area area = whole_line(0);
    char text[64];

    snprintf(text, sizeof(text), "needs %dx%d, has %dx%d", AMDVI_TUI_COLUMNS,
             AMDVI_TUI_LINES, COLS, LINES);
    amdvi_put(&area, 0, text, AMDVI_STYLE_PLAIN);
}

void amdvi_tui_draw(struct amdvi_tui *tui)
{
    erase();
    if (COLS < AMDVI_TUI_COLUMNS || LINES < AMDVI_TUI_LINES) {
        draw_too_small();
    } else {
        draw_title(tui);
        draw_place(amdvi_tui_place(tui));
        draw_bottom(tui);
    }
    curs_set(tui->prompt.kind != AMDVI_PROMPT_NONE);
    refresh();
}
