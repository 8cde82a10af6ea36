/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues and tasks: who is carried out when, and the phases a descriptor goes
 * through.  spec/dsa-device.md 6.2.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "system/runstate.h"
#include "trace.h"

static bool is_batch(const DsaTask *task, const DsaWork *work)
{
    return !dsa_is_member(task, work) && dsa_opcode(work) == DSA_OP_BATCH;
}

static uint32_t task_pasid(const DsaTask *task)
{
    return dsa_task_queue(task)->context->pasid;
}

static bool task_matches(const DsaTask *task, uint64_t queues, uint32_t pasid)
{
    return (queues & BIT_ULL(task->queue)) &&
           (pasid == PCI_NO_PASID || pasid == task_pasid(task));
}

bool dsa_busy(DsaState *s, uint64_t before, uint64_t queues, uint32_t pasid)
{
    DsaTask *task;

    QTAILQ_FOREACH(task, &s->tasks, next) {
        if (task->sequence >= before) {
            break;
        }
        if (task_matches(task, queues, pasid)) {
            return true;
        }
    }
    return false;
}

static void task_free(DsaTask *task)
{
    DsaQueue *queue = dsa_task_queue(task);

    if (task->waiting) {
        svm_client_cancel(dsa_task_context(task), task);
    }
    if (task->active) {
        queue->active--;
    } else {
        queue->waiting--;
    }
    QTAILQ_REMOVE(&task->s->tasks, task, next);
    g_free(task->list);
    g_free(task);
}

void dsa_abort(DsaState *s, uint64_t queues, uint32_t pasid)
{
    DsaTask *task, *more;

    QTAILQ_FOREACH_SAFE(task, &s->tasks, next, more) {
        if (task_matches(task, queues, pasid)) {
            trace_dsa_abort(task->queue, task->sequence);
            task_free(task);
        }
    }
    dsa_kick(s);
}

/* Why a queue does not take a descriptor, or NULL */
static const char *refusal(DsaState *s, const DsaQueue *queue)
{
    if (*dsa_reg(s, DSA_REG_GENSTS) != DSA_STATE_ENABLED || !queue->enabled) {
        return "not enabled";
    }
    if (!(queue->config[DSA_QCFG_MODE] & DSA_QUEUE_DEDICATED)) {
        return "shared, and this was no ENQCMD";
    }
    return queue->waiting >= queue->config[DSA_QCFG_SIZE] ? "full" : NULL;
}

void dsa_submit(DsaState *s, unsigned int index, const uint8_t *raw)
{
    DsaQueue *queue = &s->queues[index];
    const char *reason = refusal(s, queue);
    DsaTask *task;

    if (reason) {
        qemu_log_mask(LOG_GUEST_ERROR, "dsa: queue %u is %s: descriptor is "
                      "dropped\n", index, reason);
        return;
    }
    task = g_new0(DsaTask, 1);
    task->s = s;
    task->sequence = s->sequence++;
    task->queue = index;
    memcpy(task->own.raw, raw, DSA_DESC_BYTES);
    queue->waiting++;
    QTAILQ_INSERT_TAIL(&s->tasks, task, next);
    trace_dsa_submit(index, task->sequence,
                     dsa_operation_name(dsa_opcode(&task->own)),
                     dsa_flags(&task->own));
    dsa_kick(s);
}

/* Success is what is left to say if nothing else was said */
static void end_with(DsaWork *work, uint8_t status)
{
    work->status = work->status ? work->status : status;
    work->phase = DSA_PHASE_RECORD;
    work->retries = 0;
    work->denied = false;
}

static DsaOutcome check_phase(DsaTask *task, DsaWork *work)
{
    work->status = dsa_check(task, work);
    work->phase = work->status ? DSA_PHASE_RECORD : DSA_PHASE_RUN;
    return DSA_MORE;
}

/* Members are taken from memory once, whatever happens to it later */
static DsaOutcome read_list(DsaTask *task, DsaWork *work)
{
    uint32_t bytes = dsa_desc32(work, DSA_DESC_SIZE) * DSA_DESC_BYTES;
    uint64_t list = dsa_desc64(work, DSA_DESC_LIST);
    size_t n;

    if (!task->list) {
        task->list = g_malloc0(bytes);
    }
    n = dsa_read(task, work, list + task->list_bytes,
                 task->list + task->list_bytes,
                 MIN(bytes - task->list_bytes, DSA_CHUNK));
    task->list_bytes += QEMU_ALIGN_DOWN(n, DSA_DESC_BYTES);
    if (task->list_bytes == bytes) {
        return DSA_FINISHED;
    }
    return n ? DSA_MORE : DSA_FAULT;
}

/* Members that could be read are carried out, also if others could not */
static void start_members(DsaTask *task, DsaWork *work)
{
    task->batch_id = task->s->next_batch_id++;
    task->member.phase = DSA_PHASE_DONE;
    work->phase = DSA_PHASE_MEMBERS;
}

static uint8_t fault_status(DsaTask *task, const DsaWork *work)
{
    if (work->aborted) {
        return DSA_STATUS_TRANSLATION;
    }
    if (is_batch(task, work)) {
        return DSA_STATUS_BATCH_FAULT;
    }
    return work->denied ? DSA_STATUS_PAGE_REQUEST_FAILED
                        : DSA_STATUS_PAGE_FAULT;
}

