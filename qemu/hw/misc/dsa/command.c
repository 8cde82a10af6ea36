/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of a DSA: spec/dsa-device.md 4.  A command that has to wait for
 * descriptors leaves a DsaCommand behind, and ends when the last of them does.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "qapi/error.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "trace.h"

#define ALL_QUEUES UINT64_MAX

static unsigned int device_state(DsaState *s)
{
    return *dsa_reg(s, DSA_REG_GENSTS);
}

DsaContext *dsa_context_get(DsaState *s, uint32_t pasid, Error **errp)
{
    DsaContext *context;
    SvmContext *svm;

    QLIST_FOREACH(context, &s->contexts, next) {
        if (context->pasid == pasid) {
            context->users++;
            return context;
        }
    }
    svm = svm_client_open(&s->client, pasid, errp);
    if (!svm) {
        return NULL;
    }
    context = g_new0(DsaContext, 1);
    context->svm = svm;
    context->pasid = pasid;
    context->users = 1;
    QLIST_INSERT_HEAD(&s->contexts, context, next);
    return context;
}

void dsa_context_put(DsaContext *context)
{
    if (context && --context->users == 0) {
        svm_client_close(context->svm);
        QLIST_REMOVE(context, next);
        g_free(context);
    }
}

static void queue_off(DsaState *s, unsigned int index)
{
    DsaQueue *queue = &s->queues[index];

    queue->enabled = false;
    dsa_context_put(queue->context);
    queue->context = NULL;
}

static void queues_off(DsaState *s, uint64_t queues)
{
    for (unsigned int i = 0; i < s->queues_len; i++) {
        if (queues & BIT_ULL(i)) {
            queue_off(s, i);
        }
    }
}

static void device_off(DsaState *s)
{
    queues_off(s, ALL_QUEUES);
    dsa_context_put(s->log_context);
    s->log_context = NULL;
    *dsa_reg(s, DSA_REG_GENSTS) = DSA_STATE_DISABLED;
}

void dsa_stop(DsaState *s)
{
    dsa_abort(s, ALL_QUEUES, PCI_NO_PASID);
    device_off(s);
    s->command.active = false;
}

/* Sum of the sizes of queues that are to be used, on top of @size */
static uint32_t enabled_size(DsaState *s, uint32_t size)
{
    for (unsigned int i = 0; i < s->queues_len; i++) {
        if (s->queues[i].enabled) {
            size += s->queues[i].config[DSA_QCFG_SIZE];
        }
    }
    return size;
}

static uint8_t check_sizes(DsaState *s)
{
    uint32_t size = 0;

    for (unsigned int i = 0; i < s->queues_len; i++) {
        size += s->queues[i].config[DSA_QCFG_SIZE];
    }
    return size > DSA_ENTRIES ? DSA_ERR_QUEUE_SIZES : DSA_ERR_NONE;
}

static uint8_t check_groups(DsaState *s)
{
    uint64_t all_queues = 0, all_engines = 0;
    uint32_t reserved = 0;

    for (unsigned int i = 0; i < DSA_GROUPS; i++) {
        uint64_t queues = s->groups[i][0];
        uint64_t engines = s->groups[i][DSA_GROUP_ENGINES / 8];
        uint64_t flags = s->groups[i][DSA_GROUP_FLAGS / 8];

        if (queues && !engines) {
            return DSA_ERR_GROUP_NO_ENGINE;
        }
        if (queues & all_queues) {
            return DSA_ERR_GROUP_QUEUE_TWICE;
        }
        if (engines & all_engines) {
            return DSA_ERR_GROUP_ENGINE_TWICE;
        }
        if (DSA_GROUP_ALLOWED(flags) > DSA_READ_BUFFERS) {
            return DSA_ERR_GROUP_BUFFERS;
        }
        all_queues |= queues;
        all_engines |= engines;
        reserved += DSA_GROUP_RESERVED(flags);
    }
    return reserved > DSA_READ_BUFFERS ? DSA_ERR_GROUP_BUFFERS : DSA_ERR_NONE;
}

void dsa_open_log(DsaState *s)
{
    Error *err = NULL;

    if (device_state(s) != DSA_STATE_DISABLED &&
        (*dsa_reg(s, DSA_REG_GENCFG) & DSA_GENCFG_EVENT_LOG)) {
        s->log_context = dsa_context_get(s, PCI_NO_PASID, &err);
        if (!s->log_context) {
            qemu_log_mask(LOG_GUEST_ERROR, "dsa: no event log: %s\n",
                          error_get_pretty(err));
            error_free(err);
        }
    }
}

