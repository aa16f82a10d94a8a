/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program is the runner's (probe/runner.h): fresh exec, no shell, and at the deadline
 * everything that came of it is killed. What it is told stands in its arguments and, the
 * same for every program, in its environment; nothing of the agent's own does.
 *
 * Only an exit status is a program's own word. Ended in any other way it may have done
 * its work or a part of it, and that is what is said. At the deadline nothing of it runs
 * any more, but what it asked of others (a database, a cloud) may go on.
 *
 * The runner is shared with exec checks, and may be on its way back from a death: a step
 * waits some seconds for a place, because a plan must not end over that.
 */
#include "steering/agent/act_parts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "probe/runner.h"
#include "steering/agent/exec_check.h"
#include "steering/agent/jobs.h"

#define GRACE_MS 2000 /* to tidy up after SIGTERM */
#define PLACE_MS 10000
#define AGAIN_MS 250
#define ARG_BYTES_MAX RUNNER_TEXT_BYTES

struct act_exec {
	uint64_t job;           /* 0: it has ended, or has no place yet */
	struct runner_msg *msg; /* while it waits for a place */
	struct event *again;
	struct err why; /* it has none */
	uint64_t timeout_ms;
	char program[64];
};

/* ---- the way there ---- */

static bool
put_args(struct runner_msg *m, const struct config_act *act,
    const struct act_words *words, struct err *e)
{
	struct text arg = TEXT_INIT(ARG_BYTES_MAX);
	bool ok = true;

	for (uint32_t i = 0; i < act->args && ok; i++) {
		text_clear(&arg);
		ok = act_fill_to(&arg, act->arg[i], words, ACT_FILL_PLAIN, e) &&
		    (runner_add_arg(m, text_str(&arg)) ||
			err_set(e,
			    "its arguments are longer than %d characters, or more than "
			    "%d, when they are filled in",
			    RUNNER_TEXT_BYTES, RUNNER_ARGS_MAX));
	}
	text_fini(&arg);
	return ok;
}

/* What is not known is not there. */
static bool
put_environment(struct runner_msg *m, const struct act_words *words)
{
	static const struct {
		const char *name, *word;
	} vars[] = {{"POINTSMAN_FROM", "from"}, {"POINTSMAN_TO", "to"},
	    {"POINTSMAN_SITE", "site"}, {"POINTSMAN_SERVICE", "service"},
	    {"POINTSMAN_SCENARIO", "scenario"}, {"POINTSMAN_INCIDENT", "incident"},
	    {"POINTSMAN_FENCE", "fence"}, {"POINTSMAN_BACKUP_ID", "backup.id"},
	    {"POINTSMAN_BACKUP_STARTED_AT", "backup.started_at"},
	    {"POINTSMAN_BACKUP_COMPLETED_AT", "backup.completed_at"}};
	bool ok =
	    runner_add_env(m, "PATH", EXEC_PATH) && runner_add_env(m, "LANG", "C");

	for (size_t i = 0; i < sizeof vars / sizeof vars[0] && ok; i++) {
		char number[ACT_NUMBER_BYTES];
		const char *value =
		    act_word(words, vars[i].word, strlen(vars[i].word), number);

		ok = value[0] == '\0' || runner_add_env(m, vars[i].name, value);
	}
	return ok;
}

/* ---- and back ---- */

