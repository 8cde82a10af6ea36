/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data with an integrity field of eight bytes behind each block: a guard (the
 * T10 CRC of the block), an application tag and a reference tag, all big
 * endian.  spec/dsa-device.md 6.2, 6.3.
 *
 * A chunk is a number of whole blocks; what a page fault leaves of it is
 * rounded down to whole blocks, so that software can go on from there with
 * the tags that are in the completion record.
 */
#include "qemu/osdep.h"
#include "hw/misc/dsa/dsa.h"
#include "qemu/bitops.h"

#define FIELD_BYTES 8
#define GUARD_POLYNOMIAL 0x8bb7

/* DSA_DESC_DIF_FLAGS */
#define BLOCK_SIZE(flags) ((flags) & 3)
#define INVERT_SEED BIT(2)
#define INVERT_RESULT BIT(3)
#define DIF_FLAGS 0xf
/* DSA_DESC_SOURCE_DIF_FLAGS */
#define SOURCE_ALL_F_ERROR BIT(0)
#define SOURCE_ALL_F BIT(1)
#define SOURCE_APP_F BIT(2)
#define SOURCE_APP_AND_REF_F BIT(3)
#define SOURCE_NO_GUARD BIT(5)
#define SOURCE_NO_REF BIT(6)
/* DSA_DESC_DEST_DIF_FLAGS */
#define DEST_PASS_APP BIT(3)
#define DEST_PASS_GUARD BIT(5)
#define DEST_PASS_REF BIT(6)
/* Both */
#define APP_INCREMENTS BIT(4)
#define REF_FIXED BIT(7)

/* Result byte of a failed check */
#define RESULT_GUARD BIT(0)
#define RESULT_APP BIT(1)
#define RESULT_REF BIT(2)
#define RESULT_ALL_F BIT(3)

typedef struct Field {
    uint16_t guard;
    uint16_t app;
    uint32_t ref;
} Field;

/* Which operation has integrity fields on which side */
static bool has_source_fields(const DsaWork *work)
{
    return dsa_opcode(work) != DSA_OP_DIF_INSERT;
}

static bool has_dest_fields(const DsaWork *work)
{
    return dsa_opcode(work) == DSA_OP_DIF_INSERT ||
           dsa_opcode(work) == DSA_OP_DIF_UPDATE;
}

static bool has_destination(const DsaWork *work)
{
    return dsa_opcode(work) != DSA_OP_DIF_CHECK;
}

/* Bytes of a block without its field */
static uint32_t block_bytes(const DsaWork *work)
{
    static const uint16_t sizes[] = {512, 520, 4096, 4104};

    return sizes[BLOCK_SIZE(work->raw[DSA_DESC_DIF_FLAGS])];
}

static uint32_t source_step(const DsaWork *work)
{
    return block_bytes(work) + (has_source_fields(work) ? FIELD_BYTES : 0);
}

static uint32_t dest_step(const DsaWork *work)
{
    return block_bytes(work) + (has_dest_fields(work) ? FIELD_BYTES : 0);
}

uint8_t dsa_dif_check(const DsaWork *work)
{
    if (work->raw[DSA_DESC_DIF_FLAGS] & ~DIF_FLAGS) {
        return DSA_STATUS_RESERVED;
    }
    return dsa_desc32(work, DSA_DESC_SIZE) % source_step(work) ?
           DSA_STATUS_SIZE : DSA_STATUS_NONE;
}

static uint16_t guard_byte(uint16_t crc, uint8_t byte)
{
    crc ^= byte << 8;
    for (unsigned int bit = 0; bit < 8; bit++) {
        crc = crc << 1 ^ (crc & 0x8000 ? GUARD_POLYNOMIAL : 0);
    }
    return crc;
}

static void make_guard_table(uint16_t *table)
{
    for (unsigned int i = 0; i < 256; i++) {
        table[i] = guard_byte(0, i);
    }
}

