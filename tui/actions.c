/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keys do.  The rows are in keys.def; see tui.h.
 */
#include "tui.h"
#include "command.h"
#include "put.h"

#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT_STEP 8
#define LINE_SIZE 1024
#define MIN_INTERVAL_MS 125
#define MAX_INTERVAL_MS 16000

static bool has_command(const char *name)
{
    struct amdvi_command command;
    struct amdvi_error ignored;

    return amdvi_command_find(name, &command, &ignored);
}

static unsigned int what_holds(struct amdvi_tui *tui)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    bool walk = tui->current == AMDVI_SCREEN_WALK;

    return AMDVI_WHEN_LINES |
           (amdvi_line_has_row(amdvi_place_line(place))
            ? AMDVI_WHEN_ROW : 0) |
           (place->screen->pane[0].view ? AMDVI_WHEN_VIEW : 0) |
           (*tui->subject.bdf ? AMDVI_WHEN_DEVICE : 0) |
           (walk && place->subject.has_address ? AMDVI_WHEN_WALK : 0) |
           (*tui->search ? AMDVI_WHEN_SEARCH : 0) |
           (!tui->is_dump ? AMDVI_WHEN_VM : 0) |
           (!tui->is_dump && !tui->options->readonly ? AMDVI_WHEN_TOUCH
                                                     : 0) |
           (has_command("break") ? AMDVI_WHEN_BREAK : 0) |
           (has_command("inject") ? AMDVI_WHEN_INJECT : 0);
}

bool amdvi_tui_key_valid(struct amdvi_tui *tui, const struct amdvi_key *key)
{
    return (key->when & ~what_holds(tui)) == 0;
}

void amdvi_tui_key(struct amdvi_tui *tui, int code)
{
    const struct amdvi_key *key = amdvi_key_find(amdvi_key_normal(code));

    if (tui->prompt.kind != AMDVI_PROMPT_NONE) {
        amdvi_prompt_key(tui, amdvi_key_normal(code));
        return;
    }
    /* what was said stays until something else is done */
    if (!key || (key->action != amdvi_action_command &&
                 key->action != amdvi_action_refresh)) {
        tui->message[0] = '\0';
    }
    if (!key) {
        amdvi_tui_say(tui, true, "no such key; ? lists those there are");
    } else if (!amdvi_tui_key_valid(tui, key)) {
        amdvi_tui_say(tui, true, "not here: %s", key->help);
    } else {
        if (key->action != amdvi_action_refresh) {
            amdvi_tui_place(tui)->wants_first = false;
            amdvi_tui_place(tui)->wants_last = false;
        }
        key->action(tui, amdvi_key_normal(code));
    }
}

/*
 * Rows beyond those that were fetched are fetched when one gets there.
 * Returns false if there are none.
 */
static bool want_more(struct amdvi_tui *tui, size_t rows)
{
    struct amdvi_place *place = amdvi_tui_place(tui);
    bool more = false;

    for (size_t i = 0; i < AMDVI_MAX_PANES; i++) {
        const struct amdvi_snapshot *shown = amdvi_place_shown(place, i);

        more = more || (shown && shown->more);
    }
    if (more && rows > place->rows) {
        place->rows = rows < AMDVI_SNAPSHOT_ROWS ? rows
                                                 : AMDVI_SNAPSHOT_ROWS;
        amdvi_tui_ask(tui, place, AMDVI_ON_ENTRY);
    }
    return more;
}

static void move_to(struct amdvi_tui *tui, size_t cursor)
{
    struct amdvi_place *place = amdvi_tui_place(tui);
    size_t margin = amdvi_tui_height();
    bool near = place->screen->newest_last
                ? cursor < margin : cursor + margin > place->nlines;

    amdvi_place_move(place, cursor);
    if (near) {
        want_more(tui, 4 * place->rows);
    }
}

static void move_by(struct amdvi_tui *tui, long lines)
{
    size_t cursor = amdvi_tui_place(tui)->cursor;

    move_to(tui, lines < 0 && (size_t)-lines > cursor
            ? 0 : cursor + (size_t)lines);
}

void amdvi_action_up(struct amdvi_tui *tui, int key)
{
    (void)key;
    move_by(tui, -1);
}

