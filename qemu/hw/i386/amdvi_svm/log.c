/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings that the IOMMU writes to: spec/registers.md 8.1, 8.3 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "state.h"
#include "trace.h"

/* The log is full: the record is lost, and so are all until a restart */
static void overflow(AmdviEngine *e, AmdviRingId id, const uint64_t record[2])
{
    const AmdviRing *ring = &amdvi_svm_rings[id];
    uint64_t *status = amdvi_svm_reg(e, AMDVI_LAYOUT_status);

    trace_amdvi_svm_log_overflow(ring->name, record[0], record[1]);
    qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: %s overflow\n", ring->name);
    amdvi_svm_record_entry(e, AMDVI_RECORD_OVERFLOW, ring->family,
                           id, record);
    ring->set_overflow(status, 1);
    ring->set_running(status, 0);
    ring->set_interrupt(status, 1);
}

/* Write a record at the tail: all of it, before the tail moves */
static void append(AmdviEngine *e, const AmdviRing *ring,
                   const uint64_t record[2], uint32_t next)
{
    uint64_t *tail = amdvi_svm_reg(e, ring->tail);
    /* Every ring has its base where this one has it */
    uint64_t spa = amdvi_event_base_base(amdvi_svm_reg(e, ring->base)) + *tail;
    uint64_t entry[2] = { cpu_to_le64(record[0]), cpu_to_le64(record[1]) };

    trace_amdvi_svm_log(ring->name, record[0], record[1], (uint32_t)*tail);
    if (!amdvi_svm_store(spa, entry, sizeof(entry))) {
        qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: the %s at 0x%" PRIx64
                      " is not in RAM\n", ring->name, spa);
    }
    amdvi_svm_record_entry(e, ring->kind, ring->family, (uint32_t)*tail,
                           record);
    *tail = next;
    ring->set_interrupt(amdvi_svm_reg(e, AMDVI_LAYOUT_status), 1);
}

static AmdviLogged write_record(AmdviEngine *e, AmdviRingId id,
                                const uint64_t record[2])
{
    const AmdviRing *ring = &amdvi_svm_rings[id];
    uint32_t bytes = amdvi_svm_ring_bytes(e, ring);
    uint32_t next = amdvi_ring_next(*amdvi_svm_reg(e, ring->tail), bytes);

    if (!ring->running(amdvi_svm_reg(e, AMDVI_LAYOUT_status))) {
        trace_amdvi_svm_log_stopped(ring->name, record[0], record[1]);
        return AMDVI_LOG_STOPPED;
    }
    if (next == *amdvi_svm_reg(e, ring->head)) {
        overflow(e, id, record);
        return AMDVI_LOG_OVERFLOW;
    }
    append(e, ring, record, next);
    if (id == AMDVI_RING_PPR) {
        amdvi_svm_request_logged(e);
    }
    return AMDVI_LOGGED;
}

AmdviLogged amdvi_svm_log(AmdviEngine *e, AmdviRingId id,
                          const uint64_t record[2], bool hardware_error)
{
    if (amdvi_svm_is_holding(e)) {
        return amdvi_svm_withhold(e, id, record, AMDVI_LOGGED,
                                  hardware_error);
    }
    if (hardware_error) {
        amdvi_svm_set_hardware_error(e, record);
    }
    return write_record(e, id, record);
}

void amdvi_svm_lose(AmdviEngine *e, AmdviRingId id, const uint64_t record[2])
{
    if (amdvi_svm_is_holding(e)) {
        amdvi_svm_withhold(e, id, record, AMDVI_LOG_OVERFLOW, false);
    } else {
        overflow(e, id, record);
    }
}

void amdvi_svm_publish(AmdviEngine *e, const AmdviHeld *held)
{
    const AmdviRing *ring = &amdvi_svm_rings[held->ring];

    if (held->hardware_error) {
        amdvi_svm_set_hardware_error(e, held->words);
    }
    if (held->logged == AMDVI_LOGGED) {
        write_record(e, held->ring, held->words);
    } else if (held->logged == AMDVI_LOG_OVERFLOW &&
               ring->running(amdvi_svm_reg(e, AMDVI_LAYOUT_status))) {
        overflow(e, held->ring, held->words);
    }
}
