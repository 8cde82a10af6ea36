/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance counters: their registers, and what they count of everything
 * that can happen.  spec/registers.md 10, spec/linux-guest.md 7.
 */
#include "qemu/osdep.h"
#include "ask.h"
#include "migrate.h"
#include "svm.h"

#define EFR_PC_SUP 0x200ULL
#define REG_CONFIG 0x4000
#define REG_PASID_LOCK 0x4008
#define REG_DOMAIN_LOCK 0x4010
#define REG_DEVICE_LOCK 0x4018
#define REG_1FF8 0x1ff8
#define WINDOW 0x80000

#define BANKS 2
#define BANK_COUNTERS 4
#define COUNTERS (BANKS * BANK_COUNTERS)
/* Registers of a counter */
#define COUNT 0x00
#define SOURCE 0x08
#define PASID_MATCH 0x10
#define DOMAIN_MATCH 0x18
#define DEVICE_MATCH 0x20
#define REPORT 0x28

#define COUNT_MASK 0xffffffffffffULL
#define MATCH_EN (1ULL << 31)
#define MATCH(value, mask) ((value) | MATCH_EN | (uint64_t)(mask) << 32)

/* Events */
#define UNTRANSLATED 0x01
#define PRETRANSLATED 0x02
#define EXCLUDED 0x03
#define TARGET_ABORT 0x04
#define TRANSLATED 0x05
#define PTE_HIT 0x06
#define PTE_MISS 0x07
#define PDE_HIT 0x08
#define PDE_MISS 0x09
#define DTE_HIT 0x0a
#define DTE_MISS 0x0b
#define TABLE_READS 0x0c
#define NESTED_READS 0x0d
#define GUEST_READS 0x0e
#define INTERRUPT_DTE_MISS 0x10
#define COMMAND 0x11
#define INVALIDATION 0x12
#define TLB_INVALIDATION 0x13
#define IGNORED_MMIO 0x14
#define LAST_EVENT 0x18

#define NOBODY TESTDEV_NO_PASID
#define P5 5
#define INVALIDATE_ALL 0x8000000000000000ULL
#define ALL_ADDRESSES 0x7ffffffffffff000ULL
#define INTERRUPT_WINDOW 0xfee00000ULL

/* Register @which of counter @n, counted through all banks */
static uint32_t counter_at(unsigned int n, uint32_t which)
{
    return 0x40000 + n / BANK_COUNTERS * 0x1000 + n % BANK_COUNTERS * 0x100 +
           which;
}

static uint64_t get_count(Bench *b, unsigned int n)
{
    return reg_read(b, counter_at(n, COUNT));
}

/* As Linux does it: the event, then filters (here none), then the count */
static void start_counter(Bench *b, unsigned int n, uint8_t event)
{
    reg_write(b, counter_at(n, SOURCE), event);
    reg_write(b, counter_at(n, DEVICE_MATCH), 0);
    reg_write(b, counter_at(n, PASID_MATCH), 0);
    reg_write(b, counter_at(n, DOMAIN_MATCH), 0);
    reg_write(b, counter_at(n, COUNT), 0);
}

static void stop_counter(Bench *b, unsigned int n)
{
    reg_write(b, counter_at(n, SOURCE), 0);
}

/* PASID 5 has a page at VA; nothing is cached */
static Svm *start(const char *options)
{
    Svm *s = svm_start(options, "");

    svm_bind(s, P5);
    svm_map(s, P5, VA, PAGE | G_USER | G_A | G_D);
    command(s->b, INVALIDATE_ALL, 0);
    return s;
}

/* What there is */

/* Value of a register that QMP lists */
static uint64_t listed(Bench *b, const char *name)
{
    for (int64_t start = 0; start >= 0;) {
        QDict *reply = ask_for(b, "{ 'execute': 'query-amd-iommu-registers',"
                                  "  'arguments': { 'start': %" PRId64 " } }",
                               start);

        for (unsigned int i = 0; i < rows(reply, "registers"); i++) {
            QDict *reg = row(reply, "registers", i);

            if (!strcmp(qdict_get_str(reg, "name"), name)) {
                uint64_t value = number(reg, "value");

                qobject_unref(reply);
                return value;
            }
        }
        start = qdict_get_try_int(reply, "next", -1);
        qobject_unref(reply);
    }
    g_assert_not_reached();
}

