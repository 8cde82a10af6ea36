/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A structure field by field.  See form.h.
 */
#include "form.h"

#include <inttypes.h>
#include <stdio.h>

const char *amdvi_feature_name(enum amdvi_feature feature)
{
    static const enum amdvi_layout_id regs[] = {
        AMDVI_LAYOUT_efr, AMDVI_LAYOUT_efr2,
    };
    unsigned int left = feature;

    for (size_t r = 0; r < sizeof(regs) / sizeof(regs[0]); r++) {
        const struct amdvi_layout *layout = &amdvi_layouts[regs[r]];

        for (int i = 0; i < layout->nfields; i++) {
            if (amdvi_field_named(&layout->field[i]) && --left == 0) {
                return layout->field[i].name;
            }
        }
    }
    return "an unknown feature";
}

/* Runs of bits, most significant for the value first */
static void format_bits(const struct amdvi_field *field, char *buf)
{
    size_t n = 0;

    for (int i = AMDVI_MAX_PARTS - 1; i >= 0; i--) {
        const struct amdvi_part *p = &field->part[i];

        if (p->width == 0 || n >= AMDVI_FORM_BITS) {
            continue;
        }
        n += (size_t)snprintf(buf + n, AMDVI_FORM_BITS - n,
                              p->width == 1 ? "%s%d" : "%s%d:%d",
                              n ? "," : "", p->lsb + p->width - 1, p->lsb);
    }
}

static void format_value(const struct amdvi_field *field, uint64_t value,
                         char *buf)
{
    char text[AMDVI_FIELD_TEXT];

    amdvi_field_format(field, value, text);
    if (amdvi_field_word(field, value)) {
        snprintf(buf, AMDVI_FORM_VALUE, "%s (%" PRIu64 ")", text, value);
    } else {
        snprintf(buf, AMDVI_FORM_VALUE, "%s", text);
    }
}

bool amdvi_form_line(const struct amdvi_layout *layout, int index,
                     const uint64_t *words,
                     const struct amdvi_features *features,
                     struct amdvi_form_line *ret)
{
    const struct amdvi_field *field = &layout->field[index];

    if (!amdvi_field_named(field)) {
        return false;
    }
    ret->field = field;
    ret->value = amdvi_field_get(field, words);
    ret->missing = amdvi_feature(features, field->needs)
                   ? NULL : amdvi_feature_name(field->needs);
    format_bits(field, ret->bits);
    format_value(field, ret->value, ret->text);
    return true;
}

int amdvi_field_digits(const struct amdvi_field *field)
{
    int bits = 1;

    for (int i = 0; i < AMDVI_MAX_PARTS; i++) {
        int top = field->part[i].shift + field->part[i].width;

        bits = top > bits ? top : bits;
    }
    return field->kind == AMDVI_KIND_ADDR ? 16 : (bits + 3) / 4;
}
