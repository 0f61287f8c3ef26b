"""scenarios — what happens on the emulated paths, and which verdicts are right. Data only.

A scenario: "what" in words; "links" by name (emulator.c, link.h) with their options; "app"
(apps.py); "sender", whose data the verdict is about; "limited_by", the verdicts that are
right for it; "sysctl" for both ends, client_sysctl and server_sysctl for one; "cwnd" locks
the congestion window (segments); "delays", between which factors the seed moves them.
"""
import random

LINKS = ("client.up", "server.up", "server.down", "client.down")
WIRE_BPS = 100e6  # so that a burst is spread as on a wire, and the emulator keeps up
DOWN = {"kind": "down", "seconds": 4.0}
UP = {"kind": "up", "seconds": 4.0}
TURNS = {"kind": "turns"}
SMALL = {"net.ipv4.tcp_rmem": "4096 65536 65536"}  # no autotuning beyond


def path(client_us, server_us, **more):
    """Each half's delay one way, and options of single links: client_down={…}."""
    links = {}
    for name in LINKS:
        half, way = name.split(".")
        delay = client_us if half == "client" else server_us
        links[name] = {"delay_us": delay, "rate_bps": WIRE_BPS, **more.get(f"{half}_{way}", {})}
    return links


def _loss():
    before = {"loss": 0.01}
    return {
        "loss-before": dict(
            what="download, 1 % lost between the server and the middle",
            links=path(5000, 7000, server_down=before), app=DOWN, sender="resp",
            limited_by=("loss",)),
        "loss-after": dict(
            what="download, 1 % lost between the middle and the client",
            links=path(5000, 7000, client_down=before), app=DOWN, sender="resp",
            limited_by=("loss",)),
        "loss-both": dict(
            what="download, losses on both halves, acknowledgements too",
            links=path(4000, 6000, server_down={"loss": 0.008}, client_down={"loss": 0.008},
                       client_up={"loss": 0.02, "acks": 1}, server_up={"loss": 0.02, "acks": 1}),
            app=DOWN, sender="resp", limited_by=("loss",)),
        "loss-upload": dict(
            what="upload, losses on both halves",
            links=path(5000, 9000, client_up={"loss": 0.006}, server_up={"loss": 0.006}),
            app=UP, sender="orig", limited_by=("loss",)),
        "loss-heavy": dict(
            what="download, 4 % lost on each half, so that second copies are lost as well",
            links=path(4000, 5000, server_down={"loss": 0.04}, client_down={"loss": 0.04}),
            app=DOWN, sender="resp", limited_by=("loss", "rto")),
        "loss-no-sack": dict(
            what="download without SACK, 1 % lost on each half",
            links=path(5000, 6000, server_down={"loss": 0.01}, client_down={"loss": 0.01}),
            app=DOWN, sysctl={"net.ipv4.tcp_sack": 0}, sender="resp",
            limited_by=("loss", "rto")),
        "loss-tails": dict(
            what="answers of five segments, a fifth of which lose one: probes and timers",
            links=path(5000, 8000, server_down={"period": 23}, client_down={"period": 31}),
            app=dict(TURNS, turns=60, answer=7000, gap_ms=5), sender="resp",
            limited_by=("loss", "rto", "application")),
        "burst-rto": dict(
            what="download, nothing gets through for a while: retransmission timer",
            links=path(8000, 12000, server_down={"blackout_ms": "700+260+1900+450"},
                       client_down={"blackout_ms": "1300+350+2800+600"}),
            app=DOWN, cwnd=40, sender="resp", limited_by=("rto", "loss")),
        "burst-loss": dict(
            what="download, bursts of six losses",
            links=path(6000, 6000, client_down={"burst": 0.0015, "burst_len": 6}),
            app=DOWN, cwnd=60, sender="resp", limited_by=("loss", "rto", "path")),
    }


