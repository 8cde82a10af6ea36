/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ivrs.h.  Tables lie one after the other in a file of fw_cfg. */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "libqos/fw_cfg.h"
#include "ivrs.h"

#define TABLES "etc/acpi/tables"
#define TABLES_SIZE (256 * 1024)
#define HEADER_SIZE 36
#define LENGTH_OFFSET 4

GByteArray *ivrs_read(QTestState *qts)
{
    g_autofree uint8_t *tables = g_malloc0(TABLES_SIZE);
    QFWCFG *fw_cfg = pc_fw_cfg_init(qts);
    GByteArray *table = NULL;
    size_t size;

    size = qfw_cfg_get_file(fw_cfg, TABLES, tables, TABLES_SIZE);
    g_assert_cmpint(size, >, HEADER_SIZE);
    g_assert_cmpint(size, <=, TABLES_SIZE);
    for (size_t i = 0; i + HEADER_SIZE < size && !table; i++) {
        if (!memcmp(tables + i, "IVRS", 4)) {
            table = g_byte_array_new();
            g_byte_array_append(table, tables + i,
                                ldl_le_p(tables + i + LENGTH_OFFSET));
        }
    }
    pc_fw_cfg_uninit(fw_cfg);
    g_assert_nonnull(table);
    return table;
}
