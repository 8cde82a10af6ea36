/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Races of processors with the IOMMU: an NVMe controller writes a page through
 * a table entry over and over, while processors change that entry.
 *
 * Processor 0 drives the controller, the others change entries or flush.  Each
 * line of output counts something that must not be, unless it says otherwise.
 */
#include "iommu.h"
#include "nvme.h"
#include "payload.h"

#define PROCESSORS 4
#define ROUNDS 400
#define MOST_ROUNDS 40000
#define DOMAIN 0x2a
/* An I/O virtual address with a table entry of its own, above all memory */
#define WINDOW (1ULL << 30)
#define CANARY 0x5a5a5a5a5a5a5a5aULL
#define WORDS 512
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* What differs between host and guest tables; spec/structures.md 3, 4 */
typedef struct Format {
    const char *name;
    bool guest;
    uint64_t rights;            /* of every entry */
    uint64_t large;             /* in a leaf of 2 MiB */
    uint64_t next_2, next_1;    /* in a pointer to a table of that level */
    uint64_t present, accessed, dirty;
    uint64_t ignored[2];        /* one bit each */
    uint64_t dte[2];            /* besides roots */
} Format;

static const Format formats[] = {
    { .name = "host", .rights = 6ULL << 60 | 1, .next_2 = 2 << 9,
      .next_1 = 1 << 9, .present = 1, .accessed = 0x20, .dirty = 0x40,
      .ignored = { 2, 4 },
      /* V, TV, HAD=3, Mode=3, IR, IW */
      .dte = { 6ULL << 60 | 3 << 9 | 3 << 7 | 3, DOMAIN } },
    { .name = "guest", .guest = true, .rights = 7, .large = 0x80,
      .present = 1, .accessed = 0x20, .dirty = 0x40,
      .ignored = { 1 << 9, 1 << 10 },
      /* V, TV, GIoV, GV, IR, IW */
      .dte = { 6ULL << 60 | 3ULL << 54 | 3, DOMAIN } },
};


#define TABLE(name) static uint64_t name[WORDS] __attribute__((aligned(4096)))
TABLE(gcr3);
TABLE(level_4);
TABLE(level_3);
TABLE(low);                     /* level 2, all memory one to one */
TABLE(high);                    /* level 2, of WINDOW */
TABLE(level_1);
static volatile uint64_t page[2][WORDS] __attribute__((aligned(4096)));

static const Format *format;
static volatile bool stop;
/* What the other processors found wrong */
static volatile unsigned int wrong;

static uint64_t entry_of(const volatile uint64_t *target)
{
    return (uint64_t)target | format->rights;
}

static void set_tables(const Format *f)
{
    uint64_t root = (uint64_t)(f->guest ? gcr3 : level_3);
    uint64_t dte[4] = { f->dte[0], f->dte[1], 0, 0 };

    format = f;
    gcr3[0] = (uint64_t)level_4 | 1;
    level_4[0] = entry_of(level_3);
    level_3[0] = entry_of(low) | f->next_2;
    level_3[1] = entry_of(high) | f->next_2;
    high[0] = entry_of(level_1) | f->next_1;
    level_1[0] = entry_of(page[0]);
    for (uint64_t i = 0; i < WORDS; i++) {
        low[i] = i << 21 | f->rights | f->large;
    }
    if (f->guest) {
        dte[0] |= (root >> 12 & 7) << 58;
        dte[1] |= (root >> 15 & 0xffff) << 16;
    } else {
        dte[0] |= root;
    }
    iommu_set_dte(NVME_ID, dte);
    iommu_invalidate(DOMAIN, f->guest, WINDOW);
}

/* Wait until all processors have come here */
static void barrier(void)
{
    static uint32_t arrived, round;
    uint32_t now = __atomic_load_n(&round, __ATOMIC_ACQUIRE);

    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == PROCESSORS) {
        __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&round, now + 1, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&round, __ATOMIC_ACQUIRE) == now) {
        __builtin_ia32_pause();
    }
}

static void result(const char *name, unsigned int value)
{
    char line[40];
    size_t len = 0;

    for (const char *c = format->name; *c; c++) {
        line[len++] = *c;
    }
    line[len++] = '-';
    while (*name) {
        line[len++] = *name++;
    }
    line[len] = '\0';
    report(line, (int)value);
}

static void fill(volatile uint64_t *words)
{
    for (int i = 0; i < WORDS; i++) {
        words[i] = CANARY;
    }
}

static unsigned int written(const volatile uint64_t *words)
{
    unsigned int count = 0;

    for (int i = 0; i < WORDS; i++) {
        count += words[i] != CANARY;
    }
    return count;
}

/*
 * Flip a bit that means nothing.  Nobody else does, so it must be as it was
 * left: an update that is not atomic would bring back an older one.
 */
static void flip(uint64_t *entry, uint64_t bit)
{
    bool set = __atomic_load_n(entry, __ATOMIC_RELAXED) & bit;

    while (!stop) {
        bool was = __atomic_fetch_xor(entry, bit, __ATOMIC_SEQ_CST) & bit;

        if (was != set) {
            wrong++;
        }
        set = !was;
    }
}

