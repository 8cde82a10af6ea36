/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "irt": the interrupt remapping table of a device.
 */
#include "device.h"

#include <inttypes.h>
#include <stdlib.h>

/* log2 of the entries of the longest table: structures.md 1 */
#define MAX_INT_TAB_LEN 11

enum {
    COLUMN_INDEX,
    COLUMN_ENABLED,
    COLUMN_TYPE,
    COLUMN_VECTOR,
    COLUMN_DEST,
    COLUMN_MODE,
    COLUMN_SET,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_INDEX] = { "index", "Index", AMDVI_CELL_DEC, 0 },
    [COLUMN_ENABLED] = { "enabled", "RemapEn", AMDVI_CELL_FLAG, 0 },
    [COLUMN_TYPE] = { "int-type", "IntType", AMDVI_CELL_TEXT, 0 },
    [COLUMN_VECTOR] = { "vector", "Vector", AMDVI_CELL_HEX, 2 },
    [COLUMN_DEST] = { "destination", "Destination", AMDVI_CELL_HEX, 8 },
    [COLUMN_MODE] = { "destination-mode", "DM", AMDVI_CELL_TEXT, 0 },
    [COLUMN_SET] = { "set", "Other fields that are not 0", AMDVI_CELL_WORDS,
                     0 },
};

struct state {
    struct amdvi_device device;
    uint32_t next;
    uint32_t count;             /* of entries */
    uint32_t size;              /* of an entry in bytes: 4 or 16 */
    uint64_t missing;
    uint64_t first_missing;
};

static void add_facts(struct amdvi_run *run, const struct state *state)
{
    const uint64_t *dte = state->device.dte;
    bool known = state->device.has_dte;
    const struct amdvi_field *int_ctl =
        amdvi_field_by_id(&amdvi_layouts[AMDVI_LAYOUT_dte], "int_ctl");
    char text[AMDVI_FIELD_TEXT];
    struct amdvi_cell word;

    amdvi_field_format(int_ctl, amdvi_dte_int_ctl(dte), text);
    word = amdvi_cell_text(&run->strings, "%s", text);
    word.known = word.known && known;
    amdvi_run_fact(run, "bdf", "BDF", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s", state->device.bdf));
    amdvi_run_fact(run, "iv", "IV", AMDVI_CELL_FLAG,
                   (struct amdvi_cell){ known, amdvi_dte_iv(dte), NULL });
    amdvi_run_fact(run, "int-ctl", "IntCtl", AMDVI_CELL_TEXT, word);
    amdvi_run_fact(run, "int-tab-root", "IntTabRoot", AMDVI_CELL_ADDR,
                   (struct amdvi_cell){ known, amdvi_dte_int_tab_root(dte),
                                        NULL });
    amdvi_run_fact(run, "entries", "Entries", AMDVI_CELL_DEC,
                   amdvi_cell_number(state->count));
    amdvi_run_fact(run, "entry-bytes", "Bytes of an entry", AMDVI_CELL_DEC,
                   amdvi_cell_number(state->size));
}

/* How many entries there are, and why there are none */
static void measure(struct amdvi_run *run, struct state *state)
{
    const uint64_t *dte = state->device.dte;

    state->size = amdvi_control_ga_en(&run->iommu.control) ? 16 : 4;
    if (!state->device.has_dte) {
        return;
    }
    if (!amdvi_dte_iv(dte)) {
        amdvi_run_note(run, "%s", amdvi_reason_text(AMDVI_REASON_IV_CLEAR));
    } else if (amdvi_dte_int_ctl(dte) != AMDVI_int_ctl_remap) {
        amdvi_run_note(run, "no interrupt is remapped (DTE.IntCtl)");
    } else if (amdvi_dte_int_tab_len(dte) > MAX_INT_TAB_LEN) {
        amdvi_run_note(run, "%s",
                       amdvi_reason_text(AMDVI_REASON_INT_TABLE_LENGTH));
    } else {
        state->count = 1u << amdvi_dte_int_tab_len(dte);
    }
}

static bool open_irt(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!amdvi_device_open(run, &state->device, err)) {
        return false;
    }
    measure(run, state);
    add_facts(run, state);
    return true;
}

