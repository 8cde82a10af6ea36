/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions of a VM as QEMU's query-pci lists them.
 */
#ifndef AMDVI_INSPECT_PCI_H
#define AMDVI_INSPECT_PCI_H

#include "qmp.h"

#include <stdint.h>

/* Class code of an IOMMU: base class 08h, subclass 06h */
#define AMDVI_PCI_CLASS_IOMMU 0x0806

struct amdvi_pci_function {
    uint16_t device_id;         /* bus << 8 | device << 3 | function */
    uint16_t vendor;
    uint16_t device;
    uint16_t class_code;        /* base class and subclass */
    char *name;                 /* QEMU's id of the device, or "" */
    char *description;          /* "SATA controller", or the class */
};

/* Ascending by device_id, each once */
struct amdvi_pci_list {
    struct amdvi_pci_function *function;
    size_t count;
};

/* Fill @ret, which the caller frees.  Strings are as QEMU sent them */
bool amdvi_pci_query(struct amdvi_qmp *qmp, struct amdvi_pci_list *ret,
                     struct amdvi_error *err);
/*
 * The same from the text of the monitor command "info pci".  Lines that are
 * not understood are passed over.
 */
bool amdvi_pci_parse(const char *text, struct amdvi_pci_list *ret,
                     struct amdvi_error *err);
void amdvi_pci_list_free(struct amdvi_pci_list *list);

/* Append a function; with @description "" it gets that of its class */
bool amdvi_pci_add(struct amdvi_pci_list *list,
                   const struct amdvi_pci_function *numbers, const char *name,
                   const char *description, struct amdvi_error *err);
/* Bring a list into the order promised above */
void amdvi_pci_sort(struct amdvi_pci_list *list);

/* NULL if there is none */
const struct amdvi_pci_function *
amdvi_pci_find(const struct amdvi_pci_list *list, uint16_t device_id);

#endif
