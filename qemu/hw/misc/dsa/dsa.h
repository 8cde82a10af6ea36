/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of a DSA and what its files offer each other.
 *
 * A descriptor becomes a DsaTask.  Tasks are state machines, carried out in
 * steps of at most one chunk by a bottom half that holds the BQL; a task that
 * needs a page waits for the answer without anybody waiting for it.  All that
 * a step leaves behind is in the task, so that it migrates.
 *
 * dsa.c       PCI function, reset, properties, migration
 * regs.c      registers and configuration tables
 * command.c   the command register
 * portal.c    submission
 * exec.c      tasks: queues, order, phases, batches
 * ops.c       what each operation does to memory
 * dif.c       operations on data with integrity fields
 * fault.c     completion records, page requests, SWERR, event log
 */
#ifndef HW_MISC_DSA_DSA_H
#define HW_MISC_DSA_DSA_H

#include "hw/misc/dsa/layout.h"
#include "hw/misc/svm/client.h"
#include "hw/pci/pci_device.h"
#include "qemu/units.h"
#include "qom/object.h"

#define TYPE_DSA "dsa"
OBJECT_DECLARE_SIMPLE_TYPE(DsaState, DSA)

#define DSA_QUEUES_MAX 64
#define DSA_QUEUES_DEFAULT 8
#define DSA_GROUPS 4
#define DSA_ENGINES 4
#define DSA_READ_BUFFERS 96
/* Descriptors that wait, over all queues */
#define DSA_ENTRIES 128
/* Descriptors of one queue that are worked on at a time */
#define DSA_ACTIVE_PER_QUEUE 8
#define DSA_TRANSFER_SHIFT 31
#define DSA_BATCH_SHIFT 10
#define DSA_PAGE_SIZE 4096
#define DSA_CHUNK SVM_CHUNK_MAX
/* Page requests for one place without getting any further */
#define DSA_RETRIES 32
/* Steps until the main loop gets its turn */
#define DSA_STEPS 8
#define DSA_BATCH_IDS 256
#define DSA_SLOTS (DSA_PORTAL_PAGE / DSA_DESC_BYTES)

typedef struct DsaTask DsaTask;

/* A PASID in use, by as many queues as @users says */
typedef struct DsaContext {
    SvmContext *svm;
    uint32_t pasid;
    uint32_t users;
    QLIST_ENTRY(DsaContext) next;
} DsaContext;

typedef struct DsaQueue {
    uint32_t config[DSA_QUEUE_DWORDS];
    bool enabled;
    uint32_t waiting;           /* tasks that were not started yet */
    uint32_t active;            /* tasks that were */
    DsaContext *context;        /* while enabled, and until tasks are gone */
} DsaQueue;

/* A place in a portal where a descriptor is being assembled */
typedef struct DsaSlot {
    uint8_t bytes[DSA_DESC_BYTES];
    uint8_t present;            /* bit n: 8 bytes from 8 * n were written */
} DsaSlot;

/* What a descriptor goes through */
typedef enum DsaPhase {
    DSA_PHASE_CHECK,
    DSA_PHASE_RUN,              /* the operation, or reading a batch's list */
    DSA_PHASE_MEMBERS,          /* of a batch */
    DSA_PHASE_RECORD,
    DSA_PHASE_INTERRUPT,
    DSA_PHASE_DONE,
} DsaPhase;

typedef struct DsaDifTags {
    uint32_t ref;
    uint16_t app;
} DsaDifTags;

/* A descriptor being carried out */
typedef struct DsaWork {
    uint8_t raw[DSA_DESC_BYTES];
    uint8_t phase;              /* DsaPhase */
    uint8_t status;             /* DSA_STATUS_*; NONE while all is well */
    uint8_t result;
    uint8_t retries;
    bool denied;                /* the last page request was refused */
    bool aborted;               /* the last access failed for good */
    bool fault_write;           /* it was one to write */
    uint64_t fault_address;
    uint64_t request_address;   /* of the last page request */
    uint32_t done;              /* bytes, of a batch: descriptors */
    uint32_t invalid_flags;
    uint32_t crc;
    bool seeded;                /* @crc, or the tags, hold a value */
    DsaDifTags source_tags;     /* expected of the next block */
    DsaDifTags dest_tags;
} DsaWork;

struct DsaTask {
    DsaState *s;
    uint64_t sequence;          /* in the order of submission */
    uint32_t queue;
    bool active;
    bool waiting;               /* for the answer to a page request */
    DsaWork own;
    /* Batch: its list, and the descriptor of it that is carried out */
    uint8_t *list;
    uint32_t list_bytes;
    uint8_t batch_id;
    bool member_failed;
    bool member_logged;         /* a record went to the event log */
    DsaWork member;
    QTAILQ_ENTRY(DsaTask) next;
};

/* A command that waits for tasks to end */
typedef struct DsaCommand {
    uint32_t word;              /* of the command register */
    bool active;
    uint64_t before;            /* tasks with a sequence below this */
    uint64_t queues;            /* of these queues */
    uint32_t pasid;             /* and this PASID, unless PCI_NO_PASID */
} DsaCommand;

struct DsaState {
    PCIDevice parent_obj;

    /* properties */
    uint8_t queues_len;
    bool ats, pri;

    MemoryRegion bar0, regs_mr, portals_mr;
    SvmClient client;
    uint64_t regs[DSA_REGS_SIZE / 8];
    uint64_t groups[DSA_GROUPS][DSA_GROUP_STRIDE / 8];
    uint64_t permissions[DSA_QUEUES_MAX + 1];
    DsaQueue queues[DSA_QUEUES_MAX];
    DsaSlot *slots;             /* of all pages that take descriptors */
    uint32_t slots_len;

