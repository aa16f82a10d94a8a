/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight calls through one table: the agent above never learns which kind of zone it
 * steers, and a test can stand in one of its own.
 */
#include "steering/zone/provider_ops.h"

#include <stdlib.h>

const char *
zone_result_word(enum zone_result r)
{
	switch (r) {
	case ZONE_OK:
		return "ok";
	case ZONE_LOST:
		return "lost";
	case ZONE_UNKNOWN:
		return "unknown";
	case ZONE_BUSY:
		return "busy";
	case ZONE_REFUSED:
		return "refused";
	case ZONE_OUT:
		return "out";
	}
	return "?";
}

void
zone_view_free(struct zone_view *v)
{
	if (v == NULL)
		return;
	free(v->set);
	free(v);
}

void
provider_read(struct provider *p, const char *ledger_name,
    const char (*names)[DNS_NAME_MAX], size_t n, zone_answer_cb cb, void *arg)
{
	p->ops->read(p, ledger_name, names, n, cb, arg);
}

void
provider_change(
    struct provider *p, const struct zone_change *c, zone_answer_cb cb, void *arg)
{
	p->ops->change(p, c, cb, arg);
}

void
provider_poll(struct provider *p, const char *change_id, zone_answer_cb cb, void *arg)
{
	p->ops->poll(p, change_id, cb, arg);
}

void
provider_nameservers(struct provider *p, zone_answer_cb cb, void *arg)
{
	p->ops->nameservers(p, cb, arg);
}

void
provider_check_find(
    struct provider *p, const char *reference, zone_answer_cb cb, void *arg)
{
	p->ops->check_find(p, reference, cb, arg);
}

void
provider_check_make(
    struct provider *p, const char *reference, zone_answer_cb cb, void *arg)
{
	p->ops->check_make(p, reference, cb, arg);
}

const char *
provider_warning(const struct provider *p)
{
	return p->ops->warning(p);
}

const char *
provider_identity(const struct provider *p)
{
	return p->ops->identity(p);
}

void
provider_free(struct provider *p)
{
	if (p != NULL)
		p->ops->free(p);
}
