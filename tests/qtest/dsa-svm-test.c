/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device "dsa" and an IOMMU: PASIDs, page requests, faults without them,
 * invalidations, migration; and behind Intel's IOMMU without PASIDs.
 * spec/dsa-device.md 6.4.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "dsa.h"
#include "migrate.h"
#include "sva.h"
#include "vtd.h"

#define DSA "-device dsa,addr=06.0 "
#define DSA_ID 0x0030
#define PRG_INDEX 0x1ff00000000ULL
#define KIB 1024u
#define MIB (1024 * KIB)
#define PAGE_BYTES 4096u
#define PASID 5
#define OTHER_PASID 6
#define FLAG_BOF DSA_FLAG_BLOCK_ON_FAULT
#define BLOCKING (DSA_ANY_RECORD | FLAG_BOF)
#define PATIENCE 2000000
#define ALLOCATION 32
#define INVALIDATIONS 32

/* Virtual addresses: 2 MiB of small pages, then one of 2 MiB each */
#define VA 0x7f0000000000ULL
#define VA_SOURCE VA
#define VA_TARGET (VA + 0x40000)
#define VA_RECORD (VA + 0x80000)
#define VA_LIST (VA + 0x90000)
#define VA_LARGE_SOURCE (VA + 2 * MIB)
#define VA_LARGE_TARGET (VA + 4 * MIB)

#define GUEST_RW SVA_USER_RW
#define GUEST_RO SVA_USER_READ

#define RESPONSE_SUCCESS 0
#define RESPONSE_INVALID 1
#define RESPONSE_FAILURE 0xf
/* Page service request, last, user, with PASID; one that writes or reads */
#define PPR_WRITE 0x1160020000000000ULL
#define PPR_READ 0x1144020000000000ULL

typedef struct World {
    Sva sva;
    Dsa *d;
    unsigned int taken;         /* page requests that were looked at */
} World;

static uint64_t physical(uint64_t va)
{
    return DSA_SOURCE + (va - VA);
}

/* The small page at @va gets these rights; 0: it is absent */
static void map(World *w, uint64_t va, uint64_t rights)
{
    sva_map(&w->sva, PASID, va & ~0xfffULL, physical(va & ~0xfffULL), rights);
}

static void map_range(World *w, uint64_t va, uint32_t bytes, uint64_t rights)
{
    for (uint32_t at = 0; at < bytes; at += PAGE_BYTES) {
        map(w, va + at, rights);
    }
}

static void map_large(World *w, uint64_t va)
{
    qtest_writeq(w->sva.b->qts, sva_entry(&w->sva, PASID, va, 2),
                 physical(va) | GUEST_RW | SVA_LARGE);
}

/* Queue 0 works on PASID; @mode is added to its mode word */
static World *start(uint32_t mode)
{
    World *w = g_new0(World, 1);

    w->sva.b = bench_start("svm=on", DSA);
    w->sva.id = DSA_ID;
    w->d = dsa_attach(w->sva.b->qts, DSA_ID);
    sva_set_up(&w->sva);
    sva_bind(&w->sva, PASID);
    dsa_enable_svm(w->d, ALLOCATION);
    map_range(w, VA_SOURCE, 0x40000, GUEST_RW);
    map(w, VA_RECORD, GUEST_RW);
    dsa_enable(w->d, mode | DSA_QUEUE_BLOCK_ON_FAULT | DSA_QUEUE_PASID_ENABLE |
               PASID << 8);
    return w;
}

static void stop(World *w)
{
    g_free(w->d);
    bench_stop(w->sva.b);
    g_free(w);
}

/* A descriptor with its record at VA_RECORD */
static DsaDesc desc(unsigned int opcode, uint32_t flags, uint64_t source,
                    uint64_t destination, uint32_t size)
{
    DsaDesc made = dsa_desc(opcode, flags, source, destination, size);

    made.word[1] = VA_RECORD;
    return made;
}

static void submit(World *w, DsaDesc what)
{
    qtest_memset(w->d->qts, physical(VA_RECORD), 0, DSA_RECORD_BYTES);
    dsa_submit_to(w->d, 0, what);
}

static DsaRecord finish(World *w, uint8_t status)
{
    DsaRecord record = dsa_wait(w->d, physical(VA_RECORD));

    g_assert_cmphex(record.status, ==, status);
    return record;
}

