/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder.  See recorder.h */
#include "portable.h"
#include "recorder.h"

void amdvi_recorder_init(AmdviRecorder *r, uint64_t size)
{
    r->slot = g_new0(AmdviRecordSlot, size);
    r->size = size;
    r->next = 0;
}

void amdvi_recorder_free(AmdviRecorder *r)
{
    g_free(r->slot);
}

void amdvi_recorder_add(AmdviRecorder *r, const AmdviRecord *record)
{
    AmdviRecordSlot *slot = &r->slot[r->next & (r->size - 1)];

    qatomic_set(&slot->number, 0);
    qatomic_store_release(&slot->time, (uint64_t)record->time);
    qatomic_store_release(&slot->kind_device,
                          (uint64_t)record->kind << 32 | record->device_id);
    qatomic_store_release(&slot->pasid_detail,
                          (uint64_t)record->pasid << 32 | record->detail);
    qatomic_store_release(&slot->words[0], record->words[0]);
    qatomic_store_release(&slot->words[1], record->words[1]);
    qatomic_store_release(&slot->number, r->next + 1);
    qatomic_store_release(&r->next, r->next + 1);
}

/* Copy record @number, unless another one has taken its place */
static bool copy_record(const AmdviRecorder *r, uint64_t number,
                        AmdviRecord *record)
{
    const AmdviRecordSlot *slot = &r->slot[number & (r->size - 1)];
    uint64_t who, more;

    if (qatomic_load_acquire(&slot->number) != number + 1) {
        return false;
    }
    record->number = number;
    record->time = (int64_t)qatomic_load_acquire(&slot->time);
    who = qatomic_load_acquire(&slot->kind_device);
    record->kind = (AmdviRecordKind)(who >> 32);
    record->device_id = (uint32_t)who;
    more = qatomic_load_acquire(&slot->pasid_detail);
    record->pasid = (uint32_t)(more >> 32);
    record->detail = (uint32_t)more;
    record->words[0] = qatomic_load_acquire(&slot->words[0]);
    record->words[1] = qatomic_load_acquire(&slot->words[1]);
    return qatomic_read(&slot->number) == number + 1;
}

bool amdvi_recorder_read(const AmdviRecorder *r, uint64_t from,
                         AmdviRecord *record)
{
    uint64_t next = amdvi_recorder_next(r);

    if (next > r->size && from < next - r->size) {
        from = next - r->size;
    }
    for (; from < next; from++) {
        if (copy_record(r, from, record)) {
            return true;
        }
    }
    return false;
}