static DsaOutcome run_phase(DsaTask *task, DsaWork *work)
{
    uint32_t before = work->done;
    DsaOutcome outcome = is_batch(task, work) ? read_list(task, work)
                                              : dsa_operate(task, work);

    if (outcome == DSA_FAULT && dsa_request_page(task, work)) {
        return DSA_WAIT;
    }
    if (outcome == DSA_FAULT) {
        end_with(work, fault_status(task, work));
    }
    if (outcome != DSA_MORE && is_batch(task, work)) {
        start_members(task, work);
    } else if (outcome == DSA_FINISHED) {
        end_with(work, DSA_STATUS_SUCCESS);
    } else if (work->done != before) {
        work->retries = 0;
        work->denied = false;
    }
    return DSA_MORE;
}

/* A record that somebody else has to write was not there for the fence */
static bool stops_at(const DsaTask *task, const DsaWork *member)
{
    return (dsa_flags(member) & DSA_FLAG_FENCE) &&
           (task->member_failed || task->member_logged);
}

/*
 * Members are carried out one after the other, so all that is left of a fence
 * is that nothing behind it runs after a failure.
 */
static DsaOutcome members_phase(DsaTask *task, DsaWork *work)
{
    DsaWork *member = &task->member;

    if (work->done * DSA_DESC_BYTES < task->list_bytes) {
        memset(member, 0, sizeof(*member));
        memcpy(member->raw, task->list + work->done * DSA_DESC_BYTES,
               DSA_DESC_BYTES);
        if (!stops_at(task, member)) {
            return DSA_MORE;
        }
        task->member_failed = true;
        member->phase = DSA_PHASE_DONE;
    }
    work->result = task->member_failed;
    end_with(work, task->member_failed ? DSA_STATUS_BATCH_FAILED
                                       : DSA_STATUS_SUCCESS);
    return DSA_MORE;
}

static DsaOutcome record_phase(DsaTask *task, DsaWork *work)
{
    DsaOutcome outcome = dsa_record(task, work);

    if (outcome == DSA_FINISHED) {
        work->phase = DSA_PHASE_INTERRUPT;
    }
    return outcome == DSA_WAIT ? DSA_WAIT : DSA_MORE;
}

static DsaOutcome interrupt_phase(DsaTask *task, DsaWork *work)
{
    trace_dsa_done(task->queue, task->sequence,
                   dsa_operation_name(dsa_opcode(work)), work->status,
                   work->done);
    dsa_interrupt(task, work);
    work->phase = DSA_PHASE_DONE;
    if (!dsa_is_member(task, work)) {
        return DSA_FINISHED;
    }
    task->own.done++;
    task->member_failed |= work->status != DSA_STATUS_SUCCESS;
    return DSA_MORE;
}

static DsaOutcome (*const phases[])(DsaTask *task, DsaWork *work) = {
    [DSA_PHASE_CHECK] = check_phase,
    [DSA_PHASE_RUN] = run_phase,
    [DSA_PHASE_MEMBERS] = members_phase,
    [DSA_PHASE_RECORD] = record_phase,
    [DSA_PHASE_INTERRUPT] = interrupt_phase,
};

static DsaWork *current_work(DsaTask *task)
{
    bool in_member = task->own.phase == DSA_PHASE_MEMBERS &&
                     task->member.phase != DSA_PHASE_DONE;

    return in_member ? &task->member : &task->own;
}

/* Until data was moved, a member begins, or there is nothing to do */
static DsaOutcome step(DsaTask *task)
{
    DsaOutcome outcome;
    DsaWork *work;
    bool enough;

    do {
        work = current_work(task);
        enough = work->phase == DSA_PHASE_RUN ||
                 work->phase == DSA_PHASE_MEMBERS;
        outcome = phases[work->phase](task, work);
    } while (outcome == DSA_MORE && !enough);
    return outcome;
}

/* Drain waits for what is before it, without anybody telling */
static bool is_blocked(DsaTask *task)
{
    return task->waiting ||
           (task->own.phase == DSA_PHASE_RUN &&
            dsa_opcode(&task->own) == DSA_OP_DRAIN &&
            dsa_busy(task->s, task->sequence, BIT_ULL(task->queue),
                     PCI_NO_PASID));
}

static void start_tasks(DsaState *s)
{
    DsaTask *task;

    QTAILQ_FOREACH(task, &s->tasks, next) {
        DsaQueue *queue = dsa_task_queue(task);

        if (!task->active && queue->active < DSA_ACTIVE_PER_QUEUE) {
            task->active = true;
            queue->active++;
            queue->waiting--;
        }
    }
}

/* The next one in turn, or NULL if none can do anything */
static DsaTask *next_task(DsaState *s)
{
    DsaTask *task, *first = NULL;

    QTAILQ_FOREACH(task, &s->tasks, next) {
        if (task->active && !is_blocked(task)) {
            if (task->sequence > s->last_stepped) {
                return task;
            }
            first = first ? first : task;
        }
    }
    return first;
}

void dsa_run(void *opaque)
{
    DsaState *s = opaque;
    DsaTask *task = NULL;

    if (!runstate_is_running()) {
        return;
    }
    for (unsigned int n = 0; n < DSA_STEPS; n++) {
        start_tasks(s);
        task = next_task(s);
        if (!task) {
            return;
        }
        s->last_stepped = task->sequence;
        if (step(task) == DSA_FINISHED) {
            task_free(task);
            dsa_command_check(s);
        }
    }
    dsa_kick(s);
}

void dsa_kick(DsaState *s)
{
    qemu_bh_schedule(s->bh);
}
