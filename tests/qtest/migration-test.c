/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an IOMMU still knows after migration: registers, rings and where they
 * stopped, interrupts that were not sent yet, and the PCI function with its
 * MSI.  Through a file, into a QEMU of the same options or others.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "ask.h"
#include "svm.h"

#define ILLEGAL 0xe000000000000000
#define READ_FAULT 0x2000002a00000028ULL
#define PASID_READ_FAULT 0x2005000500000030ULL         /* GN US, PASID 5 */
/* COMPLETE_PPR_REQUEST as Linux sends it: GN=0 and no PASID */
#define COMPLETE 0x7000000000000030ULL
#define TAG(prgi, code) ((uint64_t)(code) << 44 | (uint64_t)(prgi) << 32)
#define VECTOR 0x55
/* Bytes a second: so that the first pass over memory takes seconds; and not */
#define SLOW 100000
#define FAST 10000000000

/* Registers that software can write or the IOMMU changes */
static const uint32_t registers[] = {
    REG_DEVTAB, REG_CMD_BASE, REG_EVENT_BASE, REG_CONTROL, REG_EXCL_BASE,
    REG_EXCL_LIMIT, REG_EFR, REG_PPR_BASE, REG_HW_EVENT_UPPER,
    REG_HW_EVENT_LOWER, REG_HW_EVENT_STATUS, 0x100, 0x130, REG_EFR2,
    REG_CMD_HEAD, REG_CMD_TAIL, REG_EVENT_HEAD, REG_EVENT_TAIL, REG_STATUS,
    REG_PPR_HEAD, REG_PPR_TAIL, REG_PPR_AUTO_RESPONSE, REG_PPR_EARLY,
};

/* Wait until a migration has ended; what it ended as */
static char *migration_status(QTestState *qts)
{
    for (;;) {
        QDict *info = qtest_qmp_assert_success_ref(
            qts, "{ 'execute': 'query-migrate' }");
        g_autofree char *status =
            g_strdup(qdict_get_try_str(info, "status"));

        qobject_unref(info);
        if (!g_strcmp0(status, "completed") || !g_strcmp0(status, "failed")) {
            return g_steal_pointer(&status);
        }
        g_usleep(10000);
    }
}

static void save(Bench *b, const char *path)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    g_autofree char *status = NULL;

    qtest_qmp_assert_success(b->qts, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': %s } }", uri);
    status = migration_status(b->qts);
    g_assert_cmpstr(status, ==, "completed");
}

/* Take the state into a machine that waits for it; how that has to end */
static void load_into(Bench *b, const char *path, const char *expect)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    g_autofree char *status = NULL;

    qtest_qmp_assert_success(b->qts, "{ 'execute': 'migrate-incoming',"
                             "  'arguments': { 'uri': %s,"
                             "    'exit-on-error': false } }", uri);
    status = migration_status(b->qts);
    g_assert_cmpstr(status, ==, expect);
}

/* A machine with that state, which does not run yet */
static Bench *load(const char *options, const char *path, const char *expect)
{
    Bench *b = bench_start(options, "-incoming defer");

    load_into(b, path, expect);
    return b;
}

