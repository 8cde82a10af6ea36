/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors: what kind, and one sentence for people.
 *
 * Functions that can fail return false (or NULL) and fill the error they were
 * given.  Messages start in lower case, name the object, and are safe to
 * print: what came from the guest or from QEMU is sanitised.
 */
#ifndef AMDVI_INSPECT_ERROR_H
#define AMDVI_INSPECT_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum amdvi_exit {
#define AMDVI_EXIT(id, code, text) AMDVI_EXIT_##id = (code),
#include "exit-codes.def"
#undef AMDVI_EXIT
};

/* Enough for a sentence with a socket path in it; longer ones are cut */
#define AMDVI_ERROR_TEXT 512

struct amdvi_error {
    enum amdvi_exit code;       /* AMDVI_EXIT_OK: no error */
    char message[AMDVI_ERROR_TEXT];
};

/* One row of the table of exit codes */
struct amdvi_exit_code {
    enum amdvi_exit code;
    const char *text;
};

/* All of them, in the order of their numbers; ends with text == NULL */
extern const struct amdvi_exit_code amdvi_exit_codes[];

/* Fill @err, which may be NULL.  Returns false, for "return amdvi_fail()" */
__attribute__((format(printf, 3, 4)))
bool amdvi_fail(struct amdvi_error *err, enum amdvi_exit code,
                const char *format, ...);

#endif
