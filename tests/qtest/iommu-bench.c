/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets svm-testdev access memory through one IOMMU, as often as it is told:
 *
 *     iommu-bench svm|svm-guest|svm-pasid|stock|intel|none [option=N ...]
 *
 * Options are those of the machine (bench-world.h): pages large functions
 * pasids threads iotlb, and qmp=PATH.  Each line of standard input is a
 * benchmark, words name=value in any order, whose meaning and defaults are in
 * the table below.  The answer is the time it took, in ns, for each thread
 * that took part (for "loads" also the sum of what was read); or a line that
 * begins with "!" if this machine cannot do such a thing.  The line "memory"
 * asks for the memory of the process that is no file's, in KiB, and for its
 * number.
 *
 * tests/bench/run is what compares.
 */
#include "qemu/osdep.h"
#include "bench-world.h"
#include "table-loads.h"

#define POLL_US 1000
#define LINE_MAX_BYTES 512

/* LOADS: here, and not in QEMU, what a miss reads of tables */
enum { READ, WRITE, STORE, LOADS };

/* The device table, GCR3's two, and the fourth level of a guest table */
#define ABOVE_HOST 1
#define ABOVE_GUEST 4

typedef struct Task {
    uint64_t op;                /* read, write, store, loads */
    uint64_t path;              /* 1 own, 3 ATS, 4 memory core, 5 region */
    uint64_t count;
    uint64_t bytes;             /* of each access */
    uint64_t pages;             /* that are accessed */
    uint64_t large;             /* they are of 2 MiB */
    uint64_t seed;              /* 0: in turn */
    uint64_t pasids;
    uint64_t functions;
    uint64_t every;             /* accesses between two stores */
    uint64_t commands;          /* that a store makes known */
    uint64_t threads;           /* bits; 0 is the main loop */
    uint64_t apart;             /* pages from a thread's first to the next's */
    char order[16];             /* what the commands are */
} Task;

static const Task defaults = {
    .path = 1, .count = 1, .bytes = 8, .pages = 1, .pasids = 1,
    .functions = 1, .commands = 1, .threads = 1,
};

static const struct {
    const char *name;
    size_t offset;
} words[] = {
    { "op", offsetof(Task, op) },
    { "path", offsetof(Task, path) },
    { "count", offsetof(Task, count) },
    { "bytes", offsetof(Task, bytes) },
    { "pages", offsetof(Task, pages) },
    { "large", offsetof(Task, large) },
    { "seed", offsetof(Task, seed) },
    { "pasids", offsetof(Task, pasids) },
    { "functions", offsetof(Task, functions) },
    { "every", offsetof(Task, every) },
    { "commands", offsetof(Task, commands) },
    { "threads", offsetof(Task, threads) },
    { "apart", offsetof(Task, apart) },
};

static G_NORETURN void usage(const char *word)
{
    g_printerr("iommu-bench: bad word: %s\n", word);
    exit(2);
}

/* name=value.  False if it is not in the table */
static bool parse_word(const char *word, Task *task)
{
    const char *value = strchr(word, '=');

    if (value && g_str_has_prefix(word, "order=")) {
        g_strlcpy(task->order, value + 1, sizeof(task->order));
        return true;
    }
    for (int i = 0; value && i < ARRAY_SIZE(words); i++) {
        if (strlen(words[i].name) == value - word &&
            !strncmp(words[i].name, word, value - word)) {
            *(uint64_t *)((char *)task + words[i].offset) =
                g_ascii_strtoull(value + 1, NULL, 0);
            return true;
        }
    }
    return false;
}

static Task parse(char *line)
{
    Task task = defaults;

    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
        if (!parse_word(word, &task)) {
            usage(word);
        }
    }
    return task;
}

/* I/O threads cannot give orders: those of the main loop are for all */
static uint64_t store_every(const Task *task, uint32_t thread)
{
    return thread ? 0 : task->every;
}

/* Registers that are the same for reads, writes and stores */
static void set_registers(World *w, uint32_t thread, const Task *task)
{
    Testdev *t = w->t[thread];
    WorldRing ring = world_ring(w);
    uint64_t pages = world_has_iommu(w) ? task->pages
                                        : MIN(task->pages, WORLD_FRAMES);

    testdev_set(t, TESTDEV_BENCH_COUNT, task->count);
    testdev_set(t, TESTDEV_BENCH_PAGES, pages);
    testdev_set(t, TESTDEV_BENCH_SHIFT, task->large ? 21 : 12);
    testdev_set(t, TESTDEV_BENCH_SEED, task->seed);
    testdev_set(t, TESTDEV_BENCH_PASIDS, task->pasids);
    testdev_set(t, TESTDEV_BENCH_FUNCTIONS, task->functions);
    testdev_set(t, TESTDEV_BENCH_STORE_EVERY, store_every(task, thread));
    testdev_set(t, TESTDEV_BENCH_STORE_ADDRESS, ring.tail_register);
    testdev_set(t, TESTDEV_BENCH_STORE_VALUE, ring.tail);
    testdev_set(t, TESTDEV_BENCH_STORE_STEP, 16 * task->commands);
    testdev_set(t, TESTDEV_BENCH_STORE_SIZE, WORLD_RING_SIZE);
}

static void begin(World *w, uint32_t thread, const Task *task)
{
    static const uint32_t command[] = {
        TESTDEV_CMD_BENCH_READ, TESTDEV_CMD_BENCH_WRITE,
        TESTDEV_CMD_BENCH_STORE,
    };
    uint64_t addr = !world_has_iommu(w) ? PAGE :
                    task->large ? WORLD_LARGE_IOVA : WORLD_IOVA;

    addr += thread * task->apart << (task->large ? 21 : 12);
    set_registers(w, thread, task);
    testdev_run(w->t[thread], command[task->op], task->path << 8,
                world_has_pasid(w) ? WORLD_PASID : TESTDEV_NO_PASID, addr,
                task->bytes);
}

