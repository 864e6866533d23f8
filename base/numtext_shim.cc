/* numtext_shim.cc - the only caller of std::to_chars and std::from_chars. */
#include "base/numtext_shim.h"

#include <charconv>

size_t
numtext_shim_scientific(double v, char to[NUMTEXT_SHIM_BYTES_MAX])
{
    auto result = std::to_chars(to, to + NUMTEXT_SHIM_BYTES_MAX, v, std::chars_format::scientific);
    return static_cast<size_t>(result.ptr - to);
}

enum numtext_shim_status
numtext_shim_parse(const char *p, size_t n, enum numtext_shim_base base, double *ret_value)
{
    auto format = base == NUMTEXT_SHIM_HEX ? std::chars_format::hex : std::chars_format::general;
    double value = 0;
    auto result = std::from_chars(p, p + n, value, format);
    if (result.ec == std::errc::result_out_of_range)
        return NUMTEXT_SHIM_RANGE;
    if (result.ec != std::errc() || result.ptr != p + n)
        return NUMTEXT_SHIM_MALFORMED;
    *ret_value = value;
    return NUMTEXT_SHIM_OK;
}
