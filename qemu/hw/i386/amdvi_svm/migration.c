/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the engine migrates: registers, with them the state of all rings,
 * pending interrupts, the page requests that wait for a response, whose page
 * faults DTE.SE has suppressed since the first, counters.
 *
 * Everything else is derived from these or starts cold.  Groups travel with
 * the DeviceID of their device, and so does what was reported; bus numbers are
 * known again when all of the stream has been read, so they find their device
 * when the VM goes on.
 * What comes in is checked: it may be a file that anybody has written.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "migration/vmstate.h"
#include "pmu.h"
#include "state.h"

/* An open page request group on its way */
typedef struct AmdviSavedGroup {
    uint16_t device_id;
    uint16_t prg_index;
    AmdviGroup group;
} AmdviSavedGroup;

static void save_groups(AmdviDevice *d, GArray *saved)
{
    for (int i = 0; d->groups && i < AMDVI_GROUPS; i++) {
        AmdviSavedGroup s = {
            .device_id = amdvi_svm_device_id(d),
            .prg_index = i,
            .group = d->groups[i],
        };

        if (s.group.open) {
            g_array_append_val(saved, s);
        }
    }
}

void amdvi_svm_drop_saved(AmdviEngine *e)
{
    g_free(e->saved);
    e->saved = NULL;
    e->saved_len = 0;
    g_free(e->reported);
    e->reported = NULL;
    e->reported_len = 0;
}

static int pre_save(void *opaque)
{
    AmdviEngine *e = opaque;
    GArray *saved = g_array_new(false, false, sizeof(AmdviSavedGroup));
    GArray *reported = g_array_new(false, false, sizeof(uint16_t));
    AmdviDevice *d;

    amdvi_svm_fold_stats(e);
    /* What came in may leave again before the VM went on */
    amdvi_svm_place_saved(e);
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        QLIST_FOREACH_RCU(d, &e->devices, next) {
            uint16_t device_id = amdvi_svm_device_id(d);

            save_groups(d, saved);
            if (d->fault_reported) {
                g_array_append_val(reported, device_id);
            }
        }
    }
    e->saved_len = saved->len;
    e->saved = (AmdviSavedGroup *)g_array_free(saved, false);
    e->reported_len = reported->len;
    e->reported = (uint16_t *)g_array_free(reported, false);
    return 0;
}

static int post_save(void *opaque)
{
    amdvi_svm_drop_saved(opaque);
    return 0;
}

static int pre_load(void *opaque)
{
    amdvi_svm_drop_saved(opaque);
    amdvi_svm_disarm(opaque);
    amdvi_svm_reset_hold(opaque);
    /* Hits until now, which must not be added to those that come in */
    amdvi_svm_fold_stats(opaque);
    return 0;
}

void amdvi_svm_place_saved(AmdviEngine *e)
{
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        for (int i = 0; i < e->saved_len; i++) {
            const AmdviSavedGroup *s = &e->saved[i];
            AmdviDevice *d = amdvi_svm_find_device(e, s->device_id);

            if (d && s->prg_index < AMDVI_GROUPS) {
                *amdvi_svm_group(d, s->prg_index) = s->group;
            }
        }
        for (uint32_t i = 0; i < e->reported_len; i++) {
            AmdviDevice *d = amdvi_svm_find_device(e, e->reported[i]);

            if (d) {
                d->fault_reported = true;
            }
        }
    }
    amdvi_svm_drop_saved(e);
}

/* Pointers of a ring must lie in it, as when software writes them */
static bool ring_is_sane(AmdviEngine *e, const AmdviRing *ring)
{
    uint32_t bytes = amdvi_svm_ring_bytes(e, ring);
    uint64_t pointer[] = {
        *amdvi_svm_reg(e, ring->head), *amdvi_svm_reg(e, ring->tail),
    };

    for (int i = 0; i < ARRAY_SIZE(pointer); i++) {
        if (pointer[i] % AMDVI_RING_ENTRY ||
            (pointer[i] && pointer[i] >= bytes)) {
            return false;
        }
    }
    return bytes || !ring->running(amdvi_svm_reg(e, AMDVI_LAYOUT_status));
}

