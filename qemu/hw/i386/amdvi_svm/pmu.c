/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance counters: what is counted, and for whom.  spec/registers.md 10,
 * spec/linux-guest.md 7.
 *
 * Memory requests that pass count as untranslated, pretranslated, excluded or
 * translated; translation requests (ATS) are no memory requests, but what is
 * looked up and read for them counts.  Directories and the DTEs of interrupts
 * are not cached, so all looking for them misses.  There is no virtual APIC
 * and no SMI filter, and nothing to count of them.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "pmu.h"

#define EVENT(name) BIT(AMDVI_pmu_event_##name)

/* An event without a device or domain; for PASIDs AMDVI_NO_PASID */
#define NOBODY UINT32_MAX

/* Whom an event is about: what counters can filter by */
typedef struct Subject {
    uint32_t device_id;
    uint32_t domain_id;
    uint32_t pasid;
} Subject;

QEMU_BUILD_BUG_ON(AMDVI_PMU_FIRST + AMDVI_PMU_REGISTERS !=
                  AMDVI_NUM_REGISTERS);
QEMU_BUILD_BUG_ON(AMDVI_LAYOUT_counter_0_0_report !=
                  AMDVI_PMU_FIRST + AMDVI_COUNTER_REPORT);

/* The registers of a counter */
static AmdviRegister *counter(AmdviEngine *e, unsigned int n)
{
    return &e->reg[AMDVI_PMU_FIRST + n * AMDVI_COUNTER_REGISTERS];
}

/* All counters have the fields of the first */
static unsigned int source(const AmdviRegister *c)
{
    uint64_t word = qatomic_read(&c[AMDVI_COUNTER_SOURCE].value);

    return amdvi_counter_0_0_source_event(&word);
}

void amdvi_svm_pmu_init(AmdviEngine *e)
{
    uint64_t *config = &e->reg[AMDVI_LAYOUT_counter_config].reset;

    if (amdvi_efr_pc_sup(&e->features.efr)) {
        amdvi_counter_config_set_counters(config, AMDVI_PMU_BANK_COUNTERS);
        amdvi_counter_config_set_banks(config, AMDVI_PMU_BANKS);
    }
}

void amdvi_svm_pmu_update(AmdviEngine *e)
{
    uint32_t events = 0;

    for (int i = 0; i < AMDVI_PMU_COUNTERS; i++) {
        unsigned int event = source(counter(e, i));

        events |= event < 32 ? BIT(event) : 0;
    }
    qatomic_set(&e->pmu_events, events & ~EVENT(off));
}

void amdvi_svm_pmu_sanitize(AmdviEngine *e)
{
    AmdviRegister *config = &e->reg[AMDVI_LAYOUT_counter_config];

    config->value = config->reset;
    for (int i = 0; i < AMDVI_PMU_REGISTERS; i++) {
        AmdviRegister *r = &e->reg[AMDVI_PMU_FIRST + i];

        r->value &= r->writable;
    }
}

bool amdvi_svm_pmu_refuses(AmdviEngine *e, enum amdvi_layout_id id)
{
    static const enum amdvi_layout_id locks[AMDVI_COUNTER_REGISTERS] = {
        [AMDVI_COUNTER_PASID] = AMDVI_LAYOUT_counter_pasid_lock,
        [AMDVI_COUNTER_DOMAIN] = AMDVI_LAYOUT_counter_domain_lock,
        [AMDVI_COUNTER_DEVICE] = AMDVI_LAYOUT_counter_device_lock,
    };
    unsigned int n = id - AMDVI_PMU_FIRST, bank;
    enum amdvi_layout_id lock;

    if (id < AMDVI_PMU_FIRST) {
        return false;
    }
    lock = locks[n % AMDVI_COUNTER_REGISTERS];
    bank = n / AMDVI_COUNTER_REGISTERS / AMDVI_PMU_BANK_COUNTERS;
    if (!lock || !(*amdvi_svm_reg(e, lock) & BIT_ULL(bank))) {
        return false;
    }
    qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: write to %s ignored: %s is "
                  "set for bank %u\n", amdvi_layouts[id].name,
                  amdvi_layouts[lock].name, bank);
    return true;
}

