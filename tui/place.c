/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places: what is known of the screens, and the way between them.
 * See tui.h.
 */
#include "tui.h"
#include "doubt.h"
#include "socket.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void amdvi_tui_say(struct amdvi_tui *tui, bool bad, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(tui->message, sizeof(tui->message), format, args);
    va_end(args);
    tui->message_bad = bad;
}

struct amdvi_place *amdvi_tui_place(struct amdvi_tui *tui)
{
    return &tui->place[tui->current];
}

size_t amdvi_place_kept(const struct amdvi_place *place, size_t pane)
{
    const struct amdvi_pane *first = &place->pane[0], *p = &place->pane[pane];
    size_t n = p->nkept;
    int64_t next_ms;

    if (place->back == 0 || first->nkept <= place->back) {
        return place->back && n ? 1 : n;
    }
    /* others are not always asked for together with the first */
    next_ms = first->kept[first->nkept - place->back]->taken_ms;
    while (n > 1 && p->kept[n - 1]->taken_ms >= next_ms) {
        n--;
    }
    return n;
}

struct amdvi_snapshot *amdvi_place_shown(const struct amdvi_place *place,
                                         size_t pane)
{
    size_t n = amdvi_place_kept(place, pane);

    return n > 0 ? place->pane[pane].kept[n - 1] : NULL;
}

struct amdvi_snapshot *amdvi_place_before(const struct amdvi_place *place,
                                          size_t pane)
{
    size_t n = amdvi_place_kept(place, pane);

    return n > 1 ? place->pane[pane].kept[n - 2] : NULL;
}

bool amdvi_place_ready(const struct amdvi_place *place)
{
    const struct amdvi_screen *screen = place->screen;

    return screen->pane[0].view &&
           (!screen->needs_bdf || *place->subject.bdf) &&
           (!screen->needs_address || place->subject.has_address);
}

static void drop_oldest(struct amdvi_pane *pane)
{
    amdvi_snapshot_free(pane->kept[0]);
    pane->nkept--;
    memmove(pane->kept, pane->kept + 1,
            pane->nkept * sizeof(pane->kept[0]));
}

static void drop_all(struct amdvi_place *place)
{
    for (size_t i = 0; i < AMDVI_MAX_PANES; i++) {
        while (place->pane[i].nkept) {
            drop_oldest(&place->pane[i]);
        }
        memset(place->pane[i].width, 0, sizeof(place->pane[i].width));
    }
    place->back = 0;
}

void amdvi_place_free(struct amdvi_place *place)
{
    drop_all(place);
    for (size_t i = 0; i < AMDVI_MAX_PANES; i++) {
        free(place->pane[i].order);
    }
    amdvi_strings_free(&place->text);
    free(place->line);
    free(place->output);
}

/* What was asked for earlier is not waited for any more */
static void forget_answers(struct amdvi_place *place)
{
    place->generation++;
    place->pending = 0;
    place->rows_known = 0;
    for (size_t i = 0; i < AMDVI_MAX_PANES; i++) {
        place->pane[i].due_ms = 0;
    }
}

/* What the worker looks at does not change */
static bool is_still(const struct amdvi_tui *tui)
{
    return tui->is_dump || tui->frozen;
}

/* Another subject: nothing of the old one holds */
static void set_subject(struct amdvi_place *place,
                        const struct amdvi_subject *subject)
{
    if (memcmp(&place->subject, subject, sizeof(*subject)) == 0) {
        return;
    }
    place->subject = *subject;
    place->arrived = false;
    place->unfolded = false;
    place->cursor = place->top = place->shift = 0;
    place->rows = AMDVI_FIRST_ROWS;
    forget_answers(place);
    drop_all(place);
}

