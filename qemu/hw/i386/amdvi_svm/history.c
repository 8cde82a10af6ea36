/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into the flight recorder, and for whom. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/timer.h"
#include "state.h"

/* A guest can cause as many as it likes: one of each kind in this time */
#define NEWS_NS NANOSECONDS_PER_SECOND

void (*amdvi_svm_tell)(AmdviEngine *e, AmdviNewsKind kind,
                       const AmdviRecord *record, uint64_t suppressed);

void amdvi_svm_post_news(AmdviEngine *e, AmdviNewsKind kind,
                         const AmdviRecord *record)
{
    AmdviNews *news = &e->news[kind];
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (news->pending || now < news->quiet_until) {
        news->suppressed++;
        return;
    }
    news->pending = true;
    news->quiet_until = now + NEWS_NS;
    news->record = *record;
}

/* Copy news to be told and mark them as told; false if there are none */
static bool take_news(AmdviEngine *e, AmdviNewsKind kind, AmdviNews *taken)
{
    AmdviNews *news = &e->news[kind];

    QEMU_LOCK_GUARD(&e->lock);
    if (!news->pending) {
        return false;
    }
    *taken = *news;
    news->pending = false;
    news->suppressed = 0;
    return true;
}

void amdvi_svm_tell_news(AmdviEngine *e)
{
    AmdviNews news;

    for (int kind = 0; kind < AMDVI_NUM_NEWS; kind++) {
        if (take_news(e, kind, &news) && amdvi_svm_tell) {
            amdvi_svm_tell(e, kind, &news.record, news.suppressed);
        }
    }
}

/* Records that are news */
static void post_if_news(AmdviEngine *e, const AmdviRecord *record)
{
    static const struct {
        AmdviRecordKind record;
        AmdviNewsKind news;
    } kinds[] = {
        { AMDVI_RECORD_FAULT, AMDVI_NEWS_FAULT },
        { AMDVI_RECORD_PAGE_REQUEST, AMDVI_NEWS_PAGE_REQUEST },
        { AMDVI_RECORD_OVERFLOW, AMDVI_NEWS_OVERFLOW },
    };

    for (int i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (record->kind == kinds[i].record) {
            amdvi_svm_post_news(e, kinds[i].news, record);
        }
    }
}

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

    /* What it costs is measured with a build that leaves it out */
#ifndef AMDVI_SVM_UNRECORDED
    amdvi_recorder_add(&e->recorder, &record);
#endif
    post_if_news(e, &record);
}

void amdvi_svm_record_stale_hit(AmdviEngine *e, uint32_t device_id,
                                uint32_t pasid, uint32_t detail,
                                uint64_t addr, int64_t stale_since)
{
    int64_t age = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - stale_since;

    amdvi_svm_record(e, AMDVI_RECORD_STALE_HIT, device_id, pasid, detail,
                     addr, age);
}

uint32_t amdvi_svm_entry_field(const struct amdvi_layout *layout,
                               const char *id, const uint64_t words[2],
                               uint32_t none)
{
    const struct amdvi_field *f =
        layout ? amdvi_field_by_id(layout, id) : NULL;

    return f ? amdvi_field_get(f, words) : none;
}

uint32_t amdvi_svm_entry_pasid(const struct amdvi_layout *layout,
                               const uint64_t words[2])
{
    /* Where there is a flag for it, the PASID may be something else */
    return amdvi_svm_entry_field(layout, "gn", words, 1)
           ? amdvi_svm_entry_field(layout, "pasid", words, AMDVI_NO_PASID)
           : AMDVI_NO_PASID;
}

void amdvi_svm_record_entry(AmdviEngine *e, AmdviRecordKind kind,
                            enum amdvi_family family, uint32_t detail,
                            const uint64_t words[2])
{
    const struct amdvi_layout *layout = amdvi_layout_match(family, words[0]);

    amdvi_svm_record(e, kind,
                     amdvi_svm_entry_field(layout, "device_id", words,
                                           AMDVI_RECORD_NO_DEVICE),
                     amdvi_svm_entry_pasid(layout, words), detail, words[0],
                     words[1]);
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
