/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See isolation.h.  Entries are the numbers of spec/structures.md 1 to 4. */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "isolation.h"

#define ARENA 0x6000000ULL
#define FRAME_BASE 0x8000000ULL
#define FRAMES_A_REGION 32
#define REGION 0x200000ULL              /* what a large page maps */
#define VA_BASE 0x7f0000000000ULL
#define PAGES_A 6                       /* the others are in the next region */

#define FIRST_SLOT 6
#define TESTDEV_BAR(n) (0xe1000000ULL + (n) * 0x100000ULL)
#define RING_8 (8ULL << 56)

#define CONTROL_WORLD \
    (CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN | CONTROL_CMD_BUF_EN | \
     CONTROL_COHERENT | CONTROL_GT_EN)

/* Tables of a context, and those of a space behind the tables of all PASIDs */
enum { LEVEL_4, LEVEL_3, LEVEL_2, LEVEL_1A, LEVEL_1B, CONTEXT_TABLES };
enum {
    GCR3_ROOT = WORLD_PASIDS * CONTEXT_TABLES, GCR3_LOW, GCR3_HIGH, HOST_2,
    HOST_1A, HOST_1B, SPACE_TABLES
};
QEMU_BUILD_BUG_ON(WORLD_SPACES * SPACE_TABLES > WORLD_ARENA);

/* Guest entries */
#define G_P 1ULL
#define G_RW 2ULL
#define G_US 4ULL
#define G_PS 0x80ULL
#define G_NX (1ULL << 63)
#define G_ALL (G_P | G_RW | G_US)
/* DTE */
#define DTE_OPEN (PTE_RW | 3)
#define DTE_TV 2ULL
#define DTE_GV (1ULL << 55)
#define DTE_GLX_2_LEVELS (1ULL << 56)
#define DTE_I (1ULL << 32)

#define INVALIDATE_DEVTAB 0x2000000000000000ULL
#define INVALIDATE_PAGES 0x3000000000000000ULL
#define INVALIDATE_IOTLB 0x4000000000000000ULL
#define INVALIDATE_ALL 0x8000000000000000ULL
#define COMPLETION_WAIT_STORE (0x1000000000000001ULL | RESULT)
#define GN 4ULL
#define PDE_TOO 2ULL
#define ALL_ADDRESSES 0x7ffffffffffff001ULL

const uint32_t world_pasids[WORLD_CONTEXTS] = {
    1, 2, 3, 0x201, TESTDEV_NO_PASID,
};

static const unsigned int space_of[WORLD_DEVICES] = {
    WORLD_SHARED, WORLD_SHARED, WORLD_NESTED, WORLD_HOST,
};

/* How many sets of tables it has for its requests */
static unsigned int contexts_of(unsigned int space)
{
    return space == WORLD_HOST ? 1 : WORLD_PASIDS;
}

static uint16_t domain_of(unsigned int space)
{
    return 0x10 + space;
}

uint64_t world_va(unsigned int page)
{
    return page < PAGES_A ? VA_BASE + page * 0x1000ULL
                          : VA_BASE + REGION + (page - PAGES_A) * 0x1000ULL;
}

uint64_t world_frame(unsigned int frame)
{
    return FRAME_BASE + frame / FRAMES_A_REGION * REGION +
           frame % FRAMES_A_REGION * 0x1000ULL;
}

static uint64_t arena(unsigned int space, unsigned int n)
{
    return ARENA + (space * SPACE_TABLES + n) * 0x1000ULL;
}

static unsigned int context_table(unsigned int context, unsigned int level)
{
    return context * CONTEXT_TABLES + level;
}

static void set(World *w, unsigned int space, unsigned int table,
                unsigned int index, uint64_t value)
{
    uint64_t at = arena(space, table) + 8 * index;

    w->arena[(at - ARENA) / 0x1000][index] = value;
    qtest_writeq(w->b->qts, at, value);
}

