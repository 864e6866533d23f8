/* shared.h - where the large golden data lies, which is no part of the tree. */
#pragma once

/* The path of something below ../shared beside the source tree, valid until the next call;
 * NULL, with a line on stdout that says "skip", when it is not there. */
const char *shared_path(const char *relative);
