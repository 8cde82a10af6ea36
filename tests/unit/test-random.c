/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random tables and requests, judged by libamdvi and by the naive model
 * (naive.c).  Most cases start valid; a few bits are then broken.
 *
 * AMDVI_SEED and AMDVI_CASES in the environment repeat or lengthen a run.
 */
#include "world.h"

#include <stdlib.h>
#include <time.h>

#include "naive.h"

#define CASES 20000

static struct world w;
static struct naive n;
static uint64_t seed;
static unsigned long reached[NAIVE_ROWS];

/* 0 to @below - 1 */
static unsigned int rnd(unsigned int below)
{
    return (unsigned int)(next_random(&seed) >> 33) % below;
}

static bool one_in(unsigned int count)
{
    return rnd(count) == 0;
}

static uint64_t rnd_page(unsigned int width)
{
    return next_random(&seed) >> (64 - width) & ~UINT64_C(0xfff);
}

/* What the tables of the case translate */
static struct {
    uint32_t pasid;
    uint64_t addr;              /* page that is mapped */
} mapped;

static const uint64_t host_rights[] = { HOST_RW, HOST_RW, HOST_RW, HOST_R,
                                        HOST_W, 0 };
static const uint64_t guest_rights[] = {
    G_ALL, G_ALL, G_ALL, G_P | G_US, G_P | G_RW, G_P, G_ALL | G_NX,
};

/* A host leaf at @level, of the natural size or a random encoded one */
static uint64_t host_leaf(unsigned int level)
{
    uint64_t leaf = rnd_page(44) | host_rights[rnd(6)] | 1;
    unsigned int shift = 12 + 9 * (level - 1);

    leaf |= (uint64_t)rnd(4) << 5;      /* A and D */
    leaf |= (uint64_t)rnd(4) << 59;     /* U and FC */
    if (one_in(3)) {
        shift += rnd(8) + (level == 1);
        leaf &= ~((1ULL << shift) - 0x1000);
        leaf |= (1ULL << (shift - 1)) - 0x1000;
        leaf |= 7ULL << 9;
    }
    return leaf;
}

static uint64_t guest_leaf(unsigned int level, uint64_t addr)
{
    uint64_t leaf = addr | guest_rights[rnd(7)];
    uint64_t below = (1ULL << (12 + 9 * (level - 1))) - 0x1000;

    leaf |= (uint64_t)rnd(4) << 5;
    if (level > 1) {
        leaf = (leaf & ~below) | G_PS;
    }
    return leaf;
}

/* Random rights for the pointers too, now and then */
static void spoil_rights(const uint64_t *at, unsigned int levels,
                         uint64_t rights)
{
    for (unsigned int level = 2; level <= levels; level++) {
        if (one_in(12)) {
            world_xor(&w, at[level], next_random(&seed) & rights);
        }
    }
}

static void build_host(void)
{
    unsigned int mode = rnd(7);
    unsigned int width = mode < 6 ? 12 + 9 * mode : 64;
    unsigned int most = mode < 5 ? mode : 5;
    unsigned int level = most ? 1 + rnd(one_in(2) ? most : 1) : 0;

    world_init_host(&w, mode);
    mapped.pasid = AMDVI_NO_PASID;
    mapped.addr = mode ? rnd_page(width) : rnd_page(64);
    if (level) {
        world_map_host(&w, mapped.addr, level, host_leaf(level));
        spoil_rights(w.host_at, mode, HOST_RW);
    }
    if (mode > 1 && one_in(8)) {        /* a pointer that skips levels */
        unsigned int from = 2 + rnd(mode - 1);

        world_map_host(&w, mapped.addr, from,
                       HOST_RW | 0x7000000 | (uint64_t)(1 + rnd(from)) << 9 |
                       1);
        world_put(&w, 0x7000000 + (mapped.addr >> 12 & 0x1ff) * 8,
                  host_leaf(1));
    }
}

static uint64_t canonical(unsigned int levels)
{
    unsigned int width = 12 + 9 * levels;
    uint64_t addr = rnd_page(width - 1);

    return one_in(2) ? addr : addr | UINT64_MAX << (width - 1);
}

