/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views over lists of the device.  See items.h.
 */
#include "items.h"
#include "reply.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool amdvi_items_open(struct amdvi_run *run, enum amdvi_query_id id,
                      struct json_object *arguments, struct amdvi_error *err)
{
    struct amdvi_items *items = calloc(1, sizeof(*items));

    if (!items) {
        json_object_put(arguments);
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = items;
    items->list = amdvi_target_query(run->target, id, arguments, err);
    return items->list != NULL;
}

void amdvi_items_close(struct amdvi_run *run)
{
    struct amdvi_items *items = run->state;

    json_object_put(items->list);
}

static struct amdvi_cell device_cell(struct amdvi_page *page,
                                     struct json_object *item)
{
    char bdf[AMDVI_FIELD_TEXT];
    uint64_t device_id;

    if (!amdvi_reply_number(item, "device-id", UINT16_MAX, &device_id)) {
        return (struct amdvi_cell){ .known = false };
    }
    amdvi_format_bdf((uint16_t)device_id, bdf);
    return amdvi_cell_text(&page->strings, "%s", bdf);
}

/* Members have no unit in their names, our keys do: "age-ns" is "age" */
static void member_name(const char *key, char name[AMDVI_FIELD_TEXT])
{
    size_t length;

    snprintf(name, AMDVI_FIELD_TEXT, "%s", key);
    length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, "-ns") == 0) {
        name[length - 3] = '\0';
    }
}

static struct amdvi_cell member_cell(const struct amdvi_column *column,
                                     struct amdvi_page *page,
                                     struct json_object *item)
{
    struct amdvi_cell cell = { .known = false };
    char name[AMDVI_FIELD_TEXT];
    const char *text;
    bool flag;

    member_name(column->key, name);
    if (strcmp(column->key, "bdf") == 0) {
        return device_cell(page, item);
    }
    switch (column->kind) {
    case AMDVI_CELL_TEXT:
    case AMDVI_CELL_WORDS:
        if (amdvi_reply_text(item, name, &text)) {
            cell = amdvi_cell_text(&page->strings, "%s", text);
        }
        break;
    case AMDVI_CELL_FLAG:
        cell.known = amdvi_reply_bool(item, name, &flag);
        cell.number = cell.known && flag;
        break;
    default:
        cell.known = amdvi_reply_number(item, name, UINT64_MAX,
                                        &cell.number);
        break;
    }
    return cell;
}

void amdvi_item_cells(const struct amdvi_view *view, struct amdvi_page *page,
                      struct amdvi_row *row, struct json_object *item)
{
    for (size_t i = 0; i < view->ncolumns; i++) {
        row->cell[i] = member_cell(&view->column[i], page, item);
    }
}

bool amdvi_items_fetch(struct amdvi_run *run, struct amdvi_page *page,
                       struct amdvi_error *err)
{
    struct amdvi_items *items = run->state;
    size_t count = json_object_array_length(items->list);

    (void)err;
    while (items->next < count && page->count < AMDVI_PAGE_ROWS) {
        amdvi_item_cells(run->view, page, amdvi_page_add(page),
                         json_object_array_get_idx(items->list,
                                                   items->next++));
    }
    page->last = items->next == count;
    return true;
}

struct json_object *amdvi_items_device(const char *bdf)
{
    struct json_object *arguments = json_object_new_object();
    uint16_t device_id = 0;

    amdvi_parse_bdf(bdf, &device_id);
    json_object_object_add(arguments, "device-id",
                           json_object_new_int(device_id));
    return arguments;
}
