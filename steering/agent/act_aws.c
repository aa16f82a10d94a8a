/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call, and then looking until it has had its effect.
 *
 * The call is sent again only when it was certainly not carried out and soon may be: when
 * it was throttled. The place's budget then rests, for longer each time and never equally
 * long (zone/budget.h), and the next sending waits for that. A lost answer is not
 * repeated here: the scenario does that with a new fence.
 *
 * A look that finds what was wanted proves nothing while it may show the state of before:
 * AWS says `available` for some seconds after it accepted a promotion. So either it was
 * seen to be otherwise since (the call's own answer counts), or two looks agree.
 *
 * "Already so" is AWS's word for some refusals of a repeated call, and mostly not quite
 * that: an interface is attached, maybe to another machine. It is believed only where
 * AWS names the very state, or where `until` looks for a value of the call itself.
 */
#include "steering/agent/act_parts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "steering/zone/aws_query.h"
#include "steering/zone/aws_until.h"

#define EVERY_MS 10000
#define LOOK_MS 10000  /* patience with one look */
#define DENIED_LOOKS 3 /* in a row, and it will not change by itself */
#define VALUE_BYTES_MAX 16384

struct call {
	char action[64];
	size_t params;
	struct text_pair param[AWS_PARAMS_MAX];
	struct text text[AWS_PARAMS_MAX * 2]; /* what param points to: names, values */
};

struct act_aws {
	struct aws_query *query;
	struct aws_call *under_way;
	struct event *timer; /* the next look */
	struct call call, ask;
	bool has_until;
	struct aws_until until;
	uint64_t every_ms;

	uint32_t throttled;
	bool accepted;
	char refused[160]; /* "" or how AWS said that it is so already */
	bool otherwise;    /* it was seen to be so */
	uint32_t looks, held, denied;
	char seen[160]; /* the last look, in words */
};

bool
act_aws_accepted(const struct act *x)
{
	return x->aws->accepted;
}

/* ---- taking it whole ---- */

static bool
take_call(struct call *c, const struct config_call *from, const struct act_words *words,
    struct err *e)
{
	if (from->params > AWS_PARAMS_MAX)
		return err_set(
		    e, "%.60s has more than %d params", from->action, AWS_PARAMS_MAX);
	(void)snprintf(c->action, sizeof c->action, "%s", act_text(from->action));
	for (; c->params < from->params; c->params++) {
		const struct config_param *p = &from->param[c->params];
		struct text *name = &c->text[c->params * 2], *value = name + 1;

		*name = *value = TEXT_INIT(VALUE_BYTES_MAX);
		text_add_str(name, p->key);
		if (!act_fill_to(value, act_text(p->value), words, ACT_FILL_PLAIN, e))
			return err_wrap(e, p->key);
		c->param[c->params] =
		    (struct text_pair){text_str(name), text_str(value)};
	}
	return true;
}

static bool
take_until(struct act_aws *w, const struct config_act *act,
    const struct act_words *words, struct err *e)
{
	struct text is = TEXT_INIT(AWS_UNTIL_NAMES_MAX * AWS_UNTIL_WORD_MAX);
	bool ok;

	if (!act->aws.until)
		return true;
	w->has_until = true;
	w->every_ms = act->aws.every_ms != 0 ? act->aws.every_ms : EVERY_MS;
	ok = take_call(&w->ask, &act->aws.ask, words, e) &&
	    act_fill_to(&is, act_text(act->aws.is), words, ACT_FILL_PLAIN, e) &&
	    aws_until_parse(act_text(act->aws.path), text_str(&is), &w->until, e);
	text_fini(&is);
	return ok || err_wrap(e, "until");
}

/* ---- looking ---- */

static void look(struct act *x);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

static void
look_later(struct act *x)
{
	uint64_t left_ms = act_left_ms(x);
	uint64_t ms = x->aws->every_ms < left_ms ? x->aws->every_ms : left_ms;
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(x->aws->timer, &t) != 0)
		abort();
}

static void
run_out(struct act *x)
{
	const struct act_aws *w = x->aws;
	char span[ACT_SPAN_BYTES];

	act_span(now_boot_ms() - x->begin_ms, span);
	if (w->refused[0] != '\0')
		act_end(x, ACTED_UNKNOWN, "%.100s; but after %s %.80s", w->refused,
		    span, w->seen);
	else
		act_end(x, ACTED_UNKNOWN,
		    "AWS accepted %.60s, but after %s %.80s; it may go on by itself",
		    w->call.action, span, w->seen);
}

