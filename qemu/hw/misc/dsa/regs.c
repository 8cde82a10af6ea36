/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers and configuration tables of a DSA: spec/dsa-device.md 3. */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "hw/pci/msix.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "trace.h"

/* Commands 1 to 12; interrupt handles are vector numbers */
#define COMMANDS MAKE_64BIT_MASK(DSA_CMD_ENABLE_DEVICE, \
                                 DSA_CMD_END - DSA_CMD_ENABLE_DEVICE)

typedef struct Register {
    const char *name;
    uint64_t writable;
    uint64_t w1c;
} Register;

static const Register registers[DSA_REGS_SIZE / 8] = {
#define ROW(name, offset, writable, w1c) [offset / 8] = {#name, writable, w1c},
    DSA_REGISTERS(ROW)
#undef ROW
};

/* What software may write of a queue's configuration */
static const uint32_t queue_writable[DSA_QUEUE_DWORDS] = {
    [DSA_QCFG_SIZE] = 0xffff,
    [DSA_QCFG_THRESHOLD] = 0xffff,
    [DSA_QCFG_MODE] = 0x1ffffffb,
    [DSA_QCFG_LIMITS] = 0x1ff,
    [DSA_QCFG_OPERATIONS] = 0xffffffff,
    [DSA_QCFG_OPERATIONS + 1] = 0xffffffff,
};

static void set_operations(DsaState *s)
{
#define ROW(name, opcode, text) \
    *dsa_reg(s, DSA_REG_OPCAP0 + (opcode) / 64 * 8) |= BIT_ULL((opcode) % 64);
    DSA_OPERATIONS(ROW)
#undef ROW
}

static void set_capabilities(DsaState *s)
{
    *dsa_reg(s, DSA_REG_VERSION) = DSA_VERSION_1;
    *dsa_reg(s, DSA_REG_GENCAP) =
        DSA_GENCAP_BLOCK_ON_FAULT | DSA_GENCAP_CMDCAP |
        DSA_GENCAP_EVENT_LOG_64 | DSA_GENCAP_CONFIGURABLE |
        DSA_GENCAP_TRANSFER_SHIFT(DSA_TRANSFER_SHIFT) |
        DSA_GENCAP_BATCH_SHIFT(DSA_BATCH_SHIFT);
    *dsa_reg(s, DSA_REG_WQCAP) =
        DSA_ENTRIES | DSA_WQCAP_QUEUES(s->queues_len) | DSA_WQCAP_CONFIG_64 |
        DSA_WQCAP_SHARED | DSA_WQCAP_DEDICATED | DSA_WQCAP_PRIORITY |
        DSA_WQCAP_OCCUPANCY | DSA_WQCAP_OP_CONFIG | DSA_WQCAP_PRS_CONTROL;
    *dsa_reg(s, DSA_REG_GRPCAP) =
        DSA_GROUPS | DSA_GRPCAP_READ_BUFFERS(DSA_READ_BUFFERS) |
        DSA_GRPCAP_BUFFER_CONTROL | DSA_GRPCAP_BUFFER_LIMIT;
    *dsa_reg(s, DSA_REG_ENGCAP) = DSA_ENGINES;
    *dsa_reg(s, DSA_REG_OFFSETS0) =
        DSA_GROUPS_CONFIG / DSA_TABLE_UNIT |
        (uint64_t)(DSA_QUEUES_CONFIG / DSA_TABLE_UNIT) << 16 |
        (uint64_t)(DSA_PERMISSIONS / DSA_TABLE_UNIT) << 32;
    *dsa_reg(s, DSA_REG_CMDCAP) = COMMANDS;
    set_operations(s);
}

void dsa_queue_config_reset(DsaState *s, unsigned int index)
{
    DsaQueue *queue = &s->queues[index];

    memset(queue->config, 0, sizeof(queue->config));
    queue->config[DSA_QCFG_STATE] = DSA_QUEUE_MODE_SUPPORT;
}

void dsa_config_reset(DsaState *s)
{
    for (unsigned int i = 0; i < s->queues_len; i++) {
        dsa_queue_config_reset(s, i);
    }
    memset(s->groups, 0, sizeof(s->groups));
    memset(s->permissions, 0, sizeof(s->permissions));
    *dsa_reg(s, DSA_REG_GENCFG) = 0;
    *dsa_reg(s, DSA_REG_GENCTRL) = 0;
    *dsa_reg(s, DSA_REG_EVLCFG0) = 0;
    *dsa_reg(s, DSA_REG_EVLCFG1) = 0;
    *dsa_reg(s, DSA_REG_EVLSTATUS) = 0;
}

void dsa_regs_reset(DsaState *s)
{
    memset(s->regs, 0, sizeof(s->regs));
    set_capabilities(s);
    dsa_config_reset(s);
}

void dsa_notify(DsaState *s, uint32_t cause)
{
    PCIDevice *dev = PCI_DEVICE(s);

    *dsa_reg(s, DSA_REG_INTCAUSE) |= cause;
    trace_dsa_notify(cause);
    if (msix_enabled(dev)) {
        msix_notify(dev, 0);
    }
}

static uint32_t queue_word(DsaState *s, unsigned int index, unsigned int n)
{
    const DsaQueue *queue = &s->queues[index];
    uint32_t value = queue->config[n];

    if (n == DSA_QCFG_STATE) {
        value |= queue->waiting + queue->active;
        value |= queue->enabled ? DSA_QUEUE_STATE_ENABLED : 0;
    }
    return value;
}

