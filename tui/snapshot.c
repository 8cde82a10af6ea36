/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See snapshot.h.
 */
#include "snapshot.h"
#include "socket.h"

#include <stdlib.h>
#include <string.h>

/* The word of a row behind its cells: known cells, and place of the record */
#define KNOWN_MASK 0xffffu
#define RECORD_SHIFT 16
/* Words of a record before those of the structure: layout, address, kind */
#define RECORD_HEAD 3
#define RECORD_HAS_ADDRESS 0x100u

/* Stores what it is given */
struct taker {
    struct amdvi_renderer renderer;
    struct amdvi_snapshot *snapshot;
    size_t rows;                /* at most */
    bool no_memory;
};

static size_t stride(const struct amdvi_snapshot *snapshot)
{
    return snapshot->view->ncolumns + 1;
}

/* Room for @count more elements behind the first @size */
static bool reserve(void **array, size_t size, size_t count, size_t element,
                    size_t *room)
{
    size_t want = *room ? *room : 256;
    void *grown;

    if (size + count <= *room) {
        return true;
    }
    while (want < size + count) {
        want *= 2;
    }
    grown = realloc(*array, want * element);
    if (grown) {
        *array = grown;
        *room = want;
    }
    return grown != NULL;
}

static bool is_text(const struct amdvi_column *column)
{
    return column->kind == AMDVI_CELL_TEXT ||
           column->kind == AMDVI_CELL_WORDS;
}

/* Where the text is kept; the same as in the row before: only once */
static bool keep_text(struct amdvi_snapshot *snapshot, size_t column,
                      const char *text, uint64_t *ret)
{
    size_t length = strlen(text) + 1;

    if (snapshot->nrows > 0) {
        struct amdvi_cell before =
            amdvi_snapshot_cell(snapshot, snapshot->nrows - 1, column);

        if (before.known && strcmp(before.text, text) == 0) {
            *ret = (uint64_t)(before.text - snapshot->text);
            return true;
        }
    }
    if (!reserve((void **)&snapshot->text, snapshot->text_size, length, 1,
                 &snapshot->text_room)) {
        return false;
    }
    *ret = snapshot->text_size;
    memcpy(snapshot->text + snapshot->text_size, text, length);
    snapshot->text_size += length;
    return true;
}

/* Place of the record, from 1; 0: it could not be kept */
static uint64_t keep_record(struct amdvi_snapshot *snapshot,
                            const struct amdvi_record *record)
{
    uint64_t *at;
    uint64_t place = snapshot->record_size + 1;

    if (!reserve((void **)&snapshot->record, snapshot->record_size,
                 RECORD_HEAD + record->count, sizeof(*at),
                 &snapshot->record_room)) {
        return 0;
    }
    at = snapshot->record + snapshot->record_size;
    at[0] = record->layout ? (uint64_t)(record->layout - amdvi_layouts) + 1
                           : 0;
    at[1] = record->address;
    at[2] = record->count | (record->has_address ? RECORD_HAS_ADDRESS : 0);
    memcpy(at + RECORD_HEAD, record->words,
           record->count * sizeof(record->words[0]));
    snapshot->record_size += RECORD_HEAD + record->count;
    return place;
}

static bool keep_row(struct amdvi_snapshot *snapshot,
                     const struct amdvi_row *row)
{
    const struct amdvi_view *view = snapshot->view;
    size_t start = snapshot->nrows * stride(snapshot);
    uint64_t known = 0, value;

    if (!reserve((void **)&snapshot->cell, start, stride(snapshot),
                 sizeof(*snapshot->cell), &snapshot->cell_room)) {
        return false;
    }
    for (size_t c = 0; c < view->ncolumns; c++) {
        value = row->cell[c].number;
        if (row->cell[c].known && is_text(&view->column[c]) &&
            !keep_text(snapshot, c, row->cell[c].text, &value)) {
            return false;
        }
        known |= (uint64_t)row->cell[c].known << c;
        snapshot->cell[start + c] = value;
    }
    value = row->record.count ? keep_record(snapshot, &row->record) : 0;
    snapshot->cell[start + view->ncolumns] = known | value << RECORD_SHIFT;
    snapshot->nrows++;
    return true;
}

