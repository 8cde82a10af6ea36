/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "check": what breaks a rule.  The rules are in check.h.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_SEVERITY,
    COLUMN_RULE,
    COLUMN_PLACE,
    COLUMN_DETAIL,
    COLUMN_MEANING,
    NUM_COLUMNS
};

static const struct amdvi_column columns[NUM_COLUMNS] = {
    [COLUMN_SEVERITY] = { "severity", "Severity", AMDVI_CELL_TEXT, 0 },
    [COLUMN_RULE] = { "rule", "Rule", AMDVI_CELL_TEXT, 0 },
    [COLUMN_PLACE] = { "place", "Place", AMDVI_CELL_TEXT, 0 },
    [COLUMN_DETAIL] = { "detail", "Shown by", AMDVI_CELL_TEXT, 0 },
    [COLUMN_MEANING] = { "meaning", "Which means", AMDVI_CELL_TEXT, 0 },
};

struct state {
    struct amdvi_check check;
    size_t next;
    size_t shown[AMDVI_NUM_RULES];
};

static enum amdvi_rule_id find_rule(const char *id)
{
    int rule = 0;

    while (rule < AMDVI_NUM_RULES && strcmp(amdvi_rules[rule].id, id) != 0) {
        rule++;
    }
    return (enum amdvi_rule_id)rule;
}

static bool check_query(const struct amdvi_query *query,
                        struct amdvi_error *err)
{
    return !query->rule || find_rule(query->rule) != AMDVI_NUM_RULES ||
           amdvi_fail(err, AMDVI_EXIT_USAGE, "--rule: no rule is called %s",
                      query->rule);
}

/* Whether the user wants to hear of a rule */
static bool wanted(const struct amdvi_run *run, enum amdvi_rule_id rule)
{
    return !run->query->rule || find_rule(run->query->rule) == rule;
}

static uint64_t count_findings(const struct amdvi_run *run,
                               enum amdvi_severity severity)
{
    const struct state *state = run->state;
    uint64_t count = 0;

    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        if (amdvi_rules[i].severity == severity &&
            wanted(run, (enum amdvi_rule_id)i)) {
            count += state->check.found.of_rule[i];
        }
    }
    return count;
}

/* Whether a rule that is wanted gave no answer, and why */
static enum amdvi_untried untried(const struct amdvi_run *run,
                                  enum amdvi_rule_id rule)
{
    const struct amdvi_check *check = &((struct state *)run->state)->check;

    return wanted(run, rule) && check->found.of_rule[rule] == 0
           ? check->untried[rule] : AMDVI_TRIED;
}

/* Name the rules that could not be tried */
static void note_untried(struct amdvi_run *run)
{
    char names[256] = "";
    size_t used = 0;

    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        if (untried(run, (enum amdvi_rule_id)i) != AMDVI_TRIED &&
            used < sizeof(names)) {
            used += (size_t)snprintf(names + used, sizeof(names) - used,
                                     "%s%s", used ? ", " : "",
                                     amdvi_rules[i].id);
        }
    }
    if (used) {
        amdvi_run_note(run, "not tried, see amdvi-check(7) for why: %s",
                       names);
    }
}

/* The one rule that was asked for must not pass because nobody tried it */
static void judge_untried(struct amdvi_run *run, enum amdvi_rule_id rule)
{
    enum amdvi_untried why = untried(run, rule);

    if (why != AMDVI_TRIED) {
        amdvi_fail(&run->verdict, amdvi_target_is_dump(run->target)
                   ? AMDVI_EXIT_NOT_IN_DUMP : AMDVI_EXIT_UNSUPPORTED,
                   "%s could not be tried: %s", amdvi_rules[rule].id,
                   amdvi_untried_text(why));
    }
}

/* What may be missing from the list of findings */
static void add_notes(struct amdvi_run *run)
{
    const struct state *state = run->state;

    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        size_t n = state->check.found.of_rule[i];

        if (n > AMDVI_SHOWN_FINDINGS_OF_RULE &&
            wanted(run, (enum amdvi_rule_id)i)) {
            amdvi_run_note(run, "of %zu findings of %s the first %d are shown",
                           n, amdvi_rules[i].id,
                           AMDVI_SHOWN_FINDINGS_OF_RULE);
        }
    }
    if (state->check.cut_short) {
        amdvi_run_note(run, "the tables are large: not all were looked at");
    }
    if (state->check.found.of_rule[AMDVI_RULE_DISAGREEING_ENTRY]) {
        amdvi_run_note(run, "%s: its driver has had no time to invalidate "
                       "what disagrees", run->target->ops->pause
                       ? "the VM is paused" : "this is one moment");
    }
    note_untried(run);
    if (state->check.not_in_dump) {
        run->incomplete = true;
        amdvi_run_note(run, "not all tables are in this dump");
    }
}

