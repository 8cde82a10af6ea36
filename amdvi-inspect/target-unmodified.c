/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU as distributions ship it.
 *
 * It has no QMP command for guest memory, only the monitor command "xp",
 * whose text is parsed strictly.  xp also reads device registers, and a
 * table address from the guest may point at any device; so memory is read
 * only where the memory map has RAM.
 */
#include "target-qmp.h"
#include "memory-map.h"
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registers are fetched and kept in blocks of this many bytes */
#define BLOCK_SIZE 256u
#define BLOCK_WORDS (BLOCK_SIZE / 8)
/* The largest window, with performance counters */
#define MAX_WINDOW (512u << 10)

struct unmodified {
    struct amdvi_target_qmp common;
    struct amdvi_memory_map map;
    bool loaded[MAX_WINDOW / BLOCK_SIZE];
    uint64_t block[MAX_WINDOW / BLOCK_SIZE][BLOCK_WORDS];
};

/* What xp prints of a place where nothing is */
static bool says_no_memory(const char *text)
{
    return strstr(text, "Cannot access memory") != NULL;
}

/* Hexadecimal digits, at most 16.  Returns false if there is none */
static bool parse_hex(const char **text, uint64_t *ret)
{
    size_t n = strspn(*text, "0123456789abcdef");

    *ret = 0;
    for (size_t i = 0; i < n; i++) {
        char c = (*text)[i];

        *ret = *ret << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *text += n;
    return n > 0 && n <= 16;
}

/* Go past @expected if it is next */
static bool skip(const char **text, const char *expected)
{
    size_t length = strlen(expected);
    bool match = strncmp(*text, expected, length) == 0;

    *text += match ? length : 0;
    return match;
}

/*
 * Take one line, "00000000fed80000: 0x0000000000000000 0x00..", of at most
 * @count words.  Returns how many it has, 0 if it is not such a line.
 */
static size_t parse_line(const char **text, uint64_t addr, uint64_t *words,
                         size_t count)
{
    uint64_t line_addr;
    size_t n = 0;

    if (!parse_hex(text, &line_addr) || line_addr != addr ||
        !skip(text, ":")) {
        return 0;
    }
    while (n < count && skip(text, " 0x") && parse_hex(text, &words[n])) {
        n++;
    }
    *text += strspn(*text, "\r\n");
    return n;
}

static bool parse_words(const char *text, uint64_t addr, uint64_t *words,
                        size_t count)
{
    size_t done = 0;

    while (done < count) {
        size_t n = parse_line(&text, addr + 8 * done, words + done,
                              count - done);

        if (n == 0) {
            return false;
        }
        done += n;
    }
    return *text == '\0';
}

/* @count 64-bit words at @addr, a multiple of 8 */
static bool read_words(struct amdvi_qmp *qmp, uint64_t addr, uint64_t *words,
                       size_t count, enum amdvi_mem_status *ret_status,
                       struct amdvi_error *err)
{
    struct json_object *reply;
    char line[64];
    bool good, absent;

    snprintf(line, sizeof(line), "xp /%zuxg 0x%" PRIx64, count, addr);
    reply = amdvi_target_qmp_monitor(qmp, line, err);
    if (!reply) {
        return false;
    }
    good = parse_words(json_object_get_string(reply), addr, words, count);
    absent = !good && says_no_memory(json_object_get_string(reply));
    json_object_put(reply);
    if (!good && !absent) {
        return amdvi_reply_invalid("xp", "not the words asked for", err);
    }
    *ret_status = good ? AMDVI_MEM_OK : AMDVI_MEM_ABORT;
    return true;
}

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    struct unmodified *u = target->opaque;
    uint64_t words[AMDVI_TARGET_READ_MAX / 8];
    uint8_t bytes[AMDVI_TARGET_READ_MAX];
    uint64_t first = addr & ~7ull;
    size_t count = (addr % 8 + len + 7) / 8;

    *ret_status = AMDVI_MEM_ABORT;
    if (!amdvi_memory_map_is_ram(&u->map, addr, len)) {
        return true;
    }
    if (!read_words(u->common.qmp, first, words, count, ret_status, err)) {
        return false;
    }
    if (*ret_status == AMDVI_MEM_OK) {
        for (size_t i = 0; i < count; i++) {
            amdvi_store64(bytes + 8 * i, words[i]);
        }
        memcpy(buf, bytes + (addr - first), len);
    }
    return true;
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    struct unmodified *u = target->opaque;
    uint32_t index = offset / BLOCK_SIZE;
    uint64_t addr = u->map.registers.first + index * BLOCK_SIZE;
    enum amdvi_mem_status status = AMDVI_MEM_OK;
    uint64_t *word;

    *ret_value = 0;
    if (offset >= MAX_WINDOW ||
        addr + BLOCK_SIZE - 1 > u->map.registers.last) {
        return true;
    }
    if (!u->loaded[index]) {
        if (!read_words(u->common.qmp, addr, u->block[index], BLOCK_WORDS,
                        &status, err)) {
            return false;
        }
        if (status != AMDVI_MEM_OK) {
            return amdvi_fail(err, AMDVI_EXIT_FAILED,
                              "cannot read the IOMMU's registers at 0x%"
                              PRIx64, addr);
        }
        u->loaded[index] = true;
    }
    word = &u->block[index][offset % BLOCK_SIZE / 8];
    *ret_value = *word >> (offset % 8 * 8);
    return true;
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    const struct unmodified *u = target->opaque;

    ret->kind = "qmp-unmodified";
    ret->address = amdvi_qmp_address(u->common.qmp);
    ret->version = amdvi_qmp_version(u->common.qmp);
    ret->engine = "stock";
    ret->id = u->common.id;
    ret->mmio_base = u->map.registers.first;
}

