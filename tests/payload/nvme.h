/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe controller as a source of DMA: its Identify command writes a page.
 * QEMU executes commands in its main thread, while all processors go on.
 */
#ifndef PAYLOAD_NVME_H
#define PAYLOAD_NVME_H

#include <stdbool.h>
#include <stdint.h>

#define NVME_ID 0x20                    /* 00:04.0 */

void nvme_start(void);
/* Let it write a page, and whether it has come to an end */
void nvme_begin_write(uint64_t address);
bool nvme_end_write(void);
/* Both; it does not find out whether that was possible */
void nvme_write_page(uint64_t address);
/* Let it do so @count times */
void nvme_write_often(uint64_t address, unsigned int count);

#endif
