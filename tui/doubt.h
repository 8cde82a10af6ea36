/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doubts about cached translations of a guest that runs: what disagrees with
 * the tables in one look only may be about to be invalidated.
 */
#ifndef AMDVI_TUI_DOUBT_H
#define AMDVI_TUI_DOUBT_H

#include "snapshot.h"

/*
 * Call those rows of @now "pending" in the column with the key @state that
 * did not disagree in @before, which may be NULL.  The columns before that
 * one say which entry it is.  @stopped: the guest had no time since then.
 */
void amdvi_snapshot_doubt(struct amdvi_snapshot *now,
                          const struct amdvi_snapshot *before,
                          const char *state, bool stopped);

#endif
