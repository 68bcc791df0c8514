# Sourced by the scripts beside it: a lab of real daemons under load, and what is checked of it.
# shellcheck shell=bash
#
#   DONGBO_PROGRAMS   directory of built programs; without it they are built here
#   DONGBO_BUILD      debug (default) or release
#   DONGBO_SEED       of what is drawn; printed, so that a run can be drawn again
#   DONGBO_RATE       changes a second, all clients together
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../Deploy/common.sh"

centre=trung-uong
province=tinh-a
work=                     # of this run; kept when it fails
lab=
ledger=
declare -A pid_of=()      # the daemons that run
declare -A log_of=()
load_pid=
skipped=()
seed=${DONGBO_SEED:-$RANDOM}
RANDOM=$seed

# MARK: begin and end

# What is missing is told by name; a script of which nothing ran ends with 77.
skip() { skipped+=("$1"); echo "SKIPPED $1: $2" >&2; }

# Whether a program is here, or can be installed.
need() {
  local program=$1 package=$2
  command -v "$program" >/dev/null && return 0
  ((EUID == 0)) && (require_packages "$package") >/dev/null 2>&1
  command -v "$program" >/dev/null && return 0
  skip "$program" "please install as root: apt-get install $package"
  return 1
}

tell_skips() { echo "skipped ${#skipped[@]}${skipped[*]:+: ${skipped[*]}}"; }

require_programs() {
  local bin=${DONGBO_PROGRAMS:-} program
  if [[ -z $bin ]]; then
    require_packages "${build_packages[@]}"
    require_swift
    local configuration=${DONGBO_BUILD:-debug}
    for program in dongbod dongbo dongbo-bench; do
      (cd "$root" && swift build -c "$configuration" --product "$program" >&2)
    done
    bin=$(cd "$root" && swift build -c "$configuration" --show-bin-path)
  fi
  for program in dongbod dongbo dongbo-bench; do
    [[ -x $bin/$program ]] || die "no $program in $bin"
  done
  dongbod=$bin/dongbod dongbo=$bin/dongbo bench=$bin/dongbo-bench
}

