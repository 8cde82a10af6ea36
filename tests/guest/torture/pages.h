/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the kernel says about the calling process's pages.  None of it touches
 * the pages, so it can tell who brought one in.
 */
#ifndef TORTURE_PAGES_H
#define TORTURE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAGE = 4096,
    HUGE_2M = 2 << 20,
    HUGE_1G = 1 << 30,
};

/* How many pages of a range are present, or swapped out. */
size_t pages_present(const void *start, size_t bytes);
size_t pages_swapped(const void *start, size_t bytes);

/* The page frame an address is mapped to; 0 if it is not present. */
uint64_t page_frame(const void *address);

/*
 * A number, in KiB, from the smaps entry of the mapping that holds an
 * address, such as "AnonHugePages" or "KernelPageSize".
 */
size_t smaps_kib(const void *address, const char *field);

/* A counter of /proc/vmstat. */
uint64_t vmstat(const char *field);

/* mmap of private anonymous memory without huge pages; never fails. */
void *map_small(size_t bytes, int protection);

/* The same aligned to 2 MiB, where huge pages are welcome. */
void *map_huge(size_t bytes);

/* mmap of anonymous memory that children share. */
void *map_shared(size_t bytes);

/* A memory file of the given size, and a shared mapping of one. */
int memory_file(size_t bytes);
void *map_file(int fd, size_t bytes, void *fixed);

#endif
