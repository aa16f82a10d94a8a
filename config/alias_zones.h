/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alias_zones.h - the hosted zone of an alias target, known from its name.
 */
#ifndef CONFIG_ALIAS_ZONES_H
#define CONFIG_ALIAS_ZONES_H

/* name: lowercase, no trailing dot. NULL when it is not one of AWS's fixed ones. */
const char *alias_zone_find(const char *name);

#endif
