/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the QEMU releases our code may be compiled with.
 *
 * All of our code in the tree takes it from here, so that this is the one
 * file to change for another base.  Releases before 10.2 cannot be had: their
 * PCI core has no page requests ([needs] in qemu/base.conf).  A series for
 * QEMU names the base's own header instead ([resolved] in qemu/series.conf).
 */
#ifndef HW_MISC_SVM_QEMU_API_H
#define HW_MISC_SVM_QEMU_API_H

/* Device properties, and with them DeviceState: moved after 10.2 */
#if __has_include("hw/core/qdev-properties.h")
#include "hw/core/qdev-properties.h"
#else
#include "hw/qdev-properties.h"
#endif

#endif /* HW_MISC_SVM_QEMU_API_H */
