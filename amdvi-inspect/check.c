/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings, and the rules about registers and rings.  See check.h.
 */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PAGE_SIZE 4096u
#define DETAIL_SIZE 256
/* Entries that the walks of one check visit, about: a second's work */
#define MAX_STEPS (1u << 20)

const struct amdvi_rule amdvi_rules[AMDVI_NUM_RULES] = {
#define AMDVI_RULE(ID, id, severity, meaning)                                \
    { id, AMDVI_SEVERITY_##severity, meaning },
#include "check-rules.def"
#undef AMDVI_RULE
};

void amdvi_check_find(struct amdvi_check *check, enum amdvi_rule_id rule,
                      const char *place, const char *detail, ...)
{
    struct amdvi_finding *finding = &check->finding[check->count];
    char text[DETAIL_SIZE];
    va_list args;

    if (check->of_rule[rule]++ >= AMDVI_MAX_FINDINGS_OF_RULE ||
        check->count == AMDVI_MAX_FINDINGS) {
        return;
    }
    va_start(args, detail);
    vsnprintf(text, sizeof(text), detail, args);
    va_end(args);
    finding->rule = rule;
    finding->place = amdvi_strings_add(&check->strings, "%s", place);
    finding->detail = amdvi_strings_add(&check->strings, "%s", text);
    check->count += finding->place && finding->detail;
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
    check_ring_memory(check, ring);
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

bool amdvi_check_run(struct amdvi_check *check, struct amdvi_error *err)
{
    check->steps_left = MAX_STEPS;
    amdvi_check_ivrs(check);
    return amdvi_check_rings(check, err) &&
           amdvi_check_devices(check, err) &&
           amdvi_memory_good(check->memory, err) &&
           amdvi_check_caches(check, err);
}
