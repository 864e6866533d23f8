/* tools_text.c - see tools_text.h. Sources: Go's time and text/tabwriter; the sizes are those of
 * github.com/alecthomas/units. */
#include "cmd/tools_text.h"

#include <time.h>

#include "base/assert.h"
#include "base/mem.h"

enum { CELL_COLUMNS_MIN = 13, CELL_PADDING = 2, TABLE_COLUMNS_MAX = 16 };
enum { MS_A_SECOND = 1000, SECONDS_A_MINUTE = 60, MINUTES_AN_HOUR = 60 };

/* Without the zeros at the end of the fraction. */
static void
put_seconds(struct buf *to, uint64_t seconds, unsigned ms)
{
    buf_printf(to, "%ju", (uintmax_t)seconds);
    if (ms > 0) {
        buf_printf(to, ".%03u", ms);
        while (to->p[to->n - 1] == '0')
            to->n--;
    }
    buf_put_u8(to, 's');
}

void
text_put_duration(struct buf *to, int64_t ms)
{
    uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (ms < 0)
        buf_put_u8(to, '-');
    uint64_t seconds = left / MS_A_SECOND, minutes = seconds / SECONDS_A_MINUTE;
    unsigned fraction = (unsigned)(left % MS_A_SECOND);
    if (left > 0 && left < MS_A_SECOND) {
        buf_printf(to, "%ums", fraction);
        return;
    }
    if (minutes >= MINUTES_AN_HOUR)
        buf_printf(to, "%juh", (uintmax_t)(minutes / MINUTES_AN_HOUR));
    if (minutes > 0)
        buf_printf(to, "%jum", (uintmax_t)(minutes % MINUTES_AN_HOUR));
    put_seconds(to, seconds % SECONDS_A_MINUTE, fraction);
}

void
text_put_time(struct buf *to, int64_t ms)
{
    time_t seconds = ms / MS_A_SECOND; /* towards 1970, as Go divides */
    struct tm tm;
    if (gmtime_r(&seconds, &tm))
        buf_printf(to, "%04d-%02d-%02d %02d:%02d:%02d +0000 UTC", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    else /* a year that does not fit an int: meta.json may say anything */
        buf_printf(to, "%jd", (intmax_t)ms);
}

void
text_put_bytes(struct buf *to, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    enum { UNIT = 1024, UNIT_BITS = 10 };
    bool any = false;
    for (size_t i = ARRAY_LEN(units); i-- > 0;) {
        uint64_t count = bytes >> (i * UNIT_BITS) & (UNIT - 1);
        if (count == 0 && (i > 0 || any))
            continue;
        buf_printf(to, "%ju%s", (uintmax_t)count, units[i]);
        any = true;
    }
}

/* Characters, not bytes. */
static size_t
columns_of(struct str cell)
{
    size_t n = 0;
    for (size_t i = 0; i < cell.n; i++)
        n += ((uint8_t)cell.p[i] & 0xc0) != 0x80;
    return n;
}

void
text_put_table(struct buf *to, struct str cells)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    for (struct str rest = cells; rest.n > 0;) {
        struct str line = str_split(&rest, '\n');
        for (size_t column = 0; str_find_byte(line, '\t') < line.n; column++) {
            size_t width = columns_of(str_split(&line, '\t')) + CELL_PADDING;
            ASSERT(column < TABLE_COLUMNS_MAX);
            widths[column] = size_max(widths[column], size_max(width, CELL_COLUMNS_MIN));
        }
    }
    for (struct str rest = cells; rest.n > 0;) {
        struct str line = str_split(&rest, '\n');
        for (size_t column = 0; str_find_byte(line, '\t') < line.n; column++) {
            struct str cell = str_split(&line, '\t');
            buf_append(to, cell);
            buf_printf(to, "%*s", (int)(widths[column] - columns_of(cell)), "");
        }
        buf_append(to, line);
        buf_put_u8(to, '\n');
    }
}
