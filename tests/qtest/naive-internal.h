/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two files of the naive model share.  See naive.h. */
#ifndef AMDVI_TESTS_NAIVE_INTERNAL_H
#define AMDVI_TESTS_NAIVE_INTERNAL_H

#include "naive.h"

/* Bits [high:low] of a word */
static inline uint64_t naive_bits(uint64_t word, unsigned int high,
                                  unsigned int low)
{
    uint64_t value = word >> low;

    return high - low == 63 ? value
                            : value & ((1ULL << (high - low + 1)) - 1);
}

static inline bool naive_bit(uint64_t word, unsigned int n)
{
    return word >> n & 1;
}

/* An event: code in 63:60, DeviceID in 15:0, flags in 59:48 */
void naive_log_event(struct naive *n, unsigned int code, uint64_t flags,
                     uint64_t q1);
/* 1, step 3: false if that ends the request */
bool naive_fetch_dte(struct naive *n);
/* structures.md 1: is the DTE illegal?  If so ends the request */
bool naive_dte_illegal(struct naive *n);

#endif