/* The DTE of a device whose tables these are */
static void first_dte(unsigned int space, uint64_t dte[4])
{
    uint64_t root = arena(space, GCR3_ROOT);

    dte[0] = DTE_OPEN;
    dte[1] = domain_of(space) | DTE_I;
    if (space == WORLD_HOST) {
        dte[0] |= arena(space, LEVEL_4) | PTE_LEVEL(4);
        return;
    }
    dte[0] |= DTE_GV | DTE_GLX_2_LEVELS | (root >> 12 & 7) << 58;
    dte[1] |= (root >> 15 & 0xffff) << 16 | root >> 31 << 43;
    if (space == WORLD_NESTED) {
        dte[0] |= arena(space, HOST_2) | PTE_LEVEL(2);
    }
}

/* --- Choices ------------------------------------------------------------- */

#define HOT 150

static bool is_hot(World *w)
{
    if (!w->hot--) {
        w->hot = HOT;
        w->hot_device = world_random(w, WORLD_DEVICES);
        w->hot_context = world_random(w, WORLD_PASIDS);
        w->hot_page = world_random(w, WORLD_PAGES);
    }
    return world_random(w, 3);
}

unsigned int world_pick_device(World *w)
{
    return is_hot(w) ? w->hot_device : world_random(w, WORLD_DEVICES);
}

unsigned int world_pick_context(World *w)
{
    return is_hot(w) ? w->hot_context : world_random(w, WORLD_PASIDS);
}

unsigned int world_pick_page(World *w)
{
    return is_hot(w) ? w->hot_page : world_random(w, WORLD_PAGES);
}

static unsigned int pick_space(World *w)
{
    return space_of[world_pick_device(w)];
}

/* Of a space: the host's has only one */
static unsigned int pick_tables(World *w, unsigned int space)
{
    return space == WORLD_HOST ? 0 : world_pick_context(w);
}

/* --- The oracle ---------------------------------------------------------- */

typedef struct Question {
    World *w;
    const uint64_t *dte;
    uint64_t dte_at;
} Question;

/* Memory as the model sees it: tables, and nothing else */
static bool fetch(void *opaque, uint64_t spa, uint64_t *value)
{
    const Question *q = opaque;

    *value = 0;
    if (spa >= q->dte_at && spa < q->dte_at + 32) {
        *value = q->dte[(spa - q->dte_at) / 8];
    } else if (spa >= ARENA && spa < ARENA + WORLD_ARENA * 0x1000ULL) {
        *value = q->w->arena[(spa - ARENA) / 0x1000][spa % 0x1000 / 8];
    } else {
        return spa < MEMORY_SIZE;
    }
    return true;
}

/* Which frame this is; FRAMES if it is none */
static unsigned int frame_at(uint64_t spa)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        if (spa >> 12 == world_frame(i) >> 12) {
            return i;
        }
    }
    return FRAMES;
}

static void add_answer(World *w, const WorldDevice *d, const uint64_t *dte,
                       unsigned int context, unsigned int page,
                       unsigned int kind, Answers *answers)
{
    static unsigned long reached[NAIVE_ROWS];
    Question q = { .w = w, .dte = dte, .dte_at = DEVTAB + 32 * d->id };
    struct naive n = {
        .control = CONTROL_WORLD, .efr = w->efr, .devtab = DEVTAB | 0x1ff,
        .pa_bits = w->pa_bits, .kind = NAIVE_DMA, .device = d->id,
        .pasid = world_pasids[context], .addr = world_va(page),
        .read = kind % WORLD_PRIV != WORLD_WRITE,
        .write = kind % WORLD_PRIV == WORLD_WRITE,
        .exec = kind % WORLD_PRIV == WORLD_EXEC, .priv = kind >= WORLD_PRIV,
        .fetch = fetch, .opaque = &q, .reached = reached,
    };
    unsigned int frame = FRAMES;

    naive_translate(&n);
    if (n.outcome == NAIVE_PASSED) {
        frame = frame_at(n.out);
    }
    if (frame < FRAMES) {
        answers->frames |= 1ULL << frame;
    } else {
        answers->refused = true;
    }
}