static char *new_file(void)
{
    char *path = NULL;
    int fd = g_file_open_tmp("amdvi-migration-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return path;
}

/* Move to another QEMU; @b goes, what is returned comes */
static Bench *migrate(Bench *b, const char *options)
{
    g_autofree char *path = new_file();
    uint32_t tail = b->command_tail;

    save(b, path);
    bench_stop(b);
    b = load(options, path, "completed");
    b->command_tail = tail;
    unlink(path);
    return b;
}

static void resume(Bench *b)
{
    qtest_qmp_assert_success(b->qts, "{ 'execute': 'cont' }");
}

/* The same with a svm-testdev, and the VM goes on */
#define WITH_TESTDEV "-device svm-testdev,addr=06.0"

/* By way of a third QEMU that takes it and gives it away without running it */
static Svm *migrate_svm(Svm *s, const char *options)
{
    g_autofree char *path = new_file();
    uint32_t tail = s->b->command_tail;
    Bench *b;

    save(s->b, path);
    svm_stop(s);
    b = bench_start(options, WITH_TESTDEV " -S -incoming defer");
    load_into(b, path, "completed");
    save(b, path);
    bench_stop(b);
    b = bench_start(options, WITH_TESTDEV " -incoming defer");
    load_into(b, path, "completed");
    unlink(path);
    b->command_tail = tail;
    resume(b);
    return svm_attach(b);
}

/* A one-level table without any entry: each DMA is an event */
static Bench *start(const char *options)
{
    Bench *b = bench_start(options, "");

    bench_set_up(b);
    msi_set_up(b);
    set_dte(b, DTE_HOST(2, table(0)), DOMAIN);
    return b;
}

static void check_registers(const char *options)
{
    Bench *b = start(options);
    uint64_t before[ARRAY_SIZE(registers)];

    reg_write(b, REG_EXCL_BASE, 0x123456000);
    reg_write(b, REG_EXCL_LIMIT, 0x234567000);
    reg_write(b, 0x130, 0x7890123000);
    reg_write(b, REG_PPR_BASE, PAGE | 9ULL << 56);
    reg_write(b, REG_PPR_AUTO_RESPONSE, 0xf);
    reg_write(b, REG_PPR_EARLY, 0x80000123);
    reg_write(b, REG_PPR_TAIL, 0x1230);
    dma_read(b, PAGE, 4);
    command(b, ILLEGAL, 0);
    for (int i = 0; i < ARRAY_SIZE(registers); i++) {
        before[i] = reg_read(b, registers[i]);
    }
    b = migrate(b, options);
    for (int i = 0; i < ARRAY_SIZE(registers); i++) {
        g_assert_cmphex(reg_read(b, registers[i]), ==, before[i]);
    }
    /* It stopped at an illegal command, and starts when CmdBufEn toggles */
    resume(b);
    g_assert_cmphex(reg_read(b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==, 0);
    bench_stop(b);
}

static void test_registers(void)
{
    check_registers("svm=on");
    check_registers("svm=on,xtsup=on");
    check_registers("svm=on,ats=off");
}

/* Requests are judged as before, from the first one on: defect 40 */
static void test_translation(void)
{
    Bench *b = start("svm=on");

    set_entry(b, 0, 0, PDE(1, table(1), PTE_RW));
    set_entry(b, 1, 3, PTE_LEAF(PAGE, PTE_RW));
    b = migrate(b, "svm=on");
    resume(b);
    g_assert_true(dma_reads(b, 0x3000, PAGE));
    dma_read(b, 0x4000, 4);
    assert_events(b, 0, 1, READ_FAULT, 0x4000);
    bench_stop(b);
}

/* The MSI of the PCI function is still set up, and sent for a new event */
static void test_msi(void)
{
    Bench *b = start("svm=on");

    reg_write(b, REG_CONTROL, reg_read(b, REG_CONTROL) |
              CONTROL_EVENT_INT_EN);
    b = migrate(b, "svm=on");
    resume(b);
    g_assert_false(msi_arrived(b));
    dma_read(b, PAGE, 4);
    g_assert_true(msi_arrived(b));
    bench_stop(b);
}

/* Requests that wait for a response do so on the other side, too */
static void test_page_requests(void)
{
    Svm *s = svm_start("svm=on", "");
    const uint32_t flags = TESTDEV_FLAG_READ | TESTDEV_FLAG_LAST;

    msi_set_up(s->b);
    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) |
              CONTROL_PPR_INT_EN);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(testdev_request_page(s->t, flags, 5 + i, VA, 3 + i),
                        ==, 0);
    }
    command(s->b, COMPLETE, TAG(4, 0));
    g_assert_true(msi_arrived(s->b));
    s = migrate_svm(s, "svm=on");
    g_assert_false(msi_arrived(s->b));
    /* This one has its response already */
    command(s->b, COMPLETE, TAG(4, 0));
    g_assert_cmpint(testdev_get(s->t, TESTDEV_RESPONSES), ==, 1);
    command(s->b, COMPLETE, TAG(5, 1));
    testdev_assert_response(s->t, 2, 5, 1, 7);
    command(s->b, COMPLETE, TAG(3, 0));
    testdev_assert_response(s->t, 3, 3, 0, 5);
    /* And a new one interrupts by MSI */
    g_assert_cmpint(testdev_request_page(s->t, flags, 5, VA, 3), ==, 0);
    g_assert_true(msi_arrived(s->b));
    svm_assert_ppr(s, 3, 0x1144020300050030, VA);
    svm_stop(s);
}

