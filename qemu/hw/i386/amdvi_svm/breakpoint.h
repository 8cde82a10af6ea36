/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stop the VM when something happens, before the guest can see it.
 *
 * A vCPU that watches a log runs on for a while after the VM was asked to
 * stop.  So from the match on records are withheld: nothing is written to a
 * log, no tail moves, no interrupt is sent, no command is executed and no
 * response leaves.  A bottom half stops the VM, publishes the records in
 * their order and tells who is to blame.  Interrupts, commands and responses
 * follow when the VM goes on.
 */
#ifndef AMDVI_SVM_BREAKPOINT_H
#define AMDVI_SVM_BREAKPOINT_H

#include "hw/i386/amdvi/amdvi.h"

typedef struct AmdviEngine AmdviEngine;

#define AMDVI_BREAKS_MAX 32
/* Matches that are told of after one stop; more are only counted */
#define AMDVI_HITS_MAX 16
/* Records withheld for one stop; then each log can still overflow */
#define AMDVI_HELD_MAX 256
#define AMDVI_HELD_SLOTS (AMDVI_HELD_MAX + 2)

/* Values are in the migration stream */
typedef enum AmdviBreakKind {
    AMDVI_BREAK_FAULT,          /* a request is aborted */
    AMDVI_BREAK_PAGE_REQUEST,
    AMDVI_BREAK_RESPONSE,       /* to a page request group */
    AMDVI_BREAK_COMMAND,
    AMDVI_BREAK_INVALIDATION,   /* a command that invalidates something */
    AMDVI_NUM_BREAK_KINDS
} AmdviBreakKind;

/* What is about to happen */
typedef struct AmdviHappening {
    uint32_t kind;              /* AmdviBreakKind */
    uint32_t device_id;         /* AMDVI_RECORD_NO_DEVICE without one */
    uint32_t pasid;             /* AMDVI_NO_PASID without one */
    bool all_devices;
    bool all_addresses;         /* and all PASIDs */
    bool has_domain;            /* the devices with this DomainID */
    uint16_t domain_id;
    bool has_address;
    uint64_t first, last;
    bool has_group;
    uint16_t prg_index;
    uint32_t reason;            /* FAULT: enum amdvi_reason */
    bool has_words;             /* the command, the event or the request */
    uint64_t words[2];
} AmdviHappening;

/* A condition: parts that are not given always hold */
typedef struct AmdviBreak {
    uint32_t number;
    uint32_t kind;
    bool has_device_id, has_pasid, has_address, has_opcode;
    uint16_t device_id;
    uint32_t pasid;
    uint64_t first, last;       /* any address of the range */
    uint8_t opcode;             /* COMMAND */
    uint64_t count;             /* stop at every @count-th match */
    bool sticky;                /* stay after the first stop */
    uint64_t matches;           /* since the last stop */
    uint64_t stops;
} AmdviBreak;

typedef struct AmdviHit {
    uint32_t number;            /* of the AmdviBreak, which may be gone */
    AmdviHappening what;
} AmdviHit;

/* A record that waits for the VM to stop */
typedef struct AmdviHeld {
    uint64_t words[2];
    uint8_t ring;               /* AmdviRingId */
    uint8_t logged;             /* AmdviLogged: what was promised */
    bool hardware_error;
} AmdviHeld;

/* All under the lock of the engine; @hits is atomic */
typedef struct AmdviHold {
    AmdviBreak breaks[AMDVI_BREAKS_MAX];
    uint32_t breaks_len;        /* atomic */
    uint32_t last_number;
    AmdviHit hit[AMDVI_HITS_MAX];
    uint32_t hits;              /* not told of yet: there is something held */
    AmdviHeld record[AMDVI_HELD_SLOTS];
    uint32_t records;
    bool passes;                /* the command at the head was stopped for */
} AmdviHold;

/* Set a breakpoint: its number, or 0 if there is no room.  Takes the lock */
uint32_t amdvi_svm_set_break(AmdviEngine *e, const AmdviBreak *b);
/* Remove one, or with number 0 all; false if there is none.  Takes the lock */
bool amdvi_svm_delete_break(AmdviEngine *e, uint32_t number);

/*
 * This is about to happen: true if somebody wants the VM to stop for it, and
 * records are withheld from now on.  The first takes the lock, the second
 * needs it.
 */
bool amdvi_svm_break_on(AmdviEngine *e, const AmdviHappening *what);
bool amdvi_svm_break_on_locked(AmdviEngine *e, const AmdviHappening *what);
/*
 * The same for the command at the head of the buffer.  If true it must not
 * be executed now.  Needs the BQL.
 */
bool amdvi_svm_break_at_command(AmdviEngine *e, const uint64_t command[2],
                                bool legal);
/* The same for a request that is aborted.  Takes the lock */
void amdvi_svm_break_at_fault(AmdviEngine *e,
                              const struct amdvi_request *request,
                              const struct amdvi_result *result);

/* The same for an interrupt that is refused */
void amdvi_svm_break_at_interrupt(AmdviEngine *e,
                                  const struct amdvi_message *message,
                                  const struct amdvi_interrupt *interrupt);

/* Stop the VM, publish, tell */
void amdvi_svm_stop_bh(void *opaque);
/* Forget what is withheld, but not the breakpoints.  Takes the lock */
void amdvi_svm_reset_hold(AmdviEngine *e);
/* Who wants to hear of stops; NULL: nobody */
extern void (*amdvi_svm_tell_stop)(AmdviEngine *e, const AmdviHit *hit);

#endif
