/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page of a target's memory, as far as it was read.
 *
 * Tables are read entry by entry.  Most targets answer a page as quickly as
 * an entry; where they do not (amdvi_target_ops.piece), a page of which one
 * entry is wanted costs that piece, and one of which more is wanted is read
 * as a whole with the second request.
 */
#ifndef AMDVI_INSPECT_KEPT_PAGE_H
#define AMDVI_INSPECT_KEPT_PAGE_H

#include "amdvi.h"
#include "error.h"

#define AMDVI_KEPT_PAGE_SIZE 4096u

struct amdvi_target;

/* All zero: nothing is kept */
struct amdvi_kept_page {
    uint64_t address;           /* of the page */
    uint32_t first, end;        /* bytes of it that are kept; 0, 0: none */
    enum amdvi_mem_status status;   /* of these */
    uint8_t bytes[AMDVI_KEPT_PAGE_SIZE];
};

/*
 * Read @len bytes at @addr, which lie in one page; what is kept of another
 * one goes.  Returns false if the target failed, and nothing is kept then;
 * else *@ret_status, also in @page, tells whether there is memory.
 */
bool amdvi_kept_page_read(struct amdvi_kept_page *page,
                          struct amdvi_target *target, uint64_t addr,
                          void *buf, size_t len,
                          enum amdvi_mem_status *ret_status,
                          struct amdvi_error *err);
/* Read it anew the next time */
void amdvi_kept_page_forget(struct amdvi_kept_page *page);

#endif
