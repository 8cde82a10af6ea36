/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cached translations and the tables.  See cached.h.
 */
#include "cached.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>

/* Pieces of tables that one entry may be made of: a large page, cut up */
#define MAX_PIECES 1024

const char *amdvi_cached_word(enum amdvi_cached_state state)
{
    static const char *const words[] = {
        [AMDVI_CACHED_FRESH] = "fresh",
        [AMDVI_CACHED_STALE] = "stale",
        [AMDVI_CACHED_UNBACKED] = "unbacked",
        [AMDVI_CACHED_UNKNOWN] = "unknown",
    };

    return words[state];
}

bool amdvi_cached_parse(struct json_object *item, struct amdvi_cached *ret)
{
    uint64_t domain, shift, device_id = 0, pasid = AMDVI_NO_PASID;
    bool read, write, exec, priv;

    if (!amdvi_reply_number(item, "domain-id", UINT16_MAX, &domain) ||
        !amdvi_reply_number(item, "address", UINT64_MAX, &ret->addr) ||
        !amdvi_reply_number(item, "output", UINT64_MAX, &ret->output) ||
        !amdvi_reply_number(item, "page-shift", 64, &shift) || shift < 12 ||
        !amdvi_reply_bool(item, "read", &read) ||
        !amdvi_reply_bool(item, "write", &write) ||
        !amdvi_reply_bool(item, "exec", &exec) ||
        !amdvi_reply_bool(item, "privileged", &priv)) {
        return false;
    }
    amdvi_reply_number(item, "pasid", AMDVI_MAX_PASID, &pasid);
    ret->in_device = amdvi_reply_number(item, "device-id", UINT16_MAX,
                                        &device_id);
    ret->device_id = (uint16_t)device_id;
    ret->domain_id = (uint16_t)domain;
    ret->pasid = (uint32_t)pasid;
    ret->priv = priv;
    ret->page_shift = (uint8_t)shift;
    ret->perm = (uint8_t)(read * AMDVI_PERM_R | write * AMDVI_PERM_W |
                          exec * AMDVI_PERM_X);
    return true;
}

static bool add_device(struct amdvi_judge *judge,
                       struct amdvi_dte_reader *reader, uint16_t device_id,
                       struct amdvi_error *err)
{
    struct amdvi_dte_entry entry;

    if (!amdvi_dte_read(reader, device_id, &entry, err)) {
        return false;
    }
    if (entry.readable) {
        judge->device[judge->count].device_id = device_id;
        memcpy(judge->device[judge->count].dte, entry.words,
               sizeof(entry.words));
        judge->count++;
    }
    return true;
}

static bool add_devices(struct amdvi_target *target,
                        struct amdvi_judge *judge,
                        const struct amdvi_pci_list *pci,
                        struct amdvi_error *err)
{
    struct amdvi_dte_reader *reader = malloc(sizeof(*reader));
    bool good;

    judge->device = calloc(pci->count + 1, sizeof(*judge->device));
    good = reader && judge->device;
    if (!good) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    good = good && amdvi_dte_reader_init(reader, target, err);
    for (size_t i = 0; good && i < pci->count; i++) {
        good = add_device(judge, reader, pci->function[i].device_id, err);
    }
    free(reader);
    return good;
}

bool amdvi_judge_open(struct amdvi_target *target, struct amdvi_judge *judge,
                      struct amdvi_error *err)
{
    struct amdvi_pci_list pci;
    bool good;

    memset(judge, 0, sizeof(*judge));
    judge->memory = amdvi_memory_new(target, err);
    if (!judge->memory || !amdvi_target_iommu(target, &judge->iommu, err) ||
        !amdvi_target_pci(target, &pci, err)) {
        return false;
    }
    good = add_devices(target, judge, &pci, err);
    amdvi_pci_list_free(&pci);
    return good;
}

void amdvi_judge_close(struct amdvi_judge *judge)
{
    free(judge->memory);
    free(judge->device);
}