static bool registers_are_sane(AmdviEngine *e)
{
    if (*amdvi_svm_reg(e, AMDVI_LAYOUT_efr) != e->features.efr ||
        *amdvi_svm_reg(e, AMDVI_LAYOUT_efr2) != e->features.efr2) {
        error_report("amd-iommu: the other side has different features "
                     "(EFR 0x%" PRIx64 ", here 0x%" PRIx64 "): the options "
                     "of both have to be the same",
                     *amdvi_svm_reg(e, AMDVI_LAYOUT_efr), e->features.efr);
        return false;
    }
    for (int i = 0; i < AMDVI_NUM_RINGS; i++) {
        if (!ring_is_sane(e, &amdvi_svm_rings[i])) {
            error_report("amd-iommu: the %s of the incoming state lies "
                         "outside of its ring", amdvi_svm_rings[i].name);
            return false;
        }
    }
    return true;
}

static int post_load(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    WITH_QEMU_LOCK_GUARD(&e->lock) {
        if (!registers_are_sane(e)) {
            return -EINVAL;
        }
        amdvi_svm_pmu_sanitize(e);
        amdvi_svm_pmu_update(e);
        amdvi_svm_publish_view(e);
        amdvi_stats_loaded(&e->stats);
    }
    /* A snapshot is loaded into a VM that may have cached something */
    amdvi_svm_forget_all(e);
    return 0;
}

static int64_t count_devices(AmdviEngine *e)
{
    int64_t count = 0;
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        count++;
    }
    return count;
}

/* Our devices have no more groups than this */
static bool saved_is_sane(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    return e->saved_len >= 0 &&
           e->saved_len <= count_devices(e) * AMDVI_GROUPS;
}

static bool reported_needed(void *opaque)
{
    AmdviEngine *e = opaque;

    return e->reported_len;
}

static bool reported_is_sane(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    return e->reported_len <= count_devices(e);
}

/* Without it a suppressed fault would be reported once more */
static const VMStateDescription vmstate_reported = {
    .name = "amd-iommu-svm/engine/reported",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = reported_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(reported_len, AmdviEngine),
        VMSTATE_VALIDATE("number of reported devices", reported_is_sane),
        VMSTATE_VARRAY_UINT32_ALLOC(reported, AmdviEngine, reported_len, 1,
                                    vmstate_info_uint16, uint16_t),
        VMSTATE_END_OF_LIST()
    },
};

/* Only with fault injection: since when and for whom a response waits */
static bool group_is_injected(void *opaque)
{
    AmdviSavedGroup *s = opaque;

    return s->group.due || s->group.injected;
}

static const VMStateDescription vmstate_group_injected = {
    .name = "amd-iommu-svm/page-request-group/injected",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = group_is_injected,
    .fields = (const VMStateField[]) {
        VMSTATE_INT64(group.due, AmdviSavedGroup),
        VMSTATE_BOOL(group.injected, AmdviSavedGroup),
        VMSTATE_END_OF_LIST()
    },
};

/* Memory for groups comes as it is, and not all of a group is in the stream */
static int group_pre_load(void *opaque)
{
    memset(opaque, 0, sizeof(AmdviSavedGroup));
    return 0;
}

static const VMStateDescription vmstate_group = {
    .name = "amd-iommu-svm/page-request-group",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = group_pre_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(device_id, AmdviSavedGroup),
        VMSTATE_UINT16(prg_index, AmdviSavedGroup),
        VMSTATE_BOOL(group.open, AmdviSavedGroup),
        VMSTATE_BOOL(group.last, AmdviSavedGroup),
        VMSTATE_BOOL(group.answered, AmdviSavedGroup),
        VMSTATE_UINT8(group.response, AmdviSavedGroup),
        VMSTATE_UINT32(group.pasid, AmdviSavedGroup),
        VMSTATE_UINT32(group.pages, AmdviSavedGroup),
        VMSTATE_INT64(group.since, AmdviSavedGroup),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_group_injected,
        NULL
    },
};

static bool armed_needed(void *opaque)
{
    AmdviEngine *e = opaque;

    return e->armed_len;
}

static bool armed_is_sane(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    return e->armed_len <= AMDVI_ARMED_MAX;
}

