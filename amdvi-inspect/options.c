/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line.  See options.h.
 */
#include "options.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define PROGRAM "amdvi-inspect"
#define DEFAULT_TIMEOUT_MS 10000
#define MAX_TIMEOUT_S 3600

/* Store the value of an option; @value is NULL if it takes none */
typedef bool store_option(struct amdvi_options *options, const char *value,
                          struct amdvi_error *err);

struct option {
    char letter;                /* 0: only the long form */
    const char *name;
    const char *arg;            /* name of its value, or NULL */
    const char *help;
    unsigned int view_option;   /* AMDVI_QUERY_*; 0: for every command */
    store_option *store;
};

static bool bad_value(const char *option, const char *value,
                      struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_USAGE, "--%s: bad value: %s", option,
                      value);
}

static bool store_socket(struct amdvi_options *options, const char *value,
                         struct amdvi_error *err)
{
    options->socket = value;
    return *value || bad_value("socket", "an empty string", err);
}

static bool store_pid(struct amdvi_options *options, const char *value,
                      struct amdvi_error *err)
{
    uint64_t pid;

    if (!amdvi_parse_number(value, INT32_MAX, &pid) || pid == 0) {
        return bad_value("pid", value, err);
    }
    options->pid = (unsigned long)pid;
    return true;
}

static bool store_iommu(struct amdvi_options *options, const char *value,
                        struct amdvi_error *err)
{
    (void)err;
    options->iommu = value;
    return true;
}

/* Seconds, with up to three decimals */
static bool store_timeout(struct amdvi_options *options, const char *value,
                          struct amdvi_error *err)
{
    const char *point = strchr(value, '.');
    uint64_t seconds = 0, thousandths = 0;
    char whole[8], part[] = "000";
    size_t length = point ? (size_t)(point - value) : strlen(value);

    if (length >= sizeof(whole) || (point && strlen(point + 1) > 3)) {
        return bad_value("timeout", value, err);
    }
    memcpy(whole, value, length);
    whole[length] = '\0';
    if (point) {
        memcpy(part, point + 1, strlen(point + 1));
    }
    if (!amdvi_parse_number(whole, MAX_TIMEOUT_S, &seconds) ||
        !amdvi_parse_number(part, 999, &thousandths) ||
        seconds + thousandths == 0) {
        return bad_value("timeout", value, err);
    }
    options->timeout_ms = (int)(seconds * 1000 + thousandths);
    return true;
}

static bool store_json(struct amdvi_options *options, const char *value,
                       struct amdvi_error *err)
{
    (void)value;
    (void)err;
    options->json = true;
    return true;
}

static bool store_color(struct amdvi_options *options, const char *value,
                        struct amdvi_error *err)
{
    static const char *const words[] = { "auto", "always", "never" };

    for (int i = 0; i < 3; i++) {
        if (strcmp(value, words[i]) == 0) {
            options->color = (enum amdvi_color)i;
            return true;
        }
    }
    return bad_value("color", value, err);
}

static bool store_help(struct amdvi_options *options, const char *value,
                       struct amdvi_error *err)
{
    (void)value;
    (void)err;
    options->help = true;
    return true;
}

static bool store_version(struct amdvi_options *options, const char *value,
                          struct amdvi_error *err)
{
    (void)value;
    (void)err;
    options->version = true;
    return true;
}

static bool store_all(struct amdvi_options *options, const char *value,
                      struct amdvi_error *err)
{
    (void)value;
    (void)err;
    options->query.all = true;
    return true;
}

static bool store_filter(struct amdvi_options *options, const char *value,
                         struct amdvi_error *err)
{
    struct amdvi_query *query = &options->query;

    if (query->nfilters == AMDVI_MAX_FILTERS) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "at most %d filters",
                          AMDVI_MAX_FILTERS);
    }
    query->filter[query->nfilters++] = value;
    return true;
}

static bool store_limit(struct amdvi_options *options, const char *value,
                        struct amdvi_error *err)
{
    if (!amdvi_parse_number(value, UINT32_MAX, &options->query.limit) ||
        options->query.limit == 0) {
        return bad_value("limit", value, err);
    }
    return true;
}

static bool store_verbose(struct amdvi_options *options, const char *value,
                          struct amdvi_error *err)
{
    (void)value;
    (void)err;
    options->query.verbose = true;
    return true;
}