static void keep_source(struct amdvi_snapshot *snapshot,
                        struct amdvi_target *target)
{
    struct amdvi_target_info *info = &snapshot->source;
    const char **text[] = {
        &info->address, &info->version, &info->engine, &info->id,
        &info->options,
    };

    amdvi_target_describe(target, info);
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        if (*text[i]) {
            *text[i] = amdvi_strings_add(&snapshot->strings, "%s", *text[i]);
        }
    }
}

static void begin(struct amdvi_renderer *renderer, struct amdvi_run *run)
{
    struct taker *taker = (struct taker *)renderer;
    struct amdvi_snapshot *snapshot = taker->snapshot;

    snapshot->features = run->iommu.features;
    snapshot->detail = run->detail;
    keep_source(snapshot, run->target);
    for (size_t i = 0; i < run->nfacts; i++) {
        struct amdvi_fact *fact = &snapshot->fact[i];

        *fact = run->fact[i];
        if (fact->cell.known && is_text(&fact->column)) {
            fact->cell.text = amdvi_strings_add(&snapshot->strings, "%s",
                                                fact->cell.text);
            fact->cell.known = fact->cell.text != NULL;
        }
    }
    snapshot->nfacts = run->nfacts;
}

static void page(struct amdvi_renderer *renderer, struct amdvi_run *run,
                 const struct amdvi_page *page)
{
    struct taker *taker = (struct taker *)renderer;
    struct amdvi_snapshot *snapshot = taker->snapshot;

    (void)run;
    for (size_t i = 0; i < page->count && !taker->no_memory; i++) {
        if (snapshot->nrows >= taker->rows ||
            snapshot->text_size >= AMDVI_SNAPSHOT_TEXT) {
            snapshot->more = true;
            break;
        }
        taker->no_memory = !keep_row(snapshot, &page->row[i]);
    }
    if (snapshot->nrows >= taker->rows && !page->last) {
        snapshot->more = true;
    }
    renderer->done = snapshot->more || taker->no_memory;
}

static void end(struct amdvi_renderer *renderer, struct amdvi_run *run,
                bool good)
{
    struct taker *taker = (struct taker *)renderer;

    (void)good;
    for (size_t i = 0; i < run->notes.count; i++) {
        amdvi_strings_add(&taker->snapshot->notes, "%s",
                          run->notes.string[i]);
    }
    taker->snapshot->shown = true;
}

struct amdvi_snapshot *amdvi_snapshot_take(const struct amdvi_view *view,
                                           struct amdvi_target *target,
                                           const struct amdvi_query *query,
                                           size_t rows)
{
    struct amdvi_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    int64_t began_ms = amdvi_clock_ms();
    struct taker taker = {
        .renderer = { .begin = begin, .page = page, .end = end },
        .snapshot = snapshot, .rows = rows,
    };

    if (!snapshot) {
        return NULL;
    }
    snapshot->view = view;
    amdvi_view_show(view, target, query, &taker.renderer, &snapshot->err);
    snapshot->taken_ms = amdvi_clock_ms();
    snapshot->took_ms = snapshot->taken_ms - began_ms;
    if (taker.no_memory) {
        amdvi_fail(&snapshot->err, AMDVI_EXIT_FAILED, "out of memory");
    }
    return snapshot;
}

static void free_rows(struct amdvi_snapshot *snapshot)
{
    free(snapshot->cell);
    free(snapshot->text);
    free(snapshot->record);
}

void amdvi_snapshot_free(struct amdvi_snapshot *snapshot)
{
    if (snapshot) {
        amdvi_strings_free(&snapshot->strings);
        amdvi_strings_free(&snapshot->notes);
        free_rows(snapshot);
    }
    free(snapshot);
}

