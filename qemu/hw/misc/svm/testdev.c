/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svm-testdev: a PCI Express function that sends any request an IOMMU for
 * shared virtual memory can get, one at a time, and shows all that comes
 * back.  docs/specs/svm-testdev.md is its manual.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "hw/pci/msi.h"
#include "hw/pci/pcie.h"
#include "hw/misc/svm/qemu-api.h"
#include "migration/vmstate.h"
#include "testdev.h"
#include "trace.h"

#define PCIE_CAP_OFFSET 0x80
#define SVM_CAP_OFFSET PCI_CONFIG_SPACE_SIZE
#define PASID_MAX 0xfffff
#define RETRIES_DEFAULT 8

/* A register: what the guest can write, or where its value comes from */
typedef struct TestdevRegister {
    const char *name;           /* NULL: there is none */
    uint64_t writable;
    uint64_t clears;            /* written ones clear these */
    uint64_t initial;
    uint64_t (*read)(SvmTestdev *s);
    void (*written)(SvmTestdev *s);
    size_t counter;             /* offset in SvmCounters plus 1 */
} TestdevRegister;

static uint64_t read_caps(SvmTestdev *s)
{
    return s->config.tlb_entries | (uint64_t)s->config.pasid_bits << 32 |
           (uint64_t)TESTDEV_INVALIDATION_LOG_LEN << 40 |
           (uint64_t)TESTDEV_RESPONSE_LOG_LEN << 48;
}

static uint64_t read_outstanding(SvmTestdev *s)
{
    return svm_client_outstanding(&s->client);
}

static uint64_t read_contexts(SvmTestdev *s)
{
    return s->contexts;
}

/* The entry of the TLB that TLB_INDEX selects; all zero if there is none */
static SvmTlbEntry selected_entry(SvmTestdev *s)
{
    uint64_t index = *testdev_reg(s, TESTDEV_TLB_INDEX);
    SvmTlbEntry entry = { };

    if (index < svm_client_tlb_size(&s->client)) {
        svm_client_tlb_entry(&s->client, index, &entry);
    }
    return entry.perm ? entry : (SvmTlbEntry) { };
}

static uint64_t read_tlb_iova(SvmTestdev *s)
{
    return selected_entry(s).iova;
}

static uint64_t read_tlb_address(SvmTestdev *s)
{
    return selected_entry(s).addr;
}

static uint64_t read_tlb_info(SvmTestdev *s)
{
    SvmTlbEntry entry = selected_entry(s);
    uint64_t pasid = entry.pasid == PCI_NO_PASID ? 0 :
                     entry.pasid | TESTDEV_TLB_HAS_PASID;

    return entry.perm ? pasid | (uint64_t)entry.perm << 32 |
                        (uint64_t)entry.shift << 40 | TESTDEV_TLB_VALID : 0;
}

static void command_written(SvmTestdev *s)
{
    testdev_command(s, *testdev_reg(s, TESTDEV_COMMAND));
}

static void misbehave_written(SvmTestdev *s)
{
    svm_client_set_deaf(&s->client, *testdev_reg(s, TESTDEV_MISBEHAVE) &
                                    TESTDEV_KEEP_STALE);
}

static void int_enable_written(SvmTestdev *s)
{
    testdev_interrupt(s, 0);
}

