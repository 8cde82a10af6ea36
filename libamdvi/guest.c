/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest stage: GCR3 table and version 2 page tables, whose pointers go
 * through the host stage when there is one (nested translation).
 * Sources: spec/structures.md 2 and 4, spec/translation.md 3.2 and 3.3.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

#define GUEST_MAX_LEVELS 5

/* A walk down the guest table */
struct guest_walk {
    uint64_t gva;
    uint64_t table;             /* guest-physical, table to be read next */
    unsigned int level;         /* and its level, 5 to 1 */
    bool rw;                    /* AND of R/W so far */
    bool us;                    /* AND of U/S so far */
    bool nx;                    /* OR of NX so far */
    struct amdvi_table above;   /* the table of the last entry */
    unsigned int visited;
    struct {
        uint64_t gpa;
        uint64_t spa;
        uint64_t value;
    } entry[GUEST_MAX_LEVELS];
};

static enum amdvi_walk_status guest_fault(struct amdvi_walk *w,
                                          enum amdvi_reason reason,
                                          enum amdvi_fault_kind kind)
{
    return amdvi_end_fault(w, reason, kind, true, w->request.addr);
}

/* System physical address of a table entry at @gpa */
static enum amdvi_walk_status locate(struct amdvi_walk *w, uint64_t gpa,
                                     uint8_t need, uint64_t *spa)
{
    struct amdvi_stage_result host;
    enum amdvi_walk_status status =
        amdvi_host_stage(w, gpa, (struct amdvi_access_wanted) { need, 0 },
                         &host);

    if (status == AMDVI_WALK_OK) {
        *spa = host.addr;
    }
    return status;
}

/* Read the entry that @step says is at step->spa, and note it */
static enum amdvi_walk_status read_entry(struct amdvi_walk *w,
                                         struct amdvi_step *step)
{
    uint8_t bytes[8];
    enum amdvi_mem_status status = w->mem->read(w->mem->opaque, step->spa,
                                                bytes, sizeof(bytes));

    if (status != AMDVI_MEM_OK) {
        return amdvi_end_unreadable(w, status, true, step->spa);
    }
    step->word[0] = amdvi_load64(bytes);
    step->layout = step->stage == AMDVI_STAGE_GCR3
                   ? &amdvi_layouts[AMDVI_LAYOUT_gcr3e]
                   : amdvi_layout_guest(step->level, step->word[0]);
    amdvi_note_step(w, step);
    return AMDVI_WALK_OK;
}

/*
 * One level of the GCR3 table.  The root is system physical unless
 * GCR3TRPMode says otherwise; inner tables are always guest-physical.
 */
static enum amdvi_walk_status gcr3_level(struct amdvi_walk *w,
                                         unsigned int level, bool is_root,
                                         uint64_t *table)
{
    uint64_t index = (w->pasid >> (9 * (level - 1))) & 0x1ff;
    struct amdvi_step step = {
        .stage = AMDVI_STAGE_GCR3, .level = (uint8_t)level,
        .input = w->pasid, .gpa = *table + index * 8,
    };
    enum amdvi_walk_status status = AMDVI_WALK_OK;

    step.spa = step.gpa;
    if (!is_root || amdvi_control_gcr3_trp_mode(&w->iommu->control)) {
        status = locate(w, step.gpa, AMDVI_PERM_R, &step.spa);
    }
    if (status == AMDVI_WALK_OK) {
        status = read_entry(w, &step);
    }
    if (status != AMDVI_WALK_OK) {
        return status;
    }
    if (!amdvi_gcr3e_v(step.word)) {
        return guest_fault(w, AMDVI_REASON_GCR3_INVALID,
                           AMDVI_FAULT_NOT_PRESENT);
    }
    *table = amdvi_gcr3e_addr(step.word);
    return AMDVI_WALK_OK;
}

/* From the PASID to the top guest table */
static enum amdvi_walk_status gcr3_walk(struct amdvi_walk *w, uint64_t *top)
{
    unsigned int levels = (unsigned int)amdvi_dte_glx(w->dte) + 1;

