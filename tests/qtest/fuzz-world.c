/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See fuzz-world.h.  An operation is its number, three bytes that choose among
 * places and kinds, and a word of 32 bits, little endian.  All are taken
 * modulo what there is to choose from, so that every program is one.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "fuzz-world.h"

#define DSA_PLACE 0x0038                /* 00:07.0 */
#define OP_BYTES 8
#define PAGE_REQUESTS 32
/* Longer transfers only take longer */
#define LONGEST 0x1ffff

#define SPREAD 0x9e3779b97f4a7c15ULL

typedef struct FuzzOp {
    uint8_t op, a, b, c;
    uint32_t v;
} FuzzOp;

#define PICK(table, n) ((table)[(n) % ARRAY_SIZE(table)])

static const uint32_t pasids[] = {
    FORTRESS_PASID, TESTDEV_NO_PASID, 1, 0x201, 0, 0xffff, 0x10000, 0xfffff,
};

static const uint16_t functions[] = {
    TESTDEV_PLACE, DSA_PLACE, 0x0008, 0xffff,
};

static const uint16_t domains[] = { SVM_DOMAIN, DOMAIN, 0, 0xffff };

static const uint64_t places[] = {
    VA, VA + 0x1000, VA + 0x200000, PAGE, PAGE + 0x1000, GUEST_TABLES,
    GCR3_ROOT, DEVTAB + 32 * TESTDEV_PLACE, COMMANDS, EVENTS, PPR_LOG, RESULT,
    IOMMU_BASE, IOMMU_BASE + 0x2000, TESTDEV_BAR, DSA_BAR0, DSA_BAR2,
    0xfee00000, NOWHERE, 0, MEMORY_SIZE - 0x1000, 0x7ffffffff000,
    0xffff800000000000, UINT64_MAX - 0xfff,
};

/* Pages for entries; the first ones are those of FORTRESS_PASID */
#define TABLE_PAGES 16

static uint64_t table_at(uint8_t n)
{
    return n % (TABLE_PAGES + 1) == TABLE_PAGES
           ? GCR3_ROOT : GUEST_TABLES + n % (TABLE_PAGES + 1) * 0x1000;
}

/* Both halves of a word from one */
static uint64_t wide(uint32_t v)
{
    return v * SPREAD;
}

/* A place, and bytes beyond it */
static uint64_t address(const FuzzOp *o, uint8_t place)
{
    return PICK(places, place) + (o->v & 0xfff);
}

static void op_register(FuzzWorld *w, const FuzzOp *o)
{
    static const uint32_t offsets[] = {
        REG_DEVTAB, REG_CMD_BASE, REG_EVENT_BASE, REG_CONTROL, REG_EXCL_BASE,
        REG_EXCL_LIMIT, REG_PPR_BASE, REG_HW_EVENT_STATUS, REG_CMD_HEAD,
        REG_CMD_TAIL, REG_EVENT_HEAD, REG_EVENT_TAIL, REG_STATUS,
        REG_PPR_HEAD, REG_PPR_TAIL, REG_PPR_AUTO_RESPONSE, REG_PPR_EARLY,
        REG_XT_GENERAL, REG_XT_PPR, 0x100, 0x108, 0x150, 0x158, 0x4000,
    };
    const uint64_t values[] = {
        o->v, wide(o->v), address(o, o->v >> 24) | (o->v >> 16 & 15ULL) << 56,
        FORTRESS_CONTROL ^ (1ULL << (o->v % 64)), FORTRESS_CONTROL,
    };

    reg_write_size(w->svm.b, PICK(offsets, o->a) + (o->c >> 4 & 7),
                   PICK(values, o->b), 1 << (o->c & 3));
}

/* Anywhere in the window */
static void op_mmio(FuzzWorld *w, const FuzzOp *o)
{
    uint32_t offset = (o->a | o->b << 8) & 0x7fff;

    if (o->c & 4) {
        reg_read_size(w->svm.b, offset, 1 << (o->c & 3));
    } else {
        reg_write_size(w->svm.b, offset, wide(o->v), 1 << (o->c & 3));
    }
}

/* An entry: a pointer to a table, a page of any size, or just a number */
static uint64_t make_entry(const FuzzOp *o)
{
    uint64_t next = table_at(o->v >> 8);
    uint64_t rights = (uint64_t)(o->v >> 16 & 3) << 61;
    const uint64_t entries[] = {
        next | G_USER, next | (o->v & 7), (PAGE + (o->v >> 8 & 3) * 0x1000) |
        (o->v & 0xff), (PAGE & ~0x1fffffULL) | G_USER | G_PS,
        PDE(o->v & 7, next, PTE_RW), PTE_LEAF(PAGE, rights),
        PDE(7, PAGE | (o->v & 0xff000), rights), next | 1,
        PICK(places, o->v >> 8) | (o->v & 0xff), wide(o->v), 0,
    };

    return PICK(entries, o->c);
}

