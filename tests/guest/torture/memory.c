/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scenarios about memory that nobody has touched: the device's page requests
 * bring it in.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "torture.h"

enum { AREA = 256 << 10 };

void run_operations(struct worker *worker);
void run_untouched(struct worker *worker);
void run_partial(struct worker *worker);
void run_batch(struct worker *worker);
void run_stack(struct worker *worker);
void run_shared_memory(struct worker *worker);
void run_file(struct worker *worker);

/* --- operations: results of every kind, on memory that is there --------- */

static void compare(struct worker *worker, uint8_t *one, uint8_t *two,
                    size_t bytes)
{
    struct dsa_descriptor what = describe(DSA_COMPARE, (uintptr_t)one, two,
                                          bytes);
    size_t place = pick(worker, bytes);
    struct dsa_record record = run(worker, &what);

    if (expect_status(worker, &record, DSA_SUCCESS) && record.result) {
        fail(worker, "equal areas compare as different");
    }
    two[place] ^= 0x10;
    record = run(worker, &what);
    if (expect_status(worker, &record, DSA_SUCCESS) &&
        (record.result != 1 || record.done != place)) {
        fail(worker, "difference at %#zx reported as %u at %#x", place,
             record.result, record.done);
    }
    two[place] ^= 0x10;
}

static void checksum(struct worker *worker, uint8_t *from, uint8_t *to,
                     size_t bytes)
{
    uint32_t seed = pick(worker, UINT32_MAX);
    uint32_t wanted = crc32c(seed, from, bytes);

    for (int copy = 0; copy < 2; copy++) {
        struct dsa_descriptor what = describe(copy ? DSA_COPY_CRC : DSA_CRC,
                                              (uintptr_t)from,
                                              copy ? to : NULL, bytes);
        struct dsa_record record;

        what.more[0] = seed;
        record = run(worker, &what);
        if (expect_status(worker, &record, DSA_SUCCESS) &&
            (uint32_t)record.crc != wanted) {
            fail(worker, "CRC %#x instead of %#x", (uint32_t)record.crc,
                 wanted);
        }
    }
    if (memcmp(from, to, bytes) != 0) {
        fail(worker, "copy with CRC copied wrongly");
    }
}

static void fill(struct worker *worker, uint8_t *area, size_t bytes)
{
    uint64_t word = 0x0807060504030201ull * (1 + pick(worker, 15));
    struct dsa_descriptor what = describe(DSA_FILL, word, area, bytes);
    struct dsa_record record;

    run_well(worker, &what);
    for (size_t i = 0; i < bytes; i++) {
        if (area[i] != (uint8_t)(word >> i % 8 * 8)) {
            fail(worker, "fill left byte %#zx wrong", i);
            break;
        }
    }
    what = describe(DSA_COMPARE_PATTERN, (uintptr_t)area, (void *)word, bytes);
    record = run(worker, &what);
    if (expect_status(worker, &record, DSA_SUCCESS) && record.result) {
        fail(worker, "a filled area differs from its pattern");
    }
}

void run_operations(struct worker *worker)
{
    uint8_t *one = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *two = map_small(AREA, PROT_READ | PROT_WRITE);
    size_t skew = pick(worker, PAGE), bytes = 1 + pick(worker, 64 << 10);
    uint64_t seed = pick(worker, UINT64_MAX);
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)one + skew,
                                          two, bytes);

    pattern_fill(one + skew, bytes, seed);
    if (run_well(worker, &what)) {
        expect_pattern(worker, "copy", two, bytes, seed);
        expect_bytes(worker, "behind the copy", two + bytes, AREA - bytes, 0);
        prove(worker);
    }
    compare(worker, one + skew, two, bytes);
    checksum(worker, one + skew, two, bytes);
    fill(worker, two, bytes);
    what = describe(DSA_NOOP, 0, NULL, 0);
    run_well(worker, &what);
    what = describe(DSA_DRAIN, 0, NULL, 0);
    run_well(worker, &what);
    munmap(one, AREA);
    munmap(two, AREA);
}

/* --- untouched: source, targets and record ------------------------------ */

/* How many pages of an area the device alone has brought in. */
static size_t brought_in(struct worker *worker, const void *area, size_t bytes)
{
    size_t pages = pages_present(area, bytes);

    tally_add(&worker->tally->brought_in, pages);
    return pages;
}

