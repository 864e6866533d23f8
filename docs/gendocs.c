/* gendocs.c - prints a document made of the flag tables; runs at build time only.
 *   gendocs man | markdown */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/flag_docs.h"
#include "version.h"

int
main(int argc, char **argv)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (argc == 2 && strcmp(argv[1], "man") == 0) {
        flag_docs_write_man(STR(MNEME_VERSION), &text);
    } else if (argc == 2 && strcmp(argv[1], "markdown") == 0) {
        flag_docs_write_markdown(&text);
    } else {
        fprintf(stderr, "usage: gendocs man | markdown\n");
        return 1;
    }
    return fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0 ? 0 : 1;
}
