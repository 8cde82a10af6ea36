/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump file as a target.  See dump.h.
 *
 * The file is hostile: its size, depth, types and numbers are checked, and
 * what it does not hold is unknown, never absent.
 */
#include "dump.h"
#include "json-limit.h"
#include "pci.h"
#include "reply.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PAGE_SIZE 4096u
/* A dump, uncompressed, at most */
static const struct amdvi_json_size max_dump = {
    .bytes = 128u << 20, .containers = 512u << 10, .commas = 16u << 20,
};
#define MAX_DEPTH 32
#define BUFFER_SIZE 65536

struct dump_page {
    uint64_t address;
    bool present;
    struct json_object *words;  /* index, word, index, word, ... */
};

struct dump {
    struct json_object *root;
    char *path;
    uint64_t value[AMDVI_NUM_REGISTERS];
    uint64_t mmio_base;
    struct dump_page *page;     /* ascending by address */
    size_t count;
};

static bool invalid(const struct dump *dump, const char *what,
                    struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "%s is not a dump that can be "
                      "read: %s", dump->path, what);
}

/* Numbers of 64 bits are strings, "0x.." */
static bool parse_hex(struct json_object *value, uint64_t *ret)
{
    return json_object_is_type(value, json_type_string) &&
           amdvi_parse_number(json_object_get_string(value), UINT64_MAX, ret);
}

static bool hex_member(struct json_object *object, const char *key,
                       uint64_t *ret)
{
    struct json_object *value = NULL;

    return json_object_object_get_ex(object, key, &value) &&
           parse_hex(value, ret);
}

static size_t find_place(const struct dump *dump, uint64_t address)
{
    size_t low = 0, high = dump->count;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (dump->page[mid].address < address) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Words of the page that lie in @len bytes at @offset; the rest is 0 */
static void copy_words(const struct dump_page *page, size_t offset,
                       uint8_t *buf, size_t len)
{
    uint8_t bytes[PAGE_SIZE] = { 0 };
    size_t n = json_object_array_length(page->words);

    for (size_t i = 0; i + 1 < n; i += 2) {
        int64_t index = json_object_get_int64(
            json_object_array_get_idx(page->words, i));
        uint64_t word = 0;

        parse_hex(json_object_array_get_idx(page->words, i + 1), &word);
        amdvi_store64(bytes + 8 * index, word);
    }
    memcpy(buf, bytes + offset, len);
}

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    const struct dump *dump = target->opaque;
    uint64_t address = addr - addr % PAGE_SIZE;
    size_t at = find_place(dump, address);
    const struct dump_page *page = &dump->page[at];

    (void)err;
    if (at == dump->count || page->address != address) {
        *ret_status = AMDVI_MEM_UNKNOWN;
    } else if (!page->present) {
        *ret_status = AMDVI_MEM_ABORT;
    } else {
        copy_words(page, addr % PAGE_SIZE, buf, len);
        *ret_status = AMDVI_MEM_OK;
    }
    return true;
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    const struct dump *dump = target->opaque;
    const struct amdvi_layout *layout = amdvi_register_at(offset);

    (void)err;
    *ret_value = layout ? dump->value[layout - amdvi_layouts] : 0;
    return true;
}

static bool add_function(const struct dump *dump, struct json_object *item,
                         struct amdvi_pci_list *list, struct amdvi_error *err)
{
    struct amdvi_pci_function function = { .device_id = 0 };
    const char *bdf, *name = "", *description = "";
    uint64_t vendor, device, class_code;

    if (!amdvi_reply_text(item, "bdf", &bdf) ||
        !amdvi_parse_bdf(bdf, &function.device_id) ||
        !amdvi_reply_number(item, "vendor", UINT16_MAX, &vendor) ||
        !amdvi_reply_number(item, "device", UINT16_MAX, &device) ||
        !amdvi_reply_number(item, "class", UINT16_MAX, &class_code)) {
        return invalid(dump, "a PCI function is not described", err);
    }
    amdvi_reply_text(item, "name", &name);
    amdvi_reply_text(item, "description", &description);
    function.vendor = (uint16_t)vendor;
    function.device = (uint16_t)device;
    function.class_code = (uint16_t)class_code;
    return amdvi_pci_add(list, &function, name, description, err);
}

