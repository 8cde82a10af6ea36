/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How requests end: outcome, reason, and the event that the IOMMU logs.
 * Sources: spec/structures.md 6, spec/translation.md 3.4 and 4.1.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

enum amdvi_walk_status amdvi_end(struct amdvi_walk *w,
                                 enum amdvi_outcome outcome,
                                 enum amdvi_reason reason)
{
    w->result->outcome = outcome;
    w->result->reason = reason;
    w->result->perm = 0;
    return AMDVI_WALK_END;
}

enum amdvi_walk_status amdvi_end_forwarded(struct amdvi_walk *w,
                                           enum amdvi_reason reason)
{
    amdvi_end(w, AMDVI_OUTCOME_FORWARDED, reason);
    w->result->addr = w->request.addr;
    w->result->page_shift = 64;
    w->result->perm = AMDVI_PERM_R | AMDVI_PERM_W;
    return AMDVI_WALK_END;
}

/*
 * PASID or DomainID of an event: both share bits 47:32.  The front end has
 * neither a table nor a DTE yet, so it takes what the request says.
 */
static void set_event_address_space(struct amdvi_walk *w, bool gn,
                                    uint64_t event[2])
{
    amdvi_io_page_fault_gn_set_gn(event, gn);
    if (gn) {
        amdvi_io_page_fault_gn_set_pasid(event, w->pasid);
    } else if (w->dte) {
        amdvi_io_page_fault_set_domain_id(event, amdvi_dte_domain_id(w->dte));
    }
}

static void fill_page_fault(struct amdvi_walk *w, enum amdvi_fault_kind kind,
                            bool gn, uint64_t addr, uint64_t event[2])
{
    const struct amdvi_request *r = &w->request;

    amdvi_io_page_fault_set_code(event, AMDVI_CODE_io_page_fault);
    amdvi_io_page_fault_set_device_id(event, r->device_id);
    set_event_address_space(w, gn, event);
    amdvi_io_page_fault_set_nx(event, gn && r->exec);
    amdvi_io_page_fault_set_us(event, gn && !r->priv);
    amdvi_io_page_fault_set_pr(event, kind != AMDVI_FAULT_NOT_PRESENT);
    amdvi_io_page_fault_set_rw(event, r->write);
    amdvi_io_page_fault_set_pe(event, kind == AMDVI_FAULT_PERMISSION);
    amdvi_io_page_fault_set_rz(event, kind == AMDVI_FAULT_RESERVED);
    amdvi_io_page_fault_set_tr(event, amdvi_is_ats(w));
    amdvi_io_page_fault_set_addr(event, addr);
}

enum amdvi_walk_status amdvi_end_fault(struct amdvi_walk *w,
                                       enum amdvi_reason reason,
                                       enum amdvi_fault_kind kind, bool gn,
                                       uint64_t addr)
{
    struct amdvi_result *res = w->result;

    /* Without a DTE (beyond the table) nobody can have allowed ATS */
    if (amdvi_is_ats(w) && w->dte) {
        return amdvi_end(w, AMDVI_OUTCOME_NO_ACCESS, reason);
    }
    fill_page_fault(w, kind, gn, addr, res->event);
    res->has_event = !(w->dte && amdvi_dte_sa(w->dte));
    res->first_only = w->dte && amdvi_dte_se(w->dte);
    return amdvi_end(w, AMDVI_OUTCOME_ABORTED, reason);
}

void amdvi_illegal_dte_event(uint16_t device_id, bool rz, uint64_t event[2])
{
    amdvi_illegal_dev_table_entry_set_code(
        event, AMDVI_CODE_illegal_dev_table_entry);
    amdvi_illegal_dev_table_entry_set_device_id(event, device_id);
    amdvi_illegal_dev_table_entry_set_rz(event, rz);
}

enum amdvi_walk_status amdvi_end_illegal_dte(struct amdvi_walk *w,
                                             enum amdvi_reason reason)
{
    const struct amdvi_request *r = &w->request;
    uint64_t *event = w->result->event;

    amdvi_illegal_dte_event(r->device_id, reason == AMDVI_REASON_DTE_RESERVED,
                            event);
    if (r->pasid != AMDVI_NO_PASID) {
        set_event_address_space(w, true, event);
    }
    amdvi_illegal_dev_table_entry_set_rw(event, r->write);
    amdvi_illegal_dev_table_entry_set_tr(event, amdvi_is_ats(w));
    amdvi_illegal_dev_table_entry_set_addr(event, r->addr);
    w->result->has_event = true;
    return amdvi_end(w, AMDVI_OUTCOME_ABORTED, reason);
}

