/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults on demand, to see how software recovers.
 *
 * Some happen at once.  The others are armed: they wait for what they spoil,
 * happen once and are gone.  All go through the same code as the faults of
 * guests and devices do.
 */
#ifndef AMDVI_SVM_INJECT_H
#define AMDVI_SVM_INJECT_H

#include "hw/i386/amdvi/amdvi.h"

typedef struct AmdviEngine AmdviEngine;
typedef struct AmdviDevice AmdviDevice;

/* Armed at the same time, at most */
#define AMDVI_ARMED_MAX 16
/* The longest a response can be held back, in ns */
#define AMDVI_DELAY_MAX (60 * INT64_C(1000000000))

/* What can be armed, by what it spoils.  Values are in the migration stream */
typedef enum AmdviArmedKind {
    AMDVI_ARMED_COMMAND_ERROR,  /* the next command cannot be fetched */
    AMDVI_ARMED_TIMEOUT,        /* INVALIDATE_IOTLB_PAGES is not answered */
    AMDVI_ARMED_DROP,           /* a PRG response gets lost */
    AMDVI_ARMED_DELAY,          /* a PRG response comes later */
    AMDVI_NUM_ARMED_KINDS
} AmdviArmedKind;

typedef struct AmdviArmed {
    uint32_t kind;              /* AmdviArmedKind */
    uint32_t device_id;         /* AMDVI_RECORD_NO_DEVICE: any */
    bool has_pasid;             /* only this one, or AMDVI_NO_PASID */
    uint32_t pasid;
    bool deliver;               /* TIMEOUT: the device gets it nevertheless */
    int64_t delay;              /* DELAY: in ns of QEMU_CLOCK_VIRTUAL */
} AmdviArmed;

/* Add one; false if there is no room.  Takes the lock */
bool amdvi_svm_arm(AmdviEngine *e, const AmdviArmed *armed);
/*
 * Something is about to happen that these @kinds (a bit for each) spoil: take
 * what was armed for it first out of the list into *@armed.  False if nothing
 * is.  Takes the lock.
 */
bool amdvi_svm_take_armed(AmdviEngine *e, uint32_t kinds,
                          uint32_t device_id, uint32_t pasid,
                          AmdviArmed *armed);
/* Take all out.  Takes the lock */
void amdvi_svm_disarm(AmdviEngine *e);

/* Why a fault cannot be had now */
typedef enum AmdviInjected {
    AMDVI_INJECTED,
    AMDVI_INJECT_LOG_STOPPED,
    AMDVI_INJECT_OVERFLOW,      /* the log was full, and has overflowed */
    AMDVI_INJECT_NOT_LOGGED,    /* the request would not get into the log */
    AMDVI_INJECT_GROUP_OPEN,    /* the PRG index is in use */
} AmdviInjected;

/* Let a log overflow as if a record had come while it was full.  Needs BQL */
AmdviInjected amdvi_svm_inject_overflow(AmdviEngine *e, bool ppr);
/* Log an event, whatever its words are.  Needs the BQL */
AmdviInjected amdvi_svm_inject_event(AmdviEngine *e, const uint64_t event[2]);
/*
 * Log a page request as if the device had sent it.  The response is recorded,
 * but not handed to the device, which knows nothing of the request.  @reason
 * is set if it would not be logged.  Needs the BQL.
 */
AmdviInjected
amdvi_svm_inject_page_request(AmdviDevice *d,
                              const struct amdvi_page_request *r,
                              enum amdvi_reason *reason);
/* The highest PRG index that is free; devices begin with low ones.  -1: none */
int amdvi_svm_free_group(AmdviDevice *d);

#endif