static bool is_done(World *w)
{
    return qtest_readb(w->d->qts, physical(VA_RECORD));
}

static void wait_for_request(World *w, unsigned int n)
{
    unsigned int reads = 0;

    while (sva_ppr_count(&w->sva) <= n) {
        g_assert_cmpint(reads++, <, PATIENCE);
    }
}

/* Wait for a page request; it has to be this one.  Returns its PRG index */
static uint16_t take_request(World *w, uint64_t kind, uint64_t page)
{
    uint64_t word[2];

    wait_for_request(w, w->taken);
    sva_ppr_read(&w->sva, w->taken++, word);
    g_assert_cmphex(word[0] & ~PRG_INDEX, ==, kind | PASID << 16 | DSA_ID);
    g_assert_cmphex(word[1], ==, page);
    return (word[0] & PRG_INDEX) >> 32;
}

static void respond(World *w, uint16_t prg_index, unsigned int code)
{
    sva_respond(&w->sva, prg_index, code);
}

static bool has_request(World *w)
{
    return sva_ppr_count(&w->sva) != w->taken;
}

static void test_pasid(void)
{
    World *w = start(0);

    map_range(w, VA_TARGET, 0x20000, GUEST_RW);
    dsa_fill(w->d, physical(VA_SOURCE), 0x20000);
    submit(w, desc(DSA_OP_MEMMOVE, BLOCKING, VA_SOURCE + 5, VA_TARGET + 9,
                   0x1f000));
    g_assert_cmpint(finish(w, 1).done, ==, 0x1f000);
    dsa_assert_equal(w->d, physical(VA_SOURCE + 5), physical(VA_TARGET + 9),
                     0x1f000);
    g_assert_cmphex(qtest_readq(w->d->qts, sva_entry(&w->sva, PASID, VA_TARGET,
                                                     1)) &
                    (SVA_ACCESSED | SVA_DIRTY), ==, SVA_ACCESSED | SVA_DIRTY);
    g_assert_false(has_request(w));
    assert_events(w->sva.b, 0, 0);
    stop(w);
}

/* Each page of the target is asked for, in turn, and then written */
static void test_block_on_fault(void)
{
    World *w = start(0);

    dsa_fill(w->d, physical(VA_SOURCE), 0x4000);
    submit(w, desc(DSA_OP_MEMMOVE, BLOCKING, VA_SOURCE, VA_TARGET, 0x4000));
    for (unsigned int n = 0; n < 4; n++) {
        uint64_t page = VA_TARGET + n * PAGE_BYTES;
        uint32_t index = take_request(w, PPR_WRITE, page);

        g_assert_false(is_done(w));
        map(w, page, GUEST_RW);
        respond(w, index, RESPONSE_SUCCESS);
    }
    g_assert_cmpint(finish(w, 1).done, ==, 0x4000);
    dsa_assert_equal(w->d, physical(VA_SOURCE), physical(VA_TARGET), 0x4000);
    stop(w);
}

static void test_read_fault(void)
{
    World *w = start(0);
    uint32_t index;

    map(w, VA_TARGET, GUEST_RW);
    map(w, VA_SOURCE, 0);
    submit(w, desc(DSA_OP_MEMMOVE, BLOCKING, VA_SOURCE, VA_TARGET, 100));
    index = take_request(w, PPR_READ, VA_SOURCE);
    respond(w, index, RESPONSE_INVALID);
    g_assert_cmphex(finish(w, 0x04).fault_address, ==, VA_SOURCE);
    stop(w);
}

/* What was done before the page nobody wants to give */
static void check_denied(unsigned int code)
{
    World *w = start(0);
    DsaRecord record;

    map(w, VA_TARGET, GUEST_RW);
    map(w, VA_TARGET + 0x1000, GUEST_RO);
    dsa_fill(w->d, physical(VA_SOURCE), 0x2000);
    submit(w, desc(DSA_OP_MEMMOVE, BLOCKING, VA_SOURCE, VA_TARGET + 0x800,
                   0x2000));
    respond(w, take_request(w, PPR_WRITE, VA_TARGET + 0x1000), code);
    record = finish(w, 0x84);
    g_assert_cmpint(record.done, ==, 0x800);
    g_assert_cmphex(record.fault_address, ==, VA_TARGET + 0x1000);
    dsa_assert_equal(w->d, physical(VA_SOURCE), physical(VA_TARGET + 0x800),
                     0x800);
    stop(w);
}