/* The number behind the newest row; 0: all rows are to be fetched */
static uint64_t next_number(const struct amdvi_tui *tui,
                            const struct amdvi_place *place, size_t pane,
                            size_t rows)
{
    const char *key = place->screen->pane[pane].number;
    const struct amdvi_pane *p = &place->pane[pane];
    const struct amdvi_snapshot *last = p->nkept ? p->kept[p->nkept - 1]
                                                 : NULL;

    if (!key || is_still(tui) || !last || last->still || last->nrows == 0 ||
        last->err.code != AMDVI_EXIT_OK || tui->link != AMDVI_LINK_GOOD ||
        (last->more && rows > p->rows)) {
        return 0;
    }
    return amdvi_snapshot_cell(last, last->nrows - 1,
                               amdvi_snapshot_column(last, key)).number + 1;
}

static bool ask_pane(struct amdvi_tui *tui, struct amdvi_place *place,
                     size_t pane)
{
    const struct amdvi_screen_pane *p = &place->screen->pane[pane];
    struct amdvi_job *job = amdvi_job_new(AMDVI_JOB_SHOW);

    if (!job) {
        amdvi_tui_say(tui, true, "out of memory");
        return false;
    }
    job->place = (unsigned int)(place - tui->place);
    job->pane = (unsigned int)pane;
    job->generation = place->generation;
    job->view = p->view;
    job->subject = place->subject;
    job->rows = p->rows && p->rows < place->rows ? p->rows : place->rows;
    job->from = next_number(tui, place, pane, job->rows);
    place->pane[pane].rows = job->rows;
    job->filter = p->filter;
    job->slow = p->seldom && !is_still(tui);
    if (job->slow) {
        place->pane[pane].slow = true;
    } else {
        place->pending++;
    }
    tui->outstanding++;
    amdvi_worker_give(tui->worker, job);
    return true;
}

/* What costs much is asked for when it is due, or wanted by the user */
static bool is_wanted(const struct amdvi_tui *tui,
                      const struct amdvi_place *place, size_t pane,
                      enum amdvi_occasion occasion)
{
    if (is_still(tui) || !place->screen->pane[pane].seldom) {
        return true;
    }
    if (place->pane[pane].slow || occasion == AMDVI_ON_REQUEST) {
        return !place->pane[pane].slow;
    }
    return amdvi_clock_ms() >= place->pane[pane].due_ms;
}

void amdvi_tui_ask(struct amdvi_tui *tui, struct amdvi_place *place,
                   enum amdvi_occasion occasion)
{
    size_t panes = amdvi_screen_panes(place->screen);
    bool good = true;

    if (place->pending || !amdvi_place_ready(place) ||
        (is_still(tui) && place->rows_known >= place->rows)) {
        return;
    }
    place->rows_known = place->rows;
    if (occasion != AMDVI_ON_TICK) {
        amdvi_pace_forgive(&tui->pace);
    }
    for (size_t i = 0; i < panes && good; i++) {
        if (is_wanted(tui, place, i, occasion)) {
            good = ask_pane(tui, place, i);
        }
    }
}

/* Only what a screen's views understand says whether it is another one */
static struct amdvi_subject subject_of(const struct amdvi_screen *screen,
                                       const struct amdvi_subject *from)
{
    struct amdvi_subject subject;
    unsigned int options = screen->pane[0].view
                           ? screen->pane[0].view->options : 0;

    /* bytes between the members are compared, too */
    memset(&subject, 0, sizeof(subject));
    if (screen->needs_bdf) {
        memcpy(subject.bdf, from->bdf, sizeof(subject.bdf));
    }
    if (options & AMDVI_QUERY_PASID) {
        subject.has_pasid = from->has_pasid;
        subject.pasid = from->pasid;
    }
    if (options & AMDVI_QUERY_PRIV) {
        subject.priv = from->priv;
    }
    if (options & AMDVI_QUERY_ACCESS) {
        subject.write = from->write;
        subject.exec = from->exec;
    }
    if (screen->needs_address) {
        subject.has_address = from->has_address;
        subject.address = from->address;
    }
    if (screen->from_address) {
        subject.from = from->from;
    }
    return subject;
}

