/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route 53 does not stop at the first mistake of a batch: it names them all. A batch
 * is bounded (1 MiB of XML), and so is what is kept of its mistakes.
 */
#include "tests/lab/messages.h"
#include "tests/lab/heap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 1000, LINE_BYTES = 3000, LOOK_BACK = 50 };

void
messages_add(struct messages *m, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	if (m->n == LINES_MAX)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	for (size_t i = m->n; i > 0 && i + LOOK_BACK > m->n; i--)
		if (strcmp(m->lines[i - 1], line) == 0)
			return;
	m->lines = heap_grow(m->lines, m->n + 1, sizeof *m->lines, &m->cap);
	m->lines[m->n++] = heap_string(line);
}

void
messages_fini(struct messages *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->lines[i]);
	free(m->lines);
	memset(m, 0, sizeof *m);
}
