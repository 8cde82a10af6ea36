/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * amd-iommu-break: what matches a condition, and what the guest does not see
 * before the VM is stopped.
 *
 * Here the machine stops as soon as it can, so what happens until then is
 * looked at while a migration is about to complete: the VM is stopped then,
 * but not for us.  tests/guest/break-test has processors that run on.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "ask.h"
#include "svm.h"

#define PASID 5
#define R TESTDEV_FLAG_READ
#define LAST TESTDEV_FLAG_LAST
/* IO_PAGE_FAULT of PASID 5: GN, US, RW */
#define FAULT 0x2025000500000030ULL
/* The entry of a user's read of PASID 5 as the last of a group */
#define ENTRY(prgi) (0x1144020000050030ULL | (uint64_t)(prgi) << 32)
/* Commands for PASID 5 or all, and one page */
#define GN 4
#define INVALIDATE_DTE 0x2000000000000030ULL
#define INVALIDATE_PAGES (0x3000000000000005ULL | (uint64_t)SVM_DOMAIN << 32)
#define INVALIDATE_IOTLB 0x4005000020000030ULL
#define INVALIDATE_INTERRUPTS 0x5000000000000030ULL
#define COMPLETE 0x7000000000000030ULL
#define INVALIDATE_ALL 0x8000000000000000ULL
#define ILLEGAL 0xe000000000000000ULL
#define TAG(prgi, code) ((uint64_t)(code) << 44 | (uint64_t)(prgi) << 32)
#define STORE(offset) (0x1000000000000001ULL | (RESULT + (offset)))
#define SUCCESS 0
/* Withheld at most, as the command's documentation says */
#define HELD 256

#define BREAK(arguments) \
    "{ 'execute': 'amd-iommu-break', 'arguments': { " arguments " } }"
#define TESTDEV "-device svm-testdev,addr=06.0 "

static Svm *start_with(const char *options)
{
    Svm *s = svm_start(options, "");

    svm_bind(s, PASID);
    svm_bind(s, PASID + 1);
    msi_set_up(s->b);
    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) |
              CONTROL_EVENT_INT_EN | CONTROL_PPR_INT_EN);
    return s;
}

static Svm *start(void)
{
    return start_with("svm=on");
}

static unsigned int set_break(Svm *s, const char *command)
{
    QDict *reply = ask(s->b, command);
    unsigned int n = number(reply, "number");

    qobject_unref(reply);
    return n;
}

/* Member @key of breakpoint @n in the list */
static uint64_t of_break(Svm *s, unsigned int n, const char *key)
{
    QList *list = ask_list(s->b, "{ 'execute': 'query-amd-iommu-breaks' }");
    const QListEntry *entry;
    uint64_t value = 0;

    QLIST_FOREACH_ENTRY(list, entry) {
        QDict *row = qobject_to(QDict, qlist_entry_obj(entry));

        value = number(row, "number") == n ? number(row, key) : value;
    }
    qobject_unref(list);
    return value;
}

static unsigned int count_breaks(Svm *s)
{
    QList *list = ask_list(s->b, "{ 'execute': 'query-amd-iommu-breaks' }");
    unsigned int count = qlist_size(list);

    qobject_unref(list);
    return count;
}

static void fault_at(Svm *s, uint32_t pasid, uint64_t addr)
{
    uint64_t bytes = 0;

    g_assert_cmpint(testdev_write(s->t, TESTDEV_PATH_UNTRANSLATED, pasid,
                                  addr, &bytes, 8), ==, TESTDEV_ERROR);
}

static int request(Svm *s, uint16_t prgi)
{
    return testdev_request_page(s->t, R | LAST, PASID, VA, prgi);
}

static uint64_t responses(Svm *s)
{
    svm_settle(s);
    return testdev_get(s->t, TESTDEV_RESPONSES);
}

static bool is_paused(Svm *s)
{
    QDict *reply = ask(s->b, "{ 'execute': 'query-status' }");
    bool paused = g_str_equal(qdict_get_str(reply, "status"), "paused");

    qobject_unref(reply);
    return paused;
}

/* The next stop has to be for breakpoint @n; what the event says */
static QDict *wait_stop(Svm *s, unsigned int n, const char *kind)
{
    QDict *event = qtest_qmp_eventwait_ref(s->b->qts, "AMD_IOMMU_BREAK");
    QDict *data = qdict_get_qdict(event, "data");

    qobject_ref(data);
    qobject_unref(event);
    g_assert_true(is_paused(s));
    g_assert_cmpstr(qdict_get_str(data, "id"), ==, "iommu0");
    g_assert_cmpuint(number(data, "number"), ==, n);
    g_assert_cmpstr(qdict_get_str(data, "kind"), ==, kind);
    return data;
}

