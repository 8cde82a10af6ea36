/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile registers, memory, requests, messages and commands for everything
 * in libamdvi that reads what a guest wrote.
 *
 * Built with libFuzzer, or with replay.c, which runs stored inputs.  An
 * input is HEADER_WORDS little-endian words (see struct input) followed by
 * 10-byte records that each put a word (8 bytes) at an index (2 bytes) into
 * 16 pages of zeros.  Every system physical address folds into these pages,
 * so that any pointer leads to a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amdvi.h"
#include "fuzz-walk.h"

#define PAGES 16
#define WORDS (PAGES * 512)
#define RECORD 10
/* A walk starts again at most 64 times; reads and updates of one are few */
#define MAX_ACCESSES (65 * 4 * AMDVI_MAX_STEPS)

/* The header of an input, word by word */
enum {
    IN_CONTROL, IN_EFR, IN_EFR2, IN_DEVTAB, IN_EXCL_BASE, IN_EXCL_LIMIT,
    IN_MEMORY,                  /* see memory_of() */
    IN_REQUEST,                 /* see request_of() */
    IN_ADDR,
    IN_MORE,                    /* [7:0] register 2080h, [24:16] PRG index,
                                   [31] last, [63:32] data of a message */
    HEADER_WORDS,
};

static struct machine {
    uint64_t word[WORDS];
    unsigned int abort_page, unknown_page;  /* PAGES: none */
    bool read_only;
    bool restless;              /* entries change before each third update */
    unsigned int accesses;
} m;

/* Say which invariant does not hold, and stop as sanitizers do */
static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz-walk: not so: %s\n", what);
        abort();
    }
}

static enum amdvi_mem_status page_status(uint64_t spa, size_t len)
{
    unsigned int page = spa >> 12 & (PAGES - 1);

    require(len > 0 && len <= 32 && (spa & 0xfff) + len <= 4096,
            "accesses keep the contract of amdvi_mem");
    require(++m.accesses <= MAX_ACCESSES, "the number of accesses is bounded");
    if (page == m.unknown_page) {
        return AMDVI_MEM_UNKNOWN;
    }
    return page == m.abort_page ? AMDVI_MEM_ABORT : AMDVI_MEM_OK;
}

static enum amdvi_mem_status fuzz_read(void *opaque, uint64_t spa, void *buf,
                                       size_t len)
{
    enum amdvi_mem_status status = page_status(spa, len);
    uint8_t bytes[8];

    (void)opaque;
    for (size_t i = 0; status == AMDVI_MEM_OK && i < len; i++) {
        amdvi_store64(bytes, m.word[(spa + i) / 8 % WORDS]);
        ((uint8_t *)buf)[i] = bytes[(spa + i) % 8];
    }
    return status;
}

static enum amdvi_mem_status fuzz_cmpxchg(void *opaque, uint64_t spa,
                                          uint64_t *expected,
                                          uint64_t desired)
{
    enum amdvi_mem_status status = page_status(spa, 8);
    uint64_t *word = &m.word[spa / 8 % WORDS];
    uint64_t found;

    (void)opaque;
    require(spa % 8 == 0, "updates are aligned");
    require((desired & *expected) == *expected &&
            (desired & ~*expected & ~0x60ULL) == 0,
            "updates only set accessed and dirty bits");
    if (status != AMDVI_MEM_OK) {
        return status;
    }
    *word ^= m.restless && m.accesses % 3 == 0 ? 0x1000 : 0;
    found = *word;
    *word = found == *expected ? desired : found;
    *expected = found;
    return status;
}

/* [7:0] width, [15:8] and [23:16] bad pages, [24] read-only, [25] restless */
static void memory_of(const uint64_t *in, const uint8_t *records,
                      size_t count)
{
    memset(&m, 0, sizeof(m));
    m.abort_page = in[IN_MEMORY] >> 8 & 0xff;
    m.unknown_page = in[IN_MEMORY] >> 16 & 0xff;
    m.read_only = in[IN_MEMORY] >> 24 & 1;
    m.restless = in[IN_MEMORY] >> 25 & 1;
    for (; count; records += RECORD, count--) {
        size_t index = (size_t)(records[0] | records[1] << 8) % WORDS;

        m.word[index] = amdvi_load64(records + 2);
    }
}

static struct amdvi_iommu iommu_of(const uint64_t *in)
{
    struct amdvi_iommu iommu = {
        .features = { in[IN_EFR], in[IN_EFR2] },
        .control = in[IN_CONTROL],
        .excl_base = in[IN_EXCL_BASE], .excl_limit = in[IN_EXCL_LIMIT],
        .ppr_auto_response = in[IN_MORE] & 0xff,
        .pa_bits = (uint8_t)in[IN_MEMORY],
    };

