/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that a healthy IOMMU and its driver keep, and what breaks them.
 */
#ifndef AMDVI_INSPECT_CHECK_H
#define AMDVI_INSPECT_CHECK_H

#include "memory.h"
#include "pci.h"
#include "view.h"

enum amdvi_severity {
    AMDVI_SEVERITY_warning,
    AMDVI_SEVERITY_error,
};

enum amdvi_rule_id {
#define AMDVI_RULE(ID, id, severity, meaning) AMDVI_RULE_##ID,
#include "check-rules.def"
#undef AMDVI_RULE
    AMDVI_NUM_RULES
};

struct amdvi_rule {
    const char *id;
    enum amdvi_severity severity;
    const char *meaning;
};

extern const struct amdvi_rule amdvi_rules[AMDVI_NUM_RULES];

/* Findings of one rule that are compared between looks, and shown */
#define AMDVI_MAX_FINDINGS_OF_RULE 4096
#define AMDVI_SHOWN_FINDINGS_OF_RULE 64

/* How long a cached entry may disagree with the tables, in milliseconds */
#define AMDVI_CHECK_GRACE_MS 50

/* A page request that waits for so long is a finding, in milliseconds */
#define AMDVI_CHECK_LATE_MS 1000

/* Strings belong to the findings */
struct amdvi_finding {
    enum amdvi_rule_id rule;
    const char *place;
    const char *detail;         /* the bits, or what else shows it */
    struct amdvi_record record; /* the words that do, if words do */
};

/* All zero: none */
struct amdvi_findings {
    struct amdvi_finding *finding;
    size_t count;
    size_t of_rule[AMDVI_NUM_RULES];    /* also those not kept */
    struct amdvi_strings strings;
};

/* Why a rule could not be tried where it is looked for */
enum amdvi_untried {
    AMDVI_TRIED,
    AMDVI_UNTRIED_DEVICE,       /* only the device knows */
    AMDVI_UNTRIED_CONFIG,       /* PCI configuration spaces are not there */
    AMDVI_UNTRIED_FIRMWARE,     /* nor are the firmware's tables */
    AMDVI_UNTRIED_TIME,         /* time has to pass, and stands still */
    AMDVI_NUM_UNTRIED
};

struct amdvi_check {
    struct amdvi_target *target;
    uint64_t grace_ms;
    uint64_t late_ms;
    struct amdvi_iommu iommu;
    struct amdvi_memory *memory;        /* NULL: registers alone */
    struct amdvi_pci_list pci;
    struct amdvi_findings found;
    uint64_t steps_left;        /* of all enumerations together */
    bool cut_short;             /* they did not suffice */
    bool not_in_dump;           /* something could not be looked at */
    enum amdvi_untried untried[AMDVI_NUM_RULES];
};

/* Note that a rule is broken at @place; @detail is a format */
__attribute__((format(printf, 4, 5)))
void amdvi_check_find(struct amdvi_check *check, enum amdvi_rule_id rule,
                      const char *place, const char *detail, ...);

/* The same; @record has the words that show it */
__attribute__((format(printf, 5, 6)))
void amdvi_check_find_in(struct amdvi_check *check, enum amdvi_rule_id rule,
                         const char *place, const struct amdvi_record *record,
                         const char *detail, ...);

/* The words for it: what is missing */
const char *amdvi_untried_text(enum amdvi_untried why);

/*
 * Try all rules on what @check has: target, grace_ms, late_ms, memory and pci.
 * A guest that runs may be caught between two of its writes, or while a table
 * becomes ordinary memory again; so findings there are looked for again until
 * the grace is over, and only those that are seen every time stay.  Returns
 * false only if the target failed or the user stops.
 */
bool amdvi_check_run(struct amdvi_check *check, struct amdvi_error *err);

void amdvi_findings_free(struct amdvi_findings *found);

/* The parts of that */
bool amdvi_check_rings(struct amdvi_check *check, struct amdvi_error *err);
bool amdvi_check_caches(struct amdvi_check *check, struct amdvi_error *err);
void amdvi_check_ivrs(struct amdvi_check *check);
bool amdvi_check_devices(struct amdvi_check *check, struct amdvi_error *err);

#endif
