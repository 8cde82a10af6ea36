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
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "system/runstate.h"
#include "breakpoint.h"
#include "dte-cache.h"
#include "inject.h"
#include "iotlb.h"
#include "recorder.h"
#include "stats.h"

/* A register and which of its bits software can change how */
typedef struct AmdviRegister {
    uint64_t value;
    uint64_t reset;
    uint64_t writable;
    uint64_t owned;             /* writable unless the ring runs */
    uint64_t clearable;         /* write 1 to clear */
} AmdviRegister;

/* The flag of a register; accessors of libamdvi */
typedef uint64_t AmdviFlag(const uint64_t *reg);
typedef void AmdviSetFlag(uint64_t *reg, uint64_t value);

/* A ring, described by its registers; the IOMMU owns one of the pointers */
typedef struct AmdviRing {
    const char *name;
    enum amdvi_family family;   /* what its entries are */
    AmdviRecordKind kind;       /* and in the flight recorder */
    enum amdvi_layout_id base;
    enum amdvi_layout_id head;
    enum amdvi_layout_id tail;
    /* Whether control and base let it run at all */
    bool (*may_run)(uint64_t control, uint64_t base);
    AmdviFlag *enabled;         /* in control */
    AmdviFlag *running;         /* in status, as all that follow */
    AmdviSetFlag *set_running;
    AmdviFlag *overflow;        /* NULL: cannot overflow */
    AmdviSetFlag *set_overflow;
    AmdviSetFlag *set_interrupt;
} AmdviRing;

typedef enum AmdviRingId {
    AMDVI_RING_COMMAND,
    AMDVI_RING_EVENT,
    AMDVI_RING_PPR,
    AMDVI_NUM_RINGS
} AmdviRingId;

extern const AmdviRing amdvi_svm_rings[AMDVI_NUM_RINGS];

/* Those who use the translations of one PASID of a device; BQL */
typedef struct AmdviPasid {
    QLIST_HEAD(, AmdviListener) listeners;
    IOMMUPRINotifier *pri;      /* gets the responses; or NULL */
} AmdviPasid;

/* PRG indexes that a device has */
#define AMDVI_GROUPS (PCI_PRI_PRGI_MASK + 1)

/* A page request group that waits for its response */
typedef struct AmdviGroup {
    bool open;
    bool last;                  /* its last request was seen */
    bool answered;              /* by us: @response is on its way */
    uint8_t response;           /* PRG response code */
    uint32_t pasid;             /* AMDVI_NO_PASID without one */
    uint32_t pages;             /* requests so far */
    int64_t since;              /* the first, in ns of QEMU_CLOCK_VIRTUAL */
    int64_t due;                /* @response leaves then; 0: at once */
    bool seen;                  /* the VM was stopped for its response */
    bool injected;              /* not by the device: it hears no response */
} AmdviGroup;

/* A source of requests: one requester ID on one bus */
typedef struct AmdviDevice {
    AmdviEngine *engine;
    PCIBus *bus;
    PCIDevice *bridge;          /* has the number of the bus; or NULL */
    uint8_t root_number;        /* of the bus, without a bridge */
    uint8_t devfn;
    MemoryRegion root;
    IOMMUMemoryRegion iommu;
    MemoryRegion window;        /* for interrupts */
    AddressSpace as;
    bool notified;              /* somebody wants to hear of invalidations */
    GHashTable *pasids;         /* PASID to AmdviPasid; BQL */

    AmdviDteCache dte_cache;
    AmdviHitSource hit_source;  /* for AmdviStats */

    /* Faults, under AmdviEngine.lock */
    bool fault_reported;        /* DTE.SE: no more until the DTE changes */
    bool fault_write;           /* the last one, to find its continuation */
    uint64_t fault_addr;
    int64_t fault_time;         /* in ns of QEMU_CLOCK_VIRTUAL */

    struct AmdviDoubt *doubts;  /* of its TLB, or NULL; of the inspector */
    uint32_t doubts_len;

    /* By PRG index, since the first page request; under AmdviEngine.lock */
    AmdviGroup *groups;

    QLIST_ENTRY(AmdviDevice) next;
} AmdviDevice;

