/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The curses inspector: its state, and what its parts offer each other.
 *
 * Places hold what is known of the screens; lines are what a place shows;
 * drawing goes from lines to the terminal; actions change places.  All of it
 * belongs to one thread; what the target says comes from the worker.
 */
#ifndef AMDVI_TUI_TUI_H
#define AMDVI_TUI_TUI_H

#include "keys.h"
#include "pace.h"
#include "screens.h"
#include "worker.h"

/* The smallest terminal, and the lines that are not the screen's own */
#define AMDVI_TUI_COLUMNS 80
#define AMDVI_TUI_LINES 24
#define AMDVI_TUI_FRAME_LINES 2

/* Snapshots of a pane, and bytes of all of them, that are kept */
#define AMDVI_KEPT 64
#define AMDVI_KEPT_BYTES (3u << 20)
/* Rows asked for at first */
#define AMDVI_FIRST_ROWS 256
/* Ways back that are remembered */
#define AMDVI_TRAIL 16
#define AMDVI_PROMPT_SIZE 512
/* Keys that wait for what they act on */
#define AMDVI_AHEAD 512
#define AMDVI_MESSAGE_SIZE 600

enum amdvi_line_kind {
    AMDVI_LINE_TEXT,            /* row: number of the text */
    AMDVI_LINE_TITLE,           /* row: number of the text */
    AMDVI_LINE_HEADER,          /* of the table of a pane */
    AMDVI_LINE_ROW,             /* a row of the snapshot */
    AMDVI_LINE_CELL,            /* a cell of a row: sub is the column */
    AMDVI_LINE_WORDS,           /* the words of the record of a row */
    AMDVI_LINE_FIELD,           /* a field of it: sub is its number */
    AMDVI_LINE_RESERVED,        /* the reserved bits that are set in it */
};

struct amdvi_line {
    uint8_t kind;
    uint8_t pane;
    uint16_t sub;
    uint32_t row;
};

struct amdvi_pane {
    struct amdvi_snapshot *kept[AMDVI_KEPT];    /* the newest is last */
    size_t nkept;
    size_t width[AMDVI_MAX_COLUMNS + 1];        /* the last: the meter */
    uint32_t *order;            /* rows that are shown, in order */
    size_t norder;
    size_t rows;                /* asked for the last time */
    bool slow;                  /* a slow answer is still to come */
    int64_t due_ms;             /* when one that is seldom asked for is due */
};

/* What the cursor is on */
struct amdvi_anchor {
    bool at_end;
    bool on_row;
    struct amdvi_line line;
    uint64_t id;                /* of its row */
};

struct amdvi_place {
    const struct amdvi_screen *screen;
    struct amdvi_subject subject;
    unsigned int generation;    /* of what was asked for */
    unsigned int pending;       /* answers that are still to come */
    struct amdvi_pane pane[AMDVI_MAX_PANES];
    size_t rows;                /* asked for at most */
    size_t rows_known;          /* what was asked for the last time */
    size_t back;                /* snapshots that are newer than the shown */
    bool arrived;               /* the cursor was put somewhere */
    bool wants_first;           /* it shall go there when all rows are here */
    bool wants_last;
    size_t cursor;
    struct amdvi_anchor anchor;
    size_t top;
    size_t shift;               /* columns scrolled to the right */
    size_t column;              /* chosen, from 1; 0: none */
    size_t sort;                /* column, from 1; 0: none */
    bool descending;
    char filter[AMDVI_PROMPT_SIZE];
    bool unfolded;
    uint8_t unfolded_pane;
    uint64_t unfolded_id;
    char *output;               /* of a command: lines of text */
    struct amdvi_line *line;
    size_t nlines;
    size_t line_room;
    struct amdvi_strings text;
};

enum amdvi_prompt_kind {
    AMDVI_PROMPT_NONE,
    AMDVI_PROMPT_COMMAND,
    AMDVI_PROMPT_SEARCH,
    AMDVI_PROMPT_FILTER,
    AMDVI_PROMPT_WRITE,
    AMDVI_PROMPT_DUMP,
    AMDVI_PROMPT_CONFIRM,
};

