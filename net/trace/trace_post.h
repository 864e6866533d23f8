/* trace_post.h - one HTTP client for traces, over libcurl.
 * Threads: open and close by the owner; trace_post_send() one at a time. */
#pragma once
#include "net/trace/trace_config.h"

struct trace_post;

/* `config` is borrowed for life. ERR_INVALID when a file of its TLS cannot be used. */
struct err trace_post_open(const struct trace_config *config, struct trace_post **ret_post);
void trace_post_close(struct trace_post *p); /* NULL is allowed */
/* Waits for the answer. ERR_UNAVAILABLE for what may pass (no connection, 429, 502 to 504),
 * ERR_INVALID for what will not; neither the URL's nor the headers' secrets stand in it. */
struct err trace_post_send(struct trace_post *p, struct str message, int64_t timeout_ms);
