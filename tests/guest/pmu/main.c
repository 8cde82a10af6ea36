/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * iommu-pmu: count the IOMMU's events, as sysfs lists them, while a command
 * runs.  Prints JSON.  There are fewer counters than events, so the command
 * runs once for each group that fits.
 *
 *     iommu-pmu COUNTERS COMMAND [ARGUMENT]...
 *
 * Exit status: 0, 1 if an event cannot be counted or the command fails, 2 for
 * a wrong command line or a machine without this PMU.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PMU "/sys/bus/event_source/devices/amd_iommu_0"

enum { MAX_EVENTS = 64 };

struct event {
    char name[64];
    uint64_t source;           /* the number in "csource=" */
    uint64_t count;
    int fd;
};

/* The first line of a file below the PMU's folder; empty if there is none. */
static const char *read_line(const char *folder, const char *name)
{
    static char line[128];
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), PMU "/%s%s", folder, name);
    line[0] = '\0';
    file = fopen(path, "re");
    if (file) {
        if (!fgets(line, sizeof(line), file)) {
            line[0] = '\0';
        }
        fclose(file);
    }
    return line;
}

static int list_events(struct event *events)
{
    struct dirent **entries;
    int found = scandir(PMU "/events", &entries, NULL, alphasort);
    int count = 0;

    for (int i = 0; i < found && count < MAX_EVENTS; i++) {
        struct event *event = &events[count];
        const char *name = entries[i]->d_name;

        if (sscanf(read_line("events/", name), "csource=%lx",
                   &event->source) == 1) {
            snprintf(event->name, sizeof(event->name), "%.63s", name);
            count++;
        }
    }
    return count;
}

/* The PMU counts on one CPU, whatever that one does. */
static bool open_event(struct event *event)
{
    struct perf_event_attr attributes = {
        .size = sizeof(attributes),
        .type = atoi(read_line("", "type")),
        .config = event->source,
    };

    event->fd = syscall(SYS_perf_event_open, &attributes, -1,
                        atoi(read_line("", "cpumask")), -1,
                        PERF_FLAG_FD_CLOEXEC);
    if (event->fd < 0) {
        fprintf(stderr, "iommu-pmu: %s: %s\n", event->name, strerror(errno));
    }
    return event->fd >= 0;
}

static bool close_event(struct event *event)
{
    bool good = event->fd >= 0 &&
                read(event->fd, &event->count, sizeof(event->count)) ==
                sizeof(event->count);

    if (event->fd >= 0) {
        close(event->fd);
    }
    return good;
}

static bool run_command(char **command)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void print_events(const struct event *events, int count)
{
    printf("{");
    for (int i = 0; i < count; i++) {
        printf("%s\n  \"%s\": %lu", i ? "," : "", events[i].name,
               events[i].count);
    }
    printf("\n}\n");
}

int main(int argc, char **argv)
{
    static struct event events[MAX_EVENTS];
    int count = list_events(events), counters;
    bool good = true;

    if (argc < 3 || (counters = atoi(argv[1])) < 1 || !count) {
        fprintf(stderr, count ? "usage: iommu-pmu COUNTERS COMMAND...\n" :
                "iommu-pmu: no events in " PMU "\n");
        return 2;
    }
    for (int first = 0; first < count; first += counters) {
        int last = first + counters < count ? first + counters : count;

        for (int i = first; i < last; i++) {
            good &= open_event(&events[i]);
        }
        good &= run_command(argv + 2);
        for (int i = first; i < last; i++) {
            good &= close_event(&events[i]);
        }
    }
    print_events(events, count);
    return good ? 0 : 1;
}
