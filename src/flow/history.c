#include "flow/history.h"

#include <string.h>

static char letter_of(enum history_letter letter)
{
	switch (letter) {
	case HISTORY_SYN: return 'S';
	case HISTORY_SYNACK: return 'H';
	case HISTORY_ACK: return 'A';
	case HISTORY_DATA: return 'D';
	case HISTORY_FIN: return 'F';
	case HISTORY_RST: return 'R';
	case HISTORY_RETRANSMIT: return 'T';
	case HISTORY_ZERO_WINDOW: return 'W';
	case HISTORY_GAP: return 'G';
	case HISTORY_INCONSISTENT: return 'I';
	case HISTORY_FLIPPED: return '^';
	}
	return '?';
}

void history_new(struct flow *f, unsigned dir, enum history_letter letter)
{
	/* A side has each letter once, so the text itself need not be looked at. */
	unsigned len = (unsigned)__builtin_popcount(f->side[0].letters) +
		       (unsigned)__builtin_popcount(f->side[1].letters);
	char c = letter_of(letter);

	f->side[dir].letters |= (uint16_t)letter;
	if (len >= sizeof(f->history) - 1)
		return;
	if (dir != f->orig && c >= 'A' && c <= 'Z')
		c = (char)(c + 'a' - 'A');
	f->history[len] = c;
}

/* TCP with an RST: who sent it, and how far the handshake had come. */
static const char *reset_state(const struct flow *f)
{
	const struct flow_side *orig = flow_orig(f), *resp = flow_resp(f);
	bool established = f->facts & FLOW_ESTABLISHED;

	if (established)
		return orig->rst_seen && !(resp->rst_seen && orig->packets == 0)
			       ? "RSTO"
			       : "RSTR";
	if (orig->rst_seen && orig->syn_seen)
		return resp->syn_seen ? "RSTO" : "RSTOS0";
	if (orig->rst_seen)
		return "OTH";
	if (orig->syn_seen)
		return resp->syn_seen ? "RSTR" : "REJ";
	return resp->syn_seen ? "RSTRH" : "OTH";
}

static const char *open_state(const struct flow *f)
{
	if (flow_orig(f)->fin_seen)
		return "S2";
	return flow_resp(f)->fin_seen ? "S3" : "S1";
}

static const char *half_open_state(const struct flow *f)
{
	const struct flow_side *orig = flow_orig(f), *resp = flow_resp(f);

	if (orig->fin_seen && orig->syn_seen)
		return "SH";
	if (resp->fin_seen && resp->syn_seen)
		return "SHR";
	if (orig->syn_seen)
		return resp->syn_seen ? "S1" : "S0";
	return "OTH";
}

static const char *tcp_conn_state(const struct flow *f)
{
	const struct flow_side *orig = flow_orig(f), *resp = flow_resp(f);

	if (f->facts & FLOW_ESTABLISHED && orig->fin_seen && resp->fin_seen)
		return "SF"; /* a reset afterwards changes nothing */
	if (f->facts & FLOW_MIDSTREAM && !orig->syn_seen && !resp->syn_seen)
		return "OTH";
	if (orig->rst_seen || resp->rst_seen)
		return reset_state(f);
	return f->facts & FLOW_ESTABLISHED ? open_state(f) : half_open_state(f);
}

const char *flow_conn_state(const struct flow *f)
{
	bool orig = flow_orig(f)->packets > 0, resp = flow_resp(f)->packets > 0;

	if (f->key.proto == PROTO_TCP)
		return tcp_conn_state(f);
	if (orig && resp)
		return "SF";
	return orig ? "S0" : "SHR";
}
