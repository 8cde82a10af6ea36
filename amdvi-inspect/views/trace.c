/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "trace": the flight recorder, and with --follow what happens next.
 */
#include "interrupt.h"
#include "items.h"
#include "reply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Records shown unless asked for more */
#define DEFAULT_LIMIT 64
/* How often to ask for more while following */
#define INTERVAL_MS 200
/* Numbers of logs in the detail of an overflow */
#define EVENT_LOG 1

enum {
    COLUMN_NUMBER,
    COLUMN_TIME,
    COLUMN_KIND,
    COLUMN_BDF,
    COLUMN_PASID,
    COLUMN_NAME,
    COLUMN_SET,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_NUMBER] = { "number", "Number", AMDVI_CELL_DEC, 0 },
    [COLUMN_TIME] = { "time-ns", "Time (ns)", AMDVI_CELL_DEC, 0 },
    [COLUMN_KIND] = { "kind", "Kind", AMDVI_CELL_TEXT, 0 },
    [COLUMN_BDF] = { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PASID] = { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    [COLUMN_NAME] = { "name", "What", AMDVI_CELL_TEXT, 0 },
    [COLUMN_SET] = { "set", "Details", AMDVI_CELL_WORDS, 0 },
};

struct state {
    struct amdvi_items items;   /* first: amdvi_items_close() looks here */
    uint64_t next;              /* number of the record that is awaited */
    uint64_t shown;
};

/* The records from state->next on */
static bool load(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = run->state;
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "start",
                           json_object_new_uint64(state->next));
    json_object_put(state->items.list);
    state->items.next = 0;
    state->items.list = amdvi_target_query(run->target, AMDVI_QUERY_ID_TRACE,
                                           arguments, err);
    return state->items.list != NULL;
}

static bool open_trace(struct amdvi_run *run, struct amdvi_error *err)
{
    const struct amdvi_query *query = run->query;
    struct state *state = calloc(1, sizeof(*state));
    uint64_t limit = query->limit ? query->limit : DEFAULT_LIMIT;
    size_t count;

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!load(run, err)) {
        return false;
    }
    count = json_object_array_length(state->items.list);
    if (!query->follow && count > limit && (query->limit || !query->all)) {
        state->items.next = count - limit;
        amdvi_run_note(run, "%zu older records are not shown; see --all and "
                       "--limit", state->items.next);
    }
    return true;
}

/* What the words of a record are; NULL: numbers whose meaning is its kind's */
static const struct amdvi_layout *layout_of(const char *kind,
                                            const uint64_t *words,
                                            uint64_t detail)
{
    if (strcmp(kind, "command") == 0) {
        return amdvi_layout_match(AMDVI_FAMILY_COMMAND, words[0]);
    }
    if (strcmp(kind, "event") == 0 ||
        (strcmp(kind, "overflow") == 0 && detail == EVENT_LOG)) {
        return amdvi_layout_match(AMDVI_FAMILY_EVENT, words[0]);
    }
    if (strcmp(kind, "page-request") == 0 || strcmp(kind, "overflow") == 0) {
        return amdvi_layout_match(AMDVI_FAMILY_PPR, words[0]);
    }
    return NULL;
}

/* "register": offset and value.  A write of half of one is in its place */
static void take_register(struct amdvi_page *page, struct amdvi_row *row,
                          const uint64_t *words)
{
    const struct amdvi_layout *layout =
        words[0] <= UINT32_MAX ? amdvi_register_at((uint32_t)words[0]) : NULL;

    if (layout) {
        row->cell[COLUMN_NAME] = amdvi_cell_text(&page->strings, "%s",
                                                 layout->name);
    }
    row->cell[COLUMN_SET] = amdvi_cell_text(&page->strings,
                                            "offset=0x%" PRIx64
                                            " value=0x%" PRIx64, words[0],
                                            words[1]);
}

