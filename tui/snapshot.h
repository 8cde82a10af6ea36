/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots: what a view showed at one moment, kept compactly.
 *
 * A snapshot is made by a renderer that stores what it is given, so it has
 * the columns, facts, rows and records of the view and nothing else.  It
 * never changes afterwards and may be handed from thread to thread.  It can
 * be given to any other renderer again.
 */
#ifndef AMDVI_TUI_SNAPSHOT_H
#define AMDVI_TUI_SNAPSHOT_H

#include "view.h"

/* Rows of a snapshot at most: all PASIDs, and a few */
#define AMDVI_SNAPSHOT_ROWS 65792
/* Bytes of the texts in its rows at most; rows beyond that are left out */
#define AMDVI_SNAPSHOT_TEXT (4u << 20)

struct amdvi_snapshot {
    const struct amdvi_view *view;
    struct amdvi_features features;
    bool detail;                /* rows are shown as forms */
    bool shown;                 /* facts and rows are those of the view */
    bool more;                  /* rows were left out: too many */
    struct amdvi_error err;     /* code other than OK: what went wrong */
    int64_t taken_ms;           /* amdvi_clock_ms() */
    int64_t took_ms;            /* time that it took */
    int64_t rest_ms;            /* after it, until the next may be taken */
    bool still;                 /* of a state that does not change */
    struct amdvi_target_info source;    /* its strings are kept below */
    struct amdvi_fact fact[AMDVI_MAX_FACTS];
    size_t nfacts;
    struct amdvi_strings strings;       /* of facts and source */
    struct amdvi_strings notes;
    size_t nrows;
    /* ncolumns cells of a row, then which are known and where its record is */
    uint64_t *cell;
    size_t cell_room;
    char *text;                 /* of the cells, each with its 0 */
    size_t text_size;
    size_t text_room;
    uint64_t *record;           /* see amdvi_snapshot_record() */
    size_t record_size;
    size_t record_room;
};

/*
 * Show @view once and keep up to @rows rows.  Never fails but for lack of
 * memory (NULL): what went wrong is in the snapshot.
 */
struct amdvi_snapshot *amdvi_snapshot_take(const struct amdvi_view *view,
                                           struct amdvi_target *target,
                                           const struct amdvi_query *query,
                                           size_t rows);
/* @snapshot may be NULL */
void amdvi_snapshot_free(struct amdvi_snapshot *snapshot);
/* Memory that it takes */
size_t amdvi_snapshot_bytes(const struct amdvi_snapshot *snapshot);

/* A cell; its text lives as long as the snapshot */
struct amdvi_cell amdvi_snapshot_cell(const struct amdvi_snapshot *snapshot,
                                      size_t row, size_t column);
/* The record of a row; false: it has none */
bool amdvi_snapshot_record(const struct amdvi_snapshot *snapshot, size_t row,
                           struct amdvi_record *ret);
/* Number of the column with this key, or the number of columns */
size_t amdvi_snapshot_column(const struct amdvi_snapshot *snapshot,
                             const char *key);

/*
 * The last @rows rows of @before and @now together, with all else of @now.
 * Consumes @now and gives the new one; NULL: no memory, @now is as it was.
 */
struct amdvi_snapshot *
amdvi_snapshot_join(const struct amdvi_snapshot *before,
                    struct amdvi_snapshot *now, size_t rows);

/* Before it is handed on: another text for a cell that has one */
bool amdvi_snapshot_set_text(struct amdvi_snapshot *snapshot, size_t row,
                             size_t column, const char *text);

/* What stays the same for a row of several snapshots: its first @ids cells */
uint64_t amdvi_snapshot_id(const struct amdvi_snapshot *snapshot, size_t row,
                           size_t ids);
/* The row with that, at @guess or elsewhere */
bool amdvi_snapshot_find(const struct amdvi_snapshot *snapshot, uint64_t id,
                         size_t ids, size_t guess, size_t *ret_row);

/* Give the rows in @row, in that order, to a renderer */
bool amdvi_snapshot_replay(const struct amdvi_snapshot *snapshot,
                           const uint32_t *row, size_t count,
                           struct amdvi_renderer *renderer,
                           struct amdvi_error *err);

#endif
