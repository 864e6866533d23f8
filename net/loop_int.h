/* loop_int.h - what the other files of net/ see of a loop: libevent's base.
 * Threads: loop. A base is touched by its own thread only, so it carries no locks. */
#pragma once
#include "net/loop.h"

struct event_base;
struct event_base *loop_base(struct loop *l);
