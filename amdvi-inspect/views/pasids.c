/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "pasids": the valid entries of a device's GCR3 table.
 */
#include "device.h"

#include <stdlib.h>

enum {
    COLUMN_PASID,
    COLUMN_ADDRESS,
    COLUMN_ENTRY,
    COLUMN_ROOT,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_PASID] = { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    [COLUMN_ADDRESS] = { "entry-address", "Entry at", AMDVI_CELL_ADDR, 0 },
    [COLUMN_ENTRY] = { "entry", "Entry", AMDVI_CELL_HEX, 16 },
    [COLUMN_ROOT] = { "guest-pt-root", "Guest table at", AMDVI_CELL_ADDR, 0 },
};

struct state {
    struct amdvi_device device;
    uint64_t next;              /* PASID to look at */
    uint64_t missing;           /* parts that could not be read */
    uint64_t first_missing;
};

static void add_facts(struct amdvi_run *run, const struct amdvi_device *device)
{
    const uint64_t *dte = device->dte;
    const struct amdvi_cell unknown = { .known = false };
    bool gv = device->has_dte && amdvi_dte_v(dte) && amdvi_dte_gv(dte);

    amdvi_run_fact(run, "bdf", "BDF", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s", device->bdf));
    amdvi_run_fact(run, "mode", "Mode", AMDVI_CELL_TEXT,
                   device->has_dte
                   ? amdvi_cell_text(&run->strings, "%s", amdvi_dte_mode_word(
                                         amdvi_classify_dte(&run->iommu, dte)))
                   : unknown);
    amdvi_run_fact(run, "gcr3-trp", "GCR3TRP", AMDVI_CELL_ADDR,
                   gv ? amdvi_cell_number(amdvi_dte_gcr3_trp(dte)) : unknown);
    amdvi_run_fact(run, "gcr3-levels", "GLX", AMDVI_CELL_DEC,
                   gv ? amdvi_cell_number(amdvi_dte_glx(dte) + 1) : unknown);
    amdvi_run_fact(run, "guest-levels", "Guest levels", AMDVI_CELL_DEC,
                   gv ? amdvi_cell_number(
                            amdvi_dte_guest_paging_mode(dte) + 4) : unknown);
    if (device->has_dte && !gv) {
        amdvi_run_note(run, "%s has no GCR3 table (DTE.GV=0)", device->bdf);
    }
}

static bool open_pasids(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!amdvi_device_open(run, &state->device, err)) {
        return false;
    }
    add_facts(run, &state->device);
    if (!state->device.has_dte || !amdvi_dte_v(state->device.dte)) {
        state->next = UINT32_MAX + 1ull;
    }
    return true;
}

static void add_row(struct amdvi_page *page,
                    const struct amdvi_pasid_probe *probe)
{
    struct amdvi_row *row = amdvi_page_add(page);

    row->cell[COLUMN_PASID] = amdvi_cell_number(probe->first);
    row->cell[COLUMN_ADDRESS] = amdvi_cell_number(probe->spa);
    row->cell[COLUMN_ENTRY] = amdvi_cell_number(probe->entry);
    row->cell[COLUMN_ROOT] =
        amdvi_cell_number(amdvi_gcr3e_addr(&probe->entry));
    row->record = (struct amdvi_record){
        .layout = &amdvi_layouts[AMDVI_LAYOUT_gcr3e], .has_address = true,
        .address = probe->spa, .count = 1, .words = { probe->entry },
    };
}

static void count_missing(struct state *state,
                          const struct amdvi_pasid_probe *probe)
{
    if (probe->reason != AMDVI_REASON_TABLE_UNREADABLE &&
        probe->outcome != AMDVI_OUTCOME_UNKNOWN) {
        return;
    }
    if (state->missing++ == 0) {
        state->first_missing = probe->first;
    }
}

/* The table has at most 2^20 entries, and an absent part is one step */
static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;
    struct amdvi_device *device = &state->device;

    while (state->next <= AMDVI_MAX_PASID && page->count < AMDVI_PAGE_ROWS) {
        struct amdvi_pasid_probe probe;

        amdvi_probe_pasid(&run->iommu, &device->memory->mem, device->dte,
                          device->id, (uint32_t)state->next, &probe);
        if (!amdvi_memory_good(device->memory, err)) {
            return false;
        }
        if (probe.valid) {
            add_row(page, &probe);
        } else {
            count_missing(state, &probe);
        }
        state->next = probe.last + 1ull;
    }
    page->last = state->next > AMDVI_MAX_PASID;
    if (page->last) {
        amdvi_device_note_missing(run, "PASID", state->missing,
                                  state->first_missing);
    }
    return true;
}

static void close_pasids(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_device_close(&state->device);
}

const struct amdvi_view amdvi_view_pasids = {
    .name = "pasids",
    .args = "BDF",
    .help = "PASIDs of a device: valid entries of its GCR3 table",
    .min_args = 1,
    .max_args = 1,
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_VERBOSE,
    .facts_key = "device",
    .rows_key = "pasids",
    .record_key = "gcr3-entry",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = amdvi_device_check,
    .open = open_pasids,
    .fetch = fetch,
    .close = close_pasids,
};