static void test_features(void)
{
    Bench *b = bench_start("svm=on,pmu=on", "");
    g_autofree char *text = qtest_hmp(b->qts, "info amd-iommu");

    g_assert_true(reg_read(b, REG_EFR) & EFR_PC_SUP);
    /* 4 counters in each of 2 banks */
    g_assert_cmphex(reg_read(b, REG_CONFIG), ==, 2 << 12 | 4 << 7);
    g_assert_nonnull(strstr(text, ", PMU"));
    reg_write(b, counter_at(7, SOURCE), PTE_MISS);
    g_assert_cmphex(listed(b, "counter-1-3-source"), ==, PTE_MISS);
    g_assert_cmphex(listed(b, "counter-config"), ==, 0x2200);
    bench_stop(b);
}

/* Without counters the window is as large as before, and EFR says so */
static void test_absent(void)
{
    Bench *b = bench_start("svm=on,pmu=off", "");
    g_autofree char *tree = qtest_hmp(b->qts, "info mtree");

    g_assert_false(reg_read(b, REG_EFR) & EFR_PC_SUP);
    g_assert_nonnull(strstr(tree, "fed80000-00000000fed83fff"));
    reg_write(b, counter_at(0, COUNT), 5);
    g_assert_cmphex(reg_read(b, counter_at(0, COUNT)), ==, 0);
    bench_stop(b);
}

/* Bits of a register of the window that software can write */
static uint64_t writable(uint32_t offset)
{
    static const uint64_t of_counter[] = {
        COUNT_MASK, 0xc00000ff, 0xffff8000ffff, 0xffff8000ffff,
        0xffff8000ffff, UINT64_MAX,
    };
    uint32_t bank = (offset - 0x40000) / 0x1000;
    uint32_t n = offset % 0x1000 / 0x100, which = offset % 0x100 / 8;

    if (offset >= REG_PASID_LOCK && offset <= REG_DEVICE_LOCK) {
        return UINT64_MAX;
    }
    return offset >= 0x40000 && bank < BANKS && n < BANK_COUNTERS &&
           which < ARRAY_SIZE(of_counter) ? of_counter[which] : 0;
}

/* Every register of the window, and what is between and behind them */
static void test_registers(void)
{
    static const uint64_t values[] = { UINT64_MAX, 0x5a5a5a5a5a5a5a5a, 0 };
    Bench *b = bench_start("svm=on,pmu=on", "");

    for (uint32_t offset = 0x4000; offset < WINDOW; offset += 8) {
        bool known = writable(offset);

        /* Between them, some samples do */
        if (offset == REG_CONFIG || (!known && offset % 0x7f8)) {
            continue;
        }
        for (int i = 0; i < ARRAY_SIZE(values); i++) {
            reg_write(b, offset, values[i]);
            g_assert_cmphex(reg_read(b, offset), ==,
                            values[i] & writable(offset));
        }
    }
    reg_write(b, REG_CONFIG, UINT64_MAX);
    g_assert_cmphex(reg_read(b, REG_CONFIG), ==, 0x2200);
    bench_stop(b);
}

/* In pieces of any size; Linux uses halves, low first */
static void test_pieces(void)
{
    static const uint64_t value = 0x123456789abcULL;
    Bench *b = bench_start("svm=on,pmu=on", "");

    for (int size = 1; size <= 8; size *= 2) {
        uint32_t offset = counter_at(size % COUNTERS, COUNT);

        for (int i = 0; i < 8; i += size) {
            reg_write_size(b, offset + i, value >> (8 * i), size);
        }
        for (int i = 0; i < 8; i += size) {
            uint64_t piece = size == 8 ? value : value >> (8 * i) &
                             ((1ULL << (8 * size)) - 1);

            g_assert_cmphex(reg_read_size(b, offset + i, size), ==, piece);
        }
    }
    bench_stop(b);
}

/* What happens, and what is counted of it */

static void read_guest(Svm *s)
{
    uint8_t buf[64];

    testdev_read(s->t, TESTDEV_PATH_UNTRANSLATED, P5, VA, buf, sizeof(buf));
}

static void write_guest(Svm *s)
{
    uint8_t buf[8] = { 0 };

    testdev_write(s->t, TESTDEV_PATH_UNTRANSLATED, P5, VA, buf, sizeof(buf));
}

