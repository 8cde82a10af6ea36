/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine to test the AMD IOMMU on: q35 with an "edu" device as DMA master.
 *
 * Tables, commands and events are written here as the numbers of spec/, not
 * with the accessors that the device model is made of, so that a wrong row of
 * the layouts does not cancel out.
 */
#ifndef AMDVI_BENCH_H
#define AMDVI_BENCH_H

#include "libqtest.h"

/* The register window, and the registers the tests name */
#define IOMMU_BASE 0xfed80000ULL
#define REG_DEVTAB 0x0000
#define REG_CMD_BASE 0x0008
#define REG_EVENT_BASE 0x0010
#define REG_CONTROL 0x0018
#define REG_EXCL_BASE 0x0020
#define REG_EXCL_LIMIT 0x0028
#define REG_EFR 0x0030
#define REG_PPR_BASE 0x0038
#define REG_HW_EVENT_UPPER 0x0040
#define REG_HW_EVENT_LOWER 0x0048
#define REG_HW_EVENT_STATUS 0x0050
#define REG_XT_GENERAL 0x0170
#define REG_XT_PPR 0x0178
#define REG_EFR2 0x01a0
#define REG_CMD_HEAD 0x2000
#define REG_CMD_TAIL 0x2008
#define REG_EVENT_HEAD 0x2010
#define REG_EVENT_TAIL 0x2018
#define REG_STATUS 0x2020
#define REG_PPR_HEAD 0x2030
#define REG_PPR_TAIL 0x2038
#define REG_PPR_AUTO_RESPONSE 0x2080
#define REG_PPR_EARLY 0x2088

#define CONTROL_IOMMU_EN 0x1
#define CONTROL_EVENT_LOG_EN 0x4
#define CONTROL_EVENT_INT_EN 0x8
#define CONTROL_COM_WAIT_INT_EN 0x10
#define CONTROL_COHERENT 0x400
#define CONTROL_CMD_BUF_EN 0x1000
#define CONTROL_PPR_LOG_EN 0x2000
#define CONTROL_PPR_INT_EN 0x4000
#define CONTROL_PPR_EN 0x8000
#define CONTROL_GT_EN 0x10000
#define CONTROL_PPR_AUTO_RSP_EN (1ULL << 39)
#define CONTROL_BLK_STOP_MRK_EN (1ULL << 41)
#define CONTROL_PPR_AUTO_RSP_AON (1ULL << 42)
#define CONTROL_EPH_EN (1ULL << 45)
#define CONTROL_INT_CAP_XT_EN (1ULL << 51)

#define STATUS_EVENT_OVERFLOW 0x1
#define STATUS_EVENT_LOG_INT 0x2
#define STATUS_COM_WAIT_INT 0x4
#define STATUS_EVENT_LOG_RUN 0x8
#define STATUS_CMD_BUF_RUN 0x10
#define STATUS_PPR_OVERFLOW 0x20
#define STATUS_PPR_INT 0x40
#define STATUS_PPR_LOG_RUN 0x80
#define STATUS_PPR_OVERFLOW_EARLY (1ULL << 18)

/* Where things are in guest memory */
#define MEMORY_SIZE (256ULL << 20)
#define DEVTAB 0x1000000ULL             /* 2 MiB */
#define COMMANDS 0x2000000ULL           /* 256 entries unless a test says so */
#define EVENTS 0x2100000ULL
#define TABLES 0x3000000ULL             /* page tables: table(0), table(1) */
#define RESULT 0x4000000ULL             /* completion stores, copied data */
#define PAGE 0x5000000ULL               /* what devices get to see */
#define NOWHERE 0x7000000000ULL         /* no memory, no device */

#define IOMMU_ID 0x0008                 /* 00:01.0, the first free slot */
#define EDU_ID 0x0028                   /* 00:05.0 */
#define BEHIND_PORT_ID 0x0100           /* 01:00.0, behind a root port */
#define EDU_BAR 0xe0000000ULL

/* Host table entries: spec/structures.md 3 */
#define PTE_READ (1ULL << 61)
#define PTE_WRITE (1ULL << 62)
#define PTE_RW (PTE_READ | PTE_WRITE)
#define PTE_LEVEL(next_level) ((uint64_t)(next_level) << 9)
#define PTE_LEAF(address, perm) ((address) | (perm) | 1)
#define PDE(next_level, address, perm) \
    ((address) | (perm) | PTE_LEVEL(next_level) | 1)
