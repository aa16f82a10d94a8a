/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_flight.h - a signed request on its way, whatever service it is for; for
 * aws_query.c and s3.c.
 *
 * A line is one identity at one place. A flight waits until nothing holds it up, for
 * credentials that are being fetched, and for its answer; it is signed anew once when
 * its signature was refused for its time. It ends in exactly one of two hooks, answered()
 * or told(), never from within the call that began it; both drop it. Both structs are the
 * first member of those that embed them, zeroed before they are begun.
 * Signature Version 4: sign.h.
 */
#ifndef STEERING_ZONE_AWS_FLIGHT_H
#define STEERING_ZONE_AWS_FLIGHT_H

#include "steering/zone/aws_verdict.h"
#include "steering/zone/credentials.h"
#include "steering/zone/partition.h"
#include "steering/zone/text.h"

struct event;
struct event_base;
struct aws_flight;

struct aws_flight_does {
	/* True: not now. It was decided, or is woken later. NULL: nothing holds it up. */
	bool (*held)(struct aws_flight *f, uint64_t now_ms);
	/* Makes the request, and sends it by aws_flight_send(). */
	void (*send)(
	    struct aws_flight *f, const struct credentials *who, uint64_t now_ms);
	void (*judge)(struct aws_flight *f, const struct http_response *response,
	    struct aws_verdict *v);
	/* Its end, with an answer … */
	void (*answered)(struct aws_flight *f, const struct http_response *response,
	    const struct aws_verdict *v);
	/* … or without: f->result and f->err. */
	void (*told)(struct aws_flight *f);
	/* Frees what embeds it, which calls aws_flight_fini(). */
	void (*drop)(struct aws_flight *f);
};

struct aws_line {
	const struct aws_flight_does *does;
	const char *service; /* of the signature */
	struct partition_place place;
	struct event_base *base;
	struct http *http;
	struct credentials_chain *credentials;
	int64_t skew_s; /* theirs minus ours, once a signature was refused */
	struct aws_flight *flights;
};

struct aws_flight {
	struct aws_line *line;
	struct aws_flight *next, **link;
	struct event *timer;
	struct http_call *http; /* in flight */
	uint64_t give_up_ms;
	bool resigned, decided;
	enum aws_result result; /* once decided; before, should patience end first */
	struct err err;
};

/* What is signed and sent; it need live no longer than aws_flight_send(). */
struct aws_request {
	const char *method, *url;
	const char *path; /* of the url */
	bool path_as_is;  /* as sign.h says */
	const struct text_pair *query;
	size_t queries;
	struct text_pair header; /* beside those of every request */
	const void *body;
	size_t body_bytes;
	bool once;         /* as http.h says */
	size_t answer_max; /* likewise */
};

/* does, service and place are set. False: e says why; fini it all the same. */
bool aws_line_init(struct aws_line *l, struct event_base *base,
    const struct credentials_spec *who, struct err *e) MUST_CHECK;
/* Drops all flights, without a hook. */
void aws_line_fini(struct aws_line *l);

void aws_flight_begin(struct aws_flight *f, struct aws_line *l, uint64_t patience_ms);
void aws_flight_fini(struct aws_flight *f);
void aws_flight_wake_in(struct aws_flight *f, uint64_t ms);
/* It is told by the timer. */
void aws_flight_decide(struct aws_flight *f, enum aws_result result);
/* False: nothing was sent, and it is decided. */
bool aws_flight_send(struct aws_flight *f, const struct aws_request *r,
    const struct credentials *who, uint64_t now_ms);

#endif
