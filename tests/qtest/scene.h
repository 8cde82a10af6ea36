/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random tables in the memory of a machine: a DTE, host, GCR3 and guest
 * tables that map one page, some of them then broken.  Entries are written
 * as numbers of spec/structures.md.
 *
 * A copy of all entries is kept, so that what the IOMMU has changed is found.
 */
#ifndef AMDVI_SCENE_H
#define AMDVI_SCENE_H

#include "bench.h"

#define SCENE_PAGES 128
#define SCENE_WORDS 512
#define SCENE_NO_PASID UINT32_MAX

/* Where pages that devices may read and write are */
#define SCENE_DATA 0x8000000ULL
#define SCENE_DATA_SIZE 0x8000000ULL

typedef struct SceneSettings {
    uint64_t efr;
    unsigned int guest_levels;  /* the most that GATS allows */
    unsigned int glx;           /* GLXSup */
    unsigned int pa_bits;
} SceneSettings;

typedef struct Scene {
    Bench *b;
    SceneSettings settings;
    uint16_t device;            /* DeviceID */
    uint64_t seed;

    /* Registers this scene wants */
    uint64_t control, devtab, excl_base, excl_limit;
    uint64_t auto_response, early;
    uint64_t dte[4];

    /* What is mapped: by whom, from where, to where */
    uint32_t pasid;
    uint64_t addr, out;

    /* The host tables as they were built */
    unsigned int levels;
    uint64_t root;
    /* Physical places of the entries on the way, by level; 0: none */
    uint64_t host_at[7], guest_at[6], gcr3_at[4];

    /* Table pages handed out, and for nested tables what the guest sees */
    unsigned int pages;
    uint64_t gpa[SCENE_PAGES];
    uint64_t copy[SCENE_PAGES][512];
    /* Places of the entries that are in use */
    uint64_t word[SCENE_WORDS];
    unsigned int words;
} Scene;

/* 0 to @below - 1 */
unsigned int scene_random(Scene *s, unsigned int below);
bool scene_one_in(Scene *s, unsigned int count);
/* A page address of fewer than @width bits */
uint64_t scene_random_page(Scene *s, unsigned int width);

/* Make up tables; nothing is written to the machine yet */
void scene_build(Scene *s);
/* Write tables and registers, and let the IOMMU forget the last scene's */
void scene_install(Scene *s);
/* Take over what the machine's memory holds by now */
void scene_refresh(Scene *s);
/* Take the entries out of the machine's memory */
void scene_clear(Scene *s);

/* Whether @spa is in a table of this scene; its word of the copy */
bool scene_has(const Scene *s, uint64_t spa);
uint64_t scene_get(const Scene *s, uint64_t spa);

#endif
