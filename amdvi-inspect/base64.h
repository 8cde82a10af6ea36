/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Base64 (RFC 4648), as QMP carries bytes.
 */
#ifndef AMDVI_INSPECT_BASE64_H
#define AMDVI_INSPECT_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decode @text, strictly: padded, no other characters, no stray bits.
 * Returns false if it is not base64 or has more than @size bytes.
 */
bool amdvi_base64_decode(const char *text, uint8_t *buf, size_t size,
                         size_t *ret_count);

/* Encode; the caller frees it.  NULL: no memory */
char *amdvi_base64_encode(const uint8_t *bytes, size_t count);

#endif
