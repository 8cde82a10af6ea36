/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a QMP reply.  See reply.h.
 */
#include "reply.h"

static struct json_object *member(struct json_object *object, const char *key,
                                  enum json_type type)
{
    struct json_object *value = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, type)) {
        return NULL;
    }
    return value;
}

bool amdvi_reply_number(struct json_object *object, const char *key,
                        uint64_t max, uint64_t *ret)
{
    struct json_object *value = member(object, key, json_type_int);
    uint64_t number;

    /* json-c turns a negative number into 0 when asked for uint64_t */
    if (!value || (json_object_get_int64(value) < 0)) {
        return false;
    }
    number = json_object_get_uint64(value);
    if (number > max) {
        return false;
    }
    *ret = number;
    return true;
}

bool amdvi_reply_bool(struct json_object *object, const char *key, bool *ret)
{
    struct json_object *value = member(object, key, json_type_boolean);

    if (value) {
        *ret = json_object_get_boolean(value);
    }
    return value != NULL;
}

bool amdvi_reply_object(struct json_object *object, const char *key,
                        struct json_object **ret)
{
    struct json_object *value = member(object, key, json_type_object);

    if (value) {
        *ret = value;
    }
    return value != NULL;
}

bool amdvi_reply_array(struct json_object *object, const char *key,
                       struct json_object **ret)
{
    struct json_object *value = member(object, key, json_type_array);

    if (value) {
        *ret = value;
    }
    return value != NULL;
}

bool amdvi_reply_text(struct json_object *object, const char *key,
                      const char **ret)
{
    struct json_object *value = member(object, key, json_type_string);

    if (value) {
        *ret = json_object_get_string(value);
    }
    return value != NULL;
}

bool amdvi_reply_invalid(const char *command, const char *what,
                         struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_REPLY,
                      "QEMU's reply to %s is invalid: %s", command, what);
}
