/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What measures a loss, as strangers answer it. The first byte of an input chooses:
 *   m manifest   j JSON field   n number   t moment   s page of S3   c metric
 * What was read must be within its bounds, and what was not must say why.
 */
#include <stdlib.h>
#include <string.h>

#include "steering/zone/manifest.h"
#include "steering/zone/measure.h"
#include "steering/zone/metric_data.h"
#include "steering/zone/s3_listing.h"
#include "steering/zone/stamp.h"
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1795521600000)

static void
need(bool good)
{
	if (!good)
		abort();
}

static void
read_moment(const char *text, size_t n)
{
	char copy[128], again[STAMP_MAX];
	int64_t ms, back;

	if (n >= sizeof copy)
		return;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (!stamp_parse(copy, &ms))
		return;
	stamp_format(again, ms);
	need(stamp_parse(again, &back) && back == ms / 1000 * 1000);
}

static void
read_manifest(const char *text, size_t n)
{
	struct manifest m;
	struct err e = {""};

	switch (manifest_read(text, n, "", NOW, &m, &e)) {
	case MANIFEST_GOOD:
		need(manifest_id_is_good(m.id, strlen(m.id)));
		need(m.started_wall_ms > 0 && m.started_wall_ms <= m.completed_wall_ms);
		need(m.completed_wall_ms <= NOW + MANIFEST_AHEAD_MS);
		need(m.restored_wall_ms == 0 ||
		    m.restored_wall_ms >= m.completed_wall_ms);
		break;
	case MANIFEST_INCOMPLETE:
	case MANIFEST_BAD:
		need(e.text[0] != '\0');
		break;
	}
	(void)!manifest_read(text, n, "b1", NOW, &m, &e);
}

static void
on_object(const struct s3_object *o, void *arg)
{
	size_t n = strnlen(o->key, sizeof o->key);

	need(n > 0 && n < sizeof o->key);
	backup_keys_offer(arg, "shop/", o->key, o->modified_wall_ms);
}

static void
read_page(const char *text, size_t n)
{
	struct http_response r = {
	    .status = 403, .body = text, .body_bytes = n, .date_wall_s = 1};
	struct backup_keys keys = {0};
	struct aws_verdict v;
	struct s3_page page;
	struct err e = {""};

	if (s3_parse_page(text, n, &page, on_object, &keys, &e))
		need(page.truncated == (page.next[0] != '\0'));
	else
		need(e.text[0] != '\0');
	need(keys.keys <= BACKUPS_MAX);
	for (uint32_t i = 0; i < keys.keys; i++) {
		need(manifest_id_is_good(keys.key[i].id, strlen(keys.key[i].id)));
		need(i == 0 ||
		    keys.key[i - 1].modified_wall_ms >= keys.key[i].modified_wall_ms);
	}
	s3_judge(&v, "s3:ListBucket", "bucket b", &r);
	need(v.result != AWS_OK && v.err.text[0] != '\0');
}

static void
read_metric(const char *text, size_t n)
{
	struct metric_point p;
	struct err e = {""};
	uint64_t ms;

	if (!metric_parse(text, n, &p, &e)) {
		need(e.text[0] != '\0');
		return;
	}
	need(strnlen(p.value, sizeof p.value) < sizeof p.value);
	(void)!measure_read(p.value, strlen(p.value), 0.001, &ms, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data + 1;
	struct err e = {""};
	uint64_t ms = 0;

	if (n == 0)
		return 0;
	switch (data[0]) {
	case 'm':
		read_manifest(text, n - 1);
		break;
	case 'j':
		if (measure_json(text, n - 1, "data.0.lag", &ms, &e))
			need(ms <= MEASURE_MS_MAX + 1);
		else
			need(e.text[0] != '\0');
		break;
	case 'n':
		if (measure_read(text, n - 1, 1, &ms, &e))
			need(ms <= MEASURE_MS_MAX + 1);
		else
			need(e.text[0] != '\0');
		break;
	case 't':
		read_moment(text, n - 1);
		break;
	case 's':
		read_page(text, n - 1);
		break;
	case 'c':
		read_metric(text, n - 1);
		break;
	default:
		break;
	}
	return 0;
}