/* The eight bytes at @addr, a multiple of eight */
static uint64_t read_word(DsaState *s, hwaddr addr)
{
    unsigned int index, n;

    if (addr < DSA_REGS_SIZE) {
        return s->regs[addr / 8];
    }
    if (addr >= DSA_QUEUES_CONFIG) {
        index = (addr - DSA_QUEUES_CONFIG) / DSA_QUEUE_STRIDE;
        n = addr % DSA_QUEUE_STRIDE / 4;
        return index >= s->queues_len ? 0 :
               queue_word(s, index, n) |
               (uint64_t)queue_word(s, index, n + 1) << 32;
    }
    if (addr >= DSA_GROUPS_CONFIG) {
        index = (addr - DSA_GROUPS_CONFIG) / DSA_GROUP_STRIDE;
        return index >= DSA_GROUPS ? 0 :
               s->groups[index][addr % DSA_GROUP_STRIDE / 8];
    }
    if (addr >= DSA_PERMISSIONS) {
        index = (addr - DSA_PERMISSIONS) / DSA_PERMISSION_STRIDE;
        return index > s->queues_len ? 0 : s->permissions[index];
    }
    return 0;
}

static uint64_t merge(uint64_t old, uint64_t value, uint64_t mask)
{
    return (old & ~mask) | (value & mask);
}

/* The configuration that descriptors are judged by stays while they come */
static void write_queue(DsaState *s, hwaddr addr, uint64_t value,
                        uint64_t mask)
{
    unsigned int index = (addr - DSA_QUEUES_CONFIG) / DSA_QUEUE_STRIDE;
    unsigned int first = addr % DSA_QUEUE_STRIDE / 4;
    DsaQueue *queue;

    if (index >= s->queues_len) {
        return;
    }
    queue = &s->queues[index];
    for (unsigned int n = first; n < first + 2; n++) {
        if (!queue->enabled || n == DSA_QCFG_THRESHOLD) {
            queue->config[n] = merge(queue->config[n], value,
                                     queue_writable[n] & mask);
        }
        value >>= 32;
        mask >>= 32;
    }
}

static void write_group(DsaState *s, hwaddr addr, uint64_t value,
                        uint64_t mask)
{
    unsigned int index = (addr - DSA_GROUPS_CONFIG) / DSA_GROUP_STRIDE;
    unsigned int n = addr % DSA_GROUP_STRIDE / 8;

    if (index >= DSA_GROUPS) {
        return;
    }
    if (n == 0) {
        mask &= MAKE_64BIT_MASK(0, s->queues_len);
    } else if (n == DSA_GROUP_ENGINES / 8) {
        mask &= MAKE_64BIT_MASK(0, DSA_ENGINES);
    } else if (n != DSA_GROUP_FLAGS / 8) {
        return;
    }
    s->groups[index][n] = merge(s->groups[index][n], value, mask);
}

static void write_register(DsaState *s, hwaddr addr, uint64_t value,
                           uint64_t mask)
{
    const Register *row = &registers[addr / 8];
    uint64_t *reg = &s->regs[addr / 8];

    if (!row->name) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "dsa: write to 0x%" HWADDR_PRIx ", where no register "
                      "is\n", addr);
        return;
    }
    *reg &= ~(value & row->w1c & mask);
    *reg = merge(*reg, value, row->writable & mask);
    if (addr == DSA_REG_CMD && (mask & DSA_CMD_INTERRUPT)) {
        value = *reg;
        *reg = 0;
        dsa_command(s, value);
    }
}

/* Bits of @value outside of @mask were not written */
static void write_word(DsaState *s, hwaddr addr, uint64_t value, uint64_t mask)
{
    unsigned int index;

    if (addr < DSA_REGS_SIZE) {
        write_register(s, addr, value, mask);
    } else if (addr >= DSA_QUEUES_CONFIG) {
        write_queue(s, addr, value, mask);
    } else if (addr >= DSA_GROUPS_CONFIG) {
        write_group(s, addr, value, mask);
    } else if (addr >= DSA_PERMISSIONS) {
        index = (addr - DSA_PERMISSIONS) / DSA_PERMISSION_STRIDE;
        if (index <= s->queues_len) {
            s->permissions[index] = merge(s->permissions[index], value,
                                          mask & 0xfffff00c);
        }
    }
}

static const char *register_name(hwaddr addr)
{
    const char *name = addr < DSA_REGS_SIZE ? registers[addr / 8].name : NULL;

    return name ? name : addr < DSA_PERMISSIONS ? "nothing" : "table";
}

static uint64_t dsa_regs_read(void *opaque, hwaddr addr, unsigned int size)
{
    DsaState *s = opaque;
    uint64_t value = read_word(s, addr & ~7ULL) >> addr % 8 * 8;

    value &= MAKE_64BIT_MASK(0, size * 8);
    trace_dsa_read(register_name(addr), addr, size, value);
    return value;
}

static void dsa_regs_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned int size)
{
    unsigned int shift = addr % 8 * 8;

    trace_dsa_write(register_name(addr), addr, size, value);
    write_word(opaque, addr & ~7ULL, value << shift,
               MAKE_64BIT_MASK(shift, size * 8));
}

const MemoryRegionOps dsa_regs_ops = {
    .read = dsa_regs_read,
    .write = dsa_regs_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8},
    .impl = {.min_access_size = 1, .max_access_size = 8},
};
