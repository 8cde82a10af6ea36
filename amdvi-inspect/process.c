/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP sockets from /proc/PID/cmdline.  See process.h.
 */
#include "process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes of a command line that are looked at */
#define CMDLINE_MAX (256u << 10)

/* A command line: words separated by NUL, and a NUL at the end */
struct cmdline {
    char *text;
    size_t size;
    char cwd[PATH_MAX];         /* relative socket paths start here */
};

static const char *next_word(const struct cmdline *line, const char *word)
{
    word += strlen(word) + 1;
    return word < line->text + line->size ? word : NULL;
}

/*
 * The value of @key in a QEMU option string "a,key=value,..", in which a
 * comma inside a value is doubled.  Returns false if there is none.
 */
static bool option_value(const char *options, const char *key, char *value,
                         size_t size)
{
    size_t length = strlen(key), n = 0;

    while (strncmp(options, key, length) != 0 || options[length] != '=') {
        options = strchr(options, ',');
        if (!options) {
            return false;
        }
        options++;
    }
    for (options += length + 1; *options; options++) {
        if (*options == ',' && *++options != ',') {
            break;
        }
        if (n + 1 < size) {
            value[n++] = *options;
        }
    }
    value[n] = '\0';
    return true;
}

static void add_socket(const struct cmdline *line, const char *path,
                       struct amdvi_socket_list *list)
{
    char full[2 * PATH_MAX];

    if (list->count == AMDVI_MAX_SOCKETS) {
        return;
    }
    snprintf(full, sizeof(full), "%s%s%s%s", "unix:",
             path[0] == '/' ? "" : line->cwd, path[0] == '/' ? "" : "/", path);
    list->address[list->count] = strdup(full);
    list->count += list->address[list->count] != NULL;
}

static void add_host(const char *host, const char *port,
                     struct amdvi_socket_list *list)
{
    char full[sizeof("tcp::") + 2 * PATH_MAX];

    if (list->count == AMDVI_MAX_SOCKETS) {
        return;
    }
    snprintf(full, sizeof(full), "tcp:%s:%s", *host ? host : "localhost",
             port);
    list->address[list->count] = strdup(full);
    list->count += list->address[list->count] != NULL;
}

/* "HOST:PORT" as after "tcp:" */
static void add_address(char *address, struct amdvi_socket_list *list)
{
    char *colon = strrchr(address, ':');

    if (colon) {
        *colon = '\0';
        add_host(address, colon + 1, list);
    }
}

/* "unix:PATH,server=on" or "tcp:HOST:PORT,.." as after -qmp */
static void add_device(const struct cmdline *line, const char *device,
                       struct amdvi_socket_list *list)
{
    char copy[PATH_MAX], value[PATH_MAX];
    char *colon;

    if (strlen(device) >= sizeof(copy)) {
        return;
    }
    /* "unix:P,o" has the same quoting as "unix=P,o" */
    strcpy(copy, device);
    colon = strchr(copy, ':');
    if (!colon) {
        return;
    }
    *colon = '=';
    if (option_value(copy, "unix", value, sizeof(value))) {
        add_socket(line, value, list);
    } else if (option_value(copy, "tcp", value, sizeof(value))) {
        add_address(value, list);
    }
}

/* "socket,id=ID,path=PATH" or "socket,id=ID,host=H,port=P" */
static void add_chardev(const struct cmdline *line, const char *options,
                        struct amdvi_socket_list *list)
{
    char value[PATH_MAX], port[16];

    if (option_value(options, "path", value, sizeof(value))) {
        add_socket(line, value, list);
    } else if (option_value(options, "port", port, sizeof(port))) {
        if (!option_value(options, "host", value, sizeof(value))) {
            value[0] = '\0';
        }
        add_host(value, port, list);
    }
}

/* Whether @word is option @name, with one dash or two */
static bool is_option(const char *word, const char *name)
{
    return word[0] == '-' &&
           strcmp(word + (word[1] == '-' ? 2 : 1), name) == 0;
}

/* The socket of the chardev that -mon names */
static void add_monitor(const struct cmdline *line, const char *options,
                        struct amdvi_socket_list *list)
{
    char mode[16], chardev[128], id[128];

    if (!option_value(options, "mode", mode, sizeof(mode)) ||
        strcmp(mode, "control") != 0) {
        return;
    }
    if (!option_value(options, "chardev", chardev, sizeof(chardev))) {
        snprintf(chardev, sizeof(chardev), "%.*s",
                 (int)strcspn(options, ","), options);
    }
    for (const char *word = line->text; word; word = next_word(line, word)) {
        const char *value = next_word(line, word);

        if (value && is_option(word, "chardev") &&
            option_value(value, "id", id, sizeof(id)) &&
            strcmp(id, chardev) == 0) {
            add_chardev(line, value, list);
        }
    }
}

static void scan(const struct cmdline *line, struct amdvi_socket_list *list)
{
    for (const char *word = line->text; word; word = next_word(line, word)) {
        const char *value = next_word(line, word);

        if (!value) {
            break;
        }
        if (is_option(word, "qmp") || is_option(word, "qmp-pretty")) {
            add_device(line, value, list);
        } else if (is_option(word, "mon")) {
            add_monitor(line, value, list);
        }
    }
}

/* The process must be ours: its command line decides where we connect */
static bool check_owner(unsigned long pid, struct amdvi_error *err)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%lu", pid);
    if (stat(path, &st) < 0) {
        return amdvi_fail(err, AMDVI_EXIT_CONNECTION, "no process %lu", pid);
    }
    if (st.st_uid != geteuid()) {
        return amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                          "process %lu belongs to another user", pid);
    }
    return true;
}

static bool read_cmdline(unsigned long pid, struct cmdline *line,
                         struct amdvi_error *err)
{
    char path[64];
    ssize_t length;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%lu/cwd", pid);
    length = readlink(path, line->cwd, sizeof(line->cwd) - 1);
    line->cwd[length < 0 ? 0 : length] = '\0';
    snprintf(path, sizeof(path), "/proc/%lu/cmdline", pid);
    file = fopen(path, "re");
    line->text = calloc(1, CMDLINE_MAX + 1);
    if (!file || !line->text) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "cannot read the command line of process %lu: %s", pid,
                   strerror(errno));
    } else {
        line->size = fread(line->text, 1, CMDLINE_MAX, file);
    }
    if (file) {
        fclose(file);
    }
    return file && line->text;
}

bool amdvi_process_sockets(unsigned long pid, struct amdvi_socket_list *ret,
                           struct amdvi_error *err)
{
    struct cmdline line = { .text = NULL };
    struct amdvi_socket_list list = { .count = 0 };
    bool good = check_owner(pid, err) && read_cmdline(pid, &line, err);

    if (good) {
        scan(&line, &list);
    }
    free(line.text);
    if (good && list.count == 0) {
        return amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                          "process %lu has no QMP socket on its command line",
                          pid);
    }
    if (good) {
        *ret = list;
    }
    return good;
}

void amdvi_socket_list_free(struct amdvi_socket_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->address[i]);
    }
    list->count = 0;
}
