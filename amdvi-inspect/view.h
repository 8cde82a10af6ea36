/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views: what is shown of a target.
 *
 * A view is a table.  It has columns, gives its rows a page at a time, may
 * have a few facts above the table, and may hang a record on a row: words of
 * memory or a register with their layout.  Renderers turn any view into text
 * or JSON; neither knows a particular view.
 *
 * A new view is one file in views/ and one row of the list in views.def.
 */
#ifndef AMDVI_INSPECT_VIEW_H
#define AMDVI_INSPECT_VIEW_H

#include "target.h"

#define AMDVI_MAX_COLUMNS 16
#define AMDVI_MAX_FACTS 40
#define AMDVI_MAX_FILTERS 8
#define AMDVI_PAGE_ROWS 256

/* How a cell is shown, and what it is in JSON */
enum amdvi_cell_kind {
    AMDVI_CELL_TEXT,            /* string */
    AMDVI_CELL_WORDS,           /* words between spaces: array of strings */
    AMDVI_CELL_DEC,             /* number */
    AMDVI_CELL_HEX,             /* "0x.." of column.digits digits */
    AMDVI_CELL_ADDR,            /* address in bytes, 16 digits in JSON */
    AMDVI_CELL_FLAG,            /* boolean */
};

struct amdvi_column {
    const char *key;            /* for JSON and --filter */
    const char *title;          /* for people */
    enum amdvi_cell_kind kind;
    uint8_t digits;             /* of AMDVI_CELL_HEX */
};

/* Not known: "-" in text, null in JSON */
struct amdvi_cell {
    bool known;
    uint64_t number;
    const char *text;           /* not sanitised */
};

/* A structure: words and what they are */
struct amdvi_record {
    const struct amdvi_layout *layout;  /* NULL: of no known kind */
    bool has_address;
    uint64_t address;
    unsigned int count;         /* of words; 0: there is no record */
    uint64_t words[AMDVI_MAX_WORDS];
};

struct amdvi_row {
    struct amdvi_cell cell[AMDVI_MAX_COLUMNS];
    struct amdvi_record record;
};

/* Strings that live as long as what holds them */
struct amdvi_strings {
    char **string;
    size_t count;
};

/* Add one and return it; NULL if there is no memory */
__attribute__((format(printf, 2, 3)))
const char *amdvi_strings_add(struct amdvi_strings *strings,
                              const char *format, ...);
void amdvi_strings_free(struct amdvi_strings *strings);

struct amdvi_page {
    struct amdvi_row row[AMDVI_PAGE_ROWS];
    size_t count;
    bool last;                  /* no page follows */
    struct amdvi_strings strings;   /* of the cells */
};

/* What a view lets the user ask for, beside its arguments */
enum {
    AMDVI_QUERY_ALL = 1,
    AMDVI_QUERY_FILTER = 2,
    AMDVI_QUERY_LIMIT = 4,
    AMDVI_QUERY_VERBOSE = 8,
    AMDVI_QUERY_KEEP_GOING = 16,
    AMDVI_QUERY_PASID = 32,
    AMDVI_QUERY_PRIV = 64,
    AMDVI_QUERY_ACCESS = 128,   /* --write, --exec */
    AMDVI_QUERY_FROM = 256,
    AMDVI_QUERY_DUMP = 512,     /* --live, --tables, --reason */
    AMDVI_QUERY_RULE = 1024,
    AMDVI_QUERY_STALE = 2048,
    AMDVI_QUERY_FOLLOW = 4096,
    AMDVI_QUERY_COLUMNS = 8192, /* of every view */
    AMDVI_QUERY_GRACE = 16384,
    AMDVI_QUERY_WAIT = 32768,
    AMDVI_QUERY_LATE = 65536,
    AMDVI_QUERY_VERIFY = 131072,
    AMDVI_QUERY_TUI = 1 << 20,  /* --script, --readonly, ... */
};

/* What the user asks of a view */
struct amdvi_query {
    const char *const *args;    /* NAME..., BDF */
    size_t nargs;
    const char *filter[AMDVI_MAX_FILTERS];  /* COLUMN=VALUE, or any text */
    size_t nfilters;
    bool all;                   /* also what is left out by default */
    bool verbose;               /* field by field */
    bool keep_going;            /* after a command that failed */
    bool has_pasid;
    uint32_t pasid;
    bool priv;                  /* privileged mode */
    bool write;
    bool exec;
    uint64_t from;              /* address to begin with */
    const char *columns;        /* keys between commas; NULL: all */
    bool stale;                 /* only what disagrees with the tables */
    bool verify;                /* let the engine record hits on those */
    bool follow;                /* do not end: show what happens next */
    bool wait;                  /* until the VM is stopped */
    const char *rule;           /* only findings of this one; NULL: all */
    bool has_grace;
    uint64_t grace;             /* milliseconds; see check.h */
    bool has_late;
    uint64_t late;              /* milliseconds; see check.h */
    uint64_t limit;             /* rows at most; 0: the view's default */
    uint64_t rows;              /* that are looked at; 0: all */
};

