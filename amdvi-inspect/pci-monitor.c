/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions of a VM from the text of its monitor command "info pci", for
 * where there is no QMP.  See pci.h.
 */
#include "pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands between the name of a function's class and its numbers */
#define PCI_DEVICE ": PCI device "
/* A name of a class, or of a device, that is longer is cut */
#define MAX_NAME 128

/* The function whose lines are being read */
struct reader {
    struct amdvi_pci_list list;
    struct amdvi_pci_function function;
    char name[MAX_NAME];
    char description[MAX_NAME];
    bool open;                  /* the first line was seen */
    bool complete;              /* and that with vendor and device */
};

static bool finish(struct reader *r, struct amdvi_error *err)
{
    bool complete = r->complete;

    r->open = false;
    r->complete = false;
    return !complete || amdvi_pci_add(&r->list, &r->function, r->name,
                                      r->description, err);
}

/* "  Bus  0, device   4, function 0:" */
static bool begins_function(struct reader *r, const char *line)
{
    unsigned int bus, slot, fn;

    if (sscanf(line, " Bus %3u, device %3u, function %1u:", &bus, &slot,
               &fn) != 3 || bus > 0xff || slot > 0x1f || fn > 7) {
        return false;
    }
    r->open = true;
    memset(&r->function, 0, sizeof(r->function));
    r->function.device_id = (uint16_t)(bus << 8 | slot << 3 | fn);
    r->name[0] = '\0';
    r->description[0] = '\0';
    return true;
}

/*
 * "    SATA controller: PCI device 8086:2922"; a class that QEMU has no name
 * for is "Class 2054", in decimal.
 */
static void take_numbers(struct reader *r, const char *line)
{
    const char *mark = strstr(line, PCI_DEVICE), *text;
    unsigned int vendor, device, class_code;

    if (!mark || sscanf(mark + strlen(PCI_DEVICE), "%4x:%4x", &vendor,
                        &device) != 2) {
        return;
    }
    text = line + strspn(line, " ");
    r->function.vendor = (uint16_t)vendor;
    r->function.device = (uint16_t)device;
    if (sscanf(text, "Class %5u:", &class_code) == 1) {
        r->function.class_code = (uint16_t)class_code;
    } else {
        snprintf(r->description, sizeof(r->description), "%.*s",
                 (int)(mark - text), text);
    }
    r->complete = true;
}

/* "      id "nvme0"" */
static void take_name(struct reader *r, const char *line)
{
    const char *mark = strstr(line, " id \"");

    if (mark && strspn(line, " ") == (size_t)(mark - line) + 1) {
        mark += strlen(" id \"");
        snprintf(r->name, sizeof(r->name), "%.*s", (int)strcspn(mark, "\""),
                 mark);
    }
}

static bool take_line(struct reader *r, const char *line,
                      struct amdvi_error *err)
{
    if (strncmp(line, "  Bus ", 6) == 0) {
        if (!finish(r, err)) {
            return false;
        }
        begins_function(r, line);
    } else if (r->open && !r->complete) {
        take_numbers(r, line);
    } else if (r->open) {
        take_name(r, line);
    }
    return true;
}

bool amdvi_pci_parse(const char *text, struct amdvi_pci_list *ret,
                     struct amdvi_error *err)
{
    struct reader r = { .open = false };
    bool good = true;

    while (good && *text) {
        size_t length = strcspn(text, "\r\n");
        char line[2 * MAX_NAME];

        snprintf(line, sizeof(line), "%.*s", (int)length, text);
        good = take_line(&r, line, err);
        text += length + (text[length] != '\0');
    }
    if (!good || !finish(&r, err)) {
        amdvi_pci_list_free(&r.list);
        return false;
    }
    amdvi_pci_sort(&r.list);
    *ret = r.list;
    return true;
}