/* Whether a filter, all of which have the fields of the first, lets @id pass */
static bool matches(const AmdviRegister *filter, uint32_t id)
{
    uint64_t word = qatomic_read(&filter->value);

    return !amdvi_counter_0_0_device_en(&word) ||
           (id <= UINT16_MAX &&
            !((id ^ amdvi_counter_0_0_device_match(&word)) &
              amdvi_counter_0_0_device_mask(&word)));
}

/* Threads of several devices may count at once; 48 bits wrap around */
static void add(AmdviRegister *c, uint64_t n)
{
    uint64_t *count = &c[AMDVI_COUNTER_COUNT].value;
    uint64_t old = qatomic_read(count), seen, new;

    do {
        seen = old;
        new = seen + n;
        old = qatomic_cmpxchg(count, seen,
                              new & c[AMDVI_COUNTER_COUNT].writable);
    } while (old != seen);
}

/* Count @n of @event for @who */
static void count(AmdviEngine *e, const Subject *who, unsigned int event,
                  uint64_t n)
{
    for (int i = 0; i < AMDVI_PMU_COUNTERS; i++) {
        AmdviRegister *c = counter(e, i);

        if (source(c) == event &&
            matches(&c[AMDVI_COUNTER_PASID], who->pasid) &&
            matches(&c[AMDVI_COUNTER_DOMAIN], who->domain_id) &&
            matches(&c[AMDVI_COUNTER_DEVICE], who->device_id)) {
            add(c, n);
        }
    }
}

/* Count one of each of @events (a bit each) for @who */
static void count_all(AmdviEngine *e, const Subject *who, uint32_t events)
{
    events &= qatomic_read(&e->pmu_events);
    while (events) {
        count(e, who, ctz32(events), 1);
        events &= events - 1;
    }
}

static Subject subject_of(const struct amdvi_request *request,
                          uint32_t domain_id)
{
    return (Subject) {
        .device_id = request->device_id,
        .domain_id = domain_id,
        .pasid = request->pasid,
    };
}

static bool is_probe(const struct amdvi_request *request)
{
    return !amdvi_request_perm(request);
}

/* As what a request counts that passes, @translated by tables or not */
static uint32_t passed(const struct amdvi_request *request, bool translated)
{
    switch (request->kind) {
    case AMDVI_REQUEST_DMA:
        return translated ? EVENT(total_memory) : EVENT(untranslated_passes);
    case AMDVI_REQUEST_TRANSLATED:
        return EVENT(pretranslated);
    default:
        return 0;
    }
}

void amdvi_svm_pmu_hit(AmdviDevice *d, const struct amdvi_request *request,
                       const AmdviPath *path, unsigned int dte_event)
{
    Subject who = subject_of(request, path->space.domain_id);
    bool translated = !path->identity &&
                      request->kind != AMDVI_REQUEST_TRANSLATED;

    if (!is_probe(request)) {
        count_all(d->engine, &who,
                  BIT(dte_event) | passed(request, translated) |
                  (translated ? EVENT(pte_hit) : 0));
    }
}

void amdvi_svm_pmu_dte(AmdviDevice *d, const struct amdvi_request *request,
                       const uint64_t dte[4], unsigned int dte_event)
{
    Subject who = subject_of(request, amdvi_dte_domain_id(dte));

    if (!is_probe(request)) {
        count_all(d->engine, &who, BIT(dte_event));
    }
}

/* What happened to a request that was forwarded without tables */
static uint32_t forwarded(const struct amdvi_request *request,
                          const struct amdvi_result *result)
{
    return result->reason == AMDVI_REASON_EXCLUSION ? EVENT(excluded)
                                                    : passed(request, false);
}

void amdvi_svm_pmu_no_dte(AmdviDevice *d, const struct amdvi_request *request,
                          const struct amdvi_result *result)
{
    Subject who = subject_of(request, NOBODY);
    uint32_t events = 0;

    if (result->outcome == AMDVI_OUTCOME_FORWARDED) {
        events = forwarded(request, result);
    } else if (result->outcome == AMDVI_OUTCOME_ABORTED) {
        /* It was looked for, but cannot be read */
        events = EVENT(dte_miss);
    }
    if (!is_probe(request)) {
        count_all(d->engine, &who, events);
    }
}

