/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of each device, and of each device and PASID.
 *
 * In tables of fixed size: the counts of a PASID that has to make room for
 * another stay in those of its device, and those of a device in the total.
 *
 * All of it needs the lock of the engine, except for a hit: each thread has
 * counters of its own for these (AmdviHits), and adds to them without a lock
 * or an atomic operation.  Whoever reads counters folds the hits into them
 * first; they are exact when no request is on its way.
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
    uint64_t *device_key;
    AmdviCounters *device;
    AmdviCounters total;
} AmdviStats;

/* Threads with hit counters of their own; others count under the lock */
#define AMDVI_HIT_THREADS 16
/* Counters that each of them has: a power of two */
#define AMDVI_HIT_COUNTERS 4096

/* Whose hits a counter has */
typedef struct AmdviHitOwner {
    AmdviStats *stats;
    uint64_t seen;              /* of its hits, those that @stats has */
    uint32_t pasid;
    uint16_t device_id;
} AmdviHitOwner;

/*
 * The hits of one thread, by source and PASID.  A counter that is needed for
 * somebody else is folded and given away, with the lock held, by its thread.
 */
typedef struct AmdviHits {
    uint64_t tag[AMDVI_HIT_COUNTERS];   /* source + PASID; 0: nobody's */
    uint64_t count[AMDVI_HIT_COUNTERS]; /* never set back; atomic */
    AmdviHitOwner owner[AMDVI_HIT_COUNTERS];
} AmdviHits;

/*
 * Those of the calling thread: none until its first hit, and then for as long
 * as the process lives.  Nothing that uses it yields, so a coroutine that
 * goes on in another thread does no harm.
 */
extern __thread AmdviHits *amdvi_hits;

void amdvi_stats_init(AmdviStats *s);
void amdvi_stats_free(AmdviStats *s);
/* Begin anew.  Hits that have not been folded are forgotten, here as below */
void amdvi_stats_reset(AmdviStats *s);
/* The counters were read from a stream, where everything had been folded */
void amdvi_stats_loaded(AmdviStats *s);

/* What the hits of a source of requests are told apart by.  All atomic */
typedef struct AmdviHitSource {
    uint64_t number;            /* PASIDs are added to it */
    /* Tag and place of requests without PASID: most hits need nothing else */
    uint64_t plain_tag;
    uint64_t plain_place;
} AmdviHitSource;
void amdvi_stats_new_source(AmdviHitSource *source);

/* What it costs is measured with a build that leaves it out */
static inline bool amdvi_stats_count_hit(uint64_t tag, uint64_t i)
{
#ifndef AMDVI_SVM_UNCOUNTED
    AmdviHits *h = amdvi_hits;

    if (unlikely(h->tag[i] != tag)) {
        return false;
    }
    qatomic_set(&h->count[i], qatomic_read(&h->count[i]) + 1);
#endif
    return true;
}

/* Count a hit, without a lock; false if amdvi_stats_hit() has to do it */
static inline bool amdvi_stats_hit_fast(const AmdviHitSource *source,
                                        uint32_t pasid)
{
    uint64_t tag = qatomic_read(&source->number) + pasid;

    return amdvi_stats_count_hit(tag, tag % AMDVI_HIT_COUNTERS);
}

/*
 * The same without PASID.  If the source is made anew at this moment, tag and
 * place may not fit to each other; then nothing has this tag at this place.
 */
static inline bool amdvi_stats_plain_hit_fast(const AmdviHitSource *source)
{
    return amdvi_stats_count_hit(qatomic_read(&source->plain_tag),
                                 qatomic_read(&source->plain_place));
}

/*
 * Count a hit of @source, which is @device_id now, and have those that follow
 * counted the other way
 */
void amdvi_stats_hit(AmdviStats *s, const AmdviHitSource *source,
                     uint16_t device_id, uint32_t pasid);
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
