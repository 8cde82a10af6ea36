/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The known defects of the unmodified model, by the numbers of
 * docs/stock-defects.md.
 *
 * A recipe drives a machine and notes what it saw, in words.  Each is run on
 * ours, where it must see what the architecture says, and on the unmodified
 * QEMU, where it must see the defect in its known form: so it is certain that
 * the recipe would find the defect.  spec/qemu-integration.md 2.3, appendix A.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "bench.h"
#include "ivrs.h"
#include "migrate.h"
#include "stock.h"

/* How long a recipe may take on the unmodified QEMU, in s; one that hangs */
#define PATIENCE 120
#define HANG_PATIENCE 5
#define HANG "hang"
#define SIGNAL_8 "signal 8"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define WAIT_STORE(address) (0x1000000000000001 | (address))
#define WAIT_INTERRUPT 0x1000000000000002
#define INVALIDATE_ALL 0x8000000000000000
#define UNKNOWN_COMMAND 0xe000000000000000
#define VECTOR 0x55
#define CONTROL_RUN \
    (CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN | CONTROL_CMD_BUF_EN)

typedef struct Defect {
    int number;
    const char *name;
    void (*observe)(Bench *b, GString *seen);
    const char *right;          /* what is seen on ours */
    const char *stock;          /* and on the unmodified model */
    /* Beyond the usual options of the IOMMU */
    const char *ours_options, *stock_options;
    const char *stock_before;   /* see BenchMachine */
    uint16_t edu;
} Defect;

/* That of the running recipe */
static BenchMachine machine;

static void G_GNUC_PRINTF(2, 3) note(GString *seen, const char *format, ...)
{
    va_list ap;

    if (seen->len) {
        g_string_append(seen, ", ");
    }
    va_start(ap, format);
    g_string_append_vprintf(seen, format, ap);
    va_end(ap);
}

/* Every event of the log; that of the unmodified model is never taken back */
static void note_events(Bench *b, GString *seen)
{
    unsigned int count = reg_read(b, REG_EVENT_TAIL) / 16;
    uint64_t word[2];

    if (!count) {
        note(seen, "no event");
    }
    for (unsigned int i = 0; i < count; i++) {
        event_read(b, i, word);
        note(seen, "event %" PRIx64 " %" PRIx64, word[0], word[1]);
    }
}

static void note_read(Bench *b, GString *seen, uint64_t address,
                      uint64_t expected)
{
    note(seen, dma_reads(b, address, expected) ? "read" : "not read");
}

static void note_write(Bench *b, GString *seen, uint64_t address,
                       uint64_t expected)
{
    note(seen, dma_writes(b, address, expected) ? "written" : "not written");
}

/* Levels 2 and 1 in tables 0 and 1; IOVA 3000h is PAGE */
static void set_two_levels(Bench *b, uint64_t pde_perm, uint64_t pte_perm)
{
    bench_set_up(b);
    set_entry(b, 0, 0, PDE(1, table(1), pde_perm));
    set_entry(b, 1, 3, PTE_LEAF(PAGE, pte_perm));
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
}

/* What EFR promises without keeping it */
static void see_features(Bench *b, GString *seen)
{
    uint64_t efr = reg_read(b, REG_EFR);
    bool gt = efr >> 4 & 1, ppr = efr >> 1 & 1;

    if ((gt || ppr) && !(efr >> 50 & 1)) {
        note(seen, "no EPHSup");
    }
    if (gt && !(efr >> 48 & 1)) {
        note(seen, "no GIoSup");
    }
    if (gt && !(efr >> 32 & 0x1f)) {
        note(seen, "PASmax 0");
    }
    if (gt && (efr >> 12 & 3) > 1) {
        note(seen, "GATS reserved");
    }
    /* HESup: a table that nothing answers for has to leave a record */
    bench_set_up(b);
    reg_write(b, REG_DEVTAB, NOWHERE | 0x1ff);
    command(b, 0x2000000000000000 | b->edu, 0);
    dma_read(b, PAGE, 4);
    if ((efr >> 8 & 1) && !reg_read(b, REG_HW_EVENT_STATUS)) {
        note(seen, "no error registers");
    }
}

