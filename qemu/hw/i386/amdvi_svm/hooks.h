/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the stock AMD IOMMU model calls.
 *
 * With svm=on an engine of its own takes the place of the stock code: its
 * registers, rings, translation and interrupt remapping.  With svm=off every
 * function here gives back what it was given, so that nothing changes.
 * spec/qemu-integration.md 3.3.
 */
#ifndef AMDVI_SVM_HOOKS_H
#define AMDVI_SVM_HOOKS_H

#include "hw/pci/pci.h"
#include "hw/pci/msi.h"
#include "hw/misc/svm/qemu-api.h"
#include "hw/misc/svm/pasid-dma.h"

typedef struct AMDVIState AMDVIState;
typedef struct AmdviEngine AmdviEngine;

/* Values of the device options; those of limits are -1 when not given */
typedef struct AmdviOptions {
    bool svm;
    bool pmu;
    int dma_remap_set;          /* how often: the default counts, too */
    int32_t pasid_bits;
    int32_t guest_levels;
    int32_t iotlb_size;
    OnOffAuto ats;
    OnOffAuto pri;
} AmdviOptions;

/* Words of the IVRS table that depend on the engine */
typedef enum AmdviIvrsWord {
    AMDVI_IVRS_REVISION,
    AMDVI_IVRS_INFO,            /* IVinfo */
    AMDVI_IVRS_FLAGS_10H,       /* flags of the IVHD of type 10h */
    AMDVI_IVRS_FLAGS_11H,
    AMDVI_IVRS_FEATURES,        /* feature reporting of type 10h */
    AMDVI_IVRS_ATTRIBUTES,      /* attributes of types 11h and 40h */
    AMDVI_IVRS_EFR2,            /* EFR2 image of types 11h and 40h */
} AmdviIvrsWord;

/* A bool that counts in AmdviOptions how often it was set */
extern const PropertyInfo amdvi_svm_prop_dma_remap;

/* Check the options, fill in defaults.  Returns false with @errp set */
bool amdvi_svm_check_options(AMDVIState *s, Error **errp);
/* The class gets a reset that runs after devices have become quiet */
void amdvi_svm_class_init(DeviceClass *dc);
/* Set the engine up, once the stock regions exist */
void amdvi_svm_realize(AMDVIState *s);

/* Each returns the engine's answer, or @stock with svm=off */
const MemoryRegionOps *amdvi_svm_mmio_ops(AMDVIState *s,
                                          const MemoryRegionOps *stock);
uint64_t amdvi_svm_mmio_size(AMDVIState *s, uint64_t stock);
const PCIIOMMUOps *amdvi_svm_pci_ops(AMDVIState *s, const PCIIOMMUOps *stock);
uint64_t amdvi_svm_efr(AMDVIState *s, uint64_t stock);
uint64_t amdvi_svm_ivrs(AMDVIState *s, AmdviIvrsWord word, uint64_t stock);
/*
 * Append an IVHD of type 40h, which repeats the one of type 11h that the
 * table ends with, from byte @ivhd_11h on.
 */
void amdvi_svm_append_ivhd_40h(AMDVIState *s, GArray *table_data,
                               guint ivhd_11h);

/*
 * Remap the message @origin of the device @sid into @translated.
 * Returns 0, or a negative value if the message is to be dropped.
 */
int amdvi_svm_remap(AMDVIState *s, const MSIMessage *origin,
                    MSIMessage *translated, uint16_t sid);

#endif
