/* assert.h - assertions are for bugs; bad bytes from outside are errors, never assertions.
 *
 * ASSERT       always on: a broken promise inside our own code.
 * ASSERT_SLOW  costly walks; on in debug, fuzz and simulation builds (MNEME_DEBUG).
 * UNREACHABLE  a path that the types allow and the logic does not. */
#pragma once
#include "config.h"

#define ASSERT(cond)                                                                               \
    (__builtin_expect(!(cond), 0) ? assert_fail(__FILE__, __LINE__, __func__, #cond) : (void)0)
#ifdef MNEME_DEBUG
#define ASSERT_SLOW(cond) ASSERT(cond)
#else
#define ASSERT_SLOW(cond) ((void)sizeof((cond) ? 1 : 0))
#endif
#define UNREACHABLE(why) assert_fail(__FILE__, __LINE__, __func__, "unreachable: " why)

/* Prints the place and aborts. */
_Noreturn void assert_fail(const char *file, int line, const char *func, const char *what);