enum amdvi_walk_status amdvi_end_invalid_request(struct amdvi_walk *w,
                                                 enum amdvi_reason reason,
                                                 unsigned int type)
{
    const struct amdvi_request *r = &w->request;
    uint64_t *event = w->result->event;

    amdvi_invalid_device_request_set_code(event,
                                          AMDVI_CODE_invalid_device_request);
    amdvi_invalid_device_request_set_device_id(event, r->device_id);
    if (r->pasid != AMDVI_NO_PASID) {
        set_event_address_space(w, true, event);
        amdvi_invalid_device_request_set_us(event, !r->priv);
    }
    amdvi_invalid_device_request_set_tr(event, amdvi_is_ats(w));
    amdvi_invalid_device_request_set_type(event, type);
    amdvi_invalid_device_request_set_addr(event, r->addr);
    w->result->has_event = true;
    return amdvi_end(w, AMDVI_OUTCOME_ABORTED, reason);
}

void amdvi_dev_tab_event(uint16_t device_id, uint64_t spa, uint64_t event[2])
{
    amdvi_dev_tab_hardware_error_set_code(
        event, AMDVI_CODE_dev_tab_hardware_error);
    amdvi_dev_tab_hardware_error_set_device_id(event, device_id);
    amdvi_dev_tab_hardware_error_set_type(event, AMDVI_hw_error_master_abort);
    amdvi_dev_tab_hardware_error_set_addr(event, spa);
}

enum amdvi_walk_status amdvi_end_dte_unreadable(struct amdvi_walk *w,
                                                enum amdvi_mem_status status,
                                                uint64_t spa)
{
    uint64_t *event = w->result->event;

    if (status == AMDVI_MEM_UNKNOWN) {
        return amdvi_end(w, AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    }
    amdvi_dev_tab_event(w->request.device_id, spa, event);
    amdvi_dev_tab_hardware_error_set_rw(event, w->request.write);
    amdvi_dev_tab_hardware_error_set_tr(event, amdvi_is_ats(w));
    w->result->has_event = true;
    w->result->hardware_error = true;
    return amdvi_end(w, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_DTE_UNREADABLE);
}

enum amdvi_walk_status amdvi_end_unreadable(struct amdvi_walk *w,
                                            enum amdvi_mem_status status,
                                            bool gn, uint64_t spa)
{
    uint64_t *event = w->result->event;

    if (status == AMDVI_MEM_UNKNOWN) {
        return amdvi_end(w, AMDVI_OUTCOME_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
    }
    amdvi_page_tab_hardware_error_set_code(
        event, AMDVI_CODE_page_tab_hardware_error);
    amdvi_page_tab_hardware_error_set_device_id(event, w->request.device_id);
    set_event_address_space(w, gn, event);
    amdvi_page_tab_hardware_error_set_rw(event, w->request.write);
    amdvi_page_tab_hardware_error_set_tr(event, amdvi_is_ats(w));
    amdvi_page_tab_hardware_error_set_type(event,
                                           AMDVI_hw_error_master_abort);
    amdvi_page_tab_hardware_error_set_addr(event, spa);
    w->result->has_event = true;
    w->result->hardware_error = true;
    return amdvi_end(w, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_TABLE_UNREADABLE);
}

static const struct {
    const char *word;
    const char *text;
} reasons[AMDVI_NUM_REASONS] = {
    [AMDVI_REASON_NONE] = { "none", "nothing stood in the way" },
#define AMDVI_REASON(id, word, text) [AMDVI_REASON_##id] = { word, text },
#include "layouts/reasons.def"
#undef AMDVI_REASON
};

const char *amdvi_reason_word(enum amdvi_reason reason)
{
    return reasons[reason].word;
}

const char *amdvi_reason_text(enum amdvi_reason reason)
{
    return reasons[reason].text;
}

const char *amdvi_outcome_word(enum amdvi_outcome outcome)
{
    static const char *const word[] = {
        [AMDVI_OUTCOME_FORWARDED] = "forwarded",
        [AMDVI_OUTCOME_TRANSLATED] = "translated",
        [AMDVI_OUTCOME_NO_ACCESS] = "no-access",
        [AMDVI_OUTCOME_INTERRUPT] = "interrupt",
        [AMDVI_OUTCOME_ABORTED] = "aborted",
        [AMDVI_OUTCOME_UNSUPPORTED] = "unsupported",
        [AMDVI_OUTCOME_UNKNOWN] = "unknown",
    };

    return word[outcome];
}
