/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views over the lists that only the device can give: columns are members
 * of the items by their keys.
 */
#ifndef AMDVI_INSPECT_ITEMS_H
#define AMDVI_INSPECT_ITEMS_H

#include "view.h"

/* What a view of such a list keeps as its state */
struct amdvi_items {
    struct json_object *list;
    size_t next;
};

/* Set run->state to the items of a query; @arguments may be NULL */
bool amdvi_items_open(struct amdvi_run *run, enum amdvi_query_id id,
                      struct json_object *arguments, struct amdvi_error *err);
void amdvi_items_close(struct amdvi_run *run);

/*
 * Fill the cells of a row whose columns are members of @item: numbers,
 * flags and texts by their key without "-ns", and "bdf" from "device-id".
 * What is not there, or of another type, stays unknown.
 */
void amdvi_item_cells(const struct amdvi_view *view, struct amdvi_page *page,
                      struct amdvi_row *row, struct json_object *item);

/* amdvi_view.fetch for views without other columns */
bool amdvi_items_fetch(struct amdvi_run *run, struct amdvi_page *page,
                       struct amdvi_error *err);

/* "query" arguments for the device of a BDF, or NULL */
struct json_object *amdvi_items_device(const char *bdf);

#endif
