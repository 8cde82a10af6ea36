/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations of svm-testdev.  All run in the main loop, and all but
 * benchmarks and those that wait for a page are over when the write to the
 * COMMAND register is: a test sees the result at once.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qapi/error.h"
#include "testdev.h"
#include "trace.h"

SvmContext *testdev_context(SvmTestdev *s, uint32_t pasid)
{
    SvmContext *ctx = svm_client_find(&s->client, pasid);

    if (!ctx && s->contexts < TESTDEV_CONTEXTS_MAX) {
        ctx = svm_client_open(&s->client, pasid, NULL);
        s->contexts += ctx != NULL;
    }
    return ctx;
}

void testdev_finish(SvmTestdev *s, uint32_t result)
{
    trace_svm_testdev_result(s->op.command, result,
                             *testdev_reg(s, TESTDEV_DONE));
    s->op.command = 0;
    *testdev_reg(s, TESTDEV_STATUS) = 0;
    *testdev_reg(s, TESTDEV_RESULT) = result;
    testdev_interrupt(s, TESTDEV_INT_COMPLETION);
}

static uint32_t result_of(SvmAccess access)
{
    return access == SVM_OK ? TESTDEV_OK :
           access == SVM_FAULT ? TESTDEV_FAULT : TESTDEV_ERROR;
}

bool testdev_is_write(const TestdevOp *op)
{
    return op->command == TESTDEV_CMD_WRITE ||
           op->command == TESTDEV_CMD_BENCH_WRITE;
}

static IOMMUAccessFlags wants(const TestdevOp *op)
{
    return (testdev_is_write(op) ? IOMMU_WO : IOMMU_RO) |
           (op->flags & TESTDEV_FLAG_EXEC ? IOMMU_EXEC : 0) |
           (op->flags & TESTDEV_FLAG_PRIV ? IOMMU_PRIV : 0);
}

/* Move data past the device TLB */
static SvmAccess transfer_direct(SvmTestdev *s, const TestdevOp *op,
                                 uint64_t addr, void *buf, size_t len)
{
    PCIPasidDmaAttrs attrs = {
        .pasid = op->pasid,
        .translated = (op->flags & TESTDEV_FLAG_PATH) ==
                      TESTDEV_PATH_TRANSLATED,
        .exec = op->flags & TESTDEV_FLAG_EXEC,
        .priv = op->flags & TESTDEV_FLAG_PRIV,
    };
    MemTxResult result;

    result = pci_pasid_dma_rw(PCI_DEVICE(s), attrs, addr, buf, len,
                              testdev_is_write(op) ? DMA_DIRECTION_FROM_DEVICE
                                           : DMA_DIRECTION_TO_DEVICE);
    return result == MEMTX_OK ? SVM_OK : SVM_ERROR;
}

SvmAccess testdev_transfer(SvmTestdev *s, const TestdevOp *op, uint64_t addr,
                           void *buf, size_t len, size_t *done,
                           uint64_t *fault)
{
    SvmAccess access = SVM_ERROR;
    SvmContext *ctx;

    *done = 0;
    *fault = addr;
    if ((op->flags & TESTDEV_FLAG_PATH) == TESTDEV_PATH_TLB) {
        ctx = testdev_context(s, op->pasid);
        return ctx ? svm_client_access(ctx, addr, buf, len, wants(op), done,
                                       fault) : SVM_ERROR;
    }
    access = transfer_direct(s, op, addr, buf, len);
    if (access == SVM_OK) {
        *done = len;
    }
    return access;
}

static void step(SvmTestdev *s);

static void page_answered(void *opaque, IOMMUPRIResponseCode code)
{
    SvmTestdev *s = opaque;

    *testdev_reg(s, TESTDEV_STATUS) &= ~(uint64_t)TESTDEV_STATUS_WAITING;
    if (code == IOMMU_PRI_RESP_SUCCESS) {
        step(s);
    } else {
        testdev_finish(s, TESTDEV_NOT_SERVED);
    }
}

static void nobody_waits(void *opaque, IOMMUPRIResponseCode code)
{
}

/* Ask for the page that is missing.  False if that cannot be done */
static bool ask_for_page(SvmTestdev *s, uint64_t addr)
{
    SvmContext *ctx = testdev_context(s, s->op.pasid);
    bool wait = !(*testdev_reg(s, TESTDEV_MISBEHAVE) & TESTDEV_NO_WAIT);
    int err = -EPERM;

    if (ctx) {
        err = svm_client_request_pages(ctx, addr,
                                       *testdev_reg(s, TESTDEV_GROUP),
                                       wants(&s->op),
                                       wait ? page_answered : nobody_waits,
                                       wait ? s : NULL);
    }
    *testdev_reg(s, TESTDEV_PRI_RESULT) = err;
    if (!err) {
        ++*testdev_reg(s, TESTDEV_REQUESTED);
        if (wait) {
            *testdev_reg(s, TESTDEV_STATUS) |= TESTDEV_STATUS_WAITING;
        }
    }
    return !err;
}

