/* main.c - the binary: picks the subcommand. */
#include <stdio.h>
#include <string.h>

#include "version.h"

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("mneme, version %s\n", MNEME_VERSION);
        return 0;
    }
    fprintf(stderr, "usage: mneme --version\n");
    return 1;
}
