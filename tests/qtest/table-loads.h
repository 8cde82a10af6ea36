/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reads of tables that no walk can do without cost by themselves. */
#ifndef AMDVI_TABLE_LOADS_H
#define AMDVI_TABLE_LOADS_H

/*
 * Follow @above tables of one entry each and then three levels, the last of
 * which has @pages entries, to a random page; @count times.  Nothing is
 * checked.  Returns the time in ns.  @sum gets the sum of what the last
 * entries hold, each its number: who prints it cannot have the loop left out.
 */
uint64_t table_loads(uint32_t above, uint64_t pages, uint64_t count,
                     uint64_t seed, uint64_t *sum);

#endif
