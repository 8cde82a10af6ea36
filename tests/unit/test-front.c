/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Front end of the walk: enables, exclusion range, device table, the table of
 * spec/translation.md 1, address ranges, and the path selection of section 2.
 */
#include "world.h"

static struct world w;

#define FEE UINT64_C(0xfee00000)
#define ADDR UINT64_C(0x89abc000)

/* Reserved bit of q0; V, TV, I */
#define RESERVED 0x4
#define V 1
#define TV 2
#define I (1ULL << 32)

/* Fields of the result that only some results fill */
static void want_forwarded(const char *row, enum amdvi_reason reason)
{
    want_outcome(&w, row, AMDVI_OUTCOME_FORWARDED, reason);
    want_no_event(&w, row);
    expect_u64(row, "address", w.result.addr, w.request.addr);
}

/* translation.md 1 step 1 */
static void test_disabled(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    w.iommu.control &= ~1ULL;
    world_dma(&w, ADDR, "w");
    want_forwarded("U", AMDVI_REASON_IOMMU_DISABLED);
    world_dma_pasid(&w, 5, ADDR, "w");
    want_forwarded("UP", AMDVI_REASON_IOMMU_DISABLED);
    world_dma(&w, FEE, "w");
    want_forwarded("message", AMDVI_REASON_IOMMU_DISABLED);
    world_request(&w, AMDVI_REQUEST_TRANSLATED, AMDVI_NO_PASID, ADDR, "w");
    world_run(&w);
    want_forwarded("T", AMDVI_REASON_IOMMU_DISABLED);
    world_ats(&w, AMDVI_NO_PASID, ADDR, "rw");
    want_outcome(&w, "TR", AMDVI_OUTCOME_UNSUPPORTED,
                 AMDVI_REASON_IOMMU_DISABLED);
    want_no_event(&w, "TR");
    assert_int_equal(w.reads, 0);
    assert_int_equal(w.trace.count, 0);
}

