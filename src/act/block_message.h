/* block_message — nf_tables requests for konn's own table, as bytes (libmnl). */
#ifndef KONN_ACT_BLOCK_MESSAGE_H
#define KONN_ACT_BLOCK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "act/result.h"

#define BLOCK_TABLE         "konn"
#define BLOCK_MESSAGE_BYTES 8192

/* A batch: the kernel takes all of it or nothing. */
struct block_message {
	_Alignas(8) uint8_t bytes[BLOCK_MESSAGE_BYTES];
	size_t len;
	uint32_t serial, last; /* of the first message and of the last one */
};

/*
 * The table, a set for each family and a chain that drops what is in them. `owned`: the
 * kernel removes the table when the descriptor is closed (Linux 5.12).
 */
void block_message_create(struct block_message *m, uint32_t serial, bool owned);

/* Removes the table. */
void block_message_remove(struct block_message *m, uint32_t serial);

/* Asks for the table; no batch. -ENOENT: there is none. */
void block_message_ask(struct block_message *m, uint32_t serial);

/* Packets from target.local to target.peer into the set, for `timeout_ms`; or out. */
void block_message_add(struct block_message *m, uint32_t serial,
	const struct act_target *target, uint64_t timeout_ms);
void block_message_delete(
	struct block_message *m, uint32_t serial, const struct act_target *target);

#endif
