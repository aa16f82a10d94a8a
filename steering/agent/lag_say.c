/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every warning says what is wrong, by which numbers, and what to do: they stand in the
 * status of a day on which nothing has happened yet, and must make somebody get up.
 */
#include "steering/agent/lag_say.h"

#include <inttypes.h>
#include <stdarg.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

const char *
lag_time_format(uint64_t ms, char out[LAG_TIME_MAX])
{
	uint64_t d = ms / DAY, h = ms / HOUR % 24, m = ms / MINUTE % 60;
	uint64_t s = ms / SECOND % 60;

	if (d > 0)
		(void)snprintf(out, LAG_TIME_MAX, "%" PRIu64 " d %" PRIu64 " h", d, h);
	else if (h > 0)
		(void)snprintf(out, LAG_TIME_MAX, "%" PRIu64 " h %" PRIu64 " m", h, m);
	else if (ms >= MINUTE && s == 0)
		(void)snprintf(out, LAG_TIME_MAX, "%" PRIu64 " m", m);
	else if (ms >= MINUTE)
		(void)snprintf(out, LAG_TIME_MAX, "%" PRIu64 " m %" PRIu64 " s", m, s);
	else
		(void)snprintf(out, LAG_TIME_MAX, "%g s", (double)ms / 1000);
	return out;
}

bool
lag_recovery_serves(const struct ledger *l)
{
	if (l->fence == 0)
		return false;
	if (l->open == SIDE_PRIMARY || l->open == SIDE_RECOVERY)
		return l->open == SIDE_RECOVERY;
	return l->run.id != 0 && l->run.way == RUN_FAILBACK;
}

const char *
lag_turn_word(enum lag_turn t)
{
	static const char *const word[] = {
	    [LAG_NEVER] = "never",
	    [LAG_UNKNOWN] = "unknown",
	    [LAG_WITHIN] = "within",
	    [LAG_BEYOND] = "beyond",
	};

	return word[t];
}

enum lag_turn
lag_turn_of(const struct lag_reading *r, uint64_t rpo_ms)
{
	if (!r->known)
		return LAG_UNKNOWN;
	return r->lag_ms > rpo_ms ? LAG_BEYOND : LAG_WITHIN;
}

uint64_t
lag_view_exposure_ms(const struct lag_view *v)
{
	const struct lag_reading *r = &v->reading;

	return r->lag_ms +
	    (r->is_backup && v->now_ms > r->began_ms ? v->now_ms - r->began_ms : 0);
}

/* ---- turns ---- */

void
lag_say_turn(const struct lag_view *v, enum lag_turn before, char text[LAG_TEXT])
{
	char lag[LAG_TIME_MAX], rpo[LAG_TIME_MAX];

	lag_time_format(v->reading.lag_ms, lag);
	lag_time_format(v->rpo_ms, rpo);
	switch (v->turn) {
	case LAG_NEVER:
		text[0] = '\0';
		return;
	case LAG_UNKNOWN:
		(void)snprintf(text, LAG_TEXT,
		    "%s: what would be lost now is not known: check %s: %.130s",
		    v->scenario, v->check, v->reading.text);
		return;
	case LAG_WITHIN:
		(void)snprintf(text, LAG_TEXT,
		    "%s: %s would be lost now if %s were lost, within the RPO of %s%s",
		    v->scenario, lag, v->from, rpo,
		    before == LAG_BEYOND ? " again" : "");
		return;
	case LAG_BEYOND:
		(void)snprintf(text, LAG_TEXT,
		    "%s: %s would be lost now if %s were lost, beyond the RPO of %s: %s",
		    v->scenario, lag, v->from, rpo,
		    v->reading.is_backup ? "see why no newer backup is complete"
					 : "see why the replication is behind");
		return;
	}
}

