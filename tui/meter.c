/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Meters: columns that are computed from the numbers of a view.  See tui.h.
 */
#include "tui.h"
#include "terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GAUGE_WIDTH 10
#define SPARKS 8

/* Numbers of a row in the snapshot that is shown and those before it */
struct history {
    uint64_t value[SPARKS + 1];
    int64_t at_ms[SPARKS + 1];
    size_t count;               /* the newest is last */
};

static bool number_of(const struct amdvi_snapshot *snapshot, size_t row,
                      const char *key, uint64_t *ret)
{
    size_t column = amdvi_snapshot_column(snapshot, key);
    struct amdvi_cell cell;

    if (column == snapshot->view->ncolumns) {
        return false;
    }
    cell = amdvi_snapshot_cell(snapshot, row, column);
    *ret = cell.number;
    return cell.known;
}

static const char *gauge(const struct amdvi_screen_pane *pane,
                         const struct amdvi_snapshot *snapshot, size_t row,
                         char *buf, size_t size)
{
    char bar[GAUGE_WIDTH + 1];
    uint64_t value, limit;
    unsigned int percent;

    if (!number_of(snapshot, row, pane->value, &value) ||
        !number_of(snapshot, row, pane->limit, &limit) || limit == 0) {
        return "-";
    }
    value = value < limit ? value : limit;
    percent = (unsigned int)(100.0 * (double)value / (double)limit);
    memset(bar, '.', GAUGE_WIDTH);
    /* a little is not nothing */
    memset(bar, '#', (percent * GAUGE_WIDTH + 99) / 100);
    bar[GAUGE_WIDTH] = '\0';
    if (value && bar[0] == '.') {
        bar[0] = '#';
    }
    snprintf(buf, size, "[%s] %3u%%", bar, percent);
    return buf;
}

static void collect(const struct amdvi_place *place, size_t pane,
                    size_t row, struct history *history)
{
    const struct amdvi_pane *p = &place->pane[pane];
    size_t ids = place->screen->pane[pane].ids;
    size_t last = amdvi_place_kept(place, pane);
    size_t first = last > SPARKS + 1 ? last - SPARKS - 1 : 0;
    uint64_t id = amdvi_snapshot_id(amdvi_place_shown(place, pane), row,
                                    ids);

    history->count = 0;
    for (size_t i = first; i < last; i++) {
        uint64_t *value = &history->value[history->count];
        size_t found;

        if (amdvi_snapshot_find(p->kept[i], id, ids, row, &found) &&
            number_of(p->kept[i], found, place->screen->pane[pane].value,
                      value)) {
            history->at_ms[history->count++] = p->kept[i]->taken_ms;
        }
    }
}

/* Per second; a counter that began anew counts as standing still */
static double rate_at(const struct history *history, size_t i)
{
    int64_t ms = history->at_ms[i] - history->at_ms[i - 1];

    if (history->value[i] < history->value[i - 1] || ms <= 0) {
        return 0;
    }
    return (double)(history->value[i] - history->value[i - 1]) * 1000.0 /
           (double)ms;
}

static const char *spark(unsigned int eighths)
{
    static const char *const utf8[] = {
        "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586",
        "\u2587", "\u2588",
    };
    static const char *const ascii[] = {
        "_", ".", ":", "-", "=", "+", "*", "#",
    };

    return (amdvi_terminal_ascii() ? ascii : utf8)[eighths];
}

/* "1234", "12.3k", "4.5M" */
static void put_rate(double rate, char *buf, size_t size)
{
    static const char units[] = " kMG";
    size_t unit = 0;

    while (rate >= 10000 && units[unit + 1]) {
        rate /= 1000;
        unit++;
    }
    snprintf(buf, size, "%6.*f%c", unit ? 1 : 0, rate, units[unit]);
}

static const char *rate(const struct amdvi_place *place, size_t pane,
                        size_t row, char *buf, size_t size)
{
    struct history history;
    double most = 0;
    size_t used;

    collect(place, pane, row, &history);
    if (history.count < 2) {
        return "-";
    }
    put_rate(rate_at(&history, history.count - 1), buf, size);
    used = strlen(buf);
    used += (size_t)snprintf(buf + used, size - used, " ");
    for (size_t i = 1; i < history.count; i++) {
        most = rate_at(&history, i) > most ? rate_at(&history, i) : most;
    }
    for (size_t i = 1; i < history.count && used < size; i++) {
        unsigned int eighths = most > 0
            ? (unsigned int)(7 * rate_at(&history, i) / most) : 0;

        used += (size_t)snprintf(buf + used, size - used, "%s",
                                 spark(eighths));
    }
    return buf;
}

const char *amdvi_meter_text(const struct amdvi_place *place, size_t pane,
                             size_t row, char *buf, size_t size)
{
    const struct amdvi_screen_pane *p = &place->screen->pane[pane];

    return p->meter == AMDVI_METER_GAUGE
           ? gauge(p, amdvi_place_shown(place, pane), row, buf, size)
           : rate(place, pane, row, buf, size);
}
