/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See face.h.
 */
#include "face.h"
#include "dump.h"
#include "memory.h"
#include "options.h"
#include "pci.h"
#include "render.h"
#include "target-callbacks.h"
#include "target-qmp.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct amdvi_face {
    struct amdvi_target *target;        /* NULL: not connected */
    struct amdvi_error err;
};

struct amdvi_face *amdvi_face_new(void)
{
    return calloc(1, sizeof(struct amdvi_face));
}

void amdvi_face_free(struct amdvi_face *face)
{
    if (face) {
        amdvi_face_close(face);
    }
    free(face);
}

const char *amdvi_face_message(const struct amdvi_face *face)
{
    return face->err.message;
}

/* The exit code of what was just done */
static int result(struct amdvi_face *face, bool good)
{
    if (good) {
        face->err.code = AMDVI_EXIT_OK;
        face->err.message[0] = '\0';
    }
    return (int)face->err.code;
}

void amdvi_face_close(struct amdvi_face *face)
{
    amdvi_target_close(face->target);
    face->target = NULL;
}

int amdvi_face_open_qmp(struct amdvi_face *face, const char *address,
                        const char *iommu, int timeout_ms)
{
    const struct amdvi_qmp_manner manner = { .timeout_ms = timeout_ms };

    amdvi_face_close(face);
    face->target = amdvi_target_open_qmp(address, iommu, &manner,
                                         &face->err);
    return result(face, face->target != NULL);
}

int amdvi_face_open_callbacks(struct amdvi_face *face,
                              const struct amdvi_callbacks *callbacks)
{
    amdvi_face_close(face);
    face->target = amdvi_target_open_callbacks(callbacks, &face->err);
    return result(face, face->target != NULL);
}

/* The target with nothing kept of an earlier time, or NULL with an error */
static struct amdvi_target *fresh_target(struct amdvi_face *face)
{
    if (face->target) {
        amdvi_target_refresh(face->target);
    } else {
        amdvi_fail(&face->err, AMDVI_EXIT_CONNECTION,
                   "not connected to a VM");
    }
    return face->target;
}

/*
 * Only the command's own options count: the target is chosen, and nobody may
 * wait, because who calls us can neither be interrupted nor stop the VM then.
 */
static bool check_options(struct amdvi_face *face,
                          const struct amdvi_options *options,
                          unsigned int known)
{
    unsigned int waits = AMDVI_QUERY_WAIT | AMDVI_QUERY_FOLLOW;
    const char *extra = amdvi_option_of(options->view_options &
                                        (~known | waits));

    if (!extra) {
        extra = options->connection;
    }
    return !extra || amdvi_fail(&face->err, AMDVI_EXIT_USAGE,
                                "%s has no option --%s here",
                                options->command, extra);
}

/* The command "dump"; what goes to "-" is what is shown */
static bool dump(struct amdvi_face *face, const struct amdvi_options *options,
                 FILE *out)
{
    struct amdvi_dump_report report;

    if (options->query.nargs != 1) {
        return amdvi_fail(&face->err, AMDVI_EXIT_USAGE, "dump needs FILE");
    }
    if (!check_options(face, options, AMDVI_QUERY_DUMP) ||
        !fresh_target(face) ||
        !amdvi_dump_save(face->target, options, out, &report, &face->err)) {
        return false;
    }
    if (strcmp(options->query.args[0], "-") != 0) {
        amdvi_dump_tell(out, options->query.args[0], &report);
    }
    return true;
}

static bool show(struct amdvi_face *face, const struct amdvi_options *options,
                 FILE *out)
{
    const struct amdvi_view *view =
        options->command ? amdvi_find_view(options->command) : NULL;
    struct amdvi_text_renderer text;
    struct amdvi_json_renderer json;
    bool color = options->color == AMDVI_COLOR_ALWAYS, good;
    struct amdvi_target *target;

    if (options->command && strcmp(options->command, "dump") == 0) {
        return dump(face, options, out);
    }
    if (!view) {
        return amdvi_fail(&face->err, AMDVI_EXIT_USAGE, "no such view");
    }
    if (!check_options(face, options, view->options | AMDVI_QUERY_COLUMNS) ||
        !amdvi_query_check(view, &options->query, &face->err)) {
        return false;
    }
    target = view->targetless ? amdvi_target_none(&face->err)
                              : fresh_target(face);
    if (!target) {
        return false;
    }
    amdvi_json_renderer_init(&json, out);
    amdvi_text_renderer_init(&text, out, color);
    good = amdvi_view_show(view, target, &options->query,
                           options->json ? &json.renderer : &text.renderer,
                           &face->err);
    if (view->targetless) {
        amdvi_target_close(target);
    }
    return good;
}

