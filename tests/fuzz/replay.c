/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs stored inputs through the fuzz target, where there is no libFuzzer.
 *
 *     replay [--variants=N] FILE...
 *
 * A file whose name ends in .hex holds one input a line, in hexadecimal; each
 * is also run with bits changed in a fixed sequence, N times (200) up to
 * eight.  Any other file is one input as libFuzzer stores it.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz-walk.h"

#define MAX_INPUT 65536
#define VARIANTS 200
#define OPTION "--variants="

static unsigned long inputs;
static int variants = VARIANTS;

static void run(const uint8_t *data, size_t size)
{
    /* Of the very size, so that a sanitizer sees reads beyond it */
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy) {
        fprintf(stderr, "replay: out of memory\n");
        exit(1);
    }
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

/* The input itself, then copies with up to eight bits changed in each */
static void run_variants(uint8_t *data, size_t size)
{
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15) ^ size;

    run(data, size);
    for (int i = 0; i < variants && size; i++) {
        size_t bit[8];

        for (int j = 0; j < 8; j++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bit[j] = (size_t)(random % (size * 8));
            data[bit[j] / 8] ^= (uint8_t)(1 << bit[j] % 8);
            run(data, size);
        }
        for (int j = 7; j >= 0; j--) {
            data[bit[j] / 8] ^= (uint8_t)(1 << bit[j] % 8);
        }
    }
}

/* Bytes of one line of hexadecimal digits; false if it is not that */
static bool parse_hex(const char *line, uint8_t *data, size_t *size)
{
    unsigned int byte;

    for (*size = 0; isxdigit((unsigned char)line[0]); line += 2) {
        if (!isxdigit((unsigned char)line[1]) || *size == MAX_INPUT ||
            sscanf(line, "%2x", &byte) != 1) {
            return false;
        }
        data[(*size)++] = (uint8_t)byte;
    }
    return *line == '\n' || *line == '\0' || *line == '#';
}

static bool run_hex(FILE *file)
{
    static char line[2 * MAX_INPUT + 2];
    static uint8_t data[MAX_INPUT];
    size_t size;

    while (fgets(line, sizeof(line), file)) {
        if (!parse_hex(line, data, &size)) {
            return false;
        }
        if (size) {
            run_variants(data, size);
        }
    }
    return !ferror(file);
}

static bool run_binary(FILE *file)
{
    static uint8_t data[MAX_INPUT];
    size_t size = fread(data, 1, sizeof(data), file);

    run(data, size);
    return !ferror(file);
}

static bool run_file(const char *name)
{
    const char *end = strrchr(name, '.');
    FILE *file = fopen(name, "rb");
    bool ok;

    if (!file) {
        perror(name);
        return false;
    }
    ok = end && strcmp(end, ".hex") == 0 ? run_hex(file) : run_binary(file);
    fclose(file);
    if (!ok) {
        fprintf(stderr, "%s: cannot be read as inputs\n", name);
    }
    return ok;
}

int main(int argc, char **argv)
{
    int failed;

    if (argc > 1 && strncmp(argv[1], OPTION, strlen(OPTION)) == 0) {
        variants = atoi(argv[1] + strlen(OPTION));
        argv++;
        argc--;
    }
    failed = argc < 2;
    for (int i = 1; i < argc; i++) {
        bool ok = run_file(argv[i]);

        printf("%s %d %s\n", ok ? "ok" : "not ok", i, argv[i]);
        failed |= !ok;
    }
    printf("1..%d\n# %lu inputs\n", argc - 1, inputs);
    return failed;
}
