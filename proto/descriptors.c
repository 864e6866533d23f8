/* descriptors.c - the descriptors as the build made them. */
#include "proto/descriptors.h"

static const unsigned char set[] = {
#include "proto/descriptor_set.inc"
};

struct str
proto_descriptors(void)
{
    return str_of((const char *)set, sizeof set);
}
