/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "diff": what differs between two targets, field by field.
 *
 * Registers, device table entries, PASIDs and what each address space maps.
 * A target is a dump file, or the QMP socket of a QEMU.
 */
#include "device.h"
#include "dump.h"
#include "interrupt.h"
#include "pci.h"
#include "target-qmp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A QMP command may take this long */
#define TIMEOUT_MS 10000
/* Differences kept, and ranges of one address space compared, at most */
#define MAX_CHANGES 4096
#define MAX_RANGES 4096
#define MAX_STEPS 65536
/* "0x" and 16 digits for each word, and what is between them */
#define WORDS_TEXT (AMDVI_MAX_WORDS * 19)

enum {
    COLUMN_PLACE,
    COLUMN_FIELD,
    COLUMN_BEFORE,
    COLUMN_AFTER,
    COLUMN_OLD_WORDS,
    COLUMN_NEW_WORDS,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_PLACE] = { "place", "Place", AMDVI_CELL_TEXT, 0 },
    [COLUMN_FIELD] = { "field", "Field", AMDVI_CELL_TEXT, 0 },
    [COLUMN_BEFORE] = { "before", "Before", AMDVI_CELL_TEXT, 0 },
    [COLUMN_AFTER] = { "after", "After", AMDVI_CELL_TEXT, 0 },
    [COLUMN_OLD_WORDS] = { "words-before", "Words before",
                           AMDVI_CELL_WORDS, 0 },
    [COLUMN_NEW_WORDS] = { "words-after", "Words after",
                           AMDVI_CELL_WORDS, 0 },
};

/* NULL: there was, or is, none */
struct change {
    const char *place;
    const char *field;
    const char *before;
    const char *after;
    const char *words[2];       /* those that hold it, on either side */
};

/* One of the two */
struct side {
    struct amdvi_target *target;
    struct amdvi_memory *memory;
    struct amdvi_iommu iommu;
    struct amdvi_pci_list pci;
};

/* What one address space maps, up to the limits */
struct ranges {
    struct amdvi_mapping range[MAX_RANGES];
    size_t count;
    bool all;
};

struct state {
    struct side side[2];
    struct ranges ranges[2];
    struct change change[MAX_CHANGES];
    size_t count;
    size_t next;
    bool cut;                   /* more changes than are kept */
    bool partial;               /* an address space was too large */
    struct amdvi_strings strings;
};

/* @words: of both sides, or NULL where there are none */
static void add(struct state *state, const char *place, const char *field,
                const char *before, const char *after,
                const char *const words[2])
{
    struct change *change = &state->change[state->count];
    struct amdvi_strings *strings = &state->strings;

    if (state->count == MAX_CHANGES) {
        state->cut = true;
        return;
    }
    change->place = amdvi_strings_add(strings, "%s", place);
    change->field = amdvi_strings_add(strings, "%s", field);
    change->before = before ? amdvi_strings_add(strings, "%s", before) : NULL;
    change->after = after ? amdvi_strings_add(strings, "%s", after) : NULL;
    for (int s = 0; s < 2; s++) {
        change->words[s] = words && words[s]
                           ? amdvi_strings_add(strings, "%s", words[s]) : NULL;
    }
    state->count += change->place && change->field;
}

/* "0x... 0x..." */
static void format_words(const uint64_t *words, unsigned int count,
                         char text[WORDS_TEXT])
{
    size_t n = 0;

    text[0] = '\0';
    for (unsigned int i = 0; i < count && n < WORDS_TEXT; i++) {
        n += (size_t)snprintf(text + n, WORDS_TEXT - n, "%s0x%016" PRIx64,
                              i ? " " : "", words[i]);
    }
}

/* Fields that differ; of bits without a name, the words */
static void diff_words(struct state *state, const char *place,
                       const struct amdvi_layout *layout,
                       const uint64_t *before, const uint64_t *after)
{
    char old[AMDVI_FIELD_TEXT], new[AMDVI_FIELD_TEXT];
    char old_words[WORDS_TEXT], new_words[WORDS_TEXT];
    const char *const words[2] = { old_words, new_words };
    bool found = false;

    format_words(before, amdvi_layout_words(layout), old_words);
    format_words(after, amdvi_layout_words(layout), new_words);
    for (int i = 0; i < layout->nfields; i++) {
        const struct amdvi_field *field = &layout->field[i];
        uint64_t a = amdvi_field_get(field, before);
        uint64_t b = amdvi_field_get(field, after);

        if (amdvi_field_named(field) && a != b) {
            add(state, place, field->name, amdvi_field_format(field, a, old),
                amdvi_field_format(field, b, new), words);
            found = true;
        }
    }
    for (unsigned int i = 0; !found && i < amdvi_layout_words(layout); i++) {
        if (before[i] != after[i]) {
            snprintf(old, sizeof(old), "0x%016" PRIx64, before[i]);
            snprintf(new, sizeof(new), "0x%016" PRIx64, after[i]);
            add(state, place, "reserved bits", old, new, words);
        }
    }
}

