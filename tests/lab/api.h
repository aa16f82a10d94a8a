/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - the operations of Route 53's REST API, version 2013-04-01.
 *
 * A call is one request that has passed the door; a reply is what is to be sent. No
 * sockets here, and no faults but those that change what an answer says.
 */
#ifndef LAB_API_H
#define LAB_API_H

#include "tests/lab/batch.h"
#include "tests/lab/lab.h"

struct evbuffer;
struct evkeyvalq;

enum api_op {
	API_UNKNOWN = 0,
	API_CHANGE,
	API_LIST,
	API_GET_CHANGE,
	API_GET_ZONE,
	API_LIST_ZONES,
	API_LIST_ZONES_BY_NAME,
	API_CREATE_CHECK,
	API_GET_CHECK,
	API_LIST_CHECKS,
	API_DELETE_CHECK,
};

enum { API_ID_BYTES = 65, REQUEST_ID_BYTES = 37 };

struct api_call { /* borrowed, but for op and id */
	enum api_op op;
	char id[API_ID_BYTES]; /* of the zone or change in the path */
	const struct evkeyvalq *query;
	const char *content_type; /* NULL: none */
	const void *body;
	size_t body_bytes;
	char request_id[REQUEST_ID_BYTES];
};

struct api_reply {
	int status;
	const char *code; /* of an error; "" when good */
	struct evbuffer *body;
	char location[128]; /* of the header; "" none */
	struct batch batch; /* what a change asked for, for the log */
};

/* Fills op and id from the request line. */
void api_route(struct api_call *call, const char *method, const char *path);

void api_reply_init(struct api_reply *r);
void api_reply_fini(struct api_reply *r);
void api_reply_error(struct api_reply *r, const struct api_call *call, int status,
    const char *code, const char *message);

/* False: r is the refusal. */
bool api_read_max_items(
    const struct api_call *call, struct api_reply *r, size_t most, size_t *max);

void api_run(struct lab *lab, const struct api_call *call, struct api_reply *r);

#endif
