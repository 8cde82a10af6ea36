/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Front end of the walk: what a request meets before and after the tables.
 * Sources: spec/translation.md 1, 2 and 4.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

#include <string.h>

/* How often a walk starts again because an entry changed under it */
#define MAX_RESTARTS 64

/* The smallest page */
#define MIN_PAGE_SHIFT 12

/* Interrupt messages live here: translation.md 1 */
#define INTERRUPT_BASE UINT64_C(0xfee00000)
#define INTERRUPT_SIZE UINT64_C(0x100000)

void amdvi_note_step(struct amdvi_walk *w, const struct amdvi_step *step)
{
    struct amdvi_trace *t = w->trace;

    if (!t) {
        return;
    }
    if (t->count < t->capacity) {
        t->step[t->count] = *step;
    }
    t->count++;
}

static struct amdvi_table_key table_key(const struct amdvi_walk *w,
                                        bool guest, uint64_t addr)
{
    return (struct amdvi_table_key) {
        .domain_id = w->result->domain_id, .guest = guest,
        .nested = guest && amdvi_dte_mode(w->dte),
        .pasid = guest ? w->pasid : 0, .addr = addr,
    };
}

bool amdvi_find_table(struct amdvi_walk *w, bool guest, uint64_t addr,
                      struct amdvi_table *table)
{
    const struct amdvi_walk_cache *cache = w->mem->cache;
    struct amdvi_table_key key;

    if (!cache) {
        return false;
    }
    key = table_key(w, guest, addr);
    return cache->find(cache->opaque, &key, table);
}

void amdvi_table_found(struct amdvi_walk *w, bool guest, uint64_t addr,
                       const struct amdvi_table *table)
{
    const struct amdvi_walk_cache *cache = w->mem->cache;

    if (cache && table->level <= AMDVI_TABLE_LEVEL_MAX) {
        struct amdvi_table_key key = table_key(w, guest, addr);

        cache->found(cache->opaque, &key, table);
    }
}

static bool in_interrupt_range(const struct amdvi_request *r)
{
    return r->addr - INTERRUPT_BASE < INTERRUPT_SIZE;
}

static bool in_exclusion_range(const struct amdvi_iommu *iommu, uint64_t addr)
{
    return amdvi_excl_base_ex_en(&iommu->excl_base) &&
           addr >= amdvi_excl_base_base(&iommu->excl_base) &&
           addr <= (amdvi_excl_limit_limit(&iommu->excl_limit) | 0xfff);
}

/* With IommuEn=0 everything passes, and nobody serves ATS */
static enum amdvi_walk_status disabled(struct amdvi_walk *w)
{
    if (amdvi_is_ats(w)) {
        return amdvi_end(w, AMDVI_OUTCOME_UNSUPPORTED,
                         AMDVI_REASON_IOMMU_DISABLED);
    }
    return amdvi_end_forwarded(w, AMDVI_REASON_IOMMU_DISABLED);
}

/* What can be said without a DTE */
static enum amdvi_walk_status before_dte(struct amdvi_walk *w)
{
    const struct amdvi_request *r = &w->request;

    if (!amdvi_control_iommu_en(&w->iommu->control)) {
        return disabled(w);
    }
    if (amdvi_excl_base_allow(&w->iommu->excl_base) &&
        in_exclusion_range(w->iommu, r->addr)) {
        return amdvi_end_forwarded(w, AMDVI_REASON_EXCLUSION);
    }
    /* A message; whether it passes is for the interrupt part of the DTE */
    if (r->kind == AMDVI_REQUEST_DMA && r->pasid == AMDVI_NO_PASID &&
        r->write && in_interrupt_range(r)) {
        return amdvi_end(w, AMDVI_OUTCOME_INTERRUPT,
                         AMDVI_REASON_INTERRUPT_RANGE);
    }
    return AMDVI_WALK_OK;
}

static enum amdvi_walk_status fetch_dte(struct amdvi_walk *w, uint64_t dte[4])
{
    uint64_t spa;
    enum amdvi_mem_status status;

