/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP client.  See qmp.h.
 */
#include "qmp.h"
#include "interrupt.h"
#include "json-limit.h"
#include "reply.h"
#include "socket.h"
#include "text.h"
#include "virsh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Objects and arrays within each other; QEMU's deepest are PCI bridges */
#define MAX_DEPTH 128
/* One message; the largest we ask for have about 256 KiB */
static const struct amdvi_json_size max_message = {
    .bytes = 16u << 20, .containers = 64u << 10, .commas = 1u << 20,
};
/* The event that is kept, and how many of it */
#define BREAK_EVENT "AMD_IOMMU_BREAK"
#define MAX_BREAKS 16
/* A client cannot leave more commands than QEMU queues */
#define STALE_MAX 8

struct amdvi_qmp {
    int fd;                     /* -1: the connection is dead */
    struct amdvi_qmp_manner manner;
    bool named;                 /* the address can be connected to */
    int64_t next_id;
    char *address;
    bool libvirt;               /* address is a domain; fd is of one reply */
    char version[32];
    struct json_object *commands;   /* an object with the names as keys */
    struct json_object *breaks;     /* data of events, oldest first */
    struct json_tokener *tokener;
    size_t start;               /* buffer[start, end) is not parsed yet */
    size_t end;
    char buffer[65536];
};

const char *amdvi_qmp_address(const struct amdvi_qmp *qmp)
{
    return qmp->address;
}

const char *amdvi_qmp_version(const struct amdvi_qmp *qmp)
{
    return qmp->version;
}

uint64_t amdvi_qmp_sent(const struct amdvi_qmp *qmp)
{
    return (uint64_t)qmp->next_id;
}

bool amdvi_qmp_readonly(const struct amdvi_qmp *qmp)
{
    return qmp->manner.readonly;
}

bool amdvi_qmp_has(const struct amdvi_qmp *qmp, const char *command)
{
    return json_object_object_get_ex(qmp->commands, command, NULL);
}

/* Nothing more will come from this connection.  Returns false */
static bool hang_up(struct amdvi_qmp *qmp)
{
    if (qmp->fd >= 0) {
        close(qmp->fd);
        qmp->fd = -1;
    }
    return false;
}

/* A wait has failed; errno says how.  Returns false */
static bool lost(const struct amdvi_qmp *qmp, struct amdvi_error *err)
{
    if (amdvi_interrupt_wait()) {
        return amdvi_interrupt_fail(err);
    }
    return amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                      "lost the connection to %s: %s", qmp->address,
                      strerror(errno));
}

/* Read more into the empty buffer.  @partial: inside a message */
static bool fill(struct amdvi_qmp *qmp, int64_t deadline, bool partial,
                 struct amdvi_error *err)
{
    enum amdvi_wait wait;

    qmp->start = qmp->end = 0;
    wait = amdvi_socket_read(qmp->fd, qmp->buffer, sizeof(qmp->buffer),
                             deadline, &qmp->end);
    if (wait == AMDVI_WAIT_TIMEOUT) {
        return amdvi_fail(err, AMDVI_EXIT_TIMEOUT,
                          "QEMU on %s does not answer%s", qmp->address,
                          partial ? " any more: half a reply came" : "");
    }
    if (wait == AMDVI_WAIT_FAILED) {
        return lost(qmp, err);
    }
    if (qmp->end == 0) {
        return amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                          "QEMU closed %s%s", qmp->address,
                          partial ? " in the middle of a reply" : "");
    }
    return true;
}

/* Why the tokener stopped */
static bool parse_failure(struct amdvi_qmp *qmp,
                          enum json_tokener_error error,
                          struct amdvi_error *err)
{
    if (error == json_tokener_error_depth) {
        return amdvi_fail(err, AMDVI_EXIT_REPLY,
                          "%s sent JSON nested deeper than %d levels",
                          qmp->address, MAX_DEPTH);
    }
    return amdvi_fail(err, AMDVI_EXIT_REPLY,
                      "%s sent something that is not JSON: "
                      "is it a QMP socket?", qmp->address);
}

/*
 * Parse some of the buffer.  Returns false on failure; *@ret stays NULL
 * while the message is not complete.
 */
static bool parse_some(struct amdvi_qmp *qmp, struct amdvi_json_size *size,
                       struct json_object **ret, struct amdvi_error *err)
{
    const char *text = qmp->buffer + qmp->start, *above;
    enum json_tokener_error error;

