/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See put.h.
 */
#define NCURSES_WIDECHAR 1
#include "put.h"
#include "terminal.h"
#include "text.h"

#include <curses.h>
#include <wchar.h>

/* What is shown for the next character of *@text, which moves behind it */
static wchar_t next_character(const char **text, int *ret_width)
{
    uint32_t point = '?';
    bool safe = false;
    size_t length = amdvi_utf8_decode(*text, &point, &safe);
    int width;

    *text += length ? length : 1;
    if (!length || !safe || (point >= 0x80 && amdvi_terminal_ascii())) {
        point = '?';
    }
    width = wcwidth((wchar_t)point);
    if (width <= 0) {
        point = '?';
        width = 1;
    }
    *ret_width = width;
    return (wchar_t)point;
}

int amdvi_put(const struct amdvi_area *area, int x, const char *text,
              enum amdvi_style style)
{
    int width;

    attrset((int)amdvi_terminal_attributes(style));
    while (*text) {
        wchar_t character = next_character(&text, &width);

        if (x >= area->left && x + width <= area->right) {
            mvaddnwstr(area->y, x, &character, 1);
        }
        x += width;
    }
    return x;
}

int amdvi_put_width(const char *text)
{
    int total = 0, width;

    while (*text) {
        next_character(&text, &width);
        total += width;
    }
    return total;
}
