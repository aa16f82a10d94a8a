/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of three pages for monitoring. evhttp was rejected: it bounds neither the
 * connections nor the whole time of a request, and this process holds the zone's
 * credentials and a limited number of descriptors. What is left of HTTP when there
 * are no bodies, no keep-alive and no fourth page is one line (RFC 9112 §3).
 */
#include "steering/agent/page.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "steering/agent/agent.h"
#include "steering/agent/door.h"
#include "steering/agent/incidents.h"
#include "steering/agent/metrics.h"
#include "steering/agent/status_scenarios.h"

#define REQUEST_BYTES_MAX 8192
#define REQUEST_S 5
#define BACKLOG 16
#define INCIDENTS_SHOWN 20
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define PLAIN_TYPE "text/plain; charset=utf-8"

struct visitor {
	struct page *page;
	struct bufferevent *peer;
	struct event *deadline;
	bool answered;
	struct visitor *next, **back;
};

struct page {
	struct event_base *base;
	struct evconnlistener *listener;
	struct door *door;
	const struct agent *agent;
	struct visitor *visitors;
	unsigned count, count_max;
};

static void
visitor_free(struct visitor *v)
{
	if (v->next != NULL)
		v->next->back = v->back;
	*v->back = v->next;
	v->page->count--;
	event_free(v->deadline);
	bufferevent_free(v->peer);
	free(v);
}

/* ---- the pages ---- */

static void
answer(struct visitor *v, const char *status, const char *type, const char *body,
    size_t n, bool head)
{
	struct evbuffer *out = bufferevent_get_output(v->peer);

	v->answered = true;
	(void)evbuffer_add_printf(out,
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
	    "%sConnection: close\r\n\r\n",
	    status, type, n,
	    status[0] == '4' && status[2] == '5' ? "Allow: GET, HEAD\r\n" : "");
	if (!head)
		(void)evbuffer_add(out, body, n);
}

static void
answer_metrics(struct visitor *v, bool head)
{
	const struct agent *a = v->page->agent;
	size_t n;
	char *text = metrics_format(a->metrics, a, &n);

	answer(v, "200 OK", METRICS_TYPE, text, n, head);
	free(text);
}

static void
answer_health(struct visitor *v, bool head)
{
	const struct agent *a = v->page->agent;
	char *text = NULL;
	size_t n = 0;
	uint32_t alive;
	FILE *out = open_memstream(&text, &n);

	if (out == NULL)
		abort();
	(void)agent_workers(a, &alive);
	(void)fprintf(out, "%s\n", alive > 0 ? "ok" : "no prober worker is alive");
	if (agent_doubt(a) != DOUBT_NOT)
		(void)fprintf(out, "abstains: %s\n", doubt_word(agent_doubt(a)));
	for (uint32_t i = 0; i < a->services; i++) {
		const struct engine *g = a->service[i]->engine;

		if (g->cannot != CANNOT_NOT)
			(void)fprintf(out, "%s: cannot write: %s\n",
			    a->service[i]->conf->rule.name, cannot_word(g->cannot));
	}
	status_scenarios_brief(a, out);
	(void)fclose(out);
	answer(v, alive > 0 ? "200 OK" : "503 Service Unavailable", PLAIN_TYPE, text, n,
	    head);
	free(text);
}

static void
answer_incidents(struct visitor *v, bool head)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (out == NULL)
		abort();
	incidents_table(v->page->agent->incidents, INCIDENTS_SHOWN, out);
	(void)fclose(out);
	answer(v, "200 OK", PLAIN_TYPE, text, n, head);
	free(text);
}

/* ---- the request ---- */

/* One request line: METHOD SP TARGET SP HTTP/1.x. The query is of no interest. */
static void
answer_line(struct visitor *v, const char *line)
{
	char method[16], target[256], version[16];
	static const char unknown[] = "here are /metrics, /healthz and /incidents\n";
	static const char odd[] = "not a request that is understood here\n";
	static const char only[] = "GET and HEAD only\n";

	if (sscanf(line, "%15s %255s %15s", method, target, version) != 3 ||
	    strncmp(version, "HTTP/1.", 7) != 0) {
		answer(v, "400 Bad Request", PLAIN_TYPE, odd, sizeof odd - 1, false);
		return;
	}
	bool head = strcmp(method, "HEAD") == 0;
	target[strcspn(target, "?")] = '\0';
	if (!head && strcmp(method, "GET") != 0)
		answer(v, "405 Method Not Allowed", PLAIN_TYPE, only, sizeof only - 1,
		    false);
	else if (strcmp(target, "/metrics") == 0)
		answer_metrics(v, head);
	else if (strcmp(target, "/healthz") == 0)
		answer_health(v, head);
	else if (strcmp(target, "/incidents") == 0)
		answer_incidents(v, head);
	else
		answer(
		    v, "404 Not Found", PLAIN_TYPE, unknown, sizeof unknown - 1, head);
}

