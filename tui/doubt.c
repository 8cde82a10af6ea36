/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See doubt.h.  The time that software has to invalidate what it has changed
 * is that of the command "check" (check.h).
 */
#include "doubt.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

#define PENDING "pending"
/*
 * An entry that disagreed longer ago, without the time that the pace of
 * queries (pace.h) takes, may have come and gone since then
 */
#define MAX_AGE_MS 3000

/* Rows that disagree, in order of their ids */
struct doubts {
    struct doubt {
        uint64_t id;
        bool pending;
    } *doubt;
    size_t count;
};

static bool disagrees(const struct amdvi_cell *cell)
{
    return cell->known && (strcmp(cell->text, "stale") == 0 ||
                           strcmp(cell->text, "unbacked") == 0 ||
                           strcmp(cell->text, PENDING) == 0);
}

static int by_id(const void *a, const void *b)
{
    const struct doubt *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void collect(const struct amdvi_snapshot *snapshot, size_t column,
                    struct doubts *ret)
{
    ret->count = 0;
    ret->doubt = calloc(snapshot->nrows + 1, sizeof(*ret->doubt));
    for (size_t row = 0; ret->doubt && row < snapshot->nrows; row++) {
        struct amdvi_cell cell = amdvi_snapshot_cell(snapshot, row, column);

        if (disagrees(&cell)) {
            ret->doubt[ret->count++] = (struct doubt){
                .id = amdvi_snapshot_id(snapshot, row, column),
                .pending = strcmp(cell.text, PENDING) == 0,
            };
        }
    }
    if (ret->count) {
        qsort(ret->doubt, ret->count, sizeof(*ret->doubt), by_id);
    }
}

/* Whether it has disagreed for long enough */
static bool is_certain(const struct doubts *before, uint64_t id, bool stopped)
{
    const struct doubt wanted = { .id = id };
    const struct doubt *found = before->count
        ? bsearch(&wanted, before->doubt, before->count, sizeof(wanted),
                  by_id) : NULL;

    return found && !(found->pending && stopped);
}

static bool is_comparable(const struct amdvi_snapshot *now,
                          const struct amdvi_snapshot *before)
{
    int64_t age = before ? now->taken_ms - before->taken_ms : 0;

    return before && before->view == now->view &&
           age >= AMDVI_CHECK_GRACE_MS &&
           age - now->took_ms - before->rest_ms <= MAX_AGE_MS;
}

void amdvi_snapshot_doubt(struct amdvi_snapshot *now,
                          const struct amdvi_snapshot *before,
                          const char *state, bool stopped)
{
    size_t column = amdvi_snapshot_column(now, state);
    struct doubts doubts = { .count = 0 };

    if (column == now->view->ncolumns) {
        return;
    }
    if (is_comparable(now, before)) {
        collect(before, column, &doubts);
    }
    for (size_t row = 0; row < now->nrows; row++) {
        struct amdvi_cell cell = amdvi_snapshot_cell(now, row, column);

        if (disagrees(&cell) &&
            !is_certain(&doubts, amdvi_snapshot_id(now, row, column),
                        stopped)) {
            amdvi_snapshot_set_text(now, row, column, PENDING);
        }
    }
    free(doubts.doubt);
}
