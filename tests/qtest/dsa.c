/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine of dsa.h. */
#include "qemu/osdep.h"
#include "dsa.h"
#include "hw/pci/pci_regs.h"

#define MMCONFIG 0xb0000000ULL
#define HOST_BRIDGE_PCIEXBAR 0x60
/* Reads of a register until something is taken to be stuck */
#define PATIENCE 2000000
#define MESSAGE_DATA 0xd5a0

/* Extended capabilities */
#define PASID_CONTROL 0x106
#define ATS_CONTROL 0x116
#define PRI_CONTROL 0x124
#define PRI_ALLOCATION 0x12c
#define PRI_RESET 2

static uint64_t config_address(const Dsa *d, uint16_t offset)
{
    return MMCONFIG + ((uint64_t)d->bdf << 12) + offset;
}

uint32_t dsa_config_read(Dsa *d, uint16_t offset)
{
    return qtest_readl(d->qts, config_address(d, offset));
}

void dsa_config_write(Dsa *d, uint16_t offset, uint32_t value, int size)
{
    if (size == 2) {
        qtest_writew(d->qts, config_address(d, offset), value);
    } else {
        qtest_writel(d->qts, config_address(d, offset), value);
    }
}

/* Extended configuration space is where the firmware would have put it */
static void enable_mmconfig(Dsa *d)
{
    qtest_outl(d->qts, 0xcf8, 0x80000000 | HOST_BRIDGE_PCIEXBAR);
    qtest_outl(d->qts, 0xcfc, MMCONFIG | 1);
    qtest_outl(d->qts, 0xcf8, 0x80000000 | (HOST_BRIDGE_PCIEXBAR + 4));
    qtest_outl(d->qts, 0xcfc, 0);
}

static uint8_t find_capability(Dsa *d, uint8_t id)
{
    uint8_t at = dsa_config_read(d, PCI_CAPABILITY_LIST);

    while (at && (dsa_config_read(d, at & ~3) & 0xff) != id) {
        at = dsa_config_read(d, at & ~3) >> 8;
    }
    g_assert_cmpint(at, !=, 0);
    return at;
}

void dsa_enable_pci(Dsa *d)
{
    uint8_t msix;
    unsigned int vectors;

    dsa_config_write(d, PCI_BASE_ADDRESS_0, DSA_BAR0, 4);
    dsa_config_write(d, PCI_BASE_ADDRESS_0 + 4, DSA_BAR0 >> 32, 4);
    dsa_config_write(d, PCI_BASE_ADDRESS_2, DSA_BAR2, 4);
    dsa_config_write(d, PCI_BASE_ADDRESS_2 + 4, DSA_BAR2 >> 32, 4);
    dsa_config_write(d, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
                     2);
    msix = find_capability(d, PCI_CAP_ID_MSIX);
    vectors = ((dsa_config_read(d, msix) >> 16) & PCI_MSIX_FLAGS_QSIZE) + 1;
    for (unsigned int n = 0; n < vectors; n++) {
        uint64_t entry = DSA_BAR0 + DSA_MSIX_TABLE + n * PCI_MSIX_ENTRY_SIZE;

        qtest_writel(d->qts, entry, DSA_MESSAGES + 4 * n);
        qtest_writel(d->qts, entry + 4, 0);
        qtest_writel(d->qts, entry + 8, MESSAGE_DATA + n);
        qtest_writel(d->qts, entry + 12, 0);
    }
    dsa_config_write(d, msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

void dsa_enable_svm(Dsa *d, uint32_t page_requests)
{
    dsa_config_write(d, PASID_CONTROL, 1, 2);
    dsa_config_write(d, ATS_CONTROL, 0x8000, 2);
    if (page_requests) {
        dsa_config_write(d, PRI_CONTROL, PRI_RESET, 2);
        dsa_config_write(d, PRI_ALLOCATION, page_requests, 4);
        dsa_config_write(d, PRI_CONTROL, 1, 2);
    }
}

Dsa *dsa_attach(QTestState *qts, uint16_t bdf)
{
    Dsa *d = g_new0(Dsa, 1);

    d->qts = qts;
    d->bdf = bdf;
    enable_mmconfig(d);
    dsa_enable_pci(d);
    return d;
}

Dsa *dsa_start(const char *machine_options, const char *dsa_options)
{
    return dsa_attach(qtest_initf("-machine q35 -m 256M -nodefaults "
                                  "-nic none %s -device dsa,addr=05.0%s",
                                  machine_options, dsa_options), DSA_BDF);
}

void dsa_quit(Dsa *d)
{
    qtest_quit(d->qts);
    g_free(d);
}

uint64_t dsa_reg_read(Dsa *d, uint32_t offset)
{
    return qtest_readq(d->qts, DSA_BAR0 + offset);
}

void dsa_reg_write(Dsa *d, uint32_t offset, uint64_t value)
{
    qtest_writeq(d->qts, DSA_BAR0 + offset, value);
}

void dsa_command_start(Dsa *d, unsigned int code, uint32_t operand)
{
    qtest_writel(d->qts, DSA_BAR0 + DSA_REG_CMD, code << 20 | operand);
}

bool dsa_command_active(Dsa *d)
{
    return qtest_readl(d->qts, DSA_BAR0 + DSA_REG_CMDSTS) & DSA_CMDSTS_ACTIVE;
}

uint8_t dsa_execute(Dsa *d, unsigned int code, uint32_t operand)
{
    unsigned int n = 0;

    dsa_command_start(d, code, operand);
    while (dsa_command_active(d)) {
        g_assert_cmpint(n++, <, PATIENCE);
    }
    return qtest_readl(d->qts, DSA_BAR0 + DSA_REG_CMDSTS);
}

static uint64_t queue_address(unsigned int queue, unsigned int word)
{
    return DSA_BAR0 + DSA_QUEUES_CONFIG + queue * DSA_QUEUE_STRIDE + word * 4;
}

void dsa_queue_write(Dsa *d, unsigned int queue, unsigned int word,
                     uint32_t value)
{
    qtest_writel(d->qts, queue_address(queue, word), value);
}

uint32_t dsa_queue_read(Dsa *d, unsigned int queue, unsigned int word)
{
    return qtest_readl(d->qts, queue_address(queue, word));
}

void dsa_group_write(Dsa *d, unsigned int group, unsigned int qword,
                     uint64_t value)
{
    qtest_writeq(d->qts, DSA_BAR0 + DSA_GROUPS_CONFIG +
                 group * DSA_GROUP_STRIDE + qword * 8, value);
}

void dsa_configure_queue(Dsa *d, unsigned int queue, uint32_t mode)
{
    dsa_queue_write(d, queue, DSA_QCFG_SIZE, DSA_QUEUE_SIZE);
    dsa_queue_write(d, queue, DSA_QCFG_MODE,
                    mode | DSA_QUEUE_DEDICATED | 1 << 4);
    dsa_queue_write(d, queue, DSA_QCFG_LIMITS, 10 << 5 | 31);
    for (unsigned int n = 0; n < 8; n++) {
        dsa_queue_write(d, queue, DSA_QCFG_OPERATIONS + n, UINT32_MAX);
    }
}

void dsa_enable(Dsa *d, uint32_t mode)
{
    dsa_configure_queue(d, 0, mode);
    dsa_group_write(d, 0, 0, 1);
    dsa_group_write(d, 0, DSA_GROUP_ENGINES / 8, 1);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_DEVICE, 0), ==, 0);
    g_assert_cmphex(dsa_execute(d, DSA_CMD_ENABLE_QUEUE, 0), ==, 0);
}

