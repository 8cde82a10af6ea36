/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance counters (pmu=on): spec/registers.md 10.
 *
 * A counter is six registers of the register file, and its count is kept in
 * the first of them.  Software sets them up with the lock of the engine held;
 * counting needs no lock.
 *
 * Where something happens that could be counted, amdvi_svm_pmu_is_on() is to
 * be asked before anything is found out about it.
 */
#ifndef AMDVI_SVM_PMU_H
#define AMDVI_SVM_PMU_H

#include "state.h"

/* Registers of a counter, in the order of their offsets */
typedef enum AmdviCounterRegister {
    AMDVI_COUNTER_COUNT,
    AMDVI_COUNTER_SOURCE,
    AMDVI_COUNTER_PASID,
    AMDVI_COUNTER_DOMAIN,
    AMDVI_COUNTER_DEVICE,
    AMDVI_COUNTER_REPORT,
    AMDVI_COUNTER_REGISTERS
} AmdviCounterRegister;

/* What the rows counter_<bank>_<number> of libamdvi say, too */
#define AMDVI_PMU_BANKS 2
#define AMDVI_PMU_BANK_COUNTERS 4
#define AMDVI_PMU_COUNTERS (AMDVI_PMU_BANKS * AMDVI_PMU_BANK_COUNTERS)
#define AMDVI_PMU_FIRST AMDVI_LAYOUT_counter_0_0
#define AMDVI_PMU_REGISTERS (AMDVI_PMU_COUNTERS * AMDVI_COUNTER_REGISTERS)

/* Whether a counter counts anything: on the way of every request */
static inline bool amdvi_svm_pmu_is_on(const AmdviEngine *e)
{
    return unlikely(qatomic_read(&e->pmu_events));
}

/* Constants that the options make of the registers; at realize */
void amdvi_svm_pmu_init(AmdviEngine *e);
/* Software, a reset or a migration has changed registers.  Needs the lock */
void amdvi_svm_pmu_update(AmdviEngine *e);
/* Make what has come in obey the masks of the registers.  Needs the lock */
void amdvi_svm_pmu_sanitize(AmdviEngine *e);
/* Whether a bank lock forbids to write the register.  Needs the lock */
bool amdvi_svm_pmu_refuses(AmdviEngine *e, enum amdvi_layout_id id);

/*
 * What happens, by where.  Events are AMDVI_pmu_event_*, and those of requests
 * do not count for probes, which no device has sent.
 *
 * A request was served from the caches, and @dte_event is about its DTE.
 */
void amdvi_svm_pmu_hit(AmdviDevice *d, const struct amdvi_request *request,
                       const AmdviPath *path, unsigned int dte_event);
/* The DTE of a request was found in the cache, or read */
void amdvi_svm_pmu_dte(AmdviDevice *d, const struct amdvi_request *request,
                       const uint64_t dte[4], unsigned int dte_event);
/* A request ended without a DTE */
void amdvi_svm_pmu_no_dte(AmdviDevice *d, const struct amdvi_request *request,
                          const struct amdvi_result *result);
/* amdvi_svm_walk_tables(), and count what it does */
void amdvi_svm_pmu_walk(AmdviWalk *walk, const struct amdvi_iommu *view,
                        const uint64_t dte[4],
                        const struct amdvi_request *request,
                        struct amdvi_result *result);
/* A memory request was aborted */
void amdvi_svm_pmu_abort(AmdviEngine *e, const struct amdvi_request *request,
                         const struct amdvi_result *result);
/* An interrupt of @device_id was judged */
void amdvi_svm_pmu_interrupt(AmdviEngine *e, uint16_t device_id,
                             const struct amdvi_interrupt *interrupt);
/* A command was executed */
void amdvi_svm_pmu_command(AmdviEngine *e, const uint64_t command[2]);
/* Software has read or written a register */
void amdvi_svm_pmu_access(AmdviEngine *e, enum amdvi_layout_id id);

#endif
