/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of svm-testdev share among themselves. */
#ifndef HW_MISC_SVM_TESTDEV_H
#define HW_MISC_SVM_TESTDEV_H

#include "hw/misc/svm/client.h"
#include "hw/misc/svm/testdev-regs.h"

#define TYPE_SVM_TESTDEV "svm-testdev"
OBJECT_DECLARE_SIMPLE_TYPE(SvmTestdev, SVM_TESTDEV)

#define TESTDEV_REGS (TESTDEV_REGS_SIZE / 8)
/* Contexts that stay open: a guest could use up memory with them */
#define TESTDEV_CONTEXTS_MAX 1024

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
    uint64_t next;              /* page, if in turn */
} TestdevOp;

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
/* A bottom half: the next slice of a benchmark */
void testdev_bench(void *opaque);

#endif