static void assert_stop(Svm *s, unsigned int n, const char *kind)
{
    qobject_unref(wait_stop(s, n, kind));
}

static void go_on(Svm *s)
{
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'cont' }");
}

static void test_fault(void)
{
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'fault'"));
    QDict *data;

    fault_at(s, PASID, VA);
    data = wait_stop(s, n, "fault");
    g_assert_cmpuint(number(data, "device-id"), ==, TESTDEV_PLACE);
    g_assert_cmpuint(number(data, "pasid"), ==, PASID);
    g_assert_cmphex(number(data, "address"), ==, VA);
    g_assert_cmpstr(qdict_get_str(data, "reason"), ==, "guest-not-present");
    g_assert_cmphex(word(qdict_get_qlist(data, "words"), 0), ==, FAULT);
    g_assert_cmphex(word(qdict_get_qlist(data, "words"), 1), ==, VA);
    g_assert_false(qdict_haskey(data, "prg-index"));
    qobject_unref(data);
    /* In the log by now, but its interrupt comes with the guest */
    assert_events(s->b, 0, 1, FAULT, VA);
    g_assert_false(msi_arrived(s->b));
    go_on(s);
    svm_settle(s);
    g_assert_true(msi_arrived(s->b));
    /* It stopped once, and is gone */
    g_assert_cmpuint(count_breaks(s), ==, 0);
    fault_at(s, PASID, VA);
    svm_settle(s);
    g_assert_false(is_paused(s));
    svm_stop(s);
}

static void test_page_request(void)
{
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'page-request'"));
    QDict *data;

    g_assert_cmpint(request(s, 3), ==, 0);
    data = wait_stop(s, n, "page-request");
    g_assert_cmphex(number(data, "address"), ==, VA);
    g_assert_cmpuint(number(data, "prg-index"), ==, 3);
    g_assert_cmphex(word(qdict_get_qlist(data, "words"), 0), ==, ENTRY(3));
    qobject_unref(data);
    svm_assert_ppr(s, 0, ENTRY(3), VA);
    g_assert_false(msi_arrived(s->b));
    go_on(s);
    svm_settle(s);
    g_assert_true(msi_arrived(s->b));
    command(s->b, COMPLETE, TAG(3, 0));
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    svm_stop(s);
}

/* The command is not executed before the VM goes on; nor those behind it */
static void test_command(void)
{
    Svm *s = start();
    unsigned int n;
    uint32_t offset;
    QDict *data;

    n = set_break(s, BREAK("'kind': 'command', 'opcode': 1, 'count': 2,"
                           "'sticky': true"));
    command(s->b, STORE(0), 0x11);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0x11);
    offset = s->b->command_tail;
    command(s->b, STORE(0), 0x22);
    data = wait_stop(s, n, "command");
    g_assert_cmphex(word(qdict_get_qlist(data, "words"), 0), ==, STORE(0));
    g_assert_cmphex(word(qdict_get_qlist(data, "words"), 1), ==, 0x22);
    g_assert_false(qdict_haskey(data, "device-id"));
    qobject_unref(data);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0x11);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, offset);
    go_on(s);
    svm_settle(s);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0x22);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, s->b->command_tail);
    g_assert_cmpuint(of_break(s, n, "stops"), ==, 1);
    g_assert_cmpuint(of_break(s, n, "matches"), ==, 0);
    svm_stop(s);
}

static void test_illegal_command(void)
{
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'command', 'opcode': 14"));

    command(s->b, ILLEGAL, 0);
    assert_stop(s, n, "command");
    assert_events(s->b, 0, 0);
    go_on(s);
    svm_settle(s);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 16);
    svm_stop(s);
}

static void test_invalidation(void)
{
    Svm *s = start();
    TestdevTlbEntry entry;
    unsigned int n;

    svm_map(s, PASID, VA, PAGE | G_USER);
    testdev_read(s->t, 0, PASID, VA, &(uint64_t) { 0 }, 8);
    n = set_break(s, BREAK("'kind': 'invalidation', 'device-id': 48,"
                           "'pasid': 5"));
    command(s->b, INVALIDATE_IOTLB, VA | GN);
    assert_stop(s, n, "invalidation");
    g_assert_true(testdev_find_tlb(s->t, PASID, VA, &entry));
    go_on(s);
    svm_settle(s);
    g_assert_false(testdev_find_tlb(s->t, PASID, VA, &entry));
    svm_stop(s);
}

