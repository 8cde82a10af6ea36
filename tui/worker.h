/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker: threads that own the session and its target.
 *
 * The user interface gives it jobs and never waits: what comes out is
 * posted, and a descriptor becomes readable.  Jobs are done in their order,
 * but for slow ones, which are done beside the others.
 */
#ifndef AMDVI_TUI_WORKER_H
#define AMDVI_TUI_WORKER_H

#include "session.h"
#include "snapshot.h"

/* What a screen is about */
struct amdvi_subject {
    char bdf[AMDVI_FIELD_TEXT];         /* "": no device */
    bool has_pasid;
    uint32_t pasid;
    bool priv;
    bool write;
    bool exec;
    bool has_address;
    uint64_t address;
    uint64_t from;                      /* mappings from there on */
};

enum amdvi_job_kind {
    AMDVI_JOB_SHOW,             /* take a snapshot of a view */
    AMDVI_JOB_LOOK,             /* only see whether the VM is there and runs */
    AMDVI_JOB_LINE,             /* a command line, into text */
    AMDVI_JOB_COMPLETE,         /* what may follow a line, one in a line */
    AMDVI_JOB_DUMP,             /* a state dump, into a file */
    AMDVI_JOB_FREEZE,           /* go on with a copy of the state */
    AMDVI_JOB_THAW,             /* back to the target itself */
    AMDVI_JOB_STOP,             /* pause the VM */
    AMDVI_JOB_CONTINUE,         /* let it run */
};

/* A job, and when it is done what came out */
struct amdvi_job {
    struct amdvi_job *next;     /* of the queue */
    enum amdvi_job_kind kind;
    unsigned int place;         /* of the asking: not looked at */
    unsigned int pane;
    unsigned int generation;
    const struct amdvi_view *view;      /* SHOW */
    struct amdvi_subject subject;
    const char *filter;         /* SHOW: or NULL */
    uint64_t from;              /* SHOW: only rows from this number on */
    size_t rows;                /* at most */
    bool slow;                  /* SHOW: others need not wait for it */
    bool live;                  /* DUMP, FREEZE: do not pause the VM */
    char *text;                 /* LINE, COMPLETE: words; DUMP: file.  Owned */
    /* what came out */
    struct amdvi_snapshot *snapshot;
    /* LINE: also if it failed; DUMP: a sentence; SHOW, LOOK: why it stopped */
    char *output;
    bool stopped;               /* SHOW, LOOK: the VM does not run */
    uint64_t queries;           /* that were sent for it */
    struct amdvi_error err;     /* code other than OK: it failed */
};

struct amdvi_worker;

/* Start it for @session, which is its own until it ends */
struct amdvi_worker *amdvi_worker_start(struct amdvi_session *session,
                                        struct amdvi_error *err);
/*
 * End it: what it waits for is given up, a VM that it has paused goes on.
 * The session is closed.
 */
void amdvi_worker_end(struct amdvi_worker *worker);

/* Becomes readable when a job is done */
int amdvi_worker_fd(const struct amdvi_worker *worker);

/* A job with all zeros; NULL: no memory */
struct amdvi_job *amdvi_job_new(enum amdvi_job_kind kind);
/* @job may be NULL */
void amdvi_job_free(struct amdvi_job *job);
/* Give it a job, which is the worker's from now on */
void amdvi_worker_give(struct amdvi_worker *worker, struct amdvi_job *job);
/* The next job that is done, which is the caller's; NULL: none yet */
struct amdvi_job *amdvi_worker_take(struct amdvi_worker *worker);

#endif
