/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device: options, set-up and reset.
 *
 * spec/registers.md 1; spec/qemu-integration.md 3.7.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "hw/i386/pc.h"
#include "migration/vmstate.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "state.h"
#include "trace.h"

#define PASID_BITS_DEFAULT 16
/* Linux panics if it needs more: spec/linux-guest.md 2.3 */
#define PASID_BITS_MAX 16
#define GUEST_LEVELS_DEFAULT 5
#define IOTLB_SIZE_DEFAULT 4096
/* Ends where the interrupt range begins: spec/registers.md 1.1 */
#define MMIO_SIZE_WITH_COUNTERS (512 * KiB)

AmdviEngine *amdvi_svm_engine(AMDVIState *s)
{
    return s->engine;
}

static void get_dma_remap(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    qdev_prop_bool.get(obj, v, name, opaque, errp);
}

static void set_dma_remap(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    AMD_IOMMU_DEVICE(obj)->svm.dma_remap_set++;
    qdev_prop_bool.set(obj, v, name, opaque, errp);
}

static void default_dma_remap(ObjectProperty *op, const Property *prop)
{
    qdev_prop_bool.set_default_value(op, prop);
}

const PropertyInfo amdvi_svm_prop_dma_remap = {
    .type = "bool",
    .description = "on/off",
    .get = get_dma_remap,
    .set = set_dma_remap,
    .set_default_value = default_dma_remap,
};

/* Options that mean something with svm=on only */
static bool check_without_svm(const AmdviOptions *o, Error **errp)
{
    const struct {
        const char *name;
        bool given;
    } option[] = {
        { "pasid-bits", o->pasid_bits != -1 },
        { "guest-levels", o->guest_levels != -1 },
        { "iotlb-size", o->iotlb_size != -1 },
        { "ats=on", o->ats == ON_OFF_AUTO_ON },
        { "pri=on", o->pri == ON_OFF_AUTO_ON },
        { "pmu=on", o->pmu },
    };

    for (int i = 0; i < ARRAY_SIZE(option); i++) {
        if (option[i].given) {
            error_setg(errp, "amd-iommu: %s needs svm=on", option[i].name);
            return false;
        }
    }
    return true;
}

static bool check_iotlb_size(AmdviOptions *o, Error **errp)
{
    if (o->iotlb_size == -1) {
        o->iotlb_size = IOTLB_SIZE_DEFAULT;
    }
    if (o->iotlb_size < AMDVI_IOTLB_MIN || o->iotlb_size > AMDVI_IOTLB_MAX ||
        !is_power_of_2(o->iotlb_size)) {
        error_setg(errp, "amd-iommu: iotlb-size must be a power of two "
                   "between %d and %d", AMDVI_IOTLB_MIN, AMDVI_IOTLB_MAX);
        return false;
    }
    return true;
}

static bool check_limits(AmdviOptions *o, Error **errp)
{
    if (o->pasid_bits == -1) {
        o->pasid_bits = PASID_BITS_DEFAULT;
    }
    if (o->guest_levels == -1) {
        o->guest_levels = GUEST_LEVELS_DEFAULT;
    }
    if (o->pasid_bits < 1 || o->pasid_bits > PASID_BITS_MAX) {
        error_setg(errp, "amd-iommu: pasid-bits must be between 1 and %d",
                   PASID_BITS_MAX);
        return false;
    }
    if (o->guest_levels != 4 && o->guest_levels != 5) {
        error_setg(errp, "amd-iommu: guest-levels must be 4 or 5");
        return false;
    }
    return true;
}

/* device-iotlb=on is another name of ats=on; page requests need both */
static bool check_ats(AMDVIState *s, Error **errp)
{
    AmdviOptions *o = &s->svm;

    if (s->iommu.dt_supported && o->ats == ON_OFF_AUTO_OFF) {
        error_setg(errp, "amd-iommu: device-iotlb=on contradicts ats=off");
        return false;
    }
    if (o->pri == ON_OFF_AUTO_ON && o->ats == ON_OFF_AUTO_OFF) {
        error_setg(errp, "amd-iommu: pri=on needs ats=on");
        return false;
    }
    if (o->ats == ON_OFF_AUTO_AUTO) {
        o->ats = ON_OFF_AUTO_ON;
    }
    if (o->pri == ON_OFF_AUTO_AUTO) {
        o->pri = o->ats;
    }
    s->iommu.dt_supported = o->ats == ON_OFF_AUTO_ON;
    return true;
}

/* The stock code that follows would go on without a PCI function */
static bool check_function(AMDVIState *s, Error **errp)
{
    PCIDevice *pci = NULL;

    if (s->pci_id && (pci_qdev_find_device(s->pci_id, &pci) ||
                      !object_dynamic_cast(OBJECT(pci), TYPE_AMD_IOMMU_PCI))) {
        error_setg(errp, "amd-iommu: pci-id=%s is not the id of an %s device",
                   s->pci_id, TYPE_AMD_IOMMU_PCI);
        return false;
    }
    return true;
}

bool amdvi_svm_check_options(AMDVIState *s, Error **errp)
{
    if (!s->svm.svm) {
        return check_without_svm(&s->svm, errp);
    }
    if (!s->iommu.dma_translation) {
        error_setg(errp, "amd-iommu: svm=on needs dma-translation=on");
        return false;
    }
    if (s->svm.dma_remap_set > 1 && !s->dma_remap) {
        error_setg(errp, "amd-iommu: svm=on needs dma-remap=on");
        return false;
    }
    s->dma_remap = true;
    return check_limits(&s->svm, errp) && check_iotlb_size(&s->svm, errp) &&
           check_ats(s, errp) && check_function(s, errp);
}

