/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Races of processors with the IOMMU: a device writes a page through a table
 * entry over and over, while processors change that entry.
 *
 * Processor 0 drives the device, the others change entries or flush.  Each
 * line of output counts something that must not be, unless it says otherwise.
 */
#include "iommu.h"
#include "nvme.h"
#include "payload.h"
#include "testdev.h"

#define PROCESSORS 4
#define ROUNDS 400
#define MOST_ROUNDS 40000
#define MOVES 200
#define DOMAIN 0x2a
/* An I/O virtual address with a table entry of its own, above all memory */
#define WINDOW (1ULL << 30)
#define WORDS 512
/* What QEMU moves at once of a DMA that fails: in no written page is CANARY */
#define PIECES 1024
#define CANARY 0x5a5a5a5aU
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* Entries of host and guest tables: spec/structures.md 3, 4 */
typedef struct Format {
    uint64_t rights;            /* of every entry */
    uint64_t large;             /* in a leaf of 2 MiB */
    uint64_t next_2, next_1;    /* in a pointer to a table of that level */
    uint64_t ignored[2];        /* one bit each */
} Format;

static const Format host_format = {
    .rights = 6ULL << 60 | 1, .next_2 = 2 << 9, .next_1 = 1 << 9,
    .ignored = { 2, 4 },
};
static const Format guest_format = {
    .rights = 7, .large = 0x80, .ignored = { 1 << 9, 1 << 10 },
};
/* The same in both */
#define PRESENT 1ULL
#define ACCESSED 0x20ULL
#define DIRTY 0x40ULL

/* Who writes, and by which way */
typedef struct Setup {
    const char *name;
    const Format *format;
    uint16_t device_id;
    bool guest, ats;
    uint32_t pasid;
    uint64_t dte[2];            /* besides roots */
    void (*write_page)(uint64_t address);
    void (*write_often)(uint64_t address, unsigned int count);
} Setup;

#define IR_IW_TV_V (6ULL << 60 | 3)
#define GIOV_GV (3ULL << 54)
#define GV (1ULL << 55)
#define MODE_3_HAD_3 (3 << 9 | 3 << 7)
#define DTE1_I (1ULL << 32)

static const Setup setups[] = {
    { .name = "host", .format = &host_format, .device_id = NVME_ID,
      .dte = { IR_IW_TV_V | MODE_3_HAD_3, DOMAIN },
      .write_page = nvme_write_page, .write_often = nvme_write_often },
    { .name = "guest", .format = &guest_format, .device_id = NVME_ID,
      .guest = true, .dte = { IR_IW_TV_V | GIOV_GV, DOMAIN },
      .write_page = nvme_write_page, .write_often = nvme_write_often },
    { .name = "pasid", .format = &guest_format, .device_id = TESTDEV_ID,
      .guest = true, .pasid = TESTDEV_PASID,
      .dte = { IR_IW_TV_V | GV, DOMAIN },
      .write_page = testdev_write_page, .write_often = testdev_write_often },
    { .name = "ats", .format = &guest_format, .device_id = TESTDEV_ID,
      .guest = true, .ats = true, .pasid = TESTDEV_PASID,
      .dte = { IR_IW_TV_V | GV, DOMAIN | DTE1_I },
      .write_page = testdev_write_page_ats,
      .write_often = testdev_write_often_ats },
};

#define TABLE(name) static uint64_t name[WORDS] __attribute__((aligned(4096)))
TABLE(gcr3);
TABLE(level_4);
TABLE(level_3);
TABLE(low);                     /* level 2, all memory one to one */
TABLE(high);                    /* level 2, of WINDOW */
TABLE(level_1);
static volatile uint32_t page[2][PIECES] __attribute__((aligned(4096)));

static const Setup *setup;
static volatile bool stop;
/* How often WINDOW was moved */
static volatile unsigned int moves;
/* What the other processors found wrong */
static volatile unsigned int wrong;

static uint64_t entry_of(const volatile void *target)
{
    return (uint64_t)target | setup->format->rights;
}

/* As software does it: the IOMMU first, then the device */
static void flush(void)
{
    if (setup->guest) {
        iommu_invalidate_guest(DOMAIN, setup->pasid, WINDOW);
    } else {
        iommu_invalidate_host(DOMAIN, WINDOW);
    }
    if (setup->ats) {
        iommu_invalidate_device(setup->device_id, setup->pasid, WINDOW);
    }
}

static void set_tables(const Setup *next)
{
    const Format *f = next->format;
    uint64_t root = (uint64_t)(next->guest ? gcr3 : level_3);
    uint64_t dte[4] = { next->dte[0], next->dte[1], 0, 0 };

    setup = next;
    gcr3[setup->pasid] = (uint64_t)level_4 | 1;
    level_4[0] = entry_of(level_3);
    level_3[0] = entry_of(low) | f->next_2;
    level_3[1] = entry_of(high) | f->next_2;
    high[0] = entry_of(level_1) | f->next_1;
    level_1[0] = entry_of(page[0]);
    for (uint64_t i = 0; i < WORDS; i++) {
        low[i] = i << 21 | f->rights | f->large;
    }
    if (setup->guest) {
        dte[0] |= (root >> 12 & 7) << 58;
        dte[1] |= (root >> 15 & 0xffff) << 16;
    } else {
        dte[0] |= root;
    }
    iommu_set_dte(setup->device_id, dte);
    flush();
}