static const struct option option_table[] = {
    { 's', "socket", "SOCKET",
      "QMP socket: a path or HOST:PORT (default: $AMDVI_QMP)", 0,
      store_socket },
    { 0, "pid", "PID", "the QEMU process with this number", 0, store_pid },
    { 0, "iommu", "ID", "which IOMMU, if there are several", 0,
      store_iommu },
    { 0, "timeout", "SECONDS", "limit for one QMP command (default: 10)", 0,
      store_timeout },
    { 'j', "json", NULL, "print JSON", 0, store_json },
    { 0, "color", "WHEN", "auto (default), always or never", 0,
      store_color },
    { 'h', "help", NULL, "show help and exit", 0, store_help },
    { 'V', "version", NULL, "show the version and exit", 0, store_version },
    { 'a', "all", NULL, "also what is left out by default",
      AMDVI_QUERY_ALL, store_all },
    { 'f', "filter", "TEXT",
      "rows with this text, or COLUMN=VALUE; may be repeated",
      AMDVI_QUERY_FILTER, store_filter },
    { 'n', "limit", "N", "the last N entries", AMDVI_QUERY_LIMIT,
      store_limit },
    { 'v', "verbose", NULL, "raw words and every field",
      AMDVI_QUERY_VERBOSE, store_verbose },
    { 0, NULL, NULL, NULL, 0, NULL },
};

static const struct option *find_letter(char letter)
{
    const struct option *option = option_table;

    while (option->name && option->letter != letter) {
        option++;
    }
    return option->name ? option : NULL;
}

static const struct option *find_name(const char *name, size_t length)
{
    const struct option *option = option_table;

    while (option->name && (strlen(option->name) != length ||
                            strncmp(option->name, name, length) != 0)) {
        option++;
    }
    return option->name ? option : NULL;
}

static bool unknown_option(const char *word, struct amdvi_error *err)
{
    char name[32];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="),
             word + 2);
    for (const struct option *o = option_table; o->name; o++) {
        if (amdvi_similar(name, o->name)) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "unknown option %s; "
                              "did you mean --%s?", word, o->name);
        }
    }
    return amdvi_fail(err, AMDVI_EXIT_USAGE, "unknown option %s; see "
                      PROGRAM " --help", word);
}

/* The words of the command line that are not yet looked at */
struct words {
    char **next;
    char **end;
};

/*
 * Apply an option whose value, if it stands in the same word, is @value;
 * else the value is the next word.
 */
static bool apply(const struct option *option, const char *value,
                  struct words *words, struct amdvi_options *options,
                  struct amdvi_error *err)
{
    if (!option->arg && value) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "--%s takes no value",
                          option->name);
    }
    if (option->arg && !value) {
        if (words->next == words->end) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "--%s needs %s",
                              option->name, option->arg);
        }
        value = *words->next++;
    }
    options->view_options |= option->view_option;
    return option->store(options, value, err);
}

/* "--name", "--name=value" */
static bool parse_long(const char *word, struct words *words,
                       struct amdvi_options *options,
                       struct amdvi_error *err)
{
    size_t length = strcspn(word + 2, "=");
    const struct option *option = find_name(word + 2, length);

    if (!option) {
        return unknown_option(word, err);
    }
    return apply(option, word[2 + length] ? word + 3 + length : NULL, words,
                 options, err);
}

/* "-j", "-jv", "-sPATH" */
static bool parse_short(const char *word, struct words *words,
                        struct amdvi_options *options,
                        struct amdvi_error *err)
{
    for (word++; *word; word++) {
        const struct option *option = find_letter(*word);

        if (!option) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "unknown option -%c; "
                              "see " PROGRAM " --help", *word);
        }
        if (option->arg) {
            return apply(option, word[1] ? word + 1 : NULL, words, options,
                         err);
        }
        if (!apply(option, NULL, words, options, err)) {
            return false;
        }
    }
    return true;
}

static void take_argument(const char *word, struct amdvi_options *options)
{
    if (!options->command) {
        options->command = word;
    } else {
        options->args[options->query.nargs++] = word;
    }
}

bool amdvi_options_parse(int argc, char **argv, struct amdvi_options *ret,
                         struct amdvi_error *err)
{
    struct words words = { argv + (argc > 0), argv + argc };
    bool only_arguments = false, good = true;

    memset(ret, 0, sizeof(*ret));
    ret->timeout_ms = DEFAULT_TIMEOUT_MS;
    ret->args = calloc((size_t)argc + 1, sizeof(*ret->args));
    if (!ret->args) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    ret->query.args = ret->args;
    while (good && words.next < words.end) {
        const char *word = *words.next++;

        if (only_arguments || word[0] != '-' || word[1] == '\0') {
            take_argument(word, ret);
        } else if (strcmp(word, "--") == 0) {
            only_arguments = true;
        } else if (word[1] == '-') {
            good = parse_long(word, &words, ret, err);
        } else {
            good = parse_short(word, &words, ret, err);
        }
    }
    return good;
}

