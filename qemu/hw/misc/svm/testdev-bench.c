/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The benchmarks of svm-testdev: one operation again and again, in slices, so
 * that the rest of the machine goes on.  What is between two readings of the
 * clock is in testdev_bench_slice(), and instructions are counted there, too.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/address-spaces.h"
#include "testdev.h"

#define PAGE_BYTES 4096
/* Accesses before the main loop gets its turn */
#define SLICE 1024
#define SHIFT_MAX 40

/* xorshift64: never 0 if it was not 0 */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Write where the IOMMU's registers are, as a processor would */
static bool store(SvmTestdev *s)
{
    uint64_t size = *testdev_reg(s, TESTDEV_BENCH_STORE_SIZE);
    uint64_t *value = testdev_reg(s, TESTDEV_BENCH_STORE_VALUE);
    uint64_t bytes;

    *value += *testdev_reg(s, TESTDEV_BENCH_STORE_STEP);
    *value = size ? *value % size : *value;
    bytes = cpu_to_le64(*value);
    return address_space_write(&address_space_memory,
                               *testdev_reg(s, TESTDEV_BENCH_STORE_ADDRESS),
                               MEMTXATTRS_UNSPECIFIED, &bytes,
                               sizeof(bytes)) == MEMTX_OK;
}

/* One ATS request */
static bool request(SvmTestdev *s, const TestdevOp *op, uint64_t addr)
{
    IOMMUTLBEntry entry;
    uint32_t lacking;

    return pci_ats_request_translation(
        PCI_DEVICE(s), op->pasid, op->flags & TESTDEV_FLAG_PRIV,
        op->flags & TESTDEV_FLAG_EXEC, addr, op->len, !testdev_is_write(op),
        &entry, 1, &lacking) == 1 && !lacking;
}

/* Data through the memory core, as devices do that know of no PASID */
static bool plain(SvmTestdev *s, const TestdevOp *op, uint64_t addr,
                  void *buf)
{
    return pci_dma_rw(PCI_DEVICE(s), addr, buf, op->len,
                      testdev_is_write(op) ? DMA_DIRECTION_FROM_DEVICE
                                           : DMA_DIRECTION_TO_DEVICE,
                      MEMTXATTRS_UNSPECIFIED) == MEMTX_OK;
}

/* Only what the memory core asks the IOMMU */
static bool translate(const TestdevSender *from, const TestdevOp *op,
                      uint64_t addr)
{
    IOMMUAccessFlags flag = testdev_is_write(op) ? IOMMU_WO : IOMMU_RO;
    IOMMUMemoryRegionClass *class;
    IOMMUTLBEntry entry;

    if (!from->region) {
        return false;
    }
    class = memory_region_get_iommu_class_nocheck(from->region);
    entry = class->translate(from->region, addr - from->base, flag, 0);
    return entry.perm & flag;
}

static bool access_once(const TestdevSender *from, const TestdevOp *op,
                        uint64_t addr, void *buf)
{
    uint64_t fault;
    size_t done;

    switch (op->flags & TESTDEV_FLAG_PATH) {
    case TESTDEV_PATH_ATS:
        return request(from->dev, op, addr);
    case TESTDEV_PATH_CORE:
        return plain(from->dev, op, addr, buf);
    case TESTDEV_PATH_REGION:
        return translate(from, op, addr);
    default:
        return testdev_transfer(from->dev, op, addr, buf, op->len, &done,
                                &fault) == SVM_OK;
    }
}

/* Access number @n: who sends it, with which PASID, for which page */
static bool bench_once(TestdevSlice *slice, TestdevOp *op, uint64_t n,
                       uint8_t *buf)
{
    uint64_t page = n % op->pages, rest = n / op->pages;

    if (op->pasids > 1) {
        op->pasid = op->pasid_first + rest % op->pasids;
        rest /= op->pasids;
    }
    return access_once(&slice->sender[rest % slice->senders], op,
                       op->addr + (page << op->shift), buf);
}

/* Not static, so that tests/bench/run can name it */
void testdev_bench_slice(SvmTestdev *s)
{
    TestdevSlice *slice = &s->slice;
    TestdevOp *op = &slice->op;
    bool access = op->command != TESTDEV_CMD_BENCH_STORE;
    int64_t began = get_clock();

    slice->failed = 0;
    for (uint64_t i = 0; i < slice->count; i++) {
        if (access) {
            uint64_t n = op->random ? next_random(&op->random) : op->next++;

            slice->failed += !bench_once(slice, op, n, slice->data);
        }
        if (op->store_every && ++op->stored == op->store_every) {
            op->stored = 0;
            slice->failed += !store(s);
        }
    }
    slice->ns = get_clock() - began;
}

static void slice_over(void *opaque)
{
    SvmTestdev *s = opaque;

    s->slice.running = false;
    if (s->bench_bh) {
        qemu_bh_schedule(s->bench_bh);
    }
    object_unref(OBJECT(s));
}

/* In the I/O thread, without the big lock */
static void slice_in_thread(void *opaque)
{
    testdev_bench_slice(opaque);
    aio_bh_schedule_oneshot(qemu_get_aio_context(), slice_over, opaque);
}

/* The region of the IOMMU that @from sends to, if there is one */
static void find_region(TestdevSender *from, uint64_t addr)
{
    PCIDevice *dev = PCI_DEVICE(from->dev);
    MemoryRegionSection found = memory_region_find(
        &dev->bus_master_container_region, addr, 1);

    from->region = NULL;
    if (found.mr && memory_region_is_iommu(found.mr)) {
        from->region = IOMMU_MEMORY_REGION(found.mr);
        from->base = addr - found.offset_within_region;
    }
    if (found.mr) {
        memory_region_unref(found.mr);
    }
}