static uint8_t enable_device(DsaState *s, uint32_t operand)
{
    uint8_t error;

    if (device_state(s) != DSA_STATE_DISABLED) {
        return DSA_ERR_DEVICE_ENABLED;
    }
    if (!PCI_DEVICE(s)->is_master) {
        return DSA_ERR_BUS_MASTER;
    }
    error = check_sizes(s);
    if (!error) {
        error = check_groups(s);
    }
    if (!error) {
        *dsa_reg(s, DSA_REG_GENSTS) = DSA_STATE_ENABLED;
        dsa_open_log(s);
    }
    return error;
}

static uint8_t check_queue(DsaState *s, const DsaQueue *queue)
{
    const uint32_t *config = queue->config;
    uint32_t limits = config[DSA_QCFG_LIMITS];
    uint32_t size = config[DSA_QCFG_SIZE];

    if (queue->enabled) {
        return DSA_ERR_QUEUE_ENABLED;
    }
    if (!size || enabled_size(s, size) > DSA_ENTRIES) {
        return DSA_ERR_QUEUE_SIZE;
    }
    if (!DSA_QUEUE_PRIORITY(config[DSA_QCFG_MODE])) {
        return DSA_ERR_PRIORITY;
    }
    if (!(config[DSA_QCFG_MODE] & DSA_QUEUE_DEDICATED)) {
        /* Descriptors of a shared queue carry their own PASID */
        return config[DSA_QCFG_MODE] & DSA_QUEUE_PASID_ENABLE ?
               DSA_ERR_NONE : DSA_ERR_PASID;
    }
    if (DSA_QUEUE_BATCH_SHIFT(limits) > DSA_BATCH_SHIFT) {
        return DSA_ERR_BATCH_SHIFT;
    }
    return DSA_ERR_NONE;
}

static uint8_t enable_queue(DsaState *s, uint32_t operand)
{
    DsaQueue *queue;
    uint32_t mode, pasid;
    uint8_t error;
    Error *err = NULL;

    if (operand >= s->queues_len) {
        return DSA_ERR_QUEUE_INDEX;
    }
    if (device_state(s) != DSA_STATE_ENABLED) {
        return DSA_ERR_DEVICE_OFF;
    }
    queue = &s->queues[operand];
    error = check_queue(s, queue);
    if (error) {
        return error;
    }
    mode = queue->config[DSA_QCFG_MODE];
    pasid = mode & DSA_QUEUE_PASID_ENABLE ? DSA_QUEUE_PASID(mode)
                                          : PCI_NO_PASID;
    queue->context = dsa_context_get(s, pasid, &err);
    if (!queue->context) {
        qemu_log_mask(LOG_GUEST_ERROR, "dsa: queue %u: %s\n", operand,
                      error_get_pretty(err));
        error_free(err);
        return DSA_ERR_PASID;
    }
    queue->enabled = true;
    trace_dsa_queue_enabled(operand, pasid);
    return DSA_ERR_NONE;
}

/* The queues an operand names: 16 bits, and which group of 16 they are of */
static uint64_t operand_queues(DsaState *s, uint32_t operand)
{
    unsigned int group = operand >> 16;
    uint64_t queues = group < 4 ? (operand & 0xffffULL) << 16 * group : 0;

    return queues & MAKE_64BIT_MASK(0, s->queues_len);
}

/* Wait for what was submitted so far */
static uint8_t wait_for(DsaState *s, uint64_t queues, uint32_t pasid)
{
    s->command.before = s->sequence;
    s->command.queues = queues;
    s->command.pasid = pasid;
    s->command.active = true;
    return DSA_ERR_NONE;
}

static uint8_t disable_device(DsaState *s, uint32_t operand)
{
    if (device_state(s) != DSA_STATE_ENABLED) {
        return DSA_ERR_NOT_ENABLED;
    }
    *dsa_reg(s, DSA_REG_GENSTS) = DSA_STATE_DRAIN;
    return wait_for(s, ALL_QUEUES, PCI_NO_PASID);
}

static uint8_t drain_all(DsaState *s, uint32_t operand)
{
    return wait_for(s, ALL_QUEUES, PCI_NO_PASID);
}

static uint8_t abort_all(DsaState *s, uint32_t operand)
{
    dsa_abort(s, ALL_QUEUES, PCI_NO_PASID);
    return DSA_ERR_NONE;
}

static uint8_t reset_device(DsaState *s, uint32_t operand)
{
    dsa_stop(s);
    dsa_config_reset(s);
    return DSA_ERR_NONE;
}

/* The device is on and the operand names queues that exist */
static uint8_t check_mask(DsaState *s, uint32_t operand)
{
    if (device_state(s) != DSA_STATE_ENABLED) {
        return DSA_ERR_DEVICE_OFF;
    }
    return operand_queues(s, operand) ? DSA_ERR_NONE : DSA_ERR_QUEUE_INDEX;
}

