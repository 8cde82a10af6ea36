/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sparse memory, table builders and expectations for the walk tests.
 * See world.h.
 */
#include "world.h"

#define NOWHERE UINT64_MAX
#define TABLES UINT64_C(0x40000000)
#define HOST_TABLES UINT64_C(0x20000000)
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)

static struct world_page *find_page(const struct world *w, uint64_t spa)
{
    for (size_t i = 0; i < w->pages; i++) {
        if (w->page[i].base == (spa & ~UINT64_C(0xfff))) {
            return (struct world_page *)&w->page[i];
        }
    }
    return NULL;
}

static uint8_t *page_bytes(struct world *w, uint64_t spa)
{
    struct world_page *p = find_page(w, spa);

    if (!p) {
        assert_true(w->pages < WORLD_PAGES);
        p = &w->page[w->pages++];
        memset(p, 0, sizeof(*p));
        p->base = spa & ~UINT64_C(0xfff);
    }
    return p->data + (spa & 0xfff);
}

void world_put(struct world *w, uint64_t spa, uint64_t value)
{
    amdvi_store64(page_bytes(w, spa), value);
}

uint64_t world_get(const struct world *w, uint64_t spa)
{
    const struct world_page *p = find_page(w, spa);

    return p ? amdvi_load64(p->data + (spa & 0xfff)) : 0;
}

void world_xor(struct world *w, uint64_t spa, uint64_t bits)
{
    world_put(w, spa, world_get(w, spa) ^ bits);
}

/* What the hooks say about an access of @len bytes at @spa */
static enum amdvi_mem_status access_status(struct world *w, uint64_t spa,
                                           size_t len)
{
    if (spa % 4096 + len > 4096 || len > 32) {
        w->broken_call = true;
        return AMDVI_MEM_ABORT;
    }
    if (w->unknown_at - spa < len) {
        return AMDVI_MEM_UNKNOWN;
    }
    if (w->abort_at - spa < len || !find_page(w, spa)) {
        return AMDVI_MEM_ABORT;
    }
    return AMDVI_MEM_OK;
}

static enum amdvi_mem_status mem_read(void *opaque, uint64_t spa, void *buf,
                                      size_t len)
{
    struct world *w = opaque;
    enum amdvi_mem_status status = access_status(w, spa, len);

    w->reads++;
    if (status == AMDVI_MEM_OK) {
        memcpy(buf, page_bytes(w, spa), len);
    }
    return status;
}

static enum amdvi_mem_status mem_cmpxchg(void *opaque, uint64_t spa,
                                         uint64_t *expected,
                                         uint64_t desired)
{
    struct world *w = opaque;
    enum amdvi_mem_status status = access_status(w, spa, 8);
    uint64_t found;

    w->updates++;
    if (spa % 8) {
        w->broken_call = true;
    }
    if (status == AMDVI_MEM_OK && spa == w->update_abort_at) {
        status = AMDVI_MEM_ABORT;
    }
    if (status != AMDVI_MEM_OK) {
        return status;
    }
    if (spa == w->change_at) {
        world_put(w, spa, w->change_to);
        w->change_to += w->change_always ? 0x1000 : 0;
        w->change_at = w->change_always ? spa : NOWHERE;
    }
    found = world_get(w, spa);
    if (found == *expected) {
        world_put(w, spa, desired);
    }
    *expected = found;
    return status;
}

void world_init(struct world *w)
{
    /* Pages are cleared when they come to be */
    memset(&w->pages, 0, sizeof(*w) - offsetof(struct world, pages));
    w->abort_at = w->unknown_at = NOWHERE;
    w->update_abort_at = w->change_at = NOWHERE;
    w->next_table = TABLES;
    w->next_host = HOST_TABLES;
    w->mem = (struct amdvi_mem) {
        .read = mem_read, .cmpxchg = mem_cmpxchg, .opaque = w,
    };
    /* registers.md 15: suggested EFR, with the update controls */
    w->iommu.features.efr = 0x2037032f000059df;
    w->iommu.features.efr2 = 1 << 3;
    w->iommu.control = 0x000020000001f08d;
    w->iommu.devtab[0] = WORLD_DEVTAB | 0x1ff;
    w->trace.step = w->step;
    w->trace.capacity = AMDVI_MAX_STEPS;
    world_put(w, WORLD_DTE, 0);
}

void world_set_dte(struct world *w, const uint64_t dte[4])
{
    for (unsigned int i = 0; i < 4; i++) {
        world_put(w, WORLD_DTE + i * 8, dte[i]);
    }
}

void world_edit_dte(struct world *w, int n, uint64_t clear, uint64_t set)
{
    uint64_t spa = WORLD_DTE + (uint64_t)n * 8;

    world_put(w, spa, (world_get(w, spa) & ~clear) | set);
}

