/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register file.
 *
 * Which registers there are, what they hold after reset and which bits can be
 * written is derived from the tables of libamdvi and the features; this file
 * adds what writes do: spec/registers.md 2, 3.2, 8.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/lockable.h"
#include "qemu/log.h"
#include "pmu.h"
#include "state.h"
#include "trace.h"

const AmdviRing amdvi_svm_rings[AMDVI_NUM_RINGS] = {
    [AMDVI_RING_COMMAND] = {
        .name = "command buffer",
        .family = AMDVI_FAMILY_COMMAND,
        .kind = AMDVI_RECORD_COMMAND,
        .base = AMDVI_LAYOUT_cmd_base,
        .head = AMDVI_LAYOUT_cmd_head,
        .tail = AMDVI_LAYOUT_cmd_tail,
        .may_run = amdvi_command_may_run,
        .enabled = amdvi_control_cmd_buf_en,
        .running = amdvi_status_cmd_buf_run,
        .set_running = amdvi_status_set_cmd_buf_run,
    },
    [AMDVI_RING_EVENT] = {
        .name = "event log",
        .family = AMDVI_FAMILY_EVENT,
        .kind = AMDVI_RECORD_EVENT,
        .base = AMDVI_LAYOUT_event_base,
        .head = AMDVI_LAYOUT_event_head,
        .tail = AMDVI_LAYOUT_event_tail,
        .may_run = amdvi_event_log_may_run,
        .enabled = amdvi_control_event_log_en,
        .running = amdvi_status_event_log_run,
        .set_running = amdvi_status_set_event_log_run,
        .overflow = amdvi_status_event_overflow,
        .set_overflow = amdvi_status_set_event_overflow,
        .set_interrupt = amdvi_status_set_event_log_int,
    },
    [AMDVI_RING_PPR] = {
        .name = "PPR log",
        .family = AMDVI_FAMILY_PPR,
        .kind = AMDVI_RECORD_PAGE_REQUEST,
        .base = AMDVI_LAYOUT_ppr_base,
        .head = AMDVI_LAYOUT_ppr_head,
        .tail = AMDVI_LAYOUT_ppr_tail,
        .may_run = amdvi_ppr_log_may_run,
        .enabled = amdvi_control_ppr_log_en,
        .running = amdvi_status_ppr_log_run,
        .set_running = amdvi_status_set_ppr_log_run,
        .overflow = amdvi_status_ppr_overflow,
        .set_overflow = amdvi_status_set_ppr_overflow,
        .set_interrupt = amdvi_status_set_ppr_int,
    },
};

/* Registers of the device table segments, in order */
static const enum amdvi_layout_id segments[AMDVI_MAX_SEGMENTS] = {
    AMDVI_LAYOUT_devtab_base, AMDVI_LAYOUT_devtab_base1,
    AMDVI_LAYOUT_devtab_base2, AMDVI_LAYOUT_devtab_base3,
    AMDVI_LAYOUT_devtab_base4, AMDVI_LAYOUT_devtab_base5,
    AMDVI_LAYOUT_devtab_base6, AMDVI_LAYOUT_devtab_base7,
};

static const char *name_of(enum amdvi_layout_id id)
{
    return amdvi_layouts[id].name;
}

/* The ring that a register describes, or NULL */
static const AmdviRing *ring_of(enum amdvi_layout_id id)
{
    for (int i = 0; i < AMDVI_NUM_RINGS; i++) {
        const AmdviRing *ring = &amdvi_svm_rings[i];

        if (id == ring->base || id == ring->head || id == ring->tail) {
            return ring;
        }
    }
    return NULL;
}

static bool ring_runs(AmdviEngine *e, const AmdviRing *ring)
{
    return ring->running(amdvi_svm_reg(e, AMDVI_LAYOUT_status));
}

/*
 * By words, each in one access: a reader may copy while the lock's owner
 * writes, and finds out afterwards.
 */
static void copy_view(struct amdvi_iommu *to, const struct amdvi_iommu *from)
{
    unsigned long *out = (unsigned long *)to;
    const unsigned long *in = (const unsigned long *)from;

    QEMU_BUILD_BUG_ON(sizeof(*to) % sizeof(*out));
    for (size_t i = 0; i < sizeof(*to) / sizeof(*out); i++) {
        qatomic_set(&out[i], qatomic_read(&in[i]));
    }
}

