/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random tables and requests, judged by the device and by the naive model
 * (naive.c, naive-device.c), which was written from spec/ alone.
 *
 * Each scene (scene.c) meets several requests, so that most are served from
 * tables and caches that earlier ones have used.  AMDVI_SEED repeats a run,
 * AMDVI_CASES lengthens or shortens it.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "naive-device.h"
#include "scene.h"
#include "testdev.h"

#define CASES 16000
#define CASES_SMALL 2000
#define REQUESTS 4              /* of a scene */
/* 00:1d.0, behind the end of a device table of one page */
#define TESTDEV_ID_BDF (0x1d << 3)
#define TESTDEV_BAR 0xe1000000ULL
#define PPR_LOG 0x2200000ULL
#define RING_BYTES 0x1000
/* How the device reports it */
#define FAILURE 2u
/* In ns of guest time: requests further apart have nothing in common */
#define APART (2 * 1000 * 1000)

/* Only RAM can be read and written without consequences */
#define HOLE MEMORY_SIZE
#define HOLE_END (1ULL << 32)
#define LOW_HOLE 0xa0000ULL
#define LOW_HOLE_END 0x100000ULL

/* Flags of events: bits 48 to 56 */
#define FIRST_FLAG 48
static const char *const flag_names[] = {
    "GN", "NX", "US", "I", "PR", "RW", "PE", "RZ", "TR",
};
#define FLAG_RW (1ULL << 53)
/* Not described for page requests: all but code, RZ, Type and DeviceID */
#define PAGE_IGNORED 0x017fffff000f0000ULL

static unsigned long reached[NAIVE_ROWS], device_reached[NAIVE_DEVICE_ROWS];
static unsigned long flags[ARRAY_SIZE(flag_names)];
static Scene scene;
static Testdev *testdev;
static struct naive model;
static unsigned int number;     /* of the case */
static uint64_t case_seed;
static uint32_t event_tail;
static uint64_t responses;
static bool fault_reported;     /* in this scene */

static bool is_data(uint64_t spa)
{
    return spa >= SCENE_DATA && spa - SCENE_DATA < SCENE_DATA_SIZE;
}

static bool is_ram(uint64_t spa)
{
    return spa < LOW_HOLE || (spa >= LOW_HOLE_END && spa < HOLE);
}

static bool fetch(void *opaque, uint64_t spa, uint64_t *value)
{
    if (!is_ram(spa)) {
        return false;
    }
    *value = scene_has(&scene, spa) ? scene_get(&scene, spa)
                                    : qtest_readq(scene.b->qts, spa);
    return true;
}

static void describe(void)
{
    const struct naive *n = &model;

    printf("# case %u, AMDVI_SEED=0x%" PRIx64 " AMDVI_CASES=1\n", number,
           case_seed);
    printf("# DTE %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " control %"
           PRIx64 "\n", scene.dte[0], scene.dte[1], scene.dte[2],
           scene.control);
    printf("# kind %d pasid %x addr %" PRIx64 " %s%s%s%s\n", n->kind, n->pasid,
           n->addr, n->read ? "r" : "", n->write ? "w" : "",
           n->exec ? "x" : "", n->priv ? "p" : "");
    printf("# model: outcome %d out %" PRIx64 " shift %u %s%s%s event %d %016"
           PRIx64 " %016" PRIx64 "\n", n->outcome, n->out, n->shift,
           n->r ? "r" : "", n->w ? "w" : "", n->x ? "x" : "", n->event,
           n->event0, n->event1);
}

static void G_GNUC_PRINTF(1, 2) disagree(const char *format, ...)
{
    va_list ap;

    describe();
    printf("# device: ");
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    g_error("device and model disagree");
}

static void count_flags(void)
{
    for (int i = 0; model.event && i < ARRAY_SIZE(flags); i++) {
        flags[i] += model.event0 >> (FIRST_FLAG + i) & 1;
    }
}

/*
 * DTE.SE lets one page fault of DMA through until the DTE is invalidated, and
 * the model judges each request by itself: spec/translation.md 3.4.
 */
