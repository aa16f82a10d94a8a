/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing here depends on the zone's exact order of names, only on the sets of one
 * name standing together: a wanted name is done when a page that held it went on to
 * something else, or when a page that started at it did not stop inside it. The order
 * computed below merely makes it likely that one page serves several names.
 */
#include "steering/zone/route53_walk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/route53_xml.h"
#include "steering/zone/spelling.h"
#include "steering/zone/text.h"

#define ITEMS_FEW 40   /* a service of the usual size and its ledger */
#define ITEMS_MANY 300 /* the most that Route 53 gives; once a name filled a page */
#define PAGES_MAX 64
#define VIEW_SETS_MAX 4096

struct walk {
	const char *ledger_name; /* in name[] */
	size_t names, at;        /* at: the one that the cursor is for */
	struct wanted {
		char name[DNS_NAME_MAX];
		bool seen, done;
	} name[NAMES_MAX + 1];
	struct walk_cursor cursor;
	unsigned pages;
	size_t room;
	struct zone_view *view;
	struct text raw;
	size_t items; /* of this page */
	bool ledger_seen, failed;
};

/* By labels from the right: "example.com" < "www.example.com" < "a.www.example.com". */
static int
compare_reversed(const char *a, const char *b)
{
	size_t i = strlen(a), j = strlen(b);

	while (i > 0 && j > 0) {
		size_t ie = i, je = j;
		size_t n;
		int c;

		while (i > 0 && a[i - 1] != '.')
			i--;
		while (j > 0 && b[j - 1] != '.')
			j--;
		n = ie - i < je - j ? ie - i : je - j;
		c = memcmp(a + i, b + j, n);
		if (c == 0)
			c = (ie - i > je - j) - (ie - i < je - j);
		if (c != 0)
			return c;
		i -= i > 0;
		j -= j > 0;
	}
	return (i > 0) - (j > 0);
}

static int
compare_wanted(const void *a, const void *b)
{
	return compare_reversed(
	    ((const struct wanted *)a)->name, ((const struct wanted *)b)->name);
}

static struct wanted *
find(struct walk *w, const char *name)
{
	for (size_t i = 0; i < w->names; i++)
		if (strcmp(w->name[i].name, name) == 0)
			return &w->name[i];
	return NULL;
}

static void
add_name(struct walk *w, const char *name)
{
	size_t n = strlen(name);

	assert(n > 0 && n < DNS_NAME_MAX);
	if (find(w, name) != NULL)
		return;
	assert(w->names <= NAMES_MAX);
	memcpy(w->name[w->names++].name, name, n + 1);
}

static void
start_at(struct walk *w)
{
	for (w->at = 0; w->at < w->names && w->name[w->at].done;)
		w->at++;
	if (w->at == w->names)
		return;
	w->cursor = (struct walk_cursor){.items_max = w->cursor.items_max};
	memcpy(w->cursor.name, w->name[w->at].name, DNS_NAME_MAX);
}

