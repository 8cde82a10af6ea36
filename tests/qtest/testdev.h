/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives svm-testdev in a qtest: one call is one operation of the device.
 * docs/specs/svm-testdev.md explains registers, flags and results.
 */
#ifndef AMDVI_TESTDEV_H
#define AMDVI_TESTDEV_H

#include "libqtest.h"
#include "hw/misc/svm/testdev-regs.h"

#define TESTDEV_NO_PASID UINT32_MAX
/* testdev_run(): the operation waits for a page, or is a benchmark */
#define TESTDEV_RUNNING 0x100

/* Bits of the configuration space that tests name */
#define TESTDEV_PASID_CTRL 0x106
#define TESTDEV_ATS_CTRL 0x116
#define TESTDEV_PRI_CTRL 0x124
#define TESTDEV_PRI_STATUS 0x126
#define TESTDEV_PRI_CAPACITY 0x128
#define TESTDEV_PRI_ALLOCATION 0x12c
#define TESTDEV_PASID_ON 0x0001
#define TESTDEV_PASID_EXEC 0x0002
#define TESTDEV_PASID_PRIV 0x0004
#define TESTDEV_ATS_ON 0x8000
#define TESTDEV_PRI_ON 0x0001
#define TESTDEV_PRI_RESET 0x0002
#define TESTDEV_PRI_RESPONSE_FAILURE 0x0001
#define TESTDEV_PRI_UNEXPECTED 0x0002
#define TESTDEV_PRI_STOPPED 0x0100
#define TESTDEV_PRI_NEEDS_PASID 0x8000

typedef struct Testdev {
    QTestState *qts;
    uint16_t id;                /* bus, device and function */
    uint64_t bar;
} Testdev;

/* What an ATS request brought; the first entry if there are more */
typedef struct TestdevTranslation {
    int64_t result;             /* number of entries, or negative errno */
    uint64_t iova;
    uint64_t addr;
    uint64_t mask;
    uint32_t perm;              /* TESTDEV_PERM_* */
    uint32_t lacking;           /* entries that grant less than asked */
} TestdevTranslation;

typedef struct TestdevTlbEntry {
    uint64_t iova;
    uint64_t addr;
    uint32_t pasid;
    uint32_t perm;
    unsigned int shift;
} TestdevTlbEntry;

/*
 * Give the function @id its BAR at @bar (TESTDEV_BAR_SIZE bytes of free
 * address space below 4 GiB), and let it decode memory and be bus master.
 * Also turns on q35's memory-mapped configuration space.  Free with g_free().
 */
Testdev *testdev_find(QTestState *qts, uint16_t id, uint64_t bar);

/* Registers of the BAR, and the configuration space with its 4 KiB */
uint64_t testdev_get(Testdev *t, uint32_t offset);
void testdev_set(Testdev *t, uint32_t offset, uint64_t value);
uint16_t testdev_config_get(Testdev *t, uint16_t offset);
void testdev_config_set(Testdev *t, uint16_t offset, uint16_t value);

/*
 * Enable PASIDs (with execute and privileged mode), ATS, and PRI with
 * @page_requests allocated (0: PRI stays off), in the order Linux does.
 */
void testdev_enable(Testdev *t, uint32_t page_requests);

/* Execute a command.  Its RESULT, or TESTDEV_RUNNING */
uint32_t testdev_run(Testdev *t, uint32_t command, uint32_t flags,
                     uint32_t pasid, uint64_t addr, uint32_t len);
/* The same for data, @len bytes.  @flags names the path and attributes */
uint32_t testdev_read(Testdev *t, uint32_t flags, uint32_t pasid,
                      uint64_t addr, void *buf, uint32_t len);
uint32_t testdev_write(Testdev *t, uint32_t flags, uint32_t pasid,
                       uint64_t addr, const void *buf, uint32_t len);
/* An ATS request for one page */
TestdevTranslation testdev_translate(Testdev *t, uint32_t flags,
                                     uint32_t pasid, uint64_t addr);
/* A page request message as it is.  Zero or negative errno */
int testdev_request_page(Testdev *t, uint32_t flags, uint32_t pasid,
                         uint64_t addr, uint16_t prgi);
/* The device TLB entry of the page around @iova.  False if there is none */
bool testdev_find_tlb(Testdev *t, uint32_t pasid, uint64_t iova,
                      TestdevTlbEntry *entry);
/* Number of entries in use */
unsigned int testdev_count_tlb(Testdev *t);
/* Check the last response: PRG index, code, PASID; and how many there were */
void testdev_assert_response(Testdev *t, uint64_t count, uint16_t prgi,
                             unsigned int code, uint32_t pasid);
/* Check entry @n (from 0) of the invalidation log */
void testdev_assert_invalidation(Testdev *t, unsigned int n, uint32_t pasid,
                                 uint64_t first, uint64_t last);

#endif
