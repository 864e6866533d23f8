/* regex_shim.cc - the only caller of RE2. */
#include "base/regex_shim.h"

#include <re2/re2.h>

#include <string>
#include <vector>

struct regex_shim {
    RE2 re;
};

static RE2::Options
options(int64_t memory_bytes)
{
    RE2::Options o;
    o.set_log_errors(false);
    o.set_dot_nl(true);
    o.set_max_mem(memory_bytes);
    return o;
}

struct regex_shim *
regex_shim_new(const char *pattern, size_t n, int64_t memory_bytes)
{
    return new regex_shim{{re2::StringPiece(pattern, n), options(memory_bytes)}};
}

void
regex_shim_free(struct regex_shim *r)
{
    delete r;
}

/* The texts of Go's regexp/syntax. */
const char *
regex_shim_reason(const struct regex_shim *r)
{
    switch (r->re.error_code()) {
    case RE2::NoError:
        return nullptr;
    case RE2::ErrorInternal:
        return "regexp/syntax: internal error";
    case RE2::ErrorBadEscape:
        return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
        return "invalid character class";
    case RE2::ErrorBadCharRange:
        return "invalid character class range";
    case RE2::ErrorMissingBracket:
        return "missing closing ]";
    case RE2::ErrorMissingParen:
        return "missing closing )";
    case RE2::ErrorUnexpectedParen:
        return "unexpected )";
    case RE2::ErrorTrailingBackslash:
        return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
        return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
        return "invalid repeat count";
    case RE2::ErrorRepeatOp:
        return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
        return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
        return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
        return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
        return "expression too large";
    }
    return "unknown error";
}

const char *
regex_shim_fault(const struct regex_shim *r, size_t *ret_n)
{
    *ret_n = r->re.error_arg().size();
    return r->re.error_arg().data();
}

bool
regex_shim_match(const struct regex_shim *r, const char *text, size_t n)
{
    return r->re.Match(re2::StringPiece(text, n), 0, n, RE2::ANCHOR_BOTH, nullptr, 0);
}

bool
regex_shim_match_groups(const struct regex_shim *r, const char *text, size_t n,
                        struct regex_shim_group *ret_groups, size_t count)
{
    std::vector<re2::StringPiece> groups(count);
    if (!r->re.Match(re2::StringPiece(text, n), 0, n, RE2::ANCHOR_BOTH, groups.data(),
                     static_cast<int>(count)))
        return false;
    for (size_t i = 0; i < count; i++)
        ret_groups[i] = {groups[i].data(), groups[i].size()};
    return true;
}

size_t
regex_shim_group_count(const struct regex_shim *r)
{
    return static_cast<size_t>(r->re.NumberOfCapturingGroups());
}

size_t
regex_shim_group_find(const struct regex_shim *r, const char *name, size_t n)
{
    const auto &groups = r->re.NamedCapturingGroups();
    auto found = groups.find(std::string(name, n));
    return found == groups.end() ? 0 : static_cast<size_t>(found->second);
}
