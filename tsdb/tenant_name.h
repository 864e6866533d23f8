/* tenant_name.h - which names tenants may have: each becomes a directory. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { TENANT_NAME_BYTES_MAX = 150 };

/* 1 to 150 bytes of [A-Za-z0-9_.=+@:-] and friends that are safe in a path; never "." or "..".
 * ERR_INVALID says what is wrong. */
struct err tenant_name_check(struct str name);

/* Directories beside those of tenants that others use begin so (replication's hand-off). */
#define RESERVED_PREFIX "#"
/* A pruned tenant's directory is renamed to this prefix and its name before it is removed. The
 * first byte stands in no tenant's name. */
#define TENANT_GONE_PREFIX "#gone-"
