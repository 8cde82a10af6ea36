/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lease.h.
 */
#include "lease.h"

#include <stdlib.h>

struct lease {
    struct amdvi_gate *gate;
    struct amdvi_target_info info;      /* its strings are kept below */
    struct amdvi_strings strings;
    uint64_t before;            /* commands sent when it was borrowed */
    uint64_t asked;             /* of ours */
};

void amdvi_gate_init(struct amdvi_gate *gate, struct amdvi_session *session)
{
    gate->session = session;
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->free, NULL);
    atomic_init(&gate->urgent, 0);
}

void amdvi_gate_destroy(struct amdvi_gate *gate)
{
    pthread_mutex_destroy(&gate->lock);
    pthread_cond_destroy(&gate->free);
}

void amdvi_gate_enter(struct amdvi_gate *gate)
{
    atomic_fetch_add(&gate->urgent, 1);
    pthread_mutex_lock(&gate->lock);
}

void amdvi_gate_leave(struct amdvi_gate *gate)
{
    atomic_fetch_sub(&gate->urgent, 1);
    pthread_cond_broadcast(&gate->free);
    pthread_mutex_unlock(&gate->lock);
}

/* Wait until nobody else wants it.  give_back() in any case */
static struct amdvi_target *borrow(struct amdvi_target *target,
                                   struct amdvi_error *err)
{
    struct lease *lease = target->opaque;
    struct amdvi_gate *gate = lease->gate;

    pthread_mutex_lock(&gate->lock);
    while (atomic_load(&gate->urgent)) {
        pthread_cond_wait(&gate->free, &gate->lock);
    }
    if (!gate->session->target) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "not connected");
    }
    lease->before = amdvi_target_asked(gate->session->target);
    return gate->session->target;
}

static bool give_back(struct amdvi_target *target, bool good,
                      const struct amdvi_error *err)
{
    struct lease *lease = target->opaque;

    lease->asked += amdvi_target_asked(lease->gate->session->target) -
                    lease->before;
    if (!good) {
        amdvi_session_failed(lease->gate->session, err);
    }
    pthread_mutex_unlock(&lease->gate->lock);
    return good;
}

static bool read_memory(struct amdvi_target *target, uint64_t addr, void *buf,
                        size_t len, enum amdvi_mem_status *ret_status,
                        struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    bool good = real && amdvi_target_read(real, addr, buf, len, ret_status,
                                          err);

    return give_back(target, good, err);
}

static bool read_register(struct amdvi_target *target, uint32_t offset,
                          uint64_t *ret_value, struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    bool good = real && real->ops->read_register(real, offset, ret_value,
                                                 err);

    return give_back(target, good, err);
}

static bool pci_functions(struct amdvi_target *target,
                          struct amdvi_pci_list *ret, struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    bool good = real && amdvi_target_pci(real, ret, err);

    return give_back(target, good, err);
}

static struct json_object *query(struct amdvi_target *target,
                                 enum amdvi_query_id id,
                                 struct json_object *arguments,
                                 struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    struct json_object *list = NULL;

    if (real) {
        list = amdvi_target_query(real, id, arguments, err);
    } else {
        json_object_put(arguments);
    }
    give_back(target, list != NULL, err);
    return list;
}

static bool stop_or_go(struct amdvi_target *target, bool stop,
                       struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    bool good = real && amdvi_target_pause(real, stop, err);

    return give_back(target, good, err);
}

static bool running(struct amdvi_target *target, bool *ret,
                    struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    bool good = real && amdvi_target_running(real, ret, err);

    return give_back(target, good, err);
}

static bool read_config(struct amdvi_target *target, uint16_t device_id,
                        uint16_t offset, uint32_t *ret_value, bool *ret_known,
                        struct amdvi_error *err)
{
    struct amdvi_target *real = borrow(target, err);
    bool good = real != NULL;

    *ret_known = false;
    if (real && real->ops->read_config) {
        good = real->ops->read_config(real, device_id, offset, ret_value,
                                      ret_known, err);
    }
    return give_back(target, good, err);
}

static void describe(struct amdvi_target *target,
                     struct amdvi_target_info *ret)
{
    const struct lease *lease = target->opaque;

    *ret = lease->info;
}

static uint64_t asked(const struct amdvi_target *target)
{
    const struct lease *lease = target->opaque;

    return lease->asked;
}

static void refresh(struct amdvi_target *target)
{
    struct amdvi_error ignored = { .code = AMDVI_EXIT_OK };
    struct amdvi_target *real = borrow(target, &ignored);

    if (real) {
        amdvi_target_refresh(real);
    }
    give_back(target, true, &ignored);
}

static void close_lease(struct amdvi_target *target)
{
    struct lease *lease = target->opaque;

    amdvi_strings_free(&lease->strings);
    free(lease);
}

static const struct amdvi_target_ops lease_ops = {
    .read_memory = read_memory,
    .read_register = read_register,
    .pci_functions = pci_functions,
    .query = query,
    .pause = stop_or_go,
    .describe = describe,
    .refresh = refresh,
    .close = close_lease,
    .running = running,
    .read_config = read_config,
    .asked = asked,
};

/* The target may go away while its strings are still wanted */
static void keep_strings(struct lease *lease)
{
    const char **text[] = {
        &lease->info.kind, &lease->info.address, &lease->info.version,
        &lease->info.engine, &lease->info.id, &lease->info.options,
    };

    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        if (*text[i]) {
            *text[i] = amdvi_strings_add(&lease->strings, "%s", *text[i]);
        }
    }
}

struct amdvi_target *amdvi_lease_new(struct amdvi_gate *gate,
                                     struct amdvi_error *err)
{
    struct lease *lease = calloc(1, sizeof(*lease));
    struct amdvi_target *target, *real;

    if (!lease) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        return NULL;
    }
    lease->gate = gate;
    target = amdvi_target_new(&lease_ops, lease, err);
    if (!target) {
        return NULL;
    }
    real = borrow(target, err);
    if (real) {
        amdvi_target_describe(real, &lease->info);
        keep_strings(lease);
    }
    give_back(target, true, err);
    if (!real) {
        amdvi_target_close(target);
    }
    return real ? target : NULL;
}
