/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every target can do because it reads memory and registers.
 * See target.h.
 */
#include "target.h"
#include "pci.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096u
#define DTE_SIZE 32u

struct amdvi_target *amdvi_target_new(const struct amdvi_target_ops *ops,
                                      void *opaque, struct amdvi_error *err)
{
    struct amdvi_target *target = malloc(sizeof(*target));
    struct amdvi_target on_stack = { .ops = ops, .opaque = opaque };

    if (!target) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
        if (ops->close) {
            ops->close(&on_stack);
        }
        return NULL;
    }
    *target = on_stack;
    return target;
}

void amdvi_target_close(struct amdvi_target *target)
{
    if (target && target->ops->close) {
        target->ops->close(target);
    }
    free(target);
}

bool amdvi_target_pause(struct amdvi_target *target, bool stop,
                        struct amdvi_error *err)
{
    amdvi_target_refresh(target);
    return target->ops->pause
           ? target->ops->pause(target, stop, err)
           : amdvi_fail(err, AMDVI_EXIT_UNSUPPORTED,
                        "there is no VM to pause here");
}

bool amdvi_target_resume(struct amdvi_target *target,
                         struct amdvi_error *err)
{
    /* as if it had been us */
    target->paused = true;
    return amdvi_target_pause(target, false, err);
}

bool amdvi_target_running(struct amdvi_target *target, bool *ret,
                          struct amdvi_error *err)
{
    *ret = false;
    return !target->ops->running || target->ops->running(target, ret, err);
}

uint64_t amdvi_target_asked(const struct amdvi_target *target)
{
    return target && target->ops->asked ? target->ops->asked(target) : 0;
}

void amdvi_target_refresh(struct amdvi_target *target)
{
    if (target->ops->refresh) {
        target->ops->refresh(target);
    }
}

void amdvi_target_describe(struct amdvi_target *target,
                           struct amdvi_target_info *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->kind = "unknown";
    if (target->ops->describe) {
        target->ops->describe(target, ret);
    }
}

bool amdvi_target_is_dump(struct amdvi_target *target)
{
    struct amdvi_target_info info;

    amdvi_target_describe(target, &info);
    return strcmp(info.kind, "dump") == 0;
}

bool amdvi_target_read(struct amdvi_target *target, uint64_t addr, void *buf,
                       size_t len, enum amdvi_mem_status *ret_status,
                       struct amdvi_error *err)
{
    uint8_t *p = buf;

    *ret_status = AMDVI_MEM_OK;
    while (len && *ret_status == AMDVI_MEM_OK) {
        size_t n = PAGE_SIZE - addr % PAGE_SIZE;

        n = n < len ? n : len;
        if (!target->ops->read_memory(target, addr, p, n, ret_status, err)) {
            return false;
        }
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}

bool amdvi_target_register(struct amdvi_target *target,
                           enum amdvi_layout_id reg, uint64_t *ret_value,
                           struct amdvi_error *err)
{
    const struct amdvi_layout *layout = &amdvi_layouts[reg];

    if (!target->ops->read_register(target, layout->offset, ret_value, err)) {
        return false;
    }
    *ret_value &= amdvi_ones(layout->bits);
    return true;
}

bool amdvi_target_iommu(struct amdvi_target *target, struct amdvi_iommu *ret,
                        struct amdvi_error *err)
{
    struct amdvi_iommu iommu = { .pa_bits = 0 };
    uint64_t misc = 0;
    const struct {
        enum amdvi_layout_id reg;
        uint64_t *value;
    } wanted[] = {
        { AMDVI_LAYOUT_efr, &iommu.features.efr },
        { AMDVI_LAYOUT_efr2, &iommu.features.efr2 },
        { AMDVI_LAYOUT_control, &iommu.control },
        { AMDVI_LAYOUT_excl_base, &iommu.excl_base },
        { AMDVI_LAYOUT_excl_limit, &iommu.excl_limit },
        { AMDVI_LAYOUT_devtab_base, &iommu.devtab[0] },
        { AMDVI_LAYOUT_devtab_base1, &iommu.devtab[1] },
        { AMDVI_LAYOUT_devtab_base2, &iommu.devtab[2] },
        { AMDVI_LAYOUT_devtab_base3, &iommu.devtab[3] },
        { AMDVI_LAYOUT_devtab_base4, &iommu.devtab[4] },
        { AMDVI_LAYOUT_devtab_base5, &iommu.devtab[5] },
        { AMDVI_LAYOUT_devtab_base6, &iommu.devtab[6] },
        { AMDVI_LAYOUT_devtab_base7, &iommu.devtab[7] },
        { AMDVI_LAYOUT_msi_vector0, &misc },
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (!amdvi_target_register(target, wanted[i].reg, wanted[i].value,
                                   err)) {
            return false;
        }
    }
    /* an IOMMU without the register reads 0: guest tables may use all bits */
    iommu.pa_bits = (uint8_t)amdvi_msi_vector0_pa_size(&misc);
    *ret = iommu;
    return true;
}

bool amdvi_target_pci(struct amdvi_target *target, struct amdvi_pci_list *ret,
                      struct amdvi_error *err)
{
    struct amdvi_pci_list list = { .count = 0 };

