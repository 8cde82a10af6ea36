/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared virtual memory as Linux sets it up for one function: a DTE with a
 * GCR3 table of two levels, 4-level tables per process, the PPR log.
 * spec/linux-guest.md 3, spec/structures.md 1, 2, 4.
 */
#ifndef AMDVI_SVA_H
#define AMDVI_SVA_H

#include "bench.h"
#include "testdev.h"

#define SVA_PPR_LOG 0x2200000ULL
#define SVA_DOMAIN 7
/* Entries of process page tables */
#define SVA_PRESENT 0x001ULL
#define SVA_WRITE 0x002ULL
#define SVA_USER 0x004ULL
#define SVA_ACCESSED 0x020ULL
#define SVA_DIRTY 0x040ULL
#define SVA_LARGE 0x080ULL              /* a page, in level 2 and 3 */
#define SVA_NO_EXEC (1ULL << 63)
#define SVA_USER_READ (SVA_PRESENT | SVA_USER)
#define SVA_USER_RW (SVA_PRESENT | SVA_USER | SVA_WRITE)

#define SVA_TESTDEV_ID 0x0030           /* 00:06.0 */
#define SVA_PORT_ID 0x0020              /* 00:04.0 */
#define SVA_TESTDEV_BAR 0xe1000000ULL

typedef struct Sva {
    Bench *b;
    Testdev *t;
    uint16_t id;                /* DeviceID of @t */
    uint64_t free;              /* memory for tables */
} Sva;

/*
 * A machine with svm-testdev, whose options are @testdev (",pri=off"), and an
 * IOMMU with its tables; no process is bound.  PASIDs, ATS and PRI (with
 * @page_requests allocated, 0: off) are enabled.
 */
Sva *sva_start(const char *testdev, uint32_t page_requests);
/* The same behind a root port, as function 01:00.0 with id "testdev" */
Sva *sva_start_behind_port(uint32_t page_requests);
/* The same machine, ready to be migrated into by migrate_load() */
Sva *sva_start_incoming(const char *testdev);
void sva_stop(Sva *s);
/*
 * The IOMMU part of sva_start(), for a machine with another function: @s->b
 * and @s->id are set.  The rest of this header but sva_stop() works with it.
 */
void sva_set_up(Sva *s);

/* Give @pasid an empty address space */
void sva_bind(Sva *s, uint32_t pasid);
/* Where the entry of @level (1: 4 KiB) for @va is; makes tables as needed */
uint64_t sva_entry(Sva *s, uint32_t pasid, uint64_t va, unsigned int level);
/* Map a page of 4 KiB: @flags are SVA_* */
void sva_map(Sva *s, uint32_t pasid, uint64_t va, uint64_t pa,
             uint64_t flags);
/* Invalidate a page of a process, in the IOMMU and in the device */
void sva_invalidate(Sva *s, uint32_t pasid, uint64_t va);

/* Entry @n of the PPR log, and how many there are */
void sva_ppr_read(Sva *s, unsigned int n, uint64_t word[2]);
unsigned int sva_ppr_count(Sva *s);
/* Answer a page request group, as Linux does: without PASID */
void sva_respond(Sva *s, uint16_t prgi, unsigned int code);

#endif
