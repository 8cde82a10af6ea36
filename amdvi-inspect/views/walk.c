/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "walk": one request, with every entry it meets, and how it ends: the
 * output address, or the event that the IOMMU would log and which bits of
 * which structure are responsible.
 *
 * The walk is libamdvi's and has no side effect: no accessed or dirty bit is
 * set, no event logged.  It reads memory; what the IOTLB, or the TLB of the
 * device, would answer instead is said above the entries.
 */
#include "cached.h"
#include "device.h"
#include "items.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_STAGE,
    COLUMN_LEVEL,
    COLUMN_INPUT,
    COLUMN_ADDRESS,
    COLUMN_GPA,
    COLUMN_ENTRY,
    COLUMN_KIND,
    COLUMN_PERMITS,
    COLUMN_SET,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_STAGE] = { "stage", "Stage", AMDVI_CELL_TEXT, 0 },
    [COLUMN_LEVEL] = { "level", "Level", AMDVI_CELL_DEC, 0 },
    [COLUMN_INPUT] = { "input", "Input", AMDVI_CELL_ADDR, 0 },
    [COLUMN_ADDRESS] = { "address", "Entry at", AMDVI_CELL_ADDR, 0 },
    [COLUMN_GPA] = { "gpa", "GPA", AMDVI_CELL_ADDR, 0 },
    [COLUMN_ENTRY] = { "entry", "Entry", AMDVI_CELL_HEX, 16 },
    [COLUMN_KIND] = { "kind", "Is", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PERMITS] = { "permits", "Permits", AMDVI_CELL_TEXT, 0 },
    [COLUMN_SET] = { "set", "Fields that are not 0", AMDVI_CELL_WORDS, 0 },
};

struct state {
    struct amdvi_memory *memory;
    struct amdvi_request request;
    struct amdvi_result result;
    unsigned int permits;       /* all that the tables do */
    bool has_cached;            /* a cache serves the request: */
    struct amdvi_cached cached;
    enum amdvi_cached_state cached_state;
    struct amdvi_trace trace;
    struct amdvi_step step[AMDVI_MAX_STEPS];
};

static bool check(const struct amdvi_query *query, struct amdvi_error *err)
{
    uint64_t addr;

    return amdvi_device_check(query, err) &&
           (amdvi_parse_number(query->args[1], UINT64_MAX, &addr) ||
            amdvi_fail(err, AMDVI_EXIT_USAGE, "not an address: %s",
                       query->args[1]));
}

static struct amdvi_request make_request(const struct amdvi_query *query)
{
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_DMA,
        .pasid = query->has_pasid ? query->pasid : AMDVI_NO_PASID,
        .read = !query->write, .write = query->write, .exec = query->exec,
        .priv = query->priv,
    };

    amdvi_parse_bdf(query->args[0], &request.device_id);
    amdvi_parse_number(query->args[1], UINT64_MAX, &request.addr);
    return request;
}

/* What an entry by itself permits; of guest entries X, and U as well */
static unsigned int entry_perm(const struct amdvi_step *step, bool priv)
{
    const uint64_t *word = step->word;
    unsigned int perm = 0;

    switch (step->stage) {
    case AMDVI_STAGE_DTE:
        return (unsigned int)(amdvi_dte_ir(word) *
                              (AMDVI_PERM_R | AMDVI_PERM_X) |
                              amdvi_dte_iw(word) * AMDVI_PERM_W);
    case AMDVI_STAGE_GCR3:
        return amdvi_gcr3e_v(word) ? AMDVI_PERM_R | AMDVI_PERM_W |
                                     AMDVI_PERM_X : 0;
    case AMDVI_STAGE_GUEST:
        if (amdvi_gpte_p(word) && (priv || amdvi_gpte_us(word))) {
            perm = (unsigned int)(AMDVI_PERM_R |
                                  amdvi_gpte_rw(word) * AMDVI_PERM_W |
                                  !amdvi_gpte_nx(word) * AMDVI_PERM_X);
        }
        return perm;
    case AMDVI_STAGE_HOST:
        break;
    }
    if (amdvi_hpde_pr(word)) {
        perm = (unsigned int)(amdvi_hpde_ir(word) *
                              (AMDVI_PERM_R | AMDVI_PERM_X) |
                              amdvi_hpde_iw(word) * AMDVI_PERM_W);
    }
    return perm;
}

/*
 * What is permitted up to and with step @index.  A host walk below a guest
 * entry is one of its own: it begins where the input changes.
 */
