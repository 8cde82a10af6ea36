/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function compatible with Intel's Data Streaming Accelerator, as far as
 * Linux's idxd driver and its users need it: the PCI side, reset, migration.
 * spec/dsa-device.md 2.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/misc/svm/qemu-api.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "system/runstate.h"
#include "trace.h"

#define BAR_REGISTERS 0
#define BAR_PORTALS 2
#define CAP_EXTENDED PCI_CONFIG_SPACE_SIZE
#define PASID_BITS 20
#define PAGE_REQUESTS 512
#define TLB_ENTRIES 4096
#define PORTALS_SIZE(queues) \
    pow2ceil((uint64_t)(queues) * DSA_PORTAL_PAGES * DSA_PORTAL_PAGE)

static void reset(DsaState *s)
{
    dsa_stop(s);
    dsa_regs_reset(s);
    for (uint32_t i = 0; i < s->slots_len; i++) {
        s->slots[i].present = 0;
    }
    svm_client_reset(&s->client);
}

static void dsa_reset_hold(Object *obj, ResetType type)
{
    reset(DSA(obj));
}

static void vm_state_change(void *opaque, bool running, RunState state)
{
    if (running) {
        dsa_kick(opaque);
    }
}

static void init_memory(DsaState *s)
{
    PCIDevice *dev = PCI_DEVICE(s);

    memory_region_init(&s->bar0, OBJECT(s), "dsa-bar0", DSA_BAR0_SIZE);
    memory_region_init_io(&s->regs_mr, OBJECT(s), &dsa_regs_ops, s,
                          "dsa-registers", DSA_CONFIG_END);
    memory_region_add_subregion(&s->bar0, 0, &s->regs_mr);
    pci_register_bar(dev, BAR_REGISTERS, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->bar0);

    s->slots_len = s->queues_len * (DSA_PORTAL_LIMITED + 1) * DSA_SLOTS;
    s->slots = g_new0(DsaSlot, s->slots_len);
    memory_region_init_io(&s->portals_mr, OBJECT(s), &dsa_portals_ops, s,
                          "dsa-portals", PORTALS_SIZE(s->queues_len));
    pci_register_bar(dev, BAR_PORTALS, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->portals_mr);
}

static bool init_capabilities(DsaState *s, Error **errp)
{
    PCIDevice *dev = PCI_DEVICE(s);
    SvmClientConfig config = {
        .cap_offset = CAP_EXTENDED,
        .pasid_bits = PASID_BITS,
        .ats = s->ats,
        .pri = s->pri,
        .page_requests = PAGE_REQUESTS,
        .tlb_entries = TLB_ENTRIES,
    };

    if (pcie_endpoint_cap_init(dev, 0) < 0) {
        error_setg(errp, "dsa: no room for the PCI Express capability");
        return false;
    }
    pcie_cap_flr_init(dev);
    /* The driver takes the number of vectors for that of queues, plus one */
    if (msix_init(dev, s->queues_len + 1, &s->bar0, BAR_REGISTERS,
                  DSA_MSIX_TABLE, &s->bar0, BAR_REGISTERS, DSA_MSIX_PBA, 0,
                  errp) < 0) {
        return false;
    }
    for (unsigned int i = 0; i <= s->queues_len; i++) {
        msix_vector_use(dev, i);
    }
    return svm_client_init(&s->client, dev, &config, errp);
}

static void dsa_realize(PCIDevice *dev, Error **errp)
{
    DsaState *s = DSA(dev);

    /* Without extended configuration space there are no ATS and no PASIDs */
    if (!pci_bus_is_express(pci_get_bus(dev))) {
        error_setg(errp, "dsa: not a PCI Express bus");
        return;
    }
    if (s->queues_len < 1 || s->queues_len > DSA_QUEUES_MAX) {
        error_setg(errp, "dsa: queues=%u is not from 1 to %u", s->queues_len,
                   DSA_QUEUES_MAX);
        return;
    }
    if (s->pri && !s->ats) {
        error_setg(errp, "dsa: pri=on needs ats=on");
        return;
    }
    QTAILQ_INIT(&s->tasks);
    QLIST_INIT(&s->contexts);
    init_memory(s);
    if (!init_capabilities(s, errp)) {
        g_free(s->slots);
        msix_uninit(dev, &s->bar0, &s->bar0);
        return;
    }
    s->bh = qemu_bh_new_guarded(dsa_run, s,
                                &DEVICE(dev)->mem_reentrancy_guard);
    s->vm_state = qemu_add_vm_change_state_handler(vm_state_change, s);
}

