/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only processor against the IOMMU: a device writes a page, for which the
 * IOMMU marks table entries, while the processor changes the same entries.
 * QEMU may take the processor for the only one who changes memory and do
 * without atomic accesses; a mark is then lost.  Each line counts something
 * that must not be.
 */
#include "iommu.h"
#include "nvme.h"
#include "payload.h"

#define ROUNDS 2000
#define FLIPS 16
#define DOMAIN 0x2a
/* An I/O virtual address with a table entry of its own, above all memory */
#define WINDOW (512ULL << 20)
#define WORDS 512
/* Host tables, spec/structures.md 3: level 2 is the root, IR IW TV V */
#define RIGHTS (6ULL << 60 | 1)
#define NEXT_1 (1 << 9)
#define DTE_0 (6ULL << 60 | 3 | 2 << 9 | 3 << 7)
#define IGNORED 2ULL
#define ACCESSED 0x20ULL
#define DIRTY 0x40ULL

#define TABLE(name) static uint64_t name[WORDS] __attribute__((aligned(4096)))
TABLE(level_2);
TABLE(level_1);
TABLE(page);

static unsigned int unmarked, lost, failed;

static void set_tables(void)
{
    uint64_t dte[4] = { DTE_0 | (uint64_t)level_2, DOMAIN, 0, 0 };

    for (uint64_t i = 0; i < WORDS; i++) {
        level_2[i] = i << 21 | RIGHTS;
    }
    level_2[WINDOW >> 21] = (uint64_t)level_1 | RIGHTS | NEXT_1;
    level_1[0] = (uint64_t)page | RIGHTS;
    iommu_set_dte(NVME_ID, dte);
}

/*
 * Flip a bit that means nothing, an even number of times, and with little
 * else to do in between: as it was, unless a flip was lost
 */
static void flip(uint64_t *entry)
{
    for (int i = 0; i < FLIPS; i++) {
        asm volatile(".rept 16\n\t lock xorq %1, %0\n\t .endr"
                     : "+m"(*entry) : "i"(IGNORED) : "cc");
    }
    lost += (*entry & IGNORED) != 0;
}

static void write_and_flip(void)
{
    uint64_t event[2];

    __atomic_fetch_and(&level_1[0], ~(DIRTY | ACCESSED), __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&level_2[WINDOW >> 21], ~ACCESSED, __ATOMIC_SEQ_CST);
    iommu_invalidate_host(DOMAIN, WINDOW);
    nvme_begin_write(WINDOW);
    do {
        flip(&level_1[0]);
        flip(&level_2[WINDOW >> 21]);
    } while (!nvme_end_write());
    unmarked += !(level_1[0] & DIRTY) || !(level_1[0] & ACCESSED) ||
                !(level_2[WINDOW >> 21] & ACCESSED);
    failed += iommu_take_events(event);
}

void other_main(unsigned int number)
{
    (void)number;
}

void main(void)
{
    iommu_start();
    nvme_start();
    set_tables();
    for (int i = 0; i < ROUNDS; i++) {
        write_and_flip();
    }
    report("unmarked-writes", (int)unmarked);
    report("lost-changes", (int)lost);
    report("faults", (int)failed);
    finish();
}
