/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scenarios in which the memory changes under a transfer.  They prove
 * themselves by a transfer that was caught in the middle, so each tries until
 * it has caught one, moving its moment to where the last one was missed.
 *
 * What must hold: once the system call that takes pages away has returned,
 * the device does not write to them any more.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { AREA = 2 << 20, TRIES = 40, OLD = 0x0f, NEW = 0xf0 };

void run_cow(struct worker *worker);
void run_mprotect_race(struct worker *worker);
void run_munmap_race(struct worker *worker);
void run_mremap_race(struct worker *worker);
void run_replace_race(struct worker *worker);
void run_swap(struct worker *worker);
void run_swap_race(struct worker *worker);

static const uint64_t new_word = 0x0101010101010101ull * NEW;

/* --- Catching a transfer in the middle ---------------------------------- */

/* How long to wait before striking, in turns; halved or doubled by misses. */
struct moment {
    uint64_t turns;
    int tries;
};

static void missed(struct moment *moment, bool too_late)
{
    moment->tries++;
    if (too_late) {
        moment->turns /= 2;
    } else {
        moment->turns += moment->turns / 2 + 16;
    }
}

/*
 * An area of a memory file, seen twice: what happens to the first mapping
 * leaves the second one, through which the pages can be watched.
 */
struct watched {
    int fd;
    uint8_t *area;
    uint8_t *view;
    uint8_t *copy;             /* of the pages at some moment */
    uint8_t *there;            /* where the first mapping may be moved to */
};

static struct watched watch(struct worker *worker)
{
    struct watched it = { .fd = memory_file(AREA) };

    it.view = map_file(it.fd, AREA, NULL);
    it.area = map_file(it.fd, AREA, private_place(worker));
    it.copy = map_small(AREA, PROT_READ | PROT_WRITE);
    it.there = map_small(AREA, PROT_NONE);
    memset(it.view, OLD, AREA);
    memset(it.area, OLD, AREA);
    return it;
}

static void unwatch(struct watched *it)
{
    munmap(it->area, AREA);
    munmap(it->view, AREA);
    munmap(it->copy, AREA);
    munmap(it->there, AREA);
    close(it->fd);
}

/*
 * Judge a transfer that pages were taken from: it went as far as it says, and
 * no byte changed after "copy" was taken.  Returns whether it was caught in
 * the middle.
 */
static bool judge(struct worker *worker, const struct dsa_record *record,
                  const uint8_t *pages, const uint8_t *copy,
                  struct moment *moment)
{
    size_t done = record->status == DSA_SUCCESS ? AREA : record->done;

    if (record->status != DSA_SUCCESS &&
        !expect_status(worker, record, DSA_REFUSED | DSA_STATUS_WRITE)) {
        moment->tries = TRIES;
        return false;
    }
    if (memcmp(pages, copy, AREA) != 0) {
        size_t first = 0;

        while (pages[first] == copy[first]) {
            first++;
        }
        fail(worker, "byte %#zx was written after the call returned", first);
    }
    expect_bytes(worker, "done part", pages, done, NEW);
    expect_bytes(worker, "rest", pages + done, AREA - done, OLD);
    missed(moment, done == AREA);
    return done > 0 && done < AREA;
}

/* --- mprotect, munmap, mremap ------------------------------------------- */

void run_mprotect_race(struct worker *worker)
{
    uint8_t *copy = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *area = map_small(AREA, PROT_READ | PROT_WRITE);
    struct moment moment = { .turns = pick(worker, 4000) };
    bool caught = false;

    while (!caught && moment.tries < TRIES && !worker->broken) {
        struct dsa_descriptor what = describe(DSA_FILL, new_word, area, AREA);
        struct dsa_record record;

        mprotect(area, AREA, PROT_READ | PROT_WRITE);
        memset(area, OLD, AREA);
        start(worker, &what);
        pause_for(moment.turns);
        mprotect(area, AREA, PROT_READ);
        memcpy(copy, area, AREA);
        record = finish(worker, &what);
        caught = judge(worker, &record, area, copy, &moment);
    }
    if (caught) {
        prove(worker);
    }
    munmap(area, AREA);
    munmap(copy, AREA);
}

