/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unmodified QEMU that tests compare with.
 *
 * AMDVI_STOCK_QEMU names it.  Without that variable the one that the build
 * puts beside ours is taken.
 */
#ifndef AMDVI_STOCK_H
#define AMDVI_STOCK_H

/* Environment variables, as bench_start_machine() and libqtest take them */
#define STOCK "AMDVI_STOCK_QEMU"
#define OURS "QTEST_QEMU_BINARY"

/* Whether it can be run; if not, the running test counts as skipped */
bool stock_is_there(void);

#endif
