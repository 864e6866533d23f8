/* otlp_http.h - answers of the OTLP door: in the encoding of the request, as OTLP has them.
 *
 * Threads: any. */
#pragma once
#include "net/http.h"
#include "receiver/partial.h"

/* Answers the request, whose Retry-After is set already. `e` refuses it as a whole, and is
 * consumed; without an error, `p` holds. */
void otlp_http_reply(struct http_request *r, struct err e, const struct partial *p);