/* Guest tables of PASID 0, for requests without one: GV, GIoV, Mode=0 */
static void see_guest_tables(Bench *b, GString *seen)
{
    bench_set_up(b);
    reg_write(b, REG_CONTROL, CONTROL_RUN | CONTROL_GT_EN);
    set_entry(b, 0, 0, table(1) | 1);
    for (int level = 4; level > 1; level--) {
        set_entry(b, 5 - level, 0, table(6 - level) | 7);
    }
    set_entry(b, 4, 3, PAGE | 7);
    set_dte(b, DTE_PASS_THROUGH | 3ULL << 54 | (table(0) >> 12 & 7) << 58,
            DOMAIN | (table(0) >> 15 & 0xffff) << 16);
    note_read(b, seen, 0x3000, PAGE);
    note_read(b, seen, 0x3000, 0x3000);
}

/* Blocks of type 10h against EFR, and what belongs to a revision */
static void see_ivrs(Bench *b, GString *seen)
{
    GByteArray *ivrs = ivrs_read(b->qts);
    uint64_t efr = reg_read(b, REG_EFR);
    const uint8_t *block;

    note(seen, "revision %d", ivrs->data[8]);
    for (uint32_t at = 48; at + 24 <= ivrs->len;
         at += lduw_le_p(ivrs->data + at + 2)) {
        block = ivrs->data + at;
        note(seen, "type %xh", block[0]);
        if (block[0] == 0x10) {
            uint32_t features = ldl_le_p(block + 20);

            note(seen, features >> 30 == (efr >> 10 & 3) &&
                 (features >> 28 & 3) == (efr >> 12 & 3)
                 ? "HATS and GATS of EFR" : "other HATS or GATS");
        }
    }
    g_byte_array_unref(ivrs);
}

static void see_capabilities(Bench *b, GString *seen)
{
    uint8_t at = config_read(b, IOMMU_ID, 0x34);
    int msi = 0;

    for (; at; at = config_read(b, IOMMU_ID, at) >> 8) {
        msi += (config_read(b, IOMMU_ID, at) & 0xff) == 0x05;
    }
    note(seen, "%d MSI", msi);
    at = config_find(b, IOMMU_ID, 0x0f);
    note(seen, "Enable %d", config_read(b, IOMMU_ID, at + 4) & 1);
}

static void see_translation(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, PTE_RW);
    note_read(b, seen, 0x3000, PAGE);
}

static void see_large_page(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_entry(b, 0, 1, PTE_LEAF(64 * MIB, PTE_RW));
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    note_read(b, seen, 2 * MIB + 0x5000, 64 * MIB + 0x5000);
    note_read(b, seen, 2 * MIB + 0x5000, 64 * MIB);
}

static void see_skipped_level(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_entry(b, 0, 1, PDE(1, table(1), PTE_RW));
    set_entry(b, 1, 4, PTE_LEAF(PAGE, PTE_RW));
    set_dte(b, DTE_HOST(3, table(0)), DOMAIN);
    note_read(b, seen, GIB + 0x4000, PAGE);
}

/* A pointer to a table of the same level */
static void see_level_not_lower(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_entry(b, 0, 0, PDE(2, table(1), PTE_RW));
    set_entry(b, 1, 3, PTE_LEAF(PAGE, PTE_RW));
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    note_read(b, seen, 0x3000, PAGE);
}

static void see_directory_permission(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_READ, PTE_RW);
    note_write(b, seen, 0x3000, PAGE);
}

static void see_dte_permission(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, PTE_RW);
    set_dte(b, (DTE_HOST(2, table(0)) & ~PTE_RW) | PTE_READ, DOMAIN);
    note_write(b, seen, 0x3000, PAGE);
}

static void see_reserved_bit(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, PTE_RW | 1ULL << 52);
    note_read(b, seen, 0x3000, PAGE);
}

static void see_invalid_dte(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_dte(b, 0x7c, 0);
    note_read(b, seen, PAGE, PAGE);
    note(seen, reg_read(b, REG_EVENT_TAIL) ? "events" : "no event");
}

/* The table ends before the entry of 00:1d.0 */
static void see_beyond_table(Bench *b, GString *seen)
{
    bench_set_up(b);
    reg_write(b, REG_DEVTAB, DEVTAB);
    set_entry(b, 0, 3, PTE_LEAF(PAGE, PTE_RW));
    set_dte(b, DTE_HOST(1, table(0)), DOMAIN);
    note_read(b, seen, 0x3000, PAGE);
}

static void see_mode_7(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_dte(b, DTE_PASS_THROUGH | 7 << 9, DOMAIN);
    dma_read(b, PAGE, 4);
    note_events(b, seen);
}

