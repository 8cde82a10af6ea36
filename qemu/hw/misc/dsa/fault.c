/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a descriptor leaves behind: completion record, interrupt, or, where
 * there is no record to be written, SWERR or an entry of the event log.  And
 * the page requests on the way.  spec/dsa-device.md 6.3, 6.4.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "hw/pci/msix.h"
#include "trace.h"

/* Words that SWERR and the entries of the event log begin with */
#define EVENT_WORDS 3
#define HEAD_MASK 0xffff

static void page_response(void *opaque, IOMMUPRIResponseCode code)
{
    DsaTask *task = opaque;
    DsaWork *work = task->own.phase == DSA_PHASE_MEMBERS ? &task->member
                                                         : &task->own;

    trace_dsa_page_response(task->queue, task->sequence, code);
    task->waiting = false;
    work->denied = code != IOMMU_PRI_RESP_SUCCESS;
    dsa_kick(task->s);
}

/* Records and lists may wait if the queue may; data also has to want it */
static bool may_wait(DsaTask *task, const DsaWork *work)
{
    uint32_t mode = dsa_task_queue(task)->config[DSA_QCFG_MODE];
    bool is_data = work->phase == DSA_PHASE_RUN &&
                   dsa_opcode(work) != DSA_OP_BATCH;

    if (mode & DSA_QUEUE_NO_PRS) {
        return false;
    }
    return !is_data || ((mode & DSA_QUEUE_BLOCK_ON_FAULT) &&
                        (dsa_flags(work) & DSA_FLAG_BLOCK_ON_FAULT));
}

bool dsa_request_page(DsaTask *task, DsaWork *work)
{
    bool write = work->fault_write;

    if (work->aborted || work->denied || !may_wait(task, work)) {
        return false;
    }
    if (work->retries == DSA_RETRIES) {
        work->denied = true;
        return false;
    }
    work->retries++;
    work->request_address = work->fault_address;
    task->waiting = svm_client_request_page(dsa_task_context(task),
                                            work->fault_address, !write, write,
                                            page_response, task) == 0;
    trace_dsa_page_request(task->queue, task->sequence, work->fault_address,
                           write, task->waiting);
    return task->waiting;
}

void dsa_adopt_request(DsaTask *task)
{
    const DsaWork *work = task->own.phase == DSA_PHASE_MEMBERS ? &task->member
                                                               : &task->own;

    task->waiting = task->waiting &&
                    svm_client_adopt(dsa_task_context(task),
                                     work->request_address, page_response,
                                     task);
}

static bool has_fault_address(const DsaWork *work)
{
    switch (work->status) {
    case DSA_STATUS_PAGE_FAULT:
    case DSA_STATUS_PAGE_REQUEST_FAILED:
    case DSA_STATUS_BATCH_FAULT:
    case DSA_STATUS_TRANSLATION:
        return true;
    default:
        return false;
    }
}

static void make_record(const DsaWork *work, uint8_t *record)
{
    uint8_t opcode = dsa_opcode(work);

    memset(record, 0, DSA_RECORD_BYTES);
    record[DSA_RECORD_STATUS] = work->status;
    record[DSA_RECORD_RESULT] = work->result;
    stl_le_p(record + DSA_RECORD_BYTES_DONE, work->done);
    if (has_fault_address(work)) {
        record[DSA_RECORD_STATUS] |= work->fault_write ? DSA_STATUS_WRITE_FAULT
                                                       : 0;
        stq_le_p(record + DSA_RECORD_FAULT_ADDRESS,
                 work->fault_address & ~(uint64_t)(DSA_PAGE_SIZE - 1));
    }
    if (work->status == DSA_STATUS_FLAGS) {
        stl_le_p(record + DSA_RECORD_INVALID_FLAGS, work->invalid_flags);
    } else if (opcode == DSA_OP_CRC || opcode == DSA_OP_COPY_CRC) {
        stq_le_p(record + DSA_RECORD_CRC, work->crc);
    } else {
        dsa_dif_record(work, record);
    }
}