/* What the tables say now, with each of the DTEs that may be in use */
static Answers answers_now(World *w, const WorldDevice *d,
                           unsigned int context, unsigned int page,
                           unsigned int kind)
{
    Answers answers = { 0 };

    for (unsigned int i = 0; i < d->versions; i++) {
        add_answer(w, d, d->dte[i], context, page, kind, &answers);
    }
    return answers;
}

static void add(Answers *to, Answers more)
{
    to->frames |= more.frames;
    to->refused |= more.refused;
}

/* Whether some DTE that may be in use lets such a request go to the tables */
static bool is_open(const WorldDevice *d, unsigned int context,
                    unsigned int kind)
{
    uint64_t need = DTE_TV | (context < WORLD_PASIDS ? DTE_GV : 0) |
                    (kind % WORLD_PRIV == WORLD_WRITE ? PTE_WRITE : PTE_READ);

    for (unsigned int i = 0; i < d->versions; i++) {
        if ((d->dte[i][0] & need) == need) {
            return true;
        }
    }
    return false;
}

/* The same, and what others of the domain may have been told */
static Answers answers(World *w, const WorldDevice *d, unsigned int context,
                       unsigned int page, unsigned int kind)
{
    Answers all = answers_now(w, d, context, page, kind);

    if (is_open(d, context, kind)) {
        all.frames |= w->of_space[d->space][context][page][kind].frames;
    }
    return all;
}

/* After a change, everything that was legal still is */
static void learn(World *w, WorldDevice *d)
{
    for (unsigned int c = 0; c < WORLD_CONTEXTS; c++) {
        for (unsigned int p = 0; p < WORLD_PAGES; p++) {
            for (unsigned int k = 0; k < WORLD_KINDS; k++) {
                Answers now = answers(w, d, c, p, k);

                add(&d->untranslated[c][p][k], now);
                add(&d->by_tlb[c][p][k], now);
            }
        }
    }
}

/* What the tables of a space say now to a device whose DTE is open */
static Answers answers_of_space(World *w, unsigned int space,
                                unsigned int context, unsigned int page,
                                unsigned int kind)
{
    WorldDevice any = { .id = FIRST_SLOT << 3, .space = space, .versions = 1 };

    first_dte(space, any.dte[0]);
    return answers_now(w, &any, context, page, kind);
}

static void learn_space(World *w, unsigned int space)
{
    for (unsigned int c = 0; c < WORLD_CONTEXTS; c++) {
        for (unsigned int p = 0; p < WORLD_PAGES; p++) {
            for (unsigned int k = 0; k < WORLD_KINDS; k++) {
                add(&w->of_space[space][c][p][k],
                    answers_of_space(w, space, c, p, k));
            }
        }
    }
    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        if (w->device[i].space == space) {
            learn(w, &w->device[i]);
        }
    }
}

/* Nothing older than now is legal by way of the IOMMU */
static void forget_page(World *w, WorldDevice *d, unsigned int context,
                        unsigned int page)
{
    for (unsigned int k = 0; k < WORLD_KINDS; k++) {
        d->untranslated[context][page][k] = answers(w, d, context, page, k);
    }
}

/* Nothing the IOMMU would not say is legal by way of the device TLB */
static void forget_tlb_page(WorldDevice *d, unsigned int context,
                            unsigned int page)
{
    memcpy(d->by_tlb[context][page], d->untranslated[context][page],
           sizeof(d->by_tlb[context][page]));
}

/* --- Tables -------------------------------------------------------------- */

static uint64_t pointer(unsigned int space, unsigned int table,
                        unsigned int next_level, uint64_t rights)
{
    uint64_t at = arena(space, table);

    return space == WORLD_HOST ? PDE(next_level, at, rights) : at | rights;
}

/* Rights of an entry on the way or of a leaf: mostly all */
static uint64_t random_rights(World *w, unsigned int space)
{
    static const uint64_t guest[] = {
        G_P | G_US, G_P | G_RW, G_P, G_ALL | G_NX, 0,
    };
    static const uint64_t host[] = { PTE_READ, PTE_WRITE, 0 };

    if (world_random(w, 5)) {
        return space == WORLD_HOST ? PTE_RW | 1 : G_ALL;
    }
    return space == WORLD_HOST ? host[world_random(w, ARRAY_SIZE(host))] | 1
                         : guest[world_random(w, ARRAY_SIZE(guest))];
}

