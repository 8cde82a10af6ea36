/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps: the state of an IOMMU in one JSON file, which is a target again.
 * man/amdvi-dump.5 describes the format.
 */
#ifndef AMDVI_INSPECT_DUMP_H
#define AMDVI_INSPECT_DUMP_H

#include "options.h"
#include "target.h"

#include <stdio.h>

#define AMDVI_DUMP_SCHEMA "amdvi-dump"
#define AMDVI_DUMP_VERSION 1

/* Tables of an address space unless asked for more, and with many PASIDs */
#define AMDVI_DUMP_TABLES 64
#define AMDVI_DUMP_FEW_PASIDS 16

struct amdvi_dump_options {
    const char *reason;         /* why; NULL: not said */
    bool live;                  /* do not pause the VM */
    bool has_tables;
    uint64_t tables;            /* per address space, in pages */
    uint64_t records;           /* of the flight recorder; 0: all */
};

/* What was done */
struct amdvi_dump_report {
    bool paused;
    uint64_t pause_us;          /* time the VM did not run */
    size_t pages;
    bool complete;              /* no table was left out */
};

/*
 * Write the state of @target to @out.  The VM is paused while it is read,
 * unless that is not wanted or there is none, and goes on in any case.
 */
bool amdvi_dump_write(struct amdvi_target *target, FILE *out,
                      const struct amdvi_dump_options *options,
                      struct amdvi_dump_report *ret, struct amdvi_error *err);

/* The command "dump" with its options, to the file it names ("-": @out) */
bool amdvi_dump_save(struct amdvi_target *target,
                     const struct amdvi_options *options, FILE *out,
                     struct amdvi_dump_report *ret, struct amdvi_error *err);
/* What was done, in a line for people */
void amdvi_dump_tell(FILE *out, const char *path,
                     const struct amdvi_dump_report *report);

/* A dump file as a target, plain or compressed with gzip */
struct amdvi_target *amdvi_target_open_dump(const char *path,
                                            struct amdvi_error *err);

/*
 * A stream to write @path with: "-" is stdout, a name that ends with .gz is
 * compressed.  A file appears under its name only when it is complete, so it
 * is closed with amdvi_dump_file_close(): @good false removes it.
 */
struct amdvi_dump_file {
    FILE *out;
    void *gz;                   /* gzFile or NULL */
    const char *path;
    char *temporary;            /* its name meanwhile, or NULL */
};
bool amdvi_dump_file_open(const char *path, struct amdvi_dump_file *file,
                          struct amdvi_error *err);
bool amdvi_dump_file_close(struct amdvi_dump_file *file, bool good,
                           struct amdvi_error *err);

#endif
