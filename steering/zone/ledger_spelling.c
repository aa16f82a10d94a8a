/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list and not a table: it holds only the odd ones, and most zones have none.
 */
#include "steering/zone/ledger_spelling.h"

#include <stdlib.h>
#include <string.h>

#include "steering/core/bounds.h"
#include "steering/zone/spelling.h"
#include "steering/zone/text.h"

struct ledger_spelling {
	struct ledger_spelling *next;
	char name[DNS_NAME_MAX];
	char text[LEDGER_TEXT_MAX];
	char *raw;
};

static void
forget(struct ledger_spelling **list, const char *name)
{
	while (*list != NULL && strcmp((*list)->name, name) != 0)
		list = &(*list)->next;
	if (*list != NULL) {
		struct ledger_spelling *s = *list;

		*list = s->next;
		free(s->raw);
		free(s);
	}
}

static bool
ours(const char *text, const char *raw)
{
	struct text quoted = TEXT_INIT(64 * 1024);
	bool same;

	spelling_quote(&quoted, text);
	same = text_ok(&quoted) && strcmp(text_str(&quoted), raw) == 0;
	text_fini(&quoted);
	return same;
}

void
ledger_spelling_keep(
    struct ledger_spelling **list, const char *name, const char *text, const char *raw)
{
	struct ledger_spelling *s;

	forget(list, name);
	if (text[0] == '\0' || ours(text, raw))
		return;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return;
	s->raw = strdup(raw);
	if (s->raw == NULL || strlen(name) >= sizeof s->name ||
	    strlen(text) >= sizeof s->text) {
		free(s->raw);
		free(s);
		return;
	}
	memcpy(s->name, name, strlen(name) + 1);
	memcpy(s->text, text, strlen(text) + 1);
	s->next = *list;
	*list = s;
}

const char *
ledger_spelling_find(
    const struct ledger_spelling *list, const char *name, const char *text)
{
	for (; list != NULL; list = list->next)
		if (strcmp(list->name, name) == 0 && strcmp(list->text, text) == 0)
			return list->raw;
	return NULL;
}

void
ledger_spelling_free(struct ledger_spelling **list)
{
	while (*list != NULL)
		forget(list, (*list)->name);
}
