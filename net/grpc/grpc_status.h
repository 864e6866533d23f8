/* grpc_status.h - how calls end: codes, their names, our errors as codes and back; and the texts of
 * the header fields grpc-message and grpc-timeout.
 * Source: grpc/grpc doc/statuscodes.md, doc/PROTOCOL-HTTP2.md. Threads: any (pure). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
};
enum { GRPC_CODE_COUNT = GRPC_UNAUTHENTICATED + 1 };

/* "OK", "InvalidArgument": as grpc-go and the label grpc_code have it. Static. */
const char *grpc_code_name(enum grpc_code code);
/* The value of grpc-status. Digits of a code that is not known give GRPC_UNKNOWN; false: no digits.
 */
bool grpc_code_parse(struct str text, enum grpc_code *ret_code);
enum grpc_code grpc_code_of_err(enum err_code code);
/* What somebody else's code is here; there and back again it is the same code for the codes that
 * errors of ours have. */
enum err_code grpc_code_to_err(enum grpc_code code);

/* --- grpc-message ----------------------------------------------------------------------------- */

/* Longer texts are cut: some peers refuse a head above 8 KiB. */
enum { GRPC_TEXT_BYTES_MAX = 4 << 10 };

/* Appends the percent-encoded text; at most GRPC_TEXT_BYTES_MAX bytes, cut between characters.
 * Malformed UTF-8 becomes U+FFFD. */
void grpc_text_encode(struct str text, struct buf *to);
/* Appends the decoded text; a '%' that begins no escape stays. */
void grpc_text_decode(struct str encoded, struct buf *to);

/* --- grpc-timeout ----------------------------------------------------------------------------- */

enum { GRPC_TIMEOUT_BYTES_MAX = 10 }; /* 8 digits, a unit, a NUL */

/* The finest unit that can say it, rounded up. */
void grpc_timeout_format(uint64_t timeout_ns, char ret_text[GRPC_TIMEOUT_BYTES_MAX]);
/* Saturates at UINT64_MAX. False: malformed. */
bool grpc_timeout_parse(struct str text, uint64_t *ret_timeout_ns);
