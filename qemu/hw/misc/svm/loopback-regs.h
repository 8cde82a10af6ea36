/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What software sees of svm-loopback: registers, doorbells, descriptors.
 * docs/your-device.md explains them.  Constants only, because the model, its
 * tests, the Linux driver and user programs all include this file.
 */
#ifndef HW_MISC_SVM_LOOPBACK_REGS_H
#define HW_MISC_SVM_LOOPBACK_REGS_H

#define LOOPBACK_VENDOR_ID 0x1234
#define LOOPBACK_DEVICE_ID 0x11eb

#define LOOPBACK_QUEUES 8

/* BAR 0, for the driver: two registers of 32 bits for each queue */
#define LOOPBACK_REGS_SIZE 0x1000
#define LOOPBACK_CONTROL(queue) (0x10 * (queue))
#define LOOPBACK_PASID 0x000fffff
#define LOOPBACK_ENABLE 0x80000000
#define LOOPBACK_LOST(queue) (0x10 * (queue) + 4)

/*
 * BAR 2, for user programs: a page for each queue.  Writing the address of a
 * descriptor to its first 8 bytes sends that frame.
 */
#define LOOPBACK_DOORBELL_SIZE 0x1000
#define LOOPBACK_DOORBELLS_SIZE (LOOPBACK_QUEUES * LOOPBACK_DOORBELL_SIZE)

/*
 * Descriptor, in memory of the process: offsets of its members, which are of
 * 8, 8, 4, 4 and 4 bytes.  The device writes the last two, in one piece.
 */
#define LOOPBACK_SOURCE 0x00
#define LOOPBACK_DESTINATION 0x08
#define LOOPBACK_LENGTH 0x10
#define LOOPBACK_STATUS 0x18
#define LOOPBACK_MOVED 0x1c
#define LOOPBACK_DESCRIPTOR_SIZE 0x20

/* The longest frame, in bytes */
#define LOOPBACK_LENGTH_MAX 9216

/* LOOPBACK_STATUS; a program sets it to 0 before it rings */
#define LOOPBACK_PENDING 0
#define LOOPBACK_OK 1
#define LOOPBACK_BAD_LENGTH 2
#define LOOPBACK_NO_PAGE 3      /* the process may not access that address */
#define LOOPBACK_ABORTED 4      /* the IOMMU refused the access */

#endif
