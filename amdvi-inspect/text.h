/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in and out: strings that are safe to print, strict numbers, device
 * addresses, suggestions for mistyped words.
 */
#ifndef AMDVI_INSPECT_TEXT_H
#define AMDVI_INSPECT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Make @text safe for a terminal, in place: control characters, characters
 * that change the writing direction and bytes that are not UTF-8 become '?'.
 * The string never gets longer.  Returns @text.
 */
char *amdvi_sanitise(char *text);

/*
 * Decode the character at @text, which does not end there.  Returns its
 * length in bytes, or 0 if they are not UTF-8.  *@ret_safe: it may be
 * printed on a terminal.
 */
size_t amdvi_utf8_decode(const char *text, uint32_t *ret_point,
                         bool *ret_safe);

/* Characters, not bytes, of a UTF-8 string: columns on the screen */
size_t amdvi_text_width(const char *text);

/*
 * Parse a whole string as a number: decimal, or hexadecimal after 0x.
 * Returns false for anything else, and for numbers above @max.
 */
bool amdvi_parse_number(const char *text, uint64_t max, uint64_t *ret);

/*
 * Parse a device address: DDDD:BB:DD.F (only segment 0), BB:DD.F, or the
 * DeviceID in hexadecimal, with or without 0x.
 */
bool amdvi_parse_bdf(const char *text, uint16_t *ret_device_id);

/* Edits that turn one word into the other; words over 32 characters: many */
size_t amdvi_edit_distance(const char *a, const char *b);

/* Whether @word is a likely misspelling of @candidate */
bool amdvi_similar(const char *word, const char *candidate);

#endif
