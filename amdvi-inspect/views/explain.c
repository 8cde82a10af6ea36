/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "explain": what pasted words or a line of a kernel's log mean.
 *
 * Each row is one reading, with how sure it is, and its record.  Words alone
 * say little about what they are, so several readings are offered; a line of
 * a log, or a name before the words, leaves one.
 */
#include "log-line.h"
#include "text.h"
#include "view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_READINGS 8

/* How sure a reading is */
#define CERTAIN "certain"
#define LIKELY "likely"
#define POSSIBLE "possible"

enum {
    COLUMN_KIND,
    COLUMN_TITLE,
    COLUMN_SURE,
    COLUMN_WHY,
    COLUMN_SET,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_KIND] = { "kind", "Is", AMDVI_CELL_TEXT, 0 },
    [COLUMN_TITLE] = { "title", "That is", AMDVI_CELL_TEXT, 0 },
    [COLUMN_SURE] = { "confidence", "Confidence", AMDVI_CELL_TEXT, 0 },
    [COLUMN_WHY] = { "because", "Because", AMDVI_CELL_TEXT, 0 },
    [COLUMN_SET] = { "set", "Fields that are not 0", AMDVI_CELL_WORDS, 0 },
};

struct reading {
    const struct amdvi_layout *layout;  /* NULL: a complaint without words */
    const char *title;          /* then: what it means */
    const char *sure;           /* CERTAIN, LIKELY or POSSIBLE */
    const char *why;
};

struct state {
    uint64_t words[AMDVI_MAX_WORDS];
    size_t nwords;
    struct reading reading[MAX_READINGS];
    size_t count;
};

static void add(struct state *state, const struct amdvi_layout *layout,
                const char *sure, const char *why)
{
    if (layout && state->count < MAX_READINGS) {
        state->reading[state->count++] = (struct reading){
            layout, layout->title, sure, why,
        };
    }
}

/* "0x1f", "1f", "1fh", "0000_001f": hexadecimal in every case */
static bool parse_word(const char *text, uint64_t *ret)
{
    char digits[24] = "0x";
    size_t n = 2;

    text += strncasecmp(text, "0x", 2) == 0 ? 2 : 0;
    for (; *text && n < sizeof(digits) - 1; text++) {
        if (*text != '_' && !((*text == 'h' || *text == ',') && !text[1])) {
            digits[n++] = *text;
        }
    }
    digits[n] = '\0';
    return !*text && amdvi_parse_number(digits, UINT64_MAX, ret);
}

/* Reserved bits of a kind of entry, or encodings without a meaning */
static bool is_odd(const struct amdvi_layout *layout, const uint64_t *words)
{
    uint64_t bad[AMDVI_MAX_WORDS];

    return amdvi_reserved_bits(layout, NULL, words, bad) ||
           amdvi_reserved_encoding(layout, words);
}

static void read_as(struct state *state, const struct amdvi_layout *layout)
{
    if (layout) {
        bool odd = is_odd(layout, state->words);

        add(state, layout, odd ? POSSIBLE : LIKELY,
            odd ? "it would have reserved bits or values set"
                : "no reserved bit or value is set");
    }
}

/* One word: an entry of some table */
static void read_one(struct state *state)
{
    uint64_t word = state->words[0];
    const struct amdvi_layout *host = amdvi_layout_host(word);

    if (!amdvi_hpde_pr(&word)) {
        add(state, host, POSSIBLE, "bit 0 is 0: not present, whatever it is");
        return;
    }
    if (amdvi_hpde_ir(&word) || amdvi_hpde_iw(&word)) {
        read_as(state, host);
    } else {
        add(state, host, POSSIBLE, "IR and IW are 0");
    }
    add(state, &amdvi_layouts[AMDVI_LAYOUT_gpte],
        (word & 0x7fe) ? LIKELY : POSSIBLE,
        "a guest entry of level 1; 2 and 3 if PS is 0 are pointers");
    if (amdvi_gpde_ps(&word)) {
        read_as(state, amdvi_layout_guest(2, word));
        read_as(state, amdvi_layout_guest(3, word));
    }
    add(state, &amdvi_layouts[AMDVI_LAYOUT_gcr3e],
        (word & 0xffe) ? POSSIBLE : LIKELY,
        "software writes 0 to all but V and the address");
}

/* Two words: a command or an entry of a log */
static void read_two(struct state *state)
{
    static const enum amdvi_family families[] = {
        AMDVI_FAMILY_COMMAND, AMDVI_FAMILY_EVENT, AMDVI_FAMILY_PPR,
    };
    const struct amdvi_layout *irte = amdvi_layout_match(AMDVI_FAMILY_IRTE128,
                                                         state->words[0]);

    if (!is_odd(irte, state->words)) {
        read_as(state, irte);
    }
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        read_as(state, amdvi_layout_match(families[i], state->words[0]));
    }
}

static void read_words(struct state *state)
{
    if (state->nwords == 1) {
        read_one(state);
    } else if (state->nwords == 2) {
        read_two(state);
    } else {
        read_as(state, &amdvi_layouts[AMDVI_LAYOUT_dte]);
    }
}

/* A register or structure by its key or the manual's name */
static const struct amdvi_layout *find_layout(const char *name)
{
    const struct amdvi_layout *layout = amdvi_layout_by_id(name);

    for (int i = 0; !layout && i < AMDVI_NUM_LAYOUTS; i++) {
        if (strcasecmp(amdvi_layouts[i].name, name) == 0) {
            layout = &amdvi_layouts[i];
        }
    }
    return layout;
}

