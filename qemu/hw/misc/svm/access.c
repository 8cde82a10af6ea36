/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving data through the device TLB.
 *
 * An ATS invalidation is complete when the device uses the old translation no
 * more, so it waits for the accesses that have begun with it, and for nothing
 * else: later ones cannot find it.  A translation that is being asked for
 * while its page is invalidated is asked for again.
 *
 * The wait is in a notifier, with the BQL held.  An access on the way must
 * therefore not need the BQL: what is not RAM is accessed with the BQL taken
 * beforehand.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/lockable.h"
#include "qemu/rcu.h"
#include "qemu/units.h"
#include "client-internal.h"
#include "hw/pci/pcie.h"
#include "system/address-spaces.h"
#include "trace.h"

/*
 * How often a translation is asked for again because its page was invalidated
 * meanwhile.  After that it counts as absent: a guest that does nothing but
 * invalidate shall not occupy a thread for ever.
 */
#define ATS_ATTEMPTS 64
/*
 * How long an invalidation waits for an access, which takes microseconds.
 * Only an access whose target stops being RAM under it can last longer: it
 * waits for the BQL then, which the invalidation holds.
 */
#define STUCK_MS 1000
/* The largest page that is kept: what is told about it may matter */
#define BLOCK_SHIFT 30

/* Its address tells one thread from another */
static __thread char this_thread;

static void take_off(SvmClient *c, SvmFlight *f)
{
    f->thread = &this_thread;
    f->epoch = c->epoch;
    QLIST_INSERT_HEAD(&c->flights, f, next);
}

static void land(SvmClient *c, SvmFlight *f)
{
    QLIST_REMOVE(f, next);
    qemu_cond_broadcast(&c->landed);
}

static bool concerns(const SvmFlight *f, const uint32_t *pasid,
                     uint64_t first, uint64_t last)
{
    return (!pasid || f->pasid == *pasid) &&
           f->first <= last && f->last >= first;
}

/* Translations on their way are of no use any more, or only for a page */
static void mark_stale(SvmClient *c, const uint32_t *pasid, uint64_t first,
                       uint64_t last)
{
    SvmFlight *f;

    QLIST_FOREACH(f, &c->flights, next) {
        if (!f->moving && concerns(f, pasid, first, last)) {
            f->narrow = true;
            f->stale |= f->page <= last &&
                        f->page + (SVM_PAGE_SIZE - 1) >= first;
        }
    }
}

/*
 * Whether an access that began before @epoch uses these addresses.  Not one
 * of this very thread: it writes to the registers of the IOMMU right now, and
 * waiting for oneself takes long.
 */
static bool is_used(SvmClient *c, const uint32_t *pasid, uint64_t first,
                    uint64_t last, uint64_t epoch)
{
    SvmFlight *f;

    QLIST_FOREACH(f, &c->flights, next) {
        if (f->moving && f->epoch < epoch && f->thread != &this_thread &&
            concerns(f, pasid, first, last)) {
            return true;
        }
    }
    return false;
}

void svm_client_drop(SvmClient *c, const uint32_t *pasid, uint64_t first,
                     uint64_t last)
{
    uint32_t dropped;
    uint64_t epoch;

    QEMU_LOCK_GUARD(&c->lock);
    dropped = svm_tlb_drop(&c->tlb, pasid, first, last);
    c->counters.dropped += dropped;
    mark_stale(c, pasid, first, last);
    epoch = ++c->epoch;
    trace_svm_client_invalidate(svm_client_name(c),
                                pasid ? *pasid : PCI_NO_PASID, first, last,
                                dropped);
    while (is_used(c, pasid, first, last, epoch)) {
        if (!qemu_cond_timedwait(&c->landed, &c->lock, STUCK_MS)) {
            c->counters.stuck++;
            trace_svm_client_stuck(svm_client_name(c),
                                   pasid ? *pasid : PCI_NO_PASID);
            break;
        }
    }
}

void svm_client_invalidate(SvmClient *c, uint32_t pasid, uint64_t first,
                           uint64_t last)
{
    svm_client_drop(c, &pasid, first, last);
}

/* log2 of the page to keep of a completion for a range of @mask + 1 bytes */
static uint8_t page_shift(uint64_t mask, bool narrow)
{
    return narrow || mask < 2 * MiB - 1 ? SVM_PAGE_SHIFT :
           mask < GiB - 1 ? 21 : BLOCK_SHIFT;
}

/*
 * Make an entry of a completion.  Write permission only if it was asked for:
 * the IOMMU has not marked the page dirty otherwise.
 */