static void read_absent(Svm *s)
{
    uint8_t buf[64];

    testdev_read(s->t, TESTDEV_PATH_UNTRANSLATED, P5, VA + 0x1000, buf,
                 sizeof(buf));
}

/* A page beside one that was read, and which is absent otherwise */
static void map_near(Svm *s)
{
    read_guest(s);
    svm_map(s, P5, VA + 0x1000, PAGE | G_USER);
}

static void read_translated(Svm *s)
{
    uint8_t buf[8];

    testdev_read(s->t, TESTDEV_PATH_TRANSLATED, NOBODY, PAGE, buf,
                 sizeof(buf));
}

static void ats_request(Svm *s)
{
    testdev_translate(s->t, TESTDEV_FLAG_NO_WRITE, P5, VA);
}

static void edu_read(Svm *s)
{
    dma_read(s->b, PAGE, 16);
}

static void edu_interrupt(Svm *s)
{
    dma_write(s->b, INTERRUPT_WINDOW, 4);
}

static void no_preparation(Svm *s)
{
}

static void pass_edu(Svm *s)
{
    set_dte(s->b, DTE_PASS_THROUGH, DOMAIN);
}

static void pass_edu_warm(Svm *s)
{
    pass_edu(s);
    edu_read(s);
}

static void map_edu(Svm *s)
{
    set_dte(s->b, DTE_HOST(3, table(0)), DOMAIN);
    set_entry(s->b, 0, 0, PDE(2, table(1), PTE_RW));
    set_entry(s->b, 1, PAGE >> 21, PTE_LEAF(PAGE & ~0x1fffffULL, PTE_RW));
}

static void map_edu_warm(Svm *s)
{
    map_edu(s);
    edu_read(s);
}

static void empty_edu(Svm *s)
{
    set_dte(s->b, DTE_HOST(1, table(3)), DOMAIN);
}

static void no_edu(Svm *s)
{
    set_dte(s->b, 0, 0);
}

static void exclude(Svm *s)
{
    map_edu(s);
    reg_write(s->b, REG_EXCL_LIMIT, PAGE);
    /* ExEn and Allow */
    reg_write(s->b, REG_EXCL_BASE, PAGE | 3);
}

/* The host table maps the first GiB to itself by one entry */
static void nest(Svm *s)
{
    set_entry(s->b, 2, 0, PTE_LEAF(0ULL, PTE_RW));
    svm_set_dte(s, table(2) | 3 << 9, 0);
}

static void send_commands(Svm *s)
{
    static const uint64_t all[][2] = {
        { 0x1000000000000000, 0 },              /* COMPLETION_WAIT */
        { 0x2000000000000030, 0 },              /* INVALIDATE_DEVTAB_ENTRY */
        { 0x3000000700000000, ALL_ADDRESSES | 3 },  /* IOMMU_PAGES */
        { 0x4000000000000030, ALL_ADDRESSES | 1 },  /* IOTLB_PAGES */
        { 0x5000000000000030, 0 },              /* INTERRUPT_TABLE */
        { 0x7000000000000030, 0 },              /* COMPLETE_PPR_REQUEST */
        { 0x8000000000000000, 0 },              /* INVALIDATE_IOMMU_ALL */
    };

    for (int i = 0; i < ARRAY_SIZE(all); i++) {
        command(s->b, all[i][0], all[i][1]);
    }
}

static void access_1ff8(Svm *s)
{
    reg_write(s->b, REG_1FF8, 7);
    reg_read(s->b, REG_1FF8);
    reg_read_size(s->b, REG_1FF8, 4);
}

static void access_others(Svm *s)
{
    reg_write(s->b, REG_EXCL_LIMIT, 0x1000);
    reg_read(s->b, REG_STATUS);
    reg_read(s->b, 0x1ff0);
}