/* What one piece of the tables says about the entry */
static enum amdvi_cached_state judge_piece(const struct amdvi_cached *cached,
                                           const struct amdvi_mapping *m)
{
    if (m->outcome == AMDVI_OUTCOME_UNKNOWN) {
        return AMDVI_CACHED_UNKNOWN;
    }
    if (m->reason == AMDVI_REASON_GCR3_INVALID ||
        m->reason == AMDVI_REASON_NO_GUEST_TABLE ||
        m->reason == AMDVI_REASON_PASID_RANGE ||
        m->reason == AMDVI_REASON_DTE_TV) {
        return AMDVI_CACHED_UNBACKED;
    }
    if (!m->found || (cached->perm & ~m->perm) ||
        m->output - m->first != cached->output - cached->addr) {
        return AMDVI_CACHED_STALE;
    }
    return AMDVI_CACHED_FRESH;
}

/* PASID 0 of a GIoV device stands for requests without one */
static bool is_without_pasid(const struct amdvi_cached *cached,
                             const uint64_t *dte)
{
    return cached->pasid == AMDVI_NO_PASID ||
           (cached->pasid == 0 && amdvi_dte_giov(dte));
}

bool amdvi_cached_serves(const struct amdvi_cached *cached,
                         const struct amdvi_request *request,
                         const uint64_t *dte)
{
    bool same_pasid = cached->pasid == request->pasid &&
                      cached->priv == request->priv;
    bool same_space;

    if (cached->in_device) {
        same_space = same_pasid && cached->device_id == request->device_id;
    } else {
        same_space = cached->domain_id == amdvi_dte_domain_id(dte) &&
                     (request->pasid == AMDVI_NO_PASID
                      ? is_without_pasid(cached, dte) : same_pasid);
    }
    return same_space &&
           (cached->addr ^ request->addr) <= amdvi_ones(cached->page_shift);
}

/* How the tables of a device have to be asked about the entry */
static struct amdvi_request question(const struct amdvi_judge_device *device,
                                     const struct amdvi_cached *cached,
                                     uint64_t dte[4])
{
    struct amdvi_request request = {
        .device_id = device->device_id, .pasid = cached->pasid,
        .addr = cached->addr, .priv = cached->priv,
    };

    memcpy(dte, device->dte, sizeof(device->dte));
    if (!cached->in_device) {
        /* what the DTE permits is judged at each request, and not cached */
        amdvi_dte_set_ir(dte, 1);
        amdvi_dte_set_iw(dte, 1);
        if (is_without_pasid(cached, dte)) {
            request.pasid = AMDVI_NO_PASID;
        }
    }
    return request;
}

/*
 * The tables of one device, over all that the entry covers.  *@ret_tables:
 * what they say of its beginning.
 */
static enum amdvi_cached_state judge_by(const struct amdvi_judge *judge,
                                        size_t i,
                                        const struct amdvi_cached *cached,
                                        struct amdvi_mapping *ret_tables)
{
    uint64_t dte[4];
    uint64_t last = cached->addr | amdvi_ones(cached->page_shift);
    struct amdvi_request request = question(&judge->device[i], cached, dte);

    for (int piece = 0; piece < MAX_PIECES; piece++) {
        enum amdvi_cached_state state;
        struct amdvi_mapping m;

        amdvi_probe_mapping(&judge->iommu, &judge->memory->mem, dte, &request,
                            &m);
        if (piece == 0) {
            *ret_tables = m;
        }
        state = judge_piece(cached, &m);
        if (state != AMDVI_CACHED_FRESH || m.last >= last) {
            return state;
        }
        request.addr = m.last + 1;
    }
    return AMDVI_CACHED_UNKNOWN;
}

/* Whether the entry is of this device, or of its domain */
static bool concerns(const struct amdvi_judge_device *device,
                     const struct amdvi_cached *cached)
{
    return cached->in_device
           ? device->device_id == cached->device_id
           : amdvi_dte_v(device->dte) &&
             amdvi_dte_domain_id(device->dte) == cached->domain_id;
}

struct amdvi_judgement amdvi_judge_entry(const struct amdvi_judge *judge,
                                         const struct amdvi_cached *cached)
{
    struct amdvi_judgement best = {
        .state = AMDVI_CACHED_UNBACKED, .has_device = cached->in_device,
        .device_id = cached->device_id,
    };
    bool found = false;

    for (size_t i = 0; i < judge->count; i++) {
        struct amdvi_judgement one = {
            .has_device = true, .device_id = judge->device[i].device_id,
        };

        if (!concerns(&judge->device[i], cached)) {
            continue;
        }
        one.state = judge_by(judge, i, cached, &one.tables);
        if (!found || one.state < best.state) {
            best = one;
        }
        found = true;
    }
    return best;
}
