/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Write a dump.  See dump.h.
 *
 * What belongs into it is what the views read: so the tables are walked over
 * a recorder, and whatever that has seen is written.  Only tables are read,
 * never the memory that they map.
 */
#include "dump.h"
#include "interrupt.h"
#include "json-writer.h"
#include "memory.h"
#include "pci.h"
#include "recorder.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE_SIZE 4096u
/* Pages of the GCR3 table of one device at most */
#define GCR3_PAGES 512
/* Bytes of the longest interrupt table, and the largest IntTabLen */
#define IRTE_MAX_BYTES 16
#define MAX_INT_TAB_LEN 11

/* A dump in the making */
struct dump {
    const struct amdvi_dump_options *options;
    struct amdvi_target *source;
    struct amdvi_recorder *recorder;
    struct amdvi_memory *memory;    /* for the tables of an address space */
    struct amdvi_iommu iommu;
    struct amdvi_pci_list pci;
    uint64_t value[AMDVI_NUM_REGISTERS];
    struct json_object *section[AMDVI_NUM_QUERIES];
    struct amdvi_dump_report report;
};

static bool go_on(struct amdvi_error *err)
{
    return !amdvi_interrupt_get() || amdvi_interrupt_fail(err);
}

static bool read_registers(struct dump *dump, struct amdvi_error *err)
{
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        if (!amdvi_target_register(dump->source, (enum amdvi_layout_id)i,
                                   &dump->value[i], err)) {
            return false;
        }
    }
    return amdvi_target_iommu(dump->source, &dump->iommu, err);
}

/* All pages of @size bytes at @base */
static bool read_range(struct dump *dump, uint64_t base, uint64_t size,
                       struct amdvi_error *err)
{
    uint64_t end = base + size;

    for (uint64_t at = base - base % PAGE_SIZE; size && at < end;
         at += PAGE_SIZE) {
        enum amdvi_mem_status status;
        uint8_t byte;

        if (!amdvi_target_read(dump->recorder->target, at, &byte, 1, &status,
                               err)) {
            return false;
        }
    }
    return true;
}

static bool read_rings(struct dump *dump, struct amdvi_error *err)
{
    for (int id = 0; id < AMDVI_NUM_RINGS; id++) {
        struct amdvi_ring ring;

        if (!amdvi_target_ring(dump->source, (enum amdvi_ring_id)id, &ring,
                               err)) {
            return false;
        }
        if ((ring.enabled || ring.base) &&
            !read_range(dump, ring.base, ring.bytes, err)) {
            return false;
        }
    }
    return true;
}

static bool read_interrupt_table(struct dump *dump, const uint64_t *dte,
                                 struct amdvi_error *err)
{
    uint64_t length = amdvi_dte_int_tab_len(dte);
    uint64_t size = amdvi_control_ga_en(&dump->iommu.control)
                    ? IRTE_MAX_BYTES : 4;

    return !amdvi_dte_iv(dte) || length > MAX_INT_TAB_LEN ||
           amdvi_dte_int_ctl(dte) != AMDVI_int_ctl_remap ||
           read_range(dump, amdvi_dte_int_tab_root(dte), size << length, err);
}

/* Allow some more pages; what is left of earlier room is taken back */
static void set_room(struct dump *dump, uint64_t pages)
{
    if (dump->recorder->refused) {
        dump->report.complete = false;
    }
    dump->recorder->refused = false;
    dump->recorder->room = pages;
}

/*
 * The tables of an address space, up to the room there is.  Where a page is
 * refused the enumeration goes on behind it, so the steps are bounded by the
 * entries of the pages that were read.
 */
static bool read_tables(struct dump *dump, const uint64_t *dte,
                        uint16_t device_id, uint32_t pasid,
                        struct amdvi_error *err)
{
    struct amdvi_memory *memory = dump->memory;
    /* privileged: the supervisor part belongs to it, too */
    struct amdvi_request request = {
        .device_id = device_id, .pasid = pasid,
        .priv = pasid != AMDVI_NO_PASID,
    };
    uint64_t steps_left = (dump->recorder->room + 1) * 512 * 4;
    struct amdvi_mapping m;
    bool good;

    /* pages that were refused may have room now */
    amdvi_memory_forget(memory);
    do {
        amdvi_probe_tables(&dump->iommu, &memory->mem, dte, &request, &m);
        good = amdvi_memory_good(memory, err) && go_on(err);
        request.addr = m.last + 1;
    } while (good && request.addr && --steps_left);
    if (good && request.addr) {
        dump->report.complete = false;
    }
    return good;
}

/* PASIDs of a device: count them, or with @read read their tables */
static bool for_pasids(struct dump *dump, const uint64_t *dte,
                       uint16_t device_id, uint64_t tables, size_t *count,
                       struct amdvi_error *err)
{
    struct amdvi_memory *memory = amdvi_memory_new(dump->recorder->target,
                                                   err);
    struct amdvi_pasid_probe probe = { .last = 0 };
    bool good = memory != NULL;

