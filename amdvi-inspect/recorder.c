/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target that remembers what was read.  See recorder.h.
 */
#include "recorder.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096u

/* Number of the first page at or above @address */
static size_t find_place(const struct amdvi_recorder *recorder,
                         uint64_t address)
{
    size_t low = 0, high = recorder->count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (recorder->page[mid]->address < address) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Put @page in its place.  Returns false if there is no memory */
static bool insert(struct amdvi_recorder *recorder, size_t at,
                   struct amdvi_recorded_page *page)
{
    size_t count = recorder->count;

    /* the array grows at every power of two */
    if ((count & (count - 1)) == 0) {
        struct amdvi_recorded_page **grown =
            realloc(recorder->page, (count ? 2 * count : 1) * sizeof(*grown));

        if (!grown) {
            return false;
        }
        recorder->page = grown;
    }
    memmove(&recorder->page[at + 1], &recorder->page[at],
            (count - at) * sizeof(recorder->page[0]));
    recorder->page[at] = page;
    recorder->count++;
    return true;
}

/* Read a page that is not known yet; @at is its place */
static bool record(struct amdvi_recorder *recorder, size_t at,
                   uint64_t address, struct amdvi_error *err)
{
    struct amdvi_recorded_page *page = malloc(sizeof(*page));

    if (!page) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    page->address = address;
    if (!amdvi_target_read(recorder->source, address, page->bytes, PAGE_SIZE,
                           &page->status, err)) {
        free(page);
        return false;
    }
    if (!insert(recorder, at, page)) {
        free(page);
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    recorder->room--;
    return true;
}

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    struct amdvi_recorder *recorder = target->opaque;
    uint64_t address = addr - addr % PAGE_SIZE;
    size_t at = find_place(recorder, address);
    bool known = at < recorder->count &&
                 recorder->page[at]->address == address;

    if (!known && recorder->room == 0) {
        recorder->refused = true;
        *ret_status = AMDVI_MEM_UNKNOWN;
        return true;
    }
    if (!known && !record(recorder, at, address, err)) {
        return false;
    }
    *ret_status = recorder->page[at]->status;
    if (*ret_status == AMDVI_MEM_OK) {
        memcpy(buf, recorder->page[at]->bytes + addr % PAGE_SIZE, len);
    }
    return true;
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    struct amdvi_recorder *recorder = target->opaque;

    return recorder->source->ops->read_register(recorder->source, offset,
                                                ret_value, err);
}

struct amdvi_recorder *amdvi_recorder_new(struct amdvi_target *source,
                                          struct amdvi_error *err)
{
    static const struct amdvi_target_ops ops = {
        .read_memory = read_memory,
        .read_register = read_register,
    };
    struct amdvi_recorder *recorder = calloc(1, sizeof(*recorder));

    if (!recorder) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    recorder->source = source;
    recorder->room = SIZE_MAX;
    recorder->target = amdvi_target_new(&ops, recorder, err);
    if (!recorder->target) {
        amdvi_recorder_free(recorder);
        return NULL;
    }
    return recorder;
}

void amdvi_recorder_free(struct amdvi_recorder *recorder)
{
    if (!recorder) {
        return;
    }
    for (size_t i = 0; i < recorder->count; i++) {
        free(recorder->page[i]);
    }
    free(recorder->page);
    amdvi_target_close(recorder->target);
    free(recorder);
}