    if (!amdvi_dte_address(w->iommu, w->request.device_id, &spa)) {
        return amdvi_end_fault(w, AMDVI_REASON_BEYOND_TABLE,
                               AMDVI_FAULT_NOT_PRESENT,
                               w->pasid != AMDVI_NO_PASID,
                               w->request.addr);
    }
    status = amdvi_read_dte(w->mem, spa, dte);
    if (status != AMDVI_MEM_OK) {
        return amdvi_end_dte_unreadable(w, status, spa);
    }
    amdvi_note_step(w, &(struct amdvi_step) {
        .stage = AMDVI_STAGE_DTE, .input = w->request.device_id,
        .gpa = spa, .spa = spa, .word = { dte[0], dte[1], dte[2], dte[3] },
        .layout = &amdvi_layouts[AMDVI_LAYOUT_dte],
    });
    return AMDVI_WALK_OK;
}

/* Rows V=0 and illegal of the table in translation.md 1 */
static enum amdvi_walk_status check_validity(struct amdvi_walk *w)
{
    enum amdvi_reason illegal = amdvi_check_dte(w->iommu, w->dte);

    if (illegal != AMDVI_REASON_NONE) {
        return amdvi_end_illegal_dte(w, illegal);
    }
    if (amdvi_dte_v(w->dte)) {
        return AMDVI_WALK_OK;
    }
    if (amdvi_is_ats(w)) {
        return amdvi_end_invalid_request(
            w, AMDVI_REASON_ATS_NOT_ALLOWED,
            AMDVI_invalid_ats_request_translation_not_allowed);
    }
    if (w->request.kind == AMDVI_REQUEST_TRANSLATED) {
        return amdvi_end_invalid_request(
            w, AMDVI_REASON_ATS_NOT_ALLOWED,
            AMDVI_invalid_request_translated_not_allowed);
    }
    return amdvi_end_forwarded(w, AMDVI_REASON_DTE_INVALID);
}

/* Ranges that are not memory; with PASID all addresses are virtual */
static enum amdvi_walk_status check_range(struct amdvi_walk *w)
{
    const struct amdvi_request *r = &w->request;

    if (!in_interrupt_range(r) || (r->pasid != AMDVI_NO_PASID &&
                                   r->kind != AMDVI_REQUEST_TRANSLATED)) {
        return AMDVI_WALK_OK;
    }
    if (r->kind != AMDVI_REQUEST_ATS && r->write) {
        return amdvi_end(w, AMDVI_OUTCOME_INTERRUPT,
                         AMDVI_REASON_INTERRUPT_RANGE);
    }
    return amdvi_end_invalid_request(
        w, AMDVI_REASON_INTERRUPT_READ,
        amdvi_is_ats(w) ? AMDVI_invalid_ats_request_special_range
                        : AMDVI_invalid_request_interrupt_range_read);
}

/* translation.md 4.2: the address is used as it is, if I=1 */
static enum amdvi_walk_status translated_request(struct amdvi_walk *w)
{
    enum amdvi_walk_status status;

    if (!amdvi_dte_i(w->dte)) {
        return amdvi_end_invalid_request(
            w, AMDVI_REASON_ATS_NOT_ALLOWED,
            AMDVI_invalid_request_translated_not_allowed);
    }
    status = check_range(w);
    return status == AMDVI_WALK_OK ? amdvi_end_forwarded(w, AMDVI_REASON_NONE)
                                   : status;
}

/* Rows V=1 of the table in translation.md 1, and the exclusion range */
static enum amdvi_walk_status check_dte(struct amdvi_walk *w)
{
    enum amdvi_walk_status status = check_validity(w);

