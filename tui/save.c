/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and the clipboard: what is shown, as text, JSON or characters of the
 * screen.  See tui.h.
 */
#define NCURSES_WIDECHAR 1
#include "tui.h"
#include "base64.h"
#include "render.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool cannot_write(const char *path, struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot write %s: %s", path,
                      strerror(errno ? errno : EIO));
}

/* A file that is not complete does not stay.  @good: all was put into it */
static bool close_file(FILE *out, const char *path, bool good,
                       struct amdvi_error *err)
{
    bool written;

    errno = 0;
    written = fflush(out) == 0 && !ferror(out);
    written = fclose(out) == 0 && written;
    if (good && !written) {
        good = cannot_write(path, err);
    }
    if (!good) {
        unlink(path);
    }
    return good;
}

static bool ends_with(const char *path, const char *end)
{
    size_t length = strlen(path);

    return length >= strlen(end) &&
           strcmp(path + length - strlen(end), end) == 0;
}

/* A pane with the rows that are shown, in their order */
static bool put_pane(const struct amdvi_place *place, size_t pane, FILE *out,
                     bool as_json, struct amdvi_error *err)
{
    const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, pane);
    const struct amdvi_pane *p = &place->pane[pane];
    struct amdvi_text_renderer text;
    struct amdvi_json_renderer json;

    if (!snapshot || !snapshot->shown) {
        return true;
    }
    if (as_json) {
        amdvi_json_renderer_init(&json, out);
        return amdvi_snapshot_replay(snapshot, p->order, p->norder,
                                     &json.renderer, err);
    }
    fputs(pane ? "\n" : "", out);
    amdvi_text_renderer_init(&text, out, false);
    return amdvi_snapshot_replay(snapshot, p->order, p->norder,
                                 &text.renderer, err);
}

/* An existing file is never overwritten by a slip of the finger */
bool amdvi_tui_save(struct amdvi_tui *tui, const char *path,
                    struct amdvi_error *err)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    const struct amdvi_line *line = amdvi_place_line(place);
    bool as_json = ends_with(path, ".json"), good = true;
    size_t panes = amdvi_screen_panes(place->screen);
    FILE *out;

    if (panes == 0) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "nothing to write here");
    }
    errno = 0;
    out = fopen(path, "wx");
    if (!out) {
        return cannot_write(path, err);
    }
    if (as_json) {
        good = put_pane(place, line ? line->pane : 0, out, true, err);
    }
    for (size_t i = 0; i < panes && good && !as_json; i++) {
        good = put_pane(place, i, out, false, err);
    }
    return close_file(out, path, good, err);
}

bool amdvi_tui_dump(struct amdvi_tui *tui, const char *path,
                    struct amdvi_error *err)
{
    struct amdvi_job *job = amdvi_job_new(AMDVI_JOB_DUMP);

    if (!job || !(job->text = strdup(path))) {
        amdvi_job_free(job);
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    job->live = tui->options->readonly;
    tui->outstanding++;
    amdvi_worker_give(tui->worker, job);
    return true;
}

static void put_screen_line(FILE *out, int y)
{
    wchar_t line[COLS + 1];
    int length = mvinnwstr(y, 0, line, COLS);

    length = length < 0 ? 0 : length;
    while (length > 0 && line[length - 1] == L' ') {
        length--;
    }
    line[length] = L'\0';
    fprintf(out, "%ls\n", line);
}

bool amdvi_tui_save_screen(const char *path, struct amdvi_error *err)
{
    FILE *out;

    errno = 0;
    out = fopen(path, "w");
    if (!out) {
        return cannot_write(path, err);
    }
    for (int y = 0; y < LINES; y++) {
        put_screen_line(out, y);
    }
    return close_file(out, path, true, err);
}

/* OSC 52: the terminal, wherever it is, puts it on its clipboard */
void amdvi_tui_copy(const char *text)
{
    char *encoded = amdvi_base64_encode((const uint8_t *)text, strlen(text));

    if (encoded) {
        printf("\033]52;c;%s\a", encoded);
        fflush(stdout);
    }
    free(encoded);
}
