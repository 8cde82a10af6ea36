/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to QEMU through QMP, and what is in the answers. */
#ifndef AMDVI_ASK_H
#define AMDVI_ASK_H

#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "bench.h"

/* The reply to a command, given as JSON with single quotes; to be unref'd */
QDict *ask(Bench *b, const char *command);
/* The same for a command that replies with a list */
QList *ask_list(Bench *b, const char *command);
/* The same as ask() with the command made as by printf */
QDict *ask_for(Bench *b, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Check that the command is refused with this message */
void assert_refused(Bench *b, const char *command, const char *why);

/* A number up to 2^64 - 1 */
uint64_t number(const QDict *d, const char *key);
/* Number @n of a list of numbers */
uint64_t word(const QList *list, int n);
/* Object @n of the list that is member @key */
QDict *row(const QDict *d, const char *key, unsigned int n);
unsigned int rows(const QDict *d, const char *key);

#endif