    *top = amdvi_dte_gcr3_trp(w->dte);
    for (unsigned int level = levels; level > 0; level--) {
        enum amdvi_walk_status status =
            gcr3_level(w, level, level == levels, top);

        if (status != AMDVI_WALK_OK) {
            return status;
        }
    }
    return AMDVI_WALK_OK;
}

/*
 * With a PASID an address is sign-extended; without one (GIoV) all bits that
 * the table decodes count and those above must be 0: structures.md 4.
 */
static bool address_fits(const struct amdvi_walk *w, unsigned int levels)
{
    unsigned int bits = 12 + 9 * levels;
    uint64_t addr = w->request.addr;
    uint64_t above = addr >> (bits - 1);

    if (w->request.pasid == AMDVI_NO_PASID) {
        return addr >> bits == 0;
    }
    return above == 0 || above == amdvi_ones(64 - bits + 1);
}

static enum amdvi_walk_status guest_level(struct amdvi_walk *w,
                                          struct guest_walk *g,
                                          uint64_t *entry)
{
    uint64_t index = (g->gva >> (12 + 9 * (g->level - 1))) & 0x1ff;
    struct amdvi_step step = {
        .stage = AMDVI_STAGE_GUEST, .level = (uint8_t)g->level,
        .input = g->gva, .gpa = g->table + index * 8,
    };
    enum amdvi_walk_status status =
        locate(w, step.gpa, AMDVI_PERM_R, &step.spa);

    if (status == AMDVI_WALK_OK) {
        status = read_entry(w, &step);
    }
    if (status == AMDVI_WALK_OK) {
        *entry = step.word[0];
        g->entry[g->visited].gpa = step.gpa;
        g->entry[g->visited].spa = step.spa;
        g->entry[g->visited].value = step.word[0];
        g->visited++;
    }
    return status;
}

static bool is_leaf(unsigned int level, uint64_t entry)
{
    return level == 1 ||
           (level <= 3 && amdvi_gpde_ps(&entry));
}

/* Bits that must be zero in an entry of this level */
static bool entry_reserved(const struct amdvi_walk *w, unsigned int level,
                           uint64_t entry)
{
    unsigned int pa_bits = w->iommu->pa_bits;
    uint64_t bad = 0;

    if (pa_bits && pa_bits < 52) {
        bad = amdvi_gpte_addr(&entry) >> pa_bits;
    }
    if (level > 3) {
        bad |= amdvi_gpde_ps(&entry);
    } else if (level > 1 && amdvi_gpde_ps(&entry)) {
        bad |= level == 2 ? amdvi_gpte_2m_reserved(&entry)
                          : amdvi_gpte_1g_reserved(&entry);
    }
    if (!amdvi_efr_nx_sup(&w->iommu->features.efr)) {
        bad |= amdvi_gpte_nx(&entry);
    }
    return bad != 0;
}

/* Walk to the leaf; *leaf is its entry, g->level its level */
static enum amdvi_walk_status walk_down(struct amdvi_walk *w,
                                        struct guest_walk *g, uint64_t *leaf)
{
    for (;;) {
        enum amdvi_walk_status status = guest_level(w, g, leaf);

        if (status != AMDVI_WALK_OK) {
            return status;
        }
        if (!amdvi_gpde_p(leaf)) {
            return guest_fault(w, AMDVI_REASON_GUEST_NOT_PRESENT,
                               AMDVI_FAULT_NOT_PRESENT);
        }
        if (entry_reserved(w, g->level, *leaf)) {
            return guest_fault(w, AMDVI_REASON_GUEST_RESERVED,
                               AMDVI_FAULT_RESERVED);
        }
        g->above = (struct amdvi_table) {
            .addr = g->table, .level = (uint8_t)g->level, .user = g->us,
            .perm = AMDVI_PERM_R | g->rw * AMDVI_PERM_W |
                    !g->nx * AMDVI_PERM_X,
        };
        g->rw = g->rw && amdvi_gpde_rw(leaf);
        g->us = g->us && amdvi_gpde_us(leaf);
        g->nx = g->nx || amdvi_gpde_nx(leaf);
        if (is_leaf(g->level, *leaf)) {
            return AMDVI_WALK_OK;
        }
        g->table = amdvi_gpde_addr(leaf);
        g->level--;
    }
}

