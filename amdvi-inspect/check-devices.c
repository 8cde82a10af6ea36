/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules about device table entries and what hangs on them.  See check.h.
 */
#include "check.h"
#include "device.h"
#include "interrupt.h"
#include "pci-config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The largest IntTabLen: structures.md 1 */
#define MAX_INT_TAB_LEN 11
/* Steps for one address space: one table that maps itself is not all */
#define MAX_STEPS 65536

/* What a device table entry selects; equal for all users of a DomainID */
struct root {
    bool used;
    char bdf[AMDVI_FIELD_TEXT]; /* of the first device */
    uint64_t host;
    uint64_t mode;
    uint64_t gcr3;              /* 0: none */
};

/* A device that is looked at */
struct device {
    struct amdvi_check *check;
    uint16_t id;
    char bdf[AMDVI_FIELD_TEXT];
    uint64_t dte[4];
    struct amdvi_record record; /* the same, and where it is */
};

/* The words of the first reserved bits in a structure */
static void find_reserved(struct amdvi_check *check, enum amdvi_rule_id rule,
                          const char *place, const struct amdvi_record *record)
{
    const struct amdvi_layout *layout = record->layout;
    uint64_t bad[AMDVI_MAX_WORDS];

    if (!amdvi_reserved_bits(layout, &check->iommu.features, record->words,
                             bad)) {
        return;
    }
    for (unsigned int i = 0; i < amdvi_layout_words(layout); i++) {
        if (bad[i]) {
            amdvi_check_find_in(check, rule, place, record, "bits 0x%" PRIx64
                                " of word %u of the %s", bad[i], i,
                                layout->name);
            return;
        }
    }
}

/* Field of a DTE with an encoding that is refused, for the message */
static void find_encoding(const struct device *device)
{
    const struct amdvi_field *field = amdvi_reserved_encoding(
        &amdvi_layouts[AMDVI_LAYOUT_dte], device->dte);

    if (field) {
        amdvi_check_find_in(device->check, AMDVI_RULE_DTE_ENCODING,
                            device->bdf, &device->record,
                            "%s=%" PRIu64 " is reserved", field->name,
                            amdvi_field_get(field, device->dte));
    } else {
        amdvi_check_find_in(device->check, AMDVI_RULE_DTE_ENCODING,
                            device->bdf, &device->record,
                            "HAD=%" PRIu64 " Mode=%" PRIu64 " GLX=%" PRIu64
                            " GuestPagingMode=%" PRIu64
                            ": more than EFR offers",
                            amdvi_dte_had(device->dte),
                            amdvi_dte_mode(device->dte),
                            amdvi_dte_glx(device->dte),
                            amdvi_dte_guest_paging_mode(device->dte));
    }
}

/* Whether the entry can be used; the IOMMU's own judgement */
static bool check_dte(const struct device *device)
{
    struct amdvi_check *check = device->check;
    struct amdvi_request request = {
        .kind = AMDVI_REQUEST_DMA, .device_id = device->id,
        .pasid = AMDVI_NO_PASID,
    };
    struct amdvi_result result;

    amdvi_translate_dte(&check->iommu, &check->memory->mem, device->dte,
                        &request, NULL, &result);
    if (result.reason == AMDVI_REASON_DTE_RESERVED) {
        find_reserved(check, AMDVI_RULE_DTE_RESERVED_BITS, device->bdf,
                      &device->record);
        return false;
    }
    if (result.reason == AMDVI_REASON_DTE_ENCODING) {
        find_encoding(device);
        return false;
    }
    return true;
}

static void check_domain(const struct device *device, struct root *roots)
{
    const uint64_t *dte = device->dte;
    struct root *root = &roots[amdvi_dte_domain_id(dte)];
    struct root own = {
        .used = true, .host = amdvi_dte_mode(dte)
                              ? amdvi_dte_host_pt_root(dte) : 0,
        .mode = amdvi_dte_mode(dte),
        .gcr3 = amdvi_dte_gv(dte) ? amdvi_dte_gcr3_trp(dte) : 0,
    };

    if (!amdvi_dte_tv(dte)) {
        return;
    }
    if (!root->used) {
        snprintf(own.bdf, sizeof(own.bdf), "%s", device->bdf);
        *root = own;
    } else if (root->host != own.host || root->mode != own.mode ||
               root->gcr3 != own.gcr3) {
        amdvi_check_find_in(device->check, AMDVI_RULE_DOMAIN_SHARED,
                            device->bdf, &device->record,
                            "DomainID %" PRIu64
                            " is also that of %s, which has other tables",
                            amdvi_dte_domain_id(dte), root->bdf);
    }
}

static void check_ppr(const struct device *device)
{
    const uint64_t *control = &device->check->iommu.control;
    bool enabled = amdvi_control_ppr_en(control) &&
                   amdvi_control_ppr_log_en(control);

    if (amdvi_dte_ppr(device->dte) && !enabled) {
        amdvi_check_find_in(device->check, AMDVI_RULE_PPR_LOG_OFF,
                            device->bdf, &device->record,
                            "DTE.PPR=1, Control.PPREn=%d, PPRLogEn=%d",
                            (int)amdvi_control_ppr_en(control),
                            (int)amdvi_control_ppr_log_en(control));
    }
}

