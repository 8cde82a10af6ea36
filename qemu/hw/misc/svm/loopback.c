/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svm-loopback: a network card with doorbells for user programs, whose cable
 * leads back to itself.  A template for devices that share virtual memory:
 * docs/your-device.md goes through it.
 *
 * A queue belongs to a process.  The driver gives it the PASID; the process
 * writes the address of a descriptor to its doorbell.  The card fetches the
 * descriptor, reads the frame, writes it to where it is received, and reports
 * to the descriptor: all with the pointers and the rights of the process.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/pci/pcie.h"
#include "hw/misc/svm/qemu-api.h"
#include "migration/vmstate.h"
#include "hw/misc/svm/client.h"
#include "hw/misc/svm/loopback-regs.h"
#include "trace.h"

#define TYPE_SVM_LOOPBACK "svm-loopback"
OBJECT_DECLARE_SIMPLE_TYPE(SvmLoopback, SVM_LOOPBACK)

#define PCIE_CAP_OFFSET 0x80
#define SVM_CAP_OFFSET PCI_CONFIG_SPACE_SIZE
/* How often a page is asked for without getting any further */
#define TRIES_MAX 8

/* Each phase is one transfer; they follow each other */
typedef enum LoopbackPhase {
    PHASE_IDLE,
    PHASE_FETCH,                /* the descriptor */
    PHASE_SEND,                 /* the frame, from memory */
    PHASE_RECEIVE,              /* the frame, to memory */
    PHASE_REPORT,               /* status and bytes moved, in one piece */
} LoopbackPhase;

typedef struct LoopbackQueue {
    SvmLoopback *card;
    uint32_t control;           /* as the register */
    uint32_t lost;              /* frames whose report was not possible */
    SvmContext *context;        /* while it is enabled */

    uint8_t phase;              /* LoopbackPhase */
    bool waiting;               /* for a page */
    uint8_t tries;              /* since something was moved */
    uint32_t moved;             /* bytes of this phase */
    uint64_t page;              /* that it asks for */
    uint64_t descriptor;        /* its address */
    uint8_t copy[LOOPBACK_DESCRIPTOR_SIZE];
    uint8_t frame[LOOPBACK_LENGTH_MAX];
} LoopbackQueue;

struct SvmLoopback {
    PCIDevice parent_obj;

    SvmClient client;
    MemoryRegion regs, doorbells;
    QEMUBH *bh;
    LoopbackQueue queue[LOOPBACK_QUEUES];
};

/* What a phase transfers */
typedef struct LoopbackTransfer {
    uint64_t addr;              /* in the memory of the process */
    uint8_t *data;
    uint32_t len;
    bool write;
} LoopbackTransfer;

static LoopbackTransfer transfer_of(LoopbackQueue *q)
{
    uint32_t len = ldl_le_p(&q->copy[LOOPBACK_LENGTH]);

    switch (q->phase) {
    case PHASE_FETCH:
        return (LoopbackTransfer) { q->descriptor, q->copy,
                                    LOOPBACK_DESCRIPTOR_SIZE, false };
    case PHASE_SEND:
        return (LoopbackTransfer) { ldq_le_p(&q->copy[LOOPBACK_SOURCE]),
                                    q->frame, len, false };
    case PHASE_RECEIVE:
        return (LoopbackTransfer) { ldq_le_p(&q->copy[LOOPBACK_DESTINATION]),
                                    q->frame, len, true };
    default:
        return (LoopbackTransfer) { q->descriptor + LOOPBACK_STATUS,
                                    &q->copy[LOOPBACK_STATUS], 8, true };
    }
}

static void enter(LoopbackQueue *q, LoopbackPhase phase)
{
    q->phase = phase;
    q->moved = 0;
    q->tries = 0;
}

static void report(LoopbackQueue *q, uint32_t status)
{
    trace_svm_loopback_report(q - q->card->queue, status, q->moved);
    stl_le_p(&q->copy[LOOPBACK_STATUS], status);
    stl_le_p(&q->copy[LOOPBACK_MOVED], q->moved);
    enter(q, PHASE_REPORT);
}

