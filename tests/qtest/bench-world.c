/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of bench-world.h. */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "bench-world.h"

/* Level 1, and the levels above it */
#define LEAVES 0x8000000ULL
#define LEVEL2 0x7000000ULL
#define LARGE_LEVEL2 0x7080000ULL
#define LEVEL3 0x7100000ULL
#define LEVEL4 0x7101000ULL
/* All processes have the same tables: those of GCR3 lead there */
#define GCR3_INNER 0x7200000ULL
#define ENTRIES 512
#define TABLE_BYTES 4096

#define COMMANDS_PER_RING (WORLD_RING_SIZE / 16)
#define PCI_COMMAND 0x04
#define PCI_BUSES 0x18                  /* primary, secondary, last */
#define MEMORY_AND_MASTER 0x6
/* Functions on bus 0, in 25 slots; those after them are behind ports, 8 each */
#define ON_BUS_0 200
#define PORTS_SLOT 2

/* A format of tables: of an entry for a page, and for a table of @level */
typedef struct Format {
    int levels;
    uint64_t leaf;
    uint64_t large_leaf;
    uint64_t (*table)(unsigned int level, uint64_t address);
} Format;

static uint64_t host_table(unsigned int level, uint64_t address)
{
    return PDE(level, address, PTE_RW);
}

static uint64_t guest_table(unsigned int level, uint64_t address)
{
    return address | G_USER | G_A;
}

static uint64_t vtd_table(unsigned int level, uint64_t address)
{
    return address | VTD_READ | VTD_WRITE;
}

static const Format host_format = { 3, PTE_RW | 1, PTE_RW | 1, host_table };
static const Format guest_format = {
    4, G_USER | G_A | G_D, G_USER | G_A | G_D | G_PS, guest_table,
};
static const Format vtd_format = {
    3, VTD_READ | VTD_WRITE, VTD_READ | VTD_WRITE | VTD_LARGE, vtd_table,
};

/* Write @count entries, which entry() makes from their number */
static void write_entries(QTestState *qts, uint64_t at, uint32_t count,
                          uint64_t (*entry)(const void *how, uint32_t n),
                          const void *how)
{
    g_autofree uint64_t *buf = g_new(uint64_t, MIN(count, 1u << 17));

    for (uint32_t done = 0; done < count;) {
        uint32_t part = MIN(count - done, 1u << 17);

        for (uint32_t i = 0; i < part; i++) {
            buf[i] = cpu_to_le64(entry(how, done + i));
        }
        qtest_bufwrite(qts, at + 8ULL * done, buf, 8 * part);
        done += part;
    }
}

static uint64_t leaf_entry(const void *how, uint32_t n)
{
    const Format *f = how;

    return (PAGE + n % WORLD_FRAMES * TABLE_BYTES) | f->leaf;
}

static uint64_t large_entry(const void *how, uint32_t n)
{
    const Format *f = how;

    return PAGE | f->large_leaf;
}

static uint64_t level2_entry(const void *how, uint32_t n)
{
    const Format *f = how;

    return f->table(1, LEAVES + (uint64_t)n * TABLE_BYTES);
}

/* Entry @at of the table of level 3 on, for as many tables of level 2 */
static void link_level2(QTestState *qts, const Format *f, uint64_t iova,
                        uint64_t level2, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        qtest_writeq(qts, LEVEL3 + 8 * ((iova >> 30 & 0x1ff) + i),
                     f->table(2, level2 + i * TABLE_BYTES));
    }
}

