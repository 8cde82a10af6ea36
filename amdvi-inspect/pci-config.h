/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function's own configuration space says of PASIDs.
 */
#ifndef AMDVI_INSPECT_PCI_CONFIG_H
#define AMDVI_INSPECT_PCI_CONFIG_H

#include "target.h"

enum amdvi_pasid_capability {
    AMDVI_PASID_UNKNOWN,        /* configuration spaces cannot be read */
    AMDVI_PASID_ABSENT,
    AMDVI_PASID_DISABLED,
    AMDVI_PASID_ENABLED,
};

/* Returns false if the target failed */
bool amdvi_pci_pasid(struct amdvi_target *target, uint16_t device_id,
                     enum amdvi_pasid_capability *ret,
                     struct amdvi_error *err);

#endif
