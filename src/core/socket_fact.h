/*
 * socket_fact — what the kernel tells about one socket: in a dump, or when it died.
 *
 * Plain data without pointers. A field that a kernel, a state or a socket may not give
 * is valid only if its bit is in `has`; the others always are. Times and rates have
 * their unit in the name; byte counters are payload.
 */
#ifndef KONN_CORE_SOCKET_FACT_H
#define KONN_CORE_SOCKET_FACT_H

#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/proto.h"

/*
 * Bits of socket_fact.has. Those from TCP on speak of `tcp`: the kernel's age decides
 * about most of them, and whether anything was measured about the others.
 */
#define SOCKET_HAS(bit_) ((uint64_t)1 << (bit_))
enum socket_has {
	SOCKET_PEER,    /* peer, peer_port: it is connected or connecting */
	SOCKET_QUEUES,  /* recv_q, send_q */
	SOCKET_BACKLOG, /* backlog, backlog_most: it listens */
	SOCKET_INODE,   /* a descriptor refers to it */
	SOCKET_UID,
	SOCKET_TIMER, /* timer, timer_ms, retransmits */
	SOCKET_SHUTDOWN,
	SOCKET_V6ONLY,
	SOCKET_TOS,
	SOCKET_TCLASS,
	SOCKET_MARK, /* only who asked with CAP_NET_ADMIN is told */
	SOCKET_CGROUP,
	SOCKET_MEMORY,
	SOCKET_DROPS, /* memory.drops */
	SOCKET_CONGESTION,
	SOCKET_BBR,          /* cc.bbr; one of the three at most, once it measured */
	SOCKET_VEGAS,        /* cc.vegas */
	SOCKET_DCTCP,        /* cc.dctcp */
	SOCKET_TCP,          /* tcp up to total_retrans, but for the next five */
	SOCKET_RTT,          /* rtt_us, rttvar_us */
	SOCKET_RCV_RTT,      /* rcv_rtt_us */
	SOCKET_SSTHRESH,     /* snd_ssthresh_segs: slow start ended once */
	SOCKET_LAST,         /* last_…_ms: there was a handshake */
	SOCKET_PACING,       /* pacing_bytes_s: it is paced at all */
	SOCKET_MAX_PACING,   /* max_pacing_bytes_s: the program set a limit */
	SOCKET_BYTES,        /* bytes_acked, bytes_received (Linux 4.1) */
	SOCKET_SEGS,         /* segs_out, segs_in (4.2) */
	SOCKET_NOTSENT,      /* notsent_bytes (4.6) */
	SOCKET_MIN_RTT,      /* min_rtt_us (4.6) */
	SOCKET_DATA_SEGS,    /* data_segs_in, data_segs_out (4.6) */
	SOCKET_DELIVERY,     /* delivery_bytes_s, app_limited (4.9) */
	SOCKET_LIMITED,      /* busy_us, rwnd_limited_us, sndbuf_limited_us (4.10) */
	SOCKET_DELIVERED,    /* delivered, delivered_ce (4.18) */
	SOCKET_BYTES_SENT,   /* bytes_sent, bytes_retrans (4.19) */
	SOCKET_REORDER,      /* dsack_dups, reord_seen (4.19) */
	SOCKET_OUT_OF_ORDER, /* rcv_out_of_order (5.4) */
	SOCKET_SND_WND,      /* snd_wnd_bytes (5.4) */
	SOCKET_RCV_WND,      /* rcv_wnd_bytes, rehash (6.2) */
	SOCKET_RTO_TOTALS,   /* rto_…  (6.7) */
	SOCKET_ACCURATE_ECN, /* received_ce to the end (6.18) */
	SOCKET_HAS_COUNT,
};
_Static_assert(SOCKET_HAS_COUNT <= 64, "has is one word");

