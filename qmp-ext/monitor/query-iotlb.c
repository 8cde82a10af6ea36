/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-iotlb, and what its argument verify does. */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/rcu_queue.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "hw/misc/svm/client.h"
#include "target.h"

/* Bytes of one entry in a reply, at most */
#define ENTRY_BYTES 280
/* Entries that are looked at for one reply */
#define ENTRIES_MAX 16384
/* How long software may take to invalidate what it has changed */
#define GRACE_NS (50 * SCALE_MS)

/* An entry in doubt: what it was, and when it was first seen so */
struct AmdviDoubt {
    AmdviIotlbCopy entry;
    int64_t since;              /* in ns of QEMU_CLOCK_VIRTUAL; 0: none */
    uint64_t waits;             /* COMPLETION_WAITs executed by then */
};

/* Whose entries are compared with what */
typedef struct AmdviJudge {
    AmdviEngine *engine;
    AmdviDevice *device;        /* whose TLB it is; NULL: the IOMMU's */
    SvmClient *client;          /* of @device */
    AmdviDoubt **doubts;        /* of all entries; NULL until one is verified */
    uint32_t entries;
    struct amdvi_iommu view;
    struct amdvi_mem mem;
} AmdviJudge;

/* Whether requests through these tables use @dte */
static bool uses_tables(const struct amdvi_iommu *view, const uint64_t dte[4],
                        const AmdviSpace *space)
{
    enum amdvi_dte_mode mode = amdvi_classify_dte(view, dte);

    if (amdvi_dte_domain_id(dte) != space->domain_id) {
        return false;
    }
    if (space->guest) {
        return mode == (space->nested ? AMDVI_DTE_NESTED : AMDVI_DTE_GUEST);
    }
    return mode == AMDVI_DTE_HOST ||
           (mode == AMDVI_DTE_NESTED && !amdvi_dte_giov(dte));
}

/*
 * Find a device whose requests would use the entry.  @known: only look at
 * those that have used the domain before, for each look costs a read.
 */
static bool find_user(AmdviEngine *e, bool known,
                      const struct amdvi_iommu *view,
                      const struct amdvi_mem *mem, const AmdviSpace *space,
                      struct amdvi_request *request, uint64_t dte[4])
{
    struct amdvi_result result;
    AmdviDevice *d;

    QLIST_FOREACH_RCU(d, &e->devices, next) {
        if (!amdvi_svm_is_reachable(d) ||
            (known && !amdvi_dte_cache_had(&d->dte_cache,
                                           space->domain_id))) {
            continue;
        }
        request->device_id = amdvi_svm_device_id(d);
        if (amdvi_fetch_dte(view, mem, request, dte, NULL, &result) &&
            uses_tables(view, dte, space)) {
            return true;
        }
    }
    return false;
}

/* What the tables say about an entry of the IOMMU; false if nobody uses it */
static bool ask_tables(AmdviEngine *e, const struct amdvi_iommu *view,
                       const struct amdvi_mem *mem, const AmdviSpace *space,
                       struct amdvi_request *request,
                       struct amdvi_result *result)
{
    uint64_t dte[4];

    if (!find_user(e, true, view, mem, space, request, dte) &&
        !find_user(e, false, view, mem, space, request, dte)) {
        return false;
    }
    /* What the DTE permits is judged at each request, and not cached */
    amdvi_dte_set_ir(dte, 1);
    amdvi_dte_set_iw(dte, 1);
    amdvi_translate_dte(view, mem, dte, request, NULL, result);
    return true;
}

/* In what the tables differ from the entry; false if in nothing */
static bool differs(const AmdviJudge *j, const AmdviIotlbCopy *copy,
                    AmdIommuIotlbChange *change)
{
    const AmdviSpace *space = &copy->space;
    struct amdvi_request request = {
        .pasid = space->guest ? space->pasid : AMDVI_NO_PASID,
        .addr = copy->addr,
        .priv = space->priv,
    };
    struct amdvi_result result;

    *change = AMD_IOMMU_IOTLB_CHANGE_UNBACKED;
    if (j->device) {
        request.device_id = amdvi_svm_device_id(j->device);
        amdvi_translate(&j->view, &j->mem, &request, NULL, &result);
    } else if (!ask_tables(j->engine, &j->view, &j->mem, space, &request,
                           &result)) {
        return true;
    }
    if (result.outcome != AMDVI_OUTCOME_TRANSLATED &&
        result.outcome != AMDVI_OUTCOME_FORWARDED) {
        *change = result.reason == AMDVI_REASON_GCR3_INVALID
                  ? AMD_IOMMU_IOTLB_CHANGE_UNBACKED
                  : AMD_IOMMU_IOTLB_CHANGE_GONE;
        return true;
    }
    *change = result.addr != copy->out.addr ? AMD_IOMMU_IOTLB_CHANGE_ADDRESS
                                            : AMD_IOMMU_IOTLB_CHANGE_RIGHTS;
    return result.addr != copy->out.addr || copy->out.perm & ~result.perm;
}

