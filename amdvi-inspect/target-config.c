/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI configuration spaces of a running QEMU.
 *
 * No QMP command reads them, so they are read where the machine maps them
 * (ECAM) with the monitor command "xp".  QEMU is asked where that is: the
 * guest's own idea of it could point at any device.
 */
#include "target-qmp.h"
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The host bridge of machine q35, and its property */
#define HOST_BRIDGE "/machine/q35"
#define ECAM_BASE "MCFG"
/* Bytes of one configuration space */
#define CONFIG_SIZE 4096u
/* Below, some devices do things when they are read */
#define CONFIG_EXTENDED 256u

struct json_object *amdvi_target_qmp_monitor(struct amdvi_qmp *qmp,
                                             const char *line,
                                             struct amdvi_error *err)
{
    struct json_object *arguments = json_object_new_object(), *reply;

    json_object_object_add(arguments, "command-line",
                           json_object_new_string(line));
    reply = amdvi_qmp_run(qmp, AMDVI_QMP_MONITOR, arguments, err);
    if (reply && !json_object_is_type(reply, json_type_string)) {
        json_object_put(reply);
        amdvi_reply_invalid(AMDVI_QMP_MONITOR, "not a string", err);
        return NULL;
    }
    return reply;
}

/* Ask once where the spaces are.  A machine that does not say has none */
static bool find_ecam(struct amdvi_target_qmp *common,
                      struct amdvi_error *err)
{
    struct json_object *arguments = json_object_new_object(), *reply;
    struct amdvi_error query_err = { .code = AMDVI_EXIT_OK };

    json_object_object_add(arguments, "path",
                           json_object_new_string(HOST_BRIDGE));
    json_object_object_add(arguments, "property",
                           json_object_new_string(ECAM_BASE));
    reply = amdvi_qmp_run(common->qmp, "qom-get", arguments, &query_err);
    if (!reply && query_err.code != AMDVI_EXIT_FAILED &&
        query_err.code != AMDVI_EXIT_UNSUPPORTED) {
        *err = query_err;
        return false;
    }
    common->has_ecam = true;
    /* all ones: not mapped */
    common->ecam = json_object_is_type(reply, json_type_int)
                   ? json_object_get_uint64(reply) : 0;
    if (common->ecam % (1u << 20)) {
        common->ecam = 0;
    }
    json_object_put(reply);
    return true;
}

/* "00000000b0030100: 0x0001001b": the word there; false: something else */
static bool parse_word(const char *text, uint64_t addr, uint32_t *ret)
{
    char expected[32];
    size_t length;
    char *end;

    snprintf(expected, sizeof(expected), "%016" PRIx64 ": 0x", addr);
    length = strlen(expected);
    if (strncmp(text, expected, length) != 0 ||
        strspn(text + length, "0123456789abcdef") != 8) {
        return false;
    }
    *ret = (uint32_t)strtoul(text + length, &end, 16);
    return end[strspn(end, "\r\n")] == '\0';
}

bool amdvi_target_qmp_config(struct amdvi_target *target, uint16_t device_id,
                             uint16_t offset, uint32_t *ret_value,
                             bool *ret_known, struct amdvi_error *err)
{
    struct amdvi_target_qmp *common = target->opaque;
    struct json_object *reply;
    char line[64];
    uint64_t addr;

    *ret_known = false;
    if (offset < CONFIG_EXTENDED || offset >= CONFIG_SIZE || offset % 4 ||
        !amdvi_qmp_has(common->qmp, AMDVI_QMP_MONITOR)) {
        return true;
    }
    if (!common->has_ecam && !find_ecam(common, err)) {
        return false;
    }
    if (common->ecam == 0) {
        return true;
    }
    addr = common->ecam + (uint64_t)device_id * CONFIG_SIZE + offset;
    snprintf(line, sizeof(line), "xp /1xw 0x%" PRIx64, addr);
    reply = amdvi_target_qmp_monitor(common->qmp, line, err);
    *ret_known = reply && parse_word(json_object_get_string(reply), addr,
                                     ret_value);
    json_object_put(reply);
    return reply != NULL;
}
