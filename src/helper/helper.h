/*
 * helper — the privileged process: answers the few requests of the table in helper.c.
 *
 * It parses nothing that came from outside; the worker that asks is taken to be
 * hostile.
 */
#ifndef KONN_HELPER_HELPER_H
#define KONN_HELPER_HELPER_H

/*
 * Gives up every privilege that no request needs, then serves the socket until the
 * other side closes it or says bye. Returns an exit code. The caller is a process of
 * its own.
 */
int helper_run(int socket_fd);

/* Serves without touching privileges; helper_run without its first half, for tests. */
int helper_serve(int socket_fd);

#endif