static void
done(struct act *x)
{
	const struct act_aws *w = x->aws;
	char span[ACT_SPAN_BYTES];

	act_span(now_boot_ms() - x->begin_ms, span);
	if (w->refused[0] != '\0')
		act_end(x, ACTED_DONE, "%.100s; and %.80s", w->refused, w->seen);
	else
		act_end(x, ACTED_DONE, "AWS carried out %.60s: after %s %.80s",
		    w->call.action, span, w->seen);
}

static void
judge_look(struct act *x, const struct aws_answer *a)
{
	struct act_aws *w = x->aws;
	struct aws_until_seen seen;
	struct err e;

	if (!aws_until_look(&w->until, a->body, a->body_bytes, &seen, &e)) {
		(void)snprintf(w->seen, sizeof w->seen, "%.150s", e.text);
		look_later(x);
		return;
	}
	aws_until_say(&w->until, &seen, w->seen, sizeof w->seen);
	if (seen.ended[0] != '\0' && w->looks > 1) {
		act_end(x, ACTED_FAILED,
		    "AWS accepted %.50s, and it ended badly: %.80s; look at it there "
		    "before a retry",
		    w->call.action, w->seen);
		return;
	}
	if (aws_until_holds(&w->until, &seen)) {
		if (w->otherwise || ++w->held >= 2) {
			done(x);
			return;
		}
	} else {
		w->otherwise = true;
		w->held = 0;
	}
	look_later(x);
}

static void
on_look(const struct aws_answer *a, void *arg)
{
	struct act *x = arg;
	struct act_aws *w = x->aws;

	w->under_way = NULL;
	w->looks++;
	w->denied = a->result == AWS_DENIED ? w->denied + 1 : 0;
	if (a->result == AWS_OK) {
		judge_look(x, a);
		return;
	}
	/* A look that only had to wait hides nothing of what was seen before. */
	if (a->result != AWS_BUSY)
		(void)snprintf(w->seen, sizeof w->seen, "%.150s", a->err.text);
	if (w->denied >= DENIED_LOOKS)
		act_end(x, ACTED_UNKNOWN,
		    "AWS accepted %.60s, but its end cannot be seen: %.120s",
		    w->call.action, w->seen);
	else
		look_later(x);
}

static void
look(struct act *x)
{
	struct act_aws *w = x->aws;
	uint64_t left_ms = act_left_ms(x);
	struct aws_query_ask ask = {.action = w->ask.action,
	    .param = w->ask.param,
	    .params = w->ask.params,
	    .patience_ms = left_ms < LOOK_MS ? left_ms : LOOK_MS};

	if (left_ms == 0)
		run_out(x);
	else
		w->under_way = aws_query_start(w->query, &ask, on_look, x);
}

static void
begin_to_look(struct act *x)
{
	(void)snprintf(x->aws->seen, sizeof x->aws->seen, "nothing was seen of it yet");
	look_later(x);
}

/* ---- the call ---- */

static void send_call(struct act *x);

/* The answer to a call often shows the state that it began with. */
static void
take_yes(struct act *x, const struct aws_answer *a)
{
	struct act_aws *w = x->aws;
	struct aws_until_seen seen;
	struct err e;

	w->accepted = true;
	act_tail(x, a->body, a->body_bytes);
	if (!w->has_until) {
		act_end(x, ACTED_DONE, "AWS accepted %.60s", w->call.action);
		return;
	}
	w->otherwise = aws_until_look(&w->until, a->body, a->body_bytes, &seen, &e) &&
	    seen.found > 0 && !aws_until_holds(&w->until, &seen);
	begin_to_look(x);
}

/* Does `until` look for a value that the call itself gave? */
static bool
looks_for_a_param(const struct act_aws *w)
{
	for (size_t i = 0; i < w->call.params && w->has_until; i++)
		if (w->until.how == AWS_UNTIL_ALL &&
		    strcmp(w->call.param[i].value, w->until.word[0]) == 0)
			return true;
	return false;
}

