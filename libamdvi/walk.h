/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk: what the IOMMU does with a request.
 *
 * The only implementation of DTE validation and of the host, guest and
 * nested walks.  The device model calls it to serve devices, the tools call
 * it to explain; both therefore agree.  Memory is reached through callbacks,
 * nothing is allocated, there is no state between calls but what the caller
 * keeps (amdvi_walk_cache), and every loop is bounded by the architecture's
 * table depths.  Source: spec/translation.md.
 */
#ifndef AMDVI_WALK_H
#define AMDVI_WALK_H

#include "layout.h"

/* Device table segments at most */
#define AMDVI_MAX_SEGMENTS 8
/*
 * Steps of the longest walk: the DTE; three GCR3 entries, five guest entries
 * and the final guest-physical address, each with up to six host entries.
 */
#define AMDVI_MAX_STEPS (1 + (3 + 5) * 7 + 6)

/* What became of an access to memory */
enum amdvi_mem_status {
    AMDVI_MEM_OK,
    AMDVI_MEM_ABORT,            /* nothing answers there: a master abort */
    AMDVI_MEM_UNKNOWN,          /* a dump that does not hold this address */
};

/* Pages are in tables up to this level, but for some very large ones */
#define AMDVI_TABLE_LEVEL_MAX 3

/* A table that holds leaves, and what all entries on the way to it say */
struct amdvi_table {
    uint64_t addr;              /* as the last pointer says: may be a GPA */
    uint8_t level;              /* of its entries; 1 is the lowest */
    uint8_t perm;               /* AMDVI_PERM_* that they permit */
    bool user;                  /* guest: U/S is set in all of them */
};

/* Whose table, and for which addresses */
struct amdvi_table_key {
    uint16_t domain_id;
    bool guest;
    bool nested;                /* a guest table below which is a host table */
    uint32_t pasid;             /* 0 unless @guest */
    uint64_t addr;              /* any that the table translates */
};

/*
 * What walks remember of the upper levels (page directories).  A table of
 * level n is the same for all addresses that are equal above bit 12 + 9 n.
 * @found is called when a walk that succeeds has read the pointer to the
 * table with the leaf; accessed bits above it are set by then.
 */
struct amdvi_walk_cache {
    bool (*find)(void *opaque, const struct amdvi_table_key *key,
                 struct amdvi_table *table);
    void (*found)(void *opaque, const struct amdvi_table_key *key,
                  const struct amdvi_table *table);
    void *opaque;
};

/*
 * Access to system physical memory.
 *
 * @read copies @len bytes (at most 32, never across a 4 KiB page).
 * @cmpxchg replaces the 64-bit little-endian word at @spa (8-byte aligned) by
 * @desired if it equals *@expected, atomically against processors; otherwise
 * it stores what it found in *@expected and still returns AMDVI_MEM_OK.
 * NULL makes the walk read-only: accessed and dirty bits stay as they are.
 * @cache may be NULL: then the walk reads every entry.
 */
struct amdvi_mem {
    enum amdvi_mem_status (*read)(void *opaque, uint64_t spa, void *buf,
                                  size_t len);
    enum amdvi_mem_status (*cmpxchg)(void *opaque, uint64_t spa,
                                     uint64_t *expected, uint64_t desired);
    void *opaque;
    const struct amdvi_walk_cache *cache;
};

/* The registers that decide what a request meets */
struct amdvi_iommu {
    struct amdvi_features features;
    uint64_t control;           /* 0018h */
    uint64_t devtab[AMDVI_MAX_SEGMENTS];    /* 0000h, 0100h-0130h */
    uint64_t excl_base;         /* 0020h */
    uint64_t excl_limit;        /* 0028h */
    uint64_t ppr_auto_response; /* 2080h */
    uint8_t pa_bits;            /* physical address width; 0: 52 */
    /*
     * What amdvi_reserved_mask() says of a DTE with these features, so that
     * it need not be found out in each walk; NULL does no harm.
     */
    const uint64_t *dte_reserved;
};

enum amdvi_request_kind {
    AMDVI_REQUEST_DMA,          /* untranslated, with or without PASID */
    AMDVI_REQUEST_ATS,          /* translation request */
    AMDVI_REQUEST_TRANSLATED,   /* address is already system physical */
};

/*
 * Neither read nor write: a probe, which is granted what the tables permit.
 * Use it without amdvi_mem.cmpxchg, or it sets dirty bits.
 */
struct amdvi_request {
    enum amdvi_request_kind kind;
    uint16_t device_id;
    uint32_t pasid;             /* AMDVI_NO_PASID without one */
    uint64_t addr;              /* in bytes */
    bool read;
    bool write;                 /* of an ATS request: No Write was clear */
    bool exec;                  /* with PASID only */
    bool priv;                  /* with PASID only: privileged mode */
};

