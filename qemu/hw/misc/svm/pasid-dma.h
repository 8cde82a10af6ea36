/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA of a PCI function with the attributes that the memory API cannot carry:
 * a 20-bit PASID, execute and privileged, and "already translated".
 *
 * MemTxAttrs has 8 bits for a process, and an IOMMU region is never told any
 * of these, so an IOMMU that can judge such requests offers this interface
 * and gets them directly.  Behind any other IOMMU only what the memory API
 * can express works; the rest fails as if the IOMMU had aborted it.
 */
#ifndef HW_MISC_SVM_PASID_DMA_H
#define HW_MISC_SVM_PASID_DMA_H

#include "hw/pci/pci_bus.h"
#include "hw/pci/pci_device.h"
#include "qom/object.h"
#include "system/dma.h"

#define TYPE_PCI_PASID_DMA "pci-pasid-dma"

typedef struct PCIPasidDma PCIPasidDma;
typedef struct PCIPasidDmaClass PCIPasidDmaClass;
DECLARE_CLASS_CHECKERS(PCIPasidDmaClass, PCI_PASID_DMA, TYPE_PCI_PASID_DMA)
#define PCI_PASID_DMA(obj) \
    INTERFACE_CHECK(PCIPasidDma, (obj), TYPE_PCI_PASID_DMA)

typedef struct PCIPasidDmaAttrs {
    uint32_t pasid;             /* PCI_NO_PASID: without a PASID prefix */
    bool translated;            /* the address is from an ATS completion */
    bool exec;                  /* a read for execution; only with a PASID */
    bool priv;                  /* privileged mode; only with a PASID */
} PCIPasidDmaAttrs;

struct PCIPasidDmaClass {
    InterfaceClass parent_class;

    /*
     * Serve a request of the function that the IOMMU sees as @devfn of @bus.
     * May be called with or without the BQL.  A failing request leaves one
     * event at most.  Returns MEMTX_OK, or how it was aborted.
     */
    MemTxResult (*rw)(PCIPasidDma *iommu, PCIBus *bus, int devfn,
                      PCIPasidDmaAttrs attrs, dma_addr_t addr, void *buf,
                      dma_addr_t len, DMADirection dir);
    /* Whether this IOMMU serves such requests, which does not change */
    bool (*is_available)(PCIPasidDma *iommu);
};

/*
 * Whether the IOMMU above @dev serves requests with PASID.  Called with the
 * BQL at least once before pci_pasid_dma_rw() is called without it.
 */
bool pci_pasid_dma_available(PCIDevice *dev);

/*
 * Read @len bytes at @addr into @buf (DMA_DIRECTION_TO_DEVICE) or write them
 * (DMA_DIRECTION_FROM_DEVICE), as the function @dev would with @attrs.
 *
 * MEMTX_ACCESS_ERROR if the function may not send such a request at all: bus
 * mastering, its PASID capability or the bit for @attrs.exec or @attrs.priv
 * is off, or a PASID is given and no IOMMU would understand it.
 */
MemTxResult pci_pasid_dma_rw(PCIDevice *dev, PCIPasidDmaAttrs attrs,
                             dma_addr_t addr, void *buf, dma_addr_t len,
                             DMADirection dir);

/*
 * Whether the PASID capability of @dev lets it send requests with @pasid,
 * for execution and in privileged mode.  True for PCI_NO_PASID alone.
 */
bool pci_pasid_permitted(const PCIDevice *dev, uint32_t pasid, bool exec,
                         bool priv);

#endif
