/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "status": one screen about the IOMMU.
 */
#include "pci.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_RING,
    COLUMN_BASE,
    COLUMN_ENTRIES,
    COLUMN_HEAD,
    COLUMN_TAIL,
    COLUMN_PENDING,
    COLUMN_ENABLED,
    COLUMN_RUNNING,
    COLUMN_OVERFLOW,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_RING] = { "ring", "Ring", AMDVI_CELL_TEXT, 0 },
    [COLUMN_BASE] = { "base", "Base", AMDVI_CELL_ADDR, 0 },
    [COLUMN_ENTRIES] = { "entries", "Entries", AMDVI_CELL_DEC, 0 },
    [COLUMN_HEAD] = { "head", "Head", AMDVI_CELL_ADDR, 0 },
    [COLUMN_TAIL] = { "tail", "Tail", AMDVI_CELL_ADDR, 0 },
    [COLUMN_PENDING] = { "pending", "Pending", AMDVI_CELL_DEC, 0 },
    [COLUMN_ENABLED] = { "enabled", "Enabled", AMDVI_CELL_FLAG, 0 },
    [COLUMN_RUNNING] = { "running", "Running", AMDVI_CELL_FLAG, 0 },
    [COLUMN_OVERFLOW] = { "overflow", "Overflow", AMDVI_CELL_FLAG, 0 },
};

static struct amdvi_cell optional_text(struct amdvi_run *run,
                                       const char *text)
{
    return text ? amdvi_cell_text(&run->strings, "%s", text)
                : (struct amdvi_cell){ .known = false };
}

static void add_target(struct amdvi_run *run)
{
    struct amdvi_target_info info;

    amdvi_target_describe(run->target, &info);
    amdvi_run_fact(run, "id", "IOMMU", AMDVI_CELL_TEXT,
                   optional_text(run, info.id));
    amdvi_run_fact(run, "engine", "Engine", AMDVI_CELL_TEXT,
                   optional_text(run, info.engine));
    amdvi_run_fact(run, "options", "Options", AMDVI_CELL_WORDS,
                   optional_text(run, info.options));
    amdvi_run_fact(run, "qemu-version", "QEMU", AMDVI_CELL_TEXT,
                   optional_text(run, info.version));
    amdvi_run_fact(run, "source", "Source", AMDVI_CELL_TEXT,
                   optional_text(run, info.kind));
    amdvi_run_fact(run, "mmio-base", "Registers at", AMDVI_CELL_ADDR,
                   (struct amdvi_cell){ .known = info.mmio_base != 0,
                                        .number = info.mmio_base });
}

/* A register as the words of its fields that are not 0 */
static bool add_register(struct amdvi_run *run, enum amdvi_layout_id reg,
                         const char *key, struct amdvi_error *err)
{
    struct amdvi_record record = {
        .layout = &amdvi_layouts[reg], .count = 1,
    };

    if (!amdvi_target_register(run->target, reg, &record.words[0], err)) {
        return false;
    }
    amdvi_run_fact(run, key, record.layout->name, AMDVI_CELL_WORDS,
                   amdvi_record_summary(&run->strings, &record, NULL));
    return true;
}

/* The word of a field of EFR that counts even when it is 0 */
static struct amdvi_cell efr_word(struct amdvi_run *run, const char *id)
{
    const struct amdvi_field *field =
        amdvi_field_by_id(&amdvi_layouts[AMDVI_LAYOUT_efr], id);
    char text[AMDVI_FIELD_TEXT];

    amdvi_field_format(field,
                       amdvi_field_get(field, &run->iommu.features.efr),
                       text);
    return amdvi_cell_text(&run->strings, "%s", text);
}

static void add_limits(struct amdvi_run *run)
{
    const uint64_t *efr = &run->iommu.features.efr;
    bool guest = amdvi_efr_gt_sup(efr);
    struct amdvi_cell unknown = { .known = false };

    amdvi_run_fact(run, "host-levels", "Host tables up to", AMDVI_CELL_TEXT,
                   efr_word(run, "hats"));
    amdvi_run_fact(run, "guest-levels", "Guest tables up to",
                   AMDVI_CELL_TEXT,
                   guest ? efr_word(run, "gats") : unknown);
    amdvi_run_fact(run, "pasid-bits", "PASID bits", AMDVI_CELL_DEC,
                   guest ? amdvi_cell_number(amdvi_efr_pas_max(efr) + 1)
                         : unknown);
}

static void add_device_table(struct amdvi_run *run)
{
    const uint64_t *base = &run->iommu.devtab[0];

    amdvi_run_fact(run, "device-table", "Device table at", AMDVI_CELL_ADDR,
                   amdvi_cell_number(amdvi_devtab_base_base(base)));
    amdvi_run_fact(run, "device-table-entries", "Device table entries",
                   AMDVI_CELL_DEC,
                   amdvi_cell_number(
                       amdvi_device_table_entries(&run->iommu)));
}

