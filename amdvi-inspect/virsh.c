/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run virsh.  See virsh.h.
 */
#include "virsh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Milliseconds in which a virsh that was told to end has to */
#define END_TRIES 1000

extern char **environ;

/* No shell is involved: domain and message are words of their own */
static int spawn(const char *domain, const char *message, int out,
                 pid_t *ret_pid)
{
    char *const argv[] = {
        (char *)"virsh", (char *)"--quiet", (char *)"qemu-monitor-command",
        (char *)"--domain", (char *)domain, (char *)"--cmd", (char *)message,
        NULL,
    };
    posix_spawn_file_actions_t actions;
    int result = posix_spawn_file_actions_init(&actions);

    if (result) {
        return result;
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    result = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int amdvi_virsh_start(const char *domain, const char *message,
                      pid_t *ret_pid, struct amdvi_error *err)
{
    int fd[2], result;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0) {
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "cannot run virsh: %s",
                   strerror(errno));
        return -1;
    }
    result = spawn(domain, message, fd[1], ret_pid);
    close(fd[1]);
    if (result) {
        close(fd[0]);
        amdvi_fail(err, AMDVI_EXIT_CONNECTION, "cannot run virsh: %s",
                   strerror(result));
        return -1;
    }
    fcntl(fd[0], F_SETFL, fcntl(fd[0], F_GETFL) | O_NONBLOCK);
    return fd[0];
}

/* Whether it ends by itself, within a limit */
static bool ends(pid_t pid, int *status)
{
    for (int i = 0; i < END_TRIES; i++) {
        if (waitpid(pid, status, WNOHANG) != 0) {
            return true;
        }
        poll(NULL, 0, 1);
    }
    return false;
}

bool amdvi_virsh_end(pid_t pid)
{
    int status = 0;

    kill(pid, SIGTERM);
    if (!ends(pid, &status)) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            continue;
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