static void set_leaf(World *w, unsigned int space, unsigned int context,
                     unsigned int page)
{
    bool second = page >= PAGES_A;
    uint64_t leaf = world_frame(world_random(w, FRAMES)) |
                    random_rights(w, space);

    set(w, space, context_table(context, second ? LEVEL_1B : LEVEL_1A),
        second ? page - PAGES_A : page,
        world_random(w, 6) ? leaf : leaf & ~1ULL);
}

/* The second region may be one large page */
static void set_level_2(World *w, unsigned int space, unsigned int context,
                        unsigned int index, uint64_t rights)
{
    uint64_t value = pointer(space, context_table(context, LEVEL_1A + index),
                             1, rights);

    if (index && world_random(w, 2)) {
        value = FRAME_BASE | rights | (space == WORLD_HOST ? 0 : G_PS);
    }
    set(w, space, context_table(context, LEVEL_2), index, value);
}

static unsigned int index_of(unsigned int level)
{
    return VA_BASE >> (3 + 9 * level) & 0x1ff;
}

static void set_upper(World *w, unsigned int space, unsigned int context,
                      unsigned int level, uint64_t rights)
{
    set(w, space, context_table(context, level == 4 ? LEVEL_4 : LEVEL_3),
        index_of(level),
        pointer(space, context_table(context, level == 4 ? LEVEL_3 : LEVEL_2),
                level - 1, rights));
}

/* Which tables a PASID has: its own, those of another one, or none */
static void set_gcr3(World *w, unsigned int space, unsigned int context,
                     unsigned int tables, bool valid)
{
    uint32_t pasid = world_pasids[context];

    set(w, space, pasid >> 9 ? GCR3_HIGH : GCR3_LOW, pasid & 0x1ff,
        arena(space, context_table(tables, LEVEL_4)) | valid);
}

/* Below the guest's tables: its frames may be any of ours, the rest is ours */
static void set_host_frame(World *w, unsigned int frame, uint64_t entry)
{
    set(w, WORLD_NESTED, frame < FRAMES_A_REGION ? HOST_1A : HOST_1B,
        frame % FRAMES_A_REGION, entry);
}

static void make_context(World *w, unsigned int space, unsigned int context)
{
    uint64_t all = space == WORLD_HOST ? PTE_RW | 1 : G_ALL;

    set_upper(w, space, context, 4, all);
    set_upper(w, space, context, 3, all);
    set_level_2(w, space, context, 0, all);
    set_level_2(w, space, context, 1, all);
    for (unsigned int page = 0; page < WORLD_PAGES; page++) {
        set_leaf(w, space, context, page);
    }
    if (space != WORLD_HOST) {
        set_gcr3(w, space, context, context, true);
    }
}

static void make_nested(World *w)
{
    for (unsigned int i = 0; i < MEMORY_SIZE / REGION; i++) {
        set(w, WORLD_NESTED, HOST_2, i, PTE_LEAF(i * REGION, PTE_RW));
    }
    for (unsigned int i = 0; i < 2; i++) {
        set(w, WORLD_NESTED, HOST_2, FRAME_BASE / REGION + i,
            PDE(1, arena(WORLD_NESTED, HOST_1A + i), PTE_RW));
    }
    for (unsigned int i = 0; i < FRAMES; i++) {
        set_host_frame(w, i, PTE_LEAF(world_frame(FRAMES - 1 - i), PTE_RW));
    }
}

static void make_tables(World *w)
{
    for (unsigned int space = 0; space < WORLD_SPACES; space++) {
        for (unsigned int i = 0; i < contexts_of(space); i++) {
            make_context(w, space, i);
        }
        set(w, space, GCR3_ROOT, 0, arena(space, GCR3_LOW) | 1);
        set(w, space, GCR3_ROOT, 1, arena(space, GCR3_HIGH) | 1);
    }
    make_nested(w);
}