    *count = 0;
    set_room(dump, GCR3_PAGES);
    for (uint64_t pasid = 0; good && pasid <= AMDVI_MAX_PASID;
         pasid = probe.last + 1ull) {
        amdvi_probe_pasids(&dump->iommu, &memory->mem, dte, device_id,
                           (uint32_t)pasid, &probe);
        good = amdvi_memory_good(memory, err) && go_on(err);
        if (good && probe.valid) {
            ++*count;
        }
        if (good && probe.valid && tables) {
            set_room(dump, tables);
            good = read_tables(dump, dte, device_id, (uint32_t)pasid, err);
            set_room(dump, GCR3_PAGES);
        }
    }
    free(memory);
    return good;
}

/* How many tables of each address space: few PASIDs are worth more */
static uint64_t tables_of(const struct dump *dump, size_t pasids)
{
    if (dump->options->has_tables) {
        return dump->options->tables;
    }
    return pasids > AMDVI_DUMP_FEW_PASIDS ? 1 : AMDVI_DUMP_TABLES;
}

static bool read_device(struct dump *dump, uint16_t device_id,
                        struct amdvi_dte_reader *reader,
                        struct amdvi_error *err)
{
    struct amdvi_dte_entry entry;
    size_t pasids = 0;

    set_room(dump, SIZE_MAX);
    if (!amdvi_dte_read(reader, device_id, &entry, err)) {
        return false;
    }
    if (!entry.readable) {
        return true;
    }
    if (!read_interrupt_table(dump, entry.words, err)) {
        return false;
    }
    if (!amdvi_dte_v(entry.words)) {
        return true;
    }
    set_room(dump, tables_of(dump, 0));
    return read_tables(dump, entry.words, device_id, AMDVI_NO_PASID, err) &&
           for_pasids(dump, entry.words, device_id, 0, &pasids, err) &&
           for_pasids(dump, entry.words, device_id, tables_of(dump, pasids),
                      &pasids, err);
}

static bool read_devices(struct dump *dump, struct amdvi_error *err)
{
    struct amdvi_dte_reader *reader = malloc(sizeof(*reader));
    bool good = reader != NULL ||
                amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");

    good = good && amdvi_dte_reader_init(reader, dump->recorder->target, err);
    for (size_t i = 0; good && i < dump->pci.count; i++) {
        good = read_device(dump, dump->pci.function[i].device_id, reader,
                           err);
    }
    set_room(dump, SIZE_MAX);
    free(reader);
    return good;
}

/* The last records of the flight recorder, if not all are wanted */
static struct json_object *section_arguments(const struct dump *dump, int id)
{
    struct json_object *arguments = NULL;
    uint64_t oldest, end, records = dump->options->records;

    if (id == AMDVI_QUERY_ID_TRACE && records &&
        amdvi_target_recorded(dump->source, &oldest, &end) &&
        end - oldest > records) {
        arguments = json_object_new_object();
        json_object_object_add(arguments, "start",
                               json_object_new_uint64(end - records));
    }
    return arguments;
}

/* What only the device knows; a target without it leaves the section out */
static bool read_sections(struct dump *dump, struct amdvi_error *err)
{
    bool good = true;

    for (int i = 0; good && i < AMDVI_NUM_QUERIES; i++) {
        dump->section[i] = amdvi_target_query_if_any(
            dump->source, (enum amdvi_query_id)i, section_arguments(dump, i),
            &good, err);
    }
    return good;
}

static bool read_all(struct dump *dump, struct amdvi_error *err)
{
    return read_registers(dump, err) &&
           amdvi_target_pci(dump->source, &dump->pci, err) &&
           read_rings(dump, err) && read_devices(dump, err) &&
           read_sections(dump, err);
}

static uint64_t clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The VM goes on whatever happened; not being able to is an error, too */
static bool read_paused(struct dump *dump, struct amdvi_error *err)
{
    struct amdvi_error resume_err = { .code = AMDVI_EXIT_OK };
    uint64_t start;
    bool good;

    if (dump->options->live || dump->source->readonly ||
        !dump->source->ops->pause) {
        return read_all(dump, err);
    }
    start = clock_us();
    amdvi_interrupt_defer(true);
    good = amdvi_target_pause(dump->source, true, err) &&
           read_all(dump, err);
    if (!amdvi_target_pause(dump->source, false, &resume_err)) {
        good = amdvi_fail(err, resume_err.code, "the VM was paused and could "
                          "not be continued: %s", resume_err.message);
    }
    amdvi_interrupt_defer(false);
    dump->report.paused = true;
    dump->report.pause_us = clock_us() - start;
    return good;
}

static void put_optional(struct amdvi_json *json, const char *key,
                         const char *text)
{
    if (text) {
        amdvi_json_string(json, key, text);
    } else {
        amdvi_json_null(json, key);
    }
}

