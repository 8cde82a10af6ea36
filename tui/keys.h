/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys: names, what they do, and when.  The rows are in keys.def.
 */
#ifndef AMDVI_TUI_KEYS_H
#define AMDVI_TUI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct amdvi_tui;

/* A key that a terminal gives without a code of its own */
#define AMDVI_KEY_ESC 27
#define AMDVI_CTRL(letter) ((letter) & 0x1f)

/* When a key is valid; all of a sum must hold */
enum {
    AMDVI_WHEN_ROW = 1,         /* the cursor is on a row of a table */
    AMDVI_WHEN_VIEW = 2,        /* the screen shows views */
    AMDVI_WHEN_DEVICE = 4,      /* a device is chosen */
    AMDVI_WHEN_WALK = 8,        /* on the screen Walk, with an address */
    AMDVI_WHEN_SEARCH = 16,     /* something was searched for */
    AMDVI_WHEN_VM = 32,         /* a VM, not a dump */
    AMDVI_WHEN_TOUCH = 64,      /* a VM that may be touched */
    AMDVI_WHEN_BREAK = 128,     /* there is a command "break" */
    AMDVI_WHEN_INJECT = 256,    /* there is a command "inject" */
    AMDVI_WHEN_LINES = 512,     /* always, but waits for lines to come */
};

typedef void amdvi_action(struct amdvi_tui *tui, int key);

struct amdvi_key {
    const char *keys;           /* names between spaces */
    unsigned int when;
    const char *hint;           /* one word, or "" */
    const char *help;
    amdvi_action *action;
};

#define AMDVI_KEY(id, keys, when, hint, help) amdvi_action amdvi_action_##id;
#include "keys.def"
#undef AMDVI_KEY

/* The rows; the list ends with action == NULL */
extern const struct amdvi_key amdvi_keys[];

/* Code of the key called like the first @length bytes of @name, or -1 */
int amdvi_key_code(const char *name, size_t length);
/* The different codes of a key are one */
int amdvi_key_normal(int code);
/* The row for a key, valid or not; NULL: there is none */
const struct amdvi_key *amdvi_key_find(int code);

#endif