/* Of software; the PASID is that of the group, which the command leaves out */
static void test_response(void)
{
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'response', 'pasid': 5"));
    QDict *data;

    command(s->b, COMPLETE, TAG(3, 0));
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    data = wait_stop(s, n, "response");
    g_assert_cmpuint(number(data, "pasid"), ==, PASID);
    g_assert_cmpuint(number(data, "prg-index"), ==, 3);
    g_assert_false(qdict_haskey(data, "address"));
    qobject_unref(data);
    g_assert_cmpint(responses(s), ==, 0);
    go_on(s);
    svm_settle(s);
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    svm_stop(s);
}

/* Of the IOMMU itself */
static void test_automatic_response(void)
{
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'response'"));
    QDict *data;

    reg_write(s->b, REG_CONTROL,
              reg_read(s->b, REG_CONTROL) | CONTROL_PPR_AUTO_RSP_AON);
    g_assert_cmpint(request(s, 3), ==, 0);
    data = wait_stop(s, n, "response");
    g_assert_cmpuint(number(data, "prg-index"), ==, 3);
    g_assert_false(qdict_haskey(data, "words"));
    qobject_unref(data);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_RESPONSES), ==, 0);
    go_on(s);
    svm_settle(s);
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    svm_stop(s);
}

/*
 * Each condition, and how often it matches in what play() does.  None stops
 * the machine: that would take more matches.
 */
static void play(Svm *s)
{
    fault_at(s, PASID, VA);
    fault_at(s, PASID + 1, VA + 0x1000);
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    command(s->b, INVALIDATE_PAGES, VA | GN);
    command(s->b, INVALIDATE_PAGES ^ 1ULL << 32, VA | GN);
    command(s->b, INVALIDATE_IOTLB, (VA + 0x1000) | GN);
    command(s->b, INVALIDATE_DTE, 0);
    command(s->b, INVALIDATE_INTERRUPTS, 0);
    command(s->b, INVALIDATE_ALL, 0);
    command(s->b, STORE(0), 1);
}

static void test_conditions(void)
{
#define COUNT(arguments) BREAK(arguments ", 'count': 1000")
#define ONE_PAGE "'first': 139637976731648, 'last': 139637976735743"
    static const struct {
        const char *command;
        unsigned int matches;
    } row[] = {
        { COUNT("'kind': 'fault'"), 2 },
        { COUNT("'kind': 'fault', 'device-id': 48"), 2 },
        { COUNT("'kind': 'fault', 'device-id': 40"), 0 },
        { COUNT("'kind': 'fault', 'pasid': 6"), 1 },
        { COUNT("'kind': 'fault', " ONE_PAGE), 1 },
        { COUNT("'kind': 'fault', 'first': 139637976735744"), 1 },
        { COUNT("'kind': 'fault', 'last': 4095"), 0 },
        { COUNT("'kind': 'page-request'"), 1 },
        { COUNT("'kind': 'page-request', " ONE_PAGE), 1 },
        { COUNT("'kind': 'page-request', 'pasid': 6"), 0 },
        { COUNT("'kind': 'response'"), 1 },
        { COUNT("'kind': 'response', 'pasid': 5, 'device-id': 48"), 1 },
        { COUNT("'kind': 'response', 'pasid': 6"), 0 },
        { COUNT("'kind': 'command'"), 8 },
        { COUNT("'kind': 'command', 'opcode': 3"), 2 },
        { COUNT("'kind': 'command', 'opcode': 0"), 0 },
        { COUNT("'kind': 'invalidation'"), 6 },
        /* All but the one for another DomainID */
        { COUNT("'kind': 'invalidation', 'device-id': 48"), 5 },
        { COUNT("'kind': 'invalidation', 'device-id': 8"), 1 },
        /* Not that of interrupts */
        { COUNT("'kind': 'invalidation', 'pasid': 5"), 5 },
        { COUNT("'kind': 'invalidation', 'pasid': 6"), 2 },
        { COUNT("'kind': 'invalidation', " ONE_PAGE), 4 },
    };
    Svm *s = start();

    for (unsigned int i = 0; i < ARRAY_SIZE(row); i++) {
        g_assert_cmpuint(set_break(s, row[i].command), ==, i + 1);
    }
    play(s);
    for (unsigned int i = 0; i < ARRAY_SIZE(row); i++) {
        g_test_message("%s", row[i].command);
        g_assert_cmpuint(of_break(s, i + 1, "matches"), ==, row[i].matches);
    }
    g_assert_false(is_paused(s));
    svm_stop(s);
}

