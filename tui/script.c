/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys from a file: names of keys between spaces; a line that begins with
 * ":", "/" or "&" is typed as it is, and Enter after it; "#" begins a
 * comment.  See tui.h.
 */
#include "tui.h"

#include <stdio.h>
#include <string.h>

/* Letters to be typed, and the Enter after them */
static int typed_key(struct amdvi_script *script)
{
    char key = script->line[script->next];

    if (key) {
        script->next++;
        return (unsigned char)key;
    }
    script->typing = false;
    script->line[script->next = 0] = '\0';
    return '\n';
}

static bool read_line(struct amdvi_script *script)
{
    if (!fgets(script->line, sizeof(script->line), script->file)) {
        return false;
    }
    script->line[strcspn(script->line, "\n")] = '\0';
    script->number++;
    script->next = 0;
    script->typing = script->line[0] && strchr(":/&", script->line[0]);
    if (script->line[0] == '#') {
        script->line[0] = '\0';
    }
    return true;
}

/* The next word as a key; 0: the line is at its end, -1: no key's name */
static int named_key(struct amdvi_script *script)
{
    const char *word = script->line + script->next;
    size_t length;

    word += strspn(word, " ");
    length = strcspn(word, " ");
    script->next = (size_t)(word - script->line) + length;
    return length ? amdvi_key_code(word, length) : 0;
}

int amdvi_script_key(struct amdvi_tui *tui)
{
    struct amdvi_script *script = &tui->script;
    int key = 0;

    while (key == 0) {
        if (script->typing) {
            return typed_key(script);
        }
        key = named_key(script);
        if (key == 0 && !read_line(script)) {
            return AMDVI_SCRIPT_END;
        }
    }
    if (key < 0) {
        tui->leave = true;
        amdvi_fail(&tui->err, AMDVI_EXIT_USAGE,
                   "script, line %lu: no key is called so: %s",
                   script->number, script->line);
        return AMDVI_SCRIPT_END;
    }
    return key;
}
