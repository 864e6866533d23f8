/* suites.h - the unit tests of proto/, the most basic first. */
X(remote_write)
X(remote_write_parts)
X(remote_write_peer)
X(remote_write2)
X(remote_write2_peer)
X(writeable)
X(remote_read)
X(otlp)