static void copy_to_untouched(struct worker *worker, uint8_t *source,
                              size_t bytes, uint64_t seed)
{
    uint8_t *target = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *second = map_small(AREA, PROT_READ | PROT_WRITE);
    struct dsa_record *record = map_small(PAGE, PROT_READ | PROT_WRITE);
    size_t skew = pick(worker, PAGE);
    bool twice = pick(worker, 2);
    struct dsa_descriptor what = describe(twice ? DSA_DUALCAST : DSA_MEMMOVE,
                                          (uintptr_t)source, target + skew,
                                          bytes);
    size_t span = (skew + bytes + PAGE - 1) / PAGE;

    what.record = (uintptr_t)(record + pick(worker, PAGE / 32));
    what.more[0] = (uintptr_t)second + skew;
    if (run_well(worker, &what)) {
        if (brought_in(worker, target, AREA) != span ||
            (twice && brought_in(worker, second, AREA) != span)) {
            fail(worker, "%zu pages written, not %zu",
                 pages_present(target, AREA), span);
        }
        expect_bytes(worker, "before the target", target, skew, 0);
        expect_pattern(worker, "target", target + skew, bytes, seed);
        expect_bytes(worker, "behind the target", target + skew + bytes,
                     AREA - skew - bytes, 0);
        if (twice) {
            expect_pattern(worker, "second", second + skew, bytes, seed);
        }
        prove(worker);
    }
    munmap(target, AREA);
    munmap(second, AREA);
    munmap(record, PAGE);
}

void run_untouched(struct worker *worker)
{
    size_t bytes = 1 + pick(worker, AREA - PAGE);
    uint64_t seed = pick(worker, UINT64_MAX);
    uint8_t *source = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *target = map_small(AREA, PROT_READ | PROT_WRITE);
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)source,
                                          target, bytes);

    /* An untouched source reads as zero, over whatever was there. */
    memset(target, 0x5a, AREA);
    if (run_well(worker, &what) && brought_in(worker, source, AREA)) {
        expect_bytes(worker, "copy of nothing", target, bytes, 0);
        expect_bytes(worker, "behind it", target + bytes, AREA - bytes, 0x5a);
    }
    pattern_fill(source, bytes, seed);
    copy_to_untouched(worker, source, bytes, seed);
    munmap(source, AREA);
    munmap(target, AREA);
}

/* --- partial: faults that are reported instead of served ---------------- */

/*
 * Whether a fault on a page is one to expect.  A page that is present has
 * none, unless another thread has forked since the page was mapped.
 */
static bool fault_is_due(uint8_t *page, uint64_t forks)
{
    return !pages_present(page, 1) || fork_count() != forks;
}

/*
 * Submit the rest after each fault, as programs do that must not block.
 * @forks were done when the pages were mapped.  The number of absent pages
 * met.
 */
static int copy_in_steps(struct worker *worker, uint8_t *source,
                         uint8_t *target, size_t bytes, uint64_t forks)
{
    enum { MOST = 16 * AREA / PAGE };
    size_t done = 0;
    int absent = 0;

    for (int faults = 0; !worker->broken; faults++) {
        struct dsa_descriptor what = describe(
            DSA_MEMMOVE, (uintptr_t)source + done, target + done, bytes - done);
        struct dsa_record record;

        dont_block(&what);
        record = run(worker, &what);
        if (record.status == DSA_SUCCESS) {
            return absent;
        }
        if (!expect_status(worker, &record, DSA_FAULT | DSA_STATUS_WRITE)) {
            return 0;
        }
        done += record.done;
        if (done >= bytes || faults > MOST ||
            record.fault / PAGE != (uintptr_t)(target + done) / PAGE ||
            !fault_is_due(target + done, forks)) {
            fail(worker, "fault at %#lx after %#zx bytes from %p",
                 record.fault, done, target);
            return 0;
        }
        absent += !pages_present(target + done, 1);
        *(volatile uint8_t *)(target + done) = 0;
    }
    return 0;
}

void run_partial(struct worker *worker)
{
    uint64_t forks = fork_count();
    uint8_t *source = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *target = map_small(AREA, PROT_READ | PROT_WRITE);
    uint64_t seed = pick(worker, UINT64_MAX);
    size_t bytes = AREA - pick(worker, PAGE);
    int absent = 0;

    pattern_fill(source, bytes, seed);
    for (size_t page = 0; page < bytes / PAGE; page++) {
        if (pick(worker, 2)) {
            target[page * PAGE] = 1;
        }
    }
    absent = (bytes + PAGE - 1) / PAGE - pages_present(target, bytes);
    if (absent && copy_in_steps(worker, source, target, bytes, forks) ==
                      absent) {
        prove(worker);
    }
    expect_pattern(worker, "target", target, bytes, seed);
    munmap(source, AREA);
    munmap(target, AREA);
}

/* --- batch: list swapped in, records and targets untouched -------------- */

static void check_batch(struct worker *worker, struct dsa_record *records,
                        uint8_t *target, int members, size_t bytes)
{
    for (int i = 0; i < members; i++) {
        if (records[i].status != DSA_SUCCESS) {
            fail(worker, "member %d of %d ended with %#x", i, members,
                 records[i].status);
        }
        expect_bytes(worker, "member", target + i * bytes, bytes, i + 1);
    }
}

