/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt remapping.
 * Sources: spec/translation.md 6, spec/structures.md 9.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

#include <string.h>

#define INT_TAB_LEN_MAX 11

/* Delivery modes of a message, data bits 10:8 */
enum {
    DELIVERY_FIXED = 0,
    DELIVERY_LOWEST = 1,
    DELIVERY_SMI = 2,
    DELIVERY_NMI = 4,
    DELIVERY_INIT = 5,
    DELIVERY_EXTINT = 7,
};

/* A message on its way */
struct remap {
    const struct amdvi_iommu *iommu;
    const struct amdvi_mem *mem;
    const uint64_t *dte;
    const struct amdvi_message *message;
    struct amdvi_interrupt *out;
};

/* All of these end the remapping, so that callers can return them */
static void end(struct remap *r, enum amdvi_outcome outcome,
                enum amdvi_reason reason)
{
    r->out->outcome = outcome;
    r->out->reason = reason;
}

static void forward(struct remap *r, enum amdvi_reason reason)
{
    end(r, AMDVI_OUTCOME_FORWARDED, reason);
}

/* IO_PAGE_FAULT with I=1; RZ needs PR, structures.md 6 */
static void page_fault(struct remap *r, enum amdvi_reason reason,
                       bool reserved, bool suppressed)
{
    uint64_t *event = r->out->event;

    amdvi_io_page_fault_set_code(event, AMDVI_CODE_io_page_fault);
    amdvi_io_page_fault_set_device_id(event, r->message->device_id);
    amdvi_io_page_fault_set_domain_id(
        event, r->dte ? amdvi_dte_domain_id(r->dte) : 0);
    amdvi_io_page_fault_set_i(event, 1);
    amdvi_io_page_fault_set_rw(event, 1);
    amdvi_io_page_fault_set_pr(event, reserved);
    amdvi_io_page_fault_set_rz(event, reserved);
    amdvi_io_page_fault_set_addr(event, r->message->addr);
    r->out->has_event = !suppressed && !(r->dte && amdvi_dte_ig(r->dte));
    end(r, AMDVI_OUTCOME_ABORTED, reason);
}

static void illegal_dte(struct remap *r, enum amdvi_reason reason, bool rz)
{
    uint64_t *event = r->out->event;

    amdvi_illegal_dte_event(r->message->device_id, rz, event);
    amdvi_illegal_dev_table_entry_set_i(event, 1);
    amdvi_illegal_dev_table_entry_set_rw(event, 1);
    amdvi_illegal_dev_table_entry_set_addr(event, r->message->addr);
    r->out->has_event = true;
    end(r, AMDVI_OUTCOME_ABORTED, reason);
}

static void denied(struct remap *r)
{
    uint64_t *event = r->out->event;

    amdvi_invalid_device_request_set_code(event,
                                          AMDVI_CODE_invalid_device_request);
    amdvi_invalid_device_request_set_device_id(event, r->message->device_id);
    amdvi_invalid_device_request_set_type(
        event, AMDVI_invalid_request_interrupt_denied);
    amdvi_invalid_device_request_set_addr(event, r->message->addr);
    r->out->has_event = true;
    end(r, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_INT_DENIED);
}

static void dte_unreadable(struct remap *r, uint64_t spa)
{
    amdvi_dev_tab_event(r->message->device_id, spa, r->out->event);
    amdvi_dev_tab_hardware_error_set_i(r->out->event, 1);
    amdvi_dev_tab_hardware_error_set_rw(r->out->event, 1);
    r->out->has_event = true;
    r->out->hardware_error = true;
    end(r, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_DTE_UNREADABLE);
}