/* A walk reads two levels of GCR3 table, and four of guest table */
static const struct {
    const char *name;
    void (*prepare)(Svm *s);
    void (*act)(Svm *s);
    struct {
        uint8_t event;
        uint64_t count;
    } expect[8];
} happening[] = {
    { "nothing", no_preparation, no_preparation, {} },
    { "guest-cold", no_preparation, read_guest,
      { { DTE_MISS, 1 }, { PTE_MISS, 1 }, { PDE_MISS, 1 },
        { TABLE_READS, 6 }, { GUEST_READS, 6 }, { TRANSLATED, 1 } } },
    { "guest-warm", read_guest, read_guest,
      { { DTE_HIT, 1 }, { PTE_HIT, 1 }, { TRANSLATED, 1 } } },
    { "guest-near", map_near, read_absent,
      { { DTE_HIT, 1 }, { PTE_MISS, 1 }, { PDE_HIT, 1 },
        { TABLE_READS, 1 }, { GUEST_READS, 1 }, { TRANSLATED, 1 } } },
    { "guest-write", read_guest, write_guest,
      { { DTE_HIT, 1 }, { PTE_HIT, 1 }, { TRANSLATED, 1 } } },
    { "absent", read_guest, read_absent,
      { { DTE_HIT, 1 }, { PTE_MISS, 1 }, { PDE_MISS, 1 },
        { TABLE_READS, 6 }, { GUEST_READS, 6 }, { TARGET_ABORT, 1 } } },
    { "ats-cold", no_preparation, ats_request,
      { { DTE_MISS, 1 }, { PTE_MISS, 1 }, { PDE_MISS, 1 },
        { TABLE_READS, 6 }, { GUEST_READS, 6 } } },
    { "ats-warm", read_guest, ats_request, { { DTE_HIT, 1 },
                                             { PTE_HIT, 1 } } },
    { "translated", read_guest, read_translated,
      { { DTE_HIT, 1 }, { PRETRANSLATED, 1 } } },
    { "translated-cold", no_preparation, read_translated,
      { { DTE_MISS, 1 }, { PRETRANSLATED, 1 } } },
    /*
     * Host entries for each guest entry, the second GCR3 entry and the page;
     * GCR3TRP itself is a system physical address
     */
    { "nested", nest, read_guest,
      { { DTE_MISS, 1 }, { PTE_MISS, 1 }, { PDE_MISS, 1 },
        { TABLE_READS, 12 }, { NESTED_READS, 6 }, { GUEST_READS, 6 },
        { TRANSLATED, 1 } } },
    { "pass-cold", pass_edu, edu_read,
      { { DTE_MISS, 1 }, { UNTRANSLATED, 1 } } },
    { "pass-warm", pass_edu_warm, edu_read,
      { { DTE_HIT, 1 }, { UNTRANSLATED, 1 } } },
    { "no-dte", no_edu, edu_read, { { DTE_MISS, 1 }, { UNTRANSLATED, 1 } } },
    { "host-cold", map_edu, edu_read,
      { { DTE_MISS, 1 }, { PTE_MISS, 1 }, { PDE_MISS, 1 },
        { TABLE_READS, 2 }, { NESTED_READS, 2 }, { TRANSLATED, 1 } } },
    { "host-warm", map_edu_warm, edu_read,
      { { DTE_HIT, 1 }, { PTE_HIT, 1 }, { TRANSLATED, 1 } } },
    { "excluded", exclude, edu_read, { { EXCLUDED, 1 } } },
    { "interrupt", pass_edu_warm, edu_interrupt,
      { { INTERRUPT_DTE_MISS, 1 } } },
    { "commands", no_preparation, send_commands,
      { { COMMAND, 7 }, { INVALIDATION, 5 }, { TLB_INVALIDATION, 2 } } },
    { "1ff8", no_preparation, access_1ff8, { { IGNORED_MMIO, 3 } } },
    { "other-registers", no_preparation, access_others, {} },
};

static uint64_t expected_count(int i, uint8_t event)
{
    for (int n = 0; n < ARRAY_SIZE(happening[i].expect); n++) {
        if (happening[i].expect[n].event == event) {
            return happening[i].expect[n].count;
        }
    }
    return 0;
}

/* Let it happen with counters for the events from @first on */
static void count_some(Svm *s, int i, uint8_t first)
{
    command(s->b, INVALIDATE_ALL, 0);
    happening[i].prepare(s);
    for (int n = 0; n < COUNTERS; n++) {
        start_counter(s->b, n, first + n);
    }
    happening[i].act(s);
    for (int n = 0; n < COUNTERS; n++) {
        if (get_count(s->b, n) != expected_count(i, first + n)) {
            g_test_message("%s: event 0x%02x", happening[i].name, first + n);
        }
        g_assert_cmpuint(get_count(s->b, n), ==,
                         expected_count(i, first + n));
    }
}

