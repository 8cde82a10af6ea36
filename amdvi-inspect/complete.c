/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion, for the shell and, through the command "complete", for those
 * of the system.  See shell.h.
 *
 * What may stand at a place follows from the synopsis of the command and the
 * table of options; only the values of a few words need the target.
 */
#include "shell.h"
#include "check.h"
#include "command.h"
#include "device.h"
#include "pci.h"
#include "text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An interactive user does not wait for a QEMU that hangs */
#define TIMEOUT_MS 500

typedef void add_values(struct amdvi_session *session, char *const *words,
                        size_t count, struct amdvi_candidates *ret);

static void add(struct amdvi_candidates *ret, const char *word)
{
    amdvi_strings_add(&ret->words, "%s", word);
}

static struct amdvi_target *quiet_target(struct amdvi_session *session)
{
    struct amdvi_error ignored;

    return amdvi_session_target(session, &ignored);
}

static void add_devices(struct amdvi_session *session, char *const *words,
                        size_t count, struct amdvi_candidates *ret)
{
    struct amdvi_target *target = quiet_target(session);
    struct amdvi_pci_list pci;
    struct amdvi_error ignored;
    char bdf[AMDVI_FIELD_TEXT];

    (void)words;
    (void)count;
    if (!target || !amdvi_target_pci(target, &pci, &ignored)) {
        return;
    }
    for (size_t i = 0; i < pci.count; i++) {
        add(ret, amdvi_format_bdf(pci.function[i].device_id, bdf));
    }
    amdvi_pci_list_free(&pci);
}

static void add_registers(struct amdvi_session *session, char *const *words,
                          size_t count, struct amdvi_candidates *ret)
{
    char key[AMDVI_FIELD_TEXT];

    (void)session;
    (void)words;
    (void)count;
    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        add(ret, amdvi_key(amdvi_layouts[i].id, key));
    }
}

static void add_commands(struct amdvi_session *session, char *const *words,
                         size_t count, struct amdvi_candidates *ret)
{
    struct amdvi_command command;
    const char *name, *args;

    (void)words;
    (void)count;
    for (size_t i = 0; amdvi_command_at(i, &command); i++) {
        add(ret, command.name);
    }
    for (size_t i = 0; session->in_shell &&
                       (name = amdvi_shell_command(i, &args)); i++) {
        add(ret, name);
    }
}

/* PASIDs of the device among the words, or of the one in use */
static void add_pasids(struct amdvi_session *session, char *const *words,
                       size_t count, struct amdvi_candidates *ret)
{
    struct amdvi_target *target = quiet_target(session);
    struct amdvi_error ignored;
    const char *bdf = *session->device ? session->device : NULL;
    uint16_t device_id;

    for (size_t i = 1; i + 1 < count; i++) {
        if (strchr(words[i], ':') && amdvi_parse_bdf(words[i], &device_id)) {
            bdf = words[i];
        }
    }
    if (target && bdf) {
        amdvi_device_list_pasids(target, bdf, &ret->words, &ignored);
    }
}

static void add_files(struct amdvi_session *session, char *const *words,
                      size_t count, struct amdvi_candidates *ret)
{
    (void)session;
    (void)words;
    (void)count;
    ret->files = true;
}

static void add_rules(struct amdvi_session *session, char *const *words,
                      size_t count, struct amdvi_candidates *ret)
{
    (void)session;
    (void)words;
    (void)count;
    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        add(ret, amdvi_rules[i].id);
    }
}

/* The columns of the command among the words */
static void add_columns(struct amdvi_session *session, char *const *words,
                        size_t count, struct amdvi_candidates *ret)
{
    struct amdvi_command command;

    (void)session;
    for (size_t i = 0; i + 1 < count; i++) {
        if (!amdvi_command_find(words[i], &command, NULL) || !command.view) {
            continue;
        }
        for (size_t c = 0; c < command.view->ncolumns +
                                command.view->nextra; c++) {
            add(ret, command.view->column[c].key);
        }
        return;
    }
}

static void add_when(struct amdvi_session *session, char *const *words,
                     size_t count, struct amdvi_candidates *ret)
{
    (void)session;
    (void)words;
    (void)count;
    add(ret, "auto");
    add(ret, "always");
    add(ret, "never");
}

/* By the word that a synopsis or the value of an option has */
static const struct {
    const char *word;
    add_values *add;
} values[] = {
    { "BDF", add_devices },
    { "NAME", add_registers },
    { "PASID", add_pasids },
    { "COMMAND", add_commands },
    { "FILE", add_files },
    { "SOCKET", add_files },
    { "WHEN", add_when },
    { "LIST", add_columns },
    { "RULE", add_rules },
};