static void failed(LoopbackQueue *q, uint32_t status)
{
    if (q->phase == PHASE_REPORT) {
        q->lost++;
        enter(q, PHASE_IDLE);
    } else {
        /* What was received is what counts, not what was sent */
        q->moved = q->phase == PHASE_RECEIVE ? q->moved : 0;
        report(q, status);
    }
}

static bool length_is_good(const LoopbackQueue *q)
{
    uint32_t len = ldl_le_p(&q->copy[LOOPBACK_LENGTH]);

    return len && len <= LOOPBACK_LENGTH_MAX;
}

/* A phase is complete */
static void next_phase(LoopbackQueue *q)
{
    switch (q->phase) {
    case PHASE_FETCH:
        if (length_is_good(q)) {
            enter(q, PHASE_SEND);
        } else {
            failed(q, LOOPBACK_BAD_LENGTH);
        }
        break;
    case PHASE_SEND:
        enter(q, PHASE_RECEIVE);
        break;
    case PHASE_RECEIVE:
        report(q, LOOPBACK_OK);
        break;
    default:
        enter(q, PHASE_IDLE);
    }
}

/* The answer of software to a page request, in the main loop */
static void page_answered(void *opaque, IOMMUPRIResponseCode code)
{
    LoopbackQueue *q = opaque;

    q->waiting = false;
    if (code != IOMMU_PRI_RESP_SUCCESS) {
        failed(q, LOOPBACK_NO_PAGE);
    }
    qemu_bh_schedule(q->card->bh);
}

/* Something is not there, or may not be written: ask for the page */
static void need_page(LoopbackQueue *q, uint64_t addr, bool write)
{
    if (q->tries++ < TRIES_MAX &&
        !svm_client_request_page(q->context, addr, !write, write,
                                 page_answered, q)) {
        trace_svm_loopback_wait(q - q->card->queue, addr, write);
        q->page = addr;
        q->waiting = true;
    } else {
        failed(q, LOOPBACK_NO_PAGE);
    }
}

static void step(LoopbackQueue *q)
{
    LoopbackTransfer t = transfer_of(q);
    uint64_t fault;
    size_t done;

    switch (svm_client_rw(q->context, t.addr + q->moved, t.data + q->moved,
                          t.len - q->moved, t.write, &done, &fault)) {
    case SVM_OK:
        q->moved += done;
        next_phase(q);
        break;
    case SVM_FAULT:
        q->moved += done;
        q->tries = done ? 0 : q->tries;
        need_page(q, fault, t.write);
        break;
    default:
        q->moved += done;
        failed(q, LOOPBACK_ABORTED);
    }
}

static bool is_runnable(const LoopbackQueue *q)
{
    return q->phase != PHASE_IDLE && !q->waiting;
}

/* One step of each queue, then the main loop has its turn */
static void work(void *opaque)
{
    SvmLoopback *s = opaque;
    bool more = false;

    for (int i = 0; i < LOOPBACK_QUEUES; i++) {
        if (is_runnable(&s->queue[i])) {
            step(&s->queue[i]);
        }
        more |= is_runnable(&s->queue[i]);
    }
    if (more) {
        qemu_bh_schedule(s->bh);
    }
}

/* Two queues may have the same PASID, and then they share a context */
static bool is_shared(const LoopbackQueue *q)
{
    int users = 0;

    for (int i = 0; i < LOOPBACK_QUEUES; i++) {
        users += q->card->queue[i].context == q->context;
    }
    return users > 1;
}

/* From here on no access and no page request of this queue is on its way */
static void stop(LoopbackQueue *q)
{
    if (q->context) {
        svm_client_cancel(q->context, q);
        if (!is_shared(q)) {
            svm_client_close(q->context);
        }
        q->context = NULL;
    }
    q->waiting = false;
    enter(q, PHASE_IDLE);
}

static bool start(LoopbackQueue *q)
{
    Error *err = NULL;

    q->context = svm_client_open(&q->card->client,
                                 q->control & LOOPBACK_PASID, &err);
    if (!q->context) {
        qemu_log_mask(LOG_GUEST_ERROR, "svm-loopback: %s\n",
                      error_get_pretty(err));
        error_free(err);
    }
    return q->context;
}

