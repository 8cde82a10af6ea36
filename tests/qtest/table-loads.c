/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See table-loads.h: tables in memory of our own, each entry a pointer. */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "table-loads.h"

#define ENTRIES 512
/* Those of GCR3, of the device table, and the fourth of a guest table */
#define ABOVE_MAX 4

typedef struct Tables {
    uintptr_t *leaf;            /* one entry for each page */
    uintptr_t *level2;          /* one for each ENTRIES of them */
    uintptr_t level3[ENTRIES];
    uintptr_t above[ABOVE_MAX][ENTRIES];
    uintptr_t *top;
} Tables;

static void make_tables(Tables *t, uint32_t above, uint64_t pages)
{
    uint64_t tables = DIV_ROUND_UP(pages, ENTRIES);

    t->leaf = g_new(uintptr_t, tables * ENTRIES);
    t->level2 = g_new0(uintptr_t, ROUND_UP(tables, ENTRIES));
    for (uint64_t i = 0; i < tables * ENTRIES; i++) {
        t->leaf[i] = i;
    }
    for (uint64_t i = 0; i < tables; i++) {
        t->level2[i] = (uintptr_t)&t->leaf[i * ENTRIES];
    }
    for (uint64_t i = 0; i < DIV_ROUND_UP(tables, ENTRIES); i++) {
        t->level3[i] = (uintptr_t)&t->level2[i * ENTRIES];
    }
    t->top = t->level3;
    for (uint32_t i = 0; i < MIN(above, ABOVE_MAX); i++) {
        t->above[i][0] = (uintptr_t)t->top;
        t->top = t->above[i];
    }
}

/* What the last entry holds; each read has to wait for the one before it */
static uintptr_t follow(const Tables *t, uint32_t above, uint64_t page)
{
    const uintptr_t *at = t->top;

    for (uint32_t i = 0; i < MIN(above, ABOVE_MAX); i++) {
        at = (const uintptr_t *)at[0];
    }
    at = (const uintptr_t *)at[page / ENTRIES / ENTRIES];
    at = (const uintptr_t *)at[page / ENTRIES % ENTRIES];
    return at[page % ENTRIES];
}

uint64_t table_loads(uint32_t above, uint64_t pages, uint64_t count,
                     uint64_t seed, uint64_t *sum)
{
    g_autofree Tables *t = g_new0(Tables, 1);
    uintptr_t found = 0;
    int64_t began;

    make_tables(t, above, pages);
    *sum = 0;
    began = get_clock();
    for (uint64_t i = 0; i < count; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        /* The next access cannot begin before this one is over, either */
        found = follow(t, above, (seed ^ (found & 1)) % pages);
        *sum += found;
    }
    began = get_clock() - began;
    g_free(t->leaf);
    g_free(t->level2);
    return began;
}
