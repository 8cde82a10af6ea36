/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "inject": inject a fault, and the faults that have not happened yet.
 * What there is and what it needs is said by qmp-ext/qapi/amd-iommu.json.
 */
#include "items.h"
#include "key-values.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>

/* In place of a kind: take back what has not happened */
#define DISARM "none"

static const struct amdvi_column columns[] = {
    { "kind", "Kind", AMDVI_CELL_TEXT, 0 },
    { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    { "delivered", "Delivered", AMDVI_CELL_FLAG, 0 },
    { "nanoseconds", "Delay (ns)", AMDVI_CELL_DEC, 0 },
};

static const struct amdvi_key keys[] = {
    { "device", "device-id", AMDVI_KEY_DEVICE, 0, "BDF" },
    { "pasid", "pasid", AMDVI_KEY_NUMBER, AMDVI_MAX_PASID, "PASID" },
    { "address", "address", AMDVI_KEY_NUMBER, UINT64_MAX, NULL },
    { "prg-index", "prg-index", AMDVI_KEY_NUMBER, 511, NULL },
    { "last", "last", AMDVI_KEY_FLAG, 0, "FLAG" },
    { "read", "read", AMDVI_KEY_FLAG, 0, "FLAG" },
    { "write", "write", AMDVI_KEY_FLAG, 0, "FLAG" },
    { "exec", "exec", AMDVI_KEY_FLAG, 0, "FLAG" },
    { "privileged", "privileged", AMDVI_KEY_FLAG, 0, "FLAG" },
    { "log", "log", AMDVI_KEY_TEXT, 0, "LOG" },
    { "words", "words", AMDVI_KEY_WORDS, 0, NULL },
    { "delivered", "delivered", AMDVI_KEY_FLAG, 0, "FLAG" },
    { "nanoseconds", "nanoseconds", AMDVI_KEY_NUMBER, INT64_MAX, NULL },
    { NULL, NULL, AMDVI_KEY_TEXT, 0, NULL },
};

/* QEMU may know others */
static const struct amdvi_order orders[] = {
    { "log-overflow", "log" },
    { "event", "words" },
    { "page-request", "device address pasid prg-index last read write exec "
                      "privileged" },
    { "invalidation-timeout", "device pasid delivered" },
    { "drop-response", "device pasid" },
    { "delay-response", "nanoseconds device pasid" },
    { "command-error", "" },
    { DISARM, "" },
    { NULL, NULL },
};

static bool check(const struct amdvi_query *query, struct amdvi_error *err)
{
    return query->nargs < 2 ||
           amdvi_key_values(keys, query->args + 1, query->nargs - 1, NULL,
                            err);
}

/* Do what the arguments say */
static bool inject(struct amdvi_run *run, struct amdvi_error *err)
{
    const struct amdvi_query *query = run->query;
    struct json_object *arguments = json_object_new_object(), *reply;
    struct amdvi_cell group = { .known = false };

    if (strcmp(query->args[0], DISARM) == 0) {
        reply = amdvi_target_command(run->target, "amd-iommu-disarm",
                                     arguments, err);
    } else {
        json_object_object_add(arguments, "kind",
                               json_object_new_string(query->args[0]));
        amdvi_key_values(keys, query->args + 1, query->nargs - 1, arguments,
                         err);
        reply = amdvi_target_command(run->target, "amd-iommu-inject",
                                     arguments, err);
    }
    group.known = reply && amdvi_reply_number(reply, "prg-index", UINT16_MAX,
                                              &group.number);
    amdvi_run_fact(run, "prg-index", "PRGIndex", AMDVI_CELL_DEC, group);
    json_object_put(reply);
    return reply != NULL;
}

static bool open_inject(struct amdvi_run *run, struct amdvi_error *err)
{
    struct amdvi_items *items = calloc(1, sizeof(*items));

    if (!items) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = items;
    if (run->query->nargs && !inject(run, err)) {
        return false;
    }
    items->list = amdvi_target_command(run->target, "query-amd-iommu-armed",
                                       NULL, err);
    return items->list &&
           (json_object_is_type(items->list, json_type_array) ||
            amdvi_reply_invalid("query-amd-iommu-armed", "not a list", err));
}

const struct amdvi_view amdvi_view_inject = {
    .name = "inject",
    .args = "[KIND [KEY=...]]",
    .orders = orders,
    .keys = keys,
    .help = "faults to come; KIND injects one",
    .no_words = "what is armed is no structure of the IOMMU",
    .max_args = sizeof(keys) / sizeof(keys[0]),
    .options = AMDVI_QUERY_FILTER,
    .facts_key = "injected",
    .rows_key = "armed",
    .column = columns,
    .ncolumns = sizeof(columns) / sizeof(columns[0]),
    .check = check,
    .open = open_inject,
    .fetch = amdvi_items_fetch,
    .close = amdvi_items_close,
};