struct amdvi_prompt {
    enum amdvi_prompt_kind kind;
    char text[AMDVI_PROMPT_SIZE];
    size_t length;
    size_t cursor;              /* bytes before it */
    char *candidates;           /* what may follow, between spaces, or NULL */
    bool waiting;               /* for these */
    unsigned int generation;    /* of what was asked for */
};

/* Keys that were typed ahead of what they act on; the first is the oldest */
struct amdvi_ahead {
    int key[AMDVI_AHEAD];
    size_t count;
};

enum amdvi_link {
    AMDVI_LINK_CONNECTING,
    AMDVI_LINK_GOOD,
    AMDVI_LINK_LOST,
};

/* A way back */
struct amdvi_way_back {
    enum amdvi_screen_id screen;
    struct amdvi_subject subject;
};

/* Keys from a file */
struct amdvi_script {
    FILE *file;                 /* NULL: keys come from the terminal */
    unsigned long number;       /* of the line */
    char line[AMDVI_PROMPT_SIZE];
    size_t next;                /* byte of the line */
    bool typing;                /* the line is typed as it is */
};

/* What amdvi_script_key() says at the end */
#define AMDVI_SCRIPT_END (-1)

struct amdvi_tui {
    const struct amdvi_options *options;
    struct amdvi_worker *worker;
    bool is_dump;
    struct amdvi_place place[AMDVI_NUM_SCREENS];
    enum amdvi_screen_id current;
    struct amdvi_way_back trail[AMDVI_TRAIL];
    size_t ntrail;
    struct amdvi_subject subject;       /* chosen last */
    enum amdvi_link link;
    struct amdvi_error link_err;
    unsigned int outstanding;   /* jobs */
    bool looking;               /* a job for that is on its way */
    bool frozen;
    bool stopped;               /* the VM */
    int interval_ms;
    int64_t tick_ms;            /* when the next refresh is due */
    struct amdvi_pace pace;     /* of refreshes */
    uint64_t refreshes;         /* of the current screen, so far */
    uint64_t wait_for;          /* the script waits for that many */
    struct amdvi_prompt prompt;
    struct amdvi_ahead ahead;
    char search[AMDVI_PROMPT_SIZE];
    char confirmed[AMDVI_PROMPT_SIZE];  /* what to do after a yes */
    char last_command[AMDVI_PROMPT_SIZE];
    char message[AMDVI_MESSAGE_SIZE];
    bool message_bad;
    struct amdvi_script script;
    bool leave;
    struct amdvi_error err;     /* why it ended, if not by the user */
};

/* place.c: what is known of the screens */
struct amdvi_place *amdvi_tui_place(struct amdvi_tui *tui);
/* How many are kept of those up to the one that is shown */
size_t amdvi_place_kept(const struct amdvi_place *place, size_t pane);
/* The snapshot that is shown, and the one before; NULL: none */
struct amdvi_snapshot *amdvi_place_shown(const struct amdvi_place *place,
                                         size_t pane);
struct amdvi_snapshot *amdvi_place_before(const struct amdvi_place *place,
                                          size_t pane);
/* Ask for new snapshots unless they are on their way */
void amdvi_tui_ask(struct amdvi_tui *tui, struct amdvi_place *place,
                   enum amdvi_occasion occasion);
/* Where no snapshot is asked for: see whether the VM is there and runs */
void amdvi_tui_look(struct amdvi_tui *tui);
/* Take what the worker has done */
void amdvi_tui_answer(struct amdvi_tui *tui, struct amdvi_job *job);
/* Go to a screen; @subject NULL: what is chosen */
void amdvi_tui_go(struct amdvi_tui *tui, enum amdvi_screen_id screen,
                  const struct amdvi_subject *subject, bool remember);
