/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DTE cache.  See dte-cache.h */
#include "portable.h"
#include "dte-lookup.h"
#include "iotlb-lookup.h"

void amdvi_dte_clock_init(AmdviDteClock *clock)
{
    clock->now = clock->all = 1;
}

void amdvi_dte_clock_flush(AmdviDteClock *clock)
{
    qatomic_store_release(&clock->now, clock->now + 1);
    qatomic_store_release(&clock->all, clock->now);
}

static uint64_t plain_kind(const struct amdvi_dte_summary *s)
{
    AmdviSpace space = { .guest = s->giov, .nested = s->giov && s->host };

    return s->giov || s->host ? amdvi_tlb_kind(&space) : 0;
}

static uint64_t make_summary(uint16_t device_id,
                             const struct amdvi_dte_summary *s)
{
    return SUMMARY_VALID | device_id |
           (uint64_t)s->domain_id << SUMMARY_DOMAIN_ID_SHIFT |
           (uint64_t)s->pasid_bits << SUMMARY_PASID_BITS_SHIFT |
           (uint64_t)s->perm << SUMMARY_PERM_SHIFT |
           s->guest * SUMMARY_GUEST | s->giov * SUMMARY_GIOV |
           s->host * SUMMARY_HOST | s->ats * SUMMARY_ATS |
           plain_kind(s) << SUMMARY_KIND_SHIFT;
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

bool amdvi_dte_cache_copy(const AmdviDteCache *c, const AmdviDteClock *clock,
                          uint16_t device_id, uint64_t dte[4])
{
    uint32_t seq = qatomic_load_acquire(&c->seq);
    uint64_t summary;

    if (!amdvi_dte_load_summary(c, clock, device_id, seq, &summary)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        dte[i] = qatomic_load_acquire(&c->dte[i]);
    }
    return qatomic_read(&c->seq) == seq;
}
