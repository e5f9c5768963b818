#!/usr/bin/env bash
# A throw-away Slurm on loopback for tests: a controller and two nodes of one machine, no systemd.
#
#   cluster.sh install              the Debian packages
#   cluster.sh start FOLDER         state, logs and configuration go to FOLDER
#   cluster.sh stop FOLDER
#   cluster.sh kill-node FOLDER N   node N (1 or 2) loses its power
#   cluster.sh revive-node FOLDER N
#
# Then: export SLURM_CONF=FOLDER/etc/slurm.conf
#
# Every node has namespaces of its own for processes and mounts. So its end is the end of all that
# ran on it, and its /etc/slurm is ours, where srun looks when it is not told where to look.
set -euo pipefail

PORT=${L2RW_SLURM_PORT:-16817} # the controller's; the nodes have the next two
PACKAGES=(munge slurmctld slurmd slurm-client)
export PATH=$PATH:/usr/sbin:/sbin

# Why there can be no Slurm here, as the last line of standard error.
refuse() {
    echo "$*" >&2
    exit 3
}

install_packages() {
    dpkg --status "${PACKAGES[@]}" &> /dev/null && return
    # What Debian's packages ask before they start a daemon: no.
    local policy=/usr/sbin/policy-rc.d made=""
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy && made=yes; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${PACKAGES[@]}"
    [ -z "$made" ] || rm $policy
}

configure() {
    mkdir -p "$folder"/{etc,log,munge,run,spool.node1,spool.node2,state}
    chmod 700 "$folder/munge" "$folder/state"
    dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 status=none
    chmod 400 "$folder/munge/key"
    # Accounting is off. A requeued job waits until its old credentials have expired.
    cat > "$SLURM_CONF" << CONF
ClusterName=throwaway
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthInfo=socket=$folder/run/munge,cred_expire=15
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/%n.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0
AccountingStorageType=accounting_storage/none
MinJobAge=3600
KillWait=10
SlurmdTimeout=10
ReturnToService=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((PORT + 1)) CPUs=8 RealMemory=64000 Gres=gpu:2
NodeName=node2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((PORT + 2)) CPUs=8 RealMemory=64000 Gres=gpu:2
PartitionName=cpu Nodes=ALL Default=YES
PartitionName=gpu Nodes=ALL
CONF
    # A pretended GPU has to be a device.
    for node in 1 2; do
        printf "NodeName=node$node Name=gpu File=%s\n" /dev/null /dev/zero
    done > "$folder/etc/gres.conf"
}

# launch NAME COMMAND...   in a process group of its own, its id in run/NAME
launch() {
    local name=$1
    shift
    setsid "$@" < /dev/null >> "$folder/log/$name.log" 2>&1 &
    echo $! > "$folder/run/$name"
}

# end NAME SIGNAL   and wait for the end
end() {
    [ -e "$folder/run/$1" ] || return 0
    local id
    id=$(< "$folder/run/$1")
    kill "-$2" "$id" 2> /dev/null || true
    for _ in {1..100}; do
        [ -e "/proc/$id/exe" ] || break # gone, or a zombie
        sleep 0.1
    done
    rm "$folder/run/$1"
}

# await SECONDS COMMAND...
await() {
    local until=$((SECONDS + $1))
    shift
    until "$@" &> /dev/null; do
        [ $SECONDS -lt $until ] || { tail -n 20 "$folder"/log/* >&2 && exit 1; }
        sleep 0.1
    done
}

start_node() {
    launch "node$1" unshare --uts --mount --pid --fork --kill-child --mount-proc sh -c \
        "hostname localhost && mount --bind '$folder/etc' /etc/slurm && exec slurmd -D -N node$1"
}

node_is_up() {
    timeout 5 sinfo --noheader --nodes "node$1" --format %T | grep -qE '^(idle|mixed|allocated)$'
}

start() {
    [ "$(id -u)" = 0 ] || refuse "Only root can start a Slurm."
    command -v munged slurmctld slurmd sbatch > /dev/null || refuse "Packages are missing: ${PACKAGES[*]}."
    [ ! -e /etc/slurm/slurm.conf ] && [ ! -e /run/slurm/conf ] || refuse "This machine belongs to a Slurm."
    unshare --uts --mount --pid --fork --mount-proc true || refuse "Namespaces are not allowed here."
    configure
    launch munged munged --foreground --force --key-file="$folder/munge/key" \
        --socket="$folder/run/munge" --pid-file="$folder/run/munged.pid" \
        --seed-file="$folder/munge/seed"
    await 10 munge --socket "$folder/run/munge" --no-input
    launch slurmctld unshare --uts sh -c "hostname localhost && exec slurmctld -D"
    for node in 1 2; do start_node $node; done
    for node in 1 2; do await 30 node_is_up $node; done
}

command=${1:-} folder=$(realpath -m "${2:-.}")
export SLURM_CONF=$folder/etc/slurm.conf
case $command in
    install) install_packages ;;
    start) start ;;
    stop)
        end node1 KILL
        end node2 KILL
        end slurmctld TERM
        end munged TERM
        ;;
    kill-node)
        end "node$3" KILL
        scontrol update "nodename=node$3" state=down reason="no power"
        ;;
    revive-node)
        start_node "$3"
        await 30 node_is_up "$3"
        ;;
    *)
        sed -n '2,/^set/s/^# \?//p' "$0"
        exit 2
        ;;
esac
