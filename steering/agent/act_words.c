/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words in braces are replaced once, from left to right, as those of exec checks are:
 * what was put in is not looked at again, and braces around anything that is no word
 * (JSON) are the operator's own. A word that has no value ends it: half a command is
 * worse than none.
 *
 * The backup's words were written by whoever made the backup, so they are not trusted:
 * no control characters anywhere, nothing that ends a quoted text in a body, no dash in
 * front of an argument that would make an option of it.
 */
#include "steering/agent/act_parts.h"

#include <string.h>

#include "steering/zone/sign.h"

#define FILLED_BYTES_MAX 16384
#define LETTERS "abcdefghijklmnopqrstuvwxyz_."

const char *
act_word(const struct act_words *w, const char *name, size_t bytes,
    char number[ACT_NUMBER_BYTES])
{
	const struct {
		const char *name, *value;
		uint64_t number;
	} known[] = {{"from", w->from, 0}, {"to", w->to, 0}, {"site", w->site, 0},
	    {"service", w->service, 0}, {"scenario", w->scenario, 0},
	    {"incident", NULL, w->incident}, {"fence", NULL, w->fence},
	    {"backup.id", w->backup_id, 0},
	    {"backup.started_at", w->backup_started_at, 0},
	    {"backup.completed_at", w->backup_completed_at, 0}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strlen(known[i].name) != bytes ||
		    memcmp(known[i].name, name, bytes) != 0)
			continue;
		if (known[i].number == 0)
			return act_text(known[i].value);
		(void)snprintf(number, ACT_NUMBER_BYTES, "%llu",
		    (unsigned long long)known[i].number);
		return number;
	}
	return NULL;
}

static bool
is_clean(const char *value, bool dash, enum act_filling how)
{
	if (dash && value[0] == '-' && how == ACT_FILL_PLAIN)
		return false;
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f ||
		    (how == ACT_FILL_BODY && strchr("\"'\\<>&", *p) != NULL))
			return false;
	return true;
}

static bool
not_known(const char *name, size_t bytes, struct err *e)
{
	if (strncmp(name, "backup.", 7) == 0)
		return err_set(e,
		    "{%.*s} is not known: no complete backup was seen yet; look at the "
		    "check that `lag` names",
		    (int)bytes, name);
	return err_set(e, "{%.*s} is not known here", (int)bytes, name);
}

bool
act_fill_to(struct text *out, const char *text, const struct act_words *w,
    enum act_filling how, struct err *e)
{
	char number[ACT_NUMBER_BYTES];
	const char *begin = text;

	while (*text != '\0') {
		size_t n = *text == '{' ? strspn(text + 1, LETTERS) : 0;
		const char *value = NULL;

		if (n > 0 && text[1 + n] == '}') {
			value = act_word(w, text + 1, n, number);
			if (value == NULL && how != ACT_FILL_LENIENT)
				return err_set(e,
				    "{%.40s is no word that can be filled in",
				    text + 1);
			if (value != NULL && value[0] == '\0')
				value = how == ACT_FILL_LENIENT ? NULL : value;
			if (value != NULL && value[0] == '\0')
				return not_known(text + 1, n, e);
		}
		if (value == NULL) {
			text_add_char(out, *text++);
			continue;
		}
		if (!is_clean(value, text == begin, how))
			return err_set(e,
			    "{%.*s} is %.60s: it cannot be put in here, because it "
			    "would be read as something else",
			    (int)n, text + 1, value);
		if (how == ACT_FILL_URL)
			sign_encode(out, value, false);
		else
			text_add_str(out, value);
		text += n + 2;
	}
	return text_ok(out) || err_set(e, "it is too long when it is filled in");
}

bool
act_fill(const char *text, const struct act_words *words, char *out, size_t out_bytes,
    struct err *e)
{
	struct text filled = TEXT_INIT(out_bytes - 1);
	bool ok = act_fill_to(&filled, text, words, ACT_FILL_PLAIN, e);

	if (ok)
		memcpy(out, text_str(&filled), filled.n + 1);
	else
		out[0] = '\0';
	text_fini(&filled);
	return ok;
}

/* ---- in one line ---- */

/* What it would be, as far as it is known now. */
static void
add(struct text *line, const char *text, const struct act_words *w)
{
	struct err e;

	(void)!act_fill_to(line, act_text(text), w, ACT_FILL_LENIENT, &e);
}

/* A query of a url may carry a key: it is not for logs. */
static void
add_url(struct text *line, const char *url, const struct act_words *w)
{
	struct text whole = TEXT_INIT(FILLED_BYTES_MAX);

	add(&whole, url, w);
	text_add(line, text_str(&whole), strcspn(text_str(&whole), "?"));
	if (strchr(text_str(&whole), '?') != NULL)
		text_add_str(line, "?...");
	text_fini(&whole);
}

static void
add_call(struct text *line, const struct config_call *call, const struct act_words *w)
{
	text_add_str(line, act_text(call->action));
	for (uint32_t i = 0; i < call->params; i++) {
		const struct config_param *p = &call->param[i];

		text_addf(line, " %.120s=", p->key);
		if (strstr(p->key, "Password") != NULL)
			text_add_str(line, "...");
		else
			add(line, p->value, w);
	}
}

void
act_describe(const struct config_act *act, const struct act_words *w, char *text,
    size_t text_bytes)
{
	struct text line = TEXT_INIT(FILLED_BYTES_MAX);

	switch (act_text(act->dry_run)[0] != '\0' ? ACT_NONE : act->kind) {
	case ACT_NONE:
		add(&line, act->dry_run, w);
		break;
	case ACT_EXEC:
		text_add_str(&line, "exec");
		for (uint32_t i = 0; i < act->args; i++) {
			text_add_char(&line, ' ');
			add(&line, act->arg[i], w);
		}
		break;
	case ACT_WEBHOOK:
		text_addf(&line, "webhook %s ", act_text(act->webhook.method));
		add_url(&line, act->webhook.url, w);
		break;
	case ACT_AWS:
		text_addf(&line, "aws %s in %s: ", act_text(act->aws.service),
		    act_text(act->aws.region));
		add_call(&line, &act->aws.call, w);
		if (!act->aws.until)
			break;
		text_add_str(&line, ", until ");
		add_call(&line, &act->aws.ask, w);
		text_addf(&line, " says %s ", act_text(act->aws.path));
		add(&line, act->aws.is, w);
		break;
	case ACT_CHECK:
		text_add_str(&line, "wait until the check passes at ");
		add(&line, "{site}", w);
		break;
	}
	(void)snprintf(text, text_bytes, "%s", text_str(&line));
	text_fini(&line);
}
