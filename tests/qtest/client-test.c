/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses of endpoints against invalidations, thread against thread: the
 * device TLB and what uses it, with an IOMMU and a memory made of callbacks.
 * No QEMU runs here.  The rules are in hw/misc/svm/access.c.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "qemu/units.h"
#include "hw/misc/svm/client-internal.h"
#include "system/address-spaces.h"

#define PASID 5
#define OTHER_PASID 6
#define VA 0x7f0000001000ULL
#define FRAME 0x5000000ULL
#define OTHER_FRAME 0x6000000ULL
#define PAGE_SIZE 0x1000

/* What the IOMMU answers, and what is noted of the requests */
static struct {
    uint64_t frame;
    uint64_t mask;
    IOMMUAccessFlags perm;
    bool last_no_write;
    unsigned int ats_requests;
    uint64_t moved_at;          /* last address, as sent */
    uint32_t moved_pasid;
    bool moved_translated;
    unsigned int moves;
    /* Called in the middle of a request or a move, unless NULL */
    void (*during_ats)(void);
    void (*during_move)(uint64_t addr);
    /* The target of accesses is a register, not memory */
    bool not_ram;
} iommu;

static SvmClient client;
static SvmContext context, other_context;
static PCIDevice function;
AddressSpace address_space_memory;

/* The big lock, and who holds it */
static QemuMutex big_lock;
static __thread bool holds_big_lock;

bool bql_locked(void)
{
    return holds_big_lock;
}

void bql_lock_impl(const char *file, int line)
{
    qemu_mutex_lock(&big_lock);
    holds_big_lock = true;
}

void bql_unlock(void)
{
    holds_big_lock = false;
    qemu_mutex_unlock(&big_lock);
}

/* Of the same library object, so these have to be here, too */
bool mutex_is_bql(QemuMutex *mutex)
{
    return mutex == &big_lock;
}

void bql_update_status(bool locked)
{
}

/* The callbacks: what access.c calls of the PCI core and the memory core */

bool pci_pasid_permitted(const PCIDevice *dev, uint32_t pasid, bool exec,
                         bool priv)
{
    return true;
}

ssize_t pci_ats_request_translation(PCIDevice *dev, uint32_t pasid,
                                    bool priv_req, bool exec_req, hwaddr addr,
                                    size_t length, bool no_write,
                                    IOMMUTLBEntry *result,
                                    size_t result_length, uint32_t *err_count)
{
    *result = (IOMMUTLBEntry) {
        .target_as = &address_space_memory,
        .iova = addr & ~iommu.mask,
        .translated_addr = qatomic_read(&iommu.frame) & ~iommu.mask,
        .addr_mask = iommu.mask,
        .perm = iommu.perm,
    };
    qatomic_inc(&iommu.ats_requests);
    qatomic_set(&iommu.last_no_write, no_write);
    if (iommu.during_ats) {
        iommu.during_ats();
    }
    return 1;
}

MemTxResult pci_pasid_dma_rw(PCIDevice *dev, PCIPasidDmaAttrs attrs,
                             dma_addr_t addr, void *buf, dma_addr_t len,
                             DMADirection dir)
{
    qatomic_set(&iommu.moved_at, addr);
    qatomic_set(&iommu.moved_pasid, attrs.pasid);
    qatomic_set(&iommu.moved_translated, attrs.translated);
    qatomic_inc(&iommu.moves);
    g_assert_true(!iommu.not_ram || holds_big_lock);
    if (iommu.during_move) {
        iommu.during_move(addr);
    }
    return MEMTX_OK;
}

MemoryRegion *flatview_translate(FlatView *fv, hwaddr addr, hwaddr *xlat,
                                 hwaddr *len, bool is_write, MemTxAttrs attrs)
{
    static MemoryRegion ram = { .ram = true }, registers;

    return iommu.not_ram ? &registers : &ram;
}

bool memory_region_is_ram_device(MemoryRegion *mr)
{
    return false;
}

MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                             void *buf, hwaddr len, bool is_write)
{
    g_assert_not_reached();
}

