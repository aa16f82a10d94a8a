/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table is short enough to be read; endpoints of the operator's own (a stand-in,
 * a private link) sign for the region that is configured, or for us-east-1.
 */
#include "steering/zone/partition.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *prefix; /* of regions in it */
	const char *host, *region, *arn, *suffix;
} partitions[] = {
    {"cn-", "route53.amazonaws.com.cn", "cn-northwest-1", "aws-cn", "amazonaws.com.cn"},
    {"us-gov-", "route53.us-gov.amazonaws.com", "us-gov-west-1", "aws-us-gov",
	"amazonaws.com"},
    {"", "route53.amazonaws.com", "us-east-1", "aws", "amazonaws.com"},
};
#define PARTITIONS (sizeof partitions / sizeof partitions[0])

static void
own_place(struct partition_place *out, size_t i)
{
	(void)snprintf(out->host, sizeof out->host, "%s", partitions[i].host);
	(void)snprintf(
	    out->endpoint, sizeof out->endpoint, "https://%s", partitions[i].host);
	(void)snprintf(out->region, sizeof out->region, "%s", partitions[i].region);
	(void)snprintf(out->arn, sizeof out->arn, "%s", partitions[i].arn);
}

static size_t
of_region(const char *region)
{
	size_t i = 0;

	while (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) != 0)
		i++;
	return i;
}

/* "https://host[:port][/]" and nothing else. */
static bool
split(struct partition_place *out, const char *url, struct err *e)
{
	bool https = strncmp(url, "https://", 8) == 0;
	const char *host = url + (https ? 8 : 7);
	const char *standard = https ? ":443" : ":80";
	size_t n, s = strlen(standard);

	if (!https && strncmp(url, "http://", 7) != 0)
		return err_set(
		    e, "endpoint %.200s begins with neither https:// nor http://", url);
	n = strcspn(host, "/?#@ ");
	if (n == 0 || n >= sizeof out->host ||
	    (host[n] != '\0' && strcmp(host + n, "/") != 0))
		return err_set(e, "endpoint %.200s is not scheme://host:port", url);
	(void)snprintf(out->endpoint, sizeof out->endpoint, "%.*s",
	    (int)(host - url + (long)n), url);
	if (n > s && strncmp(host + n - s, standard, s) == 0)
		n -= s;
	memcpy(out->host, host, n);
	out->host[n] = '\0';
	return true;
}

bool
partition_find(
    struct partition_place *out, const struct route53_spec *spec, struct err *e)
{
	size_t i;

	memset(out, 0, sizeof *out);
	if (spec->endpoint[0] == '\0') {
		own_place(out, of_region(spec->region));
		return true;
	}
	if (!split(out, spec->endpoint, e))
		return false;
	for (i = 0; i < PARTITIONS; i++) {
		if (strcmp(out->host, partitions[i].host) == 0) {
			own_place(out, i);
			return true;
		}
	}
	(void)snprintf(out->region, sizeof out->region, "%s",
	    spec->region[0] != '\0' ? spec->region : "us-east-1");
	(void)snprintf(
	    out->arn, sizeof out->arn, "%s", partitions[of_region(out->region)].arn);
	return true;
}

bool
partition_service(struct partition_place *out, const char *service, const char *region,
    const char *endpoint, struct err *e)
{
	size_t i = of_region(region);

	memset(out, 0, sizeof *out);
	if (endpoint[0] == '\0') {
		(void)snprintf(out->host, sizeof out->host, "%.64s.%.32s.%s", service,
		    region, partitions[i].suffix);
		(void)snprintf(out->endpoint, sizeof out->endpoint,
		    "https://%.64s.%.32s.%s", service, region, partitions[i].suffix);
	} else if (!split(out, endpoint, e)) {
		return false;
	}
	(void)snprintf(out->region, sizeof out->region, "%s", region);
	(void)snprintf(out->arn, sizeof out->arn, "%s", partitions[i].arn);
	return true;
}

bool
partition_check(const struct route53_spec *s, struct err *e)
{
	static const char alnum[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz";

	if (s->zone_id[0] == '\0' || strspn(s->zone_id, alnum) != strlen(s->zone_id))
		return err_set(e, "zone_id %s is not letters and digits", s->zone_id);
	if (!(s->budget_per_s > 0) || s->budget_burst == 0)
		return err_set(
		    e, "zone %s: the API budget is not positive", s->zone_id);
	return true;
}
