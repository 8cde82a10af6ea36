/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the walk share: walk.c is the front end, dte.c judges
 * device table entries, host.c and guest.c are the two stages, fault.c
 * writes down how a request ended.  Not installed.
 */
#ifndef AMDVI_WALK_INTERNAL_H
#define AMDVI_WALK_INTERNAL_H

#include "walk.h"

/* A request on its way */
struct amdvi_walk {
    const struct amdvi_iommu *iommu;
    const struct amdvi_mem *mem;
    const uint64_t *dte;
    struct amdvi_request request;
    struct amdvi_trace *trace;  /* may be NULL */
    struct amdvi_result *result;
    uint32_t pasid;             /* of the guest table in use */
};

enum amdvi_walk_status {
    AMDVI_WALK_OK,
    AMDVI_WALK_END,             /* result tells how the request ended */
    AMDVI_WALK_RESTART,         /* an entry changed under the walk */
};

/*
 * What a stage is asked for.  Without all of @need the request faults; what
 * is granted is the permitted part of @need | @want.  ATS only wants.
 */
struct amdvi_access_wanted {
    uint8_t need;
    uint8_t want;
};

/* An address after one stage */
struct amdvi_stage_result {
    uint64_t addr;
    uint8_t page_shift;
    uint8_t perm;               /* granted, and W also if D is set anyway */
    bool untranslated_only;
    bool force_coherent;
};

/* How a page fault is described, spec/structures.md 6 */
enum amdvi_fault_kind {
    AMDVI_FAULT_NOT_PRESENT,    /* PR=0 */
    AMDVI_FAULT_PERMISSION,     /* PR=1 PE=1 */
    AMDVI_FAULT_RESERVED,       /* PR=1 RZ=1 */
    AMDVI_FAULT_LEVEL,          /* PR=1 RZ=0 */
};

/* Whether the request is a translation request (event flag TR) */
static inline bool amdvi_is_ats(const struct amdvi_walk *w)
{
    return w->request.kind == AMDVI_REQUEST_ATS;
}

/* dte.c: all 32 bytes at once, since software writes them as two halves */
enum amdvi_mem_status amdvi_read_dte(const struct amdvi_mem *mem,
                                     uint64_t spa, uint64_t dte[4]);
/* Reserved bits and encodings that matter to DMA; NONE if legal */
enum amdvi_reason amdvi_check_dte(const struct amdvi_iommu *iommu,
                                  const uint64_t dte[4]);
/* What DTE.IR and IW permit, as AMDVI_PERM_*; X goes with R */
uint8_t amdvi_dte_perm(const uint64_t dte[4]);
/* Bits of the largest PASID: PASmax, and the span of the GCR3 table */
unsigned int amdvi_pasid_bits(const struct amdvi_iommu *iommu,
                              const uint64_t dte[4]);
/* Control.GTEn and DTE.GV */
bool amdvi_guest_on(const struct amdvi_iommu *iommu, const uint64_t dte[4]);

/* fault.c: each fills w->result and returns AMDVI_WALK_END */
enum amdvi_walk_status amdvi_end_forwarded(struct amdvi_walk *w,
                                           enum amdvi_reason reason);
enum amdvi_walk_status amdvi_end(struct amdvi_walk *w,
                                 enum amdvi_outcome outcome,
                                 enum amdvi_reason reason);
/* IO_PAGE_FAULT for @addr; the event has GN=@gn.  ATS: R=W=0 instead */
enum amdvi_walk_status amdvi_end_fault(struct amdvi_walk *w,
                                       enum amdvi_reason reason,
                                       enum amdvi_fault_kind kind, bool gn,
                                       uint64_t addr);
enum amdvi_walk_status amdvi_end_illegal_dte(struct amdvi_walk *w,
                                             enum amdvi_reason reason);
enum amdvi_walk_status amdvi_end_invalid_request(struct amdvi_walk *w,
                                                 enum amdvi_reason reason,
                                                 unsigned int type);
/* The DTE or a table at @spa could not be read: hardware error, or unknown */
enum amdvi_walk_status amdvi_end_dte_unreadable(struct amdvi_walk *w,
                                                enum amdvi_mem_status status,
                                                uint64_t spa);
enum amdvi_walk_status amdvi_end_unreadable(struct amdvi_walk *w,
                                            enum amdvi_mem_status status,
                                            bool gn, uint64_t spa);
/* Event words that interrupts and page requests need too */
void amdvi_illegal_dte_event(uint16_t device_id, bool rz, uint64_t event[2]);
void amdvi_dev_tab_event(uint16_t device_id, uint64_t spa,
                         uint64_t event[2]);

/* walk.c: note an entry that was read */
void amdvi_note_step(struct amdvi_walk *w, const struct amdvi_step *step);
/*
 * walk.c: the table that is known to hold the leaf for @addr, or the pointer
 * to the next one, in a guest or host table.  False: walk from the top
 */
bool amdvi_find_table(struct amdvi_walk *w, bool guest, uint64_t addr,
                      struct amdvi_table *table);
/* Remember @table, if there is a cache that wants it */
void amdvi_table_found(struct amdvi_walk *w, bool guest, uint64_t addr,
                       const struct amdvi_table *table);

/* host.c: translate a guest-physical (or, alone, I/O virtual) address */
enum amdvi_walk_status amdvi_host_stage(struct amdvi_walk *w, uint64_t gpa,
                                        struct amdvi_access_wanted wanted,
                                        struct amdvi_stage_result *out);
/* Set bits of an entry seen as @old at @spa */
enum amdvi_walk_status amdvi_set_bits(struct amdvi_walk *w, bool gn,
                                      uint64_t spa, uint64_t old,
                                      uint64_t bits);

/* guest.c: translate through the guest table of w->pasid, and nested */
enum amdvi_walk_status amdvi_guest_stage(struct amdvi_walk *w,
                                         struct amdvi_access_wanted wanted,
                                         struct amdvi_stage_result *out);

#endif
