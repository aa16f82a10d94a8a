/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks.h - when a change passed each point of its way, from fault to answered.
 *
 * Made from the engine's facts, so that whatever the facts say the marks say. The ring
 * in struct agent_service keeps the last MARKS_MAX; marks decide nothing.
 */
#ifndef STEERING_AGENT_MARKS_H
#define STEERING_AGENT_MARKS_H

#include "steering/agent/agent.h"

/* Each fact of a step, in order; out is the step's. */
void
marks_fact(struct agent_service *s, const struct engine_out *out, const struct fact *f);
/* The newest with that nonce, or NULL. */
struct agent_marks *marks_find(struct agent_service *s, uint64_t nonce);
/* The answer of a change: before the engine is told. */
void marks_answer(struct agent_service *s, uint64_t nonce, enum change_result result,
    const char *change_id);
/* A committed version up to this epoch is INSYNC, or is shown everywhere, now. */
void marks_insync(struct agent_service *s, uint64_t epoch, uint64_t now_ms);
void marks_answered(struct agent_service *s, uint64_t epoch, uint64_t now_ms);

#endif
