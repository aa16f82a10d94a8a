/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to a dns check, whatever it holds. The first byte chooses the type, and
 * whether transaction, flags and question are written for the liar, so that the fuzzer
 * need not guess them.
 */
#include <stdlib.h>
#include <string.h>

#include "probe/dns.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct connect_from anywhere = {.any = true};
	static uint8_t in[DNS_MESSAGE_MAX];
	struct check_spec spec = {
	    .timeout_ms = 1500, .dns = {.name = "www.example.com"}};
	struct probe_result r = {0};
	struct dns_plan plan;
	struct err e;
	size_t bytes = 0;

	if (n < 1)
		return 0;
	spec.dns.type = data[0] & 3;
	if ((data[0] & 8) != 0)
		strcpy(spec.dns.contains, "192.0.2.1");
	if (!dns_plan_init(&plan, &spec, 53, &anywhere, &e))
		abort();
	if ((data[0] & 4) != 0) {
		memcpy(in, plan.question, plan.question_bytes);
		in[2] = 0x84;
		in[3] = 0;
		in[7] = n > 1 ? data[1] & 7 : 0;
		bytes = plan.question_bytes;
	}
	if (n - 1 > sizeof in - bytes)
		return 0;
	memcpy(in + bytes, data + 1, n - 1);
	bytes += n - 1;
	/* Exactly as long as it is: what reads past the end is seen. */
	uint8_t *exact = malloc(bytes > 0 ? bytes : 1);
	if (exact == NULL)
		abort();
	memcpy(exact, in, bytes);
	if (dns_message_answers(exact, bytes, plan.question, plan.question_bytes)) {
		dns_judge(&plan, exact, bytes, &r);
		if (r.outcome == OUTCOME_UNKNOWN ||
		    strnlen(r.text, sizeof r.text) == sizeof r.text)
			abort();
	}
	free(exact);
	return 0;
}