/* DTE.SE: what was reported before is not reported again */
static void test_suppressed(void)
{
    Svm *s = svm_start("svm=on", "");
    uint32_t data, path = TESTDEV_PATH_UNTRANSLATED;

    svm_set_dte(s, 0, DTE_SE);
    testdev_read(s->t, path, 5, VA, &data, 4);
    assert_events(s->b, 0, 1, PASID_READ_FAULT, VA);
    for (int i = 0; i < 2; i++) {
        s = migrate_svm(s, "svm=on");
        testdev_read(s->t, path, 5, VA, &data, 4);
        assert_events(s->b, 1, 0);
    }
    svm_set_dte(s, 0, DTE_SE);
    testdev_read(s->t, path, 5, VA, &data, 4);
    assert_events(s->b, 1, 1, PASID_READ_FAULT, VA);
    svm_stop(s);
}

/* Counters of one device, of its PASIDs, of all */
static QDict *stats(Bench *b)
{
    return ask_for(b, "{ 'execute': 'query-amd-iommu-stats',"
                   "  'arguments': { 'device-id': %u } }", TESTDEV_PLACE);
}

static void assert_counters(Bench *b, uint64_t hits, uint64_t misses)
{
    QDict *reply = stats(b);
    QDict *pasid = row(reply, "sources", 0);
    QDict *total = qdict_get_qdict(reply, "total");

    g_assert_cmpuint(number(pasid, "hits"), ==, hits);
    g_assert_cmpuint(number(pasid, "misses"), ==, misses);
    g_assert_cmpuint(number(total, "hits"), ==, hits);
    g_assert_cmpuint(number(total, "misses"), ==, misses);
    qobject_unref(reply);
}

static void test_counters(void)
{
    Svm *s = svm_start("svm=on", "");

    svm_map(s, 5, VA, PAGE | G_USER);
    for (int i = 0; i < 4; i++) {
        testdev_translate(s->t, 0, 5, VA);
    }
    assert_counters(s->b, 3, 1);
    testdev_translate(s->t, 0, 5, VA);
    s = migrate_svm(s, "svm=on");
    assert_counters(s->b, 4, 1);
    /* The caches are cold */
    testdev_translate(s->t, 0, 5, VA);
    testdev_translate(s->t, 0, 5, VA);
    assert_counters(s->b, 5, 2);
    svm_stop(s);
}

/* An interrupt that found its XT register masked is still sent */
static void test_masked_interrupt(void)
{
    const char *options = "svm=on,xtsup=on";
    Svm *s = svm_start(options, "");

    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) |
              CONTROL_PPR_INT_EN | CONTROL_INT_CAP_XT_EN);
    testdev_request_page(s->t, TESTDEV_FLAG_READ, 5, VA, 3);
    s = migrate_svm(s, options);
    g_assert_false(apic_has_vector(s->b, VECTOR));
    reg_write(s->b, REG_XT_PPR, (uint64_t)VECTOR << 32);
    g_assert_true(apic_has_vector(s->b, VECTOR));
    svm_stop(s);
}

static uint64_t ram_remaining(QTestState *qts)
{
    QDict *info = qtest_qmp_assert_success_ref(
        qts, "{ 'execute': 'query-migrate' }");
    QDict *ram = qdict_get_qdict(info, "ram");
    uint64_t remaining = ram ? qdict_get_int(ram, "remaining") : UINT64_MAX;

    qobject_unref(info);
    return remaining;
}

static void set_bandwidth(QTestState *qts, int64_t bytes)
{
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate-set-parameters',"
                             "  'arguments': { 'max-bandwidth': %" PRId64
                             " } }", bytes);
}

