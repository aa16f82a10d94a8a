/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay CORPUS: a fuzz target over the files of a folder, each whole, cut in half and
 * with a byte turned over. Any compiler; seconds.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)1024 * 1024)

/* A copy of the exact size, so that a sanitizer sees one byte too many. */
static void
feed(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n + (n == 0));

	if (copy == NULL)
		abort();
	memcpy(copy, data, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
feed_variants(uint8_t *data, size_t n)
{
	feed(data, n);
	feed(data, n / 2);
	if (n == 0)
		return;
	for (unsigned i = 1; i <= 4; i++) {
		size_t at = n * i / 5;

		data[at] ^= (uint8_t)(1U << i);
		feed(data, n);
		data[at] ^= (uint8_t)(1U << i);
	}
}

int
main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned files = 0;

	if (folder == NULL) {
		(void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	for (struct dirent *d; (d = readdir(folder)) != NULL;) {
		char path[4096];
		FILE *f;

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", argv[1], d->d_name);
		f = fopen(path, "rb");
		if (f == NULL) {
			perror(path);
			return 2;
		}
		size_t n = fread(data, 1, sizeof data, f);
		(void)fclose(f);
		(void)printf("%s: %zu bytes\n", d->d_name, n);
		(void)fflush(stdout);
		feed_variants(data, n);
		files++;
	}
	(void)closedir(folder);
	(void)printf("%u files, each whole, halved and with four bits turned\n", files);
	return files > 0 ? 0 : 1;
}