const struct amdvi_view *amdvi_find_command(const char *name,
                                            struct amdvi_error *err)
{
    const char *guess = amdvi_similar(name, "help") ? "help" : NULL;

    for (const struct amdvi_view *const *v = amdvi_views; *v; v++) {
        if (strcmp((*v)->name, name) == 0) {
            return *v;
        }
        if (!guess && amdvi_similar(name, (*v)->name)) {
            guess = (*v)->name;
        }
    }
    if (guess) {
        amdvi_fail(err, AMDVI_EXIT_USAGE,
                   "unknown command %s; did you mean %s?", name, guess);
    } else {
        amdvi_fail(err, AMDVI_EXIT_USAGE,
                   "unknown command %s; see " PROGRAM " help", name);
    }
    return NULL;
}

bool amdvi_options_check(const struct amdvi_options *options,
                         const struct amdvi_view *view,
                         struct amdvi_error *err)
{
    unsigned int extra = options->view_options & ~view->options;

    for (const struct option *o = option_table; o->name; o++) {
        if (o->view_option & extra) {
            return amdvi_fail(err, AMDVI_EXIT_USAGE, "%s has no option --%s",
                              view->name, o->name);
        }
    }
    return true;
}

static void put_option(FILE *out, const struct option *option)
{
    char text[64], letter[] = "-x, ";

    letter[1] = option->letter;
    snprintf(text, sizeof(text), "%s--%s%s%s",
             option->letter ? letter : "    ", option->name,
             option->arg ? " " : "", option->arg ? option->arg : "");
    fprintf(out, "  %-23s %s\n", text, option->help);
}

/* Options for every command, or those in the set @view_options */
static void put_options(FILE *out, unsigned int view_options)
{
    for (const struct option *o = option_table; o->name; o++) {
        if (view_options ? o->view_option & view_options : !o->view_option) {
            put_option(out, o);
        }
    }
}

static void put_command(FILE *out, const char *name, const char *args,
                        const char *help)
{
    char text[64];

    snprintf(text, sizeof(text), "%s%s%s", name, *args ? " " : "", args);
    fprintf(out, "  %-23s %s\n", text, help);
}

void amdvi_help_usage(FILE *out)
{
    fputs("usage: " PROGRAM " [OPTION...] COMMAND [ARGUMENT...]\n"
          "See " PROGRAM " --help for the commands.\n", out);
}

void amdvi_help_program(FILE *out)
{
    fputs("usage: " PROGRAM " [OPTION...] COMMAND [ARGUMENT...]\n"
          "Show the AMD IOMMU of a running QEMU.\n\nCommands:\n", out);
    for (const struct amdvi_view *const *v = amdvi_views; *v; v++) {
        put_command(out, (*v)->name, (*v)->args, (*v)->help);
    }
    put_command(out, "help", "[COMMAND]", "this text, or that of a command");
    fputs("\nOptions:\n", out);
    put_options(out, 0);
    fputs("\nExit status:\n", out);
    for (const struct amdvi_exit_code *c = amdvi_exit_codes; c->text; c++) {
        fprintf(out, "  %d  %s\n", (int)c->code, c->text);
    }
}

/* Names of the columns, in lines of 78 characters */
static void put_columns(FILE *out, const struct amdvi_view *view)
{
    int used = 0;

    fputs("\nColumns:\n", out);
    for (size_t i = 0; i < view->ncolumns; i++) {
        int length = (int)strlen(view->column[i].key) + 1;

        if (used == 0 || used + length > 78) {
            fputs(used ? "\n " : " ", out);
            used = 1;
        }
        fprintf(out, " %s", view->column[i].key);
        used += length;
    }
    fputc('\n', out);
}

void amdvi_help_command(FILE *out, const struct amdvi_view *view)
{
    fprintf(out, "usage: " PROGRAM " [OPTION...] %s%s%s%s\n", view->name,
            view->options ? " [OPTION...]" : "", *view->args ? " " : "",
            view->args);
    fprintf(out, "Show %s.\n", view->help);
    put_columns(out, view);
    if (view->options) {
        fprintf(out, "\nOptions of %s:\n", view->name);
        put_options(out, view->options);
    }
    fputs("\nOptions:\n", out);
    put_options(out, 0);
}
