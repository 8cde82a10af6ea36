/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What software sees of a DSA: registers, configuration tables, descriptors,
 * completion records.  spec/dsa-device.md has the meaning; all is little
 * endian.  Shared by the device model and its tests.
 */
#ifndef HW_MISC_DSA_LAYOUT_H
#define HW_MISC_DSA_LAYOUT_H

#define DSA_VENDOR_ID 0x8086
#define DSA_DEVICE_ID 0x0b25
#define DSA_VERSION_1 0x100

/* Where things are in BAR 0, in bytes */
#define DSA_BAR0_SIZE 0x10000
#define DSA_REGS_SIZE 0x100
#define DSA_PERMISSIONS 0x300
#define DSA_GROUPS_CONFIG 0x600
#define DSA_QUEUES_CONFIG 0x700
#define DSA_CONFIG_END 0x1800
#define DSA_MSIX_TABLE 0x2000
#define DSA_MSIX_PBA 0x3000
/* The table offset registers count in these */
#define DSA_TABLE_UNIT 0x100

/* BAR 2: four pages for each queue, of which two take descriptors */
#define DSA_PORTAL_PAGE 0x1000
#define DSA_PORTAL_PAGES 4
#define DSA_PORTAL_LIMITED 1

/*
 * Registers: name, offset, bits software may write, bits it clears by writing
 * one.  Each has eight bytes of its own, also if only four are used.
 */
#define DSA_REGISTERS(R)                                        \
    R(VERSION, 0x00, 0, 0)                                      \
    R(GENCAP, 0x10, 0, 0)                                       \
    R(WQCAP, 0x20, 0, 0)                                        \
    R(GRPCAP, 0x30, 0, 0)                                       \
    R(ENGCAP, 0x38, 0, 0)                                       \
    R(OPCAP0, 0x40, 0, 0)                                       \
    R(OPCAP1, 0x48, 0, 0)                                       \
    R(OPCAP2, 0x50, 0, 0)                                       \
    R(OPCAP3, 0x58, 0, 0)                                       \
    R(OFFSETS0, 0x60, 0, 0)                                     \
    R(OFFSETS1, 0x68, 0, 0)                                     \
    R(GENCFG, 0x80, 0x30ff, 0)                                  \
    R(GENCTRL, 0x88, 0x7, 0)                                    \
    R(GENSTS, 0x90, 0, 0)                                       \
    R(INTCAUSE, 0x98, 0, 0x8000003f)                            \
    R(CMD, 0xa0, 0xffffffff, 0)                                 \
    R(CMDSTS, 0xa8, 0, 0)                                       \
    R(CMDCAP, 0xb0, 0, 0)                                       \
    R(SWERR0, 0xc0, 0, 0x3)                                     \
    R(SWERR1, 0xc8, 0, 0)                                       \
    R(SWERR2, 0xd0, 0, 0)                                       \
    R(SWERR3, 0xd8, 0, 0)                                       \
    R(EVLCFG0, 0xe0, 0xfffffffffffff000, 0)                     \
    R(EVLCFG1, 0xe8, 0xffff, 0)                                 \
    R(EVLSTATUS, 0xf0, 0xffff, 0x4000000000000000)

enum {
#define DSA_REG_OFFSET(name, offset, writable, w1c) DSA_REG_##name = offset,
    DSA_REGISTERS(DSA_REG_OFFSET)
#undef DSA_REG_OFFSET
};

