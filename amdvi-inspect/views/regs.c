/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "regs": the registers.
 */
#include "form.h"
#include "text.h"
#include "view.h"

#include <stdlib.h>
#include <strings.h>

enum {
    COLUMN_OFFSET,
    COLUMN_NAME,
    COLUMN_TITLE,
    COLUMN_VALUE,
    COLUMN_SET,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_OFFSET] = { "offset", "Offset", AMDVI_CELL_HEX, 4 },
    [COLUMN_NAME] = { "name", "Name", AMDVI_CELL_TEXT, 0 },
    [COLUMN_TITLE] = { "title", "Register", AMDVI_CELL_TEXT, 0 },
    [COLUMN_VALUE] = { "value", "Value", AMDVI_CELL_HEX, 16 },
    [COLUMN_SET] = { "set", "Fields that are not 0", AMDVI_CELL_WORDS, 0 },
};

struct state {
    size_t next;
    size_t count;
    enum amdvi_layout_id reg[AMDVI_NUM_REGISTERS];
};

/* By key, by offset, or by the manual's name; AMDVI_NUM_REGISTERS: none */
static enum amdvi_layout_id find_register(const char *name)
{
    uint64_t offset;
    bool number = amdvi_parse_number(name, UINT32_MAX, &offset);
    const struct amdvi_layout *layout =
        number ? amdvi_register_at((uint32_t)offset)
               : amdvi_layout_by_id(name);

    if (layout && layout->family == AMDVI_FAMILY_REGISTER) {
        return (enum amdvi_layout_id)(layout - amdvi_layouts);
    }
    for (int i = 0; !number && i < AMDVI_NUM_REGISTERS; i++) {
        if (strcasecmp(amdvi_layouts[i].name, name) == 0) {
            return (enum amdvi_layout_id)i;
        }
    }
    return AMDVI_NUM_REGISTERS;
}

static bool no_register(const char *name, struct amdvi_error *err)
{
    char key[AMDVI_FIELD_TEXT];

    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        if (amdvi_similar(name, amdvi_key(amdvi_layouts[i].id, key))) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "no register is called "
                              "%s; did you mean %s?", name, key);
        }
    }
    return amdvi_fail(err, AMDVI_EXIT_USAGE, "no register is called %s",
                      name);
}

static void note_missing(struct amdvi_run *run,
                         const struct amdvi_layout *layout)
{
    if (!amdvi_feature(&run->iommu.features, layout->needs)) {
        amdvi_run_note(run, "%s is not implemented: this IOMMU lacks %s",
                       layout->name, amdvi_feature_name(layout->needs));
    }
}

static bool check(const struct amdvi_query *query, struct amdvi_error *err)
{
    for (size_t i = 0; i < query->nargs; i++) {
        if (find_register(query->args[i]) == AMDVI_NUM_REGISTERS) {
            return no_register(query->args[i], err);
        }
    }
    return true;
}

static void choose_named(struct amdvi_run *run, struct state *state)
{
    for (size_t i = 0; i < run->query->nargs; i++) {
        enum amdvi_layout_id reg = find_register(run->query->args[i]);

        state->reg[state->count++] = reg;
        note_missing(run, &amdvi_layouts[reg]);
    }
    run->detail = true;
}

static void choose_implemented(struct amdvi_run *run, struct state *state)
{
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        if (run->query->all ||
            amdvi_feature(&run->iommu.features, amdvi_layouts[i].needs)) {
            state->reg[state->count++] = (enum amdvi_layout_id)i;
        }
    }
}

static bool open_regs(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (run->query->nargs) {
        choose_named(run, state);
    } else {
        choose_implemented(run, state);
    }
    return true;
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;

    while (state->next < state->count && page->count < AMDVI_PAGE_ROWS) {
        enum amdvi_layout_id reg = state->reg[state->next++];
        struct amdvi_row *row = amdvi_page_add(page);
        char key[AMDVI_FIELD_TEXT];

        row->record.layout = &amdvi_layouts[reg];
        row->record.count = 1;
        if (!amdvi_target_register(run->target, reg, &row->record.words[0],
                                   err)) {
            return false;
        }
        amdvi_key(row->record.layout->id, key);
        row->cell[COLUMN_OFFSET] =
            amdvi_cell_number(row->record.layout->offset);
        row->cell[COLUMN_NAME] = amdvi_cell_text(&page->strings, "%s", key);
        row->cell[COLUMN_TITLE] =
            amdvi_cell_text(&page->strings, "%s", row->record.layout->name);
        row->cell[COLUMN_VALUE] = amdvi_cell_number(row->record.words[0]);
        row->cell[COLUMN_SET] = amdvi_record_summary(&page->strings,
                                                     &row->record, NULL);
    }
    page->last = state->next == state->count;
    return true;
}

const struct amdvi_view amdvi_view_regs = {
    .name = "regs",
    .args = "[NAME...]",
    .help = "registers; with names or -v field by field",
    .max_args = AMDVI_NUM_REGISTERS,
    .options = AMDVI_QUERY_ALL | AMDVI_QUERY_FILTER | AMDVI_QUERY_VERBOSE,
    .rows_key = "registers",
    .record_key = "decoded",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = check,
    .open = open_regs,
    .fetch = fetch,
};
