/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * With svm=off nothing differs from the unmodified model.
 *
 * One script is played to an unmodified QEMU and to ours; all replies, the
 * memory the IOMMU writes, the ACPI table and the description of the migration
 * state are recorded as text and compared.  A machine also migrates from each
 * to the other.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qobject/qdict.h"
#include "bench.h"
#include "ivrs.h"
#include "stock.h"

/* Bytes of the register window */
#define WINDOW 0x4000
#define POLLS 6000

static const char *const configurations[] = {
    "", "dma-remap=on", "dma-remap=off,xtsup=on",
    "dma-remap=on,intremap=off", "dma-translation=off",
    "device-iotlb=on,dma-remap=on",
};

static Bench *start(const char *binary, const char *options)
{
    return bench_start_machine(&(BenchMachine) {
        .binary = binary, .iommu = options,
    });
}

static void record(GString *log, const char *what, uint64_t place,
                   uint64_t value)
{
    g_string_append_printf(log, "%s 0x%" PRIx64 ": 0x%" PRIx64 "\n", what,
                           place, value);
}

static void record_registers(Bench *b, GString *log)
{
    uint8_t window[WINDOW];

    qtest_memread(b->qts, IOMMU_BASE, window, WINDOW);
    for (uint32_t offset = 0; offset < WINDOW; offset += 8) {
        if (!buffer_is_zero(window + offset, 8)) {
            record(log, "in window", offset, ldq_le_p(window + offset));
            record(log, "register", offset, reg_read(b, offset));
            record(log, "half", offset + 4, reg_read_size(b, offset + 4, 4));
            record(log, "word", offset + 2, reg_read_size(b, offset + 2, 2));
            record(log, "byte", offset + 1, reg_read_size(b, offset + 1, 1));
        }
    }
}

static void record_state(Bench *b, GString *log)
{
    record(log, "status", REG_STATUS, reg_read(b, REG_STATUS));
    record(log, "head", REG_CMD_HEAD, reg_read(b, REG_CMD_HEAD));
    record(log, "tail", REG_EVENT_TAIL, reg_read(b, REG_EVENT_TAIL));
}

static void record_memory(Bench *b, GString *log, uint64_t from, size_t size)
{
    for (uint64_t place = from; place < from + size; place += 8) {
        record(log, "memory", place, qtest_readq(b->qts, place));
    }
}

static void record_config(Bench *b, GString *log)
{
    for (int offset = 0; offset < 0x100; offset += 4) {
        record(log, "config", offset, config_read(b, IOMMU_ID, offset));
    }
}

/* Write everything between two offsets but what would start something */
static void write_range(Bench *b, uint32_t from, uint32_t to, uint64_t value)
{
    for (uint32_t offset = from; offset < to; offset += 8) {
        if (offset != REG_CONTROL && offset != REG_EVENT_BASE) {
            reg_write(b, offset, value);
            reg_write_size(b, offset + 4, value, 4);
            reg_write_size(b, offset, value, 2);
            reg_write_size(b, offset + 1, value, 1);
        }
    }
}

static void play_writes(Bench *b, GString *log)
{
    static const uint64_t values[] = {
        UINT64_MAX, 0, 0x5a5a5a5a5a5a5a5a, 0x0900000002000000,
    };

    for (int i = 0; i < ARRAY_SIZE(values); i++) {
        write_range(b, 0, 0x260, values[i]);
        write_range(b, 0x1ff0, 0x20a0, values[i]);
        write_range(b, WINDOW - 8, WINDOW, values[i]);
        record_registers(b, log);
    }
}

/* Every opcode, plain and with all operand bits set */
static void play_commands(Bench *b, GString *log)
{
    for (uint64_t opcode = 1; opcode < 16; opcode++) {
        command(b, opcode << 60, 0);
        command(b, opcode << 60 | 0x0ff0ffff00000000, 0x1004);
        record_state(b, log);
    }
    command(b, 0x1000000000000001 | RESULT, 0xdeadbeef00000001);
    record_memory(b, log, RESULT, 16);
    record_memory(b, log, EVENTS, 0x400);
}

/* Reads and writes with DTEs and tables of all kinds */
static void play_dma(Bench *b, GString *log)
{
    static const uint64_t dte[] = {
        0, 1, 3, DTE_PASS_THROUGH, PTE_READ | 3, DTE_PASS_THROUGH | 4,
        DTE_HOST(1, TABLES), DTE_HOST(2, TABLES), DTE_HOST(7, TABLES),
        DTE_PASS_THROUGH | 1ULL << 55, 0x7c,
    };

    set_entry(b, 0, 3, PTE_LEAF(PAGE, PTE_RW));
    set_entry(b, 0, 4, PTE_LEAF(PAGE, PTE_READ));
    set_entry(b, 0, 5, PDE(1, table(1), PTE_READ));
    for (int i = 0; i < ARRAY_SIZE(dte); i++) {
        set_dte(b, dte[i], DOMAIN);
        for (uint64_t address = 0x3000; address < 0x6000; address += 0x1000) {
            dma_read(b, address, 8);
            dma_write(b, address + 8, 8);
            dma_write(b, PAGE + 0x100 * i, 16);
            record_memory(b, log, PAGE + 0x100 * i, 16);
            record_memory(b, log, address, 16);
        }
        record_state(b, log);
    }
    record_memory(b, log, EVENTS, 0x1000);
}

static void record_ivrs(Bench *b, GString *log)
{
    GByteArray *ivrs = ivrs_read(b->qts);

    for (unsigned int i = 0; i < ivrs->len; i++) {
        record(log, "IVRS", i, ivrs->data[i]);
    }
    g_byte_array_unref(ivrs);
}