/* Count what the steps of a walk have read.  Returns how many there were */
static uint64_t count_reads(AmdviEngine *e, const Subject *who,
                            const struct amdvi_trace *trace)
{
    uint64_t host = 0;

    for (size_t i = 0; i < trace->count; i++) {
        host += trace->step[i].stage == AMDVI_STAGE_HOST;
    }
    count(e, who, AMDVI_pmu_event_table_reads, trace->count);
    count(e, who, AMDVI_pmu_event_nested_reads, host);
    count(e, who, AMDVI_pmu_event_guest_reads, trace->count - host);
    return trace->count;
}

void amdvi_svm_pmu_walk(AmdviWalk *walk, const struct amdvi_iommu *view,
                        const uint64_t dte[4],
                        const struct amdvi_request *request,
                        struct amdvi_result *result)
{
    Subject who = subject_of(request, amdvi_dte_domain_id(dte));
    struct amdvi_step steps[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = {
        .step = steps,
        .capacity = ARRAY_SIZE(steps),
    };
    uint32_t events = 0;
    bool walked;

    amdvi_svm_walk_tables(walk, view, dte, request, &trace, result);
    if (is_probe(request)) {
        return;
    }
    walked = count_reads(walk->engine, &who, &trace);
    if (result->outcome == AMDVI_OUTCOME_FORWARDED) {
        events = forwarded(request, result);
    } else if (result->outcome == AMDVI_OUTCOME_TRANSLATED) {
        events = passed(request, walked);
    }
    if (walked) {
        events |= EVENT(pte_miss) |
                  (walk->skipped ? EVENT(pde_hit) : EVENT(pde_miss));
    }
    count_all(walk->engine, &who, events);
}

void amdvi_svm_pmu_abort(AmdviEngine *e, const struct amdvi_request *request,
                         const struct amdvi_result *result)
{
    Subject who = subject_of(request, result->domain_id);

    if (result->outcome == AMDVI_OUTCOME_ABORTED) {
        count_all(e, &who, EVENT(target_aborts));
    }
}

void amdvi_svm_pmu_interrupt(AmdviEngine *e, uint16_t device_id,
                             const struct amdvi_interrupt *interrupt)
{
    Subject who = { device_id, NOBODY, AMDVI_NO_PASID };

    if (interrupt->reason != AMDVI_REASON_IOMMU_DISABLED) {
        count_all(e, &who, EVENT(interrupt_dte_miss));
    }
}

void amdvi_svm_pmu_command(AmdviEngine *e, const uint64_t command[2])
{
    static const uint32_t also[] = {
        [AMDVI_CODE_invalidate_devtab_entry] = EVENT(invalidation_commands),
        [AMDVI_CODE_invalidate_iommu_pages] =
            EVENT(invalidation_commands) | EVENT(tlb_invalidations),
        [AMDVI_CODE_invalidate_iotlb_pages] = EVENT(invalidation_commands),
        [AMDVI_CODE_invalidate_interrupt_table] =
            EVENT(invalidation_commands),
        [AMDVI_CODE_invalidate_iommu_all] =
            EVENT(invalidation_commands) | EVENT(tlb_invalidations),
    };
    const struct amdvi_layout *layout =
        amdvi_layout_match(AMDVI_FAMILY_COMMAND, command[0]);
    uint64_t opcode = amdvi_completion_wait_opcode(command);
    Subject who = {
        amdvi_svm_entry_field(layout, "device_id", command, NOBODY),
        amdvi_svm_entry_field(layout, "domain_id", command, NOBODY),
        amdvi_svm_entry_pasid(layout, command),
    };

    count_all(e, &who, EVENT(commands) |
              (opcode < ARRAY_SIZE(also) ? also[opcode] : 0));
}

void amdvi_svm_pmu_access(AmdviEngine *e, enum amdvi_layout_id id)
{
    Subject who = { NOBODY, NOBODY, AMDVI_NO_PASID };

    if (id == AMDVI_LAYOUT_reserved_1ff8) {
        count_all(e, &who, EVENT(ignored_mmio));
    }
}
