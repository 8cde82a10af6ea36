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

void amdvi_prompt_close(struct amdvi_tui *tui)
{
    tui->prompt.kind = AMDVI_PROMPT_NONE;
    tui->prompt.waiting = false;
    free(tui->prompt.candidates);
    tui->prompt.candidates = NULL;
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

    amdvi_prompt_close(tui);
    switch (typed.kind) {
    case AMDVI_PROMPT_COMMAND:
        while (typed.length && typed.text[typed.length - 1] == ' ') {
            typed.text[--typed.length] = '\0';
        }
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

/* What may follow, a word in a line, and what of it was typed already */
struct choice {
    const char *typed;
    char *common;               /* what they all begin with; NULL: none */
    size_t count;
    FILE *out;                  /* all of them, between spaces */
};

static void add_choice(struct choice *choice, const char *word)
{
    size_t same = 0;

    if (strncmp(word, choice->typed, strlen(choice->typed)) != 0) {
        return;
    }
    if (choice->count++ == 0) {
        choice->common = strdup(word);
    }
    while (choice->common && word[same] &&
           choice->common[same] == word[same]) {
        same++;
    }
    if (choice->common) {
        choice->common[same] = '\0';
    }
    fprintf(choice->out, "%s%s", choice->count > 1 ? "  " : "", word);
}

/* What only this program knows: its commands, names of screens */
static void add_own(struct choice *choice, const char *line)
{
    const char *name, *args, *help;

    for (size_t i = 0; !strchr(line, ' ') &&
                       (name = amdvi_tui_command_name(i, &args, &help)); i++) {
        add_choice(choice, name);
    }
    for (int i = 0; strncmp(line, "screen ", 7) == 0 &&
                    i < AMDVI_NUM_SCREENS; i++) {
        add_choice(choice, amdvi_screens[i].name);
    }
}

/* Whether the line begins with a command that only this program knows */
static bool is_own(const char *line)
{
    const char *name, *args, *help;
    size_t length = strcspn(line, " ");

    for (size_t i = 0; line[length] &&
                       (name = amdvi_tui_command_name(i, &args, &help)); i++) {
        if (strlen(name) == length && strncmp(name, line, length) == 0) {
            return true;
        }
    }
    return false;
}

/* As much as all candidates have in common, and a space behind the only one */
static void accept_choice(struct amdvi_prompt *prompt,
                          const struct choice *choice)
{
    if (choice->common) {
        insert(prompt, choice->common + strlen(choice->typed));
    }
    if (choice->count == 1) {
        insert(prompt, " ");
        free(prompt->candidates);
        prompt->candidates = NULL;
    }
}

void amdvi_prompt_complete(struct amdvi_tui *tui, const struct amdvi_job *job)
{
    struct amdvi_prompt *prompt = &tui->prompt;
    const char *space = strrchr(prompt->text, ' '), *word = job->output;
    struct choice choice = { .typed = space ? space + 1 : prompt->text };
    char *typed = strdup(choice.typed);
    size_t size;

    /* it was given up meanwhile */
    if (!prompt->waiting || job->generation != prompt->generation) {
        free(typed);
        return;
    }
    prompt->waiting = false;
    if (!typed) {
        return;
    }
    choice.typed = typed;
    free(prompt->candidates);
    prompt->candidates = NULL;
    choice.out = open_memstream(&prompt->candidates, &size);
    if (choice.out) {
        add_own(&choice, prompt->text);
        while (word && *word && !is_own(prompt->text)) {
            char *next = strndup(word, strcspn(word, "\n"));

            add_choice(&choice, next ? next : "");
            free(next);
            word += strcspn(word, "\n");
            word += *word == '\n';
        }
        fclose(choice.out);
        accept_choice(prompt, &choice);
    }
    free(choice.common);
    free(typed);
}

/* The target may have to be asked */
static void ask_for_completion(struct amdvi_tui *tui)
{
    struct amdvi_prompt *prompt = &tui->prompt;
    struct amdvi_job *job;

    if (prompt->kind != AMDVI_PROMPT_COMMAND ||
        prompt->cursor != prompt->length) {
        return;
    }
    job = amdvi_job_new(AMDVI_JOB_COMPLETE);
    if (job && (job->text = strdup(prompt->text))) {
        job->generation = ++prompt->generation;
        prompt->waiting = true;
        tui->outstanding++;
        amdvi_worker_give(tui->worker, job);
    } else {
        amdvi_job_free(job);
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
    default:
        if (key >= ' ' && key < 127) {
            insert(prompt, (char[]){ (char)key, '\0' });
        }
    }
}

void amdvi_prompt_key(struct amdvi_tui *tui, int key)
{
    struct amdvi_prompt *prompt = &tui->prompt;

    if (key != '\t' && key != AMDVI_CTRL('l')) {
        free(prompt->candidates);
        prompt->candidates = NULL;
    }
    if (key == AMDVI_CTRL('l')) {
        clearok(curscr, TRUE);
    } else if (prompt->kind == AMDVI_PROMPT_CONFIRM) {
        confirm_key(tui, key);
    } else if (key == '\t') {
        ask_for_completion(tui);
    } else if (key == '\n') {
        accept(tui);
    } else if (key == AMDVI_KEY_ESC ||
               (key == KEY_BACKSPACE && prompt->length == 0)) {
        amdvi_prompt_close(tui);
    } else if (key == KEY_UP && prompt->kind == AMDVI_PROMPT_COMMAND) {
        amdvi_prompt_open(tui, prompt->kind, tui->last_command);
    } else {
        edit_key(prompt, key);
    }
}
