/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities in a configuration space.  See pci-config.h.
 */
#include "pci-config.h"

/* Where the list of extended capabilities begins, and its longest */
#define FIRST_CAPABILITY 0x100u
#define MAX_CAPABILITIES 96
/* PASID capability: its number; the control register is the upper half of
   its second word, and bit 0 of that is PASID Enable */
#define PASID_ID 0x1bu
#define PASID_CONTROL 4u
#define PASID_ENABLE (1u << 16)
/* What a function without extended configuration space reads */
#define NOTHING UINT32_MAX

/* The offset of capability @id, or 0; *@ret_known false: cannot tell */
static bool find_capability(struct amdvi_target *target, uint16_t device_id,
                            uint32_t id, uint16_t *ret_offset,
                            bool *ret_known, struct amdvi_error *err)
{
    uint16_t offset = FIRST_CAPABILITY;

    *ret_offset = 0;
    for (int i = 0; i < MAX_CAPABILITIES && offset >= FIRST_CAPABILITY; i++) {
        uint32_t header = 0;

        if (!target->ops->read_config(target, device_id, offset, &header,
                                      ret_known, err)) {
            return false;
        }
        if (!*ret_known || header == NOTHING) {
            return true;
        }
        if ((header & 0xffff) == id) {
            *ret_offset = offset;
            return true;
        }
        offset = header >> 20 & 0xffc;
    }
    return true;
}

bool amdvi_pci_pasid(struct amdvi_target *target, uint16_t device_id,
                     enum amdvi_pasid_capability *ret,
                     struct amdvi_error *err)
{
    uint32_t control = 0;
    uint16_t offset;
    bool known;

    *ret = AMDVI_PASID_UNKNOWN;
    if (!target->ops->read_config) {
        return true;
    }
    if (!find_capability(target, device_id, PASID_ID, &offset, &known, err)) {
        return false;
    }
    if (known && offset == 0) {
        *ret = AMDVI_PASID_ABSENT;
    }
    if (offset == 0) {
        return true;
    }
    if (!target->ops->read_config(target, device_id,
                                  (uint16_t)(offset + PASID_CONTROL),
                                  &control, &known, err)) {
        return false;
    }
    if (known) {
        *ret = control & PASID_ENABLE ? AMDVI_PASID_ENABLED
                                      : AMDVI_PASID_DISABLED;
    }
    return true;
}