/* --- DTEs ---------------------------------------------------------------- */

static void write_dte(World *w, const WorldDevice *d)
{
    for (unsigned int i = 0; i < 4; i++) {
        qtest_writeq(w->b->qts, DEVTAB + 32 * d->id + 8 * i,
                     d->dte[d->versions - 1][i]);
    }
}

static void invalidate_dte(World *w, WorldDevice *d)
{
    command(w->b, INVALIDATE_DEVTAB | d->id, 0);
    memcpy(d->dte[0], d->dte[d->versions - 1], sizeof(d->dte[0]));
    d->versions = 1;
}

/* What is in a DTE or is taken out of it: V stays, or all memory is open */
static void change_dte(World *w, WorldDevice *d)
{
    static const uint64_t bits[] = { PTE_READ, PTE_WRITE, DTE_TV, DTE_GV };
    uint64_t *dte;

    if (d->versions == DTE_VERSIONS) {
        invalidate_dte(w, d);
    }
    dte = d->dte[d->versions++];
    memset(dte, 0, sizeof(d->dte[0]));
    first_dte(d->space, dte);
    if (world_random(w, 3) == 0) {
        dte[0] &= ~bits[world_random(w, ARRAY_SIZE(bits))];
    }
    if (world_random(w, 8) == 0) {
        dte[1] &= ~DTE_I;
    }
    write_dte(w, d);
    learn(w, d);
}

/* --- Changes and invalidations ------------------------------------------- */

/* A frame of the nested guest: one that a page of @context is */
static unsigned int pick_frame(World *w, unsigned int context)
{
    unsigned int page = world_pick_page(w);
    bool second = page >= PAGES_A;
    uint64_t at = arena(WORLD_NESTED, context_table(
        context, second ? LEVEL_1B : LEVEL_1A));
    uint64_t leaf = w->arena[(at - ARENA) / 0x1000][second ? page - PAGES_A
                                                           : page];

    return frame_at(leaf & 0x000ffffffffff000ULL) % FRAMES;
}

static void forget_context(World *w, unsigned int space, unsigned int context,
                           uint32_t covered)
{
    for (unsigned int page = 0; page < WORLD_PAGES; page++) {
        for (unsigned int k = 0; k < WORLD_KINDS && covered >> page & 1; k++) {
            w->of_space[space][context][page][k] =
                answers_of_space(w, space, context, page, k);
        }
    }
    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        for (unsigned int page = 0; page < WORLD_PAGES; page++) {
            if (w->device[i].space == space && (covered >> page & 1)) {
                forget_page(w, &w->device[i], context, page);
            }
        }
    }
}

/* INVALIDATE_IOMMU_PAGES for a PASID of a domain, or for its host tables */
static void invalidate_pages(World *w, unsigned int space,
                             unsigned int context, uint64_t range,
                             bool directories)
{
    uint64_t pasid = context < WORLD_PASIDS ? world_pasids[context] : 0;

    command(w->b, INVALIDATE_PAGES | (uint64_t)domain_of(space) << 32 | pasid,
            range | (context < WORLD_PASIDS ? GN : 0) |
            (directories ? PDE_TOO : 0));
}

/* From here on directories are those in memory */
static void settle(World *w, unsigned int space)
{
    for (unsigned int c = 0; c < WORLD_PASIDS && space != WORLD_HOST; c++) {
        invalidate_pages(w, space, c, ALL_ADDRESSES, true);
        forget_context(w, space, c, UINT32_MAX);
    }
    if (space == WORLD_HOST) {
        invalidate_pages(w, space, WORLD_PASIDS, ALL_ADDRESSES, true);
        forget_context(w, space, WORLD_PASIDS, UINT32_MAX);
    }
    w->unsettled[space] = false;
}

