/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - what a backup says of itself.
 *
 * Pure. A JSON object: "id", "started_at", "completed_at"; optional "encrypted" (true or
 * false), "size" (bytes), "restored_at" (when it was last restored as a test). Other keys
 * are the operator's own. Times are RFC 3339. What is lost runs from started_at, because
 * what was written while the work went on may not be in it.
 *
 * A manifest that cannot be true is not believed in part: completed before it was
 * started, restored before it was completed, in the future, of no bytes. The id goes into
 * the arguments of programs: letters, digits and . _ : / = + @ - in it, no "-" in front,
 * no ".." in the way.
 */
#ifndef STEERING_ZONE_MANIFEST_H
#define STEERING_ZONE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"

#define MANIFEST_ID_MAX 128
#define MANIFEST_BYTES_MAX (64 * 1024)
#define MANIFEST_AHEAD_MS 60000 /* so far may the clock of whoever wrote it be ahead */

struct manifest {
	char id[MANIFEST_ID_MAX];
	int64_t started_wall_ms, completed_wall_ms;
	int64_t restored_wall_ms; /* 0: it never was, or does not say so */
	bool says_encrypted, encrypted;
};

enum manifest_reading {
	MANIFEST_GOOD = 0,
	MANIFEST_INCOMPLETE, /* begun and not complete; id and started are set */
	MANIFEST_BAD,        /* none, or it cannot be true */
};

/* id: of the place where it was found; it may then leave its own out, and must not say
 * another. "": it must say one. Unless GOOD, e says why. */
enum manifest_reading manifest_read(const char *text, size_t n, const char *id,
    int64_t now_wall_ms, struct manifest *out, struct err *e) MUST_CHECK;

bool manifest_id_is_good(const char *id, size_t n);

/* ---- many of them, in a listing of keys ---- */

#define BACKUPS_MAX 16 /* manifests of a listing that may be read for one sample */
#define BACKUP_FILE "/manifest.json"

struct backup_key {
	char id[MANIFEST_ID_MAX];
	int64_t modified_wall_ms;
};

/* The newest of the keys that are <prefix><id>/manifest.json, newest first. A manifest
 * is written after its backup's work began: so no key that was last modified before the
 * newest started_at found so far can be of a newer backup, and the others need not be
 * read. (A key may be modified again, when a restore was tested: that is why the newest
 * key is not simply the newest backup.) */
struct backup_keys {
	uint32_t keys;
	struct backup_key key[BACKUPS_MAX];
	uint32_t left_out; /* manifests beyond BACKUPS_MAX, all older */
};

/* Keys that are something else are passed over. */
void backup_keys_offer(struct backup_keys *b, const char *prefix, const char *key,
    int64_t modified_wall_ms);

#endif
