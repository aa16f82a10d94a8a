/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_ops.h - how a kind of zone stands behind provider.h.
 *
 * A provider's own struct begins with a struct provider. Each operation keeps the
 * promises that provider.h makes for the function of its name.
 */
#ifndef STEERING_ZONE_PROVIDER_OPS_H
#define STEERING_ZONE_PROVIDER_OPS_H

#include "steering/zone/provider.h"

struct provider_ops {
	void (*read)(struct provider *p, const char *ledger_name,
	    const char (*names)[DNS_NAME_MAX], size_t n, zone_answer_cb cb, void *arg);
	void (*change)(struct provider *p, const struct zone_change *c,
	    zone_answer_cb cb, void *arg);
	void (*poll)(
	    struct provider *p, const char *change_id, zone_answer_cb cb, void *arg);
	void (*nameservers)(struct provider *p, zone_answer_cb cb, void *arg);
	void (*check_find)(
	    struct provider *p, const char *reference, zone_answer_cb cb, void *arg);
	void (*check_make)(
	    struct provider *p, const char *reference, zone_answer_cb cb, void *arg);
	const char *(*warning)(const struct provider *p);
	const char *(*identity)(const struct provider *p);
	void (*free)(struct provider *p);
};

struct provider {
	const struct provider_ops *ops;
};

#endif