/* GENCAP */
#define DSA_GENCAP_BLOCK_ON_FAULT (1ULL << 0)
#define DSA_GENCAP_CMDCAP (1ULL << 4)
#define DSA_GENCAP_EVENT_LOG_64 (1ULL << 13)
#define DSA_GENCAP_TRANSFER_SHIFT(shift) ((uint64_t)(shift) << 16)
#define DSA_GENCAP_BATCH_SHIFT(shift) ((uint64_t)(shift) << 21)
#define DSA_GENCAP_CONFIGURABLE (1ULL << 31)
/* WQCAP */
#define DSA_WQCAP_QUEUES(n) ((uint64_t)(n) << 16)
#define DSA_WQCAP_CONFIG_64 (1ULL << 24)
#define DSA_WQCAP_SHARED (1ULL << 48)
#define DSA_WQCAP_DEDICATED (1ULL << 49)
#define DSA_WQCAP_PRIORITY (1ULL << 51)
#define DSA_WQCAP_OCCUPANCY (1ULL << 52)
#define DSA_WQCAP_OP_CONFIG (1ULL << 54)
#define DSA_WQCAP_PRS_CONTROL (1ULL << 55)
/* GRPCAP */
#define DSA_GRPCAP_READ_BUFFERS(n) ((uint64_t)(n) << 8)
#define DSA_GRPCAP_BUFFER_CONTROL (1ULL << 16)
#define DSA_GRPCAP_BUFFER_LIMIT (1ULL << 17)
/* GENCFG, GENCTRL */
#define DSA_GENCFG_EVENT_LOG (1u << 13)
#define DSA_GENCTRL_ERROR_INT (1u << 0)
#define DSA_GENCTRL_EVENT_LOG_INT (1u << 2)
/* GENSTS */
enum {
    DSA_STATE_DISABLED = 0,
    DSA_STATE_ENABLED = 1,
    DSA_STATE_DRAIN = 2,
};
/* INTCAUSE */
#define DSA_CAUSE_ERROR (1u << 0)
#define DSA_CAUSE_COMMAND (1u << 1)
#define DSA_CAUSE_EVENT_LOG (1u << 5)
/* CMD, CMDSTS */
#define DSA_CMD_OPERAND(value) ((value) & 0xfffff)
#define DSA_CMD_CODE(value) (((value) >> 20) & 0x1f)
#define DSA_CMD_INTERRUPT (1u << 31)
#define DSA_CMDSTS_ACTIVE (1u << 31)
/* EVLSTATUS: [15:0] head, [47:32] tail */
#define DSA_EVENT_LOG_TAIL_SHIFT 32
#define DSA_EVENT_LOG_PENDING (1ULL << 62)

/* spec/dsa-device.md 4 */
enum {
    DSA_CMD_ENABLE_DEVICE = 1,
    DSA_CMD_DISABLE_DEVICE,
    DSA_CMD_DRAIN_ALL,
    DSA_CMD_ABORT_ALL,
    DSA_CMD_RESET_DEVICE,
    DSA_CMD_ENABLE_QUEUE,
    DSA_CMD_DISABLE_QUEUE,
    DSA_CMD_DRAIN_QUEUE,
    DSA_CMD_ABORT_QUEUE,
    DSA_CMD_RESET_QUEUE,
    DSA_CMD_DRAIN_PASID,
    DSA_CMD_ABORT_PASID,
    DSA_CMD_END
};

enum {
    DSA_ERR_NONE = 0,
    DSA_ERR_COMMAND = 0x01,
    DSA_ERR_QUEUE_INDEX = 0x02,
    DSA_ERR_DEVICE_ENABLED = 0x10,
    DSA_ERR_BUS_MASTER = 0x12,
    DSA_ERR_QUEUE_SIZES = 0x14,
    DSA_ERR_GROUP_NO_ENGINE = 0x15,
    DSA_ERR_GROUP_QUEUE_TWICE = 0x16,
    DSA_ERR_GROUP_ENGINE_TWICE = 0x17,
    DSA_ERR_GROUP_BUFFERS = 0x18,
    DSA_ERR_DEVICE_OFF = 0x20,
    DSA_ERR_QUEUE_ENABLED = 0x21,
    DSA_ERR_QUEUE_SIZE = 0x22,
    DSA_ERR_PRIORITY = 0x23,
    DSA_ERR_PASID = 0x26,
    DSA_ERR_BATCH_SHIFT = 0x27,
    DSA_ERR_NOT_ENABLED = 0x31,
};

/* Group configuration: 64 bytes, of which 48 are used */
#define DSA_GROUP_STRIDE 64
#define DSA_GROUP_ENGINES 32
#define DSA_GROUP_FLAGS 40
#define DSA_GROUP_RESERVED(flags) (((flags) >> 8) & 0xff)
#define DSA_GROUP_ALLOWED(flags) (((flags) >> 20) & 0xff)

