/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target whose memory is read by callbacks of another program: a debugger
 * that is attached to a VM's gdbstub.
 */
#ifndef AMDVI_INSPECT_TARGET_CALLBACKS_H
#define AMDVI_INSPECT_TARGET_CALLBACKS_H

#include "target.h"

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
     * AMDVI_TARGET_READ_MAX and within a 4 KiB page.  Also called for the
     * IOMMU's registers: then @len is 8 and @addr a multiple of it, and one
     * access has to be made.  Returns an enum amdvi_callback_status.
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

/*
 * A target over @callbacks, which, with what they point to, must live as
 * long.  NULL if there is no RAM or no AMD IOMMU in the memory map.
 */
struct amdvi_target *
amdvi_target_open_callbacks(const struct amdvi_callbacks *callbacks,
                            struct amdvi_error *err);

#endif
