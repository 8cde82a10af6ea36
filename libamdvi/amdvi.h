/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libamdvi: the AMD IOMMU architecture in plain C.
 *
 * Layouts of all registers and structures, decoding and building them,
 * device table rules, the host, guest and nested walks.  No I/O, no
 * allocation, no global state; all functions are thread safe.
 */
#ifndef AMDVI_AMDVI_H
#define AMDVI_AMDVI_H

#include "layout.h"
#include "probe.h"
#include "rules.h"
#include "walk.h"

/* Version of the library, three numbers with dots between them */
const char *amdvi_version(void);

#endif
