/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command "dump".  See dump.h.
 */
#include "command.h"
#include "dump.h"
#include "interrupt.h"

#include <inttypes.h>

/* What was done, on stderr: stdout may be the dump */
static void tell(const char *path, const struct amdvi_dump_report *report)
{
    fprintf(stderr, "amdvi-inspect: %s: %zu pages of tables", path,
            report->pages);
    if (report->paused) {
        fprintf(stderr, "; the VM was paused for %" PRIu64 ".%03" PRIu64
                " ms", report->pause_us / 1000, report->pause_us % 1000);
    } else {
        fprintf(stderr, "; the VM was not paused");
    }
    fprintf(stderr, "%s\n", report->complete
            ? "" : "; some tables are left out, see --tables");
}

bool amdvi_run_dump(struct amdvi_session *session,
                    const struct amdvi_options *options,
                    struct amdvi_error *err)
{
    struct amdvi_dump_options dump_options = {
        .reason = options->reason, .live = options->live,
        .has_tables = options->has_tables, .tables = options->tables,
    };
    const char *path = options->query.args[0];
    struct amdvi_target *target = amdvi_session_target(session, err);
    struct amdvi_dump_report report;
    struct amdvi_dump_file file;
    bool good;

    if (!target || !amdvi_dump_file_open(path, &file, err)) {
        return false;
    }
    if (!file.temporary) {
        file.out = session->out;
    }
    /* a VM that is paused must go on */
    amdvi_interrupt_catch();
    good = amdvi_dump_write(target, file.out, &dump_options, &report, err);
    good = amdvi_dump_file_close(&file, good, err);
    if (good) {
        tell(path, &report);
    }
    return good;
}
