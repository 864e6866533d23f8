/* handoff_name.c - peers' names as names of directories, there and back. */
#include "replication/handoff_name.h"

#include "replication/handoff.h"

static bool
is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

struct err
handoff_name_escape(struct str peer, struct buf *to)
{
    size_t before = to->n;
    for (size_t i = 0; i < peer.n; i++) {
        if (is_plain(peer.p[i]) && (i > 0 || peer.p[i] != '.'))
            buf_put_u8(to, (uint8_t)peer.p[i]);
        else
            buf_printf(to, "%%%02X", (unsigned)(uint8_t)peer.p[i]);
        if (to->n - before > HANDOFF_NAME_BYTES_MAX)
            break;
    }
    size_t bytes = to->n - before;
    if (bytes > 0 && bytes <= HANDOFF_NAME_BYTES_MAX)
        return OK;
    to->n = before;
    return bytes == 0 ? ERR(ERR_INVALID, "a peer without a name")
                      : ERR(ERR_INVALID, "peer %.*s: name longer than %d bytes", STR_FMT(peer),
                            HANDOFF_NAME_BYTES_MAX);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Only what handoff_name_escape() gives is a name: there is one for each peer. */
bool
handoff_name_unescape(struct str name, struct buf *to)
{
    size_t before = to->n;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c == '%') {
            int high = i + 2 < name.n ? hex_digit(name.p[i + 1]) : -1;
            int low = i + 2 < name.n ? hex_digit(name.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                break;
            c = (char)(high * 16 + low);
            i += 2;
        }
        buf_put_u8(to, (uint8_t)c);
    }
    AUTO(buf_fini) struct buf again = BUF_INIT;
    struct err e = handoff_name_escape(str_of(to->p + before, to->n - before), &again);
    bool same = e.code == ERR_NONE && str_eq(buf_str(&again), name);
    err_drop(e);
    if (!same)
        to->n = before;
    return same;
}