    *ret = json_tokener_parse_ex(qmp->tokener, text,
                                 (int)(qmp->end - qmp->start));
    error = json_tokener_get_error(qmp->tokener);
    if (error != json_tokener_success && error != json_tokener_continue) {
        return parse_failure(qmp, error, err);
    }
    amdvi_json_measure(size, text, json_tokener_get_parse_end(qmp->tokener));
    qmp->start += json_tokener_get_parse_end(qmp->tokener);
    above = amdvi_json_exceeds(size, &max_message);
    if (above) {
        json_object_put(*ret);
        return amdvi_fail(err, AMDVI_EXIT_REPLY,
                          "%s sent a message with more %s than any reply has",
                          qmp->address, above);
    }
    if (error == json_tokener_success &&
        !json_object_is_type(*ret, json_type_object)) {
        json_object_put(*ret);
        return parse_failure(qmp, error, err);
    }
    return true;
}

/* White space between messages is not the beginning of one */
static void skip_space(struct amdvi_qmp *qmp)
{
    while (qmp->start < qmp->end && qmp->buffer[qmp->start] &&
           strchr(" \t\r\n", qmp->buffer[qmp->start])) {
        qmp->start++;
    }
}

/* The next message, an object; the caller puts it */
static struct json_object *read_message(struct amdvi_qmp *qmp,
                                        int64_t deadline,
                                        struct amdvi_error *err)
{
    struct json_object *message = NULL;
    struct amdvi_json_size size = { 0 };

    json_tokener_reset(qmp->tokener);
    while (!message) {
        if (size.bytes == 0) {
            skip_space(qmp);
        }
        if (qmp->start == qmp->end) {
            if (!fill(qmp, deadline, size.bytes > 0, err)) {
                hang_up(qmp);
                return NULL;
            }
        } else if (!parse_some(qmp, &size, &message, err)) {
            hang_up(qmp);
            return NULL;
        }
    }
    return message;
}

/*
 * Take the result out of a message.  Returns true if the message was the
 * reply to @id; then *@ret is the result, or NULL with @err filled.
 */
static bool take_result(struct json_object *message, const char *command,
                        int64_t id, struct json_object **ret,
                        struct amdvi_error *err)
{
    struct json_object *error, *value;
    const char *class = "", *desc = "no description";
    uint64_t reply_id;

    if (amdvi_reply_object(message, "error", &error)) {
        /* without an id QEMU could not parse what we sent */
        if (amdvi_reply_number(message, "id", INT64_MAX, &reply_id) &&
            reply_id != (uint64_t)id) {
            return false;
        }
        amdvi_reply_text(error, "class", &class);
        amdvi_reply_text(error, "desc", &desc);
        amdvi_fail(err, strcmp(class, "CommandNotFound") == 0
                        ? AMDVI_EXIT_UNSUPPORTED : AMDVI_EXIT_FAILED,
                   "QEMU refused %s: %s", command, desc);
        return true;
    }
    if (!amdvi_reply_number(message, "id", INT64_MAX, &reply_id) ||
        reply_id != (uint64_t)id ||
        !json_object_object_get_ex(message, "return", &value)) {
        return false;
    }
    *ret = value ? json_object_get(value) : json_object_new_object();
    return true;
}

/* {"execute": ..}; libvirt numbers commands itself, so with @id < 0 none */
static struct json_object *new_message(const char *command,
                                       struct json_object *arguments,
                                       int64_t id)
{
    struct json_object *message = json_object_new_object();

    json_object_object_add(message, "execute",
                           json_object_new_string(command));
    if (arguments) {
        json_object_object_add(message, "arguments", arguments);
    }
    if (id >= 0) {
        json_object_object_add(message, "id", json_object_new_int64(id));
    }
    return message;
}

static bool send_command(struct amdvi_qmp *qmp, const char *command,
                         struct json_object *arguments, int64_t id,
                         int64_t deadline, struct amdvi_error *err)
{
    struct json_object *message = new_message(command, arguments, id);
    enum amdvi_wait wait;
    const char *text;
    size_t length;

    text = json_object_to_json_string_length(message, JSON_C_TO_STRING_PLAIN,
                                             &length);
    wait = amdvi_socket_write(qmp->fd, text, length, deadline);
    if (wait == AMDVI_WAIT_READY) {
        wait = amdvi_socket_write(qmp->fd, "\n", 1, deadline);
    }
    json_object_put(message);
    if (wait == AMDVI_WAIT_TIMEOUT) {
        return amdvi_fail(err, AMDVI_EXIT_TIMEOUT,
                          "QEMU on %s does not take commands", qmp->address);
    }
    return wait == AMDVI_WAIT_READY || lost(qmp, err);
}

