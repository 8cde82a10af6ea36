/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device TLB: set associative, of fixed size, tagged by PASID, with pages
 * of three sizes.  It holds what ATS completions granted and nothing else; a
 * completion without permission is never kept, for software may add the page
 * without telling.
 */
#include "qemu/osdep.h"
#include "client-internal.h"

static const uint8_t page_shifts[] = { 12, 21, 30 };

void svm_tlb_init(SvmTlb *tlb, uint32_t entries)
{
    tlb->entry = g_new0(SvmTlbEntry, entries);
    tlb->sets = entries / SVM_TLB_WAYS;
    tlb->victim = g_new0(uint8_t, tlb->sets);
    tlb->sizes = 0;
}

void svm_tlb_cleanup(SvmTlb *tlb)
{
    g_clear_pointer(&tlb->entry, g_free);
    g_clear_pointer(&tlb->victim, g_free);
}

static uint32_t set_of(const SvmTlb *tlb, uint32_t pasid, uint64_t iova,
                       uint8_t shift)
{
    /* Neighbouring pages get different sets; so do those of two processes */
    return ((iova >> shift) + pasid * 0x9e3779b1ULL + shift) & (tlb->sets - 1);
}

/* Whether @e is the page of @shift around @iova, for this kind of request */
static bool is_page(const SvmTlbEntry *e, uint32_t pasid, uint64_t iova,
                    uint8_t shift, IOMMUAccessFlags want)
{
    return e->perm && e->shift == shift && e->pasid == pasid &&
           e->iova >> shift == iova >> shift &&
           !((e->perm ^ want) & IOMMU_PRIV);
}

SvmTlbEntry *svm_tlb_find(SvmTlb *tlb, uint32_t pasid, uint64_t iova,
                          IOMMUAccessFlags want)
{
    for (int i = 0; i < ARRAY_SIZE(page_shifts); i++) {
        uint8_t shift = page_shifts[i];
        SvmTlbEntry *e;

        if (!(tlb->sizes & (1u << shift))) {
            continue;
        }
        e = &tlb->entry[set_of(tlb, pasid, iova, shift) * SVM_TLB_WAYS];
        for (int way = 0; way < SVM_TLB_WAYS; way++, e++) {
            if (is_page(e, pasid, iova, shift, want) &&
                !(want & ~e->perm & SVM_RIGHTS)) {
                return e;
            }
        }
    }
    return NULL;
}

/* Which way of @set is for @entry: its own, a free one, or the next victim */
static SvmTlbEntry *choose_way(SvmTlb *tlb, uint32_t set,
                               const SvmTlbEntry *entry)
{
    SvmTlbEntry *way = &tlb->entry[set * SVM_TLB_WAYS];
    SvmTlbEntry *free = NULL;

    for (int i = 0; i < SVM_TLB_WAYS; i++) {
        if (is_page(&way[i], entry->pasid, entry->iova, entry->shift,
                    entry->perm)) {
            return &way[i];
        }
        if (!way[i].perm && !free) {
            free = &way[i];
        }
    }
    return free ? free : &way[tlb->victim[set]++ % SVM_TLB_WAYS];
}

void svm_tlb_insert(SvmTlb *tlb, const SvmTlbEntry *entry)
{
    uint32_t set = set_of(tlb, entry->pasid, entry->iova, entry->shift);

    if (entry->perm & SVM_RIGHTS) {
        SvmTlbEntry *way = choose_way(tlb, set, entry);

        *way = *entry;
        way->number = ++tlb->inserted;
        tlb->sizes |= 1u << entry->shift;
    }
}

static bool overlaps(const SvmTlbEntry *e, uint64_t first, uint64_t last)
{
    return e->iova <= last && e->iova + ((1ULL << e->shift) - 1) >= first;
}

uint32_t svm_tlb_drop(SvmTlb *tlb, const uint32_t *pasid, uint64_t first,
                      uint64_t last)
{
    uint32_t dropped = 0;

    for (uint32_t i = 0; i < tlb->sets * SVM_TLB_WAYS; i++) {
        SvmTlbEntry *e = &tlb->entry[i];

        if (e->perm && (!pasid || e->pasid == *pasid) &&
            overlaps(e, first, last)) {
            e->perm = 0;
            dropped++;
        }
    }
    return dropped;
}
