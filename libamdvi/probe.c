/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Enumerate what tables hold.  See probe.h.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "probe.h"
#include "walk-internal.h"

#define ENTRY_BYTES 8u
#define HALF_TABLE_BYTES 2048u
/* As much as struct amdvi_mem reads at once */
#define READ_BYTES 32u

/* log2 of the bytes that one entry of a table of this level covers */
static unsigned int level_shift(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

static size_t noted(const struct amdvi_trace *trace)
{
    return trace->count < trace->capacity ? trace->count : trace->capacity;
}

/* The last entry of @stage that the walk read, or NULL */
static const struct amdvi_step *last_step(const struct amdvi_trace *trace,
                                          enum amdvi_stage stage)
{
    for (size_t i = noted(trace); i > 0; i--) {
        if (trace->step[i - 1].stage == stage) {
            return &trace->step[i - 1];
        }
    }
    return NULL;
}

/*
 * PASIDs that share a failure: those below the entry that was read last.
 * If the table it points to could not be read, that holds for all of it.
 */
static void pasid_range(const struct amdvi_trace *trace, uint32_t pasid,
                        struct amdvi_pasid_probe *ret)
{
    const struct amdvi_step *step = last_step(trace, AMDVI_STAGE_GCR3);

    if (step) {
        uint32_t below = (uint32_t)amdvi_ones(9 * (step->level - 1u));

        ret->last = pasid | below;
    }
}

/*
 * No PASID can use an address that is not canonical, so a walk that comes
 * as far as refusing it has found the PASID valid, and read nothing else.
 */
static void look_at_pasid(const struct amdvi_iommu *iommu,
                          const struct amdvi_mem *mem, const uint64_t dte[4],
                          uint16_t device_id, uint32_t pasid,
                          struct amdvi_trace *trace,
                          struct amdvi_pasid_probe *ret)
{
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_DMA, .device_id = device_id, .pasid = pasid,
        .addr = 1ULL << 63,
    };
    struct amdvi_mem read_only = *mem;
    uint64_t permitting[4] = { dte[0], dte[1], dte[2], dte[3] };
    struct amdvi_result result;

    read_only.cmpxchg = NULL;
    amdvi_dte_set_ir(permitting, 1);
    amdvi_translate_dte(iommu, &read_only, permitting, &request, trace,
                        &result);
    *ret = (struct amdvi_pasid_probe) {
        .first = pasid, .last = UINT32_MAX,
        .valid = result.reason == AMDVI_REASON_NOT_CANONICAL,
        .outcome = result.outcome, .reason = result.reason,
    };
    pasid_range(trace, pasid, ret);
    if (ret->valid) {
        ret->spa = last_step(trace, AMDVI_STAGE_GCR3)->spa;
        ret->entry = last_step(trace, AMDVI_STAGE_GCR3)->word[0];
    }
}

void amdvi_probe_pasid(const struct amdvi_iommu *iommu,
                       const struct amdvi_mem *mem, const uint64_t dte[4],
                       uint16_t device_id, uint32_t pasid,
                       struct amdvi_pasid_probe *ret)
{
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = { .step = step, .capacity = AMDVI_MAX_STEPS };

    look_at_pasid(iommu, mem, dte, device_id, pasid, &trace, ret);
}

/* How many of the @count entries in @bytes are 0 before one is not */
static unsigned int leading_zeros(const uint8_t *bytes, unsigned int count)
{
    unsigned int zeros = 0;

    while (zeros < count && !amdvi_load64(bytes + ENTRY_BYTES * zeros)) {
        zeros++;
    }
    return zeros;
}

/*
 * How many entries behind @step, which is 0, are 0 as well.  This ends in the
 * middle of a table: the upper half of a top table is for addresses that do
 * not follow those of the lower one.
 */
static unsigned int zeros_after(const struct amdvi_mem *mem,
                                const struct amdvi_step *step)
{
    uint64_t spa = step->spa + ENTRY_BYTES;
    unsigned int zeros = 0, some, wanted;

    do {
        uint8_t bytes[READ_BYTES];
        unsigned int left = (unsigned int)(-spa % HALF_TABLE_BYTES);

        wanted = (left < READ_BYTES ? left : READ_BYTES) / ENTRY_BYTES;
        some = wanted && mem->read(mem->opaque, spa, bytes,
                                   wanted * ENTRY_BYTES) == AMDVI_MEM_OK
               ? leading_zeros(bytes, wanted) : 0;
        zeros += some;
        spa += some * ENTRY_BYTES;
    } while (some && some == wanted);
    return zeros;
}