/* The line counts when the empty line behind the headers has come. */
static void
on_read(struct bufferevent *peer, void *arg)
{
	struct visitor *v = arg;
	struct evbuffer *in = bufferevent_get_input(peer);
	struct evbuffer_ptr end = evbuffer_search(in, "\n\r\n", 3, NULL);

	if (end.pos < 0)
		end = evbuffer_search(in, "\n\n", 2, NULL);
	if (end.pos >= 0 && !v->answered) {
		char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);

		answer_line(v, line != NULL ? line : "");
		free(line);
	} else if (evbuffer_get_length(in) >= REQUEST_BYTES_MAX && !v->answered) {
		static const char big[] = "a request has at most 8 KiB\n";

		answer(v, "431 Request Header Fields Too Large", PLAIN_TYPE, big,
		    sizeof big - 1, false);
	}
	if (v->answered)
		(void)evbuffer_drain(in, evbuffer_get_length(in));
}

static void
on_written(struct bufferevent *peer, void *arg)
{
	struct visitor *v = arg;

	(void)peer;
	if (v->answered)
		visitor_free(v);
}

static void
on_event(struct bufferevent *peer, short what, void *arg)
{
	struct visitor *v = arg;

	if ((what & BEV_EVENT_EOF) != 0 && v->answered) {
		(void)bufferevent_disable(peer, EV_READ);
		return;
	}
	visitor_free(v);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	visitor_free(arg);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
    int from_bytes, void *arg)
{
	struct page *p = arg;
	struct timeval patience = {.tv_sec = REQUEST_S};

	(void)listener;
	(void)from;
	(void)from_bytes;
	door_entered(p->door);
	if (p->count >= p->count_max) {
		(void)evutil_closesocket(fd);
		return;
	}
	struct visitor *v = calloc(1, sizeof *v);
	if (v == NULL)
		abort();
	v->page = p;
	v->peer = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
	v->deadline = evtimer_new(p->base, on_deadline, v);
	if (v->peer == NULL || v->deadline == NULL)
		abort();
	v->next = p->visitors;
	v->back = &p->visitors;
	if (p->visitors != NULL)
		p->visitors->back = &v->next;
	p->visitors = v;
	p->count++;
	(void)event_add(v->deadline, &patience);
	bufferevent_setcb(v->peer, on_read, on_written, on_event, v);
	bufferevent_setwatermark(v->peer, EV_READ, 0, REQUEST_BYTES_MAX);
	(void)bufferevent_enable(v->peer, EV_READ | EV_WRITE);
}

static void
on_error(struct evconnlistener *listener, void *arg)
{
	const struct page *p = arg;

	(void)listener;
	door_failed(p->door, errno);
}

/* ---- begin and end ---- */

struct page *
page_new(struct event_base *base, const char *address, const struct agent *agent,
    struct err *e)
{
	struct sockaddr_storage at;
	int at_bytes = sizeof at;

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&at, &at_bytes) !=
	    0) {
		(void)err_set(e, "page %s: not an address and a port", address);
		return NULL;
	}
	struct page *p = calloc(1, sizeof *p);
	if (p == NULL)
		abort();
	p->base = base;
	p->agent = agent;
	p->count_max = door_bound(PAGE_CONNECTIONS_MAX);
	p->listener = evconnlistener_new_bind(base, on_accept, p,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
	    (struct sockaddr *)&at, at_bytes);
	if (p->listener == NULL) {
		(void)err_set(e, "page %s: %s", address, strerror(errno));
		free(p);
		return NULL;
	}
	p->door = door_new(base, p->listener, agent->facts, "the page");
	evconnlistener_set_error_cb(p->listener, on_error);
	return p;
}

void
page_free(struct page *p)
{
	if (p == NULL)
		return;
	while (p->visitors != NULL)
		visitor_free(p->visitors);
	door_free(p->door);
	evconnlistener_free(p->listener);
	free(p);
}
