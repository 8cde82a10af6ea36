/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The line that is being typed at the bottom of the screen.  See tui.h.
 */
#include "tui.h"
#include "command.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void amdvi_prompt_open(struct amdvi_tui *tui, enum amdvi_prompt_kind kind,
                       const char *text)
{
    struct amdvi_prompt *prompt = &tui->prompt;

    prompt->kind = kind;
    snprintf(prompt->text, sizeof(prompt->text), "%s", text);
    prompt->length = prompt->cursor = strlen(prompt->text);
}

const char *amdvi_prompt_label(const struct amdvi_prompt *prompt)
{
    static const char *const labels[] = {
        [AMDVI_PROMPT_NONE] = "", [AMDVI_PROMPT_COMMAND] = ":",
        [AMDVI_PROMPT_SEARCH] = "/", [AMDVI_PROMPT_FILTER] = "&",
        [AMDVI_PROMPT_WRITE] = "write to: ",
        [AMDVI_PROMPT_DUMP] = "dump to: ",
        [AMDVI_PROMPT_CONFIRM] = "This changes the VM. Do it? (y/N) ",
    };

    return labels[prompt->kind];
}

static void accept_search(struct amdvi_tui *tui, const char *text)
{
    if (*text) {
        snprintf(tui->search, sizeof(tui->search), "%s", text);
        amdvi_tui_search(tui, true, true);
    }
}

static void accept_filter(struct amdvi_tui *tui, const char *text)
{
    struct amdvi_place *place = amdvi_tui_place(tui);

    snprintf(place->filter, sizeof(place->filter), "%s", text);
    place->rows = AMDVI_SNAPSHOT_ROWS;
    amdvi_tui_ask(tui, place, AMDVI_ON_ENTRY);
    amdvi_place_layout(place);
}

static void accept_write(struct amdvi_tui *tui, const char *text)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };

    if (*text && amdvi_tui_save(tui, text, &err)) {
        amdvi_tui_say(tui, false, "written: %s", text);
    } else if (*text) {
        amdvi_tui_say(tui, true, "%s", err.message);
    }
}

static void accept_dump(struct amdvi_tui *tui, const char *text)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };

    if (*text && !amdvi_tui_dump(tui, text, &err)) {
        amdvi_tui_say(tui, true, "%s", err.message);
    }
}

/* What was typed is no longer in the prompt, which may be opened anew */
static void accept(struct amdvi_tui *tui)
{
    struct amdvi_prompt typed = tui->prompt;

    tui->prompt.kind = AMDVI_PROMPT_NONE;
    switch (typed.kind) {
    case AMDVI_PROMPT_COMMAND:
        snprintf(tui->last_command, sizeof(tui->last_command), "%s",
                 typed.text);
        amdvi_tui_command(tui, typed.text);
        break;
    case AMDVI_PROMPT_SEARCH:
        accept_search(tui, typed.text);
        break;
    case AMDVI_PROMPT_FILTER:
        accept_filter(tui, typed.text);
        break;
    case AMDVI_PROMPT_WRITE:
        accept_write(tui, typed.text);
        break;
    case AMDVI_PROMPT_DUMP:
        accept_dump(tui, typed.text);
        break;
    default:
        break;
    }
}

/* Start of the character before @at, or behind the one at @at */
static size_t step(const struct amdvi_prompt *prompt, size_t at, bool back)
{
    do {
        if (back ? at == 0 : at >= prompt->length) {
            return at;
        }
        at += back ? (size_t)-1 : 1;
    } while (((unsigned char)prompt->text[at] & 0xc0) == 0x80);
    return at;
}

static void erase_between(struct amdvi_prompt *prompt, size_t from, size_t to)
{
    memmove(prompt->text + from, prompt->text + to,
            prompt->length - to + 1);
    prompt->length -= to - from;
    prompt->cursor = from;
}

