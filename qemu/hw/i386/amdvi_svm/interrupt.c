/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts: the IOMMU's own (spec/registers.md 8.4, 9), and those of
 * devices, which are remapped (spec/translation.md 6).
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/log.h"
#include "hw/i386/apic_internal.h"
#include "hw/pci/msi.h"
#include "system/address-spaces.h"
#include "system/runstate.h"
#include "pmu.h"
#include "state.h"
#include "trace.h"

/* Addresses of messages to processors: FEEx_xxxxh, any upper half */
#define IS_APIC_ADDRESS(addr) \
    (((addr) & MAKE_64BIT_MASK(20, 12)) == AMDVI_INT_ADDR_FIRST)

/* What can raise an interrupt, and by which route */
static const struct {
    const char *name;
    AmdviFlag *happened;        /* in status */
    enum amdvi_layout_id enable_reg;
    AmdviFlag *enabled;
    enum amdvi_layout_id xt;
    unsigned int msi;
} sources[] = {
    { "event log", amdvi_status_event_log_int,
      AMDVI_LAYOUT_control, amdvi_control_event_int_en,
      AMDVI_LAYOUT_xt_general, AMDVI_SVM_MSI_GENERAL },
    { "completion wait", amdvi_status_com_wait_int,
      AMDVI_LAYOUT_control, amdvi_control_com_wait_int_en,
      AMDVI_LAYOUT_xt_general, AMDVI_SVM_MSI_GENERAL },
    { "PPR log", amdvi_status_ppr_int,
      AMDVI_LAYOUT_control, amdvi_control_ppr_int_en,
      AMDVI_LAYOUT_xt_ppr, AMDVI_SVM_MSI_PPR },
    { "PPR log threshold", amdvi_status_ppr_overflow_early,
      AMDVI_LAYOUT_ppr_early_overflow, amdvi_ppr_early_overflow_int_en,
      AMDVI_LAYOUT_xt_ppr, AMDVI_SVM_MSI_PPR },
};

#define SOURCE_PPR 2

void amdvi_svm_repeat_ppr_irq(AmdviEngine *e)
{
    e->irq_level &= ~BIT(SOURCE_PPR);
}

void amdvi_svm_update_irq(AmdviEngine *e)
{
    const uint64_t *status = amdvi_svm_reg(e, AMDVI_LAYOUT_status);
    uint32_t level = 0;

    for (int i = 0; i < ARRAY_SIZE(sources); i++) {
        if (sources[i].happened(status) &&
            sources[i].enabled(amdvi_svm_reg(e, sources[i].enable_reg))) {
            level |= BIT(i);
        }
    }
    e->irq_pending = (e->irq_pending | (level & ~e->irq_level)) & level;
    e->irq_level = level;
}

/* A message is a write; only those to processors have a shorter way */
static void send_message(AmdviEngine *e, MSIMessage *msg)
{
    MemTxAttrs attrs = { .requester_id = pci_requester_id(&e->s->pci->dev) };

    if (IS_APIC_ADDRESS(msg->address)) {
        apic_get_class(NULL)->send_msi(msg);
    } else {
        address_space_stl_le(&address_space_memory, msg->address, msg->data,
                             attrs, NULL);
    }
}

/* 0 in an XT register masks the interrupt: false, it was not sent */
static bool send_xt(AmdviEngine *e, uint64_t xt, const char *name)
{
    X86IOMMUIrq irq = {
        .vector = amdvi_xt_general_vector(&xt),
        .delivery_mode = amdvi_xt_general_delivery_mode(&xt),
        .dest = amdvi_xt_general_dest(&xt),
        .dest_mode = amdvi_xt_general_dest_mode(&xt),
    };
    MSIMessage msg;

    if (!xt) {
        trace_amdvi_svm_irq_masked(name);
        return false;
    }
    x86_iommu_irq_to_msi_message(&irq, &msg);
    trace_amdvi_svm_irq(name, msg.address, msg.data);
    send_message(e, &msg);
    return true;
}

static bool send_msi(AmdviEngine *e, unsigned int number, const char *name)
{
    PCIDevice *pci = &e->s->pci->dev;
    MSIMessage msg;

    if (!msi_enabled(pci)) {
        trace_amdvi_svm_irq_masked(name);
        return false;
    }
    /* Software may have enabled fewer: then all share the first */
    if (number >= msi_nr_vectors_allocated(pci)) {
        number = 0;
    }
    msg = msi_get_message(pci, number);
    trace_amdvi_svm_irq(name, msg.address, msg.data);
    send_message(e, &msg);
    return true;
}

/* Send the message of each source in @pending; returns those masked */
static uint32_t send_pending(AmdviEngine *e, uint32_t pending,
                             uint64_t control, const uint64_t *xt)
{
    uint32_t masked = 0;

    for (int i = 0; i < ARRAY_SIZE(sources); i++) {
        bool sent = true;

        if (!(pending & BIT(i))) {
            continue;
        }
        if (amdvi_control_int_cap_xt_en(&control)) {
            sent = send_xt(e, xt[i], sources[i].name);
        } else {
            sent = send_msi(e, sources[i].msi, sources[i].name);
        }
        masked |= sent ? 0 : BIT(i);
    }
    return masked;
}

