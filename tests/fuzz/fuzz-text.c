/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile texts: what somebody pastes to have it explained, what a monitor
 * prints, and what a command line says.  Nothing here reads a file or a
 * socket, so that many inputs are tried.
 *
 * The first byte of an input says what the rest is.  Built like fuzz-walk.c.
 */
#include "base64.h"
#include "fuzz-walk.h"
#include "log-line.h"
#include "memory-map.h"
#include "options.h"
#include "pci.h"
#include "render.h"
#include "target.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 64

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz-text: not so: %s\n", what);
        abort();
    }
}

/* Cut @text at spaces, as a shell would */
static size_t split(char *text, const char *words[MAX_WORDS])
{
    size_t count = 0;
    char *rest;

    for (char *word = strtok_r(text, " ", &rest); word && count < MAX_WORDS;
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    return count;
}

/* A line of a kernel's log, or words; safe to print in either form */
static void explain(char *text, bool as_json)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_target *none = amdvi_target_none(&err);
    const char *words[MAX_WORDS];
    struct amdvi_query query = { .args = words, .verbose = as_json };
    struct amdvi_text_renderer as_text;
    struct amdvi_json_renderer json;
    char *shown = NULL, *copy;
    size_t size;
    FILE *out = open_memstream(&shown, &size);

    require(none && out, "there is memory");
    query.nargs = split(text, words);
    amdvi_text_renderer_init(&as_text, out, false);
    amdvi_json_renderer_init(&json, out);
    amdvi_view_show(amdvi_find_view("explain"), none, &query,
                    as_json ? &json.renderer : &as_text.renderer, &err);
    amdvi_target_close(none);
    fclose(out);
    for (char *c = shown; (c = strchr(c, '\n')); c++) {
        *c = ' ';
    }
    copy = strdup(shown);
    require(copy && strcmp(amdvi_sanitise(copy), shown) == 0,
            "what is shown controls no terminal");
    free(copy);
    free(shown);
}

static void parse_monitor(const char *text)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_pci_list list = { .count = 0 };
    static struct amdvi_memory_map map;

    amdvi_memory_map_parse(text, &map);
    if (amdvi_pci_parse(text, &list, &err)) {
        amdvi_pci_list_free(&list);
    }
}

static void parse_options(char *text)
{
    struct amdvi_error err = { .code = AMDVI_EXIT_OK };
    struct amdvi_options options;
    const char *words[MAX_WORDS + 1] = { "amdvi-inspect" };
    size_t count = split(text, words + 1);

    if (!amdvi_options_parse((int)count + 1, (char **)words, &options,
                             &err)) {
        require(err.code == AMDVI_EXIT_USAGE && *err.message,
                "what is wrong is said");
    }
    free(options.args);
}

/* Encoding what was decoded gives the text again; errors only stop it */
static void parse_base64(const char *text)
{
    uint8_t bytes[4096];
    size_t count;

    if (amdvi_base64_decode(text, bytes, sizeof(bytes), &count)) {
        char *again = amdvi_base64_encode(bytes, count);

        require(again && strcmp(again, text) == 0, "base64 has one form");
        free(again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size ? strndup((const char *)data + 1, size - 1) : NULL;

    if (!text) {
        return 0;
    }
    switch (data[0] % 5) {
    case 0:
    case 1:
        explain(text, data[0] % 5 == 1);
        break;
    case 2:
        parse_monitor(text);
        break;
    case 3:
        parse_options(text);
        break;
    default:
        parse_base64(text);
        break;
    }
    free(text);
    return 0;
}
