/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The INI of AWS's tools: [sections], key = value, comments with # or ;, indented
 * lines belong to the key above and are passed over. The file is read whole into one
 * buffer that is wiped, and never quoted in a sentence: a line that does not parse may
 * well be a secret.
 *
 * A profile that also names a role, SSO or MFA is refused even when it holds static
 * keys: AWS's tools would act as the role, and we would not.
 */
#include "steering/zone/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/zone/text.h"

#define FILE_BYTES_MAX (256 * 1024)
#define PATH_MAX_OURS 400

struct file {
	const char *env, *under_home;
	bool config; /* sections are called "profile NAME" there */
};

static const struct file files[] = {
    {"AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", false},
    {"AWS_CONFIG_FILE", "/.aws/config", true},
};
#define FILES (sizeof files / sizeof files[0])

/* What another tool would do with the profile, and we do not. */
static const struct {
	const char *prefix, *instead, *more;
} unsupported[] = {
    {"sso_", "SSO", ""},
    {"mfa_serial", "MFA", ""},
    {"source_profile", "chains of profiles", ", or set role_arn on the zone"},
    {"credential_source", "roles of a profile", ", or set role_arn on the zone"},
    {"role_arn", "roles of a profile", ", or set role_arn on the zone"},
    {"web_identity_token_file", "roles of a profile",
	", or set AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN"},
};

struct parsing {
	const char *path;
	const char *profile;
	bool config;
	unsigned line, section_line;
	bool inside, seen;
	unsigned command_line; /* of credential_process; 0 none */
	struct credentials *out;
	struct credentials_command *command;
	struct err *e;
};

static bool
path_of(const struct file *f, char out[PATH_MAX_OURS])
{
	const char *named = getenv(f->env), *home = getenv("HOME");
	int n;

	if (named != NULL && named[0] != '\0')
		n = snprintf(out, PATH_MAX_OURS, "%s", named);
	else if (home != NULL && home[0] != '\0')
		n = snprintf(out, PATH_MAX_OURS, "%s%s", home, f->under_home);
	else
		return false;
	return n > 0 && n < PATH_MAX_OURS;
}

uint64_t
credentials_file_stamp(void)
{
	uint64_t stamp = 0;

	for (size_t i = 0; i < FILES; i++) {
		char path[PATH_MAX_OURS];
		struct stat s;

		stamp *= 0x100000001b3ULL;
		if (!path_of(&files[i], path) || stat(path, &s) != 0)
			continue;
		stamp ^= (uint64_t)s.st_ino << 32 ^ (uint64_t)s.st_size ^
		    (uint64_t)s.st_mtim.tv_sec * 1000000007ULL ^
		    (uint64_t)s.st_mtim.tv_nsec << 8;
		stamp += 1 + s.st_mode;
	}
	return stamp;
}

/* ---- one line ---- */

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	for (n = strlen(s); n > 0 && strchr(" \t\r", s[n - 1]) != NULL; n--)
		s[n - 1] = '\0';
	return s;
}

static bool
section(struct parsing *p, char *s)
{
	char *end = strchr(s, ']');

	if (end == NULL)
		return err_set(p->e, "%s:%u: section without its ]", p->path, p->line);
	*end = '\0';
	s = trim(s + 1);
	if (p->config && strncmp(s, "profile", 7) == 0 && strchr(" \t", s[7]) != NULL &&
	    s[7] != '\0')
		s = trim(s + 7);
	else if (p->config && strcmp(s, "default") != 0)
		s = end; /* "": "sso-session x", "services x" are no profiles */
	p->inside = strcmp(s, p->profile) == 0;
	if (p->inside) {
		p->seen = true;
		p->section_line = p->line;
	}
	return true;
}

static bool
value(struct parsing *p, const char *key, char *out, size_t out_bytes, const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || n >= out_bytes)
		return err_set(p->e, "%s:%u: %s is %s", p->path, p->line, key,
		    n == 0 ? "empty" : "too long");
	for (size_t i = 0; i < n; i++)
		if (v[i] <= 0x20 || v[i] == 0x7f)
			return err_set(p->e,
			    "%s:%u: %s holds blanks or control characters", p->path,
			    p->line, key);
	memcpy(out, v, n + 1);
	return true;
}

static bool
setting(struct parsing *p, const char *key, const char *v)
{
	struct credentials *out = p->out;

	for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
		if (strncmp(
			key, unsupported[i].prefix, strlen(unsupported[i].prefix)) == 0)
			return err_set(p->e,
			    "%.120s:%u: profile %.63s uses %.40s: Pointsman does not "
			    "support %s: make a profile with credential_process = aws "
			    "configure export-credentials --profile %.63s --format process"
			    "%s",
			    p->path, p->line, p->profile, key, unsupported[i].instead,
			    p->profile, unsupported[i].more);
	if (strcmp(key, "credential_process") == 0) {
		if (strlen(v) >= sizeof p->command->command || v[0] == '\0')
			return err_set(p->e, "%s:%u: %s is %s", p->path, p->line, key,
			    v[0] == '\0' ? "empty" : "too long");
		memcpy(p->command->command, v, strlen(v) + 1);
		p->command_line = p->line;
	}
	if (strcmp(key, "aws_access_key_id") == 0)
		return value(p, key, out->access_key, sizeof out->access_key, v);
	if (strcmp(key, "aws_secret_access_key") == 0)
		return value(p, key, out->secret_key, sizeof out->secret_key, v);
	if (strcmp(key, "aws_session_token") == 0)
		return value(p, key, out->session_token, sizeof out->session_token, v);
	return true;
}