/* A pointer to another table, its rights, or a large page instead */
static void change_directory(World *w, unsigned int space,
                             unsigned int context)
{
    switch (world_random(w, 4)) {
    case 0:
        set_upper(w, space, context, 3 + world_random(w, 2),
                  random_rights(w, space));
        break;
    case 1:
        if (space != WORLD_HOST) {
            set_gcr3(w, space, context, world_random(w, 2) ? context
                     : world_random(w, WORLD_PASIDS), world_random(w, 6));
        }
        break;
    default:
        set_level_2(w, space, context, world_random(w, 3) > 0,
                    random_rights(w, space));
        break;
    }
    w->unsettled[space] = true;
}

static void change_tables(World *w)
{
    unsigned int space = pick_space(w);
    unsigned int context = pick_tables(w, space);
    unsigned int choice = world_random(w, 9);

    if (choice == 4) {
        space = WORLD_NESTED;
    }
    if (w->unsettled[space]) {
        settle(w, space);
    }
    if (choice < 4) {
        change_directory(w, space, context);
    } else if (choice == 4) {
        set_host_frame(w, pick_frame(w, context),
                       world_frame(world_random(w, FRAMES)) |
                       random_rights(w, WORLD_HOST));
    } else {
        set_leaf(w, space, context, world_pick_page(w));
    }
    learn_space(w, space);
}

void world_change(World *w)
{
    if (world_random(w, 6) == 0) {
        change_dte(w, &w->device[world_pick_device(w)]);
    } else {
        change_tables(w);
    }
}

/* One page, one region, or everything: the address, and S; what it covers */
static uint64_t random_range(World *w, uint32_t *covered)
{
    unsigned int page = world_pick_page(w);

    switch (world_random(w, 3)) {
    case 0:
        *covered = 1u << page;
        return world_va(page);
    case 1:
        *covered = page < PAGES_A ? (1u << PAGES_A) - 1
                                  : (1u << WORLD_PAGES) - (1u << PAGES_A);
        return (world_va(page) & ~(REGION - 1)) | (REGION / 2 - 0x1000) | 1;
    default:
        *covered = (1u << WORLD_PAGES) - 1;
        return ALL_ADDRESSES;
    }
}

/* Whether a command is to drop directories, too: not if they are as before */
static bool with_directories(World *w, unsigned int space)
{
    return w->unsettled[space] || world_random(w, 2);
}

/* One PASID of one domain */
static void invalidate_pasid(World *w)
{
    unsigned int space = pick_space(w);
    unsigned int context = world_pick_context(w);
    uint32_t covered;
    uint64_t range = random_range(w, &covered);

    invalidate_pages(w, space, context, range, with_directories(w, space));
    forget_context(w, space, context, covered);
}

/*
 * And without: addresses of the host tables.  All of them also drop what is
 * nested; a range is of other addresses there, which the oracle leaves open.
 */
static void invalidate_domain(World *w)
{
    unsigned int space = pick_space(w);
    uint32_t covered;
    uint64_t range = random_range(w, &covered);

    invalidate_pages(w, space, WORLD_PASIDS, range,
                     with_directories(w, space));
    forget_context(w, space, WORLD_PASIDS, covered);
    if (space == WORLD_NESTED && range == ALL_ADDRESSES) {
        for (unsigned int c = 0; c < WORLD_PASIDS; c++) {
            forget_context(w, space, c, covered);
        }
    }
}

static void invalidate_tlb(World *w)
{
    WorldDevice *d = &w->device[world_pick_device(w)];
    unsigned int context = d->space == WORLD_HOST ? WORLD_PASIDS
                                                  : world_pick_context(w);
    uint32_t pasid = context < WORLD_PASIDS ? world_pasids[context] : 0;
    uint32_t covered;
    uint64_t range = random_range(w, &covered);

    command(w->b, INVALIDATE_IOTLB | (uint64_t)(pasid & 0xff) << 48 |
            0x20000000 | (uint64_t)(pasid >> 8 & 0xff) << 16 | d->id,
            range | (context < WORLD_PASIDS ? GN : 0));
    for (unsigned int page = 0; page < WORLD_PAGES; page++) {
        if (covered >> page & 1) {
            forget_tlb_page(d, context, page);
        }
    }
}