static unsigned int perm_so_far(const struct state *state, size_t index)
{
    const struct amdvi_step *at = &state->step[index];
    unsigned int perm = AMDVI_PERM_R | AMDVI_PERM_W | AMDVI_PERM_X;

    for (size_t i = 0; i <= index; i++) {
        const struct amdvi_step *step = &state->step[i];
        bool same_walk = step->stage == at->stage && step->input == at->input;

        if (same_walk || (step->stage == AMDVI_STAGE_DTE)) {
            perm &= entry_perm(step, state->request.priv);
        }
    }
    return perm;
}

/* Which field of which kind of entry a reason speaks of */
static const struct blame {
    enum amdvi_reason reason;
    enum amdvi_stage stage;
    const char *field[3];       /* the first that is 0, or all if none is */
} blames[] = {
    { AMDVI_REASON_DTE_INVALID, AMDVI_STAGE_DTE, { "v" } },
    { AMDVI_REASON_DTE_TV, AMDVI_STAGE_DTE, { "tv" } },
    { AMDVI_REASON_NO_GUEST_TABLE, AMDVI_STAGE_DTE, { "gv" } },
    { AMDVI_REASON_PASID_RANGE, AMDVI_STAGE_DTE, { "glx" } },
    { AMDVI_REASON_DTE_PERMISSION, AMDVI_STAGE_DTE, { "ir", "iw" } },
    { AMDVI_REASON_ADDRESS_RANGE, AMDVI_STAGE_DTE, { "mode" } },
    { AMDVI_REASON_NOT_CANONICAL, AMDVI_STAGE_DTE, { "guest_paging_mode" } },
    { AMDVI_REASON_GCR3_INVALID, AMDVI_STAGE_GCR3, { "v" } },
    { AMDVI_REASON_GUEST_NOT_PRESENT, AMDVI_STAGE_GUEST, { "p" } },
    { AMDVI_REASON_GUEST_PERMISSION, AMDVI_STAGE_GUEST, { "us", "rw", "nx" } },
    { AMDVI_REASON_HOST_NOT_PRESENT, AMDVI_STAGE_HOST, { "pr" } },
    { AMDVI_REASON_HOST_LEVEL, AMDVI_STAGE_HOST, { "next_level" } },
    { AMDVI_REASON_HOST_SKIPPED, AMDVI_STAGE_HOST, { "next_level" } },
    { AMDVI_REASON_HOST_PERMISSION, AMDVI_STAGE_HOST, { "ir", "iw" } },
};

static const struct blame *find_blame(enum amdvi_reason reason)
{
    for (size_t i = 0; i < sizeof(blames) / sizeof(blames[0]); i++) {
        if (blames[i].reason == reason) {
            return &blames[i];
        }
    }
    return NULL;
}

/* Whether the value of a field refuses what the request asks for */
static bool refuses(const struct amdvi_request *request, const char *id,
                    uint64_t value)
{
    if (strcmp(id, "nx") == 0) {
        return request->exec && value;
    }
    if (strcmp(id, "rw") == 0 || strcmp(id, "iw") == 0) {
        return request->write && !value;
    }
    if (strcmp(id, "ir") == 0) {
        return (request->read || request->exec) && !value;
    }
    return strcmp(id, "us") != 0 || (!request->priv && !value);
}

/* "U/S=0 in the guest PDE at 0x23456000 (level 4)", or unknown */
static struct amdvi_cell blame_step(struct amdvi_run *run,
                                    const struct blame *blame,
                                    const struct amdvi_step *step)
{
    const struct state *state = run->state;
    char text[AMDVI_FIELD_TEXT];

    for (int i = 0; i < 3 && blame->field[i]; i++) {
        const struct amdvi_field *field =
            amdvi_field_by_id(step->layout, blame->field[i]);
        uint64_t value = field ? amdvi_field_get(field, step->word) : 0;

        if (field && refuses(&state->request, blame->field[i], value)) {
            amdvi_field_format(field, value, text);
            return amdvi_cell_text(&run->strings, "%s=%s in the %s at 0x%"
                                   PRIx64, field->name, text,
                                   step->layout->name, step->spa);
        }
    }
    return (struct amdvi_cell){ .known = false };
}

