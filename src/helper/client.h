/* client — the worker's side of the helper: one function a request; each waits its
 * answer. */
#ifndef KONN_HELPER_CLIENT_H
#define KONN_HELPER_CLIENT_H

#include "base/err.h"

/* Must be the first request. Returns 0 or -errno. */
int helper_hello(int helper_fd, struct err *err);

/* Ends the helper; closing the socket does so too. Returns 0 or -errno. */
int helper_bye(int helper_fd, struct err *err);

/*
 * An unbound AF_PACKET SOCK_RAW socket, non-blocking, owned by the caller. Returns -1
 * and *err on failure; without permission (77) the message names the commands that
 * grant it.
 */
int helper_capture_socket(int helper_fd, struct err *err);

#endif