static void test_denied(void)
{
    check_denied(RESPONSE_INVALID);
    check_denied(RESPONSE_FAILURE);
}

/* Who is always told to try again gives up */
static void test_retries(void)
{
    World *w = start(0);
    unsigned int requests = 0;

    submit(w, desc(DSA_OP_FILL, BLOCKING, 0, VA_TARGET, 8));
    while (!is_done(w)) {
        if (has_request(w)) {
            respond(w, take_request(w, PPR_WRITE, VA_TARGET),
                    RESPONSE_SUCCESS);
            g_assert_cmpint(requests++, <, 100);
        }
    }
    finish(w, 0x84);
    g_assert_cmpint(requests, >, 1);
    stop(w);
}

/* Without blocking software goes on where the record says */
static void test_partial(void)
{
    World *w = start(0);
    DsaRecord record;

    dsa_fill(w->d, physical(VA_SOURCE), 0x10000);
    map_range(w, VA_TARGET, 0x2000, GUEST_RW);
    submit(w, desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD, VA_SOURCE, VA_TARGET,
                   0x10000));
    record = finish(w, 0x83);
    g_assert_cmpint(record.done, ==, 0x2000);
    g_assert_cmphex(record.fault_address, ==, VA_TARGET + 0x2000);
    g_assert_false(has_request(w));
    map_range(w, VA_TARGET + 0x2000, 0xe000, GUEST_RW);
    submit(w, desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD, VA_SOURCE + 0x2000,
                   VA_TARGET + 0x2000, 0xe000));
    finish(w, 1);
    dsa_assert_equal(w->d, physical(VA_SOURCE), physical(VA_TARGET), 0x10000);
    stop(w);
}

/* Integrity fields: a fault leaves whole blocks, and the tags to go on with */
static void test_partial_dif(void)
{
    const unsigned int blocks = 16, before = PAGE_BYTES / 520;
    World *w = start(0);
    DsaDesc what = desc(DSA_OP_DIF_INSERT, DSA_ANY_RECORD, VA_SOURCE,
                        VA_TARGET, blocks * 512);
    DsaRecord record;

    what.word[7] = 100;
    dsa_fill(w->d, physical(VA_SOURCE), blocks * 512);
    map(w, VA_TARGET, GUEST_RW);
    submit(w, what);
    record = finish(w, 0x83);
    g_assert_cmpint(record.done, ==, before * 512);
    g_assert_cmpint(record.word3, ==, 100 + before);
    map_range(w, VA_TARGET + PAGE_BYTES, 2 * PAGE_BYTES, GUEST_RW);
    what.word[2] += record.done;
    what.word[3] += before * 520;
    what.word[4] -= record.done;
    what.word[7] = record.word3;
    submit(w, what);
    finish(w, 1);
    what = desc(DSA_OP_DIF_CHECK, DSA_ANY_RECORD, VA_TARGET, 0, blocks * 520);
    what.word[6] = 100;
    submit(w, what);
    g_assert_cmpint(finish(w, 1).word2, ==, 100 + blocks);
    stop(w);
}

/* The queue may be told to never ask; a record needs no flag to be asked for */
static void test_record_fault(void)
{
    World *w = start(0);

    map(w, VA_RECORD, 0);
    submit(w, desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    take_request(w, PPR_WRITE, VA_RECORD);
    g_assert_false(is_done(w));
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_ABORT_ALL, 0), ==, 0);
    submit(w, desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    respond(w, take_request(w, PPR_WRITE, VA_RECORD), RESPONSE_INVALID);
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    /* Without an event log it ends in SWERR */
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_SWERR0), ==,
                    0x2d | 0x1a << 8 | (uint64_t)PASID << 40);
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_SWERR2), ==, VA_RECORD);
    stop(w);
}

/* A queue that never asks for pages, and an event log; VA_RECORD is absent */
static World *start_event_log(uint32_t entries)
{
    World *w = start(DSA_QUEUE_NO_PRS);

    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DISABLE_DEVICE, 0), ==, 0);
    dsa_reg_write(w->d, DSA_REG_EVLCFG0, DSA_EVENT_LOG);
    dsa_reg_write(w->d, DSA_REG_EVLCFG1, entries);
    dsa_reg_write(w->d, DSA_REG_GENCFG, DSA_GENCFG_EVENT_LOG);
    dsa_reg_write(w->d, DSA_REG_GENCTRL, DSA_GENCTRL_EVENT_LOG_INT);
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0);
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0);
    map(w, VA_RECORD, 0);
    return w;
}