void amdvi_svm_publish_view(AmdviEngine *e)
{
    struct amdvi_iommu old = e->view, new = old;

    new.pa_bits =
        amdvi_msi_vector0_pa_size(amdvi_svm_reg(e, AMDVI_LAYOUT_msi_vector0));
    new.control = *amdvi_svm_reg(e, AMDVI_LAYOUT_control);
    for (int i = 0; i < AMDVI_MAX_SEGMENTS; i++) {
        new.devtab[i] = *amdvi_svm_reg(e, segments[i]);
    }
    new.excl_base = *amdvi_svm_reg(e, AMDVI_LAYOUT_excl_base);
    new.excl_limit = *amdvi_svm_reg(e, AMDVI_LAYOUT_excl_limit);
    new.ppr_auto_response = *amdvi_svm_reg(e, AMDVI_LAYOUT_ppr_auto_response);
    /* Most stores are to a head or a tail */
    if (!memcmp(&old, &new, sizeof(old))) {
        return;
    }
    seqlock_write_begin(&e->view_lock);
    copy_view(&e->view, &new);
    seqlock_write_end(&e->view_lock);
    amdvi_svm_registers_changed(e, &old);
}

/* Registers of the stock model lie in an array of bytes */
static uint64_t read_stock(AMDVIState *s, enum amdvi_layout_id id)
{
    const struct amdvi_layout *l = &amdvi_layouts[id];

    if (l->offset + l->bits / 8 > sizeof(s->mmior)) {
        return 0;
    }
    return l->bits == 32 ? ldl_le_p(&s->mmior[l->offset])
                         : ldq_le_p(&s->mmior[l->offset]);
}

uint64_t amdvi_svm_read_register(AMDVIState *s, enum amdvi_layout_id id)
{
    AmdviEngine *e = amdvi_svm_engine(s);

    if (!e) {
        return read_stock(s, id);
    }
    QEMU_LOCK_GUARD(&e->lock);
    return qatomic_read(amdvi_svm_reg(e, id));
}

static void stock_view(AMDVIState *s, struct amdvi_iommu *view)
{
    *view = (struct amdvi_iommu) {
        .features = {
            .efr = read_stock(s, AMDVI_LAYOUT_efr),
            .efr2 = read_stock(s, AMDVI_LAYOUT_efr2),
        },
        .control = read_stock(s, AMDVI_LAYOUT_control),
        .devtab = { read_stock(s, AMDVI_LAYOUT_devtab_base) },
    };
}

void amdvi_svm_view(AMDVIState *s, struct amdvi_iommu *view)
{
    AmdviEngine *e = amdvi_svm_engine(s);
    unsigned int start;

    if (!e) {
        stock_view(s, view);
        return;
    }
    do {
        start = seqlock_read_begin(&e->view_lock);
        copy_view(view, &e->view);
    } while (seqlock_read_retry(&e->view_lock, start));
}

/*
 * The command buffer runs again once CmdBufEn has been cleared and set after
 * an error, however IommuEn changes: spec/registers.md 8.2.
 */
static void update_command_run(AmdviEngine *e, uint64_t control)
{
    const AmdviRing *ring = &amdvi_svm_rings[AMDVI_RING_COMMAND];
    uint64_t *status = amdvi_svm_reg(e, AMDVI_LAYOUT_status);
    bool run;

    if (!ring->enabled(&control)) {
        e->command_error = false;
    }
    run = !e->command_error &&
          ring->may_run(control, *amdvi_svm_reg(e, ring->base));
    if (run != ring->running(status)) {
        trace_amdvi_svm_run(ring->name, run);
    }
    ring->set_running(status, run);
}

/* A log runs from the moment it is allowed to, until it overflows: 8.3 */
static void update_log_run(AmdviEngine *e, AmdviRingId id, uint64_t control)
{
    const AmdviRing *ring = &amdvi_svm_rings[id];
    uint64_t *status = amdvi_svm_reg(e, AMDVI_LAYOUT_status);
    bool on = ring->may_run(control, *amdvi_svm_reg(e, ring->base));

    if (on == e->log_on[id]) {
        return;
    }
    trace_amdvi_svm_run(ring->name, on);
    e->log_on[id] = on;
    ring->set_running(status, on);
    if (on) {
        ring->set_overflow(status, 0);
    }
}

/* Any write may enable what an earlier one prepared: 4 */
static void control_written(AmdviEngine *e)
{
    uint64_t control = *amdvi_svm_reg(e, AMDVI_LAYOUT_control);

    trace_amdvi_svm_control(control);
    update_command_run(e, control);
    update_log_run(e, AMDVI_RING_EVENT, control);
    update_log_run(e, AMDVI_RING_PPR, control);
}

/* Whether the rules of rings forbid to write @value to the register */
static bool ring_refuses(AmdviEngine *e, const AmdviRing *ring,
                         enum amdvi_layout_id id, uint64_t value)
{
    const char *why = NULL;

    if (id == ring->base) {
        why = ring_runs(e, ring) ? "the ring runs" : NULL;
    } else if (value && value >= amdvi_svm_ring_bytes(e, ring)) {
        why = "the pointer lies outside the ring";
    } else if (e->reg[id].owned && ring_runs(e, ring)) {
        why = "the IOMMU owns this pointer while the ring runs";
    }
    if (why) {
        qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: write of 0x%" PRIx64
                      " to %s ignored: %s\n", value, name_of(id), why);
    }
    return why;
}

