/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of bench.h. */
#include "qemu/osdep.h"
#include "bench.h"

#define PORT_ID 0x0020                  /* 00:04.0 */

#define CAP_MSI 0x05
#define PCI_COMMAND 0x04
#define PCI_CAPABILITIES 0x34

/* Registers of the edu, and its commands */
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_BUFFER 0x40000
#define EDU_RUN 1
#define EDU_TO_MEMORY 2
/* In ns; the edu takes 100 ms for a transfer */
#define EDU_DELAY 200000000

#define PROBE_BYTES 16

uint64_t reg_read(Bench *b, uint32_t offset)
{
    return qtest_readq(b->qts, IOMMU_BASE + offset);
}

void reg_write(Bench *b, uint32_t offset, uint64_t value)
{
    qtest_writeq(b->qts, IOMMU_BASE + offset, value);
}

uint64_t reg_read_size(Bench *b, uint32_t offset, int size)
{
    uint64_t addr = IOMMU_BASE + offset;

    return size == 1 ? qtest_readb(b->qts, addr) :
           size == 2 ? qtest_readw(b->qts, addr) :
           size == 4 ? qtest_readl(b->qts, addr) : qtest_readq(b->qts, addr);
}

void reg_write_size(Bench *b, uint32_t offset, uint64_t value, int size)
{
    uint64_t addr = IOMMU_BASE + offset;

    if (size == 1) {
        qtest_writeb(b->qts, addr, value);
    } else if (size == 2) {
        qtest_writew(b->qts, addr, value);
    } else if (size == 4) {
        qtest_writel(b->qts, addr, value);
    } else {
        qtest_writeq(b->qts, addr, value);
    }
}

static void select_config(Bench *b, uint16_t device_id, uint8_t offset)
{
    qtest_outl(b->qts, 0xcf8, 0x80000000 | device_id << 8 | (offset & ~3));
}

uint32_t config_read(Bench *b, uint16_t device_id, uint8_t offset)
{
    select_config(b, device_id, offset);
    return qtest_inl(b->qts, 0xcfc);
}

void config_write(Bench *b, uint16_t device_id, uint8_t offset, uint32_t value)
{
    select_config(b, device_id, offset);
    qtest_outl(b->qts, 0xcfc, value);
}

/* From the pointer to a capability on, until there is one of this kind */
static uint8_t follow_capabilities(Bench *b, uint16_t device_id, uint8_t next,
                                   uint8_t capability)
{
    while (next && (config_read(b, device_id, next) & 0xff) != capability) {
        next = config_read(b, device_id, next) >> 8;
    }
    return next;
}

uint8_t config_find(Bench *b, uint16_t device_id, uint8_t capability)
{
    return follow_capabilities(b, device_id,
                               config_read(b, device_id, PCI_CAPABILITIES),
                               capability);
}

uint8_t config_find_next(Bench *b, uint16_t device_id, uint8_t place,
                         uint8_t capability)
{
    return follow_capabilities(b, device_id,
                               config_read(b, device_id, place) >> 8,
                               capability);
}

/* BAR, memory decoding, bus mastering */
static void enable_edu(Bench *b)
{
    config_write(b, b->edu, 0x10, EDU_BAR);
    config_write(b, b->edu, PCI_COMMAND, 6);
}

/* Buses 0 and that of the edu; a memory window around its BAR */
static void enable_port(Bench *b)
{
    uint32_t bus = b->edu >> 8;

    config_write(b, PORT_ID, 0x18, bus << 16 | bus << 8);
    config_write(b, PORT_ID, 0x20, 0xe000e000);
    config_write(b, PORT_ID, PCI_COMMAND, 6);
}

