/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of dumps: under a temporary name until complete, and compressed
 * if the name says so.  See dump.h.
 */
#include "dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static ssize_t write_gz(void *cookie, const char *buf, size_t size)
{
    int n = gzwrite(cookie, buf, (unsigned int)size);

    return n > 0 ? n : 0;
}

static bool is_gz(const char *path)
{
    size_t length = strlen(path);

    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

static bool failed(const struct amdvi_dump_file *file,
                   struct amdvi_error *err)
{
    return amdvi_fail(err, AMDVI_EXIT_FAILED, "cannot write %s: %s",
                      file->path, strerror(errno ? errno : EIO));
}

/* The stream over the descriptor of the temporary file */
static FILE *open_stream(struct amdvi_dump_file *file, int fd)
{
    static const cookie_io_functions_t functions = { .write = write_gz };

    if (!is_gz(file->path)) {
        return fdopen(fd, "w");
    }
    file->gz = gzdopen(fd, "wb");
    return file->gz ? fopencookie(file->gz, "w", functions) : NULL;
}

bool amdvi_dump_file_open(const char *path, struct amdvi_dump_file *file,
                          struct amdvi_error *err)
{
    int fd;

    *file = (struct amdvi_dump_file){ .path = path, .out = stdout };
    if (strcmp(path, "-") == 0) {
        return true;
    }
    if (asprintf(&file->temporary, "%s.XXXXXX", path) < 0) {
        file->temporary = NULL;
        return amdvi_fail(err, AMDVI_EXIT_FAILED, "out of memory");
    }
    fd = mkstemp(file->temporary);
    file->out = fd >= 0 ? open_stream(file, fd) : NULL;
    if (!file->out) {
        failed(file, err);
        if (fd >= 0) {
            unlink(file->temporary);
            close(fd);
        }
        free(file->temporary);
        return false;
    }
    return true;
}

/* Everything is in the file; it still has its temporary name */
static bool flush(struct amdvi_dump_file *file)
{
    bool good = fflush(file->out) == 0 && !ferror(file->out);

    if (file->temporary) {
        good = fclose(file->out) == 0 && good;
    }
    if (file->gz) {
        good = gzclose(file->gz) == Z_OK && good;
    }
    return good;
}

bool amdvi_dump_file_close(struct amdvi_dump_file *file, bool good,
                           struct amdvi_error *err)
{
    bool flushed;

    errno = 0;
    flushed = flush(file);
    if (good && (!flushed || (file->temporary &&
                              rename(file->temporary, file->path) < 0))) {
        good = failed(file, err);
    }
    if (!good && file->temporary) {
        unlink(file->temporary);
    }
    free(file->temporary);
    return good;
}

void amdvi_dump_tell(FILE *out, const char *path,
                     const struct amdvi_dump_report *report)
{
    fprintf(out, "%s: %zu pages of tables", path, report->pages);
    if (report->paused) {
        fprintf(out, "; the VM was paused for %" PRIu64 ".%03" PRIu64 " ms",
                report->pause_us / 1000, report->pause_us % 1000);
    } else {
        fprintf(out, "; the VM was not paused");
    }
    fprintf(out, "%s\n", report->complete
            ? "" : "; some tables are left out, see --tables");
}

bool amdvi_dump_save(struct amdvi_target *target,
                     const struct amdvi_options *options, FILE *out,
                     struct amdvi_dump_report *ret, struct amdvi_error *err)
{
    struct amdvi_dump_options dump_options = {
        .reason = options->reason, .live = options->live,
        .has_tables = options->has_tables, .tables = options->tables,
    };
    struct amdvi_dump_file file;
    bool good;

    if (!amdvi_dump_file_open(options->query.args[0], &file, err)) {
        return false;
    }
    if (!file.temporary) {
        file.out = out;
    }
    good = amdvi_dump_write(target, file.out, &dump_options, ret, err);
    return amdvi_dump_file_close(&file, good, err);
}