static uint16_t guard_of(const DsaWork *work, const uint8_t *block)
{
    static uint16_t table[256];
    uint8_t flags = work->raw[DSA_DESC_DIF_FLAGS];
    uint16_t crc = flags & INVERT_SEED ? 0xffff : 0;

    if (!table[1]) {
        make_guard_table(table);
    }
    for (uint32_t i = 0; i < block_bytes(work); i++) {
        crc = crc << 8 ^ table[crc >> 8 ^ block[i]];
    }
    return flags & INVERT_RESULT ? ~crc : crc;
}

static Field read_field(const uint8_t *at)
{
    return (Field) {lduw_be_p(at), lduw_be_p(at + 2), ldl_be_p(at + 4)};
}

static void write_field(uint8_t *at, Field field)
{
    stw_be_p(at, field.guard);
    stw_be_p(at + 2, field.app);
    stl_be_p(at + 4, field.ref);
}

/* The tags start as the descriptor says */
static void seed_tags(DsaWork *work)
{
    if (!work->seeded) {
        work->source_tags.ref = dsa_desc32(work, DSA_DESC_SOURCE_REF_TAG);
        work->source_tags.app = dsa_desc16(work, DSA_DESC_SOURCE_APP_TAG);
        work->dest_tags.ref = dsa_desc32(work, DSA_DESC_DEST_REF_TAG);
        work->dest_tags.app = dsa_desc16(work, DSA_DESC_DEST_APP_TAG);
        work->seeded = true;
    }
}

static void next_tags(DsaDifTags *tags, uint8_t flags)
{
    tags->ref += flags & REF_FIXED ? 0 : 1;
    tags->app += flags & APP_INCREMENTS ? 1 : 0;
}

/* Fields of all ones may switch checks off; says which errors there are */
static uint8_t check_field(const DsaWork *work, const uint8_t *block)
{
    uint8_t flags = work->raw[DSA_DESC_SOURCE_DIF_FLAGS];
    uint16_t compared = ~dsa_desc16(work, DSA_DESC_SOURCE_APP_MASK);
    Field field = read_field(block + block_bytes(work));
    bool app_f = field.app == 0xffff, ref_f = field.ref == 0xffffffff;
    uint8_t result = 0;

    if (app_f && ref_f && field.guard == 0xffff && (flags & SOURCE_ALL_F)) {
        return flags & SOURCE_ALL_F_ERROR ? RESULT_ALL_F : 0;
    }
    if ((app_f && (flags & SOURCE_APP_F)) ||
        (app_f && ref_f && (flags & SOURCE_APP_AND_REF_F))) {
        return 0;
    }
    if (!(flags & SOURCE_NO_GUARD) && field.guard != guard_of(work, block)) {
        result |= RESULT_GUARD;
    }
    if ((field.app ^ work->source_tags.app) & compared) {
        result |= RESULT_APP;
    }
    if (!(flags & SOURCE_NO_REF) && field.ref != work->source_tags.ref) {
        result |= RESULT_REF;
    }
    return result;
}

/* The field of a block at @out, which came from @in */
static void make_field(const DsaWork *work, const uint8_t *in, uint8_t *out)
{
    uint8_t flags = work->raw[DSA_DESC_DEST_DIF_FLAGS];
    uint16_t passed = dsa_desc16(work, DSA_DESC_DEST_APP_MASK);
    Field old = {}, new = {
        guard_of(work, in), work->dest_tags.app, work->dest_tags.ref
    };

    if (has_source_fields(work)) {
        old = read_field(in + block_bytes(work));
        new.guard = flags & DEST_PASS_GUARD ? old.guard : new.guard;
        new.ref = flags & DEST_PASS_REF ? old.ref : new.ref;
        passed = flags & DEST_PASS_APP ? 0xffff : passed;
    }
    new.app = (new.app & ~passed) | (old.app & passed);
    write_field(out + block_bytes(work), new);
}

