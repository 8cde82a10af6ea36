/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that were typed ahead of what they act on.  See tui.h.
 *
 * What leads elsewhere never waits for the VM.  What acts on lines or on a
 * completion that are still to come waits for these, and so does all that
 * is typed after it; Esc forgets it.
 */
#include "tui.h"

#include <curses.h>
#include <string.h>

/* The first answer about what the current screen is about is to come */
static bool lines_are_to_come(struct amdvi_tui *tui)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);

    if (!place->screen->pane[0].view || tui->link == AMDVI_LINK_LOST ||
        amdvi_place_shown(place, 0)) {
        return false;
    }
    return place->pending || place->pane[0].slow ||
           (place->screen->needs_bdf && !*place->subject.bdf &&
            tui->place[AMDVI_SCREEN_DEVICES].pending);
}

static bool has_to_wait(struct amdvi_tui *tui, int code)
{
    const struct amdvi_key *key = amdvi_key_find(amdvi_key_normal(code));

    if (tui->prompt.kind != AMDVI_PROMPT_NONE) {
        return tui->prompt.waiting;
    }
    return key && (key->when & AMDVI_WHEN_LINES) && lines_are_to_come(tui);
}

static void hold(struct amdvi_ahead *ahead, int code)
{
    if (ahead->count < AMDVI_AHEAD) {
        ahead->key[ahead->count++] = code;
    } else {
        beep();
    }
}

void amdvi_tui_type(struct amdvi_tui *tui, int code)
{
    struct amdvi_ahead *ahead = &tui->ahead;

    if (code == AMDVI_KEY_ESC && (ahead->count || tui->prompt.waiting)) {
        ahead->count = 0;
        amdvi_prompt_close(tui);
    } else if (ahead->count || has_to_wait(tui, code)) {
        hold(ahead, code);
    } else {
        amdvi_tui_key(tui, code);
    }
}

void amdvi_tui_catch_up(struct amdvi_tui *tui)
{
    struct amdvi_ahead *ahead = &tui->ahead;

    while (ahead->count && !tui->leave && !has_to_wait(tui, ahead->key[0])) {
        int code = ahead->key[0];

        ahead->count--;
        memmove(ahead->key, ahead->key + 1,
                ahead->count * sizeof(ahead->key[0]));
        amdvi_tui_key(tui, code);
    }
}
