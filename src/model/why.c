#include "model/why.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/num.h"
#include "model/getters.h"

#define HALF    50 /* percent: that alone says why */
#define SEVERAL 10 /* percent that other waits of programs add */
#define US_NS   1000ull

unsigned why_sender(const struct flow *f)
{
	const struct tcp_results *r = f->tcp->result;
	unsigned orig = f->orig;

	return r[orig].limit.bytes > r[!orig].limit.bytes ? orig : !orig;
}

bool why_verdict(const struct flow *f, unsigned dir, uint64_t now_ns, bool recent,
	struct verdict *out)
{
	if (!is_tcp(f) || !f->tcp)
		return false;
	if (recent)
		return verdict_recent(f->tcp, dir, f->orig, now_ns, out);
	return verdict_make(f->tcp, dir, f->orig, f->closed_ns ? 0 : now_ns, out);
}

const char *why_title(const struct verdict *v)
{
	static const char *const titles[VERDICT_COUNT] = {
		[VERDICT_application] = "APPLICATION",
		[VERDICT_receiver_window] = "RECEIVER WINDOW",
		[VERDICT_loss] = "LOSS",
		[VERDICT_rto] = "RETRANSMISSION TIMEOUTS",
		[VERDICT_reordering] = "REORDERING",
		[VERDICT_queueing] = "QUEUEING",
		[VERDICT_path] = "PATH",
		[VERDICT_slow_start] = "SLOW START",
		[VERDICT_short] = "SHORT",
		[VERDICT_unknown] = "UNKNOWN",
	};

	return titles[v->by];
}

/* ---- numbers: 8.7 Mb/s, 64 KiB, 60 ms ---- */

/* Puts a blank between the number that begins at `from` and what follows it. */
static void space(struct buf *out, size_t from)
{
	size_t at = from;

	while (at < out->len &&
		(isdigit((unsigned char)out->data[at]) || out->data[at] == '.'))
		at++;
	if (!buf_reserve(out, 1))
		return;
	memmove(out->data + at + 1, out->data + at, out->len - at);
	out->data[at] = ' ';
	out->len++;
}

static void add_rate(struct buf *out, uint64_t bps)
{
	size_t from = out->len;

	num_short(out, bps, 1000);
	buf_str(out, "b/s");
	space(out, from);
}

static void add_bytes(struct buf *out, uint64_t bytes)
{
	size_t from = out->len;

	num_short(out, bytes, 1024);
	buf_str(out, bytes < 1000 ? "B" : "iB");
	space(out, from);
}

static void add_time(struct buf *out, uint64_t ns)
{
	size_t from = out->len;

	num_short_ns(out, ns);
	space(out, from);
}

static void add_us(struct buf *out, uint64_t us)
{
	add_time(out, us * US_NS);
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
}

/* 90 % of the time */
static void add_share_of(struct buf *out, uint64_t ns, const struct verdict *v)
{
	buf_u64(out, percent(ns, v->all_ns));
	buf_str(out, " % of the time");
}

static void add_share(struct buf *out, const struct verdict *v)
{
	add_share_of(out, v->by_ns, v);
}

/* 1 turn, 2 turns */
static void add_count(struct buf *out, uint32_t count, const char *noun)
{
	buf_u64(out, count);
	buf_char(out, ' ');
	buf_str(out, noun);
	if (count != 1)
		buf_char(out, 's');
}

/* 1.2 %, 0.03 % */
static void add_part(struct buf *out, uint64_t part, uint64_t whole)
{
	double share = whole ? (double)part * 100 / (double)whole : 0;

	buf_fmt(out, "%.*f %%", share < 0.1 ? 2 : share < 10, share);
}

/* ---- who ---- */

static const char *side(const struct flow *f, unsigned dir)
{
	return dir == f->orig ? "client" : "server";
}

static void add_host(struct buf *out, const struct flow *f, unsigned dir)
{
	addr_format(out, &f->key.addr[dir], f->key.family);
}

/* ---- one sentence for each verdict ---- */

