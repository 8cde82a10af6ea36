/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * amd-iommu-inject: what each fault does to rings, registers and devices, that
 * software can go on afterwards, and what is refused.
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "ask.h"
#include "migrate.h"
#include "svm.h"

#define PASID 5
#define NO_PASID TESTDEV_NO_PASID
#define R TESTDEV_FLAG_READ
#define LAST TESTDEV_FLAG_LAST
#define MS 1000000

#define INV_TIMEOUT_1S (4ULL << 5)
/* INVALIDATE_IOTLB_PAGES of one page of PASID 5, MaxPend 32 */
#define INVALIDATE 0x4005000020000030ULL
#define GN 4
/* COMPLETE_PPR_REQUEST as Linux sends it: GN=0 and no PASID */
#define COMPLETE 0x7000000000000030ULL
#define TAG(prgi, code) ((uint64_t)(code) << 44 | (uint64_t)(prgi) << 32)
#define COMPLETION_WAIT_STORE (0x1000000000000001ULL | RESULT)
#define SUCCESS 0

#define INJECT(arguments) \
    "{ 'execute': 'amd-iommu-inject', 'arguments': { " arguments " } }"
#define DROP INJECT("'kind': 'drop-response'")
#define COMMAND_ERROR INJECT("'kind': 'command-error'")
#define TIMEOUT INJECT("'kind': 'invalidation-timeout'")

static Svm *start_with(const char *options, const char *more)
{
    Svm *s = svm_start(options, more);

    svm_bind(s, PASID);
    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) |
              INV_TIMEOUT_1S);
    return s;
}

static Svm *start(void)
{
    return start_with("svm=on", "");
}

/* Inject a fault; how many are armed then */
static unsigned int inject(Svm *s, const char *command)
{
    QDict *reply = ask(s->b, command);
    unsigned int armed = number(reply, "armed");

    qobject_unref(reply);
    return armed;
}

static void assert_armed(Svm *s, unsigned int count)
{
    QList *list = ask_list(s->b, "{ 'execute': 'query-amd-iommu-armed' }");

    g_assert_cmpuint(qlist_size(list), ==, count);
    qobject_unref(list);
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

static void set_control(Svm *s, uint64_t clear, uint64_t set)
{
    reg_write(s->b, REG_CONTROL,
              (reg_read(s->b, REG_CONTROL) & ~clear) | set);
}

/* The log stops with its interrupt, and runs again as after a real one */
static void check_overflow(const char *command, uint64_t enable,
                           uint64_t run, uint64_t status)
{
    Svm *s = start();

    msi_set_up(s->b);
    set_control(s, 0, CONTROL_EVENT_INT_EN | CONTROL_PPR_INT_EN);
    g_assert_cmpuint(inject(s, command), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & (status | run), ==, status);
    g_assert_true(msi_arrived(s->b));
    g_assert_cmphex(reg_read(s->b, REG_EVENT_TAIL), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    reg_write(s->b, REG_STATUS, status);
    set_control(s, enable, 0);
    set_control(s, 0, enable);
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & (status | run), ==, run);
    svm_stop(s);
}

static void test_event_overflow(void)
{
    check_overflow(INJECT("'kind': 'log-overflow', 'log': 'event'"),
                   CONTROL_EVENT_LOG_EN, STATUS_EVENT_LOG_RUN,
                   STATUS_EVENT_OVERFLOW | STATUS_EVENT_LOG_INT);
}

static void test_ppr_overflow(void)
{
    check_overflow(INJECT("'kind': 'log-overflow', 'log': 'ppr'"),
                   CONTROL_PPR_LOG_EN, STATUS_PPR_LOG_RUN,
                   STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
}

static void test_event(void)
{
    Svm *s = start();

    msi_set_up(s->b);
    set_control(s, 0, CONTROL_EVENT_INT_EN);
    /* IO_PAGE_FAULT, and something that no IOMMU logs */
    inject(s, INJECT("'kind': 'event', 'words': [ 2305843009213693992,"
                     "                            4096 ]"));
    g_assert_true(msi_arrived(s->b));
    inject(s, INJECT("'kind': 'event', 'words': [ 18446744073709551615,"
                     "                            1 ]"));
    assert_events(s->b, 0, 2, 0x2000000000000028ULL, 0x1000ULL,
                  0xffffffffffffffffULL, 1ULL);
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_STATUS), ==, 0);
    /* PAGE_TAB_HARDWARE_ERROR */
    inject(s, INJECT("'kind': 'event', 'words': [ 4611686018427387944,"
                     "                            8192 ]"));
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_STATUS), ==, 1);
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_UPPER), ==,
                    0x4000000000000028);
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_LOWER), ==, 0x2000);
    svm_stop(s);
}