static void place_of(const struct device *device, uint32_t pasid,
                     uint64_t addr, char place[64])
{
    char space[24] = "";

    if (pasid != AMDVI_NO_PASID) {
        snprintf(space, sizeof(space), " PASID %" PRIu32, pasid);
    }
    snprintf(place, 64, "%s%s 0x%" PRIx64, device->bdf, space, addr);
}

/* What a walk that ended at @m says about the tables */
static void judge(const struct device *device, uint32_t pasid,
                  const struct amdvi_mapping *m)
{
    static const struct {
        enum amdvi_reason reason;
        enum amdvi_rule_id rule;
    } rules[] = {
        { AMDVI_REASON_TABLE_UNREADABLE, AMDVI_RULE_TABLE_OUTSIDE_RAM },
        { AMDVI_REASON_GUEST_RESERVED, AMDVI_RULE_TABLE_RESERVED_BITS },
        { AMDVI_REASON_HOST_RESERVED, AMDVI_RULE_TABLE_RESERVED_BITS },
        { AMDVI_REASON_HOST_LEVEL, AMDVI_RULE_TABLE_LEVEL },
    };
    struct amdvi_record record = amdvi_mapping_record(m);
    char place[64];

    if (m->outcome == AMDVI_OUTCOME_UNKNOWN) {
        device->check->not_in_dump = true;
    }
    place_of(device, pasid, m->first, place);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (m->reason == rules[i].reason) {
            amdvi_check_find_in(device->check, rules[i].rule, place, &record,
                                "%s; up to 0x%" PRIx64,
                                amdvi_reason_text(m->reason), m->last);
        }
    }
}

/*
 * What requests without privilege can reach: the kernel's part of a process
 * is large, and the same for all.  Returns false if the target failed or the
 * user stops.
 */
static bool check_tables(const struct device *device, uint32_t pasid,
                         struct amdvi_error *err)
{
    struct amdvi_check *check = device->check;
    struct amdvi_request request = {
        .device_id = device->id, .pasid = pasid,
    };
    uint64_t steps = 0;
    struct amdvi_mapping m;

    do {
        if (steps++ == MAX_STEPS || check->steps_left == 0) {
            check->cut_short = true;
            return true;
        }
        check->steps_left--;
        amdvi_probe_mapping(&check->iommu, &check->memory->mem, device->dte,
                            &request, &m);
        if (!amdvi_memory_good(check->memory, err)) {
            return false;
        }
        if (amdvi_interrupt_get()) {
            return amdvi_interrupt_fail(err);
        }
        judge(device, pasid, &m);
        request.addr = m.last + 1;
    } while (request.addr);
    return true;
}

/* PASID 0 also stands for requests without one, and needs no capability */
static bool check_capability(const struct device *device, uint32_t pasid,
                             struct amdvi_error *err)
{
    struct amdvi_pci_capability capability;

    if (!amdvi_pci_capability(device->check->target, device->id,
                              AMDVI_PCI_PASID, &capability, err)) {
        return false;
    }
    if (capability.state == AMDVI_PCI_UNKNOWN) {
        device->check->untried[AMDVI_RULE_PASID_DISABLED] =
            AMDVI_UNTRIED_CONFIG;
    } else if (capability.state != AMDVI_PCI_ENABLED) {
        amdvi_check_find(device->check, AMDVI_RULE_PASID_DISABLED,
                         device->bdf, "PASID %" PRIu32 " is bound, %s", pasid,
                         capability.state == AMDVI_PCI_ABSENT
                         ? "and there is no PASID capability"
                         : "PASID Enable is 0");
    }
    return true;
}

/* Host tables below a guest table belong to its PASIDs */
static bool check_pasids(const struct device *device, struct amdvi_error *err)
{
    struct amdvi_check *check = device->check;
    struct amdvi_pasid_probe probe = { .last = 0 };
    bool asked = false;
    char place[64];

    for (uint64_t pasid = 0; pasid <= AMDVI_MAX_PASID;
         pasid = probe.last + 1ull) {
        amdvi_probe_pasid(&check->iommu, &check->memory->mem, device->dte,
                          device->id, (uint32_t)pasid, &probe);
        if (!amdvi_memory_good(check->memory, err) ||
            (probe.valid && !check_tables(device, (uint32_t)pasid, err))) {
            return false;
        }
        if (probe.valid && pasid && !asked) {
            asked = true;
            if (!check_capability(device, (uint32_t)pasid, err)) {
                return false;
            }
        }
        if (probe.reason == AMDVI_REASON_TABLE_UNREADABLE) {
            snprintf(place, sizeof(place), "%s PASID %" PRIu64, device->bdf,
                     pasid);
            amdvi_check_find(check, AMDVI_RULE_GCR3_OUTSIDE_RAM, place,
                             "%s", amdvi_reason_text(probe.reason));
        }
        check->not_in_dump = check->not_in_dump ||
                             probe.outcome == AMDVI_OUTCOME_UNKNOWN;
    }
    return true;
}

