/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program on the bare machine has: ports, lines of output, a call that
 * survives an exception.  The machine is started with "-bios IMAGE
 * -debugcon file:OUTPUT -device isa-debug-exit,iobase=0xf4".
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_OUTPUT 0xe9
#define PORT_EXIT 0xf4
#define NO_EXCEPTION (-1)

typedef void Attempt(void *to, void *from);

/* start.S; @attempt must not need the stack after an exception */
int attempt(Attempt *what, void *to, void *from);
void shifted_copy(void *to, void *from);
extern uint64_t page_directories[4 * 512];
extern volatile uint32_t processors;

/* Written by the program: the first processor, and each further one */
void main(void);
void other_main(unsigned int number);

static inline void port_out8(uint16_t port, uint8_t value)
{
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void port_out32(uint16_t port, uint32_t value)
{
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t port_in32(uint16_t port)
{
    uint32_t value;

    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* One line: a name and a number in decimal */
static inline void report(const char *name, int value)
{
    unsigned int rest = value < 0 ? 0u - value : (unsigned int)value;
    char digits[12];
    int n = 0;

    while (*name) {
        port_out8(PORT_OUTPUT, *name++);
    }
    port_out8(PORT_OUTPUT, ' ');
    if (value < 0) {
        port_out8(PORT_OUTPUT, '-');
    }
    do {
        digits[n++] = '0' + rest % 10;
        rest /= 10;
    } while (rest);
    while (n) {
        port_out8(PORT_OUTPUT, digits[--n]);
    }
    port_out8(PORT_OUTPUT, '\n');
}

/* Wait until @all processors have come here */
static inline void barrier(uint32_t all)
{
    static uint32_t arrived, round;
    uint32_t now = __atomic_load_n(&round, __ATOMIC_ACQUIRE);

    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == all) {
        __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&round, now + 1, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&round, __ATOMIC_ACQUIRE) == now) {
        __builtin_ia32_pause();
    }
}

/* End the machine; its exit status is 1 */
static inline void finish(void)
{
    port_out8(PORT_EXIT, 0);
}

#endif