static bool pci_functions(struct amdvi_target *target,
                          struct amdvi_pci_list *ret, struct amdvi_error *err)
{
    const struct dump *dump = target->opaque;
    struct amdvi_pci_list list = { .count = 0 };
    struct json_object *functions;

    if (!amdvi_reply_array(dump->root, "functions", &functions)) {
        return invalid(dump, "no list of PCI functions", err);
    }
    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        if (!add_function(dump, json_object_array_get_idx(functions, i),
                          &list, err)) {
            amdvi_pci_list_free(&list);
            return false;
        }
    }
    amdvi_pci_sort(&list);
    *ret = list;
    return true;
}

/* A list with those items that are of one device */
static struct json_object *of_device(struct json_object *list,
                                     uint64_t device_id)
{
    struct json_object *found = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        uint64_t of;

        if (amdvi_reply_number(item, "device-id", UINT16_MAX, &of) &&
            of == device_id) {
            json_object_array_add(found, json_object_get(item));
        }
    }
    return found;
}

/* Of @arguments, which it lets go of, "device-id" counts as it does in QMP */
static struct json_object *query(struct amdvi_target *target,
                                 enum amdvi_query_id id,
                                 struct json_object *arguments,
                                 struct amdvi_error *err)
{
    const struct dump *dump = target->opaque;
    uint64_t device_id;
    bool one = amdvi_reply_number(arguments, "device-id", UINT16_MAX,
                                  &device_id);
    struct json_object *list;

    json_object_put(arguments);
    if (!amdvi_reply_array(dump->root, amdvi_queries[id].section, &list)) {
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                   "this dump has no section \"%s\": the QEMU it is of could "
                   "not tell", amdvi_queries[id].section);
        return NULL;
    }
    return one ? of_device(list, device_id) : json_object_get(list);
}

/* A text of the header, or NULL */
static const char *header_text(const struct dump *dump, const char *key)
{
    const char *text = NULL;

    amdvi_reply_text(dump->root, key, &text);
    return text;
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    const struct dump *dump = target->opaque;

    ret->kind = "dump";
    ret->address = dump->path;
    ret->version = header_text(dump, "qemu-version");
    ret->engine = header_text(dump, "engine");
    ret->id = header_text(dump, "iommu-id");
    ret->options = header_text(dump, "options");
    ret->mmio_base = dump->mmio_base;
}

static void free_dump(struct dump *dump)
{
    json_object_put(dump->root);
    free(dump->page);
    free(dump->path);
    free(dump);
}

static void close_dump(struct amdvi_target *target)
{
    free_dump(target->opaque);
}

static const struct amdvi_target_ops dump_ops = {
    .read_memory = read_memory,
    .read_register = read_register,
    .pci_functions = pci_functions,
    .query = query,
    .describe = describe,
    .close = close_dump,
};

/* Pairs of an index in the page and a word */
static bool words_valid(struct json_object *words)
{
    size_t n = json_object_array_length(words);

    for (size_t i = 0; i + 1 < n; i += 2) {
        struct json_object *index = json_object_array_get_idx(words, i);
        uint64_t word;

        if (!json_object_is_type(index, json_type_int) ||
            json_object_get_int64(index) < 0 ||
            json_object_get_int64(index) >= PAGE_SIZE / 8 ||
            !parse_hex(json_object_array_get_idx(words, i + 1), &word)) {
            return false;
        }
    }
    return n % 2 == 0;
}

static bool load_page(const struct dump *dump, struct json_object *item,
                      struct dump_page *page, struct amdvi_error *err)
{
    if (!hex_member(item, "address", &page->address) ||
        page->address % PAGE_SIZE ||
        !amdvi_reply_bool(item, "present", &page->present) ||
        !amdvi_reply_array(item, "words", &page->words) ||
        !words_valid(page->words)) {
        return invalid(dump, "a page of memory is not described", err);
    }
    return true;
}

static int by_address(const void *a, const void *b)
{
    const struct dump_page *pa = a, *pb = b;

    return pa->address < pb->address ? -1 : pa->address > pb->address;
}

