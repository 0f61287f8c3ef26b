#include "helper/request.h"

/* hello and bye: the first and the last request of a worker. */

int request_hello(struct helper *helper, const struct helper_message *request,
	struct helper_message *reply)
{
	(void)request;
	(void)reply;
	helper->state = HELPER_RUNNING;
	return 0;
}

int request_bye(struct helper *helper, const struct helper_message *request,
	struct helper_message *reply)
{
	(void)request;
	(void)reply;
	helper->state = HELPER_DONE;
	return 0;
}