void amdvi_action_down(struct amdvi_tui *tui, int key)
{
    (void)key;
    move_by(tui, 1);
}

void amdvi_action_page_up(struct amdvi_tui *tui, int key)
{
    (void)key;
    move_by(tui, -(long)amdvi_tui_height());
}

void amdvi_action_page_down(struct amdvi_tui *tui, int key)
{
    (void)key;
    move_by(tui, (long)amdvi_tui_height());
}

void amdvi_action_first(struct amdvi_tui *tui, int key)
{
    (void)key;
    move_to(tui, 0);
    if (amdvi_tui_place(tui)->screen->newest_last) {
        amdvi_tui_place(tui)->wants_first =
            want_more(tui, AMDVI_SNAPSHOT_ROWS);
    }
}

void amdvi_action_last(struct amdvi_tui *tui, int key)
{
    (void)key;
    move_to(tui, SIZE_MAX - amdvi_tui_height());
    if (!amdvi_tui_place(tui)->screen->newest_last) {
        amdvi_tui_place(tui)->wants_last =
            want_more(tui, AMDVI_SNAPSHOT_ROWS);
    }
}

void amdvi_action_left(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    place->shift -= place->shift < SHIFT_STEP ? place->shift : SHIFT_STEP;
}

void amdvi_action_right(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    place->shift += place->shift < LINE_SIZE ? SHIFT_STEP : 0;
}

static void turn(struct amdvi_tui *tui, int by)
{
    int screen = (int)tui->current;

    do {
        screen = (screen + by + AMDVI_NUM_SCREENS) % AMDVI_NUM_SCREENS;
    } while (!amdvi_screens[screen].key);
    amdvi_tui_go(tui, (enum amdvi_screen_id)screen, NULL, true);
}

void amdvi_action_next_screen(struct amdvi_tui *tui, int key)
{
    (void)key;
    turn(tui, 1);
}

void amdvi_action_previous_screen(struct amdvi_tui *tui, int key)
{
    (void)key;
    turn(tui, -1);
}

void amdvi_action_screen(struct amdvi_tui *tui, int key)
{
    for (int i = 0; i < AMDVI_NUM_SCREENS; i++) {
        if (amdvi_screens[i].key == key) {
            amdvi_tui_go(tui, (enum amdvi_screen_id)i, NULL, true);
            return;
        }
    }
}

void amdvi_action_fields(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);
    const struct amdvi_line *line = amdvi_place_line(place);
    const struct amdvi_snapshot *snapshot =
        amdvi_place_shown(place, line->pane);
    uint64_t id = amdvi_snapshot_id(snapshot, line->row,
                                    place->screen->pane[line->pane].ids);
    struct amdvi_record record;

    (void)key;
    if (!amdvi_snapshot_record(snapshot, line->row, &record)) {
        amdvi_tui_say(tui, false, "there are no fields behind this line");
        return;
    }
    place->unfolded = !place->unfolded || place->unfolded_id != id ||
                      place->unfolded_pane != line->pane;
    place->unfolded_pane = line->pane;
    place->unfolded_id = id;
    while (place->cursor > 0 && place->line[place->cursor].kind !=
           AMDVI_LINE_ROW && place->line[place->cursor].row ==
           place->line[place->cursor - 1].row) {
        amdvi_place_move(place, place->cursor - 1);
    }
    amdvi_place_layout(place);
}

void amdvi_action_enter(struct amdvi_tui *tui, int key)
{
    struct amdvi_subject subject;
    enum amdvi_screen_id screen;

    if (amdvi_tui_lead(tui, &screen, &subject)) {
        amdvi_tui_go(tui, screen, &subject, true);
    } else {
        amdvi_action_fields(tui, key);
    }
}

void amdvi_action_follow(struct amdvi_tui *tui, int key)
{
    struct amdvi_subject subject;

    (void)key;
    if (amdvi_tui_lead_to_walk(tui, &subject)) {
        amdvi_tui_go(tui, AMDVI_SCREEN_WALK, &subject, true);
    } else {
        amdvi_tui_say(tui, false, "this line names no address of a device");
    }
}