static void test_list(void)
{
    Svm *s = start();

    for (int i = 1; i <= 32; i++) {
        g_assert_cmpuint(set_break(s, BREAK("'kind': 'fault'")), ==, i);
    }
    assert_refused(s->b, BREAK("'kind': 'fault'"),
                   "there are 32 breakpoints already");
    qtest_qmp_assert_success(s->b->qts,
                             "{ 'execute': 'amd-iommu-break-delete',"
                             "  'arguments': { 'number': 7 } }");
    g_assert_cmpuint(count_breaks(s), ==, 31);
    assert_refused(s->b, "{ 'execute': 'amd-iommu-break-delete',"
                   "  'arguments': { 'number': 7 } }",
                   "there is no breakpoint 7");
    assert_refused(s->b, "{ 'execute': 'amd-iommu-break-delete',"
                   "  'arguments': { 'number': 0 } }",
                   "there is no breakpoint 0");
    g_assert_cmpuint(set_break(s, BREAK("'kind': 'fault'")), ==, 33);
    /* They are of the person who debugs, not of the machine */
    qtest_system_reset(s->b->qts);
    g_assert_cmpuint(count_breaks(s), ==, 32);
    qtest_qmp_assert_success(s->b->qts,
                             "{ 'execute': 'amd-iommu-break-delete' }");
    g_assert_cmpuint(count_breaks(s), ==, 0);
    svm_stop(s);
}

static void test_monitor(void)
{
    Svm *s = start();
    g_autofree char *text = NULL;

    set_break(s, BREAK("'kind': 'command', 'opcode': 1, 'count': 3"));
    set_break(s, BREAK("'kind': 'fault', 'device-id': 48, 'pasid': 5,"
                       "'first': 4096, 'last': 8191, 'sticky': true"));
    command(s->b, STORE(0), 0);
    text = qtest_hmp(s->b->qts, "info amd-iommu breaks");
    g_assert_nonnull(strstr(text, "1 command opcode 1: 1 of 3 matches, "
                            "0 stops"));
    g_assert_nonnull(strstr(text, "2 fault 00:06.0 PASID 5 0x1000 to 0x1fff: "
                            "0 of 1 matches, 0 stops, sticky"));
    svm_stop(s);
}

static void test_refused(void)
{
    static const struct {
        const char *command, *why;
    } row[] = {
        { BREAK("'kind': 'fault', 'opcode': 1"),
          "opcode is for commands only" },
        { BREAK("'kind': 'command', 'opcode': 16"),
          "opcode must be at most 15" },
        { BREAK("'kind': 'response', 'first': 0"),
          "responses have no address" },
        { BREAK("'kind': 'fault', 'first': 2, 'last': 1"),
          "last must not be less than first" },
        { BREAK("'kind': 'fault', 'count': 0"), "count must be at least 1" },
        { BREAK("'kind': 'fault', 'pasid': 1048576"),
          "pasid must be at most 1048575" },
        { BREAK("'kind': 'fault', 'id': 'other'"),
          "there is no such AMD IOMMU" },
    };
    Svm *s = start();
    Bench *b;

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        assert_refused(s->b, row[i].command, row[i].why);
    }
    svm_stop(s);
    s = start_with("svm=on,pri=off");
    assert_refused(s->b, BREAK("'kind': 'page-request'"),
                   "the IOMMU has pri=off");
    assert_refused(s->b, BREAK("'kind': 'response'"), "the IOMMU has pri=off");
    svm_stop(s);
    b = bench_start("svm=off", "");
    assert_refused(b, BREAK("'kind': 'fault'"),
                   "this needs an amd-iommu with svm=on");
    assert_refused(b, "{ 'execute': 'query-amd-iommu-breaks' }",
                   "this needs an amd-iommu with svm=on");
    bench_stop(b);
}

/* Wait until the migration has come this far */
static void wait_migration(QTestState *qts, const char *status)
{
    for (;;) {
        QDict *info = qtest_qmp_assert_success_ref(
            qts, "{ 'execute': 'query-migrate' }");
        const char *now = qdict_get_try_str(info, "status");
        bool done = !g_strcmp0(now, status);

        g_assert_cmpstr(now, !=, "failed");
        qobject_unref(info);
        if (done) {
            return;
        }
        g_usleep(10000);
    }
}