static bool diff_registers(struct state *state, struct amdvi_error *err)
{
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        uint64_t value[2];
        char key[AMDVI_FIELD_TEXT];

        for (int s = 0; s < 2; s++) {
            if (!amdvi_target_register(state->side[s].target,
                                       (enum amdvi_layout_id)i, &value[s],
                                       err)) {
                return false;
            }
        }
        diff_words(state, amdvi_key(amdvi_layouts[i].id, key),
                   &amdvi_layouts[i], &value[0], &value[1]);
    }
    return true;
}

/* The DTE of a device, which may not be there; false: the target failed */
static bool fetch_dte(struct side *side, uint16_t device_id, uint64_t dte[4],
                      bool *ret_has, struct amdvi_error *err)
{
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_DMA, .device_id = device_id,
        .pasid = AMDVI_NO_PASID,
    };
    struct amdvi_result result;

    memset(dte, 0, 4 * sizeof(dte[0]));
    *ret_has = amdvi_fetch_dte(&side->iommu, &side->memory->mem, &request,
                               dte, NULL, &result);
    return amdvi_memory_good(side->memory, err);
}

/* All that an address space maps, joined */
static bool collect(struct side *side, const uint64_t *dte,
                    uint16_t device_id, uint32_t pasid,
                    struct ranges *ranges, struct amdvi_error *err)
{
    struct amdvi_request request = { .device_id = device_id, .pasid = pasid };
    struct amdvi_mapping m;
    unsigned int steps = 0;

    ranges->count = 0;
    ranges->all = true;
    do {
        if (steps++ == MAX_STEPS || ranges->count == MAX_RANGES) {
            ranges->all = false;
            return true;
        }
        amdvi_probe_mapping(&side->iommu, &side->memory->mem, dte, &request,
                            &m);
        if (!amdvi_memory_good(side->memory, err)) {
            return false;
        }
        if (amdvi_interrupt_get()) {
            return amdvi_interrupt_fail(err);
        }
        /* A and D are the hardware's business */
        m.accessed = m.dirty = false;
        if (m.found &&
            (!ranges->count ||
             !amdvi_mapping_join(&ranges->range[ranges->count - 1], &m))) {
            ranges->range[ranges->count++] = m;
        }
        request.addr = m.last + 1;
    } while (request.addr);
    return true;
}

/* "0x89ab000 rw-" */
static void format_range(const struct amdvi_mapping *m, char text[64])
{
    snprintf(text, 64, "0x%" PRIx64 " %c%c%c", m->output,
             m->perm & AMDVI_PERM_R ? 'r' : '-',
             m->perm & AMDVI_PERM_W ? 'w' : '-',
             m->perm & AMDVI_PERM_X ? 'x' : '-');
}

static bool same_range(const struct amdvi_mapping *a,
                       const struct amdvi_mapping *b)
{
    return a->first == b->first && a->last == b->last &&
           a->output == b->output && a->perm == b->perm;
}

static void add_range(struct state *state, const char *place,
                      const struct amdvi_mapping *a,
                      const struct amdvi_mapping *b)
{
    char old[64] = "", new[64] = "", field[64] = "";
    char text[2][WORDS_TEXT];
    const char *words[2] = { NULL, NULL };

    for (int i = 0; i < 2; i++) {
        const struct amdvi_mapping *m = i ? a : b;

        if (m) {
            snprintf(field, sizeof(field), "0x%" PRIx64 "-0x%" PRIx64,
                     m->first, m->last);
            format_range(m, i ? old : new);
        }
        if (m && m->layout) {
            format_words(&m->entry, 1, text[!i]);
            words[!i] = text[!i];
        }
    }
    add(state, place, field, a ? old : NULL, b ? new : NULL, words);
}