static void refresh(struct amdvi_target *target)
{
    struct unmodified *u = target->opaque;

    memset(u->loaded, 0, sizeof(u->loaded));
}

static const struct amdvi_target_ops unmodified_ops = {
    .read_memory = read_memory,
    .read_register = read_register,
    .pci_functions = amdvi_target_qmp_pci,
    .pause = amdvi_target_qmp_pause,
    .describe = describe,
    .refresh = refresh,
    .close = amdvi_target_qmp_close,
    .running = amdvi_target_qmp_running,
    .read_config = amdvi_target_qmp_config,
    .asked = amdvi_target_qmp_asked,
};

/* The child of /machine/@holder that is an AMD IOMMU: *@ret, or NULL */
static bool find_child(struct amdvi_qmp *qmp, const char *holder, char **ret,
                       struct amdvi_error *err)
{
    struct json_object *arguments = json_object_new_object(), *list;
    const char *type, *name;

    *ret = NULL;
    json_object_object_add(arguments, "path",
                           json_object_new_string(holder));
    list = amdvi_qmp_run(qmp, "qom-list", arguments, err);
    if (!list) {
        return false;
    }
    for (size_t i = 0; json_object_is_type(list, json_type_array) &&
                       i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);

        if (!*ret && amdvi_reply_text(item, "type", &type) &&
            strcmp(type, "child<amd-iommu>") == 0 &&
            amdvi_reply_text(item, "name", &name)) {
            *ret = strdup(name);
        }
    }
    json_object_put(list);
    return true;
}

/* Its name, the same that the extension would give it */
static bool find_id(struct unmodified *u, const char *wanted,
                    struct amdvi_error *err)
{
    struct amdvi_qmp *qmp = u->common.qmp;
    char **id = &u->common.id;

    if (!find_child(qmp, "/machine/peripheral", id, err) ||
        (!*id && !find_child(qmp, "/machine/peripheral-anon", id, err))) {
        return false;
    }
    if (wanted && (!u->common.id || strcmp(wanted, u->common.id) != 0)) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "no IOMMU is called %s",
                          wanted);
    }
    return true;
}

static bool find_map(struct unmodified *u, struct amdvi_error *err)
{
    struct json_object *reply;

    if (!amdvi_qmp_has(u->common.qmp, AMDVI_QMP_MONITOR)) {
        return amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                          "this QEMU has neither query-amd-iommu nor "
                          AMDVI_QMP_MONITOR);
    }
    reply = amdvi_target_qmp_monitor(u->common.qmp, "info mtree -f", err);
    if (!reply) {
        return false;
    }
    amdvi_memory_map_parse(json_object_get_string(reply), &u->map);
    json_object_put(reply);
    if (u->map.ram_count == 0) {
        return amdvi_reply_invalid("info mtree -f", "no RAM in it", err);
    }
    return u->map.has_registers ||
           amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                      "this VM has no AMD IOMMU");
}

struct amdvi_target *amdvi_target_unmodified(struct amdvi_qmp *qmp,
                                             const char *id,
                                             struct amdvi_error *err)
{
    struct unmodified *u = amdvi_target_qmp_alloc(sizeof(*u), qmp, err);

    if (!u) {
        return NULL;
    }
    if (!find_map(u, err) || !find_id(u, id, err)) {
        amdvi_target_qmp_free(&u->common);
        return NULL;
    }
    return amdvi_target_new(&unmodified_ops, u, err);
}
