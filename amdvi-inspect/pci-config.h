/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function's own configuration space says of shared virtual memory.
 */
#ifndef AMDVI_INSPECT_PCI_CONFIG_H
#define AMDVI_INSPECT_PCI_CONFIG_H

#include "target.h"

enum amdvi_pci_capability_id {
    AMDVI_PCI_ATS,
    AMDVI_PCI_PRI,
    AMDVI_PCI_PASID,
    AMDVI_NUM_PCI_CAPABILITIES
};

enum amdvi_pci_state {
    AMDVI_PCI_UNKNOWN,          /* configuration spaces cannot be read */
    AMDVI_PCI_ABSENT,
    AMDVI_PCI_DISABLED,
    AMDVI_PCI_ENABLED,
};

struct amdvi_pci_capability {
    enum amdvi_pci_state state;
    unsigned int width;         /* of a PASID in bits; 0: has none */
};

/* Returns false if the target failed */
bool amdvi_pci_capability(struct amdvi_target *target, uint16_t device_id,
                          enum amdvi_pci_capability_id id,
                          struct amdvi_pci_capability *ret,
                          struct amdvi_error *err);

#endif
