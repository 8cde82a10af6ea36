/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page requests: what is written to the PPR log, who gets which response, and
 * what happens when the log is full, nearly full or off.
 * spec/translation.md 7, 12; spec/registers.md 8.3, 12, 15;
 * spec/linux-guest.md 3.8.
 */
#include "qemu/osdep.h"
#include "svm.h"

#define PASID 5
#define NO_PASID TESTDEV_NO_PASID
#define R TESTDEV_FLAG_READ
#define W TESTDEV_FLAG_WRITE
#define X TESTDEV_FLAG_EXEC
#define PRIV TESTDEV_FLAG_PRIV
#define LAST TESTDEV_FLAG_LAST

#define VECTOR 0x55
#define PPR_LAST_SLOT 0xff0

/* The entry of a user's read of PASID 5, PRG 3, last */
#define ENTRY_READ 0x1144020300050030ULL
/* COMPLETE_PPR_REQUEST as Linux sends it: GN=0 and no PASID */
#define COMPLETE 0x7000000000000030ULL
#define TAG(prgi, code) ((uint64_t)(code) << 44 | (uint64_t)(prgi) << 32)
#define GN 4
#define WITH_PASID(pasid) ((uint64_t)(pasid) << 32)

#define INVALID_PPR 0x9000020300050030ULL
#define ILLEGAL_DTE 0x1080000000000030ULL

/* PRG response codes as the device sees them */
#define SUCCESS 0
#define INVALID 1
#define FAILURE 2

static Svm *start_with(const char *options)
{
    Svm *s = svm_start(options, "");

    svm_bind(s, PASID);
    return s;
}

static Svm *start(void)
{
    return start_with("svm=on");
}

/* The request most tests send */
static int request(Svm *s, uint16_t prgi)
{
    return testdev_request_page(s->t, R | LAST, PASID, VA, prgi);
}

static uint64_t responses(Svm *s)
{
    svm_settle(s);
    return testdev_get(s->t, TESTDEV_RESPONSES);
}

static void add_control(Svm *s, uint64_t bits)
{
    reg_write(s->b, REG_CONTROL, reg_read(s->b, REG_CONTROL) | bits);
}

/* structures.md 7 */
static void test_entries(void)
{
    static const struct {
        uint32_t flags, pasid;
        uint16_t prgi;
        uint64_t addr, word0, word1;
    } row[] = {
        { R | LAST, 5, 3, VA, ENTRY_READ, VA },
        { R | W | LAST, 5, 3, VA, 0x1164020300050030, VA },
        { W, 0x12345, 0x1ab, VA + 0x1000, 0x116005ab23450030, VA + 0x1000 },
        { R | X | LAST, 5, 3, VA, 0x1146020300050030, VA },
        { R | PRIV, 5, 4, VA + 0xabc, 0x1104000400050030, VA },
        { R | LAST, NO_PASID, 3, PAGE, 0x1044020300000030, PAGE },
    };
    Svm *s = start();

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        g_assert_cmpint(testdev_request_page(s->t, row[i].flags, row[i].pasid,
                                             row[i].addr, row[i].prgi),
                        ==, 0);
        svm_assert_ppr(s, i, row[i].word0, row[i].word1);
        g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 16 * (i + 1));
    }
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN | STATUS_PPR_INT);
    g_assert_cmpint(responses(s), ==, 0);
    assert_events(s->b, 0, 0);
    svm_stop(s);
}

/* Any code, with and without a PASID; the device hears it under its PASID */
static void test_responses(void)
{
    static const struct {
        uint64_t word0, word1;
        unsigned int code;
    } row[] = {
        { COMPLETE, TAG(3, 0), SUCCESS },
        { COMPLETE, TAG(3, 1), INVALID },
        { COMPLETE, TAG(3, 2), FAILURE },
        { COMPLETE | WITH_PASID(PASID), TAG(3, 0) | GN, SUCCESS },
        { COMPLETE | WITH_PASID(PASID), TAG(3, 0xf) | GN, FAILURE },
    };

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        Svm *s = start();

        g_assert_cmpint(request(s, 3), ==, 0);
        command(s->b, row[i].word0, row[i].word1);
        testdev_assert_response(s->t, 1, 3, row[i].code, PASID);
        svm_stop(s);
    }
}

