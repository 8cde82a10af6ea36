/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of screens.  See screens.h.
 */
#include "screens.h"

#define AMDVI_VIEW(id) extern const struct amdvi_view amdvi_view_##id;
#include "views.def"
#undef AMDVI_VIEW

const struct amdvi_screen amdvi_screens[AMDVI_NUM_SCREENS] = {
    [AMDVI_SCREEN_OVERVIEW] = {
        .name = "overview", .title = "Overview", .key = '1',
        .pane = {
            { .view = &amdvi_view_status, .ids = 1, .facts_below = true,
              .spare = "base head tail",
              .meter = AMDVI_METER_GAUGE, .meter_title = "Used",
              .value = "pending", .limit = "entries" },
            { .view = &amdvi_view_stats, .ids = 2, .hidden = "pasid",
              .meter = AMDVI_METER_RATE, .meter_title = "Requests/s",
              .value = "requests",
              .follows = true, .to = AMDVI_SCREEN_MAPPINGS,
              .bdf = "bdf", .pasid = "pasid" },
            { .view = &amdvi_view_check, .ids = 4, .seldom = true },
        },
    },
    [AMDVI_SCREEN_DEVICES] = {
        .name = "devices", .title = "Devices", .key = '2',
        .pane = {
            { .view = &amdvi_view_devices, .ids = 1, .follows = true,
              .to = AMDVI_SCREEN_DEVICE, .bdf = "bdf" },
        },
    },
    [AMDVI_SCREEN_DEVICE] = {
        .name = "device", .title = "Device", .key = '3', .needs_bdf = true,
        .pane = {
            { .view = &amdvi_view_device, .ids = 1, .follows = true,
              .to = AMDVI_SCREEN_PASIDS, .bdf = "bdf" },
        },
    },
    [AMDVI_SCREEN_PASIDS] = {
        .name = "pasids", .title = "PASIDs", .key = '4', .needs_bdf = true,
        .pane = {
            { .view = &amdvi_view_pasids, .ids = 1, .follows = true,
              .to = AMDVI_SCREEN_MAPPINGS, .pasid = "pasid" },
        },
    },
    [AMDVI_SCREEN_MAPPINGS] = {
        .name = "mappings", .title = "Mappings", .key = '5',
        .needs_bdf = true, .from_address = true,
        .pane = {
            { .view = &amdvi_view_maps, .ids = 1, .follows = true,
              .to = AMDVI_SCREEN_WALK, .address = "first" },
        },
    },
    [AMDVI_SCREEN_WALK] = {
        .name = "walk", .title = "Walk", .key = '6', .needs_bdf = true,
        .needs_address = true,
        .pane = { { .view = &amdvi_view_walk, .ids = 4, .steps = true } },
    },
    [AMDVI_SCREEN_IOTLB] = {
        .name = "iotlb", .title = "IOTLB", .key = '7',
        .pane = {
            { .view = &amdvi_view_iotlb, .ids = 5, .state = "state",
              .follows = true,
              .to = AMDVI_SCREEN_WALK, .bdf = "bdf", .pasid = "pasid",
              .address = "address" },
        },
    },
    [AMDVI_SCREEN_PPR] = {
        .name = "ppr", .title = "Page requests", .key = '8',
        .pane = {
            { .view = &amdvi_view_requests, .ids = 3, .follows = true,
              .to = AMDVI_SCREEN_PASIDS, .bdf = "bdf" },
            { .view = &amdvi_view_ppr, .ids = 1 },
            { .view = &amdvi_view_trace, .ids = 1,
              .number = "number", .filter = "kind=page-response",
              .hidden = "number kind name", .rows = 256,
              .newest_first = true },
        },
    },
    [AMDVI_SCREEN_EVENTS] = {
        .name = "events", .title = "Events", .key = '9',
        .newest_last = true,
        .pane = { { .view = &amdvi_view_events, .ids = 1 } },
    },
    [AMDVI_SCREEN_COMMANDS] = {
        .name = "commands", .title = "Commands", .key = '0',
        .newest_last = true,
        .pane = { { .view = &amdvi_view_commands, .ids = 1 } },
    },
    [AMDVI_SCREEN_REGISTERS] = {
        .name = "registers", .title = "Registers", .key = 'R',
        .pane = { { .view = &amdvi_view_regs, .ids = 1 } },
    },
    [AMDVI_SCREEN_TRACE] = {
        .name = "trace", .title = "Trace", .key = 'T', .newest_last = true,
        .pane = {
            { .view = &amdvi_view_trace, .ids = 1, .number = "number" },
        },
    },
    [AMDVI_SCREEN_CHECK] = {
        .name = "check", .title = "Check", .key = 'C',
        .pane = {
            { .view = &amdvi_view_check, .ids = 4, .seldom = true },
        },
    },
    [AMDVI_SCREEN_INTERRUPTS] = {
        .name = "interrupts", .title = "Interrupts", .key = 'I',
        .needs_bdf = true,
        .pane = { { .view = &amdvi_view_irt, .ids = 1 } },
    },
    [AMDVI_SCREEN_OUTPUT] = { .name = "output", .title = "Output" },
    [AMDVI_SCREEN_HELP] = { .name = "help", .title = "Help" },
};

size_t amdvi_screen_panes(const struct amdvi_screen *screen)
{
    size_t n = 0;

    while (n < AMDVI_MAX_PANES && screen->pane[n].view) {
        n++;
    }
    return n;
}

bool amdvi_screen_of_view(const struct amdvi_view *view,
                          enum amdvi_screen_id *ret)
{
    for (int i = 0; i < AMDVI_NUM_SCREENS; i++) {
        if (amdvi_screens[i].pane[0].view == view) {
            *ret = (enum amdvi_screen_id)i;
            return true;
        }
    }
    return false;
}
