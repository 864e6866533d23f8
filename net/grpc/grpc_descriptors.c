/* grpc_descriptors.c - an index of files and symbols over descriptors as they were serialised. */
#include "net/grpc/grpc_descriptors.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/pb.h"
#include "base/vec.h"

enum { NESTED_MAX = 32 }; /* messages in messages */

/* Made by the build from proto/. */
static const unsigned char own_set[] = {
#include "net/grpc/grpc_descriptor_set.inc"
};

struct grpc_file {
    struct str name, proto;  /* views into a set */
    VEC(struct str) imports; /* names */
    const struct grpc_file *direct[GRPC_FILES_MAX];
    size_t direct_count;
};

struct grpc_descriptors {
    VEC(struct grpc_file *) files; /* owned */
    struct map by_name, by_symbol; /* -> struct grpc_file */
};

/* --- symbols ---------------------------------------------------------------------------------- */

/* Where names of a message of descriptor.proto stand: field number of the list, of the name in its
 * items, and what is in the items. */
struct scope;
struct part {
    uint32_t number;
    const struct scope *inner; /* NULL: items have only a name */
};
struct scope {
    struct part parts[6];
};
static const struct scope enum_scope = {{{2, NULL}}};    /* values */
static const struct scope service_scope = {{{2, NULL}}}; /* methods */
static const struct scope message_scope = {
    /* fields, nested messages, enums, extensions, oneofs */
    {{2, NULL}, {3, &message_scope}, {4, &enum_scope}, {6, NULL}, {8, NULL}}};
static const struct scope file_scope = {
    /* messages, enums, services, extensions */
    {{4, &message_scope}, {5, &enum_scope}, {6, &service_scope}, {7, NULL}}};

static struct err
malformed(void)
{
    return ERR(ERR_INVALID, "grpc: malformed FileDescriptorSet");
}

/* Field `number` of a message, its first; empty: not there. */
static struct str
text_field(struct str message, uint32_t number)
{
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == number && f.wire == PB_LEN)
            return f.bytes;
    }
    return STR("");
}

static struct err
add_symbols(struct grpc_descriptors *d, struct grpc_file *file, struct str message,
            const struct scope *scope, struct str prefix, int depth)
{
    if (depth > NESTED_MAX)
        return malformed();
    struct reader r = reader_of(message);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        const struct part *p = scope->parts;
        while (p->number != 0 && p->number != f.number)
            p++;
        if (p->number == 0 || f.wire != PB_LEN)
            continue;
        AUTO(buf_fini) struct buf name = BUF_INIT;
        struct str last = text_field(f.bytes, 1);
        buf_printf(&name, "%.*s%s%.*s", STR_FMT(prefix), prefix.n ? "." : "", STR_FMT(last));
        map_put(&d->by_symbol, buf_str(&name), file);
        /* Values of an enum are siblings of the enum. */
        if (p->inner)
            TRY(add_symbols(d, file, f.bytes, p->inner,
                            p->inner == &enum_scope ? prefix : buf_str(&name), depth + 1));
    }
    return r.code == ERR_NONE ? OK : malformed();
}

/* --- files ------------------------------------------------------------------------------------ */

static struct err
add_file(struct grpc_descriptors *d, struct str proto)
{
    struct grpc_file *file = mem_alloc_zero(sizeof *file);
    vec_push(&d->files, file);
    file->proto = proto;
    file->name = text_field(proto, 1);
    struct reader r = reader_of(proto);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == 3 && f.wire == PB_LEN)
            vec_push(&file->imports, f.bytes);
    }
    if (r.code != ERR_NONE || file->name.n == 0 || file->imports.n > GRPC_FILES_MAX)
        return malformed();
    if (map_get(&d->by_name, file->name))
        return OK; /* a file that both sets import */
    map_put(&d->by_name, file->name, file);
    return add_symbols(d, file, proto, &file_scope, text_field(proto, 2), 0);
}

static struct err
add_set(struct grpc_descriptors *d, struct str set)
{
    struct reader r = reader_of(set);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number == 1 && f.wire == PB_LEN)
            TRY(add_file(d, f.bytes));
    }
    return r.code == ERR_NONE ? OK : malformed();
}

static struct err
link_imports(struct grpc_descriptors *d)
{
    vec_each (&d->files, file) {
        vec_each (&(*file)->imports, name) {
            const struct grpc_file *import = map_get(&d->by_name, *name);
            if (!import)
                return ERR(ERR_INVALID, "grpc: descriptors of %.*s are missing", STR_FMT(*name));
            (*file)->direct[(*file)->direct_count++] = import;
        }
    }
    return OK;
}

struct err
grpc_descriptors_open(struct str set, struct grpc_descriptors **ret_descriptors)
{
    AUTO(grpc_descriptors_close) struct grpc_descriptors *d = mem_alloc_zero(sizeof *d);
    map_init(&d->by_name, MAP_KEYS_BORROWED);
    map_init(&d->by_symbol, MAP_KEYS_COPIED);
    TRY(add_set(d, str_of((const char *)own_set, sizeof own_set)));
    TRY(add_set(d, set));
    TRY(link_imports(d));
    *ret_descriptors = TAKE(d);
    return OK;
}

void
grpc_descriptors_close(struct grpc_descriptors *d)
{
    if (!d)
        return;
    vec_each (&d->files, file) {
        vec_fini(&(*file)->imports);
        mem_free(*file);
    }
    vec_fini(&d->files);
    map_fini(&d->by_name);
    map_fini(&d->by_symbol);
    mem_free(d);
}

const struct grpc_file *
grpc_descriptors_file(const struct grpc_descriptors *d, struct str name)
{
    return map_get(&d->by_name, name);
}

const struct grpc_file *
grpc_descriptors_symbol(const struct grpc_descriptors *d, struct str symbol)
{
    return map_get(&d->by_symbol, symbol);
}

size_t
grpc_file_collect(const struct grpc_file *f, struct str ret_protos[GRPC_FILES_MAX])
{
    const struct grpc_file *found[GRPC_FILES_MAX] = {f};
    size_t count = 1;
    for (size_t i = 0; i < count; i++) { /* breadth first; `found` is the queue, too */
        for (size_t j = 0; j < found[i]->direct_count; j++) {
            size_t k = 0;
            while (k < count && found[k] != found[i]->direct[j])
                k++;
            if (k == count && count < GRPC_FILES_MAX)
                found[count++] = found[i]->direct[j];
        }
        ret_protos[i] = found[i]->proto;
    }
    return count;
}