#define REG(n) [TESTDEV_##n / 8] = { .name = #n }
#define REG_RW(n, mask, ...) \
    [TESTDEV_##n / 8] = { .name = #n, .writable = (mask), __VA_ARGS__ }
#define REG_CALL(n, call) [TESTDEV_##n / 8] = { .name = #n, .read = (call) }
#define REG_COUNT(n, field) \
    [TESTDEV_COUNT_##n / 8] = { .name = "COUNT_" #n, \
                                .counter = offsetof(SvmCounters, field) + 1 }

static const TestdevRegister registers[TESTDEV_REGS] = {
    [TESTDEV_ID / 8] = { .name = "ID", .initial = TESTDEV_ID_VALUE },
    REG_CALL(CAPS, read_caps),
    REG(STATUS),
    REG_RW(COMMAND, 0xff, .written = command_written),
    REG_RW(FLAGS, TESTDEV_FLAGS_ALL),
    REG_RW(PASID, PASID_MAX),
    REG_RW(ADDRESS, UINT64_MAX),
    REG_RW(LENGTH, UINT32_MAX),
    REG_RW(BUFFER, UINT32_MAX),
    REG_RW(PRG_INDEX, PCI_PRI_PRGI_MASK),
    REG_RW(RETRIES, 0xff, .initial = RETRIES_DEFAULT),
    REG_RW(GROUP, 0xff, .initial = 1),
    REG(RESULT),
    REG(DONE),
    REG(FAULT_ADDRESS),
    REG(REQUESTED),
    REG(ATS_RESULT),
    REG(ATS_LACKING),
    REG(PRI_RESULT),
    REG(RESPONSE),
    REG(RESPONSES),
    REG(INVALIDATIONS),
    REG_RW(MISBEHAVE, TESTDEV_MISBEHAVE_ALL, .written = misbehave_written),
    REG_CALL(OUTSTANDING, read_outstanding),
    [TESTDEV_INT_STATUS / 8] = { .name = "INT_STATUS",
                                 .clears = TESTDEV_INT_ALL },
    REG_RW(INT_ENABLE, TESTDEV_INT_ALL, .written = int_enable_written),
    REG_CALL(CONTEXTS, read_contexts),
    REG_COUNT(ATS_REQUESTS, ats_requests),
    REG_COUNT(ATS_ERRORS, ats_errors),
    REG_COUNT(TLB_HITS, tlb_hits),
    REG_COUNT(TLB_MISSES, tlb_misses),
    REG_COUNT(INVALIDATIONS, invalidations),
    REG_COUNT(DROPPED, dropped),
    REG_COUNT(PAGE_REQUESTS, page_requests),
    REG_COUNT(SUCCESS, responses[IOMMU_PRI_RESP_SUCCESS]),
    REG_COUNT(INVALID, responses[IOMMU_PRI_RESP_INVALID_REQUEST]),
    REG_COUNT(FAILURE, responses[IOMMU_PRI_RESP_FAILURE]),
    REG_COUNT(UNEXPECTED, unexpected),
    REG_COUNT(STUCK, stuck),
    REG_RW(TLB_INDEX, UINT32_MAX),
    REG_CALL(TLB_IOVA, read_tlb_iova),
    REG_CALL(TLB_ADDRESS, read_tlb_address),
    REG_CALL(TLB_INFO, read_tlb_info),
    REG_RW(BENCH_COUNT, UINT32_MAX),
    REG_RW(BENCH_PAGES, UINT32_MAX, .initial = 1),
    REG_RW(BENCH_SEED, UINT64_MAX),
    REG(BENCH_DONE),
    REG(BENCH_NS),
    REG(BENCH_FAILED),
    REG_RW(BENCH_SHIFT, 0xff, .initial = 12),
    REG_RW(BENCH_PASIDS, UINT32_MAX, .initial = 1),
    REG_RW(BENCH_FUNCTIONS, UINT32_MAX, .initial = 1),
    REG_RW(BENCH_STORE_EVERY, UINT32_MAX),
    REG_RW(BENCH_STORE_ADDRESS, UINT64_MAX),
    REG_RW(BENCH_STORE_VALUE, UINT64_MAX),
    REG_RW(BENCH_STORE_STEP, UINT32_MAX),
    REG_RW(BENCH_STORE_SIZE, UINT32_MAX),
};

static uint64_t read_register(SvmTestdev *s, unsigned int index)
{
    const TestdevRegister *info = &registers[index];
    SvmCounters counters;

    if (info->counter) {
        svm_client_get_counters(&s->client, &counters);
        return *(uint64_t *)((char *)&counters + (info->counter - 1));
    }
    return info->read ? info->read(s) : s->reg[index];
}

/* The 64-bit words behind the registers; anything else reads as zero */
static uint64_t read_word(SvmTestdev *s, hwaddr addr)
{
    hwaddr at;

    if (addr < TESTDEV_REGS_SIZE) {
        return read_register(s, addr / 8);
    }
    at = addr - TESTDEV_COMPLETIONS;
    if (at < sizeof(s->completion)) {
        return (&s->completion[0][0])[at / 8];
    }
    at = addr - TESTDEV_INVALIDATION_LOG;
    if (at < sizeof(s->invalidation)) {
        return (&s->invalidation[0][0])[at / 8];
    }
    at = addr - TESTDEV_RESPONSE_LOG;
    if (at < sizeof(s->response)) {
        return (&s->response[0][0])[at / 8];
    }
    return 0;
}

static uint64_t regs_read(void *opaque, hwaddr addr, unsigned size)
{
    uint64_t value = read_word(opaque, addr) >> (addr % 8 * 8);

    value &= MAKE_64BIT_MASK(0, size * 8);
    trace_svm_testdev_reg_read(addr, size, value);
    return value;
}

static void regs_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    SvmTestdev *s = opaque;
    uint64_t mask = MAKE_64BIT_MASK(addr % 8 * 8, size * 8);
    const TestdevRegister *info;
    uint64_t *reg;

    trace_svm_testdev_reg_write(addr, size, value);
    if (addr >= TESTDEV_REGS_SIZE ||
        !(registers[addr / 8].writable | registers[addr / 8].clears)) {
        qemu_log_mask(LOG_GUEST_ERROR, "svm-testdev: nothing can be written "
                      "at offset 0x%" HWADDR_PRIx "\n", addr);
        return;
    }
    info = &registers[addr / 8];
    reg = &s->reg[addr / 8];
    value = value << (addr % 8 * 8) & mask;
    *reg = (*reg & ~(mask & info->writable)) | (value & info->writable);
    *reg &= ~(value & info->clears);
    /* What is written in halves takes effect with the lower one */
    if (info->written && addr % 8 == 0) {
        info->written(s);
    }
}

