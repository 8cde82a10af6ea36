/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into the flight recorder, and for whom. */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "state.h"

void amdvi_svm_record(AmdviEngine *e, AmdviRecordKind kind,
                      uint32_t device_id, uint32_t pasid, uint32_t detail,
                      uint64_t word0, uint64_t word1)
{
    AmdviRecord record = {
        .time = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .kind = kind,
        .device_id = device_id,
        .pasid = pasid,
        .detail = detail,
        .words = { word0, word1 },
    };

    amdvi_recorder_add(&e->recorder, &record);
}

/* Field @id of an entry, or @none if its layout has no such field */
static uint32_t field(const struct amdvi_layout *layout, const char *id,
                      const uint64_t words[2], uint32_t none)
{
    const struct amdvi_field *f =
        layout ? amdvi_field_by_id(layout, id) : NULL;

    return f ? amdvi_field_get(f, words) : none;
}

void amdvi_svm_record_entry(AmdviEngine *e, AmdviRecordKind kind,
                            enum amdvi_family family, uint32_t detail,
                            const uint64_t words[2])
{
    const struct amdvi_layout *layout = amdvi_layout_match(family, words[0]);
    uint32_t pasid = AMDVI_NO_PASID;

    /* Where there is a flag for it, the PASID may be something else */
    if (field(layout, "gn", words, 1)) {
        pasid = field(layout, "pasid", words, AMDVI_NO_PASID);
    }
    amdvi_svm_record(e, kind, field(layout, "device_id", words,
                                    AMDVI_RECORD_NO_DEVICE),
                     pasid, detail, words[0], words[1]);
}

void amdvi_svm_record_response(AmdviDevice *d, const AmdviGroup *g,
                               uint16_t prg_index, uint8_t response)
{
    AmdviEngine *e = d->engine;
    uint16_t device_id = amdvi_svm_device_id(d);
    uint64_t ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - g->since;

    amdvi_svm_record(e, AMDVI_RECORD_PAGE_RESPONSE, device_id, g->pasid,
                     response, prg_index, ns);
    amdvi_stats_response(&e->stats, device_id, g->pasid, ns);
}

void amdvi_svm_record_delivered(AmdviDevice *d, uint32_t pasid,
                                struct amdvi_range range)
{
    AmdviEngine *e = d->engine;
    uint16_t device_id = amdvi_svm_device_id(d);

    amdvi_svm_record(e, AMDVI_RECORD_INVALIDATION, device_id, pasid, 0,
                     range.base, range.size);
    amdvi_stats_add(&e->stats, device_id, pasid, AMDVI_COUNT_INVALIDATIONS,
                    1);
}
