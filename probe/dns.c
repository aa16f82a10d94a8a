/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares makes the question and unfolds the names of the answer; the sockets are ours.
 * A c-ares channel asks the servers that belong to it, in the order that it chooses:
 * a probe of one given server needs a channel of its own for as long as it is in
 * flight, and in 1.18 that is 74 KB and 21 µs. A name server that has gone silent with a
 * thousand addresses would cost 74 MB. A connected socket of our own costs a few hundred
 * bytes, lets the kernel drop what others send, brings each probe a fresh port, and
 * hands the errno over untouched, so that blame is exact (as in connect.c).
 */
#include "probe/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "probe/resolve.h"

#define AGAIN_MAX 2
#define AGAIN_MS_MIN 20
#define UDP_MAX 4096 /* we allow 512; who sends more is read, and no further */
#define DATAGRAMS_AT_ONCE 16

enum dns_phase { DNS_ASKING = 0, DNS_CONNECTING, DNS_SENDING, DNS_READING };

struct dns_try {
	const struct dns_plan *plan;
	struct event_base *base;
	struct address to;
	struct connect connect; /* of TCP */
	enum dns_phase phase;
	int fd; /* -1: none */
	struct event ev;
	bool watched, heard;
	unsigned repeats;
	uint8_t question[2 + DNS_QUESTION_MAX]; /* the length before it is TCP's */
	size_t sent, got, answer_bytes;
	uint8_t head[2];
	uint8_t *answer; /* by TCP; NULL: none yet */
	dns_done_fn *done;
	void *arg;
};

/* ---- the verdict ---- */

static bool
is_wanted(const struct check_dns *check, const char *record, const char *wanted)
{
	return check->type == CHECK_DNS_TXT ? strcmp(record, wanted) == 0
					    : strcasecmp(record, wanted) == 0;
}

static bool
holds(const struct check_dns *check, const struct dns_message *m)
{
	char text[DNS_RECORD_TEXT_MAX];

	for (unsigned i = 0; i < m->records; i++) {
		dns_message_record(m, i, (enum check_dns_type)check->type, text);
		if (check->type == CHECK_DNS_TXT
			? strstr(text, check->contains) != NULL
			: is_wanted(check, text, check->contains))
			return true;
	}
	return false;
}

/* Each record one of the answers, each answer one of the records. */
static bool
is_exact(const struct check_dns *check, const struct dns_message *m)
{
	bool seen[CHECK_ANSWERS_MAX] = {false};
	char text[DNS_RECORD_TEXT_MAX];

	for (unsigned i = 0; i < m->records; i++) {
		bool any = false;

		dns_message_record(m, i, (enum check_dns_type)check->type, text);
		for (uint32_t k = 0; k < check->answers && k < CHECK_ANSWERS_MAX; k++)
			if (is_wanted(check, text, check->answer[k]))
				any = seen[k] = true;
		if (!any)
			return false;
	}
	for (uint32_t k = 0; k < check->answers && k < CHECK_ANSWERS_MAX; k++)
		if (!seen[k])
			return false;
	return true;
}

/* "192.0.2.1, 192.0.2.2", as far as there is room. */
static void
list_records(const struct dns_message *m, enum check_dns_type type, char *text,
    size_t text_bytes)
{
	char record[DNS_RECORD_TEXT_MAX];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < m->records && n + 1 < text_bytes; i++) {
		dns_message_record(m, i, type, record);
		n += (size_t)snprintf(
		    text + n, text_bytes - n, "%s%.80s", i > 0 ? ", " : "", record);
	}
}

static void
judge_records(
    const struct check_dns *check, const struct dns_message *m, struct probe_result *r)
{
	enum check_dns_type type = (enum check_dns_type)check->type;
	char got[64];

	if (m->records == 0) {
		result_fail(r, PROBE_ANSWER, "no %s of %.100s in the answer",
		    dns_type_word(type), check->name);
		return;
	}
	list_records(m, type, got, sizeof got);
	if (check->contains[0] != '\0' && !holds(check, m))
		result_fail(r, PROBE_ANSWER, "%s is %s: not %.60s", dns_type_word(type),
		    got, check->contains);
	else if (check->answers > 0 && !is_exact(check, m))
		result_fail(r, PROBE_ANSWER, "%s is %s: not %s%.50s",
		    dns_type_word(type), got, check->answers > 1 ? "exactly " : "",
		    check->answers > 1 ? "what answers says" : check->answer[0]);
	else
		result_pass(r);
}

void
dns_judge(const struct dns_plan *plan, const uint8_t *byte, size_t bytes,
    struct probe_result *r)
{
	const struct check_dns *check = plan->check;
	struct dns_message m;
	char is[16], should[16];
	struct err e;

