/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One device and its device table entry.  See device.h.
 */
#include "device.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* PASIDs in a list for completion at most */
#define MAX_LISTED 256

bool amdvi_device_check(const struct amdvi_query *query,
                        struct amdvi_error *err)
{
    uint16_t device_id;

    return amdvi_parse_bdf(query->args[0], &device_id) ||
           amdvi_fail(err, AMDVI_EXIT_USAGE,
                      "not a device address: %s (use BB:DD.F, 0000:BB:DD.F "
                      "or a DeviceID in hexadecimal)", query->args[0]);
}

static void note_no_dte(struct amdvi_run *run, struct amdvi_device *device)
{
    if (device->reason != AMDVI_REASON_IOMMU_DISABLED) {
        run->incomplete = true;
    }
    amdvi_run_note(run, "%s", amdvi_reason_text(device->reason));
}

/* The device called @bdf; whether it has a DTE is no matter of success */
static bool find_device(struct amdvi_target *target,
                        const struct amdvi_iommu *iommu, const char *bdf,
                        struct amdvi_device *device, struct amdvi_error *err)
{
    struct amdvi_iommu no_exclusion = *iommu;
    struct amdvi_request request = { .kind = AMDVI_REQUEST_DMA };
    struct amdvi_result result;

    memset(device, 0, sizeof(*device));
    device->memory = amdvi_memory_new(target, err);
    if (!device->memory) {
        return false;
    }
    amdvi_parse_bdf(bdf, &device->id);
    amdvi_format_bdf(device->id, device->bdf);
    request.device_id = device->id;
    no_exclusion.excl_base = 0;
    device->has_dte = amdvi_fetch_dte(&no_exclusion, &device->memory->mem,
                                      &request, device->dte, NULL, &result);
    device->reason = result.reason;
    return amdvi_memory_good(device->memory, err);
}

bool amdvi_device_open(struct amdvi_run *run, struct amdvi_device *device,
                       struct amdvi_error *err)
{
    if (!find_device(run->target, &run->iommu, run->query->args[0], device,
                     err)) {
        return false;
    }
    if (!device->has_dte) {
        note_no_dte(run, device);
    }
    return true;
}

bool amdvi_device_list_pasids(struct amdvi_target *target, const char *bdf,
                              struct amdvi_strings *ret,
                              struct amdvi_error *err)
{
    struct amdvi_pasid_probe probe = { .last = 0 };
    struct amdvi_iommu iommu;
    struct amdvi_device device = { .memory = NULL };
    size_t count = 0;
    bool good = amdvi_target_iommu(target, &iommu, err) &&
                find_device(target, &iommu, bdf, &device, err);

    for (uint64_t pasid = 0; good && device.has_dte && count < MAX_LISTED &&
                             pasid <= AMDVI_MAX_PASID;
         pasid = probe.last + 1ull) {
        amdvi_probe_pasid(&iommu, &device.memory->mem, device.dte, device.id,
                          (uint32_t)pasid, &probe);
        good = amdvi_memory_good(device.memory, err);
        if (probe.valid) {
            amdvi_strings_add(ret, "%" PRIu64, pasid);
            count++;
        }
    }
    amdvi_device_close(&device);
    return good;
}

void amdvi_device_close(struct amdvi_device *device)
{
    free(device->memory);
}

void amdvi_device_note_missing(struct amdvi_run *run, const char *what,
                               uint64_t count, uint64_t first)
{
    if (count) {
        run->incomplete = true;
        amdvi_run_note(run, "tables that could not be read: %" PRIu64
                       ", the first for %s 0x%" PRIx64, count, what, first);
    }
}

struct amdvi_record amdvi_mapping_record(const struct amdvi_mapping *m)
{
    return (struct amdvi_record){
        .layout = m->layout, .has_address = true, .address = m->entry_spa,
        .count = m->layout ? 1 : 0, .words = { m->entry },
    };
}

struct amdvi_cell amdvi_perm_cell(struct amdvi_strings *strings,
                                  unsigned int perm)
{
    return amdvi_cell_text(strings, "%c%c%c", perm & AMDVI_PERM_R ? 'r' : '-',
                           perm & AMDVI_PERM_W ? 'w' : '-',
                           perm & AMDVI_PERM_X ? 'x' : '-');
}
