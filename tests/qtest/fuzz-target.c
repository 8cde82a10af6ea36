/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz-world.h as a target of QEMU's fuzzer:
 * qemu-fuzz-x86_64 --fuzz-target=amd-iommu-svm CORPUS
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "fuzz/fuzz.h"
#include "fuzz-world.h"

static GString *command_line(FuzzTarget *t)
{
    return g_string_new(TARGET_NAME " -display none -accel qtest "
                        FUZZ_WORLD_MACHINE);
}

static void fuzz(QTestState *qts, const unsigned char *data, size_t size)
{
    fuzz_world_run(qts, flush_events, data, size);
    fuzz_reset(qts);
}

static void register_target(void)
{
    fuzz_add_target(&(FuzzTarget) {
        .name = "amd-iommu-svm",
        .description = "AMD IOMMU with PASIDs, and devices that use them",
        .get_init_cmdline = command_line,
        .fuzz = fuzz,
    });
}

fuzz_target_init(register_target);