/* The first three words of an entry, without the batch identifier */
static void assert_event(World *w, unsigned int n, uint64_t word0,
                         uint64_t word1, uint64_t address)
{
    uint64_t at = DSA_EVENT_LOG + n * DSA_EVENT_BYTES;

    g_assert_cmphex(qtest_readq(w->d->qts, at) & ~0xff000000ULL, ==,
                    word0 | (uint64_t)PASID << 40);
    g_assert_cmphex(qtest_readq(w->d->qts, at + 8), ==, word1);
    g_assert_cmphex(qtest_readq(w->d->qts, at + 16), ==, address);
}

/* With an event log software gets the record to write it itself */
static void test_event_log(void)
{
    World *w = start_event_log(64);
    uint8_t record[DSA_RECORD_BYTES];

    map(w, VA_TARGET, GUEST_RW);
    submit(w, desc(DSA_OP_FILL, DSA_ANY_RECORD, 0, VA_TARGET, 0x2000));
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_false(has_request(w));
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_EVLSTATUS), ==,
                    1ULL << 62 | 1ULL << 32);
    g_assert_true(dsa_message(w->d, 0));
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_SWERR0), ==, 0);
    assert_event(w, 0, 0x2c | 0x1a << 8 | 4ULL << 32, 1ULL << 50, VA_RECORD);
    qtest_memread(w->d->qts, DSA_EVENT_LOG + 32, record, sizeof(record));
    g_assert_cmphex(record[0], ==, 0x83);
    g_assert_cmphex(ldl_le_p(record + 4), ==, 0x1000);
    g_assert_cmphex(ldq_le_p(record + 8), ==, VA_TARGET + 0x1000);
    /* Software has read it */
    dsa_reg_write(w->d, DSA_REG_EVLSTATUS, 1ULL << 62 | 1);
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_EVLSTATUS), ==,
                    1ULL << 32 | 1);
    stop(w);
}

/* Descriptor @n of the list at @list */
static void set_member(World *w, uint64_t list, unsigned int n, DsaDesc member)
{
    qtest_memwrite(w->d->qts, physical(list) + n * DSA_DESC_BYTES, member.word,
                   DSA_DESC_BYTES);
}

/*
 * Records behind one that is in the event log go there as well: that of the
 * batch, and that of a drain.  A fence does not pass it.
 */
static void test_event_log_order(void)
{
    World *w = start_event_log(64);
    DsaDesc batch = desc(DSA_OP_BATCH, DSA_ANY_RECORD, VA_LIST, 0, 3);
    DsaDesc drain = desc(DSA_OP_DRAIN, DSA_ANY_RECORD, 0, 0, 0);
    DsaDesc member = desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0);
    const uint64_t batch_record = VA_LIST + 0x800;

    map(w, VA_LIST, GUEST_RW);
    batch.word[1] = batch_record;
    drain.word[1] = batch_record;
    set_member(w, VA_LIST, 0, member);
    member.word[1] = batch_record + DSA_RECORD_BYTES;
    set_member(w, VA_LIST, 1, member);
    member.word[0] |= (uint64_t)DSA_FLAG_FENCE << 32;
    set_member(w, VA_LIST, 2, member);
    dsa_submit_to(w->d, 0, batch);
    dsa_submit_to(w->d, 0, drain);
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_EVLSTATUS), ==,
                    1ULL << 62 | 3ULL << 32);
    /* A member, the first of its batch; the batch; the drain */
    assert_event(w, 0, 0x3c | 0x1a << 8, 3ULL << 50, VA_RECORD);
    assert_event(w, 1, 0x0c | 0x27 << 8 | 1ULL << 32, 1ULL << 50,
                 batch_record);
    assert_event(w, 2, 0x0c | 0x26 << 8 | 2ULL << 32, 1ULL << 50,
                 batch_record);
    /* The batch failed after two descriptors */
    g_assert_cmphex(qtest_readq(w->d->qts, DSA_EVENT_LOG + DSA_EVENT_BYTES +
                                DSA_EVENT_RECORD), ==, 2ULL << 32 | 0x0105);
    g_assert_cmpint(qtest_readb(w->d->qts, physical(batch_record)), ==, 0);
    stop(w);
}

