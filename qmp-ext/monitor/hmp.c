/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HMP: info amd-iommu, readable text over what the QMP queries reply. */
#include "qemu/osdep.h"
#include "monitor/hmp-target.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "qobject/qdict.h"
#include "target.h"

/* Records that are shown: the last ones */
#define RECORDS 32

static void print_bdf(Monitor *mon, uint16_t device_id)
{
    monitor_printf(mon, "%02x:%02x.%x", PCI_BUS_NUM(device_id),
                   PCI_SLOT(device_id), PCI_FUNC(device_id));
}

static void print_pasid(Monitor *mon, bool has_pasid, uint32_t pasid)
{
    if (has_pasid) {
        monitor_printf(mon, " PASID %u", pasid);
    }
}

static void print_rights(Monitor *mon, bool read, bool write, bool exec)
{
    monitor_printf(mon, " %c%c%c", read ? 'r' : '-', write ? 'w' : '-',
                   exec ? 'x' : '-');
}

static void print_counters(Monitor *mon, const AmdIommuCounters *c)
{
    monitor_printf(mon, ": %" PRIu64 " requests, %" PRIu64 " hits, %" PRIu64
                   " misses, %" PRIu64 " faults, %" PRIu64
                   " page requests, %" PRIu64 " responses, %" PRIu64
                   " invalidations\n", c->requests, c->hits, c->misses,
                   c->faults, c->page_requests, c->responses,
                   c->invalidations);
}

/* These topics show what fits into one reply */
static void print_more(Monitor *mon, bool more, const char *query)
{
    if (more) {
        monitor_printf(mon, "There is more: %s shows all of it.\n", query);
    }
}

/* What it was started with; the stock engine has none of it */
static void print_options(Monitor *mon, const AmdIommuOptions *o)
{
    if (o->has_iotlb_size) {
        monitor_printf(mon, "  %u bits of PASID, %u guest levels, %u entries "
                       "of IOTLB%s%s%s\n", o->pasid_bits, o->guest_levels,
                       o->iotlb_size, o->ats ? ", ATS" : "",
                       o->pri ? ", PRI" : "", o->pmu ? ", PMU" : "");
    }
}

static void info_status(Monitor *mon, Error **errp)
{
    AmdIommuInfoList *list = qmp_query_amd_iommu(errp);

    for (AmdIommuInfoList *l = list; l; l = l->next) {
        const AmdIommuInfo *i = l->value;

        monitor_printf(mon, "%s: engine %s, %s, EFR 0x%" PRIx64 ", EFR2 0x%"
                       PRIx64 ", control 0x%" PRIx64 ", status 0x%" PRIx64
                       "\n", i->id, AmdIommuEngine_str(i->engine),
                       i->enabled ? "enabled" : "disabled", i->efr, i->efr2,
                       i->control, i->status);
        print_options(mon, i->options);
        for (AmdIommuRingList *r = i->rings; r; r = r->next) {
            monitor_printf(mon, "  %s: base 0x%" PRIx64 " size 0x%x head 0x%x "
                           "tail 0x%x%s%s\n", AmdIommuLog_str(r->value->log),
                           r->value->base, r->value->size, r->value->head,
                           r->value->tail,
                           r->value->running ? " running" : "",
                           r->value->overflow ? " overflow" : "");
        }
    }
    qapi_free_AmdIommuInfoList(list);
}

static void info_devices(Monitor *mon, Error **errp)
{
    AmdIommuDeviceTable *table =
        qmp_query_amd_iommu_device_table(NULL, false, 0, false, 0, false, 0,
                                         errp);

    for (AmdIommuDteList *l = table ? table->entries : NULL; l; l = l->next) {
        print_bdf(mon, l->value->device_id);
        monitor_printf(mon, " %s DomainID %u", AmdIommuDteMode_str(
                       l->value->mode), l->value->domain_id);
        if (l->value->has_gcr3_root) {
            monitor_printf(mon, " GCR3 0x%" PRIx64, l->value->gcr3_root);
        }
        monitor_printf(mon, "%s%s\n", l->value->ats ? " ATS" : "",
                       l->value->ppr ? " PPR" : "");
    }
    print_more(mon, table && table->has_next, "query-amd-iommu-device-table");
    qapi_free_AmdIommuDeviceTable(table);
}