struct amdvi_fact {
    struct amdvi_column column;
    struct amdvi_cell cell;
};

struct amdvi_view;
struct amdvi_order;
struct amdvi_key;

/* One showing of a view */
struct amdvi_run {
    const struct amdvi_view *view;
    struct amdvi_target *target;
    const struct amdvi_query *query;
    struct amdvi_iommu iommu;
    bool detail;                /* rows are shown as forms */
    size_t shown[AMDVI_MAX_COLUMNS];    /* numbers of columns, in order */
    size_t nshown;
    bool extra;                 /* the cells of extra columns are wanted */
    bool incomplete;            /* something could not be read */
    struct amdvi_error verdict; /* how it ends although all was shown */
    void *state;                /* of the view, freed by free() */
    struct amdvi_fact fact[AMDVI_MAX_FACTS];
    size_t nfacts;
    struct amdvi_strings strings;   /* of the facts */
    struct amdvi_strings notes;     /* sentences below the table */
};

struct amdvi_view {
    const char *name;           /* and of its command */
    const char *args;           /* synopsis of its arguments, or "" */
    const char *help;           /* what it shows, in one line */
    size_t min_args;
    size_t max_args;
    /* What KIND and KEY of args are: see key-values.h.  NULL: has none */
    const struct amdvi_order *orders;
    const struct amdvi_key *keys;
    unsigned int options;       /* AMDVI_QUERY_* that it knows */
    bool targetless;            /* shows what the user typed, no machine */
    const char *facts_key;      /* JSON member with the facts, or NULL */
    const char *rows_key;       /* JSON member with the rows */
    const char *record_key;     /* member of a row with its record, or NULL */
    bool record_if_verbose;     /* with -v only: rows are many and small */
    const char *no_words;       /* why there is no -v: a sentence for help */
    const struct amdvi_column *column;
    size_t ncolumns;
    size_t nextra;              /* columns behind them, shown with -v or if
                                   named: their cells cost more */
    /* Check the arguments without a target.  May be NULL */
    bool (*check)(const struct amdvi_query *query, struct amdvi_error *err);
    /* Set run->state, facts, detail.  Not NULL */
    bool (*open)(struct amdvi_run *run, struct amdvi_error *err);
    /* Add rows to an empty page, possibly none, and say if it is the last */
    bool (*fetch)(struct amdvi_run *run, struct amdvi_page *page,
                  struct amdvi_error *err);
    /* Free what hangs on run->state, not itself.  May be NULL */
    void (*close)(struct amdvi_run *run);
};

/* All views; the list ends with NULL */
extern const struct amdvi_view *const amdvi_views[];

/* The view of that name, or NULL */
const struct amdvi_view *amdvi_find_view(const char *name);

/* For views: build rows, facts and notes.  Out of memory: a cell is unknown */
struct amdvi_row *amdvi_page_add(struct amdvi_page *page);
__attribute__((format(printf, 2, 3)))
struct amdvi_cell amdvi_cell_text(struct amdvi_strings *strings,
                                  const char *format, ...);
struct amdvi_cell amdvi_cell_number(uint64_t number);
void amdvi_run_fact(struct amdvi_run *run, const char *key, const char *title,
                    enum amdvi_cell_kind kind, struct amdvi_cell cell);
__attribute__((format(printf, 2, 3)))
void amdvi_run_note(struct amdvi_run *run, const char *format, ...);

/* Words for the fields of @record that are not 0: "IommuEn InvTimeOut=1s" */
struct amdvi_cell amdvi_record_summary(struct amdvi_strings *strings,
                                       const struct amdvi_record *record,
                                       const char *const *skip);

/* Turns a view into output */
struct amdvi_renderer {
    void (*begin)(struct amdvi_renderer *renderer, struct amdvi_run *run);
    void (*page)(struct amdvi_renderer *renderer, struct amdvi_run *run,
                 const struct amdvi_page *page);
    /* @good: all pages were fetched */
    void (*end)(struct amdvi_renderer *renderer, struct amdvi_run *run,
                bool good);
    bool done;                  /* set by it: no further page is wanted */
};

/* Check a query: its arguments and filters.  Needs no target */
bool amdvi_query_check(const struct amdvi_view *view,
                       const struct amdvi_query *query,
                       struct amdvi_error *err);

/*
 * Show a view: fetch all pages and give the rows that pass the filters to
 * the renderer.  If it fails before the first row, nothing is rendered.
 */
bool amdvi_view_show(const struct amdvi_view *view,
                     struct amdvi_target *target,
                     const struct amdvi_query *query,
                     struct amdvi_renderer *renderer,
                     struct amdvi_error *err);

/* Enough for any number that amdvi_cell_format() writes */
#define AMDVI_CELL_BUFFER 32
/* Text of a cell: not empty, not sanitised, in @buf or owned by the cell */
const char *amdvi_cell_format(const struct amdvi_column *column,
                              const struct amdvi_cell *cell, char *buf);

#endif
