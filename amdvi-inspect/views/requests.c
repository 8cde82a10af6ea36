/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "requests": page request groups that wait for their response.
 *
 * The words of a group are those of its newest entry in the PPR log, as long
 * as nothing has overwritten that.
 */
#include "items.h"
#include "memory.h"
#include "reply.h"

#include <stdlib.h>

static const struct amdvi_column columns[] = {
    { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    { "prg-index", "PRGIndex", AMDVI_CELL_DEC, 0 },
    { "pages", "Pages", AMDVI_CELL_DEC, 0 },
    { "last", "Complete", AMDVI_CELL_FLAG, 0 },
    { "age-ns", "Age (ns)", AMDVI_CELL_DEC, 0 },
};

struct state {
    struct amdvi_items items;   /* first: amdvi_items_close() looks here */
    struct amdvi_ring log;
    struct amdvi_memory *memory;
};

static bool open_requests(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    state->items.list = amdvi_target_query(run->target,
                                           AMDVI_QUERY_ID_REQUESTS, NULL, err);
    state->memory = amdvi_memory_new(run->target, err);
    return state->items.list && state->memory &&
           amdvi_target_ring(run->target, AMDVI_RING_PPR, &state->log, err);
}

/* Whether the entry is of that group; PASIDs go with GN only */
static bool is_of_group(const uint64_t *words, struct json_object *item)
{
    uint64_t device_id, index, pasid;
    bool has_pasid = amdvi_reply_number(item, "pasid", AMDVI_MAX_PASID,
                                        &pasid);

    return amdvi_reply_number(item, "device-id", UINT16_MAX, &device_id) &&
           amdvi_reply_number(item, "prg-index", UINT16_MAX, &index) &&
           amdvi_layout_match(AMDVI_FAMILY_PPR, words[0]) ==
           &amdvi_layouts[AMDVI_LAYOUT_ppr_entry] &&
           amdvi_ppr_entry_device_id(words) == device_id &&
           amdvi_ppr_entry_prg_index(words) == index &&
           amdvi_ppr_entry_gn(words) == has_pasid &&
           (!has_pasid || amdvi_ppr_entry_pasid(words) == pasid);
}

/* Its newest entry in the log; the ring is at most 512 KiB */
static struct amdvi_record find_record(const struct state *state,
                                       struct json_object *item)
{
    const struct amdvi_ring *log = &state->log;
    struct amdvi_mem *mem = &state->memory->mem;
    struct amdvi_record record = { .has_address = true };
    uint8_t bytes[AMDVI_RING_ENTRY];

    for (uint32_t back = AMDVI_RING_ENTRY;
         log->sane && log->enabled && back <= log->bytes;
         back += AMDVI_RING_ENTRY) {
        record.address = log->base + (log->tail + log->bytes - back) %
                                     log->bytes;
        if (mem->read(mem->opaque, record.address, bytes,
                      sizeof(bytes)) != AMDVI_MEM_OK) {
            break;
        }
        amdvi_load_words(record.words, bytes, AMDVI_RING_ENTRY / 8);
        if (is_of_group(record.words, item)) {
            record.layout = &amdvi_layouts[AMDVI_LAYOUT_ppr_entry];
            record.count = AMDVI_RING_ENTRY / 8;
            break;
        }
    }
    return record;
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
        struct amdvi_row *row = amdvi_page_add(page);

        amdvi_item_cells(run->view, page, row, item);
        row->record = find_record(state, item);
    }
    page->last = items->next == count;
    return amdvi_memory_good(state->memory, err);
}

static void close_requests(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_items_close(run);
    free(state->memory);
}

const struct amdvi_view amdvi_view_requests = {
    .name = "requests",
    .args = "",
    .help = "page requests that wait for a response",
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_VERBOSE,
    .rows_key = "requests",
    .record_key = "entry",
    .column = columns,
    .ncolumns = sizeof(columns) / sizeof(columns[0]),
    .open = open_requests,
    .fetch = fetch,
    .close = close_requests,
};
