/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host stage: version 1 page tables, alone or below a guest table.
 * Sources: spec/structures.md 3, spec/translation.md 3.1.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "walk-internal.h"

#define HOST_MAX_LEVELS 6
/* NextLevel of a leaf whose size is in its address */
#define NEXT_LEVEL_SIZED 7

/* A walk down the host table */
struct host_walk {
    uint64_t gpa;               /* what is translated */
    uint64_t table;             /* table to be read next */
    unsigned int level;         /* and its level, 6 to 1 */
    uint8_t perm;               /* what all entries so far permit */
    uint8_t above;              /* and those before the last one */
    uint8_t page_shift;         /* of the leaf */
    unsigned int visited;
    struct {
        uint64_t spa;
        uint64_t value;
    } entry[HOST_MAX_LEVELS];
};

/* log2 of the bytes one entry of a table of this level covers */
static unsigned int level_shift(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

static enum amdvi_walk_status host_fault(struct amdvi_walk *w,
                                         const struct host_walk *h,
                                         enum amdvi_reason reason,
                                         enum amdvi_fault_kind kind)
{
    return amdvi_end_fault(w, reason, kind, false, h->gpa);
}

static enum amdvi_walk_status read_entry(struct amdvi_walk *w,
                                         struct host_walk *h,
                                         uint64_t *entry)
{
    uint64_t index = (h->gpa >> level_shift(h->level)) & 0x1ff;
    uint64_t spa = h->table + index * 8;
    uint8_t bytes[8];
    enum amdvi_mem_status status = w->mem->read(w->mem->opaque, spa, bytes,
                                                sizeof(bytes));

    if (status != AMDVI_MEM_OK) {
        return amdvi_end_unreadable(w, status, false, spa);
    }
    *entry = amdvi_load64(bytes);
    h->entry[h->visited].spa = spa;
    h->entry[h->visited].value = *entry;
    h->visited++;
    amdvi_note_step(w, &(struct amdvi_step) {
        .stage = AMDVI_STAGE_HOST, .level = (uint8_t)h->level,
        .input = h->gpa, .gpa = spa, .spa = spa, .word = { *entry },
        .layout = amdvi_layout_host(*entry),
    });
    return AMDVI_WALK_OK;
}

/* Go down to the next table; levels may be skipped if their bits are 0 */
static enum amdvi_walk_status follow(struct amdvi_walk *w,
                                     struct host_walk *h, uint64_t entry)
{
    unsigned int next = (unsigned int)amdvi_hpde_next_level(&entry);
    unsigned int skipped;

    if (amdvi_hpde_reserved(&entry)) {
        return host_fault(w, h, AMDVI_REASON_HOST_RESERVED,
                          AMDVI_FAULT_RESERVED);
    }
    if (next >= h->level) {
        return host_fault(w, h, AMDVI_REASON_HOST_LEVEL, AMDVI_FAULT_LEVEL);
    }
    skipped = 9 * (h->level - 1 - next);
    if ((h->gpa >> level_shift(next + 1)) & amdvi_ones(skipped)) {
        return host_fault(w, h, AMDVI_REASON_HOST_SKIPPED,
                          AMDVI_FAULT_NOT_PRESENT);
    }
    h->table = amdvi_hpde_addr(&entry);
    h->level = next;
    return AMDVI_WALK_OK;
}

/* log2 of the size a NextLevel 7 address encodes */
static unsigned int sized_shift(uint64_t addr)
{
    unsigned int shift = 13;

    while (addr >> (shift - 1) & 1) {
        shift++;
    }
    return shift;
}

static enum amdvi_walk_status take_leaf(struct amdvi_walk *w,
                                        struct host_walk *h, uint64_t entry)
{
    unsigned int natural = level_shift(h->level);

    if (amdvi_hpte_reserved(&entry)) {
        return host_fault(w, h, AMDVI_REASON_HOST_RESERVED,
                          AMDVI_FAULT_RESERVED);
    }
    h->page_shift = (uint8_t)natural;
    if (amdvi_hpte_next_level(&entry) == NEXT_LEVEL_SIZED) {
        h->page_shift = (uint8_t)sized_shift(amdvi_hpte_addr(&entry));
    }
    if (h->level == HOST_MAX_LEVELS || h->page_shift < natural ||
        h->page_shift >= natural + 9) {
        return host_fault(w, h, AMDVI_REASON_HOST_LEVEL, AMDVI_FAULT_LEVEL);
    }
    return AMDVI_WALK_OK;
}

/* Walk to the leaf; *leaf is its entry */
static enum amdvi_walk_status walk_down(struct amdvi_walk *w,
                                        struct host_walk *h, uint64_t *leaf)
{
    enum amdvi_walk_status status = AMDVI_WALK_OK;
    uint64_t next;

    do {
        status = read_entry(w, h, leaf);
        if (status != AMDVI_WALK_OK) {
            return status;
        }
        if (!amdvi_hpde_pr(leaf)) {
            return host_fault(w, h, AMDVI_REASON_HOST_NOT_PRESENT,
                              AMDVI_FAULT_NOT_PRESENT);
        }
        h->above = h->perm;
        h->perm &= (uint8_t)(amdvi_hpde_ir(leaf) * AMDVI_PERM_R |
                             amdvi_hpde_iw(leaf) * AMDVI_PERM_W);
        next = amdvi_hpde_next_level(leaf);
        if (next == 0 || next == NEXT_LEVEL_SIZED) {
            return take_leaf(w, h, *leaf);
        }
        status = follow(w, h, *leaf);
    } while (status == AMDVI_WALK_OK);
    return status;
}

enum amdvi_walk_status amdvi_set_bits(struct amdvi_walk *w, bool gn,
                                      uint64_t spa, uint64_t old,
                                      uint64_t bits)
{
    uint64_t found = old;
    enum amdvi_mem_status status;

    if (!w->mem->cmpxchg || (old & bits) == bits) {
        return AMDVI_WALK_OK;
    }
    status = w->mem->cmpxchg(w->mem->opaque, spa, &found, old | bits);
    if (status != AMDVI_MEM_OK) {
        return amdvi_end_unreadable(w, status, gn, spa);
    }
    return found == old ? AMDVI_WALK_OK : AMDVI_WALK_RESTART;
}

/* DTE.HAD: A in every entry used, D in the leaf of a permitted write */
static enum amdvi_walk_status set_accessed_dirty(struct amdvi_walk *w,
                                                 const struct host_walk *h,
                                                 bool write)
{
    uint64_t had = amdvi_dte_had(w->dte);
    uint64_t accessed = 0, dirty = 0;

    if (had == AMDVI_had_none) {
        return AMDVI_WALK_OK;
    }
    amdvi_hpte_set_a(&accessed, 1);
    amdvi_hpte_set_d(&dirty, write && had == AMDVI_had_accessed_dirty);
    for (unsigned int i = 0; i < h->visited; i++) {
        uint64_t bits = accessed | (i + 1 == h->visited ? dirty : 0);
        enum amdvi_walk_status status =
            amdvi_set_bits(w, false, h->entry[i].spa, h->entry[i].value,
                           bits);

        if (status != AMDVI_WALK_OK) {
            return status;
        }
    }
    return AMDVI_WALK_OK;
}

/*
 * What may be remembered of a leaf: for ATS what was granted, for DMA all
 * that the tables permit, but writes only if D is set or is not kept.
 */
static uint8_t lasting_perm(const struct amdvi_walk *w, uint8_t perm,
                            uint8_t granted, uint64_t leaf)
{
    bool keeps_dirty = amdvi_dte_had(w->dte) == AMDVI_had_accessed_dirty;

    if (amdvi_is_ats(w)) {
        return granted;
    }
    if (keeps_dirty && !amdvi_hpte_d(&leaf)) {
        perm &= (uint8_t)~AMDVI_PERM_W;
    }
    return perm | granted;
}

static enum amdvi_walk_status finish(struct amdvi_walk *w,
                                     const struct host_walk *h, uint64_t leaf,
                                     struct amdvi_access_wanted wanted,
                                     struct amdvi_stage_result *out)
{
    uint8_t granted = h->perm & (wanted.need | wanted.want);
    uint64_t offset = amdvi_ones(h->page_shift);

    if ((granted & wanted.need) != wanted.need || !granted) {
        return host_fault(w, h, AMDVI_REASON_HOST_PERMISSION,
                          AMDVI_FAULT_PERMISSION);
    }
    out->addr = (amdvi_hpte_addr(&leaf) & ~offset) | (h->gpa & offset);
    out->page_shift = h->page_shift;
    out->perm = lasting_perm(w, h->perm, granted, leaf);
    out->untranslated_only = amdvi_hpte_u(&leaf);
    out->force_coherent = amdvi_hpte_fc(&leaf);
    return set_accessed_dirty(w, h, granted & AMDVI_PERM_W);
}

/* Mode 0: guest-physical is system physical */
static enum amdvi_walk_status identity(const struct amdvi_walk *w,
                                       uint64_t gpa,
                                       struct amdvi_access_wanted wanted,
                                       struct amdvi_stage_result *out)
{
    *out = (struct amdvi_stage_result) {
        .addr = gpa, .page_shift = 64,
        .perm = amdvi_is_ats(w) ? wanted.want : AMDVI_PERM_R | AMDVI_PERM_W,
    };
    return AMDVI_WALK_OK;
}

/* Begin where an earlier walk has been, rather than at the root */
static void skip_directories(struct amdvi_walk *w, struct host_walk *h)
{
    struct amdvi_table table;

    if (amdvi_find_table(w, false, h->gpa, &table)) {
        h->table = table.addr;
        h->level = table.level;
        h->perm = table.perm;
    }
}

/* If this walk has read a pointer to the table with the leaf, keep it */
static void remember(struct amdvi_walk *w, const struct host_walk *h)
{
    if (h->visited > 1) {
        amdvi_table_found(w, false, h->gpa, &(struct amdvi_table) {
            .addr = h->table, .level = (uint8_t)h->level, .perm = h->above,
        });
    }
}

enum amdvi_walk_status amdvi_host_stage(struct amdvi_walk *w, uint64_t gpa,
                                        struct amdvi_access_wanted wanted,
                                        struct amdvi_stage_result *out)
{
    unsigned int mode = (unsigned int)amdvi_dte_mode(w->dte);
    struct host_walk h = {
        .gpa = gpa, .level = mode, .table = amdvi_dte_host_pt_root(w->dte),
        .perm = AMDVI_PERM_R | AMDVI_PERM_W,
    };
    enum amdvi_walk_status status;
    uint64_t leaf = 0;

    if (mode == 0) {
        return identity(w, gpa, wanted, out);
    }
    if (mode < HOST_MAX_LEVELS && gpa >> level_shift(mode + 1)) {
        return host_fault(w, &h, AMDVI_REASON_ADDRESS_RANGE,
                          AMDVI_FAULT_NOT_PRESENT);
    }
    skip_directories(w, &h);
    status = walk_down(w, &h, &leaf);
    if (status == AMDVI_WALK_OK) {
        status = finish(w, &h, leaf, wanted, out);
    }
    if (status == AMDVI_WALK_OK) {
        remember(w, &h);
    }
    return status;
}
