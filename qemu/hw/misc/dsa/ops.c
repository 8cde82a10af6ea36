/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations: what may be asked of each, and what one chunk of it does.
 * spec/dsa-device.md 6.2, 6.3.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "qemu/bitops.h"
#include "qemu/crc32c.h"
#include "trace.h"

#define FLAGS_ALL (DSA_FLAG_FENCE | DSA_FLAG_BLOCK_ON_FAULT |               \
                   DSA_FLAG_COMPLETION_VALID | DSA_FLAG_REQUEST_COMPLETION | \
                   DSA_FLAG_REQUEST_INTERRUPT | DSA_FLAG_COMPLETION_SELECT | \
                   DSA_FLAG_CLASS_SELECTORS | DSA_FLAG_STRICT_ORDER |       \
                   DSA_FLAG_CACHE_CONTROL)
#define LOW_12 0xfff
#define PATTERN_BYTES 8

static size_t transfer(DsaTask *task, DsaWork *work, uint64_t addr, void *buf,
                       size_t len, bool is_write)
{
    size_t done = 0;
    SvmAccess result = svm_client_rw(dsa_task_context(task), addr, buf, len,
                                     is_write, &done, &work->fault_address);

    work->aborted = result == SVM_ERROR;
    work->fault_write = is_write;
    return done;
}

size_t dsa_read(DsaTask *task, DsaWork *work, uint64_t addr, void *buf,
                size_t len)
{
    return transfer(task, work, addr, buf, len, false);
}

size_t dsa_write(DsaTask *task, DsaWork *work, uint64_t addr, void *buf,
                 size_t len)
{
    return transfer(task, work, addr, buf, len, true);
}

/* Bytes of this chunk */
static size_t chunk(const DsaWork *work)
{
    return MIN(dsa_desc32(work, DSA_DESC_SIZE) - work->done, DSA_CHUNK);
}

/* The chunk's place in the operand whose address is at @field */
static uint64_t place(const DsaWork *work, unsigned int field)
{
    return dsa_desc64(work, field) + work->done;
}

/* @n bytes were done of a chunk that may have been longer */
static DsaOutcome advance(DsaWork *work, size_t n)
{
    work->done += n;
    if (work->done == dsa_desc32(work, DSA_DESC_SIZE)) {
        return DSA_FINISHED;
    }
    return n ? DSA_MORE : DSA_FAULT;
}

static DsaOutcome op_nothing(DsaTask *task, DsaWork *work)
{
    return DSA_FINISHED;
}

static DsaOutcome op_memmove(DsaTask *task, DsaWork *work)
{
    uint8_t *data = task->s->buffer[0];
    size_t n = dsa_read(task, work, place(work, DSA_DESC_SOURCE), data,
                        chunk(work));

    if (n) {
        n = dsa_write(task, work, place(work, DSA_DESC_DESTINATION), data, n);
    }
    return advance(work, n);
}

/* Both destinations get as far as the one that gets less far */
static DsaOutcome op_dualcast(DsaTask *task, DsaWork *work)
{
    uint8_t *data = task->s->buffer[0];
    size_t n = dsa_read(task, work, place(work, DSA_DESC_SOURCE), data,
                        chunk(work));

    if (n) {
        n = dsa_write(task, work, place(work, DSA_DESC_DESTINATION), data, n);
    }
    if (n) {
        n = dsa_write(task, work, place(work, DSA_DESC_DESTINATION2), data, n);
    }
    return advance(work, n);
}

/* The pattern as it is from @work->done on */
static void repeat_pattern(const DsaWork *work, unsigned int field,
                           uint8_t *data, size_t len)
{
    const uint8_t *pattern = work->raw + field;

    for (size_t i = 0; i < len; i++) {
        data[i] = pattern[(work->done + i) % PATTERN_BYTES];
    }
}

static DsaOutcome op_fill(DsaTask *task, DsaWork *work)
{
    uint8_t *data = task->s->buffer[0];
    size_t n = chunk(work);

    repeat_pattern(work, DSA_DESC_PATTERN, data, n);
    return advance(work, dsa_write(task, work,
                                   place(work, DSA_DESC_DESTINATION), data, n));
}

/* Go on if both are equal, else end with the result 1 at the difference */
static DsaOutcome compare(DsaWork *work, const uint8_t *a, const uint8_t *b,
                          size_t len)
{
    size_t i = 0;

    while (i < len && a[i] == b[i]) {
        i++;
    }
    if (i < len) {
        work->done += i;
        work->result = 1;
        return DSA_FINISHED;
    }
    return advance(work, len);
}

/* With "check result" the status tells whether the result was expected */
static DsaOutcome judge_result(DsaWork *work, DsaOutcome outcome)
{
    uint8_t expected = work->raw[DSA_DESC_EXPECTED];

    if (outcome == DSA_FINISHED &&
        (dsa_flags(work) & DSA_FLAG_CHECK_RESULT) &&
        work->result != (expected & 1)) {
        work->status = DSA_STATUS_FALSE_PREDICATE;
    }
    return outcome;
}

