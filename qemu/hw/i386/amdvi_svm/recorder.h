/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flight recorder: what happened last, in a ring of fixed size.
 *
 * Written under the lock of the engine, never on a sound hit.  Read in any
 * thread without it: a record is either copied whole or not at all.
 */
#ifndef AMDVI_SVM_RECORDER_H
#define AMDVI_SVM_RECORDER_H

#include "portable.h"

#define AMDVI_RECORDS 8192

/* What can happen, and what words[] and detail hold of it */
typedef enum AmdviRecordKind {
    AMDVI_RECORD_COMMAND,       /* executed; the command */
    AMDVI_RECORD_EVENT,         /* logged; the event */
    AMDVI_RECORD_PAGE_REQUEST,  /* the PPR log entry */
    AMDVI_RECORD_PAGE_RESPONSE, /* PRG index, nanoseconds; response code */
    AMDVI_RECORD_FAULT,         /* address, AMDVI_PERM_* wanted; the reason */
    AMDVI_RECORD_INVALIDATION,  /* delivered; base and size of the range */
    AMDVI_RECORD_REGISTER,      /* written; offset, value; bytes */
    AMDVI_RECORD_OVERFLOW,      /* the entry that was lost; which ring */
    AMDVI_RECORD_STALE_HIT,     /* address, age in ns; AMDVI_PERM_* wanted */
    AMDVI_NUM_RECORD_KINDS
} AmdviRecordKind;

#define AMDVI_RECORD_NO_DEVICE UINT32_MAX
/* In detail of a stale hit: it was in the TLB of the device */
#define AMDVI_STALE_IN_DEVICE 8

typedef struct AmdviRecord {
    uint64_t number;            /* counts from 0 and never repeats */
    int64_t time;               /* guest clock, in nanoseconds */
    AmdviRecordKind kind;
    uint32_t device_id;         /* AMDVI_RECORD_NO_DEVICE without one */
    uint32_t pasid;             /* AMDVI_NO_PASID without one */
    uint32_t detail;
    uint64_t words[2];
} AmdviRecord;

/* A record in the ring: all words are atomic */
typedef struct AmdviRecordSlot {
    uint64_t number;            /* plus 1; 0 while it is being written */
    uint64_t time;
    uint64_t kind_device;
    uint64_t pasid_detail;
    uint64_t words[2];
} AmdviRecordSlot;

typedef struct AmdviRecorder {
    AmdviRecordSlot *slot;
    uint64_t size;              /* slots, a power of two */
    uint64_t next;              /* number of the next record */
} AmdviRecorder;

void amdvi_recorder_init(AmdviRecorder *r, uint64_t size);
void amdvi_recorder_free(AmdviRecorder *r);

/* Add a record; its number is chosen here */
void amdvi_recorder_add(AmdviRecorder *r, const AmdviRecord *record);

/*
 * Copy the first record from number @from on that is still there.  Returns
 * false if there is none.
 */
bool amdvi_recorder_read(const AmdviRecorder *r, uint64_t from,
                         AmdviRecord *record);

/* Number that the next record will have */
static inline uint64_t amdvi_recorder_next(const AmdviRecorder *r)
{
    return qatomic_load_acquire(&r->next);
}

#endif
