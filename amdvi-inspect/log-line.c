/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as operating systems print them.  See log-line.h.
 */
#include "log-line.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A number after @key: decimal, or hexadecimal after 0x or with @hex */
static bool number_after(const char *line, const char *key, bool hex,
                         uint64_t *ret)
{
    const char *at = strstr(line, key);
    char text[24] = "0x";
    size_t length;

    if (!at) {
        return false;
    }
    at += strlen(key);
    if (hex && strncasecmp(at, "0x", 2) == 0) {
        at += 2;
    }
    length = strspn(at, "0123456789abcdefABCDEFx");
    if (length == 0 || length > sizeof(text) - 3) {
        return false;
    }
    memcpy(text + 2, at, length);
    text[2 + length] = '\0';
    return amdvi_parse_number(hex ? text : text + 2, UINT64_MAX, ret);
}

/* The first word of the line that is "BB:DD.F" or "DDDD:BB:DD.F" */
static uint16_t find_device(const char *line)
{
    static const char digits[] = "0123456789abcdefABCDEF:.";
    uint16_t device_id;

    while (*line) {
        size_t length = strspn(line, digits);
        char text[16];

        if (length && length < sizeof(text)) {
            memcpy(text, line, length);
            text[length] = '\0';
            /* "00:03.0:" ends a prefix */
            if (text[length - 1] == ':') {
                text[length - 1] = '\0';
            }
            if (strchr(text, '.') && strchr(text, ':') &&
                amdvi_parse_bdf(text, &device_id)) {
                return device_id;
            }
        }
        line += length;
        line += strcspn(line, " =[");
        line += *line != '\0';
    }
    return 0;
}

/* The code of the event whose name stands in the line; 0: none does */
static uint64_t find_code(const char *line)
{
    const struct amdvi_field *field =
        amdvi_field_by_id(&amdvi_layouts[AMDVI_LAYOUT_io_page_fault], "code");

    for (uint64_t code = 1; code < 16; code++) {
        const char *name = amdvi_field_word(field, code);

        if (name && strstr(line, name)) {
            return code;
        }
    }
    /* Linux cuts this one short */
    return strstr(line, "RMP_HW_ERROR") ? AMDVI_event_rmp_hardware_error : 0;
}

/* Four 32-bit numbers, each after its key */
static bool take_halves(const char *line, const char *const key[4],
                        uint64_t event[2])
{
    uint64_t half[4];

    for (int i = 0; i < 4; i++) {
        if (!number_after(line, key[i], true, &half[i]) ||
            half[i] > UINT32_MAX) {
            return false;
        }
    }
    event[0] = half[0] | half[1] << 32;
    event[1] = half[2] | half[3] << 32;
    return true;
}

/* "amdiommu0: event type 0x2 0x.. 0x.. 0x.. 0x.." */
static bool parse_freebsd(const char *line, uint64_t event[2])
{
    const char *at = strstr(line, "event type 0x");
    uint64_t code, half[4];

    if (!at || !strstr(line, "amdiommu") ||
        !number_after(at, "event type ", true, &code)) {
        return false;
    }
    at += strlen("event type ");
    for (int i = 0; i < 4; i++) {
        at = strchr(at, ' ');
        if (!at || !number_after(at, " ", true, &half[i]) ||
            half[i] > UINT32_MAX) {
            return false;
        }
        at++;
    }
    event[0] = half[0] | half[1] << 32;
    event[1] = half[2] | half[3] << 32;
    amdvi_io_page_fault_set_code(event, code);
    return true;
}

/* "[UNKNOWN type=0x.. event[0]=0x.. event[1]=0x.. ...]" */
static bool parse_linux_raw(const char *line, uint64_t event[2])
{
    static const char *const key[4] = {
        "event[0]=", "event[1]=", "event[2]=", "event[3]=",
    };

    return take_halves(line, key, event);
}

/* Fields that Linux names: PASID and DomainID share their place */
static void take_linux_space(const char *line, uint64_t code,
                             uint64_t event[2])
{
    uint64_t value;

    if (!number_after(line, "pasid=", true, &value) &&
        !number_after(line, "domain=", true, &value)) {
        return;
    }
    if (code == AMDVI_event_invalid_ppr_request) {
        amdvi_invalid_ppr_request_set_pasid(event, value);
    } else {
        amdvi_io_page_fault_gn_set_pasid(event, value);
    }
}

