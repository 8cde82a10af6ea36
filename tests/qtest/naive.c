/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The naive model.  Section numbers are those of spec/translation.md; bit
 * numbers are written out as the tables of spec/structures.md have them.
 * See naive.h.
 */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "naive-internal.h"

static const char *const row_text[NAIVE_ROWS] = {
#define ROW(id, text) text,
#include "naive-rows.def"
#undef ROW
};

const char *naive_row_text(enum naive_row row)
{
    return row_text[row];
}

static void at(struct naive *n, enum naive_row row)
{
    n->reached[row]++;
}

static uint64_t bits(uint64_t word, unsigned int high, unsigned int low)
{
    return naive_bits(word, high, low);
}

static bool bit(uint64_t word, unsigned int n)
{
    return naive_bit(word, n);
}

static bool has_pasid(const struct naive *n)
{
    return n->pasid != NAIVE_NO_PASID;
}

static void end(struct naive *n, enum naive_outcome outcome)
{
    n->outcome = outcome;
    n->done = true;
}

static void forward(struct naive *n)
{
    n->out = n->addr;
    end(n, NAIVE_FORWARDED);
}

void naive_log_event(struct naive *n, unsigned int code, uint64_t flags,
                     uint64_t q1)
{
    n->event = true;
    n->event0 = (uint64_t)code << 60 | flags << 48 | n->device;
    n->event1 = q1;
    if (n->kind == NAIVE_ATS) {
        n->event0 |= 1ULL << 56;
    }
    end(n, NAIVE_ABORTED);
}

static void add_pasid(struct naive *n, uint32_t pasid)
{
    n->event0 |= (uint64_t)(pasid & 0xffff) << 32 |
                 (uint64_t)(pasid >> 16 & 0xf) << 16 | 1ULL << 48;
}

static uint32_t table_pasid(const struct naive *n)
{
    return has_pasid(n) ? n->pasid : 0;
}

static void add_space(struct naive *n, bool gn)
{
    if (gn) {
        add_pasid(n, table_pasid(n));
    } else {
        n->event0 |= bits(n->dte[1], 15, 0) << 32;
    }
}

/* Kinds of page fault as flag bits */
enum { ABSENT = 0, DENIED = 0x50, RESERVED = 0x90, LEVEL = 0x10 };

/* 3.4 and 4.1: DMA logs IO_PAGE_FAULT unless SA, ATS answers R=W=0 */
static void fault(struct naive *n, unsigned int how, bool gn, uint64_t q1)
{
    uint64_t flags = how | (n->write ? 0x20 : 0);

    if (n->kind == NAIVE_ATS) {
        at(n, NAIVE_ats_nothing);
        end(n, NAIVE_NOTHING);
        return;
    }
    if (gn) {
        flags |= (has_pasid(n) && n->exec ? 2 : 0) |
                 (has_pasid(n) && n->priv ? 0 : 4);
    }
    naive_log_event(n, 2, flags, q1);
    add_space(n, gn);
    if (bit(n->dte[1], 34)) {
        at(n, NAIVE_event_suppressed);
        n->event = false;
    }
    n->first_only = bit(n->dte[1], 33);
}

static void unreadable(struct naive *n, bool gn, uint64_t spa)
{
    naive_log_event(n, 4, 0x200 | (n->write ? 0x20 : 0), spa);
    add_space(n, gn);
    n->hardware = true;
}

/* Memory as this walk has already changed it */
static bool fetch(struct naive *n, uint64_t spa, uint64_t *value)
{
    for (unsigned int i = n->writes; i > 0; i--) {
        if (n->written[i - 1].spa == spa) {
            *value = n->written[i - 1].value;
            return true;
        }
    }
    return n->fetch(n->opaque, spa, value);
}

static void set_bits(struct naive *n, uint64_t spa, uint64_t mask)
{
    uint64_t value = 0;

    if (fetch(n, spa, &value) && (value & mask) != mask &&
        n->writes < NAIVE_WRITES) {
        n->written[n->writes].spa = spa;
        n->written[n->writes].value = value | mask;
        n->writes++;
    }
}