/* Parse behind the name that a program's own name would have */
static bool run(struct amdvi_face *face, int count, char **words, FILE *out)
{
    char **argv = calloc((size_t)count + 2, sizeof(*argv));
    struct amdvi_options options;
    bool good;

    if (!argv) {
        return amdvi_fail(&face->err, AMDVI_EXIT_FAILED, "out of memory");
    }
    memcpy(argv + 1, words, (size_t)count * sizeof(*argv));
    good = amdvi_options_parse(count + 1, argv, &options, &face->err) &&
           show(face, &options, out);
    free(options.args);
    free(argv);
    return good;
}

int amdvi_face_run(struct amdvi_face *face, int count, char **words,
                   char **ret_text)
{
    size_t size;
    FILE *out;
    bool good;

    *ret_text = NULL;
    out = open_memstream(ret_text, &size);
    if (!out) {
        amdvi_fail(&face->err, AMDVI_EXIT_FAILED, "out of memory");
        return result(face, false);
    }
    good = run(face, count, words, out);
    if (fclose(out) != 0 && good) {
        good = amdvi_fail(&face->err, AMDVI_EXIT_FAILED, "out of memory");
    }
    return result(face, good);
}

void amdvi_face_free_text(char *text)
{
    free(text);
}

int amdvi_face_next_break(struct amdvi_face *face, char **ret_text)
{
    const struct amdvi_target *target = face->target;
    struct json_object *data = target && target->ops->next_break
        ? target->ops->next_break(face->target) : NULL;
    bool good;

    *ret_text = strdup(data ? json_object_to_json_string_ext(
                                  data, JSON_C_TO_STRING_PLAIN) : "");
    json_object_put(data);
    good = *ret_text || amdvi_fail(&face->err, AMDVI_EXIT_FAILED,
                                   "out of memory");
    return result(face, good);
}

bool amdvi_face_view(size_t index, const char **ret_name,
                     const char **ret_args, const char **ret_help,
                     bool *ret_needs_vm)
{
    for (size_t i = 0; i <= index; i++) {
        if (!amdvi_views[i]) {
            return false;
        }
    }
    *ret_name = amdvi_views[index]->name;
    *ret_args = amdvi_views[index]->args;
    *ret_help = amdvi_views[index]->help;
    *ret_needs_vm = !amdvi_views[index]->targetless;
    return true;
}

const char *amdvi_face_register_name(size_t index)
{
    return index < AMDVI_NUM_REGISTERS ? amdvi_layouts[index].name : NULL;
}

int amdvi_face_device(struct amdvi_face *face, size_t index,
                      uint16_t *ret_device_id, bool *ret_found)
{
    struct amdvi_pci_list list;

    *ret_found = false;
    if (!fresh_target(face) ||
        !amdvi_target_pci(face->target, &list, &face->err)) {
        return result(face, false);
    }
    if (index < list.count) {
        *ret_device_id = list.function[index].device_id;
        *ret_found = true;
    }
    amdvi_pci_list_free(&list);
    return result(face, true);
}

/* Whether @name is what people or programs call it */
static bool is_called(const char *name, const char *id, const char *manual)
{
    char key[AMDVI_FIELD_TEXT];

    return strcmp(name, id) == 0 || strcasecmp(name, manual) == 0 ||
           strcmp(name, amdvi_key(id, key)) == 0;
}

int amdvi_face_register(struct amdvi_face *face, const char *name,
                        uint64_t *ret)
{
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        if (is_called(name, amdvi_layouts[i].id, amdvi_layouts[i].name)) {
            return result(face, fresh_target(face) &&
                          amdvi_target_register(face->target,
                                                (enum amdvi_layout_id)i, ret,
                                                &face->err));
        }
    }
    amdvi_fail(&face->err, AMDVI_EXIT_USAGE, "no register is called %s",
               name);
    return result(face, false);
}

static bool parse_bdf(struct amdvi_face *face, const char *bdf,
                      uint16_t *ret_device_id)
{
    return amdvi_parse_bdf(bdf, ret_device_id) ||
           amdvi_fail(&face->err, AMDVI_EXIT_USAGE,
                      "not a device address: %s", bdf);
}