size_t amdvi_snapshot_bytes(const struct amdvi_snapshot *snapshot)
{
    return sizeof(*snapshot) +
           snapshot->cell_room * sizeof(*snapshot->cell) +
           snapshot->text_room +
           snapshot->record_room * sizeof(*snapshot->record);
}

struct amdvi_cell amdvi_snapshot_cell(const struct amdvi_snapshot *snapshot,
                                      size_t row, size_t column)
{
    const uint64_t *at = snapshot->cell + row * stride(snapshot);
    const struct amdvi_view *view = snapshot->view;
    struct amdvi_cell cell = {
        .known = at[view->ncolumns] >> column & 1, .number = at[column],
    };

    if (cell.known && is_text(&view->column[column])) {
        cell.text = snapshot->text + at[column];
        cell.number = 0;
    }
    return cell;
}

bool amdvi_snapshot_record(const struct amdvi_snapshot *snapshot, size_t row,
                           struct amdvi_record *ret)
{
    const uint64_t *at = snapshot->cell + row * stride(snapshot);
    uint64_t place = at[snapshot->view->ncolumns] >> RECORD_SHIFT;

    *ret = (struct amdvi_record){ .layout = NULL };
    if (place == 0) {
        return false;
    }
    at = snapshot->record + place - 1;
    ret->layout = at[0] ? &amdvi_layouts[at[0] - 1] : NULL;
    ret->address = at[1];
    ret->has_address = at[2] & RECORD_HAS_ADDRESS;
    ret->count = at[2] & (RECORD_HAS_ADDRESS - 1);
    memcpy(ret->words, at + RECORD_HEAD, ret->count * sizeof(at[0]));
    return true;
}

size_t amdvi_snapshot_column(const struct amdvi_snapshot *snapshot,
                             const char *key)
{
    size_t c = 0;

    while (c < snapshot->view->ncolumns &&
           strcmp(snapshot->view->column[c].key, key) != 0) {
        c++;
    }
    return c;
}

static bool copy_rows(struct amdvi_snapshot *to,
                      const struct amdvi_snapshot *from, size_t first)
{
    for (size_t row = first; row < from->nrows; row++) {
        struct amdvi_row copy;

        for (size_t c = 0; c < from->view->ncolumns; c++) {
            copy.cell[c] = amdvi_snapshot_cell(from, row, c);
        }
        amdvi_snapshot_record(from, row, &copy.record);
        if (!keep_row(to, &copy)) {
            return false;
        }
    }
    return true;
}

/* Without rows */
static void forget_rows(struct amdvi_snapshot *snapshot)
{
    snapshot->nrows = 0;
    snapshot->cell = snapshot->record = NULL;
    snapshot->text = NULL;
    snapshot->cell_room = snapshot->text_room = snapshot->record_room = 0;
    snapshot->text_size = snapshot->record_size = 0;
}

struct amdvi_snapshot *
amdvi_snapshot_join(const struct amdvi_snapshot *before,
                    struct amdvi_snapshot *now, size_t rows)
{
    struct amdvi_snapshot *joined = malloc(sizeof(*joined));
    size_t room = rows > now->nrows ? rows - now->nrows : 0;
    size_t first = before->nrows > room ? before->nrows - room : 0;

    if (!joined) {
        return NULL;
    }
    *joined = *now;
    forget_rows(joined);
    if (!copy_rows(joined, before, first) || !copy_rows(joined, now, 0)) {
        free_rows(joined);
        free(joined);
        return NULL;
    }
    joined->more = joined->more || before->more || first > 0;
    free_rows(now);
    free(now);
    return joined;
}

bool amdvi_snapshot_set_text(struct amdvi_snapshot *snapshot, size_t row,
                             size_t column, const char *text)
{
    size_t length = strlen(text) + 1;

    if (!reserve((void **)&snapshot->text, snapshot->text_size, length, 1,
                 &snapshot->text_room)) {
        return false;
    }
    memcpy(snapshot->text + snapshot->text_size, text, length);
    snapshot->cell[row * stride(snapshot) + column] = snapshot->text_size;
    snapshot->text_size += length;
    return true;
}

