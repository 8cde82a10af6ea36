/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command buffer: spec/registers.md 8.2, spec/translation.md 5, 9 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/lockable.h"
#include "qemu/log.h"
#include "system/runstate.h"
#include "pmu.h"
#include "state.h"
#include "trace.h"

/* Commands executed at one go; the main loop gets its turn after them */
#define BATCH 256

/* Execute a command.  False if it needs memory that does not answer */
typedef bool CommandFunction(AmdviEngine *e, const uint64_t command[2]);

static bool completion_wait(AmdviEngine *e, const uint64_t command[2])
{
    uint64_t data = cpu_to_le64(amdvi_completion_wait_store_data(command));

    e->completion_waits++;
    if (amdvi_completion_wait_s(command) &&
        !amdvi_svm_store(amdvi_completion_wait_store_addr(command), &data,
                         sizeof(data))) {
        return false;
    }
    if (amdvi_completion_wait_i(command)) {
        WITH_QEMU_LOCK_GUARD(&e->lock) {
            amdvi_status_set_com_wait_int(
                amdvi_svm_reg(e, AMDVI_LAYOUT_status), 1);
            amdvi_svm_update_irq(e);
        }
        amdvi_svm_deliver_irq(e);
    }
    return true;
}

static void forget_interrupts(AmdviEngine *e)
{
    x86_iommu_iec_notify_all(X86_IOMMU_DEVICE(e->s), true, 0, 0);
}

static bool invalidate_devtab_entry(AmdviEngine *e, const uint64_t command[2])
{
    amdvi_svm_forget_device(e,
                            amdvi_invalidate_devtab_entry_device_id(command));
    forget_interrupts(e);
    return true;
}

/* Whose translations a command means */
static uint32_t pasid_of(bool gn, uint32_t pasid)
{
    return gn ? pasid : AMDVI_NO_PASID;
}

static bool invalidate_iommu_pages(AmdviEngine *e, const uint64_t command[2])
{
    struct amdvi_range range =
        amdvi_decode_range(amdvi_invalidate_iommu_pages_addr(command),
                           amdvi_invalidate_iommu_pages_s(command));

    amdvi_svm_forget_domain(
        e, amdvi_invalidate_iommu_pages_domain_id(command),
        pasid_of(amdvi_invalidate_iommu_pages_gn(command),
                 amdvi_invalidate_iommu_pages_pasid(command)), range,
        amdvi_invalidate_iommu_pages_pde(command));
    return true;
}

/* Address of the command at the head.  Needs the lock */
static uint64_t head_spa(AmdviEngine *e)
{
    return amdvi_cmd_base_base(amdvi_svm_reg(e, AMDVI_LAYOUT_cmd_base)) +
           *amdvi_svm_reg(e, AMDVI_LAYOUT_cmd_head);
}

/* The device has not answered; the command is done: translation.md 4.3 */
static void log_timeout(AmdviEngine *e, uint16_t device_id)
{
    uint64_t event[2];

    WITH_QEMU_LOCK_GUARD(&e->lock) {
        amdvi_iotlb_timeout_event(device_id, head_spa(e), event);
    }
    amdvi_svm_log_event(e, event, false);
    amdvi_svm_deliver_irq(e);
}

static bool invalidate_iotlb_pages(AmdviEngine *e, const uint64_t command[2])
{
    uint16_t device_id = amdvi_invalidate_iotlb_pages_device_id(command);
    uint32_t pasid = pasid_of(amdvi_invalidate_iotlb_pages_gn(command),
                              amdvi_invalidate_iotlb_pages_pasid(command));
    struct amdvi_range range =
        amdvi_decode_range(amdvi_invalidate_iotlb_pages_addr(command),
                           amdvi_invalidate_iotlb_pages_s(command));
    AmdviArmed armed;
    bool timeout = amdvi_svm_take_armed(e, BIT(AMDVI_ARMED_TIMEOUT),
                                        device_id, pasid, &armed);

    if (!timeout || armed.deliver) {
        amdvi_svm_forget_device_tlb(e, device_id, pasid, range);
    }
    if (timeout) {
        log_timeout(e, device_id);
    }
    return true;
}

static bool invalidate_interrupt_table(AmdviEngine *e,
                                       const uint64_t command[2])
{
    forget_interrupts(e);
    return true;
}

/* A hint; there is no cache that could be filled */
static bool prefetch_iommu_pages(AmdviEngine *e, const uint64_t command[2])
{
    return true;
}

static bool complete_ppr_request(AmdviEngine *e, const uint64_t command[2])
{
    amdvi_svm_respond(e, amdvi_complete_ppr_request_device_id(command),
                      pasid_of(amdvi_complete_ppr_request_gn(command),
                               amdvi_complete_ppr_request_pasid(command)),
                      amdvi_complete_ppr_request_prg_index(command),
                      amdvi_complete_ppr_request_response(command));
    return true;
}

static bool invalidate_iommu_all(AmdviEngine *e, const uint64_t command[2])
{
    amdvi_svm_forget_all(e);
    forget_interrupts(e);
    return true;
}

static CommandFunction *const functions[] = {
    [AMDVI_CODE_completion_wait] = completion_wait,
    [AMDVI_CODE_invalidate_devtab_entry] = invalidate_devtab_entry,
    [AMDVI_CODE_invalidate_iommu_pages] = invalidate_iommu_pages,
    [AMDVI_CODE_invalidate_iotlb_pages] = invalidate_iotlb_pages,
    [AMDVI_CODE_invalidate_interrupt_table] = invalidate_interrupt_table,
    [AMDVI_CODE_prefetch_iommu_pages] = prefetch_iommu_pages,
    [AMDVI_CODE_complete_ppr_request] = complete_ppr_request,
    [AMDVI_CODE_invalidate_iommu_all] = invalidate_iommu_all,
};