/* Groups are told apart by their index, and closed by the first response */
static void test_matching(void)
{
    Svm *s = start();

    testdev_request_page(s->t, R | LAST, 6, VA, 9);
    g_assert_cmpint(request(s, 3), ==, 0);
    /* Other index, other device, other PASID, never asked: nobody hears */
    command(s->b, COMPLETE, TAG(4, 0));
    command(s->b, COMPLETE ^ 8, TAG(3, 0));
    command(s->b, COMPLETE | WITH_PASID(6), TAG(3, 0) | GN);
    command(s->b, COMPLETE | 0xff00, TAG(3, 0));
    g_assert_cmpint(responses(s), ==, 0);
    command(s->b, COMPLETE, TAG(9, 0));
    testdev_assert_response(s->t, 1, 9, SUCCESS, 6);
    command(s->b, COMPLETE, TAG(3, 1));
    testdev_assert_response(s->t, 2, 3, INVALID, PASID);
    command(s->b, COMPLETE, TAG(3, 0));
    g_assert_cmpint(responses(s), ==, 2);
    g_assert_cmphex(reg_read(s->b, REG_STATUS) & STATUS_CMD_BUF_RUN, !=, 0);
    svm_stop(s);
}

/* Software may answer before the last request of a group; it may go on */
static void test_early_answer(void)
{
    Svm *s = start();

    testdev_request_page(s->t, R, PASID, VA, 3);
    command(s->b, COMPLETE, TAG(3, 1));
    testdev_assert_response(s->t, 1, 3, INVALID, PASID);
    g_assert_cmpint(request(s, 3), ==, 0);
    command(s->b, COMPLETE, TAG(3, 1));
    testdev_assert_response(s->t, 2, 3, INVALID, PASID);
    svm_stop(s);
}

/* 7.2, steps 1 to 4: not accepted, or answered at once */
static void test_refused(void)
{
    static const struct {
        uint64_t flip0, event;
        unsigned int code;
    } row[] = {
        { DTE_PPR, 0, INVALID },
        { 1, INVALID_PPR, INVALID },            /* V=0 */
        { 2, INVALID_PPR, INVALID },            /* TV=0 */
        { DTE_GV, INVALID_PPR, INVALID },
        { 4, ILLEGAL_DTE, FAILURE },
    };
    Svm *s = start();
    unsigned int events = 0;

    for (int i = 0; i < ARRAY_SIZE(row); i++) {
        svm_set_dte(s, row[i].flip0, 0);
        g_assert_cmpint(request(s, 3), ==, 0);
        svm_settle(s);
        testdev_assert_response(s->t, i + 1, 3, row[i].code, PASID);
        assert_events(s->b, events, row[i].event != 0, row[i].event, VA);
        events += row[i].event != 0;
    }
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    svm_stop(s);
}

/* Switched off: the device is told, and no response will come */
static void test_off(void)
{
    static const uint64_t needed[] = {
        CONTROL_IOMMU_EN, CONTROL_PPR_EN, CONTROL_PPR_LOG_EN,
    };
    Svm *s = start();
    uint64_t control = reg_read(s->b, REG_CONTROL);

    for (int i = 0; i < ARRAY_SIZE(needed); i++) {
        reg_write(s->b, REG_CONTROL, control & ~needed[i]);
        g_assert_cmpint(request(s, 3), ==, -EPERM);
        g_assert_cmphex(svm_status(s), ==, 0);
    }
    reg_write(s->b, REG_CONTROL, control);
    g_assert_cmpint(request(s, 3), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 16);
    g_assert_cmpint(responses(s), ==, 0);
    svm_stop(s);

    s = start_with("svm=on,pri=off");
    g_assert_cmpint(request(s, 3), <, 0);
    svm_stop(s);
}

