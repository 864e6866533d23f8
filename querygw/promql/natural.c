/* natural.c - compares texts run by run: of digits, or of anything else. */
#include "querygw/promql/natural.h"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts off the longest start of *s that is all digits, or has none. */
static struct str
take_run(struct str *s)
{
    size_t n = 1;
    while (n < s->n && is_digit(s->p[n]) == is_digit(s->p[0]))
        n++;
    return str_take(s, n);
}

/* Both are digits, of any number. */
static int
number_cmp(struct str a, struct str b)
{
    while (a.n && a.p[0] == '0')
        a = str_skip(a, 1);
    while (b.n && b.p[0] == '0')
        b = str_skip(b, 1);
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return str_cmp(a, b);
}

int
natural_cmp(struct str a, struct str b)
{
    while (a.n && b.n) {
        struct str x = take_run(&a), y = take_run(&b);
        bool numbers = is_digit(x.p[0]) && is_digit(y.p[0]);
        int order = numbers ? number_cmp(x, y) : str_cmp(x, y);
        if (order)
            return order;
    }
    return (a.n > 0) - (b.n > 0);
}
