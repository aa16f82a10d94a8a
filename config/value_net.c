/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_net.c - addresses, DNS names and URLs.
 *
 * Names come out as Route 53 will say them, so that what we want and what we read
 * can be compared byte by byte. No URL library: what is allowed here is small, and
 * user names, passwords and fragments have no business in a probe.
 */
#include "config/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#define NAME_CHARS_MAX 253 /* RFC 1035: 255 octets on the wire */
#define LABEL_CHARS_MAX 63

enum value_ip
value_ip_kind(const char *text)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return VALUE_IP_V4;
	return inet_pton(AF_INET6, text, &v6) == 1 ? VALUE_IP_V6 : VALUE_IP_NONE;
}

bool
value_ip(const char *text, char out[VALUE_IP_MAX], enum value_ip *kind, struct err *e)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	*kind = value_ip_kind(text);
	if (*kind == VALUE_IP_NONE)
		return err_set(e, "is not an IP address");
	int family = *kind == VALUE_IP_V4 ? AF_INET : AF_INET6;
	if (inet_pton(family, text, bytes) != 1 ||
	    inet_ntop(family, bytes, out, VALUE_IP_MAX) == NULL)
		return err_set(e, "is not an IP address");
	return true;
}

static bool
port_parse(const char *text, uint16_t *port, struct err *e)
{
	uint64_t n;

	if (!value_count(text, &n, e) || n < 1 || n > 65535)
		return err_set(e, "has no port between 1 and 65535");
	*port = (uint16_t)n;
	return true;
}

/* Splits host[:port] of `bytes` length; brackets are for IPv6. */
static bool
host_port(const char *text, size_t bytes, char host[DNS_NAME_MAX], uint16_t *port,
    struct err *e)
{
	char copy[DNS_NAME_MAX + 8], *colon, *end = NULL;

	*port = 0;
	if (bytes == 0 || bytes >= sizeof copy)
		return err_set(e, "names no host, or one that is too long");
	memcpy(copy, text, bytes);
	copy[bytes] = '\0';
	if (copy[0] == '[') {
		end = strchr(copy, ']');
		if (end == NULL)
			return err_set(e, "has '[' without ']'");
		*end = '\0';
		if (value_ip_kind(copy + 1) != VALUE_IP_V6)
			return err_set(e, "has no IPv6 address between the brackets");
		if (end[1] != '\0' && end[1] != ':')
			return err_set(e, "has more behind ']' than a port");
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (value_ip_kind(copy) == VALUE_IP_V6) {
		colon = NULL;
	} else {
		colon = strchr(copy, ':');
	}
	if (colon != NULL) {
		*colon = '\0';
		if (!port_parse(colon + 1, port, e))
			return false;
	}
	const char *name = copy[0] == '[' ? copy + 1 : copy;
	if (strlen(name) >= DNS_NAME_MAX)
		return err_set(e, "names a host that is too long");
	memcpy(host, name, strlen(name) + 1);
	return true;
}

bool
value_address(
    const char *text, uint16_t port_default, char out[VALUE_ADDRESS_MAX], struct err *e)
{
	char host[DNS_NAME_MAX], ip[VALUE_IP_MAX];
	enum value_ip kind;
	uint16_t port;

	if (!host_port(text, strlen(text), host, &port, e))
		return false;
	if (!value_ip(host, ip, &kind, e))
		return err_set(e,
		    "is not an IP address%s: names are not looked up here",
		    port_default == 0 ? " with a port" : "");
	if (port == 0)
		port = port_default;
	if (port == 0)
		return err_set(e, "has no port: write it as in 127.0.0.1:7354");
	(void)snprintf(out, VALUE_ADDRESS_MAX,
	    kind == VALUE_IP_V6 ? "[%s]:%u" : "%s:%u", ip, port);
	return true;
}

static bool
label_fits(const char *label, size_t bytes, struct err *e)
{
	if (bytes == 0)
		return err_set(e, "is not a DNS name: a label is empty");
	if (bytes > LABEL_CHARS_MAX)
		return err_set(e,
		    "is not a DNS name: a label has more than %d characters",
		    LABEL_CHARS_MAX);
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)label[i];

		if (c >= 0x80)
			return err_set(
			    e, "is not plain ASCII: write the xn-- form of the name");
		if (!isalnum(c) && c != '-' && c != '_')
			return err_set(e, "is not a DNS name: '%c' cannot be in it",
			    isprint(c) ? c : '?');
	}
	if (label[0] == '-' || label[bytes - 1] == '-')
		return err_set(e, "is not a DNS name: a label begins or ends with '-'");
	return true;
}

bool
value_dns_name(const char *text, char out[DNS_NAME_MAX], struct err *e)
{
	const char *p = text, *last = text;
	size_t n = 0;

	if (strlen(text) > NAME_CHARS_MAX + 1)
		return err_set(
		    e, "is not a DNS name: more than %d characters", NAME_CHARS_MAX);
	if (strncmp(p, "*.", 2) == 0 || strncmp(p, "\\052.", 5) == 0) {
		p += *p == '*' ? 2 : 5;
		memcpy(out, "\\052.", 5);
		n = 5;
	}
	if (n + strlen(p) >= DNS_NAME_MAX)
		return err_set(
		    e, "is not a DNS name: more than %d characters", NAME_CHARS_MAX);
	for (;;) {
		size_t bytes = strcspn(p, ".");

		if (!label_fits(p, bytes, e))
			return false;
		for (size_t i = 0; i < bytes; i++)
			out[n++] = (char)tolower((unsigned char)p[i]);
		last = p;
		p += bytes;
		if (p[0] == '\0' || (p[0] == '.' && p[1] == '\0'))
			break;
		out[n++] = *p++;
	}
	out[n] = '\0';
	if (strspn(last, "0123456789") == (size_t)(p - last))
		return err_set(e, "is an address where a name is needed");
	if (n > NAME_CHARS_MAX)
		return err_set(
		    e, "is not a DNS name: more than %d characters", NAME_CHARS_MAX);
	return true;
}

bool
value_name_inside(const char *name, const char *apex)
{
	size_t n = strlen(name), a = strlen(apex);

	if (n < a || strcmp(name + n - a, apex) != 0)
		return false;
	return n == a || name[n - a - 1] == '.';
}

bool
value_url(const char *text, struct value_url *out, struct err *e)
{
	const char *mark = strstr(text, "://"), *host = text;
	char raw[DNS_NAME_MAX], ip[VALUE_IP_MAX];
	enum value_ip kind;

	memset(out, 0, sizeof *out);
	if (mark != NULL) {
		size_t bytes = (size_t)(mark - text);

		if (bytes == 0 || bytes >= sizeof out->scheme)
			return err_set(e, "has no scheme that is known here");
		memcpy(out->scheme, text, bytes);
		host = mark + 3;
	}
	size_t bytes = strcspn(host, "/?#");
	if (memchr(host, '@', bytes) != NULL)
		return err_set(e,
		    "holds a user name or password: not here, where it "
		    "would be shown");
	if (!host_port(host, bytes, raw, &out->port, e))
		return false;
	out->path = host + bytes;
	if (value_ip_kind(raw) != VALUE_IP_NONE) {
		if (!value_ip(raw, ip, &kind, e))
			return false;
		out->numeric = true;
		(void)snprintf(out->host, sizeof out->host, "%s", ip);
		return true;
	}
	if (!value_dns_name(raw, out->host, e))
		return false;
	if (out->host[0] == '\\')
		return err_set(e, "has a wildcard where one host is needed");
	return true;
}
