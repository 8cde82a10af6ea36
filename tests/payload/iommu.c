/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See iommu.h. */
#include "iommu.h"
#include "payload.h"

#define BASE IOMMU_REGISTERS
#define DEVICE_TABLE 0x0000
#define COMMAND_BASE 0x0008
#define EVENT_BASE 0x0010
#define CONTROL 0x0018
#define COMMAND_TAIL 0x2008
#define EVENT_HEAD 0x2010
#define EVENT_TAIL 0x2018
#define PPR_BASE 0x0038
#define PPR_HEAD 0x2030
#define PPR_TAIL 0x2038

#define LENGTH_256 (8ULL << 56)
#define RING_BYTES 0x1000
/* IommuEn, EventLogEn, Coherent, CmdBufEn, GTEn */
#define CONTROL_RUN 0x11405ULL
/* PPRLogEn, PPREn */
#define CONTROL_REQUESTS 0xa000ULL

#define COMPLETION_WAIT 0x1000000000000001ULL
#define INVALIDATE_DEVTAB 0x2000000000000000ULL
#define INVALIDATE_PAGES 0x3000000000000000ULL
#define INVALIDATE_IOTLB 0x4000000000000000ULL
/* In the second word: directories, too, for their A is cleared; of a PASID */
#define PDE 2
#define GN 4

/* Of 256 functions: two pages */
static uint64_t device_table[256][4] __attribute__((aligned(4096)));
static uint64_t commands[256][2] __attribute__((aligned(4096)));
static volatile uint64_t events[256][2] __attribute__((aligned(4096)));
static volatile uint64_t requests[256][2] __attribute__((aligned(4096)));
static uint32_t command_tail;
static uint32_t heads[2];               /* of both logs */
static bool locked;

static uint64_t read64(uint64_t address)
{
    return *(volatile uint64_t *)address;
}

static void write64(uint64_t address, uint64_t value)
{
    *(volatile uint64_t *)address = value;
}

void iommu_start(void)
{
    write64(BASE + CONTROL, 0);
    write64(BASE + DEVICE_TABLE, (uint64_t)device_table | 1);
    write64(BASE + COMMAND_BASE, (uint64_t)commands | LENGTH_256);
    write64(BASE + EVENT_BASE, (uint64_t)events | LENGTH_256);
    /* Each base has reset its pointers */
    command_tail = heads[IOMMU_EVENTS] = 0;
    write64(BASE + CONTROL, CONTROL_RUN);
}

void iommu_write(uint32_t offset, uint64_t value)
{
    write64(BASE + offset, value);
}

void iommu_start_requests(void)
{
    write64(BASE + PPR_BASE, (uint64_t)requests | LENGTH_256);
    write64(BASE + CONTROL, CONTROL_RUN | CONTROL_REQUESTS);
}

uint32_t iommu_tail(IommuLog log)
{
    return (uint32_t)read64(BASE + (log == IOMMU_EVENTS ? EVENT_TAIL
                                                        : PPR_TAIL));
}

static volatile uint64_t *next_slot(IommuLog log)
{
    return (log == IOMMU_EVENTS ? events : requests)[heads[log] / 16];
}

bool iommu_peek(IommuLog log, uint64_t entry[2])
{
    volatile uint64_t *slot = next_slot(log);

    entry[0] = slot[0];
    entry[1] = slot[1];
    return entry[0] && entry[1];
}

void iommu_drop(IommuLog log)
{
    volatile uint64_t *slot = next_slot(log);

    slot[0] = slot[1] = 0;
    heads[log] = (heads[log] + 16) % RING_BYTES;
    write64(BASE + (log == IOMMU_EVENTS ? EVENT_HEAD : PPR_HEAD), heads[log]);
}

static void put_command(uint64_t word0, uint64_t word1)
{
    commands[command_tail / 16][0] = word0;
    commands[command_tail / 16][1] = word1;
    command_tail = (command_tail + 16) % RING_BYTES;
}

/* The command, and a wait until it is done */
static void execute(uint64_t word0, uint64_t word1)
{
    volatile uint64_t done __attribute__((aligned(8))) = 0;

    while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE)) {
        __builtin_ia32_pause();
    }
    put_command(word0, word1);
    put_command(COMPLETION_WAIT | (uint64_t)&done, 1);
    write64(BASE + COMMAND_TAIL, command_tail);
    __atomic_clear(&locked, __ATOMIC_RELEASE);
    while (!done) {
        __builtin_ia32_pause();
    }
}

void iommu_store(volatile uint64_t *place, uint64_t value)
{
    put_command(COMPLETION_WAIT | (uint64_t)place, value);
    write64(BASE + COMMAND_TAIL, command_tail);
}

void iommu_set_dte(uint16_t device_id, const uint64_t dte[4])
{
    for (int i = 3; i >= 0; i--) {
        device_table[device_id][i] = dte[i];
    }
    execute(INVALIDATE_DEVTAB | device_id, 0);
}

void iommu_invalidate_host(uint16_t domain_id, uint64_t page)
{
    execute(INVALIDATE_PAGES | (uint64_t)domain_id << 32, page | PDE);
}

void iommu_invalidate_guest(uint16_t domain_id, uint32_t pasid, uint64_t page)
{
    execute(INVALIDATE_PAGES | (uint64_t)domain_id << 32 | pasid,
            page | PDE | GN);
}

void iommu_invalidate_device(uint16_t device_id, uint32_t pasid,
                             uint64_t page)
{
    execute(INVALIDATE_IOTLB | (uint64_t)(pasid & 0xff) << 48 |
            (uint64_t)device_id << 32 | (pasid >> 8 & 0xff) << 16 | device_id,
            page | GN);
}

unsigned int iommu_take_events(uint64_t last[2])
{
    uint32_t head = (uint32_t)read64(BASE + EVENT_HEAD);
    uint32_t tail = (uint32_t)read64(BASE + EVENT_TAIL);
    uint32_t bytes = (tail - head) % RING_BYTES;
    uint32_t at = (tail - 16) % RING_BYTES / 16;

    last[0] = events[at][0];
    last[1] = events[at][1];
    write64(BASE + EVENT_HEAD, tail);
    return bytes / 16;
}