static void see_blocked(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_dte(b, 1, 0);
    dma_read(b, PAGE, 4);
    note_events(b, seen);
}

static void see_exclusion(Bench *b, GString *seen)
{
    bench_set_up(b);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    reg_write(b, REG_EXCL_LIMIT, PAGE);
    reg_write(b, REG_EXCL_BASE, PAGE | 3);
    note(seen, "base %" PRIx64, reg_read(b, REG_EXCL_BASE));
    note_read(b, seen, PAGE, PAGE);
}

static void see_cached_permission(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, PTE_READ);
    note_read(b, seen, 0x3000, PAGE);
    dma_write(b, 0x3000, 4);
    note_events(b, seen);
}

/*
 * A page is flushed; is another one of the same domain still in the cache?  A
 * change of its entry that was not told of shows it.
 */
static void see_precise_flush(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, PTE_RW);
    set_entry(b, 1, 4, PTE_LEAF(PAGE + 0x1000, PTE_RW));
    dma_write(b, 0x3000, 8);
    dma_write(b, 0x4000, 8);
    set_entry(b, 1, 4, PTE_LEAF(PAGE + 0x2000, PTE_RW));
    command(b, 0x3000000000000000 | (uint64_t)DOMAIN << 32, 0x3000);
    qtest_writeq(b->qts, PAGE + 0x1000, UINT64_MAX);
    dma_write(b, 0x4000, 8);
    note(seen, qtest_readq(b->qts, PAGE + 0x1000) == UINT64_MAX ? "dropped"
                                                                 : "kept");
}

static void note_ring(Bench *b, GString *seen)
{
    note(seen, "head %" PRIx64, reg_read(b, REG_CMD_HEAD));
    note(seen, reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN ? "running"
                                                             : "stopped");
}

static void see_tail_outside(Bench *b, GString *seen)
{
    bench_set_up(b);
    reg_write(b, REG_CMD_TAIL, 0x2000);
    note_ring(b, seen);
}

/* Address 0 holds no commands: opcode 0 is illegal */
static void see_no_command_base(Bench *b, GString *seen)
{
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_CMD_BUF_EN);
    reg_write(b, REG_CMD_TAIL, 0x10);
    note_ring(b, seen);
}

static void see_wrap(Bench *b, GString *seen)
{
    bench_set_up(b);
    for (int i = 0; i < 256; i++) {
        qtest_writeq(b->qts, COMMANDS + 16 * i, INVALIDATE_ALL);
    }
    reg_write(b, REG_CMD_TAIL, 0xff0);
    reg_write(b, REG_CMD_TAIL, 0);
    note_ring(b, seen);
}

static void see_base_write(Bench *b, GString *seen)
{
    bench_set_up(b);
    command(b, INVALIDATE_ALL, 0);
    reg_write(b, REG_CONTROL, 0);
    reg_write(b, REG_CMD_BASE, COMMANDS | 8ULL << 56);
    note(seen, "head %" PRIx64, reg_read(b, REG_CMD_HEAD));
    note(seen, "tail %" PRIx64, reg_read(b, REG_CMD_TAIL));
}

static void see_illegal_command(Bench *b, GString *seen)
{
    bench_set_up(b);
    command(b, UNKNOWN_COMMAND, 0);
    command(b, WAIT_STORE(RESULT), 1);
    note(seen, qtest_readq(b->qts, RESULT) ? "next one executed"
                                           : "next one waits");
    note_ring(b, seen);
    note_events(b, seen);
}

static void see_wait_interrupt(Bench *b, GString *seen)
{
    bench_set_up(b);
    msi_set_up(b);
    command(b, WAIT_INTERRUPT, 0);
    note(seen, reg_read(b, REG_STATUS) & STATUS_COM_WAIT_INT ? "ComWaitInt"
                                                              : "nothing");
    note(seen, msi_arrived(b) ? "message" : "no message");
}

/* Commands that would keep a processor from going on for long */
static void see_batch(Bench *b, GString *seen)
{
    const int count = 0x2000;

    bench_set_bases(b);
    reg_write(b, REG_CMD_BASE, COMMANDS | 15ULL << 56);
    reg_write(b, REG_EVENT_BASE, PAGE | 8ULL << 56);
    for (int i = 0; i < count; i++) {
        qtest_writeq(b->qts, COMMANDS + 16 * i, INVALIDATE_ALL);
    }
    reg_write(b, REG_CONTROL, CONTROL_RUN);
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'stop' }"));
    reg_write(b, REG_CMD_TAIL, 16 * count);
    note(seen, reg_read(b, REG_CMD_HEAD) == 16 * count ? "all at once"
                                                       : "some at once");
}

