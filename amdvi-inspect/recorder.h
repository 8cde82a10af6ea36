/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target that looks at another one and remembers which memory was read, so
 * that it can be written down.
 *
 * How many new pages are read may be limited: beyond that memory is unknown,
 * and a walk ends there as it does in a dump that lacks it.
 */
#ifndef AMDVI_INSPECT_RECORDER_H
#define AMDVI_INSPECT_RECORDER_H

#include "target.h"

struct amdvi_recorded_page {
    uint64_t address;
    enum amdvi_mem_status status;   /* OK or ABORT */
    uint8_t bytes[4096];            /* if OK */
};

struct amdvi_recorder {
    struct amdvi_target *source;
    struct amdvi_target *target;    /* to be used in place of source */
    struct amdvi_recorded_page **page;  /* ascending by address */
    size_t count;
    size_t room;                /* new pages that may still be read */
    bool refused;               /* some were not, for lack of room */
};

/* NULL: no memory.  @source stays open */
struct amdvi_recorder *amdvi_recorder_new(struct amdvi_target *source,
                                          struct amdvi_error *err);
/* @recorder may be NULL */
void amdvi_recorder_free(struct amdvi_recorder *recorder);

#endif