/*
 * Stop the machine for a migration: its devices are still there to be used,
 * but what they do must not be published any more.
 */
static void hold(Svm *s, const char *path)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(s->b->qts,
                             "{ 'execute': 'migrate-set-capabilities',"
                             "  'arguments': { 'capabilities': [ {"
                             "    'capability': 'pause-before-switchover',"
                             "    'state': true } ] } }");
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': %s } }", uri);
    wait_migration(s->b->qts, "pre-switchover");
}

static void cancel(Svm *s)
{
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'migrate_cancel' }");
}

static char *new_file(void)
{
    char *path = NULL;
    int fd = g_file_open_tmp("amdvi-break-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return path;
}

/* Nothing of what follows a match can be seen, until the VM was stopped */
static void test_withheld(void)
{
    g_autofree char *path = new_file();
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'fault', 'pasid': 6"));

    hold(s, path);
    fault_at(s, PASID, VA);
    assert_events(s->b, 0, 1, FAULT, VA);
    g_assert_true(msi_arrived(s->b));
    reg_write(s->b, REG_STATUS, STATUS_EVENT_LOG_INT);
    /* The match; events, page requests and commands from here on wait */
    fault_at(s, PASID + 1, VA);
    fault_at(s, PASID, VA + 0x1000);
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, STORE(0), 0x1234);
    command(s->b, COMPLETE, TAG(3, 0));
    svm_settle(s);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 16);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    g_assert_cmphex(qtest_readq(s->b->qts, EVENTS + 16), ==, 0);
    g_assert_cmphex(qtest_readq(s->b->qts, PPR_LOG), ==, 0);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN);
    g_assert_false(msi_arrived(s->b));
    g_assert_cmpint(testdev_get(s->t, TESTDEV_RESPONSES), ==, 0);

    cancel(s);
    assert_stop(s, n, "fault");
    assert_events(s->b, 1, 2, FAULT + (1ULL << 32), VA, FAULT, VA + 0x1000);
    svm_assert_ppr(s, 0, ENTRY(3), VA);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN | STATUS_PPR_INT |
                    STATUS_EVENT_LOG_INT);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0);
    go_on(s);
    svm_settle(s);
    g_assert_true(msi_arrived(s->b));
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0x1234);
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    unlink(path);
    svm_stop(s);
}

/* Tables that are not in RAM: the hardware error registers wait, too */
static void test_hardware_error(void)
{
    g_autofree char *path = new_file();
    Svm *s = start();
    unsigned int n = set_break(s, BREAK("'kind': 'fault'"));

    svm_set_dte(s, 0, 0xffffULL << 16);
    hold(s, path);
    fault_at(s, PASID, VA);
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_STATUS), ==, 0);
    g_assert_cmphex(config_read(s->b, IOMMU_ID, 4) & 0x8000000, ==, 0);
    cancel(s);
    assert_stop(s, n, "fault");
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_STATUS), ==, 1);
    go_on(s);
    svm_settle(s);
    g_assert_cmphex(config_read(s->b, IOMMU_ID, 4) & 0x8000000, !=, 0);
    unlink(path);
    svm_stop(s);
}

/* As many as are withheld, then the log overflows; each log for itself */
static void test_bound(void)
{
    g_autofree char *path = new_file();
    Svm *s = start();
    unsigned int n;

    /* Room for 511, so that it is not the log that is full */
    reg_write(s->b, REG_CONTROL,
              reg_read(s->b, REG_CONTROL) & ~CONTROL_EVENT_LOG_EN);
    reg_write(s->b, REG_EVENT_BASE, EVENTS | 9ULL << 56);
    reg_write(s->b, REG_CONTROL,
              reg_read(s->b, REG_CONTROL) | CONTROL_EVENT_LOG_EN);
    n = set_break(s, BREAK("'kind': 'fault', 'sticky': true"));
    hold(s, path);
    for (int i = 0; i < HELD + 20; i++) {
        fault_at(s, PASID, VA + i * 0x1000);
    }
    g_assert_cmpint(request(s, 3), ==, -ENOSPC);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN);
    cancel(s);
    for (int i = 0; i < 16; i++) {
        assert_stop(s, n, "fault");
    }
    g_assert_cmpuint(of_break(s, n, "stops"), ==, HELD + 20);
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, HELD * 16);
    assert_events(s->b, HELD - 1, 1, FAULT, VA + (HELD - 1) * 0x1000ULL);
    g_assert_cmphex(reg_read(s->b, REG_STATUS), ==, STATUS_CMD_BUF_RUN |
                    STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT |
                    STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    unlink(path);
    svm_stop(s);
}

