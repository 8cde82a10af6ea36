/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a shell.  See words.h.
 */
#include "words.h"

#include <stdlib.h>
#include <string.h>

struct scanner {
    const char *in;
    char *out;
    struct amdvi_words *words;
    bool in_word;
};

static void begin_word(struct scanner *s)
{
    if (!s->in_word && s->words->count < AMDVI_MAX_WORDS_OF_LINE) {
        s->words->word[s->words->count++] = s->out;
    }
    s->in_word = true;
}

static void end_word(struct scanner *s)
{
    if (s->in_word) {
        *s->out++ = '\0';
    }
    s->in_word = false;
}

/* What stands between two quotes.  Returns false if the second is missing */
static bool take_quoted(struct scanner *s)
{
    char quote = *s->in++;

    begin_word(s);
    while (*s->in && *s->in != quote) {
        if (quote == '"' && *s->in == '\\' && s->in[1]) {
            s->in++;
        }
        *s->out++ = *s->in++;
    }
    if (!*s->in) {
        return false;
    }
    s->in++;
    return true;
}

static void take_plain(struct scanner *s)
{
    begin_word(s);
    if (*s->in == '\\' && s->in[1]) {
        s->in++;
    }
    *s->out++ = *s->in++;
}

/* Up to the end of the command.  Returns false if a quote stays open */
static bool scan(struct scanner *s)
{
    while (*s->in && !strchr(";|", *s->in)) {
        if (strchr(" \t\r\n", *s->in)) {
            end_word(s);
            s->in++;
        } else if (*s->in == '#' && !s->in_word) {
            s->in += strlen(s->in);
        } else if (*s->in == '\'' || *s->in == '"') {
            if (!take_quoted(s)) {
                return false;
            }
        } else {
            take_plain(s);
        }
    }
    return true;
}

/* Room for all words: none is longer than what it was made from */
static bool start(struct scanner *s, const char *line,
                  struct amdvi_words *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->text = malloc(strlen(line) + 2);
    *s = (struct scanner){ .in = line, .out = ret->text, .words = ret };
    return ret->text != NULL;
}

/*
 * How much of what follows "|" is for the command of the system: up to a ";"
 * that neither quotes nor a comment hide from that
 */
static size_t pipe_length(const char *text)
{
    char quote = '\0';
    size_t n = 0;

    for (; text[n] && (quote || text[n] != ';'); n++) {
        if (text[n] == '\\' && quote != '\'' && text[n + 1]) {
            n++;
        } else if (quote) {
            quote = text[n] == quote ? '\0' : quote;
        } else if (text[n] == '\'' || text[n] == '"') {
            quote = text[n];
        } else if (text[n] == '#' && (n == 0 || text[n - 1] == ' ')) {
            return strlen(text);
        }
    }
    return n;
}

bool amdvi_words_take(const char **line, struct amdvi_words *ret,
                      struct amdvi_error *err)
{
    struct scanner s;

    if (!start(&s, *line, ret)) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    if (!scan(&s)) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "a quote is not closed");
    }
    end_word(&s);
    if (ret->count == AMDVI_MAX_WORDS_OF_LINE) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "more than %d words",
                          AMDVI_MAX_WORDS_OF_LINE - 1);
    }
    if (*s.in == '|') {
        size_t length = pipe_length(s.in + 1);

        ret->pipe = strndup(s.in + 1, length);
        s.in += 1 + length;
        *line = *s.in ? s.in + 1 : NULL;
        return ret->pipe ||
               amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    *line = *s.in == ';' ? s.in + 1 : NULL;
    return true;
}

void amdvi_words_typed(const char *line, struct amdvi_words *ret)
{
    struct scanner s;

    if (!start(&s, line, ret)) {
        return;
    }
    while (scan(&s) && *s.in) {
        s.in++;
        s.out = ret->text;
        s.in_word = false;
        ret->count = 0;
    }
    begin_word(&s);
    end_word(&s);
    ret->word[ret->count] = NULL;
}

void amdvi_words_free(struct amdvi_words *words)
{
    free(words->text);
    free(words->pipe);
    words->text = words->pipe = NULL;
}
