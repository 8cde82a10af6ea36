/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The table of scenarios.
 */
#include "torture.h"

#define SCENARIO(name, function, alone) void function(struct worker *worker);
#include "scenarios.def"
#undef SCENARIO

#define SCENARIO(name, function, alone) { name, function, alone },
const struct scenario scenarios[] = {
#include "scenarios.def"
};
#undef SCENARIO

const int scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);
