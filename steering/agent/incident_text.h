/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incident_text.h - the lines of an incident's page. For incident_page.c and
 * incident_rest.c alone.
 *
 * Whatever bytes a reason holds, a line has no control character and no more than
 * INCIDENT_COLUMNS columns; what a page has no room for is not put.
 */
#ifndef STEERING_AGENT_INCIDENT_TEXT_H
#define STEERING_AGENT_INCIDENT_TEXT_H

#include "steering/agent/incident.h"

#define LINE_BYTES (4 * INCIDENT_COLUMNS + 2)

struct page_text {
	uint32_t lines;
	char line[INCIDENT_LINES][LINE_BYTES];
};

/* The label, then the text from column `indent` on, in `most` lines at most. */
void page_put(struct page_text *p, uint32_t indent, uint32_t most, const char *label,
    const char *text);
/* … from the usual column on. */
__attribute__((format(printf, 4, 5))) void page_say(
    struct page_text *p, uint32_t most, const char *label, const char *format, ...);

/* "2026-11-24 10:00:00.123", UTC. */
const char *page_clock(int64_t wall_ms, char out[32]);
/* From the fault, or else from the beginning: "+3.1s". */
const char *page_offset(const struct incident *i, int64_t wall_ms, char out[32]);

/* What it comes to, and where it stands. */
void page_rest(struct page_text *p, const struct incident *i,
    const struct incident_sums *s, int64_t now_wall_ms);

#endif
