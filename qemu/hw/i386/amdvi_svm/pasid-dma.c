/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests with what the memory API cannot carry: a PASID, execute and
 * privileged, or an address that is translated already.
 *
 * They come page by page and end at the first that fails, so that a request
 * leaves one event at most.  spec/translation.md 1, 3, 4.2.
 */
#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "system/address-spaces.h"
#include "hit.h"
#include "state.h"

/* A request, and the part of it that is left */
typedef struct AmdviTransfer {
    AmdviDevice *device;
    struct amdvi_request request;
    uint8_t *buf;
    dma_addr_t left;            /* in bytes */
} AmdviTransfer;

/* Go on behind what was moved */
static void advance(AmdviTransfer *t, dma_addr_t moved)
{
    t->left -= moved;
    t->buf += moved;
    t->request.addr += moved;
}

/*
 * Move what is left and lies in the same page of 2^@page_shift bytes as the
 * current address, which has become @spa
 */
static MemTxResult move(AmdviTransfer *t, uint64_t spa,
                        unsigned int page_shift)
{
    MemTxAttrs attrs = { .requester_id = t->request.device_id };
    unsigned int shift = amdvi_svm_range_shift(t->request.addr, page_shift);
    uint64_t mask = MAKE_64BIT_MASK(0, shift);
    dma_addr_t moved = MIN(t->left, mask - (t->request.addr & mask) + 1);
    MemTxResult ret = amdvi_svm_access(spa, attrs, t->buf, moved,
                                       t->request.write);

    advance(t, moved);
    return ret;
}

/* Messages go the way of all others */
static MemTxResult send_message(AmdviTransfer *t)
{
    MemTxAttrs attrs = { .requester_id = t->request.device_id };
    dma_addr_t moved = MIN(t->left, AMDVI_INT_ADDR_LAST - t->request.addr + 1);
    MemTxResult ret = address_space_rw(&t->device->as, t->request.addr, attrs,
                                       t->buf, moved, t->request.write);

    advance(t, moved);
    return ret;
}

/* Go on where nothing is cached */
static MemTxResult walk(AmdviTransfer *t)
{
    struct amdvi_result result;

    amdvi_svm_walk(t->device, &t->request, &result);
    if (amdvi_svm_failed(&result)) {
        amdvi_svm_report(t->device->engine, &t->request, &result);
        return MEMTX_ACCESS_ERROR;
    }
    if (result.outcome == AMDVI_OUTCOME_INTERRUPT) {
        return send_message(t);
    }
    return move(t, result.addr, result.page_shift);
}

static MemTxResult transfer(AmdviTransfer *t)
{
    MemTxResult ret = MEMTX_OK;

    while (t->left && ret == MEMTX_OK) {
        AmdviPath path;
        AmdviIotlbHit hit;

        if (amdvi_svm_find_cached(t->device, &t->request, &path, &hit)) {
            ret = move(t, hit.addr, hit.page_shift);
        } else {
            ret = walk(t);
        }
    }
    return ret;
}

static MemTxResult pasid_dma_rw(PCIPasidDma *iommu, PCIBus *bus, int devfn,
                                PCIPasidDmaAttrs attrs, dma_addr_t addr,
                                void *buf, dma_addr_t len, DMADirection dir)
{
    /* An interface is the object itself; a checked cast costs as a hit does */
    AmdviEngine *e = amdvi_svm_engine((AMDVIState *)iommu);
    bool write = dir == DMA_DIRECTION_FROM_DEVICE;
    AmdviTransfer t = {
        .request = {
            .kind = attrs.translated ? AMDVI_REQUEST_TRANSLATED
                                     : AMDVI_REQUEST_DMA,
            .pasid = attrs.pasid,
            .addr = addr,
            .read = !write,
            .write = write,
            .exec = attrs.exec && !write,
            .priv = attrs.priv,
        },
        .buf = buf,
        .left = len,
    };

    RCU_READ_LOCK_GUARD();
    t.device = amdvi_svm_find_device_at(e, bus, devfn);
    if (!t.device || (len && addr + (len - 1) < addr)) {
        return MEMTX_ACCESS_ERROR;
    }
    t.request.device_id = amdvi_svm_device_id(t.device);
    return transfer(&t);
}

static bool pasid_dma_is_available(PCIPasidDma *iommu)
{
    return amdvi_svm_engine(AMD_IOMMU_DEVICE(iommu)) != NULL;
}

void amdvi_svm_pasid_dma_class_init(ObjectClass *klass)
{
    PCIPasidDmaClass *pc = PCI_PASID_DMA_CLASS(klass);

    pc->rw = pasid_dma_rw;
    pc->is_available = pasid_dma_is_available;
}