static DsaOutcome op_compare(DsaTask *task, DsaWork *work)
{
    uint8_t *a = task->s->buffer[0], *b = task->s->buffer[1];
    size_t n = dsa_read(task, work, place(work, DSA_DESC_SOURCE), a,
                        chunk(work));

    if (n) {
        n = dsa_read(task, work, place(work, DSA_DESC_SOURCE2), b, n);
    }
    return judge_result(work, compare(work, a, b, n));
}

static DsaOutcome op_compare_pattern(DsaTask *task, DsaWork *work)
{
    uint8_t *a = task->s->buffer[0], *b = task->s->buffer[1];
    size_t n = dsa_read(task, work, place(work, DSA_DESC_SOURCE), a,
                        chunk(work));

    repeat_pattern(work, DSA_DESC_COMPARE_PATTERN, b, n);
    return judge_result(work, compare(work, a, b, n));
}

/* The seed, from the descriptor or from memory.  False: no access */
static bool crc_seed(DsaTask *task, DsaWork *work)
{
    uint8_t seed[sizeof(uint32_t)];

    if (work->seeded) {
        return true;
    }
    if (!(dsa_flags(work) & DSA_FLAG_READ_CRC_SEED)) {
        work->crc = dsa_desc32(work, DSA_DESC_CRC_SEED);
    } else if (dsa_read(task, work, dsa_desc64(work, DSA_DESC_SEED_ADDRESS),
                        seed, sizeof(seed)) == sizeof(seed)) {
        work->crc = ldl_le_p(seed);
    } else {
        return false;
    }
    work->seeded = true;
    return true;
}

static DsaOutcome op_crc(DsaTask *task, DsaWork *work)
{
    uint8_t *data = task->s->buffer[0];
    size_t n;

    if (!crc_seed(task, work)) {
        return DSA_FAULT;
    }
    n = dsa_read(task, work, place(work, DSA_DESC_SOURCE), data, chunk(work));
    if (n && dsa_opcode(work) == DSA_OP_COPY_CRC) {
        n = dsa_write(task, work, place(work, DSA_DESC_DESTINATION), data, n);
    }
    if (n) {
        work->crc = crc32c(~work->crc, data, n);
    }
    return advance(work, n);
}

/* There is no cache: what is left is that each page has to be translated */
static DsaOutcome op_cache_flush(DsaTask *task, DsaWork *work)
{
    return advance(work, dsa_read(task, work,
                                  place(work, DSA_DESC_DESTINATION),
                                  task->s->buffer[0], chunk(work)));
}

/* Whether @len bytes at @a and at @b have some in common */
static bool overlap(uint64_t a, uint64_t b, uint64_t len)
{
    return a < b ? b - a < len : a - b < len;
}

static uint8_t check_memmove(const DsaWork *work)
{
    return overlap(dsa_desc64(work, DSA_DESC_SOURCE),
                   dsa_desc64(work, DSA_DESC_DESTINATION),
                   dsa_desc32(work, DSA_DESC_SIZE)) ? DSA_STATUS_OVERLAP
                                                    : DSA_STATUS_NONE;
}

static uint8_t check_dualcast(const DsaWork *work)
{
    uint64_t source = dsa_desc64(work, DSA_DESC_SOURCE);
    uint64_t first = dsa_desc64(work, DSA_DESC_DESTINATION);
    uint64_t second = dsa_desc64(work, DSA_DESC_DESTINATION2);
    uint32_t size = dsa_desc32(work, DSA_DESC_SIZE);

    if ((first ^ second) & LOW_12) {
        return DSA_STATUS_DUALCAST;
    }
    return overlap(source, first, size) || overlap(source, second, size) ||
           overlap(first, second, size) ? DSA_STATUS_OVERLAP : DSA_STATUS_NONE;
}

typedef struct Operation {
    DsaOutcome (*run)(DsaTask *task, DsaWork *work);
    uint8_t (*check)(const DsaWork *work);      /* may be NULL */
    uint32_t flags;             /* where it differs from FLAGS_ALL */
    bool sized;                 /* moves DSA_DESC_SIZE bytes */
    bool alone;                 /* not in a batch */
} Operation;

