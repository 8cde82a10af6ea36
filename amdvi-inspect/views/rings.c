/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views "commands", "events" and "ppr": the rings, decoded.
 *
 * Entries from head up to tail are not consumed yet; those before head are
 * history as long as nobody overwrites them (Linux zeroes log entries after
 * reading).  The whole ring is read when the view opens, so that all rows
 * belong to one moment as far as the guest lets them.
 */
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Entries shown unless asked for more */
#define DEFAULT_LIMIT 64
#define PAGE_SIZE 4096u
/* The longest ring: length code 15 */
#define MAX_BYTES (32768u * AMDVI_RING_ENTRY)

enum {
    COLUMN_OFFSET,
    COLUMN_STATE,
    COLUMN_NAME,
    COLUMN_DEVICE,
    COLUMN_FIELDS,
    COLUMN_MEANING,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_OFFSET] = { "offset", "Offset", AMDVI_CELL_HEX, 5 },
    [COLUMN_STATE] = { "state", "State", AMDVI_CELL_TEXT, 0 },
    [COLUMN_NAME] = { "name", "Entry", AMDVI_CELL_TEXT, 0 },
    [COLUMN_DEVICE] = { "device", "Device", AMDVI_CELL_TEXT, 0 },
    [COLUMN_FIELDS] = { "set", "Fields that are not 0", AMDVI_CELL_WORDS, 0 },
    [COLUMN_MEANING] = { "meaning", "Which means", AMDVI_CELL_TEXT, 0 },
};

struct state {
    struct amdvi_ring ring;
    uint32_t entries;           /* that the ring holds */
    uint32_t next;              /* how many slots are done, oldest first */
    uint32_t skip;              /* entries still to be left out */
    bool readable[MAX_BYTES / PAGE_SIZE];
    uint8_t bytes[MAX_BYTES];
};

/* Slot number @n counted from the oldest entry, which tail points to */
static uint32_t slot_offset(const struct state *state, uint32_t n)
{
    uint32_t start = state->ring.sane ? state->ring.tail : 0;

    return (start + n * AMDVI_RING_ENTRY) % state->ring.bytes;
}

static bool slot_readable(const struct state *state, uint32_t offset)
{
    return state->readable[offset / PAGE_SIZE];
}

static bool slot_pending(const struct state *state, uint32_t offset)
{
    const struct amdvi_ring *ring = &state->ring;

    return ring->sane &&
           amdvi_ring_used(ring->head, offset, ring->bytes) <
           amdvi_ring_used(ring->head, ring->tail, ring->bytes);
}

static bool slot_empty(const struct state *state, uint32_t offset)
{
    static const uint8_t zero[AMDVI_RING_ENTRY];

    return memcmp(state->bytes + offset, zero, sizeof(zero)) == 0;
}

/* Pending entries always; others if they hold something */
static bool slot_shown(const struct amdvi_run *run, uint32_t offset)
{
    const struct state *state = run->state;

    return slot_readable(state, offset) &&
           (run->query->all || slot_pending(state, offset) ||
            !slot_empty(state, offset));
}

static bool read_ring(struct amdvi_run *run, struct state *state,
                      struct amdvi_error *err)
{
    uint32_t missing = 0;
    bool unknown = false;

    for (uint32_t at = 0; at < state->ring.bytes; at += PAGE_SIZE) {
        enum amdvi_mem_status status;

        if (!amdvi_target_read(run->target, state->ring.base + at,
                               state->bytes + at, PAGE_SIZE, &status, err)) {
            return false;
        }
        state->readable[at / PAGE_SIZE] = status == AMDVI_MEM_OK;
        missing += status != AMDVI_MEM_OK;
        unknown = unknown || status == AMDVI_MEM_UNKNOWN;
    }
    if (missing) {
        run->incomplete = true;
        amdvi_run_note(run, "%" PRIu32 " of %" PRIu32 " pages of the %s at "
                       "0x%" PRIx64 " are not in %s", missing,
                       state->ring.bytes / PAGE_SIZE, state->ring.name,
                       state->ring.base, unknown ? "this dump" : "RAM");
    }
    return true;
}

/*
 * The ring moves while it is read.  Pending are entries that were there before
 * and that nobody has consumed since, with the head as it is now; slots that
 * were filled meanwhile may show anything, and are left for the next time.
 */
