/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second opinion: the walk once more, written from spec/translation.md and
 * spec/structures.md alone, slow and plain.  It shares no code and no header
 * with libamdvi, so that a mistake there is not repeated here.
 */
#ifndef AMDVI_TESTS_NAIVE_H
#define AMDVI_TESTS_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAIVE_NO_PASID UINT32_MAX
#define NAIVE_WRITES 160

enum naive_row {
#define ROW(id, text) NAIVE_##id,
#include "naive-rows.def"
#undef ROW
    NAIVE_ROWS
};

enum naive_kind { NAIVE_DMA, NAIVE_ATS, NAIVE_TRANSLATED };

enum naive_outcome {
    NAIVE_FORWARDED, NAIVE_PASSED, NAIVE_NOTHING, NAIVE_MESSAGE,
    NAIVE_ABORTED, NAIVE_REFUSED,
};

/* Everything the model needs, and what it says; the caller zeroes it */
struct naive {
    /* Registers and request */
    uint64_t control, efr, devtab, excl_base, excl_limit;
    unsigned int pa_bits;
    enum naive_kind kind;
    unsigned int device;
    uint32_t pasid;
    uint64_t addr;
    bool read, write, exec, priv;
    /* Memory; false where nothing answers */
    bool (*fetch)(void *opaque, uint64_t spa, uint64_t *value);
    void *opaque;

    /* The answer */
    enum naive_outcome outcome;
    uint64_t out;
    unsigned int shift;
    bool r, w, x;
    bool event, hardware;
    bool first_only;            /* no more such events from this device */
    uint64_t event0, event1;
    struct {
        uint64_t spa, value;
    } written[NAIVE_WRITES];
    unsigned int writes;

    /* How often each row was reached; kept from case to case */
    unsigned long *reached;

    /* Inside the model */
    uint64_t dte[4];
    bool done;
    bool ask_r, ask_w, ask_x;
};

void naive_translate(struct naive *n);
const char *naive_row_text(enum naive_row row);

#endif