/* "host=3 bypass=1" */
static struct amdvi_cell mode_words(struct amdvi_run *run,
                                    const size_t count[], size_t unreadable)
{
    char text[256] = "";
    size_t n = 0;

    for (int m = AMDVI_DTE_INVALID; m <= AMDVI_DTE_ILLEGAL; m++) {
        if (count[m]) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%zu",
                                  n ? " " : "",
                                  amdvi_dte_mode_word((enum amdvi_dte_mode)m),
                                  count[m]);
        }
    }
    if (unreadable) {
        snprintf(text + n, sizeof(text) - n, "%sno-entry=%zu", n ? " " : "",
                 unreadable);
    }
    return amdvi_cell_text(&run->strings, "%s", text);
}

/* How many functions there are, and what becomes of their requests */
static bool count_modes(struct amdvi_run *run,
                        const struct amdvi_pci_list *pci,
                        struct amdvi_error *err)
{
    struct amdvi_dte_reader reader;
    size_t count[AMDVI_DTE_ILLEGAL + 1] = { 0 }, unreadable = 0;

    if (!amdvi_dte_reader_init(&reader, run->target, err)) {
        return false;
    }
    for (size_t i = 0; i < pci->count; i++) {
        struct amdvi_dte_entry entry;

        if (!amdvi_dte_read(&reader, pci->function[i].device_id, &entry,
                            err)) {
            return false;
        }
        if (entry.readable) {
            count[amdvi_classify_dte(&run->iommu, entry.words)]++;
        } else {
            unreadable++;
        }
    }
    amdvi_run_fact(run, "functions", "PCI functions", AMDVI_CELL_DEC,
                   amdvi_cell_number(pci->count));
    amdvi_run_fact(run, "modes", "Their DTE modes", AMDVI_CELL_WORDS,
                   amdvi_control_iommu_en(&run->iommu.control)
                   ? mode_words(run, count, unreadable)
                   : (struct amdvi_cell){ .known = false });
    return true;
}

static bool add_modes(struct amdvi_run *run, struct amdvi_error *err)
{
    struct amdvi_pci_list pci;
    bool good;

    if (!amdvi_target_pci(run->target, &pci, err)) {
        return false;
    }
    good = count_modes(run, &pci, err);
    amdvi_pci_list_free(&pci);
    return good;
}

static bool open_status(struct amdvi_run *run, struct amdvi_error *err)
{
    add_target(run);
    amdvi_run_fact(run, "enabled", "Enabled", AMDVI_CELL_FLAG,
                   amdvi_cell_number(
                       amdvi_control_iommu_en(&run->iommu.control)));
    if (!add_register(run, AMDVI_LAYOUT_efr, "features", err) ||
        !add_register(run, AMDVI_LAYOUT_efr2, "features2", err)) {
        return false;
    }
    add_limits(run);
    if (!add_register(run, AMDVI_LAYOUT_control, "control", err) ||
        !add_register(run, AMDVI_LAYOUT_status, "status", err)) {
        return false;
    }
    add_device_table(run);
    return add_modes(run, err);
}

static void add_ring(struct amdvi_page *page, const struct amdvi_ring *ring)
{
    struct amdvi_cell *cell = amdvi_page_add(page)->cell;

    cell[COLUMN_RING] = amdvi_cell_text(&page->strings, "%s", ring->id);
    if (!ring->present) {
        return;
    }
    cell[COLUMN_BASE] = amdvi_cell_number(ring->base);
    cell[COLUMN_ENTRIES] = amdvi_cell_number(ring->bytes / AMDVI_RING_ENTRY);
    cell[COLUMN_HEAD] = amdvi_cell_number(ring->head);
    cell[COLUMN_TAIL] = amdvi_cell_number(ring->tail);
    if (ring->sane) {
        cell[COLUMN_PENDING] = amdvi_cell_number(
            amdvi_ring_used(ring->head, ring->tail, ring->bytes));
    }
    cell[COLUMN_ENABLED] = amdvi_cell_number(ring->enabled);
    cell[COLUMN_RUNNING] = amdvi_cell_number(ring->running);
    cell[COLUMN_OVERFLOW] = amdvi_cell_number(ring->overflow);
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    for (int id = 0; id < AMDVI_NUM_RINGS; id++) {
        struct amdvi_ring ring;

        if (!amdvi_target_ring(run->target, (enum amdvi_ring_id)id, &ring,
                               err)) {
            return false;
        }
        add_ring(page, &ring);
    }
    page->last = true;
    return true;
}

const struct amdvi_view amdvi_view_status = {
    .name = "status",
    .args = "",
    .help = "the IOMMU on one screen: features, state, rings",
    .facts_key = "iommu",
    .rows_key = "rings",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .open = open_status,
    .fetch = fetch,
};
