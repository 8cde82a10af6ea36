/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Submission: spec/dsa-device.md 6.1.  A 64-byte store arrives as eight
 * writes; they are collected for each place in a portal.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "qemu/log.h"
#include "trace.h"

#define QWORD 8
#define ALL_PRESENT 0xff

/* Of the four pages of a queue two take descriptors */
static DsaSlot *find_slot(DsaState *s, hwaddr addr)
{
    unsigned int page = addr / DSA_PORTAL_PAGE;
    unsigned int queue = page / DSA_PORTAL_PAGES;

    page %= DSA_PORTAL_PAGES;
    if (queue >= s->queues_len || page > DSA_PORTAL_LIMITED) {
        return NULL;
    }
    return &s->slots[(queue * (DSA_PORTAL_LIMITED + 1) + page) * DSA_SLOTS +
                     addr % DSA_PORTAL_PAGE / DSA_DESC_BYTES];
}

static uint64_t dsa_portal_read(void *opaque, hwaddr addr, unsigned int size)
{
    return UINT64_MAX;
}

static void dsa_portal_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned int size)
{
    DsaState *s = opaque;
    DsaSlot *slot = find_slot(s, addr);
    unsigned int n = addr % DSA_DESC_BYTES / QWORD;

    if (!slot || size != QWORD) {
        qemu_log_mask(LOG_GUEST_ERROR, "dsa: write of %u bytes to portal "
                      "address 0x%" HWADDR_PRIx " is ignored\n", size, addr);
        return;
    }
    stq_le_p(slot->bytes + n * QWORD, value);
    slot->present |= 1 << n;
    if (slot->present == ALL_PRESENT) {
        slot->present = 0;
        dsa_submit(s, addr / (DSA_PORTAL_PAGE * DSA_PORTAL_PAGES),
                   slot->bytes);
    }
}

const MemoryRegionOps dsa_portals_ops = {
    .read = dsa_portal_read,
    .write = dsa_portal_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};