static bool same_entry(const AmdviIotlbCopy *a, const AmdviIotlbCopy *b)
{
    return a->life == b->life && a->addr == b->addr &&
           a->out.addr == b->out.addr &&
           a->out.perm == b->out.perm &&
           a->space.domain_id == b->space.domain_id &&
           a->space.pasid == b->space.pasid &&
           a->space.guest == b->space.guest &&
           a->space.priv == b->space.priv;
}

/* Whether the doubt has been there for longer than software needs */
static bool is_certain(AmdviEngine *e, AmdviDoubt *doubt,
                       const AmdviIotlbCopy *copy)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (!doubt->since || !same_entry(&doubt->entry, copy)) {
        doubt->entry = *copy;
        doubt->since = now ? now : 1;
        doubt->waits = e->completion_waits;
    }
    return e->completion_waits != doubt->waits ||
           now - doubt->since > GRACE_NS;
}

static uint8_t perm_of(IOMMUAccessFlags flags)
{
    return (flags & IOMMU_RO ? AMDVI_PERM_R : 0) |
           (flags & IOMMU_WO ? AMDVI_PERM_W : 0) |
           (flags & IOMMU_EXEC ? AMDVI_PERM_X : 0);
}

/* A device has used what is stale in its TLB */
static void device_hit(void *opaque, uint32_t pasid, uint64_t addr,
                       IOMMUAccessFlags want, int64_t stale_since)
{
    AmdviDevice *d = opaque;

    QEMU_LOCK_GUARD(&d->engine->lock);
    amdvi_svm_record_stale_hit(d->engine, amdvi_svm_device_id(d),
                               pasid == PCI_NO_PASID ? AMDVI_NO_PASID : pasid,
                               perm_of(want) | AMDVI_STALE_IN_DEVICE, addr,
                               stale_since);
}

/* Let hits on an entry that is stale for certain be recorded */
static void tell_cache(const AmdviJudge *j, uint32_t index,
                       const AmdviIotlbCopy *copy, int64_t stale_since)
{
    if (j->device) {
        svm_client_judge(j->client, index, copy->life, stale_since,
                         device_hit, j->device);
    } else {
        amdvi_svm_judge(j->engine, index, copy, stale_since);
    }
}

static void verify_entry(const AmdviJudge *j, uint32_t index,
                         const AmdviIotlbCopy *copy, AmdIommuIotlbEntry *reply)
{
    AmdviDoubt *doubt;

    if (!*j->doubts) {
        *j->doubts = g_new0(AmdviDoubt, j->entries);
    }
    doubt = &(*j->doubts)[index];
    reply->has_state = true;
    reply->has_changed = differs(j, copy, &reply->changed);
    if (!reply->has_changed) {
        reply->state = AMD_IOMMU_IOTLB_STATE_FRESH;
        doubt->since = 0;
        tell_cache(j, index, copy, 0);
        return;
    }
    if (!is_certain(j->engine, doubt, copy)) {
        reply->state = AMD_IOMMU_IOTLB_STATE_PENDING;
        return;
    }
    reply->state = reply->changed == AMD_IOMMU_IOTLB_CHANGE_UNBACKED
                   ? AMD_IOMMU_IOTLB_STATE_UNBACKED
                   : AMD_IOMMU_IOTLB_STATE_STALE;
    tell_cache(j, index, copy, doubt->since);
}

static AmdIommuIotlbEntry *query_entry(const AmdviIotlbCopy *copy)
{
    AmdIommuIotlbEntry *reply = g_new0(AmdIommuIotlbEntry, 1);

    reply->domain_id = copy->space.domain_id;
    reply->has_pasid = copy->space.guest;
    reply->pasid = copy->space.pasid;
    reply->nested = copy->space.nested;
    reply->privileged = copy->space.priv;
    reply->address = copy->addr;
    reply->page_shift = copy->out.page_shift;
    reply->output = copy->out.addr;
    reply->read = copy->out.perm & AMDVI_PERM_R;
    reply->write = copy->out.perm & AMDVI_PERM_W;
    reply->exec = copy->out.perm & AMDVI_PERM_X;
    return reply;
}

