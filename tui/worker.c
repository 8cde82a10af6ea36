/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See worker.h.
 */
#include "worker.h"
#include "command.h"
#include "dump.h"
#include "interrupt.h"
#include "options.h"
#include "socket.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* How often a thread that shall end is told so */
#define END_INTERVAL_NS 20000000L

struct queue {
    struct amdvi_job *first;
    struct amdvi_job **last;
};

struct amdvi_worker {
    struct amdvi_session *session;
    struct amdvi_target *frozen;        /* a copy of the state, or NULL */
    int64_t frozen_ms;                  /* when it was made */
    bool paused;                        /* we have paused the VM */
    pthread_t thread;
    pthread_mutex_t lock;               /* of what follows */
    pthread_cond_t wake;
    bool leave;
    struct queue todo;
    struct queue done;
    int wakeup[2];              /* a pipe: a byte for each job done */
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static void queue_put(struct queue *queue, struct amdvi_job *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

static struct amdvi_job *queue_take(struct queue *queue)
{
    struct amdvi_job *job = queue->first;

    if (job) {
        queue->first = job->next;
        if (!queue->first) {
            queue->last = &queue->first;
        }
    }
    return job;
}

struct amdvi_job *amdvi_job_new(enum amdvi_job_kind kind)
{
    struct amdvi_job *job = calloc(1, sizeof(*job));

    if (job) {
        job->kind = kind;
    }
    return job;
}

void amdvi_job_free(struct amdvi_job *job)
{
    if (job) {
        amdvi_snapshot_free(job->snapshot);
        free(job->text);
        free(job->output);
    }
    free(job);
}

/* The copy while there is one; NULL: not connected */
static struct amdvi_target *current_target(struct amdvi_worker *worker,
                                           struct amdvi_error *err)
{
    return worker->frozen ? worker->frozen
                          : amdvi_session_target(worker->session, err);
}

/* The arguments and options of a view from what the screen is about */
static void fill_query(const struct amdvi_job *job,
                       const char *args[2], char address[AMDVI_CELL_BUFFER],
                       struct amdvi_query *query)
{
    const struct amdvi_subject *subject = &job->subject;

    *query = (struct amdvi_query){
        .args = args, .has_pasid = subject->has_pasid,
        .pasid = subject->pasid, .priv = subject->priv,
        .write = subject->write, .exec = subject->exec,
    };
    if (job->view->min_args > 0) {
        args[query->nargs++] = subject->bdf;
    }
    if (job->view->min_args > 1) {
        snprintf(address, AMDVI_CELL_BUFFER, "0x%" PRIx64, subject->address);
        args[query->nargs++] = address;
    }
    if (job->view->options & AMDVI_QUERY_LIMIT) {
        query->limit = job->rows;
    }
}

static void do_show(struct amdvi_worker *worker, struct amdvi_job *job)
{
    char address[AMDVI_CELL_BUFFER];
    struct amdvi_target *target = current_target(worker, &job->err);
    struct amdvi_query query;
    const char *args[2];

    if (!target) {
        return;
    }
    fill_query(job, args, address, &query);
    job->snapshot = amdvi_snapshot_take(job->view, target, &query, job->rows);
    if (!job->snapshot) {
        amdvi_fail(&job->err, AMDVI_EXIT_FAILED, "out of memory");
        return;
    }
    if (query.limit && job->snapshot->nrows >= query.limit) {
        job->snapshot->more = true;
    }
    if (worker->frozen) {
        job->snapshot->still = true;
        job->snapshot->taken_ms = worker->frozen_ms;
    }
    job->err = job->snapshot->err;
    if (!worker->frozen && job->err.code != AMDVI_EXIT_OK) {
        amdvi_session_failed(worker->session, &job->err);
    }
}

/* Commands that would take the terminal for themselves */
static bool is_interactive(const char *command)
{
    return strcmp(command, "shell") == 0 || strcmp(command, "tui") == 0;
}

static bool run_options(struct amdvi_worker *worker,
                        struct amdvi_options *options,
                        struct amdvi_error *err)
{
    struct amdvi_session *session = worker->session;
    struct amdvi_session frozen = {
        .options = session->options, .target = worker->frozen,
        .out = session->out, .color_fd = session->color_fd,
    };
    bool good;

    if (options->connection) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE,
                          "--%s belongs on the command line of the program",
                          options->connection);
    }
    if (options->help || !options->command) {
        options->args[0] = options->command;
        options->query.nargs = options->command ? 1 : 0;
        options->command = "help";
        options->view_options = 0;
    }
    if (is_interactive(options->command) || options->query.follow) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "not in here: %s",
                          options->command);
    }
    good = amdvi_session_run(worker->frozen ? &frozen : session, options,
                             err);
    worker->frozen = frozen.target;
    return good;
}