/* 3.1, for the data or, nested, for a table */
struct host {
    uint64_t out;
    unsigned int shift;
    bool r, w;                  /* what the tables permit */
    bool dirty;                 /* D of the leaf before this access */
};

static unsigned int host_shift(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

/* One entry; true if it is the leaf.  Ends the request on a fault */
static bool host_leaf(struct naive *n, uint64_t gpa, unsigned int level,
                      uint64_t entry, struct host *h)
{
    uint64_t next = bits(entry, 11, 9);
    unsigned int k = 12;

    if (bits(entry, 58, 52)) {
        at(n, NAIVE_host_reserved);
        fault(n, RESERVED, false, gpa);
        return true;
    }
    h->shift = host_shift(level);
    if (next == 7) {
        while (k < 52 && bit(entry, k)) {
            k++;
        }
        h->shift = k + 1;
    }
    if (level == 6 || h->shift < host_shift(level) ||
        h->shift >= host_shift(level + 1)) {
        at(n, NAIVE_host_level);
        fault(n, LEVEL, false, gpa);
        return true;
    }
    at(n, next ? NAIVE_host_sized : NAIVE_host_natural);
    h->out = entry & 0x000ffffffffff000;
    h->out = h->out >> h->shift << h->shift;
    h->out |= gpa & ((1ULL << h->shift) - 1);
    h->dirty = bit(entry, 6);
    return true;
}

/* A pointer: checks it and moves *level and *table.  False on a fault */
static bool host_follow(struct naive *n, uint64_t gpa, uint64_t entry,
                        unsigned int *level, uint64_t *table)
{
    unsigned int next = (unsigned int)bits(entry, 11, 9);

    if (bits(entry, 60, 52)) {
        at(n, NAIVE_host_reserved);
        fault(n, RESERVED, false, gpa);
        return false;
    }
    if (next >= *level) {
        at(n, NAIVE_host_level);
        fault(n, LEVEL, false, gpa);
        return false;
    }
    if (next + 1 < *level) {
        if (bits(gpa, host_shift(*level) - 1, host_shift(next + 1))) {
            at(n, NAIVE_host_skipped);
            fault(n, ABSENT, false, gpa);
            return false;
        }
        at(n, NAIVE_host_skips);
    }
    *level = next;
    *table = entry & 0x000ffffffffff000;
    return true;
}

/* Walk; @used collects where the entries are.  0 after a fault */
static unsigned int host_walk(struct naive *n, uint64_t gpa, struct host *h,
                              uint64_t used[6])
{
    unsigned int level = (unsigned int)bits(n->dte[0], 11, 9);
    uint64_t table = n->dte[0] & 0x000ffffffffff000;
    unsigned int count = 0;
    uint64_t entry = 0;

    h->r = h->w = true;
    for (;;) {
        uint64_t index = gpa >> host_shift(level) & 0x1ff;

        used[count] = table + index * 8;
        if (!fetch(n, used[count], &entry)) {
            at(n, NAIVE_host_abort);
            unreadable(n, false, used[count]);
            return 0;
        }
        count++;
        if (!bit(entry, 0)) {
            at(n, NAIVE_host_absent);
            fault(n, ABSENT, false, gpa);
            return 0;
        }
        h->r = h->r && bit(entry, 61);
        h->w = h->w && bit(entry, 62);
        if (bits(entry, 11, 9) == 0 || bits(entry, 11, 9) == 7) {
            host_leaf(n, gpa, level, entry, h);
            return n->done ? 0 : count;
        }
        if (!host_follow(n, gpa, entry, &level, &table)) {
            return 0;
        }
    }
}

static void host_update(struct naive *n, const uint64_t *used,
                        unsigned int count, bool write)
{
    uint64_t had = bits(n->dte[0], 8, 7);

    if (had == 0) {
        return;
    }
    at(n, NAIVE_host_sets_a);
    for (unsigned int i = 0; i < count; i++) {
        set_bits(n, used[i], 0x20);
    }
    if (had == 3 && write) {
        at(n, NAIVE_host_sets_d);
        set_bits(n, used[count - 1], 0x40);
    }
}

/* The whole host stage.  @need: without these fault.  False after a fault */
static bool host(struct naive *n, uint64_t gpa, bool need_r, bool need_w,
                 bool want_r, bool want_w, struct host *h)
{
    unsigned int mode = (unsigned int)bits(n->dte[0], 11, 9);
    uint64_t used[6];
    unsigned int count;

    if (mode < 6 && gpa >> host_shift(mode + 1)) {
        at(n, NAIVE_host_range);
        fault(n, ABSENT, false, gpa);
        return false;
    }
    count = host_walk(n, gpa, h, used);
    if (!count) {
        return false;
    }
    if ((need_r && !h->r) || (need_w && !h->w) ||
        !((h->r && (need_r || want_r)) || (h->w && (need_w || want_w)))) {
        at(n, NAIVE_host_denies);
        fault(n, DENIED, false, gpa);
        return false;
    }
    host_update(n, used, count, h->w && (need_w || want_w));
    return true;
}

/* 3.3: where a guest-physical table entry is; a fault ends the request */
static bool locate(struct naive *n, uint64_t gpa, bool write, uint64_t *spa)
{
    struct host h;

    *spa = gpa;
    if (bits(n->dte[0], 11, 9) == 0) {
        return true;
    }
    if (!host(n, gpa, !write, write, false, false, &h)) {
        at(n, write ? NAIVE_nested_update : NAIVE_nested_fault);
        return false;
    }
    *spa = h.out;
    return true;
}

/* 3.2 step 2: the guest CR3 */
static bool gcr3(struct naive *n, uint64_t *top)
{
    unsigned int levels = (unsigned int)bits(n->dte[0], 57, 56) + 1;
    uint64_t table = bits(n->dte[0], 60, 58) << 12 |
                     bits(n->dte[1], 31, 16) << 15 |
                     bits(n->dte[1], 63, 43) << 31;
    bool spa_root = !bit(n->control, 58);

    for (unsigned int level = levels; level > 0; level--) {
        uint64_t index = table_pasid(n) >> (9 * (level - 1)) & 0x1ff;
        uint64_t spa = table + index * 8, entry = 0;

        if (level == levels && spa_root) {
            if (bits(n->dte[0], 11, 9)) {
                at(n, NAIVE_nested_spa_root);
            }
        } else if (!locate(n, table + index * 8, false, &spa)) {
            return false;
        }
        if (!fetch(n, spa, &entry)) {
            at(n, NAIVE_gcr3_abort);
            unreadable(n, true, spa);
            return false;
        }
        if (!bit(entry, 0)) {
            at(n, NAIVE_gcr3_invalid);
            fault(n, ABSENT, true, n->addr);
            return false;
        }
        table = entry & 0x000ffffffffff000;
    }
    *top = table;
    return true;
}

/* 3.2 step 3 */
static bool canonical(struct naive *n, unsigned int levels)
{
    unsigned int width = levels == 4 ? 48 : 57;
    uint64_t high = n->addr >> (width - 1);

    if (!has_pasid(n)) {
        if (n->addr >> width) {
            at(n, NAIVE_pasid0_high);
            fault(n, ABSENT, true, n->addr);
        }
    } else if (high != 0 && high != UINT64_MAX >> (width - 1)) {
        at(n, NAIVE_not_canonical);
        fault(n, ABSENT, true, n->addr);
    }
    return !n->done;
}

struct guest {
    uint64_t gpa[5], spa[5], value[5];
    unsigned int count;
    unsigned int level;         /* of the leaf */
    bool rw, us, nx;
};

static bool guest_reserved(const struct naive *n, unsigned int level,
                           uint64_t entry)
{
    unsigned int width = n->pa_bits ? n->pa_bits : 52;

    return (width < 52 && bits(entry, 51, width)) ||
           (level >= 4 && bit(entry, 7)) ||
           (level == 2 && bit(entry, 7) && bits(entry, 20, 13)) ||
           (level == 3 && bit(entry, 7) && bits(entry, 29, 13)) ||
           (bit(entry, 63) && !bit(n->efr, 3));
}

/* 3.2 step 4 */
static bool guest_walk(struct naive *n, uint64_t table, unsigned int levels,
                       struct guest *g)
{
    g->rw = g->us = true;
    g->nx = false;
    g->count = 0;
    for (unsigned int level = levels;; level--) {
        uint64_t index = n->addr >> (12 + 9 * (level - 1)) & 0x1ff;
        uint64_t entry = 0, spa;

        if (!locate(n, table + index * 8, false, &spa)) {
            return false;
        }
        if (!fetch(n, spa, &entry)) {
            at(n, NAIVE_guest_abort);
            unreadable(n, true, spa);
            return false;
        }
        g->gpa[g->count] = table + index * 8;
        g->spa[g->count] = spa;
        g->value[g->count++] = entry;
        if (!bit(entry, 0)) {
            at(n, NAIVE_guest_absent);
            fault(n, ABSENT, true, n->addr);
            return false;
        }
        if (guest_reserved(n, level, entry)) {
            at(n, NAIVE_guest_reserved);
            fault(n, RESERVED, true, n->addr);
            return false;
        }
        g->rw = g->rw && bit(entry, 1);
        g->us = g->us && bit(entry, 2);
        g->nx = g->nx || bit(entry, 63);
        g->level = level;
        if (level == 1 || (level <= 3 && bit(entry, 7))) {
            return true;
        }
        table = entry & 0x000ffffffffff000;
    }
}

/* 3.2 step 5: does the request get what it must have? */
static bool guest_permits(struct naive *n, const struct guest *g)
{
    bool user = !(has_pasid(n) && n->priv);

    if (user && !g->us) {
        at(n, NAIVE_guest_denies_user);
    } else if (n->kind == NAIVE_DMA && n->ask_w && !g->rw) {
        at(n, NAIVE_guest_denies_write);
    } else if (n->kind == NAIVE_DMA && n->ask_x && g->nx) {
        at(n, NAIVE_guest_denies_exec);
    } else if (!n->ask_r && n->ask_w && !g->rw) {
        at(n, NAIVE_guest_denies_write);    /* ATS: nothing is left */
    } else {
        return true;
    }
    fault(n, DENIED, true, n->addr);
    return false;
}

/* 3.2 step 6; nested, the host must permit the write to the table */
static bool guest_update(struct naive *n, const struct guest *g, bool write)
{
    bool no_a = bit(n->control, 54), no_d = bit(n->control, 48);

    at(n, no_a ? NAIVE_guest_no_a : NAIVE_guest_sets_a);
    if (write) {
        at(n, no_d ? NAIVE_guest_no_d : NAIVE_guest_sets_d);
    }
    for (unsigned int i = 0; i < g->count; i++) {
        uint64_t mask = no_a ? 0 : 0x20, spa;

        if (i + 1 == g->count && write && !no_d) {
            mask |= 0x40;
        }
        if ((g->value[i] & mask) == mask) {
            continue;
        }
        if (!locate(n, g->gpa[i], true, &spa)) {
            return false;
        }
        set_bits(n, spa, mask);
    }
    return true;
}

/* Sections 3.2 and 3.3 after the leaf is known: rights, page, A and D */
static void guest_finish(struct naive *n, const struct guest *g)
{
    uint64_t leaf = g->value[g->count - 1];
    bool no_d = bit(n->control, 48);
    bool ats = n->kind == NAIVE_ATS;
    bool may_w = g->rw, give_w, keep_w;
    struct host h = { 0, 64, true, true, true };

    if (ats && no_d && !bit(leaf, 6)) {
        at(n, NAIVE_ats_no_dirty);
        may_w = false;
    }
    if (!n->ask_r && !may_w) {
        fault(n, DENIED, true, n->addr);
        return;
    }
    give_w = may_w && n->ask_w;
    n->shift = 12 + 9 * (g->level - 1);
    n->out = (leaf & 0x000ffffffffff000) >> n->shift << n->shift;
    n->out |= n->addr & ((1ULL << n->shift) - 1);
    if (bits(n->dte[0], 11, 9)) {
        if (!host(n, n->out, !ats && n->ask_r, !ats && n->ask_w,
                  ats && n->ask_r, ats && give_w, &h)) {
            at(n, NAIVE_nested_fault);
            return;
        }
        n->out = h.out;
        n->shift = h.shift < n->shift ? h.shift : n->shift;
        give_w = give_w && h.w;
    }
    /* W may be kept without a write only where D is set or not wanted */
    keep_w = may_w && h.w && (bit(leaf, 6) || no_d) &&
             (bits(n->dte[0], 8, 7) != 3 || h.dirty);
    n->r = h.r && (!ats || n->ask_r);
    n->w = give_w || (!ats && keep_w);
    n->x = n->r && !g->nx && (!ats || n->ask_x);
    if (guest_update(n, g, give_w)) {
        at(n, bits(n->dte[0], 11, 9) ? NAIVE_nested : NAIVE_guest_4k +
           (g->level - 1));
        end(n, NAIVE_PASSED);
    }
}

static void guest_path(struct naive *n)
{
    unsigned int levels = 4 + (unsigned int)bits(n->dte[2], 55, 54);
    struct guest g;
    uint64_t top = 0;

    if (!has_pasid(n)) {
        at(n, NAIVE_giov);
    }
    if (gcr3(n, &top) && canonical(n, levels) &&
        guest_walk(n, top, levels, &g) && guest_permits(n, &g)) {
        guest_finish(n, &g);
    }
}

static void host_path(struct naive *n)
{
    bool ats = n->kind == NAIVE_ATS;
    struct host h = { n->addr, 64, true, true, true };

    if (bits(n->dte[0], 11, 9) == 0) {
        at(n, NAIVE_identity);
    } else if (!host(n, n->addr, !ats && n->ask_r, !ats && n->ask_w,
                     ats && n->ask_r, ats && n->ask_w, &h)) {
        return;
    }
    n->out = h.out;
    n->shift = h.shift;
    n->r = h.r && (!ats || n->ask_r);
    n->w = h.w && (n->ask_w || (!ats && (bits(n->dte[0], 8, 7) != 3 ||
                                         h.dirty)));
    end(n, NAIVE_PASSED);
}

/* 3.1 step 1 and 3.2 step 1 */
static bool dte_gate(struct naive *n, bool guest)
{
    bool ir = bit(n->dte[0], 61), iw = bit(n->dte[0], 62);

    if (n->kind == NAIVE_ATS) {
        n->ask_r = n->ask_r && ir;
        n->ask_x = n->ask_x && ir;
        n->ask_w = n->ask_w && iw;
        if (n->ask_r || n->ask_w) {
            return true;
        }
        at(n, NAIVE_dte_denies_ats);
    } else if ((ir || !n->ask_r) && (iw || !n->ask_w)) {
        return true;
    } else {
        at(n, NAIVE_dte_denies);
    }
    fault(n, DENIED, guest, n->addr);
    return false;
}

/* Section 2: the PASID limits */
static bool pasid_fits(struct naive *n)
{
    unsigned int span = 9 * ((unsigned int)bits(n->dte[0], 57, 56) + 1);
    unsigned int most = (unsigned int)bits(n->efr, 36, 32) + 1;

    if (table_pasid(n) >> span == 0 && table_pasid(n) >> most == 0) {
        return true;
    }
    at(n, NAIVE_pasid_range);
    fault(n, ABSENT, true, n->addr);
    return false;
}

/* Section 2 */
static void choose_path(struct naive *n)
{
    bool gv_on = bit(n->control, 16) && bit(n->dte[0], 55);
    bool guest = gv_on && (has_pasid(n) || bit(n->dte[0], 54));

    if (has_pasid(n) && !gv_on) {
        at(n, n->kind == NAIVE_ATS ? NAIVE_no_guest_ats : NAIVE_no_guest);
        fault(n, ABSENT, true, n->addr);
        return;
    }
    if ((guest && !pasid_fits(n)) || !dte_gate(n, guest)) {
        return;
    }
    if (guest) {
        guest_path(n);
    } else {
        host_path(n);
    }
    if (n->outcome != NAIVE_PASSED) {
        return;
    }
    n->r = n->r && bit(n->dte[0], 61);
    n->x = n->x && bit(n->dte[0], 61);
    n->w = n->w && bit(n->dte[0], 62);
    if (n->kind == NAIVE_ATS) {
        bool all = n->r && n->w == n->write && n->x == (n->exec && guest);

        at(n, all ? NAIVE_ats_all : NAIVE_ats_less);
    }
}

bool naive_dte_illegal(struct naive *n)
{
    uint64_t q0 = 0x800000000000007c, q1 = 0;
    uint64_t mode = bits(n->dte[0], 11, 9), glx = bits(n->dte[0], 57, 56);
    uint64_t gpm = bits(n->dte[2], 55, 54);
    bool gv_on = bit(n->control, 16) && bit(n->dte[0], 55);
    uint64_t hats = bits(n->efr, 11, 10);
    bool encoding;

    q0 |= bit(n->efr, 50) ? 0 : 3ULL << 52;
    q0 |= bit(n->efr, 48) ? 0 : 1ULL << 54;
    q0 |= bit(n->efr, 49) ? 0 : 3ULL << 7;
    q0 |= bit(n->efr, 4) ? 0 : 0x3fULL << 55;
    q1 |= bit(n->efr, 4) ? 0 : 0xfffff800ffff0000;
    encoding = mode == 7 || mode > (hats == 3 ? 0 : 4 + hats) ||
               bits(n->dte[0], 8, 7) == 2 ||
               (gv_on && (glx == 3 || glx > bits(n->efr, 15, 14) ||
                          gpm >= 2 || gpm > bits(n->efr, 13, 12)));
    if (!(n->dte[0] & q0) && !(n->dte[1] & q1) &&
        !(bit(n->dte[0], 1) && encoding)) {
        return false;
    }
    if ((n->dte[0] & q0) || (n->dte[1] & q1)) {
        at(n, NAIVE_dte_reserved);
        naive_log_event(n, 1, 0x80, n->addr & ~3ULL);
    } else {
        at(n, NAIVE_dte_encoding);
        naive_log_event(n, 1, 0, n->addr & ~3ULL);
    }
    n->event0 |= n->write ? 1ULL << 53 : 0;
    if (has_pasid(n)) {
        add_pasid(n, n->pasid);
    }
    return true;
}

static void invalid_request(struct naive *n, enum naive_row row,
                            uint64_t type)
{
    at(n, row);
    naive_log_event(n, 8, type << 9, n->addr);
    if (has_pasid(n)) {
        add_pasid(n, n->pasid);
        n->event0 |= n->priv ? 0 : 1ULL << 50;
    }
}

/* Section 1 step 5, and 4.2 for translated requests */
static bool interrupt_range(struct naive *n)
{
    if (n->addr < 0xfee00000 || n->addr > 0xfeefffff ||
        (has_pasid(n) && n->kind != NAIVE_TRANSLATED)) {
        return false;
    }
    if (n->kind == NAIVE_ATS) {
        invalid_request(n, NAIVE_message_ats, 1);
    } else if (n->write) {
        at(n, NAIVE_message);
        end(n, NAIVE_MESSAGE);
    } else {
        invalid_request(n, NAIVE_message_read, 0);
    }
    return true;
}

static void translated(struct naive *n)
{
    if (!bit(n->dte[1], 32)) {
        invalid_request(n, NAIVE_i0_translated, 1);
    } else if (!interrupt_range(n)) {
        at(n, NAIVE_translated);
        forward(n);
    }
}

static void v0(struct naive *n)
{
    if (n->kind == NAIVE_ATS) {
        invalid_request(n, NAIVE_v0_ats, 0);
    } else if (n->kind == NAIVE_TRANSLATED) {
        invalid_request(n, NAIVE_v0_translated, 1);
    } else {
        at(n, NAIVE_v0_forward);
        forward(n);
    }
}

/* Section 1 step 4 */
static void with_dte(struct naive *n)
{
    bool tv = bit(n->dte[0], 1), i = bit(n->dte[1], 32);

    if (!bit(n->dte[0], 0)) {
        v0(n);
    } else if (naive_dte_illegal(n)) {
        return;
    } else if (n->kind == NAIVE_TRANSLATED) {
        translated(n);
    } else if (n->kind == NAIVE_ATS && (!tv || !i)) {
        invalid_request(n, tv ? NAIVE_i0_ats : NAIVE_tv0_ats, 0);
    } else if (interrupt_range(n)) {
        return;
    } else if (!tv) {
        at(n, NAIVE_tv0_dma);
        fault(n, ABSENT, has_pasid(n), n->addr);
    } else {
        choose_path(n);
    }
}

static bool excluded(const struct naive *n)
{
    return bit(n->excl_base, 0) &&
           n->addr >= (n->excl_base & 0x000ffffffffff000) &&
           n->addr <= ((n->excl_limit & 0x000ffffffffff000) | 0xfff);
}

bool naive_fetch_dte(struct naive *n)
{
    uint64_t entries = (bits(n->devtab, 8, 0) + 1) * 128;
    uint64_t spa = (n->devtab & 0x000ffffffffff000) + n->device * 32ULL;

    if (n->device >= entries) {
        at(n, NAIVE_beyond_table);
        naive_log_event(n, 2, n->write ? 0x20 : 0, n->addr);
        if (has_pasid(n)) {
            add_pasid(n, n->pasid);
            n->event0 |= (n->exec ? 1ULL << 49 : 0) |
                         (n->priv ? 0 : 1ULL << 50);
        }
        return false;
    }
    for (unsigned int i = 0; i < 4; i++) {
        if (!fetch(n, spa + i * 8, &n->dte[i])) {
            at(n, NAIVE_dte_abort);
            naive_log_event(n, 3, 0x200 | (n->write ? 0x20 : 0), spa);
            n->hardware = true;
            return false;
        }
    }
    return true;
}

/* An untranslated write without PASID into the range needs no DTE yet */
static bool is_message(const struct naive *n)
{
    return n->kind == NAIVE_DMA && !has_pasid(n) && n->write &&
           n->addr >= 0xfee00000 && n->addr <= 0xfeefffff;
}

static void serve(struct naive *n)
{
    n->ask_x = n->exec && has_pasid(n);
    n->ask_r = n->read || n->ask_x || n->kind == NAIVE_ATS;
    n->ask_w = n->write;
    if (!bit(n->control, 0) && n->kind == NAIVE_ATS) {
        at(n, NAIVE_disabled_ats);
        end(n, NAIVE_REFUSED);
    } else if (!bit(n->control, 0)) {
        at(n, NAIVE_disabled_forward);
        forward(n);
    } else if (excluded(n) && bit(n->excl_base, 1)) {
        at(n, NAIVE_excluded_allow);
        forward(n);
    } else if (is_message(n)) {
        at(n, NAIVE_message);
        end(n, NAIVE_MESSAGE);
    } else if (naive_fetch_dte(n)) {
        if (excluded(n) && bit(n->dte[0], 0) && bit(n->dte[1], 39) &&
            !naive_dte_illegal(n)) {
            at(n, NAIVE_excluded_ex);
            forward(n);
        } else if (!n->done) {
            with_dte(n);
        }
    }
}

/* Pages in and out of the exclusion range differ, so nothing is larger */
void naive_translate(struct naive *n)
{
    serve(n);
    if (bit(n->excl_base, 0) && n->shift > 12) {
        n->shift = 12;
    }
}
