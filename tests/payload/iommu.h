/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IOMMU as a driver uses it; commands may come from several processors.
 * Structures are numbers of spec/structures.md.
 */
#ifndef PAYLOAD_IOMMU_H
#define PAYLOAD_IOMMU_H

#include <stdbool.h>
#include <stdint.h>

typedef enum IommuLog { IOMMU_EVENTS, IOMMU_REQUESTS } IommuLog;

#define IOMMU_REGISTERS 0xfed80000ULL

/*
 * Tables and rings in place, everything enabled; all DTEs are invalid at first.
 * May be called again, whatever has been done to the registers.
 */
void iommu_start(void);
/* Write a register */
void iommu_write(uint32_t offset, uint64_t value);
/* Write a DTE of bus 0, and wait until the IOMMU has heard of it */
void iommu_set_dte(uint16_t device_id, const uint64_t dte[4]);
/*
 * Wait until the IOMMU has forgotten a page of the host table of a domain, and
 * the directories on the way to it,
 */
void iommu_invalidate_host(uint16_t domain_id, uint64_t page);
/* of the table of one of its PASIDs, or until a device's TLB has */
void iommu_invalidate_guest(uint16_t domain_id, uint32_t pasid, uint64_t page);
void iommu_invalidate_device(uint16_t device_id, uint32_t pasid,
                             uint64_t page);
/* Let devices ask for pages, and log that; after iommu_start() */
void iommu_start_requests(void);
/* The tail of a log, from its register */
uint32_t iommu_tail(IommuLog log);
/*
 * The next entry of a log as soon as it is in memory, whatever the registers
 * say.  False if it is not there yet.
 */
bool iommu_peek(IommuLog log, uint64_t entry[2]);
/* Take it out of the log */
void iommu_drop(IommuLog log);
/* Have a value stored by COMPLETION_WAIT; does not wait for it */
void iommu_store(volatile uint64_t *place, uint64_t value);
/* How many events came since the last call, and the last one of them */
unsigned int iommu_take_events(uint64_t last[2]);

#endif
