/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naive model of what is not translation: interrupts and page requests.
 * See naive.h.
 */
#ifndef AMDVI_TESTS_NAIVE_DEVICE_H
#define AMDVI_TESTS_NAIVE_DEVICE_H

#include "naive.h"

enum naive_device_row {
#define ROW(id, text) NAIVE_##id,
#include "naive-device-rows.def"
#undef ROW
    NAIVE_DEVICE_ROWS
};

const char *naive_device_row_text(enum naive_device_row row);

/*
 * An interrupt message of @n's device: @n->addr, and its @data, which must be
 * of a fixed or arbitrated one.  True if it passes or is remapped; otherwise,
 * @n->event tells.  RW of the event has no meaning.
 */
bool naive_interrupt(struct naive *n, uint32_t data, unsigned long *reached);

/* A page request: @n has the device, PASID, address and what is asked for */
struct naive_page {
    unsigned int prg_index;
    bool last;
    /* The PPR log as the IOMMU has it */
    bool running;
    uint32_t head, tail, bytes;
    uint64_t auto_response, early;      /* registers 2080h and 2088h */

    /* The answer; no entry and no response: refused, dropped or lost */
    bool logged, answered, overflow;
    unsigned int response;
    uint64_t entry[2];
};

void naive_page_request(struct naive *n, struct naive_page *p,
                        unsigned long *reached);

#endif
