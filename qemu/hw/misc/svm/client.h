/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI side of a function that shares virtual memory: its PASID, ATS and
 * PRI capabilities, a device TLB filled by ATS requests, and page requests.
 *
 * A device embeds one SvmClient, adds the capabilities with
 * svm_client_init(), and opens one SvmContext for each PASID it works on (and
 * one for PCI_NO_PASID if it works without).  Behind any IOMMU, or none, the
 * same calls work: what it cannot do fails as on hardware.
 *
 * Threads: svm_client_rw() and the page request calls may be made from any
 * thread, with or without the BQL; everything else needs the BQL.  Whoever
 * waits for a thread to leave svm_client_rw() must not hold the BQL, because
 * an access to something else than RAM takes it.
 */
#ifndef HW_MISC_SVM_CLIENT_H
#define HW_MISC_SVM_CLIENT_H

#include "hw/misc/svm/pasid-dma.h"
#include "hw/pci/pci_device.h"
#include "qemu/bitmap.h"
#include "qemu/queue.h"
#include "qemu/thread.h"

/* What one call of svm_client_rw() moves at most, in bytes */
#define SVM_CHUNK_MAX (64 * KiB)
/* Page request group indexes are 9 bits wide */
#define SVM_PRG_INDEXES 512
/* Page requests that may wait for their turn, beyond the allocation */
#define SVM_REQUESTS_MAX 4096

typedef struct SvmClient SvmClient;
typedef struct SvmContext SvmContext;
typedef struct SvmPageRequest SvmPageRequest;

/* How an access went */
typedef enum SvmAccess {
    SVM_OK,
    SVM_FAULT,          /* no permission; a page request may help */
    SVM_ERROR,          /* aborted; nothing helps */
} SvmAccess;

/* What is asked of translations, and what they grant: IOMMUAccessFlags */
#define SVM_RIGHTS (IOMMU_RO | IOMMU_WO | IOMMU_EXEC)

/* Called in the main loop, never from within the call that asks */
typedef void SvmPageCallback(void *opaque, IOMMUPRIResponseCode code);

/*
 * An access used a translation known to be stale since @stale_since.  Called
 * in any thread, with or without the BQL, and with no lock of the client.
 */
typedef void SvmStaleHit(void *opaque, uint32_t pasid, uint64_t addr,
                         IOMMUAccessFlags want, int64_t stale_since);

/* For a device that wants to see what happens; both run with the BQL held */
typedef struct SvmClientHooks {
    /* The device TLB was told to forget @first to @last of @pasid */
    void (*invalidated)(void *opaque, uint32_t pasid, uint64_t first,
                        uint64_t last);
    /*
     * A response to a page request group came in.  True: it answers a
     * request that the device sent by itself, and is none to the client's.
     */
    bool (*responded)(void *opaque, uint32_t pasid,
                      const IOMMUPRIResponse *response);
} SvmClientHooks;

typedef struct SvmClientConfig {
    uint16_t cap_offset;        /* of the first capability, 0x100 or above */
    uint8_t pasid_bits;         /* 0: no PASID capability */
    bool exec;                  /* the PASID capability has execute ... */
    bool priv;                  /* ... and privileged mode */
    bool ats;
    bool pri;                   /* needs ats */
    bool response_pasid;        /* PRG Response PASID Required */
    uint32_t page_requests;     /* Outstanding Page Request Capacity */
    uint32_t tlb_entries;       /* power of two, SVM_TLB_WAYS to 65536 */
    const SvmClientHooks *hooks; /* may be NULL */
    void *opaque;               /* for the hooks */
} SvmClientConfig;

/* Entries of the device TLB that share an index */
#define SVM_TLB_WAYS 4