/* What somebody outside may want to know at once */
typedef enum AmdviNewsKind {
    AMDVI_NEWS_FAULT,
    AMDVI_NEWS_PAGE_REQUEST,
    AMDVI_NEWS_OVERFLOW,
    AMDVI_NEWS_COMMAND_ERROR,   /* words of the record: the event */
    AMDVI_NUM_NEWS
} AmdviNewsKind;

/* The last one of a kind that is told, or will be */
typedef struct AmdviNews {
    bool pending;
    int64_t quiet_until;        /* in ns of QEMU_CLOCK_VIRTUAL */
    uint64_t suppressed;        /* since the last one that was told */
    AmdviRecord record;
} AmdviNews;

/* Entries of the IOTLB that differ from the tables: query-iotlb.c */
typedef struct AmdviDoubt AmdviDoubt;

/* A walk on its way: walk-cache.c */
typedef struct AmdviWalk {
    struct amdvi_mem mem;
    struct amdvi_walk_cache cache;
    AmdviEngine *engine;
    uint32_t begin;             /* of AmdviEngine.tables */
    bool afresh;                /* it is to read all entries */
    bool skipped;               /* it did not */
} AmdviWalk;

/* Devices that are found without a search: a power of two */
#define AMDVI_RECENT 4096

struct AmdviEngine {
    AMDVIState *s;
    QemuMutex lock;

    struct amdvi_features features;
    uint64_t dte_reserved[AMDVI_MAX_WORDS];     /* with these features */
    PCIIOMMUOps pci_ops;
    AmdviRegister reg[AMDVI_NUM_REGISTERS];

    /* Copy of registers for requests, written under @lock */
    QemuSeqLock view_lock;
    struct amdvi_iommu view;

    uint32_t pmu_events;        /* a bit for each that a counter counts */

    /* Written under @lock */
    AmdviIotlb iotlb;
    AmdviIotlb tables;          /* of directories: where the leaves are */
    uint64_t table_hits;        /* walks that found theirs there */
    AmdviDteClock dte_clock;
    AmdviRecorder recorder;
    AmdviStats stats;

    AmdviNews news[AMDVI_NUM_NEWS];
    uint64_t completion_waits;  /* executed; BQL */
    AmdviDoubt *doubts;         /* of the inspector, or NULL; BQL */

    bool command_error;         /* stopped since CmdBufEn was last set */
    bool log_on[AMDVI_NUM_RINGS];   /* enables and base let the log run */
    bool executing;             /* commands, to refuse recursion; BQL */
    QEMUBH *command_bh;

    uint32_t irq_level;         /* sources that want an interrupt */
    uint32_t irq_pending;       /* and those whose message is not sent yet */
    bool abort_pending;         /* PCI status is to show a target abort */
    QEMUBH *irq_bh;

    QEMUBH *response_bh;        /* sends automatic PRG responses */
    QEMUTimer *response_timer;  /* the same for those that are held back */

    AmdviArmed armed[AMDVI_ARMED_MAX];
    uint32_t armed_len;

    AmdviHold hold;
    QEMUBH *stop_bh;

    /* Groups on their way to or from another VM; BQL */
    struct AmdviSavedGroup *saved;
    int32_t saved_len;
    /* The same of devices with AmdviDevice.fault_reported: their DeviceIDs */
    uint16_t *reported;
    uint32_t reported_len;

    QLIST_HEAD(, AmdviDevice) devices;
    AmdviDevice *recent[AMDVI_RECENT];  /* by place: a shortcut, atomic */

