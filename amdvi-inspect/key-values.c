/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KEY=VALUE.  See key-values.h.
 */
#include "key-values.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static const struct amdvi_key *find_key(const struct amdvi_key *keys,
                                        const char *word)
{
    size_t length = strcspn(word, "=");

    while (keys->key && (strlen(keys->key) != length ||
                         strncmp(keys->key, word, length) != 0)) {
        keys++;
    }
    return keys->key ? keys : NULL;
}

bool amdvi_order_takes(const struct amdvi_order *order, const char *key)
{
    size_t length = strlen(key);

    for (const char *at = order->keys; *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");

        if (word == length && strncmp(at, key, length) == 0) {
            return true;
        }
        at += word;
    }
    return false;
}

static bool unknown_key(const struct amdvi_key *keys, const char *word,
                        struct amdvi_error *err)
{
    char list[256] = "";

    for (size_t n = 0; keys->key && n < sizeof(list); keys++) {
        n += (size_t)snprintf(list + n, sizeof(list) - n, " %s", keys->key);
    }
    return amdvi_fail(err, AMDVI_EXIT_USAGE,
                      "not KEY=VALUE: %s; the keys are%s", word, list);
}

/* NULL: not a flag */
static struct json_object *parse_flag(const char *value)
{
    static const char *const words[] = { "off", "on", "no", "yes" };

    for (int i = 0; i < 4; i++) {
        if (strcmp(value, words[i]) == 0) {
            return json_object_new_boolean(i % 2);
        }
    }
    return NULL;
}

/* NULL: not two words */
static struct json_object *parse_words(const char *value)
{
    const char *comma = strchr(value, ',');
    struct json_object *list;
    uint64_t first, second;
    char text[32];

    if (!comma || (size_t)(comma - value) >= sizeof(text)) {
        return NULL;
    }
    memcpy(text, value, (size_t)(comma - value));
    text[comma - value] = '\0';
    if (!amdvi_parse_number(text, UINT64_MAX, &first) ||
        !amdvi_parse_number(comma + 1, UINT64_MAX, &second)) {
        return NULL;
    }
    list = json_object_new_array();
    json_object_array_add(list, json_object_new_uint64(first));
    json_object_array_add(list, json_object_new_uint64(second));
    return list;
}

/* NULL: the value is not of that kind */
static struct json_object *parse_value(const struct amdvi_key *key,
                                       const char *value)
{
    uint16_t device_id;
    uint64_t number;

    switch (key->kind) {
    case AMDVI_KEY_NUMBER:
        return amdvi_parse_number(value, key->max, &number)
               ? json_object_new_uint64(number) : NULL;
    case AMDVI_KEY_FLAG:
        return parse_flag(value);
    case AMDVI_KEY_DEVICE:
        return amdvi_parse_bdf(value, &device_id)
               ? json_object_new_int(device_id) : NULL;
    case AMDVI_KEY_WORDS:
        return parse_words(value);
    case AMDVI_KEY_TEXT:
        break;
    }
    return json_object_new_string(value);
}

bool amdvi_key_values(const struct amdvi_key *keys, const char *const *words,
                      size_t count, struct json_object *ret,
                      struct amdvi_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct amdvi_key *key = find_key(keys, words[i]);
        const char *equals = strchr(words[i], '=');
        struct json_object *value;

        if (!key || !equals) {
            return unknown_key(keys, words[i], err);
        }
        value = parse_value(key, equals + 1);
        if (!value) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "bad value: %s",
                              words[i]);
        }
        if (ret) {
            json_object_object_add(ret, key->member, value);
        } else {
            json_object_put(value);
        }
    }
    return true;
}
