/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scenarios about processes that end while the device works for them, and
 * about the next ones, which get the same queue and the same PASID.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

enum { AREA = 2 << 20, SMALL = 64 << 10, TRIES = 12 };

void run_killed(struct worker *worker);
void run_pasid_reuse(struct worker *worker);

/* What parent and child tell each other, in shared memory. */
struct talk {
    volatile uint64_t submitted;
    volatile uint64_t completed;
    volatile int pasid;
    volatile int error;        /* errno of opening the queue */
    volatile int status;       /* of the last record, or 0 */
};

static uint64_t forks;

pid_t counted_fork(void)
{
    tally_add(&forks, 1);
    return fork();
}

uint64_t fork_count(void)
{
    return __atomic_load_n(&forks, __ATOMIC_RELAXED);
}

/*
 * A child with nothing of its parent's but memory and one file, and the queue
 * opened anew: what it inherits would keep the queues of other workers open.
 */
static pid_t fork_with_queue(struct worker *worker, struct talk *talk, int fd)
{
    pid_t child = counted_fork();

    if (child == 0) {
        close_range(3, fd - 1, 0);
        close_range(fd + 1, ~0u, 0);
        talk->error = dsa_open(&worker->queue, worker->queue.name);
        if (talk->error) {
            _exit(1);
        }
        talk->pasid = dsa_pasid(&worker->queue);
    }
    return child;
}

/* The queue belongs to the worker again, and works. */
static void take_queue_back(struct worker *worker)
{
    int error = dsa_open(&worker->queue, worker->queue.name);
    struct dsa_descriptor what = describe(DSA_NOOP, 0, NULL, 0);

    if (error) {
        fail(worker, "cannot open the queue again: %s", strerror(error));
        worker->broken = true;
        return;
    }
    run_well(worker, &what);
}

/* --- killed in the middle of a transfer --------------------------------- */

static void fill_for_ever(struct worker *worker, struct talk *talk,
                          uint8_t *area)
{
    for (uint8_t value = 1;; value = value % 255 + 1) {
        struct dsa_descriptor what = describe(
            DSA_FILL, 0x0101010101010101ull * value, area, AREA);

        start(worker, &what);
        talk->submitted++;
        if (!dsa_wait(worker->record, 60)) {
            _exit(1);
        }
        talk->completed++;
    }
}

/* Once the parent knows of the death, its memory must not change any more. */
static bool kill_once(struct worker *worker, int fd, uint8_t *area,
                      uint8_t *copy)
{
    struct talk *talk = map_shared(sizeof(*talk));
    pid_t child = fork_with_queue(worker, talk, fd);
    bool caught;

    if (child == 0) {
        fill_for_ever(worker, talk, area);
    }
    while (talk->submitted < 2 && waitpid(child, NULL, WNOHANG) == 0) {
        usleep(1000);
    }
    usleep(pick(worker, 10000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    memcpy(copy, area, AREA);
    caught = talk->submitted > talk->completed;
    if (talk->error) {
        fail(worker, "child cannot open the queue: %s", strerror(talk->error));
    }
    usleep(20000);
    if (memcmp(copy, area, AREA) != 0) {
        fail(worker, "memory of a dead process was written");
    }
    munmap(talk, sizeof(*talk));
    return caught;
}

void run_killed(struct worker *worker)
{
    int fd = memory_file(AREA);
    uint8_t *area = map_file(fd, AREA, NULL);
    uint8_t *copy = map_small(AREA, PROT_READ | PROT_WRITE);
    bool caught = false;

    dsa_close(&worker->queue);
    for (int i = 0; i < TRIES && !caught; i++) {
        caught = kill_once(worker, fd, area, copy);
    }
    take_queue_back(worker);
    if (caught) {
        prove(worker);
    }
    munmap(area, AREA);
    munmap(copy, AREA);
    close(fd);
}

/* --- the next process gets the PASID ------------------------------------ */

/* A child fills memory of its own at a place its siblings use too. */
static int fill_in_child(struct worker *worker, int fd, void *place,
                         uint8_t value)
{
    struct talk *talk = map_shared(sizeof(*talk));
    pid_t child = fork_with_queue(worker, talk, fd);
    int pasid;

    if (child == 0) {
        struct dsa_descriptor what;

        map_file(fd, SMALL, place);
        what = describe(DSA_FILL, 0x0101010101010101ull * value, place, SMALL);
        start(worker, &what);
        dsa_wait(worker->record, 60);
        talk->status = worker->record->status;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    pasid = talk->pasid;
    if (talk->error || talk->status != DSA_SUCCESS) {
        fail(worker, "child: error %d, status %#x", talk->error, talk->status);
        pasid = -1;
    }
    tally_add(&worker->tally->operations, 1);
    tally_add(&worker->tally->bytes, SMALL);
    munmap(talk, sizeof(*talk));
    return pasid;
}

/*
 * Two processes, one after the other, with the same PASID and the same
 * addresses, but other memory: a translation that survived the first one
 * would show in its memory.
 */
static bool reuse_once(struct worker *worker, void *place)
{
    int first = memory_file(SMALL), second = memory_file(SMALL);
    uint8_t *one = map_file(first, SMALL, NULL);
    uint8_t *two = map_file(second, SMALL, NULL);
    int pasid = fill_in_child(worker, first, place, 0x31);
    int next = fill_in_child(worker, second, place, 0x32);

    expect_bytes(worker, "first child's memory", one, SMALL, 0x31);
    expect_bytes(worker, "second child's memory", two, SMALL, 0x32);
    munmap(one, SMALL);
    munmap(two, SMALL);
    close(first);
    close(second);
    return pasid > 0 && pasid == next;
}

void run_pasid_reuse(struct worker *worker)
{
    void *place = map_small(SMALL, PROT_NONE);
    bool reused = false;

    dsa_close(&worker->queue);
    for (int i = 0; i < TRIES && !reused; i++) {
        reused = reuse_once(worker, place);
    }
    take_queue_back(worker);
    if (reused) {
        prove(worker);
    }
    munmap(place, SMALL);
}
