/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the QMP commands of the AMD IOMMU share. */
#ifndef AMDVI_QMP_TARGET_H
#define AMDVI_QMP_TARGET_H

#include "hw/i386/amdvi_svm/state.h"
#include "qapi/qapi-types-amd-iommu.h"

/*
 * What one command may cost the main loop, which nothing else can use in the
 * meantime: table entries read, and bytes of its reply.
 */
#define AMDVI_QMP_READS_MAX 512
#define AMDVI_QMP_REPLY_MAX (32 * 1024)
#define AMDVI_QMP_LIMIT_MAX 1024

typedef struct AmdviBudget {
    uint32_t rows;              /* still wanted */
    uint32_t reads;
    uint32_t bytes;
    uint32_t done;              /* reads through amdvi_qmp_mem() */
} AmdviBudget;

/* The AMD IOMMU named @id, or the only one if @id is NULL; NULL if none */
AMDVIState *amdvi_qmp_find(const char *id);
/*
 * The engine of that IOMMU in *@e, NULL if there is no such IOMMU.  False with
 * @errp set if it has svm=off, and so nothing that only an engine knows.
 */
bool amdvi_qmp_engine(const char *id, AmdviEngine **e, Error **errp);
/* The same for a command that makes no sense without one */
AmdviEngine *amdvi_qmp_need_engine(const char *id, Error **errp);
/*
 * A function that is plugged in; NULL with @errp set if there is none with
 * this DeviceID.
 */
AmdviDevice *amdvi_qmp_device(AmdviEngine *e, uint16_t device_id,
                              Error **errp);
/* False with @errp set if a PASID cannot have this value */
bool amdvi_qmp_check_pasid(bool has_pasid, uint32_t pasid, Error **errp);
/* Its name in commands */
const char *amdvi_qmp_id(AMDVIState *s);

/* Start a budget of @limit rows; false with @errp set if that is no limit */
bool amdvi_qmp_budget(AmdviBudget *budget, bool has_limit, uint32_t limit,
                      Error **errp);
/* Whether a row of at most @bytes in the reply is still allowed */
bool amdvi_qmp_may_reply(const AmdviBudget *budget, uint32_t bytes);
/* Take it */
void amdvi_qmp_reply(AmdviBudget *budget, uint32_t bytes);

/* Memory that is read only, and on account of the budget */
struct amdvi_mem amdvi_qmp_mem(AmdviBudget *budget);
/* Whether the budget allows for a walk, however long it may get */
bool amdvi_qmp_may_walk(const AmdviBudget *budget);

/*
 * Put the PASID of an argument into @request; without one there are no
 * attributes (@attrs).  False with @errp set if that makes no sense.
 */
bool amdvi_qmp_pasid(bool has_pasid, uint32_t pasid, bool attrs,
                     struct amdvi_request *request, Error **errp);

/* Kinds of breakpoints as the schema has them */
extern const AmdIommuBreakKind amdvi_qmp_break_kinds[AMDVI_NUM_BREAK_KINDS];

/* State of a ring; NULL if this IOMMU has none such */
AmdIommuRing *amdvi_qmp_ring(AMDVIState *s, AmdIommuLog log);

#endif
