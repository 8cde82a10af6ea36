/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page requests: whether one is logged, answered at once or refused.
 * Sources: spec/translation.md 7.2, spec/structures.md 6 and 7.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

#include <string.h>

/* A page request on its way */
struct judge {
    const struct amdvi_iommu *iommu;
    const struct amdvi_mem *mem;
    const uint64_t *dte;
    const struct amdvi_page_request *request;
    struct amdvi_page_request_result *out;
};

static void end(struct judge *j, enum amdvi_page_request_action action,
                enum amdvi_reason reason)
{
    j->out->action = action;
    j->out->reason = reason;
}

static bool has_pasid(const struct judge *j)
{
    return j->request->pasid != AMDVI_NO_PASID;
}

bool amdvi_is_stop_marker(const struct amdvi_page_request *r)
{
    return r->pasid != AMDVI_NO_PASID && r->last && !r->read && !r->write &&
           !r->exec;
}

/*
 * PCIe allows one response for a group, so only the last request gets it; a
 * stop marker never gets one.
 */
static void respond(struct judge *j, uint64_t code, enum amdvi_reason reason)
{
    bool answer = j->request->last && !amdvi_is_stop_marker(j->request);

    j->out->response = (uint8_t)code;
    end(j, answer ? AMDVI_PPR_RESPOND : AMDVI_PPR_DROP, reason);
}

static void fill_entry(const struct amdvi_page_request *r, uint64_t entry[2])
{
    bool gn = r->pasid != AMDVI_NO_PASID;

    amdvi_ppr_entry_set_code(entry,
                             AMDVI_ppr_code_page_service_request);
    amdvi_ppr_entry_set_device_id(entry, r->device_id);
    amdvi_ppr_entry_set_pasid(entry, gn ? r->pasid : 0);
    amdvi_ppr_entry_set_gn(entry, gn);
    amdvi_ppr_entry_set_prg_index(entry, r->prg_index);
    amdvi_ppr_entry_set_last(entry, r->last);
    amdvi_ppr_entry_set_r(entry, r->read);
    amdvi_ppr_entry_set_w(entry, r->write);
    amdvi_ppr_entry_set_x(entry, r->exec);
    amdvi_ppr_entry_set_us(entry, !r->priv);
    amdvi_ppr_entry_set_addr(entry, r->addr);
}

static void invalid_ppr_request(struct judge *j, enum amdvi_reason reason)
{
    const struct amdvi_page_request *r = j->request;
    uint64_t *event = j->out->event;

    amdvi_invalid_ppr_request_set_code(event,
                                       AMDVI_CODE_invalid_ppr_request);
    amdvi_invalid_ppr_request_set_device_id(event, r->device_id);
    amdvi_invalid_ppr_request_set_pasid(event, has_pasid(j) ? r->pasid : 0);
    amdvi_invalid_ppr_request_set_prg_index(event, r->prg_index);
    amdvi_invalid_ppr_request_set_last(event, r->last);
    amdvi_invalid_ppr_request_set_addr(event, r->addr & ~UINT64_C(0xfff));
    j->out->has_event = true;
    respond(j, AMDVI_prg_response_invalid, reason);
}

static void dte_unreadable(struct judge *j, enum amdvi_mem_status status,
                           uint64_t spa)
{
    if (status == AMDVI_MEM_UNKNOWN) {
        end(j, AMDVI_PPR_UNKNOWN, AMDVI_REASON_NOT_IN_DUMP);
        return;
    }
    amdvi_dev_tab_event(j->request->device_id, spa, j->out->event);
    j->out->has_event = true;
    j->out->hardware_error = true;
    respond(j, AMDVI_prg_response_failure, AMDVI_REASON_DTE_UNREADABLE);
}

/* Read the DTE if the caller has none; false if the request ends here */
static bool find_dte(struct judge *j, uint64_t dte[4])
{
    enum amdvi_mem_status status;
    uint64_t spa;

    if (j->dte) {
        return true;
    }
    if (!amdvi_dte_address(j->iommu, j->request->device_id, &spa)) {
        invalid_ppr_request(j, AMDVI_REASON_BEYOND_TABLE);
        return false;
    }
    status = amdvi_read_dte(j->mem, spa, dte);
    if (status != AMDVI_MEM_OK) {
        dte_unreadable(j, status, spa);
        return false;
    }
    j->dte = dte;
    return true;
}

static bool guest_table_missing(const struct judge *j)
{
    return !amdvi_dte_v(j->dte) || !amdvi_dte_tv(j->dte) ||
           (has_pasid(j) && !amdvi_guest_on(j->iommu, j->dte));
}

static void illegal_dte(struct judge *j, enum amdvi_reason reason)
{
    amdvi_illegal_dte_event(j->request->device_id,
                            reason == AMDVI_REASON_DTE_RESERVED,
                            j->out->event);
    amdvi_illegal_dev_table_entry_set_addr(j->out->event, j->request->addr);
    j->out->has_event = true;
    respond(j, AMDVI_prg_response_failure, reason);
}

/* Steps 3 to 6, once the DTE is known to be legal */
static void judge_with_dte(struct judge *j)
{
    const uint64_t *control = &j->iommu->control;

    if (guest_table_missing(j)) {
        invalid_ppr_request(j, AMDVI_REASON_PPR_NO_GUEST);
    } else if (amdvi_control_eph_en(control) && !amdvi_dte_ppr(j->dte)) {
        respond(j, AMDVI_prg_response_invalid, AMDVI_REASON_PPR_NOT_ALLOWED);
    } else if (amdvi_is_stop_marker(j->request) &&
               amdvi_control_blk_stop_mrk_en(control)) {
        end(j, AMDVI_PPR_DROP, AMDVI_REASON_STOP_MARKER);
    } else if (amdvi_control_ppr_auto_rsp_aon(control) &&
               !amdvi_is_stop_marker(j->request)) {
        respond(j,
                amdvi_ppr_auto_response_code(&j->iommu->ppr_auto_response),
                AMDVI_REASON_AUTO_RESPONSE);
    } else {
        end(j, AMDVI_PPR_LOG, AMDVI_REASON_NONE);
    }
}

void amdvi_judge_page_request(const struct amdvi_iommu *iommu,
                              const struct amdvi_mem *mem,
                              const uint64_t *dte,
                              const struct amdvi_page_request *request,
                              struct amdvi_page_request_result *result)
{
    struct judge j = { iommu, mem, dte, request, result };
    uint64_t own_dte[4];
    enum amdvi_reason illegal;

    memset(result, 0, sizeof(*result));
    fill_entry(request, result->entry);
    if (!amdvi_control_iommu_en(&iommu->control)) {
        end(&j, AMDVI_PPR_REFUSE, AMDVI_REASON_IOMMU_DISABLED);
        return;
    }
    if (!amdvi_control_ppr_en(&iommu->control)) {
        end(&j, AMDVI_PPR_REFUSE, AMDVI_REASON_PPR_DISABLED);
        return;
    }
    if (!find_dte(&j, own_dte)) {
        return;
    }
    illegal = amdvi_check_dte(iommu, j.dte);
    if (illegal != AMDVI_REASON_NONE) {
        illegal_dte(&j, illegal);
    } else {
        judge_with_dte(&j);
    }
}