static const MemoryRegionOps regs_ops = {
    .read = regs_read,
    .write = regs_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 8 },
};

static uint64_t data_read(void *opaque, hwaddr addr, unsigned size)
{
    SvmTestdev *s = opaque;

    return ldn_le_p(&s->data[addr], size);
}

static void data_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    SvmTestdev *s = opaque;

    stn_le_p(&s->data[addr], size, value);
}

static const MemoryRegionOps data_ops = {
    .read = data_read,
    .write = data_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void irq_bh(void *opaque)
{
    SvmTestdev *s = opaque;

    if (*testdev_reg(s, TESTDEV_INT_STATUS) &
        *testdev_reg(s, TESTDEV_INT_ENABLE) && msi_enabled(PCI_DEVICE(s))) {
        msi_notify(PCI_DEVICE(s), 0);
    }
}

/*
 * The message is sent later: what happens may be a response or an
 * invalidation, in the middle of a command of the IOMMU.
 */
void testdev_interrupt(SvmTestdev *s, uint32_t bits)
{
    *testdev_reg(s, TESTDEV_INT_STATUS) |= bits;
    qemu_bh_schedule(s->irq_bh);
}

void testdev_note_invalidation(SvmTestdev *s, uint64_t who, uint64_t first,
                               uint64_t last)
{
    uint64_t *count = testdev_reg(s, TESTDEV_INVALIDATIONS);
    uint64_t *entry = s->invalidation[*count % TESTDEV_INVALIDATION_LOG_LEN];

    entry[0] = ++*count;
    entry[1] = first;
    entry[2] = last;
    entry[3] = who;
    testdev_interrupt(s, TESTDEV_INT_INVALIDATION);
}

static void note_invalidation(void *opaque, uint32_t pasid, uint64_t first,
                              uint64_t last)
{
    trace_svm_testdev_invalidated(pasid, first, last);
    testdev_note_invalidation(opaque, pasid == PCI_NO_PASID ? 0 :
                              pasid | TESTDEV_TLB_HAS_PASID, first, last);
}

/* Log it, and say whether it is for a page request sent as such */
static bool note_response(void *opaque, uint32_t pasid,
                          const IOMMUPRIResponse *response)
{
    SvmTestdev *s = opaque;
    uint16_t prgi = response->prgi & PCI_PRI_PRGI_MASK;
    uint64_t *raw = &s->raw_requests[prgi / 64];
    bool ours = *raw & 1ULL << prgi % 64;
    uint64_t *count = testdev_reg(s, TESTDEV_RESPONSES);
    uint64_t *entry = s->response[*count % TESTDEV_RESPONSE_LOG_LEN];

    *raw &= ~(1ULL << prgi % 64);
    entry[0] = ++*count;
    entry[1] = TESTDEV_RESPONSE_VALID | response->prgi |
               (uint64_t)(response->response_code & 0xf) << 16;
    if (pasid != PCI_NO_PASID) {
        entry[1] |= (uint64_t)pasid << 32 | TESTDEV_RESPONSE_HAS_PASID;
    }
    *testdev_reg(s, TESTDEV_RESPONSE) = entry[1];
    testdev_interrupt(s, TESTDEV_INT_RESPONSE);
    return ours;
}

static const SvmClientHooks hooks = {
    .invalidated = note_invalidation,
    .responded = note_response,
};

static void init_bar(SvmTestdev *s)
{
    memory_region_init(&s->bar, OBJECT(s), "svm-testdev", TESTDEV_BAR_SIZE);
    memory_region_init_io(&s->regs_mr, OBJECT(s), &regs_ops, s,
                          "svm-testdev-regs", TESTDEV_DATA);
    memory_region_init_io(&s->data_mr, OBJECT(s), &data_ops, s,
                          "svm-testdev-data", TESTDEV_DATA_SIZE);
    memory_region_add_subregion(&s->bar, 0, &s->regs_mr);
    memory_region_add_subregion(&s->bar, TESTDEV_DATA, &s->data_mr);
    pci_register_bar(PCI_DEVICE(s), 0, PCI_BASE_ADDRESS_SPACE_MEMORY |
                     PCI_BASE_ADDRESS_MEM_TYPE_64, &s->bar);
}

static void clear_state(SvmTestdev *s)
{
    for (int i = 0; i < TESTDEV_REGS; i++) {
        s->reg[i] = registers[i].initial;
    }
    memset(s->completion, 0, sizeof(s->completion));
    memset(s->invalidation, 0, sizeof(s->invalidation));
    memset(s->response, 0, sizeof(s->response));
    memset(s->data, 0, sizeof(s->data));
    memset(s->raw_requests, 0, sizeof(s->raw_requests));
    s->op = (TestdevOp) { };
    s->contexts = 0;
}

static void unrealize(PCIDevice *dev)
{
    SvmTestdev *s = SVM_TESTDEV(dev);

    testdev_stop_listening(s);
    svm_client_cleanup(&s->client);
    qemu_bh_delete(s->irq_bh);
    qemu_bh_delete(s->bench_bh);
    s->bench_bh = NULL;
    pcie_cap_exit(dev);
    msi_uninit(dev);
}

static void realize(PCIDevice *dev, Error **errp)
{
    SvmTestdev *s = SVM_TESTDEV(dev);
    MemReentrancyGuard *guard = &DEVICE(dev)->mem_reentrancy_guard;

    s->config.cap_offset = SVM_CAP_OFFSET;
    s->config.hooks = &hooks;
    s->config.opaque = s;
    if (!s->config.pasid_bits) {
        error_setg(errp, "svm-testdev: pasid-bits is 1 to 20");
        return;
    }
    /* An access on its way would lose the bus under its feet */
    if (s->iothread && qbus_is_hotpluggable(qdev_get_parent_bus(DEVICE(dev)))) {
        error_setg(errp, "svm-testdev: iothread works only where functions "
                   "cannot be unplugged");
        return;
    }
    if (pcie_endpoint_cap_init(dev, PCIE_CAP_OFFSET) < 0) {
        error_setg(errp, "svm-testdev: no PCI Express capability");
        return;
    }
    pcie_cap_flr_init(dev);
    if (msi_init(dev, 0, 1, true, false, errp)) {
        return;
    }
    if (!svm_client_init(&s->client, dev, &s->config, errp)) {
        msi_uninit(dev);
        return;
    }
    init_bar(s);
    s->irq_bh = qemu_bh_new_guarded(irq_bh, s, guard);
    s->bench_bh = qemu_bh_new_guarded(testdev_bench, s, guard);
    clear_state(s);
    if (!testdev_listen(s, errp)) {
        unrealize(dev);
    }
}

static void reset(DeviceState *dev)
{
    SvmTestdev *s = SVM_TESTDEV(dev);

    svm_client_reset(&s->client);
    qemu_bh_cancel(s->irq_bh);
    qemu_bh_cancel(s->bench_bh);
    clear_state(s);
}

static void write_config(PCIDevice *dev, uint32_t addr, uint32_t val, int len)
{
    SvmTestdev *s = SVM_TESTDEV(dev);

    pci_default_write_config(dev, addr, val, len);
    pcie_cap_flr_write_config(dev, addr, val, len);
    svm_client_config_written(&s->client);
}

static int pre_save(void *opaque)
{
    SvmTestdev *s = opaque;
    SvmContext *ctx;

    s->open_len = 0;
    QLIST_FOREACH(ctx, &s->client.contexts, next) {
        s->open_pasid[s->open_len++] = ctx->pasid;
    }
    return 0;
}

static bool is_sane(const SvmTestdev *s)
{
    return s->open_len <= TESTDEV_CONTEXTS_MAX &&
           s->op.len <= TESTDEV_DATA_SIZE &&
           s->op.buffer <= TESTDEV_DATA_SIZE - s->op.len &&
           s->reg[TESTDEV_DONE / 8] <= s->op.len &&
           (testdev_bench_is_sane(s) || !s->op.left);
}

static int post_load(void *opaque, int version_id)
{
    SvmTestdev *s = opaque;

    if (!is_sane(s)) {
        return -EINVAL;
    }
    s->contexts = 0;
    for (uint32_t i = 0; i < s->open_len; i++) {
        testdev_context(s, s->open_pasid[i]);
    }
    testdev_resume(s);
    testdev_interrupt(s, 0);
    return 0;
}

static const VMStateDescription vmstate_op = {
    .name = "svm-testdev/op",
    .version_id = 2,
    .minimum_version_id = 2,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(command, TestdevOp),
        VMSTATE_UINT32(flags, TestdevOp),
        VMSTATE_UINT32(pasid, TestdevOp),
        VMSTATE_UINT64(addr, TestdevOp),
        VMSTATE_UINT32(len, TestdevOp),
        VMSTATE_UINT32(buffer, TestdevOp),
        VMSTATE_UINT32(tries, TestdevOp),
        VMSTATE_UINT64(left, TestdevOp),
        VMSTATE_UINT64(pages, TestdevOp),
        VMSTATE_UINT64(random, TestdevOp),
        VMSTATE_UINT64(next, TestdevOp),
        VMSTATE_UINT32(shift, TestdevOp),
        VMSTATE_UINT32(pasid_first, TestdevOp),
        VMSTATE_UINT32(pasids, TestdevOp),
        VMSTATE_UINT32(functions, TestdevOp),
        VMSTATE_UINT64(store_every, TestdevOp),
        VMSTATE_UINT64(stored, TestdevOp),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_testdev = {
    .name = TYPE_SVM_TESTDEV,
    .version_id = 2,
    .minimum_version_id = 2,
    .pre_save = pre_save,
    .post_load = post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, SvmTestdev),
        VMSTATE_SVM_CLIENT(client, SvmTestdev),
        VMSTATE_UINT64_ARRAY(reg, SvmTestdev, TESTDEV_REGS),
        VMSTATE_UINT64_2DARRAY(completion, SvmTestdev,
                               TESTDEV_COMPLETIONS_LEN, 4),
        VMSTATE_UINT64_2DARRAY(invalidation, SvmTestdev,
                               TESTDEV_INVALIDATION_LOG_LEN, 4),
        VMSTATE_UINT64_2DARRAY(response, SvmTestdev,
                               TESTDEV_RESPONSE_LOG_LEN, 2),
        VMSTATE_UINT8_ARRAY(data, SvmTestdev, TESTDEV_DATA_SIZE),
        VMSTATE_STRUCT(op, SvmTestdev, 2, vmstate_op, TestdevOp),
        VMSTATE_UINT64_ARRAY(raw_requests, SvmTestdev, SVM_PRG_INDEXES / 64),
        VMSTATE_UINT32(open_len, SvmTestdev),
        VMSTATE_UINT32_ARRAY(open_pasid, SvmTestdev, TESTDEV_CONTEXTS_MAX),
        VMSTATE_END_OF_LIST()
    },
};

