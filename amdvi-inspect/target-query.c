/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queries for what only the device knows, and orders that only it can obey.
 * See target.h.
 */
#include "target.h"
#include "reply.h"

const struct amdvi_query_kind amdvi_queries[AMDVI_NUM_QUERIES] = {
#define AMDVI_QUERY_KIND(id, command, list, section)                         \
    { command, list, section },
#include "queries.def"
#undef AMDVI_QUERY_KIND
};

struct json_object *amdvi_target_query(struct amdvi_target *target,
                                       enum amdvi_query_id id,
                                       struct json_object *arguments,
                                       struct amdvi_error *err)
{
    if (!target->ops->query) {
        json_object_put(arguments);
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                   "only the device knows this: it needs a QEMU with the "
                   "command %s", amdvi_queries[id].command);
        return NULL;
    }
    return target->ops->query(target, id, arguments, err);
}

struct json_object *amdvi_target_query_if_any(struct amdvi_target *target,
                                              enum amdvi_query_id id,
                                              struct json_object *arguments,
                                              bool *ret_good,
                                              struct amdvi_error *err)
{
    struct amdvi_error query_err = { .code = AMDVI_EXIT_OK };
    struct json_object *list = amdvi_target_query(target, id, arguments,
                                                  &query_err);

    *ret_good = list || query_err.code == AMDVI_EXIT_UNSUPPORTED ||
                query_err.code == AMDVI_EXIT_FAILED;
    if (!*ret_good) {
        *err = query_err;
    }
    return list;
}

bool amdvi_target_recorded(struct amdvi_target *target, uint64_t *ret_oldest,
                           uint64_t *ret_end)
{
    const struct amdvi_query_kind *kind =
        &amdvi_queries[AMDVI_QUERY_ID_TRACE];
    struct json_object *arguments, *reply, *list;
    struct amdvi_error ignored;
    bool good;

    if (!target->ops->command) {
        return false;
    }
    arguments = json_object_new_object();
    json_object_object_add(arguments, "start", json_object_new_uint64(0));
    json_object_object_add(arguments, "limit", json_object_new_int(1));
    reply = amdvi_target_command(target, kind->command, arguments, &ignored);
    good = amdvi_reply_array(reply, kind->list, &list) &&
           amdvi_reply_number(json_object_array_get_idx(list, 0), "number",
                              UINT64_MAX - 1, ret_oldest) &&
           amdvi_reply_number(reply, "end", UINT64_MAX, ret_end);
    json_object_put(reply);
    return good;
}

struct json_object *amdvi_target_command(struct amdvi_target *target,
                                         const char *command,
                                         struct json_object *arguments,
                                         struct amdvi_error *err)
{
    if (!target->ops->command) {
        json_object_put(arguments);
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                   "this needs a running QEMU with the command %s", command);
        return NULL;
    }
    return target->ops->command(target, command, arguments, err);
}

struct json_object *amdvi_target_wait_event(struct amdvi_target *target,
                                            const char *event,
                                            struct amdvi_error *err)
{
    if (!target->ops->wait_event) {
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                   "this needs a running QEMU with the event %s", event);
        return NULL;
    }
    return target->ops->wait_event(target, event, err);
}