Bench *bench_start_machine(const BenchMachine *machine)
{
    uint16_t edu = machine->edu ? machine->edu : EDU_ID;
    bool behind_port = edu >> 8;
    const char *options = machine->iommu ? machine->iommu : "";
    const char *more = machine->more ? machine->more : "";
    Bench *b = g_new0(Bench, 1);
    g_autofree char *place = behind_port
        ? g_strdup("bus=port0") : g_strdup_printf("addr=%02x.%x", edu >> 3,
                                                  edu & 7);
    g_autofree char *line = g_strdup_printf(
        "-machine q35 -m 256M -nodefaults -nic none %s "
        "-device amd-iommu,id=iommu0%s%s %s "
        "%s -device edu,%s,dma_mask=0xffffffffffffffff",
        machine->before ? machine->before : "",
        *options ? "," : "", options, more,
        behind_port ? "-device pcie-root-port,id=port0,addr=04.0" : "", place);

    b->qts = qtest_init_ext(machine->binary, line, NULL, true);
    b->edu = edu;
    if (behind_port) {
        enable_port(b);
    }
    enable_edu(b);
    return b;
}

Bench *bench_start(const char *iommu_options, const char *more)
{
    return bench_start_machine(&(BenchMachine) {
        .iommu = iommu_options, .more = more,
    });
}

Bench *bench_start_behind_port(void)
{
    return bench_start_machine(&(BenchMachine) {
        .iommu = "svm=on", .edu = BEHIND_PORT_ID,
    });
}

void bench_stop(Bench *b)
{
    qtest_quit(b->qts);
    g_free(b);
}

void bench_set_bases(Bench *b)
{
    reg_write(b, REG_DEVTAB, DEVTAB | 0x1ff);
    reg_write(b, REG_CMD_BASE, COMMANDS | 8ULL << 56);
    reg_write(b, REG_EVENT_BASE, EVENTS | 8ULL << 56);
    b->command_tail = 0;
}

void bench_set_up(Bench *b)
{
    bench_set_bases(b);
    reg_write(b, REG_CONTROL, CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN |
              CONTROL_CMD_BUF_EN | CONTROL_COHERENT);
}

void command(Bench *b, uint64_t word0, uint64_t word1)
{
    qtest_writeq(b->qts, COMMANDS + b->command_tail, word0);
    qtest_writeq(b->qts, COMMANDS + b->command_tail + 8, word1);
    b->command_tail = (b->command_tail + 16) % 0x1000;
    reg_write(b, REG_CMD_TAIL, b->command_tail);
}

void event_read(Bench *b, unsigned int n, uint64_t word[2])
{
    word[0] = qtest_readq(b->qts, EVENTS + 16 * n);
    word[1] = qtest_readq(b->qts, EVENTS + 16 * n + 8);
}

void assert_events(Bench *b, unsigned int n, unsigned int count, ...)
{
    uint64_t word[2];
    va_list ap;

    va_start(ap, count);
    for (unsigned int i = 0; i < count; i++) {
        event_read(b, n + i, word);
        g_assert_cmphex(word[0], ==, va_arg(ap, uint64_t));
        g_assert_cmphex(word[1], ==, va_arg(ap, uint64_t));
    }
    va_end(ap);
    g_assert_cmphex(reg_read(b, REG_EVENT_TAIL), ==, 16 * (n + count));
}

void set_dte_of(Bench *b, uint16_t device_id, const uint64_t word[4])
{
    for (int i = 0; i < 4; i++) {
        qtest_writeq(b->qts, DEVTAB + 32 * device_id + 8 * i, word[i]);
    }
    command(b, 0x2000000000000000 | device_id, 0);
}

void set_dte(Bench *b, uint64_t word0, uint64_t word1)
{
    const uint64_t word[4] = { word0, word1 };

    set_dte_of(b, b->edu, word);
}

void set_entry(Bench *b, unsigned int n, unsigned int index, uint64_t value)
{
    qtest_writeq(b->qts, table(n) + 8 * index, value);
}

static void run_dma(Bench *b, uint64_t source, uint64_t target, uint32_t size,
                    uint32_t direction)
{
    qtest_writeq(b->qts, EDU_BAR + EDU_DMA_SOURCE, source);
    qtest_writeq(b->qts, EDU_BAR + EDU_DMA_TARGET, target);
    qtest_writeq(b->qts, EDU_BAR + EDU_DMA_COUNT, size);
    qtest_writeq(b->qts, EDU_BAR + EDU_DMA_COMMAND, EDU_RUN | direction);
    qtest_clock_step(b->qts, EDU_DELAY);
}