static void set_up(void)
{
    memset(&iommu, 0, sizeof(iommu));
    iommu.frame = FRAME;
    iommu.mask = PAGE_SIZE - 1;
    iommu.perm = IOMMU_RW;
    memset(&client, 0, sizeof(client));
    function.is_master = true;
    client.dev = &function;
    client.ats_on = true;
    qemu_mutex_init(&client.lock);
    qemu_cond_init(&client.landed);
    QLIST_INIT(&client.flights);
    svm_tlb_init(&client.tlb, 16);
    context = (SvmContext) { .client = &client, .pasid = PASID, .told = true };
    other_context = context;
    other_context.pasid = OTHER_PASID;
}

static void clean_up(void)
{
    svm_tlb_cleanup(&client.tlb);
    qemu_cond_destroy(&client.landed);
    qemu_mutex_destroy(&client.lock);
}

static SvmAccess access_bytes(SvmContext *ctx, uint64_t addr, size_t len,
                              IOMMUAccessFlags want, size_t *done)
{
    static __thread uint8_t buffer[2 * SVM_CHUNK_MAX];
    uint64_t fault;

    return svm_client_access(ctx, addr, buffer, len, want, done, &fault);
}

static SvmAccess read_byte(SvmContext *ctx, uint64_t addr)
{
    size_t done;

    return access_bytes(ctx, addr, 1, IOMMU_RO, &done);
}

static bool is_cached(uint32_t pasid, uint64_t addr)
{
    bool cached;

    qemu_mutex_lock(&client.lock);
    cached = svm_tlb_find(&client.tlb, pasid, addr, IOMMU_NONE);
    qemu_mutex_unlock(&client.lock);
    return cached;
}

/* Write permission has to be asked for: a read leaves the page clean */
static void test_no_write(void)
{
    size_t done;

    set_up();
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_OK);
    g_assert_true(iommu.last_no_write);
    g_assert_cmpint(access_bytes(&context, VA, 1, IOMMU_WO, &done), ==,
                    SVM_OK);
    g_assert_false(iommu.last_no_write);
    g_assert_cmpuint(iommu.ats_requests, ==, 2);
    g_assert_cmpint(access_bytes(&context, VA, 1, IOMMU_WO, &done), ==,
                    SVM_OK);
    g_assert_cmpuint(iommu.ats_requests, ==, 2);
    clean_up();
}

/* What grants nothing is not kept: software may add it without a word */
static void test_no_permission(void)
{
    set_up();
    iommu.perm = IOMMU_NONE;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_FAULT);
    g_assert_false(is_cached(PASID, VA));
    iommu.perm = IOMMU_RO;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_OK);
    clean_up();
}

static void test_untranslated_only(void)
{
    set_up();
    iommu.perm = IOMMU_RW | IOMMU_UNTRANSLATED_ONLY;
    g_assert_cmpint(read_byte(&context, VA + 8), ==, SVM_OK);
    g_assert_false(iommu.moved_translated);
    g_assert_cmphex(iommu.moved_at, ==, VA + 8);
    g_assert_cmpuint(iommu.moved_pasid, ==, PASID);
    clean_up();
}

/* 64 KiB at a time, in one piece if one page holds it */
static void test_chunk(void)
{
    size_t done;

    set_up();
    iommu.mask = 2 * MiB - 1;
    g_assert_cmpint(access_bytes(&context, 0x200000, 2 * SVM_CHUNK_MAX,
                                 IOMMU_RO, &done), ==, SVM_OK);
    g_assert_cmpuint(done, ==, SVM_CHUNK_MAX);
    g_assert_cmpuint(iommu.moves, ==, 1);
    clean_up();
}

/* A register may want the big lock, so it is taken before the access begins */
static void test_registers(void)
{
    set_up();
    iommu.not_ram = true;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_OK);
    g_assert_cmpuint(iommu.moves, ==, 1);
    g_assert_false(holds_big_lock);
    clean_up();
}

static void invalidate_page(void)
{
    svm_client_invalidate(&client, PASID, VA, VA + PAGE_SIZE - 1);
}

static void remap_once(void)
{
    iommu.during_ats = NULL;
    iommu.frame = OTHER_FRAME;
    invalidate_page();
}

