/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sva-torture: user programs and a DSA device share address spaces, and the
 * kernel changes them under both.  See usage() and scenarios.def.
 *
 * Exit status: 0 if every scenario was exercised and none failed, 1 if not,
 * 2 if it could not start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "soft.h"
#include "torture.h"

enum {
    MAX_QUEUES = 64,
    /* A process that takes this much longer than asked for hangs. */
    GRACE_S = 900,
    /* How often a worker tries again what nobody has exercised in time. */
    MORE_ROUNDS = 16,
    /* How often -r repeats what it is allowed to. */
    REPEATS = 1000,
};

static struct {
    int processes, threads, seconds;
    uint64_t seed;
    double started;
    bool table, repeat;
    char queues[MAX_QUEUES][32];
} plan = { .threads = 2, .seconds = 10 };

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static bool time_is_over(void)
{
    return now() - plan.started >= plan.seconds;
}

/* --- One worker --------------------------------------------------------- */

static void run_scenario(struct worker *worker, int number)
{
    struct tally *tally = report_tally(number);

    if (scenarios[number].alone &&
        __atomic_exchange_n(&tally->busy, true, __ATOMIC_ACQUIRE)) {
        return;
    }
    worker->tally = tally;
    tally_add(&tally->runs, 1);
    scenarios[number].run(worker);
    if (scenarios[number].alone) {
        __atomic_store_n(&tally->busy, false, __ATOMIC_RELEASE);
    }
}

/*
 * Every scenario once, in an order of the worker's own.  When the time is over
 * only those still run that no worker has exercised.
 */
static void one_round(struct worker *worker)
{
    int order[64];

    for (int i = 0; i < scenario_count; i++) {
        int other = pick(worker, i + 1);

        order[i] = order[other];
        order[other] = i;
    }
    for (int i = 0; i < scenario_count && !worker->broken; i++) {
        struct tally *tally = report_tally(order[i]);

        if (tally->selected && !(time_is_over() && tally->proofs)) {
            run_scenario(worker, order[i]);
        }
    }
}

static bool all_exercised(void)
{
    for (int i = 0; i < scenario_count; i++) {
        const struct tally *tally = report_tally(i);

        if (tally->selected && !tally->proofs) {
            return false;
        }
    }
    return true;
}

static void all_rounds(struct worker *worker)
{
    int more = 0;

    do {
        one_round(worker);
    } while (!worker->broken && (!time_is_over() ||
             (!all_exercised() && more++ < MORE_ROUNDS)));
}

static void *work(void *argument)
{
    int number = (intptr_t)argument;
    struct worker worker = {
        .number = number,
        .random = plan.seed + number * 1000003ull,
        .again = plan.repeat ? REPEATS : 0,
    };
    int error = dsa_open(&worker.queue, plan.queues[number]);

    if (error) {
        fail(&worker, "cannot open: %s", strerror(error));
        return NULL;
    }
    worker.record = map_small(PAGE, PROT_READ | PROT_WRITE);
    all_rounds(&worker);
    dsa_close(&worker.queue);
    munmap(worker.record, PAGE);
    return NULL;
}

/* --- Processes ---------------------------------------------------------- */