static void suppress_event(void)
{
    if (model.event && model.first_only) {
        model.event = !fault_reported;
        fault_reported = true;
    }
}

/* The events since the last case: that of the model, and no other */
static void check_events(uint64_t ignored)
{
    uint32_t tail = reg_read(scene.b, REG_EVENT_TAIL);
    unsigned int seen = 0;
    uint64_t word[2];

    suppress_event();
    for (; event_tail != tail; event_tail = (event_tail + 16) % RING_BYTES) {
        event_read(scene.b, event_tail / 16, word);
        seen++;
        if (!model.event || seen > 1 ||
            ((word[0] ^ model.event0) & ~ignored) || word[1] != model.event1) {
            disagree("event %016" PRIx64 " %016" PRIx64, word[0], word[1]);
        }
    }
    if (model.event && !seen) {
        disagree("no event");
    }
    count_flags();
    reg_write(scene.b, REG_EVENT_HEAD, tail);
}

/* The value that the model says an entry has now */
static uint64_t expected_word(uint64_t spa)
{
    for (unsigned int i = model.writes; i > 0; i--) {
        if (model.written[i - 1].spa == spa) {
            return model.written[i - 1].value;
        }
    }
    return scene_get(&scene, spa);
}

/* An abort may come before or after the A bits of the way to it */
static void check_memory(void)
{
    for (unsigned int i = 0; i < scene.words; i++) {
        uint64_t spa = scene.word[i];
        uint64_t found = qtest_readq(scene.b->qts, spa);

        if (model.outcome == NAIVE_PASSED && found != expected_word(spa)) {
            disagree("entry %" PRIx64 " is %016" PRIx64 ", not %016" PRIx64,
                     spa, found, expected_word(spa));
        }
    }
    scene_refresh(&scene);
}

static void choose_access(Scene *s)
{
    model.read = scene_one_in(s, 2);
    model.write = !model.read;
    if (model.kind == NAIVE_ATS) {
        model.read = true;
    }
    if (model.pasid != NAIVE_NO_PASID) {
        model.exec = model.read && scene_one_in(s, 4);
        model.priv = scene_one_in(s, 4);
    }
}

static void choose_address(Scene *s)
{
    model.pasid = s->pasid;
    model.addr = (s->addr & ~0xfffULL) | scene_random(s, 0x200) * 8;
    if (scene_one_in(s, 12)) {
        model.pasid = scene_one_in(s, 2) ? NAIVE_NO_PASID
                                         : scene_random(s, 1 << 20);
    }
    if (scene_one_in(s, 10)) {
        model.addr ^= 1ULL << (12 + scene_random(s, 52));
    } else if (scene_one_in(s, 20)) {
        model.addr ^= 1ULL << (57 + scene_random(s, 7));
    } else if (scene_one_in(s, 6)) {
        model.addr = 0xfee00000 + scene_random(s, 0x20000) * 8;
        model.pasid = scene_one_in(s, 4) ? model.pasid : NAIVE_NO_PASID;
    }
}

/* Mostly what the tables map; now and then another PASID or address */
static void choose_request(Scene *s)
{
    choose_address(s);
    model.kind = scene_one_in(s, 12) ? NAIVE_TRANSLATED
               : scene_one_in(s, 3) ? NAIVE_ATS : NAIVE_DMA;
    if (model.kind == NAIVE_TRANSLATED) {
        model.pasid = NAIVE_NO_PASID;
        model.addr = scene_one_in(s, 4) ? model.addr : s->out | 8;
    } else if (model.kind == NAIVE_ATS) {
        model.addr &= ~0xfffULL;
    }
    choose_access(s);
}

static void start_model(Scene *s)
{
    model = (struct naive) {
        .control = s->control, .efr = s->settings.efr, .devtab = s->devtab,
        .excl_base = s->excl_base, .excl_limit = s->excl_limit,
        .pa_bits = s->settings.pa_bits, .device = s->device,
        .fetch = fetch, .reached = reached,
    };
}

