/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notes.h - all mistakes at once.
 *
 * Every stage of loading adds what it finds and goes on; the same sentence at the
 * same place is kept once (a template's mistake would else come once a service).
 * No more than CONFIG_NOTES_MAX are kept; an error pushes a warning out.
 */
#ifndef CONFIG_NOTES_H
#define CONFIG_NOTES_H

#include "config/model.h"

__attribute__((format(printf, 4, 5))) void note_error(struct config_notes *notes,
    unsigned line, unsigned column, const char *format, ...);
__attribute__((format(printf, 4, 5))) void note_warning(struct config_notes *notes,
    unsigned line, unsigned column, const char *format, ...);
/* By position; of one place, errors first. */
void notes_sort(struct config_notes *notes);

#endif