/* Map all pages.  Returns the address of the top table */
static uint64_t map_pages(QTestState *qts, const Format *f,
                          const WorldOptions *option)
{
    uint32_t tables = DIV_ROUND_UP(option->pages, ENTRIES);

    write_entries(qts, LEAVES, option->pages, leaf_entry, f);
    write_entries(qts, LEVEL2, tables, level2_entry, f);
    write_entries(qts, LARGE_LEVEL2, option->large, large_entry, f);
    link_level2(qts, f, WORLD_IOVA, LEVEL2, DIV_ROUND_UP(tables, ENTRIES));
    link_level2(qts, f, WORLD_LARGE_IOVA, LARGE_LEVEL2,
                DIV_ROUND_UP(option->large, ENTRIES));
    if (f->levels == 3) {
        return LEVEL3;
    }
    qtest_writeq(qts, LEVEL4, f->table(3, LEVEL3));
    return LEVEL4;
}

static uint64_t gcr3_entry(const void *how, uint32_t n)
{
    const uint64_t *top = how;

    return *top | 1;
}

static uint64_t gcr3_root_entry(const void *how, uint32_t n)
{
    return (GCR3_INNER + (uint64_t)n * TABLE_BYTES) | 1;
}

/* Let all PASIDs lead to the same table */
static void bind_pasids(World *w, uint64_t top)
{
    uint32_t count = w->option.pasids + WORLD_PASID;

    write_entries(w->qts, GCR3_INNER, count, gcr3_entry, &top);
    write_entries(w->qts, GCR3_ROOT, DIV_ROUND_UP(count, ENTRIES),
                  gcr3_root_entry, NULL);
}

static bool is_kind(const World *w, const char *kind)
{
    return !strcmp(w->option.kind, kind);
}

bool world_has_pasid(const World *w)
{
    return is_kind(w, "svm-pasid");
}

bool world_has_guest_tables(const World *w)
{
    return world_has_pasid(w) || is_kind(w, "svm-guest");
}

bool world_has_iommu(const World *w)
{
    return !is_kind(w, "none");
}

/* Function number @n, as it is in tables */
static uint16_t place_of(uint32_t n)
{
    uint32_t behind = n - ON_BUS_0;

    return n < ON_BUS_0 ? TESTDEV_PLACE + n
                        : (1 + behind / 8) << 8 | behind % 8;
}

static uint32_t ports(const World *w)
{
    return w->option.functions > ON_BUS_0
           ? DIV_ROUND_UP(w->option.functions - ON_BUS_0, 8) : 0;
}

static char *function_option(const World *w, uint32_t n)
{
    uint16_t id = place_of(n);
    g_autofree char *thread = n && n <= w->option.threads
        ? g_strdup_printf(",iothread=io%u", n) : g_strdup("");
    g_autofree char *bus = id >> 8 ? g_strdup_printf("port%u", id >> 8)
                                   : g_strdup("pcie.0");

    return g_strdup_printf(" -device svm-testdev,bus=%s,addr=%x.%x,"
                           "multifunction=on%s", bus, id >> 3 & 0x1f, id & 7,
                           thread);
}

static char *function_options(const World *w)
{
    GString *line = g_string_new("");

    if (w->option.qmp) {
        g_string_append_printf(line, " -qmp unix:%s,server=on,wait=off",
                               w->option.qmp);
    }
    for (uint32_t i = 0; i < ports(w); i++) {
        g_string_append_printf(line, " -device pcie-root-port,id=port%u,"
                               "chassis=%u,addr=%x.%x,multifunction=on",
                               i + 1, i + 1, PORTS_SLOT, i);
    }
    for (uint32_t i = 1; i <= w->option.threads; i++) {
        g_string_append_printf(line, " -object iothread,id=io%u", i);
    }
    for (uint32_t i = 0; i < w->option.functions; i++) {
        g_autofree char *option = function_option(w, i);

        g_string_append(line, option);
    }
    return g_string_free(line, false);
}

/* Only what is on bus 0 gets its BAR; the rest just has to send requests */
static Testdev *find_function(World *w, uint32_t n)
{
    uint16_t id = place_of(n);
    Testdev *t;

    if (!(id >> 8)) {
        return testdev_find(w->qts, id, TESTDEV_BAR + n * TESTDEV_BAR_SIZE);
    }
    t = g_new0(Testdev, 1);
    t->qts = w->qts;
    t->id = id;
    testdev_config_set(t, PCI_COMMAND, MEMORY_AND_MASTER);
    return t;
}