static void info_iotlb(Monitor *mon, Error **errp)
{
    AmdIommuIotlb *iotlb =
        qmp_query_amd_iommu_iotlb(false, false, false, 0, NULL, false, 0,
                                  false, 0, errp);

    for (AmdIommuIotlbEntryList *l = iotlb ? iotlb->entries : NULL; l;
         l = l->next) {
        const AmdIommuIotlbEntry *e = l->value;

        monitor_printf(mon, "DomainID %u", e->domain_id);
        print_pasid(mon, e->has_pasid, e->pasid);
        monitor_printf(mon, " 0x%" PRIx64 " to 0x%" PRIx64 " 2^%u bytes",
                       e->address, e->output, e->page_shift);
        print_rights(mon, e->read, e->write, e->exec);
        monitor_printf(mon, "%s%s\n", e->nested ? " nested" : "",
                       e->privileged ? " privileged" : "");
    }
    print_more(mon, iotlb && iotlb->has_next, "query-amd-iommu-iotlb");
    qapi_free_AmdIommuIotlb(iotlb);
}

static void info_stats(Monitor *mon, Error **errp)
{
    AmdIommuStats *stats =
        qmp_query_amd_iommu_stats(false, 0, NULL, false, 0, false, 0, errp);

    if (stats && stats->total) {
        monitor_printf(mon, "total");
        print_counters(mon, stats->total);
    }
    for (AmdIommuSourceCountersList *l = stats ? stats->sources : NULL; l;
         l = l->next) {
        print_bdf(mon, l->value->device_id);
        print_counters(mon, qapi_AmdIommuSourceCounters_base(l->value));
    }
    print_more(mon, stats && stats->has_next, "query-amd-iommu-stats");
    qapi_free_AmdIommuStats(stats);
}

static void print_record(Monitor *mon, const AmdIommuRecord *r)
{
    monitor_printf(mon, "%" PRIu64 " %" PRId64 " %s", r->number, r->time,
                   AmdIommuRecordKind_str(r->kind));
    if (r->has_device_id) {
        monitor_printf(mon, " ");
        print_bdf(mon, r->device_id);
    }
    print_pasid(mon, r->has_pasid, r->pasid);
    monitor_printf(mon, " 0x%016" PRIx64 " 0x%016" PRIx64 " %u%s%s\n",
                   r->words->value, r->words->next->value, r->detail,
                   r->reason ? " " : "", r->reason ? r->reason : "");
}

static void info_trace(Monitor *mon, Error **errp)
{
    AmdIommuTrace *trace =
        qmp_query_amd_iommu_trace(NULL, false, 0, true, 1, errp);
    uint64_t end = trace ? trace->end : 0;

    qapi_free_AmdIommuTrace(trace);
    if (!end) {
        return;
    }
    trace = qmp_query_amd_iommu_trace(NULL, true,
                                      end > RECORDS ? end - RECORDS : 0,
                                      true, RECORDS, errp);
    for (AmdIommuRecordList *l = trace->records; l; l = l->next) {
        print_record(mon, l->value);
    }
    qapi_free_AmdIommuTrace(trace);
}

static void info_page_requests(Monitor *mon, Error **errp)
{
    AmdIommuPageRequests *open =
        qmp_query_amd_iommu_page_requests(NULL, false, 0, false, 0, errp);

    for (AmdIommuPageRequestGroupList *l = open ? open->groups : NULL; l;
         l = l->next) {
        print_bdf(mon, l->value->device_id);
        print_pasid(mon, l->value->has_pasid, l->value->pasid);
        monitor_printf(mon, " PRG %u: %u pages%s, open for %" PRId64 " ns\n",
                       l->value->prg_index, l->value->pages,
                       l->value->last ? ", complete" : "", l->value->age);
    }
    print_more(mon, open && open->has_next, "query-amd-iommu-page-requests");
    qapi_free_AmdIommuPageRequests(open);
}

static void info_armed(Monitor *mon, Error **errp)
{
    AmdIommuArmedList *list = qmp_query_amd_iommu_armed(NULL, errp);

    for (AmdIommuArmedList *l = list; l; l = l->next) {
        const AmdIommuArmed *a = l->value;

        monitor_printf(mon, "%s", AmdIommuInjectKind_str(a->kind));
        if (a->has_device_id) {
            monitor_printf(mon, " ");
            print_bdf(mon, a->device_id);
        }
        print_pasid(mon, a->has_pasid, a->pasid);
        if (a->has_nanoseconds) {
            monitor_printf(mon, " by %" PRId64 " ns", a->nanoseconds);
        }
        monitor_printf(mon, "%s\n",
                       a->has_delivered && !a->delivered ? " not delivered"
                                                         : "");
    }
    qapi_free_AmdIommuArmedList(list);
}

static void print_break(Monitor *mon, const AmdIommuBreak *b)
{
    monitor_printf(mon, "%u %s", b->number, AmdIommuBreakKind_str(b->kind));
    if (b->has_opcode) {
        monitor_printf(mon, " opcode %u", b->opcode);
    }
    if (b->has_device_id) {
        monitor_printf(mon, " ");
        print_bdf(mon, b->device_id);
    }
    print_pasid(mon, b->has_pasid, b->pasid);
    if (b->has_first) {
        monitor_printf(mon, " 0x%" PRIx64 " to 0x%" PRIx64, b->first,
                       b->last);
    }
    monitor_printf(mon, ": %" PRIu64 " of %" PRIu64 " matches, %" PRIu64
                   " stops%s\n", b->matches, b->count, b->stops,
                   b->sticky ? ", sticky" : "");
}

