/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * View "break": set breakpoints in the IOMMU, wait for one, and show those
 * that there are.  What they mean is said by qmp-ext/qapi/amd-iommu.json.
 */
#include "items.h"
#include "key-values.h"
#include "reply.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* In place of a kind: remove a breakpoint, or all */
#define DELETE "delete"

static const struct amdvi_column columns[] = {
    { "number", "Number", AMDVI_CELL_DEC, 0 },
    { "kind", "Kind", AMDVI_CELL_TEXT, 0 },
    { "bdf", "BDF", AMDVI_CELL_TEXT, 0 },
    { "pasid", "PASID", AMDVI_CELL_DEC, 0 },
    { "first", "First", AMDVI_CELL_ADDR, 0 },
    { "last", "Last", AMDVI_CELL_ADDR, 0 },
    { "opcode", "Opcode", AMDVI_CELL_DEC, 0 },
    { "count", "Every", AMDVI_CELL_DEC, 0 },
    { "sticky", "Sticky", AMDVI_CELL_FLAG, 0 },
    { "matches", "Matches", AMDVI_CELL_DEC, 0 },
    { "stops", "Stops", AMDVI_CELL_DEC, 0 },
};

static const struct amdvi_key keys[] = {
    { "device", "device-id", AMDVI_KEY_DEVICE, 0, "BDF" },
    { "pasid", "pasid", AMDVI_KEY_NUMBER, AMDVI_MAX_PASID, "PASID" },
    { "first", "first", AMDVI_KEY_NUMBER, UINT64_MAX, NULL },
    { "last", "last", AMDVI_KEY_NUMBER, UINT64_MAX, NULL },
    { "opcode", "opcode", AMDVI_KEY_NUMBER, 15, NULL },
    { "count", "count", AMDVI_KEY_NUMBER, INT64_MAX, NULL },
    { "sticky", "sticky", AMDVI_KEY_FLAG, 0, "FLAG" },
    { NULL, NULL, AMDVI_KEY_TEXT, 0, NULL },
};

/* QEMU may know others */
static const struct amdvi_order orders[] = {
    { "fault", "device pasid first last count sticky" },
    { "page-request", "device pasid first last count sticky" },
    { "response", "device pasid count sticky" },
    { "command", "device pasid first last opcode count sticky" },
    { "invalidation", "device pasid first last count sticky" },
    { DELETE, "" },
    { NULL, NULL },
};

static bool is_delete(const struct amdvi_query *query)
{
    return query->nargs && strcmp(query->args[0], DELETE) == 0;
}

static bool check(const struct amdvi_query *query, struct amdvi_error *err)
{
    uint64_t number;

    if (is_delete(query)) {
        return query->nargs < 2 ||
               (query->nargs == 2 && amdvi_parse_number(query->args[1],
                                                        UINT32_MAX,
                                                        &number)) ||
               amdvi_fail(err, AMDVI_EXIT_USAGE,
                          DELETE " needs one number, or none: %s",
                          query->args[query->nargs - 1]);
    }
    return query->nargs < 2 ||
           amdvi_key_values(keys, query->args + 1, query->nargs - 1, NULL,
                            err);
}

static bool delete_break(struct amdvi_run *run, struct amdvi_error *err)
{
    const struct amdvi_query *query = run->query;
    struct json_object *arguments = json_object_new_object(), *reply;
    uint64_t number;

    if (query->nargs > 1 &&
        amdvi_parse_number(query->args[1], UINT32_MAX, &number)) {
        json_object_object_add(arguments, "number",
                               json_object_new_uint64(number));
    }
    reply = amdvi_target_command(run->target, "amd-iommu-break-delete",
                                 arguments, err);
    json_object_put(reply);
    return reply != NULL;
}

static bool set_break(struct amdvi_run *run, uint64_t *ret_number,
                      struct amdvi_error *err)
{
    const struct amdvi_query *query = run->query;
    struct json_object *arguments = json_object_new_object(), *reply;
    bool good;

    json_object_object_add(arguments, "kind",
                           json_object_new_string(query->args[0]));
    amdvi_key_values(keys, query->args + 1, query->nargs - 1, arguments, err);
    reply = amdvi_target_command(run->target, "amd-iommu-break", arguments,
                                 err);
    good = reply &&
           (amdvi_reply_number(reply, "number", UINT32_MAX, ret_number) ||
            amdvi_reply_invalid("amd-iommu-break", "no number", err));
    json_object_put(reply);
    if (good) {
        amdvi_run_fact(run, "number", "Number", AMDVI_CELL_DEC,
                       amdvi_cell_number(*ret_number));
    }
    return good;
}