/* The words from argument @first on; false if one of them is none */
static bool parse_words(const struct amdvi_query *query, size_t first,
                        struct state *state)
{
    state->nwords = query->nargs - first;
    if (state->nwords == 0 || state->nwords > AMDVI_MAX_WORDS) {
        return false;
    }
    for (size_t i = 0; i < state->nwords; i++) {
        if (!parse_word(query->args[first + i], &state->words[i])) {
            return false;
        }
    }
    return true;
}

/* "command q0 q1": what a ring or table with entries of several kinds holds */
static const struct amdvi_layout *find_entry(const char *name,
                                             const struct state *state)
{
    static const struct {
        const char *name;
        enum amdvi_family family;
    } families[] = {
        { "command", AMDVI_FAMILY_COMMAND },
        { "event", AMDVI_FAMILY_EVENT },
        { "ppr", AMDVI_FAMILY_PPR },
        { "irte128", AMDVI_FAMILY_IRTE128 },
    };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strcasecmp(families[i].name, name) == 0) {
            return amdvi_layout_match(families[i].family, state->words[0]);
        }
    }
    return NULL;
}

/* "control 0x1f08d", "gpte 89abc067", "dte q0 q1 q2 q3", "command q0 q1" */
static bool recognise_named(const struct amdvi_query *query,
                            struct state *state)
{
    const struct amdvi_layout *layout;

    if (!parse_words(query, 1, state)) {
        return false;
    }
    layout = find_entry(query->args[0], state);
    if (!layout) {
        layout = find_layout(query->args[0]);
    }
    if (!layout || state->nwords > amdvi_layout_words(layout)) {
        return false;
    }
    add(state, layout, CERTAIN, "you said so");
    return true;
}

/* What else than an event a kernel's log may have */
static bool recognise_other_line(const char *line, struct state *state)
{
    const struct amdvi_log_complaint *complaint = amdvi_log_complaint(line);
    const struct amdvi_layout *layout;
    bool complete;

    if (complaint) {
        state->reading[state->count++] = (struct reading){
            NULL, complaint->meaning, CERTAIN, "a line of Linux",
        };
        return true;
    }
    layout = amdvi_log_words_parse(line, state->words, &complete);
    add(state, layout, complete ? CERTAIN : LIKELY,
        complete ? "four lines of Linux"
                 : "some of four lines of Linux: words of others are 0 here");
    return layout;
}

static bool recognise_line(const struct amdvi_query *query,
                           struct state *state, struct amdvi_error *err)
{
    char line[AMDVI_LOG_LINE] = "";
    size_t n = 0;
    const char *form;

    for (size_t i = 0; i < query->nargs && n < sizeof(line); i++) {
        n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s",
                              i ? " " : "", query->args[i]);
    }
    state->nwords = 2;
    form = n < sizeof(line) ? amdvi_log_line_parse(line, state->words) : NULL;
    if (!form && n < sizeof(line) && recognise_other_line(line, state)) {
        return true;
    }
    if (!form) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "not recognised: neither 1, 2 or 4 hexadecimal "
                          "words nor a line of a kernel's log that is known");
    }
    add(state, amdvi_layout_match(AMDVI_FAMILY_EVENT, state->words[0]),
        CERTAIN, form);
    return true;
}

static bool recognise(const struct amdvi_query *query, struct state *state,
                      struct amdvi_error *err)
{
    if (parse_words(query, 0, state) && state->nwords != 3) {
        read_words(state);
        return true;
    }
    return recognise_named(query, state) || recognise_line(query, state, err);
}

static bool check(const struct amdvi_query *query, struct amdvi_error *err)
{
    struct state state = { .nwords = 0 };

    return recognise(query, &state, err);
}

static bool open_explain(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    if (!recognise(run->query, state, err)) {
        return false;
    }
    run->detail = true;
    if (state->count == 0) {
        amdvi_run_note(run, "no command, event or log entry begins so");
    } else if (state->count > 1) {
        amdvi_run_note(run, "a name before the words leaves one reading: "
                       "explain gpte WORD");
    }
    return true;
}

static void add_row(const struct state *state, struct amdvi_page *page,
                    const struct reading *reading)
{
    struct amdvi_row *row = amdvi_page_add(page);
    struct amdvi_strings *strings = &page->strings;

    if (reading->layout) {
        row->record.layout = reading->layout;
        row->record.count = amdvi_layout_words(reading->layout);
        memcpy(row->record.words, state->words, sizeof(row->record.words));
        row->cell[COLUMN_SET] = amdvi_record_summary(strings, &row->record,
                                                     NULL);
    }
    row->cell[COLUMN_KIND] = amdvi_cell_text(strings, "%s", reading->layout
                                             ? reading->layout->name
                                             : "complaint");
    row->cell[COLUMN_TITLE] = amdvi_cell_text(strings, "%s", reading->title);
    row->cell[COLUMN_SURE] = amdvi_cell_text(strings, "%s", reading->sure);
    row->cell[COLUMN_WHY] = amdvi_cell_text(strings, "%s", reading->why);
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    const struct state *state = run->state;

    (void)err;
    /* what is merely possible comes last */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < state->count; i++) {
            if ((strcmp(state->reading[i].sure, POSSIBLE) == 0) == pass) {
                add_row(state, page, &state->reading[i]);
            }
        }
    }
    page->last = true;
    return true;
}

const struct amdvi_view amdvi_view_explain = {
    .name = "explain",
    .args = "WORD...",
    .help = "what table words or a line of a kernel log mean",
    .min_args = 1,
    .max_args = SIZE_MAX,
    .options = AMDVI_QUERY_VERBOSE,
    .targetless = true,
    .rows_key = "readings",
    .record_key = "record",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = check,
    .open = open_explain,
    .fetch = fetch,
};
