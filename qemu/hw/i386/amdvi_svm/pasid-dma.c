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
#include "state.h"

/* A request, and the part of it that is left */
typedef struct AmdviTransfer {
    AmdviDevice *device;
    struct amdvi_request request;
    uint8_t *buf;
    dma_addr_t left;            /* in bytes */
} AmdviTransfer;

/* Bytes left that share the result for the current address */
static dma_addr_t bytes_in_page(const AmdviTransfer *t,
                                const struct amdvi_result *result)
{
    unsigned int shift = amdvi_svm_range_shift(t->request.addr,
                                               result->page_shift);
    uint64_t mask = MAKE_64BIT_MASK(0, shift);

    return MIN(t->left, mask - (t->request.addr & mask) + 1);
}

/* Move what the result is good for */
static MemTxResult move(AmdviTransfer *t, const struct amdvi_result *result,
                        dma_addr_t *moved)
{
    MemTxAttrs attrs = { .requester_id = t->request.device_id };
    bool write = t->request.write;

    if (result->outcome == AMDVI_OUTCOME_INTERRUPT) {
        *moved = MIN(t->left, AMDVI_INT_ADDR_LAST - t->request.addr + 1);
        return address_space_rw(&t->device->as, t->request.addr, attrs,
                                t->buf, *moved, write);
    }
    *moved = bytes_in_page(t, result);
    return address_space_rw(&address_space_memory, result->addr, attrs,
                            t->buf, *moved, write);
}

static MemTxResult transfer(AmdviTransfer *t)
{
    AmdviEngine *e = t->device->engine;
    MemTxResult ret = MEMTX_OK;

    while (t->left && ret == MEMTX_OK) {
        struct amdvi_result result;
        dma_addr_t moved;

        amdvi_svm_translate(t->device, &t->request, &result);
        if (amdvi_svm_failed(&result)) {
            amdvi_svm_report(e, &t->request, &result);
            return MEMTX_ACCESS_ERROR;
        }
        ret = move(t, &result, &moved);
        t->left -= moved;
        t->buf += moved;
        t->request.addr += moved;
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