static void
on_ended(const struct runner_event *ev, void *arg)
{
	struct act *x = arg;
	const char *program = x->exec->program;
	char line[ACT_LINE_BYTES], span[ACT_SPAN_BYTES], limit[ACT_SPAN_BYTES];

	x->exec->job = 0;
	x->r.began_ms = ev->start_ms != 0 ? ev->start_ms : x->begin_ms;
	act_tail(x, ev->tail, ev->tail_bytes);
	(void)act_last_line(x, line);
	(void)act_span(ev->took_us / 1000, span);
	(void)act_span(x->exec->timeout_ms, limit);
	switch ((enum runner_end)ev->end) {
	case RUNNER_NOT_STARTED:
		x->r.began_ms = 0;
		act_end(x, ACTED_FAILED, "%s: nothing was started: %s", program,
		    strerror(ev->status));
		return;
	case RUNNER_BUSY:
		x->r.began_ms = 0;
		act_end(x, ACTED_FAILED,
		    "%s: nothing was started: %d programs run already", program,
		    RUNNER_JOBS_MAX);
		return;
	case RUNNER_EXIT:
		if (ev->status == 0)
			act_end(x, ACTED_DONE, "%s ended well after %s%s", program,
			    span, line);
		else
			act_end(x, ACTED_FAILED,
			    "%s ended with exit status %d after %s%s", program,
			    (int)ev->status, span, line);
		return;
	case RUNNER_SIGNAL:
		act_end(x, ACTED_UNKNOWN,
		    "%s was ended by signal %d after %s: it may have done its work, or "
		    "a part%s",
		    program, (int)ev->status, span, line);
		return;
	case RUNNER_DEADLINE:
		act_end(x, ACTED_UNKNOWN,
		    "%s did not end within %s and was killed: it may have done its "
		    "work, or a part%s",
		    program, limit, line);
		return;
	case RUNNER_KILLED:
		act_end(x, ACTED_UNKNOWN,
		    "%s was killed after %s: it may have done its work, or a part%s",
		    program, span, line);
		return;
	case RUNNER_LOST:
	case RUNNER_ENDS:
		break;
	}
	act_end(x, ACTED_UNKNOWN,
	    "%s was killed, because the runner died: it may have done its work, or a "
	    "part",
	    program);
}

/* ---- a place in the runner ---- */

static void
find_place(struct act *x)
{
	struct act_exec *p = x->exec;
	struct timeval t = {.tv_usec = AGAIN_MS * 1000};
	uint64_t left_ms = act_left_ms(x);

	p->msg->timeout_ms = left_ms;
	if (left_ms > 0)
		p->job = jobs_start(x->jobs, p->msg, on_ended, x, &p->why);
	if (p->job == 0 && left_ms > 0 && now_boot_ms() - x->begin_ms < PLACE_MS) {
		if (event_add(p->again, &t) != 0)
			abort();
		return;
	}
	free(p->msg);
	p->msg = NULL;
	if (p->job == 0)
		act_end(x, ACTED_FAILED, "%s: nothing was started: %.120s", p->program,
		    p->why.text);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct act *x = arg;

	(void)fd;
	(void)what;
	if (!x->ended)
		find_place(x);
}

bool
act_exec_start(struct act *x, const struct config_act *act,
    const struct act_words *words, struct err *e)
{
	struct act_exec *p = calloc(1, sizeof *p);
	const char *slash = strrchr(act->arg[0], '/');

	if (p == NULL || (p->msg = calloc(1, sizeof *p->msg)) == NULL ||
	    (p->again = evtimer_new(x->base, on_again, x)) == NULL)
		abort();
	x->exec = p;
	p->msg->kind = RUNNER_START;
	p->msg->grace_ms = GRACE_MS;
	p->timeout_ms = act->timeout_ms;
	(void)snprintf(p->program, sizeof p->program, "%.60s",
	    slash != NULL ? slash + 1 : act->arg[0]);
	if (!put_args(p->msg, act, words, e) ||
	    (!put_environment(p->msg, words) &&
		!err_set(e, "its arguments leave no room for its environment")))
		return err_wrap(e, p->program);
	find_place(x);
	return true;
}

void
act_exec_kill(struct act *x)
{
	if (x->exec->job != 0)
		jobs_kill(x->jobs, x->exec->job);
	else
		act_end(x, ACTED_UNKNOWN, "%s was given up before it was started",
		    x->exec->program);
}

void
act_exec_stop(struct act *x)
{
	if (x->exec->job != 0)
		jobs_forget(x->jobs, x->exec->job);
	event_free(x->exec->again);
	free(x->exec->msg);
	free(x->exec);
}