/* The queue of a register, or NULL */
static LoopbackQueue *queue_at(SvmLoopback *s, hwaddr addr)
{
    return addr / 0x10 < LOOPBACK_QUEUES ? &s->queue[addr / 0x10] : NULL;
}

static uint64_t regs_read(void *opaque, hwaddr addr, unsigned size)
{
    LoopbackQueue *q = queue_at(opaque, addr);

    if (q && addr % 0x10 == LOOPBACK_CONTROL(0)) {
        return q->control;
    }
    return q && addr % 0x10 == LOOPBACK_LOST(0) ? q->lost : 0;
}

static void regs_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    LoopbackQueue *q = queue_at(opaque, addr);

    if (!q || addr % 0x10 != LOOPBACK_CONTROL(0)) {
        qemu_log_mask(LOG_GUEST_ERROR, "svm-loopback: nothing can be written "
                      "at offset 0x%" HWADDR_PRIx "\n", addr);
        return;
    }
    stop(q);
    q->lost = 0;
    q->control = value & (LOOPBACK_PASID | LOOPBACK_ENABLE);
    if (q->control & LOOPBACK_ENABLE && !start(q)) {
        /* The driver reads back what has become of it */
        q->control &= ~LOOPBACK_ENABLE;
    }
}

static const MemoryRegionOps regs_ops = {
    .read = regs_read,
    .write = regs_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* A doorbell tells nothing, whoever reads it */
static uint64_t doorbell_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

static void doorbell_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    SvmLoopback *s = opaque;
    LoopbackQueue *q = &s->queue[addr / LOOPBACK_DOORBELL_SIZE];

    if (addr % LOOPBACK_DOORBELL_SIZE || !q->context ||
        q->phase != PHASE_IDLE) {
        qemu_log_mask(LOG_GUEST_ERROR, "svm-loopback: doorbell at offset 0x%"
                      HWADDR_PRIx " of a queue that is off or busy\n", addr);
        return;
    }
    q->descriptor = value;
    enter(q, PHASE_FETCH);
    qemu_bh_schedule(s->bh);
}

static const MemoryRegionOps doorbell_ops = {
    .read = doorbell_read,
    .write = doorbell_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 8, .max_access_size = 8 },
    .impl = { .min_access_size = 8, .max_access_size = 8 },
};

static void init_bars(SvmLoopback *s)
{
    memory_region_init_io(&s->regs, OBJECT(s), &regs_ops, s,
                          "svm-loopback-regs", LOOPBACK_REGS_SIZE);
    memory_region_init_io(&s->doorbells, OBJECT(s), &doorbell_ops, s,
                          "svm-loopback-doorbells", LOOPBACK_DOORBELLS_SIZE);
    pci_register_bar(PCI_DEVICE(s), 0, PCI_BASE_ADDRESS_SPACE_MEMORY,
                     &s->regs);
    pci_register_bar(PCI_DEVICE(s), 2, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->doorbells);
}

static void realize(PCIDevice *dev, Error **errp)
{
    SvmLoopback *s = SVM_LOOPBACK(dev);
    const SvmClientConfig config = {
        .cap_offset = SVM_CAP_OFFSET,
        .pasid_bits = 20,
        .ats = true,
        .pri = true,
        .page_requests = 64,
        .tlb_entries = 256,
    };

    if (pcie_endpoint_cap_init(dev, PCIE_CAP_OFFSET) < 0) {
        error_setg(errp, "svm-loopback: no PCI Express capability");
        return;
    }
    pcie_cap_flr_init(dev);
    if (!svm_client_init(&s->client, dev, &config, errp)) {
        return;
    }
    init_bars(s);
    s->bh = qemu_bh_new_guarded(work, s, &DEVICE(dev)->mem_reentrancy_guard);
    for (int i = 0; i < LOOPBACK_QUEUES; i++) {
        s->queue[i].card = s;
    }
}