static void info_breaks(Monitor *mon, Error **errp)
{
    AmdIommuBreakList *list = qmp_query_amd_iommu_breaks(NULL, errp);

    for (AmdIommuBreakList *l = list; l; l = l->next) {
        print_break(mon, l->value);
    }
    qapi_free_AmdIommuBreakList(list);
}

static void info_registers(Monitor *mon, Error **errp)
{
    AmdIommuRegisters *reply =
        qmp_query_amd_iommu_registers(NULL, false, 0, false, 0, errp);

    for (AmdIommuRegisterList *l = reply ? reply->registers : NULL; l;
         l = l->next) {
        const AmdIommuRegister *r = l->value;

        monitor_printf(mon, "%05x %s 0x%0*" PRIx64 ", after a reset 0x%"
                       PRIx64 "\n", r->offset, r->name, 2 * r->size, r->value,
                       r->reset);
    }
    print_more(mon, reply && reply->has_next, "query-amd-iommu-registers");
    qapi_free_AmdIommuRegisters(reply);
}

/* The entry @back places before tail, as one of the whole ring */
static AmdIommuLogEntries *entry_before(const AmdIommuRing *ring,
                                        uint32_t back)
{
    uint32_t size = ring->size / AMDVI_RING_ENTRY;
    uint32_t end = MIN(ring->tail / AMDVI_RING_ENTRY, size);

    return qmp_query_amd_iommu_log(ring->log, NULL, true,
                                   (end + size - back) % size, true, 1,
                                   &error_abort);
}

/* What is neither pending nor 0: places not yet used, or cleared since */
static bool is_empty(const AmdIommuLogEntries *e, uint32_t back)
{
    const uint64List *words = e->entries ? e->entries->value->words : NULL;
    uint32_t pending = (e->ring->tail - e->ring->head) % e->ring->size /
                       AMDVI_RING_ENTRY;

    return !words ||
           (!words->value && !words->next->value && back > pending);
}

static void print_entry(Monitor *mon, enum amdvi_family family,
                        const AmdIommuLogEntry *e)
{
    const struct amdvi_layout *layout = amdvi_layout_match(family,
                                                           e->words->value);

    monitor_printf(mon, "%05x 0x%016" PRIx64 " 0x%016" PRIx64, e->offset,
                   e->words->value, e->words->next->value);
    if (layout) {
        monitor_printf(mon, " %s: %s", layout->name, layout->title);
    }
    monitor_printf(mon, "\n");
}

/* The last entries, the newest one at the end */
static void print_ring(Monitor *mon, AmdIommuLog log,
                       enum amdvi_family family, Error **errp)
{
    g_autoptr(AmdIommuRing) ring = amdvi_qmp_ring(amdvi_qmp_find(NULL), log);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(
        (GDestroyNotify)qapi_free_AmdIommuLogEntries);
    uint32_t size = ring ? ring->size / AMDVI_RING_ENTRY : 0;
    bool readable = true;

    if (!ring) {
        error_setg(errp, "this IOMMU has no such ring");
        return;
    }
    if (!ring->enabled && !ring->base) {
        monitor_printf(mon, "The ring is not set up.\n");
        return;
    }
    for (uint32_t back = 1; back <= MIN(size, RECORDS + 1); back++) {
        AmdIommuLogEntries *e = entry_before(ring, back);

        g_ptr_array_add(found, e);
        readable = e->readable;
        if (is_empty(e, back)) {
            g_ptr_array_set_size(found, back - 1);
            break;
        }
    }
    if (!readable) {
        monitor_printf(mon, "The ring is not in memory.\n");
    }
    for (uint32_t i = MIN(found->len, RECORDS); i > 0; i--) {
        const AmdIommuLogEntries *e = g_ptr_array_index(found, i - 1);

        print_entry(mon, family, e->entries->value);
    }
    print_more(mon, found->len > RECORDS, "query-amd-iommu-log");
}

static void info_commands(Monitor *mon, Error **errp)
{
    print_ring(mon, AMD_IOMMU_LOG_COMMAND, AMDVI_FAMILY_COMMAND, errp);
}

static void info_events(Monitor *mon, Error **errp)
{
    print_ring(mon, AMD_IOMMU_LOG_EVENT, AMDVI_FAMILY_EVENT, errp);
}

