/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views "devices" and "device": the device table joined with the PCI
 * functions of the VM.
 */
#include "device.h"
#include "pci.h"
#include "pci-config.h"
#include "text.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    COLUMN_BDF,
    COLUMN_NAME,
    COLUMN_ID,
    COLUMN_DESCRIPTION,
    COLUMN_MODE,
    COLUMN_DOMAIN,
    COLUMN_HOST_LEVELS,
    COLUMN_HOST_ROOT,
    COLUMN_GCR3_LEVELS,
    COLUMN_GCR3_ROOT,
    COLUMN_ATS,
    COLUMN_PPR,
    COLUMN_IV,
    /* each costs QEMU some reads of configuration space */
    COLUMN_PCI_ATS,
    COLUMN_PCI_PRI,
    COLUMN_PCI_PASID,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_BDF] = { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    [COLUMN_NAME] = { "name", "Name", AMDVI_CELL_TEXT, 0 },
    [COLUMN_ID] = { "pci-id", "PCI ID", AMDVI_CELL_TEXT, 0 },
    [COLUMN_DESCRIPTION] = { "description", "Device", AMDVI_CELL_TEXT, 0 },
    [COLUMN_MODE] = { "mode", "Mode", AMDVI_CELL_TEXT, 0 },
    [COLUMN_DOMAIN] = { "domain-id", "DomainID", AMDVI_CELL_DEC, 0 },
    [COLUMN_HOST_LEVELS] = { "host-levels", "Host", AMDVI_CELL_DEC, 0 },
    [COLUMN_HOST_ROOT] = { "host-pt-root", "HostPTRoot", AMDVI_CELL_ADDR, 0 },
    [COLUMN_GCR3_LEVELS] = { "gcr3-levels", "GLX", AMDVI_CELL_DEC, 0 },
    [COLUMN_GCR3_ROOT] = { "gcr3-trp", "GCR3TRP", AMDVI_CELL_ADDR, 0 },
    [COLUMN_ATS] = { "ats", "ATS", AMDVI_CELL_FLAG, 0 },
    [COLUMN_PPR] = { "ppr", "PPR", AMDVI_CELL_FLAG, 0 },
    [COLUMN_IV] = { "iv", "IV", AMDVI_CELL_FLAG, 0 },
    [COLUMN_PCI_ATS] = { "pci-ats", "PCI ATS", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PCI_PRI] = { "pci-pri", "PCI PRI", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PCI_PASID] = { "pci-pasid", "PCI PASID", AMDVI_CELL_TEXT, 0 },
};

/* DTEs that cannot be shown: how many, and of which device the first */
struct missing {
    size_t count;
    char first[AMDVI_FIELD_TEXT];
};

struct state {
    struct amdvi_dte_reader reader;
    struct missing unreadable;
    bool unknown;               /* of these, one is not in the dump */
    struct missing beyond;      /* the end of the table */
    struct amdvi_pci_list pci;
    uint32_t next;              /* DeviceID, or index in pci */
    uint32_t end;
};

/* Count a DTE that cannot be shown; @bdf is of its device */
static void count_missing(struct amdvi_run *run, const char *bdf,
                          const struct amdvi_dte_entry *entry)
{
    struct state *state = run->state;
    struct missing *missing = entry->has_address ? &state->unreadable
                                                 : &state->beyond;

    if (amdvi_control_iommu_en(&run->iommu.control) &&
        missing->count++ == 0) {
        snprintf(missing->first, sizeof(missing->first), "%s", bdf);
    }
    run->incomplete = run->incomplete || entry->has_address;
    state->unknown = state->unknown ||
                     (entry->has_address &&
                      state->reader.kept.status == AMDVI_MEM_UNKNOWN);
}

/* Say at the end what is missing */
static void note_missing(struct amdvi_run *run)
{
    const struct state *state = run->state;

    if (state->unreadable.count) {
        amdvi_run_note(run, "not in %s: device table entries from that "
                       "of %s on (%zu)",
                       state->unknown ? "this dump" : "RAM",
                       state->unreadable.first, state->unreadable.count);
    }
    if (state->beyond.count) {
        amdvi_run_note(run, "beyond the end of the device table: functions "
                       "from %s on (%zu)", state->beyond.first,
                       state->beyond.count);
    }
}

/* The fields that are valid in this DTE; the others stay unknown */
static void fill_dte(struct amdvi_run *run, struct amdvi_page *page,
                     struct amdvi_row *row, const uint64_t *dte)
{
    struct amdvi_cell *cell = row->cell;
    enum amdvi_dte_mode mode = amdvi_classify_dte(&run->iommu, dte);