void amdvi_probe_pasids(const struct amdvi_iommu *iommu,
                        const struct amdvi_mem *mem, const uint64_t dte[4],
                        uint16_t device_id, uint32_t pasid,
                        struct amdvi_pasid_probe *ret)
{
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = { .step = step, .capacity = AMDVI_MAX_STEPS };
    const struct amdvi_step *last;

    look_at_pasid(iommu, mem, dte, device_id, pasid, &trace, ret);
    last = last_step(&trace, AMDVI_STAGE_GCR3);
    if (last && !last->word[0]) {
        ret->last += zeros_after(mem, last) << 9 * (last->level - 1u);
    }
}

static bool uses_guest_table(const struct amdvi_iommu *iommu,
                             const uint64_t dte[4],
                             const struct amdvi_request *request)
{
    return request->pasid != AMDVI_NO_PASID ||
           (amdvi_guest_on(iommu, dte) && amdvi_dte_giov(dte));
}

/* Whether an entry alone refuses every access */
static bool denies(const struct amdvi_step *step, bool priv)
{
    if (step->stage == AMDVI_STAGE_GUEST) {
        return !amdvi_gpde_p(step->word) ||
               (!priv && !amdvi_gpde_us(step->word));
    }
    return !amdvi_hpde_pr(step->word) ||
           (!amdvi_hpde_ir(step->word) && !amdvi_hpde_iw(step->word));
}

static bool is_guest_leaf(const struct amdvi_step *step)
{
    return step->layout != &amdvi_layouts[AMDVI_LAYOUT_gpde];
}

/*
 * log2 of the addresses around a failing one that fail with it.  Below a
 * guest table host entries count only for the page itself; those on the way
 * to a table stop all that the table would map.
 */
static unsigned int failure_shift(const struct amdvi_trace *trace,
                                  enum amdvi_stage stage, bool priv)
{
    const struct amdvi_step *last = NULL;
    unsigned int shift = 64;

    for (size_t i = 0; i < noted(trace); i++) {
        const struct amdvi_step *step = &trace->step[i];

        if (step->stage == stage) {
            last = step;
            shift = level_shift(step->level);
            if (denies(step, priv)) {
                return shift;
            }
        } else if (step->stage == AMDVI_STAGE_HOST && last &&
                   is_guest_leaf(last) && level_shift(step->level) < shift) {
            shift = level_shift(step->level);
        }
    }
    return shift;
}

/* From the hole in the middle of the address space to its upper part */
static uint64_t end_of_hole(const uint64_t dte[4])
{
    unsigned int levels = 4 + (unsigned int)amdvi_dte_guest_paging_mode(dte);

    return ~amdvi_ones(level_shift(levels + 1) - 1) - 1;
}

/* The range of a failure; @ret has the reason */
static void failure_range(const struct amdvi_trace *trace,
                          const uint64_t dte[4], enum amdvi_stage stage,
                          const struct amdvi_request *request,
                          struct amdvi_mapping *ret)
{
    unsigned int shift = failure_shift(trace, stage, request->priv);

    if (ret->reason == AMDVI_REASON_INTERRUPT_READ) {
        shift = 20;             /* FEE0_0000h to FEEF_FFFFh */
    } else if (ret->reason == AMDVI_REASON_NOT_CANONICAL &&
               request->pasid != AMDVI_NO_PASID) {
        ret->last = end_of_hole(dte);
        return;
    }
    if (shift < 64) {
        ret->last = request->addr | amdvi_ones(shift);
    }
}

static void take_page(const struct amdvi_trace *trace, enum amdvi_stage stage,
                      const struct amdvi_request *request,
                      const struct amdvi_result *result,
                      struct amdvi_mapping *ret)
{
    const struct amdvi_step *leaf = last_step(trace, stage);

