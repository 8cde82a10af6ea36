/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings, and the rules about registers and rings.  See check.h.
 */
#include "check.h"
#include "interrupt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE_SIZE 4096u
#define DETAIL_SIZE 256
/*
 * Entries that the walks of one check visit, about: a second's work.  Fuzz
 * targets, which take longer for each and have small tables, visit fewer.
 */
#ifndef AMDVI_CHECK_STEPS
#define AMDVI_CHECK_STEPS (1u << 20)
#endif
/* Times that a finding on a guest that runs must be seen */
#define LOOKS 4

const struct amdvi_rule amdvi_rules[AMDVI_NUM_RULES] = {
#define AMDVI_RULE(ID, id, severity, meaning)                                \
    { id, AMDVI_SEVERITY_##severity, meaning },
#include "check-rules.def"
#undef AMDVI_RULE
};

void amdvi_findings_free(struct amdvi_findings *found)
{
    amdvi_strings_free(&found->strings);
    free(found->finding);
    memset(found, 0, sizeof(*found));
}

/* Room for one more; NULL if there is none */
static struct amdvi_finding *add_finding(struct amdvi_findings *found,
                                         enum amdvi_rule_id rule)
{
    size_t count = found->count;

    if (found->of_rule[rule]++ >= AMDVI_MAX_FINDINGS_OF_RULE) {
        return NULL;
    }
    /* the array grows at every power of two */
    if ((count & (count - 1)) == 0) {
        struct amdvi_finding *grown = realloc(
            found->finding, (count ? 2 * count : 1) * sizeof(*grown));

        if (!grown) {
            return NULL;
        }
        found->finding = grown;
    }
    return &found->finding[count];
}

__attribute__((format(printf, 5, 0)))
static void add_details(struct amdvi_check *check, enum amdvi_rule_id rule,
                        const char *place, const struct amdvi_record *record,
                        const char *detail, va_list args)
{
    struct amdvi_findings *found = &check->found;
    struct amdvi_finding *finding = add_finding(found, rule);
    char text[DETAIL_SIZE];

    if (!finding) {
        return;
    }
    vsnprintf(text, sizeof(text), detail, args);
    finding->rule = rule;
    finding->place = amdvi_strings_add(&found->strings, "%s", place);
    finding->detail = amdvi_strings_add(&found->strings, "%s", text);
    finding->record = record ? *record : (struct amdvi_record){ .count = 0 };
    found->count += finding->place && finding->detail;
}

void amdvi_check_find(struct amdvi_check *check, enum amdvi_rule_id rule,
                      const char *place, const char *detail, ...)
{
    va_list args;

    va_start(args, detail);
    add_details(check, rule, place, NULL, detail, args);
    va_end(args);
}

void amdvi_check_find_in(struct amdvi_check *check, enum amdvi_rule_id rule,
                         const char *place, const struct amdvi_record *record,
                         const char *detail, ...)
{
    va_list args;

    va_start(args, detail);
    add_details(check, rule, place, record, detail, args);
    va_end(args);
}

const char *amdvi_untried_text(enum amdvi_untried why)
{
    static const char *const texts[AMDVI_NUM_UNTRIED] = {
        [AMDVI_TRIED] = "it was tried",
        [AMDVI_UNTRIED_DEVICE] = "only the device knows, and it did not tell",
        [AMDVI_UNTRIED_CONFIG] = "PCI configuration space cannot be read",
        [AMDVI_UNTRIED_FIRMWARE] = "the firmware's tables are not there",
        [AMDVI_UNTRIED_TIME] = "only a machine that runs can tell",
    };

    return texts[why];
}

/* Pages of a ring that are not RAM */
static void check_ring_memory(struct amdvi_check *check,
                              const struct amdvi_ring *ring)
{
    struct amdvi_mem *mem = &check->memory->mem;
    uint32_t missing = 0;
    uint64_t first = 0;

    for (uint32_t at = 0; at < ring->bytes; at += PAGE_SIZE) {
        uint8_t byte;
        enum amdvi_mem_status status = mem->read(mem->opaque, ring->base + at,
                                                 &byte, 1);

        check->not_in_dump = check->not_in_dump ||
                             status == AMDVI_MEM_UNKNOWN;
        if (status == AMDVI_MEM_ABORT && missing++ == 0) {
            first = ring->base + at;
        }
    }
    if (missing) {
        amdvi_check_find(check, AMDVI_RULE_RING_OUTSIDE_RAM, ring->name,
                         "%" PRIu32 " pages, the first at 0x%" PRIx64,
                         missing, first);
    }
}

static void check_ring(struct amdvi_check *check,
                       const struct amdvi_ring *ring)
{
    if (ring->overflow) {
        amdvi_check_find(check, AMDVI_RULE_RING_OVERFLOW, ring->name,
                         "overflow is set in the status register");
    }
    if (ring->bytes == 0 && ring->base) {
        amdvi_check_find(check, AMDVI_RULE_RING_LENGTH, ring->name,
                         "base register at 0x%" PRIx64, ring->base);
    }
    if (!ring->enabled) {
        return;
    }
    if (!ring->sane) {
        amdvi_check_find(check, AMDVI_RULE_RING_POINTER, ring->name,
                         "head 0x%" PRIx32 ", tail 0x%" PRIx32
                         ", 0x%" PRIx32 " bytes", ring->head, ring->tail,
                         ring->bytes);
    }
    if (check->memory) {
        check_ring_memory(check, ring);
    }
}

/* Rules about one ring in particular */
static void check_run_bits(struct amdvi_check *check,
                           const struct amdvi_ring *ring)
{
    const struct amdvi_ring *command = &ring[AMDVI_RING_COMMAND];
    const struct amdvi_ring *event = &ring[AMDVI_RING_EVENT];

    if (command->enabled && !command->running) {
        amdvi_check_find(check, AMDVI_RULE_COMMAND_STALLED, command->name,
                         "CmdBufEn=1, CmdBufRun=0, head 0x%" PRIx32,
                         command->head);
    }
    if (amdvi_control_iommu_en(&check->iommu.control) && !event->overflow &&
        !(event->running && event->enabled)) {
        amdvi_check_find(check, AMDVI_RULE_EVENT_LOG_OFF, event->name,
                         "EventLogEn=%d, EventLogRun=%d",
                         (int)amdvi_control_event_log_en(
                             &check->iommu.control), event->running);
    }
}

static bool check_hardware_error(struct amdvi_check *check,
                                 struct amdvi_error *err)
{
    uint64_t status, lower, upper;

    if (!amdvi_feature(&check->iommu.features, AMDVI_FEATURE_he_sup)) {
        return true;
    }
    if (!amdvi_target_register(check->target, AMDVI_LAYOUT_hw_event_status,
                               &status, err) ||
        !amdvi_target_register(check->target, AMDVI_LAYOUT_hw_event_lower,
                               &lower, err) ||
        !amdvi_target_register(check->target, AMDVI_LAYOUT_hw_event_upper,
                               &upper, err)) {
        return false;
    }
    if (amdvi_hw_event_status_hev(&status)) {
        amdvi_check_find(check, AMDVI_RULE_HARDWARE_ERROR, "registers",
                         "hardware event 0x%016" PRIx64 " 0x%016" PRIx64,
                         lower, upper);
    }
    return true;
}

bool amdvi_check_rings(struct amdvi_check *check, struct amdvi_error *err)
{
    struct amdvi_ring ring[AMDVI_NUM_RINGS];

    for (int id = 0; id < AMDVI_NUM_RINGS; id++) {
        if (!amdvi_target_ring(check->target, (enum amdvi_ring_id)id,
                               &ring[id], err)) {
            return false;
        }
        if (ring[id].present) {
            check_ring(check, &ring[id]);
        }
    }
    check_run_bits(check, ring);
    return check_hardware_error(check, err);
}

/* Try every rule once, on what is there now */
static bool look(struct amdvi_check *check, struct amdvi_error *err)
{
    amdvi_target_refresh(check->target);
    amdvi_memory_forget(check->memory);
    if (!amdvi_target_iommu(check->target, &check->iommu, err)) {
        return false;
    }
    check->steps_left = AMDVI_CHECK_STEPS;
    amdvi_check_ivrs(check);
    return amdvi_check_rings(check, err) &&
           amdvi_check_devices(check, err) &&
           amdvi_memory_good(check->memory, err) &&
           amdvi_check_caches(check, err);
}

static bool is_of_cache(enum amdvi_rule_id rule)
{
    return rule == AMDVI_RULE_STALE_ENTRY || rule == AMDVI_RULE_UNBACKED_ENTRY;
}

/* A cached entry is the same only if it also says the same */
static bool same_finding(const struct amdvi_finding *a,
                         const struct amdvi_finding *b)
{
    return a->rule == b->rule && strcmp(a->place, b->place) == 0 &&
           (!is_of_cache(a->rule) || strcmp(a->detail, b->detail) == 0);
}

static bool holds(const struct amdvi_findings *found,
                  const struct amdvi_finding *finding)
{
    for (size_t i = 0; i < found->count; i++) {
        if (same_finding(&found->finding[i], finding)) {
            return true;
        }
    }
    return false;
}

/* Of @now only what was there @before; more than are kept stay uncounted */
static void keep_confirmed(struct amdvi_findings *now,
                           const struct amdvi_findings *before)
{
    size_t kept = 0;

    for (size_t i = 0; i < now->count; i++) {
        const struct amdvi_finding *finding = &now->finding[i];

        if (holds(before, finding)) {
            now->finding[kept++] = *finding;
        } else {
            now->of_rule[finding->rule]--;
        }
    }
    now->count = kept;
    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        if (now->of_rule[i] > before->of_rule[i]) {
            now->of_rule[i] = before->of_rule[i];
        }
    }
}