static void take_away(struct watched *it)
{
    munmap(it->area, AREA);
}

static void move_away(struct watched *it)
{
    mremap(it->area, AREA, AREA, MREMAP_MAYMOVE | MREMAP_FIXED, it->there);
}

/* The slowest of all transfers: a fill is often over before pages are gone. */
static void race(struct worker *worker, void (*strike)(struct watched *it))
{
    struct moment moment = { .turns = pick(worker, 4000) };
    uint8_t *source = map_small(AREA, PROT_READ | PROT_WRITE);
    bool caught = false;

    memset(source, NEW, AREA);
    while (!caught && moment.tries < TRIES && !worker->broken) {
        struct watched it = watch(worker);
        struct dsa_descriptor what = describe(DSA_COPY_CRC, (uintptr_t)source,
                                              it.area, AREA);
        struct dsa_record record;

        start(worker, &what);
        pause_for(moment.turns);
        strike(&it);
        memcpy(it.copy, it.view, AREA);
        record = finish(worker, &what);
        caught = judge(worker, &record, it.view, it.copy, &moment);
        unwatch(&it);
    }
    if (caught) {
        prove(worker);
    }
    munmap(source, AREA);
}

void run_munmap_race(struct worker *worker)
{
    race(worker, take_away);
}

void run_mremap_race(struct worker *worker)
{
    race(worker, move_away);
}

/* --- replace: other pages at the same addresses ------------------------- */

/*
 * The transfer goes on in the new pages: each byte is in the old pages or in
 * the new ones, and the old ones do not change any more.
 */
static bool judge_replaced(struct worker *worker, const struct watched *old,
                           const struct watched *new)
{
    size_t in_old = 0, in_new = 0;

    if (memcmp(old->view, old->copy, AREA) != 0) {
        fail(worker, "old pages were written after the call returned");
    }
    for (size_t i = 0; i < AREA; i++) {
        bool was = old->view[i] == NEW, is = new->view[i] == NEW;

        in_old += was;
        in_new += is;
        if (!was && !is) {
            fail(worker, "byte %#zx went nowhere", i);
            break;
        }
    }
    return in_old && in_new;
}

void run_replace_race(struct worker *worker)
{
    struct moment moment = { .turns = pick(worker, 4000) };
    bool caught = false;

    while (!caught && moment.tries < TRIES && !worker->broken) {
        struct watched old = watch(worker), new = watch(worker);
        struct dsa_descriptor what = describe(DSA_FILL, new_word, old.area,
                                              AREA);

        start(worker, &what);
        pause_for(moment.turns);
        map_file(new.fd, AREA, old.area);
        memcpy(old.copy, old.view, AREA);
        if (finish(worker, &what).status == DSA_SUCCESS) {
            caught = judge_replaced(worker, &old, &new);
            missed(&moment, byte_check(old.view, AREA, NEW) == AREA);
        } else {
            fail(worker, "the transfer did not go on in the new pages");
            moment.tries = TRIES;
        }
        unwatch(&old);
        unwatch(&new);
    }
    if (caught) {
        prove(worker);
    }
}

/* --- copy on write ------------------------------------------------------ */

/*
 * The child looks at its copy when told to: byte by byte what the parent had
 * at the time of the fork.
 */
static int child_looks(int gate, const uint8_t *area, size_t bytes,
                       uint64_t seed)
{
    char go;

    if (read(gate, &go, 1) != 1) {
        return 2;
    }
    return pattern_check(area, bytes, seed) == bytes ? 0 : 1;
}

