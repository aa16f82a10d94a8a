/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route 53 deletes only what is repeated exactly, so the old side of an edit is what
 * was read, to the letter, never what we believe we wrote.
 */
#include "steering/core/diff.h"

#include <assert.h>

static bool
check_removal(const struct rrset *s, bool may_remove, struct err *e)
{
	if (s->truncated)
		return err_set(e,
		    "the record set %.120s %s %.60s was read only in part: "
		    "remove it by hand",
		    s->name, rrtype_text(s->type), s->set_id);
	if (s->policy == RR_FOREIGN)
		return err_set(e,
		    "the record set %.120s %s %.60s has a routing policy that is not "
		    "steered here (latency, geolocation, multivalue …): remove it by hand",
		    s->name, rrtype_text(s->type), s->set_id);
	if (!may_remove)
		return err_set(e,
		    "the record set %.120s %s %.60s is not one that the "
		    "configuration wants: adopt, or remove it by hand",
		    s->name, rrtype_text(s->type), s->set_id);
	return true;
}

static void
put_edit(struct diff_edit *edit, size_t *n, const struct rrset *old_set,
    const struct rrset *new_set)
{
	edit[(*n)++] = (struct diff_edit){old_set, new_set};
}

bool
diff_plan(const struct rrset *have, size_t n_have, const struct rrset *want,
    size_t n_want, bool may_remove, struct diff_edit *edit, size_t *edits,
    struct err *e)
{
	size_t h = 0, w = 0, n = 0;

	*edits = 0;
	/* What goes or changes first, so that a weighted set never meets a simple one. */
	while (h < n_have) {
		int c = w < n_want ? rrset_compare_key(&have[h], &want[w]) : -1;

		if (c > 0) {
			w++;
			continue;
		}
		if (c < 0) {
			if (!check_removal(&have[h], may_remove, e))
				return false;
			put_edit(edit, &n, &have[h], NULL);
		} else if (!rrset_equal(&have[h], &want[w])) {
			if ((have[h].truncated || have[h].policy == RR_FOREIGN) &&
			    !check_removal(&have[h], may_remove, e))
				return false;
			put_edit(edit, &n, &have[h], &want[w]);
		}
		h++;
		w += c == 0;
	}
	for (h = w = 0; w < n_want; w++) {
		while (h < n_have && rrset_compare_key(&have[h], &want[w]) < 0)
			h++;
		if (h == n_have || rrset_compare_key(&have[h], &want[w]) != 0)
			put_edit(edit, &n, NULL, &want[w]);
	}
	*edits = n;
	return true;
}

static size_t
describe_policy(const struct rrset *s, char *text, size_t bytes)
{
	int n = 0;

	switch (s->policy) {
	case RR_SIMPLE:
		n = snprintf(text, bytes, "simple");
		break;
	case RR_WEIGHTED:
		n = snprintf(
		    text, bytes, "%.128s weight %u", s->set_id, (unsigned)s->weight);
		break;
	case RR_PRIMARY:
		n = snprintf(text, bytes, "%.128s PRIMARY", s->set_id);
		break;
	case RR_SECONDARY:
		n = snprintf(text, bytes, "%.128s SECONDARY", s->set_id);
		break;
	case RR_FOREIGN:
		n = snprintf(text, bytes, "%.128s another routing policy", s->set_id);
		break;
	}
	return n < 0 ? 0 : (size_t)n;
}

void
diff_describe(const struct rrset *s, char *text, size_t text_bytes)
{
	char policy[192], values[RR_VALUES_BYTES];

	(void)describe_policy(s, policy, sizeof policy);
	memcpy(values, s->value, sizeof values);
	values[sizeof values - 1] = '\0';
	for (char *c = values; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	const char *check = s->health_check[0] != '\0' ? " check " : "";
	if (s->alias)
		(void)snprintf(text, text_bytes, "%s %s %s alias %s%s%s%s", s->name,
		    rrtype_text(s->type), policy, s->alias_name,
		    s->alias_evaluate ? " evaluated" : "", check, s->health_check);
	else
		(void)snprintf(text, text_bytes, "%s %s %s ttl %u %s%s%s", s->name,
		    rrtype_text(s->type), policy, (unsigned)s->ttl_s, values, check,
		    s->health_check);
}