static bool run_words(struct amdvi_worker *worker, struct amdvi_words *words,
                      struct amdvi_error *err)
{
    char *argv[AMDVI_MAX_WORDS_OF_LINE + 2] = { (char *)"amdvi-inspect" };
    struct amdvi_options options;
    bool good;

    if (words->pipe) {
        return amdvi_fail(err, AMDVI_EXIT_USAGE, "no pipes in here");
    }
    memcpy(argv + 1, words->word, words->count * sizeof(argv[0]));
    good = amdvi_options_parse((int)words->count + 1, argv, &options, err) &&
           run_options(worker, &options, err);
    free(options.args);
    return good;
}

static void do_line(struct amdvi_worker *worker, struct amdvi_job *job)
{
    const char *line = job->text;
    size_t size;
    FILE *out = open_memstream(&job->output, &size);
    bool good = true;

    if (!out) {
        amdvi_fail(&job->err, AMDVI_EXIT_FAILED, "out of memory");
        return;
    }
    worker->session->out = out;
    worker->session->color_fd = -1;
    while (good && line) {
        struct amdvi_words words;

        good = amdvi_words_take(&line, &words, &job->err) &&
               run_words(worker, &words, &job->err);
        amdvi_words_free(&words);
    }
    fclose(out);
}

static void do_dump(struct amdvi_worker *worker, struct amdvi_job *job)
{
    struct amdvi_dump_options options = {
        .live = job->live || worker->paused,
    };
    struct amdvi_target *target = current_target(worker, &job->err);
    struct amdvi_dump_report report;
    struct amdvi_dump_file file;
    bool good;

    if (!target || !amdvi_dump_file_open(job->text, &file, &job->err)) {
        return;
    }
    if (!file.temporary) {
        amdvi_fail(&job->err, AMDVI_EXIT_USAGE, "not a file: -");
        return;
    }
    good = amdvi_dump_write(target, file.out, &options, &report, &job->err);
    good = amdvi_dump_file_close(&file, good, &job->err);
    if (good && asprintf(&job->output, "%s: %zu pages of tables, the VM was "
                         "%s", job->text, report.pages,
                         report.paused ? "paused meanwhile" :
                         "not paused") < 0) {
        job->output = NULL;
    }
}

/* A dump that is in no folder */
static bool copy_state(struct amdvi_target *target, FILE *out, bool live,
                       struct amdvi_target **ret, struct amdvi_error *err)
{
    struct amdvi_dump_options options = { .live = live };
    struct amdvi_dump_report report;
    char path[64];

    if (!amdvi_dump_write(target, out, &options, &report, err) ||
        fflush(out) != 0) {
        return false;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(out));
    *ret = amdvi_target_open_dump(path, err);
    return *ret != NULL;
}

static void do_freeze(struct amdvi_worker *worker, struct amdvi_job *job)
{
    struct amdvi_target *target = current_target(worker, &job->err);
    int fd = target ? memfd_create("amdvi-inspect", MFD_CLOEXEC) : -1;
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (target && !out) {
        amdvi_fail(&job->err, AMDVI_EXIT_FAILED, "no room for a copy: %s",
                   strerror(errno));
    }
    if (out && !copy_state(target, out, job->live || worker->paused,
                           &worker->frozen, &job->err)) {
        amdvi_session_failed(worker->session, &job->err);
    }
    worker->frozen_ms = amdvi_clock_ms();
    if (out) {
        fclose(out);
    } else if (fd >= 0) {
        close(fd);
    }
}

static void do_pause(struct amdvi_worker *worker, struct amdvi_job *job)
{
    bool stop = job->kind == AMDVI_JOB_STOP;
    struct amdvi_target *target =
        amdvi_session_target(worker->session, &job->err);

    if (!target) {
        return;
    }
    if (amdvi_target_pause(target, stop, &job->err)) {
        worker->paused = stop;
    } else {
        amdvi_session_failed(worker->session, &job->err);
    }
}

static void do_thaw(struct amdvi_worker *worker)
{
    amdvi_target_close(worker->frozen);
    worker->frozen = NULL;
}

