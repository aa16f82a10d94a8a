/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_api.h - the operations on health checks.
 */
#ifndef LAB_CHECK_API_H
#define LAB_CHECK_API_H

#include "tests/lab/api.h"

void
check_api_create(struct lab *lab, const struct api_call *call, struct api_reply *r);
void check_api_get(struct lab *lab, const struct api_call *call, struct api_reply *r);
void check_api_list(struct lab *lab, const struct api_call *call, struct api_reply *r);
void
check_api_delete(struct lab *lab, const struct api_call *call, struct api_reply *r);

#endif