    ret->found = true;
    ret->last = request->addr | amdvi_ones(result->page_shift);
    ret->output = result->addr;
    ret->page_shift = result->page_shift;
    ret->perm = result->perm;
    if (leaf) {
        /* both formats have A in bit 5 and D in bit 6 */
        ret->accessed = amdvi_gpte_a(leaf->word);
        ret->dirty = amdvi_gpte_d(leaf->word);
    }
}

static void note_entry(const struct amdvi_step *last,
                       struct amdvi_mapping *ret)
{
    if (last) {
        ret->layout = last->layout;
        ret->entry_spa = last->spa;
        ret->entry = last->word[0];
    }
}

static void look_at_mapping(const struct amdvi_iommu *iommu,
                            const struct amdvi_mem *mem,
                            const uint64_t dte[4],
                            const struct amdvi_request *request,
                            enum amdvi_stage stage, struct amdvi_trace *trace,
                            struct amdvi_mapping *ret)
{
    struct amdvi_iommu no_exclusion = *iommu;
    struct amdvi_mem read_only = *mem;
    struct amdvi_request probe = *request;
    struct amdvi_result result;

    no_exclusion.excl_base = 0;
    read_only.cmpxchg = NULL;
    probe.kind = AMDVI_REQUEST_DMA;
    probe.read = probe.write = probe.exec = false;
    amdvi_translate_dte(&no_exclusion, &read_only, dte, &probe, trace,
                        &result);
    *ret = (struct amdvi_mapping) {
        .first = request->addr, .last = UINT64_MAX,
        .outcome = result.outcome, .reason = result.reason,
    };
    if (result.outcome == AMDVI_OUTCOME_TRANSLATED ||
        result.outcome == AMDVI_OUTCOME_FORWARDED) {
        take_page(trace, stage, request, &result, ret);
    } else {
        failure_range(trace, dte, stage, request, ret);
    }
    note_entry(last_step(trace, stage), ret);
}

static enum amdvi_stage stage_of(const struct amdvi_iommu *iommu,
                                 const uint64_t dte[4],
                                 const struct amdvi_request *request)
{
    return uses_guest_table(iommu, dte, request) ? AMDVI_STAGE_GUEST
                                                 : AMDVI_STAGE_HOST;
}

void amdvi_probe_mapping(const struct amdvi_iommu *iommu,
                         const struct amdvi_mem *mem, const uint64_t dte[4],
                         const struct amdvi_request *request,
                         struct amdvi_mapping *ret)
{
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = { .step = step, .capacity = AMDVI_MAX_STEPS };

    look_at_mapping(iommu, mem, dte, request, stage_of(iommu, dte, request),
                    &trace, ret);
}

/* A lowest table leads to no other, unless what it says is translated again */
static bool in_last_table(const struct amdvi_trace *trace,
                          const struct amdvi_step *step)
{
    return step->level == 1 && (step->stage == AMDVI_STAGE_HOST ||
                                !last_step(trace, AMDVI_STAGE_HOST));
}

void amdvi_probe_tables(const struct amdvi_iommu *iommu,
                        const struct amdvi_mem *mem, const uint64_t dte[4],
                        const struct amdvi_request *request,
                        struct amdvi_mapping *ret)
{
    enum amdvi_stage stage = stage_of(iommu, dte, request);
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = { .step = step, .capacity = AMDVI_MAX_STEPS };
    const struct amdvi_step *last;

    look_at_mapping(iommu, mem, dte, request, stage, &trace, ret);
    last = last_step(&trace, stage);
    if (last && in_last_table(&trace, last)) {
        ret->last |= amdvi_ones(level_shift(2));
    } else if (last && !last->word[0]) {
        unsigned int shift = level_shift(last->level);
        uint64_t zeros = zeros_after(mem, last);
        uint64_t end = request->addr | amdvi_ones(shift);

        /* entries of the top table may be for addresses beyond 64 bits */
        ret->last = zeros > (UINT64_MAX - end) >> shift
                    ? UINT64_MAX : end + (zeros << shift);
    }
}

bool amdvi_mapping_join(struct amdvi_mapping *a,
                        const struct amdvi_mapping *b)
{
    if (!a->found || !b->found || a->last + 1 != b->first ||
        a->output + (a->last - a->first) + 1 != b->output ||
        a->perm != b->perm || a->accessed != b->accessed ||
        a->dirty != b->dirty) {
        return false;
    }
    a->last = b->last;
    return true;
}