	if (!dns_message_read(
		&m, byte, bytes, check->name, (enum check_dns_type)check->type, &e))
		result_fail(
		    r, PROBE_GARBAGE, "its answer cannot be read: %.80s", e.text);
	else if (m.rcode != check->rcode)
		result_fail(r, PROBE_RCODE, "answered %s, not %s",
		    dns_rcode_word(m.rcode, is), dns_rcode_word(check->rcode, should));
	else if (m.rcode != 0)
		result_pass(r);
	else
		judge_records(check, &m, r);
}

/* ---- life ---- */

static void
try_free(struct dns_try *t)
{
	connect_cancel(&t->connect);
	if (t->watched)
		(void)event_del(&t->ev);
	if (t->fd >= 0)
		(void)close(t->fd);
	free(t->answer);
	free(t);
}

static void
finish(struct dns_try *t, const struct probe_result *r)
{
	dns_done_fn *done = t->done;
	void *arg = t->arg;

	try_free(t);
	done(arg, r);
}

/* False: *r says why it cannot be watched. */
static bool
watch(struct dns_try *t, short what, event_callback_fn call, struct probe_result *r)
{
	uint64_t ms = t->plan->again_ms;
	struct timeval again = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
	bool repeats = t->phase == DNS_ASKING && t->repeats < AGAIN_MAX;

	(void)event_assign(&t->ev, t->base, t->fd, what, call, t);
	t->watched = event_add(&t->ev, repeats ? &again : NULL) == 0;
	if (!t->watched)
		result_local(r, "cannot watch a socket: out of memory");
	return t->watched;
}

/* ---- TCP ---- */

/* True: *r is the verdict. */
static bool
read_stream(struct dns_try *t, struct probe_result *r)
{
	uint8_t *to = t->got < 2 ? t->head + t->got : t->answer + (t->got - 2);
	size_t room = t->got < 2 ? 2 - t->got : t->answer_bytes - (t->got - 2);
	ssize_t n = recv(t->fd, to, room, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		result_fail(r, PROBE_RESET,
		    "closed the TCP connection that its truncated answer asked for");
		return true;
	}
	t->got += (size_t)n;
	if (t->got < 2)
		return false;
	if (t->answer == NULL) {
		t->answer_bytes = (size_t)t->head[0] << 8 | t->head[1];
		t->answer = malloc(t->answer_bytes + 1);
		if (t->answer == NULL) {
			result_local(r, "cannot probe from here: out of memory");
			return true;
		}
	}
	if (t->got - 2 < t->answer_bytes)
		return false;
	if (dns_message_answers(
		t->answer, t->answer_bytes, t->question + 2, t->plan->question_bytes))
		dns_judge(t->plan, t->answer, t->answer_bytes, r);
	else
		result_fail(
		    r, PROBE_GARBAGE, "what came by TCP is no answer to our question");
	return true;
}

static bool
send_stream(struct dns_try *t, struct probe_result *r)
{
	size_t all = 2 + t->plan->question_bytes;
	ssize_t n = send(t->fd, t->question + t->sent, all - t->sent, MSG_NOSIGNAL);

	if (n > 0)
		t->sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		result_fail(
		    r, PROBE_RESET, "the TCP connection broke: %s", strerror(errno));
	if (t->sent == all)
		t->phase = DNS_READING;
	return n < 0 && errno != EAGAIN && errno != EINTR;
}

static void
on_stream(evutil_socket_t fd, short what, void *arg)
{
	struct dns_try *t = arg;
	struct probe_result r = {0};
	bool over;

	(void)fd;
	(void)what;
	t->watched = false;
	over = t->phase == DNS_SENDING ? send_stream(t, &r) : read_stream(t, &r);
	if (over ||
	    !watch(t, t->phase == DNS_SENDING ? EV_WRITE : EV_READ, on_stream, &r))
		finish(t, &r);
}

static void
on_connect(void *arg, int fd, int error)
{
	struct dns_try *t = arg;
	struct probe_result r = {0};

	t->fd = fd;
	if (error != 0) {
		result_from_connect(&r, error, false);
		finish(t, &r);
		return;
	}
	t->phase = DNS_SENDING;
	on_stream(fd, EV_WRITE, t);
}

/* ---- UDP ---- */

/* True: *r is the verdict. */
static bool
take_datagram(
    struct dns_try *t, const uint8_t *byte, size_t bytes, struct probe_result *r)
{
	if (!dns_message_answers(byte, bytes, t->question + 2, t->plan->question_bytes))
		return false;
	t->heard = true;
	if ((byte[2] & 2) == 0) {
		dns_judge(t->plan, byte, bytes, r);
		return true;
	}
	t->phase = DNS_CONNECTING;
	(void)close(t->fd);
	t->fd = -1;
	return !connect_start(&t->connect, t->base, &t->to, t->plan->port,
	    t->plan->from, on_connect, t, r);
}

