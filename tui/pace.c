/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pace.h.
 */
#include "pace.h"

int64_t amdvi_pace_ms(uint64_t queries, unsigned int per_s)
{
    return (int64_t)((queries * 1000 + per_s - 1) / per_s);
}

int64_t amdvi_pace_seldom_ms(uint64_t queries, int64_t took_ms)
{
    int64_t ms = amdvi_pace_ms(queries, AMDVI_PACE_SELDOM_PER_S);

    took_ms *= AMDVI_PACE_SELDOM_SHARE;
    ms = ms > took_ms ? ms : took_ms;
    return ms > AMDVI_PACE_SELDOM_MS ? ms : AMDVI_PACE_SELDOM_MS;
}

void amdvi_pace_spend(struct amdvi_pace *pace, int64_t now_ms,
                      uint64_t queries)
{
    int64_t from_ms = pace->due_ms > now_ms ? pace->due_ms : now_ms;

    pace->due_ms = from_ms + amdvi_pace_ms(queries, AMDVI_PACE_PER_S);
}

void amdvi_pace_forgive(struct amdvi_pace *pace)
{
    pace->due_ms = 0;
}

bool amdvi_pace_is_due(const struct amdvi_pace *pace, int64_t now_ms)
{
    return now_ms >= pace->due_ms;
}

int64_t amdvi_pace_next(const struct amdvi_pace *pace, int64_t now_ms,
                        int64_t interval_ms)
{
    int64_t next_ms = now_ms + interval_ms;

    return pace->due_ms > now_ms && pace->due_ms < next_ms ? pace->due_ms
                                                            : next_ms;
}
