/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of each device, and of each device and PASID.
 *
 * In tables of fixed size: the counts of a PASID that has to make room for
 * another stay in those of its device, and those of a device in the total.
 *
 * A hit is counted without a lock, by a plain addition; should two threads
 * count for the same PASID at the same moment, one of the hits may be lost.
 * All else needs the lock of the engine.
 */
#ifndef AMDVI_SVM_STATS_H
#define AMDVI_SVM_STATS_H

#include "portable.h"

#define AMDVI_STATS_PASIDS 4096
#define AMDVI_STATS_DEVICES 1024

typedef enum AmdviCount {
    AMDVI_COUNT_HITS,           /* requests served from the IOTLB */
    AMDVI_COUNT_MISSES,         /* and those that took a walk */
    AMDVI_COUNT_FAULTS,         /* requests that were aborted */
    AMDVI_COUNT_PAGE_REQUESTS,
    AMDVI_COUNT_RESPONSES,      /* to groups of page requests */
    AMDVI_COUNT_INVALIDATIONS,  /* delivered to the device */
    AMDVI_NUM_COUNTS
} AmdviCount;

typedef struct AmdviCounters {
    uint64_t count[AMDVI_NUM_COUNTS];
    /* From the first page request of a group to its response, guest clock */
    uint64_t latency_count;
    uint64_t latency_sum;       /* in nanoseconds */
    uint64_t latency_max;
} AmdviCounters;

typedef struct AmdviStats {
    uint64_t *pasid_key;        /* DeviceID and PASID; 0: free */
    AmdviCounters *pasid;
    uint64_t *hits;             /* of pasid[], counted without a lock */
    uint64_t *device_key;
    AmdviCounters *device;
    AmdviCounters total;
} AmdviStats;

void amdvi_stats_init(AmdviStats *s);
void amdvi_stats_free(AmdviStats *s);
void amdvi_stats_reset(AmdviStats *s);
/* All but hits[] was read from a stream, where everything had been folded */
void amdvi_stats_loaded(AmdviStats *s);

/*
 * Count a hit.  Lock-free; false if the PASID has no counters yet, which
 * amdvi_stats_add() gives it.
 */
bool amdvi_stats_hit(AmdviStats *s, uint16_t device_id, uint32_t pasid);
/* Count @n of @what for the device and (AMDVI_NO_PASID: without) the PASID */
void amdvi_stats_add(AmdviStats *s, uint16_t device_id, uint32_t pasid,
                     AmdviCount what, uint64_t n);
/* Count a response that came @ns nanoseconds after its page request */
void amdvi_stats_response(AmdviStats *s, uint16_t device_id, uint32_t pasid,
                          uint64_t ns);

/* Bring the counts that are read below up to date with all hits */
void amdvi_stats_fold(AmdviStats *s);

/*
 * Counters of the lowest DeviceID from *@device_id on, which is stored there.
 * False if there are none.
 */
bool amdvi_stats_next_device(const AmdviStats *s, uint32_t *device_id,
                             const AmdviCounters **counters);
/*
 * Counters of the lowest PASID of @device_id from *@pasid on.  Requests
 * without PASID count as AMDVI_NO_PASID and come last.
 */
bool amdvi_stats_next_pasid(const AmdviStats *s, uint16_t device_id,
                            uint64_t *pasid, const AmdviCounters **counters);

#endif