/* What finds no room in the event log is in SWERR */
static void test_event_log_full(void)
{
    World *w = start_event_log(2);

    submit(w, desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    submit(w, desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_EVLSTATUS), ==,
                    1ULL << 62 | 1ULL << 32);
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_SWERR0) & 0xffff, ==, 0x1a2d);
    /* Software makes room, and the log goes on at its beginning */
    dsa_reg_write(w->d, DSA_REG_EVLSTATUS, 1ULL << 62 | 1);
    submit(w, desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DRAIN_ALL, 0), ==, 0);
    g_assert_cmphex(dsa_reg_read(w->d, DSA_REG_EVLSTATUS), ==,
                    1ULL << 62 | 1);
    stop(w);
}

/* What could be read of a batch is carried out */
static void test_list_fault(void)
{
    World *w = start(0);
    uint64_t list = VA_LIST + PAGE_BYTES - 2 * DSA_DESC_BYTES;
    DsaDesc member = desc(DSA_OP_FILL, 0, UINT64_MAX, VA_SOURCE, 8);
    DsaRecord record;

    map(w, VA_LIST, GUEST_RW);
    for (unsigned int n = 0; n < 2; n++) {
        member.word[3] = VA_SOURCE + n * 8;
        set_member(w, list, n, member);
    }
    qtest_memset(w->d->qts, physical(VA_SOURCE), 0, 16);
    submit(w, desc(DSA_OP_BATCH, DSA_ANY_RECORD, list, 0, 4));
    respond(w, take_request(w, PPR_READ, VA_LIST + PAGE_BYTES),
            RESPONSE_INVALID);
    record = finish(w, 0x06);
    g_assert_cmpint(record.done, ==, 2);
    g_assert_cmphex(record.fault_address, ==, VA_LIST + PAGE_BYTES);
    g_assert_cmphex(qtest_readq(w->d->qts, physical(VA_SOURCE) + 8), ==,
                    UINT64_MAX);
    stop(w);
}

/* Drain waits for what waits for pages */
static void test_drain(void)
{
    World *w = start(0);
    uint32_t index;

    submit(w, desc(DSA_OP_FILL, BLOCKING, 1, VA_TARGET, 8));
    index = take_request(w, PPR_WRITE, VA_TARGET);
    dsa_command_start(w->d, DSA_CMD_DRAIN_PASID, PASID);
    g_assert_true(dsa_command_active(w->d));
    map(w, VA_TARGET, GUEST_RW);
    respond(w, index, RESPONSE_SUCCESS);
    finish(w, 1);
    while (dsa_command_active(w->d)) {
        g_usleep(1000);
    }
    /* Nothing of another PASID is there to be waited for */
    g_assert_cmphex(dsa_execute(w->d, DSA_CMD_DRAIN_PASID, OTHER_PASID), ==,
                    0);
    stop(w);
}

/* What is aborted does not care for the answer any more */
static void check_abort(unsigned int code, uint32_t operand)
{
    World *w = start(0);
    uint32_t index;

    submit(w, desc(DSA_OP_FILL, BLOCKING, 1, VA_TARGET, 8));
    index = take_request(w, PPR_WRITE, VA_TARGET);
    g_assert_cmphex(dsa_execute(w->d, code, operand), ==, 0);
    respond(w, index, RESPONSE_SUCCESS);
    if (code == DSA_CMD_RESET_DEVICE) {
        dsa_enable(w->d, DSA_QUEUE_PASID_ENABLE | PASID << 8);
    }
    submit(w, desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0));
    finish(w, 1);
    g_assert_false(has_request(w));
    stop(w);
}

static void test_abort(void)
{
    check_abort(DSA_CMD_ABORT_QUEUE, 1);
    check_abort(DSA_CMD_ABORT_PASID, PASID);
    check_abort(DSA_CMD_RESET_DEVICE, 0);
}

/* A translation that was taken back is not used again */
static void test_invalidate(void)
{
    World *w = start(0);

    map(w, VA_TARGET, GUEST_RW);
    submit(w, desc(DSA_OP_FILL, BLOCKING, 1, VA_TARGET, 8));
    finish(w, 1);
    map(w, VA_TARGET, 0);
    sva_invalidate(&w->sva, PASID, VA_TARGET);
    submit(w, desc(DSA_OP_FILL, DSA_ANY_RECORD, 2, VA_TARGET, 8));
    g_assert_cmpint(finish(w, 0x83).done, ==, 0);
    g_assert_cmpint(qtest_readq(w->d->qts, physical(VA_TARGET)), ==, 1);
    stop(w);
}

