/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules about what only the device knows: cached translations and open page
 * requests.  See check.h.
 *
 * Between the change of a table and the command that follows a cached entry
 * may legally disagree with memory.  So what disagrees is looked at a second
 * time after a grace, and only what still does is an error.
 */
#include "check.h"
#include "cached.h"
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Time for software to send its command */
#define GRACE_MS 50
/* A page request that takes longer than this, in nanoseconds, is late */
#define LATE_NS UINT64_C(1000000000)
/* Entries looked at a second time at most */
#define MAX_SUSPECTS 4096

struct suspect {
    struct amdvi_cached cached;
    enum amdvi_cached_state state;
    bool has_device;
    uint16_t device_id;
    bool again;                 /* seen so a second time */
};

struct suspects {
    struct suspect suspect[MAX_SUSPECTS];
    size_t count;
};

/* A list of the device; NULL with *@good true: this target has none */
static struct json_object *query(struct amdvi_check *check,
                                 enum amdvi_query_id id, bool *good,
                                 struct amdvi_error *err)
{
    struct json_object *list = amdvi_target_query_if_any(check->target, id,
                                                         good, err);

    check->needs_extension = check->needs_extension || !list;
    return list;
}

static bool same_entry(const struct amdvi_cached *a,
                       const struct amdvi_cached *b)
{
    return a->domain_id == b->domain_id && a->pasid == b->pasid &&
           a->priv == b->priv && a->addr == b->addr &&
           a->page_shift == b->page_shift && a->output == b->output &&
           a->perm == b->perm;
}

static bool is_wrong(enum amdvi_cached_state state)
{
    return state == AMDVI_CACHED_STALE || state == AMDVI_CACHED_UNBACKED;
}

/* First look: remember what disagrees */
static void suspect_entry(struct suspects *suspects,
                          const struct suspect *suspect)
{
    if (suspects->count < MAX_SUSPECTS) {
        suspects->suspect[suspects->count++] = *suspect;
    }
}

/* Second look: it is there, and still disagrees */
static void confirm_entry(struct suspects *suspects,
                          const struct suspect *suspect)
{
    for (size_t i = 0; i < suspects->count; i++) {
        if (same_entry(&suspects->suspect[i].cached, &suspect->cached)) {
            suspects->suspect[i] = *suspect;
            suspects->suspect[i].again = true;
        }
    }
}

typedef void note_entry(struct suspects *suspects,
                        const struct suspect *suspect);

static bool judge_list(const struct amdvi_judge *judge,
                       struct json_object *list, note_entry *note,
                       struct suspects *suspects, struct amdvi_error *err)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct suspect s = { .again = false };

        if (!amdvi_cached_parse(json_object_array_get_idx(list, i),
                                &s.cached)) {
            return amdvi_fail(err, AMDVI_EXIT_REPLY,
                              "a cached translation is not described");
        }
        s.state = amdvi_judge_entry(judge, &s.cached, &s.has_device,
                                    &s.device_id);
        if (!amdvi_memory_good(judge->memory, err)) {
            return false;
        }
        if (is_wrong(s.state)) {
            note(suspects, &s);
        }
    }
    return true;
}

/* Ask for the list and judge it by the tables as they are then */
static bool look(struct amdvi_check *check, note_entry *note,
                 struct suspects *suspects, struct amdvi_error *err)
{
    struct amdvi_judge judge;
    bool good;
    struct json_object *list;

    amdvi_target_refresh(check->target);
    list = query(check, AMDVI_QUERY_ID_IOTLB, &good, err);
    if (!list) {
        return good;
    }
    good = amdvi_judge_open(check->target, &judge, err) &&
           judge_list(&judge, list, note, suspects, err);
    amdvi_judge_close(&judge);
    json_object_put(list);
    return good;
}

static void find_entry(struct amdvi_check *check,
                       const struct suspect *suspect, bool sure)
{
    const struct amdvi_cached *cached = &suspect->cached;
    enum amdvi_rule_id rule = AMDVI_RULE_STALE_ENTRY;
    char place[96], device[AMDVI_FIELD_TEXT] = "no device";
    char pasid[24] = "";

    if (!sure) {
        rule = AMDVI_RULE_DISAGREEING_ENTRY;
    } else if (suspect->state == AMDVI_CACHED_UNBACKED) {
        rule = AMDVI_RULE_UNBACKED_ENTRY;
    }
    if (suspect->has_device) {
        amdvi_format_bdf(suspect->device_id, device);
    }
    if (cached->pasid != AMDVI_NO_PASID) {
        snprintf(pasid, sizeof(pasid), " PASID %" PRIu32, cached->pasid);
    }
    snprintf(place, sizeof(place), "%s%s 0x%" PRIx64, device, pasid,
             cached->addr);
    amdvi_check_find(check, rule, place, "DomainID %d, cached: 0x%" PRIx64
                     " %c%c%c", cached->domain_id, cached->output,
                     cached->perm & AMDVI_PERM_R ? 'r' : '-',
                     cached->perm & AMDVI_PERM_W ? 'w' : '-',
                     cached->perm & AMDVI_PERM_X ? 'x' : '-');
}

static bool second_look(struct amdvi_check *check, struct suspects *suspects,
                        struct amdvi_error *err)
{
    const struct timespec grace = { .tv_nsec = GRACE_MS * 1000000L };

    nanosleep(&grace, NULL);
    return look(check, confirm_entry, suspects, err);
}

static bool check_cached(struct amdvi_check *check, struct amdvi_error *err)
{
    struct suspects *suspects = calloc(1, sizeof(*suspects));
    bool live = check->target->ops->pause != NULL, good;

    if (!suspects) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    good = look(check, suspect_entry, suspects, err);
    if (good && suspects->count && live) {
        good = second_look(check, suspects, err);
    }
    for (size_t i = 0; good && i < suspects->count; i++) {
        if (suspects->suspect[i].again || !live) {
            find_entry(check, &suspects->suspect[i], live);
        }
    }
    free(suspects);
    return good;
}

static void check_request(struct amdvi_check *check, struct json_object *item)
{
    uint64_t device_id, index, age, pasid;
    char bdf[AMDVI_FIELD_TEXT], place[64], space[24] = "";

    if (!amdvi_reply_number(item, "device-id", UINT16_MAX, &device_id) ||
        !amdvi_reply_number(item, "prg-index", UINT16_MAX, &index) ||
        !amdvi_reply_number(item, "age", UINT64_MAX, &age) || age < LATE_NS) {
        return;
    }
    if (amdvi_reply_number(item, "pasid", AMDVI_MAX_PASID, &pasid)) {
        snprintf(space, sizeof(space), " PASID %" PRIu64, pasid);
    }
    snprintf(place, sizeof(place), "%s%s",
             amdvi_format_bdf((uint16_t)device_id, bdf), space);
    amdvi_check_find(check, AMDVI_RULE_REQUEST_OPEN, place,
                     "group %" PRIu64 ", %" PRIu64 " ms", index,
                     age / 1000000);
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