static int armed_post_load(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    for (uint32_t i = 0; i < e->armed_len; i++) {
        const AmdviArmed *a = &e->armed[i];

        if (a->kind >= AMDVI_NUM_ARMED_KINDS || a->delay < 0 ||
            a->delay > AMDVI_DELAY_MAX) {
            error_report("amd-iommu: the incoming state has an injected "
                         "fault of an unknown kind");
            return -EINVAL;
        }
    }
    return 0;
}

static const VMStateDescription vmstate_armed_fault = {
    .name = "amd-iommu-svm/armed-fault",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(kind, AmdviArmed),
        VMSTATE_UINT32(device_id, AmdviArmed),
        VMSTATE_BOOL(has_pasid, AmdviArmed),
        VMSTATE_UINT32(pasid, AmdviArmed),
        VMSTATE_BOOL(deliver, AmdviArmed),
        VMSTATE_INT64(delay, AmdviArmed),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_armed = {
    .name = "amd-iommu-svm/engine/armed",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = armed_needed,
    .post_load = armed_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(armed_len, AmdviEngine),
        VMSTATE_VALIDATE("number of armed faults", armed_is_sane),
        VMSTATE_STRUCT_ARRAY(armed, AmdviEngine, AMDVI_ARMED_MAX, 1,
                             vmstate_armed_fault, AmdviArmed),
        VMSTATE_END_OF_LIST()
    },
};

static bool hold_needed(void *opaque)
{
    AmdviEngine *e = opaque;

    return e->hold.hits;
}

static bool hold_is_sane(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    return e->hold.hits && e->hold.hits <= AMDVI_HITS_MAX &&
           e->hold.records <= AMDVI_HELD_SLOTS;
}

static int hold_post_load(void *opaque, int version_id)
{
    AmdviEngine *e = opaque;

    for (uint32_t i = 0; i < e->hold.hits; i++) {
        if (e->hold.hit[i].what.kind >= AMDVI_NUM_BREAK_KINDS ||
            e->hold.hit[i].what.reason >= AMDVI_NUM_REASONS) {
            error_report("amd-iommu: the incoming state was stopped for "
                         "something unknown");
            return -EINVAL;
        }
    }
    for (uint32_t i = 0; i < e->hold.records; i++) {
        const AmdviHeld *held = &e->hold.record[i];

        if ((held->ring != AMDVI_RING_EVENT && held->ring != AMDVI_RING_PPR) ||
            held->logged > AMDVI_LOG_OVERFLOW) {
            error_report("amd-iommu: the incoming state withholds a record "
                         "of an unknown log");
            return -EINVAL;
        }
    }
    return 0;
}

static const VMStateDescription vmstate_hit = {
    .name = "amd-iommu-svm/hit",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(number, AmdviHit),
        VMSTATE_UINT32(what.kind, AmdviHit),
        VMSTATE_UINT32(what.device_id, AmdviHit),
        VMSTATE_UINT32(what.pasid, AmdviHit),
        VMSTATE_BOOL(what.has_address, AmdviHit),
        VMSTATE_UINT64(what.first, AmdviHit),
        VMSTATE_BOOL(what.has_group, AmdviHit),
        VMSTATE_UINT16(what.prg_index, AmdviHit),
        VMSTATE_UINT32(what.reason, AmdviHit),
        VMSTATE_BOOL(what.has_words, AmdviHit),
        VMSTATE_UINT64_ARRAY(what.words, AmdviHit, 2),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_held = {
    .name = "amd-iommu-svm/held",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(words, AmdviHeld, 2),
        VMSTATE_UINT8(ring, AmdviHeld),
        VMSTATE_UINT8(logged, AmdviHeld),
        VMSTATE_BOOL(hardware_error, AmdviHeld),
        VMSTATE_END_OF_LIST()
    },
};

