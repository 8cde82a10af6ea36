/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: guest-memory-read. */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-amd-iommu.h"
#include "target.h"

#define SIZE_MAX_READ 65536
/* Memory regions begin and end at multiples of this, almost always */
#define CHUNK 4096

/* Bytes from @address that can be read, at most @size, into @buf */
static size_t read_memory(uint64_t address, uint8_t *buf, size_t size)
{
    size_t done = 0;

    while (done < size) {
        uint64_t next = address + done;
        size_t chunk = MIN(size - done, CHUNK - next % CHUNK);

        if (next < address || !amdvi_svm_load(next, buf + done, chunk)) {
            break;
        }
        done += chunk;
    }
    return done;
}

GuestMemory *qmp_guest_memory_read(uint64_t address, uint32_t size,
                                   Error **errp)
{
    g_autofree uint8_t *buf = NULL;
    GuestMemory *reply;

    if (!size || size > SIZE_MAX_READ) {
        error_setg(errp, "size must be between 1 and %d", SIZE_MAX_READ);
        return NULL;
    }
    buf = g_malloc(size);
    reply = g_new0(GuestMemory, 1);
    reply->address = address;
    reply->data = g_base64_encode(buf, read_memory(address, buf, size));
    return reply;
}