/* What the tables permit this request, privileged or user */
static uint8_t guest_perm(const struct amdvi_walk *w,
                          const struct guest_walk *g)
{
    uint8_t perm = AMDVI_PERM_R;

    if (!g->us && !w->request.priv) {
        return 0;
    }
    if (g->rw) {
        perm |= AMDVI_PERM_W;
    }
    if (!g->nx) {
        perm |= AMDVI_PERM_X;
    }
    return perm;
}

/*
 * Set bits of a guest entry, atomically against processors.  A host table
 * must permit the write to the page that holds the entry.
 */
static enum amdvi_walk_status update_entry(struct amdvi_walk *w,
                                           const struct guest_walk *g,
                                           unsigned int i, uint64_t bits)
{
    uint64_t spa = g->entry[i].spa;
    enum amdvi_walk_status status = AMDVI_WALK_OK;

    if (!w->mem->cmpxchg || (g->entry[i].value & bits) == bits) {
        return AMDVI_WALK_OK;
    }
    if (amdvi_dte_mode(w->dte)) {
        /* These entries are in the trace since the guest entry was read */
        struct amdvi_trace *trace = w->trace;

        w->trace = NULL;
        status = locate(w, g->entry[i].gpa, AMDVI_PERM_W, &spa);
        w->trace = trace;
    }
    return status == AMDVI_WALK_OK
           ? amdvi_set_bits(w, true, spa, g->entry[i].value, bits) : status;
}

static enum amdvi_walk_status set_accessed_dirty(struct amdvi_walk *w,
                                                 const struct guest_walk *g,
                                                 bool write)
{
    const uint64_t *control = &w->iommu->control;
    uint64_t accessed = 0, dirty = 0;

    amdvi_gpte_set_a(&accessed, !amdvi_control_ga_update_dis(control));
    amdvi_gpte_set_d(&dirty, write && !amdvi_control_gd_update_dis(control));
    for (unsigned int i = 0; i < g->visited; i++) {
        uint64_t bits = accessed | (i + 1 == g->visited ? dirty : 0);
        enum amdvi_walk_status status = update_entry(w, g, i, bits);

        if (status != AMDVI_WALK_OK) {
            return status;
        }
    }
    return AMDVI_WALK_OK;
}

/*
 * Of what the guest tables permit, what may be granted now: ATS must not
 * get W if D is clear and may not be set (translation.md 4.1).
 */
static uint8_t grantable(const struct amdvi_walk *w, uint8_t perm,
                         uint64_t leaf)
{
    bool d_stays_clear = amdvi_control_gd_update_dis(&w->iommu->control) &&
                         !amdvi_gpte_d(&leaf);

    return amdvi_is_ats(w) && d_stays_clear
           ? perm & (uint8_t)~AMDVI_PERM_W : perm;
}

/* What may be remembered: as lasting_perm() of the host stage */
static uint8_t lasting_perm(const struct amdvi_walk *w, uint8_t perm,
                            uint8_t granted, uint64_t leaf)
{
    if (amdvi_is_ats(w)) {
        return granted;
    }
    if (!amdvi_gpte_d(&leaf) &&
        !amdvi_control_gd_update_dis(&w->iommu->control)) {
        perm &= (uint8_t)~AMDVI_PERM_W;
    }
    return perm | granted;
}

/* Address and size of the page; out->addr is guest-physical */
static void take_leaf(const struct guest_walk *g, uint64_t leaf,
                      struct amdvi_stage_result *out)
{
    uint64_t offset;

    out->page_shift = (uint8_t)(12 + 9 * (g->level - 1));
    offset = amdvi_ones(out->page_shift);
    out->addr = (amdvi_gpte_addr(&leaf) & ~offset) | (g->gva & offset);
}

/*
 * The second half of a nested translation, for the data itself.  The host
 * table knows nothing of X, so that bit passes by.
 */
