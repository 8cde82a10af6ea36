/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Just enough of Intel's IOMMU to test our functions behind it: legacy mode,
 * one domain with three levels, requests translated by ATS as well.
 */
#ifndef AMDVI_VTD_H
#define AMDVI_VTD_H

#include "libqtest.h"

/* Where its tables and its invalidation queue are */
#define VTD_TABLES 0x3000000ULL         /* 16 pages */

#define VTD_QUEUE (VTD_TABLES + 0x5000)
#define VTD_QUEUE_TAIL 0xfed90088ULL    /* the register */

/* Leaf entries */
#define VTD_READ 0x1
#define VTD_WRITE 0x2
#define VTD_LARGE 0x80                  /* a page of 2 MiB, in level 2 */

typedef struct Vtd {
    QTestState *qts;
    uint16_t id;                /* of the function whose requests it takes */
    uint32_t tail;              /* of the invalidation queue, in bytes */
} Vtd;

/* Translate for function @id of bus 0; nothing is mapped yet */
void vtd_set_up(Vtd *v, QTestState *qts, uint16_t id);
/* Map the page at @iova (below 2 MiB) with VTD_READ and VTD_WRITE; 0: unmap */
void vtd_map(Vtd *v, uint64_t iova, uint64_t addr, uint64_t rights);
/* Give function @id, on the bus of the first or another, three levels */
void vtd_attach(Vtd *v, uint16_t id, uint16_t domain, uint64_t address);
/* Use another table of three levels, from now on */
void vtd_set_top(Vtd *v, uint64_t address);
/* Invalidate the IOMMU's translations, and the device's of a page or all */
void vtd_invalidate_iommu(Vtd *v);
void vtd_invalidate_device_page(Vtd *v, uint64_t iova);
void vtd_invalidate_device(Vtd *v);

#endif
