/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See worker.h.
 */
#include "worker.h"
#include "command.h"
#include "dump.h"
#include "interrupt.h"
#include "lease.h"
#include "options.h"
#include "reply.h"
#include "shell.h"
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

/* Of the flight recorder, in a frozen state: each takes 2 KB */
#define FROZEN_RECORDS 2048

struct queue {
    struct amdvi_job *first;
    struct amdvi_job **last;
};

/* A thread and its jobs */
struct lane {
    struct amdvi_worker *worker;
    pthread_t thread;
    bool leave;
    struct queue todo;
};

struct amdvi_worker {
    struct amdvi_session *session;
    struct amdvi_gate gate;             /* to the session */
    struct amdvi_target *frozen;        /* a copy of the state, or NULL */
    int64_t frozen_ms;                  /* when it was made */
    bool paused;                        /* we have paused the VM */
    pthread_mutex_t lock;               /* of what follows */
    pthread_cond_t wake;
    struct lane fast;
    struct lane slow;
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
        .from = job->from ? job->from : subject->from,
        .rows = job->rows,
    };
    if (job->view->min_args > 0) {
        args[query->nargs++] = subject->bdf;
    }
    if (job->view->min_args > 1) {
        snprintf(address, AMDVI_CELL_BUFFER, "0x%" PRIx64, subject->address);
        args[query->nargs++] = address;
    }
    if (job->filter) {
        query->filter[query->nfilters++] = job->filter;
    }
    if (job->view->options & AMDVI_QUERY_LIMIT) {
        query->limit = job->rows;
    }
}

static void take_snapshot(struct amdvi_target *target, struct amdvi_job *job)
{
    char address[AMDVI_CELL_BUFFER];
    struct amdvi_query query;
    const char *args[2];

    fill_query(job, args, address, &query);
    job->snapshot = amdvi_snapshot_take(job->view, target, &query, job->rows);
    if (!job->snapshot) {
        amdvi_fail(&job->err, AMDVI_EXIT_FAILED, "out of memory");
        return;
    }
    if (query.limit && job->snapshot->nrows >= query.limit) {
        job->snapshot->more = true;
    }
    job->err = job->snapshot->err;
}

/* What a breakpoint has stopped the VM for, if one has */
static char *take_break(struct amdvi_target *target)
{
    struct json_object *data = target->ops->next_break
                               ? target->ops->next_break(target) : NULL;
    const char *kind = "breakpoint";
    char bdf[AMDVI_FIELD_TEXT] = "", *text = NULL;
    uint64_t device_id;

    if (!data) {
        return NULL;
    }
    amdvi_reply_text(data, "kind", &kind);
    if (amdvi_reply_number(data, "device-id", UINT16_MAX, &device_id)) {
        amdvi_format_bdf((uint16_t)device_id, bdf);
    }
    if (asprintf(&text, "the VM was stopped for: %s %s (p lets it go on)",
                 kind, bdf) < 0) {
        text = NULL;
    }
    json_object_put(data);
    return text;
}

/* Others may pause the VM, too */
static void look_if_running(struct amdvi_target *target,
                            struct amdvi_job *job)
{
    bool running = true;

    job->output = take_break(target);
    if (target->ops->running) {
        amdvi_target_running(target, &running, &job->err);
    }
    job->stopped = !running;
}

static void do_show(struct amdvi_worker *worker, struct amdvi_job *job)
{
    struct amdvi_target *target = current_target(worker, &job->err);

    if (!target) {
        return;
    }
    take_snapshot(target, job);
    if (worker->frozen && job->snapshot) {
        job->snapshot->still = true;
        job->snapshot->taken_ms = worker->frozen_ms;
    }
    if (worker->frozen) {
        return;
    }
    if (job->pane == 0 && job->err.code == AMDVI_EXIT_OK) {
        look_if_running(target, job);
    }
    if (job->err.code != AMDVI_EXIT_OK) {
        amdvi_session_failed(worker->session, &job->err);
    }
}

static void do_look(struct amdvi_worker *worker, struct amdvi_job *job)
{
    struct amdvi_target *target = amdvi_session_target(worker->session,
                                                       &job->err);

    if (target) {
        look_if_running(target, job);
    }
    if (target && job->err.code != AMDVI_EXIT_OK) {
        amdvi_session_failed(worker->session, &job->err);
    }
}

