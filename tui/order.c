/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which rows of a snapshot are shown, and in which order.  See tui.h.
 */
#include "tui.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A word of a filter: "text", "!text", "column:text" */
struct term {
    bool inverse;
    size_t column;              /* or the number of columns: any */
    char text[AMDVI_PROMPT_SIZE];
};

static size_t find_column(const struct amdvi_view *view, const char *name,
                          size_t length)
{
    size_t c = 0;

    while (c < view->ncolumns &&
           (strlen(view->column[c].key) != length ||
            strncasecmp(view->column[c].key, name, length) != 0) &&
           (strlen(view->column[c].title) != length ||
            strncasecmp(view->column[c].title, name, length) != 0)) {
        c++;
    }
    return c;
}

/* The next term of *@filter, which moves behind it; false: there is none */
static bool next_term(const struct amdvi_view *view, const char **filter,
                      struct term *ret)
{
    const char *word = *filter + strspn(*filter, " ");
    size_t length = strcspn(word, " "), name;

    *filter = word + length;
    ret->inverse = *word == '!';
    word += ret->inverse;
    length -= ret->inverse;
    name = strcspn(word, ":");
    ret->column = name < length ? find_column(view, word, name)
                                : view->ncolumns;
    if (ret->column < view->ncolumns) {
        word += name + 1;
        length -= name + 1;
    }
    memcpy(ret->text, word, length);
    ret->text[length] = '\0';
    return ret->inverse || length > 0;
}

static bool row_has(const struct amdvi_snapshot *snapshot, size_t row,
                    const struct term *term)
{
    const struct amdvi_view *view = snapshot->view;
    char buf[AMDVI_CELL_BUFFER];

    for (size_t c = 0; c < view->ncolumns; c++) {
        struct amdvi_cell cell = amdvi_snapshot_cell(snapshot, row, c);

        if ((c == term->column || term->column == view->ncolumns) &&
            strcasestr(amdvi_cell_format(&view->column[c], &cell, buf),
                       term->text)) {
            return true;
        }
    }
    return false;
}

static bool passes(const struct amdvi_snapshot *snapshot, size_t row,
                   const char *filter)
{
    struct term term;

    while (next_term(snapshot->view, &filter, &term)) {
        if (row_has(snapshot, row, &term) == term.inverse) {
            return false;
        }
    }
    return true;
}

/* What qsort_r() compares by */
struct by {
    const struct amdvi_snapshot *snapshot;
    size_t column;
    bool descending;
};

static int compare_cells(const struct amdvi_cell *a,
                         const struct amdvi_cell *b)
{
    if (!a->known || !b->known) {
        return (int)a->known - (int)b->known;
    }
    if (a->text && b->text) {
        return strcmp(a->text, b->text);
    }
    return (a->number > b->number) - (a->number < b->number);
}

static int compare(const void *a, const void *b, void *opaque)
{
    const struct by *by = opaque;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    struct amdvi_cell x = amdvi_snapshot_cell(by->snapshot, left, by->column);
    struct amdvi_cell y =
        amdvi_snapshot_cell(by->snapshot, right, by->column);
    int result = compare_cells(&x, &y);

    if (result == 0) {
        return (left > right) - (left < right);
    }
    return by->descending ? -result : result;
}

static void turn_around(uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        uint32_t row = order[i];

        order[i] = order[count - 1 - i];
        order[count - 1 - i] = row;
    }
}

static void order_pane(struct amdvi_place *place, size_t number,
                       const struct amdvi_snapshot *snapshot)
{
    struct amdvi_pane *pane = &place->pane[number];
    size_t bytes = snapshot->nrows * sizeof(*pane->order);
    struct by by = { snapshot, place->sort - 1, place->descending };
    uint32_t *order;

    pane->norder = 0;
    order = realloc(pane->order, bytes ? bytes : 1);
    if (!order) {
        return;
    }
    pane->order = order;
    for (size_t row = 0; row < snapshot->nrows; row++) {
        if (!*place->filter || passes(snapshot, row, place->filter)) {
            order[pane->norder++] = (uint32_t)row;
        }
    }
    if (place->sort && place->sort <= snapshot->view->ncolumns) {
        qsort_r(order, pane->norder, sizeof(*order), compare, &by);
    } else if (place->screen->pane[number].newest_first) {
        turn_around(order, pane->norder);
    }
}

void amdvi_place_order(struct amdvi_place *place)
{
    for (size_t i = 0; i < AMDVI_MAX_PANES; i++) {
        const struct amdvi_snapshot *snapshot = amdvi_place_shown(place, i);

        place->pane[i].norder = 0;
        if (snapshot) {
            order_pane(place, i, snapshot);
        }
    }
}
