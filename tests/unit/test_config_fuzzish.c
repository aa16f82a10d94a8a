/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/: cut and corrupted files. Every prefix and many single-byte corruptions of
 * every example, and every value exchanged for one of another kind, either load or are refused with notes that can be printed; each in
 * bounded time. Runs under the sanitizers in the heavy suite.
 */
#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/config_kit.h"

#define EACH_MS_MAX 2000

static char text[65536];
static unsigned tried, loaded;

static uint64_t
cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
try_text(const char *p, size_t n)
{
	uint64_t began_ms = cpu_ms();
	bool ok = config_parse(p, n, "fuzz.yaml", &c, &notes);

	tried++;
	loaded += ok;
	ck_assert(ok == (c != NULL));
	ck_assert(ok == (notes.errors == 0));
	ck_assert(ok || notes.count > 0);
	for (size_t i = 0; i < notes.count; i++) {
		ck_assert_uint_ge(notes.note[i].line, 1);
		ck_assert_uint_ge(notes.note[i].column, 1);
		ck_assert(notes.note[i].text[0] != '\0');
	}
	for (uint32_t s = 0; ok && s < c->services; s++) {
		char survival[512];

		config_survival(c, s, survival, sizeof survival);
		ck_assert_uint_ge(c->service[s].rule.members, 2);
	}
	for (uint32_t s = 0; ok && s < c->scenarios; s++) {
		char plan[512];

		config_plan_text(c, s, plan, sizeof plan);
		ck_assert_uint_lt(strlen(plan), sizeof plan);
	}
	fini();
	ck_assert_uint_lt(cpu_ms() - began_ms, EACH_MS_MAX);
}

/* A copy on the heap without a byte to spare: reading beyond is seen. */
static void
try_exact(size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, n);
	try_text(copy, n);
	free(copy);
}

static void
corrupt(size_t n, size_t stride, size_t from)
{
	static const char bytes[] = {'\0', '\n', '\t', ' ', '[', '}', ':', '&', '*',
	    '"', '#', '-', '9', '%', (char)0xC3, (char)0xFF};

	for (size_t i = from; i < n; i += stride) {
		char was = text[i];

		text[i] = bytes[(i / stride) % sizeof bytes];
		try_exact(n);
		text[i] = (char)(was ^ 1);
		try_exact(n);
		text[i] = was;
	}
}

/* ---- a value of another kind ---- */

static size_t
indent_at(size_t i)
{
	return strspn(text + i, " ");
}

/* Where a block ends whose key stands in the line that holds i. */
static size_t
block_end(size_t i)
{
	size_t line = i;

	while (line > 0 && text[line - 1] != '\n')
		line--;
	size_t indent = indent_at(line);
	while (text[i] != '\0') {
		i += strcspn(text + i, "\n");
		i += text[i] == '\n';
		if (text[i] == '\0' || indent_at(i) <= indent)
			break;
	}
	return i;
}

static size_t
value_end(size_t i)
{
	if (text[i] == '\n' || text[i] == '#')
		return block_end(i);
	if (text[i] == '"')
		return i + 1 + strcspn(text + i + 1, "\"") + 1;
	if (text[i] != '[' && text[i] != '{')
		return i + strcspn(text + i, ",}]\n");
	size_t depth = 0;
	for (; text[i] != '\0'; i++) {
		depth += text[i] == '[' || text[i] == '{';
		depth -= text[i] == ']' || text[i] == '}';
		if (depth == 0)
			return i + 1;
	}
	return i;
}

static void
other_kinds(void)
{
	static const char *const values[] = {"", " x", " [x]", " [[x]]", " {x: y}",
	    " {x: [y]}", " []", " {}", " [{x: y}]"};
	static char changed[sizeof text + 16];

	for (char *colon = text; (colon = strchr(colon, ':')) != NULL; colon++) {
		if (colon[1] != ' ' && colon[1] != '\n')
			continue;
		size_t at = (size_t)(colon - text) + 1;
		size_t end = value_end(at + strspn(text + at, " "));

		for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
			int n = snprintf(changed, sizeof changed, "%.*s%s%s%s", (int)at,
			    text, values[v], text[end - 1] == '\n' ? "\n" : "",
			    text + end);

			try_text(changed, (size_t)n);
		}
	}
}

static void
one_file(const char *path, size_t step, size_t stride)
{
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	ck_assert_uint_lt(n, sizeof text - 1);
	text[n] = '\0';
	other_kinds();
	for (size_t i = 0; i <= n; i += step)
		try_exact(i);
	corrupt(n, stride, n % stride);
	/* A byte left out, a byte doubled: indentation slips. */
	for (size_t i = 0; i < n; i += 2 * stride) {
		char *copy = malloc(n + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, i);
		memcpy(copy + i, text + i + 1, n - i - 1);
		try_text(copy, n - 1);
		memcpy(copy + i + 1, text + i, n - i);
		copy[i] = text[i];
		try_text(copy, n + 1);
		free(copy);
	}
}

static unsigned
folder(const char *name, size_t step, size_t stride)
{
	DIR *d = opendir(name);
	char path[1024];
	unsigned n = 0;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		if (strstr(e->d_name, ".yaml") == NULL)
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", name, e->d_name);
		one_file(path, step, stride);
		n++;
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

START_TEST(cut_and_corrupted_files)
{
	ck_assert_uint_ge(folder(SOURCE_DIR "/config/examples", 1, 5), 6);
	(void)folder(SOURCE_DIR "/../shared/examples", 3, 11);
	printf("%u files tried, %u of them still good\n", tried, loaded);
	ck_assert_uint_gt(loaded, 0);
	ck_assert_uint_gt(tried, loaded);
}
END_TEST

START_TEST(values_of_other_kinds)
{
	(void)snprintf(text, sizeof text, "%s", config_base);
	other_kinds();
}
END_TEST

/* Long lines, wide maps, large templates times many services: bounded all the same. */
START_TEST(large_files_are_bounded)
{
	size_t n = 1u << 20, used = 0;
	char *big = malloc(n + 64);

	ck_assert_ptr_nonnull(big);
	used += (size_t)snprintf(big, n, "templates:\n  t:\n");
	for (unsigned i = 0; i < 1000; i++)
		used +=
		    (size_t)snprintf(big + used, n - used, "    k%u: [1, 2, 3]\n", i);
	used += (size_t)snprintf(big + used, n - used, "services:\n");
	for (unsigned i = 0; i < 256; i++)
		used +=
		    (size_t)snprintf(big + used, n - used, "  s%u: {template: t}\n", i);
	try_text(big, used);
	for (const char *fill = "[{\"'a:,-?&!|>%@` \t"; *fill != '\0'; fill++) {
		memset(big, *fill, n);
		try_text(big, n);
	}
	for (size_t i = 0; i + 3 <= n; i += 3)
		memcpy(big + i, "a: ", 3);
	try_text(big, n / 3 * 3);
	for (size_t i = 0; i + 2 <= n; i += 2)
		memcpy(big + i, "?\n", 2);
	try_text(big, n);
	for (size_t i = 0; i + 2 <= n; i += 2)
		memcpy(big + i, "a,", 2);
	big[0] = '[';
	try_text(big, n);
	free(big);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    cut_and_corrupted_files, values_of_other_kinds, large_files_are_bounded};

	return run_tests("config_fuzzish", tests, sizeof tests / sizeof tests[0]);
}
