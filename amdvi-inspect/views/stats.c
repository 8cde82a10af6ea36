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

static bool open_stats(struct amdvi_run *run, struct amdvi_error *err)
{
    return amdvi_items_open(run, AMDVI_QUERY_ID_STATS,
                            run->query->nargs
                            ? amdvi_items_device(run->query->args[0]) : NULL,
                            err);
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
