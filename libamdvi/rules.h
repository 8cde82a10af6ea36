/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of rings and commands that the device model and the tools share.
 * Sources: spec/registers.md 3, 8; spec/structures.md 5.
 */
#ifndef AMDVI_RULES_H
#define AMDVI_RULES_H

#include "layout.h"

/* Bytes of a command, event or PPR log entry */
#define AMDVI_RING_ENTRY 16

/* A range of addresses: the whole address space has size 0 and base 0 */
struct amdvi_range {
    uint64_t base;
    uint64_t size;              /* in bytes, a power of two; 0: everything */
};

/*
 * Bytes of the ring whose base register reads @base; 0 if the length code is
 * reserved, and the ring then never runs (registers.md 3.2).
 */
uint32_t amdvi_ring_bytes(uint64_t base);
/* Offset of the entry after @pointer in a ring of @bytes */
uint32_t amdvi_ring_next(uint32_t pointer, uint32_t bytes);
/* Entries between @head and @tail; both must lie in the ring */
uint32_t amdvi_ring_used(uint32_t head, uint32_t tail, uint32_t bytes);

/* Range of an address and S bit: structures.md 5 */
struct amdvi_range amdvi_decode_range(uint64_t addr, bool s);
/*
 * The smallest such range that holds @size bytes from @addr, as bits of the
 * second word of a command; size 0 is everything, as in the structure above.
 */
uint64_t amdvi_encode_range(uint64_t addr, uint64_t size);

/* Why a command is illegal */
enum amdvi_command_check {
    AMDVI_COMMAND_OK,
    AMDVI_COMMAND_UNKNOWN,      /* no such opcode */
    AMDVI_COMMAND_UNSUPPORTED,  /* its feature bit is 0 */
    AMDVI_COMMAND_RESERVED,     /* reserved bits are set */
};

/* Check a command as the IOMMU does before it executes it */
enum amdvi_command_check
amdvi_check_command(const struct amdvi_features *features,
                    const uint64_t command[2]);

/* Event records about commands and devices: structures.md 6 */
void amdvi_illegal_command_event(uint64_t command_spa, uint64_t event[2]);
void amdvi_command_hardware_event(uint64_t command_spa, uint64_t event[2]);
void amdvi_iotlb_timeout_event(uint16_t device_id, uint64_t command_spa,
                               uint64_t event[2]);

/* Run bits, spec/translation.md 10: whether a ring may run at all */
bool amdvi_command_may_run(uint64_t control, uint64_t cmd_base);
bool amdvi_event_log_may_run(uint64_t control, uint64_t event_base);
bool amdvi_ppr_log_may_run(uint64_t control, uint64_t ppr_base);

#endif