    if (status != AMDVI_WALK_OK) {
        return status;
    }
    if (amdvi_dte_ex(w->dte) &&
        in_exclusion_range(w->iommu, w->request.addr)) {
        return amdvi_end_forwarded(w, AMDVI_REASON_EXCLUSION);
    }
    if (w->request.kind == AMDVI_REQUEST_TRANSLATED) {
        return translated_request(w);
    }
    if (amdvi_is_ats(w) && (!amdvi_dte_i(w->dte) || !amdvi_dte_tv(w->dte))) {
        return amdvi_end_invalid_request(
            w, AMDVI_REASON_ATS_NOT_ALLOWED,
            AMDVI_invalid_ats_request_translation_not_allowed);
    }
    status = check_range(w);
    if (status == AMDVI_WALK_OK && !amdvi_dte_tv(w->dte)) {
        return amdvi_end_fault(w, AMDVI_REASON_DTE_TV,
                               AMDVI_FAULT_NOT_PRESENT,
                               w->pasid != AMDVI_NO_PASID,
                               w->request.addr);
    }
    return status;
}

/*
 * DMA needs all that it asks for, unless that is nothing: then it is a probe
 * and takes what it can get.  ATS does so always.
 */
static struct amdvi_access_wanted access_wanted(const struct amdvi_walk *w)
{
    struct amdvi_access_wanted wanted = { 0, 0 };
    uint8_t ask = amdvi_request_perm(&w->request);

    if (!ask) {
        wanted.want = AMDVI_PERM_R | AMDVI_PERM_W;
    } else if (amdvi_is_ats(w)) {
        wanted.want = ask;
    } else {
        wanted.need = ask;
    }
    return wanted;
}

/* DTE.IR and IW, before any table */
static enum amdvi_walk_status dte_gate(struct amdvi_walk *w, bool guest,
                                       struct amdvi_access_wanted *wanted)
{
    uint8_t perm = amdvi_dte_perm(w->dte);

    wanted->want &= perm;
    if ((wanted->need & perm) != wanted->need ||
        !(wanted->need | wanted->want)) {
        return amdvi_end_fault(w, AMDVI_REASON_DTE_PERMISSION,
                               AMDVI_FAULT_PERMISSION, guest,
                               w->request.addr);
    }
    return AMDVI_WALK_OK;
}

static bool pasid_in_range(const struct amdvi_walk *w)
{
    return (uint64_t)w->pasid >> amdvi_pasid_bits(w->iommu, w->dte) == 0;
}

/* translation.md 2: which tables serve the request; sets w->pasid */
static enum amdvi_walk_status select_path(struct amdvi_walk *w, bool *guest)
{
    enum amdvi_reason reason = AMDVI_REASON_NO_GUEST_TABLE;

    *guest = amdvi_guest_on(w->iommu, w->dte);
    if (w->request.pasid == AMDVI_NO_PASID) {
        *guest = *guest && amdvi_dte_giov(w->dte);
        w->pasid = *guest ? 0 : AMDVI_NO_PASID;
        return AMDVI_WALK_OK;
    }
    if (*guest) {
        if (pasid_in_range(w)) {
            return AMDVI_WALK_OK;
        }
        reason = AMDVI_REASON_PASID_RANGE;
    }
    return amdvi_end_fault(w, reason, AMDVI_FAULT_NOT_PRESENT, true,
                           w->request.addr);
}

static void fill_result(struct amdvi_walk *w, bool guest,
                        const struct amdvi_stage_result *stage)
{
    struct amdvi_result *res = w->result;

    res->outcome = AMDVI_OUTCOME_TRANSLATED;
    res->addr = stage->addr;
    res->page_shift = stage->page_shift;
    res->perm = stage->perm & amdvi_dte_perm(w->dte);
    res->untranslated_only = stage->untranslated_only;
    res->force_coherent = stage->force_coherent;
    res->guest = guest;
    res->nested = guest && amdvi_dte_mode(w->dte);
    res->pasid = guest ? w->pasid : AMDVI_NO_PASID;
    res->priv = guest && w->request.priv;
}

static enum amdvi_walk_status walk_tables(struct amdvi_walk *w, bool guest,
                                          struct amdvi_access_wanted wanted)
{
    struct amdvi_stage_result stage;
    enum amdvi_walk_status status;