/* Go on with a transfer until it ends or has to wait for a page */
static void step(SvmTestdev *s)
{
    uint64_t *moved = testdev_reg(s, TESTDEV_DONE);
    TestdevOp *op = &s->op;
    SvmAccess access;
    size_t done;

    for (;;) {
        access = testdev_transfer(s, op, op->addr + *moved,
                                  &s->data[op->buffer + *moved],
                                  op->len - *moved, &done,
                                  testdev_reg(s, TESTDEV_FAULT_ADDRESS));
        *moved += done;
        op->tries = done ? 0 : op->tries;
        if (access != SVM_FAULT || !(op->flags & TESTDEV_FLAG_REQUEST)) {
            testdev_finish(s, result_of(access));
            return;
        }
        if (op->tries++ >= *testdev_reg(s, TESTDEV_RETRIES)) {
            testdev_finish(s, TESTDEV_TOO_OFTEN);
            return;
        }
        if (!ask_for_page(s, *testdev_reg(s, TESTDEV_FAULT_ADDRESS))) {
            testdev_finish(s, TESTDEV_NOT_SERVED);
            return;
        }
        if (*testdev_reg(s, TESTDEV_STATUS) & TESTDEV_STATUS_WAITING) {
            return;
        }
    }
}

static void start_transfer(SvmTestdev *s)
{
    *testdev_reg(s, TESTDEV_DONE) = 0;
    *testdev_reg(s, TESTDEV_REQUESTED) = 0;
    *testdev_reg(s, TESTDEV_PRI_RESULT) = 0;
    step(s);
}

/* An ATS request as it is; the completion goes to the list */
static void translate(SvmTestdev *s)
{
    const TestdevOp *op = &s->op;
    IOMMUTLBEntry entry[TESTDEV_COMPLETIONS_LEN] = { };
    uint32_t lacking = 0;
    ssize_t result = -EPERM;

    if (pci_pasid_permitted(PCI_DEVICE(s), op->pasid,
                            op->flags & TESTDEV_FLAG_EXEC,
                            op->flags & TESTDEV_FLAG_PRIV)) {
        result = pci_ats_request_translation(
            PCI_DEVICE(s), op->pasid, op->flags & TESTDEV_FLAG_PRIV,
            op->flags & TESTDEV_FLAG_EXEC, op->addr, op->len,
            op->flags & TESTDEV_FLAG_NO_WRITE, entry, ARRAY_SIZE(entry),
            &lacking);
    }
    for (int i = 0; i < ARRAY_SIZE(entry); i++) {
        bool valid = i < result;

        s->completion[i][0] = valid ? entry[i].iova : 0;
        s->completion[i][1] = valid ? entry[i].translated_addr : 0;
        s->completion[i][2] = valid ? entry[i].addr_mask : 0;
        s->completion[i][3] = valid ? entry[i].perm : 0;
    }
    *testdev_reg(s, TESTDEV_ATS_RESULT) = result;
    *testdev_reg(s, TESTDEV_ATS_LACKING) = lacking;
    testdev_finish(s, result < 0 ? TESTDEV_ERROR : TESTDEV_OK);
}

/* A page request as it is: whether it makes sense is up to the test */
static void request_page(SvmTestdev *s)
{
    const TestdevOp *op = &s->op;
    uint16_t prgi = *testdev_reg(s, TESTDEV_PRG_INDEX);
    bool last = op->flags & TESTDEV_FLAG_LAST;
    bool read = op->flags & TESTDEV_FLAG_READ;
    bool write = op->flags & TESTDEV_FLAG_WRITE;
    bool exec = op->flags & TESTDEV_FLAG_EXEC;
    int err = -EPERM;

    if (testdev_context(s, op->pasid) &&
        pci_pasid_permitted(PCI_DEVICE(s), op->pasid, exec,
                            op->flags & TESTDEV_FLAG_PRIV)) {
        /* It may be answered within the call.  A stop marker never is */
        if (last && (read || write || exec)) {
            s->raw_requests[prgi / 64] |= 1ULL << prgi % 64;
        }
        err = pci_pri_request_page(PCI_DEVICE(s), op->pasid,
                                   op->flags & TESTDEV_FLAG_PRIV, exec,
                                   op->addr, last, prgi, read, write);
    }
    *testdev_reg(s, TESTDEV_PRI_RESULT) = err;
    testdev_finish(s, err ? TESTDEV_ERROR : TESTDEV_OK);
}