void amdvi_tui_go_back(struct amdvi_tui *tui);
void amdvi_place_free(struct amdvi_place *place);
/* Whether it has what its views need */
bool amdvi_place_ready(const struct amdvi_place *place);
__attribute__((format(printf, 3, 4)))
void amdvi_tui_say(struct amdvi_tui *tui, bool bad, const char *format, ...);

/* order.c: which rows are shown, in which order */
void amdvi_place_order(struct amdvi_place *place);

/* lines.c: what a place shows */
void amdvi_place_layout(struct amdvi_place *place);
/* The line under the cursor; NULL: there are no lines */
const struct amdvi_line *amdvi_place_line(const struct amdvi_place *place);
/* The text of a line in @buf, cut if it is too long; not safe to print */
void amdvi_place_text(const struct amdvi_place *place,
                      const struct amdvi_line *line, char *buf, size_t size);
/* Whether a line belongs to a row of a table */
bool amdvi_line_has_row(const struct amdvi_line *line);
/* Put the cursor on a line, and show that line */
void amdvi_place_move(struct amdvi_place *place, size_t cursor);

/* draw.c */
void amdvi_tui_draw(struct amdvi_tui *tui);
/* Lines of the screen's own */
size_t amdvi_tui_height(void);

/* meter.c: columns that are computed */
/* In @buf, for a row of the snapshot that is shown */
const char *amdvi_meter_text(const struct amdvi_place *place, size_t pane,
                             size_t row, char *buf, size_t size);

/* prompt.c: a line that is being typed */
void amdvi_prompt_open(struct amdvi_tui *tui, enum amdvi_prompt_kind kind,
                       const char *text);
void amdvi_prompt_key(struct amdvi_tui *tui, int key);
/* What may follow the line has been found */
void amdvi_prompt_complete(struct amdvi_tui *tui,
                           const struct amdvi_job *job);
void amdvi_prompt_close(struct amdvi_tui *tui);
const char *amdvi_prompt_label(const struct amdvi_prompt *prompt);

/* line-command.c: what follows ":"; @line NULL: what was just confirmed */
void amdvi_tui_command(struct amdvi_tui *tui, const char *line);
/* Those that only exist here; NULL: there is no number @index */
const char *amdvi_tui_command_name(size_t index, const char **ret_args,
                                   const char **ret_help);

/* actions.c */
/* Whether a key may be used now */
bool amdvi_tui_key_valid(struct amdvi_tui *tui, const struct amdvi_key *key);
/* Take a key, whatever it means now */
void amdvi_tui_key(struct amdvi_tui *tui, int key);
/* Go to the next line with what is searched for */
void amdvi_tui_search(struct amdvi_tui *tui, bool forward, bool stay);

/* follow.c: what the line under the cursor leads to */
/* The screen that Enter opens, and what it is about; false: none */
bool amdvi_tui_lead(struct amdvi_tui *tui, enum amdvi_screen_id *ret_screen,
                    struct amdvi_subject *ret);
/* The request that the line is about; false: it is about none */
bool amdvi_tui_lead_to_walk(struct amdvi_tui *tui,
                            struct amdvi_subject *ret);

/* ahead.c: keys that were typed ahead of what they act on */
/* Take a key, now or when that is there */
void amdvi_tui_type(struct amdvi_tui *tui, int key);
/* Take those that need not wait any more */
void amdvi_tui_catch_up(struct amdvi_tui *tui);

/* save.c: files and the clipboard */
bool amdvi_tui_save(struct amdvi_tui *tui, const char *path,
                    struct amdvi_error *err);
/* Have a state dump written */
bool amdvi_tui_dump(struct amdvi_tui *tui, const char *path,
                    struct amdvi_error *err);
bool amdvi_tui_save_screen(const char *path, struct amdvi_error *err);
void amdvi_tui_copy(const char *text);

/* script.c: keys from a file */
/* The next key, or AMDVI_SCRIPT_END */
int amdvi_script_key(struct amdvi_tui *tui);

#endif
