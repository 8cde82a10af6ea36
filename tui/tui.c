/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command "tui": the loop between keys, answers, time and the terminal.
 * See tui.h.
 */
#define NCURSES_WIDECHAR 1
#include "tui.h"
#include "command.h"
#include "interrupt.h"
#include "socket.h"
#include "terminal.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Twice a second, and the age of the data is drawn so often */
#define DEFAULT_INTERVAL_MS 500
#define AGE_INTERVAL_MS 500
/* Keys that are taken before the screen is drawn again */
#define KEYS_AT_ONCE 64

static void take_answers(struct amdvi_tui *tui)
{
    struct amdvi_job *job;

    while ((job = amdvi_worker_take(tui->worker)) != NULL) {
        amdvi_tui_answer(tui, job);
    }
}

/* Nothing is on its way that the next key of a script could wait for */
static bool is_idle(const struct amdvi_tui *tui)
{
    return tui->outstanding == 0 && tui->refreshes >= tui->wait_for;
}

static void take_terminal_keys(struct amdvi_tui *tui)
{
    wint_t key;

    for (int i = 0; i < KEYS_AT_ONCE && !tui->leave; i++) {
        int kind = get_wch(&key);

        if (kind == ERR) {
            return;
        }
        if (kind == KEY_CODE_YES && key == KEY_RESIZE) {
            amdvi_place_layout(amdvi_tui_place(tui));
        } else if (kind == KEY_CODE_YES || key < 128) {
            amdvi_tui_type(tui, (int)key);
        }
    }
}

/* One key at a time: each sees what the one before has led to */
static void take_script_key(struct amdvi_tui *tui)
{
    int key = is_idle(tui) ? amdvi_script_key(tui) : 0;

    if (key == AMDVI_SCRIPT_END) {
        tui->leave = true;
    } else if (key > 0) {
        amdvi_tui_key(tui, key);
    }
}

/* Who follows what happens does not need all that was */
static void want_less(struct amdvi_place *place)
{
    if (place->screen->newest_last && place->anchor.at_end &&
        !*place->filter && !place->sort) {
        place->rows = AMDVI_FIRST_ROWS;
    }
}

static void tick(struct amdvi_tui *tui)
{
    struct amdvi_place *place = amdvi_tui_place(tui);
    int64_t now = amdvi_clock_ms();
    bool follows = !tui->is_dump && !tui->frozen && !place->back;
    bool rests = follows && amdvi_place_ready(place) &&
                 !amdvi_pace_is_due(&tui->pace, now);

    if (now < tui->tick_ms) {
        return;
    }
    tui->tick_ms = amdvi_pace_next(&tui->pace, now, tui->interval_ms);
    if (follows && !rests) {
        want_less(place);
        amdvi_tui_ask(tui, place, AMDVI_ON_TICK);
    }
    if (place->pending == 0) {
        /* there was nothing to ask for, or it is too early */
        tui->refreshes += !rests;
        amdvi_tui_look(tui);
    }
}

/* Milliseconds until something is due even if nothing happens */
static int time_left(const struct amdvi_tui *tui)
{
    int64_t left = tui->tick_ms - amdvi_clock_ms();

    if (tui->script.file && is_idle(tui)) {
        return 0;
    }
    left = left < AGE_INTERVAL_MS ? left : AGE_INTERVAL_MS;
    return left > 0 ? (int)left : 0;
}

static void wait_for_something(struct amdvi_tui *tui)
{
    struct pollfd poller[] = {
        { .fd = amdvi_worker_fd(tui->worker), .events = POLLIN },
        { .fd = tui->script.file ? -1 : STDIN_FILENO, .events = POLLIN },
    };

    /* the terminal has gone: nobody can tell us to leave any more */
    if (poll(poller, 2, time_left(tui)) > 0 &&
        (poller[1].revents & (POLLHUP | POLLERR | POLLNVAL))) {
        tui->leave = true;
    }
}

static bool enough_frames(const struct amdvi_tui *tui)
{
    uint64_t limit = tui->options->query.limit;

    return limit && tui->refreshes >= limit;
}

static void loop(struct amdvi_tui *tui)
{
    while (!tui->leave && !amdvi_interrupt_get()) {
        amdvi_tui_draw(tui);
        if (enough_frames(tui)) {
            break;
        }
        wait_for_something(tui);
        take_answers(tui);
        amdvi_tui_catch_up(tui);
        if (tui->script.file) {
            take_script_key(tui);
        } else {
            take_terminal_keys(tui);
        }
        tick(tui);
    }
}

static void start(struct amdvi_tui *tui)
{
    for (int i = 0; i < AMDVI_NUM_SCREENS; i++) {
        tui->place[i].screen = &amdvi_screens[i];
        tui->place[i].rows = AMDVI_FIRST_ROWS;
    }
    tui->interval_ms = tui->options->interval_ms
                       ? tui->options->interval_ms : DEFAULT_INTERVAL_MS;
    tui->tick_ms = amdvi_clock_ms() + tui->interval_ms;
    amdvi_tui_go(tui, AMDVI_SCREEN_OVERVIEW, NULL, false);
    /* a device is chosen from these, and screens about one have it */
    amdvi_tui_ask(tui, &tui->place[AMDVI_SCREEN_DEVICES], AMDVI_ON_ENTRY);
}

static bool run(struct amdvi_tui *tui, struct amdvi_session *session,
                struct amdvi_error *err)
{
    tui->worker = amdvi_worker_start(session, err);
    if (!tui->worker) {
        return false;
    }
    if (amdvi_terminal_open(tui->options, err)) {
        amdvi_interrupt_catch();
        start(tui);
        loop(tui);
        amdvi_terminal_close();
    } else {
        tui->err = *err;
    }
    amdvi_worker_end(tui->worker);
    amdvi_prompt_close(tui);
    for (int i = 0; i < AMDVI_NUM_SCREENS; i++) {
        amdvi_place_free(&tui->place[i]);
    }
    *err = tui->err;
    return tui->err.code == AMDVI_EXIT_OK;
}

bool amdvi_run_tui(struct amdvi_session *session,
                   const struct amdvi_options *options,
                   struct amdvi_error *err)
{
    struct amdvi_tui *tui = calloc(1, sizeof(*tui));
    bool good;

    if (!tui) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    tui->options = options;
    tui->is_dump = session->options->dump != NULL;
    if (options->script) {
        tui->script.file = fopen(options->script, "r");
        if (!tui->script.file) {
            free(tui);
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "cannot open %s: %s",
                              options->script, strerror(errno));
        }
    }
    good = run(tui, session, err);
    if (tui->script.file) {
        fclose(tui->script.file);
    }
    free(tui);
    return good;
}
