/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A dedicated queue of a DSA device, opened the way any program opens it:
 * /dev/dsa/wqD.Q, whose portal takes 64-byte descriptors with user pointers
 * (spec/dsa-device.md section 6).
 */
#ifndef TORTURE_DSA_H
#define TORTURE_DSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dsa_opcode {
    DSA_NOOP = 0x00,
    DSA_BATCH = 0x01,
    DSA_DRAIN = 0x02,
    DSA_MEMMOVE = 0x03,
    DSA_FILL = 0x04,
    DSA_COMPARE = 0x05,
    DSA_COMPARE_PATTERN = 0x06,
    DSA_DUALCAST = 0x09,
    DSA_CRC = 0x10,
    DSA_COPY_CRC = 0x11,
};

enum dsa_flag {
    DSA_FENCE = 1 << 0,
    DSA_BLOCK_ON_FAULT = 1 << 1,
    DSA_RECORD_VALID = 1 << 2,
    DSA_WANT_RECORD = 1 << 3,
};

enum dsa_status {
    DSA_PENDING = 0x00,
    DSA_SUCCESS = 0x01,
    DSA_FALSE = 0x02,          /* success, the predicate is false */
    DSA_FAULT = 0x03,          /* page fault, not allowed to block */
    DSA_REFUSED = 0x04,        /* the page request was answered negatively */
    DSA_BATCH_FAILED = 0x05,
    DSA_STATUS_MASK = 0x7f,
    DSA_STATUS_WRITE = 0x80,   /* the fault was on a write */
};

enum {
    DSA_MAX_TRANSFER = 2 << 20,
    DSA_MAX_BATCH = 16,
};

struct dsa_descriptor {
    uint32_t pasid;            /* a dedicated queue ignores it */
    uint32_t flags_opcode;     /* flags in bits 23:0, opcode in 31:24 */
    uint64_t record;
    uint64_t source;           /* or fill pattern, or descriptor list */
    uint64_t target;           /* or second source, or compare pattern */
    uint32_t size;             /* bytes, or descriptors of a batch */
    uint16_t interrupt;
    uint16_t reserved;
    uint64_t more[3];          /* second target, CRC seed */
} __attribute__((aligned(64)));

struct dsa_record {
    volatile uint8_t status;   /* written last */
    uint8_t result;
    uint8_t info;
    uint8_t reserved;
    uint32_t done;             /* bytes, or descriptors of a batch */
    uint64_t fault;            /* address of the page */
    uint64_t crc;
    uint64_t rest;
} __attribute__((aligned(32)));

_Static_assert(sizeof(struct dsa_descriptor) == 64, "descriptor");
_Static_assert(sizeof(struct dsa_record) == 32, "completion record");

struct dsa_queue {
    char name[32];             /* "wq0.3", or "soft3" */
    struct soft_queue *soft;   /* without a device */
    int fd;
    void *portal;              /* NULL: descriptors go through write() */
};

/* Names of all queues, those in /dev/dsa or the software's; and how many. */
int dsa_list(char names[][32], int most);

/*
 * Open a queue for the calling process.  Waits while another one still has it.
 * Returns 0 or an errno value.
 */
int dsa_open(struct dsa_queue *queue, const char *name);
void dsa_close(struct dsa_queue *queue);

/*
 * The PASID in the queue's configuration, read from the device itself; -1 if
 * the kernel does not let us look (it does with iomem=relaxed).
 */
int dsa_pasid(const struct dsa_queue *queue);

void dsa_submit(struct dsa_queue *queue, const struct dsa_descriptor *what);

/* Wait for a record's status; false after the given number of seconds. */
bool dsa_wait(const struct dsa_record *record, int seconds);

#endif
