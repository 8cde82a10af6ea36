/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How much work devices get done for a program; nothing is checked here but
 * success.  Descriptors go to the first queue.
 *
 *     sva-torture load disk PATH BYTES THREADS MS
 *         random reads past the page cache
 *     sva-torture load move BYTES DEPTH MS
 *         copies by the queue, DEPTH at a time, of memory that is there
 *     sva-torture load copy BYTES MS
 *         the same by the processor
 *     sva-torture load fault COUNT
 *         the queue fills pages that nobody has touched
 *     sva-torture load touch COUNT
 *         the same of pages that are there
 *
 * The first three print how many operations there were and the ns they took;
 * the others the ns of each, a line per page, in order.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

enum {
    MAX_THREADS = 16,
    MAX_DEPTH = 16,
    PATIENCE_S = 60,
    FILL_BYTES = 64,
};

static struct {
    int fd;
    size_t bytes;
    off_t blocks;
    uint64_t deadline;
    uint64_t done;
} disk;

static void die(const char *words)
{
    fprintf(stderr, "sva-torture: %s\n", words);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static uint64_t after_ms(const char *ms)
{
    return now() + strtoull(ms, NULL, 0) * 1000000;
}

/* Memory that begins at a page, and is there if so wanted */
static void *memory(size_t bytes, bool there)
{
    void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED) {
        die("no memory");
    }
    madvise(area, bytes, MADV_NOHUGEPAGE);
    if (there) {
        memset(area, 1, bytes);
    }
    return area;
}

static void print_rate(uint64_t operations, uint64_t began)
{
    printf("%" PRIu64 " %" PRIu64 "\n", operations, now() - began);
}

/* --- A disk ------------------------------------------------------------- */

static void *read_disk(void *argument)
{
    unsigned int seed = (intptr_t)argument;
    void *area = memory(disk.bytes, true);

    do {
        off_t block = rand_r(&seed) % disk.blocks;

        if (pread(disk.fd, area, disk.bytes, block * disk.bytes) !=
            (ssize_t)disk.bytes) {
            die("a read has failed");
        }
        __atomic_fetch_add(&disk.done, 1, __ATOMIC_RELAXED);
    } while (now() < disk.deadline);
    return NULL;
}

static void load_disk(char **words)
{
    int threads = atoi(words[2]);
    pthread_t thread[MAX_THREADS];
    uint64_t began;

    disk.fd = open(words[0], O_RDONLY | O_DIRECT);
    disk.bytes = strtoul(words[1], NULL, 0);
    if (disk.fd < 0 || !disk.bytes || threads < 1 || threads > MAX_THREADS) {
        die("no such disk, size or number of threads");
    }
    disk.blocks = lseek(disk.fd, 0, SEEK_END) / disk.bytes;
    if (disk.blocks < 1) {
        die("the disk is too small");
    }
    disk.deadline = after_ms(words[3]);
    began = now();
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, read_disk,
                           (void *)(intptr_t)(i + 1)) != 0) {
            die("no thread");
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    print_rate(disk.done, began);
}

/* --- A DSA queue -------------------------------------------------------- */

static struct dsa_queue open_queue(void)
{
    struct dsa_queue queue;
    char names[1][32];

    if (dsa_list(names, 1) < 1 || dsa_open(&queue, names[0]) != 0) {
        die("no queue");
    }
    return queue;
}

static void submit(struct dsa_queue *queue, enum dsa_opcode opcode,
                   uint64_t source, void *target, size_t bytes,
                   struct dsa_record *record)
{
    struct dsa_descriptor what = {
        .flags_opcode = (uint32_t)opcode << 24 | DSA_RECORD_VALID |
                        DSA_WANT_RECORD | DSA_BLOCK_ON_FAULT,
        .record = (uintptr_t)record,
        .source = source,
        .target = (uintptr_t)target,
        .size = bytes,
    };

    record->status = DSA_PENDING;
    dsa_submit(queue, &what);
}

static void await(struct dsa_record *record)
{
    if (!dsa_wait(record, PATIENCE_S) || record->status != DSA_SUCCESS) {
        die("a descriptor has failed");
    }
}

static void load_move(char **words)
{
    size_t bytes = strtoul(words[0], NULL, 0);
    int depth = atoi(words[1]);
    struct dsa_queue queue = open_queue();
    struct dsa_record *record = memory(PAGE, true);
    char *from, *to;
    uint64_t deadline, began, moved = 0;

    if (depth < 1 || depth > MAX_DEPTH) {
        die("no such depth");
    }
    from = memory(bytes * depth, true);
    to = memory(bytes * depth, true);
    deadline = after_ms(words[2]);
    began = now();
    for (int i = 0; i < depth; i++) {
        submit(&queue, DSA_MEMMOVE, (uintptr_t)(from + i * bytes),
               to + i * bytes, bytes, &record[i]);
    }
    for (int i = 0; now() < deadline; i = (i + 1) % depth) {
        await(&record[i]);
        moved++;
        submit(&queue, DSA_MEMMOVE, (uintptr_t)(from + i * bytes),
               to + i * bytes, bytes, &record[i]);
    }
    for (int i = 0; i < depth; i++) {
        await(&record[i]);
        moved++;
    }
    print_rate(moved, began);
    dsa_close(&queue);
}

static void load_copy(char **words)
{
    size_t bytes = strtoul(words[0], NULL, 0);
    char *from = memory(bytes, true), *to = memory(bytes, true);
    uint64_t deadline = after_ms(words[1]), began = now(), moved = 0;

    do {
        memcpy(to, from, bytes);
        __asm__ volatile("" : : "r"(to) : "memory");
        moved++;
    } while (now() < deadline);
    print_rate(moved, began);
}

/* Each page by a descriptor of its own; only what @there says is there */
static void load_pages(char **words, bool there)
{
    int count = atoi(words[0]);
    struct dsa_queue queue = open_queue();
    struct dsa_record *record = memory(PAGE, true);
    char *area = memory((size_t)count * PAGE, there);

    for (int i = 0; i < count; i++) {
        uint64_t began = now();

        submit(&queue, DSA_FILL, UINT64_C(0x0101010101010101),
               area + (size_t)i * PAGE, FILL_BYTES, record);
        await(record);
        printf("%" PRIu64 "\n", now() - began);
    }
    dsa_close(&queue);
}

static void load_fault(char **words)
{
    load_pages(words, false);
}

static void load_touch(char **words)
{
    load_pages(words, true);
}

static const struct {
    const char *name;
    int words;
    void (*run)(char **words);
} loads[] = {
    { "disk", 4, load_disk },
    { "move", 3, load_move },
    { "copy", 2, load_copy },
    { "fault", 1, load_fault },
    { "touch", 1, load_touch },
};

int load_main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]) && argc; i++) {
        if (argc == loads[i].words + 1 && strcmp(argv[0], loads[i].name) == 0) {
            loads[i].run(argv + 1);
            return 0;
        }
    }
    fprintf(stderr, "usage: sva-torture load disk PATH BYTES THREADS MS | "
            "move BYTES DEPTH MS |\n    copy BYTES MS | fault COUNT | "
            "touch COUNT\n");
    return 2;
}