    cell[COLUMN_MODE] = amdvi_cell_text(&page->strings, "%s",
                                        amdvi_dte_mode_word(mode));
    cell[COLUMN_IV] = amdvi_cell_number(amdvi_dte_iv(dte));
    if (!amdvi_dte_v(dte)) {
        return;
    }
    cell[COLUMN_DOMAIN] = amdvi_cell_number(amdvi_dte_domain_id(dte));
    cell[COLUMN_ATS] = amdvi_cell_number(amdvi_dte_i(dte));
    cell[COLUMN_PPR] = amdvi_cell_number(amdvi_dte_ppr(dte));
    if (!amdvi_dte_tv(dte)) {
        return;
    }
    cell[COLUMN_HOST_LEVELS] = amdvi_cell_number(amdvi_dte_mode(dte));
    cell[COLUMN_HOST_ROOT] = amdvi_cell_number(amdvi_dte_host_pt_root(dte));
    if (amdvi_dte_gv(dte)) {
        cell[COLUMN_GCR3_LEVELS] = amdvi_cell_number(amdvi_dte_glx(dte) + 1);
        cell[COLUMN_GCR3_ROOT] = amdvi_cell_number(amdvi_dte_gcr3_trp(dte));
    }
}

static void fill_pci(struct amdvi_page *page, struct amdvi_row *row,
                     const struct amdvi_pci_function *function)
{
    struct amdvi_strings *strings = &page->strings;

    if (function->name[0]) {
        row->cell[COLUMN_NAME] = amdvi_cell_text(strings, "%s",
                                                 function->name);
    }
    row->cell[COLUMN_ID] = amdvi_cell_text(strings, "%04x:%04x",
                                           function->vendor,
                                           function->device);
    row->cell[COLUMN_DESCRIPTION] =
        amdvi_cell_text(strings, "%s", function->description);
}

/* "absent", "off", "on, 20 bits"; not known if it cannot be read */
static struct amdvi_cell
capability_cell(struct amdvi_strings *strings,
                const struct amdvi_pci_capability *capability)
{
    static const char *const words[] = {
        [AMDVI_PCI_ABSENT] = "absent",
        [AMDVI_PCI_DISABLED] = "off",
        [AMDVI_PCI_ENABLED] = "on",
    };
    const char *word = words[capability->state];

    if (!word) {
        return (struct amdvi_cell) { .known = false };
    }
    return capability->width
           ? amdvi_cell_text(strings, "%s, %u bits", word, capability->width)
           : amdvi_cell_text(strings, "%s", word);
}

/* What the function's configuration space says; false: the target failed */
static bool fill_capabilities(struct amdvi_run *run, struct amdvi_row *row,
                              struct amdvi_strings *strings,
                              uint16_t device_id, struct amdvi_error *err)
{
    static const struct {
        enum amdvi_pci_capability_id id;
        unsigned int column;
    } cells[] = {
        { AMDVI_PCI_ATS, COLUMN_PCI_ATS },
        { AMDVI_PCI_PRI, COLUMN_PCI_PRI },
        { AMDVI_PCI_PASID, COLUMN_PCI_PASID },
    };

    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        struct amdvi_pci_capability capability;

        if (!amdvi_pci_capability(run->target, device_id, cells[i].id,
                                  &capability, err)) {
            return false;
        }
        row->cell[cells[i].column] = capability_cell(strings, &capability);
    }
    return true;
}

/* Returns false if the target failed */
static bool add_row(struct amdvi_run *run, struct amdvi_page *page,
                    const struct amdvi_dte_entry *entry,
                    const struct amdvi_pci_function *function,
                    struct amdvi_error *err)
{
    struct amdvi_row *row = amdvi_page_add(page);
    char bdf[AMDVI_FIELD_TEXT];

    amdvi_format_bdf(entry->device_id, bdf);
    row->cell[COLUMN_BDF] = amdvi_cell_text(&page->strings, "%s", bdf);
    if (function) {
        fill_pci(page, row, function);
    }
    if (function && run->extra &&
        !fill_capabilities(run, row, &page->strings, entry->device_id, err)) {
        return false;
    }
    if (!entry->readable) {
        count_missing(run, bdf, entry);
        return true;
    }
    fill_dte(run, page, row, entry->words);
    row->record.layout = &amdvi_layouts[AMDVI_LAYOUT_dte];
    row->record.has_address = true;
    row->record.address = entry->address;
    row->record.count = 4;
    for (int i = 0; i < 4; i++) {
        row->record.words[i] = entry->words[i];
    }
    return true;
}

