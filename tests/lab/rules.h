/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - what Route 53 refuses, apart from the compare-and-swap itself.
 *
 * https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
 * Where AWS's wording is known it is used; the rest says the same in plain words.
 */
#ifndef LAB_RULES_H
#define LAB_RULES_H

#include "tests/lab/batch.h"

enum { RULES_IDENTITY_BYTES = 1400 };

/* "[name='www.example.test.', type='A', set-identifier='fra']" */
void rules_identity(const struct rrset *set, char who[RULES_IDENTITY_BYTES]);

/* Limits of one batch. Every complaint here becomes a line of an InvalidChangeBatch. */
bool rules_check_size(const struct batch *b, struct messages *m);

/* One set by itself: inside the zone and, if asked, well-formed values. */
bool rules_check_set(
    const struct rrset *set, bool values, const struct zone *z, struct messages *m);

/* One set among those that are there: it is about to be added to v. */
void rules_check_place(const struct version *v, const struct rrset *set,
    struct store *s, const struct zone *z, struct messages *m);

/* What must hold once the whole batch is applied. */
void rules_check_end(const struct version *v, const struct batch *b,
    const struct zone *z, struct messages *m);

#endif