/* Everything that happens counts as what it is, and as nothing else */
static void test_happenings(void)
{
    for (int i = 0; i < ARRAY_SIZE(happening); i++) {
        Svm *s = start("svm=on,pmu=on");

        for (int first = 1; first <= LAST_EVENT; first += COUNTERS) {
            count_some(s, i, first);
        }
        svm_stop(s);
    }
}

/* The pieces of a failing DMA are one abort */
static void test_pieces_of_dma(void)
{
    Svm *s = start("svm=on,pmu=on");

    empty_edu(s);
    start_counter(s->b, 0, TARGET_ABORT);
    edu_read(s);
    g_assert_cmpuint(get_count(s->b, 0), ==, 1);
    svm_stop(s);
}

/* With IommuEn=0 nothing is looked up */
static void test_disabled(void)
{
    Svm *s = start("svm=on,pmu=on");

    reg_write(s->b, REG_CONTROL, 0);
    start_counter(s->b, 0, UNTRANSLATED);
    start_counter(s->b, 1, DTE_MISS);
    start_counter(s->b, 2, INTERRUPT_DTE_MISS);
    edu_read(s);
    edu_interrupt(s);
    g_assert_cmpuint(get_count(s->b, 0), ==, 1);
    g_assert_cmpuint(get_count(s->b, 1), ==, 0);
    g_assert_cmpuint(get_count(s->b, 2), ==, 0);
    svm_stop(s);
}

/* Filters */

/* How often two reads of PASID 5, one without PASID and one of edu count */
static uint64_t count_filtered(Svm *s, uint32_t filter, uint64_t value)
{
    uint8_t buf[8];

    start_counter(s->b, 0, DTE_HIT);
    reg_write(s->b, counter_at(0, filter), value);
    reg_write(s->b, counter_at(0, COUNT), 0);
    read_guest(s);
    read_guest(s);
    testdev_read(s->t, TESTDEV_PATH_UNTRANSLATED, NOBODY, PAGE, buf, 8);
    edu_read(s);
    return get_count(s->b, 0);
}

static void test_filters(void)
{
    static const struct {
        uint32_t filter;
        uint64_t value;
        uint64_t count;
    } row[] = {
        { DEVICE_MATCH, 0, 4 },
        /* not enabled */
        { DEVICE_MATCH, EDU_ID | 0xffffULL << 32, 4 },
        { DEVICE_MATCH, MATCH(TESTDEV_PLACE, 0xffff), 3 },
        { DEVICE_MATCH, MATCH(EDU_ID, 0xffff), 1 },
        { DEVICE_MATCH, MATCH(0x1234, 0xffff), 0 },
        /* only the bits of the mask are compared */
        { DEVICE_MATCH, MATCH(EDU_ID | 0xff00, 0x00ff), 1 },
        { DEVICE_MATCH, MATCH(0, 0xffc0), 4 },
        { DEVICE_MATCH, MATCH(0x1234, 0), 4 },
        /* requests without PASID have none that could match */
        { PASID_MATCH, MATCH(P5, 0xffff), 2 },
        { PASID_MATCH, MATCH(0, 0), 2 },
        { PASID_MATCH, MATCH(6, 0xffff), 0 },
        { PASID_MATCH, MATCH(4, 0xfffe), 2 },
        { DOMAIN_MATCH, MATCH(SVM_DOMAIN, 0xffff), 3 },
        { DOMAIN_MATCH, MATCH(DOMAIN, 0xffff), 1 },
        { DOMAIN_MATCH, MATCH(1, 1), 3 },
    };
    Svm *s = start("svm=on,pmu=on");

    pass_edu_warm(s);
    read_guest(s);
    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        g_assert_cmpuint(count_filtered(s, row[i].filter, row[i].value), ==,
                         row[i].count);
    }
    svm_stop(s);
}

