/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command "shell": lines from a terminal, edited with readline, or from
 * any other stdin.
 *
 * On a terminal an error is shown and the shell goes on; from a file the
 * first one ends it, with its line number and exit code.
 */
#include "shell.h"
#include "command.h"
#include "interrupt.h"
#include "words.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#define HISTORY_LINES 1000
#define PROMPT "amdvi> "
#define PROMPT_FROZEN "amdvi (paused)> "

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };

#define NUM_CAUGHT (sizeof(caught) / sizeof(caught[0]))

/* Readline's callbacks have no argument of ours */
static struct {
    struct amdvi_session *session;
    struct amdvi_candidates candidates;
    char *line;
    bool line_done;
    volatile sig_atomic_t leave;
} terminal;

/* Ctrl-C ends a command or a line; what else comes ends the shell, too */
static void on_signal(int number)
{
    if (number != SIGINT) {
        terminal.leave = true;
    }
    amdvi_interrupt_set(true);
}

static void on_line(char *line)
{
    terminal.line = line;
    terminal.line_done = true;
    rl_callback_handler_remove();
}

static char *next_candidate(const char *text, int state)
{
    const struct amdvi_strings *words = &terminal.candidates.words;
    static size_t next;

    next = state ? next : 0;
    while (next < words->count) {
        /* readline wants only what follows the last "=" or "," */
        const char *word = words->string[next++] + terminal.candidates.kept;

        if (strncmp(word, text, strlen(text)) == 0) {
            return strdup(word);
        }
    }
    return NULL;
}

/* All words up to the cursor decide what may follow */
static char **complete_line(const char *text, int start, int end)
{
    char *typed = strndup(rl_line_buffer, (size_t)end);
    struct amdvi_words words;
    char **matches = NULL;

    (void)start;
    rl_attempted_completion_over = 1;
    if (!typed) {
        return NULL;
    }
    amdvi_words_typed(typed, &words);
    free(typed);
    if (words.text) {
        amdvi_complete(terminal.session, words.word, words.count,
                       &terminal.candidates);
        matches = rl_completion_matches(text, next_candidate);
        rl_attempted_completion_over = !terminal.candidates.files;
        rl_completion_suppress_append = matches && *matches[0] &&
            matches[0][strlen(matches[0]) - 1] == '=';
        amdvi_strings_free(&terminal.candidates.words);
    }
    amdvi_words_free(&words);
    return matches;
}

/* "$XDG_STATE_HOME/amdvi-inspect/history", or NULL; makes the folders */
static char *history_file(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;

    if (!(state && *state) && !(home && *home)) {
        return NULL;
    }
    if (asprintf(&path, "%s%s/amdvi-inspect/history",
                 state && *state ? state : home,
                 state && *state ? "" : "/.local/state") < 0) {
        return NULL;
    }
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    return path;
}

static void load_history(void)
{
    char *path = history_file();

    using_history();
    stifle_history(HISTORY_LINES);
    if (path) {
        read_history(path);
    }
    free(path);
}

/* For the user's eyes only: a command line may name what is confidential */
static void save_history(void)
{
    char *path = history_file();
    mode_t mask = umask(077);

    if (path) {
        write_history(path);
    }
    umask(mask);
    free(path);
}

/* End of the line without one, and of the shell */
static void give_up(void)
{
    rl_callback_handler_remove();
    terminal.line_done = true;
}

/*
 * Wait for a key.  Ctrl-C, which is delivered only in here, gives the line
 * up.  @outside: signals blocked while a command runs.
 */
static void await_key(const sigset_t *outside)
{
    struct pollfd poller = { .fd = STDIN_FILENO, .events = POLLIN };

    if (ppoll(&poller, 1, NULL, outside) > 0) {
        rl_callback_read_char();
    } else if (terminal.leave) {
        give_up();
    } else if (amdvi_interrupt_get()) {
        amdvi_interrupt_set(false);
        rl_callback_sigcleanup();
        rl_replace_line("", 0);
        rl_crlf();
        rl_on_new_line();
        rl_redisplay();
    }
}

/* A line that the caller frees; NULL at the end of the input */
static char *edit_line(const struct amdvi_session *session)
{
    sigset_t signals, outside;

    sigemptyset(&signals);
    for (size_t i = 0; i < NUM_CAUGHT; i++) {
        sigaddset(&signals, caught[i]);
    }
    sigprocmask(SIG_BLOCK, &signals, &outside);
    terminal.line = NULL;
    terminal.line_done = false;
    rl_callback_handler_install(session->frozen ? PROMPT_FROZEN : PROMPT,
                                on_line);
    while (!terminal.line_done) {
        await_key(&outside);
    }
    sigprocmask(SIG_SETMASK, &outside, NULL);
    if (terminal.line && *terminal.line) {
        add_history(terminal.line);
    }
    return terminal.line;
}

static void start_terminal(struct amdvi_session *session)
{
    struct sigaction action = { .sa_handler = on_signal };

    terminal.session = session;
    rl_readline_name = "amdvi-inspect";
    rl_attempted_completion_function = complete_line;
    rl_completer_word_break_characters = (char *)" \t\n|;=,";
    rl_catch_signals = 0;
    for (size_t i = 0; i < NUM_CAUGHT; i++) {
        sigaction(caught[i], &action, NULL);
    }
    load_history();
}

/* Errors are shown and forgotten */
static void run_terminal(struct amdvi_session *session)
{
    enum amdvi_shell_next next = AMDVI_SHELL_GO_ON;
    char *line;

    start_terminal(session);
    while (next == AMDVI_SHELL_GO_ON && !terminal.leave &&
           (line = edit_line(session))) {
        struct amdvi_error err = { .code = AMDVI_EXIT_OK };

        if (!amdvi_shell_line(session, line, &next, &err)) {
            amdvi_report(&err, session->options->color, NULL);
        }
        amdvi_interrupt_set(false);
        free(line);
    }
    if (next == AMDVI_SHELL_GO_ON && !terminal.leave) {
        putchar('\n');
    }
    save_history();
}

/* Without --keep-going the first error ends it; a signal does always */
static bool run_file(struct amdvi_session *session, bool keep_going,
                     struct amdvi_error *err)
{
    enum amdvi_shell_next next = AMDVI_SHELL_GO_ON;
    unsigned long number = 0;
    size_t size = 0;
    char *line = NULL;
    bool good = true;

    amdvi_interrupt_catch();
    while (next == AMDVI_SHELL_GO_ON && (good || keep_going) &&
           !amdvi_interrupt_get() && getline(&line, &size, stdin) >= 0) {
        struct amdvi_error line_err = { .code = AMDVI_EXIT_OK };

        number++;
        if (!amdvi_shell_line(session, line, &next, &line_err)) {
            if (!good) {
                amdvi_report(err, session->options->color, NULL);
            }
            good = amdvi_fail(err, line_err.code, "line %lu: %s", number,
                              line_err.message);
        }
    }
    free(line);
    return good && (!amdvi_interrupt_get() || amdvi_interrupt_fail(err));
}

bool amdvi_run_shell(struct amdvi_session *session,
                     const struct amdvi_options *options,
                     struct amdvi_error *err)
{
    struct amdvi_error resume_err = { .code = AMDVI_EXIT_OK };
    bool good = true;

    if (session->in_shell) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "this is the shell");
    }
    session->in_shell = true;
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        run_terminal(session);
    } else {
        good = run_file(session, options->query.keep_going, err);
    }
    if (!amdvi_session_resume(session, &resume_err) && good) {
        *err = resume_err;
        good = false;
    }
    session->in_shell = false;
    return good;
}
