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
/* Parts of the recorder at most: more than any has */
#define MAX_PAGES 65536
/* Numbers of logs in the detail of an overflow */
#define EVENT_LOG 1
/* In the detail of a stale hit: it was in the TLB of the device */
#define STALE_IN_DEVICE 8u

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
    uint64_t end;               /* of the one after the last when it began */
    bool more;                  /* there are some behind those in items */
    unsigned int pages;         /* that were not the last */
    uint64_t shown;
};

static struct json_object *from_number(uint64_t number)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "start",
                           json_object_new_uint64(number));
    return arguments;
}

/* Some records from state->next on.  A whole recorder takes much memory */
static bool load_some(struct amdvi_run *run, struct amdvi_error *err)
{
    static const struct amdvi_query_kind *kind =
        &amdvi_queries[AMDVI_QUERY_ID_TRACE];
    struct state *state = run->state;
    struct json_object *reply = amdvi_target_command(
        run->target, kind->command, from_number(state->next), err);
    uint64_t next;

    if (!reply) {
        return false;
    }
    if (amdvi_reply_array(reply, kind->list, &state->items.list)) {
        json_object_get(state->items.list);
    } else {
        amdvi_reply_invalid(kind->command, "no list in it", err);
        json_object_put(reply);
        return false;
    }
    state->more = amdvi_reply_number(reply, "next", UINT64_MAX, &next) &&
                  next > state->next && state->pages++ < MAX_PAGES;
    if (state->more && json_object_array_length(state->items.list) == 0) {
        state->next = next;
    }
    json_object_put(reply);
    return true;
}

/* The records from state->next on, or some of them */
static bool load(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = run->state;

    json_object_put(state->items.list);
    state->items.list = NULL;
    state->items.next = 0;
    if (run->target->ops->command) {
        return load_some(run, err);
    }
    state->items.list = amdvi_target_query(run->target, AMDVI_QUERY_ID_TRACE,
                                           from_number(state->next), err);
    return state->items.list != NULL;
}

static void note_older(struct amdvi_run *run, uint64_t count)
{
    amdvi_run_note(run, "%" PRIu64 " older records are not shown; see --all "
                   "and --limit", count);
}

/* Of @limit records at the end those from query->from on */
static void choose_first(struct amdvi_run *run, uint64_t oldest,
                         uint64_t limit)
{
    struct state *state = run->state;

    state->next = oldest;
    if (state->end - oldest > limit) {
        state->next = state->end - limit;
        note_older(run, state->next - oldest);
    }
    if (run->query->from > state->next && run->query->from <= state->end) {
        state->next = run->query->from;
    }
}

/*
 * Begin with the first that is wanted, if the target knows which one that
 * is; else with the oldest.
 */
static void find_first(struct amdvi_run *run, uint64_t limit)
{
    struct state *state = run->state;
    uint64_t oldest;

    if (amdvi_target_recorded(run->target, &oldest, &state->end)) {
        choose_first(run, oldest, limit);
    }
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
    state->end = UINT64_MAX;
    if (!query->follow) {
        find_first(run, query->all && !query->limit ? UINT64_MAX : limit);
    }
    if (!load(run, err)) {
        return false;
    }
    count = json_object_array_length(state->items.list);
    if (!query->follow && !run->target->ops->command && count > limit &&
        (query->limit || !query->all)) {
        state->items.next = count - limit;
        note_older(run, state->items.next);
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

/* The rights a request asked for, of AMDVI_PERM_* */
static const char *access_word(uint64_t access)
{
    static const char *const words[] = {
        "---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx",
    };

    return words[access & (AMDVI_PERM_R | AMDVI_PERM_W | AMDVI_PERM_X)];
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
        *set = amdvi_cell_text(strings, "Address=0x%" PRIx64 " access=%s",
                               words[0], access_word(words[1]));
    } else if (strcmp(kind, "stale-hit") == 0) {
        *set = amdvi_cell_text(strings, "Address=0x%" PRIx64
                               " access=%s%s age-ns=%" PRIu64, words[0],
                               access_word(detail),
                               detail & STALE_IN_DEVICE ? " in-device-tlb"
                                                        : "", words[1]);
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

/* Whether there will be more: of a dump there is not */
static bool goes_on(const struct amdvi_run *run)
{
    return run->query->follow && run->target->ops->command;
}

static bool enough(const struct amdvi_run *run)
{
    const struct state *state = run->state;

    return run->query->follow && run->query->limit &&
           state->shown >= run->query->limit;
}

/* Rows of what was loaded, as far as they fit */
static bool add_rows(struct amdvi_run *run, struct amdvi_page *page,
                     struct amdvi_error *err)
{
    struct amdvi_items *items = &((struct state *)run->state)->items;
    size_t count = json_object_array_length(items->list);

    while (items->next < count && page->count < AMDVI_PAGE_ROWS &&
           !enough(run)) {
        if (!add_row(run, page,
                     json_object_array_get_idx(items->list, items->next++),
                     err)) {
            return false;
        }
    }
    return true;
}

static bool is_used_up(const struct amdvi_run *run)
{
    const struct state *state = run->state;

    return state->items.next == json_object_array_length(state->items.list);
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;
    bool good = add_rows(run, page, err);

    while (good && is_used_up(run) && state->more &&
           state->next < state->end && page->count < AMDVI_PAGE_ROWS) {
        good = load(run, err) && add_rows(run, page, err);
    }
    if (!good) {
        return false;
    }
    page->last = enough(run) || state->next >= state->end ||
                 (is_used_up(run) && !state->more && !goes_on(run));
    if (is_used_up(run) && !page->last) {
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