/* Let the guest run; false if the user wants to stop */
static bool wait_ms(uint64_t ms, struct amdvi_error *err)
{
    const struct timespec time = {
        .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000,
    };

    nanosleep(&time, NULL);
    return !amdvi_interrupt_get() || amdvi_interrupt_fail(err);
}

static bool look_again(struct amdvi_check *check, struct amdvi_error *err)
{
    struct amdvi_findings before = check->found;
    bool good;

    memset(&check->found, 0, sizeof(check->found));
    good = wait_ms(check->grace_ms / (LOOKS - 1), err) && look(check, err);
    keep_confirmed(&check->found, &before);
    amdvi_findings_free(&before);
    return good;
}

/* Without time to invalidate it, an entry may disagree */
static void doubt_entries(struct amdvi_check *check)
{
    struct amdvi_findings *found = &check->found;

    for (size_t i = 0; i < found->count; i++) {
        if (is_of_cache(found->finding[i].rule)) {
            found->finding[i].rule = AMDVI_RULE_DISAGREEING_ENTRY;
        }
    }
    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        if (is_of_cache((enum amdvi_rule_id)i) && found->of_rule[i]) {
            check->untried[i] = AMDVI_UNTRIED_TIME;
            found->of_rule[AMDVI_RULE_DISAGREEING_ENTRY] += found->of_rule[i];
            found->of_rule[i] = 0;
        }
    }
}

/* Look until the grace is over; *@ret: the guest had all of that time */
static bool confirm(struct amdvi_check *check, bool *ret,
                    struct amdvi_error *err)
{
    bool before, after = false;
    bool good = amdvi_target_running(check->target, &before, err);

    for (int i = 1; good && check->found.count && i < LOOKS; i++) {
        good = look_again(check, err);
    }
    good = good && amdvi_target_running(check->target, &after, err);
    *ret = before && after;
    return good;
}

bool amdvi_check_run(struct amdvi_check *check, struct amdvi_error *err)
{
    bool had_time = false, good = look(check, err);

    if (good && check->found.count && check->target->ops->pause) {
        good = confirm(check, &had_time, err);
    }
    if (!had_time) {
        doubt_entries(check);
    }
    return good;
}
