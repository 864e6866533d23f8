/* otlp_dump.h - a batch as sorted lines, in the form that tests/data/ingest/otlp_oracle.go writes.
 */
#pragma once
#include "ingest/batch.h"

void otlp_dump(const struct batch *batch, struct buf *to);
