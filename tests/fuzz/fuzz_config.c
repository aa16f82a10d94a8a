/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration, from any bytes to the model, and what is asked of the model. */
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "tests/fuzz/fuzz.h"

static void
use(const struct config *c)
{
	static struct rrset sets[RRSETS_MAX];
	struct config_notes notes;
	char text[1024];

	(void)!config_runnable(c, &notes);
	config_notes_free(&notes);
	for (uint32_t s = 0; s < c->services; s++) {
		const struct config_service *service = &c->service[s];
		uint8_t weight[MEMBERS_MAX];
		struct check_spec target;

		memset(weight, 100, sizeof weight);
		config_survival(c, s, text, sizeof text);
		if (config_records(service, weight, sets) > RRSETS_MAX)
			abort();
		for (uint32_t m = 0; m < service->rule.members; m++)
			for (uint32_t i = 0; i < service->member[m].endpoints; i++)
				config_target(c, s, m, i, &target);
	}
	for (uint32_t i = 0; i < c->scenarios; i++)
		config_plan_text(c, i, text, sizeof text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config_notes notes;
	struct config *c = NULL;
	char line[2048];
	bool ok = config_parse(
	    (const char *)data, n, "/nonexistent/pointsman.yaml", &c, &notes);

	if (ok != (c != NULL) || ok != (notes.errors == 0))
		abort();
	for (size_t i = 0; i < notes.count; i++)
		config_note_format("pointsman.yaml", &notes.note[i], line, sizeof line);
	config_notes_free(&notes);
	if (ok)
		use(c);
	config_free(c);
	return 0;
}