/* Send what is pending; needs the BQL */
static void deliver(AmdviEngine *e)
{
    uint64_t control, xt[ARRAY_SIZE(sources)];
    uint32_t pending;
    bool abort;

    amdvi_svm_tell_news(e);
    /* What the guest must not see yet leaves when the VM goes on */
    if (amdvi_svm_is_holding(e)) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        control = *amdvi_svm_reg(e, AMDVI_LAYOUT_control);
        for (int i = 0; i < ARRAY_SIZE(sources); i++) {
            xt[i] = *amdvi_svm_reg(e, sources[i].xt);
        }
        pending = e->irq_pending;
        abort = e->abort_pending;
        e->irq_pending = 0;
        e->abort_pending = false;
    }
    if (abort) {
        pci_word_test_and_set_mask(e->s->pci->dev.config + PCI_STATUS,
                                   PCI_STATUS_SIG_TARGET_ABORT);
    }
    pending = send_pending(e, pending, control, xt);
    /* Linux masks an interrupt while it moves it; it must not get lost */
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        e->irq_pending |= pending & e->irq_level;
    }
}

void amdvi_svm_irq_bh(void *opaque)
{
    /* As commands: not behind the back of a VM that is stopped */
    if (runstate_is_running()) {
        deliver(opaque);
    }
}

void amdvi_svm_deliver_irq(AmdviEngine *e)
{
    if (bql_locked()) {
        deliver(e);
    } else {
        qemu_bh_schedule(e->irq_bh);
    }
}

/* Log a refused interrupt, and give the device its abort */
static int refuse(AmdviEngine *e, const struct amdvi_message *message,
                  const struct amdvi_interrupt *interrupt)
{
    amdvi_svm_break_at_interrupt(e, message, interrupt);
    if (interrupt->has_event) {
        amdvi_svm_log_event(e, interrupt->event, interrupt->hardware_error);
        amdvi_svm_deliver_irq(e);
    }
    return -EACCES;
}

int amdvi_svm_remap(AMDVIState *s, const MSIMessage *origin,
                    MSIMessage *translated, uint16_t sid)
{
    AmdviEngine *e = amdvi_svm_engine(s);
    struct amdvi_message message = {
        .device_id = sid == X86_IOMMU_SID_INVALID ? AMDVI_IOAPIC_SB_DEVID
                                                  : sid,
        .addr = origin->address,
        .data = origin->data,
    };
    struct amdvi_interrupt interrupt = { .outcome = AMDVI_OUTCOME_FORWARDED };
    struct amdvi_iommu view;

    if (x86_iommu_ir_supported(X86_IOMMU_DEVICE(s))) {
        amdvi_svm_view(s, &view);
        amdvi_remap_interrupt(&view, &amdvi_svm_mem, NULL, &message,
                              &interrupt);
        if (amdvi_svm_pmu_is_on(e)) {
            amdvi_svm_pmu_interrupt(e, message.device_id, &interrupt);
        }
    }
    *translated = *origin;
    if (interrupt.outcome == AMDVI_OUTCOME_TRANSLATED) {
        X86IOMMUIrq irq = {
            .vector = interrupt.vector,
            .delivery_mode = interrupt.delivery_mode,
            .dest = interrupt.dest,
            .dest_mode = interrupt.logical,
        };

        x86_iommu_irq_to_msi_message(&irq, translated);
    }
    trace_amdvi_svm_remap(message.device_id, message.addr, message.data,
                          amdvi_outcome_word(interrupt.outcome),
                          amdvi_reason_word(interrupt.reason),
                          translated->address, translated->data);
    return interrupt.outcome == AMDVI_OUTCOME_FORWARDED ||
           interrupt.outcome == AMDVI_OUTCOME_TRANSLATED
           ? 0 : refuse(e, &message, &interrupt);
}

/* Most DMA, and the IOAPIC, come without a requester ID */
static uint16_t requester(const AmdviDevice *d, MemTxAttrs attrs)
{
    return attrs.unspecified ? amdvi_svm_device_id(d) : attrs.requester_id;
}

static MemTxResult window_write(void *opaque, hwaddr addr, uint64_t value,
                                unsigned size, MemTxAttrs attrs)
{
    AmdviDevice *d = opaque;
    MSIMessage from = {
        .address = AMDVI_INT_ADDR_FIRST + addr,
        .data = value,
    };
    MSIMessage to;

    if (amdvi_svm_remap(d->engine->s, &from, &to, requester(d, attrs)) < 0) {
        return MEMTX_ACCESS_ERROR;
    }
    apic_get_class(NULL)->send_msi(&to);
    return MEMTX_OK;
}

/* Nothing can be read there: spec/translation.md 1 */
static MemTxResult window_read(void *opaque, hwaddr addr, uint64_t *data,
                               unsigned size, MemTxAttrs attrs)
{
    AmdviDevice *d = opaque;
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_DMA,
        .device_id = requester(d, attrs),
        .pasid = AMDVI_NO_PASID,
        .addr = AMDVI_INT_ADDR_FIRST + addr,
        .read = true,
    };
    struct amdvi_result result;

    amdvi_svm_translate(d, &request, &result);
    amdvi_svm_report_dma(d, &request, &result);
    *data = 0;
    return result.outcome == AMDVI_OUTCOME_FORWARDED ? MEMTX_OK
                                                     : MEMTX_ACCESS_ERROR;
}

const MemoryRegionOps amdvi_svm_window_ops = {
    .read_with_attrs = window_read,
    .write_with_attrs = window_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};