/*
 * A and D that are set after the page of the table has been sent arrive, and
 * so does what a device writes with a PASID: the engine marks the pages it
 * writes to as dirty.
 */
static void test_accessed_dirty(void)
{
    g_autofree char *path = new_file();
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    g_autofree char *status = NULL;
    Svm *s = svm_start("svm=on", "");
    const uint64_t data = 0x1122334455667788;
    uint64_t leaf, entry;
    Bench *b;

    svm_map(s, 5, VA, PAGE | G_USER);
    leaf = svm_leaf(s, 5, VA);
    set_bandwidth(s->b->qts, SLOW);
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': %s } }", uri);
    while (ram_remaining(s->b->qts) > MEMORY_SIZE / 2) {
        g_usleep(10000);
    }
    g_assert_cmphex(qtest_readq(s->b->qts, leaf), ==, PAGE | G_USER);
    g_assert_cmpint(testdev_translate(s->t, 0, 5, VA).result, ==, 1);
    entry = qtest_readq(s->b->qts, leaf);
    g_assert_cmphex(entry, ==, PAGE | G_USER | G_A | G_D);
    g_assert_cmpint(testdev_write(s->t, TESTDEV_PATH_UNTRANSLATED, 5, VA,
                                  &data, sizeof(data)), ==, TESTDEV_OK);
    set_bandwidth(s->b->qts, FAST);
    status = migration_status(s->b->qts);
    g_assert_cmpstr(status, ==, "completed");
    svm_stop(s);
    b = bench_start("svm=on", WITH_TESTDEV " -incoming defer");
    load_into(b, path, "completed");
    unlink(path);
    g_assert_cmphex(qtest_readq(b->qts, leaf), ==, entry);
    g_assert_cmphex(qtest_readq(b->qts, PAGE), ==, data);
    bench_stop(b);
}

/* EFR comes from the options, so these have to agree; nothing breaks */
static void test_other_options(void)
{
    static const char *const other[] = {
        "svm=on,pasid-bits=8", "svm=on,guest-levels=4", "svm=on,pri=off",
        "svm=on,xtsup=on", "svm=off",
    };
    g_autofree char *path = new_file();
    Bench *b = start("svm=on");

    save(b, path);
    bench_stop(b);
    for (int i = 0; i < ARRAY_SIZE(other); i++) {
        bench_stop(load(other[i], path, "failed"));
    }
    unlink(path);
}

/* A machine whose user has placed the PCI function */
static Bench start_with_function(const char *more)
{
    return (Bench) {
        .qts = qtest_initf("-machine q35 -m 256M -nodefaults -nic none "
                           "-device AMDVI-PCI,id=function,addr=01.0 "
                           "-device amd-iommu,svm=on,pci-id=function %s",
                           more),
    };
}

static void test_pci_id(void)
{
    g_autofree char *path = new_file();
    Bench b = start_with_function("");
    uint8_t msi;

    msi_set_up(&b);
    save(&b, path);
    qtest_quit(b.qts);
    b = start_with_function("-incoming defer");
    load_into(&b, path, "completed");
    msi = config_find(&b, IOMMU_ID, 0x05);
    g_assert_cmphex(config_read(&b, IOMMU_ID, msi) >> 16 & 1, ==, 1);
    qtest_quit(b.qts);
    unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/migration/registers", test_registers);
    qtest_add_func("/amdvi/migration/translation", test_translation);
    qtest_add_func("/amdvi/migration/msi", test_msi);
    qtest_add_func("/amdvi/migration/page-requests", test_page_requests);
    qtest_add_func("/amdvi/migration/suppressed", test_suppressed);
    qtest_add_func("/amdvi/migration/counters", test_counters);
    qtest_add_func("/amdvi/migration/masked-interrupt",
                   test_masked_interrupt);
    qtest_add_func("/amdvi/migration/accessed-dirty", test_accessed_dirty);
    qtest_add_func("/amdvi/migration/other-options", test_other_options);
    qtest_add_func("/amdvi/migration/pci-id", test_pci_id);
    return g_test_run();
}
