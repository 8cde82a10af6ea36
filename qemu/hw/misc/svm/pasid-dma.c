/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DMA with a PASID: finds the IOMMU that understands it, or does without. */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hw/misc/svm/pasid-dma.h"
#include "hw/pci/pci_host.h"
#include "hw/pci/pcie.h"
#include "hw/misc/svm/qemu-api.h"
#include "system/address-spaces.h"

/*
 * The one IOMMU of the machine that has the interface.  It is searched for
 * once: devices are realized in any order, so that there is none is certain
 * only when the machine is ready.
 */
static struct {
    void *iommu;
    PCIPasidDmaClass *class;    /* looking it up costs more than a request */
    bool searched;
} found;

static void search(void)
{
    Object *object;

    if (qatomic_read(&found.searched) || !bql_locked()) {
        return;
    }
    object = object_resolve_path_type("", TYPE_PCI_PASID_DMA, NULL);
    if (object) {
        found.class = PCI_PASID_DMA_GET_CLASS(object);
        if (found.class->is_available(PCI_PASID_DMA(object))) {
            qatomic_store_release(&found.iommu, PCI_PASID_DMA(object));
        }
    }
    qatomic_set(&found.searched,
                found.iommu || phase_check(PHASE_MACHINE_READY));
}

/*
 * Bus of a function, and whether its root bus bypasses the IOMMU, as
 * pci_get_bus() and pci_bus_bypass_iommu() say.  Those check casts, each of
 * which costs as much as finding a translation.
 */
static PCIBus *bus_of(const PCIDevice *dev)
{
    return (PCIBus *)dev->qdev.parent_bus;
}

static bool bypasses_iommu(PCIBus *bus)
{
    while (!pci_bus_is_root(bus)) {
        bus = bus_of(bus->parent_dev);
    }
    return ((PCIHostState *)bus->qbus.parent)->bypass_iommu;
}

/*
 * The IOMMU with the interface above @dev, or NULL.  As for the calls of the
 * PCI core, a root bus that bypasses the IOMMU has none.  A function behind a
 * conventional bus has none either: it cannot send a PASID, and without one
 * the memory API says all there is to say.
 */
static PCIPasidDma *find_iommu(PCIDevice *dev)
{
    void *iommu;
    PCIBus *bus = bus_of(dev);

    search();
    iommu = qatomic_load_acquire(&found.iommu);
    if (!iommu || bypasses_iommu(bus)) {
        return NULL;
    }
    while (!bus->iommu_ops && bus->parent_dev) {
        if (!pci_bus_is_express(bus)) {
            return NULL;
        }
        bus = bus_of(bus->parent_dev);
    }
    return bus->iommu_ops && bus->iommu_opaque == iommu ? iommu : NULL;
}

bool pci_pasid_dma_available(PCIDevice *dev)
{
    return find_iommu(dev);
}

bool pci_pasid_permitted(const PCIDevice *dev, uint32_t pasid, bool exec,
                         bool priv)
{
    uint16_t control;

    if (pasid == PCI_NO_PASID) {
        return !exec && !priv;
    }
    if (!pcie_pasid_enabled(dev)) {
        return false;
    }
    control = pci_get_word(dev->config + dev->exp.pasid_cap + PCI_PASID_CTRL);
    return (!exec || control & PCI_PASID_CTRL_EXEC) &&
           (!priv || control & PCI_PASID_CTRL_PRIV);
}

MemTxResult pci_pasid_dma_rw(PCIDevice *dev, PCIPasidDmaAttrs attrs,
                             dma_addr_t addr, void *buf, dma_addr_t len,
                             DMADirection dir)
{
    PCIPasidDma *iommu = find_iommu(dev);
    MemTxAttrs plain = { 0 };

    if (!dev->is_master ||
        !pci_pasid_permitted(dev, attrs.pasid, attrs.exec, attrs.priv)) {
        return MEMTX_ACCESS_ERROR;
    }
    if (iommu) {
        return found.class->rw(iommu, bus_of(dev), dev->devfn, attrs, addr,
                               buf, len, dir);
    }
    plain.requester_id = pci_requester_id(dev);
    if (attrs.translated) {
        return dma_memory_rw(&address_space_memory, addr, buf, len, dir,
                             plain);
    }
    if (attrs.pasid != PCI_NO_PASID) {
        return MEMTX_ACCESS_ERROR;
    }
    return pci_dma_rw(dev, addr, buf, len, dir, plain);
}

static const TypeInfo pasid_dma_info = {
    .name = TYPE_PCI_PASID_DMA,
    .parent = TYPE_INTERFACE,
    .class_size = sizeof(PCIPasidDmaClass),
};

static void register_types(void)
{
    type_register_static(&pasid_dma_info);
}

type_init(register_types)
