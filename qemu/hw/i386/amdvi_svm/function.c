/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI function, which the stock model has made: its capability and its
 * messages.  spec/registers.md 1.1, 9.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/msi.h"
#include "state.h"

/* Offsets in the capability */
#define CAP_HEADER 0
#define CAP_BASE_LOW 0x04
#define CAP_MISC 0x10
/* Of CAP_BASE_LOW: registers can be accessed, and are always */
#define CAP_ENABLE 1

/*
 * The capability of the PCI function: ATS only if there is any, and NpCache
 * clear, since nothing absent is ever cached (spec/translation.md 5).
 */
static void set_capability(AMDVIState *s)
{
    uint8_t *cap = s->pci->dev.config + s->pci->capab_offset;
    uint64_t header = pci_get_long(cap + CAP_HEADER);

    amdvi_cap_header_set_iotlb_sup(&header, s->svm.ats == ON_OFF_AUTO_ON);
    amdvi_cap_header_set_np_cache(&header, 0);
    amdvi_cap_header_set_cap_rev(&header, 1);
    pci_set_long(cap + CAP_HEADER, header);
    pci_set_long(cap + CAP_BASE_LOW, AMDVI_BASE_ADDR | CAP_ENABLE);
    pci_set_long(cap + CAP_MISC, amdvi_svm_misc_word(&s->svm));
}

/*
 * A message of its own for the PPR log.  The stock model has one message,
 * and a stub of a second MSI capability that drivers may find first.
 */
static void set_up_msi(PCIDevice *pci)
{
    msi_uninit(pci);
    pci_del_capability(pci, PCI_CAP_ID_MSI, AMDVI_CAPAB_REG_SIZE);
    msi_init(pci, 0, AMDVI_SVM_MSI_COUNT, true, false, &error_abort);
}

void amdvi_svm_set_up_function(AMDVIState *s)
{
    set_up_msi(&s->pci->dev);
    set_capability(s);
}
