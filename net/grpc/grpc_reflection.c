/* grpc_reflection.c - the services grpc.reflection.v1 and v1alpha: what is served here, for tools
 * that have no .proto files. The messages of both versions are the same on the wire. Source:
 * grpc/grpc doc/server-reflection.md. */
#include "base/pb.h"
#include "net/grpc/grpc_server_int.h"

enum {
    REQUEST_BYTES_MAX = 16 << 10,
    /* ServerReflectionRequest */
    FILE_BY_FILENAME = 3,
    FILE_CONTAINING_SYMBOL = 4,
    FILE_CONTAINING_EXTENSION = 5,
    ALL_EXTENSION_NUMBERS_OF_TYPE = 6,
    LIST_SERVICES = 7,
    /* ServerReflectionResponse */
    VALID_HOST = 1,
    ORIGINAL_REQUEST = 2,
    FILE_DESCRIPTORS = 4,
    EXTENSION_NUMBERS = 5,
    SERVICES = 6,
    FAILURE = 7,
};

/* A list of service names, sorted. */
static void
put_services(const struct grpc_server *s, struct buf *to)
{
    VEC(struct str) names = VEC_INIT;
    struct map_entry e = MAP_START;
    while (map_next(&s->services, &e))
        vec_push(&names, e.key);
    str_sort(names.v, names.n);
    AUTO(buf_fini) struct buf all = BUF_INIT;
    vec_each (&names, name) {
        pb_put_message(&all, 1, pb_bytes_size(1, name->n));
        pb_put_bytes(&all, 1, *name);
    }
    vec_fini(&names);
    pb_put_message(to, SERVICES, all.n);
    buf_append(to, buf_str(&all));
}

static void
put_failure(struct str what, struct buf *to)
{
    AUTO(buf_fini) struct buf failure = BUF_INIT;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_printf(&text, "not found: %.*s", STR_FMT(what));
    pb_put_u64(&failure, 1, GRPC_NOT_FOUND);
    pb_put_bytes(&failure, 2, buf_str(&text));
    pb_put_message(to, FAILURE, failure.n);
    buf_append(to, buf_str(&failure));
}

static void
put_file(const struct grpc_file *file, struct str asked, struct buf *to)
{
    if (!file) {
        put_failure(asked, to);
        return;
    }
    struct str protos[GRPC_FILES_MAX];
    size_t count = grpc_file_collect(file, protos), bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += pb_bytes_size(1, protos[i].n);
    pb_put_message(to, FILE_DESCRIPTORS, bytes);
    for (size_t i = 0; i < count; i++)
        pb_put_bytes(to, 1, protos[i]);
}

/* Our files extend nothing. */
static void
put_extension_numbers(const struct grpc_file *file, struct str type, struct buf *to)
{
    if (!file) {
        put_failure(type, to);
        return;
    }
    pb_put_message(to, EXTENSION_NUMBERS, pb_bytes_size(1, type.n));
    pb_put_bytes(to, 1, type);
}

static void
put_answer(const struct grpc_server *s, const struct pb_field *asked, struct buf *to)
{
    struct str what = asked->bytes;
    switch (asked->number) {
    case FILE_BY_FILENAME:
        put_file(grpc_descriptors_file(s->descriptors, what), what, to);
        break;
    case FILE_CONTAINING_SYMBOL:
        put_file(grpc_descriptors_symbol(s->descriptors, what), what, to);
        break;
    case FILE_CONTAINING_EXTENSION:
        put_failure(STR("extensions"), to);
        break;
    case ALL_EXTENSION_NUMBERS_OF_TYPE:
        put_extension_numbers(grpc_descriptors_symbol(s->descriptors, what), what, to);
        break;
    default:
        put_services(s, to);
        break;
    }
}

/* False: it asks nothing, or is malformed. The last question counts, as with every oneof. */
static bool
parse_request(struct str message, struct str *ret_host, struct pb_field *ret_asked)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    bool asks = false;
    *ret_host = STR("");
    while (pb_next(&r, &f)) {
        if (f.wire != PB_LEN)
            continue;
        if (f.number == 1)
            *ret_host = f.bytes;
        if (f.number >= FILE_BY_FILENAME && f.number <= LIST_SERVICES) {
            *ret_asked = f;
            asks = true;
        }
    }
    return r.code == ERR_NONE && asks;
}

static void
reflect(void *arg, struct grpc_call *c)
{
    const struct grpc_server *s = arg;
    struct str message = grpc_call_message(c), host;
    struct pb_field asked = {0};
    if (!parse_request(message, &host, &asked)) {
        grpc_finish(c, GRPC_INVALID_ARGUMENT, STR("malformed ServerReflectionRequest"));
        return;
    }
    AUTO(buf_fini) struct buf answer = BUF_INIT;
    pb_put_bytes(&answer, VALID_HOST, host);
    pb_put_message(&answer, ORIGINAL_REQUEST, message.n);
    buf_append(&answer, message);
    put_answer(s, &asked, &answer);
    grpc_call_queue(c, buf_str(&answer));
}

const struct grpc_method grpc_reflection_methods[] = {
    {"grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", GRPC_BIDI_STREAM, reflect, NULL,
     NULL, REQUEST_BYTES_MAX, GRPC_KEEPS_NOTHING},
    {"grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", GRPC_BIDI_STREAM, reflect,
     NULL, NULL, REQUEST_BYTES_MAX, GRPC_KEEPS_NOTHING},
};
const size_t grpc_reflection_method_count = ARRAY_LEN(grpc_reflection_methods);
