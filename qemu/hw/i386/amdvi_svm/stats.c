/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters.  See stats.h */
#include "portable.h"
#include "stats.h"

/* How far from its place a key may be */
#define PROBES 16

#define KEY_VALID (UINT64_C(1) << 63)
#define KEY_PASID_SHIFT 16

/*
 * A source is a number above the bits of a PASID, the one that stands for
 * none included.  Below it is how far its counters are from those of others:
 * 60 sources with 64 PASIDs each are not in each other's way.
 */
#define SOURCE_SHIFT 33
#define SOURCE_STEP 67

/* Found where no thread has counters: its tags are no one's */
static AmdviHits nobody;
__thread AmdviHits *amdvi_hits = &nobody;

/* Of all threads that have some; atomic.  Written with the lock */
static AmdviHits *all_hits[AMDVI_HIT_THREADS];
static uint64_t sources;

static uint64_t pasid_key(uint16_t device_id, uint32_t pasid)
{
    return KEY_VALID | (uint64_t)pasid << KEY_PASID_SHIFT | device_id;
}

static uint64_t device_key(uint16_t device_id)
{
    return KEY_VALID | device_id;
}

void amdvi_stats_init(AmdviStats *s)
{
    memset(s, 0, sizeof(*s));
    s->pasid_key = g_new0(uint64_t, AMDVI_STATS_PASIDS);
    s->pasid = g_new0(AmdviCounters, AMDVI_STATS_PASIDS);
    s->device_key = g_new0(uint64_t, AMDVI_STATS_DEVICES);
    s->device = g_new0(AmdviCounters, AMDVI_STATS_DEVICES);
}

static uint32_t place_of(uint64_t key, uint32_t size)
{
    return (uint32_t)(amdvi_hash(key) >> 32) & (size - 1);
}

/* Row of @key, a free one, or the first one that may hold it */
static uint32_t find_row(const uint64_t *keys, uint32_t size, uint64_t key)
{
    uint32_t first = place_of(key, size), free_row = first;

    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t row = (first + i) & (size - 1);

        if (keys[row] == key) {
            return row;
        }
        if (!keys[row] && keys[free_row]) {
            free_row = row;
        }
    }
    return free_row;
}

static AmdviCounters *device_row(AmdviStats *s, uint16_t device_id)
{
    uint64_t key = device_key(device_id);
    uint32_t row = find_row(s->device_key, AMDVI_STATS_DEVICES, key);

    if (s->device_key[row] != key) {
        s->device_key[row] = key;
        memset(&s->device[row], 0, sizeof(s->device[row]));
    }
    return &s->device[row];
}

static uint32_t pasid_row(AmdviStats *s, uint16_t device_id, uint32_t pasid)
{
    uint64_t key = pasid_key(device_id, pasid);
    uint32_t row = find_row(s->pasid_key, AMDVI_STATS_PASIDS, key);

    if (s->pasid_key[row] != key) {
        memset(&s->pasid[row], 0, sizeof(s->pasid[row]));
        s->pasid_key[row] = key;
    }
    return row;
}

void amdvi_stats_add(AmdviStats *s, uint16_t device_id, uint32_t pasid,
                     AmdviCount what, uint64_t n)
{
    s->pasid[pasid_row(s, device_id, pasid)].count[what] += n;
    device_row(s, device_id)->count[what] += n;
    s->total.count[what] += n;
}

static void add_latency(AmdviCounters *c, uint64_t ns)
{
    c->count[AMDVI_COUNT_RESPONSES]++;
    c->latency_count++;
    c->latency_sum += ns;
    if (c->latency_max < ns) {
        c->latency_max = ns;
    }
}

void amdvi_stats_response(AmdviStats *s, uint16_t device_id, uint32_t pasid,
                          uint64_t ns)
{
    add_latency(&s->pasid[pasid_row(s, device_id, pasid)], ns);
    add_latency(device_row(s, device_id), ns);
    add_latency(&s->total, ns);
}

/* Hits of a counter that nobody has seen; from now on somebody has */
static uint64_t take_hits(AmdviHits *h, uint32_t i)
{
    uint64_t seen = h->owner[i].seen;

    h->owner[i].seen = qatomic_read(&h->count[i]);
    return h->owner[i].seen - seen;
}

