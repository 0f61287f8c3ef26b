/* request — what the files of this folder that do one privileged thing each have in
 * common. */
#ifndef KONN_HELPER_REQUEST_H
#define KONN_HELPER_REQUEST_H

#include "helper/message.h"

struct helper {
	enum helper_state state;
};

/*
 * Carries out one request, which the table has already checked for type, state, length
 * and descriptors; the payload is still untrusted. Fills reply->payload,
 * header.len_bytes and fd (which the caller closes after sending). Returns 0 or the
 * -errno of the answer.
 */
typedef int request_fn(struct helper *helper, const struct helper_message *request,
	struct helper_message *reply);

request_fn request_hello, request_bye;
request_fn request_capture_socket;

#endif