static bool
one_line(struct parsing *p, char *s)
{
	bool indented = s[0] == ' ' || s[0] == '\t';
	char *equals;

	s = trim(s);
	if (s[0] == '\0' || s[0] == '#' || s[0] == ';')
		return true;
	if (s[0] == '[' && !indented)
		return section(p, s);
	if (indented || !p->inside)
		return true;
	equals = strchr(s, '=');
	if (equals == NULL)
		return err_set(p->e, "%s:%u: line of profile %s without =", p->path,
		    p->line, p->profile);
	*equals = '\0';
	s = trim(s);
	for (char *c = s; *c != '\0'; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return setting(p, s, trim(equals + 1));
}

/* `all` is cut into lines in place. */
static bool
parse(struct parsing *p, char *all, size_t n)
{
	if (memchr(all, '\0', n) != NULL)
		return err_set(p->e, "%s: not a text file", p->path);
	for (char *s = all; s != NULL;) {
		char *end = strchr(s, '\n');

		if (end != NULL)
			*end++ = '\0';
		p->line++;
		if (!one_line(p, s))
			return false;
		s = end;
	}
	return true;
}

/* ---- one file ---- */

enum reading { READING_ABSENT, READING_BAD, READING_GOOD };

static enum reading
read_whole(const char *path, char *out, size_t *n, mode_t *mode, struct err *e)
{
	enum reading r = READING_BAD;
	struct stat s;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = 0;

	*n = 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return READING_ABSENT;
	if (fd < 0 || fstat(fd, &s) != 0) {
		(void)err_set(e, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(s.st_mode)) {
		(void)err_set(e, "%s: not a regular file", path);
		goto out;
	}
	*mode = s.st_mode;
	while (
	    *n < FILE_BYTES_MAX && (got = read(fd, out + *n, FILE_BYTES_MAX - *n)) > 0)
		*n += (size_t)got;
	if (got < 0)
		(void)err_set(e, "%s: %s", path, strerror(errno));
	else if (*n == FILE_BYTES_MAX)
		(void)err_set(e, "%s: longer than %d bytes", path, FILE_BYTES_MAX - 1);
	else
		r = READING_GOOD;
	out[r == READING_GOOD ? *n : 0] = '\0';
out:
	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* What the parsed profile amounts to. */
static enum credentials_found
judge(const struct parsing *p, mode_t mode, struct err *warning)
{
	struct credentials *out = p->out;

	if (out->access_key[0] == '\0' && out->secret_key[0] == '\0') {
		if (p->command_line == 0)
			return CREDENTIALS_NONE;
		(void)snprintf(p->command->source, sizeof p->command->source,
		    "credential_process of profile %.63s (%.90s:%u)", p->profile,
		    p->path, p->command_line);
		return CREDENTIALS_FOUND;
	}
	text_wipe(p->command, sizeof *p->command); /* static keys come first */
	if (out->access_key[0] == '\0' || out->secret_key[0] == '\0') {
		(void)err_set(p->e, "%s:%u: profile %s has %s but no %s", p->path,
		    p->section_line, p->profile,
		    out->access_key[0] ? "aws_access_key_id" : "aws_secret_access_key",
		    out->access_key[0] ? "aws_secret_access_key" : "aws_access_key_id");
		return CREDENTIALS_BAD;
	}
	(void)snprintf(out->source, sizeof out->source, "profile %.63s of %.180s",
	    p->profile, p->path);
	if (mode & 077)
		(void)err_set(warning,
		    "%s can be read by others (mode %03o): chmod 600 it", p->path,
		    (unsigned)(mode & 0777));
	return CREDENTIALS_FOUND;
}

static enum credentials_found
load_file(const struct file *f, const char *profile, bool *seen,
    struct credentials *out, struct credentials_command *command, struct err *warning,
    struct err *e)
{
	enum credentials_found found = CREDENTIALS_BAD;
	char path[PATH_MAX_OURS];
	struct parsing p = {.path = path,
	    .profile = profile,
	    .config = f->config,
	    .out = out,
	    .command = command,
	    .e = e};
	mode_t mode = 0;
	size_t n = 0;
	char *all;

	if (!path_of(f, path))
		return CREDENTIALS_NONE;
	all = malloc(FILE_BYTES_MAX + 1);
	if (all == NULL) {
		(void)err_set(e, "%s: memory is short", path);
		return CREDENTIALS_BAD;
	}
	switch (read_whole(path, all, &n, &mode, e)) {
	case READING_ABSENT:
		found = CREDENTIALS_NONE;
		break;
	case READING_BAD:
		break;
	case READING_GOOD:
		if (parse(&p, all, n))
			found = judge(&p, mode, warning);
		*seen |= p.seen;
		break;
	}
	text_wipe(all, n);
	free(all);
	return found;
}

enum credentials_found
credentials_file_load(const char *profile, bool explicit_profile,
    struct credentials *out, struct credentials_command *command, struct err *warning,
    struct err *e)
{
	enum credentials_found found = CREDENTIALS_NONE;
	bool seen = false;

	for (size_t i = 0; i < FILES && found == CREDENTIALS_NONE; i++) {
		text_wipe(out, sizeof *out);
		text_wipe(command, sizeof *command);
		found = load_file(&files[i], profile, &seen, out, command, warning, e);
	}
	if (found != CREDENTIALS_NONE || !explicit_profile)
		return found;
	(void)err_set(e,
	    seen ? "profile %s holds neither static keys nor a credential_process"
		 : "profile %s is in neither the shared credentials file nor "
		   "the configuration file",
	    profile);
	return CREDENTIALS_BAD;
}
