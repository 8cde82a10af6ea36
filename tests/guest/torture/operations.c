/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Descriptors, their results, and patterns that tell every byte apart.
 */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "torture.h"

/*
 * Longer than any operation takes, even on an overloaded machine: an
 * operation that needs more has been forgotten.
 */
enum { PATIENCE_S = 180, AGAIN_US = 10000 };

uint64_t pick(struct worker *worker, uint64_t limit)
{
    uint64_t x = worker->random += 0x9e3779b97f4a7c15;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return (x ^ x >> 31) % limit;
}

void *private_place(struct worker *worker)
{
    /* Far below where the kernel puts mappings, 64 GiB for each worker. */
    uint64_t base = 0x10000000000 + worker->number * (64ull << 30);

    return (void *)(base + worker->places++ % 4096 * (16 << 20));
}

/* Eight bytes of a pattern; none of them is zero. */
static uint64_t pattern_word(uint64_t seed, size_t index)
{
    uint64_t x = (seed + index) * 0x9e3779b97f4a7c15;

    return (x ^ x >> 29) | 0x0101010101010101;
}

void pattern_fill(void *area, size_t bytes, uint64_t seed)
{
    uint8_t *out = area;

    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = pattern_word(seed, i / 8);

        memcpy(out + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
}

size_t pattern_check(const void *area, size_t bytes, uint64_t seed)
{
    const uint8_t *in = area;

    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = pattern_word(seed, i / 8);
        size_t length = bytes - i < 8 ? bytes - i : 8;

        if (memcmp(in + i, &word, length) != 0) {
            for (size_t j = 0; j < length; j++) {
                if (in[i + j] != (uint8_t)(word >> 8 * j)) {
                    return i + j;
                }
            }
        }
    }
    return bytes;
}

size_t byte_check(const void *area, size_t bytes, uint8_t value)
{
    const uint8_t *in = area;
    size_t i;

    if (bytes && in[0] == value && memcmp(in, in + 1, bytes - 1) == 0) {
        return bytes;
    }
    for (i = 0; i < bytes && in[i] == value; i++) {
        continue;
    }
    return i;
}

uint32_t crc32c(uint32_t seed, const void *area, size_t bytes)
{
    const uint8_t *in = area;
    uint32_t crc = ~seed;

    for (size_t i = 0; i < bytes; i++) {
        crc ^= in[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        }
    }
    return ~crc;
}

struct dsa_descriptor describe(enum dsa_opcode opcode, uint64_t source,
                               void *target, size_t bytes)
{
    return (struct dsa_descriptor) {
        .flags_opcode = (uint32_t)opcode << 24 | DSA_BLOCK_ON_FAULT |
                        DSA_RECORD_VALID | DSA_WANT_RECORD,
        .source = source,
        .target = (uintptr_t)target,
        .size = bytes,
    };
}

void dont_block(struct dsa_descriptor *descriptor)
{
    descriptor->flags_opcode &= ~DSA_BLOCK_ON_FAULT;
}

void start(struct worker *worker, struct dsa_descriptor *descriptor)
{
    if (!descriptor->record) {
        descriptor->record = (uintptr_t)worker->record;
    }
    if (descriptor->record == (uintptr_t)worker->record) {
        memset(worker->record, 0, sizeof(*worker->record));
    }
    dsa_submit(&worker->queue, descriptor);
}

struct dsa_record finish(struct worker *worker,
                         const struct dsa_descriptor *descriptor)
{
    struct dsa_record *record = (struct dsa_record *)descriptor->record;
    uint8_t status;

    if (!dsa_wait(record, PATIENCE_S)) {
        fail(worker, "no completion of operation %#x within %d s",
             descriptor->flags_opcode >> 24, PATIENCE_S);
        worker->broken = true;
        return (struct dsa_record) { .status = DSA_PENDING };
    }
    status = record->status & DSA_STATUS_MASK;
    tally_add(&worker->tally->operations, 1);
    if (status == DSA_SUCCESS && descriptor->flags_opcode >> 24 != DSA_BATCH) {
        tally_add(&worker->tally->bytes, descriptor->size);
    } else if (status == DSA_FAULT || status == DSA_REFUSED) {
        tally_add(&worker->tally->bytes, record->done);
        tally_add(&worker->tally->faults, 1);
    }
    return *record;
}

struct dsa_record run(struct worker *worker, struct dsa_descriptor *descriptor)
{
    start(worker, descriptor);
    return finish(worker, descriptor);
}

bool expect_status(struct worker *worker, const struct dsa_record *record,
                   uint8_t status)
{
    uint8_t found = record->status;

    if (found == DSA_PENDING) {
        return false;
    }
    if (found != status) {
        fail(worker, "status %#x instead of %#x, %u done, fault at %#lx",
             found, status, record->done, record->fault);
    }
    return found == status;
}

/* Whether a page request was lost: nothing else faults what may block. */
static bool was_lost(const struct dsa_descriptor *descriptor,
                     const struct dsa_record *record)
{
    return descriptor->flags_opcode & DSA_BLOCK_ON_FAULT &&
           (record->status & DSA_STATUS_MASK) == DSA_FAULT;
}

bool run_well(struct worker *worker, struct dsa_descriptor *descriptor)
{
    struct dsa_record record = run(worker, descriptor);

    for (int i = 0; i < worker->again && was_lost(descriptor, &record); i++) {
        usleep(AGAIN_US);
        memset((void *)descriptor->record, 0, sizeof(record));
        record = run(worker, descriptor);
    }
    return expect_status(worker, &record, DSA_SUCCESS);
}

bool expect_pattern(struct worker *worker, const char *what, const void *area,
                    size_t bytes, uint64_t seed)
{
    size_t good = pattern_check(area, bytes, seed);

    if (good < bytes) {
        fail(worker, "%s: byte %#zx of %#zx is wrong (%#x)", what, good, bytes,
             ((const uint8_t *)area)[good]);
    }
    return good == bytes;
}

bool expect_bytes(struct worker *worker, const char *what, const void *area,
                  size_t bytes, uint8_t value)
{
    size_t good = byte_check(area, bytes, value);

    if (good < bytes) {
        fail(worker, "%s: byte %#zx of %#zx is %#x instead of %#x", what, good,
             bytes, ((const uint8_t *)area)[good], value);
    }
    return good == bytes;
}

void pause_for(uint64_t turns)
{
    for (uint64_t i = 0; i < turns; i++) {
        __builtin_ia32_pause();
    }
}
