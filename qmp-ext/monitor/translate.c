/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: amd-iommu-translate. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

static const enum amdvi_request_kind kinds[] = {
    [AMD_IOMMU_REQUEST_KIND_DMA] = AMDVI_REQUEST_DMA,
    [AMD_IOMMU_REQUEST_KIND_ATS] = AMDVI_REQUEST_ATS,
    [AMD_IOMMU_REQUEST_KIND_TRANSLATED] = AMDVI_REQUEST_TRANSLATED,
};

static const AmdIommuOutcome outcomes[] = {
    [AMDVI_OUTCOME_FORWARDED] = AMD_IOMMU_OUTCOME_FORWARDED,
    [AMDVI_OUTCOME_TRANSLATED] = AMD_IOMMU_OUTCOME_TRANSLATED,
    [AMDVI_OUTCOME_NO_ACCESS] = AMD_IOMMU_OUTCOME_NO_ACCESS,
    [AMDVI_OUTCOME_INTERRUPT] = AMD_IOMMU_OUTCOME_INTERRUPT,
    [AMDVI_OUTCOME_ABORTED] = AMD_IOMMU_OUTCOME_ABORTED,
    [AMDVI_OUTCOME_UNSUPPORTED] = AMD_IOMMU_OUTCOME_UNSUPPORTED,
};

static const AmdIommuStage stages[] = {
    [AMDVI_STAGE_DTE] = AMD_IOMMU_STAGE_DTE,
    [AMDVI_STAGE_GCR3] = AMD_IOMMU_STAGE_GCR3,
    [AMDVI_STAGE_GUEST] = AMD_IOMMU_STAGE_GUEST,
    [AMDVI_STAGE_HOST] = AMD_IOMMU_STAGE_HOST,
};

static uint64List *words_of(const uint64_t *word, int count)
{
    uint64List *words = NULL;

    while (count--) {
        QAPI_LIST_PREPEND(words, word[count]);
    }
    return words;
}

static void decode_dte(AmdIommuStep *reply, const uint64_t *dte)
{
    reply->present = amdvi_dte_v(dte);
    reply->has_read = reply->has_write = true;
    reply->read = amdvi_dte_ir(dte);
    reply->write = amdvi_dte_iw(dte);
}

static void decode_guest(AmdIommuStep *reply, const uint64_t *entry)
{
    reply->present = amdvi_gpte_p(entry);
    reply->has_read = reply->has_write = reply->has_exec = true;
    reply->has_user = reply->has_accessed = reply->has_dirty = true;
    reply->read = reply->present;
    reply->write = amdvi_gpte_rw(entry);
    reply->exec = !amdvi_gpte_nx(entry);
    reply->user = amdvi_gpte_us(entry);
    reply->accessed = amdvi_gpte_a(entry);
    reply->dirty = amdvi_gpte_d(entry);
}

static void decode_host(AmdIommuStep *reply, const uint64_t *entry)
{
    reply->present = amdvi_hpte_pr(entry);
    reply->has_read = reply->has_write = true;
    reply->has_accessed = reply->has_dirty = true;
    reply->read = amdvi_hpte_ir(entry);
    reply->write = amdvi_hpte_iw(entry);
    reply->accessed = amdvi_hpte_a(entry);
    reply->dirty = amdvi_hpte_d(entry);
}

static AmdIommuStep *query_step(const struct amdvi_step *step)
{
    AmdIommuStep *reply = g_new0(AmdIommuStep, 1);
    int words = step->stage == AMDVI_STAGE_DTE ? AMDVI_MAX_WORDS : 1;

    reply->stage = stages[step->stage];
    reply->level = step->level;
    reply->input = step->input;
    /* All tables but the device table begin at a page */
    reply->index = step->stage == AMDVI_STAGE_DTE
                   ? step->input : (step->gpa & 0xfff) / 8;
    reply->gpa = step->gpa;
    reply->address = step->spa;
    reply->words = words_of(step->word, words);
    switch (step->stage) {
    case AMDVI_STAGE_DTE:
        decode_dte(reply, step->word);
        break;
    case AMDVI_STAGE_GCR3:
        reply->present = amdvi_gcr3e_v(step->word);
        break;
    case AMDVI_STAGE_GUEST:
        decode_guest(reply, step->word);
        break;
    case AMDVI_STAGE_HOST:
        decode_host(reply, step->word);
        break;
    }
    return reply;
}

static AmdIommuTranslation *query_result(const struct amdvi_result *result,
                                         const struct amdvi_trace *trace)
{
    AmdIommuTranslation *reply = g_new0(AmdIommuTranslation, 1);
    AmdIommuStepList **tail = &reply->steps;

    reply->outcome = outcomes[result->outcome];
    if (result->reason != AMDVI_REASON_NONE) {
        reply->reason = g_strdup(amdvi_reason_word(result->reason));
        reply->text = g_strdup(amdvi_reason_text(result->reason));
    }
    reply->has_address = result->outcome == AMDVI_OUTCOME_TRANSLATED ||
                         result->outcome == AMDVI_OUTCOME_FORWARDED;
    reply->address = result->addr;
    reply->page_shift = result->page_shift;
    reply->read = result->perm & AMDVI_PERM_R;
    reply->write = result->perm & AMDVI_PERM_W;
    reply->exec = result->perm & AMDVI_PERM_X;
    reply->domain_id = result->domain_id;
    if (result->has_event) {
        reply->has_event = true;
        reply->event = words_of(result->event, 2);
    }
    for (size_t i = 0; i < trace->count; i++) {
        QAPI_LIST_APPEND(tail, query_step(&trace->step[i]));
    }
    return reply;
}

AmdIommuTranslation *
qmp_amd_iommu_translate(uint16_t device_id, uint64_t address,
                        bool has_kind, AmdIommuRequestKind kind,
                        bool has_pasid, uint32_t pasid,
                        bool has_read, bool read, bool has_write, bool write,
                        bool has_exec, bool exec,
                        bool has_privileged, bool privileged,
                        const char *id, Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = { .step = step, .capacity = AMDVI_MAX_STEPS };
    struct amdvi_request request = {
        .kind = kinds[kind], .device_id = device_id, .addr = address,
        .read = read, .write = write, .exec = exec,
    };
    struct amdvi_result result;
    struct amdvi_iommu view;

    if (!s) {
        error_setg(errp, "there is no such AMD IOMMU");
        return NULL;
    }
    if (!amdvi_qmp_pasid(has_pasid, pasid, exec || privileged, &request,
                         errp)) {
        return NULL;
    }
    request.priv = privileged;
    amdvi_svm_view(s, &view);
    amdvi_translate(&view, &amdvi_svm_mem_read_only, &request, &trace,
                    &result);
    return query_result(&result, &trace);
}
