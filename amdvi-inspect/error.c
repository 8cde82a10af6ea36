/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors and the table of exit codes.  See error.h.
 */
#include "error.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

const struct amdvi_exit_code amdvi_exit_codes[] = {
#define AMDVI_EXIT(id, number, words) { AMDVI_EXIT_##id, words },
#include "exit-codes.def"
#undef AMDVI_EXIT
    { AMDVI_EXIT_OK, NULL },
};

bool amdvi_fail(struct amdvi_error *err, enum amdvi_exit code,
                const char *format, ...)
{
    va_list args;

    if (err) {
        err->code = code;
        va_start(args, format);
        vsnprintf(err->message, sizeof(err->message), format, args);
        va_end(args);
        amdvi_sanitise(err->message);
    }
    return false;
}