/* The command or log entry that was about to be seen */
static void add_entry(struct amdvi_run *run, struct json_object *event,
                      const char *kind)
{
    bool command = strcmp(kind, "command") == 0 ||
                   strcmp(kind, "invalidation") == 0 ||
                   strcmp(kind, "response") == 0;
    struct amdvi_record record = { .count = 2 };
    struct json_object *words;
    struct amdvi_cell name = { .known = false }, set_bits = name;
    struct amdvi_cell raw = name;

    if (amdvi_reply_array(event, "words", &words) &&
        json_object_array_length(words) == 2) {
        for (size_t i = 0; i < 2; i++) {
            record.words[i] = json_object_get_uint64(
                json_object_array_get_idx(words, i));
        }
        record.layout = amdvi_layout_match(
            command ? AMDVI_FAMILY_COMMAND
                    : strcmp(kind, "page-request") == 0 ? AMDVI_FAMILY_PPR
                                                        : AMDVI_FAMILY_EVENT,
            record.words[0]);
        raw = amdvi_cell_text(&run->strings, "0x%016" PRIx64 " 0x%016" PRIx64,
                              record.words[0], record.words[1]);
    }
    if (record.layout) {
        name = amdvi_cell_text(&run->strings, "%s", record.layout->name);
        set_bits = amdvi_record_summary(&run->strings, &record, NULL);
    }
    amdvi_run_fact(run, "entry", "Entry", AMDVI_CELL_TEXT, name);
    amdvi_run_fact(run, "entry-set", "Fields that are not 0",
                   AMDVI_CELL_WORDS, set_bits);
    amdvi_run_fact(run, "words", "Words", AMDVI_CELL_WORDS, raw);
}

static void add_number(struct amdvi_run *run, struct json_object *event,
                       const char *key, const char *title,
                       enum amdvi_cell_kind kind)
{
    struct amdvi_cell cell = { .known = false };

    cell.known = amdvi_reply_number(event, key, UINT64_MAX, &cell.number);
    amdvi_run_fact(run, key, title, kind, cell);
}

static void add_event(struct amdvi_run *run, struct json_object *event)
{
    const char *kind = "", *reason = "";
    char bdf[AMDVI_FIELD_TEXT] = "";
    uint64_t device_id;

    amdvi_reply_text(event, "kind", &kind);
    amdvi_reply_text(event, "reason", &reason);
    if (amdvi_reply_number(event, "device-id", UINT16_MAX, &device_id)) {
        amdvi_format_bdf((uint16_t)device_id, bdf);
    }
    amdvi_run_fact(run, "kind", "Stopped for", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s", kind));
    amdvi_run_fact(run, "bdf", "BDF", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s", bdf));
    add_number(run, event, "pasid", "PASID", AMDVI_CELL_DEC);
    add_number(run, event, "address", "Address", AMDVI_CELL_ADDR);
    add_number(run, event, "prg-index", "PRGIndex", AMDVI_CELL_DEC);
    amdvi_run_fact(run, "reason", "Reason", AMDVI_CELL_TEXT,
                   amdvi_cell_text(&run->strings, "%s", reason));
    add_entry(run, event, kind);
    amdvi_run_note(run, "the VM is stopped; QMP \"cont\" lets it go on");
}

/* Until the breakpoint stops the VM; those of others do not count */
static bool wait_for_stop(struct amdvi_run *run, uint64_t number,
                          struct amdvi_error *err)
{
    bool good, mine = false;

    do {
        struct json_object *event = amdvi_target_wait_event(
            run->target, "AMD_IOMMU_BREAK", err);
        uint64_t other;

        good = event != NULL;
        mine = good && amdvi_reply_number(event, "number", UINT32_MAX,
                                          &other) && other == number;
        if (mine) {
            add_event(run, event);
        }
        json_object_put(event);
    } while (good && !mine);
    return good;
}

static bool obey(struct amdvi_run *run, struct amdvi_error *err)
{
    uint64_t number;

    if (is_delete(run->query)) {
        return delete_break(run, err);
    }
    return set_break(run, &number, err) &&
           (!run->query->wait || wait_for_stop(run, number, err));
}

static bool open_break(struct amdvi_run *run, struct amdvi_error *err)
{
    struct amdvi_items *items = calloc(1, sizeof(*items));

    if (!items) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    run->state = items;
    if (run->query->nargs && !obey(run, err)) {
        return false;
    }
    items->list = amdvi_target_command(run->target, "query-amd-iommu-breaks",
                                       NULL, err);
    return items->list &&
           (json_object_is_type(items->list, json_type_array) ||
            amdvi_reply_invalid("query-amd-iommu-breaks", "not a list",
                                err));
}

const struct amdvi_view amdvi_view_break = {
    .name = "break",
    .args = "[KIND [KEY=...]]",
    .orders = orders,
    .keys = keys,
    .help = "breakpoints; KIND sets one that stops the VM",
    .no_words = "a condition is no structure of the IOMMU",
    .max_args = sizeof(keys) / sizeof(keys[0]),
    .options = AMDVI_QUERY_FILTER | AMDVI_QUERY_WAIT,
    .facts_key = "stopped",
    .rows_key = "breakpoints",
    .column = columns,
    .ncolumns = sizeof(columns) / sizeof(columns[0]),
    .check = check,
    .open = open_break,
    .fetch = amdvi_items_fetch,
    .close = amdvi_items_close,
};
