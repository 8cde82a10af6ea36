/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends frames through svm-loopback and checks what comes back.
 *
 *     loopback-send [FRAMES [DEVICE]]
 *
 * Nothing is registered or pinned: source, destination and descriptor are
 * plain memory of this program, and what is received goes to pages that
 * nobody has touched yet.  Exit status 0 if all of it was right.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/misc/svm/loopback-regs.h"

#define DEVICE "/dev/svm-loopback0"
#define FRAMES 64
/* The kernel has page requests to answer meanwhile */
#define POLL_US 50

struct descriptor {
    uint64_t source;
    uint64_t destination;
    uint32_t length;
    uint32_t unused;
    uint32_t status;
    uint32_t moved;
};

_Static_assert(offsetof(struct descriptor, status) == LOOPBACK_STATUS &&
               offsetof(struct descriptor, moved) == LOOPBACK_MOVED &&
               sizeof(struct descriptor) == LOOPBACK_DESCRIPTOR_SIZE,
               "not the descriptor of the device");

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static volatile uint64_t *open_doorbell(const char *device)
{
    int fd = open(device, O_RDWR | O_CLOEXEC);
    void *page;

    if (fd < 0) {
        die(device);
    }
    page = mmap(NULL, LOOPBACK_DOORBELL_SIZE, PROT_READ | PROT_WRITE,
                MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        die("mmap");
    }
    return page;
}

/* Memory that has no pages yet */
static unsigned char *fresh_memory(int protection)
{
    void *memory = mmap(NULL, LOOPBACK_LENGTH_MAX, protection,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        die("mmap");
    }
    return memory;
}

/* Send a frame and wait for its end; the status */
static uint32_t send_frame(volatile uint64_t *doorbell, const void *from,
                           void *to, uint32_t length, uint32_t *moved)
{
    struct descriptor d = {
        .source = (uintptr_t)from,
        .destination = (uintptr_t)to,
        .length = length,
        .status = LOOPBACK_PENDING,
    };
    uint32_t status;

    /* What was written before is there when the card looks */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *doorbell = (uintptr_t)&d;
    while ((status = __atomic_load_n(&d.status, __ATOMIC_ACQUIRE)) ==
           LOOPBACK_PENDING) {
        usleep(POLL_US);
    }
    *moved = d.moved;
    return status;
}

/* One frame, of another length and content each time */
static int one_frame(volatile uint64_t *doorbell, int number)
{
    uint32_t length = (uint32_t)number * 1777 % LOOPBACK_LENGTH_MAX + 1;
    unsigned char *from = fresh_memory(PROT_READ | PROT_WRITE);
    unsigned char *to = fresh_memory(PROT_READ | PROT_WRITE);
    uint32_t status, moved;
    int good;

    for (uint32_t i = 0; i < length; i++) {
        from[i] = (unsigned char)(i * 7 + (uint32_t)number);
    }
    status = send_frame(doorbell, from, to, length, &moved);
    good = status == LOOPBACK_OK && moved == length &&
           !memcmp(from, to, length);
    if (!good) {
        printf("frame %d: status %u, %u of %u bytes\n", number, status, moved,
               length);
    }
    munmap(from, LOOPBACK_LENGTH_MAX);
    munmap(to, LOOPBACK_LENGTH_MAX);
    return good;
}

/* The card has the rights of this program, not more */
static int is_refused(volatile uint64_t *doorbell)
{
    unsigned char *from = fresh_memory(PROT_READ | PROT_WRITE);
    unsigned char *to = fresh_memory(PROT_READ);
    uint32_t status, moved;

    status = send_frame(doorbell, from, to, 64, &moved);
    printf("to memory that is read-only: status %u, %u bytes\n", status,
           moved);
    return status == LOOPBACK_NO_PAGE && moved == 0 && to[0] == 0;
}

int main(int argc, char **argv)
{
    volatile uint64_t *doorbell = open_doorbell(argc > 2 ? argv[2] : DEVICE);
    int frames = argc > 1 ? atoi(argv[1]) : FRAMES;
    int good = 0;

    for (int i = 0; i < frames; i++) {
        good += one_frame(doorbell, i);
    }
    printf("%d of %d frames came back as they were sent\n", good, frames);
    return is_refused(doorbell) && good == frames ? 0 : 1;
}