def _order():
    return {
        "reorder-before": dict(
            what="download, 1 % of the segments overtaken before the middle",
            links=path(9000, 9000, server_down={"reorder": 0.01, "reorder_us": 3000}),
            app=DOWN, cwnd=50, sender="resp", limited_by=("path", "reordering")),
        "reorder-after": dict(
            what="download, 1 % of the segments overtaken after the middle",
            links=path(9000, 9000, client_down={"reorder": 0.01, "reorder_us": 3000}),
            app=DOWN, cwnd=50, sender="resp", limited_by=("path", "reordering")),
        "reorder-long": dict(
            what="download, segments come half a round trip late: needless copies",
            links=path(9000, 11000, client_down={"reorder": 0.004, "reorder_us": 20000}),
            app=DOWN, cwnd=50, delays=(1.0, 1.2), sender="resp",
            limited_by=("path", "reordering")),
        "reorder-loss": dict(
            what="download, overtaken and lost on both halves",
            links=path(8000, 10000,
                       server_down={"reorder": 0.01, "reorder_us": 2000, "loss": 0.003},
                       client_down={"reorder": 0.01, "reorder_us": 2000, "loss": 0.003}),
            app=DOWN, cwnd=50, sender="resp",
            limited_by=("path", "reordering", "loss")),
        "duplicates": dict(
            what="download, 1 % of the segments come twice",
            links=path(8000, 8000, server_down={"duplicate": 0.01},
                       client_down={"duplicate": 0.01}),
            app=DOWN, cwnd=50, sender="resp", limited_by=("path",)),
    }


def _path():
    return {
        "clean": dict(
            what="download over 60 ms, congestion window of 40 segments",
            links=path(10000, 20000), app=DOWN, cwnd=40, sender="resp",
            limited_by=("path",)),
        "upload": dict(
            what="upload over 40 ms, congestion window of 40 segments",
            links=path(8000, 12000), app=UP, cwnd=40, sender="orig", limited_by=("path",)),
        "bufferbloat": dict(
            what="download at 8 Mbit/s into a queue of 400 kB",
            links=path(6000, 9000, client_down={"rate_bps": 8e6, "queue_bytes": 400e3}),
            app=dict(DOWN, seconds=5.0), delays=(0.7, 1.2), sender="resp",
            limited_by=("queueing",)),
        "short-queue": dict(
            what="download at 8 Mbit/s into a queue of 20 kB",
            links=path(10000, 10000, client_down={"rate_bps": 8e6, "queue_bytes": 20e3}),
            app=dict(DOWN, seconds=5.0), sender="resp", limited_by=("loss", "path", "queueing")),
        "jitter": dict(
            what="download, up to 6 ms of jitter that keeps the order",
            links=path(8000, 8000, server_down={"jitter_us": 3000},
                       client_down={"jitter_us": 3000}),
            app=DOWN, cwnd=30, sender="resp", limited_by=("path",)),
    }


def _receiver():
    return {
        "small-window": dict(
            what="download into a receive buffer of 24 kB over 40 ms",
            links=path(10000, 10000), app=dict(DOWN, rcvbuf=24000), sender="resp",
            limited_by=("receiver_window",)),
        "slow-reader": dict(
            what="download to a client that reads 30 kB every 200 ms: zero windows",
            links=path(5000, 5000), client_sysctl=SMALL,
            app=dict(DOWN, rcvbuf=40000, read=30000, read_pause_ms=200, seconds=4.0),
            sender="resp", limited_by=("receiver_window",)),
    }


def _application():
    return {
        "think": dict(
            what="requests that the server answers after 120 ms",
            links=path(6000, 10000),
            app=dict(TURNS, think_ms=120, answer=20000, turns=20, gap_ms=20),
            sender="resp", limited_by=("application",)),
        "steady-writes": dict(
            what="download of 20 kB every 50 ms",
            links=path(7000, 7000), app=dict(DOWN, chunk=20000, every_ms=50), sender="resp",
            limited_by=("application",)),
        "small-writes": dict(
            what="download of 600 bytes every 4 ms, far below the capacity",
            links=path(10000, 15000), app=dict(DOWN, chunk=600, every_ms=4), sender="resp",
            limited_by=("application",)),
        "bursts": dict(
            what="download of 300 kB each second, as video does",
            links=path(6000, 8000), app=dict(DOWN, chunk=300000, every_ms=1000, seconds=5.0),
            sender="resp", limited_by=("application",)),
        "idle": dict(
            what="a session that hardly talks, with keep-alives",
            links=path(10000, 20000),
            app=dict(TURNS, turns=3, gap_ms=300, answer=400, idle_s=4.5, keepalive=1),
            sender="resp", limited_by=("application", "short")),
        "short": dict(
            what="forty downloads of 12 kB, a connection each",
            links=path(5000, 10000),
            app=dict(TURNS, turns=1, answer=12000, connections=40), sender="resp",
            limited_by=("short", "slow_start", "application")),
    }


