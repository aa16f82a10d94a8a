/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes.c - the list of notes, and how one is written.
 *
 * A plain array: two hundred sentences are more than anyone reads, so looking for
 * a duplicate may be a scan, and sorting happens once at the end.
 */
#include "config/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
known(const struct config_notes *notes, const struct config_note *n)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct config_note *o = &notes->note[i];

		if (o->line == n->line && o->column == n->column &&
		    strcmp(o->text, n->text) == 0)
			return true;
	}
	return false;
}

/* The place for one more; NULL when the list is full of what matters more. */
static struct config_note *
room(struct config_notes *notes, bool warning)
{
	if (notes->note == NULL) {
		notes->note = calloc(CONFIG_NOTES_MAX, sizeof *notes->note);
		if (notes->note == NULL) {
			fputs("pointsman: out of memory while reading the "
			      "configuration\n",
			    stderr);
			exit(2);
		}
	}
	if (notes->count < CONFIG_NOTES_MAX)
		return &notes->note[notes->count++];
	notes->more = true;
	if (warning)
		return NULL;
	for (size_t i = notes->count; i > 0; i--)
		if (notes->note[i - 1].warning)
			return &notes->note[i - 1];
	return NULL;
}

__attribute__((format(printf, 5, 0))) static void
add(struct config_notes *notes, bool warning, unsigned line, unsigned column,
    const char *format, va_list args)
{
	struct config_note note = {.warning = warning, .line = line, .column = column};

	(void)vsnprintf(note.text, sizeof note.text, format, args);
	if (known(notes, &note))
		return;
	struct config_note *place = room(notes, warning);
	if (place != NULL)
		*place = note;
	if (!warning)
		notes->errors++;
}

void
note_error(
    struct config_notes *notes, unsigned line, unsigned column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(notes, false, line, column, format, args);
	va_end(args);
}

void
note_warning(
    struct config_notes *notes, unsigned line, unsigned column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(notes, true, line, column, format, args);
	va_end(args);
}

static int
by_position(const void *pa, const void *pb)
{
	const struct config_note *a = pa, *b = pb;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	if (a->warning != b->warning)
		return a->warning ? 1 : -1;
	return strcmp(a->text, b->text);
}

void
notes_sort(struct config_notes *notes)
{
	if (notes->count > 1)
		qsort(notes->note, notes->count, sizeof *notes->note, by_position);
}

void
config_notes_free(struct config_notes *notes)
{
	free(notes->note);
	memset(notes, 0, sizeof *notes);
}

void
config_note_format(
    const char *path, const struct config_note *note, char *text, size_t text_bytes)
{
	(void)snprintf(text, text_bytes, "%s:%u:%u: %s%s", path, note->line,
	    note->column, note->warning ? "warning: " : "", note->text);
}
