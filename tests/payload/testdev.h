/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svm-testdev as a source of DMA with a PASID: docs/specs/svm-testdev.md.  A
 * single write is done when its call is; many are done in QEMU's main thread.
 */
#ifndef PAYLOAD_TESTDEV_H
#define PAYLOAD_TESTDEV_H

#include <stdbool.h>
#include <stdint.h>

#define TESTDEV_ID 0x28                 /* 00:05.0 */
#define TESTDEV_PASID 5

/* Enable PASIDs and ATS */
void testdev_start(void);
/* 8 bytes of what it writes, which are all different at first */
void testdev_put(uint32_t offset, uint64_t value);
/* Write a page, untranslated, or through the device TLB */
void testdev_write_page(uint64_t address);
void testdev_write_page_ats(uint64_t address);
/* Let it ask for pages, and ask for one, alone in its group */
void testdev_start_requests(void);
void testdev_request_page(uint64_t address);
/* Write it @count times */
void testdev_write_often(uint64_t address, unsigned int count);
void testdev_write_often_ats(uint64_t address, unsigned int count);

#endif