void amdvi_action_address(struct amdvi_tui *tui, int key)
{
    const struct amdvi_subject *subject = &tui->subject;
    char text[AMDVI_PROMPT_SIZE];

    (void)key;
    if (subject->has_pasid) {
        snprintf(text, sizeof(text), "walk %s -p %" PRIu32 " ", subject->bdf,
                 subject->pasid);
    } else {
        snprintf(text, sizeof(text), "walk %s ", subject->bdf);
    }
    amdvi_prompt_open(tui, AMDVI_PROMPT_COMMAND, text);
}

void amdvi_action_access(struct amdvi_tui *tui, int key)
{
    struct amdvi_subject subject = tui->subject;

    (void)key;
    subject.exec = tui->subject.write && tui->subject.has_pasid;
    subject.write = !tui->subject.write && !tui->subject.exec;
    amdvi_tui_go(tui, AMDVI_SCREEN_WALK, &subject, false);
}

void amdvi_action_privileged(struct amdvi_tui *tui, int key)
{
    struct amdvi_subject subject = tui->subject;

    (void)key;
    subject.priv = !subject.priv && subject.has_pasid;
    amdvi_tui_go(tui, AMDVI_SCREEN_WALK, &subject, false);
}

void amdvi_action_back(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    if (place->unfolded) {
        place->unfolded = false;
        amdvi_place_layout(place);
    } else if (*place->filter) {
        place->filter[0] = '\0';
        amdvi_place_layout(place);
    } else {
        amdvi_tui_go_back(tui);
    }
}

void amdvi_action_search(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_SEARCH, "");
}

void amdvi_tui_search(struct amdvi_tui *tui, bool forward, bool stay)
{
    struct amdvi_place *place = amdvi_tui_place(tui);
    char text[LINE_SIZE];

    want_more(tui, AMDVI_SNAPSHOT_ROWS);
    for (size_t i = stay ? 0 : 1; i <= place->nlines && place->nlines; i++) {
        size_t at = (place->cursor + (forward ? i : place->nlines - i)) %
                    place->nlines;

        amdvi_place_text(place, &place->line[at], text, sizeof(text));
        if (strcasestr(text, tui->search)) {
            amdvi_place_move(place, at);
            return;
        }
    }
    amdvi_tui_say(tui, true, "not found: %s", tui->search);
}

void amdvi_action_search_next(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_tui_search(tui, true, false);
}

void amdvi_action_search_previous(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_tui_search(tui, false, false);
}

void amdvi_action_filter(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_FILTER, "");
}

/* Columns of the table that the cursor is in */
static const struct amdvi_view *view_at(const struct amdvi_place *place)
{
    const struct amdvi_line *line = amdvi_place_line(place);

    return place->screen->pane[line ? line->pane : 0].view;
}

void amdvi_action_column_left(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    place->column = place->column > 1 ? place->column - 1
                                      : view_at(place)->ncolumns;
}

void amdvi_action_column_right(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    place->column = place->column < view_at(place)->ncolumns
                    ? place->column + 1 : 1;
}

void amdvi_action_sort(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);
    size_t column = place->column ? place->column : 1;

    (void)key;
    want_more(tui, AMDVI_SNAPSHOT_ROWS);
    place->column = column;
    if (place->sort != column) {
        place->sort = column;
        place->descending = false;
    } else if (!place->descending) {
        place->descending = true;
    } else {
        place->sort = 0;
        place->descending = false;
    }
    amdvi_place_layout(place);
}

static void give(struct amdvi_tui *tui, enum amdvi_job_kind kind)
{
    struct amdvi_job *job = amdvi_job_new(kind);

    if (job) {
        job->live = tui->options->readonly;
        tui->outstanding++;
        amdvi_worker_give(tui->worker, job);
    }
}

void amdvi_action_freeze(struct amdvi_tui *tui, int key)
{
    (void)key;
    give(tui, tui->frozen ? AMDVI_JOB_THAW : AMDVI_JOB_FREEZE);
}

void amdvi_action_older(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    if (place->back + 1 < place->pane[0].nkept) {
        place->back++;
        amdvi_place_layout(place);
    } else {
        amdvi_tui_say(tui, false, "no older snapshot is kept");
    }
}

void amdvi_action_newer(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    (void)key;
    if (place->back > 0) {
        place->back--;
        amdvi_place_layout(place);
    } else {
        amdvi_tui_say(tui, false, "this is the newest snapshot");
    }
}

