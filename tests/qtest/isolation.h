/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may get at which memory: four devices, their tables, and what each
 * request may find, by the tables alone.
 *
 * Devices 0 and 1 share a domain and its PASIDs, device 2 has nested tables,
 * device 3 host tables.  All of them reach pages among FRAMES frames.  For
 * each request that can be made the oracle keeps the set of all answers that
 * are still legal: what the tables say now, and what they said since the last
 * invalidation that covers the request was complete.  Devices of a domain may
 * be answered with what others of it were told before: what is cached is
 * tagged by DomainID.  It has this from the naive model, and knows nothing of
 * what is cached where.
 *
 * An IOMMU may also find an entry of now by a directory of before, until
 * INVALIDATE_IOMMU_PAGES with PDE=1: answers that no tables ever gave.  So
 * after a change of directories nothing else of them changes before that.
 */
#ifndef AMDVI_ISOLATION_H
#define AMDVI_ISOLATION_H

#include "bench.h"
#include "naive.h"
#include "testdev.h"

#define WORLD_DEVICES 4
#define WORLD_SPACES 3
#define WORLD_PASIDS 4
#define WORLD_CONTEXTS 5                /* those, and without PASID */
#define WORLD_PAGES 8
#define WORLD_ARENA 96                  /* pages for tables */
#define DTE_VERSIONS 8

#define FRAMES 64
#define FRAME_WORDS 512

/* Sets of tables: of devices 0 and 1, of device 2, of device 3 */
enum { WORLD_SHARED, WORLD_NESTED, WORLD_HOST };

/* What a request wants; WORLD_PRIV is added for a privileged one */
enum { WORLD_READ, WORLD_WRITE, WORLD_EXEC, WORLD_PRIV, WORLD_KINDS = 6 };

/* Legal answers: which frames, and whether it may be refused */
typedef struct Answers {
    uint64_t frames;
    bool refused;
} Answers;

typedef Answers WorldAnswers[WORLD_CONTEXTS][WORLD_PAGES][WORLD_KINDS];

typedef struct WorldDevice {
    Testdev *t;
    uint16_t id;
    unsigned int space;
    /* The DTE now is the last of those that may be in use */
    uint64_t dte[DTE_VERSIONS][4];
    unsigned int versions;
    /* By way of the IOMMU, and of the device TLB */
    WorldAnswers untranslated, by_tlb;
} WorldDevice;

typedef struct World {
    Bench *b;
    GRand *rand;
    /* What is mostly chosen, and for how many choices more */
    unsigned int hot_device, hot_context, hot_page, hot;
    uint32_t pa_bits;
    uint64_t efr;
    WorldDevice device[WORLD_DEVICES];
    /* What a device of each space may find whose DTE was always open */
    WorldAnswers of_space[WORLD_SPACES];
    /* Directories of the space may be in use that it has no more */
    bool unsettled[WORLD_SPACES];
    uint64_t arena[WORLD_ARENA][512];
    uint64_t data[FRAMES][FRAME_WORDS];
} World;

extern const uint32_t world_pasids[WORLD_CONTEXTS];

/* The machine with these options of the IOMMU, and its first tables */
World *world_start(const char *options, uint32_t seed);
void world_stop(World *w);

static inline unsigned int world_random(World *w, unsigned int below)
{
    return g_rand_int_range(w->rand, 0, below);
}

/*
 * Choose a device, or one of its pages, or a context of a space.  For a while
 * mostly the same is chosen, so that changes, invalidations and requests meet.
 */
unsigned int world_pick_device(World *w);
unsigned int world_pick_context(World *w);
unsigned int world_pick_page(World *w);

/* Where page @page is in every address space, and where frame @frame is */
uint64_t world_va(unsigned int page);
uint64_t world_frame(unsigned int frame);

/* Change an entry of some table, or a DTE; nothing is invalidated */
void world_change(World *w);
/* Some invalidation, and the COMPLETION_WAIT behind it */
void world_invalidate(World *w);

/* Compare all frames and tables with what they should hold */
void world_assert_memory(World *w);

#endif
