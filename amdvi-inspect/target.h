/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets: where the state of an IOMMU comes from.
 *
 * A target must be able to read guest-physical memory and an IOMMU register.
 * What is held in guest memory is built here over these two, so that every
 * target shows the same; a target adds what only it can know: names of
 * devices, facts about itself.
 */
#ifndef AMDVI_INSPECT_TARGET_H
#define AMDVI_INSPECT_TARGET_H

#include "amdvi.h"
#include "error.h"
#include "kept-page.h"

#include <json-c/json.h>

/* Bytes of one call of the read_memory operation at most */
#define AMDVI_TARGET_READ_MAX 4096

struct amdvi_target;
struct amdvi_pci_list;

/* What only the device knows: queries.def */
enum amdvi_query_id {
#define AMDVI_QUERY_KIND(id, command, list, section) AMDVI_QUERY_ID_##id,
#include "queries.def"
#undef AMDVI_QUERY_KIND
    AMDVI_NUM_QUERIES
};

struct amdvi_query_kind {
    const char *command;        /* of QMP */
    const char *list;           /* member of its reply */
    const char *section;        /* member of a dump */
};

extern const struct amdvi_query_kind amdvi_queries[AMDVI_NUM_QUERIES];

/* What a target is.  Strings are as QEMU sent them, not safe to print */
struct amdvi_target_info {
    const char *kind;           /* "qmp", "qmp-unmodified", ... */
    const char *address;        /* where it was found; NULL: nowhere */
    const char *version;        /* of QEMU, "10.2.2"; NULL: unknown */
    const char *engine;         /* "svm", "stock"; NULL: unknown */
    const char *id;             /* of the IOMMU; NULL: has none */
    const char *options;        /* "intremap=on ..."; NULL: unknown */
    uint64_t mmio_base;         /* of its registers; 0: unknown */
};

struct amdvi_target_ops {
    /*
     * Mandatory.  Read @len bytes, at most AMDVI_TARGET_READ_MAX, that do
     * not cross a 4 KiB page.  Returns false if the target failed;
     * otherwise *@ret_status says whether there is memory.  Must have no
     * side effect in the guest: device registers count as no memory.
     */
    bool (*read_memory)(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err);
    /*
     * Mandatory.  Read the register at MMIO @offset, 8-byte aligned or that
     * of a 4-byte register.  What the IOMMU does not have reads 0.  Values
     * may be kept until refresh().
     */
    bool (*read_register)(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err);
    /*
     * Bytes, a power of two, that it reads much more quickly than a page:
     * who wants one entry asks for no more.  0: a page is as good
     */
    uint32_t piece;
    /* PCI functions of the VM; NULL: the target does not know them */
    bool (*pci_functions)(struct amdvi_target *target,
                          struct amdvi_pci_list *ret,
                          struct amdvi_error *err);
    /*
     * All items of a list, as an array that the caller puts; @arguments may
     * be NULL and is consumed.  "limit" in it: items behind so many are not
     * wanted, and may be left out.  NULL with AMDVI_EXIT_UNSUPPORTED: unknown
     * to this target.  NULL: the target has no such thing.
     */
    struct json_object *(*query)(struct amdvi_target *target,
                                 enum amdvi_query_id id,
                                 struct json_object *arguments,
                                 struct amdvi_error *err);
    /* Stop the VM, or let it run.  NULL: there is nothing that runs */
    bool (*pause)(struct amdvi_target *target, bool stop,
                  struct amdvi_error *err);
    /* Strings live as long as the target.  NULL: nothing is known */
    void (*describe)(struct amdvi_target *target,
                     struct amdvi_target_info *ret);
    /* Forget what was kept: the guest may have changed.  May be NULL */
    void (*refresh)(struct amdvi_target *target);
    /* Free what hangs on the opaque pointer.  May be NULL */
    void (*close)(struct amdvi_target *target);
    /* Whether the guest's time goes on.  NULL: it does not */
    bool (*running)(struct amdvi_target *target, bool *ret,
                    struct amdvi_error *err);
    /*
     * Read 4 bytes of the configuration space of a function, at a multiple
     * of 4 of its extended part, where reading has no side effect.
     * *@ret_known false: there is no way to.  NULL: never
     */
    bool (*read_config)(struct amdvi_target *target, uint16_t device_id,
                        uint16_t offset, uint32_t *ret_value,
                        bool *ret_known, struct amdvi_error *err);
    /*
     * Run a QMP command that does something; @arguments may be NULL and is
     * consumed.  The caller puts the reply.  NULL: the target cannot
     */
    struct json_object *(*command)(struct amdvi_target *target,
                                   const char *command,
                                   struct json_object *arguments,
                                   struct amdvi_error *err);
    /* Wait for a QMP event; the caller puts its data.  NULL: there are none */
    struct json_object *(*wait_event)(struct amdvi_target *target,
                                      const char *event,
                                      struct amdvi_error *err);
    /* See amdvi_qmp_next_break().  NULL: there never is one */
    struct json_object *(*next_break)(struct amdvi_target *target);
    /* Commands that a VM was sent so far.  NULL: there is none */
    uint64_t (*asked)(const struct amdvi_target *target);
};

struct amdvi_target {
    const struct amdvi_target_ops *ops;
    void *opaque;               /* belongs to the operations */
    bool readonly;              /* the VM must not even be paused */
    bool paused;                /* it ran, and we have stopped it */
};

