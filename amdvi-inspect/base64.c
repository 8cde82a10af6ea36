/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Base64.  See base64.h.
 */
#include "base64.h"

#include <stdlib.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/*
 * Four characters to 24 bits.  Returns how many bytes they stand for, 1 to
 * 3, or 0 if they are not base64.
 */
static size_t decode_group(const char group[4], uint32_t *ret_bits)
{
    size_t padding = group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
    uint32_t bits = 0;

    for (size_t i = 0; i < 4 - padding; i++) {
        const char *p = group[i] ? strchr(alphabet, group[i]) : NULL;

        if (!p) {
            return 0;
        }
        bits |= (uint32_t)(p - alphabet) << (18 - 6 * i);
    }
    *ret_bits = bits;
    return bits & ((1u << (8 * padding)) - 1) ? 0 : 3 - padding;
}

bool amdvi_base64_decode(const char *text, uint8_t *buf, size_t size,
                         size_t *ret_count)
{
    size_t length = strlen(text), count = 0;

    if (length % 4) {
        return false;
    }
    for (size_t i = 0; i < length; i += 4) {
        uint32_t bits = 0;
        size_t n = decode_group(text + i, &bits);

        if (n == 0 || n > size - count || (n < 3 && i + 4 != length)) {
            return false;
        }
        for (size_t j = 0; j < n; j++) {
            buf[count++] = (uint8_t)(bits >> (16 - 8 * j));
        }
    }
    *ret_count = count;
    return true;
}

char *amdvi_base64_encode(const uint8_t *bytes, size_t count)
{
    char *text = malloc((count + 2) / 3 * 4 + 1), *out = text;

    if (!text) {
        return NULL;
    }
    for (size_t i = 0; i < count; i += 3) {
        uint32_t bits = (uint32_t)bytes[i] << 16 |
                        (i + 1 < count ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (i + 2 < count ? (uint32_t)bytes[i + 2] : 0);

        for (size_t j = 0; j < 4; j++) {
            *out++ = i + j > count ? '=' : alphabet[bits >> (18 - 6 * j)
                                                    & 0x3f];
        }
    }
    *out = '\0';
    return text;
}