static bool settle(struct amdvi_run *run, enum amdvi_ring_id id,
                   struct state *state, struct amdvi_error *err)
{
    struct amdvi_ring *ring = &state->ring, now;
    uint32_t pending, consumed;

    amdvi_target_refresh(run->target);
    if (!amdvi_target_ring(run->target, id, &now, err)) {
        return false;
    }
    if (!ring->sane || !now.sane || now.base != ring->base ||
        now.bytes != ring->bytes) {
        return true;
    }
    pending = amdvi_ring_used(ring->head, ring->tail, ring->bytes);
    consumed = amdvi_ring_used(ring->head, now.head, ring->bytes);
    ring->head = consumed < pending ? now.head : ring->tail;
    state->next = amdvi_ring_used(ring->tail, now.tail, ring->bytes);
    return true;
}

static void add_facts(struct amdvi_run *run, const struct amdvi_ring *ring)
{
    amdvi_run_fact(run, "base", "Base", AMDVI_CELL_ADDR,
                   amdvi_cell_number(ring->base));
    amdvi_run_fact(run, "entries", "Entries", AMDVI_CELL_DEC,
                   amdvi_cell_number(ring->bytes / AMDVI_RING_ENTRY));
    amdvi_run_fact(run, "head", "Head", AMDVI_CELL_ADDR,
                   amdvi_cell_number(ring->head));
    amdvi_run_fact(run, "tail", "Tail", AMDVI_CELL_ADDR,
                   amdvi_cell_number(ring->tail));
    amdvi_run_fact(run, "pending", "Pending", AMDVI_CELL_DEC,
                   ring->sane
                   ? amdvi_cell_number(amdvi_ring_used(ring->head, ring->tail,
                                                       ring->bytes))
                   : (struct amdvi_cell){ .known = false });
    amdvi_run_fact(run, "enabled", "Enabled", AMDVI_CELL_FLAG,
                   amdvi_cell_number(ring->enabled));
    amdvi_run_fact(run, "running", "Running", AMDVI_CELL_FLAG,
                   amdvi_cell_number(ring->running));
    amdvi_run_fact(run, "overflow", "Overflow", AMDVI_CELL_FLAG,
                   amdvi_cell_number(ring->overflow));
}

/* Leave out the oldest entries beyond the limit */
static void apply_limit(struct amdvi_run *run, struct state *state)
{
    uint64_t limit = run->query->limit ? run->query->limit : DEFAULT_LIMIT;
    uint32_t shown = 0;

    for (uint32_t i = state->next; i < state->entries; i++) {
        shown += slot_shown(run, slot_offset(state, i));
    }
    if ((run->query->limit || !run->query->all) && shown > limit) {
        state->skip = shown - (uint32_t)limit;
        amdvi_run_note(run, "%" PRIu32 " older entries are not shown; "
                       "see --all and --limit", state->skip);
    }
}

/* A ring that was never set up points to memory that is no ring */
static bool has_ring(struct amdvi_run *run, const struct amdvi_ring *ring)
{
    if (!ring->present) {
        amdvi_run_note(run, "this IOMMU has no %s", ring->name);
        return false;
    }
    if (ring->bytes == 0) {
        amdvi_run_note(run, "the %s has a reserved length code", ring->name);
        return false;
    }
    if (!ring->enabled && ring->base == 0) {
        amdvi_run_note(run, "the %s is not set up", ring->name);
        return false;
    }
    if (!ring->sane) {
        amdvi_run_note(run, "head or tail lies outside the %s", ring->name);
    }
    return true;
}

static bool open_ring(struct amdvi_run *run, enum amdvi_ring_id id,
                      struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!amdvi_target_ring(run->target, id, &state->ring, err)) {
        return false;
    }
    if (!has_ring(run, &state->ring)) {
        add_facts(run, &state->ring);
        return true;
    }
    state->entries = state->ring.bytes / AMDVI_RING_ENTRY;
    if (!read_ring(run, state, err) || !settle(run, id, state, err)) {
        return false;
    }
    add_facts(run, &state->ring);
    apply_limit(run, state);
    return true;
}

static const char *state_word(const struct state *state, uint32_t offset)
{
    if (!state->ring.sane) {
        return "unknown";
    }
    if (slot_pending(state, offset)) {
        return "pending";
    }
    return slot_empty(state, offset) ? "empty" : "done";
}