/* Functions of the VM */
static bool fetch_present(struct amdvi_run *run, struct amdvi_page *page,
                          struct amdvi_error *err)
{
    struct state *state = run->state;

    while (state->next < state->end && page->count < AMDVI_PAGE_ROWS) {
        const struct amdvi_pci_function *function =
            &state->pci.function[state->next++];
        struct amdvi_dte_entry entry;

        if (!amdvi_dte_read(&state->reader, function->device_id, &entry,
                            err) ||
            !add_row(run, page, &entry, function, err)) {
            return false;
        }
    }
    page->last = state->next == state->end;
    return true;
}

/* Functions of the VM, and every DTE with V or IV set */
static bool fetch_all(struct amdvi_run *run, struct amdvi_page *page,
                      struct amdvi_error *err)
{
    struct state *state = run->state;

    while (state->next < state->end && page->count < AMDVI_PAGE_ROWS) {
        uint16_t device_id = (uint16_t)state->next++;
        const struct amdvi_pci_function *function =
            amdvi_pci_find(&state->pci, device_id);
        struct amdvi_dte_entry entry;

        if (!amdvi_dte_read(&state->reader, device_id, &entry, err)) {
            return false;
        }
        if ((function || amdvi_dte_v(entry.words) ||
             amdvi_dte_iv(entry.words) ||
             (entry.has_address && !entry.readable)) &&
            !add_row(run, page, &entry, function, err)) {
            return false;
        }
    }
    page->last = state->next == state->end;
    return true;
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    bool good = run->query->all ? fetch_all(run, page, err)
                                : fetch_present(run, page, err);

    if (good && page->last) {
        note_missing(run);
    }
    return good;
}

static bool open_state(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!amdvi_control_iommu_en(&run->iommu.control)) {
        amdvi_run_note(run, "IommuEn is 0: the device table is not used, "
                       "every request passes untranslated");
    }
    return amdvi_dte_reader_init(&state->reader, run->target, err) &&
           amdvi_target_pci(run->target, &state->pci, err);
}

static bool open_devices(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state;

    if (!open_state(run, err)) {
        return false;
    }
    state = run->state;
    state->end = run->query->all ? UINT16_MAX + 1u
                                 : (uint32_t)state->pci.count;
    return true;
}

static void close_state(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_pci_list_free(&state->pci);
}

static bool open_device(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state;
    uint16_t device_id = 0;

    if (!open_state(run, err)) {
        return false;
    }
    amdvi_parse_bdf(run->query->args[0], &device_id);
    run->detail = true;
    run->extra = true;
    state = run->state;
    state->next = device_id;
    state->end = device_id + 1u;
    return true;
}

/* One DeviceID, be there a function or not */
static bool fetch_device(struct amdvi_run *run, struct amdvi_page *page,
                         struct amdvi_error *err)
{
    struct state *state = run->state;
    uint16_t device_id = (uint16_t)state->next;
    const struct amdvi_pci_function *function =
        amdvi_pci_find(&state->pci, device_id);
    struct amdvi_dte_entry entry;
    char bdf[AMDVI_FIELD_TEXT];

    amdvi_format_bdf(device_id, bdf);
    if (!amdvi_dte_read(&state->reader, device_id, &entry, err)) {
        return false;
    }
    if (!function && !entry.has_address) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED,
                          "this VM has no PCI function %s", bdf);
    }
    if (!function) {
        amdvi_run_note(run, "this VM has no PCI function %s", bdf);
    }
    if (!add_row(run, page, &entry, function, err)) {
        return false;
    }
    note_missing(run);
    page->last = true;
    return true;
}

const struct amdvi_view amdvi_view_devices = {
    .name = "devices",
    .args = "",
    .help = "PCI functions and their device table entries",
    .options = AMDVI_QUERY_ALL | AMDVI_QUERY_FILTER | AMDVI_QUERY_VERBOSE,
    .rows_key = "devices",
    .record_key = "dte",
    .column = columns,
    .ncolumns = COLUMN_PCI_ATS,
    .nextra = NUM_COLUMNS - COLUMN_PCI_ATS,
    .open = open_devices,
    .fetch = fetch,
    .close = close_state,
};

const struct amdvi_view amdvi_view_device = {
    .name = "device",
    .args = "BDF",
    .help = "one device table entry, field by field",
    .min_args = 1,
    .max_args = 1,
    .options = AMDVI_QUERY_VERBOSE,
    .rows_key = "devices",
    .record_key = "dte",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = amdvi_device_check,
    .open = open_device,
    .fetch = fetch_device,
    .close = close_state,
};
