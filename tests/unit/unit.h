/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test needs: cmocka with the headers it wants before it, and
 * comparisons that name the row of the table they come from.
 */
#ifndef AMDVI_TESTS_UNIT_H
#define AMDVI_TESTS_UNIT_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Fail unless @got equals @want; @row and @what say where in the test */
static inline void expect_u64(const char *row, const char *what, uint64_t got,
                              uint64_t want)
{
    if (got != want) {
        fail_msg("%s: %s is 0x%" PRIx64 ", expected 0x%" PRIx64, row, what, got,
                 want);
    }
}

static inline void expect_str(const char *row, const char *got,
                              const char *want)
{
    if (!got || strcmp(got, want) != 0) {
        fail_msg("%s: text is \"%s\", expected \"%s\"", row,
                 got ? got : "(null)", want);
    }
}

static inline void expect_true(const char *row, const char *what, bool ok)
{
    if (!ok) {
        fail_msg("%s: not so: %s", row, what);
    }
}

/* xorshift64*: the same numbers on every machine for one seed */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
