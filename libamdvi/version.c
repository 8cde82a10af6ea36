/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version of the library.  The build passes AMDVI_VERSION, from the one
 * place that has it; inside QEMU it is QEMU's version that counts.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "amdvi.h"

#ifndef AMDVI_VERSION
#define AMDVI_VERSION "in-qemu"
#endif

const char *amdvi_version(void)
{
    return AMDVI_VERSION;
}