/*
 * Check @count blocks at @in and make the ones at @out of them.  Returns how
 * many are good; result tells what is wrong with the one behind.  The tags
 * in @work are those behind the good ones.
 */
static uint32_t process(DsaWork *work, uint32_t count, const uint8_t *in,
                        uint8_t *out)
{
    for (uint32_t n = 0; n < count; n++) {
        if (has_source_fields(work)) {
            work->result = check_field(work, in);
            if (work->result) {
                return n;
            }
        }
        memcpy(out, in, block_bytes(work));
        if (has_dest_fields(work)) {
            make_field(work, in, out);
        }
        next_tags(&work->source_tags, work->raw[DSA_DESC_SOURCE_DIF_FLAGS]);
        next_tags(&work->dest_tags, work->raw[DSA_DESC_DEST_DIF_FLAGS]);
        in += source_step(work);
        out += dest_step(work);
    }
    return count;
}

/* Blocks of @out that arrive */
static uint32_t deliver(DsaTask *task, DsaWork *work, uint32_t count,
                        uint8_t *out)
{
    uint64_t at = dsa_desc64(work, DSA_DESC_DESTINATION) +
                  (uint64_t)work->done / source_step(work) * dest_step(work);

    return dsa_write(task, work, at, out, count * dest_step(work)) /
           dest_step(work);
}

DsaOutcome dsa_dif(DsaTask *task, DsaWork *work)
{
    uint8_t *in = task->s->buffer[0], *out = task->s->buffer[1];
    uint32_t step = source_step(work), count, good, delivered;
    DsaDifTags source_tags, dest_tags;

    seed_tags(work);
    source_tags = work->source_tags;
    dest_tags = work->dest_tags;
    count = MIN((dsa_desc32(work, DSA_DESC_SIZE) - work->done) / step,
                DSA_CHUNK / (block_bytes(work) + FIELD_BYTES));
    count = dsa_read(task, work, dsa_desc64(work, DSA_DESC_SOURCE) +
                     work->done, in, count * step) / step;
    if (!count) {
        return DSA_FAULT;
    }
    good = process(work, count, in, out);
    delivered = good && has_destination(work) ?
                deliver(task, work, good, out) : good;
    if (delivered < good) {
        /* What did not arrive is made again */
        work->source_tags = source_tags;
        work->dest_tags = dest_tags;
        work->result = 0;
        process(work, delivered, in, out);
    }
    work->done += delivered * step;
    if (delivered < good) {
        return delivered ? DSA_MORE : DSA_FAULT;
    }
    if (work->result) {
        work->status = DSA_STATUS_DIF_ERROR;
        return DSA_FINISHED;
    }
    return work->done == dsa_desc32(work, DSA_DESC_SIZE) ? DSA_FINISHED
                                                         : DSA_MORE;
}

void dsa_dif_record(const DsaWork *work, uint8_t *record)
{
    switch (dsa_opcode(work)) {
    case DSA_OP_DIF_CHECK:
    case DSA_OP_DIF_STRIP:
    case DSA_OP_DIF_UPDATE:
        stl_le_p(record + DSA_RECORD_SOURCE_REF_TAG, work->source_tags.ref);
        memcpy(record + DSA_RECORD_SOURCE_APP_MASK,
               work->raw + DSA_DESC_SOURCE_APP_MASK, sizeof(uint16_t));
        stw_le_p(record + DSA_RECORD_SOURCE_APP_TAG, work->source_tags.app);
        break;
    }
    if (has_dest_fields(work)) {
        stl_le_p(record + DSA_RECORD_DEST_REF_TAG, work->dest_tags.ref);
        memcpy(record + DSA_RECORD_DEST_APP_MASK,
               work->raw + DSA_DESC_DEST_APP_MASK, sizeof(uint16_t));
        stw_le_p(record + DSA_RECORD_DEST_APP_TAG, work->dest_tags.app);
    }
}