static bool read_dte(struct amdvi_face *face, const char *bdf,
                     uint64_t words[4])
{
    struct amdvi_dte_reader *reader = calloc(1, sizeof(*reader));
    struct amdvi_dte_entry entry = { .readable = false };
    uint16_t device_id;
    bool good;

    if (!reader) {
        return amdvi_fail(&face->err, AMDVI_EXIT_FAILED, "out of memory");
    }
    good = parse_bdf(face, bdf, &device_id) && fresh_target(face) &&
           amdvi_dte_reader_init(reader, face->target, &face->err) &&
           amdvi_dte_read(reader, device_id, &entry, &face->err);
    free(reader);
    if (good && !entry.readable) {
        return amdvi_fail(&face->err, AMDVI_EXIT_FAILED,
                          "%s has no device table entry", bdf);
    }
    memcpy(words, entry.words, sizeof(entry.words));
    return good;
}

int amdvi_face_dte(struct amdvi_face *face, const char *bdf,
                   const char *field, uint64_t *ret)
{
    const struct amdvi_layout *layout = &amdvi_layouts[AMDVI_LAYOUT_dte];
    uint64_t words[4];

    for (int i = 0; i < layout->nfields; i++) {
        const struct amdvi_field *f = &layout->field[i];

        if (f->id && is_called(field, f->id, f->name)) {
            if (!read_dte(face, bdf, words)) {
                return result(face, false);
            }
            *ret = amdvi_field_get(f, words);
            return result(face, true);
        }
    }
    amdvi_fail(&face->err, AMDVI_EXIT_USAGE, "a DTE has no field %s", field);
    return result(face, false);
}

/* Addresses of one device, as they are at one moment */
struct walker {
    struct amdvi_request request;
    struct amdvi_iommu iommu;
    struct amdvi_memory *memory;
};

/* The caller frees @walker->memory, also after a failure */
static bool open_walker(struct amdvi_face *face, const char *bdf,
                        uint32_t pasid, struct walker *walker)
{
    *walker = (struct walker){
        .request = { .kind = AMDVI_REQUEST_DMA, .pasid = pasid },
    };
    if (!parse_bdf(face, bdf, &walker->request.device_id) ||
        !fresh_target(face)) {
        return false;
    }
    walker->memory = amdvi_memory_new(face->target, &face->err);
    return walker->memory &&
           amdvi_target_iommu(face->target, &walker->iommu, &face->err);
}

static bool walk(struct amdvi_face *face, struct walker *walker,
                 uint64_t addr, uint64_t *ret_addr, uint64_t *ret_bytes)
{
    struct amdvi_result found;
    uint64_t mask;

    walker->request.addr = addr;
    amdvi_translate(&walker->iommu, &walker->memory->mem, &walker->request,
                    NULL, &found);
    if (!amdvi_memory_good(walker->memory, &face->err)) {
        return false;
    }
    if (found.outcome != AMDVI_OUTCOME_TRANSLATED &&
        found.outcome != AMDVI_OUTCOME_FORWARDED) {
        return amdvi_fail(&face->err, AMDVI_EXIT_FAILED, "0x%" PRIx64 ": %s",
                          addr, amdvi_reason_text(found.reason));
    }
    mask = amdvi_ones(found.page_shift < 32 ? found.page_shift : 32);
    *ret_addr = found.addr;
    *ret_bytes = (mask ^ (addr & mask)) + 1;
    return true;
}

int amdvi_face_walk(struct amdvi_face *face, const char *bdf, uint32_t pasid,
                    uint64_t addr, uint64_t *ret_addr, uint64_t *ret_bytes)
{
    struct walker walker;
    bool good = open_walker(face, bdf, pasid, &walker) &&
                walk(face, &walker, addr, ret_addr, ret_bytes);

    free(walker.memory);
    return result(face, good);
}

static bool read_piece(struct amdvi_face *face, uint64_t spa, void *buf,
                       uint64_t len)
{
    enum amdvi_mem_status status;

    if (!amdvi_target_read(face->target, spa, buf, (size_t)len, &status,
                           &face->err)) {
        return false;
    }
    return status == AMDVI_MEM_OK ||
           amdvi_fail(&face->err, AMDVI_EXIT_FAILED,
                      "there is no memory at 0x%" PRIx64, spa);
}

int amdvi_face_read(struct amdvi_face *face, const char *bdf, uint32_t pasid,
                    uint64_t addr, void *buf, uint64_t len)
{
    struct walker walker;
    bool good = open_walker(face, bdf, pasid, &walker);
    uint8_t *p = buf;

    while (good && len) {
        uint64_t spa, bytes;

        good = walk(face, &walker, addr, &spa, &bytes);
        if (good) {
            bytes = bytes < len ? bytes : len;
            good = read_piece(face, spa, p, bytes);
            p += bytes;
            addr += bytes;
            len -= bytes;
        }
    }
    free(walker.memory);
    return result(face, good);
}