DsaDesc dsa_desc(unsigned int opcode, uint32_t flags, uint64_t source,
                 uint64_t destination, uint32_t size)
{
    return (DsaDesc) {
        .word = {
            (uint64_t)(opcode << 24 | flags) << 32, DSA_RECORD, source,
            destination, size
        },
    };
}

void dsa_submit_to(Dsa *d, unsigned int queue, DsaDesc desc)
{
    uint64_t portal = DSA_BAR2 + queue * DSA_PORTAL_PAGES * DSA_PORTAL_PAGE +
                      DSA_PORTAL_LIMITED * DSA_PORTAL_PAGE;

    for (unsigned int n = 0; n < G_N_ELEMENTS(desc.word); n++) {
        qtest_writeq(d->qts, portal + n * 8, desc.word[n]);
    }
}

void dsa_launch(Dsa *d, DsaDesc desc)
{
    qtest_memset(d->qts, desc.word[1], 0, DSA_RECORD_BYTES);
    dsa_submit_to(d, 0, desc);
}

DsaRecord dsa_wait(Dsa *d, uint64_t address)
{
    unsigned int n = 0;

    while (!qtest_readb(d->qts, address)) {
        g_assert_cmpint(n++, <, PATIENCE);
    }
    return (DsaRecord) {
        .status = qtest_readb(d->qts, address),
        .result = qtest_readb(d->qts, address + 1),
        .done = qtest_readl(d->qts, address + 4),
        .fault_address = qtest_readq(d->qts, address + 8),
        .word2 = qtest_readq(d->qts, address + 16),
        .word3 = qtest_readq(d->qts, address + 24),
    };
}

DsaRecord dsa_expect(Dsa *d, DsaDesc desc, uint8_t status)
{
    DsaRecord record;

    dsa_launch(d, desc);
    record = dsa_wait(d, desc.word[1]);
    g_assert_cmphex(record.status, ==, status);
    return record;
}

/*
 * The qtest library searches all of a line again for each KiB of it that
 * arrives, so memory goes in pieces: a sanitizer makes that search slow.
 */
#define PIECE 0x1000

void dsa_fill(Dsa *d, uint64_t address, uint32_t size)
{
    uint8_t data[PIECE];

    for (uint32_t i = 0; i < size; i++) {
        data[i % PIECE] = i * 31 + (i >> 8) * 7 + (i >> 16) + 1;
        if ((i + 1) % PIECE == 0 || i + 1 == size) {
            qtest_bufwrite(d->qts, address + i / PIECE * PIECE, data,
                           i % PIECE + 1);
        }
    }
}

void dsa_assert_equal(Dsa *d, uint64_t a, uint64_t b, uint32_t size)
{
    uint8_t first[PIECE], second[PIECE];

    for (uint32_t at = 0; at < size; at += PIECE) {
        uint32_t bytes = MIN(PIECE, size - at);

        qtest_bufread(d->qts, a + at, first, bytes);
        qtest_bufread(d->qts, b + at, second, bytes);
        g_assert_cmpmem(first, bytes, second, bytes);
    }
}

bool dsa_message(Dsa *d, unsigned int n)
{
    uint64_t address = DSA_MESSAGES + 4 * n;
    uint32_t data = qtest_readl(d->qts, address);

    qtest_writel(d->qts, address, 0);
    g_assert_true(data == 0 || data == MESSAGE_DATA + n);
    return data;
}