static enum amdvi_walk_status through_host(struct amdvi_walk *w,
                                           struct amdvi_access_wanted wanted,
                                           struct amdvi_stage_result *out)
{
    uint8_t rw = AMDVI_PERM_R | AMDVI_PERM_W;
    struct amdvi_access_wanted host_wanted = {
        wanted.need & rw, wanted.want & rw,
    };
    struct amdvi_stage_result host;
    enum amdvi_walk_status status =
        amdvi_host_stage(w, out->addr, host_wanted, &host);

    if (status != AMDVI_WALK_OK) {
        return status;
    }
    out->addr = host.addr;
    if (host.page_shift < out->page_shift) {
        out->page_shift = host.page_shift;
    }
    out->perm &= host.perm | (host.perm & AMDVI_PERM_R ? AMDVI_PERM_X : 0);
    out->untranslated_only = host.untranslated_only;
    out->force_coherent = host.force_coherent;
    return AMDVI_WALK_OK;
}

/* Permissions, the host stage and A/D, once the leaf is known */
static enum amdvi_walk_status finish(struct amdvi_walk *w,
                                     const struct guest_walk *g,
                                     uint64_t leaf,
                                     struct amdvi_access_wanted wanted,
                                     struct amdvi_stage_result *out)
{
    uint8_t perm = guest_perm(w, g);
    uint8_t granted = grantable(w, perm, leaf) & (wanted.need | wanted.want);
    enum amdvi_walk_status status = AMDVI_WALK_OK;

    if ((granted & wanted.need) != wanted.need || !granted) {
        return guest_fault(w, AMDVI_REASON_GUEST_PERMISSION,
                           AMDVI_FAULT_PERMISSION);
    }
    *out = (struct amdvi_stage_result) {
        .perm = lasting_perm(w, perm, granted, leaf),
    };
    take_leaf(g, leaf, out);
    w->result->global = amdvi_gpte_g(&leaf);
    w->result->guest_shift = out->page_shift;
    if (amdvi_dte_mode(w->dte)) {
        wanted.want &= granted;
        status = through_host(w, wanted, out);
    }
    if (status != AMDVI_WALK_OK) {
        return status;
    }
    return set_accessed_dirty(w, g, granted & out->perm & AMDVI_PERM_W);
}

/* From the top of the GCR3 table to that of the guest table */
static enum amdvi_walk_status begin(struct amdvi_walk *w,
                                    struct guest_walk *g)
{
    enum amdvi_walk_status status = gcr3_walk(w, &g->table);

    if (status == AMDVI_WALK_OK && !address_fits(w, g->level)) {
        return guest_fault(w, AMDVI_REASON_NOT_CANONICAL,
                           AMDVI_FAULT_NOT_PRESENT);
    }
    return status;
}

/*
 * Begin where an earlier walk has been.  Without a PASID more addresses fit
 * than with PASID 0, which has the same tables.
 */
static bool skip_directories(struct amdvi_walk *w, struct guest_walk *g)
{
    struct amdvi_table table;

    if (!address_fits(w, g->level) ||
        !amdvi_find_table(w, true, g->gva, &table)) {
        return false;
    }
    g->table = table.addr;
    g->level = table.level;
    g->rw = table.perm & AMDVI_PERM_W;
    g->nx = !(table.perm & AMDVI_PERM_X);
    g->us = table.user;
    return true;
}

enum amdvi_walk_status amdvi_guest_stage(struct amdvi_walk *w,
                                         struct amdvi_access_wanted wanted,
                                         struct amdvi_stage_result *out)
{
    struct guest_walk g = {
        .gva = w->request.addr, .rw = true, .us = true,
        .level = 4 + (unsigned int)amdvi_dte_guest_paging_mode(w->dte),
    };
    enum amdvi_walk_status status = AMDVI_WALK_OK;
    uint64_t leaf = 0;

    if (!skip_directories(w, &g)) {
        status = begin(w, &g);
    }
    if (status == AMDVI_WALK_OK) {
        status = walk_down(w, &g, &leaf);
    }
    if (status == AMDVI_WALK_OK) {
        status = finish(w, &g, leaf, wanted, out);
    }
    if (status == AMDVI_WALK_OK && g.visited > 1) {
        amdvi_table_found(w, true, g.gva, &g.above);
    }
    return status;
}