/* Kinds whose words are numbers */
static void take_numbers(struct amdvi_page *page, struct amdvi_row *row,
                         const char *kind, const uint64_t *words,
                         uint64_t detail, const char *reason)
{
    struct amdvi_strings *strings = &page->strings;
    struct amdvi_cell *set = &row->cell[COLUMN_SET];

    if (strcmp(kind, "register") == 0) {
        take_register(page, row, words);
    } else if (strcmp(kind, "page-response") == 0) {
        *set = amdvi_cell_text(strings, "PRGIndex=%" PRIu64
                               " response=%" PRIu64 " latency-ns=%" PRIu64,
                               words[0], detail, words[1]);
    } else if (strcmp(kind, "fault") == 0) {
        row->cell[COLUMN_NAME] = amdvi_cell_text(strings, "%s", reason);
        *set = amdvi_cell_text(strings, "Address=0x%" PRIx64
                               " access=%s%s%s", words[0],
                               words[1] & 1 ? "r" : "-",
                               words[1] & 2 ? "w" : "-",
                               words[1] & 4 ? "x" : "-");
    } else if (strcmp(kind, "invalidation") == 0) {
        *set = amdvi_cell_text(strings, "Address=0x%" PRIx64
                               " size=0x%" PRIx64, words[0], words[1]);
    } else {
        *set = amdvi_cell_text(strings, "0x%016" PRIx64 " 0x%016" PRIx64,
                               words[0], words[1]);
    }
}

static void take_entry(struct amdvi_page *page, struct amdvi_row *row,
                       const struct amdvi_layout *layout,
                       const uint64_t *words)
{
    static const char *const skip[] = {
        "opcode", "code", "device_id", "pasid", NULL,
    };

    row->record = (struct amdvi_record){
        .layout = layout, .count = 2, .words = { words[0], words[1] },
    };
    row->cell[COLUMN_NAME] = amdvi_cell_text(&page->strings, "%s",
                                             layout->name);
    row->cell[COLUMN_SET] = amdvi_record_summary(&page->strings,
                                                 &row->record, skip);
}

static bool parse_words(struct json_object *item, uint64_t words[2])
{
    struct json_object *list;

    if (!amdvi_reply_array(item, "words", &list) ||
        json_object_array_length(list) != 2) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        words[i] = json_object_get_uint64(json_object_array_get_idx(list, i));
    }
    return true;
}

static bool add_row(struct amdvi_run *run, struct amdvi_page *page,
                    struct json_object *item, struct amdvi_error *err)
{
    struct state *state = run->state;
    const struct amdvi_layout *layout;
    const char *kind, *reason = "";
    uint64_t words[2], detail = 0, number;
    struct amdvi_row *row;

    if (!amdvi_reply_text(item, "kind", &kind) ||
        !amdvi_reply_number(item, "number", UINT64_MAX - 1, &number) ||
        !parse_words(item, words)) {
        return amdvi_fail(err, AMDVI_EXIT_REPLY,
                          "a record of the trace is not described");
    }
    amdvi_reply_number(item, "detail", UINT32_MAX, &detail);
    amdvi_reply_text(item, "reason", &reason);
    row = amdvi_page_add(page);
    amdvi_item_cells(run->view, page, row, item);
    layout = layout_of(kind, words, detail);
    if (layout) {
        take_entry(page, row, layout, words);
    } else {
        take_numbers(page, row, kind, words, detail, reason);
    }
    state->next = number + 1;
    state->shown++;
    return true;
}

/* Returns false if the user has asked to stop */
static bool pause_following(void)
{
    const struct timespec interval = {
        .tv_nsec = INTERVAL_MS * 1000000L,
    };

    nanosleep(&interval, NULL);
    return !amdvi_interrupt_get();
}

static bool enough(const struct amdvi_run *run)
{
    const struct state *state = run->state;

    return run->query->follow && run->query->limit &&
           state->shown >= run->query->limit;
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;
    struct amdvi_items *items = &state->items;
    size_t count = json_object_array_length(items->list);

    while (items->next < count && page->count < AMDVI_PAGE_ROWS &&
           !enough(run)) {
        if (!add_row(run, page,
                     json_object_array_get_idx(items->list, items->next++),
                     err)) {
            return false;
        }
    }
    page->last = enough(run) ||
                 (items->next == count && !run->query->follow);
    if (items->next == count && !page->last) {
        if (page->count == 0 && !pause_following()) {
            page->last = true;
            return true;
        }
        return load(run, err);
    }
    return true;
}

const struct amdvi_view amdvi_view_trace = {
    .name = "trace",
    .args = "",
    .help = "flight recorder: what happened, and what happens",
    .options = AMDVI_QUERY_ALL | AMDVI_QUERY_FILTER | AMDVI_QUERY_LIMIT |
               AMDVI_QUERY_VERBOSE | AMDVI_QUERY_FOLLOW,
    .rows_key = "records",
    .record_key = "entry",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .open = open_trace,
    .fetch = fetch,
    .close = amdvi_items_close,
};
