/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See naive-device.h.  Section numbers are those of spec/translation.md. */
#if __has_include("qemu/osdep.h")
#include "qemu/osdep.h"
#endif
#include "naive-device.h"
#include "naive-internal.h"

static const char *const row_text[NAIVE_DEVICE_ROWS] = {
#define ROW(id, text) text,
#include "naive-device-rows.def"
#undef ROW
};

const char *naive_device_row_text(enum naive_device_row row)
{
    return row_text[row];
}

/* IO_PAGE_FAULT with I, unless IG or SupIOPF */
static bool interrupt_fault(struct naive *n, bool suppressed, uint64_t flags,
                            unsigned long *reached)
{
    naive_log_event(n, 2, 0x08 | flags, n->addr);
    n->event0 |= naive_bits(n->dte[1], 15, 0) << 32;
    if (suppressed || naive_bit(n->dte[2], 5)) {
        reached[NAIVE_int_suppressed]++;
        n->event = false;
    }
    return false;
}

/* structures.md 9 */
static bool bad_irte(const struct naive *n, uint64_t lo, uint64_t hi)
{
    bool wide = naive_bit(n->control, 17);

    return naive_bits(lo, 4, 2) > 1 || naive_bit(lo, 7) ||
           (wide ? naive_bits(lo, 63, 32) || naive_bits(hi, 55, 8)
                 : naive_bits(lo, 31, 24));
}

/* 6.3 */
static bool remap(struct naive *n, uint32_t data, unsigned long *reached)
{
    bool wide = naive_bit(n->control, 17);
    uint64_t index = data & 0x7ff, lo = 0, hi = 0;
    uint64_t table = n->dte[2] & 0x000fffffffffffc0;
    uint64_t spa = table + index * (wide ? 16 : 4);

    if (index >> naive_bits(n->dte[2], 4, 1)) {
        reached[NAIVE_int_index]++;
        return interrupt_fault(n, false, 0, reached);
    }
    if (!n->fetch(n->opaque, spa & ~7ULL, &lo) ||
        (wide && !n->fetch(n->opaque, spa + 8, &hi))) {
        reached[NAIVE_int_unreadable]++;
        naive_log_event(n, 4, 0x208, spa & ~7ULL);
        n->event0 |= naive_bits(n->dte[1], 15, 0) << 32;
        return false;
    }
    if (!wide) {
        lo = spa & 4 ? lo >> 32 : lo & 0xffffffff;
    }
    if (!naive_bit(lo, 0)) {
        reached[NAIVE_int_disabled]++;
        return interrupt_fault(n, naive_bit(lo, 1), 0, reached);
    }
    if (bad_irte(n, lo, hi)) {
        reached[NAIVE_int_bad_entry]++;
        return interrupt_fault(n, naive_bit(lo, 1), 0x90, reached);
    }
    reached[NAIVE_int_remapped]++;
    return true;
}

bool naive_interrupt(struct naive *n, uint32_t data, unsigned long *reached)
{
    uint64_t int_ctl;

    if (!naive_bit(n->control, 0)) {
        return true;
    }
    if (!naive_fetch_dte(n)) {
        n->event0 |= 1ULL << 51;
        return false;
    }
    int_ctl = naive_bits(n->dte[2], 61, 60);
    if (!naive_bit(n->dte[2], 0)) {
        reached[NAIVE_int_unmapped]++;
        return true;
    }
    if ((n->dte[2] & 0x0030000000000000) || (n->dte[3] & 0x001f000000007fff)) {
        reached[NAIVE_int_reserved]++;
        naive_log_event(n, 1, 0x88, n->addr);
        return false;
    }
    if (int_ctl == 0) {
        reached[NAIVE_int_denied]++;
        naive_log_event(n, 8, 5 << 9, n->addr);
        return false;
    }
    if (int_ctl == 1) {
        reached[NAIVE_int_forward]++;
        return true;
    }
    if (int_ctl == 3 || naive_bits(n->dte[2], 4, 1) > 11) {
        reached[NAIVE_int_reserved]++;
        naive_log_event(n, 1, 0x08, n->addr);
        return false;
    }
    return remap(n, data, reached);
}

static bool has_pasid(const struct naive *n)
{
    return n->pasid != NAIVE_NO_PASID;
}

static bool is_marker(const struct naive *n, const struct naive_page *p)
{
    return p->last && has_pasid(n) && !n->read && !n->write && !n->exec;
}