/* A log that is nearly full overflows where it would have */
static void test_full(void)
{
    g_autofree char *path = new_file();
    Svm *s = start();
    uint64_t control = reg_read(s->b, REG_CONTROL);
    unsigned int n;

    reg_write(s->b, REG_CONTROL, control & ~CONTROL_PPR_LOG_EN);
    reg_write(s->b, REG_PPR_TAIL, 0xfe0);
    reg_write(s->b, REG_CONTROL, control);
    n = set_break(s, BREAK("'kind': 'page-request'"));
    hold(s, path);
    g_assert_cmpint(request(s, 3), ==, 0);
    g_assert_cmpint(request(s, 4), ==, -ENOSPC);
    /* Room that software makes comes too late for it */
    reg_write(s->b, REG_PPR_HEAD, 0xfe0);
    cancel(s);
    assert_stop(s, n, "page-request");
    svm_assert_ppr(s, 0xfe, ENTRY(3), VA);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0xff0);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    unlink(path);
    svm_stop(s);
}

/* Another VM gets what was withheld, and stops as soon as it runs */
static void test_migration(void)
{
    g_autofree char *path = new_file();
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    Svm *s = start(), *t;
    unsigned int n = set_break(s, BREAK("'kind': 'page-request'"));
    QDict *data;

    hold(s, path);
    g_assert_cmpint(request(s, 3), ==, 0);
    fault_at(s, PASID, VA);
    command(s->b, COMPLETE, TAG(3, 0));
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'migrate-continue',"
                             "  'arguments': { 'state': 'pre-switchover' } }");
    wait_migration(s->b->qts, "completed");

    t = svm_attach(bench_start("svm=on", TESTDEV "-incoming defer"));
    qtest_qmp_assert_success(t->b->qts, "{ 'execute': 'migrate-incoming',"
                             "  'arguments': { 'uri': %s } }", uri);
    data = wait_stop(t, n, "page-request");
    g_assert_cmphex(number(data, "address"), ==, VA);
    g_assert_cmpuint(number(data, "prg-index"), ==, 3);
    qobject_unref(data);
    svm_assert_ppr(t, 0, ENTRY(3), VA);
    assert_events(t->b, 0, 1, FAULT, VA);
    g_assert_cmpuint(count_breaks(t), ==, 0);
    g_assert_cmpint(testdev_get(t->t, TESTDEV_RESPONSES), ==, 0);
    go_on(t);
    svm_settle(t);
    testdev_assert_response(t->t, 1, 3, SUCCESS, PASID);
    g_assert_true(msi_arrived(t->b));
    unlink(path);
    svm_stop(s);
    svm_stop(t);
}

/* What was withheld is gone with the machine it was about */
static void test_reset(void)
{
    g_autofree char *path = new_file();
    Svm *s = start();

    set_break(s, BREAK("'kind': 'fault'"));
    hold(s, path);
    fault_at(s, PASID, VA);
    qtest_system_reset(s->b->qts);
    cancel(s);
    svm_settle(s);
    g_assert_false(is_paused(s));
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 0);
    unlink(path);
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/break/fault", test_fault);
    qtest_add_func("/amdvi/break/page-request", test_page_request);
    qtest_add_func("/amdvi/break/command", test_command);
    qtest_add_func("/amdvi/break/illegal-command", test_illegal_command);
    qtest_add_func("/amdvi/break/invalidation", test_invalidation);
    qtest_add_func("/amdvi/break/response", test_response);
    qtest_add_func("/amdvi/break/automatic-response",
                   test_automatic_response);
    qtest_add_func("/amdvi/break/conditions", test_conditions);
    qtest_add_func("/amdvi/break/list", test_list);
    qtest_add_func("/amdvi/break/monitor", test_monitor);
    qtest_add_func("/amdvi/break/refused", test_refused);
    qtest_add_func("/amdvi/break/withheld", test_withheld);
    qtest_add_func("/amdvi/break/hardware-error", test_hardware_error);
    qtest_add_func("/amdvi/break/bound", test_bound);
    qtest_add_func("/amdvi/break/full", test_full);
    qtest_add_func("/amdvi/break/migration", test_migration);
    qtest_add_func("/amdvi/break/reset", test_reset);
    return g_test_run();
}