static void build_guest_tables(unsigned int levels, uint64_t gpa)
{
    unsigned int level = 1 + (one_in(3) ? rnd(3) : 0);
    uint64_t top;

    mapped.pasid = one_in(4) ? 0 : rnd(1u << (9 * (w.glx + 1) < 20
                                              ? 9 * (w.glx + 1) : 20));
    top = world_add_pasid(&w, mapped.pasid);
    mapped.addr = canonical(levels);
    if (mapped.pasid == 0 && one_in(2)) {
        world_edit_dte(&w, 0, 0, 1ULL << 54);
        mapped.pasid = AMDVI_NO_PASID;
        mapped.addr = rnd_page(12 + 9 * levels);
    }
    world_map_guest(&w, top, mapped.addr, level, guest_leaf(level, gpa));
    spoil_rights(w.guest_at, levels, G_RW | G_US | G_NX);
}

static void build_guest(void)
{
    unsigned int levels = 4 + rnd(2);

    world_init_guest(&w, levels, rnd(3));
    build_guest_tables(levels, rnd_page(46));
}

/* The GPA that the leaf of the guest table gives for mapped.addr */
static uint64_t final_gpa(unsigned int levels)
{
    for (unsigned int level = 1; level <= levels; level++) {
        uint64_t entry = w.guest_at[level] ? world_get(&w, w.guest_at[level])
                                           : 0;
        uint64_t offset = (1ULL << (12 + 9 * (level - 1))) - 1;

        if (entry) {
            return (entry & 0x000ffffffffff000 & ~offset) |
                   (mapped.addr & offset);
        }
    }
    return 0;
}

static void build_nested(void)
{
    unsigned int levels = 4 + rnd(2), mode = 3 + rnd(4);
    unsigned int level = one_in(3) ? 1 + rnd(2) : 1;

    world_init_nested(&w, mode, levels, rnd(3));
    memset(w.guest_at, 0, sizeof(w.guest_at));
    /* Guest-physical pages far from those of the tables */
    build_guest_tables(levels, rnd_page(36) | 1ULL << 37);
    world_map_host(&w, final_gpa(levels) & ~UINT64_C(0xfff), level,
                   host_leaf(level));
    spoil_rights(w.host_at, mode, HOST_RW);
}

/* Break the host entry that maps a page of guest tables */
static void break_table_mapping(void)
{
    uint64_t gpa = one_in(3) ? WORLD_GCR3_ROOT : w.guest_gpa[1 + rnd(5)];
    uint64_t page = gpa & ~UINT64_C(0xfff);

    if (w.nested && page) {
        world_map_host(&w, page, 1, world_spa(&w, page) | 1 |
                       host_rights[rnd(6)] | (uint64_t)rnd(4) << 5);
    }
}

static uint64_t random_entry(void)
{
    switch (rnd(3)) {
    case 0:
        return w.host_at[1 + rnd(6)];
    case 1:
        return w.guest_at[1 + rnd(5)];
    default:
        return w.gcr3_at[1 + rnd(3)];
    }
}

static void break_entry(void)
{
    uint64_t at = random_entry();

    if (!at) {
        return;
    }
    switch (rnd(5)) {
    case 0:
        world_put(&w, at, 0);
        break;
    case 1:                     /* NextLevel, or bits nobody looks at */
        world_xor(&w, at, (uint64_t)rnd(8) << 9);
        break;
    case 2:
        w.abort_at = at;
        break;
    default:
        world_xor(&w, at, 1ULL << rnd(64));
        break;
    }
}

static void break_dte(void)
{
    static const unsigned int bits[] = { 0, 1, 7, 8, 54, 55, 61, 62, 64 + 32,
                                         64 + 34, 64 + 39, 64 + 33, 10, 57 };
    unsigned int b = one_in(3) ? rnd(192) : bits[rnd(ARRAY_SIZE(bits))];
    uint64_t spa = WORLD_DTE + b / 64 * 8;

    world_xor(&w, spa, 1ULL << (b % 64));
}

static void break_registers(void)
{
    static const uint64_t control[] = { 1, 1ULL << 16, 1ULL << 58,
                                        1ULL << 48, 1ULL << 54 };
    static const uint64_t efr[] = { 1ULL << 3, 1ULL << 4, 1ULL << 10,
                                    1ULL << 12, 1ULL << 14, 1ULL << 15,
                                    1ULL << 34, 1ULL << 48, 1ULL << 49,
                                    1ULL << 50 };

    switch (rnd(6)) {
    case 0:
        w.iommu.features.efr ^= efr[rnd(ARRAY_SIZE(efr))];
        break;
    case 1:
        w.iommu.pa_bits = (uint8_t)(32 + rnd(22));
        break;
    case 2:
        w.iommu.devtab[0] = WORLD_DEVTAB | rnd(2);
        break;
    default:
        w.iommu.control ^= control[rnd(ARRAY_SIZE(control))];
        break;
    }
}

