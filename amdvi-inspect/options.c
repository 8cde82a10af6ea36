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
#define MAX_WAIT_MS 3600000

/* Take the value of an option */
typedef bool store_option(struct amdvi_options *options, const char *value,
                          struct amdvi_error *err);

struct option {
    char letter;                /* 0: only the long form */
    const char *name;
    const char *arg;            /* name of its value, or NULL */
    const char *help;
    unsigned int view_option;   /* AMDVI_QUERY_*; 0: for every command */
    bool connection;            /* says which QEMU, and how to reach it */
    /* one of these: where a flag or a text goes, or who takes the value */
    size_t flag;
    size_t text;
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

/* Seconds, with up to three decimals */
static bool parse_seconds(const char *option, const char *value, int *ret_ms,
                          struct amdvi_error *err)
{
    const char *point = strchr(value, '.');
    uint64_t seconds = 0, thousandths = 0;
    char whole[8], part[] = "000";
    size_t length = point ? (size_t)(point - value) : strlen(value);

    if (length >= sizeof(whole) || (point && strlen(point + 1) > 3)) {
        return bad_value(option, value, err);
    }
    memcpy(whole, value, length);
    whole[length] = '\0';
    if (point) {
        memcpy(part, point + 1, strlen(point + 1));
    }
    if (!amdvi_parse_number(whole, MAX_TIMEOUT_S, &seconds) ||
        !amdvi_parse_number(part, 999, &thousandths) ||
        seconds + thousandths == 0) {
        return bad_value(option, value, err);
    }
    *ret_ms = (int)(seconds * 1000 + thousandths);
    return true;
}

static bool store_timeout(struct amdvi_options *options, const char *value,
                          struct amdvi_error *err)
{
    return parse_seconds("timeout", value, &options->timeout_ms, err);
}

static bool store_interval(struct amdvi_options *options, const char *value,
                           struct amdvi_error *err)
{
    return parse_seconds("interval", value, &options->interval_ms, err);
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

static bool store_pasid(struct amdvi_options *options, const char *value,
                        struct amdvi_error *err)
{
    uint64_t pasid;

