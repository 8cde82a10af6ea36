/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the ATS and PRI client share among themselves. */
#ifndef HW_MISC_SVM_CLIENT_INTERNAL_H
#define HW_MISC_SVM_CLIENT_INTERNAL_H

#include "hw/misc/svm/client.h"

/* Where the capabilities are, from SvmClientConfig.cap_offset on */
#define SVM_CAP_PASID 0x00
#define SVM_CAP_ATS 0x10
#define SVM_CAP_PRI 0x20

/* Smallest page, as ATS counts */
#define SVM_PAGE_SHIFT 12
#define SVM_PAGE_SIZE (1ULL << SVM_PAGE_SHIFT)

/*
 * A use of addresses that an invalidation has to know of: data being moved
 * with a translation, or a translation being asked for.
 */
typedef struct SvmFlight {
    uint32_t pasid;
    uint64_t first;             /* the addresses */
    uint64_t last;
    const void *thread;         /* who does it */
    uint64_t epoch;             /* SvmClient.epoch when it began */
    bool moving;                /* data; else asking for a translation */
    uint64_t page;              /* asking: of this page ... */
    bool stale;                 /* ... which was invalidated meanwhile, */
    bool narrow;                /* ... or something else from first to last */
    QLIST_ENTRY(SvmFlight) next;
} SvmFlight;

typedef enum SvmRequestState {
    SVM_REQUEST_WAITING,            /* for its turn */
    SVM_REQUEST_SENT,
    SVM_REQUEST_ANSWERED,           /* the caller has to be told */
} SvmRequestState;

struct SvmPageRequest {
    uint32_t pasid;
    uint64_t addr;              /* of the first page */
    uint32_t pages;
    uint8_t want;               /* IOMMUAccessFlags */
    uint16_t prgi;              /* from SVM_REQUEST_SENT on */
    uint8_t state;
    uint8_t code;               /* if answered: IOMMUPRIResponseCode */
    bool sending;               /* a thread is at it: must stay */
    SvmPageCallback *cb;        /* NULL: nobody waits any more */
    void *opaque;
    QTAILQ_ENTRY(SvmPageRequest) next;
};

static inline const char *svm_client_name(const SvmClient *client)
{
    return client->dev->name;
}

/* Last address of the range that a notifier was called with */
static inline uint64_t svm_range_last(uint64_t first, uint64_t mask)
{
    return first + MIN(mask, UINT64_MAX - first);
}

/* tlb.c; all need the client's lock */
void svm_tlb_init(SvmTlb *tlb, uint32_t entries);
void svm_tlb_cleanup(SvmTlb *tlb);
/* The entry that grants @want at @iova, or NULL */
SvmTlbEntry *svm_tlb_find(SvmTlb *tlb, uint32_t pasid, uint64_t iova,
                          IOMMUAccessFlags want);
/* Keep @entry in place of an older one; nothing if it grants nothing */
void svm_tlb_insert(SvmTlb *tlb, const SvmTlbEntry *entry);
/*
 * Drop what overlaps @first to @last of @pasid (NULL: of all), and say how
 * many entries that were.
 */
uint32_t svm_tlb_drop(SvmTlb *tlb, const uint32_t *pasid, uint64_t first,
                      uint64_t last);

/* access.c: drop and wait as svm_client_invalidate(); NULL: of all PASIDs */
void svm_client_drop(SvmClient *client, const uint32_t *pasid, uint64_t first,
                     uint64_t last);

/* page-request.c */
void svm_client_requests_init(SvmClient *client);
void svm_client_requests_cleanup(SvmClient *client);
/* Follow the control register, which was @was_on before the write */
void svm_client_pri_written(SvmClient *client, bool was_on);
/* Capability as after power-on */
void svm_client_pri_reset(SvmClient *client);
/* Check and complete what a migration has brought */
bool svm_client_requests_loaded(SvmClient *client);
/* Forget all requests of @pasid (NULL: of all) without a call back */
void svm_client_forget(SvmClient *client, const uint32_t *pasid);
/* The notifier of SvmContext.response */
void svm_client_responded(IOMMUPRINotifier *notifier,
                          IOMMUPRIResponse *response);

#endif
