/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page requests (PRI): groups with an index of their own, no more pages
 * outstanding than the guest has allocated, and what responses do.
 *
 * A response comes in while the IOMMU executes a command of the guest, so all
 * that follows from it happens in a bottom half.
 */
#include "qemu/osdep.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "client-internal.h"
#include "hw/pci/pcie.h"
#include "trace.h"

static uint8_t *pri_config(const SvmClient *c, int offset)
{
    return c->dev->config + c->dev->exp.pri_cap + offset;
}

static bool is_stopped(const SvmClient *c)
{
    return pci_get_word(pri_config(c, PCI_PRI_STATUS)) &
           PCI_PRI_STATUS_STOPPED;
}

static bool may_send(const SvmClient *c)
{
    return c->pri_on && !is_stopped(c);
}

/* Pages that may be outstanding at once */
static uint32_t allocation(const SvmClient *c)
{
    return MIN(pcie_pri_get_req_alloc(c->dev), c->config.page_requests);
}

/* All that follow need the lock unless they say something else */

static void answer(SvmClient *c, SvmPageRequest *r, IOMMUPRIResponseCode code)
{
    if (r->state == SVM_REQUEST_SENT) {
        c->outstanding -= r->pages;
        clear_bit(r->prgi, c->prg_used);
    }
    r->state = SVM_REQUEST_ANSWERED;
    r->code = code;
    qemu_bh_schedule(c->bh);
}

static void discard(SvmClient *c, SvmPageRequest *r)
{
    if (r->state == SVM_REQUEST_SENT) {
        c->outstanding -= r->pages;
        clear_bit(r->prgi, c->prg_used);
    }
    QTAILQ_REMOVE(&c->requests, r, next);
    c->requests_len--;
    g_free(r);
}

/* No request is sent any more, and no answer expected */
static void fail_all(SvmClient *c)
{
    SvmPageRequest *r;

    QTAILQ_FOREACH(r, &c->requests, next) {
        if (r->state != SVM_REQUEST_ANSWERED) {
            answer(c, r, IOMMU_PRI_RESP_FAILURE);
        }
    }
}

/* Indexes are used in turn, so that a late response meets no new group */
static uint16_t choose_prgi(SvmClient *c)
{
    unsigned long prgi = find_next_zero_bit(c->prg_used, SVM_PRG_INDEXES,
                                            c->prg_next);

    if (prgi >= SVM_PRG_INDEXES) {
        prgi = find_first_zero_bit(c->prg_used, SVM_PRG_INDEXES);
    }
    set_bit(prgi, c->prg_used);
    c->prg_next = (prgi + 1) % SVM_PRG_INDEXES;
    return prgi;
}

/* Send the group.  Without the lock: the IOMMU may answer at once */
static int send_pages(SvmClient *c, SvmPageRequest *r)
{
    int err = 0;

    for (uint32_t i = 0; i < r->pages && !err; i++) {
        err = pci_pri_request_page(c->dev, r->pasid, r->want & IOMMU_PRIV,
                                   r->want & IOMMU_EXEC,
                                   r->addr + i * SVM_PAGE_SIZE,
                                   i == r->pages - 1, r->prgi,
                                   r->want & IOMMU_RO, r->want & IOMMU_WO);
    }
    trace_svm_client_page_request(svm_client_name(c), r->pasid, r->addr,
                                  r->pages, r->want, r->prgi, err);
    return err;
}

/* Send @r.  Releases the lock meanwhile */
static int send_request(SvmClient *c, SvmPageRequest *r)
{
    int err;

    r->prgi = choose_prgi(c);
    r->state = SVM_REQUEST_SENT;
    r->sending = true;
    c->outstanding += r->pages;
    c->counters.page_requests += r->pages;
    qemu_mutex_unlock(&c->lock);
    err = send_pages(c, r);
    qemu_mutex_lock(&c->lock);
    r->sending = false;
    if (r->state == SVM_REQUEST_ANSWERED) {
        qemu_bh_schedule(c->bh);
        return 0;
    }
    return err;
}

static SvmPageRequest *first_in_state(SvmClient *c, SvmRequestState state)
{
    SvmPageRequest *r;

    QTAILQ_FOREACH(r, &c->requests, next) {
        if (r->state == state && !r->sending) {
            return r;
        }
    }
    return NULL;
}

static bool has_room(const SvmClient *c, const SvmPageRequest *r)
{
    return c->outstanding + r->pages <= allocation(c) &&
           !bitmap_full(c->prg_used, SVM_PRG_INDEXES);
}

/* Send those that have waited, as far as the allocation goes */
static void send_waiting(SvmClient *c)
{
    SvmPageRequest *r;

    while ((r = first_in_state(c, SVM_REQUEST_WAITING)) && may_send(c) &&
           has_room(c, r)) {
        if (send_request(c, r)) {
            answer(c, r, IOMMU_PRI_RESP_FAILURE);
        }
    }
}

