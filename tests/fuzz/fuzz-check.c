/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile registers and memory for the views: rules, enumerations of tables,
 * rings and device tables, in text and JSON.
 *
 * Inputs are those of fuzz-walk.c: the header is a machine's registers here,
 * and the records are what is in its 16 pages.  Bits [31:28] of the word
 * about memory choose a view, or all.  Built like that.
 */
#include "fuzz-walk.h"
#include "pci.h"
#include "render.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 16
#define WORDS (PAGES * 512)
#define RECORD 10
/* After so many reads of one view the target fails, and that ends the view */
#define MAX_READS 16384

/* As in fuzz-walk.c */
enum {
    IN_CONTROL, IN_EFR, IN_EFR2, IN_DEVTAB, IN_EXCL_BASE, IN_EXCL_LIMIT,
    IN_MEMORY, IN_REQUEST, IN_ADDR, IN_MORE,
    HEADER_WORDS,
};

static struct machine {
    uint64_t in[HEADER_WORDS];
    uint8_t byte[WORDS * 8];
    unsigned int abort_page, unknown_page;      /* PAGES: none */
    unsigned int reads;
} m;

/* Each ring begins at the address of the request */
static const struct {
    uint32_t offset;
    uint8_t word;               /* IN_* */
    uint64_t or;
} registers[] = {
    { 0x0, IN_DEVTAB, 0 }, { 0x8, IN_ADDR, 8ULL << 56 },
    { 0x10, IN_ADDR, 9ULL << 56 }, { 0x18, IN_CONTROL, 0 },
    { 0x20, IN_EXCL_BASE, 0 }, { 0x28, IN_EXCL_LIMIT, 0 },
    { 0x30, IN_EFR, 0 }, { 0x38, IN_ADDR, 10ULL << 56 },
    { 0x1a0, IN_EFR2, 0 }, { 0x2000, IN_MORE, 0 }, { 0x2008, IN_REQUEST, 0 },
    { 0x2010, IN_REQUEST, 0 }, { 0x2018, IN_MORE, 0 },
    { 0x2020, IN_MORE, 0 }, { 0x2030, IN_MORE, 0 },
    { 0x2038, IN_REQUEST, 0 },
};

static const struct command {
    const char *view;
    const char *args[2];
    size_t nargs;
    bool all;
} commands[] = {
    { "check", { NULL }, 0, false },
    { "status", { NULL }, 0, false },
    { "devices", { NULL }, 0, false },
    { "device", { "00:05.0" }, 1, false },
    { "pasids", { "00:05.0" }, 1, false },
    { "maps", { "00:05.0" }, 1, false },
    { "walk", { "00:05.0", "0x1000" }, 2, false },
    { "irt", { "00:05.0" }, 1, true },
    { "commands", { NULL }, 0, false },
    { "events", { NULL }, 0, false },
    { "ppr", { NULL }, 0, false },
    { "regs", { NULL }, 0, false },
};

#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz-check: not so: %s\n", what);
        abort();
    }
}

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    unsigned int page = addr >> 12 & (PAGES - 1);

    (void)target;
    require(len > 0 && (addr & 0xfff) + len <= 4096,
            "reads stay in their page");
    if (m.reads++ == MAX_READS) {
        return amdvi_fail(err, AMDVI_EXIT_CONNECTION, "enough");
    }
    require(m.reads <= MAX_READS, "a target that has failed is left alone");
    *ret_status = page == m.unknown_page ? AMDVI_MEM_UNKNOWN
                : page == m.abort_page ? AMDVI_MEM_ABORT : AMDVI_MEM_OK;
    if (*ret_status == AMDVI_MEM_OK) {
        memcpy(buf, m.byte + addr % sizeof(m.byte), len);
    }
    return true;
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    (void)target;
    (void)err;
    *ret_value = 0;
    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (registers[i].offset == offset) {
            *ret_value = m.in[registers[i].word] | registers[i].or;
        }
    }
    return true;
}

static bool pci_functions(struct amdvi_target *target,
                          struct amdvi_pci_list *ret, struct amdvi_error *err)
{
    static const struct amdvi_pci_function function[] = {
        { .device_id = 0x28, .vendor = 0x1b36, .device = 0x10,
          .class_code = 0x108 },
        { .device_id = 0x30, .vendor = 0x1022, .device = 0x1419,
          .class_code = AMDVI_PCI_CLASS_IOMMU },
    };

    (void)target;
    return amdvi_pci_add(ret, &function[0], "nvme0", "", err) &&
           amdvi_pci_add(ret, &function[1], "", "", err);
}

static const struct amdvi_target_ops ops = {
    .read_memory = read_memory,
    .read_register = read_register,
    .pci_functions = pci_functions,
};

/* With the PASID of the request, and with none */
static void show(struct amdvi_target *target, const struct command *command,
                 FILE *out, bool with_pasid)
{
    const struct amdvi_view *view = amdvi_find_view(command->view);
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_query query = {
        .args = command->args, .nargs = command->nargs, .limit = 64,
        .verbose = with_pasid, .all = command->all,
        .has_pasid = with_pasid && (view->options & AMDVI_QUERY_PASID),
        .pasid = m.in[IN_REQUEST] >> 8 & AMDVI_MAX_PASID,
    };
    struct amdvi_text_renderer text;
    struct amdvi_json_renderer json;

    amdvi_text_renderer_init(&text, out, false);
    amdvi_json_renderer_init(&json, out);
    m.reads = 0;
    if (!amdvi_view_show(view, target, &query,
                         with_pasid ? &json.renderer : &text.renderer,
                         &err)) {
        require(err.code != AMDVI_EXIT_OK && *err.message,
                "what has failed is said");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *out;
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_target *target;
    size_t wanted;

    out = out ? out : fopen("/dev/null", "w");
    if (size < HEADER_WORDS * 8 || !out) {
        return 0;
    }
    memset(&m, 0, sizeof(m));
    for (size_t i = 0; i < HEADER_WORDS; i++) {
        m.in[i] = amdvi_load64(data + 8 * i);
    }
    m.abort_page = m.in[IN_MEMORY] >> 8 & 0xff;
    m.unknown_page = m.in[IN_MEMORY] >> 16 & 0xff;
    data += HEADER_WORDS * 8;
    for (size -= HEADER_WORDS * 8; size >= RECORD; size -= RECORD) {
        memcpy(m.byte + (data[0] | data[1] << 8) % WORDS * 8, data + 2, 8);
        data += RECORD;
    }
    target = amdvi_target_new(&ops, NULL, &err);
    wanted = m.in[IN_MEMORY] >> 28 & 15;
    for (size_t i = 0; i < NUM_COMMANDS; i++) {
        if (i == wanted || wanted >= NUM_COMMANDS) {
            show(target, &commands[i], out, m.in[IN_REQUEST] >> 6 & 1);
        }
    }
    amdvi_target_close(target);
    return 0;
}