end_all() {
  local status=$? site told=0
  trap - EXIT INT TERM
  set +e
  for site in "${!pid_of[@]}"; do kill -CONT "${pid_of[$site]}"; kill9 "$site"; done 2>/dev/null
  [[ -n $load_pid ]] && kill -9 "$load_pid" 2>/dev/null && wait "$load_pid" 2>/dev/null
  declare -F unmount_all >/dev/null && unmount_all
  if ((status != 0 && status != 77)) && [[ -n $work ]]; then
    for site in "${!log_of[@]}"; do
      ((told++ < 8)) || break
      printf '\n-- %s (its last lines)\n' "${log_of[$site]}" && tail -n 8 "${log_of[$site]}"
    done >&2
    echo "what is left: $work, seed $seed" >&2
  elif [[ -n $work ]]; then
    rm -rf -- "$work"
  fi
  exit "$status"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A lab below /var/tmp: /tmp may be memory, where a sync costs nothing.
make_lab() {
  local provinces=${1:-$province} site
  [[ -z $work ]] || { stop_load_now; kill_all; rm -rf -- "$work"; }
  work=$(mktemp -d /var/tmp/dongbo-faults.XXXXXX)
  lab=$work/lab ledger=$work/ledger
  : >"$ledger"
  "$dongbo" lab create "$lab" --provinces "$provinces" >/dev/null
  for site in "$centre" ${provinces//,/ }; do
    mkdir "$lab/$site/dongbo.conf.d"
    printf '[Limits]\nHeartbeat=1s\nReconnectFirst=10ms\nReconnectLast=1s\nReaderTime=60s\n' \
      >"$lab/$site/dongbo.conf.d/faults.conf"
  done
}

# MARK: daemons

at() { local site=$1; shift; "$dongbo" --config "$lab/$site/dongbo.conf" "$@"; }

# start SITE [WRAPPER...]: the words of a wrapper stand before the daemon's, as `strace -D -f`.
start() {
  local site=$1 log=$work/$1.log
  shift
  if [[ -f $log ]]; then mv "$log" "$log.before"; fi
  # Told twice: beside faketime, which makes a new environment, Swift finds no arguments.
  DONGBO_CONFIG=$lab/$site/dongbo.conf "$@" "$dongbod" --config "$lab/$site/dongbo.conf" \
    >"$log" 2>&1 &
  pid_of[$site]=$!
  log_of[$site]=$log
}

is_running() { [[ -n ${pid_of[$1]:-} ]] && kill -0 "${pid_of[$1]}" 2>/dev/null; }

logs() { grep -q -- "$2" "${log_of[$1]}" 2>/dev/null; }

# Until the daemon has said that it is up.
wait_ready() {
  local site=$1 end=$((SECONDS + ${2:-30}))
  until logs "$site" 'event=site.started'; do
    is_running "$site" || die "$site ended by itself; see ${log_of[$site]}"
    ((SECONDS < end)) || die "$site did not come up; see ${log_of[$site]}"
    sleep 0.01
  done
}

# Until a condition holds: wait_until SECONDS WHAT COMMAND...
wait_until() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@"; do
    ((SECONDS <= end)) || die "not within $seconds s: $what"
    sleep 0.05
  done
}

# Waits for a daemon to end: its exit code in `code`, 128 and the signal when one ended it.
collect() {
  code=0
  wait "${pid_of[$1]}" 2>/dev/null || code=$?
  unset "pid_of[$1]"
}

kill9() {
  kill -9 "${pid_of[$1]}" 2>/dev/null || true
  collect "$1"
}

kill_all() { local site; for site in "${!pid_of[@]}"; do kill9 "$site"; done; }

stop() {
  kill "${pid_of[$1]}"
  collect "$1"
  ((code == 0)) || die "$1 ended with $code on SIGTERM; see ${log_of[$1]}"
}

stop_all_sites() { local site; for site in "${!pid_of[@]}"; do stop "$site"; done; }

# Starts every site of the lab that does not run.
start_all() {
  local place site
  for place in "$lab"/*/dongbo.conf; do
    site=$(basename "$(dirname "$place")")
    is_running "$site" || start "$site"
  done
  for site in "${!pid_of[@]}"; do wait_ready "$site"; done
}

# Whether SITE has a session with PEER.
is_up() {
  at "$1" status --json 2>/dev/null | tr -d ' \n' |
    grep -q "\"site\":\"$2\"[^{]*\"state\":\"\(streaming\|catch-up\)\""
}

milliseconds() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

# MARK: load and check

# start_load [OPTIONS of dongbo-bench load]; every OK is in the ledger.
start_load() {
  rm -f "$work/stop"
  "$bench" load --lab "$lab" --ledger "$ledger" --until "$work/stop" --seconds 86400 \
    --rate "${DONGBO_RATE:-200}" "$@" >"$work/load" 2>&1 &
  load_pid=$!
}

# Ends it once what is under way is answered. An answer that an application must not get ends it
# early, and fails here.
stop_load() {
  touch "$work/stop"
  local status=0
  wait "$load_pid" || status=$?
  load_pid=
  ((status == 0)) || die "the load failed: $(cat "$work/load")"
}

stop_load_now() { [[ -z $load_pid ]] || { kill -9 "$load_pid"; wait "$load_pid" || true; load_pid=; }; }

load_figure() { sed -n "s/^$1 *//p" "$work/load"; }

oks() { grep -c '^ok ' "$ledger" 2>/dev/null || true; }

# Everything that was answered with OK is where it belongs, once; both ends are equal.
check_running() {
  "$bench" check --lab "$lab" --ledger "$ledger" "$@" >"$work/check" 2>"$work/check.faults" ||
    { cat "$work/check" "$work/check.faults" >&2; die "what was promised does not hold"; }
}

# The logs as they stand on disk. The sites are stopped.
check_stopped() { check_running --stopped; }

check_figure() { sed -n "s/^$1 *//p" "$work/check"; }

# stop_load, check, and the load goes on.
check_and_go_on() {
  stop_load
  check_running
  start_load "$@"
}

# The last words: both checks, and their figures.
check_at_the_end() {
  stop_load
  check_running
  printf 'oks %s, open %s, lost %s, doubled %s, strange %s, waiting %s, unequal %s\n' \
    "$(check_figure ok)" "$(check_figure open)" "$(check_figure lost)" "$(check_figure doubled)" \
    "$(check_figure strange)" "$(check_figure waiting)" "$(check_figure unequal)"
  stop_all_sites
  check_stopped
  printf 'stores: rows %s, lost %s, broken %s\n' \
    "$(check_figure rows)" "$(check_figure lost)" "$(check_figure broken)"
}

# median_and_max < NUMBERS
median_and_max() {
  sort -n | awk '{ v[NR] = $1 } END { print "median " v[int((NR + 1) / 2)] " max " v[NR] }'
}
