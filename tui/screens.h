/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Screens: a table.  A screen is a few views below each other; its columns,
 * facts and rows are those of the views.
 */
#ifndef AMDVI_TUI_SCREENS_H
#define AMDVI_TUI_SCREENS_H

#include "view.h"

#define AMDVI_MAX_PANES 3

enum amdvi_screen_id {
    AMDVI_SCREEN_OVERVIEW,
    AMDVI_SCREEN_DEVICES,
    AMDVI_SCREEN_DEVICE,
    AMDVI_SCREEN_PASIDS,
    AMDVI_SCREEN_MAPPINGS,
    AMDVI_SCREEN_WALK,
    AMDVI_SCREEN_IOTLB,
    AMDVI_SCREEN_PPR,
    AMDVI_SCREEN_EVENTS,
    AMDVI_SCREEN_COMMANDS,
    AMDVI_SCREEN_REGISTERS,
    AMDVI_SCREEN_TRACE,
    AMDVI_SCREEN_CHECK,
    AMDVI_SCREEN_INTERRUPTS,
    AMDVI_SCREEN_OUTPUT,        /* of a command; no view */
    AMDVI_SCREEN_HELP,          /* no view */
    AMDVI_NUM_SCREENS
};

/* A column that is computed from others, before those that the view has */
enum amdvi_meter {
    AMDVI_METER_NONE,
    AMDVI_METER_GAUGE,          /* value of limit */
    AMDVI_METER_RATE,           /* value per second, and how it went */
};

/* Why data is asked for */
enum amdvi_occasion {
    AMDVI_ON_TICK,              /* time has passed */
    AMDVI_ON_ENTRY,             /* the screen was entered */
    AMDVI_ON_REQUEST,           /* the user wants it */
};

struct amdvi_screen_pane {
    const struct amdvi_view *view;
    size_t ids;                 /* leading columns that say which row it is */
    bool seldom;                /* costs much: asked for now and then */
    const char *state;          /* key of a column that is doubted at first */
    const char *number;         /* key of a column that only grows, or NULL */
    const char *hidden;         /* columns that are not drawn: keys, or NULL */
    const char *spare;          /* as many of these as there is no room for */
    const char *filter;         /* only such rows, as with --filter */
    size_t rows;                /* at most; 0: as many as are wanted */
    bool newest_first;          /* the view has the newest row last */
    bool facts_below;           /* its facts stand below all panes */
    enum amdvi_meter meter;
    const char *meter_title;
    const char *value;          /* key of a column */
    const char *limit;          /* key of a column, of a gauge */
    /* Where Enter goes, with the subject from the columns of these keys */
    bool follows;
    enum amdvi_screen_id to;
    const char *bdf;
    const char *pasid;
    const char *address;
    bool steps;                 /* of a walk: Enter follows their pointers */
};

struct amdvi_screen {
    const char *name;           /* in lower case, for ":screen" */
    const char *title;
    char key;                   /* 0: has none */
    bool needs_bdf;
    bool needs_address;
    bool from_address;          /* may begin at one that a step leads to */
    bool newest_last;           /* begins at the end, and stays there */
    struct amdvi_screen_pane pane[AMDVI_MAX_PANES];
};

extern const struct amdvi_screen amdvi_screens[AMDVI_NUM_SCREENS];

/* Number of panes with a view */
size_t amdvi_screen_panes(const struct amdvi_screen *screen);
/* The screen with this view in its first pane; false: there is none */
bool amdvi_screen_of_view(const struct amdvi_view *view,
                          enum amdvi_screen_id *ret);

#endif
