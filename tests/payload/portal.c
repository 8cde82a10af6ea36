/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors that submit to one and the same place of a DSA's portal, each
 * with MOVDIR64B: no descriptor may get a part of another one or be lost
 * (spec/dsa-device.md 6.1).  Lines of output: how many were submitted, how
 * many never ended, how many wrote something else than they should have.
 */
#include "payload.h"

#define PROCESSORS 4
#define ROUNDS 3000
#define PATIENCE 200000000u
#define DSA_ID 0x28                     /* 00:05.0 */
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define REGISTERS 0xd0000000u
#define PORTAL 0xd0100000u
#define LIMITED 0x1000

/* spec/dsa-device.md 3, 4 */
#define CMD 0xa0
#define CMDSTS 0xa8
#define ACTIVE (1u << 31)
#define ENABLE_DEVICE (1u << 20)
#define ENABLE_QUEUE (6u << 20)
#define GROUPS 0x600
#define GROUP_ENGINES 32
#define QUEUE 0x700
#define QUEUE_ENTRIES 128
#define DEDICATED_PRIORITY_1 0x11
#define ANY_OPERATION 0xffffffff
#define FILL (4u << 24)
#define RECORD_WANTED 0xc

static volatile uint64_t target[PROCESSORS][8];
static volatile uint8_t record[PROCESSORS][32] __attribute__((aligned(32)));
static volatile uint32_t arrived, ended;
static volatile uint32_t lost, wrong, submitted;

static void write_config(uint8_t offset, uint32_t value)
{
    port_out32(CONFIG_ADDRESS, 0x80000000 | DSA_ID << 8 | offset);
    port_out32(CONFIG_DATA, value);
}

static volatile uint32_t *reg(uint32_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(REGISTERS + offset);
}

static void command(uint32_t value)
{
    *reg(CMD) = value;
    while (*reg(CMDSTS) & ACTIVE) {
    }
    if (*reg(CMDSTS)) {
        report("command-failed", *reg(CMDSTS));
        finish();
    }
}

static void start_dsa(void)
{
    write_config(0x10, REGISTERS);
    write_config(0x14, 0);
    write_config(0x18, PORTAL);
    write_config(0x1c, 0);
    write_config(0x04, 6);
    *reg(GROUPS) = 1;
    *reg(GROUPS + GROUP_ENGINES) = 1;
    *reg(QUEUE) = QUEUE_ENTRIES;
    *reg(QUEUE + 8) = DEDICATED_PRIORITY_1;
    *reg(QUEUE + 12) = 31;
    *reg(QUEUE + 32) = ANY_OPERATION;
    command(ENABLE_DEVICE);
    command(ENABLE_QUEUE);
}

/* Every word tells whose it is, so that a mixture cannot be right */
static void submit(unsigned int processor, uint64_t pattern)
{
    uint64_t descriptor[8] __attribute__((aligned(64))) = {
        (uint64_t)(FILL | RECORD_WANTED) << 32,
        (uintptr_t)record[processor], pattern,
        (uintptr_t)target[processor], sizeof(target[processor]),
    };

    asm volatile("movdir64b (%0), %1"
                 : : "r"(descriptor), "r"((uint64_t)PORTAL + LIMITED)
                 : "memory");
}

static bool has_ended(unsigned int processor)
{
    for (uint32_t n = 0; n < PATIENCE; n++) {
        if (record[processor][0]) {
            return true;
        }
        asm volatile("pause");
    }
    return false;
}

static void run(unsigned int processor)
{
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    while (arrived < PROCESSORS) {
        asm volatile("pause");
    }
    for (uint64_t round = 1; round <= ROUNDS && !lost; round++) {
        uint64_t pattern = (uint64_t)(processor + 1) << 32 | round;
        bool right = true;

        record[processor][0] = 0;
        submit(processor, pattern);
        __atomic_fetch_add(&submitted, 1, __ATOMIC_SEQ_CST);
        if (!has_ended(processor)) {
            __atomic_fetch_add(&lost, 1, __ATOMIC_SEQ_CST);
        }
        right = record[processor][0] == 1;
        for (int i = 0; i < 8; i++) {
            right = right && target[processor][i] == pattern;
        }
        if (!right) {
            __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
        }
    }
    __atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}

void other_main(unsigned int number)
{
    run(number);
}

void main(void)
{
    volatile uint32_t *apic_command = (uint32_t *)0xfee00300;

    start_dsa();
    /* Initialize all others, then start them at f0000h */
    *apic_command = 0x000c4500;
    *apic_command = 0x000c46f0;
    run(0);
    while (ended < PROCESSORS) {
        asm volatile("pause");
    }
    report("submitted", submitted);
    report("lost", lost);
    report("wrong", wrong);
    finish();
}