static void flush(SvmTestdev *s)
{
    const TestdevOp *op = &s->op;
    uint64_t last = op->addr + (op->len - 1);

    svm_client_invalidate(&s->client, op->pasid, op->len ? op->addr : 0,
                          op->len && last >= op->addr ? last : UINT64_MAX);
    testdev_finish(s, TESTDEV_OK);
}

static void close_context(SvmTestdev *s)
{
    SvmContext *ctx = svm_client_find(&s->client, s->op.pasid);

    if (ctx) {
        svm_client_close(ctx);
        s->contexts--;
    }
    testdev_finish(s, ctx ? TESTDEV_OK : TESTDEV_REFUSED);
}

static void clear(SvmTestdev *s)
{
    svm_client_clear_counters(&s->client);
    memset(s->completion, 0, sizeof(s->completion));
    memset(s->invalidation, 0, sizeof(s->invalidation));
    memset(s->response, 0, sizeof(s->response));
    *testdev_reg(s, TESTDEV_INVALIDATIONS) = 0;
    *testdev_reg(s, TESTDEV_RESPONSES) = 0;
    *testdev_reg(s, TESTDEV_RESPONSE) = 0;
    testdev_finish(s, TESTDEV_OK);
}

static void cancel(SvmTestdev *s)
{
    SvmContext *ctx = svm_client_find(&s->client, s->op.pasid);

    if (ctx) {
        svm_client_cancel(ctx, s);
    }
    testdev_finish(s, TESTDEV_CANCELLED);
}

static void (*const handler[])(SvmTestdev *s) = {
    [TESTDEV_CMD_READ] = start_transfer,
    [TESTDEV_CMD_WRITE] = start_transfer,
    [TESTDEV_CMD_TRANSLATE] = translate,
    [TESTDEV_CMD_PAGE_REQUEST] = request_page,
    [TESTDEV_CMD_BENCH_READ] = testdev_start_bench,
    [TESTDEV_CMD_BENCH_WRITE] = testdev_start_bench,
    [TESTDEV_CMD_BENCH_STORE] = testdev_start_bench,
    [TESTDEV_CMD_FLUSH] = flush,
    [TESTDEV_CMD_CLOSE] = close_context,
    [TESTDEV_CMD_CLEAR] = clear,
};

/* What the registers say now.  False if that is no operation */
static bool latch(SvmTestdev *s, uint32_t command)
{
    uint64_t len = *testdev_reg(s, TESTDEV_LENGTH);
    uint64_t buffer = *testdev_reg(s, TESTDEV_BUFFER);
    uint64_t flags = *testdev_reg(s, TESTDEV_FLAGS);

    s->op = (TestdevOp) {
        .command = command,
        .flags = flags,
        .pasid = flags & TESTDEV_FLAG_PASID ? *testdev_reg(s, TESTDEV_PASID)
                                            : PCI_NO_PASID,
        .addr = *testdev_reg(s, TESTDEV_ADDRESS),
        .len = len,
        .buffer = buffer,
    };
    if (command >= ARRAY_SIZE(handler) || !handler[command]) {
        return false;
    }
    /* The other paths are for benchmarks */
    if (handler[command] == start_transfer &&
        (flags & TESTDEV_FLAG_PATH) > TESTDEV_PATH_TRANSLATED) {
        return false;
    }
    return len <= TESTDEV_DATA_SIZE && buffer <= TESTDEV_DATA_SIZE - len;
}

void testdev_command(SvmTestdev *s, uint32_t command)
{
    trace_svm_testdev_command(command, *testdev_reg(s, TESTDEV_FLAGS),
                              *testdev_reg(s, TESTDEV_PASID),
                              *testdev_reg(s, TESTDEV_ADDRESS),
                              *testdev_reg(s, TESTDEV_LENGTH));
    if (s->op.command && command == TESTDEV_CMD_CANCEL) {
        cancel(s);
        return;
    }
    if (s->op.command) {
        qemu_log_mask(LOG_GUEST_ERROR, "svm-testdev: command %u while %u is "
                      "executed\n", command, s->op.command);
        return;
    }
    *testdev_reg(s, TESTDEV_STATUS) = TESTDEV_STATUS_BUSY;
    if (latch(s, command)) {
        handler[command](s);
    } else {
        testdev_finish(s, TESTDEV_REFUSED);
    }
}

void testdev_resume(SvmTestdev *s)
{
    SvmContext *ctx = svm_client_find(&s->client, s->op.pasid);

    if (!s->op.command) {
        return;
    }
    if (!(*testdev_reg(s, TESTDEV_STATUS) & TESTDEV_STATUS_WAITING)) {
        qemu_bh_schedule(s->bench_bh);
    } else if (!ctx || !svm_client_adopt(
                   ctx, *testdev_reg(s, TESTDEV_FAULT_ADDRESS),
                   page_answered, s)) {
        testdev_finish(s, TESTDEV_NOT_SERVED);
    }
}