static void make_entry(SvmTlbEntry *entry, const IOMMUTLBEntry *reply,
                       uint32_t pasid, uint64_t addr, IOMMUAccessFlags want,
                       bool narrow)
{
    uint64_t mask = reply->addr_mask;
    IOMMUAccessFlags perm = reply->perm & (IOMMU_RO | IOMMU_UNTRANSLATED_ONLY |
                                           (want & (IOMMU_WO | IOMMU_EXEC)));

    entry->shift = page_shift(mask, narrow);
    entry->iova = addr & ~((1ULL << entry->shift) - 1);
    entry->addr = (reply->translated_addr & ~mask) | (entry->iova & mask);
    entry->as = reply->target_as;
    entry->pasid = pasid;
    entry->perm = perm | (want & IOMMU_PRIV);
    entry->stale_since = 0;
}

/* What a completion means.  Needs the lock, like all that follow */
static SvmAccess judge(SvmContext *ctx, uint64_t addr, IOMMUAccessFlags want,
                       ssize_t result, const IOMMUTLBEntry *reply,
                       bool narrow, SvmTlbEntry *entry)
{
    SvmClient *c = ctx->client;

    if (result != 1) {
        c->counters.ats_errors++;
        return SVM_ERROR;
    }
    if (!(reply->perm & SVM_RIGHTS)) {
        return SVM_FAULT;
    }
    make_entry(entry, reply, ctx->pasid, addr, want, narrow);
    svm_tlb_insert(&c->tlb, entry);
    return want & ~entry->perm & SVM_RIGHTS ? SVM_FAULT : SVM_OK;
}

/* Ask the IOMMU for the page at @addr.  Releases the lock meanwhile */
static SvmAccess ask(SvmContext *ctx, uint64_t addr, IOMMUAccessFlags want,
                     SvmTlbEntry *entry)
{
    SvmClient *c = ctx->client;
    uint64_t block = MAKE_64BIT_MASK(0, BLOCK_SHIFT);

    for (int i = 0; i < ATS_ATTEMPTS; i++) {
        SvmFlight asking = {
            .pasid = ctx->pasid,
            .first = addr & ~block,
            .last = addr | block,
            .page = addr & ~(SVM_PAGE_SIZE - 1),
        };
        IOMMUTLBEntry reply = { .perm = IOMMU_NONE };
        uint32_t lacking;
        ssize_t result;

        take_off(c, &asking);
        c->counters.ats_requests++;
        qemu_mutex_unlock(&c->lock);
        result = pci_ats_request_translation(c->dev, ctx->pasid,
                                             want & IOMMU_PRIV,
                                             want & IOMMU_EXEC, asking.page,
                                             SVM_PAGE_SIZE,
                                             !(want & IOMMU_WO), &reply, 1,
                                             &lacking);
        trace_svm_client_ats(svm_client_name(c), ctx->pasid, asking.page, want,
                             result, reply.translated_addr, reply.addr_mask,
                             reply.perm);
        qemu_mutex_lock(&c->lock);
        land(c, &asking);
        if (!asking.stale) {
            return judge(ctx, addr, want, result, &reply, asking.narrow,
                         entry);
        }
    }
    return SVM_FAULT;
}

/*
 * Find the translation of @addr.  Without ATS, or behind an IOMMU that tells
 * of no invalidations, it is that the request must go untranslated.
 */
static SvmAccess translate(SvmContext *ctx, uint64_t addr,
                           IOMMUAccessFlags want, SvmTlbEntry *entry)
{
    SvmClient *c = ctx->client;
    SvmTlbEntry *hit;

    if (!c->ats_on || !ctx->told) {
        *entry = (SvmTlbEntry) { .perm = IOMMU_UNTRANSLATED_ONLY };
        return SVM_OK;
    }
    if (!pci_pasid_permitted(c->dev, ctx->pasid, want & IOMMU_EXEC,
                             want & IOMMU_PRIV)) {
        return SVM_ERROR;
    }
    hit = svm_tlb_find(&c->tlb, ctx->pasid, addr, want);
    if (hit) {
        c->counters.tlb_hits++;
        *entry = *hit;
        hit->stale_since = 0;
        return SVM_OK;
    }
    c->counters.tlb_misses++;
    return ask(ctx, addr, want, entry);
}

static bool is_ram(const SvmTlbEntry *e, uint64_t addr, size_t len, bool write)
{
    hwaddr offset, size = len;
    MemoryRegion *mr;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(e->as, addr, &offset, &size, write,
                                 MEMTXATTRS_UNSPECIFIED);
    return size >= len && memory_access_is_direct(mr, write,
                                                  MEMTXATTRS_UNSPECIFIED);
}