/* The completion is older than the invalidation: of no use */
static void test_stale_completion(void)
{
    set_up();
    iommu.during_ats = remap_once;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_OK);
    g_assert_cmpuint(iommu.ats_requests, ==, 2);
    g_assert_cmphex(iommu.moved_at, ==, OTHER_FRAME);
    clean_up();
}

/* A guest that does nothing but invalidate does not occupy us for ever */
static void test_endless_invalidation(void)
{
    set_up();
    iommu.during_ats = invalidate_page;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_FAULT);
    g_assert_cmpuint(iommu.ats_requests, >, 1);
    g_assert_cmpuint(iommu.ats_requests, <, 1000);
    g_assert_false(is_cached(PASID, VA));
    clean_up();
}

static void invalidate_neighbour(void)
{
    svm_client_invalidate(&client, PASID, VA + PAGE_SIZE,
                          VA + 2 * PAGE_SIZE - 1);
}

/* A page of 2 MiB of which another part was invalidated: only the page */
static void test_narrow_completion(void)
{
    set_up();
    iommu.mask = 2 * MiB - 1;
    iommu.during_ats = invalidate_neighbour;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_OK);
    g_assert_cmpuint(iommu.ats_requests, ==, 1);
    g_assert_true(is_cached(PASID, VA));
    g_assert_false(is_cached(PASID, VA + PAGE_SIZE));
    g_assert_cmphex(iommu.moved_at, ==, (FRAME & ~(2 * MiB - 1)) +
                    (VA & (2 * MiB - 1)));
    clean_up();
}

static void invalidate_during_move(uint64_t addr)
{
    invalidate_page();
}

/* An access that rings the doorbell of the IOMMU must not wait for itself */
static void test_own_access(void)
{
    set_up();
    iommu.during_move = invalidate_during_move;
    g_assert_cmpint(read_byte(&context, VA), ==, SVM_OK);
    g_assert_false(is_cached(PASID, VA));
    g_assert_cmpuint(client.counters.stuck, ==, 0);
    clean_up();
}

/* Threads that move data until they may go on; the frame tells which */
typedef struct Gate {
    QemuEvent entered;
    QemuEvent open;
} Gate;

static Gate first, second;

static void wait_at_gate(uint64_t addr)
{
    Gate *gate = addr >= OTHER_FRAME ? &second : &first;

    qemu_event_set(&gate->entered);
    qemu_event_wait(&gate->open);
}

static void *reader(void *opaque)
{
    g_assert_cmpint(read_byte(opaque, VA), ==, SVM_OK);
    return NULL;
}

static bool may_return;

static void *invalidator(void *opaque)
{
    invalidate_page();
    g_assert_true(qatomic_read(&may_return));
    return NULL;
}

static void set_up_gates(void)
{
    set_up();
    qemu_event_init(&first.entered, false);
    qemu_event_init(&first.open, false);
    qemu_event_init(&second.entered, false);
    qemu_event_init(&second.open, false);
    iommu.during_move = wait_at_gate;
    qatomic_set(&may_return, false);
}

static void clean_up_gates(void)
{
    qemu_event_destroy(&first.entered);
    qemu_event_destroy(&first.open);
    qemu_event_destroy(&second.entered);
    qemu_event_destroy(&second.open);
    clean_up();
}

static void start(QemuThread *thread, void *(*run)(void *), SvmContext *ctx)
{
    qemu_thread_create(thread, "test", run, ctx, QEMU_THREAD_JOINABLE);
}

/*
 * An invalidation waits for the access that has begun, and not for one that
 * begins while it waits.
 */
static void test_waits(void)
{
    QemuThread old, young, waiting;

    set_up_gates();
    start(&old, reader, &context);
    qemu_event_wait(&first.entered);
    start(&waiting, invalidator, NULL);
    while (is_cached(PASID, VA)) {
        g_usleep(100);
    }
    iommu.frame = OTHER_FRAME;
    start(&young, reader, &context);
    qemu_event_wait(&second.entered);
    /* One that does not wait has had the time to come back */
    g_usleep(20000);
    qatomic_set(&may_return, true);
    qemu_event_set(&first.open);
    qemu_thread_join(&old);
    qemu_thread_join(&waiting);
    g_assert_cmpuint(client.counters.stuck, ==, 0);
    qemu_event_set(&second.open);
    qemu_thread_join(&young);
    clean_up_gates();
}