    PCIDevice *southbridge;     /* until it is plugged in */
    Notifier southbridge_notifier;
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
/* Let requests see the registers as they are now.  Needs the lock */
void amdvi_svm_publish_view(AmdviEngine *e);
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
 * log.c: write @record to the log and advance its tail.  @hardware_error: copy
 * it to the hardware error registers.  While records are withheld, this one
 * is, too, and the answer is what will become of it.  Needs the lock; the
 * caller updates interrupts.
 */
typedef enum AmdviLogged {
    AMDVI_LOGGED,
    AMDVI_LOG_STOPPED,          /* it did not run: nothing has changed */
    AMDVI_LOG_OVERFLOW,         /* it was full, and has stopped now */
} AmdviLogged;
AmdviLogged amdvi_svm_log(AmdviEngine *e, AmdviRingId id,
                          const uint64_t record[2], bool hardware_error);
/* As if the log was full: @record is lost, and the log stops.  As above */
void amdvi_svm_lose(AmdviEngine *e, AmdviRingId id, const uint64_t record[2]);
/* Do with a record that was withheld what was promised.  Needs the lock */
void amdvi_svm_publish(AmdviEngine *e, const AmdviHeld *held);

/*
 * breakpoint.c: withhold a record.  It is logged if it will fit, and @most
 * permits it; or else it is lost.  Needs the lock.
 */
AmdviLogged amdvi_svm_withhold(AmdviEngine *e, AmdviRingId id,
                               const uint64_t record[2], AmdviLogged most,
                               bool hardware_error);
/* Records withheld that will be written to the log.  Needs the lock */
uint32_t amdvi_svm_withheld(AmdviEngine *e, AmdviRingId id);
/* Whether records are withheld, and nothing else leaves */
static inline bool amdvi_svm_is_holding(AmdviEngine *e)
{
    return qatomic_read(&e->hold.hits);
}
/*
 * Whether the VM is stopped for something during or after which its memory
 * must not change.
 */
static inline bool amdvi_svm_is_moving(void)
{
    return runstate_check(RUN_STATE_INMIGRATE) ||
           runstate_check(RUN_STATE_FINISH_MIGRATE) ||
           runstate_check(RUN_STATE_POSTMIGRATE) ||
           runstate_check(RUN_STATE_SAVE_VM) ||
           runstate_check(RUN_STATE_RESTORE_VM) ||
           runstate_check(RUN_STATE_COLO);
}

/*
 * eventlog.c: log @event, and copy it to the hardware error registers if it
 * is a @hardware_error.  Takes the lock; the caller delivers interrupts.
 */
AmdviLogged amdvi_svm_log_event(AmdviEngine *e, const uint64_t event[2],
                                bool hardware_error);
/* The copy alone.  Needs the lock */
void amdvi_svm_set_hardware_error(AmdviEngine *e, const uint64_t event[2]);

/*
 * pri.c: page requests and their responses.
 *
 * amdvi_svm_request_page() is what a device calls: 0, or a negative errno if
 * the request is lost and no response will come.  May run without the BQL.
 */
int amdvi_svm_request_page(PCIBus *bus, void *opaque, int devfn,
                           uint32_t pasid, bool priv_req, bool exec_req,
                           hwaddr addr, bool lpig, uint16_t prgi,
                           bool is_read, bool is_write);
/* The same once it is known whose it is, and for requests of nobody */
int amdvi_svm_serve_page_request(AmdviDevice *d,
                                 const struct amdvi_page_request *r);
void amdvi_svm_register_pri(PCIBus *bus, void *opaque, int devfn,
                            uint32_t pasid, IOMMUPRINotifier *notifier);
void amdvi_svm_unregister_pri(PCIBus *bus, void *opaque, int devfn,
                              uint32_t pasid);
/*
 * Pass the response of software on to the device that waits for it; needs the
 * BQL.  @pasid is AMDVI_NO_PASID if the command has none.
 */
void amdvi_svm_respond(AmdviEngine *e, uint16_t device_id, uint32_t pasid,
                       uint16_t prg_index, uint8_t response);
/* Send the responses that are due */
void amdvi_svm_response_bh(void *opaque);
/* A request has been written to the log.  Needs the lock */
void amdvi_svm_request_logged(AmdviEngine *e);
/* The slot of a group; needs the lock */
AmdviGroup *amdvi_svm_group(AmdviDevice *d, uint16_t prg_index);
/* Forget all open groups: nobody waits any more */
void amdvi_svm_reset_page_requests(AmdviEngine *e);

/*
 * interrupt.c.  The first needs the lock and finds out what is to be sent
 * after a change of status or control; the second sends it without the lock,
 * later if the BQL is not held.
 */
void amdvi_svm_update_irq(AmdviEngine *e);
void amdvi_svm_deliver_irq(AmdviEngine *e);
void amdvi_svm_irq_bh(void *opaque);
/* Have the PPR log interrupt sent again although PprInt was set already */
void amdvi_svm_repeat_ppr_irq(AmdviEngine *e);
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
/*
 * Memory of any kind, for a device: read @len bytes at @spa into @buf, or
 * write them.  Called within an RCU section.
 */
MemTxResult amdvi_svm_access(uint64_t spa, MemTxAttrs attrs, void *buf,
                             uint64_t len, bool write);

/*
 * ram.c: the host's address of @len bytes of RAM, to be read inside the RCU
 * section it was asked for in.  NULL: unknown, and there may be RAM.
 */
const void *amdvi_svm_find_ram(uint64_t spa, uint64_t len);
/*
 * Write to RAM, for all to know.  Within an RCU section.  False: unknown, and
 * nothing was written.
 */
bool amdvi_svm_write_ram(uint64_t spa, const void *buf, uint64_t len);
/* At realize.  Needs the BQL */
void amdvi_svm_init_ram(void);

/* translate.c */
#define TYPE_AMDVI_SVM_REGION "amd-iommu-svm-memory-region"
AddressSpace *amdvi_svm_find_address_space(PCIBus *bus, void *opaque,
                                           int devfn);
/* The device at that place; made if there is none, which needs the BQL */
AmdviDevice *amdvi_svm_make_device(AmdviEngine *e, PCIBus *bus, int devfn);
/* The same without making one: NULL */
AmdviDevice *amdvi_svm_find_device_at(AmdviEngine *e, PCIBus *bus, int devfn);
AmdviDevice *amdvi_svm_find_device(AmdviEngine *e, uint16_t device_id);
/* False once the bridge that the device was behind has been unplugged */
static inline bool amdvi_svm_is_reachable(const AmdviDevice *d)
{
    return !d->bridge || qatomic_read(&d->bridge->qdev.realized);
}

/*
 * Requester ID as the guest numbers the buses now: at every request, so
 * without the casts of pci_bus_num().
 */
static inline uint16_t amdvi_svm_device_id(const AmdviDevice *d)
{
    uint8_t number = d->root_number;

    if (d->bridge && amdvi_svm_is_reachable(d)) {
        number = d->bridge->config[PCI_SECONDARY_BUS];
    }
    return PCI_BUILD_BDF(number, d->devfn);
}

/*
 * The DTE for a request.  False if the request ends here, and @result tells
 * how.
 */
bool amdvi_svm_fetch_dte(const struct amdvi_iommu *view,
                         const struct amdvi_request *request, uint64_t dte[4],
                         struct amdvi_result *result);
/*
 * What becomes of a request of @d: the one place where requests meet the
 * tables, or what is cached of them.  A request for neither read nor write
 * changes nothing.  Nothing is logged.
 */
void amdvi_svm_translate(AmdviDevice *d, const struct amdvi_request *request,
                         struct amdvi_result *result);
/* Log that a request was aborted, if it was; DTE.SE permitting */
void amdvi_svm_report(AmdviEngine *e, const struct amdvi_request *request,
                      const struct amdvi_result *result);
/* The same for ordinary DMA, whose pieces count as one request */
void amdvi_svm_report_dma(AmdviDevice *d, const struct amdvi_request *request,
                          struct amdvi_result *result);
/* Whether the result is an abort or a refusal */
bool amdvi_svm_failed(const struct amdvi_result *result);
/*
 * log2 of the bytes around @addr that may be given out as one range: not the
 * interrupt window together with memory.
 */
unsigned int amdvi_svm_range_shift(uint64_t addr, unsigned int page_shift);

/* pasid-dma.c: the IOMMU's side of hw/misc/svm/pasid-dma.h */
void amdvi_svm_pasid_dma_class_init(ObjectClass *klass);

/*
 * cache.c: the caches of the IOMMU, and who changes them when.  What a request
 * finds there is in hit.h; of what it does not, amdvi_svm_walk() finds out.
 */
void amdvi_svm_init_caches(AmdviEngine *e);
void amdvi_svm_walk(AmdviDevice *d, const struct amdvi_request *request,
                    struct amdvi_result *result);
/*
 * walk-cache.c: amdvi_translate_dte() with directories remembered.  A walk
 * begins before the DTE is read; nothing invalidated since is remembered.
 * @trace (or NULL) gets what was read.
 */
void amdvi_svm_begin_walk(AmdviEngine *e, AmdviWalk *walk, bool probe);
void amdvi_svm_walk_tables(AmdviWalk *walk, const struct amdvi_iommu *view,
                           const uint64_t dte[4],
                           const struct amdvi_request *request,
                           struct amdvi_trace *trace,
                           struct amdvi_result *result);
/*
 * Invalidations: spec/translation.md 5.  Take the lock.  @directories is the
 * PDE bit: without it, those stay.
 */
void amdvi_svm_drop_dte(AmdviEngine *e, uint16_t device_id);
void amdvi_svm_drop_pages(AmdviEngine *e, uint16_t domain_id, uint32_t pasid,
                          struct amdvi_range range, bool directories);
void amdvi_svm_drop_all(AmdviEngine *e);
/* The registers that requests meet are no longer @old.  Needs the lock */
void amdvi_svm_registers_changed(AmdviEngine *e,
                                 const struct amdvi_iommu *old);
/*
 * Tell what was found out about a translation that is cached: see
 * amdvi_iotlb_judge(); @stale_since in ns of QEMU_CLOCK_VIRTUAL.  Takes the
 * lock
 */
void amdvi_svm_judge(AmdviEngine *e, uint32_t index,
                     const AmdviIotlbCopy *copy, int64_t stale_since);
/* Add all hits to the counters.  Takes the lock */
void amdvi_svm_fold_stats(AmdviEngine *e);
/* Begin counting anew.  Takes the lock */
void amdvi_svm_reset_stats(AmdviEngine *e);

/*
 * history.c: put what happens into the flight recorder and the counters of a
 * device and PASID.  All need the lock.
 */
void amdvi_svm_record(AmdviEngine *e, AmdviRecordKind kind,
                      uint32_t device_id, uint32_t pasid, uint32_t detail,
                      uint64_t word0, uint64_t word1);
/*
 * A hit on what is stale since @stale_since, in ns of QEMU_CLOCK_VIRTUAL:
 * @detail has the rights asked for (AMDVI_PERM_*) and AMDVI_STALE_IN_DEVICE
 */
void amdvi_svm_record_stale_hit(AmdviEngine *e, uint32_t device_id,
                                uint32_t pasid, uint32_t detail,
                                uint64_t addr, int64_t stale_since);
/* The same for a command or an entry of a log, which tells whom it is about */
void amdvi_svm_record_entry(AmdviEngine *e, AmdviRecordKind kind,
                            enum amdvi_family family, uint32_t detail,
                            const uint64_t words[2]);
/*
 * Field @id of such an entry, or @none if its @layout (NULL: unknown) has no
 * such field; and its PASID or AMDVI_NO_PASID.  Need no lock.
 */
uint32_t amdvi_svm_entry_field(const struct amdvi_layout *layout,
                               const char *id, const uint64_t words[2],
                               uint32_t none);
uint32_t amdvi_svm_entry_pasid(const struct amdvi_layout *layout,
                               const uint64_t words[2]);
/*
 * Tell whoever listens, later and once a second at most.  The first needs the
 * lock; the second the BQL, and not the lock.
 */
void amdvi_svm_post_news(AmdviEngine *e, AmdviNewsKind kind,
                         const AmdviRecord *record);
void amdvi_svm_tell_news(AmdviEngine *e);
/* Who listens; NULL: nobody */
extern void (*amdvi_svm_tell)(AmdviEngine *e, AmdviNewsKind kind,
                              const AmdviRecord *record, uint64_t suppressed);
/* The group @g has got its response */
void amdvi_svm_record_response(AmdviDevice *d, const AmdviGroup *g,
                               uint16_t prg_index, uint8_t response);
/* An invalidation has reached those who cache for the device and PASID */
void amdvi_svm_record_delivered(AmdviDevice *d, uint32_t pasid,
                                struct amdvi_range range);

/* ats.c: what devices with a TLB of their own call (PCIIOMMUOps) */
ssize_t amdvi_svm_ats_request(PCIBus *bus, void *opaque, int devfn,
                              uint32_t pasid, bool priv_req, bool exec_req,
                              hwaddr addr, size_t length, bool no_write,
                              IOMMUTLBEntry *result, size_t result_length,
                              uint32_t *err_count);
void amdvi_svm_get_iotlb_info(void *opaque, uint8_t *addr_width,
                              uint32_t *min_page_size);
void amdvi_svm_init_listener(PCIBus *bus, void *opaque, int devfn,
                             IOMMUNotifier *n, IOMMUNotify fn,
                             void *user_opaque);
void amdvi_svm_register_listener(PCIBus *bus, void *opaque, int devfn,
                                 uint32_t pasid, IOMMUNotifier *n);
void amdvi_svm_unregister_listener(PCIBus *bus, void *opaque, int devfn,
                                   uint32_t pasid, IOMMUNotifier *n);
/* The users of a PASID: NULL if there are none.  Need the BQL */
AmdviPasid *amdvi_svm_find_pasid(AmdviDevice *d, uint32_t pasid);
AmdviPasid *amdvi_svm_make_pasid(AmdviDevice *d, uint32_t pasid);
/* Free it if it has no users left */
void amdvi_svm_drop_pasid(AmdviDevice *d, uint32_t pasid);
/* Tell those who cache translations of @pasid that a range is stale */
void amdvi_svm_notify_pasid(AmdviDevice *d, uint32_t pasid,
                            struct amdvi_range range);

/*
 * invalidate.c: tell those who cache translations to forget them: of one
 * device or of one DomainID, or of all.  Need the BQL.
 *
 * @pasid is AMDVI_NO_PASID if the command is for host translations (GN=0),
 * and @directories its PDE bit.
 */
void amdvi_svm_forget_device(AmdviEngine *e, uint16_t device_id);
void amdvi_svm_forget_domain(AmdviEngine *e, uint16_t domain_id,
                             uint32_t pasid, struct amdvi_range range,
                             bool directories);
void amdvi_svm_forget_all(AmdviEngine *e);
/* The same for what a device itself caches (ATS) */
void amdvi_svm_forget_device_tlb(AmdviEngine *e, uint16_t device_id,
                                 uint32_t pasid, struct amdvi_range range);
/* The DTE as it is in memory now; false if there is none */
bool amdvi_svm_load_dte(AmdviDevice *d, uint64_t dte[4]);

/* migration.c */
extern const VMStateDescription amdvi_svm_vmstate;          /* AMDVIState */
extern const VMStateDescription amdvi_svm_vmstate_function; /* its function */
/* Give what came with the stream to the devices; needs the BQL */
void amdvi_svm_place_saved(AmdviEngine *e);
void amdvi_svm_drop_saved(AmdviEngine *e);

/* southbridge.c: have a PCI function where the IOAPIC is, for Linux 7.3 */
void amdvi_svm_add_southbridge(AmdviEngine *e);

/* function.c: make the PCI function what the engine needs */
void amdvi_svm_set_up_function(AMDVIState *s);
/* Messages of the function, by number; spec/registers.md 9 */
enum {
    AMDVI_SVM_MSI_GENERAL,      /* event log and completion wait: MsiNum */
    AMDVI_SVM_MSI_PPR,          /* MsiNumPPR */
    AMDVI_SVM_MSI_COUNT
};

/* features.c: what the options make of EFR, EFR2 and the capability */
struct amdvi_features amdvi_svm_build_features(AMDVIState *s);
/* The miscellaneous word of the capability, also MMIO 0150h */
uint32_t amdvi_svm_misc_word(const AmdviOptions *o);

#endif
