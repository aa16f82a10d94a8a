/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules look at the bytes after resolution, never at names: a name can be pointed
 * anywhere by whoever runs its zone, and a prober that follows it to 169.254.169.254
 * would carry a stranger to the instance's credentials. Private ranges and loopback
 * stay allowed: load balancers live there, and targets come from configuration only.
 */
#include "probe/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

bool
address_parse(struct address *a, const char *text)
{
	char inner[ADDRESS_TEXT_MAX];
	size_t n = strlen(text);

	*a = (struct address){0};
	if (n >= sizeof inner)
		return false;
	memcpy(inner, text, n + 1);
	if (n > 2 && inner[0] == '[' && inner[n - 1] == ']') {
		inner[n - 1] = '\0';
		a->family = FAMILY_V6;
		return inet_pton(AF_INET6, inner + 1, a->byte) == 1;
	}
	if (inet_pton(AF_INET, inner, a->byte) == 1) {
		a->family = FAMILY_V4;
		return true;
	}
	a->family = FAMILY_V6;
	return inet_pton(AF_INET6, inner, a->byte) == 1;
}

/* inet_ntop() does this through sprintf(), which shows at thousands of samples a second. */
static void
format_v4(const uint8_t byte[4], char *text)
{
	for (int i = 0; i < 4; i++) {
		uint8_t b = byte[i];

		if (b >= 100)
			*text++ = (char)('0' + b / 100);
		if (b >= 10)
			*text++ = (char)('0' + b / 10 % 10);
		*text++ = (char)('0' + b % 10);
		*text++ = i < 3 ? '.' : '\0';
	}
}

void
address_format(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
	if (a->family == FAMILY_V4) {
		format_v4(a->byte, text);
		return;
	}
	const char *done = inet_ntop(AF_INET6, a->byte, text, ADDRESS_TEXT_MAX);

	assert(done != NULL);
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

socklen_t
address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof *to);
	if (a->family == FAMILY_V4) {
		struct sockaddr_in *in = (struct sockaddr_in *)to;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->byte, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->byte, 16);
	return sizeof *in6;
}

static const char *
forbidden_v4(const uint8_t b[4])
{
	if (b[0] == 169 && b[1] == 254)
		return b[2] == 169 && b[3] == 254 ? "the metadata service"
						  : "link-local";
	if (b[0] == 0)
		return "unspecified";
	if (b[0] >= 224 && b[0] <= 239)
		return "multicast";
	if (b[0] == 255 && b[1] == 255 && b[2] == 255 && b[3] == 255)
		return "broadcast";
	return NULL;
}

const char *
address_forbidden(const struct address *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	static const uint8_t metadata[16] = {
	    0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
	static const uint8_t zero[16];

	if (a->family == FAMILY_V4)
		return forbidden_v4(a->byte);
	if (memcmp(a->byte, zero, 16) == 0)
		return "unspecified";
	if (memcmp(a->byte, mapped, 12) == 0 || memcmp(a->byte, nat64, 12) == 0)
		return forbidden_v4(a->byte + 12);
	if (memcmp(a->byte, metadata, 16) == 0)
		return "the metadata service";
	if (a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80)
		return "link-local";
	if (a->byte[0] == 0xff)
		return "multicast";
	return NULL;
}