/* Into a full log: as any other event */
static void test_event_full(void)
{
    Svm *s = start();

    set_control(s, CONTROL_EVENT_LOG_EN, 0);
    reg_write(s->b, REG_EVENT_TAIL, 0xff0);
    set_control(s, 0, CONTROL_EVENT_LOG_EN);
    assert_refused(s->b, INJECT("'kind': 'event', 'words': [ 1, 2 ]"),
                   "the event log was full: it has overflowed");
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & STATUS_EVENT_OVERFLOW, !=, 0);
    svm_stop(s);
}

/* Number of flight records of a kind */
static unsigned int recorded(Svm *s, const char *kind)
{
    QDict *trace = ask(s->b, "{ 'execute': 'query-amd-iommu-trace' }");
    unsigned int count = 0;

    for (unsigned int i = 0; i < rows(trace, "records"); i++) {
        count += g_str_equal(qdict_get_str(row(trace, "records", i), "kind"),
                             kind);
    }
    qobject_unref(trace);
    return count;
}

/* In the log; its response is recorded, and not given to the device */
static void test_page_request(void)
{
    Svm *s = start();
    QDict *reply;

    msi_set_up(s->b);
    set_control(s, 0, CONTROL_PPR_INT_EN);
    reply = ask(s->b, INJECT("'kind': 'page-request', 'device-id': 48,"
                             "'pasid': 5, 'address': 16384,"
                             "'write': true"));
    g_assert_cmpuint(number(reply, "prg-index"), ==, 511);
    qobject_unref(reply);
    g_assert_true(msi_arrived(s->b));
    svm_assert_ppr(s, 0, 0x116403ff00050030, 0x4000);
    command(s->b, COMPLETE, TAG(511, 0));
    g_assert_cmpint(responses(s), ==, 0);
    g_assert_cmpuint(recorded(s, "page-response"), ==, 1);
    /* All attributes; then the device uses the group itself */
    inject(s, INJECT("'kind': 'page-request', 'device-id': 48,"
                     "'pasid': 5, 'address': 8192, 'prg-index': 3,"
                     "'last': false, 'read': false, 'exec': true,"
                     "'privileged': true"));
    svm_assert_ppr(s, 1, 0x1102000300050030, 0x2000);
    assert_refused(s->b, INJECT("'kind': 'page-request', 'device-id': 48,"
                                "'address': 0, 'prg-index': 3"),
                   "the device has an open group with this PRG index");
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    /* Without a PASID */
    inject(s, INJECT("'kind': 'page-request', 'device-id': 48,"
                     "'address': 4096"));
    svm_assert_ppr(s, 3, 0x104403ff00000030, 0x1000);
    svm_stop(s);
}

static void test_page_request_overflow(void)
{
    Svm *s = start();

    set_control(s, CONTROL_PPR_LOG_EN, 0);
    reg_write(s->b, REG_PPR_TAIL, 0xff0);
    set_control(s, 0, CONTROL_PPR_LOG_EN);
    assert_refused(s->b, INJECT("'kind': 'page-request', 'device-id': 48,"
                                "'pasid': 5, 'address': 16384"),
                   "the PPR log was full: it has overflowed");
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    svm_stop(s);
}

/* Let the device use the page: it caches the translation then */
static void use_page(Svm *s)
{
    TestdevTlbEntry entry;

    svm_map(s, PASID, VA, PAGE | G_USER);
    testdev_read(s->t, 0, PASID, VA, &(uint64_t) { 0 }, 8);
    g_assert_true(testdev_find_tlb(s->t, PASID, VA, &entry));
}

/* The event names the command, which is done all the same */
static void test_timeout(void)
{
    Svm *s = start();
    uint32_t offset;

    use_page(s);
    g_assert_cmpuint(inject(s, TIMEOUT), ==, 1);
    /* Other commands do not end it */
    svm_flush(s, PASID);
    assert_events(s->b, 0, 0);
    offset = s->b->command_tail;
    command(s->b, INVALIDATE, VA | GN);
    assert_events(s->b, 0, 1, 0x7000000000000030ULL, COMMANDS + offset);
    testdev_assert_invalidation(s->t, 0, PASID, VA, VA + 0xfff);
    assert_armed(s, 0);
    command(s->b, INVALIDATE, VA | GN);
    assert_events(s->b, 1, 0);
    testdev_assert_invalidation(s->t, 1, PASID, VA, VA + 0xfff);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, s->b->command_tail);
    svm_stop(s);
}

