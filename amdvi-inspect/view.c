/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all views have in common.  See view.h.
 */
#include "view.h"
#include "interrupt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Room for the words of a record */
#define SUMMARY_SIZE 1024

/* Keep @string, and free it with the others.  NULL if there is no memory */
static const char *keep(struct amdvi_strings *strings, char *string)
{
    size_t count = strings->count;

    /* the array grows at every power of two */
    if (string && (count & (count - 1)) == 0) {
        char **grown = realloc(strings->string, (count ? 2 * count : 1) *
                               sizeof(*grown));

        if (!grown) {
            free(string);
            return NULL;
        }
        strings->string = grown;
    }
    if (string) {
        strings->string[strings->count++] = string;
    }
    return string;
}

void amdvi_strings_free(struct amdvi_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        free(strings->string[i]);
    }
    free(strings->string);
    strings->string = NULL;
    strings->count = 0;
}

__attribute__((format(printf, 2, 0)))
static const char *keep_format(struct amdvi_strings *strings,
                               const char *format, va_list args)
{
    char *string = NULL;

    if (vasprintf(&string, format, args) < 0) {
        return NULL;
    }
    return keep(strings, string);
}

const char *amdvi_strings_add(struct amdvi_strings *strings,
                              const char *format, ...)
{
    va_list args;
    const char *string;

    va_start(args, format);
    string = keep_format(strings, format, args);
    va_end(args);
    return string;
}

struct amdvi_row *amdvi_page_add(struct amdvi_page *page)
{
    struct amdvi_row *row = &page->row[page->count++];

    memset(row, 0, sizeof(*row));
    return row;
}

struct amdvi_cell amdvi_cell_text(struct amdvi_strings *strings,
                                  const char *format, ...)
{
    struct amdvi_cell cell = { .known = true };
    va_list args;

    va_start(args, format);
    cell.text = keep_format(strings, format, args);
    va_end(args);
    cell.known = cell.text != NULL;
    return cell;
}

struct amdvi_cell amdvi_cell_number(uint64_t number)
{
    return (struct amdvi_cell){ .known = true, .number = number };
}

void amdvi_run_fact(struct amdvi_run *run, const char *key, const char *title,
                    enum amdvi_cell_kind kind, struct amdvi_cell cell)
{
    if (run->nfacts < AMDVI_MAX_FACTS) {
        run->fact[run->nfacts++] = (struct amdvi_fact){
            .column = { key, title, kind, 16 }, .cell = cell,
        };
    }
}

void amdvi_run_note(struct amdvi_run *run, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    keep_format(&run->notes, format, args);
    va_end(args);
}

/* Whether @id is in a list that ends with NULL; the list may be NULL */
static bool listed(const char *const *list, const char *id)
{
    for (; list && *list; list++) {
        if (strcmp(*list, id) == 0) {
            return true;
        }
    }
    return false;
}

struct amdvi_cell amdvi_record_summary(struct amdvi_strings *strings,
                                       const struct amdvi_record *record,
                                       const char *const *skip)
{
    char text[SUMMARY_SIZE] = "", buf[AMDVI_FIELD_TEXT];
    size_t n = 0;

    for (int i = 0; record->layout && i < record->layout->nfields; i++) {
        const struct amdvi_field *f = &record->layout->field[i];
        uint64_t value = amdvi_field_get(f, record->words);

        if (!amdvi_field_named(f) || !value || listed(skip, f->id)) {
            continue;
        }
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s",
                              n ? " " : "", f->name,
                              f->kind == AMDVI_KIND_FLAG ? "" : "=",
                              f->kind == AMDVI_KIND_FLAG ? "" :
                              amdvi_field_format(f, value, buf));
        if (n >= sizeof(text)) {
            break;
        }
    }
    return amdvi_cell_text(strings, "%s", text);
}

