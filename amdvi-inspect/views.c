/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of views: views.def.
 */
#include "view.h"

#include <string.h>

#define AMDVI_VIEW(id) extern const struct amdvi_view amdvi_view_##id;
#include "views.def"
#undef AMDVI_VIEW

const struct amdvi_view *const amdvi_views[] = {
#define AMDVI_VIEW(id) &amdvi_view_##id,
#include "views.def"
#undef AMDVI_VIEW
    NULL
};

const struct amdvi_view *amdvi_find_view(const char *name)
{
    const struct amdvi_view *const *view = amdvi_views;

    while (*view && strcmp((*view)->name, name) != 0) {
        view++;
    }
    return *view;
}