void world_init_host(struct world *w, unsigned int mode)
{
    const uint64_t dte[4] = DTE_B;

    world_init(w);
    world_set_dte(w, dte);
    world_edit_dte(w, 0, 7ULL << 9, (uint64_t)mode << 9);
    w->host_mode = mode;
    if (mode) {
        world_put(w, WORLD_HOST_ROOT, 0);
    }
}

void world_init_guest(struct world *w, unsigned int levels, unsigned int glx)
{
    const uint64_t dte[4] = DTE_A;

    world_init(w);
    world_set_dte(w, dte);
    world_edit_dte(w, 0, 3ULL << 56, (uint64_t)glx << 56);
    world_edit_dte(w, 2, 0, levels == 5 ? 1ULL << 54 : 0);
    w->guest_levels = levels;
    w->glx = glx;
    /* GLXSup for three levels, PASmax for all 20 bits of a PASID */
    w->iommu.features.efr &= ~(3ULL << 14 | 0x1fULL << 32);
    w->iommu.features.efr |= 2ULL << 14 | 19ULL << 32;
}

void world_init_nested(struct world *w, unsigned int mode,
                       unsigned int levels, unsigned int glx)
{
    world_init_guest(w, levels, glx);
    world_edit_dte(w, 0, 0, (uint64_t)mode << 9 | WORLD_HOST_ROOT);
    world_put(w, WORLD_HOST_ROOT, 0);
    w->host_mode = mode;
    w->nested = true;
    w->iommu.control |= 1ULL << 58;     /* GCR3TRPMode */
}

uint64_t world_spa(const struct world *w, uint64_t gpa)
{
    return w->nested ? gpa + WORLD_NEST : gpa;
}

/* log2 of the bytes an entry of this level covers */
static unsigned int shift_of(unsigned int level)
{
    return 12 + 9 * (level - 1);
}

static uint64_t entry_at(uint64_t table, uint64_t addr, unsigned int level)
{
    return table + (addr >> shift_of(level) & 0x1ff) * 8;
}

void world_map_host(struct world *w, uint64_t gpa, unsigned int level,
                    uint64_t entry)
{
    uint64_t table = WORLD_HOST_ROOT;
    unsigned int n = w->host_mode;

    for (; n > level; n--) {
        uint64_t at = entry_at(table, gpa, n);

        if (!world_get(w, at)) {
            world_put(w, w->next_host, 0);
            world_put(w, at, HOST_RW | w->next_host | (n - 1) << 9 | 1);
            w->next_host += 0x1000;
        }
        w->host_at[n] = at;
        table = world_get(w, at) & ADDRESS_BITS;
    }
    w->host_at[n] = entry_at(table, gpa, n);
    world_put(w, w->host_at[n], entry);
}

/* A page for a guest table; in the nested case the host maps it */
static uint64_t new_table(struct world *w)
{
    uint64_t gpa = w->next_table;

    w->next_table += 0x1000;
    world_put(w, world_spa(w, gpa), 0);
    if (w->nested) {
        world_map_host(w, gpa, 1, HOST_RW | world_spa(w, gpa) | 1);
    }
    return gpa;
}

void world_map_guest(struct world *w, uint64_t top, uint64_t gva,
                     unsigned int level, uint64_t entry)
{
    uint64_t table = top;
    unsigned int n = w->guest_levels;

    for (;; n--) {
        uint64_t gpa = entry_at(table, gva, n);
        uint64_t at = world_spa(w, gpa);

        w->guest_at[n] = at;
        w->guest_gpa[n] = gpa;
        if (n == level) {
            world_put(w, at, entry);
            return;
        }
        if (!world_get(w, at)) {
            world_put(w, at, G_ALL | new_table(w));
        }
        table = world_get(w, at) & ADDRESS_BITS;
    }
}

/* The GCR3 root is where the DTE says; nested, it is guest-physical */
static void ready_gcr3_root(struct world *w)
{
    uint64_t spa = world_spa(w, WORLD_GCR3_ROOT);

    if (!find_page(w, spa)) {
        world_put(w, spa, 0);
        if (w->nested) {
            world_map_host(w, WORLD_GCR3_ROOT, 1, HOST_RW | spa | 1);
        }
    }
}

uint64_t world_add_pasid(struct world *w, uint32_t pasid)
{
    uint64_t table = WORLD_GCR3_ROOT;
    uint64_t top = new_table(w);

    ready_gcr3_root(w);
    for (unsigned int n = w->glx + 1; n > 0; n--) {
        uint64_t at = world_spa(w, table + (pasid >> 9 * (n - 1) & 0x1ff) * 8);

        w->gcr3_at[n] = at;
        if (n == 1) {
            world_put(w, at, top | 1);
        } else if (!world_get(w, at)) {
            world_put(w, at, new_table(w) | 1);
        }
        table = world_get(w, at) & ADDRESS_BITS;
    }
    return top;
}