    if (guest) {
        status = amdvi_guest_stage(w, wanted, &stage);
    } else {
        status = amdvi_host_stage(w, w->request.addr, wanted, &stage);
    }
    if (status == AMDVI_WALK_OK) {
        fill_result(w, guest, &stage);
    }
    return status;
}

/* Everything after the DTE is known */
static void serve(struct amdvi_walk *w)
{
    struct amdvi_access_wanted wanted = access_wanted(w);
    size_t steps = w->trace ? w->trace->count : 0;
    enum amdvi_walk_status status = check_dte(w);
    bool guest = false;

    w->result->domain_id = (uint16_t)amdvi_dte_domain_id(w->dte);
    if (status == AMDVI_WALK_OK) {
        status = select_path(w, &guest);
    }
    if (status == AMDVI_WALK_OK) {
        status = dte_gate(w, guest, &wanted);
    }
    if (status != AMDVI_WALK_OK) {
        return;
    }
    for (int i = 0; i < MAX_RESTARTS; i++) {
        if (w->trace) {
            w->trace->count = steps;
        }
        if (walk_tables(w, guest, wanted) != AMDVI_WALK_RESTART) {
            return;
        }
    }
    amdvi_end(w, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_TABLE_CHANGING);
}

static void start(struct amdvi_walk *w, const struct amdvi_iommu *iommu,
                  const struct amdvi_mem *mem,
                  const struct amdvi_request *request,
                  struct amdvi_trace *trace, struct amdvi_result *result)
{
    memset(result, 0, sizeof(*result));
    result->pasid = AMDVI_NO_PASID;
    *w = (struct amdvi_walk) {
        .iommu = iommu, .mem = mem, .request = *request, .trace = trace,
        .result = result, .pasid = request->pasid,
    };
    if (request->pasid == AMDVI_NO_PASID) {
        /* These attributes travel with the PASID: translation.md 3.2 */
        w->request.exec = false;
        w->request.priv = false;
    }
}

/*
 * Pages inside and outside of the exclusion range have different results, so
 * with one in force no result says anything about other pages.
 */
static void limit_to_page(struct amdvi_walk *w)
{
    if (amdvi_excl_base_ex_en(&w->iommu->excl_base) &&
        w->result->page_shift > MIN_PAGE_SHIFT) {
        w->result->page_shift = MIN_PAGE_SHIFT;
    }
}

bool amdvi_fetch_dte(const struct amdvi_iommu *iommu,
                     const struct amdvi_mem *mem,
                     const struct amdvi_request *request, uint64_t dte[4],
                     struct amdvi_trace *trace, struct amdvi_result *result)
{
    struct amdvi_walk w;

    start(&w, iommu, mem, request, trace, result);
    if (before_dte(&w) == AMDVI_WALK_OK &&
        fetch_dte(&w, dte) == AMDVI_WALK_OK) {
        return true;
    }
    limit_to_page(&w);
    return false;
}

void amdvi_translate_dte(const struct amdvi_iommu *iommu,
                         const struct amdvi_mem *mem, const uint64_t dte[4],
                         const struct amdvi_request *request,
                         struct amdvi_trace *trace,
                         struct amdvi_result *result)
{
    struct amdvi_walk w;

    start(&w, iommu, mem, request, trace, result);
    w.dte = dte;
    if (before_dte(&w) == AMDVI_WALK_OK) {
        serve(&w);
    }
    limit_to_page(&w);
}

void amdvi_translate(const struct amdvi_iommu *iommu,
                     const struct amdvi_mem *mem,
                     const struct amdvi_request *request,
                     struct amdvi_trace *trace, struct amdvi_result *result)
{
    uint64_t dte[4];

    if (amdvi_fetch_dte(iommu, mem, request, dte, trace, result)) {
        amdvi_translate_dte(iommu, mem, dte, request, trace, result);
    }
}
