/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A queue without a device: a thread of the process does what descriptors
 * ask for, through the kernel and so under its rules.  It shows that scenarios
 * do what they claim on a device that is right, and that they notice one that
 * is wrong.  Not meant to be fast, and no proof of anything about an IOMMU.
 */
#ifndef TORTURE_SOFT_H
#define TORTURE_SOFT_H

#include "dsa.h"

struct soft_queue;

/* What a wrong device does. */
enum soft_fault {
    SOFT_RIGHT,
    SOFT_FORCED,               /* writes to what is not writable */
    SOFT_CORRUPT,              /* turns one bit in about a hundred transfers */
    SOFT_SHORT,                /* leaves the last byte out */
};

/* How many software queues there are, and how they behave; before dsa_list. */
void soft_configure(int queues, enum soft_fault fault);
int soft_queues(void);

struct soft_queue *soft_open(void);
void soft_close(struct soft_queue *queue);
void soft_submit(struct soft_queue *queue, const struct dsa_descriptor *what);

#endif
