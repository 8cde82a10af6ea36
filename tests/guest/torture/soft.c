/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See soft.h.  process_vm_readv() and process_vm_writev() on the own process
 * follow the page tables as the device should: they fault pages in, and end
 * with an error where a page request would be refused.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "soft.h"
#include "torture.h"

struct soft_queue {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct dsa_descriptor what;
    bool full, over;
    unsigned int transfers;
};

static int queue_count;
static enum soft_fault queue_fault;

void soft_configure(int queues, enum soft_fault fault)
{
    queue_count = queues;
    queue_fault = fault;
}

int soft_queues(void)
{
    return queue_count;
}

/* --- Memory, at most up to the end of a page ---------------------------- */

static bool reach(uint64_t address, void *data, size_t bytes, bool write)
{
    struct iovec mine = { data, bytes }, there = { (void *)address, bytes };

    if (write && queue_fault == SOFT_FORCED) {
        int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
        bool done = pwrite(fd, data, bytes, address) == (ssize_t)bytes;

        close(fd);
        return done;
    }
    return (write ? process_vm_writev(getpid(), &mine, 1, &there, 1, 0) :
            process_vm_readv(getpid(), &mine, 1, &there, 1, 0)) ==
           (ssize_t)bytes;
}

/* The kernel's half has no entry in /proc/self/pagemap to ask for. */
static bool is_absent(uint64_t address)
{
    return address >> 47 || !pages_present((void *)address, 1);
}

/* Returns the status to report, DSA_SUCCESS if the bytes were moved. */
static uint8_t access_page(const struct dsa_descriptor *what, uint64_t address,
                           void *data, size_t bytes, bool write)
{
    uint8_t flag = write ? DSA_STATUS_WRITE : 0;
    bool block = what->flags_opcode & DSA_BLOCK_ON_FAULT;

    if (!block && is_absent(address)) {
        return DSA_FAULT | flag;
    }
    if (!reach(address, data, bytes, write)) {
        return (block ? DSA_REFUSED : DSA_FAULT) | flag;
    }
    return DSA_SUCCESS;
}

/* --- Operations --------------------------------------------------------- */

static size_t up_to_page_end(uint64_t address, size_t bytes)
{
    size_t left = PAGE - address % PAGE;

    return bytes < left ? bytes : left;
}

/* The bytes an operation has to write at an offset; false: a read faulted. */
static uint8_t source_bytes(const struct dsa_descriptor *what, size_t done,
                            uint8_t *data, size_t bytes, uint64_t *fault)
{
    int opcode = what->flags_opcode >> 24;

    if (opcode == DSA_FILL || opcode == DSA_COMPARE_PATTERN) {
        uint64_t word = opcode == DSA_FILL ? what->source : what->target;

        for (size_t i = 0; i < bytes; i++) {
            data[i] = word >> (done + i) % 8 * 8;
        }
        return DSA_SUCCESS;
    }
    *fault = what->source + done;
    return access_page(what, *fault, data, bytes, false);
}

static size_t step_size(const struct dsa_descriptor *what, size_t done)
{
    size_t left = what->size - done;

    left = up_to_page_end(what->source + done, left);
    return up_to_page_end(what->target + done, left);
}

static uint8_t compare_step(const struct dsa_descriptor *what,
                            struct dsa_record *record, const uint8_t *wanted,
                            size_t bytes, uint64_t *fault)
{
    bool pattern = what->flags_opcode >> 24 == DSA_COMPARE_PATTERN;
    uint8_t found[PAGE], status;

    *fault = (pattern ? what->source : what->target) + record->done;
    status = access_page(what, *fault, found, bytes, false);
    for (size_t i = 0; status == DSA_SUCCESS && i < bytes; i++) {
        if (found[i] != wanted[i]) {
            record->result = 1;
            record->done += i;
            break;
        }
    }
    return status;
}

static uint8_t step(const struct dsa_descriptor *what,
                    struct dsa_record *record, size_t bytes, uint64_t *fault)
{
    int opcode = what->flags_opcode >> 24;
    uint8_t data[PAGE], status;