/* Without the lock */
static void requests_bh(void *opaque)
{
    SvmClient *c = opaque;
    uint32_t limit;

    QEMU_LOCK_GUARD(&c->lock);
    /* A callback may ask again and be answered at once: that is for later */
    limit = c->requests_len;
    while (limit--) {
        SvmPageRequest *r = first_in_state(c, SVM_REQUEST_ANSWERED);
        IOMMUPRIResponseCode code;
        SvmPageCallback *cb;
        void *cb_opaque;

        if (!r) {
            break;
        }
        cb = r->cb;
        cb_opaque = r->opaque;
        code = r->code;
        discard(c, r);
        if (cb) {
            qemu_mutex_unlock(&c->lock);
            cb(cb_opaque, code);
            qemu_mutex_lock(&c->lock);
        }
    }
    send_waiting(c);
}

static int start(SvmClient *c, SvmPageRequest *r)
{
    int err = 0;

    QEMU_LOCK_GUARD(&c->lock);
    if (!may_send(c)) {
        err = -EPERM;
    } else if (r->pages > allocation(c)) {
        err = -ENOSPC;
    } else if (c->requests_len >= SVM_REQUESTS_MAX) {
        err = -EBUSY;
    }
    if (err) {
        g_free(r);
        return err;
    }
    c->requests_len++;
    QTAILQ_INSERT_TAIL(&c->requests, r, next);
    if (first_in_state(c, SVM_REQUEST_WAITING) == r && has_room(c, r)) {
        err = send_request(c, r);
    }
    if (err) {
        discard(c, r);
    }
    return err;
}

int svm_client_request_pages(SvmContext *ctx, uint64_t addr, uint32_t pages,
                             IOMMUAccessFlags want, SvmPageCallback *cb,
                             void *opaque)
{
    SvmPageRequest *r;

    if (!pages || !pci_pasid_permitted(ctx->client->dev, ctx->pasid,
                                       want & IOMMU_EXEC, want & IOMMU_PRIV)) {
        return -EPERM;
    }
    r = g_new0(SvmPageRequest, 1);
    r->pasid = ctx->pasid;
    r->addr = addr & ~(SVM_PAGE_SIZE - 1);
    r->pages = pages;
    r->want = want;
    r->cb = cb;
    r->opaque = opaque;
    return start(ctx->client, r);
}

int svm_client_request_page(SvmContext *ctx, uint64_t addr, bool read,
                            bool write, SvmPageCallback *cb, void *opaque)
{
    return svm_client_request_pages(ctx, addr, 1,
                                    IOMMU_ACCESS_FLAG(read, write), cb,
                                    opaque);
}

void svm_client_cancel(SvmContext *ctx, void *opaque)
{
    SvmClient *c = ctx->client;
    SvmPageRequest *r, *next;

    QEMU_LOCK_GUARD(&c->lock);
    QTAILQ_FOREACH_SAFE(r, &c->requests, next, next) {
        if (r->pasid != ctx->pasid || r->opaque != opaque) {
            continue;
        }
        r->cb = NULL;
        /* What is sent keeps its index until it is answered */
        if (r->state != SVM_REQUEST_SENT && !r->sending) {
            discard(c, r);
        }
    }
}

bool svm_client_adopt(SvmContext *ctx, uint64_t addr, SvmPageCallback *cb,
                      void *opaque)
{
    SvmClient *c = ctx->client;
    uint64_t page = addr & ~(SVM_PAGE_SIZE - 1);
    SvmPageRequest *r;

    QEMU_LOCK_GUARD(&c->lock);
    QTAILQ_FOREACH(r, &c->requests, next) {
        if (!r->cb && r->pasid == ctx->pasid && r->addr == page) {
            r->cb = cb;
            r->opaque = opaque;
            qemu_bh_schedule(c->bh);
            return true;
        }
    }
    return false;
}

void svm_client_forget(SvmClient *c, const uint32_t *pasid)
{
    SvmPageRequest *r, *next;

    QEMU_LOCK_GUARD(&c->lock);
    QTAILQ_FOREACH_SAFE(r, &c->requests, next, next) {
        if (!pasid || r->pasid == *pasid) {
            discard(c, r);
        }
    }
}

static void set_status(SvmClient *c, uint16_t bits)
{
    pci_word_test_and_set_mask(pri_config(c, PCI_PRI_STATUS), bits);
}

static SvmPageRequest *find_sent(SvmClient *c, uint32_t pasid, uint16_t prgi)
{
    SvmPageRequest *r;

    QTAILQ_FOREACH(r, &c->requests, next) {
        if (r->state == SVM_REQUEST_SENT && r->pasid == pasid &&
            r->prgi == prgi) {
            return r;
        }
    }
    return NULL;
}

