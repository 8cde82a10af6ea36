/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a shell: words between spaces, with quotes as people know them,
 * several commands with ";", and a pipe into a command of the system.
 */
#ifndef AMDVI_INSPECT_WORDS_H
#define AMDVI_INSPECT_WORDS_H

#include "error.h"

/* Words of one command at most */
#define AMDVI_MAX_WORDS_OF_LINE 256

struct amdvi_words {
    size_t count;
    char *word[AMDVI_MAX_WORDS_OF_LINE + 1];    /* NULL at the end */
    char *pipe;                 /* what follows "|", or NULL */
    char *text;                 /* holds all of them */
};

/*
 * Take the first command of *@line, which moves behind its ";" or becomes
 * NULL at the end.  "#" starts a comment.  The caller frees @ret in any case.
 */
bool amdvi_words_take(const char **line, struct amdvi_words *ret,
                      struct amdvi_error *err);
void amdvi_words_free(struct amdvi_words *words);

/*
 * The same for a line that is being typed: errors are forgiven, the last
 * word (maybe "") is the one to complete.
 */
void amdvi_words_typed(const char *line, struct amdvi_words *ret);

#endif
