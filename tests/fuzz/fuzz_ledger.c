/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's text: what is accepted is exactly what would be written again. Both
 * spellings of it in a zone are tried on the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/ledger.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct ledger l, next;
	static char again[LEDGER_TEXT_MAX], text[LEDGER_TEXT_MAX * 2];
	struct err e = {{0}};

	if (n >= sizeof text)
		n = sizeof text - 1;
	memcpy(text, data, n);
	text[n] = '\0';
	if (ledger_parse(text, &l, &e) != LEDGER_OK)
		return 0;
	size_t bytes = ledger_format(&l, again);
	if (bytes != strlen(text) || strcmp(again, text) != 0) {
		(void)fprintf(stderr, "read:    %s\nwritten: %s\n", text, again);
		abort();
	}
	if (l.epoch == UINT64_MAX)
		return 0;
	/* The next version can be written, and read again. */
	ledger_advance(&l, 7, 1, 1000);
	(void)ledger_format(&l, again);
	if (ledger_parse(again, &next, &e) != LEDGER_OK) {
		(void)fprintf(stderr, "after:   %s\nnext:    %s\nnot read: %s\n", text,
		    again, e.text);
		abort();
	}
	return 0;
}
