/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what every fuzz target is.
 *
 * A target is a file fuzz_NAME.c with this one function, and a folder corpus/NAME of
 * inputs. Under clang with -DPOINTSMAN_FUZZ=ON it becomes a libFuzzer program; under
 * any compiler replay.c runs it over its corpus, as the test fuzz.NAME. It must be able
 * to run for ever in one process, wait for nothing longer than an input asks for, and
 * send nothing off the machine.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0; what is wrong is an abort. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
