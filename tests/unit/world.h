/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small world for the walk: sparse memory with page tables in it, the
 * registers of an IOMMU, one device, one request.  Tests build tables, run
 * the request, and compare the result with the specification.
 */
#ifndef AMDVI_TESTS_WORLD_H
#define AMDVI_TESTS_WORLD_H

#include "unit.h"

#include "amdvi.h"

#define WORLD_PAGES 160
/* The device of the specification's worked examples, 00:05.0 */
#define WORLD_DEVICE 0x28
#define WORLD_DEVTAB UINT64_C(0x01000000)
#define WORLD_DTE (WORLD_DEVTAB + WORLD_DEVICE * 0x20)
#define WORLD_HOST_ROOT UINT64_C(0x1abcd000)
#define WORLD_GCR3_ROOT UINT64_C(0x123457000)
/* Nested: guest-physical address + this is system physical */
#define WORLD_NEST UINT64_C(0x4000000000)

/* Permission bits of host entries */
#define HOST_R (1ULL << 61)
#define HOST_W (1ULL << 62)
#define HOST_RW (HOST_R | HOST_W)
/* Guest entry bits: present, writable, user, accessed, dirty */
#define G_P 1ULL
#define G_RW 2ULL
#define G_US 4ULL
#define G_A 0x20ULL
#define G_D 0x40ULL
#define G_PS 0x80ULL
#define G_G 0x100ULL
#define G_NX (1ULL << 63)
#define G_ALL (G_P | G_RW | G_US)

/* Worked DTEs of structures.md 1 */
#define DTE_A { 0x7d90000000000003, 0x00001001468a0007, 0, 0 }
#define DTE_B { 0x600000001abcd803, 0x2a, 0, 0 }
#define DTE_C { 0x6000000000000003, 1, 0, 0 }

struct world_page {
    uint64_t base;
    uint8_t data[4096];
};

struct world {
    struct world_page page[WORLD_PAGES];
    size_t pages;

    /* Hooks: what goes wrong in memory; ~0 means nothing */
    uint64_t abort_at;          /* reads and updates that touch it abort */
    uint64_t unknown_at;        /* or it is not in the dump */
    uint64_t update_abort_at;   /* only updates there abort */
    uint64_t change_at;         /* a cmpxchg here first finds change_to */
    uint64_t change_to;
    bool change_always;         /* every cmpxchg here finds a new value */
    unsigned int reads, updates;
    bool broken_call;           /* libamdvi broke the contract of mem */

    /* How the builders make tables */
    unsigned int host_mode, guest_levels, glx;
    bool nested;
    uint64_t next_table;        /* guest-physical if nested */
    uint64_t next_host;
    uint64_t host_at[7];        /* SPAs of the entries of the last map */
    uint64_t guest_at[6];
    uint64_t guest_gpa[6];
    uint64_t gcr3_at[4];

    struct amdvi_mem mem;
    struct amdvi_iommu iommu;
    struct amdvi_request request;
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace;
    struct amdvi_result result;
};

/* A world with an enabled IOMMU, a device table of zeros and no other page */
void world_init(struct world *w);
/* Ready-made: host tables only, guest tables only (PASID 5), both */
void world_init_host(struct world *w, unsigned int mode);
void world_init_guest(struct world *w, unsigned int levels, unsigned int glx);
void world_init_nested(struct world *w, unsigned int mode,
                       unsigned int levels, unsigned int glx);

/* Memory; a page comes to be when something is put into it */
void world_put(struct world *w, uint64_t spa, uint64_t value);
uint64_t world_get(const struct world *w, uint64_t spa);
void world_xor(struct world *w, uint64_t spa, uint64_t bits);

void world_set_dte(struct world *w, const uint64_t dte[4]);
/* Change bits of the DTE: word @n, clear @clear, then set @set */
void world_edit_dte(struct world *w, int n, uint64_t clear, uint64_t set);

/* Enter @entry at @level of the tables, with pointers that permit all */
void world_map_host(struct world *w, uint64_t gpa, unsigned int level,
                    uint64_t entry);
void world_map_guest(struct world *w, uint64_t top, uint64_t gva,
                     unsigned int level, uint64_t entry);
/* Enter a PASID; returns its guest table root, a new one */
uint64_t world_add_pasid(struct world *w, uint32_t pasid);
/* Where a guest-physical address is, by the rule of the builders */
uint64_t world_spa(const struct world *w, uint64_t gpa);

/* Set the request: @access is a string of r w x p (privileged) */
void world_request(struct world *w, enum amdvi_request_kind kind,
                   uint32_t pasid, uint64_t addr, const char *access);
/* Run it; checks what must hold for every result */
void world_run(struct world *w);
void world_dma(struct world *w, uint64_t addr, const char *access);
void world_dma_pasid(struct world *w, uint32_t pasid, uint64_t addr,
                     const char *access);
void world_ats(struct world *w, uint32_t pasid, uint64_t addr,
               const char *access);

/* Expectations about the result; @row names the place */
void want_outcome(const struct world *w, const char *row,
                  enum amdvi_outcome outcome, enum amdvi_reason reason);
void want_address(const struct world *w, const char *row, uint64_t addr,
                  unsigned int page_shift, unsigned int perm);
void want_event(const struct world *w, const char *row, uint64_t q0,
                uint64_t q1);
void want_no_event(const struct world *w, const char *row);
/* An abort with IO_PAGE_FAULT; @flags is its 12-bit flag field */
void want_fault(const struct world *w, const char *row,
                enum amdvi_reason reason, uint64_t flags, uint64_t addr);

/* Flags of events, structures.md 6 */
enum {
    EV_GN = 0x001, EV_NX = 0x002, EV_US = 0x004, EV_I = 0x008,
    EV_PR = 0x010, EV_RW = 0x020, EV_PE = 0x040, EV_RZ = 0x080,
    EV_TR = 0x100,
};

/* Permission shorthands */
enum {
    PERM_R = AMDVI_PERM_R,
    PERM_RW = AMDVI_PERM_R | AMDVI_PERM_W,
    PERM_RX = AMDVI_PERM_R | AMDVI_PERM_X,
    PERM_RWX = AMDVI_PERM_R | AMDVI_PERM_W | AMDVI_PERM_X,
};

#endif