/*
 * The device has write access to all pages, and has used it, when fork()
 * makes them shared.  What it writes next must go into copies.
 */
void run_cow(struct worker *worker)
{
    enum { BYTES = 128 << 10 };
    uint8_t *area = map_small(BYTES, PROT_READ | PROT_WRITE);
    uint8_t *source = map_small(BYTES, PROT_READ | PROT_WRITE);
    uint64_t seed = pick(worker, UINT64_MAX), other = seed / 3 + 1;
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)source, area,
                                          BYTES);
    int gate[2], status = -1;
    uint64_t frame;
    pid_t child;

    pattern_fill(source, BYTES, seed);
    run_well(worker, &what);
    if (pipe(gate) < 0) {
        fail(worker, "no pipe");
        return;
    }
    frame = page_frame(area);
    pattern_fill(source, BYTES, other);
    child = counted_fork();
    if (child == 0) {
        close(gate[1]);
        dup2(gate[0], 0);
        close_range(3, ~0u, 0);
        _exit(child_looks(0, area, BYTES, seed));
    }
    if (run_well(worker, &what)) {
        expect_pattern(worker, "parent's copy", area, BYTES, other);
        if (page_frame(area) != frame) {
            prove(worker);
        }
    }
    if (write(gate[1], "g", 1) != 1 || waitpid(child, &status, 0) != child ||
        status != 0) {
        fail(worker, "the child's pages changed (status %#x)", status);
    }
    close(gate[0]);
    close(gate[1]);
    munmap(area, BYTES);
    munmap(source, BYTES);
}

/* --- swap --------------------------------------------------------------- */

/* The device reads pages that are on the disk, and completes half of others. */
void run_swap(struct worker *worker)
{
    enum { BYTES = 512 << 10 };
    uint8_t *source = map_small(BYTES, PROT_READ | PROT_WRITE);
    uint8_t *target = map_small(BYTES, PROT_READ | PROT_WRITE);
    uint64_t seed = pick(worker, UINT64_MAX);
    uint64_t before = vmstat("pswpout");
    size_t out, half = PAGE / 2;
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)source,
                                          target + half, BYTES - PAGE);

    pattern_fill(source, BYTES, seed);
    memset(target, OLD, BYTES);
    madvise(source, BYTES, MADV_PAGEOUT);
    madvise(target, BYTES, MADV_PAGEOUT);
    out = pages_swapped(source, BYTES) + pages_swapped(target, BYTES);
    if (run_well(worker, &what)) {
        expect_bytes(worker, "start of target", target, half, OLD);
        expect_pattern(worker, "target", target + half, BYTES - PAGE, seed);
        expect_bytes(worker, "end of target", target + BYTES - half, half,
                     OLD);
        if (out && vmstat("pswpout") > before) {
            tally_add(&worker->tally->brought_in, out);
            prove(worker);
        }
    }
    munmap(source, BYTES);
    munmap(target, BYTES);
}

/* Pages go to the disk while the device is copying from and to them. */
void run_swap_race(struct worker *worker)
{
    uint8_t *source = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *target = map_small(AREA, PROT_READ | PROT_WRITE);
    uint64_t seed = pick(worker, UINT64_MAX);
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)source,
                                          target, AREA);
    uint64_t before = vmstat("pswpout"), done = 0;

    pattern_fill(source, AREA, seed);
    memset(target, OLD, AREA);
    start(worker, &what);
    while (!worker->record->status && done++ < 8) {
        pause_for(pick(worker, 2000));
        madvise(pick(worker, 2) ? source : target, AREA, MADV_PAGEOUT);
    }
    if (finish(worker, &what).status != DSA_SUCCESS) {
        fail(worker, "a transfer was refused because of swapping");
    }
    expect_pattern(worker, "target", target, AREA, seed);
    if (done && vmstat("pswpout") > before) {
        prove(worker);
    }
    munmap(source, AREA);
    munmap(target, AREA);
}