    for (unsigned int i = 0; i < AMDVI_MAX_SEGMENTS; i++) {
        iommu.devtab[i] = in[IN_DEVTAB] << i | in[IN_DEVTAB] >> (63 - i) >> 1;
    }
    return iommu;
}

/*
 * [1:0] kind, [5:2] read write exec privileged, [6] PASID present,
 * [27:8] PASID, [43:28] DeviceID
 */
static struct amdvi_request request_of(const uint64_t *in)
{
    uint64_t r = in[IN_REQUEST];

    return (struct amdvi_request) {
        .kind = (enum amdvi_request_kind)((r & 3) % 3),
        .device_id = (uint16_t)(r >> 28),
        .pasid = r >> 6 & 1 ? (uint32_t)(r >> 8 & 0xfffff) : AMDVI_NO_PASID,
        .addr = in[IN_ADDR],
        .read = r >> 2 & 1, .write = r >> 3 & 1,
        .exec = r >> 4 & 1, .priv = r >> 5 & 1,
    };
}

/* All that a tool does with the words of an entry */
static void show(const struct amdvi_layout *layout, const uint64_t *words,
                 const struct amdvi_features *features)
{
    char text[AMDVI_FIELD_TEXT];
    uint64_t bad[AMDVI_MAX_WORDS];

    require(layout != NULL, "an entry that was read has a layout");
    for (int i = 0; i < layout->nfields; i++) {
        const struct amdvi_field *f = &layout->field[i];
        uint64_t copy[AMDVI_MAX_WORDS];
        uint64_t value = amdvi_field_get(f, words);

        memcpy(copy, words, sizeof(copy));
        require(memchr(amdvi_field_format(f, value, text), 0, sizeof(text)) !=
                NULL, "text is terminated");
        require(amdvi_field_set(f, copy, value) &&
                memcmp(copy, words, sizeof(copy)) == 0,
                "setting what was got changes nothing");
    }
    amdvi_reserved_bits(layout, features, words, bad);
    amdvi_reserved_encoding(layout, words);
}

static void show_trace(const struct amdvi_trace *trace,
                       const struct amdvi_features *features)
{
    require(trace->count <= AMDVI_MAX_STEPS, "AMDVI_MAX_STEPS is enough");
    for (size_t i = 0; i < trace->count; i++) {
        const struct amdvi_step *s = &trace->step[i];

        require(s->stage <= AMDVI_STAGE_HOST && s->level <= 6,
                "a step is of some table");
        show(s->layout, s->word, features);
    }
}

static void show_event(const uint64_t event[2])
{
    const struct amdvi_layout *layout =
        amdvi_layout_match(AMDVI_FAMILY_EVENT, event[0]);
    uint64_t words[AMDVI_MAX_WORDS] = { event[0], event[1] };
    uint64_t bad[AMDVI_MAX_WORDS];

    require(layout && !amdvi_reserved_bits(layout, NULL, words, bad),
            "an event is a known one, without reserved bits");
    require(amdvi_reserved_encoding(layout, words) == NULL,
            "an event has no reserved encoding");
    show(layout, words, NULL);
}

static void check_result(const struct amdvi_request *request,
                         const struct amdvi_result *r)
{
    bool passes = r->outcome == AMDVI_OUTCOME_TRANSLATED;

    require(r->outcome <= AMDVI_OUTCOME_UNKNOWN &&
            r->reason < AMDVI_NUM_REASONS, "outcome and reason are known");
    require(amdvi_reason_text(r->reason) && amdvi_reason_word(r->reason) &&
            amdvi_outcome_word(r->outcome), "and have words");
    require(!r->has_event || r->outcome == AMDVI_OUTCOME_ABORTED,
            "events come with aborts");
    require(!r->hardware_error || r->has_event,
            "hardware errors come with events");
    require(!passes || (r->page_shift >= 12 && r->page_shift <= 64),
            "a page has a size");
    require(!passes || ((r->addr ^ request->addr) & 0xfff) == 0,
            "the offset in the page stays");
    require((r->perm & ~7) == 0 && (!passes || r->perm),
            "permissions are R, W, X and not none");
    if (r->has_event) {
        show_event(r->event);
    }
}

static void translate(const struct amdvi_iommu *iommu,
                      const struct amdvi_request *request)
{
    struct amdvi_mem mem = {
        .read = fuzz_read, .cmpxchg = m.read_only ? NULL : fuzz_cmpxchg,
    };
    struct amdvi_step step[AMDVI_MAX_STEPS];
    struct amdvi_trace trace = { step, AMDVI_MAX_STEPS, 0 };
    struct amdvi_result first, second;

    amdvi_translate(iommu, &mem, request, &trace, &first);
    check_result(request, &first);
    show_trace(&trace, &iommu->features);
    m.accesses = 0;
    trace.capacity = trace.count = 0;
    amdvi_translate(iommu, &mem, request, &trace, &second);
    check_result(request, &second);
    if (m.read_only) {
        require(memcmp(&first, &second, sizeof(first)) == 0,
                "a read-only walk is repeatable");
    }
    m.accesses = 0;
}