static void set_interval(struct amdvi_tui *tui, int ms)
{
    if (ms >= MIN_INTERVAL_MS && ms <= MAX_INTERVAL_MS) {
        tui->interval_ms = ms;
        tui->tick_ms = 0;
    }
    amdvi_tui_say(tui, false, "refreshed every %d.%03d s",
                  tui->interval_ms / 1000, tui->interval_ms % 1000);
}

void amdvi_action_faster(struct amdvi_tui *tui, int key)
{
    (void)key;
    set_interval(tui, tui->interval_ms / 2);
}

void amdvi_action_slower(struct amdvi_tui *tui, int key)
{
    (void)key;
    set_interval(tui, tui->interval_ms * 2);
}

void amdvi_action_refresh(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_tui_ask(tui, amdvi_tui_place(tui), AMDVI_ON_REQUEST);
    clearok(curscr, TRUE);
}

void amdvi_action_command(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_COMMAND, "");
}

void amdvi_action_copy(struct amdvi_tui *tui, int key)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    const struct amdvi_line *line = amdvi_place_line(place);
    char text[LINE_SIZE], buf[AMDVI_CELL_BUFFER];

    (void)key;
    if (!line) {
        return;
    }
    amdvi_place_text(place, line, text, sizeof(text));
    if (line->kind == AMDVI_LINE_ROW && place->column &&
        place->column <= view_at(place)->ncolumns) {
        struct amdvi_cell cell =
            amdvi_snapshot_cell(amdvi_place_shown(place, line->pane),
                                line->row, place->column - 1);

        snprintf(text, sizeof(text), "%s",
                 amdvi_cell_format(&view_at(place)->column[place->column - 1],
                                   &cell, buf));
    }
    amdvi_tui_copy(text);
    amdvi_tui_say(tui, false, "copied: %s", text);
}

void amdvi_action_write(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_WRITE, "");
}

void amdvi_action_dump(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_DUMP, "");
}

void amdvi_action_pause(struct amdvi_tui *tui, int key)
{
    (void)key;
    give(tui, tui->stopped ? AMDVI_JOB_CONTINUE : AMDVI_JOB_STOP);
}

void amdvi_action_break(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_COMMAND, "break ");
}

void amdvi_action_inject(struct amdvi_tui *tui, int key)
{
    (void)key;
    amdvi_prompt_open(tui, AMDVI_PROMPT_COMMAND, "inject ");
}

void amdvi_action_quit(struct amdvi_tui *tui, int key)
{
    (void)key;
    tui->leave = true;
}

/* The keys that are valid on the screen that help was asked for on */
void amdvi_action_help(struct amdvi_tui *tui, int key)
{
    struct amdvi_place *place = &tui->place[AMDVI_SCREEN_HELP];
    size_t size;
    FILE *out;

    (void)key;
    if (tui->current == AMDVI_SCREEN_HELP) {
        return;
    }
    free(place->output);
    place->output = NULL;
    out = open_memstream(&place->output, &size);
    if (!out) {
        return;
    }
    fprintf(out, "Keys on the screen %s:\n\n",
            amdvi_tui_place(tui)->screen->title);
    for (const struct amdvi_key *k = amdvi_keys; k->action; k++) {
        if (amdvi_tui_key_valid(tui, k)) {
            fprintf(out, "  %-13s %s\n", k->keys, k->help);
        }
    }
    fputs("\nScreens:\n\n", out);
    for (int i = 0; i < AMDVI_NUM_SCREENS; i++) {
        if (amdvi_screens[i].key) {
            fprintf(out, "  %c  %-16s %s\n", amdvi_screens[i].key,
                    amdvi_screens[i].title,
                    amdvi_screens[i].pane[0].view->help);
        }
    }
    fputs("\nCommands after \":\" besides those of amdvi-inspect:\n\n", out);
    for (size_t i = 0; ; i++) {
        const char *args, *help;
        const char *name = amdvi_tui_command_name(i, &args, &help);

        if (!name) {
            break;
        }
        fprintf(out, "  %-12s %-16s %s\n", name, args, help);
    }
    fclose(out);
    place->cursor = place->top = 0;
    amdvi_tui_go(tui, AMDVI_SCREEN_HELP, NULL, true);
}