/* Its time in ns; every access has to succeed */
static uint64_t end(World *w, uint32_t thread, const Task *task)
{
    Testdev *t = w->t[thread];

    while (testdev_get(t, TESTDEV_STATUS) & TESTDEV_STATUS_BUSY) {
        g_usleep(POLL_US);
    }
    g_assert_cmpuint(testdev_get(t, TESTDEV_RESULT), ==, TESTDEV_OK);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_DONE), ==, task->count);
    g_assert_cmpuint(testdev_get(t, TESTDEV_BENCH_FAILED), ==, 0);
    if (task->op == STORE || store_every(task, thread)) {
        world_set_tail(w, testdev_get(t, TESTDEV_BENCH_STORE_VALUE));
    }
    return testdev_get(t, TESTDEV_BENCH_NS);
}

/* Whether the pages of each thread are mapped */
static bool has_pages(World *w, const Task *task)
{
    const WorldOptions *o = &w->option;
    uint64_t mapped = task->large ? o->large : o->pages;

    return task->pages <= mapped &&
           (!task->apart || (world_has_iommu(w) && task->apart <= mapped &&
                             task->apart * o->threads <= mapped - task->pages));
}

/* Whether this machine can do it at all */
static bool is_possible(World *w, const Task *task)
{
    const WorldOptions *o = &w->option;

    return task->op <= LOADS && task->pasids <= o->pasids &&
           has_pages(w, task) &&
           task->functions <= o->functions && task->pages &&
           task->threads < 2u << o->threads && task->threads &&
           task->commands < WORLD_RING_SIZE / 16 &&
           (!*task->order || world_fill_ring(w, task->order));
}

static void run_loads(World *w, const Task *task)
{
    uint32_t above = world_has_guest_tables(w) ? ABOVE_GUEST : ABOVE_HOST;
    uint64_t sum;
    uint64_t ns = table_loads(above, task->pages, task->count, task->seed,
                              &sum);

    printf("%" PRIu64 " %" PRIu64 "\n", ns, sum);
}

static void run(World *w, const Task *task)
{
    const char *space = "";

    if (!is_possible(w, task)) {
        puts("! not here");
        return;
    }
    if (task->op == LOADS) {
        run_loads(w, task);
        return;
    }
    for (int i = 0; i < WORLD_THREADS_MAX; i++) {
        if (task->threads >> i & 1) {
            begin(w, i, task);
        }
    }
    for (int i = 0; i < WORLD_THREADS_MAX; i++) {
        if (task->threads >> i & 1) {
            printf("%s%" PRIu64, space, end(w, i, task));
            space = " ";
        }
    }
    putchar('\n');
}

static void print_memory(World *w)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status",
                                            (int)qtest_pid(w->qts));
    g_autofree char *text = NULL;
    const char *line = NULL;

    if (g_file_get_contents(path, &text, NULL, NULL)) {
        line = strstr(text, "RssAnon:");
    }
    if (line) {
        printf("%" PRIu64 " %d\n",
               g_ascii_strtoull(line + strlen("RssAnon:"), NULL, 10),
               (int)qtest_pid(w->qts));
    } else {
        puts("! not on this host");
    }
}

static WorldOptions parse_options(int argc, char **argv)
{
    WorldOptions o = {
        .kind = argv[1], .pages = 65536, .large = WORLD_LARGE_PAGES_MAX,
        .functions = 1, .pasids = 1,
    };
    const struct {
        const char *name;
        uint32_t *value;
        uint32_t max;
    } option[] = {
        { "pages=", &o.pages, WORLD_PAGES_MAX },
        { "large=", &o.large, WORLD_LARGE_PAGES_MAX },
        { "functions=", &o.functions, 256 },
        { "pasids=", &o.pasids, WORLD_PASIDS_MAX },
        { "threads=", &o.threads, WORLD_THREADS_MAX - 1 },
        { "iotlb=", &o.iotlb, 1u << 20 },
    };

    for (int n = 2; n < argc; n++) {
        int i = 0;

        if (g_str_has_prefix(argv[n], "qmp=")) {
            o.qmp = argv[n] + strlen("qmp=");
            continue;
        }
        while (i < ARRAY_SIZE(option) &&
               !g_str_has_prefix(argv[n], option[i].name)) {
            i++;
        }
        if (i == ARRAY_SIZE(option)) {
            usage(argv[n]);
        }
        *option[i].value = g_ascii_strtoull(strchr(argv[n], '=') + 1,
                                            NULL, 0);
        if (*option[i].value > option[i].max) {
            usage(argv[n]);
        }
    }
    return o;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {
        "svm", "svm-guest", "svm-pasid", "stock", "intel", "none", NULL,
    };
    char line[LINE_MAX_BYTES];
    WorldOptions option;
    World *w;

    if (argc < 2 || !g_strv_contains(kinds, argv[1])) {
        g_printerr("usage: iommu-bench svm|svm-guest|svm-pasid|stock|intel|"
                   "none [option=N ...]\n");
        return 2;
    }
    option = parse_options(argc, argv);
    option.functions = MAX(option.functions, option.threads + 1);
    option.pages = MAX(option.pages, 1);
    w = world_start(&option);
    while (fgets(line, sizeof(line), stdin)) {
        if (!strcmp(g_strchomp(line), "memory")) {
            print_memory(w);
        } else {
            Task task = parse(line);

            run(w, &task);
        }
        fflush(stdout);
    }
    world_stop(w);
    return 0;
}
