/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "status": one screen about the IOMMU.
 *
 * It is asked for often, so what takes time is left to --all: rates, for
 * which one has to wait, and the rules that look at memory.
 */
#include "check.h"
#include "interrupt.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Time between two looks at the counters, in milliseconds */
#define RATE_MS 250

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

/* Counters of all devices together */
static const struct counter {
    const char *key;            /* of query-amd-iommu-stats, and ours */
    const char *title;
    const char *rate_key;
    const char *rate_title;
} counters[] = {
    { "requests", "Requests", "requests-per-s", "Requests/s" },
    { "hits", "Hits", "hits-per-s", "Hits/s" },
    { "faults", "Faults", "faults-per-s", "Faults/s" },
    { "page-requests", "Page requests", "page-requests-per-s",
      "Page requests/s" },
    { "invalidations", "Invalidations", "invalidations-per-s",
      "Invalidations/s" },
};

#define NUM_COUNTERS (sizeof(counters) / sizeof(counters[0]))

struct sample {
    bool known;
    uint64_t time_ns;
    uint64_t count[NUM_COUNTERS];
};

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Sum what is counted; a target that does not count leaves it unknown */
static bool take_sample(struct amdvi_run *run, struct sample *ret,
                        struct amdvi_error *err)
{
    bool good;
    struct json_object *list = amdvi_target_query_if_any(
        run->target, AMDVI_QUERY_ID_STATS, NULL, &good, err);

    *ret = (struct sample){ .known = list != NULL, .time_ns = clock_ns() };
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);

        for (size_t j = 0; j < NUM_COUNTERS; j++) {
            uint64_t count = 0;

            amdvi_reply_number(item, counters[j].key, UINT64_MAX, &count);
            ret->count[j] += count;
        }
    }
    json_object_put(list);
    return good;
}

/* The growth of a counter per second; a reset in between counts as none */
static uint64_t per_second(uint64_t first, uint64_t second, uint64_t ns)
{
    uint64_t more = second > first ? second - first : 0;

    /* what would overflow is no number of requests */
    return more < UINT64_MAX / 1000000000 ? more * 1000000000 / (ns ? ns : 1)
                                          : UINT64_MAX;
}

/* Per second of this machine's clock */
static bool add_rates(struct amdvi_run *run, const struct sample *first,
                      struct amdvi_error *err)
{
    const struct timespec interval = { .tv_nsec = RATE_MS * 1000000L };
    bool live = run->target->ops->pause != NULL;
    struct sample second;

    if (live && first->known) {
        nanosleep(&interval, NULL);
    }
    if (amdvi_interrupt_get()) {
        return amdvi_interrupt_fail(err);
    }
    if (!take_sample(run, &second, err)) {
        return false;
    }
    for (size_t i = 0; i < NUM_COUNTERS; i++) {
        struct amdvi_cell rate = { .known = live && second.known };

        rate.number = per_second(first->count[i], second.count[i],
                                 second.time_ns - first->time_ns);
        amdvi_run_fact(run, counters[i].rate_key, counters[i].rate_title,
                       AMDVI_CELL_DEC, rate);
    }
    return true;
}

static bool add_counters(struct amdvi_run *run, struct amdvi_error *err)
{
    struct sample sample;

    if (!take_sample(run, &sample, err)) {
        return false;
    }
    for (size_t i = 0; i < NUM_COUNTERS; i++) {
        amdvi_run_fact(run, counters[i].key, counters[i].title,
                       AMDVI_CELL_DEC,
                       (struct amdvi_cell){ .known = sample.known,
                                            .number = sample.count[i] });
    }
    return !run->query->all || add_rates(run, &sample, err);
}

static void count_findings(struct amdvi_run *run,
                           const struct amdvi_findings *found)
{
    uint64_t count[] = {
        [AMDVI_SEVERITY_warning] = 0, [AMDVI_SEVERITY_error] = 0,
    };

    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        count[amdvi_rules[i].severity] += found->of_rule[i];
    }
    amdvi_run_fact(run, "errors", "Errors found", AMDVI_CELL_DEC,
                   amdvi_cell_number(count[AMDVI_SEVERITY_error]));
    amdvi_run_fact(run, "warnings", "Warnings found", AMDVI_CELL_DEC,
                   amdvi_cell_number(count[AMDVI_SEVERITY_warning]));
}

/* Rules about memory */
static bool check_all(struct amdvi_check *check, struct amdvi_error *err)
{
    check->memory = amdvi_memory_new(check->target, err);
    return check->memory &&
           amdvi_target_pci(check->target, &check->pci, err) &&
           amdvi_check_run(check, err) &&
           amdvi_memory_good(check->memory, err);
}

/* What breaks rules: of registers, or with --all any */
static bool add_findings(struct amdvi_run *run, struct amdvi_error *err)
{
    struct amdvi_check *check = calloc(1, sizeof(*check));
    bool good = check != NULL ||
                amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");

    if (good) {
        check->target = run->target;
        check->iommu = run->iommu;
        check->grace_ms = AMDVI_CHECK_GRACE_MS;
        check->late_ms = AMDVI_CHECK_LATE_MS;
        good = run->query->all ? check_all(check, err)
                               : amdvi_check_rings(check, err);
    }
    if (good) {
        count_findings(run, &check->found);
    }
    if (check) {
        amdvi_findings_free(&check->found);
        amdvi_pci_list_free(&check->pci);
        free(check->memory);
    }
    free(check);
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
    return add_modes(run, err) && add_counters(run, err) &&
           add_findings(run, err);
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
    .no_words = "regs has the registers",
    .options = AMDVI_QUERY_ALL,
    .facts_key = "iommu",
    .rows_key = "rings",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .open = open_status,
    .fetch = fetch,
};
