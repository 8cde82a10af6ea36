/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of rings and commands.  See rules.h.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "rules.h"

/* Length codes below this are reserved: registers.md 3.2 */
#define RING_LEN_MIN 8
/* Address bits of "everything" with S=1: structures.md 5 */
#define RANGE_ALL UINT64_C(0x7ffffffffffff000)

uint32_t amdvi_ring_bytes(uint64_t base)
{
    /* All ring bases share one layout */
    uint64_t len = amdvi_cmd_base_len(&base);

    return len < RING_LEN_MIN ? 0 : AMDVI_RING_ENTRY << len;
}

uint32_t amdvi_ring_next(uint32_t pointer, uint32_t bytes)
{
    uint32_t next = pointer + AMDVI_RING_ENTRY;

    return next >= bytes ? 0 : next;
}

uint32_t amdvi_ring_used(uint32_t head, uint32_t tail, uint32_t bytes)
{
    uint32_t distance = tail >= head ? tail - head : bytes - head + tail;

    return distance / AMDVI_RING_ENTRY;
}

struct amdvi_range amdvi_decode_range(uint64_t addr, bool s)
{
    struct amdvi_range range = { addr & ~UINT64_C(0xfff), 0x1000 };
    uint64_t zeros = ~(addr | 0xfff);

    if (!s) {
        return range;
    }
    if ((addr & RANGE_ALL) == RANGE_ALL) {
        return (struct amdvi_range) { 0, 0 };
    }
    /* The lowest zero bit k gives 2^(k+1) bytes */
    range.size = (zeros & -zeros) << 1;
    range.base = addr & ~(range.size - 1);
    return range;
}

uint64_t amdvi_encode_range(uint64_t addr, uint64_t size)
{
    uint64_t page = addr & ~UINT64_C(0xfff);
    uint64_t last = addr + size - 1;
    uint64_t differ = (page ^ last) & ~UINT64_C(0xfff);
    uint64_t block = 0x1000;

    if (!size || last < addr) {
        return RANGE_ALL | 1;
    }
    if (!differ) {
        return page;
    }
    /* The smallest aligned block that holds both ends */
    while (block && (differ & ~(block - 1))) {
        block <<= 1;
    }
    if (!block || block > UINT64_C(1) << 52) {
        return RANGE_ALL | 1;
    }
    return (page & ~(block - 1)) | ((block / 2 - 1) & ~UINT64_C(0xfff)) | 1;
}

enum amdvi_command_check
amdvi_check_command(const struct amdvi_features *features,
                    const uint64_t command[2])
{
    const struct amdvi_layout *layout =
        amdvi_layout_match(AMDVI_FAMILY_COMMAND, command[0]);
    uint64_t bad[AMDVI_MAX_WORDS];

    if (!layout) {
        return AMDVI_COMMAND_UNKNOWN;
    }
    if (!amdvi_feature(features, layout->needs)) {
        return AMDVI_COMMAND_UNSUPPORTED;
    }
    return amdvi_reserved_bits(layout, features, command, bad)
           ? AMDVI_COMMAND_RESERVED : AMDVI_COMMAND_OK;
}

void amdvi_illegal_command_event(uint64_t command_spa, uint64_t event[2])
{
    event[0] = event[1] = 0;
    amdvi_illegal_command_error_set_code(event,
                                         AMDVI_CODE_illegal_command_error);
    amdvi_illegal_command_error_set_addr(event, command_spa);
}

void amdvi_command_hardware_event(uint64_t command_spa, uint64_t event[2])
{
    event[0] = event[1] = 0;
    amdvi_command_hardware_error_set_code(event,
                                          AMDVI_CODE_command_hardware_error);
    amdvi_command_hardware_error_set_type(event, AMDVI_hw_error_master_abort);
    amdvi_command_hardware_error_set_addr(event, command_spa);
}

void amdvi_iotlb_timeout_event(uint16_t device_id, uint64_t command_spa,
                               uint64_t event[2])
{
    event[0] = event[1] = 0;
    amdvi_iotlb_inv_timeout_set_code(event, AMDVI_CODE_iotlb_inv_timeout);
    amdvi_iotlb_inv_timeout_set_device_id(event, device_id);
    amdvi_iotlb_inv_timeout_set_addr(event, command_spa);
}

bool amdvi_command_may_run(uint64_t control, uint64_t cmd_base)
{
    return amdvi_control_iommu_en(&control) &&
           amdvi_control_cmd_buf_en(&control) && amdvi_ring_bytes(cmd_base);
}

bool amdvi_event_log_may_run(uint64_t control, uint64_t event_base)
{
    return amdvi_control_iommu_en(&control) &&
           amdvi_control_event_log_en(&control) &&
           amdvi_ring_bytes(event_base);
}

bool amdvi_ppr_log_may_run(uint64_t control, uint64_t ppr_base)
{
    return amdvi_control_iommu_en(&control) &&
           amdvi_control_ppr_en(&control) &&
           amdvi_control_ppr_log_en(&control) && amdvi_ring_bytes(ppr_base);
}
