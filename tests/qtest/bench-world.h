/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine to measure DMA on: svm-testdev behind one of the IOMMUs, with as
 * many pages, functions and PASIDs as the benchmark needs.  Every kind maps
 * the same pages with tables of the same shape, but for the guest table, which
 * has a level more and those of GCR3 above it.
 */
#ifndef AMDVI_BENCH_WORLD_H
#define AMDVI_BENCH_WORLD_H

#include "svm.h"
#include "vtd.h"

/* Where pages of 4 KiB begin, beyond what is an interrupt; those of 2 MiB */
#define WORLD_IOVA 0x100000000ULL
#define WORLD_LARGE_IOVA 0x4000000000ULL
#define WORLD_PAGES_MAX (16u << 20)
#define WORLD_LARGE_PAGES_MAX 4096
/* Memory that they are in: few, so that caches of the host hold them */
#define WORLD_FRAMES 64
#define WORLD_PASID 1
#define WORLD_PASIDS_MAX 65535
/* One in the main loop, the others in I/O threads */
#define WORLD_THREADS_MAX 4
#define WORLD_RING_SIZE 0x1000
#define WORLD_WAITS 7

typedef struct WorldOptions {
    /* svm, svm-guest (without PASID), svm-pasid, stock, intel, none */
    const char *kind;
    uint32_t pages;             /* of 4 KiB */
    uint32_t large;             /* of 2 MiB */
    uint32_t functions;         /* 1 to 256 */
    uint32_t pasids;            /* 1 to WORLD_PASIDS_MAX, from 1 on */
    uint32_t threads;           /* functions 1 and up that have their own */
    uint32_t iotlb;             /* entries of our IOTLB; 0: its default */
    const char *qmp;            /* path of a socket for a monitor, or NULL */
} WorldOptions;

typedef struct World {
    WorldOptions option;
    QTestState *qts;
    Bench *b;                   /* AMD */
    Vtd vtd;                    /* Intel */
    Testdev *t[WORLD_THREADS_MAX];
} World;

World *world_start(const WorldOptions *option);
void world_stop(World *w);

/* Whether requests carry a PASID, and go through a guest table anyhow */
bool world_has_pasid(const World *w);
bool world_has_guest_tables(const World *w);
/* Whether pages are where IOVA says */
bool world_has_iommu(const World *w);

/* Registers and memory through which software gives orders to the IOMMU */
typedef struct WorldRing {
    uint64_t base;
    uint64_t tail_register;
    uint64_t tail;
} WorldRing;
WorldRing world_ring(World *w);
/* @tail is where the ring is now */
void world_set_tail(World *w, uint64_t tail);
/*
 * Fill the ring with this command: page, domain (with PASIDs: one of those),
 * all, wait or dte; or, if the name begins with "wait-", with seven waits
 * before each of it.  False if the IOMMU has none of that name, and behind
 * svm-guest, which is there for misses.
 */
bool world_fill_ring(World *w, const char *name);

#endif