/* A new target that owns @opaque.  NULL, and @opaque closed: no memory */
struct amdvi_target *amdvi_target_new(const struct amdvi_target_ops *ops,
                                      void *opaque, struct amdvi_error *err);
/* @target may be NULL */
void amdvi_target_close(struct amdvi_target *target);

/* A target for views that need no machine */
struct amdvi_target *amdvi_target_none(struct amdvi_error *err);

/*
 * Stop the VM, or let it run unless others had stopped it; what was kept of
 * the target is forgotten
 */
bool amdvi_target_pause(struct amdvi_target *target, bool stop,
                        struct amdvi_error *err);
/* Let it run, whoever has stopped it */
bool amdvi_target_resume(struct amdvi_target *target,
                         struct amdvi_error *err);
/* Whether the guest runs; a dump does not */
bool amdvi_target_running(struct amdvi_target *target, bool *ret,
                          struct amdvi_error *err);
/* Commands that its VM was sent so far; @target may be NULL */
uint64_t amdvi_target_asked(const struct amdvi_target *target);
void amdvi_target_refresh(struct amdvi_target *target);
void amdvi_target_describe(struct amdvi_target *target,
                           struct amdvi_target_info *ret);
/* What a dump does not say is unknown for ever */
bool amdvi_target_is_dump(struct amdvi_target *target);

/*
 * Read any range of memory.  Returns false if the target failed; else
 * *@ret_status tells whether all of it is there.
 */
bool amdvi_target_read(struct amdvi_target *target, uint64_t addr, void *buf,
                       size_t len, enum amdvi_mem_status *ret_status,
                       struct amdvi_error *err);

bool amdvi_target_register(struct amdvi_target *target,
                           enum amdvi_layout_id reg, uint64_t *ret_value,
                           struct amdvi_error *err);

/* The registers that libamdvi wants to know */
bool amdvi_target_iommu(struct amdvi_target *target, struct amdvi_iommu *ret,
                        struct amdvi_error *err);

/* PCI functions; an empty list if the target knows none */
bool amdvi_target_pci(struct amdvi_target *target, struct amdvi_pci_list *ret,
                      struct amdvi_error *err);

/* The query of the operations; says what is needed if there is none */
struct json_object *amdvi_target_query(struct amdvi_target *target,
                                       enum amdvi_query_id id,
                                       struct json_object *arguments,
                                       struct amdvi_error *err);
/*
 * The same for those who can do without: a target that has no such thing,
 * or refuses, as one with svm=off does, gives NULL with *@ret_good true.
 */
struct json_object *amdvi_target_query_if_any(struct amdvi_target *target,
                                              enum amdvi_query_id id,
                                              struct json_object *arguments,
                                              bool *ret_good,
                                              struct amdvi_error *err);

/*
 * Numbers of the oldest record of the flight recorder and of the next one to
 * come.  False: the target does not tell, or there are no records.
 */
bool amdvi_target_recorded(struct amdvi_target *target, uint64_t *ret_oldest,
                           uint64_t *ret_end);

/* The operations of these names; they say what is needed if there is none */
struct json_object *amdvi_target_command(struct amdvi_target *target,
                                         const char *command,
                                         struct json_object *arguments,
                                         struct amdvi_error *err);
struct json_object *amdvi_target_wait_event(struct amdvi_target *target,
                                            const char *event,
                                            struct amdvi_error *err);

/* A device table entry as found in memory */
struct amdvi_dte_entry {
    uint16_t device_id;
    bool has_address;           /* false: beyond the device table */
    bool readable;              /* words are what memory holds */
    uint64_t address;
    uint64_t words[4];
};

/*
 * Reads DTEs.  It keeps the last page, so ascending DeviceIDs cost one read
 * for 128 of them, or two of a target that has pieces.
 */
struct amdvi_dte_reader {
    struct amdvi_target *target;
    struct amdvi_iommu iommu;
    struct amdvi_kept_page kept;
};

bool amdvi_dte_reader_init(struct amdvi_dte_reader *reader,
                           struct amdvi_target *target,
                           struct amdvi_error *err);
/* Returns false if the target failed.  IommuEn=0: there is no table */
bool amdvi_dte_read(struct amdvi_dte_reader *reader, uint16_t device_id,
                    struct amdvi_dte_entry *ret, struct amdvi_error *err);

enum amdvi_ring_id {
    AMDVI_RING_COMMAND,
    AMDVI_RING_EVENT,
    AMDVI_RING_PPR,
    AMDVI_NUM_RINGS
};

/* State of a ring, from registers */
struct amdvi_ring {
    const char *id;             /* "command", "event", "ppr" */
    const char *name;           /* "command buffer", ... */
    enum amdvi_family family;   /* of its entries */
    bool present;               /* the IOMMU implements it */
    bool enabled;               /* by its bit and IommuEn */
    bool running;
    bool overflow;
    uint64_t base;
    uint32_t bytes;             /* 0: the length code is reserved */
    uint32_t head;
    uint32_t tail;
    bool sane;                  /* head and tail lie in the ring */
};

bool amdvi_target_ring(struct amdvi_target *target, enum amdvi_ring_id id,
                       struct amdvi_ring *ret, struct amdvi_error *err);

#endif