/* Other pages and other processes are not its business */
static void test_does_not_wait(void)
{
    QemuThread thread;

    set_up_gates();
    start(&thread, reader, &context);
    qemu_event_wait(&first.entered);
    svm_client_invalidate(&client, OTHER_PASID, 0, UINT64_MAX);
    svm_client_invalidate(&client, PASID, 0, VA - 1);
    svm_client_invalidate(&client, PASID, VA + PAGE_SIZE, UINT64_MAX);
    g_assert_true(is_cached(PASID, VA));
    g_assert_cmpuint(client.counters.stuck, ==, 0);
    qemu_event_set(&first.open);
    qemu_thread_join(&thread);
    clean_up_gates();
}

/*
 * Readers and one who remaps.  A frame that was taken away is marked once the
 * invalidation is complete: nobody may find himself in a marked one.
 */
#define READERS 3
#define REMAPS 2000

static uint64_t current;        /* number of the frame in use */
static uint8_t gone[REMAPS + 1];
static bool stop_reading;

static void ask_current(void)
{
    /* Between this and its use, the frame may be taken away */
    sched_yield();
}

static void must_be_there(uint64_t addr)
{
    uint64_t number = (addr - FRAME) / PAGE_SIZE;

    g_assert_cmpuint(number, <=, REMAPS);
    g_assert_false(qatomic_read(&gone[number]));
    sched_yield();
    g_assert_false(qatomic_read(&gone[number]));
}

static void *read_all_the_time(void *opaque)
{
    while (!qatomic_read(&stop_reading)) {
        SvmAccess access = read_byte(&context, VA);

        g_assert_true(access == SVM_OK || access == SVM_FAULT);
    }
    return NULL;
}

static void test_remap(void)
{
    QemuThread thread[READERS];

    set_up();
    iommu.during_ats = ask_current;
    iommu.during_move = must_be_there;
    for (int i = 0; i < READERS; i++) {
        start(&thread[i], read_all_the_time, NULL);
    }
    while (current < REMAPS) {
        unsigned int moves = qatomic_read(&iommu.moves);

        /* Each frame is used before it goes */
        while (qatomic_read(&iommu.moves) - moves < 2 * READERS) {
            sched_yield();
        }
        qatomic_set(&iommu.frame, FRAME + (current + 1) * PAGE_SIZE);
        invalidate_page();
        qatomic_set(&gone[current++], 1);
    }
    qatomic_set(&stop_reading, true);
    for (int i = 0; i < READERS; i++) {
        qemu_thread_join(&thread[i]);
    }
    g_assert_cmpuint(client.counters.tlb_hits, >, 0);
    g_assert_cmpuint(client.counters.dropped, >, 0);
    g_assert_cmpuint(client.counters.stuck, ==, 0);
    clean_up();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qemu_mutex_init(&big_lock);
    g_test_add_func("/amdvi/client/no-write", test_no_write);
    g_test_add_func("/amdvi/client/no-permission", test_no_permission);
    g_test_add_func("/amdvi/client/untranslated-only",
                    test_untranslated_only);
    g_test_add_func("/amdvi/client/chunk", test_chunk);
    g_test_add_func("/amdvi/client/registers", test_registers);
    g_test_add_func("/amdvi/client/stale-completion", test_stale_completion);
    g_test_add_func("/amdvi/client/endless-invalidation",
                    test_endless_invalidation);
    g_test_add_func("/amdvi/client/narrow-completion",
                    test_narrow_completion);
    g_test_add_func("/amdvi/client/own-access", test_own_access);
    g_test_add_func("/amdvi/client/waits", test_waits);
    g_test_add_func("/amdvi/client/does-not-wait", test_does_not_wait);
    g_test_add_func("/amdvi/client/remap", test_remap);
    return g_test_run();
}
