/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enumerate what tables hold: one step at a time, made with the walk itself.
 *
 * A step asks the walk for one PASID or one address and says how far around
 * it the answer holds, so that absent parts of a table cost one step, not
 * one for each page.  The caller goes on behind that range; how many steps
 * (or reads, counted in its amdvi_mem) it spends is its own decision, because
 * hostile tables can map any amount.  Nothing is written and no event made.
 */
#ifndef AMDVI_PROBE_H
#define AMDVI_PROBE_H

#include "walk.h"

/* Largest PASID there is */
#define AMDVI_MAX_PASID 0xfffffu

/* What the GCR3 table of a device says of PASIDs @first to @last */
struct amdvi_pasid_probe {
    uint32_t first;             /* the one asked for */
    uint32_t last;              /* UINT32_MAX: nothing follows */
    bool valid;                 /* one PASID with a guest table */
    enum amdvi_outcome outcome; /* UNKNOWN: not in this dump */
    enum amdvi_reason reason;   /* why not valid */
    uint64_t spa;               /* of its entry, if valid */
    uint64_t entry;
};

/* Look at @pasid.  @dte: that of the device, as amdvi_fetch_dte() gave it */
void amdvi_probe_pasid(const struct amdvi_iommu *iommu,
                       const struct amdvi_mem *mem, const uint64_t dte[4],
                       uint16_t device_id, uint32_t pasid,
                       struct amdvi_pasid_probe *ret);

/*
 * The same, but @last is behind all entries of 0 that follow one of 0 in its
 * half of the table: for those who want to find valid PASIDs quickly.
 */
void amdvi_probe_pasids(const struct amdvi_iommu *iommu,
                        const struct amdvi_mem *mem, const uint64_t dte[4],
                        uint16_t device_id, uint32_t pasid,
                        struct amdvi_pasid_probe *ret);

/* What the tables say of the addresses @first to @last, both included */
struct amdvi_mapping {
    uint64_t first;             /* the one asked for */
    uint64_t last;              /* UINT64_MAX: nothing follows */
    bool found;                 /* some access is permitted */
    enum amdvi_outcome outcome;
    enum amdvi_reason reason;   /* why not found */
    uint64_t output;            /* for @first */
    uint8_t page_shift;         /* log2 of the bytes of a page; 64: no table */
    uint8_t perm;               /* AMDVI_PERM_* */
    bool accessed;              /* bits A and D of the leaf */
    bool dirty;
    /* the last entry read for @first: the leaf, or what is in its way */
    const struct amdvi_layout *layout;  /* NULL: none was read */
    uint64_t entry_spa;
    uint64_t entry;
};

/*
 * Look at request->addr for request->device_id, pasid and priv; its other
 * members count for nothing.  The exclusion range is left out of account.
 */
void amdvi_probe_mapping(const struct amdvi_iommu *iommu,
                         const struct amdvi_mem *mem, const uint64_t dte[4],
                         const struct amdvi_request *request,
                         struct amdvi_mapping *ret);

/*
 * The same for those who want the tables and not what they map: @last is the
 * last address for which no other table is read than for request->addr.  A
 * table of the lowest level so costs one step, as do entries of 0 one after
 * the other in half a table.
 */
void amdvi_probe_tables(const struct amdvi_iommu *iommu,
                        const struct amdvi_mem *mem, const uint64_t dte[4],
                        const struct amdvi_request *request,
                        struct amdvi_mapping *ret);

/* Make @a longer by @b if that goes on where @a ends, in the same way */
bool amdvi_mapping_join(struct amdvi_mapping *a,
                        const struct amdvi_mapping *b);

#endif