enum socket_timer { /* the kernel's numbers */
	SOCKET_TIMER_NONE,
	SOCKET_TIMER_RETRANSMIT, /* also loss probe, reordering; SYN-RECEIVED: SYN-ACK
				  */
	SOCKET_TIMER_KEEPALIVE,
	SOCKET_TIMER_TIME_WAIT,
	SOCKET_TIMER_PROBE, /* of a closed window */
};

enum socket_shutdown { /* bits: what can no longer be done */
	SOCKET_SHUT_RECV = 1,
	SOCKET_SHUT_SEND = 2,
};

enum socket_tcp_option { /* bits of socket_tcp.options */
	SOCKET_TCP_TIMESTAMPS = 1,
	SOCKET_TCP_SACK = 2,
	SOCKET_TCP_WSCALE = 4, /* snd_wscale, rcv_wscale */
	SOCKET_TCP_ECN = 8,
	SOCKET_TCP_ECN_SEEN = 16,
	SOCKET_TCP_SYN_DATA = 32,
	SOCKET_TCP_USEC_TS = 64,
	SOCKET_TCP_FASTOPEN_CHILD = 128,
};

enum socket_tcp_ca { /* socket_tcp.ca_state */
	SOCKET_CA_OPEN,
	SOCKET_CA_DISORDER,
	SOCKET_CA_CWR,
	SOCKET_CA_RECOVERY,
	SOCKET_CA_LOSS,
};

/*
 * struct tcp_info (include/uapi/linux/tcp.h) as of Linux 6.18, byte for byte. Older
 * kernels fill a shorter one, newer ones a longer.
 */
struct socket_tcp {
	uint8_t state;       /* the kernel's number; socket_fact.state is the name's */
	uint8_t ca_state;    /* enum socket_tcp_ca */
	uint8_t retransmits; /* of the oldest segment, by timeout */
	uint8_t probes;      /* unanswered: of a closed window or keepalive */
	uint8_t backoff;     /* the timeout was doubled so often */
	uint8_t options;     /* enum socket_tcp_option */
	uint8_t snd_wscale : 4, rcv_wscale : 4;
	uint8_t app_limited : 1,
		fastopen_fail : 2; /* delivery_bytes_s is a lower bound */
	uint32_t rto_us, ato_us;
	uint32_t snd_mss_bytes, rcv_mss_bytes;
	uint32_t unacked_segs, sacked_segs, lost_segs, retrans_segs, unused_fackets;
	uint32_t last_data_sent_ms, unused_last_ack_sent;
	uint32_t last_data_recv_ms, last_ack_recv_ms; /* ago */
	uint32_t pmtu_bytes, rcv_ssthresh_bytes;
	uint32_t rtt_us, rttvar_us;
	uint32_t snd_ssthresh_segs, snd_cwnd_segs;
	uint32_t advmss_bytes, reordering_segs;
	uint32_t rcv_rtt_us, rcv_space_bytes;
	uint32_t total_retrans_segs;
	uint64_t pacing_bytes_s, max_pacing_bytes_s;
	uint64_t bytes_acked;    /* SYN and FIN count one each */
	uint64_t bytes_received; /* FIN counts one */
	uint32_t segs_out, segs_in;
	uint32_t notsent_bytes;
	uint32_t min_rtt_us; /* least of the last minutes (net.ipv4.tcp_min_rtt_wlen) */
	uint32_t data_segs_in, data_segs_out;
	uint64_t delivery_bytes_s;
	uint64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	uint32_t delivered_segs, delivered_ce_segs;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen;
	uint32_t rcv_out_of_order_segs, snd_wnd_bytes;
	uint32_t rcv_wnd_bytes, rehash;
	uint16_t rto_total, rto_recoveries;
	uint32_t rto_total_ms; /* spent in recoveries by timeout */
	uint32_t received_ce_segs;
	uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
	uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
	uint16_t accecn_fail_mode, accecn_opt_seen;
};
_Static_assert(offsetof(struct socket_tcp, rto_us) == 8, "tcpi_rto");
_Static_assert(offsetof(struct socket_tcp, pacing_bytes_s) == 104, "tcpi_pacing_rate");
_Static_assert(
	offsetof(struct socket_tcp, delivery_bytes_s) == 160, "tcpi_delivery_rate");