static void do_job(struct amdvi_worker *worker, struct amdvi_job *job)
{
    switch (job->kind) {
    case AMDVI_JOB_SHOW:
        do_show(worker, job);
        break;
    case AMDVI_JOB_LINE:
        do_line(worker, job);
        break;
    case AMDVI_JOB_DUMP:
        do_dump(worker, job);
        break;
    case AMDVI_JOB_FREEZE:
        do_freeze(worker, job);
        break;
    case AMDVI_JOB_THAW:
        do_thaw(worker);
        break;
    case AMDVI_JOB_STOP:
    case AMDVI_JOB_CONTINUE:
        do_pause(worker, job);
        break;
    }
}

/* NULL: the thread shall end */
static struct amdvi_job *next_job(struct amdvi_worker *worker)
{
    struct amdvi_job *job = NULL;

    pthread_mutex_lock(&worker->lock);
    while (!worker->leave && !worker->todo.first) {
        pthread_cond_wait(&worker->wake, &worker->lock);
    }
    if (!worker->leave) {
        job = queue_take(&worker->todo);
    }
    pthread_mutex_unlock(&worker->lock);
    return job;
}

/* A full pipe says the same as one more byte */
static void post(struct amdvi_worker *worker, struct amdvi_job *job)
{
    ssize_t n;

    pthread_mutex_lock(&worker->lock);
    queue_put(&worker->done, job);
    pthread_mutex_unlock(&worker->lock);
    do {
        n = write(worker->wakeup[1], "", 1);
    } while (n < 0 && errno == EINTR && !amdvi_interrupt_get());
}

/* What holds for the VM must hold also when we are told to end */
static void leave(struct amdvi_worker *worker)
{
    struct amdvi_error ignored;

    do_thaw(worker);
    amdvi_session_resume(worker->session, &ignored);
    amdvi_session_close(worker->session);
}

static void *run(void *opaque)
{
    struct amdvi_worker *worker = opaque;
    struct amdvi_job *job;

    while ((job = next_job(worker)) != NULL) {
        do_job(worker, job);
        post(worker, job);
    }
    leave(worker);
    return NULL;
}

static void on_wake(int number)
{
    (void)number;
}

/*
 * Signals are for the user interface, but for one that ends the waits of
 * the worker.
 */
static int start_thread(struct amdvi_worker *worker)
{
    struct sigaction action = { .sa_handler = on_wake };
    sigset_t all, before;
    int result;

    sigaction(SIGUSR1, &action, NULL);
    sigfillset(&all);
    sigdelset(&all, SIGUSR1);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

struct amdvi_worker *amdvi_worker_start(struct amdvi_session *session,
                                        struct amdvi_error *err)
{
    struct amdvi_worker *worker = calloc(1, sizeof(*worker));

    if (!worker || pipe2(worker->wakeup, O_CLOEXEC | O_NONBLOCK) < 0) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot make a pipe");
        free(worker);
        return NULL;
    }
    worker->session = session;
    queue_init(&worker->todo);
    queue_init(&worker->done);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    if (start_thread(worker) != 0) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot start a thread");
        close(worker->wakeup[0]);
        close(worker->wakeup[1]);
        free(worker);
        return NULL;
    }
    return worker;
}

/* A wait that begins only after a signal is ended by the next one */
static void join(struct amdvi_worker *worker)
{
    struct timespec until;

    do {
        pthread_kill(worker->thread, SIGUSR1);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += END_INTERVAL_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
    } while (pthread_timedjoin_np(worker->thread, NULL, &until) != 0);
}

static void free_queue(struct queue *queue)
{
    struct amdvi_job *job;

    while ((job = queue_take(queue)) != NULL) {
        amdvi_job_free(job);
    }
}

void amdvi_worker_end(struct amdvi_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->leave = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    amdvi_interrupt_set(true);
    join(worker);
    amdvi_interrupt_set(false);
    free_queue(&worker->todo);
    free_queue(&worker->done);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->wake);
    close(worker->wakeup[0]);
    close(worker->wakeup[1]);
    free(worker);
}

int amdvi_worker_fd(const struct amdvi_worker *worker)
{
    return worker->wakeup[0];
}

void amdvi_worker_give(struct amdvi_worker *worker, struct amdvi_job *job)
{
    pthread_mutex_lock(&worker->lock);
    queue_put(&worker->todo, job);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

struct amdvi_job *amdvi_worker_take(struct amdvi_worker *worker)
{
    struct amdvi_job *job;
    char byte;

    pthread_mutex_lock(&worker->lock);
    job = queue_take(&worker->done);
    pthread_mutex_unlock(&worker->lock);
    if (job && read(worker->wakeup[0], &byte, 1) < 0) {
        /* its byte is still on the way, and will be one too many */
    }
    return job;
}