static void exclude(void)
{
    w.iommu.excl_base = (mapped.addr & 0x000ffffffffff000) | rnd(4);
    w.iommu.excl_limit = mapped.addr & 0x000ffffffffff000;
    if (one_in(2)) {
        world_edit_dte(&w, 1, 0, 1ULL << 39);
    }
}

static void break_something(void)
{
    switch (rnd(8)) {
    case 0:
        break_dte();
        break;
    case 1:
        break_registers();
        break;
    case 2:
        break_table_mapping();
        break;
    case 3:
        if (one_in(3)) {
            exclude();
        } else if (one_in(4)) {
            w.abort_at = WORLD_DTE + rnd(4) * 8;
        }
        break;
    default:
        break_entry();
        break;
    }
}

/* What would be met too seldom by chance */
static void vary(void)
{
    if (one_in(30)) {
        world_edit_dte(&w, 0, HOST_RW, host_rights[rnd(6)]);
    }
    if (one_in(60)) {
        world_edit_dte(&w, 0, 1 + rnd(3), 0);       /* V, TV */
    }
    if (one_in(30)) {
        w.iommu.control ^= 1ULL << 48 | (uint64_t)rnd(2) << 54;
    }
    if (one_in(30)) {
        w.iommu.devtab[0] = WORLD_DEVTAB | rnd(3);
    }
}

static void build_case(void)
{
    static void (*const build[])(void) = {
        build_host, build_guest, build_nested, build_nested,
    };

    build[rnd(ARRAY_SIZE(build))]();
    /* ATS allowed mostly; accessed and dirty bits in host tables often */
    world_edit_dte(&w, 1, 0, one_in(8) ? 0 : 1ULL << 32);
    world_edit_dte(&w, 0, 0, one_in(2) ? 3ULL << 7 : one_in(3) ? 1 << 7 : 0);
    vary();
    for (unsigned int i = one_in(2) ? 0 : 1 + rnd(3); i; i--) {
        break_something();
    }
}

static void build_request(void)
{
    enum amdvi_request_kind kind = one_in(12) ? AMDVI_REQUEST_TRANSLATED
                                   : one_in(3) ? AMDVI_REQUEST_ATS
                                   : AMDVI_REQUEST_DMA;
    uint32_t pasid = mapped.pasid;
    uint64_t addr = mapped.addr | rnd(0x1000);
    char access[5] = { one_in(2) ? 'r' : 'w' };
    size_t len = 1;

    access[len] = "rwxp"[rnd(4)];
    len += one_in(2);
    access[len] = one_in(4) ? 'p' : 0;
    if (one_in(12)) {
        pasid = one_in(2) ? AMDVI_NO_PASID : rnd(1 << 20);
    }
    if (one_in(10)) {
        addr ^= 1ULL << (12 + rnd(52));
    } else if (one_in(20)) {
        addr = 0xfee00000 + rnd(0x200000) - 0x80000;
        pasid = one_in(3) ? pasid : AMDVI_NO_PASID;
    }
    world_request(&w, kind, pasid, addr, access);
    w.request.device_id = one_in(40) ? (uint16_t)(WORLD_DEVICE + 0x100)
                                     : WORLD_DEVICE;
}

static bool fetch(void *opaque, uint64_t spa, uint64_t *value)
{
    (void)opaque;
    if (w.abort_at - spa < 8) {
        return false;
    }
    for (size_t i = 0; i < w.pages; i++) {
        if (w.page[i].base == (spa & ~UINT64_C(0xfff))) {
            *value = world_get(&w, spa);
            return true;
        }
    }
    return false;
}

static void ask_naive(void)
{
    n = (struct naive) {
        .control = w.iommu.control, .efr = w.iommu.features.efr,
        .devtab = w.iommu.devtab[0], .excl_base = w.iommu.excl_base,
        .excl_limit = w.iommu.excl_limit, .pa_bits = w.iommu.pa_bits,
        .kind = (enum naive_kind)w.request.kind,
        .device = w.request.device_id, .pasid = w.request.pasid,
        .addr = w.request.addr, .read = w.request.read,
        .write = w.request.write, .exec = w.request.exec,
        .priv = w.request.priv, .fetch = fetch, .reached = reached,
    };
    naive_translate(&n);
}

/* The sum of all words: no table may change but as the model says */
static uint64_t memory_sum(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < w.pages; i++) {
        for (size_t at = 0; at < 4096; at += 8) {
            sum += amdvi_load64(w.page[i].data + at);
        }
    }
    return sum;
}

