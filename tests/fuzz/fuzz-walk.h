/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entry that libFuzzer and replay.c call with each input. */
#ifndef AMDVI_TESTS_FUZZ_WALK_H
#define AMDVI_TESTS_FUZZ_WALK_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
