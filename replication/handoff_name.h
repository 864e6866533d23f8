/* handoff_name.h - peers' names as names of directories. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Appends `peer` with all bytes but [A-Za-z0-9._-], and a '.' at the beginning, as %XX.
 * ERR_INVALID: it is empty or has more than HANDOFF_NAME_BYTES_MAX bytes then. */
struct err handoff_name_escape(struct str peer, struct buf *to);
/* The peer whose directory is called so; false when none is. */
bool handoff_name_unescape(struct str name, struct buf *to);