/* The device has not heard of it, and goes on with what it knows */
static void test_timeout_undelivered(void)
{
    Svm *s = start();
    TestdevTlbEntry entry;

    use_page(s);
    inject(s, INJECT("'kind': 'invalidation-timeout', 'device-id': 48,"
                     "'pasid': 5, 'delivered': false"));
    /* That of another PASID is not meant */
    command(s->b, INVALIDATE ^ 3ULL << 48, VA | GN);
    assert_armed(s, 1);
    command(s->b, INVALIDATE, VA | GN);
    assert_armed(s, 0);
    g_assert_true(testdev_find_tlb(s->t, PASID, VA, &entry));
    command(s->b, INVALIDATE, VA | GN);
    g_assert_false(testdev_find_tlb(s->t, PASID, VA, &entry));
    svm_stop(s);
}

/* The command is done, the device waits for ever; the next one gets through */
static void test_drop(void)
{
    Svm *s = start();

    g_assert_cmpuint(inject(s, DROP), ==, 1);
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    g_assert_cmpint(responses(s), ==, 0);
    assert_armed(s, 0);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, s->b->command_tail);
    command(s->b, COMPLETE, TAG(3, 0));
    g_assert_cmpint(responses(s), ==, 0);
    g_assert_cmpint(request(s, 4), ==, 0);
    command(s->b, COMPLETE, TAG(4, 0));
    testdev_assert_response(s->t, 1, 4, SUCCESS, PASID);
    svm_stop(s);
}

/* Only for whom it is meant; automatic responses get lost, too */
static void test_drop_one(void)
{
    Svm *s = start();

    inject(s, INJECT("'kind': 'drop-response', 'device-id': 48,"
                     "'pasid': 6"));
    inject(s, INJECT("'kind': 'drop-response', 'device-id': 8"));
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    assert_armed(s, 2);
    set_control(s, 0, CONTROL_PPR_AUTO_RSP_AON);
    g_assert_cmpint(testdev_request_page(s->t, R | LAST, 6, VA, 4), ==, 0);
    g_assert_cmpint(responses(s), ==, 1);
    assert_armed(s, 1);
    qtest_qmp_assert_success(s->b->qts,
                             "{ 'execute': 'amd-iommu-disarm' }");
    assert_armed(s, 0);
    svm_stop(s);
}

#define DELAY_10MS \
    INJECT("'kind': 'delay-response', 'nanoseconds': 10000000")

static unsigned int open_groups(Svm *s)
{
    QDict *reply = ask(s->b, "{ 'execute': 'query-amd-iommu-page-requests' }");
    unsigned int count = rows(reply, "groups");

    qobject_unref(reply);
    return count;
}

static void test_delay(void)
{
    Svm *s = start();

    inject(s, DELAY_10MS);
    g_assert_cmpint(request(s, 3), ==, 0);
    g_assert_cmpint(request(s, 4), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    command(s->b, COMPLETE, TAG(4, 0));
    testdev_assert_response(s->t, 1, 4, SUCCESS, PASID);
    g_assert_cmpuint(open_groups(s), ==, 1);
    /* It is answered: software cannot do so again */
    command(s->b, COMPLETE, TAG(3, 1));
    qtest_clock_step(s->b->qts, 9 * MS);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_RESPONSES), ==, 1);
    qtest_clock_step(s->b->qts, 1 * MS);
    testdev_assert_response(s->t, 2, 3, SUCCESS, PASID);
    g_assert_cmpuint(open_groups(s), ==, 0);
    svm_stop(s);
}