enum amdvi_outcome {
    AMDVI_OUTCOME_FORWARDED,    /* passes unchanged and unchecked */
    AMDVI_OUTCOME_TRANSLATED,   /* passes to result->addr */
    AMDVI_OUTCOME_NO_ACCESS,    /* ATS: success with R=W=0 */
    AMDVI_OUTCOME_INTERRUPT,    /* a message: see amdvi_remap_interrupt() */
    AMDVI_OUTCOME_ABORTED,      /* target or completer abort */
    AMDVI_OUTCOME_UNSUPPORTED,  /* ATS: unsupported request */
    AMDVI_OUTCOME_UNKNOWN,      /* memory that is not in this dump */
};

/*
 * Why.  One for each row of spec/translation.md that ends a request; the
 * text is amdvi_reason_text().
 */
enum amdvi_reason {
    AMDVI_REASON_NONE,
#define AMDVI_REASON(id, word, text) AMDVI_REASON_##id,
#include "layouts/reasons.def"
#undef AMDVI_REASON
    AMDVI_NUM_REASONS
};

enum amdvi_stage {
    AMDVI_STAGE_DTE,
    AMDVI_STAGE_GCR3,
    AMDVI_STAGE_GUEST,
    AMDVI_STAGE_HOST,
};

/* One entry that a walk read */
struct amdvi_step {
    enum amdvi_stage stage;
    uint8_t level;              /* 1 is the lowest; 0 for a DTE */
    /* what this stage is translating: address, or PASID for the GCR3 table */
    uint64_t input;
    /* address of the entry as the pointer to it says: spa unless nested */
    uint64_t gpa;
    uint64_t spa;               /* where the entry was read */
    uint64_t word[AMDVI_MAX_WORDS]; /* only word[0] unless a DTE */
    const struct amdvi_layout *layout;
};

/*
 * Visited entries, oldest first.  @count goes on when @capacity is reached,
 * further steps are dropped; AMDVI_MAX_STEPS is always enough.
 */
struct amdvi_trace {
    struct amdvi_step *step;
    size_t capacity;
    size_t count;
};

/* Permissions as bits of amdvi_result.perm */
enum {
    AMDVI_PERM_R = 1,
    AMDVI_PERM_W = 2,
    AMDVI_PERM_X = 4,
};

/*
 * What a request asks for, as AMDVI_PERM_*; 0: it is a probe.  Translation
 * requests ask to read always, and execution is only known with a PASID.
 */
static inline uint8_t amdvi_request_perm(const struct amdvi_request *r)
{
    bool exec = r->exec && r->pasid != AMDVI_NO_PASID;
    bool read = r->read || exec || r->kind == AMDVI_REQUEST_ATS;

    return (uint8_t)((read ? AMDVI_PERM_R : 0) |
                     (r->write ? AMDVI_PERM_W : 0) |
                     (exec ? AMDVI_PERM_X : 0));
}

struct amdvi_result {
    enum amdvi_outcome outcome;
    enum amdvi_reason reason;
    uint64_t addr;              /* output for request.addr, in bytes */
    /* log2 of the bytes around addr that share this result; 64: all of them */
    uint8_t page_shift;
    /* AMDVI_PERM_*; W only if D is set or need not be: cacheable as it is */
    uint8_t perm;
    bool priv;                  /* judged as a privileged request */
    bool untranslated_only;     /* host PTE.U, for ATS completions */
    bool force_coherent;        /* host PTE.FC */
    bool global;                /* guest PTE.G */
    bool guest;                 /* a guest table was used: tag with PASID */
    bool nested;                /* and a host table too */
    uint8_t guest_shift;        /* if guest: log2 of the guest table's page */
    uint32_t pasid;             /* of the guest table, if guest */
    uint16_t domain_id;         /* DTE.DomainID, the cache tag */

    bool has_event;             /* event[] is what the IOMMU logs */
    bool hardware_error;        /* and copies to 0040h-0050h */
    /* DTE.SE: only the first is logged; DTE.SA is in has_event already */
    bool first_only;
    uint64_t event[2];
};

/* What a DTE does to requests, in one word */
enum amdvi_dte_mode {
    AMDVI_DTE_INVALID,          /* V=0: passes untranslated, unchecked */
    AMDVI_DTE_BLOCKED,          /* TV=0, or neither reads nor writes */
    AMDVI_DTE_BYPASS,           /* Mode=0 and no guest table */
    AMDVI_DTE_HOST,
    AMDVI_DTE_GUEST,
    AMDVI_DTE_NESTED,
    AMDVI_DTE_ILLEGAL,          /* reserved bits or encodings */
};

/* Classify @dte under the control register and features of @iommu */
enum amdvi_dte_mode amdvi_classify_dte(const struct amdvi_iommu *iommu,
                                       const uint64_t dte[4]);
/* "host", "blocked", ... */
const char *amdvi_dte_mode_word(enum amdvi_dte_mode mode);

/* What a DTE says of all DMA and translation requests alike */
struct amdvi_dte_summary {
    uint16_t domain_id;
    uint8_t pasid_bits;         /* PASIDs above are refused */
    uint8_t perm;               /* AMDVI_PERM_*: IR and IW */
    bool guest;                 /* requests with PASID have a guest table */
    bool giov;                  /* and those without use that of PASID 0 */
    bool host;                  /* there is a host table */
    bool ats;                   /* translation requests are allowed */
};