static void remember_step(struct amdvi_tui *tui)
{
    if (tui->ntrail == AMDVI_TRAIL) {
        tui->ntrail--;
        memmove(tui->trail, tui->trail + 1,
                tui->ntrail * sizeof(tui->trail[0]));
    }
    tui->trail[tui->ntrail++] = (struct amdvi_way_back){
        .screen = tui->current, .subject = tui->subject,
    };
}

void amdvi_tui_go(struct amdvi_tui *tui, enum amdvi_screen_id screen,
                  const struct amdvi_subject *subject, bool remember)
{
    struct amdvi_place *place = &tui->place[screen];
    struct amdvi_subject wanted;

    if (remember && (screen != tui->current || subject)) {
        remember_step(tui);
    }
    if (subject) {
        tui->subject = *subject;
    } else if (remember) {
        /* who asks for a screen wants all of it */
        tui->subject.from = 0;
    }
    wanted = subject_of(place->screen, &tui->subject);
    set_subject(place, &wanted);
    tui->current = screen;
    tui->refreshes = 0;
    amdvi_tui_ask(tui, place, AMDVI_ON_ENTRY);
    amdvi_place_layout(place);
}

void amdvi_tui_go_back(struct amdvi_tui *tui)
{
    struct amdvi_way_back step;

    if (tui->ntrail > 0) {
        step = tui->trail[--tui->ntrail];
        amdvi_tui_go(tui, step.screen, &step.subject, false);
    }
}

/* The pane whose oldest snapshot is the oldest of those not needed */
static struct amdvi_pane *oldest(struct amdvi_tui *tui, size_t *ret_bytes)
{
    struct amdvi_pane *found = NULL;
    int64_t best = 0;

    *ret_bytes = 0;
    for (size_t i = 0; i < AMDVI_NUM_SCREENS; i++) {
        for (size_t j = 0; j < AMDVI_MAX_PANES; j++) {
            struct amdvi_pane *pane = &tui->place[i].pane[j];
            bool needed = i == tui->current && pane->nkept == 1;

            for (size_t k = 0; k < pane->nkept; k++) {
                *ret_bytes += amdvi_snapshot_bytes(pane->kept[k]);
            }
            if (pane->nkept && !needed &&
                (!found || pane->kept[0]->taken_ms < best)) {
                found = pane;
                best = pane->kept[0]->taken_ms;
            }
        }
    }
    return found;
}

static void keep_within_limit(struct amdvi_tui *tui)
{
    size_t bytes;
    struct amdvi_pane *pane = oldest(tui, &bytes);

    while (pane && bytes > AMDVI_KEPT_BYTES) {
        drop_oldest(pane);
        pane = oldest(tui, &bytes);
    }
}

/* Of a table of devices choose the first one that shares memory */
static void choose_device(struct amdvi_tui *tui,
                          const struct amdvi_snapshot *snapshot)
{
    size_t bdf = amdvi_snapshot_column(snapshot, "bdf");
    size_t gcr3 = amdvi_snapshot_column(snapshot, "gcr3-trp");
    size_t best = 0;

    if (snapshot->nrows == 0 || bdf == snapshot->view->ncolumns ||
        gcr3 == snapshot->view->ncolumns) {
        return;
    }
    while (best < snapshot->nrows &&
           !amdvi_snapshot_cell(snapshot, best, gcr3).known) {
        best++;
    }
    if (best == snapshot->nrows) {
        best = 0;
    }
    snprintf(tui->subject.bdf, sizeof(tui->subject.bdf), "%s",
             amdvi_snapshot_cell(snapshot, best, bdf).text);
}

/* Who has come to a screen about a device meanwhile sees the chosen one */
static void show_device(struct amdvi_tui *tui)
{
    if (amdvi_tui_place(tui)->screen->needs_bdf) {
        amdvi_tui_go(tui, tui->current, NULL, false);
    }
}