struct walk *
walk_new(const char *ledger_name, const char (*names)[DNS_NAME_MAX], size_t n)
{
	struct walk *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->view = calloc(1, sizeof *w->view);
	if (w->view == NULL) {
		free(w);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		add_name(w, names[i]);
	assert(find(w, ledger_name) == NULL);
	add_name(w, ledger_name);
	qsort(w->name, w->names, sizeof w->name[0], compare_wanted);
	w->ledger_name = find(w, ledger_name)->name;
	w->raw = TEXT_INIT(64 * 1024);
	w->cursor.items_max = ITEMS_FEW;
	start_at(w);
	return w;
}

void
walk_free(struct walk *w)
{
	if (w == NULL)
		return;
	zone_view_free(w->view);
	text_fini(&w->raw);
	free(w);
}

bool
walk_next(const struct walk *w, struct walk_cursor *out)
{
	if (w->at == w->names)
		return false;
	*out = w->cursor;
	return true;
}

/* ---- one page ---- */

static void
take_ledger(struct walk *w, const struct route53_item *item)
{
	const struct rrset *s = &item->set;
	struct zone_view *v = w->view;

	if (w->ledger_seen && item->set.type == RR_TXT && v->ledger_present &&
	    strcmp(text_str(&w->raw), item->values) == 0)
		return; /* a page that began a little early */
	if (w->ledger_seen || s->type != RR_TXT || s->policy != RR_SIMPLE || s->alias ||
	    s->values != 1 || s->health_check[0] != '\0' ||
	    !spelling_unquote(v->ledger, sizeof v->ledger, item->values) ||
	    v->ledger[0] == '\0') {
		v->ledger_odd = true;
		v->ledger_present = false;
		v->ledger[0] = '\0';
		text_clear(&w->raw);
	} else {
		v->ledger_present = true;
		v->ledger_ttl_s = s->ttl_s;
		text_add_str(&w->raw, item->values);
		w->failed |= !text_ok(&w->raw);
	}
	w->ledger_seen = true;
}

static void
take_set(struct walk *w, const struct rrset *s)
{
	struct zone_view *v = w->view;

	for (size_t i = 0; i < v->sets; i++) {
		if (rrset_compare_key(&v->set[i], s) == 0) {
			v->set[i] = *s;
			return;
		}
	}
	if (v->sets == w->room) {
		size_t room = w->room ? w->room * 2 : 32;
		struct rrset *set =
		    room <= VIEW_SETS_MAX ? realloc(v->set, room * sizeof *set) : NULL;

		if (set == NULL) {
			w->failed = true;
			return;
		}
		v->set = set;
		w->room = room;
	}
	v->set[v->sets++] = *s;
}

static bool
take_item(const struct route53_item *item, void *arg)
{
	struct walk *w = arg;
	struct wanted *wanted = find(w, item->set.name);

	if (++w->items > ITEMS_MANY)
		return false;
	if (wanted == NULL || wanted->done)
		return true;
	wanted->seen = true;
	if (wanted->name == w->ledger_name)
		take_ledger(w, item);
	else if (item->set.type == RR_A || item->set.type == RR_AAAA ||
	    item->set.type == RR_CNAME)
		take_set(w, &item->set);
	return !w->failed;
}

/* The page stopped inside `name`: go on there. */
static bool
go_on(struct walk *w, size_t at, const struct route53_page *p, struct err *e)
{
	struct walk_cursor next = {.items_max = ITEMS_MANY};

	memcpy(next.name, p->next_name, sizeof next.name);
	memcpy(next.type, p->next_type, sizeof next.type);
	memcpy(next.id, p->next_id, sizeof next.id);
	if (next.items_max == w->cursor.items_max &&
	    strcmp(next.name, w->cursor.name) == 0 &&
	    strcmp(next.type, w->cursor.type) == 0 &&
	    strcmp(next.id, w->cursor.id) == 0)
		return err_set(e, "list of record sets does not get past %.100s %s",
		    next.name, next.type);
	w->at = at;
	w->cursor = next;
	return true;
}

bool
walk_begun(const struct walk *w)
{
	return w->pages > 0;
}

void
walk_widen(struct walk *w)
{
	assert(w->pages == 0);
	w->cursor.items_max = ITEMS_MANY;
}

static bool
feed(struct walk *w, const char *bytes, size_t n, bool own, struct err *e)
{
	struct route53_page page;
	size_t inside = w->names;

	assert(w->at < w->names);
	if (++w->pages > PAGES_MAX)
		return err_set(e,
		    "list of record sets at %.100s takes more than %d pages",
		    w->cursor.name, PAGES_MAX);
	w->items = 0;
	if (!route53_parse_list(bytes, n, &page, take_item, w, e))
		return w->items > ITEMS_MANY
		    ? err_set(e,
			  "a page of more than %d record sets: that is no answer of "
			  "Route 53's",
			  ITEMS_MANY)
		    : w->failed ? err_set(e,
				      "more than %d record sets at the service's "
				      "names, or memory is short",
				      VIEW_SETS_MAX)
				: false;
	if (own)
		w->name[w->at].seen = true; /* or known to be absent */
	for (size_t i = 0; i < w->names; i++) {
		if (!w->name[i].seen || w->name[i].done)
			continue;
		if (page.truncated && strcmp(page.next_name, w->name[i].name) == 0)
			inside = i;
		else
			w->name[i].done = true;
	}
	if (inside < w->names)
		return go_on(w, inside, &page, e);
	start_at(w);
	return true;
}

bool
walk_feed(struct walk *w, const char *bytes, size_t n, struct err *e)
{
	return feed(w, bytes, n, true, e);
}

bool
walk_share(struct walk *w, const char *bytes, size_t n, struct err *e)
{
	assert(w->pages == 0);
	return feed(w, bytes, n, false, e);
}

/* ---- the end ---- */

static int
compare_sets(const void *a, const void *b)
{
	return rrset_compare_key(a, b);
}

struct zone_view *
walk_take(struct walk *w)
{
	struct zone_view *v = w->view;

	assert(w->at == w->names && v != NULL);
	if (v->sets > 0)
		qsort(v->set, v->sets, sizeof v->set[0], compare_sets);
	w->view = NULL;
	return v;
}

const char *
walk_ledger_raw(const struct walk *w)
{
	return text_str(&w->raw);
}