static void irte_unreadable(struct remap *r, enum amdvi_mem_status status)
{
    uint64_t *event = r->out->event;

    if (status == AMDVI_MEM_UNKNOWN) {
        end(r, AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
        return;
    }
    amdvi_page_tab_hardware_error_set_code(
        event, AMDVI_CODE_page_tab_hardware_error);
    amdvi_page_tab_hardware_error_set_device_id(event, r->message->device_id);
    amdvi_page_tab_hardware_error_set_domain_id(event,
                                                amdvi_dte_domain_id(r->dte));
    amdvi_page_tab_hardware_error_set_i(event, 1);
    amdvi_page_tab_hardware_error_set_rw(event, 1);
    amdvi_page_tab_hardware_error_set_type(event,
                                           AMDVI_hw_error_master_abort);
    amdvi_page_tab_hardware_error_set_addr(event, r->out->irte_spa);
    r->out->has_event = true;
    r->out->hardware_error = true;
    end(r, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_IRTE_UNREADABLE);
}

/* Bits of a DTE's interrupt part that must be zero */
static bool interrupt_part_reserved(const struct remap *r)
{
    uint64_t bad[AMDVI_MAX_WORDS];

    amdvi_reserved_bits(&amdvi_layouts[AMDVI_LAYOUT_dte], NULL, r->dte, bad);
    return bad[2] || bad[3];
}

static bool read_irte(struct remap *r)
{
    bool wide = amdvi_control_ga_en(&r->iommu->control);
    size_t len = wide ? 16 : 4;
    uint8_t bytes[16] = { 0 };
    enum amdvi_mem_status status;

    r->out->irte_spa = amdvi_dte_int_tab_root(r->dte) + r->out->index * len;
    status = r->mem->read(r->mem->opaque, r->out->irte_spa, bytes, len);
    if (status != AMDVI_MEM_OK) {
        irte_unreadable(r, status);
        return false;
    }
    amdvi_load_words(r->out->irte, bytes, 2);
    return true;
}

/* The 32-bit IRTE's fields that the 128-bit one has elsewhere */
static void deliver32(struct remap *r)
{
    const uint64_t *irte = r->out->irte;

    r->out->vector = (uint8_t)amdvi_irte32_vector(irte);
    r->out->dest = (uint32_t)amdvi_irte32_dest(irte);
}

static void deliver128(struct remap *r)
{
    const uint64_t *irte = r->out->irte;
    bool xt = amdvi_control_xt_en(&r->iommu->control);

    r->out->vector = (uint8_t)amdvi_irte128_vector(irte);
    r->out->dest = (uint32_t)amdvi_irte128_dest(irte) & (xt ? ~0u : 0xff);
}

/* Whether a valid IRTE can be obeyed: NONE if so */
static enum amdvi_reason check_irte(const struct remap *r)
{
    const uint64_t *irte = r->out->irte;
    bool wide = amdvi_control_ga_en(&r->iommu->control);

    if (amdvi_irte128_guest_mode(irte)) {
        return AMDVI_REASON_IRTE_GUEST;
    }
    if (wide ? amdvi_irte128_reserved(irte) : amdvi_irte32_reserved(irte)) {
        return AMDVI_REASON_IRTE_RESERVED;
    }
    /* The low eight bits of both formats are the same */
    return amdvi_irte32_int_type(irte) > AMDVI_int_type_arbitrated
           ? AMDVI_REASON_IRTE_RESERVED : AMDVI_REASON_NONE;
}

static void use_irte(struct remap *r)
{
    const uint64_t *irte = r->out->irte;
    bool suppressed = amdvi_irte32_sup_iopf(irte);
    enum amdvi_reason bad;

    if (!amdvi_irte32_remap_en(irte)) {
        page_fault(r, AMDVI_REASON_IRTE_DISABLED, false, suppressed);
        return;
    }
    bad = check_irte(r);
    if (bad != AMDVI_REASON_NONE) {
        page_fault(r, bad, true, suppressed);
        return;
    }
    r->out->delivery_mode = (uint8_t)amdvi_irte32_int_type(irte);
    r->out->logical = amdvi_irte32_dm(irte);
    if (amdvi_control_ga_en(&r->iommu->control)) {
        deliver128(r);
    } else {
        deliver32(r);
    }
    end(r, AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
}

static void remap_fixed(struct remap *r)
{
    if (amdvi_dte_int_tab_len(r->dte) > INT_TAB_LEN_MAX) {
        illegal_dte(r, AMDVI_REASON_INT_TABLE_LENGTH, false);
        return;
    }
    r->out->index = r->message->data & 0x7ff;
    if (r->out->index >> amdvi_dte_int_tab_len(r->dte)) {
        page_fault(r, AMDVI_REASON_INT_INDEX, false, false);
    } else if (read_irte(r)) {
        use_irte(r);
    }
}

static void fixed(struct remap *r)
{
    switch (amdvi_dte_int_ctl(r->dte)) {
    case AMDVI_int_ctl_abort:
        denied(r);
        break;
    case AMDVI_int_ctl_forward:
        forward(r, AMDVI_REASON_INT_FORWARD);
        break;
    case AMDVI_int_ctl_remap:
        remap_fixed(r);
        break;
    default:
        illegal_dte(r, AMDVI_REASON_INT_TABLE_LENGTH, false);
        break;
    }
}

/* NMI, INIT and ExtInt pass or do not; the DTE has a bit for each */
static void pass_if(struct remap *r, bool pass)
{
    if (pass) {
        forward(r, AMDVI_REASON_INT_FORWARD);
    } else {
        end(r, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_INT_DENIED);
    }
}

static void by_delivery_mode(struct remap *r)
{
    switch (r->message->data >> 8 & 7) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST:
        fixed(r);
        break;
    case DELIVERY_NMI:
        pass_if(r, amdvi_dte_nmi_pass(r->dte));
        break;
    case DELIVERY_INIT:
        pass_if(r, amdvi_dte_init_pass(r->dte));
        break;
    case DELIVERY_EXTINT:
        pass_if(r, amdvi_dte_eint_pass(r->dte));
        break;
    case DELIVERY_SMI:
        forward(r, AMDVI_REASON_INT_FORWARD);
        break;
    default:
        end(r, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_INT_DENIED);
        break;
    }
}

/* Read the DTE if the caller has none; false if the message ends here */
static bool find_dte(struct remap *r, uint64_t dte[4])
{
    uint64_t spa;
    enum amdvi_mem_status status;

    if (r->dte) {
        return true;
    }
    if (!amdvi_dte_address(r->iommu, r->message->device_id, &spa)) {
        page_fault(r, AMDVI_REASON_BEYOND_TABLE, false, false);
        return false;
    }
    status = amdvi_read_dte(r->mem, spa, dte);
    if (status == AMDVI_MEM_UNKNOWN) {
        end(r, AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    } else if (status == AMDVI_MEM_ABORT) {
        dte_unreadable(r, spa);
    } else {
        r->dte = dte;
    }
    return status == AMDVI_MEM_OK;
}

void amdvi_remap_interrupt(const struct amdvi_iommu *iommu,
                           const struct amdvi_mem *mem,
                           const uint64_t *dte,
                           const struct amdvi_message *message,
                           struct amdvi_interrupt *interrupt)
{
    struct remap r = { iommu, mem, dte, message, interrupt };
    uint64_t own_dte[4];

    memset(interrupt, 0, sizeof(*interrupt));
    if (!amdvi_control_iommu_en(&iommu->control)) {
        forward(&r, AMDVI_REASON_IOMMU_DISABLED);
    } else if (!find_dte(&r, own_dte)) {
        return;
    } else if (!amdvi_dte_iv(r.dte)) {
        forward(&r, AMDVI_REASON_IV_CLEAR);
    } else if (interrupt_part_reserved(&r)) {
        illegal_dte(&r, AMDVI_REASON_DTE_RESERVED, true);
    } else {
        by_delivery_mode(&r);
    }
}
