/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of fuzz-world.h on a QEMU without its fuzzer: those that fuzzing
 * starts from, and such as once broke something, each also with bits changed.
 * QEMU has to live and its monitor to answer after each.
 *
 * AMDVI_SEED repeats a run, AMDVI_CASES says how many variants there are.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "ask.h"
#include "fuzz-world.h"

typedef struct Seed {
    const char *name;
    const uint8_t *data;
    size_t size;
} Seed;

/* Made by make-fuzz-seeds: the array "seeds" */
#include "fuzz-seeds.h"

#define VARIANTS 8
#define DEFAULT_SEED 0x20260101
#define MOST_BITS 6

static QTestState *machine;

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value;

    return text && !qemu_strtou64(text, NULL, 0, &value) ? value : otherwise;
}

/* The main loop runs between any two accesses from outside */
static void settle(QTestState *qts)
{
}

static void run(const uint8_t *data, size_t size)
{
    Bench b = { .qts = machine };
    Svm s = { .b = &b };

    fuzz_world_run(machine, settle, data, size);
    fortress_assert_alive(&s);
    qtest_system_reset(machine);
}

static void run_variant(const Seed *seed, GRand *rand)
{
    g_autofree uint8_t *data = g_memdup2(seed->data, seed->size);

    for (int i = g_rand_int_range(rand, 1, MOST_BITS); i > 0; i--) {
        uint32_t bit = g_rand_int_range(rand, 0, 8 * seed->size);

        data[bit / 8] ^= 1u << bit % 8;
    }
    run(data, seed->size);
}

static void test_seed(const void *opaque)
{
    const Seed *seed = opaque;
    uint32_t start = environment("AMDVI_SEED", DEFAULT_SEED);
    uint64_t variants = environment("AMDVI_CASES", VARIANTS);
    GRand *rand = g_rand_new_with_seed(start);

    printf("# AMDVI_SEED=0x%x\n", start);
    run(seed->data, seed->size);
    for (uint64_t i = 0; i < variants && seed->size; i++) {
        run_variant(seed, rand);
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(seeds); i++) {
        g_autofree char *path = g_strdup_printf("/amdvi/fuzz/%s",
                                                seeds[i].name);

        qtest_add_data_func(path, &seeds[i], test_seed);
    }
    machine = qtest_init(FUZZ_WORLD_MACHINE "-nic none");
    status = g_test_run();
    qtest_quit(machine);
    return status;
}