/* The word of a field, if this format has it */
static struct amdvi_cell field_cell(struct amdvi_page *page,
                                    const struct amdvi_record *record,
                                    const char *id)
{
    const struct amdvi_field *field = amdvi_field_by_id(record->layout, id);
    char text[AMDVI_FIELD_TEXT];

    if (!field) {
        return (struct amdvi_cell){ .known = false };
    }
    amdvi_field_format(field, amdvi_field_get(field, record->words), text);
    return amdvi_cell_text(&page->strings, "%s", text);
}

/* Numbers of fields that every format has */
static struct amdvi_cell number_cell(const struct amdvi_record *record,
                                     const char *id)
{
    const struct amdvi_field *field = amdvi_field_by_id(record->layout, id);

    return amdvi_cell_number(amdvi_field_get(field, record->words));
}

static void add_row(struct amdvi_page *page, uint32_t index,
                    const struct amdvi_record *record)
{
    static const char *const skip[] = {
        "remap_en", "int_type", "vector", "dest", "dm", NULL,
    };
    struct amdvi_row *row = amdvi_page_add(page);

    row->record = *record;
    row->cell[COLUMN_INDEX] = amdvi_cell_number(index);
    row->cell[COLUMN_ENABLED] = number_cell(record, "remap_en");
    row->cell[COLUMN_TYPE] = field_cell(page, record, "int_type");
    row->cell[COLUMN_VECTOR] = number_cell(record, "vector");
    row->cell[COLUMN_DEST] = number_cell(record, "dest");
    row->cell[COLUMN_MODE] = field_cell(page, record, "dm");
    row->cell[COLUMN_SET] = amdvi_record_summary(&page->strings, record,
                                                 skip);
}

/* Entry number @index; false: it could not be read */
static bool read_entry(struct state *state, uint32_t index,
                       struct amdvi_record *record)
{
    struct amdvi_mem *mem = &state->device.memory->mem;
    uint8_t bytes[16] = { 0 };

    *record = (struct amdvi_record){
        .has_address = true, .count = state->size == 16 ? 2 : 1,
        .address = amdvi_dte_int_tab_root(state->device.dte) +
                   (uint64_t)index * state->size,
    };
    if (mem->read(mem->opaque, record->address, bytes, state->size) !=
        AMDVI_MEM_OK) {
        return false;
    }
    amdvi_load_words(record->words, bytes, 2);
    record->layout = amdvi_layout_match(state->size == 16
                                        ? AMDVI_FAMILY_IRTE128
                                        : AMDVI_FAMILY_IRTE32,
                                        record->words[0]);
    return true;
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;

    while (state->next < state->count && page->count < AMDVI_PAGE_ROWS) {
        uint32_t index = state->next++;
        struct amdvi_record record;

        if (!read_entry(state, index, &record)) {
            if (!amdvi_memory_good(state->device.memory, err)) {
                return false;
            }
            state->first_missing = state->missing++ ? state->first_missing
                                                    : index;
        } else if (run->query->all || record.words[0] || record.words[1]) {
            add_row(page, index, &record);
        }
    }
    page->last = state->next == state->count;
    if (page->last) {
        amdvi_device_note_missing(run, "index", state->missing,
                                  state->first_missing);
    }
    return true;
}

static void close_irt(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_device_close(&state->device);
}

const struct amdvi_view amdvi_view_irt = {
    .name = "irt",
    .args = "BDF",
    .help = "interrupt remapping table of a device",
    .min_args = 1,
    .max_args = 1,
    .options = AMDVI_QUERY_ALL | AMDVI_QUERY_FILTER | AMDVI_QUERY_VERBOSE,
    .facts_key = "table",
    .rows_key = "entries",
    .record_key = "irte",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = amdvi_device_check,
    .open = open_irt,
    .fetch = fetch,
    .close = close_irt,
};
