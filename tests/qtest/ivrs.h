/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACPI table IVRS of a machine, as firmware would find it. */
#ifndef AMDVI_IVRS_H
#define AMDVI_IVRS_H

#include "libqtest.h"

/* The bytes of the table; the caller frees them */
GByteArray *ivrs_read(QTestState *qts);

#endif
