"""ss — what ss(8) says of the sockets of a namespace, in the words of sockets_dump."""
import re

SS = ("ss", "-H", "-tuanpeiOm")
ENDPOINT = r"(\S+):(\d+|\*)"
LINE = re.compile(rf"(\w+)\s+(\S+)\s+(\d+)\s+(\d+)\s+{ENDPOINT}\s+{ENDPOINT}(.*)")
STATES = {
    "ESTAB": "ESTABLISHED", "SYN-RECV": "SYN-RECEIVED", "UNCONN": "CLOSED",
    **{s: s for s in ("LISTEN", "SYN-SENT", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                      "LAST-ACK", "CLOSING", "TIME-WAIT")},
}
STATE_NUMBERS = {name: number for number, name in enumerate((
    "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
    "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"), 1)}  # core/proto.h
TIMERS = {"on": 1, "keepalive": 2, "timewait": 3, "persist": 4}
SKMEM = {"r": "recv", "rb": "recv_most", "t": "send", "tb": "send_most", "f": "forward",
         "w": "send_queued", "o": "options", "bl": "backlog", "d": "drops"}
# What ss -i says as NAME:INTEGER, and does not say when it is 0; ms are printed as such.
PLAIN = {
    "mss": "snd_mss_bytes", "rcvmss": "rcv_mss_bytes", "advmss": "advmss_bytes",
    "pmtu": "pmtu_bytes", "cwnd": "snd_cwnd_segs", "ssthresh": "snd_ssthresh_segs",
    "bytes_sent": "bytes_sent", "bytes_retrans": "bytes_retrans",
    "bytes_acked": "bytes_acked", "bytes_received": "bytes_received",
    "segs_out": "segs_out", "segs_in": "segs_in", "data_segs_out": "data_segs_out",
    "data_segs_in": "data_segs_in", "unacked": "unacked_segs", "lost": "lost_segs",
    "sacked": "sacked_segs", "notsent": "notsent_bytes", "backoff": "backoff",
    "rcv_space": "rcv_space_bytes", "rcv_ssthresh": "rcv_ssthresh_bytes",
    "delivered": "delivered_segs", "delivered_ce": "delivered_ce_segs",
    "dsack_dups": "dsack_dups", "reord_seen": "reord_seen", "snd_wnd": "snd_wnd_bytes",
    "rcv_ooopack": "rcv_out_of_order_segs",
}
MILLISECONDS = {"rto": "rto_us", "ato": "ato_us", "minrtt": "min_rtt_us", "rcv_rtt": "rcv_rtt_us"}


def address(text):
    text = text.strip("[]").split("%")[0]
    return "::" if text == "*" else text.strip("[]")


def read_ss(ns):
    """What ss says, by cookie, in the words of sockets_dump; 0 stands for absent."""
    found = {}
    for line in ns.run(SS).stdout.splitlines():
        match = LINE.match(line.strip())
        if not match:
            raise AssertionError("not understood: " + line)
        proto, state, recv_q, send_q, local, lport, peer, pport, more = match.groups()
        ours = {"proto": proto, "state": STATES[state], "local_port": int(lport),
                "peer_port": 0 if pport == "*" else int(pport)}
        ours.update(addresses(local, peer))
        queues = ("backlog", "backlog_most") if state == "LISTEN" else ("recv_q", "send_q")
        ours.update(zip(queues, (int(recv_q), int(send_q))))
        details(ours, more)
        found[int(re.search(r"\bsk:([0-9a-f]+)", more)[1], 16)] = ours
    return found


def addresses(local, peer):
    hosts = [address(local), address(peer)]
    is_mapped = any(h.startswith("::ffff:") for h in hosts)
    if is_mapped:
        hosts = ["0.0.0.0" if h == "::" else h.removeprefix("::ffff:") for h in hosts]
    device = re.search(r"%([^\]:]+)", local)
    return {"local": hosts[0], "peer": hosts[1], "mapped": is_mapped,
            "device": device[1] if device else ""}


def details(ours, more):
    def number(pattern, base=10):
        match = re.search(pattern, more)
        return int(match[1], base) if match else 0

    ours["uid"] = number(r"\buid:(\d+)")
    ours["inode"] = number(r"\bino:(\d+)")
    ours["mark"] = number(r"\bfwmark:0x([0-9a-f]+)", 16)
    ours["v6only"] = number(r"\bv6only:(\d)")
    timer = re.search(r"timer:\((\w+),[^,]*,(\d+)\)", more)
    ours["timer"] = TIMERS[timer[1]] if timer else 0
    ours["retransmits"] = int(timer[2]) if timer else 0
    arrows = re.search(r" (<->|-->|<--|---)( |$)", more)
    # --> can still send, <-- can still receive (include/net/sock.h: RCV 1, SEND 2)
    ours["shutdown"] = {"<->": 0, "-->": 1, "<--": 2, "---": 3}[arrows[1]] if arrows else 0
    skmem = re.search(r"skmem:\(([^)]*)\)", more)
    for part in skmem[1].split(",") if skmem else ():
        name, value = re.match(r"([a-z]+)(\d+)", part).groups()
        ours["mem_" + SKMEM[name]] = int(value)
    if ours["proto"] == "tcp" and ours["state"] != "LISTEN" and " cwnd:" in more:
        tcp_details(ours, more)


def tcp_details(ours, more):
    for name, ours_name in PLAIN.items():
        match = re.search(rf" {name}:(\d+)", more)
        ours[ours_name] = int(match[1]) if match else 0
    for name, ours_name in MILLISECONDS.items():
        match = re.search(rf" {name}:([\d.]+)", more)
        ours[ours_name] = round(float(match[1]) * 1000) if match else 0
    rtt = re.search(r" rtt:([\d.]+)/([\d.]+)", more)
    ours["rtt_us"], ours["rttvar_us"] = (
        (round(float(v) * 1000) for v in rtt.groups()) if rtt else (0, 0))
    retrans = re.search(r" retrans:(\d+)/(\d+)", more)
    ours["retrans_segs"], ours["total_retrans_segs"] = (
        map(int, retrans.groups()) if retrans else (0, 0))
    ours["congestion"] = re.search(r" (bbr|cubic|reno)\b", more)[1]
    bbr = re.search(r"bbr:\(bw:(\d+)bps,mrtt:([\d.]+)", more)
    if bbr and bbr[1] != "0":  # else it has not measured
        ours["bbr_bytes_s"] = int(bbr[1]) // 8
        ours["bbr_min_rtt_us"] = round(float(bbr[2]) * 1000)
    for name, ours_name in (("pacing_rate", "pacing_bytes_s"), ("delivery_rate", "delivery_bytes_s")):
        match = re.search(rf" {name} (\d+)bps", more)
        ours[ours_name] = int(match[1]) // 8 if match else 0
    for name in ("busy", "rwnd_limited", "sndbuf_limited"):
        match = re.search(rf" {name}:(\d+)ms", more)
        ours[name + "_ms"] = int(match[1]) if match else 0