/* Queue configuration: 16 words of 32 bits */
#define DSA_QUEUE_STRIDE 64
#define DSA_QUEUE_DWORDS 16
enum {
    DSA_QCFG_SIZE = 0,
    DSA_QCFG_THRESHOLD = 1,
    DSA_QCFG_MODE = 2,
    DSA_QCFG_LIMITS = 3,
    DSA_QCFG_STATE = 6,
    DSA_QCFG_OPERATIONS = 8,
};
#define DSA_QUEUE_DEDICATED (1u << 0)
#define DSA_QUEUE_BLOCK_ON_FAULT (1u << 1)
#define DSA_QUEUE_NO_PRS (1u << 3)
#define DSA_QUEUE_PRIORITY(mode) (((mode) >> 4) & 0xf)
#define DSA_QUEUE_PASID(mode) (((mode) >> 8) & 0xfffff)
#define DSA_QUEUE_PASID_ENABLE (1u << 28)
#define DSA_QUEUE_TRANSFER_SHIFT(limits) ((limits) & 0x1f)
#define DSA_QUEUE_BATCH_SHIFT(limits) (((limits) >> 5) & 0xf)
#define DSA_QUEUE_MODE_SUPPORT (1u << 29)
#define DSA_QUEUE_STATE_ENABLED (1u << 30)

/* MSI-X permissions: 8 bytes per vector */
#define DSA_PERMISSION_STRIDE 8
#define DSA_PERMISSION_IGNORE (1u << 2)
#define DSA_PERMISSION_PASID_ENABLE (1u << 3)
#define DSA_PERMISSION_PASID(word) ((word) >> 12)

/* Descriptor: byte offsets.  The flags share their word with the opcode */
#define DSA_DESC_BYTES 64
enum {
    DSA_DESC_FLAGS = 4,
    DSA_DESC_COMPLETION = 8,
    DSA_DESC_SOURCE = 16,
    DSA_DESC_PATTERN = 16,
    DSA_DESC_LIST = 16,
    DSA_DESC_DESTINATION = 24,
    DSA_DESC_SOURCE2 = 24,
    DSA_DESC_COMPARE_PATTERN = 24,
    DSA_DESC_SIZE = 32,
    DSA_DESC_HANDLE = 36,
    DSA_DESC_EXPECTED = 40,
    DSA_DESC_DESTINATION2 = 40,
    DSA_DESC_CRC_SEED = 40,
    DSA_DESC_SOURCE_DIF_FLAGS = 40,
    DSA_DESC_DEST_DIF_FLAGS = 41,
    DSA_DESC_DIF_FLAGS = 42,
    DSA_DESC_SEED_ADDRESS = 48,
    DSA_DESC_SOURCE_REF_TAG = 48,
    DSA_DESC_SOURCE_APP_MASK = 52,
    DSA_DESC_SOURCE_APP_TAG = 54,
    DSA_DESC_DEST_REF_TAG = 56,
    DSA_DESC_DEST_APP_MASK = 60,
    DSA_DESC_DEST_APP_TAG = 62,
};
#define DSA_FLAG_FENCE (1u << 0)
#define DSA_FLAG_BLOCK_ON_FAULT (1u << 1)
#define DSA_FLAG_COMPLETION_VALID (1u << 2)
#define DSA_FLAG_REQUEST_COMPLETION (1u << 3)
#define DSA_FLAG_REQUEST_INTERRUPT (1u << 4)
#define DSA_FLAG_COMPLETION_SELECT (1u << 5)
#define DSA_FLAG_CHECK_RESULT (1u << 7)
#define DSA_FLAG_CACHE_CONTROL (1u << 8)
#define DSA_FLAG_CLASS_SELECTORS (0xfu << 9)
#define DSA_FLAG_STRICT_ORDER (1u << 13)
#define DSA_FLAG_READ_CRC_SEED (1u << 16)

/* X(name, opcode, the word traces show) */
#define DSA_OPERATIONS(X)                       \
    X(NOOP, 0x00, "noop")                       \
    X(BATCH, 0x01, "batch")                     \
    X(DRAIN, 0x02, "drain")                     \
    X(MEMMOVE, 0x03, "memmove")                 \
    X(FILL, 0x04, "fill")                       \
    X(COMPARE, 0x05, "compare")                 \
    X(COMPARE_PATTERN, 0x06, "compare pattern") \
    X(DUALCAST, 0x09, "dualcast")               \
    X(CRC, 0x10, "CRC")                         \
    X(COPY_CRC, 0x11, "copy with CRC")          \
    X(DIF_CHECK, 0x12, "DIF check")             \
    X(DIF_INSERT, 0x13, "DIF insert")           \
    X(DIF_STRIP, 0x14, "DIF strip")             \
    X(DIF_UPDATE, 0x15, "DIF update")           \
    X(CACHE_FLUSH, 0x20, "cache flush")