static CommandFunction *find_function(const uint64_t command[2])
{
    /* Every command has its opcode where this one has it */
    uint64_t opcode = amdvi_completion_wait_opcode(command);

    return opcode < ARRAY_SIZE(functions) ? functions[opcode] : NULL;
}

/* Stop with the head at the offending command, and say why */
static void stop(AmdviEngine *e, const uint64_t event[2], bool hardware_error)
{
    AmdviRecord record = { .words = { event[0], event[1] } };

    WITH_QEMU_LOCK_GUARD(&e->lock) {
        trace_amdvi_svm_run("command buffer", false);
        e->command_error = true;
        amdvi_status_set_cmd_buf_run(amdvi_svm_reg(e, AMDVI_LAYOUT_status), 0);
        e->abort_pending |= hardware_error;
        amdvi_svm_post_news(e, AMDVI_NEWS_COMMAND_ERROR, &record);
    }
    amdvi_svm_log_event(e, event, hardware_error);
    amdvi_svm_deliver_irq(e);
}

static bool refuse(AmdviEngine *e, uint64_t spa, const uint64_t command[2])
{
    uint64_t event[2];

    qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: illegal command 0x%016" PRIx64
                  " 0x%016" PRIx64 " at 0x%" PRIx64 "\n",
                  command[0], command[1], spa);
    amdvi_illegal_command_event(spa, event);
    stop(e, event, false);
    return false;
}

static bool fail(AmdviEngine *e, uint64_t spa, const char *why)
{
    uint64_t event[2];

    qemu_log_mask(LOG_GUEST_ERROR, "amd-iommu: command at 0x%" PRIx64
                  ": %s\n", spa, why);
    amdvi_command_hardware_event(spa, event);
    stop(e, event, true);
    return false;
}

/* Read the command at @spa; false if that is an error */
static bool fetch(AmdviEngine *e, uint64_t spa, uint64_t command[2])
{
    uint8_t bytes[AMDVI_RING_ENTRY];
    AmdviArmed armed;

    if (amdvi_svm_take_armed(e, BIT(AMDVI_ARMED_COMMAND_ERROR),
                             AMDVI_RECORD_NO_DEVICE, AMDVI_NO_PASID, &armed)) {
        return fail(e, spa, "an error is asked for");
    }
    if (!amdvi_svm_load(spa, bytes, sizeof(bytes))) {
        return fail(e, spa, "the command buffer is not in RAM");
    }
    amdvi_load_words(command, bytes, 2);
    return true;
}

/* Execute the command at @spa; true if the next one may be executed */
static bool execute(AmdviEngine *e, uint64_t spa)
{
    CommandFunction *function;
    uint64_t command[2];
    bool legal;

    if (!fetch(e, spa, command)) {
        return false;
    }
    function = find_function(command);
    legal = function &&
            amdvi_check_command(&e->features, command) == AMDVI_COMMAND_OK;
    if (amdvi_svm_break_at_command(e, command, legal)) {
        return false;
    }
    if (!legal) {
        return refuse(e, spa, command);
    }
    trace_amdvi_svm_command(command[0], command[1], spa);
    WITH_QEMU_LOCK_GUARD(&e->lock) {
        amdvi_svm_record_entry(e, AMDVI_RECORD_COMMAND, AMDVI_FAMILY_COMMAND,
                               0, command);
    }
    if (amdvi_svm_pmu_is_on(e)) {
        amdvi_svm_pmu_command(e, command);
    }
    return function(e, command) ||
           fail(e, spa, "the completion store is not in RAM");
}

/* Address of the next command; false if there is none to execute */
static bool next_command(AmdviEngine *e, uint64_t *spa)
{
    QEMU_LOCK_GUARD(&e->lock);
    *spa = head_spa(e);
    return amdvi_status_cmd_buf_run(amdvi_svm_reg(e, AMDVI_LAYOUT_status)) &&
           *amdvi_svm_reg(e, AMDVI_LAYOUT_cmd_head) !=
           *amdvi_svm_reg(e, AMDVI_LAYOUT_cmd_tail);
}

static void advance_head(AmdviEngine *e)
{
    const AmdviRing *ring = &amdvi_svm_rings[AMDVI_RING_COMMAND];
    uint64_t *head;

    QEMU_LOCK_GUARD(&e->lock);
    head = amdvi_svm_reg(e, ring->head);
    *head = amdvi_ring_next(*head, amdvi_svm_ring_bytes(e, ring));
}

static bool step(AmdviEngine *e)
{
    uint64_t spa;

    if (!next_command(e, &spa) || !execute(e, spa)) {
        return false;
    }
    advance_head(e);
    return true;
}

void amdvi_svm_run_commands(AmdviEngine *e)
{
    int done = 0;

    if (e->executing || amdvi_svm_is_holding(e)) {
        return;
    }
    e->executing = true;
    while (done < BATCH && step(e)) {
        done++;
    }
    e->executing = false;
    if (done == BATCH) {
        qemu_bh_schedule(e->command_bh);
    }
}

void amdvi_svm_command_bh(void *opaque)
{
    AmdviEngine *e = opaque;

    /* A stopped VM's memory must not change; it goes on when the VM does */
    if (runstate_is_running()) {
        amdvi_svm_run_commands(e);
    }
}
