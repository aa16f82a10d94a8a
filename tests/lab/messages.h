/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.h - the complaints about one change batch, all of them, in order.
 */
#ifndef LAB_MESSAGES_H
#define LAB_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

struct messages { /* all zero is empty */
	char **lines;
	size_t n, cap;
};

/* A line that is there already is not added again. */
void messages_add(struct messages *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void messages_fini(struct messages *m);

#endif
