/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See dsa.h.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "dsa.h"
#include "soft.h"

enum {
    PORTAL_BYTES = 4096,
    BUSY_TRIES = 2000,         /* of 10 ms */
    SPINS = 200,
    /* registers of the device, spec/dsa-device.md section 3 */
    REG_BYTES = 64 << 10,
    REG_WQCAP = 0x20,
    REG_TABLES = 0x60,
    TABLE_UNIT = 0x100,
    WQCFG_PASID = 8,
};

int dsa_list(char names[][32], int most)
{
    struct dirent **entries;
    int found, count = 0;

    while (count < soft_queues() && count < most) {
        snprintf(names[count], 32, "soft%d", count);
        count++;
    }
    if (count) {
        return count;
    }
    found = scandir("/dev/dsa", &entries, NULL, versionsort);
    for (int i = 0; i < found; i++) {
        if (strncmp(entries[i]->d_name, "wq", 2) == 0 && count < most) {
            snprintf(names[count++], 32, "%.31s", entries[i]->d_name);
        }
    }
    return count;
}

static bool cpu_has_movdir64b(void)
{
    unsigned int a, b, c = 0, d;

    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    return c & (1u << 28);
}

int dsa_open(struct dsa_queue *queue, const char *name)
{
    char path[64];
    int tries = 0;

    queue->fd = -1;
    queue->soft = NULL;
    queue->portal = NULL;
    memmove(queue->name, name, strlen(name) + 1);
    if (soft_queues()) {
        queue->soft = soft_open();
        return 0;
    }
    snprintf(path, sizeof(path), "/dev/dsa/%s", queue->name);
    do {
        queue->fd = open(path, O_RDWR | O_CLOEXEC);
        if (queue->fd < 0 && errno != EBUSY) {
            return errno;
        }
        if (queue->fd < 0) {
            usleep(10000);
        }
    } while (queue->fd < 0 && ++tries < BUSY_TRIES);
    if (queue->fd < 0) {
        return EBUSY;
    }
    if (cpu_has_movdir64b()) {
        void *page = mmap(NULL, PORTAL_BYTES, PROT_WRITE,
                          MAP_SHARED | MAP_POPULATE, queue->fd, 0);

        queue->portal = page == MAP_FAILED ? NULL : page;
    }
    return 0;
}

void dsa_close(struct dsa_queue *queue)
{
    if (queue->soft) {
        soft_close(queue->soft);
    }
    if (queue->portal) {
        munmap(queue->portal, PORTAL_BYTES);
    }
    if (queue->fd >= 0) {
        close(queue->fd);
    }
    queue->soft = NULL;
    queue->portal = NULL;
    queue->fd = -1;
}

static uint64_t read_register(const volatile uint8_t *registers, size_t offset)
{
    return *(const volatile uint64_t *)(registers + offset);
}

int dsa_pasid(const struct dsa_queue *queue)
{
    unsigned int device, number;
    volatile uint8_t *registers;
    uint64_t config, stride;
    char path[96];
    uint32_t word;
    int fd;

    if (queue->soft) {
        return 1;
    }
    if (sscanf(queue->name, "wq%u.%u", &device, &number) != 2) {
        return -1;
    }
    snprintf(path, sizeof(path),
             "/sys/bus/dsa/devices/dsa%u/../resource0", device);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    registers = mmap(NULL, REG_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (registers == MAP_FAILED) {
        return -1;
    }
    config = (read_register(registers, REG_TABLES) >> 16 & 0xffff) * TABLE_UNIT;
    stride = 32ull << (read_register(registers, REG_WQCAP) >> 24 & 0xf);
    word = *(const volatile uint32_t *)(registers + config + number * stride +
                                        WQCFG_PASID);
    munmap((void *)registers, REG_BYTES);
    return word & 1u << 28 ? (int)(word >> 8 & 0xfffff) : -1;
}

void dsa_submit(struct dsa_queue *queue, const struct dsa_descriptor *what)
{
    if (queue->soft) {
        soft_submit(queue->soft, what);
        return;
    }
    if (!queue->portal) {
        /* A short write shows as a record that stays pending. */
        if (write(queue->fd, what, sizeof(*what)) < 0) {
            perror(queue->name);
        }
        return;
    }
    /* What the descriptor points to must be in memory first. */
    asm volatile("sfence\n\tmovdir64b (%1), %0"
                 : : "r"(queue->portal), "r"(what) : "memory");
}

bool dsa_wait(const struct dsa_record *record, int seconds)
{
    time_t limit = time(NULL) + seconds;

    for (unsigned int tries = 0; !record->status; tries++) {
        if (tries % SPINS == 0) {
            if (time(NULL) > limit) {
                return false;
            }
            sched_yield();
        }
        __builtin_ia32_pause();
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return true;
}