enum {
#define DSA_OP_CODE(name, opcode, text) DSA_OP_##name = opcode,
    DSA_OPERATIONS(DSA_OP_CODE)
#undef DSA_OP_CODE
};

/* Completion record: byte offsets */
#define DSA_RECORD_BYTES 32
enum {
    DSA_RECORD_STATUS = 0,
    DSA_RECORD_RESULT = 1,
    DSA_RECORD_BYTES_DONE = 4,
    DSA_RECORD_FAULT_ADDRESS = 8,
    DSA_RECORD_INVALID_FLAGS = 16,
    DSA_RECORD_CRC = 16,
    DSA_RECORD_SOURCE_REF_TAG = 16,
    DSA_RECORD_SOURCE_APP_MASK = 20,
    DSA_RECORD_SOURCE_APP_TAG = 22,
    DSA_RECORD_DEST_REF_TAG = 24,
    DSA_RECORD_DEST_APP_MASK = 28,
    DSA_RECORD_DEST_APP_TAG = 30,
};
#define DSA_STATUS_WRITE_FAULT 0x80
enum {
    DSA_STATUS_NONE = 0,
    DSA_STATUS_SUCCESS = 0x01,
    DSA_STATUS_FALSE_PREDICATE = 0x02,
    DSA_STATUS_PAGE_FAULT = 0x03,
    DSA_STATUS_PAGE_REQUEST_FAILED = 0x04,
    DSA_STATUS_BATCH_FAILED = 0x05,
    DSA_STATUS_BATCH_FAULT = 0x06,
    DSA_STATUS_DIF_ERROR = 0x09,
    DSA_STATUS_OPCODE = 0x10,
    DSA_STATUS_FLAGS = 0x11,
    DSA_STATUS_RESERVED = 0x12,
    DSA_STATUS_SIZE = 0x13,
    DSA_STATUS_COUNT = 0x14,
    DSA_STATUS_OVERLAP = 0x16,
    DSA_STATUS_DUALCAST = 0x17,
    DSA_STATUS_LIST_ALIGNMENT = 0x18,
    DSA_STATUS_HANDLE = 0x19,
    DSA_STATUS_COMPLETION_FAULT = 0x1a,
    DSA_STATUS_COMPLETION_ALIGNMENT = 0x1b,
    DSA_STATUS_TRANSLATION = 0x22,
    DSA_STATUS_DRAIN_EVENT = 0x26,
    DSA_STATUS_BATCH_EVENT = 0x27,
};

/* SWERR and event log entries begin alike; an entry has a record appended */
#define DSA_EVENT_BYTES 64
#define DSA_EVENT_RECORD 32
#define DSA_EVENT_DESC_VALID (1ULL << 2)
#define DSA_EVENT_QUEUE_VALID (1ULL << 3)
#define DSA_EVENT_BATCH (1ULL << 4)
#define DSA_EVENT_WRITE (1ULL << 5)
#define DSA_EVENT_CODE_SHIFT 8
#define DSA_EVENT_QUEUE_SHIFT 16
#define DSA_EVENT_BATCH_ID_SHIFT 24
#define DSA_EVENT_OPERATION_SHIFT 32
#define DSA_EVENT_PASID_SHIFT 40
/* Second word: [15:0] batch index, then the invalid flags or these */
#define DSA_EVENT_FLAGS_SHIFT 32
#define DSA_EVENT_INTERRUPT_REQUESTED (1ULL << 48)
#define DSA_EVENT_RECORD_REQUESTED (1ULL << 50)
#define DSA_EVENT_FIRST_IN_BATCH (1ULL << 51)
#define DSA_SWERR_VALID (1ULL << 0)
#define DSA_SWERR_OVERFLOW (1ULL << 1)

#endif
