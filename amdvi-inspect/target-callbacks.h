/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target whose memory is read by callbacks of another program: a debugger
 * that is attached to a VM's gdbstub.
 */
#ifndef AMDVI_INSPECT_TARGET_CALLBACKS_H
#define AMDVI_INSPECT_TARGET_CALLBACKS_H

#include "callbacks.h"
#include "target.h"

/*
 * A target over @callbacks, which, with what they point to, must live as
 * long.  NULL if there is no RAM or no AMD IOMMU in the memory map.
 */
struct amdvi_target *
amdvi_target_open_callbacks(const struct amdvi_callbacks *callbacks,
                            struct amdvi_error *err);

#endif