static void dsa_exit(PCIDevice *dev)
{
    DsaState *s = DSA(dev);

    dsa_stop(s);
    qemu_del_vm_change_state_handler(s->vm_state);
    qemu_bh_delete(s->bh);
    svm_client_cleanup(&s->client);
    msix_uninit(dev, &s->bar0, &s->bar0);
    g_free(s->slots);
}

static void dsa_config_write(PCIDevice *dev, uint32_t addr, uint32_t value,
                             int len)
{
    DsaState *s = DSA(dev);

    pci_default_write_config(dev, addr, value, len);
    svm_client_config_written(&s->client);
    pcie_cap_flr_write_config(dev, addr, value, len);
}

static const VMStateDescription vmstate_tags = {
    .name = "dsa/tags",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(ref, DsaDifTags),
        VMSTATE_UINT16(app, DsaDifTags),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_work = {
    .name = "dsa/work",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8_ARRAY(raw, DsaWork, DSA_DESC_BYTES),
        VMSTATE_UINT8(phase, DsaWork),
        VMSTATE_UINT8(status, DsaWork),
        VMSTATE_UINT8(result, DsaWork),
        VMSTATE_UINT8(retries, DsaWork),
        VMSTATE_BOOL(denied, DsaWork),
        VMSTATE_BOOL(aborted, DsaWork),
        VMSTATE_BOOL(fault_write, DsaWork),
        VMSTATE_UINT64(fault_address, DsaWork),
        VMSTATE_UINT64(request_address, DsaWork),
        VMSTATE_UINT32(done, DsaWork),
        VMSTATE_UINT32(invalid_flags, DsaWork),
        VMSTATE_UINT32(crc, DsaWork),
        VMSTATE_BOOL(seeded, DsaWork),
        VMSTATE_STRUCT(source_tags, DsaWork, 1, vmstate_tags, DsaDifTags),
        VMSTATE_STRUCT(dest_tags, DsaWork, 1, vmstate_tags, DsaDifTags),
        VMSTATE_END_OF_LIST()
    }
};

/* Entries of a list are not cleared before they are loaded */
static int task_pre_load(void *opaque)
{
    memset(opaque, 0, sizeof(DsaTask));
    return 0;
}