    status = source_bytes(what, record->done, data, bytes, fault);
    if (status != DSA_SUCCESS) {
        return status;
    }
    if (opcode == DSA_CRC || opcode == DSA_COPY_CRC) {
        record->crc = crc32c(record->crc, data, bytes);
    }
    if (opcode == DSA_COMPARE || opcode == DSA_COMPARE_PATTERN) {
        return compare_step(what, record, data, bytes, fault);
    }
    if (opcode == DSA_DUALCAST) {
        *fault = what->more[0] + record->done;
        status = access_page(what, *fault, data, bytes, true);
    }
    if (status == DSA_SUCCESS && opcode != DSA_CRC) {
        *fault = what->target + record->done;
        status = access_page(what, *fault, data, bytes, true);
    }
    return status;
}

static void perform(struct soft_queue *queue, const struct dsa_descriptor *what,
                    struct dsa_record *record)
{
    uint8_t status = DSA_SUCCESS;
    uint64_t fault = 0;

    *record = (struct dsa_record) { .crc = what->more[0] };
    while (status == DSA_SUCCESS && record->done < what->size &&
           !record->result) {
        size_t bytes = step_size(what, record->done);

        if (queue_fault == SOFT_SHORT &&
            record->done + bytes == what->size && bytes > 1) {
            struct dsa_descriptor less = *what;

            less.size--;
            status = step(&less, record, bytes - 1, &fault);
        } else {
            status = step(what, record, bytes, &fault);
        }
        if (status == DSA_SUCCESS && !record->result) {
            record->done += bytes;
        }
    }
    if (queue_fault == SOFT_CORRUPT && ++queue->transfers % 100 == 0 &&
        status == DSA_SUCCESS && what->size && what->target >> 47 == 0) {
        uint8_t data = 0;

        reach(what->target + what->size / 2, &data, 1, true);
    }
    if (status != DSA_SUCCESS) {
        record->fault = fault & -(uint64_t)PAGE;
    }
    record->status = status;
}

static void perform_batch(struct soft_queue *queue,
                          const struct dsa_descriptor *what,
                          struct dsa_record *record)
{
    const struct dsa_descriptor *list = (void *)what->source;

    *record = (struct dsa_record) { .done = what->size };
    for (uint32_t i = 0; i < what->size; i++) {
        struct dsa_record one;

        perform(queue, &list[i], &one);
        *(struct dsa_record *)list[i].record = one;
    }
    record->status = DSA_SUCCESS;
}

/* --- The thread --------------------------------------------------------- */

static void *serve(void *argument)
{
    struct soft_queue *queue = argument;
    struct dsa_descriptor what;

    pthread_mutex_lock(&queue->lock);
    while (true) {
        struct dsa_record record, *to;

        while (!queue->full && !queue->over) {
            pthread_cond_wait(&queue->changed, &queue->lock);
        }
        if (queue->over) {
            break;
        }
        what = queue->what;
        queue->full = false;
        pthread_mutex_unlock(&queue->lock);
        if (what.flags_opcode >> 24 == DSA_BATCH) {
            perform_batch(queue, &what, &record);
        } else {
            perform(queue, &what, &record);
        }
        to = (void *)what.record;
        memcpy((uint8_t *)to + 1, (uint8_t *)&record + 1, sizeof(*to) - 1);
        __atomic_store_n(&to->status, record.status, __ATOMIC_RELEASE);
        pthread_mutex_lock(&queue->lock);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

struct soft_queue *soft_open(void)
{
    struct soft_queue *queue = calloc(1, sizeof(*queue));

    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    if (pthread_create(&queue->thread, NULL, serve, queue) != 0) {
        abort();
    }
    return queue;
}

void soft_close(struct soft_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->over = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    pthread_join(queue->thread, NULL);
    free(queue);
}

void soft_submit(struct soft_queue *queue, const struct dsa_descriptor *what)
{
    pthread_mutex_lock(&queue->lock);
    queue->what = *what;
    queue->full = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}