/* The VM was to be stopped, and moved before that: it will stop there */
static const VMStateDescription vmstate_hold = {
    .name = "amd-iommu-svm/engine/hold",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = hold_needed,
    .post_load = hold_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(hold.hits, AmdviEngine),
        VMSTATE_UINT32(hold.records, AmdviEngine),
        VMSTATE_VALIDATE("number of withheld records", hold_is_sane),
        VMSTATE_STRUCT_VARRAY_UINT32(hold.hit, AmdviEngine, hold.hits, 1,
                                     vmstate_hit, AmdviHit),
        VMSTATE_STRUCT_VARRAY_UINT32(hold.record, AmdviEngine, hold.records,
                                     1, vmstate_held, AmdviHeld),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_register_value = {
    .name = "amd-iommu-svm/register",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(value, AmdviRegister),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_counters = {
    .name = "amd-iommu-svm/counters",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(count, AmdviCounters, AMDVI_NUM_COUNTS),
        VMSTATE_UINT64(latency_count, AmdviCounters),
        VMSTATE_UINT64(latency_sum, AmdviCounters),
        VMSTATE_UINT64(latency_max, AmdviCounters),
        VMSTATE_END_OF_LIST()
    },
};

/* A key of the tables of counters, which is a plain number */
static const VMStateDescription vmstate_key = {
    .name = "amd-iommu-svm/key",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        {
            .name = "key",
            .size = sizeof(uint64_t),
            .info = &vmstate_info_uint64,
            .flags = VMS_SINGLE,
        },
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_stats = {
    .name = "amd-iommu-svm/stats",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_VARRAY_POINTER_KNOWN(pasid_key, AmdviStats,
                                            AMDVI_STATS_PASIDS, 1,
                                            vmstate_key, uint64_t),
        VMSTATE_STRUCT_VARRAY_POINTER_KNOWN(pasid, AmdviStats,
                                            AMDVI_STATS_PASIDS, 1,
                                            vmstate_counters, AmdviCounters),
        VMSTATE_STRUCT_VARRAY_POINTER_KNOWN(device_key, AmdviStats,
                                            AMDVI_STATS_DEVICES, 1,
                                            vmstate_key, uint64_t),
        VMSTATE_STRUCT_VARRAY_POINTER_KNOWN(device, AmdviStats,
                                            AMDVI_STATS_DEVICES, 1,
                                            vmstate_counters, AmdviCounters),
        VMSTATE_STRUCT(total, AmdviStats, 1, vmstate_counters, AmdviCounters),
        VMSTATE_END_OF_LIST()
    },
};

static bool has_pmu(void *opaque)
{
    AmdviEngine *e = opaque;

    return amdvi_efr_pc_sup(&e->features.efr);
}

static const VMStateDescription vmstate_pmu = {
    .name = "amd-iommu-svm/engine/pmu",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = has_pmu,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_SUB_ARRAY(reg, AmdviEngine, AMDVI_PMU_FIRST,
                                 AMDVI_PMU_REGISTERS, 1,
                                 vmstate_register_value, AmdviRegister),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_engine = {
    .name = "amd-iommu-svm/engine",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = pre_save,
    .post_save = post_save,
    .pre_load = pre_load,
    .post_load = post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_SUB_ARRAY(reg, AmdviEngine, 0, AMDVI_PMU_FIRST, 1,
                                 vmstate_register_value, AmdviRegister),
        VMSTATE_BOOL(command_error, AmdviEngine),
        VMSTATE_BOOL_ARRAY(log_on, AmdviEngine, AMDVI_NUM_RINGS),
        VMSTATE_UINT32(irq_level, AmdviEngine),
        VMSTATE_UINT32(irq_pending, AmdviEngine),
        VMSTATE_BOOL(abort_pending, AmdviEngine),
        VMSTATE_INT32(saved_len, AmdviEngine),
        VMSTATE_VALIDATE("number of page request groups", saved_is_sane),
        VMSTATE_STRUCT_VARRAY_ALLOC(saved, AmdviEngine, saved_len, 1,
                                    vmstate_group, AmdviSavedGroup),
        VMSTATE_STRUCT(stats, AmdviEngine, 1, vmstate_stats, AmdviStats),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_armed,
        &vmstate_hold,
        &vmstate_pmu,
        &vmstate_reported,
        NULL
    },
};

const VMStateDescription amdvi_svm_vmstate = {
    .name = "amd-iommu-svm",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = MIG_PRI_IOMMU,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_POINTER(engine, AMDVIState, vmstate_engine,
                               AmdviEngine),
        VMSTATE_END_OF_LIST()
    },
};

/* The PCI function: without its MSI state no interrupt would arrive */
const VMStateDescription amdvi_svm_vmstate_function = {
    .name = "amd-iommu-function",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(dev, AMDVIPCIState),
        VMSTATE_END_OF_LIST()
    },
};
