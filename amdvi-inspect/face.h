/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libamdvi-views for programs that are not written in C, such as the
 * commands for GDB: flat functions, no structures but that of the callbacks.
 *
 * A face has one target at most.  Functions that can fail return an exit code
 * of amdvi-inspect(1), 0 for success; amdvi_face_message() then is the
 * sentence for people.  A face belongs to one thread at a time.
 */
#ifndef AMDVI_INSPECT_FACE_H
#define AMDVI_INSPECT_FACE_H

#include "callbacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct amdvi_face;

/* NULL: out of memory */
struct amdvi_face *amdvi_face_new(void);
/* @face may be NULL */
void amdvi_face_free(struct amdvi_face *face);

/* About the last failure; valid until the next call.  Safe to print */
const char *amdvi_face_message(const struct amdvi_face *face);

/* Connect: see amdvi_target_open_qmp().  Another target is closed before */
int amdvi_face_open_qmp(struct amdvi_face *face, const char *address,
                        const char *iommu, int timeout_ms);
/* @callbacks must live until the target is closed */
int amdvi_face_open_callbacks(struct amdvi_face *face,
                              const struct amdvi_callbacks *callbacks);
/* Close the target, if there is one */
void amdvi_face_close(struct amdvi_face *face);

/*
 * Show a view: @words are the name of its command, arguments and options as
 * on the command line of amdvi-inspect, those that say where QEMU is left
 * out, and those that wait.  "dump" does what it does there, too.  Also on
 * failure *@ret_text is what there is to show, or "", and the caller frees it
 * with amdvi_face_free_text().
 */
int amdvi_face_run(struct amdvi_face *face, int count, char **words,
                   char **ret_text);
void amdvi_face_free_text(char *text);

/*
 * Why the VM has stopped: data of the oldest AMD_IOMMU_BREAK event that came
 * with an earlier command's reply, as JSON, or "" if there is none.
 */
int amdvi_face_next_break(struct amdvi_face *face, char **ret_text);

/*
 * Number @index of the views.  Strings are constant.  *@ret_needs_vm: only
 * with a target it shows something.  Returns false behind the last one.
 */
bool amdvi_face_view(size_t index, const char **ret_name,
                     const char **ret_args, const char **ret_help,
                     bool *ret_needs_vm);
/* Name of register number @index, or NULL behind the last one */
const char *amdvi_face_register_name(size_t index);
/* DeviceID of PCI function number @index; *@ret_found false: no more */
int amdvi_face_device(struct amdvi_face *face, size_t index,
                      uint16_t *ret_device_id, bool *ret_found);

/* Value of the register called @name */
int amdvi_face_register(struct amdvi_face *face, const char *name,
                        uint64_t *ret);
/* A field, "domain-id" or "DomainID", of the device table entry of @bdf */
int amdvi_face_dte(struct amdvi_face *face, const char *bdf,
                   const char *field, uint64_t *ret);
/*
 * Where an address of a device is, for whatever access is permitted.
 * @pasid: UINT32_MAX without one.
 * @ret_bytes: bytes from there on that are contiguous, at least 1
 */
int amdvi_face_walk(struct amdvi_face *face, const char *bdf, uint32_t pasid,
                    uint64_t addr, uint64_t *ret_addr, uint64_t *ret_bytes);
/* Read @len bytes as the device would at @addr */
int amdvi_face_read(struct amdvi_face *face, const char *bdf, uint32_t pasid,
                    uint64_t addr, void *buf, uint64_t len);

#endif
