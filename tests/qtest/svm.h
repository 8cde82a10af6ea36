/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of bench.h with a svm-testdev that shares virtual memory: GCR3
 * tables and guest tables in memory, the PPR log, all of the IOMMU enabled.
 * As in bench.h tables are written as the numbers of spec/structures.md.
 */
#ifndef AMDVI_SVM_TEST_H
#define AMDVI_SVM_TEST_H

#include "bench.h"
#include "testdev.h"

#define TESTDEV_PLACE 0x0030            /* 00:06.0 */
#define TESTDEV_BAR 0xe1000000ULL

#define PPR_LOG 0x2200000ULL            /* 256 entries */
#define GCR3_ROOT 0x3800000ULL
#define GUEST_TABLES 0x3900000ULL       /* tables below GCR3_ROOT, and others */

#define VA 0x7f0000001000ULL
#define SVM_DOMAIN 7

/* Guest table entries: spec/structures.md 4 */
#define G_P 0x1ULL
#define G_RW 0x2ULL
#define G_US 0x4ULL
#define G_A 0x20ULL
#define G_D 0x40ULL
#define G_PS 0x80ULL
#define G_NX (1ULL << 63)
#define G_USER (G_P | G_RW | G_US)

/* First word of a DTE, and flags of the second */
#define DTE_PPR (1ULL << 52)
#define DTE_GIOV (1ULL << 54)
#define DTE_GV (1ULL << 55)
#define DTE_I (1ULL << 32)
#define DTE_SE (1ULL << 33)

typedef struct Svm {
    Bench *b;
    Testdev *t;
    uint64_t next_table;
} Svm;

/*
 * Start with these options of the IOMMU and more of the command line.  The
 * device has PASID, ATS and PRI enabled, and a DTE that lets it use them:
 * Mode=0, GV, GLX=1, 4-level guest tables, no PASID set up yet.
 */
Svm *svm_start(const char *options, const char *more);
/* The same for a machine that takes its state from elsewhere */
Svm *svm_attach(Bench *b);
void svm_stop(Svm *s);
/* A DTE with the GCR3 table at GCR3_ROOT, as svm_start() makes it */
void svm_dte(uint64_t word[4], uint16_t domain);
/* Write the DTE again, with these bits changed in its first two words */
void svm_set_dte(Svm *s, uint64_t flip0, uint64_t flip1);
/* Set up a PASID, with empty tables */
void svm_bind(Svm *s, uint32_t pasid);
/* Map a 4 KiB page of a PASID, with all rights on the way to it */
void svm_map(Svm *s, uint32_t pasid, uint64_t va, uint64_t leaf);
/* Address of the leaf entry of a page of 2^@shift bytes: 12, 21 or 30 */
uint64_t svm_entry(Svm *s, uint32_t pasid, uint64_t va, int shift);
static inline uint64_t svm_leaf(Svm *s, uint32_t pasid, uint64_t va)
{
    return svm_entry(s, pasid, va, 12);
}

/* INVALIDATE_IOMMU_PAGES: all addresses of a PASID */
void svm_flush(Svm *s, uint32_t pasid);

/* Entry @n of the PPR log */
void svm_assert_ppr(Svm *s, unsigned int n, uint64_t word0, uint64_t word1);
/* Status register without the run bits of the command buffer and event log */
uint64_t svm_status(Svm *s);
/* Let automatic responses leave */
void svm_settle(Svm *s);

#endif
