/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the SVM engine, and what its parts offer each other.
 *
 * Locking (spec/qemu-integration.md 3.6): registers, rings and fault state
 * change under @lock only, which is taken after the BQL.  No notifier, no
 * interrupt and no access to anything but RAM happens with it held.  Command
 * execution and the list of devices belong to the BQL.  Requests of devices
 * read the registers they need from @view without a lock.
 */
#ifndef AMDVI_SVM_STATE_H
#define AMDVI_SVM_STATE_H

#include "qemu/main-loop.h"
#include "qemu/seqlock.h"
#include "qemu/thread.h"
/* First: the stock header has macros that libamdvi uses for other things */
#include "hw/i386/amdvi/amdvi.h"
#include "hw/i386/amd_iommu.h"

/* A register and which of its bits software can change how */
typedef struct AmdviRegister {
    uint64_t value;
    uint64_t reset;
    uint64_t writable;
    uint64_t owned;             /* writable unless the ring runs */
    uint64_t clearable;         /* write 1 to clear */
} AmdviRegister;

/* The flag of a register; an accessor of libamdvi */
typedef uint64_t AmdviFlag(const uint64_t *reg);

/* A ring, described by its registers; the IOMMU owns one of the pointers */
typedef struct AmdviRing {
    enum amdvi_layout_id base;
    enum amdvi_layout_id head;
    enum amdvi_layout_id tail;
    AmdviFlag *enabled;         /* in control */
    AmdviFlag *running;         /* in status */
    AmdviFlag *overflow;        /* in status; NULL: cannot overflow */
} AmdviRing;

typedef enum AmdviRingId {
    AMDVI_RING_COMMAND,
    AMDVI_RING_EVENT,
    AMDVI_RING_PPR,
    AMDVI_NUM_RINGS
} AmdviRingId;

extern const AmdviRing amdvi_svm_rings[AMDVI_NUM_RINGS];

/* A source of requests: one requester ID on one bus */
typedef struct AmdviDevice {
    AmdviEngine *engine;
    PCIBus *bus;                /* its number changes: see the function below */
    uint8_t devfn;
    MemoryRegion root;
    IOMMUMemoryRegion iommu;
    MemoryRegion window;        /* for interrupts */
    AddressSpace as;
    bool notified;              /* somebody wants to hear of invalidations */

    /* Faults, under AmdviEngine.lock */
    bool fault_reported;        /* DTE.SE: no more until the DTE changes */
    bool fault_write;           /* the last one, to find its continuation */
    uint64_t fault_addr;
    int64_t fault_time;         /* in ns of QEMU_CLOCK_VIRTUAL */

    QLIST_ENTRY(AmdviDevice) next;
} AmdviDevice;

struct AmdviEngine {
    AMDVIState *s;
    QemuMutex lock;

    struct amdvi_features features;
    AmdviRegister reg[AMDVI_NUM_REGISTERS];

    /* Copy of registers for requests, written under @lock */
    QemuSeqLock view_lock;
    struct amdvi_iommu view;

    bool command_error;         /* stopped since CmdBufEn was last set */
    bool event_log_on;          /* enables and base let the event log run */
    bool executing;             /* commands, to refuse recursion; BQL */
    QEMUBH *command_bh;

    uint32_t irq_level;         /* sources that want an interrupt */
    uint32_t irq_pending;       /* and those whose message is not sent yet */
    bool abort_pending;         /* PCI status is to show a target abort */
    QEMUBH *irq_bh;

    QLIST_HEAD(, AmdviDevice) devices;
};

/* device.c */
AmdviEngine *amdvi_svm_engine(AMDVIState *s);

/*
 * mmio.c.  Both work for the stock engine, too.
 *
 * amdvi_svm_read_register() reads without side effects.
 */
uint64_t amdvi_svm_read_register(AMDVIState *s, enum amdvi_layout_id id);
/* The registers that decide what a request meets, in one consistent copy */
void amdvi_svm_view(AMDVIState *s, struct amdvi_iommu *view);
extern const MemoryRegionOps amdvi_svm_register_ops;
void amdvi_svm_init_registers(AmdviEngine *e);
void amdvi_svm_reset_registers(AmdviEngine *e);

static inline uint64_t *amdvi_svm_reg(AmdviEngine *e, enum amdvi_layout_id id)
{
    return &e->reg[id].value;
}

/* Length of a ring in bytes, or 0 if it can never run */
static inline uint32_t amdvi_svm_ring_bytes(AmdviEngine *e,
                                            const AmdviRing *ring)
{
    return amdvi_ring_bytes(e->reg[ring->base].value);
}

/* command.c: execute a batch of commands, if the buffer runs.  Needs BQL */
void amdvi_svm_run_commands(AmdviEngine *e);
void amdvi_svm_command_bh(void *opaque);

/*
 * eventlog.c: log @event, and copy it to the hardware error registers if it
 * is a @hardware_error.  Takes the lock; the caller delivers interrupts.
 */
void amdvi_svm_log_event(AmdviEngine *e, const uint64_t event[2],
                         bool hardware_error);

/*
 * interrupt.c.  The first needs the lock and finds out what is to be sent
 * after a change of status or control; the second sends it without the lock,
 * later if the BQL is not held.
 */
void amdvi_svm_update_irq(AmdviEngine *e);
void amdvi_svm_deliver_irq(AmdviEngine *e);
void amdvi_svm_irq_bh(void *opaque);
/* The interrupt window of an AmdviDevice */
extern const MemoryRegionOps amdvi_svm_window_ops;

/*
 * memory.c: RAM, and nothing but RAM.  A hostile guest may place its tables
 * and rings where devices are; these must not be called from here.
 */
extern const struct amdvi_mem amdvi_svm_mem;            /* updates A and D */
extern const struct amdvi_mem amdvi_svm_mem_read_only;
bool amdvi_svm_load(uint64_t spa, void *buf, size_t len);
bool amdvi_svm_store(uint64_t spa, const void *buf, size_t len);

/* translate.c */
#define TYPE_AMDVI_SVM_REGION "amd-iommu-svm-memory-region"
AddressSpace *amdvi_svm_find_address_space(PCIBus *bus, void *opaque,
                                           int devfn);
/*
 * Log that a request was aborted, if it was.  All 4-byte pieces into which
 * the memory core cuts a DMA count as one request.
 */
void amdvi_svm_report(AmdviEngine *e, const struct amdvi_request *request,
                      const struct amdvi_result *result);
/* Requester ID as the guest numbers the buses now */
uint16_t amdvi_svm_device_id(const AmdviDevice *d);

/*
 * Tell those who cache translations to forget them: of one device or of one
 * DomainID, or of all.  Need the BQL.
 */
void amdvi_svm_forget_device(AmdviEngine *e, uint16_t device_id);
void amdvi_svm_forget_domain(AmdviEngine *e, uint16_t domain_id,
                             struct amdvi_range range);
void amdvi_svm_forget_all(AmdviEngine *e);
/* The same for what a device itself caches (ATS) */
void amdvi_svm_forget_device_tlb(AmdviEngine *e, uint16_t device_id,
                                 struct amdvi_range range);

#endif
