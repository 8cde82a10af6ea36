/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace points of this folder, generated from trace-events. */
#include "trace/trace-hw_misc_dsa.h"