void
lag_say_line(const struct lag_view *v, char *text, size_t text_bytes)
{
	char lag[LAG_TIME_MAX], rpo[LAG_TIME_MAX], ago[LAG_TIME_MAX];
	uint64_t began = v->reading.began_ms;

	lag_time_format(v->rpo_ms, rpo);
	if (v->turn == LAG_NEVER) {
		(void)snprintf(text, text_bytes,
		    "what would be lost now is not known yet (RPO %s; check %s)", rpo,
		    v->check);
		return;
	}
	lag_time_format(v->now_ms > began ? (v->now_ms - began) / 1000 * 1000 : 0, ago);
	if (v->turn == LAG_UNKNOWN) {
		(void)snprintf(text, text_bytes,
		    "what would be lost now is not known (RPO %s; check %s, %s ago): "
		    "%.140s",
		    rpo, v->check, ago, v->reading.text);
		return;
	}
	lag_time_format(lag_view_exposure_ms(v), lag);
	(void)snprintf(text, text_bytes,
	    "%s would be lost now if %s were lost (RPO %s%s; check %s, %s ago%s%.100s)",
	    lag, v->from, rpo,
	    lag_view_exposure_ms(v) > v->rpo_ms ? ", which is exceeded" : "", v->check,
	    ago, v->reading.is_backup ? "; backup " : "",
	    v->reading.is_backup ? v->reading.backup.id : "");
}

/* ---- warnings ---- */

struct warnings {
	char (*text)[LAG_TEXT];
	uint32_t n, max;
};

__attribute__((format(printf, 2, 3))) static void
warn(struct warnings *w, const char *format, ...)
{
	va_list ap;

	if (w->n == w->max)
		return;
	va_start(ap, format);
	(void)vsnprintf(w->text[w->n++], LAG_TEXT, format, ap);
	va_end(ap);
}

static void
warn_exposure(struct warnings *w, const struct lag_view *v)
{
	char lag[LAG_TIME_MAX], rpo[LAG_TIME_MAX];

	lag_time_format(v->rpo_ms, rpo);
	if (v->unknown_ms != 0) {
		if (v->now_ms - v->unknown_ms <= 3 * v->every_ms)
			return;
		lag_time_format((v->now_ms - v->unknown_ms) / 1000 * 1000, lag);
		warn(w, "what would be lost is not known for %s: check %s: %.130s", lag,
		    v->check,
		    v->reading.text[0] != '\0' ? v->reading.text
					       : "it has not answered yet");
		return;
	}
	if (v->turn == LAG_NEVER || lag_view_exposure_ms(v) <= v->rpo_ms)
		return;
	lag_time_format(lag_view_exposure_ms(v), lag);
	if (v->reading.is_backup)
		warn(w,
		    "%s would be lost now, beyond the RPO of %s: the newest complete "
		    "backup is %.80s: see why no newer one is",
		    lag, rpo, v->reading.backup.id);
	else
		warn(w,
		    "%s would be lost now, beyond the RPO of %s: see why the replication "
		    "is behind",
		    lag, rpo);
}

static void
warn_backup(struct warnings *w, const struct lag_view *v)
{
	const struct manifest *m = &v->reading.backup;
	const struct config_lag *l = v->lag;
	uint64_t exposure = lag_view_exposure_ms(v);
	char a[LAG_TIME_MAX], b[LAG_TIME_MAX];

	if (l->encrypted && !m->encrypted)
		warn(w, "backup %.80s %s: encrypt it, or say encrypted: false", m->id,
		    m->says_encrypted ? "is not encrypted"
				      : "does not say that it is encrypted");
	if (l->period_ms > 0 && exposure > 2 * l->period_ms)
		warn(w,
		    "the newest complete backup, %.80s, was begun %s ago, more than two "
		    "periods of %s: see why none was made since",
		    m->id, lag_time_format(exposure / 1000 * 1000, a),
		    lag_time_format(l->period_ms, b));
	if (l->restored_ms == 0)
		return;
	if (m->restored_wall_ms == 0)
		warn(w,
		    "backup %.80s was never restored as a test, says its manifest: restore "
		    "one, and write restored_at",
		    m->id);
	else if (v->now_wall_ms - m->restored_wall_ms > (int64_t)l->restored_ms)
		warn(w,
		    "backup %.80s was last restored as a test %s ago, %s at most is asked "
		    "for: restore one, and write restored_at",
		    m->id,
		    lag_time_format(
			(uint64_t)(v->now_wall_ms - m->restored_wall_ms), a),
		    lag_time_format(l->restored_ms, b));
}