/* DTE words: spec/structures.md 1 */
#define DTE_HOST(levels, root) \
    (PTE_RW | (root) | ((uint64_t)(levels) << 9) | 3)
#define DTE_PASS_THROUGH (PTE_RW | 3)
#define DOMAIN 0x2a

typedef struct Bench {
    QTestState *qts;
    uint16_t edu;               /* DeviceID */
    uint32_t command_tail;
} Bench;

/* A machine to be started; what is left out is as bench_start() has it */
typedef struct BenchMachine {
    const char *binary;         /* environment variable that names a QEMU */
    const char *iommu;          /* options of the IOMMU: "svm=on,xtsup=on" */
    const char *before;         /* of the command line, before the IOMMU */
    const char *more;           /* and after it */
    uint16_t edu;               /* DeviceID; not on bus 0: behind a port */
} BenchMachine;

Bench *bench_start_machine(const BenchMachine *machine);
/*
 * Start a machine whose IOMMU has the given options ("svm=on,xtsup=on") and
 * whose command line goes on with @more.  The edu is 00:05.0, or 01:00.0 in
 * bench_start_behind_port().  Nothing is enabled yet.
 */
Bench *bench_start(const char *iommu_options, const char *more);
Bench *bench_start_behind_port(void);
/* End it */
void bench_stop(Bench *b);

uint64_t reg_read(Bench *b, uint32_t offset);
void reg_write(Bench *b, uint32_t offset, uint64_t value);
/* Write with an access of 1, 2, 4 or 8 bytes */
void reg_write_size(Bench *b, uint32_t offset, uint64_t value, int size);
uint64_t reg_read_size(Bench *b, uint32_t offset, int size);

/* Configuration space */
uint32_t config_read(Bench *b, uint16_t device_id, uint8_t offset);
void config_write(Bench *b, uint16_t device_id, uint8_t offset,
                  uint32_t value);
/* Offset of a capability, 0 if there is none; and of the one after @place */
uint8_t config_find(Bench *b, uint16_t device_id, uint8_t capability);
uint8_t config_find_next(Bench *b, uint16_t device_id, uint8_t place,
                         uint8_t capability);

/* Bases of table and rings as above, 256 entries each, and enables */
void bench_set_up(Bench *b);
/* The same without setting IommuEn */
void bench_set_bases(Bench *b);

/* Append a command and wait for nothing: it is executed at once */
void command(Bench *b, uint64_t word0, uint64_t word1);
/* Read event number @n of the log */
void event_read(Bench *b, unsigned int n, uint64_t word[2]);
/* Check that events from @n on are these: pairs of words, and no more */
void assert_events(Bench *b, unsigned int n, unsigned int count, ...);

/* Write the DTE of the edu and tell the IOMMU */
void set_dte(Bench *b, uint64_t word0, uint64_t word1);
void set_dte_of(Bench *b, uint16_t device_id, const uint64_t word[4]);
/* Page table number @n, and an entry of it */
static inline uint64_t table(unsigned int n)
{
    return TABLES + n * 0x1000;
}
void set_entry(Bench *b, unsigned int n, unsigned int index, uint64_t value);

/* Let the edu read from or write to memory */
void dma_read(Bench *b, uint64_t address, uint32_t size);
void dma_write(Bench *b, uint64_t address, uint32_t size);
/*
 * Whether the edu, reading 16 bytes at @address, gets what is at @expected:
 * written back through the pass-through address RESULT.
 */
bool dma_reads(Bench *b, uint64_t address, uint64_t expected);
/* Whether a write of 16 bytes by the edu to @address arrives at @expected */
bool dma_writes(Bench *b, uint64_t address, uint64_t expected);

/* The interrupts of the IOMMU go to this word of memory from now on */
#define MSI_ADDRESS (RESULT + 0x800)
#define MSI_DATA 0x4321
void msi_set_up(Bench *b);
/* Whether one was sent since the last call */
bool msi_arrived(Bench *b);
/* Whether the first processor's APIC has been sent the vector */
bool apic_has_vector(Bench *b, int vector);

#endif
