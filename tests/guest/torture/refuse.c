/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scenarios about what a device must not do: each access has to be refused,
 * at the right byte, with nothing changed.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "torture.h"

enum { AREA = 64 << 10 };

void run_read_only(struct worker *worker);
void run_no_access(struct worker *worker);
void run_execute_only(struct worker *worker);
void run_unmapped(struct worker *worker);
void run_kernel_address(struct worker *worker);

/*
 * Run a descriptor with and without blocking on faults.  Either way it must
 * end in a fault of that direction after a number of bytes.
 */
static bool refused(struct worker *worker, struct dsa_descriptor *what,
                    uint8_t write, size_t done)
{
    struct dsa_record record = run(worker, what);
    bool good = expect_status(worker, &record, DSA_REFUSED | write);

    if (good && record.done != done) {
        fail(worker, "stopped after %#x bytes, not %#zx", record.done, done);
    }
    dont_block(what);
    record = run(worker, what);
    return expect_status(worker, &record, DSA_FAULT | write) && good;
}

/* Half of the target is writable; the rest is, or becomes, read-only. */
void run_read_only(struct worker *worker)
{
    uint8_t *area = map_small(2 * AREA, PROT_READ | PROT_WRITE);
    bool touched = pick(worker, 2);
    struct dsa_descriptor what = describe(DSA_FILL, 0x2222222222222222, area,
                                          2 * AREA);

    if (touched) {
        for (size_t i = 0; i < 2 * AREA; i += PAGE) {
            area[i] = 0x11;
        }
    }
    mprotect(area + AREA, AREA, PROT_READ);
    if (refused(worker, &what, DSA_STATUS_WRITE, AREA)) {
        prove(worker);
    }
    expect_bytes(worker, "writable half", area, AREA, 0x22);
    for (size_t i = AREA; i < 2 * AREA; i += PAGE) {
        expect_bytes(worker, "read-only page", area + i, 1,
                     touched ? 0x11 : 0);
        expect_bytes(worker, "read-only page", area + i + 1, PAGE - 1, 0);
    }
    munmap(area, 2 * AREA);
}

static void refused_both_ways(struct worker *worker, uint8_t *place)
{
    uint8_t *mine = map_small(AREA, PROT_READ | PROT_WRITE);
    struct dsa_descriptor reading = describe(DSA_MEMMOVE, (uintptr_t)place,
                                             mine, AREA);
    struct dsa_descriptor writing = describe(DSA_FILL, 1, place, AREA);

    memset(mine, 0x12, AREA);
    if (refused(worker, &reading, 0, 0) &&
        refused(worker, &writing, DSA_STATUS_WRITE, 0)) {
        prove(worker);
    }
    expect_bytes(worker, "target", mine, AREA, 0x12);
    munmap(mine, AREA);
}

void run_no_access(struct worker *worker)
{
    uint8_t *area = map_small(AREA, PROT_READ | PROT_WRITE);

    /* Present before, and perhaps in the device's own TLB. */
    area[0] = 0x42;
    if (pick(worker, 2)) {
        struct dsa_descriptor what = describe(DSA_COMPARE, (uintptr_t)area,
                                              area, AREA);

        run_well(worker, &what);
    }
    mprotect(area, AREA, PROT_NONE);
    refused_both_ways(worker, area);
    munmap(area, AREA);
}

/*
 * Execute-only memory: a page request for reading is refused.  On CPUs
 * without protection keys a page that is present can be read all the same,
 * because the page table cannot say otherwise.
 */
void run_execute_only(struct worker *worker)
{
    uint8_t *area = map_small(AREA, PROT_READ | PROT_WRITE);

    mprotect(area, AREA, PROT_EXEC);
    refused_both_ways(worker, area);
    munmap(area, AREA);
}

/* Memory the device has used a moment ago, and that is gone. */
void run_unmapped(struct worker *worker)
{
    uint8_t *area = mmap(private_place(worker), AREA, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                         -1, 0);
    struct dsa_descriptor what = describe(DSA_FILL, 1, area, AREA);

    if (area == MAP_FAILED) {
        return;
    }
    run_well(worker, &what);
    munmap(area, AREA);
    refused_both_ways(worker, area);
}

/* Where the kernel's text starts; 0 if /proc/kallsyms does not tell. */
static uint64_t kernel_text(void)
{
    FILE *file = fopen("/proc/kallsyms", "re");
    unsigned long address = 0;
    char name[64];

    while (file && fscanf(file, "%lx %*c %63[^\n]", &address, name) == 2) {
        if (strcmp(name, "_stext") == 0) {
            fclose(file);
            return address;
        }
    }
    if (file) {
        fclose(file);
    }
    return 0;
}

/*
 * The kernel's half is in the page table the device walks; only the
 * user/supervisor bit keeps the device out.  The fixed places hold with
 * "nokaslr" on the kernel's command line.
 */
void run_kernel_address(struct worker *worker)
{
    const uint64_t places[] = {
        kernel_text(),
        0xffff888000000000,    /* all memory */
        0xffffffffff600000,    /* vsyscall */
        0xfffffe0000000000,    /* descriptor tables, entry stacks */
        0xffffc90000000000,    /* vmalloc */
        0x0000800000000000,    /* not canonical with four levels */
    };
    int count = sizeof(places) / sizeof(places[0]);

    if (!places[0]) {
        fail(worker, "no _stext in /proc/kallsyms");
        return;
    }
    for (int i = 0; i < count; i++) {
        refused_both_ways(worker, (uint8_t *)places[i]);
    }
}
