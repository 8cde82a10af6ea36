/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IOMMU, svm-testdev and the DSA as a program for random bytes: each
 * eight of them are an operation that looks valid, or nearly so.  Linked into
 * QEMU's fuzzer (fuzz-target.c), and into a test that replays stored programs
 * (fuzz-test.c).
 */
#ifndef AMDVI_FUZZ_WORLD_H
#define AMDVI_FUZZ_WORLD_H

#include "dsa.h"
#include "fortress.h"

/* The machine, but for the accelerator */
#define FUZZ_WORLD_MACHINE \
    "-machine q35 -m 256M -nodefaults " \
    "-device amd-iommu,svm=on,pmu=on,intremap=on,xtsup=on,iotlb-size=64 " \
    "-device svm-testdev,addr=06.0,tlb-entries=16 -device dsa,addr=07.0 "

typedef struct FuzzWorld {
    Svm svm;
    Dsa dsa;
    /* Let the main loop run, where it does not do so by itself */
    void (*settle)(QTestState *qts);
} FuzzWorld;

/*
 * Set up the devices of a machine that was reset, then execute a program of
 * @size bytes; what does not make an operation at its end is ignored.
 */
void fuzz_world_run(QTestState *qts, void (*settle)(QTestState *qts),
                    const uint8_t *data, size_t size);

#endif