/* What an event tells of a breakpoint; beyond some the oldest are kept */
static void keep_break(struct amdvi_qmp *qmp, struct json_object *message)
{
    struct json_object *data;
    const char *event;

    if (amdvi_reply_text(message, "event", &event) &&
        strcmp(event, BREAK_EVENT) == 0 &&
        amdvi_reply_object(message, "data", &data) &&
        json_object_array_length(qmp->breaks) < MAX_BREAKS) {
        json_object_array_add(qmp->breaks, json_object_get(data));
    }
}

struct json_object *amdvi_qmp_next_break(struct amdvi_qmp *qmp)
{
    struct json_object *data = json_object_array_get_idx(qmp->breaks, 0);

    if (data) {
        json_object_get(data);
        json_object_array_del_idx(qmp->breaks, 0, 1);
    }
    return data;
}

/* Wait for the reply to @id, dropping other replies and most events */
static struct json_object *wait_reply(struct amdvi_qmp *qmp,
                                      const char *command, int64_t id,
                                      int64_t deadline,
                                      struct amdvi_error *err)
{
    for (;;) {
        struct json_object *message = read_message(qmp, deadline, err);
        struct json_object *result = NULL;
        bool mine;

        if (!message) {
            return NULL;
        }
        mine = take_result(message, command, id, &result, err);
        if (!mine) {
            keep_break(qmp, message);
        }
        json_object_put(message);
        if (mine) {
            return result;
        }
        if (amdvi_clock_ms() >= deadline) {
            hang_up(qmp);
            amdvi_fail(err, AMDVI_EXIT_TIMEOUT,
                       "QEMU on %s sends events but no reply", qmp->address);
            return NULL;
        }
    }
}

/* The reply that virsh prints, with our number; NULL: there is none */
static struct json_object *read_virsh(struct amdvi_qmp *qmp, pid_t pid,
                                      int64_t id, int64_t deadline,
                                      struct amdvi_error *err)
{
    struct json_object *message;

    qmp->start = qmp->end = 0;
    message = read_message(qmp, deadline, err);
    hang_up(qmp);
    if (!amdvi_virsh_end(pid) && !message &&
        err->code == AMDVI_EXIT_CONNECTION) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "virsh could not pass a command on to domain %s",
                   qmp->address);
    }
    if (message) {
        json_object_object_add(message, "id", json_object_new_int64(id));
    }
    return message;
}

static struct json_object *run_virsh(struct amdvi_qmp *qmp,
                                     const char *command,
                                     struct json_object *arguments,
                                     struct amdvi_error *err)
{
    int64_t deadline = amdvi_clock_ms() + qmp->manner.timeout_ms;
    struct json_object *message = new_message(command, arguments, -1);
    struct json_object *result = NULL;
    pid_t pid;

    qmp->fd = amdvi_virsh_start(
        qmp->address,
        json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN), &pid,
        err);
    json_object_put(message);
    if (qmp->fd < 0) {
        return NULL;
    }
    message = read_virsh(qmp, pid, 0, deadline, err);
    if (message && !take_result(message, command, 0, &result, err)) {
        amdvi_reply_invalid(command, "neither a result nor an error", err);
    }
    json_object_put(message);
    return result;
}

/* "query-..." are so by QMP's rules; of the others these */
static bool changes_nothing(const char *command,
                            struct json_object *arguments)
{
    static const char *const harmless[] = {
        "qmp_capabilities", "qom-list", "qom-get", "guest-memory-read",
        "amd-iommu-translate",
    };
    const char *line;

    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (strcmp(command, harmless[i]) == 0) {
            return true;
        }
    }
    return strncmp(command, "query-", 6) == 0 ||
           (strcmp(command, "human-monitor-command") == 0 &&
            amdvi_reply_text(arguments, "command-line", &line) &&
            (strncmp(line, "info ", 5) == 0 || strncmp(line, "xp ", 3) == 0));
}

struct json_object *amdvi_qmp_run(struct amdvi_qmp *qmp, const char *command,
                                  struct json_object *arguments,
                                  struct amdvi_error *err)
{
    int64_t deadline = amdvi_clock_ms() + qmp->manner.timeout_ms;
    int64_t id = qmp->next_id++;