static void add_by_word(struct amdvi_session *session, const char *word,
                        size_t length, char *const *words, size_t count,
                        struct amdvi_candidates *ret)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strlen(values[i].word) == length &&
            strncmp(values[i].word, word, length) == 0) {
            values[i].add(session, words, count, ret);
        }
    }
}

/* The word of argument @index in "[NAME...]" or "BDF ADDRESS" */
static const char *synopsis_word(const char *args, size_t index,
                                 size_t *ret_length)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";

    for (;;) {
        args += strcspn(args, letters);
        *ret_length = strspn(args, letters);
        if (*ret_length == 0 || index == 0 ||
            strncmp(args + *ret_length, "...", 3) == 0) {
            return args;
        }
        args += *ret_length;
        index--;
    }
}

/* What the words before the last one are */
struct place {
    const char *args;           /* synopsis of the command; NULL: none yet */
    unsigned int options;       /* that it knows */
    size_t nargs;
    const char *option_value;   /* what the option before it needs, or NULL */
};

static void take_command(const struct amdvi_session *session,
                         const char *word, struct place *place)
{
    struct amdvi_command command;
    const char *name, *args;

    if (amdvi_command_find(word, &command, NULL)) {
        place->args = command.args;
        place->options = command.options;
    }
    for (size_t i = 0; session->in_shell &&
                       (name = amdvi_shell_command(i, &args)); i++) {
        if (strcmp(name, word) == 0) {
            place->args = args;
        }
    }
}

static void find_place(const struct amdvi_session *session,
                       char *const *words, size_t count, struct place *place)
{
    memset(place, 0, sizeof(*place));
    for (size_t i = 0; i + 1 < count; i++) {
        const char *needs = amdvi_option_value(words[i]);

        if (needs && i + 2 == count) {
            place->option_value = needs;
        } else if (needs) {
            i++;
        } else if (words[i][0] == '-') {
            continue;
        } else if (!place->args) {
            take_command(session, words[i], place);
        } else {
            place->nargs++;
        }
    }
}

void amdvi_complete(struct amdvi_session *session, char *const *words,
                    size_t count, struct amdvi_candidates *ret)
{
    struct place place;
    const char *word;
    size_t length;

    memset(ret, 0, sizeof(*ret));
    find_place(session, words, count, &place);
    if (place.option_value) {
        word = place.option_value;
        length = strlen(word);
    } else if (count && words[count - 1][0] == '-') {
        amdvi_option_names(place.options, &ret->words);
        return;
    } else if (!place.args) {
        word = "COMMAND";
        length = strlen(word);
    } else {
        word = synopsis_word(place.args, place.nargs, &length);
    }
    add_by_word(session, word, length, words, count, ret);
}

/* Connect as the line that is being typed says */
static void take_connection(const struct amdvi_query *query,
                            struct amdvi_options *quick)
{
    struct amdvi_options typed;
    struct amdvi_error ignored;
    char *argv[AMDVI_MAX_WORDS_OF_LINE + 2] = { NULL };
    size_t count = query->nargs;

    if (count > AMDVI_MAX_WORDS_OF_LINE) {
        return;
    }
    for (size_t i = 0; i + 1 < count; i++) {
        argv[i + 1] = (char *)query->args[i];
    }
    amdvi_options_parse((int)count, argv, &typed, &ignored);
    if (typed.socket || typed.pid || typed.dump) {
        quick->dump = typed.dump;
        quick->socket = typed.socket;
        quick->pid = typed.pid;
    }
    free(typed.args);
}

/* One candidate in a line; an empty last word stands for nothing yet typed */
bool amdvi_run_complete(struct amdvi_session *session,
                        const struct amdvi_options *options,
                        struct amdvi_error *err)
{
    const struct amdvi_query *query = &options->query;
    const char *last = query->nargs ? query->args[query->nargs - 1] : "";
    struct amdvi_options quick = *session->options;
    const struct amdvi_options *before = session->options;
    struct amdvi_candidates candidates;

    (void)err;
    if (quick.timeout_ms > TIMEOUT_MS) {
        quick.timeout_ms = TIMEOUT_MS;
    }
    take_connection(query, &quick);
    session->options = &quick;
    amdvi_complete(session, (char *const *)query->args, query->nargs,
                   &candidates);
    session->options = before;
    for (size_t i = 0; i < candidates.words.count; i++) {
        if (strncmp(candidates.words.string[i], last, strlen(last)) == 0) {
            fprintf(session->out, "%s\n", candidates.words.string[i]);
        }
    }
    amdvi_strings_free(&candidates.words);
    return true;
}