static bool load_memory(struct dump *dump, struct amdvi_error *err)
{
    struct json_object *memory;
    size_t n;

    if (!amdvi_reply_array(dump->root, "memory", &memory)) {
        return invalid(dump, "no memory in it", err);
    }
    n = json_object_array_length(memory);
    dump->page = calloc(n + 1, sizeof(*dump->page));
    if (!dump->page) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    for (; dump->count < n; dump->count++) {
        if (!load_page(dump, json_object_array_get_idx(memory, dump->count),
                       &dump->page[dump->count], err)) {
            return false;
        }
    }
    qsort(dump->page, n, sizeof(*dump->page), by_address);
    for (size_t i = 1; i < n; i++) {
        if (dump->page[i].address == dump->page[i - 1].address) {
            return invalid(dump, "a page of memory is in it twice", err);
        }
    }
    return true;
}

/* Registers we do not know are ignored: the dump may be newer */
static bool load_registers(struct dump *dump, struct amdvi_error *err)
{
    struct json_object *list;

    if (!amdvi_reply_array(dump->root, "registers", &list)) {
        return invalid(dump, "no registers in it", err);
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        const struct amdvi_layout *layout;
        uint64_t offset, value;

        if (!amdvi_reply_number(item, "offset", UINT32_MAX, &offset) ||
            !hex_member(item, "value", &value)) {
            return invalid(dump, "a register without offset and value", err);
        }
        layout = amdvi_register_at((uint32_t)offset);
        if (layout && layout->offset == offset) {
            dump->value[layout - amdvi_layouts] = value;
        }
    }
    return true;
}

static bool load_all(struct dump *dump, struct amdvi_error *err)
{
    const char *schema = header_text(dump, "schema");
    uint64_t version;

    if (!schema || strcmp(schema, AMDVI_DUMP_SCHEMA) != 0) {
        return invalid(dump, "it has no schema \"" AMDVI_DUMP_SCHEMA "\"",
                       err);
    }
    if (!amdvi_reply_number(dump->root, "schema-version", UINT32_MAX,
                            &version) || version != AMDVI_DUMP_VERSION) {
        return invalid(dump, "its format is of another version", err);
    }
    hex_member(dump->root, "mmio-base", &dump->mmio_base);
    return load_registers(dump, err) && load_memory(dump, err);
}

/* Parse what comes from @file until the root object is complete */
static bool parse_file(struct dump *dump, gzFile file,
                       struct json_tokener *tokener, struct amdvi_error *err)
{
    struct amdvi_json_size size = { 0 };
    char buffer[BUFFER_SIZE];
    int n;

    while (!dump->root && (n = gzread(file, buffer, sizeof(buffer))) > 0) {
        const char *above;

        amdvi_json_measure(&size, buffer, (size_t)n);
        above = amdvi_json_exceeds(&size, &max_dump);
        if (above) {
            return amdvi_fail(err, AMDVI_EXIT_FAILED,
                              "%s is not a dump that can be read: it has more "
                              "%s than any dump", dump->path, above);
        }
        dump->root = json_tokener_parse_ex(tokener, buffer, n);
        if (json_tokener_get_error(tokener) == json_tokener_error_depth) {
            return invalid(dump, "its JSON is nested too deep", err);
        }
        if (!dump->root &&
            json_tokener_get_error(tokener) != json_tokener_continue) {
            return invalid(dump, "it is not JSON", err);
        }
    }
    return dump->root ? true : invalid(dump, "it ends too early", err);
}

static bool load_file(struct dump *dump, struct amdvi_error *err)
{
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    gzFile file = gzopen(dump->path, "rb");
    bool good;

    if (!file || !tokener) {
        good = amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot open %s: %s",
                          dump->path, strerror(errno));
    } else {
        good = parse_file(dump, file, tokener, err) && load_all(dump, err);
    }
    if (file) {
        gzclose(file);
    }
    if (tokener) {
        json_tokener_free(tokener);
    }
    return good;
}

struct amdvi_target *amdvi_target_open_dump(const char *path,
                                            struct amdvi_error *err)
{
    struct dump *dump = calloc(1, sizeof(*dump));

    if (dump) {
        dump->path = strdup(path);
    }
    if (!dump || !dump->path) {
        free(dump);
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    if (!load_file(dump, err)) {
        free_dump(dump);
        return NULL;
    }
    return amdvi_target_new(&dump_ops, dump, err);
}
