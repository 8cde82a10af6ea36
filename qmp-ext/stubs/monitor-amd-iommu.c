/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of amd-iommu.json on machines that have no AMD IOMMU. */
#include "qemu/osdep.h"
#include "monitor/hmp-target.h"
#include "monitor/monitor.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"

AmdIommuInfoList *qmp_query_amd_iommu(Error **errp)
{
    return NULL;
}

AmdIommuRegisters *
qmp_query_amd_iommu_registers(const char *id, bool has_start, uint32_t start,
                              bool has_limit, uint32_t limit, Error **errp)
{
    return g_new0(AmdIommuRegisters, 1);
}

AmdIommuDeviceTable *
qmp_query_amd_iommu_device_table(const char *id,
                                 bool has_start, uint32_t start,
                                 bool has_limit, uint32_t limit,
                                 bool has_filter, AmdIommuDteFilter filter,
                                 Error **errp)
{
    return g_new0(AmdIommuDeviceTable, 1);
}

AmdIommuLogEntries *
qmp_query_amd_iommu_log(AmdIommuLog log, const char *id,
                        bool has_start, uint32_t start,
                        bool has_limit, uint32_t limit, Error **errp)
{
    return g_new0(AmdIommuLogEntries, 1);
}

AmdIommuPasids *qmp_query_amd_iommu_gcr3(uint16_t device_id, const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    return g_new0(AmdIommuPasids, 1);
}

AmdIommuMappings *
qmp_query_amd_iommu_mappings(uint16_t device_id, bool has_pasid,
                             uint32_t pasid, bool has_privileged,
                             bool privileged, const char *id,
                             bool has_start, uint64_t start,
                             bool has_limit, uint32_t limit, Error **errp)
{
    return g_new0(AmdIommuMappings, 1);
}

AmdIommuTranslation *
qmp_amd_iommu_translate(uint16_t device_id, uint64_t address,
                        bool has_kind, AmdIommuRequestKind kind,
                        bool has_pasid, uint32_t pasid,
                        bool has_read, bool read, bool has_write, bool write,
                        bool has_exec, bool exec,
                        bool has_privileged, bool privileged,
                        const char *id, Error **errp)
{
    error_setg(errp, "there is no such AMD IOMMU");
    return NULL;
}

AmdIommuStats *qmp_query_amd_iommu_stats(bool has_device_id,
                                         uint16_t device_id, const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    return g_new0(AmdIommuStats, 1);
}

AmdIommuTrace *qmp_query_amd_iommu_trace(const char *id,
                                         bool has_start, uint64_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    return g_new0(AmdIommuTrace, 1);
}

AmdIommuIotlb *qmp_query_amd_iommu_iotlb(bool has_verify, bool verify,
                                         bool has_device_id,
                                         uint16_t device_id, const char *id,
                                         bool has_start, uint32_t start,
                                         bool has_limit, uint32_t limit,
                                         Error **errp)
{
    return g_new0(AmdIommuIotlb, 1);
}

AmdIommuPageRequests *
qmp_query_amd_iommu_page_requests(const char *id,
                                  bool has_start, uint32_t start,
                                  bool has_limit, uint32_t limit,
                                  Error **errp)
{
    return g_new0(AmdIommuPageRequests, 1);
}

AmdIommuInjected *qmp_amd_iommu_inject(AmdIommuInject *arg, Error **errp)
{
    error_setg(errp, "there is no such AMD IOMMU");
    return NULL;
}

AmdIommuArmedList *qmp_query_amd_iommu_armed(const char *id, Error **errp)
{
    return NULL;
}

void qmp_amd_iommu_disarm(const char *id, Error **errp)
{
    error_setg(errp, "there is no such AMD IOMMU");
}

AmdIommuBreakNumber *qmp_amd_iommu_break(AmdIommuBreakRequest *arg,
                                         Error **errp)
{
    error_setg(errp, "there is no such AMD IOMMU");
    return NULL;
}

void qmp_amd_iommu_break_delete(bool has_number, uint32_t number,
                                const char *id, Error **errp)
{
    error_setg(errp, "there is no such AMD IOMMU");
}

AmdIommuBreakList *qmp_query_amd_iommu_breaks(const char *id, Error **errp)
{
    return NULL;
}

GuestMemory *qmp_guest_memory_read(uint64_t address, uint32_t size,
                                   Error **errp)
{
    error_setg(errp, "this build cannot read guest memory: it has no "
               "AMD IOMMU");
    return NULL;
}

void hmp_info_amd_iommu(Monitor *mon, const QDict *qdict)
{
    monitor_printf(mon, "This build has no AMD IOMMU.\n");
}