    if (!amdvi_parse_number(value, AMDVI_MAX_PASID, &pasid)) {
        return bad_value("pasid", value, err);
    }
    options->query.has_pasid = true;
    options->query.pasid = (uint32_t)pasid;
    return true;
}

static bool store_from(struct amdvi_options *options, const char *value,
                       struct amdvi_error *err)
{
    return amdvi_parse_number(value, UINT64_MAX, &options->query.from) ||
           bad_value("from", value, err);
}

static bool store_grace(struct amdvi_options *options, const char *value,
                        struct amdvi_error *err)
{
    options->query.has_grace = true;
    return amdvi_parse_number(value, MAX_WAIT_MS, &options->query.grace) ||
           bad_value("grace", value, err);
}

static bool store_late(struct amdvi_options *options, const char *value,
                       struct amdvi_error *err)
{
    options->query.has_late = true;
    return amdvi_parse_number(value, MAX_WAIT_MS, &options->query.late) ||
           bad_value("late", value, err);
}

static bool store_dump(struct amdvi_options *options, const char *value,
                       struct amdvi_error *err)
{
    options->dump = value;
    return *value || bad_value("dump", "an empty string", err);
}

static bool store_tables(struct amdvi_options *options, const char *value,
                         struct amdvi_error *err)
{
    options->has_tables = true;
    return amdvi_parse_number(value, UINT32_MAX, &options->tables) ||
           bad_value("tables", value, err);
}

/* How the value of an option is stored */
#define FLAG(member) offsetof(struct amdvi_options, member), 0, NULL
#define TEXT(member) 0, offsetof(struct amdvi_options, member), NULL
#define DONE_BY(function) 0, 0, function

static const struct option option_table[] = {
    { 's', "socket", "SOCKET",
      "QMP socket: a path or HOST:PORT (default: $AMDVI_QMP)", 0, true,
      DONE_BY(store_socket) },
    { 'd', "dump", "FILE", "a dump in place of a running QEMU", 0, true,
      DONE_BY(store_dump) },
    { 0, "pid", "PID", "the QEMU process with this number", 0, true,
      DONE_BY(store_pid) },
    { 0, "libvirt", "DOMAIN", "a VM of libvirt's, through virsh", 0, true,
      TEXT(libvirt) },
    { 0, "iommu", "ID", "which IOMMU, if there are several", 0, true,
      TEXT(iommu) },
    { 0, "timeout", "SECONDS", "limit for one QMP command (default: 10)", 0,
      true, DONE_BY(store_timeout) },
    { 0, "readonly", NULL, "send nothing that changes or pauses the VM", 0,
      true, FLAG(readonly) },
    { 'j', "json", NULL, "print JSON", 0, false, FLAG(json) },
    { 0, "color", "WHEN", "auto (default), always or never", 0, false,
      DONE_BY(store_color) },
    { 0, "no-pager", NULL, "do not use a pager on a terminal", 0, false,
      FLAG(no_pager) },
    { 'h', "help", NULL, "show help and exit", 0, false, FLAG(help) },
    { 'V', "version", NULL, "show the version and exit", 0, false,
      FLAG(version) },
    { 'a', "all", NULL, "also what is left out by default",
      AMDVI_QUERY_ALL, false, FLAG(query.all) },
    { 'f', "filter", "TEXT",
      "rows with this text, or COLUMN=VALUE; may be repeated",
      AMDVI_QUERY_FILTER, false, DONE_BY(store_filter) },
    { 'p', "pasid", "PASID", "address space; without: requests without PASID",
      AMDVI_QUERY_PASID, false, DONE_BY(store_pasid) },
    { 'w', "write", NULL, "the request writes; without: it reads",
      AMDVI_QUERY_ACCESS, false, FLAG(query.write) },
    { 'x', "exec", NULL, "and wants to execute (with a PASID)",
      AMDVI_QUERY_ACCESS, false, FLAG(query.exec) },
    { 0, "priv", NULL, "in privileged mode (with a PASID)",
      AMDVI_QUERY_PRIV, false, FLAG(query.priv) },
    { 0, "from", "ADDRESS", "begin there", AMDVI_QUERY_FROM, false,
      DONE_BY(store_from) },
    { 'c', "columns", "LIST", "only these, separated by commas",
      AMDVI_QUERY_COLUMNS, false, TEXT(query.columns) },
    { 'n', "limit", "N", 
      "at most N rows; of a ring the last N; of tui N frames",
      AMDVI_QUERY_LIMIT, false, DONE_BY(store_limit) },
    { 'v', "verbose", NULL, "raw words and every field",
      AMDVI_QUERY_VERBOSE, false, FLAG(query.verbose) },
    { 0, "stale", NULL, "only those with which the tables do not agree",
      AMDVI_QUERY_STALE, false, FLAG(query.stale) },
    { 0, "verify", NULL, "let QEMU record the next hit on each of those",
      AMDVI_QUERY_VERIFY, false, FLAG(query.verify) },
    { 'F', "follow", NULL, "go on with what happens next",
      AMDVI_QUERY_FOLLOW, false, FLAG(query.follow) },
    { 0, "wait", NULL, "until the breakpoint stops the VM",
      AMDVI_QUERY_WAIT, false, FLAG(query.wait) },
    { 0, "rule", "RULE", "only this rule", AMDVI_QUERY_RULE, false,
      TEXT(query.rule) },
    { 0, "grace", "MS",
      "a cached entry may disagree for so long (default: 50)",
      AMDVI_QUERY_GRACE, false, DONE_BY(store_grace) },
    { 0, "late", "MS",
      "a page request may wait for so long (default: 1000)",
      AMDVI_QUERY_LATE, false, DONE_BY(store_late) },
    { 0, "live", NULL, "do not pause the VM meanwhile",
      AMDVI_QUERY_DUMP, false, FLAG(live) },
    { 0, "tables", "N",
      "pages of tables for each PASID (default: 64 or 1)",
      AMDVI_QUERY_DUMP, false, DONE_BY(store_tables) },
    { 0, "reason", "TEXT", "say in the dump why it was made",
      AMDVI_QUERY_DUMP, false, TEXT(reason) },
    { 0, "interval", "SECONDS", "refresh so often (default: 0.5)",
      AMDVI_QUERY_TUI, false, DONE_BY(store_interval) },
    { 0, "script", "FILE", "take the keys from a file",
      AMDVI_QUERY_TUI, false, TEXT(script) },
    { 0, "ascii", NULL, "draw with ASCII characters only",
      AMDVI_QUERY_TUI, false, FLAG(ascii) },
    { 'k', "keep-going", NULL, "go on after a command that failed",
      AMDVI_QUERY_KEEP_GOING, false, FLAG(query.keep_going) },
    { 0, NULL, NULL, NULL, 0, false, 0, 0, NULL },
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

static bool store(const struct option *option, struct amdvi_options *options,
                  const char *value, struct amdvi_error *err)
{
    char *base = (char *)options;

    if (option->store) {
        return option->store(options, value, err);
    }
    if (option->flag) {
        *(bool *)(void *)(base + option->flag) = true;
    } else {
        *(const char **)(void *)(base + option->text) = value;
    }
    return true;
}

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
    if (option->connection) {
        options->connection = option->name;
    }
    return store(option, options, value, err);
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

/* The option that a whole word is, or NULL; its value may be in the word */
static const struct option *find_word(const char *word)
{
    if (word[0] != '-' || word[1] == '\0') {
        return NULL;
    }
    return word[1] == '-' ? find_name(word + 2, strcspn(word + 2, "="))
                          : word[2] == '\0' ? find_letter(word[1]) : NULL;
}

const char *amdvi_option_value(const char *word)
{
    const struct option *option = find_word(word);

    return option && !strchr(word, '=') ? option->arg : NULL;
}

void amdvi_option_names(unsigned int view_options, struct amdvi_strings *ret)
{
    for (const struct option *o = option_table; o->name; o++) {
        if (!o->view_option || (o->view_option & view_options)) {
            amdvi_strings_add(ret, "--%s", o->name);
        }
    }
}

const char *amdvi_option_of(unsigned int view_options)
{
    const struct option *option = option_table;

    while (option->name && !(option->view_option & view_options)) {
        option++;
    }
    return option->name;
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

void amdvi_options_put(FILE *out, unsigned int view_options)
{
    for (const struct option *o = option_table; o->name; o++) {
        if (view_options ? o->view_option & view_options : !o->view_option) {
            put_option(out, o);
        }
    }
}