/* "AMD-Vi: Event logged [IO_PAGE_FAULT domain=.. address=.. flags=..]" */
static bool parse_linux(const char *line, uint64_t event[2])
{
    uint64_t code = find_code(line), value;

    if (!code) {
        return false;
    }
    take_linux_space(line, code, event);
    if (number_after(line, " flags=", true, &value)) {
        amdvi_part_set(event, 48, 12, 0, value);
    }
    if (number_after(line, "address=", true, &value) ||
        number_after(line, "gpa=", true, &value) ||
        number_after(line, "spa=", true, &value)) {
        event[1] = value;
    }
    if (number_after(line, "tag=", true, &value) &&
        code == AMDVI_event_invalid_ppr_request) {
        amdvi_part_set(event, 32, 10, 0, value);
    }
    amdvi_io_page_fault_set_code(event, code);
    amdvi_io_page_fault_set_device_id(event, find_device(line));
    return true;
}

/* "AMD-Vi: IO_PAGE_FAULT: 0000:00:05.0 d3 addr 00000000.. flags 0x20 PR" */
static bool parse_xen(const char *line, uint64_t event[2])
{
    uint64_t code = find_code(line), addr, flags, domain;

    if (!code || !number_after(line, " addr ", true, &addr) ||
        !number_after(line, " flags ", true, &flags)) {
        return false;
    }
    if (number_after(line, " d", false, &domain)) {
        amdvi_io_page_fault_set_domain_id(event, domain);
    }
    amdvi_part_set(event, 48, 12, 0, flags);
    amdvi_io_page_fault_set_code(event, code);
    amdvi_io_page_fault_set_device_id(event, find_device(line));
    event[1] = addr;
    return true;
}

const char *amdvi_log_line_parse(const char *line, uint64_t event[2])
{
    static const struct {
        const char *mark;       /* every such line has it */
        bool (*parse)(const char *line, uint64_t event[2]);
        const char *form;
    } forms[] = {
        { "event[0]=", parse_linux_raw, "a line of Linux with all words" },
        { "Event logged [", parse_linux, "a line of Linux" },
        { "amdiommu", parse_freebsd, "a line of FreeBSD with all words" },
        { "AMD-Vi:", parse_xen, "a line of Xen" },
        { "=", parse_linux, "part of a line of Linux" },
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        event[0] = event[1] = 0;
        if (strstr(line, forms[i].mark) && forms[i].parse(line, event)) {
            return forms[i].form;
        }
    }
    return NULL;
}

/* "NAME[n]: number", of 64 or 32 bits, put in its place; false: not there */
static bool take_part(const char *line, const char *name, unsigned int n,
                      unsigned int bits, uint64_t words[AMDVI_MAX_WORDS])
{
    char key[16];
    uint64_t value;

    snprintf(key, sizeof(key), "%s[%u]: ", name, n);
    if (!number_after(line, key, true, &value) ||
        (value & ~(UINT64_MAX >> (64 - bits)))) {
        return false;
    }
    words[n * bits / 64] |= value << (n * bits % 64);
    return true;
}

const struct amdvi_layout *
amdvi_log_words_parse(const char *line, uint64_t words[AMDVI_MAX_WORDS],
                      bool *ret_complete)
{
    static const struct {
        const char *name;
        unsigned int bits;      /* of one of the four numbers */
        const struct amdvi_layout *layout;  /* NULL: of a command */
    } forms[] = {
        { "DTE", 64, &amdvi_layouts[AMDVI_LAYOUT_dte] },
        { "CMD", 32, NULL },
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        unsigned int count = 0;

        memset(words, 0, AMDVI_MAX_WORDS * sizeof(*words));
        for (unsigned int n = 0; n < 4; n++) {
            count += take_part(line, forms[i].name, n, forms[i].bits, words);
        }
        *ret_complete = count == 4;
        if (count) {
            return forms[i].layout
                   ? forms[i].layout
                   : amdvi_layout_match(AMDVI_FAMILY_COMMAND, words[0]);
        }
    }
    return NULL;
}

const struct amdvi_log_complaint *amdvi_log_complaint(const char *line)
{
    static const struct amdvi_log_complaint complaints[] = {
        { "Completion-Wait loop timed out",
          "a COMPLETION_WAIT was not executed within 0.1 s: the command "
          "buffer has stopped (commands, check --rule command-stalled), or "
          "the IOMMU is slow" },
        { "Command buffer timeout",
          "the head of the command buffer does not move, and there is no "
          "room for a command: it has stopped (commands, check --rule "
          "command-stalled)" },
        { "EFR mismatch",
          "the IVRS table of the firmware tells of other features than the "
          "IOMMU has (check --rule ivrs-features)" },
        { "Unknown PPR request received",
          "an entry of the PPR log was of no kind that Linux knows, perhaps "
          "not yet written; nobody answers that request (ppr, requests)" },
        { "CMPXCHG16B feature is required",
          "the processor lacks what Linux 7.2 writes table entries with: it "
          "does without the IOMMU" },
    };

    for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
        if (strstr(line, complaints[i].mark)) {
            return &complaints[i];
        }
    }
    return NULL;
}
