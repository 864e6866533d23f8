/* suites.h - the unit tests of net/, the most basic first. */
X(loop)
X(http_server)
