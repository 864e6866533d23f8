/* table.c - from a label pair to the offset of its list of series.
 *
 * The table stays in the file; of each name the places of every 32nd value are kept, so that a
 * look-up is a bisection and at most 31 steps. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/index/index_int.h"

enum { ENTRY_KEYS = 2 }; /* name and value: the only kind of entry */

bool
index_entry_next(struct reader *r, struct index_entry *ret_entry)
{
    if (reader_left(r) == 0)
        return false;
    if (reader_uvarint(r) != ENTRY_KEYS)
        reader_fail(r);
    struct index_entry e;
    e.name = reader_ustr(r);
    e.value = reader_ustr(r);
    e.list_offset = reader_uvarint(r);
    if (r->code != ERR_NONE)
        return false;
    *ret_entry = e;
    return true;
}

static bool
ascends(const struct index_entry *before, const struct index_entry *e)
{
    int c = str_cmp(before->name, e->name);
    return c < 0 || (c == 0 && str_cmp(before->value, e->value) < 0);
}

static void
add_entry(struct index_table *t, const struct index_entry *e, uint32_t place)
{
    if (e->name.n == 0) { /* the pair of two empty strings stands for every series */
        t->all_offset = e->list_offset;
        return;
    }
    if (t->names.n == 0 || !str_eq(vec_last(&t->names)->text, e->name))
        vec_push(&t->names, ((struct index_name){e->name, 0, u32_of_size(t->samples.n)}));
    if (vec_last(&t->names)->value_count++ % INDEX_VALUES_SAMPLED == 0)
        vec_push(&t->samples, ((struct index_sample){e->value, place}));
}

struct err
index_table_open(struct str section, struct index_table *ret_table)
{
    struct reader r = reader_of(section);
    uint32_t count = reader_be32(&r);
    if (r.code != ERR_NONE)
        return ERR(ERR_CORRUPT, "index: table of postings has no count");
    struct index_table t = {
        .bytes = str_skip(section, sizeof count), .names = VEC_INIT, .samples = VEC_INIT};
    r = reader_of(t.bytes);
    struct index_entry before = {{NULL, 0}, {NULL, 0}, 0}, e;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = u32_of_size(reader_offset(&r));
        bool whole = index_entry_next(&r, &e), sorted = whole && (i == 0 || ascends(&before, &e));
        if (!sorted || (e.name.n == 0 && e.value.n > 0)) {
            index_table_fini(&t);
            return ERR(ERR_CORRUPT, "index: entry %u of the table of postings %s", i,
                       !whole   ? "is cut off"
                       : sorted ? "has no name"
                                : "is not sorted");
        }
        add_entry(&t, &e, place);
        before = e;
    }
    *ret_table = t;
    return OK;
}

void
index_table_fini(struct index_table *t)
{
    vec_fini(&t->names);
    vec_fini(&t->samples);
}

const struct index_name *
index_table_name(const struct index_table *t, struct str name)
{
    size_t low = 0, high = t->names.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = str_cmp(t->names.v[middle].text, name);
        if (c == 0)
            return &t->names.v[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The last sample of the name whose value is not behind `value`; the first when all are. */
static const struct index_sample *
sample_before(const struct index_table *t, const struct index_name *name, struct str value)
{
    const struct index_sample *samples = vec_at(&t->samples, name->first_sample);
    size_t low = 0, high = (name->value_count - 1) / INDEX_VALUES_SAMPLED + 1;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(samples[middle].value, value) <= 0)
            low = middle;
        else
            high = middle;
    }
    return &samples[low];
}

bool
index_table_find(const struct index_table *t, struct str name, struct str value,
                 uint64_t *ret_list_offset)
{
    const struct index_name *n = index_table_name(t, name);
    if (!n)
        return false;
    struct reader r = reader_of(str_skip(t->bytes, sample_before(t, n, value)->place));
    struct index_entry e;
    for (int i = 0; i < INDEX_VALUES_SAMPLED && index_entry_next(&r, &e); i++) {
        int c = str_cmp(e.value, value);
        if (!str_eq(e.name, name) || c > 0)
            return false;
        if (c == 0) {
            *ret_list_offset = e.list_offset;
            return true;
        }
    }
    return false;
}

struct index_values
index_table_values(const struct index_table *t, const struct index_name *name, struct str prefix)
{
    ASSERT(name->value_count > 0); /* a name comes from an entry */
    const struct index_sample *sample = sample_before(t, name, prefix);
    size_t skipped = (size_t)(sample - vec_at(&t->samples, name->first_sample));
    return (struct index_values){
        .at = reader_of(str_skip(t->bytes, sample->place)),
        .left = name->value_count - (uint32_t)skipped * INDEX_VALUES_SAMPLED,
        .prefix = prefix,
    };
}

bool
index_values_next(struct index_values *v, struct index_entry *ret_entry)
{
    struct index_entry e;
    while (v->left > 0 && index_entry_next(&v->at, &e)) {
        v->left--;
        if (str_starts_with(e.value, v->prefix)) {
            *ret_entry = e;
            return true;
        }
        if (str_cmp(e.value, v->prefix) > 0)
            v->left = 0; /* they ascend: no other one starts with it */
    }
    return false;
}
