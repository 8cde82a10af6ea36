/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU with our QMP commands (qmp-ext/qapi/amd-iommu.json).
 */
#include "target-qmp.h"
#include "base64.h"
#include "pci.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_IOMMU "query-amd-iommu"
#define QUERY_REGISTERS "query-amd-iommu-registers"
#define READ_MEMORY "guest-memory-read"

struct extension {
    struct amdvi_target_qmp common;
    char engine[16];
    char options[256];
    uint64_t mmio_base;
    bool loaded;                /* value[] is what the registers hold */
    uint64_t value[AMDVI_NUM_REGISTERS];
};

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    struct extension *ext = target->opaque;
    struct json_object *arguments = json_object_new_object(), *reply;
    const char *data;
    size_t count;
    bool good;

    json_object_object_add(arguments, "address",
                           json_object_new_uint64(addr));
    json_object_object_add(arguments, "size",
                           json_object_new_int64((int64_t)len));
    reply = amdvi_qmp_run(ext->common.qmp, READ_MEMORY, arguments, err);
    if (!reply) {
        return false;
    }
    good = amdvi_reply_text(reply, "data", &data) &&
           amdvi_base64_decode(data, buf, len, &count);
    json_object_put(reply);
    if (!good) {
        return amdvi_reply_invalid(READ_MEMORY, "no base64 of that size",
                                   err);
    }
    *ret_status = count == len ? AMDVI_MEM_OK : AMDVI_MEM_ABORT;
    return true;
}

/* Registers we do not know are ignored: the tool may be older than QEMU */
static bool store_register(struct extension *ext, struct json_object *item,
                           struct amdvi_error *err)
{
    const struct amdvi_layout *layout;
    uint64_t offset, value;

    if (!amdvi_reply_number(item, "offset", UINT32_MAX, &offset) ||
        !amdvi_reply_number(item, "value", UINT64_MAX, &value)) {
        return amdvi_reply_invalid(QUERY_REGISTERS,
                                   "a register without offset and value",
                                   err);
    }
    layout = amdvi_register_at((uint32_t)offset);
    if (layout && layout->offset == offset) {
        ext->value[layout - amdvi_layouts] = value;
    }
    return true;
}

static bool store_registers(struct extension *ext, struct json_object *reply,
                            struct amdvi_error *err)
{
    struct json_object *list;

    if (!amdvi_reply_array(reply, "registers", &list)) {
        return amdvi_reply_invalid(QUERY_REGISTERS, "no list of registers",
                                   err);
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (!store_register(ext, json_object_array_get_idx(list, i), err)) {
            return false;
        }
    }
    return true;
}

/* One page of registers from *@start, which moves on; 0: that was the last */
static bool load_some(struct extension *ext, uint64_t *start,
                      struct amdvi_error *err)
{
    struct json_object *arguments = json_object_new_object(), *reply;
    uint64_t next = 0;
    bool good;

    json_object_object_add(arguments, "id",
                           json_object_new_string(ext->common.id));
    json_object_object_add(arguments, "start",
                           json_object_new_uint64(*start));
    reply = amdvi_qmp_run(ext->common.qmp, QUERY_REGISTERS, arguments, err);
    if (!reply) {
        return false;
    }
    good = store_registers(ext, reply, err);
    if (good && json_object_object_get_ex(reply, "next", NULL) &&
        (!amdvi_reply_number(reply, "next", UINT32_MAX, &next) ||
         next <= *start)) {
        good = amdvi_reply_invalid(QUERY_REGISTERS, "\"next\" does not move",
                                   err);
    }
    json_object_put(reply);
    *start = next;
    return good;
}

static bool load_registers(struct extension *ext, struct amdvi_error *err)
{
    uint64_t start = 0;

    memset(ext->value, 0, sizeof(ext->value));
    do {
        if (!load_some(ext, &start, err)) {
            return false;
        }
    } while (start);
    ext->loaded = true;
    return true;
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    struct extension *ext = target->opaque;
    const struct amdvi_layout *layout = amdvi_register_at(offset);

    if (!ext->loaded && !load_registers(ext, err)) {
        return false;
    }
    *ret_value = layout ? ext->value[layout - amdvi_layouts] : 0;
    return true;
}

