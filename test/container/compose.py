"""Checks that docker/compose.yml, supervisord.conf and redis.conf agree. One argument: which check."""

import configparser
import re
import shlex
import sys

import yaml

# lockex's -k when it is not given, in seconds; the design's option table.
KILL_AFTER = 10

with open("docker/compose.yml") as file:
    compose = yaml.safe_load(file)
services = compose["services"]
zoos = {name: service for name, service in services.items() if "zookeeper" in service["image"]}
hosts = {name: service for name, service in services.items() if name not in zoos}

# As supervisord reads it: `;` after a blank begins a comment, and `%` interpolates.
supervisord = configparser.RawConfigParser(inline_comment_prefixes=(" ;", "\t;"))
supervisord.read("docker/supervisord.conf")
program = supervisord["program:redis"]

with open("docker/redis.conf") as file:
    redis = dict(line.split(maxsplit=1) for line in file if line.strip() and not line.startswith("#"))
redis = {key: value.strip() for key, value in redis.items()}


def equal(what, expected, got):
    if expected != got:
        sys.exit(f"{what}: expected {expected!r}, got {got!r}")


def zookeepers():
    equal("ZooKeepers", 3, len(zoos))
    for name, service in zoos.items():
        equal(f"hostname of {name}", name, service["hostname"])
        servers = service["environment"]["ZOO_SERVERS"].split()
        known = {
            int(number): (host, int(client))
            for number, host, client in (
                re.fullmatch(r"server\.(\d+)=(\w+):2888:3888;(\d+)", server).groups() for server in servers
            )
        }
        equal(f"servers that {name} knows", sorted(zoos), sorted(host for host, _ in known.values()))
        equal(f"entry of {name} for itself", (name, 2181), known[service["environment"]["ZOO_MY_ID"]])


def hosts_share():
    equal("hosts", 2, len(hosts))
    equal("volumes of the hosts", 1, len({tuple(host["volumes"]) for host in hosts.values()}))
    for name, host in hosts.items():
        [volume] = host["volumes"]
        source, target = volume.split(":")
        equal(f"named volume of {name}", True, source in compose["volumes"])
        equal(f"mount point of {name}", redis["dir"], target)
        equal(f"Dockerfile of {name}", "docker/host.Dockerfile", host["build"]["dockerfile"])
    published = [port.split(":") for host in hosts.values() for port in host["ports"]]
    equal("published ports", 2, len({port for _, port, _ in published}))
    equal("addresses published on", {"127.0.0.1"}, {address for address, _, _ in published})
    equal("ports within", {redis["port"]}, {port for _, _, port in published})


def entry():
    command = shlex.split(program["command"])
    options, run = command[: command.index("--")], command[command.index("--") + 1 :]
    equal("options", ["lockex", "-z", ",".join(f"{name}:2181" for name in zoos)], options)
    equal("command", ["redis-server", "/etc/redis/redis.conf"], run)
    equal("autorestart", "true", program["autorestart"])
    equal("stopsignal", "TERM", program["stopsignal"])
    equal("daemonize", "no", redis["daemonize"])


def patience():
    supervisord_waits = int(program["stopwaitsecs"])
    for name, host in hosts.items():
        engine_waits = int(host["stop_grace_period"].removesuffix("s"))
        if not KILL_AFTER < supervisord_waits < engine_waits:
            sys.exit(f"{name}: expected {KILL_AFTER} < stopwaitsecs {supervisord_waits} < stop_grace_period {engine_waits}")


{"zookeepers": zookeepers, "hosts": hosts_share, "entry": entry, "patience": patience}[sys.argv[1]]()