static void see_faults(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, 0);
    set_entry(b, 1, 3, 0);
    dma_read(b, 0x3000, 4);
    dma_write(b, 0x3004, 4);
    note_events(b, seen);
}

static void see_device_id(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, 0);
    set_entry(b, 1, 3, 0);
    dma_read(b, 0x3000, 4);
    note(seen, "DeviceID %" PRIx64, qtest_readq(b->qts, EVENTS) & 0xffff);
}

/* A log that has room for one entry less */
static void see_overflow(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, 0);
    set_entry(b, 1, 3, 0);
    for (int i = 0; i < 256; i++) {
        dma_read(b, 0x3000, 4);
    }
    note(seen, "tail %" PRIx64, reg_read(b, REG_EVENT_TAIL));
    note(seen, reg_read(b, REG_STATUS) & STATUS_EVENT_OVERFLOW
         ? "EventOverflow" : "nothing");
}

static void see_no_event_base(Bench *b, GString *seen)
{
    reg_write(b, REG_CMD_BASE, COMMANDS | 8ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_RUN);
    command(b, UNKNOWN_COMMAND, 0);
    note(seen, "tail %" PRIx64, reg_read(b, REG_EVENT_TAIL));
}

/* Where a log is moved to while its interrupt is pending */
static void see_event_base(Bench *b, GString *seen)
{
    const uint64_t control = CONTROL_RUN | CONTROL_EVENT_INT_EN;

    set_two_levels(b, PTE_RW, 0);
    set_entry(b, 1, 3, 0);
    reg_write(b, REG_CONTROL, control);
    dma_read(b, 0x3000, 4);
    reg_write(b, REG_CONTROL, control & ~CONTROL_EVENT_LOG_EN);
    reg_write(b, REG_EVENT_BASE, PAGE | 8ULL << 56);
    reg_write(b, REG_CONTROL, control);
    dma_read(b, 0x3000, 4);
    note(seen, qtest_readq(b->qts, PAGE) ? "new place" : "old place");
}

static void see_ppr_log(Bench *b, GString *seen)
{
    bench_set_bases(b);
    reg_write(b, REG_PPR_BASE, PAGE | 8ULL << 56);
    reg_write(b, REG_CONTROL,
              CONTROL_RUN | CONTROL_PPR_EN | CONTROL_PPR_LOG_EN);
    note(seen, reg_read(b, REG_STATUS) & STATUS_PPR_LOG_RUN ? "runs"
                                                             : "stopped");
}

static void see_xt(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, 0);
    set_entry(b, 1, 3, 0);
    reg_write(b, REG_XT_GENERAL, (uint64_t)VECTOR << 32);
    reg_write(b, REG_CONTROL,
              CONTROL_RUN | CONTROL_EVENT_INT_EN | CONTROL_INT_CAP_XT_EN);
    dma_read(b, 0x3000, 4);
    note(seen, apic_has_vector(b, VECTOR) ? "interrupt" : "no interrupt");
}

/* A message whose entry is not enabled */
static void see_interrupt_fault(Bench *b, GString *seen)
{
    const uint64_t dte[4] = {
        1, DOMAIN, 2ULL << 60 | table(1) | 9 << 1 | 1, 0,
    };

    bench_set_up(b);
    set_dte_of(b, b->edu, dte);
    reg_write(b, REG_CONTROL, 0);
    qtest_writel(b->qts, RESULT, 9);
    dma_read(b, RESULT, 4);
    reg_write(b, REG_CONTROL, CONTROL_RUN);
    dma_write(b, 0xfee00000, 4);
    note(seen, reg_read(b, REG_EVENT_TAIL) ? "event" : "no event");
}

static void see_bytes(Bench *b, GString *seen)
{
    reg_write(b, REG_DEVTAB, DEVTAB | 0x1ff);
    note(seen, "read %" PRIx64, reg_read_size(b, REG_DEVTAB + 3, 1));
    reg_write_size(b, REG_DEVTAB + 3, 0x02, 1);
    note(seen, "register %" PRIx64, reg_read(b, REG_DEVTAB));
}