/* The buffer stops with its head at the command, and can be restarted */
static void test_command_error(void)
{
    Svm *s = start();
    uint32_t offset = s->b->command_tail;

    inject(s, COMMAND_ERROR);
    command(s->b, COMPLETION_WAIT_STORE, 0x1234);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0);
    assert_events(s->b, 0, 1, 0x6200000000000000ULL,
                  COMMANDS + offset);
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & STATUS_CMD_BUF_RUN, ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_CMD_HEAD), ==, offset);
    g_assert_cmphex(reg_read(s->b, REG_HW_EVENT_STATUS), ==, 1);
    assert_refused(s->b, COMMAND_ERROR, "the command buffer does not run");
    set_control(s, CONTROL_CMD_BUF_EN, 0);
    set_control(s, 0, CONTROL_CMD_BUF_EN);
    g_assert_cmphex(qtest_readq(s->b->qts, RESULT), ==, 0x1234);
    assert_armed(s, 0);
    svm_stop(s);
}

static void test_refused(void)
{
    static const struct {
        const char *command, *why;
    } row[] = {
        { INJECT("'kind': 'log-overflow', 'log': 'command'"),
          "the command buffer cannot overflow" },
        { INJECT("'kind': 'event', 'words': [ 1 ]"), "an event has 2 words" },
        { INJECT("'kind': 'event', 'words': [ 1, 2, 3 ]"),
          "an event has 2 words" },
        { INJECT("'kind': 'drop-response', 'device-id': 4660"),
          "there is no device 12:06.4 behind the IOMMU" },
        { INJECT("'kind': 'drop-response', 'pasid': 1048576"),
          "pasid must be at most 1048575" },
        { INJECT("'kind': 'delay-response', 'nanoseconds': -1"),
          "nanoseconds must be between 0 and 60000000000" },
        { INJECT("'kind': 'delay-response', 'nanoseconds': 60000000001"),
          "nanoseconds must be between 0 and 60000000000" },
        { INJECT("'kind': 'page-request', 'device-id': 4660, 'address': 0"),
          "there is no device 12:06.4 behind the IOMMU" },
        { INJECT("'kind': 'page-request', 'device-id': 48, 'address': 0,"
                 "'prg-index': 512"), "prg-index must be at most 511" },
        { INJECT("'kind': 'page-request', 'device-id': 48, 'address': 0,"
                 "'pasid': 1048576"), "pasid must be at most 1048575" },
        { INJECT("'kind': 'page-request', 'device-id': 48, 'address': 0,"
                 "'exec': true"), "privileged and exec need a pasid" },
        { INJECT("'kind': 'drop-response', 'id': 'other'"),
          "there is no such AMD IOMMU" },
    };
    Svm *s = start();

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        assert_refused(s->b, row[i].command, row[i].why);
    }
    assert_armed(s, 0);
    for (int i = 1; i <= 16; i++) {
        g_assert_cmpuint(inject(s, DROP), ==, i);
    }
    assert_refused(s->b, DROP, "16 faults are armed already");
    svm_stop(s);
}

/* What the registers and the DTE do not allow */
static void test_refused_state(void)
{
    const char *request = INJECT("'kind': 'page-request', 'device-id': 48,"
                                 "'pasid': 5, 'address': 16384");
    Svm *s = start();

    set_control(s, CONTROL_EVENT_LOG_EN | CONTROL_PPR_LOG_EN |
                7ULL << 5, 0);
    assert_refused(s->b, INJECT("'kind': 'log-overflow', 'log': 'event'"),
                   "the event log does not run");
    assert_refused(s->b, INJECT("'kind': 'event', 'words': [ 1, 2 ]"),
                   "the event log does not run");
    assert_refused(s->b, INJECT("'kind': 'log-overflow', 'log': 'ppr'"),
                   "the PPR log does not run");
    assert_refused(s->b, request, "the PPR log does not run");
    assert_refused(s->b, TIMEOUT,
                   "InvTimeOut is 0: invalidations do not time out");
    set_control(s, 0, CONTROL_PPR_LOG_EN);
    svm_set_dte(s, DTE_PPR, 0);
    assert_refused(s->b, request, "the request would not be logged: the DTE "
                   "does not accept page requests (DTE.PPR=0)");
    svm_set_dte(s, 1, 0);
    assert_refused(s->b, request, "the request would not be logged: the "
                   "DTE has no guest table for the PASID");
    svm_set_dte(s, 0, 0);
    set_control(s, CONTROL_GT_EN, 0);
    assert_refused(s->b, request, "the request would not be logged: the "
                   "DTE has no guest table for the PASID");
    svm_stop(s);
}

