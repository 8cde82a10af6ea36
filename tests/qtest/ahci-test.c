/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The AHCI controller behind the IOMMU: a command table whose pages are not
 * neighbours in memory, as Linux gets when its memory is in pieces.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "hw/pci/pci_regs.h"
#include "bench.h"

#define AHCI_ID 0x00fa                  /* 00:1f.2 */
#define AHCI_BAR 0xe3000000ULL
#define AHCI_BAR_REG 0x24

/* Registers of the controller, and of its first port */
#define GHC 0x04
#define GHC_ENABLE 0x80000000
#define PORT_LIST 0x100
#define PORT_FIS 0x108
#define PORT_IS 0x110
#define PORT_IS_ERROR 0x41000000       /* task file error, overflow */
#define PORT_CMD 0x118
#define PORT_CMD_START 0x11             /* and receive FISes */
#define PORT_SACT 0x134
#define PORT_CI 0x138

/* What the controller sees: the table crosses into its second page */
#define LIST_IOVA 0x10000
#define FIS_IOVA 0x10400
#define TABLE_IOVA 0x20f00
#define PRDT_IOVA (TABLE_IOVA + 0x80)
#define DATA_IOVA 0x30000

#define SECTOR 512
#define SECTORS 16                      /* each with an entry of its own */
#define READ_DMA_EXT 0x25
#define READ_FPDMA_QUEUED 0x60

/* Where an address of the controller is in memory: every other page */
static uint64_t place(uint64_t iova)
{
    return PAGE + (0x100 - (iova >> 12)) * 0x2000 + (iova & 0xfff);
}

static void map(Bench *b, uint64_t iova)
{
    set_entry(b, 0, iova >> 12, PTE_LEAF(place(iova & ~0xfffULL), PTE_RW));
}

static void ahci_write(Bench *b, uint32_t offset, uint32_t value)
{
    qtest_writel(b->qts, AHCI_BAR + offset, value);
}

static uint32_t ahci_read(Bench *b, uint32_t offset)
{
    return qtest_readl(b->qts, AHCI_BAR + offset);
}

static Bench *start(void)
{
    static const uint64_t pages[] = {
        LIST_IOVA, TABLE_IOVA, PRDT_IOVA + 0x80, DATA_IOVA, DATA_IOVA + 0x1000
    };
    const uint64_t dte[4] = { DTE_HOST(1, table(0)), DOMAIN };
    Bench *b = bench_start("svm=on", "-blockdev driver=null-co,"
                           "node-name=zeros,size=1048576,read-zeroes=on "
                           "-device ide-hd,drive=zeros,bus=ide.0");

    bench_set_up(b);
    for (int i = 0; i < ARRAY_SIZE(pages); i++) {
        map(b, pages[i]);
    }
    set_dte_of(b, AHCI_ID, dte);
    config_write(b, AHCI_ID, AHCI_BAR_REG, AHCI_BAR);
    config_write(b, AHCI_ID, PCI_COMMAND,
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    ahci_write(b, GHC, GHC_ENABLE);
    ahci_write(b, PORT_LIST, LIST_IOVA);
    ahci_write(b, PORT_FIS, FIS_IOVA);
    ahci_write(b, PORT_CMD, PORT_CMD_START);
    return b;
}

/* The first sectors of the disk, in command slot 0 */
static void write_command(Bench *b, uint8_t opcode)
{
    bool queued = opcode == READ_FPDMA_QUEUED;
    const uint8_t fis[20] = {
        0x27, 0x80, opcode, queued ? SECTORS : 0, [7] = 0x40,
        [12] = queued ? 0 : SECTORS,
    };

    qtest_memwrite(b->qts, place(TABLE_IOVA), fis, sizeof(fis));
    for (uint64_t i = 0; i < SECTORS; i++) {
        uint64_t entry = place(PRDT_IOVA + 16 * i);

        qtest_writeq(b->qts, entry, DATA_IOVA + SECTOR * i);
        qtest_writeq(b->qts, entry + 8, (uint64_t)(SECTOR - 1) << 32);
    }
    qtest_writeq(b->qts, place(LIST_IOVA), sizeof(fis) / 4 | SECTORS << 16);
    qtest_writeq(b->qts, place(LIST_IOVA) + 8, TABLE_IOVA);
}

static void read_sectors(Bench *b, uint8_t opcode)
{
    uint32_t done = opcode == READ_FPDMA_QUEUED ? PORT_SACT : PORT_CI;
    uint8_t data[SECTOR];

    for (uint64_t i = 0; i < SECTORS; i++) {
        qtest_memset(b->qts, place(DATA_IOVA + SECTOR * i), 0xaa, SECTOR);
    }
    write_command(b, opcode);
    ahci_write(b, PORT_IS, UINT32_MAX);
    if (done == PORT_SACT) {
        ahci_write(b, PORT_SACT, 1);
    }
    ahci_write(b, PORT_CI, 1);
    while (ahci_read(b, done) & 1) {
        g_assert_false(ahci_read(b, PORT_IS) & PORT_IS_ERROR);
    }
    g_assert_false(ahci_read(b, PORT_IS) & PORT_IS_ERROR);
    for (uint64_t i = 0; i < SECTORS; i++) {
        qtest_memread(b->qts, place(DATA_IOVA + SECTOR * i), data, SECTOR);
        g_assert_true(buffer_is_zero(data, SECTOR));
    }
}

static void test_table_in_pieces(void)
{
    Bench *b = start();

    read_sectors(b, READ_FPDMA_QUEUED);
    read_sectors(b, READ_DMA_EXT);
    assert_events(b, 0, 0);
    bench_stop(b);
}

/* Half of the table is out of reach: the command fails, and nothing else */
static void test_table_unreachable(void)
{
    Bench *b = start();

    set_entry(b, 0, (PRDT_IOVA + 0x80) >> 12, 0);
    write_command(b, READ_FPDMA_QUEUED);
    ahci_write(b, PORT_SACT, 1);
    ahci_write(b, PORT_CI, 1);
    while (!(ahci_read(b, PORT_IS) & PORT_IS_ERROR)) {
        g_assert_cmphex(ahci_read(b, PORT_SACT) & 1, ==, 1);
    }
    assert_events(b, 0, 1, 0x2000000000000000ULL | (uint64_t)DOMAIN << 32 |
                  AHCI_ID, (PRDT_IOVA + 0x80) & ~0xfffULL);
    bench_stop(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/amdvi/ahci/table-in-pieces", test_table_in_pieces);
    qtest_add_func("/amdvi/ahci/table-unreachable", test_table_unreachable);
    return g_test_run();
}