/* All filters have to match */
static void test_filters_together(void)
{
    Svm *s = start("svm=on,pmu=on");

    read_guest(s);
    start_counter(s->b, 5, PTE_HIT);
    reg_write(s->b, counter_at(5, PASID_MATCH), MATCH(P5, 0xffff));
    reg_write(s->b, counter_at(5, DOMAIN_MATCH), MATCH(SVM_DOMAIN, 0xffff));
    reg_write(s->b, counter_at(5, DEVICE_MATCH), MATCH(TESTDEV_PLACE, 0xffff));
    read_guest(s);
    g_assert_cmpuint(get_count(s->b, 5), ==, 1);
    reg_write(s->b, counter_at(5, DOMAIN_MATCH), MATCH(DOMAIN, 0xffff));
    read_guest(s);
    g_assert_cmpuint(get_count(s->b, 5), ==, 1);
    svm_stop(s);
}

/* Commands are about what their operands name */
static void test_command_filters(void)
{
    Svm *s = start("svm=on,pmu=on");

    for (int n = 0; n < COUNTERS; n++) {
        start_counter(s->b, n, COMMAND);
    }
    reg_write(s->b, counter_at(0, DEVICE_MATCH), MATCH(TESTDEV_PLACE, 0xffff));
    reg_write(s->b, counter_at(1, DEVICE_MATCH), MATCH(EDU_ID, 0xffff));
    reg_write(s->b, counter_at(2, DOMAIN_MATCH), MATCH(7, 0xffff));
    reg_write(s->b, counter_at(3, PASID_MATCH), MATCH(P5, 0xffff));
    send_commands(s);
    svm_flush(s, P5);
    g_assert_cmpuint(get_count(s->b, 0), ==, 4);
    g_assert_cmpuint(get_count(s->b, 1), ==, 0);
    g_assert_cmpuint(get_count(s->b, 2), ==, 2);
    g_assert_cmpuint(get_count(s->b, 3), ==, 1);
    g_assert_cmpuint(get_count(s->b, 4), ==, 8);
    svm_stop(s);
}

/* The count */

/* Reading leaves it alone; it goes on from what was written; it stops */
static void test_count(void)
{
    Svm *s = start("svm=on,pmu=on");

    read_guest(s);
    for (int n = 0; n < COUNTERS; n++) {
        start_counter(s->b, n, PTE_HIT);
        reg_write(s->b, counter_at(n, COUNT), 1000 * n);
    }
    stop_counter(s->b, 3);
    read_guest(s);
    for (int n = 0; n < COUNTERS; n++) {
        uint64_t count = 1000 * n + (n != 3);

        g_assert_cmpuint(get_count(s->b, n), ==, count);
        g_assert_cmpuint(get_count(s->b, n), ==, count);
    }
    svm_stop(s);
}

/* 48 bits, and from the last one to 0; nobody is told */
static void test_wrap(void)
{
    Svm *s = start("svm=on,pmu=on");

    read_guest(s);
    start_counter(s->b, 7, PTE_HIT);
    reg_write(s->b, counter_at(7, REPORT), UINT64_MAX);
    reg_write(s->b, counter_at(7, COUNT), COUNT_MASK - 1);
    read_guest(s);
    g_assert_cmphex(get_count(s->b, 7), ==, COUNT_MASK);
    read_guest(s);
    g_assert_cmphex(get_count(s->b, 7), ==, 0);
    read_guest(s);
    g_assert_cmphex(get_count(s->b, 7), ==, 1);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 0);
    svm_stop(s);
}

/* Events that do not exist, and those above what a word has bits for */
static void test_unknown_events(void)
{
    static const uint8_t events[] = { 0x19, 0x1f, 0x20, 0x26, 0x40, 0x86,
                                      0xff };
    Svm *s = start("svm=on,pmu=on");

    for (int i = 0; i < ARRAY_SIZE(events); i++) {
        start_counter(s->b, i, events[i]);
    }
    start_counter(s->b, 7, COMMAND);
    read_guest(s);
    read_guest(s);
    send_commands(s);
    for (int i = 0; i < ARRAY_SIZE(events); i++) {
        g_assert_cmpuint(get_count(s->b, i), ==, 0);
    }
    g_assert_cmpuint(get_count(s->b, 7), ==, 7);
    svm_stop(s);
}