/* Then one of them has more rows */
static bool is_same_moment(const struct amdvi_tui *tui,
                           const struct amdvi_snapshot *before,
                           const struct amdvi_snapshot *now)
{
    return tui->is_dump || (before->still && now->still &&
                            before->taken_ms == now->taken_ms);
}

/* What was fetched is new, the rest is known */
static void add_known(const struct amdvi_pane *pane, const char *key,
                      struct amdvi_job *job)
{
    struct amdvi_snapshot *joined, *now = job->snapshot;

    /* a VM that was started again counts anew */
    if (job->from == 0 || pane->nkept == 0 ||
        (now->nrows && amdvi_snapshot_cell(
             now, 0, amdvi_snapshot_column(now, key)).number < job->from)) {
        return;
    }
    joined = amdvi_snapshot_join(pane->kept[pane->nkept - 1], now, job->rows);
    if (joined) {
        job->snapshot = joined;
    }
}

static void keep(struct amdvi_tui *tui, struct amdvi_place *place,
                 struct amdvi_job *job)
{
    struct amdvi_pane *pane = &place->pane[job->pane];
    const char *state = place->screen->pane[job->pane].state;

    add_known(pane, place->screen->pane[job->pane].number, job);
    if (state && !tui->is_dump) {
        amdvi_snapshot_doubt(job->snapshot, pane->nkept
                             ? pane->kept[pane->nkept - 1] : NULL,
                             state, job->stopped);
    }
    if (pane->nkept == AMDVI_KEPT) {
        drop_oldest(pane);
    }
    if (pane->nkept && is_same_moment(tui, pane->kept[pane->nkept - 1],
                                      job->snapshot)) {
        amdvi_snapshot_free(pane->kept[--pane->nkept]);
    }
    job->snapshot->rest_ms = amdvi_pace_ms(job->queries, AMDVI_PACE_PER_S);
    pane->due_ms = amdvi_clock_ms() +
                   amdvi_pace_seldom_ms(job->queries, job->snapshot->took_ms);
    pane->kept[pane->nkept++] = job->snapshot;
    job->snapshot = NULL;
    keep_within_limit(tui);
}

static bool is_broken(const struct amdvi_error *err)
{
    return err->code == AMDVI_EXIT_CONNECTION ||
           err->code == AMDVI_EXIT_TIMEOUT || err->code == AMDVI_EXIT_REPLY;
}

static void lose(struct amdvi_tui *tui, const struct amdvi_error *err)
{
    if (tui->link == AMDVI_LINK_CONNECTING) {
        tui->err = *err;
        tui->leave = true;
    }
    tui->link = AMDVI_LINK_LOST;
    tui->link_err = *err;
    tui->stopped = false;
}

static void find(struct amdvi_tui *tui)
{
    if (tui->link == AMDVI_LINK_LOST) {
        amdvi_tui_say(tui, false, "connected again");
    }
    tui->link = AMDVI_LINK_GOOD;
}

/* Whether the VM is lost is noticed by others */
static void take_slow(struct amdvi_tui *tui, struct amdvi_job *job)
{
    struct amdvi_place *place = &tui->place[job->place];

    place->pane[job->pane].slow = false;
    if (job->generation == place->generation && job->snapshot &&
        !is_broken(&job->err)) {
        keep(tui, place, job);
    }
    amdvi_place_layout(amdvi_tui_place(tui));
}

/* Whether the VM runs, and why not */
static void take_state(struct amdvi_tui *tui, const struct amdvi_job *job)
{
    if (job->pane == 0 && !is_still(tui)) {
        tui->stopped = job->stopped;
    }
    if (job->output) {
        amdvi_tui_say(tui, false, "%s", job->output);
    }
}

void amdvi_tui_look(struct amdvi_tui *tui)
{
    struct amdvi_job *job = is_still(tui) || tui->looking
                            ? NULL : amdvi_job_new(AMDVI_JOB_LOOK);

    if (job) {
        tui->looking = true;
        tui->outstanding++;
        amdvi_worker_give(tui->worker, job);
    }
}