/* One interrupt table entry; false: the table is not there */
static bool check_irte(const struct device *device, uint32_t index,
                       unsigned int size)
{
    struct amdvi_check *check = device->check;
    struct amdvi_mem *mem = &check->memory->mem;
    uint64_t spa = amdvi_dte_int_tab_root(device->dte) +
                   (uint64_t)index * size;
    uint8_t bytes[16] = { 0 };
    struct amdvi_record record = {
        .has_address = true, .address = spa, .count = size == 16 ? 2 : 1,
    };
    enum amdvi_mem_status status = mem->read(mem->opaque, spa, bytes, size);
    char place[64];

    if (status != AMDVI_MEM_OK) {
        check->not_in_dump = check->not_in_dump ||
                             status == AMDVI_MEM_UNKNOWN;
        if (status == AMDVI_MEM_ABORT) {
            amdvi_check_find(check, AMDVI_RULE_IRT_OUTSIDE_RAM, device->bdf,
                             "entry %" PRIu32 " at 0x%" PRIx64, index, spa);
        }
        return false;
    }
    amdvi_load_words(record.words, bytes, 2);
    record.layout = amdvi_layout_match(size == 16 ? AMDVI_FAMILY_IRTE128
                                                  : AMDVI_FAMILY_IRTE32,
                                       record.words[0]);
    if (amdvi_irte32_remap_en(record.words)) {
        snprintf(place, sizeof(place), "%s index %" PRIu32, device->bdf,
                 index);
        find_reserved(check, AMDVI_RULE_IRTE_RESERVED_BITS, place, &record);
    }
    return true;
}

static void check_interrupts(const struct device *device)
{
    unsigned int size =
        amdvi_control_ga_en(&device->check->iommu.control) ? 16 : 4;
    uint64_t length = amdvi_dte_int_tab_len(device->dte);

    /* otherwise nobody looks into the table, and there need not be one */
    if (!amdvi_dte_iv(device->dte) ||
        amdvi_dte_int_ctl(device->dte) != AMDVI_int_ctl_remap) {
        return;
    }
    if (length > MAX_INT_TAB_LEN) {
        amdvi_check_find_in(device->check, AMDVI_RULE_DTE_ENCODING,
                            device->bdf, &device->record,
                            "IntTabLen=%" PRIu64 " is reserved", length);
        return;
    }
    for (uint32_t i = 0; i < 1u << length; i++) {
        if (!check_irte(device, i, size)) {
            return;
        }
    }
}

static bool check_device(const struct device *device, struct root *roots,
                         struct amdvi_error *err)
{
    check_interrupts(device);
    if (!amdvi_dte_v(device->dte)) {
        return true;
    }
    if (!check_dte(device)) {
        return true;
    }
    check_domain(device, roots);
    check_ppr(device);
    return check_tables(device, AMDVI_NO_PASID, err) &&
           (!amdvi_dte_gv(device->dte) || check_pasids(device, err));
}

/* The entry of a function; beyond the table there is none, which is legal */
static bool check_function(struct amdvi_check *check,
                           struct amdvi_dte_reader *reader,
                           uint16_t device_id, struct root *roots,
                           struct amdvi_error *err)
{
    struct device device = { .check = check, .id = device_id };
    struct amdvi_dte_entry entry;

    amdvi_format_bdf(device_id, device.bdf);
    if (!amdvi_dte_read(reader, device_id, &entry, err)) {
        return false;
    }
    if (!entry.readable) {
        check->not_in_dump = check->not_in_dump ||
                             (entry.has_address &&
                              reader->kept.status == AMDVI_MEM_UNKNOWN);
        if (entry.has_address && reader->kept.status == AMDVI_MEM_ABORT) {
            amdvi_check_find(check, AMDVI_RULE_DEVTAB_OUTSIDE_RAM, device.bdf,
                             "entry at 0x%" PRIx64, entry.address);
        }
        return true;
    }
    device.record = (struct amdvi_record){
        .layout = &amdvi_layouts[AMDVI_LAYOUT_dte], .has_address = true,
        .address = entry.address, .count = 4,
    };
    for (int i = 0; i < 4; i++) {
        device.dte[i] = device.record.words[i] = entry.words[i];
    }
    return check_device(&device, roots, err);
}

bool amdvi_check_devices(struct amdvi_check *check, struct amdvi_error *err)
{
    struct amdvi_dte_reader *reader = malloc(sizeof(*reader));
    struct root *roots = calloc(UINT16_MAX + 1, sizeof(*roots));
    bool good = reader && roots;

    if (!good) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    good = good && amdvi_dte_reader_init(reader, check->target, err);
    for (size_t i = 0; good && i < check->pci.count; i++) {
        good = check_function(check, reader, check->pci.function[i].device_id,
                              roots, err);
    }
    free(reader);
    free(roots);
    return good;
}