/* Reserved bits of the entry that was read last, if that is the reason */
static struct amdvi_cell blame_reserved(struct amdvi_run *run,
                                        const struct amdvi_step *step)
{
    uint64_t bad[AMDVI_MAX_WORDS];
    unsigned int width = run->iommu.pa_bits;

    amdvi_reserved_bits(step->layout, &run->iommu.features, step->word, bad);
    if (step->stage == AMDVI_STAGE_GUEST && width && width < 52) {
        bad[0] |= amdvi_gpte_addr(step->word) >> width << width;
    }
    for (unsigned int i = 0; i < amdvi_layout_words(step->layout); i++) {
        if (bad[i]) {
            return amdvi_cell_text(&run->strings, "bits 0x%" PRIx64
                                   " of word %u of the %s at 0x%" PRIx64,
                                   bad[i], i, step->layout->name, step->spa);
        }
    }
    return (struct amdvi_cell){ .known = false };
}

/* The first entry that alone explains the end of the walk */
static struct amdvi_cell responsible(struct amdvi_run *run)
{
    const struct state *state = run->state;
    enum amdvi_reason reason = state->result.reason;
    const struct blame *blame = find_blame(reason);
    struct amdvi_cell cell = { .known = false };
    bool reserved = reason == AMDVI_REASON_DTE_RESERVED ||
                    reason == AMDVI_REASON_GUEST_RESERVED ||
                    reason == AMDVI_REASON_HOST_RESERVED;
    bool last_only = blame && (reason == AMDVI_REASON_HOST_LEVEL ||
                               reason == AMDVI_REASON_HOST_SKIPPED ||
                               reason == AMDVI_REASON_GUEST_NOT_PRESENT ||
                               reason == AMDVI_REASON_HOST_NOT_PRESENT ||
                               reason == AMDVI_REASON_GCR3_INVALID);

    for (size_t i = 0; i < state->trace.count && !cell.known; i++) {
        const struct amdvi_step *step = &state->step[i];
        bool last = i + 1 == state->trace.count;

        if (reserved && last) {
            cell = blame_reserved(run, step);
        } else if (blame && step->stage == blame->stage &&
                   (last || !last_only)) {
            cell = blame_step(run, blame, step);
        }
    }
    return cell;
}

static void add_request(struct amdvi_run *run)
{
    const struct state *state = run->state;
    const struct amdvi_request *r = &state->request;
    char bdf[AMDVI_FIELD_TEXT];

    amdvi_run_fact(run, "bdf", "BDF", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s",
                                   amdvi_format_bdf(r->device_id, bdf)));
    amdvi_run_fact(run, "pasid", "PASID", AMDVI_CELL_DEC,
                   (struct amdvi_cell){ .known = run->query->has_pasid,
                                        .number = r->pasid });
    amdvi_run_fact(run, "input", "Address", AMDVI_CELL_ADDR,
                   amdvi_cell_number(r->addr));
    amdvi_run_fact(run, "access", "Access", AMDVI_CELL_WORDS,
                   amdvi_cell_text(&run->strings, "%s%s%s",
                                   r->write ? "write" : "read",
                                   r->exec ? " execute" : "",
                                   r->priv ? " privileged" : ""));
}

static void add_outcome(struct amdvi_run *run)
{
    const struct state *state = run->state;
    const struct amdvi_result *result = &state->result;
    bool passes = result->outcome == AMDVI_OUTCOME_TRANSLATED ||
                  result->outcome == AMDVI_OUTCOME_FORWARDED;
    struct amdvi_cell unknown = { .known = false };

    amdvi_run_fact(run, "outcome", "Outcome", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s",
                                   amdvi_outcome_word(result->outcome)));
    amdvi_run_fact(run, "output", "Output", AMDVI_CELL_ADDR,
                   passes ? amdvi_cell_number(result->addr) : unknown);
    amdvi_run_fact(run, "page-bits", "Page bits", AMDVI_CELL_DEC,
                   passes ? amdvi_cell_number(result->page_shift) : unknown);
    amdvi_run_fact(run, "permits", "Permits", AMDVI_CELL_TEXT,
                   passes ? amdvi_perm_cell(&run->strings, state->permits)
                          : unknown);
    amdvi_run_fact(run, "domain-id", "DomainID", AMDVI_CELL_DEC,
                   state->trace.count
                   ? amdvi_cell_number(result->domain_id) : unknown);
    amdvi_run_fact(run, "reason", "Reason", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s",
                                   amdvi_reason_word(result->reason)));
    amdvi_run_fact(run, "meaning", "Which means", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s",
                                   amdvi_reason_text(result->reason)));
    amdvi_run_fact(run, "responsible", "Because of", AMDVI_CELL_TEXT,
                   responsible(run));
}

