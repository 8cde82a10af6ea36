/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of svm-testdev share among themselves. */
#ifndef HW_MISC_SVM_TESTDEV_H
#define HW_MISC_SVM_TESTDEV_H

#include "hw/misc/svm/client.h"
#include "system/iothread.h"
#include "hw/misc/svm/testdev-regs.h"

#define TYPE_SVM_TESTDEV "svm-testdev"
OBJECT_DECLARE_SIMPLE_TYPE(SvmTestdev, SVM_TESTDEV)

#define TESTDEV_REGS (TESTDEV_REGS_SIZE / 8)
/* Contexts that stay open: a guest could use up memory with them */
#define TESTDEV_CONTEXTS_MAX 1024
/* Functions that take part in a benchmark */
#define TESTDEV_SENDERS_MAX 256

/* The command that is executed, as it was when it began */
typedef struct TestdevOp {
    uint32_t command;           /* 0: none */
    uint32_t flags;
    uint32_t pasid;             /* or PCI_NO_PASID */
    uint64_t addr;
    uint32_t len;
    uint32_t buffer;
    uint32_t tries;             /* since the last byte was moved */
    /* Benchmarks */
    uint64_t left;
    uint64_t pages;
    uint64_t random;            /* state of the generator; 0: in turn */
    uint64_t next;              /* number of the access, if in turn */
    uint32_t shift;             /* log2 of the distance of pages */
    uint32_t pasid_first;
    uint32_t pasids;
    uint32_t functions;
    uint64_t store_every;       /* accesses; 0: never */
    uint64_t stored;            /* accesses since the last store */
} TestdevOp;

/* Whom a benchmark lets send accesses */
typedef struct TestdevSender {
    SvmTestdev *dev;
    IOMMUMemoryRegion *region;  /* that they go to, or NULL */
    hwaddr base;                /* where it begins for @dev */
} TestdevSender;

/*
 * Some accesses of a benchmark.  From begin to end nothing else of the device
 * is used, so they may be made in an I/O thread.
 */
typedef struct TestdevSlice {
    bool running;               /* in the I/O thread */
    uint32_t number;            /* of the benchmark */
    TestdevOp op;
    uint64_t count;             /* 0: accounted for */
    uint64_t failed;
    int64_t ns;
    uint32_t senders;
    TestdevSender sender[TESTDEV_SENDERS_MAX];
    uint8_t data[4096];
} TestdevSlice;

struct SvmTestdev {
    PCIDevice parent_obj;

    SvmClient client;
    SvmClientConfig config;
    MemoryRegion bar, regs_mr, data_mr;
    QEMUBH *irq_bh;
    QEMUBH *bench_bh;

    uint64_t reg[TESTDEV_REGS];
    uint64_t completion[TESTDEV_COMPLETIONS_LEN][4];
    uint64_t invalidation[TESTDEV_INVALIDATION_LOG_LEN][4];
    uint64_t response[TESTDEV_RESPONSE_LOG_LEN][2];
    uint8_t data[TESTDEV_DATA_SIZE];
    TestdevOp op;
    TestdevSlice slice;
    uint32_t bench_number;      /* of the last benchmark */
    IOThread *iothread;         /* that makes benchmarks, or NULL */
    /* Page requests that were sent as such and have not been answered */
    uint64_t raw_requests[SVM_PRG_INDEXES / 64];
    /* For migration: the contexts that are open */
    uint32_t open_pasid[TESTDEV_CONTEXTS_MAX];
    uint32_t open_len;
    uint32_t contexts;

    /* Listens to the IOMMU, if so configured */
    bool unmap_notifier, map_notifier;
    MemoryListener listener;
    QLIST_HEAD(, TestdevEar) ears;
    Error *listen_error;        /* why it cannot; the first */
};

static inline uint64_t *testdev_reg(SvmTestdev *s, unsigned int offset)
{
    return &s->reg[offset / 8];
}

/* Something has happened: set bits of INT_STATUS, and interrupt later */
void testdev_interrupt(SvmTestdev *s, uint32_t bits);

/* Log it.  @who is the PASID or the notifier, as the log has it */
void testdev_note_invalidation(SvmTestdev *s, uint64_t who, uint64_t first,
                               uint64_t last);

/* testdev-listen.c: be a notifier of the kinds that are configured */
bool testdev_listen(SvmTestdev *s, Error **errp);
void testdev_stop_listening(SvmTestdev *s);

/* testdev-op.c: the COMMAND register was written */
void testdev_command(SvmTestdev *s, uint32_t command);
/* The context for @pasid, opened if need be; NULL if that is impossible */
SvmContext *testdev_context(SvmTestdev *s, uint32_t pasid);
/* Go on with what a migration has interrupted */
void testdev_resume(SvmTestdev *s);
/* Move data on the path that @op names.  @done and @fault as for the client */
SvmAccess testdev_transfer(SvmTestdev *s, const TestdevOp *op, uint64_t addr,
                           void *buf, size_t len, size_t *done,
                           uint64_t *fault);
bool testdev_is_write(const TestdevOp *op);
/* The operation is over */
void testdev_finish(SvmTestdev *s, uint32_t result);

/* testdev-bench.c: begin, by command */
void testdev_start_bench(SvmTestdev *s);
/* Whether the operation makes sense as a benchmark */
bool testdev_bench_is_sane(const SvmTestdev *s);
/* A bottom half: the next slice of a benchmark */
void testdev_bench(void *opaque);
/* What is measured */
void testdev_bench_slice(SvmTestdev *s);

#endif
