/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a target as the walk wants it, with the pages that were read
 * last kept: a walk reads 8 bytes at a time, a target answers a page as
 * quickly.
 */
#ifndef AMDVI_INSPECT_MEMORY_H
#define AMDVI_INSPECT_MEMORY_H

#include "target.h"

#define AMDVI_MEMORY_SLOTS 64

struct amdvi_memory {
    struct amdvi_target *target;
    struct amdvi_mem mem;       /* read only */
    bool failed;                /* the target did; err says how */
    struct amdvi_error err;
    struct {
        bool used;
        uint64_t page;          /* its address */
        enum amdvi_mem_status status;
        uint8_t bytes[4096];
    } slot[AMDVI_MEMORY_SLOTS];
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