static const struct already {
	const char *action, *code;
	const char *says; /* what its message must hold too; "" anything */
	bool of_param;    /* it may be so of another thing: see looks_for_a_param() */
} already[] = {
    {"PromoteReadReplica", "InvalidDBInstanceState", "not a read replica", false},
    {"PromoteReadReplicaDBCluster", "InvalidDBClusterStateFault", "not a read replica",
	false},
    {"AssociateAddress", "Resource.AlreadyAssociated", "", true},
    {"AttachNetworkInterface", "InvalidNetworkInterface.InUse", "", true},
    {"AttachVolume", "VolumeInUse", "", true},
};

static const struct already *
already_so(const struct act_aws *w, const struct aws_answer *a)
{
	for (size_t i = 0; i < sizeof already / sizeof already[0]; i++)
		if (strcmp(already[i].action, w->call.action) == 0 &&
		    strcmp(already[i].code, a->code) == 0 &&
		    strcasestr(a->err.text, already[i].says) != NULL)
			return &already[i];
	return NULL;
}

static void
refuse(struct act *x, const struct aws_answer *a)
{
	struct act_aws *w = x->aws;
	const struct already *so = already_so(w, a);

	if (so != NULL && w->has_until && (!so->of_param || looks_for_a_param(w))) {
		(void)snprintf(w->refused, sizeof w->refused,
		    "AWS refused %.40s, because it is so already (%.60s)",
		    w->call.action, a->code);
		begin_to_look(x);
	} else if (so != NULL) {
		act_end(x, ACTED_FAILED,
		    "it may be so already, by an earlier try: look, and skip the step "
		    "if it is: %.130s",
		    a->err.text);
	} else {
		act_end(x, ACTED_FAILED, "%.220s", a->err.text);
	}
}

static void
on_call(const struct aws_answer *a, void *arg)
{
	struct act *x = arg;
	struct act_aws *w = x->aws;

	w->under_way = NULL;
	if (a->sent_ms != 0 && x->r.began_ms == 0)
		x->r.began_ms = a->sent_ms;
	switch (a->result) {
	case AWS_OK:
		take_yes(x, a);
		return;
	case AWS_BUSY:
		w->throttled += a->sent_ms != 0;
		if (a->sent_ms != 0 && act_left_ms(x) > 0)
			send_call(x);
		else
			act_end(x, ACTED_FAILED,
			    "%.60s was not carried out: throttled %u times: %.110s",
			    w->call.action, (unsigned)w->throttled, a->err.text);
		return;
	case AWS_DENIED:
	case AWS_REFUSED:
		refuse(x, a);
		return;
	case AWS_OUT:
		act_end(x, ACTED_FAILED, "%.60s was not sent: %.150s", w->call.action,
		    a->err.text);
		return;
	case AWS_UNKNOWN:
	case AWS_RESULTS:
		break;
	}
	act_end(x, ACTED_UNKNOWN, "%.60s may have been carried out: %.130s",
	    w->call.action, a->err.text);
}

static void
send_call(struct act *x)
{
	struct act_aws *w = x->aws;
	struct aws_query_ask ask = {.action = w->call.action,
	    .param = w->call.param,
	    .params = w->call.params,
	    .patience_ms = act_left_ms(x),
	    .change = true};

	if (ask.patience_ms == 0)
		ask.patience_ms = 1;
	w->under_way = aws_query_start(w->query, &ask, on_call, x);
}

/* ---- its beginning and end ---- */

bool
act_aws_start(struct act *x, const struct config_act *act,
    const struct act_words *words, struct err *e)
{
	struct act_aws *w = calloc(1, sizeof *w);

	if (w == NULL || (w->timer = evtimer_new(x->base, on_timer, x)) == NULL)
		abort();
	x->aws = w;
	if (!take_call(&w->call, &act->aws.call, words, e) ||
	    !take_until(w, act, words, e))
		return err_wrap(e, w->call.action);
	w->query = act_places_find(acts_places(x->all), act, e);
	if (w->query == NULL)
		return err_wrap(e, w->call.action);
	send_call(x);
	return true;
}

static void
free_call(struct call *c)
{
	for (size_t i = 0; i < AWS_PARAMS_MAX * 2; i++)
		text_fini(&c->text[i]);
}

void
act_aws_stop(struct act *x)
{
	struct act_aws *w = x->aws;

	if (w->under_way != NULL)
		aws_query_cancel(w->under_way);
	event_free(w->timer);
	free_call(&w->call);
	free_call(&w->ask);
	free(w);
}
