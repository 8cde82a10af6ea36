/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page of a target's memory, as far as it was read.  See kept-page.h.
 */
#include "kept-page.h"
#include "target.h"

#include <string.h>

static bool is_of(const struct amdvi_kept_page *page, uint64_t addr)
{
    return page->end && page->address == addr - addr % AMDVI_KEPT_PAGE_SIZE;
}

static bool holds(const struct amdvi_kept_page *page, uint64_t addr,
                  size_t len)
{
    uint32_t offset = addr % AMDVI_KEPT_PAGE_SIZE;

    return is_of(page, addr) && offset >= page->first &&
           len <= page->end - offset && offset < page->end;
}

/* Read the piece around @addr, or all of the page */
static bool load(struct amdvi_kept_page *page, struct amdvi_target *target,
                 uint64_t addr, size_t len, struct amdvi_error *err)
{
    uint32_t offset = addr % AMDVI_KEPT_PAGE_SIZE;
    uint32_t piece = target->ops->piece, first = 0;
    uint32_t bytes = AMDVI_KEPT_PAGE_SIZE;

    if (piece && !is_of(page, addr) && offset % piece + len <= piece) {
        first = offset - offset % piece;
        bytes = piece;
    }
    amdvi_kept_page_forget(page);
    page->address = addr - offset;
    if (!amdvi_target_read(target, page->address + first, page->bytes + first,
                           bytes, &page->status, err)) {
        return false;
    }
    page->first = first;
    page->end = first + bytes;
    return true;
}

bool amdvi_kept_page_read(struct amdvi_kept_page *page,
                          struct amdvi_target *target, uint64_t addr,
                          void *buf, size_t len,
                          enum amdvi_mem_status *ret_status,
                          struct amdvi_error *err)
{
    *ret_status = AMDVI_MEM_ABORT;
    if (!holds(page, addr, len) && !load(page, target, addr, len, err)) {
        return false;
    }
    if (page->status == AMDVI_MEM_OK) {
        memcpy(buf, page->bytes + addr % AMDVI_KEPT_PAGE_SIZE, len);
    }
    *ret_status = page->status;
    return true;
}

void amdvi_kept_page_forget(struct amdvi_kept_page *page)
{
    page->first = 0;
    page->end = 0;
}