/* Step 2: base and limit are inclusive, the limit's low 12 bits count as 1 */
static void test_exclusion(void **state)
{
    static const struct {
        const char *row;
        uint64_t base, addr;    /* excl_base register, request */
        bool ex, excluded;
    } rows[] = {
        { "allow, first byte", 0x30003, 0x30000, false, true },
        { "allow, last byte", 0x30003, 0x50fff, false, true },
        { "allow, below", 0x30003, 0x2fff8, false, false },
        { "allow, above", 0x30003, 0x51000, false, false },
        { "off", 0x30002, 0x30000, true, false },
        { "EX", 0x30001, 0x40000, true, true },
        { "EX, above", 0x30001, 0x51000, true, false },
        { "neither", 0x30001, 0x40000, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_host(&w, 4);     /* an empty table: all would fault */
        w.iommu.excl_base = rows[i].base;
        w.iommu.excl_limit = 0x50000;
        world_edit_dte(&w, 1, 0, rows[i].ex ? 1ULL << 39 : 0);
        world_dma(&w, rows[i].addr, "w");
        if (rows[i].excluded) {
            want_forwarded(rows[i].row, AMDVI_REASON_EXCLUSION);
            /* Nothing is said about pages that are not excluded */
            expect_u64(rows[i].row, "page_shift", w.result.page_shift, 12);
        } else {
            want_fault(&w, rows[i].row, AMDVI_REASON_HOST_NOT_PRESENT, EV_RW,
                       rows[i].addr);
        }
    }
}

/* A large page that reaches into the range: each page has its own result */
static void test_exclusion_in_page(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_map_host(&w, 0, 2, 0x6000000000000001);
    world_dma(&w, 0x2f000, "w");
    expect_u64("off", "page_shift", w.result.page_shift, 21);
    w.iommu.excl_base = 0x30003;
    w.iommu.excl_limit = 0x50000;
    world_dma(&w, 0x2f000, "w");
    want_outcome(&w, "below", AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    expect_u64("below", "page_shift", w.result.page_shift, 12);
}

/* Step 3: IO_PAGE_FAULT with PR=0; there is no DTE to take a domain from */
static void test_beyond_table(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    w.iommu.devtab[0] = WORLD_DEVTAB | 1;   /* 256 entries */
    w.request = (struct amdvi_request) {
        .kind = AMDVI_REQUEST_DMA, .device_id = 0x100,
        .pasid = AMDVI_NO_PASID, .addr = ADDR, .write = true,
    };
    world_run(&w);
    want_outcome(&w, "beyond", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_BEYOND_TABLE);
    want_event(&w, "beyond", 0x2020000000000100, ADDR);
    assert_int_equal(w.reads, 0);

    w.request.device_id = 0xff;
    world_put(&w, WORLD_DEVTAB + 0xff * 0x20, 0);
    world_run(&w);
    want_forwarded("last entry", AMDVI_REASON_DTE_INVALID);
}

static void test_dte_unreadable(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    w.abort_at = WORLD_DTE;
    world_dma(&w, ADDR, "w");
    want_outcome(&w, "U", AMDVI_OUTCOME_ABORTED, AMDVI_REASON_DTE_UNREADABLE);
    want_event(&w, "U", 0x3220000000000028, WORLD_DTE);     /* worked */
    assert_true(w.result.hardware_error);
    world_dma(&w, ADDR, "r");
    want_event(&w, "U read", 0x3200000000000028, WORLD_DTE);
    world_ats(&w, AMDVI_NO_PASID, ADDR, "r");
    want_outcome(&w, "TR", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_DTE_UNREADABLE);
    want_event(&w, "TR", 0x3300000000000028, WORLD_DTE);
    w.abort_at = UINT64_MAX;
    w.unknown_at = WORLD_DTE + 8;
    world_dma(&w, ADDR, "w");
    want_outcome(&w, "unknown", AMDVI_OUTCOME_UNKNOWN,
                 AMDVI_REASON_NOT_IN_DUMP);
    want_no_event(&w, "unknown");
}

/* The DTE is one unit: it is read in one piece */
static void test_dte_one_read(void **state)
{
    const uint64_t dte[4] = DTE_C;

    (void)state;
    world_init(&w);
    world_set_dte(&w, dte);
    world_dma(&w, ADDR, "w");
    assert_int_equal(w.reads, 1);
    assert_int_equal(w.trace.count, 1);
    assert_int_equal(w.step[0].stage, AMDVI_STAGE_DTE);
    assert_int_equal(w.step[0].level, 0);
    assert_true(w.step[0].spa == WORLD_DTE && w.step[0].gpa == WORLD_DTE);
    assert_memory_equal(w.step[0].word, dte, sizeof(dte));
    assert_ptr_equal(w.step[0].layout, &amdvi_layouts[AMDVI_LAYOUT_dte]);
}

/*
 * Step 4: the table, one row a cell.  Results: F forwarded, N normal (here:
 * translated), D ILLEGAL_DEV_TABLE_ENTRY, P IO_PAGE_FAULT PR=0, 0 and 1
 * INVALID_DEVICE_REQUEST of that type.
 */
static const struct cell {
    const char *dte;
    uint64_t q0, q1;
    const char *results;        /* of U, UP, TR and T */
} cells[] = {
    { "V=0", 0, 0, "FF01" },
    { "V=0 with all else set", UINT64_MAX - 1, UINT64_MAX, "FF01" },
    { "reserved", V | TV | RESERVED, I, "DDDD" },
    { "reserved, I=0", V | TV | RESERVED, 0, "DDDD" },
    { "reserved, TV=0", V | RESERVED, I, "DDDD" },
    { "TV=0, I=0", V, 0, "PP01" },
    { "TV=0, I=1", V, I, "PP0F" },
    { "I=0", V | TV | HOST_RW, 0, "N-01" },
    { "I=1", V | TV | HOST_RW, I, "N-NF" },
};

static void want_illegal(const char *row, uint64_t tr)
{
    bool gn = w.request.pasid != AMDVI_NO_PASID;

    want_outcome(&w, row, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_DTE_RESERVED);
    want_event(&w, row, 0x10a0000000000028 | tr |
               (gn ? 0x0001000500000000 : 0), ADDR);
}

static void want_invalid_request(const char *row, uint64_t tr, uint64_t type)
{
    want_outcome(&w, row, AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_ATS_NOT_ALLOWED);
    want_event(&w, row, 0x8000000000000028 | tr | type << 57, ADDR);
}

static void check_cell(const struct cell *c, char result)
{
    uint64_t tr = w.request.kind == AMDVI_REQUEST_ATS ? 1ULL << 56 : 0;

    switch (result) {
    case 'F':
        want_outcome(&w, c->dte, AMDVI_OUTCOME_FORWARDED, w.result.reason);
        want_no_event(&w, c->dte);
        expect_u64(c->dte, "address", w.result.addr, ADDR);
        break;
    case 'N':
        want_outcome(&w, c->dte, AMDVI_OUTCOME_TRANSLATED,
                     AMDVI_REASON_NONE);
        expect_u64(c->dte, "address", w.result.addr, ADDR);
        break;
    case 'D':
        want_illegal(c->dte, tr);
        break;
    case 'P':
        want_outcome(&w, c->dte, AMDVI_OUTCOME_ABORTED, AMDVI_REASON_DTE_TV);
        expect_u64(c->dte, "code, PR, RW, PE, RZ, TR",
                   w.result.event[0] & 0xf1f0000000000000,
                   0x2020000000000000);
        break;
    case '0':
    case '1':
        want_invalid_request(c->dte, tr, (uint64_t)(result - '0'));
        break;
    default:
        break;
    }
}

static void test_dte_table(void **state)
{
    static const struct {
        enum amdvi_request_kind kind;
        uint32_t pasid;
    } requests[] = {
        { AMDVI_REQUEST_DMA, AMDVI_NO_PASID },
        { AMDVI_REQUEST_DMA, 5 },
        { AMDVI_REQUEST_ATS, AMDVI_NO_PASID },
        { AMDVI_REQUEST_TRANSLATED, AMDVI_NO_PASID },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
        const uint64_t dte[4] = { cells[i].q0, cells[i].q1 };

        for (size_t j = 0; j < ARRAY_SIZE(requests); j++) {
            world_init(&w);
            world_set_dte(&w, dte);
            world_request(&w, requests[j].kind, requests[j].pasid, ADDR,
                          "rw");
            world_run(&w);
            check_cell(&cells[i], cells[i].results[j]);
        }
    }
}

/* A blocked device: worked DTE D */
static void test_blocked(void **state)
{
    const uint64_t dte[4] = { 1, 0x2a, 0, 0 };

    (void)state;
    world_init(&w);
    world_set_dte(&w, dte);
    world_dma(&w, 0x89abc123, "w");
    want_fault(&w, "blocked write", AMDVI_REASON_DTE_TV, EV_RW, 0x89abc123);
    want_event(&w, "worked event", 0x2020002a00000028, 0x89abc123);
    world_dma(&w, 0x89abc123, "r");
    want_fault(&w, "blocked read", AMDVI_REASON_DTE_TV, 0, 0x89abc123);
}

/* structures.md 1: each reserved bit of q0 and q1, and what lacks a feature */
static void test_illegal_bits(void **state)
{
    const uint64_t c[4] = DTE_C;

    (void)state;
    for (int bit = 2; bit < 64; bit++) {
        bool reserved = 0x800000000000007cULL >> bit & 1;

        if (reserved) {
            world_init(&w);
            world_set_dte(&w, c);
            world_edit_dte(&w, 0, 0, 1ULL << bit);
            world_dma(&w, ADDR, "r");
            want_outcome(&w, "reserved", AMDVI_OUTCOME_ABORTED,
                         AMDVI_REASON_DTE_RESERVED);
            want_event(&w, "worked event", 0x1080000000000028, ADDR);
        }
    }
}

static void test_illegal_features(void **state)
{
    static const struct {
        const char *row;
        uint64_t efr, q0, q1;
    } rows[] = {
        { "PPR", 1ULL << 50, 1ULL << 52, 0 },
        { "GPRP", 1ULL << 50, 1ULL << 53, 0 },
        { "GIoV", 1ULL << 48, 1ULL << 54, 0 },
        { "GV", 1ULL << 4, 1ULL << 55, 0 },
        { "GLX", 1ULL << 4, 1ULL << 56, 0 },
        { "GCR3TRP low", 1ULL << 4, 1ULL << 58, 0 },
        { "GCR3TRP middle", 1ULL << 4, 0, 1ULL << 16 },
        { "GCR3TRP high", 1ULL << 4, 0, 1ULL << 63 },
        { "HAD", 1ULL << 49, 1ULL << 7, 0 },
    };
    const uint64_t c[4] = DTE_C;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init(&w);
        world_set_dte(&w, c);
        world_edit_dte(&w, 0, 0, rows[i].q0);
        world_edit_dte(&w, 1, 0, rows[i].q1);
        w.iommu.features.efr &= ~rows[i].efr;
        world_dma(&w, ADDR, "r");
        want_outcome(&w, rows[i].row, AMDVI_OUTCOME_ABORTED,
                     AMDVI_REASON_DTE_RESERVED);
        want_event(&w, rows[i].row, 0x1080000000000028, ADDR);
    }
}

/* Who has found out before which bits are reserved is believed */
static void test_given_reserved(void **state)
{
    const uint64_t c[4] = DTE_C, none[AMDVI_MAX_WORDS] = { 0 };
    uint64_t mask[AMDVI_MAX_WORDS];

    (void)state;
    world_init(&w);
    world_set_dte(&w, c);
    world_edit_dte(&w, 0, 0, 1ULL << 63);
    amdvi_reserved_mask(&amdvi_layouts[AMDVI_LAYOUT_dte], &w.iommu.features,
                        mask);
    w.iommu.dte_reserved = mask;
    world_dma(&w, ADDR, "r");
    want_outcome(&w, "a reserved bit", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_DTE_RESERVED);
    w.iommu.dte_reserved = none;
    world_dma(&w, ADDR, "r");
    expect_true("no bit is reserved", "passes the check",
                w.result.reason != AMDVI_REASON_DTE_RESERVED);
}

/* structures.md 1, MODEL: reserved encodings are illegal with RZ=0 */
static void test_illegal_encodings(void **state)
{
    static const struct {
        const char *row;
        uint64_t clear, q0, q2;
        uint64_t efr_clear, efr_set;
    } rows[] = {
        { "Mode 7", 0, 7ULL << 9, 0, 0, 0 },
        { "Mode 5, HATS 4 levels", 0, 5ULL << 9, 0, 3ULL << 10, 0 },
        { "Mode 6, HATS 5 levels", 0, 6ULL << 9, 0, 3ULL << 10, 1ULL << 10 },
        { "HAD 2", 0, 2ULL << 7, 0, 0, 0 },
        { "HAD 3 without HDSup", 0, 3ULL << 7, 0, 1ULL << 52, 0 },
        { "GLX 3", 0, 3ULL << 56, 0, 0, 2ULL << 14 },
        { "GLX 2, GLXSup 1", 3ULL << 56, 2ULL << 56, 0, 3ULL << 14,
          1ULL << 14 },
        { "GLX 1, GLXSup 0", 0, 0, 0, 3ULL << 14, 0 },
        { "GuestPagingMode 2", 0, 0, 2ULL << 54, 0, 0 },
        { "GuestPagingMode 3", 0, 0, 3ULL << 54, 0, 0 },
        { "5 levels, GATS 4", 0, 0, 1ULL << 54, 3ULL << 12, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_guest(&w, 4, 1);
        world_edit_dte(&w, 0, rows[i].clear, rows[i].q0);
        world_edit_dte(&w, 2, 0, rows[i].q2);
        w.iommu.features.efr &= ~rows[i].efr_clear;
        w.iommu.features.efr |= rows[i].efr_set;
        world_dma_pasid(&w, 5, ADDR, "r");
        want_outcome(&w, rows[i].row, AMDVI_OUTCOME_ABORTED,
                     AMDVI_REASON_DTE_ENCODING);
        want_event(&w, rows[i].row, 0x1001000500000028, ADDR);
        expect_u64(rows[i].row, "mode",
                   amdvi_classify_dte(&w.iommu,
                                      (uint64_t[4]) {
                                          world_get(&w, WORLD_DTE),
                                          world_get(&w, WORLD_DTE + 8),
                                          world_get(&w, WORLD_DTE + 16), 0 }),
                   AMDVI_DTE_ILLEGAL);
    }
}

/* The interrupt part has its own valid bit: it does not spoil DMA */
static void test_interrupt_part_ignored(void **state)
{
    const uint64_t c[4] = { 0x6000000000000003, 1, 0x0030000000000000,
                            0x001f000000007fff };

    (void)state;
    world_init(&w);
    world_set_dte(&w, c);
    world_dma(&w, ADDR, "r");
    want_outcome(&w, "IV=0", AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
}

/* Step 5: the interrupt range, and its edges */
static void test_interrupt_range(void **state)
{
    static const struct {
        const char *row;
        enum amdvi_request_kind kind;
        uint64_t addr;
        const char *access;
        char result;            /* I message, N normal, F, 0 and 1 types */
    } rows[] = {
        { "U write, first", AMDVI_REQUEST_DMA, FEE, "w", 'I' },
        { "U write, last", AMDVI_REQUEST_DMA, 0xfeeffffc, "w", 'I' },
        { "U write, below", AMDVI_REQUEST_DMA, 0xfedffffc, "w", 'N' },
        { "U write, above", AMDVI_REQUEST_DMA, 0xfef00000, "w", 'N' },
        { "U write, 4 GiB up", AMDVI_REQUEST_DMA, 0x1fee00000, "w", 'N' },
        { "U read, first", AMDVI_REQUEST_DMA, FEE, "r", '0' },
        { "U read, last", AMDVI_REQUEST_DMA, 0xfeeffffc, "r", '0' },
        { "U read, above", AMDVI_REQUEST_DMA, 0xfef00000, "r", 'N' },
        { "TR", AMDVI_REQUEST_ATS, 0xfee01000, "rw", '1' },
        { "TR no write", AMDVI_REQUEST_ATS, 0xfee01000, "r", '1' },
        { "TR below", AMDVI_REQUEST_ATS, 0xfedff000, "rw", 'N' },
        { "T write", AMDVI_REQUEST_TRANSLATED, FEE, "w", 'I' },
        { "T write, above", AMDVI_REQUEST_TRANSLATED, 0xfef00000, "w", 'F' },
        { "T read", AMDVI_REQUEST_TRANSLATED, FEE, "r", '0' },
        { "HT window", AMDVI_REQUEST_DMA, 0xfd00000000, "w", 'N' },
        { "HT window, TR", AMDVI_REQUEST_ATS, 0xfdf8000000, "rw", 'N' },
    };
    const uint64_t dte[4] = { 0x6000000000000003, 1 | I, 0, 0 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t tr = rows[i].kind == AMDVI_REQUEST_ATS ? 1ULL << 56 : 0;

        world_init(&w);
        world_set_dte(&w, dte);
        world_request(&w, rows[i].kind, AMDVI_NO_PASID, rows[i].addr,
                      rows[i].access);
        world_run(&w);
        switch (rows[i].result) {
        case 'I':
            want_outcome(&w, rows[i].row, AMDVI_OUTCOME_INTERRUPT,
                         AMDVI_REASON_INTERRUPT_RANGE);
            break;
        case 'N':
            want_outcome(&w, rows[i].row, AMDVI_OUTCOME_TRANSLATED,
                         AMDVI_REASON_NONE);
            break;
        case 'F':
            want_forwarded(rows[i].row, AMDVI_REASON_NONE);
            break;
        default:
            want_outcome(&w, rows[i].row, AMDVI_OUTCOME_ABORTED,
                         AMDVI_REASON_INTERRUPT_READ);
            want_event(&w, rows[i].row, 0x8000000000000028 | tr |
                       (uint64_t)(rows[i].result == '1') << 57, rows[i].addr);
            break;
        }
    }
}

/* A blocked device still sends messages: IV is independent of TV */
static void test_message_of_blocked(void **state)
{
    const uint64_t dte[4] = { 1, 0, 0x2000000000200013, 0 };

    (void)state;
    world_init(&w);
    world_set_dte(&w, dte);
    world_dma(&w, FEE, "w");
    want_outcome(&w, "TV=0", AMDVI_OUTCOME_INTERRUPT,
                 AMDVI_REASON_INTERRUPT_RANGE);
}

/* With a PASID the interrupt range is ordinary virtual memory */
static void test_message_with_pasid(void **state)
{
    uint64_t top;

    (void)state;
    world_init_guest(&w, 4, 1);
    top = world_add_pasid(&w, 5);
    world_map_guest(&w, top, FEE, 1, G_ALL | 0x5000);
    world_dma_pasid(&w, 5, FEE + 4, "w");
    want_address(&w, "UP write", 0x5004, 12, PERM_RWX);
    world_dma_pasid(&w, 5, FEE + 4, "r");
    want_outcome(&w, "UP read", AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    world_ats(&w, 5, FEE, "rw");
    want_address(&w, "TR", 0x5000, 12, PERM_RW);
}

/* Section 2: identity, host or guest path.  GPA 1000h is at 7000h */
static void test_path_selection(void **state)
{
    static const struct {
        const char *row;
        bool gt_en, gv, giov, host;
        uint32_t pasid;
        uint64_t addr;          /* 0: aborted for lack of a guest table */
    } rows[] = {
        { "U, GV=0", 1, 0, 0, 0, AMDVI_NO_PASID, 0x1000 },
        { "U, GV=0, host", 1, 0, 0, 1, AMDVI_NO_PASID, 0x7000 },
        { "U, GTEn=0", 0, 1, 1, 0, AMDVI_NO_PASID, 0x1000 },
        { "U, GTEn=0, host", 0, 1, 1, 1, AMDVI_NO_PASID, 0x7000 },
        { "U, GIoV=0", 1, 1, 0, 0, AMDVI_NO_PASID, 0x1000 },
        { "U, GIoV=0, host", 1, 1, 0, 1, AMDVI_NO_PASID, 0x7000 },
        { "U, GIoV=1", 1, 1, 1, 0, AMDVI_NO_PASID, 0x8000 },
        { "UP", 1, 1, 0, 0, 5, 0x9000 },
        { "UP, GIoV=1", 1, 1, 1, 0, 5, 0x9000 },
        { "UP 0, GIoV=0", 1, 1, 0, 0, 0, 0x8000 },
        { "UP 0, GIoV=1", 1, 1, 1, 0, 0, 0x8000 },
        { "UP, GV=0", 1, 0, 0, 0, 5, 0 },
        { "UP, GTEn=0", 0, 1, 0, 0, 5, 0 },
        { "UP, GV=0, host", 1, 0, 0, 1, 5, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init_guest(&w, 4, 1);
        world_map_guest(&w, world_add_pasid(&w, 0), 0x1000, 1, G_ALL | 0x8000);
        world_map_guest(&w, world_add_pasid(&w, 5), 0x1000, 1, G_ALL | 0x9000);
        if (!rows[i].gt_en) {
            w.iommu.control &= ~(1ULL << 16);
        }
        world_edit_dte(&w, 0, 3ULL << 54, (uint64_t)rows[i].gv << 55 |
                       (uint64_t)rows[i].giov << 54);
        if (rows[i].host) {
            w.host_mode = 3;
            world_edit_dte(&w, 0, 0, 3ULL << 9 | WORLD_HOST_ROOT);
            world_map_host(&w, 0x1000, 1, HOST_RW | 0x7000 | 1);
        }
        world_dma_pasid(&w, rows[i].pasid, 0x1000, "r");
        if (rows[i].addr) {
            want_outcome(&w, rows[i].row, AMDVI_OUTCOME_TRANSLATED,
                         AMDVI_REASON_NONE);
            expect_u64(rows[i].row, "address", w.result.addr, rows[i].addr);
            expect_u64(rows[i].row, "guest", w.result.guest,
                       rows[i].addr >= 0x8000);
        } else {
            want_fault(&w, rows[i].row, AMDVI_REASON_NO_GUEST_TABLE,
                       EV_GN | EV_US, 0x1000);
        }
    }
}

/* The same for ATS: success with R=W=0, no event */
static void test_ats_no_guest_table(void **state)
{
    (void)state;
    world_init_guest(&w, 4, 1);
    world_edit_dte(&w, 0, 1ULL << 55, 0);
    world_ats(&w, 5, 0x1000, "rw");
    want_outcome(&w, "GV=0", AMDVI_OUTCOME_NO_ACCESS,
                 AMDVI_REASON_NO_GUEST_TABLE);
    want_no_event(&w, "GV=0");
}

/* registers.md 3.1 */
static void test_dte_address(void **state)
{
    static const struct {
        uint64_t seg_en;
        uint16_t device;
        uint64_t spa;           /* 0: beyond the table */
    } rows[] = {
        { 0, 0x0028, 0x1000500 },
        { 0, 0xffff, 0x11fffe0 },
        { 1, 0x7fff, 0x10fffe0 },
        { 1, 0x8000, 0x2000000 },
        { 1, 0x8080, 0 },
        { 2, 0x3fff, 0x107ffe0 },
        { 2, 0x4000, 0x2000000 },
        { 2, 0x407f, 0x2000fe0 },
        { 2, 0x4080, 0 },
        { 2, 0xc001, 0x4000020 },
        { 3, 0x1fff, 0x103ffe0 },
        { 3, 0x2001, 0x2000020 },
        { 3, 0xe028, 0x8000500 },
    };

    (void)state;
    world_init(&w);
    for (uint64_t n = 1; n < 8; n++) {
        w.iommu.devtab[n] = (n + 1) << 24;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t spa = 0;
        bool found;

        w.iommu.control = 1 | rows[i].seg_en << 34;
        found = amdvi_dte_address(&w.iommu, rows[i].device, &spa);
        expect_u64("DTE", "found", found, rows[i].spa != 0);
        if (found) {
            expect_u64("DTE", "address", spa, rows[i].spa);
        }
    }
}

/* (Size + 1) x 128 entries, and no more than the DeviceIDs of a segment */
static void test_table_entries(void **state)
{
    static const struct {
        uint64_t seg_en, size0;
        uint32_t entries;
    } rows[] = {
        { 0, 0, 128 }, { 0, 1, 256 }, { 0, 0x1ff, 65536 },
        { 1, 0, 256 }, { 1, 0xff, 32768 + 128 }, { 1, 0x1ff, 32768 + 128 },
        { 2, 0x7f, 16384 + 3 * 128 }, { 3, 0x3f, 8192 + 7 * 128 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        world_init(&w);
        w.iommu.control = 1 | rows[i].seg_en << 34;
        w.iommu.devtab[0] = WORLD_DEVTAB | rows[i].size0;
        expect_u64("device table", "entries",
                   amdvi_device_table_entries(&w.iommu), rows[i].entries);
    }
}

static void test_classify(void **state)
{
    static const struct {
        uint64_t dte[4];
        enum amdvi_dte_mode mode;
        const char *word;
    } rows[] = {
        { { 0 }, AMDVI_DTE_INVALID, "invalid" },
        { { 0, 0, 0x2000000000200013 }, AMDVI_DTE_INVALID, "invalid" },
        { { 1 }, AMDVI_DTE_BLOCKED, "blocked" },
        { { 3 }, AMDVI_DTE_BLOCKED, "blocked" },
        { DTE_C, AMDVI_DTE_BYPASS, "bypass" },
        { DTE_B, AMDVI_DTE_HOST, "host" },
        { DTE_A, AMDVI_DTE_GUEST, "guest" },
        { { 0x6dd000001abcd803, 0x00000001eca80033 }, AMDVI_DTE_NESTED,
          "nested" },
        { { 0x6000000000000007, 1 }, AMDVI_DTE_ILLEGAL, "illegal" },
        { { 0x6000000000000e03, 1 }, AMDVI_DTE_ILLEGAL, "illegal" },
    };

    (void)state;
    world_init(&w);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        expect_u64(rows[i].word, "mode",
                   amdvi_classify_dte(&w.iommu, rows[i].dte), rows[i].mode);
        expect_str("mode", amdvi_dte_mode_word(rows[i].mode), rows[i].word);
    }
    w.iommu.control &= ~(1ULL << 16);
    expect_u64("GTEn=0", "mode of case A",
               amdvi_classify_dte(&w.iommu, rows[6].dte), AMDVI_DTE_BYPASS);
}

/* 3.4: SA suppresses page faults, SE all but the first; nothing else */
static void test_suppression(void **state)
{
    (void)state;
    world_init_host(&w, 4);
    world_edit_dte(&w, 1, 0, 1ULL << 34);
    world_dma(&w, ADDR, "w");
    want_outcome(&w, "SA", AMDVI_OUTCOME_ABORTED,
                 AMDVI_REASON_HOST_NOT_PRESENT);
    want_no_event(&w, "SA");
    world_edit_dte(&w, 1, 3ULL << 33, 1ULL << 33);
    world_dma(&w, ADDR, "w");
    want_fault(&w, "SE", AMDVI_REASON_HOST_NOT_PRESENT, EV_RW, ADDR);
    assert_true(w.result.first_only);
    world_edit_dte(&w, 1, 3ULL << 33, 0);
    world_dma(&w, ADDR, "w");
    assert_false(w.result.first_only);

    world_edit_dte(&w, 1, 0, 3ULL << 33);
    world_edit_dte(&w, 0, 0, RESERVED);
    world_dma(&w, ADDR, "r");
    want_event(&w, "illegal DTE", 0x1080000000000028, ADDR);
    world_edit_dte(&w, 0, RESERVED, 0);
    w.abort_at = WORLD_HOST_ROOT;
    world_dma(&w, 0, "w");
    want_event(&w, "unreadable table", 0x4220002a00000028, WORLD_HOST_ROOT);
    assert_false(w.result.first_only);
}

/* The two halves of amdvi_translate(), as a DTE cache uses them */
static void test_cached_dte(void **state)
{
    uint64_t dte[4];

    (void)state;
    world_init_host(&w, 3);
    world_map_host(&w, ADDR, 1, HOST_RW | 0x7000 | 1);
    world_request(&w, AMDVI_REQUEST_DMA, AMDVI_NO_PASID, ADDR, "w");
    assert_true(amdvi_fetch_dte(&w.iommu, &w.mem, &w.request, dte, NULL,
                                &w.result));
    world_put(&w, WORLD_DTE, 0);
    amdvi_translate_dte(&w.iommu, &w.mem, dte, &w.request, NULL, &w.result);
    want_address(&w, "cached", 0x7000, 12, PERM_RW);
    expect_u64("cached", "DomainID", w.result.domain_id, 0x2a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disabled),
        cmocka_unit_test(test_exclusion),
        cmocka_unit_test(test_exclusion_in_page),
        cmocka_unit_test(test_beyond_table),
        cmocka_unit_test(test_dte_unreadable),
        cmocka_unit_test(test_dte_one_read),
        cmocka_unit_test(test_dte_table),
        cmocka_unit_test(test_blocked),
        cmocka_unit_test(test_illegal_bits),
        cmocka_unit_test(test_illegal_features),
        cmocka_unit_test(test_given_reserved),
        cmocka_unit_test(test_illegal_encodings),
        cmocka_unit_test(test_interrupt_part_ignored),
        cmocka_unit_test(test_interrupt_range),
        cmocka_unit_test(test_message_of_blocked),
        cmocka_unit_test(test_message_with_pasid),
        cmocka_unit_test(test_path_selection),
        cmocka_unit_test(test_ats_no_guest_table),
        cmocka_unit_test(test_dte_address),
        cmocka_unit_test(test_table_entries),
        cmocka_unit_test(test_classify),
        cmocka_unit_test(test_suppression),
        cmocka_unit_test(test_cached_dte),
    };

    return cmocka_run_group_tests_name("front end", tests, NULL, NULL);
}