/*
 * A failure response says that something is badly wrong: the interface stops
 * until software disables and enables it.
 */
static void respond(SvmClient *c, uint32_t pasid,
                    const IOMMUPRIResponse *response, bool taken)
{
    SvmPageRequest *r = taken ? NULL : find_sent(c, pasid, response->prgi);

    trace_svm_client_response(svm_client_name(c), pasid, response->prgi,
                              response->response_code, taken || r);
    if (!taken && !r) {
        c->counters.unexpected++;
        set_status(c, PCI_PRI_STATUS_UPRGI);
        return;
    }
    if (response->response_code < ARRAY_SIZE(c->counters.responses)) {
        c->counters.responses[response->response_code]++;
    }
    if (r) {
        answer(c, r, response->response_code);
    }
    if (response->response_code == IOMMU_PRI_RESP_FAILURE) {
        set_status(c, PCI_PRI_STATUS_RF | PCI_PRI_STATUS_STOPPED);
        fail_all(c);
    }
}

/* Without the lock */
void svm_client_responded(IOMMUPRINotifier *notifier,
                          IOMMUPRIResponse *response)
{
    SvmContext *ctx = container_of(notifier, SvmContext, response);
    SvmClient *c = ctx->client;
    const SvmClientHooks *hooks = c->config.hooks;
    bool taken = hooks && hooks->responded &&
                 hooks->responded(c->config.opaque, ctx->pasid, response);

    QEMU_LOCK_GUARD(&c->lock);
    if (may_send(c)) {
        respond(c, ctx->pasid, response, taken);
    }
}

/* Without the lock */
void svm_client_pri_written(SvmClient *c, bool was_on)
{
    uint8_t *control = pri_config(c, PCI_PRI_CTRL);
    bool reset = pci_get_word(control) & PCI_PRI_CTRL_RESET;

    QEMU_LOCK_GUARD(&c->lock);
    /* It is an order, and reads as zero; without effect while enabled */
    pci_word_test_and_clear_mask(control, PCI_PRI_CTRL_RESET);
    if (!c->pri_on && (was_on || reset)) {
        set_status(c, PCI_PRI_STATUS_STOPPED);
        fail_all(c);
    }
    if (c->pri_on && !was_on) {
        pci_word_test_and_clear_mask(pri_config(c, PCI_PRI_STATUS),
                                     PCI_PRI_STATUS_STOPPED);
    }
}

/* Without the lock */
void svm_client_pri_reset(SvmClient *c)
{
    pci_set_word(pri_config(c, PCI_PRI_CTRL), 0);
    pci_set_long(pri_config(c, PCI_PRI_ALLOC_REQ), 0);
    pci_word_test_and_clear_mask(pri_config(c, PCI_PRI_STATUS),
                                 PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI);
    set_status(c, PCI_PRI_STATUS_STOPPED);
}

/*
 * Whether @r, which a migration has brought, can be: a source is not trusted
 * to be well.  Marks its index as used.
 */
static bool load_request(SvmClient *c, SvmPageRequest *r)
{
    /* Memory of a list entry is not cleared before it is loaded */
    r->cb = NULL;
    r->opaque = NULL;
    if (!r->pages || r->pages > c->config.page_requests ||
        r->state > SVM_REQUEST_ANSWERED || r->prgi >= SVM_PRG_INDEXES ||
        ++c->requests_len > SVM_REQUESTS_MAX) {
        return false;
    }
    if (r->state == SVM_REQUEST_SENT) {
        c->outstanding += r->pages;
        return !test_and_set_bit(r->prgi, c->prg_used);
    }
    return true;
}

/* Without the lock, like all that follow */
bool svm_client_requests_loaded(SvmClient *c)
{
    SvmPageRequest *r;

    QEMU_LOCK_GUARD(&c->lock);
    bitmap_zero(c->prg_used, SVM_PRG_INDEXES);
    c->outstanding = 0;
    c->requests_len = 0;
    c->prg_next %= SVM_PRG_INDEXES;
    QTAILQ_FOREACH(r, &c->requests, next) {
        if (!load_request(c, r)) {
            return false;
        }
    }
    return true;
}

void svm_client_requests_init(SvmClient *c)
{
    QTAILQ_INIT(&c->requests);
    bitmap_zero(c->prg_used, SVM_PRG_INDEXES);
    c->bh = qemu_bh_new_guarded(requests_bh, c,
                                &DEVICE(c->dev)->mem_reentrancy_guard);
}

void svm_client_requests_cleanup(SvmClient *c)
{
    svm_client_forget(c, NULL);
    qemu_bh_delete(c->bh);
}
