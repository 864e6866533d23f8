/* write_protocol.c - bodies of every protocol to one kind of batch. */
#include "receiver/write_protocol.h"

#include "base/assert.h"
#include "receiver/write.h"

struct err
write_decode(struct write *q, const struct ingest_body *body)
{
    switch (q->protocol.kind) {
    case WRITE_REMOTE:
        TRY(ingest_negotiate(body, &q->format));
        q->negotiated = true;
        return ingest_decode(q->arena, q->decoded, body, q->format, &q->batch);
    case WRITE_OTLP:
        return ingest_decode_otlp(q->arena, q->decoded, body, q->protocol.otlp, &q->batch);
    case WRITE_TEXT:
        return ingest_decode_text(q->arena, q->decoded, body, q->protocol.now_ms, &q->batch);
    case WRITE_PROTOCOL_COUNT:
        break;
    }
    UNREACHABLE("every protocol is above");
}
