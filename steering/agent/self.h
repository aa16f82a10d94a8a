/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self.h - is it me? The agent's doubt of itself.
 *
 * Canaries: fewer than two thirds of those configured pass. Late: the loop, or a
 * prober worker's, was late by more than 250 ms. Gap: more than 2 s between two ticks
 * (a paused or suspended machine). Date: the provider's clock advanced more than 5 s
 * further than ours between two answers. In the last three the evidence of every
 * service is thrown away, and the doubt stands until the loop has been well for 1 s.
 */
#ifndef STEERING_AGENT_SELF_H
#define STEERING_AGENT_SELF_H

#include "steering/agent/agent.h"

struct self *self_new(struct agent *a, struct err *e);
void self_free(struct self *s);

/* Before every step of an engine: after a pause other events may come before our tick,
 * and nothing may be decided on what was seen before it. */
void self_look(struct self *s);
enum doubt self_doubt(const struct self *s);
/* A canary's standing: does any of its addresses pass? */
void self_canary(struct self *s, uint32_t canary, bool passes);
/* Date of an answer to a request sent and answered then. */
void self_date(struct self *s, int64_t date_wall_s, uint64_t sent_ms, uint64_t done_ms);

uint64_t self_late_max_ms(const struct self *s);
uint64_t self_worker_late_max_ms(const struct self *s);
uint64_t self_late_minute_ms(const struct self *s);

#endif