const MemoryRegionOps *amdvi_svm_mmio_ops(AMDVIState *s,
                                          const MemoryRegionOps *stock)
{
    return s->svm.svm ? &amdvi_svm_register_ops : stock;
}

uint64_t amdvi_svm_mmio_size(AMDVIState *s, uint64_t stock)
{
    return s->svm.pmu ? MMIO_SIZE_WITH_COUNTERS : stock;
}

static PCIIOMMUOps build_pci_ops(const AmdviOptions *o)
{
    PCIIOMMUOps ops = {
        .get_address_space = amdvi_svm_find_address_space,
    };

    if (o->ats == ON_OFF_AUTO_ON) {
        ops.get_iotlb_info = amdvi_svm_get_iotlb_info;
        ops.init_iotlb_notifier = amdvi_svm_init_listener;
        ops.register_iotlb_notifier = amdvi_svm_register_listener;
        ops.unregister_iotlb_notifier = amdvi_svm_unregister_listener;
        ops.ats_request_translation = amdvi_svm_ats_request;
    }
    if (o->pri == ON_OFF_AUTO_ON) {
        ops.pri_register_notifier = amdvi_svm_register_pri;
        ops.pri_unregister_notifier = amdvi_svm_unregister_pri;
        ops.pri_request_page = amdvi_svm_request_page;
    }
    return ops;
}

const PCIIOMMUOps *amdvi_svm_pci_ops(AMDVIState *s, const PCIIOMMUOps *stock)
{
    return s->svm.svm ? &s->engine->pci_ops : stock;
}

static void reset(AmdviEngine *e)
{
    trace_amdvi_svm_reset();
    qemu_bh_cancel(e->command_bh);
    qemu_bh_cancel(e->irq_bh);
    qemu_bh_cancel(e->response_bh);
    qemu_bh_cancel(e->stop_bh);
    amdvi_svm_reset_hold(e);
    amdvi_svm_reset_registers(e);
    timer_del(e->response_timer);
    amdvi_svm_reset_page_requests(e);
    amdvi_svm_disarm(e);
    amdvi_svm_forget_all(e);
    amdvi_svm_reset_stats(e);
}

/* Devices are quiet by the exit phase: nothing of theirs is translated now */
static void reset_exit(Object *obj, ResetType type)
{
    AmdviEngine *e = amdvi_svm_engine(AMD_IOMMU_DEVICE(obj));

    if (e) {
        reset(e);
    }
}

void amdvi_svm_class_init(DeviceClass *dc)
{
    RESETTABLE_CLASS(dc)->phases.exit = reset_exit;
    amdvi_svm_pasid_dma_class_init(OBJECT_CLASS(dc));
}

/* What a stop of the VM, or its migration, has cut short */
static void vm_state_changed(void *opaque, bool running, RunState state)
{
    AmdviEngine *e = opaque;

    if (running) {
        amdvi_svm_place_saved(e);
        if (amdvi_svm_is_holding(e)) {
            qemu_bh_schedule(e->stop_bh);
        }
        qemu_bh_schedule(e->command_bh);
        qemu_bh_schedule(e->irq_bh);
        qemu_bh_schedule(e->response_bh);
    }
}

void amdvi_svm_realize(AMDVIState *s)
{
    DeviceState *dev = DEVICE(s);
    PCMachineState *pcms = PC_MACHINE(qdev_get_machine());
    AmdviEngine *e;

    if (!s->svm.svm) {
        return;
    }
    e = g_new0(AmdviEngine, 1);
    e->s = s;
    e->features = amdvi_svm_build_features(s);
    e->pci_ops = build_pci_ops(&s->svm);
    qemu_mutex_init(&e->lock);
    seqlock_init(&e->view_lock);
    QLIST_INIT(&e->devices);
    e->command_bh = qemu_bh_new_guarded(amdvi_svm_command_bh, e,
                                        &dev->mem_reentrancy_guard);
    e->irq_bh = qemu_bh_new(amdvi_svm_irq_bh, e);
    e->response_bh = qemu_bh_new(amdvi_svm_response_bh, e);
    e->stop_bh = qemu_bh_new(amdvi_svm_stop_bh, e);
    e->response_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL,
                                     amdvi_svm_response_bh, e);
    s->engine = e;
    amdvi_svm_set_up_function(s);
    amdvi_svm_init_caches(e);
    amdvi_svm_init_ram();
    amdvi_svm_init_registers(e);
    e->reg[AMDVI_LAYOUT_msi_vector0].reset = amdvi_svm_misc_word(&s->svm);
    reset(e);
    X86_MACHINE(pcms)->ioapic_as =
        amdvi_svm_find_address_space(pcms->pcibus, s, AMDVI_IOAPIC_SB_DEVID);
    qemu_add_vm_change_state_handler(vm_state_changed, e);
    amdvi_svm_add_southbridge(e);
    if (tcg_enabled()) {
        /* A and D are set in tables that vCPUs change by locked instructions */
        tcg_set_parallel_devices();
    }
    /* As the stock model does it: what describes us depends on options */
    DEVICE_GET_CLASS(dev)->vmsd = &amdvi_svm_vmstate;
    vmstate_register_any(VMSTATE_IF(s->pci), &amdvi_svm_vmstate_function,
                         s->pci);
}
