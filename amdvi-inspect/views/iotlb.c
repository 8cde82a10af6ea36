/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "iotlb": the translations that the IOMMU and the TLBs of devices have
 * cached, and whether the tables in memory still say the same.
 */
#include "cached.h"
#include "device.h"
#include "items.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_CACHE,
    COLUMN_DOMAIN,
    COLUMN_PASID,
    COLUMN_ADDRESS,
    COLUMN_SIZE,
    COLUMN_OUTPUT,
    COLUMN_PERMITS,
    COLUMN_STATE,
    COLUMN_PRIV,
    COLUMN_DEVICE,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_CACHE] = { "cache", "Cache", AMDVI_CELL_TEXT, 0 },
    [COLUMN_DOMAIN] = { "domain-id", "DomainID", AMDVI_CELL_DEC, 0 },
    [COLUMN_PASID] = { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    [COLUMN_ADDRESS] = { "address", "Address", AMDVI_CELL_ADDR, 0 },
    [COLUMN_SIZE] = { "size", "Size", AMDVI_CELL_ADDR, 0 },
    [COLUMN_OUTPUT] = { "output", "Output", AMDVI_CELL_ADDR, 0 },
    [COLUMN_PERMITS] = { "permits", "Permits", AMDVI_CELL_TEXT, 0 },
    [COLUMN_STATE] = { "state", "State", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PRIV] = { "privileged", "Priv", AMDVI_CELL_FLAG, 0 },
    [COLUMN_DEVICE] = { "bdf", "Device", AMDVI_CELL_TEXT, 0 },
};

struct state {
    struct amdvi_items items;   /* first: amdvi_items_close() looks here */
    struct amdvi_judge judge;
};

/* Put all of @more behind @list and let go of it; it is the target's */
static void append(struct json_object *list, struct json_object *more)
{
    for (size_t i = 0; more && i < json_object_array_length(more); i++) {
        json_object_array_add(
            list, json_object_get(json_object_array_get_idx(more, i)));
    }
    json_object_put(more);
}

/* Entries that make all rows that are looked at, and one that says "more" */
static uint64_t entries_wanted(const struct amdvi_query *query)
{
    return query->rows && !query->stale ? query->rows + 1 : UINT64_MAX;
}

/* "query" arguments, when so many entries are there already */
static struct json_object *arguments(const struct amdvi_query *query,
                                     size_t count)
{
    struct json_object *ret = json_object_new_object();
    uint64_t wanted = entries_wanted(query);

    if (query->verify) {
        json_object_object_add(ret, "verify", json_object_new_boolean(true));
    }
    if (wanted < UINT64_MAX) {
        json_object_object_add(ret, "limit",
                               json_object_new_uint64(wanted - count));
    }
    return ret;
}

/* What the engine made of --verify; its judgement has a grace of its own */
static void note_verified(struct amdvi_run *run, struct json_object *list)
{
    size_t watched = 0, pending = 0;

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *state;

        if (amdvi_reply_text(json_object_array_get_idx(list, i), "state",
                             &state)) {
            watched += strcmp(state, "stale") == 0 ||
                       strcmp(state, "unbacked") == 0;
            pending += strcmp(state, "pending") == 0;
        }
    }
    amdvi_run_note(run, "the next hit on each of %zu stale translations will "
                   "be in the trace", watched);
    if (pending) {
        amdvi_run_note(run, "of %zu others it is too early to say: verify "
                       "again", pending);
    }
}

/* Entries of devices behind those of the IOMMU; false: the target failed */
static bool read_caches(struct amdvi_run *run, struct json_object *list,
                        struct amdvi_error *err)
{
    struct json_object *entries = amdvi_target_query(
        run->target, AMDVI_QUERY_ID_IOTLB, arguments(run->query, 0), err);
    bool good = entries != NULL;
    size_t count;

    append(list, entries);
    count = json_object_array_length(list);
    if (good && count < entries_wanted(run->query)) {
        append(list, amdvi_target_query_if_any(
                         run->target, AMDVI_QUERY_ID_DEVICE_TLBS,
                         arguments(run->query, count), &good, err));
    }
    if (good && run->query->verify) {
        note_verified(run, list);
    }
    return good;
}

static bool open_iotlb(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    state->items.list = json_object_new_array();
    if (run->query->verify && !run->target->ops->command) {
        return amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED, "--verify needs a "
                          "running QEMU that records hits");
    }
    /* tables are read after the lists: what was invalidated is gone again */
    return read_caches(run, state->items.list, err) &&
           amdvi_judge_open(run->target, &state->judge, err);
}

static void add_row(struct amdvi_page *page,
                    const struct amdvi_cached *cached,
                    const struct amdvi_judgement *found)
{
    struct amdvi_row *row = amdvi_page_add(page);
    struct amdvi_cell *cell = row->cell;
    char bdf[AMDVI_FIELD_TEXT];

    amdvi_format_bdf(found->device_id, bdf);
    cell[COLUMN_CACHE] = amdvi_cell_text(&page->strings, "%s",
                                         cached->in_device ? bdf : "iommu");
    cell[COLUMN_DOMAIN] = amdvi_cell_number(cached->domain_id);
    cell[COLUMN_PASID] = (struct amdvi_cell){
        .known = cached->pasid != AMDVI_NO_PASID, .number = cached->pasid,
    };
    cell[COLUMN_ADDRESS] = amdvi_cell_number(cached->addr);
    if (cached->page_shift < 64) {
        cell[COLUMN_SIZE] = amdvi_cell_number(1ull << cached->page_shift);
    }
    cell[COLUMN_OUTPUT] = amdvi_cell_number(cached->output);
    cell[COLUMN_PERMITS] = amdvi_perm_cell(&page->strings, cached->perm);
    cell[COLUMN_PRIV] = amdvi_cell_number(cached->priv);
    cell[COLUMN_STATE] = amdvi_cell_text(&page->strings, "%s",
                                         amdvi_cached_word(found->state));
    if (found->has_device) {
        cell[COLUMN_DEVICE] = amdvi_cell_text(&page->strings, "%s", bdf);
    }
    row->record = amdvi_mapping_record(&found->tables);
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;
    struct amdvi_items *items = &state->items;
    size_t count = json_object_array_length(items->list);

    while (items->next < count && page->count < AMDVI_PAGE_ROWS) {
        struct json_object *item = json_object_array_get_idx(items->list,
                                                             items->next++);
        struct amdvi_judgement found;
        struct amdvi_cached cached;

        if (!amdvi_cached_parse(item, &cached)) {
            return amdvi_fail(err, AMDVI_EXIT_REPLY,
                              "a cached translation is not described");
        }
        found = amdvi_judge_entry(&state->judge, &cached);
        if (!amdvi_memory_good(state->judge.memory, err)) {
            return false;
        }
        if (!run->query->stale || found.state == AMDVI_CACHED_STALE ||
            found.state == AMDVI_CACHED_UNBACKED) {
            add_row(page, &cached, &found);
        }
    }
    page->last = items->next == count;
    return true;
}

static void close_iotlb(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_items_close(run);
    amdvi_judge_close(&state->judge);
}

const struct amdvi_view amdvi_view_iotlb = {
    .name = "iotlb",
    .args = "",
    .help = "cached translations, and whether the tables agree",
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_STALE | AMDVI_QUERY_VERIFY |
               AMDVI_QUERY_VERBOSE,
    .rows_key = "entries",
    .record_key = "tables",
    .record_if_verbose = true,
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .open = open_iotlb,
    .fetch = fetch,
    .close = close_iotlb,
};
