/*
 * rare — marks what the usual packet does not need. It stays out of the functions that
 * each packet passes, which then save no registers for it (measured: 8 to 20
 * instructions a call).
 */
#ifndef KONN_BASE_RARE_H
#define KONN_BASE_RARE_H

#define RARE       __attribute__((noinline, cold))
#define mostly(x_) __builtin_expect(!!(x_), 1)
#define rarely(x_) __builtin_expect(!!(x_), 0)

#endif
