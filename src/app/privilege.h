/* privilege — makes a process unprivileged for good, before it parses anything. */
#ifndef KONN_APP_PRIVILEGE_H
#define KONN_APP_PRIVILEGE_H

#include "base/err.h"

/*
 * Becomes the user konn (else nobody) when run as root, leaves all groups, empties
 * every capability set, sets no_new_privs and forbids core dumps and ptrace. An
 * ordinary user stays who he is. Does as much as it can; returns 0 when nothing was
 * left over, else -errno with *err (exit code 78) saying what could not be given up.
 */
int privilege_drop(struct err *err);

#endif
