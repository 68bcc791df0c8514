extension BenchCommand {
  static let usage = """
    dongbo-bench all [--changes N] [--rounds N] [--peers FILE] [--large] [--seed S] [--json]
        Measures every row of the table of budgets: catch-ups of N changes (200000), and the runs
        below, N rounds in turn (5). Prints the median of each, what it is held against, the
        ratio, and whether it is what it must be and what we want. FILE is what
        Deploy/bench-peers --json wrote of as many changes. The store that is large already has
        500000 entries; 10000000, those of the table, with --large. Ends with 1 when a row has no
        figure.

    dongbo-bench replicate [--changes N] [--one-by-one] [--seed S] [--json]
        Loads N changes (200000) at a province while the centre is down, 64 in flight or each when
        the one before is answered, starts the centre, and measures until the last one is durable
        there.
    dongbo-bench latency --rate R --count N [--seed S] [--json]
        Writes N changes at R a second and measures each from its OK until the centre shows it.

    dongbo-bench signatures [--documents N] [--seed S] [--json]
        As replicate, with N documents (16000) of which the registry requires two signatures each,
        against what openssl speed says so many verifications allow.
    dongbo-bench fanout [--links N] [--changes N] [--seed S] [--json]
        Writes N changes (200) at the centre, each for all of N provinces (34), and measures until
        the last of them has it. All daemons share this machine.
    dongbo-bench links [--links N] [--seconds S] [--json]
        Looks at the centre's memory for S seconds (60) while N provinces (100) are linked and idle.
    dongbo-bench large [--entries N] [--changes N] [--seed S] [--json]
        Fills both stores with N entries (500000), and measures the centre's start and a catch-up
        of N changes (100000) against the same into an empty store.
    dongbo-bench copy [--size BYTES] [--seed S] [--json]
        Copies a file (1G) over one plain TLS connection on loopback, synced at its end.

    dongbo-bench files [--size BYTES] [--cuts N] [--kills N] [--rate R] [--seed S] [--json]
        Sends a file (1G; K, M and G are powers of 1024) from the province to the centre while R
        directives a second flow each way, the line is cut and daemons are killed in turn. Ends
        with 1 when what must hold does not: equal digests, at most one window sent again for each
        fault, memory near idle, directives arriving meanwhile.

    dongbo-bench load --lab DIR --ledger FILE [--clients N] [--rate R] [--seconds S]
                      [--until FILE] [--changes N] [--provinces] [--noise BYTES] [--json]
        Writes at all sites of a running lab, or at its provinces only, repeats what is not
        answered, and notes every OK in the ledger, until FILE is there, the time is up, or so many
        changes are tried. The text of each put has BYTES more, which hardly compress.
    dongbo-bench check --lab DIR --ledger FILE [--seconds S] [--stopped] [--json]
        Ends with 1 unless every OK of the ledger is at every site that may have it, once, and both
        ends of each link are equal; with --stopped, unless every log is dense, its heads are true
        and no identity is used twice.
    dongbo-bench behind [--changes N] [--seed S] [--json]
        Revises directives N times (20000) at the centre while the province is away, withdraws
        some, lets the centre compact, and measures how the province catches up from its old
        checkpoint. Ends with 1 when the digests differ, when a withdrawn one is back, or when
        what was superseded did not go.
    dongbo-bench stages [--changes N] [--seed S] [--json]
        Passes N changes (20000) from one store into another by the daemon's own steps, in one
        thread, and tells the CPU time of each step for a change.
    dongbo-bench limits [--changes N] [--seed S] [--json]
        Tells what this machine allows, by the bytes of N changes (100000): rows that SQLite
        inserts from C, syncs, zstd, SHA-256, TLS.
    dongbo-bench workload [--changes N] [--seed S]
        Prints N changes (200000) of the workload, one a line, as other databases copy them in:
        number, i(nsert), u(pdate) or d(elete), kind, id, body.

    dongbod and dongbo are taken from the directory of dongbo-bench.

    """
}
