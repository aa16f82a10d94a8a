/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_spelling.h - remembers how the zone spells a ledger, where we would not.
 *
 * A DELETE must repeat the value as it stands. We write a ledger in strings of 255
 * characters, but a console or a restore may cut it elsewhere; without this memory
 * such a ledger could never be replaced, and the service would stand still.
 */
#ifndef STEERING_ZONE_LEDGER_SPELLING_H
#define STEERING_ZONE_LEDGER_SPELLING_H

struct ledger_spelling; /* a list; NULL is empty */

/* The zone answered `raw` for `text` ("" for no ledger: forget). Out of memory
 * forgets what was known about the name. */
void ledger_spelling_keep(
    struct ledger_spelling **list, const char *name, const char *text, const char *raw);
/* How the zone spells this text at this name; NULL: as we do, as far as is known. */
const char *ledger_spelling_find(
    const struct ledger_spelling *list, const char *name, const char *text);
void ledger_spelling_free(struct ledger_spelling **list);

#endif
