/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a target as the walk wants it, with the pages that were read
 * last kept: a walk reads 8 bytes at a time, and comes back to its tables.
 */
#ifndef AMDVI_INSPECT_MEMORY_H
#define AMDVI_INSPECT_MEMORY_H

#include "kept-page.h"
#include "target.h"

/* Pages kept: sets by address, so that the tables of a walk do not displace
   each other, wherever they lie */
#define AMDVI_MEMORY_SETS 16
#define AMDVI_MEMORY_WAYS 16

struct amdvi_memory_page {
    uint64_t used;              /* when last, by memory->clock; 0: empty */
    struct amdvi_kept_page kept;
};

struct amdvi_memory {
    struct amdvi_target *target;
    struct amdvi_mem mem;       /* read only */
    bool failed;                /* the target did; err says how */
    struct amdvi_error err;
    uint64_t clock;             /* counts reads */
    struct amdvi_memory_page page[AMDVI_MEMORY_SETS][AMDVI_MEMORY_WAYS];
};

/* NULL: no memory.  The caller frees it */
struct amdvi_memory *amdvi_memory_new(struct amdvi_target *target,
                                      struct amdvi_error *err);
/* Read everything anew: the guest may have changed it */
void amdvi_memory_forget(struct amdvi_memory *memory);
/*
 * Whether the target has answered all reads so far; if not, the results of
 * walks over this memory mean nothing, and @err gets the reason.
 */
bool amdvi_memory_good(const struct amdvi_memory *memory,
                       struct amdvi_error *err);

#endif