static void take_look(struct amdvi_tui *tui, const struct amdvi_job *job)
{
    tui->looking = false;
    if (job->err.code == AMDVI_EXIT_OK) {
        find(tui);
        take_state(tui, job);
    } else if (is_broken(&job->err)) {
        lose(tui, &job->err);
    }
}

static void take_snapshot(struct amdvi_tui *tui, struct amdvi_job *job)
{
    struct amdvi_place *place = &tui->place[job->place];

    if (!job->snapshot || is_broken(&job->err)) {
        lose(tui, &job->err);
    } else {
        find(tui);
    }
    if (job->generation != place->generation) {
        return;
    }
    place->pending--;
    if (job->snapshot && !is_broken(&job->err)) {
        if (job->place == AMDVI_SCREEN_DEVICES && !*tui->subject.bdf) {
            choose_device(tui, job->snapshot);
            show_device(tui);
        }
        place->back = 0;
        take_state(tui, job);
        keep(tui, place, job);
    }
    if (place == amdvi_tui_place(tui) && place->pending == 0) {
        tui->refreshes++;
        if (place->rows_known < place->rows) {
            amdvi_tui_ask(tui, place, AMDVI_ON_ENTRY);
        }
    }
    /* also when it is about another place: old snapshots were dropped */
    amdvi_place_layout(amdvi_tui_place(tui));
}

static void take_output(struct amdvi_tui *tui, struct amdvi_job *job)
{
    struct amdvi_place *place = &tui->place[AMDVI_SCREEN_OUTPUT];

    if (job->err.code != AMDVI_EXIT_OK) {
        amdvi_tui_say(tui, true, "%s", job->err.message);
    }
    if (!job->output || !*job->output) {
        return;
    }
    free(place->output);
    place->output = job->output;
    job->output = NULL;
    place->cursor = place->top = place->shift = 0;
    amdvi_tui_go(tui, AMDVI_SCREEN_OUTPUT, NULL,
                 tui->current != AMDVI_SCREEN_OUTPUT);
}

/* What screens show belongs to another time now */
static void change_time(struct amdvi_tui *tui)
{
    for (size_t i = 0; i < AMDVI_NUM_SCREENS; i++) {
        forget_answers(&tui->place[i]);
    }
    amdvi_tui_ask(tui, amdvi_tui_place(tui), AMDVI_ON_ENTRY);
}

static void take_done(struct amdvi_tui *tui, const struct amdvi_job *job)
{
    switch (job->kind) {
    case AMDVI_JOB_FREEZE:
    case AMDVI_JOB_THAW:
        tui->frozen = job->kind == AMDVI_JOB_FREEZE;
        change_time(tui);
        break;
    case AMDVI_JOB_STOP:
    case AMDVI_JOB_CONTINUE:
        tui->stopped = job->kind == AMDVI_JOB_STOP;
        break;
    default:
        amdvi_tui_say(tui, false, "%s", job->output ? job->output : "done");
    }
}

void amdvi_tui_answer(struct amdvi_tui *tui, struct amdvi_job *job)
{
    tui->outstanding--;
    if (!job->slow && job->kind == AMDVI_JOB_SHOW) {
        amdvi_pace_spend(&tui->pace, amdvi_clock_ms(), job->queries);
    }
    if (job->slow) {
        take_slow(tui, job);
    } else if (job->kind == AMDVI_JOB_SHOW) {
        take_snapshot(tui, job);
    } else if (job->kind == AMDVI_JOB_LOOK) {
        take_look(tui, job);
    } else if (job->kind == AMDVI_JOB_LINE) {
        take_output(tui, job);
    } else if (job->kind == AMDVI_JOB_COMPLETE) {
        amdvi_prompt_complete(tui, job);
    } else if (job->err.code != AMDVI_EXIT_OK) {
        amdvi_tui_say(tui, true, "%s", job->err.message);
    } else {
        take_done(tui, job);
    }
    amdvi_job_free(job);
}
