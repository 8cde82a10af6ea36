/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One device, for views that follow its tables: argument BDF, its device
 * table entry, and memory to walk in.
 */
#ifndef AMDVI_INSPECT_DEVICE_H
#define AMDVI_INSPECT_DEVICE_H

#include "memory.h"
#include "probe.h"
#include "view.h"

struct amdvi_device {
    struct amdvi_memory *memory;
    uint16_t id;
    char bdf[AMDVI_FIELD_TEXT];
    bool has_dte;               /* dte is what memory holds */
    enum amdvi_reason reason;   /* why not */
    uint64_t dte[4];
};

/* The first argument is a device address: amdvi_view.check */
bool amdvi_device_check(const struct amdvi_query *query,
                        struct amdvi_error *err);
/* The device of the first argument.  amdvi_device_close() in any case */
bool amdvi_device_open(struct amdvi_run *run, struct amdvi_device *device,
                       struct amdvi_error *err);
/* The first PASIDs of the device called @bdf, for completion */
bool amdvi_device_list_pasids(struct amdvi_target *target, const char *bdf,
                              struct amdvi_strings *ret,
                              struct amdvi_error *err);
void amdvi_device_close(struct amdvi_device *device);

/* Tables of the device were not read: say so, the output is incomplete */
void amdvi_device_note_missing(struct amdvi_run *run, const char *what,
                               uint64_t count, uint64_t first);

/* The table entry that a mapping was read from, or in its place stopped at */
struct amdvi_record amdvi_mapping_record(const struct amdvi_mapping *m);

/* "rwx", "r--" */
struct amdvi_cell amdvi_perm_cell(struct amdvi_strings *strings,
                                  unsigned int perm);

#endif