static void fold_counter(AmdviHits *h, uint32_t i)
{
    const AmdviHitOwner *o = &h->owner[i];
    uint64_t hits = take_hits(h, i);

    if (hits) {
        amdvi_stats_add(o->stats, o->device_id, o->pasid, AMDVI_COUNT_HITS,
                        hits);
    }
}

/* Do something with each counter that belongs to @s */
static void for_each_counter(AmdviStats *s,
                             void (*visit)(AmdviHits *h, uint32_t i))
{
    for (int t = 0; t < AMDVI_HIT_THREADS && all_hits[t]; t++) {
        for (uint32_t i = 0; i < AMDVI_HIT_COUNTERS; i++) {
            if (all_hits[t]->owner[i].stats == s) {
                visit(all_hits[t], i);
            }
        }
    }
}

void amdvi_stats_fold(AmdviStats *s)
{
    for_each_counter(s, fold_counter);
}

static void forget_counter(AmdviHits *h, uint32_t i)
{
    take_hits(h, i);
}

static void forget_hits(AmdviStats *s)
{
    for_each_counter(s, forget_counter);
}

void amdvi_stats_free(AmdviStats *s)
{
    forget_hits(s);
    g_free(s->pasid_key);
    g_free(s->pasid);
    g_free(s->device_key);
    g_free(s->device);
}

void amdvi_stats_reset(AmdviStats *s)
{
    forget_hits(s);
    memset(s->pasid_key, 0, sizeof(*s->pasid_key) * AMDVI_STATS_PASIDS);
    memset(s->device_key, 0, sizeof(*s->device_key) * AMDVI_STATS_DEVICES);
    memset(&s->total, 0, sizeof(s->total));
}

void amdvi_stats_loaded(AmdviStats *s)
{
    forget_hits(s);
}

void amdvi_stats_new_source(AmdviHitSource *source)
{
    uint64_t n = ++sources;
    uint64_t number = n << SOURCE_SHIFT | n * SOURCE_STEP % AMDVI_HIT_COUNTERS;
    uint64_t plain = number + AMDVI_NO_PASID;

    qatomic_set(&source->number, number);
    qatomic_set(&source->plain_tag, plain);
    qatomic_set(&source->plain_place, plain % AMDVI_HIT_COUNTERS);
}

/* Give the calling thread counters, if it has none and there are any left */
static bool has_hits(void)
{
    for (int t = 0; t < AMDVI_HIT_THREADS && amdvi_hits == &nobody; t++) {
        if (!all_hits[t]) {
            all_hits[t] = amdvi_hits = g_new0(AmdviHits, 1);
        }
    }
    return amdvi_hits != &nobody;
}

void amdvi_stats_hit(AmdviStats *s, const AmdviHitSource *source,
                     uint16_t device_id, uint32_t pasid)
{
    uint64_t tag = qatomic_read(&source->number) + pasid;
    uint32_t i = tag % AMDVI_HIT_COUNTERS;

    if (has_hits()) {
        if (amdvi_hits->owner[i].stats) {
            fold_counter(amdvi_hits, i);
        }
        amdvi_hits->tag[i] = tag;
        amdvi_hits->owner[i] = (AmdviHitOwner) {
            .stats = s, .seen = amdvi_hits->count[i], .pasid = pasid,
            .device_id = device_id,
        };
    }
    amdvi_stats_add(s, device_id, pasid, AMDVI_COUNT_HITS, 1);
}

bool amdvi_stats_next_device(const AmdviStats *s, uint32_t *device_id,
                             const AmdviCounters **counters)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t row = 0; row < AMDVI_STATS_DEVICES; row++) {
        uint32_t id = (uint16_t)s->device_key[row];

        if (s->device_key[row] && id >= *device_id && id < best) {
            best = id;
            *counters = &s->device[row];
        }
    }
    *device_id = best;
    return best != UINT32_MAX;
}

bool amdvi_stats_next_pasid(const AmdviStats *s, uint16_t device_id,
                            uint64_t *pasid, const AmdviCounters **counters)
{
    uint64_t best = UINT64_MAX;

    for (uint32_t row = 0; row < AMDVI_STATS_PASIDS; row++) {
        uint64_t key = s->pasid_key[row] & ~KEY_VALID;
        uint64_t id = key >> KEY_PASID_SHIFT;

        if (s->pasid_key[row] && (uint16_t)key == device_id &&
            id >= *pasid && id < best) {
            best = id;
            *counters = &s->pasid[row];
        }
    }
    *pasid = best;
    return best != UINT64_MAX;
}