static void add_cached(struct amdvi_run *run)
{
    const struct state *state = run->state;
    const struct amdvi_cached *cached = &state->cached;
    struct amdvi_cell unknown = { .known = false };
    uint64_t offset = state->request.addr - cached->addr;

    amdvi_run_fact(run, "cached-output", "Cached output", AMDVI_CELL_ADDR,
                   state->has_cached
                   ? amdvi_cell_number(cached->output + offset) : unknown);
    amdvi_run_fact(run, "cached-permits", "Cached permits", AMDVI_CELL_TEXT,
                   state->has_cached
                   ? amdvi_perm_cell(&run->strings, cached->perm) : unknown);
    amdvi_run_fact(run, "cached-in", "Cached in", AMDVI_CELL_TEXT,
                   state->has_cached
                   ? amdvi_cell_text(&run->strings, "%s", cached->in_device
                                     ? "device TLB" : "IOTLB")
                   : unknown);
    amdvi_run_fact(run, "cached-state", "Cached entry is", AMDVI_CELL_TEXT,
                   state->has_cached
                   ? amdvi_cell_text(&run->strings, "%s",
                                     amdvi_cached_word(state->cached_state))
                   : unknown);
}

/* What the walk lacks is not the guest's fault, and has an own exit code */
static void judge(struct amdvi_run *run)
{
    const struct state *state = run->state;
    bool disagrees = state->has_cached &&
                     (state->cached_state == AMDVI_CACHED_STALE ||
                      state->cached_state == AMDVI_CACHED_UNBACKED);

    if (state->result.outcome == AMDVI_OUTCOME_UNKNOWN) {
        amdvi_fail(&run->verdict, AMDVI_EXIT_NOT_IN_DUMP, "%s",
                   amdvi_reason_text(state->result.reason));
    }
    if (state->result.first_only && state->result.has_event) {
        amdvi_run_note(run, "only the first such event is logged (DTE.SE=1)");
    }
    if (disagrees && state->cached.in_device) {
        amdvi_run_note(run, "the TLB of the device does not agree with the "
                       "tables: INVALIDATE_IOTLB_PAGES is missing");
    } else if (disagrees) {
        amdvi_run_note(run, "the IOTLB does not agree with the tables and "
                       "would serve the request: invalidate the entry "
                       "(DomainID %d)", state->cached.domain_id);
    }
}

/* Remember the entry if it serves the request and no other is worse */
static void take_cached(struct state *state, struct json_object *item,
                        const struct amdvi_judge *judge)
{
    const uint64_t *dte = judge->device->dte;
    enum amdvi_cached_state entry_state;
    struct amdvi_cached cached;

    if (!amdvi_cached_parse(item, &cached) ||
        !amdvi_cached_serves(&cached, &state->request, dte)) {
        return;
    }
    entry_state = amdvi_judge_entry(judge, &cached).state;
    if (!state->has_cached || entry_state > state->cached_state) {
        state->has_cached = true;
        state->cached = cached;
        state->cached_state = entry_state;
    }
}

/* Ask one cache; a target that does not know is no failure */
static bool look_into(struct amdvi_run *run, struct state *state,
                      enum amdvi_query_id id, struct json_object *arguments,
                      const struct amdvi_judge *judge,
                      struct amdvi_error *err)
{
    bool good;
    struct json_object *list = amdvi_target_query_if_any(
        run->target, id, arguments, &good, err);

    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        take_cached(state, json_object_array_get_idx(list, i), judge);
    }
    json_object_put(list);
    return good;
}

/* Ask for what is cached of the request */
static bool look_up(struct amdvi_run *run, struct state *state,
                    struct amdvi_error *err)
{
    const struct amdvi_step *dte = &state->step[0];
    struct amdvi_judge_device device = {
        .device_id = state->request.device_id,
    };
    struct amdvi_judge judge = {
        .iommu = run->iommu, .memory = state->memory, .device = &device,
        .count = 1,
    };

    if (state->trace.count == 0 || !amdvi_dte_v(dte->word)) {
        return true;
    }
    memcpy(device.dte, dte->word, sizeof(device.dte));
    return look_into(run, state, AMDVI_QUERY_ID_IOTLB, NULL, &judge, err) &&
           look_into(run, state, AMDVI_QUERY_ID_DEVICE_TLBS,
                     amdvi_items_device(run->query->args[0]), &judge, err);
}

