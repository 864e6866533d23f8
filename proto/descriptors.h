/* descriptors.h - what protoc says of the .proto files of our gRPC services: for reflection.
 * Threads: any. */
#pragma once
#include "base/str.h"

/* A FileDescriptorSet with all imports; static. */
struct str proto_descriptors(void);
