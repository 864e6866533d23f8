/* label_key.h - label sets as bytes, in the form in which remote-write 1.0 senders send them.
 *
 * A key is what the repeated field `labels` (number 1) of a prometheus.TimeSeries looks like
 * on the wire: for each label 0x0a LEN 0x0a LEN name 0x12 LEN value, lengths as uvarints. The
 * canonical key has sorted names, minimal uvarints and no empty values: a sane sender's bytes
 * are canonical already, so the head finds a series by hashing the request body as received.
 * Source: prometheus prompb/types.proto (TimeSeries, Label); spec/receive.md section 1.3.
 * Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "tsdb/model/labels.h"

/* Why a label set is refused; names the rule that it breaks. */
enum label_fault {
    LABEL_FAULT_NONE,
    LABEL_FAULT_EMPTY_SET,  /* no label with a value                     */
    LABEL_FAULT_EMPTY_NAME,
    LABEL_FAULT_DUPLICATE,  /* the same name twice                       */
    LABEL_FAULT_NOT_UTF8,   /* in a name or a value                      */
    LABEL_FAULT_TOO_MANY,   /* more than LABELS_COUNT_MAX                */
    LABEL_FAULT_TOO_LONG,   /* a name or value above its limit           */
    LABEL_FAULT_MALFORMED,  /* the bytes are not a key                   */
    LABEL_FAULT_COUNT
};
const char *label_fault_text(enum label_fault fault);

/* Decodes any key (unsorted, with empty values) into views of `key`, checks every rule above,
 * drops empty values and sorts. *ret_labels lives as long as arena and key. */
enum label_fault label_key_decode(struct arena *a, struct str key, struct labels *ret_labels);
/* The fast half of label_key_decode(): true, with the same labels, for a key that breaks no rule
 * and is canonical, in ASCII and with lengths below 128; false says nothing about the key. */
bool label_key_decode_usual(struct arena *a, struct str key, struct labels *ret_labels);
/* Appends the canonical key of `l`. */
void label_key_encode(struct labels l, struct buf *to);