static const Operation operations[] = {
    [DSA_OP_NOOP] = {op_nothing},
    [DSA_OP_BATCH] = {.alone = true, .flags = DSA_FLAG_BLOCK_ON_FAULT},
    [DSA_OP_DRAIN] = {op_nothing, .alone = true},
    [DSA_OP_MEMMOVE] = {op_memmove, check_memmove, .sized = true},
    [DSA_OP_FILL] = {op_fill, .sized = true},
    [DSA_OP_COMPARE] = {op_compare, NULL, DSA_FLAG_CHECK_RESULT, true},
    [DSA_OP_COMPARE_PATTERN] = {op_compare_pattern, NULL,
                                DSA_FLAG_CHECK_RESULT, true},
    [DSA_OP_DUALCAST] = {op_dualcast, check_dualcast, .sized = true},
    [DSA_OP_CRC] = {op_crc, NULL, DSA_FLAG_READ_CRC_SEED, true},
    [DSA_OP_COPY_CRC] = {op_crc, check_memmove, DSA_FLAG_READ_CRC_SEED, true},
    [DSA_OP_DIF_CHECK] = {dsa_dif, dsa_dif_check, .sized = true},
    [DSA_OP_DIF_INSERT] = {dsa_dif, dsa_dif_check, .sized = true},
    [DSA_OP_DIF_STRIP] = {dsa_dif, dsa_dif_check, .sized = true},
    [DSA_OP_DIF_UPDATE] = {dsa_dif, dsa_dif_check, .sized = true},
    [DSA_OP_CACHE_FLUSH] = {op_cache_flush, .sized = true},
};

const char *dsa_operation_name(uint8_t opcode)
{
    static const char *const names[ARRAY_SIZE(operations)] = {
#define ROW(name, opcode, text) [opcode] = text,
        DSA_OPERATIONS(ROW)
#undef ROW
    };
    const char *name = opcode < ARRAY_SIZE(names) ? names[opcode] : NULL;

    return name ? name : "unknown";
}

/* NULL if the device, the queue or the place does not have it */
static const Operation *find_operation(DsaTask *task, const DsaWork *work)
{
    const uint32_t *allowed =
        &dsa_task_queue(task)->config[DSA_QCFG_OPERATIONS];
    uint8_t opcode = dsa_opcode(work);
    const Operation *op;

    if (opcode >= ARRAY_SIZE(operations) ||
        !(*dsa_reg(task->s, DSA_REG_OPCAP0 + opcode / 64 * 8) &
          BIT_ULL(opcode % 64)) ||
        !(allowed[opcode / 32] & BIT(opcode % 32))) {
        return NULL;
    }
    op = &operations[opcode];
    return op->alone && dsa_is_member(task, work) ? NULL : op;
}

static uint8_t check_flags(DsaTask *task, const Operation *op, DsaWork *work)
{
    uint32_t known = FLAGS_ALL ^ op->flags;

    if (!dsa_is_member(task, work)) {
        known &= ~DSA_FLAG_FENCE;
    }
    work->invalid_flags = dsa_flags(work) & ~known;
    return work->invalid_flags ? DSA_STATUS_FLAGS : DSA_STATUS_NONE;
}

static uint8_t check_batch(DsaTask *task, const DsaWork *work)
{
    uint32_t limits = dsa_task_queue(task)->config[DSA_QCFG_LIMITS];
    uint32_t count = dsa_desc32(work, DSA_DESC_SIZE);

    if (count < 2 || count > 1U << DSA_QUEUE_BATCH_SHIFT(limits)) {
        return DSA_STATUS_COUNT;
    }
    return dsa_desc64(work, DSA_DESC_LIST) % DSA_DESC_BYTES ?
           DSA_STATUS_LIST_ALIGNMENT : DSA_STATUS_NONE;
}

static uint8_t check_size(DsaTask *task, const DsaWork *work)
{
    uint32_t limits = dsa_task_queue(task)->config[DSA_QCFG_LIMITS];
    uint32_t size = dsa_desc32(work, DSA_DESC_SIZE);

    return !size || size > 1ULL << DSA_QUEUE_TRANSFER_SHIFT(limits) ?
           DSA_STATUS_SIZE : DSA_STATUS_NONE;
}

uint8_t dsa_check(DsaTask *task, DsaWork *work)
{
    const Operation *op = find_operation(task, work);
    uint8_t status;

    if ((dsa_flags(work) & DSA_FLAG_COMPLETION_VALID) &&
        dsa_desc64(work, DSA_DESC_COMPLETION) % DSA_RECORD_BYTES) {
        return DSA_STATUS_COMPLETION_ALIGNMENT;
    }
    if (!op) {
        return DSA_STATUS_OPCODE;
    }
    status = check_flags(task, op, work);
    if (!status && dsa_opcode(work) == DSA_OP_BATCH) {
        status = check_batch(task, work);
    }
    if (!status && op->sized) {
        status = check_size(task, work);
    }
    if (!status && op->check) {
        status = op->check(work);
    }
    if (!status && (dsa_flags(work) & DSA_FLAG_REQUEST_INTERRUPT) &&
        !dsa_handle_valid(task, dsa_desc16(work, DSA_DESC_HANDLE))) {
        status = DSA_STATUS_HANDLE;
    }
    return status;
}

DsaOutcome dsa_operate(DsaTask *task, DsaWork *work)
{
    return operations[dsa_opcode(work)].run(task, work);
}
