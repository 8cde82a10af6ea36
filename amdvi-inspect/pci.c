/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions of a VM.  See pci.h.
 */
#include "pci.h"
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char command[] = "query-pci";

/* One for each DeviceID at most */
#define MAX_FUNCTIONS 65536u

static bool no_memory(struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
}

/* Make room for one more, zeroed */
static struct amdvi_pci_function *append(struct amdvi_pci_list *list)
{
    size_t count = list->count;

    /* grows at every power of two */
    if ((count & (count - 1)) == 0) {
        size_t room = count ? 2 * count : 1;
        struct amdvi_pci_function *grown =
            realloc(list->function, room * sizeof(*grown));

        if (!grown) {
            return NULL;
        }
        list->function = grown;
    }
    list->count++;
    memset(&list->function[count], 0, sizeof(list->function[count]));
    return &list->function[count];
}

/* Classes for which QEMU has no words */
static const struct {
    uint16_t code;
    const char *name;
} class_names[] = {
    { AMDVI_PCI_CLASS_IOMMU, "IOMMU" },
    { 0x0108, "NVMe controller" },
};

/* What the class is called, or its number */
static char *describe(const char *text, uint16_t class_code)
{
    char number[16];

    if (*text) {
        return strdup(text);
    }
    for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]);
         i++) {
        if (class_names[i].code == class_code) {
            return strdup(class_names[i].name);
        }
    }
    snprintf(number, sizeof(number), "class %04x", class_code);
    return strdup(number);
}

bool amdvi_pci_add(struct amdvi_pci_list *list,
                   const struct amdvi_pci_function *numbers, const char *name,
                   const char *description, struct amdvi_error *err)
{
    struct amdvi_pci_function *function;

    if (list->count == MAX_FUNCTIONS) {
        return amdvi_fail(err, AMDVI_EXIT_REPLY, "too many PCI devices");
    }
    function = append(list);
    if (!function) {
        return no_memory(err);
    }
    *function = *numbers;
    function->name = strdup(name);
    function->description = describe(description, numbers->class_code);
    return (function->name && function->description) || no_memory(err);
}

static bool add_function(struct json_object *item,
                         struct amdvi_pci_list *list, struct amdvi_error *err)
{
    struct json_object *id, *class_info;
    struct amdvi_pci_function function = { .device_id = 0 };
    uint64_t bus, slot, fn, vendor, device, class_code;
    const char *name = "", *text = "";

    if (!amdvi_reply_number(item, "bus", 0xff, &bus) ||
        !amdvi_reply_number(item, "slot", 0x1f, &slot) ||
        !amdvi_reply_number(item, "function", 7, &fn) ||
        !amdvi_reply_object(item, "id", &id) ||
        !amdvi_reply_number(id, "vendor", UINT16_MAX, &vendor) ||
        !amdvi_reply_number(id, "device", UINT16_MAX, &device) ||
        !amdvi_reply_object(item, "class_info", &class_info) ||
        !amdvi_reply_number(class_info, "class", UINT16_MAX, &class_code)) {
        return amdvi_reply_invalid(command, "a device is not described", err);
    }
    amdvi_reply_text(item, "qdev_id", &name);
    amdvi_reply_text(class_info, "desc", &text);
    function.device_id = (uint16_t)(bus << 8 | slot << 3 | fn);
    function.vendor = (uint16_t)vendor;
    function.device = (uint16_t)device;
    function.class_code = (uint16_t)class_code;
    return amdvi_pci_add(list, &function, name, text, err);
}

/*
 * Add the devices of a bus, and of the buses behind its bridges.  The depth
 * is limited because that of a reply is.
 */
static bool add_devices(struct json_object *holder,
                        struct amdvi_pci_list *list, struct amdvi_error *err)
{
    struct json_object *devices, *bridge;

    if (!amdvi_reply_array(holder, "devices", &devices)) {
        return true;
    }
    for (size_t i = 0; i < json_object_array_length(devices); i++) {
        struct json_object *item = json_object_array_get_idx(devices, i);

        if (!add_function(item, list, err) ||
            (amdvi_reply_object(item, "pci_bridge", &bridge) &&
             !add_devices(bridge, list, err))) {
            return false;
        }
    }
    return true;
}

static bool add_buses(struct json_object *buses, struct amdvi_pci_list *list,
                      struct amdvi_error *err)
{
    if (!json_object_is_type(buses, json_type_array)) {
        return amdvi_reply_invalid(command, "not a list", err);
    }
    for (size_t i = 0; i < json_object_array_length(buses); i++) {
        if (!add_devices(json_object_array_get_idx(buses, i), list, err)) {
            return false;
        }
    }
    return true;
}

static void free_function(struct amdvi_pci_function *function)
{
    free(function->name);
    free(function->description);
}

static int by_device_id(const void *a, const void *b)
{
    const struct amdvi_pci_function *fa = a, *fb = b;

    return fa->device_id - fb->device_id;
}

/* Ascending; before the guest numbers its buses several may be bus 0 */
void amdvi_pci_sort(struct amdvi_pci_list *list)
{
    size_t n = 0;

    if (list->count) {
        qsort(list->function, list->count, sizeof(list->function[0]),
              by_device_id);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (n &&
            list->function[n - 1].device_id == list->function[i].device_id) {
            free_function(&list->function[i]);
        } else {
            list->function[n++] = list->function[i];
        }
    }
    list->count = n;
}

bool amdvi_pci_query(struct amdvi_qmp *qmp, struct amdvi_pci_list *ret,
                     struct amdvi_error *err)
{
    struct json_object *reply = amdvi_qmp_run(qmp, command, NULL, err);
    struct amdvi_pci_list list = { .count = 0 };
    bool good;

    if (!reply) {
        return false;
    }
    good = add_buses(reply, &list, err);
    json_object_put(reply);
    if (!good) {
        amdvi_pci_list_free(&list);
        return false;
    }
    amdvi_pci_sort(&list);
    *ret = list;
    return true;
}

void amdvi_pci_list_free(struct amdvi_pci_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free_function(&list->function[i]);
    }
    free(list->function);
    list->function = NULL;
    list->count = 0;
}

const struct amdvi_pci_function *
amdvi_pci_find(const struct amdvi_pci_list *list, uint16_t device_id)
{
    const struct amdvi_pci_function key = { .device_id = device_id };

    return list->count ? bsearch(&key, list->function, list->count,
                                 sizeof(key), by_device_id) : NULL;
}