/* Copy entry @index of a device TLB if it is in use */
static bool copy_device_entry(const AmdviJudge *j, uint32_t index,
                              AmdviIotlbCopy *copy)
{
    SvmTlbEntry e;
    uint64_t dte[4] = { 0 };

    svm_client_tlb_entry(j->client, index, &e);
    if (!e.perm) {
        return false;
    }
    amdvi_svm_load_dte(j->device, dte);
    *copy = (AmdviIotlbCopy) {
        .space = {
            .domain_id = amdvi_dte_domain_id(dte),
            .guest = e.pasid != PCI_NO_PASID,
            .nested = amdvi_classify_dte(&j->view, dte) == AMDVI_DTE_NESTED,
            .pasid = e.pasid,
            .priv = e.perm & IOMMU_PRIV,
        },
        .addr = e.iova,
        .out = {
            .addr = e.addr,
            .page_shift = e.shift,
            .perm = perm_of(e.perm),
        },
        .life = e.number,
    };
    return true;
}

static bool copy_entry(const AmdviJudge *j, uint32_t index,
                       AmdviIotlbCopy *copy)
{
    return j->device ? copy_device_entry(j, index, copy)
                     : amdvi_iotlb_copy(&j->engine->iotlb, index, copy);
}

/*
 * Find an entry that is in use from *@index on, which moves there.  False:
 * there is none before @end.
 */
static bool next_entry(const AmdviJudge *j, uint32_t *index, uint32_t end,
                       AmdviIotlbCopy *copy)
{
    for (; *index < end; ++*index) {
        if (copy_entry(j, *index, copy)) {
            return true;
        }
    }
    return false;
}

static void query_entries(AmdviJudge *j, uint32_t index, bool verify,
                          AmdviBudget *budget, AmdIommuIotlb *reply)
{
    AmdIommuIotlbEntryList **tail = &reply->entries;
    uint32_t left = j->entries - MIN(index, j->entries);
    uint32_t end = index + MIN(left, ENTRIES_MAX);
    AmdviIotlbCopy copy;

    amdvi_svm_view(j->engine->s, &j->view);
    /* What is excluded is not looked up, so nothing of it is cached */
    j->view.excl_base = 0;
    while (next_entry(j, &index, end, &copy) && amdvi_qmp_may_walk(budget) &&
           amdvi_qmp_may_reply(budget, ENTRY_BYTES)) {
        AmdIommuIotlbEntry *entry = query_entry(&copy);

        amdvi_qmp_reply(budget, ENTRY_BYTES);
        QAPI_LIST_APPEND(tail, entry);
        if (verify) {
            verify_entry(j, index, &copy, entry);
        }
        index++;
    }
    reply->has_next = index < j->entries;
    reply->next = index;
}

/* Whose entries are asked for; false with @errp set if there are none such */
static bool choose_cache(AmdviJudge *j, bool has_device_id,
                         uint16_t device_id, Error **errp)
{
    AmdviEngine *e = j->engine;
    AmdviDevice *d;

    if (!has_device_id) {
        j->doubts = &e->doubts;
        j->entries = amdvi_iotlb_entries(&e->iotlb);
        return true;
    }
    d = amdvi_qmp_device(e, device_id, errp);
    if (!d) {
        return false;
    }
    j->client = svm_client_of(d->bus->devices[d->devfn]);
    if (!j->client) {
        error_setg(errp, "the device has no TLB that can be looked into");
        return false;
    }
    j->device = d;
    j->doubts = &d->doubts;
    j->entries = svm_client_tlb_size(j->client);
    if (d->doubts_len != j->entries) {
        g_clear_pointer(&d->doubts, g_free);
        d->doubts_len = j->entries;
    }
    return true;
}

AmdIommuIotlb *qmp_query_amd_iommu_iotlb(bool has_verify, bool verify,
                                         bool has_device_id,
                                         uint16_t device_id, const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    AmdIommuIotlb *reply;
    AmdviBudget budget;
    AmdviJudge j = { .mem = amdvi_qmp_mem(&budget) };

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp) ||
        !amdvi_qmp_engine(id, &j.engine, errp) ||
        (j.engine && !choose_cache(&j, has_device_id, device_id, errp))) {
        return NULL;
    }
    reply = g_new0(AmdIommuIotlb, 1);
    if (j.engine) {
        query_entries(&j, start, verify, &budget, reply);
        reply->reads = budget.done;
    }
    return reply;
}