_Static_assert(offsetof(struct socket_tcp, bytes_sent) == 200, "tcpi_bytes_sent");
_Static_assert(offsetof(struct socket_tcp, rcv_wnd_bytes) == 232, "tcpi_rcv_wnd");
_Static_assert(sizeof(struct socket_tcp) == 280, "struct tcp_info of Linux 6.18");

/* Bytes that the socket holds (SK_MEMINFO_*): with the kernel's overhead. */
struct socket_memory {
	uint32_t recv, recv_most; /* allocated for what was received; SO_RCVBUF */
	uint32_t send, send_most; /* for what the device has not sent; SO_SNDBUF */
	uint32_t forward, send_queued, options, backlog;
	uint32_t drops; /* datagrams or segments dropped here: a count, not bytes */
};

/* Inner figures of some algorithms. */
union socket_congestion {
	struct { /* gains in 1/256 */
		uint64_t bytes_s;
		uint32_t min_rtt_us, pacing_gain, cwnd_gain;
	} bbr;
	struct {
		uint32_t enabled, rtt_count, rtt_us, min_rtt_us;
	} vegas;
	struct {
		uint16_t enabled, ce_state;
		uint32_t alpha, ecn_bytes, total_bytes;
	} dctcp;
};

struct socket_fact {
	/*
	 * Identity: unique until the next boot, also across namespaces; equals
	 * SO_COOKIE and bpf_get_socket_cookie(). It is drawn when somebody asks first
	 * (a dump, an event, BPF) and then kept from SYN-RECEIVED to TIME-WAIT. A
	 * connection that is first asked for by its death has one there and another in
	 * TIME-WAIT: join these by address.
	 */
	uint64_t cookie;
	uint64_t has;   /* SOCKET_HAS(enum socket_has) */
	uint64_t netns; /* inode number of the network namespace */
	struct addr local, peer;
	uint16_t local_port, peer_port; /* host order; 0: none */
	uint8_t family;                 /* enum family, after normalising */
	bool mapped;                    /* an IPv6 socket that speaks IPv4 */
	/*
	 * A destroy event: the state is CLOSED, the figures are final. What is left in
	 * TIME-WAIT or FIN-WAIT-2 may be in dumps for another minute.
	 */
	bool died;
	uint8_t proto; /* IP protocol number */
	/*
	 * enum tcp_state, for TCP. Datagram sockets: TCP_ESTABLISHED is connected,
	 * TCP_CLOSED is not.
	 */
	uint8_t state;
	uint8_t timer;       /* enum socket_timer */
	uint8_t retransmits; /* so far: segments, keepalives or probes, by `timer` */
	uint8_t shutdown;    /* enum socket_shutdown */
	uint8_t tos, tclass; /* DSCP and ECN of IPv4, of IPv6 */
	bool v6only;
	uint32_t timer_ms;       /* until it expires */
	uint32_t recv_q, send_q; /* bytes not read by the program; not acknowledged
				    (TCP), not sent (UDP: with the kernel's overhead) */
	uint32_t backlog,
		backlog_most; /* connections that wait for accept(); the limit */
	uint32_t uid, inode;
	uint32_t ifindex; /* bound to this interface; 0: to none */
	uint32_t mark;
	uint64_t cgroup; /* inode number of its directory in the cgroup2 tree */
	struct socket_memory memory;
	char congestion[16]; /* name of the algorithm: printable ASCII */
	union socket_congestion cc;
	struct socket_tcp tcp;
};

static inline bool socket_has(const struct socket_fact *f, enum socket_has which)
{
	return f->has >> which & 1;
}

#endif
