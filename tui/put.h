/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on the terminal.  Everything that is drawn goes through here: it is
 * sanitised, because names and messages come from guests, and clipped.
 */
#ifndef AMDVI_TUI_PUT_H
#define AMDVI_TUI_PUT_H

#include <stddef.h>

enum amdvi_style {
    AMDVI_STYLE_PLAIN,
    AMDVI_STYLE_FRAME,          /* first and last line */
    AMDVI_STYLE_HEADER,         /* of a table */
    AMDVI_STYLE_CHOSEN,         /* the column that is chosen */
    AMDVI_STYLE_CHANGED,        /* differs from the snapshot before */
    AMDVI_STYLE_BAD,            /* errors */
    AMDVI_STYLE_DIM,
    AMDVI_NUM_STYLES
};

/* Columns [left, right) of a line */
struct amdvi_area {
    int y;
    int left;
    int right;
};

/*
 * Draw @text from column @x on, which may be left of the area.  Returns the
 * column behind it, visible or not.
 */
int amdvi_put(const struct amdvi_area *area, int x, const char *text,
              enum amdvi_style style);
/* Columns that it would take */
int amdvi_put_width(const char *text);

#endif
