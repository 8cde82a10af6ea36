/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Migration of a tested machine through a file. */
#ifndef AMDVI_MIGRATE_H
#define AMDVI_MIGRATE_H

#include "libqtest.h"

/* Save the machine to a temporary file; the caller removes and frees it */
char *migrate_save(QTestState *qts);
/* Load it into a machine that was started with -incoming defer */
void migrate_load(QTestState *qts, const char *path);

#endif