/* Beside the other jobs, one question at a time */
static void do_slowly(struct amdvi_worker *worker, struct amdvi_job *job)
{
    struct amdvi_target *target = amdvi_lease_new(&worker->gate, &job->err);

    if (target) {
        take_snapshot(target, job);
    }
    job->queries = amdvi_target_asked(target);
    amdvi_target_close(target);
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
    if (is_interactive(options->command) || options->query.follow ||
        options->query.wait) {
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

/* Candidates for the last word that is typed */
static void do_complete(struct amdvi_worker *worker, struct amdvi_job *job)
{
    struct amdvi_candidates candidates;
    struct amdvi_words words;
    size_t size;
    FILE *out = open_memstream(&job->output, &size);

    amdvi_words_typed(job->text, &words);
    if (out && words.text) {
        const char *typed = words.word[words.count - 1];

        amdvi_complete(worker->session, words.word, words.count,
                       &candidates);
        for (size_t i = 0; i < candidates.words.count; i++) {
            if (strncmp(candidates.words.string[i], typed,
                        strlen(typed)) == 0) {
                fprintf(out, "%s\n", candidates.words.string[i]);
            }
        }
        amdvi_strings_free(&candidates.words);
    }
    amdvi_words_free(&words);
    if (out) {
        fclose(out);
    }
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
    struct amdvi_dump_options options = {
        .live = live, .records = FROZEN_RECORDS,
    };
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
    if (stop ? amdvi_target_pause(target, true, &job->err)
             : amdvi_target_resume(target, &job->err)) {
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
    case AMDVI_JOB_LOOK:
        do_look(worker, job);
        break;
    case AMDVI_JOB_LINE:
        do_line(worker, job);
        break;
    case AMDVI_JOB_COMPLETE:
        do_complete(worker, job);
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

/* A target that is opened or closed meanwhile counts from 0 */
static void do_counted(struct amdvi_worker *worker, struct amdvi_job *job)
{
    uint64_t before = amdvi_target_asked(worker->session->target), after;

    do_job(worker, job);
    after = amdvi_target_asked(worker->session->target);
    job->queries = after - (after < before ? 0 : before);
}

/* NULL: the thread shall end */
static struct amdvi_job *next_job(struct lane *lane)
{
    struct amdvi_worker *worker = lane->worker;
    struct amdvi_job *job = NULL;

    pthread_mutex_lock(&worker->lock);
    while (!lane->leave && !lane->todo.first) {
        pthread_cond_wait(&worker->wake, &worker->lock);
    }
    if (!lane->leave) {
        job = queue_take(&lane->todo);
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

static void *run_fast(void *opaque)
{
    struct lane *lane = opaque;
    struct amdvi_job *job;

    while ((job = next_job(lane)) != NULL) {
        amdvi_gate_enter(&lane->worker->gate);
        do_counted(lane->worker, job);
        amdvi_gate_leave(&lane->worker->gate);
        post(lane->worker, job);
    }
    leave(lane->worker);
    return NULL;
}

static void *run_slow(void *opaque)
{
    struct lane *lane = opaque;
    struct amdvi_job *job;

    while ((job = next_job(lane)) != NULL) {
        do_slowly(lane->worker, job);
        post(lane->worker, job);
    }
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
static int start_thread(struct amdvi_worker *worker, struct lane *lane,
                        void *(*run)(void *))
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
    lane->worker = worker;
    result = pthread_create(&lane->thread, NULL, run, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

/* A wait that begins only after a signal is ended by the next one */
static void end_thread(struct amdvi_worker *worker, struct lane *lane)
{
    struct timespec until;

    pthread_mutex_lock(&worker->lock);
    lane->leave = true;
    pthread_cond_broadcast(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    do {
        pthread_kill(lane->thread, SIGUSR1);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += END_INTERVAL_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
    } while (pthread_timedjoin_np(lane->thread, NULL, &until) != 0);
}

static void free_queue(struct queue *queue)
{
    struct amdvi_job *job;

    while ((job = queue_take(queue)) != NULL) {
        amdvi_job_free(job);
    }
}

static void free_worker(struct amdvi_worker *worker)
{
    free_queue(&worker->fast.todo);
    free_queue(&worker->slow.todo);
    free_queue(&worker->done);
    amdvi_gate_destroy(&worker->gate);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->wake);
    close(worker->wakeup[0]);
    close(worker->wakeup[1]);
    free(worker);
}

static bool start_threads(struct amdvi_worker *worker)
{
    if (start_thread(worker, &worker->fast, run_fast) != 0) {
        return false;
    }
    if (start_thread(worker, &worker->slow, run_slow) != 0) {
        end_thread(worker, &worker->fast);
        return false;
    }
    return true;
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
    amdvi_gate_init(&worker->gate, session);
    queue_init(&worker->fast.todo);
    queue_init(&worker->slow.todo);
    queue_init(&worker->done);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->wake, NULL);
    if (!start_threads(worker)) {
        amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot start a thread");
        free_worker(worker);
        return NULL;
    }
    return worker;
}

void amdvi_worker_end(struct amdvi_worker *worker)
{
    amdvi_interrupt_set(true);
    /* it borrows what the other closes */
    end_thread(worker, &worker->slow);
    end_thread(worker, &worker->fast);
    amdvi_interrupt_set(false);
    free_worker(worker);
}

int amdvi_worker_fd(const struct amdvi_worker *worker)
{
    return worker->wakeup[0];
}

void amdvi_worker_give(struct amdvi_worker *worker, struct amdvi_job *job)
{
    pthread_mutex_lock(&worker->lock);
    queue_put(job->slow ? &worker->slow.todo : &worker->fast.todo, job);
    pthread_cond_broadcast(&worker->wake);
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