const char *amdvi_cell_format(const struct amdvi_column *column,
                              const struct amdvi_cell *cell, char *buf)
{
    if (!cell->known) {
        return "-";
    }
    switch (column->kind) {
    case AMDVI_CELL_TEXT:
    case AMDVI_CELL_WORDS:
        return *cell->text ? cell->text : "-";
    case AMDVI_CELL_FLAG:
        return cell->number ? "yes" : "no";
    case AMDVI_CELL_DEC:
        snprintf(buf, AMDVI_CELL_BUFFER, "%" PRIu64, cell->number);
        return buf;
    case AMDVI_CELL_HEX:
        snprintf(buf, AMDVI_CELL_BUFFER, "0x%0*" PRIx64, column->digits,
                 cell->number);
        return buf;
    case AMDVI_CELL_ADDR:
        break;
    }
    snprintf(buf, AMDVI_CELL_BUFFER, "0x%" PRIx64, cell->number);
    return buf;
}

/* The column with a key of @length bytes, or NULL */
static const struct amdvi_column *find_column(const struct amdvi_view *view,
                                              const char *key, size_t length)
{
    for (size_t i = 0; i < view->ncolumns + view->nextra; i++) {
        if (strlen(view->column[i].key) == length &&
            strncasecmp(view->column[i].key, key, length) == 0) {
            return &view->column[i];
        }
    }
    return NULL;
}

/* The column that "KEY=.." names, or NULL */
static const struct amdvi_column *filter_column(const struct amdvi_view *view,
                                                const char *filter)
{
    size_t length = strcspn(filter, "=");

    return filter[length] ? find_column(view, filter, length) : NULL;
}

static bool passes(const struct amdvi_view *view, const struct amdvi_row *row,
                   const char *filter)
{
    const struct amdvi_column *wanted = filter_column(view, filter);
    char buf[AMDVI_CELL_BUFFER];

    for (size_t i = 0; i < view->ncolumns + view->nextra; i++) {
        const struct amdvi_column *column = &view->column[i];
        const char *text = amdvi_cell_format(column, &row->cell[i], buf);

        if (column == wanted) {
            return strcasecmp(text, strchr(filter, '=') + 1) == 0;
        }
        if (!wanted && strcasestr(text, filter)) {
            return true;
        }
    }
    return false;
}

/* Whether the column is one of the extra ones */
static bool is_extra(const struct amdvi_view *view,
                     const struct amdvi_column *column)
{
    return column && (size_t)(column - view->column) >= view->ncolumns;
}

/* Whether the user wants to see extra columns, or rows with their values */
static bool wants_extra(const struct amdvi_run *run)
{
    bool wanted = run->query->verbose;

    for (size_t i = 0; i < run->nshown; i++) {
        wanted = wanted || run->shown[i] >= run->view->ncolumns;
    }
    for (size_t i = 0; i < run->query->nfilters; i++) {
        wanted = wanted || is_extra(run->view,
                                    filter_column(run->view,
                                                  run->query->filter[i]));
    }
    return wanted;
}

/* The columns to show: those in the list, or all */
static bool choose_columns(const struct amdvi_view *view,
                           const struct amdvi_query *query,
                           size_t shown[AMDVI_MAX_COLUMNS], size_t *count,
                           struct amdvi_error *err)
{
    const char *key = query->columns;
    size_t all = view->ncolumns + (query->verbose ? view->nextra : 0);

    *count = 0;
    while (!key && *count < all) {
        shown[*count] = *count;
        ++*count;
    }
    while (key) {
        size_t length = strcspn(key, ",");
        const struct amdvi_column *column = find_column(view, key, length);

        if (!column || *count == AMDVI_MAX_COLUMNS) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE,
                              "--columns: %s has no column \"%.*s\"",
                              view->name, (int)length, key);
        }
        shown[(*count)++] = (size_t)(column - view->column);
        key = key[length] ? key + length + 1 : NULL;
    }
    return true;
}