void world_request(struct world *w, enum amdvi_request_kind kind,
                   uint32_t pasid, uint64_t addr, const char *access)
{
    w->request = (struct amdvi_request) {
        .kind = kind, .device_id = WORLD_DEVICE, .pasid = pasid,
        .addr = addr, .read = strchr(access, 'r'),
        .write = strchr(access, 'w'), .exec = strchr(access, 'x'),
        .priv = strchr(access, 'p'),
    };
}

/* What holds for every result, whatever the tables say */
static void check_result(const struct world *w)
{
    const struct amdvi_result *r = &w->result;

    expect_true("mem", "is called within its contract", !w->broken_call);
    expect_true("trace", "is never cut short",
                w->trace.count <= AMDVI_MAX_STEPS);
    expect_true("event", "comes only with an abort",
                !r->has_event || r->outcome == AMDVI_OUTCOME_ABORTED);
    expect_true("hardware error", "comes only with an event",
                !r->hardware_error || r->has_event);
    expect_true("reason", "has a text", r->reason < AMDVI_NUM_REASONS &&
                amdvi_reason_text(r->reason) && amdvi_reason_word(r->reason) &&
                amdvi_outcome_word(r->outcome));
    if (r->outcome == AMDVI_OUTCOME_TRANSLATED) {
        uint64_t offset = amdvi_ones(r->page_shift);

        expect_true("page", "is 4 KiB at least", r->page_shift >= 12 &&
                    r->page_shift <= 64);
        expect_u64("page", "offset", r->addr & offset & 0xfff,
                   w->request.addr & 0xfff);
        expect_true("perm", "is not empty", r->perm != 0);
    }
}

void world_run(struct world *w)
{
    memset(w->step, 0xa5, sizeof(w->step));
    w->trace.count = 0;
    w->reads = w->updates = 0;
    amdvi_translate(&w->iommu, &w->mem, &w->request, &w->trace, &w->result);
    check_result(w);
}

void world_dma(struct world *w, uint64_t addr, const char *access)
{
    world_dma_pasid(w, AMDVI_NO_PASID, addr, access);
}

void world_dma_pasid(struct world *w, uint32_t pasid, uint64_t addr,
                     const char *access)
{
    world_request(w, AMDVI_REQUEST_DMA, pasid, addr, access);
    world_run(w);
}

void world_ats(struct world *w, uint32_t pasid, uint64_t addr,
               const char *access)
{
    world_request(w, AMDVI_REQUEST_ATS, pasid, addr, access);
    world_run(w);
}

void want_outcome(const struct world *w, const char *row,
                  enum amdvi_outcome outcome, enum amdvi_reason reason)
{
    if (w->result.outcome != outcome || w->result.reason != reason) {
        fail_msg("%s: %s, %s; expected %s, %s", row,
                 amdvi_outcome_word(w->result.outcome),
                 amdvi_reason_word(w->result.reason),
                 amdvi_outcome_word(outcome), amdvi_reason_word(reason));
    }
}

void want_address(const struct world *w, const char *row, uint64_t addr,
                  unsigned int page_shift, unsigned int perm)
{
    want_outcome(w, row, AMDVI_OUTCOME_TRANSLATED, AMDVI_REASON_NONE);
    want_no_event(w, row);
    expect_u64(row, "address", w->result.addr, addr);
    expect_u64(row, "page shift", w->result.page_shift, page_shift);
    expect_u64(row, "permission", w->result.perm, perm);
}

void want_event(const struct world *w, const char *row, uint64_t q0,
                uint64_t q1)
{
    expect_true(row, "there is an event", w->result.has_event);
    expect_u64(row, "event word 0", w->result.event[0], q0);
    expect_u64(row, "event word 1", w->result.event[1], q1);
}

void want_no_event(const struct world *w, const char *row)
{
    expect_true(row, "there is no event", !w->result.has_event);
}

/* The DTE decides what the address space of a fault is called */
static uint64_t fault_space(const struct world *w, uint64_t flags)
{
    uint64_t pasid = w->request.pasid == AMDVI_NO_PASID ? 0
                                                        : w->request.pasid;

    return flags & EV_GN
           ? (pasid & 0xffff) << 32 | (pasid >> 16) << 16
           : (world_get(w, WORLD_DTE + 8) & 0xffff) << 32;
}

void want_fault(const struct world *w, const char *row,
                enum amdvi_reason reason, uint64_t flags, uint64_t addr)
{
    want_outcome(w, row, AMDVI_OUTCOME_ABORTED, reason);
    want_event(w, row, 2ULL << 60 | flags << 48 | fault_space(w, flags) |
               WORLD_DEVICE, addr);
    expect_true(row, "is no hardware error", !w->result.hardware_error);
}