static uint64_t naive_sum(uint64_t sum)
{
    for (unsigned int i = 0; i < n.writes; i++) {
        bool last = true;

        for (unsigned int j = i + 1; j < n.writes; j++) {
            last = last && n.written[j].spa != n.written[i].spa;
        }
        if (last) {
            sum += n.written[i].value - world_get(&w, n.written[i].spa);
        }
    }
    return sum;
}

static void describe(unsigned int number, uint64_t case_seed)
{
    print_error("case %u, AMDVI_SEED=0x%" PRIx64 " AMDVI_CASES=1\n", number,
                case_seed);
    print_error("DTE %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
                world_get(&w, WORLD_DTE), world_get(&w, WORLD_DTE + 8),
                world_get(&w, WORLD_DTE + 16));
    print_error("control %" PRIx64 " efr %" PRIx64 "\n", w.iommu.control,
                w.iommu.features.efr);
    print_error("kind %d pasid %" PRIx32 " addr %" PRIx64 " %s%s%s%s\n",
                (int)w.request.kind, w.request.pasid, w.request.addr,
                w.request.read ? "r" : "", w.request.write ? "w" : "",
                w.request.exec ? "x" : "", w.request.priv ? "p" : "");
    print_error("libamdvi: %s, %s, address %" PRIx64 " shift %u perm %u "
                "event %d %" PRIx64 " %" PRIx64 "\n",
                amdvi_outcome_word(w.result.outcome),
                amdvi_reason_word(w.result.reason), w.result.addr,
                w.result.page_shift, w.result.perm, w.result.has_event,
                w.result.event[0], w.result.event[1]);
    print_error("naive: outcome %d address %" PRIx64 " shift %u perm %d "
                "event %d %" PRIx64 " %" PRIx64 "\n", (int)n.outcome, n.out,
                n.shift, n.r + 2 * n.w + 4 * n.x, n.event, n.event0,
                n.event1);
}

static const enum amdvi_outcome outcomes[] = {
    [NAIVE_FORWARDED] = AMDVI_OUTCOME_FORWARDED,
    [NAIVE_PASSED] = AMDVI_OUTCOME_TRANSLATED,
    [NAIVE_NOTHING] = AMDVI_OUTCOME_NO_ACCESS,
    [NAIVE_MESSAGE] = AMDVI_OUTCOME_INTERRUPT,
    [NAIVE_ABORTED] = AMDVI_OUTCOME_ABORTED,
    [NAIVE_REFUSED] = AMDVI_OUTCOME_UNSUPPORTED,
};

static bool same_answer(uint64_t expected_sum)
{
    const struct amdvi_result *r = &w.result;
    bool passed = n.outcome == NAIVE_PASSED;

    if (r->outcome != outcomes[n.outcome] || r->has_event != n.event ||
        r->hardware_error != n.hardware) {
        return false;
    }
    if (n.event && (r->event[0] != n.event0 || r->event[1] != n.event1)) {
        return false;
    }
    if ((passed || n.outcome == NAIVE_FORWARDED) && r->addr != n.out) {
        return false;
    }
    /* An abort may come before or after the A bits of the way to it */
    return !passed || (r->page_shift == n.shift &&
                       r->perm == n.r + 2 * n.w + 4 * n.x &&
                       memory_sum() == expected_sum);
}

static void run_case(unsigned int number)
{
    uint64_t case_seed = seed, expected;

    build_case();
    build_request();
    ask_naive();
    expected = naive_sum(memory_sum());
    world_run(&w);
    if (!same_answer(expected)) {
        describe(number, case_seed);
        fail_msg("libamdvi and the model disagree");
    }
}

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void test_random(void **state)
{
    unsigned int cases = (unsigned int)environment("AMDVI_CASES", CASES);

    (void)state;
    seed = environment("AMDVI_SEED", (uint64_t)time(NULL) << 20 | 1);
    printf("# %u cases, AMDVI_SEED=0x%" PRIx64 "\n", cases, seed);
    for (unsigned int i = 0; i < cases; i++) {
        run_case(i);
    }
}

/* A row that no case reaches would say nothing about the code behind it */
static void test_rows_reached(void **state)
{
    int missing = 0;

    (void)state;
    for (int row = 0; row < NAIVE_ROWS; row++) {
        printf("# %8lu  %s\n", reached[row],
               naive_row_text((enum naive_row)row));
        missing += reached[row] == 0;
    }
    if (!getenv("AMDVI_CASES")) {
        assert_int_equal(missing, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_rows_reached),
    };

    return cmocka_run_group_tests_name("random walks", tests, NULL, NULL);
}