/* Invalidations all the time do not keep a large transfer from its end */
static void test_invalidate_large(void)
{
    World *w = start(0);
    unsigned int n = 0;

    map_large(w, VA_LARGE_SOURCE);
    map_large(w, VA_LARGE_TARGET);
    dsa_fill(w->d, physical(VA_LARGE_SOURCE), 2 * MIB);
    while (n < INVALIDATIONS) {
        qtest_memset(w->d->qts, physical(VA_LARGE_TARGET), 0, 2 * MIB);
        submit(w, desc(DSA_OP_MEMMOVE, BLOCKING, VA_LARGE_SOURCE,
                       VA_LARGE_TARGET, 2 * MIB));
        do {
            sva_invalidate(&w->sva, PASID,
                           n++ % 2 ? VA_LARGE_SOURCE : VA_LARGE_TARGET);
        } while (!is_done(w));
        g_assert_cmpint(finish(w, 1).done, ==, 2 * MIB);
        dsa_assert_equal(w->d, physical(VA_LARGE_SOURCE),
                         physical(VA_LARGE_TARGET), 2 * MIB);
    }
    stop(w);
}

/* Eight queues with a PASID each, all of them waiting for a page at once */
static void test_many_pasids(void)
{
    World *w = start(0);
    DsaDesc what = desc(DSA_OP_FILL, BLOCKING, UINT64_MAX, VA_TARGET, 8);
    uint64_t word[2];

    for (unsigned int q = 1; q < 8; q++) {
        sva_bind(&w->sva, PASID + q);
        sva_map(&w->sva, PASID + q, VA_RECORD, physical(VA_RECORD), GUEST_RW);
        dsa_configure_queue(w->d, q, DSA_QUEUE_BLOCK_ON_FAULT |
                            DSA_QUEUE_PASID_ENABLE | (PASID + q) << 8);
        g_assert_cmphex(dsa_execute(w->d, DSA_CMD_ENABLE_QUEUE, q), ==, 0);
    }
    for (unsigned int q = 0; q < 8; q++) {
        what.word[1] = VA_RECORD + q * DSA_RECORD_BYTES;
        dsa_submit_to(w->d, q, what);
        wait_for_request(w, q);
    }
    /* Answers may come in any order */
    for (int q = 7; q >= 0; q--) {
        sva_ppr_read(&w->sva, q, word);
        g_assert_cmpint(word[0] >> 16 & 0xffff, ==, PASID + q);
        sva_map(&w->sva, PASID + q, VA_TARGET, physical(VA_TARGET) +
                q * PAGE_BYTES, GUEST_RW);
        respond(w, (word[0] & PRG_INDEX) >> 32, RESPONSE_SUCCESS);
        g_assert_cmphex(dsa_wait(w->d, physical(VA_RECORD) +
                                 q * DSA_RECORD_BYTES).status, ==, 1);
        g_assert_cmphex(qtest_readq(w->d->qts, physical(VA_TARGET) +
                                    q * PAGE_BYTES), ==, UINT64_MAX);
    }
    stop(w);
}

/* Into another QEMU, which goes on */
static void move(World *w)
{
    g_autofree char *path = migrate_save(w->d->qts);
    uint32_t tail = w->sva.b->command_tail;

    bench_stop(w->sva.b);
    w->sva.b = bench_start("svm=on", DSA "-incoming defer");
    w->sva.b->command_tail = tail;
    w->d->qts = w->sva.b->qts;
    migrate_load(w->d->qts, path);
    unlink(path);
}

