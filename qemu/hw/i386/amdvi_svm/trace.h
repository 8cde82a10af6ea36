/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace points of this folder, generated from trace-events. */
#include "trace/trace-hw_i386_amdvi_svm.h"