static bool check_filters(const struct amdvi_view *view,
                          const struct amdvi_query *query,
                          struct amdvi_error *err)
{
    for (size_t i = 0; i < query->nfilters; i++) {
        const char *filter = query->filter[i];

        if (strchr(filter, '=') && !filter_column(view, filter)) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE,
                              "--filter %s: %s has no column %.*s", filter,
                              view->name, (int)strcspn(filter, "="), filter);
        }
    }
    return true;
}

bool amdvi_query_check(const struct amdvi_view *view,
                       const struct amdvi_query *query,
                       struct amdvi_error *err)
{
    size_t shown[AMDVI_MAX_COLUMNS], count;

    if (query->nargs < view->min_args) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "%s needs %s", view->name,
                          view->args);
    }
    if (query->nargs > view->max_args) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "%s: too many arguments, from %s on", view->name,
                          query->args[view->max_args]);
    }
    return (!view->check || view->check(query, err)) &&
           check_filters(view, query, err) &&
           choose_columns(view, query, shown, &count, err);
}

/* Drop the rows that do not pass every filter */
static void apply_filters(const struct amdvi_run *run,
                          struct amdvi_page *page)
{
    const struct amdvi_query *query = run->query;
    size_t n = 0;

    for (size_t i = 0; i < page->count; i++) {
        bool pass = true;

        for (size_t j = 0; j < query->nfilters; j++) {
            pass = pass && passes(run->view, &page->row[i], query->filter[j]);
        }
        if (pass && n != i) {
            page->row[n] = page->row[i];
        }
        n += pass;
    }
    page->count = n;
}

static bool fetch_page(struct amdvi_run *run, struct amdvi_page *page,
                       struct amdvi_error *err)
{
    amdvi_strings_free(&page->strings);
    page->count = 0;
    page->last = false;
    if (!run->view->fetch(run, page, err)) {
        return false;
    }
    apply_filters(run, page);
    return true;
}

/* What is left of an interrupted showing still ends as valid output */
static bool show_pages(struct amdvi_run *run, struct amdvi_page *page,
                       struct amdvi_renderer *renderer,
                       struct amdvi_error *err)
{
    bool good = true;

    if (!fetch_page(run, page, err)) {
        return false;
    }
    renderer->begin(renderer, run);
    renderer->page(renderer, run, page);
    while (good && !page->last && !renderer->done) {
        good = amdvi_interrupt_get() ? amdvi_interrupt_fail(err)
                                     : fetch_page(run, page, err);
        if (good) {
            renderer->page(renderer, run, page);
        }
    }
    renderer->end(renderer, run, good && !run->incomplete);
    if (good && run->verdict.code != AMDVI_EXIT_OK) {
        *err = run->verdict;
        return false;
    }
    if (good && run->incomplete) {
        return amdvi_fail(err, AMDVI_EXIT_PARTIAL,
                          "some of it could not be read");
    }
    return good;
}

static void close_run(struct amdvi_run *run)
{
    if (run->state && run->view->close) {
        run->view->close(run);
    }
    free(run->state);
    amdvi_strings_free(&run->strings);
    amdvi_strings_free(&run->notes);
}

bool amdvi_view_show(const struct amdvi_view *view,
                     struct amdvi_target *target,
                     const struct amdvi_query *query,
                     struct amdvi_renderer *renderer,
                     struct amdvi_error *err)
{
    struct amdvi_run run = {
        .view = view, .target = target, .query = query,
        .detail = query->verbose,
    };
    struct amdvi_page *page = calloc(1, sizeof(*page));
    bool good;

    if (!page) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    good = amdvi_query_check(view, query, err) &&
           choose_columns(view, query, run.shown, &run.nshown, err) &&
           amdvi_target_iommu(target, &run.iommu, err);
    run.extra = wants_extra(&run);
    good = good && view->open(&run, err) &&
           show_pages(&run, page, renderer, err);
    close_run(&run);
    amdvi_strings_free(&page->strings);
    free(page);
    return good;
}
