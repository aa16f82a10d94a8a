/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.h - from the record sets that stand to those that are wanted.
 *
 * Sorted merge on the key (name, type, set identifier). A set that differs is deleted
 * exactly as it was read and created anew; what is equal is not touched.
 */
#ifndef STEERING_CORE_DIFF_H
#define STEERING_CORE_DIFF_H

#include "steering/core/err.h"
#include "steering/core/records.h"

struct diff_edit {
	const struct rrset *old_set, *new_set; /* one of them may be NULL */
};

/*
 * have, want: sorted by rrset_compare_key(), without duplicates; they must outlive the
 * edits. edit: room for n_have + n_want. Deletes and replacements come first, in order.
 * may_remove: sets of ours that are no longer wanted may go (a member was taken out of
 * the configuration, or an operator adopts); otherwise such a set is an error, as is a
 * set that was read only in part.
 */
bool diff_plan(const struct rrset *have, size_t n_have, const struct rrset *want,
    size_t n_want, bool may_remove, struct diff_edit *edit, size_t *edits,
    struct err *e) MUST_CHECK;
/* One line for people: "www.example.com A fra weight 100 ttl 30 192.0.2.10 192.0.2.11". */
void diff_describe(const struct rrset *s, char *text, size_t text_bytes);

#endif
