/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.h - is a batch well formed at all: fields that exclude or demand each other.
 */
#ifndef LAB_FORM_H
#define LAB_FORM_H

#include "tests/lab/batch.h"

enum { FORM_WHY_BYTES = 3000 };

/* False: why is the message of an InvalidInput about the first mistake. */
bool form_check_batch(const struct batch *b, char why[FORM_WHY_BYTES]);

#endif
