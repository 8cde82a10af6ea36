/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets that are a running QEMU, reached through QMP.
 */
#ifndef AMDVI_INSPECT_TARGET_QMP_H
#define AMDVI_INSPECT_TARGET_QMP_H

#include "qmp.h"
#include "target.h"

/* Runs text commands of the human monitor */
#define AMDVI_QMP_MONITOR "human-monitor-command"

/*
 * Connect to a QEMU and choose the way to ask it: the commands of the AMD
 * IOMMU extension if it has them, else what every QEMU offers.
 *
 * @id: which IOMMU, as QEMU names it; NULL: the only one
 * @manner: what and how long to ask
 */
struct amdvi_target *
amdvi_target_open_qmp(const char *address, const char *id,
                      const struct amdvi_qmp_manner *manner,
                      struct amdvi_error *err);

/* The same over a connection, see amdvi_qmp_attach() */
struct amdvi_target *
amdvi_target_attach_qmp(int fd, const char *address, const char *id,
                        const struct amdvi_qmp_manner *manner,
                        struct amdvi_error *err);

/* The same for a VM of libvirt's */
struct amdvi_target *
amdvi_target_open_libvirt(const char *domain, const char *id,
                          const struct amdvi_qmp_manner *manner,
                          struct amdvi_error *err);

/* The same for a QEMU process: the first of its QMP sockets that is free */
struct amdvi_target *
amdvi_target_open_pid(unsigned long pid, const char *id,
                      const struct amdvi_qmp_manner *manner,
                      struct amdvi_error *err);

/*
 * What the two ways have in common: the first member of what hangs on
 * target->opaque.
 */
struct amdvi_target_qmp {
    struct amdvi_qmp *qmp;
    char *id;                   /* NULL: the user gave it none */
    bool has_ecam;              /* ecam is known, or 0: there is none */
    uint64_t ecam;              /* where PCI configuration spaces are */
};

/*
 * @size zeroed bytes that begin with a struct amdvi_target_qmp, which takes
 * over @qmp, also on failure.  amdvi_target_qmp_free() frees them.
 */
void *amdvi_target_qmp_alloc(size_t size, struct amdvi_qmp *qmp,
                             struct amdvi_error *err);
void amdvi_target_qmp_free(struct amdvi_target_qmp *common);

/* Operations of a target */
bool amdvi_target_qmp_pci(struct amdvi_target *target,
                          struct amdvi_pci_list *ret,
                          struct amdvi_error *err);
bool amdvi_target_qmp_pause(struct amdvi_target *target, bool stop,
                            struct amdvi_error *err);
bool amdvi_target_qmp_running(struct amdvi_target *target, bool *ret,
                              struct amdvi_error *err);
bool amdvi_target_qmp_config(struct amdvi_target *target, uint16_t device_id,
                             uint16_t offset, uint32_t *ret_value,
                             bool *ret_known, struct amdvi_error *err);
struct json_object *amdvi_target_qmp_next_break(struct amdvi_target *target);
uint64_t amdvi_target_qmp_asked(const struct amdvi_target *target);
void amdvi_target_qmp_close(struct amdvi_target *target);

/* Run a command of the human monitor.  The caller puts the reply, a string */
struct json_object *amdvi_target_qmp_monitor(struct amdvi_qmp *qmp,
                                             const char *line,
                                             struct amdvi_error *err);

/*
 * The two ways.  Both take over @qmp, also on failure.
 */
struct amdvi_target *amdvi_target_extension(struct amdvi_qmp *qmp,
                                            const char *id,
                                            struct amdvi_error *err);
struct amdvi_target *amdvi_target_unmodified(struct amdvi_qmp *qmp,
                                             const char *id,
                                             struct amdvi_error *err);

#endif