static void result(const char *name, unsigned int value)
{
    char line[40];
    size_t len = 0;

    for (const char *c = setup->name; *c; c++) {
        line[len++] = *c;
    }
    line[len++] = '-';
    while (*name) {
        line[len++] = *name++;
    }
    line[len] = '\0';
    report(line, (int)value);
}

static void fill(volatile uint32_t *pieces)
{
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = CANARY;
    }
}

static unsigned int written(const volatile uint32_t *pieces)
{
    unsigned int count = 0;

    for (int i = 0; i < PIECES; i++) {
        count += pieces[i] != CANARY;
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
    __atomic_fetch_and(&level_1[0], ~(DIRTY | ACCESSED),
                       __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&high[0], ~ACCESSED, __ATOMIC_SEQ_CST);
    flush();
    fill(page[0]);
    setup->write_page(WINDOW);
    return written(page[0]) == PIECES &&
           (level_1[0] & DIRTY) && (level_1[0] & ACCESSED) &&
           (high[0] & ACCESSED);
}

static void race_updates(unsigned int processor)
{
    unsigned int bad = 0;
    uint64_t event[2];

    barrier(PROCESSORS);
    if (processor == 1) {
        flip(&level_1[0], setup->format->ignored[0]);
    } else if (processor == 2) {
        flip(&level_1[0], setup->format->ignored[1]);
    } else if (processor == 3) {
        flip(&high[0], setup->format->ignored[0]);
    } else {
        for (int i = 0; i < ROUNDS; i++) {
            bad += !write_and_look();
        }
        stop = true;
    }
    barrier(PROCESSORS);
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
        flush();
        fill(page[now]);
        for (int i = 0; i < 200; i++) {
            __builtin_ia32_pause();
        }
        if (written(page[now])) {
            wrong++;
        }
        moves++;
    }
}

static void race_flush(unsigned int processor)
{
    uint64_t event[2];

    barrier(PROCESSORS);
    if (processor == 1) {
        move();
    } else if (processor == 0) {
        while (moves < MOVES) {
            setup->write_often(WINDOW, ROUNDS);
        }
        stop = true;
    }
    barrier(PROCESSORS);
    if (processor == 0) {
        result("faults-while-moving", iommu_take_events(event));
        result("writes-after-flush", wrong);
    }
}

static void toggle_present(void)
{
    while (!stop) {
        __atomic_fetch_xor(&level_1[0], PRESENT, __ATOMIC_SEQ_CST);
        for (int i = 0; i < 20 && !stop; i++) {
            __builtin_ia32_pause();
        }
    }
}

/* IO_PAGE_FAULT of this device, a write, not present; where it happened */
static bool is_expected(const uint64_t event[2])
{
    uint64_t flags = setup->guest ? 0x25 : 0x20;
    uint64_t who = setup->guest ? setup->pasid : DOMAIN;

    return event[0] == (2ULL << 60 | flags << 48 | who << 32 |
                        setup->device_id) &&
           event[1] - WINDOW < sizeof(page[0]);
}

/*
 * One write, and its events: none if all of it arrived, else at least one.
 * QEMU moves a page in pieces once the first one has failed.  The entry may be
 * present again as early as for the second piece, so a failure may be known by
 * a single piece that is not written; and pieces that come late because the
 * host was busy are new failures.  Translation requests have no events.
 */
static bool write_and_count(bool *failed)
{
    unsigned int events;
    uint64_t event[2];

    fill(page[0]);
    setup->write_page(WINDOW);
    *failed = written(page[0]) < PIECES;
    events = iommu_take_events(event);
    return *failed && !setup->ats ? events && is_expected(event) : !events;
}

static void race_faults(unsigned int processor)
{
    unsigned int bad = 0, lost = 0, rounds = 0;
    bool failed;

    barrier(PROCESSORS);
    if (processor == 1) {
        toggle_present();
    } else if (processor == 0) {
        /* Longer if the host lets one processor run alone for a while */
        while (rounds < ROUNDS ||
               ((lost == 0 || lost == rounds) && rounds < MOST_ROUNDS)) {
            bad += !write_and_count(&failed);
            lost += failed;
            rounds++;
            flush();
        }
        stop = true;
    }
    barrier(PROCESSORS);
    if (processor == 0) {
        result("wrong-events", bad);
        result("has-both-outcomes", lost && lost < rounds);
    }
}

static void (*const races[])(unsigned int processor) = {
    race_updates, race_flush, race_faults,
};

/* All races with each setup */
static void run(unsigned int processor)
{
    for (size_t i = 0; i < ARRAY_SIZE(setups) * ARRAY_SIZE(races); i++) {
        barrier(PROCESSORS);
        if (processor == 0) {
            stop = false;
            wrong = moves = 0;
            set_tables(&setups[i / ARRAY_SIZE(races)]);
        }
        barrier(PROCESSORS);
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
    testdev_start();
    run(0);
    finish();
}
