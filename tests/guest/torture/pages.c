/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See pages.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pages.h"

/* An entry of /proc/self/pagemap. */
#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_SWAPPED (1ull << 62)
#define ENTRY_FRAME ((1ull << 55) - 1)

static void *checked(void *mapping, const char *what)
{
    if (mapping == MAP_FAILED) {
        perror(what);
        abort();
    }
    return mapping;
}

/* Entries of a range with a flag; the first entry if wanted. */
static size_t count_pages(const void *start, size_t bytes, uint64_t flag,
                          uint64_t *first)
{
    uintptr_t page = (uintptr_t)start / PAGE;
    uintptr_t end = ((uintptr_t)start + bytes + PAGE - 1) / PAGE;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t entries[512];
    size_t count = 0;

    while (page < end) {
        size_t wanted = end - page < 512 ? end - page : 512;

        if (pread(fd, entries, wanted * 8, page * 8) != (ssize_t)wanted * 8) {
            perror("/proc/self/pagemap");
            abort();
        }
        for (size_t i = 0; i < wanted; i++) {
            count += (entries[i] & flag) != 0;
        }
        if (first) {
            *first = entries[0];
            first = NULL;
        }
        page += wanted;
    }
    close(fd);
    return count;
}

size_t pages_present(const void *start, size_t bytes)
{
    return count_pages(start, bytes, ENTRY_PRESENT, NULL);
}

size_t pages_swapped(const void *start, size_t bytes)
{
    return count_pages(start, bytes, ENTRY_SWAPPED, NULL);
}

uint64_t page_frame(const void *address)
{
    uint64_t entry;

    return count_pages(address, 1, ENTRY_PRESENT, &entry) ?
           entry & ENTRY_FRAME : 0;
}

size_t smaps_kib(const void *address, const char *field)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    unsigned long start, end;
    size_t value = 0;
    bool inside = false;
    char line[512];

    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        } else if (inside && strncmp(line, field, strlen(field)) == 0 &&
                   line[strlen(field)] == ':') {
            value = strtoul(line + strlen(field) + 1, NULL, 10);
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return value;
}

uint64_t vmstat(const char *field)
{
    FILE *file = fopen("/proc/vmstat", "re");
    uint64_t value = 0, found = 0;
    char name[64];

    while (file && fscanf(file, "%63s %lu", name, &value) == 2) {
        if (strcmp(name, field) == 0) {
            found = value;
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

void *map_small(size_t bytes, int protection)
{
    void *area = checked(mmap(NULL, bytes, protection,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), "mmap");

    madvise(area, bytes, MADV_NOHUGEPAGE);
    return area;
}

void *map_huge(size_t bytes)
{
    uint8_t *area = checked(mmap(NULL, bytes + HUGE_2M,
                                 PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), "mmap");
    size_t head = -(uintptr_t)area % HUGE_2M;

    if (head) {
        munmap(area, head);
    }
    munmap(area + head + bytes, HUGE_2M - head);
    madvise(area + head, bytes, MADV_HUGEPAGE);
    return area + head;
}

void *map_shared(size_t bytes)
{
    return checked(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0), "mmap");
}

int memory_file(size_t bytes)
{
    int fd = memfd_create("torture", MFD_CLOEXEC);

    if (fd < 0 || ftruncate(fd, bytes) < 0) {
        perror("memfd");
        abort();
    }
    return fd;
}

void *map_file(int fd, size_t bytes, void *fixed)
{
    return checked(mmap(fixed, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | (fixed ? MAP_FIXED : 0), fd, 0), "mmap");
}