/* Bus numbers, and the right to hand requests on */
static void enable_ports(World *w)
{
    for (uint32_t i = 0; i < ports(w); i++) {
        Testdev port = { .qts = w->qts, .id = PORTS_SLOT << 3 | i };

        testdev_config_set(&port, PCI_BUSES, (i + 1) << 8);
        testdev_config_set(&port, PCI_BUSES + 2, i + 1);
        testdev_config_set(&port, PCI_COMMAND, MEMORY_AND_MASTER);
    }
}

/* Let each function send requests */
static void enable_functions(World *w)
{
    for (uint32_t i = 0; i < w->option.functions; i++) {
        Testdev *t = find_function(w, i);

        if (!i) {
            enable_ports(w);
        }
        if (world_has_iommu(w) && !is_kind(w, "stock")) {
            testdev_enable(t, 0);
        }
        if (i < ARRAY_SIZE(w->t)) {
            w->t[i] = t;
        } else {
            g_free(t);
        }
    }
}

static uint16_t domain_of(uint32_t n)
{
    return SVM_DOMAIN + n;
}

static void set_dtes(World *w, uint64_t top)
{
    for (uint32_t i = 0; i < w->option.functions; i++) {
        uint64_t dte[4] = { DTE_HOST(3, top), domain_of(i) };

        if (world_has_guest_tables(w)) {
            svm_dte(dte, domain_of(i));
            /* Requests without PASID use the tables of PASID 0 */
            dte[0] |= world_has_pasid(w) ? 0 : DTE_GIOV;
        } else if (is_kind(w, "svm")) {
            dte[1] |= DTE_I;
        }
        set_dte_of(w->b, place_of(i), dte);
    }
}

static void start_amd(World *w, const char *functions)
{
    g_autofree char *ours = w->option.iotlb
        ? g_strdup_printf("svm=on,iotlb-size=%u", w->option.iotlb)
        : g_strdup("svm=on");
    bool stock = is_kind(w, "stock");
    bool guest = world_has_guest_tables(w);
    uint64_t top;

    w->b = bench_start(stock ? "dma-remap=on" : ours, functions);
    w->qts = w->b->qts;
    enable_functions(w);
    top = map_pages(w->qts, guest ? &guest_format : &host_format,
                    &w->option);
    bench_set_up(w->b);
    if (guest) {
        bind_pasids(w, top);
        reg_write(w->b, REG_CONTROL,
                  reg_read(w->b, REG_CONTROL) | CONTROL_GT_EN);
    }
    set_dtes(w, top);
}

static void start_other(World *w, const char *iommu, const char *functions)
{
    uint64_t top;

    w->qts = qtest_initf("-machine q35 -m 256M -nodefaults -nic none %s %s",
                         iommu, functions);
    enable_functions(w);
    if (!world_has_iommu(w)) {
        return;
    }
    vtd_set_up(&w->vtd, w->qts, place_of(0));
    top = map_pages(w->qts, &vtd_format, &w->option);
    for (uint32_t i = 0; i < w->option.functions; i++) {
        vtd_attach(&w->vtd, place_of(i), domain_of(i), top);
    }
    vtd_invalidate_iommu(&w->vtd);
}

World *world_start(const WorldOptions *option)
{
    World *w = g_new0(World, 1);
    g_autofree char *functions = NULL;

    w->option = *option;
    functions = function_options(w);
    if (is_kind(w, "intel")) {
        start_other(w, "-device intel-iommu,device-iotlb=on,intremap=off",
                    functions);
    } else if (is_kind(w, "none")) {
        start_other(w, "", functions);
    } else {
        start_amd(w, functions);
    }
    return w;
}