/* FNV-1a */
static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ p[i]) * 0x100000001b3u;
    }
    return hash;
}

uint64_t amdvi_snapshot_id(const struct amdvi_snapshot *snapshot, size_t row,
                           size_t ids)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t c = 0; c < ids && c < snapshot->view->ncolumns; c++) {
        struct amdvi_cell cell = amdvi_snapshot_cell(snapshot, row, c);

        hash = mix(hash, &cell.known, sizeof(cell.known));
        if (cell.text) {
            hash = mix(hash, cell.text, strlen(cell.text));
        }
        hash = mix(hash, &cell.number, sizeof(cell.number));
    }
    return hash;
}

bool amdvi_snapshot_find(const struct amdvi_snapshot *snapshot, uint64_t id,
                         size_t ids, size_t guess, size_t *ret_row)
{
    if (guess < snapshot->nrows &&
        amdvi_snapshot_id(snapshot, guess, ids) == id) {
        *ret_row = guess;
        return true;
    }
    for (size_t row = 0; row < snapshot->nrows; row++) {
        if (amdvi_snapshot_id(snapshot, row, ids) == id) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

static bool no_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                      size_t len, enum amdvi_mem_status *ret_status,
                      struct amdvi_error *err)
{
    (void)target;
    (void)addr;
    (void)err;
    memset(buf, 0, len);
    *ret_status = AMDVI_MEM_ABORT;
    return true;
}

static bool no_register(struct amdvi_target *target, uint32_t offset,
                        uint64_t *ret_value, struct amdvi_error *err)
{
    (void)target;
    (void)offset;
    (void)err;
    *ret_value = 0;
    return true;
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    const struct amdvi_snapshot *snapshot = target->opaque;

    *ret = snapshot->source;
}

/* All that a renderer asks of a target is where the data came from */
static const struct amdvi_target_ops source_ops = {
    .read_memory = no_memory,
    .read_register = no_register,
    .describe = describe,
};

static void replay_rows(const struct amdvi_snapshot *snapshot,
                        const uint32_t *row, size_t count,
                        struct amdvi_run *run, struct amdvi_page *out,
                        struct amdvi_renderer *renderer)
{
    size_t i = 0;

    do {
        out->count = 0;
        while (i < count && out->count < AMDVI_PAGE_ROWS) {
            struct amdvi_row *to = amdvi_page_add(out);

            for (size_t c = 0; c < snapshot->view->ncolumns; c++) {
                to->cell[c] = amdvi_snapshot_cell(snapshot, row[i], c);
            }
            amdvi_snapshot_record(snapshot, row[i++], &to->record);
        }
        out->last = i == count;
        renderer->page(renderer, run, out);
    } while (!out->last);
}

bool amdvi_snapshot_replay(const struct amdvi_snapshot *snapshot,
                           const uint32_t *row, size_t count,
                           struct amdvi_renderer *renderer,
                           struct amdvi_error *err)
{
    static const struct amdvi_query query = { .nargs = 0 };
    struct amdvi_target *source =
        amdvi_target_new(&source_ops, (void *)snapshot, err);
    struct amdvi_page *out = calloc(1, sizeof(*out));
    struct amdvi_run run = {
        .view = snapshot->view, .query = &query, .target = source,
        .iommu = { .features = snapshot->features },
        .detail = snapshot->detail, .nshown = snapshot->view->ncolumns,
        .nfacts = snapshot->nfacts, .notes = snapshot->notes,
    };

    if (source && out) {
        for (size_t c = 0; c < run.nshown; c++) {
            run.shown[c] = c;
        }
        memcpy(run.fact, snapshot->fact, sizeof(run.fact));
        renderer->begin(renderer, &run);
        replay_rows(snapshot, row, count, &run, out, renderer);
        renderer->end(renderer, &run, !snapshot->more &&
                      snapshot->err.code == AMDVI_EXIT_OK);
    } else {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    amdvi_target_close(source);
    free(out);
    return source && out;
}