typedef struct SvmTlbEntry {
    uint64_t iova;              /* of the page */
    uint64_t addr;              /* its translation */
    AddressSpace *as;           /* where that is */
    uint32_t pasid;
    uint8_t shift;              /* log2 of the page size: 12, 21 or 30 */
    uint8_t perm;               /* IOMMUAccessFlags; 0: not in use */
    uint64_t number;            /* svm_tlb_insert() counts them */
    int64_t stale_since;        /* svm_client_judge(); 0: not known to be */
} SvmTlbEntry;

typedef struct SvmTlb {
    SvmTlbEntry *entry;
    uint32_t sets;
    uint8_t *victim;            /* per set: the way that is replaced next */
    uint32_t sizes;             /* bit n: a page of 2^n bytes was inserted */
    uint64_t inserted;
} SvmTlb;

typedef struct SvmCounters {
    uint64_t ats_requests;
    uint64_t ats_errors;        /* aborted, or unsupported */
    uint64_t tlb_hits;
    uint64_t tlb_misses;
    uint64_t invalidations;
    uint64_t dropped;           /* TLB entries that those removed */
    uint64_t page_requests;     /* pages asked for */
    uint64_t responses[3];      /* by IOMMUPRIResponseCode */
    uint64_t unexpected;        /* responses to nothing outstanding */
    uint64_t stuck;             /* accesses that were not waited for: never */
} SvmCounters;

struct SvmClient {
    PCIDevice *dev;
    SvmClientConfig config;
    bool ats_on, pasid_on, pri_on;      /* as the guest has set them */
    bool deaf;                          /* svm_client_set_deaf() */

    /* Guards all of the following */
    QemuMutex lock;
    SvmTlb tlb;
    SvmStaleHit *stale_hit;     /* of the last svm_client_judge() */
    void *stale_opaque;
    SvmCounters counters;
    /* Data being moved, and translations being asked for */
    QLIST_HEAD(, SvmFlight) flights;
    uint64_t epoch;             /* counts invalidations */
    QemuCond landed;            /* a flight has ended */

    QLIST_HEAD(, SvmContext) contexts;
    QTAILQ_HEAD(, SvmPageRequest) requests;
    uint32_t requests_len;
    uint32_t outstanding;       /* pages asked for and not answered yet */
    DECLARE_BITMAP(prg_used, SVM_PRG_INDEXES);
    uint32_t prg_next;          /* indexes are used in turn */
    QEMUBH *bh;
    QLIST_ENTRY(SvmClient) next;        /* BQL */
};

struct SvmContext {
    SvmClient *client;
    uint32_t pasid;
    bool told;                  /* @invalidation is registered */
    bool answered;              /* @response is registered */
    IOMMUNotifier invalidation;
    IOMMUPRINotifier response;
    QLIST_ENTRY(SvmContext) next;
};

/*
 * Add the capabilities of @config to @dev, a PCIe function in realize, and
 * set up an empty TLB.  @config is copied.  False with @errp set if @config
 * makes no sense.
 */
bool svm_client_init(SvmClient *client, PCIDevice *dev,
                     const SvmClientConfig *config, Error **errp);
/* Undo it.  No thread may be within a call */
void svm_client_cleanup(SvmClient *client);
/*
 * For the reset handler of the device, also that of a function level reset:
 * closes all contexts and disables the capabilities.  No thread may be within
 * a call.  Page requests are forgotten without a call back.
 */
void svm_client_reset(SvmClient *client);
/*
 * For the config_write handler of the device, after
 * pci_default_write_config(): the guest may have switched something off.
 */
void svm_client_config_written(SvmClient *client);

/*
 * Work with @pasid, or without one (PCI_NO_PASID).  NULL with @errp set if
 * the function may not now: bus mastering or PASIDs are off.  Opening a PASID
 * again returns the context that is open.
 */
SvmContext *svm_client_open(SvmClient *client, uint32_t pasid, Error **errp);
/* The context that is open for @pasid, or NULL */
SvmContext *svm_client_find(SvmClient *client, uint32_t pasid);
/*
 * End it: drops its translations, forgets its page requests without a call
 * back.  No thread may be within a call that uses @ctx.
 */
