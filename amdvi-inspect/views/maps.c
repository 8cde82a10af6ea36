/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "maps": what the tables of a device or PASID map, neighbours joined.
 *
 * Tables are hostile: a page that points to itself maps 2^36 pages.  Rows
 * and steps are bounded unless --all is given, and what follows can be asked
 * for with --from.
 */
#include "device.h"
#include "interrupt.h"

#include <inttypes.h>
#include <stdlib.h>

/* Ranges shown, and steps taken, unless asked for more */
#define DEFAULT_LIMIT 1024
#ifndef AMDVI_MAPS_STEPS
#define AMDVI_MAPS_STEPS (1u << 20)
#endif

enum {
    COLUMN_FIRST,
    COLUMN_LAST,
    COLUMN_OUTPUT,
    COLUMN_BYTES,
    COLUMN_PERM,
    COLUMN_ACCESSED,
    COLUMN_DIRTY,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_FIRST] = { "first", "First", AMDVI_CELL_ADDR, 0 },
    [COLUMN_LAST] = { "last", "Last", AMDVI_CELL_ADDR, 0 },
    [COLUMN_OUTPUT] = { "output", "Output", AMDVI_CELL_ADDR, 0 },
    [COLUMN_BYTES] = { "size", "Size", AMDVI_CELL_ADDR, 0 },
    [COLUMN_PERM] = { "permits", "Permits", AMDVI_CELL_TEXT, 0 },
    [COLUMN_ACCESSED] = { "accessed", "A", AMDVI_CELL_FLAG, 0 },
    [COLUMN_DIRTY] = { "dirty", "D", AMDVI_CELL_FLAG, 0 },
};

struct state {
    struct amdvi_device device;
    struct amdvi_request request;
    bool done;                  /* the end of the address space was seen */
    bool pending;               /* range is not in a row yet */
    struct amdvi_mapping range;
    uint64_t rows_left;
    uint64_t steps_left;
    uint64_t missing;
    uint64_t first_missing;
};

static bool open_maps(struct amdvi_run *run, struct amdvi_error *err)
{
    const struct amdvi_query *query = run->query;
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!amdvi_device_open(run, &state->device, err)) {
        return false;
    }
    state->request = (struct amdvi_request){
        .device_id = state->device.id, .addr = query->from,
        .pasid = query->has_pasid ? query->pasid : AMDVI_NO_PASID,
        .priv = query->priv,
    };
    state->done = !state->device.has_dte;
    state->rows_left = query->limit ? query->limit
                       : query->all ? UINT64_MAX : DEFAULT_LIMIT;
    state->steps_left = query->all ? UINT64_MAX : AMDVI_MAPS_STEPS;
    return true;
}

static void add_row(struct amdvi_page *page, const struct amdvi_mapping *m)
{
    struct amdvi_row *row = amdvi_page_add(page);
    struct amdvi_cell *cell = row->cell;
    uint64_t size = m->last - m->first + 1;

    cell[COLUMN_FIRST] = amdvi_cell_number(m->first);
    cell[COLUMN_LAST] = amdvi_cell_number(m->last);
    cell[COLUMN_OUTPUT] = amdvi_cell_number(m->output);
    if (size) {
        cell[COLUMN_BYTES] = amdvi_cell_number(size);
    }
    cell[COLUMN_PERM] = amdvi_perm_cell(&page->strings, m->perm);
    if (m->page_shift < 64) {
        cell[COLUMN_ACCESSED] = amdvi_cell_number(m->accessed);
        cell[COLUMN_DIRTY] = amdvi_cell_number(m->dirty);
    }
    row->record = amdvi_mapping_record(m);
}

/* A range that is known to its end becomes a row */
static void put_pending(struct state *state, struct amdvi_page *page)
{
    if (state->pending) {
        add_row(page, &state->range);
        state->rows_left--;
    }
    state->pending = false;
}

static void take(struct state *state, struct amdvi_page *page,
                 const struct amdvi_mapping *m)
{
    if (state->pending && amdvi_mapping_join(&state->range, m)) {
        return;
    }
    put_pending(state, page);
    if (m->found) {
        state->range = *m;
        state->pending = true;
    } else if (m->reason == AMDVI_REASON_TABLE_UNREADABLE ||
               m->outcome == AMDVI_OUTCOME_UNKNOWN) {
        if (state->missing++ == 0) {
            state->first_missing = m->first;
        }
    }
}

static bool step(struct amdvi_run *run, struct amdvi_page *page,
                 struct amdvi_error *err)
{
    struct state *state = run->state;
    struct amdvi_device *device = &state->device;
    struct amdvi_mapping m;

    if (amdvi_interrupt_get()) {
        return amdvi_interrupt_fail(err);
    }
    amdvi_probe_mapping(&run->iommu, &device->memory->mem, device->dte,
                        &state->request, &m);
    if (!amdvi_memory_good(device->memory, err)) {
        return false;
    }
    take(state, page, &m);
    state->done = m.last == UINT64_MAX;
    state->request.addr = m.last + 1;
    state->steps_left--;
    return true;
}

static void finish(struct amdvi_run *run, struct amdvi_page *page)
{
    struct state *state = run->state;
    bool more = !state->done && state->device.has_dte;

    if (state->rows_left) {
        put_pending(state, page);
    } else if (state->pending) {
        state->request.addr = state->range.first;
        more = true;
    }
    if (more) {
        amdvi_run_note(run, "not all is shown; go on with --from 0x%" PRIx64,
                       state->request.addr);
    }
    amdvi_device_note_missing(run, "address", state->missing,
                              state->first_missing);
    page->last = true;
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;

    while (!state->done && state->rows_left && state->steps_left) {
        /* one step and the end of all add a row each */
        if (page->count + 2 > AMDVI_PAGE_ROWS) {
            return true;
        }
        if (!step(run, page, err)) {
            return false;
        }
    }
    finish(run, page);
    return true;
}

static void close_maps(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_device_close(&state->device);
}

const struct amdvi_view amdvi_view_maps = {
    .name = "maps",
    .args = "BDF",
    .help = "what the tables of a device or a PASID map",
    .min_args = 1,
    .max_args = 1,
    .options = AMDVI_QUERY_ALL | AMDVI_QUERY_FILTER | AMDVI_QUERY_LIMIT |
               AMDVI_QUERY_PASID | AMDVI_QUERY_PRIV | AMDVI_QUERY_FROM |
               AMDVI_QUERY_VERBOSE,
    .rows_key = "mappings",
    .record_key = "entry",
    .record_if_verbose = true,
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = amdvi_device_check,
    .open = open_maps,
    .fetch = fetch,
    .close = close_maps,
};
