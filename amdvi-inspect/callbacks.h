/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a program that uses libamdvi-views hands in its own reader of a VM's
 * memory.  Installed beside face.h, so it includes nothing of ours.
 */
#ifndef AMDVI_INSPECT_CALLBACKS_H
#define AMDVI_INSPECT_CALLBACKS_H

#include <stdint.h>

/* What a callback returns */
enum amdvi_callback_status {
    AMDVI_CALLBACK_OK,
    AMDVI_CALLBACK_NO_MEMORY,   /* nothing answers at this address */
    AMDVI_CALLBACK_FAILED,      /* the message says why */
};

/* Bytes for the message of a callback, with its terminating zero */
#define AMDVI_CALLBACK_MESSAGE 256

struct amdvi_callbacks {
    /*
     * Read @len bytes of the physical address space, at most
     * 4096 and within a 4 KiB page.  Also called for the IOMMU's registers:
     * then @len and @addr are multiples of 8, and each 8 bytes have to be
     * one access.  Returns an enum amdvi_callback_status.
     */
    int (*read)(void *opaque, uint64_t addr, void *buf, uint64_t len,
                char *message);
    void *opaque;
    /* What the target is: "gdbstub"; not NULL */
    const char *kind;
    /* Text of the monitor command "info mtree -f"; not NULL */
    const char *memory_map;
    /* Text of "info pci"; NULL: functions are not known */
    const char *pci;
};

#endif
