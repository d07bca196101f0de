#!/bin/bash
# Runs a command on two ranks, each on a "host" of its own: network namespaces with names, joined by a virtual cable.
#   two-hosts.sh COMMAND...        as root; needs iproute2, util-linux and Open MPI
# CSE_LINK_RATE=1gbit makes the cable that slow in each direction.
set -eu
name=cse$$
for host in a b; do ip netns add "$name$host"; done
agent=$(mktemp)
trap 'for host in a b; do ip netns del "$name$host"; rm -rf "/etc/netns/$name$host"; done; rm -f "$agent"' EXIT
ip link add "$name-a" netns "${name}a" type veth peer name "$name-b" netns "${name}b"
for host in a b; do
  number=$([ $host = a ] && echo 1 || echo 2)
  ip -n "$name$host" link set lo up
  ip -n "$name$host" addr add "10.77.0.$number/24" dev "$name-$host"
  ip -n "$name$host" link set "$name-$host" up
  [ -z "${CSE_LINK_RATE:-}" ] ||
    ip netns exec "$name$host" tc qdisc add dev "$name-$host" root tbf rate "$CSE_LINK_RATE" burst 1mb latency 50ms
  mkdir -p "/etc/netns/$name$host"
  printf '127.0.0.1 localhost\n10.77.0.1 host-a\n10.77.0.2 host-b\n' > "/etc/netns/$name$host/hosts"
done
# In place of ssh: the command for a host runs in its namespace, under its name.
cat > "$agent" <<END
#!/bin/bash
host=\$1
shift
exec ip netns exec "$name\${host#host-}" unshare --uts bash -c "hostname \$host && \$*"
END
chmod +x "$agent"
ip netns exec "${name}a" unshare --uts bash -c 'hostname host-a && exec "$@"' two-hosts \
  mpirun --allow-run-as-root --mca plm_rsh_agent "$agent" --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 \
  --mca oob_tcp_if_include 10.77.0.0/24 --host host-a:1,host-b:1 --bind-to none -n 2 -x CSE_RANKS \
  ${CSE_RANKS_EARLY:+-x CSE_RANKS_EARLY} "$@"