static void add_sender(SvmTestdev *s, SvmTestdev *dev)
{
    TestdevSender *from = &s->slice.sender[s->slice.senders++];

    from->dev = dev;
    if ((s->op.flags & TESTDEV_FLAG_PATH) == TESTDEV_PATH_REGION) {
        find_region(from, s->op.addr);
    }
}

/* The others on a bus, in the order of their numbers */
static void add_bus(PCIBus *bus, void *opaque)
{
    SvmTestdev *s = opaque;

    for (int devfn = 0; devfn < PCI_DEVFN_MAX; devfn++) {
        Object *dev = bus->devices[devfn] ? OBJECT(bus->devices[devfn]) : NULL;

        if (dev && dev != OBJECT(s) && s->slice.senders < s->op.functions &&
            object_dynamic_cast(dev, TYPE_SVM_TESTDEV)) {
            add_sender(s, SVM_TESTDEV(dev));
        }
    }
}

/* This function, and others of its kind in the machine if they are wanted */
static void find_senders(SvmTestdev *s)
{
    s->slice.senders = 0;
    add_sender(s, s);
    if (s->op.functions > 1) {
        pci_for_each_bus(pci_device_root_bus(PCI_DEVICE(s)), add_bus, s);
    }
}

static bool is_bench(const TestdevOp *op)
{
    return op->command == TESTDEV_CMD_BENCH_READ ||
           op->command == TESTDEV_CMD_BENCH_WRITE ||
           op->command == TESTDEV_CMD_BENCH_STORE;
}

/* Count the last slice, unless it belongs to a benchmark that was cancelled */
static void account(SvmTestdev *s)
{
    TestdevSlice *slice = &s->slice;
    TestdevOp *op = &s->op;

    if (slice->count && slice->number == s->bench_number) {
        *testdev_reg(s, TESTDEV_BENCH_NS) += slice->ns;
        *testdev_reg(s, TESTDEV_BENCH_DONE) += slice->count;
        *testdev_reg(s, TESTDEV_BENCH_FAILED) += slice->failed;
        op->left -= slice->count;
        op->next = slice->op.next;
        op->random = slice->op.random;
        op->stored = slice->op.stored;
    }
    slice->count = 0;
}

static void begin_slice(SvmTestdev *s)
{
    TestdevSlice *slice = &s->slice;

    slice->op = s->op;
    slice->number = s->bench_number;
    slice->count = MIN(s->op.left, SLICE);
    find_senders(s);
    if (!s->iothread) {
        testdev_bench_slice(s);
        qemu_bh_schedule(s->bench_bh);
        return;
    }
    /* Somebody has to look for the IOMMU while there is the big lock */
    pci_pasid_dma_available(PCI_DEVICE(s));
    slice->running = true;
    object_ref(OBJECT(s));
    aio_bh_schedule_oneshot(iothread_get_aio_context(s->iothread),
                            slice_in_thread, s);
}

void testdev_bench(void *opaque)
{
    SvmTestdev *s = opaque;

    if (s->slice.running || !is_bench(&s->op)) {
        return;
    }
    account(s);
    if (s->op.left) {
        begin_slice(s);
    } else {
        testdev_finish(s, TESTDEV_OK);
    }
}

/* An I/O thread can neither open contexts nor write registers */
bool testdev_bench_is_sane(const SvmTestdev *s)
{
    const TestdevOp *op = &s->op;
    uint32_t path = op->flags & TESTDEV_FLAG_PATH;

    return op->pages && op->pasids && op->functions &&
           op->functions <= TESTDEV_SENDERS_MAX && op->shift >= 12 &&
           op->shift <= SHIFT_MAX && path <= TESTDEV_PATH_REGION &&
           (op->addr & (PAGE_BYTES - 1)) + op->len <= PAGE_BYTES &&
           (!s->iothread || (path != TESTDEV_PATH_TLB && !op->store_every &&
                             op->functions == 1));
}

void testdev_start_bench(SvmTestdev *s)
{
    TestdevOp *op = &s->op;

    op->left = *testdev_reg(s, TESTDEV_BENCH_COUNT);
    op->pages = *testdev_reg(s, TESTDEV_BENCH_PAGES);
    op->random = *testdev_reg(s, TESTDEV_BENCH_SEED);
    op->shift = *testdev_reg(s, TESTDEV_BENCH_SHIFT);
    op->pasids = *testdev_reg(s, TESTDEV_BENCH_PASIDS);
    op->functions = *testdev_reg(s, TESTDEV_BENCH_FUNCTIONS);
    op->store_every = op->command == TESTDEV_CMD_BENCH_STORE ? 1 :
                      *testdev_reg(s, TESTDEV_BENCH_STORE_EVERY);
    op->pasid_first = op->pasid;
    s->bench_number++;
    *testdev_reg(s, TESTDEV_BENCH_NS) = 0;
    *testdev_reg(s, TESTDEV_BENCH_DONE) = 0;
    *testdev_reg(s, TESTDEV_BENCH_FAILED) = 0;
    if (testdev_bench_is_sane(s)) {
        qemu_bh_schedule(s->bench_bh);
    } else {
        testdev_finish(s, TESTDEV_REFUSED);
    }
}