static void unrealize(PCIDevice *dev)
{
    SvmLoopback *s = SVM_LOOPBACK(dev);

    svm_client_cleanup(&s->client);
    qemu_bh_delete(s->bh);
    pcie_cap_exit(dev);
}

static void reset(DeviceState *dev)
{
    SvmLoopback *s = SVM_LOOPBACK(dev);

    /* Closes the contexts, whoever shares them */
    svm_client_reset(&s->client);
    qemu_bh_cancel(s->bh);
    for (int i = 0; i < LOOPBACK_QUEUES; i++) {
        s->queue[i] = (LoopbackQueue) { .card = s };
    }
}

static void write_config(PCIDevice *dev, uint32_t addr, uint32_t val, int len)
{
    SvmLoopback *s = SVM_LOOPBACK(dev);

    pci_default_write_config(dev, addr, val, len);
    pcie_cap_flr_write_config(dev, addr, val, len);
    svm_client_config_written(&s->client);
}

/* What comes from another QEMU is checked like anything from outside */
static bool is_sound(LoopbackQueue *q)
{
    bool enabled = q->control & LOOPBACK_ENABLE;
    bool has_frame = q->phase == PHASE_SEND || q->phase == PHASE_RECEIVE;

    return q->phase <= PHASE_REPORT && (enabled || !q->phase) &&
           (!has_frame || length_is_good(q)) &&
           q->moved <= (q->phase ? transfer_of(q).len : 0) &&
           (!q->waiting || q->phase);
}

static int post_load(void *opaque, int version_id)
{
    SvmLoopback *s = opaque;

    for (int i = 0; i < LOOPBACK_QUEUES; i++) {
        LoopbackQueue *q = &s->queue[i];

        if (!is_sound(q) || (q->control & LOOPBACK_ENABLE && !start(q))) {
            return -EINVAL;
        }
        /* If the request is gone, the next step asks again */
        q->waiting = q->waiting && svm_client_adopt(q->context, q->page,
                                                    page_answered, q);
    }
    qemu_bh_schedule(s->bh);
    return 0;
}

static const VMStateDescription vmstate_queue = {
    .name = "svm-loopback/queue",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(control, LoopbackQueue),
        VMSTATE_UINT32(lost, LoopbackQueue),
        VMSTATE_UINT8(phase, LoopbackQueue),
        VMSTATE_BOOL(waiting, LoopbackQueue),
        VMSTATE_UINT8(tries, LoopbackQueue),
        VMSTATE_UINT32(moved, LoopbackQueue),
        VMSTATE_UINT64(page, LoopbackQueue),
        VMSTATE_UINT64(descriptor, LoopbackQueue),
        VMSTATE_UINT8_ARRAY(copy, LoopbackQueue, LOOPBACK_DESCRIPTOR_SIZE),
        VMSTATE_UINT8_ARRAY(frame, LoopbackQueue, LOOPBACK_LENGTH_MAX),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_loopback = {
    .name = TYPE_SVM_LOOPBACK,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, SvmLoopback),
        VMSTATE_SVM_CLIENT(client, SvmLoopback),
        VMSTATE_STRUCT_ARRAY(queue, SvmLoopback, LOOPBACK_QUEUES, 1,
                             vmstate_queue, LoopbackQueue),
        VMSTATE_END_OF_LIST()
    },
};

static void class_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = realize;
    k->exit = unrealize;
    k->config_write = write_config;
    k->vendor_id = LOOPBACK_VENDOR_ID;
    k->device_id = LOOPBACK_DEVICE_ID;
    k->revision = 1;
    k->class_id = PCI_CLASS_OTHERS;
    dc->desc = "network card with user doorbells, looped back (template)";
    dc->vmsd = &vmstate_loopback;
    device_class_set_legacy_reset(dc, reset);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo loopback_info = {
    .name = TYPE_SVM_LOOPBACK,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(SvmLoopback),
    .class_init = class_init,
    .interfaces = (const InterfaceInfo[]) {
        { INTERFACE_PCIE_DEVICE },
        { }
    },
};

static void register_types(void)
{
    type_register_static(&loopback_info);
}

type_init(register_types)
