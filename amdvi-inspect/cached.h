/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations that the IOMMU or the TLB of a device has cached, judged by
 * the tables that are in memory now.
 *
 * An entry is stale only if it grants another address or more rights than
 * the tables do; fewer rights never count.  One look cannot tell more than
 * that it seems so: software may be between the change of a table and the
 * command that follows.  IR and IW of the DTE are not cached with an entry
 * of the IOMMU and do not count there; a device asks nobody again.
 */
#ifndef AMDVI_INSPECT_CACHED_H
#define AMDVI_INSPECT_CACHED_H

#include "memory.h"
#include "pci.h"
#include "probe.h"

struct amdvi_cached {
    bool in_device;             /* in the TLB of device_id, not the IOMMU's */
    uint16_t device_id;
    uint16_t domain_id;
    uint32_t pasid;             /* AMDVI_NO_PASID: a host translation */
    bool priv;
    uint64_t addr;
    uint8_t page_shift;         /* log2 of its bytes, 12 to 64 */
    uint64_t output;
    uint8_t perm;               /* AMDVI_PERM_* */
};

enum amdvi_cached_state {
    AMDVI_CACHED_FRESH,
    AMDVI_CACHED_STALE,         /* tables grant less, or another address */
    AMDVI_CACHED_UNBACKED,      /* its domain or PASID is gone */
    AMDVI_CACHED_UNKNOWN,       /* memory that is not in this dump */
};

/* "fresh", ... */
const char *amdvi_cached_word(enum amdvi_cached_state state);

/* Take an item of an IOTLB or TLB query; false if it makes no sense */
bool amdvi_cached_parse(struct json_object *item, struct amdvi_cached *ret);

/* A device and its device table entry */
struct amdvi_judge_device {
    uint16_t device_id;
    uint64_t dte[4];
};

/* The device table entries of all functions, to judge entries by */
struct amdvi_judge {
    struct amdvi_iommu iommu;
    struct amdvi_memory *memory;
    struct amdvi_judge_device *device;
    size_t count;
};

/* amdvi_judge_close() in any case */
bool amdvi_judge_open(struct amdvi_target *target, struct amdvi_judge *judge,
                      struct amdvi_error *err);
void amdvi_judge_close(struct amdvi_judge *judge);

/* What is to be said of an entry */
struct amdvi_judgement {
    enum amdvi_cached_state state;
    bool has_device;            /* somebody uses it: device_id */
    uint16_t device_id;         /* of the TLB of a device always that one */
    struct amdvi_mapping tables;    /* what they say of its first address */
};

/*
 * Judge an entry.  After a failure of the target (amdvi_memory_good()) the
 * judgement means nothing.
 */
struct amdvi_judgement amdvi_judge_entry(const struct amdvi_judge *judge,
                                         const struct amdvi_cached *cached);

/* Whether a request of a device with @dte would be served by the entry */
bool amdvi_cached_serves(const struct amdvi_cached *cached,
                         const struct amdvi_request *request,
                         const uint64_t *dte);

#endif