def _held_out():
    """Written when the rules of the verdicts were settled, to see whether they carry over."""
    acks = {"loss": 0.05, "acks": 1}
    return {
        "far": dict(
            what="download over 300 ms, congestion window of 60 segments",
            links=path(50000, 100000), app=dict(DOWN, seconds=6.0), cwnd=60,
            delays=(0.8, 1.1), sender="resp", limited_by=("path",)),
        "lost-acks": dict(
            what="download with 5 % of the acknowledgements lost on each half",
            links=path(8000, 12000, client_up=acks, server_up=acks), app=DOWN, cwnd=40,
            sender="resp", limited_by=("path",)),
        "far-loss": dict(
            what="download over 150 ms, 0.4 % lost before the middle",
            links=path(30000, 45000, server_down={"loss": 0.004}),
            app=dict(DOWN, seconds=6.0), sender="resp", limited_by=("loss",)),
        "upload-bloat": dict(
            what="upload at 5 Mbit/s into a queue of 300 kB at the client",
            links=path(8000, 12000, client_up={"rate_bps": 5e6, "queue_bytes": 300e3}),
            app=dict(UP, seconds=5.0), delays=(0.7, 1.2), sender="orig",
            limited_by=("queueing",)),
        "upload-window": dict(
            what="upload into a receive buffer of 32 kB over 60 ms",
            links=path(18000, 12000), app=dict(UP, rcvbuf=32000), sender="orig",
            limited_by=("receiver_window",)),
        "ticker": dict(
            what="upload of 3 kB every 25 ms over 70 ms",
            links=path(15000, 20000), app=dict(UP, chunk=3000, every_ms=25), sender="orig",
            limited_by=("application",)),
        "big-requests": dict(
            what="requests of 60 kB, each answered after 150 ms",
            links=path(9000, 9000),
            app=dict(TURNS, request=60000, answer=300, think_ms=150, turns=12),
            sender="orig", limited_by=("application",)),
    }


def _all():
    return {**_path(), **_loss(), **_order(), **_receiver(), **_application(), **_held_out()}


def names():
    return list(_all())


def _scale(settings, keys, draw, least, most):
    """The same factor for all of them."""
    factor = draw.uniform(least, most)
    for key in keys:
        if settings.get(key):
            settings[key] = type(settings[key])(settings[key] * factor)


def get(name, seed):
    """The scenario with delays, rates and sizes moved as the seed says: no two are alike."""
    scenario = _all()[name]
    draw = random.Random(f"{name} {seed}")
    for half in ("client", "server"):
        factor = draw.uniform(*scenario.get("delays", (0.7, 1.8)))
        for way in ("up", "down"):
            link = scenario["links"][f"{half}.{way}"]
            link["delay_us"] = int(link["delay_us"] * factor)
            _scale(link, ("loss", "burst", "duplicate"), draw, 0.7, 1.5)
            if link["rate_bps"] < WIRE_BPS:
                _scale(link, ("rate_bps", "queue_bytes"), draw, 0.8, 1.5)
    scenario["app"] = dict(scenario["app"])
    _scale(scenario, ("cwnd",), draw, 0.7, 1.5)
    _scale(scenario["app"], ("chunk", "every_ms"), draw, 0.7, 1.4)
    _scale(scenario["app"], ("think_ms", "rcvbuf"), draw, 0.8, 1.4)
    return scenario