/* What can never be kept, however well all goes. */
static void
warn_plan(struct warnings *w, const struct lag_view *v)
{
	const struct config_lag *l = v->lag;
	const struct manifest *m = &v->reading.backup;
	uint64_t took_ms = v->reading.known && v->reading.is_backup
	    ? (uint64_t)(m->completed_wall_ms - m->started_wall_ms)
	    : 0;
	char a[LAG_TIME_MAX], b[LAG_TIME_MAX], c[LAG_TIME_MAX];

	if (l->period_ms > 0 && l->period_ms + took_ms > v->rpo_ms) {
		lag_time_format(l->period_ms, a);
		lag_time_format(v->rpo_ms, b);
		if (took_ms == 0 || l->period_ms > v->rpo_ms)
			warn(w,
			    "a backup every %s cannot keep an RPO of %s: make them more "
			    "often",
			    a, b);
		else
			warn(w,
			    "a backup every %s that takes %s cannot keep an RPO of %s: "
			    "what it lacks counts from its beginning: make them more often",
			    a, lag_time_format(took_ms, c), b);
	}
	if (l->retention_ms == 0)
		return;
	lag_time_format(l->retention_ms, a);
	if (l->period_ms > 0 && l->retention_ms < l->period_ms + took_ms)
		warn(w,
		    "backups are kept for %s, and the next is complete after %s: there may "
		    "be none: keep them longer",
		    a, lag_time_format(l->period_ms + took_ms, b));
	else if (l->period_ms == 0 && l->retention_ms < v->rpo_ms)
		warn(w,
		    "backups are kept for %s, less than the RPO of %s: there may be none: "
		    "keep them longer",
		    a, lag_time_format(v->rpo_ms, b));
}

uint32_t
lag_say_warnings(const struct lag_view *v, char text[][LAG_TEXT], uint32_t text_max)
{
	struct warnings w = {.text = text, .max = text_max};

	warn_exposure(&w, v);
	if (v->reading.known && v->reading.is_backup)
		warn_backup(&w, v);
	if (v->reading.known && v->reading.note[0] != '\0')
		warn(&w, "%.220s", v->reading.note);
	if (v->backups)
		warn_plan(&w, v);
	return w.n;
}

/* ---- the hour ---- */

bool
lag_hour_note(struct lag_hour *h, const struct lag_reading *r, uint64_t now_ms,
    uint64_t rpo_ms, const char *scenario, char text[LAG_TEXT])
{
	char worst[LAG_TIME_MAX], rpo[LAG_TIME_MAX], unknown[64] = "";
	bool over = h->samples > 0 && now_ms - h->begun_ms >= HOUR;

	if (over) {
		if (h->unknown > 0)
			(void)snprintf(unknown, sizeof unknown,
			    "; %u of %u samples were not known", h->unknown,
			    h->samples);
		(void)snprintf(text, LAG_TEXT,
		    "%s: in the last hour at most %s would have been lost (RPO %s)%s",
		    scenario, lag_time_format(h->worst_ms, worst),
		    lag_time_format(rpo_ms, rpo), unknown);
		over = h->unknown < h->samples;
	}
	if (h->samples == 0 || now_ms - h->begun_ms >= HOUR)
		*h = (struct lag_hour){.begun_ms = now_ms};
	h->samples++;
	h->unknown += !r->known;
	if (r->known && r->lag_ms > h->worst_ms)
		h->worst_ms = r->lag_ms;
	return over;
}