void run_batch(struct worker *worker)
{
    int members = 2 + pick(worker, DSA_MAX_BATCH - 1);
    struct dsa_descriptor *list = map_small(PAGE, PROT_READ | PROT_WRITE);
    struct dsa_record *records = map_small(PAGE, PROT_READ | PROT_WRITE);
    uint8_t *target = map_small(AREA, PROT_READ | PROT_WRITE);
    size_t bytes = AREA / DSA_MAX_BATCH;
    struct dsa_descriptor what = describe(DSA_BATCH, (uintptr_t)list, NULL,
                                          members);
    struct dsa_record record;

    for (int i = 0; i < members; i++) {
        list[i] = describe(DSA_FILL, 0x0101010101010101ull * (i + 1),
                           target + i * bytes, bytes);
        list[i].record = (uintptr_t)(records + i);
        if (pick(worker, 2)) {
            list[i].flags_opcode |= DSA_FENCE;
        }
    }
    /* The flag belongs to the members; a list has no use for it. */
    dont_block(&what);
    madvise(list, PAGE, MADV_PAGEOUT);
    record = run(worker, &what);
    if (expect_status(worker, &record, DSA_SUCCESS)) {
        if (record.done != (uint32_t)members) {
            fail(worker, "%u of %d members done", record.done, members);
        }
        if (brought_in(worker, target, AREA) == members * bytes / PAGE) {
            prove(worker);
        }
        check_batch(worker, records, target, members, bytes);
    }
    munmap(list, PAGE);
    munmap(records, PAGE);
    munmap(target, AREA);
}

/* --- stack, shared memory and files ------------------------------------- */

void run_stack(struct worker *worker)
{
    enum { DEPTH = 128 << 10 };
    uint64_t seed = pick(worker, UINT64_MAX);
    uint8_t *source = map_small(AREA, PROT_READ | PROT_WRITE);
    /* Pages below everything called so far; only the device goes there. */
    uint8_t *frame = alloca(AREA + DEPTH);
    size_t before = pages_present(frame, AREA);
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)source,
                                          frame, AREA);

    pattern_fill(source, AREA, seed);
    if (run_well(worker, &what)) {
        size_t after = pages_present(frame, AREA);

        expect_pattern(worker, "stack", frame, AREA, seed);
        if (after > before) {
            tally_add(&worker->tally->brought_in, after - before);
            prove(worker);
        }
    }
    /* Give the pages back, so that the next run finds them absent. */
    madvise((void *)(((uintptr_t)frame + PAGE - 1) & -(uintptr_t)PAGE),
            AREA - PAGE, MADV_DONTNEED);
    munmap(source, AREA);
}

void run_shared_memory(struct worker *worker)
{
    int fd = memory_file(AREA);
    uint8_t *area = map_file(fd, AREA, NULL);
    uint8_t *other = map_file(fd, AREA, NULL);
    uint64_t seed = pick(worker, UINT64_MAX);
    struct dsa_descriptor what = describe(DSA_MEMMOVE, (uintptr_t)other, area,
                                          AREA / 2);

    pattern_fill(other, AREA / 2, seed);
    what.target = (uintptr_t)area + AREA / 2;
    if (run_well(worker, &what) &&
        brought_in(worker, area + AREA / 2, AREA / 2)) {
        expect_pattern(worker, "other mapping", other + AREA / 2, AREA / 2,
                       seed);
        prove(worker);
    }
    munmap(area, AREA);
    munmap(other, AREA);
    close(fd);
}

/*
 * A disk as a file: what the device writes must reach the disk, each time,
 * although writing back makes the pages clean and read-only in between.  Only
 * the dirty bit in the page table tells the kernel.
 */
static bool write_back(struct worker *worker, int fd, uint8_t *area,
                       uint8_t *direct, uint8_t value)
{
    struct dsa_descriptor what = describe(DSA_FILL,
                                          0x0101010101010101ull * value, area,
                                          AREA);

    if (!run_well(worker, &what)) {
        return false;
    }
    msync(area, AREA, MS_SYNC);
    return pread(fd, direct, AREA, 0) == AREA &&
           expect_bytes(worker, "on the disk", direct, AREA, value);
}

void run_file(struct worker *worker)
{
    static const char disk[] = "/dev/sda";
    int fd = open(disk, O_RDWR | O_CLOEXEC);
    int raw = open(disk, O_RDONLY | O_DIRECT | O_CLOEXEC);
    uint8_t *direct = map_small(AREA, PROT_READ | PROT_WRITE);
    uint8_t *area;
    int good = 0;

    if (fd < 0 || raw < 0) {
        fail(worker, "cannot open %s", disk);
        return;
    }
    area = map_file(fd, AREA, NULL);
    posix_fadvise(fd, 0, AREA, POSIX_FADV_DONTNEED);
    for (int i = 0; i < 3; i++) {
        good += write_back(worker, raw, area, direct, 1 + pick(worker, 254));
    }
    if (good == 3) {
        tally_add(&worker->tally->brought_in, AREA / PAGE);
        prove(worker);
    }
    munmap(area, AREA);
    munmap(direct, AREA);
    close(fd);
    close(raw);
}
