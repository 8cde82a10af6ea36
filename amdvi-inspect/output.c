/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the output of a command goes.  See output.h.
 */
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: read from @fd and become "sh -c @command" */
_Noreturn static void become(int fd, const char *command)
{
    signal(SIGPIPE, SIG_DFL);
    dup2(fd, STDIN_FILENO);
    close(fd);
    /* quit if it fits on one screen, keep colours, leave the screen alone */
    setenv("LESS", "FRX", 0);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

bool amdvi_output_pipe(struct amdvi_output *output, const char *command,
                       struct amdvi_error *err)
{
    int end[2];
    pid_t child;

    fflush(stdout);
    if (pipe(end) < 0) {
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot make a pipe: %s",
                          strerror(errno));
    }
    child = fork();
    if (child == 0) {
        close(end[1]);
        become(end[0], command);
    }
    close(end[0]);
    output->out = child > 0 ? fdopen(end[1], "w") : NULL;
    output->child = child;
    output->color_fd = end[1];
    if (!output->out) {
        close(end[1]);
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot run %s", command);
    }
    return true;
}

/* The user's pager, or NULL for none: "cat" and nothing say so */
static const char *pager_command(void)
{
    const char *pager = getenv("AMDVI_PAGER");

    if (!pager) {
        pager = getenv("PAGER");
    }
    if (!pager) {
        pager = "less";
    }
    return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
}

bool amdvi_output_open(struct amdvi_output *output, bool pager,
                       struct amdvi_error *err)
{
    const char *command = pager && isatty(STDOUT_FILENO) ? pager_command()
                                                         : NULL;

    *output = (struct amdvi_output){
        .out = stdout, .color_fd = STDOUT_FILENO,
    };
    if (command && !amdvi_output_pipe(output, command, err)) {
        return false;
    }
    /* a pager shows on the terminal what it gets */
    output->color_fd = STDOUT_FILENO;
    return true;
}

/* errno of what could not be written, or 0 */
static int finish(struct amdvi_output *output)
{
    bool bad;
    int error;

    errno = 0;
    bad = fflush(output->out) != 0 || ferror(output->out);
    error = bad ? (errno ? errno : EIO) : 0;
    if (output->child) {
        fclose(output->out);
        while (waitpid(output->child, NULL, 0) < 0 && errno == EINTR) {
            continue;
        }
    } else {
        clearerr(output->out);
    }
    return error;
}

bool amdvi_output_close(struct amdvi_output *output, struct amdvi_error *err)
{
    int error = finish(output);

    *output = (struct amdvi_output){ .out = stdout };
    return error == 0 || error == EPIPE ||
           amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot write the output: %s",
                      strerror(error));
}
