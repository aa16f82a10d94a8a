/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection is never closed inside the callback that delivered its request: libevent
 * still holds it there. So even "close at once" goes through a timer of 0 ms.
 */
#include "tests/lab/held.h"
#include "tests/lab/heap.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <sys/socket.h>

struct held {
	struct held_list *list;
	struct held *next, **at;
	struct event *timer;
	struct evhttp_request *req; /* NULL: the client has gone */
	struct held_plan plan;
};

static void
watch(struct held *h, void (*on_close)(struct evhttp_connection *, void *))
{
	if (h->req != NULL)
		evhttp_connection_set_closecb(evhttp_request_get_connection(h->req),
		    on_close, on_close != NULL ? h : NULL);
}

static void
held_free(struct held *h)
{
	watch(h, NULL);
	*h->at = h->next;
	if (h->next != NULL)
		h->next->at = h->at;
	h->list->n--;
	event_free(h->timer);
	free(h);
}

static void
on_client_gone(struct evhttp_connection *connection, void *arg)
{
	struct held *h = arg;

	(void)connection;
	h->req = NULL;
}

static void
end_connection(struct evhttp_request *req, enum held_end end)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct evhttp_connection *connection;

	if (req == NULL || end == HELD_LEAVE)
		return;
	connection = evhttp_request_get_connection(req);
	/* Lingering for 0 s would not do: libevent says goodbye before it closes. */
	if (end == HELD_RESET)
		(void)connect(
		    bufferevent_getfd(evhttp_connection_get_bufferevent(connection)),
		    &nobody, sizeof nobody);
	evhttp_connection_free(connection);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct held *h = arg;
	struct held_plan plan = h->plan;
	struct evhttp_request *req = h->req;

	(void)fd, (void)what;
	held_free(h);
	if (plan.done != NULL)
		plan.end = plan.done(plan.arg, req);
	end_connection(req, plan.end);
}

bool
held_add(struct held_list *list, struct event_base *base, struct evhttp_request *req,
    const struct held_plan *plan)
{
	struct timeval wait = {
	    .tv_sec = (time_t)(plan->wait_ms / 1000),
	    .tv_usec = (suseconds_t)(plan->wait_ms % 1000 * 1000),
	};
	struct held *h;

	if (list->n == HELD_MAX)
		return false;
	h = heap_zero(sizeof *h);
	h->list = list;
	h->req = req;
	h->plan = *plan;
	h->next = list->first;
	h->at = &list->first;
	if (h->next != NULL)
		h->next->at = &h->next;
	list->first = h;
	list->n++;
	h->timer = evtimer_new(base, on_timer, h);
	if (h->timer == NULL || evtimer_add(h->timer, &wait) != 0)
		abort();
	watch(h, on_client_gone);
	return true;
}

void
held_clear(struct held_list *list)
{
	while (list->first != NULL) {
		struct held_plan plan = list->first->plan;

		held_free(list->first);
		if (plan.drop != NULL)
			plan.drop(plan.arg);
	}
}
