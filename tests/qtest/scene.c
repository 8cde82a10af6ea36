/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See scene.h. */
#include "qemu/osdep.h"
#include "scene.h"

#define ADDRESS 0x000ffffffffff000ULL
#define PAGE_4K 0x1000ULL

/* Guest table entries: spec/structures.md 4 */
#define GUEST_P 1ULL
#define GUEST_RW 2ULL
#define GUEST_US 4ULL
#define GUEST_PS 0x80ULL
#define GUEST_NX (1ULL << 63)
#define GUEST_ALL (GUEST_P | GUEST_RW | GUEST_US)

/* DTE word 0, and bits of words 1 and 2 */
#define DTE_V_TV 3ULL
#define DTE_HAD(value) ((uint64_t)(value) << 7)
#define DTE_PPR (1ULL << 52)
#define DTE_GIOV (1ULL << 54)
#define DTE_GV (1ULL << 55)
#define DTE_GLX(value) ((uint64_t)(value) << 56)
#define DTE1_I (1ULL << 32)
#define DTE1_SE (1ULL << 33)
#define DTE1_EX (1ULL << 39)
#define DTE2_IV 1ULL
#define DTE2_LEVELS(levels) ((uint64_t)((levels) - 4) << 54)

#define CONTROL_SCENE \
    (CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN | CONTROL_CMD_BUF_EN | \
     CONTROL_COHERENT)
#define CONTROL_GA_EN (1ULL << 17)
#define CONTROL_GD_UPDATE_DIS (1ULL << 48)
#define CONTROL_GA_UPDATE_DIS (1ULL << 54)
#define CONTROL_GCR3_TRP_MODE (1ULL << 58)

#define INVALIDATE_ALL 0x8000000000000000ULL
#define INVALIDATE_DEVTAB 0x2000000000000000ULL

static const uint64_t host_rights[] = {
    PTE_RW, PTE_RW, PTE_RW, PTE_READ, PTE_WRITE, 0,
};
static const uint64_t guest_rights[] = {
    GUEST_ALL, GUEST_ALL, GUEST_ALL, GUEST_P | GUEST_US, GUEST_P | GUEST_RW,
    GUEST_P, GUEST_ALL | GUEST_NX,
};

