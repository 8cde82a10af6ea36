/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command "dump".  See dump.h.
 */
#include "command.h"
#include "dump.h"
#include "interrupt.h"

bool amdvi_run_dump(struct amdvi_session *session,
                    const struct amdvi_options *options,
                    struct amdvi_error *err)
{
    struct amdvi_target *target = amdvi_session_target(session, err);
    struct amdvi_dump_report report;

    if (!target) {
        return false;
    }
    /* a VM that is paused must go on */
    amdvi_interrupt_catch();
    if (!amdvi_dump_save(target, options, session->out, &report, err)) {
        return false;
    }
    /* not to stdout, which may be the dump */
    fputs("amdvi-inspect: ", stderr);
    amdvi_dump_tell(stderr, options->query.args[0], &report);
    return true;
}
