/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Find a QEMU and choose how to ask it.  See target-qmp.h.
 */
#include "target-qmp.h"
#include "pci.h"
#include "process.h"
#include "reply.h"

#include <stdlib.h>

/* What the extension target needs; without one of them it is not used */
static const char *const extension_commands[] = {
    "query-amd-iommu",
    "query-amd-iommu-registers",
    "guest-memory-read",
};

static bool has_extension(const struct amdvi_qmp *qmp)
{
    size_t n = sizeof(extension_commands) / sizeof(extension_commands[0]);

    for (size_t i = 0; i < n; i++) {
        if (!amdvi_qmp_has(qmp, extension_commands[i])) {
            return false;
        }
    }
    return true;
}

void *amdvi_target_qmp_alloc(size_t size, struct amdvi_qmp *qmp,
                             struct amdvi_error *err)
{
    struct amdvi_target_qmp *common = calloc(1, size);

    if (!common) {
        amdvi_qmp_close(qmp);
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    common->qmp = qmp;
    return common;
}

void amdvi_target_qmp_free(struct amdvi_target_qmp *common)
{
    if (common) {
        amdvi_qmp_close(common->qmp);
        free(common->id);
        free(common);
    }
}

bool amdvi_target_qmp_pci(struct amdvi_target *target,
                          struct amdvi_pci_list *ret, struct amdvi_error *err)
{
    struct amdvi_target_qmp *common = target->opaque;

    return amdvi_pci_query(common->qmp, ret, err);
}

bool amdvi_target_qmp_running(struct amdvi_target *target, bool *ret,
                              struct amdvi_error *err)
{
    struct amdvi_target_qmp *common = target->opaque;
    struct json_object *reply = amdvi_qmp_run(common->qmp, "query-status",
                                              NULL, err);
    bool good = reply && amdvi_reply_bool(reply, "running", ret);

    if (reply && !good) {
        amdvi_reply_invalid("query-status", "no \"running\"", err);
    }
    json_object_put(reply);
    return good;
}

/* QEMU has answered, but not done what was asked */
static bool refused(const struct amdvi_error *err)
{
    return err->code != AMDVI_EXIT_CONNECTION &&
           err->code != AMDVI_EXIT_TIMEOUT && err->code != AMDVI_EXIT_REPLY;
}

bool amdvi_target_qmp_pause(struct amdvi_target *target, bool stop,
                            struct amdvi_error *err)
{
    struct amdvi_target_qmp *common = target->opaque;
    struct amdvi_error reply_err = { .code = AMDVI_EXIT_OK };
    struct json_object *reply;
    bool running = false;

    if (stop && !amdvi_target_qmp_running(target, &running, err)) {
        return false;
    }
    /* a VM that someone else has stopped stays so */
    if (stop ? !running : !target->paused) {
        return true;
    }
    /* nor must it stay so because the connection was lost meanwhile */
    if (!stop && !amdvi_qmp_reopen(common->qmp, err)) {
        return false;
    }
    reply = amdvi_qmp_run(common->qmp, stop ? "stop" : "cont", NULL,
                          &reply_err);
    json_object_put(reply);
    if (!reply) {
        *err = reply_err;
    }
    /* without a reply nobody knows whether it has stopped */
    target->paused = stop ? reply || !refused(&reply_err) : !reply;
    return reply != NULL;
}

struct json_object *amdvi_target_qmp_next_break(struct amdvi_target *target)
{
    struct amdvi_target_qmp *common = target->opaque;

    return amdvi_qmp_next_break(common->qmp);
}

uint64_t amdvi_target_qmp_asked(const struct amdvi_target *target)
{
    const struct amdvi_target_qmp *common = target->opaque;

    return amdvi_qmp_sent(common->qmp);
}

void amdvi_target_qmp_close(struct amdvi_target *target)
{
    amdvi_target_qmp_free(target->opaque);
}

static struct amdvi_target *choose(struct amdvi_qmp *qmp, const char *id,
                                   struct amdvi_error *err)
{
    bool readonly = amdvi_qmp_readonly(qmp);
    struct amdvi_target *target =
        has_extension(qmp) ? amdvi_target_extension(qmp, id, err)
                           : amdvi_target_unmodified(qmp, id, err);

    if (target) {
        target->readonly = readonly;
    }
    return target;
}

struct amdvi_target *
amdvi_target_open_qmp(const char *address, const char *id,
                      const struct amdvi_qmp_manner *manner,
                      struct amdvi_error *err)
{
    struct amdvi_qmp *qmp = amdvi_qmp_open(address, manner, err);

    return qmp ? choose(qmp, id, err) : NULL;
}

struct amdvi_target *
amdvi_target_attach_qmp(int fd, const char *address, const char *id,
                        const struct amdvi_qmp_manner *manner,
                        struct amdvi_error *err)
{
    struct amdvi_qmp *qmp = amdvi_qmp_attach(fd, address, manner, err);

    return qmp ? choose(qmp, id, err) : NULL;
}

struct amdvi_target *
amdvi_target_open_libvirt(const char *domain, const char *id,
                          const struct amdvi_qmp_manner *manner,
                          struct amdvi_error *err)
{
    struct amdvi_qmp *qmp = amdvi_qmp_open_libvirt(domain, manner, err);

    return qmp ? choose(qmp, id, err) : NULL;
}

struct amdvi_target *
amdvi_target_open_pid(unsigned long pid, const char *id,
                      const struct amdvi_qmp_manner *manner,
                      struct amdvi_error *err)
{
    struct amdvi_socket_list list;
    struct amdvi_qmp *qmp = NULL;

    if (!amdvi_process_sockets(pid, &list, err)) {
        return NULL;
    }
    for (size_t i = 0; i < list.count && !qmp; i++) {
        qmp = amdvi_qmp_open(list.address[i], manner, err);
    }
    amdvi_socket_list_free(&list);
    return qmp ? choose(qmp, id, err) : NULL;
}
