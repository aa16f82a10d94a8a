/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workers.h - the prober workers as the agent sees them: spawned, watched, restarted.
 *
 * Who uses it chooses the targets' ids; target `id` is probed by worker id % count. The
 * targets are not kept here: a message is filled at the moment it is sent, and when a
 * worker has (re)started its owner is asked to name its targets again.
 */
#ifndef STEERING_AGENT_WORKERS_H
#define STEERING_AGENT_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/prober.h"

struct event_base;
struct workers;

#define WORKERS_MAX 64

struct workers_calls {
	/* Fills host, port, families, check of target id; false: it is gone. */
	bool (*fill)(uint32_t id, struct prober_msg *msg, void *arg);
	/* A probe event, with id and slot in their bounds. */
	void (*event)(const struct probe_event *ev, void *arg);
	/* The worker is ready: call workers_target() for each of its targets now. */
	void (*started)(uint32_t worker, void *arg);
	/* It died or was stuck, and is started again by and by; `why` is a sentence. */
	void (*ended)(uint32_t worker, const char *why, void *arg);
	/* It could not be started again, which is tried once more later; or it runs, and
	 * is confined less than it should be. */
	void (*trouble)(uint32_t worker, const char *why, void *arg);
	void *arg;
};

struct workers_options {
	uint32_t count;   /* 1 … WORKERS_MAX */
	const char *path; /* of the binary; NULL: this one. Must outlive. */
	uint64_t seed;
	char user_agent[128];
};

/* Spawns every worker at once: no memory of the agent is in them, because each is a
 * fresh exec; calls come later, from the loop. NULL: the first could not start. */
struct workers *workers_new(const struct workers_options *o, struct err *e);
/* From here on events come. Copies the calls. */
bool workers_start(struct workers *w, struct event_base *base,
    const struct workers_calls *calls, struct err *e) MUST_CHECK;
void workers_target(struct workers *w, uint32_t id);
void workers_drop(struct workers *w, uint32_t id);
/* How the program of a PROBE_DUE ended: its address waits for that. */
void workers_result(struct workers *w, uint32_t id, uint32_t slot, uint64_t ticket,
    enum outcome outcome);
uint32_t workers_count(const struct workers *w);
uint32_t workers_alive(const struct workers *w);
/* The worst lateness that a living worker told of in its last report. */
uint64_t workers_late_ms(const struct workers *w);
/* Closes the sockets, which ends them, and waits for them (at most 1 s, then kills). */
void workers_free(struct workers *w);

#endif