/* The whole script, as text */
static GString *play(const char *binary, const char *options)
{
    GString *log = g_string_new(NULL);
    Bench *b = start(binary, options);

    record_registers(b, log);
    record_config(b, log);
    record_ivrs(b, log);
    play_writes(b, log);
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'system_reset' }"));
    qtest_qmp_eventwait(b->qts, "RESET");
    record_registers(b, log);
    config_write(b, b->edu, 0x10, EDU_BAR);
    config_write(b, b->edu, 0x04, 6);
    bench_set_up(b);
    play_commands(b, log);
    play_dma(b, log);
    record_registers(b, log);
    record_config(b, log);
    bench_stop(b);
    return log;
}

static void test_script(const void *options)
{
    bool plain = !*(const char *)options;
    g_autofree char *off = g_strconcat(options, ",svm=off", NULL);
    GString *stock, *ours;

    if (!stock_is_there()) {
        return;
    }
    stock = play(STOCK, options);
    /* svm=off is also the default */
    ours = play(OURS, plain ? options : off);
    g_assert_cmpint(stock->len, >, 10000);
    g_assert_cmpstr(ours->str, ==, stock->str);
    g_string_free(stock, true);
    g_string_free(ours, true);
}

/* The description of the IOMMU's migration state */
static char *dump_vmstate(const char *binary)
{
    g_autofree char *file = g_strdup_printf("%s/amdvi-vmstate-%d.json",
                                            g_get_tmp_dir(), getpid());
    const char *argv[] = {
        getenv(binary), "-machine", "q35", "-display", "none",
        "-dump-vmstate", file, NULL,
    };
    g_autofree char *text = NULL;
    char *start, *end;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH,
                               NULL, NULL, NULL, NULL, NULL, NULL));
    g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
    unlink(file);
    start = strstr(text, "\n  \"amd-iommu\": {");
    g_assert_nonnull(start);
    end = strstr(start, "\n  },");
    g_assert_nonnull(end);
    return g_strndup(start, end - start);
}

static void test_vmstate(void)
{
    g_autofree char *stock = NULL;
    g_autofree char *ours = NULL;

    if (stock_is_there()) {
        stock = dump_vmstate(STOCK);
        ours = dump_vmstate(OURS);
        g_assert_cmpstr(ours, ==, stock);
    }
}

/* A machine that can migrate: the edu cannot, and pci-id is needed */
static Bench *start_migratable(const char *binary, const char *more)
{
    Bench *b = g_new0(Bench, 1);
    g_autofree char *line = g_strdup_printf(
        "-machine q35 -m 256M -nodefaults -nic none "
        "-device AMDVI-PCI,id=function,addr=01.0 "
        "-device amd-iommu,pci-id=function,dma-remap=on %s", more);

    b->qts = qtest_init_ext(binary, line, NULL, true);
    return b;
}

static void wait_for(Bench *b, const char *query, const char *wanted)
{
    for (int i = 0; i < POLLS; i++) {
        QDict *reply = qtest_qmp(b->qts, "{ 'execute': %s }", query);
        QDict *state = qdict_get_qdict(reply, "return");
        const char *status = qdict_get_try_str(state, "status");
        bool done = status && g_str_equal(status, wanted);

        g_assert_false(status && g_str_equal(status, "failed"));
        qobject_unref(reply);
        if (done) {
            return;
        }
        g_usleep(10 * 1000);
    }
    g_assert_not_reached();
}

static void migrate(const char *from, const char *to)
{
    g_autofree char *uri = g_strdup_printf("file:%s/amdvi-migration-%d",
                                           g_get_tmp_dir(), getpid());
    g_autofree char *incoming = g_strdup_printf("-incoming %s", uri);
    GString *before = g_string_new(NULL), *after = g_string_new(NULL);
    Bench *b = start_migratable(from, "");

    bench_set_up(b);
    command(b, 0x8000000000000000, 0);
    command(b, 0xe000000000000000, 0);
    record_registers(b, before);
    record_memory(b, before, EVENTS, 64);
    qobject_unref(qtest_qmp(b->qts, "{ 'execute': 'migrate',"
                            "  'arguments': { 'uri': %s } }", uri));
    wait_for(b, "query-migrate", "completed");
    bench_stop(b);
    b = start_migratable(to, incoming);
    wait_for(b, "query-status", "running");
    record_registers(b, after);
    record_memory(b, after, EVENTS, 64);
    bench_stop(b);
    unlink(uri + strlen("file:"));
    g_assert_cmpstr(after->str, ==, before->str);
    g_string_free(before, true);
    g_string_free(after, true);
}

static void test_migrate_to_ours(void)
{
    if (stock_is_there()) {
        migrate(STOCK, OURS);
    }
}

static void test_migrate_to_stock(void)
{
    if (stock_is_there()) {
        migrate(OURS, STOCK);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* The stock model shifts by 64 when it logs an event: it has to go on */
    g_setenv("UBSAN_OPTIONS", "halt_on_error=0", true);
    for (int i = 0; i < ARRAY_SIZE(configurations); i++) {
        g_autofree char *path = g_strdup_printf("/amdvi/svm-off/script%d", i);

        qtest_add_data_func(path, configurations[i], test_script);
    }
    qtest_add_func("/amdvi/svm-off/vmstate", test_vmstate);
    qtest_add_func("/amdvi/svm-off/migrate-to-ours", test_migrate_to_ours);
    qtest_add_func("/amdvi/svm-off/migrate-to-stock", test_migrate_to_stock);
    return g_test_run();
}
