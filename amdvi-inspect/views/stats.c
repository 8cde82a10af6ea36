/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "stats": counters of each device, or of the PASIDs of one.
 */
#include "device.h"
#include "items.h"

static const struct amdvi_column columns[] = {
    { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    { "requests", "Requests", AMDVI_CELL_DEC, 0 },
    { "hits", "Hits", AMDVI_CELL_DEC, 0 },
    { "misses", "Misses", AMDVI_CELL_DEC, 0 },
    { "faults", "Faults", AMDVI_CELL_DEC, 0 },
    { "page-requests", "Page requests", AMDVI_CELL_DEC, 0 },
    { "responses", "Responses", AMDVI_CELL_DEC, 0 },
    { "invalidations", "Invalidations", AMDVI_CELL_DEC, 0 },
    { "latency-sum-ns", "Latency sum (ns)", AMDVI_CELL_DEC, 0 },
    { "latency-max-ns", "max (ns)", AMDVI_CELL_DEC, 0 },
};

static bool check(const struct amdvi_query *query, struct amdvi_error *err)
{
    return query->nargs == 0 || amdvi_device_check(query, err);
}

/* A dump has one row for each device, and none for PASIDs: amdvi-dump(5) */
static void judge_dump(struct amdvi_run *run)
{
    const struct amdvi_items *items = run->state;

    if (json_object_array_length(items->list) == 0) {
        amdvi_fail(&run->verdict, AMDVI_EXIT_NOT_IN_DUMP,
                   "this dump has no counters of %s", run->query->args[0]);
    } else {
        amdvi_run_note(run, "a dump has the counters of the whole device, "
                       "not those of its PASIDs");
    }
}

static bool open_stats(struct amdvi_run *run, struct amdvi_error *err)
{
    bool one = run->query->nargs != 0;

    if (!amdvi_items_open(run, AMDVI_QUERY_ID_STATS,
                          one ? amdvi_items_device(run->query->args[0])
                              : NULL, err)) {
        return false;
    }
    if (one && amdvi_target_is_dump(run->target)) {
        judge_dump(run);
    }
    return true;
}

const struct amdvi_view amdvi_view_stats = {
    .name = "stats",
    .args = "[BDF]",
    .help = "counters of the devices, or of the PASIDs of one",
    .no_words = "counters are in no register or table",
    .max_args = 1,
    .options = AMDVI_QUERY_FILTER,
    .rows_key = "counters",
    .column = columns,
    .ncolumns = sizeof(columns) / sizeof(columns[0]),
    .check = check,
    .open = open_stats,
    .fetch = amdvi_items_fetch,
    .close = amdvi_items_close,
};