static void put_header(const struct dump *dump, struct amdvi_json *json)
{
    struct amdvi_target_info info;

    amdvi_target_describe(dump->source, &info);
    amdvi_json_string(json, "schema", AMDVI_DUMP_SCHEMA);
    amdvi_json_number(json, "schema-version", AMDVI_DUMP_VERSION);
    amdvi_json_string(json, "tool-version", amdvi_version());
    amdvi_json_time(json, "time");
    put_optional(json, "reason", dump->options->reason);
    put_optional(json, "qemu-version", info.version);
    put_optional(json, "engine", info.engine);
    put_optional(json, "iommu-id", info.id);
    put_optional(json, "options", info.options);
    amdvi_json_hex(json, "mmio-base", info.mmio_base, 16);
    amdvi_json_bool(json, "paused", dump->report.paused);
    amdvi_json_number(json, "pause-us", dump->report.pause_us);
    amdvi_json_bool(json, "complete", dump->report.complete);
}

static void put_registers(const struct dump *dump, struct amdvi_json *json)
{
    amdvi_json_array(json, "registers");
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        char key[AMDVI_FIELD_TEXT];

        amdvi_json_object(json, NULL);
        amdvi_json_number(json, "offset", amdvi_layouts[i].offset);
        amdvi_json_string(json, "name", amdvi_key(amdvi_layouts[i].id, key));
        amdvi_json_hex(json, "value", dump->value[i], 16);
        amdvi_json_end(json);
    }
    amdvi_json_end(json);
}

static void put_functions(const struct dump *dump, struct amdvi_json *json)
{
    amdvi_json_array(json, "functions");
    for (size_t i = 0; i < dump->pci.count; i++) {
        const struct amdvi_pci_function *f = &dump->pci.function[i];
        char bdf[AMDVI_FIELD_TEXT];

        amdvi_json_object(json, NULL);
        amdvi_json_string(json, "bdf", amdvi_format_bdf(f->device_id, bdf));
        amdvi_json_number(json, "vendor", f->vendor);
        amdvi_json_number(json, "device", f->device);
        amdvi_json_number(json, "class", f->class_code);
        amdvi_json_string(json, "name", f->name);
        amdvi_json_string(json, "description", f->description);
        amdvi_json_end(json);
    }
    amdvi_json_end(json);
}

/* The words that are not 0, each after its number */
static void put_page(const struct amdvi_recorded_page *page,
                     struct amdvi_json *json)
{
    amdvi_json_object(json, NULL);
    amdvi_json_hex(json, "address", page->address, 16);
    amdvi_json_bool(json, "present", page->status == AMDVI_MEM_OK);
    amdvi_json_array(json, "words");
    for (unsigned int i = 0; page->status == AMDVI_MEM_OK &&
                             i < PAGE_SIZE / 8; i++) {
        uint64_t word = amdvi_load64(page->bytes + 8 * i);

        if (word) {
            amdvi_json_number(json, NULL, i);
            amdvi_json_hex(json, NULL, word, 16);
        }
    }
    amdvi_json_end(json);
    amdvi_json_end(json);
}

static void put_all(struct dump *dump, FILE *out)
{
    struct amdvi_json json = { .out = out, .one_line_from = 3 };

    amdvi_json_object(&json, NULL);
    put_header(dump, &json);
    put_registers(dump, &json);
    put_functions(dump, &json);
    amdvi_json_array(&json, "memory");
    for (size_t i = 0; i < dump->recorder->count; i++) {
        put_page(dump->recorder->page[i], &json);
    }
    amdvi_json_end(&json);
    for (int i = 0; i < AMDVI_NUM_QUERIES; i++) {
        amdvi_json_raw(&json, amdvi_queries[i].section,
                       dump->section[i]
                       ? json_object_to_json_string(dump->section[i])
                       : "null");
    }
    amdvi_json_end(&json);
}

static void free_dump(struct dump *dump)
{
    for (int i = 0; i < AMDVI_NUM_QUERIES; i++) {
        json_object_put(dump->section[i]);
    }
    amdvi_pci_list_free(&dump->pci);
    free(dump->memory);
    amdvi_recorder_free(dump->recorder);
}

bool amdvi_dump_write(struct amdvi_target *target, FILE *out,
                      const struct amdvi_dump_options *options,
                      struct amdvi_dump_report *ret, struct amdvi_error *err)
{
    struct dump dump = { .options = options, .source = target };
    bool good;

    dump.report.complete = true;
    dump.recorder = amdvi_recorder_new(target, err);
    if (dump.recorder) {
        dump.memory = amdvi_memory_new(dump.recorder->target, err);
    }
    good = dump.memory && read_paused(&dump, err);
    if (good) {
        put_all(&dump, out);
        dump.report.pages = dump.recorder->count;
        *ret = dump.report;
    }
    free_dump(&dump);
    return good;
}