static void one_process(int number)
{
    pthread_t threads[MAX_QUEUES];

    alarm(plan.seconds + GRACE_S);
    for (int i = 0; i < plan.threads; i++) {
        intptr_t worker = (intptr_t)number * plan.threads + i;

        if (pthread_create(&threads[i], NULL, work, (void *)worker) != 0) {
            abort();
        }
    }
    for (int i = 0; i < plan.threads; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void all_processes(void)
{
    struct worker nobody = { .queue.name = "no queue" };
    int status;

    for (int i = 0; i < plan.processes; i++) {
        pid_t child = fork();

        if (child == 0) {
            one_process(i);
            _exit(0);
        } else if (child < 0) {
            fail(&nobody, "fork: %s", strerror(errno));
        }
    }
    while (wait(&status) > 0) {
        if (status != 0) {
            fail(&nobody, "a process ended with status %#x", status);
        }
    }
}

/* --- The command line --------------------------------------------------- */

static void usage(FILE *file)
{
    fprintf(file,
            "usage: sva-torture [-p PROCESSES] [-t THREADS] [-s SECONDS] "
            "[-S SEED] [-qr]\n"
            "                   [-x SCENARIO]... [-n QUEUES [-w WRONG]] "
            "[SCENARIO...]\n"
            "       sva-torture [-n QUEUES] load WHAT...\n"
            "Each of PROCESSES x THREADS workers uses a queue of /dev/dsa;\n"
            "by default there are as many processes as queues allow.\n"
            "The report is JSON, or with -q a table.\n"
            "-r repeats plain transfers that a lost page request ended.\n"
            "-x leaves a scenario out, -n takes software instead of a device,\n"
            "which -w makes forced, corrupt or short.  Scenarios:");
    for (int i = 0; i < scenario_count; i++) {
        fprintf(file, "%s%s", i % 5 ? " " : "\n  ", scenarios[i].name);
    }
    fprintf(file, "\n");
}

static int find_scenario(const char *name)
{
    for (int i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return i;
        }
    }
    fprintf(stderr, "sva-torture: no scenario %s\n", name);
    exit(2);
}

static enum soft_fault find_fault(const char *name)
{
    static const char *const names[] = {
        [SOFT_FORCED] = "forced",
        [SOFT_CORRUPT] = "corrupt",
        [SOFT_SHORT] = "short",
    };

    for (int i = SOFT_FORCED; i <= SOFT_SHORT; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    fprintf(stderr, "sva-torture: no device is wrong like %s\n", name);
    exit(2);
}

static void parse(int argc, char **argv)
{
    bool left_out[64] = { false };
    enum soft_fault fault = SOFT_RIGHT;
    int option, queues = 0;

    while ((option = getopt(argc, argv, "p:t:s:S:x:n:w:qrh")) != -1) {
        switch (option) {
        case 'p':
            plan.processes = atoi(optarg);
            break;
        case 't':
            plan.threads = atoi(optarg);
            break;
        case 's':
            plan.seconds = atoi(optarg);
            break;
        case 'S':
            plan.seed = strtoull(optarg, NULL, 0);
            break;
        case 'x':
            left_out[find_scenario(optarg)] = true;
            break;
        case 'n':
            queues = atoi(optarg);
            break;
        case 'q':
            plan.table = true;
            break;
        case 'r':
            plan.repeat = true;
            break;
        case 'w':
            fault = find_fault(optarg);
            break;
        default:
            usage(option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    soft_configure(queues, fault);
    if (optind < argc && strcmp(argv[optind], "load") == 0) {
        exit(load_main(argc - optind - 1, argv + optind + 1));
    }
    for (int i = 0; i < scenario_count && optind == argc; i++) {
        report_tally(i)->selected = !left_out[i];
    }
    for (int i = optind; i < argc; i++) {
        report_tally(find_scenario(argv[i]))->selected = true;
    }
}

static bool plan_fits(void)
{
    int queues = dsa_list(plan.queues, MAX_QUEUES);

    if (!plan.processes && plan.threads > 0) {
        plan.processes = queues / plan.threads;
    }
    if (plan.processes < 1 || plan.threads < 1 ||
        plan.processes * plan.threads > queues) {
        fprintf(stderr, "sva-torture: %d processes of %d threads, and %d "
                "queues in /dev/dsa\n", plan.processes, plan.threads, queues);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    report_init();
    plan.seed = time(NULL);
    parse(argc, argv);
    if (!plan_fits()) {
        return 2;
    }
    plan.started = now();
    all_processes();
    if (plan.table) {
        report_table();
    } else {
        report_print(plan.seed, plan.processes, plan.threads,
                     now() - plan.started);
    }
    return report_good() ? 0 : 1;
}
