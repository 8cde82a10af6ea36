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
#include "key-values.h"
#include "pci.h"
#include "text.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An interactive user does not wait for a QEMU that hangs */
#define TIMEOUT_MS 500

/* The words that are typed; the last one is to be completed */
struct typed {
    struct amdvi_session *session;
    char *const *words;
    size_t count;
    const char *last;           /* "" if nothing is typed yet */
};

typedef void add_values(const struct typed *typed,
                        struct amdvi_candidates *ret);

static void add(const struct typed *typed, struct amdvi_candidates *ret,
                const char *word)
{
    amdvi_strings_add(&ret->words, "%.*s%s", (int)ret->kept, typed->last,
                      word);
}

/* The view of the command among the words, or NULL */
static const struct amdvi_view *view_of(const struct typed *typed)
{
    struct amdvi_command command;

    for (size_t i = 0; i + 1 < typed->count; i++) {
        if (amdvi_command_find(typed->words[i], &command, NULL) &&
            command.view) {
            return command.view;
        }
    }
    return NULL;
}

static struct amdvi_target *quiet_target(struct amdvi_session *session)
{
    struct amdvi_error ignored;

    return amdvi_session_target(session, &ignored);
}

static void add_devices(const struct typed *typed,
                        struct amdvi_candidates *ret)
{
    struct amdvi_target *target = quiet_target(typed->session);
    struct amdvi_pci_list pci;
    struct amdvi_error ignored;
    char bdf[AMDVI_FIELD_TEXT];

    if (!target || !amdvi_target_pci(target, &pci, &ignored)) {
        return;
    }
    for (size_t i = 0; i < pci.count; i++) {
        add(typed, ret, amdvi_format_bdf(pci.function[i].device_id, bdf));
    }
    amdvi_pci_list_free(&pci);
}

static void add_registers(const struct typed *typed,
                          struct amdvi_candidates *ret)
{
    char key[AMDVI_FIELD_TEXT];

    for (int i = 0; i < AMDVI_NUM_REGISTERS; i++) {
        add(typed, ret, amdvi_key(amdvi_layouts[i].id, key));
    }
}

static void add_commands(const struct typed *typed,
                         struct amdvi_candidates *ret)
{
    const struct amdvi_shell_command *own;
    struct amdvi_command command;

    for (size_t i = 0; amdvi_command_at(i, &command); i++) {
        add(typed, ret, command.name);
    }
    for (size_t i = 0; typed->session->in_shell &&
                       (own = amdvi_shell_command(i)); i++) {
        add(typed, ret, own->name);
    }
}

/* Whether the word is the key with a value, or the beginning of one */
static bool is_of_key(const char *word, const char *key)
{
    size_t length = strlen(key);

    return strncmp(word, key, length) == 0 && word[length] == '=';
}

/* PASIDs of the device among the words, or of the one in use */
static void add_pasids(const struct typed *typed, struct amdvi_candidates *ret)
{
    struct amdvi_session *session = typed->session;
    struct amdvi_target *target = quiet_target(session);
    struct amdvi_strings pasids = { .count = 0 };
    struct amdvi_error ignored;
    const char *bdf = *session->device ? session->device : NULL;
    uint16_t device_id;

    for (size_t i = 1; i + 1 < typed->count; i++) {
        const char *word = typed->words[i];
        const char *value = is_of_key(word, "device") ? strchr(word, '=') + 1
                                                      : word;

        if (strchr(value, ':') && amdvi_parse_bdf(value, &device_id)) {
            bdf = value;
        }
    }
    if (target && bdf) {
        amdvi_device_list_pasids(target, bdf, &pasids, &ignored);
    }
    for (size_t i = 0; i < pasids.count; i++) {
        add(typed, ret, pasids.string[i]);
    }
    amdvi_strings_free(&pasids);
}

static void add_files(const struct typed *typed, struct amdvi_candidates *ret)
{
    (void)typed;
    ret->files = true;
}

static void add_rules(const struct typed *typed, struct amdvi_candidates *ret)
{
    for (int i = 0; i < AMDVI_NUM_RULES; i++) {
        add(typed, ret, amdvi_rules[i].id);
    }
}

/* The columns of the command among the words */
static void add_columns(const struct typed *typed,
                        struct amdvi_candidates *ret)
{
    const struct amdvi_view *view = view_of(typed);
    const char *comma = strrchr(typed->last + ret->kept, ',');

    ret->kept = comma ? (size_t)(comma + 1 - typed->last) : ret->kept;
    for (size_t c = 0; view && c < view->ncolumns + view->nextra; c++) {
        add(typed, ret, view->column[c].key);
    }
}

static void add_kinds(const struct typed *typed, struct amdvi_candidates *ret)
{
    const struct amdvi_view *view = view_of(typed);

    for (const struct amdvi_order *order = view ? view->orders : NULL;
         order && order->kind; order++) {
        add(typed, ret, order->kind);
    }
}