    QLIST_HEAD(, DsaContext) contexts;
    QTAILQ_HEAD(, DsaTask) tasks;
    uint64_t sequence;          /* of the next task */
    uint64_t last_stepped;      /* the task whose turn was last */
    DsaCommand command;
    DsaContext *log_context;    /* while the event log is used */
    uint8_t next_batch_id;
    QEMUBH *bh;
    VMChangeStateEntry *vm_state;
    uint8_t buffer[2][DSA_CHUNK];
};

/* How a step went */
typedef enum DsaOutcome {
    DSA_MORE,           /* call again */
    DSA_FINISHED,       /* this phase is over; status tells how */
    DSA_FAULT,          /* at fault_address */
    DSA_WAIT,           /* for something outside of this task */
} DsaOutcome;

/* Fields of a descriptor */
static inline uint64_t dsa_desc64(const DsaWork *work, unsigned int offset)
{
    return ldq_le_p(work->raw + offset);
}

static inline uint32_t dsa_desc32(const DsaWork *work, unsigned int offset)
{
    return ldl_le_p(work->raw + offset);
}

static inline uint16_t dsa_desc16(const DsaWork *work, unsigned int offset)
{
    return lduw_le_p(work->raw + offset);
}

static inline uint32_t dsa_flags(const DsaWork *work)
{
    return dsa_desc32(work, DSA_DESC_FLAGS) & 0xffffff;
}

static inline uint8_t dsa_opcode(const DsaWork *work)
{
    return dsa_desc32(work, DSA_DESC_FLAGS) >> 24;
}

static inline DsaQueue *dsa_task_queue(const DsaTask *task)
{
    return &task->s->queues[task->queue];
}

static inline SvmContext *dsa_task_context(const DsaTask *task)
{
    return dsa_task_queue(task)->context->svm;
}

static inline bool dsa_is_member(const DsaTask *task, const DsaWork *work)
{
    return work == &task->member;
}

/* A register by its DSA_REG_ offset */
static inline uint64_t *dsa_reg(DsaState *s, unsigned int offset)
{
    return &s->regs[offset / 8];
}

/* regs.c */
extern const MemoryRegionOps dsa_regs_ops;
/* Registers and tables as after power on */
void dsa_regs_reset(DsaState *s);
/* Clear the configuration of a queue, or all that reset device clears */
void dsa_queue_config_reset(DsaState *s, unsigned int index);
void dsa_config_reset(DsaState *s);
/* Set a bit of INTCAUSE and send the message of vector 0 */
void dsa_notify(DsaState *s, uint32_t cause);

/* command.c */
/* Carry out what was written to the command register */
void dsa_command(DsaState *s, uint32_t word);
/* A task has ended: perhaps that is what a command waits for */
void dsa_command_check(DsaState *s);
/* End everything at once, without records or interrupts */
void dsa_stop(DsaState *s);
/* The context of a PASID, with one more user; NULL with @errp set */
DsaContext *dsa_context_get(DsaState *s, uint32_t pasid, Error **errp);
void dsa_context_put(DsaContext *context);
/* If the device is on and has a log: its entries go to memory without PASID */
void dsa_open_log(DsaState *s);

/* portal.c */
extern const MemoryRegionOps dsa_portals_ops;

/* exec.c */
/* Accept a descriptor of DSA_DESC_BYTES for a queue, or drop it */
void dsa_submit(DsaState *s, unsigned int queue, const uint8_t *raw);
/* Whether a task below sequence @before belongs to @queues and @pasid */
bool dsa_busy(DsaState *s, uint64_t before, uint64_t queues, uint32_t pasid);
/* Drop such tasks */
void dsa_abort(DsaState *s, uint64_t queues, uint32_t pasid);
/* The bottom half */
void dsa_run(void *opaque);
/* Let the bottom half run if there is something to do */
void dsa_kick(DsaState *s);

/* ops.c */
/* Judge a descriptor.  Returns the status it ends with, or NONE */
uint8_t dsa_check(DsaTask *task, DsaWork *work);
/* One chunk of the operation */
DsaOutcome dsa_operate(DsaTask *task, DsaWork *work);
const char *dsa_operation_name(uint8_t opcode);
/*
 * Read or write up to @len bytes of the task's memory and say how many it
 * were; fewer than @len leave the place in fault_address.
 */
size_t dsa_read(DsaTask *task, DsaWork *work, uint64_t addr, void *buf,
                size_t len);
size_t dsa_write(DsaTask *task, DsaWork *work, uint64_t addr, void *buf,
                 size_t len);

/* dif.c */
DsaOutcome dsa_dif(DsaTask *task, DsaWork *work);
uint8_t dsa_dif_check(const DsaWork *work);
/* The part of the completion record that is about tags */
void dsa_dif_record(const DsaWork *work, uint8_t *record);

/* fault.c */
/*
 * Ask for the page at fault_address, if that is allowed and has not been
 * refused before.  True if the task has to wait for the answer now.
 */
bool dsa_request_page(DsaTask *task, DsaWork *work);
/* After migration: wait for the answer again, or start the step again */
void dsa_adopt_request(DsaTask *task);
/* Write the completion record, or log what happened where there is none */
DsaOutcome dsa_record(DsaTask *task, DsaWork *work);
/* Send the interrupt of a descriptor, if it asked for one */
void dsa_interrupt(DsaTask *task, DsaWork *work);
/* Whether the vector @handle may be used by @task */
bool dsa_handle_valid(DsaTask *task, uint16_t handle);

#endif