static void op_entry(FuzzWorld *w, const FuzzOp *o)
{
    static const uint16_t indexes[] = { 0, 1, 2, 5, 0xfe, 0x1ff, 0x1c0 };

    qtest_writeq(w->svm.b->qts, table_at(o->a) + 8 * PICK(indexes, o->b),
                 make_entry(o));
}

/* Some bits of a DTE, told to the IOMMU or not */
static void op_dte(FuzzWorld *w, const FuzzOp *o)
{
    uint64_t at = DEVTAB + 32 * PICK(functions, o->a & 1) + o->b % 4 * 8;
    uint64_t word = qtest_readq(w->svm.b->qts, at);

    word ^= 1ULL << (o->v % 64);
    if (o->c & 2) {
        word ^= 1ULL << (o->v >> 8) % 64;
    }
    if (o->c & 4) {
        word = (word & ~0xe00ULL) | (o->v >> 16 & 7) << 9 |
               table_at(o->v >> 24);
    }
    qtest_writeq(w->svm.b->qts, at, word);
    if (o->c & 1) {
        command(w->svm.b, 0x2000000000000000 | PICK(functions, o->a & 1), 0);
    }
}

/* Both words of command number @code, with its operands */
static void make_command(const FuzzOp *o, unsigned int code, uint64_t word[2])
{
    uint64_t pasid = PICK(pasids, o->b) & 0xfffff;
    uint64_t function = PICK(functions, o->v >> 28);
    uint64_t page = address(o, o->c) & ~0xfffULL;

    word[1] = page | (o->v >> 24 & 7);
    switch (code) {
    case 1:
        word[0] = (address(o, o->c) & 0x000ffffffffffff8) | (o->v & 7);
        word[1] = wide(o->v);
        break;
    case 3:
        word[0] = pasid | (uint64_t)PICK(domains, o->v >> 28) << 32;
        break;
    case 4:
    case 6:
        word[0] = function | (pasid & 0xff) << 48 |
                  (pasid >> 8 & 0xff) << 16 | 0x20000000;
        break;
    case 7:
        word[0] = function | pasid << 32;
        word[1] = (o->v & 0x1ffULL) << 32 | (o->v >> 9 & 15ULL) << 44 |
                  (o->v >> 24 & 4);
        break;
    default:
        word[0] = function;
        word[1] = 0;
        break;
    }
    word[0] |= (uint64_t)code << 60;
}

static void op_command(FuzzWorld *w, const FuzzOp *o)
{
    uint64_t word[2];

    make_command(o, 1 + o->a % 8, word);
    command(w->svm.b, word[0], word[1]);
}

static void op_any_command(FuzzWorld *w, const FuzzOp *o)
{
    command(w->svm.b, wide(o->v) ^ (uint64_t)o->a << 56, wide(o->v + o->b));
}

/* What a driver does with a command buffer that has stopped */
static void op_restart(FuzzWorld *w, const FuzzOp *o)
{
    Bench *b = w->svm.b;

    reg_write(b, REG_CONTROL, FORTRESS_CONTROL & ~(CONTROL_CMD_BUF_EN |
              CONTROL_EVENT_LOG_EN | CONTROL_PPR_LOG_EN));
    reg_write(b, REG_CMD_HEAD, b->command_tail);
    reg_write(b, REG_STATUS, o->v);
    reg_write(b, REG_CONTROL, FORTRESS_CONTROL |
              (o->a & 1 ? wide(o->v) & 0x04000480000058 : 0));
}

static void op_testdev(FuzzWorld *w, const FuzzOp *o)
{
    Testdev *t = w->svm.t;
    uint64_t length = o->v >> 12 & LONGEST;

    testdev_set(t, TESTDEV_PRG_INDEX, o->v >> 20 & 0x1ff);
    testdev_set(t, TESTDEV_BENCH_COUNT, o->v & 0xfff);
    testdev_set(t, TESTDEV_BENCH_PAGES, o->v >> 12 & 0xff);
    testdev_run(t, o->a % 16, (o->a >> 4 | o->v >> 24 << 4) &
                TESTDEV_FLAGS_ALL, PICK(pasids, o->b), address(o, o->c),
                MIN(length, TESTDEV_DATA_SIZE));
}

static void op_testdev_register(FuzzWorld *w, const FuzzOp *o)
{
    uint32_t offset = (o->a | o->b << 8) % TESTDEV_BAR_SIZE & ~7;

    if (o->c & 1) {
        testdev_get(w->svm.t, offset);
    } else {
        testdev_set(w->svm.t, offset, o->c & 2 ? wide(o->v) : o->v);
    }
}

/* What enables, disables and resets a function */
static void op_config(FuzzWorld *w, const FuzzOp *o)
{
    static const struct {
        uint16_t offset, mask;
    } registers[] = {
        { TESTDEV_PASID_CTRL, 7 }, { TESTDEV_ATS_CTRL, 0x801f },
        { TESTDEV_PRI_CTRL, 3 }, { TESTDEV_PRI_ALLOCATION, 0xffff },
        { TESTDEV_PRI_STATUS, 0xffff }, { 0x04, 0x0406 }, { 0x88, 0x8000 },
    };
    Testdev t = { .qts = w->svm.b->qts, .id = PICK(functions, o->a & 1) };
    uint16_t value = o->c & 1 ? o->v : 0xffff;

    testdev_config_set(&t, PICK(registers, o->b).offset,
                       value & PICK(registers, o->b).mask);
}

