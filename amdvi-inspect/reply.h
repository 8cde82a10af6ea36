/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of a QMP reply.  Replies are hostile: a member may be missing or
 * of another type, which these functions report and never trust.  Unknown
 * members are ignored.
 */
#ifndef AMDVI_INSPECT_REPLY_H
#define AMDVI_INSPECT_REPLY_H

#include "error.h"

#include <json-c/json.h>
#include <stdint.h>

/*
 * All return false, with nothing stored, if @object is not an object that
 * has @key with that type.  Objects, arrays and strings are borrowed from
 * @object.
 */
bool amdvi_reply_number(struct json_object *object, const char *key,
                        uint64_t max, uint64_t *ret);
bool amdvi_reply_bool(struct json_object *object, const char *key,
                      bool *ret);
bool amdvi_reply_object(struct json_object *object, const char *key,
                        struct json_object **ret);
bool amdvi_reply_array(struct json_object *object, const char *key,
                       struct json_object **ret);
/* Ends at the first NUL of the string; not sanitised */
bool amdvi_reply_text(struct json_object *object, const char *key,
                      const char **ret);

/* amdvi_fail() for a reply of @command that does not make sense */
bool amdvi_reply_invalid(const char *command, const char *what,
                         struct amdvi_error *err);

#endif