/* The order among the words, or NULL */
static const struct amdvi_order *order_of(const struct typed *typed,
                                          const struct amdvi_view *view)
{
    for (const struct amdvi_order *order = view->orders; order->kind;
         order++) {
        for (size_t i = 0; i + 1 < typed->count; i++) {
            if (strcmp(typed->words[i], order->kind) == 0) {
                return order;
            }
        }
    }
    return NULL;
}

static bool is_given(const struct typed *typed, const char *key)
{
    bool given = false;

    for (size_t i = 0; i + 1 < typed->count; i++) {
        given = given || is_of_key(typed->words[i], key);
    }
    return given;
}

static void add_by_word(const struct typed *typed, const char *word,
                        size_t length, struct amdvi_candidates *ret);

/* The key of the order whose value is being typed, or NULL */
static const struct amdvi_key *typed_key(const struct typed *typed,
                                         const struct amdvi_order *order,
                                         const struct amdvi_key *key)
{
    while (key->key && !(is_of_key(typed->last, key->key) &&
                         amdvi_order_takes(order, key->key))) {
        key++;
    }
    return key->key ? key : NULL;
}

/* Keys that are not given yet; behind one its values */
static void add_keys(const struct typed *typed, struct amdvi_candidates *ret)
{
    const struct amdvi_view *view = view_of(typed);
    const struct amdvi_order *order = view && view->orders
                                      ? order_of(typed, view) : NULL;
    const struct amdvi_key *key = order ? typed_key(typed, order, view->keys)
                                        : NULL;

    if (key) {
        ret->kept = strlen(key->key) + 1;
        add_by_word(typed, key->values ? key->values : "",
                    key->values ? strlen(key->values) : 0, ret);
        return;
    }
    for (key = order ? view->keys : NULL; key && key->key; key++) {
        char text[AMDVI_FIELD_TEXT];

        if (amdvi_order_takes(order, key->key) &&
            !is_given(typed, key->key)) {
            snprintf(text, sizeof(text), "%s=", key->key);
            add(typed, ret, text);
        }
    }
}

static void add_when(const struct typed *typed, struct amdvi_candidates *ret)
{
    add(typed, ret, "auto");
    add(typed, ret, "always");
    add(typed, ret, "never");
}

static void add_flags(const struct typed *typed, struct amdvi_candidates *ret)
{
    add(typed, ret, "on");
    add(typed, ret, "off");
}

/* The logs that can overflow */
static void add_logs(const struct typed *typed, struct amdvi_candidates *ret)
{
    add(typed, ret, "event");
    add(typed, ret, "ppr");
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
    { "KIND", add_kinds },
    { "KEY", add_keys },
    { "FLAG", add_flags },
    { "LOG", add_logs },
};

static void add_by_word(const struct typed *typed, const char *word,
                        size_t length, struct amdvi_candidates *ret)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strlen(values[i].word) == length &&
            strncmp(values[i].word, word, length) == 0) {
            values[i].add(typed, ret);
        }
    }
}

/* The word of argument @index in "[NAME...]", "BDF ADDRESS", "[KEY=...]" */
static const char *synopsis_word(const char *args, size_t index,
                                 size_t *ret_length)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";

    for (;;) {
        const char *behind;

        args += strcspn(args, letters);
        *ret_length = strspn(args, letters);
        behind = args + *ret_length;
        if (*ret_length == 0 || index == 0 ||
            strncmp(behind + (*behind == '='), "...", 3) == 0) {
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
    const struct amdvi_shell_command *own;
    struct amdvi_command command;

    if (amdvi_command_find(word, &command, NULL)) {
        place->args = command.args;
        place->options = command.options;
    }
    for (size_t i = 0; session->in_shell &&
                       (own = amdvi_shell_command(i)); i++) {
        if (strcmp(own->name, word) == 0) {
            place->args = own->args;
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

/* The value of the option that "--name=..." is, or NULL */
static const char *value_in_word(const char *word, size_t *ret_kept)
{
    const char *equals = word[0] == '-' ? strchr(word, '=') : NULL;
    char name[AMDVI_FIELD_TEXT];

    if (!equals || (size_t)(equals - word) >= sizeof(name)) {
        return NULL;
    }
    memcpy(name, word, (size_t)(equals - word));
    name[equals - word] = '\0';
    *ret_kept = (size_t)(equals + 1 - word);
    return amdvi_option_value(name);
}

void amdvi_complete(struct amdvi_session *session, char *const *words,
                    size_t count, struct amdvi_candidates *ret)
{
    const struct typed typed = {
        session, words, count, count ? words[count - 1] : "",
    };
    struct place place;
    const char *word;
    size_t length;

    memset(ret, 0, sizeof(*ret));
    find_place(session, words, count, &place);
    if (!place.option_value) {
        place.option_value = value_in_word(typed.last, &ret->kept);
    }
    if (place.option_value) {
        word = place.option_value;
        length = strlen(word);
    } else if (typed.last[0] == '-') {
        amdvi_option_names(place.options, &ret->words);
        return;
    } else if (!place.args) {
        word = "COMMAND";
        length = strlen(word);
    } else {
        word = synopsis_word(place.args, place.nargs, &length);
    }
    add_by_word(&typed, word, length, ret);
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