static bool passes(void)
{
    return model.outcome == NAIVE_PASSED || model.outcome == NAIVE_FORWARDED;
}

/* Whether the device may really do it: it could change other memory */
static bool is_harmless(void)
{
    bool elsewhere = model.out >= HOLE_END;

    if (model.kind == NAIVE_ATS || !passes()) {
        return true;
    }
    return model.read ? is_ram(model.out) || elsewhere
                      : is_data(model.out) || elsewhere;
}

static uint32_t attributes(void)
{
    return (model.exec ? TESTDEV_FLAG_EXEC : 0) |
           (model.priv ? TESTDEV_FLAG_PRIV : 0);
}

static uint32_t path(void)
{
    return model.kind == NAIVE_TRANSLATED ? TESTDEV_PATH_TRANSLATED
                                          : TESTDEV_PATH_UNTRANSLATED;
}

static void check_result(uint32_t result)
{
    bool good = passes() && is_ram(model.out);

    if ((result == TESTDEV_OK) != good) {
        disagree("result %u", result);
    }
}

static void run_read(QTestState *qts)
{
    uint64_t data = 0, pattern = case_seed ^ number;
    uint32_t result;

    if (passes() && is_data(model.out)) {
        qtest_writeq(qts, model.out, pattern);
    }
    result = testdev_read(testdev, attributes() | path(), model.pasid,
                          model.addr, &data, sizeof(data));
    check_result(result);
    if (result == TESTDEV_OK && data != qtest_readq(qts, model.out)) {
        disagree("read %016" PRIx64 ", not %016" PRIx64, data,
                 qtest_readq(qts, model.out));
    }
}

static void run_write(QTestState *qts)
{
    uint64_t pattern = case_seed ^ number;
    uint32_t result;

    result = testdev_write(testdev, attributes() | path(), model.pasid,
                           model.addr, &pattern, sizeof(pattern));
    check_result(result);
    if (result == TESTDEV_OK && qtest_readq(qts, model.out) != pattern) {
        disagree("found %016" PRIx64, qtest_readq(qts, model.out));
    }
}

/* A write of four bytes to the window; the data choose the table entry */
static void run_message(Scene *s)
{
    uint32_t data = scene_random(s, 4);

    naive_interrupt(&model, data, device_reached);
    testdev_write(testdev, attributes() | path(), model.pasid, model.addr,
                  &data, sizeof(data));
    check_events(FLAG_RW);
}

static void check_translation(const TestdevTranslation *tr)
{
    unsigned int wanted = model.outcome == NAIVE_PASSED
                          ? model.r + 2 * model.w + 4 * model.x : 0;
    uint64_t offset = model.addr & tr->mask;

    if (tr->result != 1 || (tr->perm & 7) != wanted) {
        disagree("%" PRId64 " completions, rights %x", tr->result, tr->perm);
    }
    if (wanted && ((tr->addr | offset) != model.out ||
                   (model.shift < 64 && tr->mask >> model.shift))) {
        disagree("completion %" PRIx64 " mask %" PRIx64, tr->addr, tr->mask);
    }
}

static void run_translation(void)
{
    uint32_t request = attributes() | (model.write ? 0
                                                   : TESTDEV_FLAG_NO_WRITE);
    TestdevTranslation tr = testdev_translate(testdev, request, model.pasid,
                                              model.addr);

    if (model.outcome == NAIVE_PASSED || model.outcome == NAIVE_NOTHING) {
        check_translation(&tr);
    } else if ((tr.result < 0) != (model.outcome != NAIVE_FORWARDED)) {
        disagree("%" PRId64 " completions", tr.result);
    }
}

static void perform(Scene *s)
{
    if (model.outcome == NAIVE_MESSAGE) {
        run_message(s);
        return;
    }
    if (model.kind == NAIVE_ATS) {
        run_translation();
    } else if (model.read) {
        run_read(s->b->qts);
    } else {
        run_write(s->b->qts);
    }
    check_events(0);
    check_memory();
}