/* Pages of one list at most, and items: more than any cache or recorder has */
#define MAX_PAGES 4096
#define MAX_ITEMS (1u << 20)

/* Move the items of @reply to the end of @list */
static bool take_items(struct json_object *reply,
                       const struct amdvi_query_kind *kind,
                       struct json_object *list, struct amdvi_error *err)
{
    struct json_object *items;

    if (!amdvi_reply_array(reply, kind->list, &items)) {
        return amdvi_reply_invalid(kind->command, "no list in it", err);
    }
    if (json_object_array_length(items) + json_object_array_length(list) >
        MAX_ITEMS) {
        return amdvi_reply_invalid(kind->command, "it has no end", err);
    }
    for (size_t i = 0; i < json_object_array_length(items); i++) {
        json_object_array_add(
            list, json_object_get(json_object_array_get_idx(items, i)));
    }
    return true;
}

/* Add one page to @list.  *@more: "start" of the arguments is the next one */
static bool query_page(struct extension *ext,
                       const struct amdvi_query_kind *kind,
                       struct json_object *arguments,
                       struct json_object *list, bool *more,
                       struct amdvi_error *err)
{
    struct json_object *reply = amdvi_qmp_run(ext->common.qmp, kind->command,
                                              json_object_get(arguments),
                                              err);
    uint64_t next;
    bool good = reply && take_items(reply, kind, list, err);

    *more = good && amdvi_reply_number(reply, "next", UINT64_MAX, &next);
    if (*more) {
        json_object_object_add(arguments, "start",
                               json_object_new_uint64(next));
    }
    json_object_put(reply);
    return good;
}

/* What QEMU takes for the "limit" of a page */
#define MAX_LIMIT 1024

/* Of the items that are wanted those that a page may have */
static void limit_page(struct json_object *arguments, uint64_t wanted)
{
    json_object_object_add(
        arguments, "limit",
        json_object_new_uint64(wanted < MAX_LIMIT ? wanted : MAX_LIMIT));
}

/*
 * Add all pages to @list, or as many as have "limit" items; @arguments may be
 * NULL and is consumed
 */
static bool query_pages(struct extension *ext,
                        const struct amdvi_query_kind *kind,
                        struct json_object *arguments,
                        struct json_object *list, struct amdvi_error *err)
{
    bool good = true, more = true, limited;
    uint64_t wanted = 0;

    arguments = arguments ? arguments : json_object_new_object();
    limited = amdvi_reply_number(arguments, "limit", UINT64_MAX, &wanted);
    json_object_object_add(arguments, "id",
                           json_object_new_string(ext->common.id));
    wanted += json_object_array_length(list);
    for (int i = 0; good && more && i < MAX_PAGES; i++) {
        if (limited) {
            limit_page(arguments, wanted - json_object_array_length(list));
        }
        good = query_page(ext, kind, arguments, list, &more, err);
        more = more && !(limited && json_object_array_length(list) >= wanted);
    }
    json_object_put(arguments);
    return good;
}

/* The arguments for one function when @count items are there already */
static struct json_object *for_device(struct json_object *arguments,
                                      uint16_t device_id, size_t count)
{
    struct json_object *ret = json_object_new_object();
    bool verify = false;
    uint64_t limit;

    json_object_object_add(ret, "device-id", json_object_new_int(device_id));
    if (amdvi_reply_bool(arguments, "verify", &verify)) {
        json_object_object_add(ret, "verify",
                               json_object_new_boolean(verify));
    }
    if (amdvi_reply_number(arguments, "limit", UINT64_MAX, &limit)) {
        json_object_object_add(ret, "limit",
                               json_object_new_uint64(limit - count));
    }
    return ret;
}

/* The TLB of one function; QEMU refuses if it has none that is known */
static bool query_device_tlb(struct extension *ext, uint16_t device_id,
                             struct json_object *arguments,
                             struct json_object *list,
                             struct amdvi_error *err)
{
    struct amdvi_error query_err = { .code = AMDVI_EXIT_OK };
    size_t i = json_object_array_length(list);