/* Both lists ascend: what is in one only, or in both with other values */
static void diff_ranges(struct state *state, const char *place)
{
    const struct ranges *a = &state->ranges[0], *b = &state->ranges[1];
    size_t i = 0, j = 0;

    state->partial = state->partial || !a->all || !b->all;
    while (i < a->count || j < b->count) {
        const struct amdvi_mapping *ma = i < a->count ? &a->range[i] : NULL;
        const struct amdvi_mapping *mb = j < b->count ? &b->range[j] : NULL;
        bool together = ma && mb && ma->first == mb->first &&
                        ma->last == mb->last;

        if (together) {
            if (!same_range(ma, mb)) {
                add_range(state, place, ma, mb);
            }
            i++;
            j++;
        } else if (ma && (!mb || ma->first <= mb->first)) {
            add_range(state, place, ma, NULL);
            i++;
        } else {
            add_range(state, place, NULL, mb);
            j++;
        }
    }
}

static bool diff_space(struct state *state, uint16_t device_id,
                       uint32_t pasid, uint64_t dte[2][4],
                       struct amdvi_error *err)
{
    char bdf[AMDVI_FIELD_TEXT], place[64];

    for (int s = 0; s < 2; s++) {
        if (!collect(&state->side[s], dte[s], device_id, pasid,
                     &state->ranges[s], err)) {
            return false;
        }
    }
    amdvi_format_bdf(device_id, bdf);
    if (pasid == AMDVI_NO_PASID) {
        snprintf(place, sizeof(place), "%s maps", bdf);
    } else {
        snprintf(place, sizeof(place), "%s PASID %" PRIu32 " maps", bdf,
                 pasid);
    }
    diff_ranges(state, place);
    return true;
}

static bool probe(struct side *side, const uint64_t *dte, uint16_t device_id,
                  uint32_t pasid, struct amdvi_pasid_probe *ret,
                  struct amdvi_error *err)
{
    amdvi_probe_pasid(&side->iommu, &side->memory->mem, dte, device_id, pasid,
                      ret);
    return amdvi_memory_good(side->memory, err);
}

/* The entry of one PASID, and what it maps */
static bool diff_pasid(struct state *state, uint16_t device_id,
                       uint32_t pasid, uint64_t dte[2][4],
                       const struct amdvi_pasid_probe p[2],
                       struct amdvi_error *err)
{
    char bdf[AMDVI_FIELD_TEXT], place[64], old[32], new[32];
    char text[2][WORDS_TEXT];
    const char *words[2] = { NULL, NULL };

    if (!p[0].valid && !p[1].valid) {
        return true;
    }
    amdvi_format_bdf(device_id, bdf);
    snprintf(place, sizeof(place), "%s PASID %" PRIu32, bdf, pasid);
    snprintf(old, sizeof(old), "0x%" PRIx64,
             amdvi_gcr3e_addr(&p[0].entry));
    snprintf(new, sizeof(new), "0x%" PRIx64,
             amdvi_gcr3e_addr(&p[1].entry));
    for (int s = 0; s < 2; s++) {
        if (p[s].valid) {
            format_words(&p[s].entry, 1, text[s]);
            words[s] = text[s];
        }
    }
    if (p[0].valid != p[1].valid || strcmp(old, new) != 0) {
        add(state, place, "guest table", p[0].valid ? old : NULL,
            p[1].valid ? new : NULL, words);
    }
    return diff_space(state, device_id, pasid, dte, err);
}

static bool diff_pasids(struct state *state, uint16_t device_id,
                        uint64_t dte[2][4], struct amdvi_error *err)
{
    struct amdvi_pasid_probe p[2];
    uint64_t next = 0;

    while (next <= AMDVI_MAX_PASID) {
        uint32_t pasid = (uint32_t)next;

        if (!probe(&state->side[0], dte[0], device_id, pasid, &p[0], err) ||
            !probe(&state->side[1], dte[1], device_id, pasid, &p[1], err) ||
            !diff_pasid(state, device_id, pasid, dte, p, err)) {
            return false;
        }
        next = (p[0].last < p[1].last ? p[0].last : p[1].last) + 1ull;
    }
    return true;
}

static bool diff_device(struct state *state, uint16_t device_id,
                        struct amdvi_error *err)
{
    uint64_t dte[2][4];
    bool has[2];
    char bdf[AMDVI_FIELD_TEXT];

    for (int s = 0; s < 2; s++) {
        if (!fetch_dte(&state->side[s], device_id, dte[s], &has[s], err)) {
            return false;
        }
    }
    amdvi_format_bdf(device_id, bdf);
    diff_words(state, bdf, &amdvi_layouts[AMDVI_LAYOUT_dte], dte[0], dte[1]);
    return (!has[0] && !has[1]) ||
           (diff_space(state, device_id, AMDVI_NO_PASID, dte, err) &&
            diff_pasids(state, device_id, dte, err));
}