static bool
send_datagram(struct dns_try *t, struct probe_result *r)
{
	if (send(t->fd, t->question + 2, t->plan->question_bytes, MSG_NOSIGNAL) >= 0 ||
	    errno == EAGAIN || errno == EINTR)
		return true;
	/* An ICMP answer to an earlier one is told here too. */
	result_from_connect(r, errno, t->repeats == 0);
	return false;
}

/* As many as are there, the last of them perhaps the answer. True: *r is the verdict. */
static bool
read_datagrams(struct dns_try *t, struct probe_result *r)
{
	uint8_t byte[UDP_MAX];

	for (int i = 0; i < DATAGRAMS_AT_ONCE && t->phase == DNS_ASKING; i++) {
		ssize_t n = recv(t->fd, byte, sizeof byte, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n < 0) {
			result_from_connect(r, errno, false);
			return true;
		}
		if (take_datagram(t, byte, (size_t)n, r))
			return true;
	}
	return false;
}

static void
on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct dns_try *t = arg;
	struct probe_result r = {0};
	bool over = false;

	(void)fd;
	t->watched = false;
	if ((what & EV_TIMEOUT) != 0) {
		t->repeats++;
		over = !send_datagram(t, &r);
	} else {
		over = read_datagrams(t, &r);
	}
	if (over || (t->phase == DNS_ASKING && !watch(t, EV_READ, on_datagram, &r)))
		finish(t, &r);
}

static bool
open_datagrams(struct dns_try *t, struct probe_result *r)
{
	const struct dns_plan *p = t->plan;
	struct sockaddr_storage remote;
	socklen_t size = address_to_sockaddr(&t->to, p->port, &remote);

	t->fd = socket(remote.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0) {
		result_from_connect(r, errno, true);
		return false;
	}
	if (!connect_bind(t->fd, p->from, t->to.family, r))
		return false;
	if (connect(t->fd, (struct sockaddr *)&remote, size) < 0) {
		result_from_connect(r, errno, true);
		return false;
	}
	return send_datagram(t, r) && watch(t, EV_READ, on_datagram, r);
}

/* ---- dns.h ---- */

bool
dns_plan_init(struct dns_plan *p, const struct check_spec *check, uint16_t port,
    const struct connect_from *from, struct err *e)
{
	const struct check_dns *dns = &check->dns;

	*p = (struct dns_plan){.check = dns, .from = from, .port = port};
	p->again_ms = check->timeout_ms / (AGAIN_MAX + 1);
	if (p->again_ms < AGAIN_MS_MIN)
		p->again_ms = AGAIN_MS_MIN;
	if (dns->type > CHECK_DNS_TXT)
		return err_set(e, "the check's type is none of ours");
	p->question_bytes = resolve_question(
	    dns->name, dns_type_number((enum check_dns_type)dns->type), p->question);
	if (p->question_bytes == 0)
		return err_set(e, "%.80s is no name that can be asked for", dns->name);
	return true;
}

struct dns_try *
dns_start(struct event_base *base, const struct dns_plan *plan,
    const struct address *to, dns_done_fn *done, void *arg, struct probe_result *r)
{
	struct dns_try *t = calloc(1, sizeof *t);

	if (t == NULL) {
		result_local(r, "cannot probe from here: out of memory");
		return NULL;
	}
	t->plan = plan;
	t->base = base;
	t->to = *to;
	t->fd = t->connect.fd = -1;
	t->done = done;
	t->arg = arg;
	t->question[0] = (uint8_t)(plan->question_bytes >> 8);
	t->question[1] = (uint8_t)plan->question_bytes;
	memcpy(t->question + 2, plan->question, plan->question_bytes);
	if (getrandom(t->question + 2, 2, 0) != 2)
		result_local(r, "cannot probe from here: no randomness");
	else if (open_datagrams(t, r))
		return t;
	try_free(t);
	return NULL;
}

void
dns_cancel(struct dns_try *t)
{
	try_free(t);
}

const char *
dns_phase(const struct dns_try *t)
{
	static const char *const words[] = {
	    [DNS_ASKING] = "asked by UDP",
	    [DNS_CONNECTING] = "its answer was cut, connecting for TCP",
	    [DNS_SENDING] = "its answer was cut, asking by TCP",
	    [DNS_READING] = "its answer was cut, asked by TCP",
	};

	return words[t->phase];
}

bool
dns_is_silent(const struct dns_try *t)
{
	return !t->heard;
}
