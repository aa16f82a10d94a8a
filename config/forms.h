/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms.h - shapes of text that a type alone does not say. On false the error is the
 * rest of a sentence that begins with the key and the value.
 */
#ifndef CONFIG_FORMS_H
#define CONFIG_FORMS_H

#include "steering/core/err.h"

bool form_http_path(const char *text, struct err *e) MUST_CHECK; /* "/…", no spaces */
bool form_regex(const char *text, struct err *e) MUST_CHECK;     /* POSIX extended */
bool form_bare_url(const char *text, struct err *e) MUST_CHECK;  /* no path behind it */
bool form_zone_id(const char *text, struct err *e) MUST_CHECK;   /* ZXXXX, ≤ 32 */
bool
form_health_check(const char *text, struct err *e) MUST_CHECK; /* steady or an id */
bool form_slot(const char *text, struct err *e) MUST_CHECK; /* of a scenario's steps */
bool form_target_group(const char *text, struct err *e) MUST_CHECK;
bool form_arn(const char *text, struct err *e) MUST_CHECK;
bool form_role(const char *text, struct err *e) MUST_CHECK; /* of an IAM role */
bool form_region(const char *text, struct err *e) MUST_CHECK;
bool
form_action(const char *text, struct err *e) MUST_CHECK;     /* of the Query protocol */
bool form_place(const char *text, struct err *e) MUST_CHECK; /* a URL or "/path" */
bool form_bucket(const char *text, struct err *e) MUST_CHECK;      /* of S3 */
bool form_element(const char *text, struct err *e) MUST_CHECK;     /* "A.B+C": of XML */
bool form_header_name(const char *text, struct err *e) MUST_CHECK; /* RFC 9110 §5.1 */

#endif