static uint8_t drain_queues(DsaState *s, uint32_t operand)
{
    uint8_t error = check_mask(s, operand);

    return error ? error
                 : wait_for(s, operand_queues(s, operand), PCI_NO_PASID);
}

/* What is queued is completed, but nothing more gets in */
static uint8_t disable_queues(DsaState *s, uint32_t operand)
{
    uint64_t queues = operand_queues(s, operand);
    uint8_t error = check_mask(s, operand);

    if (error) {
        return error;
    }
    for (unsigned int i = 0; i < s->queues_len; i++) {
        if (queues & BIT_ULL(i)) {
            s->queues[i].enabled = false;
        }
    }
    return wait_for(s, queues, PCI_NO_PASID);
}

static uint8_t abort_queues(DsaState *s, uint32_t operand)
{
    uint8_t error = check_mask(s, operand);

    if (!error) {
        dsa_abort(s, operand_queues(s, operand), PCI_NO_PASID);
    }
    return error;
}

static uint8_t reset_queues(DsaState *s, uint32_t operand)
{
    uint64_t queues = operand_queues(s, operand);
    uint8_t error = check_mask(s, operand);

    if (error) {
        return error;
    }
    dsa_abort(s, queues, PCI_NO_PASID);
    queues_off(s, queues);
    for (unsigned int i = 0; i < s->queues_len; i++) {
        if (queues & BIT_ULL(i)) {
            dsa_queue_config_reset(s, i);
        }
    }
    return DSA_ERR_NONE;
}

static uint8_t drain_pasid(DsaState *s, uint32_t operand)
{
    return wait_for(s, ALL_QUEUES, operand);
}

static uint8_t abort_pasid(DsaState *s, uint32_t operand)
{
    dsa_abort(s, ALL_QUEUES, operand);
    return DSA_ERR_NONE;
}

/* Each returns an error, or starts to wait, or is done */
static uint8_t (*const commands[DSA_CMD_END])(DsaState *s, uint32_t operand) = {
    [DSA_CMD_ENABLE_DEVICE] = enable_device,
    [DSA_CMD_DISABLE_DEVICE] = disable_device,
    [DSA_CMD_DRAIN_ALL] = drain_all,
    [DSA_CMD_ABORT_ALL] = abort_all,
    [DSA_CMD_RESET_DEVICE] = reset_device,
    [DSA_CMD_ENABLE_QUEUE] = enable_queue,
    [DSA_CMD_DISABLE_QUEUE] = disable_queues,
    [DSA_CMD_DRAIN_QUEUE] = drain_queues,
    [DSA_CMD_ABORT_QUEUE] = abort_queues,
    [DSA_CMD_RESET_QUEUE] = reset_queues,
    [DSA_CMD_DRAIN_PASID] = drain_pasid,
    [DSA_CMD_ABORT_PASID] = abort_pasid,
};

static void finish(DsaState *s, uint32_t word, uint8_t error)
{
    trace_dsa_command_done(DSA_CMD_CODE(word), error);
    *dsa_reg(s, DSA_REG_CMDSTS) = error;
    if (word & DSA_CMD_INTERRUPT) {
        dsa_notify(s, DSA_CAUSE_COMMAND);
    }
}

void dsa_command_check(DsaState *s)
{
    DsaCommand *command = &s->command;
    unsigned int code = DSA_CMD_CODE(command->word);

    if (!command->active || dsa_busy(s, command->before, command->queues,
                                     command->pasid)) {
        return;
    }
    command->active = false;
    if (code == DSA_CMD_DISABLE_DEVICE) {
        device_off(s);
    } else if (code == DSA_CMD_DISABLE_QUEUE) {
        queues_off(s, command->queues);
    }
    finish(s, command->word, DSA_ERR_NONE);
}

void dsa_command(DsaState *s, uint32_t word)
{
    unsigned int code = DSA_CMD_CODE(word);
    uint8_t error = DSA_ERR_COMMAND;

    trace_dsa_command(code, DSA_CMD_OPERAND(word));
    if (s->command.active && code != DSA_CMD_RESET_DEVICE) {
        qemu_log_mask(LOG_GUEST_ERROR, "dsa: command 0x%x while 0x%x is "
                      "active\n", word, s->command.word);
        return;
    }
    s->command.active = false;
    s->command.word = word;
    *dsa_reg(s, DSA_REG_CMDSTS) = DSA_CMDSTS_ACTIVE;
    if (code < DSA_CMD_END && commands[code]) {
        error = commands[code](s, DSA_CMD_OPERAND(word));
    }
    if (s->command.active) {
        dsa_command_check(s);
    } else {
        finish(s, word, error);
    }
}
