/* SPDX-License-Identifier: Apache-2.0 */
/* What agents say to each other: what is accepted can be written, and means the same
 * when it is read again; and it can be handed to an engine's rule. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/peer_message.h"
#include "tests/fuzz/fuzz.h"

#define REWRITTEN_MAX 16384 /* numbering members anew may lengthen a long one */

static void
hand_over(const struct peer_message *m)
{
	static const char *const members[] = {"fra", "iad", "sin"};
	struct rule_service rule = {.members = 3};
	struct report report;

	for (uint32_t i = 0; i < rule.members; i++)
		(void)snprintf(rule.member[i].name, WORD_MAX, "%s", members[i]);
	for (uint32_t i = 0; i < m->services; i++) {
		peer_service_report(&m->service[i], &rule, &report);
		if (report.members != 3 || report.cannot >= CANNOTS)
			abort();
		for (uint32_t k = 0; k < MEMBERS_MAX; k++)
			if (report.member[k].vote > VOTE_RECOVERING ||
			    report.member[k].raw > VOTE_RECOVERING)
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct peer_message m, again;
	struct err e = {{0}};
	size_t bytes, bytes_again;

	if (!peer_message_read((const char *)data, n, &m, &e)) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	hand_over(&m);
	if (n > REWRITTEN_MAX)
		return 0;
	char *text = peer_message_write(&m, &bytes);
	if (!peer_message_read(text, bytes, &again, &e)) {
		(void)fprintf(stderr, "written: %s\nnot read: %s\n", text, e.text);
		abort();
	}
	char *text_again = peer_message_write(&again, &bytes_again);
	if (bytes != bytes_again || memcmp(text, text_again, bytes) != 0) {
		(void)fprintf(stderr, "written: %s\nagain:   %s\n", text, text_again);
		abort();
	}
	free(text);
	free(text_again);
	return 0;
}
