/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A structure field by field, whatever its layout: what every face shows of
 * a record.
 */
#ifndef AMDVI_INSPECT_FORM_H
#define AMDVI_INSPECT_FORM_H

#include "amdvi.h"

/* Enough for three runs of bits, "127:107,95:80,60:58" */
#define AMDVI_FORM_BITS 40
/* Enough for a word and its number */
#define AMDVI_FORM_VALUE 56

/* One line of a form */
struct amdvi_form_line {
    const struct amdvi_field *field;
    uint64_t value;
    char bits[AMDVI_FORM_BITS];         /* "11:9" */
    char text[AMDVI_FORM_VALUE];        /* "4-level (4)" */
    /* Feature without which it is reserved if the IOMMU lacks it, or NULL */
    const char *missing;
};

/*
 * The line of field number @index.  Returns false for bits without a name.
 */
bool amdvi_form_line(const struct amdvi_layout *layout, int index,
                     const uint64_t *words,
                     const struct amdvi_features *features,
                     struct amdvi_form_line *ret);

/* The manual's name of a feature: that of a field of EFR or EFR2 */
const char *amdvi_feature_name(enum amdvi_feature feature);

/* Digits that hold any value of a field in hexadecimal */
int amdvi_field_digits(const struct amdvi_field *field);

#endif
