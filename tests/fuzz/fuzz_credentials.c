/* SPDX-License-Identifier: Apache-2.0 */
/* The shared credentials file and the configuration file, holding the same bytes: the
 * profile is "default" and "other" in turn. A sentence never holds what was read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/zone/credentials.h"
#include "tests/fuzz/fuzz.h"

static char path[64];
static int file = -1; /* in memory, under a name in /proc */

static void
begin(void)
{
	file = memfd_create("credentials", MFD_CLOEXEC);
	if (file < 0 || fchmod(file, 0600) < 0)
		abort();
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

static void
put(const uint8_t *data, size_t n)
{
	if (ftruncate(file, 0) < 0 || pwrite(file, data, n, 0) != (ssize_t)n)
		abort();
}

static void
read_as(const char *name, const char *other, const char *profile)
{
	struct credentials c = {0};
	struct credentials_command command = {0};
	struct err e = {{0}}, warning = {{0}};

	(void)setenv(name, path, 1);
	(void)setenv(other, "/nonexistent", 1);
	enum credentials_found found =
	    credentials_file_load(profile, true, &c, &command, &warning, &e);
	if (found == CREDENTIALS_FOUND && command.command[0] == '\0' &&
	    (c.access_key[0] == '\0' || c.secret_key[0] == '\0'))
		abort();
	if (found == CREDENTIALS_BAD && e.text[0] == '\0')
		abort();
	/* Long enough that it is in no sentence by chance. */
	if (found == CREDENTIALS_FOUND && strlen(c.secret_key) > 12 &&
	    (strstr(warning.text, c.secret_key) != NULL ||
		strstr(c.source, c.secret_key) != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (file < 0)
		begin();
	put(data, n);
	for (int i = 0; i < 2; i++) {
		const char *profile = i == 0 ? "default" : "other";

		read_as("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", profile);
		read_as("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", profile);
	}
	return 0;
}
