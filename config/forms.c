/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms.c - small shapes, each refused with what was expected.
 *
 * They catch slips (a path without its slash, an ARN of a user where a role is
 * meant), not everything that AWS would refuse: `doctor` asks AWS itself.
 */
#include "config/forms.h"

#include <ctype.h>
#include <string.h>

#include "config/value.h"
#include "probe/pattern.h"

bool
form_http_path(const char *text, struct err *e)
{
	if (text[0] != '/')
		return err_set(e, "does not begin with '/'");
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F)
			return err_set(e, "holds a byte that must be %%-encoded");
	if (strchr(text, '#') != NULL)
		return err_set(e, "holds a '#', which is never sent");
	return true;
}

bool
form_regex(const char *text, struct err *e)
{
	struct pattern *p = pattern_new(text, e);
	bool ok = p != NULL;

	pattern_free(p);
	return ok;
}

bool
form_bare_url(const char *text, struct err *e)
{
	struct value_url url;

	if (!value_url(text, &url, e))
		return false;
	if (url.path[0] == '\0' || strcmp(url.path, "/") == 0)
		return true;
	return err_set(e, "has a path: only scheme, host and port belong here");
}

bool
form_zone_id(const char *text, struct err *e)
{
	if (strchr(text, '/') != NULL)
		return err_set(
		    e, "has a '/': write the id alone, as in Z0123456789ABC");
	for (const char *p = text; *p != '\0'; p++)
		if (!isupper((unsigned char)*p) && !isdigit((unsigned char)*p))
			return err_set(e,
			    "is not a hosted zone's id: those are made of A-Z and 0-9");
	return true;
}

bool
form_health_check(const char *text, struct err *e)
{
	if (strcmp(text, "steady") == 0)
		return true;
	bool digit = false, shaped = true;
	for (const char *p = text; *p != '\0'; p++) {
		digit = digit || isdigit((unsigned char)*p);
		shaped = shaped && (isalnum((unsigned char)*p) || *p == '-');
	}
	if (digit && shaped)
		return true;
	return err_set(e, "is neither steady nor the id of a Route 53 health check");
}

bool
form_slot(const char *text, struct err *e)
{
	if (text[0] != '\0' && strlen(text) < WORD_MAX &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz_") == strlen(text))
		return true;
	return err_set(e, "is not a slot's name");
}

bool
form_arn(const char *text, struct err *e)
{
	unsigned colons = 0;

	for (const char *p = text; *p != '\0'; p++)
		colons += *p == ':';
	if (strncmp(text, "arn:", 4) == 0 && colons >= 5)
		return true;
	return err_set(e, "is not an ARN (arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE)");
}

bool
form_target_group(const char *text, struct err *e)
{
	const char *group = strstr(text, ":targetgroup/");

	if (form_arn(text, e) && strstr(text, ":elasticloadbalancing:") != NULL &&
	    group != NULL && strchr(group + 13, '/') != NULL)
		return true;
	return err_set(e,
	    "is not the ARN of a target group "
	    "(arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID)");
}

bool
form_role(const char *text, struct err *e)
{
	const char *iam = strstr(text, ":iam::");

	if (form_arn(text, e) && iam != NULL) {
		const char *account = iam + 6;
		size_t n = strspn(account, "0123456789");

		if (n == 12 && strncmp(account + n, ":role/", 6) == 0 &&
		    account[n + 6] != '\0')
			return true;
	}
	return err_set(e,
	    "is not the ARN of a role "
	    "(arn:aws:iam::111122223333:role/NAME)");
}

bool
form_region(const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n >= 5 && n < 32 &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
	    strchr(text, '-') != NULL && isdigit((unsigned char)text[n - 1]))
		return true;
	return err_set(e, "is not a region, as in eu-central-1");
}

bool
form_action(const char *text, struct err *e)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p))
			return err_set(e, "is not an action, as in PromoteReadReplica");
	if (!isupper((unsigned char)text[0]))
		return err_set(
		    e, "is not an action: those begin with a capital letter");
	return true;
}

bool
form_place(const char *text, struct err *e)
{
	struct value_url url;

	if (text[0] == '/')
		return true;
	if (strstr(text, "://") == NULL)
		return err_set(e, "is neither a URL nor an absolute path");
	if (!value_url(text, &url, e))
		return false;
	if (strcmp(url.scheme, "http") == 0 || strcmp(url.scheme, "https") == 0)
		return true;
	return err_set(e, "begins with neither http:// nor https://");
}

/* Amazon S3 User Guide, "General purpose bucket naming rules". */
bool
form_bucket(const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n >= 3 && n <= 63 &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n &&
	    isalnum((unsigned char)text[0]) && isalnum((unsigned char)text[n - 1]) &&
	    strstr(text, "..") == NULL)
		return true;
	return err_set(
	    e, "is not a bucket's name: those have 3 to 63 of a-z, 0-9, '.' and '-'");
}

bool
form_element(const char *text, struct err *e)
{
	for (const char *p = text;; p++) {
		size_t n = strspn(p,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

		p += n;
		if (n == 0 || (*p != '\0' && *p != '.' && *p != '+'))
			return err_set(e,
			    "is not an element's name: write as much of what it stands "
			    "in as is needed, as in DBInstance.DBInstanceStatus");
		if (*p == '\0')
			return true;
	}
}

bool
form_header_name(const char *text, struct err *e)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) &&
		    strchr("!#$%&'*+-.^_`|~", *p) == NULL)
			return err_set(e, "is not a header's name");
	if (text[0] == '\0')
		return err_set(e, "is not a header's name");
	return true;
}