    if (!query_pages(ext, &amdvi_queries[AMDVI_QUERY_ID_DEVICE_TLBS],
                     for_device(arguments, device_id, i), list,
                     &query_err) &&
        query_err.code != AMDVI_EXIT_FAILED) {
        *err = query_err;
        return false;
    }
    for (; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);

        if (json_object_is_type(item, json_type_object)) {
            json_object_object_add(item, "device-id",
                                   json_object_new_int(device_id));
        }
    }
    return true;
}

/* Those of all functions, until there is what is wanted */
static bool query_all_tlbs(struct amdvi_target *target,
                           struct json_object *arguments,
                           struct json_object *list, struct amdvi_error *err)
{
    struct amdvi_pci_list pci;
    uint64_t limit = UINT64_MAX;
    bool good = amdvi_target_pci(target, &pci, err);

    amdvi_reply_number(arguments, "limit", UINT64_MAX, &limit);
    for (size_t i = 0; good && i < pci.count &&
         json_object_array_length(list) < limit; i++) {
        good = query_device_tlb(target->opaque, pci.function[i].device_id,
                                arguments, list, err);
    }
    amdvi_pci_list_free(&pci);
    return good;
}

/* The TLBs of all functions, or of the one that @arguments name */
static bool query_device_tlbs(struct amdvi_target *target,
                              struct json_object *arguments,
                              struct json_object *list,
                              struct amdvi_error *err)
{
    uint64_t device_id;
    bool one = amdvi_reply_number(arguments, "device-id", UINT16_MAX,
                                  &device_id);
    bool good = one ? query_device_tlb(target->opaque, (uint16_t)device_id,
                                       arguments, list, err)
                    : query_all_tlbs(target, arguments, list, err);

    json_object_put(arguments);
    return good;
}

static struct json_object *query(struct amdvi_target *target,
                                 enum amdvi_query_id id,
                                 struct json_object *arguments,
                                 struct amdvi_error *err)
{
    struct extension *ext = target->opaque;
    const struct amdvi_query_kind *kind = &amdvi_queries[id];
    struct json_object *list = json_object_new_array();
    bool good;

    if (!amdvi_qmp_has(ext->common.qmp, kind->command)) {
        json_object_put(arguments);
        good = amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                          "this QEMU is older and has no command %s",
                          kind->command);
    } else if (id == AMDVI_QUERY_ID_DEVICE_TLBS) {
        good = query_device_tlbs(target, arguments, list, err);
    } else {
        good = query_pages(ext, kind, arguments, list, err);
    }
    if (!good) {
        json_object_put(list);
        return NULL;
    }
    return list;
}

static struct json_object *command(struct amdvi_target *target,
                                   const char *name,
                                   struct json_object *arguments,
                                   struct amdvi_error *err)
{
    struct extension *ext = target->opaque;

    if (!amdvi_qmp_has(ext->common.qmp, name)) {
        json_object_put(arguments);
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                   "this QEMU is older and has no command %s", name);
        return NULL;
    }
    arguments = arguments ? arguments : json_object_new_object();
    json_object_object_add(arguments, "id",
                           json_object_new_string(ext->common.id));
    return amdvi_qmp_run(ext->common.qmp, name, arguments, err);
}

static struct json_object *wait_event(struct amdvi_target *target,
                                      const char *event,
                                      struct amdvi_error *err)
{
    const struct extension *ext = target->opaque;

    return amdvi_qmp_wait_event(ext->common.qmp, event, err);
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    const struct extension *ext = target->opaque;

    ret->kind = "qmp";
    ret->address = amdvi_qmp_address(ext->common.qmp);
    ret->version = amdvi_qmp_version(ext->common.qmp);
    ret->engine = ext->engine;
    ret->id = ext->common.id;
    ret->options = ext->options;
    ret->mmio_base = ext->mmio_base;
}

static void refresh(struct amdvi_target *target)
{
    struct extension *ext = target->opaque;

    ext->loaded = false;
}

static const struct amdvi_target_ops extension_ops = {
    .read_memory = read_memory,
    .read_register = read_register,
    .pci_functions = amdvi_target_qmp_pci,
    .query = query,
    .pause = amdvi_target_qmp_pause,
    .describe = describe,
    .refresh = refresh,
    .close = amdvi_target_qmp_close,
    .running = amdvi_target_qmp_running,
    .read_config = amdvi_target_qmp_config,
    .command = command,
    .wait_event = wait_event,
    .next_break = amdvi_target_qmp_next_break,
    .asked = amdvi_target_qmp_asked,
};