void dma_read(Bench *b, uint64_t address, uint32_t size)
{
    run_dma(b, address, EDU_BUFFER, size, 0);
}

void dma_write(Bench *b, uint64_t address, uint32_t size)
{
    run_dma(b, EDU_BUFFER, address, size, EDU_TO_MEMORY);
}

/* Bytes that are different at each call */
static void make_pattern(uint8_t pattern[PROBE_BYTES])
{
    static uint8_t seed;

    for (int i = 0; i < PROBE_BYTES; i++) {
        pattern[i] = ++seed * 7;
    }
}

/* What the buffer of the edu holds, seen with the IOMMU off */
static void read_buffer(Bench *b, uint8_t data[PROBE_BYTES])
{
    uint64_t control = reg_read(b, REG_CONTROL);

    reg_write(b, REG_CONTROL, 0);
    dma_write(b, RESULT, PROBE_BYTES);
    reg_write(b, REG_CONTROL, control);
    qtest_memread(b->qts, RESULT, data, PROBE_BYTES);
}

static void fill_buffer(Bench *b, const uint8_t data[PROBE_BYTES])
{
    uint64_t control = reg_read(b, REG_CONTROL);

    reg_write(b, REG_CONTROL, 0);
    qtest_memwrite(b->qts, RESULT, data, PROBE_BYTES);
    dma_read(b, RESULT, PROBE_BYTES);
    reg_write(b, REG_CONTROL, control);
}

bool dma_reads(Bench *b, uint64_t address, uint64_t expected)
{
    uint8_t pattern[PROBE_BYTES], found[PROBE_BYTES];

    make_pattern(pattern);
    qtest_memwrite(b->qts, expected, pattern, PROBE_BYTES);
    dma_read(b, address, PROBE_BYTES);
    read_buffer(b, found);
    return !memcmp(pattern, found, PROBE_BYTES);
}

bool dma_writes(Bench *b, uint64_t address, uint64_t expected)
{
    uint8_t pattern[PROBE_BYTES], found[PROBE_BYTES];

    make_pattern(pattern);
    fill_buffer(b, pattern);
    qtest_memset(b->qts, expected, 0, PROBE_BYTES);
    dma_write(b, address, PROBE_BYTES);
    qtest_memread(b->qts, expected, found, PROBE_BYTES);
    return !memcmp(pattern, found, PROBE_BYTES);
}

void msi_set_up(Bench *b)
{
    uint8_t msi = config_find(b, IOMMU_ID, CAP_MSI);

    g_assert_cmpint(msi, !=, 0);
    config_write(b, IOMMU_ID, PCI_COMMAND, 6);
    config_write(b, IOMMU_ID, msi + 4, MSI_ADDRESS);
    config_write(b, IOMMU_ID, msi + 8, MSI_ADDRESS >> 32);
    config_write(b, IOMMU_ID, msi + 12, MSI_DATA);
    config_write(b, IOMMU_ID, msi,
                 config_read(b, IOMMU_ID, msi) | 0x10000);
    qtest_writel(b->qts, MSI_ADDRESS, 0);
}

bool msi_arrived(Bench *b)
{
    uint32_t data = qtest_readl(b->qts, MSI_ADDRESS);

    qtest_writel(b->qts, MSI_ADDRESS, 0);
    g_assert_true(data == 0 || data == MSI_DATA);
    return data == MSI_DATA;
}

bool apic_has_vector(Bench *b, int vector)
{
    g_autofree char *number = g_strdup_printf(" %d ", vector);
    g_autofree char *text = qtest_hmp(b->qts, "info lapic 0");
    const char *irr = strstr(text, "IRR");
    g_autofree char *line = NULL;
    g_autofree char *padded = NULL;

    g_assert_nonnull(irr);
    line = g_strndup(irr, strcspn(irr, "\r\n"));
    padded = g_strconcat(line, " ", NULL);
    return strstr(padded, number) != NULL;
}
