/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit.h - the way of one HTTP request through the lab.
 */
#ifndef LAB_VISIT_H
#define LAB_VISIT_H

#include "tests/lab/held.h"
#include "tests/lab/lab.h"

struct front { /* what requests need of the server that took them */
	struct lab *lab;
	struct event_base *base;
	struct held_list held;
};

/* Answers, or sees to it that it is answered later or never. */
void visit_serve(struct front *front, struct evhttp_request *req);

#endif
