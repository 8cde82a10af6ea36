/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: query-amd-iommu-log. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

/* Bytes of one entry in a reply, at most */
#define ENTRY_BYTES 90

static AmdIommuLogEntry *query_entry(uint32_t offset, const uint8_t *bytes)
{
    AmdIommuLogEntry *entry = g_new0(AmdIommuLogEntry, 1);

    entry->offset = offset;
    for (int i = 1; i >= 0; i--) {
        QAPI_LIST_PREPEND(entry->words, amdvi_load64(bytes + 8 * i));
    }
    return entry;
}

static void query_entries(const AmdIommuRing *ring, uint32_t number,
                          AmdviBudget *budget, AmdIommuLogEntries *reply)
{
    AmdIommuLogEntryList **tail = &reply->entries;
    uint32_t count = ring->size / AMDVI_RING_ENTRY;
    uint8_t bytes[AMDVI_RING_ENTRY];

    for (; number < count; number++) {
        uint32_t offset = number * AMDVI_RING_ENTRY;

        if (!budget->reads-- || !amdvi_qmp_may_reply(budget, ENTRY_BYTES)) {
            reply->has_next = true;
            reply->next = number;
            return;
        }
        if (!amdvi_svm_load(ring->base + offset, bytes, sizeof(bytes))) {
            reply->readable = false;
            return;
        }
        amdvi_qmp_reply(budget, ENTRY_BYTES);
        QAPI_LIST_APPEND(tail, query_entry(offset, bytes));
    }
}

AmdIommuLogEntries *
qmp_query_amd_iommu_log(AmdIommuLog log, const char *id,
                        bool has_start, uint32_t start,
                        bool has_limit, uint32_t limit, Error **errp)
{
    AMDVIState *s = amdvi_qmp_find(id);
    AmdIommuLogEntries *reply;
    AmdviBudget budget;

    if (!amdvi_qmp_budget(&budget, has_limit, limit, errp)) {
        return NULL;
    }
    reply = g_new0(AmdIommuLogEntries, 1);
    reply->readable = true;
    reply->ring = s ? amdvi_qmp_ring(s, log) : NULL;
    if (reply->ring) {
        query_entries(reply->ring, start, &budget, reply);
    }
    return reply;
}
