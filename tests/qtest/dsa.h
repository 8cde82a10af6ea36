/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with a DSA as 00:05.0, driven as its driver would.  Numbers of
 * spec/dsa-device.md; those of hw/misc/dsa/layout.h are checked by the
 * capability and record tests, which use none of them.
 */
#ifndef AMDVI_DSA_H
#define AMDVI_DSA_H

#include "libqtest.h"
#include "hw/misc/dsa/layout.h"

#define DSA_BAR0 0xe0000000ULL
#define DSA_BAR2 0xe0100000ULL
#define DSA_BDF 0x0028                  /* of dsa_start() */

/* Where things are in guest memory, out of the way of bench.h and vtd.h */
#define DSA_RECORD 0x6000000ULL
#define DSA_RECORDS 0x6001000ULL        /* of the members of a batch */
#define DSA_LIST 0x6010000ULL
#define DSA_EVENT_LOG 0x6030000ULL
#define DSA_MESSAGES 0x6040000ULL       /* 4 bytes for each vector */
#define DSA_SOURCE 0x8000000ULL
#define DSA_TARGET 0xa000000ULL
#define DSA_TARGET2 0xe000000ULL

#define DSA_QUEUE_SIZE 16
#define DSA_ANY_RECORD \
    (DSA_FLAG_COMPLETION_VALID | DSA_FLAG_REQUEST_COMPLETION)

typedef struct Dsa {
    QTestState *qts;
    uint16_t bdf;
} Dsa;

/* The words of a descriptor, and of a completion record */
typedef struct DsaDesc {
    uint64_t word[8];
} DsaDesc;
typedef struct DsaRecord {
    uint8_t status, result;
    uint32_t done;
    uint64_t fault_address;
    uint64_t word2, word3;
} DsaRecord;

/* Start it: options of the machine ("-device ...") and of the DSA (",...") */
Dsa *dsa_start(const char *machine_options, const char *dsa_options);
void dsa_quit(Dsa *d);
/* The same for the function @bdf of a machine that runs; free with g_free() */
Dsa *dsa_attach(QTestState *qts, uint16_t bdf);
/* Memory decoding, bus mastering, MSI-X; part of both */
void dsa_enable_pci(Dsa *d);
/* PASIDs, ATS and, with an allocation, PRI, in the order Linux does */
void dsa_enable_svm(Dsa *d, uint32_t page_requests);

uint32_t dsa_config_read(Dsa *d, uint16_t offset);
void dsa_config_write(Dsa *d, uint16_t offset, uint32_t value, int size);
uint64_t dsa_reg_read(Dsa *d, uint32_t offset);
void dsa_reg_write(Dsa *d, uint32_t offset, uint64_t value);
/* Run a command to its end; returns its error */
uint8_t dsa_execute(Dsa *d, unsigned int code, uint32_t operand);
/* Write the command register only */
void dsa_command_start(Dsa *d, unsigned int code, uint32_t operand);
bool dsa_command_active(Dsa *d);

/* Words of configuration tables */
void dsa_queue_write(Dsa *d, unsigned int queue, unsigned int word,
                     uint32_t value);
uint32_t dsa_queue_read(Dsa *d, unsigned int queue, unsigned int word);
void dsa_group_write(Dsa *d, unsigned int group, unsigned int qword,
                     uint64_t value);
/* A dedicated queue of any operation; @mode is added to its mode word */
void dsa_configure_queue(Dsa *d, unsigned int queue, uint32_t mode);
/* Queue 0 in group 0 with one engine, all of it enabled */
void dsa_enable(Dsa *d, uint32_t mode);

/* A descriptor with a record at DSA_RECORD */
DsaDesc dsa_desc(unsigned int opcode, uint32_t flags, uint64_t source,
                 uint64_t destination, uint32_t size);
/* Clear the place of the record, submit to the first page of queue 0 */
void dsa_launch(Dsa *d, DsaDesc desc);
void dsa_submit_to(Dsa *d, unsigned int queue, DsaDesc desc);
/* Wait for the record at @address */
DsaRecord dsa_wait(Dsa *d, uint64_t address);
/* Both; the record has to say @status */
DsaRecord dsa_expect(Dsa *d, DsaDesc desc, uint8_t status);

/* Bytes that are different at each address */
void dsa_fill(Dsa *d, uint64_t address, uint32_t size);
void dsa_assert_equal(Dsa *d, uint64_t a, uint64_t b, uint32_t size);
/* Whether vector @n was sent since the last call */
bool dsa_message(Dsa *d, unsigned int n);

#endif