void svm_client_close(SvmContext *ctx);

/*
 * Read (or write) @len bytes, SVM_CHUNK_MAX at most, at @addr.  Through the
 * device TLB while ATS is enabled, otherwise untranslated.
 *
 * @done is the number of bytes moved, all of them before @fault_addr, which is
 * set if the result is not SVM_OK: the first byte that could not be moved.
 */
SvmAccess svm_client_rw(SvmContext *ctx, uint64_t addr, void *buf, size_t len,
                        bool write, size_t *done, uint64_t *fault_addr);
/* The same with any rights: @want is of IOMMU_RO, WO, EXEC and PRIV */
SvmAccess svm_client_access(SvmContext *ctx, uint64_t addr, void *buf,
                            size_t len, IOMMUAccessFlags want, size_t *done,
                            uint64_t *fault_addr);

/*
 * Ask software for the page at @addr, to read and/or write it; @cb is called
 * in the main loop with the answer.  A request beyond what the guest has
 * allocated waits for its turn.  Zero, or the negative errno for which no
 * answer will come: -EPERM if PRI is off, has stopped, or the IOMMU refuses,
 * -ENODEV if there is no IOMMU, -EBUSY if too many wait, -ENOSPC if the
 * allocation is smaller than the request.
 *
 * An answer only says that it is worth trying again; how often is up to the
 * caller, who has to bound it.
 */
int svm_client_request_page(SvmContext *ctx, uint64_t addr, bool read,
                            bool write, SvmPageCallback *cb, void *opaque);
/* The same for a group of @pages pages from @addr on, and any rights */
int svm_client_request_pages(SvmContext *ctx, uint64_t addr, uint32_t pages,
                             IOMMUAccessFlags want, SvmPageCallback *cb,
                             void *opaque);
/* Forget the requests of @ctx with this @opaque: their @cb is not called */
void svm_client_cancel(SvmContext *ctx, void *opaque);
/*
 * Page requests migrate, calls back do not: take over the open request for
 * the page at @addr.  False if there is none, then ask again.
 */
bool svm_client_adopt(SvmContext *ctx, uint64_t addr, SvmPageCallback *cb,
                      void *opaque);

/* Empty the TLB of @pasid from @first to @last; waits for chunks on the way */
void svm_client_invalidate(SvmClient *client, uint32_t pasid, uint64_t first,
                           uint64_t last);
/* For tests: do not act on what the IOMMU invalidates any more */
void svm_client_set_deaf(SvmClient *client, bool deaf);

void svm_client_get_counters(SvmClient *client, SvmCounters *counters);
void svm_client_clear_counters(SvmClient *client);
/* Pages that were asked for and not answered yet */
uint32_t svm_client_outstanding(SvmClient *client);
/* The client of a function, or NULL if it has none of ours; needs the BQL */
SvmClient *svm_client_of(PCIDevice *dev);
/* Number of entries of the TLB, in use or not, and a copy of one of them */
uint32_t svm_client_tlb_size(const SvmClient *client);
void svm_client_tlb_entry(SvmClient *client, uint32_t index,
                          SvmTlbEntry *entry);
/*
 * Tell what was found out about entry @index, if it is still that @number:
 * that it is stale since @stale_since, in ns of QEMU_CLOCK_VIRTUAL, or sound
 * if that is 0.  The next access that uses a stale one is told to @hit, and
 * served as any other.  @opaque has to live as long as the device.
 */
void svm_client_judge(SvmClient *client, uint32_t index, uint64_t number,
                      int64_t stale_since, SvmStaleHit *hit, void *opaque);

/*
 * Open page requests and counters; the TLB starts empty.  The device opens
 * its contexts again in its own post_load.
 */
extern const VMStateDescription vmstate_svm_client;
#define VMSTATE_SVM_CLIENT(field, state) \
    VMSTATE_STRUCT(field, state, 0, vmstate_svm_client, SvmClient)

#endif
