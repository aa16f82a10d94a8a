/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing copies by hand and not with realloc: realloc leaves the old bytes behind
 * in the heap, and session tokens pass through here. Wiping is explicit_bzero, so
 * that this file needs no library; OpenSSL's own buffers are sign.c's matter.
 */
#include "steering/zone/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
text_wipe(void *p, size_t n)
{
	if (p != NULL)
		explicit_bzero(p, n);
}

static bool
grow(struct text *t, size_t more)
{
	size_t room = t->room ? t->room : 256;
	char *data;

	if (t->failed || more > t->bytes_max || t->n > t->bytes_max - more)
		return false;
	if (t->n + more < t->room)
		return true;
	while (room <= t->n + more)
		room *= 2;
	data = malloc(room);
	if (data == NULL)
		return false;
	if (t->data != NULL)
		memcpy(data, t->data, t->n);
	text_wipe(t->data, t->room);
	free(t->data);
	t->data = data;
	t->room = room;
	return true;
}

void
text_add(struct text *t, const void *bytes, size_t n)
{
	if (!grow(t, n)) {
		t->failed = true;
		return;
	}
	if (n > 0)
		memcpy(t->data + t->n, bytes, n);
	t->n += n;
	t->data[t->n] = '\0';
}

void
text_add_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void
text_add_char(struct text *t, char c)
{
	text_add(t, &c, 1);
}

void
text_addf(struct text *t, const char *format, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || !grow(t, (size_t)n)) {
		t->failed = true;
	} else {
		(void)vsnprintf(t->data + t->n, (size_t)n + 1, format, again);
		t->n += (size_t)n;
	}
	va_end(again);
}

bool
text_ok(const struct text *t)
{
	return !t->failed;
}

const char *
text_str(const struct text *t)
{
	return t->data != NULL ? t->data : "";
}

void
text_clear(struct text *t)
{
	text_wipe(t->data, t->room);
	t->n = 0;
	t->failed = false;
}

void
text_fini(struct text *t)
{
	text_wipe(t->data, t->room);
	free(t->data);
	*t = (struct text){.bytes_max = t->bytes_max};
}
