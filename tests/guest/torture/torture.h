/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What scenarios are made of.  A worker is a thread with a queue of its own;
 * it runs scenarios one after the other.  A scenario moves data through the
 * queue while something happens to the memory, checks every byte, and counts
 * a proof each time the thing it is about really happened.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dsa.h"
#include "pages.h"

struct tally;

struct worker {
    struct dsa_queue queue;
    int number;                /* among all workers */
    uint64_t places;           /* given out by private_place() */
    uint64_t random;           /* state of the generator */
    struct tally *tally;       /* of the scenario that runs */
    struct dsa_record *record; /* a page of records; one is used at a time */
    int again;                 /* how often to repeat for lost page requests */
    bool broken;               /* the queue no longer answers */
};

struct scenario {
    const char *name;
    void (*run)(struct worker *worker);
    bool alone;                /* one worker of all at a time */
};

/* The table of scenarios.def. */
extern const struct scenario scenarios[];
extern const int scenario_count;

/* --- report.c: counting, shared by all processes ------------------------ */

struct tally {
    uint64_t runs;
    uint64_t proofs;           /* runs that really exercised it */
    uint64_t operations;       /* descriptors completed */
    uint64_t bytes;            /* moved or compared */
    uint64_t faults;           /* completions that report a page fault */
    uint64_t brought_in;       /* pages the device alone brought in */
    uint64_t failures;
    bool selected;
    bool busy;                 /* a worker runs it, for those run alone */
};

/* Memory for the tallies and the first failures' texts; before any fork. */
void report_init(void);
struct tally *report_tally(int scenario);

static inline void tally_add(uint64_t *counter, uint64_t amount)
{
    __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

/* Count a failure of the scenario that runs, with its reason. */
void fail(struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The scenario's own proof that it happened. */
void prove(struct worker *worker);

/* One line for each scenario, for people. */
void report_table(void);

/* Everything, as JSON. */
void report_print(uint64_t seed, int processes, int threads, double seconds);

/* Whether every scenario happened and nothing failed. */
bool report_good(void);

/* --- process.c: processes of scenarios ---------------------------------- */

/*
 * fork(), counted before it happens.  It takes the right to write away from
 * the pages of all threads, so that the device meets faults where a page is.
 */
pid_t counted_fork(void);
uint64_t fork_count(void);

/* --- operations.c: descriptors, and what must become of them ------------ */

/* A number below a limit. */
uint64_t pick(struct worker *worker, uint64_t limit);

/*
 * An address where no other thread maps anything: what is taken away there
 * stays away.  16 MiB from it are free, the next call gives other ones.
 */
void *private_place(struct worker *worker);

/* Bytes that are a function of seed and position alone, never zero. */
void pattern_fill(void *area, size_t bytes, uint64_t seed);

/* The position of the first byte that differs from the pattern, or bytes. */
size_t pattern_check(const void *area, size_t bytes, uint64_t seed);
size_t byte_check(const void *area, size_t bytes, uint8_t value);

/* CRC-32C as the device reports it, by the slow and obvious method. */
uint32_t crc32c(uint32_t seed, const void *area, size_t bytes);

/* A descriptor that blocks on faults; the caller adds what is special. */
struct dsa_descriptor describe(enum dsa_opcode opcode, uint64_t source,
                               void *target, size_t bytes);
void dont_block(struct dsa_descriptor *descriptor);

/*
 * Submit, without waiting.  The worker's own record is used, and cleared,
 * unless the descriptor has another one, which must be clear.
 */
void start(struct worker *worker, struct dsa_descriptor *descriptor);

/* Wait for what start() submitted, and count it. */
struct dsa_record finish(struct worker *worker,
                         const struct dsa_descriptor *descriptor);

/* Both in one. */
struct dsa_record run(struct worker *worker,
                      struct dsa_descriptor *descriptor);

/* run(), again if page requests may be lost; it must end in success. */
bool run_well(struct worker *worker, struct dsa_descriptor *descriptor);

/* Fail unless a record has this status, with or without the write flag. */
bool expect_status(struct worker *worker, const struct dsa_record *record,
                   uint8_t status);

/* Fail unless an area holds a pattern, or one value. */
bool expect_pattern(struct worker *worker, const char *what, const void *area,
                    size_t bytes, uint64_t seed);
bool expect_bytes(struct worker *worker, const char *what, const void *area,
                  size_t bytes, uint8_t value);

/* Let between nothing and a while pass. */
void pause_for(uint64_t turns);

/* --- load.c: how fast, instead of how right ----------------------------- */

/* What follows "load" on the command line.  The exit status. */
int load_main(int argc, char **argv);

#endif