static MemTxResult move(SvmContext *ctx, const SvmTlbEntry *e, uint64_t addr,
                        void *buf, size_t len, IOMMUAccessFlags want)
{
    PCIDevice *dev = ctx->client->dev;
    DMADirection dir = want & IOMMU_WO ? DMA_DIRECTION_FROM_DEVICE
                                       : DMA_DIRECTION_TO_DEVICE;
    PCIPasidDmaAttrs attrs = {
        .pasid = ctx->pasid,
        .translated = !(e->perm & IOMMU_UNTRANSLATED_ONLY),
        .exec = want & IOMMU_EXEC,
        .priv = want & IOMMU_PRIV,
    };

    if (!attrs.translated) {
        return pci_pasid_dma_rw(dev, attrs, addr, buf, len, dir);
    }
    addr = e->addr + (addr - e->iova);
    if (e->as == &address_space_memory) {
        return pci_pasid_dma_rw(dev, attrs, addr, buf, len, dir);
    }
    return dma_memory_rw(e->as, addr, buf, len, dir, MEMTXATTRS_UNSPECIFIED);
}

/* Bytes from @addr to the end of what @e translates */
static uint64_t bytes_left(const SvmTlbEntry *e, uint64_t addr)
{
    uint64_t size = e->shift ? 1ULL << e->shift : SVM_PAGE_SIZE;

    return size - (addr & (size - 1));
}

/*
 * Find the translation for the first of @len bytes and begin to use it, for
 * as many of them as it is good for.  Untranslated requests are not in the
 * way of an invalidation: the IOMMU judges each.
 */
static SvmAccess begin(SvmContext *ctx, uint64_t addr, size_t *len,
                       IOMMUAccessFlags want, SvmTlbEntry *entry,
                       SvmFlight *flight)
{
    SvmAccess access;

    QEMU_LOCK_GUARD(&ctx->client->lock);
    access = translate(ctx, addr, want, entry);
    if (access == SVM_OK) {
        *len = MIN(*len, bytes_left(entry, addr));
        *flight = (SvmFlight) {
            .pasid = ctx->pasid,
            .first = addr,
            .last = addr + (*len - 1),
            .moving = !(entry->perm & IOMMU_UNTRANSLATED_ONLY),
        };
        take_off(ctx->client, flight);
    }
    return access;
}

static void end(SvmClient *c, SvmFlight *flight)
{
    QEMU_LOCK_GUARD(&c->lock);
    land(c, flight);
}

/* What was judged stale is used like the rest, as hardware does, but told */
static void tell_if_stale(SvmContext *ctx, const SvmTlbEntry *entry,
                          uint64_t addr, IOMMUAccessFlags want)
{
    if (entry->stale_since) {
        SvmClient *c = ctx->client;

        c->stale_hit(c->stale_opaque, ctx->pasid, addr, want,
                     entry->stale_since);
    }
}

/* Move up to @len bytes, as many as one translation is good for */
static SvmAccess access_page(SvmContext *ctx, uint64_t addr, void *buf,
                             size_t *len, IOMMUAccessFlags want)
{
    bool unlock = false;
    SvmTlbEntry entry;
    SvmFlight flight;
    SvmAccess access;

    while ((access = begin(ctx, addr, len, want, &entry, &flight)) == SVM_OK) {
        tell_if_stale(ctx, &entry, addr, want);
        if (bql_locked() || !flight.moving ||
            is_ram(&entry, entry.addr + (addr - entry.iova), *len,
                   want & IOMMU_WO)) {
            if (move(ctx, &entry, addr, buf, *len, want) != MEMTX_OK) {
                access = SVM_ERROR;
            }
            end(ctx->client, &flight);
            break;
        }
        end(ctx->client, &flight);
        bql_lock();
        unlock = true;
    }
    if (unlock) {
        bql_unlock();
    }
    return access;
}

SvmAccess svm_client_access(SvmContext *ctx, uint64_t addr, void *buf,
                            size_t len, IOMMUAccessFlags want, size_t *done,
                            uint64_t *fault_addr)
{
    SvmAccess access = SVM_OK;

    len = MIN(len, SVM_CHUNK_MAX);
    *done = 0;
    while (access == SVM_OK && *done < len) {
        size_t part = len - *done;

        *fault_addr = addr + *done;
        access = ctx->client->dev->is_master
                 ? access_page(ctx, *fault_addr, (uint8_t *)buf + *done, &part,
                               want)
                 : SVM_ERROR;
        if (access == SVM_OK) {
            *done += part;
        }
    }
    return access;
}

SvmAccess svm_client_rw(SvmContext *ctx, uint64_t addr, void *buf, size_t len,
                        bool write, size_t *done, uint64_t *fault_addr)
{
    return svm_client_access(ctx, addr, buf, len,
                             write ? IOMMU_WO : IOMMU_RO, done, fault_addr);
}
