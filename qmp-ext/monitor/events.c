/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP events: what the engine tells of as it happens. */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qapi/qapi-events-amd-iommu.h"
#include "target.h"

static void tell_fault(const char *id, const AmdviRecord *r,
                       uint64_t suppressed)
{
    qapi_event_send_amd_iommu_fault(
        id, r->device_id, r->pasid != AMDVI_NO_PASID, r->pasid, r->words[0],
        r->words[1] & AMDVI_PERM_R, r->words[1] & AMDVI_PERM_W,
        r->words[1] & AMDVI_PERM_X, amdvi_reason_word(r->detail), suppressed);
}

static void tell_page_request(const char *id, const AmdviRecord *r,
                              uint64_t suppressed)
{
    qapi_event_send_amd_iommu_page_request(
        id, r->device_id, r->pasid != AMDVI_NO_PASID, r->pasid,
        amdvi_ppr_entry_addr(r->words), amdvi_ppr_entry_prg_index(r->words),
        amdvi_ppr_entry_last(r->words), amdvi_ppr_entry_r(r->words),
        amdvi_ppr_entry_w(r->words), amdvi_ppr_entry_x(r->words), suppressed);
}

static void tell_overflow(const char *id, const AmdviRecord *r,
                          uint64_t suppressed)
{
    AmdIommuLog log = r->detail == AMDVI_RING_PPR ? AMD_IOMMU_LOG_PPR
                                                  : AMD_IOMMU_LOG_EVENT;

    qapi_event_send_amd_iommu_log_overflow(id, log, suppressed);
}

static void tell_command_error(const char *id, const AmdviRecord *r,
                               uint64_t suppressed)
{
    uint64List *event = NULL;

    QAPI_LIST_PREPEND(event, r->words[1]);
    QAPI_LIST_PREPEND(event, r->words[0]);
    qapi_event_send_amd_iommu_command_error(
        id, amdvi_illegal_command_error_addr(r->words), event, suppressed);
    qapi_free_uint64List(event);
}

typedef void TellFunction(const char *id, const AmdviRecord *r,
                          uint64_t suppressed);

static TellFunction *const functions[AMDVI_NUM_NEWS] = {
    [AMDVI_NEWS_FAULT] = tell_fault,
    [AMDVI_NEWS_PAGE_REQUEST] = tell_page_request,
    [AMDVI_NEWS_OVERFLOW] = tell_overflow,
    [AMDVI_NEWS_COMMAND_ERROR] = tell_command_error,
};

static void tell(AmdviEngine *e, AmdviNewsKind kind, const AmdviRecord *r,
                 uint64_t suppressed)
{
    functions[kind](amdvi_qmp_id(e->s), r, suppressed);
}

static void tell_stop(AmdviEngine *e, const AmdviHit *hit)
{
    const AmdviHappening *what = &hit->what;
    bool is_fault = what->kind == AMDVI_BREAK_FAULT;
    uint64List *words = NULL;

    QAPI_LIST_PREPEND(words, what->words[1]);
    QAPI_LIST_PREPEND(words, what->words[0]);
    qapi_event_send_amd_iommu_break(
        amdvi_qmp_id(e->s), hit->number, amdvi_qmp_break_kinds[what->kind],
        what->device_id != AMDVI_RECORD_NO_DEVICE, what->device_id,
        what->pasid != AMDVI_NO_PASID, what->pasid,
        what->has_address, what->first, what->has_group, what->prg_index,
        what->has_words, words,
        is_fault ? amdvi_reason_word(what->reason) : NULL);
    qapi_free_uint64List(words);
}

static void start_telling(void)
{
    amdvi_svm_tell = tell;
    amdvi_svm_tell_stop = tell_stop;
}

type_init(start_telling);
