/* err_codes.h - every kind of failure, once: what it is called and how each edge reports it.
 *
 * X(code, text, HTTP status, gRPC status, retryable)
 * No include guard: include it after defining X; undefine X afterwards.
 * "retryable" says whether the same request may succeed later without being changed; a
 * remote-write sender retries 5xx (and 429 when told to) and drops every other 4xx batch,
 * so a permanent fault must never map to 5xx. */
X(ERR_NONE,          "ok",            200,  0, 0)
X(ERR_INVALID,       "invalid",       400,  3, 0) /* malformed input from outside             */
X(ERR_UNAUTHORIZED,  "unauthorized",  401, 16, 0)
X(ERR_FORBIDDEN,     "forbidden",     403,  7, 0)
X(ERR_NOT_FOUND,     "not found",     404,  5, 0)
X(ERR_METHOD,        "bad method",    405, 12, 0)
X(ERR_CONFLICT,      "conflict",      409,  6, 0) /* well formed, but cannot be stored        */
X(ERR_TOO_LARGE,     "too large",     413,  8, 0) /* a request above a size limit             */
X(ERR_UNSUPPORTED,   "unsupported",   415,  3, 0) /* content type or encoding not known       */
X(ERR_LIMIT,         "limit",         422,  8, 0) /* a budget of one query is used up         */
X(ERR_UNIMPLEMENTED, "unimplemented", 422, 12, 0) /* valid, but this version cannot do it     */
X(ERR_EXECUTION,     "execution",     422,  2, 0) /* a query that failed while it ran         */
X(ERR_OVERLOAD,      "overload",      429,  8, 1) /* too much at once; try again later        */
X(ERR_CANCELED,      "canceled",      499,  1, 0) /* the client went away                     */
X(ERR_INTERNAL,      "internal",      500, 13, 0) /* a fault of ours that is not a crash      */
X(ERR_CORRUPT,       "corrupt",       500, 15, 0) /* bytes on disk that are not what we wrote */
X(ERR_IO,            "io",            503, 14, 1) /* the disk or a socket failed              */
X(ERR_NO_SPACE,      "no space",      503, 14, 1) /* the disk is full                         */
X(ERR_UNAVAILABLE,   "unavailable",   503, 14, 1) /* not now: starting, draining, peer down   */
X(ERR_TIMEOUT,       "timeout",       503,  4, 1)