static void insert(struct amdvi_prompt *prompt, const char *text)
{
    size_t length = strlen(text);

    if (prompt->length + length < sizeof(prompt->text)) {
        memmove(prompt->text + prompt->cursor + length,
                prompt->text + prompt->cursor,
                prompt->length - prompt->cursor + 1);
        memcpy(prompt->text + prompt->cursor, text, length);
        prompt->cursor += length;
        prompt->length += length;
    }
}

/* Number @index of what a command line may begin with */
static const char *first_word(size_t index)
{
    const char *args, *help, *name;
    struct amdvi_command command;
    size_t own = 0;

    while ((name = amdvi_tui_command_name(own, &args, &help)) != NULL) {
        if (own++ == index) {
            return name;
        }
    }
    return amdvi_command_at(index - own, &command) ? command.name : NULL;
}

/* As much of the first word as all candidates have in common */
static void complete(struct amdvi_prompt *prompt)
{
    const char *common = NULL, *name;
    size_t length = 0;

    if (prompt->kind != AMDVI_PROMPT_COMMAND ||
        prompt->cursor != prompt->length || strchr(prompt->text, ' ')) {
        return;
    }
    for (size_t i = 0; (name = first_word(i)) != NULL; i++) {
        size_t same = 0;

        if (strncmp(name, prompt->text, prompt->length) != 0) {
            continue;
        }
        while (common && same < length && name[same] == common[same]) {
            same++;
        }
        length = common ? same : strlen(name);
        common = common ? common : name;
    }
    if (common && length > prompt->length) {
        char rest[64];

        snprintf(rest, sizeof(rest), "%.*s",
                 (int)(length - prompt->length), common + prompt->length);
        insert(prompt, rest);
    }
}

static void confirm_key(struct amdvi_tui *tui, int key)
{
    tui->prompt.kind = AMDVI_PROMPT_NONE;
    if (key == 'y' || key == 'Y') {
        amdvi_tui_command(tui, NULL);
    } else {
        amdvi_tui_say(tui, false, "not done");
    }
}

static void edit_key(struct amdvi_prompt *prompt, int key)
{
    switch (key) {
    case KEY_LEFT:
        prompt->cursor = step(prompt, prompt->cursor, true);
        break;
    case KEY_RIGHT:
        prompt->cursor = step(prompt, prompt->cursor, false);
        break;
    case KEY_HOME:
    case AMDVI_CTRL('a'):
        prompt->cursor = 0;
        break;
    case KEY_END:
    case AMDVI_CTRL('e'):
        prompt->cursor = prompt->length;
        break;
    case KEY_DC:
        erase_between(prompt, prompt->cursor,
                      step(prompt, prompt->cursor, false));
        break;
    case KEY_BACKSPACE:
        erase_between(prompt, step(prompt, prompt->cursor, true),
                      prompt->cursor);
        break;
    case AMDVI_CTRL('u'):
        erase_between(prompt, 0, prompt->cursor);
        break;
    case AMDVI_CTRL('k'):
        erase_between(prompt, prompt->cursor, prompt->length);
        break;
    case '\t':
        complete(prompt);
        break;
    default:
        if (key >= ' ' && key < 127) {
            insert(prompt, (char[]){ (char)key, '\0' });
        }
    }
}

void amdvi_prompt_key(struct amdvi_tui *tui, int key)
{
    struct amdvi_prompt *prompt = &tui->prompt;

    if (key == AMDVI_CTRL('l')) {
        clearok(curscr, TRUE);
    } else if (prompt->kind == AMDVI_PROMPT_CONFIRM) {
        confirm_key(tui, key);
    } else if (key == '\n') {
        accept(tui);
    } else if (key == AMDVI_KEY_ESC ||
               (key == KEY_BACKSPACE && prompt->length == 0)) {
        prompt->kind = AMDVI_PROMPT_NONE;
    } else if (key == KEY_UP && prompt->kind == AMDVI_PROMPT_COMMAND) {
        amdvi_prompt_open(tui, prompt->kind, tui->last_command);
    } else {
        edit_key(prompt, key);
    }
}
