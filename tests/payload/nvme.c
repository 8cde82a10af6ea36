/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See nvme.h. */
#include "nvme.h"
#include "payload.h"

#define REG_CONTROL 0x14
#define REG_STATUS 0x1c
#define REG_QUEUE_SIZES 0x24
#define REG_SUBMISSION 0x28
#define REG_COMPLETION 0x30
#define REG_TAIL 0x1000
#define REG_HEAD 0x1004

/* Enable; entries of 64 and 16 bytes */
#define CONTROL_ENABLE (1 | 6 << 16 | 4 << 20)
#define STATUS_READY 1
#define ENTRIES 16
#define IDENTIFY 0x06
#define IDENTIFY_CONTROLLER 1
/* Where the registers are put */
#define REGISTERS 0xd0000000u
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc

static uint32_t submission[ENTRIES][16] __attribute__((aligned(4096)));
static volatile uint32_t completion[ENTRIES][4]
    __attribute__((aligned(4096)));
static unsigned int tail, head;
static bool odd_round;             /* of the completion queue */

static void write_config(uint8_t offset, uint32_t value)
{
    port_out32(CONFIG_ADDRESS, 0x80000000 | NVME_ID << 8 | offset);
    port_out32(CONFIG_DATA, value);
}

static uint32_t read32(uint32_t offset)
{
    return *(volatile uint32_t *)(uintptr_t)(REGISTERS + offset);
}

static void write32(uint32_t offset, uint64_t value)
{
    *(volatile uint32_t *)(uintptr_t)(REGISTERS + offset) = (uint32_t)value;
}

void nvme_start(void)
{
    write_config(0x10, REGISTERS);
    write_config(0x14, 0);
    write_config(0x04, 6);
    write32(REG_QUEUE_SIZES, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    write32(REG_SUBMISSION, (uint64_t)submission);
    write32(REG_COMPLETION, (uint64_t)completion);
    write32(REG_CONTROL, CONTROL_ENABLE);
    while (!(read32(REG_STATUS) & STATUS_READY)) {
        __builtin_ia32_pause();
    }
}

void nvme_begin_write(uint64_t address)
{
    uint32_t *entry = submission[tail];

    for (int i = 0; i < 16; i++) {
        entry[i] = 0;
    }
    entry[0] = IDENTIFY;
    entry[6] = (uint32_t)address;
    entry[7] = (uint32_t)(address >> 32);
    entry[10] = IDENTIFY_CONTROLLER;
    tail = (tail + 1) % ENTRIES;
    write32(REG_TAIL, tail);
}

bool nvme_end_write(void)
{
    uint32_t status = completion[head][3];

    if ((status >> 16 & 1) == odd_round) {
        return false;
    }
    head = (head + 1) % ENTRIES;
    odd_round ^= head == 0;
    write32(REG_HEAD, head);
    return true;
}

void nvme_write_page(uint64_t address)
{
    nvme_begin_write(address);
    while (!nvme_end_write()) {
        __builtin_ia32_pause();
    }
}

void nvme_write_often(uint64_t address, unsigned int count)
{
    while (count--) {
        nvme_write_page(address);
    }
}
