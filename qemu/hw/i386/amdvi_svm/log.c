/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings that the IOMMU writes to: spec/registers.md 8.1, 8.3 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "state.h"
#include "trace.h"

void amdvi_svm_overflow(AmdviEngine *e, AmdviRingId id,
                        const uint64_t record[2])
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

AmdviLogged amdvi_svm_log(AmdviEngine *e, AmdviRingId id,
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
        amdvi_svm_overflow(e, id, record);
        return AMDVI_LOG_OVERFLOW;
    }
    append(e, ring, record, next);
    return AMDVI_LOGGED;
}
