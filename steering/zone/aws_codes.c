/* SPDX-License-Identifier: Apache-2.0 */
/* One table, because services differ in their words and statuses and not in what they
 * mean: EC2 throttles with 503. */
#include "steering/zone/aws_codes.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *code;
	enum aws_meaning meaning;
} codes[] = {
    {"Throttling", AWS_MEANS_THROTTLED},
    {"ThrottlingException", AWS_MEANS_THROTTLED},
    {"ThrottledException", AWS_MEANS_THROTTLED},
    {"RequestThrottled", AWS_MEANS_THROTTLED},
    {"RequestThrottledException", AWS_MEANS_THROTTLED},
    {"RequestLimitExceeded", AWS_MEANS_THROTTLED},
    {"TooManyRequestsException", AWS_MEANS_THROTTLED},
    {"EC2ThrottledException", AWS_MEANS_THROTTLED},
    {"SlowDown", AWS_MEANS_THROTTLED},
    {"SignatureDoesNotMatch", AWS_MEANS_SIGNATURE},
    {"RequestExpired", AWS_MEANS_SIGNATURE},
    {"RequestTimeTooSkewed", AWS_MEANS_SIGNATURE},
    {"InvalidSignatureException", AWS_MEANS_SIGNATURE},
    {"InvalidClientTokenId", AWS_MEANS_CREDENTIALS},
    {"UnrecognizedClientException", AWS_MEANS_CREDENTIALS},
    {"AuthFailure", AWS_MEANS_CREDENTIALS},
    {"ExpiredToken", AWS_MEANS_CREDENTIALS},
    {"ExpiredTokenException", AWS_MEANS_CREDENTIALS},
    {"MissingAuthenticationToken", AWS_MEANS_CREDENTIALS},
    {"IncompleteSignature", AWS_MEANS_CREDENTIALS},
    {"AccessDenied", AWS_MEANS_PERMISSION},
    {"AccessDeniedException", AWS_MEANS_PERMISSION},
    {"UnauthorizedOperation", AWS_MEANS_PERMISSION},
    {"OptInRequired", AWS_MEANS_PERMISSION},
    {"InternalFailure", AWS_MEANS_TROUBLE},
    {"InternalError", AWS_MEANS_TROUBLE},
    {"ServiceUnavailable", AWS_MEANS_TROUBLE},
    {"Unavailable", AWS_MEANS_TROUBLE},
};

enum aws_meaning
aws_meaning_of(const char *code)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].meaning;
	return AWS_MEANS_NO;
}
