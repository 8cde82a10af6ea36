/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counters that all processes share, and the report in JSON.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "torture.h"

/* Texts are kept of each scenario's first failures. */
enum { MAX_SCENARIOS = 64, EACH = 4, MAX_TEXTS = 32, TEXT_BYTES = 200 };

struct report {
    struct tally tallies[MAX_SCENARIOS];
    struct tally outside;      /* of all scenarios */
    uint64_t texts;
    char text[MAX_TEXTS][TEXT_BYTES];
};

static struct report *report;

void report_init(void)
{
    report = map_shared(sizeof(*report));
    if (scenario_count > MAX_SCENARIOS) {
        abort();
    }
}

struct tally *report_tally(int scenario)
{
    return &report->tallies[scenario];
}

static const char *running(const struct worker *worker)
{
    return worker->tally ? scenarios[worker->tally - report->tallies].name :
                           "start";
}

void fail(struct worker *worker, const char *format, ...)
{
    struct tally *tally = worker->tally ? worker->tally : &report->outside;
    char text[TEXT_BYTES / 2];
    va_list arguments;
    uint64_t number;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (__atomic_fetch_add(&tally->failures, 1, __ATOMIC_RELAXED) >= EACH) {
        return;
    }
    number = __atomic_fetch_add(&report->texts, 1, __ATOMIC_RELAXED);
    if (number < MAX_TEXTS) {
        snprintf(report->text[number], TEXT_BYTES, "%s on %s: %s",
                 running(worker), worker->queue.name, text);
    }
}

void prove(struct worker *worker)
{
    tally_add(&worker->tally->proofs, 1);
}

static const char *verdict(const struct tally *tally)
{
    if (tally->failures) {
        return "failed";
    }
    return tally->proofs ? "ok" : "not exercised";
}

static void print_tally(const struct tally *tally)
{
    printf("\"operations\": %lu, \"bytes\": %lu, \"faults\": %lu, "
           "\"pages-brought-in\": %lu, \"failures\": %lu",
           tally->operations, tally->bytes, tally->faults, tally->brought_in,
           tally->failures);
}

static void add_up(struct tally *total, const struct tally *tally)
{
    total->operations += tally->operations;
    total->bytes += tally->bytes;
    total->faults += tally->faults;
    total->brought_in += tally->brought_in;
    total->failures += tally->failures;
}

/* Failure texts hold numbers and names of ours only: nothing to escape. */
static void print_texts(void)
{
    printf("  \"first-failures\": [");
    for (uint64_t i = 0; i < report->texts && i < MAX_TEXTS; i++) {
        printf("%s\n    \"%s\"", i ? "," : "", report->text[i]);
    }
    printf("]\n}\n");
}

void report_table(void)
{
    printf("%-16s %-14s %10s %8s %9s %11s\n", "scenario", "verdict",
           "operations", "faults", "KiB", "brought in");
    for (int i = 0; i < scenario_count; i++) {
        const struct tally *tally = &report->tallies[i];

        if (tally->selected) {
            printf("%-16s %-14s %10lu %8lu %9lu %11lu\n", scenarios[i].name,
                   verdict(tally), tally->operations, tally->faults,
                   tally->bytes / 1024, tally->brought_in);
        }
    }
}

bool report_good(void)
{
    bool good = !report->outside.failures;

    for (int i = 0; i < scenario_count; i++) {
        const struct tally *tally = &report->tallies[i];

        good &= !tally->selected || (tally->proofs && !tally->failures);
    }
    return good;
}

void report_print(uint64_t seed, int processes, int threads, double seconds)
{
    struct tally total = report->outside;
    const char *comma = "";
    int idle = 0;

    printf("{\n  \"seed\": %lu, \"processes\": %d, \"threads\": %d, "
           "\"seconds\": %.1f,\n  \"scenarios\": [", seed, processes, threads,
           seconds);
    for (int i = 0; i < scenario_count; i++) {
        const struct tally *tally = &report->tallies[i];

        if (!tally->selected) {
            continue;
        }
        printf("%s\n    {\"name\": \"%s\", \"verdict\": \"%s\", "
               "\"runs\": %lu, \"proofs\": %lu, ", comma, scenarios[i].name,
               verdict(tally), tally->runs, tally->proofs);
        print_tally(tally);
        printf("}");
        comma = ",";
        add_up(&total, tally);
        idle += !tally->proofs;
    }
    printf("],\n  ");
    print_tally(&total);
    printf(", \"not-exercised\": %d,\n", idle);
    print_texts();
}
