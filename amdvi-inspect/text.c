/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in and out.  See text.h.
 */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest word that is compared for suggestions */
#define WORD_MAX_LENGTH 32

/* Bytes of a UTF-8 sequence by its first byte; 0 if it cannot be first */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if ((first & 0xf0) == 0xe0) {
        return 3;
    }
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* Controls, line separators and marks of writing direction */
static bool unsafe(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           point == 0x061c || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

size_t amdvi_utf8_decode(const char *text, uint32_t *ret_point,
                         bool *ret_safe)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = sequence_length((unsigned char)text[0]);
    uint32_t point = (unsigned char)text[0];

    if (length > 1) {
        point &= 0x7fu >> length;
    }
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | ((unsigned char)text[i] & 0x3f);
    }
    if (length && (point < smallest[length] || point > 0x10ffff ||
                   (point >= 0xd800 && point <= 0xdfff))) {
        return 0;
    }
    *ret_point = point;
    *ret_safe = length && !unsafe(point);
    return length;
}

char *amdvi_sanitise(char *text)
{
    char *out = text;
    const char *in = text;

    while (*in) {
        uint32_t point;
        bool safe;
        size_t length = amdvi_utf8_decode(in, &point, &safe);

        if (length == 0 || !safe) {
            *out++ = '?';
            in += length ? length : 1;
            continue;
        }
        memmove(out, in, length);
        out += length;
        in += length;
    }
    *out = '\0';
    return text;
}

size_t amdvi_text_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

/* All of @text as digits of @base; no sign, no space */
static bool parse_digits(const char *text, int base, uint64_t max,
                         uint64_t *ret)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char *end;
    unsigned long long value;

    if (*text == '\0' ||
        text[strspn(text, base == 16 ? digits : "0123456789")] != '\0') {
        return false;
    }
    errno = 0;
    value = strtoull(text, &end, base);
    if (errno || *end || value > max) {
        return false;
    }
    *ret = value;
    return true;
}

bool amdvi_parse_number(const char *text, uint64_t max, uint64_t *ret)
{
    if (strncasecmp(text, "0x", 2) == 0) {
        return parse_digits(text + 2, 16, max, ret);
    }
    return parse_digits(text, 10, max, ret);
}

/* Hexadecimal digits of @text up to @stop; *text moves behind @stop */
static bool parse_part(const char **text, char stop, uint64_t max,
                       uint64_t *ret)
{
    char part[8];
    const char *end = strchr(*text, stop);
    size_t length = end ? (size_t)(end - *text) : 0;

    if (length == 0 || length >= sizeof(part)) {
        return false;
    }
    memcpy(part, *text, length);
    part[length] = '\0';
    *text = stop ? end + 1 : end;
    return parse_digits(part, 16, max, ret);
}

bool amdvi_parse_bdf(const char *text, uint16_t *ret_device_id)
{
    uint64_t segment = 0, bus, device, function;
    const char *colon = strchr(text, ':');

    if (!colon) {
        text += strncasecmp(text, "0x", 2) == 0 ? 2 : 0;
        if (strlen(text) > 4 || !parse_digits(text, 16, UINT16_MAX, &bus)) {
            return false;
        }
        *ret_device_id = (uint16_t)bus;
        return true;
    }
    if (strchr(colon + 1, ':') && !parse_part(&text, ':', 0, &segment)) {
        return false;
    }
    if (!parse_part(&text, ':', 0xff, &bus) ||
        !parse_part(&text, '.', 0x1f, &device) ||
        !parse_part(&text, '\0', 7, &function)) {
        return false;
    }
    *ret_device_id = (uint16_t)(bus << 8 | device << 3 | function);
    return true;
}

size_t amdvi_edit_distance(const char *a, const char *b)
{
    size_t row[WORD_MAX_LENGTH + 1];
    size_t na = strlen(a), nb = strlen(b);

    if (na > WORD_MAX_LENGTH || nb > WORD_MAX_LENGTH) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[nb];
}

bool amdvi_similar(const char *word, const char *candidate)
{
    size_t length = strlen(word);
    size_t distance = amdvi_edit_distance(word, candidate);

    return distance <= 2 && distance < length;
}