/*
 * Summarize @dte for a cache.  False if requests do not get as far as the
 * page tables, or if what becomes of them depends on more than the summary.
 */
bool amdvi_summarize_dte(const struct amdvi_iommu *iommu,
                         const uint64_t dte[4],
                         struct amdvi_dte_summary *summary);

/*
 * Address of the DTE of @device_id, segments included.  Returns false if the
 * device table does not reach that far.
 */
bool amdvi_dte_address(const struct amdvi_iommu *iommu, uint16_t device_id,
                       uint64_t *spa);
/* Number of DTEs that the device table (all segments) holds */
uint32_t amdvi_device_table_entries(const struct amdvi_iommu *iommu);

/*
 * Read the DTE for a request.  Returns true with @dte filled; false if the
 * request ends here, with @result telling how.  @trace may be NULL.
 * With IommuEn=0 nothing is read and the result is forwarded.
 */
bool amdvi_fetch_dte(const struct amdvi_iommu *iommu,
                     const struct amdvi_mem *mem,
                     const struct amdvi_request *request, uint64_t dte[4],
                     struct amdvi_trace *trace, struct amdvi_result *result);
/*
 * Serve a request with a DTE that amdvi_fetch_dte() gave, now or (a cache)
 * earlier.  @trace may be NULL.  @result is always filled.
 */
void amdvi_translate_dte(const struct amdvi_iommu *iommu,
                         const struct amdvi_mem *mem, const uint64_t dte[4],
                         const struct amdvi_request *request,
                         struct amdvi_trace *trace,
                         struct amdvi_result *result);
/* Both of the above */
void amdvi_translate(const struct amdvi_iommu *iommu,
                     const struct amdvi_mem *mem,
                     const struct amdvi_request *request,
                     struct amdvi_trace *trace, struct amdvi_result *result);

/* An interrupt message: a write of @data to @addr */
struct amdvi_message {
    uint16_t device_id;
    uint64_t addr;
    uint32_t data;
};

/* Where an interrupt goes: spec/translation.md 6 */
struct amdvi_interrupt {
    enum amdvi_outcome outcome; /* FORWARDED, TRANSLATED, ABORTED, UNKNOWN */
    enum amdvi_reason reason;
    uint32_t dest;              /* APIC ID */
    uint8_t vector;
    uint8_t delivery_mode;      /* 0 fixed, 1 lowest priority */
    bool logical;               /* destination mode */
    uint32_t index;             /* of the IRTE */
    uint64_t irte_spa;
    uint64_t irte[2];
    bool has_event;
    bool hardware_error;
    uint64_t event[2];
};

/*
 * Remap a message.  @dte may be NULL, then it is read.
 * DTE.IG and IRTE.SupIOPF are already applied to has_event.
 */
void amdvi_remap_interrupt(const struct amdvi_iommu *iommu,
                           const struct amdvi_mem *mem,
                           const uint64_t *dte,
                           const struct amdvi_message *message,
                           struct amdvi_interrupt *interrupt);

/* A page request of a device (PRI) */
struct amdvi_page_request {
    uint16_t device_id;
    uint32_t pasid;             /* AMDVI_NO_PASID without one */
    uint64_t addr;              /* in bytes; low 12 bits are ignored */
    uint16_t prg_index;         /* 9 bits */
    bool last;
    bool read;
    bool write;
    bool exec;
    bool priv;
};

/* What to do with it, before the state of the log is looked at */
enum amdvi_page_request_action {
    AMDVI_PPR_LOG,              /* write entry[] to the PPR log */
    AMDVI_PPR_DROP,             /* nothing, and no response ever */
    AMDVI_PPR_REFUSE,           /* not accepted, no response */
    AMDVI_PPR_RESPOND,          /* answer with response, not logged */
    AMDVI_PPR_UNKNOWN,          /* memory that is not in this dump */
};

struct amdvi_page_request_result {
    enum amdvi_page_request_action action;
    enum amdvi_reason reason;
    uint8_t response;           /* PRG response code: 0, 1 or 15 */
    uint64_t entry[2];          /* the PPR log entry */
    bool has_event;
    bool hardware_error;
    uint64_t event[2];
};

/*
 * Whether a request is a stop marker: it asks for nothing, says that its
 * PASID is not used any more, and is never answered.  7.2, step 5.
 */
bool amdvi_is_stop_marker(const struct amdvi_page_request *request);

/* spec/translation.md 7.2, steps 1 to 6.  @dte may be NULL: it is read */
void amdvi_judge_page_request(const struct amdvi_iommu *iommu,
                              const struct amdvi_mem *mem,
                              const uint64_t *dte,
                              const struct amdvi_page_request *request,
                              struct amdvi_page_request_result *result);

/* Short word ("not-present") and sentence for a reason */
const char *amdvi_reason_word(enum amdvi_reason reason);
const char *amdvi_reason_text(enum amdvi_reason reason);
/* "translated", "aborted", ... */
const char *amdvi_outcome_word(enum amdvi_outcome outcome);

#endif