/* Name of an entry; codes without a layout show their number */
static struct amdvi_cell entry_name(struct amdvi_page *page,
                                    const struct amdvi_record *record)
{
    if (record->layout) {
        return amdvi_cell_text(&page->strings, "%s", record->layout->name);
    }
    return amdvi_cell_text(&page->strings, "unknown(%d)",
                           (int)(record->words[0] >> 60));
}

static struct amdvi_cell device_cell(struct amdvi_page *page,
                                     const struct amdvi_record *record)
{
    const struct amdvi_field *field =
        record->layout ? amdvi_field_by_id(record->layout, "device_id")
                       : NULL;
    char bdf[AMDVI_FIELD_TEXT];

    if (!field) {
        return (struct amdvi_cell){ .known = false };
    }
    amdvi_format_bdf((uint16_t)amdvi_field_get(field, record->words), bdf);
    return amdvi_cell_text(&page->strings, "%s", bdf);
}

/* What the other columns do not say; raw words of what nobody knows */
static struct amdvi_cell fields_cell(struct amdvi_page *page,
                                     const struct amdvi_record *record)
{
    static const char *const skip[] = { "opcode", "code", "device_id", NULL };

    if (record->layout) {
        return amdvi_record_summary(&page->strings, record, skip);
    }
    return amdvi_cell_text(&page->strings, "0x%016" PRIx64 " 0x%016" PRIx64,
                           record->words[0], record->words[1]);
}

static void add_row(const struct state *state, struct amdvi_page *page,
                    uint32_t offset)
{
    struct amdvi_row *row = amdvi_page_add(page);
    struct amdvi_record *record = &row->record;

    record->count = AMDVI_RING_ENTRY / 8;
    record->has_address = true;
    record->address = state->ring.base + offset;
    amdvi_load_words(record->words, state->bytes + offset, record->count);
    record->layout = amdvi_layout_match(state->ring.family, record->words[0]);
    row->cell[COLUMN_OFFSET] = amdvi_cell_number(offset);
    row->cell[COLUMN_STATE] = amdvi_cell_text(&page->strings, "%s",
                                              state_word(state, offset));
    row->cell[COLUMN_NAME] = entry_name(page, record);
    row->cell[COLUMN_DEVICE] = device_cell(page, record);
    row->cell[COLUMN_FIELDS] = fields_cell(page, record);
    if (record->layout) {
        row->cell[COLUMN_MEANING] = amdvi_cell_text(&page->strings, "%s",
                                                    record->layout->title);
    }
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;

    (void)err;
    while (state->next < state->entries && page->count < AMDVI_PAGE_ROWS) {
        uint32_t offset = slot_offset(state, state->next++);

        if (!slot_shown(run, offset)) {
            continue;
        }
        if (state->skip) {
            state->skip--;
            continue;
        }
        add_row(state, page, offset);
    }
    page->last = state->next == state->entries;
    return true;
}

static bool open_events(struct amdvi_run *run, struct amdvi_error *err)
{
    return open_ring(run, AMDVI_RING_EVENT, err);
}

static bool open_commands(struct amdvi_run *run, struct amdvi_error *err)
{
    return open_ring(run, AMDVI_RING_COMMAND, err);
}

static bool open_ppr(struct amdvi_run *run, struct amdvi_error *err)
{
    return open_ring(run, AMDVI_RING_PPR, err);
}

#define RING_VIEW(id, text)                                                  \
    const struct amdvi_view amdvi_view_##id = {                              \
        .name = #id,                                                         \
        .args = "",                                                          \
        .help = text,                                                        \
        .options = AMDVI_QUERY_ALL | AMDVI_QUERY_FILTER |                    \
                   AMDVI_QUERY_LIMIT | AMDVI_QUERY_VERBOSE,                  \
        .facts_key = "ring",                                                 \
        .rows_key = "entries",                                               \
        .record_key = "entry",                                               \
        .column = columns,                                                   \
        .ncolumns = NUM_COLUMNS,                                             \
        .open = open_##id,                                                   \
        .fetch = fetch,                                                      \
    }

RING_VIEW(events, "event log: state, new and old entries");
RING_VIEW(commands, "command buffer: state, pending and executed commands");
RING_VIEW(ppr, "PPR log: state, new and old page requests");