static void op_dsa_submit(FuzzWorld *w, const FuzzOp *o)
{
    static const uint8_t opcodes[] = {
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x09, 0x10, 0x11, 0x12,
        0x13, 0x14, 0x15, 0x20, 0x07,
    };
    DsaDesc desc = dsa_desc(PICK(opcodes, o->a), o->v & 0x1013f,
                            address(o, o->b), address(o, o->c),
                            o->v >> 12 & LONGEST);

    desc.word[0] |= PICK(pasids, o->a >> 4) & 0xfffff;
    desc.word[1] = address(o, o->v >> 24) & ~0x1fULL;
    desc.word[5] = o->a & 0x80 ? address(o, o->v >> 20) : wide(o->v);
    desc.word[6] = wide(o->v);
    dsa_submit_to(&w->dsa, o->a >> 6 & 1, desc);
}

static void op_dsa_command(FuzzWorld *w, const FuzzOp *o)
{
    dsa_command_start(&w->dsa, o->a % 20, o->b & 1 ? o->v & 0xfffff : o->c);
}

static void op_dsa_register(FuzzWorld *w, const FuzzOp *o)
{
    uint32_t offset = (o->a | o->b << 8) & 0x3ff8;

    if (o->c & 1) {
        dsa_reg_read(&w->dsa, offset);
    } else {
        dsa_reg_write(&w->dsa, offset, o->c & 2 ? wide(o->v) : o->v);
    }
}

static void op_clock(FuzzWorld *w, const FuzzOp *o)
{
    qtest_clock_step(w->svm.b->qts, 1 + (o->v & 0xffffff));
}

/* Map a page of a PASID as an operating system does after a page request */
static void op_map(FuzzWorld *w, const FuzzOp *o)
{
    uint64_t va = VA + (o->c & 7) * 0x1000;

    svm_map(&w->svm, PICK(pasids, o->b) & 0xffff, va,
            (PAGE + (o->v >> 12 & 7) * 0x1000) | G_USER | (o->v & G_NX));
}

static void (*const ops[])(FuzzWorld *w, const FuzzOp *o) = {
    op_register, op_mmio, op_entry, op_dte, op_command, op_any_command,
    op_restart, op_testdev, op_testdev_register, op_config, op_dsa_submit,
    op_dsa_command, op_dsa_register, op_clock, op_map,
};

/* Queue 0 works without a PASID, queue 1 on FORTRESS_PASID */
static void set_up_dsa(FuzzWorld *w)
{
    static const uint32_t modes[] = {
        0, DSA_QUEUE_PASID_ENABLE | FORTRESS_PASID << 8,
    };

    dsa_enable_pci(&w->dsa);
    dsa_enable_svm(&w->dsa, PAGE_REQUESTS);
    for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
        dsa_configure_queue(&w->dsa, i, modes[i] | DSA_QUEUE_BLOCK_ON_FAULT);
    }
    dsa_group_write(&w->dsa, 0, 0, 3);
    dsa_group_write(&w->dsa, 0, DSA_GROUP_ENGINES / 8, 1);
    dsa_command_start(&w->dsa, DSA_CMD_ENABLE_DEVICE, 0);
    w->settle(w->dsa.qts);
    for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
        dsa_command_start(&w->dsa, DSA_CMD_ENABLE_QUEUE, i);
        w->settle(w->dsa.qts);
    }
}

/* The DSA has the tables of svm-testdev */
static void share_tables(FuzzWorld *w)
{
    uint64_t dte[4];

    for (unsigned int i = 0; i < ARRAY_SIZE(dte); i++) {
        dte[i] = qtest_readq(w->svm.b->qts, DEVTAB + 32 * TESTDEV_PLACE +
                             8 * i);
    }
    set_dte_of(w->svm.b, DSA_PLACE, dte);
}

static void set_up(FuzzWorld *w)
{
    fortress_restore(&w->svm);
    share_tables(w);
    set_up_dsa(w);
}

static FuzzOp read_op(const uint8_t *data)
{
    return (FuzzOp) {
        .op = data[0], .a = data[1], .b = data[2], .c = data[3],
        .v = ldl_le_p(data + 4),
    };
}

void fuzz_world_run(QTestState *qts, void (*settle)(QTestState *qts),
                    const uint8_t *data, size_t size)
{
    Bench b = { .qts = qts };
    FuzzWorld w = {
        .svm = { .b = &b },
        .dsa = { .qts = qts, .bdf = DSA_PLACE },
        .settle = settle,
    };

    set_up(&w);
    for (size_t at = 0; size - at >= OP_BYTES; at += OP_BYTES) {
        FuzzOp o = read_op(data + at);

        PICK(ops, o.op)(&w, &o);
        settle(qts);
    }
    g_free(w.svm.t);
}
