/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See keys.h.
 */
#include "keys.h"

#include <curses.h>
#include <string.h>

const struct amdvi_key amdvi_keys[] = {
#define AMDVI_KEY(id, keys, when, hint, help)                                \
    { keys, when, hint, help, amdvi_action_##id },
#include "keys.def"
#undef AMDVI_KEY
    { NULL, 0, NULL, NULL, NULL },
};

static const struct {
    const char *name;
    int code;
} names[] = {
    { "Enter", '\n' }, { "Esc", AMDVI_KEY_ESC },
    { "Backspace", KEY_BACKSPACE }, { "Tab", '\t' },
    { "BackTab", KEY_BTAB }, { "Space", ' ' }, { "Up", KEY_UP },
    { "Down", KEY_DOWN }, { "Left", KEY_LEFT }, { "Right", KEY_RIGHT },
    { "PgUp", KEY_PPAGE }, { "PgDn", KEY_NPAGE }, { "Home", KEY_HOME },
    { "End", KEY_END }, { "Delete", KEY_DC }, { "F1", KEY_F(1) },
    { "F4", KEY_F(4) }, { "F5", KEY_F(5) }, { "F10", KEY_F(10) },
    { "Ctrl-A", AMDVI_CTRL('a') }, { "Ctrl-D", AMDVI_CTRL('d') },
    { "Ctrl-E", AMDVI_CTRL('e') }, { "Ctrl-K", AMDVI_CTRL('k') },
    { "Ctrl-L", AMDVI_CTRL('l') }, { "Ctrl-U", AMDVI_CTRL('u') },
};

int amdvi_key_code(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i].name) == length &&
            strncmp(names[i].name, name, length) == 0) {
            return names[i].code;
        }
    }
    return length == 1 ? (unsigned char)*name : -1;
}

int amdvi_key_normal(int code)
{
    switch (code) {
    case '\r':
    case KEY_ENTER:
        return '\n';
    case '\b':
    case 127:
        return KEY_BACKSPACE;
    default:
        return code;
    }
}

static bool has_key_code(const struct amdvi_key *key, int code)
{
    const char *name = key->keys;

    while (*name) {
        size_t length = strcspn(name, " ");

        if (amdvi_key_code(name, length) == code) {
            return true;
        }
        name += length;
        name += strspn(name, " ");
    }
    return false;
}

const struct amdvi_key *amdvi_key_find(int code)
{
    const struct amdvi_key *key = amdvi_keys;

    while (key->action && !has_key_code(key, code)) {
        key++;
    }
    return key->action ? key : NULL;
}