/* DMA, a translation request, or a translated request */
static bool run_request(Scene *s)
{
    unsigned long before[NAIVE_ROWS];

    memcpy(before, reached, sizeof(before));
    start_model(s);
    choose_request(s);
    naive_translate(&model);
    if (!is_harmless()) {
        memcpy(reached, before, sizeof(before));
        return false;
    }
    qtest_clock_step(s->b->qts, APART);
    perform(s);
    return true;
}

/* As full as the test wants it: empty, nearly full, full */
static void prepare_log(Scene *s, struct naive_page *p)
{
    uint32_t tail = reg_read(s->b, REG_PPR_TAIL);
    uint32_t head = tail;

    if (scene_one_in(s, 4)) {
        head = (tail + 16 * (1 + scene_random(s, 2))) % RING_BYTES;
    }
    reg_write(s->b, REG_PPR_HEAD, head);
    p->head = head;
    p->tail = tail;
    p->bytes = RING_BYTES;
    p->running = reg_read(s->b, REG_STATUS) & STATUS_PPR_LOG_RUN;
}

static void choose_page_request(Scene *s, struct naive_page *p)
{
    choose_address(s);
    model.addr &= ~0xfffULL;
    p->prg_index = scene_random(s, 512);
    p->last = !scene_one_in(s, 4);
    if (!scene_one_in(s, 6)) {
        model.read = scene_one_in(s, 2);
        model.write = !model.read || scene_one_in(s, 2);
    }
    if (model.pasid != NAIVE_NO_PASID) {
        model.exec = model.read && scene_one_in(s, 4);
        model.priv = scene_one_in(s, 4);
    }
    p->auto_response = s->auto_response;
    p->early = s->early;
}

static void check_logged(const struct naive_page *p)
{
    uint32_t tail = reg_read(scene.b, REG_PPR_TAIL);
    uint64_t status = reg_read(scene.b, REG_STATUS);
    uint64_t word[2];

    if (tail != (p->tail + (p->logged ? 16 : 0)) % RING_BYTES) {
        disagree("PPR tail %x, was %x", tail, p->tail);
    }
    if (p->logged) {
        word[0] = qtest_readq(scene.b->qts, PPR_LOG + p->tail);
        word[1] = qtest_readq(scene.b->qts, PPR_LOG + p->tail + 8);
        if (word[0] != p->entry[0] || word[1] != p->entry[1]) {
            disagree("PPR %016" PRIx64 " %016" PRIx64 ", not %016" PRIx64
                     " %016" PRIx64, word[0], word[1], p->entry[0],
                     p->entry[1]);
        }
    }
    if (!(status & STATUS_PPR_OVERFLOW) == p->overflow) {
        disagree("status %" PRIx64, status);
    }
}

/* 0 success, 1 invalid; all else is failure, which stops the device */
static void check_response(const struct naive_page *p)
{
    uint64_t now = testdev_get(testdev, TESTDEV_RESPONSES), found;
    unsigned int code = MIN(p->response, FAILURE);

    if (now != responses + p->answered) {
        disagree("%" PRIu64 " responses, were %" PRIu64, now, responses);
    }
    responses = now;
    if (!p->answered) {
        return;
    }
    found = testdev_get(testdev, TESTDEV_RESPONSE);
    if (TESTDEV_RESPONSE_PRGI(found) != p->prg_index ||
        TESTDEV_RESPONSE_CODE(found) != code) {
        disagree("response %" PRIx64, found);
    }
    if (code == FAILURE) {
        testdev_config_set(testdev, TESTDEV_PRI_CTRL, 0);
        testdev_enable(testdev, 32);
    }
}