/* Functions of either side */
static bool diff_devices(struct state *state, struct amdvi_error *err)
{
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        const struct amdvi_pci_function *a =
            amdvi_pci_find(&state->side[0].pci, (uint16_t)id);
        const struct amdvi_pci_function *b =
            amdvi_pci_find(&state->side[1].pci, (uint16_t)id);
        char bdf[AMDVI_FIELD_TEXT];

        if (!a && !b) {
            continue;
        }
        amdvi_format_bdf((uint16_t)id, bdf);
        if (!a || !b) {
            add(state, bdf, "PCI function", a ? a->description : NULL,
                b ? b->description : NULL, NULL);
        }
        if (!diff_device(state, (uint16_t)id, err)) {
            return false;
        }
    }
    return true;
}

static bool open_side(const char *name, struct side *side,
                      struct amdvi_error *err)
{
    static const struct amdvi_qmp_manner manner = {
        .timeout_ms = TIMEOUT_MS, .readonly = true,
    };
    struct stat st;
    bool file = stat(name, &st) == 0 && S_ISREG(st.st_mode);

    side->target = file ? amdvi_target_open_dump(name, err)
                        : amdvi_target_open_qmp(name, NULL, &manner, err);
    if (!side->target) {
        return false;
    }
    side->memory = amdvi_memory_new(side->target, err);
    return side->memory &&
           amdvi_target_iommu(side->target, &side->iommu, err) &&
           amdvi_target_pci(side->target, &side->pci, err);
}

static void judge(struct amdvi_run *run, const struct state *state)
{
    amdvi_run_fact(run, "differences", "Differences", AMDVI_CELL_DEC,
                   amdvi_cell_number(state->count));
    if (state->cut) {
        amdvi_run_note(run, "the first %d differences are shown",
                       MAX_CHANGES);
    }
    if (state->partial) {
        amdvi_run_note(run, "some address spaces are large: not all of what "
                       "they map was compared");
    }
    if (state->count) {
        amdvi_fail(&run->verdict, AMDVI_EXIT_FAILED, "they differ");
    }
}

static bool open_diff(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    for (int s = 0; s < 2; s++) {
        if (!open_side(run->query->args[s], &state->side[s], err)) {
            return false;
        }
    }
    if (!diff_registers(state, err) || !diff_devices(state, err)) {
        return false;
    }
    judge(run, state);
    return true;
}

static struct amdvi_cell text_cell(struct amdvi_page *page, const char *text)
{
    return text ? amdvi_cell_text(&page->strings, "%s", text)
                : (struct amdvi_cell){ .known = false };
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;

    (void)err;
    while (state->next < state->count && page->count < AMDVI_PAGE_ROWS) {
        const struct change *change = &state->change[state->next++];
        struct amdvi_cell *cell = amdvi_page_add(page)->cell;

        cell[COLUMN_PLACE] = text_cell(page, change->place);
        cell[COLUMN_FIELD] = text_cell(page, change->field);
        cell[COLUMN_BEFORE] = text_cell(page, change->before);
        cell[COLUMN_AFTER] = text_cell(page, change->after);
        cell[COLUMN_OLD_WORDS] = text_cell(page, change->words[0]);
        cell[COLUMN_NEW_WORDS] = text_cell(page, change->words[1]);
    }
    page->last = state->next == state->count;
    return true;
}

static void close_diff(struct amdvi_run *run)
{
    struct state *state = run->state;

    for (int s = 0; s < 2; s++) {
        amdvi_pci_list_free(&state->side[s].pci);
        free(state->side[s].memory);
        amdvi_target_close(state->side[s].target);
    }
    amdvi_strings_free(&state->strings);
}

const struct amdvi_view amdvi_view_diff = {
    .name = "diff",
    .args = "FILE FILE",
    .help = "what differs between two dumps (or QMP sockets)",
    .min_args = 2,
    .max_args = 2,
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_VERBOSE,
    .targetless = true,
    .facts_key = "summary",
    .rows_key = "changes",
    .column = columns,
    .ncolumns = COLUMN_OLD_WORDS,
    .nextra = NUM_COLUMNS - COLUMN_OLD_WORDS,
    .open = open_diff,
    .fetch = fetch,
    .close = close_diff,
};