/* One response for a group, none for a stop marker */
static void respond(struct naive *n, struct naive_page *p, unsigned int code,
                    unsigned long *reached)
{
    if (!p->last) {
        reached[NAIVE_page_not_last]++;
    }
    p->answered = p->last && !is_marker(n, p);
    p->response = code;
}

/* structures.md 7 */
static void make_entry(const struct naive *n, struct naive_page *p)
{
    uint64_t pasid = has_pasid(n) ? n->pasid : 0;

    p->entry[0] = 1ULL << 60 | n->device | (pasid & 0xffff) << 16 |
                  (uint64_t)p->prg_index << 32 | (uint64_t)p->last << 41 |
                  (pasid >> 16) << 42 |
                  (uint64_t)(n->exec && has_pasid(n)) << 49 |
                  (uint64_t)n->read << 50 | (uint64_t)n->write << 53 |
                  (uint64_t)!(n->priv && has_pasid(n)) << 54 |
                  (uint64_t)has_pasid(n) << 56;
    p->entry[1] = n->addr & ~0xfffULL;
}

/* INVALID_PPR_REQUEST: structures.md 6 */
static void invalid(struct naive *n, struct naive_page *p,
                    unsigned long *reached)
{
    uint64_t pasid = has_pasid(n) ? n->pasid : 0;

    naive_log_event(n, 9, 0, n->addr & ~0xfffULL);
    n->event0 |= (pasid & 0xffff) << 16 | (uint64_t)p->prg_index << 32 |
                 (uint64_t)p->last << 41 | (pasid >> 16) << 42;
    reached[NAIVE_page_no_guest]++;
    respond(n, p, 1, reached);
}

static uint32_t used(const struct naive_page *p)
{
    return (p->tail + p->bytes - p->head) % p->bytes / 16;
}

/* Steps 7 to 9 */
static void log_page(struct naive *n, struct naive_page *p,
                     unsigned long *reached)
{
    bool automatic = naive_bit(n->control, 39);
    unsigned int code = naive_bits(p->auto_response, 3, 0);

    if (automatic && naive_bit(p->early, 31) &&
        used(p) >= naive_bits(p->early, 14, 0)) {
        reached[NAIVE_page_early]++;
        respond(n, p, code, reached);
    } else if (!p->running || used(p) + 1 == p->bytes / 16) {
        p->overflow = p->running;
        if (automatic) {
            reached[p->running ? NAIVE_page_full_auto
                               : NAIVE_page_stopped_auto]++;
            respond(n, p, code, reached);
        } else {
            reached[p->running ? NAIVE_page_full : NAIVE_page_stopped]++;
        }
    } else {
        reached[NAIVE_page_logged]++;
        p->logged = true;
    }
}

/* Steps 3 to 6 */
static void with_dte(struct naive *n, struct naive_page *p,
                     unsigned long *reached)
{
    bool gv_on = naive_bit(n->control, 16) && naive_bit(n->dte[0], 55);

    if ((n->dte[0] & 3) != 3 || (has_pasid(n) && !gv_on)) {
        invalid(n, p, reached);
    } else if (naive_bit(n->control, 45) && !naive_bit(n->dte[0], 52)) {
        reached[NAIVE_page_not_allowed]++;
        respond(n, p, 1, reached);
    } else if (is_marker(n, p) && naive_bit(n->control, 41)) {
        reached[NAIVE_page_marker_blocked]++;
    } else if (naive_bit(n->control, 42) && !is_marker(n, p)) {
        reached[NAIVE_page_always]++;
        respond(n, p, naive_bits(p->auto_response, 3, 0), reached);
    } else {
        reached[NAIVE_page_marker] += is_marker(n, p);
        log_page(n, p, reached);
    }
}

void naive_page_request(struct naive *n, struct naive_page *p,
                        unsigned long *reached)
{
    make_entry(n, p);
    if (!naive_bit(n->control, 0) || !naive_bit(n->control, 15)) {
        reached[NAIVE_page_disabled]++;
    } else if (n->device >= (naive_bits(n->devtab, 8, 0) + 1) * 128) {
        invalid(n, p, reached);
    } else if (!naive_fetch_dte(n)) {
        reached[NAIVE_page_unreadable]++;
        respond(n, p, 15, reached);
    } else if (naive_bit(n->dte[0], 0) && naive_dte_illegal(n)) {
        reached[NAIVE_page_illegal]++;
        respond(n, p, 15, reached);
    } else {
        with_dte(n, p, reached);
    }
}