static const Property properties[] = {
    DEFINE_PROP_UINT8("pasid-bits", SvmTestdev, config.pasid_bits, 20),
    DEFINE_PROP_BOOL("exec", SvmTestdev, config.exec, true),
    DEFINE_PROP_BOOL("priv", SvmTestdev, config.priv, true),
    DEFINE_PROP_BOOL("ats", SvmTestdev, config.ats, true),
    DEFINE_PROP_BOOL("pri", SvmTestdev, config.pri, true),
    DEFINE_PROP_BOOL("prg-response-pasid", SvmTestdev, config.response_pasid,
                     false),
    DEFINE_PROP_UINT32("page-requests", SvmTestdev, config.page_requests, 64),
    DEFINE_PROP_BOOL("unmap-notifier", SvmTestdev, unmap_notifier, false),
    DEFINE_PROP_BOOL("map-notifier", SvmTestdev, map_notifier, false),
    DEFINE_PROP_UINT32("tlb-entries", SvmTestdev, config.tlb_entries, 256),
    DEFINE_PROP_LINK("iothread", SvmTestdev, iothread, TYPE_IOTHREAD,
                     IOThread *),
};

static void class_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = realize;
    k->exit = unrealize;
    k->config_write = write_config;
    k->vendor_id = TESTDEV_VENDOR_ID;
    k->device_id = TESTDEV_DEVICE_ID;
    k->revision = 1;
    k->class_id = PCI_CLASS_OTHERS;
    dc->desc = "test device for shared virtual memory";
    dc->vmsd = &vmstate_testdev;
    device_class_set_legacy_reset(dc, reset);
    device_class_set_props(dc, properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo testdev_info = {
    .name = TYPE_SVM_TESTDEV,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(SvmTestdev),
    .class_init = class_init,
    .interfaces = (const InterfaceInfo[]) {
        { INTERFACE_PCIE_DEVICE },
        { }
    },
};

static void register_types(void)
{
    type_register_static(&testdev_info);
}

type_init(register_types)
