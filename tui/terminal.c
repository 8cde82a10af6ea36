/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See terminal.h.
 *
 * When the program crashes nothing of curses may be called any more: what
 * gives the terminal back is made in advance, and written by the handler of
 * the signal, which then lets the signal do what it does.
 */
#define NCURSES_WIDECHAR 1
#include "terminal.h"
#include "session.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* Milliseconds within which the rest of a key's sequence has to come */
#define ESC_DELAY_MS 25

static struct {
    SCREEN *screen;             /* NULL: not taken over */
    bool ascii;
    bool color;
    struct termios before;
    char restore[256];          /* sequences that give the screen back */
    size_t restore_length;
} terminal;

static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define NUM_CRASHES (sizeof(crashes) / sizeof(crashes[0]))

/* May run at any time: only functions that are safe in a handler */
static void on_crash(int number)
{
    static const char words[] = "amdvi-inspect: crashed; please report what "
                                "was on the screen\n";

    if (write(STDOUT_FILENO, terminal.restore,
              terminal.restore_length) < 0 ||
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before) < 0 ||
        write(STDERR_FILENO, words, sizeof(words) - 1) < 0) {
        /* there is no terminal any more, and nobody to tell */
    }
    signal(number, SIG_DFL);
    raise(number);
}

static int collect(int character)
{
    if (terminal.restore_length < sizeof(terminal.restore)) {
        terminal.restore[terminal.restore_length++] = (char)character;
    }
    return character;
}

static void catch_crashes(void)
{
    static const char *const names[] = {
        "sgr0", "rmkx", "cnorm", "rmcup",
    };
    struct sigaction action = { .sa_handler = on_crash };

    terminal.restore_length = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *sequence = tigetstr(names[i]);

        if (sequence && sequence != (char *)-1) {
            tputs(sequence, 1, collect);
        }
    }
    for (size_t i = 0; i < NUM_CRASHES; i++) {
        sigaction(crashes[i], &action, NULL);
    }
}

static void start_colors(const struct amdvi_options *options)
{
    static const short foreground[AMDVI_NUM_STYLES] = {
        [AMDVI_STYLE_PLAIN] = -1, [AMDVI_STYLE_FRAME] = -1,
        [AMDVI_STYLE_HEADER] = COLOR_CYAN,
        [AMDVI_STYLE_CHOSEN] = COLOR_CYAN,
        [AMDVI_STYLE_CHANGED] = COLOR_YELLOW,
        [AMDVI_STYLE_BAD] = COLOR_RED, [AMDVI_STYLE_DIM] = -1,
    };

    terminal.color = amdvi_use_color(options->color, STDOUT_FILENO) &&
                     has_colors() && start_color() == OK &&
                     use_default_colors() == OK;
    for (short i = 1; terminal.color && i < AMDVI_NUM_STYLES; i++) {
        init_pair(i, foreground[i], -1);
    }
}

static void set_modes(void)
{
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    set_escdelay(ESC_DELAY_MS);
    curs_set(0);
}

/* newterm() keeps memory when it fails */
static bool is_known(void)
{
    int result;

    if (setupterm(NULL, STDOUT_FILENO, &result) != OK) {
        return false;
    }
    del_curterm(cur_term);
    return true;
}

bool amdvi_terminal_open(const struct amdvi_options *options,
                         struct amdvi_error *err)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
        tcgetattr(STDIN_FILENO, &terminal.before) < 0) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "tui needs a terminal; "
                          "other commands print, also JSON (--json)");
    }
    setlocale(LC_CTYPE, "");
    terminal.ascii = options->ascii ||
                     strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    terminal.screen = is_known() ? newterm(NULL, stdout, stdin) : NULL;
    if (!terminal.screen) {
        const char *name = getenv("TERM");

        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "nothing is known of the terminal TERM=%.40s",
                          name ? name : "");
    }
    set_modes();
    start_colors(options);
    catch_crashes();
    return true;
}

void amdvi_terminal_close(void)
{
    for (size_t i = 0; i < NUM_CRASHES; i++) {
        signal(crashes[i], SIG_DFL);
    }
    endwin();
    delscreen(terminal.screen);
    terminal.screen = NULL;
}

bool amdvi_terminal_ascii(void)
{
    return terminal.ascii;
}

unsigned long amdvi_terminal_attributes(enum amdvi_style style)
{
    static const attr_t plain[AMDVI_NUM_STYLES] = {
        [AMDVI_STYLE_FRAME] = A_REVERSE, [AMDVI_STYLE_HEADER] = A_BOLD,
        [AMDVI_STYLE_CHOSEN] = A_BOLD | A_UNDERLINE,
        [AMDVI_STYLE_CHANGED] = A_BOLD, [AMDVI_STYLE_BAD] = A_BOLD,
        [AMDVI_STYLE_DIM] = A_DIM,
    };

    return plain[style] |
           (terminal.color ? COLOR_PAIR((int)style) : A_NORMAL);
}
