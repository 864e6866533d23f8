/* http_encoding.h - which compression a client takes (RFC 9110 section 12.5.3).
 * Pure. Threads: any. */
#pragma once
#include "base/codec.h"

/* The coding of ours with the highest weight; zstd before gzip, deflate and none among equals.
 * A value without any of them, or an empty one, gives CODEC_NONE. */
enum codec http_encoding_choose(struct str accept_encoding);
/* "gzip", "deflate", "zstd"; not for CODEC_NONE. */
const char *http_encoding_name(enum codec codec);
/* Text and protobuf are worth compressing; images, archives and what is coded already not. */
bool http_encoding_pays(struct str content_type);
