/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See stock.h. */
#include "qemu/osdep.h"
#include "stock.h"

bool stock_is_there(void)
{
    if (!getenv(STOCK)) {
        g_autofree char *build = g_path_get_dirname(getenv(OURS));
        g_autofree char *path = g_build_filename(build, "..", "qemu-stock",
                                                 "qemu-system-x86_64", NULL);

        g_setenv(STOCK, path, true);
    }
    if (g_file_test(getenv(STOCK), G_FILE_TEST_IS_EXECUTABLE)) {
        return true;
    }
    g_test_skip("there is no unmodified QEMU (see AMDVI_STOCK_QEMU)");
    return false;
}
