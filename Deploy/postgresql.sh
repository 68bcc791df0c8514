# Sourced by bench-peers: two clusters of PostgreSQL 15, and what is measured of its logical
# replication from one to the other. Everything lies below `place`; `servers` are the postmasters,
# the publisher's first.
# shellcheck shell=bash

programs=/usr/lib/postgresql/15/bin
publisher_port=$((20000 + RANDOM % 10000)) subscriber_port=$((30000 + RANDOM % 2000))
servers=()

end_clusters() {
  local pid
  for pid in "${servers[@]}"; do { kill -INT "$pid" && wait "$pid"; } 2>/dev/null || true; done
}

# MARK: two clusters

certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 -days 2 \
    -subj /CN=peers -keyout "$place/ca.key" -out "$place/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=localhost \
    -keyout "$place/node.key" -out "$place/node.csr" 2>/dev/null
  openssl x509 -req -in "$place/node.csr" -CA "$place/ca.crt" -CAkey "$place/ca.key" -days 2 \
    -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1') -out "$place/node.crt" 2>/dev/null
  chown postgres: "$place"/node.key
  chmod 600 "$place/node.key"
}

# start_cluster NAME PORT
start_cluster() {
  local data=$place/$1
  mkdir "$data"
  chown postgres: "$data"
  runuser -u postgres -- "$programs/initdb" -D "$data" -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
  cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $2
unix_socket_directories = '$data'
ssl = on
ssl_cert_file = '$place/node.crt'
ssl_key_file = '$place/node.key'
ssl_ca_file = '$place/ca.crt'
ssl_min_protocol_version = 'TLSv1.3'
wal_level = logical
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 1GB
max_wal_size = 8GB
min_wal_size = 2GB
checkpoint_timeout = 15min
jit = off
CONF
  cat >"$data/pg_hba.conf" <<'HBA'
local all all trust
hostssl all all 127.0.0.1/32 cert map=peers
HBA
  echo 'peers localhost postgres' >"$data/pg_ident.conf"
  # Our child is the postmaster, so it is stopped by its id.
  setpriv --reuid=postgres --regid=postgres --init-groups "$programs/postgres" -D "$data" \
    >"$place/$1.log" 2>&1 &
  servers+=($!)
  until sql "$1" postgres -c 'SELECT 1' >/dev/null 2>&1; do
    kill -0 "${servers[-1]}" || die "PostgreSQL did not start: $(tail -n 3 "$place/$1.log")"
    sleep 0.1
  done
}

port_of() { if [[ $1 == publisher ]]; then echo "$publisher_port"; else echo "$subscriber_port"; fi; }

# sql CLUSTER DATABASE psql's arguments
sql() {
  runuser -u postgres -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$place/$1" -p "$(port_of "$1")" \
    -d "$2" "${@:3}"
}

schema="CREATE TABLE rec (kind text, id uuid, body text, PRIMARY KEY (kind, id));
  CREATE TABLE marker (n bigint PRIMARY KEY);"

