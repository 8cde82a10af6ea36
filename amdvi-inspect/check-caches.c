/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules about what only the device knows: translations that it or an
 * endpoint has cached, and open page requests.  See check.h.
 *
 * Between the change of a table and the command that follows a cached entry
 * may legally disagree with memory: amdvi_check_run() looks again.
 */
#include "check.h"
#include "cached.h"
#include "device.h"
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_MS UINT64_C(1000000)

/* Rules that are tried on each of the device's lists */
static const struct {
    enum amdvi_rule_id rule;
    enum amdvi_query_id list;
} tried_on[] = {
    { AMDVI_RULE_STALE_ENTRY, AMDVI_QUERY_ID_IOTLB },
    { AMDVI_RULE_UNBACKED_ENTRY, AMDVI_QUERY_ID_IOTLB },
    { AMDVI_RULE_DISAGREEING_ENTRY, AMDVI_QUERY_ID_IOTLB },
    { AMDVI_RULE_REQUEST_OPEN, AMDVI_QUERY_ID_REQUESTS },
};

/* A list of the device; NULL with *@good true: this target has none */
static struct json_object *query(struct amdvi_check *check,
                                 enum amdvi_query_id id, bool *good,
                                 struct amdvi_error *err)
{
    struct json_object *list = amdvi_target_query_if_any(check->target, id,
                                                         NULL, good, err);

    for (size_t i = 0;
         !list && i < sizeof(tried_on) / sizeof(tried_on[0]); i++) {
        if (tried_on[i].list == id) {
            check->untried[tried_on[i].rule] = AMDVI_UNTRIED_DEVICE;
        }
    }
    return list;
}

/* What the tables have now is shown with it */
static void find_entry(struct amdvi_check *check,
                       const struct amdvi_cached *cached,
                       enum amdvi_rule_id rule,
                       const struct amdvi_judgement *judgement)
{
    struct amdvi_record record = amdvi_mapping_record(&judgement->tables);
    char place[96], device[AMDVI_FIELD_TEXT] = "no device";
    char pasid[24] = "", cache[32] = "device TLB";

    if (judgement->has_device) {
        amdvi_format_bdf(judgement->device_id, device);
    }
    if (cached->pasid != AMDVI_NO_PASID) {
        snprintf(pasid, sizeof(pasid), " PASID %" PRIu32, cached->pasid);
    }
    snprintf(place, sizeof(place), "%s%s 0x%" PRIx64, device, pasid,
             cached->addr);
    if (!cached->in_device) {
        snprintf(cache, sizeof(cache), "DomainID %d", cached->domain_id);
    }
    amdvi_check_find_in(check, rule, place, &record, "%s, cached: 0x%" PRIx64
                        " %c%c%c", cache, cached->output,
                        cached->perm & AMDVI_PERM_R ? 'r' : '-',
                        cached->perm & AMDVI_PERM_W ? 'w' : '-',
                        cached->perm & AMDVI_PERM_X ? 'x' : '-');
}

/* One entry, judged by the tables as they are now */
static bool check_entry(struct amdvi_check *check,
                        const struct amdvi_judge *judge,
                        struct json_object *item, struct amdvi_error *err)
{
    struct amdvi_judgement found;
    struct amdvi_cached cached;

    if (!amdvi_cached_parse(item, &cached)) {
        return amdvi_fail(err, AMDVI_EXIT_REPLY,
                          "a cached translation is not described");
    }
    found = amdvi_judge_entry(judge, &cached);
    if (!amdvi_memory_good(judge->memory, err)) {
        return false;
    }
    if (found.state == AMDVI_CACHED_UNKNOWN) {
        *(amdvi_target_is_dump(check->target) ? &check->not_in_dump
                                              : &check->cut_short) = true;
    } else if (found.state == AMDVI_CACHED_STALE) {
        find_entry(check, &cached, AMDVI_RULE_STALE_ENTRY, &found);
    } else if (found.state == AMDVI_CACHED_UNBACKED) {
        find_entry(check, &cached, AMDVI_RULE_UNBACKED_ENTRY, &found);
    }
    return true;
}

static bool check_entries(struct amdvi_check *check,
                          const struct amdvi_judge *judge,
                          struct json_object *list, struct amdvi_error *err)
{
    bool good = true;

    for (size_t i = 0; good && list && i < json_object_array_length(list);
         i++) {
        good = check_entry(check, judge, json_object_array_get_idx(list, i),
                           err);
    }
    return good;
}

static bool check_cached(struct amdvi_check *check, struct amdvi_error *err)
{
    struct amdvi_judge judge;
    struct json_object *list, *of_devices;
    bool good;

    list = query(check, AMDVI_QUERY_ID_IOTLB, &good, err);
    if (!list) {
        return good;
    }
    /* an older QEMU does not tell, and there may be none */
    of_devices = amdvi_target_query_if_any(
        check->target, AMDVI_QUERY_ID_DEVICE_TLBS, NULL, &good, err);
    if (good) {
        /* tables are read after the lists: what was invalidated is gone */
        good = amdvi_judge_open(check->target, &judge, err) &&
               check_entries(check, &judge, list, err) &&
               check_entries(check, &judge, of_devices, err);
        amdvi_judge_close(&judge);
    }
    json_object_put(list);
    json_object_put(of_devices);
    return good;
}

static void check_request(struct amdvi_check *check, struct json_object *item)
{
    uint64_t device_id, index, age, pasid;
    char bdf[AMDVI_FIELD_TEXT], place[64], space[24] = "";

    if (!amdvi_reply_number(item, "device-id", UINT16_MAX, &device_id) ||
        !amdvi_reply_number(item, "prg-index", UINT16_MAX, &index) ||
        !amdvi_reply_number(item, "age", UINT64_MAX, &age) || 
        age / NS_PER_MS < check->late_ms) {
        return;
    }
    if (amdvi_reply_number(item, "pasid", AMDVI_MAX_PASID, &pasid)) {
        snprintf(space, sizeof(space), " PASID %" PRIu64, pasid);
    }
    snprintf(place, sizeof(place), "%s%s",
             amdvi_format_bdf((uint16_t)device_id, bdf), space);
    amdvi_check_find(check, AMDVI_RULE_REQUEST_OPEN, place,
                     "group %" PRIu64 ", %" PRIu64 " ms", index,
                     age / NS_PER_MS);
}

bool amdvi_check_caches(struct amdvi_check *check, struct amdvi_error *err)
{
    struct json_object *list;
    bool good;

    if (!check_cached(check, err)) {
        return false;
    }
    list = query(check, AMDVI_QUERY_ID_REQUESTS, &good, err);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        check_request(check, json_object_array_get_idx(list, i));
    }
    json_object_put(list);
    return good;
}
