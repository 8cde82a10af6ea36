/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "iotlb": the translations that the IOMMU has cached, and whether the
 * tables in memory still say the same.
 */
#include "cached.h"
#include "device.h"
#include "items.h"

#include <stdlib.h>

enum {
    COLUMN_DOMAIN,
    COLUMN_PASID,
    COLUMN_ADDRESS,
    COLUMN_SIZE,
    COLUMN_OUTPUT,
    COLUMN_PERMITS,
    COLUMN_PRIV,
    COLUMN_STATE,
    COLUMN_DEVICE,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_DOMAIN] = { "domain-id", "DomainID", AMDVI_CELL_DEC, 0 },
    [COLUMN_PASID] = { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    [COLUMN_ADDRESS] = { "address", "Address", AMDVI_CELL_ADDR, 0 },
    [COLUMN_SIZE] = { "size", "Size", AMDVI_CELL_ADDR, 0 },
    [COLUMN_OUTPUT] = { "output", "Output", AMDVI_CELL_ADDR, 0 },
    [COLUMN_PERMITS] = { "permits", "Permits", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PRIV] = { "privileged", "Priv", AMDVI_CELL_FLAG, 0 },
    [COLUMN_STATE] = { "state", "State", AMDVI_CELL_TEXT, 0 },
    [COLUMN_DEVICE] = { "bdf", "Device", AMDVI_CELL_TEXT, 0 },
};

struct state {
    struct amdvi_items items;   /* first: amdvi_items_close() looks here */
    struct amdvi_judge judge;
};

static bool open_iotlb(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    state->items.list = amdvi_target_query(run->target,
                                           AMDVI_QUERY_ID_IOTLB, NULL, err);
    return state->items.list &&
           amdvi_judge_open(run->target, &state->judge, err);
}

static void add_row(struct amdvi_page *page,
                    const struct amdvi_cached *cached,
                    enum amdvi_cached_state cached_state, bool has_device,
                    uint16_t device_id)
{
    struct amdvi_cell *cell = amdvi_page_add(page)->cell;
    char bdf[AMDVI_FIELD_TEXT];

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
                                         amdvi_cached_word(cached_state));
    if (has_device) {
        amdvi_format_bdf(device_id, bdf);
        cell[COLUMN_DEVICE] = amdvi_cell_text(&page->strings, "%s", bdf);
    }
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
        enum amdvi_cached_state cached_state;
        struct amdvi_cached cached;
        uint16_t device_id = 0;
        bool has_device;

        if (!amdvi_cached_parse(item, &cached)) {
            return amdvi_fail(err, AMDVI_EXIT_REPLY,
                              "a cached translation is not described");
        }
        cached_state = amdvi_judge_entry(&state->judge, &cached, &has_device,
                                         &device_id);
        if (!amdvi_memory_good(state->judge.memory, err)) {
            return false;
        }
        if (!run->query->stale || cached_state == AMDVI_CACHED_STALE ||
            cached_state == AMDVI_CACHED_UNBACKED) {
            add_row(page, &cached, cached_state, has_device, device_id);
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
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_STALE,
    .rows_key = "entries",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .open = open_iotlb,
    .fetch = fetch,
    .close = close_iotlb,
};