static void interrupt(const struct amdvi_iommu *iommu, const uint64_t *in)
{
    const struct amdvi_mem mem = { .read = fuzz_read };
    const struct amdvi_message message = {
        (uint16_t)(in[IN_REQUEST] >> 28), in[IN_ADDR],
        (uint32_t)(in[IN_MORE] >> 32),
    };
    struct amdvi_interrupt out;

    amdvi_remap_interrupt(iommu, &mem, NULL, &message, &out);
    require(out.reason < AMDVI_NUM_REASONS, "a message has a reason");
    require(out.outcome == AMDVI_OUTCOME_FORWARDED ||
            out.outcome == AMDVI_OUTCOME_TRANSLATED ||
            out.outcome == AMDVI_OUTCOME_ABORTED ||
            out.outcome == AMDVI_OUTCOME_UNKNOWN, "a message has a fate");
    require(out.delivery_mode <= 1 && out.index < 2048,
            "an interrupt is fixed or arbitrated");
    if (out.has_event) {
        require(out.outcome == AMDVI_OUTCOME_ABORTED,
                "events come with aborts");
        show_event(out.event);
    }
}

static void page_request(const struct amdvi_iommu *iommu,
                         const struct amdvi_request *r, const uint64_t *in)
{
    const struct amdvi_mem mem = { .read = fuzz_read };
    const struct amdvi_page_request request = {
        .device_id = r->device_id, .pasid = r->pasid, .addr = r->addr,
        .prg_index = (uint16_t)(in[IN_MORE] >> 16),
        .last = in[IN_MORE] >> 31 & 1, .read = r->read, .write = r->write,
        .exec = r->exec, .priv = r->priv,
    };
    struct amdvi_page_request_result out;
    uint64_t words[AMDVI_MAX_WORDS] = { 0 }, bad[AMDVI_MAX_WORDS];

    amdvi_judge_page_request(iommu, &mem, NULL, &request, &out);
    require(out.action <= AMDVI_PPR_UNKNOWN &&
            out.reason < AMDVI_NUM_REASONS, "a page request has a fate");
    words[0] = out.entry[0];
    words[1] = out.entry[1];
    require(!amdvi_reserved_bits(&amdvi_layouts[AMDVI_LAYOUT_ppr_entry], NULL,
                                 words, bad), "a PPR entry is well formed");
    if (out.has_event) {
        show_event(out.event);
    }
}

/* Any words as some structure, and as a command */
static void decode(const struct amdvi_iommu *iommu, const uint64_t *words)
{
    char buf[AMDVI_FIELD_TEXT];
    struct amdvi_range range;
    uint64_t spa;

    show(&amdvi_layouts[words[1] % AMDVI_NUM_LAYOUTS], words,
         &iommu->features);
    for (int f = 0; f <= AMDVI_FAMILY_IRTE128; f++) {
        amdvi_layout_match((enum amdvi_family)f, words[0]);
    }
    for (unsigned int level = 0; level < 8; level++) {
        amdvi_layout_guest(level, words[0]);
    }
    amdvi_check_command(&iommu->features, words);
    amdvi_classify_dte(iommu, words);
    amdvi_register_at((uint32_t)words[0]);
    amdvi_dte_address(iommu, (uint16_t)words[1], &spa);
    amdvi_format_bdf((uint16_t)words[0], buf);
    range = amdvi_decode_range(words[0], words[1] & 1);
    require((range.size & (range.size - 1)) == 0 &&
            (range.base & (range.size ? range.size - 1 : 0)) == 0,
            "a range is an aligned power of two");
    amdvi_encode_range(words[0], words[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t in[HEADER_WORDS];
    struct amdvi_iommu iommu;
    struct amdvi_request request;

    if (size < sizeof(in)) {
        return 0;
    }
    amdvi_load_words(in, data, HEADER_WORDS);
    memory_of(in, data + sizeof(in), (size - sizeof(in)) / RECORD);
    iommu = iommu_of(in);
    request = request_of(in);
    require(amdvi_device_table_entries(&iommu) <= 65536 * 2,
            "a device table has an end");
    translate(&iommu, &request);
    interrupt(&iommu, in);
    page_request(&iommu, &request, in);
    decode(&iommu, in);
    decode(&iommu, &m.word[in[IN_ADDR] / 8 % (WORDS - 4)]);
    return 0;
}