/* Store those bits of @value that are in @mask, as far as they can be set */
static void write_bits(AmdviEngine *e, enum amdvi_layout_id id,
                       uint64_t value, uint64_t mask)
{
    AmdviRegister *r = &e->reg[id];
    const AmdviRing *ring = ring_of(id);
    uint64_t set = mask & (r->writable | r->owned);
    uint64_t new = (r->value & ~set) | (value & set);

    if ((ring && ring_refuses(e, ring, id, new)) ||
        amdvi_svm_pmu_refuses(e, id)) {
        return;
    }
    /* Requests may count at this moment, and without the lock */
    qatomic_set(&r->value, new & ~(value & mask & r->clearable));
    if (ring && id == ring->base) {
        *amdvi_svm_reg(e, ring->head) = 0;
        *amdvi_svm_reg(e, ring->tail) = 0;
    }
    if (id == AMDVI_LAYOUT_control) {
        control_written(e);
    }
    amdvi_svm_publish_view(e);
    amdvi_svm_pmu_update(e);
    amdvi_svm_update_irq(e);
}

static void count_access(AMDVIState *s, enum amdvi_layout_id id)
{
    AmdviEngine *e = amdvi_svm_engine(s);

    if (amdvi_svm_pmu_is_on(e)) {
        amdvi_svm_pmu_access(e, id);
    }
}

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    const struct amdvi_layout *l = amdvi_register_at(addr);
    AMDVIState *s = opaque;
    uint64_t value;

    if (size == 8 && (!l || l->bits == 32)) {
        value = mmio_read(s, addr + 4, 4);
        return mmio_read(s, addr, 4) | value << 32;
    }
    if (!l) {
        return 0;
    }
    count_access(s, l - amdvi_layouts);
    value = amdvi_svm_read_register(s, l - amdvi_layouts);
    value = extract64(value, (addr - l->offset) * 8, size * 8);
    trace_amdvi_svm_read(l->name, addr, size, value);
    return value;
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    const struct amdvi_layout *l = amdvi_register_at(addr);
    AMDVIState *s = opaque;
    AmdviEngine *e = amdvi_svm_engine(s);
    enum amdvi_layout_id id = l - amdvi_layouts;
    unsigned int shift;

    if (size == 8 && (!l || l->bits == 32)) {
        mmio_write(s, addr, value & UINT32_MAX, 4);
        mmio_write(s, addr + 4, value >> 32, 4);
        return;
    }
    if (!l) {
        qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: write of 0x%" PRIx64
                      " to 0x%" HWADDR_PRIx ", where no register is\n",
                      value, addr);
        return;
    }
    trace_amdvi_svm_write(l->name, addr, size, value);
    count_access(s, id);
    shift = (addr - l->offset) * 8;
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        amdvi_svm_record(e, AMDVI_RECORD_REGISTER, AMDVI_RECORD_NO_DEVICE,
                         AMDVI_NO_PASID, size, addr, value);
        write_bits(e, id, value << shift, MAKE_64BIT_MASK(shift, size * 8));
    }
    amdvi_svm_deliver_irq(e);
    if (id == AMDVI_LAYOUT_control || id == AMDVI_LAYOUT_cmd_tail) {
        amdvi_svm_run_commands(e);
    }
}

const MemoryRegionOps amdvi_svm_register_ops = {
    .read = mmio_read,
    .write = mmio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .impl = {
        .min_access_size = 1,
        .max_access_size = 8,
    },
    .valid = {
        .min_access_size = 1,
        .max_access_size = 8,
    },
};

void amdvi_svm_init_registers(AmdviEngine *e)
{
    const struct amdvi_features *f = &e->features;

    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        const struct amdvi_layout *l = &amdvi_layouts[i];

        e->reg[i] = (AmdviRegister) {
            .reset = amdvi_feature(f, l->needs) ? l->reset : 0,
            .writable = amdvi_register_mask(l, f, AMDVI_ACCESS_RW),
            .owned = amdvi_register_mask(l, f, AMDVI_ACCESS_HW),
            .clearable = amdvi_register_mask(l, f, AMDVI_ACCESS_W1C),
        };
    }
    e->reg[AMDVI_LAYOUT_efr].reset = f->efr;
    e->reg[AMDVI_LAYOUT_efr2].reset = f->efr2;
    amdvi_reserved_mask(&amdvi_layouts[AMDVI_LAYOUT_dte], f, e->dte_reserved);
    e->view.features = *f;
    e->view.dte_reserved = e->dte_reserved;
    amdvi_svm_pmu_init(e);
}

void amdvi_svm_reset_registers(AmdviEngine *e)
{
    QEMU_LOCK_GUARD(&e->lock);
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        e->reg[i].value = e->reg[i].reset;
    }
    e->command_error = false;
    memset(e->log_on, 0, sizeof(e->log_on));
    e->irq_level = 0;
    e->irq_pending = 0;
    e->abort_pending = false;
    amdvi_svm_publish_view(e);
    amdvi_svm_pmu_update(e);
}