static void say_writer(struct buf *out, const struct flow *f, const struct verdict *v)
{
	buf_str(out, "the ");
	buf_str(out, side(f, v->dir));
	buf_str(out, "'s program had nothing to send ");
	add_share_of(out, v->ns[LIMIT_application], v);
	if (v->writes < 2)
		return;
	buf_str(out, ": it writes ");
	add_bytes(out, v->bytes / v->writes);
	buf_str(out, " each ");
	add_time(out, v->span_ns / v->writes);
	buf_str(out, ", ");
	add_rate(out, v->rate_bps);
}

static void say_waits(struct buf *out, const struct flow *f, const struct verdict *v)
{
	bool asks = v->dir == f->orig;
	bool client = v->who == VERDICT_WHO_CLIENT;
	enum limit limit = asks == client ? LIMIT_thinking : LIMIT_waiting;
	uint64_t ns = v->ns[limit];

	add_share_of(out, ns, v);
	buf_str(out, " the ");
	buf_str(out, !client ? "server made its answers: "
		     : asks  ? "client made its next request: "
			     : "client asked nothing: ");
	add_time(out, ns);
	if (v->turns == 0)
		return;
	buf_str(out, " in ");
	add_count(out, v->turns, "turn");
	if (v->turns == 1)
		return;
	buf_str(out, ", ");
	add_time(out, ns / v->turns);
	buf_str(out, " each");
	if (v->longest != limit || v->longest_us * US_NS < ns / v->turns)
		return;
	buf_str(out, ", at most ");
	add_us(out, v->longest_us);
}

static void say_turns(struct buf *out, const struct verdict *v)
{
	add_share_of(out, v->ns[LIMIT_turns], v);
	buf_str(out, " was on the way: ");
	buf_u64(out, v->turns);
	buf_str(out, " questions one after the other");
	if (!v->has_rtt)
		return;
	buf_str(out, ", each a round trip of ");
	add_us(out, v->least_us);
}

static void say_application(
	struct buf *out, const struct flow *f, const struct verdict *v)
{
	unsigned all = percent(v->by_ns, v->all_ns), most = 0;
	static const enum limit own[] = {
		LIMIT_application, LIMIT_waiting, LIMIT_thinking, LIMIT_turns};

	if (v->who == VERDICT_WHO_WRITER)
		say_writer(out, f, v);
	else if (v->who == VERDICT_WHO_TURNS)
		say_turns(out, v);
	else
		say_waits(out, f, v);
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (percent(v->ns[own[i]], v->all_ns) > most)
			most = percent(v->ns[own[i]], v->all_ns);
	if (most < HALF && all > most + SEVERAL)
		buf_fmt(out, "; programs and their turns took %u %% in all", all);
}

static void add_times(struct buf *out, uint32_t count)
{
	if (count == 1)
		buf_str(out, "once");
	else
		buf_fmt(out, "%" PRIu32 " times", count);
}

static void say_reader(struct buf *out, const struct flow *f, const struct verdict *v)
{
	buf_fmt(out, "the %s's program reads slowly, at ", side(f, !v->dir));
	add_rate(out, v->rate_bps);
	buf_str(out, ": its window was full ");
	add_share(out, v);
	buf_str(out, ", at most ");
	add_bytes(out, v->window_most);
	if (v->zero_windows == 0)
		return;
	buf_str(out, ", and fell to 0 ");
	add_times(out, v->zero_windows);
}

static void say_window(struct buf *out, const struct flow *f, const struct verdict *v)
{
	add_share(out, v);
	buf_fmt(out, ": the %s's window of ", side(f, !v->dir));
	add_bytes(out, v->window_most);
	if (v->ceiling_bps) {
		buf_str(out, " allows ");
		add_rate(out, v->ceiling_bps);
		buf_str(out, " at ");
		add_us(out, v->rtt_us);
	}
	buf_str(out, "; it came at ");
	add_rate(out, v->rate_bps);
}