    if (qmp->manner.readonly && !changes_nothing(command, arguments)) {
        json_object_put(arguments);
        amdvi_fail(err, AMDVI_EXIT_USAGE, "%s would change the VM, and "
                   "--readonly forbids that", command);
        return NULL;
    }
    if (qmp->libvirt) {
        return run_virsh(qmp, command, arguments, err);
    }
    if (qmp->fd < 0) {
        json_object_put(arguments);
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "the connection to %s is lost", qmp->address);
        return NULL;
    }
    if (!send_command(qmp, command, arguments, id, deadline, err)) {
        hang_up(qmp);
        return NULL;
    }
    return wait_reply(qmp, command, id, deadline, err);
}

struct json_object *amdvi_qmp_wait_event(struct amdvi_qmp *qmp,
                                         const char *event,
                                         struct amdvi_error *err)
{
    struct json_object *data = NULL;

    if (qmp->libvirt) {
        amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                   "libvirt does not pass events on");
        return NULL;
    }
    if (qmp->fd < 0) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                   "the connection to %s is lost", qmp->address);
        return NULL;
    }
    while (!data) {
        struct json_object *message;
        const char *name;

        /* events that never end would never let us wait */
        if (amdvi_interrupt_wait()) {
            amdvi_interrupt_fail(err);
            return NULL;
        }
        message = read_message(qmp, INT64_MAX, err);
        if (!message) {
            return NULL;
        }
        if (amdvi_reply_text(message, "event", &name) &&
            strcmp(name, event) == 0 &&
            amdvi_reply_object(message, "data", &data)) {
            json_object_get(data);
        }
        json_object_put(message);
    }
    return data;
}

/* "10.2.2" out of what QEMU says; what is missing counts as 0 */
static void read_version(struct amdvi_qmp *qmp, struct json_object *version)
{
    struct json_object *qemu;
    uint64_t major = 0, minor = 0, micro = 0;

    if (amdvi_reply_object(version, "qemu", &qemu)) {
        amdvi_reply_number(qemu, "major", UINT16_MAX, &major);
        amdvi_reply_number(qemu, "minor", UINT16_MAX, &minor);
        amdvi_reply_number(qemu, "micro", UINT16_MAX, &micro);
        snprintf(qmp->version, sizeof(qmp->version), "%u.%u.%u",
                 (unsigned int)major, (unsigned int)minor,
                 (unsigned int)micro);
    }
}

/* Whether @message answers something */
static bool is_answer(struct json_object *message)
{
    return json_object_object_get_ex(message, "return", NULL) ||
           json_object_object_get_ex(message, "error", NULL);
}

/*
 * The first message that is for this client.  If another one left before it
 * was answered, QEMU may say to the next client what was meant for that one.
 */
static struct json_object *read_first(struct amdvi_qmp *qmp, int64_t deadline,
                                      struct amdvi_error *err)
{
    struct json_object *message = read_message(qmp, deadline, err);

    for (int i = 0; message && is_answer(message) && i < STALE_MAX; i++) {
        json_object_put(message);
        message = read_message(qmp, deadline, err);
    }
    return message;
}

/*
 * A monitor serves one client: the next one is connected by the kernel but
 * hears nothing until the first leaves.
 */
static bool read_greeting(struct amdvi_qmp *qmp, int64_t deadline,
                          struct amdvi_error *err)
{
    struct json_object *message = read_first(qmp, deadline, err);
    struct json_object *greeting, *version;
    bool good;

    if (!message && err->code == AMDVI_EXIT_TIMEOUT) {
        return amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                          "%s is silent: another client holds it, or it is "
                          "no QMP socket; give QEMU a second -qmp socket",
                          qmp->address);
    }
    if (!message) {
        return false;
    }
    good = amdvi_reply_object(message, "QMP", &greeting);
    if (good && amdvi_reply_object(greeting, "version", &version)) {
        read_version(qmp, version);
    }
    json_object_put(message);
    return good ||
           amdvi_fail(err, AMDVI_EXIT_CONNECTION,
                      "%s does not greet as QMP does", qmp->address);
}

/* Fill qmp->commands from the reply of query-commands */
static bool store_commands(struct amdvi_qmp *qmp, struct json_object *list,
                           struct amdvi_error *err)
{
    if (!json_object_is_type(list, json_type_array)) {
        return amdvi_reply_invalid("query-commands", "not a list", err);
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *name;

        if (amdvi_reply_text(json_object_array_get_idx(list, i), "name",
                             &name)) {
            json_object_object_add(qmp->commands, name,
                                   json_object_new_boolean(true));
        }
    }
    return true;
}

