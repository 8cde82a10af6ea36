/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DTE cache.  See dte-cache.h */
#include "portable.h"
#include "dte-cache.h"

/* AmdviDteCache.summary, so that a hit loads it at once */
#define SUMMARY_DEVICE_ID 0xffffULL
#define SUMMARY_DOMAIN_ID_SHIFT 16
#define SUMMARY_PASID_BITS_SHIFT 32
#define SUMMARY_PASID_BITS 0x1fULL
#define SUMMARY_PERM_SHIFT 40
#define SUMMARY_PERM 0x7ULL
#define SUMMARY_GUEST (1ULL << 48)
#define SUMMARY_GIOV (1ULL << 49)
#define SUMMARY_HOST (1ULL << 50)
#define SUMMARY_ATS (1ULL << 51)
#define SUMMARY_VALID (1ULL << 63)

void amdvi_dte_clock_init(AmdviDteClock *clock)
{
    clock->now = clock->all = 1;
}

void amdvi_dte_clock_flush(AmdviDteClock *clock)
{
    qatomic_store_release(&clock->now, clock->now + 1);
    qatomic_store_release(&clock->all, clock->now);
}

static uint64_t make_summary(uint16_t device_id,
                             const struct amdvi_dte_summary *s)
{
    return SUMMARY_VALID | device_id |
           (uint64_t)s->domain_id << SUMMARY_DOMAIN_ID_SHIFT |
           (uint64_t)s->pasid_bits << SUMMARY_PASID_BITS_SHIFT |
           (uint64_t)s->perm << SUMMARY_PERM_SHIFT |
           s->guest * SUMMARY_GUEST | s->giov * SUMMARY_GIOV |
           s->host * SUMMARY_HOST | s->ats * SUMMARY_ATS;
}

static void set_entry(AmdviDteCache *c, uint64_t time, uint64_t summary,
                      const uint64_t dte[4])
{
    amdvi_seq_begin(&c->seq);
    qatomic_store_release(&c->time, time);
    qatomic_store_release(&c->summary, summary);
    for (int i = 0; i < 4; i++) {
        qatomic_store_release(&c->dte[i], dte[i]);
    }
    amdvi_seq_end(&c->seq);
}

void amdvi_dte_cache_fill(AmdviDteCache *c, const AmdviDteClock *clock,
                          uint64_t begin, uint16_t device_id,
                          const struct amdvi_iommu *iommu,
                          const uint64_t dte[4])
{
    struct amdvi_dte_summary s;

    if (begin == clock->now && amdvi_summarize_dte(iommu, dte, &s)) {
        set_entry(c, begin, make_summary(device_id, &s), dte);
    }
}

void amdvi_dte_cache_drop(AmdviDteCache *c, AmdviDteClock *clock,
                          uint16_t device_id)
{
    static const uint64_t none[4];

    qatomic_store_release(&clock->now, clock->now + 1);
    if ((c->summary & SUMMARY_DEVICE_ID) == device_id) {
        set_entry(c, 0, c->summary, none);
    }
}

bool amdvi_dte_cache_owner(const AmdviDteCache *c, uint16_t *device_id)
{
    *device_id = c->summary & SUMMARY_DEVICE_ID;
    return c->summary & SUMMARY_VALID;
}

bool amdvi_dte_cache_had(const AmdviDteCache *c, uint16_t domain_id)
{
    uint64_t summary = qatomic_read(&c->summary);

    return summary & SUMMARY_VALID &&
           (uint16_t)(summary >> SUMMARY_DOMAIN_ID_SHIFT) == domain_id;
}

/* The summary of the entry if it is for @device_id and nothing dropped it */
static bool load_summary(const AmdviDteCache *c, const AmdviDteClock *clock,
                         uint16_t device_id, uint32_t seq, uint64_t *summary)
{
    uint64_t time = qatomic_load_acquire(&c->time);

    *summary = qatomic_load_acquire(&c->summary);
    return !(seq & 1) && time >= qatomic_load_acquire(&clock->all) &&
           (*summary & (SUMMARY_VALID | SUMMARY_DEVICE_ID)) ==
           (SUMMARY_VALID | device_id);
}

/* translation.md 2: which tables serve a request */
static bool select_space(uint64_t summary, uint32_t pasid, AmdviSpace *space)
{
    uint64_t bits = summary >> SUMMARY_PASID_BITS_SHIFT & SUMMARY_PASID_BITS;

    if (pasid == AMDVI_NO_PASID) {
        space->guest = summary & SUMMARY_GIOV;
        pasid = 0;
    } else {
        space->guest = summary & SUMMARY_GUEST;
        if (!space->guest || pasid >> bits) {
            return false;
        }
    }
    space->pasid = pasid;
    space->nested = space->guest && summary & SUMMARY_HOST;
    space->priv = false;
    space->domain_id = (uint16_t)(summary >> SUMMARY_DOMAIN_ID_SHIFT);
    return true;
}

bool amdvi_dte_cache_path(const AmdviDteCache *c, const AmdviDteClock *clock,
                          uint16_t device_id, uint32_t pasid,
                          AmdviPath *path)
{
    uint32_t seq = qatomic_load_acquire(&c->seq);
    uint64_t summary;

    if (!load_summary(c, clock, device_id, seq, &summary) ||
        qatomic_read(&c->seq) != seq ||
        !select_space(summary, pasid, &path->space)) {
        return false;
    }
    path->perm = summary >> SUMMARY_PERM_SHIFT & SUMMARY_PERM;
    path->identity = !path->space.guest && !(summary & SUMMARY_HOST);
    path->ats = summary & SUMMARY_ATS;
    return true;
}

bool amdvi_dte_cache_copy(const AmdviDteCache *c, const AmdviDteClock *clock,
                          uint16_t device_id, uint64_t dte[4])
{
    uint32_t seq = qatomic_load_acquire(&c->seq);
    uint64_t summary;

    if (!load_summary(c, clock, device_id, seq, &summary)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        dte[i] = qatomic_load_acquire(&c->dte[i]);
    }
    return qatomic_read(&c->seq) == seq;
}