/* A page that is written is marked so, whatever happens to the entry */
static bool write_and_look(void)
{
    __atomic_fetch_and(&level_1[0], ~(format->dirty | format->accessed),
                       __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&high[0], ~format->accessed, __ATOMIC_SEQ_CST);
    iommu_invalidate(DOMAIN, format->guest, WINDOW);
    fill(page[0]);
    nvme_write_page(WINDOW);
    return written(page[0]) == WORDS &&
           (level_1[0] & format->dirty) && (level_1[0] & format->accessed) &&
           (high[0] & format->accessed);
}

static void race_updates(unsigned int processor)
{
    unsigned int bad = 0;
    uint64_t event[2];

    barrier();
    if (processor == 1) {
        flip(&level_1[0], format->ignored[0]);
    } else if (processor == 2) {
        flip(&level_1[0], format->ignored[1]);
    } else if (processor == 3) {
        flip(&high[0], format->ignored[0]);
    } else {
        for (int i = 0; i < ROUNDS; i++) {
            bad += !write_and_look();
        }
        stop = true;
    }
    barrier();
    if (processor == 0) {
        result("unmarked-writes", bad);
        result("lost-changes", wrong);
        result("faults", iommu_take_events(event));
    }
}

/* Move WINDOW to and fro; what it has left must not be written any more */
static void move(void)
{
    for (int now = 0; !stop; now = !now) {
        __atomic_store_n(&level_1[0], entry_of(page[!now]), __ATOMIC_SEQ_CST);
        iommu_invalidate(DOMAIN, format->guest, WINDOW);
        fill(page[now]);
        for (int i = 0; i < 200; i++) {
            __builtin_ia32_pause();
        }
        if (written(page[now])) {
            wrong++;
        }
    }
}

static void race_flush(unsigned int processor)
{
    uint64_t event[2];

    barrier();
    if (processor == 1) {
        move();
    } else if (processor == 0) {
        for (int i = 0; i < ROUNDS; i++) {
            nvme_write_page(WINDOW);
        }
        stop = true;
    }
    barrier();
    if (processor == 0) {
        result("faults-while-moving", iommu_take_events(event));
        result("writes-after-flush", wrong);
    }
}

static void toggle_present(void)
{
    while (!stop) {
        __atomic_fetch_xor(&level_1[0], format->present, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 20 && !stop; i++) {
            __builtin_ia32_pause();
        }
    }
}

/* IO_PAGE_FAULT of this device, a write, not present; where it happened */
static bool is_expected(const uint64_t event[2])
{
    uint64_t flags = format->guest ? 0x25 : 0x20;
    uint64_t who = format->guest ? 0 : (uint64_t)DOMAIN << 32;

    return event[0] == (2ULL << 60 | flags << 48 | who | NVME_ID) &&
           event[1] - WINDOW < sizeof(page[0]);
}

/*
 * One write, and its events.  QEMU moves a page in pieces once the first one
 * has failed; part of it may arrive then, and pieces that come late because
 * the host was busy are new failures.
 */
static bool write_and_count(bool *failed)
{
    unsigned int events;
    uint64_t event[2];

    fill(page[0]);
    nvme_write_page(WINDOW);
    *failed = written(page[0]) < WORDS;
    events = iommu_take_events(event);
    return *failed ? events && is_expected(event) : !events;
}

static void race_faults(unsigned int processor)
{
    unsigned int bad = 0, lost = 0, rounds = 0;
    bool failed;

    barrier();
    if (processor == 1) {
        toggle_present();
    } else if (processor == 0) {
        /* Longer if the host lets one processor run alone for a while */
        while (rounds < ROUNDS ||
               ((lost == 0 || lost == rounds) && rounds < MOST_ROUNDS)) {
            bad += !write_and_count(&failed);
            lost += failed;
            rounds++;
            iommu_invalidate(DOMAIN, format->guest, WINDOW);
        }
        stop = true;
    }
    barrier();
    if (processor == 0) {
        result("wrong-events", bad);
        result("has-both-outcomes", lost && lost < rounds);
    }
}

static void (*const races[])(unsigned int processor) = {
    race_updates, race_flush, race_faults,
};

/* All races with both formats */
static void run(unsigned int processor)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats) * ARRAY_SIZE(races); i++) {
        barrier();
        if (processor == 0) {
            stop = false;
            wrong = 0;
            set_tables(&formats[i / ARRAY_SIZE(races)]);
        }
        barrier();
        races[i % ARRAY_SIZE(races)](processor);
    }
}

void other_main(unsigned int number)
{
    run(number);
}

void main(void)
{
    volatile uint32_t *apic_command = (uint32_t *)0xfee00300;

    /* Initialize all others, then start them at f0000h */
    *apic_command = 0x000c4500;
    *apic_command = 0x000c46f0;
    iommu_start();
    nvme_start();
    run(0);
    finish();
}