static const VMStateDescription vmstate_task = {
    .name = "dsa/task",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = task_pre_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(sequence, DsaTask),
        VMSTATE_UINT32(queue, DsaTask),
        VMSTATE_BOOL(active, DsaTask),
        VMSTATE_BOOL(waiting, DsaTask),
        VMSTATE_STRUCT(own, DsaTask, 1, vmstate_work, DsaWork),
        VMSTATE_UINT32(list_bytes, DsaTask),
        VMSTATE_VBUFFER_ALLOC_UINT32(list, DsaTask, 1, NULL, list_bytes),
        VMSTATE_UINT8(batch_id, DsaTask),
        VMSTATE_BOOL(member_failed, DsaTask),
        VMSTATE_BOOL(member_logged, DsaTask),
        VMSTATE_STRUCT(member, DsaTask, 1, vmstate_work, DsaWork),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_queue = {
    .name = "dsa/queue",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(config, DsaQueue, DSA_QUEUE_DWORDS),
        VMSTATE_BOOL(enabled, DsaQueue),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_slot = {
    .name = "dsa/slot",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8_ARRAY(bytes, DsaSlot, DSA_DESC_BYTES),
        VMSTATE_UINT8(present, DsaSlot),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_command = {
    .name = "dsa/command",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(word, DsaCommand),
        VMSTATE_BOOL(active, DsaCommand),
        VMSTATE_UINT64(before, DsaCommand),
        VMSTATE_UINT64(queues, DsaCommand),
        VMSTATE_UINT32(pasid, DsaCommand),
        VMSTATE_END_OF_LIST()
    }
};

/* The destination reads the whole list again if it had not been read */
static bool task_is_sound(DsaState *s, DsaTask *task)
{
    bool in_members = task->own.phase == DSA_PHASE_MEMBERS;
    uint32_t count = dsa_desc32(&task->own, DSA_DESC_SIZE);

    if (task->queue >= s->queues_len || task->own.phase >= DSA_PHASE_DONE ||
        task->member.phase > DSA_PHASE_DONE ||
        task->member.phase == DSA_PHASE_MEMBERS ||
        task->list_bytes > DSA_CHUNK ||
        task->list_bytes % DSA_DESC_BYTES) {
        return false;
    }
    if (!in_members) {
        task->list_bytes = 0;
        g_clear_pointer(&task->list, g_free);
    }
    return !in_members ||
           (task->list_bytes / DSA_DESC_BYTES <= count &&
            task->own.done <= task->list_bytes / DSA_DESC_BYTES);
}

static int dsa_pre_load(void *opaque)
{
    dsa_stop(opaque);
    return 0;
}

static bool reopen(DsaState *s, DsaQueue *queue)
{
    uint32_t mode = queue->config[DSA_QCFG_MODE];
    uint32_t pasid = mode & DSA_QUEUE_PASID_ENABLE ? DSA_QUEUE_PASID(mode)
                                                   : PCI_NO_PASID;

    if (!queue->context) {
        queue->context = dsa_context_get(s, pasid, NULL);
    }
    return queue->context;
}

/* Contexts and counts are made anew from queues and tasks */
static int dsa_post_load(void *opaque, int version_id)
{
    DsaState *s = opaque;
    DsaTask *task;

    for (unsigned int i = 0; i < s->queues_len; i++) {
        if (s->queues[i].enabled && !reopen(s, &s->queues[i])) {
            return -EINVAL;
        }
    }
    QTAILQ_FOREACH(task, &s->tasks, next) {
        DsaQueue *queue;

        task->s = s;
        if (!task_is_sound(s, task)) {
            return -EINVAL;
        }
        queue = dsa_task_queue(task);
        if (!reopen(s, queue)) {
            return -EINVAL;
        }
        queue->active += task->active;
        queue->waiting += !task->active;
        dsa_adopt_request(task);
    }
    dsa_open_log(s);
    return 0;
}

static const VMStateDescription vmstate_dsa = {
    .name = TYPE_DSA,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = dsa_pre_load,
    .post_load = dsa_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, DsaState),
        VMSTATE_MSIX(parent_obj, DsaState),
        VMSTATE_SVM_CLIENT(client, DsaState),
        VMSTATE_UINT8_EQUAL(queues_len, DsaState, NULL),
        VMSTATE_UINT64_ARRAY(regs, DsaState, DSA_REGS_SIZE / 8),
        VMSTATE_UINT64_2DARRAY(groups, DsaState, DSA_GROUPS,
                               DSA_GROUP_STRIDE / 8),
        VMSTATE_UINT64_ARRAY(permissions, DsaState, DSA_QUEUES_MAX + 1),
        VMSTATE_STRUCT_ARRAY(queues, DsaState, DSA_QUEUES_MAX, 1,
                             vmstate_queue, DsaQueue),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT32(slots, DsaState, slots_len,
                                             vmstate_slot, DsaSlot),
        VMSTATE_QTAILQ_V(tasks, DsaState, 1, vmstate_task, DsaTask, next),
        VMSTATE_UINT64(sequence, DsaState),
        VMSTATE_UINT64(last_stepped, DsaState),
        VMSTATE_STRUCT(command, DsaState, 1, vmstate_command, DsaCommand),
        VMSTATE_UINT8(next_batch_id, DsaState),
        VMSTATE_END_OF_LIST()
    }
};

static const Property dsa_properties[] = {
    DEFINE_PROP_UINT8("queues", DsaState, queues_len, DSA_QUEUES_DEFAULT),
    DEFINE_PROP_BOOL("ats", DsaState, ats, true),
    DEFINE_PROP_BOOL("pri", DsaState, pri, true),
};

static void dsa_class_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = dsa_realize;
    k->exit = dsa_exit;
    k->config_write = dsa_config_write;
    k->vendor_id = DSA_VENDOR_ID;
    k->device_id = DSA_DEVICE_ID;
    k->class_id = PCI_CLASS_SYSTEM_OTHER;
    rc->phases.hold = dsa_reset_hold;
    dc->desc = "Accelerator for data movement (Intel DSA compatible)";
    dc->vmsd = &vmstate_dsa;
    device_class_set_props(dc, dsa_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo dsa_info = {
    .name = TYPE_DSA,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(DsaState),
    .class_init = dsa_class_init,
    .interfaces = (const InterfaceInfo[]) {
        { INTERFACE_PCIE_DEVICE },
        { }
    },
};

static void dsa_register_types(void)
{
    type_register_static(&dsa_info);
}

type_init(dsa_register_types)
