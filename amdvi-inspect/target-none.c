/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target of views that explain what the user typed: no machine at all.
 *
 * It has every feature, so that no bit counts as reserved only because some
 * IOMMU could lack it; its memory is unknown.
 */
#include "target.h"

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    (void)target;
    (void)addr;
    (void)buf;
    (void)len;
    (void)err;
    *ret_status = AMDVI_MEM_UNKNOWN;
    return true;
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    (void)target;
    (void)err;
    *ret_value = offset == AMDVI_MMIO_efr || offset == AMDVI_MMIO_efr2
                 ? UINT64_MAX : 0;
    return true;
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    (void)target;
    ret->kind = "none";
}

struct amdvi_target *amdvi_target_none(struct amdvi_error *err)
{
    static const struct amdvi_target_ops ops = {
        .read_memory = read_memory,
        .read_register = read_register,
        .describe = describe,
    };

    return amdvi_target_new(&ops, NULL, err);
}