static void say_where(struct buf *out, const struct flow *f, const struct verdict *v)
{
	buf_fmt(out, "%" PRIu32 " between the %s and here, ", v->lost_before,
		side(f, v->dir));
	buf_fmt(out, "%" PRIu32 " between here and the %s", v->lost_after,
		side(f, !v->dir));
}

static void say_ceiling(struct buf *out, const struct verdict *v)
{
	if (!v->flight || !v->sees_sender)
		return;
	add_bytes(out, v->flight);
	buf_str(out, " in flight");
	if (!v->ceiling_bps)
		return;
	buf_str(out, " at ");
	add_us(out, v->rtt_us);
	buf_str(out, " are ");
	add_rate(out, v->ceiling_bps);
}

static void say_loss(struct buf *out, const struct flow *f, const struct verdict *v)
{
	add_part(out, v->lost, v->segments);
	buf_str(out, " of the segments were lost: ");
	say_where(out, f, v);
	if (!v->flight || !v->sees_sender)
		return;
	buf_str(out, "; that keeps the congestion window down: ");
	say_ceiling(out, v);
}

static void say_rto(struct buf *out, const struct flow *f, const struct verdict *v)
{
	add_count(out, v->stalls, "timer");
	buf_str(out, " ran out: ");
	add_time(out, v->ns[LIMIT_rto]);
	buf_str(out, " of ");
	add_time(out, v->all_ns);
	buf_str(out, " stood still, the longest ");
	add_us(out, v->longest_us);
	if (v->lost == 0) {
		buf_str(out, "; no data was lost: acknowledgements were, or came late");
		return;
	}
	buf_str(out, "; lost: ");
	say_where(out, f, v);
}

static void say_reordering(struct buf *out, const struct verdict *v)
{
	add_part(out, v->reordered, v->segments);
	buf_fmt(out,
		" of the segments were overtaken on the way (%" PRIu32 "); %" PRIu32
		" were sent again for nothing",
		v->reordered, v->spurious);
	if (v->flight && v->sees_sender)
		buf_str(out, "; ");
	say_ceiling(out, v);
}

static void say_queueing(struct buf *out, const struct flow *f, const struct verdict *v)
{
	add_us(out, v->rtt_us);
	buf_str(out, " of round trip instead of ");
	add_us(out, v->least_us);
	buf_str(out, ": ");
	add_us(out, v->queue_us);
	buf_fmt(out, " in a queue between here and the %s, which its own data fills",
		side(f, v->beyond ? !v->dir : v->dir));
	buf_str(out, "; ");
	say_ceiling(out, v);
}

static void say_path(struct buf *out, const struct flow *f, const struct verdict *v)
{
	buf_str(out, "the congestion window was used up ");
	add_share(out, v);
	if (v->by == VERDICT_slow_start)
		buf_str(out, ", mostly while it was still growing");
	if (v->flight && v->sees_sender)
		buf_str(out, ": ");
	say_ceiling(out, v);
	if (v->even) {
		buf_str(out, "; segments come evenly, as through a link that is full "
			     "at ");
		add_rate(out, v->rate_bps);
	}
	buf_fmt(out, "; %" PRIu32 " of %" PRIu32 " segments lost", v->lost,
		v->segments);
	if (v->sees_sender) {
		buf_str(out, ", queues of ");
		add_us(out, v->queue_us);
	} else {
		buf_fmt(out, "; queues on the %s's side do not show here",
			side(f, v->dir));
	}
}

static void say_short(struct buf *out, const struct verdict *v)
{
	add_bytes(out, v->bytes);
	buf_str(out, " in ");
	add_time(out, v->all_ns);
	buf_str(out, ", ");
	add_count(out, v->rounds ? v->rounds : 1, "round trip");
	buf_str(out, " of ");
	add_us(out, v->least_us);
	buf_str(out, ": too short to say more");
}

