/* grpc_descriptors.h - what protoc says of our .proto files, looked up by file and by symbol: for
 * reflection. The files of health and reflection are there by themselves.
 * Source: google/protobuf/descriptor.proto. Threads: any, once it is open (immutable). */
#pragma once
#include "base/mem.h"
#include "base/str.h"

struct grpc_descriptors;

/* `set` is a FileDescriptorSet with all that its files import (protoc --include_imports), borrowed
 * for life; empty: none. ERR_INVALID: it is none, or lacks an import. */
struct err grpc_descriptors_open(struct str set, struct grpc_descriptors **ret_descriptors);
void grpc_descriptors_close(struct grpc_descriptors *d); /* NULL is allowed */
DEFINE_AUTO(struct grpc_descriptors *, grpc_descriptors_close)

struct grpc_file;
/* NULL: not known. A symbol is "package.Message.Nested", a service, its method, a field, ... */
const struct grpc_file *grpc_descriptors_file(const struct grpc_descriptors *d, struct str name);
const struct grpc_file *grpc_descriptors_symbol(const struct grpc_descriptors *d,
                                                struct str symbol);

enum { GRPC_FILES_MAX = 64 };
/* The FileDescriptorProto of the file, then those of all that it imports. */
size_t grpc_file_collect(const struct grpc_file *f, struct str ret_protos[GRPC_FILES_MAX]);