/* A lock bit keeps one kind of filter of one bank as it is */
static void test_locks(void)
{
    static const struct {
        uint32_t lock;
        uint32_t filter;
    } row[] = {
        { REG_PASID_LOCK, PASID_MATCH },
        { REG_DOMAIN_LOCK, DOMAIN_MATCH },
        { REG_DEVICE_LOCK, DEVICE_MATCH },
    };
    Bench *b = bench_start("svm=on,pmu=on", "");

    for (int i = 0; i < ARRAY_SIZE(row) * BANKS; i++) {
        int kind = i / BANKS, bank = i % BANKS;

        reg_write(b, row[kind].lock, 1 << bank);
        for (int n = 0; n < COUNTERS; n++) {
            for (uint32_t which = COUNT; which <= REPORT; which += 8) {
                bool locked = n / BANK_COUNTERS == bank &&
                              which == row[kind].filter;

                reg_write(b, counter_at(n, which), 1);
                g_assert_cmphex(reg_read(b, counter_at(n, which)), ==,
                                !locked);
                reg_write(b, counter_at(n, which), 0);
            }
        }
        reg_write(b, row[kind].lock, 0);
    }
    bench_stop(b);
}

/* Life */

static void test_reset(void)
{
    Svm *s = start("svm=on,pmu=on");

    for (int n = 0; n < COUNTERS; n++) {
        start_counter(s->b, n, UNTRANSLATED);
        reg_write(s->b, counter_at(n, REPORT), 7);
    }
    reg_write(s->b, REG_DEVICE_LOCK, 1);
    qobject_unref(qtest_qmp(s->b->qts, "{ 'execute': 'system_reset' }"));
    qtest_qmp_eventwait(s->b->qts, "RESET");
    for (int n = 0; n < COUNTERS; n++) {
        for (uint32_t which = COUNT; which <= REPORT; which += 8) {
            g_assert_cmphex(reg_read(s->b, counter_at(n, which)), ==, 0);
        }
    }
    g_assert_cmphex(reg_read(s->b, REG_DEVICE_LOCK), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_CONFIG), ==, 0x2200);
    svm_stop(s);
}

/* Counters go on counting in the next machine, with their filters */
static void test_migration(void)
{
    Svm *s = start("svm=on,pmu=on");
    g_autofree char *path = NULL;
    uint32_t tail;

    read_guest(s);
    start_counter(s->b, 2, COMMAND);
    start_counter(s->b, 6, COMMAND);
    reg_write(s->b, counter_at(6, DEVICE_MATCH), MATCH(EDU_ID, 0xffff));
    reg_write(s->b, REG_PASID_LOCK, 2);
    send_commands(s);
    tail = s->b->command_tail;
    path = migrate_save(s->b->qts);
    svm_stop(s);
    s = svm_attach(bench_start("svm=on,pmu=on", "-device svm-testdev,"
                               "addr=06.0 -incoming defer"));
    migrate_load(s->b->qts, path);
    unlink(path);
    s->b->command_tail = tail;
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'cont' }");
    g_assert_cmpuint(get_count(s->b, 2), ==, 7);
    g_assert_cmpuint(get_count(s->b, 6), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PASID_LOCK), ==, 2);
    g_assert_cmphex(reg_read(s->b, REG_CONFIG), ==, 0x2200);
    set_dte(s->b, 0, 0);
    g_assert_cmpuint(get_count(s->b, 2), ==, 8);
    g_assert_cmpuint(get_count(s->b, 6), ==, 1);
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/pmu/features", test_features);
    qtest_add_func("/amdvi/pmu/absent", test_absent);
    qtest_add_func("/amdvi/pmu/registers", test_registers);
    qtest_add_func("/amdvi/pmu/pieces", test_pieces);
    qtest_add_func("/amdvi/pmu/happenings", test_happenings);
    qtest_add_func("/amdvi/pmu/pieces-of-dma", test_pieces_of_dma);
    qtest_add_func("/amdvi/pmu/disabled", test_disabled);
    qtest_add_func("/amdvi/pmu/unknown-events", test_unknown_events);
    qtest_add_func("/amdvi/pmu/filters", test_filters);
    qtest_add_func("/amdvi/pmu/filters-together", test_filters_together);
    qtest_add_func("/amdvi/pmu/command-filters", test_command_filters);
    qtest_add_func("/amdvi/pmu/count", test_count);
    qtest_add_func("/amdvi/pmu/wrap", test_wrap);
    qtest_add_func("/amdvi/pmu/locks", test_locks);
    qtest_add_func("/amdvi/pmu/reset", test_reset);
    qtest_add_func("/amdvi/pmu/migration", test_migration);
    return g_test_run();
}
