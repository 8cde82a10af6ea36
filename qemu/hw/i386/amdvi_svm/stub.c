/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For builds without the AMD IOMMU, where the ACPI code still refers to it. */
#include "qemu/osdep.h"
#include "hooks.h"

uint64_t amdvi_svm_ivrs(AMDVIState *s, AmdviIvrsWord word, uint64_t stock)
{
    return stock;
}

void amdvi_svm_append_ivhd_40h(AMDVIState *s, GArray *table_data,
                               guint ivhd_11h)
{
}