/* Logged unless BlkStopMrkEn; nobody answers them, whatever software says */
static void test_stop_marker(void)
{
    Svm *s = start();

    g_assert_cmpint(testdev_request_page(s->t, LAST, PASID, VA, 3), ==, 0);
    svm_assert_ppr(s, 0, 0x1140020300050030, VA);
    command(s->b, COMPLETE, TAG(3, 0));
    add_control(s, CONTROL_BLK_STOP_MRK_EN);
    g_assert_cmpint(testdev_request_page(s->t, LAST, PASID, VA, 3), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 16);
    /* Nor do we */
    add_control(s, CONTROL_PPR_AUTO_RSP_AON);
    g_assert_cmpint(testdev_request_page(s->t, LAST, PASID, VA, 3), ==, 0);
    g_assert_cmpint(responses(s), ==, 0);
    svm_stop(s);
}

/* The log with room for nothing more */
static Svm *start_full(void)
{
    Svm *s = start();
    uint64_t control = reg_read(s->b, REG_CONTROL);

    reg_write(s->b, REG_CONTROL, control & ~CONTROL_PPR_LOG_EN);
    reg_write(s->b, REG_PPR_TAIL, PPR_LAST_SLOT);
    reg_write(s->b, REG_CONTROL, control);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN);
    return s;
}

static void test_overflow(void)
{
    Svm *s = start_full();

    g_assert_cmpint(request(s, 3), ==, -ENOSPC);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, PPR_LAST_SLOT);
    /* Room, and the acknowledgement, do not make it go on */
    reg_write(s->b, REG_PPR_HEAD, PPR_LAST_SLOT);
    reg_write(s->b, REG_STATUS, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    g_assert_cmphex(svm_status(s), ==, 0);
    g_assert_cmpint(request(s, 3), ==, -ENOSPC);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, PPR_LAST_SLOT);
    svm_stop(s);
}

/* As Linux restarts it: linux-guest.md 3.8; the pointers stay */
static void test_restart(void)
{
    Svm *s = start_full();
    uint64_t control = reg_read(s->b, REG_CONTROL) | CONTROL_PPR_INT_EN;

    g_assert_cmpint(request(s, 3), ==, -ENOSPC);
    reg_write(s->b, REG_STATUS, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    reg_write(s->b, REG_PPR_HEAD, PPR_LAST_SLOT);
    reg_write(s->b, REG_CONTROL, control & ~CONTROL_PPR_LOG_EN);
    reg_write(s->b, REG_CONTROL,
              control & ~(CONTROL_PPR_LOG_EN | CONTROL_PPR_INT_EN));
    reg_write(s->b, REG_STATUS, STATUS_PPR_OVERFLOW);
    reg_write(s->b, REG_CONTROL, control & ~CONTROL_PPR_LOG_EN);
    reg_write(s->b, REG_CONTROL, control);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN);
    g_assert_cmphex(reg_read(s->b, REG_PPR_HEAD), ==, PPR_LAST_SLOT);
    g_assert_cmpint(request(s, 3), ==, 0);
    svm_assert_ppr(s, 0xff, ENTRY_READ, VA);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    command(s->b, COMPLETE, TAG(3, 0));
    testdev_assert_response(s->t, 1, 3, SUCCESS, PASID);
    svm_stop(s);
}

/* registers.md 12: answered by the IOMMU instead of being lost */
static void test_auto_response_full(void)
{
    Svm *s = start_full();

    add_control(s, CONTROL_PPR_AUTO_RSP_EN);
    reg_write(s->b, REG_PPR_AUTO_RESPONSE, 0xf);
    g_assert_cmpint(testdev_request_page(s->t, R, PASID, VA, 3), ==, 0);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
    g_assert_cmpint(responses(s), ==, 0);
    /* Only the last of a group is answered */
    g_assert_cmpint(request(s, 3), ==, 0);
    svm_settle(s);
    testdev_assert_response(s->t, 1, 3, FAILURE, PASID);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, PPR_LAST_SLOT);
    svm_stop(s);
}