/* Everything on its way goes on in another QEMU */
static void test_migration(void)
{
    World *w = start(0);
    uint32_t index;

    dsa_fill(w->d, physical(VA_SOURCE), 0x4000);
    map(w, VA_TARGET, GUEST_RW);
    submit(w, desc(DSA_OP_MEMMOVE, BLOCKING, VA_SOURCE, VA_TARGET, 0x4000));
    index = take_request(w, PPR_WRITE, VA_TARGET + 0x1000);
    /* Half of a descriptor is in a portal */
    for (unsigned int n = 0; n < 4; n++) {
        qtest_writeq(w->d->qts, DSA_BAR2 + n * 8,
                     desc(DSA_OP_NOOP, DSA_ANY_RECORD, 0, 0, 0).word[n]);
    }
    move(w);
    g_assert_false(is_done(w));
    map_range(w, VA_TARGET + 0x1000, 0x3000, GUEST_RW);
    respond(w, index, RESPONSE_SUCCESS);
    g_assert_cmpint(finish(w, 1).done, ==, 0x4000);
    dsa_assert_equal(w->d, physical(VA_SOURCE), physical(VA_TARGET), 0x4000);
    qtest_memset(w->d->qts, physical(VA_RECORD), 0, DSA_RECORD_BYTES);
    for (unsigned int n = 4; n < 8; n++) {
        qtest_writeq(w->d->qts, DSA_BAR2 + n * 8, 0);
    }
    finish(w, 1);
    stop(w);
}

/* Behind Intel's IOMMU, which knows ATS but no PASIDs here */
static void test_intel(void)
{
    Dsa *d = dsa_start("-device intel-iommu,device-iotlb=on,intremap=off", "");
    const uint64_t source = 0x10000, target = 0x20000;
    DsaDesc what = dsa_desc(DSA_OP_MEMMOVE, DSA_ANY_RECORD, source, target,
                            0x2000);
    DsaRecord record;
    Vtd vtd;

    vtd_set_up(&vtd, d->qts, DSA_BDF);
    dsa_enable_svm(d, 0);
    dsa_enable(d, 0);
    what.word[1] = 0x30000;
    vtd_map(&vtd, 0x30000, DSA_RECORD, VTD_READ | VTD_WRITE);
    vtd_map(&vtd, source, DSA_SOURCE, VTD_READ);
    vtd_map(&vtd, source + 0x1000, DSA_SOURCE + 0x1000, VTD_READ);
    vtd_map(&vtd, target, DSA_TARGET, VTD_READ | VTD_WRITE);
    dsa_fill(d, DSA_SOURCE, 0x2000);
    dsa_submit_to(d, 0, what);
    record = dsa_wait(d, DSA_RECORD);
    g_assert_cmphex(record.status, ==, 0x83);
    g_assert_cmpint(record.done, ==, 0x1000);
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET, 0x1000);

    vtd_map(&vtd, target + 0x1000, DSA_TARGET + 0x1000, VTD_READ | VTD_WRITE);
    vtd_invalidate_iommu(&vtd);
    vtd_invalidate_device(&vtd);
    qtest_memset(d->qts, DSA_RECORD, 0, DSA_RECORD_BYTES);
    dsa_submit_to(d, 0, what);
    g_assert_cmphex(dsa_wait(d, DSA_RECORD).status, ==, 1);
    dsa_assert_equal(d, DSA_SOURCE, DSA_TARGET, 0x2000);
    dsa_quit(d);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/dsa-svm/pasid", test_pasid);
    qtest_add_func("/dsa-svm/block-on-fault", test_block_on_fault);
    qtest_add_func("/dsa-svm/read-fault", test_read_fault);
    qtest_add_func("/dsa-svm/denied", test_denied);
    qtest_add_func("/dsa-svm/retries", test_retries);
    qtest_add_func("/dsa-svm/partial", test_partial);
    qtest_add_func("/dsa-svm/partial-dif", test_partial_dif);
    qtest_add_func("/dsa-svm/record-fault", test_record_fault);
    qtest_add_func("/dsa-svm/event-log", test_event_log);
    qtest_add_func("/dsa-svm/event-log-order", test_event_log_order);
    qtest_add_func("/dsa-svm/event-log-full", test_event_log_full);
    qtest_add_func("/dsa-svm/list-fault", test_list_fault);
    qtest_add_func("/dsa-svm/drain", test_drain);
    qtest_add_func("/dsa-svm/abort", test_abort);
    qtest_add_func("/dsa-svm/invalidate", test_invalidate);
    qtest_add_func("/dsa-svm/invalidate-large", test_invalidate_large);
    qtest_add_func("/dsa-svm/many-pasids", test_many_pasids);
    qtest_add_func("/dsa-svm/migration", test_migration);
    qtest_add_func("/dsa-svm/intel", test_intel);
    return g_test_run();
}
