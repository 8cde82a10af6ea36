/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of the form KEY=VALUE, for QMP commands with many members.
 */
#ifndef AMDVI_INSPECT_KEY_VALUES_H
#define AMDVI_INSPECT_KEY_VALUES_H

#include "error.h"

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

enum amdvi_key_kind {
    AMDVI_KEY_NUMBER,           /* up to max */
    AMDVI_KEY_FLAG,             /* on, off, yes, no */
    AMDVI_KEY_TEXT,
    AMDVI_KEY_DEVICE,           /* BDF, or the number of a DeviceID */
    AMDVI_KEY_WORDS,            /* two 64-bit words with a comma between */
};

struct amdvi_key {
    const char *key;            /* NULL ends a list */
    const char *member;         /* of the QMP command */
    enum amdvi_key_kind kind;
    uint64_t max;
    const char *values;         /* what completion calls them, or NULL */
};

/* What the first argument can be, and the keys that go with it */
struct amdvi_order {
    const char *kind;           /* NULL ends a list */
    const char *keys;           /* with spaces between; "" for none */
};

/* Whether @key is one of those that go with the order */
bool amdvi_order_takes(const struct amdvi_order *order, const char *key);

/*
 * Add the members that @words stand for to the object @ret; with @ret NULL
 * only check the words.
 */
bool amdvi_key_values(const struct amdvi_key *keys, const char *const *words,
                      size_t count, struct json_object *ret,
                      struct amdvi_error *err);

#endif
