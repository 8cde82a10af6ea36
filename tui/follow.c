/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a line leads to: another screen, and what that is about then.
 * See tui.h.
 */
#include "tui.h"

#include <stdio.h>
#include <string.h>

static struct amdvi_cell cell_of(const struct amdvi_place *place,
                                 const struct amdvi_line *line,
                                 const char *key)
{
    const struct amdvi_snapshot *snapshot =
        amdvi_place_shown(place, line->pane);

    return amdvi_snapshot_cell(snapshot, line->row,
                               amdvi_snapshot_column(snapshot, key));
}

/* The subject of what is under the cursor, from the columns of the pane */
static struct amdvi_subject subject_of(struct amdvi_tui *tui)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    const struct amdvi_line *line = amdvi_place_line(place);
    const struct amdvi_screen_pane *pane = &place->screen->pane[line->pane];
    struct amdvi_subject subject = tui->subject;

    subject.from = 0;
    if (pane->bdf) {
        struct amdvi_cell cell = cell_of(place, line, pane->bdf);

        if (cell.known) {
            snprintf(subject.bdf, sizeof(subject.bdf), "%s", cell.text);
        }
        subject.has_pasid = false;
    }
    if (pane->pasid) {
        struct amdvi_cell cell = cell_of(place, line, pane->pasid);

        subject.has_pasid = cell.known;
        subject.pasid = (uint32_t)cell.number;
    }
    if (pane->address) {
        struct amdvi_cell cell = cell_of(place, line, pane->address);

        subject.has_address = cell.known;
        subject.address = cell.number;
    }
    return subject;
}

/* A field of the record by its id */
static bool get_field(const struct amdvi_record *record, const char *id,
                      uint64_t *ret)
{
    const struct amdvi_field *field =
        record->layout ? amdvi_field_by_id(record->layout, id) : NULL;

    if (field) {
        *ret = amdvi_field_get(field, record->words);
    }
    return field != NULL;
}

/* The request that a log entry or command is about; false: about none */
static bool subject_of_record(const struct amdvi_record *record,
                              struct amdvi_subject *subject)
{
    uint64_t device, pasid = 0, address, write = 0, gn = 1;

    if (!get_field(record, "device_id", &device) ||
        !get_field(record, "addr", &address)) {
        return false;
    }
    amdvi_format_bdf((uint16_t)device, subject->bdf);
    /* an entry without this bit always has a PASID */
    get_field(record, "gn", &gn);
    subject->has_pasid = get_field(record, "pasid", &pasid) && gn;
    subject->pasid = (uint32_t)pasid;
    if (!get_field(record, "w", &write)) {
        get_field(record, "rw", &write);
    }
    subject->write = write != 0;
    subject->exec = false;
    subject->has_address = true;
    subject->address = address;
    return true;
}

bool amdvi_tui_lead_to_walk(struct amdvi_tui *tui,
                            struct amdvi_subject *ret)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    const struct amdvi_line *line = amdvi_place_line(place);
    struct amdvi_record record;

    *ret = subject_of(tui);
    return place->screen->pane[line->pane].address ||
           (amdvi_snapshot_record(amdvi_place_shown(place, line->pane),
                                  line->row, &record) &&
            subject_of_record(&record, ret));
}

/* log2 of the bytes that an entry of a page table of this level maps */
static unsigned int level_shift(uint64_t level)
{
    return level >= 1 && level <= 6 ? 12 + 9 * (unsigned int)(level - 1) : 0;
}

/* Whether a step is one of that stage */
static bool is_stage(const struct amdvi_snapshot *snapshot, size_t row,
                     const char *stage)
{
    struct amdvi_cell cell = amdvi_snapshot_cell(
        snapshot, row, amdvi_snapshot_column(snapshot, "stage"));

    return cell.known && strcmp(cell.text, stage) == 0;
}