static void test_auto_response_always(void)
{
    Svm *s = start();

    add_control(s, CONTROL_PPR_AUTO_RSP_AON);
    for (int i = 0; i < 2; i++) {
        reg_write(s->b, REG_PPR_AUTO_RESPONSE, i);
        g_assert_cmpint(testdev_request_page(s->t, R, PASID, VA, 7), ==, 0);
        g_assert_cmpint(responses(s), ==, i);
        g_assert_cmpint(request(s, 7), ==, 0);
        svm_settle(s);
        testdev_assert_response(s->t, i + 1, 7, i ? INVALID : SUCCESS, PASID);
    }
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN);
    svm_stop(s);
}

/* The threshold: a status bit, an interrupt of its own, automatic responses */
static void test_early_overflow(void)
{
    Svm *s = start();

    msi_set_up(s->b);
    reg_write(s->b, REG_PPR_EARLY, 1ULL << 31 | 1 << 30 | 3);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(request(s, i), ==, 0);
    }
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN | STATUS_PPR_INT);
    g_assert_false(msi_arrived(s->b));
    g_assert_cmpint(request(s, 2), ==, 0);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN | STATUS_PPR_INT |
                    STATUS_PPR_OVERFLOW_EARLY);
    g_assert_true(msi_arrived(s->b));
    reg_write(s->b, REG_STATUS, STATUS_PPR_OVERFLOW_EARLY);
    g_assert_cmphex(svm_status(s), ==, STATUS_PPR_LOG_RUN | STATUS_PPR_INT);
    add_control(s, CONTROL_PPR_AUTO_RSP_EN);
    g_assert_cmpint(request(s, 4), ==, 0);
    svm_settle(s);
    testdev_assert_response(s->t, 1, 4, SUCCESS, PASID);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 48);
    /* Room again */
    reg_write(s->b, REG_PPR_HEAD, 16);
    g_assert_cmpint(request(s, 5), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 64);
    svm_stop(s);
}

/* One for each entry, because Linux does not look at the tail again */
static void test_msi(void)
{
    Svm *s = start();

    msi_set_up(s->b);
    g_assert_cmpint(request(s, 1), ==, 0);
    g_assert_false(msi_arrived(s->b));
    add_control(s, CONTROL_PPR_INT_EN);
    g_assert_true(msi_arrived(s->b));
    g_assert_cmpint(request(s, 2), ==, 0);
    g_assert_true(msi_arrived(s->b));
    reg_write(s->b, REG_STATUS, STATUS_PPR_INT);
    g_assert_false(msi_arrived(s->b));
    g_assert_cmpint(request(s, 3), ==, 0);
    g_assert_true(msi_arrived(s->b));
    svm_stop(s);
}

/* With two messages enabled the second is for the PPR log only */
static void test_two_messages(void)
{
    Svm *s = start();
    uint8_t msi;

    msi_set_up(s->b);
    msi = config_find(s->b, IOMMU_ID, 0x05);
    g_assert_cmpint(config_find_next(s->b, IOMMU_ID, msi, 0x05), ==, 0);
    /* Multiple Message Capable and Enable: 2 */
    g_assert_cmphex(config_read(s->b, IOMMU_ID, msi) >> 16 & 0xe, ==, 2);
    config_write(s->b, IOMMU_ID, msi,
                 config_read(s->b, IOMMU_ID, msi) | 0x100000);
    add_control(s, CONTROL_PPR_INT_EN | CONTROL_EVENT_INT_EN);
    g_assert_cmpint(request(s, 1), ==, 0);
    g_assert_cmphex(qtest_readl(s->b->qts, MSI_ADDRESS), ==, MSI_DATA | 1);
    command(s->b, 0xe000000000000000, 0);
    g_assert_cmphex(qtest_readl(s->b->qts, MSI_ADDRESS), ==, MSI_DATA & ~1);
    svm_stop(s);
}

/* The XT register of the PPR log; masked by 0, but not forgotten */
static void test_xt(void)
{
    Svm *s = start_with("svm=on,xtsup=on");

    msi_set_up(s->b);
    add_control(s, CONTROL_PPR_INT_EN | CONTROL_INT_CAP_XT_EN);
    reg_write(s->b, REG_XT_GENERAL, (uint64_t)(VECTOR + 1) << 32);
    g_assert_cmpint(request(s, 1), ==, 0);
    g_assert_false(apic_has_vector(s->b, VECTOR));
    reg_write(s->b, REG_XT_PPR, (uint64_t)VECTOR << 32);
    g_assert_true(apic_has_vector(s->b, VECTOR));
    g_assert_false(apic_has_vector(s->b, VECTOR + 1));
    g_assert_false(msi_arrived(s->b));
    svm_stop(s);
}

