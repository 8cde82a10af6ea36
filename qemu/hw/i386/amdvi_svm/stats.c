/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters.  See stats.h */
#include "portable.h"
#include "stats.h"

/* How far from its place a key may be */
#define PROBES 16

#define KEY_VALID (UINT64_C(1) << 63)
#define KEY_PASID_SHIFT 16

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
    s->hits = g_new0(uint64_t, AMDVI_STATS_PASIDS);
    s->device_key = g_new0(uint64_t, AMDVI_STATS_DEVICES);
    s->device = g_new0(AmdviCounters, AMDVI_STATS_DEVICES);
}

void amdvi_stats_free(AmdviStats *s)
{
    g_free(s->pasid_key);
    g_free(s->pasid);
    g_free(s->hits);
    g_free(s->device_key);
    g_free(s->device);
}

void amdvi_stats_reset(AmdviStats *s)
{
    for (uint32_t i = 0; i < AMDVI_STATS_PASIDS; i++) {
        qatomic_set(&s->pasid_key[i], 0);
    }
    memset(s->device_key, 0, sizeof(*s->device_key) * AMDVI_STATS_DEVICES);
    memset(&s->total, 0, sizeof(s->total));
}

void amdvi_stats_loaded(AmdviStats *s)
{
    for (uint32_t i = 0; i < AMDVI_STATS_PASIDS; i++) {
        qatomic_set(&s->hits[i], s->pasid[i].count[AMDVI_COUNT_HITS]);
    }
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

/* Add the hits of a row to what is counted of it, of its device, of all */
static void fold_row(AmdviStats *s, uint32_t row)
{
    uint64_t hits = qatomic_read(&s->hits[row]);
    uint64_t *seen = &s->pasid[row].count[AMDVI_COUNT_HITS];
    uint64_t more = hits - *seen;

    if (s->pasid_key[row] && more) {
        uint16_t device_id = (uint16_t)s->pasid_key[row];

        device_row(s, device_id)->count[AMDVI_COUNT_HITS] += more;
        s->total.count[AMDVI_COUNT_HITS] += more;
        *seen = hits;
    }
}

static uint32_t pasid_row(AmdviStats *s, uint16_t device_id, uint32_t pasid)
{
    uint64_t key = pasid_key(device_id, pasid);
    uint32_t row = find_row(s->pasid_key, AMDVI_STATS_PASIDS, key);

    if (s->pasid_key[row] != key) {
        fold_row(s, row);
        memset(&s->pasid[row], 0, sizeof(s->pasid[row]));
        qatomic_set(&s->hits[row], 0);
        qatomic_set(&s->pasid_key[row], key);
    }
    return row;
}

static void add_hits(uint64_t *hits, uint64_t n)
{
    qatomic_set(hits, qatomic_read(hits) + n);
}

bool amdvi_stats_hit(AmdviStats *s, uint16_t device_id, uint32_t pasid)
{
    uint64_t key = pasid_key(device_id, pasid);
    uint32_t first = place_of(key, AMDVI_STATS_PASIDS);

    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t row = (first + i) & (AMDVI_STATS_PASIDS - 1);

        if (qatomic_read(&s->pasid_key[row]) == key) {
            add_hits(&s->hits[row], 1);
            return true;
        }
    }
    return false;
}

void amdvi_stats_add(AmdviStats *s, uint16_t device_id, uint32_t pasid,
                     AmdviCount what, uint64_t n)
{
    uint32_t row = pasid_row(s, device_id, pasid);

    if (what == AMDVI_COUNT_HITS) {
        add_hits(&s->hits[row], n);
        return;
    }
    s->pasid[row].count[what] += n;
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

void amdvi_stats_fold(AmdviStats *s)
{
    for (uint32_t row = 0; row < AMDVI_STATS_PASIDS; row++) {
        fold_row(s, row);
    }
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