static void see_migration(Bench *b, GString *seen)
{
    QDict *reply = qtest_qmp(b->qts, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': 'exec:cat >/dev/null' } }");

    note(seen, qdict_haskey(reply, "error") ? "refused" : "accepted");
    qobject_unref(reply);
}

static void see_migrated_translation(Bench *b, GString *seen)
{
    g_autofree char *file = NULL;
    Bench *next;

    set_two_levels(b, PTE_RW, PTE_RW);
    note_write(b, seen, 0x3000, PAGE);
    file = migrate_save(b->qts);
    qtest_quit(b->qts);
    machine.more = "-incoming defer";
    next = bench_start_machine(&machine);
    b->qts = next->qts;
    g_free(next);
    migrate_load(b->qts, file);
    unlink(file);
    note_write(b, seen, 0x3000, PAGE);
    note_write(b, seen, 0x3000, 0x3000);
}

/* A log without a base after a reset: is the one from before remembered? */
static void see_reset(Bench *b, GString *seen)
{
    bench_set_up(b);
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'system_reset' }"));
    qtest_qmp_eventwait(b->qts, "RESET");
    reg_write(b, REG_CMD_BASE, COMMANDS | 8ULL << 56);
    reg_write(b, REG_CONTROL, CONTROL_RUN);
    command(b, UNKNOWN_COMMAND, 0);
    note(seen, qtest_readq(b->qts, EVENTS) ? "old log written" : "forgotten");
}

static void see_split(Bench *b, GString *seen)
{
    set_two_levels(b, PTE_RW, 0);
    set_entry(b, 1, 3, 0);
    dma_read(b, 0x3000, 512);
    note(seen, "%d event%s", (int)reg_read(b, REG_EVENT_TAIL) / 16,
         reg_read(b, REG_EVENT_TAIL) == 16 ? "" : "s");
}

/*
 * Number 0 is not in the list of 42: spec/qemu-integration.md 1.5.  Events
 * are shown whole; 28h is the edu, 2ah the domain.
 */
static const Defect defects[] = {
    { 0, "split-faults", see_split, "1 event", "128 events" },
    { 1, "features", see_features, "",
      "no EPHSup, no GIoSup, PASmax 0, GATS reserved, no error registers" },
    { 2, "guest-tables", see_guest_tables, "read, not read",
      "not read, read" },
    { 3, "ivrs", see_ivrs,
      "revision 2, type 10h, HATS and GATS of EFR, type 11h, type 40h",
      "revision 1, type 10h, other HATS or GATS, type 11h" },
    { 4, "capabilities", see_capabilities, "1 MSI, Enable 1",
      "2 MSI, Enable 0" },
    { 5, "default-options", see_translation, "read", "not read",
      .stock_options = "xtsup=off" },
    { 6, "large-page", see_large_page, "read, not read", "not read, read" },
    { 7, "skipped-level", see_skipped_level, "read", "not read" },
    { 7, "level-not-lower", see_level_not_lower, "not read", "read" },
    { 8, "directory-permission", see_directory_permission, "not written",
      "written" },
    { 8, "dte-permission", see_dte_permission, "not written", "written" },
    { 10, "reserved-bit", see_reserved_bit, "not read", "read" },
    { 11, "invalid-dte", see_invalid_dte, "read, no event",
      "not read, events" },
    { 12, "beyond-table", see_beyond_table, "not read", "read",
      .edu = 0x1d << 3 },
    { 13, "mode-7", see_mode_7, "event 1000000000000028 5000000",
      "no event" },
    { 13, "blocked", see_blocked, "event 2000000000000028 5000000",
      "no event" },
    { 15, "exclusion", see_exclusion, "base 5000003, read",
      "base 0, not read" },
    { 19, "cached-permission", see_cached_permission,
      "read, event 2070002a00000028 3000", "read, no event" },
    { 18, "precise-flush", see_precise_flush, "kept", "dropped" },
    { 22, "tail-outside", see_tail_outside, "head 0, running", HANG },
    { 22, "no-command-base", see_no_command_base, "head 0, stopped", HANG },
    { 23, "wrap", see_wrap, "head 0, running", "head 1000, running" },
    { 23, "base-write", see_base_write, "head 0, tail 0",
      "head 10, tail 10" },
    { 24, "illegal-command", see_illegal_command,
      "next one waits, head 0, stopped, event 5000000000000000 2000000",
      "next one executed, head 20, running, event 5000000000000000 0" },
    { 25, "wait-interrupt", see_wait_interrupt, "ComWaitInt, no message",
      "ComWaitInt, message" },
    { 28, "batch", see_batch, "some at once", "all at once" },
    { 31, "fault-flags", see_faults,
      "event 2000002a00000028 3000, event 2020002a00000028 3004",
      "event 2009000000000028 0, event 200a000000000028 0" },
    { 32, "bus-number", see_device_id, "DeviceID 100", "DeviceID 0",
      .edu = BEHIND_PORT_ID },
    { 33, "overflow", see_overflow, "tail ff0, EventOverflow",
      "tail ff0, nothing" },
    { 34, "no-event-base", see_no_event_base, "tail 10", SIGNAL_8 },
    { 35, "event-base", see_event_base, "new place", "old place" },
    { 36, "ppr-log", see_ppr_log, "runs", "stopped" },
    { 37, "xt-interrupt", see_xt, "interrupt", "no interrupt",
      .ours_options = "xtsup=on", .stock_options = "xtsup=on,dma-remap=on" },
    { 37, "interrupt-fault", see_interrupt_fault, "event", "no event" },
    { 38, "bytes", see_bytes, "read 1, register 20001ff",
      "read ff, register 10001ff" },
    { 39, "migration", see_migration, "accepted", "refused" },
    { 40, "migrated-translation", see_migrated_translation,
      "written, written, not written", "written, not written, written",
      .stock_options = "dma-remap=on,pci-id=function",
      .stock_before = "-device AMDVI-PCI,id=function,addr=01.0" },
    { 41, "reset", see_reset, "forgotten", "old log written" },
};

