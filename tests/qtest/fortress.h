/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of svm.h for tests that do their worst to it: everything can be
 * put in order again without a new process, and be shown to work then.
 */
#ifndef AMDVI_FORTRESS_H
#define AMDVI_FORTRESS_H

#include "svm.h"

#define FORTRESS_PASID 5
/* What control has when all of it is in use */
#define FORTRESS_CONTROL \
    (CONTROL_IOMMU_EN | CONTROL_EVENT_LOG_EN | CONTROL_CMD_BUF_EN | \
     CONTROL_COHERENT | CONTROL_GT_EN | CONTROL_PPR_EN | \
     CONTROL_PPR_LOG_EN | CONTROL_EPH_EN)

/* Start it; @more is the rest of the command line */
Svm *fortress_start(const char *more);
/*
 * What a driver does that finds the IOMMU and svm-testdev in an unknown
 * state: all off, bases and tables anew, FORTRESS_PASID with one page at VA,
 * all caches empty.
 */
void fortress_restore(Svm *s);
/* The monitor answers, also about the IOMMU */
void fortress_assert_alive(Svm *s);
/*
 * The same, and after fortress_restore() commands are executed, DMA with and
 * without PASID arrives, an event is logged, a page request is answered.
 */
void fortress_assert_works(Svm *s);
/*
 * A little of everything, without looking at what comes of it: commands, DMA,
 * translations, page requests, of which some have to fail.
 */
void fortress_work(Svm *s);

#endif
