/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lag_say.h - what a lag means to an operator: turns, warnings, sentences. Pure.
 */
#ifndef STEERING_AGENT_LAG_SAY_H
#define STEERING_AGENT_LAG_SAY_H

#include "steering/agent/lag_source.h"
#include "steering/core/ledger.h"

#define LAG_TEXT 224
#define LAG_TIME_MAX 32

/* "0 s", "0.25 s", "4.2 s", "12 m 30 s", "3 h 5 m", "2 d 4 h". */
const char *lag_time_format(uint64_t ms, char out[LAG_TIME_MAX]);

/* Does the recovery site serve, and the primary follow? The open side says so; while both
 * are closed, or both may be open, the way of the run does; else the primary serves. */
bool lag_recovery_serves(const struct ledger *l);

enum lag_turn { LAG_NEVER = 0, LAG_UNKNOWN, LAG_WITHIN, LAG_BEYOND };
const char *lag_turn_word(enum lag_turn t); /* "unknown", "within", "beyond" */

/* One scenario's lag as the sentences need it. */
struct lag_view {
	const char *scenario, *check, *from; /* from: the site that serves */
	const struct config_lag *lag;
	uint64_t rpo_ms, every_ms;
	bool backups;       /* it measures backups */
	enum lag_turn turn; /* of the newest sample */
	struct lag_reading reading;
	uint64_t sampled_ms; /* when the newest was asked for; 0 never */
	uint64_t unknown_ms; /* since when nothing is known; 0 it is */
	uint64_t now_ms;
	int64_t now_wall_ms;
};

enum lag_turn lag_turn_of(const struct lag_reading *r, uint64_t rpo_ms);
/* What would be lost at now_ms; the reading must be known. */
uint64_t lag_view_exposure_ms(const struct lag_view *v);

/* The sentence of a turn, from what was said before. */
void lag_say_turn(const struct lag_view *v, enum lag_turn before, char text[LAG_TEXT]);
void lag_say_line(const struct lag_view *v, char *text, size_t text_bytes);
/* Of text_max at most; returns how many. */
uint32_t
lag_say_warnings(const struct lag_view *v, char text[][LAG_TEXT], uint32_t text_max);

/* An hour of samples in one sentence. */
struct lag_hour {
	uint64_t begun_ms, worst_ms;
	uint32_t samples, unknown;
};
/* True when an hour is over: text says what it was, and the next begins. */
bool lag_hour_note(struct lag_hour *h, const struct lag_reading *r, uint64_t now_ms,
    uint64_t rpo_ms, const char *scenario, char text[LAG_TEXT]);

#endif