static void test_refused_options(void)
{
    Svm *s = start_with("svm=on,pri=off", "");
    Bench *b;

    assert_refused(s->b, DROP, "the IOMMU has pri=off");
    assert_refused(s->b, INJECT("'kind': 'page-request', 'device-id': 48,"
                                "'address': 0"), "the IOMMU has pri=off");
    svm_stop(s);
    b = bench_start("svm=on,ats=off", "");
    assert_refused(b, TIMEOUT, "the IOMMU has ats=off");
    bench_stop(b);
    b = bench_start("svm=off", "");
    assert_refused(b, DROP, "this needs an amd-iommu with svm=on");
    assert_refused(b, "{ 'execute': 'query-amd-iommu-armed' }",
                   "this needs an amd-iommu with svm=on");
    bench_stop(b);
}

static void test_monitor(void)
{
    Svm *s = start();
    g_autofree char *text = NULL;

    inject(s, DELAY_10MS);
    inject(s, INJECT("'kind': 'invalidation-timeout', 'device-id': 48,"
                     "'pasid': 5, 'delivered': false"));
    text = qtest_hmp(s->b->qts, "info amd-iommu armed");
    g_assert_nonnull(strstr(text, "delay-response by 10000000 ns"));
    g_assert_nonnull(strstr(text, "invalidation-timeout 00:06.0 PASID 5 not "
                            "delivered"));
    svm_stop(s);
}

static void test_reset(void)
{
    Svm *s = start();

    inject(s, DROP);
    inject(s, COMMAND_ERROR);
    qtest_system_reset(s->b->qts);
    assert_armed(s, 0);
    svm_stop(s);
}

/* A paused VM can be prepared; one on its way to somewhere else cannot */
static void test_migration(void)
{
    g_autofree char *path = NULL;
    Svm *s = start(), *t;

    inject(s, DELAY_10MS);
    inject(s, INJECT("'kind': 'drop-response', 'device-id': 48,"
                     "'pasid': 5"));
    inject(s, INJECT("'kind': 'page-request', 'device-id': 48,"
                     "'pasid': 5, 'address': 16384"));
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    qtest_qmp_assert_success(s->b->qts, "{ 'execute': 'stop' }");
    g_assert_cmpuint(inject(s, TIMEOUT), ==, 2);
    path = migrate_save(s->b->qts);
    assert_refused(s->b, DROP, "the VM is being migrated or saved, or was");
    t = svm_attach(bench_start("svm=on", "-device svm-testdev,addr=06.0 "
                               "-incoming defer"));
    migrate_load(t->b->qts, path);
    unlink(path);
    t->b->command_tail = s->b->command_tail;
    svm_stop(s);
    qtest_qmp_assert_success(t->b->qts, "{ 'execute': 'cont' }");
    assert_armed(t, 2);
    g_assert_cmpuint(open_groups(t), ==, 2);
    /* The injected group and the drop, then the delayed response */
    command(t->b, COMPLETE, TAG(511, 0));
    assert_armed(t, 1);
    qtest_clock_step(t->b->qts, 10 * MS);
    testdev_assert_response(t->t, 1, 3, SUCCESS, PASID);
    g_assert_cmpuint(open_groups(t), ==, 0);
    svm_stop(t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/inject/event-overflow", test_event_overflow);
    qtest_add_func("/amdvi/inject/ppr-overflow", test_ppr_overflow);
    qtest_add_func("/amdvi/inject/event", test_event);
    qtest_add_func("/amdvi/inject/event-full", test_event_full);
    qtest_add_func("/amdvi/inject/page-request", test_page_request);
    qtest_add_func("/amdvi/inject/page-request-overflow",
                   test_page_request_overflow);
    qtest_add_func("/amdvi/inject/timeout", test_timeout);
    qtest_add_func("/amdvi/inject/timeout-undelivered",
                   test_timeout_undelivered);
    qtest_add_func("/amdvi/inject/drop", test_drop);
    qtest_add_func("/amdvi/inject/drop-one", test_drop_one);
    qtest_add_func("/amdvi/inject/delay", test_delay);
    qtest_add_func("/amdvi/inject/command-error", test_command_error);
    qtest_add_func("/amdvi/inject/refused", test_refused);
    qtest_add_func("/amdvi/inject/refused-state", test_refused_state);
    qtest_add_func("/amdvi/inject/refused-options", test_refused_options);
    qtest_add_func("/amdvi/inject/monitor", test_monitor);
    qtest_add_func("/amdvi/inject/reset", test_reset);
    qtest_add_func("/amdvi/inject/migration", test_migration);
    return g_test_run();
}
