/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random tables, changes, invalidations and DMA of several functions: nobody
 * gets at memory that tables in force do not grant.  isolation.h has what is
 * legal at a time; here requests are made and what they did is compared.
 *
 *  - Data come from, and go to, a frame that tables grant or did grant since
 *    the last invalidation that covers the request was complete.  With this,
 *    no PASID sees another's memory, no page of the supervisor is open to a
 *    user's request, and nothing stale is used after COMPLETION_WAIT.
 *  - A request that everything grants is not refused.
 *  - No other memory changes, tables included.
 *
 * AMDVI_SEED repeats a run, AMDVI_CASES lengthens or shortens it.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/host-utils.h"
#include "isolation.h"

#define CASES 20000
#define CASES_SMALL 8000
#define LOOK_AT_ALL 500         /* requests between two looks at all memory */

/* What a run has met; each of it must have been there */
static unsigned long granted, refused, stale, stale_tlb;

typedef struct Request {
    WorldDevice *d;
    unsigned int context, page, kind, word;
    bool by_tlb;
} Request;

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;

    return text && !qemu_strtou64(text, NULL, 0, &value) ? value : otherwise;
}

static const Answers *legal(const Request *r)
{
    return r->by_tlb ? &r->d->by_tlb[r->context][r->page][r->kind]
                     : &r->d->untranslated[r->context][r->page][r->kind];
}

static void G_GNUC_PRINTF(2, 3) violated(const Request *r, const char *format,
                                         ...)
{
    const Answers *a = legal(r);
    va_list ap;

    printf("# device %02x pasid %x page %u kind %u %s; legal: frames %016"
           PRIx64 "%s\n# ", r->d->id, world_pasids[r->context], r->page,
           r->kind, r->by_tlb ? "by TLB" : "untranslated", a->frames,
           a->refused ? " or refused" : "");
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n");
    fflush(stdout);
    g_error("isolation is violated");
}

static uint32_t flags_of(const Request *r)
{
    return (r->by_tlb ? TESTDEV_PATH_TLB : TESTDEV_PATH_UNTRANSLATED) |
           (r->kind % WORLD_PRIV == WORLD_EXEC ? TESTDEV_FLAG_EXEC : 0) |
           (r->kind >= WORLD_PRIV ? TESTDEV_FLAG_PRIV : 0);
}

static uint64_t address_of(const Request *r)
{
    return world_va(r->page) + 8 * r->word;
}

/* The frame that is legal and holds this word; FRAMES if there is none */
static unsigned int frame_with(World *w, const Request *r, uint64_t value)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        if ((legal(r)->frames >> i & 1) && w->data[i][r->word] == value) {
            return i;
        }
    }
    return FRAMES;
}

static void run_read(World *w, const Request *r)
{
    uint64_t value = 0;
    uint32_t result = testdev_read(r->d->t, flags_of(r),
                                   world_pasids[r->context], address_of(r),
                                   &value, sizeof(value));

    if (result != TESTDEV_OK) {
        refused++;
        if (!legal(r)->refused && !r->by_tlb) {
            violated(r, "refused: %u", result);
        }
        return;
    }
    granted++;
    if (frame_with(w, r, value) == FRAMES) {
        violated(r, "read %016" PRIx64, value);
    }
}

/* Where it arrived, among the frames that are legal */
static unsigned int find_written(World *w, const Request *r, uint64_t value)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        if ((legal(r)->frames >> i & 1) &&
            qtest_readq(w->b->qts, world_frame(i) + 8 * r->word) == value) {
            return i;
        }
    }
    return FRAMES;
}

static void run_write(World *w, const Request *r)
{
    static uint64_t number = 1ULL << 60;
    uint64_t value = ++number;
    uint32_t result = testdev_write(r->d->t, flags_of(r),
                                    world_pasids[r->context], address_of(r),
                                    &value, sizeof(value));
    unsigned int frame;

    if (result != TESTDEV_OK) {
        refused++;
        if (!legal(r)->refused && !r->by_tlb) {
            violated(r, "refused: %u", result);
        }
        return;
    }
    granted++;
    frame = find_written(w, r, value);
    if (frame == FRAMES) {
        violated(r, "written elsewhere");
    }
    w->data[frame][r->word] = value;
}

/* Among several legal answers one that is not the newest may be given */
static void count_choice(const Request *r)
{
    const Answers *a = legal(r);
    bool open = ctpop64(a->frames) + a->refused > 1;

    stale += open && !r->by_tlb;
    stale_tlb += open && r->by_tlb;
}

/* Host tables are for requests without a PASID, the others for those with */
static unsigned int choose_context(World *w, const WorldDevice *d)
{
    bool pasid = (d->space != WORLD_HOST) ^ (world_random(w, 20) == 0);

    return pasid ? world_pick_context(w) : WORLD_PASIDS;
}

static void request(World *w)
{
    Request r = {
        .d = &w->device[world_pick_device(w)],
        .page = world_pick_page(w),
        .kind = world_random(w, 3) ? world_random(w, 2)
                                   : world_random(w, WORLD_KINDS),
        .word = world_random(w, FRAME_WORDS),
        .by_tlb = world_random(w, 2),
    };

    r.context = choose_context(w, r.d);
    if (r.context == WORLD_PASIDS) {
        /* Neither privileged nor for execution */
        r.kind %= WORLD_EXEC;
    }
    count_choice(&r);
    if (r.kind % WORLD_PRIV == WORLD_WRITE) {
        run_write(w, &r);
    } else {
        run_read(w, &r);
    }
}

static void step(World *w)
{
    unsigned int choice = world_random(w, 10);

    if (choice < 2) {
        world_change(w);
    } else if (choice < 4) {
        world_invalidate(w);
    } else {
        request(w);
    }
}

static void run(const char *options, unsigned int cases)
{
    uint32_t seed = environment("AMDVI_SEED", (uint32_t)time(NULL));
    World *w;

    cases = environment("AMDVI_CASES", cases);
    printf("# %u cases, AMDVI_SEED=0x%x\n", cases, seed);
    granted = refused = stale = stale_tlb = 0;
    w = world_start(options, seed);
    for (unsigned int i = 1; i <= cases; i++) {
        step(w);
        if (i % LOOK_AT_ALL == 0) {
            world_assert_memory(w);
        }
    }
    world_assert_memory(w);
    printf("# %lu granted, %lu refused, %lu untranslated and %lu by TLB with "
           "a choice\n", granted, refused, stale, stale_tlb);
    if (!getenv("AMDVI_CASES")) {
        g_assert_cmpuint(MIN(MIN(granted, refused), MIN(stale, stale_tlb)), >,
                         100);
    }
    world_stop(w);
}

static void test_random(void)
{
    run("svm=on", CASES);
}

/* Entries are displaced all the time */
static void test_small(void)
{
    run("svm=on,iotlb-size=64", CASES_SMALL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/isolation/random", test_random);
    qtest_add_func("/amdvi/isolation/small", test_small);
    return g_test_run();
}
