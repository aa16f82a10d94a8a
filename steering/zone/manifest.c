/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each field is read strictly and alone; the sentences name the field, so that whoever
 * writes manifests finds the line of the script.
 */
#include "steering/zone/manifest.h"

#include <string.h>

#include "steering/zone/json.h"
#include "steering/zone/stamp.h"

bool
manifest_id_is_good(const char *id, size_t n)
{
	static const char good[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._:/=+@-";

	if (n == 0 || n >= MANIFEST_ID_MAX || id[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t left = n - i;
		bool begins = i == 0 || id[i - 1] == '/';

		if (id[i] == '\0' || strchr(good, id[i]) == NULL)
			return false;
		if (begins && left >= 2 && id[i] == '.' && id[i + 1] == '.' &&
		    (left == 2 || id[i + 2] == '/'))
			return false;
	}
	return true;
}

static bool
read_id(const struct json *j, const char *id, struct manifest *m, struct err *e)
{
	const struct json *said = json_get(j, "id");
	const char *text = json_string_of(said);

	if (said == NULL && id[0] != '\0')
		text = id;
	else if (json_kind_of(said) != JSON_KIND_TEXT)
		return err_set(e, "it has no id that is a text");
	if (!manifest_id_is_good(text, strlen(text)))
		return err_set(e,
		    "its id is not 1 to %d letters, digits and . _ : / = + @ - without a "
		    "'-' in front and without '..'",
		    MANIFEST_ID_MAX - 1);
	if (id[0] != '\0' && strcmp(id, text) != 0)
		return err_set(
		    e, "it says that it is '%.60s' and lies at '%.60s'", text, id);
	(void)snprintf(m->id, sizeof m->id, "%s", text);
	return true;
}

/* Absent or null: *wall_ms is 0. */
static bool
read_time(const struct json *j, const char *key, int64_t *wall_ms, struct err *e)
{
	const struct json *said = json_get(j, key);

	*wall_ms = 0;
	if (said == NULL || json_kind_of(said) == JSON_KIND_NULL)
		return true;
	return (json_kind_of(said) == JSON_KIND_TEXT &&
		   stamp_parse(json_string_of(said), wall_ms)) ||
	    err_set(e, "its %s is no RFC 3339 time, as in 2026-11-24T10:00:00Z", key);
}

static bool
read_options(const struct json *j, struct manifest *m, struct err *e)
{
	const struct json *encrypted = json_get(j, "encrypted");
	const struct json *size = json_get(j, "size");

	m->says_encrypted = encrypted != NULL;
	m->encrypted = json_flag(j, "encrypted");
	if (encrypted != NULL && json_kind_of(encrypted) != JSON_KIND_BOOL)
		return err_set(e, "its encrypted is neither true nor false");
	if (size == NULL)
		return true;
	if (json_kind_of(size) != JSON_KIND_INT || json_int(j, "size", -1) < 0)
		return err_set(e, "its size is no number of bytes");
	return json_int(j, "size", 0) > 0 ||
	    err_set(e, "its size is 0: nothing was backed up");
}

static bool
read_all(const struct json *j, const char *id, struct manifest *m, struct err *e)
{
	if (!json_is_map(j))
		return err_set(e, "it is no JSON object");
	return read_id(j, id, m, e) &&
	    read_time(j, "started_at", &m->started_wall_ms, e) &&
	    read_time(j, "completed_at", &m->completed_wall_ms, e) &&
	    read_time(j, "restored_at", &m->restored_wall_ms, e) &&
	    read_options(j, m, e);
}

static bool
can_be_true(const struct manifest *m, int64_t now_wall_ms, struct err *e)
{
	int64_t end = now_wall_ms + MANIFEST_AHEAD_MS;

	if (m->started_wall_ms == 0)
		return err_set(
		    e, "it has no started_at: what it lacks cannot be known");
	if (m->started_wall_ms > end || m->completed_wall_ms > end ||
	    m->restored_wall_ms > end)
		return err_set(e,
		    "its %s is in the future: compare the clock there with the one here",
		    m->started_wall_ms > end         ? "started_at"
			: m->completed_wall_ms > end ? "completed_at"
						     : "restored_at");
	if (m->completed_wall_ms != 0 && m->completed_wall_ms < m->started_wall_ms)
		return err_set(e, "it was completed before it was started, it says");
	if (m->restored_wall_ms != 0 && m->restored_wall_ms < m->completed_wall_ms)
		return err_set(e, "it was restored before it was completed, it says");
	return true;
}

enum manifest_reading
manifest_read(const char *text, size_t n, const char *id, int64_t now_wall_ms,
    struct manifest *out, struct err *e)
{
	struct json *j;
	bool good;

	*out = (struct manifest){0};
	if (n > MANIFEST_BYTES_MAX) {
		(void)err_set(e, "it is longer than %d bytes", MANIFEST_BYTES_MAX);
		return MANIFEST_BAD;
	}
	j = json_read(text, n, e);
	if (j == NULL)
		return MANIFEST_BAD;
	good = read_all(j, id, out, e) && can_be_true(out, now_wall_ms, e);
	json_free(j);
	if (!good)
		return MANIFEST_BAD;
	if (out->completed_wall_ms != 0)
		return MANIFEST_GOOD;
	(void)err_set(
	    e, "backup %.100s has no completed_at: it is not complete", out->id);
	return MANIFEST_INCOMPLETE;
}

/* ---- keys ---- */

void
backup_keys_offer(struct backup_keys *b, const char *prefix, const char *key,
    int64_t modified_wall_ms)
{
	size_t before = strlen(prefix), n = strlen(key), end = strlen(BACKUP_FILE);
	uint32_t at;

	if (n <= before + end || memcmp(key, prefix, before) != 0 ||
	    strcmp(key + n - end, BACKUP_FILE) != 0)
		return;
	key += before;
	n -= before + end;
	if (memchr(key, '/', n) != NULL || !manifest_id_is_good(key, n))
		return;
	for (at = b->keys; at > 0 && b->key[at - 1].modified_wall_ms < modified_wall_ms;
	     at--)
		;
	if (b->keys == BACKUPS_MAX)
		b->left_out++;
	else
		b->keys++;
	if (at == BACKUPS_MAX)
		return;
	memmove(&b->key[at + 1], &b->key[at], (b->keys - 1 - at) * sizeof b->key[0]);
	memcpy(b->key[at].id, key, n);
	b->key[at].id[n] = '\0';
	b->key[at].modified_wall_ms = modified_wall_ms;
}
