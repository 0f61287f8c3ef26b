#include <inttypes.h>

#include "app/session.h"

void session_sockets(struct session *s)
{
	struct err err = {0};
	uint64_t now = clock_now(&s->clock);

	if (!s->machine)
		return;
	if (!s->captures)
		engine_tick(s->engine, now);
	if (machine_tell(s->machine, s->engine, now, &err) < 0)
		session_problem(s, &err);
}

void session_missing(struct session *s)
{
	const char *missing = s->machine ? machine_missing(s->machine) : NULL;
	uint64_t lost = s->machine ? engine_sockets(s->engine)->lost : 0;
	struct err err = {0};

	if (missing && !s->o->quiet)
		buf_fmt(&s->remarks, "konn: %s\n", missing);
	if (!lost)
		return;
	(void)err_set(&err, EXIT_PARTIAL,
		"%" PRIu64 " sockets did not fit: --memory is too small", lost);
	session_problem(s, &err);
}
