/* suites.h - the unit tests of replication/, the most basic first. */
X(ring_hash)
X(go_rand)
X(ring_golden)
X(votes)
X(pace)
X(handoff_name)
X(handoff_record)
X(handoff_cursors)
