/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal: taken over, and given back whatever happens.
 */
#ifndef AMDVI_TUI_TERMINAL_H
#define AMDVI_TUI_TERMINAL_H

#include "options.h"
#include "put.h"

/* Take it over.  Fails if stdin or stdout is none, or an unknown one */
bool amdvi_terminal_open(const struct amdvi_options *options,
                         struct amdvi_error *err);
void amdvi_terminal_close(void);

/* Only ASCII characters may be drawn */
bool amdvi_terminal_ascii(void);
/* curses attributes of a style */
unsigned long amdvi_terminal_attributes(enum amdvi_style style);

#endif