/* What SWERR and the event log have in common */
static void make_event(const DsaTask *task, const DsaWork *work, uint8_t code,
                       uint64_t address, uint64_t *word)
{
    uint32_t pasid = dsa_task_queue(task)->context->pasid;

    word[0] = DSA_EVENT_DESC_VALID | DSA_EVENT_QUEUE_VALID |
              (dsa_is_member(task, work) ? DSA_EVENT_BATCH : 0) |
              (work->fault_write ? DSA_EVENT_WRITE : 0) |
              (uint64_t)code << DSA_EVENT_CODE_SHIFT |
              (uint64_t)task->queue << DSA_EVENT_QUEUE_SHIFT |
              (uint64_t)dsa_opcode(work) << DSA_EVENT_OPERATION_SHIFT;
    if (pasid != PCI_NO_PASID) {
        word[0] |= (uint64_t)pasid << DSA_EVENT_PASID_SHIFT;
    }
    word[1] = dsa_is_member(task, work) ? task->own.done & 0xffff : 0;
    if (code == DSA_STATUS_FLAGS) {
        word[1] |= (uint64_t)work->invalid_flags << DSA_EVENT_FLAGS_SHIFT;
    }
    word[2] = address;
}

/* What only the event log has: how to complete the descriptor by hand */
static void add_completion(const DsaTask *task, const DsaWork *work,
                           uint8_t code, uint64_t *word)
{
    uint32_t flags = dsa_flags(work);

    word[0] |= (uint64_t)task->batch_id << DSA_EVENT_BATCH_ID_SHIFT;
    if (code == DSA_STATUS_FLAGS) {
        return;
    }
    word[1] |= (uint64_t)dsa_desc16(work, DSA_DESC_HANDLE) <<
               DSA_EVENT_FLAGS_SHIFT;
    if (flags & DSA_FLAG_REQUEST_INTERRUPT) {
        word[1] |= DSA_EVENT_INTERRUPT_REQUESTED;
    }
    if (flags & DSA_FLAG_REQUEST_COMPLETION) {
        word[1] |= DSA_EVENT_RECORD_REQUESTED;
    }
    if (dsa_is_member(task, work) && !task->member_logged) {
        word[1] |= DSA_EVENT_FIRST_IN_BATCH;
    }
}

static void report_software_error(DsaState *s, const uint64_t *word)
{
    uint64_t *swerr = dsa_reg(s, DSA_REG_SWERR0);

    trace_dsa_software_error(word[0], word[1], word[2]);
    if (*swerr & DSA_SWERR_VALID) {
        *swerr |= DSA_SWERR_OVERFLOW;
    } else {
        memcpy(swerr, word, EVENT_WORDS * sizeof(*word));
        *swerr |= DSA_SWERR_VALID;
    }
    if (*dsa_reg(s, DSA_REG_GENCTRL) & DSA_GENCTRL_ERROR_INT) {
        dsa_notify(s, DSA_CAUSE_ERROR);
    } else {
        *dsa_reg(s, DSA_REG_INTCAUSE) |= DSA_CAUSE_ERROR;
    }
}

static uint32_t log_tail(DsaState *s)
{
    return (*dsa_reg(s, DSA_REG_EVLSTATUS) >> DSA_EVENT_LOG_TAIL_SHIFT) &
           HEAD_MASK;
}

static uint32_t log_head(DsaState *s)
{
    return *dsa_reg(s, DSA_REG_EVLSTATUS) & HEAD_MASK;
}

/* False if there is no event log, or no room, or its memory is not there */
static bool append_to_log(DsaState *s, uint64_t *word, const uint8_t *record)
{
    uint32_t size = *dsa_reg(s, DSA_REG_EVLCFG1), tail = log_tail(s);
    uint8_t entry[DSA_EVENT_BYTES] = {};
    uint64_t fault, base = *dsa_reg(s, DSA_REG_EVLCFG0);
    size_t done;

    if (!s->log_context || tail >= size || (tail + 1) % size == log_head(s)) {
        return false;
    }
    for (unsigned int i = 0; i < EVENT_WORDS; i++) {
        stq_le_p(entry + 8 * i, word[i]);
    }
    memcpy(entry + DSA_EVENT_RECORD, record, DSA_RECORD_BYTES);
    if (svm_client_rw(s->log_context->svm, base + tail * DSA_EVENT_BYTES,
                      entry, sizeof(entry), true, &done, &fault) != SVM_OK) {
        return false;
    }
    trace_dsa_event(tail, word[0], word[1], word[2]);
    *dsa_reg(s, DSA_REG_EVLSTATUS) =
        log_head(s) | DSA_EVENT_LOG_PENDING |
        (uint64_t)((tail + 1) % size) << DSA_EVENT_LOG_TAIL_SHIFT;
    if (*dsa_reg(s, DSA_REG_GENCTRL) & DSA_GENCTRL_EVENT_LOG_INT) {
        dsa_notify(s, DSA_CAUSE_EVENT_LOG);
    }
    return true;
}