/* SplitMix64 */
static uint64_t random64(Scene *s)
{
    uint64_t z = s->seed += 0x9e3779b97f4a7c15ULL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

unsigned int scene_random(Scene *s, unsigned int below)
{
    return (random64(s) >> 33) % below;
}

bool scene_one_in(Scene *s, unsigned int count)
{
    return scene_random(s, count) == 0;
}

uint64_t scene_random_page(Scene *s, unsigned int width)
{
    return random64(s) >> (64 - width) & ~(PAGE_4K - 1);
}

/* Bits of an address below a size */
static uint64_t below(unsigned int shift)
{
    return shift > 63 ? UINT64_MAX : (1ULL << shift) - 1;
}

static unsigned int level_shift(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

bool scene_has(const Scene *s, uint64_t spa)
{
    return spa >= TABLES && spa < TABLES + s->pages * PAGE_4K;
}

static uint64_t *copy_at(Scene *s, uint64_t spa)
{
    g_assert(scene_has(s, spa));
    return &s->copy[(spa - TABLES) / PAGE_4K][spa % PAGE_4K / 8];
}

uint64_t scene_get(const Scene *s, uint64_t spa)
{
    return *copy_at((Scene *)s, spa);
}

static void put(Scene *s, uint64_t spa, uint64_t value)
{
    for (unsigned int i = 0; i <= s->words; i++) {
        if (i == s->words) {
            g_assert_cmpint(s->words, <, SCENE_WORDS);
            s->word[s->words++] = spa;
            break;
        } else if (s->word[i] == spa) {
            break;
        }
    }
    *copy_at(s, spa) = value;
}

/* Physical address of an empty table that the guest sees at @gpa */
static uint64_t new_table(Scene *s, uint64_t gpa)
{
    g_assert_cmpint(s->pages, <, SCENE_PAGES);
    memset(s->copy[s->pages], 0, PAGE_4K);
    s->gpa[s->pages] = gpa;
    return TABLES + PAGE_4K * s->pages++;
}

/* Whether @pde points to a table; it may have been broken */
static bool is_pointer(const Scene *s, uint64_t pde)
{
    unsigned int next = pde >> 9 & 7;

    return (pde & 1) && next != 0 && next != 7 && scene_has(s, pde & ADDRESS);
}

/* Put @leaf where @gpa is translated at @level */
static void map_host(Scene *s, uint64_t gpa, unsigned int level, uint64_t leaf)
{
    uint64_t place = s->root;

    memset(s->host_at, 0, sizeof(s->host_at));
    for (unsigned int l = s->levels;; l--) {
        place += (gpa >> level_shift(l) & 0x1ff) * 8;
        s->host_at[l] = place;
        if (l == level) {
            break;
        }
        if (!is_pointer(s, scene_get(s, place))) {
            put(s, place, PDE(l - 1, new_table(s, 0), PTE_RW));
        }
        place = scene_get(s, place) & ADDRESS;
    }
    put(s, place, leaf);
}

/* A table page as the guest addresses it, mapped by the host if nested */
static uint64_t new_guest_table(Scene *s)
{
    uint64_t spa, gpa;

    if (!s->levels) {
        spa = new_table(s, 0);
        s->gpa[s->pages - 1] = spa;
        return spa;
    }
    gpa = scene_random_page(s, s->levels > 2 ? 36 : level_shift(s->levels + 1));
    spa = new_table(s, gpa);
    map_host(s, gpa, 1, PTE_LEAF(spa, PTE_RW));
    return gpa;
}

/* Where a guest-physical table page is; only the latest counts */
static uint64_t table_spa(const Scene *s, uint64_t gpa)
{
    for (unsigned int i = s->pages; i > 0; i--) {
        if (s->gpa[i - 1] == (gpa & ADDRESS)) {
            return TABLES + PAGE_4K * (i - 1) + gpa % PAGE_4K;
        }
    }
    g_assert_not_reached();
}

static uint64_t gcr3_root(Scene *s)
{
    uint64_t gpa = new_guest_table(s);

    return s->control & CONTROL_GCR3_TRP_MODE ? gpa : table_spa(s, gpa);
}

static void set_gcr3_root(Scene *s, uint64_t root)
{
    s->dte[0] |= (root >> 12 & 7) << 58;
    s->dte[1] |= (root >> 15 & 0xffff) << 16 | root >> 31 << 43;
}

/* The guest CR3 of s->pasid, in GCR3 tables of @glx + 1 levels */
static uint64_t map_pasid(Scene *s, unsigned int glx)
{
    uint64_t root = gcr3_root(s), pasid = s->pasid, place, next;

    set_gcr3_root(s, root);
    place = scene_has(s, root) ? root : table_spa(s, root);
    for (unsigned int level = glx + 1;; level--) {
        place += (pasid >> 9 * (level - 1) & 0x1ff) * 8;
        s->gcr3_at[level] = place;
        next = new_guest_table(s);
        put(s, place, next | 1);
        if (level == 1) {
            return next;
        }
        place = table_spa(s, next);
    }
}

static void map_guest(Scene *s, uint64_t table, unsigned int levels,
                      unsigned int level, uint64_t leaf)
{
    uint64_t place = table_spa(s, table), next;

    for (unsigned int l = levels;; l--) {
        place += (s->addr >> level_shift(l) & 0x1ff) * 8;
        s->guest_at[l] = place;
        if (l == level) {
            break;
        }
        next = new_guest_table(s);
        put(s, place, next | GUEST_ALL);
        place = table_spa(s, next);
    }
    put(s, place, leaf);
}

/* Rights of the directories are taken away now and then */
static void spoil_rights(Scene *s, const uint64_t *at, unsigned int levels,
                         uint64_t rights)
{
    for (unsigned int level = 2; level <= levels; level++) {
        if (at[level] && scene_one_in(s, 12)) {
            put(s, at[level], scene_get(s, at[level]) ^
                (random64(s) & rights));
        }
    }
}

static uint64_t random_target(Scene *s)
{
    if (scene_one_in(s, 8)) {
        return 1ULL << 33 | scene_random_page(s, 33);
    }
    return SCENE_DATA + scene_random_page(s, 27);
}

/*
 * A leaf for s->out at @level; @gpa gets the bits that are not translated.
 * Some are of a size that the address tells.
 */
static uint64_t host_leaf(Scene *s, unsigned int level, uint64_t *gpa)
{
    unsigned int shift = level_shift(level);
    uint64_t leaf = host_rights[scene_random(s, ARRAY_SIZE(host_rights))] | 1;

    leaf |= (uint64_t)scene_random(s, 4) << 5 |
            (uint64_t)scene_random(s, 4) << 59;
    if (scene_one_in(s, 3)) {
        shift += scene_random(s, 8) + (level == 1);
        leaf |= PTE_LEVEL(7) | (below(shift - 1) & ADDRESS);
    }
    *gpa = (*gpa & ~below(shift)) | (s->out & below(shift));
    return leaf | (s->out & ADDRESS & ~below(shift));
}

static unsigned int random_level(Scene *s, unsigned int most)
{
    return scene_one_in(s, 3) ? 1 + scene_random(s, MIN(most, 5)) : 1;
}

static void start_host(Scene *s, unsigned int levels)
{
    s->levels = levels;
    s->root = levels ? new_table(s, 0) : 0;
    s->dte[0] |= PTE_RW | DTE_V_TV | (uint64_t)levels << 9 | s->root;
}

/* A pointer that skips levels, and a page at its end */
static void skip_levels(Scene *s)
{
    unsigned int from = 2 + scene_random(s, s->levels - 1);
    unsigned int next = 1 + scene_random(s, from);
    uint64_t place = new_table(s, 0);

    map_host(s, s->addr, from, PDE(next, place, PTE_RW));
    if (scene_one_in(s, 2)) {
        s->addr &= ~(below(level_shift(from)) & ~below(level_shift(next + 1)));
    }
    put(s, place + (s->addr >> level_shift(next) & 0x1ff) * 8,
        PTE_LEAF(s->out & ~below(level_shift(next)), PTE_RW));
}

static void build_host(Scene *s)
{
    unsigned int levels = scene_random(s, 7), level;
    uint64_t leaf;

    start_host(s, levels);
    s->pasid = SCENE_NO_PASID;
    if (!levels) {
        s->addr = s->out;
        return;
    }
    s->addr = scene_random_page(s, levels < 6 ? level_shift(levels + 1) : 64);
    level = random_level(s, levels);
    leaf = host_leaf(s, level, &s->addr);
    map_host(s, s->addr, level, leaf);
    spoil_rights(s, s->host_at, levels, PTE_RW);
    if (levels > 1 && scene_one_in(s, 6)) {
        skip_levels(s);
    }
}

static uint64_t canonical(Scene *s, unsigned int levels)
{
    unsigned int width = level_shift(levels + 1);
    uint64_t addr = scene_random_page(s, width - 1);

    return scene_one_in(s, 2) ? addr : addr | ~below(width - 1);
}

/* Guest tables that translate s->addr to @gpa, sharing its low bits */
static void build_guest_tables(Scene *s, uint64_t gpa)
{
    unsigned int levels = 4 + scene_random(s, s->settings.guest_levels - 3);
    unsigned int glx = scene_random(s, s->settings.glx + 1);
    unsigned int level = 1 + (scene_one_in(s, 3) ? scene_random(s, 3) : 0);
    uint64_t leaf = guest_rights[scene_random(s, ARRAY_SIZE(guest_rights))];
    uint64_t size = below(level_shift(level));
    uint64_t table;

    s->dte[0] |= DTE_GV | DTE_PPR | DTE_GLX(glx);
    s->dte[2] |= DTE2_LEVELS(levels);
    s->pasid = scene_one_in(s, 4) ? 0 : scene_random(s, 1 << (9 + 7 * !!glx));
    s->addr = canonical(s, levels);
    table = map_pasid(s, glx);
    if (s->pasid == 0 && scene_one_in(s, 2)) {
        s->dte[0] |= DTE_GIOV;
        s->pasid = SCENE_NO_PASID;
        s->addr = scene_random_page(s, level_shift(levels + 1));
    }
    s->addr = (s->addr & ~size) | (gpa & size);
    leaf |= (gpa & ~size & ADDRESS) | (uint64_t)scene_random(s, 4) << 5 |
            (level > 1 ? GUEST_PS : 0);
    map_guest(s, table, levels, level, leaf);
    spoil_rights(s, s->guest_at, levels, GUEST_RW | GUEST_US | GUEST_NX);
}

static void build_guest(Scene *s)
{
    start_host(s, 0);
    build_guest_tables(s, s->out);
}

static void build_nested(Scene *s)
{
    unsigned int levels = 3 + scene_random(s, 4);
    unsigned int level = random_level(s, 3);
    uint64_t gpa = scene_random_page(s, 36) | 1ULL << 37, leaf;

    start_host(s, levels);
    leaf = host_leaf(s, level, &gpa);
    build_guest_tables(s, gpa);
    map_host(s, gpa, level, leaf);
    spoil_rights(s, s->host_at, levels, PTE_RW);
}

static uint64_t random_entry(Scene *s)
{
    switch (scene_random(s, 3)) {
    case 0:
        return s->host_at[1 + scene_random(s, 6)];
    case 1:
        return s->guest_at[1 + scene_random(s, 5)];
    default:
        return s->gcr3_at[1 + scene_random(s, 3)];
    }
}

static void break_entry(Scene *s)
{
    uint64_t place = random_entry(s), value;

    if (!place) {
        return;
    }
    value = scene_get(s, place);
    switch (scene_random(s, 6)) {
    case 0:
        put(s, place, 0);
        break;
    case 1:                     /* NextLevel, or bits nobody looks at */
        put(s, place, value ^ PTE_LEVEL(scene_random(s, 8)));
        break;
    case 2:                     /* a table that nothing answers for */
        put(s, place, (value & ~ADDRESS) | NOWHERE);
        break;
    case 3:                     /* reserved in host, in guest entries */
        put(s, place, value | 1ULL << (48 + scene_random(s, 11)));
        break;
    default:
        put(s, place, value ^ 1ULL << scene_random(s, 64));
        break;
    }
}

static void break_dte(Scene *s)
{
    static const unsigned int bits[] = {
        0, 1, 2, 7, 8, 10, 54, 55, 57, 61, 62, 63, 64 + 32, 64 + 34, 64 + 39,
    };
    unsigned int bit = scene_one_in(s, 4)
        ? scene_random(s, 192) : bits[scene_random(s, ARRAY_SIZE(bits))];

    s->dte[bit / 64] ^= 1ULL << bit % 64;
}

/* Another mapping of a page that holds a guest table */
static void break_table_mapping(Scene *s)
{
    unsigned int page;

    if (!s->levels || !s->pages) {
        return;
    }
    page = scene_random(s, s->pages);
    if (s->gpa[page]) {
        map_host(s, s->gpa[page], 1,
                 PTE_LEAF(TABLES + PAGE_4K * page,
                          host_rights[scene_random(s, 6)]) |
                 (uint64_t)scene_random(s, 4) << 5);
    }
}

static void break_registers(Scene *s)
{
    static const uint64_t control[] = {
        CONTROL_IOMMU_EN, CONTROL_GT_EN, CONTROL_GCR3_TRP_MODE,
        CONTROL_GD_UPDATE_DIS, CONTROL_GA_UPDATE_DIS,
    };

    switch (scene_random(s, 5)) {
    case 0:                     /* of one page: DeviceIDs up to 7Fh */
        s->devtab = DEVTAB;
        break;
    case 1:
        s->devtab = (scene_one_in(s, 2) ? NOWHERE : DEVTAB) | 0x1ff;
        break;
    default:
        s->control ^= control[scene_random(s, ARRAY_SIZE(control))];
        break;
    }
}

static void exclude(Scene *s)
{
    s->excl_base = (s->addr & ADDRESS) | scene_random(s, 4);
    s->excl_limit = s->addr & ADDRESS;
    s->dte[1] |= scene_one_in(s, 2) ? DTE1_EX : 0;
}

static void break_something(Scene *s)
{
    switch (scene_random(s, 8)) {
    case 0:
        break_dte(s);
        break;
    case 1:
        break_registers(s);
        break;
    case 2:
    case 3:
        break_table_mapping(s);
        break;
    default:
        break_entry(s);
        break;
    }
}

/* Entries of the first four messages, in both formats */
static void build_interrupts(Scene *s)
{
    uint64_t table = new_table(s, 0);
    unsigned int length = scene_one_in(s, 3) ? scene_random(s, 2)
                                             : 2 + scene_random(s, 11);

    s->dte[2] |= DTE2_IV | (uint64_t)length << 1 | table |
                 (uint64_t)scene_one_in(s, 6) << 5 |
                 (uint64_t)(scene_one_in(s, 2) ? scene_random(s, 4) : 2) << 60;
    if (scene_one_in(s, 8)) {
        s->dte[2] |= NOWHERE;
    }
    s->control |= scene_one_in(s, 2) ? CONTROL_GA_EN : 0;
    for (unsigned int i = 0; i < 8; i++) {
        /* RemapEn, SupIOPF, IntType; the vector of the 4-byte format */
        uint64_t irte = (scene_one_in(s, 4) ? 0 : 1) | scene_random(s, 2) << 1 |
                        scene_one_in(s, 3) << 2 |
                        (uint64_t)scene_random(s, 0x100) << 16;
        bool second = (s->control & CONTROL_GA_EN) && i % 2;

        irte = second ? scene_random(s, 0x100) : irte;
        irte ^= scene_one_in(s, 3) ? 1ULL << scene_random(s, 64) : 0;
        put(s, table + 8 * i, irte);
    }
}

static void vary_page_requests(Scene *s)
{
    s->control |= CONTROL_PPR_EN | CONTROL_PPR_LOG_EN | CONTROL_EPH_EN;
    if (scene_one_in(s, 5)) {
        s->control ^= scene_one_in(s, 3) ? CONTROL_PPR_EN
                                         : CONTROL_PPR_LOG_EN;
    }
    if (scene_one_in(s, 3)) {
        s->control |= CONTROL_PPR_AUTO_RSP_EN;
    }
    if (scene_one_in(s, 10)) {
        s->control |= CONTROL_PPR_AUTO_RSP_AON;
    }
    if (scene_one_in(s, 3)) {
        s->control |= CONTROL_BLK_STOP_MRK_EN;
    }
    if (scene_one_in(s, 8)) {
        s->dte[0] ^= DTE_PPR;
    }
    s->auto_response = scene_random(s, 16);
    s->early = (uint64_t)scene_one_in(s, 4) << 31 | scene_random(s, 4);
}

/* What chance would meet too seldom */
static void vary(Scene *s)
{
    if (scene_one_in(s, 25)) {
        s->dte[0] = (s->dte[0] & ~PTE_RW) | host_rights[scene_random(s, 6)];
    }
    if (scene_one_in(s, 25)) {
        s->dte[0] &= ~(1ULL + scene_random(s, 3));      /* V, TV */
    }
    if (scene_one_in(s, 15)) {
        exclude(s);
    }
    if (scene_one_in(s, 12)) {
        s->control ^= CONTROL_GD_UPDATE_DIS |
            (scene_one_in(s, 2) ? CONTROL_GA_UPDATE_DIS : 0);
    }
}

void scene_build(Scene *s)
{
    static void (*const build[])(Scene *) = {
        build_host, build_guest, build_nested, build_nested,
    };

    s->pages = s->words = 0;
    memset(s->dte, 0, sizeof(s->dte));
    memset(s->host_at, 0, sizeof(s->host_at));
    memset(s->guest_at, 0, sizeof(s->guest_at));
    memset(s->gcr3_at, 0, sizeof(s->gcr3_at));
    s->excl_base = s->excl_limit = 0;
    s->devtab = DEVTAB | 0x1ff;
    s->control = CONTROL_SCENE | CONTROL_GT_EN |
                 (scene_one_in(s, 2) ? CONTROL_GCR3_TRP_MODE : 0);
    s->out = random_target(s);
    build[scene_random(s, s->settings.guest_levels ? 4 : 1)](s);
    s->dte[1] |= 1 + scene_random(s, 0xffff);
    s->dte[1] |= scene_one_in(s, 8) ? 0 : DTE1_I;
    s->dte[1] |= scene_one_in(s, 8) ? DTE1_SE : 0;
    s->dte[0] |= scene_one_in(s, 2) ? DTE_HAD(3)
                                    : DTE_HAD(scene_random(s, 2));
    vary(s);
    vary_page_requests(s);
    if (!scene_one_in(s, 3)) {
        build_interrupts(s);
    }
    for (unsigned int i = scene_one_in(s, 2) ? 0 : 1 + scene_random(s, 3);
         i; i--) {
        break_something(s);
    }
}

void scene_install(Scene *s)
{
    QTestState *qts = s->b->qts;

    for (unsigned int i = 0; i < s->words; i++) {
        qtest_writeq(qts, s->word[i], scene_get(s, s->word[i]));
    }
    for (int i = 0; i < 4; i++) {
        qtest_writeq(qts, DEVTAB + 32 * s->device + 8 * i, s->dte[i]);
    }
    reg_write(s->b, REG_CONTROL, CONTROL_SCENE);
    reg_write(s->b, REG_DEVTAB, s->devtab);
    reg_write(s->b, REG_EXCL_LIMIT, s->excl_limit);
    reg_write(s->b, REG_EXCL_BASE, s->excl_base);
    reg_write(s->b, REG_PPR_AUTO_RESPONSE, s->auto_response);
    reg_write(s->b, REG_PPR_EARLY, s->early);
    command(s->b, INVALIDATE_DEVTAB | s->device, 0);
    command(s->b, INVALIDATE_ALL, 0);
    reg_write(s->b, REG_CONTROL, s->control);
}

void scene_refresh(Scene *s)
{
    for (unsigned int i = 0; i < s->words; i++) {
        *copy_at(s, s->word[i]) = qtest_readq(s->b->qts, s->word[i]);
    }
}

void scene_clear(Scene *s)
{
    for (unsigned int i = 0; i < s->words; i++) {
        qtest_writeq(s->b->qts, s->word[i], 0);
    }
}