static void info_ppr(Monitor *mon, Error **errp)
{
    print_ring(mon, AMD_IOMMU_LOG_PPR, AMDVI_FAMILY_PPR, errp);
}

/* What a topic is about, if it is about one device */
typedef struct Subject {
    uint16_t device_id;
    bool has_pasid;
    uint32_t pasid;
} Subject;

/* A PASID is where to begin */
static void info_gcr3(Monitor *mon, const Subject *of, Error **errp)
{
    AmdIommuPasids *reply =
        qmp_query_amd_iommu_gcr3(of->device_id, NULL, of->has_pasid,
                                 of->pasid, false, 0, errp);

    for (AmdIommuPasidList *l = reply ? reply->entries : NULL; l;
         l = l->next) {
        monitor_printf(mon, "PASID %u 0x%" PRIx64 ": 0x%016" PRIx64 "\n",
                       l->value->pasid, l->value->address, l->value->entry);
    }
    print_more(mon, reply && reply->has_next, "query-amd-iommu-gcr3");
    qapi_free_AmdIommuPasids(reply);
}

static void info_mappings(Monitor *mon, const Subject *of, Error **errp)
{
    AmdIommuMappings *reply =
        qmp_query_amd_iommu_mappings(of->device_id, of->has_pasid, of->pasid,
                                     false, false, NULL, false, 0, false, 0,
                                     errp);

    for (AmdIommuMappingList *l = reply ? reply->mappings : NULL; l;
         l = l->next) {
        const AmdIommuMapping *m = l->value;

        monitor_printf(mon, "0x%" PRIx64 " to 0x%" PRIx64 ": 0x%" PRIx64
                       " 2^%u bytes", m->first, m->last, m->output,
                       m->page_shift);
        print_rights(mon, m->read, m->write, m->exec);
        monitor_printf(mon, "%s%s\n", m->accessed ? " accessed" : "",
                       m->dirty ? " dirty" : "");
    }
    print_more(mon, reply && reply->has_next, "query-amd-iommu-mappings");
    qapi_free_AmdIommuMappings(reply);
}

static const struct {
    const char *name;
    void (*info)(Monitor *mon, Error **errp);
    /* Instead of @info, if it needs a device */
    void (*info_of)(Monitor *mon, const Subject *of, Error **errp);
} topics[] = {
    { "status", info_status },
    { "registers", info_registers },
    { "devices", info_devices },
    { "commands", info_commands },
    { "events", info_events },
    { "ppr", info_ppr },
    { "gcr3", .info_of = info_gcr3 },
    { "mappings", .info_of = info_mappings },
    { "iotlb", info_iotlb },
    { "stats", info_stats },
    { "trace", info_trace },
    { "page-requests", info_page_requests },
    { "armed", info_armed },
    { "breaks", info_breaks },
};

static bool parse_device(const char *text, uint16_t *device_id)
{
    unsigned bus, slot, function;
    int end = 0;

    if (!text || !g_ascii_isxdigit(text[0]) ||
        sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3 ||
        text[end] || bus > 0xff || slot > 0x1f || function > 7) {
        return false;
    }
    *device_id = PCI_BUILD_BDF(bus, PCI_DEVFN(slot, function));
    return true;
}

static void info_topic(Monitor *mon, int topic, const QDict *qdict,
                       Error **errp)
{
    const char *device = qdict_get_try_str(qdict, "device");
    Subject of = {
        .has_pasid = qdict_haskey(qdict, "pasid"),
        .pasid = qdict_get_try_int(qdict, "pasid", 0),
    };

    if (topics[topic].info) {
        if (device) {
            error_setg(errp, "%s takes no device", topics[topic].name);
        } else {
            topics[topic].info(mon, errp);
        }
    } else if (!parse_device(device, &of.device_id)) {
        error_setg(errp, "%s needs a device, like 00:05.0",
                   topics[topic].name);
    } else {
        topics[topic].info_of(mon, &of, errp);
    }
}

void hmp_info_amd_iommu(Monitor *mon, const QDict *qdict)
{
    const char *topic = qdict_get_try_str(qdict, "topic");
    Error *err = NULL;

    for (int i = 0; i < ARRAY_SIZE(topics); i++) {
        if (g_str_equal(topic ? topic : topics[0].name, topics[i].name)) {
            if (amdvi_qmp_find(NULL)) {
                info_topic(mon, i, qdict, &err);
            } else {
                error_setg(&err, "this machine has no AMD IOMMU");
            }
            hmp_handle_error(mon, err);
            return;
        }
    }
    monitor_printf(mon, "There is no such topic.  Topics:");
    for (int i = 0; i < ARRAY_SIZE(topics); i++) {
        monitor_printf(mon, " %s", topics[i].name);
    }
    monitor_printf(mon, "\n");
}