    *ret = list;
    if (target->ops->pci_functions &&
        !target->ops->pci_functions(target, &list, err)) {
        return false;
    }
    *ret = list;
    return true;
}

bool amdvi_dte_reader_init(struct amdvi_dte_reader *reader,
                           struct amdvi_target *target,
                           struct amdvi_error *err)
{
    reader->target = target;
    amdvi_kept_page_forget(&reader->kept);
    return amdvi_target_iommu(target, &reader->iommu, err);
}

bool amdvi_dte_read(struct amdvi_dte_reader *reader, uint16_t device_id,
                    struct amdvi_dte_entry *ret, struct amdvi_error *err)
{
    struct amdvi_dte_entry entry = { .device_id = device_id };
    enum amdvi_mem_status status;
    uint8_t bytes[DTE_SIZE];

    entry.has_address = amdvi_control_iommu_en(&reader->iommu.control) &&
                        amdvi_dte_address(&reader->iommu, device_id,
                                          &entry.address);
    if (entry.has_address) {
        if (!amdvi_kept_page_read(&reader->kept, reader->target,
                                  entry.address, bytes, sizeof(bytes),
                                  &status, err)) {
            return false;
        }
        entry.readable = status == AMDVI_MEM_OK;
    }
    if (entry.readable) {
        amdvi_load_words(entry.words, bytes, 4);
    }
    *ret = entry;
    return true;
}

typedef uint64_t bit_reader(const uint64_t *words);
typedef bool may_run(uint64_t control, uint64_t base);

/* The PPR log has its own feature bit and two enables */
static const struct ring_registers {
    const char *id;
    const char *name;
    enum amdvi_family family;
    enum amdvi_layout_id base, head, tail;
    enum amdvi_feature needs;
    may_run *may_run;
    bit_reader *running;
    bit_reader *overflow;       /* NULL: cannot overflow */
} ring_registers[AMDVI_NUM_RINGS] = {
    [AMDVI_RING_COMMAND] = {
        "command", "command buffer", AMDVI_FAMILY_COMMAND,
        AMDVI_LAYOUT_cmd_base, AMDVI_LAYOUT_cmd_head, AMDVI_LAYOUT_cmd_tail,
        AMDVI_FEATURE_none, amdvi_command_may_run, amdvi_status_cmd_buf_run,
        NULL },
    [AMDVI_RING_EVENT] = {
        "event", "event log", AMDVI_FAMILY_EVENT,
        AMDVI_LAYOUT_event_base, AMDVI_LAYOUT_event_head,
        AMDVI_LAYOUT_event_tail, AMDVI_FEATURE_none, amdvi_event_log_may_run,
        amdvi_status_event_log_run, amdvi_status_event_overflow },
    [AMDVI_RING_PPR] = {
        "ppr", "PPR log", AMDVI_FAMILY_PPR,
        AMDVI_LAYOUT_ppr_base, AMDVI_LAYOUT_ppr_head, AMDVI_LAYOUT_ppr_tail,
        AMDVI_FEATURE_ppr_sup, amdvi_ppr_log_may_run,
        amdvi_status_ppr_log_run, amdvi_status_ppr_overflow },
};

bool amdvi_target_ring(struct amdvi_target *target, enum amdvi_ring_id id,
                       struct amdvi_ring *ret, struct amdvi_error *err)
{
    const struct ring_registers *regs = &ring_registers[id];
    uint64_t base, head, tail, control, status;
    struct amdvi_features features;
    struct amdvi_ring ring = {
        .id = regs->id, .name = regs->name, .family = regs->family,
    };

    if (!amdvi_target_register(target, regs->base, &base, err) ||
        !amdvi_target_register(target, regs->head, &head, err) ||
        !amdvi_target_register(target, regs->tail, &tail, err) ||
        !amdvi_target_register(target, AMDVI_LAYOUT_control, &control, err) ||
        !amdvi_target_register(target, AMDVI_LAYOUT_status, &status, err) ||
        !amdvi_target_register(target, AMDVI_LAYOUT_efr, &features.efr,
                               err) ||
        !amdvi_target_register(target, AMDVI_LAYOUT_efr2, &features.efr2,
                               err)) {
        return false;
    }
    ring.present = amdvi_feature(&features, regs->needs) != 0;
    ring.enabled = regs->may_run(control, base);
    ring.running = regs->running(&status);
    ring.overflow = regs->overflow && regs->overflow(&status);
    ring.base = amdvi_cmd_base_base(&base);
    ring.bytes = amdvi_ring_bytes(base);
    ring.head = (uint32_t)amdvi_cmd_head_ptr(&head);
    ring.tail = (uint32_t)amdvi_cmd_tail_ptr(&tail);
    ring.sane = ring.head < ring.bytes && ring.tail < ring.bytes;
    *ret = ring;
    return true;
}