static bool ask_commands(struct amdvi_qmp *qmp, struct amdvi_error *err)
{
    struct json_object *reply = amdvi_qmp_run(qmp, "query-commands", NULL,
                                              err);
    bool good = reply && store_commands(qmp, reply, err);

    json_object_put(reply);
    return good;
}

static bool negotiate(struct amdvi_qmp *qmp, int64_t deadline,
                      struct amdvi_error *err)
{
    struct json_object *reply;

    if (!read_greeting(qmp, deadline, err)) {
        return false;
    }
    reply = amdvi_qmp_run(qmp, "qmp_capabilities", NULL, err);
    json_object_put(reply);
    return reply && ask_commands(qmp, err);
}

static struct amdvi_qmp *new_client(const char *address,
                                    const struct amdvi_qmp_manner *manner)
{
    struct amdvi_qmp *qmp = calloc(1, sizeof(*qmp));

    if (!qmp) {
        return NULL;
    }
    qmp->fd = -1;
    qmp->manner = *manner;
    qmp->address = strdup(address);
    qmp->commands = json_object_new_object();
    qmp->breaks = json_object_new_array();
    qmp->tokener = json_tokener_new_ex(MAX_DEPTH);
    strcpy(qmp->version, "unknown");
    if (!qmp->address || !qmp->commands || !qmp->breaks || !qmp->tokener) {
        amdvi_qmp_close(qmp);
        return NULL;
    }
    json_tokener_set_flags(qmp->tokener, JSON_TOKENER_STRICT |
                           JSON_TOKENER_ALLOW_TRAILING_CHARS |
                           JSON_TOKENER_VALIDATE_UTF8);
    return qmp;
}

/* @fd -1: nothing could be opened, and @err says why */
static struct amdvi_qmp *begin(struct amdvi_qmp *qmp, int fd,
                               int64_t deadline, struct amdvi_error *err)
{
    qmp->fd = fd;
    if (fd < 0 || !negotiate(qmp, deadline, err)) {
        amdvi_qmp_close(qmp);
        return NULL;
    }
    return qmp;
}

struct amdvi_qmp *amdvi_qmp_attach(int fd, const char *address,
                                   const struct amdvi_qmp_manner *manner,
                                   struct amdvi_error *err)
{
    struct amdvi_qmp *qmp = new_client(address, manner);

    if (!qmp) {
        close(fd);
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    return begin(qmp, fd, amdvi_clock_ms() + manner->timeout_ms, err);
}

struct amdvi_qmp *
amdvi_qmp_open_libvirt(const char *domain,
                       const struct amdvi_qmp_manner *manner,
                       struct amdvi_error *err)
{
    struct amdvi_qmp *qmp = new_client(domain, manner);
    struct json_object *version;

    if (!qmp) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    qmp->libvirt = true;
    version = amdvi_qmp_run(qmp, "query-version", NULL, err);
    if (version) {
        read_version(qmp, version);
    }
    json_object_put(version);
    if (!version || !ask_commands(qmp, err)) {
        amdvi_qmp_close(qmp);
        return NULL;
    }
    return qmp;
}

struct amdvi_qmp *amdvi_qmp_open(const char *address,
                                 const struct amdvi_qmp_manner *manner,
                                 struct amdvi_error *err)
{
    int64_t deadline = amdvi_clock_ms() + AMDVI_QMP_CONNECT_MS;
    struct amdvi_qmp *qmp = new_client(address, manner);

    if (!qmp) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    qmp->named = true;
    return begin(qmp, amdvi_socket_open(address, deadline, err), deadline,
                 err);
}

bool amdvi_qmp_reopen(struct amdvi_qmp *qmp, struct amdvi_error *err)
{
    int64_t deadline = amdvi_clock_ms() + AMDVI_QMP_CONNECT_MS;

    if (qmp->fd >= 0 || !qmp->named) {
        return true;
    }
    qmp->start = qmp->end = 0;
    qmp->fd = amdvi_socket_open(qmp->address, deadline, err);
    return qmp->fd >= 0 && (negotiate(qmp, deadline, err) || hang_up(qmp));
}

void amdvi_qmp_close(struct amdvi_qmp *qmp)
{
    if (!qmp) {
        return;
    }
    hang_up(qmp);
    json_object_put(qmp->commands);
    json_object_put(qmp->breaks);
    if (qmp->tokener) {
        json_tokener_free(qmp->tokener);
    }
    free(qmp->address);
    free(qmp);
}
