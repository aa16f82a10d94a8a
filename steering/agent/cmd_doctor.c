/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: a list of looks, and one line for each finding. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "steering/agent/commands.h"
#include "steering/agent/doctor.h"

static const char *const level_word[DOCTOR_LEVELS] = {
    [DOCTOR_GOOD] = "good",
    [DOCTOR_WARN] = "warn",
    [DOCTOR_UNKNOWN] = "unknown",
    [DOCTOR_WRONG] = "wrong",
};

void
doctor_say(struct doctor *d, enum doctor_level level, const char *what,
    const char *format, ...)
{
	char text[ERR_TEXT_MAX * 2];
	va_list ap;

	d->count[level]++;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (d->findings == NULL) {
		printf("%-7s  %s: %s\n", level_word[level], what, text);
		(void)fflush(stdout);
		return;
	}
	struct json *finding = json_map_new();
	json_put_text(finding, "level", level_word[level]);
	json_put_text(finding, "what", what);
	json_put_text(finding, "text", text);
	json_add(d->findings, finding);
}

static void
print_json(struct doctor *d, int status)
{
	struct json *answer = json_map_new();

	json_put_text(answer, "agent", d->config->agent[d->self].name);
	json_put_bool(answer, "ok", status == EXIT_GOOD);
	for (size_t i = 0; i < DOCTOR_LEVELS; i++)
		json_put_int(answer, level_word[i], d->count[i]);
	json_put(answer, "findings", d->findings);
	command_print_json(answer);
	json_free(answer);
}

int
cmd_doctor(const struct options *o)
{
	struct config *c = command_config(o);
	struct doctor d = {.config = c};

	if (c == NULL || !command_agent(c, o->agent, &d.self)) {
		config_free(c);
		return EXIT_CANNOT;
	}
	if (o->json)
		d.findings = json_list_new();
	doctor_here(&d);
	doctor_peers(&d);
	doctor_senses(&d);
	doctor_zones(&d);
	doctor_targets(&d);
	doctor_lags(&d);
	int status = d.count[DOCTOR_WRONG] > 0 ? EXIT_NO
	    : d.count[DOCTOR_UNKNOWN] > 0      ? EXIT_CANNOT
					       : EXIT_GOOD;
	if (o->json)
		print_json(&d, status);
	else
		printf("%u good, %u to mind, %u unknown, %u wrong\n",
		    d.count[DOCTOR_GOOD], d.count[DOCTOR_WARN], d.count[DOCTOR_UNKNOWN],
		    d.count[DOCTOR_WRONG]);
	config_free(c);
	return status;
}