# The changes wait in a table of their own and are played in transactions of `per`.
staging="CREATE UNLOGGED TABLE change
    (n bigint PRIMARY KEY, op \"char\", kind text, id uuid, body text);
  CREATE PROCEDURE play(per bigint) LANGUAGE plpgsql AS \$\$
  DECLARE r record;
  BEGIN
    FOR r IN SELECT * FROM change ORDER BY n LOOP
      IF r.op = 'i' THEN INSERT INTO rec VALUES (r.kind, r.id, r.body);
      ELSIF r.op = 'u' THEN UPDATE rec SET body = r.body WHERE kind = r.kind AND id = r.id;
      ELSE DELETE FROM rec WHERE kind = r.kind AND id = r.id;
      END IF;
      IF r.n % per = 0 THEN COMMIT; END IF;
    END LOOP;
  END \$\$;"

# Waits in one session until the marker is visible and everything written is flushed.
wait_marker="DO \$\$ BEGIN
  WHILE NOT EXISTS (SELECT 1 FROM marker) LOOP PERFORM pg_sleep(0.002); END LOOP; END \$\$;
  SELECT pg_current_wal_insert_lsn() AS last \\gset
  SELECT set_config('bench.last', :'last', false);
  DO \$\$ BEGIN
  WHILE pg_current_wal_flush_lsn() < current_setting('bench.last')::pg_lsn - 8192
  LOOP PERFORM pg_sleep(0.002); END LOOP; END \$\$;"

# User and system seconds of both postmasters and all their children, dead ones too.
cpu_seconds() {
  local pid stat ticks=0 fields
  for pid in "${servers[@]}" $(for pid in "${servers[@]}"; do pgrep -P "$pid"; done); do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    read -ra fields <<<"${stat##*) }"
    ticks=$((ticks + fields[11] + fields[12]))
    [[ " ${servers[*]} " != *" $pid "* ]] || ticks=$((ticks + fields[13] + fields[14]))
  done
  awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", t / hz }'
}

# KiB of the subscriber's processes.
subscriber_memory() {
  local pid
  for pid in "${servers[1]}" $(pgrep -P "${servers[1]}"); do
    sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$pid/smaps_rollup" 2>/dev/null || true
  done | awk '{ n += $1 } END { print n }'
}

# prepare ROWS: new databases at both ends, and a slot from which nothing has been taken.
prepare() {
  local cluster
  for cluster in subscriber publisher; do
    sql "$cluster" postgres -c 'DROP DATABASE IF EXISTS bench WITH (FORCE)' >/dev/null 2>&1 || true
    sql "$cluster" postgres -c 'CREATE DATABASE bench'
    sql "$cluster" bench -c "$schema"
  done
  sql publisher bench -c "$staging"
  sql publisher bench -c 'COPY change FROM STDIN' <"$1"
  sql publisher bench -c 'CREATE PUBLICATION p FOR TABLE rec, marker' \
    -c "SELECT pg_create_logical_replication_slot('s', 'pgoutput')" >/dev/null
}

# subscribe COMMIT: not enabled yet; on or off is what the subscriber's commits wait for.
subscribe() {
  sql subscriber bench -c CHECKPOINT -c "CREATE SUBSCRIPTION s CONNECTION 'host=localhost
    hostaddr=127.0.0.1 port=$publisher_port user=postgres dbname=bench sslmode=verify-full
    sslrootcert=$place/ca.crt sslcert=$place/node.crt sslkey=$place/node.key' PUBLICATION p
    WITH (slot_name = 's', create_slot = false, copy_data = false, enabled = false,
      synchronous_commit = $1)"
  # The launcher starts a worker at most once in 5 s.
  sleep 6
}

# Enables the subscription and waits until the marker has come.
meet_marker() {
  sql subscriber bench -c 'ALTER SUBSCRIPTION s ENABLE'
  sql subscriber bench >/dev/null <<<"$wait_marker"
}

sum="SELECT count(*), sum(hashtext(coalesce(body, ''))::bigint) FROM rec"

# Ends the subscription; what it was told of must be there.
unsubscribe() {
  [[ $(sql publisher bench -c "$sum") == "$(sql subscriber bench -c "$sum")" ]] ||
    die "PostgreSQL's ends differ"
  sql subscriber bench -c 'DROP SUBSCRIPTION s' 2>/dev/null
}

# postgres PER: changes/s, wire bytes a change, CPU seconds and KiB of memory.
postgres() {
  local since took cpu wire memory
  prepare "$place/rows"
  # Asynchronous here only shortens the loading, which is not measured; the log is the same.
  sql publisher bench -c 'SET synchronous_commit = off' -c "CALL play($1)"
  sql publisher bench -c 'INSERT INTO marker VALUES (1)'
  sql publisher bench -c CHECKPOINT
  subscribe off
  cpu=$(cpu_seconds)
  since=$EPOCHREALTIME
  meet_marker
  took=$(awk -v a="$since" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
  cpu=$(awk -v a="$cpu" -v b="$(cpu_seconds)" 'BEGIN { printf "%.2f", b - a }')
  wire=$(ss -tinH "( sport = :$publisher_port )" | grep -oE 'bytes_(acked|received):[0-9]+' |
    awk -F: '{ n += $2 } END { print n + 0 }')
  memory=$(subscriber_memory)
  unsubscribe
  awk -v n="$changes" -v t="$took" -v w="$wire" -v c="$cpu" -v m="$memory" \
    'BEGIN { printf "%.0f %.0f %s %d\n", n / t, w / n, c, m }'
}

# MARK: latency of PostgreSQL

# pause MICROSECONDS, less than a second, without a process: a fork alone takes longer than a look.
pause() {
  local seconds
  printf -v seconds '0.%06d' "$1"
  read -rt "$seconds" <&"$silence" || true
}

# Writes each change when it is due, and tells when its commit returned.
write_in_time() {
  local n due now answer start
  coproc PUBLISHER { sql publisher bench 2>&1; }
  echo 'PREPARE put AS INSERT INTO rec SELECT kind, id, body FROM change WHERE n = $1
    RETURNING 1;' >&"${PUBLISHER[1]}"
  start=${EPOCHREALTIME/[^0-9]/}
  for ((n = 1; n <= count; n++)); do
    due=$((start + n * 1000000 / rate)) now=${EPOCHREALTIME/[^0-9]/}
    ((due <= now)) || pause $((due - now))
    echo "EXECUTE put($n);" >&"${PUBLISHER[1]}"
    read -r answer <&"${PUBLISHER[0]}"
    now=${EPOCHREALTIME/[^0-9]/}
    [[ $answer == 1 ]] || die "PostgreSQL's writer: $answer"
    echo "$n $now"
  done
}

# Looks for each change that it is told of, and tells how long it took to come, in microseconds.
watch_arrivals() {
  local n written answer
  coproc SUBSCRIBER { sql subscriber bench 2>&1; }
  echo 'PREPARE has AS SELECT count(*) FROM rec WHERE kind = $1 AND id = $2;' \
    >&"${SUBSCRIBER[1]}"
  while read -r n written; do
    while true; do
      echo "EXECUTE has(${keys[n - 1]});" >&"${SUBSCRIBER[1]}"
      read -r answer <&"${SUBSCRIBER[0]}"
      [[ $answer != 1 ]] || break
      [[ $answer == 0 ]] || die "PostgreSQL's reader: $answer"
      pause 200
    done
    echo $((${EPOCHREALTIME/[^0-9]/} - written))
  done
}

# postgres_latency: p50 and p99 in microseconds.
postgres_latency() {
  prepare "$place/new-rows"
  sql publisher bench -c 'INSERT INTO marker VALUES (1)' -c CHECKPOINT
  subscribe on
  meet_marker
  write_in_time | watch_arrivals >"$place/latencies"
  unsubscribe
  sort -n "$place/latencies" | awk -v n="$count" '{ v[NR] = $1 }
    END { if (NR != n) exit 1; printf "%d %d\n", v[rank(50)], v[rank(99)] }
    function rank(p, at) { at = p * NR / 100; return at > int(at) ? int(at) + 1 : int(at) }'
}