static uint64_t count_untried(const struct amdvi_run *run)
{
    uint64_t count = 0;

    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        count += untried(run, (enum amdvi_rule_id)i) != AMDVI_TRIED;
    }
    return count;
}

static void judge(struct amdvi_run *run)
{
    uint64_t errors = count_findings(run, AMDVI_SEVERITY_error);
    uint64_t warnings = count_findings(run, AMDVI_SEVERITY_warning);
    uint64_t rules = run->query->rule ? 1 : AMDVI_NUM_RULES;
    uint64_t not_tried = count_untried(run);

    amdvi_run_fact(run, "rules", "Rules", AMDVI_CELL_DEC,
                   amdvi_cell_number(rules - not_tried));
    amdvi_run_fact(run, "errors", "Errors", AMDVI_CELL_DEC,
                   amdvi_cell_number(errors));
    amdvi_run_fact(run, "warnings", "Warnings", AMDVI_CELL_DEC,
                   amdvi_cell_number(warnings));
    amdvi_run_fact(run, "rules-not-tried", "Not tried", AMDVI_CELL_DEC,
                   amdvi_cell_number(not_tried));
    if (errors) {
        amdvi_fail(&run->verdict, AMDVI_EXIT_FAILED,
                   "%" PRIu64 " errors were found", errors);
    } else if (run->query->rule) {
        judge_untried(run, find_rule(run->query->rule));
    }
    add_notes(run);
}

static bool open_check(struct amdvi_run *run, struct amdvi_error *err)
{
    struct state *state = calloc(1, sizeof(*state));
    struct amdvi_check *check;

    if (!state) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = state;
    check = &state->check;
    check->target = run->target;
    check->grace_ms = run->query->has_grace ? run->query->grace
                                            : AMDVI_CHECK_GRACE_MS;
    check->late_ms = run->query->has_late ? run->query->late
                                          : AMDVI_CHECK_LATE_MS;
    check->memory = amdvi_memory_new(run->target, err);
    if (!check->memory || !amdvi_target_pci(run->target, &check->pci, err) ||
        !amdvi_check_run(check, err)) {
        return false;
    }
    judge(run);
    return true;
}

static void add_row(struct amdvi_page *page,
                    const struct amdvi_finding *finding)
{
    const struct amdvi_rule *rule = &amdvi_rules[finding->rule];
    struct amdvi_row *row = amdvi_page_add(page);
    struct amdvi_cell *cell = row->cell;
    struct amdvi_strings *strings = &page->strings;

    cell[COLUMN_SEVERITY] =
        amdvi_cell_text(strings, "%s", rule->severity == AMDVI_SEVERITY_error
                                       ? "error" : "warning");
    cell[COLUMN_RULE] = amdvi_cell_text(strings, "%s", rule->id);
    cell[COLUMN_PLACE] = amdvi_cell_text(strings, "%s", finding->place);
    cell[COLUMN_DETAIL] = amdvi_cell_text(strings, "%s", finding->detail);
    cell[COLUMN_MEANING] = amdvi_cell_text(strings, "%s", rule->meaning);
    row->record = finding->record;
}

static bool fetch(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err)
{
    struct state *state = run->state;
    const struct amdvi_findings *found = &state->check.found;

    (void)err;
    while (state->next < found->count && page->count < AMDVI_PAGE_ROWS) {
        const struct amdvi_finding *finding = &found->finding[state->next++];

        if (wanted(run, finding->rule) &&
            state->shown[finding->rule]++ < AMDVI_SHOWN_FINDINGS_OF_RULE) {
            add_row(page, finding);
        }
    }
    page->last = state->next == found->count;
    return true;
}

static void close_check(struct amdvi_run *run)
{
    struct state *state = run->state;

    amdvi_findings_free(&state->check.found);
    amdvi_pci_list_free(&state->check.pci);
    free(state->check.memory);
}

const struct amdvi_view amdvi_view_check = {
    .name = "check",
    .args = "",
    .help = "what breaks a rule: see amdvi-check(7)",
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_RULE |
               AMDVI_QUERY_GRACE | AMDVI_QUERY_LATE | AMDVI_QUERY_VERBOSE,
    .facts_key = "summary",
    .rows_key = "findings",
    .record_key = "record",
    .column = columns,
    .ncolumns = NUM_COLUMNS,
    .check = check_query,
    .open = open_check,
    .fetch = fetch,
    .close = close_check,
};
