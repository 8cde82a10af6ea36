/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pace: how much a VM is asked by itself.
 *
 * A query holds QEMU's big lock for 0.03 to 0.5 ms, and the guest waits for
 * that lock.  So it is queries that are limited and not refreshes: who has
 * sent many sends the next ones later.  What the user asks for never waits.
 */
#ifndef AMDVI_TUI_PACE_H
#define AMDVI_TUI_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Queries in a second, of refreshes and of what is seldom asked for.  A look
 * whether the VM runs, once an interval, is the cheapest and comes on top.
 * In the mean a query of a refresh takes 0.2 ms at most, and one of what is
 * seldom asked for 0.1 ms: together 10 ms.
 */
#define AMDVI_PACE_PER_S 40
#define AMDVI_PACE_SELDOM_PER_S 20
/*
 * What is seldom asked for comes after so many milliseconds at the earliest,
 * and may take one part in so many of the time
 */
#define AMDVI_PACE_SELDOM_MS 5000
#define AMDVI_PACE_SELDOM_SHARE 10

/* All zero: nothing was asked yet.  Times are those of amdvi_clock_ms() */
struct amdvi_pace {
    int64_t due_ms;             /* nothing is asked for by itself before */
};

/* Milliseconds in which so many queries are allowed */
int64_t amdvi_pace_ms(uint64_t queries, unsigned int per_s);
/* Until what took so many, and such a time, is asked for again */
int64_t amdvi_pace_seldom_ms(uint64_t queries, int64_t took_ms);
/* So many were sent, the last one now */
void amdvi_pace_spend(struct amdvi_pace *pace, int64_t now_ms,
                      uint64_t queries);
/* The user wants something: what was sent before does not count */
void amdvi_pace_forgive(struct amdvi_pace *pace);
/* Whether a refresh may begin */
bool amdvi_pace_is_due(const struct amdvi_pace *pace, int64_t now_ms);
/* When to look again if refreshes are wanted at this interval */
int64_t amdvi_pace_next(const struct amdvi_pace *pace, int64_t now_ms,
                        int64_t interval_ms);

#endif