static Bench *start(const Defect *defect, const char *binary,
                    const char *options)
{
    machine = (BenchMachine) {
        .binary = binary, .iommu = options, .edu = defect->edu,
    };
    if (g_str_equal(binary, STOCK)) {
        machine.before = defect->stock_before;
    }
    return bench_start_machine(&machine);
}

static void test_ours(const void *data)
{
    const Defect *defect = data;
    g_autofree char *options = g_strjoin(",", "svm=on",
                                         defect->ours_options, NULL);
    Bench *b = start(defect, OURS, options);
    GString *seen = g_string_new(NULL);

    defect->observe(b, seen);
    g_assert_cmpstr(seen->str, ==, defect->right);
    g_string_free(seen, true);
    bench_stop(b);
}

/* The machine that may hang; a hung one heeds no other signal */
static pid_t watched;

static void end_hung(int number)
{
    static const char words[] = "<" HANG ">\n";

    kill(watched, SIGKILL);
    _exit(write(STDOUT_FILENO, words, sizeof(words) - 1) < 0);
}

/* The machine is that of a child: a crash of QEMU ends its tester, too */
static void run_stock(const Defect *defect)
{
    const char *options = defect->stock_options ? defect->stock_options
                                                : "dma-remap=on";
    Bench *b = start(defect, STOCK, options);
    const struct sigaction action = { .sa_handler = end_hung };
    GString *seen = g_string_new(NULL);

    watched = qtest_pid(b->qts);
    sigaction(SIGALRM, &action, NULL);
    alarm(g_str_equal(defect->stock, HANG) ? HANG_PATIENCE : PATIENCE);
    defect->observe(b, seen);
    alarm(0);
    bench_stop(b);
    printf("<%s>\n", seen->str);
    g_string_free(seen, true);
}

static void check_stock(const Defect *defect)
{
    g_autofree char *words = g_strdup_printf("*<%s>*", defect->stock);

    if (g_str_equal(defect->stock, SIGNAL_8)) {
        g_test_trap_assert_failed();
        g_test_trap_assert_stderr("*QEMU death from signal 8*");
    } else {
        g_test_trap_assert_passed();
        g_test_trap_assert_stdout(words);
    }
}

static void test_stock(const void *data)
{
    if (g_test_subprocess()) {
        run_stock(data);
    } else if (stock_is_there()) {
        g_test_trap_subprocess(NULL, 0, 0);
        check_stock(data);
    }
}

static void add(const Defect *defect)
{
    g_autofree char *ours = g_strdup_printf("/amdvi/defects/%d-%s/ours",
                                            defect->number, defect->name);
    g_autofree char *stock = g_strdup_printf("/amdvi/defects/%d-%s/stock",
                                             defect->number, defect->name);

    qtest_add_data_func(ours, defect, test_ours);
    qtest_add_data_func(stock, defect, test_stock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(defects); i++) {
        add(&defects[i]);
    }
    return g_test_run();
}