static void run_page_request(Scene *s)
{
    struct naive_page page = { 0 };
    uint32_t request;

    start_model(s);
    choose_page_request(s, &page);
    prepare_log(s, &page);
    naive_page_request(&model, &page, device_reached);
    request = attributes() | (model.read ? TESTDEV_FLAG_READ : 0) |
              (model.write ? TESTDEV_FLAG_WRITE : 0) |
              (page.last ? TESTDEV_FLAG_LAST : 0);
    testdev_request_page(testdev, request, model.pasid, model.addr,
                         page.prg_index);
    /* Responses come in the main loop */
    qtest_clock_step(s->b->qts, APART);
    check_logged(&page);
    check_response(&page);
    check_events(model.event && model.event0 >> 60 == 9 ? 0 : PAGE_IGNORED);
    reg_write(s->b, REG_STATUS, STATUS_PPR_OVERFLOW | STATUS_PPR_INT);
}

static void run_scene(Scene *s)
{
    fault_reported = false;
    scene_build(s);
    scene_install(s);
    for (unsigned int i = 0; i < REQUESTS; number++, i++) {
        if (scene_one_in(s, 6)) {
            run_page_request(s);
        } else {
            while (!run_request(s)) {
                ;
            }
        }
        if (model.pasid != NAIVE_NO_PASID) {
            testdev_run(testdev, TESTDEV_CMD_CLOSE, 0, model.pasid, 0, 0);
        }
    }
    scene_clear(s);
}

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;

    return text && !qemu_strtou64(text, NULL, 0, &value) ? value : otherwise;
}

static void start(const char *options)
{
    static char more[64];
    uint64_t efr;

    snprintf(more, sizeof(more), "-device svm-testdev,addr=%02x.0",
             TESTDEV_ID_BDF >> 3);
    scene.b = bench_start(options, more);
    scene.device = TESTDEV_ID_BDF;
    efr = reg_read(scene.b, REG_EFR);
    scene.settings = (SceneSettings) {
        .efr = efr, .guest_levels = 4 + (efr >> 12 & 3), .glx = efr >> 14 & 3,
        .pa_bits = config_read(scene.b, IOMMU_ID, config_find(
            scene.b, IOMMU_ID, 0x0f) + 0x10) >> 8 & 0x7f,
    };
    testdev = testdev_find(scene.b->qts, TESTDEV_ID_BDF, TESTDEV_BAR);
    testdev_enable(testdev, 32);
    bench_set_bases(scene.b);
    reg_write(scene.b, REG_PPR_BASE, PPR_LOG | 8ULL << 56);
    number = event_tail = responses = 0;
}

static void run_cases(const char *options, unsigned int cases)
{
    start(options);
    scene.seed = environment("AMDVI_SEED", (uint64_t)time(NULL) << 20);
    cases = environment("AMDVI_CASES", cases);
    printf("# %u cases, AMDVI_SEED=0x%" PRIx64 "\n", cases, scene.seed);
    while (number < cases) {
        case_seed = scene.seed;
        run_scene(&scene);
    }
    g_free(testdev);
    bench_stop(scene.b);
}

static int count_row(const char *name, unsigned long count)
{
    printf("# %8lu  %s\n", count, name);
    return count == 0;
}

/* A row that no case reaches would say nothing about the code behind it */
static void check_reached(void)
{
    int missing = 0;

    for (int i = 0; i < NAIVE_ROWS; i++) {
        missing += count_row(naive_row_text(i), reached[i]);
    }
    for (int i = 0; i < NAIVE_DEVICE_ROWS; i++) {
        missing += count_row(naive_device_row_text(i), device_reached[i]);
    }
    for (int i = 0; i < ARRAY_SIZE(flags); i++) {
        missing += count_row(flag_names[i], flags[i]);
    }
    if (!getenv("AMDVI_CASES")) {
        g_assert_cmpint(missing, ==, 0);
    }
}

static void test_random(void)
{
    run_cases("svm=on", CASES);
    check_reached();
}

/* The least of everything: one GCR3 level, four guest levels, a tiny cache */
static void test_small(void)
{
    run_cases("svm=on,pasid-bits=8,guest-levels=4,iotlb-size=64", CASES_SMALL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/differential/random", test_random);
    qtest_add_func("/amdvi/differential/small", test_small);
    return g_test_run();
}
