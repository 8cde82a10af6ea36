/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function where the IVRS says that the IOAPIC is.
 *
 * Linux 7.3 remaps interrupts only if there is a function of class SMBus or
 * ISA bridge at that DeviceID, and older ones only if the DeviceID is 00:14.0
 * (spec/linux-guest.md 8.2).  q35 has nothing there.  The function does
 * nothing; what the user puts into the slot is left alone.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/i386/pc.h"
#include "migration/vmstate.h"
#include "system/system.h"
#include "state.h"

#define TYPE_AMDVI_SVM_SOUTHBRIDGE "amd-iommu-southbridge"
/* Vendor and device that no driver is for */
#define VENDOR_ID PCI_VENDOR_ID_QEMU
#define DEVICE_ID 0x0c05

typedef struct AmdviSouthbridge {
    PCIDevice parent_obj;
} AmdviSouthbridge;

/*
 * The device was made with the IOMMU; it is plugged in when all devices of
 * the command line have found their slots.
 */
static void plug(Notifier *notifier, void *opaque)
{
    AmdviEngine *e = container_of(notifier, AmdviEngine, southbridge_notifier);
    PCIBus *bus = PC_MACHINE(qdev_get_machine())->pcibus;

    if (pci_find_device(bus, 0, AMDVI_IOAPIC_SB_DEVID)) {
        object_unref(e->southbridge);
    } else {
        object_property_add_child(OBJECT(e->s), "southbridge",
                                  OBJECT(e->southbridge));
        pci_realize_and_unref(e->southbridge, bus, &error_fatal);
    }
    e->southbridge = NULL;
}

void amdvi_svm_add_southbridge(AmdviEngine *e)
{
    if (x86_iommu_ir_supported(X86_IOMMU_DEVICE(e->s))) {
        e->southbridge = pci_new(AMDVI_IOAPIC_SB_DEVID,
                                 TYPE_AMDVI_SVM_SOUTHBRIDGE);
        e->southbridge_notifier.notify = plug;
        qemu_add_machine_init_done_notifier(&e->southbridge_notifier);
    }
}

static const VMStateDescription vmstate_southbridge = {
    .name = TYPE_AMDVI_SVM_SOUTHBRIDGE,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, AmdviSouthbridge),
        VMSTATE_END_OF_LIST()
    },
};

static void southbridge_class_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);

    pc->vendor_id = VENDOR_ID;
    pc->device_id = DEVICE_ID;
    pc->class_id = PCI_CLASS_SERIAL_SMBUS;
    dc->vmsd = &vmstate_southbridge;
    dc->desc = "Place of the IOAPIC on the PCI bus, for amd-iommu";
    dc->hotpluggable = false;
    /* Comes with the IOMMU */
    dc->user_creatable = false;
}

static const TypeInfo southbridge_info = {
    .name = TYPE_AMDVI_SVM_SOUTHBRIDGE,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(AmdviSouthbridge),
    .class_init = southbridge_class_init,
    .interfaces = (const InterfaceInfo[]) {
        { INTERFACE_CONVENTIONAL_PCI_DEVICE },
        { },
    },
};

static void register_types(void)
{
    type_register_static(&southbridge_info);
}

type_init(register_types);
