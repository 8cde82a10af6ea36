/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "requests": page request groups that wait for their response.
 */
#include "items.h"

static const struct amdvi_column columns[] = {
    { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    { "prg-index", "PRGIndex", AMDVI_CELL_DEC, 0 },
    { "pages", "Pages", AMDVI_CELL_DEC, 0 },
    { "last", "Complete", AMDVI_CELL_FLAG, 0 },
    { "age-ns", "Age (ns)", AMDVI_CELL_DEC, 0 },
};

static bool open_requests(struct amdvi_run *run, struct amdvi_error *err)
{
    return amdvi_items_open(run, AMDVI_QUERY_ID_REQUESTS, NULL, err);
}

const struct amdvi_view amdvi_view_requests = {
    .name = "requests",
    .args = "",
    .help = "page requests that wait for a response",
    .options = AMDVI_QUERY_FILTER,
    .rows_key = "requests",
    .column = columns,
    .ncolumns = sizeof(columns) / sizeof(columns[0]),
    .open = open_requests,
    .fetch = amdvi_items_fetch,
    .close = amdvi_items_close,
};