static void say_unknown(struct buf *out, const struct flow *f, const struct verdict *v)
{
	add_bytes(out, v->bytes);
	buf_str(out, " in ");
	add_time(out, v->span_ns);
	buf_str(out, ", ");
	buf_u64(out, v->segments);
	buf_str(out, " segments");
	if (f->tcp->side[!v->dir].rtt.has_ack || f->side[!v->dir].packets)
		buf_str(out, ": what was seen does not tell");
	else
		buf_fmt(out, ": nothing of the %s was seen", side(f, !v->dir));
}

void why_sentence(struct buf *out, const struct flow *f, const struct verdict *v)
{
	switch ((enum verdict_by)v->by) {
	case VERDICT_application: say_application(out, f, v); break;
	case VERDICT_receiver_window:
		if (v->who == VERDICT_WHO_READER)
			say_reader(out, f, v);
		else
			say_window(out, f, v);
		break;
	case VERDICT_loss: say_loss(out, f, v); break;
	case VERDICT_rto: say_rto(out, f, v); break;
	case VERDICT_reordering: say_reordering(out, v); break;
	case VERDICT_queueing: say_queueing(out, f, v); break;
	case VERDICT_path:
	case VERDICT_slow_start: say_path(out, f, v); break;
	case VERDICT_short: say_short(out, v); break;
	default: say_unknown(out, f, v); break;
	}
}

/* ---- what to do ---- */

static void advise_application(
	struct buf *out, const struct flow *f, const struct verdict *v)
{
	switch ((enum verdict_who)v->who) {
	case VERDICT_WHO_WRITER:
		buf_str(out, "look at the program on ");
		add_host(out, f, v->dir);
		buf_str(out, ": the network would carry more");
		break;
	case VERDICT_WHO_SERVER:
		buf_str(out, "look at the server's program on ");
		add_host(out, f, !f->orig);
		buf_str(out, " and at what that waits for (disk, database)");
		break;
	case VERDICT_WHO_TURNS:
		buf_str(out, "ask for several things at once, or from nearer by: more "
			     "bandwidth does not help");
		break;
	default:
		buf_str(out, "neither network nor server is slow: look at the program "
			     "on ");
		add_host(out, f, f->orig);
		break;
	}
}

static void advise_window(
	struct buf *out, const struct flow *f, const struct verdict *v)
{
	if (v->who == VERDICT_WHO_READER) {
		buf_str(out, "look at the program that reads on ");
		add_host(out, f, !v->dir);
		buf_str(out, ": its processor, its disk, or a limit it was given");
		return;
	}
	buf_str(out, "raise net.ipv4.tcp_rmem on ");
	add_host(out, f, !v->dir);
	buf_str(out, ", or the SO_RCVBUF that the program there sets");
}

static void advise_loss(struct buf *out, const struct flow *f, const struct verdict *v)
{
	bool after = v->lost_after >= v->lost_before;

	buf_str(out, "look for drops between here and ");
	add_host(out, f, after ? !v->dir : v->dir);
	buf_str(out, ": errors and drops of interfaces (ip -s link, ethtool -S), "
		     "wireless, a rate limit");
}

void why_advice(struct buf *out, const struct flow *f, const struct verdict *v)
{
	switch ((enum verdict_by)v->by) {
	case VERDICT_application: advise_application(out, f, v); break;
	case VERDICT_receiver_window: advise_window(out, f, v); break;
	case VERDICT_loss:
	case VERDICT_rto: advise_loss(out, f, v); break;
	case VERDICT_reordering:
		buf_str(out, "look for links that share load packet by packet "
			     "(bonding, ECMP)");
		break;
	case VERDICT_queueing:
		buf_str(out, "a queue that keeps short (fq_codel, CAKE) at the narrow "
			     "link, or BBR at ");
		add_host(out, f, v->dir);
		break;
	case VERDICT_path:
		buf_str(out, "that is what the path gives one connection: more of it, "
			     "or several connections");
		break;
	case VERDICT_slow_start:
		buf_str(out, "keep connections open and use them again");
		break;
	case VERDICT_unknown: buf_str(out, "capture both directions"); break;
	default: break;
	}
}
