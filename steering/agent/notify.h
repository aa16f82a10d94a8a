/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - what systemd is told: sd_notify(3)'s protocol, in our own lines.
 *
 * One datagram of "KEY=value" lines to $NOTIFY_SOCKET (a path, or an abstract name
 * after '@'). Without that variable nothing is sent and nothing is wrong.
 */
#ifndef STEERING_AGENT_NOTIFY_H
#define STEERING_AGENT_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* "READY=1\nSTATUS=…". False: there is nobody to tell. */
bool notify_send(const char *state);
/* RELOADING=1 with the monotonic time that Type=notify-reload wants. */
bool notify_reloading(void);
/* How often the watchdog wants to hear of us; 0: it does not. */
uint64_t notify_watchdog_ms(void);

#endif