/* More options than any IOMMU has */
#define MAX_OPTIONS 32

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the members of @options, sorted: QEMU's order is arbitrary */
static size_t sorted_names(struct json_object *options,
                           const char *names[MAX_OPTIONS])
{
    size_t count = 0;

    json_object_object_foreach(options, name, value) {
        (void)value;
        if (count < MAX_OPTIONS) {
            names[count++] = name;
        }
    }
    qsort(names, count, sizeof(names[0]), by_name);
    return count;
}

/* "intremap=on pasid-bits=16": whatever QEMU has */
static void store_options(struct extension *ext, struct json_object *options)
{
    const char *names[MAX_OPTIONS];
    size_t count = sorted_names(options, names), n = 0;

    for (size_t i = 0; i < count && n < sizeof(ext->options); i++) {
        struct json_object *value = json_object_object_get(options, names[i]);
        const char *text = json_object_get_string(value);

        if (json_object_is_type(value, json_type_boolean)) {
            text = json_object_get_boolean(value) ? "on" : "off";
        }
        n += (size_t)snprintf(ext->options + n, sizeof(ext->options) - n,
                              "%s%s=%s", n ? " " : "", names[i],
                              text ? text : "null");
    }
}

/* What query-amd-iommu says about our IOMMU; only the id is needed */
static bool store_info(struct extension *ext, struct json_object *info,
                       struct amdvi_error *err)
{
    struct json_object *options;
    const char *id, *engine = "unknown";

    if (!amdvi_reply_text(info, "id", &id)) {
        return amdvi_reply_invalid(QUERY_IOMMU, "an IOMMU without id", err);
    }
    amdvi_reply_text(info, "engine", &engine);
    snprintf(ext->engine, sizeof(ext->engine), "%s", engine);
    amdvi_reply_number(info, "mmio-base", UINT64_MAX, &ext->mmio_base);
    if (amdvi_reply_object(info, "options", &options)) {
        store_options(ext, options);
    }
    ext->common.id = strdup(id);
    return ext->common.id ||
           amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
}

/* The IOMMU called @id, or the only one */
static struct json_object *find_iommu(struct json_object *list,
                                      const char *id, struct amdvi_error *err)
{
    size_t count;
    const char *name;

    if (!json_object_is_type(list, json_type_array)) {
        amdvi_reply_invalid(QUERY_IOMMU, "not a list", err);
        return NULL;
    }
    count = json_object_array_length(list);
    for (size_t i = 0; id && i < count; i++) {
        struct json_object *info = json_object_array_get_idx(list, i);

        if (amdvi_reply_text(info, "id", &name) && strcmp(name, id) == 0) {
            return info;
        }
    }
    if (count == 0) {
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED, "this VM has no AMD IOMMU");
    } else if (id) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "no IOMMU is called %s", id);
    } else if (count > 1) {
        amdvi_fail(err, AMDVI_EXIT_USAGE,
                   "this VM has %zu IOMMUs: choose one with --iommu", count);
    } else {
        return json_object_array_get_idx(list, 0);
    }
    return NULL;
}

static bool find_and_store(struct extension *ext, const char *id,
                           struct amdvi_error *err)
{
    struct json_object *list = amdvi_qmp_run(ext->common.qmp, QUERY_IOMMU, NULL,
                                             err);
    struct json_object *info;
    bool good;

    if (!list) {
        return false;
    }
    info = find_iommu(list, id, err);
    good = info && store_info(ext, info, err);
    json_object_put(list);
    return good;
}

struct amdvi_target *amdvi_target_extension(struct amdvi_qmp *qmp,
                                            const char *id,
                                            struct amdvi_error *err)
{
    struct extension *ext = amdvi_target_qmp_alloc(sizeof(*ext), qmp, err);

    if (!ext) {
        return NULL;
    }
    if (!find_and_store(ext, id, err)) {
        amdvi_target_qmp_free(&ext->common);
        return NULL;
    }
    return amdvi_target_new(&extension_ops, ext, err);
}