/* Whether what a device does without a PASID goes through guest tables, too */
static bool has_guest_step(const struct amdvi_snapshot *snapshot)
{
    for (size_t row = 0; row < snapshot->nrows; row++) {
        if (is_stage(snapshot, row, "guest")) {
            return true;
        }
    }
    return false;
}

/* The DTE points to the GCR3 table, or to that of its host addresses */
static bool follow_dte(const struct amdvi_snapshot *snapshot, size_t row,
                       struct amdvi_subject *subject,
                       enum amdvi_screen_id *ret)
{
    (void)snapshot;
    (void)row;
    *ret = subject->has_pasid ? AMDVI_SCREEN_PASIDS : AMDVI_SCREEN_MAPPINGS;
    return true;
}

/* Its lowest level points to the table of a PASID */
static bool follow_gcr3(const struct amdvi_snapshot *snapshot, size_t row,
                        struct amdvi_subject *subject,
                        enum amdvi_screen_id *ret)
{
    uint64_t level = amdvi_snapshot_cell(
        snapshot, row, amdvi_snapshot_column(snapshot, "level")).number;

    (void)subject;
    *ret = level == 1 ? AMDVI_SCREEN_MAPPINGS : AMDVI_SCREEN_PASIDS;
    return true;
}

/* What the tables below an entry map, from the first address it is for */
static bool follow_guest(const struct amdvi_snapshot *snapshot, size_t row,
                         struct amdvi_subject *subject,
                         enum amdvi_screen_id *ret)
{
    uint64_t level = amdvi_snapshot_cell(
        snapshot, row, amdvi_snapshot_column(snapshot, "level")).number;
    uint64_t input = amdvi_snapshot_cell(
        snapshot, row, amdvi_snapshot_column(snapshot, "input")).number;

    *ret = AMDVI_SCREEN_MAPPINGS;
    subject->from = input >> level_shift(level) << level_shift(level);
    return true;
}

/* A host table below guest tables is that of requests without a PASID */
static bool follow_host(const struct amdvi_snapshot *snapshot, size_t row,
                        struct amdvi_subject *subject,
                        enum amdvi_screen_id *ret)
{
    if (!subject->has_pasid && has_guest_step(snapshot)) {
        return false;
    }
    subject->has_pasid = false;
    return follow_guest(snapshot, row, subject, ret);
}

static const struct {
    const char *stage;
    const char *present;        /* the field that says there is a pointer */
    bool (*follow)(const struct amdvi_snapshot *snapshot, size_t row,
                   struct amdvi_subject *subject, enum amdvi_screen_id *ret);
} stages[] = {
    { "DTE", "v", follow_dte },
    { "GCR3", "v", follow_gcr3 },
    { "guest", "p", follow_guest },
    { "host", "pr", follow_host },
};

/* Where the entry that a walk has met points to; false: nowhere */
static bool follow_step(const struct amdvi_snapshot *snapshot, size_t row,
                        struct amdvi_subject *subject,
                        enum amdvi_screen_id *ret)
{
    struct amdvi_record record;
    uint64_t present = 0;

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        if (is_stage(snapshot, row, stages[i].stage)) {
            return amdvi_snapshot_record(snapshot, row, &record) &&
                   get_field(&record, stages[i].present, &present) &&
                   present && stages[i].follow(snapshot, row, subject, ret);
        }
    }
    return false;
}

bool amdvi_tui_lead(struct amdvi_tui *tui, enum amdvi_screen_id *ret_screen,
                    struct amdvi_subject *ret)
{
    const struct amdvi_place *place = amdvi_tui_place(tui);
    const struct amdvi_line *line = amdvi_place_line(place);
    const struct amdvi_screen_pane *pane = &place->screen->pane[line->pane];

    *ret = subject_of(tui);
    *ret_screen = pane->to;
    return pane->follows ||
           (pane->steps &&
            follow_step(amdvi_place_shown(place, line->pane), line->row, ret,
                        ret_screen));
}
