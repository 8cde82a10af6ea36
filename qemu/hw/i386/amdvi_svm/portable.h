/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What caches, flight recorder and counters need of their surroundings: they
 * know nothing of QEMU's device model, so that unit tests can include them
 * and run them in threads under a sanitizer.
 *
 * Readers take no lock.  They use sequence counters whose data words are all
 * atomic: a writer stores each with release, a reader loads each with
 * acquire, so that no fence is needed and a thread sanitizer understands it.
 */
#ifndef AMDVI_SVM_PORTABLE_H
#define AMDVI_SVM_PORTABLE_H

#if __has_include("qemu/osdep.h")

#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/host-utils.h"
#include "hw/i386/amdvi/amdvi.h"

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "amdvi.h"

#define qatomic_read(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define qatomic_set(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define qatomic_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define qatomic_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define QEMU_ALWAYS_INLINE __attribute__((always_inline))
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ctz32(x) __builtin_ctz(x)
#define ctz64(x) __builtin_ctzll(x)
#define g_new0(type, n) ((type *)calloc(n, sizeof(type)))
#define g_free free
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

#endif

/*
 * A sequence counter of one writer at a time; odd while it writes.  Unlike
 * QemuSeqLock's, its readers never wait: they take what changes under them
 * for something that is not there.
 */
static inline void amdvi_seq_begin(uint32_t *seq)
{
    qatomic_set(seq, *seq + 1);
}

static inline void amdvi_seq_end(uint32_t *seq)
{
    qatomic_store_release(seq, *seq + 1);
}

/* Spread the bits of @key over the top bits of the result */
static inline uint64_t amdvi_hash(uint64_t key)
{
    return key * UINT64_C(0x9e3779b97f4a7c15);
}

#endif