/* A masked interrupt is forgotten when software has seen its cause */
static void test_xt_acknowledged(void)
{
    Svm *s = start_with("svm=on,xtsup=on");

    add_control(s, CONTROL_PPR_INT_EN | CONTROL_INT_CAP_XT_EN);
    g_assert_cmpint(request(s, 1), ==, 0);
    reg_write(s->b, REG_STATUS, STATUS_PPR_INT);
    reg_write(s->b, REG_XT_PPR, (uint64_t)VECTOR << 32);
    g_assert_false(apic_has_vector(s->b, VECTOR));
    svm_stop(s);
}

/* After a reset of the system nobody waits for old responses */
static void test_reset(void)
{
    Svm *s = start();

    g_assert_cmpint(request(s, 3), ==, 0);
    qtest_system_reset(s->b->qts);
    g_assert_cmphex(reg_read(s->b, REG_STATUS), ==, 0);
    g_assert_cmphex(reg_read(s->b, REG_PPR_TAIL), ==, 0);
    svm_stop(s);
}

/* spec/translation.md 12: fault, request, response, retry */
static void test_whole_story(void)
{
    Svm *s = start();
    uint32_t data = 0;
    uint64_t leaf = svm_leaf(s, PASID, VA);

    qtest_writel(s->b->qts, PAGE, 0x600df00d);
    g_assert_cmpint(testdev_read(s->t, TESTDEV_FLAG_REQUEST, PASID, VA, &data,
                                 4), ==, TESTDEV_RUNNING);
    svm_assert_ppr(s, 0, 0x1144020000050030, VA);
    svm_map(s, PASID, VA, PAGE | G_USER);
    /* No flush: nothing absent is ever cached */
    command(s->b, COMPLETE, TAG(0, 0));
    svm_settle(s);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_RESULT), ==, TESTDEV_OK);
    g_assert_cmpint(testdev_get(s->t, TESTDEV_STATUS), ==, 0);
    g_assert_cmphex(qtest_readl(s->b->qts, TESTDEV_BAR + TESTDEV_DATA), ==,
                    0x600df00d);
    g_assert_cmphex(qtest_readq(s->b->qts, leaf), ==, PAGE | G_USER | G_A);
    assert_events(s->b, 0, 0);
    svm_stop(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/ppr/entries", test_entries);
    qtest_add_func("/amdvi/ppr/responses", test_responses);
    qtest_add_func("/amdvi/ppr/matching", test_matching);
    qtest_add_func("/amdvi/ppr/early-answer", test_early_answer);
    qtest_add_func("/amdvi/ppr/refused", test_refused);
    qtest_add_func("/amdvi/ppr/off", test_off);
    qtest_add_func("/amdvi/ppr/stop-marker", test_stop_marker);
    qtest_add_func("/amdvi/ppr/overflow", test_overflow);
    qtest_add_func("/amdvi/ppr/restart", test_restart);
    qtest_add_func("/amdvi/ppr/auto-response-full", test_auto_response_full);
    qtest_add_func("/amdvi/ppr/auto-response-always",
                   test_auto_response_always);
    qtest_add_func("/amdvi/ppr/early-overflow", test_early_overflow);
    qtest_add_func("/amdvi/ppr/msi", test_msi);
    qtest_add_func("/amdvi/ppr/two-messages", test_two_messages);
    qtest_add_func("/amdvi/ppr/xt", test_xt);
    qtest_add_func("/amdvi/ppr/xt-acknowledged", test_xt_acknowledged);
    qtest_add_func("/amdvi/ppr/reset", test_reset);
    qtest_add_func("/amdvi/ppr/whole-story", test_whole_story);
    return g_test_run();
}
