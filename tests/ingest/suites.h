/* suites.h - the unit tests of ingest/, the most basic first. */
X(decode)
X(admit)
X(tenant)
X(relabel_parse)
X(relabel)
X(sink_tenants)