/* The request, and a probe that is granted whatever is permitted */
static void translate(struct amdvi_run *run, struct state *state)
{
    struct amdvi_request probe = state->request;
    struct amdvi_result result;

    probe.read = probe.write = probe.exec = false;
    amdvi_translate(&run->iommu, &state->memory->mem, &probe, NULL, &result);
    state->permits = result.perm;
    state->trace.step = state->step;
    state->trace.capacity = AMDVI_MAX_STEPS;
    amdvi_translate(&run->iommu, &state->memory->mem, &state->request,
                    &state->trace, &state->result);
}

static bool open_walk(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    state->memory = amdvi_memory_new(run->target, err);
    if (!state->memory) {
        return false;
    }
    state->request = make_request(run->query);
    translate(run, state);
    if (!amdvi_memory_good(state->memory, err) ||
        !look_up(run, state, err) ||
        !amdvi_memory_good(state->memory, err)) {
        return false;
    }
    add_request(run);
    add_outcome(run);
    add_cached(run);
    judge(run);
    return true;
}

static void add_step(const struct state *state, struct amdvi_page *page,
                     size_t index)
{
    static const char *const stages[] = {
        [AMDVI_STAGE_DTE] = "DTE", [AMDVI_STAGE_GCR3] = "GCR3",
        [AMDVI_STAGE_GUEST] = "guest", [AMDVI_STAGE_HOST] = "host",
    };
    const struct amdvi_step *step = &state->step[index];
    struct amdvi_row *row = amdvi_page_add(page);
    bool dte = step->stage == AMDVI_STAGE_DTE;

    row->record = (struct amdvi_record){
        .layout = step->layout, .has_address = true, .address = step->spa,
        .count = dte ? 4 : 1,
    };
    memcpy(row->record.words, step->word, sizeof(row->record.words));
    row->cell[COLUMN_STAGE] = amdvi_cell_text(&page->strings, "%s",
                                              stages[step->stage]);
    if (!dte) {
        row->cell[COLUMN_LEVEL] = amdvi_cell_number(step->level);
    }
    row->cell[COLUMN_INPUT] = amdvi_cell_number(step->input);
    row->cell[COLUMN_ADDRESS] = amdvi_cell_number(step->spa);
    if (step->gpa != step->spa) {
        row->cell[COLUMN_GPA] = amdvi_cell_number(step->gpa);
    }
    row->cell[COLUMN_ENTRY] = amdvi_cell_number(step->word[0]);
    row->cell[COLUMN_KIND] = amdvi_cell_text(&page->strings, "%s",
                                             step->layout->name);
    row->cell[COLUMN_PERMITS] = amdvi_perm_cell(&page->strings,
                                                perm_so_far(state, index));
    row->cell[COLUMN_SET] = amdvi_record_summary(&page->strings,
                                                 &row->record, NULL);
}

/* The record that the IOMMU would log, as the last row */
static void add_event(const struct state *state, struct amdvi_page *page)
{
    const struct amdvi_result *result = &state->result;
    struct amdvi_row *row = amdvi_page_add(page);

    row->record = (struct amdvi_record){
        .layout = amdvi_layout_match(AMDVI_FAMILY_EVENT, result->event[0]),
        .count = 2, .words = { result->event[0], result->event[1] },
    };
    row->cell[COLUMN_STAGE] = amdvi_cell_text(&page->strings, "event");
    row->cell[COLUMN_ENTRY] = amdvi_cell_number(result->event[0]);
    if (row->record.layout) {
        row->cell[COLUMN_KIND] = amdvi_cell_text(&page->strings, "%s",
                                                 row->record.layout->name);
    }
    row->cell[COLUMN_SET] = amdvi_record_summary(&page->strings,
                                                 &row->record, NULL);
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    const struct state *state = run->state;

    (void)err;
    for (size_t i = 0; i < state->trace.count; i++) {
        add_step(state, page, i);
    }
    if (state->result.has_event) {
        add_event(state, page);
    }
    page->last = true;
    return true;
}

static void close_walk(struct amdvi_run *run)
{
    struct state *state = run->state;

    free(state->memory);
}

const struct amdvi_view amdvi_view_walk = {
    .name = "walk",
    .args = "BDF ADDRESS",
    .help = "each entry that a request meets, and how it ends",
    .min_args = 2,
    .max_args = 2,
    .options = AMDVI_QUERY_VERBOSE | AMDVI_QUERY_PASID | AMDVI_QUERY_PRIV |
               AMDVI_QUERY_ACCESS,
    .facts_key = "request",
    .rows_key = "steps",
    .record_key = "record",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = check,
    .open = open_walk,
    .fetch = fetch,
    .close = close_walk,
};
