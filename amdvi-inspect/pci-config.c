/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities in a configuration space.  See pci-config.h.
 */
#include "pci-config.h"

/* Where the list of extended capabilities begins, and its longest */
#define FIRST_CAPABILITY 0x100u
#define MAX_CAPABILITIES 96
/* The word of a capability that has the bit "enable" */
#define CONTROL 4u
/* What a function without extended configuration space reads */
#define NOTHING UINT32_MAX

/* Capabilities by the PCI Express specification */
static const struct {
    uint32_t id;
    uint32_t enable;            /* in the word at CONTROL */
    uint32_t width;             /* Max PASID Width there, bits; 0: none */
} capabilities[AMDVI_NUM_PCI_CAPABILITIES] = {
    [AMDVI_PCI_ATS] = { 0x0f, 1u << 31, 0 },
    [AMDVI_PCI_PRI] = { 0x13, 1u << 0, 0 },
    [AMDVI_PCI_PASID] = { 0x1b, 1u << 16, 0x1f00 },
};

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

bool amdvi_pci_capability(struct amdvi_target *target, uint16_t device_id,
                          enum amdvi_pci_capability_id id,
                          struct amdvi_pci_capability *ret,
                          struct amdvi_error *err)
{
    uint32_t word = 0;
    uint16_t offset;
    bool known;

    *ret = (struct amdvi_pci_capability) { .state = AMDVI_PCI_UNKNOWN };
    if (!target->ops->read_config) {
        return true;
    }
    if (!find_capability(target, device_id, capabilities[id].id, &offset,
                         &known, err)) {
        return false;
    }
    if (known && offset == 0) {
        ret->state = AMDVI_PCI_ABSENT;
    }
    if (offset == 0) {
        return true;
    }
    if (!target->ops->read_config(target, device_id,
                                  (uint16_t)(offset + CONTROL), &word, &known,
                                  err)) {
        return false;
    }
    if (known) {
        ret->state = word & capabilities[id].enable ? AMDVI_PCI_ENABLED
                                                    : AMDVI_PCI_DISABLED;
        ret->width = (word & capabilities[id].width) >> 8;
    }
    return true;
}