static void report(DsaTask *task, DsaWork *work, uint8_t code,
                   uint64_t address, const uint8_t *record)
{
    uint64_t error[EVENT_WORDS], event[EVENT_WORDS];

    make_event(task, work, code, address, error);
    memcpy(event, error, sizeof(event));
    add_completion(task, work, code, event);
    if (!append_to_log(task->s, event, record)) {
        report_software_error(task->s, error);
    } else if (dsa_is_member(task, work)) {
        task->member_logged = true;
    }
}

/*
 * The code with which a record has to follow others into the event log, so
 * that software sees it after them; NONE if it may be written.
 */
static uint8_t follows_events(DsaTask *task, const DsaWork *work)
{
    if (dsa_is_member(task, work)) {
        return DSA_STATUS_NONE;
    }
    if (task->member_logged) {
        return DSA_STATUS_BATCH_EVENT;
    }
    return dsa_opcode(work) == DSA_OP_DRAIN && task->s->log_context &&
           log_tail(task->s) != log_head(task->s) ? DSA_STATUS_DRAIN_EVENT
                                                  : DSA_STATUS_NONE;
}

/* The first byte comes last: software polls it */
static bool write_record(DsaTask *task, DsaWork *work, uint8_t *record)
{
    uint64_t addr = dsa_desc64(work, DSA_DESC_COMPLETION);

    if (dsa_write(task, work, addr + 1, record + 1, DSA_RECORD_BYTES - 1) !=
        DSA_RECORD_BYTES - 1) {
        return false;
    }
    /* pairs with software, which polls the first byte and reads on */
    smp_wmb();
    return dsa_write(task, work, addr, record, 1) == 1;
}

/* Without a record failures would go unseen */
static DsaOutcome record_nothing(DsaTask *task, DsaWork *work,
                                 const uint8_t *record)
{
    if (work->status > DSA_STATUS_FALSE_PREDICATE) {
        report(task, work, work->status, work->fault_address, record);
    }
    return DSA_FINISHED;
}

DsaOutcome dsa_record(DsaTask *task, DsaWork *work)
{
    uint64_t addr = dsa_desc64(work, DSA_DESC_COMPLETION);
    uint8_t record[DSA_RECORD_BYTES];
    uint8_t code = follows_events(task, work);
    uint64_t place = work->fault_address;
    bool write = work->fault_write, requested, page_requested;

    make_record(work, record);
    if (!(dsa_flags(work) & DSA_FLAG_COMPLETION_VALID) ||
        work->status == DSA_STATUS_COMPLETION_ALIGNMENT) {
        return record_nothing(task, work, record);
    }
    requested = (dsa_flags(work) & DSA_FLAG_REQUEST_COMPLETION) ||
                work->status != DSA_STATUS_SUCCESS;
    if (code) {
        report(task, work, code, addr, record);
        return DSA_FINISHED;
    }
    if (!requested || write_record(task, work, record)) {
        return DSA_FINISHED;
    }
    page_requested = dsa_request_page(task, work);
    if (!page_requested) {
        report(task, work, DSA_STATUS_COMPLETION_FAULT, addr, record);
    }
    /* The record still tells of the fault of the operation */
    work->fault_address = place;
    work->fault_write = write;
    return page_requested ? DSA_WAIT : DSA_FINISHED;
}

bool dsa_handle_valid(DsaTask *task, uint16_t handle)
{
    uint32_t pasid = dsa_task_queue(task)->context->pasid;
    uint32_t permission;

    if (handle == 0 || handle > task->s->queues_len) {
        return false;
    }
    permission = task->s->permissions[handle];
    if (permission & DSA_PERMISSION_IGNORE) {
        return true;
    }
    return permission & DSA_PERMISSION_PASID_ENABLE ?
           pasid == DSA_PERMISSION_PASID(permission) : pasid == PCI_NO_PASID;
}

void dsa_interrupt(DsaTask *task, DsaWork *work)
{
    PCIDevice *dev = PCI_DEVICE(task->s);
    uint16_t handle = dsa_desc16(work, DSA_DESC_HANDLE);

    if ((dsa_flags(work) & DSA_FLAG_REQUEST_INTERRUPT) &&
        dsa_handle_valid(task, handle) && msix_enabled(dev)) {
        msix_notify(dev, handle);
    }
}