void world_stop(World *w)
{
    if (w->b) {
        bench_stop(w->b);
    } else {
        qtest_quit(w->qts);
    }
    for (int i = 0; i < ARRAY_SIZE(w->t); i++) {
        g_free(w->t[i]);
    }
    g_free(w);
}

WorldRing world_ring(World *w)
{
    return w->b ? (WorldRing) { COMMANDS, IOMMU_BASE + REG_CMD_TAIL,
                                w->b->command_tail }
                : (WorldRing) { VTD_QUEUE, VTD_QUEUE_TAIL, w->vtd.tail };
}

void world_set_tail(World *w, uint64_t tail)
{
    if (w->b) {
        w->b->command_tail = tail;
    } else {
        w->vtd.tail = tail;
    }
}

/* A command and what it is made of, for the first function */
typedef struct Order {
    const char *name;
    uint64_t word[2];
} Order;

#define AMD_PAGES (3ULL << 60 | (uint64_t)SVM_DOMAIN << 32)
#define AMD_EVERYTHING 0x7ffffffffffff003ULL
#define AMD_GN 4
#define VTD_DOMAIN ((uint64_t)SVM_DOMAIN << 16)

static const Order amd_orders[] = {
    { "page", { AMD_PAGES, WORLD_IOVA } },
    { "domain", { AMD_PAGES, AMD_EVERYTHING } },
    { "all", { 8ULL << 60, 0 } },
    { "wait", { 1ULL << 60 | RESULT | 1, 1 } },
    { "dte", { 2ULL << 60 | TESTDEV_PLACE, 0 } },
    { }
};

static const Order pasid_orders[] = {
    { "page", { AMD_PAGES | WORLD_PASID, WORLD_IOVA | AMD_GN } },
    { "domain", { AMD_PAGES | WORLD_PASID, AMD_EVERYTHING | AMD_GN } },
    { "all", { 8ULL << 60, 0 } },
    { "wait", { 1ULL << 60 | RESULT | 1, 1 } },
    { "dte", { 2ULL << 60 | TESTDEV_PLACE, 0 } },
    { }
};

static const Order vtd_orders[] = {
    { "page", { 0x32 | VTD_DOMAIN, WORLD_IOVA } },
    { "domain", { 0x22 | VTD_DOMAIN, 0 } },
    { "all", { 0x12, 0 } },
    { "wait", { 1ULL << 32 | 0x25, RESULT } },
    { "dte", { (uint64_t)TESTDEV_PLACE << 32 | 0x31 | VTD_DOMAIN, 0 } },
    { }
};

/* The command of this name, or NULL */
static const Order *find_order(const World *w, const char *name)
{
    const Order *order = world_has_pasid(w) ? pasid_orders :
                         w->b ? amd_orders : vtd_orders;

    while (order->name && strcmp(order->name, name)) {
        order++;
    }
    return order->name && world_has_iommu(w) &&
           !is_kind(w, "svm-guest") ? order : NULL;
}

bool world_fill_ring(World *w, const char *name)
{
    bool waits = g_str_has_prefix(name, "wait-");
    const Order *order = find_order(w, waits ? name + strlen("wait-") : name);
    const Order *wait = find_order(w, "wait");
    WorldRing at;
    uint64_t ring[COMMANDS_PER_RING][2];

    if (!order) {
        return false;
    }
    at = world_ring(w);
    for (int i = 0; i < COMMANDS_PER_RING; i++) {
        /* Counted from the tail, where the next store begins */
        int n = (at.tail / 16 + i) % COMMANDS_PER_RING;
        const Order *o = waits && i % (WORLD_WAITS + 1) < WORLD_WAITS ? wait
                                                                     : order;

        ring[n][0] = cpu_to_le64(o->word[0]);
        ring[n][1] = cpu_to_le64(o->word[1]);
    }
    qtest_bufwrite(w->qts, at.base, ring, sizeof(ring));
    return true;
}