static void invalidate_all(World *w)
{
    command(w->b, INVALIDATE_ALL, 0);
    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        invalidate_dte(w, &w->device[i]);
    }
    for (unsigned int space = 0; space < WORLD_SPACES; space++) {
        for (unsigned int c = 0; c < WORLD_CONTEXTS; c++) {
            forget_context(w, space, c, UINT32_MAX);
        }
        w->unsettled[space] = false;
    }
}

void world_invalidate(World *w)
{
    static uint64_t number;

    switch (world_random(w, 12)) {
    case 0:
        invalidate_all(w);
        break;
    case 1:
    case 2:
        invalidate_domain(w);
        break;
    case 3:
        invalidate_dte(w, &w->device[world_random(w, WORLD_DEVICES)]);
        break;
    case 4 ... 7:
        invalidate_tlb(w);
        break;
    default:
        invalidate_pasid(w);
        break;
    }
    command(w->b, COMPLETION_WAIT_STORE, ++number);
    g_assert_cmphex(qtest_readq(w->b->qts, RESULT), ==, number);
}

/* --- Memory -------------------------------------------------------------- */

static void compare(World *w, uint64_t at, const uint64_t *expected,
                    uint64_t ignored)
{
    uint64_t found[512];

    qtest_bufread(w->b->qts, at, found, sizeof(found));
    for (unsigned int i = 0; i < ARRAY_SIZE(found); i++) {
        g_assert_cmphex(le64_to_cpu(found[i]) & ~ignored, ==,
                        expected[i] & ~ignored);
    }
}

void world_assert_memory(World *w)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        compare(w, world_frame(i), w->data[i], 0);
    }
    for (unsigned int i = 0; i < WORLD_SPACES * SPACE_TABLES; i++) {
        /* A and D */
        compare(w, ARENA + i * 0x1000ULL, w->arena[i], 0x60);
    }
}

/* Every word is different, so that one tells where it comes from */
static void fill_frames(World *w)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        for (unsigned int j = 0; j < FRAME_WORDS; j++) {
            w->data[i][j] = (uint64_t)(i + 1) << 32 | (j + 1);
        }
        qtest_bufwrite(w->b->qts, world_frame(i), w->data[i],
                       sizeof(w->data[i]));
    }
}

/* --- The machine --------------------------------------------------------- */

static void make_device(World *w, unsigned int n)
{
    WorldDevice *d = &w->device[n];

    d->id = (FIRST_SLOT + n) << 3;
    d->space = space_of[n];
    d->t = testdev_find(w->b->qts, d->id, TESTDEV_BAR(n));
    testdev_enable(d->t, 0);
    d->versions = 1;
    first_dte(d->space, d->dte[0]);
    write_dte(w, d);
}

World *world_start(const char *options, uint32_t seed)
{
    GString *line = g_string_new("");
    World *w = g_new0(World, 1);

    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        g_string_append_printf(line, "-device svm-testdev,addr=%02x.0,"
                               "tlb-entries=16 ", FIRST_SLOT + i);
    }
    w->b = bench_start(options, line->str);
    g_string_free(line, true);
    w->rand = g_rand_new_with_seed(seed);
    w->efr = reg_read(w->b, REG_EFR);
    w->pa_bits = config_read(w->b, IOMMU_ID, config_find(
        w->b, IOMMU_ID, 0x0f) + 0x10) >> 8 & 0x7f;
    fill_frames(w);
    make_tables(w);
    bench_set_bases(w->b);
    reg_write(w->b, REG_CONTROL, CONTROL_WORLD);
    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        make_device(w, i);
    }
    /* Nothing was legal before */
    invalidate_all(w);
    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        memcpy(w->device[i].by_tlb, w->device[i].untranslated,
               sizeof(w->device[i].by_tlb));
    }
    return w;
}

void world_stop(World *w)
{
    for (unsigned int i = 0; i < WORLD_DEVICES; i++) {
        g_free(w->device[i].t);
    }
    bench_stop(w->b);
    g_rand_free(w->rand);
    g_free(w);
}
